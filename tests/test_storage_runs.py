"""A training run that is saved goes on as it would have: parameters and what the optimizer remembers, or neither."""

from __future__ import annotations

import copy
import json
import os

import numpy as np
import pytest

import nn
from autograd_mini import DataError, Tensor, Value
from nn import FormatError, StateError
from nn.files import save as storage

pytest.importorskip("safetensors")

X = np.random.RandomState(0).uniform(-1.0, 1.0, (12, 3))
Y = X[:, :1] ** 2

OPTIMIZERS = {
    "sgd": lambda: nn.sgd(0.1),
    "momentum": lambda: nn.sgd(0.05, momentum=0.9, nesterov=True),
    "adam": lambda: nn.adam(0.01),
    "adamw": lambda: nn.adamw(0.01),
    "rmsprop": lambda: nn.rmsprop(0.01),
    "adagrad": lambda: nn.adagrad(0.1),
}


class Residual(nn.Module):
    """A module that the library does not know."""

    def __init__(self):
        self.inner = nn.Dense(3, 3, "tanh", rng=0)
        self.scale = Value(0.5)
        self.last = nn.Dense(3, 1, "identity", rng=1)

    def __call__(self, x):
        return self.last(self.inner(x) * self.scale + x)


def shared():
    inner = nn.Dense(3, 3, "tanh", rng=0)
    return nn.Sequential(inner, inner, nn.Dense(3, 1, "identity", rng=1))


MODELS = {
    "arrays": lambda: nn.MLP(3, [4, 1], "tanh", layer=nn.Dense, rng=0),
    "float32": lambda: nn.MLP(3, [4, 1], "tanh", layer=nn.Dense, rng=0, dtype=np.float32),
    "Values": lambda: nn.MLP(3, [3, 1], "tanh", rng=0),
    "dropout": lambda: nn.Sequential(nn.Dense(3, 8, rng=0), nn.Dropout(0.5, rng=1), nn.Dense(8, 1, rng=2)),
    "shared": shared,
    "a module of one's own": Residual,
}


def train(model, optimizer, state, epochs=3):
    y = Y[:, 0] if isinstance(model.parameters()[0], Value) else Y
    settings = {"loss": nn.squared_error, "batch_size": 5, "shuffle": False, "progress": False}
    return nn.fit(model, X, y, optimizer=optimizer, state=state, epochs=epochs, **settings)


def same(model, again):
    one, other = model.state_dict(), again.state_dict()
    return list(one) == list(other) and all(one[name].tobytes() == other[name].tobytes() for name in one)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_run_goes_on_to_the_last_bit(kind, name, tmp_path):
    model, optimizer = MODELS[name](), OPTIMIZERS[kind]()
    state = optimizer.init(model)
    train(model, optimizer, state)
    nn.save(model, tmp_path / "run", state)
    again = MODELS[name]() if name == "a module of one's own" else nn.load(tmp_path / "run")
    back = OPTIMIZERS[kind]().init(again)
    nn.load_into(again, tmp_path / "run", back)
    assert same(model, again)
    assert [entry[1] for entry in back] == [entry[1] for entry in state] == [9] * len(state)
    assert train(again, OPTIMIZERS[kind](), back) == train(model, optimizer, state)
    assert same(model, again)


@pytest.mark.parametrize("kind", [kind for kind in OPTIMIZERS if kind != "sgd"])
def test_without_its_state_a_run_would_go_on_otherwise(kind):
    model, optimizer = MODELS["arrays"](), OPTIMIZERS[kind]()
    state = optimizer.init(model)
    train(model, optimizer, state)
    twin = copy.deepcopy(model)
    train(model, optimizer, state)
    train(twin, optimizer, None)
    assert not same(model, twin)


def test_fit_in_two_parts_is_fit_in_one():
    once, twice = MODELS["arrays"](), MODELS["arrays"]()
    optimizer = nn.adam(0.01)
    state = optimizer.init(twice)
    whole = train(once, optimizer, None, epochs=6)
    parts = train(twice, optimizer, state) + train(twice, optimizer, state)
    assert [record["loss"] for record in whole] == [record["loss"] for record in parts]
    assert same(once, twice)


def test_a_part_of_the_parameters_may_have_a_state(tmp_path):
    model, optimizer = MODELS["arrays"](), nn.adam()
    state = optimizer.init([model.layers[1].W, model.layers[1].b])
    train(model, optimizer, state)
    nn.save(model, tmp_path / "run", state)
    again = nn.load(tmp_path / "run")
    back = optimizer.init([again.layers[1].b, again.layers[1].W])
    nn.load_into(again, tmp_path / "run", back)
    for one, other in zip(state, back[::-1]):
        assert one[1] == other[1]
        assert all(np.array_equal(x, y) for x, y in zip(one[2:], other[2:], strict=True))


