"""Preludes: the definitions that printed source needs to run by itself, taken from the table's own source.

A row computes with a function on Python floats and one on arrays. Here their text is read once from the table and
`kernels.py`, without docstrings and annotations, so that no formula is written a second time.
"""

from __future__ import annotations

import ast
import inspect
import re
import symtable
from collections.abc import Iterable, Mapping
from functools import cache
from types import ModuleType

import numpy as np

from ... import array_rows, kernels, linalg_rows, ops, products
from ...op import ROWS, Elementwise

Definitions = Mapping[str, str]

_WORD = re.compile(r"(?<![.\w])[A-Za-z_]\w*")
IMPORT = ("import ", "from ")
_HOME = {"scalar": "math", "array": "numpy"}
_ARGUMENT = {"scalar": 2, "array": 3}  # where a row of the table has its function; one over whole arrays has it at 1

MODULES = {
    "np": "import numpy as np",
    **{name: f"import {name}" for name in ("builtins", "functools", "math", "operator")},
    "inf": "from math import inf",
    "nan": "from math import nan",
    "normalize_axis_tuple": "from numpy.lib.array_utils import normalize_axis_tuple",
    "product": "from numpy import matmul as product",
    "SMALL": f"SMALL = {products.SMALL}",
    "Array": "Array = object",
    "DataError": "DataError = ValueError",
    "ShapeError": "ShapeError = ValueError",
    "MatrixError": "MatrixError = ValueError",
}


@cache
def definitions(kind: str) -> Definitions:
    """Return what each row and each kernel is defined as, by name: for "scalar" on floats, for "array" on arrays.

    >>> definitions("scalar")["sqrt"], definitions("array")["asin"]
    ('from math import sqrt', 'from numpy import arcsin as asin')
    """
    found = {**MODULES, **_constants(), **_kernels()}
    found.update((test, f"from {_HOME[kind]} import {test}") for test in ("isnan", "isinf", "isfinite"))
    for name, function in functions(kind):
        text = ast.unparse(function)
        found[name] = _on_floats(name, text) if kind == "scalar" and _is_ufunc(text) else _definition(name, function)
    return {name: text for name, text in found.items() if text != f"{name} = {name}"}


def prelude(texts: Iterable[str], defined: Definitions) -> list[str]:
    """Return the definitions of every name that the texts use, directly or not: imports first, then functions.

    >>> prelude(["y = sqrt(x) + erf(x)"], definitions("scalar"))
    ['from math import erf, sqrt']
    """
    wanted: dict[str, None] = {}
    pending = list(texts)
    while pending:
        for word in words(pending.pop()):
            if word in defined and word not in wanted:
                wanted[word] = None
                pending.append(" ".join(_needs(defined[word])))
    lines = [defined[word] for word in sorted(wanted)]
    imports = [line for line in lines if line.startswith(IMPORT)]
    functions = [line for line in lines if line.startswith("def ")]
    return [*_joined(imports), *functions, *(line for line in lines if line not in imports and line not in functions)]


def pieces(source: str, head: str) -> dict[str, str]:
    """Return the definitions in a source whose pieces start with `head`, by the name that follows it.

    >>> pieces("def f(x):\\n    return x\\n\\ndef g(x):\\n    return -x", "def ")
    {'f': 'def f(x):\\n    return x', 'g': 'def g(x):\\n    return -x'}
    """
    found = [head + piece.strip("\n") for piece in f"\n{source.strip()}".split(f"\n{head}")[1:]]
    return {piece[len(head) :].split("(")[0].split(" ")[0]: piece for piece in found}


def words(text: str) -> list[str]:
    """Return the names that a text mentions, attributes left out.

    >>> words("np.sin(x) + 2e3 * y")
    ['np', 'x', 'y']
    """
    return _WORD.findall(text)


@cache
def _needs(definition: str) -> list[str]:
    """Return the names from outside that a definition uses."""
    if definition.startswith(IMPORT):
        return []
    if definition.startswith(("const ", "function ")):
        return words(definition)
    scopes = [symtable.symtable(definition, "definition", "exec")]
    for scope in scopes:
        scopes += scope.get_children()
    return [s.get_name() for scope in scopes for s in scope.get_symbols() if s.is_global() and s.is_referenced()]


