"""The player's scene and its film, element by element: each lies where the layout puts it and is seen in its time."""

import itertools
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from math import inf

import numpy as np
import pytest

from autograd_mini import Tensor, Value, ops
from autograd_mini.sweep import order
from nn import MLP
from viz import player
from viz.graph.layered import STEP
from viz.stepping.animation import _lines as lines_of
from viz.stepping.animation import animation_of, seconds_of, stills_of
from viz.stepping.card_layout import BRIEF, CHIP, HIGH, PAD, _in_order, brief, card_layout_of, open_at_start, shown
from viz.stepping.card_svg import (
    GRAD_ROW,
    KEY_ROW,
    MARGIN,
    _tone,
    _weights,
    asset,
    cards_svg,
    gradients_at_end,
    path_data,
    tiny,
)
from viz.stepping.fold_data import folds_of
from viz.stepping.frames import fold, frames_of, mark
from viz.stepping.heats import heats_of
from viz.stepping.network_columns import APART, HEAD, PITCH, ROUND, STEEP
from viz.stepping.numbers import ENTRIES, held
from viz.stepping.player_page import OF_ARRAYS, SCRIPTS, code
from viz.stepping.record import record_of
from viz.stepping.scopes import cards_of
from viz.stepping.sentences import sentences
from viz.text import measured

SVG = "{http://www.w3.org/2000/svg}"


def neuron():
    x, w = Value(2.0, label="x"), Value(-3.0, label="w")
    return ((w * x + 1.5).tanh() * w + 2.0) ** 2.0, None


def network():
    net = MLP(2, [3, 2, 1], "tanh", rng=0)
    return (net([1.0, -2.0]) - 1.0) ** 2.0, net


def inputs():
    """Four inputs, each computed, are taller than the layers that they go into."""
    net = MLP(4, [2, 1], "tanh", rng=0)
    return net([Value(0.1 * i, label=f"x{i}").tanh() for i in range(4)]), net


def expressions():
    """Two labelled expressions, closed: each lies before what uses it."""
    x = Value(0.5, label="x")
    a = b = x * 2.0
    for _ in range(5):
        a, b = a.tanh(), b.sin()
    a.label, b.label = "a", "b"
    return (a * 3.0 + b) * x, None


def arrays():
    x, W = Tensor([[1.0, -2.0], [0.5, 3.0]], label="x"), Tensor([[0.5, 1.0], [2.0, -1.0]], label="W")
    return (ops.tanh(x @ W) * Tensor([1.0, 2.0])).sum(), None


def laid():
    """A network that a layout program lays out."""
    net = MLP(1, [2, 1], "tanh", rng=0)
    return net([1.0]), net


def scene_of(make):
    root, model = make()
    folds, paths = folds_of(root, model, {})
    whole = frames_of(root, None, paths, folds)
    places = card_layout_of(whole, "bundled" if make is laid else "python")
    return fold(whole, [f.id for f in folds if f.id not in places.opened]), places


SCENES = {make.__name__: scene_of(make) for make in (neuron, expressions, network, inputs, arrays, laid)}
every_scene = pytest.mark.parametrize(("frames", "places"), SCENES.values(), ids=SCENES)


def numbers(text):
    return [float(x) for x in re.findall(r"-?[\d.]+(?:e[-+]\d+)?", text)]


def drawn(text, kind):
    """Return the elements of a class, each with its attributes as numbers where they are numbers."""
    return [e for e in ElementTree.fromstring(text).iter() if kind in e.get("class", "").split()]


def at(element, *names):
    return [float(element.get(name)) for name in names]


@every_scene
def test_the_picture_has_a_margin_and_a_card_lies_in_its_place_with_all_that_is_on_it(frames, places):
    text = cards_svg(frames, places)
    wide, high = places.scope.size
    assert numbers(ElementTree.fromstring(text).get("viewBox")) == pytest.approx(
        [-MARGIN, -MARGIN, wide + 2 * MARGIN, high + 2 * MARGIN], abs=0.1
    )
    cards = {card.get("data-card"): card for card in drawn(text, "card") if card.get("data-card")}
    assert cards.keys() == places.scope.cards.keys()
    for name, card in cards.items():
        (x, y), (wide, high) = places.scope.cards[name], places.size(name)
        assert numbers(card.get("transform")) == pytest.approx([x - wide / 2, y - high / 2], rel=1e-4)
        for words in card.iter(f"{SVG}text"):
            left, low = at(words, "x", "y")
            assert 0 < left < wide
            assert 12 <= low <= high - 6
        for rect in card.iterfind(f"{SVG}rect"):
            across, down = at(rect, "width", "height")
            left, top = (float(rect.get(side, 0)) for side in "xy")
            pile = 4 if rect.get("class") == "pile" else 0
            assert (rect.get("class") != "pile") or not name.startswith("n"), "a group alone looks like many"
            assert rect.get("class") != "slot" or [2 * left, left + across] == pytest.approx([wide, wide - 6], rel=1e-4)
            assert 0 <= left <= left + across <= wide + pile
            assert -pile <= top <= top + down <= high
        vertex = frames.vertices[int(name[1:])] if name.startswith("n") else None
        root = vertex is not None and vertex.id == len(frames.vertices) - 1
        kind = "fold" if vertex is None else "leaf" if not vertex.op else "root" if root else "inner"
        assert card.get("class").split()[1] == kind
        if vertex is not None:
            said = {t.get("class"): t.text for t in card.iterfind(f"{SVG}text")}
            assert (said["name"], said["op"]) == (vertex.name, vertex.op or "leaf")
        if vertex is not None and vertex.shape:
            key, value = ([t.text for t in card if "data" in t.get("class", "")] + [""])[:2]
            entries = shown(vertex.data)
            fits = len(entries) <= BRIEF and "norm" not in entries
            assert (key, value) == (("data", entries) if fits else ("shape", str(vertex.shape)))
        circles = list(card.iter(f"{SVG}circle"))
        assert [circle.get("class").split()[0] for circle in circles] == (
            ["body"] if name in places.rounds else ["stop"] if vertex is not None else []
        )
        for circle in circles:
            if name in places.rounds:
                assert at(circle, "cx", "cy", "r") == [ROUND / 2] * 3
                assert at(card.find(f"{SVG}text"), "x", "y") == [ROUND / 2, ROUND / 2 + 4]


