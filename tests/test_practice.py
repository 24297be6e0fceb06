"""Practice: every level and seed gives a sound question, its answer found again by plain arithmetic."""

import ast
import functools
import io
import itertools
import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from autograd_mini.errors import SettingError
from viz.command import main as cli
from viz.practice import LEVELS, exercise, of_formula
from viz.practice.answers import AnswerError, read_numbers
from viz.practice.ladder import Rung

made = functools.cache(exercise)  # the same question for the same level and seed, as is tested below

PYTHON = {
    "sqrt": math.sqrt, "log": math.log, "exp": math.exp, "tanh": math.tanh, "maximum": max,
    "relu": lambda x: max(x, 0.0), "sigmoid": lambda x: 1.0 / (1.0 + math.exp(-x)),
}  # fmt: skip


@pytest.fixture(
    scope="module", params=[range(40), pytest.param(range(40, 200), marks=pytest.mark.slow)], ids=["40", "200"]
)
def seeds(request):
    return request.param


def computed(lines, moved=None, by=0.0):
    """Return every name in the given lines with its value, one of them moved by a little as it is made."""
    values = dict(part.split(" = ") for part in lines[0].split(", "))
    values = {name: float(x) + by * (name == moved) for name, x in values.items()}
    for line in lines[1:]:
        name, formula, *_ = line.split(" = ")
        values[name] = eval(formula, dict(PYTHON), values) + by * (name == moved)
    return values


def slope(lines, name, root):
    """Return a derivative by central differences."""
    h = 1e-5
    return (computed(lines, name, h)[root] - computed(lines, name, -h)[root]) / (2 * h)


def is_even(x):
    return abs(x) <= 250 and abs(100 * x - round(100 * x)) < 1e-7


def equations(question):
    return list(itertools.takewhile(lambda line: not line.startswith("Somebody"), question.given))


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_two_hundred_seeds_of_a_scalar_level_are_right_by_differences_and_even(level, seeds):
    for seed in seeds:
        question = made(level, seed)
        root, name = re.fullmatch(r"What is d(\w+)/d(\w+)\?", question.asked).groups()
        assert question.answer == pytest.approx((slope(question.given, name, root),), abs=1e-6), (level, seed)
        values = computed(question.given)
        assert level == 1 or all(map(is_even, values.values())), (level, seed)
        assert abs(question.answer[0]) <= 100
        assert is_even(question.answer[0]), (level, seed)
        for line in question.given[1:]:  # the values that are told are those of the formulas
            told = line.split(" = ")[2:]
            assert not told or float(told[0]) == pytest.approx(values[line.split(" = ")[0]])


def array(line):
    return np.array(ast.literal_eval(line.split(" = ")[-1]), dtype=float)


def test_two_hundred_layers_are_right_by_numpy(seeds):
    for seed in seeds:
        question = made(6, seed)
        if question.asked.startswith("Which shape"):
            m, n = map(int, re.findall(r"\d+", question.given[0]))
            batch = int(re.search(r"\d+", question.given[1])[0]) if len(question.given) > 1 else 0
            shapes = {"W": (m, n), "x": (n,), "X": (batch, n), "b": (m,)}
            assert question.answer == shapes[question.asked[-2]], seed
            continue
        W, x, _b, _, g = (array(line) if "@" not in line else None for line in question.given)
        right = {"x": g @ W, "W": np.outer(g, x), "b": g}[re.search(r"dL/d(\w)", question.asked)[1]]
        assert question.answer == pytest.approx(tuple(right.ravel())), seed
        assert all(map(is_even, question.answer))


def test_two_hundred_softmaxes_are_right_by_differences(seeds):
    for seed in seeds:
        question = made(7, seed)
        a, label = array(question.given[0]), int(re.search(r"a\[(\d)\]", question.given[1])[1])
        samples = int((re.search(r"/ (\d+)", question.given[2]) or [0, 1])[1])
        z = np.log(a)

        def loss(z, label=label, samples=samples):
            return (math.log(np.exp(z).sum()) - z[label]) / samples

        h = 1e-5 * np.eye(len(z))
        right = [(loss(z + d) - loss(z - d)) / 2e-5 for d in h]
        assert question.answer == pytest.approx(tuple(right), abs=1e-8), seed
        assert a.sum() == pytest.approx(1.0)
        assert all(is_even(100 * x) for x in question.answer)


