"""Sheets as notebooks, with the cells that nbgrader knows: a place for each answer, and a check that marks it."""

from __future__ import annotations

import base64
import json
from typing import Any

from .question import Question
from .web import fenced

SETUP = """\
# What this notebook needs. If it is missing, put autograd_mini.zip, which the site's lessons offer, beside it, and run:
# %pip install --quiet ./autograd_mini.zip
from viz.practice import exercise, of_formula
"""
CHECK = """\
verdict = {code}.verdict(answer_{i})
print(verdict.words)
assert verdict.right, verdict.words
"""


def notebook_of(title: str, questions: tuple[Question, ...], solutions: bool) -> bytes:
    """Return a sheet as a notebook of format 4.5; with solutions the answers stand in its cells."""
    cells = [_markdown("title", f"# {title}"), _code("setup", SETUP)]
    for i, question in enumerate(questions, 1):
        cells += _cells(i, question, solutions)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1).encode()


def _cells(i: int, question: Question, solutions: bool) -> list[dict[str, Any]]:
    """Return the cells of a question: what is asked, the place for the answer, the check, and its explanation."""
    graph = question.graph
    picture = [f'<img alt="the graph, to fill in" src="{_data_url(graph.svg)}">'] if graph else []
    text = "\n\n".join([f"## {i}.", fenced(question.given), *picture, question.asked])
    right = repr(question.answer[0]) if len(question.answer) == 1 and not isinstance(question.answer, str) else None
    given = f"### BEGIN SOLUTION\nanswer_{i} = {right or repr(question.answer)}\n### END SOLUTION"
    told = [_markdown(f"steps-{i}", fenced([question.steps]))] if solutions else []
    return [
        _markdown(f"question-{i}", text),
        _code(f"answer-{i}", given if solutions else f"answer_{i} = ...", solution=True),
        _code(f"check-{i}", CHECK.format(code=question.code, i=i), grade=True),
        *told,
    ]


def _data_url(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _markdown(id: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": id, "metadata": {}, "source": text}


def _code(id: str, text: str, grade: bool = False, solution: bool = False) -> dict[str, Any]:
    """Return a cell of code, for nbgrader one that is answered or one that gives a point."""
    marks = {"grade": grade, "grade_id": id, "locked": grade, "schema_version": 3, "solution": solution, "task": False}
    metadata = {"nbgrader": marks | ({"points": 1} if grade else {})} if grade or solution else {}
    cell: dict[str, Any] = {"cell_type": "code", "execution_count": None, "id": id, "metadata": metadata, "outputs": []}
    return {**cell, "source": text.rstrip()}