@every_scene
def test_a_frame_lies_in_the_picture_with_its_name_inside(frames, places):
    found = {g.get("data-fold"): g for g in drawn(cards_svg(frames, places), "frame")}
    assert found.keys() == places.scope.frames.keys()
    for name, (x, y, wide, high) in places.scope.frames.items():
        assert at(found[name].find(f"{SVG}rect"), "x", "y", "width", "height") == pytest.approx(
            [x, y, wide, high], rel=1e-4
        )
        assert at(found[name].find(f"{SVG}text"), "x", "y") == pytest.approx([x + 10, y + 16], rel=1e-4)
        assert 0 <= x <= x + wide <= places.scope.size[0] + 0.1
        assert 0 <= y <= y + high <= places.scope.size[1] + 0.1
        for card, (at_x, at_y) in places.scope.cards.items():
            if card.startswith("n") and name in frames.vertices[int(card[1:])].group_path:
                across, down = places.size(card)
                assert x <= at_x - across / 2 <= at_x + across / 2 <= x + wide
                assert y <= at_y - down / 2 <= at_y + down / 2 <= y + high
        cards = [
            places.scope.cards[c]
            for c in places.scope.cards
            if any(f.id == c and f.parent == name for f in frames.folds)
        ]
        for at_x, at_y in cards:
            assert x < at_x < x + wide
            assert y < at_y < y + high
        if cards:
            assert y + high - max(low for _, low in cards) == ROUND / 2 + 12
            assert min(low for _, low in cards) - y == ROUND / 2 + 26
            assert x + wide - max(at_x for at_x, _ in cards) == ROUND / 2 + 12
            assert min(at_x for at_x, _ in cards) - x == ROUND / 2 + 12
        inner = {f.id for f in frames.folds if f.parent == name} & places.scope.frames.keys()
        for left, top, across, down in map(places.scope.frames.get, inner):
            assert x + 8 <= left <= left + across <= x + wide - 8
            assert y + 20 <= top <= top + down <= y + high - 8


def test_a_layout_program_leaves_as_much_room_in_a_frame_as_it_was_asked_for_and_its_name_needs():
    frames, places = SCENES["laid"]
    for group, (x, y, wide, high) in places.scope.frames.items():
        cards = [(at_, places.size(card)) for card, at_ in places.scope.cards.items() if holds(frames, group, card)]
        boxes = [(at_x - w / 2, at_y - h / 2, at_x + w / 2, at_y + h / 2) for (at_x, at_y), (w, h) in cards]
        inner = [places.scope.frames[f.id] for f in frames.folds if f.parent == group and f.id in places.scope.frames]
        lefts, tops, rights, lows = zip(*boxes, *((a, b, a + w, b + h) for a, b, w, h in inner))
        room = min(lefts) - x, min(tops) - y, x + wide - max(rights), y + high - max(lows)
        assert room == pytest.approx((14, 14 + 24, 14, 14), abs=0.15)
    assert len(places.scope.frames) == 6


def holds(frames, group, card):
    return frames.vertices[int(card[1:])].group_path[-1:] == (group,)


@every_scene
def test_the_picture_is_no_larger_than_what_is_in_it(frames, places):
    boxes = [(x - w / 2, y - h / 2, w, h) for c, (x, y) in places.scope.cards.items() for w, h in [places.size(c)]]
    boxes += places.scope.frames.values()
    for key, chip in ((key, curve.chip) for key, curve in places.scope.curves.items() if curve.chip is not None):
        wide, high = places.widths.get(key, CHIP[0]), CHIP[1]
        boxes.append((chip[0] - wide / 2, chip[1] - high / 2, wide, high))
    room = 0 if places.engine == "python" else 8
    assert (min(x for x, *_ in boxes), min(y for _, y, *_ in boxes)) == pytest.approx((room, room), abs=0.1)
    ends = max(x + w for x, _, w, _ in boxes) + room, max(y + h for _, y, _, h in boxes) + room
    assert places.scope.size == (pytest.approx(ends[0], abs=0.1), pytest.approx(ends[1] + 2.5, abs=2.6))


@every_scene
def test_a_curve_has_the_chip_of_its_edge_around_the_place_that_is_left_for_it(frames, places):
    edges = {edge.get("data-edge"): edge for edge in drawn(cards_svg(frames, places), "edge")}
    assert edges.keys() == places.scope.curves.keys()
    known = {f"e{edge.id}" for edge in frames.edges}
    for key, curve in places.scope.curves.items():
        assert edges[key].find(f"{SVG}path").get("d") == path_data(curve.points)
        for card, side, (x, y) in ((curve.tail, 1, curve.points[0]), (curve.head, -1, curve.points[-1])):
            (wide, high), (at_x, at_y) = places.size(card), places.scope.cards[card]
            assert max(abs(x - at_x) - wide / 2, abs(y - at_y) - high / 2) == pytest.approx(0, abs=0.5)  # on its rim
            assert places.engine != "python" or x == pytest.approx(at_x + side * wide / 2, abs=1)
        chip = next((g for g in edges[key].iter(f"{SVG}g") if g.get("class") == "chip"), None)
        assert (chip is not None) == (key in known)
        assert (curve.chip is not None) >= (key in known)
        if chip is not None:
            wide = places.widths.get(key, CHIP[0])
            assert numbers(chip.get("transform")) == pytest.approx(curve.chip, rel=1e-4)
            x, y, across, down = at(chip.find(f"{SVG}rect"), "x", "y", "width", "height")
            assert [x, y, across, down] == pytest.approx([-wide / 2, 1 - CHIP[1] / 2, wide, CHIP[1] - 2], rel=1e-4)
            edge = frames.edges[int(key[1:])]
            said = chip.find(f"{SVG}title").text
            if frames.vertices[edge.tail].shape:
                assert said.startswith("vjp: ") == (edge.local is None)


