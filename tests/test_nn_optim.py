"""Promises of optimizers and schedules: torch's updates to the last digits, in place, and strict about settings."""

import math

import numpy as np
import pytest

import nn
from autograd_mini import DataError, NonFiniteError, ShapeError, StaleError, Tensor, Value, ops
from nn import schedules

# Ours, torch's name and settings for it.
RULES = [
    (nn.sgd(0.05), "SGD", {"lr": 0.05}),
    (nn.sgd(0.05, momentum=0.9), "SGD", {"lr": 0.05, "momentum": 0.9}),
    (nn.sgd(0.05, momentum=0.9, nesterov=True), "SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    (nn.adam(0.05), "Adam", {"lr": 0.05}),
    (nn.adam(0.02, beta_1=0.5, beta_2=0.9, epsilon=0.1), "Adam", {"lr": 0.02, "betas": (0.5, 0.9), "eps": 0.1}),
    (nn.adamw(0.05, weight_decay=0.1), "AdamW", {"lr": 0.05, "weight_decay": 0.1}),
    (nn.rmsprop(0.05), "RMSprop", {"lr": 0.05}),
    (nn.rmsprop(0.02, rho=0.5, epsilon=1e-3), "RMSprop", {"lr": 0.02, "alpha": 0.5, "eps": 1e-3}),
    (nn.adagrad(0.5), "Adagrad", {"lr": 0.5}),
]
IDS = [f"{name}{i}" for i, (_, name, _) in enumerate(RULES)]
A = np.random.default_rng(0).normal(size=(4, 3))
START = np.random.default_rng(1).normal(size=(2, 3))


def objective(w, b, matrix, tanh):
    """A curved function of a (2, 3) and a scalar parameter, written for both engines."""
    return (tanh(w @ matrix.T) + b * b - 0.3).__pow__(2).sum() + 0.1 * (w * w).sum()


@pytest.mark.parametrize(("rule", "name", "settings"), RULES, ids=IDS)
def test_a_hundred_updates_equal_torch(rule, name, settings):
    torch = pytest.importorskip("torch")
    w, b = Tensor(START), Value(0.5)
    params = [torch.tensor(START, requires_grad=True), torch.tensor(0.5, dtype=torch.float64, requires_grad=True)]
    state, peer = rule.init([w, b]), getattr(torch.optim, name)(params, **settings)
    for _ in range(100):
        w.grad, b.grad = np.zeros((2, 3)), 0.0
        objective(w, b, A, lambda x: x.tanh()).backward()
        rule.update(state)
        peer.zero_grad()
        objective(*params, torch.tensor(A), torch.tanh).backward()
        peer.step()
    np.testing.assert_allclose(w.data, params[0].detach().numpy(), rtol=1e-12, atol=1e-12)
    assert b.data == pytest.approx(params[1].item(), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("rule", "name", "settings"), RULES, ids=IDS)
def test_values_and_arrays_move_alike_and_in_place(rule, name, settings):
    values, tensor = [Value(x) for x in START[0]], Tensor(START[0])
    place = tensor._data.ctypes.data  # and not the array: an optimizer leaves alone what someone else holds
    states = rule.init(values), rule.init([tensor])
    for step in range(10):
        g = np.cos(START[0] + step)
        tensor.grad = g
        for v, gi in zip(values, g.tolist()):
            v.grad = gi
        for state in states:
            rule.update(state)
    np.testing.assert_allclose([v.data for v in values], tensor.data, rtol=1e-14)
    assert all(type(v.data) is float for v in values)
    assert tensor._data.ctypes.data == place


def test_the_engine_notices_updates():
    x = Tensor([1.0, 2.0])
    y = (x * x).sum()
    y.backward()
    rule = nn.sgd(0.1)
    rule.update(rule.init([x]))
    np.testing.assert_allclose(x.data, [0.8, 1.6])
    with pytest.raises(StaleError):
        y.backward()


@pytest.mark.parametrize(("rule", "name", "settings"), RULES, ids=IDS)
def test_parameters_without_gradient_stay(rule, name, settings):
    used, unused, cleared = Value(1.0), Value(2.0), Value(3.0)
    state = rule.init([used, unused, cleared])
    (used * used).backward()
    cleared.grad = None
    rule.update(state)
    assert used.data != 1.0
    assert (unused.data, cleared.data) == (2.0, 3.0)
    assert [entry[1] for entry in state] == [1, 0, 0]


@pytest.mark.parametrize(("rule", "name", "settings"), RULES, ids=IDS)
def test_float32_stays_and_huge_gradients_do_not_warn(rule, name, settings):
    w, v = Tensor(np.ones(2, np.float32)), Value(1.0)
    state = rule.init([w, v])
    for g in (1e-30, 1e30, 1e38):
        w.grad, v.grad = np.full(2, g, np.float32), g * 1e270
        rule.update(state)
    assert w.dtype == np.float32
    assert {a.dtype for entry in state for a in entry[2:] if isinstance(a, np.ndarray)} <= {np.dtype(np.float32)}


@pytest.mark.parametrize("kind", [nn.Layer, nn.Dense])
def test_a_layer_of_dead_relus_is_named(kind):
    model = nn.MLP(3, [4, 4, 1], layer=kind, rng=0)
    for p in model.layers[1].parameters():
        p.data = -abs(p.data) - 0.1
    x = [1.0, 2.0, 3.0]
    ops.sum((model(np.array([x]) if kind is nn.Dense else x) - 1.0) ** 2).backward()
    with pytest.warns(UserWarning, match="all 4 outputs .relu. of layer 2 are 0 for every sample") as told:
        nn.check_gradients(model)
    assert [warning.filename for warning in told] == [__file__]
    alive = nn.MLP(3, [4, 4, 1], "tanh", layer=kind, rng=0)
    ops.sum((alive(np.array([x]) if kind is nn.Dense else x) - 1.0) ** 2).backward()
    nn.check_gradients(alive)


def test_a_nan_gradient_goes_through_unless_it_is_checked():
    net = nn.MLP(2, [1], layer=nn.Dense, rng=0)
    net(np.ones((1, 2))).sum().backward()
    net.layers[0].W.grad, net.layers[0].b.grad = np.array([[1.0, np.nan]]), np.array([np.nan])
    for check in (nn.check_gradients, lambda m: nn.clip_by_norm(m, 1.0), lambda m: nn.clip_by_value(m, 1.0)):
        with pytest.raises(NonFiniteError, match=r"the gradient of layers.0.W is nan at \[0, 1\]"):
            check(net)
    rule = nn.sgd(0.1)
    rule.update(rule.init(net))
    assert np.isnan(net.layers[0].W.data).tolist() == [[False, True]]


def test_clipping_equals_torch():
    torch = pytest.importorskip("torch")
    G = [START * 3.0, np.float64(-2.5)]
    for limit in (0.5, 1e6):
        for ours, theirs in ((nn.clip_by_norm, "clip_grad_norm_"), (nn.clip_by_value, "clip_grad_value_")):
            mine, peers = (
                [Tensor(START), Value(0.0)],
                [torch.zeros(2, 3, dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64)],
            )
            for p, q, g in zip(mine, peers, G):
                p.grad, q.grad = g, torch.tensor(g)
            norm = ours([*mine, Value(1.0)], limit)
            peer_norm = getattr(torch.nn.utils, theirs)(peers, limit)
            for p, q in zip(mine, peers):
                np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-5)  # torch adds 1e-6 to the norm
            if norm is not None:
                assert norm == pytest.approx(peer_norm.item(), rel=1e-14)
                clipped = math.hypot(*(float(np.linalg.norm(p.grad)) for p in mine))
                assert clipped == pytest.approx(min(norm, limit), rel=1e-14)
    infinite = Value(0.0)
    infinite.grad = math.inf
    nn.clip_by_value([infinite], 2.0)
    assert infinite.grad == 2.0
    infinite.grad = math.inf
    with pytest.raises(NonFiniteError, match="parameter 0 is inf"):
        nn.clip_by_norm([infinite], 2.0)


