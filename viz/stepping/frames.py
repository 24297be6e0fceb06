"""Record -> frames: the forward and the backward pass as a list of plain steps, for every way of showing them.

The steps are those of `explain`, which are those of the sweep: nothing is computed here a second time. Everything is a
number, a text or a list, so that `Frames.json()` holds all of it; `gradients` needs no more than that to add them up.
"""

from __future__ import annotations

import json
import linecache
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import groupby
from typing import Any

import numpy as np

from autograd_mini import Node
from autograd_mini.op import Elementwise, run_rule
from autograd_mini.sweep import carries, order, reach, seed_of, swept
from autograd_mini.text.derivative import Derivatives
from autograd_mini.text.explanation import Contribution, Explanation, explain
from autograd_mini.text.latex import latex_name
from autograd_mini.text.recorded import as_recorded
from autograd_mini.text.to_json import plain

from ..text import clean, number
from .numbers import Number, held, number_from, plus
from .step_order import in_step_order

Paths = Mapping[Node, tuple[str, ...]]

MARK = 24  # characters of an op with its constants and settings
KINDS = ("start", "broadcast", "compute", "seed", "contribute", "reduce", "finish", "group")


@dataclass(frozen=True)
class Vertex:
    """One node of the graph: vertices are numbered from the oldest to the root.

    `latex` is the name in LaTeX; `uses` counts the contributions that its gradient is the sum of; `source` is (file,
    line, text) of the user's code, where it was noted; `now` is what a leaf holds that was assigned since.
    """

    id: int
    name: str
    latex: str
    op: str
    equation: str
    shape: tuple[int, ...]
    data: Number
    uses: int
    group_path: tuple[str, ...] = ()
    source: tuple[str, int, str] | None = None
    now: Number = None


@dataclass(frozen=True)
class Edge:
    """One use of the vertex `tail` as the argument number `place` of the vertex `head`.

    `symbols` is the local derivative of an elementwise op, `local` its number; of any other op the vector-Jacobian
    product with the upstream gradient g, and None; `latex` is `symbols` in LaTeX. `carries` is False where the op has
    no derivative by this argument.
    """

    id: int
    tail: int
    head: int
    place: int
    symbols: str
    latex: str
    local: Number
    carries: bool


@dataclass(frozen=True)
class Step:
    """One step of the forward or of the backward pass; what does not apply to its kind is None.

    kind        what happens to the vertex `node`
    start       the leaves have their data
    broadcast   an argument is repeated along `axes` to the shape `shape`
    compute     the op computes the data
    seed        the root's gradient is given: `after`
    contribute  the op sends `upstream * local = contribution` along `edge` to `target`, whose total goes from `before`
                (None: nothing came yet) to `after`; `uses_left` more will come
    reduce      before that: the contribution is summed over `axes`, along which the argument was repeated
    finish      the last of several contributions to it has come: its gradient is complete
    group       a folded group takes all of its steps at once, those numbered `parts`; `sent` lists, for each vertex
                that the group contributes to, (target, contribution, before, after)

    `group_path` names the groups that the step happens in, the outermost first.
    """

    i: int
    kind: str
    node: int
    edge: int | None = None
    target: int | None = None
    local: Number = None
    upstream: Number = None
    contribution: Number = None
    before: Number = None
    after: Number = None
    uses_left: int | None = None
    axes: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()
    group_path: tuple[str, ...] = ()
    parts: tuple[int, ...] = ()
    sent: tuple[tuple[int, Number, Number, Number], ...] = ()


@dataclass(frozen=True)
class Fold:
    """A group of nodes that can be shown as one: `kind` says of what sort, `parent` is the group that it is in, or "".

    `count` is the number of equal parts of which it consists, 1 for a group that is no such pile.
    """

    id: str
    title: str
    kind: str = "group"
    parent: str = ""
    count: int = 1


