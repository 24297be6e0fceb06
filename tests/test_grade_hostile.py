"""Grading survives: engines that hang, exit, fork, print, eat memory or take the interpreter to pieces."""

import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest
from test_grade import GOOD, PATIENT, quick
from waiting import until

from viz.grading import grade, grader
from viz.grading.diagnosis import Fault
from viz.grading.exam import exam
from viz.grading.exercise import exercise
from viz.grading.report import text_of
from viz.grading.sandbox import HANGS, Problem, Sandbox, ended

QUICK = quick()  # seconds a graph: what hangs here hangs for ever

WONT_IMPORT = [  # source, kind of trouble, line, what is said
    ("import time\ntime.sleep(1000)", "no answer", 0, f"No answer for {4 * QUICK:g} s: stopped."),
    ("import sys\nsys.exit(3)", "SystemExit", 2, "SystemExit: 3"),
    ("exit(3)", "SystemExit", 1, "SystemExit: 3"),
    ("import os\nos._exit(7)", "ended", 0, "The process ended with exit status 7."),
    ("x = 1\nraise ValueError('no \\x1b[31m')", "ValueError", 2, "ValueError: no"),
    ("def f(:\n    pass", "SyntaxError", 1, "SyntaxError: invalid syntax"),
    ("class Node: pass", "AttributeError", 0, "The class that is graded is called Value"),
    ("name = input()", "EOFError", 1, "EOFError"),
    ("import no_such_module", "ModuleNotFoundError", 1, "no_such_module"),
    ("", "AttributeError", 0, "has no attribute 'Value'"),
    ("Value = 3", "TypeError", 0, "Value is an int, where a class is asked for"),
    ("def Value(data): pass", "TypeError", 0, "Value is a function, where a class is asked for"),
]

HARMLESS = {  # an engine that is right must get full marks, whatever else its file does
    "prints": "import os\nprint('x' * 100_000)\nos.write(1, b'\\xff' * 1000)\nos.write(2, b'garbage')\n",
    "closes stdout": "import sys\nsys.stdout.close()\n",
    "writes to any pipe": "import os\nfor fd in range(3, 9):\n    try: os.write(fd, b'1')\n    except OSError: pass\n",
    "empties sys.modules": "import sys\nfor name in {*sys.modules} - {__name__}: del sys.modules[name]\n",
    "breaks the standard library": "import os, operator\nos._exit = os.getpid = operator.add = os.write = None\n",
    "registers an exit that hangs": "import atexit, time\natexit.register(time.sleep, 1000)\n",
    "ignores signals": "import signal\nfor s in (signal.SIGTERM, signal.SIGINT): signal.signal(s, signal.SIG_IGN)\n",
    "changes the working directory": "import os\nos.chdir('/')\n",
}
STRIPPED = """
import builtins
kept = {"float", "isinstance", "max", "set", "reversed"}
for name in [name for name in vars(builtins) if name not in kept]:
    builtins.__dict__.pop(name)
"""

TROUBLE = {  # what backward() does, and how that is named: kind, or None where it depends on the machine
    "raise SystemExit(0)": "ended",
    "os._exit(5)": "ended",
    "raise KeyboardInterrupt": "raised",
    "raise Odd": "raised",
    "self.backward()": "raised",
    "self.grad = []": "words",
    "self.grad = 'one'": "words",
    "self.data = None": "words",
    "self.grad = 10**400": "words",
    "del self.grad": "raised",
    "bytearray(1 << 40)": "memory",
    "self.grad = float('nan')": "leaf",
}
ODD = """
import os, signal
class Odd(Exception):
    def __str__(self): raise Odd
def backward(self):
    {does}
Value.backward = backward
"""


def written(tmp_path, source):
    file = tmp_path / "my_engine.py"
    file.write_text(source, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("source", "kind", "line", "said"), WONT_IMPORT, ids=[row[1] + row[0][:9] for row in WONT_IMPORT]
)
def test_a_file_that_cannot_be_imported_is_told_why(source, kind, line, said, tmp_path):
    report = grade(written(tmp_path, source), seconds=QUICK)
    assert (report.broken.kind, report.broken.line) == (kind, line)
    assert not report.is_full
    text = text_of(report)
    assert said in text
    assert "\x1b" not in text
    assert "The file cannot be imported" in text


@pytest.mark.parametrize("source", [b"\0", b"x = '\xff'", b"\xff\xfe\x00\x00", b"(" * 10_000])
def test_a_file_that_is_no_text_is_told_so(source, tmp_path):
    file = tmp_path / "my_engine.py"
    file.write_bytes(source)
    assert grade(file, seconds=PATIENT).broken.kind in (
        "SyntaxError",
        "MemoryError",
        "ValueError",
        "UnicodeDecodeError",
    )


@pytest.mark.parametrize("prelude", HARMLESS.values(), ids=HARMLESS)
def test_a_right_engine_gets_full_marks_whatever_its_file_does(prelude, tmp_path):
    assert grade(written(tmp_path, GOOD + prelude), seconds=PATIENT).is_full


def test_builtins_that_are_deleted_are_missed_by_the_engine_alone(tmp_path):
    assert grade(written(tmp_path, GOOD + STRIPPED), seconds=PATIENT).is_full


