"""Frames -> places: where each card and each curve of a player lies at the start.

What is open then is laid out as one graph, with a frame around each open group; of a network the neurons are circles in
columns. The page lays out every other group for
itself when it is opened, and makes room for it where its card was, so that nothing else jumps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

import numpy as np

from ..graph.dot import SIZE, quoted
from ..graph.layered import PASSED, layered, passed
from ..graph.layout_programs import PYTHON, RenderError, layout
from ..heatmap import ROOM, Heat
from ..text import BRIEF, DASH, SMALL, entries, measured, norm, number, width
from .frames import Edge, Fold, Frames, Vertex
from .network_columns import ROUND, columns_of, rounds_of
from .scopes import Cards, cards_of

OPEN = 60  # cards up to which groups are open at the start
LONG = 400  # cards that a layout program takes more than a moment for
FEW = 8  # in a group that is open beside a network
HIGH = 64.0  # points of a card
LEAST = 122.0
PAD = 10.0
HEAT = 56.0  # points from the left of a card to its heat maps: the longest key, "grad +1", ends before
NORM = "norm 1.234e-05"  # the longest text beside a heat map, except a longer shape
CHIP = (58.0, 20.0)  # room for the local derivative on an edge, where that is a number
CHIP_SIZE, CHIP_PAD = 12.0, 4.0  # points of its letters, and beside them
DEAD = "\N{MULTIPLICATION X} "  # before the text of a chip, in the page, where the gradient is 0
CHIPS = 150  # curves up to which there is such room: it doubles what the layout program has to do
Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """An edge between two cards: the control points of its Bezier curves, and the centre of its chip."""

    tail: str
    head: str
    points: tuple[Point, ...]
    chip: Point | None


@dataclass(frozen=True)
class Scope:
    """The layout of what is seen: centres of cards, frames (x, y, width, height) of open groups, curves."""

    size: Point
    cards: Mapping[str, Point]
    frames: Mapping[str, tuple[float, float, float, float]]
    curves: Mapping[str, Curve]


@dataclass(frozen=True)
class CardLayout:
    """The width of every card, the groups open at the start, and the layout of what is seen then.

    `widths` has those of chips too that are wider than others, and `heats` the heat maps of the cards, by "n3 data".
    `rounds` are the groups whose cards are circles.
    """

    widths: Mapping[str, float]
    opened: tuple[str, ...]
    scope: Scope
    engine: str
    heats: Mapping[str, Heat] = field(default_factory=dict)
    rounds: frozenset[str] = frozenset()

    def size(self, card: str) -> Point:
        """Return the width and the height of a card."""
        return self.widths[card], ROUND if card in self.rounds else HIGH


def card_layout_of(frames: Frames, engine: str = "auto") -> CardLayout:
    """Lay out the frames with a layout program, or where there is none ("auto") or is wanted none ("python"), here.

    Our own layout, which "auto" takes too where a program would work for more than a moment, knows no frames around
    groups: then all of them are closed at the start. RenderError where the engine that was asked for cannot lay them
    out.

    >>> from autograd_mini import Value
    >>> from .frames import frames_of
    >>> x = Value(3.0, label="x"); places = card_layout_of(frames_of(x * x))
    >>> sorted(places.scope.cards), sorted(places.scope.curves)
    (['n0', 'n1'], ['e0', 'e1'])
    """
    rounds = rounds_of(frames.folds)
    widths = _widths(frames, rounds)
    if engine in ("auto", PYTHON):
        opened = network_at_start(frames, rounds)
        if (found := _columns(cards_of(frames, set(opened)), widths, rounds)) is not None:
            return CardLayout(widths, opened, found, PYTHON, rounds=rounds)
    opened = open_at_start(frames)
    if engine not in ("auto", PYTHON) or (engine == "auto" and not _is_long(cards_of(frames, set(opened)))):
        try:
            return _placed(frames, widths, opened, engine)
        except RenderError:
            if engine != "auto":
                raise
    return _placed(frames, widths, (), PYTHON)


def _widths(frames: Frames, rounds: Set[str]) -> dict[str, float]:
    """Return the widths of all cards, and of chips that are wider than others."""
    widths = {f"n{vertex.id}": _vertex_width(vertex) for vertex in frames.vertices}
    widths |= {fold.id: card_width(fold_title(fold), "", ["0" * BRIEF]) for fold in frames.folds}
    chips = {f"e{edge.id}": chip_width(edge, frames.vertices[edge.tail].shape) for edge in frames.edges}
    return widths | dict.fromkeys(rounds, ROUND) | {key: wide for key, wide in chips.items() if wide > CHIP[0]}


def _placed(frames: Frames, widths: Mapping[str, float], opened: tuple[str, ...], engine: str) -> CardLayout:
    seen = cards_of(frames, set(opened))
    scope, name = _own(seen, widths) if engine == PYTHON else _lay(seen, widths, engine)
    return CardLayout(widths, opened, scope, name)


def _columns(seen: Cards, widths: Mapping[str, float], rounds: frozenset[str]) -> Scope | None:
    """Return the layout of cards with circles; None where it has none."""
    sizes = {card: (widths[card], ROUND if card in rounds else HIGH) for card in seen.cards}
    found = columns_of(seen, sizes, {key: (widths.get(key, CHIP[0]), CHIP[1]) for key in seen.joins}, rounds)
    if found is None:
        return None
    curves = {
        key: Curve(*ends, tuple(map(_near, points)), chip and _near(chip))
        for key, ends in seen.joins.items()
        for points, chip in [found.curves[key]]
    }
    cards = {card: _near(at) for card, at in found.cards.items()}
    return Scope(_near(found.size), cards, found.frames, curves)


def network_at_start(frames: Frames, rounds: Set[str]) -> tuple[str, ...]:
    """Return the groups that are open at the start where neurons are circles: those around them, and small ones."""
    parents, inside = {fold.id: fold.parent for fold in frames.folds}, _held(frames)
    opened = {parents[neuron] for neuron in rounds}
    for fold in reversed(frames.folds):
        opened |= {fold.parent} if fold.id in opened else set()
    for fold in frames.folds:
        small = fold.count == 1 and fold.id not in rounds and inside.get(fold.id, 0) <= FEW
        if small and (not fold.parent or fold.parent in opened):
            opened.add(fold.id)
    return tuple(fold.id for fold in frames.folds if fold.id in opened)


def _held(frames: Frames) -> dict[str, int]:
    """Return how many nodes and groups lie directly in each group."""
    inside: dict[str, int] = {}
    for holder in [*(fold.parent for fold in frames.folds), *((v.group_path or ("",))[-1] for v in frames.vertices)]:
        inside[holder] = inside.get(holder, 0) + 1
    return inside


def open_at_start(frames: Frames, limit: int = OPEN) -> tuple[str, ...]:
    """Return the groups that are open at the start: all, or level by level while at most `limit` cards are seen.

    A level with a pile stays closed, so that equal parts are drawn once.
    """
    if len(frames.vertices) <= limit:
        return tuple(fold.id for fold in frames.folds)
    inside = _held(frames)
    seen, opened, level = inside.get("", 0), {""}, [fold for fold in frames.folds if not fold.parent]
    while level:
        seen += sum(inside.get(fold.id, 0) - 1 for fold in level)
        if seen > limit or any(fold.count > 1 for fold in level):
            break
        opened |= {fold.id for fold in level}
        level = [fold for fold in frames.folds if fold.parent in opened and fold.id not in opened]
    return tuple(fold.id for fold in frames.folds if fold.id in opened)


def fold_title(fold: Fold) -> str:
    """Return what stands on a group's card: its title, and how many equal parts it has."""
    return f"{fold.title} ×{fold.count}" if fold.count > 1 else fold.title


