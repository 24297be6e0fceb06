"""Records that hold a network: layers in columns, neurons from 0 up, bands for bars, equal samples in piles."""

import re
import xml.etree.ElementTree as ElementTree
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

import autograd_mini
import nn
import viz
from autograd_mini import Value
from autograd_mini.sweep import order
from viz.graph.boxes import BAND, FOLDED
from viz.graph.columns import banded, frames_around
from viz.graph.ownership import inputs_of
from viz.graph.python_layout import layout_of

G = "{http://www.w3.org/2000/svg}g"
RECT = "{http://www.w3.org/2000/svg}rect"


def drawn(sizes=(16, 16, 1), samples=1, penalty=False, inputs=True, seed=0, **settings):
    """Draw the loss of a network, each sample's loss a term of a sum."""
    rng = np.random.default_rng(seed)
    net = nn.MLP(2, list(sizes), "tanh", rng=seed)
    losses = []
    for x in rng.normal(size=(samples, 2)):
        a = net(list(map(Value, x)) if inputs else x.tolist())
        losses += [(each - 1.0) ** 2.0 for each in (a if isinstance(a, list) else [a])]
    loss = sum(losses) * (1.0 / len(losses))
    if penalty:
        loss = loss + 0.001 * sum(p * p for p in net.parameters())
    loss.backward()
    return viz.draw(loss, names={"net": net}, **settings), net, losses


def rectangles(drawing):
    """Return (left, top, right, bottom) of each box and frame, by id: the first rectangle that each group draws."""
    found = {}
    for group in ElementTree.fromstring(drawing.svg).iter(G):
        rect = group.find(RECT)
        if rect is not None:
            x, y, wide, high = (float(rect.get(key)) for key in ("x", "y", "width", "height"))
            found[group.get("id").partition("-")[2]] = (x, y, x + wide, y + high)
    return found


def meet(a, b):
    return a[0] < b[2] - 0.1 and b[0] < a[2] - 0.1 and a[1] < b[3] - 0.1 and b[1] < a[3] - 0.1


CASES = [
    ((16, 16, 1), 1, False),
    ((16, 16, 1), 12, True),
    ((5, 7, 3), 1, True),
    ((24, 1), 9, False),
    ((8, 8, 8, 2), 2, False),
]


@pytest.mark.parametrize(("sizes", "samples", "penalty"), CASES)
@pytest.mark.parametrize("direction", ["LR", "TB", "RL", "BT"])
def test_layers_are_columns_neurons_stand_in_order_and_nothing_overlaps(sizes, samples, penalty, direction):
    drawing, _, _ = drawn(sizes, samples, penalty, depth=2, direction=direction)
    assert drawing.engine == "python"
    places, picture = rectangles(drawing), drawing.picture
    along, across = (0, 1) if direction in ("LR", "RL") else (1, 0)
    layers = [[box for box in picture.boxes if box.frame == f.id] for f in picture.frames if f.kind == "layer"]
    assert [len(layer) for layer in layers] == list(sizes)
    middles = []
    for layer in layers:
        assert [box.name for box in layer] == [f"neuron {i}" for i in range(len(layer))]
        tops = [places[box.id][across] for box in layer]
        assert tops == sorted(tops)
        middle = {round((places[box.id][along] + places[box.id][along + 2]) / 2) for box in layer}
        assert len(middle) == 1
        middles += middle
    assert middles == sorted(middles, reverse=direction in ("RL", "BT"))
    boxes = [box.id for box in picture.boxes]
    assert not [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if meet(places[a], places[b])]
    around = frames_around(picture)
    for frame in picture.frames:
        for id in boxes:
            assert meet(places[id], places[frame.id]) == (frame.id in around[id])
    inputs = [box for box in picture.boxes if (box.kind == "leaf" and not box.frame) or box.op == "inputs"]
    assert inputs or samples > 1
    ahead = -1 if direction in ("RL", "BT") else 1
    for box in inputs:
        assert ahead * (places[layers[0][0].id][along] - places[box.id][along]) > 0


@pytest.mark.parametrize("seed", range(6))
def test_random_networks_give_the_same_bytes_twice(seed):
    rng = np.random.default_rng(seed)
    sizes = tuple(rng.integers(1, 20, size=rng.integers(1, 4)).tolist())
    samples = int(rng.integers(1, 12))
    first, second = (drawn(sizes, samples, bool(seed % 2), depth=2, seed=seed)[0].svg for _ in range(2))
    assert first == second


def test_what_would_be_a_bar_is_a_band_with_its_count():
    drawing, _, _ = drawn()
    assert len(drawing.picture.arrows) > 256  # text, Mermaid and DOT have them all
    bands = [arrow.local for arrow in banded(drawing.picture)[0].arrows if arrow.chip == BAND]
    assert bands == ["16 × 16 = 256"]
    assert ">16 × 16 = 256<" in drawing.svg
    assert drawing.svg.count('class="edge') < 60
    few, _, _ = drawn((6, 6, 1), depth=2)
    assert not [arrow for arrow in banded(few.picture)[0].arrows if arrow.chip == BAND]
    assert {"16 × 16 × 12 values", "16 × 12 values", "16 × 17 values"} <= set(
        re.findall(r">([^<>]* values)<", drawn(samples=12, penalty=True)[0].svg)
    )
    assert "from each to each" in drawn(legend=True)[0].svg or "16 × 16" in drawn(legend=True)[0].svg


def test_every_arrow_is_drawn_or_counted_by_one_band():
    for sizes, samples, penalty in CASES:
        picture = drawn(sizes, samples, penalty, depth=2)[0].picture
        after = banded(picture)[0].arrows
        counted = sum(int(a.tooltip.split()[0].replace(",", "")) if a.chip == BAND else 1 for a in after)
        assert counted == len(picture.arrows)


