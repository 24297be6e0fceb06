"""PyTorch's ops that act entry by entry."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ... import ops
from ...op import TABLE
from .table import OPS, data_of, entrywise, floats, named, times

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
    "rsub": entrywise(lambda x, y, alpha=1: y - times(x, alpha)),
    "remainder": entrywise(ops.mod),
    "fmod": entrywise(lambda x, y: x - y * OPS["trunc"](x / y)),
    "pow": entrywise(ops.power), "float_power": entrywise(ops.power),
    "logaddexp2": entrywise(lambda x, y: ops.logaddexp(x * math.log(2.0), y * math.log(2.0)) / math.log(2.0)),
    "xlogy": entrywise(lambda x, y: ops.where(ops.equal(x, 0.0), 0.0, x * ops.log(y))),
    "sinc": entrywise(lambda x: _sinc(x * math.pi)),
    "lerp": entrywise(lambda x, y, weight: x + weight * (y - x)),
    "addcmul": lambda x, y, z, value=1: x + times(operator.mul(*floats(y, z)), value),
    "addcdiv": lambda x, y, z, value=1: x + times(operator.truediv(*floats(y, z)), value),
    "clamp_min": entrywise(lambda x, low: ops.clip(x, low, math.inf)),
    "clamp_max": entrywise(lambda x, high: ops.clip(x, -math.inf, high)),
    "copysign": entrywise(lambda x, y: ops.absolute(x) * np.copysign(1.0, data_of(y))),
    "nan_to_num": lambda x, nan=None, posinf=None, neginf=None: _nan_to_num(x, nan, posinf, neginf),
})  # fmt: skip


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
    return x + times(y, alpha)


@named("sub", "subtract")
def _sub(x: Any, y: Any, alpha: Any = 1) -> Any:
    x, y = floats(x, y)
    return x - times(y, alpha)


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
