"""Formulas: a record written as the expression that it is, in Python's notation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .node import Node
from .op import Elementwise, Op, Variadic
from .sweep import order

Names = Mapping[Node, str]

# How tightly an expression binds: an argument that binds less tightly than its place asks for gets parentheses.
SUM, PRODUCT, SIGN, POWER, ATOM = range(5)
LEVELS = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "%": PRODUCT, "@": PRODUCT, "**": POWER}


class Term(NamedTuple):
    """A piece of a formula: its text, how tightly it binds, and its number where it is one."""

    text: str
    level: int = ATOM
    number: float | None = None

    def at(self, level: int) -> str:
        """Return the text for a place that asks for at least `level`."""
        return self.text if self.level >= level else f"({self.text})"


def text(root: Any, names: Names | None = None) -> str:
    """Return how `root` was computed, down to the nodes in `names` and to labelled or unnamed leaves.

    >>> from autograd_mini import Value
    >>> x = Value(2.0, label="x"); text((x + 1) ** 2 * -x.sin())
    '(x + 1) ** 2 * -sin(x)'
    """
    if not isinstance(root, Node):
        return _term(root, {}).text
    names = names or {}
    terms: dict[Node, Term] = {}
    for node in reversed(order(root)):  # oldest first, so that the arguments are there
        terms[node] = Term(names[node]) if node in names and node is not root else _written(node, terms)
    return terms[root].text


def equation(node: Node, names: Names) -> str:
    """Return the one step that computed `node`, with its arguments by name: `c = a * b`."""
    terms = {a: Term(names[a]) for a in node.args if isinstance(a, Node)}
    return f"{names[node]} = {_written(node, terms).text}" if node.op else names[node]


def names_of(nodes: Iterable[Node], known: Names | None = None, root: Node | None = None) -> dict[Node, str]:
    """Return a name for every node: its label, else the one in `known`, else v1, v2, ... by age (L for the root).

    >>> from autograd_mini import Value
    >>> x = Value(2.0, label="x"); y = x * x + 1
    >>> list(names_of(order(y), root=y).values())
    ['x', 'v1', 'L']
    """
    names: dict[Node, str] = {}
    given = {node: node.label or (known or {}).get(node, "") for node in sorted(nodes, key=lambda node: node.birth)}
    taken = set(given.values())
    fresh = (name for i in range(1, 2 * len(given) + 2) if (name := f"v{i}") not in taken)
    used: set[str] = set()
    for node, name in given.items():
        if not name:
            name = "L" if node is root and "L" not in taken else next(fresh)
        names[node] = _distinct(name, used | (taken - {name}))
        used.add(names[node])
    return names


def _distinct(name: str, used: set[str]) -> str:
    """Return the name, with a number where another node already has it."""
    i, distinct = 1, name
    while distinct in used:
        i += 1
        distinct = f"{name}_{i}"
    return distinct


def number(x: float) -> str:
    """Return a number as short as it can be written without loss: 2 for 2.0."""
    return repr(int(x)) if x == int(x) and abs(x) < 1e15 else repr(float(x)) if np.isfinite(x) else str(float(x))


def _term(arg: Any, terms: Mapping[Node, Term]) -> Term:
    if isinstance(arg, Node):
        return terms[arg]
    if isinstance(arg, float):
        shown = repr(arg) if not np.isfinite(arg) else number(arg)
        return Term(shown, SIGN if shown.startswith("-") else ATOM, arg)
    if isinstance(arg, np.ndarray):
        entries = np.array2string(arg, separator=", ", precision=6).replace("\n", "")
        return Term(entries if arg.size <= 6 else f"array{arg.shape}".replace(",)", ")"))
    return Term(repr(arg))


def _written(node: Node, terms: Mapping[Node, Term]) -> Term:
    op = node.op
    if op is None:
        return Term(node.label) if node.label else _term(node._data, terms)
    args = [_term(a, terms) for a in node.args]
    if op.name in WRITERS:
        return WRITERS[op.name](*args)
    if isinstance(op, Variadic) and op.text:
        return Term(op.text.join(a.at(SUM) if i == 0 else a.at(PRODUCT) for i, a in enumerate(args)), SUM)
    if op.symbol in LEVELS and len(args) == 2:
        return _infix(op.symbol, *args)
    if isinstance(op, Elementwise):
        return Term(op.text.format(*(a.text for a in args)))
    if op.name == "getitem":
        return Term(f"{args[0].at(ATOM)}[{_index(node.args[1])}]")
    return Term(_call(op, node.args, args))


def _infix(symbol: str, x: Term, y: Term) -> Term:
    level = LEVELS[symbol]
    if symbol == "**":
        return Term(f"{x.at(ATOM)} ** {y.at(SIGN)}", POWER)
    return Term(f"{x.at(level)} {symbol} {y.at(level + 1)}", level)


def _call(op: Op, args: tuple[Any, ...], terms: list[Term]) -> str:
    """Return a call with settings by name, and without those that have their default."""
    if isinstance(op, Variadic):
        return f"{op.name}({', '.join(t.text for t in terms)})"
    shown = [
        t.text if op.rule(i) is not None else f"{param}={t.text}"
        for i, (param, t) in enumerate(zip(op.params, terms))
        if op.rule(i) is not None or param not in op.defaults or args[i] is not op.defaults[param]
    ]
    return f"{op.name}({', '.join(shown)})"


def _index(index: Any) -> str:
    def part(i: Any) -> str:
        if isinstance(i, slice):
            ends = ":".join("" if e is None else str(e) for e in (i.start, i.stop, i.step))
            return ends[:-1] if i.step is None else ends
        return "..." if i is Ellipsis else _term(i, {}).text

    return ", ".join(map(part, index)) if isinstance(index, tuple) else part(index)


# What is written shorter than it is computed: 1 * x is x, x ** 1 is x. The record itself is never changed.


def _negative(x: Term) -> Term:
    if x.text.startswith("-") and x.level in (SIGN, PRODUCT):
        return Term(x.text[1:], ATOM if x.level == SIGN else x.level)
    return Term(f"-{x.at(SIGN + 1)}", SIGN) if x.level != PRODUCT else Term(f"-{x.text}", PRODUCT)


def _sum(x: Term, y: Term) -> Term:
    if x.number == 0.0 or y.number == 0.0:
        return y if x.number == 0.0 else x
    return _infix("+", x, y)


def _difference(x: Term, y: Term) -> Term:
    if y.number == 0.0:
        return x
    return _negative(y) if x.number == 0.0 else _infix("-", x, y)


def _product(x: Term, y: Term) -> Term:
    for one, other in ((x, y), (y, x)):
        if one.number == 1.0:
            return other
        if one.number == -1.0:
            return _negative(other)
    return _infix("*", x, y)


def _quotient(x: Term, y: Term) -> Term:
    return x if y.number == 1.0 else _infix("/", x, y)


def _power(x: Term, y: Term) -> Term:
    return x if y.number == 1.0 else Term("1", ATOM, 1.0) if y.number == 0.0 else _infix("**", x, y)


WRITERS: dict[str, Callable[..., Term]] = {
    "neg": _negative, "add": _sum, "sub": _difference, "mul": _product, "div": _quotient, "power": _power,
    "identity": lambda x: x,
}  # fmt: skip
