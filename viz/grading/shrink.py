"""The smallest exercise that still fails in the same way: leave out, take apart, make plain, as long as it fails.

Greedy, after Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (2002): large pieces first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain

from .exercise import FORWARD, ONCE, Call, Exercise, is_reused, substituted

FEW = 8  # calls of an exercise that is small enough to try everything
PLAIN = {1: "neg", 2: "add"}  # the op that an inner call is replaced by, by the number of its arguments


def shrink(exercise: Exercise, fails: Callable[[Exercise], bool], tries: int) -> Exercise:
    """Return the smallest exercise found, with at most so many tries, of which `fails` holds as it does of this one.

    It is asked of, and returned, with the names that `renamed` gives.

    >>> from .exercise import exercise
    >>> long = exercise(lambda a, b: ((a + b) * -a) ** 2 + b, 1.5, 0.5)
    >>> shrink(long, lambda e: any(call.op == "mul" for call in e.calls), 100).script
    'leaf a 2.0; leaf b 3.0; call L mul a b; show a b L'
    """
    tried: set[str] = set()
    smaller = True
    while smaller:
        smaller = False
        for candidate in chain(simpler(exercise), plainer(exercise)):
            script = candidate.script
            if script in tried or not (candidate.calls and (renamed := candidate.renamed()).is_sound()):
                continue
            if len(tried) == tries:
                return exercise.renamed()
            tried.add(script)
            if fails(renamed):
                exercise, smaller = candidate, True
                break
    return exercise.renamed()


def simpler(e: Exercise) -> Iterator[Exercise]:
    """Yield the exercises with fewer calls (one at least), those with the fewest first, then those that do less."""
    size = len(e.calls) // 2
    while size:
        for start in range(len(e.calls) - size, -1, -size):
            yield from bypassed(e, start, start + size)
        size //= 2
    if 1 < len(e.calls) <= FEW:
        yield from (cut(e, i) for i in range(len(e.calls) - 1))
        joined = merged(e) if is_reused(e) else ()  # otherwise a fault would be found that was not there
        yield from (shorter for other in joined for i in range(len(e.calls)) for shorter in bypassed(other, i, i + 1))
    for plan in (FORWARD, ONCE):
        if len(plan) < len(e.plan):
            yield replace(e, plan=plan)


def plainer(e: Exercise) -> Iterator[Exercise]:
    """Yield exercises with as many calls that are easier to follow: a leaf for each use, plain ops, plain numbers."""
    if len(e.calls) <= FEW:
        yield from split(e)
        if len(e.calls) > 1:
            yield from plain_ops(e)
    yield from plain_numbers(e)


def bypassed(e: Exercise, start: int, stop: int) -> Iterator[Exercise]:
    """Yield the exercise where each of these calls gives way to one of its arguments: all to the first, or the last."""
    for end in (0, -1):
        names: dict[str, str] = {}
        for call in e.calls[start:stop]:
            argument = [a for a in call.args if isinstance(a, str)][end]
            names[call.name] = names.get(argument, argument)
        rest = substituted(e.calls[:start] + e.calls[stop:], names)
        if rest:
            yield used(replace(e, calls=rest), names.get(e.root, e.root))


def cut(e: Exercise, i: int) -> Exercise:
    """Return the exercise where the i-th call is a leaf that holds its result."""
    call = e.calls[i]
    value = e.nodes()[call.name].item()
    return used(replace(e, leaves={**e.leaves, call.name: value}, calls=e.calls[:i] + e.calls[i + 1 :]), e.root)


def merged(e: Exercise) -> Iterator[Exercise]:
    """Yield the exercises where one leaf is used in place of another, too."""
    for kept in e.leaves:
        for gone in e.leaves:
            if gone != kept:
                yield used(replace(e, calls=substituted(e.calls, {gone: kept})), e.root)


def split(e: Exercise) -> Iterator[Exercise]:
    """Yield the exercises where one of several uses of a leaf has a leaf of its own."""
    uses = [(i, k, arg) for i, call in enumerate(e.calls) for k, arg in enumerate(call.args) if arg in e.leaves]
    for i, k, arg in uses:
        if sum(other == arg for *_, other in uses) > 1:
            fresh = f"{arg}{i}{k}_"
            args = (*e.calls[i].args[:k], fresh, *e.calls[i].args[k + 1 :])
            calls = (*e.calls[:i], e.calls[i]._replace(args=args), *e.calls[i + 1 :])
            yield replace(e, leaves={**e.leaves, fresh: e.leaves[str(arg)]}, calls=calls)


def plain_ops(e: Exercise) -> Iterator[Exercise]:
    """Yield the exercises where one call does the plainest op there is."""
    for i, call in enumerate(e.calls):
        plain = PLAIN[len(call.args)]
        if call.op != plain:
            yield replace(e, calls=(*e.calls[:i], call._replace(op=plain), *e.calls[i + 1 :]))


def plain_numbers(e: Exercise) -> Iterator[Exercise]:
    """Yield the exercises where one leaf holds a plain number: 2 for the first, 3 for the second, or minus that."""
    for i, name in enumerate(e.as_used()):
        for plain in (i + 2.0, -i - 2.0):
            if e.leaves[name] == plain:
                break
            yield replace(e, leaves={**e.leaves, name: plain})


def used(e: Exercise, root: str) -> Exercise:
    """Return the exercise of `root`, with the calls and leaves that it rests on and no others."""
    needed = {root}
    calls: list[Call] = []
    for call in reversed(e.calls):
        if call.name in needed:
            needed.update(a for a in call.args if isinstance(a, str))
            calls.append(call)
    return replace(e, leaves={k: v for k, v in e.leaves.items() if k in needed}, calls=tuple(reversed(calls)))
