"""Frameworks: the script for torch, and the one for JAX, give the value and the gradients of the engine."""

from __future__ import annotations

import random
import runpy
import sys
from functools import partial
from typing import Any

import numpy as np
import pytest
from program_cases import SCALAR_ROWS, engine
from table_cases import ROWS, called, cases, differentiable

import autograd_mini
from autograd_mini import DataError, Tensor, Value, ops
from autograd_mini.op import TABLE, Flat
from autograd_mini.programs.languages.dialects import DIALECTS
from autograd_mini.programs.languages.run import run_source

FRAMEWORKS = ("torch", "jax")
SMOOTH = [row for row in SCALAR_ROWS if not isinstance(row, Flat)]


def script(program: Any, framework: str) -> Any:
    """Return the function that the script of a program defines."""
    pytest.importorskip(framework)
    return run_source(getattr(program, framework))


def together(calls: list[tuple[Any, list[Any], Any]], framework: str) -> list[Any]:
    """Return what the scripts of programs give at arguments and gradients; JAX compiles all of them at once."""

    def results() -> list[Any]:
        return [script(program, framework)(*args, gradient=gradient) for program, args, gradient in calls]

    return pytest.importorskip("jax").jit(results)() if framework == "jax" else results()


def chosen(row: Any) -> list[Any]:
    """Return sample calls of a row, few of one that acts entry by entry, without arrays too small to have a slope."""
    found = [args for args in cases(row) if all(a.size > 1 for a in args if isinstance(a, np.ndarray) and a.ndim)]
    return found[2:3] if row in SCALAR_ROWS else [args for args in found if np.ndim(args[0]) or row.name != "var"][:6]


def close(got: Any, expected: Any, message: str, tolerance: float = 1e-9) -> None:
    """Assert that a value and gradients are those of the engine."""
    for a, e in zip((got[0], *got[1]), (expected[0], *expected[1]), strict=True):
        a = np.asarray(a)
        assert a.shape == np.shape(e), message
        np.testing.assert_allclose(a, e, rtol=tolerance, atol=1e-11, err_msg=message)


def smooth_record(seed: int, size: int = 10) -> tuple[Any, list[Any]]:
    """Return a root and its leaves: differentiable rows on random nodes, in (-2, 2) again after each."""
    rng = random.Random(seed)
    leaves = [Value(rng.uniform(0.3, 2.0), label=f"x{i}") for i in range(4)]
    nodes: list[Any] = list(leaves)
    for _ in range(size):
        row = rng.choice(SMOOTH)
        args = [x if rng.random() < 0.8 else rng.uniform(0.3, 2.0) for x in rng.sample(nodes[:-1], len(row.params))]
        args[rng.randrange(len(args))] = nodes[-1]  # no two alike, which would be ties
        nodes.append(row(*args).tanh() + rng.uniform(1.1, 1.3))
    return ops.add_n(*nodes[-4:]), leaves


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_random_records_at_random_seeds(framework: str) -> None:
    calls, compared = [], []
    for k in range(12):
        root, leaves = smooth_record(k)
        gradient = random.Random(k).uniform(-2.0, 2.0)
        expected = engine(root, leaves, gradient)
        if np.isfinite([expected[0], *expected[1]]).all():
            calls.append((autograd_mini.compile(root, leaves), [x.data for x in leaves], gradient))
            compared.append(expected)
    for got, expected, (program, *_) in zip(together(calls, framework), compared, calls):
        close(got, expected, getattr(program, framework))
    assert len(compared) >= 4


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_row_has_an_equivalent_or_says_that_it_has_none(framework: str) -> None:
    calls, compared, refused = [], [], set()
    for row, args in [(each, args) for each in ROWS for args in chosen(each)]:
        root, recorded = called(row, args, differentiable(row, args) or list(range(len(args))))
        leaves = list(recorded.values())
        program = autograd_mini.compile(root, leaves)
        if row.name in DIALECTS[framework].lacking:
            with pytest.raises(DataError, match=f"{framework} has no equivalent of {row.name}"):
                getattr(program, framework)
            continue
        try:
            script(program, framework)
        except DataError:
            refused.add(row.name)
            continue
        seed = np.random.default_rng(0).uniform(0.5, 1.5, root.shape) if root.ndim else 0.7
        calls.append((program, [x.data for x in leaves], seed))
        compared.append((engine(root, leaves, seed), f"{row.name}\n{getattr(program, framework)}"))
    for got, (expected, said) in zip(together(calls, framework), compared):
        close(got, expected, said)
    assert refused == ({"getitem"} if framework == "torch" else set())


