"""Flat network: a perceptron's layers over one flat buffer - outputs, objective, and their gradient from the engine."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd_mini import Node, ops
from autograd_mini.data import KEPT, Array, ignoring_fp_warnings
from autograd_mini.node import leaf
from autograd_mini.programs.arrays.replay import Replay, keep
from autograd_mini.sweep import swept

from ..optim import cut

HIDDEN: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "logistic": ops.sigmoid,
    "tanh": ops.tanh,
    "relu": ops.relu,
}

OUTPUTS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "exp": ops.exp,
    "logistic": ops.sigmoid,
    "softmax": ops.softmax,
}


ROUNDING = {dtype: np.finfo(dtype).eps for dtype in KEPT}


class Loss(NamedTuple):
    """A loss as it is differentiated and as it is reported.

    `row` is the row (z, y) of the table that gives each entry's loss, or each sample's, from logits z; `output` the
    activation that turns logits into predictions p. `reported` makes of y and p each entry's loss as scikit-learn
    reports it: the logarithm of a probability is that of one no closer to 0 or 1 than one unit of rounding. `over`
    makes one number of the means for each output: the mean over several squared errors, where their sum is
    differentiated; of classes there is one loss a sample.
    """

    row: Callable[[Any, Any], Any]
    output: str
    reported: Callable[[Array, Array], Array]
    over: Callable[..., Any] = np.add.reduce


class Rows(NamedTuple):
    """Samples: inputs x of shape (n, d_in), dense or CSR, targets y of shape (n, d_out), weights (n,) or None."""

    x: Any
    y: Array
    weights: Array | None

    def take(self, index: Any) -> Rows:
        """Return the samples at `index`, inputs dense."""
        x = _take(self.x, index) if isinstance(self.x, np.ndarray) else self.x[index].toarray()
        weights = None if self.weights is None else self.weights[index]
        return Rows(x, _take(self.y, index), weights)

    def arrays(self, share: float) -> list[Array]:
        """Return what a replay is given: inputs, targets, and seeds, if they are not the same for all."""
        return [self.x, self.y] if self.weights is None else [self.x, self.y, seeds(self, share)]

    @property
    def mass(self) -> float:
        """The sum of the weights; the number of rows where there are none."""
        return float(len(self.y)) if self.weights is None else float(self.weights.sum())


def _take(array: Array, index: Any) -> Array:
    """Return array[index]; `take` is the faster way where it works, on rows in C order."""
    return array[index] if isinstance(index, slice) else array.take(index, 0)


class FlatNetwork:
    """Weights of shape (d_in, d_out) and biases (d_out,), as scikit-learn keeps them: views of one flat buffer `theta`,
    every weight matrix first.

    One buffer makes an optimizer's step a handful of array operations, however many layers there are. The engine sees
    the views as leaves; a bias as a row where `exact`, and in float32: its gradient is then summed in scikit-learn's
    order, which takes longer. L-BFGS makes much of the smallest difference in rounding: every product is taken from the
    side from which it is taken there.
    """

    def __init__(self, sizes: Sequence[int], dtype: Any, activation: str, exact: bool = False) -> None:
        shapes: list[tuple[int, ...]] = [*itertools.pairwise(sizes), *((n,) for n in sizes[1:])]
        self.theta = np.zeros(sum(map(math.prod, shapes)), dtype)
        self.coefs, self.biases = self._split(cut(self.theta, shapes))
        rows = [b[None] for b in self.biases] if exact or self.theta.dtype == np.float32 else self.biases
        self.leaves = [leaf(view) for view in (*self.coefs, *rows)]
        self.penalised = self.theta[: sum(W.size for W in self.coefs)]
        self.activation = HIDDEN[activation]
        self._gradient = np.empty_like(self.theta)
        self._pull = np.empty_like(self.penalised)  # the penalty's gradient
        self._recorded: set[Any] = set()  # the kinds of steps that were
        self._replays: dict[Any, Replay] = {}

    @staticmethod
    def _split(parts: list[Any]) -> tuple[list[Any], list[Any]]:
        return parts[: len(parts) // 2], parts[len(parts) // 2 :]

    @classmethod
    def of(
        cls, coefs: Sequence[Array], intercepts: Sequence[Array], activation: str, dtype: Any, exact: bool = False
    ) -> FlatNetwork:
        """Return a network with a copy of scikit-learn's parameters."""
        flat = cls([len(coefs[0]), *map(len, intercepts)], dtype, activation, exact)
        flat.theta[...] = np.concatenate([np.ravel(part) for part in (*coefs, *intercepts)])
        return flat

    def logits(self, x: Any, masks: Sequence[Any] = ()) -> Node:
        """Record the last layer's z for inputs x; where there are masks, one multiplies each hidden layer's output."""
        weights, biases = self._split(self.leaves)
        for i, (W, b) in enumerate(zip(weights[:-1], biases)):
            x = self.activation(ops.add(ops.matmul(x, W), b))
            x = ops.mul(x, masks[i]) if masks else x
        z: Node = ops.add(ops.matmul(x, weights[-1]), biases[-1])
        return z

    def loss_and_gradient(
        self, rows: Rows, loss: Loss, alpha: float, share: float, masks: Sequence[Array] = ()
    ) -> tuple[float, Array]:
        """Return the loss as reported and the gradient of share * (sum_i w_i l_i + alpha/2 sum W^2).

        It is in a buffer that the next call uses again. To seed the sweep with share = 1 / sum_i w_i is quicker than to
        divide the whole gradient.
        """
        p = self._sweep(rows, loss, share, masks)
        W = self.penalised
        np.multiply(share * alpha, W, out=self._pull)
        self._gradient[: W.size] += self._pull
        penalty = 0.5 * alpha * np.dot(W, W)
        return _with(penalty, rows, mean_loss(loss, rows, p)), self._gradient

    def _sweep(self, rows: Rows, loss: Loss, share: float, masks: Sequence[Array]) -> Array:
        """Write the gradient of the losses into the buffer and return the predictions.

        The first step of a kind is recorded, the others are replayed: for a single one that does not pay.
        """
        seed = share if rows.weights is None else None  # a constant of the replay, or one of its inputs
        kind = (rows.x.shape, loss.row, len(masks), seed)
        if kind in self._recorded:
            if kind not in self._replays:
                keep(self._replays, kind, self._replay(rows, loss, share, masks))
            p, *_ = self._replays[kind](*rows.arrays(share), *masks, *(leaf._data for leaf in self.leaves))
            return p
        self._recorded.add(kind)
        z = self.logits(rows.x, masks)
        losses = loss.row(z, rows.y)
        reached = swept({losses: np.broadcast_to(seeds(rows, share), losses.shape).copy()})
        np.concatenate([reached[p].reshape(-1) for p in self.leaves], out=self._gradient)
        return OUTPUTS[loss.output](z)._data

    def _replay(self, rows: Rows, loss: Loss, share: float, masks: Sequence[Array]) -> Replay:
        """Return the step from inputs, targets, weights if any, and masks to the predictions and the gradient."""
        given, factors = [*map(leaf, rows.arrays(share))], [*map(leaf, masks)]
        z = self.logits(given[0], factors)
        losses = loss.row(z, given[1])
        each = given[2] if given[2:] else leaf(seeds(rows, share))
        seed = ops.broadcast_to(each, losses.shape)
        into = cut(self._gradient, [p.shape for p in self.leaves])
        variables = [*given, *factors, *self.leaves]
        return Replay([OUTPUTS[loss.output](z)], seed, variables, self.leaves, into, losses)


