"""gradcheck: it passes what is right, catches what is wrong by a thousandth, and says what it cannot check."""

from __future__ import annotations

import math
import warnings
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from table_cases import ROWS, Case, cases, differentiable
from tables import each

from autograd_mini import DataError, RuleError, ShapeError, Tensor, Value, grad, gradcheck, no_grad, ops
from autograd_mini.checking import GradientTable
from autograd_mini.op import Flat, Op, Unary, Variadic

pytestmark = pytest.mark.filterwarnings("error")

RULED = [row for row in ROWS if not isinstance(row, Flat)]
PLACES = [
    (row, i)
    for row in RULED
    for i in range(len(row.params))
    if isinstance(row, Variadic) or row.rule(i)
    if not (isinstance(row, Variadic) and i < len(row.rules))
]


def small_cases(row: Op, most: int = 4, entries: int = 12) -> list[Case]:
    """Return the first calls of a row with few entries, and one with none."""
    sizes = [(sum(np.size(args[i]) for i in differentiable(row, args)), args) for args in cases(row)]
    return [args for size, args in sizes if 0 < size <= entries][:most] + [args for size, args in sizes if not size][:1]


def at(row: Op, args: Case) -> tuple[Callable[..., Any], list[Any]]:
    """Return the row as a function of its differentiable arguments alone, and these."""
    which = differentiable(row, args)

    def function(*xs: Any) -> Any:
        given = dict(zip(which, xs))
        return row(*(given.get(i, a) for i, a in enumerate(args)))

    return function, [args[i] for i in which]


# Every row ----------------------------------------------------------------------------------------------------------


@each(RULED)
def test_right_rules_pass_at_1e_minus_10(row: Op) -> None:
    for args in small_cases(row):
        function, xs = at(row, args)
        table = gradcheck(function, *xs, tolerance=1e-10)
        assert table, f"{row.name}{args}\n{table}"
        oracles = {check.oracle for check in table.rows}
        assert not table.rows or oracles == {"differences", "forward mode"} | (
            {"complex step"} if row.analytic else set()
        )
        assert len(table.rows) == len(oracles) * sum(map(np.size, xs))


@pytest.mark.parametrize(("row", "i"), PLACES, ids=lambda part: getattr(part, "name", str(part)))
def test_a_rule_wrong_by_a_thousandth_is_caught_by_each_oracle_that_does_not_use_it(
    row: Op, i: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = row.each if isinstance(row, Variadic) else row.rule(i)

    def wrong(g: Any, *rest: Any) -> Any:
        return right(g * 1.001, *rest)

    if isinstance(row, Variadic):
        monkeypatch.setattr(row, "each", wrong)
    else:
        monkeypatch.setattr(row, "rules", (*row.rules[:i], wrong, *row.rules[i + 1 :]))
    independent = {"differences"} | ({"complex step"} if row.analytic else set())
    caught: set[str] = set()
    for function, xs in (at(row, args) for args in small_cases(row, 6, 30)):
        table = gradcheck(function, *xs)
        assert ("WRONG" in str(table)) == (not table)
        caught |= {check.oracle for check in table.rows if not check.ok} - {"forward mode"}
        if caught == independent:
            return
    pytest.fail(f"{row.name}, argument {i + 1}: only {caught or 'nothing'} caught it")


@pytest.mark.parametrize("row", [row for row in ROWS if isinstance(row, Flat)], ids=lambda row: row.name)
def test_flat_rows_pass_away_from_their_steps(row: Op) -> None:
    assert gradcheck(row, *cases(row)[0])


@pytest.mark.parametrize(
    "f", [abs, ops.relu, ops.leaky_relu, ops.elu, lambda x: ops.maximum(x, 0.0), lambda x: x.clip(0.0, 1.0)]
)
def test_kinks_pass_from_a_thousandth_away(f: Callable[..., Any]) -> None:
    for x in (-1e-3, 1e-3, 0.5):
        assert gradcheck(f, x), gradcheck(f, x)


def test_at_a_kink_differences_disagree_and_say_so() -> None:
    table = gradcheck(ops.relu, 0.0)
    assert not table
    assert [(check.oracle, check.ok, check.measured) for check in table.rows] == [
        ("differences", False, 0.5),
        ("forward mode", True, 0.0),
    ]


# What it catches beyond rules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * x.detach(),
        lambda x: x * x.data,
        lambda x: Value(x.data) * 2.0,
        lambda x: x if x.data > 10.0 else x.detach() * x,
    ],
)
def test_a_dependence_that_is_not_recorded_is_caught_by_differences(f: Callable[..., Any]) -> None:
    wrong = [check.oracle for check in gradcheck(f, 3.0).rows if not check.ok]
    assert wrong == ["differences"]


