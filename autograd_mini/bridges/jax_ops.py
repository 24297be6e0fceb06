"""JAX's primitives by name, as rows and compositions of rows: each takes its arguments and its parameters.

An argument is a node where it depends on an input, else an array or a number. `MOVES` only move entries about: JAX
itself moves their numbers, and where each ends up is an index.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from .. import array_ops as arrays
from .. import ops
from ..errors import BridgeError
from ..node import Node
from ..op import TABLE
from . import layers

Translation = Callable[..., Any]

MOVES = (
    "gather", "dynamic_slice", "dynamic_update_slice", "rev", "pad", "scatter", "sort", "slice", "split", "top_k",
)  # fmt: skip
ACCUMULATING = ("scatter-add", "scatter_add")  # linear, and seldom large: a product with the matrix that JAX gives
SUBSTITUTES: dict[str, Translation] = {"relu": ops.relu}  # of functions with a derivative of their own

_SAME_NAME = """add sub mul div neg exp expm1 log log2 log1p sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh
atanh sqrt cbrt square erf erfc sign floor abs"""


def entrywise(row: Translation) -> Translation:
    """Return a row for a primitive whose parameters say nothing about numbers, such as their accuracy."""
    return lambda *args, **params: row(*args)


OPS: dict[str, Translation] = {name: entrywise(TABLE[name]) for name in _SAME_NAME.split()}
OPS |= {
    "logistic": entrywise(ops.sigmoid),
    "max": entrywise(ops.maximum),
    "min": entrywise(ops.minimum),
    "pow": entrywise(ops.power),
    "integer_pow": lambda x, y: ops.power(x, float(y)),
    "rsqrt": entrywise(lambda x: 1.0 / ops.sqrt(x)),
    "exp2": entrywise(arrays.exp2),
    "polynomial": entrywise(lambda x, *rising: reduce(lambda y, c: y * x + c, reversed(rising))),
    "ceil": entrywise(arrays.ceil),
    "round": entrywise(ops.round),
    "rem": entrywise(lambda x, y: x - y * arrays.trunc(x / y)),
    "clamp": lambda low, x, high: ops.clip(x, low, high),
    "copy": entrywise(lambda x: x),
    "copy_p": entrywise(lambda x: x),
    "optimization_barrier": lambda *xs: list(xs),
    "gt": entrywise(ops.greater),
    "lt": entrywise(ops.less),
    "eq": entrywise(ops.equal),
    "ge": entrywise(lambda x, y: ops.greater(x, y) + ops.equal(x, y)),
    "le": entrywise(lambda x, y: ops.less(x, y) + ops.equal(x, y)),
    "ne": entrywise(lambda x, y: 1.0 - ops.equal(x, y)),
    "and": entrywise(ops.mul),
    "or": entrywise(ops.maximum),
    "not": entrywise(lambda x: 1.0 - x),
    "reduce_sum": lambda x, axes, **_: ops.sum(x, axes),
    "reduce_max": lambda x, axes, **_: ops.max(x, axes),
    "reduce_min": lambda x, axes, **_: ops.min(x, axes),
    "reduce_prod": lambda x, axes, **_: ops.prod(x, axes),
    "reshape": lambda x, new_sizes, **_: ops.reshape(x, new_sizes),
    "squeeze": lambda x, dimensions: ops.reshape(x, _without(ops.shape(x), dimensions)),
    "expand_dims": lambda x, dimensions: ops.expand_dims(x, dimensions),
    "transpose": lambda x, permutation: ops.transpose(x, permutation),
    "concatenate": lambda *xs, dimension: arrays.concatenate(list(xs), dimension),
    "stack": lambda *xs, axis: arrays.stack(list(xs), axis),
}


def _without(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def named(*names: str) -> Callable[[Translation], Translation]:
    """Enter a function into the table under the names of the primitives that it translates."""

    def enter(function: Translation) -> Translation:
        OPS.update(dict.fromkeys(names, function))
        return function

    return enter


@named("select_n")
def _select(which: Any, *cases: Any) -> Any:
    """The first case where `which` is 0 or false, the second where it is 1 or true, and so on."""
    if len(cases) == 2:
        return ops.where(which, cases[1], cases[0])
    chosen = cases[0]
    for i, case in enumerate(cases[1:], 1):
        chosen = ops.where(ops.equal(which, float(i)) if isinstance(which, Node) else which == i, case, chosen)
    return chosen


@named("broadcast_in_dim")
def _broadcast(x: Any, shape: tuple[int, ...], broadcast_dimensions: tuple[int, ...], **_: Any) -> Any:
    sizes = [1] * len(shape)
    for axis, n in zip(broadcast_dimensions, ops.shape(x)):
        sizes[axis] = n
    return ops.broadcast_to(ops.reshape(x, tuple(sizes)), tuple(shape))


@named("convert_element_type")
def _convert(x: Any, new_dtype: Any, **_: Any) -> Any:
    dtype = np.dtype(new_dtype)
    return ops.cast(x, dtype) if dtype in (np.float32, np.float64) and ops.shape(x) else x


@named("dot_general")
def _product(x: Any, y: Any, dimension_numbers: Any, **_: Any) -> Any:
    """The sum over pairs of contracted axes; the axes of the batch come first, then x's, then y's."""
    (over_x, over_y), (batch_x, batch_y) = dimension_numbers
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    at_x = [next(letters) for _ in ops.shape(x)]
    at_y = [next(letters) for _ in ops.shape(y)]
    for i, j in (*zip(over_x, over_y), *zip(batch_x, batch_y)):
        at_y[j] = at_x[i]
    batch = [at_x[i] for i in batch_x]
    free_x = [a for i, a in enumerate(at_x) if i not in (*over_x, *batch_x)]
    free_y = [a for j, a in enumerate(at_y) if j not in (*over_y, *batch_y)]
    return ops.einsum(f"{''.join(at_x)},{''.join(at_y)}->{''.join([*batch, *free_x, *free_y])}", x, y)


@named("cumsum")
def _cumsum(x: Any, axis: int, reverse: bool) -> Any:
    return ops.flip(ops.cumsum(ops.flip(x, axis), axis), axis) if reverse else ops.cumsum(x, axis)


@named("cumprod")
def _cumprod(x: Any, axis: int, reverse: bool) -> Any:
    return ops.flip(arrays.cumprod(ops.flip(x, axis), axis), axis) if reverse else arrays.cumprod(x, axis)


@named("cumlogsumexp")
def _cumlogsumexp(x: Any, axis: int, reverse: bool) -> Any:
    top = float(np.max(x._data))
    return ops.log(_cumsum(ops.exp(x - top), axis, reverse)) + top


# Windows --------------------------------------------------------------------------------------------------------------


def _pooled(x: Any, fill: float, params: dict[str, Any]) -> Any:
    """Return the windows of x along its last axes, as many as x has."""
    if set(params["base_dilation"]) != {1}:
        raise BridgeError("windows over an array with holes have no equivalent")
    before, after = zip(*params["padding"])
    x = layers.padded(x, before, after, fill)
    return ops.windows(x, params["window_dimensions"], params["window_strides"], params["window_dilation"])


@named("reduce_window_sum")
def _window_sum(x: Any, **params: Any) -> Any:
    return ops.sum(_pooled(x, 0.0, params), layers.last_axes(len(ops.shape(x))))


@named("reduce_window_max", "reduce_window_min")
def _window_max(x: Any, sign: float = 1.0, **params: Any) -> Any:
    """The largest of each window, and of equal ones the first, as JAX has it in the derivative."""
    rank = len(ops.shape(x))
    parts = _pooled(x, -math.inf, params)
    flat = ops.reshape(parts, (*ops.shape(parts)[:rank], -1))
    best = np.argmax(flat._data, axis=-1)
    return ops.getitem(flat, (*np.indices(best.shape), best))


OPS["reduce_window_min"] = lambda x, **params: -_window_max(-x, **params)


@named("conv_general_dilated")
def _convolution(x: Any, W: Any, **params: Any) -> Any:
    """Correlation with axes in any order; a transposed one has holes between the entries of x."""
    numbers, groups = params["dimension_numbers"], params["feature_group_count"]
    if params["batch_group_count"] != 1:
        raise BridgeError("a convolution whose samples come in groups has no equivalent")
    x, W = ops.transpose(x, numbers.lhs_spec), ops.transpose(W, numbers.rhs_spec)
    x = _with_holes(x, params["lhs_dilation"])
    before, after = zip(*params["padding"])
    inside = layers.padded(x, tuple(max(p, 0) for p in before), tuple(max(p, 0) for p in after))
    cut = tuple(slice(-min(p, 0), n + min(q, 0)) for p, q, n in zip(before, after, ops.shape(inside)[2:]))
    inside = ops.getitem(inside, (..., *cut)) if min(*before, *after) < 0 else inside
    strides, holes = params["window_strides"], params["rhs_dilation"]
    z = layers.correlation(inside, W, None, strides, (0,) * len(strides), holes, groups)
    return ops.transpose(z, tuple(np.argsort(numbers.out_spec)))


def _with_holes(x: Any, steps: tuple[int, ...]) -> Any:
    """Return x with zeros between its entries, along its last axes."""
    if set(steps) == {1}:
        return x
    lead, lengths = ops.shape(x)[: -len(steps)], ops.shape(x)[-len(steps) :]
    sizes = (*lead, *((n - 1) * s + 1 for n, s in zip(lengths, steps)))
    parts = ops.reshape(x, (*ops.shape(x), *[1] * len(steps)))
    return ops.overlap_add(parts, sizes, steps, (1,) * len(steps))