def test_a_file_with_a_state_is_a_file_of_the_model_too(tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    model, optimizer = MODELS["arrays"](), nn.adam()
    state = optimizer.init(model)
    train(model, optimizer, state)
    nn.save(model, tmp_path / "run", state)
    assert same(nn.load(tmp_path / "run"), model)
    other = MODELS["arrays"]()
    nn.load_into(other, tmp_path / "run")
    assert same(other, model)
    read = library.load_file(tmp_path / "run")
    assert sorted(set(read) - set(model.state_dict()))[0] == "layers.0.W memory 0"
    assert len(read) == 3 * len(model.state_dict())


def test_the_loaded_state_is_ones_own_and_the_saved_one_unchanged(tmp_path):
    model, optimizer = MODELS["arrays"](), nn.adam()
    state = optimizer.init(model)
    train(model, optimizer, state)
    before = copy.deepcopy([entry[1:] for entry in state])
    nn.save(model, tmp_path / "run", state)
    assert repr(before) == repr([entry[1:] for entry in state])
    states = [optimizer.init(model) for _ in range(2)]
    for one in states:
        nn.load_into(model, tmp_path / "run", one)
    states[0][0][2][...] = 7.0
    assert repr(states[1][0][1:]) == repr(before[0])


def test_names_that_are_taken_do_not_mix(tmp_path):
    model, optimizer = nn.Dense(3, 1, "identity", rng=0), nn.sgd(momentum=0.5)
    model.notes = {"W memory 0": np.ones(2)}
    vars(model)["W memory 0"] = Tensor([1.0, 2.0])
    state = optimizer.init(model)
    train(model, optimizer, state)
    nn.save(model, tmp_path / "run", state)
    again = nn.load(tmp_path / "run")
    back = optimizer.init(again)
    with pytest.raises(StateError, match=r"notes.*not a parameter here"):
        nn.load_into(again, tmp_path / "run", back)
    del model.notes
    nn.save(model, tmp_path / "run", state)
    nn.load_into(again, tmp_path / "run", back)
    assert [[e[1], np.asarray(e[2]).tolist()] for e in back] == [[e[1], np.asarray(e[2]).tolist()] for e in state]


# What is refused ------------------------------------------------------------------------------------------------------


def test_states_that_cannot_be_saved_are_refused_and_the_old_file_kept(tmp_path):
    model, optimizer, path = MODELS["arrays"](), nn.adam(), tmp_path / "run"
    path.write_bytes(b"old")
    foreign = optimizer.init(MODELS["arrays"]())
    with pytest.raises(DataError, match=r"state\[0\] is about no parameter of the model"):
        nn.save(model, path, foreign)
    for bad in (np.nan, np.inf):
        state = optimizer.init(model)
        state[2][3][0, 0] = bad
        with pytest.raises(StateError, match=r"layers\.1\.W is not finite"):
            nn.save(model, path, state)
    pytest.importorskip("sklearn")
    with pytest.raises(DataError, match="MLPRegressor has its optimizer's state in itself"):
        nn.save(nn.MLPRegressor(), path, optimizer.init(model))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["run"]


def changed_nothing(model, state, path, words):
    """Check that a file is refused with these words, and that neither the model nor the state has changed."""
    before = model.state_dict(), repr([entry[1:] for entry in state])
    with pytest.raises(StateError) as caught:
        nn.load_into(model, path, state)
    assert [word for word in (str(path), *words) if word not in str(caught.value)] == []
    assert all(np.array_equal(x, before[0][name]) for name, x in model.state_dict().items())
    assert repr([entry[1:] for entry in state]) == before[1]


def test_what_does_not_fit_is_listed_and_nothing_loaded(tmp_path):
    path, model, optimizer = tmp_path / "run", MODELS["arrays"](), nn.adam()
    nn.save(model, path)
    other = MODELS["arrays"]()
    changed_nothing(other, optimizer.init(other), path, ["holds no state", "give save the state"])
    state = optimizer.init(model)
    train(model, optimizer, state)
    nn.save(model, path, state)
    plain = nn.sgd(momentum=0.9)
    changed_nothing(other, plain.init(other), path, ["layers.0.W: 2 arrays", "remembers 1", "layers.1.b: 2 arrays"])
    changed_nothing(other, optimizer.init([other.layers[0].W]), path, ["layers.1.W: not a parameter of this state"])
    narrow = nn.MLP(3, [2, 1], layer=nn.Dense, rng=5)
    changed_nothing(narrow, optimizer.init(narrow), path, ["layers.0.W memory 0", "(2, 3)"])
    deeper = nn.MLP(3, [4, 1, 1], layer=nn.Dense, rng=5)
    changed_nothing(deeper, optimizer.init(deeper), path, ["layers.2.W: missing"])
    changed_nothing(other, optimizer.init(MODELS["arrays"]()), path, ["?: missing"])


def test_fit_refuses_a_state_of_another_model_or_optimizer():
    model = MODELS["arrays"]()
    for state in (nn.adam().init(MODELS["arrays"]()), nn.sgd().init(model)):
        with pytest.raises(nn.SettingError, match="another model or optimizer"):
            train(model, nn.adam(), state)


@pytest.mark.parametrize("wrong", [nn.adam(), 3, [1], [[1, 2]], ({},), [[Value(1.0)]]])
def test_what_is_no_state_is_refused(wrong, tmp_path):
    model = MODELS["arrays"]()
    nn.save(model, tmp_path / "run", nn.sgd().init(model))
    for call in (nn.save, nn.load_into):
        with pytest.raises(DataError, match=r"state must be what optimizer\.init"):
            call(model, tmp_path / "run", wrong)
    with pytest.raises(DataError, match=r"state must be what optimizer\.init"):
        train(model, nn.sgd(), wrong)


def test_a_large_network_on_values_is_saved_in_linear_time(tmp_path):
    model, optimizer = nn.MLP(60, [60, 60, 1], rng=0), nn.adam()
    state = optimizer.init(model)
    nn.save(model, tmp_path / "run", state)
    nn.load_into(model, tmp_path / "run", state)
    assert len(state) == 7381


def signed(entries, arrays):
    """Return a file whose checksum is right, whatever it says of the optimizer."""
    about, own = storage._description(nn.Dense(3, 1, "identity", rng=0))
    return storage.pack({**about, "state": entries}, {**own, **arrays})


GOOD = {"a": np.ones((1, 3)), "c": np.ones(1)}
HOSTILE = {
    "a number": 3,
    "an object": {"W": 1},
    "text": "W",
    "an entry of another length": [["W", 1]],
    "an entry that is text": ["Wab"],
    "a name that is no text": [[3, 1, []]],
    "updates as text": [["W", "1", ["a"]]],
    "updates true": [["W", True, ["a"]]],
    "updates below 0": [["W", -1, ["a"]]],
    "updates as a fraction": [["W", 1.5, ["a"]]],
    "no list of arrays": [["W", 1, "a"]],
    "an array that is no name": [["W", 1, [["a"]]], ["b", 1, ["c"]]],
}
MISFITS = {
    "an array that is not there": [["W", 1, ["d"]], ["b", 1, ["c"]]],
    "an array of another shape": [["W", 1, ["c"]], ["b", 1, ["c"]]],
    "a parameter as its own memory": [["W", 1, ["W"]], ["b", 1, ["c"]]],
    "a parameter that is missing": [["W", 1, ["a"]]],
    "a parameter twice, the other never": [["W", 1, ["a"]], ["W", 1, ["a"]]],
    "a parameter that is not there": [["W", 1, ["a"]], ["b", 1, ["c"]], ["d", 1, ["c"]]],
}


@pytest.mark.parametrize("name", [*HOSTILE, *MISFITS])
def test_states_made_by_hand_are_refused(name, tmp_path):
    path, model = tmp_path / "run", nn.Dense(3, 1, "identity", rng=1)
    path.write_bytes(signed({**HOSTILE, **MISFITS}[name], GOOD))
    state, before = nn.sgd(momentum=0.5).init(model), model.state_dict()
    with pytest.raises(FormatError if name in HOSTILE else StateError, match=str(path)):
        nn.load_into(model, path, state)
    assert [(updates, v.any()) for _, updates, v in state] == [(0, False), (0, False)]
    assert all(np.array_equal(x, before[key]) for key, x in model.state_dict().items())


@pytest.mark.parametrize("array", [np.full((1, 3), np.nan), np.ones((1, 3), np.float32), np.ones((1, 3), int)])
def test_memories_of_another_kind_are_refused(array, tmp_path):
    path, model = tmp_path / "run", nn.Dense(3, 1, "identity", rng=1)
    path.write_bytes(signed([["W", 1, ["a"]], ["b", 1, ["c"]]], {**GOOD, "a": array}))
    with pytest.raises(StateError, match=r"W: 'a' is"):
        nn.load_into(model, path, nn.sgd(momentum=0.5).init(model))


def test_a_good_state_made_by_hand_is_taken(tmp_path):
    path, model = tmp_path / "run", nn.Dense(3, 1, "identity", rng=1)
    path.write_bytes(signed([["W", 1, ["a"]], ["b", 2, ["c"]]], GOOD))
    state = nn.sgd(momentum=0.5).init(model)
    nn.load_into(model, path, state)
    assert [entry[1] for entry in state] == [1, 2]
    assert state[0][2].tolist() == [[1.0, 1.0, 1.0]]


def test_every_changed_byte_of_the_state_is_refused(tmp_path):
    model, optimizer, path = nn.Dense(2, 1, rng=0), nn.adam(), tmp_path / "run"
    state = optimizer.init(model)
    nn.save(model, path, state)
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert json.loads(header["__metadata__"]["autograd_mini"])["state"][0] == ["W", 0, ["W memory 0", "W memory 1"]]
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x20]) + content[place + 1 :])
        with pytest.raises(FormatError):
            nn.load_into(model, path, state)
