"""`play.html`: the player as a page of the site, in which any formula opens; `play "..."` in a page leads to it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import quote

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri

from viz import player
from viz.command.play import NEURON, VALUES
from viz.expression import record_expression

PLACE = "docs/play.html"
COMMAND = re.compile(r'(?:autograd-mini )?play "[^"]+"[^"]*')


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the page, with the textbook's neuron in it until another formula is typed."""
    if error is None and app.builder.name == "html":
        given = {name: float(value) for name, value in (pair.split("=") for pair in VALUES)}
        page = player(record_expression(NEURON, given), names={}).html
        Path(app.outdir, PLACE).write_text(page, encoding="utf-8")


def address(command: str) -> str:
    """Return what follows the name of the page, for a command that plays a formula with values.

    >>> address('play "x*y + x" x=2 y=3 --open')
    '#formula=x%2Ay%20%2B%20x%20x%3D2%20y%3D3'
    """
    words = shlex.split(command)[1 + command.startswith("autograd-mini") :]
    formula, *rest = words
    return "#formula=" + quote(" ".join([formula, *(word for word in rest if re.match(r"\w+=", word))]))


def link(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Make each command that plays a formula a link; one with values has another beside it, for a projector."""
    if app.builder.format != "html":
        return
    page = relative_uri(app.builder.get_target_uri(name), PLACE)
    for command in list(doctree.findall(lambda node: isinstance(node, nodes.literal))):
        if COMMAND.fullmatch(command.astext()) and not isinstance(command.parent, nodes.reference):
            rest = address(command.astext())
            shown = nodes.reference("", "", command.deepcopy(), refuri=page + rest, internal=True)
            large = nodes.reference("", "projector", refuri=f"{page}?projector{rest}", internal=True)
            beside = [nodes.Text(" ("), large, nodes.Text(")")] if "%3D" in rest else []
            command.parent.replace(command, [shown, *beside])


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.connect("doctree-resolved", link)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
