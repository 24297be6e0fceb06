"""What is made of rows: joining, cutting, moving and summing the entries of arrays as numpy does; no rule of its own.

Each function stands in `autograd_mini.ops` too, beside the rows, where people look for it, and has the name, the
parameters and the meaning of numpy's, which answers with it when it is called on nodes: `np.roll(x, 1)`.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from . import kernels, ops
from .arguments import setting
from .array_rows import (
    concatenate_,
    expand_dims,
    getitem,
    matmul,
    mean,
    prod,
    reshape,
    spread,
    stack_,
    sum,
    transpose,
)  # fmt: skip
from .errors import AutogradError, DataError, ShapeError
from .op import operand
from .ops import (
    LN2,
    absolute,
    equal,
    floor,
    less,
    logaddexp,
    maximum,
    minimum,
    mul,
    neg,
    power,
    shape,
    sign,
    where,
)  # fmt: skip

Axis = int | tuple[int, ...] | None

# Helpers ------------------------------------------------------------------------------------------------------------


def _axis(name: str, axis: int, rank: int) -> int:
    """Return an axis, counted from the front."""
    if np.ndim(axis):
        raise ShapeError(f"{name} goes along one axis, got axis={axis!r}: call it once for each")
    return kernels.axes(name, axis, rank)[0]


def _part(x: Any, axis: int, index: Any) -> Any:
    """Return x with an index along one axis, counted from the front."""
    return getitem(x, (slice(None),) * axis + (index,))


def _moved(move: Callable[..., Any], x: Any, *settings: Any, **named: Any) -> Any:
    """Return x with its entries moved as numpy's function moves those of an array: it moves their places."""
    places, settings = np.arange(math.prod(shape(x))).reshape(shape(x)), tuple(map(setting, settings))
    try:
        return getitem(ravel(x), move(places, *settings, **named))
    except (ValueError, IndexError, TypeError) as error:
        if isinstance(error, AutogradError):
            raise
        raise ShapeError(f"{move.__name__}: shape {shape(x)} with {settings}: {error}") from None


# Joining ------------------------------------------------------------------------------------------------------------


def concatenate(xs: Any, axis: int | None = 0) -> Any:
    """Join arrays along an axis that they have; None joins their entries.

    >>> from autograd_mini import Tensor
    >>> concatenate([Tensor([1.0, 2.0]), [3.0]]).data
    array([1., 2., 3.])
    """
    return concatenate_(axis, *xs) if axis is not None else concatenate_(0, *map(ravel, xs))


def stack(xs: Any, axis: int = 0) -> Any:
    """Join Values or arrays of one shape along a new axis: Values become a Tensor.

    >>> from autograd_mini import Value
    >>> stack([Value(1.0), Value(2.0)]).data
    array([1., 2.])
    """
    return stack_(axis, *xs)


def vstack(xs: Any) -> Any:
    """Put arrays on top of each other: numbers and vectors are rows.

    >>> from autograd_mini import Value
    >>> vstack([[1.0, 2.0], [Value(3.0), 4.0]]).data.tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    return concatenate([atleast_2d(x) for x in xs])


def hstack(xs: Any) -> Any:
    """Put arrays beside each other: numbers and vectors end to end, matrices column by column.

    >>> from autograd_mini import Value
    >>> hstack([Value(1.0), [2.0, 3.0]]).data
    array([1., 2., 3.])
    """
    parts = [atleast_1d(x) for x in xs]
    return concatenate(parts, 0 if parts and len(shape(parts[0])) == 1 else 1)


def dstack(xs: Any) -> Any:
    """Put arrays behind each other, along a third axis."""
    return concatenate([atleast_3d(x) for x in xs], 2)


def column_stack(xs: Any) -> Any:
    """Put vectors side by side as the columns of a matrix; what has two axes is taken as it is.

    >>> from autograd_mini import Tensor
    >>> column_stack([Tensor([1.0, 2.0]), [3.0, 4.0]]).data.tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    return concatenate([x if len(shape(x)) > 1 else reshape(x, (-1, 1)) for x in map(operand, xs)], 1)


