"""What is made of rows: joining, cutting and rearranging arrays, products; no row of its own, so no rule of its own.

Each function stands in `autograd_mini.ops` too, beside the rows, where people look for it.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from . import kernels, ops
from .errors import ShapeError
from .ops import concatenate_, einsum, expand_dims, getitem, matmul, reshape, shape, stack_, transpose


def concatenate(xs: Any, axis: int = 0) -> Any:
    """Join arrays along an axis that they have.

    >>> from autograd_mini import Tensor
    >>> concatenate([Tensor([1.0, 2.0]), [3.0]]).data
    array([1., 2., 3.])
    """
    return concatenate_(axis, *xs)


def stack(xs: Any, axis: int = 0) -> Any:
    """Join Values or arrays of one shape along a new axis: Values become a Tensor.

    >>> from autograd_mini import Value
    >>> stack([Value(1.0), Value(2.0)]).data
    array([1., 2.])
    """
    return stack_(axis, *xs)


def split(x: Any, sections: Any, axis: int = 0) -> list[Any]:
    """Cut x along an axis, into that many equal parts or at the given places (the inverse of `concatenate`).

    >>> from autograd_mini import Tensor
    >>> [part.data.tolist() for part in split(Tensor([1.0, 2.0, 3.0, 4.0]), 2)]
    [[1.0, 2.0], [3.0, 4.0]]
    """
    (axis,) = kernels.axes("split", axis, len(shape(x)))
    n = shape(x)[axis]
    if isinstance(sections, (int, np.integer)):
        if sections < 1 or n % sections:
            raise ShapeError(f"split: length {n} of axis {axis} does not divide into {sections} equal parts")
        sections = range(n // sections, n, n // sections)
    ends = [0, *sections, n]
    lead = (slice(None),) * axis
    return [getitem(x, (*lead, slice(int(a), int(b)))) for a, b in itertools.pairwise(ends)]


def ravel(x: Any) -> Any:
    """Return x with a single axis."""
    return reshape(x, (-1,))


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


def dot(x: Any, y: Any) -> Any:
    """numpy's dot: the inner product of vectors, the product of matrices, scaling by a scalar, and beyond that the sum
    over the last axis of x and the second to last of y.
    """
    if not shape(x) or not shape(y):
        return x * y
    if len(shape(y)) <= 2:
        return matmul(x, y)
    xs, ys = kernels.LETTERS[: len(shape(x)) - 1], kernels.LETTERS[26 : 26 + len(shape(y)) - 1]
    return einsum(f"{xs}z,{ys[:-1]}z{ys[-1]}->{xs}{ys}", x, y)


def outer(x: Any, y: Any) -> Any:
    """The matrix of all products of an entry of x and one of y, both taken as vectors."""
    return expand_dims(ravel(x), 1) * expand_dims(ravel(y), 0)


vars(ops).update({name: thing for name, thing in vars().items() if getattr(thing, "__module__", "") == __name__})
