"""Equal samples of a record: found before anything is grouped, so that one of them stands for all."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from autograd_mini import Node, Value

from .ownership import is_sum

CROWD = 60  # samples that are more than a person wants to see one by one
Equal = Mapping[Node, tuple[Node, ...]]  # a node of one sample: it and its counterparts in all samples equal to it


def equal_samples(nodes: Sequence[Node], owned: Container[Node]) -> Equal:
    """Return what each node of a sample stands for, where a sum has many terms that are equal but for their numbers.

    Equal are the ops, shapes, settings and recorded groups, and which parameters (`owned`) go where. Samples have
    nothing but these in common, no names, and only the sum uses them.
    """
    found: dict[Node, tuple[Node, ...]] = {}
    seen: set[Node] = set()  # in a larger sum, or in its samples
    for node in reversed(nodes):
        if node not in seen and is_sum(node):
            terms, sums = _terms(node)
            seen |= sums
            if len(terms) >= CROWD:
                alike, inside = _alike(terms, owned)
                lots = [lot for lot in alike if len(lot) > 1]
                if lots and inside.isdisjoint(_used(each for each in nodes if each not in inside and each not in sums)):
                    seen |= inside
                    found |= {same[0]: same for lot in lots for same in zip(*lot)}
    return found


def all_of(nodes: Iterable[Node], equal: Equal) -> list[Node]:
    """Return every node that `nodes` stand for, themselves included."""
    return [each for node in nodes for each in equal.get(node, (node,))]


def _used(nodes: Iterable[Node]) -> Iterator[Node]:
    return (arg for node in nodes for arg in node.args if isinstance(arg, Node))


def _terms(node: Node) -> tuple[list[Node], set[Node]]:
    """Return what a sum adds up, oldest first, through the sums inside it; and all these sums."""
    terms: set[Node] = set()
    sums = {node}
    stack = [node]
    while stack:
        for arg in stack.pop().args:
            if isinstance(arg, Node):
                if is_sum(arg) and arg not in sums:
                    sums.add(arg)
                    stack.append(arg)
                elif arg not in sums:
                    terms.add(arg)
    return sorted(terms, key=lambda term: term.birth), sums


def _alike(terms: list[Node], owned: Container[Node]) -> tuple[list[list[list[Node]]], set[Node]]:
    """Return the nodes under each term, those of equal ones together; nothing where two have more than parameters in
    common. Also return all of them.
    """
    alike: dict[Any, list[list[Node]]] = {}
    inside: set[Node] = set()
    for term in terms:
        nodes, structure = _sample(term, owned)
        if not structure or not inside.isdisjoint(nodes):
            return [], set()
        inside.update(nodes)
        alike.setdefault(structure, []).append(nodes)
    return list(alike.values()), inside


def _sample(term: Node, owned: Container[Node]) -> tuple[list[Node], tuple[Any, ...]]:
    """Return the nodes that a term is computed from, but parameters, and their structure; none where one is named."""
    place: dict[Any, int] = {term: 0}
    found = [term]
    structure: list[Any] = []
    for node in found:
        if node.label if node.op else node is term:
            return found, ()
        structure += (node.op, node.group, type(node) if isinstance(node, Value) else node.shape)
        for arg in node.args:
            if type(arg) is float:
                structure.append(float)
            elif not isinstance(arg, Node):
                structure.append(getattr(arg, "shape", None) or repr(arg))
            elif arg in owned:
                structure.append(arg)
            else:
                if arg not in place:
                    place[arg] = len(found)
                    found.append(arg)
                structure.append(place[arg])
    return found, tuple(structure)
