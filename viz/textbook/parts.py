"""Model -> network: its layers in order, known by what they have and not by their class.

A layer has a matrix W (or w, weight), a row for each neuron, and may have b (or bias); or it has a list of neurons,
each with its w and b. An estimator has `coefs_` and `intercepts_`. Whatever holds such parts, as attributes or in lists
and dicts, is a network of them. Numbers stand in nodes, in other engines' values with `data` and `grad`, or alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autograd_mini import Node
from autograd_mini.data import ignoring_fp_warnings
from autograd_mini.op import TABLE

from ..drawing import PictureError
from ..text import clean

Array = NDArray[np.float64]
Activation = Callable[[Array, Array], Array]  # (inputs of the layer, z) -> a

WEIGHTS, BIASES = ("W", "w", "weight"), ("b", "bias")
ALIASES = {"logistic": "sigmoid", "linear": "identity"}
SHAPES = ("identity", "sigmoid", "tanh", "relu", "softplus", "silu", "gelu", "leaky_relu", "elu", "softmax", "exp")
LINEAR = ("+", "add", "add_n", "affine", "matmul", "@")  # ops that end a neuron without an activation
LONGEST = 24  # characters of a name


class Layer(NamedTuple):
    """a = g(W x + b): W of shape (d_out, d_in), b (d_out,) or None; `dW` and `db` are gradients, None where a sweep
    has not come by. `activation` names g; `after` are the parts without parameters that follow, such as dropout; `held`
    are W and b as the model holds them.
    """

    W: Array
    b: Array | None
    dW: Array | None
    db: Array | None
    activation: str
    g: Activation
    after: tuple[str, ...] = ()
    held: tuple[Any, Any] = (None, None)


class Network(NamedTuple):
    """Layers, each of which takes what the one before gives, and the names of inputs and outputs."""

    name: str
    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of inputs, then of neurons in each layer."""
        return (self.layers[0].W.shape[1], *(len(layer.W) for layer in self.layers))

    @property
    def title(self) -> str:
        """What the picture is called: "MLP 2-16-16-1, 337 parameters"."""
        numbers = sum(layer.W.size + (0 if layer.b is None else layer.b.size) for layer in self.layers)
        return f"{self.name} {'-'.join(map(str, self.widths))}, {numbers:,} parameters"


class Pass(NamedTuple):
    """What a sample makes of a network: z of each layer, and a, which begins with the sample itself."""

    z: tuple[Array, ...]
    a: tuple[Array, ...]


def network_of(model: Any, inputs: Sequence[str] | None = None, outputs: Sequence[str] | None = None) -> Network:
    """Return the layers of a model; PictureError where it has none, or they do not follow each other.

    >>> class Line:
    ...     w, b = [2.0, 3.0], 1.0
    >>> network_of(Line()).title
    'Line 2-1, 3 parameters'
    """
    model = _last(model)
    layers = tuple(_fitted(model) if hasattr(model, "coefs_") else _found(model))
    for number, (before, after) in enumerate(pairwise(layers), 2):
        if after.W.shape[1] != len(before.W):
            raise PictureError(
                f"layer {number} takes {after.W.shape[1]} inputs, layer {number - 1} gives {len(before.W)}: "
                "only layers that follow each other can be drawn"
            )
    known = getattr(model, "feature_names_in_", None), _classes(model, len(layers[-1].W))
    return Network(
        clean(type(model).__name__, LONGEST),
        layers,
        _names("inputs", inputs, known[0], layers[0].W.shape[1], "x"),
        _names("outputs", outputs, known[1], len(layers[-1].W), "y"),
    )


def run(network: Network, x: Any) -> Pass:
    """Return what every neuron computes of one sample, d_in numbers."""
    sample = _sample(x, network.widths[0])
    return ignoring_fp_warnings(_run, network, sample)


def _run(network: Network, sample: Array) -> Pass:
    zs: list[Array] = []
    activations = [sample]
    for number, layer in enumerate(network.layers, 1):
        z = layer.W @ activations[-1] + (0.0 if layer.b is None else layer.b)
        a = np.asarray(layer.g(activations[-1], z), dtype=float).ravel()
        if a.shape != z.shape:
            raise PictureError(f"layer {number}: of {z.size} neurons the activation makes {a.size} numbers")
        zs.append(z)
        activations.append(a)
    return Pass(tuple(zs), tuple(activations))


# Estimators ---------------------------------------------------------------------------------------------------------


