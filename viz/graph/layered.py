"""A small layout of our own, for machines without any layout program: boxes in layers, arrows from layer to layer.

The method is Sugiyama's, Tagawa's and Toda's ("Methods for visual understanding of hierarchical system structures",
1981): layers by the longest path, order in a layer by the mean place of the neighbours, then places as near to the
neighbours as the boxes of a layer allow. Every step is linear or nearly so, nothing is random.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

SWEEPS = 8
GAP = 18.0  # between boxes of one layer; half of it beside an arrow
STEP = 26.0  # between layers
AROUND = 26.0  # more between boxes, for each frame that is around only one of them
FAR = 12  # layers that an arrow passes before a lane is shorter
PASSED = 2000  # layers passed by all arrows that are few enough for a place in each
Point = tuple[float, float]


class Positions(NamedTuple):
    """Where things are, on an axis along the layers and one across: the middles of boxes and of chips, the control
    points of the Bezier curves of each arrow, and the extent of all.
    """

    boxes: list[Point]
    chips: list[Point]
    arrows: list[list[Point]]
    extent: Point


def layered(
    sizes: Sequence[Point],
    arrows: Sequence[tuple[int, int]],
    chips: Sequence[Point],
    inside: Sequence[tuple[str, ...]] = (),
    pulls: Sequence[tuple[int, int]] = (),
) -> Positions:
    """Lay out boxes of given sizes (along, across), oldest first, and arrows (tail, head) with chips of given sizes.

    No box and no chip overlaps another, and no arrow crosses a box. `inside` are the frames around each box, outermost
    first: what is in one frame stays together, and in order. `pulls` are arrows that are not drawn.

    >>> layered([(10.0, 10.0), (10.0, 10.0)], [(0, 1)], [(4.0, 4.0)]).boxes
    [(5.0, 5.0), (71.0, 5.0)]
    """
    level_of = _layers(len(sizes), arrows, pulls, inside)
    far = _far(level_of, arrows)
    size_of = list(sizes)
    chains = _chains(arrows, chips, far, level_of, size_of)
    beside = {chain[1]: head for (tail, head), chain in zip(arrows, chains) if (tail, head) in far}
    near = _neighbours([*(c for c in chains if c[1] not in beside), *map(list, pulls)], len(size_of))
    for chip, head in beside.items():
        near[1][chip].append(head)  # the chip goes beside the box's other ones, and moves none
    around = [*inside, *[()] * (len(size_of) - len(inside))]
    layers = _ordered(level_of, near, around)
    lanes, above = _lanes(level_of, far)
    aside = {i: GAP + size_of[i][1] for i in beside}
    across = [x + above for x in _across(layers, [size[1] for size in size_of], near, around, aside)]
    ends = _ends(layers, [size[0] for size in size_of])
    middles = [((ends[level][0] + ends[level][1]) / 2, across[i]) for i, level in enumerate(level_of)]
    wide = max((across[i] + size[1] / 2 for i, size in enumerate(size_of)), default=0.0)
    ways = [[(middles[i], size_of[i][0], ends[level_of[i]]) for i in chain] for chain in chains]
    for way, chain in zip(ways, chains):
        if chain[1] in beside:
            way.insert(1, _in_lane(lanes[chain[0]], way))
    paths = [bent(_path(way)) for way in ways]
    return Positions(middles[: len(sizes)], [middles[chain[1]] for chain in chains], paths, (ends[-1][1], wide))


def _chains(
    arrows: Sequence[tuple[int, int]],
    chips: Sequence[Point],
    far: Container[tuple[int, int]],
    level_of: list[int],
    size_of: list[Point],
) -> list[list[int]]:
    """Return the places that each arrow passes, its chip the first of them; add their layers and sizes to the lists."""
    chains: list[list[int]] = []
    for (tail, head), chip in zip(arrows, chips):
        places = range(level_of[head] - 1 if (tail, head) in far else level_of[tail] + 1, level_of[head])
        chains.append([tail, *range(len(size_of), len(size_of) + len(places)), head])
        size_of += [chip, *[(0.0, 0.0)] * (len(places) - 1)]
        level_of += places
    return chains


def _in_lane(across: float, way: list[Stop]) -> Stop:
    """Return the part of a way in a lane: from after the layer of its tail to before that of its chip."""
    lane = way[0][2][1] + STEP, way[1][2][0] - STEP
    return (lane[0], across), 0.0, lane


def passed(count: int, arrows: Sequence[tuple[int, int]]) -> int:
    """Return how many layers the arrows between so many boxes, oldest first, pass in all: what a layout has to do.

    >>> passed(3, [(0, 1), (1, 2), (0, 2)])
    8
    """
    level_of = _layers(count, arrows, (), ())
    return sum(level_of[head] - level_of[tail] for tail, head in arrows)


def _far(level_of: list[int], arrows: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the arrows that pass by the layers in lanes above all boxes: long ones, where all together pass so many
    layers that a place in each would be too much.
    """
    layers = [level_of[head] - level_of[tail] for tail, head in arrows]
    return {ends for ends, many in zip(arrows, layers) if many > FAR} if sum(layers) > PASSED else set()


