"""The lessons: every cell runs and prints what its source states, every exercise tells right from wrong."""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograd_mini import Value, grad, hessian
from autograd_mini.op import TABLE
from viz.grading.ideas import IDEAS
from viz.lessons.exercises import EXERCISES, exercises_of

LESSONS = Path(__file__).parent.parent / "lessons"
FILES = sorted(LESSONS.glob("[0-9]*.md"))
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
CELL = re.compile(
    r"^```\{code-cell\}[^\n]*\n(?P<head>(?:---\n.*?^---\n|(?::[^\n]*\n)*))(?P<code>.*?)^```\n"
    r"(?:\n*<!-- prints\n(?P<prints>.*?)\n?-->)?",
    re.MULTILINE | re.DOTALL,
)

HEADINGS = ("## What can go wrong", "## Exercises", "## What you can do now")
TREATED = {  # how a lesson speaks of what each fault is about
    "leaf": "A node holds its number, and `edges`",
    "words": "**`.grad` that is `None`, or a list.**",
    "value": "There is a trap in it: `__rsub__`",
    "changed": "**A `backward` that writes `.data`.**",
    "rule": "These are the *local derivatives*",
    "upstream": "When a node has its gradient $g$, it sends along each arrow",
    "reuse": "## The famous `+=`",
    "accumulate": "Gradients of leaves add up over sweeps.",
    "order": "**A node may send only when all that use it have sent.**",
    "twice": "**Inner nodes that keep old gradients.**",
    "graphs": "the gradient of a sum of losses is the sum of their gradients",
    "reset": "once with `zero_grad` and once without",
    "depth": "## Depth",
    "paths": "## The right one is too slow",
    "slow": "**A list that remembers what was seen.**",
    "constants": "so a plain number may stand beside a node",
    "missing": "a plain number on the left: Python asks the node on the right",
}

lessons = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@dataclass(frozen=True)
class Cell:
    """A code cell: its text, whether its output waits behind a button, what it prints, and the prose before it."""

    code: str
    hidden: bool
    prints: str
    before: str


def cells(text: str) -> list[Cell]:
    found, end = [], 0
    for match in CELL.finditer(text):
        hidden = "hide-output" in match["head"]
        found.append(Cell(match["code"], hidden, match["prints"] or "", text[end : match.start()]))
        end = match.end()
    return found


def show(value: Any) -> str:
    """Return what a notebook shows as text for the last line of a cell; a picture is made, and shows no text."""
    for method in ("_repr_mimebundle_", "_repr_html_", "_repr_svg_", "_repr_latex_"):
        picture = getattr(value, method, None)
        if picture is not None:
            assert picture(), f"{method} of {value!r} shows nothing"
            return ""
    return "" if value is None else f"{value!r}\n"


def run(code: str, names: dict[str, Any]) -> str:
    """Run a cell as a notebook does, and return what it prints."""
    magic = re.match(r"%%writefile (-a )?(\S+)\n", code)
    if magic:
        with open(magic[2], "a" if magic[1] else "w", encoding="utf-8") as file:
            file.write(code[magic.end() :])
        return ""
    tree = ast.parse(code)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<cell>", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
            printed.write("" if code.rstrip().endswith(";") else show(value))
    return printed.getvalue()


