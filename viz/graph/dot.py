"""Picture -> DOT, the language of Graphviz: tables in HTML, because layout engines lose edges between records."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from ..colours import light, mixed
from ..heatmap import ODD, TONES, Heat
from ..text import width
from .boxes import BAND, CONSTANT, DEAD, FLOW, FOLDED, INNER, LEAF, LOCAL, ROOT, Arrow, Box
from .legend import samples_of
from .picture import BACKWARD, Frame, Picture
from .rows import ROW, Rows, framed

FONT = "Arial"  # engines know the widths of a few fonts only, and of no list of them
SIZE = 12
CHIP = 22  # least width of the chip on an arrow
ROUNDED = ' STYLE="ROUNDED"'
PLACE = "#fefefd"  # what a layout fills where a heat map comes
CELLS = re.compile(r'(<TABLE ID="heat") BORDER="1"([^>]*)>.*?</TABLE>')
GROUNDS = {  # of boxes and chips: the colours of ground and rim
    LEAF: ("leaf", "leaf-rim"), INNER: ("card", "rim"), ROOT: ("root", "root-rim"), CONSTANT: ("constant", "constant"),
    FOLDED: ("folded", "folded-rim"), LOCAL: ("local", "local-rim"), DEAD: ("dead", "dead-rim"),
    FLOW: ("constant", "constant"), BAND: ("constant", "rim"), "": ("", ""),
}  # fmt: skip


def dot_of(
    whole: Picture, direction: str = "LR", rows: Rows | None = None, settings: Mapping[str, str] | None = None
) -> str:
    """Return the picture as a DOT graph; `settings` are further attributes of the whole graph.

    `rows` has the row of each box where there are several: each is a cluster of its own, and begins where the first one
    does, because arrows between rows ask for no order.
    """
    rows = rows or {}
    picture = framed(whole, rows)
    graph = {"rankdir": direction, "bgcolor": "transparent", "ranksep": "0.5", "nodesep": "0.25"}
    if picture.frames:
        graph["newrank"] = "true"  # clusters are then no obstacle to any engine
    graph |= settings or {}
    back = " dir=back" if picture.show == BACKWARD else ""
    lines = [
        "digraph {",
        *(f"  {name}={quoted(setting)}" for name, setting in graph.items()),
        f'  node [shape=plain fontname="{FONT}" fontsize={SIZE} fontcolor="{light("ink")}"]',
        f'  edge [fontname="{FONT}" fontsize={SIZE - 1} color="{light("edge")}" arrowsize=0.7{back}]',
        *_caption(picture),
        *_framed(picture),
        *(_arrow(arrow, rows) for arrow in picture.arrows),
        *_row_order(picture, rows),
        "}",
    ]
    return "\n".join(lines) + "\n"


def square(dot: str) -> str:
    """Return the DOT of a picture with square corners and room for heat maps: the same layout in half as many words."""
    return CELLS.sub(rf'\1 BORDER="0"\2 BGCOLOR="{PLACE}"><TR><TD></TD></TR></TABLE>', dot.replace(ROUNDED, ""))


def texts_of(item: Box | Arrow | Frame) -> list[str]:
    """Return the texts that a part of a picture shows, in the order of drawing."""
    if isinstance(item, Arrow):
        return [item.local] if item.local else []
    if isinstance(item, Frame):
        return [item.name]
    rows = [text for key, value, _ in item.lines for text in (key, value) if text]
    if item.kind == CONSTANT:
        return [item.name, *rows] if item.name else rows
    return [item.name, item.op or LEAF, *rows]


def heats_of(item: Box | Arrow | Frame) -> list[Heat]:
    """Return the heat maps that a part of a picture shows, in the order of drawing."""
    return [heat for _, _, heat in item.lines if heat] if isinstance(item, Box) else []


def caption_texts(picture: Picture) -> list[str]:
    """Return the texts below a picture, in the order of drawing: its note, its scale, its legend."""
    scale = ["|grad| from", *picture.tones] if picture.tones else []
    legend = [text for sample in samples_of(picture) for text in (sample.text, sample.meaning)]
    return [*([picture.note] if picture.note else []), *scale, *legend]


def quoted(text: str) -> str:
    """Return text as a DOT string that Graphviz shows as it is.

    >>> print(quoted('say "hi"'))
    "say \\"hi\\""
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _framed(picture: Picture) -> Iterator[str]:
    """Yield the boxes, and a cluster for each frame around the boxes and frames that are in it."""
    parts: list[Box | Frame] = [*picture.boxes, *picture.frames]
    inside: dict[str, list[Box | Frame | str]] = {}
    for part in parts:
        inside.setdefault(part.frame, []).append(part)
    stack = inside.get("", [])[::-1]
    while stack:
        item = stack.pop()
        if isinstance(item, Frame):
            yield f"  subgraph cluster_{item.id} {{"
            stack += ["  }", *inside.get(item.id, [])[::-1]]
            if item.kind == ROW:
                yield "  peripheries=0 margin=0"
                continue
            yield f"  label={quoted(item.name)} labelloc=t labeljust=l style=filled margin=10"
            yield f'  fontname="{FONT}" fontsize={SIZE} fontcolor="{light("muted")}"'
            yield f'  fillcolor="{light("frame")}" color="{light("frame-rim")}"'
        else:
            yield item if isinstance(item, str) else _box(item)


