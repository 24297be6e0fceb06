"""Fitted perceptrons of scikit-learn: as networks with the same predictions, and as estimators of ours that go on."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is an extra, and needs Python 3.11")

from sklearn import decomposition, feature_selection, linear_model, neural_network, preprocessing  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.pipeline import Pipeline, make_pipeline  # noqa: E402

import nn  # noqa: E402
from autograd_mini import ShapeError, Value  # noqa: E402
from nn.imports.preprocessing import TRANSFORMERS  # noqa: E402

X, y = load_iris(return_X_y=True)
TASKS: dict[str, tuple[str, Any]] = {
    "three classes": ("MLPClassifier", y),
    "two classes": ("MLPClassifier", y > 0),
    "two labels": ("MLPClassifier", np.stack([y > 0, X[:, 0] > 6.0], axis=1).astype(int)),
    "one number": ("MLPRegressor", X[:, 0] * X[:, 1]),
    "two numbers": ("MLPRegressor", X[:, :2]),
}
SCALERS: dict[str, Any] = {
    "standard": preprocessing.StandardScaler(),
    "standard without mean": preprocessing.StandardScaler(with_mean=False),
    "standard without std": preprocessing.StandardScaler(with_std=False),
    "min max": preprocessing.MinMaxScaler((-1.0, 2.0)),
    "min max, clipped": preprocessing.MinMaxScaler(clip=True),
    "max abs": preprocessing.MaxAbsScaler(),
    "max abs, clipped": preprocessing.MaxAbsScaler(clip=True),
    "robust": preprocessing.RobustScaler(),
    "components": decomposition.PCA(3),
    "whitened components": decomposition.PCA(2, whiten=True),
    "chosen": feature_selection.SelectKBest(k=2),
    "varying": feature_selection.VarianceThreshold(0.3),
    "nothing": "passthrough",
}


@pytest.fixture(autouse=True)
def _few_iterations_are_enough():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def fitted(task: str, module: Any = neural_network, **settings: Any) -> Any:
    name, target = TASKS[task]
    settings = {"hidden_layer_sizes": (5, 4), "random_state": 1, "max_iter": 30, **settings}
    return getattr(module, name)(**settings).fit(X, target)


def predictions(model: Any, rows: Any) -> Any:
    """What a network is to give: probabilities of the second class alone, of all, or numbers, in columns."""
    p = model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows)
    classes = getattr(model, "classes_", [])
    return p[:, 1:] if len(classes) == 2 and getattr(model, "n_outputs_", 1) == 1 else p.reshape(len(rows), -1)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("module", [neural_network, nn], ids=["theirs", "ours"])
def test_the_network_predicts_what_the_estimator_does(module: Any, task: str, activation: str) -> None:
    model = fitted(task, module, activation=activation)
    net = nn.from_sklearn(model)
    np.testing.assert_allclose(net(X).data, predictions(model, X), rtol=1e-13, atol=1e-15)
    scalars = net.scalars()(list(X[7]))
    values = [v.data for v in (scalars if isinstance(scalars, list) else [scalars])]
    np.testing.assert_allclose(values, predictions(model, X[7:8])[0], rtol=1e-12, atol=1e-15)


def test_a_poisson_regressor_ends_with_an_exponential() -> None:
    model = neural_network.MLPRegressor("poisson", (4,), random_state=0, max_iter=30).fit(X, y)
    np.testing.assert_allclose(nn.from_sklearn(model)(X).data[:, 0], model.predict(X), rtol=1e-13)


@pytest.mark.parametrize("name", SCALERS)
def test_a_pipeline_becomes_one_network_that_takes_its_raw_inputs(name: str) -> None:
    model = make_pipeline(SCALERS[name], neural_network.MLPClassifier((4,), max_iter=30, random_state=0)).fit(X, y)
    rows = np.concatenate([X, X[:5] * 3.0])  # some beyond what it was fitted on
    net = nn.from_sklearn(model)
    np.testing.assert_allclose(net(rows).data, model.predict_proba(rows), rtol=1e-12, atol=1e-15)
    one = [v.data for v in net.scalars()([Value(x) for x in rows[-1]])]
    np.testing.assert_allclose(one, model.predict_proba(rows[-1:])[0], rtol=1e-11, atol=1e-15)


def test_every_transformer_that_has_a_twin_is_tried() -> None:
    assert {type(t).__name__ for t in SCALERS.values()} - {"str"} == set(TRANSFORMERS)


def test_pipelines_in_pipelines_are_unpacked_and_bits_are_kept() -> None:
    inner = make_pipeline(preprocessing.StandardScaler(), preprocessing.RobustScaler())
    model = make_pipeline(inner, neural_network.MLPClassifier((4,), max_iter=30, random_state=0)).fit(X, y)
    rows = nn.from_sklearn(model).layers[0](X)
    assert (rows.data if hasattr(rows, "data") else rows).tobytes() == inner.transform(X).tobytes()


def test_gradients_reach_the_raw_inputs() -> None:
    model = make_pipeline(preprocessing.StandardScaler(), neural_network.MLPClassifier((4,), max_iter=30)).fit(X, y)
    net, x, h = nn.from_sklearn(model), [Value(float(v)) for v in X[3]], 1e-6
    net.scalars()(x)[0].backward()
    for j in range(4):
        step = h * np.eye(4)[j]
        slope = np.diff(model.predict_proba([X[3] - step, X[3] + step])[:, 0])[0] / (2 * h)
        assert abs(slope - x[j].grad) < 1e-7


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (linear_model.LinearRegression(), "the model is a LinearRegression: expected an MLPClassifier"),
        (None, "the model is a NoneType"),
        (neural_network.MLPClassifier(), "this MLPClassifier has no weights yet: call fit first"),
        (
            make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()),
            "'logisticregression', is a",
        ),
    ],
)
def test_what_is_no_fitted_perceptron_is_named(model: Any, words: str) -> None:
    with pytest.raises(nn.SettingError, match=re.escape(words)):
        nn.from_sklearn(model)


def test_a_step_that_has_no_twin_or_is_not_fitted_is_named() -> None:
    last = fitted("three classes")
    for step, words in (
        (
            preprocessing.PolynomialFeatures(),
            "the step 'odd' of the pipeline is a PolynomialFeatures, which has no twin",
        ),
        (preprocessing.StandardScaler(), "the step 'odd' of the pipeline, a StandardScaler, is not fitted"),
    ):
        with pytest.raises(nn.SettingError, match=words):
            nn.from_sklearn(Pipeline([("odd", step), ("net", last)]))


def test_a_network_of_a_pipeline_names_rows_of_another_width() -> None:
    model = make_pipeline(preprocessing.StandardScaler(), neural_network.MLPClassifier((4,), max_iter=5)).fit(X, y)
    net = nn.from_sklearn(model)
    for x in (X[:, :3], [1.0, 2.0]):
        with pytest.raises(ShapeError, match="takes 4 inputs, got"):
            net(x)


# Training that goes on ------------------------------------------------------------------------------------------------

SOLVERS: dict[str, dict[str, Any]] = {
    "adam": {},
    "sgd": {"solver": "sgd", "momentum": 0.5},
    "sgd, slower and slower": {"solver": "sgd", "learning_rate": "invscaling", "nesterovs_momentum": False},
    "sgd, adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0, "n_iter_no_change": 1},
}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("task", TASKS)
def test_partial_fit_goes_on_as_it_would_have_there(task: str, solver: str) -> None:
    name, target = TASKS[task]
    theirs = getattr(neural_network, name)(hidden_layer_sizes=(5,), random_state=2, **SOLVERS[solver])
    labels = [0, 1] if np.ndim(target) == 2 else np.unique(target)
    classes = {"classes": labels} if name == "MLPClassifier" else {}
    for _ in range(4):
        theirs.partial_fit(X, target, **classes)
    ours = getattr(nn, name).from_sklearn(theirs)
    np.testing.assert_allclose(predictions(ours, X), predictions(theirs, X), rtol=1e-13, atol=1e-15)
    for _ in range(4):
        theirs.partial_fit(X, target)
        ours.partial_fit(X, target)
    np.testing.assert_allclose(predictions(ours, X), predictions(theirs, X), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-11)


@pytest.mark.parametrize("settings", [{}, {"solver": "lbfgs"}, {"solver": "sgd"}], ids=str)
def test_a_warm_start_goes_on_as_it_would_have_there(settings: dict[str, Any]) -> None:
    theirs = fitted("two numbers", warm_start=True, **settings)
    ours = nn.MLPRegressor.from_sklearn(theirs)
    for model in (ours, theirs):
        model.fit(X, X[:, :2])
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-7)


def test_the_original_is_left_as_it_was() -> None:
    theirs = fitted("three classes", warm_start=True)
    before = [W.copy() for W in theirs.coefs_]
    nn.MLPClassifier.from_sklearn(theirs).partial_fit(X, y)
    assert all(np.array_equal(W, was) for W, was in zip(theirs.coefs_, before))


def test_what_was_fitted_with_early_stopping_keeps_its_best_parameters() -> None:
    theirs = fitted("one number", early_stopping=True)
    ours = nn.MLPRegressor.from_sklearn(theirs)
    assert ours.validation_scores_ == theirs.validation_scores_
    np.testing.assert_array_equal(
        ours._best_parameters, np.concatenate([*map(np.ravel, theirs._best_coefs), *theirs._best_intercepts])
    )


def test_another_class_or_one_that_is_not_fitted_is_refused() -> None:
    for given, words in (
        (fitted("one number"), "MLPClassifier.from_sklearn takes scikit-learn's MLPClassifier, got MLPRegressor"),
        (make_pipeline(fitted("three classes")), "got Pipeline"),
        (neural_network.MLPClassifier(), "no weights yet"),
    ):
        with pytest.raises(nn.SettingError, match=words):
            nn.MLPClassifier.from_sklearn(given)
