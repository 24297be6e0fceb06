"""Formulas: what is printed, read back by Python's own parser and computed, gives the number that was recorded."""

from __future__ import annotations

import ast
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_cases import ROWS, Case, called, cases, close, differentiable
from tables import each

from autograd_mini import AutogradError, Node, Tensor, Value, explain, ops
from autograd_mini.op import TABLE, Elementwise, Op, contribution
from autograd_mini.sweep import order
from autograd_mini.text.derivative import local_derivative
from autograd_mini.text.formula import LONGEST, LONGEST_NAME, FormulaError, equation, names_of, number, short_text, text

pytestmark = pytest.mark.filterwarnings("error")

# Reading a formula --------------------------------------------------------------------------------------------------

BETWEEN: dict[type[ast.AST], Op] = {
    ast.Add: ops.add, ast.Sub: ops.sub, ast.Mult: ops.mul, ast.Div: ops.div, ast.Mod: ops.mod, ast.Pow: ops.power,
    ast.FloorDiv: ops.floordiv, ast.MatMult: ops.matmul, ast.Gt: ops.greater, ast.Lt: ops.less, ast.Eq: ops.equal,
}  # fmt: skip


def evaluate(formula: str, names: dict[str, Any]) -> Any:
    """Return what a formula computes, by the rows of the table on plain numbers; [x = 0] is Iverson's bracket."""
    readable = formula.replace(" = ", " == ").replace("index=[", "index=s_[")
    return _value(ast.parse(readable, mode="eval").body, names)


def _value(e: Any, names: dict[str, Any]) -> Any:
    if isinstance(e, ast.BinOp):
        return BETWEEN[type(e.op)](_value(e.left, names), _value(e.right, names))
    if isinstance(e, ast.UnaryOp):
        return ops.neg(_value(e.operand, names))
    if isinstance(e, ast.List) and e.elts and isinstance(e.elts[0], ast.Compare):
        (compare,) = e.elts
        return BETWEEN[type(compare.ops[0])](_value(compare.left, names), _value(compare.comparators[0], names))
    if isinstance(e, ast.List):
        return np.array([_value(entry, names) for entry in e.elts])
    if isinstance(e, ast.Name):
        return {"inf": math.inf, "nan": math.nan, **names}[e.id]
    if isinstance(e, ast.Subscript):
        return _value(e.value, names)[_setting(ast.Subscript(ast.Name("s_", ast.Load()), e.slice, ast.Load()))]
    if isinstance(e, ast.Call):
        return _called(e, names)
    return float(e.value) if isinstance(e.value, (int, float)) else e.value


def _called(e: ast.Call, names: dict[str, Any]) -> Any:
    settings = {str(k.arg): _setting(k.value, names) for k in e.keywords}
    function = getattr(ops, ast.unparse(e.func), None) or TABLE[ast.unparse(e.func)]
    if function in (ops.concatenate, ops.stack):
        return function([_value(x, names) for x in e.args[0].elts], **settings)  # type: ignore[attr-defined]
    return function(*(_value(x, names) for x in e.args), **settings)


def _setting(e: ast.expr, names: dict[str, Any] | None = None) -> Any:
    """Return a shape, an axis, an index or keys; s_ is numpy's way to say an index outside of brackets."""
    return eval(
        compile(ast.fix_missing_locations(ast.Expression(e)), "formula", "eval"), {"s_": np.s_, **(names or {})}
    )


def same(a: float, b: float) -> bool:
    """Return whether two floats are the same bits, all NaN being alike."""
    return (a != a and b != b) or (a == b and math.copysign(1.0, a) == math.copysign(1.0, b))


# Random records -----------------------------------------------------------------------------------------------------

SCALAR_ROWS = [row for row in ROWS if isinstance(row, Elementwise)]
NUMBERS = st.one_of(
    st.integers(-3, 3).map(float),
    st.floats(-10.0, 10.0),
    st.sampled_from([0.0, -0.0, 0.5, -2.0, 1e-300, 1e22, 1e300, math.inf, -math.inf, math.nan]),
)


@st.composite
def records(draw: Any, rows: list[Op], numbers: Any = NUMBERS, steps: int = 6) -> Node:
    """Draw a record: labelled and unlabelled leaves, then rows over what is there and over constants."""
    nodes: list[Node] = [Value(draw(numbers), label=name) for name in ("x", "y", "z")] + [Value(draw(numbers))]
    for _ in range(draw(st.integers(1, steps))):
        row = draw(st.sampled_from(rows))
        args = [draw(st.one_of(st.sampled_from(nodes), st.sampled_from(nodes[-2:]), numbers)) for _ in row.params]
        if not any(isinstance(a, Node) for a in args):
            args[-1] = nodes[-1]
        nodes.append(row(*args))
    return nodes[-1]


