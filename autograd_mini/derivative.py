"""The derivative of one step by one argument, in symbols and in numbers: the op's own rule, run once on named nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .data import Array, quietly
from .formula import short_text
from .latex import short_latex
from .modes import Recording
from .node import Node, leaf
from .op import Elementwise, Op

Number = float | Array


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
    local, called = _named_rule(node, i, names)
    return short_text(local, called), (_plain(local) if isinstance(node.op, Elementwise) else None)


def latex_derivative(node: Node, i: int, names: Mapping[Node, str]) -> str:
    r"""Return the symbols of `local_derivative` in LaTeX.

    >>> from autograd_mini import Value
    >>> x = Value(4.0); y = x.sqrt(); print(latex_derivative(y, 0, {x: "x", y: "y"}))
    \frac{1}{2 \cdot y}
    """
    return short_latex(*_named_rule(node, i, names))


def _named_rule(node: Node, i: int, names: Mapping[Node, str]) -> tuple[Any, dict[Node, str]]:
    """Run a rule on leaves that stand for the node, its arguments and g; return the result, and their names."""
    op: Op = node.op  # type: ignore[assignment]
    rule = op.rule(i)
    if rule is None:
        return 0.0, {}
    stand_ins = {n: leaf(n._data) for n in (node, *node.args) if isinstance(n, Node)}
    called = {stand_in: names[n] for n, stand_in in stand_ins.items()}
    g: Any = np.float64(1.0)  # Python's own float would refuse 1 / 0
    if not isinstance(op, Elementwise):
        g = leaf(np.ones(node.shape) if node.shape else 1.0)
        called[g] = "g"
    with Recording():
        args = [stand_ins[a] if isinstance(a, Node) else a for a in node.args]
        return quietly(rule, g, stand_ins[node], *args), called


def _plain(x: Any) -> Number:
    data = x.data if isinstance(x, Node) else x
    return data if np.ndim(data) else float(data)