def test_lbfgs_solves_least_squares():
    pytest.importorskip("scipy")
    X, y = A, A @ [1.0, -2.0, 3.0] + 0.5
    for net in (nn.Dense(3, 1, "identity", rng=0), nn.Neuron(3, "identity", rng=0)):
        result = nn.lbfgs(lambda net=net: nn.squared_error(predict(net, X), y), net, tol=1e-12, max_iter=500)
        assert result.fun < 1e-15
        np.testing.assert_allclose(nn.optim.pack(net), [1.0, -2.0, 3.0, 0.5], rtol=1e-7)


def predict(net, X):
    return net(X).ravel() if isinstance(net, nn.Dense) else [net(row) for row in X]


def test_an_interrupted_lbfgs_keeps_the_last_whole_iteration():
    pytest.importorskip("scipy")
    p = Tensor([-1.2, 1.0])
    seen = []

    def rosenbrock():
        if len(seen) == 20:
            raise KeyboardInterrupt
        loss = 100.0 * (p[1] - p[0] ** 2) ** 2 + (1.0 - p[0]) ** 2
        seen.append((loss.data, np.array(p.data)))
        return loss

    with pytest.raises(KeyboardInterrupt):
        nn.lbfgs(rosenbrock, [p])
    kept = [loss for loss, at in seen if (at == p.data).all()]
    assert kept
    assert kept[0] < seen[0][0]


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (lambda p: 3.0, DataError, "the loss is a float without a record"),
        (lambda p: p.data**2, DataError, "not from their .data"),
        (lambda p: ops.stack([p, p]), ShapeError, r"one number, this one has shape \(2,\)"),
        (lambda p: (p - 3.0).log(), NonFiniteError, "the loss became nan: start elsewhere"),
        (lambda p: p / 0.0, NonFiniteError, "the loss became (inf|nan)"),
    ],
)
def test_a_loss_that_lbfgs_cannot_minimize_is_named_and_nothing_moves(loss, error, message):
    pytest.importorskip("scipy")
    p = Value(2.0)
    with pytest.raises(error, match=message):
        nn.lbfgs(lambda: loss(p), [p])
    assert p.data == 2.0


