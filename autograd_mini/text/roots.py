"""Roots: the record that a model stands for, asked of whoever knows such models."""

from __future__ import annotations

from typing import Any

from ..errors import DataError
from ..node import Node


def root_of(root: Any, x: Any = None) -> Any:
    """Return the root of a record: a node itself, or what a model makes of the sample `x`; anything else as it is.

    A package that knows models declares a function of a model and a sample as entry point of the group
    `autograd_mini.records`; it returns the root, or None for what it does not know. DataError for a node with a sample.

    >>> from autograd_mini import Value
    >>> x = Value(2.0); root_of(x) is x, root_of("a text")
    (True, 'a text')
    """
    if isinstance(root, Node):
        if x is not None:
            raise DataError("x is the sample that a model is run on; a node was recorded from its own: leave x out")
        return root
    from importlib.metadata import entry_points  # it takes longer to load than all of the engine

    found = (point.load()(root, x) for point in entry_points(group="autograd_mini.records"))
    return next((made for made in found if made is not None), root)
