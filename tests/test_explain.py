"""Explanations: the steps are those of the sweep, their sums are the gradients, and the text can be read."""

from __future__ import annotations

import itertools
import re
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_cases import ROWS, called, cases, close, differentiable, direction
from tables import each

import autograd_mini
from autograd_mini import DataError, Node, ShapeError, StaleError, Tensor, Value, no_grad, ops
from autograd_mini.op import Elementwise, Op
from autograd_mini.sweep import order, sweep
from autograd_mini.text.derivative import local_derivative
from autograd_mini.text.explanation import Explanation
from autograd_mini.text.numbers import shown
from autograd_mini.text.steps import Contribution

explain = partial(autograd_mini.explain, names={})  # not after the variables here

pytestmark = pytest.mark.filterwarnings("error")

WIDEST = 200  # characters of a line, whatever is explained


def neuron() -> Node:
    values = {"x1": 2.0, "x2": 0.0, "w1": -3.0, "w2": 1.0, "b": 6.881373587019543}
    x1, x2, w1, w2, b = (Value(v, label=name) for name, v in values.items())
    return (w1 * x1 + w2 * x2 + b).tanh()


NEURON = """\
L = tanh(v4) = 0.7071067811865476

1   L = tanh(v4) = 0.707107      dL/dL = 1
      dL/dv4 = 1 - L * L = 0.5   1 * 0.5 = 0.5     dL/dv4 = 0.5

2   v4 = v3 + b = 0.881374       dL/dv4 = 0.5
      dv4/dv3 = 1                0.5 * 1 = 0.5     dL/dv3 = 0.5
      dv4/db = 1                 0.5 * 1 = 0.5     dL/db = 0.5

3   v3 = v1 + v2 = -6            dL/dv3 = 0.5
      dv3/dv1 = 1                0.5 * 1 = 0.5     dL/dv1 = 0.5
      dv3/dv2 = 1                0.5 * 1 = 0.5     dL/dv2 = 0.5

4   v2 = w2 * x2 = 0             dL/dv2 = 0.5
      dv2/dw2 = x2 = 0           0.5 * 0 = 0       dL/dw2 = 0
      dv2/dx2 = w2 = 1           0.5 * 1 = 0.5     dL/dx2 = 0.5

5   v1 = w1 * x1 = -6            dL/dv1 = 0.5
      dv1/dw1 = x1 = 2           0.5 * 2 = 1       dL/dw1 = 1
      dv1/dx1 = w1 = -3          0.5 * -3 = -1.5   dL/dx1 = -1.5

gradients of L
    x1   -1.5
    x2   0.5
    w1   1.0
    w2   0.0
    b    0.5"""


def test_the_neuron_of_the_textbook() -> None:
    explanation = explain(neuron())
    assert str(explanation) == NEURON
    assert explanation.value == 0.7071067811865476
    close(list(explanation.gradients.values()), [-1.5, 0.5, 1.0, 0.0, 0.5], "neuron", 1e-15)


# The steps are the sweep's ------------------------------------------------------------------------------------------

CHOICES = [row for row in ROWS if isinstance(row, Elementwise)]
LEAVES = [st.floats(-3.0, 3.0), st.sampled_from([0.0, 1.0, -1.0])]


@st.composite
def graphs(draw: Any) -> Node:
    """Draw a graph of floats and arrays in which nodes are used again, and some rows let nothing flow back."""
    nodes: list[Node] = [Value(draw(st.one_of(LEAVES))) for _ in range(2)]
    nodes += [Tensor([draw(st.one_of(LEAVES)) for _ in range(3)]), Tensor([[draw(st.one_of(LEAVES))], [0.5]])]
    for _ in range(draw(st.integers(1, 8))):
        row = draw(st.sampled_from(CHOICES))
        xs = [draw(st.sampled_from(nodes)) for _ in row.params]
        nodes.append(row(*(squeezed(row, i, x) for i, x in enumerate(xs))))
    return sum((ops.sum(node) for node in nodes[-3:]), nodes[0])


def squeezed(row: Op, i: int, x: Node) -> Node:
    low, high = row.domain[i]
    return 0.5 * (low + high) + 0.5 * (high - low) * x.tanh()


