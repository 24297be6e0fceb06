"""Expressions as text -> record: `tanh(w*x + b)` becomes a graph of Values. Nothing is ever evaluated by Python.

The language: numbers (read as float64), the names of the given values, `pi`, parentheses, `+ - * / // % **` and the
signs `+ -` with Python's precedences, and calls of the table's elementwise ops with their arguments in order, such as
`maximum(x, 0)`. Everything else is refused with the column where it stands. A name is an ASCII letter, then letters,
digits and underscores. Operators are read by precedence with two stacks (Dijkstra's shunting yard, "Algol 60
translation", 1961), so that nothing recurses.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from autograd_mini import AutogradError, Node, Value, ops
from autograd_mini.op import TABLE, Elementwise, Op

LENGTH = 100_000  # characters of an expression
DEPTH = 200  # brackets, signs and operators that wait for their right-hand side at one time
CONSTANTS = {"pi": math.pi}
FUNCTIONS: dict[str, Op] = {name: op for name, op in TABLE.items() if isinstance(op, Elementwise)}
SYNONYMS = {"ln": "log", "logistic": "sigmoid", "heaviside": "step"}
INSTEAD = {  # of characters that people write elsewhere
    "^": "a power is **", "²": "a power is **2", "³": "a power is **3", "×": "a product is *", "·": "a product is *",
    "÷": "a quotient is /", "−": "a minus is -", "=": "values stand apart, x=NUMBER; compare with equal(x, y)",
    "<": "compare with less(x, y)", ">": "compare with greater(x, y)", "[": "brackets are ( )", "{": "brackets are ( )",
    "π": "write pi", ".": "functions stand alone, sin(x)",
}  # fmt: skip

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<mark>\*\*|//|[-+*/%(),])"
)
_VALUE = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|nan)")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class ExpressionError(AutogradError, ValueError):
    """An expression that is not in the language; `column` counts from 1, `text` is the expression."""

    def __init__(self, message: str, text: str = "", column: int = 0) -> None:
        super().__init__((f"column {column}: " if column else "") + message)
        self.text = text
        self.column = column

    @property
    def pointed(self) -> str:
        """The message, and below it the place in the expression with a caret under the column."""
        if not self.column:
            return str(self)
        start = max(0, self.column - 41)
        excerpt = "".join(
            c if c.isprintable() else " " if c.isspace() else "?" for c in self.text[start : self.column + 30]
        )
        return f"{self}\n  {excerpt}\n  {' ' * (self.column - 1 - start)}^"


class Token(NamedTuple):
    """A word of the language and the column, from 1, where it starts."""

    kind: str
    text: str
    column: int


class Pending(NamedTuple):
    """What waits on the stack of operators: a sign, an operator, a bracket or a call.

    `level` says how tightly it binds, 0 for brackets; `arity` how many operands it takes, for a call so far.
    """

    token: Token
    level: int
    apply: Callable[..., Any] | None = None
    arity: int = 0


BINARY: dict[str, tuple[int, Callable[..., Any]]] = {
    "+": (1, ops.add), "-": (1, ops.sub), "*": (2, ops.mul), "/": (2, ops.div), "//": (2, ops.floordiv),
    "%": (2, ops.mod), "**": (4, ops.power),
}  # fmt: skip
SIGNS: dict[str, Callable[..., Any]] = {"+": lambda x: x, "-": ops.neg}
SIGN_LEVEL = 3


def record_expression(text: str, values: Mapping[str, float | Value]) -> Node:
    """Return the root of the graph that `text` describes; the values are leaves, or numbers that become such.

    An expression without names gives a leaf. ExpressionError names the column of a mistake.

    >>> record_expression("x**2 - 3", {"x": 2.0}).data
    1.0
    >>> record_expression("x.real", {"x": 2.0})
    Traceback (most recent call last):
    viz.expression.ExpressionError: column 2: '.' is not part of the language: functions stand alone, sin(x)
    """
    leaves = {name: v if isinstance(v, Value) else Value(v, label=name) for name, v in values.items()}
    root = _Reader(text, leaves).read()
    return root if isinstance(root, Node) else Value(root)


def read_values(assignments: list[str]) -> dict[str, float]:
    """Return the values of `name=value` texts, in their order; a value is a decimal number, a quotient, inf or nan.

    >>> read_values(["x=2", "w1=-.5e1", "b=1/2", "y=0,5"])
    {'x': 2.0, 'w1': -5.0, 'b': 0.5, 'y': 0.5}
    """
    values: dict[str, float] = {}
    for assignment in assignments:
        name, given, number = assignment.partition("=")
        if not given or not _NAME.fullmatch(name):
            spelled = "names are letters a to z, digits and _, a letter first"
            raise ExpressionError(f"values are given as name=number ({spelled}), got {_brief(assignment)}")
        if name in FUNCTIONS or name in CONSTANTS:
            raise ExpressionError(f"{name!r} is a name of the language, call the value something else")
        if name in values:
            raise ExpressionError(f"{name!r} is given twice")
        values[name] = _value(name, number)
        if math.isinf(values[name]) and not number.endswith("inf"):
            raise ExpressionError(
                f"the value of {_brief(name)} is too large for a float (the largest is about 1.8e308)"
            )
    return values


def _value(name: str, text: str) -> float:
    """Return the number that a value is given as: with a point or a comma, or as a quotient of two."""
    top, slash, bottom = text.replace(",", ".").partition("/")
    parts = [top, bottom] if slash else [top]
    if not all(map(_VALUE.fullmatch, parts)) or (slash and not float(bottom)):
        raise ExpressionError(f"the value of {_brief(name)} is not a number: {_brief(text)}")
    return float(top) / float(bottom) if slash else float(top)


def read_range(text: str, values: Mapping[str, float | Value]) -> tuple[float, float]:
    """Return the two ends of `LOW:HIGH`, each an expression.

    >>> read_range("-1:2**x", {"x": 3.0})
    (-1.0, 8.0)
    """
    low, colon, high = text.partition(":")
    if not colon:
        raise ExpressionError(f"a range is given as LOW:HIGH, such as -3:3, got {_brief(text)}")
    return float(record_expression(low, values).data), float(record_expression(high, values).data)


def tokens(text: str) -> Iterator[Token]:
    """Yield the words of an expression; ExpressionError for a character that starts none."""
    if len(text) > LENGTH:
        raise ExpressionError(f"the expression has {len(text):,} characters, more than {LENGTH:,}")
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ExpressionError(_foreign(text[place]), text, place + 1)
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match.group(), place + 1)
        place = match.end()
    yield Token("end", "", len(text) + 1)


class _Reader:
    """The two stacks: operands that are computed, operators that wait for their right-hand side."""

    def __init__(self, text: str, names: Mapping[str, Any]) -> None:
        self.text = text
        self.names = names
        self.operands: list[Any] = []
        self.waiting: list[Pending] = []
        self.call: Token | None = None  # the function whose bracket must open next

    def read(self) -> Any:
        operand_next = True
        for token in tokens(self.text):
            operand_next = self._operand(token) if operand_next else self._operator(token)
        return self.operands.pop()

    def _operand(self, token: Token) -> bool:
        """Take a token where an operand may start; return whether one is still to come."""
        if self.call is not None:
            return self._open_call(token)
        if token.kind == "number":
            return self._number(token)
        if token.kind == "name":
            return self._name(token)
        if token.text in SIGNS:
            self._push(Pending(token, SIGN_LEVEL, SIGNS[token.text], 1))
        elif token.text == "(":
            self._push(Pending(token, 0))
        else:
            raise self._error(_unexpected(token), token)
        return True

    def _operator(self, token: Token) -> bool:
        """Take a token that follows an operand; return whether another operand must come."""
        if token.text in BINARY:
            level, apply = BINARY[token.text]
            self._finish(level + (token.text == "**"))  # a power waits for the power to its right
            self._push(Pending(token, level, apply, 2))
            return True
        self._finish(1)
        if token.text == ",":
            self._next_argument(token)
            return True
        if token.text == ")":
            self._close(token)
        elif token.kind == "end":
            self._check_closed()
        else:
            raise self._error(f"an operator is missing before {_brief(token.text)}", token)
        return False

    def _number(self, token: Token) -> bool:
        value = float(token.text)
        if math.isinf(value):
            raise self._error("the number is too large for a float (the largest is about 1.8e308)", token)
        self.operands.append(value)
        return False

    def _name(self, token: Token) -> bool:
        name = token.text
        if name in FUNCTIONS:
            self.call = token
            return True
        if name not in self.names and name not in CONSTANTS:
            raise self._error(self._unknown(token), token)
        self.operands.append(self.names[name] if name in self.names else CONSTANTS[name])
        return False

    def _unknown(self, token: Token) -> str:
        """Return what to say of a name that is neither given nor known: what follows tells what it was meant to be."""
        name, rest = token.text, self.text[token.column - 1 + len(token.text) :].lstrip()
        if rest.startswith("."):
            return f"{_brief(name)} is no value here: {INSTEAD['.']}"
        if rest.startswith("("):
            near = [SYNONYMS.get(name.lower(), ""), *difflib.get_close_matches(name[:40].lower(), FUNCTIONS, 1)]
            meant = next(filter(None, near), "")
            return f"{_brief(name)} is no function here" + (f": did you mean {meant}?" if meant else "; a product is *")
        return f"{_brief(name)} has no value: give it as {name[:40]}=NUMBER"

    def _open_call(self, token: Token) -> bool:
        function, self.call = self.call, None
        if function is None or token.text != "(":
            raise self._error(
                f"{function.text if function else ''} is a function: write its arguments in brackets", token
            )
        self._push(Pending(function, 0, FUNCTIONS[function.text], 1))
        return True

    def _next_argument(self, comma: Token) -> None:
        if not self.waiting or self.waiting[-1].apply is None:
            raise self._error("a comma belongs between the arguments of a function", comma)
        call = self.waiting.pop()
        self.waiting.append(call._replace(arity=call.arity + 1))

    def _close(self, bracket: Token) -> None:
        if not self.waiting:
            raise self._error("')' closes nothing", bracket)
        opened = self.waiting.pop()
        if opened.apply is not None:
            self._check_arity(opened)
            self._apply(opened)

    def _check_arity(self, call: Pending) -> None:
        op = FUNCTIONS[call.token.text]
        most, least = len(op.params), len(op.params) - len(op.defaults)
        if not least <= call.arity <= most:
            wanted = str(most) if least == most else f"{least} to {most}"
            raise self._error(f"{op.name} takes {wanted} argument{'s' * (most > 1)}, got {call.arity}", call.token)

    def _check_closed(self) -> None:
        if self.waiting:
            raise self._error("'(' is never closed", self.waiting[-1].token)

    def _finish(self, level: int) -> None:
        """Apply every waiting operator that binds at least as tightly as `level`."""
        while self.waiting and self.waiting[-1].level >= level:
            self._apply(self.waiting.pop())

    def _apply(self, pending: Pending) -> None:
        args = self.operands[-pending.arity :]
        del self.operands[-pending.arity :]
        if pending.apply is not None:
            self.operands.append(pending.apply(*args))

    def _push(self, pending: Pending) -> None:
        if len(self.waiting) >= DEPTH:
            raise self._error(f"the expression is nested more than {DEPTH} deep", pending.token)
        self.waiting.append(pending)

    def _error(self, message: str, token: Token) -> ExpressionError:
        return ExpressionError(message, self.text, token.column)


def _unexpected(token: Token) -> str:
    if token.kind == "end":
        return "the expression is empty" if token.column == 1 else "the expression ends too early"
    return f"a number, a name or '(' is expected before {token.text!r}"


def _foreign(c: str) -> str:
    """Say that a character is not in the language, and what is written in its place."""
    return f"{_character(c)} is not part of the language" + (f": {INSTEAD[c]}" if c in INSTEAD else "")


def _character(c: str) -> str:
    """Return a character as ASCII, a letter with its name: some look like others."""
    return f"{c!a} ({unicodedata.name(c, 'a letter')}; names are written in a to z)" if c.isalpha() else f"{c!a}"


def _brief(text: str) -> str:
    return ascii(text if len(text) <= 40 else text[:37] + "...")