@dataclass(frozen=True)
class Frames:
    """The steps of both passes through the graph of one root; step number `turn` is the first of the backward pass."""

    title: str
    folds: tuple[Fold, ...]
    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    steps: tuple[Step, ...]

    @property
    def turn(self) -> int:
        """The number of the first backward step, the seed."""
        return next(step.i for step in self.steps if step.kind == "seed")

    def plain(self) -> dict[str, Any]:
        """Return the frames as dicts, lists, texts and numbers; JSON has no inf and nan: they are texts."""
        return {
            "title": self.title,
            "folds": [_plain(f) for f in self.folds],
            "vertices": [_plain(v) for v in self.vertices],
            "edges": [_plain(e) for e in self.edges],
            "steps": [_plain(s) for s in self.steps],
        }

    def json(self) -> str:
        """Return `plain()` as JSON in ASCII; the same record gives the same bytes."""
        return json.dumps(self.plain(), separators=(",", ":"), allow_nan=False)


def frames_of(
    root: Node,
    names: Mapping[Any, Any] | None = None,
    paths: Paths | None = None,
    folds: Iterable[Fold] = (),
    gradient: Any = None,
) -> Frames:
    """Return the steps of the forward pass to `root` and of the backward pass from it; no `grad` is changed.

    `paths` names the groups that a node is in by their ids, the outermost first, and `folds` describes the groups, each
    after the one that it is in. Ops are taken in an order in which those of one group follow each other; without groups
    it is the order of recording. `gradient` is that of the root, as in `backward`. Errors are those of `explain`.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); frames = frames_of(x * x)
    >>> [(step.kind, step.after) for step in frames.steps]
    [('start', None), ('compute', None), ('seed', 1.0), ('contribute', 3.0), ('contribute', 6.0), ('finish', 6.0)]
    """
    seed_of(root, gradient)
    with as_recorded(reach([root])) as moved:
        told = explain(root, gradient=gradient, names={} if names is None else names)
        return _frames(told, order(root)[::-1], paths, folds, moved)


def _frames(
    told: Explanation, nodes: list[Node], paths: Paths | None, folds: Iterable[Fold], moved: Mapping[Node, Any]
) -> Frames:
    """Return the frames of an explanation; `nodes` are its nodes, oldest first."""
    ops, paths = in_step_order([n for n in nodes if n.op is not None], {n: (paths or {}).get(n, ()) for n in nodes})
    writer = _Writer(told, nodes, paths, moved)
    vertices = tuple(writer.vertex(node) for node in nodes)
    steps = [Step(0, "start", 0), *writer.forward(ops), *writer.backward(ops)]
    held = {group for path in paths.values() for group in path}
    return Frames(
        told.root,
        tuple(fold for fold in folds if fold.id in held),
        vertices,
        tuple(writer.edges.values()),
        tuple(_numbered(steps)),
    )


def outline_of(
    root: Node, names: Mapping[Node, str], paths: Paths, folds: Iterable[Fold] = (), gradient: Any = None
) -> Frames:
    """Return the frames of a graph in which each pass is one step: what a picture needs of a graph of very many nodes.

    >>> from autograd_mini import Value
    >>> x = Value(3.0); y = x * x
    >>> [(step.i, step.kind) for step in outline_of(y, {x: "x", y: "y"}, {}).steps]
    [(0, 'start'), (1, 'group'), (2, 'seed'), (3, 'group')]
    """
    nodes = order(root)[::-1]
    ids = {node: i for i, node in enumerate(nodes)}
    found = swept({root: seed_of(root, gradient)})
    uses = [(node, i) for node in nodes for i in _node_args(node)]
    sent = tuple((ids[n], held(g), None, held(g)) for n, g in found.items() if g is not None and n is not root)
    last = ids[root]
    return Frames(
        names[root],
        tuple(folds),
        tuple(
            Vertex(i, names[n], latex_name(names[n]), mark(n), names[n], n.shape, held(n._data), 0, paths.get(n, ()))
            for n, i in ids.items()
        ),
        tuple(Edge(k, ids[n.args[i]], ids[n], i, "", "", None, carries(n, i)) for k, (n, i) in enumerate(uses)),
        (
            Step(0, "start", 0), Step(1, "group", last), Step(2, "seed", last, after=held(found[root])),
            Step(3, "group", last, sent=sent),
        ),
    )  # fmt: skip


