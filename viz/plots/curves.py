"""Pictures of y = f(x), drawn with matplotlib: a record as one of its leaves varies, its derivative, its tangent."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_mini import Node, compile
from autograd_mini.data import Array
from autograd_mini.errors import SettingError, extra
from autograd_mini.sweep import order
from autograd_mini.text.formula import FormulaError, names_of, text

from ..colours import HUES, light
from ..text import clean, number

Range = tuple[float, float]  # from low to high

POINTS = 2001  # along a curve
HUGE = 1e300  # beyond it, differences and products of what is plotted would overflow
WIDEST = 20.0  # times the spread of the middle nine tenths of a curve that are shown of it
TITLE = 88  # characters


def curve(root: Node, x: Node, between: Range | None = None, *, axes: Any = None) -> tuple[Any, Any]:
    """Draw a record as one of its leaves varies, with the tangent at the leaf's data, and below it the derivative.

    All other leaves keep their data; the numbers are those of the compiled record. `between` is the range (low, high)
    of x, by default as wide around its data as it takes to see zero, and 3 at least. `axes` are two of matplotlib's
    Axes, else a new figure has them; both are returned. Poles and points without a value are gaps.

    SettingError for an x that is no leaf of one finite number, or a range without width.

    >>> from autograd_mini import Value
    >>> x = Value(2.0, label="x"); above, below = curve(x * x, x)
    >>> [text.get_text() for ax in (above, below) for text in ax.get_legend().get_texts()]
    ['L', 'tangent at x = 2', 'L = 4', 'dL/dx', 'dL/dx = 4']
    """
    at = plotted("x", x)
    title, name, names = title_of(root, (x,))
    label = names[x]
    ends = window(label, at, between)
    program = compile(root, [x])
    value, (slope,) = program(at)
    xs = np.linspace(*ends, POINTS)
    ys, (slopes,) = program(xs)
    above, below = _pair() if axes is None else axes
    limits = _limits(ys, value)
    above.plot(xs, _within(ys, limits), color=HUES[0], label=name)
    tangent = _within(_line(xs, at, value, slope), limits)
    touches = "tangent" if np.isfinite((value, slope)).all() else "no tangent"
    above.plot(xs, tangent, "--", color=HUES[1], label=f"{touches} at {label} = {number(at)}")
    _finish(above, ends, limits, (at, value), name)
    slopes = np.where(np.isfinite(ys), slopes, np.nan)  # log has none below 0, whatever 1/x is there
    limits = _limits(slopes, slope)
    below.plot(xs, _within(slopes, limits), color=HUES[2], label=f"d{name}/d{label}")
    _finish(below, ends, limits, (at, slope), f"d{name}/d{label}")
    above.set_title(title)
    below.set_xlabel(label)
    return above, below


def plotted(name: str, x: Node) -> float:
    """Return the data of a leaf that varies in a plot; SettingError unless it is one finite number."""
    if not isinstance(x, Node) or x.op is not None or x.ndim:
        raise SettingError(f"{name} must be a leaf that holds one number, got {x!r:.80}")
    at = float(x.data)
    if not abs(at) < HUGE:
        raise SettingError(f"{clean(x.label, 40) or name} must be finite and less than 1e300 to be plotted, got {at}")
    return at


def window(name: str, at: float, between: Range | None) -> Range:
    """Return the range that a plot shows: the one given, or one around a number that reaches to zero.

    >>> window("x", 5.0, None), window("x", 5.0, (4.0, 6.0))
    ((0.0, 10.0), (4.0, 6.0))
    """
    reach = max(3.0, abs(at))
    low, high = (at - reach, at + reach) if between is None else between
    size = max(abs(low), abs(high))
    if not (size < HUGE and high - low > 1e-9 * size and high - low > 1e-300):
        raise SettingError(f"the range of {name} must lead up from a finite number to another, got {low:g}:{high:g}")
    return low, high


def title_of(root: Node, varied: tuple[Node, ...]) -> tuple[str, str, dict[Node, str]]:
    """Return the title of a plot - the formula, and the data of what does not vary -, the root's name, all names."""
    nodes = order(root)
    names = names_of(dict.fromkeys((*nodes, *varied)), root=root)
    try:
        formula = f"{names[root]} = {text(root)}" if root.op is not None else names[root]
    except FormulaError:
        formula = names[root]
    held = [f"{names[n]} = {number(n.data)}" for n in nodes[::-1] if n.op is None and n.label and n not in varied]
    lines = [formula, f"where {', '.join(held)}"] if held else [formula]
    return "\n".join(clean(line, TITLE).replace("$", r"\$") for line in lines), names[root], names


def _pair() -> Any:
    new = extra("matplotlib.pyplot", "matplotlib", "plot").subplots
    return new(2, 1, sharex=True, height_ratios=(3, 2), layout="constrained")[1]


def _line(xs: Array, at: float, value: float, slope: float) -> Array:
    with np.errstate(all="ignore"):
        return value + slope * (xs - at)


def _limits(ys: Array, at: float) -> Range:
    """Return the range of y that is shown: all of it, unless a few points would leave the others no room."""
    seen = np.append(ys, at)
    seen = seen[np.abs(seen) < HUGE]
    if not seen.size:
        return -1.0, 1.0
    low, high = seen.min(), seen.max()
    first, last = np.quantile(seen, (0.05, 0.95))
    spread = last - first
    if 0.0 < WIDEST * spread < high - low:
        low, high = max(low, first - spread), min(high, last + spread)
        low, high = (min(low, at), max(high, at)) if abs(at) < HUGE else (low, high)
    margin = 0.06 * (high - low)
    least = 1e-9 * max(abs(low), abs(high)) or 1.0
    return (low - margin, high + margin) if margin > least else (low - max(least, 1e-3), high + max(least, 1e-3))


def _within(ys: Array, limits: Range) -> Array:
    """Return what can be seen of a curve and where it leaves: beyond that it is a gap, as at a pole."""
    low, high = limits
    return np.where((ys >= low - (high - low)) & (ys <= high + (high - low)), ys, np.nan)


def _finish(ax: Any, ends: Range, limits: Range, point: Range, name: str) -> None:
    """Mark the point, and the zero lines where they are in sight."""
    label = f"{name} = {number(point[1])}"
    ax.plot(*np.array(point)[:, None], "o", color=HUES[4], markeredgecolor=light("ink"), markersize=8, label=label)
    for edge, (low, high) in ((ax.axhline, limits), (ax.axvline, ends)):
        if low < 0.0 < high:
            edge(0.0, color=light("rim"), linewidth=0.6, zorder=0.5)
    ax.set(xlim=ends, ylim=limits)
    ax.legend()