def leaves_of(root: Node) -> dict[str, float]:
    return {node.label: node._data for node in order(root) if node.label}


@given(records(SCALAR_ROWS))
def test_a_formula_computes_the_recorded_number_to_the_bit(root: Node) -> None:
    formula = text(root)
    assert same(evaluate(formula, leaves_of(root)), root._data), formula


@given(records([ops.add, ops.sub, ops.mul, ops.neg, ops.power, ops.div, ops.mod, ops.floordiv, ops.identity], steps=10))
def test_parentheses_are_right_by_precedence(root: Node) -> None:
    try:
        formula = text(root)
    except FormulaError:
        return
    assert same(evaluate(formula, leaves_of(root)), root._data), formula


TAME = st.floats(0.5, 2.0)


@given(records([ops.add, ops.mul, ops.neg, ops.sub, ops.sin, ops.tanh, ops.absolute], TAME))
def test_pythons_own_eval_computes_the_recorded_number(root: Node) -> None:
    own = {"sin": math.sin, "tanh": ops.tanh, "abs": abs}
    assert same(float(eval(text(root), own | leaves_of(root))), root._data), text(root)


@given(records([ops.add, ops.sub, ops.mul, ops.neg, ops.power, ops.div, ops.mod, ops.floordiv, ops.identity]))
def test_what_is_written_shorter_is_the_same_number(root: Node) -> None:
    """Zeros lose their sign when 0 + x is written x, and 1 / -0.0 is the other infinity: those are left out."""
    if all(node._data != 0.0 and math.isfinite(node._data) for node in order(root)):
        formula = short_text(root)
        assert evaluate(formula, leaves_of(root)) == root._data, formula


@given(records(SCALAR_ROWS), st.integers(0, 5))
def test_a_named_node_is_written_by_its_name(root: Node, i: int) -> None:
    inner = order(root)[1:]
    node = inner[i % len(inner)]
    formula = text(root, {node: "h"})
    assert same(evaluate(formula, {**leaves_of(root), "h": node._data}), root._data), formula


@given(records(SCALAR_ROWS))
def test_an_equation_is_one_step(root: Node) -> None:
    names = names_of(order(root), root=root)
    for node in order(root):
        left, _, right = equation(node, names).partition(" = ")
        assert left == names[node]
        if node.op:
            assert same(evaluate(right, {names[a]: a._data for a in node.args if isinstance(a, Node)}), node._data)


x, y, z = (Value(v, label=name) for name, v in (("x", 2.5), ("y", -1.5), ("z", 0.75)))
W, v = Tensor(np.ones((2, 3)), label="W"), Tensor([1.0, 2.0, 3.0], label="v")

SOURCES = [
    "(x + y) * z", "x + y * z", "x + (y + z)", "x + y + z", "x - (y - z)", "x - y - z", "x - -y", "x + -y * z",
    "x / (y / z)", "x / y / z", "x * (y / z)", "x / (y * z)", "-(x * y)", "-x * y", "x * -y", "-(-x)", "-(x + y)",
    "(-x) ** 2", "-x ** 2", "x ** -y", "(x ** y) ** z", "x ** y ** z", "2 ** -x", "(-2) ** x", "1 / x", "-1 * x",
    "-(x % y)", "-x % y", "(x % y) * z", "x * y % z", "x % (y * z)", "(x // y) // z", "x + x % y", "(x % y) % z",
    "x * 1 + 0", "x ** 1", "x * inf", "x - nan", "x * -inf", "x + -0.0", "x * 1e+22", "x * 0.1", "3 * x", "x",
    "abs(x - y)", "sin(x + y) ** 2", "maximum(x, -y)", "where(True, x, y)", "leaky_relu(x, 0.01)",
    "W @ v", "(W @ v + 1) @ (W @ v)", "-(W @ v)", "sum(v)", "sum(W, axis=0, keepdims=True)", "sum(W, axis=(0, 1))",
    "var(W, ddof=1)", "transpose(W)", "reshape(W, shape=(3, 2))", "softmax(v)", "einsum('ij,j->i', W, v)",
    "W[0]", "W[:, 1:]", "W[::2]", "W[..., None, -1]", "(v + 1)[[0, 2]]", "v[[True, False, True]]", "v[0] * v[1]",
    "v[0] ** 2", "v * [1, 2.5, 3]", "cross_entropy(W, labels=[0, 2])", "stack([x, y], axis=0)",
    "concatenate([v, [1, 2]], axis=0)", "norm(W, axis=1)", "v * [[1], [2]]",
]  # fmt: skip


