"""Conditions: a row records the comparison it is given; whoever else looks has bools, and the decision is noted."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import viz
from autograd_mini import BranchError, Tensor, Value, compile, no_grad, ops

TAKEN, OTHER = [1.0, -2.0, 3.0], [-1.5, 2.0, 0.25]

RECORDED: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {  # on nodes, and on arrays by numpy
    "greater": (lambda x: ops.where(x > 0.5, x * x, 3.0 * x), lambda x: np.where(x > 0.5, x * x, 3 * x)),
    "less": (lambda x: ops.where(x < 0.25, x * x, 3.0 * x), lambda x: np.where(x < 0.25, x * x, 3 * x)),
    "at least": (lambda x: np.where(x >= 0.25, x * x, 3.0 * x), lambda x: np.where(x >= 0.25, x * x, 3 * x)),
    "at most": (lambda x: np.where(x <= 0.25, x * x, 3.0 * x), lambda x: np.where(x <= 0.25, x * x, 3 * x)),
    "reflected": (lambda x: ops.where(np.less(0.5, x), x * x, 3.0 * x), lambda x: np.where(x > 0.5, x * x, 3 * x)),
    "between": (lambda x: x * ((x > 0.0) & (x < 2.5)), lambda x: x * ((x > 0) & (x < 2.5))),
    "outside": (lambda x: x * ((x < 0.0) | (x > 2.5)), lambda x: x * ((x < 0) | (x > 2.5))),
    "either": (lambda x: x * ((x < 2.0) ^ (x > 0.0)), lambda x: x * ((x < 2) ^ (x > 0))),
    "not": (lambda x: (~(x > 0.5)) * x, lambda x: ~(x > 0.5) * x),
    "logical": (lambda x: x * np.logical_not(np.logical_or(x > 2.0, x < 0.0)), lambda x: x * ~((x > 2) | (x < 0))),
    "a plain mask": (lambda x: x * ((x > 0.0) & np.bool_(True)), lambda x: x * (x > 0)),
    "nan": (lambda x: ops.where(np.isnan(x - x), 0.0, x), lambda x: x),
    "finite": (lambda x: ops.where(np.isfinite(x), x, 0.0) + ops.where(np.isinf(x), x, 0.0), lambda x: x),
}


def expected(f: Callable[[Any], Any], x: Any) -> Any:
    return np.sum(f(np.asarray(x)))


@pytest.mark.parametrize("name", RECORDED)
def test_a_condition_in_a_row_is_recorded_and_comes_out_anew_in_every_program(name: str) -> None:
    on_nodes, on_arrays = RECORDED[name]
    x = Tensor(TAKEN, label="x")
    program = compile(ops.sum(on_nodes(x)), [x])
    assert program(TAKEN)[0] == expected(on_arrays, TAKEN)
    assert program(OTHER)[0] == expected(on_arrays, OTHER)
    assert program.simplified()(OTHER)[0] == expected(on_arrays, OTHER)
    for taken, other in zip(TAKEN, OTHER):
        v = Value(taken, label="v")
        scalar = compile(on_nodes(v) + 0.0, [v])
        assert scalar(other)[0] == expected(on_arrays, other)
        assert scalar(np.array([taken, other]))[0].tolist() == [expected(on_arrays, taken), expected(on_arrays, other)]


def test_the_gradient_flows_through_the_branch_that_is_taken() -> None:
    x = Value(2.0, label="x")
    program = compile(ops.where(x > 1.0, x * x, 3.0 * x), [x])
    assert program(2.0) == (4.0, (4.0,))
    assert program(0.5) == (1.5, (3.0,))


DECIDED: dict[str, Callable[[Any], Any]] = {
    "if": lambda x: x[0] * x[1] if x[0] * 2.0 > 1.0 else x[0],
    "argmax": lambda x: x[x.argmax()],
    "np.argmin": lambda x: x[np.argmin(x)],
    "argmax along an axis": lambda x: x.reshape(1, 2)[0, x.reshape(1, 2).argmax(1)].sum(),
    "a mask": lambda x: x[x > 0.5].sum(),
    "any": lambda x: x.sum() if (x > 2.5).any() else x.mean(),
    "argsort": lambda x: x[np.argsort(x)][0],
    "allclose": lambda x: x.sum() if np.allclose(x, [1.0, 2.0]) else x.mean(),
    "truth": lambda x: x.sum() if x.sum() else x.mean(),
    "sorted": lambda x: sorted([x[0], x[1]])[0] * 2.0,
}
OF_OTHERS = ("if", "sorted", "truth", "argmax along an axis")  # decisions about nodes that the record does not hold


@pytest.mark.parametrize(
    "name", [name for name in DECIDED if name not in ("if", "sorted", "truth", "argmax along an axis")]
)
def test_what_was_decided_about_a_node_of_the_record_is_checked_by_its_programs(name: str) -> None:
    x = Tensor([1.0, 3.0], label="x")
    program = compile(ops.sum(DECIDED[name](x)), [x])
    assert program([1.0, 3.0])[0] == DECIDED[name](Tensor([1.0, 3.0])).data
    with pytest.raises(BranchError, match="when this was recorded"):
        program([7.0, -2.0])


@pytest.mark.parametrize("name", DECIDED)
def test_a_compiled_function_records_again_where_the_decision_comes_out_otherwise(name: str) -> None:
    compiled = compile(lambda x: ops.sum(DECIDED[name](x)))
    for data in ([1.0, 3.0], [1.0, 2.0], [7.0, -2.0], [-1.0, 0.25], [1.0, -1.0]):
        assert compiled(np.array(data))[0] == ops.sum(DECIDED[name](Tensor(data))).data, data


def test_programs_go_on_where_only_numbers_and_no_decision_change() -> None:
    compiled = compile(lambda x: 2.0 * x[x.argmax()])
    for data in ([1.0, 3.0], [2.0, 5.0], [-4.0, -3.0]):
        assert compiled(np.array(data))[0] == 2.0 * max(data)
    assert "1 program>" in repr(compiled)


@pytest.mark.parametrize("constant", [lambda x: x.data, lambda x: no_grad(lambda: (x * x).exp())(), lambda x: x.item()])
def test_data_and_results_of_no_grad_bind_a_compiled_function_to_their_numbers(constant: Callable[[Any], Any]) -> None:
    compiled = compile(lambda x: x * constant(x))
    for data in (2.0, 3.0, -1.0):
        x = Value(data)
        y = x * constant(x)
        y.backward()
        assert compiled(data) == (y.data, (x.grad,))


def test_a_decision_about_older_data_or_after_the_record_is_none_of_it() -> None:
    x = Value(2.0, label="x")
    assert x > 1.0
    x.data = 0.5
    y = x * x
    assert not y > 1.0
    assert compile(y, [x])(3.0) == (9.0, (6.0,))


def test_a_graph_with_decisions_is_freed_when_its_root_goes() -> None:
    gc.disable()
    try:
        x = Value(2.0)
        y = x * x
        assert y > x
        gone = weakref.ref(y)
        del y
        assert gone() is None
    finally:
        gc.enable()


def test_a_condition_is_bools_to_whoever_looks() -> None:
    x, t = Value(2.0), Tensor([1.0, 3.0])
    assert [repr(x > 1.0), str(x > 3.0), f"{x > 1.0}"] == ["True", "False", "True"]
    assert ["no", "yes"][x > 1.0] == "yes"
    assert (x > 1.0) == (x < 3.0)
    assert np.array([x > 1.0, x > 3.0]).dtype == bool
    assert {x > 1.0: "kept"}[True] == "kept"
    assert sum([x > 1.0, x > 3.0, t[1] > 2.0]) == 2
    assert (t > 2.0).tolist() == [False, True]
    assert (t > 2.0).shape == (2,)
    assert list(t.data[t > 2.0]) == [3.0]
    assert np.count_nonzero(t > 2.0) == np.sum(t > 2.0) == (t > 2.0).sum() == 1
    assert copy.copy(x > 1.0) is True
    with pytest.raises(ValueError, match="ambiguous"):
        bool(t > 2.0)


# What was decided about nodes that are in nobody's record -------------------------------------------------------------


def test_a_decision_about_what_is_no_part_of_the_record_is_known_by_its_leaves() -> None:
    b = Value(3.0, label="b")
    branches: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {  # the numbers that it is asked with are 2 and [1, 2]
        "square": (lambda x: 3.0 * x if x * x > 1.0 else -x, 3.0, 0.5),
        "other leaf": (lambda x: 2.0 * x if x * b > 1.0 else -x, 1.0, 0.1),
        "truth": (lambda x: 2.0 * x if x - 1.0 else -x, 2.0, 1.0),
        "sum": (lambda x: x[0] if x.sum() > 1.0 else x[1], [2.0, 3.0], [0.1, 0.2]),
        "argmax": (lambda x: x[0] if (x * 2.0).argmax() == 1 else x[1], [1.0, 3.0], [3.0, 1.0]),
    }
    for name, (function, here, there) in branches.items():
        leaf = Tensor([1.0, 2.0], label="x") if isinstance(here, list) else Value(2.0, label="x")
        root = function(leaf)
        program = compile(root, [leaf])
        program(here)
        with pytest.raises(BranchError):
            program(there)
        for text in (program.source, program.numpy, program.javascript):
            assert "record again" in text, name
        assert "a branch was taken when this was recorded" in viz.player(root, names={}).record["why"], name


def test_a_decision_ends_with_the_numbers_that_it_was_about_and_keeps_nothing_alive() -> None:
    x = Value(2.0, label="x")
    square = x * x
    for _ in range(3):
        assert square > 1.0
        assert x * x > 1.0
    assert len(x.note().decided) == 1
    held = weakref.ref(square)
    del square
    assert held() is None
    x.data = 0.5
    assert compile(3.0 * x, [x])(5.0) == (15.0, (3.0,))
    y, other = Value(1.0), Value(2.0)
    assert y * other > 1.0
    del other
    with pytest.raises(BranchError):
        compile(y * 2.0, [y])(0.1)


def test_a_large_expression_is_not_kept_for_a_question_about_it() -> None:
    x = Value(1.0)
    y = x
    for _ in range(60):
        y = y + 1.0
    assert y > 0.0
    assert x.note().decided == {}


def test_what_only_prints_binds_by_its_line_and_not_at_all_as_a_plain_number() -> None:
    x = Value(2.0, label="x")
    if x > 1:
        print("large", end="")
    program = compile(x * x, [x])
    with pytest.raises(BranchError, match=r"(?s)x > 1 was true .*test_conditions.py:\d+: if x > 1; .*ask x\.data"):
        program(0.5)
    x = Value(2.0, label="x")
    if x.data > 1:
        print("large", end="")
    assert compile(x * x, [x])(0.5) == (0.25, (1.0,))
