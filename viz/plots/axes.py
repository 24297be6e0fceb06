"""Axes: where plots are drawn, and which part of the line or of the plane they show."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_mini import DataError
from autograd_mini.data import Array
from autograd_mini.errors import SettingError, extra

GRID = 120  # points along each side of a plane


def axes_on(ax: Any) -> Any:
    """Return the Axes to draw on: those given, or those of a new figure."""
    if ax is None:
        return extra("matplotlib.pyplot", "matplotlib", "plot").subplots(layout="constrained")[1]
    if not hasattr(ax, "contourf"):
        raise DataError(f"ax must be matplotlib's Axes, got {type(ax).__name__}")
    return ax


def finite(points: Array, name: str) -> Array:
    """Return an array of rows unless one of them holds NaN or infinity, which is a SettingError."""
    bad = np.argwhere(~np.isfinite(points))
    if len(bad):
        raise SettingError(f"{name} must be finite, got {points[tuple(bad[0])]} at {bad[0].tolist()}")
    return points


def around(column: Array, margin: float = 0.08) -> Array:
    """Return GRID points from a little below the least entry to a little above the largest.

    >>> [round(float(end), 2) for end in around(np.array([0.0, 10.0]))[[0, -1]]]
    [-0.8, 10.8]
    """
    low, high = column.min(), column.max()
    reach = margin * (high - low) or max(1.0, abs(low))
    return np.linspace(low - reach, high + reach, GRID)
