"""Sheets: every format opens, hides what is asked for, leaves lines to write on, and is the same for the same seed."""

import base64
import html
import html.parser
import json
import math
import re
import shutil
import subprocess
import sys
import weakref
from dataclasses import replace

import pytest

from autograd_mini.errors import ExtraError, SettingError
from viz.command import main as cli
from viz.practice import LEVELS, exercise, of_formula
from viz.practice.blank import SLOT
from viz.practice.sheets import WRITERS, SheetError, formula_sheet, worksheet
from viz.practice.tex import tex_of
from viz.practice.typeset import typst_of
from viz.practice.web import html_of, markdown_of

FORMULA = "(w*x + b - y)**2"
AT = {"w": 0.5, "x": 2.0, "b": 1.0, "y": 3.0}


def written(tmp_path, sheet, suffix):
    return sheet.save(tmp_path / f"sheet{suffix}").read_bytes()


@pytest.mark.parametrize("level", LEVELS)
def test_a_sheet_is_the_same_each_time_and_no_two_questions_are_alike(level, tmp_path):
    asked, others = ([(*q.given, q.asked) for q in worksheet(level, *of).questions] for of in [(12, 8), (13, 3)])
    assert len({*asked}) == 8
    assert asked[2] != others[2]
    sheet, again, other = (worksheet(level, seed, 2) for seed in (12, 12, 13))
    for suffix in WRITERS.keys() - {".pdf"}:
        first = written(tmp_path, sheet, suffix)
        assert first == written(tmp_path, again, suffix)
        assert first != written(tmp_path, other, suffix)


@pytest.mark.parametrize("level", LEVELS)
def test_a_blank_graph_has_slots_and_tells_no_gradient(level):
    for seed in range(5):
        question = exercise(level, seed)
        graph = question.graph
        assert (graph is None) == (question.root is None)
        if graph is not None:
            assert all(dict(box.rows)["grad"] == SLOT for box in graph.picture.boxes if box.kind != "constant")
            assert not any(box.heats for box in graph.picture.boxes), "a number to work with, or a slot; no colours"
            assert {arrow.local for arrow in graph.picture.arrows} <= {SLOT, ""}
            assert "grad " not in graph.svg.replace("gradient", "")


def test_a_formula_hides_what_is_to_be_computed():
    graph = of_formula(FORMULA, AT).graph
    shown = {box.name: dict(box.rows)["data"] for box in graph.picture.boxes if box.kind != "constant"}
    hidden = dict.fromkeys(("v1", "v2", "v3", "L"), SLOT)
    assert shown == {"w": "0.5", "x": "2", "b": "1", "y": "3"} | hidden


@pytest.mark.parametrize("level", [4, 6])
@pytest.mark.parametrize("write", [html_of, markdown_of, tex_of, typst_of])
def test_a_sheet_asks_each_question_whole_and_its_solutions_follow_in_the_same_order(write, level):
    questions = worksheet(level, 1, 3).questions
    asked = [part for i, q in enumerate(questions, 1) for part in (f"{i}.", *q.given, q.asked, *q.blanks)]
    solved = [part for i, q in enumerate(questions, 1) for part in (f"{i}.", q.right, *q.steps.splitlines())]
    written = write("A title", questions, True)
    text, place = bare(written if isinstance(written, str) else written.decode()), 0
    for part in ["A title", *asked, "Solutions", *solved]:
        place = text.find(bare(part), place)
        assert place >= 0, part


def bare(text):
    """The characters that every format writes alike."""
    return re.sub(r"[\s\\]", "", html.unescape(text))


def pages(pdf):
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@pytest.mark.parametrize("level", LEVELS)
def test_a_pdf_opens_and_its_solutions_are_pages_more(level, tmp_path):
    pytest.importorskip("typst")
    pytest.importorskip("fontpkg_arimo")
    sheet = worksheet(level, 3, 3)
    pdf = written(tmp_path, sheet, ".pdf")
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert 1 <= pages(pdf) < pages(written(tmp_path, replace(sheet, solutions=True), ".pdf"))
    assert pdf == written(tmp_path, worksheet(level, 3, 3), ".pdf")


def test_without_typst_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    pytest.importorskip("fontpkg_arimo")
    with pytest.raises(ExtraError, match=r"autograd-mini\[pdf\]"):
        worksheet(1, 0).save(tmp_path / "sheet.pdf")
    assert not list(tmp_path.iterdir())


