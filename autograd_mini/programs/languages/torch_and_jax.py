"""torch and JAX: what the names of the table's rows mean in torch and JAX.

Only how a row is computed is said here, in terms of the framework's own functions, which find derivatives themselves;
what is a composition of other rows has no need of it, nor what they have under numpy's name or under one that stands on
the row. Each definition is compared with its row by the tests. Where a function of theirs overflows or vanishes on the
way to a finite value or slope, its arguments are scaled first, by a length that has no derivative. The slope of `expm1`
is e^x here: theirs is its value plus 1, which is 0 from -37 on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import numpy as np

from ...op import ROWS, Elementwise
from .compositions import in_python
from .prelude import Definitions, pieces

# Rows that neither has: parts of derivatives, which they find themselves, and factors of matrices.
JAX_LACKS = frozenset("prod_others sinc_slope resort unsort cofactors pinv eigh_vectors svd_vectors".split())
TORCH_LACKS = JAX_LACKS | {"scatter"}


def _imported(module: str, names: str | Mapping[str, str]) -> dict[str, str]:
    """Return an import for each of our names: of the same name, or of theirs that it is given with."""
    pairs = dict.fromkeys(names.split(), "") if isinstance(names, str) else names
    return {
        ours: f"from {module} import {f'{theirs} as ' if theirs not in ('', ours) else ''}{ours}"
        for ours, theirs in pairs.items()
    }


_COMMON = {
    "inf": "from math import inf",
    "nan": "from math import nan",
    "LN2": f"LN2 = {math.log(2.0)!r}",
    "reduce": "from functools import reduce",
    "kept": """\
def kept(shape, axis):
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return [1 if i in axes or i - len(shape) in axes else n for i, n in enumerate(shape)]""",
}


@cache
def in_torch() -> Definitions:
    """Return what each name means in torch."""
    named = {r.name: r.torch for r in ROWS.values() if isinstance(r, Elementwise) and r.torch}
    return {**in_python("tensors"), **_imported("torch", {**_ufuncs(), **named}), **TORCH}


@cache
def in_jax() -> Definitions:
    """Return what each name means in JAX, which has the functions of numpy under their names."""
    return {**in_python(), **_imported("jax.numpy", _ufuncs()), **JAX}


def _ufuncs() -> dict[str, str]:
    """Return numpy's name for each row that is a function of numpy's: torch and JAX have most of them under it."""
    rows = [row for row in ROWS.values() if isinstance(row, Elementwise) and isinstance(row.array, np.ufunc)]
    return {row.name: row.array.__name__ for row in rows}


TORCH: Mapping[str, str] = {
    **_COMMON,
    "torch": "import torch",
    **_imported("torch", "sinc isnan isinf isfinite"),
    **_imported("torch.linalg", "inv det svdvals"),
    **pieces(
        """
def tensors(*xs):
    return [x if torch.is_tensor(x) else torch.tensor(x, dtype=torch.float64) for x in xs]

def alike(*xs):
    xs = tensors(*xs)
    dtype = reduce(torch.promote_types, [x.dtype for x in xs if x.ndim] or [torch.float64])
    return [x.to(dtype) for x in xs]

def add_n(*xs):
    return reduce(torch.add, tensors(*xs))

def cbrt(x):
    root = torch.where(x < 0.0, -x, x) ** (1 / 3)
    return torch.where(x < 0.0, -root, root)

def logaddexp(x, y):
    return torch.logaddexp(*tensors(x, y))

def length_of(*xs):
    size = reduce(torch.maximum, [torch.abs(x.detach()) for x in xs])
    return torch.where((size > 0.0) & torch.isfinite(size), size, 1.0)

def atan2(y, x):
    y, x = tensors(y, x)
    return torch.atan2(y / length_of(y, x), x / length_of(y, x))

def hypot(x, y):
    x, y = tensors(x, y)
    size, corner = length_of(x, y), (x == 0.0) & (y == 0.0)
    return torch.where(corner, 0.0, torch.hypot(torch.where(corner, 1.0, x / size), y / size) * size)

def asinh(x):
    far = torch.abs(x) > 1e10
    near = torch.asinh(torch.where(far, 1.0, x))
    return torch.where(far, torch.sign(x) * (torch.log(torch.abs(torch.where(far, x, 1.0))) + LN2), near)