KINKED = (ops.logistic_loss, ops.poisson_loss, ops.softplus, ops.silu, ops.gelu, ops.elu, ops.leaky_relu, ops.relu)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_slopes_at_the_points_where_a_formula_changes_sides(framework: str) -> None:
    x, roots = Value(0.0, label="x"), []
    for row in KINKED:
        roots.append(row(x, *[0.25] * (len(row.params) - 1)))
    found = together([(autograd_mini.compile(root, [x]), [0.0], 1.0) for root in roots], framework)
    for got, root, row in zip(found, roots, KINKED):
        close(got, engine(root, [x]), row.name)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_batch_is_its_samples(framework: str) -> None:
    root, leaves = smooth_record(1)
    program = autograd_mini.compile(root, leaves)
    batch = [np.random.default_rng(i).uniform(0.3, 2.0, 6) for i in range(4)]
    (got,) = together([(program, batch, 1.0)], framework)
    close(got, program(*batch), getattr(program, framework))


def network() -> tuple[Any, list[Any]]:
    rng = np.random.default_rng(0)
    W, b = Tensor(rng.normal(size=(4, 3)), label="W"), Tensor(rng.normal(size=4), label="b")
    scale = Value(0.7, label="scale")
    x = Tensor(rng.normal(size=(5, 3)), label="x")
    loss = ops.cross_entropy(ops.affine(x, W, b).tanh() * scale, [0, 3, 1, 1, 2]).mean() + 0.1 * (W**2).sum()
    return loss, [W, b, scale]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_network_of_arrays_and_numbers(framework: str) -> None:
    loss, leaves = network()
    program = autograd_mini.compile(loss, leaves)
    (got,) = together([(program, [x.data for x in leaves], 1.0)], framework)
    close(got, engine(loss, leaves), getattr(program, framework))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_single_precision_stays_single(framework: str) -> None:
    x, w = Tensor(np.linspace(0.1, 1.0, 4, dtype=np.float32), label="x"), Value(0.5, label="w")
    root = (x * w).sin() * 2.0
    program = autograd_mini.compile(root, [x, w])
    seed = np.ones(4, np.float32)
    value, gradients = script(program, framework)(x.data, 0.5, gradient=seed)
    assert "float32" in str(value.dtype)
    assert "float32" in str(gradients[0].dtype)
    close((value, gradients), engine(root, [x, w], seed), getattr(program, framework), 1e-6)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_leaves_that_are_no_inputs_and_inputs_that_nothing_reaches(framework: str) -> None:
    x, y, held = Value(2.0, label="x"), Value(3.0, label="y"), Value(0.5, label="held")
    program = autograd_mini.compile(x.sin() * held.exp(), [x, y])
    close(script(program, framework)(2.0, 1.0), program(2.0, 1.0), getattr(program, framework))
    flat = autograd_mini.compile(ops.greater(x, held), [x])
    close(script(flat, framework)(2.0), (1.0, (0.0,)), getattr(flat, framework))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_frozen_branch_is_checked(framework: str) -> None:
    @autograd_mini.compile
    def f(x: Any) -> Any:
        return x * x if x > 1.0 else -x

    function = script(f.program(2.0), framework)
    close(function(3.0), (9.0, (6.0,)), "the branch of the recording")
    with pytest.raises(RuntimeError, match=r"v1 > 1 was true when this was recorded"):
        function(0.5)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("label", ["torch", "jnp", "jax", "inputs", "forward", "tensors", "value", "program", "arrays"])
