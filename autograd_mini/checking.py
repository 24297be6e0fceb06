"""Gradient check: the engine's derivative against three that are found in other ways."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from . import tree
from .data import Array, array_of, ignoring_fp_warnings
from .errors import DataError, MatrixError, ShapeError
from .modes import no_grad
from .node import Node, leaf
from .op import operand
from .ops import shape
from .transforms import Trace, check_function, jvp

STEP = 1e-200  # of a complex step: nothing is subtracted, so it may be as small as a float can be
SMALLEST = 5e-324  # that is not 0
SHORT = 2.0**-30  # of a tiny entry; the error of a complex step is the square of that
REACH = 2.0**-7  # of the widest difference
ROUGH = 1e-4  # however much differences doubt themselves, an error of 0.1 % shows
LINES = 40  # of a printed table

_one_filter = threading.RLock()  # two threads that put filters back in turns would leave one of them for ever


@dataclass(frozen=True)
class Check:
    """One entry of one argument: the derivative the engine claims, the one measured, and how."""

    leaf: str
    claimed: float
    measured: float
    error: float
    oracle: str
    ok: bool


@dataclass(frozen=True, repr=False)
class GradientTable:
    """The result of `gradcheck`: true where every entry holds; reads as a table, the worst entries first."""

    rows: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every entry is within the tolerance."""
        return all(row.ok for row in self.rows)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        worst = sorted(self.rows, key=lambda row: (row.ok, -row.error if row.error == row.error else -np.inf))
        width = max([len("leaf"), *(len(row.leaf) for row in worst[:LINES])])
        lines = [f"{'leaf':<{width}}{'claimed':>24}{'measured':>24}{'error':>10}  oracle"]
        for row in worst[:LINES]:
            numbers = f"{row.claimed:>24.16g}{row.measured:>24.16g}{row.error:>10.1e}"
            lines.append(f"{row.leaf:<{width}}{numbers}  {row.oracle}{'' if row.ok else '  WRONG'}")
        if len(worst) > LINES:
            lines.append(f"... and {len(worst) - LINES} more, none of them worse")
        return "\n".join(lines)

    __repr__ = __str__


def gradcheck(f: Callable[..., Any], *args: Any, tolerance: float = 1e-10) -> GradientTable:
    """Compare the gradient that the engine claims for f at args with others, entry by entry.

    Arguments are numbers, arrays, Values, Tensors, and lists, tuples, dicts of them; everything is computed in float64,
    float32 data too. Results may be anything that holds numbers; they are weighted into one. The oracles:

    - complex step: an imaginary step through the recorded ops, where all of them are analytic and compute with complex
      numbers (Squire & Trapp, "Using complex variables to estimate derivatives of real functions", 1998).
    - differences: central ones of f itself, extrapolated, held to their own estimate of their error where that is
      larger than the tolerance (Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", 1982). Across a kink they
      give the mean of both slopes, which is not what f's rules promise there. An infinite result has none.
    - forward mode, which runs the same rules in the other direction.

    An entry is right where |claimed - measured| <= tolerance * max(1, |measured|), or both are NaN. ShapeError without
    arguments, and where f's results change their number or shape as its arguments move.

    >>> bool(gradcheck(lambda x, y: (x * y).sin() / y, 0.5, 2.0))
    True
    >>> print(gradcheck(lambda x: abs(x), 2.0))  # not analytic: no complex step
    leaf                    claimed                measured     error  oracle
    args[0]                       1                       1   0.0e+00  differences
    args[0]                       1                       1   0.0e+00  forward mode
    """
    check_function(f)
    if not args:
        raise ShapeError("gradcheck needs the arguments at which to check: gradcheck(f, x, y)")
    problem = _Problem(f, args)
    rows = []
    for j, name in enumerate(tree.names(args, "args")):
        for place in np.ndindex(problem.leaves[j].shape):
            label = f"{name}{list(place)}" if place else name
            rows += [_row(label, float(problem.claimed[j][place]), *m, tolerance) for m in problem.measure(j, place)]
    return GradientTable(tuple(rows))


