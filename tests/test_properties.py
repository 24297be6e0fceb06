"""Random expression graphs over the table: whatever is composed, the chain rule holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from table_cases import ROWS, close, direction, node, replay
from torch_rows import torch_rows

from autograd_mini import Node, grad, jvp, ops
from autograd_mini.op import Elementwise, Flat, contribution
from autograd_mini.sweep import order, sweep

pytestmark = pytest.mark.filterwarnings("error")

ELEMENTWISE = [row for row in ROWS if isinstance(row, Elementwise) and not isinstance(row, Flat)]
ANALYTIC = [row for row in ELEMENTWISE if row.analytic and row.rule(0)]
KINKED = [row for row in ELEMENTWISE if row.rule(0)]
WHOLE: list[Callable[[Any], Any]] = [
    lambda x: ops.softmax(x, -1),
    lambda x: ops.log_softmax(x, -1),
    lambda x: ops.logsumexp(x, -1, True),
    lambda x: ops.cumsum(x, -1),
    lambda x: ops.flip(x, -1),
    lambda x: ops.prod(x, -1, True),
    lambda x: ops.var(x, -1, 0.0, True),
    lambda x: x[..., [0, 0]].sum(-1, keepdims=True),
    lambda x: ops.expand_dims(ops.einsum("...i,...i->...", x, x), -1) + x.sum(),  # any two broadcast, as all do here
]

SHAPES = [(), (1,), (3,), (2, 1), (2, 3)]  # any two broadcast
Step = tuple[Any, list[int]]


def numbers() -> st.SearchStrategy[Any]:
    """Return a strategy for leaves: floats and small arrays, with zeros and repeated entries among them."""
    entries = st.one_of(st.floats(-3.0, 3.0, allow_subnormal=False), st.sampled_from([0.0, 1.0, -1.0]))
    array = st.sampled_from(SHAPES[1:]).flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=entries))
    return st.lists(st.one_of(entries, array), min_size=1, max_size=3)


def steps(rows: list[Any]) -> st.SearchStrategy[list[Step]]:
    """Return a strategy for recipes: which row, or which function of a whole array, on which of the nodes so far."""
    what = st.one_of(st.sampled_from(rows), st.sampled_from(rows), st.sampled_from(WHOLE))
    return st.lists(st.tuples(what, st.lists(st.integers(0, 9), min_size=3, max_size=3)), min_size=1, max_size=8)


def into(interval: tuple[float, float], x: Any) -> Any:
    """Return x squeezed smoothly into an interval."""
    low, high = interval
    return 0.5 * (low + high) + 0.5 * (high - low) * ops.tanh(x)


def build(recipe: list[Step], leaves: Any) -> Any:
    """Follow a recipe from leaves to a scalar; whatever was computed on the way counts, and nodes are used again."""
    nodes = list(leaves)
    for what, picks in recipe:
        xs = [nodes[p % len(nodes)] for p in picks]
        if isinstance(what, Elementwise):
            nodes.append(what(*(into(what.domain[i], x) for i, x in zip(range(len(what.params)), xs))))
        elif ops.shape(xs[0]):
            nodes.append(what(ops.tanh(xs[0])))
    return sum(float(k + 1) * ops.sum(x) for k, x in enumerate(nodes[1:])) + ops.sum(nodes[0] * 0.5)


def recorded(recipe: list[Step], data: list[Any]) -> tuple[Node, list[Node]]:
    leaves = [node(x) for x in data]
    return build(recipe, leaves), leaves


@given(steps(ANALYTIC), numbers())
def test_gradients_of_analytic_graphs_are_those_of_the_complex_step(recipe: list[Step], data: list[Any]) -> None:
    root, leaves = recorded(recipe, data)
    root.backward()
    for x in leaves:
        v = direction(x.shape, 3)
        given = {y: np.asarray(y._data, complex) for y in leaves} | {x: x._data + 1e-30j * np.asarray(v)}
        measured = replay(root, given, lambda row: row.array).imag / 1e-30
        scale = np.sum(np.abs(x.grad * v)) + 1.0
        close(np.sum(x.grad * v), measured, "complex step", 1e-9, scale)


@given(steps(KINKED), numbers())
def test_gradients_of_graphs_with_kinks_and_ties_are_torch_s(recipe: list[Step], data: list[Any]) -> None:
    torch = pytest.importorskip("torch")
    table = torch_rows(torch)
    root, leaves = recorded(recipe, data)
    root.backward()
    theirs = {x: torch.tensor(x._data, dtype=torch.float64, requires_grad=True) for x in leaves}

    def compute(row: Any) -> Any:
        function = table[row.name]
        to_tensor = isinstance(row, Elementwise)
        return lambda *args: function(*(torch.as_tensor(a, dtype=torch.float64) if to_tensor else a for a in args))

    z = replay(root, theirs, compute)
    close(root._data, z.item(), "value", 1e-10)
    gradients = torch.autograd.grad(z, list(theirs.values()), allow_unused=True)
    for x, g in zip(leaves, gradients):
        expected = np.zeros(x.shape) if g is None else g.numpy(force=True)
        close(x.grad, expected, "gradient", 1e-9, 1.0 + np.max(np.abs(expected)))


@given(steps(KINKED), numbers(), st.floats(-3.0, 3.0), st.floats(-3.0, 3.0))
def test_gradients_are_linear_in_the_seed(recipe: list[Step], data: list[Any], a: float, b: float) -> None:
    found = []
    for seed in (a, b, 2.0 * a - b):
        root, leaves = recorded(recipe, data)
        root.backward(seed)
        found.append([x.grad for x in leaves])
    for one, two, both in zip(*found):
        scale = np.max(np.abs(one)) + np.max(np.abs(two)) + 1.0
        close(both, 2.0 * np.asarray(one) - two, "linear", 1e-12, scale)


@given(steps(KINKED), numbers())
def test_a_gradient_is_the_sum_of_the_contributions_along_its_edges(recipe: list[Step], data: list[Any]) -> None:
    root, _ = recorded(recipe, data)
    nodes = order(root)
    upstream = dict(zip(nodes, sweep(nodes, {root: 1.0})))
    total = dict.fromkeys(nodes, 0.0) | {root: 1.0}
    for user in nodes:
        for i, x in enumerate(user.args):
            if isinstance(x, Node) and upstream[user] is not None and user.op.rule(i):
                total[x] = total[x] + contribution(user, i, upstream[user])
    root.backward()
    for x in nodes:
        close(
            np.asarray(x.grad),
            np.broadcast_to(total[x], x.shape),
            "sum over edges",
            1e-13,
            1.0 + np.max(np.abs(x.grad)),
        )


@given(steps(KINKED), numbers())
def test_transforms_and_forward_mode_give_what_backward_gives(recipe: list[Step], data: list[Any]) -> None:
    root, leaves = recorded(recipe, data)
    root.backward()
    which = tuple(range(len(data)))

    def f(*xs: Any) -> Any:
        return build(recipe, xs)

    for g, x in zip(grad(f, which)(*data), leaves):
        np.testing.assert_array_equal(g, x.grad)
    tangents = tuple(direction(x.shape, 5) for x in leaves)
    slope = sum(float(np.sum(x.grad * v)) for x, v in zip(leaves, tangents))
    scale = sum(float(np.sum(np.abs(x.grad * v))) for x, v in zip(leaves, tangents)) + 1.0
    close(jvp(f, tuple(data), tangents)[1], slope, "forward mode", 1e-11, scale)


@given(steps(ANALYTIC), numbers())
def test_hessians_are_symmetric(recipe: list[Step], data: list[Any]) -> None:
    def slope(v: Any) -> Callable[[Any], Any]:
        return lambda x: ops.sum(grad(lambda x: build(recipe, [x, *data[1:]]))(x) * v)

    x = data[0]
    u, v = (np.asarray(direction(np.shape(x), salt)) for salt in (1, 2))
    one, two = (np.asarray(grad(slope(w))(x)) for w in (u, v))
    scale = np.sum(np.abs(one * v)) + np.sum(np.abs(two * u)) + 1.0
    close(np.sum(one * v), np.sum(two * u), "u H v = v H u", 1e-10, scale)
