"""The expression language: it computes what Python would, and refuses everything else with the column."""

import math
import random
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from autograd_mini import Value, ops
from autograd_mini.text.explanation import explain
from viz.expression import DEPTH, FUNCTIONS, LENGTH, ExpressionError, read_values, record_expression

FUZZ = Path(__file__).parent.parent / "benchmarks" / "fuzz_expression.py"
VALUES = {"x": 2.0, "w1": -0.5, "b": 0.0}


def data_of(text, values=VALUES):
    return record_expression(text, values).data


def refused(text, values=VALUES):
    with pytest.raises(ExpressionError) as caught:
        record_expression(text, values)
    return caught.value


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("1 + 2*3", 7.0),
        ("(1 + 2)*3", 9.0),
        ("2**3**2", 512.0),
        ("-2**2", -4.0),
        ("2**-1", 0.5),
        ("2**-1*4", 2.0),
        ("2**-3**2", 2.0**-9),
        ("--x", 2.0),
        ("+x", 2.0),
        ("1 - 2 - 3", -4.0),
        ("8/4/2", 1.0),
        ("7//2", 3.0),
        ("-7//2", -4.0),
        ("-7 % 3", 2.0),
        ("2*-x", -4.0),
        ("2 - -x", 4.0),
        ("((x))", 2.0),
        (".5 + 1. + 1e3 + 2E-1", 1001.7),
        ("  x\t+\n1 ", 3.0),
        ("sin(pi/2)", 1.0),
        ("maximum(x, 3)", 3.0),
        ("where(greater(x, 1), x, b)", 2.0),
        ("leaky_relu(w1)", -0.005),
        ("leaky_relu(w1, 0.5)", -0.25),
        ("clip(x, -1, 1)", 1.0),
        ("atan2(0, -1)", math.pi),
        ("hypot(3, sin(0) + 4)", 5.0),
        ("sin (0)", 0.0),
        ("-(1 + 2)**2", -9.0),
        ("1e-400", 0.0),
    ],
)
def test_precedence_and_calls(text, data):
    assert data_of(text) == pytest.approx(data, abs=0.0, rel=1e-15)


def random_text(rng, depth):
    """Return a legal expression of numbers, x and w1, with blanks in odd places."""
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(["x", "w1", "3", "0.25", "1e1", ".5"])
    kind = rng.random()
    if kind < 0.15:
        return "(" + random_text(rng, depth - 1) + rng.choice([")", " )"])
    if kind < 0.3:
        return rng.choice(["-", "+", "- "]) + random_text(rng, depth - 1)
    sign = rng.choice(["+", "-", "*", "/", "//", "%", " ** ", " - "])
    return random_text(rng, depth - 1) + sign + random_text(rng, depth - 1)


def test_agrees_with_python_on_random_expressions():
    rng, compared = random.Random(7), 0
    for _ in range(3000):
        text = random_text(rng, 4)
        try:
            expected = eval(text, {"x": 2.0, "w1": -0.5})
        except (ZeroDivisionError, OverflowError, TypeError):  # no float in Python; a power may be complex there
            continue
        if isinstance(expected, complex):
            continue
        got = record_expression(text, VALUES).data
        assert got == pytest.approx(float(expected), rel=1e-12, nan_ok=True) or abs(expected) > 1e300, text
        compared += 1
    assert compared > 2000


def test_every_elementwise_row_can_be_called():
    for name, op in FUNCTIONS.items():
        arguments = ", ".join(["0.5"] * len(op.params))
        assert data_of(f"{name}({arguments})") == pytest.approx(op(*[0.5] * len(op.params)), nan_ok=True)


def test_names_become_labelled_leaves_and_numbers_stay_numbers():
    root = record_expression("x * 3", VALUES)
    assert [type(arg) for arg in root.args] == [Value, float]
    assert root.args[0].label == "x"
    root.backward()
    assert root.args[0].grad == 3.0


@pytest.mark.parametrize(
    "text", ["9**9**9**9", "9**9**9", "-9**9**9", "1/0", "(-8)**(1/3)", "log(0)", "0/0", "5 % 0", "1//0"]
)
def test_what_has_no_finite_value_follows_ieee_754_at_once(text):
    assert not math.isfinite(data_of(text))


