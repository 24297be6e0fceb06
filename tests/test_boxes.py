"""Boxes of the site: the page says of every answer what Python says, reads what Python reads, writes codes it reads."""

import importlib
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from test_lesson_build import SIGMOID
from test_lessons import RIGHT, WRONG
from test_practice import EVEN, ODD
from v8 import javascript

from viz.grading import grade
from viz.grading.report_formats import json_of
from viz.lessons import EXERCISES
from viz.lessons.codes import OTHER, SLIP, Answers, answers_of
from viz.lessons.exercises import exercises_of
from viz.practice import exercise
from viz.practice.answers import AnswerError, read_numbers
from viz.practice.ladder import Rung

ROOT = Path(__file__).resolve().parent.parent
CALLS = """
const store = {};
const localStorage = { getItem: key => store[key] ?? null, setItem: (key, text) => { store[key] = text; } };
const lives = { loadProgress, count, countAgain, dueBefore, triesOf, forget };
globalThis.POOL = { levels: Array(9) };
globalThis.judgeAll = asked => JSON.stringify(
  JSON.parse(asked).map(([name, answers]) => judge(EXERCISES[name] || JSON.parse(name), answers)));
globalThis.readAll = texts => JSON.stringify(JSON.parse(texts).map(([text, count]) => {
  try { return readNumbers(text, count); } catch (error) { return error.message; }
}));
globalThis.coded = (lesson, tries) => codeOf(lesson, name => JSON.parse(tries)[name] ?? []);
globalThis.climbed = (level, answers) => JSON.parse(answers).reduce(rungAfter, { level, right: 0, wrong: 0 }).level;
globalThis.lived = steps => JSON.stringify(JSON.parse(steps).map(([call, ...given]) => lives[call](...given) ?? null));
globalThis.spoil = text => store[KEPT_AS] = text;
"""


@pytest.fixture(scope="module")
def boxes():
    for needed in ("sphinx", "latex2mathml"):
        pytest.importorskip(needed)
    sys.path.insert(0, str(ROOT / "docs" / "_ext"))
    yield importlib.import_module("boxes")
    sys.path.remove(str(ROOT / "docs" / "_ext"))


@pytest.fixture(scope="module")
def page(boxes):
    """The scripts of the boxes without a document: all that they compute."""
    script = boxes.script().removeprefix("{\n").removesuffix("}\n")
    script = script[: script.index("function make(")] + "".join(
        (boxes.BOXES / name).read_text() for name in ("practice.js",)
    )
    with javascript() as racer:
        racer.eval(f"(() => {{ {script}\n{CALLS} }})()")
        yield racer


def judged(page, *asked):
    return json.loads(page.call("judgeAll", json.dumps(asked)))


def typed(answer):
    """Return what somebody types for an answer of Python's."""
    if isinstance(answer, str):
        return answer.strip().lower()
    data = getattr(answer, "data", answer)
    return str(data.tolist() if hasattr(data, "tolist") else data)


def simple(name):
    return EXERCISES[name].page["kind"] in ("number", "choice")


@pytest.mark.parametrize("name", [name for name in [*RIGHT, "9.1"] if simple(name)])
def test_the_page_says_of_numbers_and_letters_what_the_notebook_says(name, page):
    slips = [slip if isinstance(slip, str) else list(slip) for slip, _ in EXERCISES[name].slips]
    kind = EXERCISES[name].page["kind"]
    answers = [typed(answer) for answer in RIGHT.get(name, [12])]
    answers += [typed(answer) for answer, _ in WRONG.get(name, []) if kind == "number"]
    answers += [slip if isinstance(slip, str) else ", ".join(map(str, slip)) for slip in slips]
    said = judged(page, *([name, [answer]] for answer in answers))
    assert [each["words"] for each in said] == [EXERCISES[name].verdict(answer) for answer in answers]
    assert [each["made"] for each in said[-len(slips) :]] == [SLIP + i for i in range(len(slips))]


FORMULAS = {  # right answers, then wrong ones with what is said
    "1.2": (
        [["(up - down) / (2h)"], ["(up-down)/(2*h)"]],
        [(["(up - here) / h"], "Nudge up and down"), (["up"], "it gives 0.4794")],
    ),
    "2.3": (
        [["2x + y", "x"], ["(x+y) + x", "1*x"]],
        [
            (["x + y", "x"], "in the sum too"),
            (["x", "x"], "as a factor too"),
            (["0", "0"], "for x = 2, y = 3 it gives 0 and 0, where 7 and 2 is right"),
        ],
    ),
    "4.2": ([["a * (g - sum_ag)"], ["a*g - a*sum_ag"]], [(["a * (1 - a) * g"], "Multiply out")]),
    "5.2": (
        [["(w1*dz1 + w2*dz2) * (1 - a^2)"]],
        [(["w1*dz1 + w2*dz2"], "still to come"), (["w1*dz1"], "First W^T dz")],
    ),
    "6.3": (
        [["w - 0.1*(0.9v + g)", "0.9v + g"]],
        [(["w - 0,1*v", "0.9*v + g"], "not with the old one"), (["w", "v"], "it gives 1 and 0")],
    ),
    "8.2": ([["w - slope / curvature"]], [(["w - slope"], "divided by")]),
    "9.2": (
        [["1/y", "-x/y^2"]],
        [(["1/y", "x/y^2"], "the sign of the second"), (["1/y", "-1/y^2"], "stands before it")],
    ),
}


