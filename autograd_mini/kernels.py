"""Computations that rows of the table need and numpy does not have: on numbers, and on arrays of float or complex."""

from __future__ import annotations

import builtins
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from .data import Array, on_floats
from .errors import DataError, MatrixError, ShapeError
from .products import SMALL, product

NARROW = 32  # rows shorter than this cost BLAS and numpy's reductions more than a copy of them as columns

# On Python floats. NaN goes through; a comparison with NaN is false.

exp = on_floats(np.exp)
expm1 = on_floats(np.expm1)
log1p = on_floats(np.log1p)
raised = on_floats(np.power)


def sign(x: float) -> float:
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else 0.0 if x == 0.0 else x


def step(x: float) -> float:
    return 1.0 if x > 0.0 else 0.0


def maximum(x: float, y: float) -> float:  # of 0.0 and -0.0 the second, as numpy's
    return x if x > y or x != x else y


def minimum(x: float, y: float) -> float:
    return x if x < y or x != x else y


def floor(x: float) -> float:
    return math.copysign(math.floor(x), x)  # the floor of -0.0 is -0.0


def rounded(x: float) -> float:
    return math.copysign(builtins.round(x), x)  # and -0.3 is rounded to it


def relu(x: float) -> float:
    return 0.0 if x <= 0.0 else x


def sigmoid(x: float) -> float:
    if x >= 0.0:
        return 1.0 / (1.0 + exp(-x))
    e = exp(x)
    return e / (1.0 + e)


def softplus(x: float) -> float:
    return max(x, 0.0) + log1p(exp(-abs(x)))  # max keeps its first argument, NaN too


def logistic_loss(x: float, y: float) -> float:
    return ((1.0 - y) * x if x > 0.0 else -y * x) + log1p(exp(-abs(x)))


def power(x: float, y: float) -> float:
    if y == 2.0:
        return x * x
    if y == 3.0:
        return x * x * x
    if y == -1.0:
        return 1.0 / x
    if y == 0.5:
        return math.sqrt(x) + 0.0 if x > -math.inf else -x
    return raised(float(x), y)  # a printed program may have a whole number here, whose powers numpy would cut off


def gelu(x: float) -> float:
    return 0.5 * x * math.erfc(-x * math.sqrt(0.5))


# On arrays. The ones that are analytic take complex arrays too, which is how `gradcheck` takes a complex step.


def _side(x: Array) -> Array:
    """Return +1 where x is on the right of zero, else -1."""
    return np.copysign(1.0, x.real).astype(x.real.dtype)


def relus(x: Array) -> Array:
    x = np.asarray(x)
    return np.maximum(x, np.zeros(x.shape, x.dtype))  # numpy's loop over two arrays is quicker than over a number


def sigmoids(x: Array) -> Array:
    x = np.asarray(x)
    if x.dtype == np.float32:  # float64 has room for exp(-x), wherever that is not lost beside 1 or infinite
        return 1 / (1 + np.exp(-x, dtype=np.float64).astype(np.float32))
    side = _side(x)
    e = np.exp(-side * x)
    return np.where(side > 0, 1.0, e) / (1.0 + e)


def softpluses(x: Array) -> Array:
    x = np.asarray(x)
    side = _side(x)
    return np.where(side > 0, x, 0.0 * side) + np.log1p(np.exp(-side * x))


def poisson_losses(x: Array, y: Array) -> Array:
    """Return exp(x) - y x; a number beside an array takes the array's precision."""
    x = np.asarray(x, _precision(x, y))
    return np.exp(x) - y * x


def logistic_losses(x: Array, y: Array) -> Array:
    """Return softplus(x) - y x, in the form that loses no digits where y is 0 or 1 and right."""
    x = np.asarray(x, _precision(x, y))
    side = _side(x)
    return np.where(side > 0, (1.0 - y) * x, -y * x) + np.log1p(np.exp(-side * x))


def elus(x: Array, alpha: Any) -> Array:
    x = np.asarray(x, _precision(x, alpha))
    return np.where(x > 0.0, x, alpha * np.expm1(np.where(x > 0.0, 0.0, x)))


