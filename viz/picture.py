"""Record -> picture: plain boxes and arrows, made of text only, for every way of drawing them.

A picture knows nothing of layout, colours or markup, and nothing in it depends on addresses or on the order of sets:
the same program gives the same picture. `dataclasses.asdict` turns it into JSON-able data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_mini import AutogradError, Node
from autograd_mini.formula import equation, names_of
from autograd_mini.node import check_fresh
from autograd_mini.op import Elementwise, run_rule
from autograd_mini.sweep import order

from .text import DASH, SMALL, clean, entries, number

LIMIT = 300  # nodes that a person can still find their way in
OP_LENGTH = 32  # characters of an op with its settings
LEAF, INNER, ROOT, CONSTANT = "leaf", "inner", "root", "constant"


class PictureError(AutogradError, ValueError):
    """A graph that cannot be drawn as it was asked for."""


@dataclass(frozen=True)
class Box:
    """One node: its name, the op that made it, and rows such as ("data", "0.7071") and ("grad", "–")."""

    id: str
    kind: str
    name: str
    op: str
    rows: tuple[tuple[str, str], ...]
    tooltip: str


@dataclass(frozen=True)
class Arrow:
    """One use of a node as an argument: from the box `tail` to the box `head` of the result.

    `local` is the local derivative as text, "" where there is no single number; `carries` says whether a gradient
    flows back along the arrow.
    """

    id: str
    tail: str
    head: str
    local: str
    carries: bool
    tooltip: str


@dataclass(frozen=True)
class Picture:
    """The graph of one root, boxes from the oldest to the root, arrows in the order of the arguments."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def picture_of(root: Node, variables: Mapping[Node, str], limit: int | None = LIMIT) -> Picture:
    """Return the picture of everything that `root` was computed from.

    `variables` names nodes without a label. A graph of more than `limit` nodes raises PictureError; one whose data was
    assigned after it was recorded StaleError, for its numbers no longer belong together.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); y = x * x; y.backward()
    >>> [(a.tail, a.head, a.local) for a in picture_of(y, {}).arrows]
    [('n0', 'n1', '3'), ('n0', 'n1', '3')]
    """
    nodes = order(root)[::-1]
    if limit is not None and len(nodes) > limit:
        raise PictureError(
            f"the graph has {len(nodes):,} nodes, more than the limit of {limit:,} that can be read: draw a part of it "
            "(any node inside is the root of its own graph), or set limit=None"
        )
    for node in nodes:
        check_fresh(node)
    names = names_of(nodes, variables, root)
    ids = {node: f"n{i}" for i, node in enumerate(nodes)}
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    for node in nodes:
        for i, arg in enumerate(node.args):
            if _is_constant(node, i):
                boxes.append(_constant(node, i, ids[node]))
            if isinstance(arg, Node) or _is_constant(node, i):
                tail = ids[arg] if isinstance(arg, Node) else boxes[-1].id
                arrows.append(_arrow(node, i, tail, ids[node], names))
        boxes.append(_box(node, ids[node], names, ROOT if node is root and node.op else INNER))
    return Picture(names[root], tuple(boxes), tuple(arrows))


def _is_constant(node: Node, i: int) -> bool:
    """Whether the i-th argument is a number or an array that the op computes with, not a setting such as an axis."""
    op = node.op
    if isinstance(node.args[i], Node) or op is None:
        return False
    return op.rule(i) is not None or isinstance(op, Elementwise)


def _box(node: Node, id: str, names: Mapping[Node, str], kind: str) -> Box:
    grad = node.grad if node.has_grad else None
    exact = f"data {_exact(node._data)}\ngrad {DASH if grad is None else _exact(grad)}"
    return Box(
        id=id,
        kind=kind if node.op else LEAF,
        name=names[node],
        op=_op_text(node),
        rows=tuple(_rows(node, grad)),
        tooltip=f"{clean(equation(node, names))}\n{exact}",
    )


def _rows(node: Node, grad: Any) -> list[tuple[str, str]]:
    if not node.ndim:
        return [("data", number(node._data)), ("grad", DASH if grad is None else number(float(grad)))]
    shape = ("shape", str(node.shape))
    if node.size > SMALL:
        return [shape, ("grad", DASH if grad is None else f"norm {number(_norm(grad))}")]
    return [shape, ("data", entries(node._data)), ("grad", DASH if grad is None else entries(np.asarray(grad)))]


def _constant(node: Node, i: int, head: str) -> Box:
    """Return the box of an argument that is not a node; where its place does not say what it is, a name does."""
    op, arg = node.op, node.args[i]
    name = op.params[i] if isinstance(op, Elementwise) and (op.defaults or len(op.params) > 2) else ""
    return Box(f"{head}c{i}", CONSTANT, name, "", (("", entries(arg)),), f"constant {_exact(arg)}")


def _arrow(node: Node, i: int, tail: str, head: str, names: Mapping[Node, str]) -> Arrow:
    arg = node.args[i]
    carries = isinstance(arg, Node) and node.op is not None and node.op.rule(i) is not None
    local = _local(node, i) if isinstance(arg, Node) else ""
    what = f"d{names[node]}/d{names[arg]}" if isinstance(arg, Node) else ""
    return Arrow(f"{head}a{i}", tail, head, local, carries, clean(f"{what} = {local}" if local else what))


def _local(node: Node, i: int) -> str:
    """Return the local derivative as a number, or entry by entry for a small array: the op's own rule with g = 1."""
    op, arg = node.op, node.args[i]
    if not (isinstance(op, Elementwise) or node.ndim == arg.ndim == 0) or op is None or node.size > SMALL:
        return ""
    if op.rule(i) is None:
        return "0" if isinstance(op, Elementwise) else ""
    ones = np.ones(node.shape) if node.ndim else 1.0
    return entries(np.broadcast_to(run_rule(node, i, ones), node.shape))


def _op_text(node: Node) -> str:
    """Return the op's mark, and the short settings that differ from their defaults: `sum axis=0`."""
    op = node.op
    if op is None:
        return ""
    settings = [
        f"{param}={arg!r}"
        for param, arg in zip(op.params, node.args)
        if isinstance(arg, (int, str, tuple)) and len(repr(arg)) <= 12 and arg != op.defaults.get(param, op)
    ]
    return clean(" ".join([op.symbol, *settings]), OP_LENGTH)


def _exact(data: Any) -> str:
    return repr(float(data)) if not np.ndim(data) else f"{entries(data)} ({data.dtype})"


def _norm(grad: Any) -> float:
    return float(np.linalg.norm(np.asarray(grad)))
