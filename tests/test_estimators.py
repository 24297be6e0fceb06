"""The estimators where scikit-learn's fall short, on bad input, under interruption, and in threads."""

import copy
import pickle
import subprocess
import sys
import warnings
from functools import partial

import numpy as np
import pytest
from threads import at_once

import nn
from autograd_mini.errors import AutogradError
from nn.estimators import flat_network as chain

pytest.importorskip("sklearn", minversion="1.9")  # the version that we compare with: earlier ones differ in places
theirs = pytest.importorskip("sklearn.neural_network")
make_regression = pytest.importorskip("sklearn.datasets").make_regression
clone = pytest.importorskip("sklearn.base").clone
exceptions = pytest.importorskip("sklearn.exceptions")

MLPClassifier, MLPRegressor = nn.MLPClassifier, nn.MLPRegressor
X, Y = make_regression(60, 4, noise=2.0, random_state=0)
Y = Y / Y.std()
LABELS = (Y > 0).astype(int)
BOTH = [(MLPClassifier, LABELS), (MLPRegressor, Y)]
ERRORS = (AutogradError, ValueError, TypeError)


def quiet(model, *data, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(*data, **more)


def parameters(model):
    return np.concatenate([part.ravel() for part in model.coefs_ + model.intercepts_])


# The ten faults of scikit-learn's that are mended ------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_fault_1_a_single_class_has_one_column_of_certainty(solver):
    model = quiet(MLPClassifier(solver=solver, max_iter=20), X, np.full(len(X), "only"))
    assert model.predict_proba(X).tolist() == [[1.0]] * len(X)
    assert model.predict_log_proba(X).tolist() == [[0.0]] * len(X)
    assert set(model.predict(X)) == {"only"}


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_fault_2_lbfgs_has_no_partial_fit(kind):
    assert not hasattr(kind(solver="lbfgs"), "partial_fit")
    assert hasattr(kind(solver="sgd"), "partial_fit")


@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_fault_3_a_batch_of_zero_weights_is_passed_over(kind, y):
    weights = np.repeat([0.0, 1.0, 0.0], 20)
    settings = {"shuffle": False, "batch_size": 20, "max_iter": 7, "random_state": 0, "alpha": 0.0}
    weighted = quiet(kind(**settings), X, y, weights)
    alone = quiet(kind(**settings), X[20:40], y[20:40], weights[20:40])
    assert np.array_equal(parameters(weighted), parameters(alone))
    assert weighted.loss_curve_ == alone.loss_curve_


@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_fault_4_negative_weights_are_refused(kind, y):
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        kind().fit(X, y, -np.ones(len(X)))


def test_fault_4_negative_counts_are_refused():
    counts = np.ones(len(X))
    counts[7] = -1.0
    with pytest.raises(ValueError, match=r"y must not be negative with loss='poisson': row 7 is"):
        MLPRegressor("poisson").fit(X, counts)


@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_fault_5_a_warm_start_keeps_the_best_weights_of_the_first_fit(kind, y):
    model = kind(early_stopping=True, warm_start=True, random_state=0, learning_rate_init=0.02, max_iter=30)
    best, score = parameters(quiet(model, X, y)), model.best_validation_score_
    quiet(model.set_params(max_iter=2, learning_rate_init=0.5), X, y)  # two steps that can only harm
    assert model.best_validation_score_ == score
    assert np.array_equal(parameters(model), best)


def test_fault_6_a_loss_that_is_what_it_differentiates():
    targets = np.stack([Y, Y**2, -Y], 1)
    for loss, ratio in ("squared_error", 3.0), ("sum_squared_error", 1.0):
        model = quiet(MLPRegressor(loss, (5,), "tanh", max_iter=2, random_state=0, alpha=0.0), X, targets)
        theta = parameters(model)
        _, gradient = model._loss_grad_lbfgs(theta, X, targets)
        steps = 1e-6 * np.eye(len(theta))
        losses = [[model._loss_grad_lbfgs(at, X, targets)[0] for at in (theta + s, theta - s)] for s in steps]
        reported = [up - down for up, down in losses]
        np.testing.assert_allclose(gradient, ratio * np.array(reported) / 2e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((2.5,), r"hidden_layer_sizes must be integers from 1 on, got 2.5 at position 0"),
        ((3, "a"), r"hidden_layer_sizes must be integers from 1 on, got 'a' at position 1"),
        ((3, None), r"got None at position 1"),
        (((3, 4),), r"got \(3, 4\) at position 0"),
        ((5, -1), r"hidden_layer_sizes must be > 0, got \[5, -1\]"),
        (0, r"hidden_layer_sizes"),
        ("abc", r"hidden_layer_sizes"),
    ],
)
def test_fault_7_bad_layer_sizes_are_named(sizes, message):
    for kind, y in BOTH:
        with pytest.raises(ValueError, match=message):
            kind(hidden_layer_sizes=sizes).fit(X, y)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_fault_8_overflow_ends_in_one_message(solver):
    for data, y in ((X, Y * 1e200), (X * 1e300, Y)):
        model, message = MLPRegressor(solver=solver, random_state=0), ""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                model.fit(data, y)
            except ValueError as error:
                message = str(error)
        if message.startswith("Solver produced non-finite parameter weights"):
            assert not caught
        else:
            assert {w.category for w in caught} == {exceptions.ConvergenceWarning}
            assert np.isfinite(parameters(model)).all()


