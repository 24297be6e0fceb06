"""A report: the result of each check and the faults, and how they read - each fault on its smallest graph."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from autograd_mini.text.explanation import explain
from autograd_mini.text.formula import equation, one_line

from .diagnosis import Fault, close, is_wrong
from .exam import Check
from .exercise import Exercise, Number
from .own_sweep import Write
from .sandbox import ENDS, HANGS, Problem

PASSED, FAILED, WAITS, MISSING, LEFT_OUT, UNSEEN = "passed", "failed", "waits", "missing", "left out", "unseen"

Paint = Callable[[str, str], str]

WIDTH = 80  # characters of a line of prose
ROWS = 12  # of a graph that is shown whole
SHOWN = 6  # faults of a file: who has more begins with these
MARKS = {PASSED: "✓", FAILED: "✗", WAITS: "-", MISSING: "○", LEFT_OUT: "·", UNSEEN: "?"}
ASCII = {"✓": "+", "✗": "x", "○": "o", "·": ".", "←": "<"}  # where a terminal knows no others
COLOURS = {"good": "32", "bad": "31", "dim": "2", "strong": "1", "number": "36"}
STATUS_COLOURS = {PASSED: "good", FAILED: "bad", MISSING: "number", WAITS: "dim", LEFT_OUT: "dim", UNSEEN: "dim"}
DOES = {"backward": "{root}.backward()", "zero": "every leaf's .grad = 0", "record": "record it again"}


class Result(NamedTuple):
    """What became of a check; `notes` names the methods that are missing, or the checks whose faults hide it."""

    check: Check
    status: str
    notes: tuple[str, ...] = ()


class Found(NamedTuple):
    """A fault, the check that found it, other graphs that show the same, and what the engine's own sweep writes."""

    check: str
    fault: Fault
    also: tuple[Exercise, ...]
    sweep: tuple[Write, ...] = ()


@dataclass(frozen=True)
class Report:
    """The grade of one file: a result for each check, and the faults; or `broken`, where it cannot be imported."""

    file: str
    results: tuple[Result, ...] = ()
    faults: tuple[Found, ...] = ()
    broken: Problem | None = None

    @property
    def required(self) -> list[Result]:
        """The results of the checks that every engine should pass."""
        return [result for result in self.results if not result.check.optional]

    @property
    def passed(self) -> int:
        """How many of the required checks are passed."""
        return sum(result.status == PASSED for result in self.required)

    @property
    def is_full(self) -> bool:
        """Whether every required check is passed, and whatever else has been built."""
        return bool(self.results) and all(result.status in (PASSED, LEFT_OUT) for result in self.results)

    def __str__(self) -> str:
        return text_of(self)


def plain(text: str, role: str) -> str:
    """Return text without colour."""
    return text


def coloured(text: str, role: str) -> str:
    """Return text in the colour of its role, as terminals write it.

    >>> coloured("yes", "good")
    '\\x1b[32myes\\x1b[0m'
    """
    return f"\x1b[{COLOURS[role]}m{text}\x1b[0m"


def spelled(text: str, encoding: str) -> str:
    """Return text without marks that an encoding does not have.

    >>> spelled("✓ addition", "utf-8"), spelled("✓ addition", "ascii")
    ('✓ addition', '+ addition')
    """
    for mark, instead in ASCII.items():
        try:
            mark.encode(encoding)
        except (UnicodeEncodeError, LookupError):
            text = text.replace(mark, instead)
    return text


def text_of(report: Report, paint: Paint = plain) -> str:
    """Return the report of one file."""
    lines = [paint(_clean(report.file), "strong"), ""]
    if report.broken is not None:
        lines += _broken(report, report.broken, paint)
    else:
        lines += [_line(report, result, paint) for result in report.results if result.status != LEFT_OUT]
        lines += _left_out(report, paint)
        for number, found in enumerate(report.faults[:SHOWN], 1):
            lines += ["", paint(f"Fault {number}: {title(found)}", "strong"), "", *picture(report, found, paint)]
        lines += ["", *_wrapped(ending(report), paint)]
    return "\n".join(lines)


def table_of(reports: list[Report]) -> str:
    """Return one line for each of several files: its marks and its faults."""
    width = max(len(_clean(report.file)) for report in reports)
    return "\n".join(
        f"{_clean(report.file):<{width}}   {mark(report):<8}   {_first_words(report)}".rstrip() for report in reports
    )


def mark(report: Report) -> str:
    """Return the mark of a file: how many of the required checks are passed."""
    return f"{report.passed}/{len(report.required)}" if report.broken is None else "-"


