"""Threads: what several do at once is, to the last bit, what one does alone, whatever of it they share."""

from __future__ import annotations

import copy
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threads import at_once

import nn
import viz
from autograd_mini import Tensor, Value, compile, detect_nonfinite, explain, grad, gradcheck, hessian, no_grad, ops
from autograd_mini.op import TABLE, Unary

WORKERS, ROUNDS = 4, 5
FEW = 30  # programs that are kept here, so that the oldest are let go


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let threads take turns after every few steps, where a lock has them take turns."""
    monkeypatch.setattr("autograd_mini.programs.compile.KEPT", FEW)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    with warnings.catch_warnings():
        yield
    sys.setswitchinterval(before)


def bits(x: Any) -> Any:
    """Return what is equal where all numbers have the same bits."""
    if isinstance(x, (list, tuple)):
        return [bits(a) for a in x]
    return (x.dtype.str, x.shape, x.tobytes()) if isinstance(x, np.ndarray) else float(x).hex()


def nothing() -> None:
    """Make nothing: each thread has all of its own."""


# Each with all of its own ---------------------------------------------------------------------------------------------


def sweeps(_: Any, i: int) -> Any:
    """Record and sweep numbers and arrays."""
    found = []
    for k in range(20):
        x, w = Value(0.1 * i + k, label="x"), Tensor(np.linspace(-1.0, 1.0, 5) + i)
        y = (w * x.tanh()).exp().sum() + (x * 3.0 + w[2]) ** 2.0 / 7.0 + ops.add_n(x, w[0], x)
        y.backward()
        found.append([y.data, x.grad, w.grad])
    return bits(found)


def derivatives(_: Any, i: int) -> Any:
    """Differentiate functions, nested, and check one."""

    def f(v: Any) -> Any:
        return (v * v[::-1]).sum() * ops.sin(v).sum()

    at = np.linspace(0.1, 1.0, 4) * (i + 1)
    for _ in range(10):
        assert gradcheck(lambda x: (ops.sin(x) * ops.exp(-x)).sum(), at)
    return bits([grad(f)(at), hessian(f)(at), grad(grad(lambda x: x**3.0 * i))(2.0)])


def modes(_: Any, i: int) -> Any:
    """Switch modes on and off."""
    found = []
    for k in range(40):
        x = Value(0.5 + i)
        with no_grad():
            still = x * x
        with detect_nonfinite():
            y = x * x + k
        y.backward()
        found.append([len(still.args), len(y.args), y.source is None, x.grad])
    return found


def network(i: int, kind: Any = nn.Dense) -> Any:
    return nn.MLP(3, [4, 1], "tanh", layer=kind, rng=i)


def fits(_: Any, i: int) -> Any:
    """Train networks: the loop, the step, the optimizers, on arrays and on Values."""
    x = np.random.default_rng(i).normal(size=(12, 3))
    y, found = x[:, :1] * x[:, 1:2], []
    for optimizer in (nn.sgd(0.1, momentum=0.9), nn.adam(0.05)):
        for net in (network(i), network(i, nn.Layer)):
            history = nn.fit(
                net, x, y, loss=nn.squared_error, epochs=2, batch_size=4, optimizer=optimizer, rng=i, progress=False
            )
            found += [[record["loss"] for record in history], *(p.data for p in net.parameters())]
        step = nn.Step(net := network(i), nn.squared_error, optimizer)
        found += [[step(x, y) for _ in range(5)], *(p.data for p in net.parameters())]
    return bits(found)


def draws(_: Any, i: int) -> Any:
    """Draw, explain and walk a record, and print its programs."""
    a, b = Value(2.0 + i, label="a"), Value(-3.0, label="b")
    y = (a * b + a**2.0).tanh()
    y.backward()
    program = compile(y, [a, b])
    drawing = viz.draw(y, engine="python")
    return [drawing.svg, drawing.mermaid, str(explain(y)), program.source, program.javascript, program(1.0, 2.0)]


# What they share ------------------------------------------------------------------------------------------------------


def leaf() -> Any:
    return Tensor([0.1, 0.2, 0.3], label="w")


def branching(w: Any, bound: float, x: Any) -> Any:
    return x * w.sum() if w.sum() > bound else x


def reads(w: Any, i: int) -> Any:
    """Record from a leaf that nobody moves, ask about its data, and compile what branches on it."""
    found = []
    for k in range(15):
        b = Value(0.1 * i + k)
        y = (w * b).sum() if w[0] * b > 0.05 * k else (w - b).sum()
        y.backward()
        found.append([y.data, b.grad, *compile(w[2] * 2.0, [w])(w.data)])
    chosen = [compile(partial(branching, w, 0.1 * i))(0.5 * k) for k in range(4)]
    return bits([*found, *chosen])


def programs() -> Any:
    """Return programs that nobody has run yet: their sources are printed, and their buffers made, by the first call."""
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    root = (w * x + x**2.0).exp() * 1e-3
    v, m = Tensor([1.0, 2.0, 3.0], label="v"), Tensor(np.eye(3) + 0.1, label="m")
    of_numbers = compile(root, [x, w])
    return [
        of_numbers,
        compile(root, [x, w], backend="numpy"),
        of_numbers.simplified(),
        compile((m @ v.tanh()).sum(), [v, m]),
    ]


def runs(shared: Any, i: int) -> Any:
    """Run programs that all threads run: on numbers, on batches, on arrays."""
    *of_numbers, of_arrays = shared
    batch, found = np.linspace(-1.0, 1.0, 7) + i, []
    for _ in range(4):
        found += [p(0.1 * i, 0.5) for p in of_numbers] + [p(batch, 0.5) for p in of_numbers]
        found += [of_arrays(np.arange(3.0) * i, np.eye(3) * k) for k in (1.0, 2.0)]
    return [bits(each) for each in found] + [p.source for p in shared]


class Scaled:
    """An object with a compiled method."""

    __slots__ = ("w",)

    def __init__(self, w: float) -> None:
        self.w = w

    @compile
    def times(self, x: Any) -> Any:
        return (self.w * x).sum() if np.ndim(x) else self.w * x


def functions() -> Any:
    return compile(lambda x: (x * x).sum() if np.ndim(x) else (x * x if x > 1.0 else -x)), Scaled(2.0)


def calls(shared: Any, i: int) -> Any:
    """Call compiled functions that all threads call, for more forms and objects than are kept."""
    square, scaled = shared
    found = []
    for k in range(FEW + 10):
        x = np.arange(1.0 + k % 9) + i
        methods = [Scaled(float(j)).times for j in range(1 + 2 * FEW)]
        found += [square(x), square(0.02 * k + i), scaled.times(x), methods[k](2.0)]
    return bits(found)


def moved() -> Any:
    """Return records of one leaf, which was assigned since: readers give it back what it held."""
    w = Value(1.0, label="w")
    roots = []
    for k in range(3):
        roots.append((w * (k + 2.0)).tanh() + w**2.0)
        w.data = 1.5 + k
    return [*roots, w * 5.0]


def looks(roots: Any, i: int) -> Any:
    """Explain and draw records of all times."""
    found = []
    for k in range(6):
        root = roots[(i + k) % len(roots)]
        found += [str(explain(root)), viz.draw(root, engine="python").svg]
    return found


def steps() -> Any:
    """Return an explanation with more steps than are made at once."""
    y = Value(0.5, label="x")
    for _ in range(150):
        y = (y * 1.01).tanh()
    return explain(y)


def walks(shared: Any, i: int) -> Any:
    """Walk through an explanation, from different places on."""
    n = len(shared)
    return [
        (step.name, step.upstream, len(step.contributions)) for step in (shared[(i * 70 + k) % n] for k in range(n))
    ]


def estimator() -> Any:
    x = np.random.default_rng(0).normal(size=(40, 3))
    pytest.importorskip("sklearn")
    model = nn.MLPRegressor(hidden_layer_sizes=(5,), tol=1.0, random_state=0)
    return model.fit(x, x[:, 0]), x


def predicts(shared: Any, i: int) -> Any:
    """Predict with one estimator, and fit copies of it."""
    model, x = shared
    twin = copy.deepcopy(model).set_params(random_state=i)
    return bits([model.predict(x + i), twin.fit(x, x[:, 1]).predict(x)])


def rows() -> Any:
    x = Value(2.0, label="x")
    return x * 3.0


def registers(y: Any, i: int) -> Any:
    """Make rows of one's own while others read the table."""
    found = []
    for k in range(12):
        op = Unary(f"own_{i}_{k}", f"own_{i}_{k}({{}})", lambda x: x * 2.0, lambda x: x * 2.0, lambda g, y, x: g * 2.0)
        z = op(y)
        program = compile(z)
        found.append([z.data, *(program(5.0) for _ in range(3)), program.source, program.numpy])
        del TABLE[op.name]
    return found


