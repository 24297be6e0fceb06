"""Hints: what to write instead, for the names and arguments that other libraries have."""

from __future__ import annotations

from typing import Any

from .errors import DataError
from .notes import Noted

HINTS = {  # for names that other libraries have
    "sort": "ops.sort(x), a new node: a node is never changed in place",
    "partition": "ops.partition(x, kth), a new node: a node is never changed in place",
    "zero_grad": "zero_grad(x)",
    "numpy": "x.data",
    "clone": "x.detach(), or x itself: it is never changed in place",
    "requires_grad": "no_grad() or x.detach() where no gradient is wanted",
    "requires_grad_": "nothing: every node records",
    "retain_grad": "x.grad, every node has one after backward()",
    "register_hook": "for node in root.backward_steps(): there node.grad may be looked at and assigned",
    "grad_fn": "x.op and x.args, the recipe",
    "is_leaf": "x.op is None",
}
UNNEEDED = {  # arguments that other libraries have
    "requires_grad": "every node records; no_grad() or x.detach() stand where no gradient is wanted",
    "retain_graph": "a record may be swept as often as you like",
    "create_graph": "derivatives of derivatives come from grad(grad(f))",
    "_children": "what a node was computed from is recorded by the row that computed it",
    "_op": "it is recorded by the row that computed the node",
}
OWN_OP = "an op of your own is a row of the table, with its derivative beside it: see 'Add an op' in the documentation"


def refuse(what: str, arguments: dict[str, Any]) -> None:
    """Raise DataError for an argument that there is not, with the remedy where another library has it."""
    for name in arguments:
        raise DataError(f"{what} has no argument {name!r}" + (f": {UNNEEDED[name]}" if name in UNNEEDED else ""))


def hint(name: str, remedy: str) -> property:
    """Return a property that has no value, but an error that says what to write, for whoever reads or assigns it."""

    def missing(node: Any, value: Any = None) -> Any:
        message = f"{type(node).__name__!r} object has no attribute {name!r}: write {remedy}"
        raise AttributeError(message, name=name, obj=node)

    return property(missing, missing)


def label_of(label: Any, others: dict[str, Any]) -> Any:
    """Return the label of a Value that was made in micrograd's way, (data, children, op): there are no children."""
    children = others.pop("_children", ())
    others.pop("_op", None)
    if isinstance(label, (tuple, set)) and all(isinstance(child, Noted) for child in label):
        children, label = label or children, others.pop("label", "")
    if children:
        raise DataError(f"a Value that is made by hand has no arguments: {OWN_OP}")
    refuse("Value", others)
    return label
