"""What went wrong: the engine's numbers against the right ones, and from the smallest graph the idea to revisit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .exercise import RESET, TWICE, TWO_GRAPHS, Call, Exercise, Number, Numbers, is_reused, is_shared
from .ideas import IDEAS, Idea
from .sandbox import ENDS, HANGS, Answer, Problem

CLOSE = 1e-5  # relative; loose enough for float32, far too tight for a wrong rule
TINY = 1e-9

REFUSALS = ("AttributeError", "TypeError", "NotImplementedError", "AssertionError")  # of what somebody has not built
UNSUPPORTED = ("AttributeError", "TypeError")  # what Python itself raises for an operator or a method that is not there
DEEP = 100  # calls of a graph that is deep
OVERFLOWS = ("SIGSEGV", "SIGABRT", "SIGBUS")

SWEEP = ("leaf", "order", "twice", "graphs", "reset", "depth", "paths", "slow")  # faults that no op is blamed for
FAMILY = {"accumulate": "reuse"}

METHODS = {  # what Python looks for: with the node on the left, and with the node on the right alone
    "add": ("__add__", "__radd__"), "sub": ("__sub__", "__rsub__"), "mul": ("__mul__", "__rmul__"),
    "div": ("__truediv__", "__rtruediv__"), "power": ("__pow__", "__rpow__"), "neg": ("__neg__", ""),
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """What one fault looks like: the smallest exercise that shows it, and what the engine answered.

    `called` names the functions of the engine that recorded it: division may be made of powers.
    """

    kind: str
    exercise: Exercise
    answer: Answer
    called: frozenset[str] = frozenset()

    @property
    def idea(self) -> Idea:
        """What to think about again."""
        return IDEAS[self.kind]

    @property
    def blamed(self) -> list[Call]:
        """The calls that may be at fault; none where it is the sweep."""
        calls = self.exercise.calls
        if self.kind in SWEEP:
            return []
        return list(calls[:-1] if self.kind == "upstream" else calls[-1:] if len(calls) >= DEEP else calls)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of the calls that may be at fault."""
        if isinstance(self.answer, Problem) and self.kind == "missing" and self.answer.statement.startswith("backward"):
            return ("backward",)
        return tuple(dict.fromkeys(map(method, self.blamed)))

    def explains(self, other: Fault) -> bool:
        """Whether the other shows nothing new: it is of the same kind, and all that is blamed here had a part in it."""
        if self.kind == "slow" and not self.exercise.calls and other.kind == "paths":
            return True  # where a number alone takes for ever, so does every graph
        alike = FAMILY.get(self.kind, self.kind) == FAMILY.get(other.kind, other.kind)
        return alike and set(self.methods) <= {*other.methods, *other.called}


def failure(exercise: Exercise, answer: Answer) -> str:
    """Return in a word how an answer is wrong: what was raised, `data`, `grad`, or nothing where it is right.

    Data of every node is compared, and the gradients of the leaves: what lies between is the engine's own business. An
    engine may refuse a second sweep, as long as it says so by a RuntimeError.
    """
    if isinstance(answer, Problem):
        refused = exercise.plan == TWICE and answer.kind == "RuntimeError"
        return "" if refused and answer.statement.startswith("backward") else answer.kind
    right = exercise.right
    if any(_differs(exercise, answer[name], right[name], "data") for name in answer):
        return "data"
    if exercise.plan and any(is_wrong(exercise, answer, name) for name in exercise.leaves):
        return "grad"
    return ""


def is_wrong(exercise: Exercise, answer: dict[str, Numbers], leaf: str) -> bool:
    """Whether the gradient of a leaf is another than the right one."""
    return _differs(exercise, answer[leaf], exercise.right[leaf], "grad")


def _differs(exercise: Exercise, yours: Numbers, right: Numbers, part: str) -> bool:
    """Whether a part is not close; the scale, which takes a sweep, is asked only where it is not close without."""
    number, expected = getattr(yours, part), getattr(right, part)
    return not close(number, expected) and not close(number, expected, getattr(exercise.scale, part))


