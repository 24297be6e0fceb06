"""Lesson 2 on the site, from its first line to its last, in headless Chromium: every box answered wrongly and rightly.

Two lessons and the page of practice are built once for this file, and looked at in one session.
"""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from player_page import Page, browser, told, violations  # noqa: F401
from test_handed_in import answered

from viz.lessons import EXERCISES
from viz.lessons.codes import answers_of
from viz.practice import exercise

Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
ROOT = Path(__file__).resolve().parent.parent
BUILD = """
import sys
from sphinx.application import Sphinx

root, folder = sys.argv[1:]
some = {
    "include_patterns": ["docs/index.md", "docs/practice.md", "lessons/01*", "lessons/02*"],
    "nb_execution_excludepatterns": ["lessons/01*"],  # of its results nothing is looked at but their place
}
for builder, made in (("html", f"{folder}/html"), ("revealjs", f"{folder}/html/deck")):
    app = Sphinx(root, f"{root}/docs", made, f"{folder}/trees", builder, some, status=None)
    app.build()
    assert app.statuscode == 0
"""
CLOCK = "const now = Date.now; Date.now = () => now() + {hours} * 3600e3;"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A part of the site, built as the whole is, but by one process."""
    for needed in ("sphinx", "sphinx_revealjs", "myst_nb", "furo", "jupytext", "latex2mathml", "ziamath", "ipykernel"):
        pytest.importorskip(needed)
    folder = tmp_path_factory.mktemp("site")
    sys.path.insert(0, str(ROOT / "docs"))
    kernel = importlib.import_module("build_site").quiet_kernel(folder / "kernel")
    sys.path.remove(str(ROOT / "docs"))
    subprocess.run(
        [sys.executable, "-c", BUILD, ROOT, folder],
        env={**os.environ, "IPYTHONDIR": str(kernel)}, capture_output=True, timeout=300, check=True,
    )  # fmt: skip
    return folder / "html"


class Reader(Page):
    """What a learner does with a page: with the keyboard alone."""

    def __init__(self, driver, site):
        self.driver, self.browser, self.site = driver, driver, site

    def open(self, page, width=1100, dark=False, height=900):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        self.driver.get((self.site / page).as_uri())

    def answer(self, name, *texts):
        """Type an answer into each field of a box, press Enter in the last, and return what the page says."""
        box = f"[aria-label='exercise {name}']"
        for i, text in enumerate(texts):
            self.run(
                "const f = document.querySelectorAll(arguments[0])[arguments[1]]; f.value = ''; f.focus()",
                f"{box} input",
                i,
            )
            self.press(text)
        self.press(Keys.ENTER)
        return self.run("return document.querySelector(arguments[0]).textContent", f"{box} .said")

    def code(self):
        return self.run("return document.getElementById('code').value")

    def seen(self):
        return self.run("return document.querySelector('article').innerText")


@pytest.fixture
def reader(browser, site):  # noqa: F811
    browser.get("about:blank")
    kept = {"origin": "file://", "storageTypes": "local_storage"}  # what a test before this has answered
    browser.execute_cdp_cmd("Storage.clearDataForOrigin", kept)
    told(browser)
    yield Reader(browser, site)
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    said, asked = told(browser)
    assert said == []
    assert {url for url in asked if not url.startswith((site.as_uri(), "about:", "data:"))} == set()


WRONG = {"2.0": ["2 -3 1 1 -6 -4"], "2.1": ["3"], "2.2": ["20"], "2.3": ["x + y", "x"]}
RIGHT = {"2.0": ["[-3, 2, 1, 1, -4, -6]"], "2.1": ["dL/dx = 4"], "2.2": ["1024"], "2.3": ["2x + y", "x"]}


def test_lesson_2_from_the_first_line_to_the_last(reader, tmp_path, capsys):
    reader.open("lessons/02_the_graph.html")
    text = reader.seen()
    first = reader.run("return document.querySelector('.graph svg').closest('details') === null")
    assert first, "the first graph stands in the open"
    names = reader.run("return [...document.querySelectorAll('.graph svg')][0].querySelectorAll('text').length")
    assert names == 10, "a name and an op for each node, and nothing else"
    for early in ("(-3)(-4)", "-10", "Read block 3", "half of the truth", "+24"):
        assert early not in text, f"{early} is shown before it is asked for"
    reader.run("document.querySelectorAll('details.hide').forEach(each => { each.open = true; })")
    assert "Read block 3" in reader.seen()
    assert reader.code() == ""
    for name, texts in WRONG.items():
        slip = EXERCISES[name].slips[0][1]
        assert reader.answer(name, *texts) == f"{name} not yet: {slip} (try 1)"
        assert reader.answer(name, *texts) == f"{name} not yet: {slip}", "the same again is no other try"
        assert reader.answer(name, *["?" for _ in texts]).startswith(f"{name} not yet: ")
        assert reader.answer(name, *RIGHT[name]) == f"{name} right: {EXERCISES[name].why} (try 2)"
    assert answers_of(reader.code()).tries == dict.fromkeys(WRONG, (3, 1))
    assert reader.run("return document.querySelectorAll('.can-do li.done').length") == 3
    assert "4 of 4 exercises of this lesson are right." in reader.seen()
    assert answered(tmp_path, f"ada {reader.code()}") == 0
    assert "ada  try 2  try 2  try 2  try 2" in capsys.readouterr().out


def test_the_first_right_answer_of_lesson_1_stands_above_its_first_result_and_all_is_kept_and_forgotten(reader):
    reader.open("lessons/01_a_neuron.html")
    assert reader.answer("1.0", "1/4").endswith("(try 1)")
    first = (
        "document.querySelector('[data-exercise]').compareDocumentPosition(document.querySelector('.tag_hide-output'))"
    )
    assert reader.run(f"return {first} === Node.DOCUMENT_POSITION_FOLLOWING")
    assert reader.answer("1.2", "(up - down) / (2h)").startswith("1.2 right")
    assert reader.answer("1.3", "-3").startswith("1.3 not yet")
    code = reader.code()
    reader.open("lessons/01_a_neuron.html")
    assert reader.code() == code
    assert "1.2 was answered here, right at try 1." in reader.seen()
    clock = reader.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": CLOCK.format(hours=21)})
    reader.open("lessons/02_the_graph.html")
    assert reader.run("return document.querySelectorAll('#come-back .again').length") == 2
    assert reader.answer("1.3, again", "3") == f"1.3 right: {EXERCISES['1.3'].why}"
    reader.open("lessons/02_the_graph.html")
    assert reader.run("return document.querySelectorAll('#come-back .again').length") == 1
    reader.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": clock["identifier"]})
    reader.open("lessons/01_a_neuron.html")
    reader.run("[...document.querySelectorAll('#hand-in button')].at(-1).click()")
    reader.open("lessons/01_a_neuron.html")
    assert reader.code() == ""


def test_a_sheet_of_practice_is_answered(reader):
    reader.open("docs/practice.html")
    reader.run("document.getElementById('level').value = 2; document.getElementById('sheet').value = 5")
    reader.run("document.querySelector('#practice-room form').requestSubmit()")

    assert "made by the same generator" in reader.seen()

    def answer(text):
        reader.run("const f = document.querySelector('#desk input'); f.value = ''; f.focus()")
        reader.press(text, Keys.ENTER)

    for number in range(3):
        asked = exercise(3, 5, number)
        assert asked.given[0] in reader.seen()
        answer(asked.right)
        # the answer is told step by step, and the focus waits on the way on
        assert asked.steps.splitlines()[-1] in reader.seen()
        reader.press(Keys.ENTER)
    assert "4. Level 4, reuse" in reader.seen()
    for number in (3, 4):
        answer("998")
        assert "(try 1)" in reader.seen()
        answer("997")
        assert f"The answer is {exercise(4, 5, number).right}." in reader.seen()
        reader.press(Keys.ENTER)
    assert "6. Level 3, two paths" in reader.seen()
    for _ in range(5):
        reader.run("[...document.querySelectorAll('#desk form button')].at(-1).click()")
        reader.press(Keys.ENTER)
    assert "3 of 10 right at the first try." in reader.seen()


SLIDE = """
const slide = Reveal.getCurrentSlide(), scale = Reveal.getScale(), shown = e => e.getClientRects().length;
const said = [...slide.querySelectorAll("p, li, label, button, pre code")].filter(e => e.innerText && shown(e));
return {
  title: slide.innerText.slice(0, 60),
  cut: [slide.scrollHeight - slide.clientHeight, slide.scrollWidth - slide.clientWidth],
  letters: Math.min(...said.map(e => scale * parseFloat(getComputedStyle(e).fontSize))),
  frames: [...slide.querySelectorAll("iframe")].filter(shown).map(e => [e.name, e.offsetHeight]),
};
"""


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
def test_a_deck_is_read_from_the_last_row_and_has_the_same_boxes(width, height, reader):
    reader.open("deck/lessons/02_the_graph.html", width, height=height)
    slides = reader.run(
        f"const look = () => {{{SLIDE}}}, slides = [];"
        "while (slides.length < Reveal.getTotalSlides()) { slides.push(look()); Reveal.next(); }"
        "return slides;"
    )
    assert len({slide["title"] for slide in slides}) > 10
    assert [slide for slide in slides if slide["cut"] != [0, 0]] == []
    assert [slide for slide in slides if slide["letters"] < 24] == []
    ((name, high),) = [frame for slide in slides for frame in slide["frames"]]
    assert (name, high >= 460) == ("projector", True)
    reader.run(
        "Reveal.slide(...Object.values(Reveal.getIndices(document.querySelector('[data-exercise=\"2.1\"]').closest('section:not(.stack)'))))"
    )
    reader.run("localStorage.clear()")
    slip = EXERCISES["2.1"].slips[0][1]
    assert reader.answer("2.1", "3").startswith(f"2.1 not yet: {slip}")
    at = reader.run("return JSON.stringify(Reveal.getIndices())")
    reader.press("n ")  # which turn slides, but for a learner who writes
    assert reader.run("return JSON.stringify(Reveal.getIndices())") == at


@pytest.mark.parametrize("page", ["lessons/02_the_graph.html", "docs/practice.html"])
def test_the_boxes_are_for_everyone(page, reader):
    for width, dark in ((1100, False), (390, True)):
        reader.open(page, width, dark)
        reader.run("document.querySelector('#practice-room form')?.requestSubmit()")
        if page.startswith("lessons"):
            reader.answer("2.1", "3")
        assert reader.run("return document.documentElement.scrollWidth") <= width
        assert violations(reader.driver, {"include": [["article"]], "exclude": [["iframe"]]}) == []