def gradients(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the gradient of every vertex by name, added up from the steps of `Frames.plain()` alone.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); gradients(json.loads(frames_of(x * x).json()))
    {'x': 6.0, 'L': 1.0}
    """
    totals: dict[int, Any] = {}
    for step in plain["steps"]:
        if step["kind"] == "seed":
            totals[step["node"]] = number_from(step["after"])
        sent = [(step.get("target"), step["contribution"])] if step["kind"] == "contribute" else []
        for target, amount in [*sent, *((s[0], s[1]) for s in step.get("sent", ()))]:
            amount = number_from(amount)
            totals[target] = totals[target] + amount if target in totals else amount
    return {v["name"]: totals[v["id"]] for v in plain["vertices"] if v["id"] in totals}


def fold(frames: Frames, closed: Iterable[str]) -> Frames:
    """Return the frames with each of the closed groups as one step, forward and backward: a vector-Jacobian product.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); y = x.tanh(); z = y * y
    >>> [step.kind for step in fold(frames_of(z, paths={y: ("h",), z: ("h",)}), ["h"]).steps]
    ['start', 'group', 'seed', 'group']
    """
    shut = set(closed)
    steps: list[Step] = []
    for where, run in groupby(frames.steps, lambda step: _shut(step, shut)):
        inside = tuple(run)
        steps += [_merged(inside, where, frames)] if where else inside
    return replace(frames, steps=tuple(_numbered(steps)))


class _Writer:
    """Turns nodes and the steps of an explanation into numbered vertices, edges and frames."""

    def __init__(self, told: Explanation, nodes: list[Node], paths: Paths, moved: Mapping[Node, Any]) -> None:
        self.steps = {step.node: step for step in told}
        self.names = {step.node: step.name for step in told}
        self.ids = {node: i for i, node in enumerate(nodes)}
        self.paths, self.moved = paths, moved
        self.root = nodes[-1]
        self.uses = dict.fromkeys(nodes, 0)
        self.edges: dict[tuple[Node, int], Edge] = {}
        for node in nodes:
            inputs = _node_args(node)
            derivatives = Derivatives(node, self.names) if inputs else None
            for i in inputs:
                self._edge(node, i, derivatives)

    def _edge(self, node: Node, i: int, derivatives: Any) -> None:
        """Enter the edge from the i-th argument of `node`."""
        arg = node.args[i]
        (symbols, local), latex = derivatives.plain(i), derivatives.latex(i)
        self.edges[node, i] = Edge(
            len(self.edges), self.ids[arg], self.ids[node], i, clean(symbols), latex, held(local), carries(node, i)
        )
        self.uses[arg] += bool(self.steps[node].contributions)

    def vertex(self, node: Node) -> Vertex:
        """Return a node as data."""
        step = self.steps[node]
        return Vertex(
            self.ids[node], step.name, latex_name(step.name), mark(node), clean(step.equation), node.shape,
            held(node._data), self.uses[node], self.paths[node], source_of(node), self._now(node),
        )  # fmt: skip

    def _now(self, node: Node) -> Number:
        """Return what a leaf holds that was assigned since."""
        return held(self.moved[node]) if node in self.moved else None

    def forward(self, ops: list[Node]) -> Iterator[Step]:
        """Yield the steps that compute the ops, each after the repetitions that its arguments need."""
        for node in ops:
            at: dict[str, Any] = {"node": self.ids[node], "group_path": self.paths[node]}
            for i in _node_args(node):
                shape, axes = stretched(node, i)
                if axes:
                    edge = self.edges[node, i]
                    yield Step(0, "broadcast", edge=edge.id, target=edge.tail, shape=shape, axes=axes, **at)
            yield Step(0, "compute", **at)

    def backward(self, ops: list[Node]) -> Iterator[Step]:
        """Yield the steps of the sweep, from the seed on."""
        totals: dict[Node, Any] = {}
        left = dict(self.uses)
        yield Step(0, "seed", self.ids[self.root], after=held(self.steps[self.root].upstream))
        for node in reversed(ops):
            for c in self.steps[node].contributions:
                yield from self._contribute(node, c.position, c, totals, left)

    def _contribute(
        self, node: Node, i: int, c: Contribution, totals: dict[Node, Any], left: dict[Node, int]
    ) -> Iterator[Step]:
        """Yield the steps in which one contribution arrives, and enter it into the totals."""
        arg, before = c.node, totals.get(c.node)
        totals[arg] = c.amount if before is None else before + c.amount
        left[arg] -= 1
        edge = self.edges[node, i]
        at: dict[str, Any] = {"node": edge.head, "edge": edge.id, "target": edge.tail, "group_path": self.paths[node]}
        shape, axes = stretched(node, i)
        if axes:
            yield Step(0, "reduce", shape=shape, axes=axes, **at)
        yield Step(
            0, "contribute", local=edge.local, upstream=held(self.steps[node].upstream), uses_left=left[arg],
            contribution=held(c.amount), before=held(before), after=held(totals[arg]), **at,
        )  # fmt: skip
        if not left[arg] and self.uses[arg] > 1:
            yield Step(0, "finish", edge.tail, after=held(totals[arg]), group_path=self.paths[node])


def mark(node: Node) -> str:
    """Return the op's mark with the constants that it computes with: `* 3`, `2 -`, `leaky_relu 0.2`; "" for a leaf.

    >>> from autograd_mini import Value
    >>> x = Value(2.0); mark(x * 3), mark(2 - x), mark(x), mark(x.leaky_relu(0.2))
    ('* 3', '2 -', '', 'leaky_relu 0.2')
    """
    if node.op is None:
        return ""
    first = isinstance(node.args[0], float) and node.op.text.startswith("{}")
    constants = [f"({number(a)})" if a < 0 else number(a) for a in node.args if isinstance(a, float)]
    settings = [
        f"{param}={arg!r}"
        for param, arg in zip(node.op.params, node.args)
        if isinstance(arg, (int, str, tuple)) and arg != node.op.defaults.get(param, node)
    ]
    words = [node.op.symbol, *constants, *settings] if not first else [*constants, node.op.symbol]
    return clean(" ".join(words), MARK)


def source_of(node: Node) -> tuple[str, int, str] | None:
    """Return the file, the line and its text that recorded a node, where `note_lines` noted it."""
    if node.source is None:
        return None
    file, line = node.source
    return clean(os.path.basename(file)), line, clean(linecache.getline(file, line).strip())


def _node_args(node: Node) -> list[int]:
    return [i for i, arg in enumerate(node.args) if isinstance(arg, Node)]


def stretched(node: Node, i: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shape to which the i-th argument is repeated, and the axes of that shape along which it is."""
    op, arg = node.op, node.args[i].shape
    if not node.ndim or op is None or (op.rule(i) is None and not isinstance(op, Elementwise)):
        return arg, ()
    shape = node.shape if isinstance(op, Elementwise) else np.shape(run_rule(node, i, np.ones_like(node._data)))
    more = len(shape) - len(arg)
    axes = tuple(a for a, n in enumerate(shape) if a < more or arg[a - more] != n)
    return shape, axes


