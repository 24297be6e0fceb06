"""Promises of modules and layers: micrograd's surface, the twins, parameters found once, state all or nothing."""

import copy
import random

import numpy as np
import pytest

import nn
from autograd_mini import DataError, ShapeError, Tensor, Value, ops
from nn.layers import ACTIVATIONS, leaves

ELEMENTWISE = sorted(set(ACTIVATIONS) - {"softmax"})
PEERS = {
    "identity": lambda t, z: z, "sigmoid": lambda t, z: t.sigmoid(z), "tanh": lambda t, z: t.tanh(z),
    "relu": lambda t, z: t.relu(z), "softplus": lambda t, z: t.nn.functional.softplus(z),
    "silu": lambda t, z: t.nn.functional.silu(z), "gelu": lambda t, z: t.nn.functional.gelu(z),
    "leaky_relu": lambda t, z: t.nn.functional.leaky_relu(z), "elu": lambda t, z: t.nn.functional.elu(z),
    "softmax": lambda t, z: t.softmax(z, -1),
}  # fmt: skip


def test_the_scalar_network_is_micrograds():
    micrograd = pytest.importorskip("micrograd.nn")
    random.seed(1337)
    ours = nn.MLP(3, [4, 4, 1])
    random.seed(1337)
    theirs = micrograd.MLP(3, [4, 4, 1])
    assert repr(ours) == repr(theirs)
    assert [p.data for p in ours.parameters()] == [p.data for p in theirs.parameters()]
    x = [0.5, -1.0, 2.0]
    y, peer = ours([Value(v) for v in x]), theirs(x)
    assert isinstance(y, Value)
    assert y.data == pytest.approx(peer.data, rel=1e-14)
    y.backward()
    peer.backward()
    for p, q in zip(ours.parameters(), theirs.parameters()):
        assert p.grad == pytest.approx(q.grad, rel=1e-13, abs=1e-15)
    ours.zero_grad()
    assert all(p.grad == 0 for p in ours.parameters())


def train_like_its_demo(Value, net, X, y, steps):
    """Descend as micrograd's demo does - hinge loss, L2 penalty, p.data -= ... - and return the losses."""
    losses = []
    for k in range(steps):
        scores = list(map(net, [list(map(Value, row)) for row in X]))
        margins = [(1 + -yi * score).relu() for yi, score in zip(y, scores)]
        total = sum(margins) * (1.0 / len(margins)) + 1e-4 * sum(p * p for p in net.parameters())
        net.zero_grad()
        total.backward()
        for p in net.parameters():
            p.data -= (1.0 - 0.9 * k / 100) * p.grad
        losses.append(total.data)
    assert {bool(score.data > 0) for score in scores} == {True, False}
    return losses


def test_micrograds_demo_trains_to_the_same_numbers():
    """With numpy's numbers in the data, as `make_moons` gives them."""
    engine, theirs = pytest.importorskip("micrograd.engine"), pytest.importorskip("micrograd.nn")
    X = np.random.default_rng(0).uniform(-1.0, 1.0, (20, 2))
    y = np.where(np.hypot(*X.T) < 0.75, 1, -1)
    ends = []
    for kind, network in ((Value, nn.MLP), (engine.Value, theirs.MLP)):
        random.seed(1337)
        net = network(2, [16, 16, 1])
        ends.append((train_like_its_demo(kind, net, X, y, 5), [p.data for p in net.parameters()]))
    assert len(ends[0][1]) == 337
    assert ends[0][0] == pytest.approx(ends[1][0], rel=1e-9)
    assert ends[0][1] == pytest.approx(ends[1][1], rel=1e-9, abs=1e-9)


def test_a_neuron_is_one_sum_over_its_products():
    neuron = nn.Neuron(3, "identity", rng=0)
    z = neuron([1.0, Value(2.0), 3.0])
    assert z.op is ops.add_n
    assert z.args[0] is neuron.b
    assert [a.op for a in z.args[1:]] == [ops.mul] * 3


@pytest.mark.parametrize("activation", ELEMENTWISE)
@pytest.mark.parametrize("output", ["identity", "softmax", "sigmoid"])
def test_twins_agree_in_outputs_and_all_gradients(activation, output):
    rng = np.random.default_rng(3)
    X, C = rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
    scalars = nn.MLP(4, [6, 1, 3], activation, output, rng=1)
    tensors = scalars.tensors()
    rows = [scalars(list(map(Value, row))) for row in X]
    A = tensors(X)
    np.testing.assert_allclose([[a.data for a in row] for row in rows], A.data, rtol=0, atol=1e-12)
    sum(a * c for row, c_row in zip(rows, C) for a, c in zip(row, c_row)).backward()
    (A * C).sum().backward()
    for layer, dense in zip(scalars.layers, tensors.layers):
        np.testing.assert_allclose([[w.grad for w in n.w] for n in layer.neurons], dense.W.grad, rtol=0, atol=1e-12)
        np.testing.assert_allclose([n.b.grad for n in layer.neurons], dense.b.grad, rtol=0, atol=1e-12)