def append(x: Any, values: Any, axis: int | None = None) -> Any:
    """Return x with values after its entries: all of both in a row, or along an axis."""
    return concatenate([x, values], axis)


# Cutting ------------------------------------------------------------------------------------------------------------


def split(x: Any, sections: Any, axis: int = 0) -> list[Any]:
    """Cut x along an axis, into that many equal parts or at the given places (the inverse of `concatenate`).

    >>> from autograd_mini import Tensor
    >>> [part.data.tolist() for part in split(Tensor([1.0, 2.0, 3.0, 4.0]), 2)]
    [[1.0, 2.0], [3.0, 4.0]]
    """
    n = shape(x)[_axis("split", axis, len(shape(x)))]
    if isinstance(sections, (int, np.integer)) and (sections < 1 or n % sections):
        raise ShapeError(f"split: length {n} of axis {axis} does not divide into {sections} equal parts")
    return array_split(x, sections, axis)


def array_split(x: Any, sections: Any, axis: int = 0) -> list[Any]:
    """Cut x along an axis as `split` does; where the length does not divide, the first parts are longer by one.

    >>> array_split([1.0, 2.0, 3.0], 2)
    [array([1., 2.]), array([3.])]
    """
    axis = _axis("array_split", axis, len(shape(x)))
    n = shape(x)[axis]
    if isinstance(sections, (int, np.integer)):
        if sections < 1:
            raise ShapeError(f"array_split: {sections} parts: there is at least one")
        sections = _cuts(n, int(sections))
    try:
        places = [*map(operator.index, [0, *sections, n])]
    except TypeError:
        told = f"got {sections!r:.60}: give the number of parts, or a list of the places to cut at"
        raise ShapeError(f"array_split: {told}") from None
    return [_part(x, axis, slice(a, b)) for a, b in itertools.pairwise(places)]


def _cuts(n: int, parts: int) -> list[int]:
    """Return where a length is cut into parts, the first of which are longer by one where it does not divide."""
    size, longer = divmod(n, parts)
    return [k * size + min(k, longer) for k in range(1, parts)]


def vsplit(x: Any, sections: Any) -> list[Any]:
    """Cut x along its first axis, of two or more."""
    if len(shape(x)) < 2:
        raise ShapeError(f"vsplit: shape {shape(x)} has no rows: cut a vector with hsplit")
    return split(x, sections)


def hsplit(x: Any, sections: Any) -> list[Any]:
    """Cut x along its second axis, a vector along its only one."""
    return split(x, sections, 0 if len(shape(x)) == 1 else 1)


def dsplit(x: Any, sections: Any) -> list[Any]:
    """Cut x along its third axis."""
    return split(x, sections, 2)


# Axes ---------------------------------------------------------------------------------------------------------------


def ravel(x: Any, order: str = "C") -> Any:
    """Return x with a single axis; order "F" takes the entries column by column."""
    return reshape(transpose(x) if _by_columns(order) else x, (-1,))


def reshaped(x: Any, shape: Any, order: str = "C") -> Any:
    """Return x in another shape, as `reshape` does; order "F" takes and puts the entries column by column."""
    if order == "K":
        raise DataError('reshape: order "K" is no order of a new shape: write "C" or "F"')
    if not _by_columns(order):
        return reshape(x, shape)
    return transpose(reshape(transpose(x), shape[::-1] if np.ndim(shape) else shape))


def _by_columns(order: str) -> bool:
    """Return whether the order of entries is Fortran's, column by column."""
    if order not in ("C", "F", "A", "K"):
        raise DataError(f'order is "C", row by row, or "F", column by column, got {order!r}')
    return order == "F"


