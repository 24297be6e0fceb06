"""Pictures of training, drawn with matplotlib: losses, decision boundaries, gradients, activations.

Each takes `ax=`, the Axes to draw on (a new figure where there is none), and returns the Axes; nothing shows a window.
matplotlib is imported when something is drawn: `pip install "autograd-mini[plot]"`.
"""

from __future__ import annotations

import re
from itertools import pairwise
from numbers import Real
from textwrap import fill
from typing import Any

import numpy as np

from autograd_mini import DataError, ShapeError, Value, no_grad
from autograd_mini.data import Array, array_of
from autograd_mini.errors import SettingError, choice, real
from autograd_mini.node import Node
from autograd_mini.op import TABLE, Elementwise, operand
from autograd_mini.text.formula import short_text

from ..colours import HUES, light
from ..networks import activation_of, is_network, named_parameters, networks_in
from .axes import GRID, around, axes_on, finite

REACH = 5.0  # how far from 0 an activation is drawn
MARKERS = "os^DvPX*"  # one more than there are hues, so that pairs of both last for many classes

_OWNER = re.compile(r"(^|\.)(neurons\.\d+\.)?[^.]*(\.\d+)*$")  # what a parameter's name has beyond its layer's name


# Losses -------------------------------------------------------------------------------------------------------------

CURVES = {  # what is drawn: its key in a history, its attribute of an estimator, its style
    "training loss": ("loss", "loss_curve_", "-"),
    "validation loss": ("validation_loss", "validation_loss_curve_", "--"),
    "validation score": ("validation_score", "validation_scores_", ":"),
}


def loss_curve(history: Any, *, ax: Any = None) -> Any:
    """Draw the loss of each epoch beside what held-out data said of it, with the best epoch marked.

    `history` is the list of dicts that `nn.fit` returns, with "loss" and perhaps "validation_loss" in each, or the
    losses of a loop of your own, a list of numbers or Values, or a fitted estimator, ours or scikit-learn's: its
    `loss_curve_`, `validation_loss_curve_` and `validation_scores_` are drawn as far as it has them. A score has an
    axis of its own, at the right.

    The Axes are returned: `ax` of matplotlib's, or those of a new figure. SettingError for an empty history, one
    without losses, or an estimator without a loss curve.

    >>> ax = loss_curve([{"loss": 0.9, "validation_loss": 1.0}, {"loss": 0.4, "validation_loss": 0.7}])
    >>> [line.get_label() for line in ax.get_lines()]
    ['training loss', 'validation loss', 'best: epoch 2']
    """
    curves = _history_curves(history) if isinstance(history, (list, tuple)) else _estimator_curves(history)
    ax = axes_on(ax)
    best = None
    for hue, (name, (epochs, values)) in zip(HUES, curves.items()):
        where, pick = (_right(ax, name), np.nanargmax) if name.endswith("score") else (ax, np.nanargmin)
        where.plot(epochs, values, CURVES[name][2], color=hue, label=name)
        if name.startswith("validation") and np.isfinite(values).any():
            best = where, epochs[pick(values)], values[pick(values)]
    if best is not None:
        where, epoch, value = best
        where.plot([epoch], [value], "o", color=light("ink"), fillstyle="none", label=f"best: epoch {epoch:.0f}")
        where.legend(handles=[line for each in dict.fromkeys((ax, where)) for line in each.get_lines()])
    ax.set(xlabel="epoch", ylabel="loss")
    ax.xaxis.get_major_locator().set_params(integer=True)
    return ax


def _right(ax: Any, name: str) -> Any:
    """Return new Axes over the same epochs with a scale at the right."""
    right = ax.twinx()
    right.set_ylabel(name)
    return right


def _history_curves(history: Any) -> dict[str, tuple[Array, Array]]:
    history = [{"loss": float(entry)} if isinstance(entry, (Real, Value)) else entry for entry in history]
    for i, record in enumerate(history):
        if not isinstance(record, dict) or "loss" not in record:
            raise SettingError(
                f'history must hold a loss, or a dict with "loss", for each epoch, got {record!r:.80} at [{i}]'
            )
    if not history:
        raise SettingError("history is empty: pass what nn.fit returned after at least one epoch")
    epochs = array_of([record.get("epoch", i) for i, record in enumerate(history, 1)])
    return {
        name: (epochs, array_of([record.get(key, np.nan) for record in history]))
        for name, (key, _, _) in CURVES.items()
        if any(key in record for record in history)
    }


