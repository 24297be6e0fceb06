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
from functools import partial
from typing import Any

from . import node as _node
from .errors import rule_error
from .node import NONE, Node, Value, check_fresh, next_birth, record

Contributions = Callable[[Node, Any], Iterator[tuple[Node, Any]]]
Swept = tuple[list[Node], list[Any], list[int]]

MANY = -1  # `Op.slopes` of a sum

_blank: Callable[[], Any] = partial(object.__new__, Value)

number: Any  # the classes that take the short way: float and Value, or none at all
scalar: Any  # (below, x.__class__ is type(x), found quicker)


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
        if x.__class__ is not scalar or _node.modes_in_use:
            return op.apply((x,))
        try:
            data = op.scalar(x._data)
        except (ArithmeticError, ValueError):
            return op.apply((x,))
        y = _blank()
        y._data, y.op = data, op
        y.first, y.second = x, NONE
        y.birth = next_birth()
        return y

    return method


def two(op: Any) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """Return the row `op` as a method of its left argument, and as one of its right argument."""
    compute = op.scalar

    def method(x: Any, y: Any) -> Any:
        if x.__class__ is not scalar or _node.modes_in_use:
            return op.apply((x, y))
        try:
            if y.__class__ is Value:
                data = compute(x._data, y._data)
            elif y.__class__ is float or y.__class__ is int:
                y = float(y)
                data = compute(x._data, y)
            else:
                return op.apply((x, y))
        except (ArithmeticError, ValueError):  # 1/0, an integer too large for a float: it knows what to do
            return op.apply((x, y))
        z = _blank()
        z._data, z.op = data, op
        z.first, z.second = x, y
        z.birth = next_birth()
        return z

    def reflected(y: Any, x: Any) -> Any:
        if y.__class__ is not scalar or (x.__class__ is not float and x.__class__ is not int) or _node.modes_in_use:
            return op.apply((x, y))
        try:
            x = float(x)
            data = compute(x, y._data)
        except (ArithmeticError, ValueError):
            return op.apply((x, y))
        z = _blank()
        z._data, z.op = data, op
        z.first, z.second = x, y
        z.birth = next_birth()
        return z

    return method, reflected


def call_one(op: Any, x: Any) -> Any:
    """Call a row with one argument."""
    if x.__class__ is not number:
        return op.method(x)
    try:
        return op.scalar(x)
    except (ArithmeticError, ValueError):
        return op.compute(x)


def call_two(op: Any, x: Any, y: Any) -> Any:
    """Call a row with two arguments."""
    if x.__class__ is not number:
        return op.method(x, y)
    if y.__class__ is not number:
        return op.reflected(y, x)
    try:
        return op.scalar(x, y)
    except (ArithmeticError, ValueError):
        return op.compute(x, y)


def call_flat(op: Any, *args: Any) -> Any:
    """Call a row of steps or comparisons, which rules call most often."""
    if len(args) != len(op.rules):
        args = op._bind(args, {})
    for arg in args:
        if arg.__class__ is not number:
            return op.apply(args)
    try:
        return op.scalar(*args)
    except (ArithmeticError, ValueError):
        return op.compute(*args)


def call_many(op: Any, *args: Any) -> Any:
    """Call a sum."""
    if not args:  # the plain way says what is missing
        return op.apply(args)
    raw, recorded = [], False
    for a in args:
        if a.__class__ is scalar:
            a, recorded = a._data, True
        elif a.__class__ is not number:
            return op.apply(args)
        raw.append(a)
    total = op.array(*raw)
    return record(op, args, total) if recorded else total


# The sweep ------------------------------------------------------------------------------------------------------------


class Window:
    """The nodes that wait for their turn, and for each the sum of what has come in so far.

    Births in a graph are consecutive, but for what else was recorded meanwhile, so two lists with a place for each
    birth from `top` down have the nodes in reverse topological order as they are found. Those that are older than that
    wait in dictionaries, by their births.
    """

    __slots__ = ("inflow", "nodes", "older", "sums", "top")

    def __init__(self, older: dict[int, Node], sums: dict[int, Any], length: int) -> None:
        self.top = top = max(older)
        self.nodes: list[Any] = [None] * length
        self.inflow: list[Any] = [None] * length
        self.older, self.sums = older, sums
        for birth in [b for b in older if top - b < length]:
            self.nodes[top - birth] = older.pop(birth)
            self.inflow[top - birth] = sums.pop(birth)

    def wait(self, x: Node) -> None:
        """Let x wait for its turn, whatever is sent to it."""
        if self.top - x.birth < len(self.nodes):
            self.nodes[self.top - x.birth] = x
        else:
            self.older[x.birth] = x
            self.sums.setdefault(x.birth, None)

    def add(self, x: Node, dx: Any) -> None:
        """Add what is sent to x, which waits."""
        place: Any = self.top - x.birth
        sums: Any = self.inflow
        if place >= len(sums):
            sums, place = self.sums, x.birth
        sums[place] = dx if sums[place] is None else sums[place] + dx  # for all else


