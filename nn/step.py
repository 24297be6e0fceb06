"""Steps of training without a graph: a batch's loss and gradients from a program that was recorded once."""

from __future__ import annotations

import functools
import math
import operator
import sys
from typing import Any

import numpy as np

from autograd_mini import (
    Branches,
    DataError,
    Node,
    NonFiniteError,
    Program,
    ShapeError,
    Tensor,
    Value,
    compile,
    no_grad,
    ops,
)
from autograd_mini.data import Array, array_of, ignoring_fp_warnings, unmasked
from autograd_mini.kernels import checked_labels, one_hot
from autograd_mini.modes import Recording
from autograd_mini.node import assign, leaf, modes
from autograd_mini.programs.arrays.replay import Replay, keep
from autograd_mini.sweep import order

from . import losses
from .errors import SettingError, real
from .layers import MLP, Dropout, Layer, Neuron, Sequential
from .losses import Loss, checked_loss, one_node
from .module import Module
from .optim import Optimizer, State, cut, sgd, state_for

PER_SAMPLE = {  # losses whose value for a batch is the mean of what they are for each sample alone
    losses.squared_error, losses.half_squared_error, losses.absolute_error, losses.huber, losses.hinge,
    losses.sigmoid_cross_entropy, losses.poisson,
}  # fmt: skip

CHECKING = {losses.sigmoid_cross_entropy, losses.poisson, losses.hinge}  # losses that refuse some targets

OF_CLASSES = {losses.cross_entropy, losses.negative_log_likelihood}  # losses of class numbers, which become rows here

BLOCK = 2**17  # entries that are updated at a time: what the formula makes on the way stays in the cache


