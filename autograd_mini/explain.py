"""The chain rule, step by step: upstream gradient times local derivative, in symbols and in numbers.

The steps are those of the sweep itself, and each local derivative is the op's own rule, run once on named nodes: it
prints itself and carries its number.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .data import Array, quietly
from .derivative import Derivatives, contributions, local_derivative
from .errors import DataError
from .formula import equation, names_of
from .node import Node, filled
from .paths import Paths, find_paths
from .proof import Proof, prove
from .sweep import order, seed_of, swept

__all__ = ["Contribution", "Explanation", "Step", "explain", "local_derivative"]

Number = float | Array
READABLE = 100  # steps that a prompt shows without being asked to print them


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one step sends to one argument: `amount = upstream * local`, and the argument's total before and after.

    `symbols` is the local derivative of an elementwise op, for instance `1 - y * y`, and of any op between scalars; of
    every other it is the vector-Jacobian product with the upstream gradient g, for instance `g @ W`, and `local` is
    None. `before` is None where nothing came yet; `complete` says that nothing more will come. `user` is the node that
    sends, `position` says which of its arguments receives.
    """

    argument: str
    node: Node = field(repr=False)
    symbols: str
    local: Number | None
    amount: Number
    before: Number | None
    after: Number
    complete: bool
    user: Node = field(repr=False)
    position: int
    upstream: Number = field(repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the amount, which is the argument's."""
        return np.shape(self.amount)

    @property
    def summed(self) -> tuple[int, ...]:
        """The axes of an elementwise op's result along which the argument was repeated: the amount is summed there."""
        if self.local is None:
            return ()
        shape = self.user.shape
        padded = (-1,) * (len(shape) - len(self.shape)) + self.shape  # an axis that the argument does not have
        return tuple(axis for axis, (n, own) in enumerate(zip(shape, padded)) if own != n)

    @cached_property
    def proof(self) -> Proof | None:
        """The explicit Jacobian, and J^T g beside the vjp; None for more than 36 entries and where nothing flows."""
        return prove(self.user, self.position, self.upstream)


@dataclass(frozen=True, eq=False)
class Step:
    """One node of the backward sweep: its equation and value, its complete gradient, and what it sends on.

    A node that no gradient reaches (all that uses it is a step or a comparison) has upstream 0 and sends nothing.
    """

    name: str
    node: Node = field(repr=False)
    equation: str
    data: Number
    upstream: Number
    contributions: tuple[Contribution, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the node, and so of its data and gradient."""
        return self.node.shape


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """The backward sweep from one root as a list of steps, which prints as text, LaTeX, Markdown, HTML and JSON.

    `names` gives each node the name it has in the steps. With `wrt`, `paths` holds the paths to that node.
    """

    root: str
    value: Number
    steps: tuple[Step, ...]
    names: Mapping[Node, str] = field(repr=False)
    paths: Paths | None = None

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, i: int) -> Step:
        return self.steps[i]

    @property
    def gradients(self) -> dict[str, Number]:
        """The gradient of the root with respect to each leaf, by name, in the order in which the leaves were made.

        With `wrt` it is the gradient with respect to that node alone.
        """
        if self.paths is not None:
            return {self.paths.node: self.paths.gradient}
        return {step.name: step.upstream for step in reversed(self.steps) if step.node.op is None}

    def __str__(self) -> str:
        return _forms().text(self)

    def __repr__(self) -> str:
        if len(self) > READABLE:
            return f"<Explanation of {self.root}: {len(self)} steps, print it to read them>"
        return str(self)

    @property
    def latex(self) -> str:
        """The steps as one `align*` environment: it needs amsmath, or MathJax or KaTeX."""
        return _forms().latex(self)

    @property
    def markdown(self) -> str:
        """The steps as Markdown with tables, as GitHub and Jupyter read them."""
        return _forms().markdown(self)

    @property
    def html(self) -> str:
        """The steps as a page of their own, light or dark as the reader's screen is; nothing is loaded or run."""
        return _forms().page(self)

    @property
    def json(self) -> str:
        """The fields of all this as JSON in ASCII, in full precision, and the gradients; inf and nan are texts."""
        import json

        from .plain import plain

        return json.dumps({**plain(self), "gradients": plain(self.gradients)}, indent=1, allow_nan=False)

    def _repr_html_(self) -> str:
        return _forms().fragment(self)


def _forms() -> Any:
    """Import the forms when one is asked for: an explanation that nobody prints needs none."""
    from . import forms

    return forms


def explain(
    root: Node, gradient: Any = None, wrt: Node | None = None, names: Mapping[Node, str] | None = None
) -> Explanation:
    """Return the backward sweep from `root` step by step; print it to read it. No `grad` is changed.

    `gradient` is that of the root, as in `backward`, with the same errors. With `wrt`, a leaf or a node between, only
    the steps that lead there are kept, and `paths` holds every path from there to the root: the product of the local
    derivatives along each, and their sum. `names` holds names for nodes that have no label; the rest are called v1,
    v2, ... by age, and the root L.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); print(explain(x * x, wrt=x))
    L = x * x = 9.0
    <BLANKLINE>
    1   L = x * x = 9     dL/dL = 1
          dL/dx = x = 3   1 * 3 = 3   dL/dx = 3, more to come
          dL/dx = x = 3   1 * 3 = 3   dL/dx = 3 + 3 = 6
    <BLANKLINE>
    2 paths from x to L
        x -> L   dL/dx = 3
        x -> L   dL/dx = 3
        sum      dL/dx = 3 + 3 = 6, as the sweep gives
    <BLANKLINE>
    gradients of L
        x   6.0
    """
    if isinstance(gradient, Node):
        raise DataError("explain: the second argument is the root's gradient; for what leads to a node write wrt=node")
    seed = seed_of(root, gradient)
    nodes = order(root)
    reached = swept(nodes, {root: seed})
    if wrt is None:
        called = names_of(nodes, names, root)
        return Explanation(called[root], root.data, _steps(reached, called), called)
    if not isinstance(wrt, Node):
        raise DataError(
            f"explain: wrt is a Value or Tensor of the graph, got {type(wrt).__name__}: write wrt=x, the node itself"
        )
    called = names_of({**reached, wrt: None}, names, root)
    g = reached.get(wrt)
    paths = find_paths(nodes, wrt, seed, filled(wrt, 0.0) if g is None else g, called)
    steps = _steps({n: g for n, g in reached.items() if n in paths.on or n is root}, called)
    return Explanation(called[root], root.data, steps, called, paths)


def _steps(reached: Mapping[Node, Any], names: Mapping[Node, str]) -> tuple[Step, ...]:
    """Return the steps of a sweep at the given nodes, with what they send to one another."""
    account = _Account(reached)
    steps = []
    for node, g in reached.items():
        sent = () if g is None or node.op is None else tuple(account.sent(node, g, names))
        upstream = filled(node, 0.0) if g is None else g
        steps.append(Step(names[node], node, equation(node, names), node.data, upstream, sent))
    return tuple(steps)


class _Account:
    """Running totals: for each node what has come so far, and how many contributions are still to come."""

    def __init__(self, reached: Mapping[Node, Any]) -> None:
        self.among = reached
        self.totals: dict[Node, Any] = {}
        self.left = dict.fromkeys(reached, 0)
        for node, g in reached.items():
            for i in _edges(node, reached) if g is not None else ():
                self.left[node.args[i]] += 1

    def sent(self, node: Node, g: Any, names: Mapping[Node, str]) -> Iterator[Contribution]:
        """Yield what `node` contributes to its arguments, each entered into the account."""
        derivatives, amount_to = Derivatives(node, names), contributions(node, g)
        for i in _edges(node, self.among):
            arg, amount = node.args[i], amount_to(i)
            before = self.totals.get(arg)
            after = amount if before is None else quietly(operator.add, before, amount)
            self.totals[arg] = after
            self.left[arg] -= 1
            symbols, local = derivatives.plain(i)
            complete = self.left[arg] == 0
            yield Contribution(names[arg], arg, symbols, local, amount, before, after, complete, node, i, g)


def _edges(node: Node, among: Mapping[Node, Any]) -> list[int]:
    return [i for i, arg in enumerate(node.args) if isinstance(arg, Node) and arg in among]
