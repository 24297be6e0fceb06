"""PyTorch's ops by name, as rows and compositions of rows: how each is called is torch's own schema.

An argument is a node where torch asks for its gradient, else an array or a plain number. `result` is what torch's op
gave, for the few whose rule depends on it: which of several equal entries a maximum took.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from .. import array_ops as arrays
from .. import linalg, ops
from ..node import Node
from ..op import TABLE
from . import layers

Translation = Callable[..., Any]
OPS: dict[str, Translation] = {}  # by name, or by name and overload: "max", "max.dim"
WITH_RESULT: set[str] = set()  # those that are told what torch's op gave


def named(*names: str, result: bool = False) -> Callable[[Translation], Translation]:
    """Enter a function into the table under the names of the ops that it translates."""

    def enter(function: Translation) -> Translation:
        OPS.update(dict.fromkeys(names, function))
        WITH_RESULT.update(names if result else ())
        return function

    return enter


def floats(*args: Any) -> list[Any]:
    """Return arguments with arrays of integers and bools as floats, in the precision of the nodes beside them."""
    dtype = next((a.dtype for a in args if isinstance(a, Node) and a.ndim), np.float64)
    return [a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind in "biu" else a for a in args]


def entrywise(function: Callable[..., Any]) -> Translation:
    """Return a function of floats for arguments that may be integers."""
    return lambda *args, **settings: function(*floats(*args), **settings)


def axes(dim: Any, x: Any) -> Any:
    """Return the axes of a reduction of x: torch's empty list means all, and a number has the axes 0 and -1 too."""
    return None if dim is None or dim == () or not ops.shape(x) else dim


def lined(x: Any) -> Any:
    """Return a number as an array of one entry, which torch often takes it for; whatever else as it is."""
    return x if ops.shape(x) else ops.reshape(x, (1,))


# Entry by entry -----------------------------------------------------------------------------------------------------

_ROWS = """abs sqrt square exp expm1 log log1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh
sigmoid erf erfc relu silu reciprocal neg sign floor round maximum minimum atan2 hypot logaddexp mul"""
OPS.update({name: entrywise(TABLE[name]) for name in _ROWS.split()})
OPS.update({
    "absolute": OPS["abs"], "negative": OPS["neg"], "multiply": OPS["mul"], "sgn": OPS["sign"],
    "arcsin": OPS["asin"], "arccos": OPS["acos"], "arctan": OPS["atan"], "arcsinh": OPS["asinh"],
    "arccosh": OPS["acosh"], "arctanh": OPS["atanh"], "arctan2": OPS["atan2"], "special_expit": OPS["sigmoid"],
    "max.other": OPS["maximum"], "min.other": OPS["minimum"], "fmax": OPS["maximum"], "fmin": OPS["minimum"],
    "positive": lambda x: x,
    "rsqrt": entrywise(lambda x: 1.0 / ops.sqrt(x)),
    "exp2": entrywise(lambda x: ops.exp(x * math.log(2.0))),
    "logit": lambda x, eps=None: _logit(x if eps is None else ops.clip(x, eps, 1.0 - eps)),
    "deg2rad": entrywise(lambda x: x * (math.pi / 180.0)),
    "rad2deg": entrywise(lambda x: x * (180.0 / math.pi)),
    "round.decimals": lambda x, decimals=0: ops.round(x * 10.0**decimals) / 10.0**decimals,
    "frac": lambda x: x - ops.sign(x) * ops.floor(ops.absolute(x)),
    "ceil": lambda x: -ops.floor(-x),
    "trunc": lambda x: ops.sign(x) * ops.floor(ops.absolute(x)),
    "rsub": entrywise(lambda x, y, alpha=1: y - _times(x, alpha)),
    "remainder": entrywise(ops.mod),
    "fmod": entrywise(lambda x, y: x - y * OPS["trunc"](x / y)),
    "pow": entrywise(ops.power), "float_power": entrywise(ops.power),
    "logaddexp2": entrywise(lambda x, y: ops.logaddexp(x * math.log(2.0), y * math.log(2.0)) / math.log(2.0)),
    "xlogy": entrywise(lambda x, y: ops.where(ops.equal(x, 0.0), 0.0, x * ops.log(y))),
    "sinc": entrywise(lambda x: _sinc(x * math.pi)),
    "lerp": entrywise(lambda x, y, weight: x + weight * (y - x)),
    "addcmul": lambda x, y, z, value=1: x + _times(operator.mul(*floats(y, z)), value),
    "addcdiv": lambda x, y, z, value=1: x + _times(operator.truediv(*floats(y, z)), value),
    "clamp_min": entrywise(lambda x, low: ops.clip(x, low, math.inf)),
    "clamp_max": entrywise(lambda x, high: ops.clip(x, -math.inf, high)),
    "copysign": entrywise(lambda x, y: ops.absolute(x) * np.copysign(1.0, _data(y))),
    "nan_to_num": lambda x, nan=None, posinf=None, neginf=None: _nan_to_num(x, nan, posinf, neginf),
})  # fmt: skip


def _times(x: Any, factor: Any) -> Any:
    return x if isinstance(factor, (int, float)) and factor == 1 else x * factor


def _sinc(x: Any) -> Any:
    zero = ops.equal(x, 0.0)
    return ops.where(zero, 1.0, ops.sin(x) / (x + zero))


def _logit(x: Any) -> Any:
    return ops.log(x) - ops.log1p(-x)


def _nan_to_num(x: Any, *entries: Any) -> Any:
    given = dict(zip(("nan", "posinf", "neginf"), (e if e is None else float(e) for e in entries)))
    wanted = np.nan_to_num(x._data, nan=given["nan"] or 0.0, posinf=given["posinf"], neginf=given["neginf"])
    return ops.where(np.isfinite(x._data), x, wanted)


