"""A cotangent, a tangent or a vector may itself be a node: every product is linear in it, and says so when recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from table_cases import ROWS, close, differentiable, direction, fewer, inner
from tables import each

from autograd_mini import Tensor, Value, grad, hvp, jvp, ops, vjp
from autograd_mini.op import Op

pytestmark = pytest.mark.filterwarnings("error")

each_row = each(ROWS)


def products(row: Op, args: Any, i: int) -> list[tuple[str, Callable[[Any], Any], Any]]:
    """Return (name, product as a function of the seed, seed) of a row in its i-th argument."""

    def f(x: Any) -> Any:
        return row(*args[:i], x, *args[i + 1 :])

    value, pull_back = vjp(f, args[i])
    seed, tangent = direction(np.shape(value), 1), direction(np.shape(args[i]), 2)
    return [
        ("vjp made before", lambda u: pull_back(u)[0], seed),
        ("vjp made inside", lambda u: vjp(f, args[i])[1](u)[0], seed),
        ("jvp", lambda v: jvp(f, (args[i],), (v,))[1], tangent),
    ]


@each_row
def test_every_product_is_linear_in_a_recorded_seed(row: Op) -> None:
    for args in fewer(row):
        for i in differentiable(row, args):
            for name, product, seed in products(row, args, i):
                plain = product(seed)
                w = direction(np.shape(plain), 3)
                what = f"{row.name}, argument {i}, {name}"
                along = grad(lambda s, p=product, u=seed, w=w: inner(p(s * u), w))(1.0)
                assert isinstance(along, float)
                close(along, inner(plain, w), what, 1e-11)
                leaf = Tensor(seed) if np.shape(seed) else Value(seed)
                recorded = product(leaf)
                close(getattr(recorded, "_data", recorded), plain, what, 1e-14)


def test_the_three_products_of_a_number() -> None:
    assert grad(lambda w: vjp(lambda x: x * x, 3.0)[1](w)[0])(1.0) == 6.0
    assert grad(lambda v: hvp(lambda x: x**3)(2.0, v))(1.0) == 12.0
    assert jvp(lambda z: jvp(ops.mean, (z,), (z,))[1], (np.arange(2.0),), (np.ones(2),)) == (0.5, 1.0)


def test_a_seed_of_several_branches_is_recorded_where_one_of_them_is() -> None:
    def f(p: Any) -> Any:
        return {"a": 2.0 * p["a"] * p["b"], "b": p["a"] ** 2}

    p = {"a": 3.0, "b": np.array([1.0, 2.0])}

    def pulled(s: Any) -> Any:
        g = vjp(f, p)[1]({"b": s, "a": np.array([1.0, -1.0])})[0]
        return g["a"] + g["b"].sum()

    assert grad(pulled)(0.5) == 6.0
    moved = grad(lambda s: jvp(f, (p,), ({"b": np.ones(2), "a": s},))[1]["b"])(5.0)
    assert moved == 6.0


def test_seeds_given_as_dicts_belong_to_their_keys() -> None:
    def f(p: Any) -> Any:
        return {"a": 2.0 * p["a"], "b": 3.0 * p["b"][0]}

    p, seed = {"a": 1.0, "b": [1.0]}, {"b": 0.0, "a": 1.0}
    assert vjp(f, p)[1](seed) == ({"a": 2.0, "b": [0.0]},)
    assert jvp(f, (p,), ({"b": [0.0], "a": 1.0},))[1] == {"a": 2.0, "b": 0.0}
    assert hvp(lambda p: p["a"] ** 2 + 3.0 * p["b"][0] ** 2)(p, {"b": [0.0], "a": 1.0}) == {"a": 2.0, "b": [0.0]}


def test_a_rule_that_divides_by_a_plain_zero_answers_a_recorded_seed_as_ieee_says() -> None:
    for f, x in ((ops.log, 0.0), (lambda x: 1.0 / x, 0.0), (ops.sqrt, 0.0), (lambda x: x**-3.0, 1e-200)):
        plain = vjp(f, x)[1](1.0)[0]
        assert vjp(f, x)[1](Value(1.0))[0]._data == plain
        assert grad(lambda s, f=f, x=x: vjp(f, x)[1](s)[0])(1.0) == plain
