"""Group builders: groups that still grow, and the topological order of what is in them."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass

from autograd_mini import Node
from autograd_mini.text.formula import one_line

from .ownership import Inputs


@dataclass(eq=False)
class Builder:
    """A group under way: it knows the one around it; a dictionary of homes says which nodes are directly in it."""

    name: str
    kind: str
    outer: Builder | None = None
    depth: int = 0
    birth: float = math.inf  # of the oldest result in it

    def inner(self, name: str, kind: str) -> Builder:
        """Return a new builder inside this one; its name is cut to one short line, without what cannot be shown."""
        return Builder(one_line(name) or kind, kind, self, self.depth + 1)


Home = dict[Node, Builder]  # which builder each node is directly in
Item = Node | Builder
Needs = dict[Item, dict[Item, None]]


def ordered(inputs: Inputs, home: Home) -> dict[Builder, list[Item]]:
    """Return the items of every builder in topological order; builders that lie on a circle give their items away."""
    while True:
        needs = _needs(inputs, home)
        found = {builder: _sorted(items) for builder, items in needs.items()}
        broken = {
            d for builder, items in needs.items() for d in _circle(items, found[builder]) if isinstance(d, Builder)
        }
        if not broken:
            return found
        for builder in needs:
            while builder.outer in broken:
                builder.outer = builder.outer.outer if builder.outer else None
        for node, builder in home.items():
            if builder in broken and builder.outer is not None:
                home[node] = builder.outer


def _needs(inputs: Inputs, home: Home) -> dict[Builder, Needs]:
    """Return, for every builder, which of its items are computed from which of the others."""
    needs = _registered(inputs, home)
    for node, args in inputs.items():
        inside = home[node]
        for arg in args:
            if home[arg] is inside:
                needs[inside][node][arg] = None
            else:
                builder, item, needed = _siblings(node, arg, home)
                needs[builder][item][needed] = None
    return needs


def _registered(nodes: Iterable[Node], home: Home) -> dict[Builder, Needs]:
    """Return every builder with its items, none of which needs another yet, and set its depth and its birth."""
    needs: dict[Builder, Needs] = {}
    for builder in dict.fromkeys(home.values()):
        lineage = [builder]
        while (outer := lineage[-1].outer) is not None:
            lineage.append(outer)
        for depth, each in enumerate(reversed(lineage)):
            each.depth, each.birth = depth, math.inf
            needs.setdefault(each, {})
            if each.outer is not None:
                needs[each.outer][each] = {}
    for node in nodes:
        needs[home[node]][node] = {}
        if node.op is not None:
            _note_birth(home[node], node.birth)
    for builder in needs:
        builder.birth = builder.birth if math.isfinite(builder.birth) else 0.0  # leaves alone come first
    return needs


def _note_birth(builder: Builder | None, birth: float) -> None:
    """Tell a builder and those around it about the oldest result in them."""
    while builder is not None and builder.birth == math.inf:
        builder.birth, builder = birth, builder.outer


def _siblings(node: Node, arg: Node, home: Home) -> tuple[Builder, Item, Item]:
    """Return the innermost builder around two nodes, and the items in it which they are or are in."""
    item: Item = node
    needed: Item = arg
    a, b = home[node], home[arg]
    while a is not b:
        if a.outer is not None and a.depth >= b.depth:
            item, a = a, a.outer
        elif b.outer is not None:
            needed, b = b, b.outer
    return a, item, needed


def _sorted(needs: Needs) -> list[Item]:
    """Return the items in topological order, the older of two that could be next first, without those on circles."""
    waiting = {item: len(needed) for item, needed in needs.items()}
    using: dict[Item, list[Item]] = {item: [] for item in needs}
    for item, needed in needs.items():
        for each in needed:
            using[each].append(item)
    ready = [(item.birth, i, item) for i, (item, left) in enumerate(waiting.items()) if not left]
    heapq.heapify(ready)
    found: list[Item] = []
    while ready:
        found.append(heapq.heappop(ready)[2])
        for item in using[found[-1]]:
            waiting[item] -= 1
            if not waiting[item]:
                heapq.heappush(ready, (item.birth, len(found), item))
    return found


def _circle(needs: Needs, found: list[Item]) -> list[Item]:
    """Return the items that lie on circles, or between two of them: neither end of a sort reaches them."""
    left = dict.fromkeys(set(needs).difference(found))
    back: Needs = {item: {} for item in left}
    for item in left:
        for needed in needs[item]:
            if needed in left:
                back[needed][item] = None
    return list(set(left).difference(_sorted(back))) if left else []
