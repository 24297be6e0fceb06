"""The legend: what the kinds of boxes, chips and arrows of a picture mean, as far as they occur in it."""

from __future__ import annotations

from typing import NamedTuple

from ..text import DASH
from .boxes import BAND, CONSTANT, DEAD, FLOW, FOLDED, INNER, LEAF, LOCAL, ROOT
from .picture import Picture


class Sample(NamedTuple):
    """One line: a sample as it looks in the picture (`look` is a kind of box or chip, or ""), and what it means."""

    look: str
    text: str
    meaning: str


BOXES = (
    Sample(LEAF, LEAF, "an input or a parameter"),
    Sample(INNER, "op", "the result of an op"),
    Sample(ROOT, "root", "the end of the graph, where backward() starts"),
    Sample(CONSTANT, "2", "a constant"),
    Sample(FOLDED, "group", "many nodes folded into one box"),
)
CHIPS = (
    Sample(LOCAL, "0.5", "local derivative: times this, the gradient flows back"),
    Sample(DEAD, "0", "dotted arrow: local derivative 0, the gradient stops here"),
    Sample(FLOW, "3 values", "how many numbers pass"),
    Sample(BAND, "8 × 8 = 64", "as many arrows, from each to each"),
)
FLAT = Sample("", "dashed", "arrow without a gradient")
NONE = Sample("", f"grad {DASH}", "no backward sweep has come by")
MARKED = Sample("", "thick", "the path that was asked for")


def samples_of(picture: Picture) -> list[Sample]:
    """Return the lines of the legend of a picture; none where it has no legend."""
    if not picture.legend:
        return []
    kinds = {box.kind for box in picture.boxes}
    chips = {arrow.chip for arrow in picture.arrows if arrow.local}
    found = [sample for sample in BOXES if sample.look in kinds] + [sample for sample in CHIPS if sample.look in chips]
    found += [FLAT] * any(not arrow.carries for arrow in picture.arrows)
    found += [NONE] * any(("grad", DASH) in box.rows for box in picture.boxes)
    return found + [MARKED] * any(arrow.marked for arrow in picture.arrows)
