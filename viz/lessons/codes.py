"""Codes to hand in: what was answered in a lesson and at which try, in some 20 digits that betray a typing error.

A code holds nobody's text, only numbers: the lesson, a fingerprint of its exercises, and of each try which of the known
mistakes it was. The page writes the same codes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from autograd_mini import AutogradError

from .exercise import Exercise
from .exercises import exercises_of

DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: i and l are read as 1, o as 0
READ_AS = str.maketrans("ilo", "110")
FORMAT = 1
MODULUS = 1021  # the largest prime that two digits hold
STEP = 10  # its powers modulo 1021 are all different
END, RIGHT, OTHER, SLIP = 0, 1, 2, 3  # of a try: no more, right, some other wrong answer, and from 3 on the known ones
MOST = 20  # tries of an exercise that a code counts one by one
GROUP = 4  # digits between two hyphens


class CodeError(AutogradError, ValueError):
    """A line that is no code of this version; it says what is wrong with it."""


class Answers(NamedTuple):
    """What was handed in of a lesson: of each exercise the tries, RIGHT, OTHER or SLIP + the place of the mistake."""

    lesson: int
    tries: Mapping[str, tuple[int, ...]]


def fingerprint(exercises: Mapping[str, Exercise]) -> int:
    """Return a number from 0 to 1023 that is another where the exercises, or the mistakes they know, are others.

    >>> fingerprint(exercises_of(1)) == fingerprint(exercises_of(2))
    False
    """
    known = [
        [name, exercise.page["kind"], [wrong for wrong, _ in exercise.slips]] for name, exercise in exercises.items()
    ]
    return zlib.crc32(json.dumps(known).encode()) % 1024


def code_of(answers: Answers) -> str:
    """Return the code of what was answered in a lesson.

    >>> code_of(Answers(2, {"2.1": (3, 1), "2.2": (1,)}))
    '12pc-0311-02z'
    """
    exercises = exercises_of(answers.lesson)
    digits = [FORMAT, answers.lesson, *divmod(fingerprint(exercises), 32)]
    for name in exercises:
        tries = answers.tries.get(name, ())
        digits += [*filter(lambda made: made > RIGHT, tries)][:MOST] + [RIGHT if RIGHT in tries else END]
    digits += divmod(_check(digits), 32)
    text = "".join(DIGITS[digit] for digit in digits)
    return "-".join(text[i : i + GROUP] for i in range(0, len(text), GROUP))


def answers_of(code: str) -> Answers:
    """Return what a code tells; case, hyphens, and the letters i, l, o are forgiven. CodeError says what is wrong.

    >>> answers_of("12PC-O3L1-O2Z")
    Answers(lesson=2, tries={'2.0': (), '2.1': (3, 1), '2.2': (1,), '2.3': ()})
    """
    digits = _digits(code)
    *digits, high, low = digits
    if len(digits) < 4 or _check(digits) != 32 * high + low:
        raise CodeError("a digit is wrong, missing or exchanged: the last two do not fit the others")
    if digits[0] != FORMAT:
        raise CodeError(f"a code of form {digits[0]}, where this version reads form {FORMAT}: another version wrote it")
    exercises = exercises_of(digits[1])
    if not exercises:
        raise CodeError(f"lesson {digits[1]} is not in this version")
    if 32 * digits[2] + digits[3] != fingerprint(exercises):
        raise CodeError(f"lesson {digits[1]} had other exercises in the version that wrote this code")
    return Answers(digits[1], _tries(digits[4:], exercises))


def _digits(code: str) -> list[int]:
    plain = code.replace("-", "").lower().translate(READ_AS)
    foreign = next((c for c in plain if c not in DIGITS), "")
    if foreign or len(plain) < 6 or len(plain) > 500:
        raise CodeError(
            f"{code[:40]!a} is no code" + (f": {foreign!a} is not in the alphabet of codes" if foreign else "")
        )
    return [DIGITS.index(c) for c in plain]


def _check(digits: Sequence[int]) -> int:
    """Return what the last two digits say: exchanging two digits, or changing one, always changes it."""
    return sum(digit * pow(STEP, place, MODULUS) for place, digit in enumerate(digits, 1)) % MODULUS


def _tries(digits: Sequence[int], exercises: Mapping[str, Exercise]) -> dict[str, tuple[int, ...]]:
    left, tries = list(digits), {}
    for name in exercises:
        end = next((i for i, digit in enumerate(left) if digit <= RIGHT), None)
        if end is None:
            raise CodeError("the code ends in the middle of an exercise")
        tries[name] = tuple(left[: end + (left[end] == RIGHT)])
        left = left[end + 1 :]
    if left:
        raise CodeError("the code has more exercises than the lesson")
    return tries