def shown(x: Any) -> str:
    """Return a number of frames as cards show it: with four digits, a small array's entries, a large one's norm.

    >>> shown(2 / 3), shown([1.0, 0.5]), shown({"norm": 2.0}), shown(None)
    ('0.6667', '[1, 0.5]', 'norm 2', '–')
    """
    if x is None:
        return DASH
    if isinstance(x, dict) or (isinstance(x, list) and np.size(x) > SMALL):
        return f"norm {number(x['norm'] if isinstance(x, dict) else norm(x))}"
    return entries(np.asarray(x)) if isinstance(x, list) else number(x)


def brief(x: Any) -> str:
    """Return a number of frames as a card has room for it.

    >>> brief([[1.25, 0.5], [3.0, -0.25]]), brief(2.0)
    ('norm 3.298', '2')
    """
    text = shown(x)
    return text if len(text) <= BRIEF or not isinstance(x, list) else f"norm {number(norm(x))}"


def end_of(frames: Frames, group: str, places: CardLayout) -> Vertex:
    """Return the vertex whose numbers the card of a group shows: its last, of a neuron what it makes of its sum."""
    inner = [vertex for vertex in frames.vertices if group in vertex.group_path]
    if group in places.rounds:
        made = {edge.head for edge in frames.edges if frames.vertices[edge.tail].op}
        inner = [vertex for vertex in inner if vertex.id in made] or inner
    return inner[-1]


