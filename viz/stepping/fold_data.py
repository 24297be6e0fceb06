"""Groups -> folds: the groups of a record as data, with piles of equal parts drawn once with a count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count, groupby
from typing import Any

from autograd_mini import Node

from ..graph.groups import EXPRESSION, Group, digest, groups_of
from ..graph.ownership import LAYER, NEURON
from ..text import clean
from .frames import Fold

PILE = 4  # equal groups side by side that are drawn as one
CIRCLES = 32  # neurons of a layer up to which each is drawn
FEW = 3  # nodes of a labelled expression that need no group


def folds_of(
    root: Node, model: Any = None, variables: Mapping[str, Any] | None = None
) -> tuple[list[Fold], dict[Node, tuple[str, ...]]]:
    """Return the groups of a record, each after the one that it is in, and for each node those around it by id.

    >>> from nn import MLP
    >>> folds, _ = folds_of(MLP(2, [4, 1], "tanh", rng=0)([1.0, 2.0]))
    >>> [(fold.title, fold.count) for fold in folds][:3]
    [('network', 1), ('layer 1', 1), ('layer 2', 1)]
    """
    folds: list[Fold] = []
    paths: dict[Node, tuple[str, ...]] = {}
    ids = (f"g{i}" for i in count())
    pending: list[tuple[Group, tuple[str, ...]]] = [(groups_of(root, model, variables), ())]
    while pending:
        group, path = pending.pop()
        paths.update(dict.fromkeys(group.nodes, path))
        inner: list[tuple[Group, tuple[str, ...]]] = []
        for pile in _piles(group):
            if _is_few(pile):
                paths.update(dict.fromkeys(pile[0].nodes, path))
                continue
            around = path
            if len(pile) > 1:
                folds.append(Fold(next(ids), pile[0].kind, "pile", path[-1] if path else "", len(pile)))
                around = (*path, folds[-1].id)
            for child in pile:
                folds.append(Fold(next(ids), clean(child.name), child.kind, around[-1] if around else ""))
                inner.append((child, (*around, folds[-1].id)))
        pending += reversed(inner)
    return folds, paths


def _is_few(pile: list[Group]) -> bool:
    """Whether a group is so small that a frame around it would say less than what it is around."""
    first = pile[0]
    return len(pile) == 1 and first.kind == EXPRESSION and not first.children and len(first.nodes) <= FEW


def _piles(group: Group) -> Iterator[list[Group]]:
    """Yield the groups directly in one: in piles where enough of the same structure follow each other, else singly.

    Neurons of a layer are piled only where they are more than can be drawn side by side.
    """
    for _, run in groupby(group.children, digest):
        equal = list(run)
        least = CIRCLES + 1 if group.kind == LAYER and equal[0].kind == NEURON else PILE
        yield from [equal] if len(equal) >= least else [[child] for child in equal]
