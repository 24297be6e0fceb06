"""The rows of the table for linear algebra: inverses, determinants, eigenvectors and singular vectors.

Matrices stand in the last two axes, as many as there are before. Where a derivative does not exist, because eigenvalues
or singular values are equal, the rule divides by their difference, 0: the gradient is inf or nan, never a wrong number.

Sources of the rules: Giles, "Collected matrix derivative results", 2008; for singular vectors Townsend,
"Differentiating the singular value decomposition", 2016; for pinv Golub & Pereyra, SIAM J. Numer. Anal. 10, 1973.
"""

# mypy: disable-error-code="has-type"

from __future__ import annotations

from typing import Any

import numpy as np

from . import kernels, ops
from .array_rows import broadcast_to, expand_dims, getitem, matmul
from .op import ROWS, TABLE, Op
from .ops import shape, square


def matrix_transpose(x: Any) -> Any:
    """Return x with its last two axes exchanged."""
    return ops.swapaxes(x, -1, -2)


T = matrix_transpose


def _scaled(x: Any, s: Any) -> Any:
    """Return x with its columns multiplied by the entries of s."""
    return x * expand_dims(s, -2)


def _symmetric(x: Any) -> Any:
    return 0.5 * (x + T(x))


# fmt: off

# Matrices -----------------------------------------------------------------------------------------------------------

inv       = Op("inv",       lambda x: kernels.inv(x),          lambda g, z, x: -matmul(matmul(T(z), g), T(z)))
solve_    = Op("solve",     lambda x, y: kernels.solve(x, y),                    # of a matrix y, column by column
               lambda g, z, x, y: -matmul(solve_(T(x), g), T(z)),
               lambda g, z, x, y: solve_(T(x), g))
det       = Op("det",       lambda x: np.linalg.det(x),        lambda g, z, x: expand_dims(g, (-2, -1)) * cofactors(x))
cofactors = Op("cofactors", lambda x: kernels.cofactors(x),    lambda g, z, x: _cofactors_rule(g, z, T(inv(x))), analytic=False)
logabsdet = Op("logabsdet", lambda x: np.linalg.slogdet(x)[1], lambda g, z, x: expand_dims(g, (-2, -1)) * T(inv(x)), analytic=False)
cholesky_ = Op("cholesky",  lambda x: kernels.cholesky(x),     lambda g, z, x: _cholesky_rule(g, z, inv(z)), analytic=False)
pinv      = Op("pinv",      lambda x, rcond=None: kernels.pinv(x, rcond), lambda g, z, x, rcond: _pinv_rule(g, z, x), None, analytic=False)

eigvalsh_    = Op("eigvalsh",     lambda x: kernels.eigh(x)[0], lambda g, z, x: _spectral(g, eigh_vectors(x)), analytic=False)
eigh_vectors = Op("eigh_vectors", lambda x: kernels.eigh(x)[1], lambda g, z, x: _eigenvectors_rule(g, z, eigvalsh_(x)), analytic=False)
svdvals      = Op("svdvals",      lambda x: kernels.svd(x)[0],  lambda g, z, x: _singular(g, svd_vectors(x), shape(x)[-2]), analytic=False)
svd_vectors  = Op("svd_vectors",  lambda x: kernels.svd(x)[1],                   # U on top of V
                  lambda g, z, x: _singular_vectors_rule(g, z, svdvals(x), shape(x)[-2]), analytic=False)
# fmt: on
ROWS.update(TABLE)


def _cofactors_rule(g: Any, z: Any, inverse: Any) -> Any:
    """Return the vjp of det(x) inv(x)^T, for a regular x."""
    return expand_dims(ops.sum(g * z, (-2, -1)), (-2, -1)) * inverse - matmul(matmul(z, T(g)), inverse)


def _cholesky_rule(g: Any, z: Any, inverse: Any) -> Any:
    lower = np.tri(shape(z)[-1]) - 0.5 * np.eye(shape(z)[-1])
    return _symmetric(matmul(matmul(T(inverse), lower * matmul(T(z), g)), inverse))


def _pinv_rule(g: Any, z: Any, x: Any) -> Any:
    left, right = matmul(T(g), matmul(z, T(z))), matmul(matmul(T(z), z), T(g))
    outside = left - matmul(x, matmul(z, left)) + right - matmul(matmul(right, z), x)
    return outside - matmul(matmul(T(z), g), T(z))


def _spectral(g: Any, v: Any) -> Any:
    """Return the matrix that has the eigenvectors v and the eigenvalues g."""
    return matmul(_scaled(v, g), T(v))


def _apart(w: Any) -> Any:
    """Return w_j - w_i, with 1 on the diagonal."""
    return expand_dims(w, -2) - expand_dims(w, -1) + np.eye(shape(w)[-1])


def _off(x: Any) -> Any:
    """Return x with 0 on its diagonal."""
    return x * (1.0 - np.eye(shape(x)[-1]))


def _eigenvectors_rule(g: Any, v: Any, w: Any) -> Any:
    return _symmetric(matmul(matmul(v, _off(matmul(T(v), g)) / _apart(w)), T(v)))


def both(z: Any, m: int) -> tuple[Any, Any]:
    """Return U and V, which stand on top of each other."""
    return getitem(z, (..., slice(None, m), slice(None))), getitem(z, (..., slice(m, None), slice(None)))


def _singular(g: Any, vectors: Any, m: int) -> Any:
    """Return the matrix that has these singular vectors and the singular values g."""
    u, v = both(vectors, m)
    return matmul(_scaled(u, g), T(v))


def _singular_vectors_rule(g: Any, z: Any, s: Any, m: int) -> Any:
    (u, v), (gu, gv) = both(z, m), both(g, m)
    apart = _apart(square(s))
    turn_u, turn_v = (_off(matmul(T(a), b) - matmul(T(b), a)) / apart for a, b in ((u, gu), (v, gv)))
    inside = _scaled(turn_u, s) + expand_dims(s, -1) * turn_v
    return matmul(matmul(u, inside), T(v)) + _beyond(u, gu, v, s) + T(_beyond(v, gv, u, s))


def _beyond(u: Any, g: Any, v: Any, s: Any) -> Any:
    """Return what moves u out of the space that its columns span: nothing where they span all of it."""
    if shape(u)[-2] == shape(u)[-1]:
        return broadcast_to(0.0, (*shape(u)[:-2], shape(u)[-2], shape(v)[-2]))
    return matmul(_scaled(g - matmul(u, matmul(T(u), g)), 1.0 / s), T(v))
