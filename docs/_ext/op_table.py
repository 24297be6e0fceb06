"""The op table as a page: a card for each row, with its formula, derivatives by its own rules, edges, plot; a search.

Nothing here knows an op by name. The rows come from the table, their order and headings from its source, the sample
arguments from the tests of the table, the values at kinks from docs/edges.md, which the tests execute line by line.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import table_cases
from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from autograd_mini import Node, array_rows, linalg, linalg_rows, ops
from autograd_mini.numpy_protocol import UFUNCS
from autograd_mini.op import TABLE, Elementwise, Flat, Op, Variadic
from autograd_mini.text.derivative import latex_derivative, local_derivative
from autograd_mini.text.formula import short_text
from autograd_mini.text.latex import short_latex
from viz.expression import FUNCTIONS

EDGES = Path(__file__).resolve().parent.parent / "edges.md"
HEADING = re.compile(r"^# ([A-Z].*?) -{5,}$", re.MULTILINE)
ROW = r'^\w+ *= \w+\("{}"'  # as it stands in the source
LONG_NUMBER = re.compile(r"\d+\.\d{5,}")
WIDE, HIGH, REACH = 320, 200, 4.0  # of a plot, in pixels and in units
LEAP = 0.45  # from one point of a plot to the next, beyond which it is a step


def page() -> Iterator[str]:
    """Yield the Markdown of the page."""
    edges = edges_by_op(EDGES.read_text(encoding="utf-8"))
    parts = list(sections("\n".join(map(inspect.getsource, (ops, array_rows, linalg_rows)))))
    yield "\n## By name\n"
    yield from (f"**{title}**: {' '.join(f'[{row.name}](#{anchor(row)})' for row in rows)}\n" for title, rows in parts)
    for title, rows in parts:
        yield f"\n## {title}\n"
        for row in rows:
            home = "linalg" if row in vars(linalg).values() and row not in vars(ops).values() else "ops"
            yield from card(row, edges.get(row.name, []), home)


def sections(source: str) -> Iterator[tuple[str, list[Op]]]:
    """Yield the headings of the table's source and the rows under each; ValueError if a row were left out."""
    own = list(TABLE.values())
    parts = HEADING.split(source)[1:]
    shown = 0
    for title, text in zip(parts[::2], parts[1::2]):
        rows = [row for row in own if re.search(ROW.format(row.name), text, re.MULTILINE)]
        shown += len(rows)
        if rows:
            yield title.split(":")[0], rows
    if shown != len(own):
        raise ValueError(f"{shown} rows stand under headings, the table has {len(own)}")


def anchor(row: Op) -> str:
    """Return where the card of a row is found in the page."""
    return f"op-{row.name.replace('_', '-')}"


def card(row: Op, edges: list[str], home: str) -> Iterator[str]:
    """Yield what there is to know about one row."""
    yield f"\n({anchor(row)})=\n### {row.name}\n"
    if isinstance(row, Elementwise) and len(row.required) == 1:
        yield from ("```{raw} html", plot(row), "```", "")
    numpy = [f"`np.{ufunc.__name__}`" for ufunc, made in UFUNCS.items() if made is row]
    played = [f'`play "{expression(row)}"`'] if row in FUNCTIONS.values() else []
    yield " · ".join([f"`{home}.{row.__doc__}`", *dict.fromkeys(numpy), *played]) + "\n"
    columns = 3 if isinstance(row, Elementwise) else 2
    computes, *derivatives = (f"| {' | '.join(cells[:columns])} |" for cells in formulas(row))
    yield from (computes, "|---" * columns + "|", *derivatives, "")
    if edges:
        yield from ("| at the edge | at | value | gradient | torch | why |", "|---|---|---|---|---|---|", *edges, "")


def expression(row: Op) -> str:
    """Return a call of a row in the language of formulas, with an operator where it is written as one."""
    return row.text.format(*row.params) if row.text.startswith("{} ") else f"{row.name}({', '.join(row.required)})"


def formulas(row: Op) -> Iterator[tuple[str, str, str]]:
    """Yield how a row is written, and its derivative for each argument as its own rule prints it: in Python and, for a
    row that acts entry by entry, as mathematics.
    """
    args = sample(row)
    recorded = [i for i in range(len(args)) if row.rule(i) is not None]
    if isinstance(row, Flat):
        z = "z" if len(row.params) > 1 else "y"
        yield "computes", f"`{z} = {row.text.format(*row.params)}`", ""
        yield "derivative", "`0`", "$0$"
        return
    result, given = table_cases.called(row, args, recorded)
    if not isinstance(result, Node):
        raise ValueError(f"{row.name}: no node for the sample {args}")
    names = {x: _name(row, i) for i, x in given.items()}
    z = "z" if len(recorded) > 1 else "y"
    yield "computes", f"`{z} = {short_text(result, names)}`", _math(f"{z} = {short_latex(result, names)}")
    names[result] = z
    for i in recorded:
        x = names[result.args[i]]
        what = f"d{z}/d{x}" if isinstance(row, Elementwise) else f"vjp for {x}, given g = dL/d{z}"
        yield (
            what,
            f"`{_short(local_derivative(result, i, names)[0])}`",
            _math(_short(latex_derivative(result, i, names))),
        )


