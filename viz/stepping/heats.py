"""Record -> heat maps: those of all its arrays, and of their gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd_mini import Node
from autograd_mini.data import ignoring_fp_warnings
from autograd_mini.sweep import order, reach, seed_of, swept
from autograd_mini.text.recorded import as_recorded

from ..heatmap import Heat, heat_of


def heats_of(root: Node, gradient: Any = None) -> dict[str, Heat]:
    """Return the heat maps of all arrays that have entries, by card: of "n3 data", and of the gradient, "n3 grad".

    >>> from autograd_mini import Tensor
    >>> x = Tensor([1.0, -2.0]); sorted(heats_of((x * x).sum()))
    ['n0 data', 'n0 grad', 'n1 data', 'n1 grad']
    """
    with as_recorded(reach([root])):
        return ignoring_fp_warnings(dict, _heats(order(root), gradient))


def _heats(nodes: list[Node], gradient: Any) -> Iterator[tuple[str, Heat]]:
    """Yield the heat maps of nodes from the root down."""
    if not any(node.ndim for node in nodes):
        return
    reached = swept({nodes[0]: seed_of(nodes[0], gradient)}, nodes)
    for id, (node, g) in zip(reversed(range(len(nodes))), reached.items()):
        if node.ndim and node.size:
            yield f"n{id} data", heat_of(node._data)
            if g is not None:
                yield f"n{id} grad", heat_of(np.broadcast_to(g, node.shape))
