"""Folding: large graphs become few boxes, and every setting says what is open."""

import numpy as np
import pytest

import viz
from autograd_mini import Value, detect_nonfinite, ops
from nn import MLP, Dense, Layer, Module
from viz.graph.boxes import CONSTANT, DEAD, FLOW, FOLDED, ROOT
from viz.graph.folding import READABLE, PictureError


class Holder(Module):
    """Holds whatever it is given."""


def network(sizes=(16, 16, 1), samples=2):
    """Return a scalar network and its loss over some samples, after a backward sweep."""
    net = MLP(2, list(sizes), "tanh", rng=0)
    loss = sum((ops.add_n(*_listed(net([1.0, float(i)]))) - 1.0) ** 2.0 for i in range(samples))
    loss = loss + 0.001 * sum(p * p for p in net.parameters())
    loss.backward()
    return net, loss


def _listed(outputs):
    return outputs if isinstance(outputs, list) else [outputs]


def names(picture, kind=None):
    return [box.name for box in picture.boxes if kind in (None, box.kind)]


def shapes(picture):
    """Return a picture without ids: boxes, and arrows between their places."""
    place = {box.id: i for i, box in enumerate(picture.boxes)}
    boxes = [(box.kind, box.name, box.op, box.rows) for box in picture.boxes if box.kind == FOLDED]
    return boxes, [(place[a.tail], place[a.head], a.local, a.carries) for a in picture.arrows]


def test_a_large_scalar_network_is_drawn_as_its_neurons_in_order_or_as_its_layers():
    net, loss = network()
    neurons = [f"neuron {i}" for i in range(16)]
    assert names(viz.draw(loss).picture, FOLDED) == [*neurons, *neurons, "neuron 0", "sum of 337"]
    picture = viz.draw(loss, depth=1).picture
    assert names(picture, FOLDED) == ["layer 1", "layer 2", "layer 3", "sum of 337"]
    assert [frame.name for frame in picture.frames] == ["net"]
    assert picture.note == 'Summary: 1,759 nodes in 12 boxes. A thick rim: folded; unfold="layer 1" opens one.'
    assert {box.name: box.rows[0] for box in picture.boxes}["layer 2"] == ("parameters", "272")
    assert viz.draw(loss, names={}, model=net).picture.frames[0].name == "MLP"


def test_the_gradient_of_a_folded_layer_is_the_norm_of_its_parameters():
    net, loss = network((3, 1), 1)
    picture = viz.draw(loss, depth=1).picture
    norm = np.linalg.norm([p.grad for p in net.layers[0].parameters()])
    box = next(box for box in picture.boxes if box.name == "layer 1")
    assert box.size == pytest.approx(norm)
    assert box.rows[1] == ("grad", f"norm {norm:.4g}")


def test_one_neuron_opened():
    net, loss = network()
    picture = viz.draw(loss, unfold="layer 2/neuron 3", names={"net": net}).picture
    assert [frame.name for frame in picture.frames] == ["net", "layer 2", "neuron 3"]
    assert [frame.frame for frame in picture.frames] == ["", "f0", "f1"]
    shown = names(picture)
    assert {"layer 1", "layer 3", "neuron 0", "neuron 15", "W[2][3,0]", "W[2][3,15]", "b[2][3]", "call 1"} <= set(shown)
    assert "neuron 3" not in shown
    assert viz.draw(loss, unfold=("layer 1", "layer 3")).picture.frames[2].name == "layer 3"


def test_equal_neurons_are_drawn_once_with_their_number():
    _, loss = network()
    picture = viz.draw(loss, depth=2, once=True).picture
    folded = [(box.name, box.op) for box in picture.boxes if box.kind == FOLDED]
    assert folded[:3] == [("neuron 0, ...", "neuron ×16"), ("neuron 0, ...", "neuron ×16"), ("neuron 0", "neuron")]
    one, two = (a for a in picture.arrows if a.chip == FLOW and a.head in ("g1", "g2"))
    assert (one.local, two.local) == ("32 values", "32 values")


