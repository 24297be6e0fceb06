"""An attribution as a table: each input's share by three measures, sorted, with bars."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import NamedTuple

BAR = 24  # characters of the longest bar
SHOWN = 20  # rows of a table that nobody asked to see whole
TITLES = ("input", "value", "against", "gradient", "gradient x change", "integrated")


class Input(NamedTuple):
    """One input: its value, what it is compared with, and its share by three measures.

    `gradient` is df/dx, `product` the gradient times (x - against), `integrated` the integrated gradient; the last two
    are in the units of f.
    """

    name: str
    x: float
    against: float
    gradient: float
    product: float
    integrated: float


@dataclass(frozen=True, repr=False)
class Attribution:
    """What moved a network's answer for one sample away from its answer for another: print it for the table.

    `value` is f(x), `against` f of what x is compared with; `inputs` are sorted by their integrated gradients, the
    largest first, which add up to `value - against` but for `gap`.
    """

    what: str
    value: float
    against: float
    inputs: tuple[Input, ...]

    @property
    def gap(self) -> float:
        """How far the sum of the integrated gradients is from f(x) - f(against): 0 but for rounding."""
        return sum(entry.integrated for entry in self.inputs) - (self.value - self.against)

    @property
    def table(self) -> str:
        """All rows; printing shows the first twenty."""
        return _text(self, len(self.inputs))

    def __str__(self) -> str:
        return _text(self, SHOWN)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return _html(self)


def _cells(entry: Input) -> list[str]:
    return [entry.name, *(f"{number + 0.0:.4g}" for number in entry[1:])]


def _length(entry: Input, largest: float, longest: float) -> float:
    return longest * abs(entry.integrated) / largest if largest else 0.0


def _text(found: Attribution, most: int) -> str:
    largest = max((abs(entry.integrated) for entry in found.inputs), default=0.0)
    rows = [list(TITLES), *(_cells(entry) for entry in found.inputs[:most])]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = [_aligned(row, widths) for row in rows]
    bars = ["", *(_bar(entry, largest) for entry in found.inputs[:most])]
    table = [f"{line}   {bar}".rstrip() for line, bar in zip(lines, bars)]
    left = len(found.inputs) - most
    more = [f"... {left} more with smaller shares: print(found.table) shows them"] if left > 0 else []
    return "\n".join([_title(found), "", *table, *more, "", _sum(found)])


def _aligned(row: list[str], widths: list[int]) -> str:
    first, *rest = widths
    return "   ".join([f"{row[0]:<{first}}", *(f"{cell:>{width}}" for cell, width in zip(row[1:], rest))])


def _bar(entry: Input, largest: float) -> str:
    return ("#" if entry.integrated > 0.0 else "-") * round(_length(entry, largest, BAR))


def _title(found: Attribution) -> str:
    return f"{found.what}: {found.value:.6g}, against {found.against:.6g}"


def _sum(found: Attribution) -> str:
    total = sum(entry.integrated for entry in found.inputs)
    against = f"({found.against:.6g})" if found.against < 0.0 else f"{found.against:.6g}"
    gain = f"{found.value:.6g} - {against}"
    return f"integrated gradients add up to {total:.6g} = {gain}, off by {abs(found.gap):.1e}"


def _html(found: Attribution) -> str:
    largest = max((abs(entry.integrated) for entry in found.inputs), default=0.0)
    head = "".join(f"<th>{title}</th>" for title in (*TITLES, ""))
    rows = "".join(_html_row(entry, largest) for entry in found.inputs)
    return (
        f'<table class="autograd-attribution"><caption style="text-align:left">{html.escape(_title(found))}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><p>{html.escape(_sum(found))}</p>"
    )


def _html_row(entry: Input, largest: float) -> str:
    colour = "#0072b2" if entry.integrated > 0.0 else "#d55e00"  # told apart by everybody (Okabe & Ito, 2008)
    style = f"background:{colour};height:.8em;width:{_length(entry, largest, 12.0):.2f}em"
    name, *numbers = map(html.escape, _cells(entry))
    cells = "".join(f'<td style="text-align:right">{number}</td>' for number in numbers)
    return f'<tr><th style="text-align:left">{name}</th>{cells}<td><div style="{style}"></div></td></tr>'
