"""PyTorch's reductions: sums, means, spreads, norms, and what picks entries by their size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import array_ops as arrays
from ... import ops
from .shapes import gather
from .table import OPS, axes, data_of, named, numpy_of


def _var(x: Any, dim: Any = None, unbiased: Any = True, keepdim: bool = False, correction: Any = None) -> Any:
    if isinstance(dim, bool):  # var(x, unbiased)
        dim, unbiased = None, dim
    ddof = float(correction) if correction is not None else 1.0 if unbiased or unbiased is None else 0.0
    return ops.var(x, axes(dim, x), ddof, keepdim)


def _std(x: Any, *args: Any, **settings: Any) -> Any:
    return ops.sqrt(_var(x, *args, **settings))


def _norm(x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    ord, dim = 2 if ord is None else ord, axes(dim, x)
    if ord == 2:
        return ops.norm(x, dim, keepdim)
    size = ops.absolute(x)
    if abs(ord) == math.inf:
        return (ops.max if ord > 0 else ops.min)(size, dim, keepdim)
    if ord == 0:  # how many are not zero
        return ops.sum(ops.sign(size), dim, keepdim)
    if ord == 1:
        return ops.sum(size, dim, keepdim)
    return _zeros_apart(ops.sum(_zeros_apart(size) ** ord, dim, keepdim)) ** (1.0 / ord)


def _zeros_apart(x: Any) -> Any:
    """Return x with zeros to which no gradient flows: torch's norms have the slope 0 there."""
    zero = data_of(x) == 0.0
    return ops.where(zero, 0.0, x) if np.any(zero) else x


def _known(x: Any) -> Any:
    return ops.where(np.isnan(data_of(x)), 0.0, x)


def _cumprod(x: Any, dim: int, dtype: Any = None) -> Any:
    return arrays.cumprod(x, dim) if ops.shape(x) else x


def _prod(x: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    return ops.prod(x, axes(dim, x), keepdim)


OPS.update({
    "sum": lambda x, dim=None, keepdim=False, dtype=None: ops.sum(x, axes(dim, x), keepdim),
    "mean": lambda x, dim=None, keepdim=False, dtype=None: ops.mean(x, axes(dim, x), keepdim),
    "nansum": lambda x, dim=None, keepdim=False, dtype=None: ops.sum(_known(x), axes(dim, x), keepdim),
    "nanmean": lambda x, dim=None, keepdim=False, dtype=None: OPS["nansum"](x, dim, keepdim)
        / np.sum(~np.isnan(data_of(x)), axes(dim, x), keepdims=keepdim),
    "prod": _prod, "var": _var, "std": _std, "norm": _norm, "linalg_vector_norm": _norm, "cumprod": _cumprod,
    "frobenius_norm": lambda x, dim=None, keepdim=False: ops.norm(x, axes(dim, x), keepdim),
    "var_mean": lambda x, *args, **settings: _with_mean(_var, x, *args, **settings),
    "std_mean": lambda x, *args, **settings: _with_mean(_std, x, *args, **settings),
    "logcumsumexp": lambda x, dim: _logcumsumexp(x, dim),
    "amax": lambda x, dim=(), keepdim=False: ops.max(x, axes(dim, x), keepdim),
    "amin": lambda x, dim=(), keepdim=False: ops.min(x, axes(dim, x), keepdim),
    "logsumexp": lambda x, dim, keepdim=False: ops.logsumexp(x, axes(dim, x), keepdim),
    "cumsum": lambda x, dim, dtype=None: ops.cumsum(x, dim) if ops.shape(x) else x,
    "max": ops.max, "min": ops.min,
})  # fmt: skip


def _with_mean(function: Any, x: Any, dim: Any = None, unbiased: Any = True, keepdim: bool = False,
               correction: Any = None) -> Any:  # fmt: skip
    spread = function(x, dim, unbiased, keepdim, correction)
    return spread, ops.mean(x, None if isinstance(dim, bool) else axes(dim, x), keepdim)


def _logcumsumexp(x: Any, dim: int) -> Any:
    if not np.size(data_of(x)) or not ops.shape(x):
        return x
    top = data_of(x).max(dim, keepdims=True)
    return ops.log(ops.cumsum(ops.exp(x - top), dim)) + top


@named("max.dim", "min.dim", "median.dim", "nanmedian.dim", "kthvalue", "mode", "cummax", "cummin", result=True)
def _chosen(x: Any, *settings: Any, result: Any = None, dim: Any = None, keepdim: Any = False, **others: Any) -> Any:
    """Return the entries that torch's op chose, by their places along the axis."""
    integers = [s for s in settings if isinstance(s, int) and not isinstance(s, bool)]
    dim = (integers or [-1])[-1] if dim is None else dim
    places = numpy_of(result[1])
    if not ops.shape(x):
        return (x, places)
    kept = len(places.shape) == len(ops.shape(x))
    found = gather(x, dim, places if kept else np.expand_dims(places, dim))
    return (found if kept else ops.squeeze(found, dim % len(ops.shape(x))), places)


@named("sort", "topk", "sort.stable", result=True)
def _sorted(x: Any, *settings: Any, result: Any = None, dim: Any = None, **others: Any) -> Any:
    integers = [s for s in settings if isinstance(s, int) and not isinstance(s, bool)]
    places = numpy_of(result[1])
    if dim is None:
        has_dim = len(integers) > 1 or (integers and places.shape == ops.shape(x))  # topk's first number is no axis
        dim = integers[-1] if has_dim else -1
    return (gather(x, dim, places), places)


@named("median", "nanmedian", result=True)
def _median(x: Any, result: Any = None) -> Any:
    wanted, entries = float(result.detach()), np.ravel(data_of(x))
    at = np.flatnonzero(np.isnan(entries) if math.isnan(wanted) else entries == wanted)
    return ops.getitem(arrays.ravel(x), int(at[0]))
