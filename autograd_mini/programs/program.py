"""Program: a record compiled into straight-line source that computes its value and every gradient, without a graph.

A branch that the recording took is frozen into a program. Where a comparison of nodes decided it, the program checks
the comparison and raises BranchError when it would come out otherwise; a compiled function records again then.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from ..data import array_of, ignoring_fp_warnings, number_of, unmasked
from ..errors import AutogradError, DataError, ShapeError
from ..modes import Mode, caller, spoken
from ..node import Node, filled, leaf
from ..op import NAMED
from .arrays.replay import Replay
from .languages import framework_scripts as frameworks
from .languages import javascript_source as scripts
from .languages import latex_source as aligned
from .languages import python_source as source
from .languages.dialects import CAREFUL, NUMPY
from .languages.listing import Guard, Listing
from .languages.run import run_source
from .simplify import simplified

T = TypeVar("T")
Run = Callable[..., tuple[Any, tuple[Any, ...]]]


class BranchError(AutogradError, RuntimeError):
    """A program was run on inputs for which the recording would have taken another branch."""


class Branches(Mode):
    """Notes every comparison of nodes inside `with`, so that a program of the record can check them.

    >>> from autograd_mini import Value, compile
    >>> x = Value(2.0, label="x")
    >>> with Branches() as branches:
    ...     y = x * x if x > 1 else -x
    >>> program = compile(y, [x], branches=branches)
    >>> program(3.0)
    (9.0, (6.0,))
    >>> program(0.5)
    Traceback (most recent call last):
    autograd_mini...BranchError: x > 1 was true when this was recorded and is not for these inputs: record again
    (asked at ...:2: y = x * x if x > 1 else -x; where nothing computed hangs on it, ask x.data)
    """

    keeps_decisions = True

    def __init__(self) -> None:
        super().__init__()
        self.guards: list[Guard] = []

    def compared(self, text: str, args: tuple[Any, ...], outcome: Any) -> None:
        self.guards.append(Guard(text, args, outcome, caller()))

    def __enter__(self) -> Branches:
        super().__enter__()
        return self


class Program:
    """The value of one root and its gradient with respect to `inputs`, as a function that builds no graph.

    Call it with a number or an array for each input, in their order: it returns the value and the tuple of gradients,
    as the engine gives them. Arrays of shape (n,) in place of numbers are n samples: the value and the gradients are
    those of each. Leaves that are no inputs keep their own data, which is read at each call.
    """

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self.root = listing.root
        self.inputs = tuple(listing.inputs)
        self._one_printer = threading.RLock()
        # Printing and compiling takes as long as dozens of sweeps: not for a program that is run but once.
        self._fresh = type(listing) is Listing and not listing.guards

    def __repr__(self) -> str:
        names = ", ".join(self.names[:6]) + (", ..." if len(self.names) > 6 else "")
        return f"<Program of {len(self._listing.nodes):,} nodes: {names}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the record as steps, and the texts that were printed."""
        printed = {name: text for name, text in vars(self).items() if isinstance(text, str)}
        return type(self), (self._listing,), printed

    @property
    def names(self) -> list[str]:
        """The names of the inputs in the source."""
        return [self._listing.names[n] for n in self.inputs]

    @cached_property
    def source(self) -> str:
        """The program in Python: forward, then backward, one line per node and per contribution.

        A product that stands in one sum of several terms and nowhere else is written there: a neuron is one line.
        It runs by itself, and gives the engine's bits. On numbers it needs `math` alone, or numpy where a function of
        the table does; where Python's floats raise (1/0) so does it.
        """
        return self._printed(source.python_source)

    @cached_property
    def numpy(self) -> str:
        """The program in Python over numpy's arrays: for a record of numbers, over a whole batch."""
        return self._printed(source.python_source, dialect=NUMPY)

    @cached_property
    def javascript(self) -> str:
        """The program in JavaScript: a function that returns `{value, gradients}`.

        Of a record of Tensors it takes and returns nested lists. What had float32 is rounded to it op by op.
        """
        return self._printed(scripts.javascript_source)

    @cached_property
    def torch(self) -> str:
        """The computation as a script for torch, which differentiates it itself."""
        return self._printed(frameworks.torch_source)

    @cached_property
    def jax(self) -> str:
        """The computation as a script for JAX, which differentiates it itself."""
        return self._printed(frameworks.jax_source)

    @cached_property
    def latex(self) -> str:
        r"""The equations of the record and of its sweep as one `aligned` block of LaTeX, \bar{z} the gradient of z."""
        return self._printed(aligned.latex_source)

    def _printed(self, write: Callable[..., T], **how: Any) -> T:
        """Write the record out: one thread at a time, for on the way constants get their names."""
        with self._one_printer:
            return write(self._listing, **how)

    def __call__(self, *inputs: Any, gradient: Any = 1.0) -> tuple[Any, tuple[Any, ...]]:
        if not self._listing.is_scalar:
            return self._on_arrays(self._counted(inputs), gradient)
        entries = self._entries(inputs)
        if entries is inputs and type(gradient) is float:
            return self._on_numbers(inputs, gradient)
        gradient = _entry("gradient", gradient)
        run = self._on_batch if any(map(np.ndim, (*entries, gradient))) else self._on_numbers
        return run(entries, gradient)

    def summed(self, *inputs: Any, gradient: Any = 1.0) -> tuple[float, tuple[float, ...]]:
        """Run a batch and return the sum of its values and, for each input, the sum of its gradients.

        >>> from autograd_mini import Value, compile
        >>> x, w = Value(1.0, label="x"), Value(2.0, label="w")
        >>> compile(w * x, [x, w]).summed(np.array([1.0, 2.0, 3.0]), 2.0)
        (12.0, (6.0, 6.0))
        """
        return self._summed(self._entries(inputs), _entry("gradient", gradient))

    def simplified(self) -> Program:
        r"""Return a program that gives the same by less work: what is constant is computed now, what is equal once.

        Leaves that are no inputs keep the data of this moment. The value keeps every bit; gradients may be rounded
        otherwise, since what is equal passes the sum of its contributions on, in place of each.

        >>> from autograd_mini import Value, compile
        >>> w, x = Value(3.0, label="w"), Value(2.0, label="x")
        >>> program = compile((w * x).exp() + x.exp() * 1.0, [x]).simplified()
        >>> print(program.source.rpartition("\n\n\n")[2])
        def program(x, L_bar=1.0):
            v2 = exp(3 * x)
            v3 = exp(x)
            return v2 + v3, (L_bar * v3 + L_bar * v2 * 3,)
        <BLANKLINE>
        """
        return type(self)(simplified(self._listing))

    def _counted(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(inputs) != len(self.inputs):
            raise ShapeError(
                f"{self!r} takes {len(self.inputs)} inputs, got {len(inputs)}: give one for each, in order"
            )
        return inputs

    def _entries(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the inputs of a record of numbers as floats and arrays of samples."""
        if _are_floats(self._counted(inputs)):
            return inputs
        return tuple(map(_entry, self.names, inputs))

    # How it runs ------------------------------------------------------------------------------------------------------

    @cached_property
    def _run(self) -> Run:
        return self._defined_by(self.source)

    @cached_property
    def _run_batch(self) -> Run:
        return self._defined_by(self.numpy)

    @cached_property
    def _run_careful(self) -> Run:
        """The same lines as calls of rows, which give what IEEE 754 says where Python's floats raise."""
        return self._defined_by(self._printed(source.python_source, dialect=CAREFUL), NAMED)

    def _on_numbers(self, inputs: tuple[Any, ...], gradient: float) -> tuple[float, tuple[float, ...]]:
        if self._fresh:
            self._fresh = False
            return self._listing.swept(inputs, gradient)
        held = [n._data for n in self._listing.captured]
        try:
            value, gradients = ignoring_fp_warnings(_called, self._run, inputs + (*held, gradient))
        except (ArithmeticError, ValueError):
            value, gradients = self._run_careful(*inputs, *held, gradient)
        return float(value), gradients if self._listing.is_tabled else tuple(map(float, gradients))

    def _on_batch(self, inputs: Sequence[Any], gradient: Any) -> tuple[Any, tuple[Any, ...]]:
        shape = batch_shape([*self.names, "gradient"], [*inputs, gradient])
        given = (*inputs, *(n._data for n in self._listing.captured), gradient)
        value, gradients = ignoring_fp_warnings(self._run_batch, *(np.asarray(a, dtype=float)[()] for a in given))
        found = [np.array(np.broadcast_to(a, shape), float) for a in (value, *gradients)]
        return found[0], tuple(found[1:])

    def _summed(self, inputs: tuple[Any, ...], gradient: Any) -> tuple[float, tuple[float, ...]]:
        value, gradients = self(*inputs, gradient=gradient)
        return float(np.sum(value)), tuple([float(np.sum(g)) for g in gradients])

    def _on_arrays(self, inputs: Sequence[Any], gradient: Any) -> tuple[Any, tuple[Any, ...]]:
        given = [_like(name, node, a) for name, node, a in zip(self.names, self.inputs, inputs)]
        seed = _like("gradient", self.root, gradient)
        data = [*given, *(n._data for n in self._listing.captured), seed]
        if self._listing.guards:
            return self._on_arrays_guarded(data)
        replay = self._replay  # once: two threads that ask first make one each
        with replay.lock:
            value, *gradients = replay(*data)
            return _fitted(value, self.root), tuple(map(_fitted, gradients, self.inputs))

    def _on_arrays_guarded(self, data: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
        """Run the source, which looks at the comparisons; a replay computes what it must and nothing else."""
        value, gradients = ignoring_fp_warnings(self._run, *(np.float64(a) if type(a) is float else a for a in data))
        return _fitted(value, self.root), tuple(map(_fitted, gradients, self.inputs))

    @cached_property
    def _replay(self) -> Replay:
        """The record in buffers: recorded anew, for the leaves may have new data since, which would make it stale."""
        again = copy.deepcopy(self._listing)
        seed = leaf(filled(again.root, 1.0))
        return Replay([again.root], seed, [*again.inputs, *again.captured, seed], again.inputs)

    def _defined_by(self, text: str, rows: Mapping[str, Any] | None = None) -> Run:
        """Return the function that a source defines; what it raises for another branch is a BranchError here."""
        run: Run = run_source(text, given={**(rows or source.own_rows()), "RuntimeError": self._refusal})
        return run

    def _refusal(self, message: str) -> BranchError:
        """Return the error for a branch that is not the recorded one, with the user's line that asked."""
        asked = [b.guard.place for b in self._printed(source.branches) if b.message == message and b.guard.place]
        told = [f"\n(asked at {spoken(place)}; where nothing computed hangs on it, ask x.data)" for place in asked[:1]]
        return BranchError(message + "".join(told))


def _called(run: Run, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """Call a program with its arguments, of which there may be hundreds: each star on the way would copy them."""
    return run(*args)


def _are_floats(numbers: Sequence[Any]) -> bool:
    """Return whether all are Python's floats: of hundreds this is the quickest look."""
    return [*map(type, numbers)].count(float) == len(numbers)


def _entry(name: str, a: Any) -> Any:
    """Return an input of a record of numbers: a float, or an array of samples."""
    if type(a) is float:
        return a
    refuse_node(name, a)
    return array_of(a) if np.ndim(a) else number_of(a)


def refuse_node(name: str, a: Any) -> None:
    """Raise DataError for a node in place of a number or an array: it would be taken without its record."""
    if isinstance(a, Node):
        raise DataError(
            f"input {name} is a node: a program records nothing, give it {name}.data; "
            "a compiled function f is recorded as part of another where that calls f.__wrapped__"
        )


def batch_shape(names: Sequence[str], given: Sequence[Any]) -> tuple[int, ...]:
    """Return the shape of the batch: () where all are numbers, else the one shape that every array has."""
    shapes = {np.shape(a): name for name, a in zip(names, given) if np.ndim(a)}
    if len(shapes) > 1:
        found = " and ".join(f"{name} of shape {shape}" for shape, name in shapes.items())
        raise ShapeError(f"one batch has one shape, got {found}: repeat or cut the shorter")
    return next(iter(shapes), ())


def _like(name: str, node: Node, a: Any) -> Any:
    """Return an input of a record of arrays, with the shape and the precision that it had when it was recorded."""
    refuse_node(name, a)
    array = unmasked(a) if isinstance(a, np.ndarray) and a.dtype == node.dtype else array_of(a, node.dtype)
    if array.shape != node.shape:
        raise ShapeError(f"{name} has shape {array.shape}, and had {node.shape} when this was recorded: record again")
    return array if node.ndim else float(array)


def _fitted(a: Any, node: Node) -> Any:
    """Return data in the shape and the precision of a node."""
    return np.array(np.broadcast_to(a, node.shape), node.dtype) if node.ndim else float(a)
