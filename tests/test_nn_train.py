"""Promises of the training loop: repeatable, interruptible between batches, and clear about wrong data."""

import os
import signal
import sys
from functools import partial

import numpy as np
import pytest
from threads import at_once

import nn
from autograd_mini import DataError, NonFiniteError, ShapeError, ops
from nn import train

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
Y = np.where(X[:, 0] * X[:, 1] > 0, 1, 0)
LINE = X @ [[2.0], [-1.0]] + 0.5


def classifier(seed=0):
    return nn.MLP(2, [8, 2], "tanh", layer=nn.Dense, rng=seed)


def line():
    return nn.Dense(2, 1, "identity", rng=0)


def fit(model=None, X=X, y=LINE, **settings):
    model = model or line()
    return model, nn.fit(model, X, y, **{"loss": nn.squared_error, "rng": 0, "epochs": 5, **settings})


def test_a_network_learns_and_its_history_says_how():
    net, seen = classifier(), []
    history = nn.fit(
        net, X, Y, loss=nn.cross_entropy, optimizer=nn.adam(0.05), epochs=60, rng=0, validation=(X[:20], Y[:20]),
        callbacks=[lambda model, record: seen.append(record)],
    )  # fmt: skip
    assert (net(X).data.argmax(1) == Y).mean() >= 0.95
    assert [record["epoch"] for record in history] == list(range(1, 61))
    assert history[-1]["loss"] < 0.3 * history[0]["loss"]
    assert {*history[0]} == {"epoch", "learning_rate", "loss", "validation_loss"}
    assert seen == history
    assert history[-1]["validation_loss"] == pytest.approx(nn.evaluate(net, X[:20], Y[:20], loss=nn.cross_entropy))
    assert not net.training


def test_the_same_seed_gives_the_same_history():
    runs = [fit(rng=make)[1] for make in (7, 7, np.random.default_rng(7), 8)]
    assert runs[0] == runs[1] == runs[2] != runs[3]
    assert fit(shuffle=False, rng=1)[1] == fit(shuffle=False, rng=2)[1]


def test_epochs_equal_a_loop_written_by_hand():
    model, history = fit(shuffle=False, batch_size=25, optimizer=nn.sgd(0.1), epochs=3)
    W, b = line().W.data.copy(), line().b.data.copy()
    for record in history:
        total = 0.0
        for start in (0, 25, 50):
            x, y = X[start : start + 25], LINE[start : start + 25]
            d = x @ W.T + b - y
            total += (d**2).sum()
            W, b = W - 0.1 * 2.0 * d.T @ x / len(x), b - 0.1 * 2.0 * d.mean(0)
        assert record["loss"] == pytest.approx(total / 60, rel=1e-12)
    np.testing.assert_allclose(model.W.data, W, rtol=1e-12)


def test_networks_on_values_train_like_their_twins():
    two = np.hstack([LINE, 1.0 - LINE])[:12]
    for targets in ((LINE[:12, 0], LINE[:12]), (two, two)):
        scalars = nn.MLP(2, [3, targets[1].shape[1]], "tanh", rng=0)
        losses = [
            [r["loss"] for r in nn.fit(net, X[:12], y, loss=nn.squared_error, epochs=3, batch_size=5, rng=0)]
            for net, y in zip((scalars, scalars.tensors()), targets)
        ]
        np.testing.assert_allclose(*losses, rtol=1e-12)


def test_weights_count_samples():
    weights = np.array([2.0] * 30 + [0.0] * 30)
    one, _ = fit(weights=weights, batch_size=60, shuffle=False, optimizer=nn.sgd(0.1))
    two, _ = fit(X=X[:30], y=LINE[:30], batch_size=60, shuffle=False, optimizer=nn.sgd(0.1))
    np.testing.assert_allclose(one.W.data, two.W.data, rtol=1e-12)
    skipping, history = fit(weights=weights, batch_size=30, shuffle=False, optimizer=nn.sgd(0.1))
    np.testing.assert_allclose(skipping.W.data, two.W.data, rtol=1e-12)
    assert np.isfinite([record["loss"] for record in history]).all()