def atleast_1d(*xs: Any) -> Any:
    """Return x with one axis at least; of several arrays a tuple."""
    return _each(xs, lambda x: x if shape(x) else reshape(x, (1,)))


def atleast_2d(*xs: Any) -> Any:
    """Return x with two axes at least, a vector as a row; of several arrays a tuple."""
    return _each(xs, lambda x: x if len(shape(x)) > 1 else reshape(x, (1, -1)))


def atleast_3d(*xs: Any) -> Any:
    """Return x with three axes at least, a matrix of shape (m, n) as (m, n, 1); of several arrays a tuple."""
    return _each(xs, lambda x: x if len(shape(x)) > 2 else expand_dims(atleast_2d(x), -1))


def _each(xs: tuple[Any, ...], function: Callable[[Any], Any]) -> Any:
    found = tuple(function(operand(x)) for x in xs)
    return found[0] if len(found) == 1 else found


def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Return x with axes moved to new places, the others keeping their order."""
    rank = len(shape(x))
    source, destination = (kernels.axes("moveaxis", v, rank) for v in (source, destination))
    if len(source) != len(destination):
        raise ShapeError(f"moveaxis: {len(source)} axes to move to {len(destination)} places")
    axes = [a for a in range(rank) if a not in source]
    for to, a in sorted(zip(destination, source)):
        axes.insert(to, a)
    return transpose(x, tuple(axes))


# Moving entries -----------------------------------------------------------------------------------------------------


def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Return x with its entries moved on by `shift` places, those that leave at one end coming in at the other.

    >>> from autograd_mini import Tensor
    >>> roll(Tensor([1.0, 2.0, 3.0]), 1).data
    array([3., 1., 2.])
    """
    return _moved(np.roll, x, shift, axis)


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Return each entry of x, or each part along an axis, as often as `repeats` says: a number, or one for each.

    >>> from autograd_mini import Tensor
    >>> repeat(Tensor([1.0, 2.0]), 2).data
    array([1., 1., 2., 2.])
    """
    return _moved(np.repeat, x, repeats, axis)


def tile(x: Any, reps: Any) -> Any:
    """Return copies of x side by side, `reps` of them along each axis.

    >>> from autograd_mini import Tensor
    >>> tile(Tensor([1.0, 2.0]), 2).data
    array([1., 2., 1., 2.])
    """
    return _moved(np.tile, x, reps)


def take(x: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    """Return the entries, or the parts along an axis, at the given places."""
    return _moved(np.take, x, indices, axis, mode=mode)


def delete(x: Any, obj: Any, axis: int | None = None) -> Any:
    """Return x without the entries, or the parts along an axis, at the given places."""
    return _moved(np.delete, x, obj, axis)


def flipud(x: Any) -> Any:
    """Return x with its first axis backwards."""
    return ops.flip(x, 0)


def fliplr(x: Any) -> Any:
    """Return x with its second axis backwards."""
    return ops.flip(x, 1)


def rot90(x: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Return x turned by k quarters from the first of two axes to the second.

    >>> rot90([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[2.0, 4.0], [1.0, 3.0]]
    """
    return _moved(np.rot90, x, k, axes)


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the entries of x whose indices along two axes are i and i + offset."""
    return _moved(np.diagonal, x, offset, axis1, axis2)


def diag(x: Any, k: int = 0) -> Any:
    """Return the k-th diagonal of a matrix, or the matrix that has a vector there and 0 elsewhere.

    >>> from autograd_mini import Tensor
    >>> diag(Tensor([1.0, 2.0])).data.tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    if len(shape(x)) not in (1, 2):
        raise ShapeError(f"diag: a vector or a matrix, got shape {shape(x)}: diagonal(x, k) takes more axes")
    if len(shape(x)) == 2:
        return diagonal(x, k)
    n = shape(x)[0] + abs(k)
    rows = np.arange(shape(x)[0]) + max(-k, 0)
    return ops.scatter(x, (rows, rows + k), (n, n))


