"""Linear algebra as numpy.linalg has it, made of the rows in `linalg_rows.py`.

What takes a symmetric matrix (eigh, eigvalsh, cholesky) computes with the symmetric part of what it is given, and
refuses one that is clearly not symmetric, for numpy reads one triangle of it; where UPLO names a triangle, that alone
counts.
"""

# mypy: implicit-reexport

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import array_ops, kernels, ops
from .array_rows import broadcast_to, expand_dims, getitem, matmul, reshape
from .errors import DataError, ShapeError
from .linalg_rows import (  # noqa: F401 - the rows are known as linalg.NAME, too
    T,
    both,
    cholesky_,
    cofactors,
    det,
    eigh_vectors,
    eigvalsh_,
    inv,
    logabsdet,
    matrix_transpose,
    pinv,
    solve_,
    svd_vectors,
    svdvals,
)
from .node import Node
from .ops import absolute, equal, power, shape, where

ASYMMETRY = 0.05  # of the largest entry: rounding, and the steps of numerical derivatives, stay below


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors as columns."""

    eigenvalues: Any
    eigenvectors: Any


class SVDResult(NamedTuple):
    """Singular vectors and values: x = U diag(S) Vh."""

    U: Any
    S: Any
    Vh: Any


class SlogdetResult(NamedTuple):
    """The sign of a determinant, and the logarithm of its absolute value."""

    sign: Any
    logabsdet: Any


def solve(a: Any, b: Any) -> Any:
    """Return the x for which a x = b; b is a vector, or a matrix of columns.

    >>> from autograd_mini import Tensor
    >>> solve(Tensor([[2.0, 0.0], [0.0, 4.0]]), [1.0, 1.0]).data
    array([0.5 , 0.25])
    """
    return solve_(a, b) if len(shape(b)) != 1 else getitem(solve_(a, expand_dims(b, -1)), (..., 0))


def slogdet(x: Any) -> SlogdetResult:
    """Return the sign of the determinant, and the logarithm of its absolute value."""
    length = ops.norm(x, -1, True)  # rows of length 1, so that no product of them is too large
    return SlogdetResult(ops.sign(det(x / (length + equal(length, 0.0)))), logabsdet(x))


def cholesky(x: Any, upper: bool = False) -> Any:
    """Return the lower triangular L with L L^T = x, for a symmetric, positive definite x; or L^T.

    DataError for a matrix that is clearly not symmetric.
    """
    found = cholesky_(_symmetric_one("cholesky", x))
    return T(found) if upper else found


def eigvalsh(x: Any, UPLO: str | None = None) -> Any:
    """Return the eigenvalues of a symmetric matrix in ascending order, also where some are equal; UPLO as in `eigh`."""
    return eigvalsh_(_symmetric_one("eigvalsh", x, UPLO))


def eigh(x: Any, UPLO: str | None = None) -> EighResult:
    """Return eigenvalues and eigenvectors of a symmetric matrix.

    Eigenvectors have a derivative where all eigenvalues differ; else their gradient is inf or nan. With UPLO="L" the
    lower triangle alone counts, with "U" the upper one, and the whole gradient is in it. DataError, without UPLO, for a
    matrix that is clearly not symmetric.

    >>> w, v = eigh([[2.0, 0.0], [0.0, 1.0]])
    >>> w
    array([1., 2.])
    >>> eigvalsh([[2.0, 9.0], [0.0, 1.0]], UPLO="L")
    array([1., 2.])
    """
    x = _symmetric_one("eigh", x, UPLO)
    return EighResult(eigvalsh_(x), eigh_vectors(x))


def _symmetric_one(name: str, x: Any, UPLO: str | None = None) -> Any:
    """Return the matrix that is meant by x: itself, or one triangle of it mirrored."""
    if UPLO not in (None, "L", "U", "l", "u"):
        raise DataError(f'{name}: UPLO is "L" or "U", got {UPLO!r}')
    data = x._data if isinstance(x, Node) else np.asarray(x)
    if data.ndim < 2 or data.shape[-1] != data.shape[-2]:
        return x  # the row says what is wrong
    if UPLO is not None:
        lower = np.tri(data.shape[-1])
        return where(lower if UPLO in "Ll" else lower.T, x, T(x))
    apart = np.abs(data - np.swapaxes(data, -1, -2))
    if np.any(apart > ASYMMETRY * np.max(np.abs(data), initial=0.0)):
        *_, i, j = np.unravel_index(np.argmax(apart), apart.shape)
        remedy = "0.5 * (x + x.T) is its symmetric part" + (', UPLO="L" its lower triangle' if "eig" in name else "")
        raise DataError(f"{name}: the matrix is not symmetric at ({i}, {j}), and numpy would read a triangle: {remedy}")
    return x


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Return singular vectors and values, x = U diag(S) Vh; without `compute_uv` the values alone.

    Of a matrix that is not square only as many vectors as there are values, `full_matrices=False`: the others are
    arbitrary, and have no derivative.
    """
    if not compute_uv:
        return svdvals(x)
    if full_matrices and shape(x)[-1:] != shape(x)[-2:-1]:
        raise DataError(f"svd: of shape {shape(x)} the further vectors have no derivative: give full_matrices=False")
    u, v = both(svd_vectors(x), shape(x)[-2])
    return SVDResult(u, svdvals(x), T(v))


