"""Pictures: what a record looks like before anyone draws it."""

import dataclasses
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import viz
from autograd_mini import StaleError, Tensor, Value, ops, zero_grad
from autograd_mini.text.names import caller_namespace, variables_of
from viz.graph.boxes import CONSTANT, FOLDED, INNER, LEAF, ROOT
from viz.graph.picture import picture_of
from viz.text import LONG, clean, entries, number


def neuron():
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    n = x1 * w1 + x2 * w2 + Value(6.881373587019543, label="b")
    n.label = "n"
    return n.tanh()


def boxes(picture):
    return {box.name: box for box in picture.boxes}


def test_a_box_for_every_node_and_an_arrow_for_every_use():
    o = neuron()
    o.backward()
    picture = picture_of(o, {})
    assert [(box.name, box.kind, box.op) for box in picture.boxes] == [
        ("x1", LEAF, ""),
        ("x2", LEAF, ""),
        ("w1", LEAF, ""),
        ("w2", LEAF, ""),
        ("v1", INNER, "*"),
        ("v2", INNER, "*"),
        ("v3", INNER, "+"),
        ("b", LEAF, ""),
        ("n", INNER, "+"),
        ("L", ROOT, "tanh"),
    ]
    assert boxes(picture)["x1"].rows == (("data", "2"), ("grad", "-1.5"))
    names = {box.id: box.name for box in picture.boxes}
    assert [(names[a.tail], names[a.head], a.local) for a in picture.arrows] == [
        ("x1", "v1", "-3"),
        ("w1", "v1", "2"),
        ("x2", "v2", "1"),
        ("w2", "v2", "0"),
        ("v1", "v3", "1"),
        ("v2", "v3", "1"),
        ("v3", "n", "1"),
        ("b", "n", "1"),
        ("n", "L", "0.5"),
    ]


def test_a_gradient_that_no_sweep_computed_is_a_dash_and_zero_is_zero():
    x = Value(3.0, label="x")
    y = x * 0.0
    assert boxes(picture_of(y, {}))["x"].rows[1] == ("grad", "–")
    y.backward()
    assert boxes(picture_of(y, {}))["x"].rows[1] == ("grad", "0")
    zero_grad(x)
    assert boxes(picture_of(y, {}))["x"].rows[1] == ("grad", "–")


def test_using_a_node_twice_gives_two_arrows():
    x = Value(3.0, label="x")
    assert [(a.tail, a.head, a.local) for a in picture_of(x * x, {}).arrows] == [("n0", "n1", "3")] * 2


def test_local_derivatives_multiply_and_add_up_to_the_gradients():
    rng = np.random.default_rng(0)
    for _ in range(20):
        nodes = [Value(v) for v in rng.uniform(0.5, 1.5, 3)]
        for _ in range(8):
            x, y = (nodes[i] for i in rng.integers(len(nodes), size=2))
            nodes.append([x * y, x + y, x.tanh(), x / y, x.sin(), ops.maximum(x, y), x.relu()][rng.integers(7)])
        root = nodes[-1]
        root.backward()
        picture = picture_of(root, {})
        total = {box.id: 0.0 for box in picture.boxes} | {picture.boxes[-1].id: 1.0}
        heads = [box.id for box in picture.boxes]
        for arrow in sorted(picture.arrows, key=lambda a: -heads.index(a.head)):
            total[arrow.tail] += total[arrow.head] * float(arrow.local)
        for box in picture.boxes:
            assert total[box.id] == pytest.approx(float(box.rows[1][1]), rel=2e-3, abs=2e-3)


def test_constants_are_small_boxes_and_settings_are_part_of_the_op():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], label="x")
    picture = picture_of(((x**2.0).sum(axis=0)).leaky_relu(), {})
    constants = [(box.name, box.rows) for box in picture.boxes if box.kind == CONSTANT]
    assert constants == [("", (("", "2"),)), ("slope", (("", "0.01"),))]
    assert "sum axis=0" in [box.op for box in picture.boxes]
    assert [a.carries for a in picture.arrows] == [True, False, True, True, False]


def test_nothing_flows_back_along_a_flat_arrow():
    (arrow,) = picture_of(Value(2.0).sign(), {}).arrows
    assert (arrow.local, arrow.carries) == ("0", False)


