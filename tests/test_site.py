"""The site: its sources are whole, its makers make what they say, and the look through it finds what is broken."""

from __future__ import annotations

import doctest
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from test_lessons import OPTIONS, cells, run, tidied

import autograd_mini
import nn
import viz
from autograd_mini.op import TABLE, Elementwise
from viz.expression import record_expression

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / "lessons").glob("*.md")])
Maker = Callable[..., ModuleType]

LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> Maker:
    """Return a function that imports one of the modules that make the site."""

    def get(name: str, *needs: str) -> ModuleType:
        for module in needs:
            pytest.importorskip(module)
        monkeypatch.syspath_prepend(str(DOCS))
        monkeypatch.syspath_prepend(str(DOCS / "_ext"))
        monkeypatch.syspath_prepend(str(ROOT / "tests"))
        sys.modules.pop(name, None)
        return importlib.import_module(name)

    return get


# Sources ------------------------------------------------------------------------------------------------------------


def test_every_page_stands_in_the_contents() -> None:
    contents = re.findall(r"```\{toctree\}\n(.*?)```", (DOCS / "index.md").read_text(encoding="utf-8"), re.DOTALL)
    entries = [line for part in contents for line in part.splitlines() if line and not line.startswith(":")]
    listed = {page.resolve() for entry in entries for page in DOCS.glob(f"{entry}.md")}
    listed |= {page.resolve() for page in DOCS.glob("../lessons/*.md") if "../lessons/*" in entries}
    assert listed | {(DOCS / "index.md").resolve()} == {page.resolve() for page in PAGES}
    assert all("*" in entry or (DOCS / f"{entry}.md").is_file() for entry in entries)


INSTALLED = {str(room.__name__): Path(str(room.__file__)).parents[1] for room in (autograd_mini, nn, viz)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_of_the_sources_lead_to_files(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link for link in LINK.findall(text) if not link.startswith(("http", "#", "mailto"))]
    assert [link for link in links if not _target(page, link).is_file()] == []


def _target(page: Path, link: str) -> Path:
    """Return the file that a link leads to; one of a package lies where that is installed."""
    inside = (page.parent / link.partition("#")[0]).resolve().relative_to(ROOT.resolve())
    return INSTALLED.get(inside.parts[0], ROOT) / inside


FIRST = {"autograd_mini": "Value data grad backward", "nn": "MLP", "viz": "draw"}
OWN_PLACE = {"ops", "linalg", "methods", "losses", "optim", "init", "schedules", "export"}  # modules of a room


@pytest.mark.parametrize("room", [autograd_mini, nn, viz], ids=lambda room: room.__name__)
def test_the_reference_has_every_public_name_and_begins_with_what_one_uses_first(room: ModuleType) -> None:
    name = room.__name__
    page = DOCS / "reference" / f"{'engine' if name == 'autograd_mini' else name}.md"
    told = re.findall(r"^ *\.\. auto(?!module)\w+:: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert [entry.removeprefix(f"{name}.") for entry in told][: len(FIRST[name].split())] == FIRST[name].split()
    assert {f"{name}.{public}" for public in set(room.__all__) - OWN_PLACE} - set(told) == set()


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.parent.name != "lessons" and "{code-cell}" in p.read_text()], ids=lambda p: p.stem
)
def test_cells_of_the_pages_run(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    with tidied() as names:
        for cell in cells(page.read_text(encoding="utf-8")):
            got = run(cell.code, names)
            wanted = f"{cell.prints}\n" if cell.prints else ""
            assert doctest.OutputChecker().check_output(wanted, got, OPTIONS), f"{cell.code}\nprinted:\n{got}"


# What makes the pages -----------------------------------------------------------------------------------------------


def test_the_op_table_has_every_row_with_its_derivative(maker: Maker) -> None:
    page = "\n".join(maker("op_table", "docutils", "sphinx").page())
    assert set(re.findall(r"^### (\w+)$", page, re.MULTILINE)) == set(TABLE)
    assert "| computes | `y = sin(x)` | $y = \\sin(x)$ |\n|---|---|---|\n| dy/dx | `cos(x)` | $\\cos(x)$ |" in page
    assert "| vjp for x, given g = dL/dz | `g @ W` |" in page
    assert "| `relu(x)` | `x = 0` | `0` | `0` |" in page
    assert set(re.findall(r"\[(\w+)\]\(#op-[\w-]+\)", page)) == set(TABLE)  # listed by name above the cards
    assert '`ops.asin(x)` · `np.arcsin` · `play "asin(x)"`' in page
    for played in re.findall(r'`play "(.+)"`', page):  # the language knows each formula that a card leads to
        names = set(re.findall(r"\b[a-z]+\b(?!\()", played)) - {"pi"}
        assert record_expression(played, dict.fromkeys(names, 0.5)).op is not None
    curves = re.findall(r'<path class="(?:value|slope)" d="([^"]*)"/>', page)
    assert len(curves) == 2 * sum(isinstance(row, Elementwise) and len(row.required) == 1 for row in TABLE.values())
    assert all(re.fullmatch(r"M[-\d.]+,[-\d.]+([ML][-\d.]+,[-\d.]+)+", curve) for curve in curves)


def test_a_row_without_a_heading_would_be_missed(maker: Maker) -> None:
    op_table = maker("op_table", "docutils", "sphinx")
    with pytest.raises(ValueError, match="1 rows stand under headings"):
        list(op_table.sections('# Arithmetic ------\nadd = Binary("add", "{} + {}")\n'))


def test_docstrings_become_restructured_text(maker: Maker) -> None:
    restructured = maker("docstrings", "sphinx").restructured
    lines = ["|p - y| of `a * b`, with *args and z_", "", "    x = 1", "", ">>> a * b", "`not prose`"]
    assert list(restructured(lines)) == [
        r"\|p - y\| of ``a * b``, with \*args and z\_", "", "::", "", "    x = 1", "", ">>> a * b", "`not prose`",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("latex", "part"),
    [
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "<mtable"),
        (r"\displaystyle \begin{aligned} a &= b \end{aligned}", "<mtable"),
        (r"\log \cosh x", '<mi>cosh</mi><mspace width="0.17em"/><mi>x</mi>'),
        (r"x = \begin{bmatrix} 1 & 2 \end{bmatrix}.", '<mo form="prefix">'),
        (r"g\!\left(z\right) < 1", r'<annotation encoding="application/x-tex">g\!\left(z\right) &lt; 1</annotation>'),
    ],
)
def test_mathematics_becomes_mathml(latex: str, part: str, maker: Maker) -> None:
    assert part in maker("mathml", "sphinx", "latex2mathml", "ziamath").mathml(latex, "block")