def _first_words(report: Report) -> str:
    if report.broken is not None:
        return f"cannot be imported: {what_happened(report.broken)}"
    names = dict.fromkeys(map(title, report.faults[:SHOWN]))
    return "; ".join(names) if names else "" if report.is_full else f"to build: {', '.join(_missing(report))}"


def _line(report: Report, result: Result, paint: Paint) -> str:
    """Return the line of a check: what it is about where it is passed, else why it is not."""
    check, status = result.check, result.status
    numbers = [str(i) for i, found in enumerate(report.faults, 1) if found.check == check.name]
    notes = {
        PASSED: check.about,
        FAILED: f"fault {' and '.join(numbers)}",
        MISSING: f"not built yet: {_some(result.notes)}",
        WAITS: f"waits for: {_some(result.notes)}",
        UNSEEN: "the time was up",
    }
    sign, note = paint(f"{MARKS[status]:>3}", STATUS_COLOURS[status]), paint(notes[status], STATUS_COLOURS[status])
    return f"{sign} {check.name:<25} {paint(check.about, 'dim') if status == PASSED else note}"


def _some(names: tuple[str, ...]) -> str:
    return ", ".join([*names[:2], *["..."] * (len(names) > 2)])


def _left_out(report: Report, paint: Paint) -> list[str]:
    names = [result.check.name for result in report.results if result.status == LEFT_OUT]
    lines = textwrap.wrap(f"not built, and need not be: {', '.join(names)}", WIDTH - 4) if names else []
    return [paint(f"{MARKS[LEFT_OUT] if not i else '':>3} {line}", "dim") for i, line in enumerate(lines)]


def ending(report: Report) -> str:
    """Return the last words: what is done, and what to do next."""
    required, missing = len(report.required), _missing(report)
    extra = [result for result in report.results if result.check.optional and result.status == PASSED]
    more = f" and {len(extra)} of what is optional" if extra else ""
    if report.is_full:
        return f"All {required} checks passed{more}. This is an engine: every gradient it was asked for is right."
    said = f"{report.passed} of {required} checks passed{more}."
    if report.faults:
        more = f"There are {len(report.faults) - SHOWN} more faults. " if len(report.faults) > SHOWN else ""
        return f"{said} {more}Begin with fault 1: the later ones often go with the first."
    if missing:
        return f"{said} What is built is right. Next: {missing[0]}."
    return f"{said} The time was up before the rest could be asked."


def _missing(report: Report) -> list[str]:
    return [result.check.name for result in report.required if result.status == MISSING]


def _broken(report: Report, problem: Problem, paint: Paint) -> Iterator[str]:
    yield f"{paint(MARKS[FAILED], 'bad')} The file cannot be imported: {what_happened(problem)}"
    yield from _place(report, problem)
    yield ""
    yield from _wrapped(advice(problem), paint)


def advice(problem: Problem) -> str:
    """Say what to do about a file that cannot be imported."""
    if problem.kind == "AttributeError" and not problem.raised_there:
        return "The class that is graded is called Value: rename yours, or add a line Value = YourClass."
    if problem.kind in (HANGS, ENDS, "SystemExit"):
        return "Put whatever runs the engine under  if __name__ == '__main__':  so that an import only defines it."
    return "Run the file by itself, python FILE, until that works; then grade it again."


def picture(report: Report, found: Found, paint: Paint = plain) -> Iterator[str]:
    """Yield the smallest graph that shows a fault, the numbers side by side, and what to think about again."""
    fault = found.fault
    if isinstance(fault.answer, Problem):
        yield from (f"      {line}" for line in _graph(fault.exercise))
        yield from [f"      then {steps(fault.exercise)}"] if fault.exercise.plan else []
        yield ""
        yield f"      {paint(what_happened(fault.answer), 'bad')}"
        yield from _place(report, fault.answer)
    else:
        yield f"      {steps(fault.exercise) or 'recorded, and nothing else'}"
        yield ""
        yield from (f"      {line}" for line in _rows(fault, paint))
    yield ""
    yield from (f"      {line}" for line in arrivals(fault))
    if found.also:
        yield f"      the same in {', '.join(formula(other) for other in found.also[:4])}"
    yield from _wrapped(idea(fault), paint, "      ")


def title(found: Found) -> str:
    """Return what a fault is called: the idea, and the methods it is about."""
    name, methods = found.fault.idea.name, found.fault.methods
    return f"{name} ({' and '.join(methods[:3])})" if methods else name


def idea(fault: Fault) -> str:
    """Return what to think about again, and where to read on."""
    return f"{fault.idea.text} (Read on in {fault.idea.lesson}.)" if fault.idea.lesson else fault.idea.text