def test_a_curve_into_a_circle_is_as_wide_as_its_weight_and_shows_its_sign():
    frames, places = SCENES["network"]
    found = {edge.get("data-edge"): edge for edge in drawn(cards_svg(frames, places), "edge")}
    weights = {}
    for edge in frames.edges:
        head = next((g for g in frames.vertices[edge.head].group_path if g in places.rounds), "")
        tail = next((g for g in frames.vertices[edge.tail].group_path if g not in places.opened), f"n{edge.tail}")
        if f"{tail}-{head}" in found:
            weights[f"{tail}-{head}"] = edge.local
    assert len(weights) == 3 * 2 + 2
    for key, weight in weights.items():
        width = float(found[key].find(f"{SVG}path").get("stroke-width"))
        assert width == pytest.approx(0.6 + 2.4 * abs(weight) / max(map(abs, weights.values())), abs=0.01)
        assert found[key].get("class").split()[1] == ("above" if weight > 0 else "below")


def test_circles_stand_in_columns_at_one_distance_and_are_as_dark_as_their_gradients_are_large():
    frames, places = SCENES["network"]
    assert places.rounds
    columns = {}
    for name in sorted(places.rounds):
        x, y = places.scope.cards[name]
        columns.setdefault(x, []).append(y)
    assert sorted(map(len, columns.values())) == [1, 2, 3]
    for rows in columns.values():
        assert [b - a for a, b in itertools.pairwise(sorted(rows))] == pytest.approx([PITCH] * (len(rows) - 1))
        assert np.mean(rows) == pytest.approx(places.scope.cards[f"n{len(frames.vertices) - 1}"][1])
        assert min(rows) > ROUND / 2
        assert max(rows) < places.scope.size[1] - ROUND / 2
    frames_ = [places.scope.frames[fold.id] for fold in frames.folds if fold.title.startswith("layer")]
    for (x, _, wide, _), (right, *_) in itertools.pairwise(sorted(frames_)):
        assert right - x - wide == pytest.approx(APART + STEEP * PITCH * 3 + 2 * STEP, abs=0.1)
    assert places.scope.size[1] == max(map(max, columns.values())) + PITCH / 2 + HEAD  # as much as for a name on top
    ends = gradients_at_end(frames)
    largest = max(map(abs, ends.values()))
    circles = drawn(cards_svg(frames, places), "round")
    assert len(circles) == len(places.rounds)
    tones = set()
    for card in circles:
        g = float(card.find(f"{SVG}title").text.rpartition(" ")[2])
        tone = card.find(f"{SVG}circle").get("class").split()[1]
        steps = np.ceil(3 * abs(g) / largest)
        assert tone == f"{'above' if g > 0 else 'below'}{int(max(1, steps))}"
        tones.add(tone[:5])
    assert tones == {"above", "below"}


def test_a_tone_says_the_sign_and_the_third_of_the_largest_that_a_number_reaches():
    beside = dict(enumerate([0.0, 3.0, -1.0, inf, [9.0], None]))
    table = {
        3.0: "above3",
        2.01: "above3",
        2.0: "above2",
        1.0: "above1",
        1e-9: "above1",
        -1.01: "below2",
        -3.0: "below3",
    }
    assert {x: _tone(x, beside) for x in table} == table
    assert [_tone(x, beside) for x in (0.0, inf, -inf, np.nan, [1.0], None)] == ["card"] * 6
    ends = {1: 1e308, 2: -1.7e308, 3: 5e-324}  # of which three times as much is infinite
    assert [_tone(x, ends) for x in ends.values()] == ["above2", "below3", "above1"]


def test_a_weight_that_is_0_or_no_number_has_no_sign_and_leaves_the_others_their_widths():
    frames, places = SCENES["network"]
    first, weights = next(iter(_weights(frames, places))), None
    for number in (0.0, inf, np.nan, [1.0], None):
        edges = [
            replace(edge, local=number if first == key_of(frames, places, edge) else edge.local)
            for edge in frames.edges
        ]
        changed = replace(frames, edges=tuple(edges))
        found = _weights(changed, places)
        assert found.pop(first) == 0.0
        assert weights in (None, found)
        weights = found
        drawing = next(e for e in drawn(cards_svg(changed, places), "edge") if e.get("data-edge") == first)
        assert drawing.get("class").split()[1] == "none"
        assert drawing.find(f"{SVG}path").get("stroke-width") == "0.60"


def key_of(frames, places, edge):
    head = next((g for g in frames.vertices[edge.head].group_path if g in places.rounds), "")
    tail = next((g for g in frames.vertices[edge.tail].group_path if g not in places.opened), f"n{edge.tail}")
    return f"{tail}-{head}"


def test_a_curve_is_flat_where_nothing_goes_back_and_its_chip_tells_what_travels():
    x, k = Tensor([[1.0, -2.0]], label="x"), Value(3.0, label="k")
    y = (ops.step(x) * k).sum() * k
    frames = frames_of(y)
    found = {e.get("data-edge"): e for e in drawn(cards_svg(frames, card_layout_of(frames, "python")), "edge")}
    told = {}
    for edge in frames.edges:
        drawing = found[f"e{edge.id}"]
        assert ("flat" in drawing.get("class").split()) == (frames.vertices[edge.head].op == "step")
        names = frames.vertices[edge.tail].name, frames.vertices[edge.head].op
        told[names] = drawing.find(f"{SVG}g/{SVG}title").text
    assert told["k", "*"] == "v3"  # of a number for a number the symbols alone
    assert told["x", "step"].endswith(" · shape (1, 2)")
    assert all(" · shape " in words for (tail, _), words in told.items() if tail in ("x", "v1", "v2"))
    product = next(e for e in frames.edges if frames.vertices[e.tail].name == "k" and frames.vertices[e.head].shape)
    assert found[f"e{product.id}"].find(f"{SVG}g/{SVG}title").text.endswith(" · shape ()")


