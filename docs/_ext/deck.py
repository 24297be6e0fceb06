"""The lessons as slides: a slide for each prediction that is asked, with its figures live; `sphinx -b revealjs`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_revealjs.nodes import revealjs_break

BUILDER = "revealjs"


def slides(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Begin a slide at each prediction, lead links to other pages out of the folder of the deck, and leave exercises
    to the lesson's own page, which has their boxes.
    """
    if app.builder.name != BUILDER:
        return
    for section in [s for s in doctree.findall(nodes.section) if s[0].astext() == "Exercises"]:
        section.parent.remove(section)
    for section in doctree.findall(nodes.section):
        for child in [child for child in section.children[2:] if asks(child)]:
            section.insert(section.index(child), revealjs_break())
    for link in doctree.findall(nodes.reference):
        if link.get("refuri", "").startswith("../docs/"):
            link["refuri"] = "../" + link["refuri"]


def alone(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Let a deck lead to no page before it or after it, which may be no deck."""
    if app.builder.name == BUILDER:
        context["next"] = context["prev"] = None


def prune(app: Sphinx, error: Exception | None) -> None:
    """Leave out what no deck of ours uses: pages that are none, plugins, themes with letters from elsewhere."""
    if error is None and app.builder.name == BUILDER:
        out = Path(app.outdir)
        themes = out.glob("_static/revealjs/dist/theme/*.css")
        unused = [theme for theme in themes if theme.stem != app.config.revealjs_style_theme]
        for file in [out / "py-modindex.html", *unused]:
            file.unlink(missing_ok=True)
        for folder in (out / "docs", out / "_static" / "revealjs" / "plugin"):
            shutil.rmtree(folder, ignore_errors=True)


def asks(node: nodes.Node) -> bool:
    """Return whether a paragraph asks for a prediction."""
    return isinstance(node, nodes.paragraph) and node.astext().startswith("Predict.")


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.setup_extension("sphinx_revealjs")
    theirs = app.extensions["sphinx_revealjs"]
    theirs.parallel_read_safe = theirs.parallel_write_safe = (
        True  # it keeps nothing from page to page, and does not say so
    )
    app.connect("doctree-resolved", slides, priority=950)
    app.connect("html-page-context", alone)
    app.connect("build-finished", prune)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
