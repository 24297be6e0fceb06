"""Transforms: functions in, derivatives out - grad, vjp, jvp, jacobian, hessian, hvp, nested as deep as you like.

A transform runs the function once on fresh nodes and sweeps the record. If the record reaches no node that was there
before, the rules run on plain numbers, and plain numbers come back. If it does - an outer transform's variable, or a
Value that the function closes over - the rules run on nodes: the derivative is itself recorded and can be
differentiated again. Nothing older than the fresh nodes can depend on them, which keeps nested derivatives apart.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np

from . import tree
from .array_ops import stack
from .array_rows import broadcast_to, reshape
from .data import array_of
from .errors import DataError, RangeError, ShapeError
from .modes import Recording
from .node import Node, leaf
from .op import Elementwise, fit, itself, numbers, numeric, operand
from .ops import identity, shape
from .sweep import Given, dependents, reach, receivers, swept

Function = Callable[..., Any]
Argnums = int | Sequence[int]

_birth = attrgetter("birth")


class Trace:
    """One run of a function on fresh nodes: what went in, what came out, and the record between the two."""

    def __init__(self, f: Function, args: tuple[Any, ...], argnums: Argnums) -> None:
        chosen = _chosen(argnums, len(args))
        check_function(f)
        self.inputs: Any = args[chosen[0]] if isinstance(argnums, int) else tuple(args[i] for i in chosen)
        with Recording():
            self.fresh = [_fresh(x, name) for i in chosen for x, name in _named(args[i], f"args[{i}]")]
            new, variables = list(args), iter(self.fresh)
            for i in chosen:
                new[i] = tree.build(args[i], variables)
            self.output = f(*new)
            self.roots = [_result(r, name) for r, name in _named(self.output, "result")]
        self._collect()

    def _collect(self) -> None:
        """Find the nodes of the record, youngest first, and whether it is closed: reaches nothing from before."""
        since = self.fresh[0].birth if self.fresh else 0
        roots = [r for r in self.roots if isinstance(r, Node) and r.birth >= since]
        found = set(reach([*self.fresh, *roots], since))
        self.closed = all(a in found for node in found for a in node.args if isinstance(a, Node))
        live = found
        if not self.closed:  # leave out what does not depend on the fresh nodes
            live = dependents(sorted(found, key=_birth), self.fresh)
        self.nodes = sorted(live, key=_birth, reverse=True)
        self.live = live
        self.given = numbers if self.closed else itself

    def pull_back(self, seeds: list[Any]) -> list[Any]:
        """Return the vector-Jacobian product: the gradient of sum_i <seed_i, root_i> for each fresh node."""
        given: dict[Node, Any] = {}
        for root, seed in zip(self.roots, seeds):
            if isinstance(root, Node) and root in self.live:
                seed = seed if self.closed or isinstance(seed, Node) else leaf(seed)
                given[root] = given[root] + seed if root in given else seed
        grads = swept(given, self.nodes, self.given)
        return [_owned(grads[v], v) for v in self.fresh]

    def push_forward(self, tangents: list[Any]) -> list[Any]:
        """Return the Jacobian-vector product: the derivative of each root as the fresh nodes move along `tangents`."""
        moving: dict[Node, Any] = dict(zip(self.fresh, tangents))
        with np.errstate(all="ignore"):
            for node in reversed(self.nodes):
                if node not in moving:
                    moving[node] = _moved(node, moving, self.given)
        return [_owned(moving.get(r) if isinstance(r, Node) else None, r) for r in self.roots]

    def value(self) -> Any:
        """Return the output, as plain numbers where nothing from before depends on the record."""
        return tree.build(self.output, iter([self._plain(r) for r in self.roots]))

    def plain(self, x: Any) -> Any:
        """Return what the function gave beside its result, with plain numbers for nodes of a closed record."""
        since = self.fresh[0].birth if self.fresh else 0
        return tree.map_leaves(
            lambda a: _copy(a._data) if self.closed and isinstance(a, Node) and a.birth >= since else a, x
        )

    def _plain(self, root: Any) -> Any:
        return _copy(root._data) if self.closed and isinstance(root, Node) and root in self.live else root


def value_and_grad(f: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return a function that gives f's value and its gradient, from one run.

    `argnums` says for which arguments; each may be a number, an array, or lists, tuples, dicts, dataclasses and modules
    of them, and its gradient has the same form. With `has_aux` f returns (value, anything), and so does this:
    ((value, anything), gradient). Keyword arguments are passed on. A result that is not a scalar raises ShapeError.
    dL/dx = (dy/dx)^T dL/dy, backwards along the record (Griewank & Walther, "Evaluating Derivatives", section 3.2).

    >>> value_and_grad(lambda x, y: x * y**2, argnums=(0, 1))(3.0, 2.0)
    (12.0, (4.0, 12.0))
    """
    check_function(f)

    def derivative(*args: Any, **keywords: Any) -> Any:
        aside: list[Any] = []
        called = partial(f, **keywords)
        trace = Trace(partial(_first, called, aside) if has_aux else called, args, argnums)
        _scalar(trace, "grad")
        value = (trace.value(), trace.plain(aside[0])) if has_aux else trace.value()
        return value, tree.build(trace.inputs, iter(trace.pull_back([1.0])))

    return derivative


