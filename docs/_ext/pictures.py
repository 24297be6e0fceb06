"""Pictures in the page itself: graphs that follow its light and dark, and flow charts drawn by our own Graphviz."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

from viz.graph.layout_programs import Engine, find, run

DARK = re.compile(r"@media \(prefers-color-scheme:dark\)\{((?:[^{}]*\{[^{}]*\})*)\}")

NUMBERED = re.compile(r' id="[A-Za-z0-9.]+_\d+"')  # what matplotlib calls the parts of each of its pictures

BOX = re.compile(r"(\w+)(?:\[([\w/.]+)\])?")  # a name, and perhaps what stands in its box


def in_the_page(svg: str) -> str:
    """Return an SVG for a page with a switch between light and dark, which may differ from the screen's own."""
    return DARK.sub(
        lambda rules: (
            f"@media (prefers-color-scheme:dark){{body:not([data-theme=light]){{{rules[1]}}}}}"
            f"body[data-theme=dark]{{{rules[1]}}}"
        ),
        svg,
    )


def inline(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Put graphs that a cell has drawn into the page: they can be read aloud, and their boxes have tooltips."""
    if app.builder.format != "html":
        return
    for image in list(doctree.findall(nodes.image)):
        file = Path(app.srcdir, image["uri"])
        if file.suffix == ".svg" and file.is_file():
            svg = NUMBERED.sub("", in_the_page(file.read_text(encoding="utf-8")))
            figure = f'<div class="graph" tabindex="0">{svg}</div>'
            image.parent.replace(image, nodes.raw("", figure, format="html"))


class FlowChart(Directive):
    """```mermaid with `flowchart LR`, boxes, chains of arrows and subgraphs: what the pages use, and no more."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the chart as an SVG in the page."""
        svg = drawn(dot_of(list(self.content)))
        words = ", ".join(line.strip() for line in self.content if "-->" in line).replace("-->", "uses")
        return [nodes.raw("", f'<div class="chart" role="img" aria-label="{words}">{svg}</div>', format="html")]


def dot_of(lines: list[str]) -> str:
    """Return a flow chart in DOT; ValueError for a line that is none of ours."""
    head, *rest = (line.strip() for line in lines if line.strip())
    direction = head.removeprefix("flowchart ")
    if direction == head:
        raise ValueError(f"a chart begins with flowchart LR, this one with {head!r}")
    body = [
        f'rankdir={direction}; compound=true; bgcolor="transparent"',
        'node [shape=box, style=rounded, fontname="sans-serif"]',
    ]
    rooms: dict[str, str] = {}  # and one box in each, for the arrows between rooms
    room = ""
    for line in rest:
        box = BOX.fullmatch(line.removeprefix("subgraph "))
        if line.startswith("subgraph ") and box:
            room = box[1]
            body.append(f'subgraph "cluster_{room}" {{ label="{box[2] or room}"; style=rounded')
        elif line == "end":
            room = ""
            body.append("}")
        elif "-->" in line:
            names = [name.strip() for name in line.split("-->")]
            if room:
                rooms.setdefault(room, names[-1])
            body += [_arrow(tail, head, rooms) for tail, head in itertools.pairwise(names)]
        elif box:
            body.append(f'"{box[1]}" [label="{box[2] or box[1]}"]')
        else:
            raise ValueError(f"a line of a chart is a box, a chain of arrows, subgraph or end, not {line!r}")
    return "digraph {" + "\n".join(body) + "}"


def _arrow(tail: str, head: str, rooms: dict[str, str]) -> str:
    ends = f'"{rooms.get(tail, tail)}" -> "{rooms.get(head, head)}"'
    between = f' [ltail="cluster_{tail}", lhead="cluster_{head}"]' if tail in rooms and head in rooms else ""
    return ends + between


def drawn(dot: str) -> str:
    """Return DOT as SVG, in the colours of the text around it."""
    engines: list[Engine] = find("auto")
    svg = run(engines[0], dot, ["-Tsvg"]).decode()
    svg = re.sub(r' id="\w+"', "", svg[svg.index("<svg") :])  # which are the same in each chart of a page
    return re.sub(r'(stroke|fill)="(black|#000000)"', r'\1="currentColor"', svg).replace(
        "<text", '<text fill="currentColor"'
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.connect("doctree-resolved", inline, priority=900)
    app.add_directive("mermaid", FlowChart)
    app.config.myst_fence_as_directive = {"mermaid"}
    return {"parallel_read_safe": True, "parallel_write_safe": True}
