"""A traced graph of torch's ops, run on torch and on our rows side by side: the record grows node by node.

Each result of ours is compared with torch's as soon as it is there, so that the first that differs is named. What
torch needs no gradient of stays plain numbers, whatever op made it.
"""

from __future__ import annotations

import functools
import linecache
import math
import operator
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from .. import ops
from ..errors import AutogradError, BridgeError, DataError
from ..modes import OUTSIDE, Group, Lines, group
from ..node import Node, leaf
from .proof import COARSE, FINE, Comparison, disagreement, scale_of
from .torch_ops import OPS, WITH_RESULT
from .torch_trace import Place, proxy_tensor, torch

DRAWN = ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")  # affine in x once they have drawn
ASKED = ("item", "_local_scalar_dense", "is_nonzero")
NUMBERS = (torch.float32, torch.float64)
LINEAR = tuple(f"upsample_{kind}" for kind in ("linear1d", "bilinear2d", "bicubic2d", "trilinear3d"))
MASK = {"where": (0,), "masked_fill": (1,)}  # which argument is one
TRANSFORMED = "vmap and grad of torch.func cannot be taken over: write a loop instead"
DEEP = 8  # decompositions of ops inside each other

_nothing = object()


@contextmanager
def placed(place: Place) -> Iterator[None]:
    """Record inside as what an op called at that place computes: with its line, in its module's group."""
    with ExitStack() as stack:
        if place.source:
            stack.enter_context(Lines(place.source))
        if place.group:
            stack.enter_context(place.group)
        yield