@every_scene
def test_what_is_used_lies_before_what_uses_it(frames, places):
    for curve in places.scope.curves.values():
        (x, _), (after, _) = places.scope.cards[curve.tail], places.scope.cards[curve.head]
        assert x + places.size(curve.tail)[0] / 2 < after - places.size(curve.head)[0] / 2
    cards, arrows = _in_order(cards_of(frames, {*places.opened}))
    assert sorted(cards) == sorted(places.scope.cards)
    assert all(tail < head for tail, head in arrows), "the page's own layout relies on it"


@every_scene
def test_a_chip_lies_on_no_card_and_on_no_other_chip(frames, places):
    boxes = [(x, y, *places.size(card)) for card, (x, y) in places.scope.cards.items()]
    for key, curve in places.scope.curves.items():
        if curve.chip is not None:
            chip = (*curve.chip, places.widths.get(key, CHIP[0]), CHIP[1])
            for x, y, wide, high in boxes:
                apart = abs(x - chip[0]) - (wide + chip[2]) / 2, abs(y - chip[1]) - (high + chip[3]) / 2
                assert max(apart) >= -0.2
            boxes.append(chip)
            if places.engine == "python":  # there is room for arrowheads on both sides
                for card in (curve.tail, curve.head):
                    (x, _), (wide, _) = places.scope.cards[card], places.size(card)
                    assert abs(x - chip[0]) - (wide + chip[2]) / 2 >= 25.8


@every_scene
def test_places_are_told_in_tenths_of_a_point(frames, places):
    numbers_ = [x for at_ in places.scope.cards.values() for x in at_]
    for curve in places.scope.curves.values():
        numbers_ += [x for point in [*curve.points, *([curve.chip] if curve.chip else [])] for x in point]
    assert numbers_ == [round(x, 1) for x in numbers_]


def test_a_card_shows_the_entries_that_fit_and_the_shape_of_others():
    for entry, told in ((1.25, "[1.25, -0.125]"), (-1.25, "(2,)")):
        frames = frames_of((Tensor([entry, -0.125], label="x") * 2.0).sum())
        card = drawn(cards_svg(frames, card_layout_of(frames, "python")), "card")[0]
        assert [t.text for t in card if "data" in t.get("class", "")][1] == told


def test_a_heat_map_lies_in_the_middle_of_its_row():
    frames, places = SCENES["arrays"]
    heats, seen = heats_of(arrays()[0]), 0
    for card in drawn(cards_svg(frames, replace(places, heats=heats)), "card"):
        for kind, row in (("data", 38.0), ("grad", 55.0)):
            for drawing in (g for g in card if f"heat-{kind}" in g.get("class", "")):
                heat = heats[f"{card.get('data-card')} {kind}"]
                (across, down), (wide, high) = heat.cell, (len(heat.tones[0]), len(heat.tones))
                left, top = numbers(drawing.get("transform"))
                assert at(drawing.find(f"{SVG}rect"), "width", "height") == pytest.approx([wide * across, high * down])
                assert (left, top + high * down / 2) == pytest.approx((56.0, row - 4.5))
                seen += 1
    assert seen == len(heats) > 8
    assert heats_of((Tensor(np.zeros((0, 3))) * 2.0).sum()) == {}


def test_groups_are_open_level_by_level_while_no_more_cards_are_seen_than_may_be():
    root, net = network()
    folds, paths = folds_of(root, net, {})
    frames = frames_of(root, None, paths, folds)
    deep = {"": 0}
    for each in folds:
        deep[each.id] = deep[each.parent] + 1
    states = [tuple(each.id for each in folds if deep[each.id] <= level) for level in range(4)]
    seen = [len(cards_of(frames, {*opened}).cards) for opened in states]
    assert seen == sorted({*seen})
    for limit in range(seen[-1] + 2):
        opened = next((s for s, cards in zip(states[::-1], seen[::-1]) if cards <= limit), states[0])
        assert open_at_start(frames, limit) == opened


def test_two_networks_lie_below_each_other_with_room_for_their_frames():
    one, two = (MLP(2, [5, 1], "tanh", rng=seed) for seed in (0, 1))
    root = one([0.5, 0.5]) + two([0.5, 0.5])
    folds, paths = folds_of(root, None, {"one": one, "two": two})
    frames = card_layout_of(frames_of(root, None, paths, folds), "python").scope.frames
    boxes = [frames[f.id] for f in folds if f.title == "layer 1"]
    alone = scene_of(lambda: (one([0.5, 0.5]), one))[1].scope
    assert all(x + wide <= alone.size[0] and y + high <= alone.size[1] for x, y, wide, high in alone.frames.values())
    (_, top, _, high), (_, low, _, _) = sorted(boxes, key=lambda box: box[1])
    assert len(boxes) == 2
    assert low >= top + high


