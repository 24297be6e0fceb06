"""THE TABLE in JavaScript: each row's value, its rules and its text, printed for a page that computes by itself.

A rule is read from the table's own source and written as calls of rows: `g * cos(x)` is `mul(g, cos(x))`. So one text
serves every meaning that the page gives to the names: on numbers, on arrays, and on pieces of a formula, which print
the local derivative. What is no such expression is refused, and its row with it.
"""

from __future__ import annotations

import ast
import inspect
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from ... import array_rows, kernels, ops
from ...errors import AutogradError
from ...op import ROWS, Elementwise, Op, Sum, Variadic
from ...text import latex
from ...text.formula import ATOM, WRITERS, Term, _as_in_the_table, _infix
from ...text.to_json import plain
from .javascript import literal, on_numbers
from .javascript_arrays import on_arrays
from .prelude import pieces, prelude, statements, words

CONSTANTS = {"math": math, "LN2": ops.LN2, "LN10": ops.LN10}
CONSTANT = ("true", "false", "null", "Infinity", "length", "slice", "at")
OPERATORS = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.MatMult: "matmul", ast.Pow: "power",
    ast.Mod: "mod", ast.FloorDiv: "floordiv",
}  # fmt: skip
COMPARED = {ast.Is: "===", ast.Eq: "===", ast.NotEq: "!==", ast.Lt: "<", ast.Gt: ">", ast.LtE: "<=", ast.GtE: ">="}
RENAMED = {"var": "variance", "shape": "shapeOf", "math.prod": "size"}  # rows and functions of another name there
WORDS_BACK = {"variance": "var"}
LEVELS = range(ATOM + 1)
SLOT = chr(0xE000)  # a character for private use stands for an argument: no name has it

# What the rules call besides rows, where Python says it in a way of its own.
HELPERS = pieces(
    """
const expand_dims = (x, axis) => {
  const axes = axesOf(axis, shapeOf(x).length + [].concat(axis).length), old = [...shapeOf(x)];
  return reshape(x, Array.from({length: old.length + axes.length}, (_, i) => axes.includes(i) ? 1 : old.shift()));
};
const squeeze = (x, axis) => {
  const axes = axesOf(axis, shapeOf(x).length);
  return reshape(x, shapeOf(x).filter((_, i) => !axes.includes(i)));
};
const swapaxes = (x, a, b) => {
  const order = axesOf(null, shapeOf(x).length), [i, j] = axesOf([a, b], order.length);
  [order[i], order[j]] = [j, i];
  return transpose(x, order);
};
const _times = (x, y) => matmul(x, y);
const count = (shape, axis) => size(axesOf(axis, shape.length).map(a => shape[a]));
const freedom = (shape, axis, ddof) => Math.max(count(shape, axis) - ddof, 0);
const inverse = axes => axes.map((_, i) => axesOf(axes, axes.length).indexOf(i));
const one_hot = (labels, n) => {
  const data = entries(labels);
  return {shape: [...shapeOf(labels), n], data: data.flatMap(k => Array.from({length: n}, (_, i) => i === k ? 1 : 0))};
};
const _inside = (inner, width) => {
  const pairs = nested(broadcast_to(array(width), [inner.length, 2]));
  return inner.map((n, a) => slice(pairs[a][0], pairs[a][0] + n));
};
const _first = (x, lengths) =>
  String(shapeOf(x)) === String(lengths) ? x : getitem(x, lengths.map(n => slice(0, n)));
const _slab = (g, i, axis, xs) => {
  const [at] = axesOf(axis, shapeOf(g).length), start = total(xs.slice(0, i).map(x => shapeOf(x)[at]));
  return getitem(g, [...Array.from({length: at}, () => slice()), slice(start, start + shapeOf(xs[i])[at])]);
};
const _layer = (g, i, axis) => {
  const [at] = axesOf(axis, shapeOf(g).length);
  return getitem(g, [...Array.from({length: at}, () => slice()), i]);
};
const _prod_others_rule = (g, x, axis) => scan2(g, x, axis, (gs, xs) => xs.map((_, j) => total(gs.map((v, i) =>
  i === j ? 0 : v * xs.reduce((product, e, k) => k === i || k === j ? product : product * e, 1)))));
const scan2 = (g, x, axis, f) => {
  const [gs, xs] = [entries(g), entries(x)], {starts, members} = groups(shapeOf(x), axis), found = [...xs];
  for (const start of starts) {
    const at = members.map(m => start + m);
    f(at.map(m => gs[m]), at.map(m => xs[m])).forEach((v, k) => found[at[k]] = v);
  }
  return made(shapeOf(x), found);
};
const _einsum_rule = (g, i, spec, xs) => {
  const {inputs, output} = letters(spec, xs.map(shapeOf)), [own] = inputs.splice(i, 1), length = {};
  const others = [g, ...xs.slice(0, i), ...xs.slice(i + 1)], named = [output, ...inputs];
  const measure = (cs, shape) => cs.forEach((c, a) => length[c] = shape[a] === 1 ? length[c] ?? 1 : shape[a]);
  named.forEach((cs, k) => measure(cs, shapeOf(others[k])));
  measure(own, shapeOf(xs[i]));
  const read = cs => cs.map(c => length[c]), summed = Object.keys(length).filter(c => !own.includes(c));
  const parts = others.map((x, k) => {
    const step = reach(shapeOf(x), shapeOf(x)), along = c => total(step.filter((_, a) => named[k][a] === c));
    const outer = places(read(own), own.map((c, a) => own.indexOf(c) === a ? along(c) : 0));
    return {data: entries(x), outer, inner: places(read(summed), summed.map(along))};
  });
  const at = (o, a) => Math.floor(o / strides(read(own))[a]) % read(own)[a];
  const diagonal = o => own.every((c, a) => at(o, own.indexOf(c)) === at(o, a));
  return made(read(own), parts[0].outer.map((_, o) => diagonal(o) ? summedProducts(parts, o) : 0));
};
""",
    "const ",
)


