"""MLPClassifier and MLPRegressor: scikit-learn's perceptrons, setting for setting, with gradients from this engine."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from autograd_mini import ShapeError
from autograd_mini.data import Array

from ..errors import SettingError
from .base import PRECISIONS, Constraints, Perceptron, flat, one_hot, stochastic, targets, weights_of
from .flat_network import Rows

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
    """scikit-learn's MLPClassifier: a multilayer perceptron that is trained on the log-loss of its class probabilities.

    Settings, attributes and methods are scikit-learn's (1.9), and so is every number at the same `random_state`.
    docs/estimators.md lists the ten exceptions, all of them faults mended. Settings of our own:

    - class_weight: {label: weight}, "balanced" for n / (classes * count), a list of dicts (one per label) for
      multilabel targets, or None. It multiplies sample_weight.
    - dropout: the probability in [0, 1) with which a hidden unit is left out of a training batch (not with lbfgs).
    - callback: called with the estimator after each epoch, or iteration of lbfgs; True from it ends the training.

    Attributes of our own: `model_`, the network; `validation_loss_curve_` with early stopping.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((10,), "tanh", solver="lbfgs", random_state=1, max_iter=2000).fit(X, y)
    >>> model.score(X, y) > 0.97, model.predict([[5.0, 3.4, 1.5, 0.2]])
    (True, array([0]))
    """

    loss: str = "log_loss"
    classes_: Array
    _parameter_constraints: ClassVar[Constraints] = {
        **Perceptron._parameter_constraints,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    # fmt: off
    def __init__(
        self, hidden_layer_sizes: Any = (100,), activation: str = "relu", *, solver: str = "adam",
        alpha: float = 0.0001, batch_size: Any = "auto", learning_rate: str = "constant",
        learning_rate_init: float = 0.001, power_t: float = 0.5, max_iter: int = 200, shuffle: bool = True,
        random_state: Any = None, tol: float = 1e-4, verbose: bool = False, warm_start: bool = False,
        momentum: float = 0.9, nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        n_iter_no_change: float = 10, max_fun: int = 15000, class_weight: Any = None, dropout: float = 0.0,
        callback: Any = None,
    ) -> None:
        keep(self, locals())
    # fmt: on

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Train on X of shape (n, d), dense or sparse, and labels y: (n,), or an indicator (n, labels); return self.

        `sample_weight` has shape (n,), no entry negative, not all 0. Anything else that does not fit, and a training
        that ends with parameters that are not finite, is a ValueError. Ctrl-C ends the training with a warning and a
        usable model.
        """
        self._fit(X, y, sample_weight)
        return self

    @available_if(stochastic)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
        """Train for one epoch on these samples; the first call names all `classes`. Not with solver="lbfgs"."""
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
        """Return the most probable label of each sample, or for multilabel targets an indicator of each p > 0.5."""
        return self._labels(self._outputs(self._checked(X)))

    def predict_proba(self, X: Any) -> Array:
        """Return probabilities of shape (n, classes), columns in the order of classes_; a single class has 1."""
        p = self._outputs(self._checked(X))
        if len(self.classes_) == 1:
            return np.ones_like(p)
        return np.hstack([1 - p, p]) if self.n_outputs_ == 1 else p

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of predict_proba, -inf where that is 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def input_gradient(self, X: Any, label: Any = None) -> Array:
        """Return dp/dx of shape (n, d): how each input moves the probability of `label`, or of the most probable class.

        `label` is one class for all rows, or one for each row. A single class has the probability 1, whose slope is 0.
        A saliency map (Simonyan, Vedaldi & Zisserman, "Deep inside convolutional networks", 2014, section 3), from one
        backward sweep. For multilabel targets a label is its column.
        """
        check_is_fitted(self)
        columns = None if label is None else self._columns(label)
        return self._saliency(X, lambda p: self._seed(p, columns))

    def _columns(self, label: Any) -> Array:
        """Return the column of a class, or of the class of each row."""
        given = np.asarray(label)
        same = self.classes_ == given[..., None]
        bad = ~np.any(same, axis=-1)
        if given.ndim > 1 or np.any(bad):
            wrong = repr(label) if given.ndim != 1 else f"{given[bad][0]!s} for row {int(np.argmax(bad))}"
            raise SettingError(f"label must be one of the classes {self.classes_}, or one a row; got {wrong}")
        found: Array = np.argmax(same, axis=-1)
        return found

    def _seed(self, p: Array, columns: Array | None) -> Array:
        """Return d(probability of the chosen class)/dp for each row, the most probable class where none is chosen."""
        if columns is not None and columns.shape not in ((), (len(p),)):
            raise ShapeError(f"label must be one class for all rows, or one a row: {len(columns)} for {len(p)} rows")
        if len(self.classes_) == 1:
            return np.zeros_like(p)
        if self.n_outputs_ > 1:
            return one_hot(np.broadcast_to(p.argmax(axis=1) if columns is None else columns, len(p)), p)
        positive = p > 0.5 if columns is None else np.broadcast_to(np.reshape(columns, (-1, 1)) == 1, p.shape)
        return np.where(positive, 1, -1).astype(p.dtype)

    def _validate_input(self, X: Any, y: Any, once: bool, first: bool) -> tuple[Any, Array]:
        X, y = validate_data(self, X, y, accept_sparse=("csr", "csc"), multi_output=True, dtype=PRECISIONS, reset=first)
        y = flat(y)
        if not once and (first or not hasattr(self, "classes_")):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_classes(unique_labels(y), once)
        return X, self._targets(y, X.dtype)

    def _targets(self, y: Any, dtype: Any) -> Array:
        """Return labels as a column of 0 and 1, or as a column per class: what the binarizer makes of them, looked up.

        It looks at y again, which takes it longer than several steps; at an indicator it shall.
        """
        if y.ndim > 1:
            return targets(self._label_binarizer.transform(y)).astype(dtype)
        found = np.searchsorted(self.classes_, y)
        if self._loss_name() == "softmax":
            return one_hot(found, np.empty((len(y), len(self.classes_)), dtype))
        return found[:, None].astype(dtype)

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
        of_class = self._class_weights(y)
        weights = of_class if weights is None else weights * of_class
        if not weights.sum() > 0.0:
            raise SettingError(f"class_weight={self.class_weight!r} leaves no sample with a weight above 0")
        return weights

    def _class_weights(self, y: Array) -> Array:
        """Return for each sample the weight of its class, or the product over its labels."""
        given = self.class_weight
        multilabel = self._label_binarizer.y_type_.startswith("multilabel")
        if isinstance(given, list) and not (multilabel and all(isinstance(entry, dict) for entry in given)):
            kinds = "a dict or 'balanced'; a list of dicts, one per label, is for multilabel targets"
            raise SettingError(f"class_weight must be {kinds}. Got {given!r}")
        try:
            weights: Array = compute_sample_weight(given, self._labels(y))
        except (TypeError, ValueError) as error:
            raise SettingError(f"class_weight={given!r} does not fit: {error}") from None
        if not (np.isfinite(weights) & (weights >= 0.0)).all():
            raise SettingError(f"class_weight must hold finite numbers from 0 on, got {given!r}")
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
    """scikit-learn's MLPRegressor: a multilayer perceptron that is trained on the squared error or the Poisson loss.

    Settings, attributes and methods are scikit-learn's (1.9), and so is every number at the same `random_state`.
    docs/estimators.md lists the ten exceptions, all of them faults mended. Settings of our own:

    - loss="sum_squared_error": what "squared_error" differentiates, reported as such. With k outputs scikit-learn's
      "squared_error" reports the mean over the outputs and follows the gradient of their sum, which is k times as long.
    - dropout: the probability in [0, 1) with which a hidden unit is left out of a training batch (not with lbfgs).
    - callback: called with the estimator after each epoch, or iteration of lbfgs; True from it ends the training.

    Attributes of our own: `model_`, the network; `validation_loss_curve_` with early stopping.

    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(n_samples=60, n_features=3, random_state=1)
    >>> model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0).fit(X, y)
    >>> round(model.score(X, y), 6), model.input_gradient(X[:1]).shape
    (1.0, (1, 3))
    """

    loss: str
    _parameter_constraints: ClassVar[Constraints] = {
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
        """Train on X of shape (n, d), dense or sparse, and targets y of shape (n,) or (n, outputs); return self.

        `sample_weight` has shape (n,), no entry negative, not all 0. Anything else that does not fit, and a training
        that ends with parameters that are not finite, is a ValueError. Ctrl-C ends the training with a warning and a
        usable model.
        """
        self._fit(X, y, sample_weight)
        return self

    @available_if(stochastic)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train for one epoch on these samples. Not with solver="lbfgs"."""
        self._fit(X, y, sample_weight, once=True)
        return self

    def predict(self, X: Any) -> Array:
        """Return predictions of shape (n,), or (n, outputs) where there are several."""
        p = self._outputs(self._checked(X))
        return p.ravel() if p.shape[1] == 1 else p

    def input_gradient(self, X: Any, output: int = 0) -> Array:
        """Return dp/dx of shape (n, d): how each input moves the prediction, the one in column `output` of several.

        A saliency map (Simonyan, Vedaldi & Zisserman, "Deep inside convolutional networks", 2014, section 3), from one
        backward sweep.
        """
        check_is_fitted(self)
        if not isinstance(output, Integral) or not 0 <= output < self.n_outputs_:
            raise SettingError(f"output must be an integer from 0 to {self.n_outputs_ - 1}, got {output!r}")
        return self._saliency(X, lambda p: one_hot(np.full(len(p), output), p))

    def _validate_input(self, X: Any, y: Any, once: bool, first: bool) -> tuple[Any, Array]:
        X, y = validate_data(
            self, X, y, accept_sparse=("csr", "csc"), multi_output=True, y_numeric=True, dtype=PRECISIONS, reset=first
        )
        if y.dtype.kind not in "fiub":
            raise SettingError(f"y must be numbers, got an array of {y.dtype}")
        y = targets(flat(y))
        if not np.isfinite(y).all():
            raise SettingError(f"y must be finite numbers: row {np.argwhere(~np.isfinite(y))[0][0]} is not")
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
