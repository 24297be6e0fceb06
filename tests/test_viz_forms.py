"""Other forms of a picture: Mermaid, text for a terminal, and the layout that needs no program."""

import json
import random
import re
from itertools import pairwise

import numpy as np
import pytest
from v8 import javascript

import viz
from autograd_mini import Tensor, Value, ops
from nn import MLP
from viz.graph.layered import FAR, layered
from viz.graph.mermaid import mermaid_of
from viz.graph.picture import picture_of
from viz.graph.text_tree import cells, text_of
from viz.stepping.card_svg import asset

HOSTILE = [
    "<script>alert(1)</script>", '"', "'", "]]>", "`x`", "a|b", "a]b", "end", "#quot;", "%%{init}%%", "a\nb",
    "\x1b[31m", "\ud800", "日本語", "שלום", "x" * 10**6, "- a", "1. a", "*b*", "\\", "{", "class n0 leaf", "click",
    "--> n1",
]  # fmt: skip


def neuron():
    x, w, b = Value(2.0, label="x"), Value(-3.0, label="w"), Value(1.0, label="b")
    y = (w * x + b).tanh()
    y.label = "y"
    y.backward()
    return y


def test_text_is_a_tree_below_the_root():
    lines = text_of(picture_of(neuron(), {})).splitlines()
    assert lines[0].split() == ["data", "grad", "local"]
    assert [line.split()[0] for line in lines[1:]] == ["y", "v2", "├", "v1", "├", "x"]
    assert re.fullmatch(r"├ b +1 +0\.0001816 +1", lines[3])


def test_columns_are_aligned_whatever_the_names():
    x, w = Value(2.0, label="日本語"), Value(3.0, label="e\u0301")
    lines = text_of(picture_of(x * w, {})).splitlines()
    starts = {cells(line[: line.rindex(number)]) for line, number in zip(lines[1:], ("6", "2", "3"))}
    assert len(starts) == 1


def test_what_has_been_shown_is_not_shown_again():
    x = Value(2.0, label="x")
    for _ in range(30):
        x = x * x.sin()
    text = viz.draw(x, names={}, limit=None).text
    assert len(text.splitlines()) == 1 + 61 + 30
    assert text.count("below") == 30


def test_long_chains_keep_to_the_left():
    x = Value(1.0, label="x")
    for _ in range(3000):
        x = x + 1.0 if x.data < 1000 else (x + x.sin()) * x
    assert max(map(len, viz.draw(x, limit=None, names={}).text.splitlines())) < 100


def test_print_is_coloured_on_a_terminal_unless_no_color_is_set(capsys, monkeypatch):
    drawing = viz.draw(neuron())
    for variables, terminal, escapes in (({}, True, True), ({"NO_COLOR": "1"}, True, False), ({}, False, False)):
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        for name, setting in variables.items():
            monkeypatch.setenv(name, setting)
        monkeypatch.setattr("sys.stdout.isatty", lambda terminal=terminal: terminal)
        drawing.print()
        shown = capsys.readouterr().out
        assert ("\x1b[" in shown) == escapes
        assert re.sub(r"\x1b\[\d+m", "", shown) == drawing.text


@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_labels_are_inert_in_text_and_in_mermaid(label):
    x = Value(2.0, label=label)
    drawing = viz.draw(x * x, names={label: x})
    assert all(c.isprintable() or c == "\n" for c in drawing.text + drawing.mermaid)
    drawing.text.encode(), drawing.mermaid.encode()
    assert len(drawing.text) < 2000
    for line in drawing.mermaid.splitlines():
        quoted = re.findall(r'"([^"]*)"', line)
        assert line.count('"') == 2 * len(quoted)
        assert not [text for text in quoted if re.search(r"[<>`|\[\]{}]", text.replace("<br/>", ""))]


def test_mermaid_has_every_box_arrow_and_frame():
    net = MLP(2, [2, 1], "tanh", rng=0)
    picture = viz.draw(net([1.0, 2.0]), depth=2).picture
    chart = mermaid_of(picture)
    assert chart.startswith("flowchart LR\n")
    assert chart.count("subgraph") == chart.count("\n  end\n") + chart.count("  end\n") - chart.count("\n  end\n") == 3
    for box in picture.boxes:
        assert f"{box.id}[" in chart
    assert len(re.findall(r"-->|-\.->", chart)) == len(picture.arrows)


def test_mermaid_of_the_backward_pass_points_back():
    chart = viz.draw(neuron(), show="backward").mermaid
    assert 'n5 -->|"0.0001816"| n4' in chart


def test_files_of_text_and_mermaid(tmp_path):
    drawing = viz.draw(neuron())
    assert drawing.save(tmp_path / "a.txt").read_text(encoding="utf-8") == drawing.text
    assert drawing.save(tmp_path / "a.mmd").read_text(encoding="utf-8") == drawing.mermaid


