"""The notebook around us: whether one runs this, whether it takes widgets, and what is done after each of its cells.

Nodes tell nobody that they were assigned, so that a training pays nothing for pictures. Instead, what is shown looks
after every cell at the numbers that it stands for: IPython calls it, in marimo the loop that runs the cells does.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Hashable
from importlib.util import find_spec
from typing import Any, Protocol

PATIENCE = 0.25  # seconds between two looks in marimo, which does not say when a cell has ended


class Watcher(Protocol):
    """What shows numbers of Python's, and looks at them when it is told to."""

    def update(self) -> None:
        """Show the numbers of now."""


_watchers: weakref.WeakSet[Any] = weakref.WeakSet()
_once: dict[Any, Callable[[], None]] = {}  # what is to be done when the cell has ended
_asked: set[int] = set()  # shells that call `look`, by id


def shell() -> Any:
    """Return the IPython shell of a notebook, None at a prompt and in a script."""
    ipython = sys.modules.get("IPython")
    found = ipython.get_ipython() if ipython is not None else None
    return found if getattr(found, "kernel", None) is not None else None


def in_marimo() -> bool:
    """Whether a marimo notebook runs this."""
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())


def takes_widgets() -> bool:
    """Whether a notebook runs this, with the package that shows widgets in it."""
    return (shell() is not None or in_marimo()) and find_spec("anywidget") is not None


def watch(watcher: Watcher) -> None:
    """Let a watcher look after each cell, as long as somebody holds it."""
    first = not _watchers
    _watchers.add(watcher)
    if not _listens() and first and in_marimo():
        import asyncio  # a fifth of the time that viz takes to load, and marimo has loaded it

        _look_again(asyncio.get_running_loop())


def after_cell(key: Hashable, act: Callable[[], None]) -> None:
    """Let IPython do something once when the cell has ended; another `act` with the same key takes its place."""
    _once[key] = act
    _listens()


def look(*_: Any) -> None:
    """Let every watcher show the numbers of now."""
    for watcher in list(_watchers):
        watcher.update()
    while _once:
        _once.popitem()[1]()


def _listens() -> bool:
    """Whether IPython calls `look` after each cell, from now on at the latest."""
    found = shell()
    if found is not None and id(found) not in _asked:
        _asked.add(id(found))
        found.events.register("post_run_cell", look)
    return found is not None


def _look_again(loop: Any) -> None:
    if _watchers:
        look()
        loop.call_later(PATIENCE, _look_again, loop)
