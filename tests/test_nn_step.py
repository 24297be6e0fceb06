"""Steps without a graph move the parameters as recorded ones do."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import autograd_mini
import nn
from autograd_mini import (
    DataError,
    NonFiniteError,
    ShapeError,
    StaleError,
    Tensor,
    Value,
    detect_nonfinite,
    no_grad,
    ops,
)
from nn import step as steps
from nn import train

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 5))
TARGETS: dict[Any, Any] = {
    nn.squared_error: RNG.normal(size=(24, 3)),
    nn.half_squared_error: RNG.normal(size=(24, 3)),
    nn.absolute_error: RNG.normal(size=(24, 3)),
    nn.huber: RNG.normal(size=(24, 3)),
    nn.sigmoid_cross_entropy: RNG.integers(0, 2, (24, 3)),
    nn.poisson: RNG.integers(0, 4, (24, 3)),
    nn.hinge: 2.0 * RNG.integers(0, 2, (24, 3)) - 1.0,
    nn.cross_entropy: RNG.integers(0, 3, 24),
}
OPTIMIZERS = {
    "sgd": lambda: nn.sgd(0.05),
    "momentum": lambda: nn.sgd(0.05, momentum=0.9, nesterov=True),
    "adam": lambda: nn.adam(0.01),
    "adamw": lambda: nn.adamw(0.01),
    "rmsprop": lambda: nn.rmsprop(0.01),
    "adagrad": lambda: nn.adagrad(0.05),
}
ACTIVATIONS = ["relu", "tanh", "sigmoid", "leaky_relu", "elu", "softplus", "silu", "gelu", "identity"]


def network(activation: str = "tanh", dtype: Any = np.float64) -> Any:
    return nn.MLP(5, [7, 6, 3], activation, layer=nn.Dense, rng=1, dtype=dtype)


def recorded_step(model: Any, loss: Any, optimizer: Any, state: Any, x: Any, y: Any) -> float:
    model.zero_grad()
    value = loss(model(x), y)
    value.backward()
    optimizer.update(state)
    return float(value)


def compare(loss: Any, make: Any, activation: str, dtype: Any = np.float64, tolerance: float = 1e-12) -> None:
    """Train twins for ten batches of two shapes, one by recording and one by replaying."""
    replayed, recorded = network(activation, dtype), network(activation, dtype)
    step = nn.Step(replayed, loss, make())
    optimizer = make()
    state = optimizer.init(recorded)
    y = TARGETS[loss]
    for k in range(10):
        rows = slice(0, 16) if k % 2 else slice(16, 24)
        x = X[rows].astype(dtype)
        value = step(x, y[rows])
        assert value == pytest.approx(recorded_step(recorded, loss, optimizer, state, x, y[rows]), rel=tolerance)
    for p, q in zip(replayed.parameters(), recorded.parameters()):
        np.testing.assert_allclose(p.data, q.data, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(p.grad, q.grad, rtol=10 * tolerance, atol=10 * tolerance)
        assert p.dtype == dtype


@pytest.mark.parametrize("loss", TARGETS, ids=lambda loss: loss.__name__)
def test_a_replayed_step_is_a_recorded_one_for_every_loss(loss: Any) -> None:
    compare(loss, OPTIMIZERS["sgd"], "tanh")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_replayed_step_is_a_recorded_one_for_every_optimizer(name: str) -> None:
    compare(nn.squared_error, OPTIMIZERS[name], "tanh")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_replayed_step_is_a_recorded_one_for_every_activation(activation: str) -> None:
    compare(nn.cross_entropy, OPTIMIZERS["sgd"], activation)


def test_float32_stays_float32() -> None:
    compare(nn.cross_entropy, OPTIMIZERS["adam"], "relu", np.float32, 2e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-5)])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_parameters_are_updated_block_by_block(
    name: str, dtype: Any, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "BLOCK", 16)  # a block ends within a matrix, and the last one is short
    compare(nn.squared_error, OPTIMIZERS[name], "tanh", dtype, tolerance)


def test_a_step_goes_on_from_a_state_and_can_be_left() -> None:
    one, two = network(), network()
    optimizer = nn.adam(0.01)
    states = [optimizer.init(one), optimizer.init(two)]
    y = TARGETS[nn.squared_error]
    for _ in range(3):
        recorded_step(one, nn.squared_error, optimizer, states[0], X, y)
        recorded_step(two, nn.squared_error, optimizer, states[1], X, y)
    step = nn.Step(one, nn.squared_error, optimizer, states[0])
    for _ in range(3):
        step(X, y)
        recorded_step(two, nn.squared_error, optimizer, states[1], X, y)
    for _ in range(3):
        recorded_step(one, nn.squared_error, optimizer, states[0], X, y)
        recorded_step(two, nn.squared_error, optimizer, states[1], X, y)
    for p, q in zip(one.parameters(), two.parameters()):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-12, atol=1e-14)


def test_new_numbers_in_the_parameters_are_seen() -> None:
    model = network()
    step = nn.Step(model, nn.squared_error)
    y = TARGETS[nn.squared_error]
    step(X, y)
    model.load_state_dict(network().state_dict())
    fresh = network()
    assert step(X, y) == pytest.approx(float(nn.squared_error(fresh(X), y)), rel=1e-13)
    assert step(X, y) < float(nn.squared_error(fresh(X), y))


def test_a_graph_from_before_a_step_is_stale() -> None:
    model = network()
    step = nn.Step(model, nn.squared_error)
    y = TARGETS[nn.squared_error]
    loss = nn.squared_error(model(X), y)
    step(X, y)
    with pytest.raises(StaleError):
        loss.backward()


def test_what_a_replay_cannot_do_is_refused() -> None:
    y = TARGETS[nn.squared_error]

    def branching(p: Any, t: Any) -> Any:
        return nn.squared_error(p, t) if p.mean() > 0.0 else nn.absolute_error(p, t)

    dropping = nn.Sequential(nn.Dense(5, 3, rng=0), nn.Dropout(0.5, rng=0))
    mixed = nn.Sequential(nn.Dense(5, 4, rng=0), nn.Dense(4, 3, rng=0, dtype=np.float32))
    for call, error, words in [
        (lambda: nn.Step(dropping, nn.squared_error), nn.SettingError, r"Dropout\(0.5\)"),
        (lambda: nn.Step(nn.MLP(2, [1]), nn.squared_error), nn.SettingError, r"w.0 is a Value: model.tensors\(\)"),
        (
            lambda: nn.Step(mixed, nn.squared_error),
            nn.SettingError,
            "layers.1.W is float32, layers.0.W float64",
        ),
        (lambda: nn.Step(network(), branching)(X, y), nn.SettingError, "branch"),
        (lambda: nn.Step(network(), functools.partial(nn.squared_error, reduction="none"))(X, y), ShapeError, "mean"),
        (lambda: nn.Step(network(), nn.squared_error)(X, y[:, 0]), ShapeError, "targets"),
        (lambda: nn.Step(network(), nn.cross_entropy)(X, np.full(24, 3)), ShapeError, "label 3"),
        (lambda: nn.Step(network(), nn.squared_error)(X * np.inf, y), NonFiniteError, "nan"),
    ]:
        with pytest.raises(error, match=words):
            call()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ((3, nn.squared_error), DataError, "model must be an nn.Module, got int"),
        ((nn.Dense(2, 1), "mse"), nn.SettingError, "loss must be a function"),
        ((nn.Dense(2, 1), nn.squared_error, "adam"), DataError, "optimizer must be one such as nn.adam"),
        ((nn.Dense(2, 1), lambda p, y: p - y), ShapeError, "one number, .*: take its mean"),
        ((nn.Dense(2, 1), lambda p, y: 3.0), DataError, "the loss is a float without a record"),
    ],
)
def test_what_is_no_model_loss_or_optimizer_is_named(given: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        nn.Step(*given)(np.ones((4, 2)), np.ones((4, 1)))


def test_nothing_moves_when_the_loss_is_not_finite() -> None:
    model = network()
    step = nn.Step(model, nn.squared_error)
    before = model.state_dict()
    with pytest.raises(NonFiniteError):
        step(X * np.nan, TARGETS[nn.squared_error])
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


# Networks on Values ---------------------------------------------------------------------------------------------------

ONE_OUTPUT = {
    nn.squared_error: RNG.normal(size=24),
    nn.half_squared_error: RNG.normal(size=24),
    nn.absolute_error: RNG.normal(size=24),
    nn.huber: RNG.normal(size=24),
    nn.sigmoid_cross_entropy: RNG.integers(0, 2, 24),
    nn.poisson: RNG.integers(0, 4, 24),
    nn.hinge: 2.0 * RNG.integers(0, 2, 24) - 1.0,
}


def histories(loss: Any, y: Any, monkeypatch: Any, activation: str = "relu", **settings: Any) -> list[Any]:
    """Fit twins, one by programs and one by recording, and return their losses and parameters."""
    found = []
    for program in (steps.sample_program, lambda *args: None):
        monkeypatch.setattr(train, "sample_program", program)
        model = nn.MLP(5, [4, 1], activation, rng=0)
        history = nn.fit(model, X, y, loss=loss, epochs=4, batch_size=7, rng=0, progress=False, **settings)
        found.append(([r["loss"] for r in history], [p.data for p in model.parameters()]))
    return found


@pytest.mark.parametrize("loss", ONE_OUTPUT, ids=lambda loss: loss.__name__)
def test_scalar_networks_are_fitted_by_programs_to_the_same_numbers(loss: Any, monkeypatch: Any) -> None:
    (losses, params), (expected, others) = histories(loss, ONE_OUTPUT[loss], monkeypatch)
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    np.testing.assert_allclose(params, others, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_with_weights_and_clipping_too(activation: str, monkeypatch: Any) -> None:
    loss = functools.partial(nn.huber, delta=0.5)
    settings: dict[str, Any] = {"weights": RNG.uniform(0.1, 2.0, 24), "clip": 0.1, "optimizer": nn.sgd(0.1)}
    one, two = histories(loss, ONE_OUTPUT[nn.huber], monkeypatch, activation, **settings)
    np.testing.assert_allclose(one[0], two[0], rtol=1e-12)
    np.testing.assert_allclose(one[1], two[1], rtol=1e-10, atol=1e-12)


def test_a_program_is_used_and_recording_is_where_a_program_would_not_do() -> None:
    net = nn.MLP(5, [2, 1], rng=0)
    y = ONE_OUTPUT[nn.squared_error]
    assert steps.sample_program(net, nn.squared_error, X, y) is not None
    own = lambda p, t: nn.squared_error(p, t)
    for model, loss, targets in [
        (net, own, y),
        (nn.MLP(5, [2, 3], rng=0), nn.squared_error, TARGETS[nn.squared_error]),
        (nn.Sequential(nn.Dropout(0.5), net), nn.squared_error, y),
        (net, nn.squared_error, np.stack([y, y], axis=1)),
        (nn.MLP(5, [2, 3], rng=0), nn.squared_error, y),
        (net, functools.partial(nn.huber, delta=Value(0.5)), y),
        (network(), nn.squared_error, TARGETS[nn.squared_error]),
    ]:
        assert steps.sample_program(model, loss, X, targets) is None


def test_a_program_runs_in_every_batch_unless_a_mode_wants_to_see_the_nodes(monkeypatch: Any) -> None:
    recorded, record = [], train.Trainer._record
    monkeypatch.setattr(train.Trainer, "_record", lambda *args: recorded.append(1) or record(*args))
    settings: dict[str, Any] = {"loss": nn.squared_error, "epochs": 2, "batch_size": 6, "progress": False}
    nn.fit(nn.MLP(5, [2, 1], rng=0), X, ONE_OUTPUT[nn.squared_error], **settings)
    assert not recorded
    with detect_nonfinite():
        nn.fit(nn.MLP(5, [2, 1], rng=0), X, ONE_OUTPUT[nn.squared_error], **settings)
    assert len(recorded) == 2 * 4


def test_targets_are_checked_in_every_batch() -> None:
    y = ONE_OUTPUT[nn.hinge].copy()
    y[-1] = 0.5
    with pytest.raises(nn.SettingError, match="targets must be -1 or 1"):
        nn.fit(nn.MLP(5, [2, 1], rng=0), X, y, loss=nn.hinge, batch_size=6, shuffle=False, progress=False)


def test_a_loss_that_blows_up_names_the_op_where_nonfinite_numbers_are_looked_for() -> None:
    net = nn.MLP(5, [2, 1], rng=0)
    y = ONE_OUTPUT[nn.poisson]
    with pytest.raises(NonFiniteError, match="smaller learning rate"):
        nn.fit(net, 1e6 * X, y, loss=nn.poisson, optimizer=nn.sgd(10.0), epochs=50, progress=False)
    with detect_nonfinite(), pytest.raises(NonFiniteError, match="exp gave inf"):
        nn.fit(nn.MLP(5, [2, 1], rng=0), 1e6 * X, y, loss=nn.poisson, optimizer=nn.sgd(10.0), progress=False)
    with no_grad():
        assert np.isfinite(nn.evaluate(nn.MLP(5, [2, 1], rng=0), X, y, loss=nn.poisson))


# What could go wrong without a word -----------------------------------------------------------------------------------


class Headed(nn.Module):
    """A network whose parameters are in another order than its layers, with one that nothing reaches."""

    def __init__(self, unused: bool = False) -> None:
        self.out, self.hidden = nn.Dense(6, 3, "identity", rng=0), nn.Dense(5, 6, "tanh", rng=1)
        if unused:
            self.idle = Tensor(np.ones(2), label="idle")

    def __call__(self, x: Any) -> Any:
        return self.out(self.hidden(x))


def test_classes_are_counted_in_the_logits_whatever_order_the_parameters_are_in() -> None:
    replayed, recorded = Headed(), Headed()
    optimizer = nn.adam(0.01)
    state, step = optimizer.init(recorded), nn.Step(replayed, nn.cross_entropy, optimizer)
    y = TARGETS[nn.cross_entropy]
    for _ in range(4):
        expected = recorded_step(recorded, nn.cross_entropy, optimizer, state, X, y)
        assert step(X, y) == pytest.approx(expected, rel=1e-12)


def test_a_parameter_that_is_not_reached_is_named_and_can_be_left_out() -> None:
    y, optimizer = TARGETS[nn.squared_error], nn.adamw(0.1, weight_decay=0.5)
    model = Headed(unused=True)
    with pytest.raises(nn.SettingError, match="no gradient for idle"):
        nn.Step(model, nn.squared_error, optimizer)(X, y)
    step = nn.Step(model, nn.squared_error, optimizer, optimizer.init([*model.out.parameters()]))
    hidden = model.hidden.W.data.copy()
    step(X, y)
    np.testing.assert_array_equal(model.hidden.W.data, hidden)
    model.hidden.W.data = 0.5 * hidden
    expected = float(nn.squared_error(model(X), y))
    assert step(X, y) == pytest.approx(expected, rel=1e-13)


def test_grad_holds_the_gradient_of_the_last_step_whatever_happened_to_it_before() -> None:
    y = TARGETS[nn.squared_error]
    model, twin = network(), network()
    step = nn.Step(model, nn.squared_error, nn.sgd(1e-9))
    step(X, y)
    model.zero_grad()
    step(X, y)
    nn.squared_error(model(X), y).backward()
    step(X, y)
    nn.squared_error(twin(X), y).backward()
    for p, q in zip(model.parameters(), twin.parameters()):
        np.testing.assert_allclose(p.grad, q.grad, rtol=1e-6, atol=1e-12)


class Noisy(nn.Module):
    def __init__(self) -> None:
        self.inner, self._source = nn.Dense(5, 3, rng=0), np.random.default_rng(0)

    def __call__(self, x: Any) -> Any:
        return self.inner(x * self._source.normal(size=5)) if self.training else self.inner(x)


def test_random_numbers_of_a_models_own_are_not_frozen() -> None:
    y = TARGETS[nn.squared_error]
    model = Noisy()
    step = nn.Step(model, nn.squared_error, nn.sgd(1e-12))
    with pytest.raises(nn.SettingError, match="random"):
        step(X, y)
    model.eval()
    assert step(X, y) == pytest.approx(float(nn.squared_error(model(X), y)), rel=1e-9)
    model.train()
    with pytest.raises(nn.SettingError, match="random"):
        step(X, y)


def test_a_learning_rate_a_state_or_targets_that_do_not_fit_move_nothing() -> None:
    model, optimizer = network(), nn.adam(0.1)
    uneven = optimizer.init(model)
    uneven[0][1] = 3
    hinged = nn.Step(model, nn.hinge)
    hinged(X, TARGETS[nn.hinge])
    before = model.state_dict()
    for call, words in [
        (lambda: nn.Step(model, nn.squared_error, optimizer, nn.sgd().init(model)), "another model or optimizer"),
        (lambda: nn.Step(model, nn.squared_error, optimizer, optimizer.init(network())), "another model or optimizer"),
        (lambda: nn.Step(model, nn.squared_error, optimizer, uneven), "more often"),
        (lambda: nn.Step(model, nn.squared_error)(X, TARGETS[nn.squared_error], np.nan), "learning_rate"),
        (lambda: nn.Step(model, nn.squared_error)(X, TARGETS[nn.squared_error], -1.0), "learning_rate"),
        (lambda: hinged(X, 0.5 * TARGETS[nn.hinge]), "targets must be -1 or 1"),
    ]:
        with pytest.raises(nn.SettingError, match=words):
            call()
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_state_that_is_loaded_between_two_steps_is_gone_on_from(tmp_path: Any) -> None:
    y, optimizer = TARGETS[nn.squared_error], nn.adam(0.05)
    model, other = network(), network()
    step = nn.Step(model, nn.squared_error, optimizer)
    step(X, y)
    nn.save(model, tmp_path / "run", step.state)
    first = [step(X, y) for _ in range(3)]
    nn.load_into(model, tmp_path / "run", step.state)
    assert [step(X, y) for _ in range(3)] == first
    state = optimizer.init(other)
    nn.load_into(other, tmp_path / "run", state)
    assert [nn.Step(other, nn.squared_error, optimizer, state)(X, y) for _ in range(3)] == first


class NoisyNeuron(nn.Neuron):
    """A neuron that jitters."""

    source = np.random.default_rng(0)

    def __call__(self, x: Any) -> Any:
        return super().__call__(x) * self.source.uniform(0.5, 1.5)


class Doubled(nn.MLP):
    """A network that says twice what it finds, from its second call on."""

    calls = 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return super().__call__(x) * (1.0 if self.calls < 2 else 2.0)


def test_scalar_layers_and_activations_of_a_users_own_are_recorded() -> None:
    y = ONE_OUTPUT[nn.squared_error]
    noisy = nn.MLP(5, [2, 1], rng=0)
    noisy.layers[0].neurons[0] = NoisyNeuron(5)
    odd = nn.MLP(5, [2, 1], lambda z: z * NoisyNeuron.source.normal(), rng=0)
    through = nn.Sequential(nn.Layer(5, 2, rng=0), lambda a: a[0] * NoisyNeuron.source.normal())
    for model in (noisy, odd, through, Doubled(5, [2, 1])):
        assert steps.sample_program(model, nn.squared_error, X, y) is None


def test_a_sum_is_not_a_mean_and_weights_are_checked_without_a_graph_too() -> None:
    y = ONE_OUTPUT[nn.squared_error]
    net = nn.MLP(5, [2, 1], rng=0)
    assert steps.sample_program(net, functools.partial(nn.squared_error, reduction="sum"), X, y) is None
    settings: dict[str, Any] = {"loss": nn.squared_error, "epochs": 2, "batch_size": 6, "shuffle": False}
    before = net.state_dict()
    for weights, words in [(np.zeros(24), "sum is 0"), (np.repeat([0.5, -1.0], 12), r"got -1\.0")]:
        with pytest.raises(nn.SettingError, match=words):
            nn.fit(net, X, y, weights=weights, progress=False, **settings)
    assert net.state_dict() == before
    weights = np.tile([0.0, 1.0], 12)
    one = nn.fit(net, X, y, weights=weights, progress=False, **settings)
    assert np.isfinite([record["loss"] for record in one]).all()


def test_a_callback_that_rebuilds_the_network_is_heeded(monkeypatch: Any) -> None:
    def bend(model: Any, record: Any) -> None:
        model.layers[0].neurons[0].activation = "tanh" if record["epoch"] % 2 else "relu"
        if record["epoch"] == 2:
            model.layers[0].neurons[1].w[0] = Value(0.25)

    (one, params), (two, others) = histories(nn.huber, ONE_OUTPUT[nn.huber], monkeypatch, callbacks=[bend])
    np.testing.assert_allclose(one, two, rtol=1e-12)
    np.testing.assert_allclose(params, others, rtol=1e-10)


def test_batches_of_ever_other_sizes_do_not_pile_up_buffers() -> None:
    model, twin = network(), network()
    optimizer, y = nn.sgd(0.01), TARGETS[nn.squared_error]
    state, step = optimizer.init(twin), nn.Step(model, nn.squared_error, optimizer)
    for n in [*range(1, 40), 1, 2, 39]:
        x, t = np.resize(X, (n, 5)), np.resize(y, (n, 3))
        assert step(x, t) == pytest.approx(recorded_step(twin, nn.squared_error, optimizer, state, x, t), rel=1e-12)
    assert len(step._replays) <= 32


def test_a_scalar_parameter_that_is_not_reached_does_not_decay() -> None:
    net = nn.MLP(5, [2, 1], rng=0)
    net.spare = Value(3.0)
    assert steps.sample_program(net, nn.huber, X, ONE_OUTPUT[nn.huber]) is not None
    nn.fit(net, X, ONE_OUTPUT[nn.huber], loss=nn.huber, optimizer=nn.adamw(0.1, weight_decay=0.5), progress=False)
    assert net.spare.data == 3.0


# Targets of every kind ------------------------------------------------------------------------------------------------


def recorded_gradients(model: Any, loss: Any, x: Any, y: Any) -> tuple[float, list[Any]]:
    value = loss(model(x), y)
    model.zero_grad()
    value.backward()
    return value.item(), [np.array(p.grad) for p in model.parameters()]


@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3)], ids=str)
@pytest.mark.parametrize(
    "loss",
    [
        nn.cross_entropy,
        functools.partial(nn.cross_entropy, reduction="sum"),
        nn.negative_log_likelihood,
        functools.partial(nn.negative_log_likelihood, reduction="sum"),
    ],
    ids=["cross_entropy", "its sum", "likelihood", "its sum"],
)
def test_class_numbers_go_with_every_loss_of_classes_and_in_every_shape(loss: Any, shape: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=shape), rng.integers(0, 3, shape[:-1])
    model = nn.Sequential(nn.Dense(3, 3, "softmax", rng=0))
    expected, gradients = recorded_gradients(model, loss, x, y)
    step = nn.Step(model, loss, nn.sgd(1e-300))
    for _ in range(2):
        assert step(x, y) == pytest.approx(expected, rel=1e-13)
        for p, g in zip(model.parameters(), gradients):
            np.testing.assert_allclose(p.grad, g, rtol=1e-12, atol=1e-15)


def test_soft_targets_are_stepped_on_and_checked_in_every_batch() -> None:
    x, p = np.random.default_rng(0).normal(size=(4, 2)), np.array([[0.2, 0.3, 0.5]] * 4)
    model = nn.MLP(2, [3], layer=nn.Dense, rng=0)
    expected, gradients = recorded_gradients(model, nn.cross_entropy, x, p)
    step = nn.Step(model, nn.cross_entropy, nn.sgd(1e-300))
    assert step(x, p) == pytest.approx(expected, rel=1e-13)
    for q, g in zip(model.parameters(), gradients):
        np.testing.assert_allclose(q.grad, g, rtol=1e-12, atol=1e-15)
    with pytest.raises(nn.SettingError, match="probabilit"):
        step(x, 2.0 * p)


@pytest.mark.parametrize("loss", [nn.squared_error, nn.cross_entropy, nn.hinge])
def test_an_empty_batch_is_called_empty(loss: Any) -> None:
    step = nn.Step(nn.MLP(2, [3], layer=nn.Dense, rng=0), loss)
    for rows, targets in ((0, 0), (0, 4), (4, 0)):
        with pytest.raises(ShapeError, match=rf"the batch is empty: x has shape \({rows}, 2\) and y \({targets},\)"):
            step(np.zeros((rows, 2)), np.zeros(targets, int))


@pytest.mark.parametrize("loss", [nn.squared_error, nn.absolute_error, nn.cross_entropy, nn.sigmoid_cross_entropy])
def test_values_with_a_softmax_layer_train_as_arrays_do(loss: Any) -> None:
    x = np.random.default_rng(0).normal(size=(6, 2))
    for layers, activation, output in [([1], "tanh", "softmax"), ([3, 1], "softmax", "identity")]:
        y = np.zeros(6, int) if loss is nn.cross_entropy else np.ones((6, 1))
        on_values = nn.MLP(2, layers, activation, output, rng=0)
        on_arrays = on_values.tensors()
        for model in (on_values, on_arrays):
            nn.fit(model, x, y, loss=loss, epochs=3, batch_size=4, rng=0)
        for p, q in zip(on_values.tensors().parameters(), on_arrays.parameters(), strict=True):
            np.testing.assert_allclose(p.data, q.data, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("classes", [2, 4])
def test_rows_of_classes_that_the_model_does_not_have_are_refused_by_their_shapes(classes: int) -> None:
    step = steps.Step(nn.Dense(2, 3, "identity", rng=0), nn.cross_entropy, nn.sgd(0.1))
    with pytest.raises(autograd_mini.ShapeError, match=rf"labels of shape \(5, {classes}\), logits of shape \(5, 3\)"):
        step(np.ones((5, 2)), np.ones((5, classes)))


def test_a_gradient_that_somebody_holds_stays_what_it_was() -> None:
    line, x = nn.Dense(1, 1, "identity", rng=0), np.linspace(-1.0, 1.0, 20)[:, None]
    step = steps.Step(line, nn.squared_error, nn.sgd(0.1))
    twin = nn.Dense(1, 1, "identity", rng=0)
    alone = steps.Step(twin, nn.squared_error, nn.sgd(0.1))
    held, copies = [], []
    for _ in range(4):
        step(x, 3.0 * x + 1.0)
        alone(x, 3.0 * x + 1.0)
        held.append((line.W.grad, line.b.grad[0:]))
        copies.append((line.W.grad.copy(), line.b.grad.copy()))
    assert all(np.array_equal(a, b) for pair in zip(held, copies) for a, b in zip(*pair))
    assert not np.array_equal(held[0][0], held[1][0])
    assert (line.W.data, line.b.data) == (twin.W.data, twin.b.data), "and the training goes on as it would"


def test_numbers_that_somebody_holds_stay_what_they_were() -> None:
    line, x = nn.Dense(1, 1, "identity", rng=0), np.linspace(-1.0, 1.0, 20)[:, None]
    step = steps.Step(line, nn.squared_error, nn.sgd(0.1))
    held, copies = [], []
    for _ in range(4):
        step(x, 3.0 * x + 1.0)
        held.append((line.W.data, line.b.data[0:]))
        copies.append((line.W.data.copy(), line.b.data.copy()))
    assert all(np.array_equal(a, b) for pair in zip(held, copies) for a, b in zip(*pair))
    assert not np.array_equal(held[0][0], held[1][0])


def test_a_gradient_that_somebody_holds_stays_where_the_model_forgets_it() -> None:
    line, x = nn.Dense(1, 1, "identity", rng=0), np.linspace(-1.0, 1.0, 20)[:, None]
    step = steps.Step(line, nn.squared_error, nn.sgd(0.1))
    step(x, 3.0 * x + 1.0)
    held = line.W.grad
    copy = held.copy()
    line.zero_grad()
    step(x, 3.0 * x + 1.0)
    assert np.array_equal(held, copy)


# What a replay cannot look up or check -------------------------------------------------------------------------------

LABELS = np.array([0, 1, 1])
BATCH = np.array([[0.5, -1.0], [1.0, 0.0], [-0.5, 2.0]])


def one_layer(outputs, activation="identity"):
    return nn.Dense(2, outputs, activation, rng=0)


def wrapped_cross_entropy(z, y):
    return nn.cross_entropy(z, y) * 2.0


@pytest.mark.parametrize(
    "loss",
    [
        wrapped_cross_entropy,
        lambda z, y: nn.negative_log_likelihood(ops.softmax(z), y) * 2.0,
        lambda z, y: ops.cross_entropy(z, y).mean(),
        lambda z, y: -ops.log_softmax(z)[np.arange(3), y].mean(),
    ],
)
def test_a_loss_of_ones_own_that_looks_class_numbers_up_is_refused_by_name(loss):
    step = nn.Step(one_layer(2), loss)
    with pytest.raises(nn.SettingError, match=f"{loss.__name__} takes y as class numbers.*rows with a 1 at the class"):
        step(BATCH, LABELS)


def test_rows_in_place_of_class_numbers_reach_a_loss_of_ones_own_and_are_checked_in_every_batch():
    step, plain = nn.Step(one_layer(2), wrapped_cross_entropy), nn.Step(one_layer(2), nn.cross_entropy)
    rows = np.eye(2)[LABELS]
    assert step(BATCH, rows) == 2.0 * plain(BATCH, LABELS)
    with pytest.raises(nn.SettingError, match="a probability must lie in"):
        step(BATCH, rows * 2.0)
    step = nn.Step(one_layer(1), lambda z, y: nn.sigmoid_cross_entropy(z, y) * 2.0)
    step(BATCH, LABELS[:, None])
    with pytest.raises(nn.SettingError, match="a target must lie in"):
        step(BATCH, LABELS[:, None] + 1)


def test_probabilities_that_a_replay_could_not_check_are_refused():
    layer = one_layer(2)
    layer.b.data = [0.5, 0.5]
    with pytest.raises(nn.SettingError, match="a check that depends on data"):
        nn.Step(layer, nn.negative_log_likelihood)(BATCH * 0.1, LABELS)
    assert nn.Step(one_layer(2, "softmax"), nn.negative_log_likelihood)(BATCH, LABELS) > 0.0


def test_a_compiled_loss_checks_the_targets_of_every_call():
    loss = autograd_mini.compile(lambda z, y: nn.sigmoid_cross_entropy(z, y))
    assert loss(1.0, 0.5)[0] == pytest.approx(np.log1p(np.e) - 0.5)
    with pytest.raises(nn.SettingError, match="a target must lie in"):
        loss(1.0, 7.0)


def test_a_batch_may_be_lists_nodes_and_arrays_of_another_precision():
    x, y = BATCH, np.array([[0.5], [1.0], [2.0]])
    moved = []
    for given in ((x, y), (x.tolist(), y.tolist()), (x.astype(np.float32), y.astype(np.float32)), (x, y > 0.5)):
        step = nn.Step(one_layer(1), nn.squared_error)
        moved.append((step(*given), step(*given)))
    assert moved[0] == moved[1] == moved[2] != moved[3]
    assert moved[3][0] == nn.squared_error(one_layer(1)(x), [[0.0], [1.0], [1.0]]).data


def test_dropout_of_nothing_can_be_replayed_and_of_two_the_first_is_named():
    step = nn.Step(nn.Sequential(nn.Dropout(0.0), one_layer(1)), nn.squared_error)
    assert step(BATCH, np.ones((3, 1))) > 0.0
    model = nn.Sequential(nn.Dropout(0.25), one_layer(2), nn.Dropout(0.5))
    with pytest.raises(nn.SettingError, match=r"^Dropout\(0.25\) draws anew"):
        nn.Step(model, nn.squared_error)
