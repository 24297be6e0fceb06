"""The errors this project raises, each also the built-in class a caller would catch; and checks of settings."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np


class AutogradError(Exception):
    """Base of every error that the project raises on purpose."""


class ShapeError(AutogradError, ValueError):
    """Shapes, axes or indices that do not fit together."""


class DataError(AutogradError, TypeError):
    """Data of a kind that has no derivative: text, None, objects, complex numbers, masked arrays."""


class MatrixError(AutogradError, np.linalg.LinAlgError):
    """A matrix is singular, is not positive definite, or holds what is not finite."""


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


class SettingError(AutogradError, ValueError):
    """A setting outside its range; the message names the setting, its range and what was given."""


class BridgeError(AutogradError, ValueError):
    """A model of another library that cannot be taken over, or whose record does not agree with it."""


class ExtraError(AutogradError, ImportError):
    """A package that only some functions need is not installed; the message says how to install it."""


def extra(module: str, package: str, name: str) -> Any:
    """Import a module of an optional package, or raise ExtraError with the extra that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ExtraError(f'this needs {package}, which is not installed: pip install "autograd-mini[{name}]"') from None


def rule_error(op: str, error: Exception) -> Exception:
    """Return the RuleError for what a rule of the op raised.

    Errors of the engine, of memory and of the interpreter stay as they are, and so does a debugger's way to quit.

    >>> rule_error("sin", KeyError("x"))
    RuleError("the vjp rule of sin raised KeyError: 'x'")
    """
    if isinstance(error, (AutogradError, MemoryError, SystemError)) or type(error).__module__ == "bdb":
        return error
    found = RuleError(f"the vjp rule of {op} raised {type(error).__name__}: {error}")
    found.__cause__ = error
    return found


# Settings ------------------------------------------------------------------------------------------------------------


def whole(name: str, n: Any, least: int = 1) -> int:
    """Return `n` as an int, or raise SettingError unless it is an integer from `least` on."""
    if isinstance(n, bool) or not hasattr(n, "__index__") or n.__index__() < least:
        raise SettingError(f"{name} must be an integer from {least} on, got {n!r:.80}")
    return int(n.__index__())


def real(name: str, x: Any, interval: str) -> float:
    """Return `x` as a float, or raise SettingError unless it lies in `interval`, such as "[0, 1)"."""
    low, high = (float(end) for end in interval[1:-1].split(","))
    try:
        number = math.nan if isinstance(x, (str, bytes)) else float(x)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    above = number >= low if interval[0] == "[" else number > low
    below = number <= high if interval[-1] == "]" else number < high
    if not (above and below):
        raise SettingError(f"{name} must be a number in {interval}, got {x!r:.80}")
    return number


def choice(name: str, given: Any, table: dict[str, Any]) -> Any:
    """Return the entry of `table` under the name `given`, or raise SettingError with the names there are."""
    if not isinstance(given, str) or given not in table:
        raise SettingError(f"{name} must be one of {', '.join(table)}; got {given!r:.80}")
    return table[given]


def function(name: str, given: Any, kind: str) -> Any:
    """Return `given`, or raise SettingError unless it can be called; `kind` says what it is to be, with an example."""
    if not callable(given):
        raise SettingError(f"{name} must be {kind}; got {given!r}")
    return given
