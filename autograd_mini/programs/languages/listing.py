"""Listing: a record and its backward sweep written out: a line per node, a line per contribution."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ...data import Array
from ...errors import DataError
from ...node import ALL, NONE, Node, leaf, record
from ...op import ROWS, TABLE, Elementwise, Op, Sum
from ...sweep import dependents, receivers, swept
from ...text.formula import names_of, number
from .call_syntax import Constants
from .dialects import Dialect, alone, contribution, expression
from .javascript import on_numbers
from .javascript_arrays import on_arrays
from .prelude import definitions
from .torch_and_jax import in_jax, in_torch

CONSTANT = "constant_"  # how the name of an array that is no node starts
BAR = "_bar"  # what the gradient of a name is called: x_bar is dL/dx
_NO_NAME = re.compile(r"\W+")


class Line(NamedTuple):
    """`target = text`, or `target += text` where `adds`; `node` is whose value or whose contribution it is."""

    target: str
    text: str
    adds: bool
    node: Node


class Printed(NamedTuple):
    """A listing in a dialect: the lines of the record, those of the sweep, the value, the gradients of inputs."""

    forward: list[Line]
    backward: list[Line]
    value: str
    gradients: list[str]


class Guard(NamedTuple):
    """Data that was looked at while the record was made: `text` with `args` in its {} gave `outcome`, at `place`."""

    text: str
    args: tuple[Any, ...]
    outcome: Any
    place: tuple[str, int] | None = None


class Listing:
    """A record as a program sees it: nodes oldest first, each with a name, and which of them depend on the inputs."""

    def __init__(
        self,
        nodes: Sequence[Node],
        root: Node,
        inputs: Sequence[Node],
        names: Mapping[Node, str] | None = None,
        guards: Sequence[Guard] = (),
    ) -> None:
        _check_rows(nodes)
        self.nodes = nodes
        self.root = root
        self.inputs = inputs
        self.guards = guards
        self.pool = Constants(CONSTANT)
        self._known = names

    @cached_property
    def captured(self) -> list[Node]:
        """The leaves that are no inputs."""
        given = set(self.inputs)
        return [n for n in self.nodes if n.op is None and n not in given]

    @cached_property
    def names(self) -> dict[Node, str]:
        """A name for every node, which any language can read."""
        names = names_of({**dict.fromkeys(self.inputs), **dict.fromkeys(self.nodes)}, self._known, self.root)
        return _identifiers(names, _reserved() if self.is_scalar else {*_reserved(), *on_arrays()})

    @cached_property
    def live(self) -> set[Node]:
        """The nodes that depend on the inputs."""
        return dependents(self.nodes, self.inputs)

    @cached_property
    def carriers(self) -> set[Node]:
        """The nodes that pass a gradient on: reached from the root through rules, on the way to an input."""
        return _carriers(self.nodes, self.root, self.live)

    @cached_property
    def is_scalar(self) -> bool:
        """Whether every node is a number computed from numbers."""
        nodes = [*self.nodes, *self.inputs]
        alike = all(isinstance(op, (Elementwise, Sum)) for op in {n.op for n in nodes} if op is not None)
        return alike and {type(n._data) for n in nodes} == {float}

    @cached_property
    def is_tabled(self) -> bool:
        """Whether every row is the table's: their slopes are floats where all is, and those of one's own may not be."""
        return not _own_rows(self.nodes)

    @cached_property
    def within(self) -> dict[Node, Node]:
        """The products of numbers that one sum of several terms uses and nothing else, each with its sum.

        They are written where they are used, and their gradient is the sum's: neither needs a name.
        """
        uses = Counter(a for n in self.nodes if n.op is not None for a in n.args if isinstance(a, Node))
        uses.update(a for a in (self.root, *(a for guard in self.guards for a in guard.args)) if isinstance(a, Node))
        sums = [n for n in self.nodes if n.op is ROWS["add_n"]] if self.is_scalar else []
        products = ((a, n) for n in sums for a in n.args if isinstance(a, Node) and a.op is ROWS["mul"])
        return {a: n for a, n in products if uses[a] == 1 and not a.label}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy what was done, not the graph: it is recorded again, on leaves of its own."""
        reached = set(self.nodes)
        nodes = [*(n for n in self.inputs if n not in reached), *self.nodes]
        place = {n: Place(i) for i, n in enumerate(nodes)}
        steps = [(n.op, _placed(n.args, place), n.label, None if n.op else n._data) for n in nodes]
        guards = [guard._replace(args=_placed(guard.args, place)) for guard in self.guards]
        names = [self.names[n] for n in nodes]
        ends = (place[self.root], [place[n] for n in self.inputs], len(nodes) - len(self.nodes))
        return _restored, (type(self), steps, ends, names, guards)

    def swept(self, inputs: Sequence[float], gradient: float) -> tuple[float, tuple[float, ...]]:
        """Return the value and the gradients for the inputs' numbers: what a program prints, done by a sweep."""
        with alone():
            root, leaves = (self.root, self.inputs) if self._holds(inputs) else self._again(inputs)
            found = swept({root: gradient})
        gradients = [found.get(n) for n in leaves]
        return root._data, tuple([0.0 if g is None else g for g in gradients])

    def _holds(self, inputs: Sequence[float]) -> bool:
        """Return whether the record was made of these numbers, to the bit, and no leaf has had others since."""
        if any(n.birth > self.root.birth for n in (*self.inputs, *self.captured)):
            return False
        return array("d", inputs).tobytes() == array("d", [n._data for n in self.inputs]).tobytes()

    def _again(self, inputs: Sequence[float]) -> tuple[Node, list[Node]]:
        """Return the root and the inputs, recorded anew with other numbers."""
        made: dict[Any, Any] = dict(zip(self.inputs, map(leaf, inputs)))
        now = made.get  # now(a, a) is the new node for a node, and a number itself
        for node in self.nodes:
            op, x, y = node.op, node.first, node.second  # `node.args`, quicker
            if op is None:
                if node not in made:
                    made[node] = leaf(node._data)
            elif y is ALL:
                made[node] = op(*[now(a, a) for a in x])
            elif y is NONE:
                made[node] = op(now(x, x))
            else:
                made[node] = op(now(x, x), now(y, y))
        return made[self.root], [made[n] for n in self.inputs]

    def bar(self, node: Node) -> str:
        """Return the name of the gradient of a node."""
        return self.names[node] + BAR

    @contextmanager
    def named_anew(self) -> Iterator[None]:
        """Name constant arrays afresh inside `with`: what another language made of an index is none of its own."""
        before, self.pool = self.pool, Constants(CONSTANT)
        try:
            yield
        finally:
            self.pool = before

    def printed(self, dialect: Dialect) -> Printed:
        """Return all that a program says, one line per node and per contribution; see `within`."""
        gradients = [self.bar(n) if n in self.carriers else self._zeros(n, dialect) for n in self.inputs]
        return Printed(list(self.forward(dialect)), list(self.backward(dialect)), self.names[self.root], gradients)

    def _zeros(self, node: Node, dialect: Dialect) -> str:
        if self.is_scalar and dialect.module == "np":  # a number, or a batch of them
            return f"np.zeros_like({self.names[node]}, float)[()]"
        return zeros(node, dialect)

    def forward(self, dialect: Dialect) -> Iterator[Line]:
        """Yield the line of every node that is no leaf, oldest first."""
        written = dict(self.names)
        for node in self.nodes:
            if node.op is not None:
                text = expression(node, written, dialect, self.pool)
                if node in self.within:
                    written[node] = text
                else:
                    yield Line(self.names[node], text, False, node)

    def backward(self, dialect: Dialect) -> Iterator[Line]:
        """Yield the line of every contribution, in the order of the sweep."""
        begun = {self.root}
        for node, i in self.contributions():
            arg, line = node.args[i], self.within.get(node, node)
            if arg not in self.within:
                text = contribution(node, i, self.names, self.bar(line), dialect, self.pool)
                yield Line(self.bar(arg), text, arg in begun, line)
                begun.add(arg)

    def contributions(self) -> Iterator[tuple[Node, int]]:
        """Yield each node and the place of each argument that it contributes to, in the order of the sweep."""
        for node in reversed(self.nodes):
            if node in self.carriers:
                yield from ((node, i) for i in _ways(node, self.live))


