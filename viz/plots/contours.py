"""Pictures of z = f(x, y), drawn with matplotlib: contours, paths of descent over them, the gradient at a point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_mini import Node, Program, ShapeError, Value, compile, no_grad, ops
from autograd_mini.data import Array, array_of, ignoring_fp_warnings
from autograd_mini.errors import extra, real, whole

from ..colours import HUES, light
from ..text import number
from .axes import GRID, around, axes_on, finite
from .curves import HUGE, Range, plotted, title_of, window

LEVELS = 14  # contours of a surface
ARROW = 0.2  # length of a gradient, as a part of the picture's side
DOTTED = 50  # points of a path that can still be told apart
ASTRAY = 5  # sides of the picture that a descent may go beyond it and be shown whole


def surface(f: Callable[[Any, Any], Any], path: Any, *, ax: Any = None) -> Any:
    """Draw the contours of z = f(x, y) around a path of descent, and the path from its start to its end.

    `f` takes two Values and gives one number; `path` holds the points, shape (n, 2). Each band of the picture covers
    the same share of the plane, so that a narrow valley shows. The Axes are returned: `ax` of matplotlib's, or those of
    a new figure. ShapeError for another shape, SettingError for coordinates that are NaN or infinite; where f itself
    is, the plane stays empty.

    >>> ax = surface(lambda x, y: x**2 + 3 * y**2, [[2.0, 1.0], [1.6, 0.4], [1.28, 0.16]])
    >>> [line.get_label() for line in ax.get_lines()]
    ['descent, 2 steps', 'start', 'end']
    """
    points = array_of(path)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ShapeError(f"path must hold points (x, y), shape (n, 2) with n of 1 or more, got {points.shape}")
    finite(points, "path")
    ax = axes_on(ax)
    x, y = (around(column, 0.3) for column in points.T)
    _bands(ax, x, y, np.array([[_height(f, xi, yi) for xi in x] for yi in y]), "z = f(x, y)")
    _descent(ax, points)
    ax.set(xlabel="x", ylabel="y")
    _legend(ax, columns=3)
    return ax


def contours(
    root: Node, x: Node, y: Node, between: Sequence[Range] | None = None, *, steps: int = 0, rate: float = 0.1,
    ax: Any = None,
) -> Any:  # fmt: skip
    """Draw the contours of a record as two of its leaves vary, the gradient at their data, and a descent from there.

    All other leaves keep their data. `between` holds the range (low, high) of x and that of y; without it the picture
    is as wide around the point as it takes to see zero, and the descent. `steps` steps of gradient descent,
    p <- p - rate * dL/dp, are drawn as long as they stay finite. Two ranges of the same width are drawn to the same
    scale, in which the gradient stands at right angles on the contour.

    The Axes are returned: `ax` of matplotlib's, or those of a new figure. SettingError for an x or y that is no leaf of
    one finite number, for a range without width, for a rate that is not positive.

    >>> from autograd_mini import Value
    >>> x, y = Value(1.0, label="x"), Value(2.0, label="y")
    >>> ax = contours(x * x + y * y, x, y, steps=2); [line.get_label() for line in ax.get_lines()]
    ['descent, 2 steps', 'start', 'end', 'gradient (2, 4)']
    """
    point = np.array([plotted("x", x), plotted("y", y)])
    steps, rate = whole("steps", steps, 0), real("rate", rate, "(0, inf)")
    program = compile(root, [x, y])
    path = _descended(program, point, steps, rate)
    title, name, names = title_of(root, (x, y))
    ranges = _plane(path) if between is None else between
    xs, ys = (np.linspace(*window(names[n], 0.0, ends), GRID) for n, ends in zip((x, y), ranges))
    grid = [side.ravel() for side in np.meshgrid(xs, ys)]
    ax = axes_on(ax)
    _bands(ax, xs, ys, program(*grid)[0].reshape(GRID, GRID), name)
    _descent(ax, path) if steps else _mark(ax, point, "o", 9, f"{name} = {number(root.data)}")
    _arrow(ax, point, np.array(program(*point)[1]), (xs[-1] - xs[0], ys[-1] - ys[0]))
    ax.set(xlim=xs[[0, -1]], ylim=ys[[0, -1]], xlabel=names[x], ylabel=names[y])
    ax.set_title(title, pad=52 if steps else 34)
    ax.set_aspect("equal" if np.isclose(np.ptp(xs), np.ptp(ys)) else "auto")
    _legend(ax, columns=2)
    return ax


def _descended(program: Program, start: Array, steps: int, rate: float) -> Array:
    """Return the points of a gradient descent, those beyond every picture left out."""
    points = [start]
    for _ in range(steps):
        slope = np.array(program(*points[-1])[1])
        after = ignoring_fp_warnings(lambda p, g: p - rate * g, points[-1], slope)
        if not (np.abs(after) < HUGE).all():
            break
        points.append(after)
    return np.array(points)


def _plane(path: Array) -> list[Range]:
    """Return ranges of the same width around a path, and around its start as far as it takes to see zero."""
    reach = max(3.0, *np.abs(path[0]))
    near = np.clip(path, path[0] - ASTRAY * reach, path[0] + ASTRAY * reach)
    low, high = np.minimum(near.min(axis=0), path[0] - reach), np.maximum(near.max(axis=0), path[0] + reach)
    middle, half = (low + high) / 2.0, (high - low).max() / 2.0
    return [(m - half, m + half) for m in middle.tolist()]


def _bands(ax: Any, x: Array, y: Array, z: Array, label: str) -> None:
    """Fill the bands between contours, each with the same share of the plane."""
    z = np.where(np.abs(z) < HUGE, z, np.nan)
    seen = z[np.isfinite(z)]
    levels = np.unique(np.quantile(seen, np.linspace(0.0, 1.0, LEVELS))) if seen.size else ()
    if len(levels) > 1:
        even = extra("matplotlib.colors", "matplotlib", "plot").BoundaryNorm(levels, 256)
        bands = ax.contourf(x, y, z, levels=levels, cmap="cividis", norm=even)
        ax.figure.colorbar(bands, ax=ax, label=label, format="%.3g")


def _descent(ax: Any, points: Array) -> None:
    """Draw a path with its start and its end."""
    outline = extra("matplotlib.patheffects", "matplotlib", "plot").withStroke(linewidth=3, foreground=light("ink"))
    style = ".-" if len(points) <= DOTTED else "-"
    ax.plot(*points.T, style, color="white", path_effects=[outline], label=f"descent, {len(points) - 1} steps")
    _mark(ax, points[0], "o", 9, "start")
    _mark(ax, points[-1], "*", 15, "end")


def _mark(ax: Any, point: Array, marker: str, size: float, label: str) -> None:
    ax.plot(*point[:, None], marker, color=HUES[4], markeredgecolor=light("ink"), markersize=size, label=label)


def _arrow(ax: Any, point: Array, gradient: Array, sides: tuple[float, float]) -> None:
    """Draw the gradient's direction from a point, and write the gradient into the legend; without one, only write."""
    label = f"gradient ({', '.join(map(number, gradient))})"
    longest = np.max(np.abs(gradient) / sides)
    if np.isfinite(longest) and longest > 0.0:
        tip = point + gradient / longest * ARROW
        style = {"arrowstyle": "-|>,head_width=.35,head_length=.6", "color": HUES[1], "linewidth": 2.5, "shrinkA": 0}
        ax.annotate("", tip, point, arrowprops={**style, "shrinkB": 0})
    ax.plot([], [], "-", color=HUES[1], linewidth=2.5, label=label)


def _legend(ax: Any, columns: int) -> None:
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns, frameon=False)


def _height(f: Callable[[Any, Any], Any], x: float, y: float) -> float:
    with no_grad():
        z = f(Value(x), Value(y))
    if ops.shape(z):
        raise ShapeError(f"f must give one number, got shape {ops.shape(z)} at x = {x:.6g}, y = {y:.6g}")
    return float(z)
