"""Blank graphs: the picture of a question's graph, with slots to fill in where something is asked for."""

from __future__ import annotations

from dataclasses import replace

from autograd_mini import Node

from ..graph.boxes import CONSTANT, LEAF, LOCAL, Arrow, Box
from ..graph.draw import Drawing, draw
from ..text import DASH

SLOT = "_____"

WIDEST = 560.0  # points of a picture from left to right that a page has room for; a wider one goes down


def blank_graph(root: Node, known: tuple[str, ...] | None) -> Drawing:
    """Return the graph of a root with local derivatives and gradients left blank.

    The data of the nodes that are `known` is printed (None: of all); nothing hidden stands in a tooltip either.
    """
    drawn = draw(root, names={})
    boxes = tuple(_blank(box, known is None or box.name in known) for box in drawn.picture.boxes)
    arrows = tuple(_blank_arrow(arrow) for arrow in drawn.picture.arrows)
    picture = replace(drawn.picture, boxes=boxes, arrows=arrows)
    across = Drawing(picture)
    return across if _wide(across.svg) <= WIDEST else Drawing(picture, "TB")


def _wide(svg: str) -> float:
    """Return the width of a drawing in points."""
    return float(svg.partition('width="')[2].partition("pt")[0])


def _blank(box: Box, is_known: bool) -> Box:
    """Return a box with slots for its gradient, and for its data where that can be computed."""
    if box.kind == CONSTANT:
        return replace(box, heats=())
    data = DASH if box.kind == LEAF else SLOT
    rows = [(key, value if is_known or key == "shape" else data) for key, value in box.rows if key != "grad"]
    return replace(
        box, rows=(*rows, ("grad", SLOT)), heats=(), tooltip=f"{box.name} = {box.formula}" if box.formula else box.name
    )


def _blank_arrow(arrow: Arrow) -> Arrow:
    """Return an arrow with a slot for its local derivative; that it is 0 is not shown."""
    local = SLOT if arrow.local else ""
    return replace(arrow, local=local, chip=LOCAL if local else arrow.chip, tooltip="")
