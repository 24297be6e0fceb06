"""Why a prediction: shares of the inputs that add up, agree with differences, and are told in the inputs' own units."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import nn
from autograd_mini import ShapeError, Tensor, ops
from nn.attribution.shares import attribute, integrated_gradients

RNG = np.random.default_rng(5)
SAMPLE = RNG.normal(size=4)


def network(output: str = "identity", n_out: int = 1, activation: str = "relu", layer: Any = nn.Dense) -> Any:
    return nn.MLP(4, [6, 5, n_out], activation, output, layer=layer, rng=2)


def by_name(found: Any) -> dict[str, Any]:
    return {entry.name: entry for entry in found.inputs}


SCORES: dict[str, tuple[Any, dict[str, Any], Any]] = {  # a network, what is asked of it, and the same in numpy
    "prediction": (network(), {}, lambda p: p[0]),
    "second of two": (network(n_out=2), {"label": 1}, lambda p: p[1]),
    "squared error": (network(n_out=2), {"of": "loss", "label": [1.0, -2.0]}, lambda p: ((p - [1.0, -2.0]) ** 2).sum()),
    "probability of one of three": (network("softmax", 3), {"label": 2}, lambda p: p[2]),
    "probability of the other one": (network("sigmoid"), {"label": 0}, lambda p: 1.0 - p[0]),
    "log-odds": (network("sigmoid"), {"of": "margin", "label": 1}, lambda p: np.log(p[0] / (1.0 - p[0]))),
    "margin": (network("softmax", 3), {"of": "margin", "label": 0}, lambda p: np.log(p[0] / max(p[1:]))),
    "loss of a class": (network("softmax", 3), {"of": "loss", "label": 1}, lambda p: -np.log(p[1])),
    "loss of a label": (network("sigmoid"), {"of": "loss", "label": 0}, lambda p: -np.log(1.0 - p[0])),
    "one neuron": (nn.Neuron(4, "sigmoid", rng=1), {"label": 1}, lambda p: p[0]),
    "on Values": (network("softmax", 3, "tanh", nn.Layer), {"label": 1}, lambda p: p[1]),
}


def measured(net: Any, score: Any, rows: Any) -> Any:
    """Return the score of each row."""
    arrays = net.tensors() if hasattr(net, "tensors") else net
    return np.array([float(score(p)) for p in arrays(rows).data])


@pytest.mark.parametrize("name", SCORES)
def test_shares_add_up_and_gradients_are_differences(name: str) -> None:
    net, asked, score = SCORES[name]
    base = RNG.normal(size=4)
    found = attribute(net, SAMPLE, against=base, **asked)
    np.testing.assert_allclose([found.value, found.against], measured(net, score, np.stack([SAMPLE, base])), 0.0, 1e-12)
    assert abs(sum(entry.integrated for entry in found.inputs) - (found.value - found.against)) < 1e-8
    assert abs(found.gap) < 1e-8
    step = 1e-6 * np.eye(4)
    slopes = (measured(net, score, SAMPLE + step) - measured(net, score, SAMPLE - step)) / 2e-6
    for j, entry in enumerate(by_name(found)[f"x{j}"] for j in range(4)):
        assert abs(entry.gradient - slopes[j]) < 1e-6
        assert (entry.x, entry.against) == (SAMPLE[j], base[j])
        assert abs(entry.product - entry.gradient * (SAMPLE[j] - base[j])) < 1e-12


@pytest.mark.parametrize("name", SCORES)
def test_integrated_gradients_are_those_of_a_fine_sum(name: str) -> None:
    net, asked, score = SCORES[name]
    found = by_name(attribute(net, SAMPLE, **asked))
    step = 1e-5 * np.tile(np.eye(4), (400, 1))
    path = np.repeat((np.arange(400) + 0.5) / 400, 4)[:, None] * SAMPLE
    slopes = (measured(net, score, path + step) - measured(net, score, path - step)) / 2e-5
    total = slopes.reshape(400, 4).mean(axis=0)
    for j in range(4):
        assert abs(found[f"x{j}"].integrated - total[j] * SAMPLE[j]) < 2e-2 * max(1.0, np.abs(total).max())


def test_a_closed_form() -> None:
    """Of x y the mean gradient from 0 to (x, y) is (y, x) / 2: each input has half of the product."""
    product = lambda rows: rows[:, 0] * rows[:, 1]
    np.testing.assert_allclose(integrated_gradients(product, np.array([3.0, 5.0]), np.zeros(2)), [7.5, 7.5], rtol=1e-12)


def test_kinks_are_found_and_not_smeared() -> None:
    kinked = lambda rows: ops.sum(ops.relu(rows * 7.0 - np.array([1.0, 2.0])), 1)
    shares = integrated_gradients(kinked, np.array([0.77, -1.0]), np.array([0.0, 3.0]))
    np.testing.assert_allclose(shares, [7.0 * 0.77 - 1.0, -19.0], atol=1e-8)


def test_a_jump_of_the_gradient_of_any_size_ends() -> None:
    steep = lambda rows: ops.relu(rows[:, 0] * 1e12 - 3e11)
    shares = integrated_gradients(steep, np.array([1.0]), np.array([0.0]))
    np.testing.assert_allclose(shares, [7e11], rtol=1e-9)


def test_inputs_are_sorted_by_their_shares_and_named() -> None:
    net = nn.MLP(3, [1], layer=nn.Dense, init=nn.init.given([[1.0, -5.0, 2.0]], [0.5]))
    found = attribute(net, [1.0, 1.0, 1.0], names=["a", "b", "c"])
    assert [(entry.name, round(entry.integrated, 12)) for entry in found.inputs] == [
        ("b", -5.0),
        ("c", 2.0),
        ("a", 1.0),
    ]
    assert (found.what, found.value, found.against) == ("prediction", -1.5, 0.5)


def test_rows_to_compare_with_are_averaged() -> None:
    net, rows = network(), RNG.normal(size=(30, 4))
    assert str(attribute(net, SAMPLE, against=rows)) == str(attribute(net, SAMPLE, against=rows.mean(axis=0)))


def test_a_table_shows_twenty_and_says_so() -> None:
    net = nn.MLP(784, [3], "identity", "softmax", layer=nn.Dense, rng=0)
    found = attribute(net, RNG.normal(size=784))
    assert str(found).count("\n") < 30
    assert "... 764 more with smaller shares: print(found.table) shows them" in str(found)
    assert found.table.count("\nx") == 784


def test_html_escapes_names_and_shows_bars() -> None:
    html = attribute(network(), SAMPLE, names=["<b>", "&", "c", "d"])._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert html.count("<div style=") == 4


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"x": SAMPLE[:3]}, ShapeError, "takes rows of 4 inputs"),
        ({"x": np.ones((2, 4))}, ShapeError, "x is one sample of shape (d,), got shape (2, 4)"),
        ({"x": [1.0, np.nan, 2.0, 3.0]}, nn.SettingError, "x must be finite numbers: the one at position 1 is not"),
        ({"x": "four"}, nn.SettingError, "x is one sample of numbers, got 'four'"),
        ({"against": SAMPLE[:2]}, ShapeError, "against has 2 inputs, x has 4"),
        ({"against": ["a"] * 4}, nn.SettingError, "against is one sample of numbers"),
        ({"against": [["a"] * 4]}, nn.SettingError, "against is one sample of numbers"),
        ({"names": ["a"]}, ShapeError, "names has 1 entries, x has 4 inputs"),
        ({"of": "logit"}, nn.SettingError, "of must be one of probability, margin, loss; got 'logit'"),
        ({"of": "loss"}, nn.SettingError, "the loss is that of a true class: name it, label=..."),
        ({"label": 3}, nn.SettingError, "label must be one of the classes [0, 1, 2], got 3"),
        ({"label": [1, 2]}, nn.SettingError, "label must be one of the classes"),
        ({"model": nn.Module()}, nn.SettingError, "a Module cannot be called"),
        ({"model": 3}, nn.SettingError, "the model is a int"),
    ],
)
def test_what_does_not_fit_is_named(given: dict[str, Any], kind: type, words: str) -> None:
    settings = {"model": network("softmax", 3), "x": SAMPLE, **given}
    with pytest.raises(kind, match=re.escape(words)):
        attribute(settings.pop("model"), settings.pop("x"), **settings)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"label": 2}, "label must be the column of an output, 0 to 1, got 2"),
        ({"label": True}, "label must be the column"),
        ({"of": "probability"}, "of must be one of prediction, loss"),
        ({"of": "loss"}, "the loss is that of a true value: give it"),
        ({"of": "loss", "label": [1.0]}, "label has 1 values, the network 2 outputs"),
        ({"of": "loss", "label": ["a", 1.0]}, "label is one sample of numbers"),
    ],
)
def test_what_a_network_of_numbers_cannot_answer_is_named(asked: dict[str, Any], words: str) -> None:
    with pytest.raises((nn.SettingError, ShapeError), match=re.escape(words)):
        attribute(network(n_out=2), SAMPLE, **asked)


def test_the_network_is_left_as_it_was() -> None:
    net = network()
    attribute(net, SAMPLE)
    assert not any(p.has_grad for p in net.parameters())


def test_a_module_of_ones_own_that_ends_in_no_layer_predicts() -> None:
    net = nn.Sequential(nn.Dense(4, 3, "tanh", rng=0), lambda a: ops.sum(a * a, 1, True))
    found = attribute(net, Tensor(SAMPLE))
    assert found.what == "prediction"
    assert abs(found.gap) < 1e-8


# Estimators and pipelines ---------------------------------------------------------------------------------------------


def test_the_misjudged_wine_is_explained_by_its_magnesium() -> None:
    """Its 162 lies far beyond the 78 to 139 that nearly all of its kind have; the gradient alone does not show it."""
    pytest.importorskip("sklearn", reason="scikit-learn is an extra")
    from sklearn.datasets import load_wine
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    wine = load_wine()
    train, test = train_test_split(np.arange(178), stratify=wine.target, random_state=0)
    net = MLPClassifier((4,), random_state=3, max_iter=3000, solver="lbfgs")
    model = make_pipeline(StandardScaler(), net).fit(wine.data[train], wine.target[train])
    (wrong,) = test[model.predict(wine.data[test]) != wine.target[test]]
    assert wine.data[wrong, 4] == 162.0
    found = attribute(model, wine.data[wrong], names=wine.feature_names)
    spread = dict(zip(wine.feature_names, model[0].scale_))
    by_gradient = sorted(found.inputs, key=lambda entry: -abs(entry.gradient) * spread[entry.name])
    by_product = sorted(found.inputs, key=lambda entry: -abs(entry.product))
    assert [entry.name for entry in by_gradient].index("magnesium") == 5
    assert by_product[0].name == found.inputs[0].name == "magnesium"
    assert abs(found.gap) < 1e-6
    np.testing.assert_allclose([by_name(found)[n].against for n in wine.feature_names], model[0].mean_)
    assert found.value == pytest.approx(model.predict_proba(wine.data[[wrong]]).max(), rel=1e-12)
    assert str(attribute(model, wine.data[wrong], of="loss", label=wine.target[wrong])).startswith("loss of class 1: ")


def test_names_come_from_a_table_and_classes_from_the_estimator() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is an extra")
    pandas = pytest.importorskip("pandas", reason="pandas is for tests alone")
    table = pandas.DataFrame({"length": [1.0, 2.0, 3.0, 4.0] * 5, "mass": [0.0, 1.0, 0.0, 3.0] * 5})
    kinds = np.where(table["length"] > 2.0, "cat", "ant")
    model = nn.MLPClassifier((3,), solver="lbfgs", random_state=0).fit(table, kinds)
    found = attribute(model, table.iloc[3])
    assert {entry.name for entry in found.inputs} == {"length", "mass"}
    assert found.what == "probability of class 'cat'"
    assert attribute(model, table.iloc[3], label="ant").value == pytest.approx(1.0 - found.value)
    with pytest.raises(nn.SettingError, match="label must be one of the classes"):
        attribute(model, table.iloc[3], label="dog")


def test_float32_adds_up_as_well_as_it_can() -> None:
    net = nn.MLP(4, [6, 1], "tanh", layer=nn.Dense, rng=0, dtype=np.float32)
    assert abs(attribute(net, SAMPLE).gap) < 1e-5
