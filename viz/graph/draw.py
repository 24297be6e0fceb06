"""Drawings: what `draw` returns - the graph of a computation as SVG, PNG, DOT, Mermaid or text."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import islice
from operator import attrgetter
from typing import Any

from autograd_mini import AutogradError, Node
from autograd_mini.errors import ExtraError
from autograd_mini.sweep import reach
from autograd_mini.text.names import caller_namespace, given_names, held_by_name, notebook_namespace, variables_of
from autograd_mini.text.recorded import as_recorded
from autograd_mini.text.roots import root_of

from ..drawing import PictureError, SvgDrawing, Writers, painted
from ..networks import NO_NETWORK, is_network
from ..text import spelled
from .columns import shows_layers
from .dot import dot_of, square
from .folding import LIMIT, Detail, beside, between, breadth_first, cut, only, view_in
from .layout_programs import ENGINES, PYTHON, RenderError, layout, png
from .mermaid import mermaid_of
from .picture import BACKWARD, BOTH, FORWARD, NAMES, Picture, picture_among
from .python_layout import Layout, layout_of, rows_of
from .rows import Rows, unframed
from .svg import svg_of
from .text_tree import text_of

QUICK = 1000  # nodes of a graph that a notebook has the patience for when nobody asked
NEAR = 30  # nodes that are drawn of a larger one
ZOOM = 2.0  # pixels of PNG for a point
DIRECTIONS = ("LR", "TB", "RL", "BT")
KNOWN = {
    "direction": DIRECTIONS, "engine": ENGINES, "show": (BOTH, FORWARD, BACKWARD, NAMES), "colour": ("kind", "grad"),
}  # fmt: skip


WRITERS: Writers = {
    ".svg": lambda drawing: drawing.svg.encode(),
    ".png": lambda drawing: drawing.png,
    ".mmd": lambda drawing: drawing.mermaid.encode(),
    ".txt": lambda drawing: drawing.text.encode(),
    ".dot": lambda drawing: drawing.source.encode(),
    ".gv": lambda drawing: drawing.source.encode(),
}


class Drawing(SvgDrawing):
    """A picture of a graph as it was when it was drawn; a notebook shows it.

    `.svg`, `.source` (DOT), `.mermaid` and `.text` are text, `.png` is bytes; the layout engine runs when a picture is
    first asked for, and `.engine` says which one ran. RenderError where there is none or it fails.
    """

    writers = WRITERS

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
        return dot_of(self._shown, self.direction, self._rows)

    @cached_property
    def svg(self) -> str:
        """The picture as one self-contained SVG element, light or dark as the reader's screen is."""
        return svg_of(*self._layout)

    @cached_property
    def png(self) -> bytes:
        """The picture as PNG on white, at 144 dots per inch; the layout of our own with the extra `gif` alone."""
        if self._ordered:
            try:
                return painted(self.svg, ZOOM)
            except ExtraError:
                pass  # a layout program draws the same boxes in another order
        return png(partial(dot_of, self._shown, self.direction, self._rows), self._wanted)[0]

    @cached_property
    def mermaid(self) -> str:
        """The picture as a Mermaid flow chart, for Markdown hosts."""
        return mermaid_of(self.picture, self.direction)

    @cached_property
    def text(self) -> str:
        """The picture as lines of text, a tree that grows down from the root."""
        return text_of(self.picture)

    def print(self) -> None:
        """Print the text, in colour on a terminal unless the environment variable NO_COLOR is set."""
        plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
        text = self.text if plain else text_of(self.picture, coloured=True)
        print(spelled(text, getattr(sys.stdout, "encoding", None)), end="")

    @property
    def engine(self) -> str:
        """What laid it out: "graphviz-pure", "dot" for a program of the system, "python" for the layout of our own."""
        return self._layout[2]

    @cached_property
    def _rows(self) -> Rows:
        """The row of each box, where arrays make the picture wider than a page."""
        return rows_of(self.picture, self.direction)

    @cached_property
    def _shown(self) -> Picture:
        """The picture as programs lay it out: in rows without frames."""
        return unframed(self.picture) if self._rows else self.picture

    @cached_property
    def _ordered(self) -> Layout | None:
        """The layout of our own, for rows and for networks in the textbook's order, where it can draw their frames."""
        if self._wanted != "auto" or not (self._rows or shows_layers(self.picture)):
            return None
        own = layout_of(self.picture, self.direction, self._rows)
        return own if own.framed else None

    @cached_property
    def _layout(self) -> tuple[Picture, dict[str, Any], str]:
        """The picture as it is laid out, the places of all its parts, and the program that found them.

        A network that is open stands in the textbook's order, which only the layout of our own keeps; and only there
        arrows between rows go around all boxes.
        """

        def source(settings: Mapping[str, str]) -> str:
            return square(dot_of(self._shown, self.direction, self._rows, settings))

        own = self._ordered
        if own is not None:
            return own.picture, own.layout, PYTHON
        if self._wanted != PYTHON:
            try:
                places, engine = layout(source, len(self.picture.arrows), self._wanted)
                return self._shown, places, engine
            except RenderError:
                if self._wanted != "auto":
                    raise
        own = layout_of(self.picture, self.direction, self._rows)
        return own.picture, own.layout, PYTHON

    def render(
        self,
        filename: str | os.PathLike[str] = "graph",
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        **others: Any,
    ) -> str:
        """Write `filename.svg`, or another format, and return that name: as a graphviz object does.

        `view` opens it, too; `cleanup` asks for what is so anyway: no source is left beside it.
        """
        if others:
            raise PictureError(f"render has no argument {next(iter(others))!r}: draw(root, ...) takes settings")
        path = self.save(f"{os.path.join(directory or '', os.fspath(filename))}.{format or self.format}")
        if view:
            webbrowser.open(os.path.abspath(path))
        return str(path)