@pytest.mark.parametrize("early_stopping", [False, True])
def test_fault_9_a_lost_training_stops_at_once(early_stopping):
    epochs = []
    model = MLPRegressor(
        solver="sgd", learning_rate_init=1e6, early_stopping=early_stopping, max_iter=10_000, activation="identity",
        n_iter_no_change=np.inf, random_state=0, callback=lambda model: epochs.append(model.loss_),
    )  # fmt: skip
    with np.errstate(all="ignore"):
        if early_stopping:
            quiet(model, X, Y)
            assert np.isfinite(parameters(model)).all()
        else:
            with pytest.raises(ValueError, match="non-finite parameter weights"):
                quiet(model, X, Y)
    assert len(epochs) < 200
    assert not np.isfinite(epochs[-1])


def test_fault_9_an_infinite_loss_with_finite_weights_runs_out_of_patience():
    model = MLPRegressor(random_state=0, max_iter=1000)
    with pytest.warns(exceptions.ConvergenceWarning, match="the loss is inf"):
        model.fit(X, Y * 1e200)
    assert model.n_iter_ == 11


def interrupt_at(epoch):
    """Return a callback that presses Ctrl-C in the given epoch."""

    def callback(model):
        if model.n_iter_ == epoch:
            raise KeyboardInterrupt

    return callback


@pytest.mark.parametrize(("kind", "y"), BOTH)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_fault_10_an_interrupt_leaves_the_last_whole_step(kind, y, solver):
    settings = {"solver": solver, "random_state": 0, "hidden_layer_sizes": (6,)}
    model = kind(**settings, max_iter=100, callback=interrupt_at(5))
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, y)
    whole = quiet(kind(**settings, max_iter=5), X, y)
    assert model.n_iter_ == 5
    assert np.array_equal(parameters(model), parameters(whole))
    assert np.array_equal(model.predict(X), whole.predict(X))


def interrupt_gradient(monkeypatch, call):
    """Press Ctrl-C in the given computation of a gradient; return a list that will hold the parameters then."""
    real, calls, held = chain.FlatNetwork.loss_and_gradient, [], []

    def gradient(self, *terms):
        calls.append(terms)
        if len(calls) == call:
            held.append(np.concatenate([part.ravel() for part in self.coefs + self.biases]))
            raise KeyboardInterrupt
        return real(self, *terms)

    monkeypatch.setattr(chain.FlatNetwork, "loss_and_gradient", gradient)
    return held


@pytest.mark.parametrize(("call", "epochs"), [(1, 0), (8, 2)])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_an_interrupt_inside_a_batch(monkeypatch, solver, call, epochs):
    held = interrupt_gradient(monkeypatch, call)
    model = MLPRegressor(solver=solver, batch_size=20, random_state=0)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, Y)
    assert model.n_iter_ == len(model.loss_curve_) == epochs
    assert np.array_equal(parameters(model), held[0])
    assert np.isfinite(model.predict(X)).all()


