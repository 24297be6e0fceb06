"""MLPClassifier and MLPRegressor: scikit-learn's perceptrons, setting for setting, with gradients from this engine."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np

from autograd_mini.data import Array

from .chain import Rows
from .errors import SettingError
from .perceptron import PRECISIONS, Perceptron, flat, stochastic, targets, weights_of

# isort: split
# `perceptron` has said what to install if scikit-learn is missing.
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target, unique_labels
from sklearn.utils.validation import check_is_fitted, validate_data


class MLPClassifier(ClassifierMixin, Perceptron):
    loss = "log_loss"
    _parameter_constraints = {**Perceptron._parameter_constraints, "class_weight": [dict, list, StrOptions({"balanced"}), None]}

    # fmt: off
    def __init__(
        self, hidden_layer_sizes: Any = (100,), activation: str = "relu", *, solver: str = "adam", alpha: float = 0.0001,
        batch_size: Any = "auto", learning_rate: str = "constant", learning_rate_init: float = 0.001, power_t: float = 0.5,
        max_iter: int = 200, shuffle: bool = True, random_state: Any = None, tol: float = 1e-4, verbose: bool = False,
        warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        n_iter_no_change: float = 10, max_fun: int = 15000, class_weight: Any = None, dropout: float = 0.0,
        callback: Any = None,
    ) -> None:
        keep(self, locals())
    # fmt: on

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        self._fit(X, y, sample_weight)
        return self

    @available_if(stochastic)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        self._validate_params()
        if self._meet(classes):
            labels = y if type_of_target(y).startswith("multilabel") else self.classes_
            self._label_binarizer = LabelBinarizer().fit(labels)
        self._fit(X, y, sample_weight, once=True)
        return self

    def _meet(self, classes: Any) -> bool:
        """Note the classes that partial_fit will see; return whether this is the first call."""
        first = not hasattr(self, "classes_")
        if classes is None:
            if first:
                raise SettingError("classes must be given on the first call to partial_fit: later calls may lack some")
            return False
        labels = unique_labels(classes)
        if not first and not np.array_equal(labels, self.classes_):
            raise SettingError(f"classes={labels} is not what the first call to partial_fit was given: {self.classes_}")
        self.classes_ = labels
        return first

    def predict(self, X: Any) -> Any:
        return self._labels(self._outputs(self._checked(X)))

    def predict_proba(self, X: Any) -> Array:
        p = self._outputs(self._checked(X))
        if len(self.classes_) == 1:
            return np.ones_like(p)
        return np.hstack([1 - p, p]) if self.n_outputs_ == 1 else p

    def predict_log_proba(self, X: Any) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def input_gradient(self, X: Any, label: Any = None) -> Array:
        column = None if label is None else self._column(label)
        return self._saliency(X, lambda p: self._seed(p, column))

    def _column(self, label: Any) -> int:
        places = np.flatnonzero(self.classes_ == label)
        if not len(places):
            raise SettingError(f"label must be one of the classes {self.classes_}, got {label!r}")
        return int(places[0])

    def _seed(self, p: Array, column: int | None) -> Array:
        """Return d(probability of the chosen class)/dp for each row, the most probable class where none is chosen."""
        if self.n_outputs_ > 1:
            chosen = p.argmax(axis=1) if column is None else column
            return np.eye(self.n_outputs_, dtype=p.dtype)[np.broadcast_to(chosen, len(p))]
        positive = p > 0.5 if column is None else np.full_like(p, column, dtype=bool)
        return np.where(positive, 1, -1).astype(p.dtype)

    def _validate_input(self, X: Any, y: Any, once: bool, first: bool) -> tuple[Any, Array]:
        X, y = validate_data(self, X, y, accept_sparse=("csr", "csc"), multi_output=True, dtype=PRECISIONS, reset=first)
        y = flat(y)
        if not once and (first or not hasattr(self, "classes_")):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_classes(unique_labels(y), once)
        return X, targets(self._label_binarizer.transform(y)).astype(X.dtype)

    def _check_classes(self, labels: Array, once: bool) -> None:
        if not once and set(labels) != set(self.classes_):
            raise SettingError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {labels}"
            )
        unseen = np.setdiff1d(labels, self.classes_)
        if len(unseen):
            raise SettingError(f"y has the classes {unseen}, which are not among classes_: {self.classes_}")

    def _weights(self, sample_weight: Any, X: Any, y: Array, once: bool) -> Array | None:
        weights = weights_of(sample_weight, X)
        if self.class_weight is None:
            return weights
        if once and self.class_weight == "balanced":
            raise SettingError("class_weight='balanced' needs all samples at once: give partial_fit a dict, or use fit")
        of_class = compute_sample_weight(self.class_weight, self._labels(y))
        weights = of_class if weights is None else weights * of_class
        if not weights.sum() > 0.0:
            raise SettingError(f"class_weight={self.class_weight!r} leaves no sample with a weight above 0")
        return weights

    def _loss_name(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _labels(self, p: Array) -> Any:
        return self._label_binarizer.inverse_transform(p.ravel() if p.shape[1] == 1 else p)

    def _strata(self, y: Array) -> Array | None:
        return y.astype(bool) if y.shape[1] == 1 else None

    def _scorer(self, held: Rows) -> Callable[[Array], float]:
        labels = self._labels(held.y)
        return lambda p: float(accuracy_score(labels, self._labels(p), sample_weight=held.weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MLPRegressor(RegressorMixin, Perceptron):
    _parameter_constraints = {
        **Perceptron._parameter_constraints,
        "loss": [StrOptions({"squared_error", "sum_squared_error", "poisson"})],
    }

    # fmt: off
    def __init__(
        self, loss: str = "squared_error", hidden_layer_sizes: Any = (100,), activation: str = "relu", *,
        solver: str = "adam", alpha: float = 0.0001, batch_size: Any = "auto", learning_rate: str = "constant",
        learning_rate_init: float = 0.001, power_t: float = 0.5, max_iter: int = 200, shuffle: bool = True,
        random_state: Any = None, tol: float = 1e-4, verbose: bool = False, warm_start: bool = False,
        momentum: float = 0.9, nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        n_iter_no_change: float = 10, max_fun: int = 15000, dropout: float = 0.0, callback: Any = None,
    ) -> None:
        keep(self, locals())
    # fmt: on

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        self._fit(X, y, sample_weight)
        return self

    @available_if(stochastic)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        self._fit(X, y, sample_weight, once=True)
        return self

    def predict(self, X: Any) -> Array:
        p = self._outputs(self._checked(X))
        return p.ravel() if p.shape[1] == 1 else p

    def input_gradient(self, X: Any, output: int = 0) -> Array:
        check_is_fitted(self)
        if not isinstance(output, Integral) or not 0 <= output < self.n_outputs_:
            raise SettingError(f"output must be an integer from 0 to {self.n_outputs_ - 1}, got {output!r}")
        return self._saliency(X, lambda p: np.eye(self.n_outputs_, dtype=p.dtype)[np.full(len(p), output)])

    def _validate_input(self, X: Any, y: Any, once: bool, first: bool) -> tuple[Any, Array]:
        X, y = validate_data(
            self, X, y, accept_sparse=("csr", "csc"), multi_output=True, y_numeric=True, dtype=PRECISIONS, reset=first
        )
        if y.dtype.kind not in "fiub":
            raise SettingError(f"y must be numbers, got an array of {y.dtype}")
        y = targets(flat(y))
        if self.loss == "poisson" and (y < 0.0).any():
            raise SettingError(f"y must not be negative with loss='poisson': row {np.argwhere(y < 0.0)[0][0]} is")
        return X, y

    def _weights(self, sample_weight: Any, X: Any, y: Array, once: bool) -> Array | None:
        return weights_of(sample_weight, X)

    def _loss_name(self) -> str:
        return self.loss

    def _strata(self, y: Array) -> None:
        """Numbers have no classes to keep in proportion."""

    def _scorer(self, held: Rows) -> Callable[[Array], float]:
        return lambda p: float(r2_score(held.y, p, sample_weight=held.weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def keep(model: Any, settings: dict[str, Any]) -> None:
    """Store a constructor's arguments untouched, as scikit-learn's `clone` and `set_params` expect."""
    for name in model._get_param_names():
        setattr(model, name, settings[name])