def test_the_schedule_and_the_clip_are_obeyed():
    _, history = fit(schedule=nn.schedules.step(0.1, every=2, factor=0.5))
    assert [record["learning_rate"] for record in history] == [0.1, 0.1, 0.05, 0.05, 0.025]
    model, _ = fit(clip=1e-6, optimizer=nn.sgd(1.0), epochs=1, batch_size=60)
    moved = np.linalg.norm(np.append(model.W.data - line().W.data, model.b.data - line().b.data))
    assert moved == pytest.approx(1e-6, rel=1e-6)


def test_early_stopping_puts_the_best_back():
    net = classifier(1)
    checks = (RNG.normal(size=(20, 2)), RNG.integers(0, 2, 20))
    history = nn.fit(
        net, X, Y, loss=nn.cross_entropy, optimizer=nn.adam(0.1), epochs=200, rng=0, validation=checks, patience=5
    )
    losses = [record["validation_loss"] for record in history]
    assert len(history) < 200
    assert nn.evaluate(net, *checks, loss=nn.cross_entropy) == pytest.approx(min(losses), rel=1e-12)
    best = int(np.argmin(losses))
    assert len(losses) - 1 - best >= 1
    _, plain = fit(epochs=300, patience=3, optimizer=nn.sgd(0.1), tol=1e-3)
    drops = -np.diff([record["loss"] for record in plain])
    assert len(plain) < 300
    assert (drops[-3:] <= 1e-3).all()


def test_a_callback_may_end_the_training_and_all_are_called():
    calls = []
    _, history = fit(callbacks=[lambda model, r: r["epoch"] == 2, lambda model, r: calls.append(r["epoch"])])
    assert len(history) == 2
    assert calls == [1, 2]


def test_dropout_is_on_while_training_and_off_after():
    net = nn.Sequential(nn.Dense(2, 4, rng=0), nn.Dropout(0.5, rng=0), nn.Dense(4, 1, "identity", rng=1))
    modes = []

    def loss(p, y):
        modes.append(net.layers[1].training)
        return nn.squared_error(p, y)

    fit(net, loss=loss, validation=(X, LINE), epochs=1, batch_size=30)
    assert modes == [True, True, False]
    assert net(X).data.tolist() == net(X).data.tolist()


def interrupt_at(epoch, action):
    return lambda model, record: action() if record["epoch"] == epoch else None


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def raise_interrupt():
    raise KeyboardInterrupt


def test_an_interrupt_leaves_a_usable_model_of_whole_batches():
    handler = signal.getsignal(signal.SIGINT)
    model = line()

    def loss(p, y):
        if model.W.birth > births[0] and len(updates) == 7:
            press_ctrl_c()
        updates.append(1)
        return nn.squared_error(p, y)

    births, updates = [0], []
    with pytest.warns(UserWarning, match="interrupted in epoch 3; the model is usable") as told:
        _, history = fit(model, loss=loss, batch_size=20, shuffle=False, epochs=100)
    assert [warning.filename for warning in told] == [__file__]
    assert len(history) == 2
    assert len(updates) == 8  # the batch that was interrupted went to its end
    twin = line()
    optimizer = nn.adam()
    state = optimizer.init(twin)
    for i in range(8):
        rows = slice(20 * (i % 3), 20 * (i % 3) + 20)
        twin.zero_grad()
        nn.squared_error(twin(X[rows]), LINE[rows]).backward()
        optimizer.update(state)
    np.testing.assert_array_equal(model.W.data, twin.W.data)
    assert not model.training
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("action", [press_ctrl_c, raise_interrupt])
def test_an_interrupt_between_epochs_ends_the_training(action):
    with pytest.warns(UserWarning, match="interrupted"):
        _, history = fit(callbacks=[interrupt_at(2, action)], epochs=50)
    assert len(history) in (2, 3)


