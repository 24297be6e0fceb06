"""LaTeX: what is printed is read by other people's parsers, and computes the number that was recorded."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from table_cases import ROWS, called, cases, differentiable

from autograd_mini import Node, Tensor, Value, ops
from autograd_mini.op import TABLE, Elementwise, Op
from autograd_mini.sweep import order
from autograd_mini.text.derivative import latex_derivative
from autograd_mini.text.formula import LONGEST, FormulaError, names_of, text
from autograd_mini.text.latex import (
    GREEK,
    latex,
    latex_entries,
    latex_equation,
    latex_name,
    latex_number,
    latex_text,
    short_latex,
)

pytestmark = pytest.mark.filterwarnings("error")

x, y, w1, theta = (Value(v, label=name) for name, v in (("x", 2.5), ("y", 1.5), ("w1", 0.75), ("theta", 0.5)))
named_like_a_sum = Value(1.0, label="a*b + c")
v, W = Tensor([1.0, 2.0], label="v"), Tensor(np.ones((2, 2)), label="W")


# What a textbook writes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "written"),
    [
        (w1 * x + y, r"w_{1} \cdot x + y"),
        ((x + y) * w1, r"(x + y) \cdot w_{1}"),
        (x / y, r"\frac{x}{y}"),
        (-(x / y), r"-\frac{x}{y}"),
        ((x / y) ** 2, r"\left(\frac{x}{y}\right)^{2}"),
        ((x**y) ** 2, r"\left(x^{y}\right)^{2}"),
        (x ** (y**2), "x^{y^{2}}"),
        (x.sin() ** 2, r"(\sin(x))^{2}"),
        ((x / y).tanh(), r"\tanh\left(\frac{x}{y}\right)"),
        (theta.sigmoid(), r"\sigma(\theta)"),
        (x.exp() - x.log(), r"e^{x} - \ln(x)"),
        (x - (-y), "x - (-y)"),
        (x * -2.0, r"x \cdot (-2)"),
        (x * 1e22, r"x \cdot 10^{22}"),
        (x * 2.5e-9, r"x \cdot \left(2.5 \times 10^{-9}\right)"),
        (x + math.inf, r"x + \infty"),
        (x.sqrt() / x.cbrt(), r"\frac{\sqrt{x}}{\sqrt[3]{x}}"),
        (abs(x - y), r"\left|x - y\right|"),
        (x.square() * x.reciprocal(), r"x^{2} \cdot \frac{1}{x}"),
        (x % y * 2.0, r"(x \bmod y) \cdot 2"),
        (x // y, r"\left\lfloor \frac{x}{y} \right\rfloor"),
        (ops.floor(x), r"\left\lfloor x \right\rfloor"),
        (ops.greater(x, y + 1.0) * x, "[x > y + 1] \\cdot x"),
        (ops.maximum(x, y), r"\max(x, y)"),
        (ops.leaky_relu(x, 0.1), r"\operatorname{leaky\_relu}(x, 0.1)"),
        (ops.log1p(x * y), r"\ln(1 + x \cdot y)"),
        (ops.expm1(x) * y, r"\left(e^{x} - 1\right) \cdot y"),
        (ops.log2(x), r"\log_{2}(x)"),
        (TABLE["add_n"](x, y - w1), r"x + (y - w_{1})"),
        (named_like_a_sum * x, r"(\text{a*b + c}) \cdot x"),
        (W @ v, r"W \, v"),
        (v.sum(axis=0), r"\operatorname{sum}(v, \text{axis=}\text{0})"),
        (v[0] ** 2, r"v\text{[0]}^{2}"),
        (v * [1.0, 2.5], "v \\cdot [1, 2.5]"),
        (ops.stack([x, y]), r"\operatorname{stack}([x, y], \text{axis=}\text{0})"),
        (Value(3.0), "3"),
    ],
)
def test_formulas_are_written_as_in_a_textbook(root: Node, written: str) -> None:
    assert latex(root) == written


def test_derivatives_leave_out_what_changes_nothing() -> None:
    names = {x: "x", y: "y"}
    for z, written in [
        (x**1, "1"),
        (x**2, r"2 \cdot x"),
        (x.sqrt(), r"\frac{1}{2 \cdot z}"),
        (x / y, r"\frac{1}{y}"),
        (-x, "-1"),
        (1.0 / x, r"\frac{-z}{x}"),
        (x.sign(), "0"),
    ]:
        assert latex_derivative(z, z.args.index(x), {**names, z: "z"}) == written
    assert short_latex(1.0 * x**1 + 0.0) == "x"


def test_an_equation_is_one_step() -> None:
    z = w1 * x
    root = z.tanh()
    assert latex_equation(root, {z: "z_2", root: "L"}) == r"L = \tanh(z_{2})"
    assert latex_equation(x, {x: "x1"}) == "x_{1}"


def test_a_named_node_is_written_by_its_name() -> None:
    z = w1 * x
    assert latex(z * z, {z: "h1"}) == r"h_{1} \cdot h_{1}"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("x", "x"), ("x1", "x_{1}"), ("x_1", "x_{1}"), ("w12", "w_{12}"), ("loss", r"\mathrm{loss}"),
        ("loss2", r"\mathrm{loss}_{2}"), ("W_hid", r"W_{\mathrm{hid}}"), ("alpha", r"\alpha"), ("beta_0", r"\beta_{0}"),
        ("x_2_3", r"\text{x\_2\_3}"), ("w[0][1]", r"\text{w[0][1]}"), ("a b", r"\text{a b}"), ("été", r"\text{été}"),
        ("100%", r"\text{100\%}"), ("\\input{f}", r"\text{\textbackslash{}input\{f\}}"), ("$x$", r"\text{\$x\$}"),
        ("a\nb", r"\text{a b}"), ("~^", r"\text{\textasciitilde{}\textasciicircum{}}"),
        ("<>|`", r"\text{\textless{}\textgreater{}\textbar{}`}"),
    ],
)  # fmt: skip
def test_names(name: str, written: str) -> None:
    assert latex_name(name) == written


@pytest.mark.parametrize(
    ("number", "digits", "written"),
    [
        (2.0, None, "2"), (-0.5, None, "-0.5"), (1e22, None, "10^{22}"), (-1e22, None, "-10^{22}"),
        (2.5e-7, None, r"2.5 \times 10^{-7}"), (math.inf, None, r"\infty"), (-math.inf, None, r"-\infty"),
        (math.nan, None, r"\mathrm{nan}"), (2 / 3, 6, "0.666667"), (-0.0, 6, "0"), (math.inf, 6, r"\infty"),
        (1e-9, 6, "10^{-9}"), (0.1, None, "0.1"),
    ],
)  # fmt: skip
def test_numbers(number: float, digits: int | None, written: str) -> None:
    assert latex_number(number, digits) == written


def test_arrays() -> None:
    assert latex_entries(np.array([1.0, 0.5])) == r"\begin{bmatrix} 1 & 0.5 \end{bmatrix}"
    assert latex_entries(np.eye(2)) == r"\begin{bmatrix} 1 & 0 \\ 0 & 1 \end{bmatrix}"
    assert latex_entries(np.ones((3, 7))) == r"\text{array of shape (3, 7)}"
    assert latex_entries(np.ones((1, 1, 2))) == r"\text{array of shape (1, 1, 2)}"
    assert latex_entries(np.ones((0,))) == r"\text{array of shape (0,)}"


def test_what_is_too_long_is_refused_as_in_text() -> None:
    node: Node = x
    for _ in range(60):
        node = node + node
    with pytest.raises(FormulaError, match=str(LONGEST)):
        latex(node)


# What others make of it ---------------------------------------------------------------------------------------------

SMOOTH = [ops.add, ops.sub, ops.mul, ops.div, ops.neg, ops.power, ops.sin, ops.exp, ops.sqrt, ops.log, ops.absolute,
          ops.square, ops.reciprocal, ops.identity, ops.cosh, ops.maximum, ops.log1p, ops.atan, ops.cbrt]  # fmt: skip


@st.composite
def records(draw: Any) -> Node:
    """Draw a record over x, y, z and constants, none of whose numbers is wild."""
    nodes: list[Node] = [Value(draw(st.floats(0.6, 1.9)), label=name) for name in "xyz"]
    for _ in range(draw(st.integers(1, 6))):
        row = draw(st.sampled_from(SMOOTH))
        constants = st.sampled_from([2.0, -1.0, 0.5, 3e-7, -2.5])
        args = [draw(st.one_of(st.sampled_from(nodes), st.sampled_from(nodes[-2:]), constants)) for _ in row.params]
        args[-1] = nodes[-1] if not any(isinstance(a, Node) for a in args) else args[-1]
        node = row(*args)
        nodes += [node] if math.isfinite(node.data) and 1e-3 < abs(node.data) < 1e3 else []
    return nodes[-1]


@settings(max_examples=20)  # an Earley parser: it takes its time
@given(records())
def test_sympys_parser_computes_the_recorded_number(root: Node) -> None:
    sympy = pytest.importorskip("sympy")
    pytest.importorskip("lark")
    from sympy.parsing.latex import parse_latex

    read = parse_latex(latex(root), backend="lark")
    assume("_ambig" not in repr(read))  # it leaves open where a sine ends: sin x + x
    numbers = {sympy.Symbol(n.label): n.data for n in order(root) if n.label} | {sympy.Symbol("e"): math.e}
    assert complex(read.subs(numbers).evalf()) == pytest.approx(root.data, rel=1e-9), (latex(root), text(root))


def written_by(row: Op) -> list[str]:
    """Return the LaTeX of a row's formulas, steps and derivatives."""
    found = []
    for args in cases(row)[:8]:
        z, _ = called(row, args, differentiable(row, args) or list(range(len(args))))
        names = names_of(order(z), root=z)
        found += [latex(z), short_latex(z), latex(z, names), latex_equation(z, names)]
        found += [latex_derivative(z, i, names) for i, a in enumerate(z.args) if isinstance(a, Node)]
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_is_read_by_two_parsers(row: Op) -> None:
    walker = pytest.importorskip("pylatexenc.latexwalker")
    to_mathml = pytest.importorskip("latex2mathml.converter")
    for formula in dict.fromkeys(written_by(row)):  # of other shapes, most are written alike
        walker.LatexWalker(f"${formula}$", tolerant_parsing=False).get_latex_nodes()
        assert to_mathml.convert(formula).startswith("<math")
        assert formula.count(r"\left") == formula.count(r"\right")


