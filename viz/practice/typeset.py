"""Sheets as PDF, without a TeX: typeset by typst, which comes as a wheel."""

from __future__ import annotations

import re
from pathlib import Path

from autograd_mini.errors import extra

from .question import Question

WIDEST, HIGHEST = 480.0, 480.0  # points of a picture on a page
SCALE = 0.85  # of pictures as they are printed
PAGE = 45  # lines of a solution that stand together: more begin on one page and end on the next
PREAMBLE = """\
#set page(paper: "a4", margin: (x: 2cm, y: 1.8cm), numbering: "1 / 1")
#set text(font: "Arimo", size: 10.5pt)
#show raw: set text(font: "DejaVu Sans Mono", size: 8.5pt)
#let given(lines) = block(fill: luma(245), inset: 7pt, width: 100%, raw(lines, block: true))
#let blank(name) = block(above: 16pt, grid(columns: (auto, 1fr), column-gutter: 6pt,
  text(name), align(bottom, line(length: 100%, stroke: 0.5pt))))
#let ruled = block(above: 20pt, line(length: 100%, stroke: 0.3pt + luma(150)))
"""


def pdf_of(title: str, questions: tuple[Question, ...], solutions: bool) -> bytes:
    """Return a sheet as PDF, the same bytes each time; ExtraError without the extra `pdf`."""
    letters = Path(extra("fontpkg_arimo", "fontpkg-arimo", "pdf").__file__).parent
    compile = extra("typst", "typst", "pdf").compile
    source = typst_of(title, questions, solutions).encode()
    return bytes(compile(source, font_paths=[str(letters)], ignore_system_fonts=True, format="pdf"))


def typst_of(title: str, questions: tuple[Question, ...], solutions: bool) -> str:
    """Return a sheet in typst's language; every text of it is a string, so that none is read as markup."""
    parts = [PREAMBLE, f"#set document(title: {_string(title)}, date: none)", f"#heading({_string(title)})"]
    parts += ['#blank("Name")', *(_asked(i, question) for i, question in enumerate(questions, 1))]
    if solutions:
        parts += ["#pagebreak()", '#heading("Solutions")']
        parts += [_solution(i, question) for i, question in enumerate(questions, 1)]
    return "\n".join(parts) + "\n"


def _asked(i: int, question: Question) -> str:
    """Return a question, kept together on a page."""
    graph = question.graph
    given = "\n".join(question.given)
    blanks = "\n".join(f"#blank({_string(f'{blank} =')})" for blank in question.blanks)
    return f"""
#block(breakable: false, above: 22pt)[
#heading(level: 2, {_string(f"{i}.")})
#given({_string(given)})
{_image(graph.svg) if graph else ""}
#text({_string(question.asked)})
{blanks}
#ruled
]"""


def _image(svg: str) -> str:
    """Return a picture in its size, or as large as the page lets it be."""
    wide, high = (float((re.search(rf'{side}="([0-9.]+)pt"', svg) or [0, WIDEST])[1]) for side in ("width", "height"))
    unit = min(SCALE, WIDEST / wide, HIGHEST / high)
    return f'#image(bytes({_string(svg)}), format: "svg", width: {unit * wide:.1f}pt)'


def _solution(i: int, question: Question) -> str:
    title = _string(f"{i}. {question.right}")
    breaks = str(question.steps.count("\n") >= PAGE).lower()
    return (
        f"#block(breakable: {breaks}, above: 16pt)[\n#heading(level: 2, {title})\n#given({_string(question.steps)})\n]"
    )


def _string(text: str) -> str:
    r"""Return text as a string of typst.

    >>> print(_string('a "b" \\ c'))
    "a \"b\" \\ c"
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