def test_the_first_wrong_step_of_two_hundred_sweeps_is_found_again_by_differences(seeds):
    for seed in seeds:
        question = made(8, seed)
        lines = equations(question)
        operands = {line.split(" = ")[0]: re.findall(r"[a-zA-Z]\w*", line.split(" = ")[1]) for line in lines[1:]}
        totals, seen = {}, set()
        for sent in question.given[len(lines) + 1 :]:
            i, user, amount, target, after = re.fullmatch(
                r"(\d+)\. (\w+) sends (\S+) to (\w+): then \S+ = (\S+)", sent
            ).groups()
            users = operands[user].count(target)
            due = slope_of_one_use(lines, user, target) * slope(lines, user, "L")
            edge = (user, target, sum((user, target) == e[:2] for e in seen))
            totals[target] = totals.get(target, 0.0) + float(amount)
            if (
                not math.isclose(float(amount), due, abs_tol=1e-5)
                or edge[2] >= users
                or not math.isclose(float(after), totals[target])
            ):
                break
            seen.add(edge)
        assert question.answer == (float(i),), (seed, question.given)


def slope_of_one_use(lines, user, target):
    """Return the local derivative of a step with respect to one of its (equal) uses of a name."""
    values = computed(lines)
    formula = next(line.split(" = ")[1] for line in lines[1:] if line.startswith(f"{user} = "))
    h, name = 1e-5, re.compile(rf"\b{target}\b")
    up, down = (
        eval(name.sub("(moved)", formula, count=1), dict(PYTHON), {**values, "moved": values[target] + d})
        for d in (h, -h)
    )
    return (up - down) / (2 * h)


def test_of_two_hundred_lists_of_gradients_the_named_one_is_wrong_and_no_other(seeds):
    for seed in seeds:
        question = made(9, seed)
        lines = equations(question)
        told = dict(line.split(" = ") for line in question.given[len(lines) + 1 :])
        wrong = [n for n, g in told.items() if not math.isclose(float(g), slope(lines, n[4:], "L"), abs_tol=1e-5)]
        assert wrong == [f"dL/d{question.answer}"], seed


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_and_a_seed_are_the_same_sheet_and_other_seeds_others(level):
    told = [(q.given, q.asked, q.right, q.steps) for q in (exercise(level, seed, 2) for seed in range(30))]
    again = [(q.given, q.asked, q.right, q.steps) for q in (exercise(level, seed, 2) for seed in range(10))]
    assert told[:10] == again
    assert len({given for given, *_ in told}) > 20


@pytest.mark.parametrize("level", LEVELS)
def test_a_right_answer_is_right_each_slip_is_told_apart_and_the_code_makes_it_again(level):
    for seed in range(30):
        question = made(level, seed)
        assert question.verdict(question.right) == (True, "right.")
        assert question.verdict(question.answer).right
        assert question.hints[0]
        assert question.steps
        for slip, words in question.slips.items():
            verdict = question.verdict(slip if isinstance(slip, str) else ";".join(map(str, slip)))
            assert verdict.right is False, (level, seed, slip)
            assert len(words) > 4
        again = eval(question.code, {"exercise": exercise})
        assert (again.given, again.answer) == (question.given, question.answer)


def test_the_famous_slips_are_named():
    said = " ".join(words for seed in range(200) for words in made(4, seed).slips.values())
    for idea in ("add to what is there", "The chain rule multiplies", "alone; there is another", "the sign:", "Nudge"):
        assert idea in said


EVEN = [
    ("1/2", 1, (0.5,)), ("0,5", 1, (0.5,)), ("0.5", 1, (0.5,)), ("-3", 1, (-3.0,)), ("\u22123", 1, (-3.0,)),
    ("+3", 1, (3.0,)), ("x = 3", 1, (3.0,)), ("dL/dx=-1/4", 1, (-0.25,)), (" (2) ", 1, (2.0,)),
    ("1e2", 1, (100.0,)), ("(3.0,)", 1, (3.0,)),
    ("1,5/2", 1, (0.75,)), ("1, 2", 2, (1.0, 2.0)), ("1,2", 2, (1.0, 2.0)), ("[1 2]", 2, (1.0, 2.0)),
    ("0,5; 1,5", 2, (0.5, 1.5)), ("0,5 1,5", 2, (0.5, 1.5)), ("1/2, -1/4", 2, (0.5, -0.25)),
    ("[[1,2],[3,4]]", 4, (1.0, 2.0, 3.0, 4.0)), ("(2, 3)", 2, (2.0, 3.0)), (".5", 1, (0.5,)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "count", "numbers"), EVEN)
def test_answers_are_read_as_people_type_them(text, count, numbers):
    assert read_numbers(text, count) == numbers


ODD = [
    ("", 1), ("two", 1), ("1/0", 1), ("nan", 1), ("inf", 1), ("1e999", 1), ("9" * 100_000, 1),
    ("__import__('os')", 1),
    ("1 2", 1), ("1", 2), ("1,2,3", 2), ("\uff11", 1), ("1/2/3", 1), ("--3", 1), ("[", 1),
    ("\x00", 1), (";", 2), ("1;;2", 2),
    ("0x10", 1), ("1_0", 1), ("\ud800", 1), ("1/", 1), ("/2", 1),
]  # fmt: skip