def close(yours: Number, right: Number, scale: Number = 0.0) -> bool:
    """Whether two numbers are the same but for rounding; words never are.

    `scale` is the size of what they were made of: in single precision 1e3 - 1e3 may be 1e-4.

    >>> close(1.0000001, 1.0), close(1.001, 1.0), close("None", 0.0), close(7e-9, 0.0, 1.0)
    (True, False, False, True)
    """
    if isinstance(yours, str) or isinstance(right, str):
        return False
    return math.isclose(yours, right, rel_tol=CLOSE, abs_tol=max(TINY, CLOSE * float(scale)))


def is_missing(answer: Answer) -> bool:
    """Whether a method is simply not there: Python finds none, or the engine says that it is not implemented."""
    if not isinstance(answer, Problem) or not answer.statement.startswith(("call", "backward")):
        return False
    absent = answer.kind in UNSUPPORTED and not answer.raised_there
    return absent or answer.kind == "NotImplementedError"


def is_refused(answer: Answer) -> bool:
    """Whether the engine declines to record: of an optional op, that is as good as not having it."""
    return isinstance(answer, Problem) and answer.statement.startswith("call") and answer.kind in REFUSALS


def method(call: Call) -> str:
    """Return the name of the method that a call needs.

    >>> method(Call("L", "sub", (2.0, "a"))), method(Call("L", "sub", ("a", 2.0))), method(Call("L", "tanh", ("a",)))
    ('__rsub__', '__sub__', 'tanh')
    """
    left, right = METHODS.get(call.op, (call.op, ""))
    return left if isinstance(call.args[0], str) else right


def kind_of(exercise: Exercise, answer: Answer) -> str:
    """Return which of the ideas the smallest failing exercise is about."""
    if isinstance(answer, Problem):
        return _kind_of_problem(exercise, answer)
    judged = [*(row.data for row in answer.values()), *(answer[name].grad for name in exercise.leaves)]
    if any(isinstance(number, str) for number in judged):
        return "words"
    if exercise.plan in (TWO_GRAPHS, TWICE) and any(_is_less(answer, exercise, name) for name in exercise.leaves):
        return "accumulate"
    if exercise.plan in (RESET, TWO_GRAPHS, TWICE):
        return {RESET: "reset", TWO_GRAPHS: "graphs", TWICE: "twice"}[exercise.plan]
    if not exercise.calls:
        return "leaf"
    if failure(exercise, answer) == "data":
        return "changed" if exercise.plan else "value"
    return _kind_of_gradient(exercise, answer)


def _is_less(answer: dict[str, Numbers], exercise: Exercise, leaf: str) -> bool:
    return abs(float(answer[leaf].grad)) < abs(float(exercise.right[leaf].grad)) * (1.0 - CLOSE)


def _kind_of_problem(exercise: Exercise, problem: Problem) -> str:
    deep = len(exercise.calls) >= DEEP
    if problem.kind == "RecursionError" or (problem.kind == ENDS and problem.message.endswith(OVERFLOWS) and deep):
        return "depth" if deep else "raised"
    if problem.kind == HANGS:
        return "slow" if deep or not is_shared(exercise) else "paths"
    if is_missing(problem):
        return "missing"
    mixed = any(not isinstance(arg, str) for call in exercise.calls for arg in call.args)
    if mixed and problem.kind in UNSUPPORTED and problem.statement.startswith("call"):
        return "constants"
    return {ENDS: "ended", "SystemExit": "ended", "MemoryError": "memory"}.get(problem.kind, "raised")


def _kind_of_gradient(exercise: Exercise, answer: dict[str, Numbers]) -> str:
    wrong = [name for name in exercise.leaves if is_wrong(exercise, answer, name)]
    nothing_came = len(exercise.calls) > 1 and all(answer[name].grad == 0.0 for name in wrong)
    if is_shared(exercise) or nothing_came:  # in between they were visited before anything had arrived
        return "order"
    if is_reused(exercise):
        return "reuse"
    return "rule" if len(exercise.calls) == 1 else "upstream"
