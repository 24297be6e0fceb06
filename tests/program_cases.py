"""Random records, and what the engine says of them: what the tests of programs share."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
from table_cases import ROWS

import autograd_mini
from autograd_mini import Value, ops
from autograd_mini.op import Elementwise

HOSTILE = [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -2.5, 1e-300, 30.0, -700.0, 1e308, -1e308, math.inf, -math.inf, math.nan]
SCALAR_ROWS = [row for row in ROWS if isinstance(row, Elementwise)]


def same(a: Any, b: Any) -> bool:
    """Whether two results are equal bit for bit, but for the signs of zeros and the payloads of NaNs."""
    return np.shape(a) == np.shape(b) and np.array_equal(a, b, equal_nan=True)


def equal(got: Any, expected: Any) -> bool:
    """Whether a value and its gradients are the `same`."""
    return same(got[0], expected[0]) and all(map(same, got[1], expected[1]))


def random_record(seed: int, size: int = 12, hostile: bool = False) -> tuple[Any, list[Any]]:
    """Return a root and its leaves: rows of the table on random nodes and constants, nodes used more than once."""
    rng = random.Random(seed)
    draw = (lambda: rng.choice(HOSTILE)) if hostile else (lambda: rng.uniform(-2.0, 2.0))
    leaves = [Value(draw(), label=f"x{i}") for i in range(3)]
    nodes: list[Any] = list(leaves)
    for _ in range(size):
        row = rng.choice([*SCALAR_ROWS, ops.add_n])
        arity = len(row.params) if row is not ops.add_n else rng.randint(1, 4)
        args = [rng.choice(nodes) if rng.random() < 0.8 else draw() for _ in range(arity)]
        args[rng.randrange(arity)] = nodes[-1]
        nodes.append(row(*args))
    return ops.add_n(*nodes[-4:]), leaves


def engine(root: Any, leaves: list[Any], seed: Any = 1.0) -> tuple[Any, tuple[Any, ...]]:
    """Return the value of a root and the gradients of its leaves, by a sweep."""
    autograd_mini.zero_grad(*leaves)
    root.backward(seed)
    return root.data, tuple(x.grad for x in leaves)


def replay(root: Any, leaves: list[Any]) -> Any:
    """Record the graph of a root again from the leaves' present data."""
    new = {x: x for x in leaves}
    for n in autograd_mini.sweep.order(root)[::-1]:
        if n.op is not None:
            new[n] = n.op(*[new.get(a, a) if isinstance(a, Value) else a for a in n.args])
    return new[root]