def net() -> Any:
    return nn.MLP(3, [4, 2], "tanh", layer=nn.Dense, rng=0)


def answers(net: Any, i: int) -> Any:
    """Predict with a network that nobody trains, and differentiate by its inputs."""
    found = []
    for k in range(10):
        x = np.full((4, 3), 0.1 * i + k)
        with no_grad():
            found.append(net(x).data)
        found += [grad(lambda x: (net(x) ** 2.0).sum())(x).data, copy.deepcopy(net)(x).data]
    return bits(found)


def printed() -> Any:
    """Return a program with constant arrays, which languages write out each in its own way."""
    x, at = Tensor(np.linspace(0.1, 1.0, 6).reshape(2, 3), label="x"), np.array([2, 0])
    y = (x[:, at] * np.array([[1.5], [2.5]]) + np.arange(2.0)).sum() + ops.where(
        np.array([True, False, True]), x, -x
    ).sum()
    return compile(y * 2.0, [x])


def prints(program: Any, i: int) -> Any:
    """Print one program in all languages, and run it."""
    languages = ("source", "numpy", "javascript", "torch", "jax", "latex")
    texts = {name: getattr(program, name) for name in (*languages[i:], *languages[:i])}
    return [*(texts[name] for name in languages), bits(program(np.full((2, 3), 0.5 * i)))]


