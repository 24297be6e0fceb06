"""Rows of a picture: what is wider than a page goes on below, like a line of text, and its arrows with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from .boxes import CONSTANT, Box
from .layered import STEP, Point, Positions, layered
from .picture import Frame, Picture

WIDE = 1200.0  # points of a row
ROW = "row"  # the kind of frame that stands for one
LANE = 12.0  # points of an arrow between rows, where it has no chip
CORNER = 10.0  # radius of its turns
Arrow = tuple[int, int]  # from one box to another
Rows = Mapping[str, int]  # the row of each box


def cut(ends: Sequence[Point], arrows: Sequence[Arrow], wide: float = WIDE) -> list[int]:
    """Return the row of each box; `ends` are where it begins and ends along the layers.

    A row ends where few arrows go on, in the second half of the width that there is.

    >>> cut([(0.0, 50.0), (60.0, 110.0), (120.0, 170.0)], [(0, 1), (1, 2)], 115.0)
    [0, 0, 1]
    """
    columns = sorted({round(start + end, 3) for start, end in ends})
    at = [columns.index(round(start + end, 3)) for start, end in ends]
    starts = [min(end[0] for end, c in zip(ends, at) if c == i) for i in range(len(columns))]
    stops = [max(end[1] for end, c in zip(ends, at) if c == i) for i in range(len(columns))]
    row_of, first = [0] * len(columns), 0
    while stops[-1] - starts[first] > wide and first < len(columns) - 1:
        reach = [c for c in range(first, len(columns) - 1) if stops[c] - starts[first] <= wide] or [first]
        late = [c for c in reach if stops[c] - starts[first] >= wide / 2] or reach[-1:]
        last = min(late, key=lambda c: (sum(at[tail] <= c < at[head] for tail, head in arrows), -c))
        first = last + 1
        row_of[first:] = [row_of[last] + 1] * (len(columns) - first)
    return [row_of[c] for c in at]


class _Row(NamedTuple):
    """A row: its boxes, the arrows in it, and where these are."""

    boxes: list[int]
    arrows: list[int]
    places: Positions


def in_rows(
    sizes: Sequence[Point], arrows: Sequence[Arrow], chips: Sequence[Point], row_of: Sequence[int]
) -> Positions:
    """Return the layout of boxes in rows below each other, as `layered` does that of one row.

    An arrow to another row goes down beside its tail, along between two rows, and into its head from the left; to a row
    further down it goes along the left margin.
    """
    rows = [_laid(row, sizes, arrows, chips, row_of) for row in range(max(row_of) + 1)]
    between = [a for a, (tail, head) in enumerate(arrows) if row_of[tail] != row_of[head]]
    tops, lanes, low = _stacked(rows, between, arrows, chips, row_of)
    boxes: dict[int, Point] = {}
    drawn: dict[int, tuple[list[Point], Point]] = {}
    for row, top in zip(rows, tops):
        boxes |= {i: (x, y + top) for i, (x, y) in zip(row.boxes, row.places.boxes)}
        for a, path, (x, y) in zip(row.arrows, row.places.arrows, row.places.chips):
            drawn[a] = [(u, v + top) for u, v in path], (x, y + top)
    beside: dict[int, float] = {}  # of each tail the place on the left margin, where it leads further down
    for a in between:
        tail, head = arrows[a]
        far = None
        if row_of[head] > row_of[tail] + 1:
            far = beside.setdefault(tail, -LANE * (len(beside) + 2)), tops[row_of[head]] - LANE
        drawn[a] = _led(boxes, sizes, rows, row_of, arrows[a], lanes[a], far)
    left = min((x for path, _ in drawn.values() for x, _ in path), default=0.0)
    moved = [(x - min(left, 0.0), y) for x, y in (boxes[i] for i in range(len(sizes)))]
    paths = [[(x - min(left, 0.0), y) for x, y in drawn[a][0]] for a in range(len(arrows))]
    middles = [(drawn[a][1][0] - min(left, 0.0), drawn[a][1][1]) for a in range(len(arrows))]
    right = max(x + size[0] / 2 for (x, _), size in zip(moved, sizes))
    return Positions(moved, middles, paths, (max([right, *(x for path in paths for x, _ in path)]), low))


def _laid(
    row: int, sizes: Sequence[Point], arrows: Sequence[Arrow], chips: Sequence[Point], row_of: Sequence[int]
) -> _Row:
    """Return the layout of one row."""
    boxes = [i for i, each in enumerate(row_of) if each == row]
    at = {i: k for k, i in enumerate(boxes)}
    own = [a for a, ends in enumerate(arrows) if at.keys() >= set(ends)]
    ends = [(at[tail], at[head]) for tail, head in (arrows[a] for a in own)]
    return _Row(boxes, own, layered([sizes[i] for i in boxes], ends, [chips[a] for a in own]))


def _stacked(
    rows: list[_Row], between: list[int], arrows: Sequence[Arrow], chips: Sequence[Point], row_of: Sequence[int]
) -> tuple[list[float], dict[int, float], float]:
    """Return the top of each row, the place below its tail's row of each arrow between rows, and the end of all."""
    tops, lanes, low = [], {}, 0.0
    for number, row in enumerate(rows):
        tops.append(low)
        low += row.places.extent[1] + 2 * LANE
        for a in between:
            if row_of[arrows[a][0]] == number:
                high = max(LANE, chips[a][1] + 4.0)
                lanes[a], low = low + high / 2, low + high
        low += 2 * LANE
    return tops, lanes, low - 4 * LANE


