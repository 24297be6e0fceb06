"""Each lesson beside its page as a notebook that nobody has run, and a link to it under the lesson's heading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jupytext
from sphinx.application import Sphinx

LINK = (
    '<p class="notebook">Answer here, in the boxes, or take <a href="{name}.ipynb" download>this lesson as a '
    "notebook</a>, which needs this library and nothing else.</p>"
)


def add_link(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Put the link below the heading of a lesson."""
    folder, _, name = page.rpartition("/")
    if folder == "lessons" and "body" in context:
        context["body"] = context["body"].replace("</h1>", "</h1>" + LINK.format(name=name), 1)


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the notebooks."""
    if error is None and app.builder.format == "html":
        folder = Path(app.outdir, "lessons")
        for lesson in sorted(Path(app.srcdir, "lessons").glob("[0-9]*.md")):
            jupytext.write(jupytext.read(lesson), folder / f"{lesson.stem}.ipynb")


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.connect("html-page-context", add_link)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
