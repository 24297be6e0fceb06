"""Exercises that check themselves: an answer goes in, a verdict with a reason comes out.

An answer that is still `...` is no mistake: the verdict says kindly that the place is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_mini import Node

CLOSE = 2e-3  # relative: three digits of a number are enough


@dataclass(frozen=True)
class Exercise:
    """`fault(answer)` is what is wrong with an answer, "" for a right one; `why` is the reason that it is right."""

    fault: Callable[[Any], str]
    why: str

    def verdict(self, answer: Any) -> str:
        """Return "not answered yet", "right" or "not yet", and why."""
        try:
            fault = self.fault(answer) if answer is not ... else None
        except Unanswered:
            fault = None
        except NoNumbers as mistake:
            fault = str(mistake)
        except Exception as error:  # the learner's own code may raise anything
            fault = f"your code raised {type(error).__name__}: {error}"
        if fault is None:
            return "not answered yet: put your answer in place of the dots, and run the cell again."
        return f"not yet: {fault}" if fault else f"right: {self.why}"


class Unanswered(Exception):
    """A function whose body still returns the dots."""


class NoNumbers(ValueError):
    """Something else where numbers are asked for; it says so in words."""


def number(right: Any, why: str, hint: str, wrong: Mapping[Any, str] | None = None) -> Exercise:
    """Ask for a number or an array of numbers; `wrong` has a hint for each number that a known slip leads to."""

    def fault(answer: Any) -> str:
        given = _plain(answer)
        if given.shape != np.shape(right):
            return f"that has shape {given.shape}, the answer has shape {np.shape(right)}."
        if close(given, right):
            return ""
        slips = [text for slip, text in (wrong or {}).items() if close(given, slip)]
        return slips[0] if slips else hint

    return Exercise(fault, why)


def choice(right: str, why: str, wrong: Mapping[str, str]) -> Exercise:
    """Ask for one of several letters; `wrong` says of each of the others why not."""

    def fault(answer: Any) -> str:
        given = str(answer).strip().lower()
        letters = ", ".join(sorted([right, *wrong]))
        return "" if given == right else wrong.get(given, f"answer with one of the letters {letters}, in quotes.")

    return Exercise(fault, why)


def function(right: Callable[..., Any], cases: Sequence[tuple[Any, ...]], why: str, hint: str) -> Exercise:
    """Ask for a function; it is called with each of `cases`, and the first that fails is shown."""

    def fault(answer: Any) -> str:
        if not callable(answer):
            return f"a function is asked for, that is {type(answer).__name__}: give its name without parentheses."
        for case in cases:
            given = answer(*case)
            if given is ...:
                raise Unanswered
            wanted = right(*case)
            if given is None or _plain(given).shape != np.shape(wanted) or not close(_plain(given), wanted):
                shown = ", ".join(map(_short, case))
                return f"called with {shown} it gives {_short(given)}, where {_short(wanted)} is right. {hint}"
        return ""

    return Exercise(fault, why)


def close(given: Any, wanted: Any) -> bool:
    """Return whether numbers agree in their first three digits."""
    return bool(np.allclose(given, wanted, rtol=CLOSE, atol=1e-9))


def _plain(x: Any) -> Any:
    """Return the numbers of an answer as an array; nodes count for their data."""
    try:
        if isinstance(x, (list, tuple)):
            return np.array([_plain(entry) for entry in x])
        return np.asarray(x.data if isinstance(x, Node) else x, dtype=float)
    except NoNumbers:
        raise
    except (TypeError, ValueError):
        raise NoNumbers(f"numbers are asked for, that is {_short(x) if callable(x) else repr(x):.60}.") from None


def _short(x: Any) -> str:
    if callable(x):
        return getattr(x, "__name__", "a function")
    if isinstance(x, (int, float, np.ndarray, list)):
        return np.array2string(np.asarray(x, dtype=float), precision=6, separator=", ").replace("\n", "")
    return repr(x)
