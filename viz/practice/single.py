"""Level 1: one op, and its local derivative."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from autograd_mini import Value
from autograd_mini.text.explanation import explain

from ..expression import record_expression
from .graphs import given_lines, is_even
from .question import Question
from .slips import slips_of

ANY = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)
DIVISORS = (-5, -2, -1, 1, 2, 5)  # the squares of which divide evenly


class Single(NamedTuple):
    """A formula in x, and perhaps y, the rule of its derivative, and what x and y may be."""

    formula: str
    rule: str
    x: tuple[float, ...] = ANY
    y: tuple[float, ...] = ()


SINGLES = (
    Single("x * y", "the product rule: the other factor.", ANY, ANY),
    Single("x + y", "the sum rule: 1 for each term.", ANY, ANY),
    Single("x - y", "the rule of the difference: 1 for what stands first, -1 for what is taken away.", ANY, ANY),
    Single("x / y", "the quotient rule: 1 / y for x, -x / y^2 for y.", ANY, DIVISORS),
    Single("x**2", "the power rule: the exponent comes down, 2 x."),
    Single("x**3", "the power rule: the exponent comes down, 3 x^2.", (-4, -3, -2, -1, 1, 2, 3, 4)),
    Single("3 * x", "a constant factor stays."),
    Single("-x", "a constant factor stays, and here it is -1."),
    Single("1 / x", "the power rule with exponent -1: -1 / x^2.", DIVISORS),
    Single("sqrt(x)", "the power rule with exponent 1/2: 1 / (2 sqrt(x)).", (1, 4, 25)),
    Single("log(x)", "the slope of the logarithm is 1 / x.", (1, 2, 4, 5, 10)),
    Single("relu(x)", "relu passes what is positive: slope 1 there, 0 below."),
    Single("maximum(x, y)", "the larger one passes: slope 1 for it, 0 for the other.", (-3, -1, 2, 5), (-4, -2, 0, 3)),
    Single("exp(x)", "the slope of the exponential is its own value.", (0,)),
    Single("sigmoid(x)", "the slope of the sigmoid is y (1 - y), with y its value.", (0,)),
    Single("tanh(x)", "the slope of tanh is 1 - y^2, with y its value.", (0,)),
)


def local_derivative(rng: Random, code: str) -> Question:
    """Return a question for the local derivative of one op."""
    single = rng.choice(SINGLES)
    values = {"x": float(rng.choice(single.x))} | ({"y": float(rng.choice(single.y))} if single.y else {})
    leaves = {name: Value(x, label=name) for name, x in values.items()}
    root = record_expression(single.formula, leaves)
    assert isinstance(root, Value)
    root.label = "z" if single.y else "y"
    leaf = leaves[rng.choice(list(leaves))]
    told = explain(root, wrt=leaf, names={})
    return Question(
        code, _given(root), f"What is d{root.label}/d{leaf.label}?", (float(told.gradients[leaf.label]),),
        (single.rule,), str(told), slips_of(root, leaf), (f"d{root.label}/d{leaf.label}",), root=root,
    )  # fmt: skip


def _given(root: Value) -> tuple[str, ...]:
    """Return the lines of the graph, without a value that does not come out even."""
    lines = given_lines(root)
    return lines if is_even(root.data) else (lines[0], lines[1].rpartition(" = ")[0])
