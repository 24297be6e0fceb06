"""The ledger: which sweeps, and which edges in each, make up the gradient that a leaf holds."""

from __future__ import annotations

import operator
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from ..data import Array, ignoring_fp_warnings
from ..errors import DataError
from ..modes import Mode
from ..node import Node
from ..sweep import receivers, total
from .derivative import contributions
from .formula import equation, names_of, one_line
from .names import given_names
from .numbers import cut, shown

Number = float | Array

SWEEP, ZERO, OUTSIDE = "sweep", "zero_grad", "outside"
WIDTH = 70  # characters of an equation in a printed line
READABLE = 20  # leaves whose accounts a prompt shows without being asked to print them
LINES = 400  # that are printed unasked


@dataclass(frozen=True, eq=False)
class Entry:
    """One line of a leaf's account.

    `kind` is "sweep" for what one edge has sent: `equation` is the step that it belongs to, `position` which of its
    arguments the leaf is, `amount` what came, `subtotal` what this sweep has brought so far. Then `total` is None until
    its last edge, where the sweep's sum is added to what was there: that is the leaf's gradient, bit for bit.
    "zero_grad" leaves no total. "outside" is a gradient that was there before, or that somebody assigned since.
    """

    kind: str
    sweep: int = 0
    root: str = ""
    equation: str = ""
    position: int = 0
    amount: Number | None = None
    subtotal: Number | None = None
    total: Number | None = None


class Ledger(Mode):
    """Keeps account, inside its `with`, of every gradient that `backward` adds to a leaf and `zero_grad` takes away.

    `ledger[leaf]` lists the entries of one leaf; printing it shows them all. Given leaves, it follows only those. What
    changes a gradient in another way (an assignment, `backward_steps`) appears as one entry "outside", so that the last
    total is always the gradient there is. `names` names nodes without a label, {node: name} or {name: node} as
    `globals()` does. Beside these it keeps words and numbers, no graph. Printed, more than 400 lines are cut; `.whole`
    is all of them.

    >>> from autograd_mini import Value
    >>> w = Value(3.0, label="w")
    >>> with Ledger() as book:
    ...     (w * w).backward(); (2 * w).backward(); w.grad
    8.0
    >>> print(book)
    w: gradient 8
        sweep 1 from L
            L = w * w, argument 1   3
            L = w * w, argument 2   3, together 6
        total 6
        sweep 2 from L
            L = 2 * w, argument 2   2
        total 6 + 2 = 8
    """

    def __init__(self, *leaves: Node, names: Mapping[Any, Any] | None = None) -> None:
        super().__init__()
        for node in leaves:
            if not isinstance(node, Node):
                raise DataError(f"Ledger follows Values and Tensors, got {type(node).__name__}: write Ledger(*leaves)")
        self.sweeps = 0
        self.names = given_names(leaves, names)
        self._known = names
        self._wanted = frozenset(leaves)
        self._accounts: dict[Node, list[Entry]] = {leaf: [] for leaf in leaves}

    def __enter__(self) -> Ledger:
        super().__enter__()
        return self

    def __iter__(self) -> Iterator[Node]:
        return iter(self._accounts)

    def __len__(self) -> int:
        return len(self._accounts)

    def __getitem__(self, leaf: Node) -> tuple[Entry, ...]:
        """Return the entries of a leaf, the last of which has the gradient that it holds now as its total."""
        return (*self._accounts.get(leaf, ()), *self._outside(leaf))

    def __str__(self) -> str:
        lines = list(islice(self._told(), LINES + 1))
        if len(lines) <= LINES:
            return "\n".join(lines)
        rest = f"left out: what comes after these {LINES} lines; Ledger(w) follows w alone, ledger[w] lists its entries"
        return "\n".join([*lines[:LINES], f"{rest}, ledger.whole is all"])

    @property
    def whole(self) -> str:
        """The account of every leaf as text, however long it is."""
        return "\n".join(self._told())

    def _told(self) -> Iterator[str]:
        return (line for leaf in self for line in _lines(self._name(leaf), self[leaf]))

    def __repr__(self) -> str:
        if 0 < len(self) <= READABLE:
            return str(self)
        return f"<Ledger of {len(self)} leaves, {self.sweeps} sweeps: print it, or read ledger[leaf]>"

    def see_sweep(self, root: Node, reached: dict[Node, Any]) -> None:
        """Enter what each edge of a sweep brings to each leaf."""
        self.sweeps += 1
        names = names_of(reached, self._known, root)
        followed = [node for node in reached if self._follows(node)]
        sums: dict[Node, Any] = dict.fromkeys(followed)
        entries: dict[Node, list[Entry]] = {leaf: [] for leaf in followed}
        steps: dict[Node, str] = {}
        for user, i, amount in _edges(reached, entries):
            leaf = user.args[i]
            sums[leaf] = amount if sums[leaf] is None else ignoring_fp_warnings(operator.add, sums[leaf], amount)
            if user not in steps:  # written once: that of a long sum is long
                steps[user] = cut(equation(user, names), WIDTH)
            entries[leaf].append(Entry(SWEEP, self.sweeps, names[root], steps[user], i, amount, sums[leaf]))
        for leaf, new in entries.items():
            last = new.pop() if new else Entry(SWEEP, self.sweeps, names[root])
            self.names.setdefault(leaf, names[leaf])
            self._enter(leaf, *new, replace(last, total=ignoring_fp_warnings(total, leaf, reached[leaf])))

    def see_zero(self, node: Node) -> None:
        """Enter that the gradient of a leaf is forgotten."""
        if self._follows(node):
            self._enter(node, Entry(ZERO))

    def _follows(self, node: Node) -> bool:
        return node in self._wanted if self._wanted else node.op is None

    def _enter(self, leaf: Node, *entries: Entry) -> None:
        account = self._accounts.setdefault(leaf, [])
        account += (*self._outside(leaf), *entries)

    def _outside(self, leaf: Node) -> Iterator[Entry]:
        """Yield what the leaf holds, if that is not what the account says: then somebody else has written it."""
        account = self._accounts.get(leaf)
        balance, held = account[-1].total if account else None, leaf.grad if leaf.has_grad else None
        if held is None and balance is None:
            return
        if held is None or balance is None or not np.array_equal(held, balance, equal_nan=True):
            yield Entry(OUTSIDE, total=held if held is None or np.ndim(held) == 0 else np.array(held))

    def _name(self, leaf: Node) -> str:
        return one_line(leaf.label) or self.names.get(leaf, "") or "a leaf"


