"""A jaxpr, run on JAX and on our rows side by side: the record grows node by node, compared as it does.

What depends on no input stays plain numbers, whatever primitive made it. Loops and branches run as they go.
"""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np

from .. import array_ops as arrays
from .. import ops
from ..errors import AutogradError, BridgeError, extra
from ..modes import OUTSIDE, Lines, group
from ..node import Node, leaf
from ..sweep import order, swept
from .jax_ops import ACCUMULATING, MOVES, OPS, SUBSTITUTES
from .proof import COARSE, FINE, Comparison, disagreement, largest

jax = extra("jax", "JAX", "jax")
source_info = extra("jax._src.source_info_util", "JAX", "jax")

HELD = (np.float32, np.float64)
CALLS = "jit pjit closed_call custom_jvp_call custom_vjp_call remat2 checkpoint".split()  # their equations are followed
LARGE = 4_000_000  # entries of the matrix of a primitive that adds where an index says


class Made(NamedTuple):
    """What one equation has made: JAX's inputs and result, ours, and where it stands."""

    equation: Any
    inputs: list[Any]
    ours: list[Any]
    results: list[Any]
    nodes: list[Any]


class Recorder:
    """Walks jaxprs: `made` is what each equation with a node in it has made, `notes` what the record does not show."""

    def __init__(self) -> None:
        self.made: list[Made] = []
        self.notes: list[str] = []
        self.scopes: dict[tuple[str, ...], Any] = {}  # equations of one scope are in one group
        self.changing: dict[int, Any] = {}  # JAX's arrays that the inputs can change, by identity

    def changes(self, *arrays: Any) -> bool:
        """Whether the inputs can change one of these arrays."""
        return any(id(x) in self.changing for x in arrays)

    def follow(self, arrays: Any) -> None:
        """Note that the inputs can change these arrays."""
        self.changing.update((id(x), x) for x in arrays)

    def run(self, jaxpr: Any, consts: list[Any], pairs: list[Any]) -> list[tuple[Any, Any]]:
        """Return for each result of a jaxpr JAX's and ours; `pairs` are the same for its arguments."""
        known: dict[Any, tuple[Any, Any]] = {}
        known.update(zip(jaxpr.constvars, ((c, numbers(c)) for c in consts)))
        known.update(zip(jaxpr.invars, pairs))

        def read(var: Any) -> tuple[Any, Any]:
            return known[var] if type(var).__name__ != "Literal" else (var.val, numbers(var.val))

        for equation in jaxpr.eqns:
            found = self.equation(equation, list(map(read, equation.invars)))
            known.update(zip(equation.outvars, found))
        return list(map(read, jaxpr.outvars))

    def equation(self, equation: Any, pairs: list[Any]) -> list[tuple[Any, Any]]:
        """Return what one equation makes on both sides."""
        inputs, ours = [p for p, _ in pairs], [o for _, o in pairs]
        inner = self.inner(equation, pairs)
        if inner is not None:
            if equation.primitive.name not in CALLS and self.changes(*inputs):
                self.follow(p for p, _ in inner)
            return inner
        results = bound(equation, inputs)
        if self.changes(*inputs):
            self.follow(results)
        if not any(isinstance(o, Node) for o in ours) or equation.primitive.name == "stop_gradient":
            return [(r, numbers(r)) for r in results]
        with self.placed(equation):
            nodes = self.translated(equation, inputs, self.unmasked(equation, inputs, ours), results)
        kept = [self.agreed(equation, n, r, inputs) for n, r in zip(nodes, results)]
        self.made.append(Made(equation, inputs, ours, results, kept))
        return list(zip(results, kept))

    @contextmanager
    def placed(self, equation: Any) -> Iterator[None]:
        """Record inside as what an equation computes: with its line, in the scopes that `jax.named_scope` gave it."""
        with ExitStack() as stack:
            if found := source(equation):
                stack.enter_context(Lines(found))
            path: tuple[str, ...] = ()
            for scope in filter(_is_name, str(equation.source_info.name_stack).split("/")):
                path = (*path, scope)
                stack.enter_context(self.scopes.setdefault(path, group(scope)))
            yield

    def unmasked(self, equation: Any, inputs: list[Any], ours: list[Any]) -> list[Any]:
        """Return our inputs, a mask that no input can change in numbers: it is a constant, not a decision."""
        if equation.primitive.name != "select_n" or isinstance(ours[0], Node) or self.changes(inputs[0]):
            return ours
        return [ours[0] * 1.0, *ours[1:]]

    def translated(self, equation: Any, inputs: list[Any], ours: list[Any], results: list[Any]) -> list[Any]:
        """Record what a primitive computes; results of integers and bools that no row has are decided here."""
        name = equation.primitive.name
        params = dict(equation.params)
        try:
            if name in MOVES:
                return moved(equation, inputs, ours, results)
            if name in ACCUMULATING:
                return [accumulated(equation, inputs, ours)]
            if name in OPS and not (name in ("and", "or", "not") and not _is_truth(results[0])):
                found = OPS[name](*map(_float, ours), **params)
                return found if isinstance(found, list) else [found]
        except (AutogradError, TypeError, ValueError, KeyError, IndexError) as error:
            raise BridgeError(refusal(equation, str(error))) from error
        if any(r.dtype in HELD for r in results):
            raise BridgeError(refusal(equation, "it has no equivalent here"))
        self.notes.append(f"{name} was decided by the numbers, at {spoken(equation)}")
        return [numbers(r) for r in results]

    def agreed(self, equation: Any, ours: Any, theirs: Any, inputs: list[Any]) -> Any:
        """Return our result once it agrees with JAX's, in its precision; BridgeError where it differs."""
        expected = np.asarray(theirs)
        if not isinstance(ours, Node):
            return numbers(theirs)
        if expected.dtype.kind not in "fbiu":
            raise BridgeError(refusal(equation, f"it gives {expected.dtype}"))
        if expected.dtype in HELD and ours.ndim and ours.dtype != expected.dtype:
            ours = ops.cast(ours, expected.dtype)
        allowed = tolerance([theirs])
        scale = largest(expected, *(x for x in inputs if np.asarray(x).dtype in HELD))
        gap = Comparison(allowed, scale).between(ours._data, expected)
        if gap > allowed:
            raise disagreement("JAX", equation.primitive.name, gap, allowed, spoken(equation))
        return ours

    # What holds jaxprs of its own -----------------------------------------------------------------------------------

    def inner(self, equation: Any, pairs: list[Any]) -> list[tuple[Any, Any]] | None:
        """Return what an equation makes that holds a jaxpr of its own: a call, a branch, a loop; None for another."""
        name, params = equation.primitive.name, equation.params
        if name == "cond":
            chosen, *rest = pairs
            if isinstance(chosen[1], Node):
                self.notes.append(f"branch {int(chosen[0])} was taken, at {spoken(equation)}")
            return self.closed(params["branches"][int(chosen[0])], rest)
        if name == "while":
            return self.repeated(equation, pairs)
        if name == "scan":
            return self.unrolled(equation, pairs)
        called = next((params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in params), None)
        if called is None:
            return None
        if name == "custom_jvp_call" and (substitute := SUBSTITUTES.get(_title(called))):
            return self.substituted(equation, substitute, pairs)
        with self.placed(equation), group(label(equation)) if label(equation) else ExitStack():
            return self.closed(called, pairs)

    def closed(self, jaxpr: Any, pairs: list[Any]) -> list[tuple[Any, Any]]:
        """Run a jaxpr that may have its constants with it."""
        return self.run(getattr(jaxpr, "jaxpr", jaxpr), getattr(jaxpr, "consts", []), pairs)

    def substituted(self, equation: Any, row: Any, pairs: list[Any]) -> list[tuple[Any, Any]]:
        """Record a function with a derivative of its own as the row of that name."""
        inputs, ours = [p for p, _ in pairs], [o for _, o in pairs]
        results = Recorder().closed(equation.params["call_jaxpr"], [(p, numbers(p)) for p in inputs])
        with self.placed(equation):
            nodes = [row(*ours)] if any(isinstance(o, Node) for o in ours) else [numbers(r) for r, _ in results]
        kept = [self.agreed(equation, n, r, inputs) for n, (r, _) in zip(nodes, results)]
        return [(r, n) for (r, _), n in zip(results, kept)]

    def repeated(self, equation: Any, pairs: list[Any]) -> list[tuple[Any, Any]]:
        """Run a loop as often as its condition says for these numbers."""
        params = equation.params
        n, m = params["cond_nconsts"], params["body_nconsts"]
        asked, around, carry = pairs[:n], pairs[n : n + m], pairs[n + m :]
        rounds = 0
        while bool(Recorder().closed(params["cond_jaxpr"], _plain([*asked, *carry]))[0][0]):
            with group(f"step {rounds}"):
                carry = self.closed(params["body_jaxpr"], [*around, *carry])
            rounds += 1
        self.notes.append(f"a loop went round {rounds} times, at {spoken(equation)}")
        return carry

    def unrolled(self, equation: Any, pairs: list[Any]) -> list[tuple[Any, Any]]:
        """Run a scan step by step: each step is a group of its own."""
        params = equation.params
        n, m, length = *_shares(params), params["length"]
        around, carry, xs = pairs[:n], pairs[n : n + m], pairs[n + m :]
        rows: list[list[tuple[Any, Any]]] = []
        for t in reversed(range(length)) if params["reverse"] else range(length):
            with self.placed(equation), group(f"step {t}"):
                found = self.closed(params["jaxpr"], [*around, *carry, *(self.at(x, t) for x in xs)])
            carry, rows = found[:m], [*rows, found[m:]]
        rows = rows[::-1] if params["reverse"] else rows
        with self.placed(equation):
            return [*carry, *map(_stacked, zip(*rows))]

    def at(self, pair: tuple[Any, Any], t: int) -> tuple[Any, Any]:
        """Return what a step of a scan has of an array: its part at t."""
        theirs, ours = pair
        part = theirs[t]
        if self.changes(theirs):
            self.follow([part])
        return part, ops.getitem(ours, t) if isinstance(ours, Node) else numbers(part)


