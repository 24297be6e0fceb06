"""Formulas: a record written as the expression that it is, in Python's notation or in that of a kind of `Term`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from ..errors import AutogradError
from ..node import Node
from ..op import Elementwise, Op, Variadic
from .names import given_names

Names = Mapping[Node, str]
Writers = Mapping[str, Callable[..., "Term"]]

LONGEST = 10_000  # characters of a formula
LONGEST_NAME = 40
ENTRIES = 6  # of an array that are written out

# How tightly an expression binds: an argument that binds less tightly than its place asks for gets parentheses. To
# Python a remainder binds like a product; here it binds less, so that nobody has to know how a % b * c is read.
SUM, REMAINDER, PRODUCT, SIGN, POWER, ATOM = range(6)
INFIX = {  # how tightly the result binds, and what it asks of its left and of its right argument
    "+": (SUM, SUM, REMAINDER), "-": (SUM, SUM, REMAINDER),
    "%": (REMAINDER, PRODUCT, SIGN), "//": (REMAINDER, PRODUCT, SIGN),
    "*": (PRODUCT, PRODUCT, SIGN), "/": (PRODUCT, PRODUCT, SIGN), "@": (PRODUCT, PRODUCT, SIGN),
    "**": (POWER, ATOM, SIGN),
}  # fmt: skip

_OPERATOR = re.compile(r"[\s+\-*/%@<>=!~&|^,;:]")  # what makes a name look like more than one thing
_INDEX = re.compile(r"(?<=[\w\])])\[[^\[\]]*\]")  # but for what stands in brackets after it, as in W[1][0,2]
_birth = attrgetter("birth")


class FormulaError(AutogradError, ValueError):
    """A formula too long for anyone to read."""


class Term(NamedTuple):
    """A piece of a formula: its text, how tightly it binds, and its number where it is one.

    A class derived from it is another notation: it says how a number, a name, a setting, a call are written in it.
    """

    text: str
    level: int = ATOM
    number: float | None = None

    def at(self, level: int) -> str:
        """Return the text for a place that asks for at least `level`."""
        return self.text if self.level >= level else f"({self.text})"

    def infix(self, symbol: str, other: Term) -> Term:
        """Return what stands with `symbol` between this term and another."""
        level, left, right = INFIX[symbol]
        return type(self)(f"{self.at(left)} {symbol} {other.at(right)}", level)

    @classmethod
    def of(cls, x: float) -> Term:
        """Return a number as a term."""
        shown = number(x)
        return cls(shown, SIGN if shown.startswith("-") else ATOM, x)

    @classmethod
    def named(cls, name: str) -> Term:
        """Return a node by name; one that reads like an expression, as people like to label, is treated as a sum."""
        return cls(name, SUM if _OPERATOR.search(_INDEX.sub("", name)) else ATOM)

    @classmethod
    def plain(cls, text: str) -> str:
        """Return what is no mathematics: an axis, an index, the shape of an array that is not written out."""
        return text

    @classmethod
    def call(cls, name: str, args: Iterable[str]) -> Term:
        """Return a call of the row `name`."""
        return cls(f"{name}({', '.join(args)})")


def text(root: Any, names: Names | None = None) -> str:
    """Return how `root` was computed, down to the nodes in `names` and to the leaves, by label or by number.

    What is used twice is written twice. FormulaError where that takes more than 10,000 characters: name a node in
    between, or read the steps one by one with `explain`.

    >>> from autograd_mini import Value
    >>> x = Value(2.0, label="x"); text((x + 1) ** 2 * -x.sin())
    '(x + 1) ** 2 * -sin(x)'
    """
    return _formula(root, names or {}, WRITERS)


def short_text(root: Any, names: Names | None = None) -> str:
    """Return `text` without what changes nothing, as 1 * x or x ** 1: derivatives are full of it.

    >>> from autograd_mini import Value
    >>> x = Value(2.0, label="x"); y = -1 * x**1 + 0
    >>> text(y), short_text(y)
    ('-1 * x ** 1 + 0', '-x')
    """
    return _formula(root, names or {}, SHORTER)


def _formula(root: Any, names: Names, writers: Writers, kind: type[Term] = Term) -> str:
    if not isinstance(root, Node):
        return _term(root, {}, kind).text
    terms: dict[Node, Term] = {}
    for node in _parts(root, names):
        ends = _ends(node, root, names)
        terms[node] = kind.named(names[node]) if ends else _written(node, terms, writers, kind)
        if len(terms[node].text) > LONGEST:
            raise FormulaError(
                f"the formula has more than {LONGEST} characters: give names to nodes in between, "
                "text(root, {node: 'h'}), or read it step by step with explain(root)"
            )
    return terms[root].text


def _ends(node: Node, root: Node, names: Names) -> bool:
    return node in names and (node is not root or node.op is None)


def _parts(root: Node, names: Names) -> list[Node]:
    """Return the nodes that a formula of `root` mentions, oldest first: those behind a name are not among them."""
    found, seen = [root], {root}
    for node in found:
        for arg in () if _ends(node, root, names) else node.args:
            if isinstance(arg, Node) and arg not in seen:
                seen.add(arg)
                found.append(arg)
    return sorted(found, key=_birth)


def equation(node: Node, names: Names) -> str:
    """Return the one step that computed `node`, with its arguments by name: `c = a * b`.

    >>> from autograd_mini import Value
    >>> a = Value(2.0); b = a * a + 1
    >>> equation(b, {a: "a", b: "b", b.args[0]: "v"})
    'b = v + 1'
    """
    return _equation(node, names, WRITERS)


def _equation(node: Node, names: Names, writers: Writers, kind: type[Term] = Term) -> str:
    terms = {a: kind.named(names[a]) for a in node.args if isinstance(a, Node)}
    name = kind.named(names[node]).text
    return f"{name} = {_written(node, terms, writers, kind).text}" if node.op else name


def derivative(of: str, by: str) -> str:
    """Return how a derivative is written; a name that reads like an expression gets brackets.

    >>> derivative("L", "x"), derivative("L", "x1*w1 + b"), derivative("L", "W[1][0,2]")
    ('dL/dx', 'dL/d(x1*w1 + b)', 'dL/dW[1][0,2]')
    """
    return f"d{Term.named(of).at(ATOM)}/d{Term.named(by).at(ATOM)}"


def names_of(
    nodes: Iterable[Node], known: Mapping[Any, Any] | None = None, root: Node | None = None
) -> dict[Node, str]:
    """Return a name for every node: its label, else the one in `known`, else v1, v2, ... by age (L for the root).

    No two are alike: of nodes with one label, all but the oldest get a number. A name has one line, and 40 characters
    at most. `known` is as in `given_names`, with its errors.

    >>> from autograd_mini import Value
    >>> from autograd_mini.sweep import order
    >>> x = Value(2.0, label="x"); y = x * x + 1
    >>> list(names_of(order(y), root=y).values())
    ['x', 'v1', 'L']
    """
    nodes = list(nodes)
    known = given_names(nodes, known)
    given = {node: _given(node, known) for node in sorted(nodes, key=_birth)}
    taken = set(given.values())
    fresh = (name for i in count(1) if (name := f"v{i}") not in taken)
    again: dict[str, Iterator[str]] = {}
    names: dict[Node, str] = {}
    for node, name in given.items():
        if not name:
            names[node] = "L" if node is root and "L" not in taken else next(fresh)
        elif name not in again:
            names[node], again[name] = name, _numbered(name)
        else:
            names[node] = next(other for other in again[name] if other not in taken)
    return names


def _given(node: Node, known: Mapping[Node, str]) -> str:
    label = node.label
    name = one_line(label) if label else ""
    return name or (one_line(known[node]) if node in known else "")


def _numbered(name: str) -> Iterator[str]:
    return (f"{name}_{i}" for i in count(2))


def one_line(text: object, limit: int = LONGEST_NAME, mark: str = "...") -> str:
    """Return text on one line, cut to `limit` characters with a mark, and blanks for what cannot be printed.

    Labels are assigned freely, so a number is taken too: it is written out.

    >>> one_line("a\\tb\\x00c", 40), one_line("x" * 50, 6)
    ('a b c', 'xxx...')
    """
    text = str(text)
    cut = text if len(text) <= limit else text[: limit - len(mark)] + mark
    return " ".join("".join(c if c.isprintable() else " " for c in cut).split())


def number(x: float) -> str:
    """Return a number as short as it can be written without loss.

    >>> number(2.0), number(0.1), number(-0.0), number(float("inf"))
    ('2', '0.1', '-0.0', 'inf')
    """
    x = float(x)
    whole = x.is_integer() and abs(x) < 1e15 and not (x == 0.0 and math.copysign(1.0, x) < 0.0)
    return repr(int(x)) if whole else repr(x)


def _number(x: float) -> Term:
    return Term.of(x)


def _term(arg: Any, terms: Mapping[Node, Term], kind: type[Term] = Term) -> Term:
    if isinstance(arg, Node):
        return terms[arg]
    if isinstance(arg, float):
        return kind.of(arg)
    if isinstance(arg, (np.ndarray, np.generic)):
        return kind(_entries(arg, kind)) if arg.ndim else _term(arg.item(), terms, kind)
    return kind(kind.plain(repr(arg)))


def _entries(array: Any, kind: type[Term]) -> str:
    if not 0 < array.size <= ENTRIES:
        return kind.plain(f"array({', '.join(map(str, array.shape))})")
    return f"[{', '.join(_term(e, {}, kind).text for e in array)}]"


def _written(node: Node, terms: Mapping[Node, Term], writers: Writers, kind: type[Term] = Term) -> Term:
    op = node.op
    if op is None:
        name = one_line(node.label)
        return kind.named(name) if name else _term(node._data, terms, kind)
    args = [_term(a, terms, kind) for a in node.args]
    if op.name in writers:
        return writers[op.name](*args)
    if op.symbol in INFIX and len(args) == 2:
        return _infix(op.symbol, *args)
    if isinstance(op, Elementwise):
        return _as_in_the_table(op, args, kind)
    if op.name == "getitem":
        return kind(f"{args[0].at(ATOM)}{kind.plain(_index(node.args[1]))}")
    return kind.call(op.name, _arguments(op, node.args, args, kind))


def _infix(symbol: str, x: Term, y: Term) -> Term:
    return x.infix(symbol, y)


def _as_in_the_table(op: Elementwise, args: list[Term], kind: type[Term]) -> Term:
    if op.text.startswith(f"{op.name}("):
        return kind.call(op.name, [a.text for a in args])
    enclosed = not (op.text.startswith("{}") or op.text.endswith("{}"))
    return kind(op.text.format(*(a.at(SUM if enclosed else ATOM) for a in args)), ATOM if enclosed else SUM)


def _arguments(op: Op, args: tuple[Any, ...], terms: list[Term], kind: type[Term]) -> Iterator[str]:
    """Yield the arguments of a call, settings by name, and without those that have their default."""
    if isinstance(op, Variadic):
        yield from (t.text for t in terms)
        return
    for i, (param, t) in enumerate(zip(op.params, terms)):
        if op.rule(i) is not None:
            yield t.text
        elif param not in op.defaults or t.text != _term(op.defaults[param], {}, kind).text:
            yield kind.plain(f"{param}={_index(args[i])}") if param == "index" else f"{kind.plain(f'{param}=')}{t.text}"


def _index(index: Any) -> str:
    def part(i: Any) -> str:
        if isinstance(i, slice):
            ends = ":".join("" if e is None else str(e) for e in (i.start, i.stop, i.step))
            return ends[:-1] if i.step is None else ends
        return "..." if i is Ellipsis else _term(i, {}).text

    return f"[{', '.join(map(part, index)) if isinstance(index, tuple) else part(index)}]"


# How rows are written that are neither calls nor between their arguments.


def _minus(x: Term) -> Term:
    return type(x)(f"-{x.at(POWER)}", SIGN)


def _joined(axis: Term, *xs: Term, name: str) -> Term:
    return Term(f"{name}([{', '.join(x.text for x in xs)}], axis={axis.text})")


def _sum_of(x: Term, *ys: Term) -> Term:
    return type(x)(" + ".join([x.at(SUM), *(y.at(REMAINDER) for y in ys)]), SUM if ys else x.level)


WRITERS: Writers = {
    "neg": _minus,
    "identity": lambda x: x,
    "add_n": _sum_of,
    "concatenate": lambda axis, *xs: _joined(axis, *xs, name="concatenate"),
    "stack": lambda axis, *xs: _joined(axis, *xs, name="stack"),
}

# What is written shorter than it is computed.


def _negative(x: Term) -> Term:
    if x.number is not None:
        return x.of(-x.number)
    if x.level == PRODUCT:
        return type(x)(x.text[1:] if x.text.startswith("-") else f"-{x.text}", PRODUCT)
    return type(x)(x.text[1:], POWER) if x.level == SIGN else _minus(x)


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
    return x if y.number == 1.0 else x.of(1.0) if y.number == 0.0 else _infix("**", x, y)


SHORTER: Writers = {
    **WRITERS,
    "neg": _negative, "add": _sum, "sub": _difference, "mul": _product, "div": _quotient, "power": _power,
}  # fmt: skip
