"""Replay: the value and the gradients of a record of arrays, computed again and again in the same buffers.

A replay is source of three-address calls, each writing where no later one reads: over its own argument where that is
used for the last time, else into a buffer that is free again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from ...data import Array, ignoring_fp_warnings
from ...node import Node, filled
from ..languages.run import run_source
from .lowering import CONSTANT, FRESH, GIVEN, VIEW, Cell, Code, lower, record_sweep

T = TypeVar("T")
KEPT = 32  # replays that are kept for batches of other shapes: each has buffers


class Replay:
    """The data of `roots` and the gradients of one for `wrt`, as a function of the data of the `variables`.

    A call takes one array or number per variable, which are leaves, of the recorded shape and precision. It returns the
    data and then the gradients, in buffers that the next call writes over; `into` gives arrays for the gradients. They
    are those of `of`, or of the first root, whose own gradient is the data of the leaf `seed`. What does not depend on
    the variables, the seed maybe among them, is computed once. `source` says what is done. One call at a time: `lock`
    is for those who share it.

    >>> from autograd_mini import Tensor
    >>> x, w = Tensor([1.0, 2.0, 3.0]), Tensor([4.0, 5.0, 6.0])
    >>> replay = Replay([w * x], Tensor(np.ones(3)), [x, w], [w])
    >>> replay(np.array([1.0, 1.0, 2.0]), w.data)
    (array([ 4.,  5., 12.]), array([1., 1., 2.]))
    """

    def __init__(
        self,
        roots: Sequence[Node],
        seed: Node,
        variables: Sequence[Node],
        wrt: Sequence[Node],
        into: Sequence[Array] = (),
        of: Node | None = None,
    ) -> None:
        gradients = record_sweep(roots[0] if of is None else of, seed, wrt)
        code = lower([*roots, *gradients], variables)
        self.reached = [g is not None for g in gradients]  # for which of `wrt` there is a gradient at all
        reached = [code.constant(filled(x, 0.0)) if g is None else code.of[g] for g, x in zip(gradients, wrt)]
        fixed = {len(roots) + i: array for i, array in enumerate(into)}
        self.source, objects = write(code, [*(code.of[r] for r in roots), *reached], len(variables), fixed)
        self._run: Callable[..., tuple[Any, ...]] = run_source(self.source, "replay", objects)
        self.lock = threading.Lock()

    def __call__(self, *data: Any) -> tuple[Any, ...]:
        return ignoring_fp_warnings(self._run, *data)


def keep(replays: dict[Any, T], kind: Any, replay: T) -> None:
    """Keep a replay under its kind, and let go of the oldest where there are too many."""
    replays[kind] = replay
    if len(replays) > KEPT:
        del replays[next(iter(replays))]


def write(code: Code, results: list[Cell], arity: int, fixed: dict[int, Array]) -> tuple[str, dict[str, Any]]:
    """Return the source of a replay and the objects that it names: functions, constants, buffers."""
    cells = _needed(code.cells, results)
    buffers = Buffers(code, cells, results, fixed)
    outside = [cell for cell in (*results, *(a for cell in cells for a in cell.args)) if cell.kind in (GIVEN, CONSTANT)]
    names = {cell: cell.text for cell in outside}
    lines = []
    for i, cell in enumerate(cells):
        args = [names[a] for a in cell.args]
        if cell.kind == FRESH:
            names[cell] = buffers.place(i, cell)
            lines.append(cell.text.format(*args, out=names[cell]))
        else:
            names[cell] = f"v{i}"
            lines.append(f"v{i} = {cell.text.format(*args)}")
        buffers.release(i, cell)
    lines += buffers.copies(names)
    head = f"def replay({', '.join(f'x{i}' for i in range(arity))}):"
    result = f"return {', '.join(buffers.result(k, names) for k in range(len(results)))},"
    return "\n    ".join([head, *lines, result]) + "\n", code.objects


def _needed(cells: list[Cell], results: list[Cell]) -> list[Cell]:
    """Return the cells that the results are computed from, in their order."""
    wanted = set(results)
    for cell in reversed(cells):
        if cell in wanted:
            wanted.update(cell.args)
    return [cell for cell in cells if cell in wanted]


class Buffers:
    """Which buffer each result goes to: one over which nothing that is still read would be written."""

    def __init__(self, code: Code, cells: list[Cell], results: list[Cell], fixed: dict[int, Array]) -> None:
        self.code = code
        self.results = results
        self.fixed = {k: code.name("gradient_", array) for k, array in fixed.items()}
        self.owners = _owners(cells)
        self.last: dict[Cell, float] = {}
        for i, cell in enumerate(cells):
            for arg in cell.args:
                self.last.update(dict.fromkeys(self.owners.get(arg, ()), i))
        for cell in results:
            self.last.update(dict.fromkeys(self.owners.get(cell, ()), np.inf))
        self.cells = cells
        self.names: dict[Cell, str] = {}
        self.free: dict[Any, list[str]] = {}

    def place(self, i: int, cell: Cell) -> str:
        """Return the name of the buffer that the i-th cell writes to."""
        mine = [self.fixed[k] for k, result in enumerate(self.results) if result is cell and k in self.fixed]
        over = [a for a in cell.args if self._ends(a, i) and (a.shape, a.dtype) == (cell.shape, cell.dtype)]
        if mine:
            self.names[cell] = mine[0]
        elif cell.in_place and over:
            self.names[cell] = self.names[over[0]]
        else:
            self.names[cell] = self._take(cell)
        return self.names[cell]

    def release(self, i: int, cell: Cell) -> None:
        """Free the buffers that the i-th cell has read for the last time, but for the one that it has written to."""
        for owner in {o: None for a in cell.args for o in self.owners.get(a, ()) if self.last[o] == i}:
            name = self.names[owner]
            if name != self.names.get(cell):
                self.free.setdefault((owner.shape, owner.dtype), []).append(name)

    def _ends(self, a: Cell, i: int) -> bool:
        """Whether a is a buffer itself, not a view of one, and is read for the last time here."""
        return a.kind == FRESH and self.last.get(a) == i

    def _take(self, cell: Cell) -> str:
        free = self.free.get((cell.shape, cell.dtype))
        return free.pop() if free else self.code.name("buffer_", np.empty(cell.shape, cell.dtype))

    def copies(self, names: dict[Cell, str]) -> list[str]:
        """Return the lines that carry results to the arrays that were given for them, where they are not yet there."""
        pairs = [(name, names[self.results[k]]) for k, name in self.fixed.items()]
        return [f"{name}[...] = {there}" for name, there in pairs if name != there]

    def result(self, k: int, names: dict[Cell, str]) -> str:
        """Return the name of the k-th result."""
        return self.fixed.get(k, names[self.results[k]])


def _owners(cells: list[Cell]) -> dict[Cell, list[Cell]]:
    """Return for each cell the ones in whose buffers its numbers may be."""
    found: dict[Cell, list[Cell]] = {}
    for cell in cells:
        if cell.kind == FRESH:
            found[cell] = [cell]
        elif cell.kind == VIEW:
            found[cell] = list(dict.fromkeys(owner for a in cell.args for owner in found.get(a, ())))
    return found
