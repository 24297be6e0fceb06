"""Losses: how far predictions are from targets, as a node to call backward() on.

Each takes predictions of shape (n,) or (n, k), or a list of Values, and targets of the same shape; class labels have
one axis less. A (n,) against a (n, 1) raises ShapeError, since broadcasting would make it (n, n).

`reduction` is "mean" over all losses, "sum", or "none" for one loss per entry (per row where a row holds classes).
`weights` are one number >= 0 per sample; the mean is then the weighted one, sum_i w_i l_i / sum_i w_i.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd_mini import DataError, Node, ShapeError, ops
from autograd_mini.data import Array, array_of, unmasked
from autograd_mini.decisions import tell
from autograd_mini.kernels import checked_labels
from autograd_mini.op import operand

from .errors import SettingError, choice, function, real
from .module import Module, named

Loss = Callable[..., Any]

ROUNDING = 1e-5  # of a row of probabilities in single precision

REDUCTIONS = {
    "mean": lambda loss, count: ops.sum(loss) / count,
    "sum": lambda loss, count: ops.sum(loss),
    "none": lambda loss, count: loss,
}


def squared_error(p: Any, y: Any, *, reduction: str = "mean", weights: Any = None) -> Any:
    """(p - y)^2; its mean is the mean squared error.

    >>> squared_error([1.0, 4.0], [1.0, 2.0])
    2.0
    """
    p, y = _pair(p, y)
    return _reduced(ops.square(p - y), reduction, weights)


def half_squared_error(p: Any, y: Any, *, reduction: str = "mean", weights: Any = None) -> Any:
    """(p - y)^2 / 2, whose derivative is p - y.

    >>> half_squared_error([1.0, 4.0], [1.0, 2.0], reduction="none")
    array([0., 2.])
    """
    p, y = _pair(p, y)
    return _reduced(0.5 * ops.square(p - y), reduction, weights)


def absolute_error(p: Any, y: Any, *, reduction: str = "mean", weights: Any = None) -> Any:
    """|p - y|, the L1 loss; at p = y the derivative is 0.

    >>> absolute_error([1.0, 4.0], [1.0, 2.0], reduction="sum")
    2.0
    """
    p, y = _pair(p, y)
    return _reduced(ops.absolute(p - y), reduction, weights)


def huber(p: Any, y: Any, delta: float = 1.0, *, reduction: str = "mean", weights: Any = None) -> Any:
    """(p - y)^2 / 2 up to |p - y| = delta, from there on the tangent line (Huber, "Robust estimation of a location
    parameter", 1964).

    >>> huber([0.5, 3.0], [0.0, 0.0], reduction="none")
    array([0.125, 2.5  ])
    """
    delta = real("delta", delta, "(0, inf)")
    p, y = _pair(p, y)
    near = ops.clip(p - y, -delta, delta)
    return _reduced(near * (p - y - 0.5 * near), reduction, weights)


def cross_entropy(logits: Any, labels: Any, *, reduction: str = "mean", weights: Any = None) -> Any:
    """-log softmax(z)_y for logits z of shape (n, classes) and class numbers y of shape (n,), fused and stable.

    Labels of the logits' shape are soft targets, rows of probabilities p: -sum_k p_k log softmax(z)_k.

    The derivative is softmax(z) minus the one-hot row of y (Goodfellow, Bengio & Courville, "Deep Learning", 6.2.2.3).

    >>> round(cross_entropy([[0.0, 0.0], [1000.0, 0.0]], [1, 0]), 4)
    0.3466
    """
    logits = _per_class(logits)
    if np.shape(_data(labels)) == ops.shape(logits):
        logits, p = _pair(logits, labels)
        _within(p, "a probability", 0.0, 1.0)
        _within(np.sum(_data(p), axis=-1), "the sum of a row of probabilities", 1.0 - ROUNDING, 1.0 + ROUNDING)
        return _reduced(ops.squeeze(ops.softmax_loss(logits, p), -1), reduction, weights)
    return _reduced(ops.cross_entropy(logits, unmasked(labels)), reduction, weights)


def sigmoid_cross_entropy(logits: Any, y: Any, *, reduction: str = "mean", weights: Any = None) -> Any:
    """-y log s - (1 - y) log(1 - s) with s = sigmoid(z), for logits z and targets y in [0, 1].

    Put together it is log(1 + e^z) - y z, stable for every z, with the derivative sigmoid(z) - y ("Deep Learning",
    6.2.2.2).

    >>> sigmoid_cross_entropy([1000.0, -1000.0], [1.0, 0.0])
    0.0
    """
    logits, y = _pair(logits, y)
    _within(y, "a target", 0.0, 1.0)
    return _reduced(ops.logistic_loss(logits, y), reduction, weights)


def negative_log_likelihood(p: Any, labels: Any, *, reduction: str = "mean", weights: Any = None) -> Any:
    """-log p_y for probabilities p of shape (n, classes), as softmax gives them, and class numbers y of shape (n,).

    In place of class numbers, rows with a 1 at the class and 0 elsewhere will do.

    From logits, `cross_entropy` is the stable way to the same number.

    >>> round(negative_log_likelihood([[0.5, 0.5], [0.25, 0.75]], [0, 1], reduction="sum"), 4)
    0.9808
    """
    p = _per_class(p)
    _within(p, "a probability", 0.0, 1.0)
    if np.shape(_data(labels)) == ops.shape(p):
        p, rows = _pair(p, labels)
        _one_hot(_data(rows))
        return _reduced(-ops.log(ops.sum(p * rows, -1)), reduction, weights)
    labels = checked_labels(labels, ops.shape(p))
    return _reduced(-ops.log(ops.getitem(p, (*np.indices(labels.shape), labels))), reduction, weights)


def poisson(log_rate: Any, y: Any, *, reduction: str = "mean", weights: Any = None) -> Any:
    """e^z - y z for the logarithm z of a rate and counts y >= 0: the Poisson likelihood without its constant log y!.

    >>> poisson([0.0, 0.0], [1.0, 3.0], reduction="none")
    array([1., 1.])
    """
    z, y = _pair(log_rate, y)
    _within(y, "a count", 0.0, math.inf)
    return _reduced(ops.exp(z) - y * z, reduction, weights)


def hinge(score: Any, y: Any, *, reduction: str = "mean", weights: Any = None) -> Any:
    """max(0, 1 - y s) for scores s and targets y of -1 or 1: zero once a score is on its side by a margin of 1.

    >>> hinge([2.0, -0.5], [1, 1], reduction="none")
    array([0. , 1.5])
    """
    s, y = _pair(score, y)
    bad = np.abs(_data(y)) != 1.0
    if bad.any():
        raise SettingError(f"hinge: targets must be -1 or 1, got {_first(_data(y), bad)}")
    return _reduced(ops.relu(1.0 - y * s), reduction, weights)


def l2_penalty(params: Module | Iterable[Node], alpha: float = 1.0) -> Any:
    """alpha / 2 times the sum of the squares of all parameters given: its derivative is alpha W.

    >>> from autograd_mini import Value
    >>> l2_penalty([Value(3.0), Value(4.0)]).data
    12.5
    """
    alpha = real("alpha", alpha, "[0, inf)")
    return ops.l2_penalty(alpha, *named(params).values())


def _pair(p: Any, y: Any) -> tuple[Any, Any]:
    """Return predictions and targets ready for ops, of one shape and precision."""
    p = _filled(p)
    if not isinstance(y, Node):
        y = array_of(y, getattr(p, "dtype", None)) if np.ndim(y) else operand(y)
    if ops.shape(p) != ops.shape(y):
        raise ShapeError(
            f"predictions of shape {ops.shape(p)} against targets of shape {ops.shape(y)}: "
            "reshape one to the other's, for instance with y.reshape(-1, 1)"
        )
    return p, y


def _filled(p: Any) -> Any:
    """Return predictions as a node, an array or a number; there must be some."""
    p = operand(p)
    if 0 in ops.shape(p):
        raise ShapeError(f"the batch is empty: predictions have shape {ops.shape(p)}, and a mean over none is NaN")
    return p


def _per_class(p: Any) -> Any:
    """Return predictions with an axis of classes, the last."""
    p = _filled(p)
    if not ops.shape(p):
        raise ShapeError(
            "predictions are one number, and classes need one each: shape (classes,) or (n, classes); "
            "for one of two classes nn.sigmoid_cross_entropy takes one logit"
        )
    return p


def _reduced(loss: Any, reduction: str, weights: Any) -> Any:
    reduce = choice("reduction", reduction, REDUCTIONS)
    shape = ops.shape(loss)
    count = math.prod(shape)
    if weights is not None:
        w = checked_weights(weights, shape)
        loss = loss * w.reshape(-1, *[1] * (len(shape) - 1)).astype(loss.dtype)
        count = w.sum() * (count // len(w))
        if reduction == "mean" and not count > 0.0:
            raise SettingError("weights: their sum is 0, so there is no weighted mean")
    result = reduce(loss, float(count)) if shape else loss
    return float(result) if isinstance(result, np.generic) else result


def checked_weights(weights: Any, shape: tuple[int, ...]) -> Array:
    """Return weights as an array, or raise: one number in [0, inf) for each sample."""
    w = array_of(weights)
    if w.shape != shape[:1] or not shape:
        raise ShapeError(f"weights of shape {w.shape} for losses of shape {shape}: one weight per sample")
    bad = ~((w >= 0.0) & (w < math.inf))
    if bad.any():
        raise SettingError(f"weights must be numbers in [0, inf), got {_first(w, bad)}")
    return w


WITHIN = (ops.softmax, ops.sigmoid)  # they give probabilities whatever they are given


def _within(x: Any, what: str, low: float, high: float) -> None:
    """Raise SettingError unless every entry lies in [low, high]; whoever records for other numbers is told of it."""
    data = _data(x)
    if isinstance(x, Node) and x.op not in WITHIN:
        tell("{} >= {}", (x, low), data >= low)
        tell("{} <= {}", (x, high), data <= high)
    bad = ~((data >= low) & (data <= high))
    if bad.any():
        raise SettingError(f"{what} must lie in [{low:g}, {high:g}], got {_first(data, bad)}")


def _one_hot(rows: Array) -> None:
    """Raise SettingError unless each row has one 1 and 0 elsewhere."""
    bad = ((rows != 0.0) & (rows != 1.0)).any(-1) | (rows.sum(-1) != 1.0)
    if bad.any():
        where = np.argwhere(bad)[0].tolist()
        raise SettingError(f"a row of targets has one 1 at its class and 0 elsewhere; row {where} is {rows[bad][0]}")


def _data(x: Any) -> Array:
    return unmasked(x._data if isinstance(x, Node) else x)


def _first(data: Array, bad: Array) -> str:
    """Return the first bad entry and its place."""
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    return f"{data[place]}" + (f" at {list(place)}" if place else "")


# Losses of a user's own -----------------------------------------------------------------------------------------------


def checked_loss(loss: Any) -> Loss:
    """Return a loss that can be called, or raise SettingError."""
    kind = "a function of predictions and targets, your own or one such as nn.squared_error"
    found: Loss = function("loss", loss, kind)
    return found


def one_number(loss: Any) -> Any:
    """Return the loss of a batch; ShapeError where it has axes."""
    if ops.shape(loss):
        raise ShapeError(f"the loss of a batch is one number, this one has shape {ops.shape(loss)}: take its mean")
    return loss


def one_node(loss: Any) -> Node:
    """Return the loss of a batch, recorded; DataError where it is not."""
    if not isinstance(one_number(loss), Node):
        raise DataError(
            f"the loss is a {type(loss).__name__} without a record: compute it from the predictions themselves, "
            "with operators and rows of autograd_mini.ops, not from their .data"
        )
    return loss