@contextlib.contextmanager
def tidied() -> Iterator[dict[str, Any]]:
    """Give cells an empty namespace, and take back what they do to others: how arrays print, rows that they add."""
    rows = dict(TABLE)
    try:
        with np.printoptions():
            yield {"__name__": "__main__"}
    finally:
        for name in set(TABLE) - set(rows):
            del TABLE[name]
        close_figures()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The place where a learner works: the folder of the lessons, and an empty namespace."""
    monkeypatch.chdir(LESSONS)
    monkeypatch.syspath_prepend(str(LESSONS))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    with tidied() as names:
        yield names


def test_the_lessons_are_there_in_order() -> None:
    assert [file.name[:2] for file in FILES] == [f"{i:02}" for i in range(1, len(FILES) + 1)]
    assert len(FILES) >= 8


@lessons
def test_every_cell_prints_what_is_stated(file: Path, desk: dict[str, Any]) -> None:
    text = file.read_text(encoding="utf-8")
    needs(text)
    for cell in cells(text):
        got = run(cell.code, desk)
        wanted = f"{cell.prints}\n" if cell.prints else ""
        assert doctest.OutputChecker().check_output(wanted, got, OPTIONS), f"{cell.code}\nprinted:\n{got}"


def needs(text: str) -> None:
    """Skip a lesson whose extra is not installed."""
    for module in ("sklearn", "matplotlib"):
        if re.search(rf"^(from|import) {module}\b", text, re.MULTILINE) or (
            module == "matplotlib" and re.search(r"viz\.(activation|loss_curve|surface|gradient_flow|decision)", text)
        ):
            pytest.importorskip(module)


def close_figures() -> None:
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@lessons
def test_a_lesson_has_its_form(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith("---\njupytext:\n"), "jupytext opens it as a notebook"
    assert re.findall(r"^\*\*Time\.\*\* (\d+) minutes", text, re.MULTILINE) == [str(minutes(text))]
    assert len(re.findall(r"^\*\*The question\.\*\* ", text, re.MULTILINE)) == 1
    assert [h for h in HEADINGS if text.count(f"\n{h}\n") != 1] == []
    asked = re.findall(r'^check\("(\d\.\d)", ', text, re.MULTILINE)
    assert asked == list(exercises_of(int(file.name[:2])))
    assert asked[0].endswith(".0"), "the first box asks before anything is shown"
    assert text.index(f'check("{asked[0]}"') < text.index("hide-output")
    assert text.count("```{code-cell}") == len(cells(text))
    can = re.findall(r"^- \*\*(\d\.\d)\*\* [a-z].*\.$", text.partition(f"\n{HEADINGS[-1]}\n")[2], re.MULTILINE)
    assert can == [name for name in asked if not name.endswith(".0")]


def minutes(text: str) -> int:
    """Return how long a lesson takes by the rule that the page for teachers states."""
    code = [cell.code for cell in cells(text)]
    asked = re.findall(r'^check\("(\d\.\d)", ', text, re.MULTILINE)
    programs = sum(EXERCISES[name].page["kind"] == "report" for name in asked)
    lines, written = (
        sum(len(cell.strip().splitlines()) for cell in some)
        for some in (code, [cell for cell in code if cell.startswith("%%writefile")])
    )
    prose = re.sub(r"\A---.*?^---$|^```.*?^```|<!--.*?-->", "", text, flags=re.DOTALL | re.MULTILINE)
    told = len(prose.split()) / 150 + prose.count("**Predict.**")
    return 5 * round((told + lines / 20 + written / 4 + 3 * len(asked) + 7 * programs) / 5)


def test_what_the_grader_says_to_read_is_treated_there() -> None:
    for kind, idea in IDEAS.items():
        assert bool(idea.lesson) == (kind in TREATED), kind
        if idea.lesson:
            number, title = re.fullmatch(r"lesson (\d), (.*)", idea.lesson).groups()
            text = re.sub(r"\s+", " ", FILES[int(number) - 1].read_text(encoding="utf-8"))
            assert f"# {number}. {title} " in text
            assert TREATED[kind] in text, kind


@lessons
def test_every_result_waits_for_a_prediction(file: Path) -> None:
    for cell in cells(file.read_text(encoding="utf-8")):
        if cell.hidden:
            assert "**Predict.**" in cell.before, f"no prediction is asked before\n{cell.code}"
        else:
            assert not cell.prints or "check(" in cell.code, f"a result in the open:\n{cell.code}"


@lessons
def test_no_answer_stands_in_the_open_below_a_picture_that_it_was_asked_for(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for match in CELL.finditer(text):
        asked = text[: match.start()].rstrip().rpartition("\n\n")[2].startswith("**Predict.**")
        if asked and "hide-output" not in match["head"]:
            after = text[match.end() :].lstrip()
            assert after.startswith(("#", "**", "<details>", "```")), f"an answer in the open: {after[:80]}"


@lessons
def test_a_notebook_has_the_same_cells(file: Path) -> None:
    jupytext = pytest.importorskip("jupytext")
    text = file.read_text(encoding="utf-8")
    notebook = jupytext.reads(text, fmt="md:myst")
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert code == [cell.code.strip("\n") for cell in cells(text)]
    assert notebook.metadata["kernelspec"]["name"] == "python3"


# The test of the tests ----------------------------------------------------------------------------------------------

LESSON = """**Predict.** What?