@each(SOURCES)
def test_a_formula_is_the_source_that_recorded_it(source: str) -> None:
    names = {"x": x, "y": y, "z": z, "W": W, "v": v, "inf": math.inf, "nan": math.nan}
    assert text(eval(source, {**TABLE, "stack": ops.stack, "concatenate": ops.concatenate}, names)) == source


@pytest.mark.parametrize(
    ("root", "formula"),
    [
        (Value(-3.0) ** 2, "(-3) ** 2"),
        (Value(3.0), "3"),
        (3.0, "3"),
        (Tensor([1.0, 2.0]), "[1, 2]"),
        (Tensor(np.ones((2, 4))), "array(2, 4)"),
        (TABLE["add_n"](x, y - z, x % y), "x + (y - z) + x % y"),
        (TABLE["add_n"](x + y) * z, "(x + y) * z"),
        (TABLE["add_n"](x * y) * z, "x * y * z"),
        (ops.greater(x, y + 1) * z, "[x > y + 1] * z"),
        (ops.where(ops.equal(x, y), x, y), "where([x = y], x, y)"),
        (x.clip(-1), "clip(x, -1, inf)"),
        (W.var(ddof=0), "var(W)"),
        (v[np.int64(1)], "v[1]"),
        (ops.identity(x + y) * z, "(x + y) * z"),
    ],
)
def test_what_reads_otherwise_than_it_was_recorded(root: Any, formula: str) -> None:
    assert text(root) == formula


def test_a_new_row_that_is_written_openly_gets_its_parentheses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops.square, "text", "{}²")
    assert text((x + 1).square() * 2) == "((x + 1)²) * 2"


@given(st.floats())
def test_numbers_are_short_and_exact(x: float) -> None:
    assert same(evaluate(number(x), {}), x)
    assert len(number(x)) <= len(repr(x))


# Local derivatives --------------------------------------------------------------------------------------------------


def _derivatives(row: Op, args: Case) -> Any:
    """Yield each vjp of a call as printed, the numbers of the names in it, and the contribution it stands for."""
    node, leaves = called(row, args, differentiable(row, args))
    names = {leaf: f"x{i}" for i, leaf in leaves.items()} | {node: "z"}
    g = np.ones(node.shape) if node.shape else 1.0
    for i in leaves:
        symbols, local = local_derivative(node, i, names)
        yield symbols, {**{n: leaf._data for leaf, n in names.items()}, "g": g}, local, contribution(node, i, g), i


@each([row for row in SCALAR_ROWS if row.rules[-1]])
def test_every_local_derivative_is_printed_as_it_is_computed(row: Op) -> None:
    for args in cases(row):
        for symbols, numbers, local, amount, i in _derivatives(row, args):
            what = f"{row.name}, argument {i}: {symbols}"
            assert "g" not in symbols.replace("sigmoid", "").replace("sign", "").replace("log", ""), what
            if "array(" not in symbols:  # a constant condition with more entries than are written out
                close(np.broadcast_to(evaluate(symbols, numbers), np.shape(local)), local, what, 1e-15)
            assert np.shape(amount) == np.shape(args[i])
            if np.shape(amount) == np.shape(numbers["z"]):
                close(np.broadcast_to(local, np.shape(amount)), amount, what, 1e-15)


def _fitted(vjp: Any, shape: tuple[int, ...]) -> Any:
    """Return a vjp in the shape of its argument, summed where the argument was repeated, as the sweep does."""
    repeated = np.broadcast_shapes(vjp.shape, shape) == vjp.shape
    return TABLE["sum_to"](vjp, shape) if repeated else np.broadcast_to(vjp, shape)


def _readable(args: Case, symbols: str) -> bool:
    return "array(" not in symbols and all(np.size(a) for a in args if isinstance(a, (np.ndarray, list)))


@each([row for row in ROWS if not isinstance(row, Elementwise)])
def test_every_vjp_is_printed_as_it_is_computed(row: Op) -> None:
    read = 0
    for args in cases(row):
        for symbols, numbers, local, amount, i in _derivatives(row, args):
            between_scalars = not np.ndim(numbers["z"]) and not np.ndim(amount)
            assert (local is not None) == between_scalars
            if _readable(args, symbols):
                read += 1
                vjp = np.asarray(evaluate(symbols, numbers)) * (numbers["g"] if between_scalars else 1.0)
                close(_fitted(vjp, np.shape(amount)), np.asarray(amount), f"{row.name}, argument {i}: {symbols}", 1e-6)
    assert read


