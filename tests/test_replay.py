"""Replay: the same buffers again and again, and the numbers of the engine every time."""

from __future__ import annotations

import itertools
import random
import re
from functools import partial
from typing import Any

import numpy as np
import pytest
from threads import at_once

import autograd_mini
from autograd_mini import Tensor, Value, ops, products
from autograd_mini.node import leaf
from autograd_mini.programs.arrays.replay import Replay

Recipe = list[tuple[Any, list[int]]]

STEPS: list[Any] = [
    lambda x, y: x + y,
    lambda x, y: x * y,
    lambda x, y: x - y,
    lambda x, y: x / (1.5 + y * y),
    lambda x, y: ops.maximum(x, y),
    lambda x, y: ops.squared_loss(x, y),
    lambda x, y: x @ y,
    lambda x, y: ops.affine(x, y, y[0]),
    lambda x, y: x * ops.step(y),
    lambda x, y: ops.relu(x) * 0.5,
    lambda x, y: ops.tanh(x),
    lambda x, y: ops.sigmoid(x) + ops.step(x),
    lambda x, y: ops.softmax(x),
    lambda x, y: ops.softmax(x, 0),
    lambda x, y: x + ops.softmax_loss(x, y),
    lambda x, y: x.T,
    lambda x, y: x.T @ y,
    lambda x, y: ops.transpose(x, (1, 0)) + x,
    lambda x, y: x - x.mean(0),
    lambda x, y: x * y[0] + y[:, :1],
    lambda x, y: x.reshape(-1).reshape(x.shape),
    lambda x, y: ops.flip(x, 0) + y.sum(),
    lambda x, y: x * y.mean(),
    lambda x, y: -x,
    lambda x, y: ops.where(ops.greater(x, y), x, 2.0 * y),
    lambda x, y: ops.exp(-ops.square(x)),
    lambda x, y: ops.concatenate([x[:1], y[1:]]),
]


def recipe(seed: int, size: int = 14) -> Recipe:
    rng = random.Random(seed)
    return [(rng.choice(STEPS), [rng.randrange(99), rng.randrange(99)]) for _ in range(size)]


def follow(steps: Recipe, leaves: list[Any]) -> Any:
    nodes = list(leaves)
    for step, picks in steps:
        nodes.append(step(*(nodes[-1 - p % len(nodes)] if p % 3 else nodes[-1] for p in picks)))
    return sum((k + 1.0) * x.mean() for k, x in enumerate(nodes[-5:]))


def data_of(seed: int, dtype: Any) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(3, 3)).astype(dtype) for _ in range(3)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_replay_is_the_engine_however_often_its_buffers_are_written_over(dtype: Any) -> None:
    for seed in range(150):
        leaves = [Tensor(a) for a in data_of(seed, dtype)]
        root = follow(recipe(seed), leaves)
        replay = Replay([root], leaf(1.0), leaves, leaves)
        for again in range(3):
            data = data_of(1000 * seed + again, dtype)
            value, *gradients = replay(*data)
            fresh = [Tensor(a) for a in data]
            expected = follow(recipe(seed), fresh)
            expected.backward()
            tolerance = 1e-11 if dtype is np.float64 else 2e-4
            np.testing.assert_allclose(value, expected.data, rtol=tolerance, atol=tolerance, err_msg=replay.source)
            for g, x in zip(gradients, fresh):
                scale = tolerance * (1.0 + np.abs(x.grad).max())
                np.testing.assert_allclose(g, x.grad, rtol=tolerance, atol=scale, err_msg=replay.source)
                assert g.dtype == dtype


def network(rng: Any, dtype: Any = np.float64) -> tuple[list[Any], Any, Any]:
    sizes = [5, 40, 33, 4]
    params = [
        Tensor(a.astype(dtype))
        for m, n in itertools.pairwise(sizes)
        for a in (rng.normal(size=(n, m)) / m**0.5, rng.normal(size=n))
    ]
    return params, Tensor(rng.normal(size=(9, 5)).astype(dtype)), Tensor(np.eye(4, dtype=dtype)[rng.integers(0, 4, 9)])


def losses(params: list[Any], x: Any, y: Any) -> Any:
    for W, b in zip(params[:-2:2], params[1:-2:2]):
        x = ops.relu(ops.affine(x, W, b))
    return ops.softmax_loss(ops.affine(x, *params[-2:]), y)