def _row(leaf: str, claimed: float, oracle: str, measured: float, doubt: float, tolerance: float) -> Check:
    error = 0.0 if claimed == measured or (claimed != claimed and measured != measured) else abs(claimed - measured)
    scale = max(1.0, abs(measured))
    bound = tolerance * scale + min(doubt, ROUGH * scale)
    return Check(leaf, claimed, measured, error, oracle, error <= bound)


class _Problem:
    """A function at a point: its record, the weights that make one number of its results, the claimed gradient."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.f = f
        self.leaves = [_entries(x) for x in tree.leaves(args)]
        self.args = args
        self.trace = Trace(f, self.form(self.leaves), tuple(range(len(args))))
        self.weights = _weights([shape(r) for r in self.trace.roots])
        self.claimed = [np.asarray(_plain(g), float) for g in self.trace.pull_back(self.weights)]

    def form(self, leaves: list[Array]) -> Any:
        """Return numbers and arrays in the form of the arguments."""
        return tree.build(self.args, iter([x if x.ndim else float(x) for x in leaves]))

    def weighted(self, results: list[Any]) -> float:
        """Return the one number that the check differentiates, from results or from what they change by."""
        return float(ignoring_fp_warnings(lambda: sum(np.sum(w * _plain(r)) for w, r in zip(self.weights, results))))

    @cached_property
    def here(self) -> float:
        """The weighted results of f itself."""
        return self.moved([np.zeros_like(x) for x in self.leaves], 0.0)

    def measure(self, j: int, place: tuple[int, ...]) -> list[tuple[str, float, float]]:
        """Return (oracle, derivative, its own estimate of the error) for one entry of the j-th leaf."""
        directions = [np.zeros_like(x) for x in self.leaves]
        directions[j][place] = 1.0
        at, claimed = float(self.leaves[j][place]), float(self.claimed[j][place])
        found = []
        if all(node.op is None or node.op.analytic for node in self.trace.nodes):
            imaginary = self.imaginary(directions, at, claimed)
            found += [("complex step", imaginary, 0.0)] if imaginary is not None else []
        if not math.isinf(self.here):
            found.append(("differences", *_differences(lambda h: self.moved(directions, h), at, claimed)))
        tangents = tree.leaves(jvp(self.f, self.form(self.leaves), self.form(directions))[1])
        return [*found, ("forward mode", self.weighted(tangents), 0.0)]

    def imaginary(self, directions: list[Array], at: float, claimed: float) -> float | None:
        """Return the derivative by a complex step: a very short one, or where that is lost beside other tiny numbers
        a longer one, whichever is nearer to what is claimed.
        """
        found = self.complex_step(directions, _step(at))
        if found is None or abs(found - claimed) <= 1e-12 * max(1.0, abs(claimed)):
            return found
        longer = self.complex_step(directions, max(SHORT * (abs(at) or 1.0), SMALLEST))
        return longer if longer is not None and abs(longer - claimed) < abs(found - claimed) else found

    def complex_step(self, directions: list[Array], h: float) -> float | None:
        """Return the derivative along `directions`: the imaginary part after an imaginary step, from the record.

        None where an op, a custom one perhaps, computes with real numbers only.
        """
        fresh = zip(self.trace.fresh, directions)
        data: dict[Node, Any] = ignoring_fp_warnings(lambda: {x: x._data + 1j * h * v for x, v in fresh})
        for node in reversed(self.trace.nodes):
            if node.op is not None:
                args = [data.get(a, a._data) if isinstance(a, Node) else a for a in node.args]
                result = _continued(node.op.array, args)
                if result is None:
                    return None
                data[node] = np.where(np.isnan(node._data), 1j * np.nan, result)
        return (
            self.weighted([np.imag(data[r]) if isinstance(r, Node) and r in data else 0.0 for r in self.trace.roots])
            / h
        )

    def moved(self, directions: list[Array], h: float) -> float:
        """Return the weighted results of f with its arguments moved by h along `directions`; nan where it refuses."""
        leaves = ignoring_fp_warnings(lambda: [x + h * d for x, d in zip(self.leaves, directions)])
        try:
            with no_grad():
                output = self.f(*tree.map_leaves(leaf, self.form(leaves)))
        except (DataError, MatrixError):  # such as a matrix that is not positive definite any more: a shorter step
            return math.nan
        results = [operand(r) for r in tree.leaves(output)]
        expected = [shape(r) for r in self.trace.roots]
        if [shape(r) for r in results] != expected:
            raise ShapeError(
                f"gradcheck: results of shapes {expected} became {[shape(r) for r in results]} as the arguments moved "
                "a little: there is no derivative to check"
            )
        return self.weighted(results)


def _step(at: float) -> float:
    """Return the length of a complex step: far below 1, and far below an entry that is itself tiny."""
    return max(min(STEP * max(1.0, abs(at)), abs(at) * SHORT), SMALLEST) if at else STEP


def _continued(compute: Callable[..., Any], args: list[Any]) -> Any:
    """Return the result of a row on complex numbers, None where it refuses them or drops their imaginary part."""
    with _one_filter, warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        try:
            result = ignoring_fp_warnings(compute, *args)
        except TypeError:
            return None
    return result if np.iscomplexobj(result) or not any(map(np.iscomplexobj, args)) else None


def _entries(x: Any) -> Array:
    return array_of(_plain(operand(x)), np.float64)


def _plain(x: Any) -> Any:
    return x._data if isinstance(x, Node) else x


def _weights(shapes: list[tuple[int, ...]]) -> list[Any]:
    """Return weights that make one number of all results: 1 for the first entry, and no two alike below 2."""
    ends = np.cumsum([math.prod(s) for s in shapes], dtype=int)
    weights = 1.0 + np.arange(ends[-1] if shapes else 0) * 0.6180339887498949 % 1.0
    return [w.reshape(s) if s else float(w[0]) for w, s in zip(np.split(weights, ends[:-1]), shapes)]


def _differences(value: Callable[[float], float], at: float, claimed: float = math.nan) -> tuple[float, float]:
    """Return the derivative of value(h) at h = 0, and an estimate of its error; `at` is the entry that h moves.

    The steps are relative to the entry where it is large, and where wide ones are of no use: at 1 / 1e-6 they would
    reach across the pole, at 1e-300 across the kink of abs(x). Short ones are of no use in 1 + x, so that of two the
    one that is nearer to the claim is taken: a wrong claim has neither. Without a claim it is the one of less doubt.
    """
    wide = _extrapolated(value, REACH * max(1.0, abs(at)))
    gap = 0.0 if math.isnan(claimed) else abs(wide[0] - claimed)
    if not 0.0 < abs(at) < 1.0 or max(gap, wide[1]) <= ROUGH * max(1.0, abs(wide[0])):
        return wide
    near = _extrapolated(value, max(REACH * abs(at), SMALLEST))
    if math.isnan(claimed):
        return min(wide, near, key=lambda found: found[1] / max(1.0, abs(found[0])))
    return wide if gap < abs(near[0] - claimed) else near


def _extrapolated(value: Callable[[float], float], h: float) -> tuple[float, float]:
    """Return the limit of central differences with halved steps, from where they are finite, and its doubt."""
    value = cache(value)  # the first steps are asked for twice
    for _ in range(40):
        if np.isfinite(value(h)) and np.isfinite(value(-h)):
            break
        h /= 4.0
    old: list[float] = []
    best, doubt = float("nan"), float("inf")
    for _ in range(8):
        row = [(value(h) - value(-h)) / (2.0 * h)]
        best = best if old else row[0]
        for k, previous in enumerate(old):
            row.append(row[k] + (row[k] - previous) / (4.0 ** (k + 1) - 1.0))
            spread = max(abs(row[k + 1] - row[k]), abs(row[k + 1] - previous))
            if spread < doubt:
                best, doubt = row[-1], spread
        old, h = row, max(h / 2.0, SMALLEST)
    return best, doubt