def root(x: Array) -> Array:
    """Return x ** 0.5 as C's pow has it: the root keeps -0.0 and refuses -inf."""
    return np.where(np.equal(x, -np.inf), np.inf, np.sqrt(x) + 0.0)


PRODUCTS = {2.0: lambda x: x * x, 3.0: lambda x: x * x * x, -1.0: lambda x: 1.0 / x, 0.5: root}


def powers(x: Any, y: Any) -> Array:
    """Return x ** y, by products, a quotient and the root where y is 2, 3, -1 and 0.5, however it is given."""
    x = np.asarray(x, _precision(x, y))
    if not np.ndim(y):
        return PRODUCTS.get(np.asarray(y).item(), lambda x: np.power(x, y))(x)
    z = np.power(x, y)
    for exponent, powered in PRODUCTS.items():
        chosen = np.equal(y, exponent)
        z = np.where(chosen, powered(x), z) if np.any(chosen) else z
    return z


def clips(x: Any, lo: Any, hi: Any) -> Array:
    return np.minimum(np.maximum(x, lo), hi, dtype=_precision(x, lo, hi))


def indicator(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Array]:
    """Return the comparison as numbers: 1 where it holds, 0 elsewhere, in the precision of its arguments."""
    return lambda x, y: compare(x, y).astype(_precision(x, y))


def _precision(*args: Any) -> Any:
    return np.result_type(*(a for a in args if isinstance(a, (float, np.ndarray, np.generic))))


def each(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """Return `function` of a number as a function of an array, for what numpy lacks (erf); slow but exact."""
    apply = np.frompyfunc(function, 1, 1)

    def on_arrays(x: Array) -> Array:
        x = np.asarray(x)
        return np.asarray(apply(x.astype(np.float64))).astype(x.dtype)

    return functools.update_wrapper(on_arrays, function)


all_ones = functools.lru_cache(8)(np.ones)  # with which BLAS sums rows and columns; nobody writes to them
unit_rows = functools.lru_cache(8)(np.eye)  # those of class numbers; nor to these


def is_narrow(shape: tuple[int, ...], axis: Any) -> bool:
    """Return whether a reduction goes along rows that are shorter than numpy's loop over them costs."""
    return len(shape) == 2 and axis in (1, -1) and 0 < shape[1] < NARROW


def fold(x: Array, axis: Any) -> Array:
    """Return the sum along the axes, kept with length 1."""
    if is_narrow(x.shape, axis):
        return np.dot(x, all_ones(x.shape[1], x.dtype))[:, None]
    return np.add.reduce(x, axis=axis, keepdims=True)


def highest(x: Array, axis: Any) -> Array:
    """Return the largest real part along the axes, kept with length 1, and -inf for none."""
    x = x.real
    if is_narrow(x.shape, axis):
        return np.maximum.reduce(np.ascontiguousarray(x.T), axis=0)[:, None]
    return np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)


def peak(x: Array, axis: Any) -> Array:
    """Return the largest real part along the axes, kept with length 1, and 0 for an infinite one and for none."""
    top = highest(x, axis)
    if math.isfinite(np.vdot(top, top)):  # what overflows only takes the longer way
        return top
    return np.where(np.isfinite(top), top, 0.0).astype(top.dtype)


def logsumexp(x: Array, axis: Any, keepdims: bool) -> Array:
    x = np.asarray(x)
    m = peak(x, axis)
    z = np.log(fold(np.exp(x - m), axis)) + m
    return z if keepdims else np.squeeze(z, axis=tuple(range(x.ndim)) if axis is None else axis)


def softmax_losses(x: Array, y: Array) -> Array:
    """Return logsumexp(x) - y . x for each row, in the form that loses no digits where y is one-hot and right."""
    x = np.asarray(x)
    m = peak(x, -1)
    return np.log(fold(np.exp(x - m), -1)) + (m - fold(x * y, -1))


def softmax(x: Array, axis: Any) -> Array:
    x = np.asarray(x)
    e = np.exp(x - highest(x, axis))
    return e / fold(e, axis)


