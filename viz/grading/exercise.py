"""An exercise: a small graph as plain data, and what is done with it. Any engine can play it."""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import Any, NamedTuple

from autograd_mini import Node, Value, ops
from autograd_mini.op import contribution
from autograd_mini.sweep import order, receivers
from autograd_mini.text.formula import names_of

from .pupil import Play, Row

Number = float | str  # a float, or in words what stood in its place
LARGEST = 1e20  # of the numbers in an exercise; 2**60 is one of them
SHOWN = 60  # nodes that are asked for; of larger graphs, the leaves and the root

FORWARD: tuple[str, ...] = ()
ONCE = ("backward",)
TWICE = ("backward", "backward")
TWO_GRAPHS = ("backward", "record", "backward")
RESET = ("backward", "zero", "record", "backward")


class Call(NamedTuple):
    """A step of the graph: `name` is `op` of arguments, which are names and constants."""

    name: str
    op: str
    args: tuple[str | float, ...]


class Numbers(NamedTuple):
    """What an engine answers for one node."""

    data: Number
    grad: Number


@dataclass(frozen=True)
class Exercise:
    """Leaves with their values, the calls in their order, and the plan: record, then what the plan says."""

    leaves: Mapping[str, float]
    calls: tuple[Call, ...]
    plan: tuple[str, ...] = ONCE

    @property
    def root(self) -> str:
        """The name of the last node."""
        return self.calls[-1].name if self.calls else list(self.leaves)[-1]

    @property
    def names(self) -> list[str]:
        """The names of all nodes, leaves first."""
        return [*self.leaves, *(call.name for call in self.calls)]

    def as_used(self) -> list[str]:
        """Return the leaves in the order in which the calls use them."""
        mentioned = [arg for call in self.calls for arg in call.args if isinstance(arg, str) and arg in self.leaves]
        return list(dict.fromkeys([*mentioned, *self.leaves]))

    @cached_property
    def script(self) -> str:
        """The exercise as the statements of a script."""
        record = [f"call {call.name} {call.op} {' '.join(map(str, call.args))}" for call in self.calls]
        does = {"record": record, "backward": [f"backward {self.root}"], "zero": [f"zero {' '.join(self.leaves)}"]}
        leaves = [f"leaf {name} {value!r}" for name, value in self.leaves.items()]
        names = self.names if len(self.names) <= SHOWN else [*self.leaves, self.root]
        steps = [statement for word in ("record", *self.plan) for statement in does[word]]
        return "; ".join([*leaves, *steps, f"show {' '.join(names)}"])

    @cached_property
    def right(self) -> dict[str, Numbers]:
        """What our engine answers."""
        return numbers(Play(Value, ops).perform(self.script))

    @cached_property
    def scale(self) -> Numbers:
        """How large the numbers are that data and gradients are made of: those that cancel count too.

        >>> exercise(lambda a: a / a, 0.01).right["a"].grad, round(exercise(lambda a: a / a, 0.01).scale.grad)
        (0.0, 200)
        """
        nodes = order(self.nodes()[self.root])
        mass = dict.fromkeys(nodes, 0.0) | {nodes[0]: float(max(self.plan.count("backward"), 1))}
        for node in nodes:
            for i in receivers(node):
                mass[node.args[i]] += abs(contribution(node, i, mass[node]))
        return Numbers(max(abs(node.item()) for node in nodes), max(mass.values()))

    def nodes(self) -> dict[str, Node]:
        """Return the graph as it is recorded by our engine, by name."""
        play = Play(Value, ops)
        play.perform(replace(self, plan=FORWARD).script)
        return play.nodes

    def is_sound(self) -> bool:
        """Whether every right number is finite and small enough to be compared."""
        return all(math.isfinite(float(x)) and abs(float(x)) < LARGEST for row in self.right.values() for x in row)

    def renamed(self) -> Exercise:
        """Return the exercise with the names a, b, c for the leaves, v1, v2 for what comes between, and L."""
        fresh = [f"v{i + 1}" for i in range(len(self.calls) - 1)] + ["L"] * bool(self.calls)
        called = {**dict(zip(self.as_used(), letters())), **dict(zip((c.name for c in self.calls), fresh))}
        values = {called[name]: self.leaves[name] for name in self.as_used()}
        return replace(self, leaves=values, calls=substituted(self.calls, called))


def letters() -> Iterator[str]:
    """Yield a, b, c, ..., z, a1, b1, ...

    >>> names = letters(); [next(names) for _ in range(28)][-3:]
    ['z', 'a1', 'b1']
    """
    return (f"{letter}{i or ''}" for i in count() for letter in "abcdefghijklmnopqrstuvwxyz")


def substituted(calls: tuple[Call, ...], names: Mapping[Any, str]) -> tuple[Call, ...]:
    """Return the calls with other names for nodes; constants are no names, and stay."""
    get = names.get
    return tuple([Call(get(c.name, c.name), c.op, tuple([get(a, a) for a in c.args])) for c in calls])


def uses(e: Exercise) -> Counter[str]:
    """Return how often each node is an argument."""
    return Counter(arg for call in e.calls for arg in call.args if isinstance(arg, str))


def is_reused(e: Exercise) -> bool:
    """Whether any node is used more than once."""
    return any(n > 1 for n in uses(e).values())


def is_shared(e: Exercise) -> bool:
    """Whether a node that is no leaf is used more than once."""
    used = uses(e)
    return any(used[call.name] > 1 for call in e.calls)


def exercise(function: Callable[..., Any], *values: float, plan: tuple[str, ...] = ONCE) -> Exercise:
    """Return the exercise that a function of nodes records, its leaves named as its parameters.

    >>> exercise(lambda a, b: a * b + 1, 2.0, 3.0).script
    'leaf a 2.0; leaf b 3.0; call v1 mul a b; call L add v1 1.0; backward L; show a b v1 L'
    """
    leaves = [Value(value, label=name) for name, value in zip(inspect.signature(function).parameters, values)]
    root = function(*leaves)
    nodes = order(root)[::-1]
    names = names_of(nodes, root=root)
    calls = tuple(
        Call(names[n], n.op.name, tuple(names[a] if isinstance(a, Node) else float(a) for a in n.args))
        for n in nodes
        if n.op is not None
    )
    return Exercise({names[n]: n.item() for n in nodes if n.op is None}, calls, plan)


def numbers(rows: list[Row]) -> dict[str, Numbers]:
    """Return the rows of an answer by name."""
    return {name: Numbers(_read(data), _read(grad)) for name, data, grad in rows}


def _read(text: str) -> Number:
    try:
        return float.fromhex(text)
    except (ValueError, OverflowError):
        return text