def test_a_second_ctrl_c_does_not_wait():
    def loss(p, y):
        press_ctrl_c()
        press_ctrl_c()
        reached.append(1)
        return nn.squared_error(p, y)

    reached = []
    with pytest.warns(UserWarning, match="interrupted in epoch 1"):
        assert fit(loss=loss)[1] == []
    assert not reached


def test_training_in_threads_equals_training_alone():
    alone = fit(rng=3)[0].W.data.tolist()
    models = [line() for _ in range(4)]
    at_once(*(partial(fit, model, rng=3) for model in models))
    assert [model.W.data.tolist() for model in models] == [alone] * 4


def test_the_progress_bar_needs_tqdm_only_when_it_is_asked_for(monkeypatch, capsys):
    pytest.importorskip("tqdm")
    fit(progress=True)
    shown = capsys.readouterr().err
    assert "5/5" in shown
    assert "loss=" in shown
    told, bar = [], sys.modules["tqdm"].tqdm
    monkeypatch.setattr("tqdm.tqdm", lambda **settings: told.append(settings) or bar(**settings))
    for progress, shown in ((True, {}), (None, {"disable": None, "delay": 1.0})):  # in a terminal, after a second
        fit(progress=progress)
        assert told.pop() == {"total": 5, "unit": "epoch", **shown}
    monkeypatch.undo()
    capsys.readouterr()
    fit(progress=False)
    fit()
    assert capsys.readouterr().err == ""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    fit()
    with pytest.raises(ImportError, match=r'pip install "autograd-mini\[progress\]"'):
        fit(progress=True)


def test_the_callers_data_are_left_alone():
    x, y = X.copy(), LINE.copy()
    x.flags.writeable = False
    fit(X=x, y=y)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, LINE)
    assert y.flags.writeable
    fit(X=X.tolist(), y=LINE.tolist())
    fit(X=np.asfortranarray(X).astype(np.float32), y=LINE)


WRONG = [
    ({"X": X[:5]}, ShapeError, r"\(5, 2\) and \(60, 1\)"),
    ({"X": X[:0], "y": LINE[:0]}, ShapeError, "one row per sample"),
    ({"X": X[:, 0]}, ShapeError, "one row per sample"),
    ({"X": np.where(X[7] == X, np.nan, X)}, nn.SettingError, r"X must be finite, got nan at \[7, 0\]"),
    ({"y": LINE * np.inf}, nn.SettingError, r"y must be finite, got -?inf at \[0, 0\]"),
    ({"y": 3.0}, ShapeError, r"\(60, 2\) and \(\)"),
    ({"y": LINE[:, 0]}, ShapeError, r"\(32, 1\) against targets of shape \(32,\)"),
    ({"y": LINE.astype(str)}, DataError, "numbers"),
    ({"X": X.astype(object)}, DataError, "dtype=object"),
    ({"weights": np.ones(3)}, ShapeError, "weights"),
    ({"validation": (X, LINE[:3])}, ShapeError, r"\(3, 1\)"),
    ({"epochs": 0}, nn.SettingError, "epochs"),
    ({"batch_size": 0}, nn.SettingError, "batch_size"),
    ({"batch_size": 2.5}, nn.SettingError, "batch_size"),
    ({"patience": 0}, nn.SettingError, "patience"),
    ({"tol": -1.0}, nn.SettingError, "tol"),
    ({"clip": 0.0}, nn.SettingError, "clip"),
    ({"rng": "x"}, nn.SettingError, "rng"),
    ({"model": nn.Sequential(nn.Dropout(0.1))}, nn.SettingError, "no parameters"),
    ({"model": lambda x: x}, DataError, "model must be an nn.Module, got function"),
    ({"model": [nn.Dense(2, 1)]}, DataError, "model must be an nn.Module, got list"),
    (
        {"loss": "mse"},
        nn.SettingError,
        "loss must be a function of predictions and targets, .*nn.squared_error; got 'mse'",
    ),
    ({"loss": lambda p, y: (p - y) ** 2}, ShapeError, r"loss of a batch is one number, .* \(32, 1\): take its mean"),
    ({"loss": lambda p, y: ((p.data - y) ** 2).mean()}, DataError, "the loss is a float64 .*, not from their .data"),
    ({"loss": lambda p, y: None}, DataError, "the loss is a NoneType"),
    ({"optimizer": "adam"}, DataError, r"optimizer must be one such as nn.adam\(\), got 'adam'"),
    ({"optimizer": nn.adam}, DataError, r"optimizer must be one such as nn.adam\(\), got <function adam"),
    ({"schedule": 0.1}, nn.SettingError, r"schedule must be a function .*nn.schedules.constant\(0.1\); got 0.1"),
    ({"schedule": lambda t, losses: None}, nn.SettingError, "the learning rate of the schedule must be .*, got None"),
    ({"callbacks": print}, nn.SettingError, "callbacks must be a list of functions"),
    ({"callbacks": [3]}, nn.SettingError, "callbacks must be a list of functions .*; got \\[3\\]"),
    ({"validation": (X,)}, nn.SettingError, r"validation must be a pair \(X, y\), got a tuple of 1"),
    ({"validation": (X, LINE, LINE)}, nn.SettingError, r"validation must be a pair \(X, y\), got a tuple of 3"),
    ({"validation": X}, nn.SettingError, r"validation must be a pair \(X, y\), got ndarray"),
    ({"optimizer": nn.sgd(1e200)}, NonFiniteError, "the loss became (nan|inf): try a smaller learning rate"),
]