def test_lbfgs_steps_back_from_where_the_loss_is_no_number():
    pytest.importorskip("scipy")
    p = Value(1e-3)
    nn.lbfgs(lambda: p - p.log(), [p])
    assert p.data == pytest.approx(1.0, abs=1e-6)


def test_vectors_are_packed_and_unpacked_in_order():
    net = nn.MLP(2, [3, 1], layer=nn.Dense, rng=0, dtype=np.float32)
    theta = nn.optim.pack(net)
    assert theta.shape == (13,)
    nn.optim.unpack(np.arange(13.0), net)
    assert net.layers[1].W.data.tolist() == [[9.0, 10.0, 11.0]]
    assert net.layers[1].W.dtype == np.float32
    nn.optim.unpack(theta, net)
    np.testing.assert_array_equal(nn.optim.pack(net), theta)


def test_parameters_are_checked_and_counted_once():
    p = Value(1.0, label="p")
    assert len(nn.sgd().init([p, p, Value(2.0, label="p")])) == 2
    assert len(nn.sgd().init(p)) == 1
    used_up = iter([p])
    list(used_up)
    for nothing in ([], used_up, nn.Module()):
        with pytest.raises(nn.SettingError, match="no parameters"):
            nn.adam().init(nothing)
    for wrong, message in (
        ([p, 3.0], "parameter 1 .* got float"),
        ([p * 2.0], "computed by mul"),
        (3, "of a module, or a list of nodes; got int"),
        ([None], "NoneType"),
    ):
        with pytest.raises(DataError, match=message):
            nn.adam().init(wrong)


def test_an_update_of_what_is_no_state_moves_nothing_and_says_what_one_is():
    p, q = Value(1.0), Tensor([2.0])
    for node in (p, q):
        node.grad = node.data
    for wrong, kind in (
        ([p], "list of Value"),
        ([q], "list of Tensor"),
        (None, "NoneType"),
        (nn.Neuron(1), "Neuron"),
        ([[p]], "list of list"),
        ([3, p], "list of int"),
    ):
        with pytest.raises(DataError, match=rf"state must be what optimizer.init\(model\) returns, got {kind}"):
            nn.adam().update(wrong)
    for optimizer, other in ((nn.sgd(), nn.adam()), (nn.adam(), nn.sgd())):
        with pytest.raises(nn.SettingError, match="state is that of another optimizer"):
            optimizer.update(other.init([p, q]))
    assert (p.data, q.data.tolist()) == (1.0, [2.0])


