"""Groups: what nn knows about a graph, as a tree in which every group is a step."""

import random
import subprocess
import sys

import numpy as np
import pytest

from autograd_mini import Node, Tensor, Value, ops
from autograd_mini.sweep import order
from nn import MLP, Dense, Dropout, Layer, Module, Neuron, Sequential
from viz.graph.groups import Group, digest, groups_of


def outline(group, deep=9):
    """Return the names of the groups inside, as nested dictionaries."""
    return {child.name: outline(child, deep - 1) for child in group.children} if deep else {}


def ops_in(group):
    return [node.op.name if node.op else "" for node in group.all_nodes()]


def check(root, group):
    """Assert that a tree of groups holds every node once, and that a node's arguments come before it at every level."""
    nodes = list(group.all_nodes())
    assert len(nodes) == len(set(nodes))
    assert set(nodes) == set(order(root))
    place = {node: i for i, node in enumerate(nodes)}
    assert all(place[arg] < place[node] for node in nodes for arg in node.args if isinstance(arg, Node))


class Cell(Module):
    """One neuron that sees its own last output."""

    def __init__(self):
        self.w, self.u, self.b = Value(0.5), Value(0.3), Value(0.1)

    def __call__(self, x, h):
        return (self.w * x + self.u * h + self.b).tanh()


class OldNeuron(Module):
    """A neuron as the lecture writes it, with Python's sum."""

    def __init__(self, n):
        self.w, self.b = [Value(0.1 * i) for i in range(n)], Value(0.0)

    def __call__(self, x):
        return sum((wi * xi for wi, xi in zip(self.w, x)), self.b).tanh()


def test_a_network_its_layers_its_neurons():
    net = MLP(2, [3, 1], "tanh", rng=0)
    loss = (net([Value(1.0, label="x1"), Value(2.0, label="x2")]) - 1.0) ** 2.0
    group = groups_of(loss, net)
    check(loss, group)
    neurons = {f"neuron {i}": {} for i in range(3)}
    assert outline(group) == {"MLP": {"layer 1": neurons, "layer 2": {"neuron 0": {}}}}
    assert [node.label or node.op.name for node in group.nodes] == ["x1", "x2", "sub", "power"]
    kinds = {path: inner.kind for path, inner in group.walk()}
    assert [kinds[path] for path in ("MLP", "MLP/layer 1", "MLP/layer 1/neuron 2")] == ["network", "layer", "neuron"]
    first = group.children[0].children[0].children[0]
    assert [node.label or node.op.name for node in first.nodes] == [
        "W[1][0,0]", "W[1][0,1]", "b[1][0]", "mul", "mul", "add_n", "tanh",
    ]  # fmt: skip


def test_arrays_and_scalars_have_the_same_layers():
    net = MLP(4, [5, 6, 3], "relu", "softmax", layer=Dense, rng=0)
    twin = net.scalars()
    x = np.ones(4)
    big, small = net(x[None]).sum() * 2.0, ops.add_n(*twin(x)) * 2.0
    assert outline(groups_of(big, net), 2) == outline(groups_of(small, twin), 2)
    for root, model in ((big, net), (small, twin)):
        (network,) = groups_of(root, model).children
        assert [("relu" in ops_in(layer), "softmax" in ops_in(layer)) for layer in network.children] == [
            (True, False), (True, False), (False, True),
        ]  # fmt: skip


@pytest.mark.parametrize("known", ["model", "variable", "labels"])
def test_a_network_is_known_as_an_argument_as_a_variable_or_by_its_labels(known):
    net = MLP(2, [2, 1], "tanh", rng=0)
    y = net([1.0, 2.0])
    named = {"_": net, "net": net, "first": net.layers[0], "other": MLP(2, [2]), "n": 3}
    given = {"model": (net, {}), "variable": (None, named), "labels": (None, {})}[known]
    (network,) = groups_of(y, *given).children
    assert network.name == {"model": "MLP", "variable": "net", "labels": "network"}[known]
    assert outline(network) == {"layer 1": {"neuron 0": {}, "neuron 1": {}}, "layer 2": {"neuron 0": {}}}


def test_the_samples_of_a_batch_are_calls_of_a_neuron():
    net = MLP(2, [2, 1], "tanh", rng=0)
    loss = sum((net(x) - 1.0) ** 2.0 for x in ([1.0, 2.0], [3.0, 4.0], [5.0, 6.0]))
    group = groups_of(loss, net)
    check(loss, group)
    neuron = group.children[0].children[0].children[0]
    assert [child.name for child in neuron.children] == ["call 1", "call 2", "call 3"]
    assert [len(child.nodes) for child in neuron.children] == [4, 4, 4]
    assert len(group.nodes) == 9


