"""Programs, replays and steps where a shortcut would give a wrong number without a word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_mini
from autograd_mini import ShapeError, Tensor, Value, ops
from autograd_mini.op import TABLE, Unary

# Compiled functions ---------------------------------------------------------------------------------------------------


def test_arguments_of_another_form_are_recorded_anew_though_they_hold_the_same_numbers() -> None:
    @autograd_mini.compile
    def scaled(x: Any, others: Any = (1.0,)) -> Any:
        entry = x[0] if isinstance(x, (list, tuple)) else x
        return entry * (2.0 if isinstance(x, list) else 3.0) * (5.0 if len(others) else 7.0)

    for args, expected in [((1.0,), 15.0), ((1.0, []), 21.0), (([1.0],), 10.0), (((1.0,),), 15.0), (([1.0], ()), 14.0)]:
        assert scaled(*args)[0] == expected


def test_the_program_for_arguments_is_the_one_of_their_branch() -> None:
    bent = autograd_mini.compile(lambda x: x * 2.0 if x > 0 else x * 3.0)
    for x in (1.0, -1.0, 1.0, -1.0):
        assert bent.program(x)(x) == bent(x)


def test_a_compiled_function_keeps_no_more_than_so_many_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograd_mini.programs.compile.KEPT", 8)
    lengths = autograd_mini.compile(lambda x: ops.sum(x * x))
    steps = autograd_mini.compile(lambda x: x * float(next(k for k in range(20) if x < k + 1.0)))
    for n in range(1, 20):
        assert lengths(np.ones(n))[0] == n
        assert steps(n + 0.5) == ((n + 0.5) * n, (float(n),))
    for compiled, last in ((lengths, np.ones(19)), (steps, 19.5)):
        assert compiled.program(last) is compiled.program(last), "the oldest are let go"
    assert lengths(np.ones(1)) == (1.0, (2.0,))
    assert len(lengths._programs) == 8
    assert [len(programs) for programs in steps._programs.values()] == [8]


def test_a_compiled_function_says_what_it_takes_and_gives() -> None:
    square = autograd_mini.compile(lambda x: x * x)
    with pytest.raises(ShapeError, match=r"returned shape \(2,\): return one number"):
        square(np.ones(2))
    assert not square._programs
    assert square(3.0) == (9.0, (6.0,))
    for x in (Value(3.0), Tensor([1.0])):
        with pytest.raises(autograd_mini.DataError, match=r"a node.*__wrapped__"):
            square(x)
    assert autograd_mini.compile(lambda x: square.__wrapped__(x) + x)(3.0) == (12.0, (7.0,))


def test_a_program_that_looks_at_its_branch_keeps_the_precision() -> None:
    def looking(x: Any, y: Any) -> Any:
        mask = ops.step(x)
        return (x * ops.mean(mask) + ops.softmax(x) if x.sum() > 0 else -x).mean() + 0.0 * ops.sum(ops.floor(y))

    x = np.array([1.0, 2.0, -0.5], np.float32)
    leaf, idle = Tensor(x), Tensor(x)
    root = looking(leaf, idle)
    root.backward()
    value, gradients = autograd_mini.compile(looking)(x, x)
    assert value == pytest.approx(root.data, rel=1e-6)
    for g, node in zip(gradients, (leaf, idle)):
        np.testing.assert_allclose(g, node.grad, rtol=1e-5)
        assert g.dtype == np.float32


# Rows of a user's own -------------------------------------------------------------------------------------------------


def test_a_row_that_returns_its_argument_does_not_see_it_written_over() -> None:
    same = Unary("test_same", "test_same({})", lambda x: x, lambda x: x, lambda g, r, x: g)
    try:
        x = Tensor(np.arange(4.0))
        y = x * 2.0
        root = (same(y) * (y + 1.0)).sum()
        root.backward()
        value, (g,) = autograd_mini.compile(root, [x])(x.data)
        assert value == root.data
        np.testing.assert_array_equal(g, x.grad)
    finally:
        del TABLE["test_same"]


def test_a_row_that_was_defined_anew_is_refused() -> None:
    try:
        x = Value(2.0)
        y = Unary("test_row", "test_row({})", lambda x: 2.0 * x, lambda x: 2.0 * x, lambda g, r, x: 2.0 * g)(x)
        z = Unary("test_row", "test_row({})", lambda x: 3.0 * x, lambda x: 3.0 * x, lambda g, r, x: 3.0 * g)(x)
        assert autograd_mini.compile(z)(1.0) == (3.0, (3.0,))
        with pytest.raises(autograd_mini.DataError, match="test_row was taken out of the table or defined anew"):
            autograd_mini.compile(y + z)
    finally:
        del TABLE["test_row"]