def test_fault_10_an_interrupt_inside_an_evaluation(monkeypatch):
    """Ctrl-C while L-BFGS tries a step: the trial is dropped."""
    interrupt_gradient(monkeypatch, 8)
    model = MLPRegressor(solver="lbfgs", random_state=0)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, Y)
    monkeypatch.undo()
    whole = quiet(MLPRegressor(solver="lbfgs", random_state=0, max_iter=model.n_iter_), X, Y)
    assert 0 < model.n_iter_ < 8
    assert np.array_equal(parameters(model), parameters(whole))


# Bad input -----------------------------------------------------------------------------------------------------------


def with_entry(entry, row=3):
    data = X.copy()
    data[row, 1] = entry
    return data


BAD_DATA = {
    "NaN in X": (with_entry(np.nan), Y),
    "infinity in X": (with_entry(np.inf), Y),
    "text in X": (np.full((60, 4), "a"), Y),
    "None in X": ([[None, 1.0]] * 60, Y),
    "complex X": (X + 1j, Y),
    "a vector as X": (X[:, 0], Y),
    "three axes": (X[None], Y),
    "no rows": (X[:0], Y[:0]),
    "fewer targets": (X, Y[:-1]),
    "no targets": (X, None),
    "a scalar target": (X, 1.0),
}
BAD_TARGETS = {
    "NaN in y": np.where(Y > 1, np.nan, Y),
    "infinity in y": np.where(Y > 1, np.inf, Y),
    "text in y": np.full(60, "1.5"),
    "None in y": np.full(60, None),
    "complex y": Y + 1j,
    "three axes of y": np.zeros((60, 2, 2)),
}


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_is_refused(kind, case):
    data, y = BAD_DATA[case]
    y = (y > 0).astype(int) if kind is MLPClassifier and isinstance(y, np.ndarray) else y
    with pytest.raises(ERRORS):
        kind().fit(data, y)


@pytest.mark.parametrize("case", BAD_TARGETS)
def test_bad_targets_are_refused(case):
    with pytest.raises(ERRORS):
        MLPRegressor(max_iter=1).fit(X, BAD_TARGETS[case])


@pytest.mark.parametrize("y", [np.linspace(0, 1, 60), np.array([[0, 1, 2]] * 60), [["a"], ["b", "c"]] * 30])
def test_targets_that_are_no_labels_are_refused(y):
    with pytest.raises(ERRORS):
        MLPClassifier(max_iter=1).fit(X, y)