def acosh(x):
    return 2.0 * torch.arcsinh(torch.sqrt(0.5 * (x - 1.0)))

def mod(x, y):
    return torch.remainder(*tensors(x, y))

def maximum(x, y):
    return torch.maximum(*tensors(x, y))

def minimum(x, y):
    return torch.minimum(*tensors(x, y))

def where(c, x, y):
    c, x, y = tensors(c, x, y)
    return torch.where(c != 0, x, y)

def floordiv(x, y):
    return torch.div(*tensors(x, y), rounding_mode="floor")

def indicator(compare, x, y):
    x, y = tensors(x, y)
    return compare(x, y).to(torch.result_type(x, y))

def greater(x, y):
    return indicator(torch.gt, x, y)

def less(x, y):
    return indicator(torch.lt, x, y)

def equal(x, y):
    return indicator(torch.eq, x, y)

def step(x):
    return greater(x, 0.0)

def expm1(x):
    low = where(greater(x, 1.0), 0.0, x)
    y = torch.exp(low) - 1.0
    return where(greater(x, 1.0), torch.exp(x) - 1.0, y + (torch.expm1(low) - y).detach())

def softplus(x):
    return torch.nn.functional.softplus(x, threshold=40.0)

def elu(x, alpha):
    return where(greater(x, 0.0), x, alpha * expm1(where(greater(x, 0.0), 0.0, x)))

def logistic_loss(x, y):
    x, y = tensors(x, y)
    right = greater(x, 0.0)
    return softplus(where(right, -x, x)) + where(right, 1.0 - y, -y) * x

def softmax_loss(x, y):
    x, y = tensors(x, y)
    return logsumexp(x - peak(x, -1), -1, True) + (peak(x, -1) - torch.sum(y * x, -1, keepdim=True))

def l2_penalty(alpha, *ws):
    return 0.5 * alpha * reduce(torch.add, [torch.sum(w * w) for w in tensors(*ws)])

def sum(x, axis=None, keepdims=False):
    return torch.sum(x, axes_of(x, axis), keepdim=keepdims)

def count(x, axis):
    return reduce(lambda n, a: n * x.shape[a], axes_of(x, axis), 1)

def freedom(x, axis, ddof):
    n = count(x, axis)
    return n - ddof if n > ddof else 0.0

def mean(x, axis=None, keepdims=False):
    n, axes = count(x, axis), axes_of(x, axis)
    whole = torch.mean(x, axes, keepdim=keepdims)
    return torch.where(torch.isfinite(whole), whole, torch.sum(x / n, axes, keepdim=keepdims)) if n else whole

def var(x, axis=None, ddof=0.0, keepdims=False):
    return sum(torch.square(x - mean(x, axis, True)), axis, keepdims) / freedom(x, axis, ddof)

def std(x, axis=None, ddof=0.0, keepdims=False):
    apart = x - mean(x, axis, True)
    length = sum(apart, axis, keepdims) if count(x, axis) == 1 else norm(apart, axis, keepdims)
    return length / freedom(x, axis, ddof) ** 0.5

def norm(x, axis=None, keepdims=False):
    if not x.numel():
        return torch.linalg.vector_norm(x, dim=axis, keepdim=keepdims)
    size = torch.amax(torch.abs(x.detach()), dim=() if axis is None else axis, keepdim=True)
    size = torch.where((size > 0.0) & torch.isfinite(size), size, 1.0)
    length = torch.linalg.vector_norm(x / size, dim=axis, keepdim=keepdims)
    return length * size.reshape(length.shape)

def axes_of(x, axis):
    return sorted(a % x.ndim for a in (range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)))

def prod(x, axis=None, keepdims=False):
    for a in reversed(axes_of(x, axis)):
        while x.shape[a] > 1:
            half = x.shape[a] // 2
            pairs = x.narrow(a, 0, half) * x.narrow(a, half, half)
            x = torch.cat([pairs, x.narrow(a, 2 * half, x.shape[a] - 2 * half)], a)
        x = x if x.shape[a] else torch.ones_like(torch.sum(x, a, keepdim=True))
        x = x if keepdims else x.squeeze(a)
    return x