def test_tensors_show_their_shape_and_small_ones_their_entries():
    small, large = Tensor([1.0, 2.0], label="s"), Tensor(np.ones((3, 4)), label="l")
    y = (small * small).sum() + large.sum()
    assert boxes(picture_of(y, {}))["s"].rows == (("shape", "(2,)"), ("data", "[1, 2]"), ("grad", "–"))
    assert boxes(picture_of(y, {}))["l"].rows == (("shape", "(3, 4)"), ("grad", "–"))
    y.backward()
    assert boxes(picture_of(y, {}))["s"].rows[2] == ("grad", "[2, 4]")
    assert boxes(picture_of(y, {}))["l"].rows[1] == ("grad", "norm 3.464")
    assert "[1, 2]" in [a.local for a in picture_of(y, {}).arrows]


def test_a_picture_of_names_shows_no_number_anywhere():
    x, W = Tensor([0.25, 0.75], label="x"), Tensor([[0.5, 1.25], [3.5, 7.5]], label="W")
    y = (W @ x).sum() * 1.0
    y.backward()
    drawn = viz.draw(y, show="names", names={})
    assert dict(boxes(drawn.picture)["W"].rows) == {"shape": "(2, 2)"}
    assert {(a.local, a.chip) for a in drawn.picture.arrows} == {("", "local")}
    seen = " ".join(re.findall(r">([^<]+)<", drawn.svg))
    assert not re.search(r"0\.25|0\.5|1\.25|3\.5|7\.5|data|grad", drawn.text + drawn.mermaid + seen)
    assert "no numbers" in drawn.svg


def test_empty_tensors_and_odd_numbers():
    x = Tensor(np.ones((0, 3)), label="x")
    assert boxes(picture_of(x.sum(), {}))["x"].rows[:2] == (("shape", "(0, 3)"), ("data", "[]"))
    y = Value(float("nan"), label="n") * float("inf") + Value(-0.0, label="z")
    y.backward()
    picture = picture_of(y, {})
    assert boxes(picture)["n"].rows[0] == ("data", "nan")
    assert boxes(picture)["z"].rows[0] == ("data", "0")
    assert "inf" in [a.local for a in picture.arrows]


def test_many_arguments():
    values = [Value(float(i)) for i in range(20)]
    picture = picture_of(ops.add_n(*values), {})
    assert [a.local for a in picture.arrows] == ["1"] * 20


def test_a_picture_is_json_able_and_holds_only_text():
    o = neuron()
    o.backward()
    data = dataclasses.asdict(picture_of(o * float("inf"), {}))
    text = json.dumps(data, allow_nan=False)
    assert json.loads(text)["boxes"][0]["name"] == "x1"


def test_the_same_program_gives_the_same_bytes():
    program = (
        "import viz; from autograd_mini import Value\n"
        "a = Value(1.0, label='a'); b = Value(2.0); c = [a * b, a + b]; d = c[0] * c[1] + a.sin() * b * b\n"
        "d.backward(); drawing = viz.draw(d); print(drawing.source, drawing.svg)"
    )
    argv, runs = [sys.executable, "-c", program], set()
    for seed in "12":
        hashed = {**os.environ, "PYTHONHASHSEED": seed}
        runs.add(subprocess.run(argv, env=hashed, capture_output=True, check=True, timeout=120).stdout)
    assert len(runs) == 1


def test_names_come_from_labels_then_variables_then_numbers():
    a, b, w = Value(1.0, label="alpha"), Value(2.0), [Value(3.0), Value(4.0)]
    loss = (a * b + w[0]) * w[1]
    assert set(boxes(viz.draw(loss).picture)) == {"alpha", "b", "w[0]", "w[1]", "v1", "v2", "loss"}
    assert set(boxes(viz.draw(loss, names={}).picture)) == {"alpha", "v1", "v2", "v3", "v4", "v5", "L"}
    assert set(boxes(viz.draw(loss, names={"p": b, "q": a}).picture)) == {"alpha", "p", "v1", "v2", "v3", "v4", "L"}


def test_variables_of_a_function_hide_those_of_its_module():
    namespace = caller_namespace()
    assert "namespace" not in namespace
    assert namespace["neuron"] is neuron

    def inner(neuron):
        return caller_namespace()["neuron"]

    assert inner(5) == 5


