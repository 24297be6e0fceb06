"""Random graphs for people: few nodes, each with a name, and numbers that are small and come out even."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from random import Random

from autograd_mini import Node, Value, ops
from autograd_mini.sweep import order
from autograd_mini.text.explanation import explain
from autograd_mini.text.formula import equation, number

LARGEST = 60.0  # of any number in an exercise
Maker = Callable[[Random], tuple[Value, Value]]  # the root of a graph, and the node whose gradient is asked for


def is_even(x: float) -> bool:
    """Return whether a number is small and has two decimals at most.

    >>> is_even(-0.25), is_even(1 / 3), is_even(1e6)
    (True, False, False)
    """
    return abs(x) <= LARGEST and math.isclose(100 * x, round(100 * x), abs_tol=1e-9)


def is_sound(root: Node) -> bool:
    """Return whether every number on both passes over a graph is even, and none stands where a slope jumps."""
    nodes = order(root)
    if any(node.op is ops.relu and not node.args[0].data for node in nodes):
        return False
    if not all(is_even(float(node.data)) for node in nodes):
        return False
    sent = [c for step in explain(root, names={}) for c in step.contributions]
    return all(is_even(float(x)) for c in sent for x in (c.local or 0.0, c.amount, c.after))


def sound(make: Maker, rng: Random) -> tuple[Value, Value]:
    """Return the first graph whose numbers are even and in which the answer is not 0."""
    return next(made for made in _tries(make, rng) if is_sound(made[0]) and _asked_gradient(*made))


def _tries(make: Maker, rng: Random) -> Iterator[tuple[Value, Value]]:
    while True:
        yield make(rng)


def _asked_gradient(root: Value, leaf: Value) -> bool:
    return any(step.node is leaf and step.upstream != 0.0 for step in explain(root, names={}))


def given_lines(root: Node) -> tuple[str, ...]:
    """Return the leaves on one line, then each step with its value.

    >>> x = Value(3.0, label="x"); y = x * 2.0; y.label = "y"
    >>> given_lines(y)
    ('x = 3', 'y = x * 2 = 6')
    """
    nodes = order(root)[::-1]
    names = {n: n.label for n in nodes}
    leaves = ", ".join(f"{n.label} = {number(float(n.data))}" for n in nodes if n.op is None)
    return (leaves, *(f"{equation(n, names)} = {number(float(n.data))}" for n in nodes if n.op is not None))


# Leaves and steps -----------------------------------------------------------------------------------------------------


def leaf(rng: Random, name: str, least: int = -4, most: int = 5) -> Value:
    """Return a leaf with a small whole number that is not 0."""
    return Value(float(rng.choice([x for x in range(least, most + 1) if x])), label=name)


def called(name: str, node: Value) -> Value:
    """Give a node its name, and return it."""
    node.label = name
    return node


def one_step(rng: Random, x: Value) -> Value:
    """Return x after a step with a constant."""
    c = float(rng.choice([-3, -2, 2, 3, 4, 5]))
    steps: list[Callable[[], Value]] = [
        lambda: x * c, lambda: x * c, lambda: x + abs(c), lambda: x - abs(c), lambda: x**2.0, lambda: c - x,
        lambda: x / 2.0, lambda: ops.relu(x),
    ]  # fmt: skip
    return rng.choice(steps)()


def both(rng: Random, x: Value, y: Value) -> Value:
    """Return what a step makes of two nodes."""
    steps: list[Callable[[], Value]] = [lambda: x * y, lambda: x * y, lambda: x + y, lambda: x - y]
    return rng.choice(steps)()


# Graphs ---------------------------------------------------------------------------------------------------------------


def one_path(rng: Random) -> tuple[Value, Value]:
    """Return a chain of three steps, or of four."""
    x = node = leaf(rng, "x")
    for name in rng.choice([("p", "q", "L"), ("p", "q", "r", "L")]):
        node = called(name, one_step(rng, node))
    return node, x


def two_paths(rng: Random) -> tuple[Value, Value]:
    """Return a graph in which x goes two ways that meet in L; on one of them y may stand."""
    x, y = leaf(rng, "x"), leaf(rng, "y")
    p = called("p", rng.choice([both(rng, x, y), one_step(rng, x)]))
    q = called("q", one_step(rng, x))
    return called("L", both(rng, p, q)), x


def reuse(rng: Random) -> tuple[Value, Value]:
    """Return a graph in which p, between the leaves and L, is used twice."""
    x, y = leaf(rng, "x", -3, 3), leaf(rng, "y", -3, 3)
    p = called("p", both(rng, x, y))
    q = called("q", rng.choice([p * p, both(rng, p, x), both(rng, p, y), one_step(rng, p)]))
    return called("L", both(rng, q, p)), rng.choice([x, y])


def neuron(rng: Random) -> tuple[Value, Value]:
    """Return a neuron of two inputs with its squared error; a sigmoid stands where it is easy, at z = 0."""
    w1, x1, w2, x2 = (leaf(rng, name, -3, 3) for name in ("w1", "x1", "w2", "x2"))
    p, q = called("p", w1 * x1), called("q", w2 * x2)
    flat = rng.random() < 0.4
    b = Value(-(p.data + q.data) if flat else float(rng.randrange(-3, 4)), label="b")
    z = called("z", called("s", p + q) + b)
    a = called("a", ops.sigmoid(z) if flat else ops.relu(z))
    y = Value(float(rng.randrange(2)), label="y")
    return called("L", called("d", a - y) ** 2.0), rng.choice([w1, x1, w2, x2, b])
