"""Backends: whichever runs a program, it gives the engine's numbers."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from test_program import engine, random_record

import autograd_mini
from autograd_mini import BranchError, Branches, DataError, ShapeError, Tensor, Value, ops
from autograd_mini.op import TABLE, Unary
from autograd_mini.programs.backends import BACKENDS
from autograd_mini.programs.tape.tape import tape_of

COMPILED = ("numba", "numba-straight")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name in COMPILED:
        pytest.importorskip("numba")
    return name


def close(got: Any, expected: Any) -> None:
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_every_backend_gives_the_engines_numbers(backend: str) -> None:
    for seed in range(2 if backend == "numba-straight" else 60):
        root, leaves = random_record(seed)
        program = autograd_mini.compile(root, leaves, backend=backend)
        inputs = [x.data for x in leaves]
        value, gradients = program(*inputs, gradient=0.7)
        expected = engine(root, leaves, 0.7)
        close(value, expected[0])
        close(gradients, expected[1])
        assert type(value) is float
        assert {*map(type, gradients)} == {float}


def test_every_backend_takes_batches_of_any_shape(backend: str) -> None:
    root, leaves = random_record(5)
    program, plain = (autograd_mini.compile(root, leaves, backend=name) for name in (backend, "python"))
    rng = np.random.default_rng(0)
    for shape in ((4,), (2, 3), (1,)):
        batch = [rng.uniform(-2.0, 2.0, shape), 0.5, rng.uniform(-2.0, 2.0, shape)]
        for gradient in (1.0, rng.normal(size=shape)):
            value, gradients = program(*batch, gradient=gradient)
            expected, others = plain(*batch, gradient=gradient)
            assert value.shape == shape
            close(value, expected)
            for g, other in zip(gradients, others):
                close(g, other)
            total, sums = program.summed(*batch, gradient=gradient)
            close(total, expected.sum())
            close(sums, [g.sum() for g in others])
    value, gradients = program(*(np.asarray(a, np.float32) if np.ndim(a) else a for a in batch))
    assert {value.dtype, *(g.dtype for g in gradients)} == {np.dtype("float32" if backend in COMPILED else "float64")}
    np.testing.assert_allclose(value, plain(*batch)[0], rtol=1e-5)
    value, gradients = program(0.1, 0.2, 0.3, gradient=np.array([1.0, 2.0]))
    assert value.shape == gradients[0].shape == (2,)


def test_a_decorator_may_name_a_backend(backend: str) -> None:
    @autograd_mini.compile(backend=backend)
    def f(x: Any, ys: Any) -> Any:
        return x * ys[0] if x > ys[1] else ys[1] / x

    close(f(2.0, [3.0, 1.0])[0], 6.0)
    close(f(0.5, [3.0, 1.0])[0], 2.0)
    assert type(f.program(2.0, [3.0, 1.0])) is BACKENDS[backend]


def test_guards_leaves_and_copies_are_those_of_every_program(backend: str) -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    with Branches() as branches:
        y = w * x * x if x > 1.0 else x
    guarded = autograd_mini.compile(y, [x], branches=branches, backend=backend)
    assert guarded(3.0) == (27.0, (18.0,))
    with pytest.raises(BranchError):
        guarded(0.5)
    program = autograd_mini.compile(w * x.exp(), [x], backend=backend)
    for twin in (program, copy.deepcopy(program), pickle.loads(pickle.dumps(program))):
        close(twin(0.0)[1], (3.0,))
    w.data = 5.0
    close(program(0.0)[1], (5.0,))
    close(program.simplified()(0.0)[1], (5.0,))
    with pytest.raises(ShapeError):
        program()


def test_what_a_backend_cannot_run_is_said() -> None:
    x = Value(2.0)
    with pytest.raises(DataError, match="no backend 'cuda'"):
        autograd_mini.compile(x * x, backend="cuda")
    t = Tensor([1.0, 2.0])
    with pytest.raises(DataError, match="record of Values"):
        autograd_mini.compile((t * t).sum(), backend="numba")
    assert autograd_mini.compile((t * t).sum(), backend="numpy")([1.0, 3.0])[0] == 10.0


WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
import autograd_mini
x = autograd_mini.Value(2.0)
program = autograd_mini.compile(x * x, backend="numba")
try:
    program(3.0)
except ImportError as error:
    print(error)
"""