def test_converting_there_and_back_gives_equal_networks_with_nodes_of_their_own():
    net = nn.Sequential(nn.Dense(3, 4, "tanh", rng=0), nn.Dropout(0.5, rng=0), nn.Dense(4, 2, "softmax", rng=1))
    there = net.scalars()
    back = there.tensors()
    assert repr(back) == repr(net)
    assert {k: v.tolist() for k, v in back.state_dict().items()} == {k: v.tolist() for k, v in net.state_dict().items()}
    nodes = [*net.parameters(), *there.parameters(), *back.parameters()]
    assert len(set(nodes)) == len(nodes)
    shared = nn.Dense(3, 3, rng=0)
    assert len(nn.Sequential(shared, shared).scalars().parameters()) == 12
    neuron = nn.Neuron(3, "sigmoid", rng=0)
    x = [1.0, -2.0, 0.5]
    assert neuron.tensors()([x]).item() == pytest.approx(neuron(x).data, abs=1e-15)
    assert neuron.tensors().scalars()(x).data == neuron(x).data


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_layers_on_arrays_equal_torch(activation):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    X, C = rng.normal(size=(7, 4)), rng.normal(size=(7, 3))
    layer = nn.Dense(4, 3, activation, rng=5)
    peer = [torch.tensor(np.array(p.data), requires_grad=True) for p in (layer.W, layer.b)]
    a, b = layer(X), PEERS[activation](torch, torch.nn.functional.linear(torch.tensor(X), *peer))
    (a * C).sum().backward()
    (b * torch.tensor(C)).sum().backward()
    np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-12, atol=1e-13)
    for p, q in zip((layer.W, layer.b), peer):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-12, atol=1e-13)


def test_a_list_of_activations_names_each_layers_or_all_but_the_outputs():
    for given, used in ((["tanh", "relu"], ["tanh", "relu"]), (["tanh"], ["tanh", "sigmoid"])):
        net = nn.MLP(2, [3, 1], given, "sigmoid")
        assert [layer.activation for layer in net.layers] == used
    for count in (0, 3):
        with pytest.raises(nn.SettingError, match=f"one for each layer, 2 here, got {count}"):
            nn.MLP(2, [3, 1], ["tanh"] * count)


def test_an_activation_may_be_a_function():
    steep = nn.Dense(2, 2, lambda z: ops.leaky_relu(z, 0.5), init=nn.init.constant(1.0), rng=0)
    assert steep([[-1.0, -1.0]]).data.tolist() == [[-1.0, -1.0]]


def test_float32_stays_float32():
    net = nn.MLP(3, [4, 2], "tanh", "softmax", layer=nn.Dense, dtype=np.float32, rng=0)
    a = net(np.ones((5, 3), np.float32))
    assert a.dtype == np.float32
    a.sum().backward()
    assert {p.grad.dtype for p in net.parameters()} == {np.dtype(np.float32)}


def test_parameters_are_labelled_by_layer_and_place():
    assert [p.label for p in nn.MLP(2, [1, 1]).parameters()] == [
        "W[1][0,0]", "W[1][0,1]", "b[1][0]", "W[2][0,0]", "b[2][0]",
    ]  # fmt: skip
    assert [p.label for p in nn.MLP(2, [3, 1], layer=nn.Dense).parameters()] == ["W[1]", "b[1]", "W[2]", "b[2]"]


# Initializers


def test_glorot_is_scikit_learns_draw_for_draw():
    neural = pytest.importorskip("sklearn.neural_network")
    X, y = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 2
    for activation, init in (("relu", nn.init.glorot), ("logistic", nn.init.glorot_logistic)):
        peer = neural.MLPClassifier(
            (5, 3), activation=activation, random_state=7, learning_rate_init=1e-300, max_iter=1
        )
        with pytest.warns(Warning, match="Maximum iterations"):
            peer.fit(X, y)
        net = nn.MLP(4, [5, 3, 1], layer=nn.Dense, init=init, rng=np.random.RandomState(7))
        for layer, W, b in zip(net.layers, peer.coefs_, peer.intercepts_):
            np.testing.assert_array_equal(layer.W.data, W.T)
            np.testing.assert_array_equal(layer.b.data, b)


