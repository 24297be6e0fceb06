"""Languages: what the names of the table's rows mean in JavaScript, torch and JAX.

Only how a row is computed is said here, in terms of the language's own functions: in JavaScript derivatives are printed
from the table, torch and JAX find their own. Each definition is compared with its row by the tests.
"""

from __future__ import annotations


def _same(names: str, line: str) -> dict[str, str]:
    """Return a definition for each name, or for each pair `ours=theirs`, made from one line with {0} and {1}."""
    pairs = (name.partition("=") for name in names.split())
    return {ours: line.format(ours, theirs or ours) for ours, _, theirs in pairs}


def _imported(module: str, names: str) -> dict[str, str]:
    """Return an import for each name, or for each pair `ours=theirs`."""
    pairs = (name.partition("=") for name in names.split())
    return {ours: f"from {module} import {f'{theirs} as ' if theirs else ''}{ours}" for ours, _, theirs in pairs}


def _functions(source: str, head: str) -> dict[str, str]:
    """Return the definitions in a source whose pieces start with `head`, by the name that follows it."""
    pieces = [head + piece.strip("\n") for piece in f"\n{source.strip()}".split(f"\n{head}")[1:]]
    return {piece[len(head) :].split("(")[0].split(" ")[0]: piece for piece in pieces}


JAVASCRIPT = {
    "inf": "const inf = Infinity;",
    "nan": "const nan = NaN;",
    "isnan": "const isnan = Number.isNaN;",
    "isfinite": "const isfinite = Number.isFinite;",
    "isinf": "const isinf = x => Math.abs(x) === Infinity;",
    **_same(
        "abs sqrt cbrt exp expm1 log log1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh "
        "atan2 hypot floor",
        "const {0} = Math.{1};",
    ),
    **_functions(
        """
const add = (x, y) => x + y;
const add_n = (...xs) => xs.reduce(add);
const sub = (x, y) => x - y;
const mul = (x, y) => x * y;
const div = (x, y) => x / y;
const neg = x => -x;
const mod = (x, y) => x % y !== 0 && x % y < 0 !== y < 0 ? x % y + y : x % y;
const floordiv = (x, y) => y === 0 ? x / y : Math.abs(y) < Infinity ? Math.round((x - mod(x, y)) / y) : farFloor(x, y);
const farFloor = (x, y) => x !== x || y !== y || Math.abs(x) === Infinity ? NaN : farSide(x, y);
const farSide = (x, y) => x !== 0 && x < 0 !== y < 0 ? -1 : x / y;
const power = (x, y) => x === 1 || y === 0 ? 1 : x === -1 && Math.abs(y) === Infinity ? 1 : Math.pow(x, y);
const square = x => x * x;
const reciprocal = x => 1 / x;
const identity = x => x;
const logaddexp = (x, y) => x === y ? x + Math.log(2) : x < y ? y + softplus(x - y) : x + softplus(y - x);
const sigmoid = x => x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
const softplus = x => x !== x ? x : Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const silu = x => x * sigmoid(x);
const gelu = x => 0.5 * x * erfc(-x * Math.SQRT1_2);
const relu = x => x <= 0 ? 0 : x;
const leaky_relu = (x, slope) => x > 0 ? x : slope * x;
const elu = (x, alpha) => x > 0 ? x : alpha * Math.expm1(x);
const sign = x => x > 0 ? 1 : x < 0 ? -1 : x * 1;
const step = x => x > 0 ? 1 : 0;
const round = x => Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
const greater = (x, y) => x > y ? 1 : 0;
const less = (x, y) => x < y ? 1 : 0;
const equal = (x, y) => x === y ? 1 : 0;
const where = (c, x, y) => c !== 0 ? x : y;
const maximum = (x, y) => x >= y || x !== x ? x : y;
const minimum = (x, y) => x <= y || x !== x ? x : y;
const clip = (x, lo, hi) => minimum(maximum(x, lo), hi);
const squared_loss = (x, y) => 0.5 * (x - y) * (x - y);
const logistic_loss = (x, y) => x !== x ? x : (x > 0 ? (1 - y) * x : -y * x) + Math.log1p(Math.exp(-Math.abs(x)));
const poisson_loss = (x, y) => Math.exp(x) - y * x;
const erf = x => Math.abs(x) < 2 ? erfSeries(x) : x !== x ? x : x > 0 ? 1 - erfcTail(x) : erfcTail(-x) - 1;
const erfc = x => x < 2 ? 1 - erf(x) : x !== x ? x : erfcTail(x);
const erfSeries = x => {  // 2/sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (1 3 5 ... (2n+1)): Abramowitz & Stegun 7.1.6
  let term = x, sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) sum += term *= 2 * x * x / (2 * n + 1);
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
};
const erfcTail = x => {  // exp(-x^2)/sqrt(pi) / (x + 1/2/(x + 1/(x + 3/2/(x + ...)))): Abramowitz & Stegun 7.1.14
  let tail = x;
  for (let n = 80; n > 0; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
};
""",
        "const ",
    ),
}

_COMMON = {
    "inf": "from math import inf",
    "nan": "from math import nan",
    "reduce": "from functools import reduce",
    "kept": """\
def kept(shape, axis):
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return [1 if i in axes or i - len(shape) in axes else n for i, n in enumerate(shape)]""",
}

