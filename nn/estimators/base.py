"""What the two estimators share: settings and their checks, the course of `fit`, saliency, and the network itself."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from autograd_mini import Tensor
from autograd_mini.data import Array

from ..errors import ExtraError, SettingError

try:
    from scipy.sparse import issparse
    from sklearn.base import BaseEstimator
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state, column_or_1d
    from sklearn.utils._param_validation import Interval, Options, StrOptions
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError:
    raise ExtraError('the estimators need scikit-learn: pip install "autograd-mini[sklearn]"') from None

from .. import init, layers
from ..imports.fitted_perceptrons import network_of
from .adoption import adopted
from .flat_network import LOSSES, OUTPUTS, FlatNetwork, Rows, forward
from .minibatch import HeldOut, fit_epochs, fit_lbfgs, new_optimizer, packed_objective

PRECISIONS = (np.float64, np.float32)

Constraints = dict[str, list[Any]]

NONFINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
)


def stochastic(model: Any) -> bool:
    """Return whether a model is trained in minibatches, or raise AttributeError: what `partial_fit` is hidden by."""
    if model.solver in ("sgd", "adam"):
        return True
    raise AttributeError(f"partial_fit is only available for solver 'sgd' or 'adam'; this one is {model.solver!r}")


class Perceptron(BaseEstimator):
    """A multilayer perceptron with scikit-learn's settings and course of training; see its two subclasses."""

    _parameter_constraints: ClassVar[Constraints] = {
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
    loss_: float
    coefs_: list[Array]
    intercepts_: list[Array]

    @classmethod
    def from_sklearn(cls, fitted: Any) -> Any:
        """Return scikit-learn's fitted estimator of the same name as one of ours, which predicts and trains on alike.

        `partial_fit`, and `fit` with warm_start=True, go on from where it stands, the optimizer's memory included.
        SettingError for any other object and for one that is not fitted; of a pipeline hand over the last step.
        """
        return adopted(cls(), fitted)

    # The course of fit ----------------------------------------------------------------------------------------------

    def _fit(self, X: Any, y: Any, sample_weight: Any, once: bool = False) -> None:
        self._validate_params()
        hidden = layer_sizes(self.hidden_layer_sizes)
        if once and self.early_stopping:
            raise SettingError("partial_fit does not support early_stopping=True: hold out samples yourself")
        if self.dropout and self.solver == "lbfgs":
            raise SettingError("dropout draws masks for every batch, lbfgs takes all rows at once: choose adam or sgd")
        first = not (hasattr(self, "coefs_") and (self.warm_start or once))
        X, y = self._validate_input(X, y, once, first)
        rows = Rows(X.tocsr() if issparse(X) else np.ascontiguousarray(X), y, self._weights(sample_weight, X, y, once))
        rng = check_random_state(self.random_state)
        if first:
            self._initialize([X.shape[1], *hidden, y.shape[1]], X.dtype, rng)
        if len(self.intercepts_[-1]) != y.shape[1]:
            raise SettingError(f"y has {y.shape[1]} outputs, the model was fitted with {len(self.intercepts_[-1])}")
        with np.errstate(all="ignore"):
            self._train(rows, rng, once)
        if not all(np.isfinite(part).all() for part in (*self.coefs_, *self.intercepts_)):
            raise SettingError(NONFINITE)
        if not math.isfinite(getattr(self, "loss_", 0.0)):
            warnings.warn(f"the loss is {self.loss_}: scale X and y", ConvergenceWarning, stacklevel=3)

    def _initialize(self, sizes: list[int], dtype: Any, rng: Any) -> None:
        draw = init.glorot_logistic if self.activation == "logistic" else init.glorot
        drawn = [draw(rng, n_in, n_out) for n_in, n_out in pairwise(sizes)]
        self.coefs_ = [W.T.astype(dtype) for W, b in drawn]
        self.intercepts_ = [b.astype(dtype) for W, b in drawn]
        self.n_outputs_ = sizes[-1]
        self.n_layers_ = len(sizes)
        self.out_activation_ = LOSSES[self._loss_name()].output
        self.t_ = 0
        for name in ("loss_curve_", "_optimizer", *self._watched()):
            self.__dict__.pop(name, None)

    def _watched(self) -> dict[str, Any]:
        """Return what patience is measured by, as it stands before the first epoch."""
        held_out = self.early_stopping
        return {
            "best_loss_": None if held_out else math.inf,
            "best_validation_score_": -math.inf if held_out else None,
            "validation_scores_": [] if held_out else None,
            "validation_loss_curve_": [] if held_out else None,
            "_best_parameters": None,
            "_no_improvement_count": 0,
        }

    def _train(self, rows: Rows, rng: Any, once: bool) -> None:
        dtype = self.coefs_[0].dtype
        exact = self.solver == "lbfgs"
        flat = FlatNetwork.of(self.coefs_, self.intercepts_, self.activation, dtype, exact)
        self.coefs_, self.intercepts_ = flat.coefs, flat.biases
        self.n_iter_ = 0
        if self.solver == "lbfgs":
            fit_lbfgs(self, flat, rows)
            self.coefs_, self.intercepts_ = ([p.astype(dtype) for p in part] for part in (flat.coefs, flat.biases))
            return
        if not (once and hasattr(self, "_optimizer")):
            self._optimizer = new_optimizer(self)
        self.loss_curve_ = getattr(self, "loss_curve_", [])
        if not hasattr(self, "best_loss_") or (self.best_loss_ is None) != self.early_stopping:
            self.__dict__.update(self._watched())
        rows, held_out = self._hold_out(rows, rng) if self.early_stopping else (rows, None)
        fit_epochs(self, flat, rows, held_out, rng, once)

    def _hold_out(self, rows: Rows, rng: Any) -> tuple[Rows, HeldOut]:
        """Split off the validation samples, class by class where the targets are one column of a class each."""
        if not self.validation_fraction:
            raise SettingError("validation_fraction must be above 0 with early_stopping=True, got 0")
        given = [part for part in rows if part is not None]
        classes = self._strata(rows.y)
        parts = train_test_split(*given, test_size=self.validation_fraction, stratify=classes, random_state=rng)
        train, held = (Rows(*half, *[None] * (3 - len(half))) for half in (parts[::2], parts[1::2]))
        if len(held.y) < 2:
            raise SettingError(
                f"The validation set is too small. {len(rows.y)} samples with validation_fraction="
                f"{self.validation_fraction} leave {len(held.y)} for validation, which needs 2: raise either"
            )
        return train, HeldOut(held, self._scorer(held))

    # Use ------------------------------------------------------------------------------------------------------------

    def _checked(self, X: Any) -> Any:
        check_is_fitted(self)
        return validate_data(self, X, accept_sparse=("csr", "csc"), dtype=PRECISIONS, reset=False)

    def _logits(self, X: Any) -> Array:
        with np.errstate(all="ignore"):
            return forward(self.coefs_, self.intercepts_, X, self.activation)

    def _outputs(self, X: Any) -> Array:
        return np.asarray(OUTPUTS[self.out_activation_](self._logits(X)))

    def _saliency(self, X: Any, seed: Callable[[Array], Array]) -> Array:
        """Return the gradient, with respect to the inputs, of each sample's outputs combined as `seed` of them says."""
        X = self._checked(X)
        x = Tensor(X.toarray() if issparse(X) else X)
        p = OUTPUTS[self.out_activation_](
            FlatNetwork.of(self.coefs_, self.intercepts_, self.activation, x.dtype).logits(x)
        )
        p.backward(seed(p.data))
        return np.asarray(x.grad)

    @property
    def model_(self) -> layers.MLP:
        """The network itself: an `nn.MLP` of `Dense` layers with a copy of the parameters, W of shape (d_out, d_in).

        It maps an array of samples to predictions (probabilities for a classifier, a single one where there are two
        classes). `model_.scalars()` is the same network on Values: called with one sample it records a graph to draw
        and to explain.
        """
        check_is_fitted(self)
        return network_of(self)

    def _loss_grad_lbfgs(self, theta: Array, X: Any, y: Any, sample_weight: Any = None, *unused: Any) -> Any:
        """Return what L-BFGS sees: the loss at parameters in the order of coefs_, intercepts_, and its gradient."""
        flat = FlatNetwork.of(self.coefs_, self.intercepts_, self.activation, np.float64, exact=True)
        rows = Rows(X, np.asarray(y).astype(X.dtype, copy=False), sample_weight)
        return packed_objective(self, flat, rows)(theta)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def layer_sizes(hidden: Any) -> list[int]:
    """Return the widths of the hidden layers as ints: one number is one layer; SettingError names what does not fit."""
    given = list(hidden) if hasattr(hidden, "__iter__") else [hidden]
    for i, size in enumerate(given):
        if isinstance(size, bool) or not isinstance(size, Integral):
            raise SettingError(f"hidden_layer_sizes must be integers from 1 on, got {size!r} at position {i}")
    sizes = [int(size) for size in given]
    if any(size < 1 for size in sizes):
        raise SettingError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return sizes


def targets(y: Any) -> Array:
    """Return targets as a matrix with a column per output, in float64 or float32."""
    y = y.toarray() if issparse(y) else y
    columns: Array = (y if y.dtype in PRECISIONS else y.astype(np.float64)).reshape(len(y), -1)
    return columns


def flat(y: Any) -> Any:
    """Return targets of shape (n, 1) as (n,), with scikit-learn's warning."""
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def one_hot(columns: Array, like: Array) -> Array:
    """Return zeros in the shape of `like`, with a 1 in the given column of each row."""
    rows = np.zeros_like(like)
    rows[np.arange(len(rows)), columns] = 1
    return rows


def weights_of(sample_weight: Any, X: Any) -> Array | None:
    """Return checked sample weights: one per row, finite, none negative, not all 0."""
    if sample_weight is None:
        return None
    weights: Array = _check_sample_weight(sample_weight, X, ensure_non_negative=True)
    return weights
