"""Compiled programs against their peers, in one process: `python benchmarks/programs.py [--write docs/benchmarks.md]`.

Needs `pip install "autograd-mini[bench]"`. A figure in brackets is the peer's time divided by ours: above 1, ours is
the faster.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator
from typing import Any

import one_core  # noqa: F401 - numpy counts its threads when it is imported

# isort: split
import numpy as np
from clock import LIMIT, compare, row
from engine import MicrogradValue, demo_step, micrograd_nn, moons, rosenbrock
from limits import Limit, empty_calls, products, straight_lines
from page import main

import autograd_mini
import nn
from autograd_mini import Value
from autograd_mini.programs.tape.tape import Tape, tape_of

SIZES = (2, 16, 16, 1)


def network() -> tuple[Any, Any, Any]:
    """Return one sample through an MLP 2-16-16-1 of tanh: the squared error, its 337 parameters, and the network."""
    net = nn.MLP(2, SIZES[1:], "tanh", "tanh", rng=0)
    x, y = (0.3, -0.4), 1.0
    return (net([*map(Value, x)]) - y) ** 2.0, net.parameters(), net


def flat(net: Any) -> list[np.ndarray]:
    """Return W and b of each layer as arrays."""
    return [p.data.copy() for layer in net.tensors().layers for p in (layer.W, layer.b)]


def micrograds(net: Any) -> Callable[[], float]:
    """The sample in micrograd, which records it anew each time."""
    model = micrograd_nn.MLP(2, list(SIZES[1:]))
    for p, q in zip(net.parameters(), (p for layer in model.layers for n in layer.neurons for p in (*n.w, n.b))):
        q.data = p.data
    tanh: Any = micrograd_tanh

    def step() -> float:
        a: Any = [MicrogradValue(0.3), MicrogradValue(-0.4)]
        for layer in model.layers:
            a = [tanh(sum((wi * xi for wi, xi in zip(n.w, a)), n.b)) for n in layer.neurons]
        loss = (a[0] - 1.0) ** 2
        model.zero_grad()
        loss.backward()
        return float(loss.data)

    return step


def micrograd_tanh(z: Any) -> Any:
    """Return tanh z as a node, as its author adds it in his lecture."""
    out = MicrogradValue(float(np.tanh(z.data)), (z,), "tanh")

    def backward() -> None:
        z.grad += (1.0 - out.data**2) * out.grad

    out._backward = backward
    return out


def casadis(net: Any) -> tuple[Callable[[], float], Callable[[], float]]:
    """The sample in CasADi, by call and through buffers allocated once."""
    import casadi

    arrays = flat(net)
    symbols = [casadi.SX.sym(f"p{i}", *np.atleast_2d(a.T).T.shape) for i, a in enumerate(arrays)]
    a = casadi.DM([0.3, -0.4])
    for W, b in zip(symbols[::2], symbols[1::2]):
        a = casadi.tanh(W @ a + b)
    loss = (a[0] - 1.0) ** 2
    theta = casadi.vertcat(*(casadi.vec(s) for s in symbols))
    function = casadi.Function("f", [theta], [loss, casadi.gradient(loss, theta)])
    data = np.concatenate([np.ravel(p, order="F") for p in arrays])
    return lambda: float(function(data)[0]), buffered(function, data)


def buffered(function: Any, data: np.ndarray) -> Callable[[], float]:
    """Return a call of a CasADi function of one vector through buffers that are allocated once."""
    value, gradient = np.empty(1), np.empty(len(data))
    buffer, evaluate = function.buffer()
    kept = function, buffer, data, gradient  # CasADi holds addresses only
    buffer.set_arg(0, memoryview(data))
    buffer.set_res(0, memoryview(value))
    buffer.set_res(1, memoryview(gradient))

    def call(kept: Any = kept) -> float:
        evaluate()
        return float(value[0])

    return call


def one_sample() -> Iterator[str]:
    """Time value and 337 gradients of one sample: printed Python, and a tape under numba."""
    loss, params, net = network()
    program = autograd_mini.compile(loss, params)
    data = [p.data for p in params]
    call, in_buffers = casadis(net)
    title = "one sample through MLP 2-16-16-1, 337 gradients"
    simplified = program.simplified()
    works = {"autograd_mini": lambda: program(*data)[0], "micrograd": micrograds(net), "CasADi by call": call}
    short = {**works, "autograd_mini": lambda: simplified(*data)[0]}
    agree({**works, "simplified": short["autograd_mini"]})
    limit = straight_lines(*operations(simplified.source))
    yield row(f"{title}: printed Python", compare({**works, **limit}, calls=50))
    yield row(f"{title}: printed Python, simplified", compare({**short, **limit}, calls=50))
    tape, values = tape_for(loss, params), np.array(data)
    out = np.empty(1 + len(params))

    def run() -> float:
        tape.run(values, out)
        return float(out[0])

    works = {"autograd_mini": run, "CasADi's buffer": in_buffers}
    agree(works)
    works |= one_sample_by_hand(values)
    yield row(f"{title}: tape under numba, through buffers", compare(works, calls=2000))


def operations(source: str) -> tuple[int, int]:
    """Return how many operators a program has, and how many calls of functions."""
    function = next(part for part in ast.parse(source).body if getattr(part, "name", "") == "program")
    parts = list(ast.walk(function))
    return tuple(sum(isinstance(part, kind) for part in parts) for kind in (ast.BinOp, ast.Call))  # type: ignore


def one_sample_by_hand(theta: np.ndarray) -> Limit:
    """Return the sample as loops over numbers, compiled by numba: no interpreter and no call of a library but tanh."""
    import numba

    @numba.njit(fastmath=True)
    def work(theta: Any, sizes: Any, a: Any, d: Any, out: Any) -> Any:
        end, at = 0, 0
        a[0], a[1] = 0.3, -0.4
        for k in range(len(sizes) - 1):
            m, n = sizes[k], sizes[k + 1]
            for i in range(n):
                z = theta[end + i * (m + 1) + m]
                for j in range(m):
                    z += theta[end + i * (m + 1) + j] * a[at + j]
                a[at + m + i] = math.tanh(z)
            end, at = end + n * (m + 1), at + m
        loss = (a[at] - 1.0) ** 2
        d[at] = 2.0 * (a[at] - 1.0)
        for k in range(len(sizes) - 2, -1, -1):
            m, n = sizes[k], sizes[k + 1]
            end, at = end - n * (m + 1), at - m
            d[at : at + m] = 0.0
            for i in range(n):
                h = d[at + m + i] * (1.0 - a[at + m + i] ** 2)
                out[end + i * (m + 1) + m] = h
                for j in range(m):
                    out[end + i * (m + 1) + j] = h * a[at + j]
                    d[at + j] += h * theta[end + i * (m + 1) + j]
        return loss

    places = np.zeros((2, sum(SIZES)))
    given = theta, np.array(SIZES), *places, np.empty_like(theta)
    return {f"{LIMIT}loops by hand under numba": lambda: work(*given)}


def tape_for(root: Any, inputs: list[Any]) -> Tape:
    return tape_of(autograd_mini.sweep.order(root)[::-1], root, inputs)


def agree(works: dict[str, Callable[[], Any]]) -> None:
    """Raise unless all works give the same number."""
    values = {name: float(np.sum(work())) for name, work in works.items()}
    first = next(iter(values.values()))
    assert np.allclose(list(values.values()), first, rtol=1e-6), values


def batch() -> Iterator[str]:
    """Time a batch of 100 samples: loss and summed gradients, in lanes, in torch and in JAX."""
    net = nn.MLP(2, SIZES[1:], "tanh", "tanh", rng=0)
    params = net.parameters()
    x1, x2, y = Value(0.0), Value(0.0), Value(0.0)
    tape = tape_for((net([x1, x2]) - y) ** 2.0, [*params, x1, x2, y])
    points, labels = moons()
    targets = labels.astype(float)
    shared = np.array([*(p.data for p in params), 0.0, 0.0, 0.0])
    varied, rows = np.arange(len(params), len(shared)), np.array([*points.T, targets])

    def lanes() -> float:
        return float(tape.batch(shared, varied, rows)[0].sum())

    works = {"autograd_mini": lanes, "torch": torchs(net, points, targets), "jax.jit": jaxs(net, points, targets)}
    agree(works)
    works |= products(SIZES, len(points), np.float64, [np.tanh])
    yield row("batch of 100 through MLP 2-16-16-1: numba lanes", compare(works, calls=100))


def torchs(net: Any, points: np.ndarray, targets: np.ndarray) -> Callable[[], float]:
    import torch

    layers = [torch.tensor(a, requires_grad=True) for a in flat(net)]
    x, y = torch.tensor(points), torch.tensor(targets)[:, None]

    def step() -> float:
        a = x
        for W, b in zip(layers[::2], layers[1::2]):
            a = torch.tanh(torch.nn.functional.linear(a, W, b))
        loss = ((a - y) ** 2).sum()
        torch.autograd.grad(loss, layers)
        return loss.item()

    return step


def jaxs(net: Any, points: np.ndarray, targets: np.ndarray) -> Callable[[], float]:
    import jax

    jax.config.update("jax_enable_x64", True)
    y = targets[:, None]

    def loss(layers: Any) -> Any:
        a = points
        for W, b in zip(layers[::2], layers[1::2]):
            a = jax.numpy.tanh(a @ W.T + b)
        return ((a - y) ** 2).sum()

    both = jax.jit(jax.value_and_grad(loss))
    layers = [jax.numpy.asarray(a) for a in flat(net)]

    def step() -> float:
        value, gradients = both(layers)
        gradients[0].block_until_ready()
        return float(value)

    return step


def demo() -> Iterator[str]:
    """Time micrograd's demo step, all included: hinge loss of 100 moons, L2 penalty, gradient descent."""
    points, labels = moons()
    net = nn.MLP(2, list(SIZES[1:]), rng=0)
    theirs = micrograd_nn.MLP(2, list(SIZES[1:]))
    order = [p for layer in theirs.layers for n in layer.neurons for p in (*n.w, n.b)]
    for p, q in zip(net.parameters(), order):
        q.data = p.data
    params = net.parameters()
    x1, x2, y = Value(0.0), Value(0.0), Value(1.0)
    tape = tape_for((1.0 + -y * net([x1, x2])).relu(), [*params, x1, x2, y])
    theta = np.array([p.data for p in params])
    varied = np.arange(len(theta), len(theta) + 3)
    targets = labels.astype(float)

    def step() -> float:
        rows = np.array([*points.T, targets])
        values, gradients, _ = tape.batch(np.append(theta, [0.0, 0.0, 0.0]), varied, rows)
        total = values.sum() * 0.01 + 1e-4 * (theta @ theta)
        theta[:] -= 0.01 * (0.01 * gradients[: len(theta)] + 2e-4 * theta)
        return float(total)

    works = {"autograd_mini": step, "micrograd": demo_step(theirs, MicrogradValue, points, labels)}
    agree(works)
    works |= products(SIZES, len(points), np.float64)
    yield row("micrograd's demo step, compiled, all included", compare(works, rounds=5, calls=3))


