"""Tapes: a record of numbers as a list of instructions, run by a compiled interpreter: a new graph compiles nothing.

Values and gradients are the engine's, in every bit where the rows are made of arithmetic: contributions are added in
the order of the sweep, and 1/0 or log 0 give what IEEE 754 says. exp, expm1 and tanh are those of `abreast`, other
functions the C library's: they may round the last bits otherwise than numpy.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from itertools import count
from operator import attrgetter
from typing import Any

import numpy as np

from ...data import Array, array_of, ignoring_fp_warnings, number_of
from ...errors import DataError, ShapeError
from ...node import ALL, NONE, Node, Value
from ...op import ROWS
from . import interpreter
from .assembly import IN_LIST, NO_SECOND
from .straight_line import straight_run

WIDEST = 128  # lanes abreast
CACHED = 1 << 16  # numbers that stay in the processor's cache: the lanes abreast of all slots are no more, if 8 can be

_op, _first, _second = attrgetter("op"), attrgetter("first"), attrgetter("second")


class Tape:
    """A record of Values as instructions: call it with the inputs' numbers for the value and the gradients.

    It holds the leaves that are no inputs, and reads their numbers at `refresh`. It may run in several threads at once.
    """

    def __init__(
        self, code: tuple[Array, Array], shown: Array, idle: Array, held: Sequence[Node], numbers: Array, size: int
    ) -> None:
        self.inputs = size
        self._code = code
        self._shown, self._idle = shown, idle
        self._held = held
        self._numbers = numbers

    @cached_property
    def _run(self) -> Callable[..., bool]:
        """The interpreter on these instructions: compiled when it is first asked for, as straight lines never do."""
        return partial(interpreter.load("scalar").run, *self._code, self._numbers, self._shown, self._idle, self.inputs)

    def __len__(self) -> int:
        """Return the number of instructions; a sum of products is one."""
        return len(self._code[0])

    def refresh(self) -> None:
        """Read the numbers of the leaves that are no inputs once more."""
        self._numbers[: len(self._held)] = [n._data for n in self._held]

    def straight(self) -> Tape:
        """Return the same tape with its instructions compiled one after the other: it runs without an interpreter.

        Compiling takes seconds for some hundred instructions, once for each record and its constants' places; lanes
        are interpreted as before.
        """
        tape = copy.copy(self)
        run = straight_run(self._code, self._shown, self.inputs, self._numbers.size)
        tape._run = partial(run, self._numbers)
        return tape

    def __call__(self, values: Any, gradient: float = 1.0) -> tuple[float, Array]:
        """Return the value and the gradient with respect to each input, for one number per input.

        >>> x, w = Value(2.0), Value(3.0); y = w * (x + 1)
        >>> tape_of([x, w, y.args[1], y], y, [w, x])([3.0, 2.0])
        (9.0, array([3., 3.]))
        """
        out = np.empty(self.inputs + self._shown.size)
        self.run(array_of(values, np.float64), out, gradient)
        return float(out[0]), out[1 : self.inputs + 1]

    def run(self, values: Array, out: Array, gradient: float = 1.0) -> None:
        """Compute into `out`, of shape (1 + inputs + watched,): the value, the gradients, the values that are watched.

        `values` has shape (inputs,). Both are contiguous arrays of float64, nothing is converted and nothing allocated
        that outlives the call. ShapeError, DataError otherwise.
        """
        try:
            fits = self._run(values, gradient, out)
        except TypeError:
            raise DataError(
                "run takes two contiguous arrays of float64, the second writeable, and a number: np.array(x, float)"
            ) from None
        if not fits:
            places = self.inputs + self._shown.size
            raise ShapeError(f"run takes {self.inputs} values and {places} places, got {values.size} and {out.size}")

    def lanes(self, values: Sequence[Any], gradient: Any = 1.0) -> tuple[Array, Array]:
        """Return the values, of shape (n,), and the gradients, of shape (inputs, n), of n samples side by side.

        `values` holds for each input a number, the same in all samples, or an array of shape (n,). `gradient` is a
        number, or one per sample. Where all arrays among the values have float32, so has everything.

        >>> x, w = Value(2.0), Value(3.0); y = w * (x + 1)
        >>> tape_of([x, w, y.args[1], y], y, [w, x]).lanes([3.0, np.array([1.0, 2.0])])
        (array([6., 9.]), array([[2., 3.],
               [3., 3.]]))
        """
        shared, varied, given = self._sides(values)
        rows = np.empty((self.inputs, given.shape[1]), given.dtype)
        rows[:] = shared[:, None]
        rows[varied] = given
        shown, _, slopes = self.batch(shared, np.arange(self.inputs), rows, gradient)
        return shown[0], slopes

    def summed(self, values: Sequence[Any], gradient: Any = 1.0) -> tuple[Array, Array]:
        """Return the values, of shape (n,), and the gradients summed over the samples: shape (inputs,).

        >>> x, w = Value(2.0), Value(3.0); y = w * (x + 1)
        >>> tape_of([x, w, y.args[1], y], y, [w, x]).summed([3.0, np.array([1.0, 2.0])])
        (array([6., 9.]), array([5., 6.]))
        """
        shown, sums, _ = self.batch(*self._sides(values), gradient)
        return shown[0], sums

    def batch(self, shared: Array, varied: Array, lanes: Array, gradient: Any = 1.0) -> tuple[Array, Array, Array]:
        """Return the values, of shape (1 + watched, n); the summed gradients; those of the varied inputs by sample.

        `shared` holds a number for each input; `varied` says in place of which ones, by position, the rows of `lanes`
        stand, of shape (varied, n). Contiguous arrays of float64 or all of float32, in which it then computes, and
        `varied` of int64: nothing is converted. The sums are added in no order of their own. ShapeError, DataError
        otherwise.
        """
        n, kind = lanes.shape[-1], lanes.dtype
        shown, sums = np.empty((self._shown.size, n), kind), np.empty(self.inputs, kind)
        slopes = np.empty(lanes.shape, kind)
        places = shared, varied, lanes, _seeds(gradient, n, kind), shown, sums, slopes, self._width(n)
        ends = self._shown, self._idle, self.inputs
        try:
            fits = interpreter.load(_lanes_of(kind)).run_lanes(*self._code, self._numbers, *ends, *places)
        except TypeError:
            raise DataError(
                "batch takes contiguous arrays, all of float64 or all of float32, the lanes with two axes, and "
                f"positions of int64; got {shared.dtype}, {kind} with {lanes.ndim} axes, {varied.dtype}"
            ) from None
        if not fits:
            raise ShapeError(
                f"batch takes {self.inputs} shared numbers and a row for each varied input; got shapes {shared.shape}, "
                f"{lanes.shape} for the positions {varied.tolist()}"
            )
        return shown, sums, slopes

    def _width(self, n: int) -> int:
        """Return how many lanes go abreast: blocks of one size, in fours as processors add, that fit into the cache."""
        widest = max(8, min(WIDEST, CACHED // (self.inputs + self._numbers.size + len(self))))
        blocks = -(-n // widest) or 1
        return -(-n // (4 * blocks)) * 4 or 4

    def _sides(self, values: Sequence[Any]) -> tuple[Array, Array, Array]:
        """Return the numbers that all samples share, the positions of the arrays, and these as rows."""
        if len(values) != self.inputs:
            raise ShapeError(f"the tape takes {self.inputs} inputs, got {len(values)}")
        varied = [i for i, x in enumerate(values) if type(x) is not float and np.ndim(x)]
        plain = list(values)
        for i in varied:
            plain[i] = 0.0
        shared = np.array([x if type(x) is float else number_of(x) for x in plain])
        rows = [array_of(values[i]) for i in varied]
        shapes = {row.shape for row in rows}
        if len(shapes) != 1 or len(rows[0].shape) != 1:
            found = " and ".join(map(str, sorted(shapes))) or "numbers alone"
            raise ShapeError(f"lanes are arrays of one shape (n,), at least one among the inputs; got {found}")
        lanes = np.array(rows)
        return ignoring_fp_warnings(shared.astype, lanes.dtype), np.array(varied), lanes


def _lanes_of(dtype: Any) -> str:
    return "float32" if dtype == np.float32 else "float64"


def _seeds(gradient: Any, n: int, dtype: Any) -> Array:
    """Return a gradient for each lane."""
    if type(gradient) is float or not np.ndim(gradient):
        return ignoring_fp_warnings(np.full, n, number_of(gradient), dtype)
    seeds = ignoring_fp_warnings(array_of, gradient, dtype)
    if seeds.shape != (n,):
        raise ShapeError(f"a gradient of shape {seeds.shape} for {n} lanes: give one number, or one for each")
    return seeds


class _Slots(dict[Any, int]):
    """Where each argument's number stands; a number or a longer list of arguments is given its place when it comes."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        super().__init__(zip(nodes, count()))
        self[NONE], self[ALL] = NO_SECOND, IN_LIST
        self.numbers: list[float] = []
        self.more: list[int] = []
        self._end = len(nodes)

    def __missing__(self, arg: Any) -> int:
        if type(arg) is tuple:
            return self._listed(arg)
        if isinstance(arg, Node):
            raise DataError("the record is not whole: an argument is not among the nodes")
        place = self._end + len(self.numbers)
        self.numbers.append(number_of(arg))
        if arg:  # 0.0 and -0.0 are equal, and are not the same
            self[arg] = place
        return place

    def _listed(self, args: tuple[Any, ...]) -> int:
        slots = [self[a] for a in args]
        self.more += [len(slots), *slots]
        return len(self.more) - len(slots) - 1

    def column(self, args: Iterable[Any], n: int) -> Array:
        """Return the slots of n arguments."""
        return np.fromiter(map(self.__getitem__, args), np.int64, n)


