"""A network that leaves computes elsewhere what it computes here: outputs and gradients, in torch, JAX and ONNX."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

import nn
from autograd_mini import AutogradError, ShapeError, Tensor, Value, ops
from nn.export import ExportError
from nn.layers import ACTIVATIONS

RNG = np.random.RandomState(0)
X = RNG.uniform(-2.0, 2.0, (7, 3))
PLACES = np.array([-700.0, -40.5, -20.5, -5.0, -1.0, -1e-9, 0.0, 1e-9, 1.0, 5.0, 20.5, 40.5, 700.0])
DTYPES = (np.float64, np.float32)
TOLERANCE = {np.float64: 1e-12, np.float32: 2e-6}


def shared_layer():
    inner = nn.Dense(3, 3, "tanh", rng=0)
    return nn.Sequential(inner, nn.Dense(3, 3, "elu", rng=1), inner)


def shared_parameter():
    a, b = nn.Dense(3, 3, "tanh", rng=0), nn.Dense(3, 3, "silu", rng=1)
    b.W = a.W
    return nn.Sequential(a, b)


class Mine(nn.MLP):
    """A class of one's own that computes what its parent does."""

    def __init__(self):
        super().__init__(3, [4, 2], "tanh", layer=nn.Dense, rng=3)


NETWORKS = {
    "mlp": lambda: nn.MLP(3, [5, 4, 2], "tanh", "softmax", layer=nn.Dense, rng=0),
    "mlp on Values": lambda: nn.MLP(3, [4, 1], "relu", rng=1),
    "dense": lambda: nn.Dense(3, 2, "gelu", rng=0),
    "layer": lambda: nn.Layer(3, 3, "softmax", rng=0),
    "neuron": lambda: nn.Neuron(3, "sigmoid", rng=0),
    "dropout": lambda: nn.Sequential(nn.Dense(3, 6, rng=0), nn.Dropout(0.5), nn.Dense(6, 1, "identity", rng=1)),
    "nested": lambda: nn.Sequential(nn.Sequential(nn.Dense(3, 3, rng=0)), nn.MLP(3, [2], layer=nn.Dense, rng=1)),
    "shared layer": shared_layer,
    "shared parameter": shared_parameter,
    "rows of the table": lambda: nn.Sequential(nn.Dense(3, 4, ops.softplus, rng=0), ops.tanh, ops.exp),
    "no parameters": lambda: nn.Sequential(nn.Dropout(0.1), ops.sigmoid),
    "nothing": lambda: nn.Sequential(),
    "my own class": Mine,
}
networks = pytest.mark.parametrize("name", NETWORKS)


def arrays(name):
    """Return a network in use whose parameters are arrays: the twin of one on Values."""
    net = NETWORKS[name]().eval()
    return net.tensors() if name in ("mlp on Values", "layer", "neuron") else net


def at_places(g, dtype=np.float64):
    """Return a network that computes g of each input."""
    n = len(PLACES)
    return nn.Sequential(nn.Dense(n, n, g, init=nn.init.given(np.eye(n), np.zeros(n)), dtype=dtype))


def results(net, x):
    """Return the outputs of a network here, and the gradients of a weighted sum of them, by name, x's among them."""
    net.zero_grad()
    x = Tensor(x, label="x")
    y = net(x)
    ops.sum(ops.mul(y, weights(y.shape).astype(y.dtype))).backward()
    return y.data, {"x": x.grad, **{name: parameter.grad for name, parameter in net.named_parameters()}}


def weights(shape):
    return np.cos(np.arange(np.prod(shape, dtype=int))).reshape(shape)


def close(ours, theirs, tolerance=1e-12, what=""):
    np.testing.assert_allclose(theirs, ours, rtol=tolerance, atol=tolerance, err_msg=what)


# torch ----------------------------------------------------------------------------------------------------------------


def torch_results(module, x):
    torch = pytest.importorskip("torch")
    module.zero_grad()
    x = torch.tensor(x, requires_grad=True)
    y = module(x)
    (y * torch.tensor(weights(tuple(y.shape)), dtype=y.dtype)).sum().backward()
    return y.detach().numpy(), {"x": x.grad.numpy(), **{n: p.grad.numpy() for n, p in module.named_parameters()}}


