"""Module: whatever holds parameters - it finds them, names them, saves and restores their numbers."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from reprlib import recursive_repr
from typing import Any

import numpy as np

from autograd_mini import DataError, Node, tree
from autograd_mini.data import Array
from autograd_mini.modes import traced_since
from autograd_mini.node import assign, leaf
from autograd_mini.sweep import zero_grad

from .errors import SettingError, StateError


class Module:
    """An object with parameters: every leaf node among its public attributes, and in their lists, tuples, dicts and
    modules. One that is reached twice is one parameter; modules may contain each other, or themselves.

    >>> from autograd_mini import Value
    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    >>> [name for name, parameter in Line().named_parameters()]
    ['slope', 'offset']
    """

    training = True

    def named_parameters(self) -> Iterator[tuple[str, Node]]:
        """Yield each parameter once, under the first name it is reached by, such as `layers.0.W`."""
        return ((name, x) for name, x in _walk(self) if isinstance(x, Node) and x.op is None)

    def parameters(self) -> list[Node]:
        """Return the parameters, each once, in the order of the attributes."""
        return [parameter for _, parameter in self.named_parameters()]

    def modules(self) -> list[Module]:
        """Return this module and every module in it, each once."""
        return [x for _, x in _walk(self) if isinstance(x, Module)]

    def zero_grad(self) -> None:
        """Clear the gradients of all parameters: they read 0 again."""
        if parameters := self.parameters():
            zero_grad(*parameters)

    def train(self, training: bool = True) -> Module:
        """Switch every module to training (`Dropout` drops) and return this one."""
        for module in self.modules():
            module.training = training
        return self

    def eval(self) -> Module:
        """Switch every module to evaluation (`Dropout` does nothing) and return this one."""
        return self.train(False)

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of every parameter's numbers by name: an array, of shape () for a Value."""
        return {name: np.array(parameter._data) for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Give every parameter the numbers that `state` has under its name.

        All or nothing: if a name is missing or unknown, a shape or dtype differs, or a number is NaN or infinite,
        StateError lists every such fault and no parameter has changed.
        """
        own = dict(self.named_parameters())
        faults = [f"{name}: missing" for name in own if name not in state]
        faults += [f"{name}: not a parameter here" for name in state if name not in own]
        faults += [fault for name in own if name in state for fault in _misfits(name, own[name], state[name])]
        if faults:
            raise StateError("nothing was loaded, the state does not fit:\n  " + "\n  ".join(faults))
        for name, parameter in own.items():
            assign(parameter, np.array(state[name]) if parameter.ndim else float(state[name]))

    @recursive_repr()
    def __repr__(self) -> str:
        inner = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if isinstance(v, (Module, list)) and k[0] != "_")
        return f"{type(self).__name__}({inner})"


def checked_model(model: Any) -> Module:
    """Return a model that is one of ours; DataError for any other."""
    if not isinstance(model, Module):
        raise DataError(
            f"model must be an nn.Module, got {type(model).__name__}: derive its class, class Mine(nn.Module)"
        )
    return model


def named(params: Module | Node | Iterable[Node]) -> dict[str, Node]:
    """Return parameters by name - a module's, or given one by one - each once; an error where there are none."""
    if isinstance(params, Module):
        pairs = list(params.named_parameters())
    elif not isinstance(params, Iterable):
        if hasattr(params, "parameters"):
            checked_model(params)
        raise DataError(f"parameters are those of a module, or a list of nodes; got {type(params).__name__}")
    else:
        given = [params] if isinstance(params, Node) else list(params)
        pairs = [(getattr(p, "label", "") or f"parameter {i}", p) for i, p in enumerate(given)]
    once: dict[Node, str] = {}
    taken: set[str] = set()
    for name, p in pairs:
        if not isinstance(p, Node):
            raise DataError(f"{name} is no parameter: expected a Value or a Tensor, got {type(p).__name__}")
        if p.op is not None:
            raise DataError(f"{name} is no parameter: it was computed by {p.op.name}; train the leaves it was made of")
        if p not in once:
            once[p] = name if name not in taken else f"{name} (parameter {len(once)})"
            taken.add(once[p])
    if not once:
        raise SettingError("there are no parameters: pass a module, or a list (a generator may be used up)")
    return {name: p for p, name in once.items()}


def _walk(root: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, object) for a module, and for every module and node in it, each once, depth first."""
    seen: set[int] = set()
    stack: list[tuple[str, Any]] = [("", root)]
    while stack:
        name, x = stack.pop()
        if isinstance(x, (Module, Node, list, tuple, dict)) and id(x) not in seen:
            seen.add(id(x))
            yield name, x
            prefix = f"{name}." if name else ""
            stack += [(f"{prefix}{key}", inner) for key, inner in reversed(_parts(x))]


def _parts(x: Any) -> list[tuple[Any, Any]]:
    if isinstance(x, Node):
        return []
    if isinstance(x, (list, tuple)):
        return list(enumerate(x))
    return [(k, v) for k, v in (x if isinstance(x, dict) else vars(x)).items() if str(k)[:1] != "_"]


def _misfits(name: str, parameter: Node, data: Any) -> Iterator[str]:
    """Yield what is wrong with `data` as the numbers of `parameter`."""
    try:
        array = np.asarray(data)
    except ValueError:
        yield f"{name}: rows of different lengths"
        return
    if array.shape != parameter.shape:
        yield f"{name}: shape {array.shape}, expected {parameter.shape}"
    if array.dtype != parameter.dtype:
        yield f"{name}: dtype {array.dtype}, expected {parameter.dtype}"
    elif not np.isfinite(array).all():
        place = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
        yield f"{name}: {array[tuple(place)]} at {place}"


def _as_branch(module: Module) -> tuple[list[tuple[Any, Any]], Any]:
    """Return the parameters of a module by name, and what makes a module like it of others: for transforms.

    Inside a transform they are its variables; outside they are numbers, so that a gradient is one too.
    """
    since = traced_since.get()
    pairs = list(module.named_parameters())

    def together(new: list[Any]) -> Module:
        nodes = [x if isinstance(x, Node) else leaf(x) for x in new]
        return copy.deepcopy(module, {id(p): node for (_, p), node in zip(pairs, nodes)})

    return [(name, p if since and p.birth > since else p._data) for name, p in pairs], together


tree.register(Module, _as_branch)