def test_a_penalty_on_the_weights_does_not_tear_the_network_apart():
    net = MLP(2, [4, 1], "tanh", rng=0)
    for penalty in (sum(p * p for p in net.parameters()), ops.l2_penalty(0.1, *net.parameters())):
        loss = net([1.0, 2.0]) ** 2.0 + penalty
        group = groups_of(loss, net)
        check(loss, group)
        assert outline(group, 2)["MLP"].keys() == {"layer 1", "layer 2"}
        assert len(group.nodes) <= 3
    assert "sum of 17" in outline(groups_of(net([1.0, 2.0]) ** 2.0 + sum(p * p for p in net.parameters()), net))


def test_a_recurrent_network_is_a_group_for_each_time_step():
    cell, h = Cell(), Value(0.0, label="h0")
    for i in range(3):
        h = cell(float(i), h)
    group = groups_of(h, cell)
    check(h, group)
    assert [child.name for child in group.children] == ["Cell", "Cell (2)", "Cell (3)"]
    assert ops_in(group.children[1]) == ["mul", "mul", "add", "add", "tanh"]


def test_modules_of_the_reader():
    layer = Sequential(*[OldNeuron(3) for _ in range(2)])
    y = layer.layers[0]([1.0, 2.0, 3.0]) * layer.layers[1]([1.0, 2.0, 3.0])
    group = groups_of(y, layer)
    check(y, group)
    assert outline(group) == {"Sequential": {"neuron 0": {}, "neuron 1": {}}}
    assert [ops_in(child).count("add") for child in group.children[0].children] == [3, 3]


def test_what_lies_between_two_layers_belongs_to_the_first():
    net = Sequential(Dense(3, 4, "relu", rng=0), Dropout(0.5, rng=0), Dense(4, 2, lambda z: z.tanh() * 2.0, rng=0))
    y = net(np.ones((2, 3))).sum()
    (network,) = groups_of(y, net).children
    assert [ops_in(layer)[2:] for layer in network.children] == [["affine", "relu", "mul"], ["affine"]]


def test_labelled_nodes_make_expressions_of_what_only_they_need():
    x, w = Value(2.0, label="x"), Value(3.0)
    h = w * x + 1.0
    h.label = "h"
    y = h * x + h.sin()
    group = groups_of(y)
    check(y, group)
    assert outline(group) == {"h": {}}
    assert set(group.children[0].nodes) == {w, h, h.args[0]}


def test_many_inputs_are_one_group():
    net = Neuron(20, "tanh", rng=0)
    y = net([Value(float(i)) for i in range(20)])
    assert outline(groups_of(y, net)) == {"20 inputs": {}, "Neuron": {}}


def test_equal_structures_have_one_digest_whatever_their_numbers():
    layer = Layer(3, 4, "tanh", rng=0)
    other = Layer(3, 2, "relu", rng=1)
    y = ops.add_n(*layer([1.0, 2.0, 3.0]), *other([Value(1.0), 2.0, 3.0]))
    digests = [[digest(n) for n in groups_of(y, each).children[-1].children] for each in (layer, other)]
    assert [len(set(found)) for found in digests] == [1, 1]
    assert digests[0][0] != digests[1][0]


def test_the_same_program_gives_the_same_groups():
    program = (
        "from nn import MLP; from viz.graph.groups import groups_of, digest\n"
        "net = MLP(3, [4, 4, 1], 'tanh', rng=0); y = sum(net([i, 1., 2.]) for i in range(3))\n"
        "for path, g in groups_of(y, net).walk(): print(path, digest(g), [n.op and n.op.name for n in g.nodes])"
    )
    runs = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=120).stdout
        for _ in range(3)
    }
    assert len(runs) == 1


def test_random_graphs_around_networks_are_grouped_without_circles():
    rng = random.Random(5)
    for _ in range(60):
        nets = [MLP(2, [rng.randint(1, 3) for _ in range(rng.randint(1, 3))], "tanh", rng=i) for i in range(2)]
        values = [Value(rng.random(), label=rng.choice(["", "x", "h"])) for _ in range(3)]
        values += rng.sample(nets[0].parameters(), 2)
        for _ in range(rng.randint(1, 12)):
            a, b = rng.choice(values), rng.choice(values)
            out = rng.choice(nets)([a, b]) if rng.random() < 0.5 else rng.choice([a * b, a + b, a.tanh()])
            values += out if isinstance(out, list) else [out]
            if values[-1].op is not None:
                values[-1].label = rng.choice(["", "", "h", "k"])
        root = ops.add_n(*values[-4:])
        check(root, groups_of(root, variables={"a": nets[0], "b": nets[1]}))


def test_chains_of_labels_and_long_graphs():
    x = Value(1.0)
    for _ in range(3000):
        x = x + 1.0
        x.label = "x"
    group = groups_of(x)
    check(x, group)
    assert max(path.count("/") for path, _ in group.walk()) < 12


def test_a_group_says_what_it_is():
    net = Neuron(2, "tanh", rng=0)
    assert repr(groups_of(net([1.0, 2.0]), net).children[0]) == "<neuron Neuron: 7 nodes, 0 groups>"
    assert isinstance(groups_of(Value(1.0)), Group)
    assert groups_of(Tensor([1.0])).children == ()