class NotPrinted(AutogradError):
    """A rule that is no expression in rows, so that JavaScript cannot have it."""


def table_source(arrays: bool = True) -> str:
    """Return the scripts `NUMBERS`, `ARRAYS` (null without arrays), `rulesOf` and `ROWS`: values, rules and texts.

    `NUMBERS.mul(2, 3)` is 6, and `rulesOf(NUMBERS).mul[0](g, z, x, y)` what goes back to x. A rule that is null has no
    derivative; that of a row of many arguments is (g, z, i, args). `ROWS` tells how a row is called and written.

    >>> print(table_source()[:16])
    const NUMBERS =
    """
    rows = [row for row in ROWS.values() if arrays or isinstance(row, (Elementwise, Sum))]
    return "\n".join([_numbers(), _arrays() if arrays else "const ARRAYS = null;", _rules(rows), _texts(rows)])


def refused(names: Iterable[str]) -> list[str]:
    """Return which rows JavaScript does not have: a custom op, or one with a rule that is no expression.

    >>> refused(["mul", "my_sinc"])
    ['my_sinc']
    """
    return sorted({name for name in names if name not in ROWS or not _has(ROWS[name])})


def _has(row: Op) -> bool:
    defined = on_numbers() if isinstance(row, Elementwise) else on_arrays()
    return _renamed(row.name) in defined and None not in rules_of(row)


def _renamed(name: str) -> str:
    return RENAMED.get(name, name)


# Values -------------------------------------------------------------------------------------------------------------


def _numbers() -> str:
    names = [name for name, row in ROWS.items() if name in on_numbers() and isinstance(row, (Elementwise, Sum))]
    return _scope("NUMBERS", prelude(names, on_numbers()), names)


