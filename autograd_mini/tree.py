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
