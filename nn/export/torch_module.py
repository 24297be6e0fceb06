"""Networks as torch modules: the same layers under the same names, each with its own copy of the parameters."""

# mypy: allow-subclassing-any

from __future__ import annotations

from typing import Any

import numpy as np

from .. import layers
from ..errors import extra
from .plan import function_of

torch = extra("torch", "PyTorch", "torch")
F = torch.nn.functional
Module: Any = torch.nn.Module

FUNCTIONS: dict[str, Any] = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "softplus": lambda z: F.softplus(z, threshold=40.0),  # torch's own 20 is 2e-9 off just above it
    "silu": F.silu,
    "gelu": lambda z: 0.5 * z * torch.erfc(-(0.5**0.5) * z),  # torch's own 1 + erf is 0 in the lower tail
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "softmax": lambda z: torch.softmax(z, -1),
    "exp": torch.exp,
    "both": lambda p: torch.cat([1.0 - p, p], -1),
    "column": lambda p: p.squeeze(-1),
    "certain": lambda p: torch.where(torch.ones_like(p, dtype=torch.bool), 1.0, p),  # with the gradient 0
}


class Function(Module):
    """a = g(z) for a function of the table above."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, z: Any) -> Any:
        """Return g(z)."""
        return FUNCTIONS[self.name](z)

    def extra_repr(self) -> str:
        """Return what stands between the brackets when the module is printed."""
        return self.name


class Dense(Module):
    """a = g(W x + b), row by row; W has shape (n_out, n_in)."""

    def __init__(self, W: Any, b: Any, activation: str) -> None:
        super().__init__()
        self.W = W
        self.b = b
        self.activation = activation

    def forward(self, x: Any) -> Any:
        """Return g(W x + b) for each row of x."""
        return FUNCTIONS[self.activation](F.linear(x, self.W, self.b))

    def extra_repr(self) -> str:
        """Return what stands between the brackets when the module is printed."""
        n_out, n_in = self.W.shape
        return f"{n_in}, {n_out}, {self.activation}"


class Sequential(Module):
    """Layers, each fed with the output of the one before."""

    def __init__(self, inner: list[Any]) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(inner)

    def forward(self, x: Any) -> Any:
        """Return what the last layer makes of x."""
        for layer in self.layers:
            x = layer(x)
        return x


def build(net: Any) -> Any:
    """Return the module for a planned network.

    >>> import nn
    >>> net = nn.MLP(2, [3, 1], "tanh", layer=nn.Dense, rng=0)
    >>> module = nn.export.to_torch(net); [name for name, parameter in module.named_parameters()]
    ['layers.0.W', 'layers.0.b', 'layers.1.W', 'layers.1.b']
    >>> abs(module(torch.ones(1, 2, dtype=torch.float64)).item() - net([[1.0, 1.0]]).item()) < 1e-15
    True
    """
    return _module(net, {}, "")


def _module(layer: Any, known: dict[int, Any], where: str) -> Any:
    """Return the twin of a layer; layers and parameters that are reached twice have one, by `known`."""
    if id(layer) not in known:
        known[id(layer)] = _twin(layer, known, where)
    return known[id(layer)]


def _twin(layer: Any, known: dict[int, Any], where: str) -> Any:
    if isinstance(layer, layers.Sequential):
        return Sequential([_module(inner, known, layers.inside(where, i)) for i, inner in enumerate(layer.layers)])
    if isinstance(layer, layers.Dropout):
        return torch.nn.Dropout(layer.rate)
    name = function_of(getattr(layer, "activation", layer), where, FUNCTIONS, "torch")
    if isinstance(layer, layers.Dense):
        return Dense(_parameter(layer.W, known), _parameter(layer.b, known), name)
    return Function(name)


def _parameter(node: Any, known: dict[int, Any]) -> Any:
    if id(node) not in known:
        known[id(node)] = torch.nn.Parameter(torch.tensor(np.array(node._data)))
    return known[id(node)]
