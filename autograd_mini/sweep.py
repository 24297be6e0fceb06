"""The backward sweep: nodes in reverse topological order, each with its complete upstream gradient."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any

import numpy as np

from . import fast
from . import node as _node
from .data import array_of, ignoring_fp_warnings, number_of
from .errors import DataError, ShapeError
from .hints import refuse
from .node import ALL, Node, Value, check_fresh
from .op import fit, numbers

Given = Callable[[Node], tuple[Any, Sequence[Any]]]  # what a rule is given of a node: its result, its arguments
Seeds = dict[Node, Any]  # the gradients that come from outside: that of the root
Swept = tuple[list[Node], list[Any], list[int]]  # nodes, the gradient of each, and which of them end here

_birth = attrgetter("birth")


def order(root: Node, since: int = 0) -> list[Node]:
    """Return every node that `root` was computed from, itself included, youngest first: reverse topological order.

    Arguments are older than their results, so sorting by birth is enough, and nothing recurses. Nodes born before
    `since` are left out.
    """
    found = reach([root], since)
    found.sort(key=_birth, reverse=True)
    return found


def reach(roots: Iterable[Node], since: int = 0) -> list[Node]:
    """Return every node that the roots were computed from, themselves included, each once and in no order."""
    found = list(dict.fromkeys(roots))
    seen = set(found)
    enter, append = seen.add, found.append
    for node in found:
        args = node.first if node.second is ALL else (node.first, node.second)  # `node.args`, quicker: NONE is no node
        for arg in args:
            node_like = type(arg) is Value or (type(arg) is not float and isinstance(arg, Node))
            if node_like and arg not in seen and arg.birth >= since:
                enter(arg)
                append(arg)
    return found


def receivers(node: Node) -> list[int]:
    """Return the positions of the arguments to which a gradient flows.

    >>> from autograd_mini import Value
    >>> x = Value(2.0); receivers(3.0 * x), receivers(x)
    ([1], [])
    """
    return [i for i in range(len(node.args)) if carries(node, i)]


def carries(node: Node, i: int) -> bool:
    """Return whether a gradient flows from `node` to its i-th argument: to a node, by a rule."""
    return node.op is not None and isinstance(node.args[i], Node) and node.op.rule(i) is not None


def sweep(nodes: list[Node], seeds: Seeds, given: Given = numbers) -> Generator[Any, Any, None]:
    """Yield the upstream gradient of each of `nodes`, which are in reverse topological order.

    `seeds` holds the gradients that come from outside: that of the root. When a node's turn comes,
    everything that uses it has had its own, so its gradient is complete; None says that nothing
    reached it. A gradient that is sent into the generator takes its place. `given` says what a rule
    is given of a node: its numbers, or itself.
    """
    grads, among = dict(seeds), set(nodes)
    for node in nodes:
        check_fresh(node)
        g = grads.pop(node, None)
        changed = yield g
        if changed is not None:
            g = changed
        if g is None or node.op is None:
            continue
        for arg, c in contributions(node, g, given, among):
            grads[arg] = grads[arg] + c if arg in grads else c  # THE `+=` of backpropagation


def contributions(
    node: Node, g: Any, given: Given = numbers, among: Container[Node] | None = None
) -> Iterator[tuple[Node, Any]]:
    """Yield each argument (`among` those) that a node contributes to, and how much, given its g."""
    op, (z, args) = node.op, given(node)
    for i, arg in enumerate(node.args):
        if isinstance(arg, Node) and op.rule(i) is not None and (among is None or arg in among):
            yield arg, fit(op.run(i, g, z, args), arg, op)


def backward(root: Node, gradient: Any = None, **others: Any) -> None:
    """Sweep back from `root` and leave dL/dnode in the `grad` of every node that it was computed from.

    Leaves accumulate over sweeps; the nodes between hold the latest sweep's. `gradient` is dL/droot, 1 for a scalar;
    a root with axes needs one of its shape (ShapeError). If anything raises, every `grad` is as it was.

    >>> from autograd_mini import Value
    >>> x = Value(3.0); y = x * x; y.backward(); x.grad
    6.0
    """
    if others:
        refuse("backward", others)
    nodes, grads, ends = gradients({root: seed_of(root, gradient)})
    for mode in watching():
        mode.see_sweep(root, dict(zip(nodes, grads)))
    shared: set[int] | None = None  # the arrays that inner nodes hold, sought once a leaf of an array needs to know
    for i in ends:
        if shared is None and not isinstance(nodes[i], Value):
            shared = {id(g) for node, g in zip(nodes, grads) if node.op is not None}
        grads[i] = total(nodes[i], grads[i], shared)
    deque(map(setattr, nodes, repeat("_grad"), grads), 0)  # in one call: a Ctrl-C comes before it or after it


def gradients(seeds: Seeds, nodes: list[Node] | None = None, given: Given = numbers) -> Swept:
    """Sweep without stopping; return the nodes, their gradients, and the places of those that are leaves or have none.

    On numbers, with no mode in force, `fast` does it. Modes see the gradients before they are written to the nodes.
    """
    if given is numbers and fast.in_use():
        return ignoring_fp_warnings(fast.descend, seeds, contributions)
    nodes = sorted(reach(seeds), key=_birth, reverse=True) if nodes is None else nodes
    grads: list[Any] = ignoring_fp_warnings(list, sweep(nodes, seeds, given))
    for mode in watching():
        mode.check_gradients(dict(zip(nodes, grads)))
    return nodes, grads, [i for i, node in enumerate(nodes) if node.op is None or grads[i] is None]


def total(node: Node, g: Any, shared: Any = None) -> Any:
    """Return g, or zero for None, added to what a leaf holds.

    An array that another node holds too is copied: a rule may pass g on unchanged, and a leaf's gradient is its own.
    """
    before = getattr(node, "_grad", None) if node.op is None else None
    if isinstance(node, Value):
        g = 0.0 if g is None else g
        return g if before is None else before + g
    if g is None:
        g = np.zeros_like(node._data)
    if before is not None:
        g = before + g
    elif shared is None or g.base is not None or id(g) in shared:
        g = g.copy()
    like = node._data
    if g.dtype == like.dtype and g.shape == like.shape:
        return g
    return np.array(np.broadcast_to(g, like.shape), dtype=like.dtype)


def backward_steps(root: Node, gradient: Any = None) -> Iterator[Node]:
    """Sweep like `backward`, stopping at each node once its gradient is complete: look at it, or assign `node.grad`
    to send something else further back.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); y = (x * x).tanh()
    >>> [node.label or node.op.name for node in backward_steps(y)]
    ['tanh', 'mul', 'x']
    """
    seed = seed_of(root, gradient)
    nodes = order(root)
    for node in nodes:  # before the first stop, so that a graph that is stale is not swept by halves
        check_fresh(node)
    steps = sweep(nodes, {root: seed})
    changed = None
    for node in nodes:
        g = steps.send(changed)
        shown = node.grad = total(node, g) if node.op is None or g is None else g
        yield node
        changed = None if node.grad is shown else node.grad


def seed_of(root: Node, gradient: Any) -> Any:
    """Return the upstream gradient of the root as a float or an array of its shape."""
    if not isinstance(root, Node):
        raise DataError(
            f"a backward sweep starts at a Value or Tensor, got {type(root).__name__}: wrap it, or record an expression"
        )
    if gradient is None:
        if not isinstance(root, Value):
            raise ShapeError(
                f"backward() from a node of shape {root.shape} needs the gradient of your loss with respect to it: "
                "backward(gradient) with that shape, or make it a scalar first, for instance with .sum()"
            )
        return 1.0
    try:
        seed = array_of(gradient, root._data.dtype) if root.ndim else number_of(gradient)
    except DataError as error:
        raise DataError(f"backward: the gradient of the root is a number or an array like it; {error}") from None
    if np.shape(seed) != root.shape:
        raise ShapeError(
            f"backward: gradient of shape {np.shape(seed)} for a root of shape {root.shape}: give one number per entry"
        )
    return seed


def swept(seeds: Seeds, nodes: list[Node] | None = None, given: Given = numbers) -> dict[Node, Any]:
    """Return the gradient of each of `nodes`, or of every node that the seeds reach, None where nothing flows."""
    found, grads, _ = gradients(seeds, nodes, given)
    reached = dict(zip(found, grads))
    return reached if nodes is None else {node: reached.get(node) for node in nodes}


def dependents(nodes: Iterable[Node], given: Iterable[Node]) -> set[Node]:
    """Return the given nodes and those of `nodes`, oldest first, that were computed from them."""
    found = set(given)
    for node in nodes:
        if any(a in found for a in node.args if isinstance(a, Node)):
            found.add(node)
    return found


def watching() -> list[Any]:
    """Return the modes in force here: those that want to see what a sweep does."""
    return [mode for mode in _node.modes.get() if mode.depth] if _node.modes_in_use else []


def zero_grad(*nodes: Node) -> None:
    """Forget the gradients of the nodes, at least one: they read 0 again, and pictures show a dash.

    >>> from autograd_mini import Value
    >>> x = Value(3.0); (x * x).backward(); zero_grad(x); x.grad
    0.0
    """
    if not nodes:
        raise DataError("zero_grad() names no node: write zero_grad(x), and zero_grad(*nodes) for a list of some")
    seeing = watching()
    for node in nodes:
        if not isinstance(node, Node):
            raise DataError(
                f"zero_grad takes nodes, got {type(node).__name__}: for a list of them write zero_grad(*nodes)"
            )
        if hasattr(node, "_grad"):
            for mode in seeing:
                mode.see_zero(node)
            del node._grad
