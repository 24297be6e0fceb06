"""The table as people write it: operators, methods, and numpy's own functions on nodes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import node as _node
from . import ops, sweep
from .errors import AutogradError, DataError, ShapeError
from .node import Node, Value
from .op import TABLE, Elementwise, Unary, operand

OPERATORS = {
    "add": ops.add, "sub": ops.sub, "mul": ops.mul, "truediv": ops.div, "mod": ops.mod, "pow": ops.power,
}  # fmt: skip

METHODS: dict[str, Callable[..., Any]] = {
    name: getattr(ops, name)
    for name in (
        "leaky_relu elu sign step floor round maximum minimum hypot logaddexp sum mean var std prod max min norm "
        "logsumexp softmax log_softmax cumsum dot matmul outer squeeze swapaxes ravel split flip"
    ).split()
}
METHODS |= {"flatten": ops.ravel, "unsqueeze": ops.expand_dims, "pow": ops.power}  # torch's names


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args, **keywords: function(self, *args, **keywords)


def _reshape(x: Node, *shape: Any) -> Any:
    return ops.reshape(x, shape[0] if len(shape) == 1 else shape)


def _transpose(x: Node, *axes: Any) -> Any:
    return ops.transpose(x, axes[0] if len(axes) == 1 else axes or None)


def _round(x: Node, digits: int | None = None) -> Any:
    return ops.round(x) if digits is None else ops.round(x * 10.0**digits) / 10.0**digits


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


def _getitem(x: Node, index: Any) -> Any:
    if not x.ndim:
        raise ShapeError("a Value is one number and has no entries to index")
    return ops.getitem(x, index)


def _setitem(x: Node, index: Any, entry: Any) -> None:
    raise DataError("a node's entries are not assigned: build the array with where(mask, new, x), stack or concatenate")


def _iterate(x: Node) -> Iterator[Any]:
    if not x.ndim:
        raise DataError("a Value is one number and cannot be iterated over")
    return (ops.getitem(x, i) for i in range(x.shape[0]))


# numpy's functions. A ufunc that computes a row is that row; the others are listed by what they do here.

UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    op.array: op for op in TABLE.values() if isinstance(op, Elementwise) and isinstance(op.array, np.ufunc)
}
UFUNCS |= {
    np.matmul: ops.matmul,
    np.less: COMPARISONS["lt"], np.less_equal: COMPARISONS["le"],
    np.greater: COMPARISONS["gt"], np.greater_equal: COMPARISONS["ge"],
    np.equal: _compare(np.equal, "{} == {}"), np.not_equal: _compare(np.not_equal, "{} != {}"),
    np.isnan: _test(np.isnan), np.isfinite: _test(np.isfinite), np.isinf: _test(np.isinf),
    np.fabs: ops.absolute, np.float_power: ops.power,
}  # fmt: skip

SAME_NAME = (
    "sum mean var std prod max min cumsum dot outer einsum transpose reshape ravel squeeze expand_dims broadcast_to "
    "concatenate stack split pad flip where clip swapaxes moveaxis round"
)
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    getattr(np, name): getattr(ops, name) for name in SAME_NAME.split()
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


def _clip(x: Any, lo: Any = None, hi: Any = None) -> Any:
    """Return x held between lo and hi; None leaves a side open."""
    return ops.clip(x, -math.inf if lo is None else lo, math.inf if hi is None else hi)


def _norm(x: Any, order: Any, axis: Any, keepdims: bool) -> Any:
    if order not in (None, 2, 2.0, "fro") or (order == 2 and axis is None and x.ndim > 1):
        raise DataError("np.linalg.norm on a node gives the Euclidean norm: leave ord out, or use abs, max and sum")
    return ops.norm(x, axis, keepdims)


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


def _tolist(x: Node) -> Any:
    """Return the data as a Python float or nested lists of them."""
    return x._data if isinstance(x, Value) else x._data.tolist()


def _argmax(x: Node, axis: int | None = None) -> Any:
    """Return where the largest entry is: a plain index, or an array of them along an axis."""
    return np.argmax(x._data, axis=axis)


def _argmin(x: Node, axis: int | None = None) -> Any:
    """Return where the smallest entry is: a plain index, or an array of them along an axis."""
    return np.argmin(x._data, axis=axis)


# A notebook shows the last node of a cell as a picture.


def _mimebundle(self: Node, include: Any = None, exclude: Any = None) -> Any:
    """Return the node's graph for a notebook; None, so its repr, where nothing that draws is installed.

    A package that draws nodes declares a function of a node as entry point of the group `autograd_mini.display`.
    """
    from importlib.metadata import entry_points  # it takes longer to load than all of the engine

    for point in entry_points(group="autograd_mini.display"):
        return point.load()(self)
    return None


SURFACE: dict[str, Callable[..., Any]] = {
    **{f"__{name}__": op.method for name, op in OPERATORS.items()},
    **{f"__r{name}__": op.reflected for name, op in OPERATORS.items()},
    **{f"__{name}__": function for name, function in COMPARISONS.items()},
    **{op.name: op.method for op in TABLE.values() if isinstance(op, Unary)},
    **{name: _method(function) for name, function in METHODS.items()},
    "__neg__": ops.neg.method,
    "__pos__": lambda x: x,
    "__abs__": ops.absolute.method,
    "__round__": _round,
    "__floordiv__": lambda x, y: ops.floordiv(x, y),
    "__rfloordiv__": lambda y, x: ops.floordiv(x, y),
    "__matmul__": lambda x, y: ops.matmul(x, y),
    "__rmatmul__": lambda y, x: ops.matmul(x, y),
    "__getitem__": _getitem,
    "__setitem__": _setitem,
    "__iter__": _iterate,
    "__array_ufunc__": _array_ufunc,
    "__array_function__": _array_function,
    "__array__": _no_array,
    "_repr_mimebundle_": _mimebundle,
    "clip": _clip,
    "clamp": _clip,
    "reshape": _reshape,
    "view": _reshape,
    "transpose": _transpose,
    "permute": _transpose,
    "tolist": _tolist,
    "argmax": _argmax,
    "argmin": _argmin,
    "backward": sweep.backward,
    "backward_steps": sweep.backward_steps,
}
for _name, _function in SURFACE.items():
    if "<locals>" in _function.__qualname__ or "<lambda>" in _function.__qualname__:
        _function.__name__, _function.__qualname__ = _name, f"Node.{_name}"
        _row = METHODS.get(_name, TABLE.get(_name))
        _function.__doc__ = _function.__doc__ or getattr(_row, "__doc__", None)
    setattr(Node, _name, _function)
