r"""LaTeX: a record and its sweep as a block of equations in LaTeX, with \bar{z} for the gradient of z."""

from __future__ import annotations

from collections.abc import Iterator

from ...node import Node
from ...op import Sum
from ...text.formula import Term, _formula
from ...text.latex import SHORT, LatexTerm, latex_equation, latex_name, latex_text
from .dialects import contribution_record
from .listing import BAR, Listing, guard_text


class BarTerm(LatexTerm):
    """A piece of a formula in LaTeX, where a name for a gradient is that of its node with a bar."""

    __slots__ = ()

    @classmethod
    def named(cls, name: str) -> Term:
        """Return a node or a gradient by name."""
        return cls(bar(name.removesuffix(BAR))) if name.endswith(BAR) else super().named(name)


def bar(name: str) -> str:
    r"""Return the gradient of a name as LaTeX.

    >>> print(bar("w1"), bar("loss"))
    \bar{w_{1}} \bar{\mathrm{loss}}
    """
    return rf"\bar{{{latex_name(name)}}}"


def latex_source(listing: Listing) -> str:
    """Return the equations of the record and of its sweep, one a line, as an `aligned` block; it needs amsmath."""
    lines = " \\\\\n".join((*_forward(listing), *_conditions(listing), *_backward(listing)))
    return f"\\begin{{aligned}}\n{lines}\n\\end{{aligned}}"


def _forward(listing: Listing) -> Iterator[str]:
    for node in listing.nodes:
        if node.op is not None:
            yield latex_equation(node, listing.names).replace(" = ", " &= ", 1)


def _conditions(listing: Listing) -> Iterator[str]:
    """Yield what was looked at while the record was made: the equations hold where it comes out alike."""
    for guard in dict.fromkeys(guard_text(guard, listing.names, listing.pool) for guard in listing.guards):
        yield rf"& {latex_text(f'as recorded: {guard}')}"


def _backward(listing: Listing) -> Iterator[str]:
    """Yield the gradient of each node as the sum of the contributions in the order of the sweep; inputs come last."""
    sums: dict[Node, list[str]] = {listing.root: ["1"]} if listing.root in listing.carriers else {}
    for node, i in listing.contributions():
        sums.setdefault(node.args[i], []).append(_contribution(listing, node, i))
    for node in (*(n for n in reversed(listing.nodes) if n.op is not None), *listing.inputs):
        if node in sums:
            yield f"{bar(listing.names[node])} &= {_added(sums[node])}"


def _contribution(listing: Listing, node: Node, i: int) -> str:
    if isinstance(node.op, Sum) and not node.ndim:
        return bar(listing.names[node])
    c, names = contribution_record(node, i, listing.names, listing.bar(node))
    return _formula(c, names, SHORT, BarTerm)


def _added(terms: list[str]) -> str:
    return terms[0] + "".join(f" - {t[1:]}" if t.startswith("-") else f" + {t}" for t in terms[1:])
