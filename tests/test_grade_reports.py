"""What is said of a grade: the smallest graphs, the text, JSON and JUnit, and the command."""

import json
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from test_grade import FIVE, GOOD, SOLUTION, changed, graded

from viz.command import main as cli
from viz.grading import GradeError, grade
from viz.grading.exam import exam
from viz.grading.exercise import ONCE, RESET, TWICE, Exercise, exercise
from viz.grading.report import coloured, table_of, text_of
from viz.grading.report_formats import json_of, junit_of
from viz.grading.shrink import plainer, shrink, simpler

# Smallest graphs ----------------------------------------------------------------------------------------------------


def test_the_smallest_graph_still_fails_and_no_smaller_one_is_offered():
    def fails(e):
        return sum(call.op == "mul" for call in e.calls) >= 2

    long = exercise(lambda a, b: ((a * b) ** 2 - a) * (b + a * a) + a / b, 1.5, -0.5, plan=RESET)
    small = shrink(long, fails, 1000)
    assert fails(small)
    assert [call.op for call in small.calls] == ["mul", "mul"]
    sound = [e for e in simpler(small) if e.calls and fails(e)]
    assert sound == []
    assert all(len(e.calls) == 2 for e in plainer(small))


def test_a_deep_graph_is_halved_not_nibbled():
    asked = []

    def fails(e):
        asked.append(e)
        return len(e.calls) > 700

    deep = next(check for check in exam() if check.name == "depth").exercises[0]
    assert 700 < len(shrink(deep, fails, 100).calls) < 800
    assert len(asked) <= 100


@pytest.mark.parametrize("check", exam(), ids=lambda check: check.name)
def test_every_exercise_of_the_exam_can_be_compared(check):
    for e in check.exercises:
        assert e.is_sound()
        assert e.renamed().right.keys() <= set(e.renamed().names)


def test_a_script_says_all_that_is_done():
    e = exercise(lambda a: a * 3, 2.0, plan=TWICE)
    assert e.script == "leaf a 2.0; call L mul a 3.0; backward L; backward L; show a L"
    assert e.right["a"].grad == 6.0
    assert Exercise({"a": 2.0}, (), ONCE).right["a"].grad == 1.0


def test_a_profiler_of_the_caller_stays_on():
    def profiler(*_):
        pass

    before = sys.getprofile()
    sys.setprofile(profiler)
    try:
        assert exercise(lambda a: a * a, 2.0).right["a"].grad == 4.0
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(before)


# Reports ------------------------------------------------------------------------------------------------------------


def test_the_numbers_stand_side_by_side(tmp_path):
    text = text_of(graded(tmp_path, changed("[(x, y.data), (y, x.data)]", "[(x, 1.0), (y, x.data)]")))
    assert "L = a * b" in text
    row = next(line for line in text.splitlines() if line.strip().startswith("a = 2") and "←" in line)
    assert row.split() == ["a", "=", "2", "2", "2", "1", "3", "←"]
    assert "a should get from L: dL/dL * dL/da = 1 * b = 3" in text
    assert max(map(len, text.splitlines()[1:])) <= 80


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    return [graded(tmp_path_factory.mktemp("class"), source) for source in (FIVE, "1 / 0", GOOD)]


def test_colours_are_only_added(reports):
    report = reports[0]
    painted = text_of(report, coloured)
    for code in ("0", "1", "2", "31", "32", "36"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert painted == text_of(report)


def test_json_and_junit_tell_the_same(reports):
    for report, told in zip(reports, json.loads(json_of(reports), parse_constant=pytest.fail), strict=True):
        assert told["passed"] == report.passed
        assert [check["status"] for check in told["checks"]] == [result.status for result in report.results]
        assert len(told["faults"]) == len(report.faults)
    order = next(fault for fault in json.loads(json_of(reports))[0]["faults"] if fault["kind"] == "order")
    assert order["yours"]["a"]["grad"] != order["right"]["a"]["grad"]
    suites = list(ElementTree.fromstring(junit_of(reports)))
    assert [suite.get("errors") for suite in suites] == ["0", "1", "0"]
    assert len(suites[0].findall("testcase/failure")) == int(suites[0].get("failures"))
    assert suites[2].findall("testcase/failure") == []
    assert "L = a * a" in "".join(suites[0].itertext())


def test_a_class_gets_a_line_each(reports):
    table = table_of(reports).splitlines()
    assert len(table) == 3
    assert "the order of the sweep" in table[0]
    assert "ZeroDivisionError" in table[1]
    assert table[2].endswith("18/18")


# The command --------------------------------------------------------------------------------------------------------


def test_the_command_grades_files_one_after_the_other(tmp_path, capsys, monkeypatch):
    (tmp_path / "good.py").write_text(GOOD, encoding="utf-8")
    (tmp_path / "five.py").write_text(FIVE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["grade", "good.py"]) == 0
    assert capsys.readouterr().out.startswith("good.py\n")
    assert cli.main(["grade", "good.py", "five.py"]) == 1
    assert capsys.readouterr().out.splitlines()[-2].split() == ["good.py", "18/18"]
    assert cli.main(["grade", "five.py", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["file"] == "five.py"
    assert cli.main(["grade", "good.py", "--format", "junit", "--seconds", "3", "--memory", "800"]) == 0
    assert ElementTree.fromstring(capsys.readouterr().out).tag == "testsuites"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["five.py", "good.py"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["none.py"], "cannot read 'none.py': No such file"),
        ([str(SOLUTION), "none.py"], "cannot read"),
        (["."], "not a Python file"),
        (["notes.txt"], "not a Python file"),
        ([str(SOLUTION), "--seconds", "0"], "positive"),
        ([str(SOLUTION), "--seconds", "nan"], "positive"),
        ([str(SOLUTION), "--memory", "-1"], "positive"),
    ],
)
def test_a_mistake_in_the_command_gets_one_line(argv, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["grade", *argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("autograd-mini: error: ")
    assert message in err
    assert err.count("\n") == 1


def test_the_function_names_the_same_mistakes(tmp_path):
    with pytest.raises(GradeError, match="not a Python file"):
        grade(tmp_path)
    with pytest.raises(GradeError, match="positive"):
        grade(SOLUTION, seconds=-1.0)
