"""What the estimators have beyond scikit-learn's: class weights, dropout, saliency, callbacks, the network, company."""

import doctest
import warnings
from pathlib import Path

import numpy as np
import pytest

import autograd_mini as am
import nn

pytest.importorskip("sklearn", minversion="1.9")  # the version that we compare with: earlier ones differ in places
datasets = pytest.importorskip("sklearn.datasets")
model_selection = pytest.importorskip("sklearn.model_selection")
exceptions = pytest.importorskip("sklearn.exceptions")
pipeline = pytest.importorskip("sklearn.pipeline")
preprocessing = pytest.importorskip("sklearn.preprocessing")

MLPClassifier, MLPRegressor = nn.MLPClassifier, nn.MLPRegressor

IRIS = datasets.load_iris(return_X_y=True)
BINARY = datasets.make_classification(90, 5, weights=[0.8], random_state=2)
SEVERAL = datasets.make_multilabel_classification(80, 6, n_classes=3, random_state=3)
NUMBERS = datasets.make_regression(70, 5, random_state=4)
VECTORS = datasets.make_regression(70, 5, n_targets=2, random_state=5)
COUNTS = NUMBERS[0], np.random.RandomState(0).poisson(2.0, 70)
TASKS = {
    "binary": (MLPClassifier, {}, BINARY),
    "multiclass": (MLPClassifier, {}, IRIS),
    "multilabel": (MLPClassifier, {}, SEVERAL),
    "regression": (MLPRegressor, {}, NUMBERS),
    "multioutput": (MLPRegressor, {}, VECTORS),
    "poisson": (MLPRegressor, {"loss": "poisson"}, COUNTS),
}


def fitted(task, **settings):
    """Return a briefly trained model of a task, and its inputs."""
    kind, given, (X, y) = TASKS[task]
    usual = {"hidden_layer_sizes": (6, 5), "activation": "tanh", "max_iter": 30, "random_state": 0}
    return quiet(kind(**usual | given | settings), X, y), X


def quiet(model, *data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(*data)


def outputs(model, X):
    """Return the predictions as the network gives them: a column per output, probabilities for a classifier."""
    if not hasattr(model, "predict_proba"):
        return model.predict(X).reshape(len(X), -1)
    p = model.predict_proba(X)
    return p[:, 1:] if model.n_outputs_ == 1 else p


# Class weights -----------------------------------------------------------------------------------------------------


def test_class_weights_are_sample_weights():
    X, y = BINARY
    by_class = {0: 0.5, 1: 3.0}
    weighted = quiet(MLPClassifier(class_weight=by_class, random_state=0, max_iter=20), X, y)
    same = quiet(MLPClassifier(random_state=0, max_iter=20), X, y, np.where(y == 1, 3.0, 0.5))
    assert weighted.loss_curve_ == same.loss_curve_
    again = MLPClassifier(class_weight=by_class, random_state=0).partial_fit(X, y, classes=[0, 1])
    assert again.loss_curve_ == same.loss_curve_[:1]


def test_balanced_classes_weigh_the_same():
    X, y = BINARY
    counts = np.bincount(y)
    balanced = quiet(MLPClassifier(class_weight="balanced", random_state=0, max_iter=20), X, y)
    same = quiet(MLPClassifier(random_state=0, max_iter=20), X, y, (len(y) / (2 * counts))[y])
    assert balanced.loss_curve_ == pytest.approx(same.loss_curve_, rel=1e-12)
    plain = quiet(MLPClassifier(random_state=0, max_iter=20), X, y)
    assert balanced.predict(X).sum() > plain.predict(X).sum()


def test_class_weights_of_each_label():
    X, y = SEVERAL
    by_label = [{0: 1.0, 1: 2.0}, {0: 1.0, 1: 1.0}, {0: 3.0, 1: 1.0}]
    weighted = quiet(MLPClassifier(class_weight=by_label, random_state=0, max_iter=5), X, y)
    weights = np.prod([[rule[label] for rule, label in zip(by_label, row)] for row in y], axis=1)
    assert weighted.loss_curve_ == quiet(MLPClassifier(random_state=0, max_iter=5), X, y, weights).loss_curve_


def test_class_weights_that_do_not_fit():
    X, y = BINARY
    for wrong, message in (({0: 0, 1: 0}, "no sample"), ({7: 1.0, 0: 1.0}, "class_weight"), ("even", "class_weight")):
        with pytest.raises(ValueError, match=message):
            MLPClassifier(class_weight=wrong).fit(X, y)
    with pytest.raises(ValueError, match="balanced"):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1])
    for weight in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=r"class_weight must hold finite numbers from 0 on, got \{0: 1.0"):
            MLPClassifier(class_weight={0: 1.0, 1: weight}).fit(X, y)
    labels = np.stack([y, 1 - y], axis=1)
    for wrong, targets in (([1, 2], y), ([{0: 1}], y), ([1, 2], labels), ([{0: 1, 1: 2}, 3], labels)):
        with pytest.raises(ValueError, match="a list of dicts, one per label, is for multilabel targets"):
            MLPClassifier(class_weight=wrong).fit(X, targets)
    for wrong in ({0: 1.0, 1: "a"}, {0: 1.0, 1: None}):
        with pytest.raises(ValueError, match="class_weight"):
            MLPClassifier(class_weight=wrong).fit(X, y)


