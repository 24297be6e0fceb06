"""PyTorch's activations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import ops
from .shapes import chunk
from .table import OPS, data_of, detached, named, numpy_of, times


def _between(x: Any, low: float, high: float) -> Any:
    """Return 1 strictly between the bounds, where alone torch's hard functions have a slope, else 0."""
    return ops.greater(x, low) * ops.less(x, high)


def _hardtanh(x: Any, low: float = -1.0, high: float = 1.0) -> Any:
    return ops.where(_between(x, low, high), x, ops.clip(detached(x), low, high))


def _hardsigmoid(x: Any) -> Any:
    return ops.where(_between(x, -3.0, 3.0), x / 6.0 + 0.5, ops.clip(detached(x) / 6.0 + 0.5, 0.0, 1.0))


def _elu(x: Any, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Any:
    if input_scale == 1:
        return times(ops.elu(x, float(alpha)), scale)
    below = alpha * scale * ops.expm1(ops.minimum(x, 0.0) * input_scale)
    return ops.where(ops.greater(x, 0.0), times(x, scale), below)


def _gelu(x: Any, approximate: str = "none") -> Any:
    if approximate == "none":
        return ops.gelu(x)
    return 0.5 * x * (1.0 + ops.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)))


def _softplus(x: Any, beta: float = 1, threshold: float = 20) -> Any:
    soft = times(ops.softplus(times(x, beta)), 1.0 / beta)
    return soft if np.all(data_of(x) * beta <= threshold) else ops.where(ops.greater(x * beta, threshold), x, soft)


def _shrunk(x: Any, inside: Any, lambd: float) -> Any:
    return ops.where(ops.greater(ops.absolute(x), lambd), inside, 0.0)


def _prelu(x: Any, weight: Any) -> Any:
    shape = ops.shape(weight)
    if shape and len(ops.shape(x)) > 1:
        weight = ops.reshape(weight, (-1, *(1,) * (len(ops.shape(x)) - 2)))
    return ops.where(ops.greater(x, 0.0), x, weight * x)


def _glu(x: Any, dim: int = -1) -> Any:
    a, b = chunk(x, 2, dim)
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
    slopes = numpy_of(result) / np.where(data_of(x) < 0.0, data_of(x), 1.0)  # as drawn
    return ops.where(ops.less(x, 0.0), x * slopes, x)