def _joined(imports: list[str]) -> list[str]:
    """Return imports with those from one module on one line."""
    plain = [line for line in imports if line.startswith("import ")]
    parts: dict[str, list[str]] = {}
    for line in imports:
        if line not in plain:
            module, _, name = line.removeprefix("from ").partition(" import ")
            parts.setdefault(module, []).append(name)
    return [*plain, *(f"from {module} import {', '.join(names)}" for module, names in sorted(parts.items()))]


def statements(*modules: ModuleType) -> list[ast.stmt]:
    """Return the statements of modules, as they stand in their files."""
    return [statement for module in modules for statement in ast.parse(inspect.getsource(module)).body]


def functions(kind: str) -> Iterable[tuple[str, ast.expr]]:
    """Yield each row's name with the expression in the table that says how it is computed: "scalar" or "array"."""
    for statement in statements(ops, array_rows, linalg_rows):
        call = statement.value if isinstance(statement, ast.Assign) else None
        if isinstance(call, ast.Call) and isinstance(call.args[0], ast.Constant) and call.args[0].value in ROWS:
            name = str(call.args[0].value)
            if isinstance(ROWS[name], Elementwise):
                yield name, call.args[_ARGUMENT[kind]]
            elif kind == "array" or name == "add_n":
                yield name, call.args[1]


def _definition(name: str, function: ast.expr) -> str:
    """Return the statement that gives `name` the meaning of an expression of the table."""
    text = ast.unparse(function)
    module, _, attribute = text.partition(".")
    if module in ("math", "operator", "np") and attribute.isidentifier():
        module = {"np": "numpy"}.get(module, module)
        return f"from {module} import {attribute}{'' if attribute == name else f' as {name}'}"
    if text == f"kernels.{name}":
        return _kernels()[name]
    if isinstance(function, ast.Lambda):
        return f"def {name}({ast.unparse(function.args)}):\n    return {_local(name, ast.unparse(function.body))}"
    return f"{name} = {_local(name, text)}"


def _is_ufunc(text: str) -> bool:
    return text.startswith("np.") and isinstance(getattr(np, text[3:], None), np.ufunc)


def _on_floats(name: str, text: str) -> str:
    """Return the function of floats that the name of a ufunc stands for where the table computes on floats."""
    params = ", ".join("xy"[: getattr(np, text[3:]).nin])
    return f"def {name}({params}):\n    return float({text}({params}))"


def _local(name: str, text: str) -> str:
    """Return an expression of the table with kernels by their own names; one named like the row gets an underscore."""
    return (
        text.replace(f"kernels.{name}(", f"{name}_(").replace(f"kernels.{name})", f"{name}_)").replace("kernels.", "")
    )


def _constants() -> dict[str, str]:
    """Return the numbers that `ops.py` names: `LN2 = math.log(2.0)`."""
    named = {s.targets[0]: s for s in statements(ops) if isinstance(s, ast.Assign)}
    return {t.id: ast.unparse(s) for t, s in named.items() if isinstance(t, ast.Name) and _is_number(t.id)}


def _is_number(name: str) -> bool:
    return isinstance(getattr(ops, name, None), float)


@cache
def _kernels() -> dict[str, str]:
    """Return the source of each kernel, bare of what only people and type checkers read."""
    found = {}
    for statement in statements(kernels):
        if isinstance(statement, ast.FunctionDef):
            source = ast.unparse(_Bare().visit(statement))
            found[statement.name] = source
            found[f"{statement.name}_"] = source.replace(f"def {statement.name}(", f"def {statement.name}_(", 1)
        elif isinstance(statement, ast.Assign):
            name, text = ast.unparse(statement.targets[0]), ast.unparse(statement.value)
            ufunc = text.removeprefix("on_floats(")
            found[name] = _on_floats(name, ufunc.removesuffix(")")) if ufunc != text else f"{name} = {text}"
    return found


class _Bare(ast.NodeTransformer):
    """Takes docstrings and annotations away."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node
