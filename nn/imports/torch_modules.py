"""Modules of torch: a `torch.nn.Sequential` of linear layers and activations as a network, with its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from autograd_mini import ops
from autograd_mini.op import Op

from .. import init
from ..errors import SettingError, extra
from ..layers import Dense, Dropout, Sequential

torch = extra("torch", "PyTorch", "torch")

# torch's classes, the row of each, and the settings with which they are the same function
PLAIN: dict[str, tuple[Op, dict[str, Any]]] = {
    "Identity": (ops.identity, {}),
    "Flatten": (ops.identity, {"start_dim": 1, "end_dim": -1}),
    "Sigmoid": (ops.sigmoid, {}), "Tanh": (ops.tanh, {}), "ReLU": (ops.relu, {}), "SiLU": (ops.silu, {}),
    "GELU": (ops.gelu, {"approximate": "none"}), "Softplus": (ops.softplus, {"beta": 1.0}),
    "LeakyReLU": (ops.leaky_relu, {"negative_slope": 0.01}), "ELU": (ops.elu, {"alpha": 1.0}),
    "Softmax": (ops.softmax, {"dim": -1}),
}  # fmt: skip
INSTEAD = {
    "LogSoftmax": "leave it out, and train on nn.cross_entropy, which takes what comes before it",
    "BatchNorm1d": "fold its scale and shift into the layer before, or open the model with autograd_mini.from_torch",
}


def from_torch(module: Any) -> Sequential:
    """Return a torch.nn.Sequential as a network on arrays that computes the same, with a copy of its parameters.

    Made of Linear, Dropout, Identity, Flatten and the activations that nn has by name, with torch's own settings, and
    of sequences of them; a single Linear, and what `export.to_torch` made, become networks too. It takes rows
    (n, n_in), has the module's dtype, is in training where the module is, and goes back with `export.to_torch`.
    SettingError names a layer that has no twin; every other model is opened, not converted, by
    `autograd_mini.from_torch`. Needs PyTorch (ExtraError).

    >>> import torch
    >>> module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    >>> net = from_torch(module); net
    Sequential(Dense(2, 3, tanh), Dense(3, 1, identity))
    >>> abs(net([[1.0, 2.0]]).item() - module(torch.tensor([[1.0, 2.0]])).item()) < 1e-6
    True
    """
    if not isinstance(module, torch.nn.Module):
        raise SettingError(f"from_torch takes a torch.nn.Sequential, got {type(module).__name__}")
    known: dict[int, Any] = {}
    parts = [(where, part, _part(part, where, known)) for where, part in _leaves(module, "", set())]
    net = Sequential(*_joined(parts))
    return net.train(module.training)  # type: ignore[return-value]


def _leaves(module: Any, where: str, around: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield the layers of sequences in sequences, with the names under which torch finds them."""
    kind = type(module).__name__
    inner = module.layers if kind == "Sequential" and hasattr(module, "layers") else module
    if kind not in ("Sequential", "ModuleList"):
        yield where, module
        return
    if id(module) in around:
        raise SettingError(f"{where or 'the network'} contains itself")
    for i, layer in enumerate(inner):  # not by name: torch names a layer that stands there twice but once
        yield from _leaves(layer, f"{where}.{i}" if where else str(i), around | {id(module)})


def _part(module: Any, where: str, known: dict[int, Any]) -> Any:
    """Return the layer, or the row, for a module; one that is met twice has one twin."""
    if id(module) not in known:
        make: Callable[[Any, str], Any] = MADE.get(type(module).__name__, _activation)
        known[id(module)] = make(module, where)
    return known[id(module)]


def _line(module: Any, where: str) -> Dense:
    if module.bias is None:
        raise SettingError(f"layer {where}: {module} has no bias, and a Dense trains one: make it with bias=True")
    return _dense(module.weight, module.bias, "identity")


def _dense(W: Any, b: Any, activation: str) -> Dense:
    W, b = W.detach().cpu().numpy().copy(), b.detach().cpu().numpy().copy()
    return Dense(W.shape[1], W.shape[0], activation, init=init.given(W, b), dtype=W.dtype)


def _activation(module: Any, where: str) -> Op:
    kind = type(module).__name__
    if kind not in PLAIN:
        remedy = INSTEAD.get(kind, "open the model with autograd_mini.from_torch, which takes any")
        raise SettingError(f"layer {where or '0'}, {kind}, has no twin in nn: {remedy}")
    row, settings = PLAIN[kind]
    for name, value in settings.items():
        if getattr(module, name) != value and not (name == "dim" and getattr(module, name) == 1):
            raise SettingError(f"layer {where}: {kind} with {name}={getattr(module, name)!r}, and nn's has {value!r}")
    return row


MADE: dict[str, Callable[[Any, str], Any]] = {
    "Linear": _line,
    "Dropout": lambda module, where: Dropout(module.p),
    "Dense": lambda module, where: _dense(module.W, module.b, module.activation),  # as `export.to_torch` makes them
    "Function": lambda module, where: getattr(ops, module.name),
}


def _joined(parts: list[tuple[str, Any, Any]]) -> list[Any]:
    """Return the layers, each activation in the line before it, where nothing else uses that line."""
    uses = [id(layer) for _, _, layer in parts]
    found: list[Any] = []
    for _, _, layer in parts:
        last: Any = found[-1] if found else None
        plain = isinstance(last, Dense) and last.activation == "identity" and uses.count(id(last)) == 1
        if isinstance(layer, Op) and plain and layer is not ops.identity:
            last.activation = layer.name
        elif layer is not ops.identity or len(parts) == 1:
            found.append(layer)
    return found