SET = [row for row in ROWS if isinstance(row, Elementwise) and row is not ops.mod]  # matplotlib has no \\bmod


@pytest.mark.parametrize("row", SET, ids=lambda row: row.name)
def test_matplotlib_sets_every_elementwise_row(row: Op) -> None:
    mathtext = pytest.importorskip("matplotlib.mathtext")
    args = cases(row)[0]
    z, leaves = called(row, args, differentiable(row, args) or list(range(len(args))))
    names = {leaf: f"x{i}" for i, leaf in leaves.items()} | {z: "z"}
    for formula in (latex_equation(z, names), *(latex_derivative(z, i, names) for i in leaves)):
        mathtext.MathTextParser("path").parse(f"${formula}$")


ALLOWED = re.compile(r"\\(text|mathrm|cdot|textbackslash|textasciicircum|textasciitilde|textless|textgreater|textbar"
                     r"|[{}$&#%_])")  # fmt: skip
HOSTILE = ["\\input{/etc/passwd}", "}\\write18{ls}{", "$$", "%", "a&b", "\\\\", "#1", "^^M", "~", "\x00", "\ud800",
           "\u202e", "{", "}", "\n\n", "x" * 10**5, "\\end{align*}", "<script>", "_", "^", "|", "`"]  # fmt: skip


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30)))
def test_a_hostile_label_is_shown_and_never_obeyed(label: str) -> None:
    walker = pytest.importorskip("pylatexenc.latexwalker")
    written = latex(Value(2.0, label=label) * Value(3.0, label="y"))
    assert written.isprintable()
    assert len(written) < 1000
    rest = ALLOWED.sub("", written)
    assert "\\" not in rest or label.strip() in GREEK
    walker.LatexWalker(f"${written}$", tolerant_parsing=False).get_latex_nodes()


def test_words_are_escaped_as_they_are() -> None:
    assert latex_text(" a_b ") == r"\text{ a\_b }"