def card_width(name: str, op: str, values: list[str]) -> float:
    """Return the width of a card in points: its title and op, or a key and the longest of its values."""
    head = width(name, SIZE) + width(op, SIZE) + (14 if op else 0)
    return round(max([LEAST, head + 2 * PAD, *(width(v, SIZE) + 40 + 2 * PAD for v in values)]), 1)


def _vertex_width(vertex: Vertex) -> float:
    """Return the width of a node's card: that of an array has room for a key, a heat map and a norm or the shape."""
    if not vertex.shape:
        return card_width(vertex.name, vertex.op, [])
    beside = max(measured(NORM, SIZE), measured(str(vertex.shape), SIZE)) + PAD
    return max(card_width(vertex.name, vertex.op, ["0" * BRIEF]), round(HEAT + ROOM[0] + beside + PAD / 2, 1))


def chip_text(edge: Edge, shape: tuple[int, ...]) -> str:
    """Return what the chip of an edge says: the local derivative, of an array its norm, or where there is none the
    shape of what travels along the edge, forward and backward: that of its tail."""
    if edge.local is None:
        return str(shape) if shape else "vjp"
    if isinstance(edge.local, float):
        return shown(edge.local)
    return f"‖{edge.local['norm'] if isinstance(edge.local, dict) else norm(edge.local):.3g}‖"


def chip_width(edge: Edge, shape: tuple[int, ...]) -> float:
    """Return the width of an edge's chip: one size for numbers, more for an array that needs more."""
    if isinstance(edge.local, float):
        return CHIP[0]
    text = DEAD + chip_text(edge, shape).replace("‖", "||")  # about as wide, and Arial's widths of ASCII are known
    return max(CHIP[0], round(measured(text, CHIP_SIZE, bold=True) + 2 * CHIP_PAD, 1))


def _lay(seen: Cards, widths: Mapping[str, float], engine: str) -> tuple[Scope, str]:
    """Return the layout of cards, and what made it."""

    def source(settings: Mapping[str, str]) -> str:
        return _dot(seen, widths, settings)

    found, name = layout(source, len(seen.joins), engine)
    left, _, right, top = map(float, found["bb"].split(","))
    objects = {o["name"]: o for o in found.get("objects", ())}
    edges = {e["id"]: e for e in found.get("edges", ())}
    return Scope(
        (right - left, top),
        {card: _flipped(objects[f"c{i}"]["pos"], top) for i, card in enumerate(seen.cards)},
        {group: _box(objects[f"cluster_{i}"]["bb"], top) for i, group in enumerate(seen.frames)},
        {key: _curve(ends, edges[f"k{i}"], top) for i, (key, ends) in enumerate(seen.joins.items())},
    ), name


def _is_long(seen: Cards) -> bool:
    """Whether cards are too many, or their curves too long, for a layout program to be done in a moment."""
    ordered, arrows = _in_order(seen)
    return len(ordered) > OPEN and (len(ordered) > LONG or passed(len(ordered), arrows) > PASSED)


def _in_order(seen: Cards) -> tuple[list[str], list[tuple[int, int]]]:
    """Return the cards, each after all that it uses, and the curves between them by their numbers."""
    uses: dict[str, list[str]] = {card: [] for card in seen.cards}
    for tail, head in seen.joins.values():
        uses[head].append(tail)
    ordered = list(TopologicalSorter(uses).static_order())
    at = {card: i for i, card in enumerate(ordered)}
    return ordered, [(at[tail], at[head]) for tail, head in seen.joins.values()]