def _numbered(steps: Iterable[Step]) -> list[Step]:
    return [replace(step, i=i) for i, step in enumerate(steps)]


def _shut(step: Step, shut: set[str]) -> str:
    """Return the outermost closed group that a step is in, "" for none."""
    return next((group for group in step.group_path if group in shut), "")


def _merged(run: tuple[Step, ...], group: str, frames: Frames) -> Step:
    """Return one step for a run of steps inside a closed group."""
    path = run[0].group_path
    sent: dict[int, list[Any]] = {}
    for step in run:
        if step.kind != "contribute" or step.target is None:
            continue
        target = frames.vertices[step.target]
        if not target.op or group not in target.group_path:
            first = sent.setdefault(step.target, [step.target, 0.0, step.before, None])
            first[1], first[3] = plus(first[1], step.contribution), step.after
    return Step(
        0, "group", run[-1].node, group_path=path[: path.index(group) + 1], parts=tuple(step.i for step in run),
        sent=tuple((t, c, before, after) for t, c, before, after in sent.values()),
    )  # fmt: skip


def _plain(thing: Fold | Vertex | Edge | Step) -> dict[str, Any]:
    """Return the fields of a vertex, an edge or a step that say something."""
    found = {field.name: getattr(thing, field.name) for field in fields(thing)}
    return {name: plain(x) for name, x in found.items() if x is not None and x != ()}
