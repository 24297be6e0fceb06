"""What functions take and give: dataclasses, namedtuples, kinds of dict, modules, results beside the value."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

import numpy as np
import pytest

import autograd_mini as am
import nn
from autograd_mini import DataError, Tensor, ops
from autograd_mini import tree as am_tree

# Arguments with a form -----------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Line:
    slope: float
    offset: Any
    name: str = "line"


Pair = collections.namedtuple("Pair", "a b")


def squares(tree_: Any) -> Any:
    return sum(ops.sum(x * x) for x in am_tree.leaves(tree_))


@pytest.mark.parametrize(
    "given",
    [
        Line(1.0, np.array([2.0, 3.0])),
        Pair(1.0, 2.0),
        collections.OrderedDict(b=1.0, a=2.0),
        collections.defaultdict(list, w=[1.0, {"x": 3.0}]),
        [Pair(1.0, Line(2.0, 3.0))],
    ],
    ids=lambda given: type(given).__name__,
)
def test_gradients_have_the_form_of_the_arguments(given: Any) -> None:
    value, gradient = am.value_and_grad(squares)(given)
    assert type(gradient) is type(given)
    assert am_tree.form(gradient) == am_tree.form(given)
    for x, g in zip(am_tree.leaves(given), am_tree.leaves(gradient)):
        np.testing.assert_array_equal(g, 2.0 * np.asarray(x))
    assert value == sum(np.sum(np.square(x)) for x in am_tree.leaves(given))


def test_a_module_is_an_argument_and_its_gradient_a_module() -> None:
    for layer in (nn.Layer, nn.Dense):
        model = nn.MLP(2, [3, 1], "tanh", layer=layer, rng=0)
        x = [0.5, -1.0] if layer is nn.Layer else np.array([[0.5, -1.0]])
        gradient = am.grad(lambda m: ops.sum(m(x) ** 2))(model)  # noqa: B023
        assert type(gradient) is nn.MLP
        ops.sum(model(x) ** 2).backward()
        for (name, p), (other, g) in zip(model.named_parameters(), gradient.named_parameters()):
            assert name == other
            np.testing.assert_allclose(g.data, p.grad, rtol=1e-12)


def test_what_a_function_gives_beside_its_value_comes_back_plain() -> None:
    (value, aux), gradient = am.value_and_grad(lambda x: (x * x, {"twice": 2.0 * x, "word": "w"}), has_aux=True)(3.0)
    assert (value, aux, gradient) == (9.0, {"twice": 6.0, "word": "w"}, 6.0)
    with pytest.raises(DataError, match="has_aux"):
        am.value_and_grad(lambda x: x * x, has_aux=True)(3.0)


def test_soft_targets_are_rows_of_probabilities() -> None:
    z = Tensor([[0.5, -1.0, 2.0], [0.0, 1.0, 3.0]])
    p = np.array([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])
    loss = nn.cross_entropy(z, p)
    soft = np.exp(z.data) / np.exp(z.data).sum(1, keepdims=True)
    np.testing.assert_allclose(loss.data, -(p * np.log(soft)).sum(1).mean(), rtol=1e-14)
    loss.backward()
    np.testing.assert_allclose(z.grad, (soft - p) / 2.0, rtol=1e-13)
    assert nn.cross_entropy(z, np.eye(3)[[2, 1]]).data == pytest.approx(nn.cross_entropy(z, [2, 1]).data, rel=1e-14)
    for wrong in (2.0 * p, -p):
        with pytest.raises(nn.SettingError, match="probabilit"):
            nn.cross_entropy(z, wrong)