def test_a_function_that_answers_differently_each_time_is_caught() -> None:
    noise = np.random.default_rng(0)
    assert not gradcheck(lambda x: x * noise.uniform(), 3.0)


@pytest.mark.parametrize("x", [1e-6, 1e-3, 1.0, 1e6, 1e150])
@pytest.mark.parametrize("f", [ops.sqrt, ops.log, lambda x: x**1.5, lambda x: 1.0 / x])
def test_near_the_edge_of_a_domain_and_far_out(f: Callable[..., Any], x: float) -> None:
    assert gradcheck(f, x), gradcheck(f, x)


def test_a_chain_of_many_ops_passes() -> None:
    def f(x: Any, y: Any) -> Any:
        for _ in range(20):
            x, y = (x * y).sin() + 0.5, (x - y).tanh()
        return x * y

    assert gradcheck(f, 0.3, 0.7)


# Arguments and results ----------------------------------------------------------------------------------------------

Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("f", "args", "names"),
    [
        (lambda x, y: x * y, (2.0, 3.0), ["args[0]", "args[1]"]),
        (lambda p: p["w"] * p["b"][0], ({"w": 2.0, "b": [3.0]},), ["args[0]['w']", "args[0]['b'][0]"]),
        (lambda p: p.x * p.y**2, (Point(2.0, 3.0),), ["args[0][0]", "args[0][1]"]),
        (lambda v: (v * v).sum(), (np.ones(2),), ["args[0][0]", "args[0][1]"]),
        (lambda W: W.sin(), (np.ones((1, 2)),), ["args[0][0, 0]", "args[0][0, 1]"]),
        (lambda x, v: x * v, (Value(2.0), Tensor([3.0])), ["args[0]", "args[1][0]"]),
        (lambda x: x * x, (3,), ["args[0]"]),
        (lambda x: x * x, (True,), ["args[0]"]),
        (lambda x: x * x, (np.float32(3.0),), ["args[0]"]),
        (lambda v: v.sum(), (np.array([1, 2]),), ["args[0][0]", "args[0][1]"]),
    ],
)
def test_arguments_of_every_form(f: Callable[..., Any], args: Any, names: list[str]) -> None:
    table = gradcheck(f, *args)
    assert table, table
    assert list(dict.fromkeys(check.leaf for check in table.rows)) == names


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (x, x * x),
        lambda x: {"a": x.sin(), "b": [x.exp(), 3.0]},
        lambda x: ops.stack([x, x * x, 1.0 / x]),
        lambda x: [x, x],
        lambda x: x,
        lambda x: np.array([1.0, 2.0]) * x,
    ],
)
def test_results_of_every_form(f: Callable[..., Any]) -> None:
    table = gradcheck(f, 2.0)
    assert table, table


def test_a_wrong_entry_of_one_result_does_not_hide_behind_another() -> None:
    assert not gradcheck(lambda x: (x * x.detach(), -x * x.detach()), 3.0)
    assert not gradcheck(lambda v: v * v.detach() * np.array([1.0, -1.0]), np.ones(2))


