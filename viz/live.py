"""Record -> live program: the JavaScript that computes data and contributions in the page, or why there is none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograd_mini import Node
from autograd_mini.derivative import Derivatives
from autograd_mini.op import Elementwise
from autograd_mini.programs.dialects import JAVASCRIPT, JAVASCRIPT_ARRAYS, Dialect, contribution, expression, prelude
from autograd_mini.sweep import carries, order, seed_of

from .numbers import ENTRIES

NOT_LIVE = "const LIVE = null"
HELD = 50_000  # entries of leaves and constants that travel in the page
COMPUTED = 500_000  # entries of all nodes, which a slider that moves computes anew
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
    nodes = order(root)[::-1]
    scalars = "" if any(node.ndim for node in nodes) else _scalars(nodes)
    if scalars.startswith("const"):
        return scalars
    arrays = _obstacle(nodes) or _arrays(nodes, gradient)
    return arrays if arrays.startswith("const") else f"{NOT_LIVE}, WHY = {json.dumps(arrays)};"


def _scalars(nodes: list[Node]) -> str:
    """Return the program of a graph of scalars, or why there is none."""
    return _assembled(JAVASCRIPT, [], _parts(nodes, JAVASCRIPT, repr))


def _arrays(nodes: list[Node], gradient: Any) -> str:
    """Return the program of a graph with arrays, or why there is none."""
    large = {i: node._data for i, node in enumerate(nodes) if node.op is None and np.size(node._data) > ENTRIES}
    pool, seed = _Pool(), seed_of(nodes[-1], gradient)
    parts = _parts(nodes, JAVASCRIPT_ARRAYS, pool) | {"local": _locals(nodes, pool)}
    if sum(map(np.size, [*large.values(), *pool.arrays])) > HELD:
        return f"its leaves and constants have more than {HELD:,} entries"
    if large:
        parts["held"] = [f"{i}: {_literal(x)},\n" for i, x in large.items()]
    if np.size(seed) > ENTRIES:
        parts["seed"] = [f"{len(nodes) - 1}: {_literal(seed)},\n"]
    return _assembled(JAVASCRIPT_ARRAYS, pool.lines(), parts)


def _obstacle(nodes: list[Node]) -> str:
    """Return why a graph with arrays is not worth printing, "" if it is."""
    if any(node.ndim and node._data.dtype != np.float64 for node in nodes):
        return "it is of single precision, and the page computes in double"
    if sum(np.size(node._data) for node in nodes) > COMPUTED:
        return f"its nodes have more than {COMPUTED:,} entries"
    return ""


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


def _locals(nodes: list[Node], pool: _Pool) -> list[str]:
    """Return the derivatives of the elementwise ops on arrays, of the shape that their rules give them."""
    atoms = _atoms(nodes)
    return [
        f"{k}: d => {_local(n, i, atoms, pool)},\n"
        for k, (n, i) in enumerate(_uses(nodes))
        if isinstance(n.op, Elementwise) and n.ndim and carries(n, i)
    ]


def _local(node: Node, i: int, atoms: Mapping[Node, str], pool: _Pool) -> str:
    """Return what the op's rule for its i-th argument makes of g = 1."""
    derivatives = Derivatives(node, atoms)
    found, written = derivatives.rule(i), dict(derivatives.names)
    for part in order(found)[::-1] if isinstance(found, Node) else []:
        if part not in written:
            written[part] = _written(part._data, pool) if part.op is None else _call(part, written, pool)
    return written[found] if isinstance(found, Node) else _written(found, pool)


def _call(part: Node, written: Mapping[Node, str], pool: _Pool) -> str:
    return f"({expression(part, written, JAVASCRIPT_ARRAYS, pool)})"


def _written(x: Any, pool: _Pool) -> str:
    """Return a constant."""
    return pool(x) if np.ndim(x) else json.dumps(float(x))


class _Pool:
    """Names the constant arrays of a program, equal ones alike."""

    def __init__(self) -> None:
        self.arrays: list[Any] = []
        self._names: dict[tuple[Any, ...], str] = {}

    def __call__(self, x: Any) -> str:
        x = np.asarray(x)
        key = x.shape, x.dtype.str, x.tobytes()
        if key not in self._names:
            self._names[key] = f"A{len(self.arrays)}"
            self.arrays.append(x)
        return self._names[key]

    def lines(self) -> list[str]:
        """Return the declarations of all of them."""
        return [f"const {name} = {_literal(x)};" for name, x in zip(self._names.values(), self.arrays)]


def _literal(x: Any) -> str:
    """Return an array as the page has it; what JSON has no numbers for are names of JavaScript."""
    return json.dumps({"shape": np.shape(x), "data": np.ravel(x).tolist()}, separators=(",", ":"))


def _assembled(dialect: Dialect, constants: list[str], parts: Mapping[str, list[str]]) -> str:
    """Return the program of these parts with the definitions that they need, or which op lacks one."""
    lines = [line for name in parts if name not in ("held", "seed") for line in parts[name]]
    defined = dialect.defined()
    unknown = {call for line in lines for call in CALL.findall(line)} - set(defined)
    if unknown:
        return f"JavaScript has no {', '.join(sorted(unknown))} here"
    head = "".join(f"{line}\n" for line in [*prelude(lines, defined), *constants])
    body = ",\n".join(f"{name}: {_bracketed(name, part)}" for name, part in parts.items())
    return f"const LIVE = (() => {{\n{head}return {{\n{body}}};}})();"


def _bracketed(name: str, lines: list[str]) -> str:
    """Return a part as a list where its order matters, else as an object."""
    start, end = "[]" if name == "forward" else "{}"
    return f"{start}\n{''.join(lines)}{end}"
