"""Oracles that need no peer: every loss, optimizer, schedule, initializer and layer beside a few lines of numpy."""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import Tensor, Value
from nn import init, layers, losses, optim, schedules, train

RNG = np.random.default_rng(11)
Z = RNG.normal(size=(6, 4)) * 2.0
Y = RNG.normal(size=(6, 4))
SHARE = RNG.random((6, 4))
SIGNS = np.where(RNG.random((6, 4)) > 0.5, 1.0, -1.0)
COUNTS = RNG.poisson(2.0, (6, 4)).astype(float)
LABELS = RNG.integers(0, 4, 6)
ONE_HOT = np.eye(4)[LABELS]
SOFTMAX = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
SIGMOID = 1.0 / (1.0 + np.exp(-Z))


def public(module: Any) -> set[str]:
    """Return the names of the public functions and classes that a module defines."""
    return {
        name
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and getattr(thing, "__module__", "") == module.__name__
        and (inspect.isfunction(thing) or inspect.isclass(thing))
    }


# Losses: predictions, targets, the loss of each entry or sample, and its derivative -----------------------------------

LOSSES: dict[str, tuple[Any, Any, Any, Any]] = {
    "squared_error": (Z, Y, (Z - Y) ** 2, 2.0 * (Z - Y)),
    "half_squared_error": (Z, Y, (Z - Y) ** 2 / 2.0, Z - Y),
    "absolute_error": (Z, Y, np.abs(Z - Y), np.sign(Z - Y)),
    "huber": (
        Z,
        Y,
        np.where(np.abs(Z - Y) <= 1.0, (Z - Y) ** 2 / 2.0, np.abs(Z - Y) - 0.5),
        np.where(np.abs(Z - Y) <= 1.0, Z - Y, np.sign(Z - Y)),
    ),
    "cross_entropy": (Z, LABELS, -np.log(SOFTMAX[np.arange(6), LABELS]), SOFTMAX - ONE_HOT),
    "sigmoid_cross_entropy": (
        Z,
        SHARE,
        -SHARE * np.log(SIGMOID) - (1.0 - SHARE) * np.log(1.0 - SIGMOID),
        SIGMOID - SHARE,
    ),
    "negative_log_likelihood": (SOFTMAX, LABELS, -np.log(SOFTMAX[np.arange(6), LABELS]), -ONE_HOT / SOFTMAX),
    "poisson": (Z, COUNTS, np.exp(Z) - COUNTS * Z, np.exp(Z) - COUNTS),
    "hinge": (Z, SIGNS, np.maximum(1.0 - SIGNS * Z, 0.0), np.where(SIGNS * Z < 1.0, -SIGNS, 0.0)),
}
# the penalty has a test of its own
HELPERS = {"checked_loss", "checked_weights", "one_number", "one_node", "l2_penalty"}


