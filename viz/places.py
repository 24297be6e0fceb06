"""Frames -> places: where each card and each curve of a player lies, for every state of its folds.

What is open at the start is laid out as one graph, with a frame around each open group. Every other group is laid out
for itself, its own inner groups closed; the page makes room for it where its card was, so that nothing else jumps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import Any

import numpy as np

from .dot import SIZE, quoted
from .frames import Edge, Fold, Frames, Vertex
from .layered import layered
from .render import PYTHON, RenderError, layout
from .text import DASH, SMALL, entries, number, width

OPEN = 60  # cards up to which groups are open at the start
HIGH = 64.0  # points of a card
LEAST = 122.0
PAD = 10.0
BRIEF = 14  # characters of a number on a card
CHIP = (58.0, 20.0)  # room for the local derivative on an edge
CHIPS = 150  # curves up to which there is such room: it doubles what the layout program has to do
CLUSTER = "cluster_"
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
    """The layout of what lies in one group: centres of cards, frames (x, y, width, height) of open groups, curves."""

    size: Point
    cards: Mapping[str, Point]
    frames: Mapping[str, tuple[float, float, float, float]]
    curves: Mapping[str, Curve]


@dataclass(frozen=True)
class Places:
    """The width of every card, the groups open at the start, and the layout of each scope ("": the outermost)."""

    widths: Mapping[str, float]
    opened: tuple[str, ...]
    scopes: Mapping[str, Scope]
    engine: str


def places_of(frames: Frames, engine: str = "auto") -> Places:
    """Lay out the frames with a layout program, or where there is none ("auto") or is wanted none ("python"), here.

    Our own layout knows no frames around groups: then all of them are closed at the start. RenderError where the
    engine that was asked for cannot lay them out.

    >>> from autograd_mini import Value
    >>> from .frames import frames_of
    >>> x = Value(3.0, label="x"); places = places_of(frames_of(x * x))
    >>> sorted(places.scopes[""].cards), sorted(places.scopes[""].curves)
    (['n0', 'n1'], ['e0', 'e1'])
    """
    widths = {f"n{v.id}": card_width(v.name, v.op, ["0" * BRIEF] if v.shape else []) for v in frames.vertices}
    widths |= {fold.id: card_width(fold_title(fold), "", ["0" * 14]) for fold in frames.folds}
    if engine != PYTHON:
        try:
            return _placed(frames, widths, open_at_start(frames), engine)
        except RenderError:
            if engine != "auto":
                raise
    return _placed(frames, widths, (), PYTHON)


def _placed(frames: Frames, widths: Mapping[str, float], opened: tuple[str, ...], engine: str) -> Places:
    tree = _Tree(frames, set(opened))
    scopes, names = {}, []
    for scope in ["", *(fold.id for fold in frames.folds if fold.id not in opened)]:
        scopes[scope], name = _own(tree, scope, widths) if engine == PYTHON else _lay(tree, scope, widths, engine)
        names.append(name)
    return Places(widths, opened, scopes, names[0])


def open_at_start(frames: Frames, limit: int = OPEN) -> tuple[str, ...]:
    """Return the groups that are open at the start: all, or level by level while at most `limit` cards are seen.

    A level with a pile stays closed, so that equal parts are drawn once.
    """
    if len(frames.vertices) <= limit:
        return tuple(fold.id for fold in frames.folds)
    inside: dict[str, int] = {}
    for holder in [*(fold.parent for fold in frames.folds), *((v.group_path or ("",))[-1] for v in frames.vertices)]:
        inside[holder] = inside.get(holder, 0) + 1
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
        return f"norm {number(x['norm'] if isinstance(x, dict) else float(np.linalg.norm(x)))}"
    return entries(np.asarray(x)) if isinstance(x, list) else number(x)


def brief(x: Any) -> str:
    """Return a number of frames as a card has room for it.

    >>> brief([[1.25, 0.5], [3.0, -0.25]]), brief(2.0)
    ('norm 3.298', '2')
    """
    text = shown(x)
    return text if len(text) <= BRIEF or not isinstance(x, list) else f"norm {number(float(np.linalg.norm(x)))}"


def card_width(name: str, op: str, values: list[str]) -> float:
    """Return the width of a card in points: its title and op, or a key and the longest of its values."""
    head = width(name, SIZE) + width(op, SIZE) + (14 if op else 0)
    return round(max([LEAST, head + 2 * PAD, *(width(v, SIZE) + 40 + 2 * PAD for v in values)]), 1)


class _Tree:
    """Which card stands for a vertex in each scope, and what lies in the scope."""

    def __init__(self, frames: Frames, opened: set[str]) -> None:
        self.frames = frames
        self.opened = opened
        self.folds = {fold.id: fold for fold in frames.folds}

    def scope_of(self, path: tuple[str, ...]) -> str:
        """Return the scope that what lies in the innermost group of a path is drawn in."""
        return next((group for group in reversed(path) if group not in self.opened), "")

    def path_of(self, fold: Fold) -> tuple[str, ...]:
        """Return the groups around a group, the outermost first."""
        found: list[str] = []
        while fold.parent:
            found.append(fold.parent)
            fold = self.folds[fold.parent]
        return tuple(reversed(found))

    def card_in(self, scope: str, vertex: Vertex) -> str | None:
        """Return the card that shows a vertex in a scope, None where it lies outside."""
        path = vertex.group_path
        if scope and scope not in path:
            return None
        inner = path[path.index(scope) + 1 :] if scope else path
        return next((group for group in inner if group not in self.opened), f"n{vertex.id}")

    def members(self, scope: str) -> Iterator[tuple[str, str]]:
        """Yield each card of a scope, and the innermost open group around it."""
        for vertex in self.frames.vertices:
            if self.scope_of(vertex.group_path) == scope:
                yield f"n{vertex.id}", vertex.group_path[-1] if vertex.group_path else ""
        for fold in self.frames.folds:
            if fold.id not in self.opened and self.scope_of(self.path_of(fold)) == scope:
                yield fold.id, fold.parent

    def joins(self, scope: str) -> dict[str, tuple[str, str]]:
        """Return the curves of a scope: each use between two nodes has its own, all between two cards share one."""
        found: dict[str, tuple[str, str]] = {}
        for edge in self.frames.edges:
            tail, head = (self.card_in(scope, self.frames.vertices[v]) for v in (edge.tail, edge.head))
            if tail and head and tail != head:
                found[curve_key(edge, tail, head)] = (tail, head)
        return found


def curve_key(edge: Edge, tail: str, head: str) -> str:
    """Return the id of the curve that shows an edge between two cards."""
    return f"e{edge.id}" if tail.startswith("n") and head.startswith("n") else f"{tail}-{head}"


def _lay(tree: _Tree, scope: str, widths: Mapping[str, float], engine: str) -> tuple[Scope, str]:
    """Return the layout of one scope, and what made it."""
    cards, joins = dict(tree.members(scope)), tree.joins(scope)

    def source(settings: Mapping[str, str]) -> str:
        return _dot(tree, scope, cards, joins, widths, settings)

    found, name = layout(source, len(joins), engine)
    left, _, right, top = map(float, found["bb"].split(","))
    objects = {o["name"]: o for o in found.get("objects", ())}
    curves = {e["id"]: _curve(joins[e["id"]], e, top) for e in found.get("edges", ())}
    return Scope(
        (right - left, top),
        {card: _flipped(objects[card]["pos"], top) for card in cards},
        {o[len(CLUSTER) :]: _box(objects[o]["bb"], top) for o in objects if o.startswith(CLUSTER)},
        {key: curves[key] for key in joins},
    ), name


def _own(tree: _Tree, scope: str, widths: Mapping[str, float]) -> tuple[Scope, str]:
    """Return the layout of one scope, made here: cards in layers, each after all that it uses."""
    cards, joins = [card for card, _ in tree.members(scope)], tree.joins(scope)
    uses: dict[str, list[str]] = {card: [] for card in cards}
    for tail, head in joins.values():
        uses[head].append(tail)
    inorder = list(TopologicalSorter(uses).static_order())
    at = {card: i for i, card in enumerate(inorder)}
    found = layered(
        [(widths[c], HIGH) for c in inorder], [(at[t], at[h]) for t, h in joins.values()], [CHIP] * len(joins)
    )
    curves = {
        key: Curve(*ends, _bent(path), _near(chip))
        for (key, ends), path, chip in zip(joins.items(), found.arrows, found.chips)
    }
    return Scope(_near(found.extent), {c: _near(found.boxes[at[c]]) for c in cards}, {}, curves), PYTHON


def _bent(path: list[Point]) -> tuple[Point, ...]:
    """Return a path as cubic curves that leave and arrive from left to right."""
    points = [path[0]]
    for (x, y), (u, v) in pairwise(path):
        points += [((x + u) / 2, y), ((x + u) / 2, v), (u, v)]
    return tuple(map(_near, points))


def _near(point: Point) -> Point:
    return round(point[0], 1), round(point[1], 1)


def _dot(
    tree: _Tree,
    scope: str,
    cards: Mapping[str, str],
    joins: Mapping[str, tuple[str, str]],
    widths: Mapping[str, float],
    settings: Mapping[str, str],
) -> str:
    """Return a scope in DOT: boxes of the cards' sizes, clusters for open groups, room for a chip on each edge."""
    graph = {"rankdir": "LR", "ranksep": "0.35", "nodesep": "0.22", **settings}
    chip = f" label={_room(*CHIP)}" if len(joins) <= CHIPS else ""
    edges = [
        f"{tail} -> {head} [id={quoted(key)}{chip if key.startswith('e') else ''}]"
        for key, (tail, head) in joins.items()
    ]
    return "\n".join([
        "digraph {", *(f"{k}={quoted(v)}" for k, v in graph.items()),
        'node [shape=box fixedsize=true label=""]', "edge [arrowhead=none fontsize=8]",
        *_boxes(tree, scope, cards, widths), *edges, "}",
    ])  # fmt: skip


