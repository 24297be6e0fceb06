"""THE TABLE: every op is one row - its name, how it is written, how it is computed, and one vjp rule per argument.

The contract of a rule, for whoever adds a row:

- It is called as rule(g, result, *args). g is the upstream gradient dL/dresult, and has the shape of the result; the
  result is y for a function of one variable and z for one of two; the args are exactly those of the call.
- It returns the contribution to its argument, dL/darg, linear in g and starting with it: `g * cos(x)`. The shape is
  the argument's, or one that broadcasting made of it: the sweep sums the surplus away.
- None in place of a rule means that the argument has no derivative: an axis, a shape, an index, a condition. A `Flat`
  row has none at all: its derivative is zero wherever it exists.
- It uses rows of this table and Python's operators, and never asks for data: where it depends on a sign or a tie it
  says so with `greater`, `equal`, `where`, which are rows. It may ask for shapes. So one rule serves Python floats,
  arrays, recorded nodes (higher derivatives) and names (it prints itself).
- At a kink it gives what docs/edges.md says. `nonzero(h)` keeps a denominator off zero where the answer there is 0.

Sources: derivatives of elementary functions are those of any calculus book; the matrix rules are dl/dx = (dy/dx)^T
dl/dy worked out (Giles, "Collected matrix derivative results", 2008); the stable forms of softmax and logsumexp are
Blanchard, Higham & Higham, "Accurately computing the log-sum-exp and softmax functions", 2021.
"""

# mypy: disable-error-code="has-type"

from __future__ import annotations

import builtins
import math
import operator
from typing import Any

import numpy as np

from . import kernels
from .errors import ShapeError
from .op import WIDE, Binary, Elementwise, Flat, Op, Sum, Unary, Variadic

LN2 = math.log(2.0)
LN10 = math.log(10.0)
POSITIVE = (0.3, 2.3)  # the domain of a row that has a kink, a pole or nothing at all left of zero


def shape(x: Any) -> tuple[int, ...]:
    """Return the shape of a node, an array or a number."""
    found = getattr(x, "shape", None)
    return np.shape(x) if found is None else found


def nonzero(h: Any) -> Any:
    """Return a length h with 1 in place of 0, as a denominator whose numerator is 0 there.

    Its own slope is infinite there: second derivatives at such a kink become NaN, and not numbers that look right.
    """
    return where(equal(h, 0.0), 1.0 + sqrt(h), h)


def _power_x(g: Any, z: Any, x: Any, y: Any) -> Any:
    """Return g y x**(y - 1). Where x is 0 and y is 0 or 1 that is g y, whose own slope in y has no value."""
    if type(y) is float and y == 2.0:
        return g * y * x  # x**1 is x
    steep = power(x, y - 1.0)
    if type(y) is float:  # x**0 is constant, whatever x is
        return g * y * steep if y else g * 0.0
    none = less(y, y)  # 0.0, which added to -0.0 makes the one 0 that it is above
    slope = where(equal(y, 0.0), g * (y * steep + none), g * y * steep)
    corner = equal(y, 0.0) * (1.0 - greater(absolute(x), 1e-300)) + equal(x, 0.0) * equal(y, 1.0)  # x**-1 overflows
    return where(corner, g * (y * (1.0 - cbrt(where(corner, y - equal(y, 1.0), 1.0))) + none), slope)


def _power_y(g: Any, z: Any, x: Any, y: Any) -> Any:
    """Return g z log(x), and 0 where x is 0 and y is not negative: there it has no slope in x."""
    if type(x) is float and x:
        return g * z * log(x)
    return g * z * log(where(equal(x, 0.0) * (1.0 - less(y, 0.0)), 1.0 + sqrt(x), x))


# fmt: off

# Arithmetic ---------------------------------------------------------------------------------------------------------

