"""The task `autograd-mini worksheet`: a sheet of exercises to print or to hand out, or thirty of them."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..expression import read_values
from ..practice import LEVELS
from ..practice.sheets import WRITERS, Worksheet, formula_sheet, worksheet
from .asked import CommandError, add_output, expression_text, recorded_from, say_written, show, suffix_of
from .practise import whole

DOES = "write sheets of exercises, with solutions or without"
EXAMPLES = """\
examples:
  autograd-mini worksheet --level 3 --seed 12 --questions 8 -o sheet.pdf
  autograd-mini worksheet --level 3 --seed 12 --solutions -o solutions.pdf
  autograd-mini worksheet --level 5 --variants 30 -o class.pdf
  autograd-mini worksheet "(w*x + b - y)**2" w=0.5 x=2 b=1 y=3 -o formula.pdf

A level and a seed give the same sheet each time; variants have the seeds that follow.
"""
MOST = 500  # questions on a sheet, and sheets of one command


def add_options(task: argparse.ArgumentParser) -> None:
    """Add what `worksheet` takes."""
    told = "a formula of your own, its values behind it; - reads it from stdin (default: questions of a level)"
    task.add_argument("expression", metavar="EXPRESSION", nargs="?", help=told)
    task.add_argument("values", nargs="*", default=[], metavar="name=value", help="the value of each name in it")
    levels = ", ".join(f"{n} {level.title}" for n, level in LEVELS.items())
    task.add_argument("--level", type=int, choices=LEVELS, metavar="N", help=f"of the questions: {levels}")
    task.add_argument("--seed", type=whole, default=0, metavar="S", help="which questions (default: %(default)s)")
    task.add_argument("--questions", type=whole, metavar="N", help="how many (default: 8, of a formula 1)")
    task.add_argument("--solutions", action="store_true", help="add the answers, on a page of their own")
    task.add_argument("--variants", type=whole, default=1, metavar="N", help="how many sheets (default: %(default)s)")
    add_output(task, "sheet.html", WRITERS)
    task.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write one sheet, or one for each variant."""
    suffix_of(arguments.output, WRITERS)
    for name in ("questions", "variants"):
        count = getattr(arguments, name)
        if count is not None and not 1 <= count <= MOST:
            raise CommandError(f"--{name} takes a number from 1 to {MOST}, got {count}")
    if arguments.expression is not None and arguments.level is not None:
        raise CommandError("a sheet is made of a formula or of a level: leave one out")
    text = None if arguments.expression is None else expression_text(arguments.expression)
    if text is not None:
        recorded_from(text, arguments)  # for its errors, and its note of names that are not used
    outputs = _outputs(Path(arguments.output), arguments.variants)
    for i, output in enumerate(outputs):
        sheet = _sheet(arguments, text, arguments.seed + i)
        sheet.save(output)
        asked, found = arguments.questions or 1, len(sheet.questions)
        fewer = f", {found} of {asked} questions: there are no more that differ" * (found < asked)
        say_written(output, sheet.title + ", with solutions" * sheet.solutions + fewer)
    if arguments.open:
        show(outputs[0])
    return 0


def _sheet(arguments: argparse.Namespace, text: str | None, seed: int) -> Worksheet:
    count = arguments.questions
    if text is None:
        return worksheet(arguments.level or 1, seed, count or 8, arguments.solutions)
    return formula_sheet(text, read_values(arguments.values), seed, count or 1, arguments.solutions)


def _outputs(output: Path, variants: int) -> list[str]:
    """Return the file of each variant: sheet.pdf, or sheet-01.pdf and on."""
    if variants == 1:
        return [str(output)]
    digits = len(str(max(variants, 10)))
    return [str(output.with_name(f"{output.stem}-{i:0{digits}}{output.suffix}")) for i in range(1, variants + 1)]
