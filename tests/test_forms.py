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


def test_the_gradient_alone_comes_with_what_stands_beside_the_value_too() -> None:
    f = lambda x: (x * x, {"twice": 2.0 * x})
    assert am.grad(f, has_aux=True)(3.0) == (6.0, {"twice": 6.0})
    assert am.grad(lambda x: am.grad(f, has_aux=True)(x)[0])(3.0) == 2.0


def test_a_registered_class_is_an_argument_and_its_gradient_of_that_class() -> None:
    class Interval:
        def __init__(self, low: Any, high: Any) -> None:
            self.low, self.high = low, high

    am_tree.register(Interval, lambda it: ([("low", it.low), ("high", it.high)], lambda parts: Interval(*parts)))
    value, gradient = am.value_and_grad(lambda it: it.high**2 - 3.0 * it.low)(Interval(1.0, 5.0))
    assert (value, type(gradient), gradient.low, gradient.high) == (22.0, Interval, -3.0, 10.0)
    nested = am.grad(lambda d: d["a"][0].low * d["a"][0].high)({"a": [Interval(2.0, np.array(4.0))]})
    assert (nested["a"][0].low, nested["a"][0].high) == (4.0, 2.0)


# Static arguments ----------------------------------------------------------------------------------------------------


def test_static_arguments_reach_the_function_as_they_are() -> None:
    seen: list[Any] = []

    @am.compile(static=["n", "mode"])
    def f(x: Any, n: int, mode: str = "sin", w: float = 2.0) -> Any:
        seen.append((n, mode))
        return getattr(ops, mode)(w * x) ** n

    for mode, function, slope in [("sin", np.sin, np.cos), ("exp", np.exp, np.exp)]:
        for n in (1, 2, 3):
            for _ in range(2):
                value, (dx, dw) = f(0.5, n, mode=mode, w=3.0)
                assert value == pytest.approx(function(1.5) ** n)
                assert (dx, dw) == pytest.approx(
                    tuple(n * function(1.5) ** (n - 1) * slope(1.5) * k for k in (3.0, 0.5))
                )
    assert seen == [(n, mode) for mode in ("sin", "exp") for n in (1, 2, 3)]
    assert f.program(0.5, 2).inputs == f.program(0.7, n=2).inputs
    assert f(0.5, 1)[0] != f(0.5, True, "exp")[0]


def test_methods_have_static_arguments_and_keep_their_programs() -> None:
    class Curve:
        calls = 0

        @am.compile(static=["n"])
        def at(self, x: Any, n: int) -> Any:
            self.calls += 1
            return x**n

    curve = Curve()
    assert [curve.at(2.0, n) for n in (2, 3, 2)] == [(4.0, (4.0,)), (8.0, (12.0,)), (4.0, (4.0,))]
    assert curve.calls == 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: am.compile(lambda x: x, static=["y"]), "among x; got 'y'"),
        (lambda: am.compile(lambda x: x, static="x"), "a list of names"),
        (lambda: am.compile(lambda *x: x[0], static=["x"]), "names; "),
        (lambda: am.compile(lambda x, n: x, static=["n"])(1.0, [2]), "hashable"),
        (lambda: am.compile(lambda x, n: x, static=["n"])(1.0), "missing a required argument"),
    ],
)
def test_static_arguments_that_cannot_be_are_named(call: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        call()


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
