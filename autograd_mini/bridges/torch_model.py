"""`from_torch`: a model or a function of PyTorch as a record on this engine, proved against torch's own autograd."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import BridgeError, DataError
from ..modes import Recording
from ..node import Node, filled
from ..sweep import order, swept
from .proof import Comparison, Proof, disagreement, largest, scale_of
from .torch_record import NUMBERS, TRANSFORMED, Recorder, asks, leaf_of, name_of, numbers, spoken, tolerance, unfit
from .torch_trace import torch, traced

pytree = torch.utils._pytree


def from_torch(function: Callable[..., Any], *args: Any, **keywords: Any) -> Node:
    """Return the record of one run of a torch function or module on `args`: it has torch's value and gradients.

    `function` returns one tensor, of any shape. Parameters and buffers become leaves labelled with their names in the
    model ("encoder.0.weight"), floating-point tensors among the arguments leaves labelled with the names of the
    parameters of `function`; modules become groups, and each node knows the line that made it. Dropout is recorded as
    drawn, a branch on data as it went. The model is left as it was: no buffer, no gradient changes.

    Then `function` is run once more as it is, with the same random numbers, and the value and every gradient are
    compared with those that torch's autograd gives: `root.proof` says what was compared and the largest
    relative difference; `root.proof.leaves` holds the leaves by name. BridgeError where one differs by more than 1e-6
    (float32: 1e-4), and for an op that has no equivalent: it names the op and the line. Needs PyTorch (ExtraError).

    >>> import torch
    >>> import autograd_mini
    >>> def loss(w):
    ...     return torch.tanh(w * 2.0).sum()
    >>> root = autograd_mini.from_torch(loss, torch.tensor([0.5, -1.0], dtype=torch.float64))
    >>> root.backward(); root.proof.leaves["w"].grad.round(4)
    array([0.8399, 0.1413])
    """
    if not callable(function):
        raise DataError(f"from_torch takes a function or a module and its arguments, got {type(function).__name__}")
    function = getattr(function, "_orig_mod", function)  # what torch.compile was given: its ops are not fused ones
    for constants in itertools.count():
        try:
            with torch.inference_mode(False), torch.enable_grad():
                inputs = _Inputs(function, args, keywords, constants)
                return _opened(inputs)
        except RuntimeError as error:  # torch has no derivative of some losses by their labels
            if "functorch" in str(error):
                raise BridgeError(TRANSFORMED) from error
            if UNABLE not in str(error) or len(inputs.leaves) < 2:
                raise
    raise AssertionError("a loop without an end")


UNABLE = "is not differentiable with respect to argument"


def _opened(inputs: _Inputs) -> Node:
    state = torch.get_rng_state()
    graph, watch = traced(inputs.call, inputs.copies())
    torch.set_rng_state(state)
    recorder = Recorder(graph, {**inputs.around(), **watch.names})
    recorder.notes += inputs.notes
    try:
        with Recording():  # that is what was asked for, whatever else is inside no_grad
            theirs, root = _one(*recorder.run(inputs.pairs()))
        recorder.leaves.update(inputs.leaves)
        watch.restore()
        eager = theirs if recorder.redrawn else _again(inputs, state)
        root.note().proof = _prove(root, theirs, eager, recorder)
    finally:
        watch.restore()
    return root


def _again(inputs: _Inputs, state: Any) -> Any:
    """Return what the function itself returns, drawing the same random numbers: what the record has to agree with.

    The traced ops are not enough: a function may replace gradients, by an autograd.Function of its own or by a hook.
    """
    torch.set_rng_state(state)
    result = inputs.call(*inputs.copies())
    return result[0] if isinstance(result, (tuple, list)) else result


class _Inputs:
    """The tensors among the arguments of a function, which may hold them in lists and dicts."""

    def __init__(self, function: Any, args: Any, keywords: Any, constants: int = 0) -> None:
        self.function = function
        self.notes: list[str] = []
        flat, self.form = pytree.tree_flatten_with_path((_named(function, args), keywords))
        self.flat = [x for _, x in flat]
        self.at = [i for i, x in enumerate(self.flat) if torch.is_tensor(x)]
        self.count = len(args)
        self.leaves: dict[str, tuple[Node, Any]] = {}
        floats = [i for i in self.at if self.flat[i].dtype in NUMBERS]
        fixed = floats[len(floats) - constants :]
        self.inputs = [self._input(_spelled(flat[i][0]), self.flat[i], i in fixed) for i in self.at]

    def _input(self, name: str, tensor: Any, fixed: bool) -> tuple[Any, Node | None]:
        if tensor.layout != torch.strided:
            raise DataError(f"from_torch: {name} is {tensor.layout}, and a record holds dense arrays: .to_dense() it")
        if tensor.is_complex() or tensor.dtype in (torch.float16, torch.bfloat16):
            raise unfit(name, tensor)
        tensor = tensor.detach().clone()
        if fixed:
            self.notes.append(f"{name} is a constant: torch has no derivative by it")
        if fixed or tensor.dtype not in NUMBERS:
            return tensor, None
        tensor.requires_grad_()
        self.leaves[name] = leaf_of(tensor, name, None), tensor
        return tensor, self.leaves[name][0]

    def copies(self) -> list[Any]:
        """Return tensors to run on: a function may write to them."""
        return [tensor.clone() for tensor, _ in self.inputs]

    def pairs(self) -> list[tuple[Any, Node | None]]:
        """Return each tensor with its leaf."""
        return [(tensor.clone(), node) for tensor, node in self.inputs]

    def call(self, *tensors: Any) -> Any:
        """Call the function with these tensors in the places of its own."""
        flat = list(self.flat)
        for i, tensor in zip(self.at, tensors):
            flat[i] = tensor
        args, keywords = pytree.tree_unflatten(flat, self.form)
        return self.function(*args.values(), **keywords)

    def around(self) -> dict[int, str]:
        """Return the names of the tensors that the function finds around it."""
        try:
            found = inspect.getclosurevars(self.function)
        except TypeError:
            return {}
        return {
            id(x): name for name, x in {**found.globals, **found.nonlocals}.items() if torch.is_tensor(x) and asks(x)
        }


def _named(function: Any, args: Any) -> dict[str, Any]:
    """Return positional arguments by the names of the parameters that take them."""
    try:
        params = list(inspect.signature(getattr(function, "forward", function)).parameters.values())
    except (TypeError, ValueError):
        params = []
    names = [p.name for p in params if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names += [f"input {i}" for i in range(len(names), len(args))]
    return dict(zip(names, args))


def _spelled(path: Any) -> str:
    """Return where a tensor stands among the arguments: x, or batch[0]['mask']."""
    first, *rest = path[1:]
    return f"{getattr(first, 'key', first)}{pytree.keystr(tuple(rest))}"


def _one(theirs: Any, ours: Any) -> tuple[Any, Node]:
    """Return the one tensor that a function returned, on both sides."""
    if isinstance(theirs, (tuple, list)) and len(theirs) == 1:
        return _one(theirs[0], ours[0])
    if not torch.is_tensor(theirs):
        what = f"{len(theirs)} results" if isinstance(theirs, (tuple, list, dict)) else type(theirs).__name__
        raise DataError(f"from_torch: the function returns {what}, and a record ends in one tensor: return that alone")
    if not isinstance(ours, Node):
        raise BridgeError(
            "from_torch: the result depends on no parameter and on no floating-point argument by a path that torch "
            "differentiates: is there a .detach(), a no_grad(), or a step on the way?"
        )
    return theirs, ours


def _seed(theirs: Any) -> Any:
    """Return a gradient for the result with entries of different sizes, so that no two mix up unseen."""
    if not theirs.ndim:
        return torch.ones_like(theirs)
    return torch.cos(torch.arange(theirs.numel(), dtype=theirs.dtype)).reshape(theirs.shape) + 1.5


def _prove(root: Node, theirs: Any, eager: Any, recorder: Recorder) -> Proof:
    """Compare the value and every gradient with torch's; BridgeError names the first node that differs."""
    seed = _seed(theirs)
    asked = {name: pair for name, pair in recorder.leaves.items() if pair[1].requires_grad}
    expected = _gradients(eager, [tensor for _, tensor in asked.values()], seed)
    reached = swept({root: _upstream(root, seed)}, order(root))
    found = Comparison(tolerance(theirs, *(t for _, t in recorder.leaves.values())), largest(*expected))
    found.difference = _value_gap(root, eager, found.allowed, recorder)
    for (name, (node, tensor)), g in zip(asked.items(), expected):
        if not found.add(repr(name), _gradient(reached, node), g):
            raise _first_wrong(theirs, eager, tensor, seed, recorder, reached, name, found)
    notes = tuple(dict.fromkeys(recorder.notes))
    leaves = {name: node for name, (node, tensor) in recorder.leaves.items() if node in reached or tensor.requires_grad}
    return Proof("PyTorch", found.difference, found.where, found.allowed, found.compared, leaves, notes)


