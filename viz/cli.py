"""The command `autograd-mini`: explains and draws the backward pass of an expression, and grades engines."""

from __future__ import annotations

import argparse
import importlib.metadata
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from autograd_mini import AutogradError, Node
from autograd_mini.explain import explain

from .drawing import DIRECTIONS, WRITERS, draw
from .expression import CONSTANTS, FUNCTIONS, LENGTH, ExpressionError, read_values, record_expression
from .grading import command as grading
from .render import ENGINES

MISTAKE = 2  # exit status of a mistake in the command or in what it was given
INTERRUPTED = 130  # as shells report SIGINT
PIPE_CLOSED = 141  # as shells report SIGPIPE

EXAMPLES = """\
examples:
  autograd-mini explain "tanh(w1*x1 + w2*x2 + b)" w1=-3 x1=2 w2=1 x2=0 b=6.881373587019543 -o neuron.svg
  autograd-mini draw "x**2 * sin(x)" x=1.5 -o graph.png
  echo "log(1 + exp(-x))" | autograd-mini explain - x=0.5
  autograd-mini grade my_engine.py
"""

LANGUAGE = f"""\
expressions:
  numbers, the names given as name=value, {", ".join(CONSTANTS)}, ( ), + - * / // % ** with Python's
  precedences, and these functions:
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0, 1 for a poor grade, 2 and a message for a mistake."""
    try:
        arguments = parser().parse_args(_shielded(sys.argv[1:] if argv is None else list(argv)))
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output has seen enough
        _drop_output()
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except (AutogradError, OSError) as error:
        print(f"autograd-mini: error: {_message(error)}", file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:  # a full disk: Python would try again on its way out, and end with a status of its own
            _drop_output()
        return MISTAKE
    return status


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    command = _Parser(
        "autograd-mini",
        description="See how gradients flow back through an expression.",
        epilog=f"{EXAMPLES}\n{LANGUAGE}{_columns(sorted(FUNCTIONS))}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "--version", action="version", version=f"autograd-mini {importlib.metadata.version('autograd-mini')}"
    )
    tasks = command.add_subparsers(dest="task", required=True, metavar="explain | draw | grade", parser_class=_Parser)
    for task, does in (("explain", "print the backward pass step by step"), ("draw", "write the graph to a file")):
        _add_task(tasks.add_parser(task, help=does, description=f"{does.capitalize()}.", epilog=EXAMPLES,
                                   formatter_class=argparse.RawDescriptionHelpFormatter), task)  # fmt: skip
    grading.add_options(
        tasks.add_parser("grade", help=grading.DOES, description=f"{grading.DOES.capitalize()}.",
                         epilog=grading.EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    )  # fmt: skip
    return command


def _add_task(task: argparse.ArgumentParser, name: str) -> None:
    task.add_argument("expression", help="such as 'tanh(w*x + b)'; - reads it from stdin")
    task.add_argument("values", nargs="*", metavar="name=value", help="the value of each name in the expression")
    task.add_argument("-o", "--output", metavar="FILE", required=name == "draw",
                      help=f"write the graph there, as the suffix says: {', '.join(WRITERS)}")  # fmt: skip
    task.add_argument(
        "--direction", choices=DIRECTIONS, default="LR", help="where the graph leads (default: %(default)s)"
    )
    task.add_argument("--engine", choices=ENGINES, default="auto", help="the layout program (default: %(default)s)")
    task.set_defaults(run=_run)


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(MISTAKE, f"autograd-mini: error: {message} (see {self.prog} --help)\n")


def _shielded(argv: list[str]) -> list[str]:
    """Return argv with a space before an expression that starts with a sign, so that it is not read as an option."""
    if (
        len(argv) > 1
        and argv[1].startswith("-")
        and argv[1] not in ("-", "-h", "--")
        and argv[1][1:2] not in ("o", "-")
    ):
        return [argv[0], " " + argv[1], *argv[2:]]
    return argv


def _run(arguments: argparse.Namespace) -> int:
    root = record_expression(_expression(arguments.expression), read_values(arguments.values))
    if arguments.output is not None:
        root.backward()
        drawing = _draw(root, arguments)
    if arguments.task == "explain":
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        print(explain(root))
    if arguments.output is not None:
        print(f"wrote {arguments.output!a}: {drawing}", file=sys.stderr)
    return 0


def _message(error: Exception) -> str:
    if isinstance(error, ExpressionError):
        return error.pointed
    if isinstance(error, OSError) and error.strerror:
        return error.strerror + (f": {error.filename!a}" if error.filename else "")
    return str(error)


def _draw(root: Node, arguments: argparse.Namespace) -> str:
    """Write the graph and return what made it."""
    drawing = draw(root, direction=arguments.direction, engine=arguments.engine, names={})
    drawing.save(arguments.output)
    return "the graph in DOT" if arguments.output.lower().endswith(".dot") else f"laid out by {drawing.engine}"


def _expression(given: str) -> str:
    """Return the expression, from stdin for `-`, without blanks around it."""
    if given == "-":
        given = sys.stdin.buffer.read(LENGTH + 1).decode(errors="replace")
    return given.strip()


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