def test_arrays_and_scalars_draw_as_the_same_layers():
    twin = MLP(3, [4, 5, 2], "tanh", layer=Dense, rng=0)
    net = twin.scalars()
    x = [1.0, -2.0, 0.5]
    big, small = twin(np.array([x])), net(x)
    big.sum().backward()
    ops.add_n(*small).backward()
    pictures = []
    for root, model in ((big.sum(), twin), (ops.add_n(*small), net)):
        root.backward()
        pictures.append(viz.draw(root, model=model, depth=1, names={}).picture)
    assert [p.title for p in pictures] == ["L", "L"]
    (boxes, arrows), (others, more) = map(shapes, pictures)
    assert boxes == others
    assert arrows[:2] == more[:2]
    assert [frame.name for frame in pictures[0].frames] == ["MLP"]


def test_depth_says_how_many_groups_inside_each_other_are_open():
    _, loss = network((4, 1), 1)
    counts = [len(viz.draw(loss, depth=depth).picture.frames) for depth in range(4)]
    assert counts == [0, 1, 3, 8]
    assert viz.draw(loss, depth=0).picture.boxes[0].name == "network"


def test_folding_by_name_leaves_the_rest_open():
    x = Value(2.0, label="x")
    h = (x * 3.0).tanh()
    h.label = "h"
    y = h * h + x.exp()
    picture = viz.draw(y, fold=["h"]).picture
    assert names(picture, FOLDED) == ["h"]
    assert names(picture, ROOT) == ["y"]
    assert picture.boxes[1].rows[0] == ("data", "1")
    assert not viz.draw(y, fold=()).picture.note
    for wrong in ({"fold": ["k"]}, {"unfold": "layer 9"}, {"fold": "other"}):
        with pytest.raises(PictureError, match=r"there is no group .*'h'"):
            viz.draw(y, **wrong)


def test_small_graphs_are_whole_and_large_ones_open_as_far_as_they_can_be_read():
    _, small = network((2, 1), 1)
    _, large = network((8, 8, 8, 8, 1), 1)
    assert not viz.draw(small).picture.note
    boxes = [box for box in viz.draw(large).picture.boxes if box.kind != CONSTANT]
    assert 5 < len(boxes) <= READABLE


def test_a_cut_keeps_what_is_next_to_the_root():
    layer = Layer(2, 40, "tanh", rng=0)
    y = ops.add_n(*layer([1.0, 2.0]))
    picture = viz.draw(y, limit=5, fold=None, names={}).picture
    kept = [box for box in picture.boxes if box.kind != CONSTANT]
    assert [box.kind for box in kept] == [FOLDED, "inner", "inner", "inner", ROOT]
    assert kept[0].name == "277 earlier nodes"
    assert all(box.id in {a.tail for a in picture.arrows} for box in picture.boxes[:-1])


def test_a_path_is_kept_and_marked():
    x, w, b = Value(2.0, label="x"), Value(-3.0, label="w"), Value(1.0, label="b")
    z = w * x + b
    y = z.tanh() + b * b * b.exp()
    picture = viz.draw(y, path=(x, y)).picture
    marked = [box.name for box in picture.boxes if box.marked]
    assert marked == ["x", "v1", "z", "v2", "y"]
    assert {"w", "b"} <= set(names(picture))
    assert sum(a.marked for a in picture.arrows) == 4
    assert len(viz.draw(y, path=(x, z)).picture.boxes) == 5
    for wrong in ((y, x), (x, w), (x,), "xy", (x, 3.0)):
        with pytest.raises(PictureError, match="path"):
            viz.draw(y, path=wrong)