def _box(box: Box) -> str:
    return f"  {box.id} [label={_constant(box) if box.kind == CONSTANT else _card(box)} tooltip={quoted(box.tooltip)}]"


def _row_order(picture: Picture, rows: Rows) -> Iterator[str]:
    """Yield what puts the rows below each other: their first boxes stand in one column, in order."""
    heads = {arrow.head for arrow in picture.arrows if rows and rows[arrow.tail] == rows[arrow.head]}
    first = {rows[box.id]: box.id for box in reversed(picture.boxes) if rows and box.id not in heads}
    for number, (row, below) in enumerate(pairwise(sorted(first))):
        yield f"  {{rank=same; {first[row]} -> {first[below]} [id=below{number} style=invis]}}"


def _arrow(arrow: Arrow, rows: Rows) -> str:
    label = f" label={_chip(arrow)}" if arrow.local else ""
    style = " style=dashed" if not arrow.carries else " style=dotted" if arrow.chip == DEAD else ""
    mark = f' penwidth=3 color="{light("mark")}"' if arrow.marked else ""
    mark += " constraint=false" if rows and rows[arrow.tail] != rows[arrow.head] else ""
    return f"  {arrow.tail} -> {arrow.head} [id={arrow.id}{label}{style}{mark} tooltip={quoted(arrow.tooltip)}]"


def _card(box: Box) -> str:
    """Return a box as a table: the name and the op, a rule, and a line for each row."""
    name = _cell(f"<B>{_escaped(box.name)}</B>", box.name, "LEFT")
    op = _cell(f"<B>{_coloured(box.op or LEAF, 'op' if box.op else 'muted')}</B>", box.op, "RIGHT", more=_span(box))
    rows = [_row(key, value, heat, box) for key, value, heat in box.lines]
    ground, rim = GROUNDS[box.kind]
    border = 3 if box.marked or box.kind == FOLDED else 1
    rule = "<HR/>" if rows else ""
    return _table(f"<TR>{name}{op}</TR>{rule}{''.join(rows)}", ground, "mark" if box.marked else rim, 4, border)


def _row(key: str, value: str, heat: Heat | None, box: Box) -> str:
    """Return a row of a table, which has a column of heat maps where the box has one."""
    tone = box.tone if key == "grad" else ""
    shown = _coloured(value, "ink" if tone else "grad") if key == "grad" else _escaped(value)
    more = f' BGCOLOR="{light(tone)}"' if tone else ""
    picture = f"<TD{more}>{_heat(heat)}</TD>" if heat else ""
    value_cell = _cell(shown, value, "RIGHT", more=more if heat else more + _span(box))
    return f"<TR>{_cell(_coloured(key, 'muted'), key, 'LEFT')}{value_cell}{picture}</TR>"


def _span(box: Box) -> str:
    return ' COLSPAN="2"' if box.heats else ""


