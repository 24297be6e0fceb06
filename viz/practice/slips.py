"""Slips: the wrong gradients that the famous mistakes lead to on a graph, and what to say of each."""

from __future__ import annotations

from autograd_mini import Value
from autograd_mini.text.explanation import Explanation, explain

from ..grading.ideas import IDEAS
from ..stepping.mistakes import mistakes, wrong_gradients

OTHER = "that is the gradient of {name}. " + IDEAS["rule"].text
SIGN = "the sign: a minus for each factor below 0 along the path."
PATH = "that is the path {way} alone; there is another."
SUMMED = "slopes multiply along a path, they do not add."
DATA = "that is the data of {name}; the gradient is asked for."


def slips_of(root: Value, leaf: Value) -> dict[tuple[float, ...], str]:
    """Return for each wrong gradient of a node that a known slip leads to what to say of it.

    >>> x = Value(3.0, label="x"); sorted(slips_of(x * x, x))
    [(-6.0,), (3.0,), (9.0,), (12.0,)]
    """
    told = explain(root, wrt=leaf, names={})
    by_sweeps = _of_sweeps(root, leaf)
    found = _of_data(root) | _of_others(root, leaf) | _of_paths(told) | _of_locals(told, leaf) | by_sweeps
    right = float(told.gradients[told.paths.node if told.paths else leaf.label])
    found.setdefault(-right, SIGN)
    return {(x,): words for x, words in found.items() if abs(x - right) > 0.01 * abs(right) + 1e-9}


def _of_data(root: Value) -> dict[float, str]:
    return {root.data: DATA.format(name=root.label or "the result")}


def _of_others(root: Value, leaf: Value) -> dict[float, str]:
    """Return the gradients of what stands beside the node."""
    gradients = explain(root, names={}).gradients
    return {float(g): OTHER.format(name=name) for name, g in gradients.items() if name != leaf.label}


def _of_paths(told: Explanation) -> dict[float, str]:
    """Return what a path alone sends, and the sums of what is to be multiplied."""
    paths = told.paths.listed if told.paths else ()
    alone = {float(path.product): PATH.format(way=" -> ".join(path.names)) for path in paths if len(paths) > 1}
    added = {float(sum(f or 0.0 for f in path.factors)): SUMMED for path in paths if len(paths) == 1}
    return added | alone


def _of_locals(told: Explanation, leaf: Value) -> dict[float, str]:
    sent = [c for step in told for c in step.contributions if c.node is leaf and c.upstream != 1.0]
    return {float(c.local): IDEAS["upstream"].text for c in sent if c.local is not None}


def _of_sweeps(root: Value, leaf: Value) -> dict[float, str]:
    """Return what the famous wrong sweeps give."""
    given = wrong_gradients(root)
    return {float(given[mistake].get(leaf, 0.0)): mistakes[mistake].idea for mistake in reversed(mistakes)}
