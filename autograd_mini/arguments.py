"""Arguments: the parameters that an op has, what becomes of its settings, and why arguments do not fit."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .conditions import Condition
from .data import unmasked
from .node import Node

UNSET = {"dtype", "out"}  # keywords of numpy's methods that ask for nothing where they are None
PLACES = {"axis", "axes", "shape", "width"}  # parameters whose lists and arrays stand for tuples of integers


def holds_node(arg: Any) -> bool:
    """Return whether an argument is a node or a condition, or a list with one somewhere in it."""
    return isinstance(arg, (Node, Condition)) or (isinstance(arg, (list, tuple)) and any(map(holds_node, arg)))


def setting(arg: Any, places: bool = False) -> Any:
    """Return a setting (axis, shape, index, mask) that nobody can change any more; `places` are made tuples."""
    if isinstance(arg, Condition):
        arg = arg.decided()
    if places and isinstance(arg, (list, np.ndarray, np.generic)):
        return _nested(unmasked(arg).tolist())
    if isinstance(arg, tuple):
        return tuple(map(setting, arg))
    if isinstance(arg, (list, np.ndarray)):
        none = isinstance(arg, list) and not np.size(arg)  # an index that takes nothing: numpy would make it floats
        arg = np.array(unmasked(arg), dtype=np.intp if none else None)
        arg.flags.writeable = False
    return arg


def _nested(arg: Any) -> Any:
    return tuple(map(_nested, arg)) if isinstance(arg, list) else arg


def parameters(array: Callable[..., Any], arity: int) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the names of the parameters of a function, and the defaults of those that have one."""
    if isinstance(array, np.ufunc):
        return ("x", "y")[:arity], {}
    code = getattr(array, "__code__", None)
    if code is None:
        params = inspect.signature(array).parameters.values()
        return tuple(p.name for p in params), {p.name: p.default for p in params if p.default is not p.empty}
    names = code.co_varnames[: code.co_argcount]  # many times quicker than asking inspect, at every import
    defaults = getattr(array, "__defaults__", None) or ()
    return names, dict(zip(names[len(names) - len(defaults) :], defaults))


@functools.cache
def names_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of the parameters of a row, or of a function made of rows."""
    return getattr(function, "params", None) or tuple(inspect.signature(function).parameters)


def listed(params: tuple[str, ...], defaults: dict[str, Any]) -> str:
    """Return parameters as a signature has them: "x, axis=None"."""
    return ", ".join(f"{p}={defaults[p]!r}" if p in defaults else p for p in params)


def reason_of(error: Exception) -> str:
    """Return numpy's reason in plain words."""
    for words, reason in REASONS.items():
        if words in str(error):
            return reason
    return str(error).split(", with gufunc signature")[0].split(" (Non-")[0].strip()


REASONS = {
    "core dimension": "the last axis of x must be as long as the last but one of y: transpose or reshape one",
    "enough dimensions": "a scalar has no axis to sum over: multiply with *",
    "not enough values to unpack": "give at least one term",
    "zero-size array": "there is no entry to choose from: check .size first",
}
