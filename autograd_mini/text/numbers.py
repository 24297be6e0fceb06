"""Numbers as explanations show them: six digits, small arrays entry by entry, long cells cut."""

from __future__ import annotations

import math

import numpy as np

from ..data import Array

Number = float | Array

ENTRIES = 20  # of an array that are written out
CELL = 90  # characters after which the middle of a cell is left out


def shown(x: Number) -> str:
    """Return a number with six digits, a small array with its entries, a large one with its shape.

    >>> shown(2.0 / 3.0), shown(np.array([1.0, 0.5])), shown(np.ones((3, 7)))
    ('0.666667', '[1, 0.5]', 'array of shape (3, 7)')
    """
    if np.ndim(x) == 0:
        return f"{float(x) + 0.0:.6g}"  # minus zero is zero
    if np.size(x) > ENTRIES:
        return f"array of shape {np.shape(x)}"
    return f"[{', '.join(map(shown, np.asarray(x)))}]"


def cut_cell(cell: str) -> str:
    """Return a cell cut, but for the entries of an array at its end.

    >>> len(cut_cell("x + " * 100 + " = [1, 2]")), cut_cell("dL/dx = [1, 2]")
    (99, 'dL/dx = [1, 2]')
    """
    head, mark, entries = cell.rpartition(" = [")
    return cut(head) + mark + entries if mark else cut(cell)


def cut(cell: str, limit: int = CELL) -> str:
    """Return a cell without its middle where it is longer than `limit`.

    >>> cut("0123456789" * 3, 20)
    '01234567 ... 3456789'
    """
    return cell if len(cell) <= limit else f"{cell[: limit // 2 - 2]} ... {cell[3 - limit // 2 :]}"


def many(n: int) -> str:
    """Return a count: exact up to thirty digits, beyond that as a power of ten.

    >>> many(2**60), many(2**1000)
    ('1,152,921,504,606,846,976', 'about 10^301')
    """
    return f"{n:,}" if n < 10**30 else f"about 10^{math.floor(math.log10(n))}"