def draw(
    root: Any,
    *,
    x: Any = None,
    direction: str = "LR",
    engine: str = "auto",
    names: Mapping[Any, Any] | None = None,
    limit: int | None = LIMIT,
    model: Any = None,
    fold: str | Sequence[str] | None = "auto",
    unfold: Sequence[str] = (),
    depth: int | None = None,
    once: bool = False,
    path: tuple[Node, Node] | None = None,
    show: str = BOTH,
    colour: str = "kind",
    legend: bool = False,
) -> Drawing:
    """Draw everything that `root` was computed from: data, gradients, and the local derivative on every arrow.

    A gradient that no sweep has computed is a dash. A node is named after its label, else as `names` says, {node: name}
    or {name: node} (by default your variables where you call this), else v1, v2, ...; the root without a name is L.
    Data is as it was recorded; a leaf that was assigned since says what it holds now. `direction` is LR, TB, RL or BT.
    `engine` is what lays it out: "bundled" (the package graphviz-pure), "system" (the `dot` on PATH), "python" (here)
    or "auto", which takes what there is. `show` is "both", "forward" (no gradients), "backward" (arrows as gradients
    flow) or "names" (no numbers); `colour="grad"` colours each gradient by its size; `legend=True` says below what
    everything means.

    A graph of more than 60 nodes is drawn folded: networks as layers, layers as neurons, labelled nodes with what only
    they need; the picture says so. Arrays show heat maps of their data and gradients, and a picture of them that is
    wider than 1,200 points goes on below. An open network stands in the textbook's order, inputs on the left, layers in
    columns, neurons from 0 up, a band for a bar of curves; equal samples are a pile, which shows one of them by name.
    The networks are those of `model`, else of the networks in `names`, else of the labels of parameters. `unfold="layer
    1/neuron 0"` opens a group, `depth` says how many groups inside each other are open, `fold` names groups to fold
    while all others are open (None: no groups), `once=True` draws equal groups side by side once, with their number.
    What is still more than `limit` boxes is cut down to those next to the root; limit=None draws any number.
    `path=(leaf, root)` keeps the paths between two nodes and what meets them.

    `root` may be a fitted classifier or regressor, scikit-learn's or ours, a Pipeline, or a network: drawn is what it
    predicts for the sample `x` of shape (d,), for a typical one where x is left out.

    Tooltips hold the formula, the exact numbers, and the line of your code for what was recorded inside
    `detect_nonfinite()`. A wrong argument raises PictureError; recorded data that is lost, StaleError.

    >>> from autograd_mini import Value
    >>> a = Value(2.0, label="a"); c = a * a; c.backward()
    >>> draw(c, names={"c": c})
    <Drawing of c: 2 boxes, 2 arrows>
    """
    root = root_of(root, x)
    _check(root, names, model, direction=direction, engine=engine, show=show, colour=colour)
    namespace = caller_namespace() if names is None else names
    detail = Detail(fold, unfold, depth, once, limit)
    found = reach([root])
    with as_recorded(found) as moved:
        nodes = sorted(found, key=attrgetter("birth"))
        marked = [] if path is None else between(*_ends(path), nodes)
        view = cut(beside(marked), limit) if marked else view_in(nodes, detail, model, held_by_name(namespace))
        called = given_names(nodes, namespace)
        picture = picture_among(nodes, called, view, show, colour, legend, marked, moved)
    return Drawing(picture, direction, engine)