def log_softmax(x: Array, axis: Any) -> Array:
    x = np.asarray(x)
    shifted = x - highest(x, axis)
    return shifted - np.log(fold(np.exp(shifted), axis))


def mean(x: Array, axis: Any, keepdims: Any) -> Array:
    n = count(np.shape(x), axis)
    total = np.add.reduce(x, axis=axis, keepdims=keepdims)
    if not n or np.isfinite(total).all():
        return total / n
    return np.where(np.isfinite(total), total / n, np.add.reduce(x / n, axis=axis, keepdims=keepdims))


def var(x: Array, axis: Any, ddof: float, keepdims: Any) -> Array:
    d = x - mean(x, axis, True)
    return np.add.reduce(d * d, axis=axis, keepdims=keepdims) / freedom(np.shape(x), axis, ddof)


def std(x: Array, axis: Any, ddof: float, keepdims: Any) -> Array:
    """Return the root of `var`, from the norm: squares of what is far from 1 would overflow or vanish."""
    return norm(x - mean(x, axis, True), axis, keepdims) / math.sqrt(freedom(np.shape(x), axis, ddof))


def norm(x: Array, axis: Any, keepdims: bool) -> Array:
    """Return the Euclidean norm, scaled by the largest entry so that its squares neither overflow nor vanish."""
    x = np.asarray(x)
    top = np.max(np.abs(x.real), axis=axis, keepdims=True, initial=0.0)
    scale = np.where((top > 0.0) & np.isfinite(top), top, 1.0).astype(top.dtype)
    length = scale * np.sqrt(np.add.reduce((x / scale) ** 2, axis=axis, keepdims=True))
    return length if keepdims else np.squeeze(length, axis=tuple(range(x.ndim)) if axis is None else axis)


def prod_others(x: Array, axis: Any) -> Array:
    """Return for each entry the product of all the others along the axes: no division, so zeros are exact."""
    x = np.asarray(x)
    axes = tuple(range(x.ndim)) if axis is None else tuple(np.atleast_1d(axis))
    moved = np.moveaxis(x, axes, range(-len(axes), 0))
    lead = moved.shape[: x.ndim - len(axes)]
    flat = moved.reshape(*lead, math.prod(moved.shape[len(lead) :]))
    ones = np.ones_like(flat[..., :1])
    before = np.cumprod(np.concatenate([ones, flat[..., :-1]], -1), -1)
    after = np.cumprod(np.concatenate([ones, flat[..., :0:-1]], -1), -1)[..., ::-1]
    others = (before * after if flat.shape[-1] else flat).reshape(moved.shape)
    return np.moveaxis(others, range(-len(axes), 0), axes)


def affine(x: Array, W: Array, b: Array) -> Array:
    """Return W x + b for each row of x; W is copied transposed where BLAS multiplies so much faster."""
    x, W = np.asarray(x), np.asarray(W)
    return np.add(product(x, np.ascontiguousarray(W.T) if copies(x.shape, W.shape) else W.T), b)


def copies(rows: tuple[int, ...], W: tuple[int, ...]) -> bool:
    """Return whether x W^T, for rows x, pays for a copy of W^T: where W is narrow, or rows are many of a small one.

    BLAS' kernels for small matrices take a third longer for x W^T than for x V.
    """
    n = math.prod(rows[:-1])
    return W[0] < NARROW or (n >= NARROW and n * math.prod(W) <= SMALL)


def resort(x: Array, keys: Array, axis: Any) -> Array:
    """Return x in the order that sorts the keys; where keys are equal, each place has the mean of theirs."""
    x, keys, axis = (np.ravel(x), np.ravel(keys), 0) if axis is None else (x, keys, axis)
    order = np.argsort(keys, axis, "stable")
    return shared(np.take_along_axis(x, order, axis), np.take_along_axis(keys, order, axis), axis)


def unsort(x: Array, keys: Array, axis: Any) -> Array:
    """Return x, which is in the order that sorts the keys, in their own; equal keys have the mean of their places."""
    if axis is None:
        return unsort(x, np.ravel(keys), 0).reshape(np.shape(keys))
    order = np.argsort(keys, axis, "stable")
    means = shared(x, np.take_along_axis(keys, order, axis), axis)
    return np.take_along_axis(means, np.argsort(order, axis, "stable"), axis)


