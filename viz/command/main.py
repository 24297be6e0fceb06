"""The command `autograd-mini`: explains, draws, plays and plots an expression, asks exercises, and grades engines."""

from __future__ import annotations

import argparse
import errno
import io
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from autograd_mini import AutogradError

from ..expression import CONSTANTS, FUNCTIONS, ExpressionError
from ..grading import command as grading
from ..text import PLAINLY
from . import answers, draw, explain, play, plot, practise, worksheet
from .asked import CommandError

MISTAKE = 2  # exit status of a mistake in the command or in what it was given
INTERRUPTED = 130  # as shells report SIGINT
PIPE_CLOSED = 141  # as shells report SIGPIPE

EXPRESSED = {
    "explain": explain,
    "draw": draw,
    "play": play,
    "plot": plot,
    "worksheet": worksheet,
}  # what takes an expression
TASKS = {**EXPRESSED, "practise": practise, "answers": answers, "grade": grading}
# No expression looks like one of these: a dot stands before a digit there. --x is taken for an option, -- --x is not.
OPTION = re.compile(r"-|-[oh]|--[a-z].*|-o.*\.[A-Za-z]+", re.DOTALL)
EXAMPLES = """\
examples:
  autograd-mini explain "tanh(w1*x1 + w2*x2 + b)" w1=-3 x1=2 w2=1 x2=0 b=6.881373587019543
  autograd-mini draw "x**2 * sin(x)" x=1.5 -o graph.png
  autograd-mini play "(w*x - y)**2" w=0.5 x=2 y=3 -o page.html
  autograd-mini plot "x**2 * sin(x)" x=1.5 -o curve.png
  autograd-mini practise --level 3
  autograd-mini worksheet --level 3 --seed 12 -o sheet.pdf
  autograd-mini answers codes.txt
  autograd-mini grade my_engine.py
`autograd-mini TASK --help` lists the options of a task, with more examples.
"""
LANGUAGE = f"""\
expressions:
  numbers, the names given as name=value, {", ".join(CONSTANTS)}, ( ), + - * / // % ** with Python's
  precedences, and these functions:
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0, 1 for a poor grade, 2 and a message for a mistake."""
    try:
        status = _run(sys.argv[1:] if argv is None else argv)
        _flush()
    except BrokenPipeError:  # whoever read our output has seen enough
        _drop_output()
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except (AutogradError, OSError) as error:
        print(f"autograd-mini: error: {_message(error)}", file=sys.stderr)
        try:
            _flush()
        except (
            OSError
        ):  # a closed stdout, or a full disk: Python would try again on its way out, and end with a status of its own
            _drop_output()
        return MISTAKE
    return status


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    command = _Parser(
        "autograd-mini",
        description="See how gradients flow back through an expression.",
        epilog=f"{EXAMPLES}\n{LANGUAGE}{_columns(sorted(FUNCTIONS))}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--version", action=_Version, nargs=0, help="print the installed version")
    tasks = command.add_subparsers(dest="task", required=True, metavar=" | ".join(TASKS), parser_class=_Parser)
    for name, task in TASKS.items():
        task.add_options(
            tasks.add_parser(name, help=task.DOES, description=f"{task.DOES.capitalize()}.", epilog=task.EXAMPLES,
                             formatter_class=argparse.RawDescriptionHelpFormatter)
        )  # fmt: skip
    return command


class _Version(argparse.Action):
    """Prints the version that is installed; a clone that is not has none."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib import metadata  # it takes longer to load than all of the engine

        try:
            version = metadata.version("autograd-mini")
        except metadata.PackageNotFoundError:
            version = "not installed: pip install -e . in the clone"
        print(f"autograd-mini {version}")
        parser.exit()


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(MISTAKE, f"autograd-mini: error: {_printable(message)} (see {self.prog} --help)\n")


def _run(argv: Sequence[str]) -> int:
    """Parse a command line and do what it says; name=value may stand on either side of an option."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=PLAINLY)  # what the terminal cannot spell
    shielded = _shielded(argv) if argv and argv[0] in EXPRESSED else argv
    arguments, rest = parser().parse_known_args(shielded)
    if rest and (arguments.task not in EXPRESSED or any(word.startswith("-") for word in rest)):
        raise CommandError(f"unrecognized arguments: {' '.join(rest)} (see autograd-mini {arguments.task} --help)")
    if rest:
        arguments.values = [*arguments.values, *rest]
    status: int = arguments.run(arguments)
    return status


def _shielded(argv: Sequence[str]) -> list[str]:
    """Return argv with a space before what starts with a sign and is no option: an expression, or a range."""
    shielded: list[str] = []
    for word in argv:
        if word == "--":
            return [*shielded, *argv[len(shielded) :]]
        sign = word.startswith("-") and not OPTION.fullmatch(word)
        named = shielded[-1:] in (["-o"], ["--output"])  # a file of that name
        shielded.append(f" {word}" if sign and not named else word)
    return shielded


def _message(error: Exception) -> str:
    if isinstance(error, ExpressionError):
        return error.pointed
    if isinstance(error, OSError) and error.strerror:
        return error.strerror + (f": {error.filename!a}" if error.filename else "")
    return _printable(str(error))


def _printable(text: str) -> str:
    """Return text on one line, with escapes for what a terminal would obey."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _flush() -> None:
    """Let what was printed arrive, or say why it does not."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "stdout is closed")
    sys.stdout.flush()


def _drop_output() -> None:
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _columns(words: list[str], width: int = 96) -> str:
    """Return the words in lines."""
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] += f"  {word}"
    return "\n".join(f"  {line}" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
