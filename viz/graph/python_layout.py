"""Picture -> layout without any program: measures boxes and chips, lays them out in layers, and lists what to draw.

What comes out has the form of Graphviz's JSON, so that one writer of SVG serves all engines. Frames are left out where
what is in them does not stand together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..colours import light
from ..heatmap import Heat
from ..text import measured
from .boxes import BAND, CONSTANT, DEAD, FOLDED, LEAF, Arrow, Box
from .columns import HEAD as HEADER
from .columns import PAD as AROUND
from .columns import Rectangle, banded, faces, frames_around, frames_of, later
from .dot import CHIP, GROUNDS, PLACE, SIZE
from .layered import Point, Positions, layered
from .legend import samples_of
from .picture import BACKWARD, Picture
from .rows import LANE, WIDE, Rows, cut, in_rows, unframed

LINE = 1.2  # height of a line, in sizes of the type
PAD = 4.0  # in a cell of a card
HEAD = 8.0  # length of the head of an arrow
CLEAR = "#fffffe00"  # as Graphviz says transparent
Op = dict[str, Any]
BESIDE = 6.0  # between a value and its heat map


class Cell(NamedTuple):
    """A text, its role and whether it is bold, the ground under it ("" for that of the table), a heat map behind it."""

    text: str
    role: str
    bold: bool = False
    ground: str = ""
    heat: Heat | None = None

    def wide(self, size: float) -> float:
        """Return the width of the text and of the heat map behind it."""
        return measured(self.text, size, self.bold) + (BESIDE + self.heat.size[0] if self.heat else 0.0)


class Table:
    """Cells in rows and columns: how large they are, and how they are drawn; `look` names ground and rim."""

    def __init__(
        self, rows: list[list[Cell]], look: tuple[str, str], pad: float, size: float = SIZE, least: float = 0.0
    ) -> None:
        self.rows, self.look, self.pad, self.size = rows, look, pad, size
        self.columns = [
            max(least, *(row[k].wide(size) for row in rows if k < len(row)), 0.0) + 2 * pad
            for k in range(max(map(len, rows)))
        ]
        self.high = size * LINE + 2 * pad
        self.extent: Point = (sum(self.columns), self.high * len(rows))

    def draw(self, middle: Point, border: float = 1.0, ruled: bool = False) -> list[Op]:
        """Return what draws the table around its middle; x grows to the right and y upwards."""
        (wide, high), (ground, rim) = self.extent, self.look
        left, top = middle[0] - wide / 2, middle[1] + high / 2
        ops = [
            _width(border),
            *_colours(_light(rim), _light(ground)),
            _rectangle(left, top - high, wide, high),
            _width(1),
        ]
        ops += [_rectangle(left, top - self.high, wide, 0.0)] * ruled
        for number, row in enumerate(self.rows, 1):
            ops += self._row(row, left, top - self.high * number)
        return ops

    def _row(self, row: list[Cell], left: float, low: float) -> list[Op]:
        ops: list[Op] = []
        for k, (cell, wide) in enumerate(zip(row, self.columns)):
            if cell.ground:
                ops += [*_colours(CLEAR, light(cell.ground)), _rectangle(left, low, wide, self.high)]
            align = "c" if len(self.columns) == 1 and not cell.heat else "r" if k or cell.heat else "l"
            x = {"l": left + self.pad, "c": left + wide / 2, "r": left + wide - self.pad}[align]
            if cell.heat:
                x -= cell.heat.size[0]
                ops += _place(x, low + self.high / 2, cell.heat)
                x -= BESIDE
            if cell.text:
                ops += _text(cell, self.size, (x, low + self.pad + self.size * 0.28), align)
            left += wide
        return ops


class Layout(NamedTuple):
    """A layout: the picture as it was laid out, bands for bars, in the form of Graphviz's JSON; `framed` says whether
    the frames are in it.
    """

    picture: Picture
    layout: dict[str, Any]
    framed: bool


def rows_of(whole: Picture, direction: str) -> Rows:
    """Return the row of each box of a picture of arrays that is too wide for one; none where it is not."""
    if direction in ("TB", "BT") or not any(box.heats for box in whole.boxes):
        return {}
    picture = unframed(whole)
    cards, chips = [_card(box) for box in picture.boxes], [_chip(arrow) for arrow in picture.arrows]
    places = _places(picture, cards, chips, False, [], {})
    ends = [(x - card.extent[0] / 2, x + card.extent[0] / 2) for card, (x, _) in zip(cards, places.boxes)]
    found = cut(ends, _ends(picture), WIDE - 4 * LANE)
    return {box.id: row for box, row in zip(picture.boxes, found)} if any(found) else {}


def layout_of(whole: Picture, direction: str = "LR", rows: Rows | None = None) -> Layout:
    """Return the layout of a picture, computed here; `rows` has the row of each box where there are several."""
    picture, pulls = banded(unframed(whole) if rows else whole)
    cards = [_card(box) for box in picture.boxes]
    chips = [_chip(arrow) if arrow.local else None for arrow in picture.arrows]
    caption = _caption(picture)
    upright = direction in ("TB", "BT")
    places = _places(picture, cards, chips, upright, [*pulls, *later(whole)], rows or {})
    low = sum(line[0].extent[1] + 4.0 for line in caption) + (SIZE if caption else 0.0)
    along, across = places.extent
    deep = max(map(len, frames_around(picture).values()), default=0)
    left, under = deep * AROUND, low + deep * AROUND
    wide, high = (across, along) if upright else (along, across)
    right = max([wide + 2 * left, *(sum(table.extent[0] + 2.0 for table in line) for line in caption)])

    def point(place: Point) -> Point:
        x = along - place[0] if direction in ("RL", "BT") else place[0]
        return (left + place[1], under + high - x) if upright else (left + x, under + high - place[1])

    boxes = list(zip(picture.boxes, cards, map(point, places.boxes)))
    rectangles = {box.id: _around(table, place) for box, table, place in boxes}
    frames = frames_of(picture, rectangles)
    joined = faces(picture, rectangles, frames or {}, upright)
    layout = {
        "bb": f"0,0,{right:.2f},{under + high + deep * (AROUND + HEADER):.2f}",
        "rankdir": direction,
        "objects": [*_frames(picture, frames or {}), *({"name": b.id, "_draw_": _drawn(b, t, p)} for b, t, p in boxes)],
        "edges": _edges(picture, chips, places, point, joined),
        "_ldraw_": _stacked(caption, low - SIZE),
    }
    return Layout(picture, layout, frames is not None)


def _places(
    picture: Picture, cards: list[Table], chips: Sequence[Table | None], upright: bool, pulls: list[tuple[str, str]],
    rows: Rows,
) -> Positions:  # fmt: skip
    inside = list(frames_around(picture).values())
    sizes, room = _sizes(cards, upright), _sizes(chips, upright)
    if rows:
        return in_rows(sizes, _ends(picture), room, [rows[box.id] for box in picture.boxes])
    index = {box.id: i for i, box in enumerate(picture.boxes)}
    return layered(sizes, _ends(picture), room, inside, [(index[tail], index[head]) for tail, head in pulls])


def _ends(picture: Picture) -> list[tuple[int, int]]:
    """Return the boxes that each arrow joins, by their numbers."""
    index = {box.id: i for i, box in enumerate(picture.boxes)}
    return [(index[arrow.tail], index[arrow.head]) for arrow in picture.arrows]


def _around(table: Table, middle: Point) -> Rectangle:
    (wide, high), (x, y) = table.extent, middle
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _frames(picture: Picture, places: Mapping[str, Rectangle]) -> list[Op]:
    """Return what draws the frames, each with its name on top."""
    found: list[Op] = []
    for frame in picture.frames:
        if frame.id in places:
            left, low, right, high = places[frame.id]
            title = _text(Cell(frame.name, "muted"), SIZE, (left + AROUND, high - HEADER + 2.0), "l")
            ground = [*_colours(light("frame-rim"), light("frame")), _rectangle(left, low, right - left, high - low)]
            found.append({"name": f"cluster_{frame.id}", "_draw_": [_width(1), *ground], "_ldraw_": title})
    return found


def _sizes(tables: Sequence[Table | None], upright: bool) -> list[Point]:
    """Return the sizes of tables along and across the layers, 0 for what is not there."""
    sizes = [table.extent if table else (0.0, 0.0) for table in tables]
    return [(high, wide) for wide, high in sizes] if upright else sizes


def _edges(
    picture: Picture,
    chips: list[Table | None],
    places: Positions,
    point: Callable[[Point], Point],
    joined: Mapping[str, tuple[Rectangle, Rectangle]],
) -> list[Op]:
    origin, unit = point((0.0, 0.0)), point((1.0, 0.0))
    ahead = unit[0] - origin[0], unit[1] - origin[1]
    back = picture.show == BACKWARD
    lines = zip(picture.arrows, chips, map(point, places.chips), places.arrows)
    return [
        _wide(arrow, chip, *joined[arrow.id], ahead)
        if arrow.id in joined
        else _edge(arrow, chip, middle, [*map(point, path)], ahead, back)
        for arrow, chip, middle, path in lines
    ]


def _wide(arrow: Arrow, chip: Table | None, tail: Rectangle, head: Rectangle, ahead: Point) -> Op:
    """Return what draws a band: from the whole side of one layer to that of the next, with its number in the middle."""
    (a, b), (c, d) = _side(tail, ahead), _side(head, (-ahead[0], -ahead[1]))
    middle = (a[0] + b[0] + c[0] + d[0]) / 4, (a[1] + b[1] + c[1] + d[1]) / 4
    shape = [_width(1), *_colours(light("rim"), light("constant")), {"op": "P", "points": [a, b, d, c, a]}]
    return {"id": arrow.id, "_draw_": shape, "_ldraw_": chip.draw(middle) if chip else []}


def _side(rectangle: Rectangle, ahead: Point) -> tuple[Point, Point]:
    """Return the two ends of the side of a frame that looks ahead, without the corner of its name."""
    left, low, right, high = rectangle
    if ahead[0]:
        x = right if ahead[0] > 0 else left
        return (x, high - HEADER), (x, low + AROUND)
    y = high if ahead[1] > 0 else low
    return (left + AROUND, y), (right - AROUND, y)


def _drawn(box: Box, table: Table, middle: Point) -> list[Op]:
    return table.draw(middle, 3.0 if box.marked or box.kind == FOLDED else 1.0, box.kind != CONSTANT and bool(box.rows))


def _card(box: Box) -> Table:
    """Return a box as a table: the name and the op, and a line for each row."""
    ground, rim = GROUNDS[box.kind]
    look = ground, "mark" if box.marked else rim
    if box.kind == CONSTANT:
        named = [Cell(box.name, "muted")] if box.name else []
        return Table([named + [Cell(value, "ink", heat=heat) for _, value, heat in box.lines]], look, 3.0)
    head = [Cell(box.name, "ink", True), Cell(box.op or LEAF, "op" if box.op else "muted", True)]
    rows = [_row(key, value, box.tone if key == "grad" else "", heat) for key, value, heat in box.lines]
    return Table([head, *rows], look, PAD)


def _row(key: str, value: str, tone: str, heat: Heat | None) -> list[Cell]:
    return [Cell(key, "muted"), Cell(value, "ink" if tone or key != "grad" else "grad", False, tone, heat)]


def _chip(arrow: Arrow) -> Table:
    return Table([[Cell(arrow.local, "ink")]], GROUNDS[arrow.chip], 2.0, SIZE - 1, CHIP - 4)


def _caption(picture: Picture) -> list[list[Table]]:
    """Return the lines below a picture, from the top: its note, its scale, its legend."""
    lines = [[_words(picture.note, "ink")]] if picture.note else []
    if picture.tones:
        scale = [Table([[Cell(text, "ink")]], (f"tone{i}", "card"), PAD) for i, text in enumerate(picture.tones)]
        lines.append([_words("|grad| from", "muted"), *scale])
    for sample in samples_of(picture):
        swatch = Table([[Cell(sample.text, "ink")]], GROUNDS[sample.look], PAD)
        lines.append([swatch, _words(sample.meaning, "ink")])
    return lines


def _words(text: str, role: str) -> Table:
    return Table([[Cell(text, role)]], ("", ""), PAD)


def _stacked(lines: list[list[Table]], top: float) -> list[Op]:
    """Return what draws the lines of a caption below each other."""
    ops: list[Op] = []
    for line in lines:
        left, middle = 0.0, top - line[0].extent[1] / 2
        for table in line:
            ops += table.draw((left + table.extent[0] / 2, middle))
            left += table.extent[0] + 2.0
        top -= line[0].extent[1] + 4.0
    return ops


def _edge(arrow: Arrow, chip: Table | None, middle: Point, path: list[Point], ahead: Point, back: bool) -> Op:
    """Return what draws an arrow: its line, its head, its chip; `ahead` is the unit vector along the layers."""
    colour = light("mark" if arrow.marked else "edge")
    style = "dashed" if not arrow.carries else "dotted" if arrow.chip == DEAD else "solid"
    tip, way = (path[0], (-ahead[0], -ahead[1])) if back else (path[-1], ahead)
    base = tip[0] - HEAD * way[0], tip[1] - HEAD * way[1]
    path = [base, *path[1:]] if back else [*path[:-1], base]
    across = 3.0 * way[1], -3.0 * way[0]
    head = [tip, (base[0] + across[0], base[1] + across[1]), (base[0] - across[0], base[1] - across[1])]
    return {
        "id": arrow.id,
        "_draw_": [
            _width(3.0 if arrow.marked or arrow.chip == BAND else 1.0),
            {"op": "S", "style": style},
            {"op": "c", "color": colour},
            {"op": "b", "points": path},
        ],
        "_hdraw_": [*_colours(colour, colour), {"op": "P", "points": head}],
        "_ldraw_": chip.draw(middle) if chip else [],
    }


def _light(role: str) -> str:
    return light(role) if role else CLEAR


def _colours(pen: str, fill: str) -> list[Op]:
    return [{"op": "c", "color": pen}, {"op": "C", "color": fill}]


def _width(width: float) -> Op:
    return {"op": "S", "style": f"setlinewidth({width:g})"}


def _rectangle(left: float, low: float, wide: float, high: float) -> Op:
    points = [(left, low), (left, low + high), (left + wide, low + high), (left + wide, low)]
    return {"op": "P", "points": points}


def _place(left: float, middle: float, heat: Heat) -> list[Op]:
    """Return what keeps the room of a heat map."""
    wide, high = heat.size
    return [*_colours(CLEAR, PLACE), _rectangle(left, middle - high / 2, wide, high)]


def _text(cell: Cell, size: float, at: Point, align: str) -> list[Op]:
    text, role, bold = cell[:3]
    return [
        {"op": "F", "size": size},
        {"op": "t", "fontchar": int(bold)},
        {"op": "c", "color": light(role)},
        {"op": "T", "pt": at, "align": align, "width": measured(text, size, bold)},
    ]
