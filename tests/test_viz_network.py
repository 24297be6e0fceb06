"""Networks as the textbook draws them: whose they are, what they show, where things stand, what is refused."""

import math
import re
import runpy
import time
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import nn
import viz
from autograd_mini import Tensor, Value, ops
from viz.colours import PALETTE
from viz.drawing import PictureError
from viz.textbook.place import PITCH, RADIUS, columns_of

ROOT = Path(viz.__file__).parent.parent
SVG = "{http://www.w3.org/2000/svg}"
X = [0.5, -1.0]


def tree(drawing):
    return ElementTree.fromstring(drawing.svg)


def texts(drawing):
    return [e.text for e in tree(drawing).iter(SVG + "text")]


def tooltips(drawing):
    return {e.text.split("\n")[0]: e.text for e in tree(drawing).iter(SVG + "title")}


def curves(drawing):
    """Return the tooltip's name and the pen (stroke, dashes, width) of every curve that has a tooltip."""
    found = {}
    for group in tree(drawing).iter(SVG + "g"):
        for path in group.findall(SVG + "path"):
            title = path.find(SVG + "title").text.split(" =")[0]
            found[title] = (group.get("stroke"), bool(group.get("stroke-dasharray")), float(path.get("stroke-width")))
    return found


# Whose networks -----------------------------------------------------------------------------------------------------


class LectureNeuron:
    """As people write it while they watch the lecture: no class of ours, no name for the activation."""

    def __init__(self, n, last=False):
        self.w = [Value(0.3 * i - 0.5) for i in range(n)]
        self.b = Value(0.1)
        self.last = last

    def __call__(self, x):
        act = sum((wi * xi for wi, xi in zip(self.w, x)), self.b)
        return act if self.last else act.tanh()


class LectureLayer:
    def __init__(self, n, m, last=False):
        self.neurons = [LectureNeuron(n, last) for _ in range(m)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]


class LectureMLP:
    def __init__(self):
        self.layers = [LectureLayer(2, 3), LectureLayer(3, 1, last=True)]


class Linear:
    """A matrix and a vector of plain numbers under other names, with the activation as a part of its own."""

    def __init__(self, *shape):
        rng = np.random.default_rng(7)
        self.weight, self.bias = rng.normal(size=shape), rng.normal(size=shape[0])


class Tanh:
    def __call__(self, x):
        return np.tanh(x)


class Composite:
    """An activation that is no single op: only running the neuron tells what it gives."""

    def __init__(self):
        self.w, self.b = [Value(2.0), Value(-1.0)], Value(0.5)

    def __call__(self, x):
        z = self.w[0] * x[0] + self.w[1] * x[1] + self.b
        return (z * 2.0 + 1.0).tanh() * 3.0


class Holder:
    def __init__(self, **parts):
        vars(self).update(parts)


def lecture(x):
    w = np.array([[-0.5, -0.2]] * 3)
    h = np.tanh(w @ x + 0.1)
    return [h, np.array([[-0.5, -0.2, 0.1]]) @ h + 0.1]


def stacked(layers, x):
    """The oracle: numpy alone."""
    found = []
    for W, b, g in layers:
        x = g(np.asarray(W) @ x + np.asarray(b))
        found.append(x)
    return found


def parameters(model):
    """Return (W, b) of each layer of a network of ours on arrays."""
    return [(layer.W.data, layer.b.data) for layer in model.layers if hasattr(layer, "W")]


def relu(z):
    return np.maximum(z, 0.0)


def softmax(z):
    return np.exp(z) / np.exp(z).sum()


def same(z):
    return z


def ours(scalars):
    model = nn.MLP(2, [16, 16, 1], "tanh", layer=nn.Dense, rng=0)
    layers = [(*p, g) for p, g in zip(parameters(model), (np.tanh, np.tanh, same))]
    return (model.scalars() if scalars else model), stacked(layers, np.array(X))


def sequence():
    model = nn.Sequential(nn.Dense(2, 4, "relu", rng=1), nn.Dropout(0.5), nn.Dense(4, 3, "softmax", rng=2))
    layers = [(*p, g) for p, g in zip(parameters(model), (relu, softmax))]
    return model, stacked(layers, np.array(X))


