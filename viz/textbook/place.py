"""Widths of layers -> places: a column for each layer, its neurons from top to bottom in order.

A layer of more than `most` neurons shows the first and the last of them, and between them how many are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

RADIUS = 17.0
PITCH = 42.0  # from neuron to neuron
STEEP = 0.3  # of the height of the tallest column, columns are apart at least
APART = 120.0  # from column to column at least
GAP = 18.0  # between captions


class Column(NamedTuple):
    """The neurons of a layer that are shown, with the places of their middles; `hidden` are left out at `gap`.

    `bias` is the place of the 1 that b is the weight of, where it is shown: below the neurons of the layer before.
    """

    x: float
    shown: tuple[int, ...]
    ys: tuple[float, ...]
    hidden: int
    gap: float | None
    bias: float | None


def columns_of(
    widths: Sequence[int], captions: Sequence[float], most: int | None, biased: Sequence[bool]
) -> tuple[Column, ...]:
    """Return the columns of a network: `captions` are the widths of what stands under each, `biased` whether a 1
    stands in it. The first column is at x = 0, the tallest begins at y = 0.

    >>> [(c.shown, c.hidden, c.ys) for c in columns_of([2, 5], [0.0, 0.0], 2, [False, False])]
    [((0, 1), 0, (21.0, 63.0)), ((0, 4), 3, (0.0, 84.0))]
    """
    rows = [_rows(width, most) + bias for width, bias in zip(widths, biased)]
    tallest = max(rows)
    step = max(APART, STEEP * PITCH * tallest)
    columns, x = [], 0.0
    for i, (width, count, bias) in enumerate(zip(widths, rows, biased)):
        if i:
            x += max(step, (captions[i - 1] + captions[i]) / 2 + GAP)
        columns.append(_column(x, (tallest - count) / 2 * PITCH, width, most, bias))
    return tuple(columns)


def _rows(width: int, most: int | None) -> int:
    return width if most is None or width <= most else most + 1


def _column(x: float, top: float, width: int, most: int | None, bias: bool) -> Column:
    count = _rows(width, most)
    low = top + count * PITCH if bias else None
    if count == width:
        return Column(x, tuple(range(width)), tuple(top + i * PITCH for i in range(width)), 0, None, low)
    first = count // 2
    shown = (*range(first), *range(width - (count - 1 - first), width))
    ys = tuple(top + (i + (i >= first)) * PITCH for i in range(count - 1))
    return Column(x, shown, ys, width - len(shown), top + first * PITCH, low)
