"""Cells: an explanation as words in rows and columns, in Python's notation or in LaTeX, for every layout."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

import numpy as np

from ..data import Array
from ..node import Node
from .derivative import Derivatives
from .formula import ATOM, Term, derivative, number
from .jacobian import SMALL, Proof
from .latex import latex_entries, latex_equation, latex_name, latex_number, latex_text
from .numbers import Number, many, shown
from .paths import Path, Paths
from .steps import Contribution, Step, Steps

Names = Mapping[Node, str]
Cells = tuple[str, ...]

LONGEST = 2000  # characters of an equation that are still worth reading as LaTeX, which cannot be cut
FEW = 3  # leaves that have moved on, by name
FACTORS = 12  # of a path that are written out
_LONG_NUMBER = re.compile(r"(?<![\w.])\d+\.\d{6,}(?:e[+-]\d+)?(?!\w)")


class Notation(NamedTuple):
    """How an explanation is written: its equations, derivatives, numbers, words, and the sign of a product."""

    equation: Callable[[Step, Names], str]
    symbols: Callable[[Step, Names], Iterable[str]]
    derivative: Callable[[str, str], str]
    number: Callable[[Number], str]
    factor: Callable[[Number], str]
    name: Callable[[str], str]
    words: Callable[[str], str]
    matrix: Callable[[str, Array], Cells]
    dot: str
    to: str
    transposed: str


class Row(NamedTuple):
    """One contribution: its derivative, the product, the running total; and the proof of a vjp, or nothing."""

    cells: Cells
    proof: Cells


class Block(NamedTuple):
    """One step: its equation and its gradient, then a row for each contribution.

    `place` says which group it is in, where the step before was in another.
    """

    head: Cells
    rows: tuple[Row, ...]
    place: str


class CellTable(NamedTuple):
    """An explanation in words: its title, what is to be said of it, the paths, the steps that send something, what is
    left out of them, the gradients by name.
    """

    title: str
    root: str
    notes: Cells
    blocks: tuple[Block, ...]
    paths_title: str
    paths: tuple[Cells, ...]
    rest: str
    gradients: tuple[Cells, ...]


def cells_of(explanation: Steps, notation: Notation) -> CellTable:
    """Return an explanation as words in cells."""
    w, names = notation, explanation.names
    title = f"{_six(w, w.equation(explanation[0], names))} = {_rounded(w, explanation.value, 16)}"
    limit = explanation.limit
    blocks = tuple(_blocks(w, explanation, names))
    gradients = tuple((name, _rounded(w, g, 12)) for name, g in islice(explanation.gradients.items(), limit))
    found = explanation.paths
    heading, rows = ("", ()) if found is None else (_paths_title(found), _paths(w, found))
    rest = _left_out(explanation, len(blocks))
    notes = tuple(_moved(w, explanation))
    return CellTable(title, explanation.root, notes, blocks, heading, rows, rest, gradients)


def _moved(w: Notation, explanation: Steps) -> Iterator[str]:
    """Say which leaves were assigned since the record was made, and what they hold now."""
    for name, now in islice(explanation.moved.items(), FEW):
        then = f"{w.name(name)} = {w.number(explanation.then[name])}" if name in explanation.then else w.name(name)
        yield f"{w.words('as recorded, with ')}{then}{w.words('; it is ')}{w.number(now)}{w.words(' now')}"
    if len(explanation.moved) > FEW:
        yield w.words(f"as recorded; {len(explanation.moved) - FEW:,} more leaves have moved on since")


def _blocks(w: Notation, explanation: Steps, names: Names) -> Iterator[Block]:
    """Yield the steps that send something, as many as have room."""
    room = math.inf if explanation.limit is None else explanation.limit
    group = ""
    for step in explanation:
        if room <= 0:
            return
        if step.contributions:
            yield _block(w, explanation.root, step, names, group, None if room == math.inf else int(room))
            room -= len(step.contributions)
            group = step.group


def _left_out(explanation: Steps, shown: int) -> str:
    """Say how much is not printed, and how to ask for it."""
    sending = [n for n in explanation.steps.counts() if n]
    limit = math.inf if explanation.limit is None else explanation.limit
    if sum(sending) <= limit and len(explanation.gradients) <= limit:
        return ""
    return (
        f"left out: {len(sending) - shown:,} of {len(sending):,} steps and "
        f"{max(len(explanation.gradients) - int(limit), 0):,} of {len(explanation.gradients):,} gradients; "
        "explain(root, wrt=x) keeps what leads to x, explain(h) what h is computed from, explain(root).whole prints all"
    )


def _block(w: Notation, root: str, step: Step, names: Names, before: str, room: int | None) -> Block:
    data = f"{_six(w, w.equation(step, names))} = {w.number(step.data)}"
    head = (data, f"{w.derivative(root, step.name)} = {w.number(step.upstream)}")
    sent = islice(zip(step.contributions, w.symbols(step, names)), room)
    place = "" if step.group == before else w.words(f"in {step.group}" if step.group else "in no group")
    return Block(head, tuple(_row(w, root, step, c, symbols) for c, symbols in sent), place)


def _row(w: Notation, root: str, step: Step, c: Contribution, symbols: str) -> Row:
    cells = _derivative(w, step, c, _six(w, symbols)), _product(w, root, step, c), _total(w, root, c)
    proof = c.proof if c.local is None and (c.shape or step.shape) else None
    return Row(cells, () if proof is None else _proof(w, step.name, c, proof))


def _derivative(w: Notation, step: Step, c: Contribution, symbols: str) -> str:
    if c.local is None:
        return f"{w.words('vjp for ')}{w.name(c.argument)}{w.words(': ')}{symbols}"
    by = w.derivative(step.name, c.argument)
    if np.ndim(c.local) == 0 and c.symbols == number(float(c.local)):
        return f"{by} = {w.number(c.local)}"
    return f"{by} = {symbols} = {w.number(c.local)}"


def _product(w: Notation, root: str, step: Step, c: Contribution) -> str:
    """Return the multiplication in numbers, or between arrays what was multiplied."""
    upstream = w.derivative(root, step.name)
    if c.local is None:
        return f"g = {upstream}{_shapes(w, c)}"
    if np.ndim(step.upstream) == 0:
        return f"{w.factor(step.upstream)}{w.dot}{w.factor(c.local)} = {w.number(c.amount)}"
    product = f"{upstream}{w.dot}{w.derivative(step.name, c.argument)}"
    if not c.summed:
        return product
    axes = ", ".join(map(str, c.summed))
    return f"{w.words('sum of ')}{product}{w.words(f' over axis {axes}')}{_shapes(w, c)}"


def _shapes(w: Notation, c: Contribution) -> str:
    """Return how the shape changes on the way back, where it does."""
    before, after = c.user.shape, c.shape
    return "" if before == after else f"{w.words(f', {before}')}{w.to}{w.words(str(after))}"


def _total(w: Notation, root: str, c: Contribution) -> str:
    """Return the running total: what was there, what came, and whether more will."""
    total = w.number(c.after)
    if c.before is not None and np.ndim(c.after) == 0:
        total = f"{w.number(c.before)} + {w.factor(c.amount)} = {total}"
    more = "" if c.complete else w.words(", more to come")
    return f"{w.derivative(root, c.argument)} = {total}{more}"


def _proof(w: Notation, name: str, c: Contribution, proof: Proof) -> Cells:
    """Return the Jacobian, its product with g beside the vjp, and what the op itself says of the Jacobian."""
    head = f"J = {w.derivative(name, c.argument)} = "
    verdict = " = the vjp" if proof.holds else f", but the vjp differs by {proof.gap:.1e}"
    found = "the same" if proof.confirmed else f"not the same: {proof.error:.1e} between them"
    product = f"{w.transposed} g = {w.number(proof.product)}{w.words(verdict)}"
    checked = w.words(f"J by differences of {c.user.op.name} itself: {found}")
    return *w.matrix(head, proof.jacobian), product, checked


def _rows(head: str, x: Array) -> Cells:
    """Return a matrix with a row on each line."""
    lines = [f"[{', '.join(map(shown, row))}]" for row in x]
    lines = [f"{'[' if i == 0 else ' '}{line}{']' if i == len(x) - 1 else ','}" for i, line in enumerate(lines)]
    return tuple(f"{head if i == 0 else ' ' * len(head)}{line}" for i, line in enumerate(lines))


def _paths_title(found: Paths) -> str:
    counted = "no path" if found.count == 0 else "1 path" if found.count == 1 else f"{many(found.count)} paths"
    return f"{counted} from {found.node} to {found.root}"


def _paths(w: Notation, found: Paths) -> tuple[Cells, ...]:
    target = w.derivative(found.root, found.node)
    rows = [(_chain(w, path.names), f"{target} = {_factors(w, found, path)}") for path in found.listed]
    if found.rest is not None:
        left = w.words(f"{many(found.count - len(found.listed))} more")
        rows.append((left, f"{target} = {w.number(found.rest)}{w.words(', by the sweep')}"))
    verdict = ", as the sweep gives" if found.holds else f", but the sweep gives {shown(found.gradient)}"
    return (*rows, (w.words("sum"), f"{target} = {_sum(w, found)}{w.words(verdict)}"))


def _chain(w: Notation, names: Cells) -> str:
    """Return the names along a path, and of a long one both ends."""
    kept = names if len(names) <= FACTORS else (*names[: FACTORS // 2], "", *names[-FACTORS // 2 :])
    return w.to.join(w.name(name) if name else w.words("...") for name in kept)


def _factors(w: Notation, found: Paths, path: Path) -> str:
    """Return the product along a path, the seed last where it is not 1; between arrays the vjp alone."""
    factors = [f for f in path.factors if f is not None]
    if len(factors) < len(path.factors) or np.ndim(found.seed) or len(factors) > FACTORS:
        return w.number(path.product)
    written = [*factors, found.seed] if found.seed != 1.0 or not factors else factors
    product = w.dot.join(map(w.factor, written))
    return product if len(written) == 1 else f"{product} = {w.number(path.product)}"


def _sum(w: Notation, found: Paths) -> str:
    total = w.number(found.gradient if found.rest is not None else found.total)
    if found.rest is not None or len(found.listed) < 2 or np.ndim(found.total):
        return total
    first, *others = found.listed
    return f"{' + '.join([w.number(first.product), *(w.factor(path.product) for path in others)])} = {total}"


def _rounded(w: Notation, x: Number, digits: int) -> str:
    if np.ndim(x):
        return w.number(x)
    return latex_number(float(x), digits) if w is LATEX else repr(float(f"{float(x) + 0.0:.{digits}g}"))


def _six(w: Notation, cell: str) -> str:
    """Return a cell with six digits of its numbers."""
    return _LONG_NUMBER.sub(lambda match: w.number(float(match[0])), cell)


def _factor(x: Number) -> str:
    written = latex_entries(x)
    return f"({written})" if written.startswith("-") else written


def _latex_of(name: str) -> str:
    """Return a name for after a d: one that reads like an expression gets brackets."""
    return rf"\left({latex_name(name)}\right)" if Term.named(name).level < ATOM else latex_name(name)


def _latex_equation(step: Step, names: Names) -> str:
    written = latex_equation(step.node, names)
    return written if len(written) <= LONGEST else f"{latex_name(step.name)} = {latex_text(step.node.op.name)}(\\ldots)"


PLAIN = Notation(
    equation=lambda step, names: step.equation,
    symbols=lambda step, names: (c.symbols for c in step.contributions),
    derivative=derivative,
    number=shown,
    factor=shown,
    name=str,
    words=str,
    matrix=_rows,
    dot=" * ",
    to=" -> ",
    transposed="J^T",
)
LATEX = Notation(
    equation=_latex_equation,
    symbols=lambda step, names: map(Derivatives(step.node, names).latex, (c.position for c in step.contributions)),
    derivative=lambda a, b: rf"\frac{{\partial {_latex_of(a)}}}{{\partial {_latex_of(b)}}}",
    number=latex_entries,
    factor=_factor,
    name=latex_name,
    words=latex_text,
    matrix=lambda head, x: (head + latex_entries(x, limit=SMALL),),
    dot=r" \cdot ",
    to=r" \to ",
    transposed=r"J^{\top}",
)
