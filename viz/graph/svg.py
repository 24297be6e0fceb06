"""Layout -> SVG: we write every element ourselves, so that nothing in the file is anyone's but ours.

A layout program hands over drawing operations (xdot: polygons, curves, texts with their widths). A style
exchanges the colours where the reader's screen is dark; every text is stretched to the width that was planned
for it, so that it fits its cell in whatever font the reader has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

from ..colours import PALETTE, dark_rules, light
from ..heatmap import HINT, TONES, Heat
from .boxes import Arrow, Box
from .dot import PLACE, caption_texts, heats_of, texts_of
from .picture import NAMES, Frame, Picture

FAMILY = "Arial, 'Liberation Sans', Helvetica, sans-serif"
MARGIN = 6.0  # points around the picture
ROUND = 9.0  # radius of the corners of boxes
DASHES = {"dashed": ' stroke-dasharray="5 3"', "dotted": ' stroke-dasharray="1 4" stroke-linecap="round"'}
Op = dict[str, Any]
TONED = {  # the cells of a heat map, by their kind
    **{f"below t{t}": f' stroke="{light("leaf-rim")}" stroke-opacity="{t / TONES:g}"' for t in range(1, TONES + 1)},
    **{f"above t{t}": f' stroke="{light("local-rim")}" stroke-opacity="{t / TONES:g}"' for t in range(1, TONES + 1)},
    "odd": f' stroke="{light("ink")}"',
}


def svg_of(picture: Picture, layout: dict[str, Any], engine: str) -> str:
    """Return the picture as one SVG element. Ids start with a digest of the content: two pictures share a page."""
    _, _, right, top = map(float, layout["bb"].split(","))
    prefix = "g" + hashlib.sha256(repr((picture, layout["bb"], layout.get("rankdir"))).encode()).hexdigest()[:8]
    wide, high = right + 2 * MARGIN, top + 2 * MARGIN
    places = {o["name"]: o for o in layout.get("objects", ())} | {e["id"]: e for e in layout.get("edges", ())}
    frames = [frame for frame in picture.frames if _name(frame) in places]  # not every engine draws them
    items: list[Box | Arrow | Frame] = [*frames, *picture.arrows, *picture.boxes]
    groups = "".join(_group(item, prefix, places[_name(item)], top) for item in items)
    caption = "".join(_elements({"_ldraw_": layout.get("_ldraw_", ())}, iter(caption_texts(picture)), top))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{prefix}" role="img" aria-labelledby="{prefix}-title" '
        f'font-family="{FAMILY}" '
        f'width="{wide:.2f}pt" height="{high:.2f}pt" viewBox="{-MARGIN:g} {-MARGIN:g} {wide:.2f} {high:.2f}">\n'
        f'<title id="{prefix}-title">Graph of {escape(picture.title)}</title>\n'
        f"<desc>{_about(picture)} "
        f"{escape(picture.note + ' ' * bool(picture.note))}Laid out by {escape(engine)}.</desc>\n"
        f"<style>{_style(prefix)}</style>\n{groups}{caption}</svg>\n"
    )


def _about(picture: Picture) -> str:
    """Say what the boxes show."""
    if picture.show == NAMES:
        return "Boxes show names and ops, and no numbers."
    return f"Boxes show data and the gradient of {escape(picture.title)}, arrows local derivatives."


def _style(prefix: str) -> str:
    """Return what holds for this picture alone: it shrinks to the page, and changes its colours in the dark."""
    dark = dark_rules(prefix, PALETTE)
    return f"#{prefix}{{max-width:100%;height:auto}}@media (prefers-color-scheme:dark){{{dark}}}"


def _name(item: Box | Arrow | Frame) -> str:
    """Return what a layout calls a part of the picture."""
    return f"cluster_{item.id}" if isinstance(item, Frame) else item.id


def _group(item: Box | Arrow | Frame, prefix: str, place: Op, top: float) -> str:
    if isinstance(item, Arrow):
        kind = "edge" if item.carries else "edge flat"
    else:
        kind = f"{'node' if isinstance(item, Box) else 'frame'} {item.kind}"
    tooltip = item.name if isinstance(item, Frame) else item.tooltip
    title = f"<title>{escape(tooltip)}</title>" if tooltip else ""
    elements = "".join(_elements(place, iter(texts_of(item)), top, heats_of(item)))
    return f'<g id="{prefix}-{item.id}" class="{kind}">{title}{elements}</g>\n'


def _elements(place: Op, texts: Iterator[str], top: float, pictures: Sequence[Heat] = ()) -> Iterator[str]:
    """Yield an element for each drawing operation of a node or an edge, in the order of drawing.

    The texts are ours: engines hand them back in several ways of escaping.
    """
    heats = iter(pictures)
    for part in ("_draw_", "_hdraw_", "_tdraw_", "_ldraw_"):
        pen: Op = {"c": "", "C": "", "style": "", "width": "", "size": 12.0, "bold": False}
        for op in place.get(part, ()):
            if op["op"] == "T":
                yield _text(op, pen, top, next(texts))
            elif op["op"] == "P" and pen["C"] == PLACE:
                yield _heat(op, next(heats), top)
            elif op["op"] in SHAPES:
                yield SHAPES[op["op"]](op, pen, top)
            else:
                _set(pen, op)


def _heat(op: Op, heat: Heat, top: float) -> str:
    """Return a heat map in its place: lines along the rows, one cell thick, a path for each tone."""
    xs, ys = zip(*op["points"])
    left, high, (wide, deep) = min(xs), top - max(ys), (max(xs) - min(xs), max(ys) - min(ys))
    cells = "".join(f'<path d="{path}"{TONED[tone]}/>' for tone, path in heat.paths().items())
    scale = f"scale({wide / len(heat.tones[0]):.4g} {deep / len(heat.tones):.4g})"
    return (
        f"<g><title>{escape(heat.words + HINT)}</title>"
        f'<rect x="{left:.2f}" y="{high:.2f}" width="{wide:.2f}" height="{deep:.2f}" fill="{light("card")}" '
        f'stroke="{light("rim")}" stroke-width="0.6"/>'
        f'<g transform="translate({left:.2f} {high:.2f}) {scale} translate(0 .5)">{cells}</g></g>'
    )


def _set(pen: Op, op: Op) -> None:
    """Change the pen as an operation says: its colours, its line, its font."""
    if op["op"] in "cC":
        pen[op["op"]] = op["color"].lower()
    elif op["op"] == "S":
        style = op["style"]
        if style.startswith("setlinewidth("):
            pen["width"] = f' stroke-width="{float(style[13:-1]):g}"'
        else:
            pen["style"] = DASHES.get(style, "")
    elif op["op"] == "F":
        pen["size"] = op["size"]
    elif op["op"] == "t":
        pen["bold"] = bool(op["fontchar"] & 1)


def _points(op: Op, top: float) -> list[str]:
    return [f"{x:.2f},{top - y + 0.0:.2f}" for x, y in op["points"]]


def _outline(pen: Op, filled: bool) -> str:
    fill, stroke = _colour(pen["C"]) if filled else "none", _colour(pen["c"])
    return f' fill="{fill}" stroke="{stroke}"{pen["style"]}{pen["width"]}'


def _colour(colour: str) -> str:
    """Return a colour of the layout as SVG writes it: eight digits that end in 00 are transparent."""
    return escape(colour) if colour and not (len(colour) == 9 and colour.endswith("00")) else "none"


def _polygon(op: Op, pen: Op, top: float) -> str:
    if len(op["points"]) == 4:
        return _rectangle(op, pen, top)
    return f'<polygon points="{" ".join(_points(op, top))}"{_outline(pen, op["op"] == "P")}/>'


def _rectangle(op: Op, pen: Op, top: float) -> str:
    """Return the box of a table or a cell with round corners; a rule between rows is one that is not high."""
    xs, ys = zip(*op["points"])
    wide, high = max(xs) - min(xs), max(ys) - min(ys)
    place = f'x="{min(xs):.2f}" y="{top - max(ys) + 0.0:.2f}" width="{wide:.2f}" height="{high:.2f}"'
    if not high:
        return f'<path d="M{min(xs):.2f},{top - max(ys):.2f}h{wide:.2f}"{_outline(pen, False)}/>'
    return f'<rect {place} rx="{min(ROUND, high / 2):.2f}"{_outline(pen, op["op"] == "P")}/>'


def _polyline(op: Op, pen: Op, top: float) -> str:
    return f'<polyline points="{" ".join(_points(op, top))}"{_outline(pen, False)}/>'


def _curve(op: Op, pen: Op, top: float) -> str:
    first, *rest = _points(op, top)
    return f'<path d="M{first}C{" ".join(rest)}"{_outline(pen, op["op"] == "B")}/>'


def _text(op: Op, pen: Op, top: float, text: str) -> str:
    x, y = op["pt"]
    anchor = {"l": "", "c": ' text-anchor="middle"', "r": ' text-anchor="end"'}[op["align"]]
    fit = f' textLength="{op["width"]:.2f}" lengthAdjust="spacingAndGlyphs"' if text.isascii() else ""
    bold = ' font-weight="bold"' if pen["bold"] else ""
    place = f'x="{x:.2f}" y="{top - y:.2f}" font-size="{pen["size"]:g}" fill="{_colour(pen["c"])}"'
    return f"<text {place}{anchor}{bold}{fit}>{escape(text)}</text>"


SHAPES: dict[str, Callable[[Op, Op, float], str]] = {
    "P": _polygon, "p": _polygon, "L": _polyline, "B": _curve, "b": _curve,
}  # fmt: skip
