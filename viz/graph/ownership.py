"""Parts of a model, and which of a record's nodes belong to which.

A part is a network, a layer or a neuron. A parameter belongs to the part that holds it; a node that is computed from
a parameter belongs where that does; what lies between such nodes, as activations do, belongs to the smallest part
around them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autograd_mini import Node, Value

from ..networks import Path, activation_of, is_network, networks_in, parts_in

NETWORK, LAYER, NEURON = "network", "layer", "neuron"
LABEL = re.compile(r"[Wb]\[(\d{1,9})\](?:\[(\d{1,9})(?:,\d{1,9})?\])?")  # as layers label their parameters
SUMS = ("add", "add_n")
ACTIVATIONS = {"tanh", "sigmoid", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu"}
Inputs = dict[Node, list[Node]]  # of each node, oldest first
Users = dict[Node, list[Node]]
Place = tuple[int, "Part"]  # the calls of the model that came before on the way, and the part


@dataclass(eq=False)
class Part:
    """A network, or what labels show of one: its parameters, each with a bit of its own, and the parts inside it."""

    name: str
    kind: str = NETWORK
    outer: Part | None = None
    activation: str | None = None  # None where it is not known
    number: int = 0  # in the order of the calls
    own: list[Node] = field(default_factory=list)
    inner: list[Part] = field(default_factory=list)

    def lineage(self) -> list[Part]:
        """Return this part and those around it, innermost first."""
        found = [self]
        while (outer := found[-1].outer) is not None:
            found.append(outer)
        return found

    def everything(self) -> list[Part]:
        """Return this part and all inside it, depth first."""
        found: list[Part] = []
        stack = [self]
        while stack:
            found.append(stack.pop())
            stack += reversed(found[-1].inner)
        return found


# Where parts come from ----------------------------------------------------------------------------------------------


def parts_of(leaves: Iterable[Node], model: Any, variables: Mapping[str, Any]) -> list[Part]:
    """Return the outermost parts that own some of `leaves`: those of `model`; else of the networks among `variables`;
    else what labels such as W[1][0,2] show.
    """
    wanted = set(leaves)
    networks = [(k, v) for k, v in variables.items() if not k.startswith("_") and is_network(v)]
    if model is not None:
        networks = [(k, v) for k, v in networks if v is model] or [(type(model).__name__, model)]
    if len(networks) > 1:  # a layer that is a variable too comes after its network
        networks.sort(key=lambda pair: -len(networks_in(pair[1])))
    taken: set[int] = set()
    found = [_part_of(network, name, taken) for name, network in networks if id(network) not in taken]
    found = [part for part in found if any(not wanted.isdisjoint(p.own) for p in part.everything())]
    found = found or _labelled(leaves)
    for number, part in enumerate(p for root in found for p in root.everything()):
        part.number = number
    return found


def _part_of(network: Any, name: str, taken: set[int]) -> Part:
    """Return the part for a network; what `taken` holds, by identity, belongs to another already."""
    part = Part(name, activation=activation_of(network))
    taken.add(id(network))
    layers = 0
    for path, x in parts_in(network):
        if id(x) in taken:
            continue
        if isinstance(x, Node):
            taken.add(id(x))
            part.own.append(x)
        else:
            inner = _part_of(x, "", taken)
            if inner.own or inner.inner:
                inner.outer = part
                part.inner.append(inner)
                layers += inner.kind == LAYER
                inner.name = _title(path, inner.kind, layers)
    part.kind = _kind(part)
    return part


def _kind(part: Part) -> str:
    if part.inner:
        return LAYER if all(p.kind == NEURON for p in part.inner) else NETWORK
    return NEURON if all(isinstance(x, Value) for x in part.own) else LAYER


def _title(path: Path, kind: str, layers: int) -> str:
    """Return what a part is called: entries of a list by number, as their parameters are; others by attribute."""
    if len(path) > 1 and kind == LAYER:
        return f"layer {layers}"
    if len(path) > 1 and kind == NEURON:
        return f"neuron {path[-1]}"
    return str(path[0]) + "".join(f"[{key}]" for key in path[1:])


def _labelled(leaves: Iterable[Node]) -> list[Part]:
    """Return the network that labels such as W[1][0,2] and b[1] show."""
    network = Part("network")
    layers: dict[int, Part] = {}
    neurons: dict[tuple[int, int], Part] = {}
    for x in leaves:
        match = LABEL.fullmatch(str(x.label))
        if match:
            number, row = int(match[1]), match[2]
            part = layers.setdefault(number, Part(f"layer {number}", LAYER, network))
            if row is not None:
                part = neurons.setdefault((number, int(row)), Part(f"neuron {int(row)}", NEURON, part))
            part.own.append(x)
    for key in sorted(neurons):
        layers[key[0]].inner.append(neurons[key])
    network.inner = [layers[number] for number in sorted(layers)]
    return [network] if layers else []


# Where nodes belong -------------------------------------------------------------------------------------------------


def inputs_of(nodes: Collection[Node]) -> Inputs:
    """Return those arguments of each node that are `nodes` too; what goes over a large record asks for them often."""
    among = set(nodes)
    return {node: [arg for arg in node.args if isinstance(arg, Node) and arg in among] for node in nodes}


def users_of(inputs: Inputs) -> Users:
    """Return the nodes that use each node, once for each use."""
    users: Users = {node: [] for node in inputs}
    for node, args in inputs.items():
        for arg in args:
            users[arg].append(node)
    return users


class Placing:
    """Finds the places of all nodes in one pass from the oldest to the root.

    A phase (call, number of the part, bits of the parameters seen) grows along every path, so that a part is never left
    and entered again: a parameter that comes up for a second time on a path, or a part that the path has left behind,
    starts the next call. Recurrent networks are unrolled by it; samples of a batch do not depend on each other.
    """

    def __init__(self, inputs: Inputs, parts: list[Part], users: Users) -> None:
        everything = [part for root in parts for part in root.everything()]
        self.owner = {x: (part, 1 << i) for part in everything for i, x in enumerate(part.own)}
        self.whole = {part: root.number for root in parts for part in root.everything()}
        self.inputs, self.users = inputs, users
        self.phase: dict[Node, tuple[int, int, int]] = {}
        self.places: dict[Node, Place] = {}
        self.activated: set[Node] = set()
        inner = [node for node in inputs if node.op is not None]
        seeds = [node for node in inner if self._advance(node)]
        self._bring_forward(seeds)
        self.before = self._next_calls(inner)
        for node in inner:
            if not in_a_sum(node, users):
                self._settle(node)
        self._settle_parameters()

    def _advance(self, node: Node) -> bool:
        """Set the phase of a node, and its place if it is computed from parameters of one part."""
        phase, owner, args = self.phase, self.owner, self.inputs[node]
        phases = [phase[arg] for arg in args if arg in phase]
        owned = [owner[arg] for arg in args if arg in owner]
        if not owned or any(part is not owned[0][0] for part, _ in owned):
            if phases:
                phase[node] = _joined(phases)
            return False
        call, number, bits = _joined(phases) if phases else (0, -1, 0)
        part, new = owned[0][0], 0
        for _, bit in owned:
            new |= bit
        again = part.number < number or (part.number == number and bits & new)
        call, bits = call + bool(again), new | (bits if part.number == number and not again else 0)
        self.places[node] = call, part
        phase[node] = call, part.number, bits
        return True

    def _bring_forward(self, seeds: list[Node]) -> None:
        """Move what only a later call of the same part uses to that call: the inputs of a recurrent network."""
        for node in reversed(seeds):
            call, part = self.places[node]
            calls = {self.places.get(user, self.phase[user])[0] for user in self.users[node]}
            if len(calls) == 1 and calls != {call}:
                self.places[node] = calls.pop(), part

    def _next_calls(self, inner: list[Node]) -> dict[Node, tuple[int, int]]:
        """Return, for each node, the earliest (call, number of the outermost part) that is computed from it."""
        first: dict[Node, tuple[int, int]] = {}
        for node in reversed(inner):
            found = [(place[0], self.whole[place[1]])] if (place := self.places.get(node)) else []
            found += [first[node]] if node in first else []
            for arg in self.inputs[node] if found else ():
                first[arg] = min(found) if arg not in first else min(first[arg], *found)
        return first

    def _settle(self, node: Node) -> None:
        """Find the place of a node without parameters by those of its arguments; a sum of many is one."""
        if node in self.places and not is_sum(node):
            return
        args, sums = terms_of(node, self.users)
        place = self.places.get(node) or self._around(
            node, [arg for arg in dict.fromkeys(args) if arg not in self.owner]
        )
        if place is not None:
            for each in (node, *sums):
                self.places.setdefault(each, place)

    def _around(self, node: Node, args: list[Node]) -> Place | None:
        """Return the smallest part around what a node is computed from, if the node belongs to it."""
        call = self.phase.get(node, (-1, 0, 0))[0]
        inside = [self.places[arg][1] for arg in args if arg in self.places and self.places[arg][0] == call]
        part = common(inside) if inside else None
        if part is None:
            return None
        whole = part.lineage()[-1]
        if self.before.get(node, (0, -1))[1] == whole.number:
            return call, part if len(inside) == len(args) else whole
        return (call, part) if len(inside) == len(args) and self._finishes(node, part, args) else None

    def _finishes(self, node: Node, part: Part, args: list[Node]) -> bool:
        """Whether a node that no later part uses is still the part's own: its sum, its activation, its outputs."""
        name = node.op.name if node.op else ""
        if len(args) > 1:
            return name == "stack" or (not part.inner and not _overlap([self.phase[arg] for arg in args]))
        if name == "getitem":
            return args[0] in self.activated and bool(part.inner)
        joined = name == "softmax" and args[0].op is not None and args[0].op.name == "stack"
        if (_activates(name, part) or joined) and args[0] not in self.activated:
            self.activated.add(node)
            return True
        return False

    def _settle_parameters(self) -> None:
        """Put each parameter where it is used first; one that its own part does not use stays outside."""
        for x, (part, _) in self.owner.items():
            calls = [
                self.places[user][0] for user in self.users.get(x, ()) if self.places.get(user, (0, None))[1] is part
            ]
            if calls:
                self.places[x] = min(calls), part


