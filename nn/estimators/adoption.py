"""Adoption: an estimator that scikit-learn has fitted goes on here, with its settings and the state of its training."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from autograd_mini.data import Array

from ..errors import SettingError
from .solvers import SGD, Adam


def adopted(model: Any, fitted: Any) -> Any:
    """Give an estimator of ours the settings and the fitted state of scikit-learn's estimator of the same name.

    What trains it further continues as it would have there: the optimizer's memory, the best parameters and the loss
    curve come along. SettingError for another class, and for one that is not fitted.
    """
    name = type(model).__name__
    if type(fitted).__name__ != name or not hasattr(fitted, "get_params"):
        raise SettingError(f"{name}.from_sklearn takes scikit-learn's {name}, got {type(fitted).__name__}")
    if not hasattr(fitted, "coefs_"):
        raise SettingError(f"this {name} has no weights yet: call fit first")
    model.set_params(**{k: v for k, v in fitted.get_params(deep=False).items() if k in model.get_params(deep=False)})
    state = {k: v for k, v in vars(fitted).items() if k.endswith("_") and not k.startswith("_")}
    state |= {k: vars(fitted)[k] for k in ("_label_binarizer", "_no_improvement_count") if k in vars(fitted)}
    vars(model).update(copy.deepcopy(state))
    if hasattr(fitted, "_optimizer"):
        model._optimizer = _optimizer(fitted._optimizer)
        model.validation_loss_curve_ = [] if fitted.early_stopping else None
        best = (fitted._best_coefs, fitted._best_intercepts) if fitted.early_stopping else ()
        model._best_parameters = _flat(*best) if best else None
    return model


def _optimizer(theirs: Any) -> SGD | Adam:
    """Return an optimizer of scikit-learn, with what it remembers, as ours on one flat vector."""
    if hasattr(theirs, "ms"):
        adam = Adam(theirs.learning_rate_init, theirs.beta_1, theirs.beta_2, theirs.epsilon)
        adam.t, adam.learning_rate = theirs.t, float(theirs.learning_rate)
        if theirs.t:  # ours keeps m / (1 - b1) and v / (1 - b2)
            adam.m, adam.v = _flat(theirs.ms) / (1.0 - theirs.beta_1), _flat(theirs.vs) / (1.0 - theirs.beta_2)
        return adam
    sgd = SGD(theirs.learning_rate_init, theirs.lr_schedule, theirs.power_t, theirs.momentum, theirs.nesterov)
    sgd.learning_rate, sgd.velocity = float(theirs.learning_rate), _flat(theirs.velocities)
    return sgd


def _flat(*parts: list[Array]) -> Array:
    return np.concatenate([np.ravel(array) for part in parts for array in part])
