"""Right beside wrong: the learner's own graph swept with a famous mistake, and the first number that it spoils.

Each mistake is the sweep with one thing changed: what is done with a contribution, or whose turn it is. Nodes are
numbered from the oldest to the root, as in the frames; numbers are plain, arrays are lists.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from autograd_mini import AutogradError, Node
from autograd_mini.data import ignoring_fp_warnings
from autograd_mini.op import contribution
from autograd_mini.sweep import order, reach, receivers, seed_of
from autograd_mini.text.formula import names_of
from autograd_mini.text.names import caller_namespace
from autograd_mini.text.numbers import shown
from autograd_mini.text.recorded import as_recorded
from autograd_mini.text.to_json import plain

Number = float | list[Any]
Grads = dict[Node, Any]

LIMIT = 10_000  # contributions after which a sweep that does not end by itself is stopped


class MistakeError(AutogradError, ValueError):
    """A name that is not among those of the famous mistakes."""


class Mistake(NamedTuple):
    """A famous mistake: what it is called, the idea that it misses, and the sweep that makes it.

    `sentence` tells of the first number that comes out wrong.
    """

    title: str
    idea: str
    sentence: str
    sweep: Callable[[Sweep], None]


@dataclass(frozen=True)
class Sent:
    """One contribution: `user` sends along its argument `position` to `target`, whose total goes to `after`.

    `upstream` is the gradient that `user` had at that moment, `before` is None where nothing came yet.
    """

    user: int
    position: int
    target: int
    upstream: Number
    amount: Number
    before: Number | None
    after: Number


@dataclass(frozen=True)
class Difference:
    """The first contribution that is wrong: its number in `wrong`, that of the same edge in `right`, and a sentence.

    `kind` is "amount" where another amount is sent, "total" where it is added to something else, "again" where the
    edge has sent already; then `right` is the one contribution that there should be.
    """

    wrong: int
    right: int
    target: int
    kind: str
    sentence: str


@dataclass(frozen=True)
class Comparison:
    """A sweep with a mistake beside the right one, contribution by contribution and gradient by gradient.

    `names` are those of the nodes by number. `first_difference` is None where the mistake does no harm on this graph.
    `stopped` says that the wrong sweep was cut off after 10,000 contributions: it takes exponential time.
    """

    mistake: str
    title: str
    idea: str
    names: tuple[str, ...]
    right: tuple[Sent, ...]
    wrong: tuple[Sent, ...]
    right_gradients: dict[str, Number]
    wrong_gradients: dict[str, Number]
    first_difference: Difference | None
    stopped: bool

    @property
    def differing(self) -> tuple[str, ...]:
        """The names of the nodes whose gradients come out wrong, from the oldest."""
        right, wrong = self.right_gradients, self.wrong_gradients
        return tuple(name for name in self.names if not _same(right.get(name, 0.0), wrong.get(name, 0.0)))

    def plain(self) -> dict[str, Any]:
        """Return all of it as dicts, lists, texts and numbers; JSON has no inf and nan: they are texts."""
        return plain({**asdict(self), "differing": self.differing})


class Sweep:
    """A sweep that keeps a list of what it sends: the right one, unless someone changes its order or its sums."""

    def __init__(self, nodes: list[Node], seed: Any, ids: Mapping[Node, int]) -> None:
        self.nodes = nodes
        self.seed = seed
        self.ids = ids
        self.grads: Grads = {nodes[0]: seed}
        self.sent: list[Sent] = []
        self.stopped = False

    def send(self, node: Node, i: int, overwrite: bool = False) -> None:
        """Send along one edge what the gradient of `node` makes of it now, and write it down."""
        arg, g = node.args[i], self.grads.get(node)
        g = np.zeros_like(node._data) if g is None else g
        amount, before = contribution(node, i, g if node.shape else float(g)), self.grads.get(arg)
        after = amount if before is None or overwrite else ignoring_fp_warnings(operator.add, before, amount)
        self.grads[arg] = after
        numbers = (_plain(x) for x in (g, amount, before, after))
        self.sent.append(Sent(self.ids[node], i, self.ids[arg], *numbers))

    def run(self, nodes: list[Node], overwrite: bool = False) -> None:
        """Let each of `nodes` send in turn."""
        for node in nodes:
            for i in receivers(node):
                self.send(node, i, overwrite)

    def gradients(self, names: Mapping[Node, str]) -> dict[str, Number]:
        """Return the gradient of every node that something has reached, by name, the oldest first."""
        return {names[node]: _plain(self.grads[node]) for node in reversed(self.nodes) if node in self.grads}


def compare(root: Node, mistake: str, gradient: Any = None, names: Mapping[Any, Any] | None = None) -> Comparison:
    """Sweep back from `root` rightly and with one of `mistakes`, and return both side by side; no `grad` is changed.

    `gradient` and `names` are as in `explain`, with the same errors. A mistake of another name is a MistakeError.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); both = compare(x * x, "overwrite")
    >>> both.right_gradients["x"], both.wrong_gradients["x"]
    (6.0, 3.0)
    >>> print(both.first_difference.sentence)
    x held 3, and 3 more came from L: with = it holds 3, with += it holds 6.
    """
    if mistake not in mistakes:
        raise MistakeError(f"there is no mistake called {mistake!r}: choose one of {', '.join(mistakes)}")
    seed = seed_of(root, gradient)
    known = caller_namespace() if names is None else names
    with as_recorded(reach([root])):
        return _compared(order(root), seed, mistake, known)


def wrong_gradients(root: Node) -> dict[str, Grads]:
    """Return the gradients that each of `mistakes` leads to; `compare` tells how those of one come about.

    >>> from autograd_mini import Value
    >>> x = Value(3.0); {mistake: grads[x] for mistake, grads in wrong_gradients(x * x).items()}
    {'overwrite': 3.0, 'creation': 6.0, 'recursion': 6.0, 'zero_grad': 12.0}
    """
    nodes = order(root)
    with as_recorded(reach([root])):
        right = Sweep(nodes, seed_of(root, None), {node: i for i, node in enumerate(reversed(nodes))})
        _right(right)
        return {mistake: _wrong(right, mistake).grads for mistake in mistakes}


def _wrong(right: Sweep, mistake: str) -> Sweep:
    """Return the sweep with a mistake over the nodes that the right one has reached."""
    wrong = Sweep([node for node in right.nodes if node in right.grads], right.seed, right.ids)
    mistakes[mistake].sweep(wrong)
    return wrong


def _compared(nodes: list[Node], seed: Any, mistake: str, names: Mapping[Any, Any] | None) -> Comparison:
    """Return both sweeps back from the first of `nodes` side by side."""
    ids = {node: i for i, node in enumerate(reversed(nodes))}
    called = names_of(nodes, names, nodes[0])
    right = Sweep(nodes, seed, ids)
    _right(right)
    made, wrong = mistakes[mistake], _wrong(right, mistake)
    found = _first_difference(right.sent, wrong.sent)
    by_id = tuple(called[node] for node in reversed(nodes))
    difference = None if found is None else _told(made, found, right.sent, wrong.sent, by_id)
    return Comparison(
        mistake, made.title, made.idea, by_id, tuple(right.sent), tuple(wrong.sent),
        right.gradients(called), wrong.gradients(called), difference, wrong.stopped,
    )  # fmt: skip


# The sweeps ---------------------------------------------------------------------------------------------------------


def _right(sweep: Sweep) -> None:
    """Take the nodes in reverse topological order, and add: what nothing has reached sends nothing."""
    for node in sweep.nodes:
        if node in sweep.grads:
            sweep.run([node])


def _overwriting(sweep: Sweep) -> None:
    sweep.run(sweep.nodes, overwrite=True)


def _in_order_of_creation(sweep: Sweep) -> None:
    sweep.run(sweep.nodes[::-1])


def _without_zero_grad(sweep: Sweep) -> None:
    first = Sweep(sweep.nodes, sweep.seed, sweep.ids)
    _right(first)
    sweep.grads.update({node: g for node, g in first.grads.items() if node.op is None and node is not sweep.nodes[0]})
    sweep.run(sweep.nodes)


def _by_recursion(sweep: Sweep) -> None:
    """Go on from each argument at once, with what it has; a list stands for the calls, which may be many."""
    calls = [(sweep.nodes[0], iter(receivers(sweep.nodes[0])))]
    while calls:
        node, edges = calls[-1]
        i = next(edges, None)
        if i is None:
            calls.pop()
        elif len(sweep.sent) >= LIMIT:
            sweep.stopped = True
            return
        else:
            sweep.send(node, i)
            calls.append((node.args[i], iter(receivers(node.args[i]))))


mistakes: dict[str, Mistake] = {
    "overwrite": Mistake(
        "= for +=",
        "A node that is used more than once receives a contribution from each use, and its gradient is their sum: add "
        "to what is there, never put something in its place.",
        "{target} held {before}, and {amount} more came from {user}: with = it holds {after}, with += it holds "
        "{right}.",
        _overwriting,
    ),
    "creation": Mistake(
        "order of creation",
        "A node may send only when its gradient is complete, so all that uses it must have had its turn: go through "
        "the nodes in reverse topological order, not in the order in which they were made.",
        "It was {user}'s turn when its gradient was {upstream}, and only later it becomes {complete}: {target} got "
        "{amount} instead of {right_amount}.",
        _in_order_of_creation,
    ),
    "recursion": Mistake(
        "plain recursion",
        "Going on from a node at once sends a gradient that is not complete, and sends it again, all of it, each time "
        "another use adds its part: sort the nodes first, then let each send once. It also takes a step for every "
        "path, and there may be 2^60.",
        "{user} sent {amount} to {target} when its own gradient was {upstream}, {again}; a node sends once, when its "
        "gradient is complete: {complete}.",
        _by_recursion,
    ),
    "zero_grad": Mistake(
        "forgotten zero_grad",
        "Gradients of leaves add up over sweeps, which is what makes a batch of them possible; before the next step of "
        "training they have to be forgotten, or it follows the sum of old and new.",
        "{target} still held {before} from the sweep before: with {amount} more it holds {after} instead of {right}.",
        _without_zero_grad,
    ),
}


# The first difference -----------------------------------------------------------------------------------------------


def _first_difference(right: list[Sent], wrong: list[Sent]) -> tuple[int, int, str] | None:
    """Return the number of the first wrong contribution, of the right one along its edge, and the kind of difference.

    Totals are compared as long as both sweeps have sent along the same edges in the same order.
    """
    at = {(sent.user, sent.position): j for j, sent in enumerate(right)}
    seen: set[tuple[int, int]] = set()
    alike = True
    for i, sent in enumerate(wrong):
        edge = sent.user, sent.position
        j = at[edge]
        alike = alike and i == j
        if not _same(sent.amount, right[j].amount):
            return i, j, "amount"
        if edge in seen:
            return i, j, "again"
        if alike and not _same(sent.after, right[j].after):
            return i, j, "total"
        seen.add(edge)
    return None


def _told(
    mistake: Mistake, found: tuple[int, int, str], right: list[Sent], wrong: list[Sent], names: tuple[str, ...]
) -> Difference:
    """Return a difference with its sentence."""
    i, j, kind = found
    made, due = wrong[i], right[j]
    earlier = any((sent.user, sent.position) == (made.user, made.position) for sent in wrong[:i])
    sentence = mistake.sentence.format(
        user=names[made.user], target=names[made.target], upstream=_shown(made.upstream), amount=_shown(made.amount),
        before=_shown(made.before), after=_shown(made.after), right=_shown(due.after), right_amount=_shown(due.amount),
        complete=_shown(due.upstream), again="for the second time" if earlier else "before all of it had come",
    )  # fmt: skip
    return Difference(i, j, made.target, kind, sentence)


def _same(a: Number, b: Number) -> bool:
    return bool(np.allclose(a, b, rtol=1e-12, atol=0.0, equal_nan=True))


def _shown(x: Number | None) -> str:
    return "nothing" if x is None else shown(np.asarray(x))


def _plain(x: Any) -> Any:
    return None if x is None else np.asarray(x).tolist() if np.ndim(x) else float(x)
