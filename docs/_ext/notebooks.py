"""Each lesson as a notebook that nobody has run, whose first cell says what is missing; a link under its heading."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jupytext
from nbformat.v4 import new_code_cell
from sphinx.application import Sphinx

from viz import PLOTS

LINK = (
    '<p class="notebook">Answer here, in the boxes, or take <a href="{name}.ipynb" download>this lesson as a '
    "notebook</a>, whose first cell says what it needs. For a class: "
    '<a href="../deck/lessons/{name}.html">the same as slides</a>.</p>'
)
NEEDS = {"plot": re.compile(rf"\bmatplotlib\b|\bviz\.({'|'.join(PLOTS)})\("), "sklearn": re.compile(r"\bsklearn\b")}
FIRST = """\
# What this notebook needs, and how to get what is missing.
from importlib.util import find_spec

missing = [name for name in {modules} if find_spec(name) is None]
remedy = 'in a clone of autograd_mini, pip install "{library}", then start anew'
if missing:
    raise SystemExit("missing: " + ", ".join(missing) + "; " + remedy)"""


def first_cell(lesson: str) -> str:
    """Return the cell that a lesson's notebook begins with: it names what is not installed, and the command for it."""
    extras = [extra for extra, used in NEEDS.items() if used.search(lesson)]
    modules = ["autograd_mini", "nn", "viz", *({"plot": "matplotlib"}.get(extra, extra) for extra in extras)]
    return FIRST.format(modules=modules, library=f".[{','.join(extras)}]" if extras else ".")


def add_link(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Put the link below the heading of a lesson."""
    folder, _, name = page.rpartition("/")
    if folder == "lessons" and "body" in context and app.builder.name == "html":
        context["body"] = context["body"].replace("</h1>", "</h1>" + LINK.format(name=name), 1)


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the notebooks."""
    if error is None and app.builder.name == "html":
        folder = Path(app.outdir, "lessons")
        for lesson in sorted(Path(app.srcdir, "lessons").glob("[0-9]*.md")):
            notebook = jupytext.read(lesson)
            notebook.cells.insert(0, new_code_cell(first_cell(lesson.read_text(encoding="utf-8"))))
            jupytext.write(notebook, folder / f"{lesson.stem}.ipynb")


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.connect("html-page-context", add_link)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
