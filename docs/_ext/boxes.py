"""Boxes for the answers: in the lessons in place of their cells with `check`, and on the page of practice.

What is right, the known mistakes and the words come from `viz.lessons` and `viz.practice`, the parser of formulas from
the player's page; docs/boxes/ has the scripts.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from mathml import mathml
from sphinx.application import Sphinx

from autograd_mini.programs.languages.javascript_table import table_source
from viz.expression import CONSTANTS, INSTEAD, SYNONYMS
from viz.lessons import EXERCISES
from viz.lessons.codes import fingerprint
from viz.lessons.exercises import exercises_of
from viz.notation import RULES
from viz.pages import compact
from viz.practice import LEVELS, Question, exercise
from viz.stepping.card_svg import asset

ROOT = Path(__file__).resolve().parent.parent.parent
BOXES = ROOT / "docs" / "boxes"
SCRIPTS = ("read.js", "judge.js", "code.js", "progress.js", "box.js", "lesson.js", "practice.js", "start.js")
PRACTICE = "docs/practice"
SHEETS, NUMBERS = 6, 10  # of the pool: sheets of a level, and questions of each
CHECK = re.compile(r'^check\("(\d\.\d)", .*\)$', re.MULTILINE)
ASKED = re.compile(r"^\*\*(\d\.\d)\*\* (.*?)\n\n", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`]+)`|\$([^$]+)\$")
BEGIN = "from autograd_mini import Value\nfrom viz.lessons import check\n\n\n"
NO_SCRIPT = "<noscript><p>The box needs JavaScript; the notebook of this page asks the same.</p></noscript>"


# What the scripts know ------------------------------------------------------------------------------------------------


def script() -> str:
    """Return the script of the boxes: what is right, what to say, the table, the parser, and what is done with them."""
    words = {
        "LANGUAGE": {"constants": CONSTANTS, "synonyms": SYNONYMS, "instead": INSTEAD, "school": RULES},
        "EXERCISES": {
            name: {"name": name, "why": each.why, "hint": "", **each.page} for name, each in EXERCISES.items()
        },
        "LESSONS": {n: {"names": [*exercises_of(n)], "fingerprint": fingerprint(exercises_of(n))} for n in lessons()},
    }
    for name, prompt in prompts().items():
        words["EXERCISES"][name]["prompt"] = prompt
    parts = [
        *(f"const {name} = {json.dumps(told)};\n" for name, told in words.items()),
        table_source(False),
        'const MEANING = NUMBERS, read = x => ({ inf: Infinity, "-inf": -Infinity, nan: NaN })[x] ?? x;\n',
        asset("formula.js"),
        *((BOXES / name).read_text(encoding="utf-8") for name in SCRIPTS),
    ]
    return "{\n" + "".join(map(compact, parts)) + "}\n"


def lessons() -> list[int]:
    """Return the numbers of the lessons."""
    return list(dict.fromkeys(int(name.partition(".")[0]) for name in EXERCISES))


@cache
def prompts() -> dict[str, str]:
    """Return what each exercise asks as HTML, from the lessons' own text."""
    sources = [file.read_text(encoding="utf-8") for file in sorted((ROOT / "lessons").glob("[0-9]*.md"))]
    return {
        name: f"<p><strong>{name}</strong> {_html(text)}</p>"
        for source in sources
        for name, text in ASKED.findall(source)
    }


def _html(text: str) -> str:
    """Return a paragraph of Markdown that has code and mathematics in it, and nothing else."""
    parts = INLINE.split(text)
    plain, codes, formulas = parts[::3], parts[1::3], parts[2::3]
    marked = [f"<code>{escape(c)}</code>" if c else mathml(f, "inline") for c, f in zip(codes, formulas)]
    return "".join(escape(before) + mark for before, mark in zip(plain, [*marked, ""]))


def start_of(name: str) -> str:
    """Return the file in which a program is begun."""
    return "my_engine.py" if EXERCISES[name].page["of"] == "grade" else f"exercise_{name.replace('.', '_')}.py"


def starts() -> dict[str, str]:
    """Return the files in which programs are begun: the cell of the lesson; for an engine that of its first step."""
    text = "".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "lessons").glob("[0-9]*.md")))
    found = {}
    for name in (name for name, each in EXERCISES.items() if each.page["kind"] == "report"):
        file = start_of(name)
        magic = re.search(rf"^%%writefile {file}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        cell = re.search(
            rf'^```{{code-cell}}\n((?:(?!```).)*^check\("{name}", .*?)^```', text, re.MULTILINE | re.DOTALL
        )
        found[file] = magic[1] if magic else f"{BEGIN}{cell[1]}" if cell else ""
    return found


