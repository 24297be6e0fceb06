"""The task `autograd-mini answers`: what the codes say that learners hand in after a lesson on the site."""

from __future__ import annotations

import argparse
import codecs
import sys
from pathlib import Path

from autograd_mini.files import write_whole

from ..lessons.handed_in import csv_of, histogram, read, table
from ..text import clean, spelled

DOES = "read the codes that learners hand in after a lesson: who answered what, at which try"
EXAMPLES = """\
examples:
  autograd-mini answers codes.txt
  autograd-mini answers codes.txt --csv tries.csv

The file has a code on each line, as the end of a lesson on the site shows it; a name or a number of yours may stand
before it. A line that cannot be read is named, and the exit status is 1; the others are counted. - stands for the
standard input.
"""
LARGEST = 10_000_000  # bytes of a file of codes
READ, NOT_ALL = 0, 1


def add_options(task: argparse.ArgumentParser) -> None:
    """Add what `answers` takes."""
    task.add_argument("file", metavar="FILE", help="a text file with a code on each line")
    task.add_argument("--csv", metavar="FILE", type=Path, help="write a row for each try, for a spreadsheet")
    task.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table and the histogram, name the lines that cannot be read, and return the exit status."""
    handed, refused = read(_text(arguments.file).splitlines())
    for each in refused:
        print(f"autograd-mini: line {each.line}: {clean(each.why)}", file=sys.stderr)
    lines = f"{len(handed)} code{'s' * (len(handed) != 1)} read"
    said = [lines, table(handed), histogram(handed)] if handed else [lines]
    print(spelled("\n\n".join(said), getattr(sys.stdout, "encoding", None)))
    if arguments.csv:
        write_whole(arguments.csv, csv_of(handed).encode())
    return NOT_ALL if refused or not handed else READ


def _text(name: str) -> str:
    """Return the beginning of a file as text, whatever bytes stand in it; OSError where there is none."""
    if name == "-":
        return _decoded(sys.stdin.buffer.read(LARGEST)) if sys.stdin else ""
    with open(name, "rb") as file:
        return _decoded(file.read(LARGEST))


def _decoded(text: bytes) -> str:
    """Return text as editors write it: UTF-8, or UTF-16 with its mark."""
    marked = text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return text.decode("utf-16" if marked else "utf-8-sig", "replace")