def _room(wide: float, high: float) -> str:
    """Return a label that is nothing but room."""
    return f'<<TABLE BORDER="0" FIXEDSIZE="TRUE" WIDTH="{wide:.0f}" HEIGHT="{high:.0f}"><TR><TD></TD></TR></TABLE>>'


def _boxes(tree: _Tree, scope: str, cards: Mapping[str, str], widths: Mapping[str, float]) -> Iterator[str]:
    """Yield the boxes, each in the clusters of the open groups around it."""
    held: dict[str, list[str]] = {}
    for card, holder in cards.items():
        held.setdefault(holder, []).append(f"{card} [width={widths[card] / 72:.3f} height={HIGH / 72:.3f}]")
    inner: dict[str, list[str]] = {}
    for fold in tree.frames.folds:
        if fold.id in tree.opened and tree.scope_of((*tree.path_of(fold), fold.id)) == scope:
            inner.setdefault(fold.parent, []).append(fold.id)
    pending: list[tuple[str, bool]] = [(scope, False)]
    while pending:
        group, after = pending.pop()
        if after:
            yield "}"
            continue
        if group != scope:
            yield f"subgraph {CLUSTER}{group} {{ margin=14 label={_room(80, 16)}"
            pending.append((group, True))
        yield from held.get(group, ())
        pending += [(child, False) for child in reversed(inner.get(group, []))]


def _flipped(pos: str, top: float) -> Point:
    x, y = map(float, pos.split(","))
    return round(x, 1), round(top - y, 1)


def _box(bb: str, top: float) -> tuple[float, float, float, float]:
    left, bottom, right, high = map(float, bb.split(","))
    return round(left, 1), round(top - high, 1), round(right - left, 1), round(high - bottom, 1)


def _curve(ends: tuple[str, str], edge: Mapping[str, Any], top: float) -> Curve:
    points = next(op["points"] for op in edge["_draw_"] if op["op"] in "bBL")
    chip = _flipped(edge["lp"], top) if "lp" in edge else None
    return Curve(*ends, tuple((round(x, 1), round(top - y, 1)) for x, y in points), chip)