def _estimator_curves(model: Any) -> dict[str, tuple[Array, Array]]:
    kept = {name: getattr(model, attribute, None) for name, (_, attribute, _) in CURVES.items()}
    found = {name: array_of(values) for name, values in kept.items() if values is not None and len(values)}
    if "training loss" not in found:
        raise SettingError(
            "history must be the list that nn.fit returned, or a fitted estimator with loss_curve_ (solvers adam and "
            f"sgd leave one; of a pipeline, pass the last step), got {type(model).__name__}"
        )
    return {name: (np.arange(1.0, len(values) + 1.0), values) for name, values in found.items()}


# Decisions ----------------------------------------------------------------------------------------------------------


def decision_boundary(model: Any, X: Any, y: Any, *, threshold: float | None = None, ax: Any = None) -> Any:
    """Draw which class a model gives to each point of the plane, the boundaries between them, and the data.

    `X` has shape (n, 2) and `y` (n,) or (n, 1), the classes. `model` is a network of ours, on Values or arrays, or any
    classifier with `predict`, and perhaps `predict_proba`, as scikit-learn's. A network with k > 1 outputs gives the
    class number of its largest; one with a single output gives the larger of y's two classes where it exceeds
    `threshold`: 0.5 by default after a sigmoid, else 0.

    The Axes are returned: `ax` of matplotlib's, or those of a new figure. ShapeError unless there are two features and
    one class per sample; SettingError for classes that do not fit the
    model, a regressor, or outputs that are NaN.

    >>> from nn import Neuron, init
    >>> X = [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    >>> ax = decision_boundary(Neuron(2, "sigmoid", init=init.given([[4.0, 4.0]], [-6.0])), X, [0, 1, 0])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['0', '1']
    """
    rows, labels = _two_features(X, y)
    columns = getattr(X, "columns", None)
    x1, x2 = (around(column) for column in rows.T)
    plane = np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)
    if is_network(model):
        classes, scores = _network_scores(model, plane, labels, threshold)
    elif hasattr(model, "predict"):
        classes, scores = _estimator_scores(
            model, plane if columns is None else type(X)(plane, columns=columns), labels
        )
    else:
        raise DataError(f"model must be a network or an estimator with predict, got {type(model).__name__}")
    members = _members(labels, classes, "y holds")
    ax = axes_on(ax)
    for k, name in enumerate(classes):
        hue, marker = HUES[k % len(HUES)], MARKERS[k % len(MARKERS)]
        _region(ax, x1, x2, _margin(scores, k).reshape(GRID, GRID), hue)
        ax.scatter(*rows[members[:, k]].T, s=22, c=hue, marker=marker, edgecolors="white", linewidths=0.6, label=name)
    ax.set(xlabel="x1" if columns is None else columns[0], ylabel="x2" if columns is None else columns[1])
    ax.set(xlim=(x1[0], x1[-1]), ylim=(x2[0], x2[-1]))
    ax.legend(title="class")
    return ax


def _two_features(X: Any, y: Any) -> tuple[Array, Array]:
    rows, labels = array_of(np.asarray(X)), np.asarray(y)
    if rows.ndim != 2 or rows.shape[1] != 2 or not len(rows):
        raise ShapeError(
            f"X must have two features, shape (n, 2), got {rows.shape}: choose or make two, and train the model on them"
        )
    if labels.shape not in ((len(rows),), (len(rows), 1)):
        raise ShapeError(f"y must have one class per sample, shape ({len(rows)},), got {labels.shape}")
    return finite(rows, "X"), labels.ravel()


def _network_scores(model: Any, plane: Array, labels: Array, threshold: float | None) -> tuple[Array, Array]:
    """Return the classes, and a score for each on every row of the plane: the largest score decides."""
    found = finite(_answers(model, plane).reshape(len(plane), -1), "the model's output")
    if found.shape[1] > 1:
        return np.arange(found.shape[1]), found
    classes = np.unique(labels)
    if len(classes) != 2:
        raise SettingError(f"y must hold two classes for a model with one output, got {classes.tolist()[:9]}")
    above = found - (_default_threshold(model) if threshold is None else real("threshold", threshold, "(-inf, inf)"))
    return classes, np.hstack([-above, above])


def _answers(model: Any, rows: Array) -> Array:
    """Return what a network makes of rows when it is used: nothing is recorded, nothing dropped."""
    was_training = getattr(model, "training", None)
    if was_training is not None:
        model.eval()
    try:
        with no_grad():
            found = _outputs(_on_arrays(model), rows)
    finally:
        if was_training is not None:
            model.train(was_training)
    return array_of(found._data if isinstance(found, Node) else found)


