"""Famous mistakes: each spoils what it is known to spoil, and nothing where it does no harm."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini import AutogradError, DataError, Node, ShapeError, StaleError, Tensor, Value, explain, ops
from autograd_mini.op import contribution
from autograd_mini.sweep import order
from viz.stepping.mistakes import LIMIT, Comparison, MistakeError, compare, mistakes

pytestmark = pytest.mark.filterwarnings("error")
every = pytest.mark.parametrize("mistake", list(mistakes))


def diamond() -> Node:
    x = Value(3.0, label="x")
    h = x * x
    h.label = "h"
    return h * 2.0 + h.tanh()


ROWS = [ops.add, ops.sub, ops.mul, ops.tanh, ops.sin, ops.neg, ops.step, ops.square, ops.maximum]


@st.composite
def graphs(draw: Any) -> Node:
    nodes: list[Node] = [Value(draw(st.floats(-2.0, 2.0)), label=name) for name in "xy"]
    nodes.append(Tensor([draw(st.floats(-2.0, 2.0)), 0.5], label="v"))
    for _ in range(draw(st.integers(1, 8))):
        row = draw(st.sampled_from(ROWS))
        nodes.append(row(*(draw(st.sampled_from(nodes)) for _ in row.params)))
    return ops.sum(nodes[-1]) + ops.sum(nodes[-2])


# The wrong sweeps, written as a beginner writes them ------------------------------------------------------------------

Grads = dict[Node, Any]


def carried(node: Node) -> list[tuple[int, Node]]:
    return [(i, a) for i, a in enumerate(node.args) if isinstance(a, Node) and node.op.rule(i) is not None]  # type: ignore[union-attr]


def reached(root: Node) -> list[Node]:
    found = {root}
    for node in order(root):
        found |= {a for _, a in carried(node)} if node in found else set()
    return [node for node in order(root) if node in found]


def zeros(root: Node) -> Grads:
    return {n: np.zeros(n.shape) if n.shape else 0.0 for n in reached(root)} | {root: 1.0}


def overwrite(root: Node) -> Grads:
    grads = zeros(root)
    for node in reached(root):
        for i, arg in carried(node):
            grads[arg] = contribution(node, i, grads[node])
    return grads


def creation(root: Node) -> Grads:
    grads = zeros(root)
    for node in reversed(reached(root)):
        for i, arg in carried(node):
            grads[arg] = grads[arg] + contribution(node, i, grads[node])
    return grads


def recursion(root: Node) -> Grads:
    grads = zeros(root)

    def back(node: Node) -> None:
        for i, arg in carried(node):
            grads[arg] = grads[arg] + contribution(node, i, grads[node])
            back(arg)

    back(root)
    return grads


def zero_grad(root: Node) -> Grads:
    grads = zeros(root)
    for _ in range(2):
        grads = {n: (g if n.op is None and n is not root else zeros(root)[n]) for n, g in grads.items()}
        for node in reached(root):
            for i, arg in carried(node):
                grads[arg] = grads[arg] + contribution(node, i, grads[node])
    return grads


WRITTEN = {"overwrite": overwrite, "creation": creation, "recursion": recursion, "zero_grad": zero_grad}


def test_every_mistake_has_its_oracle() -> None:
    assert set(WRITTEN) == set(mistakes)


@given(root=graphs())
def test_the_wrong_gradients_are_those_a_beginner_gets(root: Node) -> None:
    names = explain(root).names
    for mistake, written in WRITTEN.items():
        both = compare(root, mistake)
        # by name: a variable here that holds a node would give it that variable's name in the next round
        expected = {} if both.stopped else {names[n]: g for n, g in written(root).items()}
        for name, g in expected.items():
            np.testing.assert_allclose(both.wrong_gradients.get(name, 0.0), g, rtol=1e-12, atol=1e-300)


@given(root=graphs(), seed=st.sampled_from([None, 2.0, 0.0]))
def test_the_right_gradients_are_the_engines(root: Node, seed: float | None) -> None:
    told = explain(root, seed)
    sent = [c for step in told for c in step.contributions if step.node.op.rule(c.position) is not None]  # type: ignore[union-attr]
    for mistake in mistakes:
        both = compare(root, mistake, seed)
        assert both.names == tuple(step.name for step in told.steps[::-1])
        for step in told:
            np.testing.assert_array_equal(both.right_gradients.get(step.name, np.zeros(step.shape)), step.upstream)
        assert [(both.names[s.target], s.position) for s in both.right] == [(c.argument, c.position) for c in sent]
        for s, c in zip(both.right, sent):
            np.testing.assert_array_equal(s.amount, c.amount)
            np.testing.assert_array_equal(s.after, c.after)


@every
@given(root=graphs())
def test_the_first_difference_is_the_first(mistake: str, root: Node) -> None:
    both = compare(root, mistake)
    found = both.first_difference
    edges = {(s.user, s.position): s for s in both.right}
    before = both.wrong if found is None else both.wrong[: found.wrong]
    for s in before:
        np.testing.assert_allclose(s.amount, edges[s.user, s.position].amount, rtol=1e-12)
    assert len({(s.user, s.position) for s in before}) == len(before), "no edge sends twice before it"
    if found is None:
        assert both.differing == ()
    else:
        wrong, right = both.wrong[found.wrong], both.right[found.right]
        assert (wrong.user, wrong.position, wrong.target) == (right.user, right.position, found.target)
        assert both.names[found.target] in found.sentence
        assert found.sentence.endswith((".", ". "))


@every
@given(root=graphs())
def test_it_is_plain_data(mistake: str, root: Node) -> None:
    both = compare(root, mistake)
    plain = json.loads(json.dumps(both.plain(), allow_nan=False))
    assert plain["mistake"] == mistake
    assert len(plain["wrong"]) == len(both.wrong)
    assert plain["differing"] == list(both.differing)
    assert json.dumps(both.plain()) == json.dumps(compare(root, mistake).plain())


# What each is famous for ----------------------------------------------------------------------------------------------


def test_the_square() -> None:
    x = Value(3.0, label="x")
    found = {name: compare(x * x, name).wrong_gradients["x"] for name in mistakes}
    assert found == {"overwrite": 3.0, "creation": 6.0, "recursion": 6.0, "zero_grad": 12.0}


@pytest.mark.parametrize(
    ("mistake", "kind", "sentence"),
    [
        ("overwrite", "total", "h held 5, and 2 more came from v1: with = it holds 2, with += it holds 7."),
        ("creation", "amount", "It was h's turn when its gradient was 0, and only later it becomes 7: x got 0 instead "
                               "of 14."),
        ("recursion", "amount", "h sent 4 to x when its own gradient was 2, before all of it had come; a node sends "
                                "once, when its gradient is complete: 7."),
        ("zero_grad", "total", "x still held 28 from the sweep before: with 14 more it holds 42 instead of 14."),
    ],
)  # fmt: skip
def test_a_diamond(mistake: str, kind: str, sentence: str) -> None:
    x = Value(2.0, label="x")
    h = x * x
    h.label = "h"
    found = compare(h * 2.0 + h * 5.0, mistake).first_difference
    assert found is not None
    assert (found.kind, found.sentence) == (kind, sentence)


def test_a_tree_hides_all_mistakes_but_the_order_of_creation_and_zero_grad() -> None:
    x, y, z = (Value(v, label=name) for name, v in (("x", 1.0), ("y", 2.0), ("z", 3.0)))
    root = (x * y).tanh() + z
    assert {name for name in mistakes if compare(root, name).first_difference is None} == {"overwrite", "recursion"}


def test_recursion_on_2_to_the_60_paths_is_stopped() -> None:
    node: Node = Value(1.0, label="x")
    for _ in range(60):
        node = node + node
    both = compare(node, "recursion")
    assert (both.stopped, len(both.wrong)) == (True, LIMIT)
    assert both.first_difference is not None
    assert "before all of it had come" in both.first_difference.sentence
    assert not compare(node, "overwrite").stopped


def test_recursion_does_not_recurse() -> None:
    node: Node = Value(1.0, label="x")
    for _ in range(5000):
        node = -node
    both = compare(node, "recursion")
    assert (both.first_difference, both.stopped, len(both.wrong)) == (None, False, 5000)


def test_nodes_are_numbered_from_the_oldest_and_edges_by_position() -> None:
    x, y = Value(2.0, label="x"), Value(5.0, label="y")
    both = compare(y - x, "overwrite")
    assert both.names == ("x", "y", "L")
    assert [(s.user, s.position, s.target, s.amount) for s in both.right] == [(2, 0, 1, 1.0), (2, 1, 0, -1.0)]


def test_nan_beside_nan_is_no_difference() -> None:
    y = (Value(np.nan, label="x") * 2.0).tanh() * 3.0
    for mistake in ("overwrite", "recursion"):
        both = compare(y, mistake)
        assert np.isnan(both.right_gradients["x"])
        assert (both.differing, both.first_difference) == ((), None)


def test_numbers_that_json_does_not_have_are_texts() -> None:
    x = Value(0.0, label="x")
    plain = compare(x.log() + x.sqrt(), "overwrite").plain()
    assert plain["right_gradients"]["x"] == "inf"
    json.dumps(plain, allow_nan=False)


def test_gradients_that_are_there_already_stay() -> None:
    root = diamond()
    root.backward()
    x = order(root)[-1]
    before = x.grad
    for name in mistakes:
        compare(root, name)
    assert x.grad == before


def test_a_leaf_has_nothing_to_spoil() -> None:
    for name in mistakes:
        both = compare(Value(2.0, label="x"), name)
        assert (both.right, both.wrong, both.first_difference, both.right_gradients) == ((), (), None, {"x": 1.0})


@pytest.mark.parametrize(
    ("root", "mistake", "gradient", "kind", "words"),
    [
        (Value(1.0), "typo", None, MistakeError, "choose one of overwrite, creation, recursion, zero_grad"),
        (1.0, "overwrite", None, DataError, "Value or Tensor"),
        (Tensor([1.0, 2.0]), "overwrite", None, ShapeError, "needs the gradient"),
    ],
)
def test_bad_arguments(root: Any, mistake: str, gradient: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        compare(root, mistake, gradient)
    assert isinstance(caught.value, AutogradError)


def test_a_record_is_swept_as_it_was() -> None:
    x = Value(2.0, label="x")
    y = x * x
    x.data = 3.0
    assert compare(y, "overwrite").right_gradients["x"] == 4.0
    for _ in range(4):
        x.data = (x + 1.0).data
    with pytest.raises(StaleError):
        compare(y, "overwrite")


def test_ideas_are_named() -> None:
    for name, mistake in mistakes.items():
        assert mistake.title
        assert mistake.idea.endswith(".")
        both: Comparison = compare(diamond(), name)
        assert (both.title, both.idea) == (mistake.title, mistake.idea)