def _value_gap(root: Node, eager: Any, allowed: float, recorder: Recorder) -> float:
    """Return how far the value is from that of a run of the function itself."""
    gap = next((gap for *_, node, gap in recorder.nodes if node is root), 0.0)
    scale = scale_of(root._data, *(a._data for a in root.args if isinstance(a, Node)))
    again = Comparison(allowed, scale).between(root._data, numbers(eager))
    if again > allowed:
        raise BridgeError(
            f"the function gave another value when it was run again ({again:.1e} relative): it depends on something "
            "beside its arguments and torch's random numbers, such as a counter; give that as an argument"
        )
    return max(gap, again)


def _gradients(root: Any, tensors: list[Any], seed: Any) -> list[Any]:
    """Return torch's gradients by the tensors, zeros where none flows."""
    if not root.requires_grad:
        return [np.zeros(tuple(tensor.shape)) for tensor in tensors]
    found = torch.autograd.grad(root, tensors, seed, retain_graph=True, allow_unused=True)
    return [np.zeros(tuple(t.shape)) if g is None else numbers(g) for t, g in zip(tensors, found)]


def _gradient(reached: Any, node: Node) -> Any:
    g = reached.get(node)
    return filled(node, 0.0) if g is None else g


def _upstream(root: Node, seed: Any) -> Any:
    return numbers(seed) if root.ndim else float(seed)