def seeds(rows: Rows, share: float) -> Array:
    """Return each sample's weight times `share` as a column in the targets' precision: its loss' own gradient."""
    weights = np.ones(len(rows.y)) if rows.weights is None else rows.weights
    return (weights * share)[:, None].astype(rows.y.dtype)


def forward(coefs: Sequence[Array], intercepts: Sequence[Array], x: Any, activation: str) -> Array:
    """Return the last layer's z for inputs x, dense or sparse, without recording."""
    for W, b in zip(coefs[:-1], intercepts[:-1]):
        x = HIDDEN[activation](x @ W + b)
    z: Array = x @ coefs[-1] + intercepts[-1]
    return z


def mean_loss(loss: Loss, rows: Rows, p: Array) -> Any:
    """Return the loss of predictions as reported, a number of numpy's: the weighted mean over the samples."""
    each, weights = ignoring_fp_warnings(loss.reported, rows.y, p), rows.weights
    total = np.add.reduce(each, axis=0) if weights is None else weights @ each
    return loss.over(total / rows.mass)


def _with(penalty: float, rows: Rows, loss: Any) -> float:
    """Return the loss with the penalty added, in the precision of the loss."""
    return float(loss + loss.dtype.type(penalty / rows.mass))


def _squared(y: Array, p: Array) -> Array:
    return 0.5 * np.square(y - p)


def _poisson(y: Array, p: Array) -> Array:
    """Return y log(y/p) - y + p, with 0 log 0 = 0."""
    return y * np.log(np.where(y > 0.0, y / p, 1.0)) - y + p


def _binary(y: Array, p: Array) -> Array:
    """Return -log p, or -log(1 - p): with the few digits of 1 - p that scikit-learn's has beside 1."""
    p = _kept(p)
    return -np.log(np.where(y > 0.5, p, 1 - p), dtype=np.float64)


def _classes(y: Array, p: Array) -> Array:
    """Return -log p of the right class."""
    return -np.log(_kept(np.vecdot(y, p)), dtype=np.float64)


def _kept(p: Array) -> Array:
    """Return probabilities no closer to 0 or 1 than one unit of rounding."""
    eps = ROUNDING[p.dtype]
    return np.minimum(np.maximum(p, eps), 1 - eps)


LOSSES: dict[str, Loss] = {
    "squared_error": Loss(ops.squared_loss, "identity", _squared, lambda each: np.add.reduce(each) / len(each)),
    "sum_squared_error": Loss(ops.squared_loss, "identity", _squared),
    "poisson": Loss(ops.poisson_loss, "exp", _poisson),
    "logistic": Loss(ops.logistic_loss, "logistic", _binary),
    "softmax": Loss(ops.softmax_loss, "softmax", _classes, lambda mean: mean),
}
