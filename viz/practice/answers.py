"""Answers as people type them: `1/2`, `0,5`, `-3`, `dL/dx = 4`, lists with or without brackets."""

from __future__ import annotations

import math
import re

from autograd_mini import AutogradError

LONGEST = 200  # characters of an answer
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_BRACKETS = re.compile(r"[][(){}]")


class AnswerError(AutogradError, ValueError):
    """An answer that cannot be read; it says in words what is asked for."""


def read_numbers(text: str, count: int) -> tuple[float, ...]:
    """Return the `count` numbers of an answer; AnswerError says what cannot be read.

    Several numbers are parted by `;`, by commas or by blanks; beside `;` or blanks alone a comma is a decimal one.

    >>> read_numbers("dL/dx = 1/2", 1), read_numbers("0,5", 1), read_numbers("[[1, 2], [3, -4]]", 4)
    ((0.5,), (0.5,), (1.0, 2.0, 3.0, -4.0))
    >>> read_numbers("0,5; 2", 2), read_numbers("0,5 2", 2)
    ((0.5, 2.0), (0.5, 2.0))
    """
    if len(text) > LONGEST:
        raise AnswerError(f"an answer is short; that has {len(text):,} characters.")
    bare = _BRACKETS.sub(" ", text.rpartition("=")[2].replace("\N{MINUS SIGN}", "-")).strip()
    found = tuple(map(_number, _parts(bare, count)))
    if len(found) != count:
        raise AnswerError(f"the answer has {count} number{'s' * (count > 1)}, that has {len(found)}.")
    return found


def _parts(text: str, count: int) -> list[str]:
    """Return the texts of the single numbers."""
    if count == 1:
        return [text.removesuffix(",").strip()]
    if ";" in text:
        return text.split(";")
    if re.search(r",\s|\s,", text) or ("," in text and not re.search(r"\s", text)):
        return [part for part in text.split(",") if part.strip()]
    return text.split()


def _number(text: str) -> float:
    """Return the number that a text without blanks around it is: a decimal, or a fraction of two."""
    top, slash, bottom = (part.strip() for part in text.partition("/"))
    if not _NUMBER.fullmatch(top) or (slash and not _NUMBER.fullmatch(bottom)):
        raise AnswerError(f"numbers are asked for, such as -3, 0.5 or 1/2; that is {text[:40]!a}.")
    divisor = float(bottom.replace(",", ".")) if slash else 1.0
    value = float(top.replace(",", ".")) / divisor if divisor else math.inf
    if not math.isfinite(value):
        raise AnswerError(f"{text[:40]} is no number.")
    return value


def read_name(text: str, names: tuple[str, ...]) -> str:
    """Return which of `names` an answer is, with or without `dL/d` before it; AnswerError where it is none.

    >>> read_name(" dL/dx ", ("x", "y"))
    'x'
    """
    given = text.partition("=")[0].strip().removeprefix("dL/d").strip("'\" ")
    if given not in names:
        raise AnswerError(f"answer with one of {', '.join(names)}; that is {given[:40]!a}.")
    return given


def written(numbers: tuple[float, ...]) -> str:
    """Return numbers as an answer, in brackets where there are several.

    >>> written((0.5,)), written((1.0, -2.0))
    ('0.5', '[1, -2]')
    """
    texts = [f"{x + 0.0:.10g}" for x in numbers]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