def _shares(params: Any) -> tuple[int, int]:
    """Return how many arguments of a scan are the same in every step, and how many are carried from one to the next."""
    if "ft_in" in params:  # since JAX 0.12
        same, carried, _ = map(len, params["ft_in"].unpack())
        return same, carried
    return params["num_consts"], params["num_carry"]


def _plain(pairs: list[Any]) -> list[Any]:
    return [(p, numbers(p)) for p, _ in pairs]


def _stacked(pairs: tuple[tuple[Any, Any], ...]) -> tuple[Any, Any]:
    theirs = jax.numpy.stack([p for p, _ in pairs])
    nodes = [o for _, o in pairs]
    return theirs, arrays.stack(nodes) if any(isinstance(o, Node) for o in nodes) else numbers(theirs)


# Entries that are moved about ---------------------------------------------------------------------------------------


def moved(equation: Any, inputs: list[Any], ours: list[Any], results: list[Any]) -> list[Any]:
    """Record a primitive that moves entries: JAX moves their numbers 1, 2, ..., which says where each came from."""
    places_of: Any = ORDERS.get(equation.primitive.name, _numbered)
    places = places_of(equation, inputs, results)
    found = []
    for result, place in zip(results, places):
        if result.dtype not in HELD:
            found.append(numbers(result))
            continue
        entries = _joined(inputs, ours, result.dtype)
        node = ops.getitem(entries, np.maximum(place - 1, 0))
        found.append(node if (place > 0).all() else ops.where(place > 0, node, np.asarray(result)))
    return found


