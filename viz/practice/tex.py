"""Sheets as LaTeX, with the graphs in TikZ: what an SVG of ours draws, drawn again."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable
from xml.etree.ElementTree import Element, fromstring

from .question import Question

PREAMBLE = r"""\documentclass[a4paper,11pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[margin=2cm]{geometry}
\usepackage{tikz}
\setlength{\parindent}{0pt}
\newcommand{\blank}[1]{\par\vspace{12pt}#1\hrulefill\par}
\begin{document}
"""
ANCHORS = {"": "base west", "middle": "base", "end": "base east"}
SCALE, WIDEST, HIGHEST = 0.85, 480.0, 480.0  # points on a page
LETTERS, SMALL_LETTERS = 83, 101  # of a typewriter that a line holds, in normal size and in that of solutions
BLANK = 0.556  # of its size, the width of a letter _ in Arial: a blank is drawn as one rule
SPECIAL = {
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "\N{EN DASH}": "--",
    **{c: f"\\{c}" for c in "#$%&_{}"},
}  # fmt: skip


def tex_of(title: str, questions: tuple[Question, ...], solutions: bool) -> bytes:
    """Return a sheet as a LaTeX document, which needs TikZ."""
    parts = [PREAMBLE, rf"\section*{{{escaped(title)}}}", "\\blank{Name}\n\\bigskip"]
    parts += [_asked(i, question) for i, question in enumerate(questions, 1)]
    if solutions:
        parts.append("\\clearpage\n\\section*{Solutions}")
        parts += [_solution(i, question) for i, question in enumerate(questions, 1)]
    return ("\n".join(parts) + "\n\\end{document}\n").encode()


def _asked(i: int, question: Question) -> str:
    graph = question.graph
    picture = f"\\noindent\n{tikz_of(graph.svg)}\n\\par\n" if graph else ""
    blanks = "\n".join(rf"\blank{{{escaped(blank)} = }}" for blank in question.blanks)
    lines = _verbatim(question.given, LETTERS)
    asked = escaped(question.asked)
    body = f"\\subsection*{{{i}.}}\n{lines}\n{picture}{asked}\n{blanks}\n\\blank{{}}"
    return f"\\noindent\\begin{{minipage}}{{\\textwidth}}\n{body}\n\\end{{minipage}}\n\\par\\bigskip"


def _solution(i: int, question: Question) -> str:
    steps = _verbatim(question.steps.splitlines(), SMALL_LETTERS)
    return f"\\subsection*{{{i}. {escaped(question.right)}}}\n\\footnotesize\n{steps}\n\\normalsize"


def _verbatim(lines: Iterable[str], width: int) -> str:
    wrapped = (part for line in lines for part in textwrap.wrap(line, width, subsequent_indent=" " * 8) or [""])
    return "\\begin{verbatim}\n" + "\n".join(wrapped) + "\n\\end{verbatim}"


def escaped(text: str) -> str:
    """Return text as LaTeX prints it.

    >>> print(escaped("50 % of x_1"))
    50 \\% of x\\_1
    """
    return "".join(SPECIAL.get(c, c) for c in text)


# SVG -> TikZ ----------------------------------------------------------------------------------------------------------


def tikz_of(svg: str) -> str:
    """Return a drawing's SVG as a TikZ picture."""
    root = fromstring(svg)
    wide, high = map(float, root.attrib["viewBox"].split()[2:])
    unit = min(SCALE, WIDEST / wide, HIGHEST / high)
    drawn = [SHAPES[tag](e) for e in root.iter() if (tag := e.tag.rpartition("}")[2]) in SHAPES]
    scale = rf"\begin{{tikzpicture}}[x=1pt, y=-1pt, scale={unit:.3f}, transform shape]"
    return "\n".join([scale, *drawn, r"\end{tikzpicture}"])


def _ink(e: Element) -> str:
    return ", ".join(
        f"{'draw' if key == 'stroke' else 'fill'}={_colour(e.attrib[key])}"
        for key in ("fill", "stroke")
        if e.get(key, "none") != "none"
    )


def _colour(code: str) -> str:
    red, green, blue = (int(code[i : i + 2], 16) for i in (1, 3, 5))
    return f"{{rgb,255:red,{red};green,{green};blue,{blue}}}"


def _points(text: str) -> list[str]:
    return [f"({point})" for point in text.split()]


def _path(e: Element) -> str:
    """Return a path of ours: a straight rule, or curves one after another."""
    rule = re.fullmatch(r"M([-0-9.]+,[-0-9.]+)h([-0-9.]+)", e.attrib["d"])
    if rule:
        return rf"\path[{_ink(e)}] ({rule[1]}) -- +({rule[2]},0);"
    start, _, rest = e.attrib["d"].removeprefix("M").partition("C")
    p = _points(rest)
    curves = "".join(f" .. controls {a} and {b} .. {c}" for a, b, c in zip(p[::3], p[1::3], p[2::3]))
    return rf"\path[{_ink(e)}] ({start}){curves};"


def _polygon(e: Element) -> str:
    return rf"\path[{_ink(e)}] {' -- '.join(_points(e.attrib['points']))} -- cycle;"


def _polyline(e: Element) -> str:
    return rf"\path[{_ink(e)}] {' -- '.join(_points(e.attrib['points']))};"


def _rect(e: Element) -> str:
    x, y, wide, high = (float(e.attrib[key]) for key in ("x", "y", "width", "height"))
    round = f", rounded corners={0.7 * float(e.get('rx', '0')):.1f}pt"
    return rf"\path[{_ink(e)}{round}] ({x:.2f},{y:.2f}) rectangle ({x + wide:.2f},{y + high:.2f});"


def _text(e: Element) -> str:
    bold = r"\bfseries" if e.get("font-weight") else ""
    size = float(e.attrib["font-size"])
    font = rf"\sffamily{bold}\fontsize{{{size:.1f}}}{{{1.2 * size:.1f}}}\selectfont"
    look = f"anchor={ANCHORS[e.get('text-anchor', '')]}, inner sep=0, text={_colour(e.attrib['fill'])}, font={font}"
    text = e.text or ""
    words = rf"\rule{{{BLANK * size * len(text):.1f}pt}}{{0.5pt}}" if text.strip("_") == "" else escaped(text)
    return rf"\node[{look}] at ({e.attrib['x']},{e.attrib['y']}) {{{words}}};"


SHAPES: dict[str, Callable[[Element], str]] = {
    "path": _path, "polygon": _polygon, "polyline": _polyline, "rect": _rect, "text": _text,
}  # fmt: skip
