"""Picture -> text for a terminal: a tree that grows down from the root, with a column for each row of the boxes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from ..text import clean
from .boxes import CONSTANT, Arrow, Box
from .picture import Picture

LONG = 44  # characters of a formula
BOLD, DIM, BLUE, ORANGE, RESET = "\x1b[1m", "\x1b[2m", "\x1b[34m", "\x1b[33m", "\x1b[0m"
HEADS = {"formula": "", "data": "data", "grad": "grad", "local": "local", "more": ""}
STYLES = {"name": BOLD, "formula": "", "data": "", "grad": BLUE, "local": ORANGE, "more": DIM}


def text_of(picture: Picture, coloured: bool = False) -> str:
    """Return the picture as lines of text.

    Each line is a node: its arguments stand below it, all but the last to the right, and the last, the longest way
    down, in its own column. What is used twice has its arguments below one of its lines. `local` is the local
    derivative of the line that the node is an argument of. `coloured` adds the escapes of a terminal.

    >>> from autograd_mini import Value
    >>> from viz.graph.picture import picture_of
    >>> x = Value(3.0, label="x"); y = x * (x + 1); y.backward()
    >>> print(text_of(picture_of(y, {})), end="")
                   data  grad  local
    L    = x * v1  12    1
    ├ x  below                 4
    v1   = x + 1   4     3     3
    x              3     7     1
    """
    rows = [{"name": "", **HEADS}, *_lines(picture)]
    columns = [key for key in ("name", *HEADS) if any(row.get(key) for row in rows[1:])]
    wide = {key: max(cells(row.get(key, "")) for row in rows) for key in columns}
    lines = []
    for number, row in enumerate(rows):
        parts = [_cell(row.get(key, ""), wide[key], STYLES[key] if coloured and number else "") for key in columns]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines) + ("\n" if not picture.note else f"\n\n{picture.note}\n")


def cells(text: str) -> int:
    """Return how many columns of a terminal text takes.

    >>> cells("x1"), cells("日本")
    (2, 4)
    """
    wide = (2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text if not unicodedata.combining(c))
    return sum(wide)


def _lines(picture: Picture) -> Iterator[dict[str, str]]:
    """Yield a row of texts for each box, from the root down, without recursion."""
    boxes = {box.id: box for box in picture.boxes}
    arrows = [arrow for arrow in picture.arrows if boxes[arrow.tail].kind != CONSTANT]
    args: dict[str, list[Arrow]] = {id: [] for id in boxes}
    for each in arrows:
        args[each.head].append(each)
    home = {each.tail: each.id for each in reversed(arrows)}  # the oldest use, where a box stands with its own args
    size = _sizes(picture.boxes, args, home)
    seen: set[str] = set()
    stack: list[tuple[Arrow | None, str, str]] = [(None, "", "")]
    while stack:
        arrow, rail, branch = stack.pop()
        box, local = (boxes[arrow.tail], arrow.local) if arrow else (picture.boxes[-1], "")
        if arrow and home[box.id] != arrow.id:
            yield {
                "name": f"{rail}{branch}{box.name}",
                "formula": "above" if box.id in seen else "below",
                "local": local,
            }
            continue
        seen.add(box.id)
        yield _row(box, f"{rail}{branch}", local)
        inner = rail + ("│ " if branch else "")
        below = sorted(args[box.id], key=lambda each: size[each.id])
        stack += [(each, inner, "├ " if each is not below[-1] else "") for each in reversed(below)]


def _sizes(boxes: Sequence[Box], args: dict[str, list[Arrow]], home: dict[str, str]) -> dict[str, int]:
    """Return how many lines hang below each arrow."""
    size: dict[str, int] = {}
    for box in boxes:
        below = 1 + sum(size.get(arrow.id, 1) for arrow in args[box.id])
        if box.id in home:
            size[home[box.id]] = below
    return {arrow.id: size.get(arrow.id, 1) for arrows in args.values() for arrow in arrows}


def _row(box: Box, name: str, local: str) -> dict[str, str]:
    """Return the texts of a box; what is neither data nor gradient stands last."""
    written = f"= {clean(box.formula, LONG)}" if box.formula else box.op
    more = ", ".join(f"{key} {value}" for key, value in box.rows if key not in HEADS)
    return {"name": f"{name}{box.name}", "formula": written, "local": local, "more": more} | dict(box.rows)


def _cell(text: str, wide: int, style: str) -> str:
    shown = f"{style}{text}{RESET}" if style and text else text
    return shown + " " * (wide - cells(text))