def _activates(name: str, part: Part) -> bool:
    """Whether an op is the activation of a part; of one that does not name its own, any that is known as one."""
    return name in ACTIVATIONS if part.activation is None else name == part.activation


def in_a_sum(node: Node, users: Mapping[Node, list[Node]]) -> bool:
    """Whether a node is a sum that is only a term of a larger sum; the root stands for itself."""
    uses = users.get(node, ())
    return len(uses) == 1 and is_sum(node) and is_sum(uses[0]) and bool(users[uses[0]])


def terms_of(node: Node, users: Mapping[Node, list[Node]]) -> tuple[list[Node], list[Node]]:
    """Return what a node is computed from, through the smaller sums inside a sum, and those smaller sums."""
    terms: list[Node] = []
    sums: list[Node] = []
    stack = [arg for arg in node.args if isinstance(arg, Node)]
    if not is_sum(node):
        return stack[::-1], sums
    while stack:
        arg = stack.pop()
        if in_a_sum(arg, users):
            sums.append(arg)
            stack += [a for a in arg.args if isinstance(a, Node)]
        else:
            terms.append(arg)
    return terms, sums


def common(parts: list[Part]) -> Part | None:
    """Return the smallest part around all of `parts`, None where there is none."""
    found: Part | None = parts[0]
    for part in parts[1:]:
        if part is not found:
            around = part.lineage()
            found = next((p for p in (found.lineage() if found else []) if p in around), None)
    return found


def is_sum(node: Node) -> bool:
    """Whether a node is a sum of scalars."""
    return node.op is not None and node.op.name in SUMS and not node.ndim


def _joined(phases: list[tuple[int, int, int]]) -> tuple[int, int, int]:
    """Return the latest phase, with the bits of all that are as late."""
    if len(phases) == 1:
        return phases[0]
    call, number, bits = phases[0]
    for phase in phases[1:]:
        if phase[:2] == (call, number):
            bits |= phase[2]
        elif phase[:2] > (call, number):
            call, number, bits = phase
    return call, number, bits


def _overlap(phases: list[tuple[int, int, int]]) -> bool:
    """Whether two of the phases have seen one parameter: they come from two calls."""
    seen = 0
    for _, _, bits in phases:
        if seen & bits:
            return True
        seen |= bits
    return False