def test_an_error_in_a_formula_of_ones_own_is_not_blamed_on_the_state():
    def formula(p, g, lr, t):
        raise ValueError("mine")

    p = Value(1.0)
    p.grad = 1.0
    rule = nn.optim.Optimizer(formula, 0.1, 0)
    with pytest.raises(ValueError, match=r"^mine$"):
        rule.update(rule.init([p]))


NAN = float("nan")
WRONG = [
    *[(lambda lr=lr: nn.sgd(lr), r"learning_rate must .* in \(0, inf\)") for lr in (0, -1.0, NAN, math.inf, "1", None)],
    (lambda: nn.sgd(0.1, momentum=-0.1), "momentum"),
    (lambda: nn.sgd(0.1, momentum=1.0), r"momentum must be a number in \[0, 1\), got 1.0"),
    (lambda: nn.adam(beta_1=1.0), "beta_1"),
    (lambda: nn.adam(beta_2=1), "beta_2"),
    (lambda: nn.adam(beta_2=-0.5), "beta_2"),
    (lambda: nn.adam(epsilon=0.0), "epsilon"),
    (lambda: nn.adam(epsilon=-1e-8), "epsilon"),
    (lambda: nn.adamw(weight_decay=-1.0), "weight_decay"),
    (lambda: nn.adamw(weight_decay=NAN), "weight_decay"),
    (lambda: nn.rmsprop(rho=1.0), "rho"),
    (lambda: nn.rmsprop(epsilon=NAN), "epsilon"),
    (lambda: nn.adagrad(learning_rate=0.0), "learning_rate"),
    (lambda: nn.adagrad(epsilon=math.inf), "epsilon"),
    (lambda: nn.sgd().update([], learning_rate=NAN), "learning_rate"),
    (lambda: nn.clip_by_norm([Value(1.0)], 0.0), "limit"),
    (lambda: nn.clip_by_value([Value(1.0)], -1.0), "limit"),
    (lambda: nn.lbfgs(lambda: None, [Value(1.0)], max_iter=0), "max_iter"),
    (lambda: nn.lbfgs(lambda: None, [Value(1.0)], tol=NAN), "tol"),
    (lambda: nn.lbfgs(Value(1.0) ** 2, [Value(1.0)]), "loss must be a function without arguments"),
    (lambda: schedules.constant(0.0), "learning_rate"),
    (lambda: schedules.step(0.1, every=0), "every"),
    (lambda: schedules.step(0.1, every=2, factor=0.0), "factor"),
    (lambda: schedules.inv_scaling(0.1, power=-1.0), "power"),
    (lambda: schedules.cosine(0.1, total=2.5), "total"),
    (lambda: schedules.cosine(0.1, total=2, floor=0.2), "floor"),
    (lambda: schedules.adaptive(0.1, patience=0), "patience"),
    (lambda: schedules.adaptive(0.1, tol=-1.0), "tol"),
    (lambda: schedules.warm_up(schedules.constant(0.1), steps=0), "steps"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_settings_outside_their_range_are_named(call, message):
    with pytest.raises(nn.SettingError, match=message):
        call()


def test_schedules_equal_torch():
    torch = pytest.importorskip("torch")
    schedulers = torch.optim.lr_scheduler
    for ours, make in (
        (schedules.constant(0.3), lambda o: schedulers.ConstantLR(o, factor=1.0)),
        (schedules.step(0.3, every=3, factor=0.5), lambda o: schedulers.StepLR(o, 3, 0.5)),
        (schedules.cosine(0.3, total=10, floor=0.01), lambda o: schedulers.CosineAnnealingLR(o, 10, 0.01)),
        (schedules.inv_scaling(0.3), lambda o: schedulers.LambdaLR(o, lambda t: (t + 1) ** -0.5)),
        (
            schedules.warm_up(schedules.cosine(0.3, total=6), steps=4),
            lambda o: schedulers.SequentialLR(
                o, [schedulers.LambdaLR(o, lambda t: (t + 1) / 4), schedulers.CosineAnnealingLR(o, 6)], [4]
            ),
        ),
    ):
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.3)
        scheduler = make(optimizer)
        for epoch in range(10):
            assert ours(epoch, []) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
            optimizer.step()
            scheduler.step()


def test_the_adaptive_schedule_follows_scikit_learn():
    neural = pytest.importorskip("sklearn.neural_network")
    X, y = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) % 2
    peer = neural.MLPClassifier((4,), solver="sgd", learning_rate="adaptive", learning_rate_init=0.5, random_state=0)
    peer.set_params(n_iter_no_change=2, tol=0.01, max_iter=12)
    with pytest.warns(Warning, match="Maximum iterations"):
        peer.fit(X, y)
    rate = schedules.adaptive(0.5, patience=2, tol=0.01)(peer.n_iter_, peer.loss_curve_)
    assert rate < 0.5
    assert rate == pytest.approx(peer._optimizer.learning_rate, rel=1e-12)


