"""Questions: what is given, what is asked, the right answer with its reason, and what to say of the known slips."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from autograd_mini import Node

from ..graph.draw import Drawing
from .answers import AnswerError, read_name, read_numbers, written
from .blank import blank_graph

CLOSE = 2e-3  # relative: three digits of a number are enough
Numbers = tuple[float, ...]


class Verdict(NamedTuple):
    """Whether an answer is right, None for one that cannot be read, and what to say of it."""

    right: bool | None
    words: str


@dataclass(frozen=True)
class Question:
    """One exercise: the lines that are `given`, the sentence that asks, and its answer - numbers, or one of `names`.

    `hints` begin with the name of the rule; `steps` explain the answer; `slips` has for wrong answers what to say.
    `blanks` are what stands before the lines to write on, one for each number. `root` is the graph to draw, `known` the
    nodes whose data is printed there (None: of all); `code` is the Python that makes the question again.
    """

    code: str
    given: tuple[str, ...]
    asked: str
    answer: Numbers | str
    hints: tuple[str, ...]
    steps: str
    slips: Mapping[Any, str] = field(default_factory=dict)
    blanks: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    root: Node | None = field(default=None, compare=False)
    known: tuple[str, ...] | None = None

    @property
    def right(self) -> str:
        """The answer as text."""
        return self.answer if isinstance(self.answer, str) else written(self.answer)

    @cached_property  # a sheet needs it again for each format, and with its solutions
    def graph(self) -> Drawing | None:
        """The graph with slots to fill in where something is asked for; None where the question has none."""
        return None if self.root is None else blank_graph(self.root, self.known)

    def verdict(self, answer: object) -> Verdict:
        """Return whether an answer is right, and why not: a text as people type it, or numbers as Python has them.

        >>> asked = Question("", (), "1 + 1?", (2.0,), ("count.",), "1 + 1 = 2", {(11.0,): "add the numbers."})
        >>> asked.verdict("2,0").right, asked.verdict("11").words, asked.verdict("two").right
        (True, 'not yet: add the numbers.', None)
        """
        if answer is ... or not str(answer).strip():
            return Verdict(None, "not answered yet.")
        try:
            return self._judged(str(answer))
        except AnswerError as error:
            return Verdict(None, str(error))

    def _judged(self, answer: str) -> Verdict:
        if isinstance(self.answer, str):
            name = read_name(answer, self.names)
            return RIGHT if name == self.answer else self._slipped([self.slips.get(name, "")])
        given = read_numbers(answer, len(self.answer))
        if _close(given, self.answer):
            return RIGHT
        return self._slipped([words for slip, words in self.slips.items() if _close(given, slip)])

    def _slipped(self, words: list[str]) -> Verdict:
        return Verdict(False, f"not yet: {next(filter(None, words), self.hints[0])}")


RIGHT = Verdict(True, "right.")


def _close(given: Numbers, wanted: Numbers) -> bool:
    return len(given) == len(wanted) and all(map(_alike, given, wanted))


def _alike(x: float, y: float) -> bool:
    return math.isclose(x, y, rel_tol=CLOSE, abs_tol=1e-9)