add = Binary("add", "{} + {}", operator.add,     np.add,       lambda g, z, x, y: g,     lambda g, z, x, y: g)
sub = Binary("sub", "{} - {}", operator.sub,     np.subtract,  lambda g, z, x, y: g,     lambda g, z, x, y: -g)
mul = Binary("mul", "{} * {}", operator.mul,     np.multiply,  lambda g, z, x, y: g * y, lambda g, z, x, y: g * x)
div = Binary("div", "{} / {}", operator.truediv, np.divide,    lambda g, z, x, y: g / y, lambda g, z, x, y: -g * z / y, domain=(WIDE, POSITIVE))
mod = Binary("mod", "{} % {}", operator.mod,     np.remainder, lambda g, z, x, y: g,     lambda g, z, x, y: -g * floordiv(x, y), analytic=False, domain=((2.05, 2.95), (-1.95, -1.55)))
neg = Unary("neg", "-{}",      operator.neg,     np.negative,  lambda g, y, x: -g)

power = Binary("power", "{} ** {}", kernels.power, kernels.powers, _power_x, _power_y, domain=(POSITIVE, WIDE), torch="pow")   # 0**0 is flat in both; 0**y, y > 0, is flat in y

absolute   = Unary("abs",        "abs({})",        abs,                  np.absolute,   lambda g, y, x: g * sign(x), analytic=False)
square     = Unary("square",     "square({})",     lambda x: x * x,      np.square,     lambda g, y, x: g * 2.0 * x)
reciprocal = Unary("reciprocal", "reciprocal({})", lambda x: 1.0 / x,    np.reciprocal, lambda g, y, x: -g * y * y, domain=(POSITIVE,))
identity   = Unary("identity",   "{}",             operator.pos,         np.positive,   lambda g, y, x: g)

# Roots, exponentials, logarithms ------------------------------------------------------------------------------------

sqrt  = Unary("sqrt",  "sqrt({})",  math.sqrt, np.sqrt,  lambda g, y, x: g / (2.0 * y), domain=(POSITIVE,))
cbrt  = Unary("cbrt",  "cbrt({})",  np.cbrt,   np.cbrt,  lambda g, y, x: g / (3.0 * y * y), analytic=False, domain=(POSITIVE,))
exp   = Unary("exp",   "exp({})",   np.exp,    np.exp,   lambda g, y, x: g * y)
expm1 = Unary("expm1", "expm1({})", np.expm1,  np.expm1, lambda g, y, x: g * exp(x))
log   = Unary("log",   "log({})",   np.log,    np.log,   lambda g, y, x: g / x, domain=(POSITIVE,))
log1p = Unary("log1p", "log1p({})", np.log1p,  np.log1p, lambda g, y, x: g / (1.0 + x), domain=((-0.7, 2.0),))
log2  = Unary("log2",  "log2({})",  np.log2,   np.log2,  lambda g, y, x: g / x / LN2, domain=(POSITIVE,))
log10 = Unary("log10", "log10({})", np.log10,  np.log10, lambda g, y, x: g / x / LN10, domain=(POSITIVE,))

logaddexp = Binary("logaddexp", "logaddexp({}, {})", np.logaddexp, np.logaddexp,
                   lambda g, z, x, y: g * sigmoid(x - y),
                   lambda g, z, x, y: g * sigmoid(y - x), analytic=False)

# Trigonometry -------------------------------------------------------------------------------------------------------