def test_underscores_hold_old_outputs_and_give_no_names():
    x = Value(1.0)
    assert variables_of([x], {"_": x, "__": x, "_1": x}) == {}


def test_the_picture_is_of_the_moment_it_was_taken():
    x = Value(3.0, label="x")
    y = x * x
    drawing = viz.draw(y)
    y.backward()
    assert "–" in drawing.svg
    x.data = 4.0
    again = viz.draw(y).picture
    assert again.boxes[0].rows == (("data", "3"), ("grad", "6"), ("now", "4"))
    assert again.note == "As recorded: 1 leaf holds other data now."
    for _ in range(4):
        x.data = (x + 1.0).data
    with pytest.raises(StaleError):
        viz.draw(y)


def test_of_a_large_graph_without_groups_the_end_is_drawn_and_the_picture_says_so():
    x = Value(1.0)
    for _ in range(300):
        x = x + 1.0
    picture = viz.draw(x, names={}).picture
    assert picture.note == "Summary: 301 nodes in 300 boxes. A thick rim: folded; a larger limit shows more."
    assert [box.name for box in picture.boxes if box.kind == FOLDED] == ["2 earlier nodes"]
    assert (viz.draw(x, limit=None).picture.note, len(viz.draw(x, limit=None).picture.boxes)) == ("", 601)
    assert [box.name for box in viz.draw(x, limit=2, names={}).picture.boxes if box.kind != CONSTANT] == [
        "300 earlier nodes",
        "L",
    ]


def test_of_a_hundred_thousand_nodes_the_end_is_drawn():
    x = Value(1.0)
    for _ in range(100_000):
        x = x + 1.0
    assert [box.name for box in viz.draw(x).picture.boxes if box.kind == FOLDED] == ["99,702 earlier nodes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"root": 3.0}, "takes the Value or Tensor"),
        ({"direction": "UP"}, "direction is one of LR, TB, RL, BT"),
        ({"engine": "fdp"}, "engine is one of auto, bundled, system"),
    ],
)
def test_wrong_arguments(arguments, message):
    given = {"root": Value(1.0), **arguments}
    with pytest.raises(ValueError, match=message):
        viz.draw(given.pop("root"), **given)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\r\n\tc", "a b c"),
        ("\x00\x07\x1b[0m", "[0m"),
        ("\ud800\udfff", ""),
        ("\ufffe\U0010ffff", ""),
        ("\u202eabc\u2066", "abc"),
        ("\ue000", ""),
        ("שלום", "שלום"),
        ("é", "é"),
        ("  a  ", "a"),
        ("", ""),
        ("<&>\"'\\", "<&>\"'\\"),
    ],
)
def test_text_that_cannot_be_shown_is_left_out(text, shown):
    assert clean(text) == shown


def test_a_megabyte_of_text_is_cut():
    assert len(clean("x" * 10**6)) == LONG
    x = Value(1.0, label="x" * 10**6)
    picture = picture_of(x + x, {})
    assert all(len(box.name) <= 40 and len(box.tooltip) <= 2 * LONG for box in picture.boxes)


def test_a_label_of_which_nothing_can_be_shown_still_gives_a_name():
    for label in (" \n ", "\x00", "\u202e"):
        assert picture_of(Value(1.0, label=label), {}).boxes[0].name == "L"


@pytest.mark.parametrize(
    ("x", "text"),
    [(0.1 + 0.2, "0.3"), (1e-300, "1e-300"), (123456.0, "1.235e+05"), (-0.0, "0"), (float("-inf"), "-inf")],
)
def test_numbers_have_four_digits(x, text):
    assert number(x) == text


def test_entries_of_small_arrays():
    assert entries(np.array([[1.0, np.nan], [-0.0, 2.5]])) == "[[1, nan], [0, 2.5]]"
    assert entries(np.ones(7)) == "shape (7,)"


def test_a_constant_has_a_name_where_its_place_does_not_say_what_it_is():
    x = Value(2.0)
    constants = {
        box.name + box.rows[0][1]
        for y in (ops.maximum(x, 3.0), x**4.0, ops.greater(x, 5.0), ops.clip(x, 6.0, 7.0), ops.elu(x, 8.0))
        for box in picture_of(y, {}).boxes
        if box.kind == CONSTANT
    }
    assert constants == {"3", "4", "5", "lo6", "hi7", "alpha8"}
