"""Decisions: what was asked of a node's data, on which a program may have branched; programs and pages check it anew.

A decision is noted with the youngest node that it is about, and with the leaves that this was made of: whoever records
from the leaves again may never hold what was looked at.
"""

from __future__ import annotations

import weakref
from _thread import RLock
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np

from . import node as _node
from .modes import caller
from .node import Node, modes, next_birth
from .notes import NOTHING

KEPT = 1000  # decisions that a leaf keeps about what was made of it
MANY = 50  # nodes that are kept for a question about the last of them

_birth_of = attrgetter("birth")
_noting = RLock()
_last = 0  # the birth of the last decision: about nodes that are younger, nothing was decided


class Decision:
    """Data that somebody looked at, and may have branched on: `text` with `args` in its {} gave `outcome`.

    `place` is the (file, line) that asked. In `args` THIS stands for the node that the decision is noted with, and a
    function is to be called with that node.
    """

    __slots__ = ("text", "args", "outcome", "birth", "place", "about")

    def __init__(
        self,
        text: str,
        args: tuple[Any, ...],
        outcome: Any,
        birth: int,
        place: tuple[str, int] | None,
        about: tuple[MadeAgain, ...] = (),
    ) -> None:
        self.text, self.args, self.outcome, self.birth, self.place = text, args, outcome, birth, place
        self.about = about  # those of the functions that make a node again which nobody may hold


THIS = object()


def tell(text: str, args: tuple[Any, ...], outcome: Any) -> None:
    """Tell the modes in force that data was looked at: `text` with `args` in its {} gave `outcome`, on which a branch
    may depend.
    """
    for mode in modes.get():
        if mode.depth:
            mode.compared(text, args, outcome)


def decide(text: str, args: tuple[Any, ...], outcome: Any, key: Any = None) -> None:
    """Tell the modes in force that data was looked at, and note it with the youngest of the nodes among `args`.

    No other would do: a node that knew of one made from it would close a circle. A function in `args` is called with
    that node. The same question, or `key`, is noted once; and not at all where a mode keeps account of decisions.
    """
    args = tuple([a.copy() if type(a) is np.ndarray else a for a in args])
    node = max((a for a in args if isinstance(a, Node)), key=_birth_of)
    if _node.modes_in_use:
        tell(text, _of(node, args), outcome)
        if any(mode.depth and mode.keeps_decisions for mode in modes.get()):
            return
    asked = text, *(a.tobytes() if type(a) is np.ndarray else a if type(a) is float else id(a) for a in args)
    place = caller()
    about_this = tuple([THIS if a is node else a for a in args])
    with _noting:
        node.note().decided[key or asked] = Decision(text, about_this, outcome, _born(), place)
    if node.op is not None:
        _note_with_leaves(text, args, outcome, key, place)


def _note_with_leaves(text: str, args: tuple[Any, ...], outcome: Any, key: Any, place: tuple[str, int] | None) -> None:
    """Note a decision with the leaves of what it was about, too: a record of them need not hold what was looked at."""
    found = {a: made_again(a) for a in args if isinstance(a, Node)}
    again = {a: made for a, made in found.items() if made is not None}
    if len(again) < len(found):
        return  # what was asked about is large, as a loss is: whoever branches on it has Branches
    about = tuple(again.values())
    youngest = again[max(again, key=_birth_of)]
    made = [again[a] if isinstance(a, Node) else partial(_then, youngest, a) if callable(a) else a for a in args]
    asked = text, repr(key), *(again[a].key if isinstance(a, Node) else () if callable(a) else repr(a) for a in args)
    decision = Decision(text, tuple(made), outcome, _born(), place, about)
    with _noting:  # threads may share leaves
        for leaf in {leaf for each in about for leaf in each.leaves()}:
            known = leaf.note().decided
            if asked not in known or not _holds(known[asked]):
                known[asked] = decision
            if len(known) > KEPT:
                del known[next(iter(known))]


def _born() -> int:
    """Return the birth of a decision that is noted now."""
    global _last
    with _noting:
        _last = next_birth()
        return _last


def _then(made: MadeAgain, function: Callable[[Any], Any], leaf: Any) -> Any:
    return function(made(leaf))


def _holds(decision: Decision) -> bool:
    """Return whether the leaves hold what they held when it was decided."""
    return all(leaf.birth < decision.birth for made in decision.about for leaf in made.leaves())


def decisions(nodes: Iterable[Node], root: Node) -> Iterator[Decision]:
    """Yield what was decided by the data of nodes before the root was recorded: it may hold for this data alone."""
    among = set(nodes)
    if min(map(_birth_of, among)) > _last:
        return
    seen: set[int] = set()
    for node in among:
        for decision in getattr(node, "_note", NOTHING).decided.copy().values():
            birth, about = decision.birth, decision.about
            if birth > root.birth or any(isinstance(a, Node) and a.birth > birth for a in decision.args):
                continue
            if about and (birth in seen or not _holds(decision) or any(made.of() in among for made in about)):
                continue  # it is noted with several leaves, or with a node that is there
            seen.add(birth)
            yield Decision(decision.text, _of(node, decision.args), decision.outcome, birth, decision.place)


def _of(node: Node, args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([node if a is THIS else a(node) if callable(a) else a for a in args])


# What makes a node again ----------------------------------------------------------------------------------------------


class At(int):
    """An argument that is a node: its place among the nodes."""


class MadeAgain:
    """Computes a node anew from its leaves, which it does not keep alive.

    A leaf that is gone counts as the number that it held.
    """

    __slots__ = ("of", "steps", "key")

    def __init__(self, nodes: list[Any]) -> None:
        at = {id(node): At(i) for i, node in enumerate(nodes)}
        self.of = weakref.ref(nodes[-1])
        self.steps = [(n.op, tuple([at.get(id(a), a) for a in n.args]) if n.op else _held(n)) for n in nodes]
        self.key = tuple([(None, args[2]) if op is None else (op.name, *map(_key, args)) for op, args in self.steps])

    def __call__(self, _: Any) -> Any:
        made: list[Any] = []
        for op, args in self.steps:
            if op is None:
                there = args[0]()
                made.append(args[1] if there is None else there)
            else:
                made.append(op.apply(tuple([made[a] if type(a) is At else a for a in args])))
        return made[-1]

    def leaves(self) -> Iterator[Any]:
        """Yield the leaves that are still there."""
        return (leaf for op, args in self.steps if op is None and (leaf := args[0]()) is not None)


def made_again(node: Any) -> MadeAgain | None:
    """Return what computes a node anew from its leaves; None where that takes more nodes than are worth keeping."""
    found = {id(node): node}
    pending = [node]
    while pending:
        for arg in pending.pop().args:
            if hasattr(arg, "birth") and id(arg) not in found:
                found[id(arg)] = arg
                pending.append(arg)
        if len(found) > MANY:
            return None
    return MadeAgain(sorted(found.values(), key=_birth_of))


def _held(leaf: Any) -> tuple[Any, ...]:
    return weakref.ref(leaf), leaf._data, leaf.birth


def _key(arg: Any) -> Any:
    if isinstance(arg, np.ndarray):
        return arg.shape, arg.tobytes()
    return arg if type(arg) in (float, At) else repr(arg)
