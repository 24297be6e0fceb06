"""Frames -> sentences: each step in words, for those who read, those who listen, and pages without scripts.

The page fills in the same templates, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from autograd_mini.text.formula import derivative

from .card_layout import fold_title, shown
from .frames import Frames, Step

TEMPLATES = {
    "start": "The leaves have their data; the forward pass begins.",
    "broadcast": "{target} is repeated along axis {axes} to the shape {shape}.",
    "compute": "{equation} = {data}",
    "forward group": "{group} computes {node} = {data}.",
    "seed": "The backward pass begins at the root: {by_node} = {after}.",
    "contribute": "{by_target} receives {upstream} × {local} = {contribution}; {total}; {rest}.",
    "product": "{by_target} receives {symbols} = {contribution}, where g = {by_node}; {total}; {rest}.",
    "nothing": "{node} is flat in {target}: no gradient flows; {rest}.",
    "reduce": "What goes to {target} has the shape {shape}: it is summed over axis {axes}.",
    "finish": "{by_node} = {after} is complete: all that uses {node} has had its turn.",
    "backward group": "{group} goes back as one vector-Jacobian product, to {targets}.",
    "first": "total {after}",
    "sum": "total {before} + {contribution} = {after}",
    "complete": "complete",
    "more": "{uses_left} more to come",
}
MANY = 4  # targets that are named


def sentences(frames: Frames) -> Iterator[str]:
    """Yield a sentence for each step.

    >>> from autograd_mini import Value
    >>> from .frames import frames_of
    >>> x = Value(3.0, label="x"); print(*sentences(frames_of(x.tanh() * 2)), sep="\\n")
    The leaves have their data; the forward pass begins.
    v1 = tanh(x) = 0.9951
    L = v1 * 2 = 1.99
    The backward pass begins at the root: dL/dL = 1.
    dL/dv1 receives 1 × 2 = 2; total 2; complete.
    dL/dx receives 2 × 0.009866 = 0.01973; total 0.01973; complete.
    """
    for step in frames.steps:
        words = _words(step, frames)
        words["rest"] = TEMPLATES["more" if step.uses_left else "complete"].format(**words)
        words["total"] = TEMPLATES["first" if step.before is None else "sum"].format(**words)
        yield TEMPLATES[_template(step, frames)].format(**words)


def _template(step: Step, frames: Frames) -> str:
    if step.kind == "group":
        return "forward group" if step.i < frames.turn else "backward group"
    if step.kind != "contribute" or step.edge is None:
        return step.kind
    edge = frames.edges[step.edge]
    return "nothing" if not edge.carries else "product" if edge.local is None else "contribute"


def _words(step: Step, frames: Frames) -> dict[str, str]:
    """Return what a template may name."""
    node = frames.vertices[step.node]
    target = "" if step.target is None else frames.vertices[step.target].name
    numbers = {name: shown(getattr(step, name)) for name in ("local", "upstream", "contribution", "before", "after")}
    targets = [frames.vertices[t[0]].name for t in step.sent]
    more = [f"{len(targets) - MANY} more"] if len(targets) > MANY else []
    titles = {fold.id: fold_title(fold) for fold in frames.folds}
    return {
        **numbers,
        "node": node.name,
        "equation": node.equation,
        "data": shown(node.data),
        "target": target,
        "by_node": derivative(frames.title, node.name),
        "by_target": derivative(frames.title, target),
        "symbols": "" if step.edge is None else frames.edges[step.edge].symbols,
        "axes": ", ".join(map(str, step.axes)),
        "shape": str(step.shape),
        "uses_left": str(step.uses_left),
        "group": titles.get(step.group_path[-1], "") if step.group_path else "",
        "targets": ", ".join([*targets[:MANY], *more]),
    }
