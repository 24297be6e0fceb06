"""What a person meets at a prompt: where names are, what a mistake is answered with, what a plain terminal shows."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
from typing import Any

import pytest

import autograd_mini
from autograd_mini import AutogradError, DataError, NonFiniteError, Tensor, Value, detect_nonfinite, ops

PLAIN = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}


def run(*words: str, env: Any = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=env, check=False)


def said(function: Any) -> str:
    with pytest.raises((AutogradError, AttributeError, TypeError)) as caught:
        function()
    return str(caught.value)


# Where names are ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "home"), [("exp", "autograd_mini.ops"), ("MLP", "nn"), ("draw_dot", "viz")])
def test_a_name_that_is_elsewhere_is_answered_with_its_place(name: str, home: str) -> None:
    with pytest.raises(ImportError, match=f"it is in {home}, from {home} import {name}"):
        exec(f"from autograd_mini import {name}")
    assert f"it is in {home}" in said(lambda: getattr(autograd_mini, name))
    assert not hasattr(autograd_mini, name)


def test_a_name_that_is_nowhere_gets_no_place() -> None:
    assert said(lambda: autograd_mini.nowhere) == "module 'autograd_mini' has no attribute 'nowhere'"
    with pytest.raises(ImportError, match="cannot import name 'nowhere'"):
        exec("from autograd_mini import nowhere")


def test_a_star_import_leaves_pythons_own_functions_alone() -> None:
    names: dict[str, Any] = {}
    exec("from autograd_mini import *", names)
    assert set(names) & set(dir(builtins)) <= {"__builtins__", "__doc__", "__name__"}
    assert "compile" in dir(autograd_mini)


# The command ----------------------------------------------------------------------------------------------------------


def test_the_module_does_what_the_command_does() -> None:
    by_module = run("-m", "autograd_mini", "explain", "x*x", "x=2")
    by_command = run("-m", "viz.command.main", "explain", "x*x", "x=2")
    assert by_module.returncode == 0
    assert by_module.stdout == by_command.stdout
    assert run("-m", "autograd_mini", "explain", "x*").returncode == 2
    assert run("-m", "autograd_mini").stdout.startswith("autograd_mini: see how gradients flow")


def test_a_value_that_the_expression_does_not_use_is_named() -> None:
    done = run("-m", "autograd_mini", "explain", "x*x", "x=2", "y=3")
    assert done.returncode == 0
    assert done.stderr == "autograd-mini: note: the expression does not use y\n"
    assert run("-m", "autograd_mini", "explain", "x*x", "x=2").stderr == ""


@pytest.mark.parametrize("expression", ["a*b*a", "tanh(a) + a*b + a"])
def test_a_terminal_without_box_lines_gets_plain_signs(expression: str) -> None:
    for words in (["draw", expression], ["explain", expression], ["explain", expression, "--step"]):
        done = run("-m", "autograd_mini", *words, "a=2", "b=3", env=PLAIN)
        assert done.returncode == 0, done.stderr
        assert done.stdout.isascii()
        assert "\\u" not in done.stdout
        assert "?" not in done.stdout


def test_a_drawing_prints_on_any_terminal() -> None:
    code = "import viz; from autograd_mini import Value; a = Value(2.0); b = a * 3; viz.draw(b * a * b).print()"
    done = run("-c", code, env=PLAIN)
    assert done.returncode == 0, done.stderr
    assert "| b" in done.stdout


# Mistakes -------------------------------------------------------------------------------------------------------------


def test_none_is_answered_with_its_usual_cause() -> None:
    def forgets(x: Value) -> None:
        x * 2

    a = Value(1.0)
    for k, mistake in ((2, lambda: a + forgets(a)), (1, lambda: forgets(a) + a), (2, lambda: ops.maximum(a, None))):
        message = said(mistake)
        assert f"argument {k}:" in message
        assert "a function without `return` gives None" in message


def test_arguments_count_from_one_wherever_they_are_named() -> None:
    x = Value(0.0, label="x")
    assert "argument 2" in said(lambda: x * "text")
    with detect_nonfinite(), pytest.raises(NonFiniteError, match=r"\(argument 1 of sqrt\)"):
        x.sqrt().backward()


@pytest.mark.parametrize("x", [Value(0.0), Tensor([1.0, 0.0])], ids=["Value", "Tensor"])
@pytest.mark.parametrize("function", [ops.sqrt, ops.log, lambda x: x**0.5, lambda x: 1.0 / x])
def test_a_zero_that_meets_an_infinity_is_said(x: Any, function: Any) -> None:
    y = ops.sum(ops.where(x > 0.0, function(x), 0.0)) if x.ndim else ops.where(x > 0.0, function(x), 0.0)
    with detect_nonfinite(), pytest.raises(NonFiniteError) as caught:
        y.backward()
    assert "inf: the upstream gradient is 0, the local derivative" in str(caught.value)


def test_a_missing_argument_is_a_data_error() -> None:
    with pytest.raises(DataError):
        Value(None)