def matrix_power(x: Any, n: int) -> Any:
    """Return x multiplied n times with itself; for n < 0 its inverse."""
    if n < 0:
        return matrix_power(inv(x), -n)
    if n == 0:
        return broadcast_to(np.eye(shape(x)[-1]), shape(x))
    half = matrix_power(x, n // 2) if n > 1 else x
    return half if n == 1 else matmul(matmul(half, half), x) if n % 2 else matmul(half, half)


def multi_dot(arrays: Sequence[Any]) -> Any:
    """Return the product of several matrices, from left to right."""
    product = arrays[0]
    for factor in arrays[1:]:
        product = array_ops.dot(product, factor)
    return product


def cond(x: Any, p: Any = None) -> Any:
    """Return the condition number, norm(x, p) norm(inv(x), p); by default the ratio of extreme singular values."""
    if p in (None, 2, -2):
        s = svdvals(x)
        largest, smallest = getitem(s, (..., 0)), getitem(s, (..., -1))
        return smallest / largest if p == -2 else largest / smallest
    return norm(x, p, (-2, -1)) * norm(inv(x), p, (-2, -1))


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the norm of vectors (one axis) or matrices (two axes), of every order that numpy has.

    >>> from autograd_mini import Tensor
    >>> norm(Tensor([3.0, -4.0]), 1), norm(Tensor([[3.0, 0.0], [0.0, 4.0]]), 2)
    (Value(7.0), Value(4.0))
    """
    if ord is None:
        return ops.norm(x, axis, bool(keepdims))
    axes = kernels.axes("norm", tuple(range(len(shape(x)))) if axis is None else axis, len(shape(x)))
    if len(axes) not in (1, 2):
        raise ShapeError(f"norm: ord={ord!r} is for one axis, vectors, or two, matrices, and not for {len(axes)}")
    if len(axes) == 1:
        return vector_norm(x, axes, bool(keepdims), ord)
    found = matrix_norm(array_ops.moveaxis(x, axes, (-2, -1)), False, ord)
    return reshape(found, kernels.kept(shape(x), axes)) if keepdims else found


def vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Return (sum |x|^ord)^(1/ord) along axes; inf and -inf are the largest and smallest |x|, 0 counts what is not 0.

    At 0 the gradient is 0 for ord > 1, the least of the subgradients.
    """
    if isinstance(ord, str):
        raise DataError(f"norm: {ord!r} is an order for matrices, not for vectors")
    if ord is None or ord == 2:
        return ops.norm(x, axis, keepdims)
    size = absolute(x)
    if math.isinf(ord):
        return (ops.max if ord > 0 else ops.min)(size, axis, keepdims)
    if ord in (0, 1):
        return ops.sum(size if ord else 1.0 - equal(x, 0.0), axis, keepdims)
    total = ops.sum(power(size, float(ord)), axis, keepdims)
    return power(total, 1.0 / ord) if ord < 1 else where(total, power(total + equal(total, 0.0), 1.0 / ord), 0.0)


def matrix_norm(x: Any, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Return the norm of the matrices in the last two axes: "fro", "nuc", 1, -1, 2, -2, inf or -inf."""
    if len(shape(x)) < 2:
        raise ShapeError(f"matrix_norm: shape {shape(x)} has no matrix in its last two axes: for a vector, vector_norm")
    if ord == "fro":
        return ops.norm(x, (-2, -1), keepdims)
    if ord in (2, -2, "nuc"):
        s = svdvals(x)
        found = ops.sum(s, -1) if ord == "nuc" else (ops.max if ord > 0 else ops.min)(s, -1)
    elif ord in (1, -1, math.inf, -math.inf):
        sums = ops.sum(absolute(x), -2 if abs(ord) == 1 else -1)
        found = (ops.max if ord > 0 else ops.min)(sums, -1)
    else:
        raise DataError(f"norm: ord={ord!r} of a matrix is none of 'fro', 'nuc', 1, -1, 2, -2, inf and -inf")
    return expand_dims(found, (-2, -1)) if keepdims else found
