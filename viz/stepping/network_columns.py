"""Cards -> columns: the layers of a network as columns of circles, a neuron each, from top to bottom in order.

A column is one box of a layered layout, so that what is before, after and beside the network finds its place around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from ..graph.layered import bent, layered
from ..graph.ownership import LAYER, NEURON
from .frames import Fold
from .scopes import Cards

ROUND = 36.0  # points of a circle
PITCH = 42.0  # from circle to circle
APART = 40.0  # between columns, and more
STEEP = 0.2  # for each point of height of the tallest
PAD, HEAD = 12.0, 26.0  # points around what is in a group; on top, for its name
Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]  # left, top, width, height
Arrow = tuple[str, str, str]  # what it leads from and to, and the curve that it is
Routed = tuple[list[Point], Point | None]


def rounds_of(folds: Iterable[Fold]) -> frozenset[str]:
    """Return the groups that are drawn as circles while they are closed: the neurons of layers."""
    known = list(folds)
    layers = {fold.id for fold in known if fold.kind == LAYER}
    return frozenset(fold.id for fold in known if fold.kind == NEURON and fold.parent in layers)


class Columns(NamedTuple):
    """The extent, the middles of cards, the frames of open groups, and of each curve its points and its chip."""

    size: Point
    cards: dict[str, Point]
    frames: dict[str, Rectangle]
    curves: dict[str, Routed]


def columns_of(
    seen: Cards, sizes: Mapping[str, Point], chips: Mapping[str, Point], rounds: frozenset[str]
) -> Columns | None:
    """Return the places of cards that show circles; None where they have none, or where a layer leads back to itself.

    `sizes` are those of cards, `chips` the room for the chip of each curve.
    """
    held = _held(seen, rounds)
    columns = held.keys() & seen.frames.keys()
    arrows = _arrows(seen, held, columns)
    order = _ordered(held, arrows)
    if not columns or order is None:
        return None
    at = {block: i for i, block in enumerate(order)}
    apart = APART + STEEP * PITCH * max(len(held[column]) for column in columns)
    found = layered(
        [_size(held[block], sizes, block in columns) for block in order],
        [(at[tail], at[head]) for tail, head, _ in arrows],
        [chips[key] if key else (apart if {tail, head} <= columns else 0.0, 0.0) for tail, head, key in arrows],
        [_around(block, seen) for block in order],
    )
    cards = dict(_middles(held, {block: found.boxes[i] for block, i in at.items()}, columns))
    curves: dict[str, Routed] = {key: (_direct(*ends, cards, sizes), None) for key, ends in seen.joins.items()}
    for (_, _, key), path, chip in zip(arrows, found.arrows, found.chips):
        if key:
            curves[key] = path, chip
    return _whole(found.extent, cards, _frames(seen, cards, sizes), curves)


def _whole(
    extent: Point, cards: dict[str, Point], frames: dict[str, Rectangle], curves: dict[str, Routed]
) -> Columns:  # fmt: skip
    """Return everything moved right and down until no frame begins before 0."""
    left = max([0.0, *(-frame[0] for frame in frames.values())])
    top = max([0.0, *(-frame[1] for frame in frames.values())])

    def moved(at: Point) -> Point:
        return at[0] + left, at[1] + top

    right, low = extent
    for x, y, wide, high in frames.values():
        right, low = max(right, x + wide), max(low, y + high)
    return Columns(
        moved((right, low)),
        {card: moved(at) for card, at in cards.items()},
        {group: (*moved((x, y)), wide, high) for group, (x, y, wide, high) in frames.items()},
        {key: ([*map(moved, points)], chip and moved(chip)) for key, (points, chip) in curves.items()},
    )


def _held(seen: Cards, rounds: frozenset[str]) -> dict[str, list[str]]:
    """Return the cards of each block: the circles of a layer by its name, any other card by its own."""
    held: dict[str, list[str]] = {}
    for card, holder in seen.cards.items():
        held.setdefault(holder if card in rounds else card, []).append(card)
    return held


def _arrows(seen: Cards, held: Mapping[str, list[str]], columns: Set[str]) -> list[Arrow]:
    """Return what leads from block to block, with the curve that it is, or "" where a column has many."""
    block_of = {card: block for block, cards in held.items() for card in cards}
    found: dict[Arrow, None] = {}
    for key, (tail, head) in seen.joins.items():
        start, end = block_of[tail], block_of[head]
        found[start, end, key if columns.isdisjoint({start, end}) else ""] = None
    return [arrow for arrow in found if arrow[2] or not _goes_round(arrow, found)]


def _goes_round(arrow: Arrow, arrows: Iterable[Arrow]) -> bool:
    """Whether another way leads where an arrow leads, as one to a penalty of all weights: it asks for no place."""
    heads: dict[str, list[str]] = {}
    for tail, head, _ in arrows:
        heads.setdefault(tail, []).append(head)
    tail, goal, _ = arrow
    stack = [head for head in heads[tail] if head != goal]
    seen = set(stack)
    while stack:
        new = [head for head in heads.get(stack.pop(), ()) if head not in seen]
        seen.update(new)
        stack += new
    return goal in seen


def _ordered(held: Mapping[str, list[str]], arrows: Iterable[Arrow]) -> list[str] | None:
    """Return the blocks, each after those that lead to it; None where there is no such order."""
    before: dict[str, list[str]] = {block: [] for block in held}
    for tail, head, _ in arrows:
        before[head].append(tail)
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError:
        return None


def _size(cards: list[str], sizes: Mapping[str, Point], column: bool) -> Point:
    return (ROUND + 2 * PAD, 2 * HEAD + PITCH * len(cards)) if column else sizes[cards[0]]


def _around(block: str, seen: Cards) -> tuple[str, ...]:
    """Return the frames around a block, outermost first; the one that a column stands for is not around it."""
    found: list[str] = []
    holder = (seen.cards | seen.frames)[block]
    while holder:
        found.insert(0, holder)
        holder = seen.frames[holder]
    return tuple(found)


def _middles(
    held: Mapping[str, list[str]], blocks: Mapping[str, Point], columns: Set[str]
) -> Iterator[tuple[str, Point]]:
    for block, cards in held.items():
        x, y = blocks[block]
        top = y - PITCH * len(cards) / 2
        for i, card in enumerate(cards):
            yield card, (x, top + PITCH * (i + 0.5) if block in columns else y)


def _direct(tail: str, head: str, cards: Mapping[str, Point], sizes: Mapping[str, Point]) -> list[Point]:
    """Return the curve from the right of a card to the left of another."""
    (x, y), (u, v) = cards[tail], cards[head]
    return bent([(x + sizes[tail][0] / 2, y), (u - sizes[head][0] / 2, v)])


def _frames(seen: Cards, cards: Mapping[str, Point], sizes: Mapping[str, Point]) -> dict[str, Rectangle]:
    """Return the frame around the cards of each open group, inner ones first."""
    ends: dict[str, list[Rectangle]] = {}
    for card, holder in seen.cards.items():
        (x, y), (wide, high) = cards[card], sizes[card]
        ends.setdefault(holder, []).append((x - wide / 2, y - high / 2, x + wide / 2, y + high / 2))
    found: dict[str, Rectangle] = {}
    for group, holder in reversed(seen.frames.items()):
        if group in ends:
            lefts, tops, rights, lows = zip(*ends[group])
            box = min(lefts) - PAD, min(tops) - HEAD, max(rights) + PAD, max(lows) + PAD
            ends.setdefault(holder, []).append(box)
            found[group] = box[0], box[1], box[2] - box[0], box[3] - box[1]
    return found