def tril(x: Any, k: int = 0) -> Any:
    """Return x with 0 above its k-th diagonal."""
    return where(_triangle("tril", x, k), x, 0.0)


def triu(x: Any, k: int = 0) -> Any:
    """Return x with 0 below its k-th diagonal."""
    return where(_triangle("triu", x, k - 1), 0.0, x)


def _triangle(name: str, x: Any, k: int) -> Any:
    """Return 1 up to the k-th diagonal of the matrices in x and 0 above it."""
    if not shape(x):
        raise ShapeError(f"{name}: one number has no diagonal: give it two axes first")
    rows, columns = shape(x)[-1:] * 2 if len(shape(x)) == 1 else shape(x)[-2:]
    return np.tri(rows, columns, k)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the sum of a diagonal."""
    return sum(diagonal(x, offset, axis1, axis2), -1)


# Products -----------------------------------------------------------------------------------------------------------


def dot(x: Any, y: Any) -> Any:
    """numpy's dot: the inner product of vectors, the product of matrices, scaling by a scalar, and beyond that the sum
    over the last axis of x and the second to last of y.
    """
    if not shape(x) or not shape(y):
        return x * y
    if len(shape(y)) <= 2:
        return matmul(x, y)
    xs, ys = kernels.LETTERS[: len(shape(x)) - 1], kernels.LETTERS[26 : 26 + len(shape(y)) - 1]
    return ops.einsum(f"{xs}z,{ys[:-1]}z{ys[-1]}->{xs}{ys}", x, y)


def outer(x: Any, y: Any) -> Any:
    """The matrix of all products of an entry of x and one of y, both taken as vectors."""
    return expand_dims(ravel(x), 1) * expand_dims(ravel(y), 0)


def inner(x: Any, y: Any) -> Any:
    """The sum over the last axes of x and y."""
    return tensordot(x, y, (-1, -1)) if shape(x) and shape(y) else x * y


def vdot(x: Any, y: Any) -> Any:
    """The sum of all products of an entry of x and that of y in the same place, in a row."""
    return matmul(ravel(x), ravel(y))


def tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """The sum over axes of x and y: the last `axes` of x and the first of y, or those that a pair of lists names.

    >>> from autograd_mini import Tensor
    >>> tensordot(Tensor([[1.0, 2.0], [3.0, 4.0]]), [1.0, 10.0], axes=1).data
    array([21., 43.])
    """
    if isinstance(axes, (int, np.integer)):
        axes = (range(len(shape(x)) - axes, len(shape(x))), range(axes))
    xs, ys = (kernels.axes("tensordot", tuple(np.atleast_1d(a)), len(shape(v))) for a, v in zip(axes, (x, y)))
    if [shape(x)[i] for i in xs] != [shape(y)[i] for i in ys]:
        raise ShapeError(f"tensordot: axes {xs} of shape {shape(x)} and {ys} of {shape(y)} differ in length")
    left, right = ([i for i in range(len(shape(v))) if i not in a] for v, a in ((x, xs), (y, ys)))
    n = math.prod(shape(x)[i] for i in xs)
    a = reshape(transpose(x, (*left, *xs)), (math.prod(shape(x)[i] for i in left), n))
    b = reshape(transpose(y, (*ys, *right)), (n, math.prod(shape(y)[i] for i in right)))
    return reshape(matmul(a, b), (*(shape(x)[i] for i in left), *(shape(y)[i] for i in right)))


def kron(x: Any, y: Any) -> Any:
    """The Kronecker product: each entry of x times all of y, in blocks.

    >>> from autograd_mini import Tensor
    >>> kron(Tensor([1.0, 10.0]), [1.0, 2.0]).data
    array([ 1.,  2., 10., 20.])
    """
    rank = max(len(shape(x)), len(shape(y)))
    a, b = ((1,) * (rank - len(shape(v))) + shape(v) for v in (x, y))
    outside = reshape(x, [n for m in a for n in (m, 1)])
    inside = reshape(y, [n for m in b for n in (1, m)])
    return reshape(outside * inside, [n * m for n, m in zip(a, b)])


def cross(x: Any, y: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The cross product of vectors of three entries along the given axes of x, of y and of the result."""
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    x, y = moveaxis(x, axisa, 0), moveaxis(y, axisb, 0)
    if shape(x)[0] != 3 or shape(y)[0] != 3:
        raise ShapeError(f"cross: vectors have three entries, got {shape(x)[0]} and {shape(y)[0]}")
    (a, b, c), (d, e, f) = ([getitem(v, i) for i in range(3)] for v in (x, y))
    return stack([b * f - c * e, c * d - a * f, a * e - b * d], axisc)