def check_steps(explanation: Explanation, root: Node, seed: Any) -> None:
    """Assert that the steps are those of a sweep of our own, and that contributions add up to its gradients."""
    nodes = order(root)
    reached = list(zip(nodes, sweep(nodes, {root: seed})))
    assert [step.node for step in explanation] == [node for node, _ in reached]
    sent: dict[Node, list[Contribution]] = {node: [] for node, _ in reached}
    for step, (node, g) in zip(explanation, reached):
        np.testing.assert_array_equal(step.upstream, np.zeros(node.shape) if g is None else g)
        np.testing.assert_array_equal(step.data, node.data)
        came = sent[node]
        assert [c.complete for c in came] == [False] * (len(came) - 1) + [True] * bool(came), "complete"
        if node is not root:
            total = came[-1].after if came else np.zeros(node.shape)
            np.testing.assert_array_equal(step.upstream, total)
            close(sum((c.amount for c in came), np.zeros(node.shape)), np.asarray(total), "sum", 1e-14)
        for before, after in itertools.pairwise(came):
            np.testing.assert_array_equal(before.after, after.before)
        assert not came or came[0].before is None
        for c in step.contributions:
            assert any(c.node is arg for arg in node.args)
            assert c.argument == next(s.name for s in explanation if s.node is c.node)
            assert np.shape(c.amount) == np.shape(c.after) == c.node.shape
            sent[c.node].append(c)


@given(graphs(), st.sampled_from([None, 1.0, -2.5, 0.0, 1e-300]))
def test_the_steps_of_random_graphs_add_up_to_the_gradients_of_backward(root: Node, gradient: float | None) -> None:
    explanation = explain(root, gradient)
    check_steps(explanation, root, 1.0 if gradient is None else gradient)
    assert not any(node.has_grad for node in order(root)), "explain changed a gradient"
    root.backward(gradient)
    for step in explanation:
        np.testing.assert_array_equal(step.upstream, step.node.grad)
    check_layout(str(explanation))


@each(ROWS)
def test_every_row_is_explained(row: Op) -> None:
    for args in cases(row)[:12]:
        z, _ = called(row, args, differentiable(row, args) or list(range(len(args))))
        seed = direction(z.shape, 1)
        explanation = explain(z, seed)
        check_steps(explanation, z, seed)
        check_layout(str(explanation))
        for c in explanation[0].contributions:
            assert (c.local is not None) == (isinstance(row, Elementwise) or not (z.ndim or c.node.ndim))
            if c.local is not None:
                product = np.sum(seed * np.asarray(c.local) * np.ones(z.shape))
                close(np.sum(c.amount), product, f"{row.name}: amount is upstream times local", 1e-13)


def test_gradients_that_are_there_already_stay() -> None:
    x = Value(3.0, label="x")
    y = x * x
    y.backward()
    explain(y)
    assert (x.grad, y.grad) == (6.0, 1.0)


def test_a_square_has_two_contributions() -> None:
    x = Value(3.0, label="x")
    first, second = explain(x * x)[0].contributions
    assert (first.before, first.after, first.complete) == (None, 3.0, False)
    assert (second.before, second.after, second.complete) == (3.0, 6.0, True)
    assert "dL/dx = 3 + 3 = 6" in str(explain(x * x))


def test_the_seed_is_the_upstream_gradient_of_the_root() -> None:
    x = Value(3.0, label="x")
    assert explain(x * 2, gradient=-0.5).gradients == {"x": -1.0}
    assert "dL/dL = -0.5" in str(explain(x * 2, gradient=-0.5))
    v = Tensor([1.0, 2.0], label="v")
    np.testing.assert_array_equal(explain(v * v, [1.0, 10.0]).gradients["v"], [2.0, 40.0])


def test_a_node_that_no_gradient_reaches_sends_nothing() -> None:
    """Nothing flows through sign: the infinite slope of log at 0 must not turn the zero into NaN."""
    x = Value(0.0, label="x")
    root = x.log().sign() + x
    explanation = explain(root)
    root.backward()
    assert explanation.gradients == {"x": 1.0} == {"x": x.grad}
    (log,) = (step for step in explanation if step.node.op is ops.log)
    assert (log.upstream, log.contributions) == (0.0, ())
    (sent,) = (c for step in explanation for c in step.contributions if step.node.op is ops.sign)
    assert (sent.symbols, sent.local, sent.amount, sent.complete) == ("0", 0.0, 0.0, True)