def _edges(reached: Mapping[Node, Any], leaves: Container[Node]) -> Iterator[tuple[Node, int, Any]]:
    """Yield every edge of a sweep that ends at one of the leaves, in the sweep's order, and what it sends."""
    for user, g in reached.items():
        if g is None or user.op is None:
            continue
        amount_to = contributions(user, g)
        for i in receivers(user):
            if user.args[i] in leaves:
                amount = amount_to(i)
                yield user, i, amount if isinstance(amount, float) else np.array(amount)


def _lines(name: str, entries: tuple[Entry, ...]) -> Iterator[str]:
    held = entries[-1].total if entries else None
    yield f"{name}: {'no gradient' if held is None else f'gradient {shown(held)}'}"
    before, sweep = None, 0
    for entry in entries:
        if entry.kind == SWEEP and entry.sweep != sweep:
            sweep = entry.sweep
            yield f"    sweep {sweep} from {entry.root}"
        yield from _entry_lines(entry, before)
        if entry.kind != SWEEP or entry.total is not None:
            before = entry.total


def _entry_lines(entry: Entry, before: Number | None) -> Iterator[str]:
    after = "none" if entry.total is None else shown(entry.total)
    if entry.kind != SWEEP:
        yield f"    {'zero_grad' if entry.kind == ZERO else f'from outside: {after}'}"
        return
    if entry.amount is None:
        yield "        nothing reaches it"
    else:
        together = f", together {shown(entry.subtotal)}" if _later(entry) else ""  # type: ignore[arg-type]
        yield f"        {entry.equation}, argument {entry.position + 1}   {shown(entry.amount)}{together}"
    if entry.total is not None:
        added = before is not None and entry.subtotal is not None and np.ndim(entry.total) == 0
        yield f"    total {shown(before)} + {shown(entry.subtotal)} = {after}" if added else f"    total {after}"  # type: ignore[arg-type]


def _later(entry: Entry) -> bool:
    """Whether something came before in the same sweep."""
    return entry.subtotal is not entry.amount