def _arrays() -> str:
    lifted = [name for name in on_numbers() if name in ROWS and name != "add_n"]
    names = [_renamed(name) for name in ROWS if _renamed(name) in on_arrays() and name not in lifted]
    own = {name: text for name, text in on_arrays().items() if name not in on_numbers() or name == "add_n"}
    own |= HELPERS
    defined = prelude([*names, *own], own)
    more = ["shapeOf", "array", "entries", "nested", "letters", "lift", "float32", "size", *HELPERS]
    lift = f"const {{{', '.join(lifted)}}} = Object.fromEntries(Object.entries(NUMBERS).map(([k, f]) => [k, lift(f)]));"
    return _scope("ARRAYS", [lift, *defined], [*lifted, *names, *(n for n in more if n not in names)])


def _scope(scope: str, lines: Iterable[str], names: Iterable[str]) -> str:
    given = (name if name not in WORDS_BACK else f"{WORDS_BACK[name]}: {name}" for name in names)
    return "\n".join([f"const {scope} = (() => {{", *lines, f"return {{{', '.join(given)}}};", "})();"])


# Rules --------------------------------------------------------------------------------------------------------------


def _rules(rows: Iterable[Op]) -> str:
    """Return `rulesOf`, a function of what the names mean."""
    lines = [f"{row.name}: {_rule_text(row)}," for row in rows if _has(row)]
    helpers = prelude(lines, _helpers())
    known = {*(RENAMED.get(name, name) for name in ROWS), *HELPERS, "shapeOf", "size"}
    inside = "\n".join([*helpers, *lines])
    used = [word for word in dict.fromkeys(words(re.sub(r"^\w+: ", "", inside, flags=re.M))) if word in known]
    return "\n".join([f"const rulesOf = ({{{', '.join(used)}}}) => {{", *helpers, "return {", *lines, "};};"])


def _rule_text(row: Op) -> str:
    written = [text or "null" for text in rules_of(row)]
    return written[-1] if isinstance(row, Variadic) else f"[{', '.join(written)}]"


@cache
def rules_of(row: Op) -> tuple[str | None, ...]:
    """Return the rules of a row of the table as functions of JavaScript, "" for none and None for one that is refused.

    >>> rules_of(ops.tanh)
    ('(g, y, x) => mul(g, sub(1, mul(y, y)))',)
    """
    given = _sources().get(row.name)
    if given is None:  # made elsewhere
        return (None,)
    rules = [given[-1]] if isinstance(row, Variadic) else given[len(given) - len(row.rules) :]
    if isinstance(row, Elementwise) and not any(row.rules):  # a flat one
        return ("",) * len(row.rules)
    return tuple(text if text is None or _is_known(text) else None for text in map(_lambda, rules))


def _is_known(rule: str) -> bool:
    """Return whether all that a rule calls is there in JavaScript too."""
    given, _, body = rule.partition("=>")
    known = {_renamed(name) for name in ROWS} | {*HELPERS, *_helpers(), "shapeOf", "size", *words(given), *CONSTANT}
    return set(words(body)) <= known


@cache
def _sources() -> Mapping[str, list[ast.expr]]:
    """Return what each row of the table was made with."""
    calls = [s.value for s in statements(ops, array_rows) if isinstance(s, ast.Assign)]
    named = [c for c in calls if isinstance(c, ast.Call) and c.args and isinstance(c.args[0], ast.Constant)]
    return {str(c.args[0].value): c.args[1:] for c in named}  # type: ignore[attr-defined]


def _lambda(rule: ast.expr) -> str | None:
    if isinstance(rule, ast.Constant) and rule.value is None:
        return ""
    if isinstance(rule, ast.Name):  # a function of the table's
        names = ", ".join(inspect.signature(vars(ops)[rule.id]).parameters)
        return f"({names}) => {rule.id}({names})"
    try:
        if not isinstance(rule, ast.Lambda):
            raise NotPrinted("no lambda")
        return f"({', '.join(a.arg for a in rule.args.args)}) => {_written(rule.body)}"
    except NotPrinted:
        return None


