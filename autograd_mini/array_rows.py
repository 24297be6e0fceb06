"""The rows of the table that take whole arrays: order, reductions, products, shapes, and losses of rows of entries.

The contract of a rule is that of `ops.py`; each row and function stands in `autograd_mini.ops` too, beside the others,
where people look for it.

Sources: the rules of products are dl/dx = (dy/dx)^T dl/dy worked out (Giles, "Collected matrix derivative results",
2008); the stable forms of softmax and logsumexp are Blanchard, Higham & Higham, "Accurately computing the log-sum-exp
and softmax functions", 2021.
"""

# mypy: disable-error-code="has-type"

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from . import kernels, ops
from .errors import ShapeError
from .op import Op, Sum, Variadic
from .ops import equal, exp, nonzero, shape, where
from .products import product

# fmt: off

# Order --------------------------------------------------------------------------------------------------------------

sort   = Op("sort",   lambda x, axis=-1: np.sort(x, axis),               lambda g, z, x, axis: unsort(g, x, axis), None)
resort = Op("resort", lambda x, keys, axis: kernels.resort(x, keys, axis), # x in the order in which `sort` puts the keys
            lambda g, z, x, keys, axis: unsort(g, keys, axis), None, None)
unsort = Op("unsort", lambda x, keys, axis: kernels.unsort(x, keys, axis), # and back; equal keys share
            lambda g, z, x, keys, axis: resort(g, keys, axis), None, None)
resort.settings = unsort.settings = frozenset({2})                      # the keys may be nodes; they have no derivative

# Reductions: `spread` carries g back along the axes that were summed away ---------------------------------------------

sum  = Op("sum",  lambda x, axis=None, keepdims=False: np.add.reduce(x, axis=axis, keepdims=keepdims),
          lambda g, z, x, axis, keepdims: spread(g, shape(x), axis), None, None)
mean = Op("mean", lambda x, axis=None, keepdims=False: kernels.mean(x, axis, keepdims),
          lambda g, z, x, axis, keepdims: spread(g / kernels.count(shape(x), axis), shape(x), axis), None, None)
var  = Op("var",  lambda x, axis=None, ddof=0.0, keepdims=False: kernels.var(x, axis, ddof, keepdims),
          lambda g, z, x, axis, ddof, keepdims:
              spread(g, shape(x), axis) * 2.0 * (x - mean(x, axis, True)) / kernels.freedom(shape(x), axis, ddof), None, None, None)
std  = Op("std",  lambda x, axis=None, ddof=0.0, keepdims=False: kernels.std(x, axis, ddof, keepdims),
          lambda g, z, x, axis, ddof, keepdims: spread(g, shape(x), axis) * _std_slope(z, x, axis) / kernels.freedom(shape(x), axis, ddof), None, None, None)
norm = Op("norm", lambda x, axis=None, keepdims=False: kernels.norm(x, axis, keepdims),
          lambda g, z, x, axis, keepdims: spread(g, shape(x), axis) * (x / spread(nonzero(z), shape(x), axis)), None, None)
prod = Op("prod", lambda x, axis=None, keepdims=False: np.prod(x, axis=axis, keepdims=keepdims),
          lambda g, z, x, axis, keepdims: spread(g, shape(x), axis) * prod_others(x, axis), None, None)
max  = Op("max",  lambda x, axis=None, keepdims=False: np.max(x, axis=axis, keepdims=keepdims),
          lambda g, z, x, axis, keepdims: spread(g, shape(x), axis) * _share(x, spread(z, shape(x), axis), axis), None, None, analytic=False)
min  = Op("min",  lambda x, axis=None, keepdims=False: np.min(x, axis=axis, keepdims=keepdims),
          lambda g, z, x, axis, keepdims: spread(g, shape(x), axis) * _share(x, spread(z, shape(x), axis), axis), None, None, analytic=False)

logsumexp   = Op("logsumexp",   lambda x, axis=None, keepdims=False: kernels.logsumexp(x, axis, keepdims),
                 lambda g, z, x, axis, keepdims: spread(g, shape(x), axis) * _softmax_of(x, spread(z, shape(x), axis), axis), None, None)