class Place(int):
    """A node among the arguments of a stored step: the number of the step that made it."""


def _placed(args: tuple[Any, ...], place: Mapping[Node, Place]) -> tuple[Any, ...]:
    return tuple([place[a] if isinstance(a, Node) else a for a in args])


def _restored(
    kind: type[Listing], steps: Sequence[Any], ends: tuple[Any, ...], names: list[str], guards: list[Guard]
) -> Listing:
    """Return a listing from its stored steps."""
    nodes: list[Node] = []

    def given(args: Sequence[Any]) -> tuple[Any, ...]:
        return tuple([nodes[a] if type(a) is Place else a for a in args])

    with alone():
        for op, args, label, data in steps:
            nodes.append(leaf(data) if op is None else _recorded(op, given(args)))
            if label:
                nodes[-1].label = label
    root, inputs, unreached = ends
    looked_at = [guard._replace(args=given(guard.args)) for guard in guards]
    return kind(nodes[unreached:], nodes[root], given(inputs), dict(zip(nodes, names)), looked_at)


def _recorded(op: Op, args: tuple[Any, ...]) -> Node:
    return record(op, args, op.compute(*[a._data if isinstance(a, Node) else a for a in args]))


def _ways(node: Node, live: set[Node]) -> list[int]:
    """Return the places of the live arguments that a gradient flows back to."""
    return [i for i in receivers(node) if node.args[i] in live]


