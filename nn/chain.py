"""Chain: a perceptron's layers over one flat buffer - outputs, objective, and their gradient from the engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd_mini import Node, ops
from autograd_mini.data import Array
from autograd_mini.node import leaf
from autograd_mini.op import contribution
from autograd_mini.sweep import order, swept

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


class Loss(NamedTuple):
    """A loss as it is differentiated and as it is reported.

    `total` is the row (z, y, c) of the table that gives a batch's total from its logits, `rows` the loss of each row
    from targets and predictions, `output` the activation that turns logits into predictions. The two agree but where
    scikit-learn's do not: it reports the mean over several squared errors and differentiates their sum, and it
    reports the logarithm of a probability no smaller than one unit of rounding.
    """

    total: Callable[[Any, Any, Any], Any]
    rows: Callable[[Array, Array], Array]
    output: str


class Rows(NamedTuple):
    """Samples: inputs x of shape (n, d_in), dense or CSR, targets y of shape (n, d_out), weights (n,) or None."""

    x: Any
    y: Array
    weights: Array | None

    def take(self, index: Any) -> Rows:
        """Return the samples at `index`, inputs dense and, where they are fresh, frozen: the engine need not copy."""
        x = self.x[index] if isinstance(self.x, np.ndarray) else self.x[index].toarray()
        if x.base is None:
            x.flags.writeable = False
        return Rows(x, self.y[index], None if self.weights is None else self.weights[index])

    @property
    def mass(self) -> float:
        """The sum of the weights; the number of rows where there are none."""
        return float(len(self.y)) if self.weights is None else float(self.weights.sum())


class Chain:
    """Weights W of shape (d_out, d_in) and biases b of shape (d_out,): views of one flat buffer `theta`, every W first.

    One buffer makes an optimizer's step a handful of array operations, however many layers there are. The engine sees
    the views as leaves.
    """

    def __init__(self, sizes: Sequence[int], dtype: Any, activation: str) -> None:
        pairs = list(zip(sizes[1:], sizes))
        shapes: list[tuple[int, ...]] = [*pairs, *((n,) for n in sizes[1:])]
        self.theta = np.zeros(sum(map(math.prod, shapes)), dtype)
        self.weights, self.biases = self._split(_cut(self.theta, shapes))
        self.leaves = [leaf(view) for view in (*self.weights, *self.biases)]
        self.penalised = leaf(self.theta[: sum(W.size for W in self.weights)])
        self.activation = HIDDEN[activation]
        self._gradient = self.theta

    @staticmethod
    def _split(parts: list[Any]) -> tuple[list[Any], list[Any]]:
        return parts[: len(parts) // 2], parts[len(parts) // 2 :]

    @classmethod
    def of(cls, coefs: Sequence[Array], intercepts: Sequence[Array], activation: str, dtype: Any) -> Chain:
        """Return a chain with a copy of scikit-learn's parameters."""
        chain = cls([len(coefs[0]), *map(len, intercepts)], dtype, activation)
        chain.load(np.concatenate([np.ravel(part) for part in (*coefs, *intercepts)]))
        return chain

    @property
    def coefs(self) -> list[Array]:
        """The weights as scikit-learn keeps them: views of shape (d_in, d_out)."""
        return [W.T for W in self.weights]

    def packed(self, flat: Array) -> Array:
        """Return a vector like `theta` in scikit-learn's order: every coefs_ row by row, then every intercepts_."""
        parts = _cut(flat, [view.shape for view in (*self.weights, *self.biases)])
        return np.concatenate([part.T.ravel() for part in parts])

    def load(self, packed: Array) -> None:
        """Take over parameters in the order of `packed`."""
        views = [*self.coefs, *self.biases]
        for view, part in zip(views, _cut(packed, [view.shape for view in views])):
            view[...] = part

    def objective(self, rows: Rows, loss: Loss, alpha: float, masks: Sequence[Array] = ()) -> tuple[Node, Node, Node]:
        """Record J = (sum_i w_i l(z_i, y_i) + alpha/2 sum W^2) / sum_i w_i; return z and the two terms of J."""
        mass = rows.mass
        z = self.logits(rows.x, masks)
        total = loss.total(z, rows.y, 1.0 / mass if rows.weights is None else (rows.weights / mass)[:, None])
        return z, total, ops.l2_penalty(alpha / mass, self.penalised)

    def logits(self, x: Any, masks: Sequence[Array] = ()) -> Node:
        """Record the last layer's z for inputs x; where there are masks, one multiplies each hidden layer's output."""
        weights, biases = self._split(self.leaves)
        for i, (W, b) in enumerate(zip(weights[:-1], biases)):
            x = self.activation(ops.affine(x, W, b))
            x = ops.mul(x, masks[i]) if masks else x
        z: Node = ops.affine(x, weights[-1], biases[-1])
        return z

    def gradient(self, total: Node, penalty: Node) -> Array:
        """Return dJ/dtheta for J = total + penalty, in a buffer that the next call uses again.

        The penalty sees all the weights as one leaf, so that its term is added in one go.
        """
        reached = dict(swept(order(total), {total: 1.0}))
        parts = [reached[p].reshape(-1) for p in self.leaves]
        reuse = self._gradient is not self.theta and self._gradient.dtype == np.result_type(*parts)
        self._gradient = np.concatenate(parts, out=self._gradient if reuse else None)
        self._gradient[: self.penalised.size] += contribution(penalty, 1, 1.0)
        return self._gradient

    def loss_and_gradient(
        self, rows: Rows, loss: Loss, alpha: float, masks: Sequence[Array] = ()
    ) -> tuple[float, Array]:
        """Return the loss as reported and the gradient of the objective."""
        z, total, penalty = self.objective(rows, loss, alpha, masks)
        p = OUTPUTS[loss.output](z._data)
        return mean_loss(loss, rows, p) + penalty._data, self.gradient(total, penalty)