def descend(seeds: dict[Node, Any], contributions: Contributions) -> Swept:
    """Return the nodes that the seeds reach, youngest first; the gradient of each, None where nothing flows; and the
    places of those that are leaves or have none. `contributions` yields what a node sends in the plain way.
    """
    nodes: list[Node] = []
    grads: list[Any] = []
    ends: list[int] = []
    older = {node.birth: node for node in seeds}
    sums: dict[int, Any] = {node.birth: g for node, g in seeds.items()}
    length = 16
    while older:
        before = len(nodes)
        _descend(Window(older, sums, length), nodes, grads, ends, contributions)
        length = 16 + 2 * max(len(nodes) - before, len(older))  # a window costs no more than the nodes that are there
    return nodes, grads, ends


def _descend(
    window: Window, nodes: list[Node], grads: list[Any], ends: list[int], contributions: Contributions
) -> None:
    """Visit the nodes of a window, and all in it that they were computed from, down the births."""
    waiting, inflow, older, sums, top = window.nodes, window.inflow, window.older, window.sums, window.top
    none, length, see, note = NONE, len(waiting), nodes.append, grads.append
    for node, g in zip(waiting, inflow):  # both as they stand when the node's turn comes
        if node is None:
            continue
        op = node.op
        if op is None or g is None:
            ends.append(len(nodes))
        see(node)
        note(g)
        if op is None:
            continue
        if g is None or node.__class__ is not Value:
            _send(node, () if g is None else contributions(node, g), window)
            continue
        x, y = node.first, node.second
        here, slopes, dx = top - node.birth, op.slopes, None
        try:
            if slopes == 2:
                rule_x, rule_y = op.rules
                if y.__class__ is float:  # a constant receives nothing
                    dx, y = rule_x(g, node._data, x._data, y), none
                elif x.__class__ is float:
                    x, dx, y = y, rule_y(g, node._data, x, y._data), none
                else:
                    z, a, b = node._data, x._data, y._data
                    dx, dy = rule_x(g, z, a, b), rule_y(g, z, a, b)
                    if dy.__class__ is not float:
                        dx = None
            elif slopes == 1:
                dx = op.rules[0](g, node._data, x._data)
            elif slopes == MANY:
                dx = op.each(g, node._data)
        except ArithmeticError:  # 1/0: the plain way has IEEE 754's answer
            dx = None
        except Exception as error:
            raise rule_error(op.name, error)  # noqa: B904 - it has its cause
        if dx.__class__ is not float:
            _send(node, contributions(node, g), window)
        elif slopes == MANY:
            _share(node, dx, window)
        else:
            while True:  # once, or twice: y waits until x has had its own
                place = top - x.birth
                if place <= here:
                    check_fresh(node)
                if place < length:
                    before = inflow[place]
                    if before is None:
                        waiting[place], inflow[place] = x, dx
                    else:
                        inflow[place] = before + dx  # THE `+=` of backpropagation, for an op of one argument or two
                else:
                    birth = x.birth
                    before = sums.get(birth)
                    if before is None:
                        older[birth], sums[birth] = x, dx
                    else:
                        sums[birth] = before + dx  # of one that is older
                if y is none:
                    break
                x, dx, y = y, dy, none


def _share(node: Node, dx: float, window: Window) -> None:
    """Send the same to every argument of a sum, as the loop above does; one loop for both would cost 8 % of a sweep."""
    waiting, inflow, older, sums, top = window.nodes, window.inflow, window.older, window.sums, window.top
    here, length = top - node.birth, len(waiting)
    for x in node.args:
        if x.__class__ is not float:
            place = top - x.birth
            if place <= here:
                check_fresh(node)
            if place < length:
                before = inflow[place]
                waiting[place], inflow[place] = x, dx if before is None else before + dx
            else:
                before = sums.get(x.birth)
                older[x.birth], sums[x.birth] = x, dx if before is None else before + dx


def _send(node: Node, sent: Iterable[tuple[Node, Any]], window: Window) -> None:
    """Let every argument of a node wait for its turn, and add what is sent."""
    for x in node.args:
        if isinstance(x, Node):
            if x.birth >= node.birth:
                check_fresh(node)
            window.wait(x)
    for x, dx in sent:
        window.add(x, dx)