@pytest.mark.parametrize(
    "f", [lambda x: 5.0, lambda x: Value(5.0), lambda x: np.ones(2), lambda x: [], lambda x: x.sign() * 2.0]
)
def test_constants_have_derivative_zero(f: Callable[..., Any]) -> None:
    table = gradcheck(f, 2.0)
    assert table
    assert {(check.claimed, check.measured) for check in table.rows} == {(0.0, 0.0)}


def test_an_argument_that_is_ignored_has_derivative_zero() -> None:
    table = gradcheck(lambda x, y: x * x, 2.0, np.ones(2))
    assert table
    assert all(check.claimed == 0.0 for check in table.rows if check.leaf.startswith("args[1]"))


def test_empty_arrays_leave_nothing_to_check() -> None:
    table = gradcheck(lambda v: (v * v).sum(), np.zeros((0, 3)))
    assert table
    assert table.rows == ()
    assert str(table).split() == ["leaf", "claimed", "measured", "error", "oracle"]


def test_single_precision_is_checked_in_double() -> None:
    seen = []

    def f(v: Any) -> Any:
        seen.append(v.dtype)
        return (v.sin() * v).sum()

    assert gradcheck(f, np.array([0.5, 1.5], np.float32))
    assert gradcheck(f, Tensor(np.array([0.5], np.float32)))
    assert set(seen) == {np.dtype(np.float64)}


def test_rows_that_know_real_numbers_alone_are_checked_without_the_complex_step() -> None:
    sine = Unary("sine", "sine({})", math.sin, np.vectorize(math.sin), lambda g, y, x: g * ops.cos(x))
    cube = Unary("cube", "cube({})", lambda x: x**3, lambda x: math.pow(x, 3), lambda g, y, x: g * 3.0 * x * x)
    real = Unary("real", "real({})", lambda x: x, np.real, lambda g, y, x: g)
    product = Variadic("product", lambda *xs: float(np.prod(xs)), lambda g, z, i, args: g * z / args[i])
    for f, xs in ((sine, [0.5]), (cube, [0.5]), (real, [0.5]), (product, [2.0, 3.0])):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = gradcheck(f, *xs)
        assert table, f"{f}\n{table}"
        assert {row.oracle for row in table.rows} == {"differences", "forward mode"}, f
        assert gradcheck(f, *xs) == table, "the same where warnings are errors"


def test_outer_nodes_are_constants() -> None:
    w = Value(3.0)
    table = gradcheck(lambda x: (w * x).sin(), 2.0)
    assert table
    assert "complex step" in {check.oracle for check in table.rows}
    assert not w.has_grad


def test_derivatives_may_be_checked_themselves() -> None:
    assert gradcheck(grad(lambda x: x.sin() * x), 0.7)
    assert gradcheck(lambda x, y: grad(lambda t: (t * y).tanh())(x), 0.7, 1.3)
    with no_grad():
        assert gradcheck(ops.sin, 0.7)


def test_arguments_are_left_as_they_were() -> None:
    v = np.array([1.0, 2.0])
    x = Value(3.0)
    gradcheck(lambda v, x: (v * x).sum(), v, x)
    assert (v.tolist(), x.data, x.has_grad) == ([1.0, 2.0], 3.0, False)


# NaN, infinities, errors --------------------------------------------------------------------------------------------


def test_nan_agrees_with_nan_alone() -> None:
    table = gradcheck(lambda x: x * np.nan, 2.0)
    assert table, table
    assert all(np.isnan(check.claimed) and check.error == 0.0 for check in table.rows)
    assert not gradcheck(lambda x: (x * 0.0).detach() * np.nan + x, 2.0)
    assert not gradcheck(ops.log, -1.0)  # the slope that the rule gives beyond the domain is not one of log
    assert gradcheck(lambda x: x**0.5, -2.0)
    assert gradcheck(ops.sin, np.nan)