def test_only_the_forward_pass_or_only_the_backward_pass():
    x = Value(2.0, label="x")
    y = x * 3.0 + x.sign()
    y.backward()
    forward, backward = (viz.draw(y, show=show) for show in ("forward", "backward"))
    assert {key for box in forward.picture.boxes for key, _ in box.rows} == {"", "data"}
    assert {key for box in backward.picture.boxes for key, _ in box.rows} == {"grad"}
    assert all(a.carries for a in backward.picture.arrows)
    assert "dir=back" in backward.source
    assert "dir=back" not in forward.source


def test_gradients_are_coloured_by_size_and_the_scale_is_explained():
    x, z = Value(2.0, label="x"), Value(0.0, label="z")
    y = x * 1000.0 + x.sin() * z
    y.backward()
    picture = viz.draw(y, colour="grad", names={}).picture
    tones = {box.name: box.tone for box in picture.boxes if box.kind != CONSTANT}
    assert tones["x"] == "tone6"
    assert tones["v2"] == ""
    assert len(picture.tones) == 7
    assert float(picture.tones[0]) == pytest.approx(min(box.size for box in picture.boxes if box.size), rel=0.05)
    assert "|grad| from" in viz.draw(y, colour="grad").svg
    assert viz.draw(Value(1.0), colour="grad").picture.tones == ()


def test_a_local_derivative_of_zero_is_marked_where_the_gradient_dies():
    x = Value(-1.0, label="x")
    y = x.relu() * 2.0
    y.backward()
    dead = [a for a in viz.draw(y).picture.arrows if a.chip == DEAD]
    assert [(a.tail, a.local) for a in dead] == [("n0", "0")]
    assert "no gradient passes here" in dead[0].tooltip
    assert "stroke-dasharray" in viz.draw(y).svg


def test_the_legend_explains_what_occurs():
    x = Value(-1.0, label="x")
    y = x.relu() * 2.0
    svg = viz.draw(y, legend=True).svg
    for meaning in ("an input or a parameter", "a constant", "the gradient stops here", "no backward sweep"):
        assert meaning in svg
    assert "folded into one box" not in svg
    assert "an input or a parameter" not in viz.draw(y).svg


def test_tooltips_hold_the_formula_the_exact_numbers_and_the_line_of_code():
    x = Value(0.1, label="x")
    with detect_nonfinite():
        y = x * 3.0  # this line
    (plain, _, noted) = viz.draw(y).picture.boxes
    assert plain.tooltip == "x\ndata 0.1\ngrad –"
    assert noted.tooltip.startswith("y = x * 3\ndata 0.30000000000000004\ngrad –\n")
    assert noted.tooltip.endswith("y = x * 3.0 # this line")
    assert "this line" in viz.draw(y).svg


@pytest.mark.parametrize("wrong", [{"show": "all"}, {"colour": "red"}, {"engine": "neato"}, {"direction": "up"}])
def test_wrong_settings_say_what_there_is(wrong):
    with pytest.raises(PictureError, match=f"{next(iter(wrong))} is one of"):
        viz.draw(Value(1.0), **wrong)


def test_modules_that_contain_each_other_are_drawn():
    a, b = Holder(), Holder()
    a.w, a.other, b.w, b.other = Value(2.0), b, Value(3.0), a
    y = (a.w * 2.0).tanh() * (b.w * 3.0)
    assert names(viz.draw(y, names={}, model=a, depth=0).picture, FOLDED) == ["Holder"]


def test_a_wrong_model_and_wrong_names_are_refused():
    x = Value(1.0)
    for wrong in ({"model": 3}, {"model": [x]}, {"names": [x]}, {"names": {1: x}}):
        with pytest.raises(PictureError, match=next(iter(wrong))):
            viz.draw(x + 1.0, **wrong)


def test_wrong_numbers_are_refused():
    x = Value(1.0)
    for wrong in ({"limit": 0}, {"limit": -3}, {"limit": "many"}, {"depth": -1}, {"depth": 1.5}, {"fold": 3}):
        with pytest.raises(PictureError, match=next(iter(wrong))):
            viz.draw(x + 1.0, **wrong)