def test_an_array_that_was_repeated_gets_the_sum() -> None:
    b, v = Value(2.0, label="b"), Tensor([1.0, 2.0, 3.0], label="v")
    explanation = explain((b * v).sum())
    assert explanation.gradients["b"] == 6.0
    assert "sum of dL/dv1 * dv1/db" in str(explanation)


def test_a_product_of_arrays_is_explained_by_its_vjp() -> None:
    W, v = Tensor(np.ones((2, 3)), label="W"), Tensor(np.ones((3, 4)), label="v")
    to_W, to_v = explain(W @ v, np.ones((2, 4)))[0].contributions
    assert (to_W.local, to_v.local) == (None, None)
    assert to_W.symbols == "g @ transpose(v, axes=(1, 0))"
    assert to_v.symbols == "transpose(W, axes=(1, 0)) @ g"
    np.testing.assert_array_equal(to_W.amount, np.full((2, 3), 4.0))


def test_single_precision_stays_single() -> None:
    x = Tensor(np.ones(3, np.float32), label="x")
    steps = explain((x * x).sum()).steps
    assert all(step.upstream.dtype == np.float32 for step in steps if step.node.shape)  # type: ignore[union-attr]


# Local derivatives at the ends of the numbers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "symbols", "local"),
    [
        (lambda x: 1.0 / x, "-z / x", -np.inf),
        (lambda x: x / 0.0, "inf", np.inf),
        (lambda x: x.log(), "1 / x", np.inf),
        (lambda x: x.sqrt(), "1 / (2 * z)", np.inf),
        (lambda x: x**0, "0", 0.0),
        (lambda x: x**1, "1", 1.0),
        (lambda x: x**2, "2 * x", 0.0),
        (lambda x: x * np.nan, "nan", np.nan),
        (lambda x: x * np.inf, "inf", np.inf),
        (lambda x: -x, "-1", -1.0),
        (lambda x: 5.0 % x, "-(5 // x)", -np.inf),
        (lambda x: x - 3.0, "1", 1.0),
        (lambda x: x.sign(), "0", 0.0),
    ],
)
def test_local_derivatives(record: Any, symbols: str, local: float) -> None:
    x = Value(0.0)
    z = record(x)
    found = local_derivative(z, z.args.index(x), {x: "x", z: "z"})
    assert found[0] == symbols
    np.testing.assert_equal(found[1], local)
    assert "dL/d" in str(explain(z))


def test_a_derivative_is_found_where_nothing_is_recorded() -> None:
    root = neuron()
    with no_grad():
        assert str(explain(root)) == NEURON


# Names --------------------------------------------------------------------------------------------------------------


def test_names_may_be_given_and_labels_come_first() -> None:
    x, y = Value(2.0), Value(3.0, label="y")
    root = x * y
    explanation = explain(root, names={x: "x", y: "other", root: "area"})
    assert explanation.root == "area"
    assert explanation[0].equation == "area = x * y"
    assert list(explanation.gradients) == ["x", "y"]


def test_leaves_with_one_label_are_told_apart() -> None:
    a, b = Value(2.0, label="x"), Value(3.0, label="x")
    assert explain(a * b).gradients == {"x": 3.0, "x_2": 2.0}


@pytest.mark.parametrize(
    "label", ["a\nb", "{}", "{0.__class__}", "\x1b[31m", "\ud800", "x" * 10**5, "a*b + c", "\u202e", " "]
)
def test_hostile_labels_stay_on_their_line(label: str) -> None:
    x = Value(2.0, label=label)
    printed = str(explain(x.tanh() * x))
    assert all(line.isprintable() for line in printed.split("\n"))
    assert len(printed.split("\n")) < 20
    check_layout(printed)


# The text -----------------------------------------------------------------------------------------------------------


def check_layout(printed: str) -> None:
    """Assert that no line is absurdly long, nor ends in blanks, and that cells start at one of two more places."""
    lines = printed.split("\n")
    assert max(map(len, lines)) <= WIDEST
    assert not any(line != line.rstrip() for line in lines)
    rows = [line for line in lines if line.startswith("      ") and not line.startswith("      |")]
    places = {place.end() for row in rows for place in re.finditer(r" {3,}", row)} - {6}
    assert len(places) <= 2, "the products stand below each other, and the totals"


def test_long_formulas_go_on_below_and_very_long_ones_lose_their_middle() -> None:
    xs = [Value(float(i), label=f"variable_{i}") for i in range(50)]
    printed = str(explain(ops.gelu(ops.add_n(*xs))))
    check_layout(printed)
    assert " ... " in printed
    assert "\n      dL/dv1 = 0.5 * erfc(-v1 * 0.707107) + v1 * exp(-0.5 * v1 * v1) / 2.50663 = 1\n" in printed