@pytest.mark.parametrize(("settings", "error", "message"), WRONG)
def test_wrong_data_and_settings_are_named(settings, error, message):
    with pytest.raises(error, match=message):
        fit(**settings)


def test_what_is_evaluated_is_a_loss_of_one_number():
    for loss, error, message in (
        ("mse", nn.SettingError, "loss must be"),
        (lambda p, y: p - y, ShapeError, "its mean"),
    ):
        with pytest.raises(error, match=message):
            nn.evaluate(line(), X, LINE, loss=loss)


def test_after_patience_epochs_without_more_than_the_tolerance_the_first_of_the_best_is_put_back():
    """By hand: progress by 0.5 is none to a tolerance of 0.5, but it makes a new best; of two equal ones the first."""
    model = line()
    early = train.EarlyStopping(model, "loss", 2, 0.5)
    told = []
    for epoch, loss in enumerate([4.0, 3.5, 2.5, 2.0, 2.0, 1.0]):
        model.b.data = [float(epoch)]
        told.append(early.reached({"loss": loss}))
    assert told == [False, False, False, False, True, False]
    early = train.EarlyStopping(model, "loss", 1, 0.0)
    for epoch in (7.0, 8.0):
        model.b.data = [epoch]
        stops = early.reached({"loss": 1.0})
    early.restore()
    assert (stops, model.b.data.tolist()) == (True, [7.0])


def test_a_handler_of_ones_own_is_left_to_its_work():
    heard, before = [], signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        _, history = fit(callbacks=[interrupt_at(2, press_ctrl_c)])
    finally:
        signal.signal(signal.SIGINT, before)
    assert (len(history), heard) == (5, [1])


def test_gradients_are_looked_at_only_where_they_are_clipped():
    def steep(p, y):
        return ops.sum(ops.sqrt(ops.square(p - p))) + nn.squared_error(p, y)

    settings = {"loss": steep, "epochs": 1, "batch_size": 60}
    with np.errstate(all="ignore"):
        model, history = fit(**settings)
        assert np.isfinite(history[0]["loss"])
        assert np.isnan(model.W.data).all()
        with pytest.raises(NonFiniteError, match="the gradient of"):
            fit(**settings, clip=1e9)


def test_samples_may_have_more_axes_than_one():
    cubes = np.stack([X, -X], axis=1)
    model = nn.Dense(2, 1, "identity", rng=0)
    history = nn.fit(model, cubes, np.stack([LINE, -LINE], axis=1), loss=nn.squared_error, epochs=3, rng=0)
    assert history[2]["loss"] < history[0]["loss"]
    assert model(cubes).shape == (60, 2, 1)
