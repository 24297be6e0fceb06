"""The task `autograd-mini grade`: its options, and what it prints."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from autograd_mini.files import write_whole

from .class_report import csv_of, write_pages
from .grader import grade_all
from .keeper import UNHELD
from .report import Report, coloured, plain, spelled, table_of, text_of
from .report_formats import json_of, junit_of

PASSED, NOT_PASSED = 0, 1
FORMATS = {"json": json_of, "junit": junit_of}

DOES = "grade engines that learners have written"
EXAMPLES = """\
examples:
  autograd-mini grade my_engine.py
  autograd-mini grade class/*.py --csv marks.csv --html report
  autograd-mini grade class/*.py --format junit > grades.xml

The exit status is 0 for full marks all round, 1 for less, 2 for a mistake in the command.
An engine runs in a process of its own with its time and memory limited; do not grade a file that you would not run.
"""


def add_options(task: argparse.ArgumentParser) -> None:
    """Add what `grade` takes."""
    task.add_argument("files", nargs="+", metavar="FILE", help="a Python file with a class Value")
    formats = ("text", *FORMATS)
    task.add_argument("--format", choices=formats, default="text", help="how to report (default: %(default)s)")
    seconds = "for one graph; 4 times that for the import, 12 times for all (default: %(default)g)"
    task.add_argument("--seconds", type=float, default=5.0, metavar="S", help=seconds)
    task.add_argument(
        "--memory", type=int, default=1024, metavar="MiB", help="for the engine's process (default: %(default)s)"
    )
    task.add_argument("--csv", metavar="FILE", type=Path, help="write the marks as a table for a spreadsheet")
    task.add_argument("--html", metavar="FOLDER", type=Path, help="write a page for the teacher, one for each engine")
    task.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Grade the files, print the reports, and return the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if sys.platform in UNHELD:
        print(f"note: {UNHELD[sys.platform]}", file=sys.stderr)
    graded = grade_all(arguments.files, arguments.seconds, arguments.memory)
    reports = _spoken(graded) if arguments.format == "text" else list(graded)
    if arguments.format in FORMATS:
        print(FORMATS[arguments.format](reports))
    if arguments.csv:
        write_whole(arguments.csv, csv_of(reports).encode())
    if arguments.html:
        print(f"wrote {str(write_pages(reports, arguments.html))!r}", file=sys.stderr)
    return PASSED if all(report.is_full for report in reports) else NOT_PASSED


def _spoken(reports: Iterable[Report]) -> list[Report]:
    """Print each report as soon as it is there, and after several a line for each; return them."""
    paint = coloured if sys.stdout.isatty() and "NO_COLOR" not in os.environ else plain
    told: list[Report] = []
    for report in reports:
        _print(("\n\n" if told else "") + text_of(report, paint))
        told.append(report)
    if len(told) > 1:
        _print(f"\n\n{table_of(told)}")
    return told


def _print(text: str) -> None:
    print(spelled(text, getattr(sys.stdout, "encoding", None) or "ascii"), flush=True)
