"""Groups: the nodes of a record as a tree of networks, layers, neurons and named expressions, each of which can fold.

A group can always be taken for one step: its items, nodes and smaller groups, stand in topological order, and no path
leaves a group and enters it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from typing import Any

from autograd_mini import Node
from autograd_mini.modes import OUTSIDE
from autograd_mini.modes import Group as Recorded
from autograd_mini.sweep import order
from autograd_mini.text.formula import one_line

from .group_builder import Builder, Home, Item, ordered
from .ownership import NEURON, Inputs, Part, Place, Placing, Users, in_a_sum, inputs_of, parts_of, terms_of, users_of
from .samples import Equal, all_of, equal_samples

GRAPH, NAMED, CALL, SUM, INPUTS, EXPRESSION = "graph", "group", "call", "sum", "inputs", "expression"
SAMPLE = "sample"
MANY = 8  # terms of a sum, or inputs side by side, that make a group of their own
DEEP = 12  # labelled expressions inside each other


Use = tuple[Node, int, Node]


@dataclass(frozen=True, eq=False)
class Group:
    """Nodes that can be drawn as one box, or gone through as one step.

    `kind` is "graph" for the whole, else "group" (recorded in `with group(name):`), "network", "layer", "neuron",
    "call" (of a neuron, one a sample), "sample" (what is made of one output of a network, a term of a sum of many),
    "inputs", "sum" or "expression". `items` are the nodes and groups directly in it, in topological order; no path
    leads out of a group and back into it, so that a group is a step of the sweep like any node. A leaf stands where it
    belongs, a parameter in its neuron or layer, or else where it is used. Where one sample stands for many equal ones,
    `equal` tells what each of its nodes stands for.
    """

    name: str
    kind: str
    items: tuple[Node | Group, ...]
    equal: Equal = field(default_factory=dict)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes directly in the group."""
        return tuple(item for item in self.items if isinstance(item, Node))

    @cached_property
    def children(self) -> tuple[Group, ...]:
        """The groups directly in the group."""
        return tuple(item for item in self.items if isinstance(item, Group))

    def all_nodes(self) -> tuple[Node, ...]:
        """Return every node in the group and in the groups inside it, in topological order."""
        return self._everything

    def standing_for(self, nodes: Iterable[Node]) -> list[Node]:
        """Return all nodes that `nodes` of the group stand for, themselves included."""
        return all_of(nodes, self.equal)

    @property
    def count(self) -> int:
        """How many samples the group stands for."""
        return len(self.standing_for(self.all_nodes()[-1:])) if self.kind == SAMPLE else 1

    @property
    def several(self) -> bool:
        """Whether nodes directly in the group stand for several, so that what is in it cannot be shown one by one."""
        return any(node in self.equal for node in self.nodes)

    @cached_property
    def _everything(self) -> tuple[Node, ...]:
        found: list[Node] = []
        stack: list[Node | Group] = [self]
        while stack:
            item = stack.pop()
            if isinstance(item, Group):
                stack += reversed(item.items)
            else:
                found.append(item)
        return tuple(found)

    @cached_property
    def uses(self) -> list[Use]:
        """What is in the group uses what is outside, as (user, place of the argument, what is used)."""
        inner = {group: group.uses for _, group in reversed([*self.walk()])}  # from within, so that nothing recurses
        inside = set(self.all_nodes())
        parts = (inner[item] if isinstance(item, Group) else uses_of(item) for item in self.items)
        return [use for part in parts for use in part if use[2] not in inside]

    def walk(self) -> Iterator[tuple[str, Group]]:
        """Yield (path, group) for every group inside this one, outer before inner: ("net/layer 1", <the group>)."""
        stack = [(child.name, child) for child in reversed(self.children)]
        while stack:
            path, group = stack.pop()
            yield path, group
            stack += [(f"{path}/{child.name}", child) for child in reversed(group.children)]

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}: {len(self.nodes)} nodes, {len(self.children)} groups>"


def uses_of(node: Node) -> list[Use]:
    """Return the uses of nodes by one node."""
    return [(node, i, arg) for i, arg in enumerate(node.args) if isinstance(arg, Node)]