def test_a_sum_of_three_thousand_terms():
    root = record_expression(" + ".join(["x"] * 3000), {"x": 0.5})
    root.backward()
    assert root.data == 1500.0
    assert explain(root).gradients == {"x": 3000.0}


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "empty"),
        ("   ", 4, "too early"),
        ("1+", 3, "too early"),
        (")(", 1, "expected before ')'"),
        ("(1", 1, "never closed"),
        ("1)", 2, "closes nothing"),
        ("1 2", 3, "operator is missing"),
        ("..5", 1, "'.'"),
        ("1e", 2, "operator is missing"),
        ("0x10", 2, "operator is missing"),
        ("1_000", 2, "'_'"),
        ("1j", 2, "operator is missing"),
        ("nan", 1, "no value"),
        ("inf", 1, "no value"),
        ("x + 1e999", 5, "too large"),
        ("9" * 5000, 1, "too large"),
        ("x\0", 2, "x00"),
        ("x\ud800", 2, "ud800"),
        ("１", 1, "uff11"),
        ("х", 1, "u0445"),
        ("\u202ex", 1, "u202e"),
        ("x\xa0+1", 2, "xa0"),
        ("__import__('os')", 1, "'_'"),
        ("x.__class__", 2, "'.'"),
        ("x.real", 2, "'.'"),
        ("open(1)", 1, "no function here"),
        ("lambda: 1", 1, "no value"),
        ("[x for x in x]", 1, "'['"),
        ("f'x'", 1, "no value"),
        ("'x'", 1, '"\'"'),
        ("(x := 1)", 4, "':'"),
        ("x = 1", 3, "'='"),
        ("x == 1", 3, "'='"),
        ("x @ x", 3, "'@'"),
        ("x if x else b", 3, "operator is missing"),
        ("x; b", 2, "';'"),
        ("x # b", 3, "'#'"),
        ("sin", 4, "is a function"),
        ("sin x", 5, "is a function"),
        ("sin + 1", 5, "is a function"),
        ("sin()", 5, "expected before ')'"),
        ("x + sin(1, 2)", 5, "takes 1 argument, got 2"),
        ("maximum(1)", 1, "takes 2 arguments, got 1"),
        ("leaky_relu(1, 2, 3)", 1, "takes 1 to 2 arguments, got 3"),
        ("1, 2", 2, "comma"),
        ("(1, 2)", 3, "comma"),
        ("sin(1,)", 7, "expected"),
        ("x(1)", 2, "operator is missing"),
        ("2 x", 3, "operator is missing"),
        ("* x", 1, "expected before '*'"),
        ("y", 1, "no value"),
        ("x ** ** x", 6, "expected before '**'"),
        ("sum(x)", 1, "no function here"),
        ("exec", 1, "no value"),
        ("x^2", 2, "'^' is not part of the language: a power is **"),
        ("x²", 2, "a power is **2"),
        ("2×x", 2, "a product is *"),
        ("x − 1", 3, "a minus is -"),
        ("x > 0", 3, "compare with greater(x, y)"),
        ("π*x", 1, "write pi"),
        ("np.sin(x)", 1, "'np' is no value here: functions stand alone, sin(x)"),
        ("ln(x)", 1, "'ln' is no function here: did you mean log?"),
        ("ReLU (x)", 1, "'ReLU' is no function here: did you mean relu?"),
        ("y(x + 1)", 1, "'y' is no function here; a product is *"),
    ],
)
def test_mistakes_are_refused_with_their_column(text, column, message):
    error = refused(text)
    assert error.column == column
    assert str(error).startswith(f"column {column}: ")
    assert message in str(error)
    first, excerpt, caret = error.pointed.split("\n")
    assert "\n" not in str(error)
    assert first == str(error)
    assert caret.endswith("^")
    assert len(caret) <= len(excerpt) + 1
    if column <= len(text) and text[column - 1].isprintable():
        assert excerpt[len(caret) - 1] == text[column - 1]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "-" * 100_000,
        "(" * 300 + "x" + ")" * 300,
        "-" * 300 + "x",
        "sin(" * 300 + "x" + ")" * 300,
        "2**" * 300 + "2",
    ],
)
def test_nesting_has_a_limit(text):
    assert f"more than {DEPTH} deep" in str(refused(text))


def test_nesting_up_to_the_limit_works():
    assert data_of("(" * DEPTH + "x" + ")" * DEPTH) == 2.0
    assert data_of("-" * DEPTH + "x") == 2.0


def test_length_has_a_limit():
    assert data_of("x" + " " * (LENGTH - 1)) == 2.0
    assert f"more than {LENGTH:,}" in str(refused("x" * (LENGTH + 1)))


def test_a_caret_in_a_long_expression_points_into_an_excerpt():
    error = refused("x + " * 1000 + "? + x" + " + x" * 1000)
    _, excerpt, caret = error.pointed.split("\n")
    assert len(excerpt) < 80
    assert excerpt[len(caret) - 1] == "?"


@pytest.mark.parametrize(
    ("assignments", "values"),
    [
        (["x=2", "w1=-.5e1"], {"x": 2.0, "w1": -5.0}),
        (["x=+3."], {"x": 3.0}),
        (["x=inf", "y=-inf"], {"x": math.inf, "y": -math.inf}),
        ([], {}),
    ],
)
def test_values(assignments, values):
    assert read_values(assignments) == values


def test_nan_is_a_value():
    assert math.isnan(record_expression("x + 1", read_values(["x=nan"])).data)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("x", "name=number"),
        ("x=", "not a number"),
        ("=1", "name=number"),
        ("1x=1", "name=number"),
        ("x=1_0", "not a number"),
        ("x= 1", "not a number"),
        ("x=１", "not a number"),
        ("x=1j", "not a number"),
        ("x=0x10", "not a number"),
        ("sin=1", "name of the language"),
        ("pi=3", "name of the language"),
        ("__x=1", "name=number"),
        ("х=1", "name=number"),
        ("x.y=1", "name=number"),
        ("x==1", "not a number"),
        ("x=\ud800", "not a number"),
        ("", "name=number"),
        ("x=1e999x", "not a number"),
        ("x=1e999", "too large"),
        ("x=-1e999", "too large"),
    ],
)
def test_bad_values_are_refused(assignment, message):
    with pytest.raises(ExpressionError, match=message):
        read_values([assignment])


def test_a_value_given_twice_is_refused():
    with pytest.raises(ExpressionError, match="'x' is given twice"):
        read_values(["x=1", "x=1"])


def test_random_text_gives_a_number_or_an_error_and_never_an_attribute():
    fuzz = SimpleNamespace(**runpy.run_path(str(FUZZ)))
    rng = random.Random(3)
    accepted = sum(fuzz.check(fuzz.made(rng)) for _ in range(4000))
    assert 0 < accepted < 4000


def test_results_equal_the_engine():
    x, w = Value(0.3), Value(-1.2)
    by_hand = ops.tanh(w * x + 0.5) ** 2 / ops.hypot(x, w)
    root = record_expression("tanh(w*x + 0.5)**2 / hypot(x, w)", {"w": -1.2, "x": 0.3})
    assert root.data == by_hand.data
    assert np.isfinite(root.data)
