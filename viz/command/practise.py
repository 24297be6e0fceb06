"""The task `autograd-mini practise`: asks, checks, gives hints, and goes up and down a ladder of levels."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator

from ..practice import LEVELS, Question, exercise
from ..practice.ladder import Rung
from ..text import spelled

DOES = "ask exercises without end, with hints and explained answers"
EXAMPLES = """\
examples:
  autograd-mini practise
  autograd-mini practise --level 3 --seed 12
  printf '4\\n' | autograd-mini practise --level 3 --seed 12 --questions 1

An answer is a number (0.5, 0,5 or 1/2), several ([1, -2]), or a name. ? gives a hint, ! the answer; Ctrl-D ends.
Three right in a row lead a level up, two wrong ones a level down. A level and a seed give the same questions again.
"""
SEEDS = 10_000  # from which one is drawn where none is given
TRIES = 2  # answers to a question before it is explained


def add_options(task: argparse.ArgumentParser) -> None:
    """Add what `practise` takes."""
    levels = ", ".join(f"{n} {level.title}" for n, level in LEVELS.items())
    task.add_argument("--level", type=int, choices=LEVELS, default=1, metavar="N", help=f"where to begin: {levels}")
    task.add_argument("--seed", type=whole, metavar="S", help="which questions, a whole number from 0 on")
    task.add_argument("--questions", type=whole, metavar="N", help="how many (default: as many as you like)")
    task.set_defaults(run=run)


def whole(text: str) -> int:
    """Return the whole number from 0 on that an option is; argparse says what is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise argparse.ArgumentTypeError(f"a whole number from 0 on is asked for, got {text[:40]!a}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Ask until there are no more answers, and tell how it went."""
    seed = random.randrange(SEEDS) if arguments.seed is None else arguments.seed
    _say(f"Level {arguments.level}, seed {seed}. ? is a hint, ! the answer, Ctrl-D the end.")
    right: list[bool] = []
    try:
        for is_right in _answers(Rung(arguments.level), seed, arguments.questions):
            right.append(is_right)
    except (EOFError, KeyboardInterrupt):
        _say()
    count = len(right)
    again = f"autograd-mini practise --level {arguments.level} --seed {seed}"
    _say(f"{sum(right)} of {count} right at the first try. Again: {again}")
    return 0


def _answers(rung: Rung, seed: int, count: int | None) -> Iterator[bool]:
    """Ask one question after another, and yield for each whether the first answer was right."""
    number = 0
    while count is None or number < count:
        question = exercise(rung.level, seed, number)
        _say(f"\n{number + 1}. Level {rung.level}, {LEVELS[rung.level].title}\n")
        _say(*(f"    {line}" for line in question.given), "", question.asked)
        is_right = _asked(question)
        yield is_right
        after, number = rung.after(is_right), number + 1
        if after.level != rung.level:
            _say(f"\n{'Up' if is_right else 'Down'} to level {after.level}: {LEVELS[after.level].title}.")
        rung = after


def _asked(question: Question) -> bool:
    """Ask until the answer is right, given up, or wrong for the last time; return whether the first was right."""
    hints = iter(question.hints)
    for i in range(TRIES):
        answer = _answer(question, hints)
        verdict = question.verdict(answer)
        if verdict.right:
            _say(verdict.words)
            return i == 0
        if answer == "!":
            break
        _say(verdict.words)
    _say(f"The answer is {question.right}.", "", question.steps)
    return False


def _answer(question: Question, hints: Iterator[str]) -> str:
    """Return the next line that is an answer, or gives up; hints are given and what cannot be read is asked again."""
    hint = question.hints[-1]
    while True:
        line = _line()
        if line == "?":
            hint = next(hints, hint)
            _say(f"hint: {hint}")
        elif line == "!" or question.verdict(line).right is not None:
            return line
        else:
            _say(question.verdict(line).words)


def _line() -> str:
    """Return a line that is typed; EOFError where there are no more."""
    if sys.stdin is None:
        raise EOFError
    print("> ", end="", flush=True)
    line = sys.stdin.buffer.readline(10_000) if hasattr(sys.stdin, "buffer") else sys.stdin.readline().encode()
    if not line:
        raise EOFError
    if not sys.stdin.isatty():
        _say(line.decode("utf-8", "replace").strip()[:200])
    return line.decode("utf-8", "replace").strip()


def _say(*lines: str) -> None:
    """Print lines, in what the terminal can spell."""
    print(spelled("\n".join(lines), getattr(sys.stdout, "encoding", None)), flush=True)
