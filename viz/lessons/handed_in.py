"""What a class handed in: the codes of a file, as a table, as a histogram of tries and mistakes, and as CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..text import clean
from .codes import MOST, OTHER, RIGHT, SLIP, Answers, CodeError, answers_of
from .exercises import EXERCISES, exercises_of

LONGEST = 400  # characters of a line
BAR = 40  # signs of the longest bar
ELSE = "another wrong answer"
COLUMNS = ("line", "who", "lesson", "exercise", "try", "verdict", "answer", "said")


class Handed(NamedTuple):
    """A line of the file: its number, what stands before the code, and what the code tells."""

    line: int
    who: str
    answers: Answers


class Refused(NamedTuple):
    """A line that is no code: its number, and why."""

    line: int
    why: str


def read(lines: Iterable[str]) -> tuple[list[Handed], list[Refused]]:
    """Return what the lines hand in, and those that could not be read.

    A line is a code, behind what a teacher may have written before it; empty lines and lines from # on say nothing.

    >>> handed, refused = read(["# monday", "anna 12pc-0311-02z", "12pc-0311-02y"])
    >>> handed[0].who, handed[0].answers.tries["2.1"], refused[0].line
    ('anna', (3, 1), 3)
    """
    handed: list[Handed] = []
    refused: list[Refused] = []
    for number, line in enumerate(lines, 1):
        words = line[:LONGEST].split()
        if not words or words[0].startswith("#"):
            continue
        try:
            handed.append(Handed(number, clean(" ".join(words[:-1])), answers_of(words[-1])))
        except CodeError as error:
            refused.append(Refused(number, str(error)))
    return handed, refused


def table(handed: Iterable[Handed]) -> str:
    """Return a table for each lesson: a row for each code, a column for each exercise."""
    by_lesson: dict[int, list[Handed]] = {}
    for each in handed:
        by_lesson.setdefault(each.answers.lesson, []).append(each)
    return "\n\n".join(f"Lesson {lesson}\n{_table(lesson, rows)}" for lesson, rows in sorted(by_lesson.items()))


def _table(lesson: int, handed: list[Handed]) -> str:
    rows = [["line", "who", *exercises_of(lesson)]]
    rows += [[str(each.line), each.who, *map(_told, each.answers.tries.values())] for each in handed]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def _told(tries: tuple[int, ...]) -> str:
    """Return the tries of an exercise in short.

    >>> _told(()), _told((1,)), _told((3, 2, 1)), _told((2, 2))
    ('-', 'try 1', 'try 3', '2 wrong')
    """
    if not tries:
        return "-"
    return f"try {_count(len(tries))}" if tries[-1] == RIGHT else f"{_count(len(tries))} wrong"


def _count(tries: int) -> str:
    return str(tries) if tries <= MOST else f"more than {MOST}"


def histogram(handed: list[Handed]) -> str:
    """Return for each exercise how many were right at which try, and which mistakes were made how often."""
    return "\n\n".join(filter(None, ("\n".join(_bars(name, handed)) for name in EXERCISES)))


def _bars(name: str, handed: list[Handed]) -> Iterator[str]:
    given = [tries for each in handed if (tries := each.answers.tries.get(name))]
    right = Counter(len(tries) for tries in given if tries[-1] == RIGHT)
    wrong = Counter(made for tries in given for made in tries if made != RIGHT)
    most = max([*right.values(), *wrong.values()], default=0)
    if given:
        yield f"{name}  answered by {len(given)}, right in the end {right.total()}"
    yield from (_bar(f"right at try {_count(n)}", count, most) for n, count in sorted(right.items()))
    for made, count in sorted(wrong.items(), key=lambda each: (-each[1], each[0])):
        answer, words = meaning(name, made)
        yield _bar(answer or ELSE, count, most) + (f"  {words}" if words else "")


def _bar(label: str, count: int, most: int) -> str:
    return f"  {label:<24} {'#' * max(1, round(count * min(BAR, most) / most))} {count}"


def meaning(name: str, made: int) -> tuple[str, str]:
    """Return the answer that a try of an exercise was, where it is a known one, and what was said of it.

    >>> meaning("2.1", 3)
    ('3', 'that is the path through the product; there is another.')
    """
    slips = EXERCISES[name].slips
    if made in (RIGHT, OTHER) or made - SLIP >= len(slips):
        return "", ""
    wrong, words = slips[made - SLIP]
    if isinstance(wrong, str):
        return wrong, words
    numbers = [f"{x:.6g}" for x in wrong if isinstance(x, float)]  # a mistake in a formula has a list for each case
    return ", ".join(numbers) or "a formula", words


def csv_of(handed: Iterable[Handed]) -> str:
    """Return a row for each try, with what was said of it."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for each in handed:
        for name, tries in each.answers.tries.items():
            for number, made in enumerate(tries, 1):
                answer, words = meaning(name, made)
                verdict = "right" if made == RIGHT else "wrong"
                who = (
                    f"'{each.who}" if each.who[:1] in ("=", "+", "-", "@") else each.who
                )  # no formula of a spreadsheet
                rows.writerow((each.line, who, each.answers.lesson, name, number, verdict, answer, words))
    return text.getvalue()
