"""The lessons as slides: one for each prediction and exercise, with figures and boxes live; `sphinx -b revealjs`."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_revealjs.nodes import revealjs_break

BUILDER = "revealjs"
ASKS = re.compile(r"Predict\.|\d\.\d ")
OF_A_LEARNER = ('id="come-back"', 'id="hand-in"')  # what is no matter of a class before a screen
FRAME = "<iframe "
FIGURES = ('<div class="graph"', FRAME)
PLAYER = '<iframe title="&lt;Player'
LARGE = f'<iframe name="projector"{PLAYER.removeprefix("<iframe")}'  # which a player reads from its window
KEYS = '<p class="keys">In the figure, key <b>p</b>: large letters, or all that it can do.</p>'


def slides(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Begin a slide at each prediction and exercise, show figures as for a projector, lead links to other pages out of
    the folder of the deck, and leave out what one learner is told alone.
    """
    if app.builder.name != BUILDER:
        return
    for raw in list(doctree.findall(nodes.raw)):
        if any(place in raw.astext() for place in OF_A_LEARNER):
            raw.parent.remove(raw)
        elif FRAME in raw.astext():
            raw.children = [nodes.Text(raw.astext().replace(PLAYER, LARGE) + KEYS)]
    for code in doctree.findall(nodes.literal_block):
        code.children = [nodes.Text(code.astext().replace("\n\n\n", "\n\n"))]
    for section in doctree.findall(nodes.section):
        texts = zip(section.children[2:], [*section.children[3:], None])
        for child in [child for child, after in texts if asks(child) or leads_to_a_figure(child, after)]:
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
    """Return whether a paragraph asks for a prediction, or is an exercise."""
    return isinstance(node, nodes.paragraph) and ASKS.match(node.astext()) is not None


def leads_to_a_figure(node: nodes.Node, after: nodes.Node | None) -> bool:
    """Return whether a paragraph stands before a cell that shows a picture or a page in the open."""
    if not isinstance(node, nodes.paragraph) or not isinstance(after, nodes.container) or after.get("hide_mode"):
        return False
    return any(figure in raw.astext() for raw in after.findall(nodes.raw) for figure in FIGURES)


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