def test_initializers_have_the_spread_they_name():
    for init, variance in ((nn.init.he, 2 / 400), (nn.init.lecun, 1 / 400), (nn.init.uniform, 1 / 3)):
        W, b = init(nn.init.source(0), 400, 300)
        assert W.shape == (300, 400)
        assert W.var() == pytest.approx(variance, rel=0.02)
        assert not b.any()
    assert nn.Layer(2, 2, init=nn.init.zeros).neurons[1].w[0].data == 0.0
    assert nn.Dense(2, 3, init=nn.init.constant(0.5, 0.1)).b.data.tolist() == [0.1, 0.1, 0.1]


def test_the_same_seed_gives_the_same_network():
    for make in (lambda: 5, lambda: np.random.default_rng(5), lambda: np.random.RandomState(5)):
        for layer in (nn.Layer, nn.Dense):
            one, two = (nn.MLP(3, [4, 2], layer=layer, init=nn.init.he, rng=make()).state_dict() for _ in range(2))
            assert all((one[k] == two[k]).all() for k in one)
    state = random.getstate()
    nn.MLP(3, [4, 2], rng=0)
    assert random.getstate() == state


# Modules


class Loop(nn.Module):
    def __init__(self):
        self.w = Tensor([1.0, 2.0])
        self.me = [self, {"again": self}]
        self._hidden = Value(1.0)
        self.result = self.w.sum()


def test_modules_that_contain_themselves_are_walked_once():
    loop = Loop()
    assert [name for name, _ in loop.named_parameters()] == ["w"]
    assert loop.train(False).training is False
    assert list(loop.state_dict()) == ["w"]
    assert "Loop(" in repr(loop)
    loop.zero_grad()
    net = nn.Sequential()
    net.layers.append(net)
    assert repr(net) == "Sequential(...)"
    assert net.parameters() == []


def test_nesting_may_be_deep():
    top = inner = nn.Module()
    for _ in range(20_000):
        inner.next = nn.Module()
        inner = inner.next
    inner.w = Value(1.0)
    assert len(top.parameters()) == 1
    while top is not inner:  # undone by hand: Python frees nested objects by recursion
        top.__dict__, top = {}, top.next


def test_a_shared_parameter_counts_once_and_its_gradients_add():
    layer = nn.Dense(2, 2, "identity", init=nn.init.constant(1.0))
    net = nn.Sequential(layer, layer)
    assert len(net.parameters()) == 2
    net(np.ones((1, 2))).sum().backward()
    np.testing.assert_array_equal(layer.W.grad, [[4.0, 4.0], [4.0, 4.0]])


def test_train_and_eval_reach_every_module():
    net = nn.Sequential(nn.Dense(2, 2), nn.Sequential(nn.Dropout(0.5)))
    net.eval()
    assert not any(m.training for m in net.modules())
    net.train()
    assert all(m.training for m in net.modules())
    assert len(net.modules()) == 4


def test_dropout_keeps_the_expected_output_and_drops_gradients_too():
    drop = nn.Dropout(0.25, rng=0)
    x = Tensor(np.ones((100, 100)))
    y = drop(x)
    y.sum().backward()
    assert set(np.unique(y.data)) == {0.0, 1.0 / 0.75}
    assert y.data.mean() == pytest.approx(1.0, abs=0.02)
    np.testing.assert_array_equal(x.grad, y.data)
    values = drop([Value(1.0) for _ in range(50)])
    assert {v.data for v in values} == {0.0, 1.0 / 0.75}
    assert drop(Tensor(np.ones(3, np.float32))).dtype == np.float32
    assert drop.eval()(x) is x


def test_dropout_of_a_single_number_gives_a_number() -> None:
    drop = nn.Dropout(0.5, rng=0)
    assert {drop(Value(3.0)).data for _ in range(20)} == {0.0, 6.0}


@pytest.mark.parametrize(("kind", "sizes"), [(nn.Neuron, (2,)), (nn.Layer, (2, 1)), (nn.Dense, (2, 1))])
def test_an_activation_goes_by_place_or_name_and_what_follows_by_name(kind, sizes) -> None:
    settings = {"init": nn.init.constant(0.5), "rng": 0}
    made = [kind(*sizes, "tanh", **settings), kind(*sizes, activation="tanh", **settings)]
    assert repr(made[0]) == repr(made[1])
    assert made[0].activation == "tanh"
    with pytest.raises(TypeError):
        kind(*sizes, "tanh", *settings.values())


