"""Backends: other ways to run a program than the lines of Python floats that it prints.

`python` is the program itself. `numpy` runs its lines over arrays, for single samples too. `numba` runs it as a tape,
`numba-straight` as a tape that is compiled line by line, which takes seconds and is the fastest.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import DataError
from .languages.listing import Listing
from .program import Program, batch_shape


class OnNumpy(Program):
    """A program whose numbers are numpy's, one sample or many."""

    def _on_numbers(self, inputs: tuple[Any, ...], gradient: float) -> tuple[float, tuple[float, ...]]:
        value, gradients = self._on_batch(inputs, gradient)
        return float(value), tuple(map(float, gradients))


class OnTape(Program):
    """A program of a record of Values that numba runs as a tape: see `tape` for calls without a copy.

    The branches of the recording are looked at where there are any; it then runs as Python does.
    """

    def __init__(self, listing: Listing) -> None:
        super().__init__(listing)
        if not listing.is_scalar:
            raise DataError("the backend numba computes with numbers, entry by entry: compile a record of Values")

    @cached_property
    def tape(self) -> Any:
        """The tape: `tape.run(values, out)` computes in the caller's buffers, `tape.batch` a batch in the caller's."""
        from .tape.tape import tape_of

        return tape_of(self._listing.nodes, self.root, self.inputs)

    def _on_numbers(self, inputs: tuple[Any, ...], gradient: float) -> tuple[float, tuple[float, ...]]:
        if self._listing.guards:
            return super()._on_numbers(inputs, gradient)
        self.tape.refresh()
        value, gradients = self.tape(inputs, gradient)
        return value, tuple(gradients.tolist())

    def _on_batch(self, inputs: Sequence[Any], gradient: Any) -> tuple[Any, tuple[Any, ...]]:
        if self._listing.guards:
            return super()._on_batch(inputs, gradient)
        self.tape.refresh()
        shape = batch_shape([*self.names, "gradient"], [*inputs, gradient])
        value, gradients = self.tape.lanes(*_lanes(inputs, gradient, shape))
        return value.reshape(shape), tuple(gradients.reshape(len(gradients), *shape))

    def _summed(self, inputs: tuple[Any, ...], gradient: Any) -> tuple[float, tuple[float, ...]]:
        if self._listing.guards:
            return super()._summed(inputs, gradient)
        self.tape.refresh()
        shape = batch_shape([*self.names, "gradient"], [*inputs, gradient])
        values, gradients = self.tape.summed(*_lanes(inputs, gradient, shape))
        return float(values.sum()), tuple(gradients.tolist())


def _lanes(inputs: Sequence[Any], gradient: Any, shape: tuple[int, ...]) -> tuple[list[Any], Any]:
    """Return inputs and gradient as lanes; where no input has any, the first is repeated in each."""
    lanes = [np.ravel(a) if np.ndim(a) else a for a in inputs]
    if not any(map(np.ndim, lanes)) and lanes:
        lanes[0] = np.full(shape, lanes[0]).ravel()
    return lanes, np.ravel(gradient) if np.ndim(gradient) else gradient


class OnStraightTape(OnTape):
    """A program that numba compiles line by line."""

    @cached_property
    def tape(self) -> Any:
        """The tape, compiled."""
        return OnTape.tape.func(self).straight()  # type: ignore[attr-defined]


BACKENDS: dict[str, type[Program]] = {
    "python": Program,
    "numpy": OnNumpy,
    "numba": OnTape,
    "numba-straight": OnStraightTape,
}