sin   = Unary("sin",   "sin({})",   np.sin,     np.sin,     lambda g, y, x: g * cos(x))
cos   = Unary("cos",   "cos({})",   np.cos,     np.cos,     lambda g, y, x: -g * sin(x))
tan   = Unary("tan",   "tan({})",   np.tan,     np.tan,     lambda g, y, x: g * (1.0 + y * y), domain=((-1.2, 1.2),))
asin  = Unary("asin",  "asin({})",  np.arcsin,  np.arcsin,  lambda g, y, x: g / sqrt((1.0 - x) * (1.0 + x)), domain=((-0.8, 0.8),))
acos  = Unary("acos",  "acos({})",  np.arccos,  np.arccos,  lambda g, y, x: -g / sqrt((1.0 - x) * (1.0 + x)), domain=((-0.8, 0.8),))
atan  = Unary("atan",  "atan({})",  np.arctan,  np.arctan,  lambda g, y, x: g / (1.0 + x * x))
sinh  = Unary("sinh",  "sinh({})",  np.sinh,    np.sinh,    lambda g, y, x: g * cosh(x))
cosh  = Unary("cosh",  "cosh({})",  np.cosh,    np.cosh,    lambda g, y, x: g * sinh(x))
asinh = Unary("asinh", "asinh({})", np.arcsinh, np.arcsinh, lambda g, y, x: g / hypot(x, 1.0))
acosh = Unary("acosh", "acosh({})", np.arccosh, np.arccosh, lambda g, y, x: g / (sqrt(x - 1.0) * sqrt(x + 1.0)), domain=((1.2, 3.2),))
atanh = Unary("atanh", "atanh({})", np.arctanh, np.arctanh, lambda g, y, x: g / ((1.0 - x) * (1.0 + x)), domain=((-0.8, 0.8),))

atan2 = Binary("atan2", "atan2({}, {})", np.arctan2, np.arctan2,        # the angle of the point (y, x); flat at the origin
               lambda g, z, x, y: g * (y / nonzero(hypot(x, y))) / nonzero(hypot(x, y)),
               lambda g, z, x, y: -g * (x / nonzero(hypot(x, y))) / nonzero(hypot(x, y)), analytic=False, domain=(WIDE, POSITIVE))
hypot = Binary("hypot", "hypot({}, {})", np.hypot, np.hypot,
               lambda g, z, x, y: g * (x / nonzero(z)),
               lambda g, z, x, y: g * (y / nonzero(z)), analytic=False, domain=(WIDE, POSITIVE))

sinc       = Op("sinc", lambda x: np.sinc(x), lambda g, y, x: g * sinc_slope(x, 1))                # sin(pi x) / (pi x)
sinc_slope = Op("sinc_slope", lambda x, order: kernels.sinc_slope(x, order), lambda g, y, x, order: g * sinc_slope(x, order + 1), None)

# Activations --------------------------------------------------------------------------------------------------------

sigmoid  = Unary("sigmoid",  "sigmoid({})",  kernels.sigmoid,  kernels.sigmoids,   lambda g, y, x: g * y * (1.0 - y), torch="sigmoid")
tanh     = Unary("tanh",     "tanh({})",     np.tanh,         np.tanh,            lambda g, y, x: g * (1.0 - y * y))
softplus = Unary("softplus", "softplus({})", kernels.softplus, kernels.softpluses, lambda g, y, x: g * sigmoid(x))
silu     = Unary("silu",     "silu({})",     lambda x: x * kernels.sigmoid(x), lambda x: x * kernels.sigmoids(x),
                 lambda g, y, x: g * (sigmoid(x) + y * sigmoid(-x)))
erf      = Unary("erf",      "erf({})",      math.erf,         kernels.each(math.erf),
                 lambda g, y, x: g * (2.0 / math.sqrt(math.pi)) * exp(-x * x), analytic=False, torch="erf")
erfc     = Unary("erfc",     "erfc({})",     math.erfc,        kernels.each(math.erfc),
                 lambda g, y, x: -g * (2.0 / math.sqrt(math.pi)) * exp(-x * x), analytic=False, torch="erfc")
gelu     = Unary("gelu",     "gelu({})",     kernels.gelu,     kernels.each(kernels.gelu),
                 lambda g, y, x: g * (0.5 * erfc(-x * math.sqrt(0.5)) + x * exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)), analytic=False)
relu     = Unary("relu",     "relu({})",     kernels.relu,     lambda x: np.maximum(x, 0.0), lambda g, y, x: g * step(x), analytic=False, torch="relu")

leaky_relu = Elementwise("leaky_relu", "leaky_relu({}, {})",
                         lambda x, slope=0.01: x if x > 0.0 else slope * x,
                         lambda x, slope=0.01: np.where(x > 0.0, x, slope * x),
                         lambda g, y, x, slope: where(greater(x, 0.0), g, g * slope),
                         lambda g, y, x, slope: g * minimum(x, 0.0), analytic=False, domain=(WIDE, (0.1, 0.5)))
