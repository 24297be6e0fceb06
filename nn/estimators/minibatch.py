"""The training of scikit-learn's perceptrons: epochs of minibatches until patience runs out, or L-BFGS iterations."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from autograd_mini.data import Array

from .flat_network import LOSSES, OUTPUTS, FlatNetwork, Rows, mean_loss
from .solvers import SGD, Adam, lbfgs

INTERRUPTED = "Training interrupted by user."


class HeldOut(NamedTuple):
    """Validation samples, and the score of predictions for them."""

    rows: Rows
    score: Callable[[Array], float]


def new_optimizer(model: Any) -> SGD | Adam:
    """Return the optimizer that a model's settings describe."""
    if model.solver == "adam":
        return Adam(model.learning_rate_init, model.beta_1, model.beta_2, model.epsilon)
    return SGD(model.learning_rate_init, model.learning_rate, model.power_t, model.momentum, model.nesterovs_momentum)


def fit_epochs(model: Any, flat: FlatNetwork, rows: Rows, held_out: HeldOut | None, rng: Any, once: bool) -> None:
    """Train for `model.max_iter` epochs, or a single one, unless patience, the callback or Ctrl-C ends it before.

    Whatever ends it, the parameters are those after a whole batch, or the best validated ones with early stopping.
    """
    index = np.arange(len(rows.y))
    size = _batch_size(model.batch_size, len(index))
    mixed = model.shuffle and size < len(index)  # in a single batch the order is nothing but rounding
    try:
        for _ in range(1 if once else model.max_iter):
            if model.shuffle:
                rng.shuffle(index)
            model.loss_ = _epoch(model, flat, _batches(rows, index, size, mixed), rng)
            if _ends(model, flat, held_out, len(index)):
                break
        else:
            if not once:
                warnings.warn(_unconverged(model), ConvergenceWarning, stacklevel=4)
    except KeyboardInterrupt:
        warnings.warn(INTERRUPTED, stacklevel=4)
    if held_out is not None and model._best_parameters is not None:
        flat.theta[...] = model._best_parameters


def _epoch(model: Any, flat: FlatNetwork, batches: Iterator[Rows], rng: Any) -> float:
    """Take one step per batch; return the mean of the batches' losses, weighted by their numbers of rows."""
    total, seen = 0.0, 0
    loss = LOSSES[model._loss_name()]
    step = model._optimizer.step
    for batch in batches:
        mass = batch.mass
        if mass > 0.0:  # a batch whose weights are all zero says nothing
            masks = dropout_masks(model.dropout, len(batch.y), flat, rng)
            value, gradient = flat.loss_and_gradient(batch, loss, model.alpha, 1.0 / mass, masks)
            step(flat.theta, gradient)
            total += value * len(batch.y)
            seen += len(batch.y)
    return total / seen


def _batches(rows: Rows, index: Array, size: int, mixed: bool) -> Iterator[Rows]:
    for start in range(0, len(index), size):
        stop = min(start + size, len(index))
        yield rows.take(index[start:stop] if mixed else slice(start, stop))


def _batch_size(size: Any, n: int) -> int:
    """Return the number of rows of a batch: 200 for "auto", and never more than there are."""
    if size != "auto" and size > n:
        warnings.warn(f"batch_size={size} is larger than the {n} training samples and is clipped to that", stacklevel=5)
    return min(200 if size == "auto" else size, n)


def dropout_masks(rate: float, n: int, flat: FlatNetwork, rng: Any) -> list[Array]:
    """Return for each hidden layer 0 where a unit is dropped and 1/(1 - rate) elsewhere; no masks for rate 0.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
    """
    if not rate:
        return []
    keep = 1.0 - rate
    return [((rng.random_sample((n, len(b))) < keep) / keep).astype(flat.theta.dtype) for b in flat.biases[:-1]]


def _ends(model: Any, flat: FlatNetwork, held_out: HeldOut | None, samples: int) -> bool:
    """Write an epoch down, follow the schedule, and return whether training is over."""
    model.n_iter_ += 1
    model.t_ += samples
    model.loss_curve_.append(model.loss_)
    if model.verbose:
        print(f"Iteration {model.n_iter_}, loss = {model.loss_:.8f}")
    if held_out is None:
        _count_losses(model)
    else:
        _count_scores(model, flat, held_out)
    model._optimizer.end_epoch(model.t_)
    if model.callback is not None and model.callback(model):
        return True
    if not math.isfinite(model.loss_) and not np.isfinite(flat.theta).all():
        return True
    if model._no_improvement_count > model.n_iter_no_change:
        return _out_of_patience(model)
    return False


