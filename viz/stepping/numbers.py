"""Numbers of frames: floats, lists for arrays, the norm of a large one; and how JSON has them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_mini.text.to_json import plain

from ..text import norm

Number = float | list[Any] | dict[str, float] | None

ENTRIES = 64  # of an array that are written out; of a larger one, {"norm": its norm}


def number_to(x: Any) -> Any:
    """Return a number or array as frames write it to JSON: large arrays as their norm, inf and nan as texts."""
    return plain(held(x))


def number_from(x: Any) -> Any:
    """Return a number or array of frames that were read from JSON, nan for one of which only the norm was kept."""
    return np.array(x, dtype=float) if isinstance(x, list) else math.nan if isinstance(x, dict) else float(x)


def held(x: Any) -> Number:
    """Return a number, an array as lists, or the norm of one that has too many entries."""
    if x is None or not np.ndim(x):
        return None if x is None else float(x)
    return np.asarray(x).tolist() if np.size(x) <= ENTRIES else {"norm": norm(x)}


def plus(x: Number, y: Number) -> Number:
    """Return the sum of two numbers of frames."""
    if isinstance(x, dict) or isinstance(y, dict):  # norms do not add up
        return {"norm": math.nan}
    return held(np.asarray(x) + np.asarray(y))
