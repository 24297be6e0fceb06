"""A learner's own sweep: what it writes to which gradient, in its order, beside what the right sweep sends."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from autograd_mini.text.explanation import explain

from .diagnosis import close
from .exercise import FORWARD, ONCE, Exercise, Number
from .sandbox import Problem, Sandbox

LONGEST = 60  # writes, or nodes, that are still worth reading


class Write(NamedTuple):
    """The gradient of a node is set to a number; `fits` says that what is added is what a right sweep sends there."""

    name: str
    grad: Number
    fits: bool


class Sent(NamedTuple):
    """What the right sweep sends: `amount` from `step` to `name`, whose gradient is then `after`."""

    step: str
    name: str
    amount: float
    after: float


def right_sweep(exercise: Exercise) -> list[Sent]:
    """Return what the right sweep sends, in its order.

    >>> from .exercise import exercise
    >>> right_sweep(exercise(lambda a: a * a, 3.0))
    [Sent(step='L', name='a', amount=3.0, after=3.0), Sent(step='L', name='a', amount=3.0, after=6.0)]
    """
    nodes = exercise.nodes()
    steps = explain(nodes[exercise.root], names={node: name for name, node in nodes.items()})
    return [
        Sent(step.name, sent.argument, float(sent.amount), float(sent.after))
        for step in steps
        for sent in step.contributions
    ]


def own_sweep(exercise: Exercise, sandbox: Sandbox) -> list[Write]:
    """Return what the engine in a sandbox writes to the gradients of a graph that is recorded and swept once.

    Empty where the engine does not get so far, keeps its gradients elsewhere, or writes too often to be read; and where
    the graph is too large to be.
    """
    if exercise.plan != ONCE or len(exercise.names) > LONGEST:
        return []
    recorded = replace(exercise, plan=FORWARD).script.rpartition("; show")[0]
    said = sandbox.ask(f"{recorded}; trace; backward {exercise.root}; traced")
    if isinstance(said, Problem) or len(said) > LONGEST:
        return []
    return judged([(key.partition(" ")[2], row.grad) for key, row in said.items()], exercise)


def judged(writes: list[tuple[str, Number]], exercise: Exercise) -> list[Write]:
    """Say of each write whether it adds something that the right sweep sends to that node and that is still due.

    The order is the engine's own affair: whatever order sends the right amounts is right.

    >>> from .exercise import exercise
    >>> [write.fits for write in judged([("L", 1.0), ("a", 3.0), ("a", 3.0)], exercise(lambda a: a * a, 3.0))]
    [True, True, False]
    """
    due = {name: [sent.amount for sent in right_sweep(exercise) if sent.name == name] for name in exercise.names}
    due[exercise.root].append(1.0)
    held: dict[str, float] = dict.fromkeys(exercise.names, 0.0)
    return [Write(name, grad, _fits(name, grad, due[name], held)) for name, grad in writes]


def _fits(name: str, grad: Number, due: list[float], held: dict[str, float]) -> bool:
    """Whether a write is expected, which is then no longer due; to set a gradient to 0 is no contribution."""
    if isinstance(grad, str):
        return False
    added, held[name] = grad - held[name], grad
    if grad == 0.0 and not added:
        return True
    for amount in (amount for amount in due if close(added, amount)):
        due.remove(amount)
        return True
    if due and close(added, sum(due)):
        due.clear()
        return True
    return False
