"""The proof of a bridge: the value and every gradient of a record, compared with those of the library it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import BridgeError
from ..node import Node

FINE, COARSE = 1e-6, 1e-4  # relative differences that are allowed in float64, and in float32
NOISE = (
    10.0  # units in the last place of the largest entry of all that count as nothing: a sum that cancels leaves them
)


@dataclass(frozen=True)
class Proof:
    """What was compared, and by how much it differs at most.

    `difference` is the largest relative difference, found at `where`; beyond `allowed` there would have been an error.
    `leaves` are the inputs and parameters by name, `notes` what the record does not show: a branch that was taken.
    """

    library: str
    difference: float
    where: str
    allowed: float
    compared: int
    leaves: Mapping[str, Node] = field(repr=False)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [
            f"the value and {self.compared} gradients are {self.library}'s: the largest relative difference is "
            f"{self.difference:.1e}, at {self.where}; {self.allowed:g} is allowed",
            *self.notes,
        ]
        return "\n".join(lines)


@dataclass
class Comparison:
    """Keeps the largest relative difference of all that is compared; `scale` is the largest number among it."""

    allowed: float
    scale: float
    difference: float = 0.0
    where: str = "the value"
    compared: int = 0

    def add(self, where: str, ours: Any, theirs: Any) -> bool:
        """Compare two arrays and return whether they agree."""
        found = self.between(ours, theirs)
        self.compared += 1
        if found > self.difference:
            self.difference, self.where = found, where
        return found <= self.allowed

    def between(self, ours: Any, theirs: Any) -> float:
        """Return the largest difference, relative to the largest entry; inf for other shapes, or where one is NaN."""
        a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        if a.shape != b.shape or not np.array_equal(np.isnan(a), np.isnan(b)):
            return float("inf")
        same = (a == b) | np.isnan(a)
        gap = np.max(np.abs(np.where(same, 0.0, a) - np.where(same, 0.0, b)), initial=0.0)
        noise = NOISE * epsilon(self.allowed) / self.allowed * self.scale
        size = max(largest(b), noise)
        return float(gap / size) if gap else 0.0


def epsilon(allowed: float) -> float:
    """Return the unit in the last place of the numbers for which a difference is allowed."""
    return float(np.finfo(np.float32 if allowed == COARSE else np.float64).eps)


def largest(*arrays: Any) -> float:
    """Return the largest finite absolute value in the arrays, 0 for none."""
    parts = [np.abs(np.asarray(x, np.float64)) for x in arrays]
    return max((float(np.max(x, where=np.isfinite(x), initial=0.0)) for x in parts), default=0.0)


def scale_of(result: Any, *inputs: Any) -> float:
    """Return the size of the numbers that an op's rounding errors come from: sqrt(n) times as large for a sum of n."""
    terms = max((np.size(x) for x in inputs), default=1) / max(np.size(result), 1)
    return largest(result, *inputs) * max(terms, 1.0) ** 0.5


def disagreement(library: str, what: str, gap: float, allowed: float, place: str) -> BridgeError:
    """Return the error for a record that does not agree: it names the first node that differs."""
    return BridgeError(
        f"the record does not agree with {library}: {what} is the first that differs, by {gap:.1e} relative "
        f"({allowed:g} is allowed), at {place}. This is a fault of the bridge: please report the op and the line"
    )