class Step:
    """One step of training a network on arrays: `step(x, y)` moves the parameters and returns the loss before.

    The first batch of a shape is recorded, and every batch of the last 32 shapes replayed: forward, backward, and the
    optimizer's update of all parameters at once, in buffers that are made once. Afterwards each parameter's `grad`
    holds the gradient of the last batch.

    `loss(predictions, y)` is one of `nn.losses`, also with settings as `functools.partial(nn.huber, delta=0.5)`, or
    your own, made of rows of the table. `nn.cross_entropy` takes class numbers y, or rows of probabilities,
    `nn.negative_log_likelihood` class numbers. The parameters move into one array that they share, so there is one step
    for a model at a time.
    `optimizer` is plain gradient descent by default; go on from an earlier `state` of it if you like.

    SettingError where a replay would not do what recording does: for a model that draws random numbers (dropout), for a
    branch that depends on data, for a parameter that the loss does not reach. What a model does beside computing, such
    as counting its calls, is done at the recording only, and what you change in it later, such as an activation, is not
    seen, but for the parameters' numbers: make a new step. NonFiniteError for a loss that is NaN or infinite; nothing
    has moved then.

    >>> from nn import Dense, squared_error
    >>> line = Dense(1, 1, "identity", rng=0); step = Step(line, squared_error, sgd(0.5))
    >>> x = np.linspace(-1.0, 1.0, 20)[:, None]
    >>> losses = [step(x, 3.0 * x + 1.0) for _ in range(100)]
    >>> line.W.data.round(6).tolist(), line.b.data.round(6).tolist()
    ([[3.0]], [1.0])
    """

    def __init__(self, model: Any, loss: Loss, optimizer: Optimizer | None = None, state: State | None = None) -> None:
        self.optimizer = optimizer or sgd()
        self.state = state_for(self.optimizer, model, state)
        self.model, self.loss = model, checked_loss(loss)
        self.params = [entry[0] for entry in self.state]
        _check_replayable(model, self.params)
        if len({entry[1] for entry in self.state}) > 1:
            raise SettingError("state has moved some parameters more often than others: go on with nn.fit")
        gradient, self._gradients = _shared([np.zeros_like(p._data) for p in self.params])
        memories = [_shared(list(arrays)) for arrays in zip(*(entry[2:] for entry in self.state))]
        self._flats = [gradient, *(flat for flat, _ in memories)]
        self._memory_views = [[parts[i] for _, parts in memories] for i in range(len(self.params))]
        self._lay_out([p._data for p in self.params])
        self._gather()
        self._references = self._counted()
        self._outputs: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._replays: dict[Any, tuple[Replay, list[Node]]] = {}

    def __call__(self, x: Any, y: Any, learning_rate: float | None = None) -> float:
        rate = (
            self.optimizer.learning_rate if learning_rate is None else real("learning_rate", learning_rate, "[0, inf)")
        )
        x, y = self._batch(x, y)
        kind = (x.shape, y.shape, self.model.training)
        self._leave_to_others()
        if kind not in self._replays or modes.get():  # a mode wants to see the nodes
            keep(self._replays, kind, self._recorded(x, y))
            self._references = self._counted()
        return ignoring_fp_warnings(self._move, *self._replays[kind], x, y, rate)

    def _lay_out(self, arrays: list[Array]) -> None:
        """Put the numbers of the parameters into one new array, of which `_views` are views in their shapes."""
        self._theta, self._views = _shared(arrays)
        gradient, *memories = self._flats
        self._blocks = _blocks([gradient, self._theta, *memories])

    def _counted(self) -> tuple[list[int], list[int]]:
        """Return how many references there are to the numbers and to the gradients, but for those of the parameters."""
        count, pairs = sys.getrefcount, zip(self.params, self._views, self._gradients)
        counts = [(count(a) - (p._data is a), count(g) - (getattr(p, "_grad", None) is g)) for p, a, g in pairs]
        numbers, gradients = zip(*counts)
        return [count(self._theta), *numbers], [count(self._flats[0]), *gradients]

    def _leave_to_others(self) -> None:
        """Go on in new arrays where somebody has a view of numbers or gradients: who holds it keeps what was."""
        now, before = self._counted(), self._references
        if now == before:
            return
        numbers, gradients = (any(map(operator.gt, *counts)) for counts in zip(now, before))
        if gradients:
            self._flats[0], self._gradients = _shared(self._gradients)
            self._replays.clear()  # they write into the buffers
        if numbers or gradients:  # both stand in the blocks
            current = [p for p, view in zip(self.params, self._views) if p._data is view]
            self._lay_out(self._views)
            for p, view in zip(self.params, self._views):
                if p in current:
                    p._data = view
            self._references = self._counted()

    def _gather(self) -> None:
        """Take over numbers that somebody has given to the parameters and the state, and lay out the gradients."""
        for p, view, g in zip(self.params, self._views, self._gradients):
            if p._data is not view:
                view[...] = p._data
                assign(p, view)
            if getattr(p, "_grad", None) is not g:
                p.grad = g
        for entry, views in zip(self.state, self._memory_views):
            for k, view in enumerate(views, 2):
                if entry[k] is not view:
                    view[...] = entry[k]
                    entry[k] = view

    def _move(self, replay: Replay, held: list[Node], x: Array, y: Array, rate: float) -> float:
        self._gather()
        value = checked(float(replay(x, y, *[p._data for p in (*self.params, *held)])[0]))
        t = self.state[0][1] + 1
        for g, p, *memory in self._blocks:
            for old, new in zip((p, *memory), self.optimizer.formula(p, g, rate, t, *memory)):
                if new is not old:
                    old[...] = new
        for entry in self.state:
            entry[1] = t
            assign(entry[0], entry[0]._data)
        return value

    def _batch(self, x: Any, y: Any) -> tuple[Array, Array]:
        """Return the batch in the precision of the parameters, class numbers as rows with a 1."""
        dtype = self.params[0].dtype
        x, y = _as(x, dtype), unmasked(y)
        if not x.size or not y.size:
            raise ShapeError(f"the batch is empty: x has shape {x.shape} and y {y.shape}")
        if loss_function(self.loss) in OF_CLASSES:
            return x, self._rows(x, y, dtype)
        y = _as(y, dtype)
        if loss_function(self.loss) in CHECKING:
            self.loss(np.zeros_like(y), y)
        elif x.shape in self._outputs:
            with no_grad():
                self.loss(Tensor(np.zeros(self._outputs[x.shape], dtype)), Tensor(y))
        return x, y

    def _rows(self, x: Array, y: Array, dtype: Any) -> Array:
        """Return targets as rows with an entry per class, given so or as class numbers."""
        shape = self._outputs.get(x.shape)
        if shape is None:
            with no_grad():
                shape = ops.shape(self.model(x))
            keep(self._outputs, x.shape, shape)
        if y.shape == shape and loss_function(self.loss) is losses.cross_entropy:
            rows = _as(y, dtype)
            self.loss(np.zeros_like(rows), rows)
            return rows
        labels: Array = checked_labels(y, shape)
        return one_hot(labels, shape[-1], dtype)

    def _recorded(self, x: Array, y: Array) -> tuple[Replay, list[Node]]:
        """Return the replay of a batch, and the leaves that it reads beside the batch and the parameters."""
        batch = [Tensor(x), Tensor(y)]
        root, again = self._record(*batch), self._record(*batch)
        if not np.array_equal(root._data, again._data, equal_nan=True):
            raise SettingError(
                "the model draws random numbers, which a replay cannot: train with nn.fit, which records"
            )
        inputs = [*batch, *self.params]
        held = [n for n in order(root) if n.op is None and n not in set(inputs)]
        replay = Replay([root], leaf(1.0), [*inputs, *held], self.params, self._gradients)
        if not all(replay.reached):
            names = {p: name for name, p in self.model.named_parameters()}
            lost = ", ".join(names[p] for p, reached in zip(self.params, replay.reached) if not reached)
            raise SettingError(f"the loss has no gradient for {lost}: leave it out, state=optimizer.init([the others])")
        return replay, held

    def _record(self, x: Tensor, y: Tensor) -> Node:
        """Return the loss of a batch, recorded."""
        with Recording(), Branches() as branches:
            outputs = self.model(x)
            root = _loss_of(self.loss, outputs, y)
        if _decided(branches, {y}):
            raise SettingError(
                "the model or the loss takes a branch or a check that depends on data: use nn.fit, which records"
            )
        if branches.guards:  # of the targets: each batch's are looked at
            keep(self._outputs, x.shape, outputs.shape)
        return one_node(root)


