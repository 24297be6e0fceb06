"""Record -> picture: plain boxes, arrows and frames, made of text only, for every way of drawing them.

A picture knows nothing of layout, colours or markup, and nothing in it depends on addresses or on the order of sets:
the same program gives the same picture. `dataclasses.asdict` turns it into JSON-able data.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_mini import Node, ops
from autograd_mini.sweep import carries, order, reach
from autograd_mini.text.formula import names_of
from autograd_mini.text.recorded import as_recorded

from ..colours import TONES
from ..text import clean, entries
from .boxes import (
    CONSTANT,
    INNER,
    LOCAL,
    ROOT,
    Arrow,
    Box,
    arrow_of,
    box_of,
    bundle_of,
    constant_box,
    folded_box,
    is_constant,
)
from .folding import REST, Item, View, plain_view
from .groups import Group
from .ownership import LAYER, NEURON

BOTH, FORWARD, BACKWARD, NAMES = "both", "forward", "backward", "names"


@dataclass(frozen=True)
class Frame:
    """An open group: boxes and frames that name it as theirs are drawn inside it."""

    id: str
    name: str
    kind: str
    frame: str = ""


@dataclass(frozen=True)
class Picture:
    """The graph of one root, boxes from the oldest to the root, arrows in the order of the arguments.

    `show` is "both", "forward" (no gradients), "backward" (arrows as gradients flow) or "names" (no numbers). `note`
    says in words what the picture leaves out; `tones` names the steps of the scale for |grad|, smallest first, where
    boxes are coloured by it.
    """

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    frames: tuple[Frame, ...] = ()
    note: str = ""
    show: str = BOTH
    tones: tuple[str, ...] = ()
    legend: bool = False


def picture_of(
    root: Node,
    names: Mapping[Node, str],
    view: View | None = None,
    *,
    show: str = BOTH,
    colour: str = "kind",
    legend: bool = False,
    marked: Collection[Node] = (),
) -> Picture:
    """Return the picture of what `view` shows of the graph of `root`: every node, where there is no view.

    `names` gives names to nodes without a label. `colour` is "kind" or "grad"; `marked` are the nodes of a path. Data
    is as it was recorded; StaleError where that is lost.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); y = x * x; y.backward()
    >>> [(a.tail, a.head, a.local) for a in picture_of(y, {}).arrows]
    [('n0', 'n1', '3'), ('n0', 'n1', '3')]
    """
    with as_recorded(reach([root])) as moved:
        return picture_among(order(root)[::-1], names, view, show, colour, legend, marked, moved)


def picture_among(
    nodes: list[Node],
    names: Mapping[Node, str],
    view: View | None,
    show: str,
    colour: str,
    legend: bool,
    marked: Collection[Node],
    moved: Mapping[Node, Any],
) -> Picture:
    """Return the picture of the graph of the last of `nodes`, oldest first; see `picture_of`.

    `moved` tells what those leaves hold now whose data was assigned since.
    """
    drafter = _Drafter(nodes, names, view or plain_view(nodes), show, marked, moved)
    picture = replace(drafter.picture(), legend=legend)
    return coloured(picture) if colour == "grad" else picture


class _Drafter:
    """Turns the items of a view into boxes and arrows, with ids that follow from the order of the nodes."""

    def __init__(
        self,
        nodes: list[Node],
        known: Mapping[Node, str],
        view: View,
        show: str,
        marked: Collection[Node],
        moved: Mapping[Node, Any],
    ) -> None:
        root = nodes[-1]
        shown = {item: None for item in view.items if isinstance(item, Node)}
        needed = shown | {arg: None for node in shown for arg in node.args if isinstance(arg, Node)} | {root: None}
        self.root, self.view, self.show, self.marked = root, view, show, set(marked)
        self.whole, self.moved = len(nodes), moved
        self.names = names_of(needed, known, root)
        self.ids: dict[Item, str] = {node: f"n{i}" for i, node in enumerate(nodes) if node in needed}
        groups = [item for item in view.items if isinstance(item, Group)]
        self.ids |= {group: f"g{i}" for i, group in enumerate(groups)}
        self.frames = {group: f"f{i}" for i, group in enumerate(dict.fromkeys(view.frames.values()))}

    def picture(self) -> Picture:
        boxes: list[Box] = []
        arrows: list[Arrow] = []
        for item in self.view.items:
            for part in self._group(item) if isinstance(item, Group) else self._node(item):
                if isinstance(part, Box):
                    boxes.append(replace(part, frame=self._frame(item)) if self.frames else part)
                else:
                    arrows.append(part)
        if self.show == BACKWARD:
            boxes, arrows = _backward(boxes, arrows)
        if self.show == NAMES:
            boxes, arrows = _without_numbers(boxes, arrows)
        frames = tuple(self._frames())
        return Picture(self.names[self.root], tuple(boxes), tuple(arrows), frames, self._note(), self.show)

    def _node(self, node: Node) -> Iterator[Box | Arrow]:
        """Yield the box of a node, before it those of its constants, and the arrows from its arguments."""
        head = self.ids[node]
        place, ids = self.view.place, self.ids
        bundles: dict[Group, list[int]] = {}
        for i, arg in enumerate(node.args):
            if isinstance(arg, Node):
                item = place.get(arg)
                if isinstance(item, Group):
                    bundles.setdefault(item, []).append(i)
                elif item is not None:
                    arrow = arrow_of(node, i, ids[item], head, self.names)
                    yield replace(arrow, marked=True) if node in self.marked and arg in self.marked else arrow
            elif is_constant(node, i) and self.show != BACKWARD:
                box = constant_box(node, i, head)
                yield box
                yield arrow_of(node, i, box.id, head, self.names)
        for group, places in bundles.items():
            arrow = arrow_of(node, places[0], ids[group], head, self.names)
            yield arrow if len(places) == 1 else self._bundle(arrow.id, group, node, [(node, i) for i in places])
        box = box_of(node, head, self.names, ROOT if node is self.root and node.op else INNER)
        now = (("now", entries(self.moved[node])),) if node in self.moved else ()
        yield replace(_shown(replace(box, rows=box.rows + now), self.show), marked=node in self.marked)

    def _group(self, group: Group) -> Iterator[Box | Arrow]:
        """Yield the box of a folded group, and an arrow from each item that it uses."""
        uses: dict[Item, list[tuple[Node, int]]] = {}
        pile = [each for each in self.view.piles.get(group, (group,)) if isinstance(each, Group)]
        for node, i, arg in (use for each in pile for use in each.uses):
            if (item := self.view.place.get(arg)) is not None and item is not group:
                uses.setdefault(item, []).append((node, i))
        for k, (item, used) in enumerate(uses.items()):
            yield self._bundle(f"{self.ids[group]}a{k}", item, group, used)
        yield _shown(folded_box(group, self.ids[group], sum(each.count for each in pile)), self.show)

    def _bundle(self, id: str, tail: Item, head: Item, uses: list[tuple[Node, int]]) -> Arrow:
        flows = any(carries(node, i) for node, i in uses)
        passed = dict.fromkeys(arg for node, i in uses for arg in _passed(head, node, node.args[i]))
        return bundle_of(id, self.ids[tail], self.ids[head], passed, flows)

    def _frame(self, item: Item) -> str:
        group = self.view.frames.get(item)
        return "" if group is None else self.frames[group]

    def _frames(self) -> Iterator[Frame]:
        return (Frame(id, clean(group.name), group.kind, self._frame(group)) for group, id in self.frames.items())

    def _note(self) -> str:
        """Say what the picture leaves out, and how to see it."""
        hold = "1 leaf holds" if len(self.moved) == 1 else f"{len(self.moved):,} leaves hold"
        moved = [f"As recorded: {hold} other data now."] if self.moved else []
        moved += [f"All {n} relus of {clean(name)} are 0 for every sample." for name, n in self._dead()]
        folded = [item.name for item in self.view.items if isinstance(item, Group) and item.kind != REST]
        if not self.view.folded:
            return " ".join(moved)
        remedy = f'unfold="{clean(folded[0])}" opens one' if folded else "a larger limit shows more"
        summary = f"Summary: {self.whole:,} nodes in {len(self.view.items)} boxes. A thick rim: folded; {remedy}."
        return " ".join([summary, *moved])

    def _dead(self) -> Iterator[tuple[str, int]]:
        """Yield the layers, or nodes of arrays, through whose relus nothing passes, and how many relus these are."""
        shown = [group for group in (*self.view.items, *self.view.frames.values()) if isinstance(group, Group)]
        for group in dict.fromkeys(each for top in shown for each in (top, *(inner for _, inner in top.walk()))):
            relus = [node for node in group.all_nodes() if node.op is ops.relu] if group.kind == LAYER else []
            if relus and not any(np.any(node._data) for node in group.standing_for(relus)):
                neurons = sum(child.kind == NEURON for child in group.children)
                yield group.name, neurons or ops.shape(relus[0])[-1]
        for node in self.view.items if not shown else ():
            if isinstance(node, Node) and node.op is ops.relu and node.ndim and not node._data.any():
                yield self.names[node], node.shape[-1]


def _passed(head: Item, node: Node, arg: Node) -> Sequence[Node]:
    """Return what an argument of a node in `head` stands for: if the node stands for several, so does the argument."""
    return head.standing_for([arg]) if isinstance(head, Group) and node in head.equal else [arg]


def _shown(box: Box, show: str) -> Box:
    """Return a box with what belongs to a pass: its data to the forward, its gradient to the backward pass."""
    if show == BOTH:
        return box
    rows = tuple(row for row in box.rows if (row[0] == "grad") == (show == BACKWARD))
    return replace(box, rows=rows, heats=tuple(heat for heat in box.heats if (heat[0] == "grad") == (show == BACKWARD)))


def _without_numbers(boxes: list[Box], arrows: list[Arrow]) -> tuple[list[Box], list[Arrow]]:
    """Return the same with names, ops and shapes alone, in tooltips too; constants are what they are called."""
    bare = [b if b.kind == CONSTANT else replace(b, rows=_shapes(b), heats=(), tooltip=_said(b)) for b in boxes]
    return bare, [replace(arrow, local="", chip=LOCAL, tooltip="") for arrow in arrows]


def _shapes(box: Box) -> tuple[tuple[str, str], ...]:
    return tuple(row for row in box.rows if row[0] == "shape")


def _said(box: Box) -> str:
    return f"{box.name} = {box.formula}" if box.formula else box.name


def _backward(boxes: list[Box], arrows: list[Arrow]) -> tuple[list[Box], list[Arrow]]:
    """Return what takes part in the backward pass: arrows that carry a gradient, and what they join."""
    carrying = [arrow for arrow in arrows if arrow.carries]
    joined = {id for arrow in carrying for id in (arrow.tail, arrow.head)}
    return [box for box in boxes if box.id in joined or box.kind == ROOT], carrying


# Colour by gradient -------------------------------------------------------------------------------------------------


def coloured(picture: Picture) -> Picture:
    """Return the picture with a tone for each gradient that is a number other than 0, by its size on a log scale."""
    sizes = [box.size for box in picture.boxes if box.size and math.isfinite(box.size)]
    if not sizes:
        return picture
    low, high = math.log10(min(sizes)), math.log10(max(sizes))
    step = (high - low) / len(TONES) or 1.0
    boxes = tuple(replace(box, tone=_tone(box.size, low, step)) for box in picture.boxes)
    tones = tuple(f"{10 ** (low + step * i):.2g}" for i in range(len(TONES) if high > low else 1))
    return replace(picture, boxes=boxes, tones=tones)


def _tone(size: float | None, low: float, step: float) -> str:
    if not size or not math.isfinite(size):
        return ""
    return f"tone{min(len(TONES) - 1, int((math.log10(size) - low) / step))}"
