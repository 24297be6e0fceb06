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
from .modes import detect_nonfinite, no_grad, note_lines
from .node import Node, Tensor, Value
from .sweep import backward, backward_steps, zero_grad
from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

if TYPE_CHECKING:
    from .ledger import Ledger
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
    """Import what is not needed to differentiate when it is asked for: programs, which read the table's source, and
    the ledger.
    """
    if name in _OF_PROGRAMS:
        from . import programs

        return getattr(programs, name)
    if name == "Ledger":
        from .ledger import Ledger

        return Ledger
    raise AttributeError(f"module 'autograd_mini' has no attribute {name!r}")
