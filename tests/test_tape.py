"""Tapes: the numba backend gives the engine's values and gradients, for all rows, seeds and lanes."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from table_cases import cases
from threads import at_once

from autograd_mini import DataError, Node, ShapeError, Tensor, Value, backward, ops, zero_grad
from autograd_mini.op import TABLE, Elementwise, Flat
from autograd_mini.sweep import order

pytest.importorskip("numba")

from autograd_mini.programs.tape import jit
from autograd_mini.programs.tape.tape import Tape, tape_of

ROWS = [row for row in TABLE.values() if isinstance(row, Elementwise)]
HOSTILE = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 3.0, 1e308, -1e308, 5e-324, 1e-308, 710.0, -745.2]
HOSTILE += [math.inf, -math.inf, math.nan]
SEEDS = [1.0, -0.7, 3.25, 0.0, 1e300]


def tape(root: Node, inputs: list[Any]) -> Tape:
    return tape_of(order(root)[::-1], root, inputs)


def by_the_engine(root: Node, inputs: list[Any], seed: float = 1.0) -> tuple[float, list[float]]:
    zero_grad(*order(root), *inputs)
    backward(root, seed)
    return root._data, [x.grad for x in inputs]


def agree(root: Node, inputs: list[Any], seed: float = 1.0, rtol: float = 0.0, what: str = "") -> None:
    """Assert that the tape and the engine agree: in every bit unless a tolerance is given; NaN equals NaN."""
    value, gradients = tape(root, inputs)([x._data for x in inputs], seed)
    expected, slopes = by_the_engine(root, inputs, seed)
    np.testing.assert_allclose([value, *gradients], [expected, *slopes], rtol=rtol, atol=0.0, err_msg=what)


# Every row ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_has_the_engines_value_and_gradients(row: Elementwise) -> None:
    scalars = [args for args in cases(row) if not any(map(np.ndim, args))]
    assert scalars
    for args in scalars:
        for variable in subsets(len(args)):
            leaves = [Value(a) for a in args]
            root = row(*(x if i in variable else x._data for i, x in enumerate(leaves)))
            for seed in SEEDS[:3]:
                agree(root, [leaves[i] for i in variable], seed, 1e-14, f"{row.name}{args}, variable {variable}")


def subsets(n: int) -> Iterator[list[int]]:
    return ([i for i in range(n) if mask & (1 << i)] for mask in range(1, 1 << n))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_answers_hostile_numbers_as_the_engine_does(row: Elementwise) -> None:
    n = len(row.rules)
    grid = np.array(np.meshgrid(*[HOSTILE if n < 3 else HOSTILE[::2]] * n)).reshape(n, -1).T.tolist()
    leaves = [Value(1.5) for _ in range(n)]
    compiled = tape(row(*leaves), leaves)
    for args in grid:
        for x, a in zip(leaves, args):
            x.data = a
        value, gradients = compiled(args, 0.5)
        expected, slopes = by_the_engine(row(*leaves), leaves, 0.5)
        np.testing.assert_allclose(
            [value, *gradients], [expected, *slopes], rtol=1e-13, atol=0.0, err_msg=f"{row.name}{args}"
        )


def test_a_row_over_whole_arrays_is_refused_by_name() -> None:
    x = Value(2.0)
    with pytest.raises(DataError, match="logsumexp"):
        tape(ops.logsumexp(x, None, False), [x])
    w = Tensor([1.0, 2.0])
    with pytest.raises(DataError, match="Tensor"):
        tape((x * w).sum(), [x])


# Random graphs --------------------------------------------------------------------------------------------------------

EXACT = (
    "add sub mul div neg square reciprocal identity sqrt abs relu maximum minimum leaky_relu where add_n squared_loss"
)
SMOOTH = "exp expm1 sin cos atan sinh cosh tanh sigmoid softplus silu erf erfc gelu elu asinh hypot atan2 logaddexp"
STEPS = [row.name for row in ROWS if isinstance(row, Flat)] + ["mod"]


def random_graph(seed: int, names: list[str], size: int) -> tuple[Node, list[Value]]:
    """Return a random record of the rows; those with steps ask for leaves only, where rounding moves nothing."""
    rng = np.random.default_rng(seed)
    leaves = [Value(float(x)) for x in rng.normal(size=6)]
    nodes: list[Any] = list(leaves)
    for _ in range(size):
        row = TABLE[str(rng.choice(names))]
        arity = int(rng.integers(1, 6)) if row.name == "add_n" else len(row.rules)
        pool = leaves if row.name in STEPS else nodes[-12:]
        args = [pool[rng.integers(len(pool))] for _ in range(arity)]
        if rng.random() < 0.2:
            args[-1] = float(rng.choice([0.0, -0.0, 2.0, -1.5]))
        result = row(*args)
        if isinstance(result, Node):
            nodes.append(result if abs(result._data) < 1e3 else result * 1e-3)
    root = nodes[-1] if nodes[-1] is not leaves[-1] else leaves[0] * 1.0
    return root, leaves


@pytest.mark.parametrize("seed", range(200))
def test_random_graphs_of_exact_rows_agree_in_every_bit(seed: int) -> None:
    root, leaves = random_graph(seed, EXACT.split() + "mul add".split() * (seed // 9), 5 + seed)
    agree(root, leaves, SEEDS[seed % len(SEEDS)])


@pytest.mark.parametrize("seed", range(100))
def test_random_graphs_of_all_rows_agree(seed: int) -> None:
    root, leaves = random_graph(seed, (EXACT + " " + SMOOTH).split() + STEPS, 10 + seed // 2)
    agree(root, leaves, SEEDS[seed % len(SEEDS)], 1e-7)


# Sums of products -----------------------------------------------------------------------------------------------------

DOTS: dict[str, Callable[..., Any]] = {
    "one product at a time": lambda b, w, x: sum((u * v for u, v in zip(w, x)), b),
    "products first": lambda b, w, x: sum([u * v for u, v in zip(w, x)], b),
    "add_n": lambda b, w, x: ops.add_n(b, *[u * v for u, v in zip(w, x)]),
    "no first term": lambda b, w, x: b * sum(u * v for u, v in zip(w, x)),
    "add_n of products": lambda b, w, x: b * ops.add_n(*[u * v for u, v in zip(w, x)]),
    "first term last": lambda b, w, x: w[0] * x[0] + b,
    "the first term is a factor": lambda b, w, x: sum((u * v for u, v in zip(w, x)), w[1]),
    "squares": lambda b, w, x: sum((u * u for u in w), b),
    "a product used twice": lambda b, w, x: (lambda m: (b + m) * m)(w[0] * x[0]),
    "a sum used twice": lambda b, w, x: (lambda s: s * (s + w[1] * x[1]))(b + w[0] * x[0]),
    "terms of other kinds": lambda b, w, x: b + w[0] * x[0] + x[1].tanh() + w[1] * x[1] + w[2] + w[2] * x[2],
    "something in between": lambda b, w, x: (lambda m, s: (b + m) * s)(w[0] * x[0], x[1] / w[1]),
    "the same sum": lambda b, w, x: (lambda m: m + m)(w[0] * x[0]),
    "add_n, out of order": lambda b, w, x: ops.add_n(b, *[u * v for u, v in zip(w, x)][::-1]),
    "add_n, one twice": lambda b, w, x: (lambda m: ops.add_n(b, m, m))(w[0] * x[0]),
    "add_n of one": lambda b, w, x: ops.add_n(b * x[0]) * w[0],
    "add_n of two": lambda b, w, x: ops.add_n(b, x[0]) * w[0],
    "products first, of shared factors": lambda b, w, x: sum([u * x[0] for u in w], b),
    "products of shared factors in turn": lambda b, w, x: sum((u * x[0] for u in w), b),
    "numbers and shared factors": lambda b, w, x: x[0] + (2.0 * w[0] + 3.0 * x[0]) * x[0] + 0.5 * (w[1] + x[0]) + x[0],
    "terms that were used before": lambda b, w, x: w[0] * x[0] + (w[0] * w[1] + (w[0] / x[1] + (b - w[0]))),
    "two sums at a time": lambda b, w, x: (lambda p, q, r, s: (b + p + r) * (b + q + s))(
        w[0] * x[0], w[1] * x[0], w[2] * x[0], w[3] * x[0]
    ),
    "a sum of sums": lambda b, w, x: (w[0].sin() + x[0] * 2.0) + (w[1].sin() + b * x[0]) + (b.cos() + x[1].exp()),
    "minus zero": lambda b, w, x: sum((u * 0.0 for u in w), -0.0) / b,
}


@pytest.mark.parametrize("how", DOTS)
def test_sums_of_products_agree_in_every_bit_however_they_were_recorded(how: str) -> None:
    rng = np.random.default_rng(3)
    b, *leaves = (Value(float(v)) for v in rng.normal(size=11))
    w, x = leaves[:5], leaves[5:]
    for seed in SEEDS:
        agree(DOTS[how](b, w, x), [b, *leaves], seed, what=how)


def test_terms_need_not_be_recorded_in_one_piece_where_they_are_used_once() -> None:
    x = [Value(0.5 + 0.1 * i) for i in range(9)]
    root = sum(100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(8))
    assert len(tape(root, x)) == 8 * 6 + 1
    agree(root, x, 0.7)


@pytest.mark.parametrize("how", list(DOTS)[:5])
def test_a_sum_of_products_is_one_instruction(how: str) -> None:
    b, *leaves = (Value(float(v)) for v in range(1, 12))
    root = DOTS[how](b, leaves[:5], leaves[5:])
    assert len(tape(root, [b, *leaves])) == (1 if root.op in (ops.add, ops.add_n) else 2)


def test_x_squared_is_a_product() -> None:
    x = Value(0.1)
    for x.data in (0.1, 1e200, -math.inf, math.nan, -0.0, 5e-324):
        agree(x**2, [x], 0.3)
    y = Value(2.0)
    agree(x**y, [x, y])


# Shapes of graphs -----------------------------------------------------------------------------------------------------


def test_a_chain_of_100_000_nodes() -> None:
    x = y = Value(0.3)
    for _ in range(50_000):
        y = y * 1.0001 - 0.00001
    agree(y, [x])


def test_an_input_used_10_000_times() -> None:
    x = Value(0.7)
    agree(ops.add_n(*[x * float(i) for i in range(5_000)], *[x] * 5_000), [x])
    agree(sum((x for _ in range(10_000)), Value(1.0)), [x])


def test_inputs_that_nothing_reaches_have_gradient_0() -> None:
    x, idle, stepped = Value(2.0), Value(5.0), Value(0.0)
    root = x * ops.floor(1.0 / stepped)  # the slope of 1/x at 0 is infinite, and no gradient asks for it
    value, gradients = tape(root, [idle, stepped, x])([1.0, 4.0, 3.0])
    assert (value, gradients.tolist()) == (0.0, [0.0, 0.0, 0.0])
    agree(root, [idle, stepped, x])


def test_the_root_may_be_an_input_or_a_constant() -> None:
    x, y = Value(2.0), Value(3.0)
    assert tape(x, [x, y])([4.0, 5.0], 0.5)[1].tolist() == [0.5, 0.0]
    value, gradients = tape(y, [x])([4.0])
    assert (value, gradients.tolist()) == (3.0, [0.0])


def test_leaves_that_are_no_inputs_keep_their_numbers_until_they_are_read_again() -> None:
    x, w = Value(2.0), Value(3.0)
    compiled = tape(w * x**w, [x])
    w.data = 1.0
    assert compiled([2.0])[0] == 24.0
    compiled.refresh()
    value, gradients = compiled([2.0])
    assert (value, gradients.tolist()) == (2.0, [1.0])


# Lanes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 31, 32, 33, 100])
def test_lanes_are_the_samples_one_by_one(n: int) -> None:
    root, leaves = random_graph(7, (EXACT + " " + SMOOTH).split() + STEPS, 60)
    compiled = tape(root, leaves)
    rng = np.random.default_rng(n)
    rows, seeds = rng.normal(size=(len(leaves), n)), rng.normal(size=n)
    values, gradients = compiled.lanes(rows, seeds)
    assert gradients.shape == (len(leaves), n)
    for j in range(n):
        value, slopes = compiled(rows[:, j], seeds[j])
        np.testing.assert_array_equal([values[j], *gradients[:, j]], [value, *slopes])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_in_lanes_is_the_same_as_alone(row: Elementwise) -> None:
    n = len(row.rules)
    rows = np.random.default_rng(0).choice(HOSTILE, size=(n, 80))
    for variable in subsets(n):
        leaves = [Value(0.5) for _ in range(n)]
        compiled = tape(row(*(x if i in variable else x._data for i, x in enumerate(leaves))), leaves)
        values, gradients = compiled.lanes(rows, -0.3)
        for j in range(rows.shape[1]):
            value, slopes = compiled(rows[:, j], -0.3)
            np.testing.assert_array_equal([values[j], *gradients[:, j]], [value, *slopes], f"{row.name}{rows[:, j]}")


@pytest.mark.parametrize("how", [*DOTS, *range(8)])
def test_gradients_are_summed_over_the_lanes(how: Any) -> None:
    """Inputs that all samples share are single numbers inside, unless a row or both factors of a product use them."""
    rng = np.random.default_rng(1)
    if how in DOTS:
        b, *leaves = inputs = [Value(float(v)) for v in rng.normal(size=11)]
        root = DOTS[how](b, leaves[:5], leaves[5:])
    else:
        root, inputs = random_graph(how, (EXACT + " " + SMOOTH).split(), 60)
    compiled = tape(root, inputs)
    for n, varied in ((177, [0, 2]), (5, [1]), (300, [-1])):
        given: list[Any] = [x._data for x in inputs]
        for i in varied:
            given[i] = rng.normal(size=n)
        values, sums = compiled.summed(given, 0.5)
        alone, slopes = compiled.lanes(given, 0.5)
        np.testing.assert_array_equal(values, alone)
        for total, slope in zip(sums, slopes):
            np.testing.assert_allclose(total, slope.sum(), rtol=0.0, atol=1e-15 * n * np.abs(slope).sum())


def test_what_all_samples_share_may_be_the_root_or_idle() -> None:
    x, w, idle = Value(2.0), Value(3.0), Value(5.0)
    given = [np.ones(3), 4.0, 7.0]
    assert [a.tolist() for a in tape(w * 1.0, [x, w, idle]).summed(given)] == [[4.0] * 3, [0.0, 3.0, 0.0]]
    assert [a.tolist() for a in tape(w, [x, w, idle]).summed(given, 0.5)] == [[4.0] * 3, [0.0, 1.5, 0.0]]
    sums = tape(w * x + ops.floor(idle) * 2.0 + 3.0 * w, [x, w, idle]).summed(given)[1]
    assert (sums.tolist(), np.signbit(sums).any()) == ([12.0, 12.0, 0.0], False)
    assert tape(w * x, [x, w]).summed([np.ones(0), 4.0])[1].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("seed", range(4))
def test_lanes_of_float32_are_those_of_float64_with_fewer_digits(seed: int) -> None:
    root, inputs = random_graph(seed, "add mul sub neg tanh exp sigmoid relu sin squared_loss add_n".split(), 12)
    compiled = tape(root, inputs)
    rng = np.random.default_rng(seed)
    rows, shared, seeds = rng.normal(size=(3, 75)), rng.normal(size=3).tolist(), rng.normal(size=75)
    for gradient in (0.5, seeds):
        wide = [*compiled.lanes([*rows, *shared], gradient), compiled.summed([*rows, *shared], gradient)[1]]
        narrow = [*rows.astype(np.float32), *shared]
        for exact, rounded in zip(wide, [*compiled.lanes(narrow, gradient), compiled.summed(narrow, gradient)[1]]):
            assert rounded.dtype == np.float32
            np.testing.assert_allclose(rounded, exact, rtol=1e-4, atol=1e-4 * np.abs(exact).max())
    assert compiled.lanes([*rows[:2], narrow[2], *shared])[0].dtype == np.float64, "one of float64 makes all so"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_in_float32_answers_hostile_numbers(row: Elementwise) -> None:
    n = len(row.rules)
    leaves = [Value(0.5) for _ in range(n)]
    rows = np.random.default_rng(0).choice(
        [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, math.inf, -math.inf, math.nan], size=(n, 80)
    )
    compiled = tape(row(*leaves), leaves)
    for exact, rounded in zip(compiled.lanes(rows), compiled.lanes(rows.astype(np.float32))):
        np.testing.assert_allclose(rounded, exact, rtol=1e-5, atol=1e-6, err_msg=row.name)


def test_a_wide_graph_is_computed_in_narrow_blocks() -> None:
    x = Value(0.5)
    compiled = tape(ops.add_n(*[(x + 1.0 / i).sin() for i in range(1, 9_000)]), [x])
    values, gradients = compiled.lanes([np.linspace(-1.0, 1.0, 20)])
    for j, x0 in enumerate(np.linspace(-1.0, 1.0, 20)):
        value, slopes = compiled([x0])
        assert (value, slopes[0]) == (values[j], gradients[0, j])


def test_lanes_that_do_not_fit_together_are_refused() -> None:
    x, y = Value(1.0), Value(2.0)
    compiled = tape(x * y, [x, y])
    for values in ([np.ones(2), np.ones(3)], [np.ones((2, 2)), 1.0], [1.0, 2.0], [np.ones(2)]):
        with pytest.raises(ShapeError):
            compiled.lanes(values)
        with pytest.raises(ShapeError):
            compiled.summed(values)
    with pytest.raises(ShapeError, match="gradient"):
        compiled.lanes([np.ones(2), 1.0], np.ones(3))
    good = (np.ones(2), np.array([1]), np.ones((1, 3)))
    assert compiled.batch(*good)[1].tolist() == [3.0, 3.0]
    for i, wrong in (
        (0, np.ones(3)),
        (0, np.ones(0)),
        (1, np.array([2])),
        (1, np.array([-1])),
        (1, np.array([0, 1])),
        (2, np.ones((2, 3))),
    ):
        with pytest.raises(ShapeError, match="batch takes 2 shared"):
            compiled.batch(*(wrong if k == i else a for k, a in enumerate(good)))
    for i, wrong in (
        (0, np.ones(2, int)),
        (1, np.array([1.0])),
        (2, np.ones(3)),
        (2, np.ones((1, 6))[:, ::2]),
        (2, np.ones((1, 3), np.float32)),
    ):
        with pytest.raises(DataError, match="contiguous"):
            compiled.batch(*(wrong if k == i else a for k, a in enumerate(good)))
    for wrong in ("1", None, 1j, x):
        with pytest.raises(DataError):
            compiled.lanes([np.ones(2), wrong])


# Buffers, watched values, straight lines ------------------------------------------------------------------------------


def neuron() -> tuple[Node, list[Value]]:
    b, *leaves = (Value(float(v)) for v in np.random.default_rng(5).normal(size=9))
    return DOTS["add_n"](b, leaves[:4], leaves[4:]).tanh(), [b, *leaves]


def test_buffers_are_filled_in_place() -> None:
    root, inputs = neuron()
    compiled = tape(root, inputs)
    values, out = np.array([x._data for x in inputs]), np.full(10, np.nan)
    frozen = values.copy()
    frozen.flags.writeable = False
    for given in (values, frozen):
        compiled.run(given, out, 0.5)
        value, gradients = compiled(values.tolist(), 0.5)
        assert out.tolist() == [value, *gradients]
    with pytest.raises(ShapeError, match="9 values and 10 places, got 8 and 10"):
        compiled.run(values[:8], out)
    with pytest.raises(ShapeError):
        compiled.run(values, out[:9])
    with pytest.raises(ShapeError):
        compiled(values[:3])
    for wrong in (values.astype(np.float32), values.tolist(), np.zeros((3, 3)), np.zeros(18)[::2], None):
        with pytest.raises(DataError, match="float64"):
            compiled.run(wrong, out)
    with pytest.raises(DataError, match="writeable"):
        compiled.run(values, frozen)


def test_values_of_watched_nodes_stand_after_the_gradients() -> None:
    root, inputs = neuron()
    inside = root.args[0]  # a sum of products, one of which is looked at
    watched = [inside, inside.args[2], inputs[0]]
    compiled = tape_of(order(root)[::-1], root, inputs, watched)
    out = np.empty(1 + 9 + 3)
    compiled.run(np.array([x._data for x in inputs]), out)
    assert out[10:].tolist() == [n._data for n in watched]
    expected, slopes = by_the_engine(root, inputs)
    np.testing.assert_allclose(out[:10], [expected, *slopes], rtol=1e-15)
    lanes = np.tile([[x._data] for x in inputs], 3)
    shown, _, _ = compiled.batch(np.zeros(9), np.arange(9), lanes)
    assert shown[1:].T.tolist() == [[n._data for n in watched]] * 3


@pytest.mark.parametrize("seed", range(3))
def test_straight_lines_give_the_same_bits(seed: int) -> None:
    names = (EXACT + " " + SMOOTH).split() + STEPS
    root, leaves = random_graph(seed, names, 40)
    root = DOTS["add_n"](root, leaves[:3], leaves[3:])
    compiled = tape(root, leaves[1:])
    straight = compiled.straight()
    values = np.random.default_rng(seed).normal(size=len(leaves) - 1)
    for given in (values, values * 1e200, np.zeros_like(values)):
        np.testing.assert_array_equal(np.hstack(straight(given, 0.7)), np.hstack(compiled(given, 0.7)))
    with pytest.raises(ShapeError):
        straight(values[1:])


def test_threads_may_share_a_tape() -> None:
    root, inputs = neuron()
    compiled = tape(root, inputs)
    given = np.random.default_rng(6).normal(size=(40, 9))
    expected = [np.hstack(compiled(values)) for values in given]

    def work() -> None:
        for _ in range(50):
            np.testing.assert_array_equal([np.hstack(compiled(values)) for values in given], expected)

    at_once(*[work] * 4)


# On disk: small sources, for the machine's own takes long to compile --------------------------------------------------

SMALL = """
import numba

