"""Grading one engine: every check asked, every failure made as small as it will go, every fault told once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

from autograd_mini import AutogradError

from .diagnosis import Fault, failure, is_missing, is_refused, kind_of
from .exam import Check, exam
from .exercise import FORWARD, Exercise
from .own_sweep import Write, own_sweep
from .report import FAILED, LEFT_OUT, MISSING, PASSED, UNSEEN, WAITS, Found, Report, Result
from .sandbox import ENDS, HANGS, Answer, Problem, Sandbox
from .shrink import shrink

WHOLE = 12  # times as long as one graph may take, an engine has for the whole exam
IMPATIENT = 0.2  # of that time, once a graph has taken all of it
SMALLEST = 8  # failing exercises of a check that are made smaller
TRIES = {HANGS: 12, ENDS: 60, "RecursionError": 120}  # for one exercise: new processes and deep graphs take time
MANY = 300


class GradeError(AutogradError, ValueError):
    """A file that cannot be graded because it is not there or not Python, or limits that are none."""


def grade(file: str | os.PathLike[str], seconds: float = 5.0, memory: int = 1024) -> Report:
    """Return the grade of the scalar engine `Value` in a Python file; print it to read it.

    The file runs in a process of its own. A graph may take so many seconds, an import four times, the whole exam twelve
    times as many, and the process `memory` MiB where the platform can hold it to that. This is a seat belt, not a
    prison: do not grade a file that you would not run. GradeError if the file cannot be read or a limit is not
    positive.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "mine.py"); _ = file.write_text("from autograd_mini import Value")
    ...     report = grade(file)
    >>> report.passed, report.is_full, report.faults
    (18, True, ())
    """
    path = checked(file, seconds, memory)
    with Sandbox(path, seconds, memory) as sandbox:
        broken = sandbox.start()
        if broken is not None:
            return Report(os.fspath(file), broken=broken)
        return _Examiner(os.fspath(file), sandbox).report()


def grade_all(
    files: Sequence[str | os.PathLike[str]], seconds: float = 5.0, memory: int = 1024, at_once: int | None = None
) -> Iterator[Report]:
    """Yield the grades of several files in their order, as `grade` gives them, `at_once` of them at a time.

    That many are graded beside each other as the machine has cores, where it is left out. GradeError for the first file
    that cannot be graded, before any is.
    """
    for file in files:  # a mistake in the last name should not cost the time of all the others
        checked(file, seconds, memory)
    one = partial(grade, seconds=seconds, memory=memory)
    with ProcessPoolExecutor(at_once or os.cpu_count(), get_context("spawn")) as others:
        yield from others.map(one, files) if len(files) > 1 else map(one, files)


def checked(file: str | os.PathLike[str], seconds: float, memory: int) -> str:
    """Return where the file is; GradeError if it cannot be read, or a limit is not positive."""
    if not 0.0 < seconds < 1e6 or memory <= 0:
        raise GradeError(f"the limits are positive numbers, got {seconds:g} seconds and {memory} MiB")
    path = Path(file)
    if path.suffix != ".py":
        raise GradeError(f"{str(file)!a} is not a Python file: save the engine as NAME.py")
    try:
        path.read_bytes()
    except OSError as error:
        raise GradeError(f"cannot read {str(file)!a}: {error.strerror}") from error
    return str(path.resolve())


class _Examiner:
    """Asks the checks in turn, and remembers which check has found which fault."""

    def __init__(self, file: str, sandbox: Sandbox) -> None:
        self.file = file
        self.sandbox = sandbox
        self.seconds = sandbox.seconds
        self.deadline = time.monotonic() + WHOLE * sandbox.seconds
        self.answers: dict[str, Answer] = {}
        self.known: list[tuple[str, Fault]] = []
        self.found: list[Found] = []

    def report(self) -> Report:
        results = tuple(self._result(check) for check in exam())
        return Report(self.file, results, tuple(self.found))

    def _result(self, check: Check) -> Result:
        if self._is_late():
            return Result(check, UNSEEN)
        if check.optional and is_refused(self._ask(check.exercises[0])):
            return Result(check, LEFT_OUT)
        faults = list(self._faults(check))
        if self._is_late() and not faults:
            return Result(check, UNSEEN)
        hidden = dict.fromkeys(name for fault in faults for name in self._explained(fault))
        fresh = [fault for fault in faults if not any(self._explained(fault))]
        missing = [fault for fault in fresh if fault.kind == "missing"]
        self.known += [(check.name, fault) for fault in fresh]
        if len(missing) < len(fresh):
            self._enter(check, [fault for fault in fresh if fault.kind != "missing"])
            return Result(check, FAILED)
        if missing:
            return Result(check, MISSING, tuple(dict.fromkeys(name for fault in missing for name in fault.methods)))
        return Result(check, WAITS, tuple(hidden)) if faults else Result(check, PASSED)

    def _explained(self, fault: Fault) -> Iterator[str]:
        """Yield the checks that have found this fault before."""
        return (name for name, known in self.known if known.explains(fault))

    def _enter(self, check: Check, fresh: list[Fault]) -> None:
        """Tell the faults of one kind once, on the smallest graph."""
        fresh.sort(key=lambda fault: (fault.kind, len(fault.exercise.calls)))
        for _, alike in groupby(fresh, key=lambda fault: fault.kind):
            fault, *rest = alike
            others = {other.methods: other.exercise for other in rest if not fault.explains(other)}
            self.found.append(Found(check.name, fault, tuple(others.values()), self._sweep(fault)))

    def _sweep(self, fault: Fault) -> tuple[Write, ...]:
        """Return the engine's own sweep, where there is time for it and the process is known to live through it."""
        stopped = isinstance(fault.answer, Problem) and fault.answer.kind in (HANGS, ENDS)
        return () if stopped or self._is_late() else tuple(own_sweep(fault.exercise, self.sandbox))

    def _faults(self, check: Check) -> Iterator[Fault]:
        """Yield the faults that the exercises of a check show, each on the smallest graph."""
        shown = 0
        for exercise in check.exercises:
            if self._is_late() or shown == SMALLEST:
                return
            answer = self._ask(exercise)
            if failure(exercise, answer):
                shown += 1
                yield self._smallest(exercise, answer)
            if _is_hanging(answer) or self._ends_anyway(answer):
                return

    def _ask(self, exercise: Exercise) -> Answer:
        script = exercise.script
        if script not in self.answers:
            self.answers[script] = self.sandbox.ask(script, self.seconds)
            if _is_hanging(self.answers[script]):
                self.seconds = IMPATIENT * self.sandbox.seconds
        return self.answers[script]

    def _smallest(self, exercise: Exercise, answer: Answer) -> Fault:
        """Return the fault on the smallest exercise that fails as this one does, or on this if it shows nothing new."""
        how = failure(exercise, answer)
        fault = Fault(kind_of(exercise, answer), exercise, answer)
        if self._is_shown_by_a_number(fault):
            return fault

        def fails(candidate: Exercise) -> bool:
            return not self._is_late() and failure(candidate, self._ask(candidate)) == how

        if not is_missing(answer):
            exercise = shrink(exercise, fails, TRIES.get(how, MANY))
            answer = self._ask(exercise)
        return Fault(kind_of(exercise, answer), exercise, answer, self._called(exercise, answer))

    def _is_shown_by_a_number(self, fault: Fault) -> bool:
        """Whether a number on its own, without any op to blame, has shown this before: then every graph does."""
        return any(not known.exercise.calls and known.explains(fault) for _, known in self.known)

    def _ends_anyway(self, answer: Answer) -> bool:
        """Whether the process ends on a number on its own: it does on each graph, and a new one takes time."""
        ends = isinstance(answer, Problem) and answer.kind == ENDS
        return ends and any(known.kind == "ended" and not known.exercise.calls for _, known in self.known)

    def _called(self, exercise: Exercise, answer: Answer) -> frozenset[str]:
        """Return which functions the engine calls to record a graph that it can record."""
        if isinstance(answer, Problem):
            return frozenset()
        script = "; ".join(["watch", replace(exercise, plan=FORWARD).script, "called"])
        called = self.sandbox.ask(script, self.seconds)
        return frozenset() if isinstance(called, Problem) else frozenset(called)

    def _is_late(self) -> bool:
        return time.monotonic() > self.deadline


def _is_hanging(answer: Answer) -> bool:
    return isinstance(answer, Problem) and answer.kind == HANGS