def functions():
    model = nn.MLP(2, [3, 2], lambda z: ops.leaky_relu(z, 0.2), layer=nn.Dense, rng=3)
    layers = [(*p, g) for p, g in zip(parameters(model), (lambda z: np.where(z > 0, z, 0.2 * z), same))]
    return model, stacked(layers, np.array(X))


def plain():
    model = Holder(first=Linear(3, 2), act=Tanh(), last=Linear(2, 3))
    layers = [(model.first.weight, model.first.bias, np.tanh), (model.last.weight, model.last.bias, same)]
    return model, stacked(layers, np.array(X))


class Bent:
    """A layer of plain arrays that bends what it gives, and says so nowhere."""

    def __init__(self, bend):
        self.W, self.b, self.bend = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([0.5, 0.0]), bend

    def __call__(self, x):
        return self.bend(self.W @ np.ravel(x) + self.b)


def bent():
    model = [Bent(np.arctan), Bent(lambda z: z)]
    return model, stacked([(layer.W, layer.b, layer.bend) for layer in model], np.array(X))


MODELS = {
    "plain arrays, bent in the call": bent,
    "ours on Values": lambda: ours(True),
    "ours on arrays": lambda: ours(False),
    "a sequence with dropout": sequence,
    "a function as activation": functions,
    "the lecture's classes": lambda: (LectureMLP(), lecture(np.array(X))),
    "plain arrays, an activation apart": plain,
    "a list of layers": lambda: ([LectureLayer(2, 3), LectureLayer(3, 1, last=True)], lecture(np.array(X))),
    "one neuron": lambda: (
        nn.Neuron(2, "sigmoid", init=nn.init.given([[2.0, 1.0]], [0.5])),
        [np.array([1.0 / (1.0 + math.exp(-0.5))])],
    ),
    "an activation of several ops": lambda: (Composite(), [np.array([3.0 * math.tanh(2.0 * 2.5 + 1.0)])]),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_network_is_known_by_what_it_has_and_its_numbers_are_numpys(kind):
    model, expected = MODELS[kind]()
    drawing = viz.network(model, X)
    assert [a.shape for a in drawing.view.passed.a[1:]] == [a.shape for a in expected]
    for a, own in zip(drawing.view.passed.a[1:], expected):
        assert np.allclose(a, own, rtol=1e-12, atol=1e-15)
    told = tooltips(drawing)
    last = len(expected)
    for k, a in enumerate(expected[-1]):
        assert f"a[{last}][{k}] = {a:.4g}" in told[f"neuron {k} of layer {last}"]


def test_activations_are_named_in_the_equations_also_where_only_running_shows_them():
    assert "a[1] = tanh(z[1])" in texts(viz.network(LectureMLP()))
    assert "a[2] = z[2]" in texts(viz.network(LectureMLP()))
    assert "a[1] = g(z[1])" in texts(viz.network(Composite()))
    assert {"a[1] = g(z[1])", "a[2] = z[2]"} <= set(texts(viz.network(bent()[0])))
    assert "then Dropout(0.5)" in texts(viz.network(MODELS["a sequence with dropout"]()[0]))


def test_the_networks_of_micrograd_and_torch_are_drawn_as_they_are():
    micrograd = pytest.importorskip("micrograd.nn")
    model = micrograd.MLP(2, [3, 1])
    model(X).backward()
    drawing = viz.network(model, X, show="gradients")
    assert drawing.view.passed.a[-1][0] == pytest.approx(model(X).data)
    assert drawing.view.network.layers[0].dW[2, 1] == model.layers[0].neurons[2].w[1].grad
    assert "a[1] = relu(z[1])" in texts(drawing)
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    drawing = viz.network(model, X)
    assert drawing.view.passed.a[-1][0] == pytest.approx(model(torch.tensor(X)).item(), rel=1e-6)


@pytest.mark.parametrize("whose", ["ours", "scikit-learn's"])
def test_estimators_bring_their_numbers_and_names(whose):
    pytest.importorskip("sklearn")
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    kind = nn.MLPClassifier if whose == "ours" else MLPClassifier
    for labels in (["ham", "spam"], ["a", "b", "c"]):
        y = np.array(labels)[np.arange(60) % len(labels)]
        model = kind((5,), activation="logistic", max_iter=300, tol=1.0, random_state=0).fit(X, y)
        drawing = viz.network(model, X[0])
        p = model.predict_proba(X[:1])[0]
        assert np.allclose(drawing.view.passed.a[-1], p if len(labels) == 3 else p[1:])
        assert set(labels if len(labels) == 3 else ["P(spam)"]) <= set(texts(drawing))
        assert "a[1] = logistic(z[1])" in texts(drawing)


def test_names_come_from_columns_of_a_table_or_from_the_caller():
    pd = pytest.importorskip("pandas")
    pytest.importorskip("sklearn")
    table = pd.DataFrame(np.eye(4), columns=["a & b", "<i>", "c", "d"])
    model = nn.MLPRegressor("squared_error", (2,), max_iter=300, tol=1.0, random_state=0).fit(table, np.arange(4.0))
    assert {"a & b", "<i>", "c", "d", "y"} <= set(texts(viz.network(model)))
    shown = texts(viz.network(nn.MLP(2, [1]), inputs=["height", "width"], outputs=["weight"]))
    assert {"height", "width", "weight"} <= set(shown)


# What is shown ------------------------------------------------------------------------------------------------------


def test_curves_are_as_wide_as_weights_products_or_gradients_and_coloured_by_sign():
    model = nn.MLP(2, [3, 1], "tanh", rng=0)
    loss = (model(X) - 1.0) ** 2.0
    loss.backward()
    h = model.layers[0](X)
    for show, of in {
        "weights": lambda w, a: w.data,
        "products": lambda w, a: w.data * a,
        "gradients": lambda w, a: w.grad,
    }.items():
        found = curves(viz.network(model, X, show=show))
        for i, a in ((1, X), (2, [value.data for value in h])):
            rows = [[of(w, aj) for w, aj in zip(neuron.w, a)] for neuron in model.layers[i - 1].neurons]
            largest = np.abs(rows).max()
            for k, row in enumerate(rows):
                for j, carried in enumerate(row):
                    stroke, dashed, width = found[f"W[{i}][{k},{j}]"]
                    assert (stroke, dashed) == (PALETTE["above" if carried > 0 else "below"].light, carried < 0)
                    assert width == pytest.approx(max(0.4, 4.0 * abs(carried) / largest), rel=0.06)


def test_gradients_of_z_and_of_the_inputs_are_the_engines():
    for kind in (nn.Layer, nn.Dense):
        model = nn.MLP(2, [3, 2], "tanh", layer=kind, rng=0)
        x = Tensor([X]) if kind is nn.Dense else [Value(v) for v in X]
        out = model(x)
        loss = (out * out).sum() if kind is nn.Dense else out[0] ** 2.0 + out[1] ** 2.0
        loss.backward()
        circles = viz.network(model, show="gradients").view.circles
        own = x.grad[0] if kind is nn.Dense else [value.grad for value in x]
        assert np.allclose(circles[0], own, rtol=1e-12)
        first = model.layers[0]
        assert np.allclose(circles[1], first.b.grad if kind is nn.Dense else [n.b.grad for n in first.neurons])


def test_biases_are_the_curves_of_a_1_on_request():
    model = nn.MLP(2, [3, 1], rng=0, init=lambda rng, n, m: (np.ones((m, n)), -np.arange(1.0, m + 1)))
    assert not any(name.startswith("b[") for name in curves(viz.network(model)))
    found = curves(viz.network(model, biases=True))
    assert found["b[1][2]"] == (PALETTE["below"].light, True, 4.0)
    assert texts(viz.network(model, biases=True)).count("1") > texts(viz.network(model)).count("1")
    assert "z[1] = W[1] a[0]" in texts(viz.network(Holder(W=np.eye(2)), biases=True))


def test_what_is_not_finite_is_dotted_and_named():
    model = nn.MLP(2, [2, 1], layer=nn.Dense, rng=0)
    W = np.ones((2, 2))
    W[1, 0] = np.nan
    model.layers[0].W.data = W
    drawing = viz.network(model, X)
    assert "1 not finite, first [1,0]" in texts(drawing)
    assert curves(drawing)["W[1][1,0]"][0] == PALETTE["ink"].light
    assert "nan" in texts(drawing)
    huge = viz.network(Holder(W=np.full((2, 2), 1e308), b=np.zeros(2)), [10.0, 10.0])
    assert "inf" in texts(huge)


def test_circles_show_a_with_a_ground_by_sign_on_which_it_can_be_read():
    model = nn.MLP(2, [3, 1], "tanh", rng=0)
    drawing = viz.network(model, X)
    for a, circle in zip(drawing.view.passed.a[1], list(tree(drawing).iter(SVG + "circle"))[2:5]):
        sign = "above" if a > 0 else "below"
        assert circle.get("fill") in [PALETTE[f"{sign}{tone}"].light for tone in range(1, 5)]
    for ground in (
        "card",
        "constant",
        "dead",
        *(f"{sign}{tone}" for sign in ("above", "below") for tone in range(1, 5)),
    ):
        for scheme in ("light", "dark"):
            assert contrast(getattr(PALETTE["ink"], scheme), getattr(PALETTE[ground], scheme)) >= 4.5


def contrast(a, b):
    first, second = sorted((luminance(a), luminance(b)))
    return (second + 0.05) / (first + 0.05)


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(c * share for c, share in zip(linear, (0.2126, 0.7152, 0.0722)))


def test_a_wide_layer_shows_its_first_and_last_neurons_and_how_many_are_left_out():
    model = nn.MLP(784, [128, 64, 10], "relu", "softmax", layer=nn.Dense, rng=0)
    x = np.random.default_rng(0).random(784)
    start = time.process_time()
    drawing = viz.network(model, x)
    size = len(drawing.svg.encode())
    assert time.process_time() - start < 0.1 * 5  # 0.01 s on the machine where it was measured
    assert size <= 200_000
    assert {"768 more", "112 more", "48 more"} <= set(texts(drawing))
    assert {"x[0]", "x[7]", "x[776]", "x[783]"} <= set(texts(drawing))
    assert len(curves(drawing)) == 256 + 256 + 160
    assert "left out" in drawing.text
    few = viz.network(model, most=3)
    assert [column.shown for column in few.view.columns[:2]] == [(0, 1, 783), (0, 1, 127)]
    whole = viz.network(nn.MLP(2, [40, 1], layer=nn.Dense, rng=0), most=None)
    assert len(curves(whole)) == 2 * 40 + 40


# Layout -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_layouts_of_random_networks_keep_order_and_never_overlap(seed):
    rng = np.random.default_rng(seed)
    widths = rng.integers(1, 65, size=rng.integers(2, 7)).tolist()
    most = [None, 16, 2, int(rng.integers(2, 64))][seed % 4]
    captions = rng.uniform(0.0, 300.0, size=len(widths)).tolist()
    columns = columns_of(widths, captions, most, (rng.random(len(widths)) < 0.5).tolist())
    for a, b, wide, next_wide in zip(columns, columns[1:], captions, captions[1:]):
        assert b.x - a.x >= max(2 * RADIUS, (wide + next_wide) / 2)
    for column, width in zip(columns, widths):
        places = [*column.ys, *(y for y in (column.gap, column.bias) if y is not None)]
        assert min([abs(a - b) for i, a in enumerate(places) for b in places[:i]], default=PITCH) >= 2 * RADIUS
        assert list(column.shown) == sorted(column.shown)
        assert list(column.ys) == sorted(column.ys)
        assert column.hidden + len(column.shown) == width
        assert {column.shown[0], column.shown[-1]} == {0, width - 1}
        assert column.bias is None or column.bias > max(column.ys)


@pytest.mark.parametrize("seed", range(6))
def test_the_same_network_gives_the_same_bytes_and_nothing_lies_outside(seed):
    def drawn():
        rng = np.random.default_rng(seed)
        widths = rng.integers(1, 65, size=rng.integers(2, 6)).tolist()
        model = nn.MLP(widths[0], widths[1:], "tanh", layer=nn.Dense, rng=int(seed))
        return viz.network(
            model, rng.normal(size=widths[0]), biases=bool(seed % 2), show=["weights", "products"][seed % 2]
        )

    drawing = drawn()
    assert drawing.svg == drawn().svg
    root = tree(drawing)
    left, top, wide, high = map(float, root.get("viewBox").split())
    for e in root.iter():
        size = float(e.get("font-size", 11.0))
        if e.tag == SVG + "text":
            assert size >= 11.0
            half = viz.text.measured(e.text, size, e.get("font-weight") == "bold")
            before = {"end": 1.0, "middle": 0.5}.get(e.get("text-anchor"), 0.0)
            start = float(e.get("x")) - before * half
            assert left <= start
            assert start + half <= left + wide
            assert top <= float(e.get("y")) <= top + high
    under = [e for e in root.iter(SVG + "text") if e.text.startswith(("z[", "W["))]
    for a, b in pairwise(e for e in under if e.text.startswith("W[")):
        gap = float(b.get("x")) - float(a.get("x"))
        assert gap >= (viz.text.measured(a.text, 11) + viz.text.measured(b.text, 11)) / 2


# A drawing ----------------------------------------------------------------------------------------------------------


def test_a_drawing_goes_to_files_and_notebooks(tmp_path):
    drawing = viz.network(nn.MLP(2, [3, 1], rng=0), X)
    assert repr(drawing) == "<NetworkDrawing of MLP 2-3-1, 13 parameters>"
    assert drawing._repr_svg_() == drawing.svg
    assert drawing._repr_mimebundle_() == {"image/svg+xml": drawing.svg, "text/plain": repr(drawing)}
    assert drawing.save(tmp_path / "net.svg").read_text(encoding="utf-8") == drawing.svg
    assert "a[2] = z[2]" in drawing.save(tmp_path / "net.txt").read_text(encoding="utf-8")
    with pytest.raises(PictureError, match=r"one of \.svg, \.png, \.txt"):
        drawing.save(tmp_path / "net.dot")
    pytest.importorskip("resvg_py")
    pytest.importorskip("fontpkg_arimo")
    assert drawing.save(tmp_path / "net.png").read_bytes().startswith(b"\x89PNG")


def test_a_drawing_tells_its_content_to_those_who_hear_it_and_dresses_for_the_dark():
    drawing = viz.network(nn.MLP(2, [3, 1], "tanh", rng=0), X)
    root = tree(drawing)
    assert root.get("role") == "img"
    named = {e.get("id"): e for e in root if e.get("id")}
    assert named[root.get("aria-labelledby")].text == "MLP 2-3-1, 13 parameters"
    assert "z[1] = W[1] a[0] + b[1]; a[1] = tanh(z[1])" in named[root.get("aria-describedby")].text
    style = root.find(SVG + "style").text
    assert "@media screen and (prefers-color-scheme:dark)" in style  # paper stays light
    used = {e.get(key) for e in root.iter() for key in ("fill", "stroke")} - {None, "none"}
    assert used <= {colour.light for colour in PALETTE.values()}
    changing = {colour.light for colour in PALETTE.values() if colour.light != colour.dark}
    assert all(f'="{colour}"' in style for colour in used & changing)
    assert {e.tag for e in root.iter()} <= {SVG + t for t in "svg title desc style g path circle text".split()}


def test_two_pictures_share_a_page():
    first, second = (viz.network(nn.MLP(2, [3, 1], rng=seed)).svg for seed in (0, 1))
    ids = [set(re.findall(r' id="([^"]*)"', svg)) for svg in (first, second)]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "a\nb\x00", "x" * 10**6, "\ud800", "]]>", "😀", "\u202er"]
)
def test_names_stay_text_whatever_they_are(name):
    drawing = viz.network(nn.MLP(1, [1]), inputs=[name], outputs=[name])
    assert len(drawing.svg) < 10_000
    drawing.svg.encode()
    assert [e.tag for e in tree(drawing).iter() if "script" in e.tag] == []


