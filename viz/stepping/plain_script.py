"""Record -> plain script: the forward pass in lines of JavaScript, for whoever reads or runs the source of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograd_mini import Node
from autograd_mini.programs.languages.dialects import JAVASCRIPT, expression
from autograd_mini.programs.languages.prelude import prelude

READABLE = 200  # nodes whose lines somebody reads; a page of more has none


def plain_script(nodes: Sequence[Node], lacking: bool) -> str:
    """Return `const LIVE = ...`: for each op its number and a function of all numbers before it, in their order.

    It needs nothing else of the page: `for (const [i, f] of LIVE.forward) d[i] = f(d)` computes a record whose leaves
    are in d. LIVE is null where the page keeps to the record, since JavaScript lacks a row or Python decided a branch;
    a record of arrays, or of more nodes than somebody reads, has no lines.

    >>> from autograd_mini import Value, ops
    >>> x = Value(2.0); y = x * x
    >>> print(plain_script([x, y, y.tanh()], False))
    const LIVE = (() => {
    const tanh = Math.tanh;
    return {forward: [
    [1, d => d[0] * d[0]],
    [2, d => tanh(d[1])],
    ]};
    })();
    """
    if lacking:
        return "const LIVE = null;"
    if len(nodes) > READABLE or any(node.ndim for node in nodes):
        return ""
    lines = _lines(nodes, {node: f"d[{i}]" for i, node in enumerate(nodes)})
    above = prelude(lines, JAVASCRIPT.defined())
    return "\n".join(["const LIVE = (() => {", *above, "return {forward: [", *lines, "]};", "})();"])


def _lines(nodes: Sequence[Node], names: Mapping[Node, str]) -> list[str]:
    return [f"[{i}, d => {expression(n, names, JAVASCRIPT)}]," for i, n in enumerate(nodes) if n.op is not None]