def test_every_loss_has_an_oracle() -> None:
    assert public(losses) - HELPERS == set(LOSSES)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_their_gradients_are_those_of_the_formula(name: str, reduction: str) -> None:
    data, target, each, slope = LOSSES[name]
    weights = np.array([1.0, 0.5, 0.0, 3.0, 2.0, 0.25])
    for w in (None, weights):
        column = np.ones(each.shape) if w is None else w.reshape(-1, *[1] * (each.ndim - 1)) * np.ones(each.shape)
        share = column / column.sum() if reduction == "mean" else column
        p = Tensor(data)
        loss = getattr(losses, name)(p, target, reduction=reduction, weights=w)
        expected = share * each if reduction == "none" else (share * each).sum()
        np.testing.assert_allclose(loss.data, expected, rtol=1e-12, atol=1e-14)
        loss.backward(np.ones(loss.shape) if loss.ndim else None)
        np.testing.assert_allclose(p.grad, share.reshape(6, -1) * slope, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("delta", [0.3, 2.0])
def test_huber_turns_where_delta_says(delta: float) -> None:
    d = Z - Y
    each = np.where(np.abs(d) <= delta, d**2 / 2.0, delta * (np.abs(d) - delta / 2.0))
    p = Tensor(Z)
    loss = nn.huber(p, Y, delta, reduction="none")
    np.testing.assert_allclose(loss.data, each, rtol=1e-13)
    loss.backward(np.ones(loss.shape))
    np.testing.assert_allclose(p.grad, np.clip(d, -delta, delta), rtol=1e-13)


def test_the_penalty_is_half_the_sum_of_squares() -> None:
    W, b = Tensor(Z), Value(3.0)
    penalty = nn.l2_penalty([W, b], 0.7)
    penalty.backward()
    assert penalty.data == pytest.approx(0.35 * ((Z**2).sum() + 9.0), rel=1e-14)
    np.testing.assert_allclose(W.grad, 0.7 * Z, rtol=1e-14)
    assert b.grad == pytest.approx(2.1, rel=1e-14)


# Optimizers: the update of the paper, one number at a time ------------------------------------------------------------


def velocity(p: float, gs: list[float], lr: float, mu: float, nesterov: bool) -> float:
    v = 0.0
    for g in gs:
        v = mu * v + g
        p = p - lr * (g + mu * v if nesterov else v)
    return p


def moments(p: float, gs: list[float], lr: float, b1: float, b2: float, eps: float, decay: float = 0.0) -> float:
    m = v = 0.0
    for t, g in enumerate(gs, 1):
        p = p - lr * decay * p
        m = b1 * m + (1.0 - b1) * g
        v = b2 * v + (1.0 - b2) * g**2
        p = p - lr * (m / (1.0 - b1**t)) / (math.sqrt(v / (1.0 - b2**t)) + eps)
    return p


def scaled(p: float, gs: list[float], lr: float, rho: float, share: float, eps: float) -> float:
    v = 0.0
    for g in gs:
        v = rho * v + share * g**2
        p = p - lr * g / (math.sqrt(v) + eps)
    return p


RULES: dict[str, list[tuple[Any, Callable[[float, list[float]], float]]]] = {
    "sgd": [
        (nn.sgd(0.3), lambda p, gs: p - 0.3 * math.fsum(gs)),
        (nn.sgd(0.05, momentum=0.9), lambda p, gs: velocity(p, gs, 0.05, 0.9, False)),
        (nn.sgd(0.05, momentum=0.6, nesterov=True), lambda p, gs: velocity(p, gs, 0.05, 0.6, True)),
    ],
    "adam": [
        (nn.adam(0.05), lambda p, gs: moments(p, gs, 0.05, 0.9, 0.999, 1e-8)),
        (nn.adam(0.02, 0.5, 0.9, 0.1), lambda p, gs: moments(p, gs, 0.02, 0.5, 0.9, 0.1)),
    ],
    "adamw": [
        (nn.adamw(0.05), lambda p, gs: moments(p, gs, 0.05, 0.9, 0.999, 1e-8, 0.01)),
        (nn.adamw(0.05, 0.8, 0.95, 1e-3, 0.2), lambda p, gs: moments(p, gs, 0.05, 0.8, 0.95, 1e-3, 0.2)),
    ],
    "rmsprop": [
        (nn.rmsprop(0.05), lambda p, gs: scaled(p, gs, 0.05, 0.99, 1.0 - 0.99, 1e-8)),
        (nn.rmsprop(0.02, 0.5, 1e-3), lambda p, gs: scaled(p, gs, 0.02, 0.5, 0.5, 1e-3)),
    ],
    "adagrad": [
        (nn.adagrad(0.5), lambda p, gs: scaled(p, gs, 0.5, 1.0, 1.0, 1e-10)),
        (nn.adagrad(0.5, 0.2), lambda p, gs: scaled(p, gs, 0.5, 1.0, 1.0, 0.2)),
    ],
}
EACH_RULE = [pytest.param(*rule, id=f"{name}{i}") for name, rules in RULES.items() for i, rule in enumerate(rules)]


def test_every_optimizer_has_an_oracle() -> None:
    made = {name for name in public(optim) if inspect.signature(getattr(optim, name)).return_annotation == "Optimizer"}
    assert made == set(RULES)


@pytest.mark.parametrize(("rule", "expected"), EACH_RULE)
def test_updates_are_those_of_the_paper(rule: Any, expected: Any) -> None:
    gradients = RNG.normal(size=(40, 3))
    starts = [0.5, -2.0, 3.0]
    tensor, value = Tensor(starts), Value(starts[0])
    state = rule.init([tensor, value])
    for g in gradients:
        tensor.grad, value.grad = g.copy(), float(g[0])
        rule.update(state)
    for j in range(3):
        assert tensor.data[j] == pytest.approx(expected(starts[j], gradients[:, j].tolist()), rel=1e-11)
    assert value.data == pytest.approx(expected(starts[0], gradients[:, 0].tolist()), rel=1e-11)


@pytest.mark.parametrize(("rule", "expected"), EACH_RULE)
def test_a_rate_given_to_an_update_takes_the_place_of_its_own(rule: Any, expected: Any) -> None:
    moved = []
    for rate in (None, 2.0 * rule.learning_rate):
        p = Value(0.0)
        p.grad = 0.7
        rule.update(rule.init([p]), rate)
        moved.append(p.data)
    assert moved[1] == pytest.approx(2.0 * moved[0], rel=1e-12)


def test_clipping_is_the_projection_that_it_says() -> None:
    g, h = np.array([[3.0, -4.0], [0.5, 0.0]]), 12.0
    for limit in (0.7, 5.0, 100.0):
        p, q = Tensor(np.zeros((2, 2))), Value(0.0)
        p.grad, q.grad = g.copy(), h
        optim.clip_by_value([p, q], limit)
        np.testing.assert_array_equal(p.grad, np.minimum(np.maximum(g, -limit), limit))
        assert q.grad == min(h, limit)
        p.grad, q.grad = g.copy(), h
        norm = math.sqrt((g**2).sum() + h**2)
        assert optim.clip_by_norm([p, q], limit) == pytest.approx(norm, rel=1e-14)
        factor = min(1.0, limit / norm)
        np.testing.assert_allclose(p.grad, g * factor, rtol=1e-14)
        assert q.grad == pytest.approx(h * factor, rel=1e-14)


def test_lbfgs_finds_the_minimum_of_a_quadratic() -> None:
    pytest.importorskip("scipy", reason="SciPy is an extra")
    A = np.array([[3.0, 1.0], [1.0, 2.0]])
    x = Tensor([5.0, -7.0])
    nn.lbfgs(lambda: 0.5 * (x @ A @ x) - x.sum(), [x])
    np.testing.assert_allclose(x.data, np.linalg.solve(A, np.ones(2)), atol=1e-7)


# Schedules ------------------------------------------------------------------------------------------------------------

SCHEDULES: dict[str, tuple[Any, Callable[[int], float]]] = {
    "constant": (schedules.constant(0.3), lambda t: 0.3),
    "step": (schedules.step(0.3, every=3, factor=0.4), lambda t: 0.3 * 0.4 ** math.floor(t / 3)),
    "inv_scaling": (schedules.inv_scaling(0.3, 0.7), lambda t: 0.3 / (t + 1.0) ** 0.7),
    "cosine": (
        schedules.cosine(0.3, 10, 0.1),
        lambda t: 0.1 + 0.2 * math.cos(min(t, 10) * math.pi / 20.0) ** 2,  # (1 + cos 2a) / 2 = cos^2 a
    ),
    "warm_up": (
        schedules.warm_up(schedules.inv_scaling(0.3), 4),
        lambda t: 0.3 * (t + 1) / 4.0 if t < 4 else 0.3 / math.sqrt(t - 3.0),
    ),
}


def test_every_schedule_has_an_oracle() -> None:
    assert public(schedules) - {"Schedule", "adaptive"} == set(SCHEDULES)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_their_formulas(name: str) -> None:
    schedule, formula = SCHEDULES[name]
    for t in range(30):
        assert schedule(t) == pytest.approx(formula(t), rel=1e-12), t


def test_the_adaptive_schedule_counts_epochs_without_progress() -> None:
    """By hand: the best loss is 2.0 from the third epoch on; every third epoch without progress makes the rate half."""
    rate = schedules.adaptive(1.0, patience=2, tol=0.1, factor=0.5)
    curve = [5.0, 3.0, 2.0, 1.95, 2.1, 2.0, 1.99, 2.5, 1.92, 1.0, 0.95, 0.94, 0.93]
    assert [rate(t, curve[:t]) for t in range(len(curve) + 1)] == [1.0] * 6 + [0.5] * 3 + [0.25] * 4 + [0.125]


# Initializers ---------------------------------------------------------------------------------------------------------

SPREADS: dict[str, tuple[Callable[..., Any], float, float, float]] = {  # W's deviation and bound, b's bound
    "uniform": (init.uniform, math.sqrt(1.0 / 3.0), 1.0, 0.0),
    "glorot": (init.glorot, math.sqrt(6.0 / 500.0 / 3.0), math.sqrt(6.0 / 500.0), math.sqrt(6.0 / 500.0)),
    "glorot_logistic": (
        init.glorot_logistic,
        math.sqrt(2.0 / 500.0 / 3.0),
        math.sqrt(2.0 / 500.0),
        math.sqrt(2.0 / 500.0),
    ),
    "he": (init.he, math.sqrt(2.0 / 300.0), math.inf, 0.0),
    "lecun": (init.lecun, math.sqrt(1.0 / 300.0), math.inf, 0.0),
    "zeros": (init.zeros, 0.0, 0.0, 0.0),
}


def test_every_initializer_has_an_oracle() -> None:
    drawn = public(init) - {"PythonRandom", "source", "draw", "constant", "given"} | {"glorot_logistic"}
    assert drawn == set(SPREADS)


@pytest.mark.parametrize("name", SPREADS)
@pytest.mark.parametrize("rng", [3, None], ids=["numpy", "python"])
def test_initializers_have_the_shape_and_the_spread_of_their_paper(name: str, rng: Any) -> None:
    draw, deviation, bound, b_bound = SPREADS[name]
    W, b = init.draw(draw, rng, 300, 200)
    assert (W.shape, b.shape) == ((200, 300), (200,))
    assert W.std() == pytest.approx(deviation, rel=0.02)  # of 60,000 draws: some seven standard errors
    assert abs(W.mean()) <= 5.0 * deviation / math.sqrt(W.size)
    assert np.abs(W).max() <= bound
    assert 0.9 * b_bound <= np.abs(b).max() <= b_bound


def test_constant_and_given_are_what_they_were_given() -> None:
    W, b = init.constant(2.5, -1.0)(None, 3, 2)
    assert (W.tolist(), b.tolist()) == ([[2.5] * 3] * 2, [-1.0] * 2)
    assert init.given(W, b)(None, 3, 2) == (W, b)


# Layers ---------------------------------------------------------------------------------------------------------------

ERF = np.vectorize(math.erf)
ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {  # g(z) and g'(z)
    "identity": (lambda z: z, np.ones_like),
    "sigmoid": (lambda z: 1.0 / (1.0 + np.exp(-z)), lambda z: np.exp(-z) / (1.0 + np.exp(-z)) ** 2),
    "tanh": (np.tanh, lambda z: 1.0 / np.cosh(z) ** 2),
    "relu": (lambda z: z * (z > 0.0), lambda z: (z > 0.0) * 1.0),
    "softplus": (lambda z: np.log(1.0 + np.exp(z)), lambda z: 1.0 / (1.0 + np.exp(-z))),
    "silu": (
        lambda z: z / (1.0 + np.exp(-z)),
        lambda z: (1.0 + np.exp(-z) + z * np.exp(-z)) / (1.0 + np.exp(-z)) ** 2,
    ),
    "gelu": (
        lambda z: z * (1.0 + ERF(z / math.sqrt(2.0))) / 2.0,
        lambda z: (1.0 + ERF(z / math.sqrt(2.0))) / 2.0 + z * np.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi),
    ),
    "leaky_relu": (lambda z: np.where(z > 0.0, z, 0.01 * z), lambda z: np.where(z > 0.0, 1.0, 0.01)),
    "elu": (lambda z: np.where(z > 0.0, z, np.exp(z) - 1.0), lambda z: np.where(z > 0.0, 1.0, np.exp(z))),
}


