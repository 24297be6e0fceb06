"""The task `autograd-mini plot`: an expression as one or two of its names vary."""

from __future__ import annotations

import argparse
import io
from typing import Any

from autograd_mini import Node, Value
from autograd_mini.errors import extra
from autograd_mini.files import write_whole

from ..expression import read_range
from ..plots.contours import contours
from ..plots.curves import Range, curve
from .asked import CommandError, add_expression, add_output, leaf, recorded, say_written, show, suffix_of

DOES = "plot a curve with its tangent and its derivative, or contours with the gradient"
EXAMPLES = """\
examples:
  autograd-mini plot "x**2 * sin(x)" x=1.5 --range -2*pi:2*pi -o curve.png
  autograd-mini plot "(1 - x)**2 + 5*(y - x**2)**2" x=-1.5 y=2 --wrt x --wrt y --descend 100 --rate 0.01 -o descent.svg

It needs matplotlib: pip install "autograd-mini[plot]"
"""
METADATA: dict[str, dict[str, None]] = {  # without dates: the same command gives the same bytes
    ".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None},
}  # fmt: skip


def add_options(task: argparse.ArgumentParser) -> None:
    """Add what `plot` takes."""
    add_expression(task)
    varied = "the name that varies, the first by default; given twice, contours over both"
    task.add_argument("--wrt", metavar="NAME", action="append", help=varied)
    ends = "its range, for each --wrt in turn or once for both, such as -pi:pi (default: around the value)"
    task.add_argument("--range", metavar="LOW:HIGH", action="append", default=[], help=ends)
    task.add_argument("--descend", type=int, default=0, metavar="N", help="steps of gradient descent over the contours")
    task.add_argument("--rate", type=float, default=0.1, metavar="R", help="of the descent (default: %(default)s)")
    add_output(task, "plot.png", METADATA)
    task.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the plot of an expression."""
    suffix_of(arguments.output, METADATA)
    root, leaves = recorded(arguments)
    varied = _varied(arguments, leaves)
    ranges = _ranges(arguments.range, len(varied), leaves)
    write_whole(arguments.output, _content(root, varied, ranges, arguments))
    over = " and ".join(name.label for name in varied)
    say_written(arguments.output, f"{'contours' if len(varied) > 1 else 'a curve'} over {over}")
    if arguments.open:
        show(arguments.output)
    return 0


def _varied(arguments: argparse.Namespace, leaves: dict[str, Value]) -> list[Value]:
    """Return the one or two leaves that vary."""
    if not leaves:
        raise CommandError("there is no name that could vary: write x into the expression, and x=1 behind it")
    varied = [leaf(name, leaves) for name in arguments.wrt or [next(iter(leaves))]]
    if len(varied) > 2 or len(set(varied)) < len(varied):
        raise CommandError("--wrt takes one name for a curve, or two different ones for contours")
    if arguments.descend and len(varied) < 2:
        raise CommandError("--descend goes over contours: give two --wrt")
    return varied


def _ranges(given: list[str], count: int, leaves: dict[str, Value]) -> list[Range] | None:
    """Return a range for each of `count` leaves, or None where none is given."""
    if len(given) > count:
        raise CommandError(f"--range is given {len(given)} times, and --wrt {count}: one for each, or one for all")
    ranges = [read_range(text.strip(), leaves) for text in given]
    return (ranges * count)[:count] or None


def _content(root: Node, varied: list[Value], ranges: list[Range] | None, arguments: argparse.Namespace) -> bytes:
    """Return a figure as bytes; no window is opened."""
    figure = extra("matplotlib.figure", "matplotlib", "plot").Figure(figsize=(6.4, 5.6), layout="constrained")
    if len(varied) == 1:
        axes = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        curve(root, varied[0], ranges[0] if ranges else None, axes=axes)
    else:
        x, y = varied
        contours(root, x, y, ranges, steps=arguments.descend, rate=arguments.rate, ax=figure.subplots())
    return _printed(figure, suffix_of(arguments.output, METADATA))


def _printed(figure: Any, suffix: str) -> bytes:
    content = io.BytesIO()
    with extra("matplotlib", "matplotlib", "plot").rc_context({"svg.hashsalt": "autograd-mini"}):
        figure.savefig(content, format=suffix[1:], dpi=144, metadata=METADATA[suffix])
    return content.getvalue()