TORCH = {
    **_COMMON,
    "torch": "import torch",
    **_imported(
        "torch",
        "abs sqrt exp expm1 log log1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid "
        "erf erfc relu sign floor round square reciprocal neg=negative power=pow mod=remainder isnan isinf "
        "isfinite",
    ),
    **_imported("torch.nn.functional", "silu gelu"),
    **_functions(
        """
def tensors(*xs):
    return [x if torch.is_tensor(x) else torch.tensor(x, dtype=torch.float64) for x in xs]

def add_n(*xs):
    return reduce(torch.add, tensors(*xs))

def cbrt(x):
    return torch.sign(x) * torch.abs(x) ** (1 / 3)

def logaddexp(x, y):
    return torch.logaddexp(*tensors(x, y))

def atan2(y, x):
    return torch.atan2(*tensors(y, x))

def hypot(x, y):
    return torch.hypot(*tensors(x, y))

def maximum(x, y):
    return torch.maximum(*tensors(x, y))

def minimum(x, y):
    return torch.minimum(*tensors(x, y))

def clip(x, lo, hi):
    return minimum(maximum(x, lo), hi)

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

def softplus(x):
    return torch.clamp(x, min=0.0) + torch.log1p(torch.exp(-torch.abs(x)))

def leaky_relu(x, slope):
    return where(greater(x, 0.0), x, slope * x)

def elu(x, alpha):
    return where(greater(x, 0.0), x, alpha * torch.expm1(minimum(x, 0.0)))

def squared_loss(x, y):
    return 0.5 * (x - y) * (x - y)

def logistic_loss(x, y):
    x, y = tensors(x, y)
    return torch.where(x > 0, (1.0 - y) * x, -y * x) + torch.log1p(torch.exp(-torch.abs(x)))

def poisson_loss(x, y):
    x, y = tensors(x, y)
    return torch.exp(x) - y * x

def softmax_loss(x, y):
    x, y = tensors(x, y)
    return torch.logsumexp(x, -1, keepdim=True) - torch.sum(y * x, -1, keepdim=True)

def l2_penalty(alpha, *ws):
    return 0.5 * alpha * reduce(torch.add, [torch.sum(w * w) for w in tensors(*ws)])

def sum(x, axis=None, keepdims=False):
    return torch.sum(x, axes_of(x, axis), keepdim=keepdims)

def mean(x, axis=None, keepdims=False):
    return torch.mean(x, axes_of(x, axis), keepdim=keepdims)

def var(x, axis=None, ddof=0.0, keepdims=False):
    return torch.var(x, axis, correction=ddof, keepdim=keepdims)

def std(x, axis=None, ddof=0.0, keepdims=False):
    return torch.std(x, axis, correction=ddof, keepdim=keepdims)

def norm(x, axis=None, keepdims=False):
    return torch.linalg.vector_norm(x, dim=axis, keepdim=keepdims)

def axes_of(x, axis):
    return sorted(a % x.ndim for a in (range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)))

def prod(x, axis=None, keepdims=False):
    for a in reversed(axes_of(x, axis)):
        x = torch.prod(x, a, keepdim=keepdims)
    return x

def max(x, axis=None, keepdims=False):
    return torch.amax(x, axes_of(x, axis), keepdim=keepdims)

def min(x, axis=None, keepdims=False):
    return torch.amin(x, axes_of(x, axis), keepdim=keepdims)

def logsumexp(x, axis=None, keepdims=False):
    return torch.logsumexp(x, axes_of(x, axis), keepdim=keepdims)

def softmax(x, axis=-1):
    return torch.softmax(x, axis)

def log_softmax(x, axis=-1):
    return torch.log_softmax(x, axis)

def cumsum(x, axis=None):
    return torch.cumsum(x.reshape(-1) if axis is None else x, axis or 0)

def spread(x, shape, axis):
    return x.reshape(kept(shape, axis)).expand(shape)

def sum_to(x, shape):
    return x.sum_to_size(shape)

def cast(x, dtype):
    return x.to(getattr(torch, dtype))

def matmul(x, y):
    return torch.matmul(*tensors(x, y))

def affine(x, W, b):
    return x @ W.T + b

def einsum(spec, *xs):
    return torch.einsum(spec, *tensors(*xs))

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

JAX = {
    **_COMMON,
    "jax": "import jax",
    "jnp": "import jax.numpy as jnp",
    **_imported(
        "jax.numpy",
        "abs sqrt cbrt exp expm1 log log1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sign "
        "floor round square reciprocal neg=negative power mod=remainder floordiv=floor_divide logaddexp atan2 hypot "
        "maximum minimum sum mean var std prod max min cumsum matmul einsum reshape transpose broadcast_to flip "
        "isnan isinf isfinite",
    ),
    **_imported("jax.nn", "sigmoid relu softplus silu softmax log_softmax"),
    **_imported("jax.scipy.special", "erf erfc logsumexp"),
    **_functions(
        """
def add_n(*xs):
    return reduce(jnp.add, xs)

def clip(x, lo, hi):
    return jnp.minimum(jnp.maximum(x, lo), hi)

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

def step(x):
    return greater(x, 0.0)

def gelu(x):
    return jax.nn.gelu(x, approximate=False)

def leaky_relu(x, slope):
    return jnp.where(x > 0.0, x, slope * x)

def elu(x, alpha):
    return jnp.where(x > 0.0, x, alpha * jnp.expm1(jnp.minimum(x, 0.0)))

def squared_loss(x, y):
    return 0.5 * (x - y) * (x - y)

def logistic_loss(x, y):
    return jnp.where(x > 0.0, (1.0 - y) * x, -y * x) + jnp.log1p(jnp.exp(-jnp.abs(x)))

def poisson_loss(x, y):
    return jnp.exp(x) - y * x

def softmax_loss(x, y):
    return jax.scipy.special.logsumexp(x, -1, keepdims=True) - jnp.sum(y * x, -1, keepdims=True)

def l2_penalty(alpha, *ws):
    return 0.5 * alpha * reduce(jnp.add, [jnp.sum(w * w) for w in ws])

def norm(x, axis=None, keepdims=False):
    return jnp.sqrt(jnp.sum(x * x, axis=axis, keepdims=keepdims))

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