def test_every_activation_has_an_oracle() -> None:
    assert set(layers.ACTIVATIONS) - {"softmax"} == set(ACTIVATIONS)


@pytest.mark.parametrize("g", ACTIVATIONS)
def test_a_layer_is_the_textbooks_formula_and_recipe(g: str) -> None:
    """z = W x + b, a = g(z); dL/dz = g'(z) dL/da, dL/dW = dL/dz x^T, dL/db = dL/dz, dL/dx = W^T dL/dz."""
    W, b, X, C = RNG.normal(size=(3, 4)), RNG.normal(size=3), RNG.normal(size=(5, 4)), RNG.normal(size=(5, 3))
    layer, x = nn.Dense(4, 3, g, init=init.given(W, b)), Tensor(X)
    a = layer(x)
    value, slope = ACTIVATIONS[g]
    z = X @ W.T + b
    np.testing.assert_allclose(a.data, value(z), rtol=1e-12, atol=1e-14)
    a.backward(C)
    dz = slope(z) * C
    for got, expected in ((layer.W.grad, dz.T @ X), (layer.b.grad, dz.sum(axis=0)), (x.grad, dz @ W)):
        np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-13)
    scalars = layer.scalars()(list(X[0]))
    np.testing.assert_allclose([v.data for v in scalars], value(z[0]), rtol=1e-12, atol=1e-14)


