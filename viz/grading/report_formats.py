"""A grade for programs: JSON, and JUnit's XML, which teaching systems and build servers read."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ElementTree
from typing import Any

from ..text import clean
from .exercise import Number, Numbers
from .report import (
    FAILED,
    LEFT_OUT,
    PASSED,
    Found,
    Report,
    Result,
    arrivals,
    equations,
    formula,
    idea,
    picture,
    steps,
    text_of,
    title,
    what_happened,
)
from .sandbox import Problem


def json_of(reports: list[Report]) -> str:
    """Return the reports as JSON: a list with one object for each file; what is no finite number is written as text."""
    return json.dumps([_report(report) for report in reports], indent=2, allow_nan=False)


def _report(report: Report) -> dict[str, Any]:
    return {
        "file": report.file,
        "passed": report.passed,
        "required": len(report.required),
        "full": report.is_full,
        "broken": _problem(report.broken) if report.broken else None,
        "checks": [_result(result) for result in report.results],
        "faults": [_found(found) for found in report.faults],
    }


def _result(result: Result) -> dict[str, Any]:
    check = result.check
    return {
        "name": check.name, "about": check.about, "optional": check.optional, "status": result.status,
        "notes": list(result.notes),
    }  # fmt: skip


def _found(found: Found) -> dict[str, Any]:
    fault, exercise = found.fault, found.fault.exercise
    answer = fault.answer
    return {
        "check": found.check,
        "name": title(found),
        "kind": fault.kind,
        "idea": idea(fault),
        "graph": list(equations(exercise).values()),
        "steps": steps(exercise),
        "problem": _problem(answer) if isinstance(answer, Problem) else None,
        "yours": None if isinstance(answer, Problem) else {name: _numbers(row) for name, row in answer.items()},
        "right": {name: _numbers(row) for name, row in exercise.right.items()},
        "arrives": arrivals(fault),
        "also": [formula(other) for other in found.also],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {"kind": problem.kind, "message": clean(problem.message), "line": problem.line or None}


def _numbers(row: Numbers) -> dict[str, Number]:
    return {"data": _finite(row.data), "grad": _finite(row.grad)}


def _finite(x: Number) -> Number:
    return x if isinstance(x, str) or math.isfinite(x) else repr(x)


def junit_of(reports: list[Report]) -> str:
    """Return the reports as JUnit XML: a suite for each file, a case for each check, the whole text as its output."""
    root = ElementTree.Element("testsuites", name="autograd-mini grade")
    for report in reports:
        suite = ElementTree.SubElement(root, "testsuite", {"name": clean(report.file), **_counts(report)})
        if report.broken is not None:
            case = ElementTree.SubElement(suite, "testcase", classname=clean(report.file), name="import")
            ElementTree.SubElement(case, "error", message=clean(what_happened(report.broken)))
        for result in report.results:
            _case(suite, report, result)
        ElementTree.SubElement(suite, "system-out").text = _printable(text_of(report))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _counts(report: Report) -> dict[str, str]:
    if report.broken is not None:
        return {"tests": "1", "failures": "0", "errors": "1", "skipped": "0"}
    skipped = sum(result.status == LEFT_OUT for result in report.results)
    failures = sum(result.status not in (PASSED, LEFT_OUT) for result in report.results)
    return {"tests": str(len(report.results)), "failures": str(failures), "errors": "0", "skipped": str(skipped)}


def _case(suite: ElementTree.Element, report: Report, result: Result) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=clean(report.file), name=result.check.name)
    if result.status == LEFT_OUT:
        ElementTree.SubElement(case, "skipped", message="not built, and need not be")
    elif result.status == FAILED:
        here = [found for found in report.faults if found.check == result.check.name]
        failure = ElementTree.SubElement(case, "failure", message="; ".join(map(title, here)))
        failure.text = _printable("\n".join(line for found in here for line in ("", *picture(report, found))))
    elif result.status != PASSED:
        notes = f": {', '.join(result.notes)}" if result.notes else ""
        ElementTree.SubElement(case, "failure", message=f"{result.status}{notes}")


def _printable(text: str) -> str:
    return "\n".join(clean(line) if not line.isprintable() else line for line in text.split("\n"))