def test_a_leaf_explains_itself() -> None:
    assert str(explain(Value(3.0, label="x"))) == "x = 3.0\n\ngradients of x\n    x   1.0"


def test_numbers_are_shown_with_six_digits_and_no_minus_zero() -> None:
    x = Value(1.0 / 3.0, label="x")
    assert "L = x * 0.142857 = 0.047619" in str(explain(x * (1.0 / 7.0)))
    assert (shown(-0.0), shown(2.0 / 3.0), shown(1e-9), shown(np.inf), shown(np.nan)) == (
        "0",
        "0.666667",
        "1e-09",
        "inf",
        "nan",
    )
    assert (shown(np.zeros((0, 3))), shown(np.eye(2)), shown(np.ones(21))) == (
        "[]",
        "[[1, 0], [0, 1]]",
        "array of shape (21,)",
    )


def test_a_long_chain_is_explained_without_recursion() -> None:
    x: Node = Value(1.0, label="x")
    for _ in range(3000):
        x = x * 1.0
    explanation = explain(x)
    assert len(explanation) == 3001
    assert explanation.gradients == {"x": 1.0}


def test_what_is_shown_cannot_change_the_record() -> None:
    v = Tensor([1.0, 2.0], label="v")
    explanation = explain((v * v).sum())
    for shown_array in (explanation[-1].data, explain(v * v, [1.0, 1.0]).value):
        with pytest.raises(DataError, match="not changed in place"):
            shown_array[0] = 7.0  # type: ignore[index]
    np.testing.assert_array_equal(v.data, [1.0, 2.0])


# Errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "gradient", "kind", "words"),
    [
        (3.0, None, DataError, "Value or Tensor"),
        (None, None, DataError, "Value or Tensor"),
        (Tensor([1.0, 2.0]), None, ShapeError, "needs the gradient"),
        (Tensor([1.0, 2.0]), [1.0], ShapeError, r"\(1,\)"),
        (Value(1.0), "one", DataError, "gradient"),
    ],
)
def test_bad_roots_and_gradients(root: Any, gradient: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        explain(root, gradient)


def test_a_record_is_explained_as_it_was() -> None:
    x = Value(2.0, label="x")
    y = x * x
    x.data = 3.0
    assert "L = x * x = 4.0\nas recorded, with x = 2; it is 3 now" in str(explain(y))
    for data in (4.0, 5.0, 6.0, 7.0, 8.0, 9.0):  # of these, from which nothing was recorded, none is kept
        x.data = data
    assert "as recorded, with x = 2; it is 9 now" in str(explain(y))
    x.data = 4.0
    assert explain(y).gradients == {"x": 4.0}
    assert x.data == 4.0
    for _ in range(4):
        x.data = (x + 1.0).data
    with pytest.raises(StaleError, match="'x'"):
        explain(y)


def test_a_prompt_shows_the_steps_unless_they_are_many() -> None:
    x = Value(2.0, label="x")
    assert repr(explain(x * x)) == str(explain(x * x))
    y = x
    for _ in range(200):
        y = y + 1.0
    assert repr(explain(y)) == "<Explanation of L: 201 steps, print it to read them>"


def test_what_is_asked_for_in_another_way_is_refused_with_the_way() -> None:
    x = Value(2.0, label="x")
    with pytest.raises(DataError, match="write wrt=node"):
        explain(x * x, x)
    with pytest.raises(DataError, match="wrt=x, the node itself"):
        explain(x * x, wrt=["x"])  # type: ignore[arg-type]
    for names in ({x: "x", "y": x}, ["x"], "x"):
        with pytest.raises(DataError, match="names maps nodes to names"):
            explain(x * x, names=names)  # type: ignore[arg-type]


def test_a_sum_of_scalars_has_local_derivatives_like_any_step_between_scalars() -> None:
    w, b = Value(2.0, label="w"), Value(1.0, label="b")
    for root in (ops.add_n(b, 3.0 * w, w), ops.sum(b * w)):
        step = explain(root)[0]
        assert [(c.symbols, c.local) for c in step.contributions] == [("1", 1.0)] * len(step.contributions)
        assert "vjp" not in str(explain(root))
