"""Frames -> stage: what is laid out at the start - the cards, curves and frames of all groups that are open then."""

from __future__ import annotations

from dataclasses import dataclass, field

from .frames import Edge, Frames


@dataclass
class Stage:
    """What is seen at one time.

    `cards` are nodes and closed groups, each with the innermost open group around it, "" for none; `frames` are open
    groups, each with the one around it; `joins` are curves, each with the cards that it joins.
    """

    cards: dict[str, str] = field(default_factory=dict)
    frames: dict[str, str] = field(default_factory=dict)
    joins: dict[str, tuple[str, str]] = field(default_factory=dict)


def stage_of(frames: Frames, opened: set[str]) -> Stage:
    """Return what is laid out at the start: the groups in `opened` are open, all others are closed.

    >>> from autograd_mini import Value
    >>> from .frames import Fold, frames_of
    >>> x = Value(3.0, label="x"); y = x.tanh()
    >>> found = stage_of(frames_of(y * 2.0, paths={y: ("g0",)}, folds=[Fold("g0", "h")]), set())
    >>> found.joins, found.cards
    ({'n0-g0': ('n0', 'g0'), 'g0-n2': ('g0', 'n2')}, {'n0': '', 'n2': '', 'g0': ''})
    """
    stage = Stage()
    for vertex in frames.vertices:
        if all(group in opened for group in vertex.group_path):
            stage.cards[f"n{vertex.id}"] = ("", *vertex.group_path)[-1]
    parents = {fold.id: fold.parent for fold in frames.folds}
    shown = {""}
    for fold, parent in parents.items():
        if parent in shown:
            (stage.frames if fold in opened else stage.cards)[fold] = parent
        shown |= {fold} & opened if parent in shown else set()
    for edge in frames.edges:
        tail, head = (_card(v, frames.vertices[v].group_path, opened) for v in (edge.tail, edge.head))
        if tail != head:
            stage.joins[curve_key(edge, tail, head)] = tail, head
    return stage


def curve_key(edge: Edge, tail: str, head: str) -> str:
    """Return the id of the curve that shows an edge between two cards: each use between two nodes has its own."""
    return f"e{edge.id}" if tail.startswith("n") and head.startswith("n") else f"{tail}-{head}"


def _card(vertex: int, path: tuple[str, ...], opened: set[str]) -> str:
    """Return the card that shows a vertex."""
    return next((group for group in path if group not in opened), f"n{vertex}")
