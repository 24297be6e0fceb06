"""The task `autograd-mini play`: a page in which both passes of an expression are walked through."""

from __future__ import annotations

import argparse

from autograd_mini.sweep import order

from ..stepping.player_page import WHOLE, WRITERS, player
from .asked import CommandError, add_expression, add_open, recorded, say_written, show, suffix_of
from .draw import add_engine

DOES = "make a page in which both passes are walked through and inputs are moved"
EXAMPLES = """\
examples:
  autograd-mini play "tanh(w1*x1 + w2*x2 + b)" w1=-3 x1=2 w2=1 x2=0 b=6.881373587019543 -o neuron.html
  autograd-mini play "(w*x - y)**2" w=0.5 x=2 y=3 --open
  autograd-mini play --open
  autograd-mini play "(w*x - y)**2" w=0.5 x=2 y=3 -o both_passes.gif
"""
NEURON = "tanh(w1*x1 + w2*x2 + b)"  # what is played where nothing is asked for, with these values
VALUES = ["w1=-3", "x1=2", "w2=1", "x2=0", "b=6.881373587019543"]
PLAYABLE = 100_000  # nodes of a graph whose page a browser still opens


def add_options(task: argparse.ArgumentParser) -> None:
    """Add what `play` takes."""
    add_expression(task, NEURON)
    kinds = ".html a page, .svg or .gif an animation"
    default = "player.html"
    task.add_argument(
        "-o", "--output", metavar="FILE", default=default,
        help=f"write there, as the suffix says: {kinds} (default: {default})",
    )  # fmt: skip
    add_engine(task)
    add_open(task)
    task.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the player of an expression."""
    suffix = suffix_of(arguments.output, WRITERS)
    if arguments.expression == NEURON and not arguments.values:
        arguments.values = VALUES
    root, _ = recorded(arguments)
    count = len(order(root))
    if count > PLAYABLE:
        raise CommandError(f"a graph of {count:,} nodes is too large to play, more than {PLAYABLE:,}: draw it instead")
    made = player(root, names={}, engine=arguments.engine)
    made.save(arguments.output)
    kind = "an animation" if suffix in (".svg", ".gif") else "a page for the browser"
    steps = f"{len(made.frames.steps):,} steps" if count <= WHOLE else f"{count:,} nodes"
    say_written(arguments.output, f"{kind}, {steps}")
    if arguments.open:
        show(arguments.output)
    return 0
