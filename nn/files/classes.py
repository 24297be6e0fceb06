"""The classes that a file may hold: what makes up the state of their objects, and what that state must be like."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from autograd_mini import DataError, Tensor, Value
from autograd_mini.data import Array
from autograd_mini.op import Op

from ..errors import choice, extra, real
from ..estimators.solvers import SGD, Adam
from ..init import PythonRandom
from ..layers import ACTIVATIONS, MLP, Dense, Dropout, Layer, Neuron, Sequential
from ..module import Module

ESTIMATORS = ("MLPClassifier", "MLPRegressor")
MISFITS = (ValueError, TypeError, LookupError, AttributeError, OverflowError)  # what reading a wrong attribute raises
WORDS = 624  # of the state of the Mersenne Twister (MT19937)


class Composite(NamedTuple):
    """A class whose objects are made of attributes: `fits` says, or raises to say, whether theirs go together."""

    kind: type
    fits: Callable[[Any], bool]
    is_model: bool = True


class Primitive(NamedTuple):
    """A class whose objects are made by `make` of what `state` tells about them, which holds no other object."""

    kind: type
    state: Callable[[Any], dict[str, Any]]
    make: Callable[..., Any]


def class_named(name: str) -> Composite | Primitive | None:
    """Return what a file may hold of a class, by name; scikit-learn is needed, and loaded, for the estimators alone."""
    if name in ESTIMATORS:
        from ..estimators import mlp

        return Composite(getattr(mlp, name), _estimator_fits)
    if name == "LabelBinarizer":
        binarizer = extra("sklearn.preprocessing", "scikit-learn", "sklearn").LabelBinarizer
        return Composite(binarizer, lambda x: np.ndim(x.classes_) == 1, is_model=False)
    return CLASSES.get(name)


def misfit(known: Composite, x: Any) -> str:
    """Return what is wrong with an object of such a class; "" where it is as its constructor could have left it."""
    name = known.kind.__name__
    hidden = [key for key in vars(x) if key == "class" or (key != "training" and key in dir(known.kind))]
    if hidden:
        return f"a {name} whose attribute {hidden[0]!r} would hide what every one has"
    if type(vars(x).get("training", True)) is not bool:
        return f"a {name} whose training is neither true nor false"
    try:
        fits = known.fits(x)
    except MISFITS:
        fits = False
    return "" if fits else f"a {name} whose parts do not go together"


# Numbers and sources of numbers ---------------------------------------------------------------------------------------


def _parameter(x: Any) -> dict[str, Any]:
    return {"data": np.asarray(x._data), "label": x.label}


def _value(data: Array, label: str) -> Value:
    return Value(_finite(data).item(), _text(label))


def _tensor(data: Array, label: str) -> Tensor:
    return Tensor(_finite(data), _text(label))


def _finite(data: Array) -> Array:
    if data.dtype not in (np.float64, np.float32) or not np.isfinite(data).all():
        raise ValueError("a parameter that is not made of finite floats")
    return data


def _text(label: Any) -> str:
    if type(label) is not str:
        raise ValueError("a label that is not text")
    return label


def _twister(x: Any) -> dict[str, Any]:
    state = x.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise DataError(f"a RandomState over {state['bit_generator']} cannot be saved: seed one with a number")
    return {
        **{k: state[k] for k in ("has_gauss", "gauss")},
        "key": state["state"]["key"].tolist(),
        "pos": state["state"]["pos"],
    }


def _random_state(key: Any, pos: Any, has_gauss: Any, gauss: Any) -> np.random.RandomState:
    if len(key) != WORDS or not 0 <= pos <= WORDS:  # numpy would read whatever lies beyond
        raise ValueError("a random state of the wrong length")
    source = np.random.RandomState(0)
    source.set_state(("MT19937", np.array(key, dtype=np.uint32), int(pos), int(has_gauss), float(gauss)))
    return source


def _pcg64(x: Any) -> dict[str, Any]:
    state = x.bit_generator.state
    if state["bit_generator"] != "PCG64":
        raise DataError(f"a Generator over {state['bit_generator']} cannot be saved: use default_rng(seed)")
    return {**state["state"], "has_uint32": state["has_uint32"], "uinteger": state["uinteger"]}


def _generator(state: int, inc: int, has_uint32: int, uinteger: int) -> np.random.Generator:
    bits = np.random.PCG64(0)
    inner: Any = {"state": state, "inc": inc}
    bits.state = {"bit_generator": "PCG64", "state": inner, "has_uint32": has_uint32, "uinteger": uinteger}
    return np.random.Generator(bits)


# Modules, estimators and what they hold -------------------------------------------------------------------------------


def _neuron_fits(x: Any) -> bool:
    return _all(x.w, Value) and type(x.b) is Value and _is_activation(x.activation)


def _layer_fits(x: Any) -> bool:
    neurons = x.neurons
    return _all(neurons, Neuron) and len({len(neuron.w) for neuron in neurons}) == 1 and _is_activation(x.activation)


def _dense_fits(x: Any) -> bool:
    W, b = x.W, x.b
    arrays = type(W) is type(b) is Tensor
    return arrays and W.ndim == 2 and W.size > 0 and b.shape == W.shape[:1] and _is_activation(x.activation)


def _dropout_fits(x: Any) -> bool:
    return real("rate", x.rate, "[0, 1)") == x.rate and isinstance(x._source, SOURCES)


def _sequential_fits(x: Any) -> bool:
    return type(x.layers) is list and all(isinstance(layer, Module) for layer in x.layers)


def _estimator_fits(x: Any) -> bool:
    """Whether every setting is there and, in a fitted one, each layer takes what the one before gives."""
    x.get_params(deep=False)
    if np.ndim(getattr(x, "classes_", [0])) != 1:
        return False
    if not hasattr(x, "coefs_"):
        return True
    widths = [len(x.coefs_[0]), *map(len, x.intercepts_)]
    shapes = [W.shape for W in x.coefs_]
    return shapes == list(pairwise(widths)) and all(b.ndim == 1 for b in x.intercepts_)


def _optimizer_fits(*memory: str) -> Callable[[Any], bool]:
    return lambda x: all(hasattr(x, name) for name in memory)


def _all(items: Any, kind: type) -> bool:
    return type(items) is list and bool(items) and all(type(item) is kind for item in items)


def _is_activation(g: Any) -> bool:
    """Whether g is a row that can be called with z alone, or the name of an activation."""
    if isinstance(g, Op):
        return len(g.params) - len(g.defaults) == 1
    return choice("activation", g, ACTIVATIONS) is not None


SOURCES = (PythonRandom, np.random.RandomState, np.random.Generator)

CLASSES: dict[str, Composite | Primitive] = {
    "Neuron": Composite(Neuron, _neuron_fits),
    "Layer": Composite(Layer, _layer_fits),
    "Dense": Composite(Dense, _dense_fits),
    "Dropout": Composite(Dropout, _dropout_fits),
    "Sequential": Composite(Sequential, _sequential_fits),
    "MLP": Composite(MLP, _sequential_fits),
    "SGD": Composite(SGD, _optimizer_fits("learning_rate", "velocity"), is_model=False),
    "Adam": Composite(Adam, _optimizer_fits("learning_rate", "t", "m"), is_model=False),
    "Value": Primitive(Value, _parameter, _value),
    "Tensor": Primitive(Tensor, _parameter, _tensor),
    "PythonRandom": Primitive(PythonRandom, lambda x: {}, PythonRandom),
    "RandomState": Primitive(np.random.RandomState, _twister, _random_state),
    "Generator": Primitive(np.random.Generator, _pcg64, _generator),
}