elu        = Elementwise("elu", "elu({}, {})",
                         lambda x, alpha=1.0: x if x > 0.0 else alpha * kernels.expm1(x),
                         lambda x, alpha=1.0: kernels.elus(x, alpha),
                         lambda g, y, x, alpha: where(greater(x, 0.0), g, g * alpha * exp(minimum(x, 0.0))),
                         lambda g, y, x, alpha: g * expm1(minimum(x, 0.0)), analytic=False, domain=(WIDE, (0.5, 1.5)))

# Steps and comparisons: zero derivative wherever there is one -------------------------------------------------------

sign    = Flat("sign",    "sign({})",  kernels.sign,                  np.sign,  1)
step    = Flat("step",    "step({})",  kernels.step,                  lambda x: np.greater(x, 0.0).astype(np.asarray(x).dtype), 1)
floor   = Flat("floor",   "floor({})", kernels.floor,                 np.floor, 1)
round   = Flat("round",   "round({})", kernels.rounded,                np.rint,  1, torch="round")
greater = Flat("greater", "[{} > {}]", lambda x, y: 1.0 if x > y else 0.0,  kernels.indicator(np.greater), 2)
less    = Flat("less",    "[{} < {}]", lambda x, y: 1.0 if x < y else 0.0,  kernels.indicator(np.less),    2)
equal   = Flat("equal",   "[{} = {}]", lambda x, y: 1.0 if x == y else 0.0, kernels.indicator(np.equal),   2)
floordiv = Flat("floordiv", "{} // {}", operator.floordiv,                   np.floor_divide, 2, domain=((2.05, 2.95), (-1.95, -1.55)))

# Choices: a tie is shared equally; NaN goes through, into the gradient too ------------------------------------------

maximum = Binary("maximum", "maximum({}, {})", kernels.maximum, np.maximum,
                 lambda g, z, x, y: g * equal(x, z) / (equal(x, z) + equal(y, z)),
                 lambda g, z, x, y: g * equal(y, z) / (equal(x, z) + equal(y, z)), analytic=False)
minimum = Binary("minimum", "minimum({}, {})", kernels.minimum, np.minimum,
                 lambda g, z, x, y: g * equal(x, z) / (equal(x, z) + equal(y, z)),
                 lambda g, z, x, y: g * equal(y, z) / (equal(x, z) + equal(y, z)), analytic=False)
where   = Elementwise("where", "where({}, {}, {})",
                      lambda c, x, y: x if c else y,
                      lambda c, x, y: np.where(c, x, y),
                      None,
                      lambda g, z, c, x, y: where(c, g, 0.0),
                      lambda g, z, c, x, y: where(c, 0.0, g))
clip    = Elementwise("clip", "clip({}, {}, {})",                       # at a bound the slope is 1
                      lambda x, lo=-math.inf, hi=math.inf: kernels.minimum(kernels.maximum(x, lo), hi),
                      lambda x, lo=-math.inf, hi=math.inf: kernels.clips(x, lo, hi),
                      lambda g, z, x, lo, hi: g * equal(x, z) * (1.0 - less(x, lo)) * less(lo, hi),
                      lambda g, z, x, lo, hi: g * (less(x, lo) * less(lo, hi) + 0.5 * equal(lo, hi) * (1.0 - greater(x, lo))),
                      lambda g, z, x, lo, hi: g * (greater(maximum(x, lo), hi) + 0.5 * equal(lo, hi) * (1.0 - greater(x, lo))), analytic=False, domain=(WIDE, (-1.5, -0.5), (0.5, 1.5)))

sort   = Op("sort",   lambda x, axis=-1: np.sort(x, axis),               lambda g, z, x, axis: unsort(g, x, axis), None)
resort = Op("resort", lambda x, keys, axis: kernels.resort(x, keys, axis), # x in the order in which `sort` puts the keys
            lambda g, z, x, keys, axis: unsort(g, keys, axis), None, None)
