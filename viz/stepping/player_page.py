"""Frames -> player: one self-contained HTML file in which a person walks through both passes and changes the inputs."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from autograd_mini import AutogradError, Node
from autograd_mini.files import write_whole
from autograd_mini.sweep import order
from autograd_mini.text.formula import FormulaError, text

from ..graph.layout_programs import ENGINES
from ..names import caller_namespace, variables_of
from ..networks import NO_NETWORK, is_network, named_parameters
from ..text import clean
from .animation import animation_of
from .card_layout import CHIP, HIGH, Places, places_of
from .card_svg import asset, colours_css, scene_of
from .fold_data import folds_of
from .frames import Frames, fold, frames_of
from .gif import gif_of
from .heatmap import heats_of
from .live import NOT_LIVE, program_of
from .mistakes import compare, mistakes
from .numbers import number_to
from .sentences import TEMPLATES, sentences

SCRIPTS = ("core.js", "graph.js", "panel.js", "live.js", "lessons.js", "main.js")
OF_ARRAYS = ("arrays.js", "entries.js", "heat.js")
OF_THE_RECORD = ("recorded.js",)
LONGEST = 160  # characters of the formula in the head of the page
MOST = 20_000  # nodes of a page that a browser opens without losing patience
WRONG = 5_000  # entries of all nodes of a graph that is swept wrongly as well, where the page cannot do it
ANIMATED = 200  # steps of an animation that somebody watches to its end
SLOT = re.compile(r"\{\{(\w+)\}\}")


class PlayerError(AutogradError, ValueError):
    """A player that cannot be made, or cannot be saved as it was asked for."""


class Player:
    """A page in which the two passes through a graph are walked step by step; a notebook shows it.

    `.html` is the page, `.svg` its graph with the end of both passes, `.animation` (SVG) and `.gif` show one step after
    the other, `.frames` are the steps as data.
    """

    def __init__(self, frames: Frames, places: Places, formula: str, program: str, wrong: dict[str, Any]) -> None:
        self.frames = frames
        self.places = places
        self._formula = formula
        self._program = program
        self._wrong = wrong

    def __repr__(self) -> str:
        return f"<Player of {self.frames.title}: {len(self.frames.vertices)} nodes, {len(self.frames.steps)} steps>"

    @cached_property
    def svg(self) -> str:
        """The graph of what is open at the start, as one SVG element."""
        return scene_of(self.frames, self.places)

    @cached_property
    def html(self) -> str:
        """The page: one file that needs no network, with a strict Content-Security-Policy."""
        script = "{\n" + "".join(map(_compact, map(asset, self._scripts()))) + "}\n"
        parts = {
            "policy": _policy(self._program, script),
            "title": escape(self.frames.title),
            "formula": escape(self._formula),
            "style": colours_css(":root") + asset("page.css"),
            "scene": scene_of(self.frames, self.places, asset("states.css"), hidden=True),
            "animated": self._embedded(),
            "steps": "\n".join(f"<li>{escape(sentence)}</li>" for sentence in sentences(self.frames)),
            "record": _inert(self._record()),
            "live": self._program,
            "script": script,
        }
        return SLOT.sub(lambda slot: parts[slot[1]], asset("page.html"))

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

    def _scripts(self) -> tuple[str, ...]:
        """Return the scripts that the page needs; the last one starts."""
        return (
            *SCRIPTS[:-1],
            *(OF_ARRAYS if self._arrays else ()),
            *(() if self._live else OF_THE_RECORD),
            SCRIPTS[-1],
        )

    @property
    def _arrays(self) -> bool:
        return any(vertex.shape for vertex in self.frames.vertices)

    @property
    def _live(self) -> bool:
        return not self._program.startswith(NOT_LIVE)

    def _embedded(self) -> str:
        if len(self._folded.steps) > ANIMATED:
            return ""
        button = (
            '<button id="save-animation" type="button">both passes as animated SVG, with the recorded numbers</button>'
        )
        return f'{button}<script type="image/svg+xml" id="animation">{self.animation}</script>'

    def _record(self) -> dict[str, Any]:
        """Return the data of the page; of arrays only the numbers that it cannot find from others."""
        places = asdict(replace(self.places, heats={})) | {"high": HIGH, "chip": CHIP}
        del places["heats"]  # the page has them as pictures
        frames = self.frames.plain()
        if self._arrays:
            frames["steps"] = [_bare(step, self._live) for step in frames["steps"]]
        return {"frames": frames, "places": places, "templates": TEMPLATES, "mistakes": self._wrong}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page (.html) or the animation (.svg, .gif) to a file, whole or not at all, and return the path."""
        suffix = Path(path).suffix.lower()
        if suffix not in WRITERS:
            raise PlayerError(f"cannot save {str(path)!r}: the suffix says how, one of {', '.join(WRITERS)}")
        write_whole(path, WRITERS[suffix](self))
        return Path(path)

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, where its style and its names meet nobody else's."""
        style = "width:100%;height:680px;border:1px solid #8a96a3;border-radius:8px"
        return (
            f'<iframe title="{escape(repr(self))}" sandbox="allow-scripts allow-downloads" style="{style}" '
            f'srcdoc="{escape(self.html)}"></iframe>'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "image/svg+xml": self.svg, "text/plain": repr(self)}


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
    names: Mapping[str, Any] | None = None,
    engine: str = "auto",
) -> Player:
    """Return a player of the forward pass to `root` and the backward pass from it; no `grad` is changed.

    Nodes are named after their labels, else after the variables in `names` that hold them (yours, where you call this),
    parameters after their places in `model`. The layers and neurons of that, or of a model among the variables, fold;
    so do labelled expressions. The sliders of the page compute everything anew, from numbers and from entries of
    arrays, of which each opens as a scalar trace; a graph with arrays of single precision, of more than 50,000 entries
    in leaves and constants or 500,000 in all keeps its recorded numbers, and the page says so. Steps show the line of
    your code that recorded a node where `note_lines` noted it. `gradient` is that of the root, as in `backward`, and
    `engine` is as in `draw`. StaleError where data was assigned after the record, PlayerError for more than 20,000
    nodes, RenderError where the engine that was asked for cannot lay the graph out.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); player((x * x).tanh(), names={})
    <Player of L: 3 nodes, 8 steps>
    """
    _check(root, model, names, engine)
    variables = caller_namespace() if names is None else names
    nodes = order(root)
    if len(nodes) > MOST:
        raise PlayerError(
            f"a page of {len(nodes):,} nodes, more than {MOST:,}, is more than a browser plays: play a node inside, or "
            "look at the whole with draw, which folds it"
        )
    parameters = {} if model is None else {node: name for name, node in named_parameters(model).items()}
    folds, paths = folds_of(root, model, variables)
    frames = frames_of(root, parameters | variables_of(nodes, variables), paths, folds, gradient)
    program = program_of(root, gradient)
    wrong = _mistakes(root, gradient, recorded=program.startswith(NOT_LIVE))
    places = replace(places_of(frames, engine), heats=heats_of(root, gradient))
    return Player(frames, places, _formula(root, frames, nodes), program, wrong)


