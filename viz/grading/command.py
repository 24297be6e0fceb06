"""The task `autograd-mini grade`: its options, and what it prints."""

from __future__ import annotations

import argparse
import io
import os
import sys
from functools import partial

from .grader import checked, grade
from .report import Report, coloured, plain, spelled, table_of, text_of
from .report_formats import json_of, junit_of

PASSED, NOT_PASSED = 0, 1
FORMS = {"json": json_of, "junit": junit_of}

DOES = "grade engines that learners have written"
EXAMPLES = """\
examples:
  autograd-mini grade my_engine.py
  autograd-mini grade class/*.py --format junit > grades.xml

The exit status is 0 for full marks all round, 1 for less, 2 for a mistake in the command.
An engine runs in a process of its own with its time and memory limited; do not grade a file that you would not run.
"""


def add_options(task: argparse.ArgumentParser) -> None:
    """Add what `grade` takes."""
    task.add_argument("files", nargs="+", metavar="FILE", help="a Python file with a class Value")
    task.add_argument("--format", choices=("text", *FORMS), default="text", help="how to report (default: %(default)s)")
    seconds = "for one graph; 4 times that for the import, 12 times for all (default: %(default)g)"
    task.add_argument("--seconds", type=float, default=5.0, metavar="S", help=seconds)
    task.add_argument(
        "--memory", type=int, default=1024, metavar="MiB", help="for the engine's process (default: %(default)s)"
    )
    task.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Grade the files, print the reports, and return the exit status."""
    for file in arguments.files:  # a mistake in the last name should not cost the time of all the others
        checked(file, arguments.seconds, arguments.memory)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    one = partial(grade, seconds=arguments.seconds, memory=arguments.memory)
    reports = _spoken(map(one, arguments.files)) if arguments.format == "text" else list(map(one, arguments.files))
    if arguments.format in FORMS:
        print(FORMS[arguments.format](reports))
    return PASSED if all(report.is_full for report in reports) else NOT_PASSED


def _spoken(reports: map[Report]) -> list[Report]:
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