# Sums and differences -----------------------------------------------------------------------------------------------


def cumprod(x: Any, axis: int | None = None) -> Any:
    """Return the products of the first entry, the first two, ... along an axis; exact at zeros, in n^2 memory."""
    x = ravel(x) if axis is None else x
    axis = _axis("cumprod", 0 if axis is None else axis, len(shape(x)))
    rows, n = moveaxis(x, axis, -1), shape(x)[axis]
    products = prod(where(np.tri(n), expand_dims(rows, -2), 1.0), -1)
    return moveaxis(products, -1, axis)


def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Return the differences of neighbours along an axis, n times over.

    >>> from autograd_mini import Tensor
    >>> diff(Tensor([1.0, 4.0, 9.0])).data
    array([3., 5.])
    """
    axis = _axis("diff", axis, len(shape(x)))
    if n < 0:
        raise ShapeError(f"diff: n={n} times: it is at least 0")
    if n and (prepend is not None or append is not None):
        before, after = ([] if end is None else [_edge(x, axis, end)] for end in (prepend, append))
        x = concatenate([*before, x, *after], axis)
    for _ in range(n):
        x = _part(x, axis, slice(1, None)) - _part(x, axis, slice(None, -1))
    return x


def _edge(x: Any, axis: int, end: Any) -> Any:
    """Return what stands before or after x along an axis: a number, for each row, or an array."""
    return end if shape(end) else ops.broadcast_to(end, shape(x)[:axis] + (1,) + shape(x)[axis + 1 :])


def gradient(x: Any, *spacing: Any, axis: Axis = None, edge_order: int = 1) -> Any:
    """Return the slopes of x along each axis from its neighbours, by numpy's formula: a list of them for several axes.

    `spacing` is a distance, for all axes or for each, or the places of the entries along each.

    >>> from autograd_mini import Tensor
    >>> gradient(Tensor([1.0, 4.0, 9.0, 16.0])).data
    array([3., 4., 6., 7.])
    """
    axes = kernels.axes("gradient", tuple(range(len(shape(x)))) if axis is None else axis, len(shape(x)))
    spacing = spacing or (1.0,)
    spacing = spacing * len(axes) if len(spacing) == 1 and not shape(spacing[0]) else spacing
    if len(spacing) != len(axes):
        raise ShapeError(f"gradient: {len(spacing)} spacings for {len(axes)} axes: give one, or one for each")
    slopes = [_slopes(x, a, h, edge_order) for a, h in zip(axes, spacing)]
    return slopes[0] if len(axes) == 1 else tuple(slopes)


def _slopes(x: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    """Return the slopes along one axis: weighted differences inside, one-sided ones at the ends."""
    rows, n = moveaxis(x, axis, -1), shape(x)[axis]
    if n < edge_order + 1 or edge_order not in (1, 2):
        raise ShapeError(f"gradient: edge_order={edge_order} (1 or 2) needs as many entries and one more, got {n}")
    h = diff(spacing) if shape(spacing) else ops.broadcast_to(spacing, (n - 1,))
    if shape(h) != (n - 1,):
        raise ShapeError(f"gradient: {shape(spacing)} places for the {n} entries of axis {axis}")
    steep = diff(rows) / h
    a, b = (h, h) if n == 2 else (getitem(h, slice(None, -1)), getitem(h, slice(1, None)))
    s, t = getitem(steep, (..., slice(None, -1))), getitem(steep, (..., slice(1, None)))
    inside = (b * s + a * t) / (a + b) if n > 2 else s
    first, last = getitem(steep, (..., slice(None, 1))), getitem(steep, (..., slice(-1, None)))
    if edge_order == 2:
        first = first + getitem((s - t) * a / (a + b), (..., slice(None, 1)))
        last = last + getitem((t - s) * b / (a + b), (..., slice(-1, None)))
    return moveaxis(concatenate([first, inside, last], -1), -1, axis)


def average(x: Any, axis: Axis = None, weights: Any = None, returned: bool = False, keepdims: bool = False) -> Any:
    """Return the mean of x, or the one that gives each entry, or each part along an axis, its weight.

    With `returned` the sum of the weights too.
    """
    if weights is None:
        found = mean(x, axis, keepdims)
        return (found, found * 0.0 + kernels.count(shape(x), axis)) if returned else found
    if shape(weights) != shape(x):
        if not isinstance(axis, (int, np.integer)) or shape(weights) != (shape(x)[axis],):
            raise ShapeError(f"average: weights of shape {shape(weights)} for {shape(x)} along axis {axis}")
        others = tuple(i for i in range(len(shape(x))) if i != axis % len(shape(x)))
        weights = spread(weights, shape(x), others)
    total = sum(weights, axis, keepdims)
    found = sum(x * weights, axis, keepdims) / total
    return (found, total) if returned else found


def nansum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return the sum of the entries that are not NaN."""
    return sum(where(equal(x, x), x, 0.0), axis, keepdims)