def test_graphs_follow_the_switch_of_the_page(maker: Maker) -> None:
    pictures = maker("pictures", "docutils", "sphinx")
    svg = viz.draw(autograd_mini.Value(1.0, label="x") * 2.0).svg
    changed = pictures.in_the_page(svg)
    assert "body[data-theme=dark]{" in changed
    assert "body:not([data-theme=light]){" in changed
    assert changed.count("{") == changed.count("}")


def test_a_lesson_is_offered_as_a_notebook_without_results(maker: Maker, tmp_path: Path) -> None:
    notebooks = maker("notebooks", "jupytext", "sphinx")
    context = {"body": "<h1>2. The graph</h1><p>text</p>"}
    html = SimpleNamespace(builder=SimpleNamespace(name="html"))
    notebooks.add_link(html, "lessons/02_the_graph", "page.html", context, None)
    assert context["body"].startswith('<h1>2. The graph</h1><p class="notebook">')
    (tmp_path / "lessons").mkdir()
    notebooks.write(SimpleNamespace(builder=html.builder, outdir=str(tmp_path), srcdir=str(ROOT)), None)
    linked = set(re.findall(r'href="([^"]+)"', context["body"]))
    assert linked == {"02_the_graph.ipynb", "autograd_mini.zip", "../deck/lessons/02_the_graph.html"}
    assert (tmp_path / "lessons" / "02_the_graph.ipynb").is_file()
    written = json.loads((tmp_path / "lessons" / "02_the_graph.ipynb").read_text(encoding="utf-8"))
    assert all(not cell.get("outputs") for cell in written["cells"])
    assert sum(cell["cell_type"] == "code" for cell in written["cells"]) > 10
    first = "".join(written["cells"][0]["source"])
    exec(compile(first, "first cell", "exec"), {})  # all is there
    with pytest.raises(SystemExit, match="missing: viz_; the first lines"):
        exec(compile(first.replace("'viz'", "'viz_'"), "first cell", "exec"), {})


def test_the_first_cell_names_the_extras_of_a_lesson(maker: Maker) -> None:
    first_cell = maker("notebooks", "jupytext", "sphinx").first_cell
    lesson = {file.stem[:2]: file.read_text(encoding="utf-8") for file in (ROOT / "lessons").glob("0*.md")}
    assert '# %pip install --quiet "./autograd_mini.zip"\n' in first_cell(lesson["05"])
    assert "['autograd_mini', 'nn', 'viz']" in first_cell(lesson["05"])
    assert "matplotlib" in first_cell(lesson["06"])
    assert '"./autograd_mini.zip[plot,sklearn]"' in first_cell(lesson["07"])