def _outputs(model: Any, rows: Array) -> Any:
    """Return what a network makes of rows: one by one if all its parameters are Values, else at once."""
    on_values = all(isinstance(p, Value) for p in named_parameters(model).values())
    return operand([model(row) for row in rows.tolist()]) if on_values else model(rows)


def _on_arrays(model: Any) -> Any:
    """Return a network's twin on arrays, 100 times as fast on a plane; one with a function of its own stays."""
    by_name = all(isinstance(getattr(each, "activation", ""), str) for each in networks_in(model))
    return model.tensors() if by_name and hasattr(model, "tensors") else model


def _default_threshold(model: Any) -> float:
    """Return the output that divides two classes: 0.5 after a sigmoid, else 0."""
    stated = [name for name in map(activation_of, networks_in(model)) if name is not None]
    return 0.5 if stated[-1:] == ["sigmoid"] else 0.0


def _estimator_scores(model: Any, plane: Any, labels: Array) -> tuple[Array, Array]:
    """Return the classes, and a score for each on every row: `predict` decides, and scores that agree with it make the
    boundary smooth.
    """
    classes = np.asarray(getattr(model, "classes_", np.unique(labels)))
    predicted = np.asarray(model.predict(plane))
    if predicted.shape != (len(plane),):
        raise ShapeError(
            f"model.predict must give one class per row, got shape {predicted.shape} for {len(plane)} rows"
        )
    chosen = _members(predicted, classes, "model.predict gave")
    for method in ("predict_proba", "decision_function"):
        if hasattr(model, method):
            p = np.asarray(getattr(model, method)(plane))
            p = p if p.ndim > 1 else np.stack([-p, p], axis=1)
            if p.shape == chosen.shape and (p.argmax(axis=1) == chosen.argmax(axis=1)).all():
                return classes, p
    return classes, chosen.astype(float)


def _members(labels: Array, classes: Array, what: str) -> Array:
    """Return an array with a row for each label, True in the column of its class."""
    members = labels[:, None] == classes
    strange = np.flatnonzero(~members.any(axis=1))
    if len(strange):
        known = classes.tolist()[:9]
        raise SettingError(f"{what} {labels[strange[0]]!r}, which is none of the model's classes {known}")
    return members


def _margin(scores: Array, k: int) -> Array:
    """Return by how much class k is ahead of the best of the others on each row."""
    others = np.delete(scores, k, axis=1)
    return scores[:, k] - others.max(axis=1) if others.size else np.ones(len(scores))


def _region(ax: Any, x1: Array, x2: Array, margin: Array, hue: str) -> None:
    """Colour the part of the plane where a class is ahead of the others, and draw its border."""
    if margin.max() > 0.0:
        ax.contourf(x1, x2, margin, levels=[0.0, np.inf], colors=[hue], alpha=0.22)
    if margin.min() < 0.0 < margin.max():
        ax.contour(x1, x2, margin, levels=[0.0], colors=[light("ink")], linewidths=0.9)


# Gradients and functions --------------------------------------------------------------------------------------------


def gradient_flow(net: Any, *, ax: Any = None) -> Any:
    """Draw how large the gradients are in each layer, from the input to the output, on a logarithmic scale.

    Call it after `backward()`: for each layer of a module of `nn`, on Values or arrays, it shows the mean and the
    largest |dL/dw| over its parameters. A layer without any gradient is marked with a 0, since a logarithmic scale
    has none: its neurons are dead, or the loss does not depend on it; the title says so where all outputs of a layer
    were 0 for every sample, as those of relus may be. Gradients that shrink or grow from layer to layer
    by a constant factor vanish or explode (Glorot & Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", 2010).

    The Axes are returned: `ax` of matplotlib's, or those of a new figure. DataError for anything but a module;
    SettingError before a sweep, or for a gradient that is NaN or infinite.

    >>> from nn import MLP, Dense
    >>> net = MLP(2, [8, 8, 1], "tanh", layer=Dense, rng=0); net([[1.0, -1.0]]).sum().backward()
    >>> ax = gradient_flow(net); [text.get_text() for text in ax.get_xticklabels()]
    ['layers.0', 'layers.1', 'layers.2']
    """
    sizes = _gradient_sizes(net)
    ax = axes_on(ax)
    at = np.arange(len(sizes))
    mean, largest = (np.array([f(size) for size in sizes.values()]) for f in (np.mean, np.max))
    ax.plot(at, np.where(largest > 0.0, largest, np.nan), "^--", color=HUES[1], label="largest |gradient|")
    ax.plot(at, np.where(mean > 0.0, mean, np.nan), "o-", color=HUES[0], label="mean |gradient|")
    for i in np.flatnonzero(largest == 0.0):
        ax.annotate("0", (i, 0.02), xycoords=("data", "axes fraction"), ha="center", color=HUES[1], weight="bold")
    if largest.any():
        ax.set_yscale("log")
    ax.set_xticks(at, list(sizes), rotation=0 if len(sizes) < 6 else 60)
    ax.set(xlim=(-0.5, len(sizes) - 0.5), xlabel="layer, from input to output", ylabel="|gradient|")
    dead = _dead_layers(net, list(sizes))
    if dead:
        ax.set_title(f"all outputs of {', '.join(dead)} are 0 for every sample")
    elif not largest.any():
        ax.set_title("all gradients are 0")
    ax.legend()
    return ax


