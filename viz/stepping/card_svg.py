"""CardLayout -> scene: the cards and curves of a player as SVG, for the page, for a file, and for an animation.

Cards show the end of both passes. Everything is addressed by class and data attribute, so that scenes share a page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files
from math import ceil, isfinite

from ..colours import PALETTE
from ..heatmap import HINT
from ..text import BRIEF, clean
from .card_layout import CHIP, HEAT, HIGH, PAD, CardLayout, Point, brief, chip_text, end_of, fold_title, shown
from .frames import Edge, Fold, Frames, Vertex
from .network_columns import ROUND
from .numbers import Number

MARGIN = 16.0
KEY_ROW, GRAD_ROW = 38.0, 55.0
HEADS = {"rest": 8, "now": 14}  # points of arrowheads: what flows is wider than the arrow under it
Box = tuple[float, float, float, float]


def asset(name: str) -> str:
    """Return a file that the page is made of."""
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


def cards_svg(frames: Frames, places: CardLayout, style: str = "") -> str:
    """Return the scene of what is open at the start as one SVG element; `style` comes after that of the scene."""
    wide, high = places.scope.size
    box = (-MARGIN, -MARGIN, wide + 2 * MARGIN, high + 2 * MARGIN)
    return canvas(frames, places, box, style, graph(frames, places))


def canvas(frames: Frames, places: CardLayout, box: Box, style: str, parts: Iterable[str]) -> str:
    """Return an SVG element that shows `box` (left, top, width, height) of the scene, with the parts drawn in it."""
    left, top, wide, high = box
    prefix = prefix_of(frames, places)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="scene" role="img" '
        f'aria-label="Graph of {escape(frames.title)}" '
        f'width="{wide:.0f}" height="{high:.0f}" viewBox="{left:g} {top:g} {wide:.1f} {high:.1f}">'
        f"<style>{colours_css('.scene')}{asset('scene.css')}{asset('heat.css') if places.heats else ''}{style}</style>"
        f"<defs>{''.join(_marker(prefix, name, size) for name, size in HEADS.items())}</defs>"
        f"{''.join(parts)}</svg>\n"
    )


def graph(frames: Frames, places: CardLayout) -> Iterator[str]:
    """Yield frames, curves and cards at the end of both passes."""
    base = places.scope
    yield '<g class="frames">'
    yield from (_frame(fold, base.frames[fold.id]) for fold in frames.folds if fold.id in base.frames)
    yield '</g><g class="edges">'
    yield from _edges(frames, places, prefix_of(frames, places))
    yield '</g><g class="cards">'
    yield from _cards(frames, places, gradients_at_end(frames))
    yield "</g>"


def prefix_of(frames: Frames, places: CardLayout) -> str:
    """Return what the ids of a scene start with: two scenes share a page."""
    return "s" + hashlib.sha256(repr((frames.title, places.scope)).encode()).hexdigest()[:8]


def gradients_at_end(frames: Frames) -> dict[int, Number]:
    """Return the complete gradient of every vertex that one reaches."""
    found: dict[int, Number] = {}
    for step in frames.steps:
        if step.kind == "seed":
            found[step.node] = step.after
        if step.kind == "contribute" and step.target is not None:
            found[step.target] = step.after
        found.update((target, after) for target, _, _, after in step.sent)
    return found


def colours_css(selector: str) -> str:
    """Return the palette as variables of a selector, in light and in dark surroundings."""
    light = "".join(f"--{name}:{colour.light};" for name, colour in PALETTE.items())
    dark = "".join(f"--{name}:{colour.dark};" for name, colour in PALETTE.items() if colour.dark != colour.light)
    return f"{selector}{{{light}}}@media (prefers-color-scheme:dark){{{selector}{{{dark}}}}}"


def path_data(points: Sequence[Point]) -> str:
    """Return the control points of Bezier curves as a path."""
    first, *rest = (f"{x:g},{y:g}" for x, y in points)
    return f"M{first}C{' '.join(rest)}"


def _marker(prefix: str, name: str, size: int) -> str:
    return (
        f'<marker id="{prefix}-{name}" class="head {name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="{size}" '
        f'markerHeight="{size}" markerUnits="userSpaceOnUse" orient="auto-start-reverse">'
        '<path d="M0,.6L8,4L0,7.4Z"/></marker>'
    )


def _frame(fold: Fold, box: Box) -> str:
    x, y, wide, high = box
    return (
        f'<g class="frame {fold.kind}" data-fold="{fold.id}">'
        f'<rect x="{x:g}" y="{y:g}" width="{wide:g}" height="{high:g}" rx="12"/>'
        f'<text x="{x + 10:g}" y="{y + 16:g}">{escape(clean(fold.title))}</text></g>'
    )


def _edges(frames: Frames, places: CardLayout, prefix: str) -> Iterator[str]:
    """Yield the curves; those between two nodes carry the local derivative."""
    curves = places.scope.curves
    edges = {f"e{edge.id}": edge for edge in frames.edges}
    weights = _weights(frames, places)
    for key, curve in curves.items():
        edge = edges.get(key)
        if key in weights:
            yield _weighted(key, path_data(curve.points), weights[key], max(map(abs, weights.values())))
            continue
        flat = " flat" if edge is not None and not edge.carries else ""
        chip = "" if edge is None or curve.chip is None else _chip(curve.chip, edge, frames, places)
        yield (
            f'<g class="edge{flat}" data-edge="{key}"><path class="line" d="{path_data(curve.points)}" '
            f'marker-end="url(#{prefix}-rest)"/>{chip}</g>'
        )


def _weights(frames: Frames, places: CardLayout) -> dict[str, float]:
    """Return what each curve into a circle multiplies by: the local derivative of its one edge."""
    found: dict[str, list[float]] = {}
    for edge in frames.edges:
        head = next((group for group in frames.vertices[edge.head].group_path if group in places.rounds), None)
        if head in places.scope.cards:
            path = frames.vertices[edge.tail].group_path
            tail = next((group for group in path if group not in places.opened), f"n{edge.tail}")
            known = isinstance(edge.local, float) and isfinite(edge.local)
            found.setdefault(f"{tail}-{head}", []).append(float(edge.local) if known else 0.0)  # type: ignore[arg-type]
    return {key: weights[0] for key, weights in found.items() if len(weights) == 1 and key in places.scope.curves}


def _weighted(key: str, data: str, weight: float, most: float) -> str:
    """Return a curve as wide as its weight is large, in the colour and the stroke of its sign."""
    sign = "above" if weight > 0 else "below" if weight < 0 else "none"
    wide = 0.6 + 2.4 * abs(weight) / (most or 1.0)
    return f'<g class="edge {sign}" data-edge="{key}"><path class="line" d="{data}" stroke-width="{wide:.2f}"/></g>'


def _chip(at: Point, edge: Edge, frames: Frames, places: CardLayout) -> str:
    wide, high = places.widths.get(f"e{edge.id}", CHIP[0]), CHIP[1]
    shape = frames.vertices[edge.tail].shape
    return (
        f'<g class="chip" transform="translate({at[0]:g} {at[1]:g})">'
        f"<title>{escape(_chip_title(edge, shape, frames.vertices[edge.head]))}</title>"
        f'<rect x="{-wide / 2:g}" y="{-high / 2 + 1:g}" width="{wide:g}" height="{high - 2:g}" rx="9"/>'
        f'<text y="4">{escape(chip_text(edge, shape))}</text></g>'
    )


def _chip_title(edge: Edge, shape: tuple[int, ...], head: Vertex) -> str:
    """Return the local derivative or product in symbols, and the shape of what travels along an edge of arrays."""
    if not shape and not head.shape:
        return edge.symbols
    return f"{'vjp: ' if edge.local is None else ''}{edge.symbols} · shape {shape}"


def _cards(frames: Frames, places: CardLayout, ends: dict[int, Number]) -> Iterator[str]:
    seen = places.scope.cards
    for vertex in frames.vertices:
        if f"n{vertex.id}" in seen:
            yield _node_card(vertex, vertex.id == len(frames.vertices) - 1, ends.get(vertex.id), places)
    for fold in frames.folds:
        if fold.id in seen:
            yield _fold_card(fold, frames, ends, places)


def _node_card(vertex: Vertex, root: bool, grad: Number, places: CardLayout) -> str:
    kind = "leaf" if not vertex.op else "root" if root else "inner"
    wide, text = places.widths[f"n{vertex.id}"], shown(vertex.data)
    key, value = ("data", text) if len(text) <= BRIEF and "norm" not in text else ("shape", str(vertex.shape))
    rows = [
        _row(key, value, KEY_ROW, "data", wide) + _heat(vertex, "data", value, KEY_ROW, places),
        _row("grad", brief(grad), GRAD_ROW, "grad", wide) + _heat(vertex, "grad", brief(grad), GRAD_ROW, places),
    ]
    return _card(f"n{vertex.id}", kind, vertex.name, vertex.op or "leaf", vertex.equation, rows, places)


def _fold_card(fold: Fold, frames: Frames, ends: dict[int, Number], places: CardLayout) -> str:
    inner = [v for v in frames.vertices if fold.id in v.group_path]
    wide = places.widths[fold.id]
    last = end_of(frames, fold.id, places)
    if fold.id in places.rounds:
        return _round_card(fold, last, ends, places)
    rows = [
        _row("nodes", f"{len(inner)}", KEY_ROW, "data", wide),
        _row("grad", brief(ends.get(last.id)), GRAD_ROW, "grad", wide),
    ]
    return _card(fold.id, "fold", fold_title(fold), "", f"{fold.kind} {fold.title}: {len(inner)} nodes", rows, places)


def _round_card(fold: Fold, last: Vertex, ends: dict[int, Number], places: CardLayout) -> str:
    """Return the circle of a neuron, with its gradient in it."""
    grad = ends.get(last.id)
    x, y = places.scope.cards[fold.id]
    tooltip = f"{fold.kind} {fold.title}: {last.name} = {shown(last.data)}, gradient {shown(grad)}"
    return (
        f'<g class="card fold round" data-card="{fold.id}" transform="translate({x - ROUND / 2:g} {y - ROUND / 2:g})">'
        f"<title>{escape(clean(tooltip))}</title>"
        f'<circle class="body {_tone(grad, ends)}" cx="{ROUND / 2:g}" cy="{ROUND / 2:g}" r="{ROUND / 2:g}"/>'
        f'<text class="value grad" x="{ROUND / 2:g}" y="{ROUND / 2 + 4:g}">{escape(tiny(grad))}</text></g>\n'
    )


def _tone(x: Number, beside: dict[int, Number]) -> str:
    """Return the colour of a number beside others: white at zero, and darker the larger it is."""
    largest = max((abs(each) for each in beside.values() if isinstance(each, float) and isfinite(each)), default=0.0)
    if not isinstance(x, float) or not isfinite(x) or not x:
        return "card"
    return f"{'above' if x > 0 else 'below'}{max(1, ceil(3 * (abs(x) / largest)))}"


def tiny(x: Number) -> str:
    """Return a number as a circle has room for it; nothing for arrays, and where there is none.

    >>> tiny(-0.28374), tiny(12.345), tiny(1.6e-7), tiny(0.0), tiny(None)
    ('-0.28', '12', '2e-07', '0', '')
    """
    if not isinstance(x, float):
        return ""
    if 0.005 <= abs(x) < 9.995:
        return f"{x:.2f}"
    return f"{x:.0f}" if not x or 1.0 <= abs(x) < 999.5 else f"{x:.0e}"


def _row(key: str, value: str, y: float, kind: str, wide: float) -> str:
    return (
        f'<text class="key {kind}-key" x="{PAD:g}" y="{y:g}">{key}</text>'
        f'<text class="value {kind}" x="{wide - PAD:g}" y="{y:g}">{escape(value)}</text>'
    )


def _heat(vertex: Vertex, kind: str, beside: str, y: float, places: CardLayout) -> str:
    """Return the heat map in a row of an array's card; it is not seen beside entries, which say more."""
    heat = places.heats.get(f"n{vertex.id} {kind}")
    if heat is None:
        return ""
    (wide, high), rows, columns = heat.cell, len(heat.tones), len(heat.tones[0])
    top = y - 4.5 - rows * high / 2
    away = " away" if beside.startswith("[") else ""
    cells = "".join(f'<path class="{tone}" d="{path}"/>' for tone, path in heat.paths().items())
    return (
        f'<g class="heat heat-{kind}{away}" transform="translate({HEAT:g} {top:g})">'
        f"<title>{escape(heat.words + HINT)}</title>"
        f'<rect width="{columns * wide:g}" height="{rows * high:g}"/>'
        f'<g transform="scale({wide:g} {high:g}) translate(0 .5)">{cells}</g></g>'
    )


def _card(id: str, kind: str, name: str, op: str, tooltip: str, rows: list[str], places: CardLayout) -> str:
    wide = places.widths[id]
    x, y = places.scope.cards[id]
    stop = '<circle class="stop" r="6"/>' if kind != "fold" else ""
    pile = f'<rect class="pile" x="4" y="-4" width="{wide:g}" height="{HIGH:g}" rx="9"/>' if kind == "fold" else ""
    return (
        f'<g class="card {kind}" data-card="{id}" transform="translate({x - wide / 2:g} {y - HIGH / 2:g})">'
        f"<title>{escape(clean(tooltip))}</title>{pile}"
        f'<rect class="body" width="{wide:g}" height="{HIGH:g}" rx="9"/>'
        f'<path class="rule" d="M0,23.5h{wide:g}"/>'
        f'<rect class="slot" x="{wide / 2:g}" y="43" width="{wide / 2 - 6:g}" height="16" rx="4"/>'
        f'<text class="name" x="{PAD:g}" y="16">{escape(name)}</text>'
        f'<text class="op" x="{wide - PAD:g}" y="16">{escape(op)}</text>'
        f"{''.join(rows)}{stop}</g>\n"
    )