def prepared(model: Any, x: Any) -> Any:
    """Return what the steps of a pipeline before the last make of a sample; of any other model the sample itself."""
    for _, step in model.steps[:-1] if _is_pipeline(model) else []:
        if step is not None and step != "passthrough":
            x = step.transform(np.asarray(x, dtype=float)[None])[0]
    return prepared(model.steps[-1][1], x) if _is_pipeline(model) else x


def _is_pipeline(model: Any) -> bool:
    return isinstance(getattr(model, "steps", None), list) and hasattr(model, "named_steps")


def _last(model: Any) -> Any:
    """Return the last step of a pipeline; any other model as it is."""
    while _is_pipeline(model):
        model = model.steps[-1][1]
    return model


def _fitted(model: Any) -> Iterator[Layer]:
    """Yield the layers of an estimator: coefs_ has a matrix (d_in, d_out) for each."""
    names = [str(model.activation)] * (len(model.coefs_) - 1) + [str(model.out_activation_)]
    for number, (W, b, name) in enumerate(zip(model.coefs_, model.intercepts_, names), 1):
        layer = _checked(number, np.asarray(W, dtype=float).T, np.asarray(b, dtype=float), None, None, name, None)
        yield layer._replace(held=(W.T, b))


def _classes(model: Any, outputs: int) -> list[str] | None:
    """Return the names of a classifier's outputs; a single one is the probability of the second class."""
    classes = getattr(model, "classes_", None)
    if not isinstance(classes, np.ndarray):
        return None
    if outputs == 1 and len(classes) == 2:
        return [f"P({classes[1]})"]
    return list(map(str, classes)) if len(classes) == outputs else None


# Objects ------------------------------------------------------------------------------------------------------------


def _found(model: Any) -> list[Layer]:
    """Return the layers in an object, in the order of its attributes and of its lists."""
    layers: list[Layer] = []
    for part in _walk(model):
        layer = _layer(part, len(layers) + 1)
        if layer is not None:
            layers.append(layer)
        elif layers and callable(part):
            layers[-1] = _followed(layers[-1], part)
    if not layers:
        known = "W and b, w and b, neurons, layers, or coefs_ and intercepts_"
        remedy = ": call fit first" if hasattr(model, "fit") and hasattr(model, "get_params") else ""
        raise PictureError(f"{type(model).__name__} has no layers that could be drawn{remedy}; a network has {known}")
    return layers


def _walk(model: Any) -> Iterator[Any]:
    """Yield the objects in a model, depth first; of layers and neurons not what is in them. One may stand twice in a
    list, but no object is opened inside itself.
    """
    seen: set[int] = set()
    stack = [model]
    while stack:
        x = stack.pop()
        if _is_part(x):
            yield x
            continue
        inner = [each for each in _inner(x) if id(each) not in seen]
        seen.update(map(id, inner), [id(x)])
        stack += inner[::-1]
        if not inner:
            yield x


def _is_part(x: Any) -> bool:
    return _numbers(x, WEIGHTS) is not None or _neurons(x) is not None


def _inner(x: Any) -> list[Any]:
    """Return what may hold layers in an object: entries, or public attributes, each once."""
    if isinstance(x, (list, tuple)):
        return [each for each in x if _opens(each)]
    held = x if isinstance(x, dict) else getattr(x, "_modules", None) or getattr(x, "__dict__", {})  # torch's, too
    found = {id(each): each for key, each in held.items() if str(key)[:1] != "_" and _opens(each)}
    return list(found.values())


def _opens(x: Any) -> bool:
    """Whether an object may be, or hold, a layer: it is no number, text, array, function or class."""
    return isinstance(x, (list, tuple, dict)) or (
        hasattr(x, "__dict__") and not isinstance(x, (type, Node, np.ndarray)) and not hasattr(x, "__code__")
    )


def _neurons(x: Any) -> list[Any] | None:
    """Return the neurons of a layer: a list among its attributes in which each entry has weights of its own."""
    if isinstance(x, (list, tuple, dict, type)):
        return None
    for key, held in getattr(x, "__dict__", {}).items():
        if isinstance(held, (list, tuple)) and (key == "neurons" or held):
            weights = [_numbers(each, WEIGHTS) for each in held]
            if all(w is not None and _depth(w) == 1 for w in weights):
                return list(held)
    return None


def _numbers(x: Any, names: tuple[str, ...]) -> Any:
    """Return the first of the attributes that an object has and that is no module or function, or None."""
    if isinstance(x, (Node, type, list, tuple, dict)):
        return None
    held = (getattr(x, name, None) for name in names)
    return next((each for each in held if each is not None and not callable(each)), None)


