"""Each lesson as a notebook that nobody has run, and beside it the library, which its first cell installs."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import jupytext
from nbformat.v4 import new_code_cell
from sphinx.application import Sphinx

from viz import PLOTS

ROOT = Path(__file__).resolve().parent.parent.parent
LINK = (
    '<p class="notebook">Answer here, in the boxes, or take <a href="{name}.ipynb" download>this lesson as a '
    'notebook</a> and, to install what it needs, <a href="{library}" download>{library}</a>. For a class: '
    '<a href="../deck/lessons/{name}.html">the same as slides</a>.</p>'
)
NEEDS = {"plot": re.compile(rf"\bmatplotlib\b|\bviz\.({'|'.join(PLOTS)})\("), "sklearn": re.compile(r"\bsklearn\b")}
LIBRARY = "autograd_mini.zip"
SOURCES = ("pyproject.toml", "setup.cfg", "README.md", "LICENSE", "autograd_mini", "nn", "viz")
FIRST = """\
# What this notebook needs. If something is missing: save {file}, which its lesson's page on the site offers too, in the
# folder of this notebook, take away the first # of the next line, and run this cell again.
# %pip install --quiet "./{file}{extras}"
from importlib.util import find_spec

missing = [name for name in {modules} if find_spec(name) is None]
if missing:
    raise SystemExit("missing: " + ", ".join(missing) + "; the first lines of this cell say how to install it")"""


def first_cell(lesson: str) -> str:
    """Return the cell that a lesson's notebook begins with: it names what is not installed, and the command for it."""
    extras = [extra for extra, used in NEEDS.items() if used.search(lesson)]
    modules = ["autograd_mini", "nn", "viz", *({"plot": "matplotlib"}.get(extra, extra) for extra in extras)]
    return FIRST.format(modules=modules, file=LIBRARY, extras=f"[{','.join(extras)}]" if extras else "")


def pack(archive: Path) -> None:
    """Write what pip installs the library from."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for source in SOURCES:
            place = ROOT / source
            for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
                if file.is_file() and "__pycache__" not in file.parts:
                    packed.write(file, Path(archive.stem, file.relative_to(ROOT)))


def add_link(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Put the link below the heading of a lesson."""
    folder, _, name = page.rpartition("/")
    if folder == "lessons" and "body" in context and app.builder.name == "html":
        context["body"] = context["body"].replace("</h1>", "</h1>" + LINK.format(name=name, library=LIBRARY), 1)


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the notebooks, and the library."""
    if error is None and app.builder.name == "html":
        folder = Path(app.outdir, "lessons")
        pack(folder / LIBRARY)
        for lesson in sorted(Path(app.srcdir, "lessons").glob("[0-9]*.md")):
            notebook = jupytext.read(lesson)
            notebook.cells.insert(0, new_code_cell(first_cell(lesson.read_text(encoding="utf-8"))))
            jupytext.write(notebook, folder / f"{lesson.stem}.ipynb")


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.connect("html-page-context", add_link)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