softmax     = Op("softmax",     lambda x, axis=-1: kernels.softmax(x, axis),
                 lambda g, z, x, axis: z * (g - sum(g * z, axis, True)), None)
log_softmax = Op("log_softmax", lambda x, axis=-1: kernels.log_softmax(x, axis),
                 lambda g, z, x, axis: g - exp(z) * sum(g, axis, True), None)
cumsum      = Op("cumsum",      lambda x, axis=None: np.cumsum(x, axis),
                 lambda g, z, x, axis: reshape(flip(cumsum(flip(g, axis or 0), axis or 0), axis or 0), shape(x)), None)

spread      = Op("spread",      lambda x, shape, axis: kernels.spread(x, shape, axis),
                 lambda g, z, x, shape_, axis: reshape(sum(g, axis, True), shape(x)), None, None)
sum_to      = Op("sum_to",      lambda x, shape: kernels.sum_to(x, shape),
                 lambda g, z, x, shape_: broadcast_to(g, shape(x)), None)
cast        = Op("cast",        lambda x, dtype: np.asarray(x).astype(dtype), lambda g, z, x, dtype: g, None, analytic=False)   # the sweep casts back
prod_others = Op("prod_others", lambda x, axis: kernels.prod_others(x, axis),
                 lambda g, z, x, axis: _prod_others_rule(g, x, axis), None)

# Products -----------------------------------------------------------------------------------------------------------

matmul = Op("matmul", lambda x, y: product(np.asarray(x), np.asarray(y)),
            lambda g, z, x, y: _matmul_x(g, x, y),
            lambda g, z, x, y: _matmul_y(g, x, y), text="{} @ {}")
affine = Op("affine", lambda x, W, b: kernels.affine(x, W, b),          # a layer: z = W x + b, row by row
            lambda g, z, x, W, b: _times(g, W),
            lambda g, z, x, W, b: _times(_rows(g).T, _rows(x)),
            lambda g, z, x, W, b: g)
einsum = Variadic("einsum", kernels.einsum,
                  lambda g, z, i, args: _einsum_rule(g, i - 1, args[0], args[1:]), settings=1)

# Shapes and indices -------------------------------------------------------------------------------------------------

reshape      = Op("reshape",      lambda x, shape: np.reshape(x, shape),             lambda g, z, x, _: reshape(g, shape(x)), None)
transpose    = Op("transpose",    lambda x, axes=None: np.transpose(x, axes),        lambda g, z, x, axes: transpose(g, axes if axes is None else kernels.inverse(axes)), None)
broadcast_to = Op("broadcast_to", lambda x, shape: np.broadcast_to(x, shape),        lambda g, z, x, _: g, None)
flip         = Op("flip",         lambda x, axis=None: np.flip(x, axis),             lambda g, z, x, axis: flip(g, axis), None)
pad          = Op("pad",          lambda x, width, value=0.0: kernels.pad(x, width, value),
                  lambda g, z, x, width, value: getitem(g, _inside(shape(x), width)), None, None)
getitem      = Op("getitem",      lambda x, index: x[index],                         lambda g, z, x, index: scatter(g, index, shape(x)), None)
scatter      = Op("scatter",      lambda x, index, shape: kernels.scatter(x, index, shape), lambda g, z, x, index, _: getitem(g, index), None, None)
windows      = Op("windows",      lambda x, size, stride=1, dilation=1: kernels.windows(x, size, stride, dilation),   # of the last axes, each at its place
                  lambda g, z, x, size, stride, dilation: overlap_add(g, shape(x), stride, dilation), None, None, None)
overlap_add  = Op("overlap_add",  lambda x, shape, stride, dilation: kernels.overlap_add(x, shape, stride, dilation),
                  lambda g, z, x, shape_, stride, dilation: _first(windows(g, shape(x)[len(shape_):], stride, dilation), shape(x)), None, None, None)
