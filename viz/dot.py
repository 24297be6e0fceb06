"""Picture -> DOT, the language of Graphviz: tables in HTML, because layout engines lose edges between records."""

from __future__ import annotations

import html
from collections.abc import Mapping

from .colours import light
from .picture import CONSTANT, INNER, LEAF, Arrow, Box, Picture
from .text import width

FONT = "Arial"  # engines know the widths of a few fonts only, and of no list of them
SIZE = 12
CHIP = 22  # least width of the chip on an arrow
ROUNDED = ' STYLE="ROUNDED"'
GROUNDS = {LEAF: ("leaf", "leaf-rim"), INNER: ("card", "rim"), CONSTANT: ("constant", "constant")}


def dot_of(picture: Picture, direction: str = "LR", settings: Mapping[str, str] | None = None) -> str:
    """Return the picture as a DOT graph; `settings` are further attributes of the whole graph."""
    graph = {"rankdir": direction, "bgcolor": "transparent", "ranksep": "0.5", "nodesep": "0.25", **(settings or {})}
    lines = [
        "digraph {",
        *(f"  {name}={quoted(setting)}" for name, setting in graph.items()),
        f'  node [shape=plain fontname="{FONT}" fontsize={SIZE} fontcolor="{light("ink")}"]',
        f'  edge [fontname="{FONT}" fontsize={SIZE - 1} color="{light("edge")}" arrowsize=0.7]',
        *map(_box, picture.boxes),
        *map(_arrow, picture.arrows),
        "}",
    ]
    return "\n".join(lines) + "\n"


def square(dot: str) -> str:
    """Return the DOT of a picture with square corners: the same layout, described in half as many words."""
    return dot.replace(ROUNDED, "")


def texts_of(item: Box | Arrow) -> list[str]:
    """Return the texts that a box or an arrow shows, in the order of drawing."""
    if isinstance(item, Arrow):
        return [item.local] if item.local else []
    rows = [text for row in item.rows for text in row if text]
    if item.kind == CONSTANT:
        return [item.name, *rows] if item.name else rows
    return [item.name, item.op or LEAF, *rows]


def quoted(text: str) -> str:
    """Return text as a DOT string that Graphviz shows as it is.

    >>> print(quoted('say "hi"'))
    "say \\"hi\\""
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _box(box: Box) -> str:
    return f"  {box.id} [label={_constant(box) if box.kind == CONSTANT else _card(box)} tooltip={quoted(box.tooltip)}]"


def _arrow(arrow: Arrow) -> str:
    label = f" label={_chip(arrow.local)}" if arrow.local else ""
    style = "" if arrow.carries else " style=dashed"
    return f"  {arrow.tail} -> {arrow.head} [id={arrow.id}{label}{style} tooltip={quoted(arrow.tooltip)}]"


def _card(box: Box) -> str:
    """Return a box as a table: the name and the op, a rule, and a line for each row."""
    name = _cell(f"<B>{_escaped(box.name)}</B>", box.name, "LEFT")
    op = _cell(f"<B>{_coloured(box.op or LEAF, 'op' if box.op else 'muted')}</B>", box.op, "RIGHT")
    rows = [_row(key, value) for key, value in box.rows]
    return _table(f"<TR>{name}{op}</TR><HR/>{''.join(rows)}", *GROUNDS.get(box.kind, ("root", "root-rim")), 4)


def _row(key: str, value: str) -> str:
    shown = _coloured(value, "grad") if key == "grad" else _escaped(value)
    return f"<TR>{_cell(_coloured(key, 'muted'), key, 'LEFT')}{_cell(shown, value, 'RIGHT')}</TR>"


def _constant(box: Box) -> str:
    cells = [_cell(_coloured(box.name, "muted"), box.name, "LEFT")] if box.name else []
    cells += [_cell(_escaped(value), value, "RIGHT") for _, value in box.rows]
    return _table(f"<TR>{''.join(cells)}</TR>", *GROUNDS[box.kind], 3)


def _chip(local: str) -> str:
    return _table(f"<TR>{_cell(_coloured(local, 'ink'), local, 'CENTER', CHIP)}</TR>", "local", "local-rim", 2)


def _table(rows: str, ground: str, rim: str, padding: int) -> str:
    return (
        f'<<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{padding}"{ROUNDED} '
        f'COLOR="{light(rim)}" BGCOLOR="{light(ground)}">{rows}</TABLE>>'
    )


def _cell(markup: str, text: str, align: str, least: float = 0) -> str:
    """Return a table cell; where the engine cannot measure a character, we say how wide the text may become."""
    wide = max(least, 0 if text.isascii() else width(text, SIZE) + 8)
    return f'<TD ALIGN="{align}"' + (f' WIDTH="{wide:.0f}"' if wide else "") + f">{markup}</TD>"


def _coloured(text: str, role: str) -> str:
    return f'<FONT COLOR="{light(role)}">{_escaped(text)}</FONT>'


def _escaped(text: str) -> str:
    """Return text for HTML in DOT, where a backslash still starts an escape, as it does in strings."""
    return html.escape(text).replace("\\", "\\\\")