def test_a_state_is_a_copy_that_loads_into_an_equal_network():
    for kind in (nn.Layer, nn.Dense):
        net, other = (nn.MLP(3, [2, 1], layer=kind, rng=seed) for seed in (0, 1))
        state = net.state_dict()
        other.load_state_dict(state)
        assert all((state[k] == v).all() for k, v in other.state_dict().items())
        next(iter(state.values()))[...] = 99.0
        assert not any((v == 99.0).any() for v in net.state_dict().values())
        assert not any((v == 99.0).any() for v in other.state_dict().values())
    names = list(nn.MLP(1, [1]).state_dict())
    assert names == ["layers.0.neurons.0.w.0", "layers.0.neurons.0.b"]


def test_loading_a_state_is_all_or_nothing_and_lists_every_fault():
    net = nn.MLP(3, [2, 2, 1], layer=nn.Dense, rng=0)
    before = net.state_dict()
    state = net.state_dict()
    del state["layers.0.W"]
    state["extra"] = np.zeros(1)
    state["layers.0.b"] = np.zeros(3)
    state["layers.1.W"] = np.zeros((2, 2), np.float32)
    state["layers.1.b"] = np.array([0.0, np.nan])
    state["layers.2.W"] = [[1.0], [2.0, 3.0]]
    state["layers.2.b"] = np.array([np.inf])
    with pytest.raises(nn.StateError) as caught:
        net.load_state_dict(state)
    message = str(caught.value)
    for fault in (
        "layers.0.W: missing", "extra: not a parameter", "layers.0.b: shape (3,), expected (2,)",
        "layers.1.W: dtype float32, expected float64", "layers.1.b: nan at [1]",
        "layers.2.W: rows of different lengths",
        "layers.2.b: inf at [0]",
    ):  # fmt: skip
        assert fault in message
    assert all((before[k] == v).all() for k, v in net.state_dict().items())
    with pytest.raises(ValueError, match="b: dtype <U1"):
        nn.Neuron(1).load_state_dict({"w.0": np.float64(1), "b": "x"})


def test_copies_are_independent():
    net = nn.MLP(2, [2, 1], rng=0)
    twin = copy.deepcopy(net)
    twin.layers[0].neurons[0].b.data = 5.0
    assert net.layers[0].neurons[0].b.data == 0.0
    assert repr(twin) == repr(net)


