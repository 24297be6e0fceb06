"""Mathematics as MathML, written when the site is built: browsers and screen readers read it without a script."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

LOG = logging.getLogger(__name__)
TWINS = {  # what the converter does not know, and what means the same
    r"\\(begin|end)\{aligned\}": r"\\\1{align*}",
    r"^\s*\\displaystyle": "",
    r"\\!": "",  # browsers have no negative space
}


def mathml(latex: str, display: str, where: Any = None) -> str:
    """Return a formula as MathML, with its source as the annotation that can be copied."""
    source = latex
    for pattern, twin in TWINS.items():
        source = re.sub(pattern, twin, source)
    try:
        found = convert(source, display=display)
        ElementTree.fromstring(found)
    except Exception as error:
        LOG.warning("no MathML for %r: %s", latex, error, location=where)
        return ""
    return found.replace("<math ", f'<math alttext="{_attribute(latex)}" ', 1)


def _attribute(text: str) -> str:
    flat = " ".join(text.split())
    for char, entity in (("&", "&amp;"), ('"', "&quot;"), ("<", "&lt;"), (">", "&gt;")):
        flat = flat.replace(char, entity)
    return flat


def visit_math(writer: Any, node: nodes.math) -> None:
    """Write a formula in the line."""
    writer.body.append(mathml(node.astext(), "inline", node))
    raise nodes.SkipNode


def visit_math_block(writer: Any, node: nodes.math_block) -> None:
    """Write a formula on its own, in a box that scrolls where the screen is narrow."""
    formula = mathml(node.astext(), "block", node)
    writer.body.append(f'<div class="math-block" tabindex="0" role="group" aria-label="formula">{formula}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx about the renderer."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
