"""Initializers: the weights and biases that a layer starts from, drawn from a seeded generator.

An initializer is a function (rng, n_in, n_out) -> (W of shape (n_out, n_in), b of shape (n_out,)).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_mini.data import Array
from autograd_mini.errors import AutogradError

Rng = int | np.random.Generator | np.random.RandomState | None
Initializer = Callable[[Any, int, int], tuple[Array, Array]]


class SettingError(AutogradError, ValueError):
    """A setting outside its range; the message names the setting, the range and what was given."""


class PythonRandom:
    """Python's own `random` as a generator: what `random.seed(...)` seeds, and what micrograd draws from."""

    def uniform(self, low: float, high: float, shape: Any) -> Array:
        """Return numbers between `low` and `high`, drawn one by one in the order of the array."""
        return np.array([random.uniform(low, high) for _ in range(math.prod(np.atleast_1d(shape)))]).reshape(shape)

    def normal(self, mean: float, deviation: float, shape: Any) -> Array:
        """Return normally distributed numbers."""
        return np.array([random.gauss(mean, deviation) for _ in range(math.prod(np.atleast_1d(shape)))]).reshape(shape)


def generator(rng: Rng) -> Any:
    """Return the source of random numbers that a `rng` argument stands for.

    A numpy Generator or RandomState is used and advanced; a whole number seeds a new Generator; None is Python's
    `random` module.

    >>> float(generator(0).uniform()) == float(np.random.default_rng(0).uniform())
    True
    """
    if isinstance(rng, (np.random.Generator, np.random.RandomState, PythonRandom)):
        return rng
    if rng is None:
        return PythonRandom()
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool) and rng >= 0:
        return np.random.default_rng(int(rng))
    raise SettingError(f"rng is a seed (an integer from 0 on), a numpy Generator or RandomState, or None; got {rng!r}")


def uniform(rng: Any, n_in: int, n_out: int) -> tuple[Array, Array]:
    """Weights uniform in [-1, 1] and biases 0: micrograd's."""
    return rng.uniform(-1.0, 1.0, (n_out, n_in)), np.zeros(n_out)
