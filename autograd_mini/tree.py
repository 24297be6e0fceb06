"""Arguments with a form: lists, dicts, dataclasses, classes of your own, taken apart into leaves and put together."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

Branch = tuple[list[tuple[Any, Any]], Callable[[list[Any]], Any]]

KINDS: dict[type, Callable[[Any], Branch]] = {}  # classes that were registered, and how one of them is taken apart


def register(kind: type, parts: Callable[[Any], Branch]) -> None:
    """Let transforms take and return objects of a class: `parts(x)` gives pairs (name, part), and what puts new parts
    together to an object like x.
    """
    KINDS[kind] = parts


def parts_of(tree: Any) -> Branch | None:
    """Return the named parts of a branch and what builds one like it from others; None for a leaf.

    Fields of a dataclass that hold text, None or a function stay as they are.

    >>> pairs, build = parts_of({"w": 1.0, "b": 2.0}); pairs, build([3.0, 4.0])
    ([('w', 1.0), ('b', 2.0)], {'w': 3.0, 'b': 4.0})
    """
    for kind in type(tree).__mro__ if KINDS else ():
        if kind in KINDS:
            return KINDS[kind](tree)
    if isinstance(tree, dict):
        return list(tree.items()), lambda new: _filled(tree, new)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return list(enumerate(tree)), lambda new: type(tree)(*new)
    if isinstance(tree, (list, tuple)):
        return list(enumerate(tree)), type(tree)
    if hasattr(type(tree), "__dataclass_fields__"):  # a dataclass, known without loading what makes them
        from dataclasses import fields

        names = [f.name for f in fields(tree) if not _fixed(getattr(tree, f.name))]
        return [(name, getattr(tree, name)) for name in names], lambda new: _replaced(tree, names, new)
    return None


def _fixed(field: Any) -> bool:
    return field is None or isinstance(field, (str, bytes)) or callable(field)


def _filled(like: Any, new: list[Any]) -> Any:
    filled = copy.copy(like)  # a kind of dict keeps what else it has: its order, its default
    for key, branch in zip(like, new):
        filled[key] = branch
    return filled


def _replaced(like: Any, names: list[str], new: list[Any]) -> Any:
    replaced = copy.copy(like)
    for name, branch in zip(names, new):
        object.__setattr__(replaced, name, branch)  # a frozen one too: nobody else has it yet
    return replaced


def is_branch(tree: Any) -> bool:
    """Return whether `tree` has parts, and is not a leaf."""
    return parts_of(tree) is not None


def leaves(tree: Any) -> list[Any]:
    """Return the leaves in order; dicts in the order of their keys' insertion.

    >>> leaves({"w": [1.0, 2.0], "b": 3.0})
    [1.0, 2.0, 3.0]
    """
    branch = parts_of(tree)
    return [tree] if branch is None else [leaf for _, part in branch[0] for leaf in leaves(part)]


def leaves_as(like: Any, tree: Any) -> list[Any]:
    """Return the leaves of `tree` in the order in which those of `like` stand: a dict's belong to the keys.

    ValueError where the forms differ.

    >>> leaves_as({"w": 1.0, "b": [2.0]}, {"b": [3.0], "w": 4.0})
    [4.0, 3.0]
    """
    if isinstance(like, dict):
        if not isinstance(tree, dict) or tree.keys() != like.keys():
            raise ValueError(f"the keys {list(like)} are needed, got {_kind(tree)}")
        return [leaf for key, branch in like.items() for leaf in leaves_as(branch, tree[key])]
    if isinstance(like, (list, tuple)):
        if not isinstance(tree, (list, tuple)) or len(tree) != len(like):
            raise ValueError(f"{len(like)} entries are needed, got {_kind(tree)}")
        return [leaf for part, branch in zip(like, tree) for leaf in leaves_as(part, branch)]
    if is_branch(like):
        if form(tree) != form(like):
            raise ValueError(f"a {type(like).__name__} of the same form is needed, got {_kind(tree)}")
        return leaves(tree)
    return [tree]


def _kind(tree: Any) -> str:
    """Return what a message says of a branch or a leaf."""
    if isinstance(tree, dict):
        return f"the keys {list(tree)}"
    return f"{len(tree)} entries" if isinstance(tree, (list, tuple)) else f"one {type(tree).__name__}"


def build(like: Any, new: Iterator[Any]) -> Any:
    """Return a tree of the same form as `like` with its leaves taken from `new`.

    >>> build({"w": [1.0, 2.0], "b": 3.0}, iter("xyz"))
    {'w': ['x', 'y'], 'b': 'z'}
    """
    branch = parts_of(like)
    if branch is None:
        return next(new)
    pairs, together = branch
    return together([build(part, new) for _, part in pairs])


def form(tree: Any) -> Any:
    """Return the form of a tree, equal for trees of one form: kinds, lengths and keys in their order.

    >>> form({"w": [1.0, 2.0]}) == form({"w": [3.0, 4.0]}), form([1.0]) == form((1.0,))
    (True, False)
    """
    branch = parts_of(tree)
    return None if branch is None else (type(tree), *((key, form(part)) for key, part in branch[0]))


def names(tree: Any, root: str) -> list[str]:
    """Return how a program would write each leaf: `args[0]["w"][1]`."""
    branch = parts_of(tree)
    if branch is None:
        return [root]
    return [name for key, part in branch[0] for name in names(part, f"{root}[{key!r}]")]


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return the tree with `function` applied to each leaf."""
    return build(tree, iter([function(leaf) for leaf in leaves(tree)]))
