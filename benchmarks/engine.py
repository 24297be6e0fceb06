"""The engine against its peers, in one process: `python benchmarks/engine.py [--write docs/benchmarks.md]`.

Needs `pip install "autograd-mini[bench]"`. A figure in brackets is the peer's time divided by ours: above 1, ours is
the faster.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import one_core  # noqa: F401 - numpy counts its threads when it is imported

# isort: split
import numpy as np
from clock import LIMIT, compare, row
from limits import Bare, empty_calls
from micrograd import nn as micrograd_nn
from micrograd.engine import Value as MicrogradValue
from page import main

import nn
from autograd_mini import Node, Tensor, Value


def moons(n: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Return two noisy half circles, n points of the plane, and their labels -1 and +1."""
    rng = np.random.default_rng(1337)
    angle = rng.uniform(0.0, np.pi, n)
    side = np.arange(n) % 2
    sign = np.where(side, -1.0, 1.0)
    x = np.column_stack([sign * np.cos(angle) + side, sign * np.sin(angle) + 0.5 * side])
    return x + rng.normal(0.0, 0.1, x.shape), side * 2 - 1


def demo_step(model: Any, value: Callable[[float], Any], x: np.ndarray, y: np.ndarray) -> Callable[[], float]:
    """Return micrograd's demo as one step: hinge loss of all points, L2 penalty, backward, gradient descent."""

    def step() -> float:
        inputs = [list(map(value, row)) for row in x.tolist()]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * score).relu() for yi, score in zip(y.tolist(), scores)]
        data_loss = sum(losses) * (1.0 / len(losses))
        penalty = 1e-4 * sum(p * p for p in model.parameters())
        total = data_loss + penalty
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= 0.01 * p.grad
        return float(total.data)

    return step


def demo() -> Iterator[str]:
    """Time micrograd's demo step, both engines from the same weights, and check that the losses agree."""
    x, y = moons()
    ours, theirs = nn.MLP(2, [16, 16, 1]), micrograd_nn.MLP(2, [16, 16, 1])
    theirs_in_order = [p for layer in theirs.layers for n in layer.neurons for p in (*n.w, n.b)]
    for p, q in zip(ours.parameters(), theirs_in_order):
        q.data = p.data
    works: dict[str, Callable[[], object]] = {
        "autograd_mini": demo_step(ours, Value, x, y),
        "micrograd": demo_step(theirs, MicrogradValue, x, y),
    }
    agree(works)
    works |= empty_calls(2 * births(works["autograd_mini"]))
    yield row(
        "micrograd's demo step: 100 moons, MLP 2-16-16-1, hinge and L2, full batch", compare(works, rounds=5, calls=4)
    )


class Perceptron:
    """micrograd's network written with Values alone, so that the same code runs on both engines."""

    def __init__(self, value: Callable[[float], Any], sizes: tuple[int, ...] = (2, 16, 16, 1)) -> None:
        rng = np.random.default_rng(0)
        self.layers = [
            [([value(w) for w in rng.uniform(-1.0, 1.0, m).tolist()], value(0.0)) for _ in range(n)]
            for m, n in itertools.pairwise(sizes)
        ]

    def parameters(self) -> list[Any]:
        """Return every weight and bias."""
        return [p for layer in self.layers for w, b in layer for p in (*w, b)]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.parameters():
            p.grad = 0.0

    def __call__(self, x: list[Any]) -> Any:
        for layer in self.layers:
            x = [sum((wi * xi for wi, xi in zip(w, x)), b) for w, b in layer]
            x = [z.relu() for z in x] if layer is not self.layers[-1] else x
        return x[0]


def values_alone() -> Iterator[str]:
    """Time the same step with a network of plain sums and products, the same code on both engines."""
    x, y = moons()
    kinds: dict[str, Callable[[float], Any]] = {
        "autograd_mini": Value,
        "micrograd": MicrogradValue,
        f"{LIMIT}a class of six slots that checks nothing": Bare,
    }
    works: dict[str, Callable[[], object]] = {
        name: demo_step(Perceptron(value), value, x, y) for name, value in kinds.items()
    }
    agree(works)
    yield row("the demo step written with Values alone, one code on both engines", compare(works, rounds=5, calls=2))


def agree(works: dict[str, Callable[[], Any]]) -> None:
    """Raise unless all works give the same number."""
    first, *others = [work() for work in works.values()]
    assert np.allclose(others, first, rtol=1e-9), (first, others)


def births(work: Callable[[], object]) -> int:
    """Return how many nodes a work makes."""
    before = Value(0.0).birth
    work()
    return Value(0.0).birth - before - 1