unsort = Op("unsort", lambda x, keys, axis: kernels.unsort(x, keys, axis), # and back; equal keys share
            lambda g, z, x, keys, axis: resort(g, keys, axis), None, None)
resort.settings = unsort.settings = frozenset({2})                      # the keys may be nodes; they have no derivative

# Reductions: `spread` carries g back along the axes that were summed away ---------------------------------------------

sum  = Op("sum",  lambda x, axis=None, keepdims=False: np.add.reduce(x, axis=axis, keepdims=keepdims),
          lambda g, z, x, axis, keepdims: spread(g, shape(x), axis), None, None)
mean = Op("mean", lambda x, axis=None, keepdims=False: kernels.mean(x, axis, keepdims),
          lambda g, z, x, axis, keepdims: spread(g / kernels.count(shape(x), axis), shape(x), axis), None, None)
var  = Op("var",  lambda x, axis=None, ddof=0.0, keepdims=False: kernels.var(x, axis, ddof, keepdims),
          lambda g, z, x, axis, ddof, keepdims:
              spread(g, shape(x), axis) * 2.0 * (x - mean(x, axis, True)) / kernels.freedom(shape(x), axis, ddof), None, None, None)
std  = Op("std",  lambda x, axis=None, ddof=0.0, keepdims=False: kernels.std(x, axis, ddof, keepdims),
          lambda g, z, x, axis, ddof, keepdims: spread(g, shape(x), axis) * _std_slope(z, x, axis) / kernels.freedom(shape(x), axis, ddof), None, None, None)
norm = Op("norm", lambda x, axis=None, keepdims=False: kernels.norm(x, axis, keepdims),
          lambda g, z, x, axis, keepdims: spread(g, shape(x), axis) * (x / spread(nonzero(z), shape(x), axis)), None, None)
prod = Op("prod", lambda x, axis=None, keepdims=False: np.prod(x, axis=axis, keepdims=keepdims),
          lambda g, z, x, axis, keepdims: spread(g, shape(x), axis) * prod_others(x, axis), None, None)
max  = Op("max",  lambda x, axis=None, keepdims=False: np.max(x, axis=axis, keepdims=keepdims),
          lambda g, z, x, axis, keepdims: spread(g, shape(x), axis) * _share(x, spread(z, shape(x), axis), axis), None, None, analytic=False)
min  = Op("min",  lambda x, axis=None, keepdims=False: np.min(x, axis=axis, keepdims=keepdims),
          lambda g, z, x, axis, keepdims: spread(g, shape(x), axis) * _share(x, spread(z, shape(x), axis), axis), None, None, analytic=False)

logsumexp   = Op("logsumexp",   lambda x, axis=None, keepdims=False: kernels.logsumexp(x, axis, keepdims),
                 lambda g, z, x, axis, keepdims: spread(g, shape(x), axis) * _softmax_of(x, spread(z, shape(x), axis), axis), None, None)
softmax     = Op("softmax",     lambda x, axis=-1: kernels.softmax(x, axis),
                 lambda g, z, x, axis: z * (g - sum(g * z, axis, True)), None)
log_softmax = Op("log_softmax", lambda x, axis=-1: kernels.log_softmax(x, axis),
                 lambda g, z, x, axis: g - exp(z) * sum(g, axis, True), None)
cumsum      = Op("cumsum",      lambda x, axis=None: np.cumsum(x, axis),
                 lambda g, z, x, axis: reshape(flip(cumsum(flip(g, axis or 0), axis or 0), axis or 0), shape(x)), None)

spread      = Op("spread",      lambda x, shape, axis: kernels.spread(x, shape, axis),
                 lambda g, z, x, shape_, axis: reshape(sum(g, axis, True), shape(x)), None, None)
sum_to      = Op("sum_to",      lambda x, shape: kernels.sum_to(x, shape),
                 lambda g, z, x, shape_: broadcast_to(g, shape(x)), None)