def test_a_networks_gradients_are_the_engines_and_land_where_they_were_asked_for() -> None:
    rng = np.random.default_rng(0)
    params, x, y = network(rng)
    root = losses(params, x, y)
    seed = np.full((9, 1), 1.0 / 9.0)
    into = [np.full_like(p.data, np.nan) for p in params]
    replay = Replay([root], leaf(seed), [x, y, *params], params, into)
    root.backward(seed)
    for _ in range(2):
        value, *gradients = replay(x.data, y.data, *(p.data for p in params))
        np.testing.assert_array_equal(value, root.data)
        for g, array, p in zip(gradients, into, params):
            assert g is array
            np.testing.assert_allclose(g, p.grad, rtol=1e-13, atol=1e-16)


def test_nothing_is_computed_twice_and_no_buffer_is_needed_twice() -> None:
    params, x, y = network(np.random.default_rng(0))
    replay = Replay([losses(params, x, y)], leaf(np.ones((9, 1))), [x, y, *params], params)
    source = replay.source
    assert source.count("np_exp(") == 1
    assert source.count("np_maximum(") == 2
    assert len(set(re.findall(r"buffer_\d+", source))) <= 19  # seven of them the results, three with a number a row


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "column", [[[0.25]] * 3, [[0.1]] * 3, [[0.25], [0.25], [0.5]], [[0.0], [-0.0], [0.0]], [[np.nan]] * 3]
)
def test_a_constant_column_of_one_number_multiplies_as_that_number(column: list[list[float]], dtype: Any) -> None:
    x, c = Tensor(np.array([[1.0, -2.0], [3.0, 4.0], [5.0, 6.0]], dtype)), np.array(column, dtype)
    replay = Replay([c * x], leaf(np.ones((3, 2), dtype)), [x], [x])
    alike = c[0, 0] != 0.0 and bool(np.all(c == c[0, 0]))
    assert ("np_multiply(constant_" in replay.source) != alike
    value, gradient = replay(x.data)
    assert value.dtype == gradient.dtype == dtype
    np.testing.assert_array_equal(value, c * x.data)
    np.testing.assert_array_equal(np.signbit(value), np.signbit(c * x.data))
    np.testing.assert_array_equal(gradient, np.broadcast_to(c, (3, 2)))


def test_what_no_variable_changes_is_computed_once() -> None:
    x, c = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    root = (x * ops.exp(c)).sum()
    replay = Replay([root], leaf(1.0), [x], [x])
    assert "exp" not in replay.source
    np.testing.assert_allclose(replay(np.array([1.0, 1.0]))[0], np.exp([3.0, 4.0]).sum())


def test_a_result_may_be_a_variable_a_constant_or_the_same_as_another() -> None:
    x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    seed = Tensor([1.0, 1.0])
    value, gx, gy = Replay([x + y], seed, [x, y, seed], [x, y])(*map(np.array, ([1.0, 1.0], [2.0, 2.0], [5.0, 6.0])))
    assert [a.tolist() for a in (value, gx, gy)] == [[3.0, 3.0], [5.0, 6.0], [5.0, 6.0]]
    into = [np.zeros(2), np.zeros(2)]
    Replay([x + y], seed, [x, y, seed], [x, y], into)(*map(np.array, ([1.0, 1.0], [2.0, 2.0], [5.0, 6.0])))
    assert [a.tolist() for a in into] == [[5.0, 6.0], [5.0, 6.0]]
    value, g = Replay([x * 2.0], seed, [x], [y])(np.array([1.0, 1.0]))
    assert (value.tolist(), g.tolist()) == ([2.0, 2.0], [0.0, 0.0])


def test_scalars_among_arrays_stay_scalars() -> None:
    x, a = Tensor(np.arange(6.0).reshape(2, 3)), Value(2.0)
    root = (x * a).sum() / (1.0 + a * a) + x.mean().tanh()
    for entry in (2.0, -0.5):
        value, gx, ga = Replay([root], leaf(1.0), [x, a], [x, a])(x.data, entry)
        fresh = Value(entry)
        again = (x * fresh).sum() / (1.0 + fresh * fresh) + x.mean().tanh()
        autograd_mini.zero_grad(x)
        again.backward()
        assert (value, ga) == pytest.approx((again.data, fresh.grad), rel=1e-15)
        np.testing.assert_allclose(gx, x.grad, rtol=1e-15)


