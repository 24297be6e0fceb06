"""Frames -> player: one self-contained HTML file in which a person walks through both passes and changes the inputs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from autograd_mini import AutogradError, Node
from autograd_mini.files import write_as
from autograd_mini.op import ROWS
from autograd_mini.programs.languages.javascript_table import table_source
from autograd_mini.sweep import order, reach
from autograd_mini.text.formula import FormulaError, names_of, text
from autograd_mini.text.names import caller_namespace, given_names, held_by_name
from autograd_mini.text.recorded import as_recorded

from ..expression import CONSTANTS, INSTEAD, SYNONYMS
from ..graph.layout_programs import ENGINES
from ..networks import NO_NETWORK, is_network, named_parameters
from ..notation import RULES
from ..notebook.bundle import bundle_of, in_marimo_shown
from ..pages import compact, framed, inert, page_of, scripts
from .animation import animation_of
from .card_layout import CardLayout, card_layout_of
from .card_svg import asset, cards_svg, colours_css
from .fold_data import folds_of
from .frames import Frames, fold, frames_of, outline_of
from .gif import gif_of
from .heats import heats_of
from .mistakes import mistakes
from .plain_script import plain_script
from .record import PAGE, record_of
from .sentences import TEMPLATES, sentences

SCRIPTS = (
    "engine.js", "core.js", "layout.js", "graph.js", "network.js", "motion.js", "panel.js", "live.js", "lessons.js",
    "formula.js", "notebook.js", "main.js",
)  # fmt: skip
OF_ARRAYS = ("arrays.js", "entries.js", "equations.js", "heat.js")
LONGEST = 160  # characters of the formula in the head of the page
MOST = 200_000  # nodes of a page that a browser opens without losing patience
HELD = 1_000_000  # entries of leaves and constants that travel in a page
WHOLE = 5_000  # nodes of a graph whose steps are told in a page without scripts too
ANIMATED = 200  # steps of an animation that somebody watches to its end


class PlayerError(AutogradError, ValueError):
    """A player that cannot be made, or cannot be saved as it was asked for."""


class Player:
    """A page in which the two passes through a graph are walked step by step; a notebook shows it.

    `.html` is the page, `.plain` the forward pass in lines of JavaScript as they stand in its source, `.svg` its graph
    with the end of both passes, `.animation` (SVG) and `.gif` show one step after the other, `.frames` are the steps
    as data.
    """

    def __init__(
        self,
        record: dict[str, Any],
        seen: Frames,
        places: CardLayout,
        tell: Callable[[], Frames],
        leaves: dict[str, Node],
        plain: str,
    ) -> None:
        self.record = record
        self.plain = plain
        self.places = places
        self._seen = seen
        self._tell = tell
        self._leaves = leaves  # by their numbers in the record

    def __repr__(self) -> str:
        steps = "" if self._large else f", {len(self.frames.steps)} steps"
        return f"<Player of {self._seen.title}: {len(self._seen.vertices)} nodes{steps}>"

    @cached_property
    def frames(self) -> Frames:
        """The steps as data; the page finds its own."""
        return self._tell()

    @cached_property
    def svg(self) -> str:
        """The graph of what is open at the start, as one SVG element."""
        return cards_svg(self._seen, self.places)

    @cached_property
    def html(self) -> str:
        """The page: one file that needs no network, with a strict Content-Security-Policy."""
        parts = {
            "title": escape(self._seen.title),
            "formula": escape(self._formula),
            "style": colours_css(":root") + asset("page.css"),
            "scene": cards_svg(self._seen, self.places, asset("states.css")),
            "steps": self._steps(),
            "record": inert(self._record()),
            "plain": self.plain,
            **self._scripts,
        }
        return page_of(asset("page.html"), parts)

    @cached_property
    def _scripts(self) -> dict[str, str]:
        return scripts(code(self._arrays), compact(asset("start.js")), self.plain)

    @cached_property
    def widget(self) -> Any:
        """The page as a widget of a notebook: its leaves are those of Python, whoever moves them.

        A notebook shows it by itself; `.widget.update()` shows in the midst of a cell what was assigned in Python.
        ExtraError without the extra `notebook`.
        """
        from ..notebook.widgets import Page

        return Page(repr(self), self.html, self._scripts["code"], self._leaves)

    @cached_property
    def animation(self) -> str:
        """Both passes as one animated SVG: it needs no script, and stands still where motion is not wanted.

        Groups that are closed at the start stay closed; PlayerError where there are more than 200 steps even so.
        """
        return animation_of(self._watched, self.places)

    @cached_property
    def gif(self) -> bytes:
        """The same as an animated GIF, for where no SVG is shown; ExtraError without the extra `gif`."""
        return gif_of(self._watched, self.places)

    @property
    def _watched(self) -> Frames:
        """The steps of an animation, where there are few enough of them."""
        if len(self._folded.steps) > ANIMATED:
            raise PlayerError(
                f"an animation of {len(self._folded.steps):,} steps, more than {ANIMATED}, is too long to watch: "
                "save the page, name.html, or animate a node inside"
            )
        return self._folded

    @cached_property
    def _folded(self) -> Frames:
        """The steps as they are seen at the start, with closed groups as one step each."""
        return fold(self.frames, [f.id for f in self.frames.folds if f.id not in self.places.opened])

    @property
    def _large(self) -> bool:
        return len(self._seen.vertices) > WHOLE

    @property
    def _arrays(self) -> bool:
        rows = (ROWS.get(name) for name in self.record["rows"])
        return any(v.shape for v in self._seen.vertices) or not all(isinstance(row, PAGE) for row in rows if row)

    @property
    def _formula(self) -> str:
        return self.record.get("formula") or f"{self._seen.title}: {len(self._seen.vertices):,} nodes"

    def _steps(self) -> str:
        """Return the steps that are seen at the start as a list, for a page without scripts."""
        if self._large:
            return f"<li>The steps of {len(self._seen.vertices):,} nodes are told where scripts run.</li>"
        return "\n".join(f"<li>{escape(sentence)}</li>" for sentence in sentences(self._folded))

    def _record(self) -> dict[str, Any]:
        """Return the data of the page."""
        scope = self.places.scope
        seen = {*scope.cards, *scope.curves}
        widths = {name: wide for name, wide in self.places.widths.items() if name in seen}
        placed = vars(scope) | {"curves": {key: vars(curve) for key, curve in scope.curves.items()}}
        return self.record | {"places": {"widths": widths, "opened": self.places.opened, "scope": placed}}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page (.html) or the animation (.svg, .gif) to a file, whole or not at all, and return the path."""
        return write_as(path, WRITERS, PlayerError, self)

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, where its style and its names meet nobody else's."""
        return framed(repr(self), self.html)

    def _display_(self) -> Any:
        return in_marimo_shown(self._repr_html_(), lambda: self.widget)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        still = {"text/html": self._repr_html_(), "image/svg+xml": self.svg, "text/plain": repr(self)}
        return bundle_of(still, lambda: self.widget)