cast        = Op("cast",        lambda x, dtype: np.asarray(x).astype(dtype), lambda g, z, x, dtype: g, None, analytic=False)   # the sweep casts back
prod_others = Op("prod_others", lambda x, axis: kernels.prod_others(x, axis),
                 lambda g, z, x, axis: _prod_others_rule(g, x, axis), None)

# Products -----------------------------------------------------------------------------------------------------------

matmul = Op("matmul", lambda x, y: np.matmul(x, y),
            lambda g, z, x, y: _matmul_x(g, x, y),
            lambda g, z, x, y: _matmul_y(g, x, y), text="{} @ {}")
affine = Op("affine", lambda x, W, b: kernels.affine(x, W, b),          # a layer: z = W x + b, row by row
            lambda g, z, x, W, b: g @ W,
            lambda g, z, x, W, b: _rows(g).T @ _rows(x),
            lambda g, z, x, W, b: g)
einsum = Variadic("einsum", kernels.einsum,
                  lambda g, z, i, args: _einsum_rule(g, i - 1, args[0], args[1:]), settings=1)

# Shapes and indices -------------------------------------------------------------------------------------------------

reshape      = Op("reshape",      lambda x, shape: np.reshape(x, shape),             lambda g, z, x, _: reshape(g, shape(x)), None)
transpose    = Op("transpose",    lambda x, axes=None: np.transpose(x, axes),        lambda g, z, x, axes: transpose(g, axes if axes is None else kernels.inverse(axes)), None)
broadcast_to = Op("broadcast_to", lambda x, shape: np.broadcast_to(x, shape),        lambda g, z, x, _: g, None)
flip         = Op("flip",         lambda x, axis=None: np.flip(x, axis),             lambda g, z, x, axis: flip(g, axis), None)
pad          = Op("pad",          lambda x, width, value=0.0: kernels.pad(x, width, value),
                  lambda g, z, x, width, value: getitem(g, _inside(shape(x), width)), None, None)
getitem      = Op("getitem",      lambda x, index: x[index],                         lambda g, z, x, index: scatter(g, index, shape(x)), None)
scatter      = Op("scatter",      lambda x, index, shape: kernels.scatter(x, index, shape), lambda g, z, x, index, _: getitem(g, index), None, None)
windows      = Op("windows",      lambda x, size, stride=1, dilation=1: kernels.windows(x, size, stride, dilation),   # of the last axes, each at its place
                  lambda g, z, x, size, stride, dilation: overlap_add(g, shape(x), stride, dilation), None, None, None)
overlap_add  = Op("overlap_add",  lambda x, shape, stride, dilation: kernels.overlap_add(x, shape, stride, dilation),
                  lambda g, z, x, shape_, stride, dilation: _first(windows(g, shape(x)[len(shape_):], stride, dilation), shape(x)), None, None, None)
concatenate_ = Variadic("concatenate", lambda axis, *xs: np.concatenate(xs, axis), lambda g, z, i, args: _slab(g, i - 1, args[0], args[1:]), settings=1)
stack_       = Variadic("stack",       lambda axis, *xs: np.stack(xs, axis),       lambda g, z, i, args: _layer(g, i - 1, args[0]), settings=1)
add_n        = Sum("add_n",       kernels.add_n,                              lambda g, z: g, text=" + ")

# Fused: one node where its parts would need several -----------------------------------------------------------------

cross_entropy = Op("cross_entropy", lambda logits, labels: kernels.cross_entropy(logits, labels),   # -log softmax(logits)[label]
                   lambda g, z, logits, labels: spread(g, shape(logits), -1) * (softmax(logits) - kernels.one_hot(labels, shape(logits)[-1])), None)

# The loss z of logits x against targets y, of each entry or each row; a sweep from it takes the samples' weights as g.
squared_loss  = Binary("squared_loss", "squared_loss({}, {})", lambda x, y: 0.5 * (x - y) * (x - y), lambda x, y: 0.5 * np.square(x - y),
                       lambda g, z, x, y: g * (x - y),
                       lambda g, z, x, y: g * (y - x))
