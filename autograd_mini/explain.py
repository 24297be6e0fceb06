"""The chain rule, step by step: upstream gradient times local derivative, in symbols and in numbers.

The steps are those of the sweep itself, and each local derivative is the op's own rule, run once on named nodes: it
prints itself and carries its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .data import Array
from .formula import equation, names_of, number, text
from .node import Node, leaf
from .op import Elementwise, Op, contribution
from .sweep import order, seed_of, sweep

Number = float | Array


@dataclass(frozen=True)
class Contribution:
    """What one step sends to one argument: `upstream * local`, and what it is added to.

    `symbols` is the local derivative of an elementwise op, for instance `1 - y * y`; for every other op it is the
    vector-Jacobian product with the upstream gradient g, for instance `g @ W`, and `local` is None.
    """

    argument: str
    node: Node = field(repr=False)
    symbols: str
    local: Number | None
    amount: Number
    before: Number | None
    after: Number
    complete: bool


@dataclass(frozen=True)
class Step:
    """One node of the backward sweep: its equation and value, its complete gradient, and what it sends on."""

    name: str
    node: Node = field(repr=False)
    equation: str
    data: Number
    upstream: Number
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True)
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
        """The gradient of the root with respect to each leaf, by name."""
        return {step.name: step.upstream for step in self.steps if step.node.op is None}

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def explain(root: Node, gradient: Any = None, names: Mapping[Node, str] | None = None) -> Explanation:
    """Return the backward sweep from `root` step by step; print it to read it. No `grad` is changed.

    `gradient` is that of the root, as in `backward`. `names` holds names for nodes that have no label; the rest are
    called v1, v2, ... by age, and the root L.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); print(explain(x * x))
    L = x * x = 9.0
    <BLANKLINE>
    1   L = x * x = 9   dL/dL = 1
          dL/dx = x = 3   1 * 3 = 3   dL/dx = 3, more to come
          dL/dx = x = 3   1 * 3 = 3   dL/dx = 3 + 3 = 6
    <BLANKLINE>
    gradients of L
        x   6.0
    """
    nodes = order(root)
    called = names_of(nodes, names, root)
    left = _uses(nodes)
    totals: dict[Node, Any] = {}
    steps = []
    for node, g in sweep(nodes, {root: seed_of(root, gradient)}):
        upstream = g if g is not None else _zero(node)
        edges = [(i, a) for i, a in enumerate(node.args) if isinstance(a, Node)]
        sent = tuple(_send(node, i, upstream, called, totals, left) for i, _ in edges)
        steps.append(Step(called[node], node, equation(node, called), node._data, upstream, sent))
    return Explanation(called[root], root._data, tuple(steps))


def _uses(nodes: list[Node]) -> dict[Node, int]:
    """Return how many edges lead to each node."""
    left = dict.fromkeys(nodes, 0)
    for node in nodes:
        for arg in node.args:
            if isinstance(arg, Node):
                left[arg] += 1
    return left


def _send(
    node: Node, i: int, g: Any, names: dict[Node, str], totals: dict[Node, Any], left: dict[Node, int]
) -> Contribution:
    arg = node.args[i]
    before = totals.get(arg)
    if node.op.rule(i) is None:  # type: ignore[union-attr]
        symbols, local, amount = "0", 0.0, _zero(arg)
    else:
        symbols, local = local_derivative(node, i, names)
        amount = contribution(node, i, g)
    totals[arg] = amount if before is None else before + amount
    left[arg] -= 1
    return Contribution(names[arg], arg, symbols, local, amount, before, totals[arg], left[arg] == 0)


def local_derivative(node: Node, i: int, names: Mapping[Node, str]) -> tuple[str, Number | None]:
    """Return the derivative of `node` by its i-th argument in symbols and in numbers.

    The op's rule is run with g = 1 on leaves that bear the names. An op that is not elementwise has no derivative by
    entries; its vjp with an upstream gradient named g is returned, and None for the number.

    >>> from autograd_mini import Value
    >>> x = Value(0.0, label="x"); y = x.tanh()
    >>> local_derivative(y, 0, {x: "x", y: "y"})
    ('1 - y * y', 1.0)
    """
    op: Op = node.op  # type: ignore[assignment]
    stand_ins = {n: _named(n._data, names[n]) for n in (node, *node.args) if isinstance(n, Node)}
    elementwise = isinstance(op, Elementwise)
    g = 1.0 if elementwise else _named(np.ones(node.shape) if node.shape else 1.0, "g")
    rule: Any = op.rule(i)
    local = rule(g, stand_ins[node], *[stand_ins[a] if isinstance(a, Node) else a for a in node.args])
    plain = local._data if isinstance(local, Node) else local
    return text(local), (plain if elementwise else None)


def _named(data: Any, name: str) -> Node:
    node = leaf(data)
    node.label = name
    return node


def _zero(node: Node) -> Any:
    return np.zeros(node.shape) if node.shape else 0.0


def shown(x: Any) -> str:
    """Return a number with six digits, a small array with its entries, a large one with its shape."""
    if x is None:
        return ""
    if np.ndim(x) == 0:
        return f"{float(x):.6g}"
    if np.size(x) > 6:
        return f"array of shape {np.shape(x)}"
    return np.array2string(np.asarray(x), formatter={"float_kind": "{:.6g}".format}, separator=", ").replace("\n", "")


def _lines(explanation: Explanation) -> Iterator[str]:
    root = explanation.root
    yield f"{explanation[0].equation} = {_rounded(explanation.value, 16)}"
    passed = [step for step in explanation if step.contributions]
    rows = [row for step in passed for row in _rows(root, step)]
    widths = [max((len(row[k]) for row in rows if len(row[k]) <= 44), default=0) for k in (0, 1)]
    counted = iter(range(1, len(passed) + 1))
    for row in rows:
        if len(row) == 2:
            yield ""
        head = f"{next(counted):<4}" if len(row) == 2 else "      "
        yield (head + "   ".join(f"{cell:<{w}}" for cell, w in zip(row, (*widths, 0)))).rstrip()
    yield ""
    yield f"gradients of {root}"
    names = sorted(explanation.gradients)
    for name in names:
        yield f"    {name:<{max(map(len, names))}}   {_rounded(explanation.gradients[name], 12)}"


def _rows(root: str, step: Step) -> Iterator[tuple[str, ...]]:
    """Yield the cells of a step: (equation, upstream gradient), then one row of three for each contribution."""
    yield f"{step.equation} = {shown(step.data)}", f"d{root}/d{step.name} = {shown(step.upstream)}"
    for c in step.contributions:
        yield _derivative(step, c), _product(step, c), f"d{root}/d{c.argument} = {_total(c)}"


def _derivative(step: Step, c: Contribution) -> str:
    if c.local is None:
        return f"vjp for {c.argument}: {c.symbols}"
    value = shown(c.local)
    symbols = "" if isinstance(c.local, float) and c.symbols == number(c.local) else f"{c.symbols} = "
    return f"d{step.name}/d{c.argument} = {symbols}{value}"


def _product(step: Step, c: Contribution) -> str:
    if c.local is None:
        return f"g = {shown(step.upstream)}"
    return f"{shown(step.upstream)} * {shown(c.local)} = {shown(c.amount)}"


def _total(c: Contribution) -> str:
    """Return the running total: what was there, what came, and whether more will."""
    total = f"{shown(c.before)} + {shown(c.amount)} = {shown(c.after)}" if c.before is not None else shown(c.after)
    return total if c.complete else f"{total}, more to come"


def _rounded(x: Any, digits: int) -> str:
    return repr(float(f"{float(x):.{digits}g}")) if np.ndim(x) == 0 else shown(x)
