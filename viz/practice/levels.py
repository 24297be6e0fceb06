"""The nine levels: a level, a seed and a number make a question, the same each time; so does a formula of one's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NamedTuple

from autograd_mini import Node, Value, errors
from autograd_mini.sweep import order
from autograd_mini.text.explanation import explain
from autograd_mini.text.formula import names_of

from ..expression import record_expression
from . import graphs
from .arrays import layer, softmax_loss
from .found import first_wrong_step, wrong_gradient
from .question import Question
from .single import local_derivative
from .slips import slips_of


class Level(NamedTuple):
    """What a level is called, and what makes its questions."""

    title: str
    make: Callable[[Random, str], Question]


def exercise(level: int, seed: int, number: int = 0) -> Question:
    """Return question `number`, from 0, of a level from 1 to 9 and a seed; the same three give the same question.

    SettingError for a level that there is not, and for what is no whole number from 0 on.

    >>> asked = exercise(3, 12)
    >>> asked == exercise(3, 12), asked.verdict(asked.right).right
    (True, True)
    """
    made = errors.choice("level", str(level), {str(n): found for n, found in LEVELS.items()})
    errors.whole("seed", seed, 0)
    errors.whole("number", number, 0)
    question: Question = made.make(Random(f"{level}/{seed}/{number}"), f"exercise({level}, {seed}, {number})")
    return question


def of_formula(text: str, values: Mapping[str, float]) -> Question:
    """Return the question for the gradients of all leaves of a formula, as the command reads it.

    ExpressionError where it cannot be read, SettingError where it has no names or gives inf or nan.

    >>> of_formula("(w*x + b - y)**2", {"w": 0.5, "x": 2, "b": 1, "y": 3}).right
    '[-4, -1, -2, 2]'
    """
    leaves = {name: Value(x, label=name) for name, x in values.items()}
    root = record_expression(text, leaves)
    nodes = order(root)
    used = [name for name, leaf in leaves.items() if leaf in nodes and leaf is not root]
    if not used:
        raise errors.SettingError(f"a formula for a sheet has names with values, got {text!r:.80}")
    _name(root)
    told = explain(root, names={})
    if not all(map(math.isfinite, [n.data for n in nodes] + [told.gradients[name] for name in used])):
        raise errors.SettingError(f"{text!r:.80} meets inf or nan at these values, which no answer can be: give others")
    return Question(
        f"of_formula({text!r}, { {name: float(x) for name, x in values.items()} !r})",
        graphs.given_lines(root)[:1] + tuple(_equations(root)),
        f"Fill in the graph from left to right, then back. What are the gradients of {root.label}?",
        tuple(float(told.gradients[name]) for name in used),
        (SUM_OF_PATHS.format(x="each name", L=root.label), _locals(root)),
        str(told), blanks=tuple(f"d{root.label}/d{name}" for name in used), root=root, known=tuple(leaves),
    )  # fmt: skip


def _name(root: Node) -> None:
    """Give every node the name that it has in an explanation."""
    for node, name in names_of(order(root), {}, root).items():
        node.label = name


def _equations(root: Any) -> list[str]:
    """Return the steps without their values."""
    return [line.rpartition(" = ")[0] for line in graphs.given_lines(root)[1:]]


CHAIN = "the chain rule: multiply the local derivatives along the path from {x} to {L}."
SUM_OF_PATHS = "the chain rule: multiply along each path from {x} to {L}, and add the paths."
REUSE = (
    "gradients add up (+=): p is used more than once, and may send on only what has come from all its uses; multiply "
    "along each path from {x} to {L}, and add the paths."
)
NEURON = (
    "the chain rule, backwards: the slope of the square, of the activation at z, then dz/dw = x, dz/dx = w, dz/db = 1."
)


def _of_graph(make: graphs.Maker, rule: str) -> Callable[[Random, str], Question]:
    """Return what makes questions for one gradient in random graphs."""

    def question(rng: Random, code: str) -> Question:
        root, leaf = graphs.sound(make, rng)
        blank = f"d{root.label}/d{leaf.label}"
        told = explain(root, wrt=leaf, names={})
        return Question(
            code, graphs.given_lines(root), f"What is {blank}?", (float(told.gradients[leaf.label]),),
            (rule.format(x=leaf.label, L=root.label), _locals(root)), str(told), slips_of(root, leaf),
            (blank,), root=root,
        )  # fmt: skip

    return question


def _locals(root: Node) -> str:
    """Return the local derivatives of a graph, from the root back, as a hint."""
    sent = [(step.name, c) for step in explain(root, names={}) for c in step.contributions]
    return "the local derivatives: " + ", ".join(f"d{name}/d{c.argument} = {c.local:.10g}" for name, c in sent) + "."


LEVELS = {
    1: Level("local derivatives", local_derivative),
    2: Level("one path", _of_graph(graphs.one_path, CHAIN)),
    3: Level("two paths", _of_graph(graphs.two_paths, SUM_OF_PATHS)),
    4: Level("reuse", _of_graph(graphs.reuse, REUSE)),
    5: Level("a neuron", _of_graph(graphs.neuron, NEURON)),
    6: Level("a layer, with shapes", layer),
    7: Level("softmax with cross-entropy", softmax_loss),
    8: Level("find the mistake in a sweep", first_wrong_step),
    9: Level("which gradient is wrong", wrong_gradient),
}
