"""Number for number as scikit-learn: loss curves, predictions and counters at the same random_state, over a table."""

import itertools
import warnings

import numpy as np
import pytest

import nn as ours

pytest.importorskip("sklearn", minversion="1.9")  # the version that we compare with: earlier ones differ in places
theirs = pytest.importorskip("sklearn.neural_network")
datasets = pytest.importorskip("sklearn.datasets")
train_test_split = pytest.importorskip("sklearn.model_selection").train_test_split

COUNTERS = ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_", "_no_improvement_count")
MEASURES = ("loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_")
PARAMETERS = ("coefs_", "intercepts_")


def binary():
    return datasets.make_classification(120, 8, random_state=3)


def multiclass():
    return datasets.load_iris(return_X_y=True)


def multilabel():
    return datasets.make_multilabel_classification(90, 10, n_classes=4, random_state=5)


def regression():
    X, y = datasets.make_regression(110, 7, noise=3.0, random_state=7)
    return X, y / y.std()


def multioutput():
    X, y = datasets.make_regression(100, 6, n_targets=3, random_state=9)
    return X, y / y.std()


def poisson():
    rng = np.random.RandomState(11)
    X = rng.randn(130, 5)
    return X, rng.poisson(np.exp(0.5 * X[:, 0] - 0.3 * X[:, 1])).astype(float)


TASKS = {
    binary: ("MLPClassifier", {}),
    multiclass: ("MLPClassifier", {}),
    multilabel: ("MLPClassifier", {}),
    regression: ("MLPRegressor", {}),
    multioutput: ("MLPRegressor", {}),
    poisson: ("MLPRegressor", {"loss": "poisson"}),
}

OPTIONS = {
    "two layers": {"hidden_layer_sizes": (9, 6)},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "no penalty": {"alpha": 0.0},
    "big penalty": {"alpha": 2.0},
    "batches of 32": {"batch_size": 32},
    "batches of 1": {"batch_size": 1, "max_iter": 3},
    "no shuffle": {"shuffle": False, "batch_size": 50},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.2, "max_iter": 40, "learning_rate_init": 0.02},
    "early stopping with patience 2": {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 60},
    "patience runs out": {"tol": 0.05, "max_iter": 80, "n_iter_no_change": 3},
    "adam's numbers": {"solver": "adam", "beta_1": 0.7, "beta_2": 0.99, "epsilon": 1e-4, "learning_rate_init": 0.01},
    "plain sgd": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.05},
    "momentum": {"solver": "sgd", "momentum": 0.8, "nesterovs_momentum": False, "learning_rate_init": 0.02},
    "nesterov": {"solver": "sgd", "momentum": 0.8, "learning_rate_init": 0.02, "batch_size": 40},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3, "learning_rate_init": 0.2},
    "adaptive": {
        "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.3, "n_iter_no_change": 1, "max_iter": 60,
        "tol": 0.01,
    },
}  # fmt: skip


