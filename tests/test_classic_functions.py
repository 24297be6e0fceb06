"""Moré, Garbow and Hillstrom's test functions: value, gradient and Hessian beside forty digits of mpmath.

"Testing unconstrained optimization software", ACM Transactions on Mathematical Software 7, 1981: sums of squares of
residuals, each written here once and computed by both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from autograd_mini import Tensor, grad, hessian, ops, value_and_grad

Residuals = Callable[[Sequence[Any], Any], list[Any]]  # of the variables, with the functions exp, sin ... to use

BARD = "0.14 0.18 0.22 0.25 0.29 0.32 0.35 0.39 0.37 0.58 0.73 0.96 1.34 2.10 4.39"
KOWALIK = "0.1957 0.1947 0.1735 0.1600 0.0844 0.0627 0.0456 0.0342 0.0323 0.0235 0.0246"
KOWALIK_U = "4 2 1 0.5 0.25 0.167 0.125 0.1 0.0833 0.0714 0.0625"
MEYER = "34780 28610 23650 19630 16370 13720 11540 9744 8261 7030 6005 5147 4427 3820 3307 2872"
GAUSSIAN = "0.0009 0.0044 0.0175 0.0540 0.1295 0.2420 0.3521 0.3989 0.3521 0.2420 0.1295 0.0540 0.0175 0.0044 0.0009"
OSBORNE_1 = (
    "0.844 0.908 0.932 0.936 0.925 0.908 0.881 0.850 0.818 0.784 0.751 0.718 0.685 0.658 0.628 0.603 0.580 0.558"
    " 0.538 0.522 0.506 0.490 0.478 0.467 0.457 0.448 0.438 0.431 0.424 0.420 0.414 0.411 0.406"
)
OSBORNE_2 = (
    "1.366 1.191 1.112 1.013 0.991 0.885 0.831 0.847 0.786 0.725 0.746 0.679 0.608 0.655 0.616 0.606 0.602 0.626"
    " 0.651 0.724 0.649 0.649 0.694 0.644 0.624 0.661 0.612 0.558 0.533 0.495 0.500 0.423 0.395 0.375 0.372 0.391"
    " 0.396 0.405 0.428 0.429 0.523 0.562 0.607 0.653 0.672 0.708 0.633 0.668 0.645 0.632 0.591 0.559 0.597 0.625"
    " 0.739 0.710 0.729 0.720 0.636 0.581 0.428 0.292 0.162 0.098 0.054"
)


def numbers(text: str) -> list[float]:
    return [float(word) for word in text.split()]


def sum_of(terms: Any) -> Any:
    total, *others = terms
    for term in others:
        total = total + term
    return total


def helical_valley(x: Any, m: Any) -> list[Any]:
    turn = m.atan(x[1] / x[0]) / (2.0 * math.pi) + (0.5 if x[0] < 0.0 else 0.0)
    return [10.0 * (x[2] - 10.0 * turn), 10.0 * (m.sqrt(x[0] * x[0] + x[1] * x[1]) - 1.0), x[2]]


def box(x: Any, m: Any) -> list[Any]:
    t = [0.1 * i for i in range(1, 11)]
    return [m.exp(-s * x[0]) - m.exp(-s * x[1]) - x[2] * (math.exp(-s) - math.exp(-10.0 * s)) for s in t]


def gulf(x: Any, m: Any) -> list[Any]:
    y = [25.0 + (-50.0 * math.log(i / 100.0)) ** (2.0 / 3.0) for i in range(1, 11)]
    return [m.exp(-(m.exp(x[2] * m.log(m.sqrt((s - x[1]) ** 2.0))) / x[0])) - i / 100.0 for i, s in enumerate(y, 1)]


def biggs(x: Any, m: Any) -> list[Any]:
    t = [0.1 * i for i in range(1, 14)]
    y = [math.exp(-s) - 5.0 * math.exp(-10.0 * s) + 3.0 * math.exp(-4.0 * s) for s in t]
    return [x[2] * m.exp(-s * x[0]) - x[3] * m.exp(-s * x[1]) + x[5] * m.exp(-s * x[4]) - v for s, v in zip(t, y)]


def osborne_2(x: Any, m: Any) -> list[Any]:
    def at(t: float) -> Any:
        bells = (x[i + 1] * m.exp(-x[i + 5] * (t - x[i + 8]) ** 2.0) for i in range(3))
        return x[0] * m.exp(-t * x[4]) + sum_of(bells)

    return [y - at(i / 10.0) for i, y in enumerate(numbers(OSBORNE_2))]


def watson(x: Any, m: Any) -> list[Any]:
    def at(t: float) -> Any:
        slope = sum_of(j * t ** (j - 1.0) * x[j] for j in range(1, len(x)))
        return slope - sum_of(t**j * x[j] for j in range(len(x))) ** 2.0 - 1.0

    return [*(at(i / 29.0) for i in range(1, 30)), x[0], x[1] - x[0] * x[0] - 1.0]


def penalty_2(x: Any, m: Any) -> list[Any]:
    n, a = len(x), math.sqrt(1e-5)
    y = [math.exp(i / 10.0) + math.exp((i - 1.0) / 10.0) for i in range(1, n + 1)]
    pairs = [a * (m.exp(x[i] / 10.0) + m.exp(x[i - 1] / 10.0) - y[i]) for i in range(1, n)]
    alone = [a * (m.exp(x[i] / 10.0) - math.exp(-0.1)) for i in range(1, n)]
    return [x[0] - 0.2, *pairs, *alone, sum_of((n - j) * x[j] ** 2.0 for j in range(n)) - 1.0]


def variably_dimensioned(x: Any, m: Any) -> list[Any]:
    moment = sum_of(j * (v - 1.0) for j, v in enumerate(x, 1))
    return [*(v - 1.0 for v in x), moment, moment**2.0]


def trigonometric(x: Any, m: Any) -> list[Any]:
    cosines = sum_of(map(m.cos, x))
    return [len(x) - cosines + i * (1.0 - m.cos(v)) - m.sin(v) for i, v in enumerate(x, 1)]


def brown_almost_linear(x: Any, m: Any) -> list[Any]:
    product = x[0]
    for v in x[1:]:
        product = product * v
    return [*(v + sum_of(x) - (len(x) + 1.0) for v in x[:-1]), product - 1.0]


def boundary_value(x: Any, m: Any) -> list[Any]:
    n = len(x)
    h, inner = 1.0 / (n + 1.0), [0.0, *x, 0.0]
    return [
        2.0 * inner[i] - inner[i - 1] - inner[i + 1] + h * h * (inner[i] + i * h + 1.0) ** 3.0 / 2.0
        for i in range(1, n + 1)
    ]


def integral_equation(x: Any, m: Any) -> list[Any]:
    n = len(x)
    h = 1.0 / (n + 1.0)
    t = [(i + 1.0) * h for i in range(n)]
    cubes = [(v + s + 1.0) ** 3.0 for v, s in zip(x, t)]

    def at(i: int) -> Any:
        below = (1.0 - t[i]) * sum_of(t[j] * cubes[j] for j in range(i + 1))
        above = [t[i] * (1.0 - t[j]) * cubes[j] for j in range(i + 1, n)]
        return x[i] + h * sum_of([below, *above]) / 2.0

    return [at(i) for i in range(n)]


def broyden_tridiagonal(x: Any, m: Any) -> list[Any]:
    inner = [0.0, *x, 0.0]
    return [(3.0 - 2.0 * inner[i]) * inner[i] - inner[i - 1] - 2.0 * inner[i + 1] + 1.0 for i in range(1, len(x) + 1)]


def broyden_banded(x: Any, m: Any) -> list[Any]:
    def at(i: int) -> Any:
        near = [x[j] * (1.0 + x[j]) for j in range(max(0, i - 5), min(len(x), i + 2)) if j != i]
        return x[i] * (2.0 + 5.0 * x[i] * x[i]) + 1.0 - sum_of(near)

    return [at(i) for i in range(len(x))]


def linear_rank_1(x: Any, m: Any) -> list[Any]:
    return [i * sum_of(j * v for j, v in enumerate(x, 1)) - 1.0 for i in range(1, 11)]


def chebyquad(x: Any, m: Any) -> list[Any]:
    n = len(x)
    before, now, residuals = [1.0] * n, [2.0 * v - 1.0 for v in x], []
    for i in range(1, n + 1):
        residuals.append(sum_of(now) / n + (1.0 / (i * i - 1.0) if i % 2 == 0 else 0.0))
        before, now = now, [2.0 * (2.0 * v - 1.0) * t - b for v, t, b in zip(x, now, before)]
    return residuals


# name: where the search starts, the residuals, and a minimum where the sum of squares is 0
FUNCTIONS: dict[str, tuple[list[float], Residuals, list[float] | None]] = {
    "Rosenbrock": ([-1.2, 1.0], lambda x, m: [10.0 * (x[1] - x[0] ** 2.0), 1.0 - x[0]], [1.0, 1.0]),
    "Freudenstein and Roth": (
        [0.5, -2.0],
        lambda x, m: [
            -13.0 + x[0] + ((5.0 - x[1]) * x[1] - 2.0) * x[1],
            -29.0 + x[0] + ((x[1] + 1.0) * x[1] - 14.0) * x[1],
        ],
        [5.0, 4.0],
    ),
    "Powell, badly scaled": (
        [0.0, 1.0],
        lambda x, m: [1e4 * x[0] * x[1] - 1.0, m.exp(-x[0]) + m.exp(-x[1]) - 1.0001],
        None,
    ),
    "Brown, badly scaled": ([1.0, 1.0], lambda x, m: [x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2.0], [1e6, 2e-6]),
    "Beale": (
        [1.0, 1.0],
        lambda x, m: [y - x[0] * (1.0 - x[1] ** i) for i, y in ((1.0, 1.5), (2.0, 2.25), (3.0, 2.625))],
        [3.0, 0.5],
    ),
    "Jennrich and Sampson": (
        [0.3, 0.4],
        lambda x, m: [2.0 + 2.0 * i - (m.exp(i * x[0]) + m.exp(i * x[1])) for i in range(1, 11)],
        None,
    ),
    "helical valley": ([-1.0, 0.2, 0.1], helical_valley, [1.0, 0.0, 0.0]),
    "Bard": (
        [1.0, 1.0, 1.0],
        lambda x, m: [
            y - (x[0] + i / ((16.0 - i) * x[1] + min(i, 16.0 - i) * x[2])) for i, y in enumerate(numbers(BARD), 1)
        ],
        None,
    ),
    "Gaussian": (
        [0.4, 1.0, 0.1],
        lambda x, m: [
            x[0] * m.exp(-x[1] * ((8.0 - i) / 2.0 - x[2]) ** 2.0 / 2.0) - y for i, y in enumerate(numbers(GAUSSIAN), 1)
        ],
        None,
    ),
    "Meyer": (
        [0.02, 4000.0, 250.0],
        lambda x, m: [x[0] * m.exp(x[1] / (45.0 + 5.0 * i + x[2])) - y for i, y in enumerate(numbers(MEYER), 1)],
        None,
    ),
    "Gulf research": ([5.0, 2.5, 0.15], gulf, None),
    "Box, three-dimensional": ([0.5, 10.0, 20.0], box, [1.0, 10.0, 1.0]),
    "Powell, singular": (
        [3.0, -1.0, 0.1, 1.0],
        lambda x, m: [
            x[0] + 10.0 * x[1],
            math.sqrt(5.0) * (x[2] - x[3]),
            (x[1] - 2.0 * x[2]) ** 2.0,
            math.sqrt(10.0) * (x[0] - x[3]) ** 2.0,
        ],
        [0.0] * 4,
    ),
    "Wood": (
        [-3.0, -1.0, -3.0, -1.0],
        lambda x, m: [
            10.0 * (x[1] - x[0] ** 2.0),
            1.0 - x[0],
            math.sqrt(90.0) * (x[3] - x[2] ** 2.0),
            1.0 - x[2],
            math.sqrt(10.0) * (x[1] + x[3] - 2.0),
            (x[1] - x[3]) / math.sqrt(10.0),
        ],
        [1.0] * 4,
    ),
    "Kowalik and Osborne": (
        [0.25, 0.39, 0.415, 0.39],
        lambda x, m: [
            y - x[0] * (u * u + u * x[1]) / (u * u + u * x[2] + x[3])
            for y, u in zip(numbers(KOWALIK), numbers(KOWALIK_U))
        ],
        None,
    ),
    "Brown and Dennis": (
        [25.0, 5.0, -5.0, -1.0],
        lambda x, m: [
            (x[0] + t * x[1] - math.exp(t)) ** 2.0 + (x[2] + x[3] * math.sin(t) - math.cos(t)) ** 2.0
            for t in (i / 5.0 for i in range(1, 21))
        ],
        None,
    ),
    "Osborne 1": (
        [0.5, 1.5, -1.0, 0.01, 0.02],
        lambda x, m: [
            y - (x[0] + x[1] * m.exp(-10.0 * i * x[3]) + x[2] * m.exp(-10.0 * i * x[4]))
            for i, y in enumerate(numbers(OSBORNE_1))
        ],
        None,
    ),
    "Biggs EXP6": ([1.0, 2.0, 1.0, 1.0, 1.0, 1.0], biggs, [1.0, 10.0, 1.0, 5.0, 4.0, 3.0]),
    "Osborne 2": ([1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5], osborne_2, None),
    "Watson": ([0.1] * 6, watson, None),
    "penalty 1": (
        [1.0, 2.0, 3.0, 4.0],
        lambda x, m: [*(math.sqrt(1e-5) * (v - 1.0) for v in x), sum_of(v * v for v in x) - 0.25],
        None,
    ),
    "penalty 2": ([0.5] * 4, penalty_2, None),
    "variably dimensioned": ([0.75, 0.5, 0.25, 0.1], variably_dimensioned, [1.0] * 4),
    "trigonometric": ([0.2] * 5, trigonometric, [0.0] * 5),
    "Brown, almost linear": ([0.5] * 5, brown_almost_linear, [1.0] * 5),
    "discrete boundary value": ([-0.1, -0.16, -0.18, -0.13, -0.07], boundary_value, None),
    "discrete integral equation": ([-0.1, -0.16, -0.18, -0.13, -0.07], integral_equation, None),
    "Broyden, tridiagonal": ([-1.0] * 5, broyden_tridiagonal, None),
    "Broyden, banded": ([-1.0] * 7, broyden_banded, None),
    "linear, full rank": ([1.0] * 4, lambda x, m: [v - sum_of(x) / 2.0 - 1.0 for v in x], None),
    "linear, rank 1": ([1.0] * 4, linear_rank_1, None),
    "Chebyquad": ([1.0 / 6.0, 2.0 / 6.0, 3.0 / 6.0, 4.0 / 6.0, 5.0 / 6.0], chebyquad, None),
}


def points(start: list[float]) -> Iterator[list[float]]:
    """The start, and a point beside it."""
    yield start
    shake = np.random.default_rng(1).uniform(-0.2, 0.2, len(start))
    yield [float(v + (abs(v) or 1.0) * s) for v, s in zip(start, shake)]


def squares(residuals: Residuals, m: Any) -> Callable[[Sequence[Any]], Any]:
    return lambda x: sum_of(r * r for r in residuals(x, m))


def digits(residuals: Residuals, x: list[float]) -> tuple[float, np.ndarray, np.ndarray]:
    """Value, gradient and Hessian by central differences in 110 digits: some forty of theirs are right."""
    f = squares(residuals, mp)
    with mp.workdps(110):
        h = mp.mpf(10) ** -30
        at = [mp.mpf(v) for v in x]

        def moved(*steps: tuple[int, int]) -> Any:
            y = list(at)
            for i, sign in steps:
                y[i] += sign * h
            return f(y)

        n = range(len(x))
        middle = f(at)
        up, down = [moved((i, 1)) for i in n], [moved((i, -1)) for i in n]
        slope = [float((u - d) / (2 * h)) for u, d in zip(up, down)]
        bend = np.diag([float((u - 2 * middle + d) / h**2) for u, d in zip(up, down)])
        for i in n:
            for j in range(i):
                both = moved((i, 1), (j, 1)) - up[i] - up[j] + moved((i, -1), (j, -1)) - down[i] - down[j]
                bend[i, j] = bend[j, i] = float((both + 2 * middle) / (2 * h**2))
        return float(middle), np.array(slope), bend


def near(got: Any, expected: Any) -> bool:
    """Whether the largest difference is in the last digits of the largest entry."""
    return bool(np.max(np.abs(np.subtract(got, expected))) <= 2e-12 * np.max(np.abs(expected)) + 1e-300)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_gradient_and_hessian_are_those_of_forty_digits(name: str) -> None:
    start, residuals, _ = FUNCTIONS[name]
    f = squares(residuals, ops)
    for x in points(start):
        value, slope, bend = digits(residuals, x)
        got_value, got_slope = value_and_grad(f)(x)
        assert near(got_value, value), x
        assert near(got_slope, slope), x
        assert near(grad(lambda t: f(list(t)))(np.array(x)), slope), x  # entries of one array
        assert near(hessian(lambda t: f(list(t)))(np.array(x)), bend), x


@pytest.mark.parametrize("name", [name for name, (_, _, minimum) in FUNCTIONS.items() if minimum])
def test_the_gradient_at_a_known_minimum_is_zero(name: str) -> None:
    _, residuals, minimum = FUNCTIONS[name]
    x = Tensor(minimum)
    loss = squares(residuals, ops)(list(x))
    loss.backward()
    assert loss.data <= 1e-24
    assert np.max(np.abs(x.grad)) <= 1e-9