def test_numbers_and_entries_are_cut_to_their_room():
    table = {0.0: "0", 0.0049: "5e-03", 0.005: "0.01", 9.99: "9.99", 12.0: "12", 998.0: "998", 999.6: "1e+03"}
    table |= {9.995: "10", 999.5: "1e+03", -999.4: "-999", -0.005: "-0.01", inf: "inf"}
    assert {x: tiny(x) for x in table} == table
    assert [tiny([1.0]), tiny(None)] == ["", ""]
    assert shown([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == "[1, 2, 3, 4, 5, 6]"
    assert shown([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]) == "norm 11.83"
    assert (brief([1.25, -0.125]), brief([-1.25, -0.125])) == ("[1.25, -0.125]", "norm 1.256")
    many, few, long = np.arange(7.0).tolist(), [1.0, 0.5], [0.12345, -0.54321, 1.23456]
    assert shown(few) == brief(few) == "[1, 0.5]"
    assert shown(many).startswith("norm ") or len(many) * 3 == len(shown(many))
    assert brief(long).startswith("norm ")
    assert shown({"norm": 2.0}) == brief({"norm": 2.0}) == "norm 2"
    assert (shown(np.arange(100.0).tolist()), shown(0.5)) == ("norm 573", "0.5")
    assert held(np.ones(ENTRIES)) == [1.0] * ENTRIES
    assert held(np.ones(ENTRIES + 1)) == {"norm": pytest.approx((ENTRIES + 1) ** 0.5)}


# The film -------------------------------------------------------------------------------------------------------------


@every_scene
def test_what_comes_and_goes_is_seen_from_its_step_on_until_its_end_alone(frames, places):
    seconds = seconds_of(frames)
    found = re.findall(r"@keyframes t(\d+)-(\d+)\{(.*?%\{opacity:\d\})\}", animation_of(frames, places))
    assert len(found) > len(seconds)
    durations = re.findall(r"animation:t\d+-\d+ ([\d.]+)s step-end infinite", animation_of(frames, places))
    assert [float(each) for each in durations] == pytest.approx([sum(seconds)] * len(found), abs=0.05)
    for start, end, rules in found:
        stops = [(float(at), seen == "1") for at, seen in re.findall(r"([\d.]+)%\{opacity:(\d)\}", rules)]
        for i, (before, took) in enumerate(zip(itertools.accumulate(seconds, initial=0.0), seconds)):
            middle = 100 * (before + took / 2) / sum(seconds)
            seen = [seen for at, seen in stops if at <= middle][-1]
            assert seen == (int(start) <= i < int(end)), (start, end, i)


def timed(text, kind):
    """Return for each element of a class that comes and goes the steps from and to which it is seen."""
    return [(*map(int, re.search(r"t(\d+)-(\d+)$", e.get("class")).groups()), e) for e in drawn(text, kind)]


@every_scene
def test_a_sentence_for_each_step_stands_below_the_graph_and_the_bar_grows_to_its_end(frames, places):
    text = animation_of(frames, places)
    steps, low = len(frames.steps), places.scope.size[1]
    captions: dict[int, list] = {}
    for start, end, line in timed(text, "caption"):
        assert end == start + 1
        captions.setdefault(start, []).append(line)
    assert sorted(captions) == list(range(steps))
    for i, sentence in enumerate(sentences(frames)):
        rows = [at(line, "y")[0] - low for line in captions[i]]
        assert rows == [14 + 18 * n for n in range(1, len(rows) + 1)]
        assert "".join("".join(line.text for line in captions[i]).split()) == "".join(sentence.split())
    ground, *stills = stills_of(frames, places)
    wide, high = places.scope.size
    assert ground.box == pytest.approx((-MARGIN, -MARGIN, wide + 2 * MARGIN, high + 2 * MARGIN), abs=2)
    assert {still.box[3] for still in stills} == {ground.box[3] + 14 + 18 * max(map(len, captions.values()))}
    assert seconds_of(frames) == pytest.approx([1.4] * (steps - 1) + [4.2])
    bars = timed(text, "bar")
    assert [(start, end) for start, end, _ in bars] == [(i, i + 1) for i in range(steps)]
    widths = [at(bar, "width")[0] for _, _, bar in bars]
    assert widths == pytest.approx([max(places.scope.size[0], 420.0) * (i + 1) / steps for i in range(steps)], abs=0.01)
    assert {at(bar, "y")[0] for _, _, bar in bars} == {low + 12}
    for still in stills:
        left, room = still.box[0] + MARGIN, min(max(wide, 420.0), 1280.0)
        assert not any(side % 2 for side in still.box), "whole pixels, also at one and a half of them a point"
        (bar,) = drawn(still.svg, "bar")
        assert at(bar, "x") == pytest.approx([left], rel=1e-4)
        for line in drawn(still.svg, "caption"):
            assert at(line, "x") == pytest.approx([left + room / 2], rel=1e-4)
    middles = {at(line, "x")[0] for lines in captions.values() for line in lines}
    assert max(abs(middle - wide / 2) for middle in middles) <= 1


@every_scene
def test_what_covers_a_card_lies_on_it_and_has_its_colour_until_the_number_has_come(frames, places):
    text = animation_of(frames, places)
    assert set(re.findall(r"opacity:(\d+)", text.partition("@keyframes")[2])) == {"0", "1"}
    boxes = {}
    for card, (x, y) in places.scope.cards.items():
        wide, high = places.size(card)
        boxes[card] = x - wide / 2, y - high / 2, wide, high
    middles = [list(places.scope.cards[card]) for card in places.rounds & boxes.keys()]
    kinds = {}
    last = len(frames.vertices) - 1
    for card in boxes:
        vertex = frames.vertices[int(card[1:])] if card.startswith("n") else None
        kinds[card] = (
            "fold" if vertex is None else "leaf" if not vertex.op else "root" if vertex.id == last else "plain"
        )
    for kind, inset in (("cover", 40.0), ("dashed", None)):
        for start, end, cover in timed(text, kind):
            assert start < end
            assert kind == "cover" or start == 0
            if cover.tag == f"{SVG}circle":
                assert (start, *at(cover, "r")) == (0, ROUND / 2 - 1)
                assert at(cover, "cx", "cy") in [pytest.approx(middle, rel=1e-4) for middle in middles]
                continue
            x, y, wide = at(cover, "x", "y", "width")
            on = [c for c, b in boxes.items() if b[0] <= x and x + wide <= b[0] + b[2] and b[1] <= y <= b[1] + HIGH]
            assert len(on) == 1
            left, top, room, _ = boxes[on[0]]
            assert wide == pytest.approx(room - inset if inset else room / 2 - 6, rel=1e-4)
            assert x + wide == pytest.approx(left + room - (4 if inset else 6), rel=1e-4)
            rows = [y + 12 - top - row for row in ((KEY_ROW, GRAD_ROW) if inset else (GRAD_ROW,))]
            assert min(map(abs, rows)) < 0.1, "the letters of a row stand 12 points below its upper rim"
            assert inset is None or kinds[on[0]] in cover.get("class").split()


@every_scene
def test_a_circle_shows_what_its_neuron_has_computed_until_its_gradient_has_come(frames, places):
    wanted, last = set(), {}
    for step in frames.steps:
        if step.kind == "group" and step.group_path[-1] in places.rounds and step.i < frames.turn:
            (x, y), vertex = places.scope.cards[step.group_path[-1]], frames.vertices[step.node]
            last[vertex.id] = (f"{x:g}", f"{y + 4:g}", tiny(vertex.data), step.i)
        for target in [step.node if step.kind == "seed" else step.target, *(sent[0] for sent in step.sent)]:
            if target in last:
                wanted.add((*last.pop(target), step.i))
    told = timed(animation_of(frames, places), "middle")
    assert {(e.get("x"), e.get("y"), e.text, start, end) for start, end, e in told} == wanted
    assert len(wanted) == len(places.rounds & places.scope.cards.keys())


def test_a_total_on_its_way_stands_on_its_card_until_the_next_contribution_comes():
    x = Value(3.0, label="x")
    frames, places = scene_of(lambda: (x * x + x, None))
    came: dict[int, list[tuple[int, float]]] = {}
    for step in frames.steps:
        if step.kind == "contribute":
            sofar = came.setdefault(step.target, [(0, 0.0)])
            sofar.append((step.i, sofar[-1][1] + step.contribution))
    wanted = set()
    for vertex, sofar in came.items():
        x, y = places.scope.cards[f"n{vertex}"]
        wide, high = places.size(f"n{vertex}")
        right, row = x + wide / 2 - PAD, y - high / 2 + GRAD_ROW
        for (start, total), (end, _) in itertools.pairwise(sofar[1:]):
            wanted.add((start, end, brief(total), f"{right:g}", f"{row:g}"))
    told = timed(animation_of(frames, places), "timed")
    totals = {(i, end, e.text, e.get("x"), e.get("y")) for i, end, e in told if "grad" in e.get("class").split()}
    assert totals == wanted
    assert [total for *_, total, _, _ in sorted(wanted)] == ["1", "4"]


@every_scene
def test_a_ring_goes_round_each_card_of_a_step(frames, places):
    boxes = {}
    for card, (x, y) in places.scope.cards.items():
        wide, high = places.size(card)
        boxes[x - wide / 2, y - high / 2] = wide, high
    seen = set()
    for start, end, ring in timed(animation_of(frames, places), "ring"):
        x, y, wide, high, round_ = at(ring, "x", "y", "width", "height", "rx")
        (size,) = (size for (left, top), size in boxes.items() if abs(left - x) + abs(top - y) < 0.1)
        assert (wide, high) == pytest.approx(size, rel=1e-4)
        assert (end, round_) == (start + 1, 9 if high == HIGH else high / 2)
        seen.add(start)
    assert seen == set(range(1, len(frames.steps)))


def test_a_sentence_goes_on_below_where_the_next_word_has_no_room():
    size = float(re.search(r"\.caption\{[^}]*font-size:(\d+)px", asset("animation.css"))[1])
    sentence = "v1 = tanh(w * x + b) = 0.7616 and then dL/dv1 receives 1 × 2 = 2; total 2; complete."
    for room in (60.0, 100.0, 150.0, 200.0, 300.0, 2000.0):
        lines = lines_of(sentence, room)
        words = "".join(lines).removesuffix("…")
        assert sentence.startswith(words.rstrip())
        assert ("…" in lines[-1]) == (words.rstrip() != sentence)
        assert len(lines) <= 3
        for line, after in itertools.pairwise(lines):
            assert measured(line.rstrip(), size) <= room
            assert measured(line + after.split()[0], size) > room
    assert lines_of("one two six", 20.0) == ["one ", "two ", "six"]
    assert lines_of("one two six ten", 20.0) == ["one ", "two ", "six…"]
    assert lines_of("x" * 20, 5.0) == ["x" * 20]


def test_a_still_moves_only_where_the_cards_of_its_step_would_not_be_seen():
    x = Value(0.5, label="x")
    y = x
    for _ in range(14):
        y = y.tanh()
    frames = frames_of(y * x)
    places = card_layout_of(frames, "python")
    assert places.scope.size[0] > 1.5 * 1280
    before, moved = 0.0, 0
    for still in list(stills_of(frames, places))[2:]:
        left = still.box[0] + MARGIN
        rings = [at(ring, "x", "width") for ring in drawn(still.svg, "ring")]
        first, last = min(x for x, _ in rings), max(x + wide for x, wide in rings)
        if before <= first and last <= before + 1280:
            assert left == before
        elif last - first <= 1280:
            moved += 1
            assert left <= first + 2
            assert last <= left + 1280 + 2
            assert min(abs(left - first), abs(left + 1280 - last)) <= 2
        before = left
    assert moved > 2


def test_a_sentence_that_is_too_long_is_cut_on_its_third_line():
    frames = frames_of(ops.add_n(*(Value(1.0, label=f"summand_{i}") for i in range(40))))
    places = card_layout_of(frames, "python")
    text = animation_of(frames, places)
    ground, *stills = stills_of(frames, places)
    assert {still.box[3] for still in stills} == {ground.box[3] + 14 + 18 * 3}
    lines = [line.text for start, _, line in timed(text, "caption") if start == 1]
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert list(sentences(frames))[1].startswith("".join(lines)[:-1])


@every_scene
def test_in_each_step_something_flows_along_the_curves_to_its_card(frames, places):
    curves = {path_data(curve.points) for curve in places.scope.curves.values()}
    heads = {curve.head for curve in places.scope.curves.values()}
    flows: dict[int, list[str]] = {}
    for start, end, path in timed(animation_of(frames, places), "flow"):
        assert end == start + 1
        assert (path.get("marker-start"), path.get("marker-end")).index(None) == (start > frames.turn)
        flows.setdefault(start, []).append(path.get("d"))
    assert {d for paths in flows.values() for d in paths} <= curves
    steps = [step for step in frames.steps if step.kind not in ("start", "seed", "finish")]
    cards = {step.i: step.group_path[-1] if step.kind == "group" else f"n{step.node}" for step in steps}
    assert set(flows) == {i for i, card in cards.items() if card in heads}
    for step in steps:
        into = {key: curve for key, curve in places.scope.curves.items() if curve.head == cards[step.i]}
        if step.edge is not None:
            tail = key_of(frames, places, frames.edges[step.edge]).rpartition("-")[0]
            into = {
                key: c for key, c in into.items() if c.tail == tail and key in (f"e{step.edge}", f"{tail}-{c.head}")
            }
        assert flows.get(step.i, []) == [path_data(curve.points) for curve in into.values()]


@pytest.mark.parametrize("length", [1, 14])
def test_stills_of_a_wide_graph_never_show_what_lies_beside_it_and_a_narrow_one_stands_still(length):
    x = Value(0.5)
    for _ in range(length):
        x = x.tanh()
    frames = frames_of(x)
    places = card_layout_of(frames, "python")
    wide = places.scope.size[0]
    seen = [still.box[0] for still in list(stills_of(frames, places))[1:]]
    lefts = {*seen}
    if length == 1:
        assert [left + MARGIN + 210 for left in lefts] == pytest.approx([wide / 2], abs=2)
    else:
        assert wide > 1400
        assert len(lefts) > 1
        assert seen[:4] == [-MARGIN] * 4  # it moves no earlier than it must
        assert min(lefts) >= -MARGIN
        assert max(lefts) + 1280 <= wide + MARGIN + 2


# The record -----------------------------------------------------------------------------------------------------------


@every_scene
def test_steps_are_numbered_from_the_start_and_what_is_still_to_come_counts_down(frames, places):
    assert [step.i for step in frames.steps] == list(range(len(frames.steps)))
    assert (frames.steps[0].kind, frames.steps[0].node) == ("start", 0)
    assert frames.steps[frames.turn].kind == "seed"
    left = {}
    for step in frames.steps:
        if step.kind == "contribute" and step.uses_left is not None:
            assert left.get(step.target, step.uses_left + 1) == step.uses_left + 1
            left[step.target] = step.uses_left
    assert not any(left.values())


def test_a_contribution_is_told_as_a_sum_of_numbers_or_as_a_product_of_arrays():
    frames = SCENES["arrays"][0]
    for step, sentence in zip(frames.steps, sentences(frames)):
        if step.kind == "contribute":
            local = frames.edges[step.edge].local
            assert (" × " if local is not None else "where g = ") in sentence, sentence


def test_each_step_of_arrays_is_told_in_the_words_of_its_kind():
    x, b = Tensor([[1.0, 2.5], [3.0, 4.0]], label="x"), Tensor([2.0, -1.0], label="b")
    told = list(sentences(frames_of((ops.floor(x) * b + b).sum())))
    assert told[1:4] == [
        "v1 = floor(x) = [[1, 2], [3, 4]]",
        "b is repeated along axis 0 to the shape (2, 2).",
        "v2 = v1 * b = [[2, -2], [6, -4]]",
    ]
    assert told[7:9] == [
        "The backward pass begins at the root: dL/dL = 1.",
        "dL/dv3 receives spread(g, shape=(2, 2), axis=None) = [[1, 1], [1, 1]], where g = dL/dL; "
        "total [[1, 1], [1, 1]]; complete.",
    ]
    assert told[10:12] == [
        "What goes to b has the shape (2, 2): it is summed over axis 0.",
        "dL/db receives [[1, 1], [1, 1]] × 1 = [2, 2]; total [2, 2]; 1 more to come.",
    ]
    assert told[14:] == [
        "dL/db receives [[1, 1], [1, 1]] × [[1, 2], [3, 4]] = [4, 6]; total [2, 2] + [4, 6] = [6, 8]; complete.",
        "dL/db = [6, 8] is complete: all that uses b has had its turn.",
        "v1 is flat in x: no gradient flows; complete.",
    ]


def test_of_what_a_group_sends_to_four_targets_are_named():
    x = [Value(0.1 * i, label=f"x{i}") for i in range(6)]
    for n in (3, 6):
        net = MLP(n, [1], "tanh", rng=0)
        root = net(x[:n])
        folds, paths = folds_of(root, net, {})
        whole = frames_of(root, None, paths, folds)
        frames = fold(whole, [f.id for f in folds if f.kind == "neuron"])
        steps = list(zip(frames.steps, sentences(frames)))
        told = [(len(step.sent), sentence) for step, sentence in steps if step.kind == "group" and step.sent]
        assert told
        for sent, sentence in told:
            assert (f"{sent - 4} more" in sentence) == (sent > 4)


def test_indices_settings_and_numbers_are_written_as_a_page_reads_them():
    x = Tensor(np.arange(6.0).reshape(2, 3), label="x")
    root = (
        (x[1, ::2] * 2.0).sum()
        + x[:, 1:].sum()
        + x[[0, 1], [2, 0]].sum()
        + ops.sum(x, axis=1).sum()
        + ops.sum(x, axis=(0, 1))
    )
    names = {n: f"v{i}" for i, n in enumerate(order(root)[::-1], 1)}
    told = record_of(root, names | {x: "x", root: "L"})
    nodes = [node for node in told["nodes"] if node[0] >= 0]
    indices = [node[1][1][0] for node in nodes if told["rows"][node[0]] == "getitem"]
    assert indices == [
        [1, {"start": None, "stop": None, "by": 2}],
        [{"start": None, "stop": None, "by": 1}, {"start": 1, "stop": None, "by": 1}],
        {"shape": [2], "data": [2.0, 3.0]},
    ]
    settings = [node[1][1:] for node in nodes if told["rows"][node[0]] == "sum"]
    assert [[1], [False]] in settings
    assert [[None], [False]] in settings
    assert [[[0, 1]], [False]] in settings
    for node in (node for node in nodes if told["rows"][node[0]] == "sum"):
        assert len(node[4]["words"]["symbols"]) == len(node[1])
        assert "\\" not in node[4]["words"]["symbols"][0]
        assert "\\" in node[4]["words"]["latex"][0]
    assert "order" not in told
    assert "lacking" not in told
    assert "seed" not in told
    assert not any("single" in node[4] for node in nodes if len(node) > 4)
    w = Tensor([2.0, -1.0, 0.5], label="w")
    y = ops.where(np.array([[True], [False]]), x, w)  # a decided condition: the page keeps what the row gave and sent
    root = (y * 3.0).sum()
    *_, kept, _, _ = record_of(root, {n: n.label or "v" for n in order(root)})["nodes"]
    assert kept[4]["given"]["data"] == [0.0, 1.0, 2.0, 2.0, -1.0, 0.5]
    assert [sent and sent["data"] for sent in kept[4]["sent"]] == [None, [3.0] * 3 + [0.0] * 3, [3.0] * 3]
    assert kept[4]["stretched"] == [None, None, ((2, 3), (0,))]
    y = ops.where(np.array([[1.0], [0.0]]), x, 0.0)
    told = record_of(y, {x: "x", y: "L"}, gradient=np.ones((2, 3)))
    assert "lacking" not in told
    assert told["seed"]["shape"] == [2, 3]
    assert record_of(root, {n: n.label or "v" for n in order(root)}, gradient=0.5)["seed"] == 0.5


def test_a_record_tells_the_order_of_steps_where_groups_alternate_and_what_was_asked_of_its_nodes():
    x = Value(2.0, label="x")
    a, b = x * 2.0, x * 3.0
    c, d = a.tanh(), b.tanh()
    root = c + d
    names = {x: "x", a: "v1", b: "v2", c: "v3", d: "v4", root: "L"}
    groups = {a: ("g0",), c: ("g0",), b: ("g1",), d: ("g1",)}
    assert record_of(root, names, groups)["order"] == [1, 3, 2, 4, 5]
    y = x * x if x > 1.0 else -x
    assert record_of(y, {x: "x", y: "L"})["why"].endswith("where x > 1 was asked")
    x = Value(2.0, label="x")
    y = x * x if x * 3.0 > 1.0 else -x
    assert record_of(y, {x: "x", y: "L"})["why"].endswith("where x * 3 > 1 was asked")
    x = Value(2.0, label="x")
    y = x * x if sum((x * float(i) for i in range(8)), x) > 1.0 else -x
    assert record_of(y, {x: "x", y: "y"})["why"].endswith("where an entry > 1 was asked")


def test_a_player_tells_how_the_root_is_computed_from_the_leaves_where_that_is_short():
    w, x = Value(3.0, label="w"), Value(2.0, label="x")
    assert player((w * x + 1.0).tanh(), names={}).record["formula"] == "tanh(w * x + 1)"
    assert "formula" not in player(sum((w * x for _ in range(99)), x), names={}).record


def test_a_pile_of_neurons_lies_in_its_layer():
    net = MLP(2, [33, 1], "tanh", rng=0)
    folds, _ = folds_of(net([1.0, 2.0]), net, {})
    (pile,) = (f for f in folds if f.count > 1)
    assert (pile.count, {f.id: f.title for f in folds}[pile.parent]) == (33, "layer 1")


def test_four_equal_samples_are_a_pile_and_three_are_not():
    net = MLP(2, [2, 1], "tanh", rng=0)
    for samples, counts in ((3, set()), (4, {4})):
        root = sum((net([0.1 * i, 1.0]) - 1.0) ** 2.0 for i in range(samples))
        assert {f.count for f in folds_of(root, net, {})[0] if f.kind == "pile"} == counts


def test_a_step_of_a_group_names_the_group_that_is_closed_not_those_around_it():
    frames = SCENES["network"][0]
    told = [(step, sentence) for step, sentence in zip(frames.steps, sentences(frames)) if step.kind == "group"]
    assert len(told) == 2 * 6
    for step, sentence in told:
        last = frames.vertices[step.node]
        there = rf"computes {last.name} = {re.escape(shown(last.data))}\."
        back = r"goes back as one vector-Jacobian product, to .*\."
        assert re.fullmatch(rf"neuron \d {there if step.i < frames.turn else back}", sentence)


def test_a_mark_has_the_settings_that_are_not_those_that_everybody_means():
    x = Tensor([[1.0, 2.0]])
    assert [mark(ops.sum(x)), mark(ops.sum(x, axis=1)), mark(ops.sum(x, axis=(0, 1)))] == [
        "sum",
        "sum axis=1",
        "sum axis=(0, 1)",
    ]


@pytest.mark.parametrize("of_arrays", [False, True])
def test_a_page_has_each_of_its_scripts_in_their_order(of_arrays):
    text = code(of_arrays)
    names = [*SCRIPTS[:-1], *(OF_ARRAYS if of_arrays else ()), SCRIPTS[-1]]
    heads = [re.search(r"^function \w+\(", asset(name), re.M)[0] for name in names]
    assert sorted(heads, key=lambda head: text.rindex(f"\n{head}")) == heads