```{{code-cell}}
:tags: [hide-output]
x = 1 + 1
x
```
<!-- prints
{}
-->
"""


def test_a_wrong_result_would_be_found() -> None:
    for stated, ok in (("2", True), ("3", False), ("", False)):
        (cell,) = cells(LESSON.format(stated))
        assert (cell.hidden, cell.prints) == (True, stated)
        assert doctest.OutputChecker().check_output(f"{cell.prints}\n", run(cell.code, {}), OPTIONS) == ok


# Exercises ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def exercises(desk: dict[str, Any]) -> Any:
    return importlib.import_module("viz.lessons")


def reversed_births(root: Any) -> list[Any]:
    seen, todo = {root}, [root]
    for node in todo:
        for x in node.args:
            if isinstance(x, Value) and x not in seen:
                seen.add(x)
                todo.append(x)
    return sorted(todo, key=lambda node: -node.birth)


def breadth_first(root: Any) -> list[Any]:
    found = [root]
    for node in found:
        for x in node.args:
            if isinstance(x, Value) and x not in found:
                found.append(x)
    return found


def divided(f: Any, x: float) -> float:
    return (f(x + 1e-6) - f(x - 1e-6)) / 2e-6


RIGHT = {
    "1.0": [0.25, "1/4", "0,25"],
    "1.1": [0.5, "0.5", np.float64(0.5), Value(0.5)],
    "1.2": [divided],
    "1.3": [3, 3.001],
    "2.0": [[-3, 2, 1, 1, -4, -6], "-3, 2, 1, 1, -4, -6"],
    "2.1": [4],
    "2.2": [1024, 2**10],
    "2.3": [lambda x, y: [2 * x + y, x], lambda x, y: (x + (x + y), x)],
    "3.0": ["a"],
    "3.1": ["b", " B "],
    "3.2": [reversed_births],
    "3.3": [18.0],
    "4.0": [[1, 2, 3, 4, 5, 6], "1, 2, 3, 4, 5, 6"],
    "4.1": [[-2, -2], np.array([-2.0, -2.0])],
    "4.2": [lambda a, g: (np.diag(a) - np.outer(a, a)) @ g],
    "4.3": [250000],
    "5.0": [17],
    "5.1": [[3, 5], (3, 5)],
    "5.2": [lambda W, dz, a: (dz @ W) * (1 - a**2)],
    "5.3": [[0.2, -0.5, 0.3]],
    "6.0": [0.5, "1/2"],
    "6.1": [2],
    "6.2": [0.2],
    "6.3": [lambda w, v, g: (w - 0.1 * (0.9 * v + g), 0.9 * v + g)],
    "7.0": ["c"],
    "7.1": [7201],
    "7.2": [43],
    "7.3": [lambda logits, labels: float((logits.argmax(1) == labels).mean())],
    "8.0": [5],
    "8.1": [48],
    "8.2": [lambda f, w: w - grad(f)(w) / hessian(f)(w)],
    "8.3": ["b", "B"],
}
WRONG = {  # an answer, and what the verdict must point at
    "1.0": [(2.25, "negative"), (0, "bias"), (0.2449, "bend"), (1, "multiply")],
    "1.1": [
        (0.0, "positive"),
        (4.5, "negative"),
        (7, "add up"),
        ([0.5], "shape"),
        ("half", "numbers are asked for, .* that is 'half'"),
    ],
    "1.2": [
        (lambda f, x: (f(x + 1e-5) - f(x)) / 1e-5, "abs, 0. it gives 1.*up and down"),
        (lambda f, x: "x", "that is 'x'"),
        (lambda f, x: None, "None"),
        (3, "function"),
    ],
    "1.3": [(-3, "sign"), (0.5, "input")],
    "2.0": [
        ([2, -3, 1, 1, -6, -4], "not its own"),
        ([-3, 2, 2, -6, -4, -6], "whatever they are"),
        ("1 2 3", "has 6 numbers, that has 3"),
    ],
    "2.1": [(3, "another"), (1, "direct"), (5, "path")],
    "2.2": [(20, "multiply"), (10, "nodes"), (0, "single")],
    "2.3": [(lambda x, y: [x + y, x], "twice"), (lambda x, y: x, "is right"), (lambda x: x, "TypeError")],
    "3.0": [("b", "twice"), ("c", "before d"), ("every_path", "letters")],
    "3.1": [("a", "missing"), ("c", "missing"), ("d", "letters"), (7, "letters")],
    "3.2": [
        (breadth_first, "before one that uses it"),
        (lambda root: [root], "has 1 nodes"),
        (lambda root: [root, root], "twice"),
        (lambda root: None, "TypeError"),
        ([], "function"),
    ],
    "3.3": [(6, "one sweep"), (9, "leaves add")],
    "4.0": [([1, 3, 5, 2, 4, 6], "column by column"), (1, "shape"), ([0] * 6, "output")],
    "4.1": [([-1, -1], "M g"), ([0, 0], "column"), (-2, "shape")],
    "4.2": [(lambda a, g: a * (1 - a) * g, "Multiply out"), (lambda a, g: a @ g, "is right")],
    "4.3": [(5000, "row"), (50, "pair")],
    "5.0": [(12, "bias"), (19, "given"), (5, "each neuron")],
    "5.1": [([5, 3], "columns"), ([5, 4], "W\\[1\\]"), ([3, 5, 1], "shape")],
    "5.2": [(lambda W, dz, a: W.T @ dz, "slope"), (lambda W, dz, a: W @ dz, "ValueError")],
    "5.3": [([-0.2, 0.5, -0.3], "sign"), ([0, -2, 0], "softmax"), ([0.2, 0.5, 0.3], "difference")],
    "6.0": [(1, "other side"), (2, "slope"), (0.1, "for which")],
    "6.1": [(0, "sign"), (5, "alpha"), (-4, "slope"), (1, "slope")],
    "6.2": [(0.1, "still converges"), (0.4, "10 w"), (1, "factor")],
    "6.3": [(lambda w, v, g: [w - 0.1 * v, 0.9 * v + g], "new v"), (lambda w, v, g: w, "is right")],
    "7.0": [("a", "same seed"), ("b", "hundredth"), (1, "letters")],
    "7.1": [(7050, "biases"), (3, "each layer")],
    "7.2": [(42, "3 samples"), (1347 / 32, "parts"), (1347, "left over")],
    "7.3": [
        (lambda logits, labels: np.mean(logits[:, 1] > 0.5), "argmax"),
        (lambda logits, labels: labels, "is right"),
    ],
    "8.0": [(3, "each node"), (2, "arrows")],
    "8.1": [(24, "fourth"), (32, "first"), (0, "three times")],
    "8.2": [(lambda f, w: w - grad(f)(w), "divided"), (lambda f, w: w, "is right"), (lambda f: f, "TypeError")],
    "8.3": [("a", "wipes out"), ("c", "other factor"), ("d", "letters")],
}


def test_an_exercise_is_asked_for_by_its_number(exercises: Any, capsys: pytest.CaptureFixture[str]) -> None:
    exercises.check(1.1, 0.5)
    assert capsys.readouterr().out.startswith("1.1 right: ")
    exercises.check("9.9", 0.5)
    assert capsys.readouterr().out == ("there is no exercise '9.9': they are called '1.0' to '9.3'.\n")


def test_every_exercise_of_the_lessons_is_tested(exercises: Any) -> None:
    own = [name for name in exercises.EXERCISES if name[0] != "9"]
    assert own == list(RIGHT) == list(WRONG)


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_are_right_and_wrong_ones_are_told_why(
    name: str, exercises: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for answer in RIGHT[name]:
        exercises.check(name, answer)
        assert capsys.readouterr().out == f"{name} right: {exercises.EXERCISES[name].why}\n"
    for answer, pointer in WRONG[name]:
        exercises.check(name, answer)
        said = capsys.readouterr().out
        assert said.startswith(f"{name} not yet: ")
        assert re.search(pointer, said), said
    for answer in (None, "nonsense", object(), float("nan"), [], lambda: 1, lambda *args: 1 / 0):
        exercises.check(name, answer)
        assert capsys.readouterr().out.startswith(f"{name} not yet: ")


@pytest.mark.parametrize("name", RIGHT)
def test_an_empty_place_is_no_mistake(name: str, exercises: Any, capsys: pytest.CaptureFixture[str]) -> None:
    exercises.check(name)
    exercises.check(name, ...)
    if callable(RIGHT[name][0]):
        exercises.check(name, lambda *args: ...)
    assert set(capsys.readouterr().out.splitlines()) == {f"{name} {exercises.EXERCISES[name].verdict(...)}"}
    assert "not answered yet" in exercises.EXERCISES[name].verdict(...)