def max(x, axis=None, keepdims=False):
    return torch.amax(x, axes_of(x, axis), keepdim=keepdims)

def min(x, axis=None, keepdims=False):
    return torch.amin(x, axes_of(x, axis), keepdim=keepdims)

def peak(x, axis):
    top = torch.amax(x.detach(), axes_of(x, axis), keepdim=True)
    return torch.where(torch.isfinite(top), top, 0.0)

def logsumexp(x, axis=None, keepdims=False):
    if not count(x, axis):
        return torch.logsumexp(x, axes_of(x, axis), keepdim=keepdims)
    top = peak(x, axis)
    total = torch.log(torch.sum(torch.exp(x - top), axes_of(x, axis), keepdim=keepdims))
    return total + top.reshape(total.shape)

def softmax(x, axis=-1):
    return torch.softmax(x, axis)

def log_softmax(x, axis=-1):
    return torch.log_softmax(x, axis)

def logabsdet(x):
    return torch.linalg.slogdet(x)[1]

def cholesky(x):
    return torch.linalg.cholesky(0.5 * (x + x.mT))

def eigvalsh(x):
    return torch.linalg.eigvalsh(0.5 * (x + x.mT))

def sort(x, axis=-1):
    return torch.sort(x.reshape(-1) if axis is None else x, -1 if axis is None else axis).values

def cumsum(x, axis=None):
    return torch.cumsum(x.reshape(-1) if axis is None else x, axis or 0)

def spread(x, shape, axis):
    return x.reshape(kept(shape, axis)).expand(shape)

def sum_to(x, shape):
    return x.sum_to_size(shape)

def cast(x, dtype):
    return x.to(getattr(torch, dtype))

def matmul(x, y):
    return torch.matmul(*alike(x, y))

def solve(x, y):
    return torch.linalg.solve(*alike(x, y))

def affine(x, W, b):
    x, W = alike(x, W)
    return x @ W.T + b

def einsum(spec, *xs):
    return torch.einsum(spec, *alike(*xs))

def reshape(x, shape):
    return torch.reshape(x, (shape,) if isinstance(shape, int) else shape)

def transpose(x, axes=None):
    return x.permute(tuple(reversed(range(x.ndim))) if axes is None else axes)

def broadcast_to(x, shape):
    return torch.broadcast_to(x, shape)

def flip(x, axis=None):
    return torch.flip(x, axes_of(x, axis))

def pad(x, width, value=0.0):
    pairs = torch.broadcast_to(torch.tensor(width), (x.ndim, 2))
    return torch.nn.functional.pad(x, pairs.flip(0).reshape(-1).tolist(), value=value)

def each_axis(setting, n):
    return [setting] * n if isinstance(setting, int) else setting

def windows(x, size, stride=1, dilation=1):
    first, n = x.ndim - len(size), len(size)
    for i, (k, step, apart) in enumerate(zip(size, each_axis(stride, n), each_axis(dilation, n))):
        x = x.unfold(first + i, apart * (k - 1) + 1, step)[..., ::apart]
    return x

def overlap_add(x, shape, stride, dilation):
    n = x.ndim - len(shape)
    out = torch.zeros(shape, dtype=x.dtype)
    for inside in torch.cartesian_prod(*map(torch.arange, x.shape[len(shape):])).reshape(-1, n).tolist():
        steps = zip(inside, each_axis(dilation, n), each_axis(stride, n), x.shape[len(shape) - n:])
        place = [slice(i * apart, i * apart + step * (m - 1) + 1, step) for i, apart, step, m in steps]
        out[(..., *place)] += x[(..., *inside)]
    return out

def concatenate(axis, *xs):
    return torch.cat(tensors(*xs), axis)

def stack(axis, *xs):
    return torch.stack(tensors(*xs), axis)

def cross_entropy(logits, labels):
    chosen = torch.as_tensor(labels).unsqueeze(-1)
    return -torch.log_softmax(logits, -1).gather(-1, chosen).squeeze(-1)