def running():
    """Yield the command of each process; one may end while it is looked at."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield process.read_bytes()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a platform without fork")
@pytest.mark.parametrize("fork", ["os.fork()", "os.fork() or time.sleep(1000)", "os.fork(); os.fork(); os.fork()"])
def test_copies_are_silent_and_end_with_the_process(fork, tmp_path):
    prelude = f"import os, time\ntry: {fork}\nexcept OSError: pass\n"
    assert grade(written(tmp_path, prelude + GOOD), seconds=PATIENT).is_full
    until(lambda: not any(bytes(tmp_path) in command for command in running()) or None, "the end of the copies")


@pytest.fixture
def started(monkeypatch):
    """Return a list of the sandboxes that start a process, one for each process."""
    sandboxes = []
    start = Sandbox.start
    monkeypatch.setattr(Sandbox, "start", lambda sandbox: (sandboxes.append(sandbox), start(sandbox))[1])
    return sandboxes


@pytest.mark.parametrize(("does", "kind"), TROUBLE.items(), ids=TROUBLE)
def test_trouble_on_the_way_back_is_named(does, kind, tmp_path, started):
    seconds = 2 * QUICK if kind == "ended" else PATIENT  # a new process for each graph takes time
    report = grade(written(tmp_path, GOOD + ODD.format(does=does)), seconds=seconds)
    assert report.broken is None
    assert report.passed == 0
    assert report.faults[0].fault.kind == kind
    assert text_of(report).count("Fault 1: ") == 1
    assert len(started) <= 2 * len(exam())  # what a number alone shows is not sought on each graph again


def test_an_engine_that_hangs_has_one_fault(tmp_path, started, monkeypatch):
    monkeypatch.setattr(grader, "own_sweep", lambda *_: pytest.fail("a sweep that hangs was asked for its steps"))
    sleeping = GOOD + "import time\nValue.backward = lambda self: time.sleep(1000)\n"
    report = grade(written(tmp_path, sleeping), seconds=QUICK)
    assert report.broken is None
    assert report.passed == 0
    assert {result.status for result in report.results} <= {"failed", "waits", "unseen", "left out"}
    assert [found.fault.kind for found in report.faults] == ["slow"]
    assert text_of(report).count("Fault 1: ") == 1
    assert len(started) <= 2 * len(exam())


def test_what_there_was_no_time_for_is_unseen(tmp_path, monkeypatch):
    monkeypatch.setattr(grader, "WHOLE", 0)
    report = grade(written(tmp_path, GOOD), seconds=PATIENT)
    assert {result.status for result in report.results} == {"unseen"}
    assert (report.passed, report.is_full, report.faults) == (0, False, ())


def test_a_hang_on_a_number_alone_explains_those_on_graphs_of_many_paths_and_no_other_does():
    alone, one, paths = exercise(lambda a: a, 2.0), exercise(lambda a: -a, 2.0), exercise(lambda a: a + a, 2.0)
    slow, slower, many = (
        Fault(kind, asked, Problem(HANGS, "")) for kind, asked in (("slow", alone), ("slow", one), ("paths", paths))
    )
    assert slow.explains(many)
    assert slow.explains(slower)
    assert not slower.explains(many)
    assert not many.explains(slow)


@pytest.mark.parametrize(
    "value", ["3", "'Value'", "lambda x: None", "lambda: None", "float", "print", "type('Value', (), {})", "[]"]
)
def test_a_value_that_is_no_class_of_numbers_is_told_so(value, tmp_path):
    report = grade(written(tmp_path, f"Value = {value}\n"), seconds=PATIENT)
    assert report.passed == 0
    assert not report.is_full
    assert "not built yet" in text_of(report) or "TypeError" in text_of(report)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its memory")
def test_memory_is_limited(tmp_path):
    report = grade(written(tmp_path, "hoard = bytearray(300 << 20)\n" + GOOD), seconds=PATIENT, memory=200)
    assert report.broken.kind == "MemoryError"
    assert grade(written(tmp_path, "hoard = bytearray(300 << 20)\n" + GOOD), seconds=PATIENT, memory=600).is_full


def test_an_engine_may_import_its_neighbours_and_numpy(tmp_path):
    (tmp_path / "parts.py").write_text(GOOD, encoding="utf-8")
    assert grade(written(tmp_path, "import numpy\nfrom parts import Value\n"), seconds=PATIENT).is_full
    assert {file.name for file in tmp_path.iterdir()} == {"parts.py", "my_engine.py"}


def test_an_engine_that_deletes_its_file_is_graded_as_far_as_it_goes(tmp_path):
    file = written(tmp_path, GOOD + "\nimport os\ntry: os.remove(__file__)\nexcept OSError: pass  # sealed\n")
    report = grade(file, seconds=PATIENT)
    file.unlink(missing_ok=True)
    assert report.is_full
    assert "my_engine.py" in text_of(report)


def test_the_process_is_replaced_after_each_end(tmp_path):
    dying = GOOD + "\nimport os\nValue.exp = lambda self: os._exit(9)\nValue.log = lambda self: os.abort()\n"
    with Sandbox(str(written(tmp_path, dying)), PATIENT, 1024) as sandbox:
        assert sandbox.start() is None
        first = sandbox.worker.process.pid
        said = sandbox.ask("leaf a 2.0; call L exp a; show L")
        assert (said.kind, said.message) == ("ended", "with exit status 9")
        assert sandbox.ask("leaf a 2.0; show a")["a"].data == 2.0
        assert sandbox.worker.process.pid != first
        assert sandbox.ask("leaf a 2.0; call L log a; show L").message == f"by {signal.Signals.SIGABRT.name}"
    assert sandbox.worker is None


def test_how_a_process_has_ended():
    assert [ended(0), ended(-9), ended(-63)] == ["with exit status 0", "by SIGKILL", "by signal 63"]


def test_a_grade_that_is_interrupted_leaves_no_process_behind(tmp_path, monkeypatch):
    started = []

    def interrupted(self, script, seconds=None):
        started.append(self.worker.process)
        raise KeyboardInterrupt

    monkeypatch.setattr(Sandbox, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        grade(written(tmp_path, GOOD))
    assert started[0].poll() is not None