logistic_loss = Binary("logistic_loss", "logistic_loss({}, {})", kernels.logistic_loss, kernels.logistic_losses,   # softplus(x) - y x
                       lambda g, z, x, y: g * ((1.0 - y) * sigmoid(x) - y * sigmoid(-x)),                          # sigmoid(x) - y, though both be near 1
                       lambda g, z, x, y: -g * x)
poisson_loss  = Binary("poisson_loss", "poisson_loss({}, {})", lambda x, y: kernels.exp(x) - y * x, kernels.poisson_losses,
                       lambda g, z, x, y: g * (exp(x) - y),
                       lambda g, z, x, y: -g * x)
softmax_loss  = Op("softmax_loss", lambda x, y: kernels.softmax_losses(x, y),                    # logsumexp(x) - y . x, of shape (..., 1)
                   lambda g, z, x, y: g * (softmax(x) - y),
                   lambda g, z, x, y: -g * x)
l2_penalty    = Variadic("l2_penalty", lambda alpha, *ws: 0.5 * alpha * builtins.sum(np.dot(np.ravel(w), np.ravel(w)) for w in ws),
                         lambda g, z, i, args: g * args[0] * args[i], settings=1)
# fmt: on


def _std_slope(z: Any, x: Any, axis: Any) -> Any:
    """Return (x - mean(x)) / z, and 0 where z is 0; of single entries it is 0 wherever they are."""
    if kernels.count(shape(x), axis) == 1:
        return 0.0
    return (x - mean(x, axis, True)) / spread(nonzero(z), shape(x), axis)


def _softmax_of(x: Any, z: Any, axis: Any) -> Any:
    """Return softmax(x), the slope of z = logsumexp(x); 0 beside an infinite entry, whose own slope has no value."""
    return where(equal(x - z, -math.inf), 0.0, softmax(x, axis))


def _share(x: Any, z: Any, axis: Any) -> Any:
    """Return each entry's share in a maximum or minimum z: 1 for the only one that reaches it, 1/k for one of k."""
    return equal(x, z) / sum(equal(x, z), axis, True)


def _prod_others_rule(g: Any, x: Any, axis: Any) -> Any:
    """Return sum_i g_i d(prod of all but i)/dx_j: the products of all but two, from a square of copies of x."""
    axes = tuple(range(len(shape(x)))) if axis is None else tuple(int(a) % len(shape(x)) for a in np.atleast_1d(axis))
    order = tuple(a for a in range(len(shape(x))) if a not in axes) + axes
    lead = tuple(shape(x)[a] for a in order[: len(order) - len(axes)])
    n = math.prod(shape(x)[a] for a in axes)
    flat, upstream = (reshape(transpose(v, order), (*lead, n)) for v in (x, g))
    eye = np.eye(n)
    copies = where(eye, 1.0, broadcast_to(expand_dims(flat, -2), (*lead, n, n)))
    sums = sum(where(eye, 0.0, expand_dims(upstream, -1) * prod_others(copies, -1)), -2)
    return transpose(reshape(sums, tuple(shape(x)[a] for a in order)), kernels.inverse(order))


def _matmul_x(g: Any, x: Any, y: Any) -> Any:
    """Return dL/dx = g y^T for z = x y, in numpy's ranks: a vector is a row on the left and a column on the right."""
    if len(shape(y)) == 1:
        return expand_dims(g, -1) * y
    if len(shape(x)) == 1:
        return squeeze(matmul(y, expand_dims(g, -1)), -1)
    return matmul(g, swapaxes(y, -1, -2))


def _matmul_y(g: Any, x: Any, y: Any) -> Any:
    """Return dL/dy = x^T g for z = x y."""
    if len(shape(x)) == 1:
        return x * g if len(shape(y)) == 1 else expand_dims(x, -1) * expand_dims(g, -2)
    if len(shape(y)) == 1:
        return squeeze(matmul(swapaxes(x, -1, -2), expand_dims(g, -1)), -1)
    return matmul(swapaxes(x, -1, -2), g)


