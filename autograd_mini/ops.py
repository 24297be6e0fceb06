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

Here are the rows that go entry by entry: all that numbers need. Those of whole arrays stand in `array_rows.py`, those of
matrices in `linalg.py`. The derivatives of elementary functions are those of any calculus book.
"""

# mypy: disable-error-code="has-type"

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from . import kernels
from .op import WIDE, Binary, Elementwise, Flat, Op, Unary

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
relu     = Unary("relu",     "relu({})",     kernels.relu,     kernels.relus,                lambda g, y, x: g * step(x), analytic=False, torch="relu")

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

# Losses: one node where their parts would need several -----------------------------------------------------------------

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
# fmt: on


def __getattr__(name):  # type: ignore[no-untyped-def]  # mypy stumbles over `-> Any` here, in other modules
    """Say which op is meant by a name that is missing; `array_rows.py` and `array_ops.py` enter theirs here."""
    if name.startswith("__"):  # Python itself asks, at every import from here
        raise AttributeError(name)
    from difflib import get_close_matches

    known = [key for key, thing in globals().items() if callable(thing) and key[0].islower()]
    meant = [key for key in known if getattr(getattr(globals()[key], "array", None), "__name__", "") == name]  # numpy's
    near = "".join(f": did you mean {n}?" for n in meant or get_close_matches(name, known, 1))
    raise AttributeError(f"autograd_mini.ops has no op {name!r}{near}")
