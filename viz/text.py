"""Text from users and numbers from nodes, made fit to be shown: short, on one line, without invisible characters."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np

SHORT = 32  # characters of a name on the picture
LONG = 1000  # characters of a tooltip
SMALL = 6  # entries of an array that are written out
DASH = "\N{EN DASH}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
UNFIT = "\N{REPLACEMENT CHARACTER}"

# Unassigned and private characters, surrogates, controls and format characters: XML forbids some of them even as
# references, others turn the reading direction of what stands beside them. Joiners are kept: emoji are made with them.
_UNSHOWN = {"Cc", "Cf", "Cn", "Co", "Cs"}
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"


def clean(text: str, limit: int = SHORT) -> str:
    """Return text on one line, cut to `limit` characters, with what cannot be shown replaced.

    >>> clean("a\\tb\\x00c"), clean("x" * 10**6, 5)
    ('a b\ufffdc', 'xxxx…')
    """
    cut = text if len(text) <= limit else text[: limit - 1] + ELLIPSIS
    return " ".join("".join(map(_shown, cut)).split())


def number(x: float) -> str:
    """Return a number with four significant digits; minus zero reads 0.

    >>> number(0.70710678), number(float("nan")), number(-0.0)
    ('0.7071', 'nan', '0')
    """
    return f"{x + 0.0:.4g}"


def entries(data: Any) -> str:
    """Return a number, or the entries of a small array in brackets, or the shape of a larger one.

    >>> entries(np.eye(2)), entries(np.zeros((3, 4)))
    ('[[1, 0], [0, 1]]', 'shape (3, 4)')
    """
    if not np.ndim(data):
        return number(float(data))
    if data.size > SMALL:
        return f"shape {data.shape}"
    return "[" + ", ".join(entries(entry) for entry in data) + "]"


def width(text: str, size: float) -> float:
    """Return an upper estimate of the width of text set in `size` points, for what layout engines cannot measure."""
    return sum(map(_em, text)) * size


def _shown(c: str) -> str:
    if c in "\t\n\r":
        return " "
    return UNFIT if unicodedata.category(c) in _UNSHOWN and c not in _JOINERS else c


def _em(c: str) -> float:
    if unicodedata.combining(c) or c in _JOINERS:
        return 0.0
    if unicodedata.east_asian_width(c) in "WF" or ord(c) > 0xFFFF:
        return 1.3 if ord(c) > 0xFFFF else 1.0
    return 1.1 if c == UNFIT else 0.72 if c.isascii() else 0.95