class Page(html.parser.HTMLParser):
    """What a page loads, and which elements it leaves open."""

    def __init__(self):
        super().__init__()
        self.loads, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.loads += [(tag, value) for key, value in attrs if key in ("src", "href") and not value.startswith("#")]
        if tag not in ("meta", "br", "img", "hr"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("level", LEVELS)
def test_a_page_is_whole_and_loads_nothing(level, tmp_path):
    text = written(tmp_path, worksheet(level, 5, 4, solutions=True), ".html").decode()
    page = Page()
    page.feed(text)
    assert (page.loads, page.open) == ([], [])
    assert "url(" not in text
    assert text.count('class="line"') >= 4 * 3


@pytest.mark.parametrize("level", LEVELS)
def test_a_notebook_is_valid_and_marks_its_own_solutions(level, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    sheet = worksheet(level, 7, 3)
    asked, solved = (
        nbformat.reads(written(tmp_path, replace(sheet, solutions=told), ".ipynb").decode(), as_version=4)
        for told in (False, True)
    )
    nbformat.validate(asked)
    nbformat.validate(solved)
    run(solved)
    with pytest.raises(AssertionError, match="not answered yet"):
        run(asked)
    points = [cell.metadata.nbgrader.points for cell in asked.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert points == [1, 1, 1]
    assert not any("SOLUTION" in cell.source for cell in asked.cells)


def run(notebook):
    names = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(cell.source, names)


def test_the_pictures_of_a_notebook_are_pictures(tmp_path):
    cells = json.loads(written(tmp_path, formula_sheet(FORMULA, AT), ".ipynb"))["cells"]
    (picture,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', "".join(c["source"] for c in cells))
    assert base64.b64decode(picture).startswith(b"<svg")


@pytest.mark.parametrize("level", LEVELS)
def test_latex_is_balanced_and_prints_every_character(level):
    source = tex_of("50 % of a_b {", worksheet(level, 2, 4).questions, True).decode()
    texts = re.findall(r"(\\footnotesize\n)?\\begin\{verbatim\}\n(.*?)\n\\end", source, re.DOTALL)
    assert [line for small, text in texts for line in text.splitlines() if len(line) > (101 if small else 83)] == []
    assert re.findall(r"\((?![-\d.]+,[-\d.]+\))[^)]*\)", "".join(re.findall(r"\\path.*", source))) == []
    bare = re.sub(r"\\begin\{verbatim\}.*?\\end\{verbatim\}", "", source, flags=re.DOTALL)
    opened = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", bare):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert opened == []
    plain = re.sub(r"\\[{}%#$&_\\]", "", bare)
    assert plain.count("{") == plain.count("}")
    assert not re.search(r"[%#$&_^~]", plain.partition(r"\begin")[2])
    assert source.isascii()
    assert "50 \\% of a\\_b \\{" in source


def test_latex_compiles_and_no_line_is_too_long(tmp_path):
    if not (shutil.which("kpsewhich") and shutil.which("pdflatex")):
        pytest.skip("no pdflatex: apt-get install texlive-pictures")
    if subprocess.run(["kpsewhich", "tikz.sty"], capture_output=True, timeout=60).returncode:
        pytest.skip("pdflatex has no TikZ: apt-get install texlive-pictures")
    questions = tuple(exercise(level, 0) for level in (3, 6, 7, 8, 9))
    (tmp_path / "sheet.tex").write_bytes(tex_of("All levels", questions, True))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "sheet.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:].decode(errors="replace")
    log = (tmp_path / "sheet.log").read_text(errors="replace")
    assert re.findall(r"^(?:Overfull|Missing character).*", log, re.MULTILINE) == []


def test_markdown_draws_its_graphs_in_mermaid(tmp_path):
    text = written(tmp_path, worksheet(3, 1, 4), ".md").decode()
    assert text.count("```mermaid") == 4
    assert text.count("```") % 2 == 0
    assert "Solutions" not in text
    assert "# Solutions" in written(tmp_path, worksheet(3, 1, 4, solutions=True), ".md").decode()


@pytest.mark.parametrize(("text", "values"), [(FORMULA, AT), ("w * x / y", {"w": 3.0, "x": 1.0, "y": 2.0})])
def test_a_formula_keeps_its_values_and_finds_others_that_come_out_even(text, values):
    first, *others = formula_sheet(text, values, questions=5).questions
    assert first.given[0] == ", ".join(f"{name} = {x:g}" for name, x in values.items())
    assert len({q.given for q in (first, *others)}) == 5
    for question in others:
        assert all(abs(100 * x - round(100 * x)) < 1e-9 for x in question.answer)
    assert formula_sheet("tanh(x)", {"x": 0.3}, seed=1).questions[0].answer  # nothing even there


def test_no_two_questions_of_a_formula_are_alike_and_a_sheet_that_is_shorter_for_that_says_so(tmp_path, capsys):
    asked = [q.given for q in formula_sheet("2 * x", {"x": 5.0}, questions=20).questions]
    assert len(asked) == len({*asked}) == 1 + 8  # the given value, and eight others
    assert cli.main(["worksheet", "2 * x", "x=5", "--questions", "20", "-o", str(tmp_path / "sheet.md")]) == 0
    assert "9 of 20 questions: there are no more that differ" in capsys.readouterr().err


def test_a_formula_is_asked_where_its_numbers_can_be_answered():
    infinite = {"1/x": {"x": 0.0}, "log(x)": {"x": -1.0}, "sqrt(x)": {"x": 0.0}, "0/(x*y)": {"x": 1e308, "y": 1e10}}
    for text, values in [("x*y", {"x": math.nan, "y": 1.0}), *infinite.items()]:
        with pytest.raises(SettingError, match=r"inf or nan at these values, .* give others"):
            formula_sheet(text, values)
    asked = formula_sheet("sqrt(x) * y", {"x": 4.0, "y": 1.0}, questions=3).questions  # some values have no root
    assert all(q.verdict(q.right).right for q in asked)
    assert len(asked) == 3


def test_a_value_that_a_formula_does_not_use_is_named_once(tmp_path, capsys):
    asked = ["2x*y", "x=1", "y=2", "z=3", "--variants", "2", "-o", str(tmp_path / "sheet.md")]
    assert cli.main(["worksheet", *asked]) == 0
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if "note" in line] == ["autograd-mini: note: the expression does not use z"]
    assert sum("read as" in line for line in told) == 1


def test_a_graph_is_drawn_once_and_lives_as_long_as_its_question():
    question = of_formula(FORMULA, AT)
    assert question.graph is question.graph
    kept = weakref.ref(question.root)
    del question
    assert kept() is None


@pytest.mark.parametrize("arguments", [(0, 1), (3, -1), (3, 1, 0), (3, 1, 2.5)])
def test_sheets_that_there_are_not(arguments):
    with pytest.raises(SettingError):
        worksheet(*arguments)


def test_a_suffix_says_how(tmp_path):
    with pytest.raises(SheetError, match=r"one of \.pdf"):
        worksheet(1, 1).save(tmp_path / "sheet.doc")


# The command ----------------------------------------------------------------------------------------------------------


def test_thirty_variants_are_one_command_and_all_different(tmp_path, capsys):
    asked = ["--level", "2", "--variants", "30", "--questions", "2"]
    assert cli.main(["worksheet", *asked, "-o", str(tmp_path / "s.md")]) == 0
    files = sorted(tmp_path.iterdir())
    assert [f.name for f in files] == [f"s-{i:02}.md" for i in range(1, 31)]
    assert len({f.read_bytes() for f in files}) == 30
    assert capsys.readouterr().err.count("wrote ") == 30


def test_a_formula_of_ones_own_from_the_command(tmp_path, capsys):
    target = tmp_path / "own.html"
    assert cli.main(["worksheet", FORMULA, "w=0.5", "x=2", "-o", str(target), "b=1", "y=3", "--solutions"]) == 0
    assert "[-4, -1, -2, 2]" in target.read_text()
    assert capsys.readouterr().err == f"wrote {str(target)!r}: {FORMULA} (variant 1), with solutions\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--level", "3", "x*2", "x=1"], "leave one out"), (["-o", "sheet.doc"], "the suffix says how"),
        (["--variants", "0"], "--variants takes"), (["--questions", "501"], "--questions takes"),
        (["x +", "x=1"], "column"),
        (["1 + 2"], "names with values"), (["--seed", "-3"], "whole number"), (["x*y", "x=1"], "'y' has no value"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    try:
        status = cli.main(["worksheet", *arguments])
    except SystemExit as ended:
        status = ended.code
    assert (status, list(tmp_path.iterdir())) == (2, [])
    assert words in capsys.readouterr().err
