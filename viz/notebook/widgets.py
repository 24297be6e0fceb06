"""Widgets: a page that shares numbers with Python, and a picture that is drawn anew when its numbers change.

They stand on anywidget, which JupyterLab, VS Code, Colab and marimo show alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from autograd_mini.errors import extra

from .held import put, taken
from .kernel import look, watch

Widget: Any = extra("anywidget", "anywidget", "notebook").AnyWidget
traitlets = extra("traitlets", "anywidget", "notebook")


def _script(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


class Code(Widget):  # type: ignore[misc]
    """The code of pages, which travels to a notebook once for all of them."""

    _esm = "export default {};"
    script = traitlets.Unicode().tag(sync=True)


_codes: dict[str, Code] = {}


def code_of(script: str) -> str:
    """Return the id of the model that holds a script; one that was closed is made anew."""
    if script not in _codes or _codes[script].comm is None:
        _codes[script] = Code(script=script)
    return str(_codes[script].model_id)


class Page(Widget):  # type: ignore[misc]
    """A page in a frame: `numbers` are those of what Python holds, as far as they are not what the page begins with."""

    _esm = _script("page.js")
    title = traitlets.Unicode().tag(sync=True)
    page = traitlets.List().tag(sync=True)  # what stands before its code, and after
    code = traitlets.Unicode().tag(sync=True)
    numbers = traitlets.Dict().tag(sync=True)

    def __init__(self, title: str, page: str, script: str, held: Mapping[str, Any]) -> None:
        self._held = held
        self._seen = {key: taken(each) for key, each in held.items()}
        super().__init__(title=title, page=page.split(script), code=code_of(script))
        self.observe(self._moved, "numbers")
        watch(self)

    def update(self) -> None:
        """Tell the page of the numbers that changed in Python."""
        now = {key: taken(each) for key, each in self._held.items()}
        changed = {key: x for key, x in now.items() if x != self._seen[key]}
        if changed:
            self._seen = now
            self.numbers = {**self.numbers, **changed}

    def _moved(self, change: Any) -> None:
        """Set in Python what was changed in the page, and let all that shows it follow."""
        moved = {key: x for key, x in change["new"].items() if key in self._held and x != change["old"].get(key)}
        told = {key: x for key, x in moved.items() if x != self._seen[key]}
        for key, x in told.items():
            put(self._held[key], x)
            self._seen[key] = taken(self._held[key])
        if told:
            look()


class Picture(Widget):  # type: ignore[misc]
    """A picture of a network; `wish` is a place, (layer, row, column) or (layer, row), and the number that it gets."""

    _esm = _script("picture.js")
    picture = traitlets.Unicode().tag(sync=True)
    changes = traitlets.Bool().tag(sync=True)
    wish = traitlets.Dict().tag(sync=True)

    def __init__(self, draw: Callable[[], str], held: Sequence[tuple[Any, Any]] = ()) -> None:
        self._draw = draw
        self._held = held
        super().__init__(picture=draw(), changes=bool(held))
        self.observe(self._wished, "wish")
        watch(self)

    def update(self) -> None:
        """Draw the picture anew."""
        self.picture = self._draw()

    def _wished(self, change: Any) -> None:
        layer, *place = change["new"]["place"]
        W, b = self._held[layer - 1]
        put(W if len(place) == 2 else b, change["new"]["to"], tuple(place))
        look()
