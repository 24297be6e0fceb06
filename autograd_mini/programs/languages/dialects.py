"""Dialects: one step of a record, or one contribution of its sweep, written in a language that runs it.

The text comes from the table: an op as the table writes it, a contribution from the op's own rule, run once on names.
Everything that is no operator is a call by the row's name; what that name means in the language, `prelude` defines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ...data import ignoring_fp_warnings
from ...node import Node, filled, leaf, modes, record
from ...op import Elementwise, Op, Sum, fit
from ...text.derivative import stand_ins
from ...text.formula import SHORTER, WRITERS, Names, Term, Writers, _infix
from . import javascript_arrays, torch_and_jax
from .call_syntax import Pool, javascript_call, python_call, term
from .javascript import literal, on_numbers
from .prelude import Definitions, definitions, prelude

__all__ = [
    "CAREFUL", "DIALECTS", "JAVASCRIPT", "JAVASCRIPT_ARRAYS", "JAX", "NUMPY", "PYTHON", "TORCH",
    "Dialect", "contribution", "expression", "prelude", "tree",
]  # fmt: skip

Pattern = tuple[Any, ...]

_FIRST = 0xE000  # characters for private use stand for names in a template: no program has them


def _writers(all_: Writers, names: str) -> Writers:
    return {name: all_[name] for name in names.split()}


class Dialect(NamedTuple):
    """A language: the operators it has, how rows are written that are no calls, and what the called names mean.

    `module` is the name of its arrays' module, "" where it has none; `call` writes what is neither, `zeros` an array of
    a shape. `lacking` lists the rows of the table that it does not have, `home` is the file where it is said what names
    mean, "" where the table says it.
    """

    name: str
    operators: frozenset[str]
    forward: Writers
    backward: Writers
    defined: Callable[[], Definitions]
    module: str = ""
    call: Callable[[Node, Mapping[Node, Term], Pool], Term] = python_call
    zeros: Callable[[tuple[int, ...]], str] = "np.zeros({})".format
    lacking: frozenset[str] = frozenset()
    home: str = ""


def _sum_of(*xs: Term) -> Term:
    """Return x + y + ...; of very many a call, for a parser goes one level deeper with every sign."""
    return WRITERS["add_n"](*xs) if len(xs) <= LONGEST_SUM else Term(f"add_n({', '.join(x.text for x in xs)})")


def _power(x: Term, y: Term) -> Term:
    short = SHORTER["power"](x, y)
    return short if short.number is not None or short is x else Term(f"power({x.text}, {y.text})")


def _quotient(x: Term, y: Term) -> Term:
    """Return x / y, where y is a variable a call: JAX squares it in the slope, which may overflow."""
    return _infix("/", x, y) if y.number is not None else Term(f"div({x.text}, {y.text})")


LONGEST_SUM = 100
_OWN = "neg identity"
_SHORT = "neg identity add sub mul div"

PYTHON = Dialect(
    "python",
    frozenset("+-*/%@") | {"//"},
    {**_writers(WRITERS, _OWN), "add_n": _sum_of},
    {**_writers(SHORTER, _SHORT), "power": _power, "add_n": _sum_of},
    lambda: definitions("scalar"),
)
NUMPY = PYTHON._replace(name="numpy", defined=lambda: definitions("array"), module="np")
JAVASCRIPT = PYTHON._replace(
    name="javascript",
    operators=frozenset("+-*/"),
    defined=on_numbers,
    home="javascript.py",
    call=javascript_call,
)
TORCH = PYTHON._replace(
    name="torch",
    operators=frozenset("+-*/"),
    defined=torch_and_jax.in_torch,
    module="torch",
    lacking=torch_and_jax.TORCH_LACKS,
    home="torch_and_jax.py",
)
JAX = TORCH._replace(
    name="jax",
    operators=frozenset("+-*@"),
    forward={**TORCH.forward, "div": _quotient},
    defined=torch_and_jax.in_jax,
    module="jnp",
    lacking=torch_and_jax.JAX_LACKS,
)


def _tests() -> Definitions:
    return {name: definitions("scalar")[name] for name in ("isnan", "isinf", "isfinite", "inf", "nan")}


CAREFUL = Dialect("careful", frozenset(), {}, {}, _tests)  # rows alone, which never raise as floats do
JAVASCRIPT_ARRAYS = JAVASCRIPT._replace(
    name="javascript on arrays",
    operators=frozenset(),
    forward={},
    backward={},
    defined=javascript_arrays.on_arrays,
    lacking=javascript_arrays.LACKING,
    home="javascript_arrays.py",
    zeros=lambda shape: f"broadcast_to(0, {literal(shape)})",
)
DIALECTS = {d.name: d for d in (PYTHON, NUMPY, JAVASCRIPT, JAVASCRIPT_ARRAYS, TORCH, JAX, CAREFUL)}


def expression(node: Node, names: Names, dialect: Dialect, pool: Pool = repr) -> str:
    """Return how `node` is computed from its arguments, as an expression of the dialect.

    `names` gives every argument a name, which may be anything that binds as tightly as one: `x`, `d[5]`. An array among
    the constants is written as `pool` names it.

    >>> from autograd_mini import Value
    >>> x = Value(2.0); expression((x**2 + 1).args[0], {x: "d[0]"}, PYTHON)
    'power(d[0], 2)'
    """
    op: Op = node.op
    if isinstance(op, Elementwise) and _scalar(node):
        return _filled(dialect.name, op, -1, node, names, "")
    return step(
        node, {a: Term(names[a]) for a in node.args if isinstance(a, Node)}, dialect, dialect.forward, pool
    ).text


def contribution(node: Node, i: int, names: Names, g: str, dialect: Dialect, pool: Pool = repr) -> str:
    """Return what `node`, given its upstream gradient by the name g, contributes to its i-th argument.

    With g = "1" it is the local derivative of an elementwise op. An argument without a rule has none to ask for.

    >>> from autograd_mini import Value
    >>> x = Value(2.0); y = x.tanh(); contribution(y, 0, {x: "x", y: "y"}, "y_bar", PYTHON)
    'y_bar * (1 - y * y)'
    """
    op: Op = node.op
    if isinstance(op, Sum) and _scalar(node):
        return g
    if isinstance(op, Elementwise) and _scalar(node):
        return _filled(dialect.name, op, i, node, names, g)
    return tree(*contribution_record(node, i, names, g), dialect, pool)


def _scalar(node: Node) -> bool:
    return type(node._data) is float


def _filled(dialect: str, op: Op, i: int, node: Node, names: Names, g: str) -> str:
    args = node.args
    pattern = tuple([None if isinstance(a, Node) else (a, str(a)) for a in args])  # 0.0 equals -0.0, and is another
    given = [names[a] if isinstance(a, Node) else "" for a in args]
    return _template(dialect, op, i, pattern, g == "1").format(g, names.get(node, ""), *given)


@lru_cache(maxsize=10_000)
def _template(dialect: str, op: Op, i: int, pattern: Pattern, unit: bool) -> str:
    """Return a format string of the text: {0} is g, {1} the result, from {2} on come the arguments.

    The op's rule is run once on leaves that stand for them; i = -1 asks for the op itself. `unit` says that g is 1.
    """
    spoken = DIALECTS[dialect]
    args = [leaf(1.0) if c is None else c[0] for c in pattern]
    result, g = leaf(1.0), np.float64(1.0) if unit else leaf(1.0)
    names = {n: chr(_FIRST + k) for k, n in enumerate((g, result, *args)) if isinstance(n, Node)}
    with alone():
        if i < 0:
            terms = {n: Term(name) for n, name in names.items()}
            text = step(record(op, tuple(args), 1.0), terms, spoken, spoken.forward, repr).text
        else:
            c = fit(ignoring_fp_warnings(op.rule(i), g, result, *args), args[i], op)  # type: ignore[arg-type]
            text = tree(c, names, spoken, repr)
    for k in range(len(pattern) + 2):
        text = text.replace(chr(_FIRST + k), f"{{{k}}}")
    return text


@contextmanager
def alone() -> Iterator[None]:
    """Run rules on stand-ins unseen by the modes in force: their numbers mean nothing."""
    token = modes.set(())
    try:
        yield
    finally:
        modes.reset(token)


def contribution_record(node: Node, i: int, names: Names, g: str) -> tuple[Any, dict[Node, str]]:
    """Return what `contribution` writes as a small record, with the names of its leaves.

    It is what the op's rule makes of leaves that stand for the node and its arguments, with the repair of broadcasting
    that the sweep makes.
    """
    op: Op = node.op
    result, args, named = stand_ins(node, names)
    upstream = leaf(filled(node, 1.0))
    with alone():
        c = fit(ignoring_fp_warnings(op.rule(i), upstream, result, *args), args[i], op)  # type: ignore[arg-type]
    return c, {upstream: g, **named}


def tree(root: Any, names: Mapping[Node, str], dialect: Dialect, pool: Pool) -> str:
    """Return the text of a small record, down to the nodes in `names`, as an expression of the dialect."""
    terms = {n: Term(name) for n, name in names.items()}
    pending = [root] if isinstance(root, Node) else []
    while pending:
        node = pending[-1]
        missing = [a for a in node.args if isinstance(a, Node) and a not in terms] if node not in terms else []
        if not missing:
            if node not in terms:
                terms[node] = step(node, terms, dialect, dialect.backward, pool)
            pending.pop()
        pending += missing
    return term(root, terms, pool).text


def step(node: Node, terms: Mapping[Node, Term], dialect: Dialect, writers: Writers, pool: Pool) -> Term:
    """Return one op written with its arguments' terms."""
    op: Op | None = node.op
    if op is None:  # a constant that a rule has made
        return term(node._data, terms, pool)
    if op.name in writers:
        return writers[op.name](*(term(a, terms, pool) for a in node.args))
    if op.symbol in dialect.operators and len(node.args) == 2:
        return _infix(op.symbol, *(term(a, terms, pool) for a in node.args))
    return dialect.call(node, terms, pool)
