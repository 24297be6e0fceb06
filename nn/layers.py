"""Neurons, layers and networks at two magnifications: on Values, every multiplication a node, and on arrays.

`Neuron` and `Layer` hold Values and take one sample, a list of numbers or Values. `Dense` is a layer on arrays: it
holds W and b and takes a batch, one sample a row. `tensors()` and `scalars()` turn one kind into the other.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from reprlib import recursive_repr
from typing import Any

import numpy as np

from autograd_mini import Node, ShapeError, Tensor, Value, ops

from . import init as initial
from .errors import SettingError, choice, function, real
from .init import Initializer, Rng
from .module import Module
from .words import in_our_words

Activation = str | Callable[[Any], Any]

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    **{op.name: op.method for op in (ops.sigmoid, ops.tanh, ops.relu, ops.softplus, ops.silu, ops.gelu)},
    "leaky_relu": ops.leaky_relu,
    "elu": ops.elu,
    "softmax": ops.softmax,
}

SYNONYMS: dict[Any, str] = {True: "relu", False: "identity", "linear": "identity"}
SCALARS = {float, int, Value}  # what a sample holds most often

_add_n = ops.add_n
_mul = ops.mul.method


def activate(activation: Activation, z: Any) -> Any:
    """Return g(z) for an activation g given by name or as a function."""
    return ACTIVATIONS[activation](z) if isinstance(activation, str) else activation(z)


class Neuron(Module):
    """a = g(w . x + b): one output from `n_in` inputs, a list of numbers or Values.

    `activation` g is a name in ACTIVATIONS or a function of z, such as `lambda z: ops.leaky_relu(z, 0.2)`; True and
    False stand for relu and for none, as micrograd's `nonlin` has them.

    >>> neuron = Neuron(2, "tanh", init=initial.given([[-3.0, 1.0]], [6.881373587019543]))
    >>> round(neuron([2.0, 0.0]).data, 4)
    0.7071
    """

    @in_our_words
    def __init__(
        self, n_in: int, activation: Activation = "relu", *, init: Initializer = initial.uniform, rng: Rng = None
    ) -> None:
        (w,), (b,) = initial.draw(init, rng, n_in, 1)
        self.w = [Value(wj) for wj in w]
        self.b = Value(b)
        self.activation = _checked(activation)

    def __call__(self, x: Any) -> Any:
        if x.__class__ is not list or len(x) != len(self.w):
            x = _sample(x, len(self.w), self)
        z = _add_n(self.b, *map(_mul, self.w, x))
        if z.__class__ is Tensor:  # an input was a row, which a product takes without a word
            _sample(x, len(self.w), self)
        return activate(self.activation, z)

    @property
    def nonlin(self) -> bool:
        """Whether there is an activation: micrograd's name."""
        return self.activation != "identity"

    def tensors(self) -> Dense:
        """Return the same neuron on arrays: a layer with one row."""
        return _dense([self], self.activation)

    def __repr__(self) -> str:
        return f"{_title(self.activation)}Neuron({len(self.w)})"


