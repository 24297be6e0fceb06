"""A network's two passes as a film without scripts, neuron by neuron: python film.py film.svg, or film.gif."""

from __future__ import annotations

import sys

import nn
import viz
from autograd_mini import Value


def film() -> viz.Player:
    """Return the film of one sample through a network of two hidden layers, and of its gradients on the way back."""
    net = nn.MLP(2, [4, 3, 1], "tanh", rng=0)
    output = net([Value(0.5, label="x1"), Value(-1.0, label="x2")])
    return viz.player((output - 1.0) ** 2.0, model=net, names={})


if __name__ == "__main__":
    print(film().save(sys.argv[1] if len(sys.argv) > 1 else "film.svg"))