def _dead_layers(net: Any, names: list[str]) -> list[str]:
    """Return the layers whose outputs are all 0: the next one has gradients of its offsets and none of its weights."""
    moved: dict[tuple[str, bool], bool] = {}
    for name, parameter in named_parameters(net).items():
        key = _OWNER.sub("", name) or type(net).__name__, name.rpartition(".")[2] == "b"
        moved[key] = moved.get(key, False) or bool(np.any(parameter.grad))
    return [a for a, b in pairwise(names) if moved.get((b, True)) and not moved.get((b, False), True)]


def _gradient_sizes(net: Any) -> dict[str, Array]:
    """Return |dL/dw| of all parameters of each layer under the layer's name."""
    if not is_network(net):
        kind = type(net).__name__
        raise DataError(f"net must be a module, or another network (an estimator has one as model_), got {kind}")
    named = list(named_parameters(net).items())
    if not any(parameter.has_grad for _, parameter in named):
        raise SettingError("net must have gradients: call backward() on a loss first, and zero_grad() after the plot")
    layers: dict[str, list[Array]] = {}
    for name, parameter in named:
        grad = np.ravel(np.abs(parameter.grad))
        if not np.isfinite(grad).all():
            raise SettingError(f"net must have finite gradients, that of {name} has nan or inf: see detect_nonfinite")
        layers.setdefault(_OWNER.sub("", name) or type(net).__name__, []).append(grad)
    return {name: np.concatenate(grads) for name, grads in layers.items()}


def activation(name: str, *, ax: Any = None) -> Any:
    """Draw a function of one variable and its derivative, both from its row of the table.

    `name` is a row that acts entry by entry on one argument, such as "tanh" or "leaky_relu"; x goes from -5 to 5, and
    where the function has no value there is a gap. The Axes are returned: `ax` of matplotlib's, or those of a new
    figure. SettingError for any other name, ExtraError without the extra `plot`.

    >>> [text.get_text() for text in activation("tanh").get_legend().get_texts()]
    ['y = tanh(x)', 'dy/dx = 1 - y * y']
    """
    rows = {row.name: row for row in TABLE.copy().values() if isinstance(row, Elementwise) and len(row.required) == 1}
    row = choice("name", name, rows)
    x = np.linspace(-REACH, REACH, 2001)
    y = row(x)
    settings = list(row.defaults.values())
    slope = np.zeros_like(x) if row.rule(0) is None else row.run(0, np.ones_like(x), y, [x, *settings])
    ax = axes_on(ax)
    for edge in (ax.axhline, ax.axvline):
        edge(0.0, color=light("rim"), linewidth=0.6)
    ax.plot(x, y, color=HUES[0], label=f"y = {short_text(row(Value(0.5, label='x')))}")
    ax.plot(x, slope, "--", color=HUES[1], label=fill(f"dy/dx = {_slope_text(row)}", 40))
    ax.set(xlabel="x", title=row.name)
    ax.legend()
    return ax


def _slope_text(row: Elementwise) -> str:
    """Return the derivative of a row as its rule writes it, in terms of x and y."""
    x = Value(0.5)
    y = row(x)
    rule = row.rule(0)
    if rule is None:
        return "0"
    text = short_text(rule(1.0, y, x, *row.defaults.values()), {x: "x", y: "y"})
    return re.sub(r"\d+\.\d{5,}", lambda constant: f"{float(constant[0]):.5g}", text)
