"""Made again: what made a node of leaves, for whoever asks anew what was asked of it, though it is in no record."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

MANY = 50  # nodes that are kept for a question about the last of them


class At(NamedTuple):
    """The place among the nodes of an argument that is one."""

    place: int


class MadeAgain:
    """Makes a node like one that was asked about, from the leaves that it was made of: they are not kept alive here.

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
                made.append(op.apply(tuple([made[a.place] if type(a) is At else a for a in args])))
        return made[-1]

    def leaves(self) -> Iterator[Any]:
        """Yield the leaves that are still there."""
        return (leaf for op, args in self.steps if op is None and (leaf := args[0]()) is not None)


def made_again(node: Any) -> MadeAgain | None:
    """Return what makes a node of its leaves, None where these are more nodes than are worth keeping."""
    found = {id(node): node}
    pending = [node]
    while pending:
        for arg in pending.pop().args:
            if hasattr(arg, "birth") and id(arg) not in found:
                found[id(arg)] = arg
                pending.append(arg)
        if len(found) > MANY:
            return None
    return MadeAgain(sorted(found.values(), key=attrgetter("birth")))


def _held(leaf: Any) -> tuple[Any, ...]:
    return weakref.ref(leaf), leaf._data, leaf.birth


def _key(arg: Any) -> Any:
    if isinstance(arg, np.ndarray):
        return arg.shape, arg.tobytes()
    return arg if type(arg) in (float, At) else repr(arg)
