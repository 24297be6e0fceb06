"""The last lesson: its cells are the solution, and its exercises tell right from wrong."""

import re
from pathlib import Path

import pytest

import viz.lessons

LESSONS = Path(__file__).resolve().parent.parent / "lessons"
TEXT = (LESSONS / "09_build_it_yourself.md").read_text(encoding="utf-8")
SOLUTION = (LESSONS / "solutions" / "my_engine.py").read_text(encoding="utf-8")
SIGMOID = (
    "\n    def sigmoid(self):\n        y = 1.0 / (1.0 + math.exp(-self.data))\n        return Value(y, [(self, {})])\n"
)


def test_the_cells_of_the_lesson_are_the_solution():
    written = re.findall(r"%%writefile (?:-a )?my_engine\.py\n(.*?)^```\n", TEXT, re.DOTALL | re.MULTILINE)
    assert "".join(written) == SOLUTION


@pytest.fixture
def check(capsys):

    def said(name, answer):
        viz.lessons.check(name, answer)
        return capsys.readouterr().out

    return said


RIGHT = [("9.0", [3, 2]), ("9.1", 12), ("9.2", lambda x, y: (y**-1, -x * y**-2))]
WRONG = [
    ("9.0", [2, 3], "other"), ("9.0", (1, 1), "sum"), ("9.0", [6, 6], "nudge a"),
    ("9.1", 6.0, "leaves add"), ("9.1", 3, "used twice"), ("9.1", 9, "is y"),
    ("9.1", 18, "began"), ("9.1", 0, "one sweep"),
    ("9.2", lambda x, y: [1 / y, x], "Nudge"), ("9.2", lambda x, y: 1 / y, "is right"), ("9.2", 3, "function"),
    ("9.3", "no_such_file.py", "cannot read"), ("9.3", 3, "raised"), ("9.3", "engine", "not a Python file"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_right_answers_are_right(name, answer, check):
    assert check(name, answer).startswith(f"{name} right: ")


@pytest.mark.parametrize(("name", "answer", "pointer"), WRONG)
def test_wrong_answers_are_told_why(name, answer, pointer, check):
    said = check(name, answer)
    assert said.startswith(f"{name} not yet: ")
    assert pointer in said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (SOLUTION + SIGMOID.format("y * (1.0 - y)"), "9.3 right: "),
        (SOLUTION + SIGMOID.format("y * y"), "9.3 not yet: it has a fault"),
        (SOLUTION, "9.3 not yet: no x.sigmoid() is there yet"),
        ("1 / 0", "9.3 not yet: it has a fault"),
    ],
)
def test_a_file_that_is_handed_in_is_graded(source, said, check, tmp_path):
    file = tmp_path / "my_engine.py"
    file.write_text(source, encoding="utf-8")
    assert check("9.3", str(file)).startswith(said)


@pytest.mark.parametrize("name", ["9.1", "9.2", "9.3"])
def test_an_empty_place_is_no_mistake(name, check):
    assert "not answered yet" in check(name, ...)