@pytest.mark.parametrize(("text", "count"), ODD)
def test_what_is_no_answer_is_told_kindly(text, count):
    with pytest.raises(AnswerError) as caught:
        read_numbers(text, count)
    assert len(str(caught.value)) < 120
    assert str(caught.value).isprintable()


def test_hostile_answers_to_every_level_are_neither_right_nor_an_error_of_python():
    for level in LEVELS:
        question = exercise(level, 0)
        for answer in (
            "",
            "...",
            "dL/d",
            "{}",
            "%s",
            "\ud800",
            "=" * 150,
            "9" * 10_000,
            "a" * 10_000,
            None,
            ...,
            [[]],
            float("nan"),
        ):
            assert not question.verdict(answer).right


@pytest.mark.parametrize("arguments", [(0, 1), (10, 1), ("3x", 1), (3, -1), (3, 1.5), (3, 1, -1), (None, 1)])
def test_no_such_question(arguments):
    with pytest.raises(SettingError):
        exercise(*arguments)


def test_the_question_of_a_formula():
    question = of_formula("(w*x + b - y)**2", {"w": 0.5, "x": 2.0, "b": 1.0, "y": 3.0})
    assert question.blanks == ("dL/dw", "dL/dx", "dL/db", "dL/dy")
    assert question.answer == (-4.0, -1.0, -2.0, 2.0)
    assert question.verdict("-4; -1; -2; 2").right
    with pytest.raises(SettingError, match="names with values"):
        of_formula("1 + 2", {})


# The ladder and the terminal ------------------------------------------------------------------------------------------


def climbed(level, answers):
    rung = Rung(level)
    for is_right in answers:
        rung = rung.after(is_right)
    return rung.level


@pytest.mark.parametrize(
    ("level", "answers", "reached"),
    [
        (1, [True] * 3, 2), (1, [True] * 2, 1), (3, [True, True, False, True], 3), (3, [False] * 2, 2),
        (3, [False, True, False], 3),
        (1, [False] * 9, 1), (9, [True] * 9, 9), (1, [True] * 24, 9), (2, [True] * 3 + [False] * 2, 2),
    ],
)  # fmt: skip
def test_the_ladder_goes_up_on_three_right_and_down_on_two_wrong(level, answers, reached):
    assert climbed(level, answers) == reached


class Typed(io.StringIO):
    """A pipe with what is typed."""

    def __init__(self, text):
        super().__init__(text)
        self.buffer = io.BytesIO(text.encode("utf-8", "surrogatepass"))


def practised(monkeypatch, capsys, typed, *argv):
    monkeypatch.setattr(sys, "stdin", Typed(typed))
    assert cli.main(["practise", *argv]) == 0
    return capsys.readouterr().out


def test_three_right_answers_lead_up_and_the_tally_says_so(monkeypatch, capsys):
    answers = "".join(f"{exercise(3, 12, i).right}\n" for i in range(3)) + f"{exercise(4, 12, 3).right}\n"
    said = practised(monkeypatch, capsys, answers, "--level", "3", "--seed", "12", "--questions", "4")
    assert "Up to level 4: reuse." in said
    assert said.endswith("4 of 4 right at the first try. Again: autograd-mini practise --level 3 --seed 12\n")


def test_two_wrong_answers_are_explained_and_two_wrong_questions_lead_down(monkeypatch, capsys):
    said = practised(monkeypatch, capsys, "?\n999\nwhat\n999\n!\n", "--level", "3", "--seed", "12")
    first = exercise(3, 12)
    assert f"hint: {first.hints[0]}" in said
    assert f"The answer is {first.right}." in said
    assert first.steps in said
    assert "that is 'what'" in said
    assert "Down to level 2: one path." in said
    assert "0 of 2 right" in said


@pytest.mark.parametrize("typed", ["", "\n\n\n", "\x00\n", "\ud800\n", "9" * 50_000 + "\n", "?\n" * 10])
def test_no_answer_and_no_text_ends_politely(monkeypatch, capsys, typed):
    assert "0 of 0 right" in practised(monkeypatch, capsys, typed, "--seed", "1")


def test_control_c_ends_politely(monkeypatch, capsys):
    class Interrupted:
        buffer = property(lambda self: self)
        isatty = staticmethod(lambda: True)

        def readline(self, size):
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupted())
    assert cli.main(["practise", "--seed", "1"]) == 0
    assert "0 of 0 right" in capsys.readouterr().out


def test_without_a_terminal_that_spells_arrows():
    command = [sys.executable, "-m", "autograd_mini", "practise", "--level", "3", "--seed", "12"]
    done = subprocess.run(
        command,
        input=b"!\n",
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PATH": ""},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"0 of 1 right" in done.stdout