def _lanes(level_of: list[int], far: set[tuple[int, int]]) -> tuple[dict[int, float], float]:
    """Return the lane of each box that far arrows leave, and the room for all: boxes share one that is free again."""
    last: dict[int, int] = {}
    for tail, head in far:
        last[tail] = max(last.get(tail, 0), level_of[head])
    free: list[int] = []  # the layer from which on each lane is free
    lane: dict[int, int] = {}
    for tail in sorted(last, key=lambda i: (level_of[i], i)):
        lane[tail] = next((k for k, end in enumerate(free) if end <= level_of[tail]), len(free))
        free[lane[tail] :] = [last[tail], *free[lane[tail] + 1 :]]
    return {tail: k * GAP / 2 for tail, k in lane.items()}, len(free) * GAP / 2


Around = list[tuple[str, ...]]  # of each place, the frames around it
Stop = tuple[Point, float, Point]  # on the way of an arrow: a middle, a size along, where the layer begins and ends
Near = tuple[list[list[int]], list[list[int]]]  # of each place, those before it and those after it


def _layers(
    count: int, arrows: Sequence[tuple[int, int]], pulls: Sequence[tuple[int, int]], inside: Sequence[tuple[str, ...]]
) -> list[int]:
    """Return the layer of each box: two for a step of the longest path, so that chips have layers of their own.

    What nothing leads to stands just before what uses it first.
    """
    layer = [0] * count
    heads: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for tail, head in [*arrows, *pulls]:
        heads[tail].append(head)
        waiting[head] += 1
    ready = [i for i in range(count) if not waiting[i]]
    while ready:
        tail = ready.pop()
        for head in heads[tail]:
            layer[head] = max(layer[head], layer[tail] + 2)
            waiting[head] -= 1
            if not waiting[head]:
                ready.append(head)
    entered = {head for _, head in arrows} | {head for _, head in pulls if inside and inside[head]}
    for i in set(range(count)) - entered:
        layer[i] = min((layer[head] - 2 for head in heads[i]), default=layer[i])
    return layer


def _neighbours(chains: list[list[int]], count: int) -> Near:
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for chain in chains:
        for a, b in pairwise(chain):
            after[a].append(b)
            before[b].append(a)
    return before, after


def _ordered(level_of: list[int], near: Near, around: Around) -> list[list[int]]:
    """Return the layers, each in an order in which few arrows cross and frames are whole."""
    layers: list[list[int]] = [[] for _ in range(max(level_of, default=-1) + 1)]
    for i, level in enumerate(level_of):
        layers[level].append(i)
    place = {i: float(k) for layer in layers for k, i in enumerate(layer)}
    framed = any(around)
    for sweep in range(SWEEPS):
        neighbours = near[sweep % 2]
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            mean = {i: _mean([place[j] for j in neighbours[i]], place[i]) for i in layer}
            layer.sort(key=_keys(layer, mean, around).__getitem__ if framed else mean.__getitem__)
            place.update((i, float(k)) for k, i in enumerate(layer))
    return layers