def test_class_weights_of_sparse_labels_are_those_of_dense_ones():
    X, y = BINARY
    labels = np.stack([y, 1 - y], axis=1)
    sparse = pytest.importorskip("scipy.sparse")
    dense, scattered = (
        quiet(MLPClassifier(class_weight="balanced", random_state=0, max_iter=5), X, given)
        for given in (labels, sparse.csr_matrix(labels))
    )
    assert dense.loss_curve_ == scattered.loss_curve_


# Dropout -----------------------------------------------------------------------------------------------------------


def test_dropout_drops_at_its_rate_and_keeps_the_mean():
    chain = nn.estimators.flat_network.FlatNetwork([3, 200, 100, 1], np.float32, "relu")
    masks = nn.estimators.minibatch.dropout_masks(0.3, 500, chain, np.random.RandomState(0))
    assert [m.shape for m in masks] == [(500, 200), (500, 100)]
    for mask in masks:
        assert mask.dtype == np.float32
        assert set(np.unique(mask)) == {np.float32(0.0), np.float32(1.0 / 0.7)}
        assert (mask == 0).mean() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("task", TASKS)
def test_the_gradient_with_dropout_is_that_of_the_thinned_network(task):
    model, X = fitted(task)
    rows = nn.estimators.flat_network.Rows(X, TASKS[task][2][1].reshape(len(X), -1).astype(float), None)
    if task == "multiclass":
        rows = rows._replace(y=np.eye(3)[IRIS[1]])
    chain = nn.estimators.flat_network.FlatNetwork.of(model.coefs_, model.intercepts_, "tanh", np.float64)
    masks = nn.estimators.minibatch.dropout_masks(0.5, len(X), chain, np.random.RandomState(0))
    loss = nn.estimators.flat_network.LOSSES[model._loss_name()]
    gradient = chain.loss_and_gradient(rows, loss, 0.1, 1.0 / len(X), masks)[1].copy()
    theta, along = chain.theta.copy(), np.random.RandomState(1).randn(len(chain.theta))
    values = []
    for sign in (1, -1):
        chain.theta[:] = theta + sign * 1e-6 * along
        losses, penalty = loss.row(chain.logits(X, masks), rows.y), 0.05 * np.sum(chain.penalised**2)
        values.append((losses.data.sum() + penalty) / len(X))
    assert gradient @ along == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_a_replayed_step_is_the_recorded_one(task, weighted):
    """The first step of a kind is recorded, others are replayed: with dropout, weights, another share, other data."""
    model, X = fitted(task)
    y = np.eye(3)[IRIS[1]] if task == "multiclass" else TASKS[task][2][1].reshape(len(X), -1).astype(float)
    loss = nn.estimators.flat_network.LOSSES[model._loss_name()]
    rng = np.random.RandomState(0)
    steps = []
    for _ in range(5):
        weights = rng.random_sample(len(X)) if weighted else None
        steps.append(nn.estimators.flat_network.Rows(X + 0.1 * rng.randn(*X.shape), y, weights))
    chain = nn.estimators.flat_network.FlatNetwork.of(model.coefs_, model.intercepts_, "tanh", np.float64)
    masks = [nn.estimators.minibatch.dropout_masks(0.5, len(X), chain, rng) for _ in steps]
    for rows, mask, share in zip(steps, masks, (0.5, 0.5, 0.25, 0.25, 0.5)):
        value, gradient = chain.loss_and_gradient(rows, loss, 0.1, share, mask)
        recorded = nn.estimators.flat_network.FlatNetwork.of(model.coefs_, model.intercepts_, "tanh", np.float64)
        expected, g = recorded.loss_and_gradient(rows, loss, 0.1, share, mask)
        assert value == expected
        np.testing.assert_allclose(gradient, g, rtol=1e-12, atol=1e-15)
    assert chain._replays
    assert not recorded._replays


