"""Steps: the backward sweep as plain data - what each node sends to each argument, and the totals before and after."""

from __future__ import annotations

import operator
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from ..data import Array, ignoring_fp_warnings
from ..errors import DataError
from ..node import Node, filled
from .derivative import Derivatives, contributions
from .formula import equation
from .jacobian import Proof, prove
from .paths import Paths
from .recorded import as_recorded

if TYPE_CHECKING:
    from typing_extensions import Self

Number = float | Array

READABLE = 200  # contributions, and gradients, that are printed unasked


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
        with as_recorded([self.user]):
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

    @property
    def group(self) -> str:
        """The path of the group that recorded the node, as in "layer 1/attention"; "" for none."""
        return self.node.group.path if self.node.group else ""


@dataclass(frozen=True, eq=False, repr=False)
class Steps:
    """The backward sweep from one root as a list of steps.

    `names` gives each node the name it has in the steps. With `wrt`, `paths` holds the paths to that node. `moved`
    tells what leaves hold now whose data was assigned since, and `then` what they held: all else is as it was recorded.
    At most `limit` contributions are printed, and as many gradients; None stands for all.
    """

    root: str
    value: Number
    steps: Sweep
    names: Mapping[Node, str] = field(repr=False)
    paths: Paths | None = None
    moved: Mapping[str, Number] = field(default_factory=dict)
    then: Mapping[str, Number] = field(default_factory=dict, repr=False)
    limit: int | None = READABLE

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, i: int) -> Step:
        return self.steps[i]

    @property
    def whole(self) -> Self:
        """The same steps, which print to the last one, however many they are."""
        return replace(self, limit=None)

    @property
    def gradients(self) -> dict[str, Number]:
        """The gradient of the root with respect to each leaf, by name, in the order in which the leaves were made.

        With `wrt` it is the gradient with respect to that node alone.
        """
        if self.paths is not None:
            return {self.paths.node: self.paths.gradient}
        return self.steps.gradients()


class Sweep(Sequence[Step]):
    """The steps of a sweep at the nodes that it reached, with what they send to one another.

    The first are made at once, as many as are printed; the others, as recorded, when somebody looks at one of them.
    """

    def __init__(self, reached: Mapping[Node, Any], names: Mapping[Node, str]) -> None:
        self._reached = reached
        self._names = names
        self._account = _Account(reached)
        self._pending = iter(reached.items())
        self._made = list(islice(self._make(), READABLE))
        self._one_maker = threading.RLock()

    def __len__(self) -> int:
        return len(self._reached)

    @overload
    def __getitem__(self, i: int) -> Step: ...
    @overload
    def __getitem__(self, i: slice) -> list[Step]: ...
    def __getitem__(self, i: Any) -> Any:
        if not isinstance(i, int) or not 0 <= i < len(self._made):
            self._make_all()
        return self._made[i]

    def __iter__(self) -> Iterator[Step]:
        yield from self._made[:READABLE]
        if len(self) > READABLE:
            yield from self[READABLE:]

    def __reduce__(self) -> Any:
        raise DataError("an explanation is about nodes that live here and is not pickled: keep its .json, or its text")

    def counts(self) -> list[int]:
        """Return how many contributions each step has."""
        return [len(_edges(n, self._reached)) if g is not None else 0 for n, g in self._reached.items()]

    def gradients(self) -> dict[str, Number]:
        """Return the gradient of each leaf by name, the oldest first."""
        leaves = [(node, g) for node, g in self._reached.items() if node.op is None]
        return {self._names[node]: filled(node, 0.0) if g is None else g for node, g in reversed(leaves)}

    def _make_all(self) -> None:
        with as_recorded(self._reached), self._one_maker:
            self._made += self._make()

    def _make(self) -> Iterator[Step]:
        for node, g in self._pending:
            sent = () if g is None or node.op is None else tuple(self._account.sent(node, g, self._names))
            upstream = filled(node, 0.0) if g is None else g
            yield Step(self._names[node], node, equation(node, self._names), node.data, upstream, sent)


class _Account:
    """Running totals: for each node what has come so far, and how many contributions are still to come."""

    def __init__(self, reached: Mapping[Node, Any]) -> None:
        self.among = reached
        self.totals: dict[Node, Any] = {}
        self.left = dict.fromkeys(reached, 0)
        for node, g in reached.items():
            if g is not None:
                for arg in node.args:
                    if isinstance(arg, Node) and arg in reached:
                        self.left[arg] += 1

    def sent(self, node: Node, g: Any, names: Mapping[Node, str]) -> Iterator[Contribution]:
        """Yield what `node` contributes to its arguments, each entered into the account."""
        derivatives, amount_to = Derivatives(node, names), contributions(node, g)
        for i in _edges(node, self.among):
            arg, amount = node.args[i], amount_to(i)
            before = self.totals.get(arg)
            after = amount if before is None else ignoring_fp_warnings(operator.add, before, amount)
            self.totals[arg] = after
            self.left[arg] -= 1
            symbols, local = derivatives.plain(i)
            complete = self.left[arg] == 0
            yield Contribution(names[arg], arg, symbols, local, amount, before, after, complete, node, i, g)


def _edges(node: Node, among: Mapping[Node, Any]) -> list[int]:
    return [i for i, arg in enumerate(node.args) if isinstance(arg, Node) and arg in among]
