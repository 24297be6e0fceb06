"""Mathematics as MathML, written when the site is built: browsers and screen readers read it without a script."""

from __future__ import annotations

import re
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

FONT = "STIXTwoMath-Regular.ttf"
LOG = logging.getLogger(__name__)
BRACKETED = re.compile(r"<mo>([^<]*)</mo>(<mtable>(?:(?!<mtable>).)*</mtable>)<mo>([^<]*)</mo>", re.DOTALL)
NAMED = re.compile(r"(<mi>(?:log|exp|sin|cos|tan|sinh|cosh|tanh)</mi>)(?=<m[ins])")  # tanh x, not tanhx
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
    found = BRACKETED.sub(r'<mrow><mo form="prefix">\1</mo>\2<mo form="postfix">\3</mo></mrow>', found)
    found = NAMED.sub(r'\1<mspace width="0.17em"/>', found)
    note = f'<annotation encoding="application/x-tex">{escape(latex, quote=False)}</annotation>'
    head, body = found.removesuffix("</math>").split(">", 1)
    return f"{head}><semantics>{body}{note}</semantics></math>"


def visit_math(writer: Any, node: nodes.math) -> None:
    """Write a formula in the line."""
    writer.body.append(mathml(node.astext(), "inline", node))
    raise nodes.SkipNode


def visit_math_block(writer: Any, node: nodes.math_block) -> None:
    """Write a formula on its own, in a box that scrolls where the screen is narrow."""
    formula = mathml(node.astext(), "block", node)
    writer.body.append(f'<div class="math-block" tabindex="0" role="group" aria-label="formula">{formula}</div>\n')
    raise nodes.SkipNode


def copy_font(app: Sphinx, error: Exception | None) -> None:
    """Put STIX Two Math (SIL Open Font License), which ziamath brings, beside the pages."""
    if error is None and app.builder.format == "html":
        folder = Path(app.outdir, "_static", "fonts")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FONT).write_bytes((resources.files("ziamath") / "fonts" / FONT).read_bytes())


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx about the renderer."""
    app.connect("build-finished", copy_font)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