concatenate_ = Variadic("concatenate", lambda axis, *xs: np.concatenate(xs, axis), lambda g, z, i, args: _slab(g, i - 1, args[0], args[1:]), settings=1)
stack_       = Variadic("stack",       lambda axis, *xs: np.stack(xs, axis),       lambda g, z, i, args: _layer(g, i - 1, args[0]), settings=1)
add_n        = Sum("add_n",       kernels.add_n,                              lambda g, z: g, text=" + ")

# Fused: one node where its parts would need several -----------------------------------------------------------------

cross_entropy = Op("cross_entropy", lambda logits, labels: kernels.cross_entropy(logits, labels),   # -log softmax(logits)[label]
                   lambda g, z, logits, labels: spread(g, shape(logits), -1) * (softmax(logits) - kernels.one_hot(labels, shape(logits)[-1])), None)

softmax_loss  = Op("softmax_loss", lambda x, y: kernels.softmax_losses(x, y),                    # logsumexp(x) - y . x, of shape (..., 1)
                   lambda g, z, x, y: g * (softmax(x) - y),
                   lambda g, z, x, y: -g * x)
l2_penalty    = Variadic("l2_penalty", lambda alpha, *ws: 0.5 * alpha * builtins.sum(np.dot(np.ravel(w), np.ravel(w)) for w in ws),
                         lambda g, z, i, args: g * args[0] * args[i], settings=1)
# fmt: on


def _std_slope(z: Any, x: Any, axis: Any) -> Any:
    """Return (x - mean(x)) / z, and 0 where z is 0; of single entries it is 0 wherever they are."""
    if kernels.count(shape(x), axis) == 1:
        return 0.0
    return (x - mean(x, axis, True)) / spread(nonzero(z), shape(x), axis)


def _softmax_of(x: Any, z: Any, axis: Any) -> Any:
    """Return softmax(x), the slope of z = logsumexp(x); 0 beside an infinite entry, whose own slope has no value."""
    return where(equal(x - z, -math.inf), 0.0, softmax(x, axis))


def _share(x: Any, z: Any, axis: Any) -> Any:
    """Return each entry's share in a maximum or minimum z: 1 for the only one that reaches it, 1/k for one of k."""
    return equal(x, z) / sum(equal(x, z), axis, True)


def _prod_others_rule(g: Any, x: Any, axis: Any) -> Any:
    """Return sum_i g_i d(prod of all but i)/dx_j: the products of all but two, from a square of copies of x."""
    axes = tuple(range(len(shape(x)))) if axis is None else tuple(int(a) % len(shape(x)) for a in np.atleast_1d(axis))
    order = tuple(a for a in range(len(shape(x))) if a not in axes) + axes
    lead = tuple(shape(x)[a] for a in order[: len(order) - len(axes)])
    n = math.prod(shape(x)[a] for a in axes)
    flat, upstream = (reshape(transpose(v, order), (*lead, n)) for v in (x, g))
    eye = np.eye(n)
    copies = where(eye, 1.0, broadcast_to(expand_dims(flat, -2), (*lead, n, n)))
    sums = sum(where(eye, 0.0, expand_dims(upstream, -1) * prod_others(copies, -1)), -2)
    return transpose(reshape(sums, tuple(shape(x)[a] for a in order)), kernels.inverse(order))


def _matmul_x(g: Any, x: Any, y: Any) -> Any:
    """Return dL/dx = g y^T for z = x y, in numpy's ranks: a vector is a row on the left and a column on the right."""
    if len(shape(y)) == 1:
        return expand_dims(g, -1) * y
    if len(shape(x)) == 1:
        return squeeze(matmul(y, expand_dims(g, -1)), -1)
    return matmul(g, swapaxes(y, -1, -2))


def _matmul_y(g: Any, x: Any, y: Any) -> Any:
    """Return dL/dy = x^T g for z = x y."""
    if len(shape(x)) == 1:
        return x * g if len(shape(y)) == 1 else expand_dims(x, -1) * expand_dims(g, -2)
    if len(shape(y)) == 1:
        return squeeze(matmul(swapaxes(x, -1, -2), expand_dims(g, -1)), -1)
    return matmul(swapaxes(x, -1, -2), g)