def test_parameters_in_place_of_a_learning_rate_are_told_where_they_go():
    model = nn.MLP(2, [1])
    for params in (model.parameters(), model, iter(model.parameters()), model.named_parameters()):
        for make in (nn.sgd, nn.adam, nn.adamw, nn.rmsprop, nn.adagrad):
            with pytest.raises(nn.SettingError, match=r"optimizer = nn\.sgd\(0\.1\); state = optimizer\.init\(model\)"):
                make(params, 0.1)
    with pytest.raises(nn.SettingError, match=r"must be a number in \(0, inf\), got 'fast'"):
        nn.sgd("fast")
    assert nn.sgd(np.array(0.1)).learning_rate == 0.1


def test_an_optimizer_shows_its_name_and_its_learning_rate():
    assert repr(nn.sgd(0.1)) == repr(nn.sgd(0.1, momentum=0.9)) == "<optimizer sgd: learning_rate=0.1>"
    assert [repr(make(0.5)) for make in (nn.adam, nn.adamw, nn.rmsprop, nn.adagrad)] == [
        f"<optimizer {name}: learning_rate=0.5>" for name in ("adam", "adamw", "rmsprop", "adagrad")
    ]


def test_gradients_that_are_all_0_are_told_where_they_are_looked_at():
    p, q = Tensor([1.0, 2.0]), Value(1.0)
    nn.check_gradients([p])
    p.grad, q.grad = np.zeros(2), 0.0
    with pytest.warns(UserWarning, match="all gradients are 0: the loss does not depend on the parameters") as told:
        nn.check_gradients([p, q])
    assert [warning.filename for warning in told] == [__file__]
    q.grad = 1e-300
    nn.check_gradients([p, q])


@pytest.mark.parametrize("scale", [0.0, 1e-200, 1.0, 1e200])
def test_a_norm_is_that_of_gradients_of_any_size(scale):
    p, q = Tensor(np.zeros(2)), Value(0.0)
    p.grad, q.grad = np.array([2.0, -3.0]) * scale, 6.0 * scale
    assert nn.clip_by_norm([p, q, Value(1.0)], 3.5 * scale or 1.0) == pytest.approx(7.0 * scale, rel=1e-14)
    assert [*p.grad, q.grad] == pytest.approx([1.0 * scale, -1.5 * scale, 3.0 * scale], rel=1e-14)
    assert nn.clip_by_norm([Value(1.0)], 1.0) == 0.0


@pytest.mark.parametrize(("rule", "name", "settings"), RULES, ids=IDS)
def test_who_holds_the_numbers_of_a_parameter_keeps_what_they_were(rule, name, settings):
    base, p, q = np.array([[1.0, 2.0], [3.0, 4.0]]), Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    q._data = base[1]
    held = p.data
    state = rule.init([p, q])
    for node in (p, q):
        node.grad = np.ones(2)
    rule.update(state)
    assert (held.tolist(), base.tolist()) == ([1.0, 2.0], [[1.0, 2.0], [3.0, 4.0]])
    assert (p.data < held).all()
    assert (q.data < base[1]).all()


def test_progress_by_just_the_tolerance_is_progress_to_the_adaptive_schedule():
    rate = schedules.adaptive(1.0, patience=1, tol=0.5, factor=0.5)
    assert [rate(t, [4.0, 3.5, 3.0, 2.5][:t]) for t in range(5)] == [1.0] * 5
    assert rate(3, [4.0, 3.75, 3.75]) == 0.5
