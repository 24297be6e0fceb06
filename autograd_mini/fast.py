"""The same for numbers alone, quicker: may be skipped. It records what `Op.apply` records and sweeps as `sweep` sweeps.

On floats, what happens around an op costs more than the op. Here that is cut short for Values and floats: an op of one
or two arguments fills the node in itself, and the sweep goes down the births without looking for an order first. The
ops and their rules are those that stand in the table. Whatever is not a number alone takes the plain way.

Switched off - by AUTOGRAD_MINI_FAST=0 in the environment, or by `use(False)` - everything takes the plain way: for a
walk with a debugger, and for the tests, which hold the two against each other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from operator import attrgetter, is_not
from typing import Any

from . import node as _node
from .errors import rule_error
from .node import NONE, Node, Value, check_fresh, record

Contributions = Callable[[Node, Any], Iterator[tuple[Node, Any]]]

MANY = -1  # `Op.slopes` of a sum

_new = object.__new__
_birth = _node._birth
_birth_of = attrgetter("birth")

number: Any  # the types that take the short way: float and Value, or none at all
scalar: Any


def use(on: bool) -> None:
    """Take the short way for numbers, or the plain one for everything."""
    global number, scalar
    number, scalar = (float, Value) if on else (None, None)


use(os.environ.get("AUTOGRAD_MINI_FAST") != "0")


def in_use() -> bool:
    """Return whether the short way is taken: modes see every step, so that the plain one is taken where one holds."""
    return scalar is not None and not _node.modes_in_use


# Recording ------------------------------------------------------------------------------------------------------------


def one(op: Any) -> Callable[[Any], Any]:
    """Return the row `op` as a method of its argument."""

    def method(x: Any) -> Any:
        if type(x) is not scalar or _node.modes_in_use:
            return op.apply((x,))
        try:
            data = op.scalar(x._data)
        except (ArithmeticError, ValueError):
            data = op.compute(x._data)
        y = _new(Value)
        y._data = data
        y.op = op
        y.first = x
        y.second = NONE
        y.birth = _birth()
        return y

    return method


def two(op: Any) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """Return the row `op` as a method of its left argument, and as one of its right argument."""
    compute = op.scalar

    def method(x: Any, y: Any) -> Any:
        if type(x) is not scalar or _node.modes_in_use:
            return op.apply((x, y))
        if type(y) is Value:
            b = y._data
        elif type(y) is float:
            b = y
        elif type(y) is int:
            try:
                b = y = float(y)
            except OverflowError:  # `apply` says which argument it was
                return op.apply((x, y))
        else:
            return op.apply((x, y))
        try:
            data = compute(x._data, b)
        except (ArithmeticError, ValueError):
            data = op.compute(x._data, b)
        z = _new(Value)
        z._data = data
        z.op = op
        z.first = x
        z.second = y
        z.birth = _birth()
        return z

    def reflected(y: Any, x: Any) -> Any:
        if type(x) is int:
            try:
                x = float(x)
            except OverflowError:
                return op.apply((x, y))
        if type(y) is not scalar or type(x) is not float or _node.modes_in_use:
            return op.apply((x, y))
        try:
            data = compute(x, y._data)
        except (ArithmeticError, ValueError):
            data = op.compute(x, y._data)
        z = _new(Value)
        z._data = data
        z.op = op
        z.first = x
        z.second = y
        z.birth = _birth()
        return z

    return method, reflected


def call_one(op: Any, x: Any) -> Any:
    """Call a row with one argument."""
    if type(x) is not number:
        return op.method(x)
    try:
        return op.scalar(x)
    except (ArithmeticError, ValueError):
        return op.compute(x)


def call_two(op: Any, x: Any, y: Any) -> Any:
    """Call a row with two arguments."""
    if type(x) is number and type(y) is number:
        try:
            return op.scalar(x, y)
        except (ArithmeticError, ValueError):
            return op.compute(x, y)
    return op.method(x, y) if type(x) is scalar else op.apply((x, y))


def call_flat(op: Any, *args: Any) -> Any:
    """Call a row of steps or comparisons, which rules call most often."""
    if len(args) != len(op.rules):
        args = op._bind(args, {})
    for arg in args:
        if type(arg) is not number:
            return op.apply(args)
    try:
        return op.scalar(*args)
    except (ArithmeticError, ValueError):
        return op.compute(*args)


def call_many(op: Any, *args: Any) -> Any:
    """Call a sum."""
    raw = [a._data if type(a) is scalar else a for a in args]
    for a in raw:
        if type(a) is not number:
            return op.apply(args)
    total = op.array(*raw)
    return record(op, args, total) if any(map(is_not, raw, args)) else total


# The sweep ------------------------------------------------------------------------------------------------------------


def descend(seeds: dict[Node, Any], contributions: Contributions) -> tuple[dict[Node, Any], list[Node]]:
    """Return the gradient of every node that the seeds reach, None where nothing flows; and the leaves and such nodes.

    Births in a graph are consecutive, but for what else was recorded meanwhile, so to go down them one by one is to
    visit the nodes in reverse topological order. `contributions` is the plain way to what a node sends.
    """
    grads, ends = dict(seeds), dict[Node, None]()
    pending = {node.birth: node for node in seeds}
    _descend(pending, grads, ends, contributions)
    if pending:  # of nodes that had passed already: data was assigned, or a circle closed
        for node in sorted(grads, key=_birth_of, reverse=True):
            check_fresh(node)
    return grads, list(ends)


def _descend(
    pending: dict[int, Node], grads: dict[Node, Any], ends: dict[Node, None], contributions: Contributions
) -> None:
    """Visit the pending nodes and all that they were computed from; what stays pending is younger than its user."""
    visit, get, none = pending.pop, grads.get, NONE
    birth = max(pending, default=0)
    gap = 0
    while pending:
        node = visit(birth, None)
        birth -= 1
        if node is None:
            gap += 1
            if gap > len(pending):  # the next is much older: to look among those that wait takes no longer now
                birth, gap = _leap(pending, birth, ends), 0
                if not birth:
                    return
            continue
        op, g = node.op, grads[node]
        sent: Iterable[tuple[Any, Any]] = ()
        if op is None or g is None:
            ends[node] = None
            _enter(node.args, grads, pending)
        elif type(node) is Value:
            x, y, slopes, dx = node.first, node.second, op.slopes, None
            try:
                if slopes == 2:
                    rule_x, rule_y = op.rules
                    if type(y) is float:  # a constant receives nothing
                        dx, y = rule_x(g, node._data, x._data, y), none
                    elif type(x) is float:
                        x, dx, y = y, rule_y(g, node._data, x, y._data), none
                    else:
                        dx, dy = rule_x(g, node._data, x._data, y._data), rule_y(g, node._data, x._data, y._data)
                        if type(dy) is not float:
                            dx = None
                elif slopes == 1:
                    dx = op.rules[0](g, node._data, x._data)
                elif slopes == MANY:
                    dx = op.each(g, node._data)
            except ArithmeticError:  # 1/0: the plain way has IEEE 754's answer
                dx = None
            except Exception as error:
                raise rule_error(op.name, error)  # noqa: B904 - it has its cause
            if type(dx) is not float:
                _enter(node.args, grads, pending)
                sent = contributions(node, g)
            elif slopes == MANY:
                sent = zip(node.args, repeat(dx))
            else:
                while True:  # once, or twice: y waits until x has had its own
                    before = get(x)
                    if before is None:
                        grads[x] = dx
                        pending[x.birth] = x
                    else:
                        grads[x] = before + dx  # THE `+=` of backpropagation, for one argument or two
                        if x.birth > birth:
                            pending[x.birth] = x
                    if y is none:
                        break
                    x, dx, y = y, dy, none
                continue
        else:
            _enter(node.args, grads, pending)
            sent = contributions(node, g)
        for x, dx in sent:
            if type(x) is not float:
                before = get(x)
                grads[x] = dx if before is None else before + dx  # and for any number
                pending[x.birth] = x


def _enter(args: Iterable[Any], grads: dict[Node, Any], pending: dict[int, Node]) -> None:
    """Let every argument wait for its turn, whatever is sent to it: where nothing flows, 0 is read."""
    for x in args:
        if isinstance(x, Node):
            pending[x.birth] = x
            grads.setdefault(x, None)


def _leap(pending: dict[int, Node], birth: int, ends: dict[Node, None]) -> int:
    """Return the youngest birth that waits, 0 for none older than `birth`.

    Leaves are let go first: they may be of any age, and have nothing to send.
    """
    for b in [b for b, node in pending.items() if node.op is None and b <= birth]:
        ends[pending.pop(b)] = None
    youngest = max(pending, default=0)
    return youngest if youngest <= birth else 0
