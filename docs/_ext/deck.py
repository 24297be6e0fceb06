"""The lessons as slides: a slide for each prediction that is asked, with its figures live; `sphinx -b revealjs`."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_revealjs.nodes import revealjs_break

BUILDER = "revealjs"


def slides(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Begin a slide at each prediction, and lead links to other pages out of the folder of the deck."""
    if app.builder.name != BUILDER:
        return
    for section in doctree.findall(nodes.section):
        for child in [child for child in section.children[2:] if asks(child)]:
            section.insert(section.index(child), revealjs_break())
    for link in doctree.findall(nodes.reference):
        if link.get("refuri", "").startswith("../docs/"):
            link["refuri"] = "../" + link["refuri"]


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
    return {"parallel_read_safe": True, "parallel_write_safe": True}