def tape_of(nodes: Sequence[Node], root: Node, inputs: Sequence[Node], watched: Sequence[Node] = ()) -> Tape:
    """Return the tape of a record: `nodes` are all that `root` was computed from, and itself, oldest first.

    `inputs` are the leaves that a call gives numbers for; other leaves keep theirs. The values of `watched` nodes are
    shown after those that `run` computes. DataError for a Tensor in the record or a row over whole arrays.
    """
    if set(map(type, nodes)) != {Value}:
        raise DataError("a tape computes with numbers, and this record has Tensors: use another backend")
    results = [n for n in nodes if n.op is not None]
    variable = set(inputs)
    held = [n for n in nodes if n.op is None and n not in variable]
    leaves = len(inputs) + len(held)
    kinds = _kinds(results)
    slots = _Slots([*inputs, *held, *results])
    first, second = (slots.column(map(get, results), len(results)) for get in (_first, _second))
    numbers = np.array([*[n._data for n in held], *slots.numbers, 1.0, -0.0])
    code, lists, shown, idle = interpreter.load("assembler").assembled(
        np.array([kinds, first, second]),
        np.array(slots.more, np.int64),
        interpreter.rules(),
        numbers,
        len(inputs),
        leaves,
        np.array([slots[n] for n in (root, *watched)]),
    )
    return Tape((code, lists), shown, idle, held, numbers, len(inputs))


def _kinds(results: Sequence[Node]) -> Array:
    try:
        return np.fromiter(map(interpreter.rows().__getitem__, map(_op, results)), np.int64, len(results))
    except KeyError as error:
        op = error.args[0]
        what = f"{op.name} {'computes with arrays' if ROWS.get(op.name) is op else 'is a custom op'}"
        raise DataError(f"a tape knows the table's rows of numbers, {what}: use the backend python or numpy") from None