def groups_of(root: Node, model: Any = None, variables: Mapping[str, Any] | None = None) -> Group:
    """Return everything that `root` was computed from as a tree of groups.

    What was recorded in `with group(name):` is a group, in those around it. Networks, layers and neurons are those of
    `model`; else of the networks among `variables`, which maps names to anything; else of the labels that networks give
    to their parameters. Outside of them, a node with a label makes an expression of whatever only it needs, and sums of
    many terms and inputs side by side are groups too.

    >>> from nn import MLP
    >>> group = groups_of(MLP(2, [3, 1], "tanh", rng=0)([1.0, 2.0]) ** 2.0)
    >>> [path for path, _ in group.walk()][:3], len(group.nodes)
    (['network', 'network/layer 1', 'network/layer 1/neuron 0'], 1)
    """
    return groups_among(order(root)[::-1], model, variables or {})


def groups_among(nodes: list[Node], model: Any, variables: Mapping[str, Any], piled: bool = False) -> Group:
    """Return the tree of groups of everything that the last of `nodes` was computed from, oldest first.

    Where it is `piled`, one of many equal samples stands for all of them: a record of a thousand samples takes as long
    as one of few.
    """
    parts = parts_of([n for n in nodes if n.op is None], model, variables)
    equal: Equal = {}
    if piled and parts:
        equal = equal_samples(nodes, {x for root in parts for part in root.everything() for x in part.own})
        gone = {each for same in equal.values() for each in same[1:]}
        nodes = [node for node in nodes if node not in gone]
    inputs = inputs_of(nodes)
    users = users_of(inputs)
    top = Builder("", GRAPH)
    home = _modules(inputs, users, parts, top)
    _sums(users, home, top, equal)
    _inputs(users, home, top, equal)
    contents = ordered(inputs, home)
    if _expressions(nodes[-1], contents[top], users, home, top):
        contents = ordered(inputs, home)
    return _frozen(contents, equal)


