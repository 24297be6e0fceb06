"""numpy's protocols: which row or composition answers a ufunc or a function of numpy that is called on a node."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from . import array_ops, ops
from . import node as _node
from .errors import AutogradError, DataError, ShapeError
from .node import Node
from .op import TABLE, Elementwise, operand


def _data(x: Any) -> Any:
    return x._data if isinstance(x, Node) else x


def _compare(compare: Callable[[Any, Any], Any], text: str) -> Callable[[Any, Any], Any]:
    """Return a comparison of data: a bool for two scalars, a plain array of bools otherwise."""

    def method(x: Any, y: Any) -> Any:
        x, y = operand(x), operand(y)
        try:
            outcome = compare(_data(x), _data(y))
        except ValueError:
            raise ShapeError(f"a comparison of shapes {np.shape(x)} and {np.shape(y)}: they do not broadcast") from None
        if _node.modes_in_use:
            _node.tell(text, (x, y), outcome)
        return outcome

    return method


def _test(test: np.ufunc) -> Callable[[Any], Any]:
    """Return a test of data, such as isnan."""

    def method(x: Any) -> Any:
        outcome = test(_data(x))
        if _node.modes_in_use:
            _node.tell(f"{test.__name__}({{}})", (x,), outcome)
        return outcome

    return method


MARKS = {"lt": "{} < {}", "le": "{} <= {}", "gt": "{} > {}", "ge": "{} >= {}"}
COMPARISONS = {name: _compare(getattr(operator, name), text) for name, text in MARKS.items()}


def _round(x: Node, digits: int | None = None) -> Any:
    return ops.round(x) if digits is None else ops.round(x * 10.0**digits) / 10.0**digits


def _clip(x: Any, lo: Any = None, hi: Any = None) -> Any:
    """Return x held between lo and hi; None leaves a side open."""
    return ops.clip(x, -math.inf if lo is None else lo, math.inf if hi is None else hi)


def _norm(x: Any, order: Any, axis: Any, keepdims: bool) -> Any:
    if order not in (None, 2, 2.0, "fro") or (order == 2 and axis is None and x.ndim > 1):
        raise DataError("np.linalg.norm on a node gives the Euclidean norm: leave ord out, or use abs, max and sum")
    return ops.norm(x, axis, keepdims)


# A ufunc that computes a row is that row; the others are listed by what they do here.

UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    op.array: op for op in TABLE.values() if isinstance(op, Elementwise) and isinstance(op.array, np.ufunc)
}
UFUNCS |= {
    np.matmul: ops.matmul, np.power: ops.power,
    np.less: COMPARISONS["lt"], np.less_equal: COMPARISONS["le"],
    np.greater: COMPARISONS["gt"], np.greater_equal: COMPARISONS["ge"],
    np.equal: operator.is_, np.not_equal: operator.is_not,  # what numpy makes of ==, where it stands on the left
    np.isnan: _test(np.isnan), np.isfinite: _test(np.isfinite), np.isinf: _test(np.isinf),
    np.fabs: ops.absolute, np.float_power: ops.power,
}  # fmt: skip

SAME_NAME = (
    "sum mean var std prod max min cumsum dot outer einsum transpose reshape ravel squeeze expand_dims broadcast_to "
    "concatenate stack split pad flip where clip swapaxes moveaxis round"
)
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    getattr(np, name): (vars(ops) | vars(array_ops))[name] for name in SAME_NAME.split()
}
FUNCTIONS |= {
    np.clip: lambda x, a_min=None, a_max=None, **names: _clip(x, names.get("min", a_min), names.get("max", a_max)),
    np.round: lambda x, decimals=0: _round(x, decimals),
    np.linalg.norm: lambda x, ord=None, axis=None, keepdims=False: _norm(x, ord, axis, keepdims),
    np.shape: lambda x: x.shape, np.ndim: lambda x: x.ndim, np.size: lambda x: x.size,
    np.argmax: lambda x, *args, **keywords: np.argmax(x._data, *args, **keywords),
    np.argmin: lambda x, *args, **keywords: np.argmin(x._data, *args, **keywords),
    np.zeros_like: lambda x, *args, **keywords: np.zeros_like(x._data, *args, **keywords),
    np.ones_like: lambda x, *args, **keywords: np.ones_like(x._data, *args, **keywords),
    np.allclose: lambda x, y, *args, **keywords: np.allclose(_data(x), _data(y), *args, **keywords),
}  # fmt: skip


def _array_ufunc(self: Node, ufunc: np.ufunc, how: str, *inputs: Any, **keywords: Any) -> Any:
    row = UFUNCS.get(ufunc)
    if how == "reduce" and ufunc in (np.add, np.multiply, np.maximum, np.minimum) and not keywords.get("out"):
        reduce = {np.add: ops.sum, np.multiply: ops.prod, np.maximum: ops.max, np.minimum: ops.min}[ufunc]
        return reduce(inputs[0], keywords.get("axis", 0), bool(keywords.get("keepdims")))
    if row is None or how != "__call__" or keywords:
        what = f"np.{ufunc.__name__}" + ("" if how == "__call__" else f".{how}")
        given = f" with {', '.join(keywords)}=" if keywords and row is not None else ""
        raise _not_recorded(what + given)
    return row(*inputs)


def _not_recorded(what: str) -> DataError:
    return DataError(
        f"{what} is not recorded on nodes: use the functions of autograd_mini.ops, or .data for plain numbers"
    )


def _array_function(self: Node, function: Callable[..., Any], types: Any, args: Any, keywords: Any) -> Any:
    ours = FUNCTIONS.get(function)
    name = f"{function.__module__}.{function.__name__}".replace("numpy", "np")
    if ours is None:
        raise _not_recorded(name)
    try:
        return ours(*args, **keywords)
    except TypeError as error:
        if isinstance(error, AutogradError):
            raise
        raise DataError(f"{name} on a node: {error}") from None


def _no_array(self: Node, *args: Any, **keywords: Any) -> Any:
    raise DataError(
        "a node does not turn into an array silently, its record would be lost: use .data, or ops.stack for a list"
    )