def test_the_library_beside_the_notebooks_has_every_file_and_runs(maker: Maker, tmp_path: Path) -> None:
    archive = tmp_path / "autograd_mini.zip"
    maker("notebooks", "jupytext", "sphinx").pack(archive)
    shutil.unpack_archive(archive, tmp_path)
    made = tmp_path / "autograd_mini"
    for room in ("autograd_mini", "nn", "viz"):
        here, there = (
            {file.relative_to(top) for file in (top / room).rglob("*.*") if "__pycache__" not in file.parts}
            for top in (ROOT, made)
        )
        assert here == there
    done = subprocess.run(
        [sys.executable, "-c", "import viz.lessons; viz.lessons.check('2.1', 4); print(viz.__file__)"],
        cwd=made, env={**os.environ, "PYTHONPATH": str(made)}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith("2.1 right: ")
    assert str(made) in done.stdout


def test_a_slide_begins_at_each_prediction_exercise_and_figure(maker: Maker) -> None:
    deck = maker("deck", "docutils", "sphinx", "sphinx_revealjs")
    nodes = importlib.import_module("docutils.nodes")
    document = importlib.import_module("docutils.utils").new_document("lesson")
    texts = ["An idea.", "Predict. How many?", "They are three.", "1.1 What is z?", "This is one.", "Predict. Why?"]
    section = nodes.section("", nodes.title("", "Bricks"), *(nodes.paragraph("", text) for text in texts))
    section.insert(6, figure := nodes.container("", nodes.raw("", '<iframe title="&lt;Player of L', format="html")))
    document += [section, nodes.raw("", '<div id="hand-in">', format="html"), nodes.literal_block("", "a\n\n\nb")]
    for builder in ("html", "revealjs"):
        begun = [section[section.index(slide) + 1].astext() for slide in document.findall(deck.revealjs_break)]
        assert begun == []
        deck.slides(SimpleNamespace(builder=SimpleNamespace(name=builder)), document, "lessons/05_a_network")
    begun = [section[section.index(slide) + 1].astext() for slide in document.findall(deck.revealjs_break)]
    assert begun == ["Predict. How many?", "1.1 What is z?", "This is one.", "Predict. Why?"]
    assert figure.astext().startswith('<iframe name="projector" title="&lt;Player of L')
    assert "hand-in" not in document.astext()
    assert document[-1].astext() == "a\n\nb"


def test_a_command_that_plays_a_formula_leads_to_the_page_that_does(maker: Maker) -> None:
    play = maker("play", "docutils", "sphinx")
    nodes = importlib.import_module("docutils.nodes")
    cases = {
        'play "x*y + x" x=2 y=3': "#formula=x%2Ay%20%2B%20x%20x%3D2%20y%3D3",
        'autograd-mini play "x^2" x=3 --open -o a.html': "#formula=x%5E2%20x%3D3",
        'play "sin(x)"': "#formula=sin%28x%29",
        "autograd-mini play --open": None,
        'plot "x^2" x=3': None,
    }
    html = SimpleNamespace(format="html", get_target_uri=lambda name: f"{name}.html")
    for command, rest in cases.items():
        paragraph = nodes.paragraph("", "", nodes.literal("", command))
        play.link(SimpleNamespace(builder=html), paragraph, "docs/howto/play")
        links = [node["refuri"] for node in paragraph.findall(nodes.reference)]
        shown = [f"../play.html{rest}", f"../play.html?projector{rest}"][: 2 if "=" in command else 1] if rest else []
        assert links == shown
        assert paragraph.astext() == command + " (projector)" * (len(shown) == 2)


def test_the_first_screen_is_a_sentence_a_button_and_a_player_of_any_formula(maker: Maker, tmp_path: Path) -> None:
    play = maker("play", "docutils", "sphinx")
    (tmp_path / "docs").mkdir()
    play.write(SimpleNamespace(builder=SimpleNamespace(name="html"), outdir=str(tmp_path)), None)
    page = (tmp_path / "docs" / "play.html").read_text(encoding="utf-8")
    assert '<input id="formula"' in page
    assert "tanh(w1 * x1 + w2 * x2 + b)" in page
    first = (DOCS / "index.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert "[Start: lesson 1](../lessons/01_a_neuron.md){.start}" in first
    assert 'src="play.html' in first


def test_flow_charts_are_drawn_or_refused(maker: Maker) -> None:
    dot_of = maker("pictures", "docutils", "sphinx").dot_of
    lines = ["flowchart LR", "subgraph one", "a --> b", "end", "subgraph two", "c --> d", "end", "one --> two"]
    dot = dot_of(lines)
    assert '"a" -> "b"' in dot
    boxes = dot_of(["flowchart LR", "subgraph one[one/]", "a[a.py]", "b", "end"])
    assert 'label="one/"' in boxes
    assert '"a" [label="a.py"]' in boxes
    assert '"b" [label="b"]' in boxes
    assert '"b" -> "d" [ltail="cluster_one", lhead="cluster_two"]' in dot
    assert maker("pictures").drawn(dot).startswith("<svg")
    for wrong in (["graph TD", "a --> b"], ["flowchart LR", "a -.-> b"]):
        with pytest.raises(ValueError, match="chart"):
            dot_of(wrong)


# The look through ---------------------------------------------------------------------------------------------------

GOOD = '<h1 id="top">A</h1><a href="b.html#there">b</a><a href="#top">top</a><img src="p.png" alt="a picture">'
FAULTS = {
    '<a href="c.html">c</a>': "a.html: c.html: no such file",
    '<a href="b.html#nowhere">b</a>': "a.html: b.html#nowhere: no such place in the page",
    '<a href="#nowhere">b</a>': "a.html: #nowhere: no such place in the page",
    '<script src="https://else.example/x.js"></script>': "a.html: loads https://else.example/x.js from elsewhere",
    '<link rel="stylesheet" href="http://else.example/x">': "a.html: loads http://else.example/x from elsewhere",
    '<img src="p.png">': "a.html: a picture without a text, p.png",
    '<img src="q.png" alt="q">': "a.html: q.png: no such file",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "a.html").write_text(GOOD)
    (tmp_path / "b.html").write_text('<p id="there">b</p><a href="https://else.example/">a link may lead out</a>')
    (tmp_path / "p.png").touch()
    (tmp_path / "s.css").write_text("/* see https://else.example */ a { color: red }")
    return tmp_path


def test_a_whole_site_has_no_faults(site: Path, maker: Maker) -> None:
    assert list(maker("site_links").faults(site)) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault: str, site: Path, maker: Maker) -> None:
    (site / "a.html").write_text(GOOD + fault)
    assert list(maker("site_links").faults(site)) == [FAULTS[fault]]


def test_a_style_sheet_that_loads_a_font_from_elsewhere_is_found(site: Path, maker: Maker) -> None:
    (site / "s.css").write_text('@font-face { src: url("https://else.example/f.woff") }')
    assert list(maker("site_links").faults(site)) == ["s.css: loads https://else.example/f.woff"]


# In a browser -------------------------------------------------------------------------------------------------------

SHOWN = {
    "whole": ("<h1>A</h1><p>text</p>", []),
    "wide": ("<h1>A</h1><p style='width:900px'>text</p>", ["908 pixels wide on a phone of 390"]),
    "bare": ("<p>text</p>", ["no heading"]),
    "failing": ("<h1>A</h1><script>nobody.knows()</script>", ["Uncaught ReferenceError: nobody is not defined"]),
    "pale": ("<h1>A</h1><p style='color:#ccc;background:#fff'>text</p>", []),
    "folded": ("<h1>A</h1><details><p style='width:500px'>x</p></details>", ["508 pixels wide on a phone of 390"]),
}


def test_a_browser_finds_what_no_reading_of_the_source_does(maker: Maker, tmp_path: Path) -> None:
    look = maker("site_browser")
    program = look.browser()
    if program is None:
        pytest.skip("there is no Chromium here")
    (tmp_path / "pages").mkdir()
    for name, (body, _) in SHOWN.items():
        (tmp_path / "pages" / f"{name}.html").write_text(
            f"<!doctype html><html lang='en'><head><title>A</title></head><body><main>{body}</main></body></html>"
        )
    wanted = [f"pages/{name}.html: {fault}" for name, (_, faults) in sorted(SHOWN.items()) for fault in faults]
    found = list(look.faults(tmp_path, program))
    assert [fault for fault in found if ": axe" not in fault] == wanted
    barriers = [fault.partition(": <")[0] for fault in found if ": axe" in fault]
    bare, pale = ("pages/bare.html: axe, light: page-has-heading-one", "pages/pale.html: axe, {}: color-contrast")
    assert barriers == ([bare, pale.format("light"), pale.format("dark")] if look.axe() else [])


def test_the_pages_python_shows_no_widgets_which_would_be_fetched(maker: Maker, tmp_path: Path) -> None:
    folder = maker("build_site").quiet_kernel(tmp_path)
    (startup,) = (folder / "profile_default" / "startup").glob("*.py")
    asked = "from importlib.util import find_spec; print(find_spec('anywidget'))"
    done = subprocess.run(
        [sys.executable, "-c", startup.read_text() + asked], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "None\n"


def test_a_folder_that_holds_something_else_is_left_alone(
    maker: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(SystemExit):
        maker("build_site").main(["-o", str(tmp_path)])
    assert "holds something that is no site" in capsys.readouterr().err
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