def shared(x: Array, keys: Array, axis: int) -> Array:
    """Return x with the mean over each run of equal keys along an axis in place of its entries."""
    rows, runs = np.moveaxis(x, axis, -1), np.moveaxis(keys, axis, -1)
    first = np.ones(runs.shape, bool)
    first[..., 1:] = runs[..., 1:] != runs[..., :-1]
    if first.all():
        return x
    run = np.cumsum(first.reshape(-1)) - 1
    means = np.bincount(run, np.ascontiguousarray(rows).reshape(-1)) / np.bincount(run)
    return np.moveaxis(means[run].reshape(rows.shape), -1, axis).astype(x.dtype)


def sinc_slope(x: Array, order: int) -> Array:
    """Return the derivative of sin(pi x) / (pi x) of that order: by its series near 0, by Leibniz' rule further out."""
    x = np.asarray(x)
    near = np.abs(x.real) < 1.0 + order / np.pi
    u, v = np.where(near, x, 0.0), np.where(near, 1.0, x)
    u = u.astype(np.result_type(u, np.float64))
    series = np.zeros_like(u)
    for k in range((order + 1) // 2, order // 2 + 30):
        m = 2 * k - order
        series = series + (-1) ** k * np.pi**order * (np.pi * u) ** m / (math.factorial(m) * (2 * k + 1))
    slope = np.sinc(v)
    for n in range(1, order + 1):  # (pi x f)^(n) = pi x f^(n) + n pi f^(n-1)
        slope = (np.pi ** (n - 1) * np.sin(np.pi * v + n * np.pi / 2.0) - n * slope) / v
    return np.where(near, series, slope).astype(x.dtype)


def decomposed(compute: Callable[..., Any], what: str, *args: Any) -> Any:
    """Return what a function of numpy.linalg gives; MatrixError, in our words, where it cannot."""
    try:
        return compute(*args)
    except np.linalg.LinAlgError as error:
        lengths = " and ".join(str(np.shape(x)) for x in args[:2] if np.ndim(x))
        if "dimension" in str(error) or "square" in str(error):
            raise ShapeError(f"{what}: shape {lengths}: the last two axes are those of square matrices") from None
        raise MatrixError(f"{what}: {REFUSALS.get(str(error), str(error))}") from None


REFUSALS = {
    "Singular matrix": "the matrix is singular; pinv gives its pseudoinverse",
    "Matrix is not positive definite": "the matrix is not positive definite",
    "SVD did not converge": "the matrix holds inf or nan",
    "Eigenvalues did not converge": "the matrix holds inf or nan",
}


def inv(x: Array) -> Array:
    return decomposed(np.linalg.inv, "inv", x)


def solve(x: Array, y: Array) -> Array:
    return decomposed(np.linalg.solve, "solve", x, y)


def cofactors(x: Array) -> Array:
    """Return det(x) inv(x)^T, of singular matrices too: by singular values, without division."""
    u, s, v = decomposed(np.linalg.svd, "det", x)
    return (np.linalg.det(u) * np.linalg.det(v))[..., None, None] * ((u * prod_others(s, -1)[..., None, :]) @ v)


def cholesky(x: Array) -> Array:
    return decomposed(np.linalg.cholesky, "cholesky", 0.5 * (x + np.swapaxes(x, -1, -2)))


def pinv(x: Array, rcond: Any) -> Array:
    return decomposed(np.linalg.pinv, "pinv", x, rcond)


def eigh(x: Array) -> Any:
    """Return eigenvalues and eigenvectors of the symmetric part of x."""
    return decomposed(np.linalg.eigh, "eigh", 0.5 * (x + np.swapaxes(x, -1, -2)))


def svd(x: Array) -> Any:
    """Return the singular values, and the vectors as columns: those on the left on top of those on the right."""
    u, s, v = decomposed(np.linalg.svd, "svd", x, False)
    return s, np.concatenate([u, np.swapaxes(v, -1, -2)], -2)


def sum_to(x: Array, shape: tuple[int, ...]) -> Array:
    """Sum over the axes along which an array of `shape` was broadcast to that of x."""
    x = np.asarray(x)
    lead = x.ndim - len(shape)
    if lead < 0:
        return np.broadcast_to(x, shape)
    if lead == 1 and len(shape) == 1 and x.shape[1:] == shape and x.dtype.kind == "f":
        return np.dot(all_ones(len(x), x.dtype), x)  # a bias: BLAS adds rows twice as fast as numpy
    if lead and x.shape[lead:] == shape:
        return np.add.reduce(x, axis=tuple(range(lead)))
    axes = tuple(range(lead)) + tuple(i + lead for i, n in enumerate(shape) if n == 1 != x.shape[i + lead])
    if not axes:
        return np.broadcast_to(x, shape)
    total = np.sum(x, axis=axes, keepdims=True)
    if total.shape[lead:] != shape:
        raise ShapeError(f"sum_to: shape {shape} does not broadcast to {x.shape}")
    return total.reshape(shape)


def scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Array:
    """Return zeros of `shape` with g added at `index`; entries that the index names twice receive both."""
    out = np.zeros(shape, dtype=np.asarray(g).dtype)
    parts = index if isinstance(index, tuple) else (index,)
    if all(isinstance(i, (int, np.integer, slice, type(None), type(Ellipsis))) for i in parts):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


def windows(x: Array, size: tuple[int, ...], stride: Any, dilation: Any) -> Array:
    """Return every window of `size` along the last axes of x: first where the windows stand, then what is in each."""
    n = len(size)
    strides, dilations = np.broadcast_to(stride, n), np.broadcast_to(dilation, n)
    span = tuple(int(d) * (k - 1) + 1 for k, d in zip(size, dilations))
    every = np.lib.stride_tricks.sliding_window_view(x, span, axis=tuple(range(-n, 0)))
    taken: Any = (Ellipsis, *(slice(None, None, step) for step in (*strides, *dilations)))
    return np.asarray(every[taken])


def overlap_add(x: Array, shape: tuple[int, ...], stride: Any, dilation: Any) -> Array:
    """Return an array of `shape` with every window of x added at its place: the transpose of `windows`."""
    x = np.asarray(x)
    n = x.ndim - len(shape)
    steps, apart = np.broadcast_to(stride, n), np.broadcast_to(dilation, n)
    out = np.zeros(shape, x.dtype)
    for inside in np.ndindex(x.shape[len(shape) :]):
        first = inside * apart
        last = first + steps * (np.array(x.shape[len(shape) - n : len(shape)]) - 1)
        place: Any = (Ellipsis, *map(slice, first, last + 1, steps))
        part: Any = (Ellipsis, *inside)
        out[place] += x[part]
    return out


def count(shape: tuple[int, ...], axis: Any) -> int:
    """Return the number of entries that a reduction over `axis` combines."""
    return math.prod(shape) if axis is None else math.prod(shape[i] for i in np.atleast_1d(axis))


def freedom(shape: tuple[int, ...], axis: Any, ddof: float) -> float:
    """Return what a variance is divided by: the entries combined less ddof, and 0 where that is less."""
    left = count(shape, axis) - ddof
    return left if left > 0.0 else 0.0


def pad(x: Array, width: Any, value: float) -> Array:
    if not np.ndim(x):
        raise ShapeError("pad: one number has no axis to pad: reshape it to (1,) first")
    if isinstance(width, dict):
        raise ShapeError("pad: widths are a number, a pair (before, after), or a pair for each axis")
    return np.pad(x, width, constant_values=value)


def spread(x: Any, shape: tuple[int, ...], axis: Any) -> Array:
    """Return an array of `shape` that repeats x along the axes that a reduction summed away."""
    if np.ndim(x) == 0:
        return np.full(shape, x)
    x = np.asarray(x)
    out = np.empty(shape, x.dtype)
    out[...] = x.reshape(kept(shape, axis))
    return out


def kept(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """Return `shape` with length 1 along the reduced axes."""
    if type(axis) is int:
        axis %= len(shape)
        return shape[:axis] + (1,) + shape[axis + 1 :]
    axes = range(len(shape)) if axis is None else np.atleast_1d(axis) % (len(shape) or 1)
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def axes(name: str, axis: Any, rank: int) -> tuple[int, ...]:
    """Return an axis or several, counted from the front; ShapeError where one is out of range or named twice."""
    try:
        return normalize_axis_tuple(axis, rank)
    except ValueError as error:
        raise ShapeError(f"{name}: {error}") from None


def inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the transposition that undoes the one by `axes`."""
    return tuple(int(i) for i in np.argsort([a % len(axes) for a in axes]))


def add_n(*xs: Any) -> Any:
    """Return the sum, added from left to right as it is written."""
    total, *rest = xs
    for x in rest:
        total = total + x
    return total


def cross_entropy(logits: Array, labels: Array) -> Array:
    """Return -log softmax(logits)[label] for each row of logits."""
    labels = checked_labels(labels, np.shape(logits))
    m = peak(logits, -1)
    shifted = logits - m
    chosen = shifted.reshape(-1, shifted.shape[-1])[np.arange(labels.size), labels.reshape(-1)]
    return np.log(np.add.reduce(np.exp(shifted), axis=-1)) - chosen.reshape(labels.shape)


def one_hot(labels: Array, classes: int, dtype: Any = np.float32) -> Array:
    """Return a row per label with 1 at its place; float32 holds 0 and 1 exactly and does not widen what it meets."""
    labels = np.asarray(labels).astype(np.intp, copy=False)
    if classes < NARROW:
        return unit_rows(classes, dtype=dtype).take(labels, 0)
    return (labels[..., None] == np.arange(classes)).astype(dtype)


def checked_labels(labels: Any, shape: tuple[int, ...]) -> Array:
    """Return the class numbers as an array, or raise: one integer in [0, classes) for each row of logits."""
    labels = np.asarray(labels)
    if not shape or labels.shape != shape[:-1]:
        raise ShapeError(f"cross_entropy: labels of shape {labels.shape}, logits of shape {shape}: one label per row")
    if labels.dtype.kind not in "iu":
        raise DataError(f"cross_entropy: labels are class numbers (integers), got {labels.dtype}")
    if labels.size and labels.astype(np.uint64).max() >= shape[-1]:  # what is negative becomes very large
        place = tuple(int(i) for i in np.argwhere((labels < 0) | (labels >= shape[-1]))[0])
        wrong = f"label {labels[place]} at {place}"
        raise ShapeError(f"cross_entropy: {wrong} is not one of the {shape[-1]} classes 0 to {shape[-1] - 1}")
    return labels


LETTERS = "abcdefghijklmnopqrstuvwxyABCDEFGHIJKLMNOPQRSTUVWXYz"


def einsum(spec: str, *xs: Any) -> Array:
    return np.einsum(spec, *xs, dtype=np.result_type(*xs), casting="same_kind")


def diagonal(letters: str, shape: tuple[int, ...]) -> Array:
    """Return True where the indices of equal letters are equal, in an array of `shape` with a letter per axis."""
    index = np.indices(shape)
    return np.all([index[k] == index[letters.index(c)] for k, c in enumerate(letters)], axis=0)


def einsum_letters(spec: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result, with `...` and an implied result written out."""
    spec = spec.replace(" ", "")
    left, arrow, right = spec.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(shapes):
        raise ShapeError(f"einsum: {spec!r} names {len(inputs)} operands, got {len(shapes)}")
    free = [c for c in LETTERS if c not in spec]
    extra = [len(s) - len(t.replace("...", "")) for t, s in zip(inputs, shapes)]
    longest = max((n for n, t in zip(extra, inputs) if "..." in t), default=0)
    inputs = [t.replace("...", "".join(free[longest - n : longest])) for t, n in zip(inputs, extra)]
    if not arrow:
        once = sorted(c for c in set(left) - set(",.") if left.count(c) == 1)
        right = ("..." if "..." in left else "") + "".join(once)
    return inputs, right.replace("...", "".join(free[:longest]))
