"""What viz knows of a network: the names of its parameters, its parts in order, the name of its activation.

Whoever has these is a network, of whatever class: the modules of `nn`, and the classes that people write themselves. A
network, layer or neuron has a method `parameters` or `named_parameters`, or attributes of the names that the textbook
gives to what it is made of; its parts stand in its public attributes, and in lists, tuples and dicts there.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from autograd_mini import Node

METHODS = ("named_parameters", "parameters")
ATTRIBUTES = ("w", "W", "neurons", "layers")
NO_NETWORK = "model is a network, an object with parameters() or with layers, neurons or w and b, got {}"
Path = tuple[Any, ...]  # of a part: the attribute, and the keys of the lists, tuples and dicts in it


def is_network(x: Any) -> bool:
    """Whether `x` has what a network, a layer or a neuron has; nothing of `x` is called for it.

    >>> from autograd_mini import Value
    >>> class Neuron:
    ...     def __init__(self):
    ...         self.w, self.b = [Value(0.5), Value(-1.0)], Value(0.0)
    >>> is_network(Neuron()), is_network(Neuron), is_network(Value(0.5)), is_network([Neuron()])
    (True, False, False, False)
    """
    if isinstance(x, (type, ModuleType)):
        return False
    if any(callable(getattr(type(x), name, None)) for name in METHODS):
        return True
    own = _attributes(x)
    return any(_holds_parts(own.get(name)) for name in ATTRIBUTES)


def parts_in(network: Any) -> Iterator[tuple[Path, Any]]:
    """Yield (path, part) for the networks and the leaves that a network holds itself, in the order of its attributes.

    >>> from nn import Layer
    >>> [path for path, _ in parts_in(Layer(2, 3, rng=0))]
    [('neurons', 0), ('neurons', 1), ('neurons', 2)]
    """
    stack: list[tuple[Path, Any]] = [((key,), x) for key, x in _attributes(network).items() if key[:1] != "_"][::-1]
    seen: set[int] = set()
    while stack:
        path, x = stack.pop()
        if _is_parameter(x) or is_network(x):
            yield path, x
        elif isinstance(x, (list, tuple, dict)) and id(x) not in seen:
            seen.add(id(x))
            stack += [((*path, key), inner) for key, inner in reversed(_entries(x))]


def networks_in(network: Any) -> list[Any]:
    """Return a network and all the networks inside it, each once, depth first."""
    return [x for _, x in _walk(network) if not isinstance(x, Node)]


def named_parameters(network: Any) -> dict[str, Node]:
    """Return the parameters of a network by name: by those that it gives them itself, else by their places in it.

    >>> from nn import MLP
    >>> list(named_parameters(MLP(1, [1], rng=0)))
    ['layers.0.neurons.0.w.0', 'layers.0.neurons.0.b']
    """
    own = getattr(network, "named_parameters", None)
    pairs = own() if callable(own) else ((".".join(map(str, path)), x) for path, x in _walk(network))
    return {name: x for name, x in pairs if isinstance(x, Node)}


def activation_of(network: Any) -> str | None:
    """Return the name of a network's activation function, None where it does not say which it is."""
    if getattr(network, "nonlin", True) is False:  # as micrograd's neurons say it
        return "identity"
    given = getattr(network, "activation", None)
    return given if isinstance(given, str) else getattr(given, "__name__", None)


def _walk(network: Any) -> Iterator[tuple[Path, Any]]:
    """Yield (path, part) for a network, and for every network and parameter in it, each once, depth first."""
    seen: set[int] = set()
    stack: list[tuple[Path, Any]] = [((), network)]
    while stack:
        path, x = stack.pop()
        if id(x) not in seen:
            seen.add(id(x))
            yield path, x
            if not isinstance(x, Node):
                stack += [((*path, *inner), part) for inner, part in parts_in(x)][::-1]


def _attributes(x: Any) -> dict[str, Any]:
    own = getattr(x, "__dict__", None) if not isinstance(x, Node) else None
    return own if isinstance(own, dict) else {}


def _entries(x: Any) -> list[tuple[Any, Any]]:
    return list(x.items() if isinstance(x, dict) else enumerate(x))


def _is_parameter(x: Any) -> bool:
    return isinstance(x, Node) and x.op is None


def _holds_parts(x: Any) -> bool:
    """Whether an attribute holds a parameter, or a list or tuple of parameters, or of objects that may be parts."""
    if not isinstance(x, (list, tuple)):
        return _is_parameter(x)
    return bool(x) and all(_is_parameter(each) or is_network(each) for each in x[:1])