class Layer(Module):
    """`n_out` neurons that see the same inputs; it returns the list of their outputs, a single neuron its Value.

    >>> Layer(2, 3, "tanh")
    Layer of [TanhNeuron(2), TanhNeuron(2), TanhNeuron(2)]
    """

    @in_our_words
    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: Activation = "relu",
        *,
        init: Initializer = initial.uniform,
        rng: Rng = None,
    ) -> None:
        W, b = initial.draw(init, rng, n_in, n_out)
        checked = _checked(activation)
        g = "identity" if checked == "softmax" else checked  # softmax joins the outputs: it is the layer's
        self.neurons = [Neuron(n_in, g, init=initial.given([w], [bi])) for w, bi in zip(W, b)]
        self.activation = checked

    def __call__(self, x: Any) -> Any:
        x = _sample(x, len(self.neurons[0].w), self)
        a = [neuron(x) for neuron in self.neurons]
        if self.activation == "softmax":
            a = list(ops.softmax(ops.stack(a)))
        return a[0] if len(a) == 1 else a

    def tensors(self) -> Dense:
        """Return the same layer on arrays."""
        return _dense(self.neurons, self.activation)

    def label(self, layer: int) -> None:
        """Name the parameters for pictures and messages by the number of the layer: W[1][0,2], b[1][0]."""
        for i, neuron in enumerate(self.neurons):
            neuron.b.label = f"b[{layer}][{i}]"
            for j, w in enumerate(neuron.w):
                w.label = f"W[{layer}][{i},{j}]"

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class Dense(Module):
    """a = g(W x + b) on arrays, row by row: (n, n_in) gives (n, n_out); W has shape (n_out, n_in), b (n_out,).

    >>> Dense(2, 3, "tanh", rng=0)(np.zeros((5, 2))).shape
    (5, 3)
    """

    @in_our_words
    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: Activation = "relu",
        *,
        init: Initializer = initial.glorot,
        rng: Rng = None,
        dtype: Any = np.float64,
    ) -> None:
        W, b = initial.draw(init, rng, n_in, n_out)
        self.W = Tensor(W, dtype=dtype)
        self.b = Tensor(b, dtype=dtype)
        self.activation = _checked(activation)

    def __call__(self, x: Any) -> Any:
        return self.activate(self.affine(x))

    def affine(self, x: Any) -> Any:
        """Return z = W x + b for each row of x."""
        try:
            return ops.affine(x, self.W, self.b)
        except ShapeError:
            n = self.W.shape[1]
            raise ShapeError(f"{self!r} takes rows of {n} inputs, got an array of shape {ops.shape(x)}") from None

    def activate(self, z: Any) -> Any:
        """Return a = g(z)."""
        return activate(self.activation, z)

    def scalars(self) -> Layer:
        """Return the same layer on Values: a neuron for each row of W."""
        n_out, n_in = self.W.shape
        return Layer(n_in, n_out, self.activation, init=initial.given(self.W._data, self.b._data))

    def label(self, layer: int) -> None:
        """Name the parameters for pictures and messages by the number of the layer: W[1], b[1]."""
        self.W.label, self.b.label = f"W[{layer}]", f"b[{layer}]"

    def __repr__(self) -> str:
        n_out, n_in = self.W.shape
        return f"Dense({n_in}, {n_out}, {name_of(self.activation)})"


class Dropout(Module):
    """While training, set each input to 0 with probability `rate` and divide the others by 1 - rate; else do nothing.

    The expected output is the input (Srivastava et al., "Dropout", 2014; the scaling is moved from evaluation to
    training).

    >>> drop = Dropout(0.5, rng=0); sorted(set(drop(Tensor(np.ones(100))).data.tolist())), drop.eval()([1.0])
    ([0.0, 2.0], [1.0])
    """

    def __init__(self, rate: float = 0.5, *, rng: Rng = None) -> None:
        self.rate = real("rate", rate, "[0, 1)")
        self._source = initial.source(rng)

    def __call__(self, x: Any) -> Any:
        if not self.training or not self.rate:
            return x
        if isinstance(x, (list, Value)):
            entries = x if isinstance(x, list) else [x]
            kept = [xi * float(m) for xi, m in zip(entries, self._mask((len(entries),)))]
            return kept if isinstance(x, list) else kept[0]
        dtype = x._data.dtype if isinstance(x, Node) else np.float64
        return ops.mul(x, self._mask(ops.shape(x)).astype(dtype))

    def _mask(self, shape: tuple[int, ...]) -> Any:
        return (self._source.random(shape) >= self.rate) / (1.0 - self.rate)

    def __repr__(self) -> str:
        return f"Dropout({self.rate})"


class Sequential(Module):
    """Layers one after another: each takes the output of the one before.

    >>> Sequential(Dense(4, 8, rng=0), Dropout(0.1), Dense(8, 3, "softmax", rng=1))
    Sequential(Dense(4, 8, relu), Dropout(0.1), Dense(8, 3, softmax))
    """

    def __init__(self, *layers: Any) -> None:
        if any(isinstance(layer, (list, tuple)) for layer in layers):
            raise SettingError("layers are handed over one by one, not in a list: Sequential(*layers)")
        self.layers = list(layers)

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def tensors(self) -> Sequential:
        """Return the same network on arrays: its own parameters, with the same numbers."""
        return self._twin("tensors")

    def scalars(self) -> Sequential:
        """Return the same network on Values: its own parameters, with the same numbers."""
        return self._twin("scalars")

    def _twin(self, kind: str) -> Sequential:
        twins = {layer: getattr(layer, kind, lambda layer=layer: copy.deepcopy(layer))() for layer in self.layers}
        twin = copy.copy(self)
        twin.layers = [twins[layer] for layer in self.layers]
        _label(twin.layers)
        return twin

    @recursive_repr()
    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.layers))})"