def _heat(heat: Heat) -> str:
    """Return a heat map as a table of coloured cells."""
    wide, high = heat.size
    cell = f'WIDTH="{wide // len(heat.tones[0])}" HEIGHT="{high // len(heat.tones)}" FIXEDSIZE="TRUE"'
    rows = "".join(f"<TR>{''.join(f'<TD {cell}{_tone(tone)}></TD>' for tone in row)}</TR>" for row in heat.tones)
    return (
        f'<TABLE ID="heat" BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" ALIGN="LEFT" FIXEDSIZE="TRUE" '
        f'WIDTH="{wide + 2}" HEIGHT="{high + 2}" COLOR="{light("rim")}">{rows}</TABLE>'
    )


def _tone(tone: int) -> str:
    if not tone:
        return ""
    role, share = ("ink", 1.0) if tone == ODD else ("local-rim" if tone > 0 else "leaf-rim", abs(tone) / TONES)
    return f' BGCOLOR="{mixed(role, "card", share)}"'


def _constant(box: Box) -> str:
    cells = [_cell(_coloured(box.name, "muted"), box.name, "LEFT")] if box.name else []
    for _, value, heat in box.lines:
        cells += [_cell(_escaped(value), value, "RIGHT"), f"<TD>{_heat(heat)}</TD>" if heat else ""]
    return _table(f"<TR>{''.join(cells)}</TR>", *GROUNDS[box.kind], 3)


def _chip(arrow: Arrow) -> str:
    return _table(
        f"<TR>{_cell(_coloured(arrow.local, 'ink'), arrow.local, 'CENTER', CHIP)}</TR>", *GROUNDS[arrow.chip], 2
    )


def _caption(picture: Picture) -> Iterator[str]:
    """Yield what puts the note, the scale and the legend below a picture."""
    rows = [_line(f'<TD COLSPAN="2" ALIGN="LEFT">{_coloured(picture.note, "ink")}</TD>')] if picture.note else []
    if picture.tones:
        cells = [_swatch(text, f"tone{i}", "card") for i, text in enumerate(picture.tones)]
        scale = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2"><TR>{"".join(cells)}</TR></TABLE>'
        rows.append(_line(f'{_cell(_coloured("|grad| from", "muted"), "", "LEFT")}<TD ALIGN="LEFT">{scale}</TD>'))
    for sample in samples_of(picture):
        meaning = _cell(_coloured(sample.meaning, "ink"), "", "LEFT")
        rows.append(_line(_swatch(sample.text, *GROUNDS[sample.look]) + meaning))
    if rows:
        table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="3" CELLPADDING="2">{"".join(rows)}</TABLE>'
        yield f'  label=<{table}> labelloc=b labeljust=l fontname="{FONT}" fontsize={SIZE}'


def _line(cells: str) -> str:
    return f"<TR>{cells}</TR>"


def _swatch(text: str, ground: str, rim: str) -> str:
    colours = f' BORDER="1" BGCOLOR="{light(ground)}" COLOR="{light(rim)}"' if ground else ""
    return _cell(_coloured(text, "ink"), text, "LEFT", more=colours)


def _table(rows: str, ground: str, rim: str, padding: int, border: int = 1) -> str:
    return (
        f'<<TABLE BORDER="{border}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{padding}"{ROUNDED} '
        f'COLOR="{light(rim)}" BGCOLOR="{light(ground)}">{rows}</TABLE>>'
    )


def _cell(markup: str, text: str, align: str, least: float = 0, more: str = "") -> str:
    """Return a table cell; where the engine cannot measure a character, we say how wide the text may become."""
    wide = max(least, 0 if text.isascii() else width(text, SIZE) + 8)
    return f'<TD ALIGN="{align}"{more}' + (f' WIDTH="{wide:.0f}"' if wide else "") + f">{markup}</TD>"


def _coloured(text: str, role: str) -> str:
    return f'<FONT COLOR="{light(role)}">{_escaped(text)}</FONT>'


def _escaped(text: str) -> str:
    """Return text for HTML in DOT, where a backslash still starts an escape, as it does in strings."""
    return html.escape(text).replace("\\", "\\\\")
