"""Network -> SVG: circles, and a curve for each weight, coloured by sign and as wide as what it carries.

Blue is below zero and orange above; below zero is dashed, too, so that paper and eyes without colour tell it apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from html import escape
from math import ceil, isfinite, sqrt
from typing import NamedTuple

import numpy as np

from ..colours import PALETTE, dark_rules, light
from ..text import measured, number
from .place import RADIUS, Column
from .view import GRADIENTS, MEANT, SMALL, View, brief, largest_of, words_of

FAMILY = "Arial, 'Liberation Sans', Arimo, Helvetica, sans-serif"
SIZE, LINE = 12.0, 16.0  # of letters, from line to line, in pixels
MARGIN, HEAD = 14.0, 62.0  # around all; above the neurons
TONES = 4  # steps from zero to the largest
WIDEST, THIN, AIRY = 4.0, 0.4, 64  # pixels of the widest and the thinnest curve, and up to how many curves of a layer
USED = ("ink", "muted", "card", "rim", "edge", "constant", "dead")  # roles, besides those with a sign
BEND = 0.3  # of the way, a curve leaves and arrives level
OPAQUE = (0.3, 0.5, 0.75, 0.95)  # a curve, by its tone


def svg_of(view: View) -> str:
    """Return the picture as one SVG element."""
    return element("".join(_drawn(view)), view.network.title, "\n".join(words_of(view)), _extent(view))


def element(inside: str, title: str, words: str, extent: tuple[float, float, float, float]) -> str:
    """Return a picture with its title and its words as one SVG element, `extent` is left, top, width and height.

    Ids start with a digest of the content: two pictures share a page.
    """
    left, top, wide, high = extent
    prefix = "n" + hashlib.sha256((inside + words).encode("utf-8", "replace")).hexdigest()[:8]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{prefix}" role="img" aria-labelledby="{prefix}-title" '
        f'aria-describedby="{prefix}-desc" font-family="{FAMILY}" font-size="{SMALL:g}" width="{wide:.0f}" '
        f'height="{high:.0f}" viewBox="{left:.1f} {top:.1f} {wide:.1f} {high:.1f}">\n'
        f'<title id="{prefix}-title">{escape(title)}</title>\n'
        f'<desc id="{prefix}-desc">{escape(words)}</desc>\n'
        f"<style>{_style(prefix)}</style>\n{inside}</svg>\n"
    )


def _style(prefix: str) -> str:
    """Return what holds for this picture alone: it shrinks to the page, and changes its colours in the dark."""
    dark = dark_rules(prefix, [role for role in PALETTE if role.startswith(("above", "below")) or role in USED])
    return f"#{prefix}{{max-width:100%;height:auto}}@media screen and (prefers-color-scheme:dark){{{dark}}}"


def _drawn(view: View) -> Iterator[str]:
    for i in range(1, len(view.columns)):
        yield from _curves(view, i)
    for i in range(len(view.columns)):
        yield from _circles(view, i)
        yield from _captions(view, i)
    yield from _names(view)
    yield from _legend(view)


class Curve(NamedTuple):
    """A curve: its tone, from -4 below zero to 4 above, 5 for no number; its width; where it runs; its tooltip."""

    tone: int
    width: float
    path: str
    tooltip: str


def _curves(view: View, i: int) -> Iterator[str]:
    """Yield the curves into layer i, those of one tone together, the widest on top."""
    drawn: dict[int, list[str]] = {}
    for curve in _into(view, i):
        line = f'<path d="{curve.path}" stroke-width="{curve.width:.2g}"><title>{escape(curve.tooltip)}</title></path>'
        drawn.setdefault(curve.tone, []).append(line)
    for tone in sorted(drawn, key=lambda tone: (abs(tone), -tone)):
        yield f'<g fill="none" {_pen(tone)}>{"".join(drawn[tone])}</g>\n'


def _into(view: View, i: int) -> Iterator[Curve]:
    """Yield the curves into the neurons of layer i that are shown, from neurons and from the 1 of the bias."""
    before, after = view.columns[i - 1], view.columns[i]
    carried, slope = view.curves[i - 1], view.slopes[i - 1]
    largest = max(largest_of(x) for x in (carried, slope, np.zeros(1)) if x is not None) or 1.0
    widest = WIDEST * min(1.0, sqrt(AIRY / (len(after.shown) * len(before.shown))))
    for k, y in zip(after.shown, after.ys):
        ways = [(j, start, _weight(view, i, k, j)) for j, start in zip(before.shown, before.ys)]
        lines = [(None if carried is None else float(carried[k, j]), start, told) for j, start, told in ways]
        if slope is not None and before.bias is not None:
            name = "dL/db" if view.show == GRADIENTS else "b"
            lines.append((float(slope[k]), before.bias, f"{name}[{i}][{k}] = {number(slope[k])}"))
        for value, start, told in lines:
            width = WIDEST / 3 if value is not None and not isfinite(value) else widest * (abs(value or 0.0) / largest)
            path = _path(before.x + RADIUS, start, after.x - RADIUS, y)
            yield Curve(tone_of(value, largest), max(THIN, width), path, told)


def _path(x: float, y: float, to_x: float, to_y: float) -> str:
    """Return a curve that leaves and arrives level."""
    bend = BEND * (to_x - x)
    return f"M{x:g} {y:g}C{x + bend:.4g} {y:g} {to_x - bend:.4g} {to_y:g} {to_x:g} {to_y:g}"


def tone_of(value: float | None, largest: float) -> int:
    """Return the tone of a number: -4 to 4 by its share of the largest, 5 where it is no number, 0 where there is none.

    >>> tone_of(-0.1, 1.0), tone_of(0.0, 1.0), tone_of(1.0, 1.0), tone_of(float("nan"), 1.0)
    (-1, 0, 4, 5)
    """
    if not value:
        return 0
    if not isfinite(value):
        return TONES + 1
    steps = ceil(TONES * min(1.0, abs(value) / largest)) or 1
    return steps if value > 0 else -steps


def _pen(tone: int) -> str:
    """Return how the curves of a tone are drawn: by colour, dashes and strength."""
    if tone == 0 or tone > TONES:
        dashes = "" if tone == 0 else ' stroke-dasharray="1 3"'
        return f'stroke="{light("edge" if tone == 0 else "ink")}"{dashes}'
    sign = f'stroke="{light("above")}"' if tone > 0 else f'stroke="{light("below")}" stroke-dasharray="7 3"'
    return f'{sign} stroke-opacity="{OPAQUE[abs(tone) - 1]}"'


def _weight(view: View, i: int, k: int, j: int) -> str:
    """Return the tooltip of a weight: the number, what it carries of the sample, its gradient."""
    layer = view.network.layers[i - 1]
    lines = [f"W[{i}][{k},{j}] = {number(layer.W[k, j])}"]
    if view.passed is not None:
        a = view.passed.a[i - 1][j]
        lines.append(f"w · a = {number(layer.W[k, j])} · {number(a)} = {number(layer.W[k, j] * a)}")
    if layer.dW is not None:
        lines.append(f"dL/dw = {number(layer.dW[k, j])}")
    return "\n".join(lines)


def _circles(view: View, i: int) -> Iterator[str]:
    """Yield the neurons of a column, what is left out between them, and the 1 of the bias below them."""
    column, shaded = view.columns[i], view.circles[i]
    largest = 1.0 if shaded is None else largest_of(shaded) or 1.0
    for k, y in zip(column.shown, column.ys):
        text = str(k) if shaded is None else brief(float(shaded[k]))
        tone = 0 if shaded is None else tone_of(float(shaded[k]), largest)
        yield _circle(column.x, y, _ground(tone), text, _neuron(view, i, k), shaded is None)
    if column.gap is not None:
        yield _gap(column.x, column.gap, f"{column.hidden:,} more")
    if column.bias is not None:
        yield _circle(column.x, column.bias, "constant", "1", f"1, of which b[{i + 1}] is the weight", True)


def _gap(x: float, y: float, words: str) -> str:
    """Return three dots above each other, drawn because few fonts have them, and how many neurons they stand for."""
    half = measured(words, SIZE) / 2
    dots = "".join(f"M{x - half - 5:.4g} {y + step:g}h0" for step in (-6, 0, 6))
    line = f'<path d="{dots}" fill="none" stroke="{light("muted")}" stroke-width="3" stroke-linecap="round"/>'
    return line + written(words, x + 3, y + 4, "middle", "muted", SIZE)


def _circle(x: float, y: float, ground: str, text: str, tooltip: str, muted: bool) -> str:
    return (
        f'<g><title>{escape(tooltip)}</title><circle cx="{x:g}" cy="{y:g}" r="{RADIUS:g}" fill="{light(ground)}" '
        f'stroke="{light("rim")}" stroke-width="1.2"/>'
        f"{written(text, x, y + 4, 'middle', 'muted' if muted else 'ink').rstrip()}</g>\n"
    )


def _ground(tone: int) -> str:
    """Return the colour of a circle of a tone."""
    if tone == 0 or tone > TONES:
        return "card" if tone == 0 else "dead"
    return f"{'above' if tone > 0 else 'below'}{abs(tone)}"


def _neuron(view: View, i: int, k: int) -> str:
    """Return the tooltip of a neuron."""
    lines = [f"{view.network.inputs[k]}, a[0][{k}]" if not i else f"neuron {k} of layer {i}"]
    layer = view.network.layers[i - 1] if i else None
    if layer is not None and layer.b is not None:
        lines.append(f"b[{i}][{k}] = {number(layer.b[k])}")
    if view.passed is not None:
        lines += [f"z[{i}][{k}] = {number(view.passed.z[i - 1][k])}"] if i else []
        lines.append(f"a[{i}][{k}] = {number(view.passed.a[i][k])}")
    if layer is not None and layer.db is not None:
        lines.append(f"dL/dz[{i}][{k}] = {number(layer.db[k])}")
    return "\n".join(lines)


def written(text: str, x: float, y: float, anchor: str, role: str, size: float = SMALL, bold: bool = False) -> str:
    """Return a line of text with its base line at y."""
    place = f'x="{x:g}" y="{y:g}" fill="{light(role)}"'
    at = "" if anchor == "start" else f' text-anchor="{anchor}"'
    large = "" if size == SMALL else f' font-size="{size:g}"'
    weight = ' font-weight="bold"' if bold else ""
    return f"<text {place}{at}{large}{weight}>{escape(text)}</text>\n"


def _captions(view: View, i: int) -> Iterator[str]:
    """Yield the number of a column above it, and its equations and shapes below."""
    x, low = view.columns[i].x, _low(view.columns)
    yield written(f"[{i}]", x, -RADIUS - 10, "middle", "ink", SIZE, True)
    for n, line in enumerate(view.captions[i]):
        yield written(line, x, low + RADIUS + 24 + n * LINE, "middle", "ink" if i and n < 2 else "muted")


def _low(columns: Sequence[Column]) -> float:
    """Return the middle of the lowest circle."""
    return max(y for column in columns for y in (*column.ys, column.bias or 0.0))


def _names(view: View) -> Iterator[str]:
    """Yield the names of inputs, on the left, and of outputs, on the right."""
    for column, names, side in (
        (view.columns[0], view.network.inputs, -1),
        (view.columns[-1], view.network.outputs, 1),
    ):
        for k, y in zip(column.shown, column.ys):
            yield written(names[k], column.x + side * (RADIUS + 8), y + 4, "start" if side > 0 else "end", "ink", SIZE)


def _legend(view: View) -> Iterator[str]:
    """Yield the title, and the line below all: what curves and circles mean."""
    left, top, _, _ = _extent(view)
    yield written(view.network.title, left + MARGIN, top + MARGIN + SIZE, "start", "ink", SIZE + 1, True)
    y = _foot(view)
    x = left + MARGIN
    for tone, words in ((TONES, "above 0"), (-TONES, "below 0")):
        yield f'<path d="M{x:g} {y - 4:g}h34" fill="none" stroke-width="3" {_pen(tone)}/>'
        yield written(words, x + 40, y, "start", "ink")
        x += 48 + measured(words, SMALL) + 8
    for n, line in enumerate(_meanings(view), 1):
        yield written(line, left + MARGIN, y + n * LINE, "start", "muted")


def _meanings(view: View) -> list[str]:
    """Return what the picture shows, in words."""
    lines = [f"curves: {MEANT[view.show]}, the wider the larger, each layer by its own largest"]
    if view.show == GRADIENTS:
        lines.append("circles: dL/dz, the gradient of their bias; of inputs dL/dx")
    elif view.passed is not None:
        lines.append("circles: a of the sample, blue below 0, orange above")
    if any(column.hidden for column in view.columns):
        lines.append("left-out neurons take part in all numbers; their curves are not drawn")
    return lines


def _foot(view: View) -> float:
    """Return the base line of the legend."""
    return _low(view.columns) + RADIUS + 24 + max(map(len, view.captions)) * LINE + 18


def _extent(view: View) -> tuple[float, float, float, float]:
    """Return left, top, width and height of all that is drawn."""
    first, last = view.columns[0], view.columns[-1]
    halves = [max(measured(line, SMALL) for line in view.captions[i]) / 2 for i in (0, -1)]
    names = [
        RADIUS + 8 + max(measured(names[k], SIZE) for k in column.shown)
        for names, column in ((view.network.inputs, first), (view.network.outputs, last))
    ]
    left = first.x - max(halves[0], names[0]) - MARGIN
    right = last.x + max(halves[1], names[1]) + MARGIN
    texts = [measured(view.network.title, SIZE + 1, True), *(measured(line, SMALL) for line in _meanings(view)), 230.0]
    right = max(right, left + max(texts) + 2 * MARGIN)
    top = -RADIUS - HEAD
    return left, top, right - left, _foot(view) + len(_meanings(view)) * LINE + MARGIN - top
