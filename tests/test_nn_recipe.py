"""Promises of the recipe: the textbook's formulas give the engine's numbers, line by line, and say so."""

import dataclasses

import numpy as np
import pytest
from tables import each

import nn
from autograd_mini import DataError, ShapeError, ops
from nn.layers import ACTIVATIONS

X = np.array([0.5, -1.0, 2.0])
TARGETS = {"softmax": 1, "sigmoid": [0.0, 1.0]}


@each([nn.Layer, nn.Dense])
@each(sorted(ACTIVATIONS))
@each(["tanh", "relu", "softmax"])
def test_every_line_equals_the_engine(hidden, output, layer):
    net = nn.MLP(3, [4, 3, 2], hidden, output, layer=layer, rng=0)
    recipe = nn.backprop_recipe(net, X, TARGETS.get(output, [0.3, -0.7]))
    assert recipe.difference < 1e-14
    assert not any(p.has_grad for p in net.parameters())
    names = [line.name for line in recipe.lines]
    for i in (1, 2, 3):
        for quantity in (f"z[{i}]", f"a[{i}]", f"dL/dz[{i}]", f"dL/dW[{i}]", f"dL/db[{i}]", f"dL/da[{i - 1}]"):
            assert quantity in names
    assert recipe["dL/dW[2]"].value.shape == (3, 4)
    assert names.index("dL/dz[3]") < names.index("dL/dW[3]") < names.index("dL/dz[2]") < names.index("dL/dW[1]")


def test_the_gradients_are_those_of_training():
    net = nn.MLP(3, [4, 3], "tanh", "identity", layer=nn.Dense, rng=0)
    nn.cross_entropy(net(X[None]), [2]).backward()
    softmax = nn.MLP(3, [4, 3], "tanh", "softmax", layer=nn.Dense, rng=0)
    recipe = nn.backprop_recipe(softmax, X, 2)
    for i, layer in enumerate(net.layers, 1):
        np.testing.assert_allclose(recipe[f"dL/dW[{i}]"].value, layer.W.grad, atol=1e-14)
        np.testing.assert_allclose(recipe[f"dL/db[{i}]"].value, layer.b.grad, atol=1e-14)


def test_softmax_goes_through_its_whole_jacobian():
    recipe = nn.backprop_recipe(nn.Dense(3, 3, "softmax", rng=0), X, 0)
    a = recipe["a[1]"].value
    np.testing.assert_allclose(recipe["J"].value, np.diag(a) - np.outer(a, a), atol=1e-16)
    formulas = [line.formula for line in recipe.lines if line.name == "dL/dz[1]"]
    assert formulas == ["J^T dL/da[1]", "a[1] - y"]


def test_it_prints_symbols_shapes_and_numbers():
    text = str(nn.backprop_recipe(nn.MLP(2, [2, 1], "tanh", init=nn.init.constant(0.5)), [1.0, 1.0], [0.0]))
    for part in (
        "z[1] = W[1] a[0] + b[1]\n    shapes: W[1] 2 x 2, a[0] 2, b[1] 2 -> 2\n    [1. 1.]\n    engine: the same",
        "dL/da[1] = W[2]^T dL/dz[2]\n    shapes: W[2]^T 2 x 1, dL/dz[2] 1 -> 2",
        "dL/dz[1] = dL/da[1] * tanh'(z[1])",
        "dL/dW[1] = dL/dz[1] a[0]^T\n    shapes: dL/dz[1] 2, a[0]^T 1 x 2 -> 2 x 2\n    [[",
        "L = 1/2 sum (a[2] - y)^2",
    ):
        assert part in text


def test_it_shows_as_mathematics():
    recipe = nn.backprop_recipe(nn.MLP(2, [9, 2], "leaky_relu", "softmax", rng=0), [1.0, 1.0], 1)
    latex = recipe.latex()
    for part in (
        r"z^{[1]} &= W^{[1]} a^{[0]} + b^{[1]} = \begin{bmatrix}",
        r"\frac{\partial L}{\partial a^{[1]}} &= {W^{[2]}}^{\mathsf T} \frac{\partial L}{\partial z^{[2]}}",
        r"\odot \operatorname{leaky\_relu}'(z^{[1]})", r"\operatorname{diag}(a^{[2]})", r"\vdots", r"\cdots",
    ):  # fmt: skip
        assert part in latex
    assert latex.count("{") == latex.count("}")
    assert recipe._repr_latex_().startswith("$")


