"""A reverse-mode autodiff engine to read in one sitting: record, differentiate, look at every step."""

from . import ops, surface
from .check import gradcheck
from .errors import (
    AutogradError,
    CycleError,
    DataError,
    NonFiniteError,
    RangeError,
    RuleError,
    ShapeError,
    StaleError,
)
from .explain import explain
from .modes import detect_nonfinite, no_grad
from .node import Node, Tensor, Value
from .sweep import backward, backward_steps, zero_grad
from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

__all__ = [
    "AutogradError",
    "CycleError",
    "DataError",
    "Node",
    "NonFiniteError",
    "RangeError",
    "RuleError",
    "ShapeError",
    "StaleError",
    "Tensor",
    "Value",
    "backward",
    "backward_steps",
    "detect_nonfinite",
    "explain",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "no_grad",
    "ops",
    "surface",
    "value_and_grad",
    "vjp",
    "zero_grad",
]