def _keys(layer: list[int], mean: dict[int, float], around: Around) -> dict[int, list[tuple[float, str]]]:
    """Return what a layer is sorted by: the mean of each frame around a box, then its mean, in a frame its number."""
    inside: dict[tuple[str, ...], list[float]] = {}
    for i in layer:
        for depth in range(1, len(around[i]) + 1):
            inside.setdefault(around[i][:depth], []).append(mean[i])
    means = {frames: sum(found) / len(found) for frames, found in inside.items()}
    keys = {i: [(means[around[i][: d + 1]], frame) for d, frame in enumerate(around[i])] for i in layer}
    return {i: [*keys[i], (float(i) if around[i] else mean[i], "")] for i in layer}


def _mean(numbers: list[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise


def _across(
    layers: list[list[int]], sizes: list[float], near: Near, around: Around, aside: Mapping[int, float]
) -> list[float]:
    """Return the place of each box across the layers, as near to the mean of its neighbours, or so much `aside` of it,
    as the others allow.
    """
    place = [0.0] * len(sizes)
    for layer in layers:
        _settle(layer, [0.0] * len(layer), sizes, place, around)
    for sweep in range(SWEEPS):
        neighbours = near[sweep % 2]
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [_mean([place[j] + aside.get(i, 0.0) for j in neighbours[i]], place[i]) for i in layer]
            _settle(layer, wanted, sizes, place, around)
    low = min((place[i] - sizes[i] / 2 for i in range(len(sizes))), default=0.0)
    return [x - low for x in place]


def _settle(layer: list[int], wanted: list[float], sizes: list[float], place: list[float], around: Around) -> None:
    """Set the places of a layer, in order and apart, with the least sum of squares from those wanted.

    With each place counted from where the box would be in a tight row, being apart is being in order: runs that are not
    are put together at their mean, as in isotonic regression.
    """
    tight = [0.0]
    for a, b in pairwise(layer):
        apart = GAP if sizes[a] and sizes[b] else GAP / 2
        tight.append(tight[-1] + (sizes[a] + sizes[b]) / 2 + apart + AROUND * _unshared(around[a], around[b]))
    runs: list[tuple[float, int]] = []  # (sum, number) of what shares one mean
    for start, goal in zip(tight, wanted):
        total, number = goal - start, 1
        while runs and runs[-1][0] * number >= total * runs[-1][1]:
            more, others = runs.pop()
            total, number = total + more, number + others
        runs.append((total, number))
    means = [total / number for total, number in runs for _ in range(number)]
    for i, start, mean in zip(layer, tight, means):
        place[i] = start + mean


def _unshared(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """Return how many frames are around one of two boxes that stand beside each other."""
    shared = sum(x == y for x, y in zip(a, b))
    return max(len(a), len(b)) - shared


def _ends(layers: list[list[int]], sizes: list[float]) -> list[Point]:
    """Return where each layer begins and ends; there is at least one."""
    ends: list[Point] = []
    start = 0.0
    for layer in layers:
        ends.append((start, start + max((sizes[i] for i in layer), default=0.0)))
        start = ends[-1][1] + STEP
    return ends or [(0.0, 0.0)]


def _path(stops: list[Stop]) -> list[Point]:
    """Return the points of an arrow: it goes straight across each layer, and curves from one to the next."""
    points = [point for middle, _, (start, end) in stops for point in ((start, middle[1]), (end, middle[1]))]
    (tail, tail_size, _), (head, head_size, _) = stops[0], stops[-1]
    return [(tail[0] + tail_size / 2, tail[1]), *points[1:-1], (head[0] - head_size / 2, head[1])]


def bent(path: list[Point]) -> list[Point]:
    """Return a path as cubic curves that leave and arrive from left to right."""
    points = [path[0]]
    for (x, y), (u, v) in pairwise(path):
        if (x, y) != (u, v):  # where an end has no direction, neither has its arrowhead
            points += [((x + u) / 2, y), ((x + u) / 2, v), (u, v)]
    return points
