"""Lists, tuples and dicts of numbers and arrays: taken apart into their leaves, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def is_branch(tree: Any) -> bool:
    """Return whether `tree` is a list, tuple or dict, and not a leaf."""
    return isinstance(tree, (list, tuple, dict))


def leaves(tree: Any) -> list[Any]:
    """Return the leaves in order; dicts in the order of their keys' insertion.

    >>> leaves({"w": [1.0, 2.0], "b": 3.0})
    [1.0, 2.0, 3.0]
    """
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in leaves(branch)]
    if isinstance(tree, (list, tuple)):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


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
    if isinstance(like, dict):
        return {key: build(branch, new) for key, branch in like.items()}
    if isinstance(like, tuple) and hasattr(like, "_fields"):
        return type(like)(*(build(branch, new) for branch in like))
    if isinstance(like, (list, tuple)):
        return type(like)(build(branch, new) for branch in like)
    return next(new)


def form(tree: Any) -> Any:
    """Return what two trees of one form have in common, to be looked up by: kinds, lengths and keys in their order.

    >>> form({"w": [1.0, 2.0]}) == form({"w": [3.0, 4.0]}), form([1.0]) == form((1.0,))
    (True, False)
    """
    if isinstance(tree, dict):
        return type(tree), *((key, form(branch)) for key, branch in tree.items())
    if isinstance(tree, (list, tuple)):
        return type(tree), *map(form, tree)
    return None


def names(tree: Any, root: str) -> list[str]:
    """Return how a program would write each leaf: `args[0]["w"][1]`."""
    pairs: Any = (
        tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, (list, tuple)) else None
    )
    if pairs is None:
        return [root]
    return [name for key, branch in pairs for name in names(branch, f"{root}[{key!r}]")]


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return the tree with `function` applied to each leaf."""
    return build(tree, iter([function(leaf) for leaf in leaves(tree)]))
