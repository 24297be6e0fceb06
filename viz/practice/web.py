"""Sheets for the web: one HTML file that loads nothing, and Markdown with the graphs in Mermaid."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from .question import Question

STYLE = """\
body { font: 16px/1.4 Arial, Helvetica, sans-serif; max-width: 48em; margin: 2em auto; padding: 0 1em }
pre { background: #f4f6f8; color: #16202b; padding: .6em .8em; overflow-x: auto }
section { break-inside: avoid; margin: 2em 0 }
svg { max-width: 100%; height: auto }
.line { border-bottom: 1px solid #8a949e; height: 2.2em; display: flex; align-items: end }
.solutions { break-before: page }
@media print { body { margin: 0; max-width: none } pre { border: 1px solid #ccc } }
"""
LINES = 2  # to write on below a question, besides one for each number


def html_of(title: str, questions: tuple[Question, ...], solutions: bool) -> bytes:
    """Return a sheet as one HTML page."""
    asked = "\n".join(_html(i, question) for i, question in enumerate(questions, 1))
    answers = "\n".join(_html_solution(i, question) for i, question in enumerate(questions, 1))
    page = f"""\
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>
<style>
{STYLE}</style></head>
<body>
<h1>{escape(title)}</h1>
<p class="line">Name:</p>
{asked}
{f'<div class="solutions"><h2>Solutions</h2>{answers}</div>' if solutions else ""}
</body>
</html>
"""
    return page.encode()


def _html(i: int, question: Question) -> str:
    graph = question.graph
    lines = (
        "".join(f'<p class="line">{escape(blank)} =</p>' for blank in question.blanks) + '<p class="line"></p>' * LINES
    )
    return (
        f"<section><h2>{i}.</h2><pre>{_text(question.given)}</pre>{graph.svg if graph else ''}"
        f"<p>{escape(question.asked)}</p>{lines}</section>"
    )


def _html_solution(i: int, question: Question) -> str:
    return f"<section><h3>{i}. {escape(question.right)}</h3><pre>{escape(question.steps)}</pre></section>"


def _text(lines: Iterable[str]) -> str:
    return escape("\n".join(lines))


def markdown_of(title: str, questions: tuple[Question, ...], solutions: bool) -> bytes:
    """Return a sheet as Markdown; hosts that know Mermaid draw the graphs."""
    parts = [f"# {escape(title)}", "Name: ____________________"]
    for i, question in enumerate(questions, 1):
        graph = question.graph
        blanks = [f"`{blank}` = ____________________" for blank in question.blanks]
        picture = [f"```mermaid\n{graph.mermaid.rstrip()}\n```"] if graph else []
        parts += [f"## {i}.", fenced(question.given), *picture, question.asked, *blanks]
    if solutions:
        parts.append("# Solutions")
        parts += [part for i, q in enumerate(questions, 1) for part in (f"**{i}.** `{q.right}`", fenced([q.steps]))]
    return ("\n\n".join(parts) + "\n").encode()


def fenced(lines: Iterable[str]) -> str:
    """Return lines as a block of Markdown that is shown as it is."""
    return "```text\n" + "\n".join(lines) + "\n```"
