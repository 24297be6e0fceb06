"""The chain rule, step by step: upstream gradient times local derivative, in symbols and in numbers.

The steps are those of the sweep itself, and each local derivative is the op's own rule, run once on named nodes: it
prints itself and carries its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .data import Array, quietly
from .formula import equation, names_of, number, short_text
from .modes import Recording
from .node import Node, leaf
from .op import Elementwise, Op, contribution
from .sweep import order, seed_of, swept

Number = float | Array

INDENT = 6
COLUMN = 40  # characters of a column; what is longer pushes the rest of its row to the next line
CELL = 90  # characters after which the middle of a cell is left out
ENTRIES = 6  # of an array that are written out
_LONG_NUMBER = re.compile(r"(?<![\w.])\d+\.\d{6,}(?:e[+-]\d+)?(?!\w)")


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one step sends to one argument: `amount = upstream * local`, and the argument's total before and after.

    `symbols` is the local derivative of an elementwise op, for instance `1 - y * y`; for every other op it is the
    vector-Jacobian product with the upstream gradient g, for instance `g @ W`, and `local` is None. `before` is None
    where nothing came yet; `complete` says that nothing more will come.
    """

    argument: str
    node: Node = field(repr=False)
    symbols: str
    local: Number | None
    amount: Number
    before: Number | None
    after: Number
    complete: bool


@dataclass(frozen=True, eq=False)
class Step:
    """One node of the backward sweep: its equation and value, its complete gradient, and what it sends on.

    A node that no gradient reaches (all that uses it is a step or a comparison) has upstream 0 and sends nothing.
    """

    name: str
    node: Node = field(repr=False)
    equation: str
    data: Number
    upstream: Number
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True, eq=False)
class Explanation:
    """The backward sweep from one root as a list of steps, which prints as text."""

    root: str
    value: Number
    steps: tuple[Step, ...]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, i: int) -> Step:
        return self.steps[i]

    @property
    def gradients(self) -> dict[str, Number]:
        """The gradient of the root with respect to each leaf, by name, in the order in which the leaves were made."""
        return {step.name: step.upstream for step in reversed(self.steps) if step.node.op is None}

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def explain(root: Node, gradient: Any = None, names: Mapping[Node, str] | None = None) -> Explanation:
    """Return the backward sweep from `root` step by step; print it to read it. No `grad` is changed.

    `gradient` is that of the root, as in `backward`, with the same errors. `names` holds names for nodes that have no
    label; the rest are called v1, v2, ... by age, and the root L.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); print(explain(x * x))
    L = x * x = 9.0
    <BLANKLINE>
    1   L = x * x = 9     dL/dL = 1
          dL/dx = x = 3   1 * 3 = 3   dL/dx = 3, more to come
          dL/dx = x = 3   1 * 3 = 3   dL/dx = 3 + 3 = 6
    <BLANKLINE>
    gradients of L
        x   6.0
    """
    seed = seed_of(root, gradient)
    nodes = order(root)
    reached = swept(nodes, {root: seed})
    called = names_of(nodes, names, root)
    account = _Account(reached)
    steps = []
    for node, g in reached.items():
        sent = () if g is None else tuple(account.send(node, i, g, called) for i in _edges(node))
        upstream = _zero(node) if g is None else g
        steps.append(Step(called[node], node, equation(node, called), node.data, upstream, sent))
    return Explanation(called[root], root.data, tuple(steps))


class _Account:
    """Running totals: for each node what has come so far, and how many contributions are still to come."""

    def __init__(self, reached: dict[Node, Any]) -> None:
        self.totals: dict[Node, Any] = {}
        self.left = dict.fromkeys(reached, 0)
        for node, g in reached.items():
            for i in _edges(node) if g is not None else ():
                self.left[node.args[i]] += 1

    def send(self, node: Node, i: int, g: Any, names: Mapping[Node, str]) -> Contribution:
        """Return what `node` contributes to its i-th argument, entered into the account."""
        arg = node.args[i]
        symbols, local = local_derivative(node, i, names)
        amount = contribution(node, i, g) if node.op.rule(i) is not None else _zero(arg)  # type: ignore[union-attr]
        before = self.totals.get(arg)
        after = amount if before is None else before + amount
        self.totals[arg] = after
        self.left[arg] -= 1
        return Contribution(names[arg], arg, symbols, local, amount, before, after, self.left[arg] == 0)


def _edges(node: Node) -> list[int]:
    return [i for i, arg in enumerate(node.args) if isinstance(arg, Node)]


