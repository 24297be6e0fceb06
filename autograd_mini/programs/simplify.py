"""Simplify: the same values by less work - constants computed now, what is equal computed once, x * 1 left out.

Only what changes no bit of the value is done. Gradients may be rounded otherwise: what has become one adds its
contributions before they go on, (g + h) * z in place of g * z + h * z, and x ** 2 becomes x * x, which has two of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from operator import attrgetter
from typing import Any

import numpy as np

from .. import ops
from ..node import Node, filled, leaf, record
from ..op import Op
from ..sweep import reach
from ..text.formula import Term
from .arrays.lowering import record_sweep
from .languages.call_syntax import term
from .languages.dialects import Dialect, alone, step
from .languages.listing import Line, Listing, Printed, zeros

LONGEST = 60  # characters of an expression that is written where it is used, if it is used but once

_birth = attrgetter("birth")


def simplified(listing: Listing) -> Simplified:
    """Return the listing of the same computation by less work."""
    record = Interned(listing.inputs)
    record.add(listing.nodes)
    found = record.of[listing.root]
    root = found if isinstance(found, Node) else leaf(found)
    guards = [g._replace(args=tuple([record.now(a) for a in g.args])) for g in listing.guards]
    guards = [g for g in guards if any(isinstance(a, Node) for a in g.args)]
    needed = _behind([root, *(a for g in guards for a in g.args)])
    names: dict[Node, str] = {}
    for old in listing.nodes:
        new = record.of[old]
        if isinstance(new, Node) and new.op is not None:
            names.setdefault(new, listing.names[old])
            new.label = new.label or old.label
    return Simplified(sorted(needed, key=_birth), root, listing.inputs, names, guards)


class Simplified(Listing):
    """A listing whose sweep is recorded too, and simplified together with the record."""

    def __init__(self, *listing: Any) -> None:
        super().__init__(*listing)
        self._seed = leaf(filled(self.root, 1.0))
        passing = [n for n in reversed(self.nodes) if n in self.carriers]
        with alone():
            found = record_sweep(self.root, self._seed, passing) if passing else []
        record = Interned([*self.inputs, *self.nodes, self._seed])
        record.add(sorted(_behind(found), key=_birth))
        self._gradients = {n: record.of[g] for n, g in zip(passing, found) if g is not None}
        self._names = dict(self.names)
        for n, g in self._gradients.items():
            if isinstance(g, Node):
                self._names.setdefault(g, self.bar(n))

    def printed(self, dialect: Dialect) -> Printed:
        """Return a line for what is used more than once, is long, or has a label; the rest stands where it is used."""
        results = [self.root, *(self._gradients.get(n) for n in self.inputs)]
        given = [*self.inputs, *self.captured, self._seed]
        swept = _behind(results) - {*self.nodes, *given}
        once = self._used_once([*self.nodes, *swept], results)
        names, terms = self._fresh_names(), {n: Term(self._names[n]) for n in given if n in self._names}

        def lines(nodes: Iterable[Node]) -> Iterator[Line]:
            for n in nodes:
                terms[n] = step(n, terms, dialect, dialect.forward, self.pool)
                if n not in once or len(terms[n].text) > LONGEST:
                    line = Line(self._names.get(n) or next(names), terms[n].text, False, n)
                    terms[n] = Term(line.target)
                    yield line

        forward = list(lines(n for n in self.nodes if n.op is not None))
        backward = list(lines(sorted(swept, key=_birth)))
        value, *gradients = [
            zeros(n, dialect) if r is None else term(r, terms, self.pool).text
            for n, r in zip((self.root, *self.inputs), results)
        ]
        return Printed(forward, backward, value, gradients)

    def _used_once(self, nodes: Iterable[Node], results: Sequence[Any]) -> set[Node]:
        """Return what needs no name: it is used in one place, no guard looks at it, and nobody gave it a label."""
        uses = Counter(a for n in nodes for a in n.args if isinstance(a, Node))
        uses.update(r for r in results if isinstance(r, Node))
        looked_at = {a for guard in self.guards for a in guard.args if isinstance(a, Node)}
        return {n for n, k in uses.items() if k == 1 and n not in looked_at and not n.label}

    def _fresh_names(self) -> Iterator[str]:
        taken = set(self._names.values())
        return (name for i in count(1) if (name := f"t{i}") not in taken)


def _behind(roots: Iterable[Any]) -> set[Node]:
    """Return all nodes that the roots were computed from, themselves included; what is no node is passed over."""
    return set(reach(r for r in roots if isinstance(r, Node)))


class Interned:
    """Nodes recorded again, each once: `of` says for each node which one, or which number or array, stands for it."""

    def __init__(self, given: Iterable[Node]) -> None:
        self.of: dict[Node, Any] = {n: n for n in given}
        self._seen = {_key(n.op, n.args): n for n in self.of if n.op is not None}

    def now(self, arg: Any) -> Any:
        """Return what stands for an argument."""
        return self.of[arg] if isinstance(arg, Node) else arg

    def add(self, nodes: Iterable[Node]) -> None:
        """Record nodes, oldest first; a leaf that was not given is the number or the array that it holds."""
        with alone():
            for node in nodes:
                if node not in self.of:
                    self.of[node] = self._made(node) if node.op is not None else node._data

    def _made(self, node: Node) -> Any:
        op: Op = node.op
        args = tuple([self.now(a) for a in node.args])
        if not any(isinstance(a, Node) for a in args):
            return op.compute(*args) if node.ndim else float(op.compute(*args))
        short = SHORTER[op.name](*args) if op.name in SHORTER else None
        if short is None or short.shape != node.shape or short.dtype != node.dtype:
            return self._recorded(op, args, node._data)
        return short if short in self.of or short.op is None else self._recorded(short.op, short.args, short._data)

    def _recorded(self, op: Op, args: tuple[Any, ...], data: Any) -> Node:
        key = _key(op, args)
        if key not in self._seen:
            self._seen[key] = new = record(op, args, data)
            self.of[new] = new
        return self._seen[key]


def _key(op: Op, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what two calls have in common that give the same: x + y and y + x do."""
    keys = [_content(a) for a in args]
    return (op, *(sorted(keys, key=hash) if op in (ops.add, ops.mul) else keys))