def pool() -> str:
    """Return the script with the questions of practice: for each level, sheet and number the one of the command."""
    places = [(level, sheet, number) for level in LEVELS for sheet in range(SHEETS) for number in range(NUMBERS)]
    told = {
        "levels": [level.title for level in LEVELS.values()],
        "sheets": SHEETS,
        "numbers": NUMBERS,
        "questions": [_question(exercise(*place)) for place in places],
    }
    return f"globalThis.POOL = {json.dumps(told, ensure_ascii=False)};\n"


def _question(question: Question) -> dict[str, Any]:
    named = isinstance(question.answer, str)
    return {
        "kind": "name" if named else "number", "asked": question.blanks[0].removesuffix("dL/d").rstrip(": "),
        "right": question.answer, "answer": question.right, "names": question.names,
        "slips": [*question.slips.items()], "hint": question.hints[0], "hints": question.hints,
        "given": "\n".join(question.given), "sentence": question.asked, "steps": question.steps,
    }  # fmt: skip


# Pages ----------------------------------------------------------------------------------------------------------------


def place(app: Sphinx, doctree: nodes.document) -> None:
    """Put boxes into a lesson, what a result means behind the bar of the result, and what ends it."""
    found = re.fullmatch(r"lessons/(\d+)_\w+", app.env.docname)
    if not found or app.builder.format != "html":
        return
    for cell in list(doctree.findall(_is_cell)):
        name = CHECK.search(cell.astext())
        if name:
            put_box(cell, name[1])
        elif cell.get("hide_mode"):
            put_behind(cell)
    end_lesson(doctree, int(found[1]))


def _is_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code"


def put_box(cell: nodes.container, name: str) -> None:
    """Put a box in place of a cell; code that a notebook asks for stays in sight above it."""
    box = raw(f'<div data-exercise="{name}">{NO_SCRIPT}</div>')
    program = EXERCISES[name].page["kind"] == "report"
    cell.replace_self([cell.children[0], raw(_to_begin(name)), box] if program else [box])


def _to_begin(name: str) -> str:
    """Return where a program begins without a notebook, and how it is checked."""
    file = start_of(name)
    graded = EXERCISES[name].page["of"] == "grade"
    command = f"autograd-mini grade {file} &gt; report.txt" if graded else f"python {file} &gt; report.txt"
    return (
        f'<p class="notebook">Without the notebook: begin with <a href="{file}" download>{file}</a>, '
        f"run <code>{command}</code>, and drop the report here.</p>"
    )


def put_behind(cell: nodes.container) -> None:
    """Put what follows a hidden result, up to the next heading, cell, prediction or exercise, behind its bar."""
    output = cell.children[-1]
    if output.get("nb_element") != "cell_code_output":
        return
    for node in list(_discussed(cell)):
        node.parent.remove(node)
        output += node


def _discussed(cell: nodes.container) -> Iterator[nodes.Element]:
    siblings = cell.parent.children
    for node in siblings[siblings.index(cell) + 1 :]:
        begins = node.astext()
        if isinstance(node, nodes.section) or _is_cell(node) or re.match(r"Predict\.|\d\.\d ", begins):
            return
        if isinstance(node, nodes.Element):
            yield node


def end_lesson(doctree: nodes.document, lesson: int) -> None:
    """Leave a place for the questions that come back before the first part, and for the code after the last list."""
    top = next(doctree.findall(nodes.section))
    parts = [node for node in top.children if isinstance(node, nodes.section)]
    top.insert(top.index(parts[0]), raw('<div id="come-back"></div>'))
    parts[-1]["classes"].append("can-do")
    last = [node for node in parts[-1].children if isinstance(node, nodes.bullet_list)][-1]
    parts[-1].insert(parts[-1].index(last) + 1, raw(f'<div id="hand-in" data-lesson="{lesson}"></div>'))


def raw(html: str) -> nodes.raw:
    """Return HTML as a node."""
    return nodes.raw("", html, format="html")


def load(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Let lessons, their decks and the page of practice load the boxes."""
    if app.builder.format == "html" and (page.startswith("lessons/") or page == PRACTICE):
        app.add_css_file("boxes.css")
        if page == PRACTICE:
            app.add_js_file("practice_pool.js", loading_method="defer")
        app.add_js_file("boxes.js", loading_method="defer")


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the scripts, and the files in which programs begin."""
    if error is None and app.builder.format == "html":
        folder = Path(app.outdir, "_static")
        (folder / "boxes.js").write_text(script(), encoding="utf-8")
        shutil.copy(BOXES / "boxes.css", folder)
        if app.builder.name == "html":
            (folder / "practice_pool.js").write_text(pool(), encoding="utf-8")
        for file, begun in starts().items():
            Path(app.outdir, "lessons", file).write_text(begun, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.connect("doctree-read", place)
    app.connect("html-page-context", load)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