def test_labels_hide_no_name_of_the_script(framework: str, label: str) -> None:
    x, y = Value(2.0, label=label), Value(0.5)
    program = autograd_mini.compile(ops.maximum(x * y, 0.25) + x, [x, y])
    close(script(program, framework)(2.0, 0.5), program(2.0, 0.5), getattr(program, framework))


def test_the_forward_of_jax_is_a_function_to_transform() -> None:
    jax = pytest.importorskip("jax")
    root, leaves = smooth_record(3)
    program = autograd_mini.compile(root, leaves)
    forward = run_source(program.jax, "forward")
    batch = [np.random.default_rng(i).uniform(0.3, 2.0, 6) for i in range(4)]
    got = jax.vmap(jax.jit(jax.value_and_grad(forward, (0, 1, 2, 3))))(*batch)
    close(got, program(*batch), program.jax)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_script_runs_alone(framework: str, tmp_path: Any, monkeypatch: Any, capsys: Any, request: Any) -> None:
    library = pytest.importorskip(framework)
    loss, leaves = network()
    text = getattr(autograd_mini.compile(loss, leaves), framework)
    assert "autograd_mini" not in text
    file = tmp_path / "alone.py"
    data = ", ".join(repr(np.asarray(x.data).tolist()) for x in leaves)
    file.write_text(f"{text}\nvalue, gradients = program({data})\nprint(float(value))\n", encoding="utf-8")
    for package in ("autograd_mini", "nn", "viz"):
        monkeypatch.setitem(sys.modules, package, None)  # which its import finds missing
    if framework == "jax":
        request.addfinalizer(partial(library.config.update, "jax_enable_x64", library.config.jax_enable_x64))
        library.config.update("jax_enable_x64", False)  # as in a process that starts
    runpy.run_path(str(file), run_name="__main__")
    assert float(capsys.readouterr().out) == pytest.approx(loss.data, rel=1e-12)


def test_what_torch_reads_otherwise_is_refused() -> None:
    x = Tensor(np.ones((2, 3, 4)), label="x")
    for index, words in [
        ((slice(None, None, -1),), "negative step"),
        ((1, slice(None), [0, 2]), "in two steps"),
    ]:
        program = autograd_mini.compile(x[index].sum(), [x])
        with pytest.raises(DataError, match=words):
            _ = program.torch


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("row", ["matmul", "affine", "einsum", "solve", "softmax_loss", "concatenate"])
def test_single_beside_double_precision(row: str, framework: str) -> None:
    args = next(a for a in cases(autograd_mini.op.TABLE[row]) if all(np.size(x) > 1 for x in a if np.ndim(x)))
    arrays = [i for i, a in enumerate(args) if np.ndim(a)]
    calls, expected = [], []
    for single in arrays:
        mixed = [a.astype(np.float32) if i == single else a for i, a in enumerate(args)]
        z, leaves = called(autograd_mini.op.TABLE[row], tuple(mixed), arrays)
        calls.append((autograd_mini.compile(ops.sum(z), list(leaves.values())), [x.data for x in leaves.values()], 1.0))
        expected.append(engine(ops.sum(z), list(leaves.values())))
    for got, values, (program, inputs, _) in zip(together(calls, framework), expected, calls):
        assert [str(g.dtype).rpartition(".")[2] for g in got[1]] == [x.dtype.name for x in inputs]
        close(got, values, getattr(program, framework), 1e-5)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_number_that_a_variable_divides_and_softmax_of_one_number(framework: str) -> None:
    x = Value(3.0, label="x")
    for root in (5.0 % x, ops.softmax(x), ops.log_softmax(x)):
        program = autograd_mini.compile(root, [x])
        close(script(program, framework)(3.0), program(3.0), getattr(program, framework))


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "softplus", "silu", "gelu", "elu", "expm1"])
def test_activations_keep_their_digits_in_the_tails_and_their_slopes_at_0(name: str, framework: str) -> None:
    x = Value(1.0, label="x")
    program = autograd_mini.compile(getattr(ops, name)(*([x, 1.0] if name == "elu" else [x])), [x])
    function = script(program, framework)
    for z in (-37.5, -37.0, -20.0, -1e-9, 0.0, 1e-9, 20.0, 38.0, 100.0):
        value, (slope,) = function(z)
        expected, (rule,) = program(z)
        assert float(value) == pytest.approx(expected, rel=1e-9, abs=1e-300), (name, z)
        assert float(slope) == pytest.approx(rule, rel=1e-9, abs=1e-300), (name, z)