BAD_SETTINGS = {
    "hidden_layer_sizes": [-1, (0,), 2.5, None, True, (3, True)], "activation": ["swish", None, 3],
    "solver": ["rmsprop", None],
    "alpha": [-1, np.nan, "a"], "batch_size": [0, -3, 2.5, "all"], "learning_rate": ["cosine", 0.1],
    "learning_rate_init": [0, -1.0, np.nan, "a"], "power_t": [-1, "a"], "max_iter": [0, -1, 2.5, None],
    "shuffle": ["yes", 2], "random_state": [-1, 1.5, "a", np.random.default_rng(0)], "tol": [-1e-4, "a"],
    "warm_start": ["yes"], "momentum": [-0.1, 1.1], "nesterovs_momentum": ["yes"], "early_stopping": ["yes"],
    "validation_fraction": [-0.1, 1.0], "beta_1": [-0.1, 1.0], "beta_2": [-0.1, 1.0], "epsilon": [0.0, -1],
    "n_iter_no_change": [0, -1, 2.5], "max_fun": [0, -1, 2.5], "dropout": [-0.1, 1.0, "a"], "callback": [3, "print"],
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_bad_settings_are_refused_at_fit_and_named(name):
    for (kind, y), value in ((both, value) for both in BOTH for value in BAD_SETTINGS[name]):
        model = kind(**{name: value})
        with pytest.raises(ValueError, match=name):
            model.fit(X, y)
        assert not hasattr(model, "coefs_")


@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_early_stopping_needs_a_validation_fraction(kind, y):
    with pytest.raises(ValueError, match=r"validation_fraction must be above 0 with early_stopping=True"):
        kind(early_stopping=True, validation_fraction=0.0).fit(X, y)
    quiet(kind(validation_fraction=0.0, max_iter=1), X, y)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_the_settings_are_scikit_learns_and_ours(kind):
    ours, reference = kind().get_params(), getattr(theirs, kind.__name__)().get_params()
    extra = {"dropout": 0.0, "callback": None} | ({"class_weight": None} if kind is MLPClassifier else {})
    assert ours == reference | extra
    assert kind.__init__.__code__.co_varnames[1:4] == getattr(theirs, kind.__name__).__init__.__code__.co_varnames[1:4]


@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_use_before_fit_and_with_other_columns(kind, y):
    for method in ("predict", "input_gradient", "score", "predict_proba"):
        if hasattr(kind, method):
            with pytest.raises(exceptions.NotFittedError):
                getattr(kind(), method)(X, *([y] if method == "score" else []))
    with pytest.raises(exceptions.NotFittedError):
        kind().model_.parameters()
    model = quiet(kind(max_iter=2), X, y)
    for method in ("predict", "input_gradient"):
        with pytest.raises(ValueError, match="3 features"):
            getattr(model, method)(X[:, :3])
        with pytest.raises(ValueError, match="NaN"):
            getattr(model, method)(with_entry(np.nan))


@pytest.mark.parametrize(
    "weights",
    [np.zeros(60), np.full(60, np.nan), np.full(60, np.inf), np.ones(59), np.ones((60, 2)), "a", -np.ones(60)],
)
def test_bad_weights_are_refused(weights):
    for kind, y in BOTH:
        with pytest.raises(ERRORS):
            kind(max_iter=1).fit(X, y, weights)


@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_small_and_flat_data_work(kind, y):
    for data, targets in ((X[:1], y[:1]), (X[:, :1], y), (np.ones_like(X), y), (X, np.ones(60, int))):
        model = quiet(kind(max_iter=3), data, targets)
        assert np.isfinite(parameters(model)).all()
        assert len(model.predict(data)) == len(data)


def test_validation_sets_that_are_too_small_are_named():
    with pytest.raises(ValueError, match="The validation set is too small"):
        MLPRegressor(early_stopping=True).fit(X[:5], Y[:5])
    with pytest.raises(ValueError, match="only 1 member"):
        MLPClassifier(early_stopping=True).fit(X[:9], [0] * 8 + [1])


def test_partial_fit_names_what_is_wrong_with_the_classes():
    with pytest.raises(ValueError, match="classes must be given"):
        MLPClassifier().partial_fit(X, LABELS)
    model = MLPClassifier().partial_fit(X, LABELS, classes=[0, 1])
    with pytest.raises(ValueError, match="not what the first call"):
        model.partial_fit(X, LABELS, classes=[0, 2])
    with pytest.raises(ValueError, match=r"classes \[2\]"):
        model.partial_fit(X, LABELS + 1)


def test_a_warm_start_with_another_number_of_outputs_is_refused():
    model = quiet(MLPRegressor(warm_start=True, max_iter=2), X, Y)
    with pytest.raises(ValueError, match="2 outputs"):
        model.fit(X, np.stack([Y, Y], 1))


@pytest.mark.parametrize("change", [{"early_stopping": True}, {"solver": "sgd"}, {"solver": "lbfgs"}])
def test_a_warm_start_may_change_its_settings(change):
    for kind, y in BOTH:
        for first in ({}, {"solver": "lbfgs"}, {"early_stopping": True}):
            model = quiet(kind(warm_start=True, max_iter=3, **first), X, y)
            quiet(model.set_params(**{"early_stopping": False, "solver": "adam"} | change), X, y)
            assert np.isfinite(parameters(model)).all()


@pytest.mark.parametrize("labels", [["no", "yes"], [False, True], np.array(["no", "yes"], dtype=object), [2.0, 5.0]])
def test_labels_of_every_kind_come_back(labels):
    y = np.asarray(labels)[LABELS]
    model = quiet(MLPClassifier(solver="lbfgs", max_iter=300), X, y)
    assert model.score(X, y) == 1.0
    assert set(model.predict(X)) == set(y)


@pytest.mark.parametrize("dtype", ["float16", "uint8", "bool", "int32", "longdouble"])
def test_other_kinds_of_numbers_are_trained_in_float64(dtype):
    data = (X > 0).astype(dtype)
    for kind, y in BOTH:
        model, same = (quiet(kind(max_iter=3, random_state=0), d, y) for d in (data, data.astype(float)))
        assert np.array_equal(parameters(model), parameters(same))


@pytest.mark.parametrize("layout", ["frozen", "fortran", "strided", "memmap", "list"])
def test_the_data_are_never_written_to(layout, tmp_path):
    layouts = {"fortran": np.asfortranarray(X), "strided": np.repeat(X, 2, 0)[::2], "list": X.tolist()}
    data = layouts.get(layout, X.copy())
    if layout == "memmap":
        data = np.memmap(tmp_path / "x", dtype=float, mode="w+", shape=X.shape)
        data[:] = X
    if layout != "list":
        data.flags.writeable = False
    for kind, y in BOTH:
        for settings in ({}, {"shuffle": False}, {"solver": "lbfgs"}, {"batch_size": 7}):
            model = quiet(kind(max_iter=3, random_state=0, **settings), data, y)
            assert np.allclose(parameters(model), parameters(quiet(clone(model), X, y)), rtol=1e-12)
    assert np.array_equal(data, X)


def test_pandas_columns_are_kept_and_missing_values_refused():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = quiet(MLPRegressor(max_iter=3, early_stopping=True), frame, pd.Series(Y))
    assert model.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["d", "c", "b", "a"]])
    with pytest.raises(ERRORS):
        model.fit(frame.astype("Float64").mask(frame > 1), Y)