def rosenbrocks() -> Iterator[str]:
    """Time value and gradient of Rosenbrock's function in 200 variables."""
    import casadi

    at = [0.5 + 0.001 * i for i in range(200)]
    x = [Value(v) for v in at]
    tape = tape_for(rosenbrock(x), x)
    values, out = np.array(at), np.empty(201)
    s = casadi.SX.sym("x", 200)
    f = rosenbrock([s[i] for i in range(200)])
    function = casadi.Function("f", [s], [f, casadi.gradient(f, s)])
    peers = {"CasADi's buffer": buffered(function, values), "ddx-ad": ddx_rosenbrock(values)}
    for title, ours in (("tape under numba", tape), ("straight-line under numba", tape.straight())):

        def run(tape: Tape = ours) -> float:
            tape.run(values, out)
            return float(out[0])

        works = {"autograd_mini": run, **peers}
        agree(works)
        works |= rosenbrock_by_hand(values)
        yield row(f"Rosenbrock in 200 variables: {title}", compare(works, rounds=15, calls=5000))


def rosenbrock_by_hand(values: np.ndarray) -> Limit:
    """Return value and gradient as one loop, compiled by numba."""
    import numba

    @numba.njit(fastmath=True)
    def work(x: Any, out: Any) -> Any:
        loss, out[0] = 0.0, 0.0
        for i in range(len(x) - 1):
            d, e = x[i + 1] - x[i] * x[i], 1.0 - x[i]
            loss += 100.0 * d * d + e * e
            out[i] += -400.0 * x[i] * d - 2.0 * e
            out[i + 1] = 200.0 * d
        return loss

    out = np.empty_like(values)
    return {f"{LIMIT}a loop by hand under numba": lambda: work(values, out)}


