"""viz knows a network by what it has: classes as the lecture writes them fold as those of nn do."""

import random

import numpy as np
import pytest

import nn
import viz
from autograd_mini import Tensor, Value
from viz.graph.draw import PictureError
from viz.graph.groups import groups_of
from viz.networks import activation_of, is_network, named_parameters, networks_in, parts_in


class Neuron:
    def __init__(self, nin):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(random.uniform(-1, 1))

    def __call__(self, x):
        act = sum((wi * xi for wi, xi in zip(self.w, x)), self.b)
        return act.tanh()


class Layer:
    def __init__(self, nin, nout):
        self.neurons = [Neuron(nin) for _ in range(nout)]

    def __call__(self, x):
        outs = [n(x) for n in self.neurons]
        return outs[0] if len(outs) == 1 else outs


class MLP:
    def __init__(self, nin, nouts):
        sizes = [nin] + nouts
        self.layers = [Layer(sizes[i], sizes[i + 1]) for i in range(len(nouts))]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Counted(MLP):
    """The same with the lecture's next step, a list of its parameters."""

    def parameters(self):
        return [p for layer in self.layers for n in layer.neurons for p in [*n.w, n.b]]


class Slim:
    """A network without attributes that anyone can look at."""

    __slots__ = ("_w",)

    def __init__(self):
        self._w = Value(0.5)

    def named_parameters(self):
        return [("w", self._w)]

    def __call__(self, x):
        return self._w * x[0]


def outline(group):
    return {child.name: outline(child) for child in group.children}


def loss_of(model, samples):
    return sum(((model(x) - 1.0) ** 2 for x in samples), Value(0.0))


SAMPLES = ([[2.0, 3.0, -1.0]], [[2.0, 3.0, -1.0], [0.5, 1.0, 1.0]])


@pytest.mark.parametrize("kind", [MLP, Counted])
@pytest.mark.parametrize("samples", SAMPLES)
def test_the_lectures_classes_fold_as_ours_do(kind, samples):
    ours, theirs = nn.MLP(3, [4, 4, 1], "tanh", "tanh", rng=0), kind(3, [4, 4, 1])
    groups = [groups_of(loss_of(model, samples), model) for model in (ours, theirs)]
    folded = [outline(group.children[0]) for group in groups]
    assert folded[0] == folded[1]
    assert list(folded[1]) == ["layer 1", "layer 2", "layer 3"]
    tanhs = [[n.op.name for n in group.nodes if n.op and n.op.name == "tanh"] for group in groups]
    assert tanhs == [[], []], "an activation outside of its neuron"


@pytest.mark.parametrize("kind", [MLP, Counted])
def test_they_are_drawn_and_played_from_variables_too(kind):
    net = kind(3, [4, 4, 1])
    root = loss_of(net, SAMPLES[0])
    drawing = viz.draw(root, names={"net": net})
    assert all(f"layer {i}" in drawing.svg for i in (1, 2, 3))
    assert "layer 1" in viz.draw(root, model=net, depth=1).text
    folds = viz.player(root, names={"net": net}).frames.folds
    assert {"net", "layer 1", "neuron 3"} <= {fold.title for fold in folds}


def test_parameters_have_the_names_that_ours_have():
    ours, theirs = nn.MLP(3, [4, 1], rng=0), MLP(3, [4, 1])
    assert list(named_parameters(theirs)) == [name for name, _ in ours.named_parameters()]
    assert list(named_parameters(ours).values()) == ours.parameters()
    assert list(named_parameters(Slim())) == ["w"]
    assert networks_in(ours) == ours.modules()
    assert [path for path, _ in parts_in(theirs)] == [("layers", 0), ("layers", 1)]


def test_a_network_that_holds_itself_has_an_end():
    net = MLP(2, [2, 1])
    net.again = net.layers[0].back = net
    assert len(networks_in(net)) == 6
    assert len(named_parameters(net)) == 9
    assert list(outline(groups_of(net([1.0, 2.0]), net).children[0])) == ["layer 1", "layer 2"]


@pytest.mark.parametrize(
    "thing",
    [MLP, nn.MLP, nn, Value(1.0), Tensor([1.0]), [Value(1.0)], {"w": Value(1.0)}, np.ones(2), None, "w", lambda x: x],
)
def test_what_is_no_network_is_taken_for_none(thing):
    assert not is_network(thing)
    with pytest.raises(PictureError, match="model is a network, an object with parameters"):
        viz.draw(Value(1.0), model=thing if thing is not None else 0)


def test_nothing_of_a_variable_is_called_to_see_what_it_is():
    class Trap:
        def __getattr__(self, name):
            raise AssertionError(f"asked for {name}")

        @property
        def w(self):
            raise AssertionError("asked for w")

    assert not is_network(Trap())


def test_activations_are_known_by_name():
    relu = nn.Neuron(1, "relu", rng=0)
    own = nn.Neuron(1, lambda z: z, rng=0)
    linear = Neuron(1)
    linear.nonlin = False
    assert [activation_of(x) for x in (relu, own, linear, Neuron(1))] == ["relu", "<lambda>", "identity", None]


def test_plots_use_a_network_of_any_class():
    pytest.importorskip("matplotlib")
    from matplotlib import pyplot

    random.seed(0)
    net = MLP(2, [3, 1])
    axes = viz.decision_boundary(net, [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]], [-1, 1, 1])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["-1", "1"]
    net([1.0, 2.0]).backward()
    labels = [text.get_text() for text in viz.gradient_flow(net).get_xticklabels()]
    assert labels == ["layers.0", "layers.1"]
    pyplot.close("all")


def test_true_and_false_are_micrograds_words_for_relu_and_identity() -> None:
    assert nn.Neuron(2, "linear").activation == "identity"
    for given, name in ((True, "relu"), (False, "identity")):
        assert nn.Neuron(2, given).activation == nn.Neuron(2, nonlin=given).activation == name
