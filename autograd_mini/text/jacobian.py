"""The proof of a vector-Jacobian product: the explicit Jacobian beside it, and the same from the op alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checking import _differences
from ..data import Array, ignoring_fp_warnings
from ..node import Node
from ..op import Op, contribution

SMALL = 36  # entries of a Jacobian that is written out


@dataclass(frozen=True, eq=False)
class Proof:
    """A small Jacobian J and what follows from it for one upstream gradient g.

    `jacobian` has one row per entry of the result and one column per entry of the argument, both in the order of
    memory: the vjp of one unit vector a row. `product` is J^T g, in the argument's shape, beside `vjp`, what the sweep
    has sent; `gap` is their largest difference. `measured` is J again, from differences of the op itself, which knows
    no rule; `error` is its largest difference from `jacobian` (at a kink the two may rightly differ). `holds` and
    `confirmed` say whether each pair is equal up to rounding.
    """

    jacobian: Array
    product: Array
    vjp: Array
    gap: float
    measured: Array
    error: float
    holds: bool
    confirmed: bool


def prove(node: Node, i: int, g: Any) -> Proof | None:
    """Return the Jacobian of `node` by its i-th argument, and J^T g beside the vjp; None for more than 36 entries.

    >>> from autograd_mini import Tensor
    >>> a = Tensor([0.0, 0.0]).softmax(); prove(a, 0, np.array([1.0, 3.0])).jacobian
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    arg = node.args[i]
    if node.op is None or node.op.rule(i) is None or not 0 < node.size * arg.size <= SMALL:
        return None
    wide = [contribution(node, i, unit) for unit in _units(node)]
    jacobian = np.array(wide, np.float64).reshape(node.size, arg.size)
    product = ignoring_fp_warnings(lambda: (jacobian.T @ np.ravel(g)).reshape(arg.shape))
    vjp = np.asarray(contribution(node, i, g))
    measured = ignoring_fp_warnings(_measured, node.op, node, i)
    gap, error, digits = _gap(product, vjp), _gap(jacobian, measured), _rounding(node, arg)
    holds = gap <= digits * _largest(ignoring_fp_warnings(lambda: np.abs(jacobian).T @ np.abs(np.ravel(g))))
    return Proof(jacobian, product, vjp, gap, measured, error, holds, error <= 100.0 * digits * _largest(jacobian, 1.0))


def _units(node: Node) -> list[Any]:
    if not node.shape:
        return [1.0]
    return [unit.reshape(node.shape) for unit in np.eye(node.size, dtype=node._data.dtype)]


def _measured(op: Op, node: Node, i: int) -> Array:
    """Return the Jacobian from extrapolated central differences of the row's own computation, in float64."""
    args = [np.asarray(a._data, np.float64) if isinstance(a, Node) and a.shape else _plain(a) for a in node.args]
    x = np.asarray(args[i], np.float64)

    def entry(h: float, row: int, place: tuple[int, ...]) -> float:
        moved = x.copy()
        moved[place] += h
        result = op.compute(*args[:i], moved if moved.ndim else float(moved), *args[i + 1 :])
        return float(np.ravel(result)[row])

    found = [
        _differences(lambda h, row=row, place=place: entry(h, row, place), float(x[place]))[0]  # type: ignore[misc]
        for row in range(node.size)
        for place in np.ndindex(x.shape)
    ]
    return np.array(found).reshape(node.size, x.size)


def _plain(arg: Any) -> Any:
    return arg._data if isinstance(arg, Node) else arg


def _gap(a: Array, b: Array) -> float:
    """Return the largest difference of two arrays; equal infinities and NaN in the same place differ by nothing."""
    gaps = ignoring_fp_warnings(lambda: np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b)))
    return float(np.max(np.where(np.isnan(gaps), math.inf, gaps)))


def _rounding(*nodes: Node) -> float:
    """Return what counts as rounding, relative to the numbers: 4e-10, or 7e-5 where one of the nodes is float32."""
    return float(max(np.finfo(np.asarray(node._data).dtype).eps for node in nodes) ** 0.6)


def _largest(x: Array, least: float = 0.0) -> float:
    return float(np.max(np.abs(x), initial=least, where=np.isfinite(x)))
