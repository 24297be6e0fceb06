"""Simplified programs: the same value and gradients, by fewer operations."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from program_cases import engine, equal, random_record
from table_cases import ROWS, called, cases, differentiable
from tables import each

import autograd_mini
from autograd_mini import BranchError, Branches, Tensor, Value, ops
from autograd_mini.op import Binary, Flat
from autograd_mini.programs.languages.run import run_source


def body(program: Any) -> list[str]:
    """Return the lines of the function, without comments."""
    lines = program.source.partition("def program(")[2].splitlines()[1:]
    return [line.partition("  #")[0].strip() for line in lines]


def close(got: Any, expected: Any, message: str = "", tolerance: float = 1e-12) -> None:
    for a, e in zip((got[0], *got[1]), (expected[0], *expected[1]), strict=True):
        np.testing.assert_allclose(a, e, rtol=tolerance, atol=1e-290, err_msg=message)


@pytest.mark.parametrize("hostile", [False, True])
def test_random_records_keep_their_values(hostile: bool) -> None:
    exact = 0
    for seed in range(100):
        root, leaves = random_record(seed, hostile=hostile)
        program = autograd_mini.compile(root, leaves).simplified()
        gradient = random.Random(seed).choice([1.0, -0.3, 2.5])
        got, expected = program(*(x.data for x in leaves), gradient=gradient), engine(root, leaves, gradient)
        close(got, expected, program.source)
        assert str(got[0]) == str(expected[0]), program.source
        exact += equal(got, expected)
    assert exact >= 97


def test_a_batch_of_a_simplified_program_is_its_samples() -> None:
    for seed in range(20):
        root, leaves = random_record(seed)
        program = autograd_mini.compile(root, leaves)
        batch = [np.random.default_rng(i).uniform(-2.0, 2.0, 5) for i in range(3)]
        value, gradients = program.simplified()(*batch)
        expected = program(*batch)
        np.testing.assert_allclose(value, expected[0], rtol=1e-12)
        for g, e in zip(gradients, expected[1]):
            np.testing.assert_allclose(g, e, rtol=1e-9, atol=1e-12)


@each([row for row in ROWS if not isinstance(row, Flat)])
def test_every_row_may_be_simplified(row: Any) -> None:
    """By its source, with some of the arguments constant."""
    for args in cases(row)[:12]:
        which = differentiable(row, args)
        root, recorded = called(row, args, which[:1])
        leaves = list(recorded.values())
        program = autograd_mini.compile(root, leaves).simplified()
        seed = np.random.default_rng(0).uniform(0.5, 1.5, root.shape) if root.ndim else 0.7
        expected = engine(root, leaves, seed)
        value, gradients = run_source(program.numpy)(*(np.asarray(x.data)[()] for x in leaves), seed)
        shaped = [np.broadcast_to(g, x.shape) for g, x in zip(gradients, leaves)]
        close((value, shaped), expected, program.numpy, 1e-11)


@each([row for row in ROWS if isinstance(row, Binary)])
def test_what_depends_on_the_order_of_its_arguments_is_not_taken_for_equal(row: Any) -> None:
    x, y = leaves = Value(1.5, label="x"), Value(0.75, label="y")
    root = row(x, y) + 3.0 * row(y, x)
    close(autograd_mini.compile(root, leaves).simplified()(1.5, 0.75), engine(root, leaves))


def test_what_is_equal_is_computed_once_in_forward_and_adjoint() -> None:
    x, y = Value(0.5, label="x"), Value(0.25, label="y")
    program = autograd_mini.compile((x * y).exp() * (y * x).exp(), [x, y]).simplified()
    assert "".join(body(program)).count("exp(") == 1
    assert "".join(body(program)).count("x * y") == 1
    exponential = autograd_mini.compile(x.expm1(), [x]).simplified()
    assert body(exponential) == ["return expm1(x), (L_bar * exp(x),)"]


def test_what_is_computed_once_keeps_its_value_and_adds_its_contributions_first() -> None:
    x, z = Value(0.1, label="x"), Value(0.7, label="z")
    program = autograd_mini.compile(x * z * 0.3 + x * z * 0.6, [x, z])
    for a, b in np.random.default_rng(0).normal(size=(50, 2)).tolist():
        (value, _), (exact, _) = program.simplified()(a, b), program(a, b)
        assert value == exact
        assert program.simplified()(a, b)[1] == ((0.6 + 0.3) * b, (0.6 + 0.3) * a)


def test_constants_are_computed_now() -> None:
    w, b, x = Value(3.0, label="w"), Value(0.5, label="b"), Value(2.0, label="x")
    program = autograd_mini.compile((w.exp() + b) * x, [x]).simplified()
    factor = math.exp(3.0) + 0.5
    assert body(program) == [f"return {factor!r} * x, (L_bar * {factor!r},)"]
    w.data = 100.0
    assert program(2.0) == (factor * 2.0, (factor,))


def test_what_changes_nothing_is_left_out() -> None:
    x = Value(2.0, label="x")
    for same in (x * 1.0, 1.0 * x, x / 1.0, x**1, x - 0.0, ops.neg(-x), ops.identity(x), x + -0.0):
        program = autograd_mini.compile(same * 3.0, [x]).simplified()
        assert body(program) == ["return x * 3, (L_bar * 3,)"], program.source


def test_a_power_is_that_power() -> None:
    x = Value(1.5, label="x")
    for e in (-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0):
        close(autograd_mini.compile(x**e, [x]).simplified()(1.5), (1.5**e, (e * 1.5 ** (e - 1.0),)))


def test_a_sum_with_zero_stays_for_the_sign_of_zero() -> None:
    x = Value(2.0, label="x")
    program = autograd_mini.compile(1.0 / (x + 0.0), [x]).simplified()
    assert program(-0.0)[0] == math.inf


def test_labels_keep_their_lines_and_gradients_their_names() -> None:
    w, x, b = Value(-3.0, label="w"), Value(2.0, label="x"), Value(6.5, label="b")
    z = w * x + b
    z.label = "z"
    a = z.sigmoid()
    a.label = "a"
    assert body(autograd_mini.compile(a, [w, b, x]).simplified()) == [
        "z = w * x + b",
        "a = sigmoid(z)",
        "z_bar = a_bar * a * (1 - a)",
        "return a, (z_bar * x, z_bar, z_bar * w)",
    ]


def test_guards_are_kept_and_those_of_constants_dropped() -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    with Branches() as branches:
        y = x * x if x * 2.0 > 1.0 and w > 0.0 else x
    program = autograd_mini.compile(y, [x], branches=branches).simplified()
    assert program(3.0) == (9.0, (6.0,))
    with pytest.raises(BranchError, match="> 1 was true"):
        program(0.1)
    assert [line for line in body(program) if line.startswith("if")] == ["if not v1 > 1:"]
    bent = autograd_mini.compile(lambda x: y * 3.0 if (y := x * 2.0) > 1.0 else x)  # y is used once, and looked at
    assert bent.program(2.0).simplified()(1.0) == (6.0, (6.0,))


def test_unreached_inputs_constants_and_leaves() -> None:
    x, y, w = Value(2.0, label="x"), Value(3.0, label="y"), Value(4.0, label="w")
    assert autograd_mini.compile(x * 2.0, [x, y]).simplified()(1.0, 5.0) == (2.0, (2.0, 0.0))
    assert autograd_mini.compile(w * 2.0, [x]).simplified()(1.0) == (8.0, (0.0,))
    assert autograd_mini.compile(x, [x]).simplified()(1.0, gradient=3.0) == (1.0, (3.0,))
    assert autograd_mini.compile(x * 1.0, [x]).simplified()(1.0, gradient=3.0) == (1.0, (3.0,))


def test_simplifying_twice_changes_nothing() -> None:
    for seed in range(20):
        root, leaves = random_record(seed)
        once = autograd_mini.compile(root, leaves).simplified()
        assert len(body(once.simplified())) == len(body(once))


def test_a_simplified_program_is_shorter_and_exports_too() -> None:
    root, leaves = random_record(5)
    program = autograd_mini.compile(root, leaves)
    short = program.simplified()
    assert len(body(short)) < len(body(program))
    assert short.javascript.startswith("const")
    assert short.latex.startswith(r"\begin{aligned}")
    assert "torch.func.vjp" in short.torch


def test_arrays_are_simplified_too() -> None:
    rng = np.random.default_rng(0)
    W, x = Tensor(rng.normal(size=(2, 3)), label="W"), Tensor(rng.normal(size=(4, 3)), label="x")
    loss = (ops.softmax(x @ W.T, -1) * ops.softmax(x @ W.T, -1)).sum()
    program = autograd_mini.compile(loss, [W]).simplified()
    close(program(W.data), engine(loss, [W]))
    assert "".join(body(program)).count("softmax(") == 1


def test_a_long_chain_is_simplified() -> None:
    x = Value(0.5, label="x")
    y = x
    for _ in range(5_000):
        y = y * 0.999 + x * 1.0
    program = autograd_mini.compile(y, [x])
    assert equal(program.simplified()(0.5), program(0.5))
