"""Initializers: the weights and biases that a layer starts from, drawn from a seeded source.

An initializer is a function (source, n_in, n_out) -> (W of shape (n_out, n_in), b of shape (n_out,)). They keep the
spread of a signal about equal from layer to layer; which factor does it depends on the activation.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_mini.data import Array

from .errors import SettingError, function, whole

Rng = int | np.random.Generator | np.random.RandomState | None
Initializer = Callable[[Any, int, int], tuple[Array, Array]]


class PythonRandom:
    """Python's own `random` with the methods of numpy's sources; `random.seed` seeds it."""

    def uniform(self, low: float, high: float, shape: tuple[int, ...]) -> Array:
        """Return numbers between `low` and `high`."""
        return np.array([random.uniform(low, high) for _ in range(math.prod(shape))]).reshape(shape)

    def normal(self, mean: float, deviation: float, shape: tuple[int, ...]) -> Array:
        """Return normally distributed numbers."""
        return np.array([random.gauss(mean, deviation) for _ in range(math.prod(shape))]).reshape(shape)

    def random(self, shape: tuple[int, ...]) -> Array:
        """Return numbers between 0 and 1."""
        return self.uniform(0.0, 1.0, shape)

    def permutation(self, n: int) -> Array:
        """Return 0 to n - 1 in random order."""
        return np.array(random.sample(range(n), n), dtype=np.intp)


def source(rng: Any) -> Any:
    """Return the source of random numbers that an `rng` argument stands for.

    A numpy Generator or RandomState is used, and advanced; an integer seeds a new Generator; None is Python's `random`,
    so that `random.seed` makes a notebook repeatable. Anything else raises SettingError.

    >>> float(source(7).uniform()) == float(np.random.default_rng(7).uniform())
    True
    """
    if isinstance(rng, (np.random.Generator, np.random.RandomState, PythonRandom)):
        return rng
    if rng is None:
        return PythonRandom()
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool) and rng >= 0:
        return np.random.default_rng(int(rng))
    raise SettingError(
        f"rng must be a seed (an integer from 0 on), a numpy Generator or RandomState, or None; got {rng!r}"
    )


def uniform(rng: Any, n_in: int, n_out: int) -> tuple[Array, Array]:
    """Weights uniform in [-1, 1], biases 0: micrograd's, number for number after the same `random.seed`."""
    return rng.uniform(-1.0, 1.0, (n_out, n_in)), np.zeros(n_out)


def glorot(rng: Any, n_in: int, n_out: int, factor: float = 6.0) -> tuple[Array, Array]:
    """Weights and biases uniform in [-r, r], r = sqrt(factor / (n_in + n_out)): scikit-learn's, draw for draw.

    The variance suits tanh with factor 6 (Glorot & Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", 2010, eq. 16); scikit-learn takes 2 for the logistic function: see `glorot_logistic`.
    """
    r = math.sqrt(factor / (n_in + n_out))
    W = rng.uniform(-r, r, (n_in, n_out)).T
    return W, rng.uniform(-r, r, (n_out,))


glorot_logistic = functools.partial(glorot, factor=2.0)


def he(rng: Any, n_in: int, n_out: int) -> tuple[Array, Array]:
    """Normal weights of variance 2 / n_in, biases 0: for relu.

    He et al., "Delving deep into rectifiers", 2015, eq. 10.
    """
    return rng.normal(0.0, math.sqrt(2.0 / n_in), (n_out, n_in)), np.zeros(n_out)


def lecun(rng: Any, n_in: int, n_out: int) -> tuple[Array, Array]:
    """Normal weights of variance 1 / n_in, biases 0: for tanh.

    LeCun et al., "Efficient backprop", 1998, eq. 16.
    """
    return rng.normal(0.0, math.sqrt(1.0 / n_in), (n_out, n_in)), np.zeros(n_out)


def zeros(rng: Any, n_in: int, n_out: int) -> tuple[Array, Array]:
    """Weights and biases 0: right for a single layer, while hidden neurons would stay equal for ever."""
    return np.zeros((n_out, n_in)), np.zeros(n_out)


def constant(weight: float, bias: float = 0.0) -> Initializer:
    """Return the initializer that sets every weight and every bias to the given numbers."""
    return lambda rng, n_in, n_out: (np.full((n_out, n_in), float(weight)), np.full(n_out, float(bias)))


def given(W: Any, b: Any) -> Initializer:
    """Return the initializer that takes these very weights and biases."""
    return lambda rng, n_in, n_out: (W, b)


def draw(init: Initializer, rng: Rng, n_in: int, n_out: int) -> tuple[Array, Array]:
    """Return the W and b that an initializer draws for a layer; SettingError for no initializer, or a size below 1."""
    function("init", init, "a function of (source, n_in, n_out), your own or one such as nn.init.glorot")
    return init(source(rng), whole("n_in", n_in), whole("n_out", n_out))
