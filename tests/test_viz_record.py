"""What a picture and a page are made of: the words and numbers of a record, folded steps, and where each limit lies."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from typing import Any

import numpy as np
import pytest
from tables import each

from autograd_mini import Tensor, Value, modes, ops
from autograd_mini.sweep import order
from nn import MLP
from viz.colours import PALETTE
from viz.graph.dot import SIZE
from viz.heatmap import ROOM
from viz.stepping import card_layout, fold_data, mistakes, plain_script, player_page, record
from viz.stepping.card_layout import CHIP, DEAD, HEAT, PAD, card_width, chip_text, chip_width
from viz.stepping.card_svg import colours_css, gradients_at_end
from viz.stepping.frames import Edge, Fold, Frames, Step, Vertex, fold, frames_of, mark, outline_of, stretched
from viz.stepping.numbers import held, number_from, number_to, plus
from viz.stepping.player_page import PlayerError, player
from viz.stepping.record import number_of, record_of
from viz.text import BRIEF, measured, width

X, A, B = Value(2.0, label="x"), Tensor(np.ones((4, 3)), label="A"), Tensor(np.ones(3), label="b")


def chain(length: int) -> Any:
    """Return a graph of so many nodes."""
    y = Value(0.5, label="x")
    for _ in range(length - 1):
        y = y.tanh()
    return y


def names_in(root: Any, **given: Any) -> dict[Any, str]:
    """Return a name for each node: its label, what is given, "L" for the root, else the next of v1, v2."""
    called = {node: name for name, node in given.items()}
    nodes = order(root)[::-1]
    numbered = (f"v{i}" for i in range(1, len(nodes) + 1))
    return {n: called.get(n) or n.label or ("L" if n is root else next(numbered)) for n in nodes}


# Words ----------------------------------------------------------------------------------------------------------------


@each([
    (X * -0.5, "* (-0.5)"), (X * 0.0, "* 0"), (2.0 - X, "2 -"), (X - 2.0, "- 2"), (3.0 / X, "3 /"), (X**2.0, "** 2"),
    (ops.maximum(2.0, X), "maximum 2"), (ops.leaky_relu(X, -0.2), "leaky_relu (-0.2)"), (X * X, "*"), (X, ""),
])  # fmt: skip
def test_a_mark_has_the_constants_on_the_side_where_they_stand(node: Any, text: str) -> None:
    assert mark(node) == text


@each([
    (A * B, 1, (0,)), (A * B, 0, ()), (A * Tensor(np.ones((1, 3))), 1, (0,)), (A * Tensor(np.ones((4, 1))), 1, (1,)),
    (A * X, 1, (0, 1)), (Tensor(np.ones((1, 1))) * A, 0, (0, 1)), (X * X, 0, ()),
    (Tensor(np.ones((2, 4, 3))) * Tensor(np.ones((1, 3))), 1, (0, 1)), (ops.greater(A, B), 1, (0,)),
])  # fmt: skip
def test_an_argument_is_repeated_along_the_axes_that_it_lacks_or_has_one_entry_in(node: Any, i: int, axes: Any) -> None:
    assert stretched(node, i) == (node.shape, axes)


def test_a_bias_alone_is_repeated_by_affine() -> None:
    z = ops.affine(A, Tensor(np.ones((2, 3))), Tensor(np.ones(2)))
    assert [stretched(z, i)[1] for i in range(3)] == [(), (), (0,)]
    assert stretched(A.sum(), 0)[1] == stretched(A.reshape((3, 4)), 0)[1] == ()


def test_numbers_of_frames_add_up_but_not_norms() -> None:
    assert (plus(1.0, 2.0), plus([1.0, 2.0], 3.0), plus([1.0], [2.0])) == (3.0, [4.0, 5.0], [3.0])
    for x, y in (({"norm": 1.0}, 2.0), (2.0, {"norm": 1.0}), ({"norm": 1.0}, {"norm": 1.0})):
        assert math.isnan(plus(x, y)["norm"])  # type: ignore[index, call-overload]
    assert (held(None), held(np.float32(2.0)), number_to(math.inf), number_from(2)) == (None, 2.0, "inf", 2.0)
    assert math.isnan(number_from({"norm": 1.0}))


# The record -----------------------------------------------------------------------------------------------------------


def test_a_name_is_left_out_where_it_is_the_next_of_v1_v2_and_what_is_0_only_at_the_end() -> None:
    x = Value(0.0)
    nodes = [x]
    for k in range(4):
        nodes.append(nodes[-1] * (k + 2.0))
    constants = [[[i, [i + 2.0]]] for i in range(4)]
    for given, told in (
        ("v1 a v2 v7 v8", [0, "a", 0, "v7", 0]),
        ("a v1 v2 v2 L", ["a", 0, 0, "v2", "L"]),
        ("v1 v3 v2 v4 v3", [0, "v3", "v2", "v4", "v3"]),
    ):
        wanted = [[-1, 0.0], *([0, *c] for c in constants)]
        record = record_of(nodes[-1], dict(zip(nodes, given.split())))
        assert record["nodes"] == [[*node, *([name] if name else [])] for node, name in zip(wanted, told)]


def test_float32_is_told_of_arrays_alone() -> None:
    x, c = Tensor([1.0, 2.0], dtype=np.float32, label="x"), Tensor([1.0, 2.0], label="c")
    y = x * Value(2.0, label="k") * c
    more = [node[4] if len(node) > 4 else {} for node in record_of(y, names_in(y), gradient=np.ones(2))["nodes"]]
    dtypes = {n.label: n._data.dtype for n in order(y)[::-1] if n.ndim}
    assert dtypes["x"] == np.float32
    assert [m.get("single") for m in more] == [
        1 if n.ndim and n._data.dtype == np.float32 else None for n in order(y)[::-1]
    ]


@each([
    (lambda x: x[np.array([True, False, True])], ["getitem"]),
    (lambda x: x[[True, False, True]], ["getitem"]),
    (lambda x: x[[0, 2]], None),
    (lambda x: x[1:], None),
    (lambda x: ops.where(np.array([True, False, True]), x, 0.0), ["where"]),
    (lambda x: ops.where(True, x, 0.0), ["where"]),
    (lambda x: ops.where(np.array([1.0, 0.0, 1.0]), x, 0.0), None),
    (lambda x: ops.where(x, np.array([True, False, True]), x), None),
])  # fmt: skip
def test_what_a_comparison_gave_is_kept_and_said_to_be_and_nothing_else(make: Any, lacking: Any) -> None:
    y = make(Tensor(np.arange(3.0), label="x"))
    told = record_of(y, names_in(y), gradient=np.ones(y.shape))
    assert told.get("lacking") == lacking
    assert ("given" in told["nodes"][-1][-1]) if lacking else ("why" not in told)


def test_true_and_false_in_a_record_are_1_and_0_and_settings_are_themselves() -> None:
    x = Tensor(np.arange(3.0), label="x")
    y = ops.where(True, x, 0.0)
    assert json.dumps(record_of(y, names_in(y), gradient=np.ones(3))["nodes"][-1][1]) == "[[1], 0, [0.0]]"
    y = ops.sum(x, axis=0, keepdims=True)
    assert json.dumps(record_of(y, names_in(y), gradient=np.ones(1))["nodes"][-1][1]) == "[0, [0], [true]]"


@each([
    (lambda x: x[None], [None]),
    (lambda x: x[..., 1], ["...", 1]),
    (lambda x: x[None, np.int64(1), ...], [None, 1, "..."]),
    (lambda x: x[1:3:2, None], [{"start": 1, "stop": 3, "by": 2}, None]),
    (lambda x: x[::-1], [{"start": None, "stop": None, "by": -1}]),
    (lambda x: x[np.array([2, 0]), 1], {"shape": [2], "data": [7.0, 1.0]}),
    (lambda x: x[[1]], {"shape": [1, 3], "data": [3.0, 4.0, 5.0]}),
])  # fmt: skip
def test_an_index_is_told_part_by_part_and_one_with_arrays_by_the_places_that_it_takes(make: Any, told: Any) -> None:
    y = make(Tensor(np.arange(12.0).reshape(4, 3), label="x"))
    assert record_of(y, names_in(y), gradient=np.ones(y.shape))["nodes"][-1][1] == [0, [told]]


def test_an_index_to_write_at_is_told_by_the_places_of_what_is_written_to() -> None:
    y = ops.scatter(Tensor(np.ones((2, 3)), label="x"), np.array([3, 0]), (4, 3))
    told = record_of(y, names_in(y), gradient=np.ones(y.shape))["nodes"][-1][1]
    assert told[1] == [{"shape": [2, 3], "data": [9.0, 10.0, 11.0, 0.0, 1.0, 2.0]}]


def test_the_right_side_of_an_equation_is_told_unless_its_name_is_an_equation_itself() -> None:
    y = A.sum()
    for name, right in (("L", "sum(A)"), ("a = b", "")):
        words = record_of(y, {A: "A", y: name})["nodes"][-1][-1]["words"]
        assert (words["right"], words["mark"]) == (right, "sum")


def test_two_reasons_of_one_page_are_told_by_the_first() -> None:
    x = Value(2.0, label="x")
    y = x * x if x > 1.0 else -x
    z = ops.where(np.True_, y, 0.0)
    told = record_of(z, names_in(z))
    assert told["why"].startswith("where keeps a condition")
    x = Value(2.0, label="x")
    y = x * x if x > 1.5 and x < 3.25 else -x
    assert record_of(y, names_in(y))["why"].endswith("where x > 1.5 was asked")


@each([Vertex, Edge, Step, Fold, Frames, card_layout.Curve, card_layout.Scope,
       card_layout.CardLayout, mistakes.Sent, mistakes.Difference, mistakes.Comparison])  # fmt: skip
def test_what_pages_pictures_and_films_share_cannot_be_changed(kind: Any) -> None:
    (name, *_) = (field.name for field in dataclasses.fields(kind))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(object.__new__(kind), name, 1)


# Steps of groups ------------------------------------------------------------------------------------------------------


def test_a_closed_group_computes_its_last_node_and_sends_what_its_nodes_send_out_of_it() -> None:
    x = Value(0.5, label="x")
    a = x * x
    b = a.tanh()
    c = b * x + x
    frames = frames_of(c, paths={a: ("g", "h"), b: ("g",)}, folds=[Fold("g", "g"), Fold("h", "h", parent="g")])
    by_a, by_b = 2.0 * 0.5 * (1.0 - math.tanh(0.25) ** 2) * 0.5, math.tanh(0.25)
    for closed, path, node in ((["g"], ("g",), 2), (["h"], ("g", "h"), 1), (["g", "h"], ("g",), 2)):
        there, back = (step for step in fold(frames, closed).steps if step.kind == "group")
        assert (there.node, there.group_path, there.sent) == (node, path, ())
        assert back.group_path == path
        ((target, amount, before, after),) = back.sent
        assert target == 0
        assert [amount, before, after] == pytest.approx([by_a, 1.0 + by_b, 1.0 + by_b + by_a], rel=1e-12)
        for step in (there, back):
            assert {frames.steps[part].group_path[: len(path)] for part in step.parts} == {path}
        outside = [step for step in frames.steps if step.group_path[: len(path)] != path]
        assert len(fold(frames, closed).steps) == len(outside) + 2


def test_a_closed_group_of_arrays_sends_sums_along_what_it_repeated() -> None:
    b = Tensor([1.0, -2.0, 0.5], label="b")
    h = ops.tanh(A * b)
    frames = frames_of((h * b).sum(), paths={h: ("g",), h.args[0]: ("g",)}, folds=[Fold("g", "h")])
    assert [step.kind for step in frames.steps].count("reduce") == 2
    (back,) = (step for step in fold(frames, ["g"]).steps if step.kind == "group" and step.sent)
    sent = {frames.vertices[target].name: numbers for target, *numbers in back.sent}
    slope = b.data * (1.0 - np.tanh(b.data) ** 2)
    before, sums = 4.0 * np.tanh(b.data), 4.0 * slope
    np.testing.assert_allclose(sent["b"], [sums, before, before + sums], rtol=1e-12)
    assert sent["A"][1] is None
    np.testing.assert_allclose(sent["A"][::2], [[slope * b.data] * 4] * 2, rtol=1e-12)


def test_what_no_gradient_reaches_has_none_at_the_end_whatever_is_repeated_for_it() -> None:
    frames = frames_of((ops.step(A * B) * A).sum())
    assert {frames.vertices[v].name for v in gradients_at_end(frames)} == {"A", "v1", "v2", "v3", "L"}
    assert gradients_at_end(frames)[5] == 1.0


def test_the_numbers_of_a_circle_are_those_of_its_output_also_where_younger_nodes_lie_in_it() -> None:
    net = MLP(2, [2, 1], "tanh", rng=0)
    root = net([1.0, 2.0]) + sum(p * p for p in net.parameters())
    folds, paths = fold_data.folds_of(root, net, {})
    frames = frames_of(root, None, paths, folds)
    places = card_layout.card_layout_of(frames, "python")
    shown = [card_layout.end_of(frames, circle, places) for circle in sorted(places.rounds)]
    assert [vertex.op for vertex in shown] == ["tanh", "tanh", "+"]
    for circle, vertex in zip(sorted(places.rounds), shown):
        assert [v.op for v in frames.vertices if circle in v.group_path and v.id > vertex.id] == ["*"] * 3


def test_an_outline_has_the_vertices_the_edges_and_the_gradients_of_the_frames() -> None:
    y = (ops.tanh(A * B) * X).sum()
    names = names_in(y)
    whole, outline = frames_of(y, {n: names[n] for n in order(y)}), outline_of(y, names, {})
    for v, w in zip(outline.vertices, whole.vertices, strict=True):
        assert (v.id, v.name, v.latex, v.op, v.shape, v.data) == (w.id, w.name, w.latex, w.op, w.shape, w.data)
        assert (v.uses, v.group_path, v.source, v.now) == (0, (), None, None)
    for e, f in zip(outline.edges, whole.edges, strict=True):
        assert (e.id, e.tail, e.head, e.place, e.carries) == (f.id, f.tail, f.head, f.place, f.carries)
    start, there, seed, back = outline.steps
    assert start == whole.steps[0]
    assert {there.node, seed.node, back.node} == {len(whole.vertices) - 1}
    assert (seed.after, there.sent) == (1.0, ())
    ends = {step.target: step.after for step in whole.steps if step.kind == "contribute"}
    assert {target: after for target, _, _, after in back.sent} == ends
    assert all((amount, before) == (after, None) for _, amount, before, after in back.sent)


# Room -----------------------------------------------------------------------------------------------------------------


def test_a_card_has_room_for_what_stands_on_it() -> None:
    long, values = "a_name_that_is_longer_than_most", ["0" * 30, "1"]
    assert card_width("x", "+", []) == card_layout.LEAST
    assert card_width(long, "tanh", []) == round(PAD + width(long, SIZE) + 14 + width("tanh", SIZE) + PAD, 1)
    assert card_width(long, "", []) == round(PAD + width(long, SIZE) + PAD, 1)
    assert card_width("x", "", values) == round(PAD + 40 + width(values[0], SIZE) + PAD, 1)
    net = MLP(2, [1], "tanh", rng=0)
    root = (net([1.0, 2.0]) * A).sum()
    folds, paths = fold_data.folds_of(root, net, {})
    frames = frames_of(root, None, paths, folds)
    wide = card_layout.card_layout_of(frames, "python").widths
    for vertex in frames.vertices:
        if vertex.shape:
            rest = max(measured("norm 1.234e-05", SIZE), measured(str(vertex.shape), SIZE)) + 1.5 * PAD
            assert wide[f"n{vertex.id}"] >= round(HEAT + ROOM[0] + rest, 1)
    for group in frames.folds:
        assert wide[group.id] >= min(
            36.0 if group.kind == "neuron" else 999.0, card_width(group.title, "", ["0" * BRIEF])
        )


def test_a_chip_is_as_wide_as_its_words_and_no_narrower_than_one_of_a_number() -> None:
    y = (A @ Tensor(np.ones((3, 2)))).sum() + (Tensor(np.full((123, 45, 67), 1e-5)) * X).sum()
    frames = frames_of(y)
    for edge in frames.edges:
        shape = frames.vertices[edge.tail].shape
        words = measured(DEAD + chip_text(edge, shape).replace("‖", "||"), 12.0, bold=True)
        number = isinstance(edge.local, float)
        assert chip_width(edge, shape) == (CHIP[0] if number else max(CHIP[0], round(4.0 + words + 4.0, 1)))
    assert max(chip_width(e, frames.vertices[e.tail].shape) for e in frames.edges) > 1.5 * CHIP[0]


def test_a_scene_has_the_palette_of_its_surroundings() -> None:
    light, dark = (dict(re.findall(r"--([\w-]+):([^;]+);", part)) for part in colours_css(".a").split("@media"))
    assert light == {name: colour.light for name, colour in PALETTE.items()}
    assert light | dark == {name: colour.dark for name, colour in PALETTE.items()}
    assert not light.items() & dark.items()


def test_a_chip_says_a_number_the_norm_of_an_array_or_the_shape_that_travels() -> None:
    edge = frames_of(X * X).edges[0]
    for local, shape, told in (
        (2.0 / 3.0, (), "0.6667"), ([3.0, -4.0], (2,), "‖5‖"), ({"norm": 12.3456}, (9, 9), "‖12.3‖"),
        (None, (2, 3), "(2, 3)"), (None, (), "vjp"),
    ):  # fmt: skip
        assert chip_text(dataclasses.replace(edge, local=local), shape) == told  # type: ignore[arg-type]


# Where limits lie -----------------------------------------------------------------------------------------------------


def test_entries_are_written_out_up_to_the_limit_and_travel_as_bytes_beyond(monkeypatch: Any) -> None:
    monkeypatch.setattr(record, "WRITTEN", 5)
    assert number_of(np.arange(5.0)) == {"shape": [5], "data": [0.0, 1.0, 2.0, 3.0, 4.0]}
    assert {*number_of(np.arange(6.0))} == {"shape", "bytes"}


def test_a_page_has_lines_for_as_many_nodes_as_somebody_reads(monkeypatch: Any) -> None:
    monkeypatch.setattr(plain_script, "READABLE", 4)
    for length, found in ((4, 3), (5, 0)):
        assert plain_script.plain_script(order(chain(length))[::-1], False).count("=> tanh") == found


def test_a_formula_is_told_up_to_its_limit(monkeypatch: Any) -> None:
    monkeypatch.setattr(record, "LONGEST", 9)
    monkeypatch.setattr(player_page, "LONGEST", 9)
    for length, told in ((1, "abcd * 3 > 1"), (2, "abcde * 3 > 1"), (3, "an entry > 1")):
        x = Value(2.0, label="abcdef"[: 3 + length])
        y = x * x if x * 3.0 > 1.0 else -x
        assert record_of(y, names_in(y))["why"].endswith(f"where {told} was asked")
        assert ("formula" in player(x * 3.0, names={}).record) == (length < 3)


@each([(3, 4, True), (4, 4, True), (5, 4, False)])
def test_a_page_is_told_in_steps_up_to_its_limit(nodes: int, limit: int, whole: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(player_page, "WHOLE", limit)
        made = player(chain(nodes), names={})
        steps = 2 * nodes
        assert repr(made) == f"<Player of L: {nodes} nodes{f', {steps} steps' if whole else ''}>"
        assert ("are told where scripts run" in made.html) != whole
        assert len(made.frames.steps) == steps
        assert len(made._seen.steps) == (steps if whole else 4)


def test_nodes_and_steps_up_to_their_limits_are_played(monkeypatch: Any) -> None:
    monkeypatch.setattr(player_page, "MOST", 4)
    monkeypatch.setattr(player_page, "ANIMATED", 6)
    with pytest.raises(PlayerError, match="5 nodes, more than 4"):
        player(chain(5), names={})
    with pytest.raises(PlayerError, match="8 steps, more than 6"):
        _ = player(chain(4), names={}).animation
    assert player(chain(3), names={}).animation.startswith("<svg")


@each([(0, 2, True), (0, 3, True), (0, 4, True), (0, 5, False), (1, 4, False)])
def test_a_labelled_expression_of_few_nodes_needs_no_group(inner: int, nodes: int, few: bool) -> None:
    """Three nodes of its own at most, and none that is a group already."""
    x = Value(0.5, label="x")
    y = x
    if inner:
        for _ in range(5):
            y = y.tanh()
        y.label = "inside"
    for _ in range(nodes - 1):
        y = y.tanh()
    y.label = "said"
    folds, _ = fold_data.folds_of(y * x, None, {})
    assert ("said" not in {each.title for each in folds}) == few


def test_a_group_beside_a_network_is_open_while_it_holds_few(monkeypatch: Any) -> None:
    net = MLP(2, [2, 1], "tanh", rng=0)
    beside = chain(6)
    beside.label = "said"
    root = net([1.0, 2.0]) * beside
    folds, paths = fold_data.folds_of(root, net, {})
    frames = frames_of(root, None, paths, folds)
    (said,) = (group.id for group in folds if group.title == "said")
    held = sum((v.group_path or ("",))[-1] == said for v in frames.vertices) + sum(f.parent == said for f in folds)
    for limit in (held - 1, held, held + 1):
        monkeypatch.setattr(card_layout, "FEW", limit)
        opened = card_layout.network_at_start(frames, card_layout.rounds_of(folds))
        assert (said in opened) == (held <= limit)
        assert not {*opened} & card_layout.rounds_of(folds)


def test_what_lies_around_neurons_is_open_however_much_it_holds(monkeypatch: Any) -> None:
    monkeypatch.setattr(card_layout, "FEW", 0)
    net = MLP(2, [2, 1], "tanh", rng=0)
    with modes.group("inner"):
        y = net([1.0, 2.0])
    with modes.group("outer"), modes.group("inner"):
        root = net([y, 2.0])
    folds, paths = fold_data.folds_of(root, net, {})
    frames, rounds = frames_of(root, None, paths, folds), card_layout.rounds_of(folds)
    parents = {fold.id: fold.parent for fold in folds}
    around = {parents[neuron] for neuron in rounds}
    for _ in folds:
        around |= {parents[each] for each in around if each}
    assert len(around - {""}) > len({parents[neuron] for neuron in rounds})
    assert {*card_layout.network_at_start(frames, rounds)} == around - {""}


def test_the_lines_of_a_film_and_the_pictures_of_a_page_know_where_a_graph_becomes_long(monkeypatch: Any) -> None:
    y = chain(9)
    seen = card_layout.cards_of(frames_of(y), set())
    monkeypatch.setattr(card_layout, "OPEN", 9)
    monkeypatch.setattr(card_layout, "LONG", 9)
    assert not card_layout._is_long(seen)
    monkeypatch.setattr(card_layout, "OPEN", 8)
    assert not card_layout._is_long(seen)
    monkeypatch.setattr(card_layout, "LONG", 8)
    assert card_layout._is_long(seen)
    monkeypatch.setattr(card_layout, "OPEN", 9)
    assert not card_layout._is_long(seen)


def test_a_place_is_told_in_tenths_across_and_down() -> None:
    assert card_layout._near((1.26, -2.34)) == (1.3, -2.3)