# What is refused ----------------------------------------------------------------------------------------------------


def self_containing():
    parts = []
    parts.append(parts)
    return parts


def unfitted():
    pytest.importorskip("sklearn")
    return nn.MLPClassifier()


REFUSED = {
    "x of another length": (lambda: viz.network(nn.MLP(2, [1]), [1.0]), r"x is one sample, 2 numbers, got .*\(1,\)"),
    "a batch": (lambda: viz.network(nn.MLP(2, [1]), np.ones((5, 2))), r"shape \(5, 2\): pass one row, X\[0\]"),
    "x of words": (lambda: viz.network(nn.MLP(2, [1]), "ab"), r"x is one sample, 2 numbers, got 'ab'"),
    "x that is ragged": (lambda: viz.network(nn.MLP(2, [1]), [[1.0], 2.0]), "x is one sample, 2 numbers"),
    "an unfitted estimator": (lambda: viz.network(unfitted()), "MLPClassifier has no layers.*call fit first"),
    "no network": (lambda: viz.network(object()), "object has no layers that could be drawn; a network has W and b"),
    "None": (lambda: viz.network(None), "NoneType has no layers"),
    "a number": (lambda: viz.network(3.0), "float has no layers"),
    "a node": (lambda: viz.network(Value(1.0)), "Value has no layers"),
    "a class": (lambda: viz.network(LectureMLP), "has no layers"),
    "a list in itself": (lambda: viz.network(self_containing()), "list has no layers"),
    "no neurons": (lambda: viz.network(Holder(neurons=[])), r"layer 1 has no neurons: W has shape"),
    "no rows": (lambda: viz.network(Holder(W=np.zeros((0, 2)))), r"layer 1 has no neurons: W has shape \(0, 2\)"),
    "no columns": (lambda: viz.network(Holder(W=np.zeros((2, 0)))), r"layer 1 has no inputs: W has shape \(2, 0\)"),
    "words": (lambda: viz.network(Holder(w=["a", "b"], b=0.0)), "layer 1: the parameters are no numbers"),
    "complex": (lambda: viz.network(Holder(W=np.ones((1, 1)) * 1j)), "layer 1: the parameters are no numbers"),
    "b of another length": (
        lambda: viz.network(Holder(W=np.ones((3, 2)), b=np.ones(2))),
        r"layer 1: b has shape \(2,\), W \(3, 2\)",
    ),
    "neurons unlike each other": (
        lambda: viz.network([LectureLayer(1, 1), Holder(neurons=[LectureNeuron(2), LectureNeuron(3)])]),
        "layer 2: neuron 1 has 3 weights, neuron 0 has 2",
    ),
    "layers that do not follow": (
        lambda: viz.network([LectureLayer(2, 3), LectureLayer(4, 1)]),
        "layer 2 takes 4 inputs, layer 1 gives 3",
    ),
    "another show": (lambda: viz.network(nn.MLP(2, [1]), show="w"), "show is one of weights, products, gradients"),
    "products without x": (lambda: viz.network(nn.MLP(2, [1]), show="products"), "pass x"),
    "gradients before a sweep": (lambda: viz.network(nn.MLP(2, [1]), show="gradients"), r"call backward\(\)"),
    "most of one": (lambda: viz.network(nn.MLP(2, [1]), most=1), "most is a whole number from 2 on"),
    "most of words": (lambda: viz.network(nn.MLP(2, [1]), most="all"), "most is a whole number from 2 on"),
    "too few names": (lambda: viz.network(nn.MLP(2, [1]), inputs=["a"]), "inputs names 2 of them"),
    "one name": (lambda: viz.network(nn.MLP(2, [1]), inputs="ab"), "inputs names 2 of them"),
    "an unknown activation": (
        lambda: viz.network(Holder(W=np.eye(2), activation="swish"), X),
        "activation 'swish' is not known",
    ),
    "a part that raises": (
        lambda: viz.network([Holder(W=np.eye(2), activation="tanh"), Raising()], X),
        "Raising could not be run on one sample: mine",
    ),
}


