"""Times the drawing of graphs: `python benchmarks/drawing.py [ROUNDS] [--write docs/benchmarks.md]`.

A graph of 1,000 nodes drawn unfolded, against the layout program alone on the same DOT; networks drawn folded.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from clock import LIMIT, compare, machine, row, show
from page import keep

import viz
from autograd_mini import Node, ops
from autograd_mini.sweep import order
from nn import MLP, Dense
from nn.losses import cross_entropy
from viz.graph.dot import square
from viz.graph.layout_programs import find, run


def scalar_loss(net: MLP, samples: int) -> Node:
    """Return the squared error of a scalar network over some samples, swept."""
    loss = ops.add_n(*((net([0.5, float(i)]) - 1.0) ** 2.0 for i in range(samples)))
    loss.backward()
    return loss


def image_loss() -> Node:
    """Return the cross-entropy of a 784-128-64-10 network on arrays over 32 images, swept."""
    rng = np.random.default_rng(0)
    net = MLP(784, [128, 64, 10], layer=Dense, rng=0)
    loss = cross_entropy(net(rng.normal(size=(32, 784))), np.arange(32) % 10)
    loss.backward()
    return loss


def main(rounds: int) -> list[str]:
    """Return a line of the table for each drawing."""
    unfolded = scalar_loss(MLP(2, [15, 15, 1], "tanh", rng=0), 2)
    dot = square(viz.draw(unfolded, fold=None, limit=None).source)
    program = find("bundled")[0]
    lines = [
        "| drawing | time | peers: time (times ours) | limit: time (ours is so many times that) |",
        "|---|---|---|---|",
    ]
    layout = {
        "autograd_mini": lambda: viz.draw(unfolded, fold=None, limit=None).svg,
        "the layout program's own SVG of the same DOT": lambda: run(program, dot, ["-Tsvg"]),
        f"{LIMIT}the places from the layout program": lambda: run(program, dot, ["-Tjson"]),
    }
    lines.append(row(f"{len(order(unfolded)):,} nodes unfolded", compare(layout, rounds)))
    net = MLP(2, [16, 16, 1], "tanh", rng=0)
    loss, images = scalar_loss(net, 2), image_loss()
    drawings: dict[str, Callable[[], object]] = {
        "784-128-64-10 on arrays, folded": lambda: viz.draw(images, depth=1).svg,
        f"2-16-16-1 on scalars ({len(order(loss)):,} nodes), folded": lambda: viz.draw(loss, model=net).svg,
        "the same, one neuron opened": lambda: viz.draw(loss, model=net, unfold="layer 2/neuron 3").svg,
        "the same, without a layout program": lambda: viz.draw(loss, model=net, engine="python").svg,
    }
    return lines + [f"| {name} | {show(seconds)} | | |" for name, seconds in compare(drawings, rounds).items()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    parser.add_argument("--write", type=Path, help="a page with the marks <!-- drawing --> and <!-- /drawing -->")
    given = parser.parse_args()
    table = [*main(given.rounds), "", f"{machine()}; medians of {given.rounds}, in turn."]
    print("\n".join(table))
    if given.write:
        keep(given.write, "drawing", table)
