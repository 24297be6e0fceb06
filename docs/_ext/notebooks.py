"""Each lesson beside its page as a notebook that nobody has run, and a link to it under the lesson's heading."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import jupytext
from sphinx.application import Sphinx

LINK = (
    '<p class="notebook">To do the exercises: <a href="{name}.ipynb" download>this lesson as a notebook</a>, and '
    'beside it <a href="exercises.py" download>exercises.py</a> and <a href="checking.py" download>checking.py</a>.</p>'
)


def add_link(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Put the link below the heading of a lesson."""
    folder, _, name = page.rpartition("/")
    if folder == "lessons" and "body" in context:
        context["body"] = context["body"].replace("</h1>", "</h1>" + LINK.format(name=name), 1)


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the notebooks, and what their cells import."""
    if error is None and app.builder.format == "html":
        folder = Path(app.outdir, "lessons")
        for lesson in sorted(Path(app.srcdir, "lessons").glob("[0-9]*.md")):
            jupytext.write(jupytext.read(lesson), folder / f"{lesson.stem}.ipynb")
        for module in Path(app.srcdir, "lessons").glob("*.py"):
            shutil.copy(module, folder)


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.connect("html-page-context", add_link)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