def digest(group: Group) -> str:
    """Return a text that is the same for groups of the same structure: ops, shapes, settings, how often, no numbers.

    >>> from autograd_mini import Value
    >>> from nn import Layer
    >>> layer = Layer(2, 4, "tanh", rng=0)
    >>> net, = groups_of(sum(layer([1.0, 2.0])), model=layer).children
    >>> len({digest(neuron) for neuron in net.children})
    1
    """
    numbers: dict[Node, int] = {}
    inside = set(group.all_nodes())
    lines: list[Any] = []
    for node in sorted(inside, key=lambda node: node.birth):
        if node.op is not None:
            args = [_mark(arg, inside, numbers) for arg in node.args]
            numbers[node] = len(numbers)
            lines.append((node.op.name, node.shape, args, len(group.standing_for([node])) // group.count))
    loose = sorted(node.shape for node in inside if node not in numbers)
    return hashlib.sha256(repr((group.kind, lines, loose)).encode()).hexdigest()


def _mark(arg: Any, inside: set[Node], numbers: dict[Node, int]) -> Any:
    """Return what a structure shows of an argument: a number for each node inside it, shapes for what is outside."""
    if not isinstance(arg, Node):
        return getattr(arg, "shape", None) or (type(arg).__name__ if isinstance(arg, float) else repr(arg))
    if arg not in inside:
        return f"outside {arg.shape}"
    if arg not in numbers:
        numbers[arg] = len(numbers)
    return numbers[arg]


# How groups are made -------------------------------------------------------------------------------------------------


def _modules(inputs: Inputs, users: Users, parts: list[Part], top: Builder) -> Home:
    """Give every node its builder: of its place in a model, else of the group it was recorded in, else of the whole."""
    home = _recorded(inputs, users, top)
    if parts:
        builders: dict[Place, Builder] = {}
        members: dict[Builder, list[Node]] = {}
        places = Placing(inputs, parts, users).places
        for node in places:
            if node.op is not None:  # results know the group that called their part
                _builder_of(places[node], builders, home[node])
        for node in inputs:
            if node in places:
                home[node] = _builder_of(places[node], builders, top)
                members.setdefault(home[node], []).append(node)
        for builder, inside in members.items():
            if builder.kind == NEURON:
                _calls(builder, inside, inputs, home)
    return home


def _recorded(nodes: Iterable[Node], users: Users, top: Builder) -> Home:
    """Give every node the builder of the group that it was recorded in, and leaves that of all their users."""
    builders: dict[Recorded | None, Builder] = {None: top, OUTSIDE: top}
    home = {node: _builder_for(node.group, builders, top) for node in nodes}
    if len(builders) > 2:
        for node in nodes:
            if node.op is None and node.group is None and users[node]:
                home[node] = _around([home[user] for user in users[node]])
    return home


def _builder_for(group: Recorded | None, builders: dict[Recorded | None, Builder], top: Builder) -> Builder:
    """Return the builder of a recorded group, made when first asked for, inside those of the groups around it."""
    lineage = []
    while group not in builders:
        lineage.append(group)
        group = group.outer if group else None
    builder = builders[group]
    for inner in reversed(lineage):
        builder = builders[inner] = builder.inner(inner.name if inner else "", NAMED)
    return builder


def _around(builders: list[Builder]) -> Builder:
    """Return the innermost builder around all of them."""
    found = builders[0]
    for builder in builders[1:]:
        while builder is not found:
            if builder.depth >= found.depth and builder.outer is not None:
                builder = builder.outer
            elif found.outer is not None:
                found = found.outer
    return found


def _builder_of(place: Place, builders: dict[Place, Builder], around: Builder) -> Builder:
    """Return the builder of a part in one call, made when first asked for, inside those of the parts around it."""
    found = builders.get(place)
    if found is None:
        call, part = place
        outer = around if part.outer is None else _builder_of((call, part.outer), builders, around)
        found = builders[place] = outer.inner(part.name, part.kind)
    return found


def _calls(builder: Builder, inside: list[Node], inputs: Inputs, home: Home) -> None:
    """Tell the calls of a neuron apart, one for each sample: they have nothing but the parameters in common."""
    calls: dict[Node, list[Node]] = {}
    for node in inside:
        if node.op is not None:
            near = [calls[arg] for arg in dict.fromkeys(inputs[node]) if arg in calls]
            joined = max(near, key=len, default=[])
            for other in near:
                if other is not joined:
                    joined += other
                    calls.update(dict.fromkeys(other, joined))
            joined.append(node)
            calls[node] = joined
    several = [call for call in {id(call): call for call in calls.values()}.values() if len(call) > 1]
    for number, call in enumerate(several if len(several) > 1 else (), 1):
        home.update(dict.fromkeys(call, builder.inner(f"call {number}", CALL)))


def _sums(users: Users, home: Home, top: Builder, equal: Equal) -> None:
    """Make a group of every sum of many terms that is part of nothing smaller, with the terms made of leaves."""
    for node in users:
        if home[node] is top and node.op is not None and not in_a_sum(node, users):
            terms, sums = terms_of(node, users)
            if sums and len(terms) >= MANY and all(home[each] is top for each in sums):
                name = one_line(node.label) or f"sum of {len(terms)}"
                inside = dict.fromkeys([node, *sums])
                _samples(terms, inside, users, home, top, equal)
                for each in filter(users.__contains__, terms):
                    _take(each, users, home, top, inside)
                home.update(dict.fromkeys(inside, top.inner(name, SUM)))


def _samples(terms: list[Node], sums: dict[Node, None], users: Users, home: Home, top: Builder, equal: Equal) -> None:
    """Make a group of each term that is computed from a network, with whatever only that term needs."""
    node = next(iter(sums))
    around = dict.fromkeys([*sums, *users[node]])
    own = sorted({*terms, *_last_term(node, terms, users)}, key=lambda each: each.birth)
    cones = {i: cone for i, term in enumerate(own) if term in users and (cone := _cone(term, users, home, top, around))}
    fed = all(any(_is_output(arg, home, top) for node in cone for arg in node.args) for cone in cones.values())
    named = any(_labelled(node) for cone in cones.values() for node in cone)
    if len(all_of((own[i] for i in cones), equal)) >= MANY and fed and not named:
        for number, cone in cones.items():
            home.update(dict.fromkeys(cone, top.inner(f"sample {number}", SAMPLE)))


def _is_output(arg: Any, home: Home, top: Builder) -> bool:
    """Whether an argument is a result of a network, not a parameter."""
    return isinstance(arg, Node) and arg.op is not None and home[arg] is not top


def _last_term(node: Node, terms: list[Node], users: Users) -> list[Node]:
    """Return what a sum is added to in the root, which stands for itself, where it is made as the sum's terms are."""
    after = users[node][0] if len(users[node]) == 1 else node
    beside = [arg for arg in after.args if isinstance(arg, Node) and arg is not node]
    return beside if len(beside) == 1 and not users[after] and all(beside[0].op is term.op for term in terms) else []


def _cone(term: Node, users: Users, home: Home, top: Builder, around: dict[Node, None]) -> list[Node]:
    """Return a term and what nothing but it needs, as far as that is in no group; `around` are the sums it is in."""
    inside = dict(around)
    _take(term, users, home, top, inside)
    return [node for node in inside if node not in around]


def _take(term: Node, users: Users, home: Home, top: Builder, inside: dict[Node, None]) -> None:
    """Take into a sum what only it needs of a term: steps that are part of nothing else, down to where something is."""
    stack = [term]
    while stack:
        node = stack.pop()
        if node.op is not None and home[node] is top and all(user in inside for user in users[node]):
            inside[node] = None
            stack += [arg for arg in node.args if isinstance(arg, Node)]


def _inputs(users: Users, home: Home, top: Builder, equal: Equal) -> None:
    """Make a group of the inputs that go to the same group and nowhere else, where there are many."""
    goals: dict[Builder, list[Node]] = {}
    for node, uses in users.items():
        if node.op is None and uses and home[node] is top:
            inside = {_below(top, home[user]) for user in uses}
            if len(inside) == 1 and (goal := inside.pop()) is not None:
                goals.setdefault(goal, []).append(node)
    for leaves in goals.values():
        count = len(all_of(leaves, equal))
        if count >= MANY:
            home.update(dict.fromkeys(leaves, top.inner(f"{count} inputs", INPUTS)))


def _below(outer: Builder, builder: Builder) -> Builder | None:
    """Return the builder around `builder` that is directly in `outer`, None if there is none."""
    while builder.depth > outer.depth + 1 and builder.outer is not None:
        builder = builder.outer
    return builder if builder.outer is outer else None


def _expressions(root: Node, items: list[Item], users: Users, home: Home, top: Builder) -> bool:
    """Make a group of each labelled node and what only it needs; say whether there was one.

    An item belongs to the innermost labelled node that lies on each of its paths to the root: where the paths from its
    users first meet.
    """
    if not any(map(_labelled, items)):
        return False
    using = _using(items, users, home, top)
    around: dict[Item, Node | None] = {}
    depth: dict[Item | None, int] = {None: 0}
    for item in reversed(items):
        nearest = [user if user in depth else around[user] for user in using[item]]
        around[item] = _meeting(nearest, around, depth)
        if item is not root and _labelled(item) and depth[around[item]] < DEEP:
            depth[item] = depth[around[item]] + 1
    builders: dict[Item | None, Builder] = {None: top}
    needed = set(around.values())
    for item in reversed(items):
        outer = builders[around[item]]
        if isinstance(item, Builder):
            item.outer = outer
        else:
            if item in needed:
                outer = builders[item] = outer.inner(item.label, EXPRESSION)
            home[item] = outer
    return len(builders) > 1


def _labelled(item: Item) -> bool:
    return isinstance(item, Node) and item.op is not None and bool(one_line(item.label))


def _using(items: list[Item], users: Users, home: Home, top: Builder) -> dict[Item, list[Item]]:
    """Return which items of the whole use each of them."""
    using: dict[Item, dict[Item, None]] = {item: {} for item in items}
    for node, uses in users.items():
        item = _below(top, home[node]) or node
        for user in uses:
            using[item][_below(top, home[user]) or user] = None
        using[item].pop(item, None)
    return {item: list(found) for item, found in using.items()}


def _meeting(nearest: list[Any], around: Mapping[Any, Any], depth: Mapping[Any, int]) -> Any:
    """Return where the chains of labelled nodes meet that lead from each of `nearest` to the root."""
    found = nearest[0] if nearest else None
    for other in nearest[1:]:
        while found is not other:
            if depth[found] >= depth[other]:
                found = around[found]
            else:
                other = around[other]
    return found


def _frozen(contents: Mapping[Builder, list[Item]], equal: Equal) -> Group:
    """Return the groups that the builders have become, inner ones first."""
    groups: dict[Item, Group] = {}
    for builder in sorted(contents, key=lambda builder: -builder.depth):
        names = _unlike([item for item in contents[builder] if isinstance(item, Builder)])
        for inner, name in names.items():
            groups[inner] = replace(groups[inner], name=name)
        items = tuple(groups[item] if isinstance(item, Builder) else item for item in contents[builder])
        groups[builder] = Group(builder.name, builder.kind, items, equal)
    return groups[builder]


def _unlike(builders: list[Builder]) -> dict[Builder, str]:
    """Return the names of builders; of several with one name, all but the first that need it get a number."""
    taken = {builder.name for builder in builders}
    once: set[str] = set()
    names: dict[Builder, str] = {}
    for builder in builders:
        own = (f"{builder.name} ({i})" for i in count(2))
        names[builder] = builder.name if builder.name not in once else next(name for name in own if name not in taken)
        taken.add(names[builder])
        once.add(builder.name)
    return names