@cache
def _helpers() -> Mapping[str, str]:
    """Return the functions of the table and of `kernels.py` that are expressions, as functions of JavaScript."""
    found = {}
    for statement in statements(ops, array_rows, kernels):
        if isinstance(statement, ast.FunctionDef) and statement.name not in {*ROWS, *HELPERS, "shape"}:
            try:
                body = " ".join(map(_statement, statement.body[1:]))
            except NotPrinted:
                continue
            found[statement.name] = f"const {statement.name} = ({', '.join(_parameters(statement))}) => {{ {body} }};"
    return found


def _parameters(function: ast.FunctionDef) -> list[str]:
    return [a.arg for a in function.args.args]


def _statement(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Return) and statement.value is not None:
        return f"return {_written(statement.value)};"
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return f"const {statement.targets[0].id} = {_written(statement.value)};"
    if isinstance(statement, ast.If) and not statement.orelse:
        return f"if ({_truth(statement.test)}) {' '.join(map(_statement, statement.body))}"
    raise NotPrinted(ast.unparse(statement))


def _written(node: ast.expr) -> str:
    """Return an expression of the table in JavaScript."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    if names and names <= set(CONSTANTS):
        return literal(float(eval(ast.unparse(node), dict(CONSTANTS)))).replace("inf", "Infinity")  # the table's own
    for kind, write in WRITTEN.items():
        if isinstance(node, kind):
            return write(node)
    raise NotPrinted(ast.unparse(node))


def _truth(node: ast.expr) -> str:
    """Return a condition: a name is a number there, and true where it is not 0; NaN is true in Python."""
    if isinstance(node, ast.Name):
        return f"{node.id} !== 0"
    if isinstance(node, ast.BoolOp):
        return (" || " if isinstance(node.op, ast.Or) else " && ").join(map(_truth, node.values))
    return _written(node)


def _call(node: Any) -> str:
    name = ast.unparse(node.func).removeprefix("kernels.")
    name = getattr(vars(ops).get(name), "name", name)  # `absolute` is the row abs
    if name == "len":
        return f"{_written(node.args[0])}.length"
    if not _renamed(name).isidentifier() or node.keywords or name == "tuple":
        raise NotPrinted(ast.unparse(node))
    return f"{_renamed(name)}({', '.join(map(_written, node.args))})"


def _subscript(node: Any) -> str:
    of, index = _written(node.value), node.slice
    if isinstance(index, ast.Slice):
        if index.step is not None:
            raise NotPrinted(ast.unparse(node))
        ends = [_written(end) for end in (index.lower or ast.Constant(0), index.upper) if end is not None]
        return f"{of}.slice({', '.join(ends)})"
    return f"{of}.at({_written(index)})"


def _unary(node: Any) -> str:
    if isinstance(node.operand, ast.Constant):
        return f"-{_written(node.operand)}"
    return f"neg({_written(node.operand)})" if isinstance(node.op, ast.USub) else f"!{_written(node.operand)}"


def _attribute(node: Any) -> str:
    if node.attr != "T":
        raise NotPrinted(ast.unparse(node))
    return f"transpose({_written(node.value)})"


def _compared(node: Any) -> str:
    if isinstance(node.ops[0], ast.Is):  # whether it is a number, and no array or name
        if ast.unparse(node).endswith(" is None"):
            return f"{_written(node.left)} === null"
        if not ast.unparse(node).endswith(" is float"):
            raise NotPrinted(ast.unparse(node))
        return f'typeof {_written(node.left.args[0])} === "number"'
    if len(node.ops) > 1 or type(node.ops[0]) not in COMPARED:
        raise NotPrinted(ast.unparse(node))
    return f"{_written(node.left)} {COMPARED[type(node.ops[0])]} {_written(node.comparators[0])}"


WRITTEN: dict[type[ast.expr], Callable[[Any], str]] = {
    ast.Name: lambda node: node.id,
    ast.Constant: lambda node: literal(node.value),
    ast.BinOp: lambda node: f"{OPERATORS[type(node.op)]}({_written(node.left)}, {_written(node.right)})",
    ast.UnaryOp: _unary,
    ast.BoolOp: lambda node: (" || " if isinstance(node.op, ast.Or) else " && ").join(map(_written, node.values)),
    ast.Call: _call,
    ast.Subscript: _subscript,
    ast.Attribute: _attribute,
    ast.Tuple: lambda node: f"[{', '.join(map(_written, node.elts))}]",
    ast.IfExp: lambda node: f"({_truth(node.test)} ? {_written(node.body)} : {_written(node.orelse)})",
    ast.Compare: _compared,
}


# Texts --------------------------------------------------------------------------------------------------------------


def _texts(rows: Iterable[Op]) -> str:
    """Return `ROWS`: how each row is called, and how an elementwise one is written, as text and as LaTeX.

    What is left out is the rule: the name as the symbol, a call by the name as the text.
    """
    lines = [f"{row.name}: {json.dumps(_row(row), separators=(',', ':'))}," for row in rows if _has(row)]
    return "\n".join(["const ROWS = {", *lines, "};"])


def _row(row: Op) -> dict[str, Any]:
    """Return what the page has to know of a row."""
    told: dict[str, Any] = {} if row.symbol == row.name else {"symbol": row.symbol}
    if isinstance(row, Elementwise):
        n = len(row.params)
        slots = ", ".join(f"{{{i}}}" for i in range(n))
        text = _pattern(lambda *xs: _plain_term(row, xs), Term, n)
        tex = _pattern(lambda *xs: _latex_term(row, xs), latex.LatexTerm, n)
        told["n"] = n
        if text[0] != f"{row.name}({slots})":
            told["text"] = text
        if tex[0] != latex.LatexTerm.call(row.name, [slots]).text or row.name in latex.FUNCTIONS:
            told["latex"] = tex[0].removesuffix(f"({slots})") if tex[0].endswith(f"({slots})") else tex
        if row.defaults:
            told["defaults"] = [plain(row.defaults[p]) for p in row.params if p in row.defaults]
    return told


def _plain_term(row: Elementwise, xs: tuple[Term, ...]) -> Term:
    if row.name in WRITERS:
        return WRITERS[row.name](*xs)
    return (
        _infix(row.symbol, *xs) if len(xs) == 2 and row.symbol in OPERATOR_SIGNS else _as_in_the_table(row, [*xs], Term)
    )


def _latex_term(row: Elementwise, xs: tuple[Term, ...]) -> Term:
    if row.name in latex.WRITTEN:
        return latex.WRITTEN[row.name](*xs)
    if len(xs) == 2 and row.symbol in OPERATOR_SIGNS:
        return _infix(row.symbol, *xs)
    return _as_in_the_table(row, [*xs], latex.LatexTerm)


OPERATOR_SIGNS = ("+", "-", "*", "/", "%", "//", "**")


def _pattern(write: Callable[..., Term], kind: type[Term], arity: int) -> list[Any]:
    """Return [text with {0} for the first argument, how tightly it binds, for each argument when it gets brackets].

    The last are bits by how tightly an argument binds: the writers are asked, not told a second time.
    """
    slots = [chr(ord(SLOT) + i) for i in range(arity)]
    atoms = [kind(slot) for slot in slots]
    found = write(*atoms)
    text = found.text
    for i, slot in enumerate(slots):
        text = text.replace(slot, f"{{{i}}}")
    return [text, found.level if text != "{0}" else -1, [_bits(write, kind, atoms, i) for i in range(arity)]]


def _bits(write: Callable[..., Term], kind: type[Term], atoms: list[Term], i: int) -> int:
    """Return at which levels the i-th argument gets brackets, as bits."""
    bits = 0
    for level in LEVELS:
        asked = write(*atoms[:i], kind(atoms[i].text, level), *atoms[i + 1 :]).text
        bits |= (f"({atoms[i].text})" in asked and f"({atoms[i].text})" not in write(*atoms).text) << level
    return bits