def _rows(x: Any) -> Any:
    """Return x as a matrix of rows along the last axis."""
    return x if len(shape(x)) == 2 else reshape(x, (math.prod(shape(x)[:-1]), shape(x)[-1]))


def _first(x: Any, lengths: tuple[int, ...]) -> Any:
    """Return the first places along each axis."""
    return x if shape(x) == lengths else getitem(x, tuple(slice(n) for n in lengths))


def _inside(inner: tuple[int, ...], width: Any) -> tuple[slice, ...]:
    before = np.broadcast_to(width, (len(inner), 2))[:, 0]
    return tuple(slice(int(b), int(b) + n) for b, n in zip(before, inner))


def _slab(g: Any, i: int, axis: int, xs: tuple[Any, ...]) -> Any:
    """Return the part of a concatenation's gradient that belongs to its i-th array."""
    start = builtins.sum(shape(x)[axis] for x in xs[:i])
    index = (slice(None),) * (axis % len(shape(g))) + (slice(start, start + shape(xs[i])[axis]),)
    return getitem(g, index)


def _layer(g: Any, i: int, axis: int) -> Any:
    """Return the layer of a stack's gradient that belongs to its i-th array."""
    return getitem(g, (slice(None),) * (axis % len(shape(g))) + (i,))


def _einsum_rule(g: Any, i: int, spec: str, xs: tuple[Any, ...]) -> Any:
    """Return the einsum that takes g and the other operands to the i-th one.

    A letter that only the i-th operand has (a plain sum) is spread over its axis, and of a letter that it repeats
    (a diagonal) the entries off the diagonal are zero.
    """
    inputs, output = kernels.einsum_letters(spec, [shape(x) for x in xs])
    own, terms = inputs.pop(i), [g, *xs[:i], *xs[i + 1 :]]
    known = "".join(c for c in dict.fromkeys(own) if c in output + "".join(inputs))
    part = einsum(",".join([output, *inputs]) + "->" + known, *terms)
    length = dict(zip(known, shape(part)))
    there = tuple(length.pop(c, 1) for c in own)
    full = broadcast_to(reshape(part, there), np.broadcast_shapes(there, shape(xs[i])))
    return full if len(set(own)) == len(own) else where(kernels.diagonal(own, shape(xs[i])), full, 0.0)


def expand_dims(x: Any, axis: Any) -> Any:
    """Return x with new axes of length 1 at the given places."""
    rank = len(shape(x)) + np.size(axis)
    axes = kernels.axes("expand_dims", axis, rank)
    old = iter(shape(x))
    return reshape(x, tuple(1 if i in axes else next(old) for i in range(rank)))


def squeeze(x: Any, axis: Any = None) -> Any:
    """Return x without the given axes of length 1, or without all of them."""
    ones = tuple(i for i, n in enumerate(shape(x)) if n == 1)
    axes = ones if axis is None else kernels.axes("squeeze", axis, len(shape(x)))
    if not set(axes) <= set(ones):
        raise ShapeError(f"squeeze: shape {shape(x)} has more than one entry along axis {axis}")
    return reshape(x, tuple(n for i, n in enumerate(shape(x)) if i not in axes))


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Return x with two axes exchanged."""
    axes = list(range(len(shape(x))))
    (a,), (b,) = (kernels.axes("swapaxes", i, len(axes)) for i in (axis1, axis2))
    axes[a], axes[b] = b, a
    return transpose(x, tuple(axes))


def __getattr__(name: str) -> Any:
    """Say which op is meant by a name that is missing; what is made of rows is entered here by `array_ops.py`."""
    if name.startswith("__"):  # Python itself asks, at every import from here
        raise AttributeError(name)
    from difflib import get_close_matches

    known = [key for key, thing in globals().items() if callable(thing) and key[0].islower()]
    meant = [key for key in known if getattr(getattr(globals()[key], "array", None), "__name__", "") == name]  # numpy's
    near = "".join(f": did you mean {n}?" for n in meant or get_close_matches(name, known, 1))
    raise AttributeError(f"autograd_mini.ops has no op {name!r}{near}")
