"""The exam: what a scalar engine is asked, from a number on its own to a graph of ten thousand nodes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache
from operator import neg
from typing import Any, NamedTuple

from .exercise import ONCE, RESET, TWICE, TWO_GRAPHS, Exercise, exercise

DEEP = 10_000  # additions in a row
DOUBLINGS = 60
RANDOM = 40  # exercises made by lot
CALLS = 10  # of one of them


class Check(NamedTuple):
    """A question with its exercises; what it is about in a few words. An optional one costs nothing to leave out."""

    name: str
    about: str
    exercises: tuple[Exercise, ...]
    optional: bool = False


@cache
def exam() -> tuple[Check, ...]:
    """Return the checks in the order in which one builds an engine; what is optional comes last."""
    return (*_numbers(), *_graphs(), *_sweeps(), *_optional())


def _numbers() -> Iterator[Check]:
    yield Check("a number", "Value(2.0).data; .grad is 1 after .backward()", _both(lambda a: a, 2.0))
    yield Check("addition", "a + b", _both(lambda a, b: a + b, 2.5, -1.5))
    yield Check("multiplication", "a * b", _both(lambda a, b: a * b, 2.5, -1.5))
    powers = (lambda a: a**2, lambda a: a**3, lambda a: a**-1, lambda a: a**0.5, lambda a: a**1)
    yield Check("powers", "a**2, a**3, a**-1, a**0.5", _each(powers, 1.7))
    yield Check("negation", "-a", _both(lambda a: -a, 1.5))
    yield Check("subtraction", "a - b", _both(lambda a, b: a - b, 2.5, -1.5))
    yield Check("division", "a / b", _both(lambda a, b: a / b, 2.5, -0.5))
    right = (lambda a: a + 2, lambda a: a * 3, lambda a: a - 2, lambda a: a / 4)
    yield Check("a constant on the right", "a + 2, a * 3, a - 2, a / 4", _each(right, -1.5))
    left = (lambda a: 2 + a, lambda a: 3 * a, lambda a: 2 - a, lambda a: 6 / a, lambda a: sum([a]))
    yield Check("a constant on the left", "2 + a, 3 * a, 2 - a, 6 / a, sum([a])", _each(left, -1.5))


def _graphs() -> Iterator[Check]:
    inner = (
        lambda a, b: -(a + b), lambda a, b: -(a * b), lambda a, b: -(a - b), lambda a, b: -(a / b),
        lambda a, b: neg(neg(a)), lambda a, b: -(a**3), lambda a, b: (a + b) * 3, lambda a, b: (a * b) * 3,
        lambda a, b: (a - b) * 3, lambda a, b: (a / b) * 3, lambda a, b: (-a) * 3, lambda a, b: (a**3) * b,
    )  # fmt: skip
    yield Check("the chain rule", "-(a * b), (a / b) * 3, ...", _each(inner, 1.5, -0.5))
    reused = (
        lambda a, b: a + a, lambda a, b: a * a, lambda a, b: a - a, lambda a, b: a / a, lambda a, b: a * b + a,
        lambda a, b: a + a * b, lambda a, b: -a + a, lambda a, b: a**2 + a, lambda a, b: a / b + b - a,
        lambda a, b: b - a - b,
    )  # fmt: skip
    yield Check("a node used twice", "a + a, a * a, a * b + a, ...", _each(reused, 1.5, -0.5))
    diamonds = (
        lambda a, b: (v := -a) + v, lambda a, b: (v := -a) + -v, lambda a, b: -(v := -a) + v,
        lambda a, b: (v := a + b) + neg(neg(v)), lambda a, b: neg(neg(v := a + b)) + v,
        lambda a, b: (v := a * b) * (v + b) * v,
        lambda a, b: ((v := a + b) + (w := -v)) + (w + a), lambda a, b: (w := (v := -a) + b) + (v + w),
    )  # fmt: skip
    yield Check("order", "v = -a; L = v + -v, and other diamonds", _each(diamonds, 1.5, -0.5))
    yield Check("each node once", f"{DOUBLINGS} times v = v + v", (exercise(_doubled, 2.0**-DOUBLINGS),))
    yield Check("depth", f"{DEEP:,} times v = v + 1", (exercise(_deep, 2.0),))


def _sweeps() -> Iterator[Check]:
    graphs = (
        lambda a, b: a + b,
        lambda a, b: (a * 1.5) * 2,
        lambda a, b: neg(neg(a)) + b,
        lambda a, b: (v := a * b) + v * a,
    )
    yield Check("a second backward", "L.backward(); L.backward()", _each(graphs, 1.5, -0.5, plan=TWICE))
    yield Check("two graphs", "the same leaves, recorded and swept twice", _each(graphs, 1.5, -0.5, plan=TWO_GRAPHS))
    yield Check("reset", "a.grad = 0, then record and sweep again", _each(graphs, 1.5, -0.5, plan=RESET))
    yield Check("all together", f"{RANDOM} graphs made by lot", tuple(by_lot()))


def _optional() -> Iterator[Check]:
    for name, values in FUNCTIONS.items():
        yield Check(name, f"a.{name}()", tuple(_function(name, values)), optional=True)
    of_nodes = _each((lambda a, b: a**b, lambda a, b: -(a**b), lambda a, b: a**b + a + b), 1.7, 2.5)
    yield Check("a power of nodes", "a**b", of_nodes, optional=True)
    yield Check("a constant to a node", "2**a", _each((lambda a: 2**a, lambda a: -(2**a) + a), 1.5), optional=True)


FUNCTIONS = {
    "exp": (1.5, -0.5), "log": (1.5, 0.5), "tanh": (1.5, -0.5), "relu": (1.5, -0.5), "sigmoid": (1.5, -0.5),
    "sin": (1.5, -0.5), "cos": (1.5, -0.5), "sqrt": (1.5, 0.5),
}  # fmt: skip


def _function(name: str, values: tuple[float, ...]) -> Iterator[Exercise]:
    for value in values:
        yield exercise(lambda a: getattr(a, name)(), value)
        yield exercise(lambda a: -getattr(a, name)(), value)
        yield exercise(lambda a: getattr(a, name)() + a, value)


def _each(
    functions: tuple[Callable[..., Any], ...], *values: float, plan: tuple[str, ...] = ONCE
) -> tuple[Exercise, ...]:
    return tuple(exercise(function, *values, plan=plan) for function in functions)


def _both(function: Callable[..., Any], *values: float) -> tuple[Exercise, ...]:
    """Return the exercise with these numbers, and with their opposites."""
    return exercise(function, *values), exercise(function, *(-value for value in values))


def _doubled(a: Any) -> Any:
    for _ in range(DOUBLINGS):
        a = a + a
    return a


def _deep(a: Any) -> Any:
    for _ in range(DEEP):
        a = a + 1
    return a


def by_lot() -> Iterator[Exercise]:
    """Yield graphs of required ops on three leaves, the same ones every time, with numbers that can be compared."""
    lot = random.Random(1)
    found = 0
    while found < RANDOM:
        made = exercise(lambda a, b, c: _grown([a, b, c], lot), *(lot.choice(VALUES) for _ in range(3)))
        if all(abs(float(x)) < 1e3 for row in made.right.values() for x in row):  # nan is not
            found += 1
            yield made


VALUES = (-2.0, -1.5, -0.5, 0.5, 1.5, 2.0, 3.0)
STEPS: tuple[Callable[[Any, Any], Any], ...] = (
    lambda x, y: x + y, lambda x, y: x * y, lambda x, y: x - y, lambda x, y: x / y, lambda x, y: -x, lambda x, y: x**2,
    lambda x, y: 2 - x, lambda x, y: x * 3, lambda x, y: 1 / x,
)  # fmt: skip


def _grown(nodes: list[Any], lot: random.Random) -> Any:
    for _ in range(CALLS):
        nodes.append(lot.choice(STEPS)(lot.choice(nodes[-3:]), lot.choice(nodes)))
    return nodes[-1] + nodes[-2] + nodes[-3]
