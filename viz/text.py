"""Texts and numbers as pictures show them: short, and on one line."""

from __future__ import annotations

import codecs
import math
import unicodedata
from typing import Any

import numpy as np

from autograd_mini.text.formula import one_line

LONG = 1000  # characters of a tooltip
SMALL = 6  # entries of an array that are written out
BRIEF = 14  # characters of an array on a card
DASH = "\N{EN DASH}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

# The widths of the printable ASCII characters of Arial, in thousandths of the size.
ARIAL = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
)  # fmt: skip

SIGNS = {  # for an output that cannot spell them
    DASH: "-", ELLIPSIS: "...", "\u2500": "-", "\u2502": "|", "\u251c": "|", "\u2514": "`", "\u00d7": "x",
    "\u00b7": "*", "\u2190": "<-", "\u2191": "^", "\u2192": "->", "\u2193": "v", "\u2212": "-", "\u2202": "d",
    "\u2713": "+", "\u2717": "x", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2014": "-",
    "\u2264": "<=", "\u2265": ">=", "\u2260": "!=",
}  # fmt: skip
BOLD = 1.1  # bold letters are at most so many times as wide, of those that are wide at all


def clean(text: str, limit: int = LONG) -> str:
    """Return text on one line, cut to `limit` characters, with blanks for what cannot be shown.

    What cannot be printed is forbidden in XML even as a reference, or turns the direction of the text beside it.

    >>> clean("a\\tb\\x00c\\u202e"), clean("x" * 10**6, 5)
    ('a b c', 'xxxx…')
    """
    return one_line(text, limit, ELLIPSIS)


def _in_signs(error: UnicodeError) -> tuple[str, int]:
    """Answer for a character that an encoding does not have: a plain sign like it, else its escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(SIGNS.get(c) or ascii(c)[1:-1] for c in lost), error.end


PLAINLY = "autograd_mini.plainly"  # the name under which an output is told to answer so
codecs.register_error(PLAINLY, _in_signs)


def spelled(text: str, encoding: str | None) -> str:
    """Return text in the characters of an encoding: plain signs for lines and arrows, ? for what there is none for.

    >>> spelled("\u251c x \u2192 \u03b1", "ascii")
    '| x -> ?'
    """
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain: dict[str, str | int | None] = dict(SIGNS)
        return text.translate(str.maketrans(plain)).encode(encoding, "replace").decode(encoding)
    return text


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
    """Return an upper estimate of the width of text set in `size` points, bold too, for what nobody has measured yet.

    >>> width("WWW", 12.0) >= measured("WWW", 12.0, bold=True), round(width("data", 12.0), 1)
    (True, 34.6)
    """
    return sum(map(_em, text)) * size


def measured(text: str, size: float, bold: bool = False) -> float:
    """Return the width of text set in `size` points of Arial; an upper estimate where a character is not ASCII.

    >>> round(measured("data", 12.0), 1)
    23.4
    """
    return sum(ARIAL[ord(c) - 32] / 1000 if " " <= c <= "~" else _em(c) for c in text) * size * (BOLD if bold else 1.0)


def _em(c: str) -> float:
    if unicodedata.combining(c):
        return 0.0
    if unicodedata.east_asian_width(c) in "WF":
        return 1.3 if ord(c) > 0xFFFF else 1.0
    return max(0.72, BOLD * ARIAL[ord(c) - 32] / 1000) if " " <= c <= "~" else 1.1


def norm(*xs: Any) -> float:
    """Return the Euclidean norm of all entries, by the largest of them, so that squares neither overflow nor vanish.

    >>> norm([3.0, 4.0]), norm(1e200 * np.ones((2, 2)), 0.0), norm([1.0, np.nan])
    (5.0, 2e+200, nan)
    """
    entries = np.concatenate([np.ravel(x) for x in xs]).astype(float)
    top = float(np.max(np.abs(entries), initial=0.0))
    return float(np.linalg.norm(entries / top)) * top if top and math.isfinite(top) else top