def steps(exercise: Exercise) -> str:
    """Return what is done with a graph after it is recorded.

    >>> from .exercise import RESET, exercise
    >>> steps(exercise(lambda a: -a, 2.0, plan=RESET))
    "L.backward(), then every leaf's .grad = 0, then record it again, then L.backward()"
    """
    return ", then ".join(DOES[word].format(root=exercise.root) for word in exercise.plan)


def equations(exercise: Exercise) -> dict[str, str]:
    """Return how each node is computed, by name.

    >>> from .exercise import exercise
    >>> equations(exercise(lambda a, b: -a * b, 2.0, 3.0))
    {'a': 'a = 2', 'b': 'b = 3', 'v1': 'v1 = -a', 'L': 'L = v1 * b'}
    """
    nodes = exercise.nodes()
    names = {node: name for name, node in nodes.items()}
    leaves = {name: f"{name} = {value:g}" for name, value in exercise.leaves.items()}
    return {**{name: equation(node, names) for name, node in nodes.items()}, **leaves}


def formula(exercise: Exercise) -> str:
    """Return the steps of a small graph on one line."""
    return "; ".join(_graph(exercise)[len(exercise.leaves) :])


def _graph(exercise: Exercise) -> list[str]:
    """Return the graph, a node on a line; of a long one, how it begins and how it ends."""
    lines = list(equations(exercise).values())
    if len(lines) <= ROWS:
        return lines
    return [*lines[:4], f"... {len(lines) - 6:,} more ...", *lines[-2:]]


def _rows(fault: Fault, paint: Paint) -> Iterator[str]:
    """Yield the table: the graph, and beside each node your numbers and the right ones."""
    assert not isinstance(fault.answer, Problem)
    written = equations(fault.exercise)
    first = max(14, *(len(text) for text in written.values()))
    swept = bool(fault.exercise.plan)
    yield paint(f"{'':<{first}}          data" + "                  gradient" * swept, "dim")
    yield paint(f"{'graph':<{first}}  {'yours':>10}  {'right':>10}" + f"   {'yours':>10}  {'right':>10}" * swept, "dim")
    for name, yours in fault.answer.items():
        right = fault.exercise.right[name]
        triples = list(zip(yours, right, fault.exercise.scale))[: 2 if swept else 1]
        wrong = not all(close(*triple) for triple in triples)
        row = f"{written[name]:<{first}}  " + "   ".join(_pair(*triple, paint) for triple in triples)
        yield row + ("  ←" if wrong else "")


def _pair(yours: Number, right: Number, scale: Number, paint: Paint) -> str:
    good = close(yours, right, scale)
    return f"{paint(f'{number(yours):>10}', 'good' if good else 'bad')}  {number(right):>10}"


def number(x: Number) -> str:
    """Return a number with six digits, and what is none in words."""
    return _clean(x) if isinstance(x, str) else f"{x + 0.0:.6g}"  # minus zero is zero


def arrivals(fault: Fault) -> list[str]:
    """Return what should arrive at each leaf whose gradient is wrong: upstream gradient times local derivative."""
    if isinstance(fault.answer, Problem) or fault.kind not in ("rule", "upstream", "reuse", "order"):
        return []
    nodes = fault.exercise.nodes()
    sweep = explain(nodes[fault.exercise.root], names={node: name for name, node in nodes.items()})
    wrong = [name for name in fault.exercise.leaves if is_wrong(fault.exercise, fault.answer, name)]
    return [
        f"{sent.argument} should get from {step.name}: dL/d{step.name} * d{step.name}/d{sent.argument} = "
        f"{number(float(step.upstream))} * {_local(sent.symbols, sent.local)} = {number(float(sent.amount))}"
        for step in sweep
        for sent in step.contributions
        if sent.argument in wrong
    ]


def _local(symbols: str, local: Any) -> str:
    value = number(float(local))
    return value if symbols == value else f"({symbols})" if set(symbols) & set(" -") else symbols


def what_happened(problem: Problem) -> str:
    """Say in a line what came instead of an answer."""
    if problem.kind == HANGS:
        return f"No answer {problem.message}: stopped."
    if problem.kind == ENDS:
        return f"The process ended {problem.message}."
    message = _clean(problem.message)
    return f"{problem.kind}: {message}" if message else problem.kind


def _place(report: Report, problem: Problem) -> Iterator[str]:
    """Yield the line of the file that was under way."""
    if problem.line:
        try:
            lines = Path(report.file).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:  # it has deleted itself
            return
        source = _clean(lines[problem.line - 1]) if problem.line <= len(lines) else ""
        yield f"      line {problem.line}:  {source}"


def _clean(text: str) -> str:
    return one_line(text, 200)


def _wrapped(text: str, paint: Paint, indent: str = "") -> list[str]:
    return [
        paint(line, "number") for line in textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
    ]
