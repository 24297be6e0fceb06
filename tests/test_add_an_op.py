"""One op, added in one place, in every reader; a language that does not have it refuses it by name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import viz
from autograd_mini import DataError, Tensor, Value, backward_steps, compile, explain, grad, gradcheck, jvp, ops
from autograd_mini.op import Unary

X = 0.7


@pytest.fixture(scope="module")
def log_cosh() -> Any:
    return Unary(
        "my_log_cosh", "my_log_cosh({})",
        lambda x: math.log(math.cosh(x)),
        lambda x: np.log(np.cosh(x)),
        lambda g, y, x: g * ops.tanh(x),
    )  # fmt: skip


def test_it_computes_and_differentiates_to_any_order(log_cosh: Any) -> None:
    assert log_cosh(X) == math.log(math.cosh(X))
    np.testing.assert_allclose(log_cosh(np.array([0.0, X])), [0.0, log_cosh(X)], rtol=1e-15)
    assert math.isclose(grad(log_cosh)(X), math.tanh(X))
    assert math.isclose(grad(grad(log_cosh))(X), 1.0 - math.tanh(X) ** 2)
    assert math.isclose(jvp(log_cosh, (X,), (2.0,))[1], 2.0 * math.tanh(X))
    assert gradcheck(log_cosh, X)
    x = Tensor([0.0, X])
    log_cosh(x).sum().backward()
    np.testing.assert_allclose(x.grad, np.tanh([0.0, X]), rtol=1e-15)


def test_it_is_swept_explained_drawn_and_compiled(log_cosh: Any) -> None:
    x = Value(X, label="x")
    y = log_cosh(x) * x
    assert [node.op.name if node.op else node.label for node in backward_steps(y)] == ["mul", "my_log_cosh", "x"]
    assert "my_log_cosh(x)" in str(explain(y))
    assert "tanh(x)" in str(explain(y))
    assert "my_log_cosh" in viz.draw_dot(y).source
    program = compile(y)
    value, gradients = program(X)
    assert math.isclose(value, X * log_cosh(X))
    assert math.isclose(*gradients, log_cosh(X) + X * math.tanh(X))
    assert "my_log_cosh(x)" in program.source


@pytest.mark.parametrize("language", ["javascript", "torch", "jax"])
def test_a_language_that_does_not_have_it_says_so(log_cosh: Any, language: str) -> None:
    program = compile(log_cosh(Value(X, label="x")))
    with pytest.raises(DataError, match="my_log_cosh"):
        getattr(program, language)
