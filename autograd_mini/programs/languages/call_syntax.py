"""Call syntax: how a row that is no operator is written in Python and in JavaScript, and how its arguments are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ... import ops
from ...errors import DataError
from ...node import Node
from ...op import ROWS, Elementwise, Op, Variadic
from ...text.formula import ATOM, SUM, Term, _number
from .javascript import literal
from .javascript_arrays import on_arrays

HANDED_ON = {"where", "maximum", "minimum", "clip"}  # rows whose result is an argument: a number is written as a float
Pool = Callable[[Any], str]
Terms = Mapping[Node, Term]


class Constants:
    """Names for the constant arrays of a program: called with an array it gives its name, equal ones have the same."""

    def __init__(self, prefix: str, first: int = 1) -> None:
        self.named: dict[str, Any] = {}
        self._prefix, self._first = prefix, first
        self._names: dict[tuple[Any, ...], str] = {}

    def __call__(self, array: Any) -> str:
        key = (array.shape, array.dtype.str, array.tobytes())
        if key not in self._names:
            self._names[key] = f"{self._prefix}{self._first + len(self.named)}"
            self.named[self._names[key]] = array
        return self._names[key]


def python_call(node: Node, terms: Terms, pool: Pool) -> Term:
    """Return a call of the row by its name, settings as keywords and without those that have their default."""
    op: Op = node.op
    args = [term(a, terms, pool) for a in node.args]
    if op.name == "getitem":
        return Term(f"{args[0].at(ATOM)}[{_index(node.args[1], terms, pool)}]")
    if op.name in HANDED_ON:
        args = [t if t.number is None else Term(repr(t.number)) for t in args]
    if isinstance(op, (Elementwise, Variadic)):
        return Term(f"{op.name}({', '.join(t.text for t in args)})")
    shown = []
    for i, (param, t) in enumerate(zip(op.params, args)):
        if op.rule(i) is not None:
            shown.append(t.text)
        elif param not in op.defaults or t.text != repr(op.defaults[param]):
            shown.append(f"{param}={t.text}")
    return Term(f"{op.name}({', '.join(shown)})")


def _index(index: Any, terms: Terms, pool: Pool) -> str:
    """Return an index as it stands between brackets: `1:, 0`."""
    if isinstance(index, tuple) and index:
        return ", ".join(_index(i, terms, pool) for i in index) + ("," if len(index) == 1 else "")
    if isinstance(index, slice):
        ends = ["" if e is None else str(e) for e in (index.start, index.stop, index.step)]
        return ":".join(ends if index.step is not None else ends[:2])
    return term(index, terms, pool).text


def term(arg: Any, terms: Terms, pool: Pool) -> Term:
    """Return an argument: a node by its term, a number as it is, an array by its name, a setting by what it is."""
    if isinstance(arg, Node):
        return terms[arg]
    if isinstance(arg, float):
        return _number(float(arg))
    if isinstance(arg, np.ndarray) and arg.ndim:
        return Term(pool(arg))
    if isinstance(arg, (np.ndarray, np.generic)):
        return term(arg.item(), terms, pool)
    if isinstance(arg, tuple):
        inner = [term(a, terms, pool).at(SUM) for a in arg]
        return Term(f"({', '.join(inner)}{',' if len(inner) == 1 else ''})")
    if isinstance(arg, (type, np.dtype)):
        return Term(repr(np.dtype(arg).name))
    return Term("..." if arg is Ellipsis else repr(arg))


def javascript_call(node: Node, terms: Terms, pool: Pool) -> Term:
    """Return a call of the row by its name, settings in their order and without the last ones that have their default.

    What has float32 is rounded to it. DataError for a custom op whose name has a meaning there already.
    """
    op: Op = node.op
    written = [_in_javascript(node, i, terms, pool) for i in range(len(node.args))]
    defaults = [] if isinstance(op, Elementwise) else [literal(op.defaults[p]) for p in op.params if p in op.defaults]
    while defaults and written[-1] == defaults.pop():
        written.pop()
    call = f"{_name(op)}({', '.join(written)})"
    return Term(f"float32({call})" if node.dtype == np.float32 and op.name != "cast" else call)


def _name(op: Op) -> str:
    name = {"var": "variance"}.get(op.name, op.name)  # it is a word of the language
    if name in on_arrays() and op is not ROWS.get(op.name):
        raise DataError(f"in JavaScript {name} means something else than your row: give that another name")
    return name


def _in_javascript(node: Node, i: int, terms: Terms, pool: Pool) -> str:
    """Return the i-th argument of a call: a node, a number or an array as `term` has it, a setting as a literal."""
    op: Op = node.op
    arg = node.args[i]
    if op.name in ("getitem", "scatter") and i == 1:
        return _javascript_index(arg, ops.shape(node.args[0]) if op.name == "getitem" else node.args[2], pool)
    if isinstance(arg, (bool, np.bool_)) and isinstance(op, Elementwise):
        return str(int(arg))
    if i in op.settings and op.name != "cross_entropy":
        return literal(arg)
    return term(arg, terms, pool).text


def _javascript_index(index: Any, lengths: tuple[int, ...], pool: Pool) -> str:
    """Return an index as a list of numbers, slices, null and "..."; one with arrays as the places that it takes."""
    parts = index if isinstance(index, tuple) else (index,)
    if all(map(_is_basic, parts)):
        return f"[{', '.join(map(_part, parts))}]"
    return pool(np.arange(math.prod(lengths)).reshape(lengths)[index])


def _is_basic(part: Any) -> bool:
    number = not np.ndim(part) and np.asarray(part).dtype.kind in "iu"
    return number or part is None or part is Ellipsis or isinstance(part, slice)


def _part(part: Any) -> str:
    if not isinstance(part, slice):
        return '"..."' if part is Ellipsis else literal(part)
    ends = [literal(part.start), literal(part.stop), literal(1 if part.step is None else part.step)]
    defaults = ["null", "null", "1"]
    while defaults and ends[-1] == defaults.pop():
        ends.pop()
    return f"slice({', '.join(ends)})"
