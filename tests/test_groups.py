"""`with group(name):` - what is recorded inside belongs together, in pictures, players and explanations."""

import asyncio
from functools import partial

import numpy as np
import pytest
from threads import at_once

from autograd_mini import DataError, Tensor, Value, explain, grad, group, no_grad, note_lines, ops
from autograd_mini.modes import OUTSIDE
from nn import MLP
from viz import draw, frames_of
from viz.graph.groups import groups_of


def outline(tree):
    return {child.name: outline(child) for child in tree.children}


def attention(q, k, v):
    with group("attention"):
        with group("scores"):
            scores = q @ k.T / 2.0
        return ops.softmax(scores) @ v


def model():
    q, k, v = (Tensor(np.arange(12.0).reshape(3, 4) / n, label=name) for n, name in ((10, "q"), (7, "k"), (5, "v")))
    return attention(q, k, v).sum()


def test_nodes_know_the_innermost_group_that_they_were_recorded_in():
    x = Value(2.0)
    with group("outer") as outer, group("inner") as inner:
        y = x * x
    z = y + 1.0
    assert (y.group, inner.outer, z.group, x.group) == (inner, outer, None, None)
    assert inner.path == "outer/inner"
    assert repr(inner) == "<group outer/inner>"


def test_groups_fold_in_a_picture_as_they_were_entered():
    root = model()
    assert outline(groups_of(root)) == {"attention": {"scores": {}}}
    picture = draw(root, names={}, depth=0)
    assert len(picture.picture.boxes) == 2
    assert "attention" in picture.text
    opened = draw(root, names={}, unfold="attention/scores")
    assert len(opened.picture.boxes) > len(draw(root, names={}, unfold="attention").picture.boxes)
    assert {frame.name for frame in opened.picture.frames} == {"attention", "scores"}


def test_a_leaf_is_in_a_group_that_alone_uses_it_and_an_input_is_outside():
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    x.group = OUTSIDE
    with group("layer"):
        y = x * w
    tree = groups_of(y)
    assert [node.label for node in tree.nodes] == ["x"]
    assert [node.label for node in tree.children[0].nodes if node.op is None] == ["w"]
    assert outline(groups_of(y * w)) == {"layer": {}}
    assert {node.label for node in groups_of(y * w).nodes if node.op is None} == {"x", "w"}


def test_each_call_of_a_decorated_function_is_a_group_of_its_own():
    @group("cell")
    def cell(h):
        return (h * 0.5).tanh()

    x = Value(1.0)
    assert outline(groups_of(cell(cell(cell(x))) * 2.0)) == {"cell": {}, "cell (2)": {}, "cell (3)": {}}


def test_a_generator_and_a_coroutine_keep_one_group_while_they_run():
    @group("steps")
    def steps(x):
        for _ in range(2):
            x = x * x
            yield x

    @group("task")
    async def task(x):
        y = x * x
        await asyncio.sleep(0)
        return y, x * y

    one, two = steps(Value(1.5))
    assert one.group is two.group
    one, two = asyncio.run(task(Value(1.5)))
    assert one.group is two.group
    assert one.group.name == "task"
    assert (Value(1.0) * 2.0).group is None


def test_networks_stand_in_the_group_that_called_them():
    net = MLP(2, [2, 1], "tanh", rng=0)
    with group("encoder"):
        y = net([Value(1.0), Value(2.0)])
    found = outline(groups_of(y * y, net))
    assert list(found) == ["encoder"]
    assert list(found["encoder"]) == ["MLP"]
    assert list(found["encoder"]["MLP"]) == ["layer 1", "layer 2"]


def test_one_that_is_left_and_entered_again_gives_its_nodes_away_where_they_would_be_no_step():
    named = group("part")
    x = Value(2.0)
    with named:
        y = x * x
    z = y.tanh()
    with named:
        root = z * y
    tree = groups_of(root)
    assert len(list(tree.all_nodes())) == 4


def test_explanations_say_where_a_step_is_and_where_that_changes():
    steps = explain(model())
    assert [step.group for step in steps][:5] == ["", "attention", "attention", "attention/scores", "attention/scores"]
    lines = str(steps).splitlines()
    assert [line for line in lines if line.startswith("in ")] == ["in attention:", "in attention/scores:"]
    assert steps.markdown.count("`in attention") == 2
    assert steps.latex.count("in attention") == 2
    assert steps.html.count("in attention") == 2


def test_a_player_folds_them():
    frames = frames_of(model())
    assert [fold.title for fold in frames.folds] == []
    from viz.stepping.fold_data import folds_of

    assert [fold.title for fold in folds_of(model())[0]] == ["attention", "scores"]


def test_they_change_no_number_and_go_with_other_modes():
    def f(x):
        return ops.sin(x) * x

    with group("part"), note_lines():
        y = f(Value(2.0))
        assert grad(grad(f))(2.0) == pytest.approx(2 * np.cos(2.0) - 2 * np.sin(2.0))
    assert y.source
    assert y.group
    with group("part"), no_grad():
        assert f(Value(2.0)).args == ()


def test_threads_have_groups_of_their_own():
    def work(name):
        with group(name):
            return [(Value(1.0) * 2.0).group.path for _ in range(50)]

    names = ["t0", "t1", "t2", "t3"]
    assert at_once(*(partial(work, name) for name in names)) == [[name] * 50 for name in names]


@pytest.mark.parametrize("name", ["", "  ", 3, None, b"x"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(DataError, match=r"with group\('attention'\)"):
        group(name)
