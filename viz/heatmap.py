"""Array -> heat map: the small picture on a card, blue below zero and orange above, and what it shows in words.

A picture has at most 8 rows of 16 cells: a cell of a larger array shows the entry of its block that is largest in
absolute value. Axes before the last stand one below the other. Shape and norm stay beside it as text.
"""

from __future__ import annotations

from itertools import groupby
from math import ceil, isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .text import SMALL, entries, norm, number

CELLS = (8, 16)  # rows and columns at most
TONES = 4  # steps from zero to the largest entry
ODD = TONES + 1  # the tone of inf and nan
ROOM = (44.0, 13.0)  # points of a card's row that a picture takes at most
SIDE = 7.0  # points of a cell at most
HINT = "; blue below 0, orange above"  # what the colours mean

Grid = NDArray[Any]


class Heat(NamedTuple):
    """A heat map: what it shows, in words, and its cells row by row: below zero, 0, above, as -4 to 4; 5 is no number.

    >>> heat_of(np.array([[1.0, -0.5], [0.0, 0.25]]))
    Heat(words='shape (2, 2), entries [[1, -0.5], [0, 0.25]]', tones=((4, -2), (0, 1)))
    """

    words: str
    tones: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> tuple[int, int]:
        """The width and the height of the picture where cells have whole points."""
        wide, high = (max(1, round(side)) for side in self.cell)
        return wide * len(self.tones[0]), high * len(self.tones)

    @property
    def cell(self) -> tuple[float, float]:
        """The width and the height of a cell in points."""
        sides = (min(SIDE, room / n) for room, n in zip(ROOM, (len(self.tones[0]), len(self.tones))))
        wide, high = (round(side, 2) for side in sides)
        return wide, high

    def paths(self) -> dict[str, str]:
        """Return the cells of each tone as one path: lines along the rows, one cell thick."""
        found: dict[str, str] = {}
        for i, row in enumerate(self.tones):
            for tone, run in groupby(range(len(row)), row.__getitem__):
                if tone:
                    first, *more = run
                    found[_kind(tone)] = found.get(_kind(tone), "") + f"M{first} {i}h{len(more) + 1}"
        return found


def heat_of(x: Grid) -> Heat:
    """Return the heat map of an array that has axes and entries."""
    cells = np.reshape(x, (-1, np.shape(x)[-1])).astype(float)
    for axis, most in enumerate(CELLS):
        cells = _coarse(cells.swapaxes(0, axis), most).swapaxes(0, axis)
    largest = max((abs(e) for e in cells.flat if isfinite(e)), default=0.0) or 1.0
    return Heat(_words(x, *cells.shape), tuple(tuple(_tone(e, largest) for e in row) for row in cells.tolist()))


def _coarse(cells: Grid, most: int) -> Grid:
    """Return at most so many rows: of each block the entry that is largest in absolute value; nan is larger than all.

    >>> _coarse(np.array([[1.0], [-3.0], [2.0], [2.0]]), 2).ravel()
    array([-3.,  2.])
    """
    n = len(cells)
    if n <= most:
        return cells
    cuts = [i * n // most for i in range(most)]
    high, low = np.maximum.reduceat(cells, cuts), np.minimum.reduceat(cells, cuts)
    return np.where(-low > high, low, high)


def _tone(e: float, largest: float) -> int:
    """Return the tone of an entry."""
    if not isfinite(e):
        return ODD
    return ceil(TONES * (e / largest)) if e > 0 else -ceil(TONES * (-e / largest))


def _kind(tone: int) -> str:
    """Return the classes of the cells of a tone."""
    return "odd" if tone == ODD else f"above t{tone}" if tone > 0 else f"below t{-tone}"


def _words(x: Grid, rows: int, columns: int) -> str:
    """Return the shape of an array and its entries, or of more than a few the least, the greatest and the norm."""
    if np.size(x) <= SMALL:
        return f"shape {np.shape(x)}, entries {entries(x)}"
    finite = x[np.isfinite(x)]
    odd = np.size(x) - finite.size
    return ", ".join([
        f"shape {np.shape(x)}",
        *([f"entries from {number(finite.min())} to {number(finite.max())}"] if finite.size else []),
        *([f"{odd} not finite"] if odd else []),
        f"norm {number(norm(x))}",
        *([f"in {rows} × {columns} blocks"] if rows * columns < np.size(x) else []),
    ])  # fmt: skip
