"""The training loop: minibatches, validation, early stopping, a progress bar, and Ctrl-C between two batches."""

from __future__ import annotations

import math
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_mini import DataError, ShapeError, Value, no_grad, ops, zero_grad
from autograd_mini.data import Array, array_of, sealed, unmasked
from autograd_mini.node import modes
from autograd_mini.op import operand

from . import init
from .errors import ExtraError, SettingError, extra, function, real, whole
from .losses import Loss, checked_loss, checked_weights, one_node, one_number
from .module import Module, checked_model
from .optim import Optimizer, State, adam, clip_by_norm, state_for
from .schedules import Schedule, constant
from .step import OF_CLASSES, checked, loss_function, sample_program

Record = dict[str, Any]
Callback = Callable[[Module, Record], Any]
Data = tuple[Array, ...]  # X, y, and sample weights where there are any


def fit(
    model: Module,
    X: Any,
    y: Any,
    *,
    loss: Loss,
    optimizer: Optimizer | None = None,
    epochs: int = 100,
    batch_size: int = 32,
    shuffle: bool = True,
    rng: init.Rng = None,
    weights: Any = None,
    schedule: Schedule | None = None,
    clip: float = math.inf,
    validation: tuple[Any, Any] | None = None,
    patience: int | None = None,
    tol: float = 1e-4,
    callbacks: Sequence[Callback] = (),
    progress: bool | None = None,
    state: State | None = None,
) -> list[Record]:
    """Train a model in place and return its history, one dict per epoch: epoch, learning_rate, loss, validation_loss.

    `X` has one sample a row; a model whose parameters are all Values sees one row at a time. `loss(predictions, y)` is
    one of `nn.losses` or your own; the loss of an epoch is the mean over its samples. `optimizer` is Adam by default,
    its rate follows `schedule(epochs so far, their losses)`. `clip` limits the norm of all gradients together.

    With `patience`, training stops after so many epochs in a row that improved the loss - on the `validation` data
    (X, y) where there are some - by no more than `tol`, and the best parameters are put back. A callback is called as
    `callback(model, record)` after each epoch; one that returns True ends the training. `progress` shows a bar: always,
    never, or (None) in a terminal when it takes longer than a second. `state`, from `optimizer.init(model)`, is gone on
    from and updated: `nn.save(model, path, state)` then saves the run.

    Ctrl-C ends the training after the current batch with a warning; the model and the history so far are good to use.
    A loss that is NaN or infinite raises NonFiniteError. The model is left switched to use (`model.eval()`).

    >>> from nn import Dense, squared_error
    >>> line = Dense(1, 1, "identity", rng=0); X = np.linspace(-1.0, 1.0, 20)[:, None]
    >>> history = fit(line, X, 3.0 * X + 1.0, loss=squared_error, optimizer=adam(0.1), rng=0)
    >>> line.W.data.round(2).tolist(), line.b.data.round(2).tolist()
    ([[3.0]], [1.0])
    """
    optimizer = adam() if optimizer is None else optimizer
    train = Trainer(model, loss, optimizer, real("clip", clip, "(0, inf]"), state)
    schedule = _schedule(schedule, optimizer.learning_rate)
    callbacks = _functions(callbacks)
    data = _dataset(model, X, y, weights)
    checks = _dataset(model, *_pair(validation), None) if validation is not None else None
    source, size = init.source(rng), whole("batch_size", batch_size)
    best = EarlyStopping(model, "loss" if checks is None else "validation_loss", patience, tol)
    history: list[Record] = []
    with _progress_bar(progress, whole("epochs", epochs)) as show, _between_batches() as train.pause:
        try:
            for rate in _rates(schedule, epochs, history):
                record = {"epoch": len(history) + 1, "learning_rate": rate}
                record["loss"] = train.epoch(minibatches(data, size, source if shuffle else None), rate)
                if checks is not None:
                    record["validation_loss"] = evaluate(model, *checks, loss=loss)
                history.append(record)
                show(record)
                stops = train.call(callbacks, record)
                if stops or best.reached(record):
                    break
        except KeyboardInterrupt:
            warnings.warn(f"training interrupted in epoch {len(history) + 1}; the model is usable", stacklevel=2)
        finally:
            model.eval()
    best.restore()
    return history


