"""Limits: what no work of its kind goes below on this machine - BLAS, memory, the interpreter - as works to be timed.

Each is measured in turn with the works that it bounds, under a name that begins with LIMIT: `clock.row` puts it into a
column of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from clock import LIMIT

from autograd_mini.products import product

Limit = dict[str, Callable[[], object]]


def empty_calls(n: int) -> Limit:
    """Return the interpreter's: n calls of an empty Python function of two arguments."""

    def nothing(x: float, y: float) -> None:
        return None

    def work() -> None:
        for _ in itertools.repeat(None, n):
            nothing(1.0, 2.0)

    return {f"{LIMIT}{n:,} empty calls": work}


class Bare:
    """The interpreter's for a record of numbers: the fewest slots, no look at anything, one list of all nodes.

    It has what micrograd's network needs; what a user may do wrong with it, it does not notice.
    """

    __slots__ = ("data", "dx", "dy", "grad", "x", "y")
    made: ClassVar[list[Bare]] = []

    def __init__(self, data: float) -> None:
        self.data, self.grad = data, 0.0

    def __mul__(self, other: Any) -> Bare:
        z = _bare()
        if other.__class__ is Bare:
            z.data, z.x, z.y, z.dx, z.dy = self.data * other.data, self, other, other.data, self.data
        else:
            z.data, z.x, z.y, z.dx = self.data * other, self, None, float(other)
        z.grad = 0.0
        made(z)
        return z

    def __add__(self, other: Any) -> Bare:
        z = _bare()
        if other.__class__ is Bare:
            z.data, z.x, z.y, z.dx, z.dy = self.data + other.data, self, other, 1.0, 1.0
        else:
            z.data, z.x, z.y, z.dx = self.data + other, self, None, 1.0
        z.grad = 0.0
        made(z)
        return z

    __rmul__, __radd__ = __mul__, __add__

    def relu(self) -> Bare:
        return self * (1.0 if self.data > 0.0 else 0.0)

    def backward(self) -> None:
        self.grad = 1.0
        for z in reversed(Bare.made):
            g = z.grad
            z.x.grad += g * z.dx
            if z.y is not None:
                z.y.grad += g * z.dy
        Bare.made.clear()


_bare: Callable[[], Any] = partial(object.__new__, Bare)
made = Bare.made.append


def straight_lines(operations: int, calls: int) -> Limit:
    """Return the interpreter's for a program: so many products of two local floats, so many calls of numpy's tanh."""
    lines = ["def work(x=0.3, y=0.7):", *["    z = x * y"] * operations, *["    z = tanh(x)"] * calls]
    names: dict[str, Any] = {"tanh": np.tanh}
    exec("\n".join(lines), names)
    return {f"{LIMIT}{operations:,} products and {calls} tanh of floats": names["work"]}


def products(sizes: Sequence[int], batch: int, dtype: Any, functions: Sequence[np.ufunc] = ()) -> Limit:
    """Return BLAS': the matrix products of a step of a perceptron, forward and backward, into buffers that are ready.

    The functions are applied to each layer's outputs, as the activation.
    """
    layers = [_layer(m, n, batch, dtype) for m, n in itertools.pairwise(sizes)]

    def work() -> None:
        for x, W, z, _, _ in layers:
            product(x, W.T, z)
            for function in functions:
                function(z, out=z)
        for i, (x, W, z, dW, dx) in reversed(list(enumerate(layers))):
            product(z.T, x, dW)
            if i:
                product(z, W, dx)

    with_functions = "".join(f" and {function.__name__}" for function in functions)
    return {f"{LIMIT}its products{with_functions} in BLAS": work}


def _layer(m: int, n: int, batch: int, dtype: Any) -> list[np.ndarray]:
    """Return arrays of ones for inputs, W, outputs, and the gradients of W and of the inputs."""
    return [np.ones(shape, dtype) * 0.01 for shape in ((batch, m), (n, m), (batch, n), (n, m), (batch, m))]
