"""The errors of this room, and the checks of settings that raise them."""

from __future__ import annotations

import math
from typing import Any

from autograd_mini import AutogradError
from autograd_mini.errors import ExtraError, extra

__all__ = ["ExtraError", "SettingError", "StateError", "choice", "extra", "function", "real", "whole"]


class SettingError(AutogradError, ValueError):
    """A setting outside its range; the message names the setting, its range and what was given."""


class StateError(AutogradError, ValueError):
    """A state that does not fit the module it is loaded into; the message lists every misfit."""


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