def _schedule(schedule: Any, learning_rate: float) -> Schedule:
    if schedule is None:
        return constant(learning_rate)
    kind = "a function of epochs and losses such as nn.schedules.constant(0.1)"
    checked_schedule: Schedule = function("schedule", schedule, kind)
    return checked_schedule


def _functions(callbacks: Any) -> Sequence[Callback]:
    if not isinstance(callbacks, (list, tuple)) or not all(map(callable, callbacks)):
        raise SettingError(f"callbacks must be a list of functions of model and record; got {callbacks!r}")
    return callbacks


def _pair(validation: Any) -> tuple[Any, Any]:
    if not isinstance(validation, (list, tuple)) or len(validation) != 2:
        many = f"a {type(validation).__name__} of {len(validation)}" if isinstance(validation, (list, tuple)) else ""
        raise SettingError(f"validation must be a pair (X, y), got {many or type(validation).__name__}")
    X, y = validation
    return X, y


def _rates(schedule: Schedule, epochs: int, history: list[Record]) -> Iterator[float]:
    """Yield the learning rate of each epoch, given the history that grows meanwhile."""
    losses: list[float] = []
    for epoch in range(epochs):
        losses += [record["loss"] for record in history[len(losses) :]]
        yield real("the learning rate of the schedule", schedule(epoch, losses), "[0, inf)")


class Trainer:
    """A model, its loss and its optimizer at work: epochs of batches, one update each."""

    def __init__(
        self, model: Module, loss: Loss, optimizer: Optimizer, clip: float = math.inf, state: State | None = None
    ) -> None:
        self.model, self.loss, self.optimizer, self.clip = model, checked_loss(loss), optimizer, clip
        self.state = state_for(optimizer, model, state)
        self.params = [entry[0] for entry in self.state]
        self.pause: Callable[[], None] = lambda: None
        self._program: Callable[..., float] | None = None
        self._planned = _plan(model)

    def epoch(self, batches: Iterator[Data], rate: float) -> float:
        """Run through the batches once, with `pause()` after each, and return the mean loss over all samples.

        It is the weighted mean where the samples have weights; a batch whose weights are all 0 is skipped.
        """
        self.model.train()
        total, mass = 0.0, 0.0
        for x, y, *weights in batches:
            share = float(np.sum(weights)) if weights else float(len(x))
            if share != 0.0:
                total += self.step(x, y, *weights, rate=rate) * share
                mass += share
            self.pause()
        return total / mass

    def call(self, callbacks: Sequence[Callback], record: Record) -> bool:
        """Return whether a callback says to stop; where one has rebuilt the model, the program is made anew.

        To look costs as much as a batch of a small network: a callback with `only_looks` is trusted to change nothing.
        """
        stops = [callback(self.model, record) for callback in callbacks]
        if not all(getattr(callback, "only_looks", False) for callback in callbacks):
            now = _plan(self.model)
            self._program = self._program if now == self._planned else None
            self._planned = now
        return any(stops)

    def step(self, x: Array, y: Array, *weights: Array, rate: float) -> float:
        """Compute the loss of one batch and its gradients, update the parameters, and return the loss."""
        if self._program is None:
            self._program = sample_program(self.model, self.loss, x, y) or self._record
        compute = self._record if modes.get() else self._program  # a mode wants to see the nodes
        value = compute(x, y, *weights)
        if self.clip < math.inf:
            clip_by_norm(self.params, self.clip)
        self.optimizer.update(self.state, rate)
        return value

    def _record(self, x: Array, y: Array, *weights: Array) -> float:
        """Record the loss of one batch, sweep back, and return the loss."""
        loss = one_node(_loss(self.model, self.loss, x, y, *weights))
        value = checked(loss.item())
        zero_grad(*self.params)
        loss.backward()
        return value


def _plan(model: Module) -> list[Any]:
    """Return what a program takes for granted: the layers, their activations, which nodes the parameters are."""
    return [repr(model), *map(id, model.parameters())]