def _times(x: Any, y: Any) -> Any:
    """Return x y, which for arrays is `product`."""
    return product(x, y) if type(x) is type(y) is np.ndarray else x @ y


def _rows(x: Any) -> Any:
    """Return x as a matrix of rows along the last axis."""
    return x if len(shape(x)) == 2 else reshape(x, (math.prod(shape(x)[:-1]), shape(x)[-1]))


def _first(x: Any, lengths: tuple[int, ...]) -> Any:
    """Return the first places along each axis."""
    return x if shape(x) == lengths else getitem(x, tuple(slice(n) for n in lengths))


def _inside(inner: tuple[int, ...], width: Any) -> tuple[slice, ...]:
    before = np.broadcast_to(width, (len(inner), 2))[:, 0]
    return tuple(slice(int(b), int(b) + n) for b, n in zip(before, inner))


def _slab(g: Any, i: int, axis: int, xs: tuple[Any, ...]) -> Any:
    """Return the part of a concatenation's gradient that belongs to its i-th array."""
    start = builtins.sum(shape(x)[axis] for x in xs[:i])
    index = (slice(None),) * (axis % len(shape(g))) + (slice(start, start + shape(xs[i])[axis]),)
    return getitem(g, index)


def _layer(g: Any, i: int, axis: int) -> Any:
    """Return the layer of a stack's gradient that belongs to its i-th array."""
    return getitem(g, (slice(None),) * (axis % len(shape(g))) + (i,))


def _einsum_rule(g: Any, i: int, spec: str, xs: tuple[Any, ...]) -> Any:
    """Return the einsum that takes g and the other operands to the i-th one.

    A letter that only the i-th operand has (a plain sum) is spread over its axis, and of a letter that it repeats
    (a diagonal) the entries off the diagonal are zero.
    """
    inputs, output = kernels.einsum_letters(spec, [shape(x) for x in xs])
    own, terms = inputs.pop(i), [g, *xs[:i], *xs[i + 1 :]]
    known = "".join(c for c in dict.fromkeys(own) if c in output + "".join(inputs))
    part = einsum(",".join([output, *inputs]) + "->" + known, *terms)
    length = dict(zip(known, shape(part)))
    there = tuple(length.pop(c, 1) for c in own)
    full = broadcast_to(reshape(part, there), np.broadcast_shapes(there, shape(xs[i])))
    return full if len(set(own)) == len(own) else where(kernels.diagonal(own, shape(xs[i])), full, 0.0)


def expand_dims(x: Any, axis: Any) -> Any:
    """Return x with new axes of length 1 at the given places."""
    rank = len(shape(x)) + np.size(axis)
    axes = kernels.axes("expand_dims", axis, rank)
    old = iter(shape(x))
    return reshape(x, tuple(1 if i in axes else next(old) for i in range(rank)))


def squeeze(x: Any, axis: Any = None) -> Any:
    """Return x without the given axes of length 1, or without all of them."""
    ones = tuple(i for i, n in enumerate(shape(x)) if n == 1)
    axes = ones if axis is None else kernels.axes("squeeze", axis, len(shape(x)))
    if not set(axes) <= set(ones):
        raise ShapeError(f"squeeze: shape {shape(x)} has more than one entry along axis {axis}")
    return reshape(x, tuple(n for i, n in enumerate(shape(x)) if i not in axes))


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Return x with two axes exchanged."""
    axes = list(range(len(shape(x))))
    (a,), (b,) = (kernels.axes("swapaxes", i, len(axes)) for i in (axis1, axis2))
    axes[a], axes[b] = b, a
    return transpose(x, tuple(axes))


vars(ops).update({
    name: thing for name, thing in vars().items()
    if isinstance(thing, Op) or getattr(thing, "__module__", "") == __name__
})  # fmt: skip