def test_its_matrices_hold_the_numbers_the_first_six_each_way():
    def shown(*value):
        return dataclasses.replace(line, value=np.array(value)).latex().rpartition(" = ")[2]

    line = nn.backprop_recipe(nn.MLP(2, [2, 2], rng=0), [1.0, 1.0], [0.0, 1.0])["z[1]"]
    column = r" \\ ".join(map(str, range(6)))
    assert shown(1.5, -0.0) == r"\begin{bmatrix}1.5 \\ 0\end{bmatrix}"
    assert shown([1.0, 2.0], [3.0, 4.0]) == r"\begin{bmatrix}1 & 2 \\ 3 & 4\end{bmatrix}"
    assert shown(*range(6)) == rf"\begin{{bmatrix}}{column}\end{{bmatrix}}"
    assert shown(*range(7)) == rf"\begin{{bmatrix}}{column} \\ \vdots\end{{bmatrix}}"
    assert shown([*range(6)]) == r"\begin{bmatrix}0 & 1 & 2 & 3 & 4 & 5\end{bmatrix}"
    assert shown([*range(7)]) == r"\begin{bmatrix}0 & 1 & 2 & 3 & 4 & 5 & \cdots\end{bmatrix}"


def test_rendered_by_matplotlib_each_line_is_valid():
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    for line in nn.backprop_recipe(nn.MLP(2, [2, 2], "silu", "sigmoid", rng=0), [1.0, 1.0], [0.0, 1.0]).lines:
        symbols = line.latex().split(r" = \begin")[0]
        for plain in (r"\tfrac12", r"\textstyle", "&", r"\mathsf T"):
            symbols = symbols.replace(plain, "T" if "T" in plain else "")
        parser.parse(f"${symbols}$")


def test_a_wrong_engine_would_be_seen():
    line = nn.backprop_recipe(nn.Neuron(3, "tanh", rng=0), X, 0.5)["dL/dW[1]"]
    assert line.difference < 1e-15
    for thing in (line, nn.recipe.Recipe((line,))):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, dataclasses.fields(thing)[0].name, 0)
    wrong = dataclasses.replace(line, engine=line.engine * 1.001)
    assert wrong.difference > 1e-5
    assert "differs by" in str(wrong)
    for nan in (
        dataclasses.replace(line, engine=line.engine * np.nan),
        dataclasses.replace(line, value=line.value * np.nan),
    ):
        recipe = nn.recipe.Recipe((line, nan, line))
        assert not recipe.difference < 1.0
        assert "engine: differs by nan" in str(recipe)


def test_saturated_outputs_give_the_same_infinities_without_warnings():
    net = nn.Dense(1, 2, "softmax", init=nn.init.given([[1000.0], [-1000.0]], [0.0, 0.0]))
    recipe = nn.backprop_recipe(net, [1.0], 1)
    assert recipe["L"].value == np.inf == recipe["L"].engine
    for name in ("L", "dL/da[1]", "dL/dW[1]"):  # an infinity beside an infinity, NaN beside NaN
        assert recipe[name].difference == 0.0
        assert str(recipe[name]).endswith("engine: the same")


def test_a_formula_that_gives_no_number_is_not_called_the_engines():
    recipe = nn.backprop_recipe(nn.Dense(1, 2, "sigmoid", rng=0), [0.5], [0, 1])
    assert np.isfinite([line.difference for line in recipe.lines]).all()


def test_a_long_row_of_numbers_is_cut_and_each_has_six_digits():
    line = nn.backprop_recipe(nn.Neuron(1, "tanh", rng=0), [1.0], 0.5)["z[1]"]
    shown = {n: str(dataclasses.replace(line, value=np.full(n, -1.0 / 3.0))) for n in (40, 41)}
    assert shown[40].count("-0.333333 ") + shown[40].count("-0.333333\n") == 39
    assert "..." in shown[41]
    assert "    0.\n" in str(dataclasses.replace(line, value=np.float64(-0.0)))


def test_dropout_and_functions_are_allowed():
    net = nn.Sequential(nn.Dense(3, 2, ops.tanh, rng=0), nn.Dropout(0.5), nn.Neuron(2, "relu", rng=0))
    assert nn.backprop_recipe(net, X, 1.0).difference < 1e-15


WRONG = [
    (lambda: nn.backprop_recipe(nn.Dense(3, 2), [1.0], [0.0, 0.0]), ShapeError, r"one sample of shape \(3,\)"),
    (
        lambda: nn.backprop_recipe(nn.Dense(3, 2), X, [0.0]),
        ShapeError,
        r"y of shape \(1,\) for an output of shape \(2,\)",
    ),
    (lambda: nn.backprop_recipe(nn.Dense(3, 2, "softmax"), X, 2), ShapeError, "label 2"),
    (lambda: nn.backprop_recipe(nn.Dense(3, 2, "softmax"), X, 0.5), DataError, "integers"),
    (lambda: nn.backprop_recipe(nn.Dense(3, 1, "sigmoid"), X, 2.0), nn.SettingError, r"\[0, 1\]"),
    (lambda: nn.backprop_recipe(nn.Dense(3, 1, "sigmoid"), X, -0.5), nn.SettingError, r"\[0, 1\], got \[-0.5\]"),
    (lambda: nn.backprop_recipe(nn.Sequential(), X, 2.0), nn.SettingError, "recipe needs"),
    (lambda: nn.backprop_recipe(lambda x: x, X, 2.0), nn.SettingError, "recipe needs"),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG)
def test_wrong_networks_and_samples_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
