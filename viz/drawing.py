"""Drawings: what `draw` returns - the graph of a computation as SVG, PNG or DOT, in a file or in a notebook."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from autograd_mini import AutogradError, Node
from autograd_mini.sweep import order
from nn.atomic import write_whole

from .dot import dot_of, square
from .names import caller_namespace, notebook_namespace, variables_of
from .picture import LIMIT, Picture, PictureError, picture_of
from .render import ENGINES, layout, png
from .svg import svg_of

DIRECTIONS = ("LR", "TB", "RL", "BT")


class Drawing:
    """A picture of a graph as it was when it was drawn; a notebook shows it.

    `.svg` and `.source` (DOT) are text, `.png` is bytes; the layout engine runs when one is first asked for, and
    `.engine` says which one ran. RenderError where there is none or it fails.
    """

    def __init__(self, picture: Picture, direction: str = "LR", engine: str = "auto", format: str = "svg") -> None:
        self.picture = picture
        self.direction = direction
        self.format = format
        self._wanted = engine

    def __repr__(self) -> str:
        return f"<Drawing of {self.picture.title}: {len(self.picture.boxes)} boxes, {len(self.picture.arrows)} arrows>"

    @cached_property
    def source(self) -> str:
        """The picture in DOT, for Graphviz and its editors."""
        return dot_of(self.picture, self.direction)

    @cached_property
    def svg(self) -> str:
        """The picture as one self-contained SVG element, light or dark as the reader's screen is."""
        places, engine = self._layout
        return svg_of(self.picture, places, engine)

    @cached_property
    def png(self) -> bytes:
        """The picture as PNG on white, at 144 dots per inch."""
        return png(partial(dot_of, self.picture, self.direction), self._wanted)[0]

    @property
    def engine(self) -> str:
        """The layout program that made the picture: "graphviz-pure", or "dot" for one of the system."""
        return self._layout[1]

    @cached_property
    def _layout(self) -> tuple[dict[str, Any], str]:
        def source(settings: Mapping[str, str]) -> str:
            return square(dot_of(self.picture, self.direction, settings))

        return layout(source, len(self.picture.arrows), self._wanted)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file, as its suffix says (.svg, .png, .dot or .gv), and return the path.

        The file is written whole or not at all: an OSError says why not. Another suffix is a PictureError.
        """
        suffix = Path(path).suffix.lower()
        if suffix not in WRITERS:
            raise PictureError(f"cannot save {str(path)!r}: the suffix says how, one of {', '.join(WRITERS)}")
        write_whole(path, WRITERS[suffix](self))
        return Path(path)

    def render(self, filename: str | os.PathLike[str] = "graph", format: str | None = None) -> str:
        """Write `filename.svg`, or another format, and return that name: as a graphviz object does."""
        return str(self.save(f"{os.fspath(filename)}.{format or self.format}"))

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}


WRITERS = {
    ".svg": lambda drawing: drawing.svg.encode(),
    ".png": lambda drawing: drawing.png,
    ".dot": lambda drawing: drawing.source.encode(),
    ".gv": lambda drawing: drawing.source.encode(),
}


def draw(
    root: Node,
    *,
    direction: str = "LR",
    engine: str = "auto",
    names: Mapping[str, Any] | None = None,
    limit: int | None = LIMIT,
) -> Drawing:
    """Draw everything that `root` was computed from: data, gradients, and the local derivative on every arrow.

    A gradient that no sweep has computed is a dash. A node is named after its label, else after the variable in
    `names` that holds it (yours, where you call this), else v1, v2, ...; the root without a name is L. `direction` is
    LR, TB, RL or BT; `engine` is "auto", "bundled" (graphviz-pure) or "system" (the `dot` on PATH). More than `limit`
    nodes are refused with PictureError; None draws any number.

    >>> from autograd_mini import Value
    >>> a = Value(2.0, label="a"); c = a * a; c.backward()
    >>> draw(c, names={"c": c})
    <Drawing of c: 2 boxes, 2 arrows>
    """
    if not isinstance(root, Node):
        raise PictureError(f"draw takes the Value or Tensor at the root of a graph, got {type(root).__name__}")
    if direction not in DIRECTIONS:
        raise PictureError(f"direction is one of {', '.join(DIRECTIONS)}, got {direction!r}")
    if engine not in ENGINES:
        raise PictureError(f"engine is one of {', '.join(ENGINES)}, got {engine!r}")
    variables = variables_of(order(root), caller_namespace() if names is None else names)
    return Drawing(picture_of(root, variables, limit), direction, engine)


def draw_dot(root: Node, format: str = "svg", rankdir: str = "LR") -> Drawing:
    """Draw a graph under micrograd's name; what it returns also has `.render(filename)` and `.source`.

    >>> from autograd_mini import Value
    >>> draw_dot(Value(1.0, label="x")).source.splitlines()[0]
    'digraph {'
    """
    drawing = draw(root, direction=rankdir)
    return Drawing(drawing.picture, rankdir, format=format)


def show_node(node: Node) -> dict[str, str] | None:
    """Return what a notebook shows for a node: its graph, or None (then its repr) where that cannot be drawn."""
    try:
        return {**draw(node, names=notebook_namespace())._repr_mimebundle_(), "text/plain": repr(node)}
    except AutogradError:
        return None
