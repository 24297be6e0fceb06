"""JavaScript: a record and its sweep as a function in JavaScript, on numbers or on arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...node import Node
from .dialects import JAVASCRIPT, JAVASCRIPT_ARRAYS
from .javascript import literal
from .javascript_arrays import array_literal
from .listing import Line, Listing
from .python_source import Branch, added_in_place, adjoint, branches, checked_prelude, parameters


def javascript_source(listing: Listing, name: str = "program") -> str:
    """Return a function of the inputs that returns `{value, gradients}`, with the definitions that it needs.

    Of a record of Values it takes and returns numbers, of one of Tensors numbers and nested lists. It throws an Error
    for an input of another shape, and where the record would have taken another branch. DataError for a row of a
    user's own.

    >>> from autograd_mini import Tensor, compile
    >>> x = Tensor([1.0, 2.0], label="x"); script = compile((x * x).sum(), [x]).javascript
    >>> print(script[script.index("function program") :])
    function program(x, L_bar = 1.0) {
      x = given("x", x, [2]);
      L_bar = given("L_bar", L_bar, []);
      const v1 = mul(x, x);
      const L = sum(v1);
      let v1_bar, x_bar;
      v1_bar = spread(L_bar, [2], null);           // L = sum(v1)
      x_bar = mul(v1_bar, x);                      // v1 = mul(x, x)
      x_bar = add(x_bar, mul(v1_bar, x));
      return {value: nested(L), gradients: [nested(x_bar)]};
    }
    <BLANKLINE>
    """
    with listing.named_anew():
        return _on_numbers(listing, name) if listing.is_scalar else _on_arrays(listing, name)


def _on_numbers(listing: Listing, name: str) -> str:
    forward, backward, value, gradients = listing.printed(JAVASCRIPT)
    head = _head(name, [*parameters(listing), f"{listing.bar(listing.root)}=1.0"])
    checks = [_thrown(_scalar_condition(branch), branch) for branch in branches(listing)]
    body = [
        *_constants(forward),
        *checks,
        *_declared(listing, backward),
        *adjoint(forward, backward, added_in_place, end=";", comment="//"),
        f"return {{value: {value}, gradients: [{', '.join(gradients)}]}};",
    ]
    used = [head, *checks, *(line.text for line in (*forward, *backward)), value, *gradients]
    return _whole(checked_prelude(used, JAVASCRIPT), head, body)


def _on_arrays(listing: Listing, name: str) -> str:
    forward, backward, value, gradients = listing.printed(JAVASCRIPT_ARRAYS)
    gradient, nodes = listing.bar(listing.root), {listing.bar(n): n for n in listing.nodes}
    held = [f"{listing.names[n]}={_default(n)}" for n in listing.captured]
    head = _head(name, [*(listing.names[n] for n in listing.inputs), *held, f"{gradient}=1.0"])
    received = {**{listing.names[n]: n for n in (*listing.inputs, *listing.captured)}, gradient: listing.root}
    body = [
        *(f"{given} = {_received(given, node)};" for given, node in received.items()),
        *_constants(forward),
        *(_thrown(_condition(branch, listing), branch) for branch in branches(listing)),
        *_declared(listing, backward),
        *adjoint(forward, backward, lambda line: _added(line, nodes), end=";", comment="//"),
        f"return {{value: nested({value}), gradients: [{', '.join(f'nested({g})' for g in gradients)}]}};",
    ]
    constants = [f"const {named} = {array_literal(array)};" for named, array in listing.pool.named.items()]
    statements = [line.partition(" // ")[0] for line in body]
    return _whole([*checked_prelude([*constants, *statements], JAVASCRIPT_ARRAYS), *constants], head, body)


def _whole(above: Sequence[str], head: str, body: Sequence[str]) -> str:
    return "\n".join([*above, head, *(f"  {line}" for line in body), "}", ""])


def _head(name: str, given: Sequence[str]) -> str:
    return f"function {name}({', '.join(given).replace('=', ' = ')}) {{"


def _constants(forward: Sequence[Line]) -> Iterator[str]:
    return (f"const {line.target} = {line.text};" for line in forward)


def _declared(listing: Listing, backward: Sequence[Line]) -> list[str]:
    names = sorted({line.target for line in backward} - {listing.bar(listing.root)})
    return [f"let {', '.join(names)};"] if names else []


def _default(node: Node) -> str:
    return json.dumps(node._data if isinstance(node._data, float) else node._data.tolist())


def _received(name: str, node: Node) -> str:
    """Return how a parameter becomes a number or an array of the shape and the precision that it had."""
    return _rounded(f"given({json.dumps(name)}, {name}, {literal(node.shape)})", node)


def _rounded(text: str, node: Node) -> str:
    return f"float32({text})" if node.dtype == np.float32 else text


def _added(line: Line, nodes: dict[str, Node]) -> str:
    """Return a line of a sweep over arrays; the sum has the precision of what receives it."""
    text = _rounded(f"add({line.target}, {line.text})", nodes[line.target]) if line.adds else line.text
    return f"{line.target} = {text}"


def _thrown(otherwise: str, branch: Branch) -> str:
    return f"if ({otherwise}) throw new Error({json.dumps(branch.message)});"


def _scalar_condition(branch: Branch) -> str:
    """Return what is true where another branch is to be taken."""
    return f"!({branch.condition})" if branch.outcome == "True" else branch.condition


def _condition(branch: Branch, listing: Listing) -> str:
    """Return the same for arrays: whether the outcome differs in any entry."""
    args = [listing.names[a] if isinstance(a, Node) else _operand(a, listing) for a in branch.guard.args]
    names = ["x", "y"][: len(args)]
    test = f"lift(({', '.join(names)}) => {branch.guard.text.format(*names)})({', '.join(args)})"
    return f"differs({test}, {_operand(branch.guard.outcome, listing)})"


def _operand(x: Any, listing: Listing) -> str:
    return listing.pool(np.asarray(x)) if np.ndim(x) else literal(np.asarray(x))
