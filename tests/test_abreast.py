"""Functions without branches: beside forty digits of mpmath, and at the ends of the number line beside numpy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from autograd_mini.programs.tape import abreast

FUNCTIONS = ("exp", "expm1", "tanh")
ENDS = [
    0.0,
    5e-324,
    1e-308,
    0.5,
    36.7,
    709.782712893384,
    709.7827128933841,
    710.0,
    745.2,
    1e4,
    1e308,
    math.inf,
    math.nan,
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_they_are_within_two_units_in_the_last_place(name: str) -> None:
    ours: Callable[[Any], Any] = getattr(abreast, name)
    rng = np.random.default_rng(0)
    sizes = np.concatenate(
        [10.0 ** rng.uniform(-300.0, 2.0, 300), rng.uniform(0.0, 2.0, 300), rng.uniform(0.0, 700.0, 300)]
    )
    with mp.workdps(40), np.errstate(all="ignore"):
        for x in (sizes * rng.choice([-1.0, 1.0], sizes.size)).tolist():
            exact = getattr(mp, name)(x)
            assert abs(ours(x) - exact) <= 2.0 * math.ulp(float(exact)), (name, x)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_zeros_infinities_and_nan_are_numpys(name: str) -> None:
    for x in (*ENDS, *(-x for x in ENDS)):
        with np.errstate(all="ignore"):
            ours, expected = getattr(abreast, name)(np.float64(x)), getattr(np, name)(x)
        np.testing.assert_allclose(ours, expected, rtol=5e-16, atol=5e-324, err_msg=f"{name}({x})")
        assert math.isnan(x) or np.signbit(ours) == np.signbit(expected), (name, x)
