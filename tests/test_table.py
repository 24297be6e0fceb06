"""Every row of the table: value and derivatives, on floats and arrays of every shape class, against second opinions."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from table_cases import (
    ROWS,
    called,
    cases,
    check_first,
    check_second,
    close,
    differentiable,
    direction,
    fewer,
    gradients,
    sample,
    second,
    shapes,
)
from tables import each
from torch_rows import torch_rows

from autograd_mini import Node, Tensor, Value, array_ops, ops
from autograd_mini.op import Elementwise, Flat, Op, Variadic, contribution

pytestmark = pytest.mark.filterwarnings("error")

each_row = each(ROWS)
smooth_rows = [row for row in ROWS if not isinstance(row, Flat)]
each_smooth_row = each(smooth_rows)


def check_all(row: Op) -> None:
    for args in cases(row):
        check_first(row, args)


@each_row
def test_every_row_has_cases(row: Op) -> None:
    assert cases(row), f"write cases for {row.name} in table_cases.py"


@each_row
def test_recording_changes_no_value(row: Op) -> None:
    for args in cases(row):
        plain = row(*args)
        z, _ = called(row, args, list(range(len(args))) if isinstance(row, Flat) else differentiable(row, args))
        assert isinstance(z, Value if np.shape(plain) == () else Tensor)
        np.testing.assert_array_equal(z._data, plain)


@each_smooth_row
def test_first_derivatives_agree_with_a_measurement(row: Op) -> None:
    check_all(row)


@each_smooth_row
def test_second_derivatives_agree_with_a_measurement(row: Op) -> None:
    for args in fewer(row):
        check_second(row, args)


@each([row for row in ROWS if isinstance(row, Flat)])
def test_nothing_flows_through_a_flat_row(row: Flat) -> None:
    for args in cases(row):
        z, leaves = called(row, args, list(range(len(args))))
        (z * 3.0).backward(direction(z.shape, 1))
        for i, x in leaves.items():
            np.testing.assert_array_equal(x.grad, np.zeros(np.shape(args[i])))


@each_smooth_row
def test_an_operand_may_be_a_constant(row: Op) -> None:
    for args in cases(row):
        seed = direction(np.shape(row(*args)), 1)
        together = gradients(row, args, seed)
        for i in differentiable(row, args):
            z, leaves = called(row, args, [i])
            z.backward(seed)
            np.testing.assert_array_equal(leaves[i].grad, together[i])


@each_smooth_row
def test_gradients_are_linear_in_the_seed(row: Op) -> None:
    for args in cases(row):
        shape = np.shape(row(*args))
        one, two = direction(shape, 1), direction(shape, 2)
        apart = gradients(row, args, one), gradients(row, args, two)
        for i, g in gradients(row, args, 3.0 * one - 0.5 * two).items():
            close(g, 3.0 * apart[0][i] - 0.5 * apart[1][i], row.name, 1e-13)


def _single(a: Any) -> Any:
    return a.astype(np.float32) if isinstance(a, np.ndarray) and a.dtype == np.float64 else a


@each_row
def test_float32_stays_float32(row: Op) -> None:
    for args in cases(row):
        single = tuple(map(_single, args))
        if row.name == "cast":  # the one row that is there to widen
            assert row(single[0], np.float64).dtype == np.float64
            continue
        z, leaves = called(row, single, [i for i in differentiable(row, args) if np.ndim(args[i])])
        if leaves:
            assert z.dtype == (np.float32 if z.shape else np.float64), row.name
            close(z._data, row(*args), row.name, 1e-5)
        for i in leaves:
            g = direction(z.shape, 1)
            g = np.asarray(g, np.float32) if z.shape else g
            assert contribution(z, i, g).dtype == np.float32, f"{row.name}, argument {i}"


@each([row for row in ROWS if isinstance(row, Elementwise)])
def test_floats_and_arrays_agree_to_a_few_ulp(row: Elementwise) -> None:
    arity = range(len(row.params))
    condition = [row.rule(i) is None and not isinstance(row, Flat) for i in arity]
    columns = [sample((2, 3, 4), row.domain[i], i).ravel() for i in arity]
    columns = [column > 0.0 if c else column for column, c in zip(columns, condition)]
    seeds = direction((24,), 1)
    on_arrays = gradients(row, tuple(columns), seeds) if row.rules[-1] else {}
    for j, args in enumerate(zip(*(column.tolist() for column in columns))):
        close(row(*args), row(*columns)[j], row.name, 4e-15)
        for i, g in (gradients(row, args, float(seeds[j])) if row.rules[-1] else {}).items():
            close(g, on_arrays[i][j], f"{row.name}, argument {i}", 4e-15)


@each([0.0, -0.0, 1.0, -1.0, 1e308, -1e308, 5e-324, 1000.0, -1000.0, np.inf, -np.inf, np.nan])
@each([row for row in ROWS if isinstance(row, Elementwise)])
def test_floats_and_arrays_agree_at_the_ends(row: Elementwise, x: float) -> None:
    others = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 1e308, np.inf, -np.inf, np.nan)
    for y in others if len(row.params) > 1 else (0.0,):
        args = (x, y, 0.5)[: len(row.params)]
        arrays = tuple(np.array([a]) for a in args)
        alike(row(*args), row(*arrays)[0], f"{row.name}{args}")
        if row.rules[-1]:
            on_arrays = gradients(row, arrays, np.array([2.0]))
            for i, g in gradients(row, args, 2.0).items():
                alike(g, on_arrays[i][0], f"{row.name}{args}, argument {i}")


def alike(a: float, b: float, where: str) -> None:
    """Check that two numbers agree to a few ulp, and that zeros have one sign."""
    close(a, b, where, 4e-15)
    assert a or np.signbit(a) == np.signbit(b), f"{where}: {a} and {b}"


# Torch, where it is installed ---------------------------------------------------------------------------------------


NOT_IN_TORCH = {
    "prod_others": "the product of all entries but one",
    "eigh_vectors": "signs of eigenvectors are free",
    "svd_vectors": "signs of singular vectors are free",
    "getitem": "negative steps",
    "scatter": "one call for all kinds of index",
}


def _double(torch: Any, x: Any) -> Any:
    return torch.tensor(x, dtype=torch.float64)


def _torch_result(torch: Any, row: Op, args: Any) -> tuple[Any, dict[int, Any]]:
    """Return the result of torch's function for the row, and its differentiable arguments as torch's leaves."""
    leaves = {i: _double(torch, args[i]).requires_grad_() for i in differentiable(row, args)}
    given = [leaves.get(i, torch.as_tensor(a) if isinstance(row, Elementwise) else a) for i, a in enumerate(args)]
    function = torch_rows(torch)[row.name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of a variance that has no entries
        return function(*given), leaves


@pytest.mark.parametrize("row", [row for row in ROWS if row.name not in NOT_IN_TORCH], ids=lambda row: row.name)
def test_values_and_two_orders_agree_with_torch(row: Op) -> None:
    torch = pytest.importorskip("torch")
    for args in cases(row):
        z, leaves = _torch_result(torch, row, args)
        what = f"{row.name}, shapes {shapes(row, args)}"
        close(row(*args), z.detach().numpy().astype(float), what, 1e-12)
        if not leaves or not z.requires_grad:
            continue
        seed = direction(np.shape(row(*args)), 1)
        first = torch.autograd.grad((z * _double(torch, seed)).sum(), list(leaves.values()), create_graph=True)
        for i, g in zip(leaves, first):
            close(gradients(row, args, seed)[i], g.detach().numpy(force=True), f"{what}, argument {i}", 1e-11)
        total = sum((g * _double(torch, direction(np.shape(args[i]), 2 + i))).sum() for i, g in zip(leaves, first))
        if total.requires_grad:
            twice = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
            for (i, ours), g in zip(second(row, args, seed).items(), twice):
                expected = np.zeros(np.shape(ours)) if g is None else g.numpy(force=True)
                close(ours, expected, f"{what}, order 2, argument {i}", 1e-9)


# The test of the tests ----------------------------------------------------------------------------------------------

rules = [
    (row, i)
    for row in smooth_rows
    for i, rule in enumerate([row.each] if isinstance(row, Variadic) else row.rules)
    if rule
]


@pytest.mark.parametrize(("row", "i"), rules, ids=lambda part: getattr(part, "name", str(part)))
def test_a_rule_that_is_wrong_by_a_thousandth_is_noticed(row: Op, i: int, monkeypatch: pytest.MonkeyPatch) -> None:
    right = row.each if isinstance(row, Variadic) else row.rule(i)

    def wrong(g: Any, *rest: Any) -> Any:
        return right(g * 1.001, *rest)

    if isinstance(row, Variadic):
        monkeypatch.setattr(row, "each", wrong)
    else:
        monkeypatch.setattr(row, "rules", (*row.rules[:i], wrong, *row.rules[i + 1 :]))
    with pytest.raises(AssertionError, match=row.name):
        check_all(row)


def test_results_are_nodes_only_where_an_argument_is_one() -> None:
    for row in ROWS:
        assert not any(isinstance(row(*args), Node) for args in cases(row))


@each_row
def test_a_row_is_copied_and_pickled_as_itself(row: Op) -> None:
    assert pickle.loads(pickle.dumps(row)) is row
    assert copy.deepcopy(row) is row


@pytest.mark.parametrize(("name", "meant"), [("arcsin", "asin"), ("sigmod", "sigmoid"), ("stak", "stack")])
def test_a_name_that_is_missing_is_answered_with_the_one_that_is_meant(name: str, meant: str) -> None:
    with pytest.raises(AttributeError, match=rf"no op '{name}': did you mean {meant}"):
        getattr(ops, name)
    with pytest.raises(AttributeError, match=r"no op 'kernell'$"):  # a module beside the ops is none of them
        ops.kernell  # noqa: B018


def test_what_is_made_of_rows_stands_beside_them() -> None:
    made = [name for name, thing in vars(array_ops).items() if getattr(thing, "__module__", "") == array_ops.__name__]
    assert len(made) > 6
    assert all(getattr(ops, name) is getattr(array_ops, name) for name in made)
