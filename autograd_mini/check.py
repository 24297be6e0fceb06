"""Gradient check: the engine's derivative against three that are found in other ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import tree
from .data import Array, quietly
from .errors import ShapeError
from .modes import no_grad
from .node import Node
from .op import operand
from .ops import shape
from .transforms import Trace, jvp

STEP = 1e-200  # of a complex step: no subtraction, so it may be as small as a float can be
REACH = 2.0**-7  # of the widest difference, relative to the entry


@dataclass(frozen=True)
class Check:
    """One entry of one argument: the derivative the engine claims, the one measured, and how."""

    leaf: str
    claimed: float
    measured: float
    error: float
    oracle: str
    ok: bool


@dataclass(frozen=True)
class GradientTable:
    """The result of `gradcheck`: true where every entry holds; prints as a table, the worst entries first."""

    rows: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every entry is within the tolerance."""
        return all(row.ok for row in self.rows)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        worst = sorted(self.rows, key=lambda row: (row.ok, -row.error))
        head = f"{'leaf':<16}{'claimed':>24}{'measured':>24}{'error':>10}  oracle"
        lines = [
            f"{r.leaf:<16}{r.claimed:>24.16g}{r.measured:>24.16g}{r.error:>10.1e}  {r.oracle}{'' if r.ok else '  WRONG'}"
            for r in worst[:40]
        ]
        rest = [f"... and {len(worst) - 40} more entries with smaller errors"] if len(worst) > 40 else []
        return "\n".join([head, *lines, *rest])


def gradcheck(f: Callable[..., Any], *args: Any, tolerance: float = 1e-10) -> GradientTable:
    """Compare the gradient that the engine claims for f at args with others, entry by entry.

    The oracles: a complex step through the recorded ops, where all of them are analytic (Squire & Trapp, "Using complex
    variables to estimate derivatives of real functions", 1998); central differences of f itself, extrapolated
    (Richardson; Ridders, "Accurate computation of F'(x)", 1982), held to their own estimated error where that is larger
    than the tolerance (right at a kink they straddle it and disagree); and forward mode. A result with several entries is weighted into one number first. `tolerance`
    is relative to the larger of the derivative and 1. Arguments are numbers, arrays, and lists, tuples, dicts of them.

    >>> bool(gradcheck(lambda x, y: (x * y).sin() / y, 0.5, 2.0))
    True
    >>> print(gradcheck(lambda x: abs(x), 2.0))  # not analytic: no complex step
    leaf                             claimed                measured     error  oracle
    args[0]                                1                       1   0.0e+00  differences
    args[0]                                1                       1   0.0e+00  forward mode
    """
    leaves = [np.array(operand(_plain(x))) for x in tree.leaves(args)]
    names = tree.names(args, "args")
    args = tree.build(args, iter([x if x.ndim else float(x) for x in leaves]))
    trace = Trace(f, args, tuple(range(len(args))))
    weights = [_weights(shape(r)) for r in trace.roots]
    claimed = [np.asarray(_plain(g), float) for g in trace.pull_back(weights)]
    rows: list[Check] = []
    for j, name in enumerate(names):
        for place in np.ndindex(leaves[j].shape):
            found = _measure(f, args, trace, weights, leaves, j, place)
            label = f"{name}{list(place)}" if place else name
            rows += [_row(label, float(claimed[j][place]), *m, tolerance) for m in found]
    return GradientTable(tuple(rows))


def _plain(x: Any) -> Any:
    return x._data if isinstance(x, Node) else x


def _weights(shape_: tuple[int, ...]) -> Any:
    """Return fixed weights between 1 and 2, no two alike, that make one number of a result."""
    return (
        1.0 + np.modf(np.arange(1, 1 + int(np.prod(shape_))) * 0.6180339887498949)[0].reshape(shape_) if shape_ else 1.0
    )


def _row(leaf: str, claimed: float, oracle: str, measured: float, doubt: float, tolerance: float) -> Check:
    error = 0.0 if claimed == measured or (claimed != claimed and measured != measured) else abs(claimed - measured)
    scale = max(1.0, abs(measured))
    bound = tolerance * scale + min(doubt, 1e-4 * scale)  # however rough the differences, an error of 0.1 % shows
    return Check(leaf, claimed, measured, error, oracle, bool(error <= bound))


def _measure(
    f: Callable[..., Any],
    args: Any,
    trace: Trace,
    weights: list[Any],
    leaves: list[Array],
    j: int,
    place: tuple[int, ...],
) -> list[tuple[str, float, float]]:
    """Return (oracle, derivative, its own doubt) for one entry."""
    directions = [np.zeros_like(x) for x in leaves]
    directions[j][place] = 1.0
    found = []
    if all(node.op is None or node.op.analytic for node in trace.nodes) and trace.closed:
        found.append(("complex step", _complex_step(trace, weights, directions), 0.0))
    found.append(
        ("differences", *_differences(lambda h: _weighted(f, args, leaves, directions, h, weights), leaves[j][place]))
    )
    along = tree.build(args, iter([d if d.ndim else float(d) for d in directions]))
    moved = [_plain(t) for t in tree.leaves(jvp(f, args, along)[1])]
    found.append(("forward mode", float(sum(np.sum(w * t) for w, t in zip(weights, moved))), 0.0))
    return found


def _complex_step(trace: Trace, weights: list[Any], directions: list[Array]) -> float:
    """Return the derivative along `directions`: the imaginary part after an imaginary step, by replaying the record."""
    steps = dict(zip(trace.fresh, directions))
    data: dict[Node, Any] = {}
    for node in reversed(trace.nodes):
        if node in steps:
            data[node] = node._data + 1j * STEP * steps[node]
        elif node.op is None:
            data[node] = node._data
        else:
            data[node] = quietly(node.op.array, *[data[a] if isinstance(a, Node) else a for a in node.args])
    ends = [data.get(r, 0.0) if isinstance(r, Node) else 0.0 for r in trace.roots]
    return float(sum(np.sum(w * np.imag(end)) for w, end in zip(weights, ends)) / STEP)


def _weighted(
    f: Callable[..., Any], args: Any, leaves: list[Array], directions: list[Array], h: float, weights: list[Any]
) -> float:
    moved = [x + h * d for x, d in zip(leaves, directions)]
    with no_grad():
        results = tree.leaves(f(*map(_nodes, tree.build(args, iter([x if x.ndim else float(x) for x in moved])))))
    if len(results) != len(weights):
        raise ShapeError("gradcheck: the function returns another number of results when its arguments move a little")
    return float(sum(np.sum(w * _plain(operand(r))) for w, r in zip(weights, results)))


def _nodes(argument: Any) -> Any:
    return tree.map_leaves(lambda x: Trace(lambda y: y, (x,), 0).fresh[0], argument)


def _differences(value: Callable[[float], float], at: float) -> tuple[float, float]:
    """Return the derivative at h = 0 from central differences with halved steps, and an estimate of its error."""
    h = REACH * max(1.0, abs(float(at)))
    old: list[float] = []
    best, doubt = float("nan"), float("inf")
    for _ in range(8):
        row = [(value(h) - value(-h)) / (2.0 * h)]
        for k, previous in enumerate(old):
            row.append(row[k] + (row[k] - previous) / (4.0 ** (k + 1) - 1.0))
            spread = max(abs(row[k + 1] - row[k]), abs(row[k + 1] - previous))
            if spread < doubt:
                best, doubt = row[-1], spread
        old, h = row, h / 2.0
    return best, doubt
