"""Variable names: what the person who asks for a text or a picture calls the nodes that have no label."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import FrameType
from typing import Any

from ..errors import DataError
from ..node import Node

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OURS = tuple(os.path.join(ROOT, package, "") for package in ("autograd_mini", "nn", "viz"))  # not a reader's nn.py
MANY = 1000  # entries of a list that are looked at for names


def variables_of(nodes: Iterable[Node], namespace: Mapping[str, Any]) -> dict[Node, str]:
    """Return the first name in `namespace` that leads to each node: a variable, else an entry of a list or tuple.

    Names that start with an underscore are left out: in a notebook they hold earlier outputs; so is what is no name,
    such as the variables that tools put beside yours.

    >>> from autograd_mini import Value
    >>> x = Value(2.0); w = [Value(3.0)]
    >>> list(variables_of([x, w[0]], {"_": x, "w": w, "x": x, "y": x}).values())
    ['x', 'w[0]']
    """
    wanted = set(nodes)
    found: dict[Node, str] = {}
    own = [(name, held) for name, held in namespace.items() if name.isidentifier() and name[0] != "_"]
    for name, held in [*own, *_entries(own)]:
        if isinstance(held, Node) and held in wanted:
            found.setdefault(held, name)
    return found


def given_names(nodes: Iterable[Node], names: Mapping[Any, Any] | None) -> dict[Node, str]:
    """Return the names that somebody gives to nodes: as {node: name}, or as {name: node} as `globals()` does.

    DataError for what is neither; None gives none.

    >>> from autograd_mini import Value
    >>> x = Value(2.0); given_names([x], {x: "a"}) == given_names([x], {"a": x, "other": 7})
    True
    """
    names = {} if names is None else names
    if isinstance(names, Mapping):
        if all(isinstance(key, str) for key in names):
            return variables_of(nodes, names)
        if all(isinstance(key, Node) for key in names):
            return {node: str(name) for node, name in names.items()}
    raise DataError(f"names maps nodes to names or names to nodes, as in {{h: 'h'}} or globals(), got {names!r:.60}")


def held_by_name(names: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what has a name in `names`, nodes or not; of {node: name} nothing.

    >>> held_by_name({"net": 7}), held_by_name({7: "net"})
    ({'net': 7}, {})
    """
    return {name: held for name, held in names.items() if isinstance(name, str)}


def caller_namespace() -> dict[str, Any]:
    """Return the variables, local before global, of the innermost frame outside this project."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(OURS):
        frame = frame.f_back
    return {} if frame is None else {**frame.f_locals, **frame.f_globals, **frame.f_locals}


def notebook_namespace() -> dict[str, Any]:
    """Return the variables of the person at the prompt: those of IPython where it runs, else those of the script."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return dict(vars(sys.modules["__main__"]) if shell is None else shell.user_ns)


def _entries(variables: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, held in variables:
        if type(held) in (list, tuple):
            for i, entry in enumerate(held[:MANY]):
                yield f"{name}[{i}]", entry
