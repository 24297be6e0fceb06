"""Frames: plain data that holds both passes; contributions add up to the engine's gradients, folded or not."""

import json
import math
import random

import numpy as np
import pytest

from autograd_mini import Tensor, Value, ops
from autograd_mini.errors import AutogradError, StaleError
from autograd_mini.modes import note_lines
from autograd_mini.sweep import order, zero_grad
from autograd_mini.text.explanation import explain
from nn import MLP
from viz.stepping.card_svg import gradients_at_end
from viz.stepping.fold_data import folds_of
from viz.stepping.frames import KINDS, fold, frames_of, gradients
from viz.stepping.numbers import number_from
from viz.stepping.sentences import sentences
from viz.stepping.step_order import in_step_order

UNARY = [ops.tanh, ops.sin, ops.exp, ops.relu, ops.sigmoid, ops.square, ops.step, ops.neg]
BINARY = [ops.add, ops.sub, ops.mul, ops.maximum, ops.greater]


def random_graph(seed, size=30):
    rng = random.Random(seed)
    nodes = [Value(rng.uniform(-2, 2), label=f"x{i}") for i in range(4)]
    for _ in range(size):
        a, b = rng.choice(nodes[-8:]), rng.choice(nodes)
        nodes.append(rng.choice(UNARY)(a) if rng.random() < 0.4 else rng.choice(BINARY)(a, b))
    root = ops.tanh(ops.add_n(*nodes[-5:]) * 0.1 + 1.0)
    return root, nodes[:4]


def random_array_graph(seed):
    rng = np.random.default_rng(seed)
    x, W, b = Tensor(rng.normal(size=(4, 2))), Tensor(rng.normal(size=(3, 2))), Tensor(rng.normal(size=3))
    z = ops.affine(x, W, b) * Tensor(rng.normal(size=(1, 3))) + Value(0.5)
    return (ops.softmax(z) * z).mean()


def engine(root):
    zero_grad(*order(root))
    root.backward()
    return {node: node.grad for node in order(root)}


def named(root, frames):
    return {v.name: node for v, node in zip(frames.vertices, order(root)[::-1])}


def model():
    net = MLP(2, [5, 4, 1], "tanh", rng=0)
    return sum((net(x) - y) ** 2.0 for x, y in [([1.0, -2.0], 1.0), ([0.5, 0.3], -1.0)]), net


def folded(root, net=None):
    folds, paths = folds_of(root, net, {})
    return frames_of(root, None, paths, folds), folds


@pytest.mark.parametrize("seed", range(25))
def test_contributions_add_up_to_the_gradient_of_every_node(seed):
    root, _ = random_graph(seed)
    frames, grads = frames_of(root), engine(root)
    totals = dict.fromkeys(range(len(frames.vertices)), 0.0)
    totals[len(totals) - 1] = 1.0
    for step in frames.steps:
        if step.kind == "contribute":
            totals[step.target] += step.contribution
    for total, node in zip(totals.values(), order(root)[::-1]):
        assert math.isclose(total, grads[node], rel_tol=1e-12, abs_tol=1e-15)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("make", [lambda seed: random_graph(seed)[0], random_array_graph])
def test_json_alone_gives_the_gradients(make, seed):
    root = make(seed)
    frames = frames_of(root)
    found, grads = gradients(json.loads(frames.json())), engine(root)
    for name, node in named(root, frames).items():
        if name in found:
            np.testing.assert_allclose(found[name], grads[node], rtol=1e-12, atol=1e-15)
        else:
            assert not np.any(grads[node])


@pytest.mark.parametrize("seed", range(10))
def test_each_step_is_upstream_times_local(seed):
    for step in frames_of(random_graph(seed)[0]).steps:
        if step.kind == "contribute":
            assert math.isclose(step.contribution, step.upstream * step.local, rel_tol=1e-9, abs_tol=1e-12)
            before = 0.0 if step.before is None else step.before
            assert math.isclose(step.after, before + step.contribution, rel_tol=1e-12, abs_tol=1e-15)


def test_a_node_sends_only_when_all_its_uses_have_had_their_turn():
    for seed in range(10):
        complete = set()
        frames = frames_of(random_graph(seed)[0])
        for step in frames.steps:
            if step.kind == "seed":
                complete.add(step.node)
            if step.kind == "contribute":
                assert step.node in complete
                if not step.uses_left:
                    complete.add(step.target)


def test_uses_are_counted_down_and_several_end_in_a_finish():
    x = Value(3.0, label="x")
    frames = frames_of(x * x * x)
    last = [step.uses_left for step in frames.steps if step.target == 0 and step.kind == "contribute"]
    assert last == [2, 1, 0]
    assert [step.after for step in frames.steps if step.kind == "finish"] == [27.0]
    assert frames.vertices[0].uses == 3


