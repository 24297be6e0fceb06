"""Pictures of arrays that are wider than a page: rows below each other, in order, and as wide as a page at most."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import viz
from autograd_mini import Tensor, Value, ops
from nn import MLP, Dense
from nn.losses import cross_entropy
from viz.graph.python_layout import layout_of
from viz.graph.rows import WIDE, cut

RANDOM = np.random.default_rng(0)


def stack(*sizes):
    net = MLP(4, list(sizes), layer=Dense, rng=0)
    return cross_entropy(net(RANDOM.normal(size=(6, 4))), np.arange(6) % sizes[-1]), net


def residual():
    h = first = Tensor(RANDOM.normal(size=(6, 8)), label="h")
    for i in range(4):
        h = h + ops.tanh(h @ Tensor(RANDOM.normal(size=(8, 8)), label=f"W{i}")) * 0.5
    return ((first - h) ** 2.0).sum()


def recurrent():
    W, state = Tensor(RANDOM.normal(size=(4, 4)), label="W"), Tensor(np.ones(4), label="s")
    for _ in range(9):
        state = ops.tanh(W @ state)
    return state.sum()


GRAPHS = {"network": lambda: stack(8, 8, 8, 8, 3)[0], "residual": residual, "recurrent": recurrent}


def boxes_of(layout):
    """Return (left, low, right, high) of what is drawn as a box, by its id."""
    outlines = {o["name"]: next(op for op in o["_draw_"] if op["op"] == "P")["points"] for o in layout["objects"]}
    return {id: (*map(min, zip(*points)), *map(max, zip(*points))) for id, points in outlines.items()}


@pytest.mark.parametrize("graph", GRAPHS)
def test_rows_are_as_wide_as_a_page_and_nothing_meets(graph):
    drawing = viz.draw(GRAPHS[graph](), names={})
    rows = drawing._rows
    assert max(rows.values()) > 0
    _, layout, _ = layout_of(drawing.picture, "LR", rows)
    assert float(layout["bb"].split(",")[2]) <= WIDE
    boxes = boxes_of(layout)
    for id, (left, low, right, high) in boxes.items():
        for other, (a, b, c, d) in boxes.items():
            assert id == other or right <= a or c <= left or high <= b or d <= low
    for arrow in drawing.picture.arrows:
        tail, head = boxes[arrow.tail], boxes[arrow.head]
        assert tail[2] < head[0] if rows[arrow.tail] == rows[arrow.head] else tail[1] > head[3]


@pytest.mark.parametrize("graph", GRAPHS)
def test_no_arrow_between_rows_crosses_a_box(graph):
    drawing = viz.draw(GRAPHS[graph](), names={})
    _, layout, _ = layout_of(drawing.picture, "LR", drawing._rows)
    boxes = boxes_of(layout)
    for arrow, edge in zip(drawing.picture.arrows, layout["edges"]):
        points = next(op for op in edge["_draw_"] if op["op"] == "b")["points"]
        if drawing._rows[arrow.tail] != drawing._rows[arrow.head]:
            for (x, y), (u, v) in zip(points[::3], points[3::3]):
                for id, (left, low, right, high) in boxes.items():
                    beside = max(x, u) < left + 0.1 or min(x, u) > right - 0.1
                    assert beside or max(y, v) < low + 0.1 or min(y, v) > high - 0.1, (arrow.id, id)


def test_programs_of_others_get_the_same_rows():
    drawing = viz.draw(residual(), names={}, engine="bundled")
    assert drawing.source.count("subgraph cluster_row") == max(drawing._rows.values()) + 1
    lows: dict[int, set[float]] = {}
    wide = float(re.search(r'width="([\d.]+)pt"', drawing.svg)[1])
    tree = ElementTree.fromstring(drawing.svg)
    for group in tree.findall("{http://www.w3.org/2000/svg}g"):
        box = group.find("{http://www.w3.org/2000/svg}rect")
        row = drawing._rows.get(group.get("id").partition("-")[2])
        if box is not None and row is not None:
            lows.setdefault(row, set()).add(float(box.get("y")))
    assert wide <= WIDE
    assert all(max(lows[row]) < min(lows[row + 1]) for row in range(max(lows)))


def test_what_fits_what_is_upright_and_what_has_no_arrays_is_one_row():
    small, x = stack(3)[0], Value(2.0)
    assert viz.draw(small)._rows == {}
    assert viz.draw(residual(), direction="TB")._rows == {}
    for _ in range(30):
        x = x.tanh()
    assert viz.draw(x)._rows == {}


def test_in_rows_the_cards_say_in_which_layer_they_lie():
    loss, net = stack(8, 8, 8, 8, 3)
    drawing = viz.draw(loss, model=net, depth=2, names={})
    (frame,) = [frame for frame in drawing.picture.frames if frame.name == "layer 1"]
    assert drawing._rows
    assert 'class="frame' not in drawing.svg
    assert 'class="cluster' not in drawing.svg
    assert drawing.svg.count(">layer 1<") == sum(
        box.frame == frame.id and box.kind != "constant" for box in drawing.picture.boxes
    )


def test_rows_end_where_few_arrows_go_on_and_each_has_a_column_at_least():
    ends = [(100.0 * i, 100.0 * i + 80.0) for i in range(6)]
    chain = [(i, i + 1) for i in range(5)]
    assert cut(ends, chain, 290.0) == [0, 0, 0, 1, 1, 1]
    assert cut(ends, [*chain, (2, 3), (2, 4)], 290.0) == [0, 0, 1, 1, 1, 2]
    assert cut(ends, chain, 10.0) == [0, 1, 2, 3, 4, 5]
