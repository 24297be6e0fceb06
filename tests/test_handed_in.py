"""Codes that learners hand in: what comes out is what went in, typing errors are found, a class is counted."""

import csv
import itertools

import pytest

from viz.command import main as cli
from viz.lessons import codes, handed_in
from viz.lessons.codes import DIGITS, MOST, OTHER, RIGHT, SLIP, Answers, CodeError, answers_of, code_of
from viz.lessons.exercises import EXERCISES, exercises_of

TRIES = {"2.0": (OTHER, RIGHT), "2.1": (SLIP, SLIP + 1, RIGHT), "2.2": (), "2.3": (OTHER, OTHER)}
CODE = code_of(Answers(2, TRIES))


def test_a_code_tells_what_went_in_and_is_short():
    assert answers_of(CODE) == Answers(2, TRIES)
    assert len(CODE.replace("-", "")) <= 18
    for lesson in range(1, 10):
        names = list(exercises_of(lesson))
        for tries in itertools.product([(), (RIGHT,), (OTHER,) * 3, (SLIP, RIGHT)], repeat=len(names)):
            answers = Answers(lesson, dict(zip(names, tries)))
            assert answers_of(code_of(answers)) == answers


def test_more_tries_than_a_code_counts_are_more_tries():
    for more in (MOST, MOST + 1, 500):
        told = answers_of(code_of(Answers(2, {"2.1": (OTHER,) * more + (RIGHT,)}))).tries["2.1"]
        assert told == (OTHER,) * MOST + (RIGHT,)
    assert "try more than 20" in handed_in.table([handed_in.Handed(1, "", Answers(2, {"2.1": told}))])


def test_case_hyphens_and_letters_like_digits_are_forgiven():
    for written in (
        CODE.upper(),
        CODE.replace("-", ""),
        CODE.replace("1", "l"),
        CODE.replace("1", "I").replace("0", "o"),
    ):
        assert answers_of(written) == Answers(2, TRIES)


def test_every_wrong_digit_every_two_exchanged_and_every_lost_one_is_found():
    plain = CODE.replace("-", "")
    wrong = {plain[:i] + c + plain[i + 1 :] for i in range(len(plain)) for c in DIGITS} - {plain}
    for i, j in itertools.combinations(range(len(plain) - 2), 2):
        exchanged = list(plain)
        exchanged[i], exchanged[j] = exchanged[j], exchanged[i]
        wrong |= {"".join(exchanged)} - {plain}
    wrong |= {plain[:i] + plain[i + 1 :] for i in range(4, len(plain))}
    assert len(wrong) > 500
    for each in wrong:
        with pytest.raises(CodeError):
            answers_of(each)


def sealed(*digits):
    """Return a code with the right last digits."""
    check = codes._check(digits)
    return "".join(DIGITS[digit] for digit in (*digits, *divmod(check, 32)))


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("", "is no code"), ("hello", "is no code"), ("u" * 12, "alphabet"), ("\ud800" * 9, "alphabet"),
        ("1" * 9999, "no code"),
        (sealed(2, 2, 0, 0, 0), "form 2"), (sealed(1, 31, 0, 0, 0), "lesson 31 is not"),
        (sealed(1, 2, *divmod(codes.fingerprint(exercises_of(2)) ^ 1, 32), 0), "other exercises in the version"),
        (sealed(1, 2, *divmod(codes.fingerprint(exercises_of(2)), 32), 3), "ends in the middle"),
        (sealed(1, 2, *divmod(codes.fingerprint(exercises_of(2)), 32), 0, 0, 0, 0, 0), "more exercises"),
    ],
)  # fmt: skip
def test_what_is_no_code_of_this_version_is_told_why(code, why):
    with pytest.raises(CodeError, match=why):
        answers_of(code)


def test_every_mistake_of_every_exercise_has_a_digit_and_words():
    for name, exercise in EXERCISES.items():
        assert SLIP + len(exercise.slips) < len(DIGITS)
        for place, (_, words) in enumerate(exercise.slips):
            assert handed_in.meaning(name, SLIP + place)[1] == words
    assert len({codes.fingerprint(exercises_of(lesson)) for lesson in range(1, 10)}) == 9


FILE = f"""\
# monday
anna  {CODE}

=1+1 {code_of(Answers(2, {"2.1": (SLIP, RIGHT)}))}
bert  {CODE[:-1]}
{code_of(Answers(3, {"3.1": (RIGHT,)}))}
"""


def answered(tmp_path, text, *more):
    file = tmp_path / "codes.txt"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return cli.main(["answers", str(file), *more])


def test_a_class_is_a_table_a_histogram_and_a_spreadsheet(tmp_path, capsys):
    assert answered(tmp_path, FILE, "--csv", str(tmp_path / "tries.csv")) == 1
    said = capsys.readouterr()
    assert (
        said.err
        == "autograd-mini: line 5: a digit is wrong, missing or exchanged: the last two do not fit the others\n"
    )
    assert said.out.startswith(
        "3 codes read\n\nLesson 2\nline  who   2.0    2.1    2.2  2.3\n2     anna  try 2  try 3  -    2 wrong\n"
    )
    assert "2.1  answered by 2, right in the end 2\n" in said.out
    assert f"  3                        ## 2  {EXERCISES['2.1'].slips[0][1]}\n" in said.out
    rows = list(csv.DictReader((tmp_path / "tries.csv").read_text().splitlines()))
    assert [(row["exercise"], row["try"], row["verdict"], row["answer"]) for row in rows if row["line"] == "4"] == [
        ("2.1", "1", "wrong", "3"), ("2.1", "2", "right", ""),
    ]  # fmt: skip
    assert {row["who"] for row in rows} == {"anna", "'=1+1", ""}


def test_all_lines_read_are_a_status_of_0_and_none_of_1(tmp_path, capsys):
    assert answered(tmp_path, CODE) == 0
    assert answered(tmp_path, CODE.encode("utf-16")) == 0
    assert answered(tmp_path, "\ufeff" + CODE + "\r\n") == 0
    for text in ("", "# nothing\n", "\x00" * 99, b"\xff\xfe\x00", "x" * 100_000):
        assert answered(tmp_path, text) == 1
    assert cli.main(["answers", str(tmp_path / "nowhere")]) == 2
    assert "No such file" in capsys.readouterr().err
