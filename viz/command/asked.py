"""What a command line asks for: the record of its expression, and where the answer goes."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from collections.abc import Iterable
from pathlib import Path

from autograd_mini import AutogradError, Node, Value
from autograd_mini.sweep import order

from ..expression import LENGTH, ExpressionError, read_values, record_expression
from ..notation import as_expression


class CommandError(AutogradError, ValueError):
    """Options that do not go together, or that name what is not there."""


def add_expression(task: argparse.ArgumentParser, otherwise: str = "") -> None:
    """Add the expression and its values to a command line; without one it is `otherwise`, where that is given."""
    told = "such as 'tanh(w*x + b)'; - reads it from stdin"
    task.add_argument(
        "expression", metavar="EXPRESSION", nargs="?" if otherwise else None, default=otherwise, help=told
    )
    task.add_argument(
        "values", nargs="*", default=[], metavar="name=value", help="the value of each name in the expression"
    )


def add_output(task: argparse.ArgumentParser, default: str, suffixes: Iterable[str]) -> None:
    """Add the file to write, and whether it is shown at once."""
    told = f"write there, as the suffix says: {', '.join(suffixes)} (default: %(default)s)"
    task.add_argument("-o", "--output", metavar="FILE", default=default, help=told)
    add_open(task)


def add_open(task: argparse.ArgumentParser) -> None:
    """Add whether the file is shown at once."""
    task.add_argument("--open", action="store_true", help="and show it in the browser")


def recorded(arguments: argparse.Namespace) -> tuple[Node, dict[str, Value]]:
    """Return the root of the expression's graph, and the leaves by name."""
    return recorded_from(expression_text(arguments.expression), arguments)


def recorded_from(text: str, arguments: argparse.Namespace) -> tuple[Node, dict[str, Value]]:
    """Return the root of a text's graph, and the leaves by name; say which of them it does not use."""
    leaves = {name: Value(data, label=name) for name, data in read_values(arguments.values).items()}
    root = record_expression(text, leaves)
    used = set(order(root))
    told = getattr(arguments, "wrt", None)  # an error of its own says so of that one
    for name in (name for name, leaf in leaves.items() if leaf not in used and name != told):
        print(f"autograd-mini: note: the expression does not use {name}", file=sys.stderr)
    return root, leaves


def leaf(name: str, leaves: dict[str, Value]) -> Value:
    """Return the leaf that --wrt names; CommandError where no value has that name."""
    if name not in leaves:
        known = f"one of {', '.join(leaves)}" if leaves else "and none has"
        raise CommandError(f"--wrt takes a name that has a value, {known}: got {name[:40]!a}")
    return leaves[name]


def suffix_of(output: str, known: Iterable[str]) -> str:
    """Return the suffix of a file to write, in small letters; CommandError for one that says nothing."""
    suffix = Path(output).suffix.lower()
    if suffix not in known:
        raise CommandError(f"cannot write {output!a}: the suffix says how, one of {', '.join(known)}")
    return suffix


def say_written(output: str, what: str) -> None:
    """Say on stderr which file was written."""
    print(f"wrote {output!a}: {what}", file=sys.stderr)


def show(output: str) -> None:
    """Open a file in the browser; CommandError where there is none."""
    if not webbrowser.open(Path(output).absolute().as_uri()):
        raise CommandError(f"no browser could be started: open {output!a} yourself")


def expression_text(given: str) -> str:
    """Return the expression, from stdin for `-`, and say how school notation in it is read."""
    text = _typed(given)
    legible = all(c.isprintable() or c.isspace() for c in text)
    read = as_expression(text) if legible else text
    if read != text:
        print(f"autograd-mini: read as: {' '.join(read.split())}", file=sys.stderr)
    return read


def _typed(given: str) -> str:
    """Return the expression as it was given, without blanks around it."""
    if given != "-":
        return given.strip()
    if sys.stdin is None:
        raise ExpressionError("the expression is to come from stdin, which is closed")
    return sys.stdin.buffer.read(LENGTH + 1).decode("utf-8-sig", "replace").strip()