def _carriers(nodes: Sequence[Node], root: Node, live: set[Node]) -> set[Node]:
    found = {root} & live
    for node in reversed(nodes):
        if node in found:
            found.update(node.args[i] for i in _ways(node, live))
    return found


# Names --------------------------------------------------------------------------------------------------------------


def _identifiers(names: Mapping[Node, str], taken: set[str]) -> dict[Node, str]:
    """Return names that every language can read, and that mean nothing else to it; no two are alike."""
    found: dict[Node, str] = {}
    for node, name in names.items():
        word = _word(name)
        word = f"v_{word}" if word.startswith(CONSTANT) else word
        while word in taken or word.endswith(BAR):
            word += "_"
        taken.add(word)
        found[node] = word
    return found


def _word(name: str) -> str:
    """Return a label as one word: `W[1][0,2]` becomes W_1_0_2."""
    word = _NO_NAME.sub("_", unicodedata.normalize("NFKC", name)).strip("_") or "v"
    word = word if word[0].isalpha() else f"v{word}"
    return word if word.isidentifier() else re.sub(r"[^A-Za-z0-9_]", "_", word)


def _own_rows(nodes: Iterable[Node]) -> list[str]:
    """Return the names of the custom ops of nodes."""
    return [op.name for op in {n.op for n in nodes} if op is not None and op is not ROWS.get(op.name)]


def _check_rows(nodes: Iterable[Node]) -> None:
    """Raise DataError for a custom op whose name means something else to every program."""
    own = _own_rows(nodes)
    meant = {"program", "RuntimeError", *ROWS, *definitions("scalar"), *definitions("array")} if own else set()
    taken = sorted(name for name in own if name in meant or name.endswith(BAR) or name.startswith(CONSTANT))
    if taken:
        raise DataError(f"{taken[0]} means something else in programs than your row: give that another name")


JAVASCRIPT_WORDS = (  # reserved in strict code and in modules too (ECMA-262, section 12.7.2), and what programs use
    "await break case catch class const continue debugger default delete do else enum export extends false finally for "
    "function if import in instanceof new null return super switch this throw true try typeof var void while with "
    "yield let static implements interface package private protected public arguments eval undefined NaN Infinity "
    "globalThis Object Array ArrayBuffer Number Math String Boolean Error"
).split()


def _reserved() -> set[str]:
    ours = "np torch jax jnp math program forward gradient inputs arrays value pull"
    rows = (*TABLE, *definitions("scalar"), *definitions("array"), *on_numbers(), *in_torch(), *in_jax())
    return {*ours.split(), *JAVASCRIPT_WORDS, *keyword.kwlist, *keyword.softkwlist, *dir(builtins), *rows}


def literal(data: Any, module: str = "np") -> str:
    """Return a number or an array as Python source that gives it back exactly, as an array of the module.

    >>> literal(np.ones(2), "torch")
    'torch.tensor([1.0, 1.0], dtype=torch.float64)'
    """
    if type(data) is float:
        return f"torch.tensor({data!r}, dtype=torch.float64)" if module == "torch" else repr(data)
    make, entries = ("tensor" if module == "torch" else "array", data.tolist()) if data.size else ("zeros", data.shape)
    return f"{module}.{make}({entries!r}, dtype={module}.{data.dtype.name})"


def guard_text(guard: Guard, names: Mapping[Node, str], pool: Callable[[Array], str]) -> str:
    """Return what was looked at as it is written: `x > 0.5`."""
    written = (names[a] if isinstance(a, Node) else pool(a) if np.ndim(a) else number(a) for a in guard.args)
    return guard.text.format(*written)


def zeros(node: Node, dialect: Dialect) -> str:
    """Return the source of a gradient that nothing reached."""
    return dialect.zeros(node.shape) if isinstance(node._data, np.ndarray) else "0.0"
