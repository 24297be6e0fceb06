"""Grading a class: beside each other, with a table, pages, each learner's own sweep, and nothing that gets away."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import shutil
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import player_page
import pytest
from test_grade import FAULTS, GOOD, PATIENT
from waiting import until

from viz.command.main import main
from viz.grading import GradeError, grade, grade_all, keeper
from viz.grading.class_report import _played, csv_of, page_names, write_pages
from viz.grading.exercise import exercise
from viz.grading.own_sweep import judged, own_sweep, right_sweep
from viz.grading.report import Report
from viz.grading.sandbox import Sandbox

GUIDE = Path(__file__).parent.parent / "docs" / "howto" / "grade.md"
PLANTED = {what: (old, new, kind) for what, old, new, kind, _ in FAULTS}
SOME = ["a product with one factor twice", "gradients that do not add up", "an upstream gradient left out"]
SOME += ["the order of creation"]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[Report]:
    folder = tmp_path_factory.mktemp("class")
    files = []
    for number, what in enumerate([*SOME, None, "import"]):
        old, new, _ = PLANTED.get(what, ("", "", ""))
        source = "raise ValueError('<b>no</b>')\n" if what == "import" else GOOD.replace(old, new) if old else GOOD
        files.append(folder / f"learner {number}.py")
        files[-1].write_text(source, encoding="utf-8")
    return list(grade_all(files, seconds=PATIENT, at_once=2))


def test_reports_come_in_the_order_of_the_files_and_name_what_was_planted(reports: list[Report]) -> None:
    assert [Path(report.file).name for report in reports] == [f"learner {number}.py" for number in range(6)]
    for report, what in zip(reports, SOME):
        assert PLANTED[what][2] in [found.fault.kind for found in report.faults], what
    assert reports[4].is_full
    assert reports[5].broken is not None


def test_a_file_that_cannot_be_graded_is_named_before_any_is(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import time\ntime.sleep(60)\n")
    with pytest.raises(GradeError, match=r"cannot read .*b\.py"):
        list(grade_all([tmp_path / "a.py", tmp_path / "b.py"]))


def test_the_table_is_one_line_an_engine_and_no_formula_of_a_spreadsheet(reports: list[Report]) -> None:
    rows = list(csv.reader(io.StringIO(csv_of(reports))))
    assert rows[0] == ["file", "passed", "required", "full", "faults", "import"]
    assert len(rows) == 7
    assert rows[2][4] == "gradients add up (__add__)"
    assert (rows[5][1:4], rows[6][3]) == (["18", "18", "yes"], "no")
    assert "ValueError" in rows[6][5]
    assert list(csv.reader(io.StringIO(csv_of([Report("=cmd|x.py")]))))[1][0] == "'=cmd|x.py"


class Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attributes if tag == "a" and name == "href"]


def test_pages_lead_from_the_class_to_the_learner_to_the_graph(reports: list[Report], tmp_path: Path) -> None:
    index = write_pages(reports, tmp_path / "report")
    text = index.read_text("utf-8")
    assert "6 engines, 1 with full marks" in text
    assert "<b>no</b>" not in text
    for page in index.parent.glob("learner_?.html"):
        links = Links(page.read_text("utf-8")).found
        assert all((index.parent / link).is_file() for link in links)
    links = Links(text).found
    assert {f"learner_{number}.html" for number in range(6)} <= set(links)
    assert all((index.parent / link).is_file() for link in links)
    assert "← the first that differs" in (index.parent / "learner_2.html").read_text("utf-8")


browser, show = player_page.browser, player_page.show  # fixtures


def test_a_failing_graph_is_played_with_the_learners_own_sweep_beside_the_right_one(
    reports: list[Report], show: Any
) -> None:
    found = next(f for report in reports for f in report.faults if not all(write.fits for write in f.sweep))
    made = _played(found)
    assert made.record["own"] == [[write.name, write.grad, write.fits] for write in found.sweep]
    page = show(made)
    first = next(i for i, write in enumerate(found.sweep, 1) if not write.fits)
    told = page.panel("wrong")
    assert f"Its write {first}, {found.sweep[first - 1].name}.grad = " in told
    assert "fits no right sweep" in told
    assert told.count("← first") == 2  # of the gradients, and of the writes
    page.run("[...document.querySelectorAll('#wrong button')].find(b => b.textContent === 'go to that step').click()")
    step = made.frames.steps[page.at()]
    assert (step.kind, made.frames.vertices[step.target].name) == ("contribute", found.sweep[first - 1].name)
    page.run("player.enterFormula('x * x')")  # another graph: that sweep is not of it
    assert "this engine" not in page.run("return document.getElementById('mistake').textContent")


SHIMS = {  # what a step of a workflow finds on its machine, without the network
    "pip": '[ "$1" = install ] && [ -f "$2" ]',
    "autograd-mini": f'exec "{sys.executable}" -c "import sys, viz.command.main as m; sys.exit(m.main())" "$@"',
}


@pytest.mark.skipif(sys.platform == "win32" or not shutil.which("sh"), reason="the steps run in a shell")
@pytest.mark.parametrize(("what", "status"), [(None, 0), (SOME[0], 1)])
def test_the_workflow_of_a_classroom_does_what_it_says(what: str | None, status: int, tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    (text,) = re.findall(r"^```yaml\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    steps = yaml.safe_load(text)["jobs"]["grade"]["steps"]
    (kept,) = (step["with"]["path"] for step in steps if step.get("uses", "").startswith("actions/upload-artifact@"))
    (tmp_path / "bin").mkdir()
    for name, line in SHIMS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "autograd_mini.zip").touch()
    (tmp_path / "my_engine.py").write_text(GOOD.replace(*PLANTED[what][:2]) if what else GOOD)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    for command in (step["run"] for step in steps if "run" in step):
        done = subprocess.run(
            ["sh", "-e", "-c", command], cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True,
            text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == (status if "grade" in command else 0), done.stderr
    assert f"{'1' if not what else '0'} with full marks" in (tmp_path / kept / "index.html").read_text("utf-8")
    assert ("Fault 1" in done.stdout) == bool(what)


def test_the_cells_for_nbgrader_and_otter_mark_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = GUIDE.read_text("utf-8").partition("## With nbgrader or otter")[2]
    cell, file = re.findall(r"^```python\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "otter", ModuleType("otter"))
    otter = ModuleType("otter.test_files")
    otter.test_case = lambda: lambda test: test  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "otter.test_files", otter)
    exec(file, names := {"__name__": "engine"})
    for source, marks in ((GOOD, 18), (GOOD.replace(*PLANTED[SOME[1]][:2]), 11)):
        (tmp_path / "my_engine.py").write_text(source)
        exec(cell, told := {})
        assert told["report"].passed == marks
        with contextlib.nullcontext() if marks == 18 else pytest.raises(AssertionError, match="Fault 1"):
            names["test_engine"]()


def test_pages_of_files_with_one_name_do_not_meet() -> None:
    assert page_names([Report("a/x.py"), Report("b/x.py"), Report("../index.py")]) == ["x", "x-2", "index-2"]


def test_the_command_writes_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.py"
    file.write_text(GOOD)
    assert main(["grade", str(file), "--csv", str(tmp_path / "m.csv"), "--html", str(tmp_path / "r")]) == 0
    assert "index.html" in capsys.readouterr().err
    assert (tmp_path / "m.csv").read_text().count("\n") == 2
    assert (tmp_path / "r" / "mine.html").is_file()


# A learner's own sweep ------------------------------------------------------------------------------------------------

GRAPH = exercise(lambda a, b: (a + b) * a, 2.0, 3.0)


def writes(tmp_path: Path, source: str) -> list[tuple[str, float, bool]]:
    file = tmp_path / "mine.py"
    file.write_text(source)
    with Sandbox(str(file), PATIENT, 1024) as sandbox:
        assert sandbox.start() is None
        return [tuple(write) for write in own_sweep(GRAPH, sandbox)]


def test_a_right_engine_writes_what_the_right_sweep_sends(tmp_path: Path) -> None:
    found = writes(tmp_path, GOOD)
    assert all(fits for *_, fits in found)
    assert {name: grad for name, grad, _ in found} == {"L": 1.0, "v1": 2.0, "a": 7.0, "b": 2.0}


@pytest.mark.parametrize("what", SOME)
def test_a_planted_fault_is_seen_in_what_is_written(what: str, tmp_path: Path) -> None:
    old, new, _ = PLANTED[what]
    found = writes(tmp_path, GOOD.replace(old, new))
    assert not all(fits for *_, fits in found) or {name: grad for name, grad, _ in found}["a"] != 7.0


def test_any_order_and_all_at_once_are_right() -> None:
    e = exercise(lambda a: a * a + a, 3.0)  # L = v1 + a, v1 = a * a: 1 from L, 3 and 3 from v1
    assert sorted(sent.amount for sent in right_sweep(e) if sent.name == "a") == [1.0, 3.0, 3.0]
    for order in ([3.0, 6.0, 7.0], [1.0, 4.0, 7.0], [7.0]):
        assert all(write.fits for write in judged([("L", 1.0), ("v1", 1.0), *(("a", g) for g in order)], e))
    assert [write.fits for write in judged([("a", 2.0), ("a", "None"), ("a", 0.0)], e)] == [False, False, False]


KEPT_ELSEWHERE = """
class Value(Value):
    grad = property(lambda self: self.__dict__.get("g", 0.0), lambda self, g: self.__dict__.update(g=g))