WRITERS: dict[str, Callable[[Player], bytes]] = {
    ".html": lambda player: player.html.encode(),
    ".htm": lambda player: player.html.encode(),
    ".svg": lambda player: player.animation.encode(),
    ".gif": lambda player: player.gif,
}


def player(
    root: Node,
    gradient: Any = None,
    *,
    model: Any = None,
    names: Mapping[Any, Any] | None = None,
    engine: str = "auto",
) -> Player:
    """Return a player of the forward pass to `root` and the backward pass from it; no `grad` is changed.

    Nodes are named after their labels, else as `names` says, {node: name} or {name: node} (your variables by default),
    parameters after their places in `model`. The layers and neurons of that, or of a model among the variables, fold;
    so do labelled expressions. The page holds the record and an engine: it computes the steps, and everything anew from
    numbers and from entries of arrays, of which each opens as a scalar trace; rows that JavaScript lacks keep their
    recorded numbers, and the page names them. Steps show the line of your code that recorded a node where `note_lines`
    noted it. `gradient` is that of the root, as in `backward`, and `engine` is as in `draw`. All is as it was
    recorded; StaleError where that is lost, PlayerError for more than 200,000 nodes or a million entries in leaves and
    constants, RenderError where the engine that was asked for cannot lay the graph out.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); player((x * x).tanh(), names={})
    <Player of L: 3 nodes, 8 steps>
    """
    _check(root, model, names, engine)
    variables = caller_namespace() if names is None else names
    with as_recorded(reach([root])):
        return _played(root, gradient, model, variables, engine)