def _led(
    boxes: Mapping[int, Point], sizes: Sequence[Point], rows: list[_Row], row_of: Sequence[int], arrow: Arrow,
    lane: float, far: Point | None,
) -> tuple[list[Point], Point]:  # fmt: skip
    """Return the way of an arrow from a row to another, and the middle of its longest part."""
    tail, head = arrow
    (x, y), (u, v) = boxes[tail], boxes[head]
    out = x + STEP / 2 + max(sizes[i][0] for i in rows[row_of[tail]].boxes if boxes[i][0] == x) / 2
    into = u - STEP / 2 - max(sizes[i][0] for i in rows[row_of[head]].boxes if boxes[i][0] == u) / 2
    way = [(x + sizes[tail][0] / 2, y), (out, y), (out, lane)]
    way += [(into, lane)] if far is None else [(far[0], lane), far, (into, far[1])]
    return turned([*way, (into, v), (u - sizes[head][0] / 2, v)]), ((out + way[3][0]) / 2, lane)


def turned(way: list[Point]) -> list[Point]:
    """Return a way along the axes as cubic curves: straight lines with round corners.

    >>> turned([(0.0, 0.0), (100.0, 0.0), (100.0, 30.0)])[3:7]
    [(90.0, 0.0), (100.0, 0.0), (100.0, 0.0), (100.0, 10.0)]
    """
    points = [way[0]]
    for before, corner, after in zip(way, way[1:], way[2:]):
        start, end = _towards(corner, before), _towards(corner, after)
        points += [points[-1], start, start, corner, corner, end]
    return [*points, points[-1], way[-1], way[-1]]


def _towards(corner: Point, other: Point) -> Point:
    """Return the point where a round corner begins or ends."""
    length = abs(other[0] - corner[0]) + abs(other[1] - corner[1])
    share = min(CORNER / length, 0.5) if length else 0.0
    return corner[0] + share * (other[0] - corner[0]), corner[1] + share * (other[1] - corner[1])


def framed(picture: Picture, rows: Rows) -> Picture:
    """Return an unframed picture with a frame for each row: what was in one frame is seldom in one row too."""
    if not rows:
        return picture
    boxes = tuple(replace(box, frame=f"{ROW}{rows[box.id]}") for box in picture.boxes)
    frames = tuple(Frame(f"{ROW}{row}", "", ROW) for row in sorted(set(rows.values())))
    return replace(picture, boxes=boxes, frames=frames)


def unframed(picture: Picture) -> Picture:
    """Return the picture without frames: each card says in which it lay."""
    names = {frame.id: frame.name for frame in picture.frames}
    boxes = [replace(box, frame="", rows=(*_where(box, names), *box.rows)) for box in picture.boxes]
    return replace(picture, boxes=tuple(boxes), frames=())


def _where(box: Box, names: Mapping[str, str]) -> list[tuple[str, str]]:
    return [("in", names[box.frame])] if box.frame and box.kind != CONSTANT else []