def quiet(method, *args, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return method(*args, **settings)


def twins(task, **settings):
    """Return scikit-learn's estimator and ours for a task, with the same settings."""
    name, given = TASKS[task]
    settings = {"hidden_layer_sizes": (8,), "max_iter": 12, "random_state": 1} | given | settings
    return getattr(theirs, name)(**settings), getattr(ours, name)(**settings)


def assert_equal(reference, model, X, rtol=1e-10, of_losses=None):
    """Every counter exactly, every measure and prediction to rtol of the largest, losses to their own."""
    for name in COUNTERS:
        assert getattr(model, name, None) == getattr(reference, name, None), name
    for name in MEASURES + PARAMETERS:
        a, b = getattr(reference, name, None), getattr(model, name, None)
        assert (a is None) == (b is None), name
        for p, q in zip(a, b, strict=True) if isinstance(a, list) else [(a, b)] if a is not None else []:
            assert_close(p, q, of_losses or rtol if name in MEASURES else rtol, name)
    with np.errstate(divide="ignore"):
        for method in ("predict", "predict_proba", "predict_log_proba"):
            if hasattr(reference, method):
                p, q = getattr(reference, method)(X), getattr(model, method)(X)
                assert q.shape == p.shape
                assert q.dtype == (X.dtype if p.dtype.kind == "f" else p.dtype)
                # log(1 - p) has no digits left in float32: it is compared as the probability that it stands for
                assert_close(*(np.exp([p, q]) if method == "predict_log_proba" else [p, q]), rtol, method)


def assert_close(a, b, rtol, what):
    scale = np.abs(a).max(where=np.isfinite(a), initial=np.finfo(float).tiny)
    np.testing.assert_allclose(b, a, rtol=rtol, atol=rtol * scale, err_msg=what)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_every_solver_activation_and_task(task, solver, activation):
    X, y = task()
    reference, model = (quiet(m.fit, X, y) for m in twins(task, solver=solver, activation=activation))
    assert_equal(reference, model, X)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("option", OPTIONS)
def test_every_option(task, option):
    X, y = task()
    reference, model = (quiet(m.fit, X, y) for m in twins(task, **OPTIONS[option]))
    assert_equal(reference, model, X)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("option", ["two layers", "early stopping", "adaptive", "batches of 32"])
def test_sample_weights(task, option):
    X, y = task()
    weights = np.random.RandomState(0).uniform(0.1, 3.0, len(X))
    reference, model = (quiet(m.fit, X, y, weights) for m in twins(task, **OPTIONS[option]))
    assert_equal(reference, model, X)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_warm_start(task, solver):
    X, y = task()
    for again in ({}, {"max_iter": 5}, {"learning_rate_init": 0.01, "random_state": 4}):
        pair = twins(task, solver=solver, warm_start=True, max_iter=4)
        for m in pair:
            quiet(m.fit, X, y)
            quiet(m.set_params(**again).fit, X, y)
        assert_equal(*pair, X)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("option", ["nesterov", "invscaling", "adam's numbers", "no shuffle"])
def test_partial_fit(task, option):
    X, y = task()
    known = {"classes": np.unique(y)} if TASKS[task][0] == "MLPClassifier" and y.ndim == 1 else {}
    known = known or ({"classes": np.arange(y.shape[1])} if task is multilabel else {})
    weights = np.random.RandomState(2).uniform(0.5, 2.0, len(X))
    pair = twins(task, **OPTIONS[option])
    for m in pair:
        quiet(m.partial_fit, X[:60], y[:60], **known)
        quiet(m.partial_fit, X[40:], y[40:])
        quiet(m.partial_fit, X, y, weights)
    assert_equal(*pair, X)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_float32(task, activation, solver):
    """To 1e-5. L-BFGS multiplies a difference in rounding by two to three with every iteration: each of ours is
    scikit-learn's, but for gradients beside float64 targets, which it computes in float64, and we in float32, and for
    losses of classes, which it computes in float32 from SciPy 1.18 on, and we in float64.
    """
    X, y = task()
    xlogy = pytest.importorskip("scipy.special").xlogy
    coarse = TASKS[task][0] == "MLPClassifier" and xlogy(True, np.float32(0.5)).dtype == np.float32
    for target in (y, y.astype(np.float32)) if TASKS[task][0] == "MLPRegressor" else (y,):
        X32 = X.astype(np.float32)
        pair = twins(task, solver=solver, activation=activation)
        reference, model = (quiet(m.fit, X32, target) for m in pair)
        rtol = 2e-4 if solver == "lbfgs" and (coarse or target.dtype == np.float64) else 1e-5
        assert_equal(reference, model, X32, rtol, 3 * rtol)
        assert {part.dtype for part in model.coefs_ + model.intercepts_} == {np.dtype(np.float32)}


@pytest.mark.parametrize("container", ["csr_matrix", "csc_matrix", "csr_array"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_inputs(container, solver):
    sparse = pytest.importorskip("scipy.sparse")
    X, y = multilabel()
    S = getattr(sparse, container)(X)
    reference, model = (quiet(m.fit, S, y) for m in twins(multilabel, solver=solver, batch_size=20))
    assert_equal(reference, model, S)


def test_a_random_state_instance_and_the_global_one_are_advanced_alike():
    X, y = regression()
    ends = []
    for m in twins(regression, early_stopping=True):
        rng = np.random.RandomState(5)
        quiet(m.set_params(random_state=rng).fit, X, y)
        np.random.seed(8)
        quiet(m.set_params(random_state=None).fit, X, y)
        ends.append((rng.randint(2**31), np.random.randint(2**31), m.loss_))
    assert ends[0][:2] == ends[1][:2]
    assert ends[0][2] == pytest.approx(ends[1][2], rel=1e-10)


def test_random_settings_agree():
    """Settings drawn at random, so that combinations nobody listed are met too."""
    rng = np.random.RandomState(21)
    for task, _ in itertools.product(TASKS, range(8)):
        X, y = task()
        settings = {
            "hidden_layer_sizes": tuple(rng.randint(1, 12, rng.randint(0, 4))),
            "activation": rng.choice(["identity", "logistic", "tanh", "relu"]),
            "solver": rng.choice(["adam", "sgd"]),
            "learning_rate": rng.choice(["constant", "invscaling", "adaptive"]),
            "alpha": 10.0 ** rng.uniform(-6, 0),
            "batch_size": int(rng.randint(3, 150)),
            "learning_rate_init": 10.0 ** rng.uniform(-4, -1.5),
            "momentum": rng.uniform(0, 0.95),
            "nesterovs_momentum": bool(rng.randint(2)),
            "early_stopping": bool(rng.randint(2)),
            "shuffle": bool(rng.randint(2)),
            "n_iter_no_change": int(rng.randint(1, 6)),
            "random_state": int(rng.randint(1000)),
        }
        weights = rng.uniform(0.0, 2.0, len(X)) if rng.randint(2) else None
        reference, model = (quiet(m.fit, X, y, weights) for m in twins(task, **settings))
        assert_equal(reference, model, X)


def test_the_textbooks_classifier():
    X, y = datasets.make_classification(n_samples=100, random_state=1)
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=1)
    reference, model = (
        m.MLPClassifier(hidden_layer_sizes=(100, 50), max_iter=300, random_state=1).fit(X, y) for m in (theirs, ours)
    )
    assert_equal(reference, model, X_test)
    assert (model.n_iter_, model.t_, model.score(X_test, y_test)) == (125, 9375, 0.88)
    assert model.loss_curve_[0] == pytest.approx(0.7501562145929115, rel=1e-10)
    assert model.predict_proba(X_test[:1])[0] == pytest.approx([0.018666872013444635, 0.9813331279865554], rel=1e-10)


def test_the_textbooks_regressor():
    X, y = datasets.make_regression(n_samples=200, random_state=1)
    X, X_test, y, y_test = train_test_split(X, y, random_state=1)
    reference, model = (
        m.MLPRegressor(hidden_layer_sizes=(128, 64), max_iter=1000, random_state=1).fit(X, y) for m in (theirs, ours)
    )
    assert_equal(reference, model, X_test)
    assert (model.n_iter_, model.t_) == (283, 42450)
    assert model.score(X_test, y_test) == pytest.approx(0.56256, abs=5e-6)
    assert model.loss_curve_[0] == pytest.approx(10520.422090939666, rel=1e-10)


@pytest.mark.parametrize("seed", [43, 44, 45, 46, 47])
def test_lbfgs_takes_as_many_steps_on_the_way_from_one_problem_to_another(seed):
    """What is rounded otherwise grows a thousandfold on the way."""
    X, y = datasets.load_iris(return_X_y=True)
    other = np.repeat([0, 1, 2], [40, 40, 70])
    models = []
    for package in (theirs, ours):
        model = package.MLPClassifier(2, solver="lbfgs", warm_start=True, random_state=seed, tol=1e-2)
        models.append(quiet(quiet(model.fit, X, y).fit, X, other))
    assert models[1].n_iter_ == models[0].n_iter_
    assert models[1].loss_ == pytest.approx(models[0].loss_, rel=1e-6)