def _played(root: Node, gradient: Any, model: Any, names: Mapping[Any, Any], engine: str) -> Player:
    """Return the player of a graph whose leaves hold what was recorded."""
    nodes = order(root)
    _check_size(nodes)
    parameters = {} if model is None else {node: name for name, node in named_parameters(model).items()}
    folds, paths = folds_of(root, model, held_by_name(names))
    known = parameters | given_names(nodes, names)
    called = names_of(nodes, known, root)

    def tell() -> Frames:
        return frames_of(root, known, paths, folds, gradient)

    seen = tell() if len(nodes) <= WHOLE else outline_of(root, called, paths, folds, gradient)
    record = record_of(root, called, paths, folds, gradient) | _formula(root, called)
    places = replace(card_layout_of(seen, engine), heats=heats_of(root, gradient))
    leaves = {str(i): node for i, node in enumerate(reversed(nodes)) if node.op is None}
    plain = plain_script(nodes[::-1], "why" in record)
    return Player(record, seen, places, tell if len(nodes) > WHOLE else lambda: seen, leaves, plain)


def _check_size(nodes: Sequence[Node]) -> None:
    """Raise PlayerError for more than a browser can take."""
    if len(nodes) > MOST:
        raise PlayerError(
            f"a page of {len(nodes):,} nodes, more than {MOST:,}, is more than a browser plays: play a node inside, or "
            "look at the whole with draw, which folds it"
        )
    kept = (x for n in nodes for x in ((n._data,) if n.op is None else n.args))
    held = sum(x.size if isinstance(x, np.ndarray) else isinstance(x, float) for x in kept)
    if held > HELD:
        raise PlayerError(
            f"the leaves and constants have {held:,} entries, more than the {HELD:,} that a page can hold: play a "
            "smaller batch, or a node inside"
        )


def _check(root: Any, model: Any, names: Any, engine: Any) -> None:
    """Raise PlayerError for a root, a model or names that are none, and for an engine that there is not."""
    if not isinstance(root, Node):
        raise PlayerError(f"player takes the Value or Tensor at the root of a graph, got {type(root).__name__}")
    if model is not None and not is_network(model):
        raise PlayerError(NO_NETWORK.format(type(model).__name__))
    try:
        given_names((), names)
    except AutogradError as error:
        raise PlayerError(str(error)) from None
    if engine not in ENGINES:
        raise PlayerError(f"engine is one of {', '.join(ENGINES)}, got {engine!r}")


def _formula(root: Node, names: Mapping[Node, str]) -> dict[str, str]:
    """Return how the root is computed from the leaves, where that is short enough to read."""
    leaves = {node: name for node, name in names.items() if node.op is None}
    try:
        written = text(root, leaves)
    except FormulaError:
        return {}
    return {"formula": written} if len(written) <= LONGEST else {}


@cache
def code(arrays: bool) -> str:
    """Return the script of a page: the table in JavaScript, the words, and what is done with them.

    It is the same for all pages of numbers, and for all of arrays. The last part of it starts.
    """
    words = {
        "TEMPLATES": TEMPLATES,
        "MISTAKES": {key: {"title": m.title, "idea": m.idea, "sentence": m.sentence} for key, m in mistakes.items()},
        "LANGUAGE": {"constants": CONSTANTS, "synonyms": SYNONYMS, "instead": INSTEAD, "school": RULES},
    }
    parts = [
        'const RECORD = JSON.parse(document.getElementById("record").textContent);',
        *(f"const {name} = {json.dumps(told, separators=(',', ':'))};" for name, told in words.items()),
        table_source(arrays),
        *map(asset, (*SCRIPTS[:-1], *(OF_ARRAYS if arrays else ()), SCRIPTS[-1])),
    ]
    return "{\n" + "".join(map(compact, parts)) + "}\n"