"""


def test_an_engine_whose_gradient_is_a_property_shows_the_same_sweep(tmp_path: Path) -> None:
    assert [name for name, *_ in writes(tmp_path, GOOD + KEPT_ELSEWHERE)][-1] in ("a", "b")


# Nothing gets away ----------------------------------------------------------------------------------------------------

linux = pytest.mark.skipif(sys.platform != "linux", reason="namespaces and adoption are Linux's")
ESCAPES = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        while True:
            open({beat!r}, "a").write("x")
            time.sleep(0.05)
    os._exit(0)
"""


@linux
@pytest.mark.parametrize("granted", [True, False], ids=["namespaces", "adoption"])
@pytest.mark.parametrize("end", ["os._exit(7)", "os.abort()", "time.sleep(60)"])
def test_what_forks_and_leaves_its_session_ends_with_its_keeper(granted: bool, end: str, tmp_path: Path) -> None:
    """The heart of a process that has got away would go on beating."""
    beat = str(tmp_path / "beat")
    script = f"import sys, os, time\nsys.path.insert(0, {str(Path(keeper.__file__).parent)!r})\nimport keeper\n"
    script += "" if granted else "keeper.NEW_NAMESPACES = -1\n"  # which no kernel grants
    script += f"keeper._seal = lambda *_: None\nkeeper.enclose()\n{ESCAPES.format(beat=beat)}\ntime.sleep(0.5)\n{end}\n"
    process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True, stderr=subprocess.DEVNULL)
    until(lambda: os.path.getsize(beat) or None, "a heartbeat")
    if "sleep" not in end:
        until(process.poll, "the end of the keeper")
    process.terminate()
    assert process.wait(timeout=60) == {"os._exit(7)": 7, "os.abort()": -6}.get(end, process.returncode)
    time.sleep(0.2)
    before = os.path.getsize(beat)
    time.sleep(0.3)
    assert os.path.getsize(beat) == before


@linux
def test_an_engine_writes_into_a_folder_of_its_own_and_nowhere_else(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    file = tmp_path / "mine.py"
    file.write_text(
        GOOD + f"\nopen('inside', 'w').write('x')\ntry: open({str(outside)!r}, 'w')\nexcept OSError: pass\n"
    )
    assert grade(file, seconds=PATIENT).is_full
    assert {entry.name for entry in tmp_path.iterdir()} <= {"mine.py", "outside"}


def test_systems_that_hold_less_say_what() -> None:
    assert set(keeper.UNHELD) == {"darwin", "win32"}
    assert all(text.count("but") == 1 for text in keeper.UNHELD.values())
