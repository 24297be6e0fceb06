"""The task `autograd-mini explain`: the backward pass in words, in every format that an explanation has."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from autograd_mini.files import write_whole
from autograd_mini.text.explanation import Explanation, explain

from ..graph.draw import WRITERS
from .asked import CommandError, add_expression, leaf, recorded, say_written, suffix_of
from .draw import add_layout, drawn, save
from .walk import step

DOES = "print the backward pass step by step"
EXAMPLES = """\
examples:
  autograd-mini explain "tanh(w1*x1 + w2*x2 + b)" w1=-3 x1=2 w2=1 x2=0 b=6.881373587019543 -o neuron.svg
  autograd-mini explain "x*x*y + x" x=3 y=2 --wrt x
  autograd-mini explain "x*x" x=3 --format json
  echo "log(1 + exp(-x))" | autograd-mini explain - x=0.5
"""
FORMATS: dict[str, Callable[[Explanation], str]] = {
    "text": str,
    "latex": lambda told: told.latex,
    "markdown": lambda told: told.markdown,
    "html": lambda told: told.html,
    "json": lambda told: told.json,
}
FORMAT_OF = {".html": "html", ".htm": "html", ".tex": "latex", ".md": "markdown", ".json": "json"}


def add_options(task: argparse.ArgumentParser) -> None:
    """Add what `explain` takes."""
    add_expression(task)
    task.add_argument("--wrt", metavar="NAME", help="every path from this name to the result, and their sum")
    task.add_argument("--format", choices=FORMATS, help="how to print it (default: text)")
    kinds = f"the graph ({', '.join(WRITERS)}) or the explanation ({', '.join(FORMAT_OF)})"
    task.add_argument("-o", "--output", metavar="FILE", help=f"write there, as the suffix says, {kinds}")
    task.add_argument("--step", action="store_true", help="walk through both passes in the terminal, a step a key")
    add_layout(task)
    task.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Explain an expression: on the terminal, in a file, or both."""
    form, output = arguments.format, arguments.output
    suffix = "" if output is None else suffix_of(output, {**WRITERS, **FORMAT_OF})
    if arguments.step and (arguments.wrt or form or suffix):
        raise CommandError("--step walks through all steps on the screen: leave out --wrt, --format and -o")
    root, leaves = recorded(arguments)
    if arguments.step:
        step(root, names={})
        return 0
    told = explain(root, wrt=None if arguments.wrt is None else leaf(arguments.wrt, leaves))
    if suffix in FORMAT_OF:
        write_whole(output, f"{FORMATS[FORMAT_OF[suffix]](told).rstrip()}\n".encode())
        say_written(output, f"the explanation as {FORMAT_OF[suffix]}, {len(told):,} steps")
    elif suffix:
        save(drawn(root, arguments), output)
    if form or suffix not in FORMAT_OF:
        print(FORMATS[form or "text"](told).rstrip())
    return 0