def _depth(w: Any) -> int:
    """Return the number of axes of weights."""
    if isinstance(w, (list, tuple)):
        return 1 + (_depth(w[0]) if w else 0)
    return int(getattr(w, "ndim", 0))


def _layer(part: Any, number: int) -> Layer | None:
    """Return the layer that a part is, None where it has no weights."""
    neurons, w = _neurons(part), _numbers(part, WEIGHTS)
    if neurons is not None:
        of_part = getattr(part, "activation", None)
        own = getattr(neurons[0], "activation", None) if neurons and of_part is None else of_part
        biases = [_numbers(each, BIASES) for each in neurons]
        return _made(number, _rows(neurons, number), biases, own, neurons if of_part is None else [part])
    if w is None:
        return None
    b = _numbers(part, BIASES)
    W, b = (w, b) if _depth(w) == 2 else ([w], [b])
    return _made(number, W, b, getattr(part, "activation", None), [part])


def _made(number: int, W: Any, b: Any, own: Any, calls: list[Any]) -> Layer:
    """Return the layer of weights and biases, in whatever holds their numbers and gradients."""
    if isinstance(b, list) and all(each is None for each in b):
        b = None
    numbers = _array(W, number), None if b is None else _array(b, number)
    gradients = _gradient(W), None if b is None else _gradient(b)
    return _checked(number, *numbers, *gradients, own, calls)._replace(held=(W, b))


def _rows(neurons: list[Any], number: int) -> list[Any]:
    """Return the weights of neurons; PictureError where they take different numbers of inputs."""
    rows = [_numbers(each, WEIGHTS) for each in neurons]
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise PictureError(f"layer {number}: neuron {i} has {len(row)} weights, neuron 0 has {len(rows[0])}")
    return rows


def _array(x: Any, number: int) -> Array:
    """Return numbers in whatever holds them as an array of floats."""
    try:
        found = np.asarray(_each(x, _data))
        if found.dtype.kind not in "cUS":
            return found.astype(float)
        fault = f"they are {found.dtype}"
    except (TypeError, ValueError) as error:
        fault = clean(str(error), 60)
    raise PictureError(f"layer {number}: the parameters are no numbers ({fault})")


def _gradient(x: Any) -> Array | None:
    """Return the gradients of parameters, None where one of them has none."""
    try:
        return np.asarray(_each(x, _slope), dtype=float)
    except (AttributeError, TypeError, ValueError):
        return None


def _each(x: Any, read: Callable[[Any], Any]) -> Any:
    return [_each(entry, read) for entry in x] if isinstance(x, (list, tuple)) else read(x)


def _data(x: Any) -> Any:
    return x if isinstance(x, np.ndarray) else getattr(x, "data", x)


def _slope(x: Any) -> Any:
    """Return the gradient of a parameter, or raise AttributeError where it has none."""
    if x.grad is None or (isinstance(x, Node) and not x.has_grad):
        raise AttributeError
    return x.grad


def _checked(
    number: int, W: Array, b: Array | None, dW: Array | None, db: Array | None, own: Any, calls: list[Any] | None
) -> Layer:
    """Return a layer whose shapes fit."""
    if W.ndim != 2 or not W.size:
        raise PictureError(f"layer {number} has no {'inputs' if W.ndim == 2 and len(W) else 'neurons'}: "
                           f"W has shape {W.shape}, expected (d_out, d_in)")  # fmt: skip
    if b is not None and b.shape != (len(W),):
        raise PictureError(f"layer {number}: b has shape {b.shape}, W {W.shape}; a row of W and an entry of b a neuron")
    name, g = _activation(own, calls, W, b)
    return Layer(W, b, dW, db, name, g)


# Activations --------------------------------------------------------------------------------------------------------


def _activation(own: Any, calls: list[Any] | None, W: Array, b: Array | None) -> tuple[str, Activation]:
    """Return the name of an activation, and what it does: given by name, as a function, or seen when it runs."""
    if isinstance(own, str):
        name = ALIASES.get(own, own)
        return (own, _row(name)) if name in SHAPES else (clean(own, LONGEST), _called(calls, own))
    if callable(own):
        return clean(getattr(own, "__name__", "g").replace("<lambda>", "g"), LONGEST), lambda x, z: _mapped(own, z)
    name = _seen(calls, W, b)
    return name, _row(name) if name in SHAPES else _called(calls, name)