def test_infinite_values_and_huge_ones_warn_of_nothing() -> None:
    for f in (lambda x: x / 0.0, ops.exp, lambda x: x * 1e308 * 1e308, lambda x: 1.0 / (x - x)):
        for x in (0.0, 710.0, 1e308, np.inf):
            assert isinstance(bool(gradcheck(f, x)), bool)
    assert isinstance(bool(gradcheck(lambda v: v * 1e308 * v, np.array([1e308, -1e308]))), bool)


def test_no_arguments() -> None:
    with pytest.raises(ShapeError, match=r"gradcheck\(f, x, y\)"):
        gradcheck(lambda: 3.0)


@pytest.mark.parametrize("bad", ["text", None, 1j, object(), np.array(["a"]), float])
def test_arguments_that_are_no_numbers(bad: Any) -> None:
    with pytest.raises(DataError):
        gradcheck(lambda x: x, bad)


@pytest.mark.parametrize("bad", ["text", None, 1j, {1, 2}])
def test_results_that_are_no_numbers(bad: Any) -> None:
    with pytest.raises(DataError):
        gradcheck(lambda x: bad, 1.0)


def test_what_the_function_raises_comes_through() -> None:
    def f(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        gradcheck(f, 1.0)


def test_a_rule_that_raises_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(g: Any, y: Any, x: Any) -> Any:
        raise IndexError("of the rule")

    monkeypatch.setattr(ops.sin, "rules", (broken,))
    with pytest.raises(RuleError, match=r"sin.*of the rule"):
        gradcheck(ops.sin, 1.0)


@pytest.mark.parametrize("f", [lambda x: [x] * (1 + (x.data > 1.0)), lambda x: x * np.ones(1 + (x.data > 1.0))])
def test_results_that_change_their_form_as_arguments_move(f: Callable[..., Any]) -> None:
    with pytest.raises(ShapeError, match="moved"):
        gradcheck(f, 1.0)


# The table ----------------------------------------------------------------------------------------------------------


def printed(table: GradientTable) -> list[str]:
    lines = str(table).split("\n")
    assert max(map(len, lines)) <= 120
    assert not any(line != line.rstrip() for line in lines)
    return lines


def test_the_table_is_in_columns_and_the_worst_come_first() -> None:
    table = gradcheck(
        lambda p, v: (p["a long name"] * v.detach() * v).sum(), {"a long name": 2.0}, np.array([1.0, 3.0])
    )
    head, *lines = printed(table)
    assert head.split() == ["leaf", "claimed", "measured", "error", "oracle"]
    width = len("args[0]['a long name']")
    cells = [
        (line[:width].strip(), float(line[width : width + 24]), float(line[width + 24 : width + 48])) for line in lines
    ]
    assert sorted(cells) == sorted(
        (r.leaf, float(f"{r.claimed:.16g}"), float(f"{r.measured:.16g}")) for r in table.rows
    )
    assert [line.endswith("WRONG") for line in lines] == [True] * 2 + [False] * 7
    assert [cell[0] for cell in cells[:2]] == ["args[1][1]", "args[1][0]"], "an error of 6 before one of 2"


def test_a_large_table_shows_its_worst_entries() -> None:
    table = gradcheck(lambda v: (v.detach() * v)[:1].sum() + v[1:].sum(), np.ones(60))
    lines = printed(table)
    assert len(lines) == 42
    assert "WRONG" in lines[1]
    assert lines[-1] == f"... and {len(table.rows) - 40} more, none of them worse"


def test_nan_is_worst() -> None:
    lines = printed(
        gradcheck(lambda v: ops.where(np.array([True, False]), v * v.detach(), v.detach() * np.nan + v), np.ones(2))
    )
    assert "nan" in lines[1]


def test_a_prompt_shows_the_table() -> None:
    table = gradcheck(lambda x: x * x, 3.0)
    assert repr(table) == str(table)


def test_a_result_beyond_all_numbers_accuses_no_gradient() -> None:
    for x in (1e300, 1e200, 1e154):
        assert gradcheck(ops.square, x)