def _numbered(equation: Any, inputs: list[Any], _: Any) -> list[Any]:
    """Return the results of a primitive on the numbers of its entries, counted through all of its float inputs."""
    counted, start = [], 1
    for x in inputs:
        if np.asarray(x).dtype in HELD:
            n = int(np.size(x))
            counted.append(jax.numpy.arange(start, start + n, dtype="int32").reshape(np.shape(x)))
            start += n
        else:
            counted.append(x)
    with jax.numpy_dtype_promotion("standard"):
        return [np.asarray(r) for r in bound(equation, counted)]


def _sorted(equation: Any, inputs: list[Any], _: Any) -> list[Any]:
    """Return where the entries of a sort came from: the keys are sorted with their numbers beside them."""
    axis, keys = equation.params["dimension"], equation.params["num_keys"]
    order_along = jax.lax.sort([*inputs[:keys], _iota(inputs[0], axis)], dimension=axis, num_keys=keys)[-1]
    places, start = [], 1
    for x in inputs:
        n = int(np.size(x)) if np.asarray(x).dtype in HELD else 0
        count = np.arange(start, start + int(np.size(x))).reshape(np.shape(x))
        places.append(np.take_along_axis(count, np.asarray(order_along), axis))
        start += n
    return places


def _chosen(equation: Any, inputs: list[Any], results: list[Any]) -> list[Any]:
    """Return where the largest entries along an axis came from, which the primitive says itself."""
    count = np.arange(1, inputs[0].size + 1).reshape(inputs[0].shape)
    return [np.take_along_axis(count, np.asarray(results[1]), equation.params.get("axis", -1)), None]