class Raising:
    def __call__(self, x):
        raise RuntimeError("mine")


@pytest.mark.parametrize("mistake", REFUSED)
def test_mistakes_are_named_with_their_remedy(mistake):
    call, message = REFUSED[mistake]
    with pytest.raises(PictureError, match=message):
        call().svg  # noqa: B018


def test_drawing_changes_nothing():
    model = nn.MLP(2, [3, 1], rng=0)
    model(X).backward()
    before = [(p.data, p.grad) for p in model.parameters()]
    viz.network(model, X, show="gradients", biases=True).svg  # noqa: B018
    assert [(p.data, p.grad) for p in model.parameters()] == before


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="the pages are not beside the packages")
def test_the_picture_of_the_front_page_is_what_its_code_draws():
    shown = (ROOT / "docs" / "network.svg").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"`(viz\.network\(.*\))`", readme)[:1]
    assert eval(code, {"viz": viz, "nn": nn}).svg == shown
    assert len(shown) < 60_000


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="the pages are not beside the packages")
def test_the_film_of_the_front_page_is_what_its_command_makes():
    scope = runpy.run_path(str(ROOT / "examples" / "film.py"))
    shown = (ROOT / "docs" / "backward.svg").read_text(encoding="utf-8")
    assert scope["film"]().animation == shown
    assert len(shown) < 60_000


