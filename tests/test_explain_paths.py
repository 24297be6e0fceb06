"""Explanations path by path: every path is found, counted exactly, and their sum is the gradient of the sweep."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_mini
from autograd_mini import DataError, Node, StaleError, Tensor, Value, ops
from autograd_mini.op import contribution
from autograd_mini.sweep import order
from autograd_mini.text.numbers import many
from autograd_mini.text.paths import LISTED, Paths, find_paths

explain = partial(autograd_mini.explain, names={})  # not after the variables here

pytestmark = pytest.mark.filterwarnings("error")


def paths(root: Node, wrt: Node, gradient: Any = None) -> Paths:
    found = explain(root, gradient, wrt=wrt).paths
    assert found is not None
    return found


def all_paths(root: Node, wrt: Node) -> Iterator[list[tuple[Node, int]]]:
    """Yield every path from the root down to `wrt` by brute force, as (user, position of the argument)."""
    if root is wrt:
        yield []
        return
    for i, arg in enumerate(root.args):
        if isinstance(arg, Node) and root.op is not None and root.op.rule(i) is not None:
            yield from ([(root, i), *rest] for rest in all_paths(arg, wrt))


def product(path: list[tuple[Node, int]]) -> float:
    return math.prod(contribution(user, i, 1.0) for user, i in path)


ROWS = [ops.add, ops.sub, ops.mul, ops.tanh, ops.sin, ops.neg, ops.square, ops.exp, ops.step, ops.maximum, ops.greater]


@st.composite
def graphs(draw: Any) -> tuple[Node, list[Node]]:
    """Draw a graph whose nodes are used again and again, and its leaves."""
    nodes: list[Node] = [Value(draw(st.floats(-1.5, 1.5)), label=name) for name in "xyz"]
    for _ in range(draw(st.integers(1, 10))):
        row = draw(st.sampled_from(ROWS))
        args = [draw(st.one_of(st.sampled_from(nodes), st.sampled_from(nodes[-3:]))) for _ in row.params]
        nodes.append(row(*args).tanh() if row is ops.exp else row(*args))
    return nodes[-1], nodes[:3]


@given(graphs(), st.sampled_from([None, 1.0, -2.5]))
def test_paths_are_those_of_brute_force(graph: tuple[Node, list[Node]], gradient: float | None) -> None:
    root, leaves = graph
    for leaf in [*leaves, root, order(root)[len(order(root)) // 2]]:
        brute = list(all_paths(root, leaf))
        found = paths(root, leaf, gradient)
        assert found.count == len(brute)
        assert len(found.listed) == min(len(brute), LISTED)
        seed = 1.0 if gradient is None else gradient
        largest = sorted((abs(seed * product(path)) for path in brute), reverse=True)[:LISTED]
        np.testing.assert_allclose([abs(p.product) for p in found.listed], largest, rtol=1e-12, atol=1e-300)
        total = sum(seed * product(path) for path in brute)
        np.testing.assert_allclose(found.gradient, total, rtol=1e-9, atol=1e-12)
        assert found.holds


@given(graphs())
def test_the_gradient_is_the_engines_and_each_path_is_a_walk_in_the_record(graph: tuple[Node, list[Node]]) -> None:
    root, leaves = graph
    leaf = leaves[0]
    explanation = explain(root, wrt=leaf)
    found = explanation.paths
    assert found is not None
    root.backward()
    assert found.gradient == leaf.grad
    by_name = {name: node for node, name in explanation.names.items()}
    for path in found.listed:
        nodes = [by_name[name] for name in path.names]
        assert (nodes[0], nodes[-1]) == (leaf, root)
        for (arg, user), i, factor in zip(itertools.pairwise(nodes), path.positions, path.factors):
            assert user.args[i] is arg
            assert factor == contribution(user, i, 1.0)
        assert path.product == pytest.approx(math.prod(f for f in path.factors if f is not None), rel=1e-12)
    assert len({(path.names, path.positions) for path in found.listed}) == len(found.listed), "no path twice"


def test_the_sum_of_paths_is_the_derivative_by_differences() -> None:
    def f(x: Any) -> Any:
        return (x * 0.7).tanh() * x + ops.exp(x * x * 0.1) - x / (x + 3.0)

    x = Value(0.8, label="x")
    found = paths(f(x), x)
    h = 1e-6
    slope = (f(Value(0.8 + h)).data - f(Value(0.8 - h)).data) / (2.0 * h)
    assert sum(p.product for p in found.listed) == pytest.approx(slope, rel=1e-8)
    assert found.rest is None


def test_an_independent_engine_gives_the_same_sum() -> None:
    autograd = pytest.importorskip("autograd")
    anp = pytest.importorskip("autograd.numpy")

    def f(x: Any, tanh: Any) -> Any:
        h = tanh(x * 0.5)
        return h * h * x + h

    x = Value(1.3, label="x")
    found = paths(f(x, ops.tanh), x)
    slope = autograd.grad(lambda t: f(t, anp.tanh))(1.3)
    assert sum(p.product for p in found.listed) == pytest.approx(slope, rel=1e-13)


# Exponentially many ---------------------------------------------------------------------------------------------------


def doubled(times: int) -> tuple[Node, Node]:
    leaf: Node = Value(1.5, label="x")
    node = leaf
    for _ in range(times):
        node = node + node
    return node, leaf


def test_2_to_the_60_paths_are_counted_exactly() -> None:
    root, leaf = doubled(60)
    found = paths(root, leaf)
    assert found.count == 2**60
    assert len(found.listed) == LISTED
    assert found.gradient == 2.0**60
    assert found.rest == 2.0**60 - LISTED
    printed = str(explain(root, wrt=leaf))
    assert "1,152,921,504,606,846,976 paths from x to L" in printed
    assert "1,152,921,504,606,846,966 more" in printed
    assert "as the sweep gives" in printed


def test_a_number_of_paths_that_no_float_holds() -> None:
    root, leaf = doubled(3000)
    found = paths(root, leaf)
    assert found.count == 2**3000
    assert found.gradient == math.inf
    assert "about 10^903 paths" in str(explain(root, wrt=leaf))
    assert (many(10**30 - 1)[-4:], many(10**30)) == (",999", "about 10^30")


def test_the_largest_are_found_among_exponentially_many() -> None:
    """Each step goes one of two ways, with the slopes 2 and 3: the largest products are those with the most threes."""
    x: Node = Value(1.0, label="x")
    node = x
    for _ in range(40):
        node = node * 2.0 + node * 3.0
    found = paths(node, x)
    assert found.count == 2**40
    expected = [3.0**40, *[3.0**39 * 2.0] * (LISTED - 1)]
    np.testing.assert_allclose([p.product for p in found.listed], expected, rtol=1e-12)


def test_a_node_that_is_used_30000_times_takes_linear_time() -> None:
    x = Value(2.0, label="x")
    found = paths(ops.add_n(*[x] * 30_000), x)
    assert (found.count, found.gradient, len(found.listed)) == (30_000, 30_000.0, LISTED)


def test_a_chain_of_20000_nodes_has_one_path() -> None:
    x: Node = Value(1.0, label="x")
    node = x
    for _ in range(20_000):
        node = -node
    nodes = order(node)
    found = find_paths(nodes, x, 1.0, 1.0, dict.fromkeys(nodes, ""))
    assert (found.count, found.listed[0].product, len(found.listed[0].factors)) == (1, 1.0, 20_000)


# Where nothing flows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flat", [ops.step, ops.sign, ops.floor, ops.round])
def test_no_path_leads_through_a_flat_op(flat: Any) -> None:
    x = Value(0.3, label="x")
    found = paths(flat(x * 2.0) * 3.0, x)
    assert (found.count, found.listed, found.gradient, found.holds) == (0, (), 0.0, True)
    both = paths(flat(x) * x, x)
    assert (both.count, both.gradient) == (1, flat(0.3))
    assert "no path from x to L" in str(explain(flat(x), wrt=x))


def test_a_node_that_is_not_in_the_graph_has_no_path() -> None:
    x, other = Value(0.3, label="x"), Value(1.0, label="other")
    explanation = explain(x * x, wrt=other)
    assert explanation.gradients == {"other": 0.0}
    assert "no path from other to L" in str(explanation)


def test_the_root_is_one_path_to_itself() -> None:
    x = Value(3.0, label="x")
    y = x * x
    found = paths(y, y, -2.0)
    assert [(p.names, p.factors, p.product) for p in found.listed] == [(("L",), (), -2.0)]
    assert found.gradient == -2.0
    assert "L     dL/dL = -2" in str(explain(y, -2.0, wrt=y))


# Which steps are kept -------------------------------------------------------------------------------------------------


def test_only_the_steps_on_paths_are_kept_and_their_totals_add_up() -> None:
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    h = x * y
    root = h + y.sin() + x.step()
    explanation = explain(root, wrt=x)
    assert [step.node for step in explanation] == [root, root.args[0], h, x]
    assert {c.argument for step in explanation for c in step.contributions} == {"v3", "v1", "x"}
    assert all(c.complete for step in explanation for c in step.contributions)
    assert explanation.gradients == {"x": 3.0}


def test_a_node_between_may_be_asked_for() -> None:
    x = Value(2.0, label="x")
    h = x * x
    root = h * h + h
    explanation = explain(root, wrt=h, names={h: "h"})
    assert explanation.gradients == {"h": 9.0}
    assert [p.product for p in explanation.paths.listed] == [4.0, 4.0, 1.0]  # type: ignore[union-attr]
    assert "3 paths from h to L" in str(explanation)


def test_products_with_nan_and_infinity_are_listed_first() -> None:
    x = Value(0.0, label="x")
    root = x.log() * 1.0 + x * 5.0 + x * math.nan
    products = {str(p.product) for p in paths(root, x).listed[:2]}
    assert products == {"inf", "nan"}


# Arrays ---------------------------------------------------------------------------------------------------------------


def test_between_arrays_a_path_carries_a_vjp() -> None:
    W, v, b = Tensor([[1.0, 2.0], [3.0, 4.0]], label="W"), Tensor([0.5, -1.0], label="v"), Value(2.0, label="b")
    h = (W @ v + b).tanh()
    root = (h * h).sum() + v.sum()
    for leaf, count in ((W, 2), (v, 3), (b, 2)):
        found = paths(root, leaf)
        assert found.count == count
        assert found.holds
        np.testing.assert_allclose(sum(p.product for p in found.listed), found.gradient, rtol=1e-13)
        assert all(np.shape(p.product) == leaf.shape for p in found.listed)
        assert any(f is None for p in found.listed for f in p.factors)
    root.backward()
    np.testing.assert_array_equal(paths(root, v).gradient, v.grad)


def test_exponentially_many_paths_between_arrays() -> None:
    v: Node = Tensor([1.0, 2.0], label="v")
    node = v
    for _ in range(60):
        node = node + node
    found = paths(node.sum(), v)
    assert found.count == 2**60
    np.testing.assert_array_equal(found.rest, np.full(2, 2.0**60 - LISTED))
    assert "by the sweep" in str(explain(node.sum(), wrt=v))


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrt", ["x", 1.0, [Value(1.0)]])
def test_wrt_is_a_node(wrt: Any) -> None:
    with pytest.raises(DataError, match="wrt is a Value or Tensor"):
        explain(Value(1.0) * 2.0, wrt=wrt)


def test_paths_are_those_of_what_was_recorded() -> None:
    x = Value(2.0, label="x")
    y = x * x
    x.data = 3.0
    assert explain(y, wrt=x).paths.total == 4.0
    for _ in range(4):
        x.data = (x + 1.0).data
    with pytest.raises(StaleError):
        explain(y, wrt=x)


def test_a_sum_that_is_not_the_gradient_would_be_told() -> None:
    x = Value(2.0, label="x")
    found = paths(x.sin() * x, x)
    wrong = Paths(**{**vars(found), "gradient": found.gradient * 1.001})
    assert not wrong.holds
    told = replace(explain(x.sin() * x, wrt=x), paths=wrong)
    assert ", but the sweep gives" in str(told)


@pytest.mark.parametrize("data", [math.nan, math.inf, -math.inf])
def test_sums_that_are_not_finite_hold_without_a_warning(data: float) -> None:
    x, y = Value(data, label="x"), Value(1.0, label="y")
    assert "as the sweep gives" in str(explain(x * y + y, wrt=y))
