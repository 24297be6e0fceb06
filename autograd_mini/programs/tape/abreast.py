"""Abreast: exp, expm1 and tanh as arithmetic without a branch, for a processor that computes many lanes at once.

A C library's functions take one number at a time. These are quotients of polynomials: Lambert's continued fraction
tanh x = x / (1 + x**2 / (3 + x**2 / (5 + ...))) of 1768, cut off where its rest no longer shows and multiplied out, so
that all coefficients are whole numbers. e**x is (1 + tanh(x/2)) / (1 - tanh(x/2)), and for large x the other way round.
All are within two units in the last place. This is plain Python on one number, and `interpreter` compiles it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

PER_LN4 = 0.7213475204444817  # 1 / ln 4
LN4_HIGH = 1.3862943610874936  # the first 35 bits of ln 4, whose products with small whole numbers are exact
LN4_LOW = 3.239702037331312e-11  # the rest
ROUNDER = 6755399441055744.0  # 1.5 * 2**52: added to a small number it leaves a whole one in the last bits
BIAS = np.int64(1023)  # of the exponent in a float's bits, which stands above 52 others


def parts(x: Any) -> tuple[Any, Any]:
    """Return s and p with e**x = s * s * (1 + p): s a power of two, p between -1/2 and 1. x is within [-746, 710]."""
    shifted = x * PER_LN4 + ROUNDER
    n = shifted - ROUNDER
    high, low = x - n * LN4_HIGH, n * LN4_LOW
    r = high - low
    half = 0.5 * r
    u = half * half
    over = 135135.0 + u * (17325.0 + u * (378.0 + u))
    rest = u * (45045.0 + u * (2772.0 + u * 27.0))  # tanh(half) = half / (1 + rest / over)
    p = r + (r * (half * over - rest) / (over + rest - half * over) + ((high - r) - low))
    power = (np.float64(shifted).view(np.int64) + BIAS) << 52
    return np.int64(power).view(np.float64), p


def within(x: Any) -> Any:
    """Return x, or the bound where e**x is infinite or 0 beyond it; NaN stays."""
    return -746.0 if x < -746.0 else 710.0 if x > 710.0 else x


def exp(x: Any) -> Any:
    """Return e**x of a float."""
    s, p = parts(within(x))
    return (1.0 + p) * s * s


def expm1(x: Any) -> Any:
    """Return e**x - 1 of a float."""
    s, p = parts(within(x))
    return math.copysign((p * s + (s - 1.0 / s)) * s, x)


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent of a float."""
    size = abs(x)
    u = x * x
    over = 34459425.0 + u * (4729725.0 + u * (135135.0 + u * (990.0 + u)))
    rest = u * (11486475.0 + u * (810810.0 + u * (12870.0 + u * 44.0)))
    grown = exp(2.0 * size) + 1.0
    small = size < 0.75
    part = (size * rest if small else 2.0) / (over + rest if small else grown)
    return math.copysign((size if small else 1.0) - part, x)
