"""Grading: a right engine gets full marks, and each fault planted in one is named, on a small graph, and not twice."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from viz.grading import grade
from viz.grading.exam import exam

SOLUTION = Path(__file__).resolve().parent.parent / "lessons" / "solutions" / "my_engine.py"
GOOD = SOLUTION.read_text(encoding="utf-8")

FAULTS = [  # what is planted, old and new text, and how it must be named: kind and methods
    ("a sum without its second argument", "[(x, 1.0), (y, 1.0)]", "[(x, 1.0)]", "rule", ("__add__",)),
    ("a product with one factor twice", "(x, y.data), (y, x.data)", "(x, x.data), (y, 1.0)", "rule", ("__mul__",)),
    ("a power that keeps its exponent", "n * x.data ** (n - 1)", "n * x.data ** n", "rule", ("__pow__",)),
    ("a power that is wrong by a thousandth", "n * x.data", "1.001 * n * x.data", "rule", ("__pow__",)),
    ("a negation that is none", "self * -1.0", "self * 1.0", "value", ("__neg__",)),
    ("a reflected difference that is not reflected", "node(other) - self", "self - other", "value", ("__rsub__",)),
    ("a reflected quotient that is not reflected", "node(other) / self", "self / other", "value", ("__rtruediv__",)),
    ("a tanh with half a derivative", "1.0 - y * y", "1.0 - y", "rule", ("tanh",)),
    ("a relu that always passes", "1.0 if self.data > 0.0 else 0.0", "1.0", "rule", ("relu",)),
    ("an exp of the wrong number", "y = math.exp(self.data)", "y = math.exp(self.data / 2)", "value", ("exp",)),
    ("gradients that do not add up", "x.grad += local", "x.grad = local", "reuse", ("__add__",)),
    ("an upstream gradient left out", "local * here.grad", "local", "upstream", ("__add__",)),
    ("the order of creation", "in reversed(nodes)", "in nodes", "order", ()),
    ("breadth first", "todo.pop()", "todo.pop(0)", "order", ()),
    ("inner nodes that keep the last sweep", "if here.edges:", "if False:", "twice", ()),
    ("leaves that forget the last sweep", "if here.edges:", "if True:", "accumulate", ("__add__",)),
    ("a root whose gradient is 2", "self.grad += 1.0", "self.grad += 2.0", "leaf", ()),
    ("no gradient before the first sweep", "self.grad = 0.0", "self.grad = None", "raised", ()),
    ("words for numbers", "self.data = float(data)", "self.data = str(data)", "words", ()),
    ("a plain number is not wrapped", "else Value(x)", "else x", "constants", ("__add__",)),
    ("data changed on the way back", "local * here.grad", "local * here.grad; x.data += 1", "changed", ("__add__",)),
]  # fmt: skip


PATIENT = 60.0  # seconds a graph where nothing hangs, however busy the machine is


def quick():
    """Return how long a graph may take that hangs: 0.2 s, and more where a process is slow to start."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True, timeout=60)
    return max(0.2, 8 * (time.perf_counter() - begun))


def graded(tmp_path, source, **limits):
    file = tmp_path / "my_engine.py"
    file.write_text(source, encoding="utf-8")
    return grade(file, **{"seconds": PATIENT, **limits})


def named(report):
    return [(found.fault.kind, found.fault.methods) for found in report.faults]


def changed(old, new, source=GOOD):
    assert old in source
    return source.replace(old, new)


# Full marks, where they are deserved --------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [GOOD, "from autograd_mini import Value"], ids=["the solution", "our own"])
def test_a_right_engine_gets_full_marks(source, tmp_path):
    report = graded(tmp_path, source)
    assert report.is_full
    assert report.passed == len(report.required) == 18
    assert report.faults == ()
    assert "All 18 checks passed" in str(report)


def test_our_own_engine_has_all_that_is_optional(tmp_path):
    report = graded(tmp_path, "from autograd_mini import Value")
    assert [result.status for result in report.results] == ["passed"] * len(exam())


def test_micrograd_is_right_but_for_depth_and_a_second_backward(tmp_path):
    pytest.importorskip("micrograd")
    report = graded(tmp_path, "from micrograd.engine import Value", seconds=PATIENT)
    assert [found.check for found in report.faults] == ["depth", "a second backward"]
    assert [found.fault.kind for found in report.faults] == ["depth", "twice"]
    assert report.passed == 16
    depth, twice = (found.fault for found in report.faults)
    assert 100 < len(depth.exercise.calls) < 2000
    assert (twice.answer["a"].grad, twice.exercise.right["a"].grad) == (3.0, 2.0)
    assert {result.check.name for result in report.results if result.status == "left out"} >= {
        "tanh",
        "a power of nodes",
    }


def test_a_solution_is_about_a_hundred_lines():
    assert len(GOOD.splitlines()) <= 110


# Planted faults -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("old", "new", "kind", "methods"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_planted_fault_is_named_first_and_shown_small(old, new, kind, methods, tmp_path):
    report = graded(tmp_path, changed(old, new), memory=200)  # soon full, where words are doubled sixty times
    assert not report.is_full
    assert (kind, methods) in named(report)
    first = next(found.fault for found in report.faults if found.fault.kind == kind)
    assert len(first.exercise.calls) <= 3 or kind == "depth"
    assert str(report).count("Fault 1:") == 1