class MLP(Sequential):
    """A multilayer perceptron: `n_in` inputs, then layers of the given sizes.

    `activation` is that of the hidden layers, `output` that of the last; a list has one for each layer. `layer` is
    the kind of layer: `Layer`, on Values, or `Dense`, on arrays; further settings (`init`, `dtype`) are handed to
    it.

    >>> MLP(2, [2, 1])
    MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]
    >>> MLP(784, [100, 10], "tanh", "softmax", layer=Dense, rng=0)
    MLP of [Dense(784, 100, tanh), Dense(100, 10, softmax)]
    """

    @in_our_words
    def __init__(
        self,
        n_in: int,
        sizes: Sequence[int],
        activation: Activation | Sequence[Activation] = "relu",
        output: Activation = "identity",
        *,
        layer: Callable[..., Any] = Layer,
        rng: Rng = None,
        **settings: Any,
    ) -> None:
        if not isinstance(sizes, Iterable):
            raise SettingError(
                f"sizes must hold the size of each layer, the output's last: [{sizes!r:.40}] for one layer"
            )
        sizes = list(sizes)
        if not sizes:
            raise SettingError("sizes must name at least one layer, the output")
        function("layer", layer, "a kind of layer, nn.Layer or nn.Dense")
        draws = initial.source(rng)
        widths = [n_in, *sizes]
        gs = _by_layer(activation, output, len(sizes))
        super().__init__(*(layer(m, n, g, rng=draws, **settings) for m, n, g in zip(widths, sizes, gs)))
        _label(self.layers)

    @recursive_repr()
    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(repr, self.layers))}]"


def leaves(layer: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every layer that is no sequence, with the name under which it is found."""
    if isinstance(layer, Sequential):
        for i, inner in enumerate(layer.layers):
            yield from leaves(inner, inside(where, i))
    else:
        yield where, layer


def inside(where: str, i: int) -> str:
    """Return the name of the i-th layer of a sequence."""
    return f"{where}.layers.{i}" if where else f"layers.{i}"


def _by_layer(activation: Activation | Sequence[Activation], output: Activation, n: int) -> list[Activation]:
    """Return the activation of each of n layers."""
    if isinstance(activation, str) or not isinstance(activation, Sequence):
        return [activation] * (n - 1) + [output]
    given = [*activation, output] if len(activation) == n - 1 else list(activation)
    if len(given) != n:
        raise SettingError(f"activation: a list has one for each layer, {n} here, got {len(given)}")
    return given


def _label(layers: list[Any]) -> None:
    for number, layer in enumerate((x for x in layers if isinstance(x, (Layer, Dense))), 1):
        layer.label(number)


def _dense(neurons: list[Neuron], activation: Activation) -> Dense:
    """Return the layer on arrays whose rows are the neurons."""
    W = np.array([[w._data for w in neuron.w] for neuron in neurons])
    b = np.array([neuron.b._data for neuron in neurons])
    return Dense(W.shape[1], W.shape[0], activation, init=initial.given(W, b))


def _sample(x: Any, n: int, whose: Module) -> list[Any]:
    """Return one sample as a list of n numbers and Values."""
    if isinstance(x, Iterator):
        x = list(x)
    if isinstance(x, Value) or not hasattr(x, "__len__"):
        x = [x]
    entries = x.tolist() if isinstance(x, np.ndarray) else list(x)
    rows = not {*map(type, entries)} <= SCALARS and any(map(_is_row, entries))
    if rows or len(entries) != n:
        remedy = (
            " rows: it takes one sample at a time, [model(x) for x in X]; model.tensors() takes all" if rows else ""
        )
        raise ShapeError(f"{whose!r} takes {n} inputs, got {len(entries)}{remedy}")
    return entries


def _is_row(entry: Any) -> bool:
    return isinstance(entry, (list, tuple)) or bool(getattr(entry, "ndim", 0))


def _checked(activation: Activation) -> Activation:
    if callable(activation):
        return activation
    if isinstance(activation, (bool, str)):
        activation = SYNONYMS.get(activation, activation)
    choice("activation", activation, ACTIVATIONS)
    return activation


def name_of(activation: Activation) -> str:
    """Return an activation's name: a function's own where it is not one of ours."""
    return activation if isinstance(activation, str) else getattr(activation, "__name__", "function")


def _title(activation: Activation) -> str:
    """Return an activation's name as it stands before `Neuron`; micrograd's words for its two."""
    name = name_of(activation)
    return {"relu": "ReLU", "identity": "Linear"}.get(name, name.title().replace("_", ""))