def _row(name: str) -> Activation:
    row = TABLE[name]
    return lambda x, z: np.asarray(row(z), dtype=float)


def _mapped(function: Callable[[Any], Any], z: Array) -> Array:
    """Return a function of one number, or of an array, at every z."""
    try:
        found = np.asarray(_data(function(z)), dtype=float)
    except (TypeError, ValueError):
        found = np.asarray([_data(function(float(each))) for each in z], dtype=float)
    return found


def _called(calls: list[Any] | None, name: str) -> Activation:
    """Return what a layer or its neurons make of a sample when they are called themselves."""

    def a(x: Array, z: Array) -> Array:
        if not calls or not all(map(callable, calls)):
            raise PictureError(f"activation {name!r:.40} is not known; known are {', '.join(SHAPES)}")
        return np.asarray([_data(each) for call in calls for each in _outputs(call, x)], dtype=float)

    return a


def _seen(calls: list[Any] | None, W: Array, b: Array | None) -> str:
    """Return the name of the op that ends a neuron: neurons are asked by running them."""
    if not calls or not all(map(callable, calls)):
        return "identity"
    op = getattr(_outputs(calls[0], np.zeros(W.shape[1]))[0], "_op", None)
    if op is not None:
        name = str(op).lower()
        return "identity" if name in LINEAR else name if name in SHAPES else "g"
    tries = (np.full(W.shape[1], far) for far in (-100.0, 100.0))
    a = _called(calls, "g")
    alike = all(np.allclose(a(x, x).ravel(), W @ x + (0.0 if b is None else b), rtol=1e-4) for x in tries)
    return "identity" if alike else "g"


def _outputs(call: Any, x: Array) -> list[Any]:
    """Return what a neuron or a layer gives for a sample, as a list of numbers or nodes."""
    fault, own = "", _numbers(call, WEIGHTS)
    for sample in [own.new_tensor(x)] if hasattr(own, "new_tensor") else [x.tolist(), x[None]]:  # torch's, or any
        try:
            found = call(sample)
        except Exception as error:  # it is the user's own, and may raise anything
            fault = clean(str(error), 80)
        else:
            return list(found) if isinstance(found, (list, tuple)) else [found]
    raise PictureError(f"{_told(call)} could not be run on one sample: {fault}")


def _followed(layer: Layer, part: Any) -> Layer:
    """Return a layer with the part without parameters that comes after it: its activation, or something else."""
    name, g = type(part).__name__.lower(), layer.g
    if name in SHAPES and layer.activation == "identity":
        return layer._replace(activation=name, g=_row(name))
    after = (*layer.after, _told(part))
    if name == "dropout":  # in use it does nothing
        return layer._replace(after=after)
    return layer._replace(
        after=after, g=lambda x, z: np.asarray([_data(a) for a in _outputs(part, g(x, z))], dtype=float)
    )


def _told(part: Any) -> str:
    """Return what a part is called: as it says itself, else by its class."""
    own = "__repr__" in {key for kind in type(part).__mro__[:-1] for key in vars(kind)}
    return clean(repr(part) if own else type(part).__name__, LONGEST)


# Names and samples --------------------------------------------------------------------------------------------------


def _names(what: str, given: Any, known: Any, count: int, letter: str) -> tuple[str, ...]:
    """Return the names of inputs or outputs: those given, those known, or x[0], x[1], ..."""
    if given is not None:
        if isinstance(given, (str, Mapping)) or len(given) != count:
            raise PictureError(f"{what} names {count} of them, one each, got {given!r:.60}")
        return tuple(clean(name, LONGEST) for name in given)
    if known is not None and len(known) == count:
        return tuple(clean(name, LONGEST) for name in known)
    return (letter,) if count == 1 else tuple(f"{letter}[{i}]" for i in range(count))


def _sample(x: Any, count: int) -> Array:
    """Return one sample as an array; PictureError where it is none, or of another length."""
    told = f"{count} number{'s' * (count > 1)}"
    try:
        sample = np.asarray(_each(x.tolist() if isinstance(x, np.ndarray) else x, _data), dtype=float)
    except (TypeError, ValueError):
        raise PictureError(f"x is one sample, {told}, got {x!r:.60}") from None
    if sample.ndim == 0 and count == 1:
        sample = sample.reshape(1)
    if sample.shape != (count,):
        rows = sample.ndim == 2 and sample.shape[1] == count
        raise PictureError(
            f"x is one sample, {told}, got an array of shape {sample.shape}" + (": pass one row, X[0]" if rows else "")
        )
    return sample
