"""What is saved comes back: every kind of module and estimator, number for number, and training goes on as it would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

import nn
from autograd_mini import AutogradError, DataError, Tensor, Value, ops
from autograd_mini.op import Unary
from nn import StateError
from nn.files import save as storage
from nn.init import lecun

pytest.importorskip("safetensors")


def shared_layer():
    inner = nn.Dense(3, 3, "tanh", rng=0)
    return nn.Sequential(inner, nn.Dropout(0.2), inner)


def shared_parameter():
    a, b = nn.Dense(3, 3, "tanh", rng=0), nn.Dense(3, 3, "relu", rng=1)
    b.W = a.W
    return nn.Sequential(a, b)


def containing_itself():
    model = nn.Sequential(nn.Dense(3, 3, rng=0))
    model.layers.append(model)
    return model


def deep():
    model = nn.Dense(2, 1, rng=0)
    for _ in range(3000):
        model = nn.Sequential(model)
    return model


def noted():
    model = nn.MLP(3, [2], rng=0)
    model.note = {"made": "today", "scale": (np.float32(0.1), -0.0, float("inf")), 3: np.arange(4.0), "n": 2**64}
    model.note["é \ud800"] = np.arange(2)
    return model


def float32():
    return nn.MLP(3, [4, 2], "gelu", "softmax", layer=nn.Dense, init=lecun, rng=0, dtype=np.float32)


MODULES = {
    "neuron": lambda: nn.Neuron(3, "sigmoid"),
    "layer": lambda: nn.Layer(3, 2, "softmax"),
    "dense": lambda: nn.Dense(3, 2, "leaky_relu", rng=0),
    "dropout": lambda: nn.Dropout(0.25),
    "dropout of a Generator": lambda: nn.Dropout(0.25, rng=5),
    "dropout of a RandomState": lambda: nn.Dropout(0.25, rng=np.random.RandomState(5)),
    "mlp on Values": lambda: nn.MLP(3, [4, 4, 1], "tanh"),
    "mlp on arrays": lambda: nn.MLP(3, [4, 2], "elu", layer=nn.Dense, rng=0),
    "float32": float32,
    "row of the table as activation": lambda: nn.Dense(3, 2, ops.sin, rng=0),
    "nested": lambda: nn.Sequential(nn.Sequential(nn.Dense(3, 3, rng=0)), nn.MLP(3, [2], layer=nn.Dense, rng=1)),
    "empty": lambda: nn.Sequential(),
    "shared layer": shared_layer,
    "shared parameter": shared_parameter,
    "containing itself": containing_itself,
    "deep": deep,
    "with a note": noted,
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_come_back(name, tmp_path):
    model = MODULES[name]().train(False)
    nn.save(model, tmp_path / "model")
    again = nn.load(tmp_path / "model")
    assert type(again) is type(model)
    assert again.training is False
    state, back = model.state_dict(), again.state_dict()
    assert list(state) == list(back)
    for key in state:
        assert state[key].dtype == back[key].dtype
        assert state[key].tobytes() == back[key].tobytes()
    labels = [p.label for p in model.parameters()]
    assert labels == [p.label for p in again.parameters()]
    assert [type(m) for m in model.modules()] == [type(m) for m in again.modules()]


@pytest.mark.parametrize("name", [name for name in MODULES if name not in ("containing itself", "empty")])
def test_outputs_are_equal_to_the_last_bit(name, tmp_path):
    model = MODULES[name]()
    x = [0.3, -0.2, 0.9][: 2 if name == "deep" else 3]
    nn.save(model, tmp_path / "model")
    again = nn.load(tmp_path / "model")
    if name.startswith("dropout of"):
        assert numbers(model(Tensor(x))) == numbers(again(Tensor(x)))
        assert numbers(model(Tensor(x))) == numbers(again(Tensor(x)))  # the source goes on from where it was
    elif name != "deep":
        x = x if all(isinstance(p, Value) for p in model.parameters()) else [x]
        assert numbers(model.eval()(x)) == numbers(again.eval()(x))


def numbers(y):
    return [numbers(entry) for entry in y] if isinstance(y, list) else np.asarray(getattr(y, "data", y)).tolist()


def test_sharing_is_kept(tmp_path):
    nn.save(shared_layer(), tmp_path / "model")
    layers = nn.load(tmp_path / "model").layers
    assert layers[0] is layers[2]
    nn.save(shared_parameter(), tmp_path / "model")
    layers = nn.load(tmp_path / "model").layers
    assert layers[0].W is layers[1].W
    nn.save(containing_itself(), tmp_path / "model")
    model = nn.load(tmp_path / "model")
    assert model.layers[1] is model


def test_values_of_every_kind_come_back(tmp_path):
    model = noted()
    nn.save(model, tmp_path / "model")
    note = nn.load(tmp_path / "model").note
    assert list(note) == list(model.note)
    assert note["scale"] == model.note["scale"]
    assert [type(x) for x in note["scale"]] == [np.float32, float, float]
    assert np.copysign(1.0, note["scale"][1]) == -1.0
    assert note["n"] == 2**64
    np.testing.assert_array_equal(note[3], model.note[3])


def test_names_that_look_alike_do_not_mix(tmp_path):
    model = nn.Sequential()
    model.a = {"b.c": np.zeros(2), "b": {"c": np.ones(2)}, "__metadata__": np.full(2, 2.0)}
    nn.save(model, tmp_path / "model")
    a = nn.load(tmp_path / "model").a
    assert [a["b.c"][0], a["b"]["c"][0], a["__metadata__"][0]] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("name", ["mlp on Values", "mlp on arrays", "shared parameter"])
def test_the_file_is_safetensors_and_holds_the_state_dict(name, tmp_path):
    from safetensors.numpy import load_file

    model = MODULES[name]()
    nn.save(model, tmp_path / "model")
    state, read = model.state_dict(), load_file(tmp_path / "model")
    assert sorted(state) == sorted(read)
    for key in state:
        np.testing.assert_array_equal(state[key], read[key])


def test_equal_models_give_equal_files(tmp_path):
    for name in ("a", "b"):
        nn.save(nn.MLP(3, [4, 2], layer=nn.Dense, rng=0), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_training_goes_on_from_the_loaded_model(tmp_path):
    X = np.linspace(-1.0, 1.0, 12).reshape(4, 3)
    model = nn.Sequential(nn.Dense(3, 8, "tanh", rng=0), nn.Dropout(0.5, rng=1), nn.Dense(8, 1, "identity", rng=2))
    nn.save(model, tmp_path / "model")
    losses = []
    for one in (model, nn.load(tmp_path / "model")):
        history = nn.fit(one, X, X[:, :1], loss=nn.squared_error, epochs=3, rng=0, progress=False)
        losses.append([record["loss"] for record in history])
    assert losses[0] == losses[1]


# Modules of one's own -------------------------------------------------------------------------------------------------


class Residual(nn.Module):
    """A module that the library does not know."""

    def __init__(self, width=3):
        self.inner = nn.Dense(width, width, "tanh", rng=0)
        self.scale = Value(0.5)

    def __call__(self, x):
        return x + self.inner(x) * self.scale


def changed(name, value):
    """Return a layer of which one attribute is not as its constructor would leave it."""
    model = nn.Dense(3, 3, rng=0)
    setattr(model, name, value)
    return model


def half(z):
    return z * 0.5


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Residual, ["Residual", "load_into"]),
        (lambda: nn.Dense(3, 3, half, rng=0), ["function 'half'", "Dense", "load_into"]),
        (lambda: nn.Sequential(nn.Dense(3, 3, rng=0), half), ["layers.1", "function 'half'"]),
        (lambda: changed("b", None), ["a Dense whose parts do not go together"]),
        (lambda: changed("b", Tensor([1.0])), ["a Dense whose parts do not go together"]),
        (lambda: changed("activation", "no such"), ["a Dense whose parts do not go together"]),
        (lambda: changed("activation", ops.matmul), ["a Dense whose parts do not go together"]),
        (lambda: changed("parameters_", [Tensor([1.0]) * 2.0]), ["parameters_.0 is a node but no parameter"]),
        (lambda: changed("affine", 1), ["'affine' would hide"]),
        (lambda: changed("class", "mine"), ["'class' would hide"]),
        (lambda: changed("training", 2), ["neither true nor false"]),
        (lambda: nn.Sequential(nn.Dense(3, 3, rng=0), Residual()), ["layers.1", "Residual"]),
    ],
)
def test_what_cannot_be_rebuilt_is_saved_by_its_parameters(make, words, tmp_path):
    model = make()
    model.parameters()[0].data = model.parameters()[0].data + 1.0
    nn.save(model, tmp_path / "model")
    with pytest.raises(StateError) as caught:
        nn.load(tmp_path / "model")
    assert all(word in str(caught.value) for word in [*words, "model"])
    again = make()
    nn.load_into(again, tmp_path / "model")
    for name, x in model.state_dict().items():
        np.testing.assert_array_equal(x, again.state_dict()[name])


def test_load_into_takes_all_or_nothing_and_lists_every_fault(tmp_path):
    path = tmp_path / "model"
    nn.save(nn.Sequential(nn.Dense(3, 4, rng=0), nn.Dense(4, 2, rng=1, dtype=np.float32)), path)
    other = nn.Sequential(nn.Dense(3, 5, rng=2), nn.Dense(5, 2, rng=3), nn.Dense(2, 1, rng=4))
    before = other.state_dict()
    with pytest.raises(StateError) as caught:
        nn.load_into(other, path)
    for word in (str(path), "layers.0.W", "(4, 3)", "(5, 3)", "layers.1.b", "float32", "layers.2.W", "missing"):
        assert word in str(caught.value)
    for name, x in other.state_dict().items():
        np.testing.assert_array_equal(x, before[name])
    with pytest.raises(StateError, match=r"layers\.1\.b: not a parameter here"):
        nn.load_into(nn.Sequential(nn.Dense(3, 4, rng=0)), path)
    with pytest.raises(DataError, match="load_into fills the parameters of a module"):
        nn.load_into({}, path)


# What is refused ------------------------------------------------------------------------------------------------------


class Named(nn.Dense):
    """A subclass, which is another class."""


def with_attribute(value):
    model = nn.MLPRegressor()
    model.callback = value
    return model


UNSAVABLE = {
    "a number": (lambda: 3.5, "float"),
    "a dict": (lambda: {"W": np.ones(2)}, "dict"),
    "a node": (lambda: Tensor([1.0]), "Tensor"),
    "a source": (lambda: np.random.RandomState(0), "RandomState"),
    "a class": (lambda: nn.MLP, "MLP"),
    "None": (lambda: None, "NoneType"),
}

UNSAVABLE_SETTINGS = {
    "a function": (lambda: half, "callback is the function 'half'"),
    "a set": (lambda: {1}, "callback is of class set"),
    "bytes": (lambda: b"x", "callback is of class bytes"),
    "complex": (lambda: np.ones(2, complex), "callback is an array"),
    "long double": (lambda: np.ones(2, np.longdouble), "callback is an array"),
    "dates": (lambda: np.array(["2020-01-01"], "datetime64[D]"), "callback is an array"),
    "a matrix of objects": (lambda: np.array([[None]]), "callback is an array"),
    "an object array with a function": (lambda: np.array([half]), "callback.0 is the function"),
    "a long integer": (lambda: 10**100, "callback is an integer of more than 100 digits"),
    "another generator": (lambda: np.random.Generator(np.random.Philox(0)), "Philox"),
    "another random state": (lambda: np.random.RandomState(np.random.PCG64(0)), "PCG64"),
    "a list in itself": (lambda: in_itself(), "nested too deeply"),
}


def in_itself():
    x = []
    x.append(x)
    return x


@pytest.mark.parametrize("name", UNSAVABLE)
def test_what_is_no_model_is_refused_and_the_old_file_kept(name, tmp_path):
    make, word = UNSAVABLE[name]
    path = tmp_path / "model"
    path.write_bytes(b"old")
    with pytest.raises(DataError, match=word):
        nn.save(make(), path)
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("name", UNSAVABLE_SETTINGS)
def test_settings_that_no_file_can_hold_are_named(name, tmp_path):
    pytest.importorskip("sklearn")
    make, word = UNSAVABLE_SETTINGS[name]
    with pytest.raises(DataError, match=word):
        nn.save(with_attribute(make()), tmp_path / "model")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("make", [lambda: nn.Dense(3, 2, rng=0), lambda: Residual()])
def test_parameters_that_are_not_finite_are_refused_and_the_old_file_kept(make, bad, tmp_path):
    model = make()
    nn.save(model, tmp_path / "model")
    before = (tmp_path / "model").read_bytes()
    W = model.parameters()[0]
    data = np.array(W.data)
    data[1, 2] = bad
    W.data = data
    with pytest.raises(StateError, match=r"W is .*(nan|inf) at \[1, 2\]"):
        nn.save(model, tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == before


def test_more_values_than_a_header_holds_are_refused_at_once(monkeypatch, tmp_path):
    monkeypatch.setattr(storage, "HEADER_LIMIT", 10_000)
    with pytest.raises(DataError, match=r"save model\.tensors\(\)"):
        nn.save(nn.MLP(8, [8, 8], rng=0), tmp_path / "model")
    nn.save(nn.MLP(8, [8, 8], rng=0).tensors(), tmp_path / "model")
    assert isinstance(nn.load(tmp_path / "model"), nn.MLP)


def test_without_the_library_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(nn.ExtraError, match=r"autograd-mini\[save\]"):
        nn.save(nn.Dense(3, 2, rng=0), tmp_path / "model")


def test_without_scikit_learn_the_error_says_what_to_install(tmp_path):
    pytest.importorskip("sklearn")
    nn.save(nn.MLPRegressor(), tmp_path / "model")
    script = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import nn\n"
        "try: nn.load(sys.argv[1])\n"
        "except nn.ExtraError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "model"], capture_output=True, text=True, check=True, timeout=120
    )
    assert "autograd-mini[sklearn]" in done.stdout


# Estimators -----------------------------------------------------------------------------------------------------------


def data(task):
    source = np.random.RandomState(0)
    X = source.normal(size=(40, 4))
    groups = (X @ source.normal(size=(4, 3))).argmax(axis=1)
    words = np.array(["a", "bb", "ccc"])
    return X, {
        "binary": groups > 0,
        "multiclass": groups,
        "words": words[groups],
        "objects": words[groups].astype(object),
        "multilabel": np.eye(3, dtype=int)[groups],
        "regression": X[:, 0] ** 2,
        "several": X[:, :2] ** 2,
    }[task]


CLASSES = ("binary", "multiclass", "words", "objects", "multilabel")
OPTIONS = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate": "invscaling", "momentum": 0.5},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1},
    "lbfgs": {"solver": "lbfgs", "warm_start": True},
    "early stopping": {"early_stopping": True, "warm_start": True, "n_iter_no_change": np.inf},
    "dropout": {"dropout": 0.25, "batch_size": 7, "warm_start": True},
    "source": {"random_state": np.random.RandomState(3)},
}
CASES = [(task, "adam") for task in (*CLASSES, "regression", "several")]
CASES += [(task, option) for task in ("multiclass", "regression") for option in OPTIONS if option != "adam"]


def fitted(task, option, dtype=float):
    pytest.importorskip("sklearn")
    X, y = data(task)
    kind = nn.MLPClassifier if task in CLASSES else nn.MLPRegressor
    model = kind(**{"hidden_layer_sizes": (6, 5), "random_state": 1, "max_iter": 8, **OPTIONS[option]})
    return quiet(model.fit, X.astype(dtype), y), X.astype(dtype), y


def quiet(train, *given):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # eight epochs do not converge
        return train(*given)


@pytest.mark.parametrize(("task", "option"), CASES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_estimators_come_back_and_go_on_as_they_would(task, option, dtype, tmp_path):
    model, X, y = fitted(task, option, dtype)
    nn.save(model, tmp_path / "model")
    again = nn.load(tmp_path / "model")
    check_equal(model, again, X)
    train = "partial_fit" if hasattr(model, "partial_fit") and not model.early_stopping else "fit"
    for _ in range(2):
        for one in (model, again):
            quiet(getattr(one, train), X, y)
    check_equal(model, again, X)


def check_equal(model, again, X):
    for name in ("predict", "predict_proba"):
        if hasattr(model, name):
            one, other = getattr(model, name)(X), getattr(again, name)(X)
            assert one.dtype == other.dtype
            assert one.tolist() == other.tolist()
    assert sorted(vars(model)) == sorted(vars(again))
    for W, V in zip(getattr(model, "coefs_", ()), getattr(again, "coefs_", ()), strict=True):
        assert W.flags.f_contiguous == V.flags.f_contiguous  # products of other layouts round otherwise
    for name, value in vars(model).items():
        if name not in ("random_state", "_optimizer", "_label_binarizer"):
            assert repr(value) == repr(vars(again)[name]), name
    assert repr(model) == repr(again) or "RandomState" in repr(model)


def test_an_estimator_that_was_not_fitted_comes_back(tmp_path):
    pytest.importorskip("sklearn")
    model = nn.MLPClassifier((3, 2), class_weight={np.int64(0): 0.5, 1: 2.0}, n_iter_no_change=np.inf)
    nn.save(model, tmp_path / "model")
    assert nn.load(tmp_path / "model").get_params() == model.get_params()


def test_names_of_columns_come_back(tmp_path):
    pytest.importorskip("sklearn")
    pandas = pytest.importorskip("pandas")
    X, y = data("words")
    frame = pandas.DataFrame(X, columns=list("wxyz"))
    model = quiet(nn.MLPClassifier((3,), max_iter=2, random_state=0).fit, frame, y)
    nn.save(model, tmp_path / "model")
    again = nn.load(tmp_path / "model")
    assert again.feature_names_in_.tolist() == list("wxyz")
    assert again.predict(frame).tolist() == model.predict(frame).tolist()


def test_a_foreign_class_of_the_same_name_is_refused(tmp_path):
    neural = pytest.importorskip("sklearn.neural_network")
    for model in (neural.MLPClassifier(), Named(3, 2, rng=0)):
        if isinstance(model, nn.Module):
            nn.save(model, tmp_path / "model")
            with pytest.raises(StateError, match="Named"):
                nn.load(tmp_path / "model")
        else:
            with pytest.raises(DataError, match="MLPClassifier"):
                nn.save(model, tmp_path / "model")


def test_big_endian_arrays_come_back_as_numbers(tmp_path):
    model, X, _ = fitted("regression", "adam")
    model.coefs_ = [W.astype(W.dtype.newbyteorder(">")) for W in model.coefs_]
    nn.save(model, tmp_path / "model")
    again = nn.load(tmp_path / "model")
    np.testing.assert_allclose(again.predict(X), model.predict(X), rtol=1e-12)
    assert all(W.dtype.isnative for W in again.coefs_)


def test_the_description_is_plain_json(tmp_path):
    nn.save(MODULES["mlp on arrays"](), tmp_path / "model")
    content = (tmp_path / "model").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    about = json.loads(header["__metadata__"]["autograd_mini"])
    assert [record["class"] for record in about["model"]] == [
        "MLP",
        "Dense",
        "Dense",
        "Tensor",
        "Tensor",
        "Tensor",
        "Tensor",
    ]


def test_every_error_is_one_of_the_project():
    for error in (nn.FormatError, nn.FileError, StateError, nn.ExtraError):
        assert issubclass(error, AutogradError)


def test_a_row_is_stored_as_the_tables_whatever_else_has_its_name(tmp_path):
    Unary("relu", "relu({})", abs, np.abs, lambda g, y, x: g)
    nn.save(nn.Dense(2, 2, ops.relu), tmp_path / "m.safetensors")
    assert nn.load(tmp_path / "m.safetensors").activation is ops.relu
