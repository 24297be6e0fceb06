"""Run: the function that a source defines."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def run_source(source: str, name: str = "program", given: dict[str, Any] | None = None) -> Any:
    """Return the function that a source defines."""
    namespace: dict[str, Any] = {"__name__": "autograd_mini.programs.program", **(given or {})}
    with _uncollected():
        code = compile(source, f"<{name}>", "exec")
    exec(code, namespace)
    return namespace[name]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the cycle collector from visiting a growing syntax tree again and again: half the time of a long source."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