def _check(root: Any, model: Any, names: Any, engine: Any) -> None:
    """Raise PlayerError for a root, a model or names that are none, and for an engine that there is not."""
    if not isinstance(root, Node):
        raise PlayerError(f"player takes the Value or Tensor at the root of a graph, got {type(root).__name__}")
    if model is not None and not is_network(model):
        raise PlayerError(NO_NETWORK.format(type(model).__name__))
    if names is not None and not isinstance(names, Mapping):
        raise PlayerError(f"names maps names to nodes, as globals() does, got {type(names).__name__}")
    if engine not in ENGINES:
        raise PlayerError(f"engine is one of {', '.join(ENGINES)}, got {engine!r}")


def _mistakes(root: Node, gradient: Any, recorded: bool) -> dict[str, Any]:
    """Return the words about each famous mistake, and what it makes of a graph that the page cannot sweep itself."""
    words: dict[str, Any] = {
        key: {"title": m.title, "idea": m.idea, "sentence": m.sentence} for key, m in mistakes.items()
    }
    if recorded and sum(node.size for node in order(root)) <= WRONG:
        for key in words:
            found = compare(root, key, gradient)
            told = None if found.first_difference is None else found.first_difference.sentence
            words[key] |= {
                "recorded": [number_to(found.wrong_gradients.get(name)) for name in found.names],
                "told": told,
            }
    return words


def _formula(root: Node, frames: Frames, nodes: list[Node]) -> str:
    """Return how the root is computed from the leaves, where that is short enough to read."""
    leaves = {node: frames.vertices[len(nodes) - 1 - i].name for i, node in enumerate(nodes) if node.op is None}
    try:
        return clean(f"{frames.title} = {text(root, leaves)}", LONGEST)
    except FormulaError:
        return f"{frames.title}: {len(nodes):,} nodes"


def _policy(*scripts: str) -> str:
    """Return the policy of the page: its own scripts by their digests, its own style, and nothing from anywhere."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    sources = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {sources}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _compact(script: str) -> str:
    """Return a script without indentation and without lines that only comment."""
    lines = (line.strip() for line in script.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


def _bare(step: dict[str, Any], live: bool) -> dict[str, Any]:
    """Return a step without the numbers that the page computes, or finds from the steps before; norms do not add up."""
    found = {"local", "upstream", "before"}
    if live:
        found |= {"contribution", "after"}
    elif not isinstance(step.get("contribution"), dict):
        found.add("after")
    return {name: x for name, x in step.items() if name not in found or step["kind"] != "contribute"}


def _inert(record: dict[str, Any]) -> str:
    """Return JSON in ASCII in which nothing can end a script element."""
    written = json.dumps(record, separators=(",", ":"), allow_nan=False)
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
