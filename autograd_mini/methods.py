"""The ops as people write them: the operators, methods and protocols of a node, each assigned by its name."""

# mypy: disable-error-code="assignment,attr-defined,index,method-assign,misc"

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

from . import (
    array_ops,
    linalg_rows,  # noqa: F401 - the last rows of the table
    ops,
    sweep,
)
from . import node as _node
from .arguments import names_of
from .array_ops import _clip, _round
from .conditions import Condition
from .data import kept_dtype
from .decisions import decide, tell
from .errors import DataError, ShapeError
from .hints import HINTS, OWN_OP, hint
from .modes import traced_since
from .node import Node, Value, check_fresh, leaf
from .op import TABLE, Unary, contribution, operand


def _compare(compare: Callable[[Any, Any], Any], text: str, row: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Return a comparison of data: a condition, which is bools to whoever looks, and a node to a row."""

    def method(x: Any, y: Any) -> Any:
        x, y = operand(x), operand(y)
        try:
            outcome = compare(*(a._data if isinstance(a, Node) else a for a in (x, y)))
        except ValueError:
            raise ShapeError(f"a comparison of shapes {np.shape(x)} and {np.shape(y)}: they do not broadcast") from None
        return Condition(outcome, ((text, (x, y), outcome),), lambda: row(x, y))

    return method


Node.__add__, Node.__radd__ = ops.add.method, ops.add.reflected
Node.__sub__, Node.__rsub__ = ops.sub.method, ops.sub.reflected
Node.__mul__, Node.__rmul__ = ops.mul.method, ops.mul.reflected
Node.__truediv__, Node.__rtruediv__ = ops.div.method, ops.div.reflected
Node.__mod__, Node.__rmod__ = ops.mod.method, ops.mod.reflected
Node.__pow__, Node.__rpow__ = ops.power.method, ops.power.reflected
Node.__floordiv__, Node.__rfloordiv__ = (lambda x, y: ops.floordiv(x, y)), (lambda y, x: ops.floordiv(x, y))
Node.__matmul__, Node.__rmatmul__ = (lambda x, y: ops.matmul(x, y)), (lambda y, x: ops.matmul(x, y))
Node.__neg__, Node.__pos__, Node.__abs__ = ops.neg.method, lambda x: x, ops.absolute.method
Node.__lt__ = _compare(operator.lt, "{} < {}", ops.less)
Node.__le__ = _compare(operator.le, "{} <= {}", lambda x, y: ops.less(x, y) + ops.equal(x, y))
Node.__gt__ = _compare(operator.gt, "{} > {}", ops.greater)
Node.__ge__ = _compare(operator.ge, "{} >= {}", lambda x, y: ops.greater(x, y) + ops.equal(x, y))
Node.__round__ = _round


def _reshape(x: Node, *shape: Any, order: str = "C") -> Any:
    return array_ops.reshaped(x, shape[0] if len(shape) == 1 else shape, order)


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


def _astype(x: Node, dtype: Any) -> Any:
    """Return x in float64 or float32."""
    return ops.cast(x, kept_dtype(dtype))


# The data, as people ask for it: modes are told, and what a branch may depend on is noted.


def _seen(x: Node) -> Any:
    """Return the data, and tell the modes in force that it was looked at, as it is: it may be shown, or decide."""
    if _node.modes_in_use:
        now = _copied(x)
        tell("{} == {}", (x, now), now == now)
        if np.isnan(now).any():
            tell("isnan({})", (x,), np.isnan(now))
    return x._data


def _asked(x: Node) -> Any:
    """Return the data for a question to numpy, on whose answer a branch may depend."""
    now = _copied(x)
    decide("{} == {}", (x, now), now == now)
    return x._data


def _copied(x: Node) -> Any:
    return x._data if isinstance(x, Value) else x._data.copy()


def _entry(x: Node) -> Any:
    return x._data if isinstance(x, Value) else x._data.reshape(-1)[0]


def _item(x: Node) -> float:
    """Return the one entry as a Python float; ShapeError where there are several."""
    if x.size != 1:
        raise ShapeError(
            f"item() takes a node with one entry; this one has shape {x.shape}: take x[i], or reduce it first"
        )
    _seen(x)
    return float(_entry(x))


def _float(x: Node) -> float:
    since = traced_since.get()
    if since and x.birth > since:
        raise DataError(
            "float(node) inside a function that is being differentiated would drop what the node depends on: "
            "use a row of autograd_mini.ops (ops.sin for math.sin), or .data where a constant is meant"
        )
    if x.size != 1:
        raise ShapeError(
            f"float(node) takes one entry; this one has shape {x.shape}: where a function of math called it, "
            "use the row of autograd_mini.ops (ops.sin for math.sin)"
        )
    return _item(x)


def _bool(x: Node) -> bool:
    if x.size != 1:
        raise ShapeError(f"the truth of a node of shape {x.shape} is ambiguous: test .data with numpy's all() or any()")
    truth = bool(_entry(x))
    decide("{} != {}", (x, 0.0), truth)
    return truth


def _tolist(x: Node) -> Any:
    """Return the data as a Python float or nested lists of them."""
    return x._seen() if isinstance(x, Value) else x._seen().tolist()


def _detach(x: Node) -> Node:
    """Return a leaf with the same data: gradients stop here. A compiled function that asks is bound to that data.

    >>> from autograd_mini import Value
    >>> x = Value(3.0); y = x * (x * x).detach(); y.backward(); x.grad
    9.0
    """
    _seen(x)
    return leaf(_copied(x))


def _no_mask(x: Node) -> Any:
    """Asked for by masked arrays alone, which would otherwise take `_data` and drop the record."""
    raise DataError("a masked array does not meet a node, it would lose its mask: fill it first, .filled(value)")


def _place(which: Any, compare: np.ufunc, text: str) -> Any:
    def method(x: Node, axis: int | None = None, keepdims: bool = False) -> Any:
        """Return where the entry is: a plain index, or an array of them along an axis."""
        data = np.asarray(x._data)
        try:
            place = which(data, axis=axis, keepdims=keepdims)
        except (ValueError, IndexError) as error:
            raise ShapeError(f"{which.__name__}: shape {data.shape} with axis={axis}: {error}") from None
        if data.ndim:
            index = np.unravel_index(place, data.shape) if axis is None else _along(place, data, axis, keepdims)
            entry = np.asarray(data[index])
            decide(text, (lambda x: ops.getitem(x, index), x), compare(entry, data), (which, axis))
        return place

    return method


def _along(place: Any, data: Any, axis: int, keepdims: bool) -> tuple[Any, ...]:
    """Return the index that takes an array's entries at their places along an axis."""
    index: list[Any] = list(np.ix_(*map(np.arange, data.shape)))
    index[axis] = place if keepdims else np.expand_dims(place, axis)
    return tuple(index)


_argmax, _argmin = _place(np.argmax, np.greater_equal, "{} >= {}"), _place(np.argmin, np.less_equal, "{} <= {}")


# numpy's protocols.

PROTOCOLS = ("__array__", "__array_ufunc__", "__array_function__")


def _protocol(name: str) -> Callable[..., Any]:
    """Return a protocol that loads, when numpy first asks, the one that answers: it takes the place of this."""

    def method(self: Node, *args: Any, **keywords: Any) -> Any:
        from . import numpy_protocol  # noqa: F401

        return getattr(self, name)(*args, **keywords)

    return method


# The lecture's names, and its manual step.


def _prev(x: Node) -> set[Node]:
    """The argument nodes as a set."""
    return {a for a in x.args if isinstance(a, Node)}


def _op(x: Node) -> str:
    """How the op is written, '' for a leaf."""
    return x.op.symbol if x.op else ""


def _step_back(node: Node) -> None:
    """Add what a node contributes, by its rule and its own gradient, to the gradients of its arguments."""
    check_fresh(node)
    for i in sweep.receivers(node):
        node.args[i].grad = node.args[i].grad + contribution(node, i, node.grad)


def _no_closure(node: Node, closure: Any) -> None:
    """Refuse a closure: a node that was made by hand has a recipe or none, and its gradient would be a silent 0."""
    raise DataError(f"_backward is not assigned, a node keeps its recipe and no closure: {OWN_OP}")


# What a prompt completes.

LEARNT = (
    "data grad label backward backward_steps has_grad detach item op args abs exp log sqrt square sin cos tan tanh "
    "sigmoid relu softplus"
).split()
OF_ARRAYS = "shape ndim size dtype T sum mean max min reshape transpose dot matmul argmax softmax tolist".split()


def _dir(node: Node) -> list[str]:
    """List what people look for, for a prompt to complete; dir(type(x)) lists all."""
    own = [name for name in vars(type(node)) if type(node).__module__ != Node.__module__]
    kept = set(LEARNT) | set(OF_ARRAYS if node.ndim else ()) | set(own) | set(getattr(node, "__dict__", ()))
    return sorted(kept | {name for name in object.__dir__(node) if name.startswith("__")})


# A notebook shows the last node of a cell as a picture.


def _mimebundle(self: Node, include: Any = None, exclude: Any = None) -> Any:
    """Return the node's graph for a notebook; None, so its repr, where nothing that draws is installed.

    A package that draws nodes declares a function of a node as entry point of the group `autograd_mini.display`.
    """
    from importlib.metadata import entry_points  # it takes longer to load than all of the engine

    for point in entry_points(group="autograd_mini.display"):
        return point.load()(self)
    return None


Node._seen, Node._asked, Node._mask = _seen, _asked, property(_no_mask)
Node.__float__, Node.__int__, Node.__bool__ = _float, lambda x: int(float(x)), _bool
Node.item, Node.detach, Node.tolist = _item, _detach, _tolist
Node._prev, Node._op = property(_prev), property(_op)
Node.__getitem__, Node.__setitem__, Node.__iter__ = _getitem, _setitem, _iterate
Node.__array__, Node.__array_ufunc__, Node.__array_function__ = map(_protocol, PROTOCOLS)
Node._repr_mimebundle_ = _mimebundle
Node.__dir__ = _dir
Node.__array_priority__ = Node.__pandas_priority__ = 10_000  # a data frame leaves the arithmetic to the node
Node.reshape = Node.view = _reshape  # where there are two names, the second is torch's
Node.transpose = Node.permute = _transpose
Node.clamp, Node.astype = _clip, _astype
Node.backward, Node.backward_steps = sweep.backward, sweep.backward_steps

# Every function of one variable is a method by its own name; so are these ops, and what is made of ops.

METHODS: dict[str, Callable[..., Any]] = {
    name: getattr(ops, name)
    for name in (
        "leaky_relu elu sign step floor maximum minimum hypot logaddexp sum mean var std prod max min norm "
        "logsumexp softmax log_softmax cumsum matmul squeeze swapaxes flip"
    ).split()
}
METHODS |= {
    name: getattr(array_ops, name) for name in "dot outer ravel split repeat take diagonal trace cumprod".split()
}
METHODS |= {"flatten": array_ops.ravel, "unsqueeze": ops.expand_dims, "pow": ops.power}  # torch's names
METHODS |= {"clip": _clip, "round": _round, "argmax": _argmax, "argmin": _argmin}


def _method(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function as a method, which is called in our way or, where numpy has one of that name, in numpy's."""
    numpys = getattr(np, name, None)
    if numpys is None or isinstance(numpys, np.ufunc):
        return lambda self, *args, **keywords: function(self, *args, **keywords)

    def method(self: Node, *args: Any, **keywords: Any) -> Any:
        if _in_numpys_way(names_of(function), args, keywords):
            return self.__array_function__(numpys, (), (self, *args), keywords)
        return function(self, *args, **keywords)

    return method


OF_NUMPYS = (type, np.dtype, np.ndarray)


def _in_numpys_way(own: tuple[str, ...], args: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
    """Return whether arguments are given that ours does not have: numpy has a dtype and an array for the result."""
    if len(args) < 2 and not keywords:
        return len(args) == len(own)
    unlike = len(args) >= len(own) or any(a is None or isinstance(a, OF_NUMPYS) for a in args[1:])
    return unlike or not keywords.keys() <= {*own[1:]}


for _name, _function in METHODS.items():
    setattr(Node, _name, _method(_name, _function))
for _row in TABLE.values():
    if isinstance(_row, Unary):
        setattr(Node, _row.name, _row.method)
for _name, _what in HINTS.items():
    setattr(Node, _name, hint(_name, _what))
for _name, _function in list(vars(Node).items()):  # tracebacks and help() show the name that a method has here
    if not isinstance(_function, FunctionType) or _function.__qualname__.startswith("Node."):
        continue
    if "<" in _function.__qualname__ or _function.__module__ == __name__:
        _function.__name__, _function.__qualname__ = _name, f"Node.{_name}"
        _function.__doc__ = _function.__doc__ or getattr(METHODS.get(_name, TABLE.get(_name)), "__doc__", None)
Node._backward = property(  # after the loop above: it has a document of its own
    lambda node: partial(_step_back, node), _no_closure, doc="The step back from here, as the lecture calls it."
)