def compare(ours, theirs):
    close(ours[0], theirs[0])
    assert list(ours[1]) == list(theirs[1])
    for name, gradient in ours[1].items():
        close(gradient, theirs[1][name])


@networks
def test_torch_has_the_outputs_and_the_gradients(name):
    pytest.importorskip("torch")
    compare(results(arrays(name), X), torch_results(nn.export.to_torch(NETWORKS[name]().eval()), X))


@pytest.mark.parametrize("g", [*ACTIVATIONS, ops.exp])
@pytest.mark.parametrize("dtype", DTYPES)
def test_torch_has_every_activation_at_kinks_and_far_out(g, dtype):
    pytest.importorskip("torch")
    net, x = at_places(g, dtype), np.minimum(PLACES, 80.0 if g is ops.exp else np.inf)[None].astype(dtype)
    ours, theirs = results(net, x), torch_results(nn.export.to_torch(net), x)
    assert theirs[0].dtype == dtype
    close(ours[0], theirs[0], TOLERANCE[dtype])
    close(ours[1]["x"], theirs[1]["x"], TOLERANCE[dtype])


@networks
def test_a_torch_module_has_our_state_and_gives_it_back(name, tmp_path):
    torch = pytest.importorskip("torch")
    net = arrays(name)
    module = nn.export.to_torch(net)
    state = net.state_dict()
    assert [n for n, p in module.named_parameters()] == list(state)
    for key, x in state.items():
        assert module.state_dict()[key].numpy().tobytes() == x.tobytes()
    torch.save(module.state_dict(), tmp_path / "state")
    other = nn.export.to_torch(net)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    other.load_state_dict(torch.load(tmp_path / "state"))
    x = torch.tensor(X)
    for twin in (other, copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(twin(x), module(x))
    net.load_state_dict({key: module.state_dict()[key].numpy() for key in state})


def test_a_torch_module_trains_as_the_network_does_and_apart_from_it():
    torch = pytest.importorskip("torch")
    net = NETWORKS["mlp"]()
    module, before = nn.export.to_torch(net), net.state_dict()
    y = RNG.uniform(size=(7, 2))
    theirs = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(20):
        theirs.zero_grad()
        torch.nn.functional.mse_loss(module(torch.tensor(X)), torch.tensor(y)).backward()
        theirs.step()
    assert all(np.array_equal(x, before[name]) for name, x in net.state_dict().items())
    nn.fit(net, X, y, loss=nn.squared_error, optimizer=nn.adam(0.01), epochs=20, shuffle=False, progress=False)
    for name, x in net.state_dict().items():
        assert not np.allclose(x, before[name])
        close(x, module.state_dict()[name].numpy(), 1e-9)


def test_dropout_is_torchs_own_in_training_and_nothing_in_use():
    torch = pytest.importorskip("torch")
    net = nn.Sequential(nn.Dropout(0.25))
    module, ones = nn.export.to_torch(net), torch.ones(4000, dtype=torch.float64)
    assert module.training
    dropped = module(ones)
    assert set(dropped.tolist()) == {0.0, 1.0 / 0.75}
    assert (dropped == 0.0).double().mean().item() == pytest.approx(0.25, abs=0.03)
    assert torch.equal(module.eval()(ones), ones)
    assert not nn.export.to_torch(net.eval()).training


def test_torch_prints_takes_one_sample_and_is_exported_by_torch():
    torch = pytest.importorskip("torch")
    net = NETWORKS["mlp"]().eval()
    module = nn.export.to_torch(net)
    assert "Dense(3, 5, tanh)" in repr(module)
    close(net(X[0]).data, module(torch.tensor(X[0])).detach().numpy())
    again = torch.export.export(module, (torch.tensor(X),)).module()
    assert torch.equal(again(torch.tensor(X)), module(torch.tensor(X)))


# JAX ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def jax():
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield jax
    jax.config.update("jax_enable_x64", before)


def jax_results(jax, *calls):
    """Return the outputs and gradients of each function at its parameters and inputs; JAX compiles them at once."""

    def both(f, params, x):
        total = lambda params, x: ((y := f(params, x)) * weights(y.shape).astype(y.dtype)).sum()
        return f(params, x), *jax.grad(total, argnums=(0, 1))(params, x)

    at = [given for _, *given in calls]
    found = jax.jit(lambda at: [both(f, *given) for (f, *_), given in zip(calls, at)])(at)
    return [(np.asarray(y), {n: np.asarray(g) for n, g in {"x": dx, **dp}.items()}) for y, dp, dx in found]


@networks
def test_jax_has_the_outputs_and_the_gradients(name, jax):
    f, params = nn.export.to_jax(NETWORKS[name]())
    assert sorted(params) == sorted(arrays(name).state_dict())
    ours, (theirs,) = results(arrays(name), X), jax_results(jax, (f, params, X))
    compare(ours, (theirs[0], {n: theirs[1][n] for n in ours[1]}))


@pytest.mark.parametrize("dtype", DTYPES)
def test_jax_has_every_activation_at_kinks_and_far_out(dtype, jax):
    asked = [(g, at_places(g, dtype), np.minimum(PLACES, 80.0 if g is ops.exp else np.inf)[None].astype(dtype))
             for g in (*ACTIVATIONS, ops.exp)]  # fmt: skip
    found = jax_results(jax, *((*nn.export.to_jax(net), x) for _, net, x in asked))
    for (g, net, x), (theirs, slopes) in zip(asked, found, strict=True):
        y, ours = results(net, x)
        assert theirs.dtype == dtype, g
        close(y, theirs, TOLERANCE[dtype], str(g))
        close(ours["x"], slopes["x"], TOLERANCE[dtype], str(g))


def test_the_jax_function_is_pure_maps_over_samples_and_can_be_pickled(jax):
    f, params = nn.export.to_jax(NETWORKS["mlp"]())
    y = np.asarray(f(params, X))
    close(y, jax.vmap(f, (None, 0))(params, X))
    close(y, pickle.loads(pickle.dumps(f))(params, X.tolist()))
    zero = jax.tree.map(lambda p: 0.0 * p, params)
    assert np.asarray(f(zero, X)).tolist() == np.full((7, 2), 0.5).tolist()
    assert np.array_equal(f(params, X), y)


def test_jax_would_round_and_says_so(jax):
    jax.config.update("jax_enable_x64", False)
    with pytest.raises(ExportError, match=r"W is float64.*round it to float32.*jax_enable_x64"):
        nn.export.to_jax(NETWORKS["dense"]())
    f, params = nn.export.to_jax(nn.MLP(3, [5, 2], "gelu", layer=nn.Dense, rng=0, dtype=np.float32))
    assert f(params, X.astype(np.float32)).dtype == np.float32


# ONNX -----------------------------------------------------------------------------------------------------------------


def run(model, x):
    """Return what onnxruntime makes of x by a model, given as it is or by its path."""
    runtime = pytest.importorskip("onnxruntime")
    given = os.fspath(model) if isinstance(model, os.PathLike) else model.SerializeToString()
    return runtime.InferenceSession(given, providers=["CPUExecutionProvider"]).run(["y"], {"x": x})[0]


@networks
def test_onnx_has_the_outputs_for_any_number_of_rows(name):
    pytest.importorskip("onnx")
    net, model = arrays(name), nn.export.to_onnx(NETWORKS[name]())
    for rows in (X, X[:1], np.tile(X, (40, 1)), X[:0]):
        y = run(model, rows)
        assert y.dtype == np.float64
        close(net(rows).data if isinstance(net(rows), Tensor) else net(rows), y)


@pytest.mark.parametrize("g", [*ACTIVATIONS, ops.exp])
@pytest.mark.parametrize("dtype", DTYPES)
def test_onnx_has_every_activation_at_kinks_and_far_out(g, dtype):
    pytest.importorskip("onnx")
    net, x = at_places(g, dtype), np.minimum(PLACES, 80.0 if g is ops.exp else np.inf)[None].astype(dtype)
    y = run(nn.export.to_onnx(net), x)
    assert y.dtype == dtype
    close(net(x).data, y, TOLERANCE[dtype])


def test_gelu_keeps_its_digits_out_to_the_last_double():
    pytest.importorskip("onnx")
    net = nn.Sequential(nn.Dense(1, 1, "gelu", init=nn.init.constant(1.0)))
    x = np.linspace(-36.0, 36.0, 5001)[:, None]
    np.testing.assert_allclose(run(nn.export.to_onnx(net), x), net(x).data, rtol=1e-11)


@networks
def test_an_onnx_model_is_what_other_programs_expect(name):
    onnx = pytest.importorskip("onnx")
    model = nn.export.to_onnx(NETWORKS[name]())
    onnx.checker.check_model(model, full_check=True)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 20)]
    kept = {x.name: onnx.numpy_helper.to_array(x) for x in model.graph.initializer if "constant" not in x.name}
    state = arrays(name).state_dict()
    assert sorted(kept) == sorted(state)
    assert all(np.array_equal(kept[key], x) and kept[key].dtype == x.dtype for key, x in state.items())
    (x,), (y,) = model.graph.input, model.graph.output
    batch = [v.type.tensor_type.shape.dim[0].dim_param for v in (x, y)]
    assert (x.name, y.name, batch) == ("x", "y", ["n", "n"])


