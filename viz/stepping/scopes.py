"""Frames -> stages: what is laid out together - the cards, curves and frames of each group that opens by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .frames import Edge, Frames


@dataclass
class Stage:
    """What lies in one group, or with "" in none.

    `cards` are its nodes and closed groups, each with the innermost open group around it; `frames` are its open groups,
    each with the one around it; `joins` are its curves, each with the cards that it joins.
    """

    scope: str
    cards: dict[str, str] = field(default_factory=dict)
    frames: dict[str, str] = field(default_factory=dict)
    joins: dict[str, tuple[str, str]] = field(default_factory=dict)


def stages_of(frames: Frames, opened: set[str]) -> dict[str, Stage]:
    """Return the stages by their groups: those that are not in `opened`, and "".

    >>> from autograd_mini import Value
    >>> from .frames import Fold, frames_of
    >>> x = Value(3.0, label="x"); y = x.tanh()
    >>> found = stages_of(frames_of(y * 2.0, paths={y: ("g0",)}, folds=[Fold("g0", "h")]), set())
    >>> found[""].joins, found["g0"].cards
    ({'n0-g0': ('n0', 'g0'), 'g0-n2': ('g0', 'n2')}, {'n1': 'g0'})
    """
    stages = {"": Stage("")} | {fold.id: Stage(fold.id) for fold in frames.folds if fold.id not in opened}
    for vertex in frames.vertices:
        path = ("", *vertex.group_path)
        stages[_scope(path, opened)].cards[f"n{vertex.id}"] = path[-1]
    for fold, path in _paths(frames):
        stage = stages[_scope(path, opened)]
        (stage.frames if fold in opened else stage.cards)[fold] = path[-1]
    for edge in frames.edges:
        tail, head = (frames.vertices[v].group_path for v in (edge.tail, edge.head))
        common = [group for group, other in zip(tail, head) if group == other]
        scope = _scope(("", *common), opened)
        ends = _card(edge.tail, tail, scope, opened), _card(edge.head, head, scope, opened)
        stages[scope].joins[curve_key(edge, *ends)] = ends
    return stages


def curve_key(edge: Edge, tail: str, head: str) -> str:
    """Return the id of the curve that shows an edge between two cards: each use between two nodes has its own."""
    return f"e{edge.id}" if tail.startswith("n") and head.startswith("n") else f"{tail}-{head}"


def _paths(frames: Frames) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each group with those around it, the outermost first."""
    paths: dict[str, tuple[str, ...]] = {"": ("",)}
    for fold in frames.folds:
        yield fold.id, paths[fold.parent]
        paths[fold.id] = (*paths[fold.parent], fold.id)


def _scope(path: tuple[str, ...], opened: set[str]) -> str:
    """Return the innermost group of a path that is laid out by itself."""
    return next(group for group in reversed(path) if group not in opened)


def _card(vertex: int, path: tuple[str, ...], scope: str, opened: set[str]) -> str:
    """Return the card that shows a vertex in a scope."""
    inner = path[path.index(scope) + 1 :] if scope else path
    return next((group for group in inner if group not in opened), f"n{vertex}")