def _own(seen: Cards, widths: Mapping[str, float]) -> tuple[Scope, str]:
    """Return the layout of one seen, made here: cards in layers, each after all that it uses."""
    ordered, arrows = _in_order(seen)
    sizes = [(widths[card], HIGH) for card in ordered]
    found = layered(sizes, arrows, [(widths.get(key, CHIP[0]), CHIP[1]) for key in seen.joins])
    drawn = zip(seen.joins.items(), found.arrows, found.chips)
    curves = {key: Curve(*ends, tuple(map(_near, path)), _near(chip)) for (key, ends), path, chip in drawn}
    cards = {card: _near(place) for card, place in zip(ordered, found.boxes)}
    return Scope(_near(found.extent), cards, {}, curves), PYTHON


def _near(point: Point) -> Point:
    return round(point[0], 1), round(point[1], 1)


def _dot(seen: Cards, widths: Mapping[str, float], settings: Mapping[str, str]) -> str:
    """Return cards in DOT: boxes of the cards' sizes, clusters for open groups, room for a chip on each edge."""
    graph = {"rankdir": "LR", "ranksep": "0.35", "nodesep": "0.22", **settings}
    roomy = len(seen.joins) <= CHIPS
    at = {card: f"c{i}" for i, card in enumerate(seen.cards)}
    edges = [
        f"{at[tail]} -> {at[head]} [id=k{i}{_chip_room(key, widths) if roomy and key.startswith('e') else ''}]"
        for i, (key, (tail, head)) in enumerate(seen.joins.items())
    ]
    return "\n".join([
        "digraph {", *(f"{k}={quoted(v)}" for k, v in graph.items()),
        'node [shape=box fixedsize=true label=""]', "edge [arrowhead=none fontsize=8]",
        *_boxes(seen, at, widths), *edges, "}",
    ])  # fmt: skip


def _chip_room(key: str, widths: Mapping[str, float]) -> str:
    return f" label={_room(widths.get(key, CHIP[0]), CHIP[1])}"


def _room(wide: float, high: float) -> str:
    """Return a label that is nothing but room."""
    return f'<<TABLE BORDER="0" FIXEDSIZE="TRUE" WIDTH="{wide:.0f}" HEIGHT="{high:.0f}"><TR><TD></TD></TR></TABLE>>'


def _boxes(seen: Cards, at: Mapping[str, str], widths: Mapping[str, float]) -> Iterator[str]:
    """Yield the boxes, each in the clusters of the open groups around it."""
    held: dict[str, list[str]] = {}
    for card, holder in seen.cards.items():
        held.setdefault(holder, []).append(f"{at[card]} [width={widths[card] / 72:.3f} height={HIGH / 72:.3f}]")
    inner: dict[str, list[str]] = {}
    for group, holder in seen.frames.items():
        inner.setdefault(holder, []).append(group)
    number = {group: i for i, group in enumerate(seen.frames)}
    pending: list[tuple[str, bool]] = [("", False)]
    while pending:
        group, done = pending.pop()
        if done:
            yield "}"
            continue
        if group in number:
            yield f"subgraph cluster_{number[group]} {{ margin=14 label={_room(80, 16)}"
            pending.append((group, True))
        yield from held.get(group, ())
        pending += [(child, False) for child in reversed(inner.get(group, []))]


def _flipped(pos: str, top: float) -> Point:
    x, y = map(float, pos.split(","))
    return _near((x, top - y))


def _box(bb: str, top: float) -> tuple[float, float, float, float]:
    left, bottom, right, high = map(float, bb.split(","))
    return (*_near((left, top - high)), *_near((right - left, high - bottom)))


def _curve(ends: tuple[str, str], edge: Mapping[str, Any], top: float) -> Curve:
    points = next(op["points"] for op in edge["_draw_"] if op["op"] in "bBL")
    chip = _flipped(edge["lp"], top) if "lp" in edge else None
    return Curve(*ends, tuple(_near((x, top - y)) for x, y in points), chip)