def test_softmax_has_the_textbooks_jacobian() -> None:
    """J = diag(a) - a a^T."""
    W, b = RNG.normal(size=(3, 4)), RNG.normal(size=3)
    layer, x, c = nn.Dense(4, 3, "softmax", init=init.given(W, b)), RNG.normal(size=4), RNG.normal(size=3)
    node = Tensor(x[None])
    a = layer(node)
    e = np.exp(W @ x + b)
    np.testing.assert_allclose(a.data[0], e / e.sum(), rtol=1e-13)
    a.backward(c[None])
    p = e / e.sum()
    np.testing.assert_allclose(node.grad[0], W.T @ (np.diag(p) - np.outer(p, p)) @ c, rtol=1e-11)


def test_dropout_divides_what_it_keeps() -> None:
    x = Tensor(np.ones((400, 50)))
    kept = nn.Dropout(0.3, rng=1)(x)
    assert set(np.unique(kept.data)) == {0.0, 1.0 / 0.7}
    assert kept.data.mean() == pytest.approx(1.0, abs=0.02)
    kept.backward(np.ones(kept.shape))
    np.testing.assert_array_equal(x.grad, kept.data)


def test_an_mlp_is_its_layers_one_after_another() -> None:
    net = nn.MLP(4, [5, 3, 2], "tanh", "sigmoid", layer=nn.Dense, rng=0)
    (W1, b1), (W2, b2), (W3, b3) = ((layer.W.data, layer.b.data) for layer in net.layers)
    X = RNG.normal(size=(7, 4))
    a = np.tanh(np.tanh(X @ W1.T + b1) @ W2.T + b2)
    np.testing.assert_allclose(net(X).data, 1.0 / (1.0 + np.exp(-(a @ W3.T + b3))), rtol=1e-12)