# Layers as bricks ----------------------------------------------------------------------------------------------------


def test_bricks_have_the_equations_and_what_travels_between_them():
    drawing = viz.bricks(nn.MLP(2, [3, 2], "tanh", "softmax", layer=nn.Dense, rng=0))
    assert drawing.text.splitlines() == [
        "MLP 2-3-2, 17 parameters",
        "[0] a[0] = x; 2 inputs",
        "[1] z[1] = W[1] a[0] + b[1]; a[1] = tanh(z[1]); W[1] (3, 2); b[1] (3,)",
        "[2] z[2] = W[2] a[1] + b[2]; a[2] = softmax(z[2]); W[2] (2, 3); b[2] (2,)",
        "loss L(a, y)",
    ]
    said = texts(drawing)
    for i, shape in enumerate(("(2,)", "(3,)", "(2,)")):
        assert {f"[{i}]", f"a[{i}] {shape}", f"dL/da[{i}]"} <= set(said)
    assert drawing.svg == viz.bricks(nn.MLP(2, [3, 2], "tanh", "softmax", layer=nn.Dense, rng=0)).svg


@pytest.mark.parametrize("widths", [(1, 1), (2, 16, 16, 1), (784, 128, 10)])
def test_bricks_stand_beside_each_other_and_hold_their_lines(widths):
    drawing = viz.bricks(nn.MLP(widths[0], list(widths[1:]), layer=nn.Dense, rng=0))
    boxes = [{k: float(box.get(k)) for k in ("x", "y", "width", "height")} for box in tree(drawing).iter(SVG + "rect")]
    assert len(boxes) == len(widths) + 1
    assert all(box["x"] + box["width"] < after["x"] for box, after in pairwise(boxes))
    assert {box["height"] for box in boxes} == {boxes[0]["height"]}
    left, _, wide, high = map(float, tree(drawing).get("viewBox").split())
    assert all(left <= b["x"] and b["x"] + b["width"] <= left + wide and b["y"] + b["height"] <= high for b in boxes)
    for text in tree(drawing).iter(SVG + "text"):
        if text.get("text-anchor") == "middle":
            assert boxes[0]["y"] < float(text.get("y")) < boxes[0]["y"] + boxes[0]["height"]
    with pytest.raises(PictureError):
        viz.bricks(3.0)


