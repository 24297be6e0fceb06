"""The errors this project raises: each is also the built-in class a caller would expect to catch."""

import importlib
from typing import Any


class AutogradError(Exception):
    """Base of every error that the project raises on purpose."""


class ShapeError(AutogradError, ValueError):
    """Shapes, axes or indices that do not fit together."""


class DataError(AutogradError, TypeError):
    """Data of a kind that has no derivative: text, None, objects, complex numbers, masked arrays."""


class RangeError(AutogradError, OverflowError):
    """An integer too large for any float."""


class StaleError(AutogradError, RuntimeError):
    """A node's data was assigned after another node was recorded from it."""


class CycleError(AutogradError, ValueError):
    """A node among the nodes that it was computed from: `args` were changed by hand."""


class NonFiniteError(AutogradError, ArithmeticError):
    """A value or a gradient became NaN or infinite while `detect_nonfinite` was watching."""


class RuleError(AutogradError, RuntimeError):
    """A vjp rule raised, or returned something that is not a gradient of its argument."""


class ExtraError(AutogradError, ImportError):
    """A package that only some functions need is not installed; the message says how to install it."""


def extra(module: str, package: str, name: str) -> Any:
    """Import a module of an optional package, or raise ExtraError with the extra that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ExtraError(f'this needs {package}, which is not installed: pip install "autograd-mini[{name}]"') from None
