"""Layouts of an explanation: the same cells as text, as LaTeX, as Markdown and as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator

from .cells import LATEX, PLAIN, Block, Cells, CellTable, cells_of
from .latex import latex_text
from .numbers import cut, cut_cell
from .steps import Steps

INDENT = 6
COLUMN = 40  # characters of a column; what is longer pushes the rest of its row to the next line
LINE = 130  # the same of a line of a proof
WIDE_CELL = 1000  # the same where lines wrap by themselves


# Text ---------------------------------------------------------------------------------------------------------------


def text(explanation: Steps) -> str:
    """Return the explanation for a terminal, its cells in columns."""
    return "\n".join(piece for line in _lines(cells_of(explanation, PLAIN)) for piece in _wrapped(line))


def _wrapped(line: str) -> Iterator[str]:
    """Yield a line in pieces, where it is long for the entries of an array at its end."""
    first = line.rfind(" = [")
    while len(line) > LINE and 0 <= first < (end := line.rfind(", ", 0, LINE) + 1):
        yield line[:end]
        line, first = f"    {line[end + 1 :]}", 0
    yield line


def _lines(table: CellTable) -> Iterator[str]:
    yield cut_cell(table.title)
    yield from table.notes
    yield from _listed(table.paths_title, table.paths)
    rows = [row for block in table.blocks for row in _rows(block)]
    widths = [max((len(row[k]) for row in rows if len(row[k]) <= COLUMN), default=0) for k in (0, 1)]
    for i, block in enumerate(table.blocks, 1):
        yield from ("", f"{block.place}:", "") if block.place else ("",)
        yield from _placed(f"{i:<3} ", _rows(block)[0], widths)
        for row in block.rows:
            yield from _placed(" " * INDENT, tuple(map(cut_cell, row.cells)), widths)
            yield from (" " * INDENT + "| " + cut(line, LINE) for line in row.proof)
    yield from _rest(table)
    yield from _listed(f"gradients of {table.root}", table.gradients)


def _rest(table: CellTable) -> Iterator[str]:
    """Yield what is left out, after an empty line, where something is."""
    if table.rest:
        yield from ("", table.rest)


def _rows(block: Block) -> list[Cells]:
    return [tuple(map(cut_cell, cells)) for cells in (block.head, *(row.cells for row in block.rows))]


def _listed(title: str, pairs: Iterable[Cells]) -> Iterator[str]:
    short = [tuple(map(cut_cell, pair)) for pair in pairs]
    width = max((len(pair[0]) for pair in short if len(pair[0]) <= COLUMN), default=0)
    if title:
        yield from ("", title)
    yield from (f"    {first:<{width}}   {second}" for first, second in short)


def _placed(head: str, cells: Cells, widths: list[int]) -> Iterator[str]:
    """Yield a row with its cells in columns; where one is too long for its column, the next goes below."""
    line, end = head, INDENT
    for cell, width in zip(cells[:-1], widths):
        line += cell
        end += width
        if len(line) > end:
            yield line
            line = ""
        end += 3
        line = f"{line:<{end}}"
    yield line + cells[-1]


# LaTeX --------------------------------------------------------------------------------------------------------------


def latex(explanation: Steps) -> str:
    """Return the explanation as one align* environment, a line for each step and each contribution."""
    table = cells_of(explanation, LATEX)
    paths = [f"& {' && '.join(pair)}" for pair in table.paths]
    groups = [[f"& {line}" for line in (table.title, *table.notes)], paths, *map(_aligned, table.blocks)]
    groups.append([f"& {latex_text(table.rest)}"] if table.rest else [])
    groups.append([rf"& {LATEX.derivative(table.root, name)} = {gradient}" for name, gradient in table.gradients])
    lines = " \\\\[1ex]\n".join(" \\\\\n".join(group) for group in groups if group)
    return f"\\begin{{align*}}\n{lines}\n\\end{{align*}}"


def _aligned(block: Block) -> list[str]:
    lines = [f"& {block.place}"] * bool(block.place) + [f"& {' && '.join(block.head)}"]
    for row in block.rows:
        lines.append(rf"& \quad {' && '.join(row.cells)}")
        lines += [rf"& \qquad {line}" for line in row.proof]
    return lines


# Markdown -----------------------------------------------------------------------------------------------------------


def markdown(explanation: Steps) -> str:
    """Return the explanation as Markdown: a table of the steps, one of the paths, one of the gradients."""
    return "\n".join(_paragraphs(cells_of(explanation, PLAIN)))


def _paragraphs(table: CellTable) -> Iterator[str]:
    yield from (f"**{_code(table.title)}**", "")
    yield from (line for note in table.notes for line in (_code(note), ""))
    if table.paths_title:
        yield from (_code(table.paths_title), "", *_table(("path", "product"), table.paths))
    if table.blocks:
        yield from _table(("step", "derivative", "upstream × local", "running total"), _steps(table))
    if table.rest:
        yield from (_code(table.rest), "")
    yield from _table(("by", f"gradient of {table.root}"), table.gradients)


def _steps(table: CellTable) -> Iterator[Cells]:
    for i, block in enumerate(table.blocks, 1):
        if block.place:
            yield "", block.place, "", ""
        yield str(i), block.head[0], "", block.head[1]
        for row in block.rows:
            yield "", *row.cells
            yield from (("", line, "", "") for line in row.proof)


def _table(titles: Cells, rows: Iterable[Cells]) -> Iterator[str]:
    for cells in (titles, ("---",) * len(titles), *rows):
        yield f"| {' | '.join(cell if cell in ('---', '') else _code(cell) for cell in cells)} |"
    yield ""


def _code(cell: str) -> str:
    """Return a cell as code, in which nothing means anything but a backtick, and in a table a bar."""
    cell = cut(cell, WIDE_CELL)
    fence = "`"
    while fence in cell:
        fence += "`"
    space = " " if "`" in cell else ""
    return f"{fence}{space}{cell}{space}{fence}".replace("|", "\\|")


# HTML ---------------------------------------------------------------------------------------------------------------

OWN = ".autograd-explanation" * 3  # said three times it outweighs what a notebook says of its tables
STYLE = """\
OWN{font:14px/1.5 system-ui,sans-serif;overflow-x:auto;max-width:100%}
OWN table{border-collapse:collapse;margin:0 0 1em;text-align:left;color:inherit}
OWN caption{text-align:left;font-weight:600;padding:.3em 0}
OWN td,OWN th{text-align:left;vertical-align:top;padding:.2em .8em;background:none;
border:0;border-bottom:1px solid #80808040;font-weight:400;max-width:44em;overflow-wrap:anywhere}
OWN thead th{font-size:12px;opacity:.85;white-space:nowrap;overflow-wrap:normal}
OWN .step>*{background:#8080801f;font-weight:600;border-left:3px solid #0072b2}
OWN .step>*+*{border-left:0}
OWN .proof>td+td{border-left:3px solid #009e73;padding-left:1.6em}
OWN code{font:inherit;font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;
background:none;color:inherit;padding:0;white-space:pre-wrap}
""".replace("OWN", OWN)


def fragment(explanation: Steps) -> str:
    """Return the explanation as a piece of HTML that takes its colours from the page around it: a notebook's cell."""
    table = cells_of(explanation, PLAIN)
    return f'<div class="autograd-explanation"><style>{STYLE}</style>{"".join(_elements(table))}</div>'


def page(explanation: Steps) -> str:
    """Return the explanation as a page of its own, which loads nothing and runs nothing."""
    title = html.escape(cut(cells_of(explanation, PLAIN).title))
    return f"""\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
</head><body>{fragment(explanation)}</body></html>
"""


def _elements(table: CellTable) -> Iterator[str]:
    yield from (f"<p>{_cell(note)}</p>" for note in table.notes)
    if table.paths_title:
        yield _pairs(table.paths_title, table.paths)
    head = "".join(f'<th scope="col">{title}</th>' for title in ("step", "derivative", "upstream × local", "total"))
    yield f"<table><caption>{_cell(table.title)}</caption><thead><tr>{head}</tr></thead>"
    for i, block in enumerate(table.blocks, 1):
        yield f"<tbody>{''.join(_block(i, block))}</tbody>"
    yield "</table>"
    if table.rest:
        yield f"<p>{_cell(table.rest)}</p>"
    yield _pairs(f"gradients of {table.root}", table.gradients)


def _block(i: int, block: Block) -> Iterator[str]:
    equation, upstream = map(_cell, block.head)
    if block.place:
        yield f'<tr><td></td><td colspan="3">{_cell(block.place)}</td></tr>'
    yield f'<tr class="step"><th scope="rowgroup">{i}</th><td colspan="2">{equation}</td><td>{upstream}</td></tr>'
    for row in block.rows:
        yield f"<tr><td></td>{''.join(f'<td>{_cell(cell)}</td>' for cell in row.cells)}</tr>"
        if row.proof:
            lines = "<br>".join(map(_cell, row.proof))
            yield f'<tr class="proof"><td></td><td colspan="3">{lines}</td></tr>'


def _pairs(title: str, pairs: Iterable[Cells]) -> str:
    rows = (f'<tr><th scope="row">{_cell(name)}</th><td>{_cell(value)}</td></tr>' for name, value in pairs)
    return f"<table><caption>{_cell(title)}</caption><tbody>{''.join(rows)}</tbody></table>"


def _cell(text: str) -> str:
    return f"<code>{html.escape(cut(text, WIDE_CELL))}</code>"