@named("add")
def _add(x: Any, y: Any, alpha: Any = 1) -> Any:
    x, y = floats(x, y)
    return x + _times(y, alpha)


@named("sub", "subtract")
def _sub(x: Any, y: Any, alpha: Any = 1) -> Any:
    x, y = floats(x, y)
    return x - _times(y, alpha)


@named("div", "divide", "true_divide")
def _div(x: Any, y: Any, rounding_mode: str | None = None) -> Any:
    x, y = floats(x, y)
    if rounding_mode == "floor":
        return ops.floordiv(x, y)
    return x / y if rounding_mode is None else OPS["trunc"](x / y)


@named("where")
def _where(condition: Any, x: Any, y: Any) -> Any:
    x, y = floats(x, y)
    return ops.where(condition, x, y)


@named("clamp", "clip")
def _clamp(x: Any, low: Any = None, high: Any = None) -> Any:
    x, low, high = floats(x, -math.inf if low is None else low, math.inf if high is None else high)
    return ops.clip(x, low, high)


@named("masked_fill")
def _masked_fill(x: Any, mask: Any, value: Any) -> Any:
    return ops.where(mask, *floats(value, x))


# Activations --------------------------------------------------------------------------------------------------------


def _between(x: Any, low: float, high: float) -> Any:
    """Return 1 strictly between the bounds, where alone torch's hard functions have a slope, else 0."""
    return ops.greater(x, low) * ops.less(x, high)


def _hardtanh(x: Any, low: float = -1.0, high: float = 1.0) -> Any:
    return ops.where(_between(x, low, high), x, ops.clip(_flat(x), low, high))


def _flat(x: Any) -> Any:
    return x.detach() if isinstance(x, Node) else x


def _hardsigmoid(x: Any) -> Any:
    return ops.where(_between(x, -3.0, 3.0), x / 6.0 + 0.5, ops.clip(_flat(x) / 6.0 + 0.5, 0.0, 1.0))


def _elu(x: Any, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Any:
    if input_scale == 1:
        return _times(ops.elu(x, float(alpha)), scale)
    below = alpha * scale * ops.expm1(ops.minimum(x, 0.0) * input_scale)
    return ops.where(ops.greater(x, 0.0), _times(x, scale), below)


def _gelu(x: Any, approximate: str = "none") -> Any:
    if approximate == "none":
        return ops.gelu(x)
    return 0.5 * x * (1.0 + ops.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)))


def _softplus(x: Any, beta: float = 1, threshold: float = 20) -> Any:
    soft = _times(ops.softplus(_times(x, beta)), 1.0 / beta)
    return soft if np.all(_data(x) * beta <= threshold) else ops.where(ops.greater(x * beta, threshold), x, soft)


def _data(x: Any) -> Any:
    return x._data if isinstance(x, Node) else np.asarray(x)


def _shrunk(x: Any, inside: Any, lambd: float) -> Any:
    return ops.where(ops.greater(ops.absolute(x), lambd), inside, 0.0)


def _prelu(x: Any, weight: Any) -> Any:
    shape = ops.shape(weight)
    if shape and len(ops.shape(x)) > 1:
        weight = ops.reshape(weight, (-1, *(1,) * (len(ops.shape(x)) - 2)))
    return ops.where(ops.greater(x, 0.0), x, weight * x)


def _glu(x: Any, dim: int = -1) -> Any:
    a, b = _chunk(x, 2, dim)
    return a * ops.sigmoid(b)


def _mish(x: Any) -> Any:
    return x * ops.tanh(ops.softplus(x))


_SELU = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946  # alpha and scale (Klambauer et al., 2017)

OPS.update({
    "gelu": _gelu, "elu": _elu, "softplus": _softplus, "prelu": _prelu, "_prelu_kernel": _prelu, "glu": _glu,
    "mish": _mish, "hardtanh": _hardtanh, "hardsigmoid": _hardsigmoid,
    "leaky_relu": lambda x, slope=0.01: ops.leaky_relu(x, float(slope)),
    "selu": lambda x: _elu(x, *_SELU),
    "celu": lambda x, alpha=1.0: _elu(x, alpha, 1.0, 1.0 / alpha),
    "relu6": lambda x: _hardtanh(x, 0.0, 6.0),
    "hardswish": lambda x: x * _hardsigmoid(x),
    "hardshrink": lambda x, lambd=0.5: _shrunk(x, x, lambd),
    "softshrink": lambda x, lambd=0.5: _shrunk(x, x - lambd * ops.sign(x), lambd),
    "threshold": lambda x, at, value: ops.where(ops.greater(x, at), x, float(value)),
    "log_sigmoid": lambda x: -ops.softplus(-x),
    "softmax": lambda x, dim, dtype=None: ops.softmax(x, dim),
    "_softmax": lambda x, dim, half=False: ops.softmax(x, dim),
    "log_softmax": lambda x, dim, dtype=None: ops.log_softmax(x, dim),
    "_log_softmax": lambda x, dim, half=False: ops.log_softmax(x, dim),
})  # fmt: skip


@named("rrelu", result=True)
def _rrelu(x: Any, low: float = 1 / 8, high: float = 1 / 3, training: bool = False, generator: Any = None,
           result: Any = None) -> Any:  # fmt: skip
    if not training:
        return ops.leaky_relu(x, (low + high) / 2.0)
    slopes = _numpy(result) / np.where(_data(x) < 0.0, _data(x), 1.0)  # as drawn
    return ops.where(ops.less(x, 0.0), x * slopes, x)


