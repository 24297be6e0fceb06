"""A reverse-mode autodiff engine to read in one sitting: record, differentiate, look at every step."""

from typing import TYPE_CHECKING, Any

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
from .ledger import Ledger
from .modes import detect_nonfinite, no_grad, note_lines
from .node import Node, Tensor, Value
from .sweep import backward, backward_steps, zero_grad
from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

if TYPE_CHECKING:
    from .programs import BranchError, Branches, Program, compile

__all__ = [
    "AutogradError",
    "BranchError",
    "Branches",
    "CycleError",
    "DataError",
    "Ledger",
    "Node",
    "NonFiniteError",
    "Program",
    "RangeError",
    "RuleError",
    "ShapeError",
    "StaleError",
    "Tensor",
    "Value",
    "backward",
    "backward_steps",
    "compile",
    "detect_nonfinite",
    "explain",
    "grad",
    "gradcheck",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "no_grad",
    "note_lines",
    "ops",
    "surface",
    "value_and_grad",
    "vjp",
    "zero_grad",
]

_OF_PROGRAMS = ("BranchError", "Branches", "Program", "compile")


def __getattr__(name: str) -> Any:
    """Import programs when they are asked for: they read the source of the table, and a gradient needs none of it."""
    if name in _OF_PROGRAMS:
        from . import programs

        return getattr(programs, name)
    raise AttributeError(f"module 'autograd_mini' has no attribute {name!r}")