WRONG = [
    (lambda: nn.Layer(0, 1), nn.SettingError, "n_in must be an integer from 1 on, got 0"),
    (lambda: nn.Layer(2, -1), nn.SettingError, "n_out must be an integer from 1 on, got -1"),
    (lambda: nn.Dense(2.5, 1), nn.SettingError, "n_in must be an integer from 1 on, got 2.5"),
    (lambda: nn.Dense(2, True), nn.SettingError, "n_out must be .* got True"),
    (lambda: nn.Neuron("3"), nn.SettingError, "n_in must be .* got '3'"),
    (lambda: nn.MLP(2, []), nn.SettingError, "sizes"),
    (lambda: nn.MLP(2, 3), nn.SettingError, r"sizes must hold .*: \[3\] for one layer"),
    (lambda: nn.MLP(2, [3, 0]), nn.SettingError, "n_out must be .* got 0"),
    (lambda: nn.Dense(2, 1, "rleu"), nn.SettingError, "activation must be one of identity.*got 'rleu'"),
    (
        lambda: nn.Dense(2, 1, init="glorot"),
        nn.SettingError,
        r"init must be a function .* nn.init.glorot; got 'glorot'",
    ),
    (lambda: nn.Neuron(2, init=0.1), nn.SettingError, "init must be a function"),
    (lambda: nn.MLP(2, [1], layer="dense"), nn.SettingError, "layer must be a kind of layer, nn.Layer or nn.Dense"),
    (lambda: nn.Sequential([nn.Dense(2, 1)]), nn.SettingError, r"one by one, not in a list: Sequential\(\*layers\)"),
    (lambda: nn.Dense(2, 1, rng=-1), nn.SettingError, "rng must be"),
    (lambda: nn.Dense(2, 1, rng="seed"), nn.SettingError, "rng must be"),
    (lambda: nn.Dense(2, 1, rng=True), nn.SettingError, "rng must be"),
    (lambda: nn.Dense(2, 1, dtype=np.int64), DataError, "float64 or float32"),
    (lambda: nn.Neuron(4)([1.0, 2, Value(3.0), [4.0]]), ShapeError, "takes 4 inputs, got 4 rows"),
    (lambda: nn.Dropout(1.0), nn.SettingError, r"rate must be a number in \[0, 1\), got 1.0"),
    (lambda: nn.Dropout(float("nan")), nn.SettingError, "rate must be"),
    (lambda: nn.Neuron(2)([1.0]), ShapeError, r"ReLUNeuron\(2\) takes 2 inputs, got 1"),
    (lambda: nn.Neuron(2)([1.0, 2.0, 3.0]), ShapeError, r"ReLUNeuron\(2\) takes 2 inputs, got 3"),
    (lambda: nn.Neuron(2)((1.0, 2.0, 3.0)), ShapeError, r"ReLUNeuron\(2\) takes 2 inputs, got 3"),
    (lambda: nn.MLP(2, [3, 1])([1.0, 2.0, 3.0]), ShapeError, "Layer of .* takes 2 inputs, got 3"),
    (lambda: nn.MLP(2, [3, 1])(np.ones((5, 2))), ShapeError, "one sample at a time"),
    (lambda: nn.MLP(2, [3, 1])([[0.0, 0.0]] * 4), ShapeError, "got 4 rows: .* one sample at a time"),
    (lambda: nn.MLP(2, [3, 1])(np.eye(2)), ShapeError, r"2 inputs, got 2 rows: .*\[model\(x\) for x in X\]"),
    (lambda: nn.MLP(2, [3, 1])([[0.0, 0.0], [1.0, 0.0]]), ShapeError, r"got 2 rows.*model\.tensors\(\)"),
    (lambda: nn.MLP(2, [3, 1])(Tensor(np.eye(2))), ShapeError, "got 2 rows"),
    (lambda: nn.MLP(2, [3, 1])([[0.0], [1.0, 2.0], []]), ShapeError, "got 3 rows"),
    (lambda: nn.Neuron(2)([[0.0, 0.0], [1.0, 0.0]]), ShapeError, r"ReLUNeuron\(2\) takes 2 inputs, got 2 rows"),
    (lambda: nn.Layer(2, 3)([Value(1.0), np.ones(2)]), ShapeError, "got 2 rows"),
    (lambda: nn.MLP(2, [3, 1])(["a", 1.0]), DataError, "'a'"),
    (lambda: nn.Dense(2, 3)(np.ones((5, 4))), ShapeError, r"Dense\(2, 3, relu\) takes rows of 2 inputs.*\(5, 4\)"),
    (lambda: nn.Dense(2, 3)(1.0), ShapeError, "takes rows of 2 inputs"),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG)
def test_wrong_sizes_and_inputs_say_what_is_expected(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_module_without_parameters_has_no_gradients_to_forget() -> None:
    module = nn.Module()
    module.zero_grad()
    assert module.parameters() == []


@pytest.mark.parametrize("kind", [nn.Neuron, lambda n, **settings: nn.Layer(n, 1, **settings)])
def test_a_sample_may_be_of_any_kind_of_sequence_and_a_number_alone(kind):
    one, two = (kind(n, activation="identity", init=nn.init.constant(2.0, 0.5)) for n in (1, 2))
    for x in (3.0, 3, np.float64(3.0), Value(3.0), [3.0], (3.0,), np.array([3.0])):
        assert one(x).data == 6.5
    rows = ([1.0, 2], (1, Value(2.0)), np.array([1.0, 2.0]), [np.float64(1.0), np.int64(2)], [True, 2.0])
    for x in (*rows, *map(iter, rows), Tensor([1.0, 2.0])):
        assert two(x).data == 6.5


def test_dropout_of_nothing_changes_nothing():
    x = Tensor(np.ones((2, 3)))
    assert nn.Dropout(0.0)(x) is x
    assert nn.Dropout()(x) is not x


def test_layers_inside_layers_go_by_the_names_of_their_parameters():
    net = nn.Sequential(nn.Dense(2, 3), nn.Sequential(nn.Dropout(0.1), nn.Dense(3, 1)))
    assert [(where, type(layer)) for where, layer in leaves(net)] == [
        ("layers.0", nn.Dense), ("layers.1.layers.0", nn.Dropout), ("layers.1.layers.1", nn.Dense),
    ]  # fmt: skip
    named = {name.rpartition(".")[0] for name, _ in net.named_parameters()}
    assert named == {where for where, layer in leaves(net) if isinstance(layer, nn.Dense)}