def test_a_layer_of_relus_through_which_nothing_passes_is_named():
    xs, ys = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5]], [1.0, -0.5]
    neurons, arrays = nn.MLP(3, [4, 4, 1], rng=0), nn.MLP(3, [4, 4, 1], layer=nn.Dense, rng=0)
    for name, p in (*neurons.named_parameters(), *arrays.named_parameters()):
        p.data = p.data * 0.0 - 9.0 if name.startswith("layers.0") and name.endswith("b") else p.data
        p.data = p.data * 0.0 + 0.5 if name.startswith("layers.1") and name.endswith("b") else p.data
    losses = sum((neurons(x) - y) ** 2 for x, y in zip(xs, ys)), ((arrays(xs) - np.array(ys)[:, None]) ** 2).sum()
    for model, loss, where in zip((neurons, arrays), losses, ("layer 1", "v2")):
        assert "for every sample" not in viz.network(model).text
        loss.backward()
        line = next(line for line in viz.network(model).text.splitlines() if line.startswith("[1]"))
        assert line.endswith("all 4 relus are 0 for every sample")
        assert viz.network(model).text.count("for every sample") == 1
        assert viz.draw(loss, names={}, model=model if model is neurons else None).picture.note.endswith(
            f"All 4 relus of {where} are 0 for every sample."
        )
        with pytest.warns(UserWarning, match="of layer 1 are 0 for every sample"):
            nn.check_gradients(model)
        for p in model.parameters():
            p.grad = p.grad * 0.0
        with pytest.warns(UserWarning, match="all gradients are 0"):
            nn.check_gradients(model)