def loss_function(loss: Loss) -> Loss:
    """Return what a loss with settings, made by functools.partial, is made of; any other itself."""
    return loss.func if isinstance(loss, functools.partial) else loss


def _loss_of(loss: Loss, outputs: Any, y: Tensor) -> Any:
    """Return the loss of a batch; SettingError by its name where it wants y as plain numbers, to look something up."""
    try:
        return loss(outputs, y)
    except DataError as error:
        raise SettingError(
            f"{getattr(loss, '__name__', loss)} takes y as class numbers or an index, and a replay gives it a node: "
            "give Step nn.cross_entropy itself, or rows with a 1 at the class, which it takes too, or train with nn.fit"
        ) from error


def _decided(branches: Branches, but: set[Any]) -> bool:
    """Return whether the recording looked at other data than that of the nodes that are checked anyway."""
    return any(not {a for a in guard.args if isinstance(a, Node)} <= but for guard in branches.guards)


def _as(a: Any, dtype: Any) -> Array:
    return unmasked(a) if isinstance(a, np.ndarray) and a.dtype == dtype and a.ndim else array_of(a, dtype)


def _check_replayable(model: Module, params: list[Any]) -> None:
    drops = [m for m in model.modules() if isinstance(m, Dropout) and m.rate]
    if drops:
        raise SettingError(f"{drops[0]!r} draws anew for every batch, which a replay cannot: train with nn.fit")
    names = {p: name for name, p in model.named_parameters()}
    for p in params:
        if type(p) is not Tensor:
            raise SettingError(
                f"Step trains Tensors, {names[p]} is a Value: model.tensors() turns layers of Values over"
            )
        if p.dtype != params[0].dtype:
            raise SettingError(
                f"Step trains Tensors of one precision: {names[p]} is {p.dtype}, {names[params[0]]} {params[0].dtype}"
            )


