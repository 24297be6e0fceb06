"""Compositions: rows that are computed by other rows, in words that Python, torch, JAX and JavaScript share.

What an elementwise row is computed by stands in the table as an expression of `np`, `math` and `kernels`. Where each
function in it is that of a row, the expression is written anew with the rows' names: `x * kernels.sigmoids(x)` is
`x * sigmoid(x)`. So a language that knows the rows in it knows the row.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ... import kernels, ops
from ...op import ROWS, Elementwise
from .prelude import definitions, functions

KNOWN = {"np": np, "math": math, "kernels": kernels, "abs": abs, "LN2": ops.LN2, "LN10": ops.LN10}
ALSO: dict[Any, str] = {
    np.where: "where",
    np.power: "power",
    np.clip: "clip",
}  # functions of numpy that rows have adapted
SAME = (ast.Add, ast.Sub, ast.Mult, ast.Div)  # written alike in all languages
CALLED: dict[type[ast.AST], str] = {
    ast.Pow: "power", ast.Mod: "mod", ast.FloorDiv: "floordiv", ast.Gt: "greater", ast.Lt: "less", ast.Eq: "equal",
}  # fmt: skip


class Composition(NamedTuple):
    """A row's parameters, and what it computes in terms of them and of other rows."""

    params: tuple[str, ...]
    text: str


class _NotComposed(Exception):
    """An expression that says more than rows can."""


@cache
def compositions() -> Mapping[str, Composition]:
    """Return the rows that are computed by other rows, by name.

    >>> compositions()["silu"], "sin" in compositions()
    (Composition(params=('x',), text='x * sigmoid(x)'), False)
    """
    found: dict[str, Composition] = {}
    for name, function in (*functions("scalar"), *functions("array")):  # where both are composed, as arrays are
        if isinstance(ROWS[name], Elementwise):
            found.update(_composed(name, function))
    return found


def in_python(wrap: str = "") -> dict[str, str]:
    """Return the compositions as functions in Python; `wrap` names what makes several arguments alike first."""
    return {name: "\n".join(_definition(name, found, wrap)) for name, found in compositions().items()}


def in_javascript() -> dict[str, str]:
    """Return the compositions as functions in JavaScript, on numbers."""
    return {name: f"const {name} = {_head(c.params)} => {c.text};" for name, c in compositions().items()}


def _head(params: tuple[str, ...]) -> str:
    return params[0] if len(params) == 1 else f"({', '.join(params)})"


def _definition(name: str, found: Composition, wrap: str) -> Iterator[str]:
    params = ", ".join(found.params)
    yield f"def {name}({params}):"
    if wrap and len(found.params) > 1:
        yield f"    {params} = {wrap}({params})"
    yield f"    return {found.text}"


def _composed(name: str, function: ast.expr) -> dict[str, Composition]:
    """Return the composition that an expression of the table is, by the row's name; none where it says more."""
    params, body = _opened(function)
    try:
        return {name: Composition(params, ast.unparse(_Written(name, params).visit(body)))} if body else {}
    except _NotComposed:
        return {}


def _opened(function: ast.expr) -> tuple[tuple[str, ...], ast.expr | None]:
    """Return the parameters and the one expression of a lambda, or of a kernel that is nothing else."""
    if isinstance(function, ast.Lambda):
        return tuple(a.arg for a in function.args.args), function.body
    text = definitions("scalar").get(ast.unparse(function).removeprefix("kernels."), "")
    (kernel,) = ast.parse(text).body if text.startswith("def ") else (None,)
    if isinstance(kernel, ast.FunctionDef) and isinstance(kernel.body[0], ast.Return):
        return tuple(a.arg for a in kernel.args.args), kernel.body[0].value
    return (), None


@cache
def _rows() -> Mapping[Callable[..., Any], str]:
    """Return the elementwise rows by what computes them, on numbers or on arrays."""
    rows = [row for row in ROWS.values() if isinstance(row, Elementwise)]
    return {**ALSO, **{f: row.name for row in rows for f in (row.array, row.scalar)}}


class _Written(ast.NodeTransformer):
    """Writes an expression of the table with names of rows, numbers and the four operators that languages share."""

    def __init__(self, name: str, params: tuple[str, ...]) -> None:
        self.name, self.params = name, params

    def visit(self, node: ast.AST) -> Any:
        """Return a constant as a number, a part without arguments too."""
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        if isinstance(node, ast.expr) and not names & {*self.params} and names <= KNOWN.keys():
            return _number(node)
        return super().visit(node)

    def generic_visit(self, node: ast.AST) -> Any:
        raise _NotComposed(ast.unparse(node))

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return node if node.id in self.params else self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        if not isinstance(node.op, ast.USub):
            raise _NotComposed(ast.unparse(node))
        return ast.UnaryOp(node.op, self.visit(node.operand))

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        x, y = self.visit(node.left), self.visit(node.right)
        return ast.BinOp(x, node.op, y) if isinstance(node.op, SAME) else self._call(type(node.op), x, y)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if len(node.ops) > 1:
            raise _NotComposed(ast.unparse(node))
        return self._call(type(node.ops[0]), self.visit(node.left), self.visit(node.comparators[0]))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if node.keywords:
            raise _NotComposed(ast.unparse(node))
        return _call(self._row(node.func), *map(self.visit, node.args))

    def _row(self, function: ast.expr) -> str:
        """Return the name of the row that is computed by a function of the table's text."""
        if not ({n.id for n in ast.walk(function) if isinstance(n, ast.Name)} <= KNOWN.keys()):
            raise _NotComposed(ast.unparse(function))
        found = _rows().get(_evaluated(function))
        if found in (None, self.name):
            raise _NotComposed(ast.unparse(function))
        return found

    def _call(self, kind: type[ast.AST], x: Any, y: Any) -> ast.AST:
        if kind not in CALLED:
            raise _NotComposed(kind.__name__)
        return _call(CALLED[kind], x, y)


def _call(name: str, *args: Any) -> ast.Call:
    return ast.Call(ast.Name(name), [*args], [])


def _number(node: ast.expr) -> ast.expr:
    value = _evaluated(node)
    if not isinstance(value, (int, float)):
        raise _NotComposed(ast.unparse(node))
    return ast.parse(repr(float(value)), mode="eval").body


def _evaluated(node: ast.expr) -> Any:
    return eval(ast.unparse(node), dict(KNOWN))  # the table's own text