class Recorder:
    """Walks a graph: `theirs` holds torch's result of each op, `ours` the node, where torch asks for a gradient."""

    def __init__(self, graph: Any, names: dict[int, str], depth: int = 0, place: Place | None = None) -> None:
        self.graph = graph
        self.names = names
        self.depth = depth
        self.place = place or Place()  # of ops that do not know their own
        self.theirs: dict[Any, Any] = {}
        self.ours: dict[Any, Any] = {}
        self.leaves: dict[str, tuple[Node, Any]] = {}
        self.known: dict[int, Node] = {}
        self.depends: set[Any] = set()
        self.notes: list[str] = []
        self.redrawn = False  # whether torch would draw other numbers in a run of the function itself
        self.nodes: list[tuple[Any, Any, Node, float]] = []  # each op, torch's result, ours, and how far apart

    def run(self, inputs: list[tuple[Any, Any]]) -> tuple[Any, Any]:
        """Return torch's result of the whole, and ours; `inputs` are pairs of a tensor and a node, or None."""
        waiting = iter(inputs)
        for step in self.graph.graph.nodes:
            if step.op == "placeholder":
                self.theirs[step], node = next(waiting)
                self.depends.add(step)
                if node is not None:
                    self.ours[step] = node
            elif step.op == "get_attr":
                self.fetch(step)
            elif step.op == "call_function":
                self.call(step)
            else:
                return self.given(step.args[0], self.theirs), self.given(step.args[0], self.ours)
        raise AssertionError("a graph ends with its output")

    def fetch(self, step: Any) -> None:
        """Take a parameter, a buffer or a tensor around the function: with a name, or a gradient, it is a leaf."""
        tensor = self.theirs[step] = functools.reduce(getattr, step.target.split("."), self.graph)
        if not torch.is_tensor(tensor) or not (tensor.is_floating_point() or tensor.is_complex()):
            return
        if tensor.dtype not in NUMBERS and tensor.requires_grad:
            raise unfit(self.names.get(id(tensor)) or "a tensor around the function", tensor)
        if tensor.dtype not in NUMBERS:
            return
        if tensor.requires_grad:
            self.depends.add(step)
        if tensor.requires_grad or id(tensor) in self.names:
            if id(tensor) not in self.known:
                name = self.unlike(self.names.get(id(tensor)) or f"tensor {len(self.leaves)}")
                node = self.known[id(tensor)] = leaf_of(tensor, name, self.place_of(step).group)
                self.leaves[name] = node, tensor
            self.ours[step] = self.known[id(tensor)]

    def unlike(self, name: str) -> str:
        """Return a name that no leaf has yet."""
        again = (f"{name} ({i})" for i in range(2, len(self.leaves) + 3))
        return name if name not in self.leaves else next(n for n in again if n not in self.leaves)

    def call(self, step: Any) -> None:
        """Run one op on both sides."""
        if str(getattr(step.target, "__module__", "")).startswith("torch._functorch"):  # PyTorch 2.9 notes vmap itself
            raise BridgeError(TRANSFORMED)
        if any(arg in self.depends for arg in step.all_input_nodes):
            self.depends.add(step)
        args, settings = self.given((step.args, step.kwargs), self.theirs)
        name = name_of(step.target)
        drawn = draw(name, args, settings)
        result = drawn[0] if drawn else step.target(*args, **settings)
        if drawn and name not in DRAWN:
            self.redrawn = True
            self.notes.append(f"the dropout of {name} was drawn anew at {spoken(self.place_of(step))}")
        self.theirs[step] = result
        if name in ASKED and step in self.depends:
            self.notes.append(f"it went on with {result} at {spoken(self.place_of(step))}")
        if step.target is operator.getitem:
            if asks(result) and step.args[0] in self.ours:
                self.ours[step] = self.ours[step.args[0]][step.args[1]]
        elif asks(result):
            self.translate(step, name, result, drawn[1] if drawn else None)

    def translate(self, step: Any, name: str, result: Any, drawn: Any) -> None:
        """Record what an op computes, and compare it."""
        place = self.place_of(step)
        try:
            args, settings = self.mixed((self.unmasked(step, name), step.kwargs))
            with placed(place):
                found = self.compute(step, name, args, settings, result, drawn)
        except BridgeError:
            raise
        except (AutogradError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
            raise BridgeError(refusal(step, self.place_of(step), f"{type(error).__name__}: {error}")) from error
        self.keep(step, found, result)
        if is_written(step.target):
            self.write(step, found, result)

    def place_of(self, step: Any) -> Place:
        """Return where in the program an op was called."""
        found = (step.meta.get("custom") or {}).get("place")
        return found if isinstance(found, Place) else self.place

    def compute(self, step: Any, name: str, args: Any, settings: Any, result: Any, drawn: Any) -> Any:
        """Return our result of an op: by the table, by what was drawn, or by the ops that torch makes it of."""
        if name in DRAWN and drawn is not None:
            slope, offset = drawn
            return args[0] * slope if offset is None else args[0] * slope + offset
        if name in LINEAR:
            return self.linear(step, args[0], result)
        overload = getattr(step.target, "_overloadname", "default")
        for key in (f"{name}.{overload}", name):
            if key in OPS:
                more = {"result": result} if key in WITH_RESULT else {}
                more |= {"drawn": drawn} if drawn is not None else {}
                return OPS[key](*args, **settings, **more)
        return self.decomposed(step)

    def decomposed(self, step: Any) -> Any:
        """Return our result of an op that the table does not have, by the ops of which torch itself would make it."""
        tensors = [arg for arg in step.all_input_nodes if torch.is_tensor(self.theirs[arg])]
        leaves = [self.theirs[arg].detach().clone() for arg in tensors]

        def alone(*given: Any) -> Any:
            values = {**self.theirs, **dict(zip(tensors, given))}
            args, settings = self.given((step.args, step.kwargs), values)
            return step.target(*args, **settings)

        graph = proxy_tensor.make_fx(alone, decomposition_table=decompositions(), tracing_mode="real")(*leaves)
        again = any(s.op == "call_function" and name_of(s.target) == name_of(step.target) for s in graph.graph.nodes)
        if again or self.depth >= DEEP:
            raise BridgeError(refusal(step, self.place_of(step), "it has no equivalent among the rows"))
        inner = Recorder(graph, {}, self.depth + 1, self.place_of(step))
        pairs = [
            (value.requires_grad_(isinstance(self.ours.get(a), Node)), self.ours.get(a))
            for a, value in zip(tensors, leaves)
        ]
        try:
            with group(name_of(step.target).strip("_")):
                return inner.run([(value.clone(), node) for value, node in pairs])[1]
        except RuntimeError as error:  # torch's own, of a part that it only runs without a gradient
            if isinstance(error, AutogradError):
                raise
            raise BridgeError(refusal(step, self.place_of(step), f"of a part of it torch says: {error}")) from error

    def linear(self, step: Any, x: Any, result: Any) -> Any:
        """Return our result of an op that is linear in the places of each channel: a product with its own matrix."""
        lengths, size = result.shape[2:], math.prod(x.shape[2:])
        eye = torch.eye(size, dtype=result.dtype).reshape(size, 1, *x.shape[2:])
        args, settings = self.given((step.args, step.kwargs), self.theirs)
        matrix = numbers(step.target(eye, *args[1:], **settings)).reshape(size, -1)
        z = ops.matmul(ops.reshape(x, (*x.shape[:2], size)), matrix)
        return ops.reshape(z, (*x.shape[:2], *lengths))

    def keep(self, step: Any, found: Any, result: Any) -> None:
        """Keep our result of an op, cut off where torch's is, once it agrees."""
        many = isinstance(result, (tuple, list))
        pairs = list(zip(found, result)) if many else [(found, result)]
        kept = tuple(self.agreed(step, ours, theirs) for ours, theirs in pairs)
        self.ours[step] = kept if many else kept[0]

    def agreed(self, step: Any, ours: Any, theirs: Any) -> Any:
        """Return our result, or plain numbers where torch asks for no gradient; BridgeError where it differs."""
        if not asks(theirs) or not isinstance(ours, Node):
            return numbers(theirs)
        expected = numbers(theirs)
        if ours.ndim and ours.dtype != expected.dtype:
            with placed(self.place_of(step)):
                ours = ops.cast(ours, expected.dtype)
        inputs = [numbers(self.theirs[a]) for a in step.all_input_nodes if torch.is_tensor(self.theirs[a])]
        allowed = tolerance(theirs)
        gap = Comparison(allowed, scale_of(expected, *inputs)).between(ours._data, expected)
        if gap > allowed:
            what = f"aten.{name_of(step.target)}"
            raise disagreement("PyTorch", what, gap, allowed, spoken(self.place_of(step)))
        self.nodes.append((step, theirs, ours, gap))
        return ours

    # Arguments: fx nodes stand for results, in lists and tuples too ---------------------------------------------------

    def given(self, x: Any, values: dict[Any, Any]) -> Any:
        """Return arguments with the results that they stand for."""
        return torch.fx.node.map_aggregate(x, lambda a: values.get(a) if isinstance(a, torch.fx.Node) else a)

    def unmasked(self, step: Any, name: str) -> list[Any]:
        """Return the args of an op, a mask that no input can change in numbers: it is a constant, not a decision."""
        args = list(step.args)
        for i in MASK.get(name, ()):
            if isinstance(args[i], torch.fx.Node) and args[i] not in self.depends:
                args[i] = numbers(self.theirs[args[i]]) * 1.0  # a bool of no dimensions is a Python bool
        return args

    def mixed(self, x: Any) -> Any:
        """Return arguments as our rows take them: nodes, arrays, numbers, tuples."""
        if isinstance(x, torch.fx.Node):
            return self.ours[x] if x in self.ours else numbers(self.theirs[x])
        if isinstance(x, dict):
            return {key: self.mixed(value) for key, value in x.items()}
        return tuple(map(self.mixed, x)) if isinstance(x, (tuple, list)) else x

    # Assignment: what is written into a tensor is written into all that share its memory ------------------------------

    def write(self, step: Any, found: Any, result: Any) -> None:
        """Renew our node of every tensor that shares memory with the one that an op has written to."""
        memory = result.untyped_storage()._cdata
        for other, tensor in list(self.theirs.items()):
            if other is not step and torch.is_tensor(tensor) and tensor.untyped_storage()._cdata == memory:
                self.ours[other] = self.renewed(other, tensor, found, result, self.place_of(step))

    def renewed(self, other: Any, tensor: Any, found: Any, result: Any, place: Place) -> Any:
        """Return our node of a tensor after `found` has been written to the memory that `result` shares with it."""
        old = self.ours.get(other, _nothing)
        same = (tensor.shape, tensor.stride(), tensor.storage_offset())
        if same == (result.shape, result.stride(), result.storage_offset()):
            return found
        written = np.full(int(memory_places(tensor).max(initial=0) + memory_places(result).max(initial=0) + 1), -1)
        written[memory_places(result)] = np.arange(result.numel()).reshape(tuple(result.shape))
        at = written[memory_places(tensor)]
        if (at < 0).all():
            return numbers(tensor) if old is _nothing else old
        with placed(place):
            new = ops.getitem(ops.reshape(found, (-1,)), np.maximum(at, 0))
            return new if (at >= 0).all() else ops.where(at >= 0, new, numbers(tensor) if old is _nothing else old)


@functools.cache
def decompositions() -> Any:
    """Return torch's table of the ops that it makes of others, which takes it a quarter of a second to put together."""
    return torch._decomp.core_aten_decompositions()


def memory_places(tensor: Any) -> Any:
    """Return for each entry of a tensor its place in the memory that it shares."""
    steps = [np.arange(n) * s for n, s in zip(tensor.shape, tensor.stride())]
    grid = np.ix_(*steps) if steps else ()
    return np.asarray(sum(grid, np.zeros(tuple(tensor.shape), np.intp)) + tensor.storage_offset())


def name_of(target: Any) -> str:
    """Return the name of an op: that of `aten.add_.Tensor` is add, for what is written in place is computed alike."""
    schema = getattr(target, "_schema", None)
    name = schema.name.split("::")[-1] if schema else getattr(target, "__name__", str(target))
    return str(name[:-1] if is_written(target) and name.endswith("_") else name)


def is_written(target: Any) -> bool:
    """Whether an op writes its result into its first argument."""
    schema = getattr(target, "_schema", None)
    return bool(schema and schema.is_mutable and schema.arguments and schema.arguments[0].is_write)


def asks(result: Any) -> bool:
    """Whether torch asks for the gradient of a result, or of one of several."""
    if isinstance(result, (tuple, list)):
        return any(map(asks, result))
    return torch.is_tensor(result) and result.requires_grad


def tolerance(*tensors: Any) -> float:
    """Return the relative difference that is allowed between results of the coarsest of the tensors."""
    return COARSE if any(tensor.dtype == torch.float32 for tensor in tensors) else FINE


def numbers(tensor: Any) -> Any:
    """Return a tensor as our rows take a constant: an array of its own, a float, an int or a bool."""
    if not torch.is_tensor(tensor):
        return tensor
    array = tensor.detach().numpy(force=True)
    return array.copy() if array.ndim else array.item()


def unfit(name: str, tensor: Any) -> DataError:
    """Return the error for a tensor of numbers that a record does not hold."""
    remedy = "take its real and imaginary parts" if tensor.is_complex() else "take .float() of it, or of the model"
    return DataError(f"from_torch: {name} is {tensor.dtype}, and a record holds float64 or float32: {remedy}")


def leaf_of(tensor: Any, name: str, around: Group | None) -> Node:
    """Return the leaf for a parameter, a buffer or an input."""
    node = leaf(numbers(tensor))
    node.label = name
    node.group = around or OUTSIDE
    return node


def spoken(place: Place) -> str:
    """Return a place for a message: file:line: code."""
    if place.source is None:
        return "a line that is not known"
    file, line = place.source
    return f"{file}:{line}: {linecache.getline(file, line).strip()}".rstrip(": ")


def refusal(step: Any, place: Place, reason: str) -> str:
    """Say which op cannot be taken over, where it is, and what to do."""
    return (
        f"aten.{name_of(step.target)} cannot be taken over: {reason}; called at {spoken(place)}. Cut the "
        "gradient off there with .detach(), or write it with ops that have an equivalent"
    )


# What an op draws at random: the same for both sides ------------------------------------------------------------------


def draw(name: str, args: Any, settings: Any) -> tuple[Any, Any] | None:
    """Return torch's result of an op that draws, made of what it drew, and that; None for all other ops."""
    if name in DRAWN and asks(args[0]) and args[2]:
        return _dropped(getattr(torch, name), *args)
    if name == "scaled_dot_product_attention":
        full = dict(zip(("query", "key", "value", "attn_mask", "dropout_p", "is_causal"), args)) | settings
        return _attended(**full) if full.get("dropout_p") else None
    return None


def _dropped(function: Callable[..., Any], x: Any, p: float, train: bool) -> tuple[Any, Any]:
    state = torch.get_rng_state()
    ones = function(torch.ones_like(x), p, train)
    torch.set_rng_state(state)
    offset = function(torch.zeros_like(x), p, train).detach()
    slope = ones.detach() - offset
    plain = not offset.any()
    return x * slope if plain else x * slope + offset, (numbers(slope), None if plain else numbers(offset))


def _attended(query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
              scale: Any = None, enable_gqa: bool = False) -> tuple[Any, Any]:  # fmt: skip
    shape = (*query.shape[:-1], key.shape[-2])
    drawn = torch.bernoulli(torch.full(shape, 1.0 - dropout_p, dtype=query.dtype)) / (1.0 - dropout_p)
    if enable_gqa:
        key, value = (x.repeat_interleave(query.shape[-3] // x.shape[-3], -3) for x in (key, value))
    scores = query @ key.transpose(-1, -2) * (1.0 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(shape[-2:], dtype=torch.bool).tril()
    if attn_mask is not None:
        hidden = attn_mask.dtype == torch.bool
        scores = scores.masked_fill(~attn_mask, -math.inf) if hidden else scores + attn_mask
    return (torch.softmax(scores, -1) * drawn) @ value, numbers(drawn)
