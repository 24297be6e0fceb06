"""What was recorded: a graph as it was, for whoever shows it after the data of a leaf was assigned."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from ..node import Node, check_fresh
from ..notes import NOTHING

_one_reader = threading.RLock()  # at a time sees leaves that were assigned, and may put them back
_outside: ContextVar[Mapping[Node, Any]] = ContextVar("what leaves hold outside", default=MappingProxyType({}))


@contextmanager
def as_recorded(nodes: Iterable[Node]) -> Iterator[Mapping[Node, Any]]:
    """Give leaves back, inside `with`, the data that `nodes` were recorded from; afterwards they hold theirs again.

    It yields what each leaf that has moved on since holds now. StaleError where the recorded data is gone: the leaf was
    written over in place, or was assigned often since.

    >>> from autograd_mini import Value
    >>> x = Value(3.0); y = x * x; x.data = 5.0
    >>> with as_recorded([y]) as moved:
    ...     x.data, moved[x]
    (3.0, 5.0)
    >>> x.data
    5.0
    """
    nodes = set(nodes)
    with _one_reader if _have_past(nodes) else nullcontext():
        moved = _moved(nodes)
        held = {leaf: (leaf.birth, leaf._data) for leaf in moved}
        for leaf, state in moved.items():
            leaf.birth, leaf._data = state
        known = _outside.get()
        now = {leaf: data for leaf, (_, data) in held.items()}
        reader = _outside.set({**known, **now})
        try:
            yield now or {leaf: data for leaf, data in known.items() if leaf in nodes}
        finally:
            _outside.reset(reader)
            for leaf, state in held.items():
                if leaf.birth == moved[leaf][0]:  # nobody has assigned it meanwhile
                    leaf.birth, leaf._data = state


def _have_past(nodes: Collection[Node]) -> bool:
    """Return whether a reader of other nodes may give a leaf back what it held: one that was assigned."""
    return any(isinstance(arg, Node) and getattr(arg, "_note", NOTHING).past for node in nodes for arg in node.args)


def _moved(nodes: Collection[Node]) -> dict[Node, tuple[int, Any]]:
    """Return the birth and the data that were recorded of each leaf that was assigned since."""
    found: dict[Node, tuple[int, Any]] = {}
    for node in nodes:
        for arg in node.args:
            if isinstance(arg, Node) and arg.birth >= node.birth:
                state = max((past for past in arg.note().past if past[0] < node.birth), default=(0, None))
                if arg.op is not None or state[1] is None or found.setdefault(arg, state) is not state:
                    check_fresh(node)
    for node in nodes if found else ():
        if any(isinstance(arg, Node) and arg in found and arg.birth < node.birth for arg in node.args):
            check_fresh(next(user for user in nodes if any(arg in found for arg in user.args if isinstance(arg, Node))))
    return found