@pytest.mark.parametrize("task", TASKS)
def test_dropout_trains_and_repeats_itself(task):
    curves = [fitted(task, dropout=0.2, learning_rate_init=0.01)[0].loss_curve_ for _ in range(2)]
    assert curves[0] == curves[1]
    assert curves[0] != fitted(task, learning_rate_init=0.01)[0].loss_curve_
    assert np.mean(curves[0][-5:]) < np.mean(curves[0][:5])


def test_dropout_is_not_for_lbfgs():
    with pytest.raises(ValueError, match="dropout"):
        fitted("binary", dropout=0.5, solver="lbfgs")


# Saliency ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("task", TASKS)
def test_input_gradients_are_finite_differences(task, activation):
    model, X = fitted(task, activation=activation)
    if hasattr(model, "classes_"):
        wanted = [(label, model.predict_proba, j) for j, label in enumerate(model.classes_)]
    else:
        wanted = [(j, lambda at: outputs(model, at), j) for j in range(model.n_outputs_)]
    for argument, predict, column in wanted:
        gradient = model.input_gradient(X, argument)
        assert gradient.shape == X.shape
        for i, step in enumerate(1e-6 * np.eye(X.shape[1])):
            difference = (predict(X + step)[:, column] - predict(X - step)[:, column]) / 2e-6
            np.testing.assert_allclose(gradient[:, i], difference, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_input_gradients_take_the_most_probable_class(task):
    model, X = fitted(task)
    best = model.predict_proba(X).argmax(axis=1)
    by_class = np.stack([model.input_gradient(X, label) for label in model.classes_])
    assert np.array_equal(model.input_gradient(X), by_class[best, np.arange(len(X))])


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_input_gradients_take_a_label_for_each_row(task):
    model, X = fitted(task)
    labels = model.classes_[np.arange(len(X)) % len(model.classes_)]
    alone = np.concatenate([model.input_gradient(X[i : i + 1], label) for i, label in enumerate(labels)])
    np.testing.assert_allclose(model.input_gradient(X, labels), alone, rtol=1e-9, atol=1e-14)


def test_input_gradients_of_what_is_not_there():
    with pytest.raises(exceptions.NotFittedError):
        MLPClassifier().input_gradient([[1.0]], label=0)
    for task, wrong in (
        ("multiclass", 3),
        ("multiclass", [0, 1, 2]),
        ("multiclass", np.array([0])),
        ("binary", "a"),
        ("regression", 1),
        ("multioutput", -1),
        ("poisson", "a"),
    ):
        model, X = fitted(task)
        with pytest.raises(ValueError, match="must be"):
            model.input_gradient(X, wrong)


def test_input_gradients_keep_float32_and_take_sparse_inputs():
    sparse = pytest.importorskip("scipy.sparse")
    model, X = fitted("regression")
    assert np.array_equal(model.input_gradient(sparse.csr_matrix(X)), model.input_gradient(X))
    X32 = X.astype(np.float32)
    single = quiet(MLPRegressor(max_iter=3), X32, NUMBERS[1])
    assert single.input_gradient(X32).dtype == np.float32


# Validation curve and callback -------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS)
def test_the_validation_loss_is_that_of_the_held_out_samples(task):
    """Trained on copies of the same rows, what is held out has the loss of what is trained on, without the penalty."""
    kind, given, (X, y) = TASKS[task]
    X, y = np.repeat(X[:1], 20, 0), np.repeat(y[:1], 20, 0)
    settings = {"early_stopping": True, "max_iter": 4, "alpha": 0.0, "random_state": 1, "tol": 0.0}
    model = quiet(kind(**given, **settings), X, y)
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == model.n_iter_
    # the loss that a batch reports is that of the parameters before the step: one epoch later
    assert model.validation_loss_curve_[:-1] == pytest.approx(model.loss_curve_[1:], rel=1e-12)
    assert quiet(kind(**given, max_iter=2), X, y).validation_loss_curve_ is None


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_callback_sees_each_epoch_and_may_stop(task, solver):
    seen = []

    def callback(model):
        seen.append((model.n_iter_, model.loss_, outputs(model, TASKS[task][2][0]).copy()))
        return len(seen) == 4

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kind, given, (X, y) = TASKS[task]
        model = kind(**given, solver=solver, max_iter=9, callback=callback, learning_rate_init=1e-5).fit(X, y)
    assert [n for n, *_ in seen] == [1, 2, 3, 4]
    assert model.n_iter_ == 4
    assert seen[-1][1] == model.loss_
    assert np.array_equal(seen[-1][2], outputs(model, X))
    assert not np.array_equal(seen[0][2], seen[1][2])


def test_an_error_in_a_callback_comes_through():
    def callback(model):
        raise RuntimeError("mine")

    for solver in ("adam", "lbfgs"):
        with pytest.raises(RuntimeError, match="mine"):
            MLPRegressor(solver=solver, callback=callback).fit(*NUMBERS)


# The network itself ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", TASKS)
def test_the_network_predicts_what_the_estimator_predicts(task):
    model, X = fitted(task)
    network = model.model_
    assert [layer.W.shape for layer in network.layers] == [c.T.shape for c in model.coefs_]
    np.testing.assert_allclose(network(X).data, outputs(model, X), rtol=1e-12)
    network.layers[0].W.data = 0.0 * network.layers[0].W.data
    assert not np.allclose(network(X).data, outputs(model, X))


@pytest.mark.parametrize("task", TASKS)
def test_one_sample_is_recorded_number_by_number(task):
    """The network on Values gives the same prediction, and gradients that agree with the saliency."""
    model, X = fitted(task)
    x = [am.Value(number, label=f"x{i}") for i, number in enumerate(X[0])]
    predicted = model.model_.scalars()(x)
    predicted = predicted if isinstance(predicted, list) else [predicted]
    assert [p.data for p in predicted] == pytest.approx(outputs(model, X[:1])[0], rel=1e-12)
    predicted[0].backward()
    choice = model.classes_[1 if model.n_outputs_ == 1 else 0] if hasattr(model, "classes_") else 0
    assert [node.grad for node in x] == pytest.approx(model.input_gradient(X[:1], choice)[0], rel=1e-9, abs=1e-15)


# Company -----------------------------------------------------------------------------------------------------------


def search(n_jobs=None):
    """Return a grid search over a pipeline with a perceptron at its end."""
    steps = pipeline.make_pipeline(
        preprocessing.StandardScaler(), MLPClassifier(random_state=0, solver="lbfgs", max_iter=50)
    )
    grid = {"mlpclassifier__hidden_layer_sizes": [(3,), (8,)], "mlpclassifier__alpha": [1e-4, 0.1]}
    return model_selection.GridSearchCV(steps, grid, cv=2, n_jobs=n_jobs)


@pytest.mark.filterwarnings("ignore")
def test_a_grid_search_over_a_pipeline_in_parallel():
    """In two processes of loky the search finds what it finds in one."""
    joblib = pytest.importorskip("joblib")
    serial = search().fit(*IRIS)
    assert serial.best_score_ > 0.9
    with joblib.parallel_backend("loky", n_jobs=2):
        parallel = search(n_jobs=2).fit(*IRIS)
    assert np.array_equal(serial.cv_results_["mean_test_score"], parallel.cv_results_["mean_test_score"])
    assert np.array_equal(serial.predict_proba(IRIS[0]), parallel.predict_proba(IRIS[0]))


def test_sample_weights_are_routed_through_a_pipeline():
    sklearn = pytest.importorskip("sklearn")
    X, y = BINARY
    weights = np.random.RandomState(0).uniform(0.1, 2.0, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        last = MLPClassifier(random_state=0, max_iter=5).set_fit_request(sample_weight=True)
        steps = pipeline.make_pipeline(preprocessing.MinMaxScaler(), last)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            steps.fit(X, y, sample_weight=weights)
    alone = quiet(MLPClassifier(random_state=0, max_iter=5), preprocessing.MinMaxScaler().fit_transform(X), y, weights)
    assert steps[-1].loss_curve_ == alone.loss_curve_


@pytest.mark.filterwarnings("ignore")
def test_the_page_about_the_estimators_is_true():
    page = Path(__file__).parent.parent / "docs" / "estimators.md"
    failures, examples = doctest.testfile(str(page), module_relative=False)
    assert examples > 15
    assert failures == 0