def test_every_function_is_a_box_for_a_formula_or_for_what_check_printed():
    kinds = {name: each.page["kind"] for name, each in EXERCISES.items()}
    assert [name for name, kind in kinds.items() if kind == "formulas"] == list(FORMULAS)
    assert [name for name, kind in kinds.items() if kind == "report"] == ["3.2", "7.3", "9.3"]


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_are_told_right_from_wrong_with_the_words_of_the_notebook(name, page):
    right, wrong = FORMULAS[name]
    for each in judged(page, *([name, texts] for texts in right)):
        assert (each["right"], each["words"], each["made"]) == (True, f"right: {EXERCISES[name].why}", 1)
    words = {words for _, words in EXERCISES[name].slips} | {EXERCISES[name].page["hint"]}
    for each, (_, pointer) in zip(judged(page, *([name, texts] for texts, _ in wrong)), wrong):
        assert each["right"] is False
        assert pointer in each["words"]
        assert any(each["words"].endswith(known) for known in words)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["z", "x"], "not yet: dL/dx: 'z' is no name here: there are x, y."),
        (["x +", "x"], "dL/dx: column 4: the expression ends"),
        (["x", "sinus(x)"], "dL/dy: column 1: 'sinus' is no function"),
        (["", "x"], "not answered yet."),
        (["x.y", "x"], "column 2"),
        (["alert(1)", "x"], "is no function here"),
        (["(" * 5000, "x"], "nested"),
        (["1e999", "x"], "too large"),
        (["\u0000", "x"], "is not part"),
    ],
)
def test_a_formula_that_cannot_be_read_is_no_try(texts, said, page):
    ((each),) = judged(page, ["2.3", texts])
    assert (each["right"], each["made"]) == (None, 0)
    assert said in each["words"]


def test_answers_are_read_as_python_reads_them(page):
    asked = [*((text, count) for text, count, *_ in EVEN), *ODD]

    def told(text, count):
        try:
            return list(read_numbers(text, count))
        except AnswerError as error:
            return str(error)

    asked = [(text, count) for text, count in asked if text.isprintable()]
    assert json.loads(page.call("readAll", json.dumps(asked))) == [told(*each) for each in asked]


def test_practice_is_judged_as_the_command_judges_it(page, boxes):
    for level in range(1, 10):
        for seed in range(4):
            question = exercise(level, seed)
            slips = [slip if isinstance(slip, str) else "; ".join(map(str, slip)) for slip in question.slips]
            answers = [question.right, *slips, "998; 997", "12345", "what"]
            data = json.dumps(boxes._question(question))
            said = judged(page, *([data, [answer]] for answer in answers))
            wanted = [question.verdict(answer) for answer in answers]
            assert [each["right"] for each in said] == [verdict.right for verdict in wanted]
            assert [each["words"].removeprefix("not yet: ") for each in said] == [
                verdict.words.removeprefix("not yet: ") for verdict in wanted
            ]


def test_the_ladder_of_the_page_is_that_of_the_command(page):
    random.seed(1)
    for _ in range(200):
        level, answers = random.randint(1, 9), random.choices([True, False], [2, 1], k=random.randint(0, 30))
        rung = Rung(level)
        for is_right in answers:
            rung = rung.after(is_right)
        assert page.call("climbed", level, json.dumps(answers)) == rung.level


def test_a_code_of_the_page_is_read_by_the_command(page):
    random.seed(2)
    for lesson in range(1, 10):
        for _ in range(40):
            tries = {}
            for name in exercises_of(lesson):
                wrong = random.choices([OTHER, *range(SLIP, SLIP + len(EXERCISES[name].slips))], k=random.randint(0, 9))
                tries[name] = (*wrong, *([1] if random.random() < 0.7 else []))
            code = page.call("coded", lesson, json.dumps(tries))
            assert answers_of(code) == Answers(lesson, tries)


# Reports --------------------------------------------------------------------------------------------------------------


