"""Tapes: a record of numbers as a list of instructions, run by a compiled interpreter: a new graph compiles nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from operator import attrgetter
from typing import Any

import numpy as np

from . import machine
from .assembly import IN_LIST, NO_SECOND, WIDTH
from .data import Array, number_of
from .errors import DataError, ShapeError
from .node import ALL, NONE, Node, Value

WIDEST = 64  # lanes that are computed together: their numbers are to stay in the processor's cache
BLOCK = 1 << 15  # numbers of one kind, values or gradients, that fit into it

_op, _first, _second = attrgetter("op"), attrgetter("first"), attrgetter("second")


class Tape:
    """A record of Values as instructions: call it with the inputs' numbers for the value and the gradients.

    It holds the leaves that are no inputs, and reads their numbers at `refresh`.
    """

    def __init__(self, code: Array, lists: Array, root: int, held: Sequence[Node], numbers: Array, inputs: int) -> None:
        self.inputs = inputs
        self._code = (code, lists)
        self._root = root
        self._held = held
        self._numbers = numbers
        self._machine = machine.load("scalar")
        self.refresh()

    def __len__(self) -> int:
        """Return the number of instructions; a sum of products is one."""
        return self._code[0].size // WIDTH

    def refresh(self) -> None:
        """Read the numbers of the leaves that are no inputs once more."""
        self._numbers[: len(self._held)] = [n._data for n in self._held]

    def __call__(self, values: Any, gradient: float = 1.0) -> tuple[float, Array]:
        """Return the value and the gradient with respect to each input, for one number per input.

        >>> from autograd_mini import Value
        >>> x, w = Value(2.0), Value(3.0); y = w * x**2
        >>> tape_of([x, w, y.args[1], y], y, [w, x])([3.0, 2.0])
        (12.0, array([ 4., 12.]))
        """
        out = np.empty(self.inputs + 1)
        self.run(np.array(values, dtype=np.float64), out, gradient)
        return float(out[0]), out[1:]

    def run(self, values: Array, out: Array, gradient: float = 1.0) -> None:
        """Compute into `out`, of shape (1 + inputs,): the value, then the gradients. `values` has shape (inputs,).

        Both are contiguous arrays of float64; nothing is converted and nothing is left behind. ShapeError, DataError
        otherwise.
        """
        try:
            fits = self._machine.run(*self._code, self._numbers, self._root, self.inputs, values, gradient, out)
        except TypeError:
            raise DataError(
                "run takes contiguous arrays of float64 and a float: np.ascontiguousarray(x, float)"
            ) from None
        if not fits:
            raise ShapeError(
                f"run takes {self.inputs} values and {1 + self.inputs} places, got {values.size} and {out.size}"
            )

    def lanes(self, values: Any, gradient: Any = 1.0) -> tuple[Array, Array]:
        """Return the values, of shape (n,), and the gradients, of shape (inputs, n), of n samples side by side.

        `values` has one row per input, or is a list of numbers and arrays of shape (n,): a number is the same in every
        sample. `gradient` is a number, or one per sample.
        """
        lanes = np.ascontiguousarray(np.broadcast_arrays(*map(np.float64, values)), dtype=np.float64)
        varied = np.arange(self.inputs)
        return self._lanes(np.zeros(self.inputs), varied, lanes, gradient)[::2]

    def summed(self, values: Sequence[Any], gradient: Any = 1.0) -> tuple[Array, list[Any]]:
        """Return the same, with the gradients of what is one number in all samples summed over them, in their order."""
        varied = [i for i, x in enumerate(values) if type(x) is not float and np.ndim(x)]
        lanes = np.array(np.broadcast_arrays(*(values[i] for i in varied)), dtype=np.float64)
        shared = np.array([0.0 if np.ndim(x) else x for x in values])
        out, sums, slopes = self._lanes(shared, np.array(varied), lanes, gradient)
        gradients: list[Any] = sums.tolist()
        for i, slope in zip(varied, slopes):
            gradients[i] = slope
        return out, gradients

    def _lanes(self, shared: Array, varied: Array, lanes: Array, gradient: Any) -> tuple[Array, Array, Array]:
        n = lanes.shape[1]
        out, sums, slopes = np.empty(n), np.zeros(self.inputs), np.empty_like(lanes)
        seeds = np.ascontiguousarray(np.broadcast_to(np.float64(gradient), n))
        machine.load("lanes").run_lanes(
            *self._code, self._numbers, self._root, shared, varied, lanes, seeds, out, sums, slopes, 32
        )
        return out, sums, slopes


class _Slots(dict[Any, int]):
    """Where each argument's number stands; a number or a longer list of arguments is given its place when it comes."""

    def __init__(self, nodes: Iterable[Node], places: int) -> None:
        super().__init__(zip(nodes, count()))
        self[NONE], self[ALL] = NO_SECOND, IN_LIST
        self.numbers: list[float] = []
        self.more: list[int] = []
        self._places = places

    def __missing__(self, arg: Any) -> int:
        if type(arg) is tuple:
            return self._listed(arg)
        if isinstance(arg, Node):
            raise DataError("the record is not whole: an argument is not among the nodes")
        self.numbers.append(number_of(arg))
        place = self._places + len(self.numbers) - 1
        if arg:  # 0.0 and -0.0 are equal, and are not the same
            self[arg] = place
        return place

    def _listed(self, args: tuple[Any, ...]) -> int:
        slots = [self[a] for a in args]
        self.more += [len(slots), *slots]
        return len(self.more) - len(slots) - 1


def tape_of(nodes: Sequence[Node], root: Node, inputs: Sequence[Node]) -> Tape:
    """Return the tape of a record: `nodes` are all that `root` was computed from, and itself, oldest first.

    `inputs` are the leaves that a call gives numbers for; other leaves keep theirs. DataError for a Tensor in the
    record or a row over whole arrays.
    """
    if set(map(type, nodes)) != {Value}:
        raise DataError("a tape computes with numbers: this record has Tensors, use another backend")
    results = [n for n in nodes if n.op is not None]
    variable = set(inputs)
    held = [n for n in nodes if n.op is None and n not in variable]
    slots = _Slots([*inputs, *held, *results], len(inputs) + len(held) + len(results))
    columns = np.empty((3, len(results)), np.int64)
    try:
        columns[0] = _column(machine.rows(), map(_op, results), len(results))
    except KeyError as error:
        raise DataError(f"a tape computes with numbers, entry by entry: it has no {error.args[0].name}") from None
    columns[1] = _column(slots, map(_first, results), len(results))
    columns[2] = _column(slots, map(_second, results), len(results))
    numbers = np.array([*(n._data for n in held), *slots.numbers, -0.0])
    more = np.array(slots.more, np.int64)
    code, lists, at = machine.load("scalar").assembled(
        columns, more, machine.rules(), numbers, len(inputs), len(inputs) + len(held), slots[root]
    )
    return Tape(code, lists, at, held, numbers, len(inputs))


def _column(places: dict[Any, int], things: Iterable[Any], n: int) -> Array:
    return np.fromiter(map(places.__getitem__, things), np.int64, n)