def rosenbrock(x: Any) -> Any:
    """Return sum of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2."""
    return sum(100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(len(x) - 1))


def rosenbrock_of_arrays(x: Any) -> Any:
    """Return the same from whole arrays."""
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def rosenbrocks() -> Iterator[str]:
    """Time value and gradient in 200 variables: every operation a node, and on arrays."""
    import xad.adj_1st as xad

    at = [0.5 + 0.001 * i for i in range(200)]

    def nodes(value: Callable[[float], Any]) -> list[float]:
        x = [value(v) for v in at]
        rosenbrock(x).backward()
        return [v.grad for v in x]

    def arrays() -> list[float]:
        x = Tensor(at)
        rosenbrock_of_arrays(x).backward()
        return list(x.grad)

    def tape() -> list[float]:
        with xad.Tape() as t:
            x = [xad.Real(v) for v in at]
            for v in x:
                t.registerInput(v)
            t.newRecording()
            y = rosenbrock(x)
            t.registerOutput(y)
            y.derivative = 1.0
            t.computeAdjoints()
            return [v.derivative for v in x]

    by_hand = rosenbrock_by_hand(np.array(at))
    assert np.allclose(by_hand(), tape(), rtol=1e-12)
    peers: dict[str, Callable[[], object]] = {"micrograd": lambda: nodes(MicrogradValue), "XAD": tape}
    for title, ours, limit in (
        ("every operation a node", lambda: nodes(Value), empty_calls(2 * births(lambda: nodes(Value)))),
        ("on a Tensor", arrays, {f"{LIMIT}numpy by hand into ready buffers": by_hand}),
    ):
        assert np.allclose(ours(), tape(), rtol=1e-12)
        works: dict[str, Callable[[], object]] = {"autograd_mini": ours, **peers, **limit}
        yield row(f"Rosenbrock in 200 variables, {title}", compare(works, rounds=41, calls=10))


def rosenbrock_by_hand(x: np.ndarray) -> Callable[[], np.ndarray]:
    """Return value and gradient as few calls of numpy, into buffers that are made once."""
    a, b, g = x[:-1], x[1:], np.empty_like(x)
    d, e, t = (np.empty_like(a) for _ in range(3))

    def work() -> np.ndarray:
        np.subtract(b, np.square(a, out=t), out=d)
        np.subtract(1.0, a, out=e)
        work.value = 100.0 * d.dot(d) + e.dot(e)  # type: ignore[attr-defined]
        np.multiply(200.0, d, out=d)
        np.multiply(np.multiply(-2.0, a, out=t), d, out=t)
        np.subtract(t, np.multiply(2.0, e, out=e), out=g[:-1])
        g[-1] = 0.0
        g[1:] += d
        return g

    return work


def chain(n: int = 10**6) -> Iterator[str]:
    """Time a chain of n additions: recorded, swept, freed; and weigh a node."""
    import torch

    def ours() -> None:
        y = x = Value(1.0)
        for _ in range(n):
            y = y + 1.0
        y.backward()
        assert x.grad == 1.0

    def torchs() -> None:
        y = x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
        for _ in range(n):
            y = y + 1.0
        y.backward()
        assert x.grad == 1.0

    times = compare({"autograd_mini": ours, "torch": torchs, **empty_calls(2 * n)}, rounds=3)
    yield row(f"a chain of 10^{len(str(n)) - 1} nodes recorded, swept and freed", times)
    node, limit = bytes_per_node(), bytes_of_contents()
    where = f"its slots, a float and a number of birth {limit} bytes ({node / limit:.2f})"
    yield f"| memory of a recorded node | {node:.0f} bytes | | {where} |"


def bytes_per_node(n: int = 10**5) -> float:
    """Return what a recorded node of a chain adds to the memory in use."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    y = Value(1.0)
    for _ in range(n):
        y = y + 1.0
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return used / n


def bytes_of_contents() -> int:
    """Return the size of an object with a node's slots, of a float, and of an integer above a million."""

    class Slots:
        __slots__ = Node.__slots__

    head_of_the_collector = 16
    return sys.getsizeof(Slots()) + head_of_the_collector + sys.getsizeof(1.0) + sys.getsizeof(10**6)


def imports() -> Iterator[str]:
    """Time `import autograd_mini` and `import numpy` as whole processes, both from compiled files, as installed."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def load(module: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env=environment)

    times = compare({"autograd_mini": load("autograd_mini"), "numpy": load("numpy")}, rounds=15)
    times[f"{LIMIT}numpy, which it loads"] = times["numpy"]
    yield row("`import` as a whole process", times)


if __name__ == "__main__":
    main(__doc__, "engine", (demo, values_alone, rosenbrocks, chain, imports))