def _shared(arrays: list[Array]) -> tuple[Array, list[Array]]:
    """Return one array with the entries of all, and views of it in their shapes.

    The first matrix in float32 is stored column by column: OpenBLAS reads W in W x a tenth quicker so, and no gradient
    goes through it to the data, which would take longer.
    """
    first = next((a for a in arrays if a.ndim == 2 and a.dtype == np.float32), None)
    turned = [a.T if a is first else a for a in arrays]
    flat = np.concatenate([a.ravel() for a in turned])
    views = cut(flat, [a.shape for a in turned])
    return flat, [view if t is a else view.T for view, t, a in zip(views, turned, arrays)]


def _blocks(flats: list[Array]) -> list[tuple[Array, ...]]:
    """Return views of the arrays, block by block of the same entries."""
    starts = range(0, len(flats[0]), BLOCK)
    return list(zip(*([flat[i : i + BLOCK] for i in starts] for flat in flats)))


def checked(value: float) -> float:
    """Return a loss that is finite; NonFiniteError for any other."""
    if not math.isfinite(value):
        raise NonFiniteError(
            f"the loss became {value}: try a smaller learning rate, clip=1.0, or scaled inputs; "
            "inside detect_nonfinite() the first op that went wrong is named"
        )
    return value


# Networks on Values ---------------------------------------------------------------------------------------------------


class SampleProgram:
    """The loss of a network on Values as a program of one sample, run for all samples of a batch side by side."""

    def __init__(self, params: list[Any], program: Program, loss: Loss) -> None:
        self._params, self._program, self._check = params, program, loss

    def __call__(self, x: Array, y: Array, *weights: Array) -> float:
        """Return the mean loss over the batch, the weighted one with weights, and leave its gradients in `grad`."""
        given = {"weights": weights[0]} if weights else {}
        self._check(np.zeros(y.shape), y, **given)  # the loss refuses what is no target, as when it is recorded
        share = weights[0] / weights[0].sum() if weights else np.full(len(x), 1.0 / len(x))
        columns = np.concatenate([x, y.reshape(len(y), -1)], axis=1).T
        data = [p._data for p in self._params]
        value, gradients = self._program(*data, *columns, gradient=share)
        for p, g in zip(self._params, ignoring_fp_warnings(np.sum, gradients[: len(data)], 1).tolist()):
            p.grad = g
        return checked(float(ignoring_fp_warnings(np.dot, value, share)))


def sample_program(model: Any, loss: Loss, x: Array, y: Array) -> SampleProgram | None:
    """Return the program for a network on Values whose loss is a mean over samples; None for every other.

    Layers and activations of your own are always recorded: they may draw random numbers, or keep a state.
    What it gives differs from a recorded batch by the rounding of another order of sums.
    """
    params = model.parameters()
    if not _is_mean(loss) or not all(map(_is_plain, model.modules())) or any(type(p) is not Value for p in params):
        return None
    inputs = [Value(a) for a in x[0].tolist()]
    targets = [Value(float(a)) for a in y[:1].ravel()]
    with Branches() as branches:
        outputs = model(list(inputs))
        if not isinstance(outputs, Value) or len(targets) != 1:
            return None
        root = loss(outputs, targets[0])
    if _decided(branches, set(targets)) or ops.shape(root):
        return None
    reached = set(order(root))
    if any(n.ndim for n in reached):  # a layer that looks at all its numbers together, as softmax does
        return None
    params = [p for p in params if p in reached]
    return SampleProgram(params, compile(root, [*params, *inputs, *targets]), loss)


def _is_mean(loss: Loss) -> bool:
    """Return whether the loss of a batch is the mean of those of its samples."""
    settings = set(loss.keywords) if isinstance(loss, functools.partial) else set()
    return loss_function(loss) in PER_SAMPLE and not settings & {"reduction", "weights"}


def _is_plain(module: Module) -> bool:
    """Return whether a module is one of ours and does the same for every batch."""
    if isinstance(module, Sequential):
        return type(module) in (MLP, Sequential) and all(isinstance(layer, Module) for layer in module.layers)
    if type(module) is Dropout:
        return not module.rate
    return type(module) in (Layer, Neuron) and isinstance(module.activation, str)  # type: ignore[attr-defined]
