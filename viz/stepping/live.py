"""Record -> live program: the JavaScript that computes data and contributions in the page, or why there is none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograd_mini import AutogradError, Node
from autograd_mini.op import Elementwise
from autograd_mini.programs.call_syntax import Constants
from autograd_mini.programs.dialects import JAVASCRIPT, JAVASCRIPT_ARRAYS, Dialect, contribution, expression, tree
from autograd_mini.programs.prelude import prelude
from autograd_mini.sweep import carries, order, seed_of
from autograd_mini.text.derivative import Derivatives

from .numbers import ENTRIES

NOT_LIVE = "const LIVE = null"
HELD = 50_000  # entries of leaves and constants that travel in the page
COMPUTED = 500_000  # entries of all nodes, which a slider that moves computes anew
RENAMED = "var"  # a row that has another name there: its own is a word of the language
CALL = re.compile(r"(?<![.\w])([A-Za-z_]\w*)\(")


def program_of(root: Node, gradient: Any = None) -> str:
    """Return the JavaScript that recomputes a graph: each node, and each contribution, is one function.

    `d` holds the data by the number of the vertex and `g` is the upstream gradient. With arrays there are also `held`
    and `seed`, the numbers of which the frames have only the norm, and `local`, the derivatives of elementwise ops.
    Where there is no such program, `LIVE` is null and `WHY` says why: for a record of single precision or of very many
    entries, and for ops that JavaScript has no definition of.

    >>> from autograd_mini import Value
    >>> x = Value(3.0); print(program_of(x * x * 2.0))
    const LIVE = (() => {
    return {
    forward: [
    [1, d => d[0] * d[0]],
    [2, d => d[1] * 2],
    ],
    pull: {
    0: (d, g) => g * d[0],
    1: (d, g) => g * d[0],
    2: (d, g) => g * 2,
    }};})();
    """
    try:
        return _program(order(root)[::-1], gradient)
    except NotLive as why:
        return f"{NOT_LIVE}, WHY = {_quoted(str(why))};"


class NotLive(AutogradError):
    """A graph that a page cannot compute anew, and why."""


def _program(nodes: list[Node], gradient: Any) -> str:
    """Return the program of a graph: that of numbers is written with operators and is fast."""
    rows = {node.op.name for node in nodes if node.op is not None}
    _check_defined(rows - {RENAMED}, JAVASCRIPT_ARRAYS)
    if not any(node.ndim for node in nodes) and rows <= set(JAVASCRIPT.defined()):
        return _assembled(JAVASCRIPT, [], _parts(nodes, JAVASCRIPT, repr))
    if any(node.ndim and node._data.dtype != np.float64 for node in nodes):
        raise NotLive("it is of single precision, and the page computes in double")
    if sum(np.size(node._data) for node in nodes) > COMPUTED:
        raise NotLive(f"its nodes have more than {COMPUTED:,} entries")
    return _arrays(nodes, gradient)


def _check_defined(names: set[str], dialect: Dialect) -> None:
    """Raise NotLive where the dialect has no definition of a row or function."""
    unknown = names - set(dialect.defined())
    if unknown:
        raise NotLive(f"JavaScript has no {', '.join(sorted(unknown))} here")


def _arrays(nodes: list[Node], gradient: Any) -> str:
    """Return the program of a graph with arrays, with the numbers that the frames do not have."""
    large = {i: node._data for i, node in enumerate(nodes) if node.op is None and np.size(node._data) > ENTRIES}
    pool, seed = Constants("A", 0), seed_of(nodes[-1], gradient)
    parts = _parts(nodes, JAVASCRIPT_ARRAYS, pool) | {"local": _locals(nodes, pool)}
    if sum(map(np.size, [*large.values(), *pool.named.values()])) > HELD:
        raise NotLive(f"its leaves and constants have more than {HELD:,} entries")
    if large:
        parts["held"] = [f"{i}: {_literal(x)},\n" for i, x in large.items()]
    if np.size(seed) > ENTRIES:
        parts["seed"] = [f"{len(nodes) - 1}: {_literal(seed)},\n"]
    constants = [f"const {name} = {_literal(x)};" for name, x in pool.named.items()]
    return _assembled(JAVASCRIPT_ARRAYS, constants, parts)


def _uses(nodes: list[Node]) -> list[tuple[Node, int]]:
    """Return each use of a node as an argument, in the order of the edges of the frames."""
    return [(node, i) for node in nodes for i, arg in enumerate(node.args) if isinstance(arg, Node)]


def _atoms(nodes: list[Node]) -> dict[Node, str]:
    return {node: f"d[{i}]" for i, node in enumerate(nodes)}


def _parts(nodes: list[Node], dialect: Dialect, pool: Callable[[Any], str]) -> dict[str, list[str]]:
    """Return the lines of both passes."""
    atoms = _atoms(nodes)
    return {
        "forward": [
            f"[{i}, d => {expression(n, atoms, dialect, pool)}],\n" for i, n in enumerate(nodes) if n.op is not None
        ],
        "pull": [
            f"{k}: (d, g) => {contribution(n, i, atoms, 'g', dialect, pool)},\n"
            for k, (n, i) in enumerate(_uses(nodes))
            if carries(n, i)
        ],
    }


def _locals(nodes: list[Node], pool: Constants) -> list[str]:
    """Return the derivatives of the elementwise ops on arrays, of the shape that their rules give them."""
    atoms = _atoms(nodes)
    return [
        f"{k}: d => {_local(n, i, atoms, pool)},\n"
        for k, (n, i) in enumerate(_uses(nodes))
        if isinstance(n.op, Elementwise) and n.ndim and carries(n, i)
    ]


def _local(node: Node, i: int, atoms: Mapping[Node, str], pool: Constants) -> str:
    """Return what the op's rule for its i-th argument makes of g = 1."""
    derivatives = Derivatives(node, atoms)
    return tree(derivatives.rule(i), derivatives.names, JAVASCRIPT_ARRAYS, pool)


def _literal(x: Any) -> str:
    """Return an array as the page has it; what JSON has no numbers for are names of JavaScript."""
    return json.dumps({"shape": np.shape(x), "data": np.ravel(x).tolist()}, separators=(",", ":"))


def _assembled(dialect: Dialect, constants: list[str], parts: Mapping[str, list[str]]) -> str:
    """Return the program of these parts with the definitions that they need."""
    lines = [line for name in parts if name not in ("held", "seed") for line in parts[name]]
    _check_defined({call for line in lines for call in CALL.findall(line)}, dialect)
    head = "".join(f"{line}\n" for line in [*prelude(lines, dialect.defined()), *constants])
    body = ",\n".join(f"{name}: {_bracketed(name, part)}" for name, part in parts.items())
    return f"const LIVE = (() => {{\n{head}return {{\n{body}}};}})();"


def _quoted(words: str) -> str:
    """Return a text of JavaScript that cannot end a script."""
    return json.dumps(words).replace("<", "\\u003c")


def _bracketed(name: str, lines: list[str]) -> str:
    """Return a part as a list where its order matters, else as an object."""
    start, end = "[]" if name == "forward" else "{}"
    return f"{start}\n{''.join(lines)}{end}"