def ddx_rosenbrock(values: np.ndarray) -> Callable[[], float]:
    """The same in ddx-ad, compiled by LLVM, through buffers allocated once."""
    import ddx

    equation = ddx.equation(lambda: rosenbrock([ddx.var(f"x{i:03d}") for i in range(len(values))]))
    call = equation.compile().buffer(values)

    def run() -> float:
        call()
        return float(call.value)

    return run


def first_call() -> Iterator[str]:
    """Time the first call of a new graph of 1,000 nodes, its tape made of it, against one dynamic sweep."""
    x = Value(0.3)
    y = x
    for i in range(333):
        y = (y * 0.999 + x).tanh() if i % 3 else y * x - 0.1
    nodes = len(autograd_mini.sweep.order(y))
    tape_for(y, [x])([0.3])

    def first() -> float:
        return tape_for(y, [x])([0.3])[0]

    def sweep() -> float:
        y.backward()
        return float(y.data)

    peers = {"one dynamic sweep": sweep, **empty_calls(nodes)}
    title = f"first call of a new graph of {nodes:,} nodes"
    yield row(f"{title}, tape made and run, interpreter warm", compare({"autograd_mini": first, **peers}, calls=20))
    for where, number in ("", 0.3), (", at another number than was recorded", 0.4):
        whole = {"autograd_mini": lambda at=number: autograd_mini.compile(y, [x])(at)[0], **peers}
        yield row(f"{title}, compiled to Python{where}", compare(whole, calls=20))


if __name__ == "__main__":
    main(__doc__, "programs", (one_sample, batch, demo, rosenbrocks, first_call))
