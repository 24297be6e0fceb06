"""What the two estimators share: settings and their checks, the course of `fit`, saliency, and the network itself."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_mini import Tensor, ops
from autograd_mini.data import Array

from .errors import ExtraError, SettingError

try:
    from sklearn.base import BaseEstimator
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_array, check_random_state, column_or_1d
    from sklearn.utils._param_validation import Interval, Options, StrOptions
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError:
    raise ExtraError('the estimators need scikit-learn: pip install "autograd-mini[sklearn]"') from None

from . import init, layers
from .chain import LOSSES, OUTPUTS, Chain, Rows, forward
from .minibatch import HeldOut, fit_epochs, fit_lbfgs, new_optimizer, packed_objective

PRECISIONS = (np.float64, np.float32)

NONFINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
)


def stochastic(model: Any) -> bool:
    """Return whether a model is trained in minibatches, or raise AttributeError: what `partial_fit` is hidden by."""
    if model.solver in ("sgd", "adam"):
        return True
    raise AttributeError(f"partial_fit is only available for solver 'sgd' or 'adam'; this one is {model.solver!r}")


class Perceptron(BaseEstimator):  # type: ignore[misc]
    """A multilayer perceptron with scikit-learn's settings, attributes and course of training; see its two subclasses."""

    _parameter_constraints: dict[str, list[Any]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "callback": [callable, None],
    }

    activation: str
    solver: str
    hidden_layer_sizes: Any
    batch_size: Any
    random_state: Any
    callback: Callable[[Any], Any] | None
    coefs_: list[Array]
    intercepts_: list[Array]

    # The course of fit ----------------------------------------------------------------------------------------------

    def _fit(self, X: Any, y: Any, sample_weight: Any, once: bool = False) -> Perceptron:
        self._validate_params()
        sizes = layer_sizes(self.hidden_layer_sizes)
        if once and self.early_stopping:
            raise SettingError("partial_fit does not support early_stopping=True")
        first = not hasattr(self, "coefs_") or not (self.warm_start or once)
        X, y = self._validate_input(X, y, once, first)
        weights = self._weights(sample_weight, X, y)
        ...