def _name(row: Op, i: int) -> str:
    return row.params[i] if i < len(row.params) and not isinstance(row, Variadic) else f"x{i}"


def _short(text: str) -> str:
    """Return a formula with five digits of its constants."""
    return LONG_NUMBER.sub(lambda long: f"{float(long[0]):.5g}", text)


def _math(latex: str) -> str:
    return f"${latex.replace('|', chr(92) + 'vert ')}$"  # a bar would end the cell


def sample(row: Op) -> tuple[Any, ...]:
    """Return arguments for a row: matrices where it has such a case, else vectors, else what there is."""
    cases = table_cases.cases(row)

    def rank(args: tuple[Any, ...]) -> tuple[bool, bool]:
        shapes = [np.shape(a) for i, a in enumerate(args) if row.rule(i) is not None]
        return not isinstance(row, Elementwise) and all(len(s) == 2 for s in shapes), all(
            s not in ((), (0,)) for s in shapes
        )

    return max(cases, key=rank)


def edges_by_op(text: str) -> dict[str, list[str]]:
    """Return the lines of the table of kinks for each op that stands alone in an expression."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        expression = re.match(r"\| `(.+?)` \|", line)
        if expression:
            found.setdefault(_outer(expression[1]), []).append(line)
    return found


OPERATORS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod", "**": "power", "//": "floordiv", "@": "matmul"}


def _outer(expression: str) -> str:
    """Return the op that an expression is a single call of, "" where there are several."""
    call = re.fullmatch(r"(\w+)\([^()]*\)", expression)
    infix = re.fullmatch(r"[\w.]+ (\S+) [\w.()-]+", expression)
    return call[1] if call else OPERATORS.get(infix[1], "") if infix else ""


def plot(row: Elementwise) -> str:
    """Return the graph of a function of one variable and of its derivative as an SVG in the colours of the page."""
    x = np.linspace(-REACH, REACH, 321)
    settings = list(row.defaults.values())
    y = row(x)
    slope = np.zeros_like(x) if row.rule(0) is None else row.run(0, np.ones_like(x), y, [x, *settings])
    what = f"{row.name} (solid) and its derivative (dashed), for x from {-REACH:g} to {REACH:g}"
    return (
        f'<svg class="plot" viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{what}">'
        f'<path class="axis" d="M0,{HIGH / 2}H{WIDE}M{WIDE / 2},0V{HIGH}"/>'
        f'<path class="value" d="{_path(x, y)}"/><path class="slope" d="{_path(x, slope)}"/>'
        f'<text x="{WIDE - 4}" y="{HIGH / 2 - 4}" text-anchor="end">x = {REACH:g}</text>'
        f'<text x="{WIDE / 2 + 4}" y="12">{REACH:g}</text></svg>'
    )


def _path(x: Any, y: Any) -> str:
    """Return a curve as an SVG path, with gaps where there is no value and where it leaps or leaves the picture."""
    left, top = WIDE / 2 * (1 + x / REACH), HIGH / 2 * (1 - np.asarray(y) / REACH)
    seen = np.isfinite(y) & (np.abs(y) < 2 * REACH)
    leap = np.abs(np.diff(np.where(seen, y, 0.0), prepend=np.inf)) > LEAP
    line = ~leap & seen & np.roll(seen, 1)
    return "".join(f"{'L' if on else 'M'}{a:.1f},{b:.1f}" for a, b, now, on in zip(left, top, seen, line) if now)


def search(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Give the page its search."""
    if page == "docs/reference/op_table":
        app.add_js_file("op_table.js", loading_method="defer")


class OpTable(Directive):
    """`{op-table}`: the whole table."""

    def run(self) -> list[nodes.Node]:
        """Return the sections of the page."""
        env = self.state.document.settings.env
        env.note_dependency(str(EDGES))
        return self.parse_text_to_nodes("\n".join(page()), allow_section_headings=True)  # type: ignore[attr-defined]


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    from sphinx.util.docutils import SphinxDirective

    app.connect("html-page-context", search)
    app.add_directive("op-table", type("OpTableDirective", (OpTable, SphinxDirective), {}))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
