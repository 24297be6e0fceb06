"""The derivative of one step by one argument, in symbols and in numbers: the op's own rule, run once on named nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..data import Array
from ..modes import Recording
from ..node import Node, filled, leaf
from ..op import Elementwise, Op, fit, numeric
from .formula import short_text
from .latex import short_latex

Number = float | Array
ONE = np.float64(1.0)  # Python's own float would refuse 1 / 0


class Derivatives:
    """One step on leaves that stand for its nodes and bear their names: each of its rules, run there, prints itself.

    What is the same for all arguments is done once, so that a sum of n numbers is explained in n steps.
    """

    def __init__(self, node: Node, names: Mapping[Node, str]) -> None:
        self.op: Op = node.op
        self.result, self.args, self.names = stand_ins(node, names)
        self.g: Any = ONE
        if not isinstance(self.op, Elementwise):
            self.g = leaf(np.ones(node.shape) if node.shape else 1.0)
            self.names[self.g] = "g"

    def has_number(self, i: int) -> bool:
        """Return whether the derivative is a number for each entry: of elementwise ops, and between scalars."""
        return isinstance(self.op, Elementwise) or not (self.result.ndim or self.args[i].ndim)

    def rule(self, i: int) -> Any:
        """Return what the rule for the i-th argument gives, 0 where there is none."""
        if self.op.rule(i) is None:
            return 0.0
        with Recording():
            return numeric(self.op.run(i, ONE if self.has_number(i) else self.g, self.result, self.args), self.op)

    def plain(self, i: int) -> tuple[str, Number | None]:
        """Return the derivative by the i-th argument in symbols and in numbers; see `local_derivative`."""
        local = self.rule(i)
        return short_text(local, self.names), (_plain(local) if self.has_number(i) else None)

    def latex(self, i: int) -> str:
        """Return the same symbols in LaTeX."""
        return short_latex(self.rule(i), self.names)


def stand_ins(node: Node, names: Mapping[Node, str]) -> tuple[Node, list[Any], dict[Node, str]]:
    """Return leaves in place of a node and of its arguments, constants as they are, and the names that they bear.

    >>> x = leaf(3.0); z = 2.0 * x; result, args, names = stand_ins(z, {x: "x", z: "z"})
    >>> names[result], args[0], names[args[1]]
    ('z', 2.0, 'x')
    """
    leaves = {n: leaf(n._data) for n in (node, *node.args) if isinstance(n, Node)}
    args = [leaves[a] if isinstance(a, Node) else a for a in node.args]
    return leaves[node], args, {stand_in: names[n] for n, stand_in in leaves.items()}


def local_derivative(node: Node, i: int, names: Mapping[Node, str]) -> tuple[str, Number | None]:
    """Return the derivative of `node` by its i-th argument in symbols and in numbers.

    The op's rule is run with g = 1 on leaves that bear the names. An op that is not elementwise has no derivative by
    entries, but between scalars; its vjp with an upstream gradient named g is returned, and None for the number. An
    argument without a rule has the derivative 0.

    >>> from autograd_mini import Value
    >>> x = Value(0.0, label="x"); y = x.tanh()
    >>> local_derivative(y, 0, {x: "x", y: "y"})
    ('1 - y * y', 1.0)
    """
    return Derivatives(node, names).plain(i)


def latex_derivative(node: Node, i: int, names: Mapping[Node, str]) -> str:
    r"""Return the symbols of `local_derivative` in LaTeX.

    >>> from autograd_mini import Value
    >>> x = Value(4.0); y = x.sqrt(); print(latex_derivative(y, 0, {x: "x", y: "y"}))
    \frac{1}{2 \cdot y}
    """
    return Derivatives(node, names).latex(i)


def contributions(node: Node, g: Any) -> Callable[[int], Any]:
    """Return the function that gives what `node` contributes to its i-th argument, 0 where that has no rule.

    >>> from autograd_mini import Value
    >>> x = Value(3.0); [contributions(x * 2.0, 10.0)(0)]
    [20.0]
    """
    op: Op = node.op
    raw = [a._data if isinstance(a, Node) else a for a in node.args]

    def contribution(i: int) -> Any:
        arg = node.args[i]
        if op.rule(i) is None:
            return filled(arg, 0.0)
        return fit(op.run(i, g, node._data, raw), arg, op)

    return contribution


def _plain(x: Any) -> Number:
    data = x.data if isinstance(x, Node) else x
    return data if np.ndim(data) else float(data)
