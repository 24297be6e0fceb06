"""Where a NaN was born: the mode that stops at the first op whose value or gradient is not finite."""

from __future__ import annotations

import math
from typing import Any, overload

import numpy as np

from .errors import NonFiniteError
from .modes import F, Mode, caller, where
from .node import Node, describe, filled
from .op import Elementwise, contribution, run_rule


class _DetectNonfinite(Mode):
    def see(self, node: Node) -> None:
        node.source = caller()
        if node.op is not None and not _finite(node._data):
            raise NonFiniteError(f"{node.op.name} gave {_worst(node._data)}\n{_circumstances(node)}")

    def check_gradients(self, reached: dict[Node, Any]) -> None:
        complete = {node: g._data if isinstance(g, Node) else g for node, g in reached.items()}
        for node, g in complete.items():
            if g is not None and not _finite(g):
                raise NonFiniteError(_culprit(node, g, complete))


@overload
def detect_nonfinite(function: None = None) -> Mode: ...


@overload
def detect_nonfinite(function: F) -> F: ...


def detect_nonfinite(function: Any = None) -> Any:
    """Raise NonFiniteError at the first op whose value, or whose gradient in a sweep, is NaN or infinite.

    The message names the op, its arguments, its label and the line of your code that called it. For
    `with detect_nonfinite():`, or to decorate a function or generator.

    >>> from autograd_mini import Value
    >>> with detect_nonfinite():
    ...     Value(0.0, label="x").log()
    Traceback (most recent call last):
    autograd_mini.errors.NonFiniteError: log gave -inf
      arguments: Value 'x' = 0.0
      recorded at <doctest ...>:2: Value(0.0, label="x").log()
    """
    return _DetectNonfinite() if function is None else _DetectNonfinite()(function)


def _culprit(node: Node, g: Any, complete: dict[Node, Any]) -> str:
    """Name the op that sent the first bad gradient: its own upstream gradient was still finite."""
    for user, upstream in complete.items():
        for i, arg in enumerate(user.args):
            if arg is node and upstream is not None and user.op is not None and user.op.rule(i) is not None:
                c = contribution(user, i, upstream)
                if not _finite(c):
                    whom = f"{describe(node)} (argument {i + 1} of {user.op.name})"
                    why = _product(user, i, upstream)
                    return f"{user.op.name} sent the gradient {_worst(c)} to {whom}\n{why}{_circumstances(user)}"
    return f"the gradient of {describe(node)} became {_worst(g)}\n{_circumstances(node)}"


def _product(user: Node, i: int, upstream: Any) -> str:
    """Return a line about the first product 0 * inf in what an elementwise op sent, "" where there is none."""
    if not isinstance(user.op, Elementwise):
        return ""
    local = np.broadcast_to(run_rule(user, i, filled(user, 1.0)), user.shape)
    bad = (np.broadcast_to(upstream, user.shape) == 0.0) & np.isinf(local)
    if not bad.any():
        return ""
    return f"  0 * {local[bad][0]}: the upstream gradient is 0, the local derivative {local[bad][0]}\n"


def _circumstances(node: Node) -> str:
    args = ", ".join(map(_shown, node.args))
    label = f"  label: {node.label}\n" if node.label else ""
    return f"{label}  arguments: {args}\n  recorded at {where(node)}"


def _shown(arg: Any) -> str:
    if not isinstance(arg, Node):
        return _brief(arg)
    return f"{describe(arg)} = {_brief(arg._data)}" if arg.label or arg.ndim else repr(arg)


def _finite(data: Any) -> bool:
    return math.isfinite(data) if isinstance(data, float) else bool(np.isfinite(data).all())


def _worst(data: Any) -> str:
    """Return the first entry that is not finite, and its place in an array."""
    if isinstance(data, float):
        return str(data)
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(data))[0])
    return f"{data[place]} at {list(place)} of shape {data.shape}"


def _brief(data: Any) -> str:
    return (
        np.array2string(data, threshold=8, separator=", ").replace("\n", "")
        if isinstance(data, np.ndarray)
        else repr(data)
    )