# What is left out in a call: as in the papers, and in PyTorch ---------------------------------------------------------

DEFAULTS = {
    optim.sgd: {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False},
    optim.adam: {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
    optim.adamw: {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01},
    optim.rmsprop: {"learning_rate": 0.01, "rho": 0.99, "epsilon": 1e-8},
    optim.adagrad: {"learning_rate": 0.01, "epsilon": 1e-10},
    optim.lbfgs: {"max_iter": 200, "tol": 1e-8, "max_fun": 15000},
    train.fit: {"epochs": 100, "batch_size": 32, "shuffle": True, "clip": math.inf, "patience": None, "tol": 1e-4},
    losses.huber: {"delta": 1.0},
    losses.l2_penalty: {"alpha": 1.0},
    init.glorot: {"factor": 6.0},
    init.constant: {"bias": 0.0},
    layers.Dropout: {"rate": 0.5},
    schedules.cosine: {"floor": 0.0},
    schedules.step: {"factor": 0.1},
    schedules.inv_scaling: {"power": 0.5},
    schedules.adaptive: {"patience": 10, "tol": 1e-4, "factor": 0.2},
}


@pytest.mark.parametrize("function", DEFAULTS, ids=lambda function: function.__name__)
def test_a_setting_that_is_left_out_is_the_usual_one(function: Callable[..., Any]) -> None:
    params = inspect.signature(function).parameters.values()
    found = {p.name: p.default for p in params if p.default is not p.empty}
    assert {name: found[name] for name in DEFAULTS[function]} == DEFAULTS[function]


BY_NAME: dict[Callable[..., Any], set[str]] = {
    **{getattr(losses, name): {"reduction", "weights"} for name in LOSSES},
    layers.Neuron: {"init", "rng"},
    layers.Layer: {"init", "rng"},
    layers.Dense: {"init", "rng", "dtype"},
    layers.Dropout: {"rng"},
    layers.MLP: {"layer", "rng"},
    optim.lbfgs: {"max_iter", "tol", "max_fun"},
    train.evaluate: {"loss"},
    train.fit: set(inspect.signature(train.fit).parameters) - {"model", "X", "y"},
}


@pytest.mark.parametrize("module", [init, layers, losses, optim, schedules, train], ids=lambda module: module.__name__)
def test_what_a_function_works_on_goes_by_place_or_name_and_settings_by_name_alone(module: Any) -> None:
    for thing in map(vars(module).get, sorted(public(module))):
        if thing is not schedules.Schedule and not hasattr(layers.Module, getattr(thing, "__name__", "")):
            params = inspect.signature(thing).parameters.values()
            assert not [p.name for p in params if p.kind is p.POSITIONAL_ONLY], thing
            assert {p.name for p in params if p.kind is p.KEYWORD_ONLY} == BY_NAME.get(thing, set()), thing


def test_pythons_random_draws_from_the_intervals_that_numpys_sources_draw_from() -> None:
    random.seed(0)
    source = init.PythonRandom()
    for drawn, low, high in ((source.random((20, 30)), 0.0, 1.0), (source.uniform(-3.0, 2.0, (20, 30)), -3.0, 2.0)):
        assert drawn.shape == (20, 30)
        assert low <= drawn.min() < low + 0.05
        assert high - 0.05 < drawn.max() < high
        assert drawn.mean() == pytest.approx((low + high) / 2, abs=0.2)
    assert sorted(source.permutation(9)) == list(range(9))