# Reductions ---------------------------------------------------------------------------------------------------------


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
    zero = _data(x) == 0.0
    return ops.where(zero, 0.0, x) if np.any(zero) else x


def _known(x: Any) -> Any:
    return ops.where(np.isnan(_data(x)), 0.0, x)


def _cumprod(x: Any, dim: int, dtype: Any = None) -> Any:
    return arrays.cumprod(x, dim) if ops.shape(x) else x


def _prod(x: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    return ops.prod(x, axes(dim, x), keepdim)


OPS.update({
    "sum": lambda x, dim=None, keepdim=False, dtype=None: ops.sum(x, axes(dim, x), keepdim),
    "mean": lambda x, dim=None, keepdim=False, dtype=None: ops.mean(x, axes(dim, x), keepdim),
    "nansum": lambda x, dim=None, keepdim=False, dtype=None: ops.sum(_known(x), axes(dim, x), keepdim),
    "nanmean": lambda x, dim=None, keepdim=False, dtype=None: OPS["nansum"](x, dim, keepdim)
        / np.sum(~np.isnan(_data(x)), axes(dim, x), keepdims=keepdim),
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
    if not np.size(_data(x)) or not ops.shape(x):
        return x
    top = _data(x).max(dim, keepdims=True)
    return ops.log(ops.cumsum(ops.exp(x - top), dim)) + top


@named("max.dim", "min.dim", "median.dim", "nanmedian.dim", "kthvalue", "mode", "cummax", "cummin", result=True)
def _chosen(x: Any, *settings: Any, result: Any = None, dim: Any = None, keepdim: Any = False, **others: Any) -> Any:
    """Return the entries that torch's op chose, by their places along the axis."""
    integers = [s for s in settings if isinstance(s, int) and not isinstance(s, bool)]
    dim = (integers or [-1])[-1] if dim is None else dim
    places = _numpy(result[1])
    if not ops.shape(x):
        return (x, places)
    kept = len(places.shape) == len(ops.shape(x))
    found = _gather(x, dim, places if kept else np.expand_dims(places, dim))
    return (found if kept else ops.squeeze(found, dim % len(ops.shape(x))), places)


@named("sort", "topk", "sort.stable", result=True)
def _sorted(x: Any, *settings: Any, result: Any = None, dim: Any = None, **others: Any) -> Any:
    integers = [s for s in settings if isinstance(s, int) and not isinstance(s, bool)]
    topk = len(integers) > 1
    dim = (
        dim
        if dim is not None
        else integers[-1]
        if topk or (_numpy(result[1]).shape == ops.shape(x) and integers)
        else -1
    )
    return (_gather(x, dim, _numpy(result[1])), _numpy(result[1]))


@named("median", "nanmedian", result=True)
def _median(x: Any, result: Any = None) -> Any:
    wanted, entries = float(result.detach()), np.ravel(_data(x))
    at = np.flatnonzero(np.isnan(entries) if math.isnan(wanted) else entries == wanted)
    return ops.getitem(arrays.ravel(x), int(at[0]))


def _numpy(tensor: Any) -> Any:
    return tensor.detach().cpu().numpy()


# Products -----------------------------------------------------------------------------------------------------------


@named("linear")
def _linear(x: Any, W: Any, b: Any = None) -> Any:
    x, W = floats(x, W)
    if len(ops.shape(W)) == 1:
        return _plus(ops.matmul(x, W), b)
    return ops.matmul(x, ops.transpose(W)) if b is None else ops.affine(x, W, b)


def _plus(x: Any, b: Any) -> Any:
    return x if b is None else x + b


def _addmm(x: Any, A: Any, B: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    return _times(x, beta) + _times(ops.matmul(A, B), alpha)


def _lower(x: Any, diagonal: int) -> Any:
    rows, columns = ops.shape(x)[-2:]
    return np.tri(rows, columns, diagonal, dtype=bool)


def _cross(x: Any, y: Any, dim: int = -1) -> Any:
    x, y = (_roll(v, (-1,), (dim,)) * _roll(w, (-2,), (dim,)) for v, w in ((x, y), (y, x)))
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


OPS.update({
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot", "vdot"), entrywise(ops.matmul)),
    **dict.fromkeys(("addmm", "addmv", "baddbmm"), _addmm),
    "addbmm": lambda x, A, B, beta=1, alpha=1: _times(x, beta) + _times(ops.sum(ops.matmul(A, B), 0), alpha),
    "addr": lambda x, a, b, beta=1, alpha=1: _times(x, beta) + _times(arrays.outer(a, b), alpha),
    "einsum": lambda spec, xs, path=None: ops.einsum(spec, *floats(*xs)),
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
    if np.array_equal(_data(x), np.swapaxes(_data(x), -1, -2)):
        return x
    lower = np.tril(_data(x)) if UPLO == "L" else np.swapaxes(np.triu(_data(x)), -1, -2)
    return x + (lower + np.swapaxes(np.tril(lower, -1), -1, -2) - _data(x)).astype(x.dtype)


OPS.update({
    **dict.fromkeys(("linalg_inv", "inverse"), linalg.inv), **dict.fromkeys(("linalg_det", "det"), linalg.det),
    **dict.fromkeys(("linalg_slogdet", "slogdet"), linalg.slogdet),
    **dict.fromkeys(("linalg_cholesky", "cholesky"), lambda x, upper=False: linalg.cholesky(x, upper)),
    **dict.fromkeys(("matrix_power", "linalg_matrix_power"), linalg.matrix_power),
    "logdet": linalg.logabsdet, "linalg_solve": _solve,
    "linalg_eigvalsh": lambda x, UPLO="L": linalg.eigvalsh(_mirrored(x, UPLO), UPLO),
    "linalg_svdvals": lambda x, driver=None: linalg.svdvals(x),
    "linalg_multi_dot": linalg.multi_dot,
})  # fmt: skip

# Shapes and indices -------------------------------------------------------------------------------------------------


def _flatten(x: Any, start: int = 0, end: int = -1) -> Any:
    shape = ops.shape(x) or (1,)
    start, end = start % len(shape), end % len(shape)
    return ops.reshape(x, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


def _unflatten(x: Any, dim: int, sizes: Any) -> Any:
    shape = ops.shape(x)
    dim %= len(shape)
    return ops.reshape(x, (*shape[:dim], *_filled(sizes, shape[dim]), *shape[dim + 1 :]))


def _filled(sizes: Any, total: int) -> tuple[int, ...]:
    known = math.prod(n for n in sizes if n >= 0)
    return tuple(total // known if n < 0 else n for n in sizes)


def _squeeze(x: Any, dim: Any = None) -> Any:
    shape = ops.shape(x)
    wanted = range(len(shape)) if dim is None else [d % len(shape) for d in np.atleast_1d(dim)] if shape else []
    return ops.reshape(x, tuple(n for i, n in enumerate(shape) if i not in wanted or n != 1))


def _expand(x: Any, sizes: Any, implicit: bool = False) -> Any:
    lead = len(sizes) - len(ops.shape(x))
    own = (1,) * lead + ops.shape(x)
    wide = tuple(n if s < 0 else s for n, s in zip(own, sizes))
    return x if wide == ops.shape(x) else ops.broadcast_to(x, wide)


def _repeat(x: Any, times: Any) -> Any:
    shape = (1,) * (len(times) - len(ops.shape(x))) + ops.shape(x)
    pairs = tuple(n for pair in zip(times, shape) for n in pair)
    split = tuple(n for size in shape for n in (1, size))
    return ops.reshape(ops.broadcast_to(ops.reshape(x, split), pairs), tuple(t * n for t, n in zip(times, shape)))


def _select(x: Any, dim: int, index: int) -> Any:
    return ops.getitem(x, (*(slice(None),) * (dim % len(ops.shape(x))), int(index)))


def _slice(x: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    n = ops.shape(x)[dim]
    start, end, step = slice(start, end, step).indices(n)
    if (start, step) == (0, 1) and end >= n:
        return x
    return ops.getitem(x, (*(slice(None),) * (dim % len(ops.shape(x))), slice(start, max(end, start), step)))


def _along(x: Any, dim: int, places: Any) -> Any:
    """Return the places along one axis as an index of all axes."""
    grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in places.shape)])
    grid[dim % len(ops.shape(x))] = places
    return tuple(grid)


def _gather(x: Any, dim: int, index: Any, sparse_grad: bool = False) -> Any:
    places = np.asarray(index)
    if not places.size:
        return np.zeros(places.shape)
    found = ops.getitem(lined(x), _along(lined(x), dim, np.atleast_1d(places)))
    return found if places.shape else ops.reshape(found, ())


def _index(x: Any, indices: Any) -> Any:
    parts = tuple(slice(None) if i is None else i for i in indices)
    if len(parts) == 1 and isinstance(parts[0], np.ndarray) and parts[0].dtype == bool:
        return ops.getitem(x, parts[0])
    return ops.getitem(x, parts)


def _put(x: Any, index: Any, values: Any, accumulate: bool) -> Any:
    """Return x with values put, or added, where the index points; of several for one place the last stays."""
    shape = ops.shape(x)
    count = np.shape(np.empty(shape, bool)[index])
    values = ops.broadcast_to(floats(x, values)[1], count)
    if accumulate:
        return x + ops.scatter(values, index, shape)
    which = np.full(shape, -1)
    which[index] = np.arange(math.prod(count)).reshape(count)
    if not math.prod(count):
        return x
    return ops.where(which >= 0, ops.getitem(arrays.ravel(values), np.maximum(which, 0)), x)


def _index_put(x: Any, indices: Any, values: Any, accumulate: bool = False, unsafe: bool = False) -> Any:
    return _put(x, tuple(slice(None) if i is None else i for i in indices), values, accumulate)


def _scatter(x: Any, dim: int, index: Any, source: Any, reduce: str | None = None) -> Any:
    if not ops.shape(x):
        return ops.reshape(_scatter(lined(x), 0, np.atleast_1d(index), source, reduce), ())
    here = tuple(slice(n) for n in index.shape)
    source = ops.getitem(source, here) if len(ops.shape(source)) == len(here) else source
    return _put(x, _along(x, dim, index), source, reduce == "add")


def _slots(x: Any, dim: int, index: Any) -> tuple[Any, ...]:
    return (*(slice(None),) * (dim % len(ops.shape(x))), index)


def _put_along(x: Any, dim: int, index: Any, source: Any, accumulate: bool) -> Any:
    return ops.reshape(_put(lined(x), _slots(lined(x), dim, np.atleast_1d(index)), source, accumulate), ops.shape(x))


def _index_select(x: Any, dim: int, index: Any) -> Any:
    found = ops.getitem(lined(x), _slots(lined(x), dim, np.atleast_1d(index)))
    return found if ops.shape(x) else ops.reshape(found, ())


def _split(x: Any, size: Any, dim: int = 0) -> tuple[Any, ...]:
    n = ops.shape(x)[dim]
    sizes = list(size) if isinstance(size, (tuple, list)) else [min(size, n - i) for i in range(0, n, size)]
    ends = np.cumsum([0, *sizes]).tolist()
    return tuple(_slice(x, dim, a, b) for a, b in pairwise(ends))


def _chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    return _split(x, -(-ops.shape(x)[dim] // chunks), dim)


def _tensor_split(x: Any, sections: Any, dim: int = 0) -> tuple[Any, ...]:
    n = ops.shape(x)[dim]
    parts = np.array_split(np.arange(n), sections if isinstance(sections, int) else list(sections))
    return _split(x, [len(part) for part in parts], dim)


def _flip(x: Any, dims: Any) -> Any:
    return ops.flip(x, tuple(np.atleast_1d(dims).tolist()))


def _roll(x: Any, shifts: Any, dims: Any = ()) -> Any:
    if not dims:
        return ops.reshape(_roll(arrays.ravel(x), shifts, (0,)), ops.shape(x))
    for shift, dim in zip(np.atleast_1d(shifts), np.atleast_1d(dims)):
        at = -int(shift) % max(ops.shape(x)[dim], 1)
        x = arrays.concatenate([_slice(x, int(dim), at), _slice(x, int(dim), 0, at)], int(dim))
    return x


def _constant_pad(x: Any, pad: Any, value: Any = 0.0) -> Any:
    pairs = [(a, b) for a, b in zip(pad[::2], pad[1::2])][::-1]
    lead = len(ops.shape(x)) - len(pairs)
    cut = [slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(pairs, ops.shape(x)[lead:])]
    x = ops.getitem(x, (..., *cut)) if any(a < 0 or b < 0 for a, b in pairs) else x
    wide = tuple((max(a, 0), max(b, 0)) for a, b in pairs)
    return ops.pad(x, ((0, 0),) * lead + wide, float(value or 0.0))


def _pad(x: Any, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    if mode == "constant":
        return _constant_pad(x, pad, value)
    pairs = [(a, b) for a, b in zip(pad[::2], pad[1::2])][::-1]
    lead = len(ops.shape(x)) - len(pairs)
    kind: Any = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode]
    for axis, (before, after) in enumerate(pairs, lead):
        x = ops.getitem(x, _slots(x, axis, _padded_places(ops.shape(x)[axis], before, after, kind)))
    return x


def _padded_places(n: int, before: int, after: int, kind: Any) -> Any:
    """Return the places of an axis that padding repeats; a negative padding cuts, before a circle is closed."""
    wide, cut = (max(before, 0), max(after, 0)), (max(-before, 0), max(-after, 0))
    if kind == "wrap":
        return np.pad(np.arange(cut[0], n - cut[1]), wide, kind)
    places = np.pad(np.arange(n), wide, kind)
    return places[cut[0] : len(places) - cut[1]]


def _repeat_interleave(x: Any, repeats: Any, dim: Any = None, output_size: Any = None) -> Any:
    x, dim = (arrays.ravel(x), 0) if dim is None else (x, dim)
    return ops.getitem(x, _slots(x, dim, np.repeat(np.arange(ops.shape(x)[dim]), repeats)))


def _unfold(x: Any, dim: int, size: int, step: int) -> Any:
    rank = len(ops.shape(x))
    if not rank:
        return lined(x)
    moved = arrays.moveaxis(x, dim % rank, rank - 1)
    return arrays.moveaxis(ops.windows(moved, (size,), (step,)), rank - 1, dim % rank)


def _pixel_shuffle(x: Any, r: int) -> Any:
    *lead, c, h, w = ops.shape(x)
    n = len(lead)
    split = ops.reshape(x, (*lead, c // r**2, r, r, h, w))
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return ops.reshape(ops.transpose(split, order), (*lead, c // r**2, h * r, w * r))


def _cat(xs: Any, dim: int = 0) -> Any:
    xs = floats(*xs)
    return arrays.concatenate([x for x in xs if ops.shape(x) != (0,)] or xs, dim)


def _unbind(x: Any, dim: int = 0) -> tuple[Any, ...]:
    return tuple(_select(x, dim, i) for i in range(ops.shape(x)[dim]))


def _stacked(axis: int) -> Translation:
    def join(xs: Any) -> Any:
        wide = [ops.reshape(x, np.shape((np.atleast_1d, np.atleast_2d)[axis == 0](_data(x)))) for x in xs]
        return arrays.concatenate(wide, 0 if axis == 0 or len(ops.shape(wide[0])) == 1 else 1)

    return join


def _meshgrid(xs: Any, indexing: str = "ij") -> tuple[Any, ...]:
    n, lengths = len(xs), tuple(math.prod(ops.shape(x)) for x in xs)
    grids = [ops.reshape(x, tuple(-1 if i == j else 1 for j in range(n))) for i, x in enumerate(xs)]
    full = (ops.broadcast_to(grid, lengths) for grid in grids)
    return tuple(ops.swapaxes(g, 0, 1) if indexing == "xy" and n > 1 else g for g in full)


def _masked_select(x: Any, mask: Any) -> Any:
    shape = np.broadcast_shapes(ops.shape(x), np.shape(mask))
    return ops.getitem(lined(_expand(x, shape)), np.atleast_1d(np.broadcast_to(mask, shape)))


def _take_along(x: Any, index: Any, dim: Any = None) -> Any:
    if dim is None:
        return ops.getitem(arrays.ravel(x), np.ravel(index))
    x, index = lined(x), np.atleast_1d(index)
    shape = list(np.broadcast_shapes(*(_but(dim, v) for v in (ops.shape(x), index.shape))))
    own, theirs = list(shape), list(shape)
    own[dim], theirs[dim] = ops.shape(x)[dim], index.shape[dim]
    return _gather(_expand(x, tuple(own)), dim, np.broadcast_to(index, theirs))


def _but(axis: int, shape: Any) -> tuple[int, ...]:
    return tuple(1 if i == axis % len(shape) else n for i, n in enumerate(shape))


def _slice_scatter(x: Any, source: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    return _put(x, _slots(x, dim, slice(start, end, step)), source, False)


def _same(x: Any, *settings: Any, **others: Any) -> Any:
    return x


OPS.update({
    **dict.fromkeys("contiguous clone alias lift_fresh_copy lift to _to_copy type_as float double cpu "
                    "view.dtype resolve_conj resolve_neg conj real requires_grad_ detach_".split(), _same),
    **dict.fromkeys("view reshape _unsafe_view _reshape_alias".split(), ops.reshape),
    **dict.fromkeys(("view_as", "reshape_as"), lambda x, y: ops.reshape(x, ops.shape(y))),
    **dict.fromkeys(("transpose", "swapaxes", "swapdims"), lambda x, a, b: ops.swapaxes(x, a, b) if x.ndim else x),
    **dict.fromkeys(("movedim", "moveaxis"), arrays.moveaxis),
    **dict.fromkeys(("mT", "mH", "adjoint"), lambda x: ops.swapaxes(x, -1, -2)),
    **dict.fromkeys(("t", "numpy_T", "T"), ops.transpose),
    **dict.fromkeys(("select", "select_copy"), _select), **dict.fromkeys(("slice", "slice_copy"), _slice),
    **dict.fromkeys(("cat", "concat", "concatenate"), _cat),
    **dict.fromkeys(("split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes"), _split),
    **dict.fromkeys(("chunk", "unsafe_chunk"), _chunk),
    **dict.fromkeys(("scatter", "scatter.src", "scatter.value"), _scatter),
    "permute": ops.transpose, "flatten": _flatten, "unflatten": _unflatten, "ravel": arrays.ravel, "squeeze": _squeeze,
    "unsqueeze": lambda x, dim: ops.expand_dims(x, dim), "expand": _expand, "broadcast_to": _expand,
    "expand_as": lambda x, y: _expand(x, ops.shape(y)), "repeat": _repeat,
    "tile": lambda x, times: _repeat(x, (1,) * (len(ops.shape(x)) - len(times)) + tuple(times)),
    "narrow": lambda x, dim, start, length: _slice(x, dim, int(start), int(start) + length),
    "gather": _gather, "index": _index, "index_put": _index_put, "_unsafe_index": _index,
    "index_select": _index_select,
    "take": lambda x, index: ops.getitem(arrays.ravel(x), index),
    "take_along_dim": _take_along, "masked_select": _masked_select, "slice_scatter": _slice_scatter,
    "scatter_add": lambda x, dim, index, source: _scatter(x, dim, index, source, "add"),
    "scatter.reduce": lambda x, dim, index, source, reduce: _scatter(x, dim, index, source, reduce),
    "index_add": lambda x, dim, index, source, alpha=1: _put_along(x, dim, index, _times(source, alpha), True),
    "index_copy": lambda x, dim, index, source: _put_along(x, dim, index, source, False),
    "index_fill": lambda x, dim, index, value: _put_along(x, dim, index, value, False),
    "select_scatter": lambda x, source, dim, index: _put(x, _slots(x, dim, index), source, False),
    "stack": lambda xs, dim=0: arrays.stack(floats(*xs), dim), "unbind": _unbind,
    "hstack": _stacked(1), "vstack": _stacked(0),
    "tensor_split": _tensor_split, "flip": _flip, "fliplr": lambda x: _flip(x, 1), "flipud": lambda x: _flip(x, 0),
    "roll": _roll, "pad": _pad, "constant_pad_nd": _constant_pad, "repeat_interleave": _repeat_interleave,
    **{f"reflection_pad{n}d": lambda x, pad: _pad(x, pad, "reflect") for n in (1, 2, 3)},
    **{f"replication_pad{n}d": lambda x, pad: _pad(x, pad, "replicate") for n in (1, 2, 3)},
    "unfold": _unfold, "pixel_shuffle": _pixel_shuffle,
    "copy": lambda x, source, non_blocking=False: _expand(floats(x, source)[1], ops.shape(x)),
    "fill": lambda x, value: ops.broadcast_to(value, ops.shape(x)),
    "meshgrid": _meshgrid,
})  # fmt: skip

# Layers -------------------------------------------------------------------------------------------------------------


def each(setting: Any, n: int) -> tuple[int, ...]:
    """Return a setting for each of n axes, where torch takes one for all."""
    found = tuple(np.atleast_1d(setting).tolist())
    return found * n if len(found) == 1 else found


def batched(n: int, function: Translation) -> Translation:
    """Return a function of (sample, channel, n places) that takes one sample too, without the first axis."""

    def called(x: Any, *args: Any, **settings: Any) -> Any:
        if len(ops.shape(x)) == n + 2:
            return function(x, *args, **settings)
        return ops.squeeze(function(ops.expand_dims(x, 0), *args, **settings), 0)

    return called


def _conv(n: int) -> Translation:
    def conv(
        x: Any, W: Any, b: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
    ) -> Any:
        stride, dilation = each(stride, n), each(dilation, n)
        if isinstance(padding, str):
            total = [d * (k - 1) * (padding == "same") for d, k in zip(dilation, ops.shape(W)[2:])]
            x = layers.padded(x, tuple(t // 2 for t in total), tuple(t - t // 2 for t in total))
            padding = 0
        return layers.correlation(x, W, b, stride, each(padding, n), dilation, groups)

    return batched(n, conv)


def _conv_transpose(n: int) -> Translation:
    def conv(x: Any, W: Any, b: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
             groups: int = 1, dilation: Any = 1) -> Any:  # fmt: skip
        stride, padding, extra, dilation = (each(s, n) for s in (stride, padding, output_padding, dilation))
        return layers.transposed_correlation(x, W, b, stride, padding, extra, dilation, groups)

    return batched(n, conv)


def _convolution(x: Any, W: Any, b: Any, stride: Any, padding: Any, dilation: Any, transposed: bool,
                 output_padding: Any, groups: int, *flags: Any) -> Any:  # fmt: skip
    n = len(ops.shape(W)) - 2
    if transposed:
        return _conv_transpose(n)(x, W, b, stride, padding, output_padding, groups, dilation)
    return _conv(n)(x, W, b, stride, padding, dilation, groups)


def _max_pool(n: int) -> Translation:
    def pool(x: Any, size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False) -> Any:
        size = each(size, n)
        settings = each(stride, n) or size, each(padding, n), each(dilation, n)
        windows = layers.pooled(x, size, *settings, fill=-math.inf, ceil=ceil_mode)
        return first_maximum(windows, n)

    return batched(n, pool)


def first_maximum(x: Any, n: int) -> Any:
    """Return the maximum over the last n axes; of equal entries torch takes the first: the others are hidden."""
    data = _data(x)
    flat = data.reshape(*data.shape[: data.ndim - n], -1)
    equal = flat == flat.max(-1, keepdims=True)
    hidden = equal & (np.cumsum(equal, -1) > 1)
    if hidden.any():
        x = ops.where(hidden.reshape(data.shape), -math.inf, x)
    return ops.max(x, layers.last_axes(n))


def _avg_pool(n: int) -> Translation:
    def pool(x: Any, size: Any, stride: Any = (), padding: Any = 0, ceil_mode: bool = False,
             count_include_pad: bool = True, divisor_override: Any = None) -> Any:  # fmt: skip
        size = each(size, n)
        stride, padding, ones = each(stride, n) or size, each(padding, n), (1,) * n
        windows = layers.pooled(x, size, stride, padding, ones, fill=0.0, ceil=ceil_mode)
        if divisor_override:
            return ops.sum(windows, layers.last_axes(n)) / divisor_override
        if not ceil_mode and (count_include_pad or not any(padding)):
            return ops.mean(windows, layers.last_axes(n))
        inside = np.ones(ops.shape(x)[-n:], dtype=x.dtype)
        if count_include_pad:
            inside, padding = np.pad(inside, [(p, p) for p in padding], constant_values=1.0), (0,) * n
        counted = layers.pooled(inside, size, stride, padding, ones, fill=0.0, ceil=ceil_mode)
        return ops.sum(windows, layers.last_axes(n)) / np.sum(counted, layers.last_axes(n))

    return batched(n, pool)


def _adaptive_avg(n: int) -> Translation:
    return lambda x, size: layers.adaptive_mean(x, _lengths(x, size, n))


def _lengths(x: Any, size: Any, n: int) -> tuple[int, ...]:
    return tuple(own if s is None else s for own, s in zip(ops.shape(x)[-n:], each(size, n)))


def _adaptive_max(n: int) -> Translation:
    def pool(x: Any, size: Any, result: Any = None) -> Any:
        own, places = ops.shape(x)[-n:], _numpy(result[1])
        flat = ops.reshape(x, (*ops.shape(x)[:-n], math.prod(own)))
        found = _gather(flat, -1, places.reshape(*places.shape[:-n], -1))
        return ops.reshape(found, places.shape), places

    return pool


for _n in (1, 2, 3):
    OPS.update({
        f"conv{_n}d": _conv(_n), f"conv{_n}d.padding": _conv(_n), f"avg_pool{_n}d": _avg_pool(_n),
        f"conv_transpose{_n}d": _conv_transpose(_n), f"max_pool{_n}d": _max_pool(_n),
        f"adaptive_avg_pool{_n}d": _adaptive_avg(_n), f"_adaptive_avg_pool{_n}d": _adaptive_avg(_n),
    })  # fmt: skip
    named(f"adaptive_max_pool{_n}d", result=True)(_adaptive_max(_n))
    named(f"max_pool{_n}d_with_indices", result=True)(
        lambda x, *a, n=_n, result=None, **k: (_max_pool(n)(x, *a, **k), _numpy(result[1]))
    )
OPS["conv_transpose2d.input"] = OPS["conv_transpose2d"]
OPS["conv_transpose3d.input"] = OPS["conv_transpose3d"]
OPS["convolution"] = OPS["_convolution"] = _convolution


@named("batch_norm")
def _batch_norm(
    x: Any, W: Any, b: Any, mean: Any, var: Any, training: bool, momentum: float, eps: float, fast: Any = 0
) -> Any:
    rank = len(ops.shape(x))
    shape = (1, -1, *(1,) * (rank - 2))
    if training or mean is None:
        z = layers.standardised(x, (0, *range(2, rank)), eps)
    else:
        z = (x - ops.reshape(mean, shape)) / ops.sqrt(ops.reshape(var, shape) + eps)
    return layers.scaled(z, W, b, shape)


@named("layer_norm")
def _layer_norm(x: Any, shape: Any, W: Any = None, b: Any = None, eps: float = 1e-5, fast: Any = 0) -> Any:
    return layers.scaled(layers.standardised(x, layers.last_axes(len(shape)), eps), W, b)


@named("rms_norm")
def _rms_norm(x: Any, shape: Any, W: Any = None, eps: Any = None) -> Any:
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    size = ops.mean(ops.square(x), layers.last_axes(len(shape)), True)
    return layers.scaled(x / ops.sqrt(size + eps), W, None)


@named("group_norm")
def _group_norm(x: Any, groups: int, W: Any = None, b: Any = None, eps: float = 1e-5, fast: Any = 0) -> Any:
    shape = ops.shape(x)
    z = ops.reshape(layers.standardised(ops.reshape(x, (shape[0], groups, -1)), -1, eps), shape)
    return layers.scaled(z, W, b, (1, -1, *(1,) * (len(shape) - 2)))


@named("instance_norm")
def _instance_norm(
    x: Any, W: Any, b: Any, mean: Any, var: Any, own: bool, momentum: float, eps: float, fast: Any = 0
) -> Any:
    if not own:
        return _batch_norm(x, W, b, mean, var, False, momentum, eps)
    rank = len(ops.shape(x))
    return layers.scaled(layers.standardised(x, tuple(range(2, rank)), eps), W, b, (1, -1, *(1,) * (rank - 2)))


@named("embedding")
def _embedding(W: Any, index: Any, padding_idx: int = -1, scale: Any = False, sparse: Any = False) -> Any:
    if padding_idx >= 0:  # no gradient reaches its row
        W = ops.where(np.arange(len(W))[:, None] == padding_idx, W.detach(), W)
    return ops.getitem(W, index)


@named("embedding_bag", "_embedding_bag", result=True)
def _embedding_bag(W: Any, index: Any, offsets: Any, scale: Any = False, mode: int = 0, sparse: Any = False,
                   weights: Any = None, last: bool = False, padding: int = -1, result: Any = None) -> Any:  # fmt: skip
    combine = (ops.sum, ops.mean, ops.max)[mode]
    bags = []
    for a, b in pairwise([*offsets.tolist(), *([] if last else [len(index)])]):
        kept = a + np.flatnonzero(index[a:b] != padding)
        rows = ops.getitem(W, index[kept])
        rows = rows if weights is None else rows * ops.expand_dims(ops.getitem(weights, kept), 1)
        bags.append(combine(rows, 0) if len(kept) else np.zeros(ops.shape(W)[1]))
    return (arrays.stack(bags), *map(_numpy, result[1:]))


@named("embedding_bag.padding_idx", result=True)
def _padded_bag(W: Any, *args: Any, result: Any = None) -> Any:
    *others, padding = args
    return _embedding_bag(W, *others, padding=-1 if padding is None else padding % len(W), result=result)


@named("scaled_dot_product_attention")
def _attention(q: Any, k: Any, v: Any, mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
               scale: Any = None, enable_gqa: bool = False, drawn: Any = None) -> Any:  # fmt: skip
    if enable_gqa:
        k, v = (_repeat_interleave(x, ops.shape(q)[-3] // ops.shape(x)[-3], -3) for x in (k, v))
    if is_causal:
        mask = np.tri(ops.shape(q)[-2], ops.shape(k)[-2], dtype=bool)
    return layers.attention(q, k, v, mask, scale, None if drawn is None else lambda weights: weights * drawn)


# Recurrent layers, one step after another ---------------------------------------------------------------------------


def _layer_stack(cell: layers.Cell, x: Any, states: Any, weights: Any, biases: bool, count: int, both: bool) -> Any:
    """Return what all layers make of a sequence, (step, sample, feature), and their last states."""
    xs, ends = list(_unbind(x, 0)), []
    width = 4 if biases else 2
    for layer in range(count):
        outputs = []
        for way in range(2 if both else 1):
            i = layer * (2 if both else 1) + way
            state = tuple(_select(s, 0, i) for s in states)
            hs, state = layers.unrolled(cell, xs, state, weights[i * width : (i + 1) * width], bool(way))
            outputs.append(hs)
            ends.append(state)
        xs = [pair[0] if len(pair) == 1 else arrays.concatenate(pair, -1) for pair in zip(*outputs)]
    return arrays.stack(xs, 0), *(arrays.stack(parts, 0) for parts in zip(*ends))


def _recurrent(cell: layers.Cell) -> Translation:
    def run(x: Any, states: Any, weights: Any, biases: bool, count: int, dropout: float, train: bool, both: bool,
            batch_first: bool = False) -> Any:  # fmt: skip
        states = states if isinstance(states, (tuple, list)) else (states,)
        one = len(ops.shape(x)) == 2
        x = ops.expand_dims(x, 1) if one else ops.swapaxes(x, 0, 1) if batch_first else x
        states = [ops.expand_dims(s, 1) for s in states] if one and len(ops.shape(states[0])) == 2 else states
        y, *ends = _layer_stack(cell, x, states, weights, biases, count, both)
        y = ops.squeeze(y, 1) if one else ops.swapaxes(y, 0, 1) if batch_first else y
        return (y, *(ops.squeeze(e, 1) if one else e for e in ends))

    return run


def _one_step(cell: layers.Cell) -> Translation:
    def run(x: Any, state: Any, *weights: Any) -> Any:
        found = cell(
            x, tuple(state) if isinstance(state, (tuple, list)) else (state,), [w for w in weights if w is not None]
        )
        return found if len(found) > 1 else found[0]

    return run


OPS.update({
    "lstm.input": _recurrent(layers.lstm_cell), "gru.input": _recurrent(layers.gru_cell),
    "rnn_tanh.input": _recurrent(layers.tanh_cell), "rnn_relu.input": _recurrent(layers.relu_cell),
    "lstm_cell": _one_step(layers.lstm_cell), "gru_cell": _one_step(layers.gru_cell),
    "rnn_tanh_cell": _one_step(layers.tanh_cell), "rnn_relu_cell": _one_step(layers.relu_cell),
})  # fmt: skip
