"""School notation: read as a teacher would, told how it was read, and all that is the language already left alone."""

import random
import time

import pytest
import test_expression as command

from viz.command import main as cli
from viz.expression import record_expression
from viz.notation import as_expression


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("x^2", "x**2"), ("2x", "2*x"), ("2x^2 + 3x - 1", "2*x**2 + 3*x - 1"), ("x²", "x**2"),
        ("3·x", "3*x"), ("3×x÷2", "3*x/2"),
        ("x − 1", "x - 1"), ("ln(x)", "log(x)"), ("2ln(x)", "2*log(x)"), ("π", "pi"), ("2π", "2*pi"), ("πx", "pi*x"),
        ("σ(z)", "sigmoid(z)"), ("2σ(w·x + b)", "2*sigmoid(w*x + b)"), ("0,5x", "0.5*x"),
        ("maximum(0,x)", "maximum(0,x)"),
        ("maximum(0,5)", "maximum(0,5)"), ("maximum((0,5), 1)", "maximum((0.5), 1)"), ("(0,5)", "(0.5)"),
        ("1e3", "1e3"),
        ("1e3x", "1e3*x"), ("2exp(x)", "2*exp(x)"), ("2e", "2*e"),
        ("w1", "w1"), ("w1*x1", "w1*x1"), ("3(x+1)", "3*(x+1)"),
        ("(x+1)(x-1)", "(x+1)*(x-1)"), ("1.5e-3x", "1.5e-3*x"), ("1,2,3", "1,2,3"), ("", ""),
    ],
)  # fmt: skip
def test_what_it_is_read_as(text, read):
    assert as_expression(text) == read


def test_the_language_itself_is_left_alone():
    rng = random.Random(5)
    for text in [command.random_text(rng, 4) for _ in range(2000)]:
        read = as_expression(text)
        assert read == text, text


def test_its_numbers_are_those_of_the_formula():
    for text, x, data in (
        ("2x^2 + 0,5", 3.0, 18.5),
        ("(x+1)(x−1)", 3.0, 8.0),
        ("4σ(x)", 0.0, 2.0),
        ("ln(x)·2", 1.0, 0.0),
    ):
        assert record_expression(as_expression(text), {"x": x}).data == pytest.approx(data)


@pytest.mark.parametrize(
    "text", ["9" * 100_000, "9," * 50_000, "(" * 100_000, "x(" * 50_000, "1e" * 50_000, "." * 100_000]
)
def test_hostile_text_is_read_in_linear_time(text):
    begun = time.process_time()
    as_expression(text)
    assert time.process_time() - begun < 5.0


def test_the_command_says_how_it_was_read(capsys):
    assert cli.main(["explain", "2x^2", "x=1/2"]) == 0
    out, err = capsys.readouterr()
    assert err == "autograd-mini: read as: 2*x**2\n"
    assert out.rstrip().endswith("x   2.0")
    assert cli.main(["explain", "2*x**2", "x=0,5"]) == 0
    assert capsys.readouterr() == (out, "")