# Copies, repeats, threads --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_copies_and_repeats_are_equal(kind, y):
    model = quiet(kind(random_state=3, max_iter=6), X, y)
    before = parameters(model).copy()
    for other in (clone(model), quiet(copy.deepcopy(model), X, y), quiet(pickle.loads(pickle.dumps(model)), X, y)):
        assert np.array_equal(parameters(quiet(other, X, y)), before)
    loaded = pickle.loads(pickle.dumps(model))
    assert np.array_equal(loaded.predict(X), model.predict(X))
    for m in (model, loaded):
        m.partial_fit(X, y)
    assert np.array_equal(parameters(loaded), parameters(model))


def test_eight_threads_equal_the_serial_result():
    serial = [quiet(kind(random_state=s, max_iter=10), X, y) for kind, y in BOTH for s in range(4)]
    parallel = [clone(model) for model in serial]
    fits = [partial(m.fit, X, LABELS if isinstance(m, MLPClassifier) else Y) for m in parallel]
    state = np.random.get_state()[1].copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        at_once(*fits)
    assert all(np.array_equal(parameters(a), parameters(b)) for a, b in zip(serial, parallel))
    assert np.array_equal(np.random.get_state()[1], state)


def test_without_scikit_learn_the_room_opens_and_says_what_to_install():
    program = """if True:
        import sys
        sys.modules["sklearn"] = None
        import nn
        nn.MLP(2, [1])
        for name in ("MLPClassifier", "MLPRegressor"):
            try:
                getattr(nn, name)
            except ImportError as error:
                assert 'pip install "autograd-mini[sklearn]"' in str(error), error
                assert isinstance(error, nn.ExtraError)
            else:
                raise SystemExit("no error")
    """
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)


def test_importing_the_room_does_not_import_scikit_learn():
    program = "import sys, nn; sys.exit('sklearn' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(
    "labels",
    [[3, -1], [0], [2, 0, 7], [True, False], ["no", "yes"], ["b", "a", "c"], [0.0, 1.0], [1.0, 2.0, -5.0]],
    ids=str,
)
def test_labels_become_columns_as_the_binarizer_makes_them(labels):
    binarizer = pytest.importorskip("sklearn.preprocessing").LabelBinarizer
    kinds = {np.array(labels).dtype, object if isinstance(labels[0], str) else None} - {None}
    for y in (np.resize(np.array(labels, kind), len(X)) for kind in kinds):
        model = quiet(MLPClassifier((2,), max_iter=1), X, y)
        expected = binarizer().fit(labels).transform(y)
        for first in (True, False):
            found = model._validate_input(X, y, False, first)[1]
            assert found.dtype == X.dtype
            assert np.array_equal(found, expected)
