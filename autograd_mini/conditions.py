"""Conditions: what a comparison of nodes gives - bools for whoever looks, the comparison itself for a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .decisions import decide
from .node import Node

Look = tuple[str, tuple[Any, ...], Any]  # what was asked, such as "{} > {}", of what, and what it gave


class Condition(NDArrayOperatorsMixin):
    """The outcome of a comparison of nodes, a bool or an array of bools, which remembers the comparison.

    A row that is given one records the comparison, so that a record that is run on other numbers compares anew:
    `where(x > 1, y, z)`, `x * (x > 1)`, `(x > 0) & (x < 1)`. Whoever else asks (`if x > 1:`, an index, numpy) has
    the bools, and the decision is noted with the node that was looked at, for programs and pages to check.

    >>> from autograd_mini import Value, ops
    >>> x = Value(2.0)
    >>> x > 1, bool(x > 1)
    (True, True)
    >>> ops.where(x > 1, x * x, -x).args[0].op.name
    'greater'
    """

    __slots__ = ("outcome", "_looks", "_record")

    def __init__(self, outcome: Any, looks: tuple[Look, ...], record: Callable[[], Any]) -> None:
        self.outcome = outcome
        self._looks = looks
        self._record = record

    def recorded(self) -> Any:
        """Return the condition as a node, 1 where it holds and 0 elsewhere."""
        return self._record()

    def decided(self) -> Any:
        """Return the plain bools, and note that somebody has them."""
        for look in self._looks:
            decide(*look)
        return self.outcome

    def __bool__(self) -> bool:
        return bool(self.decided())

    def __int__(self) -> int:
        return int(self.decided())

    def __float__(self) -> float:
        return float(self.decided())

    def __index__(self) -> int:
        if np.ndim(self.outcome):
            raise TypeError("an array of bools is no index of a list")
        return int(self.decided())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.decided(), dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, how: str, *inputs: Any, **keywords: Any) -> Any:
        if any(isinstance(x, Node) for x in inputs):
            return NotImplemented  # the node's own protocol has the row
        if ufunc in JOINED and how == "__call__" and not keywords and all(map(_is_bool, inputs)):
            return _joined(ufunc, inputs)
        return getattr(ufunc, how)(*(x.decided() if isinstance(x, Condition) else x for x in inputs), **keywords)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        plain = self.outcome if name in ("shape", "ndim", "size", "dtype") else self.decided()
        return getattr(np.asarray(plain), name)

    def __getitem__(self, index: Any) -> Any:
        return np.asarray(self.decided())[index]

    def __len__(self) -> int:
        return len(np.asarray(self.outcome))

    def __iter__(self) -> Iterator[Any]:
        return iter(np.asarray(self.decided()))

    def __hash__(self) -> int:
        return hash(self.decided())

    def __reduce__(self) -> Any:
        return (np.array if np.ndim(self.outcome) else bool), (self.decided(),)

    def __repr__(self) -> str:
        return repr(self.outcome)

    def __str__(self) -> str:
        return str(self.decided())

    def __format__(self, spec: str) -> str:
        return format(self.decided(), spec)


def _is_bool(x: Any) -> bool:
    return isinstance(x, Condition) or np.asarray(x).dtype == bool


def _joined(ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Condition:
    conditions = [x for x in inputs if isinstance(x, Condition)]
    outcome = ufunc(*(x.outcome if isinstance(x, Condition) else x for x in inputs))

    def record() -> Any:
        parts = [x.recorded() if isinstance(x, Condition) else np.asarray(x, float) for x in inputs]
        return JOINED[ufunc](*parts)

    looks = tuple(look for condition in conditions for look in condition._looks)
    return Condition(outcome if np.ndim(outcome) else bool(outcome), looks, record)


JOINED: dict[Any, Callable[..., Any]] = {  # on 1 and 0
    np.bitwise_and: lambda a, b: a * b,
    np.bitwise_or: lambda a, b: a + b - a * b,
    np.bitwise_xor: lambda a, b: a + b - 2.0 * a * b,
    np.invert: lambda a: 1.0 - a,
}
JOINED |= {
    np.logical_and: JOINED[np.bitwise_and], np.logical_or: JOINED[np.bitwise_or],
    np.logical_xor: JOINED[np.bitwise_xor], np.logical_not: JOINED[np.invert],
}  # fmt: skip