def test_a_number_beside_a_batch_has_the_gradients_of_each_sample_in_scripts_too() -> None:
    w, x = Value(2.0, label="w"), Value(0.5, label="x")
    program = autograd_mini.compile((w * x).tanh() + w, [w, x])
    xs = np.array([0.5, -1.0, 2.0])
    value, gradients = program(2.0, xs)
    for name in ("torch", "jax"):
        pytest.importorskip(name)
        found, by_sample = run_source(getattr(program, name))(2.0, xs)
        np.testing.assert_allclose(found, value, rtol=1e-12)
        np.testing.assert_allclose(np.stack([np.asarray(g) for g in by_sample]), np.stack(gradients), rtol=1e-12)
        total, sums = program.summed(2.0, xs)
        np.testing.assert_allclose([float(g.sum()) for g in by_sample], sums, rtol=1e-12)
        assert float(found.sum()) == pytest.approx(total)


FAR = [
    *((row, ([1.0 * size, 3.0 * size],)) for row in ("std", "var", "norm", "mean") for size in (1e200, 1e-200, 0.0)),
    *((row, ([1e308, 1e308],)) for row in ("std", "var", "norm", "mean", "logsumexp", "log_softmax")),
    *((row, (3.0 * size, 4.0 * size)) for row in ("hypot", "atan2", "div") for size in (1e200, -1e200, 1e-200, 1.0)),
    ("hypot", (0.0, 0.0)), ("atan2", (0.0, 0.0)), ("abs", (0.0,)), ("cbrt", (0.0,)), ("power", (0.0, 0.0)),
    ("asinh", (1e200,)), ("asinh", (-1e200,)), ("acosh", (1e200,)), ("asinh", (0.0,)), ("acosh", (2.0,)),
    ("logaddexp", (1e200, 1e200)), ("logaddexp", (-1e200, 1e200)), ("logaddexp", (0.0, -40.0)),
    ("logistic_loss", (1e-200, 0.25)), ("logistic_loss", (-40.0, 0.0)), ("logistic_loss", (40.0, 1.0)),
    ("acosh", (1.0,)), ("acosh", (0.5,)), ("acosh", (-2.0,)), ("acosh", (1e308,)),
    ("prod", ([1e200, 1e-200],)), ("prod", ([1e-200, 1e-200],)), ("softmax_loss", ([1e200, 1e200], [1.0, 0.0])),
]  # fmt: skip


def test_nothing_overflows_or_vanishes_on_the_way_to_what_is_finite() -> None:
    for row, args in FAR:
        leaves = [Tensor(np.asarray(x)) if np.ndim(x) else Value(x) for x in args]
        root = ops.sum(TABLE[row](*leaves))
        root.backward()
        program = autograd_mini.compile(root, leaves)
        for name in ("torch", "jax", "numpy"):
            if name != "numpy":
                pytest.importorskip(name)
            with np.errstate(all="ignore"):  # the square in `var`
                value, gradients = run_source(getattr(program, name))(*(x.data for x in leaves))
            said = f"{name}: {row}{args}"
            np.testing.assert_allclose(np.asarray(value), root.data, rtol=1e-12, err_msg=said)
            for found, x in zip(gradients, leaves):
                np.testing.assert_allclose(np.asarray(found), x.grad, rtol=1e-12, atol=1e-300, err_msg=said)