""",
        "def ",
    ),
}

JAX: Mapping[str, str] = {
    **_COMMON,
    "jax": "import jax",
    "jnp": "import jax.numpy as jnp",
    **_imported(
        "jax.numpy",
        "sinc sort sum prod max min cumsum matmul einsum reshape transpose broadcast_to flip isnan isinf isfinite",
    ),
    **_imported("jax.numpy.linalg", "inv det solve svdvals"),
    **_imported("jax.nn", "sigmoid relu softplus"),
    **_imported("jax.scipy.special", "erf erfc logsumexp"),
    **pieces(
        """
def add_n(*xs):
    return reduce(jnp.add, xs)

def logabsdet(x):
    return jnp.linalg.slogdet(x)[1]

def cholesky(x):
    return jnp.linalg.cholesky(0.5 * (x + jnp.swapaxes(x, -1, -2)))

def eigvalsh(x):
    return jnp.linalg.eigvalsh(0.5 * (x + jnp.swapaxes(x, -1, -2)))

def where(c, x, y):
    return jnp.where(jnp.asarray(c) != 0, x, y)

def indicator(holds, x, y):
    return holds.astype(jnp.result_type(x, y, 0.0))

def greater(x, y):
    return indicator(jnp.greater(x, y), x, y)

def less(x, y):
    return indicator(jnp.less(x, y), x, y)

def equal(x, y):
    return indicator(jnp.equal(x, y), x, y)

def softmax(x, axis=-1):
    return jax.nn.softmax(x, axis if jnp.ndim(x) else None)

def log_softmax(x, axis=-1):
    return jax.nn.log_softmax(x, axis if jnp.ndim(x) else None)

def step(x):
    return greater(x, 0.0)

def expm1(x):
    low = jnp.where(x > 1.0, 0.0, x)
    y = jnp.exp(low) - 1.0
    return jnp.where(x > 1.0, jnp.exp(x) - 1.0, y + jax.lax.stop_gradient(jnp.expm1(low) - y))

def elu(x, alpha):
    return jnp.where(x > 0.0, x, alpha * expm1(jnp.where(x > 0.0, 0.0, x)))

def logistic_loss(x, y):
    right = greater(x, 0.0)
    return softplus(where(right, -x, x)) + where(right, 1.0 - y, -y) * x

def length_of(*xs):
    return scale(reduce(jnp.maximum, [jnp.abs(jax.lax.stop_gradient(jnp.asarray(x))) for x in xs]))

def scale(size):
    room = jnp.finfo(size.dtype)
    return jnp.clip(jnp.where(jnp.isfinite(size), size, 1.0), 256.0 * room.tiny, room.max / 256.0)

def abs(x):
    return x * jnp.sign(x)

def div(x, y):
    return (x / length_of(y)) / (y / length_of(y))

def power(x, y):
    corner = jnp.equal(x, 0.0) & jnp.equal(y, 0.0)
    return jnp.where(corner, 1.0, jnp.power(jnp.where(corner, 1.0, x), y))

def logaddexp(x, y):
    near = jnp.isfinite(x - y)
    gap = jnp.where(near, x - y, 0.0)
    return jnp.where(near, jnp.where(gap < 0.0, y + softplus(gap), x + softplus(-gap)), jnp.logaddexp(x, y))

def atan2(y, x):
    corner = jnp.equal(x, 0.0) & jnp.equal(y, 0.0)
    size, there = length_of(y, x), jnp.arctan2(jax.lax.stop_gradient(y), jax.lax.stop_gradient(x))
    return jnp.where(corner, there, jnp.arctan2(y / size, jnp.where(corner, 1.0, x / size)))

def hypot(x, y):
    size, corner = length_of(x, y), jnp.equal(x, 0.0) & jnp.equal(y, 0.0)
    return jnp.where(corner, 0.0, jnp.hypot(jnp.where(corner, 1.0, x / size), y / size) * size)

def asinh(x):
    far = jnp.abs(x) > 1e10
    near = jnp.arcsinh(jnp.where(far, 1.0, x))
    return jnp.where(far, jnp.sign(x) * (jnp.log(jnp.abs(jnp.where(far, x, 1.0))) + LN2), near)

def acosh(x):
    return 2.0 * jnp.arcsinh(jnp.sqrt(0.5 * (x - 1.0)))