def _first_wrong(
    theirs: Any, eager: Any, leaf: Any, seed: Any, recorder: Recorder, reached: Any, name: str, found: Comparison
) -> BridgeError:
    """Return the error that names, from the root backwards, the first node whose gradient is not torch's."""
    for step, tensor, node, _ in reversed(recorder.nodes):
        if tensor is not theirs and node in reached:
            gap = found.between(_gradient(reached, node), _gradients(theirs, [tensor], seed)[0])
            if gap > found.allowed:
                what = f"the gradient of aten.{name_of(step.target)}"
                return disagreement("PyTorch", what, gap, found.allowed, spoken(recorder.place_of(step)))
    if found.between(_gradients(theirs, [leaf], seed)[0], _gradients(eager, [leaf], seed)[0]) > found.allowed:
        own = sorted(_own_functions(eager.grad_fn))
        who = f"{' and '.join(own)} (of an autograd.Function)" if own else "a hook, or a transform of torch.func,"
        return BridgeError(
            f"the gradient by {name!r} is not that of the ops that ran: {who} puts another in its place. A record "
            "has the derivative of what was computed: take it out, or give the record a custom op with that rule"
        )
    gap, allowed = found.difference, found.allowed
    return disagreement("PyTorch", f"the gradient of the leaf {name!r}", gap, allowed, "every line that uses it")


def _own_functions(grad_fn: Any) -> set[str]:
    """Return the names of the autograd.Functions of a user's own among what a result was computed by."""
    seen, waiting = set(), [grad_fn]
    while waiting:
        found = waiting.pop()
        if found is not None and found not in seen:
            seen.add(found)
            waiting += [before for before, _ in found.next_functions]
    return {
        type(f).__name__.removesuffix("Backward")
        for f in seen
        if isinstance(f, torch.autograd.function.BackwardCFunction)
    }