def test_the_onnx_file_arrives_whole_or_not_at_all(tmp_path, monkeypatch):
    onnx = pytest.importorskip("onnx")
    path, net = tmp_path / "net.onnx", NETWORKS["mlp"]()
    model = nn.export.to_onnx(net, path)
    assert onnx.load(path) == model
    close(net(X).data, run(path, X))
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(nn.FileError, match=r"No space left"):
        nn.export.to_onnx(NETWORKS["nested"](), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net.onnx"]
    with pytest.raises(ExportError):
        nn.export.to_onnx(nn.Module(), path)
    assert path.read_bytes() == before


# Networks that nobody listed ------------------------------------------------------------------------------------------


def drawn(seed, dtype=np.float64):
    """Return a network of layers, sequences, dropout and activations drawn at random, and inputs for it."""
    rng = np.random.default_rng(seed)
    n_in = width = int(rng.integers(1, 6))
    parts = []
    for _ in range(rng.integers(1, 5)):
        n_out = int(rng.integers(1, 6))
        g = rng.choice([*ACTIVATIONS])
        kind = rng.integers(4)
        if kind == 0:
            parts.append(nn.Sequential(nn.Dropout(0.3), nn.Dense(width, n_out, str(g), rng=rng, dtype=dtype)))
        elif kind == 1:
            parts.append(nn.MLP(width, [3, n_out], str(g), "tanh", layer=nn.Dense, rng=rng, dtype=dtype))
        elif kind == 2 and dtype is np.float64:
            parts.append(nn.Layer(width, n_out, str(g), rng=rng))
        else:
            parts += [nn.Dense(width, n_out, "identity", rng=rng, dtype=dtype), ACTIVATION_ROWS.get(g, ops.tanh)]
        width = n_out
    return nn.Sequential(*parts).eval(), rng.normal(size=(4, n_in)).astype(dtype)


ACTIVATION_ROWS = {name: getattr(ops, name) for name in ACTIVATIONS if name != "identity"}


@pytest.mark.parametrize("dtype", DTYPES)
def test_networks_drawn_at_random_agree_everywhere(dtype, jax):
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    for seed in range(3):
        net, x = drawn(seed, dtype)
        twin = nn.Sequential(*(layer.tensors() if isinstance(layer, nn.Layer) else layer for layer in net.layers))
        ours, gradients = results(twin, x)
        module = nn.export.to_torch(net)
        theirs = torch_results(module, x)
        f, params = nn.export.to_jax(net)
        others = theirs[0], np.asarray(jax.jit(f)(params, x)), run(nn.export.to_onnx(net), x)
        for other in others:
            assert other.dtype == dtype
            close(ours, other, 10 * TOLERANCE[dtype])
        for name, gradient in gradients.items():
            close(gradient, theirs[1][name], 50 * TOLERANCE[dtype])
        assert sum(p.numel() for p in module.parameters()) == sum(p.size for p in net.parameters())
        assert torch.is_tensor(module(torch.tensor(x)))


# Estimators -----------------------------------------------------------------------------------------------------------


def estimator(task, dtype):
    datasets = pytest.importorskip("sklearn.datasets")
    inputs, classes = datasets.load_iris(return_X_y=True)
    model, y = {
        "binary": (nn.MLPClassifier, classes == 1),
        "multiclass": (nn.MLPClassifier, classes),
        "multilabel": (nn.MLPClassifier, np.eye(3, dtype=int)[classes]),
        "one class": (nn.MLPClassifier, np.zeros(150)),
        "regression": (nn.MLPRegressor, inputs[:, 0]),
        "several": (nn.MLPRegressor, inputs[:, :2]),
        "poisson": (lambda **settings: nn.MLPRegressor("poisson", **settings), classes),
    }[task]
    model = model(hidden_layer_sizes=(6, 5), activation="logistic", max_iter=15, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fifteen epochs do not converge
        model.fit(inputs.astype(dtype), y)
    return model, inputs.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "task", ["binary", "multiclass", "multilabel", "one class", "regression", "several", "poisson"]
)
def test_estimators_leave_as_their_predictions(task, dtype, jax):
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    model, inputs = estimator(task, dtype)
    y = model.predict_proba(inputs) if hasattr(model, "predict_proba") else model.predict(inputs)
    module = nn.export.to_torch(model)
    f, params = nn.export.to_jax(model)
    assert not module.training
    assert list(params) == [name for name, p in module.named_parameters()] == list(model.model_.state_dict())
    theirs = (
        module(torch.tensor(inputs)).detach().numpy(),
        np.asarray(jax.jit(f)(params, inputs)),
        run(nn.export.to_onnx(model), inputs),
    )
    for other in theirs:
        assert other.shape == y.shape
        assert other.dtype == dtype
        close(y, other, TOLERANCE[dtype])


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_estimators_leave_with_their_saliency(task):
    torch = pytest.importorskip("torch")
    model, inputs = estimator(task, np.float64)
    x = torch.tensor(inputs, requires_grad=True)
    y = nn.export.to_torch(model)(x)
    (y[:, 1] if task == "binary" else y).sum().backward()
    close(model.input_gradient(inputs, 1 if task == "binary" else 0), x.grad.numpy())


# What is refused ------------------------------------------------------------------------------------------------------


class Residual(nn.Module):
    def __init__(self):
        self.inner = nn.Dense(3, 3, rng=0)

    def __call__(self, x):
        return x + self.inner(x)


class Doubled(nn.Dense):
    def affine(self, x):
        return 2.0 * super().affine(x)


def half(z):
    return z * 0.5


def containing_itself():
    net = nn.Sequential(nn.Dense(3, 3, rng=0))
    net.layers.append(net)
    return net


def computed():
    """Return a network whose second weights are the first ones, transposed."""
    a, b = nn.Dense(3, 4, rng=0), nn.Dense(4, 3, rng=0)
    b.W = a.W.T
    return nn.Sequential(a, b)


def mixed():
    return nn.Sequential(nn.Dense(3, 3, rng=0), nn.Dense(3, 3, rng=0, dtype=np.float32))


REFUSED = {
    "a module of one's own": (Residual, ["the network", "Residual", "Dense"]),
    "a module of one's own within": (
        lambda: nn.Sequential(nn.Sequential(Residual())),
        ["layers.0.layers.0", "Residual"],
    ),
    "a subclass that computes otherwise": (lambda: nn.Sequential(Doubled(3, 3)), ["layers.0", "Doubled", "affine"]),
    "a function": (lambda: nn.Dense(3, 2, half, rng=0), ["'half'", "no twin", "leaky_relu"]),
    "a function on Values": (lambda: nn.Neuron(3, lambda z: ops.leaky_relu(z, 0.2)), ["'<lambda>'", "no twin"]),
    "a function as a layer": (lambda: nn.Sequential(nn.Dense(3, 2), half), ["layers.1", "'half'"]),
    "a row that others lack": (lambda: nn.Dense(3, 2, ops.cbrt, rng=0), ["cbrt", "no twin"]),
    "a row of two arguments": (lambda: nn.Sequential(ops.matmul), ["layers.0", "matmul"]),
    "a number as a layer": (lambda: nn.Sequential(3.5), ["layers.0 is a float"]),
    "a name as a layer": (lambda: nn.Sequential(nn.Dense(3, 2), "both"), ["layers.1 is a str"]),
    "a computed parameter": (computed, ["layers.1", "computed from others"]),
    "a sequence in itself": (containing_itself, ["nested", "itself"]),
    "two dtypes": (mixed, ["layers.0.b is float64", "layers.1.b is float32"]),
    "a number": (lambda: 3.5, ["float", "networks"]),
    "a node": (lambda: Value(1.0), ["Value"]),
    "a class": (lambda: nn.MLP, ["type"]),
}


@pytest.mark.parametrize("target", ["torch", "jax", "onnx"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_twin_is_named(name, target):
    pytest.importorskip(target)
    make, words = REFUSED[name]
    with pytest.raises(ExportError) as caught:
        getattr(nn.export, f"to_{target}")(make())
    assert [word for word in words if word not in str(caught.value)] == []
    assert "certain" not in str(caught.value), "a name of our own"
    assert isinstance(caught.value, (AutogradError, ValueError))


def test_layers_that_do_not_fit_and_estimators_that_are_not_fitted_are_refused():
    pytest.importorskip("torch")
    with pytest.raises(ShapeError, match=r"layers\.1 takes 5 inputs, and layers\.0 gives 4 outputs"):
        nn.export.to_torch(nn.Sequential(nn.Dense(3, 4), nn.Dense(5, 2)))
    exceptions = pytest.importorskip("sklearn.exceptions")
    with pytest.raises(exceptions.NotFittedError):
        nn.export.to_torch(nn.MLPClassifier())


@pytest.mark.parametrize("target", ["torch", "jax", "onnx"])
def test_without_the_library_the_error_says_what_to_install(target):
    script = (
        f"import sys; sys.modules[{target!r}] = None\n"
        "import nn\n"
        f"try: nn.export.to_{target}(nn.Dense(2, 1))\n"
        "except nn.ExtraError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert f"autograd-mini[{target}]" in done.stdout


@pytest.mark.parametrize("g", ["sigmoid", "tanh", "softplus", "silu", "gelu", "elu"])
def test_onnx_keeps_the_digits_of_the_tails(g):
    x = np.array([-700.0, -38.0, -37.0, -20.0, -1e-9, 0.0, 20.0, 800.0, np.inf])[:, None]
    net = nn.Dense(1, 1, g, init=nn.init.constant(1.0, 0.0))
    with np.errstate(all="ignore"):
        expected = net(x).data
    np.testing.assert_allclose(run(nn.export.to_onnx(net), x), expected, rtol=1e-10, atol=1e-300)


def test_the_slope_of_elu_is_kept_far_out_in_jax(jax):
    f, params = nn.export.to_jax(nn.Dense(1, 1, "elu", init=nn.init.constant(1.0, 0.0)))
    slope = jax.grad(lambda x: f(params, x).sum())
    for z in (-38.0, -1.0, 0.0, 1.0, 800.0):
        assert float(slope(np.array([[z]]))[0, 0]) == pytest.approx(min(np.exp(min(z, 0.0)), 1.0), rel=1e-12)


def test_a_single_class_has_the_slope_0_here_and_in_torch():
    torch = pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    X = np.random.default_rng(0).normal(size=(6, 2))
    model = nn.MLPClassifier((3,), max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, np.full(6, 4))
    assert (model.input_gradient(X) == 0.0).all()
    x = torch.tensor(X, requires_grad=True)
    p = nn.export.to_torch(model)(x)
    p.sum().backward()
    assert (p == 1.0).all()
    assert (x.grad == 0.0).all()
