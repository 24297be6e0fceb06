"""Paths: every way from one node up to the root, the product of local derivatives along each, and their sum.

The chain rule as a sum over paths (Baur & Strassen, "The complexity of partial derivatives", 1983). There may be 2^60
of them: they are counted exactly, node by node, and only the largest are written out.
"""

from __future__ import annotations

import heapq
import itertools
import math
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from ..data import Array, ignoring_fp_warnings
from ..node import Node
from ..op import contribution
from ..sweep import receivers
from .derivative import contributions

Number = float | Array
Link = tuple[float, Any, Any]  # minus the size of a path so far, its last edge, and the link before

LISTED = 10  # paths that are written out
_FAR = 1e6  # stands for the logarithm of what has none: with it, sums stay finite


class Edge(NamedTuple):
    """One use of a node: by `user`, as the argument at `position`; `local` is a number between scalars, else None."""

    user: Node
    position: int
    local: float | None

    @property
    def size(self) -> float:
        """The logarithm of the local derivative's magnitude, 0 between arrays; what is not finite counts as huge."""
        if self.local is None:
            return 0.0
        if self.local == 0.0:
            return -_FAR
        return math.log(abs(self.local)) if math.isfinite(self.local) else _FAR


@dataclass(frozen=True, eq=False)
class Path:
    """One path: the names up to the root, the local derivatives between them, and their product with the seed.

    `positions` says which argument each name is to the next: x * x has two paths. Between arrays a local derivative is
    no number but a Jacobian; its factor is None, and `product` is the vjp along the path.
    """

    names: tuple[str, ...]
    positions: tuple[int, ...]
    factors: tuple[float | None, ...]
    product: Number


@dataclass(frozen=True, eq=False)
class Paths:
    """All paths from one node to the root: how many there are, the largest of them, and what they add up to.

    `listed` is in order of magnitude; between arrays, where there is no such order, of the sweep. `total` is the sum of
    those listed, `rest` what all the others add up to by the sweep's `gradient`; it is None where none is left out, and
    then `total` and `gradient` are equal up to rounding.
    """

    root: str
    node: str
    seed: Number
    count: int
    listed: tuple[Path, ...]
    total: Number
    gradient: Number
    rest: Number | None
    on: frozenset[Node] = field(repr=False)

    @property
    def holds(self) -> bool:
        """Whether the paths that are listed add up to the gradient, where they are all; rounding is allowed for."""
        if self.rest is not None:
            return True
        products = (np.abs(path.product) for path in self.listed)
        size = max((float(np.max(p, initial=0.0, where=np.isfinite(p))) for p in products), default=0.0)
        return bool(np.allclose(self.total, self.gradient, rtol=1e-9, atol=1e-9 * size, equal_nan=True))


def find_paths(
    nodes: list[Node], wrt: Node, seed: Number, gradient: Number, names: Mapping[Node, str], limit: int = LISTED
) -> Paths:
    """Return the paths from `wrt` up to nodes[0]; `nodes` are in reverse topological order, as `order` gives them.

    Nothing flows through a step, a sign or a comparison: no path leads there. Time and memory grow with the number of
    edges, whatever the number of paths.
    """
    root = nodes[0]
    uses = _uses(nodes, wrt)
    on, count = _counted(nodes, uses, wrt)
    links = _largest([node for node in nodes if node in on], uses, limit)
    paths = sorted((_path(root, _edges(link), seed, names) for link in links), key=_magnitude, reverse=True)
    total: Number = np.zeros(wrt.shape) if wrt.shape else 0.0
    for path in paths:
        total = ignoring_fp_warnings(operator.add, total, path.product)
    rest = ignoring_fp_warnings(operator.sub, gradient, total) if count > len(paths) else None
    return Paths(names[root], names[wrt], seed, count, tuple(paths), total, gradient, rest, on)


def _uses(nodes: list[Node], wrt: Node) -> dict[Node, list[Edge]]:
    """Return, for `wrt` and every node that depends on it, the edges along which a gradient comes, from the oldest."""
    found: dict[Node, list[Edge]] = {wrt: []}
    for node in reversed(nodes):
        local = contributions(node, 1.0) if node.op is not None and not node.shape else None
        for i in receivers(node):
            arg = node.args[i]
            if arg in found:
                found[arg].append(Edge(node, i, None if local is None or arg.shape else local(i)))
                found.setdefault(node, [])
    return found


def _counted(nodes: list[Node], uses: Mapping[Node, Any], wrt: Node) -> tuple[frozenset[Node], int]:
    """Return the nodes that lie on paths, and the number of paths: those of a node are those of its users, added.

    A number is dropped once it has been passed on: of 10^5 doublings it has 10^5 bits.
    """
    counts, on = {nodes[0]: 1}, set()
    for node in nodes:
        count = counts.pop(node, 0) if node in uses else 0
        if count:
            on.add(node)
        if node is wrt:
            return frozenset(on), count
        for i in receivers(node) if count else ():
            counts[node.args[i]] = counts.get(node.args[i], 0) + count
    return frozenset(), 0


def _largest(nodes: list[Node], uses: Mapping[Node, list[Edge]], limit: int) -> list[Link]:
    """Return the `limit` largest paths to the last of `nodes`, from those to its users.

    The largest paths to a node go through the largest ones to its users, so no node needs to keep more of them.
    """
    best: dict[Node, list[Link]] = {nodes[0]: [(0.0, None, None)]} if nodes else {}
    for node in nodes[1:]:
        longer = [_extended(best[edge.user], edge) for edge in reversed(uses[node]) if edge.user in best]
        best[node] = list(itertools.islice(heapq.merge(*longer, key=itemgetter(0)), limit))
    return best[nodes[-1]] if nodes else []


def _extended(links: list[Link], edge: Edge) -> Iterator[Link]:
    size = edge.size
    return ((link[0] - size, edge, link) for link in links)


def _edges(link: Link) -> list[Edge]:
    """Return the edges of a path, from the root down."""
    edges = []
    while link[1] is not None:
        edges.append(link[1])
        link = link[2]
    return edges[::-1]


def _path(root: Node, edges: list[Edge], seed: Number, names: Mapping[Node, str]) -> Path:
    factors = tuple(edge.local for edge in reversed(edges))
    product = seed
    between_arrays = None in factors
    for edge in edges:
        product = contribution(*edge[:2], product) if between_arrays else product * edge.local  # type: ignore[operator]
    ends = [*(edge.user.args[edge.position] for edge in reversed(edges)), root]
    return Path(tuple(names[n] for n in ends), tuple(edge.position for edge in reversed(edges)), factors, product)


def _magnitude(path: Path) -> float:
    """Return the size by which paths are listed; between arrays they keep their order."""
    if None in path.factors or not isinstance(path.product, float):
        return 0.0
    return abs(path.product) if path.product == path.product else math.inf