def test_five_planted_faults_are_five_faults(tmp_path):
    source = changed("node(other) - self", "self - other")
    source = changed("1.0 - y * y", "1.0 - y", source)
    source = changed("[(self, 1.0 / self.data)]", "[(self, self.data)]", source)
    source = changed("if here.edges:", "if False:", source)
    source = changed("n * x.data", "x.data", source)
    report = graded(tmp_path, source)
    assert {
        ("value", ("__rsub__",)),
        ("rule", ("tanh",)),
        ("rule", ("log",)),
        ("twice", ()),
        ("rule", ("__pow__",)),
    } == set(named(report))
    assert len(report.faults) == 5


FIVE = """
class Value:
    def __init__(self, data, args=()):
        self.data, self.grad, self.args, self.push = data, 0.0, args, lambda: None
    def __add__(self, y):
        y = y if isinstance(y, Value) else Value(y)
        z = Value(self.data + y.data, (self, y))
        def push(): self.grad += z.grad; y.grad += z.grad
        z.push = push
        return z
    def __mul__(self, y):
        y = y if isinstance(y, Value) else Value(y)
        z = Value(self.data * y.data, (self, y))
        def push(): self.grad = y.data * z.grad; y.grad = self.data * z.grad
        z.push = push
        return z
    def __pow__(self, n):
        z = Value(self.data**n, (self,))
        def push(): self.grad += n * self.data ** (n - 1)
        z.push = push
        return z
    def __neg__(self):
        z = Value(-self.data, (self,))
        def push(): self.grad -= z.grad
        z.push = push
        return z
    def __sub__(self, y): return self + -y
    def __rsub__(self, y): return self - y
    def __radd__(self, y): return self + y
    def __rmul__(self, y): return self * y
    def backward(self):
        self.grad, todo, seen = 1.0, [self], {self}
        for node in todo:
            node.push()
            todo += [x for x in node.args if x not in seen]
            seen.update(node.args)
"""


def test_five_faults_of_an_engine_with_closures_are_each_named(tmp_path):
    report = graded(tmp_path, FIVE)
    assert set(named(report)) == {
        ("value", ("__rsub__",)), ("upstream", ("__pow__",)), ("reuse", ("__mul__",)), ("order", ()), ("twice", ()),
    }  # fmt: skip
    statuses = {result.check.name: result.status for result in report.results}
    assert statuses["division"] == "missing"
    assert statuses["all together"] == "waits"
    assert statuses["tanh"] == "left out"


def test_exponentially_many_paths_are_a_fault_of_their_own(tmp_path):
    walk = "Value.backward = lambda self: walk(self, 1.0)\ndef walk(node, g):\n    node.grad += g\n"
    walk += "    for x, local in node.edges: walk(x, g * local)\n"
    report = graded(tmp_path, GOOD + walk, seconds=quick())
    assert ("paths", ()) in named(report)
    assert "each node once" in str(report)


# Engines under way --------------------------------------------------------------------------------------------------


def test_what_is_not_built_yet_is_said_kindly(tmp_path):
    start = GOOD[: GOOD.index("    def __mul__")] + GOOD[GOOD.index("    # backward") : GOOD.index("    def __pow__")]
    report = graded(tmp_path, start)
    text = str(report)
    assert report.faults == ()
    assert "not built yet: __mul__" in text
    assert "What is built is right. Next: multiplication." in text
    assert {result.status for result in report.results} == {"passed", "missing", "waits", "left out"}


def test_without_backward_everything_waits_for_it(tmp_path):
    report = graded(tmp_path, GOOD[: GOOD.index("    # backward")])
    assert report.faults == ()
    assert "not built yet: backward" in str(report)
    assert report.passed == 0


@pytest.mark.parametrize("op", ["2 ** other", "assert isinstance(other, int), 'integers alone'"])
def test_an_optional_op_may_be_refused(op, tmp_path):
    source = changed("return (other * self.log()).exp()", "raise NotImplementedError")
    statuses = {result.check.name: result.status for result in graded(tmp_path, source).results}
    assert statuses["a power of nodes"] == "left out"
    assert statuses["powers"] == "passed"


def test_functions_may_stand_beside_the_class(tmp_path):
    source = changed("    def tanh(self):", "def tanh(self):\n    if 1:")
    head, tail = source.split("def tanh(self):")
    body, rest = tail.split("    def relu", 1)
    report = graded(tmp_path, head.rstrip() + "\n\n    def relu" + rest + "\n\ndef tanh(self):" + body)
    assert {result.check.name: result.status for result in report.results}["tanh"] == "passed"


@pytest.mark.parametrize("kind", ["0", "np.float32(0)", "np.zeros(())", "np.int64(0)"])
def test_a_gradient_may_be_any_kind_of_number(kind, tmp_path):
    source = changed("import math", "import math\nimport numpy as np")
    assert graded(
        tmp_path, changed("self.grad = 0.0\n        self.edges", f"self.grad = {kind}\n        self.edges", source)
    ).is_full


def test_an_engine_may_refuse_a_second_sweep(tmp_path):
    refusing = (
        GOOD + "        if hasattr(self, 'swept'): raise RuntimeError('swept before')\n        self.swept = True\n"
    )
    assert graded(tmp_path, refusing).is_full