@pytest.mark.parametrize("penalty", [False, True])
def test_equal_samples_are_a_pile_that_says_whose_numbers_it_shows(penalty):
    drawing, _, losses = drawn((4, 1), 10, penalty)
    (pile,) = [box for box in drawing.picture.boxes if box.op.startswith("sample")]
    assert (pile.name, pile.op, pile.kind) == ("sample 0, ...", "sample ×10", FOLDED)
    assert dict(pile.rows) == {
        "data": f"{losses[0].data:.4g} in sample 0",
        "grad": f"{losses[0].grad:.4g} in sample 0",
    }
    opened, _, _ = drawn((4, 1), 10, penalty, unfold=["sample 3"])
    assert "sample ×9" in [box.op for box in opened.picture.boxes]
    assert f"{losses[3].data:.4g}" in [dict(box.rows).get("data") for box in opened.picture.boxes]


def test_a_plain_sum_of_samples_is_one_pile():
    net = nn.MLP(2, [3, 1], "tanh", rng=0)
    loss = sum((net([1.0, float(i)]) - 1.0) ** 2.0 for i in range(10))
    assert "sample ×10" in [box.op for box in viz.draw(loss, model=net, names={}, depth=1).picture.boxes]


def test_samples_of_another_structure_are_no_part_of_the_pile_nor_are_named_ones():
    net = nn.MLP(2, [3, 1], "tanh", rng=0)
    losses = [(net([1.0, float(i)]) - 1.0) ** 2.0 for i in range(9)] + [(net([1.0, 9.0]) - 1.0).abs()]
    ops = [box.op for box in viz.draw(sum(losses) * 0.1, model=net, names={}, depth=1).picture.boxes]
    assert "sample ×9" in ops
    assert "sample" in ops
    losses[4].label = "odd one"
    names = [box.name for box in viz.draw(sum(losses) * 0.1, model=net, names={}, depth=1).picture.boxes]
    assert not any("sample" in name for name in names)


def many(kind, inputs):
    """Return the loss of a network over 70 samples, and the network: most of its samples are equal."""
    net = nn.MLP(2, [3], "relu", rng=1)
    losses = []
    for i, x in enumerate(np.random.default_rng(1).normal(size=(70, 2)).tolist()):
        with autograd_mini.group("half") if kind == "recorded apart" and i % 2 else nullcontext():
            a = net([Value(entry) for entry in x] if inputs else x)
        term = {"classes": a[i % 3] * a[i % 3], "two kinds": a[0].abs() if i % 7 else a[0].exp()}
        losses.append(term.get(kind, (a[0] + a[1] + a[2] - 1.0) ** 2.0))
    losses[4].label = "odd" if kind == "one is named" else ""
    loss = sum(losses) if kind == "plain" else sum(losses) * (1.0 / 70.0)
    loss = loss + losses[3] if kind == "one is used twice" else loss
    loss = loss + 0.001 * sum(p * p for p in net.parameters()) if kind == "penalty" else loss
    loss.backward()
    return loss, net


KINDS = ["usual", "plain", "penalty", "classes", "two kinds", "recorded apart", "one is named", "one is used twice"]
DETAILS = [{}, {"depth": 1}, {"once": True}, {"unfold": "net"}, {"unfold": "sample 3"}, {"depth": 2}]


@pytest.mark.parametrize("kind", KINDS)
def test_one_sample_that_stands_for_all_gives_the_picture_that_all_of_them_give(kind, monkeypatch):
    def seen(crowd, **settings):
        monkeypatch.setattr("viz.graph.samples.CROWD", crowd)
        try:
            picture = viz.draw(loss, names={"net": net}, **settings).picture
        except viz.PictureError as error:
            return str(error)
        return replace(picture, boxes=[replace(box, size=pytest.approx(box.size)) for box in picture.boxes])

    loss, net = many(kind, inputs=kind != "plain")
    for detail in DETAILS:
        assert seen(60, **detail) == seen(1000, **detail), detail


def test_all_but_one_of_many_equal_samples_are_set_aside_before_anything_is_grouped(monkeypatch):
    grouped = []
    monkeypatch.setattr("viz.graph.groups.inputs_of", lambda nodes: grouped.append(len(nodes)) or inputs_of(nodes))
    loss, net = many("usual", inputs=True)
    viz.draw(loss, names={"net": net})
    leaves = len(net.parameters())
    (left,) = grouped
    sample = (len(order(loss)) - leaves - 70) // 70  # a sum for each but the first, and the mean
    assert left == len(order(loss)) - 69 * sample


def test_a_network_that_is_called_between_others_keeps_frames_only_where_they_enclose_their_own():
    net = nn.MLP(1, [3, 1], "tanh", rng=0)
    x = Value(0.5, label="x")
    first = net([x])
    second = net([first * 2.0])
    loss = (second + first) ** 2.0
    drawing = viz.draw(loss, model=net, names={}, depth=3)
    own = layout_of(drawing.picture)
    places = {place["name"] for place in own.layout["objects"]}
    assert own.framed == any(name.startswith("cluster_") for name in places)
    ElementTree.fromstring(drawing.svg)
    assert viz.draw(loss, model=net, names={}, depth=3, engine="python").svg


def test_the_png_shows_the_same_order_where_it_can_be_painted(tmp_path):
    drawing, _, _ = drawn((4, 4, 1), depth=2)
    png = drawing.save(tmp_path / "net.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    pytest.importorskip("resvg_py")
    pytest.importorskip("fontpkg_arimo")
    wide, high = (float(x) for x in re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', drawing.svg).groups())
    size = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    assert size == (pytest.approx(2 * wide, abs=3), pytest.approx(2 * high, abs=3))
