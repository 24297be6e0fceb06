"""Unrolled: the sweep as one loop, with the rules of the commonest rows written into it, printed from the table.

On floats a call of a rule costs as much as what it computes, and finding the order as much as the sweep. Here the rules
of some rows stand in the loop itself, as `dialects` prints them, and nodes take their turn by birth as they are found:
births are consecutive, but for what else was recorded meanwhile. Every other row, and every array, is sent back the way
it always is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from .. import ops
from ..node import Node, Value, record
from ..op import ROWS, Elementwise, Op, Rule, Sum
from .dialects import UNROLLED, alone, contribution
from .prelude import words
from .run import run_source

Send = Callable[[Node, Any, dict[Node, Any]], None]
Loop = Callable[[dict[int, Node], dict[Node, Any], Send], dict[Node, None]]

COMMON: list[Op] = [  # the commonest first
    ops.mul, ops.add, ops.power, ops.add_n, ops.sub, ops.relu, ops.tanh,
    ops.neg, ops.div, ops.exp, ops.sigmoid, ops.log,
]  # fmt: skip
_rules = attrgetter("rules")

HEAD = """\
def loop(turns, grads, send):
    ends = {}
    call, get = turns.pop, grads.get
    birth = max(turns)
    missed = 0
    while turns:
        node = call(birth, None)
        birth -= 1
        if node is None:
            missed += 1
            if missed > len(turns):  # the next is much older: to look among those that wait takes no longer now
                leaves = [b for b, waiting in turns.items() if waiting.op is None and b <= birth]
                ends.update((call(b), None) for b in leaves)  # which may be of any age and need no turn
                youngest = max(turns, default=0)
                if youngest > birth:
                    break
                birth, missed = youngest, 0
            continue
        op = node.op
        if op is None:
            ends[node] = None
            continue
        g = grads[node]
        if g is None:
            ends[node] = None
        else:
            if type(node) is Value:
                try:
"""
TAIL = """\
                except (ArithmeticError, ValueError):  # floats raise where IEEE 754 has an answer; nothing was added
                    pass
            send(node, g, grads)
        for arg in node.args:
            if isinstance(arg, Node):
                turns[arg.birth] = arg
                if arg not in grads:
                    grads[arg] = None
    return ends
"""


def loop() -> Loop:
    """Return a function that sweeps back from some nodes, given by birth, with their gradients in another dict.

    It leaves the gradients of all that it reaches there, None where nothing flows, and returns the leaves and those
    without a gradient. Left in the first dict are nodes that are younger than what was made of them. Its third argument
    sends back one node's contributions.

    >>> x = Value(3.0); y = x * x; grads = {y: 1.0}
    >>> list(loop()({y.birth: y}, grads, y.op.pull)) == [x], grads[x]
    (True, 6.0)
    """
    return _loop(tuple(map(_rules, COMMON)))


@lru_cache(maxsize=4)
def _loop(rules: tuple[tuple[Rule, ...], ...]) -> Loop:
    """Return the loop for the rows with these rules: one that has been given others than the table's stays out."""
    rows = [row for row, own in zip(COMMON, rules) if all(map(_is_ours, own))]
    text = source(rows)
    called = {word: row.scalar for word in words(text) if isinstance(row := ROWS.get(word), Elementwise)}
    named = {**{f"{row.name}_row": row for row in rows}, "Node": Node, "Value": Value}
    made: Loop = run_source(text, "loop", {**called, **named})
    return made


def _is_ours(rule: Any) -> bool:
    return getattr(rule, "__module__", "") == ops.__name__


def source(rows: Sequence[Op]) -> str:
    """Return the loop in Python, with the rules of the rows in it.

    >>> print(source([ops.exp]).partition("try:")[2].partition("except")[0].rstrip())
    <BLANKLINE>
                        if op is exp_row:
                            x = node.first
                            dx = g * node._data
                            before = get(x)
                            if before is None:
                                grads[x] = dx
                                turns[x.birth] = x
                            elif x.birth > birth:
                                turns[x.birth] = x
                            else:
                                grads[x] = before + dx
                            continue
    """
    return HEAD + "".join(f"{' ' * 20}{line}\n" for row in rows for line in _case(row)) + TAIL


def _case(row: Op) -> Iterator[str]:
    """Yield the lines for one row: a constant receives nothing; of two contributions both are computed first."""
    yield f"if op is {row.name}_row:"
    if isinstance(row, Sum):
        yield "    for x in node.args:"
        yield "        if type(x) is not float:"
        yield from _added("            ", x="g")
    elif len(row.rules) == 1:
        yield "    x = node.first"
        yield from _added("    ", x=_rule(row, 0, "x._data"))
    else:
        yield "    x, y = node.first, node.second"
        yield "    if type(x) is float:"
        yield from _added("        ", y=_rule(row, 1, "x", "y._data"))
        yield "    elif type(y) is float:"
        yield from _added("        ", x=_rule(row, 0, "x._data", "y"))
        yield "    else:"
        yield from _added("        ", x=_rule(row, 0, "x._data", "y._data"), y=_rule(row, 1, "x._data", "y._data"))
    yield "    continue"


def _rule(row: Op, i: int, *names: str) -> str:
    """Return the rule for the i-th argument as an expression of the arguments' names."""
    args = [Value(1.0) for _ in names]
    with alone():
        node = record(row, tuple(args), 1.0)
    return contribution(node, i, {**dict(zip(args, names)), node: "node._data"}, "g", UNROLLED)


def _added(indent: str, **amounts: str) -> Iterator[str]:
    """Yield the lines that compute the contributions to some arguments, and then add them."""
    yield from (f"{indent}d{name} = {amount}" for name, amount in amounts.items())
    for name in amounts:
        yield f"{indent}before = get({name})"
        yield f"{indent}if before is None:"
        yield f"{indent}    grads[{name}] = d{name}"
        yield f"{indent}    turns[{name}.birth] = {name}"
        yield f"{indent}elif {name}.birth > birth:"
        yield f"{indent}    turns[{name}.birth] = {name}"
        yield f"{indent}else:"
        yield f"{indent}    grads[{name}] = before + d{name}"
