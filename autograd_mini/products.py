"""Products of matrices: whole, or part by part where numpy's BLAS multiplies small ones quicker.

OpenBLAS has kernels of its own for products of up to 10^6 multiplications, on processors with AVX-512: they read the
matrices where they stand, and others copy them piece by piece first. They run on one thread, so that threads, where
there are more, do better with the whole product.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np

from .data import Array

SMALL = 10**6  # multiplications up to which OpenBLAS has kernels of its own
TURNED = 1200  # entries of the result up to which it has one for x W^T, that is W turned; of short rows it is slow
LONG, THIN = 128, 32  # entries of a row that is not short; columns that are worth a call
CORES = {b"SkylakeX", b"Cooperlake", b"SapphireRapids"}  # what OpenBLAS calls the processors


def product(x: Array, y: Array, out: Array | None = None) -> Any:
    """Return the product of two arrays as `np.matmul` does, into `out` if given.

    A large one of two matrices is computed by rows of x, or by columns of y where x stands column by column; but not
    one of a matrix with itself, of which BLAS computes half the entries.

    >>> product(np.array([[1.0, 2.0], [3.0, 4.0]]), np.eye(2))
    array([[1., 2.],
           [3., 4.]])
    """
    if x.ndim != 2 or y.ndim != 2 or not is_large(x.shape, y.shape) or not _fit(x, y):
        return np.matmul(x, y, out=out)
    by_rows = x.flags.c_contiguous
    a, b = (x, y) if by_rows else (y.T, x.T)
    least = x.itemsize if by_rows else THIN  # rows that are worth reading all of y for: 4 in float32, 8 in float64
    n = rows_at_once(len(a), *b.shape, least, by_rows and not b.flags.c_contiguous)
    if n == len(a):
        return np.matmul(x, y, out=out)
    z = np.empty((len(x), y.shape[1]), x.dtype) if out is None else out
    c = z if by_rows else z.T
    even = len(a) // n * n
    np.matmul(a[:even].reshape(-1, n, len(b)), b, out=c[:even].reshape(-1, n, b.shape[1]))
    if even < len(a):
        np.matmul(a[even:], b, out=c[even:])
    return z


def is_large(x: tuple[int, ...], y: tuple[int, ...]) -> bool:
    """Return whether the product of matrices of these shapes takes more multiplications than the kernels for small."""
    return x[0] * x[1] * y[1] > SMALL


def _fit(x: Array, y: Array) -> bool:
    return x.shape[1] == len(y) and x.dtype == y.dtype and not np.may_share_memory(x, y)


@functools.lru_cache(1024)
def rows_at_once(rows: int, length: int, columns: int, least: int, turned: bool) -> int:
    """Return how many rows of a length to multiply with a matrix at a time: all of them, or `least` or more.

    A divisor, if one is near, leaves no rest. `turned` is said of a matrix that stands column by column.
    """
    most = SMALL // (length * columns)
    if turned:
        most = min(most, TURNED // columns) if length >= LONG else 0
    if most < least or rows <= most or not has_kernels():
        return rows
    return next((n for n in range(most, max(most // 2, least - 1), -1) if rows % n == 0), most)


@functools.cache
def has_kernels() -> bool:
    """Return whether numpy multiplies with OpenBLAS, on one thread, and with kernels for small matrices."""
    try:
        from ctypes import CDLL, c_char_p

        blas = CDLL(sys.modules["numpy._core._multiarray_umath"].__file__)  # and the libraries that it was linked with
        core = blas.scipy_openblas_get_corename64_
        core.restype = c_char_p
        return blas.scipy_openblas_get_num_threads64_() == 1 and core() in CORES
    except (ImportError, KeyError, AttributeError, OSError):  # another BLAS, or one that cannot be asked
        return False