def local_derivative(node: Node, i: int, names: Mapping[Node, str]) -> tuple[str, Number | None]:
    """Return the derivative of `node` by its i-th argument in symbols and in numbers.

    The op's rule is run with g = 1 on leaves that bear the names. An op that is not elementwise has no derivative by
    entries; its vjp with an upstream gradient named g is returned, and None for the number. An argument without a rule
    has the derivative 0.

    >>> from autograd_mini import Value
    >>> x = Value(0.0, label="x"); y = x.tanh()
    >>> local_derivative(y, 0, {x: "x", y: "y"})
    ('1 - y * y', 1.0)
    """
    op: Op = node.op  # type: ignore[assignment]
    rule = op.rule(i)
    if rule is None:
        return "0", 0.0
    stand_ins = {n: leaf(n._data) for n in (node, *node.args) if isinstance(n, Node)}
    called = {stand_in: names[n] for n, stand_in in stand_ins.items()}
    elementwise = isinstance(op, Elementwise)
    g: Any = np.float64(1.0)  # Python's own float would refuse 1 / 0
    if not elementwise:
        g = leaf(np.ones(node.shape) if node.shape else 1.0)
        called[g] = "g"
    with Recording():
        args = [stand_ins[a] if isinstance(a, Node) else a for a in node.args]
        local = quietly(rule, g, stand_ins[node], *args)
    return short_text(local, called), (_plain(local) if elementwise else None)


def _plain(x: Any) -> Number:
    data = x.data if isinstance(x, Node) else x
    return data if np.ndim(data) else float(data)


def _zero(node: Node) -> Number:
    return np.zeros_like(node._data) if node.shape else 0.0


# As text ------------------------------------------------------------------------------------------------------------


def shown(x: Number) -> str:
    """Return a number with six digits, a small array with its entries, a large one with its shape.

    >>> shown(2.0 / 3.0), shown(np.array([1.0, 0.5])), shown(np.ones((3, 4)))
    ('0.666667', '[1, 0.5]', 'array of shape (3, 4)')
    """
    if np.ndim(x) == 0:
        return f"{float(x) + 0.0:.6g}"  # minus zero is zero
    if np.size(x) > ENTRIES:
        return f"array of shape {np.shape(x)}"
    return f"[{', '.join(map(shown, np.asarray(x)))}]"


def _lines(explanation: Explanation) -> Iterator[str]:
    root = explanation.root
    yield f"{_cut(explanation[0].equation)} = {_rounded(explanation.value, 16)}"
    sending = [step for step in explanation if step.contributions]
    blocks = [[_cells(root, step), *(_row(root, step, c) for c in step.contributions)] for step in sending]
    rows = [row for block in blocks for row in block]
    widths = [max((len(row[k]) for row in rows if len(row[k]) <= COLUMN), default=0) for k in (0, 1)]
    for i, (head, *sent) in enumerate(blocks, 1):
        yield ""
        yield from _placed(f"{i:<3} ", head, widths)
        for row in sent:
            yield from _placed(" " * INDENT, row, widths)
    yield ""
    yield f"gradients of {root}"
    gradients = explanation.gradients
    width = max(map(len, gradients), default=0)
    yield from (f"    {name:<{width}}   {_rounded(g, 12)}" for name, g in gradients.items())


def _placed(head: str, cells: tuple[str, ...], widths: list[int]) -> Iterator[str]:
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


def _cells(root: str, step: Step) -> tuple[str, ...]:
    return _cut(f"{step.equation} = {shown(step.data)}"), _cut(f"d{root}/d{step.name} = {shown(step.upstream)}")


def _row(root: str, step: Step, c: Contribution) -> tuple[str, ...]:
    return _cut(_derivative(step, c)), _cut(_product(root, step, c)), _cut(f"d{root}/d{c.argument} = {_total(c)}")


def _derivative(step: Step, c: Contribution) -> str:
    if c.local is None:
        return f"vjp for {c.argument}: {c.symbols}"
    value = shown(c.local)
    symbols = "" if np.ndim(c.local) == 0 and c.symbols == number(float(c.local)) else f"{c.symbols} = "
    return f"d{step.name}/d{c.argument} = {symbols}{value}"


def _product(root: str, step: Step, c: Contribution) -> str:
    """Return the multiplication in numbers, or between arrays what was multiplied."""
    upstream = f"d{root}/d{step.name}"
    if c.local is None:
        return f"g = {upstream}"
    if np.ndim(step.upstream) == 0:
        return f"{shown(step.upstream)} * {shown(c.local)} = {shown(c.amount)}"
    repeated = np.shape(c.amount) != np.shape(step.upstream)
    return f"{'sum of ' if repeated else ''}{upstream} * d{step.name}/d{c.argument}"


def _total(c: Contribution) -> str:
    """Return the running total: what was there, what came, and whether more will."""
    sum_ = c.before is not None and np.ndim(c.after) == 0
    total = f"{shown(c.before)} + {shown(c.amount)} = {shown(c.after)}" if sum_ else shown(c.after)  # type: ignore[arg-type]
    return total if c.complete else f"{total}, more to come"


def _cut(cell: str) -> str:
    """Return a cell with six digits of its numbers, and without its middle where it is too long."""
    cell = _LONG_NUMBER.sub(lambda match: shown(float(match[0])), cell)
    return cell if len(cell) <= CELL else f"{cell[: CELL // 2 - 2]} ... {cell[3 - CELL // 2 :]}"


def _rounded(x: Number, digits: int) -> str:
    return repr(float(f"{float(x) + 0.0:.{digits}g}")) if np.ndim(x) == 0 else shown(x)