def _count_losses(model: Any) -> None:
    """Count epochs whose loss is not better than the best by `tol`; NaN and infinity are no improvement."""
    better = math.isfinite(model.loss_) and model.loss_ <= model.best_loss_ - model.tol
    model._no_improvement_count = 0 if better else model._no_improvement_count + 1
    if model.loss_ < model.best_loss_:
        model.best_loss_ = model.loss_


def _count_scores(model: Any, flat: FlatNetwork, held_out: HeldOut) -> None:
    """Count epochs whose validation score is not better than the best by `tol`, and keep the best parameters."""
    loss = LOSSES[model._loss_name()]
    z = model._logits(held_out.rows.x)
    p = OUTPUTS[loss.output](z)
    score = held_out.score(p) if np.isfinite(p).all() else math.nan
    model.validation_scores_.append(score)
    model.validation_loss_curve_.append(float(mean_loss(loss, held_out.rows, p)))
    if model.verbose:
        print(f"Validation score: {score:f}")
    better = score >= model.best_validation_score_ + model.tol
    model._no_improvement_count = 0 if better else model._no_improvement_count + 1
    if score > model.best_validation_score_:
        model.best_validation_score_ = score
        model._best_parameters = flat.theta.copy()


def _out_of_patience(model: Any) -> bool:
    what = "Validation score" if model.early_stopping else "Training loss"
    stops: bool = model._optimizer.stalled()
    if model.verbose:
        then = "Stopping." if stops else f"Setting learning rate to {model._optimizer.learning_rate:f}"
        print(f"{what} did not improve more than tol={model.tol:f} for {model.n_iter_no_change} epochs. {then}")
    if not stops:
        model._no_improvement_count = 0
    return stops


def _unconverged(model: Any) -> str:
    reached = f"Maximum iterations ({model.max_iter}) reached"
    return f"Stochastic Optimizer: {reached} and the optimization hasn't converged yet."


def fit_lbfgs(model: Any, flat: FlatNetwork, rows: Rows) -> None:
    """Minimise the objective over all rows at once; after Ctrl-C the parameters are those of the last iterate."""
    last = flat.theta.copy()
    objective = packed_objective(model, flat, rows)

    def each(theta: Array, loss: float) -> bool:
        nonlocal last
        last = theta.copy()
        model.n_iter_ += 1
        model.loss_ = loss
        if model.verbose:
            print(f"Iteration {model.n_iter_}, loss = {loss:.8f}")
        return model.callback is not None and _calls_back(model, flat, last)

    limits = {"iterations": model.max_iter, "evaluations": model.max_fun, "tolerance": model.tol}
    try:
        result = lbfgs(objective, last, each=each, **limits)
    except KeyboardInterrupt:
        flat.theta[...] = last
        warnings.warn(INTERRUPTED, stacklevel=4)
    else:
        _conclude(model, flat, result)


def packed_objective(model: Any, flat: FlatNetwork, rows: Rows) -> Callable[[Array], tuple[float, Array]]:
    """Return the function from parameters in scikit-learn's order to the reported loss and the gradient."""
    loss = LOSSES[model._loss_name()]
    rows = rows.take(np.arange(len(rows.y)))
    mass = rows.mass

    def objective(theta: Array) -> tuple[float, Array]:
        flat.theta[...] = theta
        value, gradient = flat.loss_and_gradient(rows, loss, model.alpha, 1.0)
        return value, gradient / mass

    return objective


def _calls_back(model: Any, flat: FlatNetwork, theta: Array) -> bool:
    flat.theta[...] = theta
    return bool(model.callback(model))


def _conclude(model: Any, flat: FlatNetwork, result: Any) -> None:
    """Take over SciPy's result; status 99 is the callback's wish, 0 convergence."""
    flat.theta[...] = result.x
    model.n_iter_ = min(int(result.nit), model.max_iter)
    model.loss_ = float(result.fun)
    if result.status not in (0, 99):
        message = f"lbfgs failed to converge after {result.nit} iterations (status={result.status}): {result.message}"
        warnings.warn(f"{message}. Raise max_iter or max_fun, or scale the data.", ConvergenceWarning, stacklevel=5)
