"""The task `autograd-mini draw`: the graph of an expression in a file or on the terminal."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from autograd_mini import Node
from autograd_mini.sweep import order

from ..graph.draw import KNOWN, WRITERS, Drawing, draw
from ..graph.folding import LIMIT
from .asked import CommandError, add_expression, leaf, recorded, say_written, suffix_of

DOES = "draw the graph"
EXAMPLES = """\
examples:
  autograd-mini draw "x**2 * sin(x)" x=1.5
  autograd-mini draw "x**2 * sin(x)" x=1.5 -o graph.svg --colour grad --legend
  autograd-mini draw "x*x*y + x" x=3 y=2 --wrt y --format mermaid
"""
LANGUAGES: dict[str, Callable[[Drawing], str]] = {
    "text": lambda drawing: drawing.text,
    "svg": lambda drawing: drawing.svg,
    "dot": lambda drawing: drawing.source,
    "mermaid": lambda drawing: drawing.mermaid,
}
WRITTEN = {".dot": "the graph in DOT", ".gv": "the graph in DOT", ".mmd": "the graph in Mermaid", ".txt": "the graph"}


def add_options(task: argparse.ArgumentParser) -> None:
    """Add what `draw` takes."""
    add_expression(task)
    where = task.add_mutually_exclusive_group()
    kinds = ", ".join(WRITERS)
    where.add_argument("-o", "--output", metavar="FILE", help=f"write there, as the suffix says: {kinds}")
    where.add_argument("--format", choices=LANGUAGES, help="print it (without -o; default: text)")
    add_layout(task)
    task.add_argument("--wrt", metavar="NAME", help="keep and mark the paths from this name to the result")
    _add_choice(task, "show", "both", "which pass is drawn")
    _add_choice(task, "colour", "kind", "what colours say", "--color")
    task.add_argument("--legend", action="store_true", help="say below what everything means")
    much = task.add_mutually_exclusive_group()
    much.add_argument("--depth", type=int, metavar="N", help="how many groups inside each other are open")
    much.add_argument("--whole", action="store_true", help="draw every node, however many there are")
    task.add_argument("--unfold", metavar="GROUP", action="append", default=[], help="a group to open, by its name")
    task.add_argument("--limit", type=int, default=LIMIT, metavar="N", help="boxes at most (default: %(default)s)")
    task.set_defaults(run=run)


def add_layout(task: argparse.ArgumentParser) -> None:
    """Add where a graph leads and what lays it out."""
    _add_choice(task, "direction", "LR", "where the graph leads")
    add_engine(task)


def add_engine(task: argparse.ArgumentParser) -> None:
    """Add what lays a graph out."""
    _add_choice(task, "engine", "auto", "the layout program")


def run(arguments: argparse.Namespace) -> int:
    """Draw an expression into a file, or print its picture."""
    if arguments.output is not None:
        suffix_of(arguments.output, WRITERS)
    root, leaves = recorded(arguments)
    path = None if arguments.wrt is None else (leaf(arguments.wrt, leaves), root)
    if path and path[0] not in order(root):
        raise CommandError(f"no path leads from {arguments.wrt!a} to the result: the expression does not use it")
    said = {name: getattr(arguments, name) for name in ("show", "colour", "legend", "depth", "unfold", "limit")}
    whole = {"fold": None, "limit": None} if arguments.whole else {}
    drawing = drawn(root, arguments, path=path, **{**said, **whole})
    if arguments.output is not None:
        save(drawing, arguments.output)
    elif arguments.format is None:
        drawing.print()
    else:
        print(LANGUAGES[arguments.format](drawing).rstrip())
    return 0


def drawn(root: Node, arguments: argparse.Namespace, **more: Any) -> Drawing:
    """Return the drawing of a graph with its gradients."""
    root.backward()
    return draw(root, direction=arguments.direction, engine=arguments.engine, names={}, **more)


def save(drawing: Drawing, output: str) -> None:
    """Write a drawing, and say what made it, and what it leaves out."""
    drawing.save(output)
    made = WRITTEN.get(suffix_of(output, WRITERS)) or f"laid out by {drawing.engine}"
    say_written(output, f"{made}; {drawing.picture.note}" if drawing.picture.note else made)


def _add_choice(task: argparse.ArgumentParser, name: str, default: str, help: str, *spellings: str) -> None:
    task.add_argument(
        f"--{name}", *spellings, choices=KNOWN[name], default=default, help=f"{help} (default: %(default)s)"
    )