def boxes_of(places, sizes):
    return [(x - w / 2, x + w / 2, y - h / 2, y + h / 2) for (x, y), (w, h) in zip(places, sizes)]


def graphs(rng, number):
    """Yield sizes of boxes, arrows between them and the sizes of their chips."""
    for _ in range(number):
        sizes = [(rng.uniform(5, 90), rng.uniform(5, 60)) for _ in range(rng.randint(1, 30))]
        arrows = [(rng.randrange(head), head) for head in range(1, len(sizes)) for _ in range(rng.randint(0, 3))]
        yield sizes, arrows, [rng.choice([(0.0, 0.0), (22.0, 15.0)]) for _ in arrows]


@pytest.mark.parametrize("passed", [2000, 0], ids=["a place in each layer", "lanes for long arrows"])
def test_the_layout_of_our_own_keeps_boxes_and_chips_apart_and_arrows_ahead(passed, monkeypatch):
    monkeypatch.setattr("viz.graph.layered.PASSED", passed)
    for sizes, arrows, chips in graphs(random.Random(3), 60):
        places = layered(sizes, arrows, chips)
        chipped = [k for k, chip in enumerate(chips) if chip[0]]
        frames = boxes_of(places.boxes, sizes) + boxes_of(
            [places.chips[k] for k in chipped], [(22.0, 15.0)] * len(chipped)
        )
        for i, a in enumerate(frames):
            assert a[0] >= -1e-9
            assert a[2] >= -1e-9
            assert a[1] <= places.extent[0] + 1e-9
            assert a[3] <= places.extent[1] + 1e-9
            for b in frames[:i]:
                assert a[1] <= b[0] + 1e-6 or b[1] <= a[0] + 1e-6 or a[3] <= b[2] + 1e-6 or b[3] <= a[2] + 1e-6
        for path in places.arrows:
            assert all(a[0] <= b[0] + 1e-9 for a, b in pairwise(path))


def test_an_arrow_past_many_layers_goes_in_a_lane_above_all_boxes_that_others_of_its_box_share(monkeypatch):
    monkeypatch.setattr("viz.graph.layered.PASSED", 0)
    arrows = [(0, 1), (1, 2), *((i, i + 1) for i in range(2, 30)), (0, 12), (0, 20), (1, 29), (22, 30)]
    sizes = [(40.0, 20.0)] * 31
    places = layered(sizes, arrows, [(10.0, 10.0)] * len(arrows))
    top = min(low for _, _, low, _ in boxes_of(places.boxes, sizes))
    lanes = [sorted({y for _, y in path if y < top}) for path in places.arrows[-4:]]
    assert lanes == [[0.0], [0.0], [9.0], [0.0]]  # the last begins where the first two have ended
    assert len({y for _, y in places.boxes}) == 1  # and nothing is moved for them


@pytest.mark.slow
@pytest.mark.parametrize("passed", [2000, 0])
def test_the_page_lays_out_as_we_do(passed, monkeypatch):
    monkeypatch.setattr("viz.graph.layered.PASSED", passed)
    page = asset("layout.js")[asset("layout.js").index("// A path as curves") :]
    constants = f"const SWEEPS = 8, GAP = 18, STRIDE = 26, FAR = {FAR}, PASSED = {passed};"
    with javascript() as racer:
        racer.eval(f"{constants} {page} const lay = (...given) => JSON.stringify(layered(...given.map(JSON.parse)));")
        for sizes, arrows, chips in graphs(random.Random(5), 20):
            found = json.loads(racer.call("lay", *map(json.dumps, (sizes, arrows, chips))))
            wanted = layered(sizes, arrows, chips)
            np.testing.assert_allclose(found["boxes"], wanted.boxes, atol=1e-9)
            np.testing.assert_allclose(found["extent"], wanted.extent, atol=1e-9)
            for path, own in zip(found["arrows"], wanted.arrows, strict=True):
                assert {tuple(np.round(p, 6)) for p in path} <= {tuple(np.round(p, 6)) for p in own}


def test_the_layout_of_our_own_draws_all_directions_and_empty_tensors():
    y = (Tensor([[1.0, 2.0]], label="X") * 2.0).sum() + ops.add_n(*(Value(float(i)) for i in range(5)))
    drawings = [viz.draw(y, engine="python", direction=direction) for direction in ("LR", "TB", "RL", "BT")]
    assert len({drawing.svg for drawing in drawings}) == 4
    assert {drawing.engine for drawing in drawings} == {"python"}
    assert viz.draw(Value(1.0), engine="python").svg.count("<rect") == 1


def test_the_layout_of_our_own_is_the_same_each_time():
    drawings = [viz.draw(neuron(), engine="python").svg for _ in range(2)]
    assert drawings[0] == drawings[1]
