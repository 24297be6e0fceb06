"""The table as people write it: operators, methods, and numpy's own functions on nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import ops, sweep
from .errors import DataError, ShapeError
from .node import Node, Value
from .numpy_protocol import COMPARISONS, _array_function, _array_ufunc, _clip, _no_array, _round
from .op import TABLE, Unary

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
