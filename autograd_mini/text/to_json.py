"""Plain data: an explanation as dicts, lists, texts and numbers, which JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from .numbers import many

EXACT = 1023  # bits of a count that a float can still hold


def plain(x: Any) -> Any:
    """Return numbers, arrays and what holds them as JSON can hold them.

    Arrays become lists, inf and nan texts, as does a count beyond every float; dataclasses become dicts of the fields
    that their repr shows, so that no node is among them.

    >>> plain({"x": np.array([1.0, np.inf]), "shape": (2,)})
    {'x': [1.0, 'inf'], 'shape': [2]}
    """
    if isinstance(x, Mapping):
        return {name: plain(entry) for name, entry in x.items()}
    if isinstance(x, Sequence) and not isinstance(x, str):
        return [plain(entry) for entry in x]
    if isinstance(x, (np.ndarray, np.generic)):
        return plain(x.tolist())
    if is_dataclass(x):
        return {field.name: plain(getattr(x, field.name)) for field in fields(x) if field.repr}
    if isinstance(x, int) and x.bit_length() > EXACT:
        return many(x)
    return repr(x) if isinstance(x, float) and not math.isfinite(x) else x
