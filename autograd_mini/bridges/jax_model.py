"""`from_jax`: a function written for JAX as a record on this engine, proved against jax.grad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import BridgeError, DataError
from ..node import Node, filled
from ..sweep import order, swept
from .jax_record import HELD, Recorder, first_wrong, jax, leaf_of, numbers, parameters_of, spoken, tolerance
from .proof import Comparison, Proof, disagreement, largest


def from_jax(function: Callable[..., Any], *args: Any) -> Node:
    """Return the record of one run of a function of JAX on `args`: it has JAX's value and gradients.

    `function` returns one array. Floating-point arrays among the arguments, which may hold them in any pytree, become
    leaves labelled by their place ("params['w1']"); jitted functions and `jax.named_scope` become groups, and each node
    knows the line that made it. Loops and branches are recorded as they went, which `root.proof.notes` says.

    The value and every gradient are compared with JAX's: `root.proof` says what was compared and the largest relative
    difference; `root.proof.leaves` holds the leaves by name. BridgeError where one differs by more than 1e-6 (float32:
    1e-4), and for a primitive that has no equivalent: it names it and the line. Needs JAX (ExtraError).

    >>> import autograd_mini
    >>> import jax.numpy as jnp
    >>> root = autograd_mini.from_jax(lambda w: jnp.tanh(w * 2.0).sum(), jnp.array([0.5, -1.0], "float32"))
    >>> root.backward(); root.proof.leaves["w"].grad.round(4)
    array([0.8399, 0.1413], dtype=float32)
    """
    if not callable(function):
        raise DataError(f"from_jax takes a function and its arguments, got {type(function).__name__}")
    flat, form = jax.tree_util.tree_flatten_with_path(args)
    names = parameters_of(function, len(args))
    inputs = [jax.numpy.asarray(x) for _, x in flat]
    traced = jax.make_jaxpr(lambda *xs: function(*jax.tree_util.tree_unflatten(form, xs)))(*inputs)
    ours = [_input(x, _spelled(path, names)) for x, (path, _) in zip(inputs, flat)]
    recorder = Recorder()
    recorder.follow(inputs)
    found = recorder.run(traced.jaxpr, traced.consts, list(zip(inputs, ours)))
    theirs, root = _one(found)
    leaves = {node.label: (i, node) for i, node in enumerate(ours) if isinstance(node, Node)}
    root.note().proof = _prove(root, theirs, traced, inputs, leaves, recorder)
    return root


def _input(x: Any, name: str) -> Any:
    if x.dtype.kind == "c" or (x.dtype.kind == "f" and x.dtype not in HELD) or x.dtype.name == "bfloat16":
        raise DataError(f"from_jax: {name} is {x.dtype}, and a record holds float64 or float32: .astype(float) it")
    return leaf_of(x, name) if x.dtype in HELD else numbers(x)


def _spelled(path: Any, names: list[str]) -> str:
    """Return where an array stands among the arguments: x, or params['w1'][0]."""
    first, *rest = path
    return names[first.idx] + jax.tree_util.keystr(tuple(rest))


def _one(found: list[tuple[Any, Any]]) -> tuple[Any, Node]:
    if len(found) != 1:
        raise DataError(f"from_jax: the function returns {len(found)} arrays, a record ends in one: return it alone")
    theirs, ours = found[0]
    if not isinstance(ours, Node) or theirs.dtype not in HELD:
        raise BridgeError(
            "from_jax: the result depends on no floating-point argument by a path that JAX differentiates: is there a "
            "stop_gradient, an integer or a step on the way?"
        )
    return theirs, ours


def _prove(root: Node, theirs: Any, traced: Any, inputs: list[Any], leaves: Any, recorder: Recorder) -> Proof:
    """Compare the value and every gradient with JAX's; BridgeError names the first primitive that differs."""

    def run(*chosen: Any) -> Any:
        given = list(inputs)
        for (i, _), x in zip(leaves.values(), chosen):
            given[i] = x
        return jax.core.eval_jaxpr(traced.jaxpr, traced.consts, *given)[0]

    seed = np.cos(np.arange(theirs.size, dtype=theirs.dtype)).reshape(theirs.shape) + 1.5
    seed = jax.numpy.asarray(seed if theirs.ndim else np.ones_like(seed))
    expected = _gradients(run, [inputs[i] for i, _ in leaves.values()], seed)
    reached = swept({root: numbers(seed)}, order(root))
    found = Comparison(tolerance([theirs, *(inputs[i] for i, _ in leaves.values())]), largest(theirs, *expected))
    found.add("the value", root._data, theirs)
    for (name, (_, node)), g in zip(leaves.items(), expected):
        got = reached.get(node)
        if not found.add(repr(name), filled(node, 0.0) if got is None else got, g):
            wrong = first_wrong(recorder.made)
            where = (f"the gradient of the leaf {name!r}", found.difference, "where it is used")
            if wrong is not None:
                where = (f"the gradient of {wrong[0].primitive.name}", wrong[1], spoken(wrong[0]))
            raise disagreement("JAX", where[0], where[1], found.allowed, where[2])
    named = {name: node for name, (_, node) in leaves.items()}
    notes = tuple(dict.fromkeys(recorder.notes))
    return Proof("JAX", found.difference, found.where, found.allowed, len(leaves), named, notes)


def _gradients(run: Any, inputs: list[Any], seed: Any) -> list[Any]:
    """Return JAX's gradients: backwards, and forwards where it cannot go back through a loop without a fixed end."""
    try:
        back = jax.jit(lambda xs, g: jax.vjp(run, *xs)[1](g))  # as a whole: alone, each primitive is compiled anew
        return list(map(np.asarray, back(inputs, seed)))
    except ValueError as error:
        if "Reverse-mode" not in str(error):
            raise
    jacobians = jax.jit(jax.jacfwd(run, tuple(range(len(inputs)))))(*inputs)
    return [np.tensordot(np.asarray(seed), np.asarray(J), seed.ndim) for J in jacobians]