@numba.njit("f8(f8)", cache=True)
def f(x):
    return 2.0 * x
"""
USE = f"from autograd_mini.programs.tape import jit\nm = jit.load('small', {SMALL!r})\nassert m.f(4.0) == 8.0\n"
USE += "print(m.__file__, sum(m.f.stats.cache_hits.values()))"


def use(cache: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "AUTOGRAD_MINI_CACHE": str(cache), "PYTHONWARNINGS": "error"}
    return subprocess.Popen([sys.executable, "-c", USE], env=environment, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> tuple[Path, int]:
    """Return where the compiled module was, and how often it had been compiled before."""
    text = process.communicate(timeout=120)[0]
    assert process.returncode == 0
    place, hits = text.rsplit(" ", 1)
    return Path(place), int(hits)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Return where a process has compiled, in a folder that was not there, and how often that was found."""
    return said(use(tmp_path_factory.mktemp("compiled") / "deep" / "cache"))


def test_the_second_process_finds_what_the_first_has_compiled(filled: tuple[Path, int]) -> None:
    place, hits = filled
    assert (place.parent.name, hits) == ("cache", 0)
    assert said(use(place.parent)) == (place, 1)


def test_processes_that_start_together_do_not_break_each_other(tmp_path: Path) -> None:
    processes = [use(tmp_path) for _ in range(2)]
    assert {said(process)[0].parent for process in processes} == {tmp_path}
    assert said(use(tmp_path))[1] == 1


def test_where_nothing_can_be_written_a_process_compiles_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    place, hits = said(use(tmp_path / "file" / "cache"))
    assert hits == 0
    assert not place.exists(), "the folder is gone with the process"


@pytest.mark.parametrize("kind", ["py", "nbi", "nbc"])
def test_a_damaged_cache_is_as_good_as_none(kind: str, filled: Any, tmp_path: Path, monkeypatch: Any) -> None:
    shutil.copytree(filled[0].parent, tmp_path, dirs_exist_ok=True)
    (damaged,) = tmp_path.rglob(f"*.{kind}")
    damaged.write_bytes(damaged.read_bytes()[:20])
    monkeypatch.setenv("AUTOGRAD_MINI_CACHE", str(tmp_path))
    assert jit.load("small", SMALL).f(4.0) == 8.0


def test_without_numba_the_error_says_what_to_install() -> None:
    code = "import sys; sys.modules['numba'] = None; import autograd_mini.programs.tape.tape"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert 'ExtraError: this needs numba, which is not installed: pip install "autograd-mini[jit]"' in run.stderr
