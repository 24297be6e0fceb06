"""Neurons, layers and networks, twice: on Values, where every multiplication is a node, and on arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from autograd_mini import ShapeError, Value, ops

from . import init as initial
from .init import Initializer, Rng, SettingError
from .module import Module

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "relu": ops.relu.method,
    "tanh": ops.tanh.method,
    "sigmoid": ops.sigmoid.method,
}

_add_n = ops.add_n
_mul = ops.mul.method


class Neuron(Module):
    """a = g(w . x + b): one output from `n_in` inputs, a list of numbers or Values.

    >>> neuron = Neuron(2, "tanh"); neuron.w, neuron.b = [Value(-3.0), Value(1.0)], Value(6.881373587019543)
    >>> round(neuron([2.0, 0.0]).data, 4)
    0.7071
    """

    def __init__(self, n_in: int, activation: str = "relu", *, init: Initializer = initial.uniform, rng: Rng = None):
        (w,), (b,) = init(initial.generator(rng), size(n_in, "n_in"), 1)
        self.w = [Value(wi) for wi in w]
        self.b = Value(b)
        self.activation = activation

    def __call__(self, x: Any) -> Any:
        if x.__class__ is not list or len(x) != len(self.w):
            x = _entries(x, len(self.w), self)
        return ACTIVATIONS[self.activation](_add_n(self.b, *map(_mul, self.w, x)))

    def __repr__(self) -> str:
        kind = {"relu": "ReLU", "identity": "Linear"}.get(self.activation, self.activation.capitalize())
        return f"{kind}Neuron({len(self.w)})"


class Layer(Module):
    """`n_out` neurons side by side; a layer of one neuron returns its Value, any other a list of them."""

    def __init__(self, n_in: int, n_out: int, activation: str = "relu", *, init: Initializer = initial.uniform, rng: Rng = None):
        rng = initial.generator(rng)
        self.neurons = [Neuron(n_in, activation, init=init, rng=rng) for _ in range(size(n_out, "n_out"))]

    def __call__(self, x: Any) -> Any:
        x = _entries(x, len(self.neurons[0].w), self)
        out = [neuron(x) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class MLP(Module):
    """A multilayer perceptron: layers of the given sizes, relu between them and no activation on the last.

    >>> MLP(2, [2, 1])
    MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]
    """

    def __init__(self, n_in: int, sizes: list[int]):
        widths = [n_in, *sizes]
        last = len(sizes) - 1
        self.layers = [
            Layer(widths[i], widths[i + 1], "identity" if i == last else "relu") for i in range(len(sizes))
        ]

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(repr, self.layers))}]"


def size(n: Any, name: str) -> int:
    """Return a layer's size, or raise SettingError."""
    if isinstance(n, bool) or not hasattr(n, "__index__") or n.__index__() < 1:
        raise SettingError(f"{name} is the number of neurons or inputs, an integer from 1 on; got {n!r}")
    return int(n.__index__())


def _entries(x: Any, n: int, whose: Module) -> list[Any]:
    """Return one sample as a list of n numbers and Values."""
    entries = [x] if isinstance(x, Value) else x.tolist() if hasattr(x, "tolist") else list(x)
    if len(entries) != n:
        raise ShapeError(f"{whose!r} takes {n} inputs, got {len(entries)}")
    return entries