def file() -> Any:
    return Path(tempfile.mkdtemp()) / "model"


def saves(path: Any, i: int) -> Any:
    """Save to a file of one's own, and all to one."""
    found, shape = [], [2, 3]
    for k in range(4):
        net = network(i + k)
        nn.save(net, own := path.with_name(f"own_{i}"))
        nn.save(nn.Dense(2, 3, init=nn.init.constant(float(i + k))), path)
        (one,) = np.unique(nn.load(path).W.data)
        assert one in range(WORKERS + 4)
        found.append([p.data for p in nn.load(own).parameters()])
    return [bits(each) for each in found] + shape


WORKS: list[Any] = [
    *[(nothing, work) for work in (sweeps, derivatives, modes, fits, draws)],
    (leaf, reads),
    (programs, runs),
    (functions, calls),
    (moved, looks),
    (steps, walks),
    (rows, registers),
    (file, saves),
    (printed, prints),
    (net, answers),
    pytest.param(estimator, predicts, marks=pytest.mark.slow),
]  # fmt: skip - what makes that which they share, and what each does with it


@pytest.mark.parametrize(("make", "work"), WORKS, ids=lambda f: f.__name__)
def test_what_several_do_at_once_is_what_one_does_alone(
    make: Callable[[], Any], work: Callable[[Any, int], Any]
) -> None:
    expected, filters = [work(make(), i) for i in range(WORKERS)], list(warnings.filters)
    for _ in range(ROUNDS):
        shared, start = make(), threading.Barrier(WORKERS)

        def run(i: int, shared: Any = shared, start: threading.Barrier = start) -> Any:
            start.wait(timeout=60)
            return work(shared, i)

        assert at_once(*(partial(run, i) for i in range(WORKERS))) == expected
    assert work is predicts or list(warnings.filters) == filters  # scikit-learn sets filters without a lock