def test_steps_are_those_of_explain():
    root, _ = random_graph(3)
    told = [c for step in explain(root) for c in step.contributions]
    steps = [step for step in frames_of(root).steps if step.kind == "contribute"]
    assert [(c.amount, c.before, c.after) for c in told] == [(s.contribution, s.before, s.after) for s in steps]


def test_nothing_yet_is_none_and_never_zero():
    x = Value(0.0, label="x")
    first, second = (step for step in frames_of(x * x).steps if step.kind == "contribute")
    assert first.before is None
    assert second.before == 0.0


def test_kinds_are_those_that_are_documented_and_steps_are_numbered():
    for seed in range(5):
        frames = frames_of(random_array_graph(seed))
        assert {step.kind for step in frames.steps} <= set(KINDS)
        assert [step.i for step in frames.steps] == list(range(len(frames.steps)))
        assert frames.steps[frames.turn].kind == "seed"


def test_a_repeated_argument_is_a_step_on_the_way_there_and_one_on_the_way_back():
    b = Tensor([1.0, 2.0, 3.0], label="b")
    frames = frames_of((Tensor(np.ones((4, 3))) * b).sum())
    (there,) = (step for step in frames.steps if step.kind == "broadcast")
    (back,) = (step for step in frames.steps if step.kind == "reduce")
    assert (there.axes, there.shape) == (back.axes, back.shape) == ((0,), (4, 3))
    assert frames.steps[back.i + 1].kind == "contribute"
    assert np.shape(frames.steps[back.i + 1].contribution) == (3,)


def test_a_bias_that_affine_repeats_is_reduced_too():
    root = ops.affine(Tensor(np.ones((4, 2))), Tensor(np.ones((3, 2))), Tensor(np.ones(3), label="b")).sum()
    assert [step.axes for step in frames_of(root).steps if step.kind == "reduce"] == [(0,)]


def test_local_derivatives_of_scalars_are_numbers_whatever_the_op():
    root = ops.add_n(Value(1.0), Value(2.0)) * Value(3.0)
    assert all(isinstance(edge.local, float) for edge in frames_of(root).edges)


def test_an_op_without_derivative_sends_nothing():
    x = Value(2.0, label="x")
    edge, _ = (e for e in frames_of(ops.step(x) * x).edges if e.tail == 0)
    assert (edge.carries, edge.local, edge.symbols) == (False, 0.0, "0")


def test_what_is_not_finite_survives_json():
    x = Value(0.0, label="x")
    with np.errstate(all="ignore"):
        plain = json.loads(frames_of(ops.log(x) * x).json())
    assert number_from(plain["vertices"][1]["data"]) == -math.inf
    assert math.isnan(number_from(plain["vertices"][2]["data"]))


def test_large_arrays_are_kept_as_their_norm():
    plain = frames_of((Tensor(np.ones((20, 20))) * 2.0).sum()).plain()
    assert plain["vertices"][0]["data"] == {"norm": 20.0}
    assert len(json.dumps(plain)) < 3000


def test_two_runs_give_the_same_bytes():
    assert frames_of(random_graph(7)[0]).json() == frames_of(random_graph(7)[0]).json()
    first, second = (folded(*model())[0].json() for _ in range(2))
    assert first == second


def test_no_gradient_is_changed():
    x = Value(3.0, label="x")
    y = x * x
    frames_of(y)
    assert not x.has_grad
    assert not y.has_grad


# Groups --------------------------------------------------------------------------------------------------------------


