"""Notes: what is kept with a node where somebody asks for it - the line and the group it came from, its past."""

from __future__ import annotations

from _thread import RLock
from typing import Any

_begun = RLock()


class Note:
    """What is noted with a node where somebody asks for it; most nodes have none."""

    __slots__ = ("source", "group", "proof", "past", "decided")

    def __init__(self) -> None:
        self.source: tuple[str, int] | None = None
        self.group: Any = None
        self.proof: Any = None
        self.past: tuple[tuple[int, Any], ...] = ()  # states of a leaf that was assigned, birth and data
        self.decided: dict[Any, Any] = {}  # decisions about the node, each asked once


NOTHING = Note()  # read for a node without a note, never written


class Noted:
    """A base class with room for a note."""

    __slots__ = ("_note",)

    _note: Note

    @property
    def source(self) -> tuple[str, int] | None:
        """The file and the line of the user's code that recorded this node, where `note_lines` noted it."""
        return getattr(self, "_note", NOTHING).source

    @source.setter
    def source(self, source: tuple[str, int] | None) -> None:
        self.note().source = source

    @property
    def group(self) -> Any:
        """The innermost `with group(name):` (a Group) that recorded this node, or None."""
        return getattr(self, "_note", NOTHING).group

    @group.setter
    def group(self, group: Any) -> None:
        self.note().group = group

    @property
    def proof(self) -> Any:
        """How a record that was taken over from another library was compared with it; None for any other node."""
        return getattr(self, "_note", NOTHING).proof

    def note(self) -> Note:
        """Return what is noted with this node, to be added to."""
        try:
            return self._note
        except AttributeError:
            with _begun:  # threads may share a leaf
                if not hasattr(self, "_note"):
                    self._note = Note()
            return self._note
