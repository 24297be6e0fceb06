"""Sheets: questions to be printed, or to be answered in a notebook, and written as the suffix of a file says."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from autograd_mini import AutogradError, errors
from autograd_mini.files import write_as

from . import graphs
from .levels import LEVELS, exercise, of_formula
from .notebook import notebook_of
from .question import Question
from .tex import tex_of
from .typeset import pdf_of
from .web import html_of, markdown_of

VALUES = (-3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0)  # of the names of a formula in other variants
TRIES = 300  # values of a formula for each question, after which numbers may be uneven
Writer = Callable[[str, tuple[Question, ...], bool], bytes]
WRITERS: dict[str, Writer] = {
    ".pdf": pdf_of, ".tex": tex_of, ".md": markdown_of, ".html": html_of, ".ipynb": notebook_of,
}  # fmt: skip


class SheetError(AutogradError, ValueError):
    """A sheet that cannot be written as it was asked for."""


@dataclass(frozen=True)
class Worksheet:
    """A title and questions; with `solutions` the answers follow them, on a page of their own."""

    title: str
    questions: tuple[Question, ...]
    solutions: bool = False

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the sheet as the suffix says - .pdf, .tex, .md, .html, .ipynb - and return the path.

        A PDF needs the extra `pdf`: ExtraError. Another suffix is a SheetError. A file is written whole or not at all.
        """
        return write_as(path, WRITERS, SheetError, self.title, self.questions, self.solutions)


def worksheet(level: int, seed: int, questions: int = 8, solutions: bool = False) -> Worksheet:
    """Return a sheet of questions of a level from 1 to 9, no two of them alike; the same numbers give the same sheet.

    SettingError for a level that there is not, and for what is no whole number.

    >>> sheet = worksheet(3, 12); sheet.title, len(sheet.questions)
    ('Level 3: two paths (seed 12)', 8)
    """
    count = errors.whole("questions", questions)
    asked = _unlike(itertools.islice(_of_level(level, seed), 100 * count), count)
    return Worksheet(f"Level {level}: {LEVELS[level].title} (seed {seed})", asked, solutions)


def _unlike(asked: Iterable[Question], count: int) -> tuple[Question, ...]:
    """Return the first questions of those asked, as many as that, no two of them alike."""
    found: dict[tuple[str, ...], Question] = {}
    for question in asked:
        found.setdefault((*question.given, question.asked), question)
        if len(found) == count:
            break
    return tuple(found.values())


def _of_level(level: int, seed: int) -> Iterator[Question]:
    return (exercise(level, seed, number) for number in itertools.count())


def formula_sheet(
    text: str, values: Mapping[str, float], seed: int = 0, questions: int = 1, solutions: bool = False
) -> Worksheet:
    """Return a sheet for a formula of one's own: the gradients of all its leaves at these values, then at others.

    The errors are those of `of_formula`. With seed 0 the first question has the given values; every other one has small
    values for which the numbers come out even. No two are alike: where there are no more of them, the sheet is shorter.

    >>> [asked.right for asked in formula_sheet("w*x", {"w": 2.0, "x": 3.0}, questions=2).questions]
    ['[3, 2]', '[0.5, -3]']
    """
    count = errors.whole("questions", questions)
    given = of_formula(text, values)
    others = _elsewhere(text, values, count, Random(f"{text}/{seed}"))
    asked = itertools.chain([] if seed else [given], others, [given])
    return Worksheet(f"{text} (variant {seed + 1})", _unlike(asked, count), solutions)


def _elsewhere(text: str, values: Mapping[str, float], count: int, rng: Random) -> Iterator[Question]:
    """Yield questions of a formula at other values, tried as often as so many of them need."""
    tried = set()
    for _ in range(TRIES * count):
        drawn = tuple(rng.choice(VALUES) for _ in values)
        if drawn not in tried:
            tried.add(drawn)
            try:
                question = of_formula(text, dict(zip(values, drawn)))
            except errors.SettingError:  # inf or nan there
                continue
            if question.root is not None and graphs.is_sound(question.root):
                yield question
