"""A reverse-mode autodiff engine to read in one sitting: record, differentiate, look at every step."""

import importlib
import sys
from typing import TYPE_CHECKING, Any

from . import methods, ops
from .errors import (
    AutogradError,
    BridgeError,
    CycleError,
    DataError,
    MatrixError,
    NonFiniteError,
    RangeError,
    RuleError,
    ShapeError,
    StaleError,
)
from .modes import group, no_grad, note_lines
from .neighbours import NAMES as _NEIGHBOURS
from .node import Node, Tensor, Value
from .sweep import backward, backward_steps, zero_grad

if TYPE_CHECKING:
    from . import linalg
    from . import nn as nn
    from . import viz as viz
    from .bridges.jax_model import from_jax as from_jax
    from .bridges.torch_model import from_torch as from_torch
    from .checking import gradcheck
    from .nonfinite import detect_nonfinite
    from .programs.compile import compile as compile
    from .programs.program import BranchError, Branches, Program
    from .text.explanation import explain
    from .text.ledger import Ledger
    from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

__all__ = [
    "AutogradError",
    "BranchError",
    "Branches",
    "BridgeError",
    "CycleError",
    "DataError",
    "Ledger",
    "MatrixError",
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
    "detect_nonfinite",
    "explain",
    "grad",
    "gradcheck",
    "group",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "linalg",
    "methods",
    "no_grad",
    "note_lines",
    "ops",
    "value_and_grad",
    "vjp",
    "zero_grad",
]

# Not in __all__: `compile`, since a star import leaves Python's own function alone, and `from_jax` and `from_torch`,
# since it takes what needs no extra.

_WHEN_ASKED = {  # where that has its home which no node, op or sweep needs: it is loaded when it is asked for
    "BranchError": ".programs.program",
    "Branches": ".programs.program",
    "Ledger": ".text.ledger",
    "Program": ".programs.program",
    "compile": ".programs.compile",
    "detect_nonfinite": ".nonfinite",
    "explain": ".text.explanation",
    "from_jax": ".bridges.jax_model",
    "from_torch": ".bridges.torch_model",
    "gradcheck": ".checking",
    **dict.fromkeys(("grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"), ".transforms"),
}
_MODULES = {*_NEIGHBOURS, "linalg", "nonfinite", "numpy_protocol", "transforms", "tree"}  # modules that are, too
_ELSEWHERE = {  # what people look for here and find in a package that stands on this one
    **dict.fromkeys(("MLP", "Layer", "Neuron", "Dense", "Module", "adam", "fit", "sgd"), "nn"),
    **dict.fromkeys(("draw", "draw_dot", "player", "step"), "viz"),
}


def __getattr__(name: str) -> Any:
    """Import what no node needs when it is asked for, and say where a name is that is not here."""
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _WHEN_ASKED:
        found = globals()[name] = getattr(importlib.import_module(_WHEN_ASKED[name], __name__), name)
        return found
    home = "autograd_mini.ops" if hasattr(ops, name) and name[0] != "_" else _ELSEWHERE.get(name)
    where = f": it is in {home}, from {home} import {name}" if home else ""
    if where and sys._getframe(1).f_globals.get("__name__") == "importlib._bootstrap":  # Python words it itself
        raise ImportError(f"cannot import name {name!r} from 'autograd_mini'{where}", name=name)
    raise AttributeError(f"module 'autograd_mini' has no attribute {name!r}{where}")


def __dir__() -> list[str]:
    """Return the public names, those that are not imported yet too, so that a prompt completes them."""
    return sorted({*globals(), *__all__, *_WHEN_ASKED, *_MODULES})
