"""A grade is fair: single precision is no fault, and what a file writes to the pipe of the answers is no answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_grade import PATIENT, quick

from viz.grading import grade
from viz.grading.diagnosis import close
from viz.grading.sandbox import is_answer, is_trouble

SINGLE = """
import numpy as np

f = np.float32

class Value:
    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents = f(data), f(0), parents

    def __add__(self, other):
        other = node(other)
        return Value(self.data + other.data, ((self, f(1)), (other, f(1))))

    def __mul__(self, other):
        other = node(other)
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def __truediv__(self, other):
        other = node(other)
        return Value(self.data / other.data, ((self, f(1) / other.data), (other, -self.data / other.data**2)))

    def __pow__(self, n):
        return Value(self.data ** f(n), ((self, f(n) * self.data ** f(n - 1)),))

    def __neg__(self): return self * -1.0
    def __sub__(self, other): return self + -node(other)
    def __radd__(self, other): return self + other
    def __rmul__(self, other): return self * other
    def __rsub__(self, other): return node(other) - self
    def __rtruediv__(self, other): return node(other) / self

    def backward(self):
        order, seen, stack = [], set(), [(self, iter(self.parents))]
        while stack:
            at, parents = stack[-1]
            for parent, _ in parents:
                if parent not in seen:
                    seen.add(parent)
                    stack.append((parent, iter(parent.parents)))
                    break
            else:
                order.append(at)
                stack.pop()
        for at in order:
            at.grad = at.grad if not at.parents else f(0)
        self.grad = self.grad + f(1)
        for at in reversed(order):
            for parent, local in at.parents:
                parent.grad = parent.grad + local * at.grad

def node(x):
    return x if isinstance(x, Value) else Value(x)
"""


def test_an_engine_in_single_precision_is_right(tmp_path: Path) -> None:
    file = tmp_path / "single.py"
    file.write_text(SINGLE, encoding="utf-8")
    report = grade(file, seconds=PATIENT)
    assert report.is_full, str(report)


@pytest.mark.parametrize("slip", [("-self.data / other.data**2", "-self.data / other.data"), ("f(n - 1)", "f(n - 2)")])
def test_a_slip_in_single_precision_is_wrong(tmp_path: Path, slip: tuple[str, str]) -> None:
    file = tmp_path / "slip.py"
    file.write_text(SINGLE.replace(*slip), encoding="utf-8")
    assert not grade(file, seconds=PATIENT).is_full


FORGER = """
import os
sign = [word for word in open("/proc/self/cmdline", "rb").read().split(b"\\0") if len(word) == 32][0]
for place in range(3, 20):
    try:
        os.write(place, sign + {answer!r} + b"\\n")
    except OSError:
        pass
class Value:
    def __init__(self, data): self.data, self.grad = data, 0.0
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/cmdline"), reason="a file finds the sign of its answers in /proc")
@pytest.mark.parametrize(
    "answer",
    [b"5", b"None", b"[]", b"()", b"('a', 1)", b"[(1, 2, 3)]", b"'ready'", b"{}", b"((((", b"[('a', '0x1p99999', '')]"],
)
def test_a_forged_answer_gives_no_marks_and_no_traceback(tmp_path: Path, answer: bytes) -> None:
    file = tmp_path / "forged.py"
    file.write_text(FORGER.format(answer=answer), encoding="utf-8")
    report = grade(file, seconds=quick())
    assert not report.is_full
    assert str(report)


def test_answers_have_the_form_that_was_asked_for() -> None:
    script = "leaf a 2.0; show a"
    assert is_answer(script, [("a", "0x1p+1", "0x0p+0")])
    for said in (5, None, [], [("b", "0", "0")], [("a", 1, "0")], [("a", "0")], ("a",), "ready", [[]]):
        assert not is_answer(script, said)
    assert is_trouble(("ValueError", "text", 3, True, "call"))
    assert not is_trouble(("ValueError", "text", "3", True, "call"))
    assert not close("0x", 0.0, 1.0)