def grad(f: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """Return the gradient of a function with one scalar result; see `value_and_grad`.

    With `has_aux` f returns (value, anything), and this (gradient, anything).

    >>> cube = lambda x: x**3
    >>> grad(cube)(2.0), grad(grad(cube))(2.0), grad(grad(grad(cube)))(2.0)
    (12.0, 12.0, 6.0)
    """
    both = value_and_grad(f, argnums, has_aux)

    def derivative(*args: Any, **keywords: Any) -> Any:
        value, gradient = both(*args, **keywords)
        return (gradient, value[1]) if has_aux else gradient

    return derivative


def vjp(f: Function, *args: Any, argnums: Argnums | None = None) -> tuple[Any, Function]:
    """Return f(*args) and the function v -> v^T J, which may be called many times.

    v has the form of the result, v^T J is a tuple with one entry per argument (or has the form `argnums` asks for).

    >>> value, pull_back = vjp(lambda x: x * x, 2.0)
    >>> value, pull_back(1.0)
    (4.0, (4.0,))
    """
    trace = Trace(f, args, tuple(range(len(args))) if argnums is None else argnums)

    def pull_back(cotangent: Any) -> Any:
        seeds = _flat(cotangent, trace.output, trace.roots, "vjp: cotangent")
        return tree.build(trace.inputs, iter(trace.pull_back(seeds)))

    return trace.value(), pull_back


def jvp(f: Function, args: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return f(*args) and J v, its derivative as the arguments move along `tangents`: forward mode, one run.

    Each tangent has the form of its argument, J v that of the result.

    >>> jvp(lambda x, y: x * y, (3.0, 2.0), (1.0, 0.0))
    (6.0, 2.0)
    """
    if not isinstance(args, (list, tuple)) or not isinstance(tangents, (list, tuple)):
        raise DataError("jvp: args and tangents are tuples with one entry per argument: jvp(f, (x,), (v,))")
    trace = Trace(f, tuple(args), tuple(range(len(args))))
    moved = trace.push_forward(_flat(tangents, args, trace.fresh, "jvp: tangents"))
    return trace.value(), tree.build(trace.output, iter(moved))


def jacobian(f: Function, argnums: Argnums = 0) -> Function:
    """Return the function that gives dy_i/dx_j as an array of shape y.shape + x.shape, one sweep per entry of y.

    With several results or arguments: the results' form, and in each place the arguments' form.

    >>> import numpy as np
    >>> M = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> bool((jacobian(lambda x: M @ x)(np.array([0.5, -0.5])) == M).all())
    True
    """
    check_function(f)

    def derivative(*args: Any, **keywords: Any) -> Any:
        trace = Trace(partial(f, **keywords), args, argnums)
        blocks = [tree.build(trace.inputs, iter(_rows(trace, i))) for i in range(len(trace.roots))]
        return tree.build(trace.output, iter(blocks))

    return derivative


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """Return the matrix of second derivatives of a scalar function, of shape x.shape + x.shape.

    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Function, argnums: Argnums = 0) -> Function:
    """Return the function (*args, v) -> H v, without ever forming the Hessian H; v has the form of the argument.

    H is symmetric, so H v is the vector-Jacobian product of the gradient (Pearlmutter, "Fast exact multiplication by
    the Hessian", 1994).

    >>> import numpy as np
    >>> hvp(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([4., 2.])
    """
    check_function(f)

    def product(*args_and_v: Any, **keywords: Any) -> Any:
        if len(args_and_v) < 2:
            raise ShapeError("hvp: call it with the function's arguments and then the vector v: hvp(f)(x, v)")
        *args, v = args_and_v
        trace = Trace(partial(grad(f, argnums), **keywords), tuple(args), argnums)
        seeds = _flat(v, trace.output, trace.roots, "hvp: v")
        return tree.build(trace.inputs, iter(trace.pull_back(seeds)))

    return product


def check_function(f: Any) -> None:
    """Raise DataError unless f is a function: people pass what it returned by mistake."""
    if not callable(f):
        raise DataError(
            f"only a function is differentiated, got {type(f).__name__}: pass f itself, as in grad(f)(x); "
            "what is recorded already has backward()"
        )


def _chosen(argnums: Argnums, n: int) -> tuple[int, ...]:
    """Return the places of the chosen arguments, counted from the first."""
    try:
        given = tuple(map(operator.index, (argnums,) if isinstance(argnums, int) else argnums))
    except TypeError:
        raise DataError(f"argnums is an integer or a tuple of integers, got {argnums!r}") from None
    places = tuple(i % n for i in given if -n <= i < n)
    if len(set(places)) < len(given):
        rule = f"choose among them, each from {-n} to {n - 1}, none twice"
        raise ShapeError(
            f"argnums {argnums} of a function called with {n} positional arguments: "
            f"{rule if n else 'pass by position what is differentiated'}"
        )
    return places


def _named(branch: Any, root: str) -> Iterable[tuple[Any, str]]:
    return zip(tree.leaves(branch), tree.names(branch, root))


def _fresh(x: Any, name: str) -> Node:
    """Return a node younger than all others: tied to x where x is a node, else a leaf."""
    if isinstance(x, Node):
        return identity(x)
    try:
        data = operand(x)
    except (DataError, RangeError) as error:
        raise type(error)(f"{name} of the differentiated function: {error}") from None
    return leaf(data if type(data) is float else array_of(data))


def _result(r: Any, name: str) -> Any:
    try:
        return operand(r)
    except (DataError, RangeError) as error:
        raise type(error)(f"{name} of the differentiated function: {error}") from None


def _flat(branch: Any, like: Any, nodes: list[Any], name: str) -> list[Any]:
    """Return the leaves of seeds or tangents, each of the shape of its node; `like` has the form they must have."""
    try:
        given = tree.leaves_as(like, branch)
    except ValueError as error:
        raise ShapeError(f"{name}: {error}: give them the same form") from None
    for i, (v, node) in enumerate(zip(given, nodes)):
        given[i] = v = _result(v, f"{name}: entry {i}")
        if shape(v) != shape(node):
            raise ShapeError(f"{name}: entry {i} has shape {shape(v)} where {shape(node)} is needed")
    return given


def _scalar(trace: Trace, name: str) -> None:
    if len(trace.roots) != 1 or shape(trace.roots[0]):
        got = ", ".join(str(shape(r)) for r in trace.roots)
        raise ShapeError(
            f"{name} needs a function that returns one scalar; this one returned shape {got}: "
            "reduce it, for instance with .sum(), or use jacobian"
        )


def _first(f: Function, aside: list[Any], *args: Any) -> Any:
    """Return the first of the two results of f, and lay the other aside."""
    result = f(*args)
    if not isinstance(result, tuple) or len(result) != 2:
        raise DataError(f"has_aux: the function returns (value, anything), got {type(result).__name__}")
    aside.append(result[1])
    return result[0]


def _copy(data: Any) -> Any:
    return data if isinstance(data, float) else data.copy()


def _owned(g: Any, like: Any) -> Any:
    """Return a gradient that the caller may change: zeros where there is none, a copy of an array."""
    if isinstance(g, Node):
        return g
    if not shape(like):
        return 0.0 if g is None else float(g)
    return np.zeros(shape(like), like.dtype) if g is None else np.array(g, like.dtype)


def _moved(node: Node, moving: dict[Node, Any], given: Given) -> Any:
    """Return the tangent of a node from those of its arguments, None where none of them moves."""
    moved = [i for i in receivers(node) if moving.get(node.args[i]) is not None]
    return _total([_push(node, i, moving[node.args[i]], given) for i in moved], node.shape) if moved else None


def _push(node: Node, i: int, t: Any, given: Given) -> Any:
    """Return the tangent of `node` that comes from the tangent t of its i-th argument, by the same vjp rule.

    Entry by entry the Jacobian is diagonal, so the rule that pulls back also pushes forward. For every other op the
    rule u -> J^T u is linear in u, and its own vjp at t is J t (Townsend, "A new trick for calculating Jacobian vector
    products", 2017).
    """
    op, arg = node.op, node.args[i]
    z, args = given(node)
    if isinstance(op, Elementwise):
        return numeric(op.run(i, t, z, args), op)
    zero = 0.0 if not node.shape else np.zeros(node.shape, node._data.dtype)
    return Trace(lambda u: fit(op.run(i, u, z, args), arg, op), (zero,), 0).pull_back([t])[0]


def _total(parts: list[Any], shape_: tuple[int, ...]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total if shape(total) == shape_ else broadcast_to(total, shape_)


def _rows(trace: Trace, i: int) -> list[Any]:
    """Return the Jacobian of the i-th result for every input, put together from one sweep per entry."""
    root = trace.roots[i]
    zeros = [np.zeros(shape(r)) for r in trace.roots]
    rows = []
    for place in np.ndindex(shape(root)):
        seeds = [z.copy() if z.shape else 0.0 for z in zeros]
        if shape(root):
            seeds[i][place] = 1.0  # type: ignore[index]
        else:
            seeds[i] = 1.0
        rows.append(trace.pull_back(seeds))
    return [_assemble([row[j] for row in rows], shape(root), shape(x)) for j, x in enumerate(trace.fresh)]


def _assemble(rows: list[Any], out: tuple[int, ...], inner: tuple[int, ...]) -> Any:
    if not out:
        return rows[0]
    if any(isinstance(row, Node) for row in rows):
        return reshape(stack(rows), out + inner)
    return np.array(rows, dtype=np.result_type(*rows) if rows else np.float64).reshape(out + inner)