def count(x, axis):
    return reduce(lambda n, size: n * size, [n for n, k in zip(jnp.shape(x), kept(jnp.shape(x), axis)) if k == 1], 1)

def freedom(x, axis, ddof):
    n = count(x, axis)
    return n - ddof if n > ddof else 0.0

def mean(x, axis=None, keepdims=False):
    n = count(x, axis)
    whole = jnp.mean(x, axis, keepdims=keepdims)
    return jnp.where(jnp.isfinite(whole), whole, jnp.sum(x / n, axis, keepdims=keepdims)) if n else whole

def var(x, axis=None, ddof=0.0, keepdims=False):
    return jnp.sum(jnp.square(x - mean(x, axis, True)), axis, keepdims=keepdims) / freedom(x, axis, ddof)

def std(x, axis=None, ddof=0.0, keepdims=False):
    apart = x - mean(x, axis, True)
    length = sum(apart, axis=axis, keepdims=keepdims) if count(x, axis) == 1 else norm(apart, axis, keepdims)
    return length / freedom(x, axis, ddof) ** 0.5

def softmax_loss(x, y):
    top = jnp.max(jax.lax.stop_gradient(x), -1, keepdims=True)
    top = jnp.where(jnp.isfinite(top), top, 0.0)
    return logsumexp(x - top, -1, keepdims=True) + (top - jnp.sum(y * x, -1, keepdims=True))

def l2_penalty(alpha, *ws):
    return 0.5 * alpha * reduce(jnp.add, [jnp.sum(w * w) for w in ws])

def norm(x, axis=None, keepdims=False):
    size = scale(jnp.max(jnp.abs(jax.lax.stop_gradient(x)), axis=axis, keepdims=True, initial=0.0))
    total = jnp.sum(jnp.square(x / size), axis=axis, keepdims=keepdims)
    length = jnp.where(total == 0.0, 0.0, jnp.sqrt(jnp.where(total == 0.0, 1.0, total)))
    return length * size.reshape(length.shape)

def spread(x, shape, axis):
    return jnp.broadcast_to(jnp.reshape(x, kept(shape, axis)), shape)

def sum_to(x, shape):
    lead = x.ndim - len(shape)
    axes = [i for i, n in enumerate(x.shape) if i < lead or shape[i - lead] != n]
    return jnp.sum(x, axis=tuple(axes), keepdims=True).reshape(shape)

def cast(x, dtype):
    return x.astype(dtype)

def affine(x, W, b):
    return x @ W.T + b

def pad(x, width, value=0.0):
    return jnp.pad(x, width, constant_values=value)

def scatter(x, index, shape):
    return jnp.zeros(shape, x.dtype).at[index].add(x)

def window_index(shape, size, stride, dilation):
    n = len(size)
    each = lambda setting: [setting] * n if isinstance(setting, int) else setting
    found = []
    for i, (k, step, apart, m) in enumerate(zip(size, each(stride), each(dilation), shape[len(shape) - n:])):
        places = jnp.arange((m - apart * (k - 1) - 1) // step + 1)[:, None] * step + jnp.arange(k) * apart
        found.append(places.reshape([len(places) if a == i else k if a == n + i else 1 for a in range(2 * n)]))
    return (..., *found)

def windows(x, size, stride=1, dilation=1):
    return x[window_index(x.shape, size, stride, dilation)]

def overlap_add(x, shape, stride, dilation):
    n = x.ndim - len(shape)
    each = lambda setting: [setting] * n if isinstance(setting, int) else setting
    lengths = zip(x.shape[len(shape) - n:], x.shape[len(shape):], each(stride), each(dilation))
    reached = [step * (m - 1) + apart * (k - 1) + 1 for m, k, step, apart in lengths]
    places = window_index([*shape[:len(shape) - n], *reached], x.shape[len(shape):], stride, dilation)
    return jnp.zeros(shape, x.dtype).at[places].add(x)

def concatenate(axis, *xs):
    return jnp.concatenate(xs, axis)

def stack(axis, *xs):
    return jnp.stack(xs, axis)

def cross_entropy(logits, labels):
    chosen = jnp.asarray(labels)[..., None]
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), chosen, -1)[..., 0]
""",
        "def ",
    ),
}