def _content(arg: Any) -> Any:
    """Return what tells an argument from every other: an array is what it holds, for its text may be cut."""
    if isinstance(arg, tuple):
        return tuple(map(_content, arg))
    if isinstance(arg, slice):
        return slice, arg.start, arg.stop, arg.step
    if isinstance(arg, np.ndarray) and arg.dtype.kind != "O":
        return arg.shape, arg.dtype.str, arg.tobytes()
    known = arg is None or isinstance(arg, (bool, int, float, str, np.generic))
    return (type(arg), repr(arg)) if known else id(arg)  # 0.0 equals -0.0, and is another


# What is written shorter without a bit's difference: x + 0 is not, for the sign of a zero.


def _is(x: Any, number: float) -> bool:
    return type(x) is float and repr(x) == repr(number)


def _argument_of(x: Any, op: Op) -> Any:
    """Return y where x is -y or the like, else None."""
    return x.args[0] if isinstance(x, Node) and x.op is op else None


def _product(x: Any, y: Any) -> Any:
    for one, other in ((x, y), (y, x)):
        if _is(one, 1.0):
            return other
        if _is(one, -1.0):
            return ops.neg(other)
    return None


def _sum(x: Any, y: Any) -> Any:
    if _is(x, -0.0) or _is(y, -0.0):
        return y if _is(x, -0.0) else x
    minus = _argument_of(y, ops.neg)
    return None if minus is None else x - minus


def _difference(x: Any, y: Any) -> Any:
    minus = _argument_of(y, ops.neg)
    return x if _is(y, 0.0) else None if minus is None else x + minus


def _power(x: Any, y: Any) -> Any:
    return x if _is(y, 1.0) else x * x if _is(y, 2.0) else None


SHORTER: dict[str, Callable[..., Any]] = {
    "mul": _product,
    "add": _sum,
    "sub": _difference,
    "div": lambda x, y: x if _is(y, 1.0) else None,
    "power": _power,
    "neg": lambda x: _argument_of(x, ops.neg),
    "identity": lambda x: x,
}
