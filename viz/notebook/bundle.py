"""Bundle: what a notebook is given to show - a widget where it takes one, and always what needs none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from .kernel import takes_widgets

Bundle = dict[str, str]


def bundle_of(still: Bundle, widget: Callable[[], Any]) -> Bundle | tuple[Bundle, Mapping[str, Any]]:
    """Return what a notebook shows: `still`, with a widget before it where a notebook that takes one runs this.

    What is `still` is shown where the notebook is read without its kernel.
    """
    if not takes_widgets():
        return still
    shown = widget()._repr_mimebundle_()
    data, about = shown if isinstance(shown, tuple) else (shown, {})
    return {**data, **still}, about


def in_marimo_shown(html: str, widget: Callable[[], Any]) -> Any:
    """Return what marimo shows, which asks by `_display_` and would else prefer the HTML to a widget."""
    return widget() if takes_widgets() else sys.modules["marimo"].Html(html)
