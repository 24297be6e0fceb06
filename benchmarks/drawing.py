"""Times the drawing of graphs: python benchmarks/drawing.py [ROUNDS].

A graph of 1,000 nodes drawn unfolded, against the layout program alone on the same DOT; networks drawn folded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from clock import compare, machine, show

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


def main(rounds: int) -> None:
    """Print a line for each drawing."""
    print(machine())
    unfolded = scalar_loss(MLP(2, [15, 15, 1], "tanh", rng=0), 2)
    dot = square(viz.draw(unfolded, fold=None, limit=None).source)
    program = find("bundled")[0]
    times = compare(
        {
            "drawn": lambda: viz.draw(unfolded, fold=None, limit=None).svg,
            "layout program, -Tjson": lambda: run(program, dot, ["-Tjson"]),
            "layout program, -Tsvg": lambda: run(program, dot, ["-Tsvg"]),
        },
        rounds,
    )
    print(f"{len(order(unfolded)):,} nodes unfolded:", *(f"{name} {show(t)};" for name, t in times.items()))
    print(*(f"{times['drawn'] / t:.2f} times the {name}" for name, t in times.items() if name != "drawn"), sep=", ")

    net = MLP(2, [16, 16, 1], "tanh", rng=0)
    loss, images = scalar_loss(net, 2), image_loss()
    drawings: dict[str, Callable[[], object]] = {
        "784-128-64-10 on arrays, folded": lambda: viz.draw(images, depth=1).svg,
        f"2-16-16-1 on scalars ({len(order(loss)):,} nodes), folded": lambda: viz.draw(loss, model=net).svg,
        "the same, one neuron opened": lambda: viz.draw(loss, model=net, unfold="layer 2/neuron 3").svg,
        "the same, without a layout program": lambda: viz.draw(loss, model=net, engine="python").svg,
    }
    for name, seconds in compare(drawings, rounds).items():
        print(f"{name}: {show(seconds)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