class EarlyStopping:
    """Remember the best parameters, and say when there was no better record for `patience` epochs in a row."""

    def __init__(self, model: Module, watch: str, patience: int | None, tol: float) -> None:
        self.model, self.watch = model, watch
        self.patience = None if patience is None else whole("patience", patience)
        self.tol = real("tol", tol, "[0, inf)")
        self.best, self.bad = math.inf, 0
        self.state: dict[str, Array] = {}

    def reached(self, record: Record) -> bool:
        """Look at the record of an epoch and return whether to stop."""
        if self.patience is None:
            return False
        loss = record[self.watch]
        self.bad = 0 if loss < self.best - self.tol else self.bad + 1
        if loss < self.best:
            self.best, self.state = loss, self.model.state_dict()
        return self.bad >= self.patience

    def restore(self) -> None:
        """Put the best parameters back, if they were kept."""
        if self.state:
            self.model.load_state_dict(self.state)


def outputs(model: Any, X: Array) -> Any:
    """Return what the model makes of the rows of X, one by one if all its parameters are Values, else at once."""
    on_values = all(isinstance(p, Value) for _, p in model.named_parameters())
    return operand([model(row) for row in X.tolist()]) if on_values else model(X)


def evaluate(model: Module, X: Any, y: Any, *, loss: Loss) -> float:
    """Return the loss of a model on data that it does not learn from: nothing is recorded, dropout is off."""
    was_training = checked_model(model).training
    model.eval()
    try:
        with no_grad():
            return float(one_number(_loss(model, checked_loss(loss), *_dataset(model, X, y, None))))
    finally:
        model.train(was_training)


def minibatches(data: Data, size: int, source: Any = None) -> Iterator[Data]:
    """Yield the rows of several arrays together, `size` at a time and the rest last, in an order drawn from `source`.

    >>> [x.tolist() for x, in minibatches((np.arange(5),), 2)]
    [[0, 1], [2, 3], [4]]
    """
    n = len(data[0])
    order = np.arange(n) if source is None else source.permutation(n)
    for start in range(0, n, size):
        rows = order[start : start + size]
        yield tuple(sealed(array[rows]) for array in data)


def _loss(model: Module, loss: Loss, x: Array, y: Array, *weights: Array) -> Any:
    p = outputs(model, x)
    if ops.shape(p) == y.shape[:1] and (y.ndim == 2 or loss_function(loss) in OF_CLASSES):
        p = ops.expand_dims(p, -1)  # a network on Values with one output gives a number for a sample
    return loss(p, y, weights=weights[0]) if weights else loss(p, y)


def _dataset(model: Module, X: Any, y: Any, weights: Any) -> Data:
    """Return the data as arrays in the model's precision, one row per sample, or raise."""
    dtype = next((p.dtype for p in model.parameters()), None)
    X, y = array_of(X, dtype), unmasked(y)
    if X.ndim < 2 or not len(X) or y.shape[:1] != X.shape[:1]:
        raise ShapeError(f"X must have one row per sample and y one entry for each, got shapes {X.shape} and {y.shape}")
    if y.dtype.kind not in "iufb":
        raise DataError(f"y must hold numbers or class numbers, got {y.dtype}")
    for name, array in (("X", X), ("y", y)):
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            place = tuple(int(i) for i in bad[0])
            raise SettingError(f"{name} must be finite, got {array[place]} at {list(place)}")
    if weights is None:
        return X, y
    weights = checked_weights(weights, X.shape[:1])
    if not weights.any():
        raise SettingError("weights: their sum is 0, so there is no weighted mean")
    return X, y, weights


@contextmanager
def _between_batches() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back until the given function is called, so that no update is cut in two; pressed twice, it cuts.

    Only the main thread receives it, and a handler of the user's own is left alone.
    """
    pressed: list[int] = []

    def pause() -> None:
        if pressed:
            raise KeyboardInterrupt

    def note(signum: int, frame: Any) -> None:
        pause()
        pressed.append(signum)

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield pause
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield pause
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _progress_bar(show: bool | None, epochs: int) -> Iterator[Callable[[Record], None]]:
    """Yield a function that moves a bar on by one epoch; nothing moves without tqdm, unless a bar was asked for."""
    try:
        tqdm = extra("tqdm", "tqdm", "progress").tqdm if show is not False else None
    except ExtraError:
        if show:
            raise
        tqdm = None
    if tqdm is None:
        yield lambda record: None
        return
    when = {"disable": None, "delay": 1.0} if show is None else {}
    with tqdm(total=epochs, unit="epoch", **when) as bar:

        def advance(record: Record) -> None:
            bar.set_postfix({k: f"{v:.4g}" for k, v in record.items() if "loss" in k}, refresh=False)
            bar.update()

        yield advance
