"""Fitted perceptrons: a multilayer perceptron of scikit-learn, alone or in a pipeline, as a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autograd_mini import ops
from autograd_mini.data import Array

from ..errors import SettingError
from ..layers import MLP, Dense, Sequential
from .preprocessing import preprocessing

ACTIVATIONS: dict[str, Any] = {"logistic": "sigmoid", "exp": ops.exp}  # scikit-learn's names where they differ


def from_sklearn(model: Any) -> Sequential:
    """Return a fitted MLPClassifier or MLPRegressor, scikit-learn's or ours, as a network with the same predictions.

    It maps rows of shape (n, d) to probabilities (n, classes), a single column where there are two classes, or to
    predictions (n, outputs); `scalars()` is the same on Values. A Pipeline that ends in one becomes a network whose
    first layer does what the steps before do. SettingError for what is not fitted, and for a step that has no twin.

    >>> import numpy as np
    >>> from sklearn.neural_network import MLPRegressor
    >>> X = np.linspace(-1.0, 1.0, 20).reshape(-1, 1); y = X[:, 0]
    >>> model = MLPRegressor(hidden_layer_sizes=(4,), activation="tanh", solver="lbfgs", random_state=0).fit(X, y)
    >>> net = from_sklearn(model); bool(abs(net(X).data[:, 0] - model.predict(X)).max() < 1e-14), net
    (True, MLP of [Dense(1, 4, tanh), Dense(4, 1, identity)])
    """
    transformers, perceptron = parts_of(model)
    net = network_of(perceptron)
    if not transformers:
        return net
    n_in = getattr(model, "n_features_in_", len(perceptron.coefs_[0]))
    return Sequential(preprocessing(transformers, n_in), *net.layers)


def parts_of(model: Any) -> tuple[list[tuple[str, Any]], Any]:
    """Return the transformers of a pipeline with their names, and the fitted perceptron that it ends in."""
    *transformers, (name, last) = list(_unpacked(model))
    if not hasattr(last, "hidden_layer_sizes"):
        where = f"the last step of the pipeline, {name!r}," if transformers else "the model"
        raise SettingError(f"{where} is a {type(last).__name__}: expected an MLPClassifier or an MLPRegressor")
    if not hasattr(last, "coefs_"):
        raise SettingError(f"this {type(last).__name__} has no weights yet: call fit first")
    return transformers, last


def _unpacked(model: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the steps of a pipeline, and of those in it, with their names; anything else as it is."""
    if isinstance(getattr(model, "steps", None), list):
        for inner, step in model.steps:
            yield from _unpacked(step, f"{name}.{inner}" if name else inner)
    else:
        yield name, model


def network_of(perceptron: Any) -> MLP:
    """Return the network of a fitted perceptron, with a copy of its parameters: W of shape (d_out, d_in)."""
    parameters = iter(zip(perceptron.coefs_, perceptron.intercepts_))

    def given(rng: Any, n_in: int, n_out: int) -> tuple[Array, Array]:
        W, b = next(parameters)
        return W.T, b

    g, output = (ACTIVATIONS.get(name, name) for name in (perceptron.activation, perceptron.out_activation_))
    sizes = [len(b) for b in perceptron.intercepts_]
    dtype = perceptron.coefs_[0].dtype
    return MLP(len(perceptron.coefs_[0]), sizes, g, output, layer=Dense, init=given, dtype=dtype)