# Primitives that would move the numbers of entries in another order than the entries.
ORDERS: dict[str, Callable[..., list[Any]]] = {
    "sort": _sorted,
    "top_k": _chosen,
}


def _iota(like: Any, axis: int) -> Any:
    return jax.lax.broadcasted_iota("int32", np.shape(like), axis)


def _joined(inputs: list[Any], ours: list[Any], dtype: Any) -> Any:
    """Return the entries of all float inputs in one row, in the order in which they are counted."""
    parts = [ops.reshape(o, (-1,)) if isinstance(o, Node) else np.ravel(np.asarray(p, dtype))
             for p, o in zip(inputs, ours) if np.asarray(p).dtype in HELD]  # fmt: skip
    return parts[0] if len(parts) == 1 else arrays.concatenate(parts)


def accumulated(equation: Any, inputs: list[Any], ours: list[Any]) -> Any:
    """Record x with the entries of y added where an index says: a product with the matrix of 0 and 1 that does it."""
    (x, index, y), (our_x, _, our_y) = inputs, ours
    if np.size(x) * np.size(y) > LARGE:
        raise BridgeError(f"it adds {np.size(y):,} entries to {np.size(x):,}, which takes too large a matrix")
    zero = jax.numpy.zeros_like(x)
    eye = jax.numpy.eye(int(np.size(y)), dtype=y.dtype).reshape(-1, *np.shape(y))
    matrix = np.stack([np.asarray(bound(equation, [zero, index, row])[0]).ravel() for row in eye], axis=1)
    added = ops.reshape(ops.matmul(matrix, ops.reshape(our_y, (-1,))), np.shape(x)) if isinstance(our_y, Node) else (
        (matrix @ np.ravel(np.asarray(y))).reshape(np.shape(x)))  # fmt: skip
    return ops.add(our_x, added)


# Values, places, words ------------------------------------------------------------------------------------------------


def bound(equation: Any, inputs: list[Any]) -> list[Any]:
    """Return what JAX makes of an equation's primitive and parameters on these inputs."""
    asked = equation.primitive.get_bind_params(equation.params)
    functions, params = asked if isinstance(asked, tuple) else ([], asked)  # JAX before 0.7 has both
    found = equation.primitive.bind(*functions, *inputs, **params)
    return list(found) if equation.primitive.multiple_results else [found]


def numbers(x: Any) -> Any:
    """Return an array of JAX as our rows take a constant: an array of its own, or a Python number; keys as they are."""
    if hasattr(x, "dtype") and jax.dtypes.issubdtype(x.dtype, jax.dtypes.extended):
        return x
    array = np.asarray(x)
    return array.copy() if array.ndim else array.item()


