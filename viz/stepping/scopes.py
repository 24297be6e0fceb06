"""Frames -> cards: what is laid out at the start - the cards, curves and frames of all groups that are open then."""

from __future__ import annotations

from dataclasses import dataclass, field

from .frames import Edge, Frames


@dataclass
class Cards:
    """The cards that are seen at one time, and what is around and between them.

    `cards` are nodes and closed groups, each with the innermost open group around it, "" for none; `frames` are open
    groups, each with the one around it; `joins` are curves, each with the cards that it joins.
    """

    cards: dict[str, str] = field(default_factory=dict)
    frames: dict[str, str] = field(default_factory=dict)
    joins: dict[str, tuple[str, str]] = field(default_factory=dict)


def cards_of(frames: Frames, opened: set[str]) -> Cards:
    """Return what is laid out at the start: the groups in `opened` are open, all others are closed.

    >>> from autograd_mini import Value
    >>> from .frames import Fold, frames_of
    >>> x = Value(3.0, label="x"); y = x.tanh()
    >>> found = cards_of(frames_of(y * 2.0, paths={y: ("g0",)}, folds=[Fold("g0", "h")]), set())
    >>> found.joins, found.cards
    ({'n0-g0': ('n0', 'g0'), 'g0-n2': ('g0', 'n2')}, {'n0': '', 'n2': '', 'g0': ''})
    """
    seen = Cards()
    for vertex in frames.vertices:
        if all(group in opened for group in vertex.group_path):
            seen.cards[f"n{vertex.id}"] = ("", *vertex.group_path)[-1]
    parents = {fold.id: fold.parent for fold in frames.folds}
    shown = {""}
    for fold, parent in parents.items():
        if parent in shown:
            (seen.frames if fold in opened else seen.cards)[fold] = parent
        shown |= {fold} & opened if parent in shown else set()
    for edge in frames.edges:
        tail, head = (_card(v, frames.vertices[v].group_path, opened) for v in (edge.tail, edge.head))
        if tail != head:
            seen.joins[curve_key(edge, tail, head)] = tail, head
    return seen


def curve_key(edge: Edge, tail: str, head: str) -> str:
    """Return the id of the curve that shows an edge between two cards: each use between two nodes has its own."""
    return f"e{edge.id}" if tail.startswith("n") and head.startswith("n") else f"{tail}-{head}"


def _card(vertex: int, path: tuple[str, ...], opened: set[str]) -> str:
    """Return the card that shows a vertex."""
    return next((group for group in path if group not in opened), f"n{vertex}")
