"""Levels 8 and 9: a sweep with a famous mistake whose first wrong step is to be found, and a gradient that is wrong."""

from __future__ import annotations

import textwrap
from random import Random

from autograd_mini import Value
from autograd_mini.text.explanation import Explanation, explain

from ..stepping.mistakes import Comparison, Sent, compare, mistakes
from . import graphs
from .question import Question
from .slips import slips_of

WIDTH = 90  # letters of a line
LONGEST = 10  # steps of a sweep to be looked through
IN_TURN = (
    "a node sends once, when all that uses it has sent: local derivative times its complete gradient; what comes is "
    "added (+=), and before a new sweep the gradients are 0."
)
EARLY = "up to that step all is right; go on."
LATE = "look further up: a step before it is wrong already."


def first_wrong_step(rng: Random, code: str) -> Question:
    """Return a sweep with a mistake, as a list of steps; the number of the first wrong one is asked for."""
    root, found = _spoiled(rng)
    first = found.first_difference
    assert first is not None
    right, count = first.wrong + 1, len(found.wrong)
    lines = tuple(f"{i}. {_sent(sent, found.names)}" for i, sent in enumerate(found.wrong, 1))
    slips = {(float(i),): EARLY if i < right else LATE for i in range(1, count + 1) if i != right}
    reason = map(_lines, (f"Step {right}. {first.sentence}", f"The mistake: {found.title}. {found.idea}", ""))
    steps = "\n".join((*reason, str(explain(root, names={}))))
    return Question(
        code, (*graphs.given_lines(root), "Somebody sweeps back from L, where dL/dL = 1:", *lines),
        "Which step is the first wrong one? Give its number.", (float(right),),
        (IN_TURN, "work out who may send first, and compare step by step."), steps, slips, ("step",), root=root,
    )  # fmt: skip


def _lines(text: str) -> str:
    """Return a sentence in lines that a sheet holds."""
    return textwrap.fill(text, WIDTH)


def _spoiled(rng: Random) -> tuple[Value, Comparison]:
    """Return a graph, and a sweep over it in which a mistake does harm."""
    while True:
        root, _ = graphs.sound(rng.choice([graphs.two_paths, graphs.reuse]), rng)
        found = compare(root, rng.choice(list(mistakes)), names={})
        if found.first_difference is not None and len(found.wrong) <= LONGEST:
            return root, found


def _sent(sent: Sent, names: tuple[str, ...]) -> str:
    """Return a step of a sweep in words."""
    user, target = names[sent.user], names[sent.target]
    return f"{user} sends {sent.amount + 0.0:.10g} to {target}: then dL/d{target} = {sent.after + 0.0:.10g}"  # type: ignore[operator]


def wrong_gradient(rng: Random, code: str) -> Question:
    """Return a graph with all its gradients, of which one is wrong; its name is asked for."""
    root, _ = graphs.sound(rng.choice([graphs.two_paths, graphs.reuse, graphs.neuron]), rng)
    told = explain(root, names={})
    steps = [step for step in told if step.node is not root]
    spoiled = rng.choice(steps)
    assert isinstance(spoiled.node, Value)
    wrong, words = rng.choice(sorted(slips_of(root, spoiled.node).items()))
    said = {step.name: float(step.upstream) for step in reversed(steps)} | {spoiled.name: wrong[0]}
    gradients = tuple(f"dL/d{name} = {g + 0.0:.10g}" for name, g in said.items())
    slips = {step.name: f"dL/d{step.name} is right: {_sum(told, step.name)}." for step in steps if step is not spoiled}
    reason = _lines(f"dL/d{spoiled.name} = {_sum(told, spoiled.name)}, not {wrong[0] + 0.0:.10g}: {words}")
    return Question(
        code, (*graphs.given_lines(root), "Somebody found, with dL/dL = 1:", *gradients),
        "One of these gradients is wrong. Which? Give the name.", spoiled.name,
        ("the chain rule, once for each: the sum, over all that use it, of local derivative times gradient.",
         "begin at L and go back: each gradient needs only those of the nodes that use it."),
        f"{reason}\n\n{told}", slips, ("the wrong one: dL/d",), tuple(said), root=root,
    )  # fmt: skip


def _sum(told: Explanation, name: str) -> str:
    """Return a gradient as the sum of what comes: 1 * 3 + 2 * 4 = 11."""
    sent = [c for step in told for c in step.contributions if c.argument == name]
    terms = " + ".join(f"{c.upstream:.10g} * {c.local:.10g}" for c in sent)
    return f"{terms} = {sent[-1].after:.10g}"