# Names --------------------------------------------------------------------------------------------------------------


def test_names_are_labels_then_known_names_then_numbers_by_age() -> None:
    a, b, c = Value(1.0), Value(2.0, label="b"), Value(3.0)
    d = a * b
    e = d + c
    assert list(names_of(order(e), root=e).values()) == ["v1", "b", "v2", "v3", "L"]
    assert list(names_of(order(e), {a: "a", b: "other", d: "d"}, e).values()) == ["a", "b", "v1", "d", "L"]
    assert list(names_of(order(e)).values()) == ["v1", "b", "v2", "v3", "v4"]


def test_no_two_names_are_alike() -> None:
    nodes = [Value(1.0, label=name) for name in ("x", "x", "x_2", "v1", "", "x", "L", "", "v1_2", "v1")]
    names = names_of(nodes, root=nodes[4])
    assert list(names.values()) == ["x", "x_3", "x_2", "v1", "v2", "x_4", "L", "v3", "v1_2", "v1_3"]
    assert names_of(reversed(nodes), root=nodes[4]) == names


LABELS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["x", "v1", "L", "x_2", "{}", "{0}", "%s", "a*b", "-x", "\n", "\ud800", "\u202e", "x" * 10**6]),
)


@given(st.lists(LABELS, min_size=1, max_size=6))
def test_hostile_labels_crash_nothing_and_stay_on_one_line(labels: list[str]) -> None:
    nodes = [Value(1.0, label=name) for name in labels]
    root = nodes[0]
    for node in nodes:
        root = -((root * node) ** 2) + node
    names = names_of(order(root), root=root)
    assert len(set(names.values())) == len(names)
    for shown in (*names.values(), text(root), short_text(root), *(equation(node, names) for node in order(root))):
        assert shown.isprintable()
        assert shown.strip()
    assert max(map(len, names.values())) <= LONGEST_NAME + 3


def test_a_label_that_reads_like_a_sum_is_taken_for_one() -> None:
    s, n = Value(3.0, label="x1*w1 + b"), Value(1.0, label="n")
    assert text(s * n) == "(x1*w1 + b) * n"
    assert text(n - s) == "n - (x1*w1 + b)"
    assert text(-s) == "-(x1*w1 + b)"
    assert text(s.tanh() + n) == "tanh(x1*w1 + b) + n"


# Large records ------------------------------------------------------------------------------------------------------


def chain(length: int) -> Node:
    node: Node = Value(1.0, label="x")
    for _ in range(length):
        node = node * 0.5
    return node


def test_a_chain_of_100000_nodes_is_named_and_written_step_by_step() -> None:
    root = chain(10**5)
    names = names_of(order(root), root=root)
    assert equation(root, names) == "L = v99999 * 0.5"
    assert text(root, {root.args[0]: "h"}) == "h * 0.5"
    with pytest.raises(FormulaError, match="name"):
        text(root)


def test_100000_equal_labels_get_different_names_in_linear_time() -> None:
    nodes = [Value(1.0, label="x") for _ in range(10**5)]
    assert len(set(names_of(nodes).values())) == 10**5


def test_2_to_the_60_paths_are_refused_or_cut_by_a_name() -> None:
    node: Node = Value(1.0, label="x")
    for _ in range(60):
        node = node + node
    with pytest.raises(FormulaError, match=str(LONGEST)) as caught:
        text(node)
    assert isinstance(caught.value, AutogradError)
    assert text(node + 1, {node: "h"}) == "h + 1"


def test_a_label_may_be_a_number() -> None:
    x = Value(2.0)
    x.label = 7  # type: ignore[assignment]
    assert str(explain(x * x)).endswith("\n    7   4.0")


@pytest.mark.parametrize(
    ("label", "formula"),
    [
        ("W[1][0,2]", "2 * W[1][0,2]"),
        ("x[i + 1]", "2 * x[i + 1]"),
        ("[a, b]", "2 * ([a, b])"),
        ("a[1] + b[1]", "2 * (a[1] + b[1])"),
        ("a[b[1,2],3]", "2 * (a[b[1,2],3])"),
    ],
)
def test_an_index_is_part_of_a_name(label: str, formula: str) -> None:
    assert text(2.0 * Value(1.0, label=label), {}) == formula
