"""Exercises that check themselves: an answer goes in, a verdict with a reason comes out, here and on a page alike.

An answer that is still `...` is no mistake: the verdict says kindly that the place is empty.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_mini import Node

from ..practice.answers import AnswerError, read_numbers
from ..practice.question import CLOSE

Row = tuple[Mapping[str, float], Sequence[float]]  # values of the names in a typed formula, and what it should give
Rows = Callable[..., Iterable[Row]]
EMPTY = "not answered yet: put your answer in place of the dots, and run the cell again."


class Unanswered(Exception):
    """A function whose body still returns the dots."""


@dataclass(frozen=True)
class Exercise:
    """`fault(answer)` is what is wrong with an answer, "" for a right one; `why` is the reason that it is right.

    `page` is what a page needs to say the same: its kind, and data. `slips` are what is said of the known mistakes, in
    the order in which a code counts them.
    """

    fault: Callable[[Any], str]
    why: str
    page: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slips(self) -> list[tuple[Any, str]]:
        """Each known mistake with what is said of it."""
        return [(wrong, words) for wrong, words in self.page.get("slips", ())]

    def verdict(self, answer: Any) -> str:
        """Return "not answered yet", "right" or "not yet", and why."""
        try:
            fault = self.fault(answer) if answer is not ... else None
        except Unanswered:
            fault = None
        except AnswerError as mistake:
            fault = str(mistake)
        except Exception as error:  # the learner's own code may raise anything
            fault = f"your code raised {type(error).__name__}: {error}"
        if fault is None:
            return EMPTY
        return f"not yet: {fault}" if fault else f"right: {self.why}"


def number(right: Any, why: str, hint: str, wrong: Mapping[Any, str] | None = None, asked: str = "") -> Exercise:
    """Ask for a number or an array of numbers; `wrong` has a hint for each number that a known slip leads to.

    `asked` stands before the field of a page, such as "dL/dx".
    """
    slips = list((wrong or {}).items())

    def fault(answer: Any) -> str:
        given = _typed(answer, right) if isinstance(answer, str) else _plain(answer)
        if given.shape != np.shape(right):
            return f"that has shape {given.shape}, the answer has shape {np.shape(right)}."
        if close(given, right):
            return ""
        return next((words for slip, words in slips if close(given, slip)), hint)

    data = {"right": _flat(right), "slips": [[_flat(slip), words] for slip, words in slips]}
    return Exercise(fault, why, {"kind": "number", "asked": asked, "hint": hint, **data})


def choice(right: str, why: str, wrong: Mapping[str, str]) -> Exercise:
    """Ask for one of several letters; `wrong` says of each of the others why not."""
    letters = sorted([right, *wrong])

    def fault(answer: Any) -> str:
        given = str(answer).strip().lower()
        return (
            ""
            if given == right
            else wrong.get(given, f"answer with one of the letters {', '.join(letters)}, in quotes.")
        )

    return Exercise(fault, why, {"kind": "choice", "right": right, "letters": letters, "slips": [*wrong.items()]})


def function(
    right: Callable[..., Any],
    cases: Sequence[tuple[Any, ...]],
    why: str,
    hint: str,
    typed: tuple[Sequence[str], str, Rows] | None = None,
    wrong: Mapping[Callable[..., Any], str] | None = None,
) -> Exercise:
    """Ask for a function; it is called with each of `cases`, and the first that fails is shown.

    On a page a formula is typed for each of its numbers. `typed` says how: what is asked for, what the names in the
    formula are, and rows(f, *case), which yields values of these names with what the formula gives where f is right.
    """
    slips = list((wrong or {}).items())

    def fault(answer: Any) -> str:
        if not callable(answer):
            return f"a function is asked for, that is {type(answer).__name__}: give its name without parentheses."
        found = next(filter(None, (_failing(answer, right, case) for case in cases)), "")
        if found:
            known = (words for slip, words in slips if all(_gives(answer(*case), slip(*case)) for case in cases))
            return next(known, f"{found} {hint}")
        return ""

    return Exercise(fault, why, _formulas(right, cases, typed, slips) | {"hint": hint} if typed else _by_notebook())


def by_notebook(fault: Callable[[Any], str], why: str) -> Exercise:
    """Ask for code that needs Python: a page takes what `check` has printed."""
    return Exercise(fault, why, _by_notebook())


def _by_notebook() -> dict[str, Any]:
    return {"kind": "report", "of": "check", "slips": []}


def _failing(answer: Callable[..., Any], right: Callable[..., Any], case: tuple[Any, ...]) -> str:
    """Return what a function does wrongly with a case, "" for nothing."""
    given, wanted = answer(*case), right(*case)
    if given is ...:
        raise Unanswered
    if given is not None and _gives(given, wanted):
        return ""
    return f"called with {', '.join(map(_short, case))} it gives {_short(given)}, where {_short(wanted)} is right."


def _gives(given: Any, wanted: Any) -> bool:
    plain = _plain(given)
    return bool(plain.shape == np.shape(wanted)) and close(plain, wanted)


def _formulas(
    right: Callable[..., Any],
    cases: Sequence[tuple[Any, ...]],
    typed: tuple[Sequence[str], str, Rows],
    slips: Sequence[tuple[Callable[..., Any], str]],
) -> dict[str, Any]:
    """Return what a page needs to check typed formulas: the values of their names, and what they should give."""
    asked, names, rows = typed
    found = [row for case in cases for row in rows(right, *case)]
    gave = [[[_flat(out) for case in cases for _, out in rows(slip, *case)], words] for slip, words in slips]
    told = [[{name: float(x) for name, x in values.items()}, _flat(out)] for values, out in found]
    return {"kind": "formulas", "asked": list(asked), "names": names, "rows": told, "slips": gave}


def of_numbers(f: Callable[..., Any], *case: float) -> Iterator[Row]:
    """Yield the one row of a function of numbers: its own names, and what it gives."""
    yield dict(zip(inspect.signature(f).parameters, case)), _flat(f(*case))


def close(given: Any, wanted: Any) -> bool:
    """Return whether numbers agree in their first three digits."""
    return bool(np.allclose(given, wanted, rtol=CLOSE, atol=1e-9))


def _typed(answer: str, right: Any) -> Any:
    """Return the numbers that somebody has typed, as many as are asked for."""
    return np.reshape(read_numbers(answer, np.size(right)), np.shape(right))


def _flat(x: Any) -> list[float]:
    return [float(entry) for entry in np.ravel(x)]


def _plain(x: Any) -> Any:
    """Return the numbers of an answer as an array; nodes count for their data."""
    try:
        if isinstance(x, (list, tuple)):
            return np.array([_plain(entry) for entry in x])
        return np.asarray(x.data if isinstance(x, Node) else x, dtype=float)
    except AnswerError:
        raise
    except (TypeError, ValueError):
        raise AnswerError(f"numbers are asked for, that is {_short(x) if callable(x) else repr(x):.60}.") from None


def _short(x: Any) -> str:
    if callable(x):
        return getattr(x, "__name__", "a function")
    if isinstance(x, (int, float, np.ndarray, list)):
        return np.array2string(np.asarray(x, dtype=float), precision=6, separator=", ").replace("\n", "")
    return repr(x)