def _float(x: Any) -> Any:
    """Return a constant of integers or bools as floats, which is what a row computes on."""
    if isinstance(x, (bool, int)):
        return float(x)
    return x.astype(np.float64) if isinstance(x, np.ndarray) and x.dtype.kind in "iu" else x


def _is_truth(x: Any) -> bool:
    return bool(np.asarray(x).dtype == bool)


def tolerance(arrays: list[Any]) -> float:
    """Return the relative difference that is allowed between results of the coarsest of the arrays."""
    return COARSE if any(np.asarray(x).dtype == np.float32 for x in arrays) else FINE


def leaf_of(x: Any, name: str) -> Node:
    """Return the leaf for an input."""
    node = leaf(numbers(x))
    node.label = name
    node.group = OUTSIDE
    return node


def source(equation: Any) -> tuple[str, int] | None:
    """Return the file and the line of the user's code that an equation comes from."""
    frame = source_info.user_frame(equation.source_info.traceback)
    return None if frame is None else (frame.file_name, frame.start_line)


def label(equation: Any) -> str:
    """Return the name of the jitted function that an equation calls; "" where it is JAX's own affair."""
    name = str(equation.params.get("name", ""))
    return "" if name.startswith("_") or equation.primitive.name not in ("jit", "pjit") else name


def _is_name(scope: str) -> bool:
    """Whether a part of a name stack is a name that somebody gave, and not what JAX does there."""
    return bool(scope) and "(" not in scope


def _title(jaxpr: Any) -> str:
    info = getattr(jaxpr, "jaxpr", jaxpr).debug_info
    return str(getattr(info, "func_name", ""))


def spoken(equation: Any) -> str:
    """Return where an equation comes from, for a message: file:line: code."""
    found = source(equation)
    if found is None:
        return "a line that is not known"
    file, line = found
    return f"{file}:{line}: {linecache.getline(file, line).strip()}".rstrip(": ")


def refusal(equation: Any, reason: str) -> str:
    """Say which primitive cannot be taken over, where it is, and what to do."""
    return (
        f"{equation.primitive.name} cannot be taken over: {reason}; called at {spoken(equation)}. Cut the gradient off "
        "there with jax.lax.stop_gradient, or write it with functions that have an equivalent"
    )


def first_wrong(made: list[Made]) -> tuple[Any, float] | None:
    """Return, from the last equation backwards, the first whose own derivatives are not JAX's, and by how much."""
    for one in reversed(made):
        gap = _gap(one)
        if gap > tolerance(one.results):
            return one.equation, gap
    return None


def _gap(one: Made) -> float:
    """Return how far one equation's vector-Jacobian products are from JAX's, on leaves of its own."""
    places = [i for i, o in enumerate(one.ours) if isinstance(o, Node) and np.asarray(one.inputs[i]).dtype in HELD]
    results = [r for r in one.results if r.dtype in HELD]
    if not places or len(results) != 1:
        return 0.0

    def alone(*xs: Any) -> Any:
        inputs = list(one.inputs)
        for i, x in zip(places, xs):
            inputs[i] = x
        return bound(one.equation, inputs)[0]

    result, pull = jax.vjp(alone, *(one.inputs[i] for i in places))
    seed = jax.numpy.cos(jax.numpy.arange(result.size, dtype=result.dtype)).reshape(result.shape) + 1.5
    leaves = [leaf(numbers(x)) if i in places else numbers(x) for i, x in enumerate(one.inputs)]
    (root, *_) = Recorder().translated(one.equation, one.inputs, leaves, one.results)
    reached = swept({root: numbers(seed)}, order(root))
    found = Comparison(tolerance(one.results), largest(seed, *one.inputs))
    return max(found.between(reached.get(leaves[i], 0.0), np.asarray(g)) for i, g in zip(places, pull(seed)))


def parameters_of(function: Any, count: int) -> list[str]:
    """Return names for the positional arguments of a function."""
    try:
        params = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        params = []
    names = [p.name for p in params if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    return names + [f"input {i}" for i in range(len(names), count)]