def test_a_report_says_whether_an_engine_passed(page, tmp_path):
    solution = (ROOT / "lessons" / "solutions" / "my_engine.py").read_text()
    engines = {
        True: solution + SIGMOID.format("y * (1.0 - y)"),
        "it has a fault": solution + SIGMOID.format("y"),
        "no x.sig": solution,
    }
    for right, source in {**engines, "it has a fault ": "1 / 0"}.items():
        file = tmp_path / "engine.py"
        file.write_text(source)
        report, told = grade(str(file)), EXERCISES["9.3"].verdict(str(file))
        for text in (str(report), json_of([report]), f"\x1b[1m{report}\x1b[0m"):
            ((each),) = judged(page, ["9.3", [text]])
            assert each["right"] is (right is True)
            assert each["words"] == told
            assert right is True or right.strip() in each["words"]


def test_what_check_printed_is_read_alone_and_in_a_notebook_and_the_last_word_counts(page):
    right, wrong = (
        f"3.2 right: {EXERCISES['3.2'].why}",
        "3.2 not yet: for the graph of x * x, a node stands in the list twice.",
    )
    notebook = json.dumps(
        {
            "cells": [
                {"source": ['check("3.2", my_order)'], "outputs": [{"text": [f"{wrong}\n"]}, {"text": [f"{right}\n"]}]}
            ]
        }
    )
    cases = {
        right: True,
        wrong: False,
        f"{right}\n{wrong}": False,
        notebook: True,
        f"1{right}": None,
        "3.1 right: no": None,
        "hello": None,
        "[]": None,
    }
    for (text, is_right), each in zip(cases.items(), judged(page, *(["3.2", [text]] for text in cases))):
        assert each["right"] is is_right, text
    for text in ("{}", "[]", "[1]", "null", '[{"checks": 3}]', "x" * 100_000, "All checks passed"):
        assert judged(page, ["9.3", [text]])[0]["words"] == "not yet: that is no report of autograd-mini grade."


# Progress -------------------------------------------------------------------------------------------------------------

HOUR = 3600e3


def test_questions_come_back_a_day_later_right_ones_later_still_and_three_at_most(page):
    def lived(*steps):
        return json.loads(page.call("lived", json.dumps(steps)))

    answered = [("count", name, made, 0) for name in ("1.1", "1.3", "2.1", "2.2") for made in (OTHER, 1)]
    lived(
        ("forget", list(EXERCISES)), *answered, ("count", "2.1", 1, 0), ("count", "1.0", 1, 0), ("count", "3.2", 1, 0)
    )
    assert lived(("triesOf", "2.1"), ("dueBefore", 3, 19 * HOUR)) == [[OTHER, 1], []]
    assert lived(("dueBefore", 3, 21 * HOUR), ("dueBefore", 2, 21 * HOUR), ("dueBefore", 1, 21 * HOUR)) == [
        ["1.1", "1.3", "2.1"], ["1.1", "1.3"], [],
    ]  # fmt: skip
    lived(("countAgain", "1.1", True, 21 * HOUR), ("countAgain", "1.3", False, 21 * HOUR))
    assert lived(("dueBefore", 2, 42 * HOUR), ("dueBefore", 2, 82 * HOUR)) == [["1.3"], ["1.1", "1.3"]]
    assert lived(("loadProgress",), ("triesOf", "1.1")) == [None, [OTHER, 1]]


@pytest.mark.parametrize(
    "text", ["", "null", "3", "[1]", "{", '{"1.1": 3}', '{"1.1": {"tries": ["<b>"]}}', '{"9.9": {"tries": [1]}}']
)
def test_a_spoiled_store_is_an_empty_one(text, page):
    page.call("spoil", text)
    assert json.loads(
        page.call("lived", json.dumps([("loadProgress",), ("triesOf", "1.1"), ("dueBefore", 9, 1e15)]))
    ) == [None, [], []]


def test_a_prompt_is_that_of_the_lesson(boxes):
    prompts = boxes.prompts()
    assert list(prompts) == list(EXERCISES)
    assert prompts["2.2"].startswith(
        "<p><strong>2.2</strong> <code>y = x</code>, then ten times <code>y = y + y</code>. What is <math"
    )


def test_the_files_in_which_programs_begin_run_and_say_what_is_missing(boxes, tmp_path):
    begun = boxes.starts()
    assert list(begun) == ["exercise_3_2.py", "exercise_7_3.py", "my_engine.py"]
    for file, source in begun.items():
        (tmp_path / file).write_text(source)
        done = subprocess.run([sys.executable, tmp_path / file], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        assert "not answered yet" in done.stdout or file == "my_engine.py"
    report = grade(str(tmp_path / "my_engine.py"))
    assert (report.broken, report.faults) == (None, ())
