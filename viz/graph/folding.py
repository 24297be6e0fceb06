"""Folding: which groups of a graph are open, and what stands in the picture for each node."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from autograd_mini import Node

from ..drawing import PictureError
from .groups import CALL, INPUTS, NAMED, SAMPLE, SUM, Group, Use, digest, groups_among, uses_of
from .ownership import LAYER, NETWORK, NEURON

LIMIT = 300  # boxes that a person can still find their way in
READABLE = 60  # boxes, and twice as many arrows, that a person takes in
BAR = 48  # arrows between two layers that are drawn one by one at most
FEW = 4  # arguments that are shown beside a path
REST = "rest"
FRAMED = (NAMED, NETWORK, LAYER, NEURON, CALL)  # groups that are framed where they are open
KEPT = (SUM, INPUTS, SAMPLE)  # groups that open only where they are named
PILED = (NETWORK, LAYER, NEURON, INPUTS, SAMPLE)  # groups whose nodes may stand for several

Item = Node | Group


@dataclass(frozen=True)
class Detail:
    """How much of a graph is drawn.

    `fold` is "auto" (groups open while the picture can be read), the names of groups to fold while all others are open,
    or None for no groups at all; `unfold` names groups to open, with those around them, and `depth` is how many groups
    inside each other are open: with either, all others are folded. `once` draws equal groups side by side once. More
    than `limit` boxes are never drawn (None: any number).
    """

    fold: str | Sequence[str] | None = "auto"
    unfold: Sequence[str] = ()
    depth: int | None = None
    once: bool = False
    limit: int | None = LIMIT

    def __post_init__(self) -> None:
        for name, least in (("limit", 1), ("depth", 0)):
            given = getattr(self, name)
            if given is not None and not (isinstance(given, int) and given >= least):
                raise PictureError(f"{name} is a whole number from {least} on, or None, got {given!r:.60}")
        for name, names in (("fold", self.fold or ()), ("unfold", self.unfold)):
            if not (isinstance(names, (str, list, tuple, set, frozenset)) and all(isinstance(n, str) for n in names)):
                raise PictureError(f"{name} takes names of groups, got {names!r:.60}")

    @property
    def automatic(self) -> bool:
        """Whether nobody said which groups are open."""
        return self.fold == "auto" and not self.unfold and self.depth is None


@dataclass(frozen=True)
class View:
    """What is drawn: items in topological order, the item that stands for each node, and the open groups around items.

    `piles` are the equal groups that an item stands for, itself included.
    """

    items: tuple[Item, ...]
    place: dict[Node, Item]
    frames: dict[Item, Group] = field(default_factory=dict)
    piles: dict[Item, list[Item]] = field(default_factory=dict)

    @property
    def folded(self) -> bool:
        """Whether some item stands for more than itself."""
        return any(isinstance(item, Group) for item in self.items)


def plain_view(nodes: Iterable[Node]) -> View:
    """Return the view in which every node stands for itself."""
    place: dict[Node, Item] = {node: node for node in nodes}
    return View(tuple(place), place)


def beside(path: Sequence[Node]) -> View:
    """Return the view of the nodes of a path and of their other arguments, where these are few."""
    near = {arg: None for node in path if len(node.args) <= FEW for arg in node.args if isinstance(arg, Node)}
    return plain_view(sorted(near | dict.fromkeys(path), key=lambda node: node.birth))


def view_in(nodes: list[Node], detail: Detail, model: Any, variables: Mapping[str, Any]) -> View:
    """Return what is to be drawn of all `nodes`, oldest first: groups are looked for only where they are wanted."""
    whole = detail.fold is None or (detail.automatic and (detail.limit is None or len(nodes) <= READABLE))
    if whole and not detail.unfold and detail.depth is None:
        return cut(plain_view(nodes), detail.limit)
    tree = groups_among(nodes, model, variables, piled=detail.fold == "auto")
    if tree.equal:
        with suppress(PictureError):  # the name of one of many
            opened = _opened(tree, detail)
            single = [group for group in (tree, *(g for _, g in tree.walk())) if group.kind not in PILED]
            if not any(group.several for group in (*single, *opened)):
                return _viewed(tree, opened, detail)
        tree = groups_among(nodes, model, variables)
    return _viewed(tree, _opened(tree, detail), detail)


def _viewed(tree: Group, opened: set[Group], detail: Detail) -> View:
    """Return what is to be drawn of a tree of which some groups are open."""
    view = _seen(tree, opened)
    view = _merged(view) if detail.once else _piled(view)
    view.place.update((each, view.place[node]) for node, same in tree.equal.items() for each in same)
    return cut(view, detail.limit)


def cut(view: View, limit: int | None) -> View:
    """Return the view with the items next to the root, `limit` at most, and one group for all that are further away."""
    if limit is None or len(view.items) <= limit:
        return view
    level = _levels(view, from_root=True)
    kept = set(sorted(view.items, key=lambda item: level[item])[: max(limit - 1, 1)])
    lost = tuple(item for item in view.items if item not in kept)
    hidden = sum(item not in kept for item in view.place.values())
    rest = Group(f"{hidden:,} earlier nodes", REST, lost)
    place = {node: item if item in kept else rest for node, item in view.place.items()}
    items = (rest, *(item for item in view.items if item in kept))
    frames = {item: frame for item, frame in view.frames.items() if item in kept or item in view.frames.values()}
    return View(items, place, frames, {item: pile for item, pile in view.piles.items() if item in kept})


def breadth_first(root: Node) -> Iterator[Node]:
    """Yield the root, then its arguments, then theirs, each node once."""
    found = {root: None}
    queue = deque(found)
    while queue:
        node = queue.popleft()
        yield node
        new = [arg for arg in dict.fromkeys(node.args) if isinstance(arg, Node) and arg not in found]
        found |= dict.fromkeys(new)
        queue += new


def only(near: list[Node], whole: int) -> View:
    """Return the view of the nodes `near` the root, oldest first, and one group for all others of the `whole` graph.

    The group holds those of the others that are used here.
    """
    used = dict.fromkeys(arg for node in near for arg in node.args if isinstance(arg, Node))
    rest = Group(f"{whole - len(near):,} earlier nodes", REST, tuple(used.keys() - set(near)))
    place: dict[Node, Item] = {**dict.fromkeys(rest.nodes, rest), **{node: node for node in near}}
    return View((rest, *near), place)


def between(start: Node, end: Node, nodes: Sequence[Node]) -> list[Node]:
    """Return the nodes on the paths from `start` to `end`, oldest first; PictureError where there is none."""
    after = {start}
    for node in nodes:
        if any(isinstance(arg, Node) and arg in after for arg in node.args):
            after.add(node)
    on = {end} & after
    for node in reversed(nodes):
        if node in on:
            on.update(arg for arg in node.args if isinstance(arg, Node) and arg in after)
    if start not in on:
        raise PictureError("path=(leaf, root): no path leads from the first of the two nodes to the second")
    return [node for node in nodes if node in on]


# Which groups are open ----------------------------------------------------------------------------------------------


def _opened(tree: Group, detail: Detail) -> set[Group]:
    paths = list(tree.walk())
    around = {child: group for group in [tree, *(group for _, group in paths)] for child in group.children}
    if detail.automatic:
        return _readable(tree, detail.limit)
    deep = detail.depth or 0
    found = {group for group in around if group.kind not in KEPT and _depth(group, around) < deep}
    if detail.fold != "auto":
        found = set(around).difference(_named(detail.fold or (), paths, "fold"))
    for group in _named(detail.unfold, paths, "unfold"):
        while group is not tree:
            found.add(group)
            group = around[group]
    return found


def _depth(group: Group, around: dict[Group, Group]) -> int:
    depth = -1
    while group in around:
        group, depth = around[group], depth + 1
    return depth


def _named(names: Sequence[str], paths: list[tuple[str, Group]], argument: str) -> list[Group]:
    """Return the groups with the names: paths such as "net/layer 1", or their last parts."""
    found: list[Group] = []
    for name in [names] if isinstance(names, str) else names:
        matches = [group for path, group in paths if path == name or path.endswith(f"/{name}")]
        if not matches:
            known = ", ".join(repr(path) for path, _ in paths[:8]) or "none: name nodes with labels, or pass model="
            raise PictureError(f"{argument}: there is no group {name!r:.60}; the groups are {known}")
        found += matches
    return found


def _readable(tree: Group, limit: int | None) -> set[Group]:
    """Open level after level while the picture can be read; what would be a picture of nearly nothing opens anyway."""
    opened: set[Group] = set()
    view = _piled(_seen(tree, opened))
    while closed := [g for g in view.items if isinstance(g, Group) and g.kind not in KEPT and not g.several]:
        wider = _piled(_seen(tree, opened.union(closed)))
        small = len(view.items) < 4 and (limit is None or len(wider.items) <= limit)
        if not (small or _can_be_read(wider)):
            break
        opened.update(closed)
        view = wider
    return opened


def _can_be_read(view: View) -> bool:
    return len(view.items) <= READABLE and _arrows(view) <= 2 * READABLE


def _arrows(view: View) -> int:
    """Return how many arrows are drawn: what would be a bar between two layers is one band."""
    between: dict[tuple[Group | None, Group | None], int] = {}
    for item, needed in _needs(view).items():
        for each in needed:
            ends = view.frames.get(each), view.frames.get(item)
            between[ends] = between.get(ends, 0) + 1
    layers = {ends for ends in between if ends[0] is not ends[1] and all(e and e.kind == LAYER for e in ends)}
    return sum(1 if ends in layers and count > BAR else count for ends, count in between.items())


# What stands for what -----------------------------------------------------------------------------------------------


def _seen(tree: Group, opened: set[Group]) -> View:
    """Return the view in which `opened` groups, as far as those around them are open too, show what is in them."""
    items: list[Item] = []
    place: dict[Node, Item] = {}
    frames: dict[Item, Group] = {}
    stack: list[tuple[Item, Group | None]] = [(tree, None)]
    while stack:
        item, frame = stack.pop()
        if isinstance(item, Group) and (item is tree or item in opened):
            if item.kind in FRAMED:
                if frame is not None:
                    frames[item] = frame
                frame = item
            stack += [(inner, frame) for inner in reversed(item.items)]
        else:
            items.append(item)
            place.update(dict.fromkeys(item.all_nodes(), item) if isinstance(item, Group) else {item: item})
            if frame is not None:
                frames[item] = frame
    return View(tuple(items), place, frames)


def _piled(view: View) -> View:
    """Return the view with equal samples drawn once, with their number."""
    piles = any(isinstance(item, Group) and item.kind == SAMPLE for item in view.items)
    return _merged(view, (SAMPLE,)) if piles else view


def _merged(view: View, kinds: Sequence[str] | None = None) -> View:
    """Return the view with equal groups, of these kinds or of all, in one frame and one column drawn once, with their
    number.
    """
    level = _levels(view)
    first: dict[object, Item] = {}
    piles: dict[Item, list[Item]] = {}
    stands: dict[Item, Item] = {}
    for item in view.items:
        once = isinstance(item, Group) and (kinds is None or item.kind in kinds)
        key = (digest(item), level[item], view.frames.get(item)) if isinstance(item, Group) and once else item
        stands[item] = first.setdefault(key, item)
        piles.setdefault(stands[item], []).append(item)
    place = {node: stands[item] for node, item in view.place.items()}
    return View(
        tuple(first.values()), place, view.frames, {item: pile for item, pile in piles.items() if len(pile) > 1}
    )


def _needs(view: View) -> dict[Item, dict[Item, None]]:
    """Return which items each item is computed from."""
    place, needs = view.place, {}
    for item in view.items:
        uses = [use for each in view.piles.get(item, (item,)) for use in _uses(each)]
        needs[item] = {place[arg]: None for _, _, arg in uses if arg in place and place[arg] is not item}
    return needs


def _uses(item: Item) -> list[Use]:
    return item.uses if isinstance(item, Group) else uses_of(item)


def _levels(view: View, from_root: bool = False) -> dict[Item, int]:
    """Return the length of the longest path that leads to each item, or from it to the root."""
    needs = _needs(view)
    level = dict.fromkeys(view.items, 0)
    if from_root:
        for item in reversed(view.items):
            for needed in needs[item]:
                level[needed] = max(level[needed], level[item] + 1)
    else:
        for item in view.items:
            level[item] = max((level[needed] + 1 for needed in needs[item]), default=0)
    return level