def _check(root: Any, names: Any, model: Any, **settings: str) -> None:
    """Raise PictureError for a root, names or a model that are none, and for a setting that there is not."""
    if not isinstance(root, Node):
        raise PictureError(f"draw takes the Value or Tensor at the root of a graph, got {type(root).__name__}")
    try:
        given_names((), names)
    except AutogradError as error:
        raise PictureError(str(error)) from None
    if model is not None and not is_network(model):
        raise PictureError(NO_NETWORK.format(type(model).__name__))
    for name, setting in settings.items():
        if setting not in KNOWN[name]:
            raise PictureError(f"{name} is one of {', '.join(KNOWN[name])}, got {setting!r}")


def _ends(path: Any) -> tuple[Node, Node]:
    """Return the two ends of a path."""
    if not (isinstance(path, (tuple, list)) and len(path) == 2 and all(isinstance(end, Node) for end in path)):
        raise PictureError(f"path is a pair of nodes, (leaf, root), got {path!r:.80}")
    return path[0], path[1]


def draw_dot(root: Node, format: str = "svg", rankdir: str = "LR") -> Drawing:
    """Draw a graph under micrograd's name: as `draw` does, with `rankdir` for its direction.

    What it returns also has `.render(filename)`, which writes the `format` named here, and `.source`. Errors are those
    of `draw`.

    >>> from autograd_mini import Value
    >>> draw_dot(Value(1.0, label="x")).source.splitlines()[0]
    'digraph {'
    """
    drawing = draw(root, direction=rankdir)
    return Drawing(drawing.picture, rankdir, format=format)


def show_node(node: Node) -> dict[str, str] | None:
    """Return what a notebook shows for a node: its graph, or None (then its repr) where that cannot be drawn.

    It is shown unasked, so it is quick: of more than 1,000 nodes the nearest are drawn, and nothing is folded.

    >>> from autograd_mini import Value
    >>> sorted(show_node(Value(2.0, label="a") * 3.0))
    ['image/svg+xml', 'text/plain']
    """
    near = list(islice(breadth_first(node), QUICK + 1))
    names = notebook_namespace()
    try:
        drawing = draw(node, names=names) if len(near) <= QUICK else nearest(near[:NEAR], names)
        return {**drawing._repr_mimebundle_(), "text/plain": repr(node)}
    except AutogradError:
        return None


def nearest(near: list[Node], names: Mapping[str, Any]) -> Drawing:
    """Draw the nodes next to the first of them, which is the root, and one box for all others."""
    whole = len(reach(near[:1]))
    with as_recorded(near) as moved:
        nodes = sorted(near, key=lambda node: node.birth)
        called = variables_of(near, names)
        picture = picture_among(nodes, called, only(nodes, whole), BOTH, "kind", False, (), moved)
    note = f"The {len(near)} nodes next to the root, of {whole:,}: viz.draw(root) folds all of them into one picture."
    return Drawing(replace(picture, note=note), engine=PYTHON)
