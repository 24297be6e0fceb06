"""Ops -> an order of steps in which those of one group follow each other, so that a folded group is one step."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping

from autograd_mini import Node


def in_step_order(
    ops: list[Node], paths: dict[Node, tuple[str, ...]]
) -> tuple[list[Node], dict[Node, tuple[str, ...]]]:
    """Return the ops, oldest first, so that those of one group follow each other, and the paths of all nodes.

    Where two groups use each other there is no such order: those on the circle lose the level at which they do.
    """
    pending, done = [(ops, 0)], []
    paths = dict(paths)
    while pending:
        members, depth = pending.pop()
        if depth < 0:
            done += members
            continue
        inner = list(_parts(members, depth, paths))
        pending += [(part, -1 if len(part) == 1 else depth + 1) for part in reversed(inner)]
    return done, paths


def _parts(members: list[Node], depth: int, paths: dict[Node, tuple[str, ...]]) -> Iterator[list[Node]]:
    """Yield nodes one by one and groups of this depth whole, each after what it uses, the oldest possible first."""
    parts, part_of = _parted(members, depth, paths)
    uses = {k: {part_of[a] for n in part for a in n.args if isinstance(a, Node) and part_of.get(a, k) != k}
            for k, part in parts.items()}  # fmt: skip
    users: dict[int, list[int]] = {k: [] for k in parts}
    for k, used in uses.items():
        for u in used:
            users[u].append(k)
    ready = [k for k, used in uses.items() if not used]
    heapq.heapify(ready)
    left = set(parts)
    while ready:
        k = heapq.heappop(ready)
        left.discard(k)
        yield parts[k]
        for user in users[k]:
            uses[user].discard(k)
            if not uses[user]:
                heapq.heappush(ready, user)
    if left:
        circle = [n for n in members if part_of[n] in left]
        for n in circle:
            paths[n] = paths[n][:depth]
        yield from ([n] for n in circle)


def _parted(
    members: list[Node], depth: int, paths: Mapping[Node, tuple[str, ...]]
) -> tuple[dict[int, list[Node]], dict[Node, int]]:
    """Return the parts that the nodes fall into at this depth, each under the place of its oldest node."""
    parts: dict[int, list[Node]] = {}
    part_of: dict[Node, int] = {}
    first: dict[str, int] = {}
    for k, node in enumerate(members):
        path = paths[node]
        part_of[node] = first.setdefault(path[depth], k) if len(path) > depth else k
        parts.setdefault(part_of[node], []).append(node)
    return parts, part_of