def test_a_program_of_arrays_gives_results_of_its_own_to_every_thread() -> None:
    params, x, y = network(np.random.default_rng(0))
    program = autograd_mini.compile(losses(params, x, y).mean(), [x])
    inputs = [np.random.default_rng(i).normal(size=(9, 5)) for i in range(4)]
    expected = [program(a) for a in inputs]

    def work(i: int) -> None:
        for _ in range(100):
            value, (g,) = program(inputs[i])
            assert value == expected[i][0]
            assert np.array_equal(g, expected[i][1][0])

    at_once(*(partial(work, i) for i in range(4)))


def test_infinite_and_missing_numbers_go_through_as_in_the_engine() -> None:
    rng = np.random.default_rng(0)
    params, x, y = network(rng)
    program = autograd_mini.compile(losses(params, x, y).sum(), [x, *params])
    for bad in (np.nan, np.inf, -np.inf, 1e308):
        data = [x.data.copy(), *(p.data.copy() for p in params)]
        data[0][1, 2] = bad
        value, gradients = program(*data)
        fresh = [Tensor(a) for a in data]
        root = losses(fresh[1:], fresh[0], y).sum()
        root.backward()
        assert np.array_equal(value, root.data, equal_nan=True)
        for g, node in zip(gradients, fresh):
            np.testing.assert_array_equal(np.isnan(g), np.isnan(node.grad))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_layer_is_the_engines_to_the_bit_whether_or_not_its_weights_are_copied(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    for n, wide, high in [(1, 5, 3), (1, 50, 40), (40, 50, 40), (40, 50, 20), (40, 0, 40), (200, 90, 80)]:
        x, b = rng.normal(size=(n, wide)).astype(dtype), rng.normal(size=high).astype(dtype)
        for W in (rng.normal(size=(high, wide)).astype(dtype), rng.normal(size=(wide, high)).astype(dtype).T):
            variables = [leaf(a) for a in (x, W, b)]
            z = ops.affine(*variables)
            replay = Replay([z], leaf(np.ones_like(z.data)), variables, variables[1:])
            assert np.array_equal(replay(x, W, b)[0], z.data)
            np.testing.assert_allclose(z.data, x @ W.T + b, rtol=0.0, atol=1e3 * np.finfo(dtype).eps)


def test_sigmoids_of_both_signs_have_the_engines_bits() -> None:
    edges = [0.0, -0.0, 5e-324, 36.8, 745.2, 1e308, np.inf, np.nan]
    x = leaf(np.array([*edges, *(-e for e in edges), *np.random.default_rng(0).normal(scale=9.0, size=500)]))
    both = [ops.sigmoid(x), ops.sigmoid(-x)]
    replay = Replay(both, leaf(np.ones(x.shape)), [x], [x])
    assert replay.source.count("np_exp") == 1
    for found, y in zip(replay(x.data), both):
        assert np.array_equal(found, y.data, equal_nan=True)


def two_products(n: int, k: int, m: int, dtype: Any) -> tuple[Replay, list[Any], list[Any]]:
    """Return the replay of x V W with its gradients, its inputs, and what it has to return, of float64."""
    rng = np.random.default_rng(n)
    x, V, W = (rng.standard_normal(shape).astype(dtype) for shape in ((n, k), (k, m), (m, k)))
    leaves = [leaf(a) for a in (x, V, W)]
    seed = rng.standard_normal((n, k)).astype(dtype)
    replay = Replay([ops.matmul(ops.matmul(leaves[0], leaves[1]), leaves[2])], leaf(seed), leaves, leaves)
    xd, Vd, Wd, g = (a.astype(np.float64) for a in (x, V, W, seed))
    return replay, [x, V, W], [xd @ Vd @ Wd, g @ (Vd @ Wd).T, xd.T @ g @ Wd.T, (xd @ Vd).T @ g]


@pytest.mark.parametrize("kernels", [True, False], ids=["small kernels", "none"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("sizes", [(201, 100, 64), (1001, 30, 100), (150, 100, 128), (7, 30, 20), (3000, 500, 3)])
def test_large_products_may_be_made_in_parts(
    sizes: tuple[int, int, int], dtype: Any, kernels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "has_kernels", lambda: kernels)
    products.rows_at_once.cache_clear()
    replay, inputs, expected = two_products(*sizes, dtype)
    assert ("product(" in replay.source) == (sizes[0] > 100)
    for found, right in zip(replay(*inputs), expected, strict=True):
        assert np.allclose(found, right, rtol=0.0, atol=100.0 * np.finfo(dtype).eps * np.abs(right).max())
    products.rows_at_once.cache_clear()
