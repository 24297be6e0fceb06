"""PyTorch's products of vectors and matrices, and its linear algebra."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import array_ops as arrays
from ... import linalg, ops
from ...kernels import einsum_letters
from .shapes import roll
from .table import OPS, data_of, entrywise, floats, named, numpy_of, times


@named("linear")
def _linear(x: Any, W: Any, b: Any = None) -> Any:
    x, W = floats(x, W)
    if len(ops.shape(W)) == 1:
        return _plus(ops.matmul(x, W), b)
    return ops.matmul(x, ops.transpose(W)) if b is None else ops.affine(x, W, b)


def _plus(x: Any, b: Any) -> Any:
    return x if b is None else x + b


def _addmm(x: Any, A: Any, B: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    return times(x, beta) + times(ops.matmul(A, B), alpha)


def _lower(x: Any, diagonal: int) -> Any:
    rows, columns = ops.shape(x)[-2:]
    return np.tri(rows, columns, diagonal, dtype=bool)


def _cross(x: Any, y: Any, dim: int = -1) -> Any:
    x, y = (roll(v, (-1,), (dim,)) * roll(w, (-2,), (dim,)) for v, w in ((x, y), (y, x)))
    return x - y


def _inner(x: Any, y: Any) -> Any:
    if not ops.shape(x) or not ops.shape(y):
        return x * y
    letters = "abcdefgh"[: len(ops.shape(x)) - 1], "ijklmnop"[: len(ops.shape(y)) - 1]
    return ops.einsum(f"{letters[0]}z,{letters[1]}z->{''.join(letters)}", x, y)


def _diagonal(x: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    rank = len(ops.shape(x))
    x = arrays.moveaxis(x, (dim1 % rank, dim2 % rank), (rank - 2, rank - 1))
    rows, columns = ops.shape(x)[-2:]
    n = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    at = np.arange(n)
    return ops.getitem(x, (..., at - min(offset, 0), at + max(offset, 0)))


def _diag_embed(x: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    n = ops.shape(x)[-1]
    size, at = n + abs(offset), np.arange(n)
    square = ops.scatter(x, (..., at - min(offset, 0), at + max(offset, 0)), (*ops.shape(x)[:-1], size, size))
    rank = len(ops.shape(square))
    return arrays.moveaxis(square, (rank - 2, rank - 1), (dim1 % rank, dim2 % rank))


def _einsum(spec: str, xs: list[Any]) -> Any:
    """Return an einsum; over an ellipsis that the result leaves out torch sums, while numpy asks for letters."""
    if "->" in spec and "..." in spec.split("->")[0] and "..." not in spec.split("->")[1]:
        inputs, output = einsum_letters(spec, [ops.shape(x) for x in xs])
        spec = f"{','.join(inputs)}->{output}"
    return ops.einsum(spec, *xs)


OPS.update({
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot", "vdot"), entrywise(ops.matmul)),
    **dict.fromkeys(("addmm", "addmv", "baddbmm"), _addmm),
    "addbmm": lambda x, A, B, beta=1, alpha=1: times(x, beta) + times(ops.sum(ops.matmul(A, B), 0), alpha),
    "addr": lambda x, a, b, beta=1, alpha=1: times(x, beta) + times(arrays.outer(a, b), alpha),
    "einsum": lambda spec, xs, path=None: _einsum(spec, floats(*xs)),
    "outer": arrays.outer, "ger": arrays.outer,
    "inner": _inner, "linalg_cross": _cross, "cross": lambda x, y, dim=None: _cross(x, y, -1 if dim is None else dim),
    "bilinear": lambda x, y, W, b=None: _plus(ops.einsum("...i,oij,...j->...o", x, W, y), b),
    "trace": lambda x: ops.sum(_diagonal(x)),
    "diagonal": _diagonal, "diag_embed": _diag_embed,
    "diag": lambda x, diagonal=0: (_diag_embed if len(ops.shape(x)) == 1 else _diagonal)(x, diagonal),
    "tril": lambda x, diagonal=0: ops.where(_lower(x, diagonal), x, 0.0),
    "triu": lambda x, diagonal=0: ops.where(~_lower(x, diagonal - 1), x, 0.0),
})  # fmt: skip


def _solve(A: Any, b: Any, left: bool = True) -> Any:
    if not left:
        return ops.swapaxes(linalg.solve(ops.swapaxes(A, -1, -2), ops.swapaxes(b, -1, -2)), -1, -2)
    vectors = len(ops.shape(b)) > 1 and ops.shape(b) == ops.shape(A)[:-1]
    return ops.squeeze(linalg.solve(A, ops.expand_dims(b, -1)), -1) if vectors else linalg.solve(A, b)


def _mirrored(x: Any, UPLO: str) -> Any:
    """Return the symmetric matrix of which torch reads one triangle; its gradient goes to both."""
    if np.array_equal(data_of(x), np.swapaxes(data_of(x), -1, -2)):
        return x
    lower = np.tril(data_of(x)) if UPLO == "L" else np.swapaxes(np.triu(data_of(x)), -1, -2)
    return x + (lower + np.swapaxes(np.tril(lower, -1), -1, -2) - data_of(x)).astype(x.dtype)


def _cholesky(x: Any, upper: bool = False) -> Any:
    return linalg.cholesky(_mirrored(x, "U" if upper else "L"), upper)


@named("_linalg_svd", result=True)
def _svd(x: Any, full_matrices: bool = False, compute_uv: bool = True, driver: Any = None, result: Any = None) -> Any:
    """Return U, S and Vh, each pair of vectors with the sign that torch found."""
    if not compute_uv:
        return numpy_of(result[0]), linalg.svdvals(x), numpy_of(result[2])
    U, S, Vh = linalg.svd(x, full_matrices and ops.shape(x)[-1] != ops.shape(x)[-2])
    turned = np.copysign(1.0, np.sum(data_of(U) * numpy_of(result[0]), -2))
    return U * turned[..., None, :], S, Vh * turned[..., None]


OPS.update({
    **dict.fromkeys(("linalg_inv", "inverse"), linalg.inv), **dict.fromkeys(("linalg_det", "det"), linalg.det),
    **dict.fromkeys(("linalg_slogdet", "slogdet"), linalg.slogdet),
    **dict.fromkeys(("linalg_cholesky", "cholesky"), _cholesky),
    **dict.fromkeys(("matrix_power", "linalg_matrix_power"), linalg.matrix_power),
    "logdet": linalg.logabsdet, "linalg_solve": _solve,
    "linalg_eigvalsh": lambda x, UPLO="L": linalg.eigvalsh(_mirrored(x, UPLO)),
    "linalg_svdvals": lambda x, driver=None: linalg.svdvals(x),
    "linalg_multi_dot": linalg.multi_dot,
})  # fmt: skip