def forward(coefs: Sequence[Array], intercepts: Sequence[Array], x: Any, activation: str) -> Array:
    """Return the last layer's z for inputs x, dense or sparse, without recording."""
    for W, b in zip(coefs[:-1], intercepts[:-1]):
        x = HIDDEN[activation](x @ W + b)
    z: Array = x @ coefs[-1] + intercepts[-1]
    return z


def mean_loss(loss: Loss, rows: Rows, p: Array) -> float:
    """Return the reported loss of predictions p: the weighted mean over rows."""
    losses = loss.rows(rows.y, p)
    return float(losses.sum() / rows.mass if rows.weights is None else (losses @ rows.weights) / rows.mass)


def _cut(flat: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    ends = np.cumsum([0, *map(math.prod, shapes)])
    return [flat[a:b].reshape(shape) for a, b, shape in zip(ends, ends[1:], shapes)]


def _squared_rows(y: Array, p: Array) -> Array:
    rows: Array = _sum_squared_rows(y, p) / y.shape[1]
    return rows


def _sum_squared_rows(y: Array, p: Array) -> Array:
    rows: Array = 0.5 * np.square(y - p).sum(axis=1)
    return rows


def _poisson_rows(y: Array, p: Array) -> Array:
    """Return y log(y/p) - y + p summed over the outputs, with 0 log 0 = 0."""
    rows: Array = (y * np.log(np.where(y > 0.0, y, p) / p) - y + p).sum(axis=1)
    return rows


def _logistic_rows(y: Array, p: Array) -> Array:
    p = _clipped(p)
    rows: Array = -np.log(np.where(y > 0.5, p, 1.0 - p)).sum(axis=1)
    return rows


def _softmax_rows(y: Array, p: Array) -> Array:
    rows: Array = -np.log(_clipped((p * y) @ np.ones(y.shape[1], p.dtype)))
    return rows


def _clipped(p: Array) -> Array:
    """Return probabilities at least one unit of rounding away from 0 and 1, so that their logarithms are finite."""
    eps = np.finfo(p.dtype).eps
    return np.minimum(np.maximum(p, eps), 1 - eps)


LOSSES: dict[str, Loss] = {
    "squared_error": Loss(ops.total_squared_error, _squared_rows, "identity"),
    "sum_squared_error": Loss(ops.total_squared_error, _sum_squared_rows, "identity"),
    "poisson": Loss(ops.total_poisson_loss, _poisson_rows, "exp"),
    "logistic": Loss(ops.total_logistic_loss, _logistic_rows, "logistic"),
    "softmax": Loss(ops.total_softmax_loss, _softmax_rows, "softmax"),
}