def nanmean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return the mean of the entries that are not NaN."""
    return nansum(x, axis, keepdims) / sum(equal(x, x), axis, keepdims)


def median(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return the middle entry in order of size, or the mean of the two in the middle; ties share the gradient."""
    axes = kernels.axes("median", tuple(range(len(shape(x)))) if axis is None else axis, len(shape(x)))
    n = math.prod(shape(x)[a] for a in axes)
    rows = moveaxis(x, axes, tuple(range(-len(axes), 0)))
    lead = shape(rows)[: len(shape(x)) - len(axes)]
    middle = getitem(ops.sort(reshape(rows, (*lead, n)), -1), (..., slice((n - 1) // 2, n // 2 + 1)))
    found = mean(middle, -1)
    return reshape(found, kernels.kept(shape(x), axes)) if keepdims else found


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Return the integral of y along an axis by the trapezoidal rule, at the places x or at steps of dx."""
    axis = _axis("trapezoid", axis, len(shape(y)))
    h = dx if x is None else diff(x) if len(shape(x)) == 1 else diff(moveaxis(x, axis, -1))
    y = moveaxis(y, axis, -1)
    return sum(h * (getitem(y, (..., slice(1, None))) + getitem(y, (..., slice(None, -1)))) / 2.0, -1)


# Entry by entry -----------------------------------------------------------------------------------------------------


def exp2(x: Any) -> Any:
    """2 to the power of x."""
    return power(2.0, x)


def logaddexp2(x: Any, y: Any) -> Any:
    """The logarithm to base 2 of 2**x + 2**y."""
    return logaddexp(mul(x, LN2), mul(y, LN2)) / LN2


def deg2rad(x: Any) -> Any:
    """An angle in degrees as one in radians."""
    return mul(x, math.pi / 180.0)


def rad2deg(x: Any) -> Any:
    """An angle in radians as one in degrees."""
    return mul(x, 180.0 / math.pi)


degrees, radians = rad2deg, deg2rad


def ceil(x: Any) -> Any:
    """The nearest integer above: a step, of derivative 0."""
    return neg(floor(neg(x)))


def trunc(x: Any) -> Any:
    """The nearest integer towards 0: a step, of derivative 0."""
    return sign(x) * floor(absolute(x))


def fmax(x: Any, y: Any) -> Any:
    """The larger of two; where one of them is NaN, the other."""
    return maximum(where(equal(x, x), x, y), where(equal(y, y), y, x))


def fmin(x: Any, y: Any) -> Any:
    """The smaller of two; where one of them is NaN, the other."""
    return minimum(where(equal(x, x), x, y), where(equal(y, y), y, x))


def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """Return x with numbers in place of NaN and the infinities, by default 0 and the largest ones of its dtype."""
    largest = float(np.finfo(x.dtype).max)
    x = where(equal(x, x), x, nan)
    x = where(equal(x, math.inf), largest if posinf is None else posinf, x)
    return where(equal(x, -math.inf), -largest if neginf is None else neginf, x)


def select(conditions: Any, choices: Any, default: Any = 0.0) -> Any:
    """Return each entry from the first choice whose condition holds there, else from `default`."""
    if len(conditions) != len(choices):
        raise ShapeError(f"select: {len(conditions)} conditions for {len(choices)} choices")
    for condition, choice in zip(conditions[::-1], choices[::-1]):
        default = where(condition, choice, default)
    return default


def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, axis: int = 0) -> Any:
    """Return `num` numbers in equal steps from start to stop, which is left out where `endpoint` is False.

    >>> from autograd_mini import Value
    >>> linspace(Value(0.0), 1.0, 5).data
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    steps = num - 1 if endpoint else num
    rank = max(len(shape(start)), len(shape(stop)))
    t = np.linspace(0.0, 1.0, num, endpoint).reshape((num,) + (1,) * rank)
    line = moveaxis(start * (1.0 - t) + stop * t, 0, axis)
    return (line, (stop - start) / (steps or math.nan)) if retstep else line


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """Return at x the broken line through the points (xp, fp), and `left` or `right` beyond its ends.

    At a corner the slope is the mean of those on both sides. xp increases.

    >>> from autograd_mini import Value
    >>> interp(Value(1.5), [0.0, 1.0, 2.0], [0.0, 10.0, 30.0])
    Value(20.0)
    """
    run, rise = diff(xp), diff(fp)
    along = minimum(maximum(expand_dims(x, -1) - getitem(xp, slice(None, -1)), 0.0), run)
    y = getitem(fp, 0) + sum(along * (rise / run), -1)
    y = y if left is None else where(less(x, getitem(xp, 0)), left, y)
    return y if right is None else where(less(getitem(xp, -1), x), right, y)


# Bounded and rounded -------------------------------------------------------------------------------------------------


def _round(x: Any, decimals: int | None = None) -> Any:
    """Return x rounded to that many decimals, halves to the even neighbour: a step, of derivative 0."""
    return ops.round(x) if not decimals else ops.round(x * 10.0**decimals) / 10.0**decimals


def _clip(x: Any, lo: Any = None, hi: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """Return x held between lo and hi, which numpy also calls min and max; None leaves a side open."""
    if (lo is not None and min is not None) or (hi is not None and max is not None):
        raise DataError("clip: a bound is given twice, by its place and as min= or max=: give it once")
    lo, hi = min if lo is None else lo, max if hi is None else hi
    return ops.clip(x, -math.inf if lo is None else lo, math.inf if hi is None else hi)


# In order of size ---------------------------------------------------------------------------------------------------


def partition(x: Any, kth: Any, axis: int | None = -1) -> Any:
    """Return x with the kth entry where it would be in order of size, smaller ones before it: here, all sorted."""
    ordered = ops.sort(x, axis)
    np.partition(np.zeros(shape(ordered)), kth, 0 if axis is None else axis)  # it says what is wrong with kth
    return ordered


vars(ops).update({name: thing for name, thing in vars().items() if getattr(thing, "__module__", "") == __name__})
