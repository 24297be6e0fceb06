"""Graph -> record: what a page needs to compute all that it shows; steps, sentences and numbers it finds itself.

A node is [op, arguments, name, path, more], without what is 0 at the end: `op` is a place in the list of rows, -1 for a
leaf, whose arguments are its data; an argument is the number of a node, or in a list of its own a constant. A name is 0
where it is the next of v1, v2, ...; `path` is a place in the list of paths. `more` has the line of the user's code, and
of a row over whole arrays the words that only Python has.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_mini import Node, ops
from autograd_mini.decisions import decisions
from autograd_mini.op import Elementwise, Sum, contribution
from autograd_mini.programs.languages.javascript_table import refused
from autograd_mini.sweep import carries, order, seed_of, swept
from autograd_mini.text.derivative import Derivatives
from autograd_mini.text.formula import FormulaError, equation, text
from autograd_mini.text.recorded import as_recorded
from autograd_mini.text.to_json import plain

from ..text import clean
from .frames import Fold, Paths, mark, source_of, stretched
from .step_order import in_step_order

LONGEST = 60  # characters of a formula in a sentence
WRITTEN = 64  # entries of an array that are written out; more travel as bytes
NUMBERED = re.compile(r"v(\d{1,9})", re.ASCII)
DECIDED = "{} keeps a condition that was decided when this was recorded: write it as a row, where(greater(x, 1.0), ...)"
PAGE = (Elementwise, Sum)  # rows that the page has words for


def record_of(
    root: Node, names: Mapping[Node, str], paths: Paths | None = None, folds: Iterable[Fold] = (), gradient: Any = None
) -> dict[str, Any]:
    """Return the record of a graph as data for JSON; the same graph gives the same.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); y = x * x * 2.0
    >>> record_of(y, {x: "x", y.args[0]: "v1", y: "L"})["nodes"]
    [[-1, 3.0, 'x'], [0, [0, 0]], [0, [1, [2.0]], 'L']]
    """
    nodes = order(root)[::-1]
    taking_turns, paths = in_step_order(
        [n for n in nodes if n.op is not None], {n: (paths or {}).get(n, ()) for n in nodes}
    )
    ids = {node: i for i, node in enumerate(nodes)}
    rows = list(dict.fromkeys(n.op.name for n in nodes if n.op is not None))
    kept = list(dict.fromkeys([(), *paths.values()]))
    unknown = refused(n.op.name for n in nodes if n.op is not None)
    decided = list(dict.fromkeys(n.op.name for n in nodes if n.op is not None and _decided(n)))
    lacking = list(dict.fromkeys([*unknown, *decided]))
    branches = [d.text.format(*(_called(a, names) for a in d.args)) for d in decisions(nodes, root)]
    with as_recorded(nodes) as moved:
        written = _Writer(ids, names, rows, {path: i for i, path in enumerate(kept)}, paths, set(lacking), moved)
    told: dict[str, Any] = {
        "title": names[root], "rows": rows, "paths": kept, "nodes": [written.node(n) for n in nodes],
        "folds": [plain(vars(fold)) for fold in folds if any(fold.id in path for path in kept)],
    }  # fmt: skip
    turns = [ids[n] for n in taking_turns]
    if turns != sorted(turns):
        told["order"] = turns
    if root.ndim or gradient is not None:
        told["seed"] = number_of(seed_of(root, gradient))
    if lacking or branches:
        told["lacking"] = lacking  # which may be none: the page keeps to the record all the same
        told["why"] = _why(unknown, decided, branches)
        written.give(told["nodes"], nodes, gradient)
    return told


def number_of(x: Any) -> Any:
    """Return a number or array as the page reads it: inf and nan as texts, many entries as the bytes of doubles."""
    if not np.ndim(x):
        return plain(float(x))
    data = np.ravel(x).astype("<f8")
    if data.size > WRITTEN:
        return {"shape": list(np.shape(x)), "bytes": base64.b64encode(data.tobytes()).decode()}
    return {"shape": list(np.shape(x)), "data": plain(data.tolist())}


class _Writer:
    """Writes nodes as data."""

    def __init__(
        self, ids: Mapping[Node, int], names: Mapping[Node, str], rows: Sequence[str],
        path_ids: Mapping[tuple[str, ...], int], paths: Paths, lacking: set[str],
        moved: Mapping[Node, Any],
    ) -> None:  # fmt: skip
        self.ids, self.names, self.lacking = ids, names, lacking
        self.moved = moved
        self.rows = {name: i for i, name in enumerate(rows)}
        self.path_ids, self.paths = path_ids, paths
        self.count = 0  # of the last name of the kind v1, v2, ...

    def node(self, node: Node) -> list[Any]:
        """Return a node as data."""
        op, what = (-1, number_of(node._data)) if node.op is None else (self.rows[node.op.name], self._args(node))
        parts = [op, what, self._name(node), self.path_ids[self.paths[node]], self._more(node)]
        while not parts[-1] and len(parts) > 2:
            parts.pop()
        return parts

    def _name(self, node: Node) -> Any:
        name, self.count = self.names[node], self.count + 1
        if name == f"v{self.count}":
            return 0
        numbered = NUMBERED.fullmatch(name)
        self.count = int(numbered[1]) if numbered else self.count - 1
        return name

    def _args(self, node: Node) -> list[Any]:
        return [self.ids[a] if isinstance(a, Node) else [_constant(node, i)] for i, a in enumerate(node.args)]

    def _more(self, node: Node) -> dict[str, Any]:
        more: dict[str, Any] = {}
        if (source := source_of(node)) is not None:
            more["source"] = source
        if node in self.moved:
            more["now"] = number_of(self.moved[node])
        if node.ndim and node._data.dtype == np.float32:
            more["single"] = 1
        if node.op is not None and (not isinstance(node.op, PAGE) or node.op.name in self.lacking or _tested(node)):
            more["words"] = self._words(node)
        return more

    def _words(self, node: Node) -> dict[str, Any]:
        """Return what a row over whole arrays is called, and each of its products in symbols."""
        right = equation(node, self.names).partition(" = ")[2] if " = " not in self.names[node] else ""
        inputs = [i for i, arg in enumerate(node.args) if isinstance(arg, Node)]
        derivatives = Derivatives(node, self.names) if inputs else None
        told = {i: (clean(derivatives.plain(i)[0]), derivatives.latex(i)) for i in inputs} if derivatives else {}
        symbols, tex = ([told.get(i, ("", ""))[k] for i in range(len(node.args))] for k in (0, 1))
        return {"right": right, "mark": mark(node), "symbols": symbols, "latex": tex}

    def give(self, told: list[list[Any]], nodes: list[Node], gradient: Any) -> None:
        """Add what the page cannot compute: the data of rows that it lacks, and what they send."""
        reached = swept({nodes[-1]: seed_of(nodes[-1], gradient)})
        for node, parts in zip(nodes, told):
            if node.op is not None and node.op.name in self.lacking:
                g = reached.get(node)
                flows = {
                    i: contribution(node, i, g) for i in range(len(node.args)) if carries(node, i) and g is not None
                }
                sent = [number_of(flows[i]) if i in flows else None for i in range(len(node.args))]
                wide = [stretched(node, i) if isinstance(a, Node) else ((), ()) for i, a in enumerate(node.args)]
                parts[4] |= {"given": number_of(node._data), "sent": sent}
                parts[4]["stretched"] = [found if found[1] else None for found in wide]


def _why(unknown: Sequence[str], decided: Sequence[str], branches: Sequence[str]) -> str:
    """Return why the page keeps to the numbers of the record."""
    if unknown:
        return f"JavaScript has no {', '.join(unknown)} here"
    if decided:
        return DECIDED.format(", ".join(decided))
    return f"a branch was taken when this was recorded, where {branches[0]} was asked"


def _called(a: Any, names: Mapping[Node, str]) -> str:
    """Return an argument of a decision as people write it."""
    if isinstance(a, Node):
        return names.get(a) or _made(a, names)
    return "an array" if np.ndim(a) else f"{a:g}"


def _made(node: Node, names: Mapping[Node, str]) -> str:
    """Return how a node that is not in the record is made of what is, where that is short."""
    try:
        written = text(node, names)
    except FormulaError:
        return "an entry"
    return written if len(written) <= LONGEST else "an entry"


def _decided(node: Node) -> bool:
    """Return whether a node keeps what a comparison gave when it was recorded: other inputs may ask for another."""
    if node.op is ops.where:
        return not isinstance(node.args[0], Node) and np.asarray(node.args[0]).dtype == bool
    index = node.args[1] if node.op is ops.getitem else ()
    parts = index if isinstance(index, tuple) else (index,)
    return any(np.ndim(part) and np.asarray(part).dtype == bool for part in parts)


def _tested(node: Node) -> bool:
    """Return whether a node computes with True or False, which the page knows as 1 and 0."""
    return any(np.asarray(a).dtype == bool for a in node.args if not isinstance(a, Node))


def _constant(node: Node, i: int) -> Any:
    """Return an argument that is no node: a number or an array, an index, a setting."""
    op, arg = node.op, node.args[i]
    if op is not None and op.name in ("getitem", "scatter") and i == 1:
        return _index(arg, ops.shape(node.args[0]) if op.name == "getitem" else node.args[2])
    if isinstance(arg, (bool, np.bool_)):
        return int(arg) if isinstance(op, Elementwise) else bool(arg)
    if isinstance(arg, (type, np.dtype)):
        return np.dtype(arg).name
    if isinstance(arg, float) or (np.ndim(arg) and isinstance(arg, np.ndarray)):
        return number_of(arg)
    return _setting(arg)


def _setting(arg: Any) -> Any:
    if isinstance(arg, (tuple, list)):
        return [_setting(a) for a in arg]
    if isinstance(arg, (np.generic, np.ndarray)):
        return arg.item()
    return arg if isinstance(arg, (int, float, str, type(None))) else repr(arg)


def _index(index: Any, lengths: tuple[int, ...]) -> Any:
    """Return an index as a list of numbers, slices, null and "..."; one with arrays as the places that it takes."""
    parts = index if isinstance(index, tuple) else (index,)
    if all(isinstance(p, slice) or p is None or p is Ellipsis or _is_whole(p) for p in parts):
        return [_part(p) for p in parts]
    return number_of(np.arange(math.prod(lengths)).reshape(lengths)[index])


def _is_whole(part: Any) -> bool:
    return not np.ndim(part) and np.asarray(part).dtype.kind in "iu"


def _part(part: Any) -> Any:
    if isinstance(part, slice):
        by = 1 if part.step is None else int(part.step)
        return {"start": _end(part.start), "stop": _end(part.stop), "by": by}
    return part if part is None else "..." if part is Ellipsis else int(part)


def _end(end: Any) -> int | None:
    return None if end is None else int(end)