def closings(folds):
    rng = random.Random(0)
    ids = [f.id for f in folds]
    return [[], ids, ids[:1], ids[-3:], *(rng.sample(ids, len(ids) // 2) for _ in range(5))]


def test_folded_and_unfolded_totals_are_equal():
    root, net = model()
    frames, folds = folded(root, net)
    whole = gradients_at_end(frames)
    for closed in closings(folds):
        seen = fold(frames, closed)
        for vertex, total in gradients_at_end(seen).items():
            assert total == whole[vertex]
        leaves = {v.id for v in frames.vertices if not v.op}
        assert leaves <= set(gradients_at_end(seen))


def test_folded_steps_from_json_give_the_leaves_gradients():
    root, net = model()
    frames, folds = folded(root, net)
    grads = engine(root)
    for closed in closings(folds):
        found = gradients(json.loads(json.dumps(fold(frames, closed).plain())))
        for name, node in named(root, frames).items():
            if node.op is None:
                assert math.isclose(found[name], grads[node], rel_tol=1e-12, abs_tol=1e-14)


def test_a_closed_group_is_one_step_each_way():
    root, net = model()
    frames, folds = folded(root, net)
    whole = next(f for f in folds if f.kind == "network")
    steps = fold(frames, [whole.id]).steps
    assert sum(step.kind == "group" for step in steps) == 2
    parts = [i for step in steps if step.kind == "group" for i in step.parts]
    assert len(parts) + sum(step.kind != "group" for step in steps) == len(frames.steps)


def test_equal_neurons_make_a_pile_with_their_number():
    net = MLP(1, [33, 32, 1], "tanh", rng=0)
    _, folds = folded(net([1.0]), net)
    assert [f.count for f in folds if f.kind == "pile"] == [33]  # as many as 32 are drawn each


def test_groups_that_use_each_other_lose_the_level_at_which_they_do():
    x = Value(1.0)
    a1 = x.sin()
    b1 = a1.cos()
    a2 = b1.tanh()
    ops_, paths = in_step_order([a1, b1, a2], {x: (), a1: ("a",), b1: ("b",), a2: ("a",)})
    assert ops_ == [a1, b1, a2]
    assert set(paths.values()) == {()}


def test_interleaved_groups_are_put_in_order():
    x = Value(1.0)
    a1, b1 = x.sin(), x.cos()
    a2, b2 = a1.tanh(), b1.tanh()
    found, paths = in_step_order([a1, b1, a2, b2], {x: (), a1: ("a",), b1: ("b",), a2: ("a",), b2: ("b",)})
    assert found == [a1, a2, b1, b2]
    assert paths[b2] == ("b",)


def test_groups_inside_groups_are_put_in_order_at_every_level():
    x = Value(1.0)
    nodes = [x.sin() for _ in range(8)]
    given = ["a", "ab", "abc", "ab", "abc", "a", "ab", "d"]
    paths = {x: (), **{node: tuple(path) for node, path in zip(nodes, given)}}
    found, kept = in_step_order(nodes, paths)
    assert [nodes.index(node) for node in found] == [0, 1, 2, 4, 3, 6, 5, 7]
    assert kept == paths


def test_groups_inside_groups_stay_together_in_random_graphs():
    for seed in range(10):
        root, _ = random_graph(seed)
        nodes = order(root)[::-1]
        rng = random.Random(seed)
        given = {n: rng.choice([(), ("a",), ("a", "b"), ("c",)]) for n in nodes}
        found, paths = in_step_order([n for n in nodes if n.op is not None], given)
        place = {n: i for i, n in enumerate(found)}
        assert all(place[a] < place[n] for n in found for a in n.args if a in place)
        for group in "abc":
            places = sorted(place[n] for n in found if group in paths[n])
            assert places == list(range(places[0], places[0] + len(places))) if places else True


# Words and errors ----------------------------------------------------------------------------------------------------


def test_there_is_a_sentence_for_every_step():
    for root in (random_graph(1)[0], random_array_graph(1), model()[0]):
        frames, folds = folded(root)
        for seen in (frames, fold(frames, [f.id for f in folds])):
            told = list(sentences(seen))
            assert len(told) == len(seen.steps)
            assert all(told)
            assert not any("{" in sentence for sentence in told)


def test_the_line_that_recorded_a_node_is_kept_where_it_was_noted():
    with note_lines():
        y = Value(2.0).sin()
    file, line, text = frames_of(y).vertices[1].source
    assert (file, text) == ("test_viz_frames.py", "y = Value(2.0).sin()")
    assert line > 0
    assert frames_of(Value(2.0).sin()).vertices[1].source is None


@pytest.mark.parametrize("root", [None, 3.0, "x", [Value(1.0)]])
def test_what_is_no_node_is_refused(root):
    with pytest.raises(AutogradError):
        frames_of(root)


def test_a_record_is_taken_as_it_was():
    x = Value(1.0)
    y = x * x
    x.data = 2.0
    leaf, _ = frames_of(y).vertices
    assert (leaf.data, leaf.now) == (1.0, 2.0)
    for _ in range(4):
        x.data = (x + 1.0).data
    with pytest.raises(StaleError):
        frames_of(y)


def test_a_leaf_alone_has_a_start_and_a_seed():
    assert [step.kind for step in frames_of(Value(1.0)).steps] == ["start", "seed"]


def test_a_long_chain_is_linear_and_does_not_recurse():
    y = Value(1.0)
    for _ in range(5000):
        y = y * 1.0001
    frames = frames_of(y)
    assert len(frames.steps) == 2 + 2 * 5000
