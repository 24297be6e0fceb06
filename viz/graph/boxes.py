"""Nodes and groups -> boxes, uses -> arrows: the texts that a picture shows of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_mini import Node
from autograd_mini.data import ignoring_fp_warnings
from autograd_mini.modes import where
from autograd_mini.op import Elementwise, run_rule
from autograd_mini.sweep import carries
from autograd_mini.text.formula import derivative, equation

from ..heatmap import Heat, heat_of
from ..text import BRIEF, DASH, SMALL, clean, entries, norm, number
from .folding import REST
from .groups import CALL, EXPRESSION, INPUTS, SAMPLE, SUM, Group

OP_LENGTH = 32  # characters of an op with its settings
LEAF, INNER, ROOT, CONSTANT, FOLDED = "leaf", "inner", "root", "constant", "folded"
LOCAL, DEAD, FLOW, BAND = "local", "dead", "flow", "band"  # what the chip on an arrow shows


@dataclass(frozen=True)
class Box:
    """One node or folded group: its name, the op that made it, and rows such as ("data", "0.7071") and ("grad", "–").

    `heats` are pictures of what is too long to be written on a card: of the "data" of an array, of its "grad".
    `formula` says how it is computed, `frame` is the id of the frame around it, `size` the norm of its gradient where a
    sweep has computed one, `tone` the colour that stands for it; `marked` says whether it lies on the path that was
    asked for.
    """

    id: str
    kind: str
    name: str
    op: str
    rows: tuple[tuple[str, str], ...]
    tooltip: str
    frame: str = ""
    size: float | None = None
    tone: str = ""
    marked: bool = False
    formula: str = ""
    heats: tuple[tuple[str, Heat], ...] = ()

    @property
    def lines(self) -> list[tuple[str, str, Heat | None]]:
        """The rows as they are drawn, with heat maps instead of long entries: that of the data beside the shape."""
        heats = dict(self.heats)
        shown = [(key, value) for key, value in self.rows if key != "data" or key not in heats]
        norms = {"grad": f"norm {number(self.size)}"} if "grad" in heats and self.size is not None else {}
        return [(key, norms.get(key, value), heats.get("data" if key == "shape" else key)) for key, value in shown]


@dataclass(frozen=True)
class Arrow:
    """One use of a node as an argument, or all uses by one group: from the box `tail` to the box `head` of the result.

    `local` is the text of its chip, "" where there is none, and `chip` what that is: "local" the local derivative,
    "dead" one that is 0 so that the gradient stops here, "flow" how many numbers pass, "band" how many arrows this one
    stands for. `carries` says whether a
    gradient flows back along the arrow.
    """

    id: str
    tail: str
    head: str
    local: str
    carries: bool
    tooltip: str
    chip: str = LOCAL
    marked: bool = False


# Nodes --------------------------------------------------------------------------------------------------------------


def box_of(node: Node, id: str, names: Mapping[Node, str], kind: str) -> Box:
    """Return the box of a node."""
    grad = node.grad if node.has_grad else None
    exact = f"data {_exact(node._data)}\ngrad {DASH if grad is None else _exact(grad)}"
    formula = equation(node, names)
    source = f"\n{clean(where(node))}" if node.source else ""
    return Box(
        id=id,
        kind=kind if node.op else LEAF,
        name=names[node],
        op=_op_text(node),
        rows=tuple(_rows(node, grad)),
        tooltip=f"{clean(formula)}\n{exact}{source}",
        size=None if grad is None else norm(grad),
        formula=clean(formula.removeprefix(f"{names[node]} = ")) if node.op else "",
        heats=_heats(node, grad),
    )


def _rows(node: Node, grad: Any) -> list[tuple[str, str]]:
    if not node.ndim:
        return [("data", number(node._data)), ("grad", DASH if grad is None else number(float(grad)))]
    shape = ("shape", str(node.shape))
    if node.size > SMALL:
        return [shape, ("grad", DASH if grad is None else f"norm {number(norm(grad))}")]
    return [shape, ("data", entries(node._data)), ("grad", DASH if grad is None else entries(np.asarray(grad)))]


def _heats(node: Node, grad: Any) -> tuple[tuple[str, Heat], ...]:
    arrays = {"data": node._data} if grad is None else {"data": node._data, "grad": np.broadcast_to(grad, node.shape)}
    return tuple((key, heat) for key, x in arrays.items() if (heat := _heat(x)))


def _heat(x: Any) -> Heat | None:
    """Return the heat map of an array that is too long to be written on a card."""
    if not np.size(x) or (np.size(x) <= SMALL and len(entries(x)) <= BRIEF):
        return None
    return ignoring_fp_warnings(heat_of, x)


def constant_box(node: Node, i: int, head: str) -> Box:
    """Return the box of an argument that is not a node; where its place does not say what it is, a name does."""
    op, arg = node.op, node.args[i]
    name = op.params[i] if isinstance(op, Elementwise) and (op.defaults or len(op.params) > 2) else ""
    heat = _heat(arg)
    value = f"shape {np.shape(arg)}" if heat else entries(arg)
    return Box(
        f"{head}c{i}",
        CONSTANT,
        name,
        "",
        (("", value),),
        f"constant {_exact(arg)}",
        heats=(("", heat),) if heat else (),
    )


def is_constant(node: Node, i: int) -> bool:
    """Whether the i-th argument is a number or an array that the op computes with, not a setting such as an axis."""
    op = node.op
    if isinstance(node.args[i], Node) or op is None:
        return False
    return op.rule(i) is not None or isinstance(op, Elementwise)


def arrow_of(node: Node, i: int, tail: str, head: str, names: Mapping[Node, str]) -> Arrow:
    """Return the arrow from the i-th argument of a node to the node."""
    arg = node.args[i]
    flows = carries(node, i)
    local, zero = _local(node, i) if isinstance(arg, Node) else ("", False)
    what = derivative(names[node], names[arg]) if isinstance(arg, Node) else ""
    tooltip = clean(f"{what} = {local}" if local else what) + ("\nno gradient passes here" if zero and flows else "")
    return Arrow(f"{head}a{i}", tail, head, local, flows, tooltip, DEAD if zero and flows else LOCAL)


def _local(node: Node, i: int) -> tuple[str, bool]:
    """Return the local derivative as a number, of a small array entry by entry or its norm: the op's own rule with
    g = 1; and whether all of it is 0.
    """
    op, arg = node.op, node.args[i]
    if not (isinstance(op, Elementwise) or node.ndim == arg.ndim == 0) or op is None or node.size > SMALL:
        return "", False
    if op.rule(i) is None:
        return "0" if isinstance(op, Elementwise) else "", False
    local = run_rule(node, i, np.ones(node.shape) if node.ndim else 1.0)
    if not node.ndim:
        return number(float(local)), not local
    whole = np.broadcast_to(local, node.shape)
    text = entries(whole)
    return text if len(text) <= BRIEF else f"norm {number(norm(whole))}", bool(node.size) and not np.any(local)


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


# Groups -------------------------------------------------------------------------------------------------------------


def folded_box(group: Group, id: str, count: int) -> Box:
    """Return the box of a folded group, or of `count` equal ones."""
    last, nodes = group.all_nodes()[-1], group.standing_for(group.all_nodes())
    result = group.kind in (EXPRESSION, SUM, CALL, SAMPLE)
    grads = [node.grad for node in ([last] if result else nodes) if node.has_grad and (result or node.op is None)]
    size = norm(*grads) if grads else None
    rows = _rows(last, grads[0] if grads else None) if result else _summary(group, nodes, size)
    return Box(
        id=id,
        kind=FOLDED,
        name=group.name if count == 1 else f"{group.name}, ...",
        op=group.kind if count == 1 else f"{group.kind} \N{MULTIPLICATION SIGN}{count}",
        rows=tuple(rows if count == 1 else [(key, _whose(key, value, group)) for key, value in rows]),
        tooltip=f"{clean(group.name)}\n{len(nodes) // group.count:,} nodes, folded"
        + (f"; {count} groups like it" * (count > 1)),
        size=size,
        heats=_heats(last, grads[0] if grads else None) if result and count == 1 else (),
    )


def _whose(key: str, value: str, group: Group) -> str:
    """Return what stands on the card of many equal groups: data and gradients are those of one of them."""
    return f"{value} in {clean(group.name, OP_LENGTH)}" if key in ("data", "grad") and value != DASH else value


def _summary(group: Group, nodes: list[Node], size: float | None) -> list[tuple[str, str]]:
    """Return the rows of a group without a result of its own: the numbers in its leaves, and their gradients."""
    if group.kind == REST:  # its name says it
        return []
    leaves = sum(node.size for node in nodes if node.op is None)
    if not leaves:
        return [("nodes", f"{len(nodes):,}")]
    what = "numbers" if group.kind == INPUTS else "parameters"
    return [(what, f"{leaves:,}"), ("grad", DASH if size is None else f"norm {number(size)}")]


def bundle_of(id: str, tail: str, head: str, passed: Iterable[Node], carries: bool) -> Arrow:
    """Return the arrow for all uses of the nodes `passed` by one item."""
    numbers = sum(node.size for node in passed)
    text = f"{numbers:,} values" if numbers > 1 else ""
    return Arrow(id, tail, head, text, carries, f"{numbers:,} value{'s' * (numbers > 1)} passed on", FLOW)