def test_without_numba_the_error_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_NUMBA], capture_output=True, text=True, check=True, timeout=60)
    assert 'pip install "autograd-mini[jit]"' in done.stdout


def test_a_batch_may_be_empty(backend: str) -> None:
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    program = autograd_mini.compile((x * y).tanh(), [x, y], backend=backend)
    for shape in ((0,), (0, 3), (2, 0)):
        none = np.zeros(shape)
        for given in ((none, 1.0), (1.0, none), (none, none)):
            for gradient in (1.0, none):
                value, gradients = program(*given, gradient=gradient)
                assert [a.shape for a in (value, *gradients)] == [shape] * 3
            assert program.summed(*given) == (0.0, (0.0, 0.0))
        assert program(1.0, 2.0, gradient=none)[0].shape == shape


def test_a_tape_refuses_a_row_of_ones_own_by_name() -> None:
    pytest.importorskip("numba")
    half = Unary("my_half", "my_half({})", lambda x: x / 2.0, lambda x: x / 2.0, lambda g, y, x: g / 2.0)
    try:
        program = autograd_mini.compile(half(Value(2.0)), backend="numba")
        with pytest.raises(DataError, match="my_half is a custom op: use the backend python or numpy"):
            program(1.0)
    finally:
        del TABLE["my_half"]
    t = Tensor([2.0, 3.0])
    total = t.sum()
    with pytest.raises(DataError, match="has Tensors"):
        tape_of([t, total], total, [t])
    x = Value(2.0)
    mean = ops.mean(x)
    with pytest.raises(DataError, match="mean computes with arrays: use the backend"):
        tape_of([x, mean], mean, [x])


ZEROS = [0.0, -0.0, 1.0, -1.0, 2.0, np.inf, -np.inf]


def signed(numbers: Sequence[float]) -> list[str]:
    """Return numbers as texts that tell -0.0 from 0.0, without the last places: they are those of the library."""
    return [f"{x:.14g}" for x in numbers]


@pytest.mark.parametrize("kind", ["numpy", "numba"])
def test_zeros_of_gradients_keep_their_signs(kind: str) -> None:
    if kind == "numba":
        pytest.importorskip("numba")
    for op in (
        ops.mul,
        ops.div,
        ops.elu,
        ops.hypot,
        ops.relu,
        ops.maximum,
        ops.atan2,
        ops.leaky_relu,
        ops.squared_loss,
        ops.cos,
        ops.cosh,
        ops.reciprocal,
    ):
        x, y, idle = Value(0.5, label="x"), Value(0.25, label="y"), Value(3.0, label="idle")
        program = autograd_mini.compile(op(x, y) if len(op.params) > 1 else op(x) + y, [x, y, idle], backend=kind)
        for a, b, seed in [(a, b, seed) for a in ZEROS for b in ZEROS for seed in (1.0, -1.0)]:
            u, v = Value(a), Value(b)
            expected = engine(op(u, v) if len(op.params) > 1 else op(u) + v, [u, v], seed)[1]
            _, (*got, unreached) = program(a, b, 1.0, gradient=seed)
            assert signed(got) == signed(expected), (op, a, b, seed)
            _, lanes = program(np.array([a]), np.array([b]), 1.0, gradient=seed)
            assert signed([float(lane[0]) for lane in lanes[:2]]) == signed(expected), (op, a, b, seed)
            assert str(unreached) == "0.0"


def test_printed_sources_run_alone_give_floats_and_whole_batches() -> None:
    leaves = [Value(1.0, label="c"), Value(2.0, label="a"), Value(3.0, label="b")]
    names: dict[str, Any] = {}
    exec(autograd_mini.compile(ops.where(*leaves), leaves).source, names)
    assert {*map(type, names["program"](1.0, 2.0, 3.0)[1])} == {float}
    exec(autograd_mini.compile(leaves[1] * 2.0, leaves).numpy, names)
    batch = np.ones(3)
    assert [np.shape(g) for g in names["program"](batch, batch, batch)[1]] == [(3,), (), (3,)]
    assert names["program"](1.0, 2.0, 3.0)[1][0] == 0.0
