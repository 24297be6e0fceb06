"""Shares: what is explained as a function of rows, its gradients, and the integral of them along a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_mini import Node, ShapeError, Tensor, ops
from autograd_mini.data import Array

from ..errors import SettingError, choice
from ..imports.fitted_perceptrons import from_sklearn, parts_of
from ..imports.preprocessing import Preprocessing
from ..layers import Dense, Sequential, leaves
from ..module import Module
from .table import Attribution, Input

EXACT = 1e-10  # how far a panel of the integral may be from what the function gains along it, of the largest value
DEEPEST = 2.0**-40  # of the path: a kink that has been narrowed down so far is left

Score = Callable[[Any], Node]  # rows of inputs to a number for each


def attribute(
    model: Any, x: Any, *, names: Sequence[str] | None = None, against: Any = None, of: str = "", label: Any = None
) -> Attribution:
    """Return why `model` says what it says of the sample x of shape (d,): each input's share, in the units of x.

    `model` is a network of nn, a fitted MLPClassifier or MLPRegressor, scikit-learn's or ours, or a Pipeline that ends
    in one. `against` is the sample that x is compared with, or rows of samples, whose mean is taken; left out, it is
    the mean that the pipeline's scaler subtracts, or 0. `of` is what is explained:

    - "probability" of class `label`, the most probable one if it is left out (classifiers);
    - "margin": the logit of that class less the largest other one, with a single column the log-odds (classifiers);
    - "loss": -log of the probability of the true class `label`, or (p - label)^2 of the true value (either);
    - "prediction": the output in column `label`, 0 if it is left out (regressors).

    Three measures stand side by side: the gradient (Simonyan, Vedaldi & Zisserman, "Deep inside convolutional
    networks", 2014), gradient times (x - against), and the integrated gradient, (x - against) times the mean gradient
    on the straight line between the two (Sundararajan, Taly & Yan, "Axiomatic attribution for deep networks", 2017,
    equation 1), whose sum is f(x) - f(against). SettingError and ShapeError name what does not fit.

    >>> from nn import MLP, Dense
    >>> from nn.init import constant
    >>> print(attribute(MLP(2, [1], layer=Dense, init=constant(2.0, 1.0)), [3.0, -1.0], names=["length", "mass"]))
    prediction: 5, against 1
    <BLANKLINE>
    input    value   against   gradient   gradient x change   integrated
    length       3         0          2                   6            6   ########################
    mass        -1         0          2                  -2           -2   --------
    <BLANKLINE>
    integrated gradients add up to 4 = 5 - 1, off by ...
    """
    net, classes, known = read(model)
    what, score = score_of(net, classes, of, label, row_of("x", x))
    point = row_of("x", x)
    base = base_of(net, against, len(point))
    called = _names(names, known, len(point))
    if len(base) != len(point):
        raise ShapeError(f"against has {len(base)} inputs, x has {len(point)}: give one number for each")
    (value, other), gradients = _values_and_gradients(score, np.stack([point, base]))
    change = point - base
    shares = integrated_gradients(score, point, base)
    columns = zip(called, point, base, gradients[0], gradients[0] * change, shares)
    inputs = [Input(name, *map(float, numbers)) for name, *numbers in columns]
    inputs.sort(key=lambda entry: -abs(entry.integrated))
    return Attribution(what, float(value), float(other), tuple(inputs))


def integrated_gradients(score: Score, x: Array, against: Array) -> Array:
    """Return (x - against) times the mean gradient of `score` on the straight line from `against` to x, shape (d,).

    Five-point Gauss-Legendre quadrature, panel by panel; a panel is halved until its part of the integral is what the
    function gains along it, so that kinks are found and not smeared.
    """
    nodes, weights = np.polynomial.legendre.leggauss(5)
    change = x - against
    total = np.zeros_like(x)
    panels = np.array([[0.0, 1.0]])
    while len(panels):
        ends = score(Tensor(against + panels.reshape(-1, 1) * change)).data.reshape(-1, 2)
        middle, half = panels.mean(axis=1), np.diff(panels)[:, 0] / 2.0
        times = middle[:, None] + half[:, None] * nodes
        _, gradients = _values_and_gradients(score, against + times.reshape(-1, 1) * change)
        parts = np.einsum("k,pkd->pd", weights, gradients.reshape(len(panels), len(nodes), -1)) * half[:, None] * change
        wrong = np.abs(parts.sum(axis=1) - np.diff(ends)[:, 0])
        open_ = (wrong > EXACT * max(1.0, np.abs(ends).max())) & (half > DEEPEST)
        total += parts[~open_].sum(axis=0)
        a, b, c = panels[open_, 0], middle[open_], panels[open_, 1]
        panels = np.concatenate([np.stack([a, b], axis=1), np.stack([b, c], axis=1)])
    return total


def _values_and_gradients(score: Score, rows: Array) -> tuple[Array, Array]:
    """Return the score of each row, and its gradient with respect to that row."""
    x = Tensor(rows)
    y = score(x)
    y.backward(np.ones(y.shape))
    return y.data, x.grad


# What is explained ----------------------------------------------------------------------------------------------------


def read(model: Any) -> tuple[Any, Any, Any]:
    """Return a model's network on arrays, its classes or None, and the names that it has for its inputs, or None."""
    if isinstance(model, Module):
        if not callable(model):
            raise SettingError(
                f"a {type(model).__name__} cannot be called: give it a __call__(x), or hand over a network"
            )
        return (model.tensors() if hasattr(model, "tensors") else model), None, None
    _, last = parts_of(model)
    known = getattr(model, "feature_names_in_", None)
    return from_sklearn(model), getattr(last, "classes_", None), known


def score_of(net: Any, classes: Any, of: str, label: Any, x: Array) -> tuple[str, Score]:
    """Return what is explained in words, and the function of rows that computes it."""
    logits, output = _logits(net)
    if classes is None and output in ("softmax", "sigmoid"):
        n = ops.shape(logits(x[None]))[1]
        classes = np.arange(2 if n == 1 else n)
    if classes is None:
        kinds: dict[str, Any] = {"prediction": _prediction, "loss": _squared_loss}
        return choice("of", of or "prediction", kinds)(net, label, x)
    kinds = {"probability": _probability, "margin": _margin, "loss": _log_loss}
    made = choice("of", of or "probability", kinds)
    if of == "loss" and label is None:
        raise SettingError("the loss is that of a true class: name it, label=...")
    z = logits(x[None]).data[0]
    column = _likeliest(z) if label is None else _column(classes, label)
    name = classes[column].item() if hasattr(classes[column], "item") else classes[column]
    return f"{of or 'probability'} of class {name!r}", made(logits, output, len(z), column)


def _logits(net: Any) -> tuple[Any, str]:
    """Return the function from rows to the last layer's z, and the name of its activation; a network without a last
    Dense layer has no logits: its output is taken for a prediction.
    """
    layers = [layer for _, layer in leaves(net)]
    last = layers[-1] if layers and isinstance(layers[-1], Dense) else None
    g = getattr(last, "activation", "identity")
    if last is None or g not in ("softmax", "sigmoid"):
        return net, "identity"
    body = Sequential(*layers[:-1])
    return (lambda x: last.affine(body(x))), g


def _likeliest(z: Array) -> int:
    return int(z[0] > 0.0) if len(z) == 1 else int(z.argmax())


def _column(classes: Any, label: Any) -> int:
    places: Any = [] if np.ndim(label) else np.flatnonzero(np.asarray(classes) == label)
    if not len(places):
        raise SettingError(f"label must be one of the classes {np.asarray(classes).tolist()}, got {label!r}")
    return int(places[0])


def _margin(logits: Any, output: str, n: int, column: int) -> Score:
    if n == 1:
        return lambda x: logits(x)[:, 0] * (1.0 if column else -1.0)
    if output == "sigmoid":
        return lambda x: logits(x)[:, column]
    others = [i for i in range(n) if i != column]
    return lambda x: (z := logits(x))[:, column] - ops.max(z[:, others], 1)


def _probability(logits: Any, output: str, n: int, column: int) -> Score:
    if output == "softmax":
        return lambda x: ops.softmax(logits(x), 1)[:, column]
    margin = _margin(logits, output, n, column)
    return lambda x: ops.sigmoid(margin(x))


def _log_loss(logits: Any, output: str, n: int, column: int) -> Score:
    if output == "softmax":
        return lambda x: -ops.log_softmax(logits(x), 1)[:, column]
    margin = _margin(logits, output, n, column)
    return lambda x: ops.softplus(-margin(x))


def _outputs(net: Any, x: Any) -> Any:
    p = net(x)
    return p if p.ndim > 1 else ops.reshape(p, (-1, 1))


def _prediction(net: Any, label: Any, x: Array) -> tuple[str, Score]:
    n = _outputs(net, x[None]).shape[1]
    column = 0 if label is None else label
    if isinstance(column, bool) or not isinstance(column, int) or not 0 <= column < n:
        raise SettingError(f"label must be the column of an output, 0 to {n - 1}, got {label!r}")
    return "prediction" + (f" {column}" if n > 1 else ""), lambda rows: _outputs(net, rows)[:, column]


def _squared_loss(net: Any, label: Any, x: Array) -> tuple[str, Score]:
    if label is None:
        raise SettingError("the loss is that of a true value: give it, label=...")
    y = row_of("label", np.reshape(np.asarray(label, dtype=object), -1))
    n = _outputs(net, x[None]).shape[1]
    if len(y) != n:
        raise ShapeError(f"label has {len(y)} values, the network {n} outputs: give one for each")
    return "squared error", lambda rows: ops.sum(ops.square(_outputs(net, rows) - y), 1)


# What was given -------------------------------------------------------------------------------------------------------


def row_of(name: str, x: Any) -> Array:
    """Return one sample as an array of shape (d,): a list, an array, a row of a table, or an array of one row."""
    try:
        row = np.array(x._data if isinstance(x, Node) else x, dtype=float)
    except (TypeError, ValueError):
        raise SettingError(f"{name} is one sample of numbers, got {x!r:.80}") from None
    if row.ndim == 2 and len(row) == 1:
        row = row[0]
    if row.ndim != 1:
        raise ShapeError(f"{name} is one sample of shape (d,), got shape {row.shape}: attribute explains one at a time")
    if not np.isfinite(row).all():
        raise SettingError(f"{name} must be finite numbers: the one at position {np.argmin(np.isfinite(row))} is not")
    return row


def base_of(net: Any, against: Any, d: int) -> Array:
    """Return what a sample of d inputs is compared with: what was given, a scaler's mean, or 0."""
    if against is not None:
        rows = np.asarray(against._data if isinstance(against, Node) else against)
        return row_of(
            "against", rows.mean(axis=0) if rows.ndim == 2 and rows.dtype.kind in "fiub" and len(rows) else rows
        )
    first = net.layers[0] if isinstance(net, Sequential) and net.layers else None
    if isinstance(first, Preprocessing) and first.steps and first.steps[0][0] == "sub":
        return np.array(first.steps[0][1], dtype=float)
    return np.zeros(d)


def _names(names: Any, known: Any, d: int) -> list[str]:
    given = [f"x{i}" for i in range(d)] if names is None and known is None else known if names is None else names
    called = list(map(str, given))
    if len(called) != d:
        raise ShapeError(f"names has {len(called)} entries, x has {d} inputs: give one for each")
    return called
