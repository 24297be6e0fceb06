"""Networks in a picture: which frames stand around a box, where these lie, and the curves between layers as bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .boxes import BAND, FLOW, Arrow
from .folding import BAR
from .ownership import LAYER
from .picture import Picture

FAN = 8  # and so many that say how many values pass on each
PAD, HEAD = 8.0, 14.0  # points between a frame and what is in it; more on top, for its name
Rectangle = tuple[float, float, float, float]  # left, low, right, high


def shows_layers(picture: Picture) -> bool:
    """Whether a picture shows a layer that is open."""
    return any(frame.kind == LAYER for frame in picture.frames)


def frames_around(picture: Picture) -> dict[str, tuple[str, ...]]:
    """Return the ids of the frames around each box, outermost first."""
    outer = {frame.id: frame.frame for frame in picture.frames}
    found: dict[str, tuple[str, ...]] = {"": ()}
    for frame in picture.frames:  # those around come first
        found[frame.id] = (*found[outer[frame.id]], frame.id)
    return {box.id: found[box.frame] for box in picture.boxes}


def banded(picture: Picture) -> tuple[Picture, list[tuple[str, str]]]:
    """Return the picture with one band for the arrows between two layers, or between a layer and one box outside, where
    these would be a bar; and, as (tail, head), arrows that keep the order of what a band joins.

    A band runs from the middle box of one layer to that of the other, and says how many arrows it stands for.
    """
    layers = {frame.id for frame in picture.frames if frame.kind == LAYER}
    end_of = {box.id: box.frame if box.frame in layers else box.id for box in picture.boxes}
    runs: dict[tuple[str, str], list[Arrow]] = {}
    for arrow in picture.arrows:
        runs.setdefault((end_of[arrow.tail], end_of[arrow.head]), []).append(arrow)
    bars = [run for ends, run in runs.items() if ends[0] != ends[1] and _is_bar(run, layers.issuperset(ends))]
    bands = [_band(f"band{i}", run) for i, run in enumerate(bars)]
    gone = {arrow.id for run in bars for arrow in run}
    kept = [arrow for arrow in picture.arrows if arrow.id not in gone]
    order = dict.fromkeys(pair for run, band in zip(bars, bands) for pair in _pulls(run, band))
    return replace(picture, arrows=(*bands, *kept)), list(order)


def _is_bar(run: list[Arrow], layers: bool) -> bool:
    """Whether arrows are too many to be drawn one by one: fewer may be where each says that it passes many values."""
    told = all(arrow.chip == FLOW and arrow.local for arrow in run)
    return len(run) > (FAN if told else BAR) and (layers or told)


def later(picture: Picture) -> list[tuple[str, str]]:
    """Return, as (tail, head), arrows that put after a network what is used only after it, as targets are."""
    around = frames_around(picture)
    tails: dict[str, list[str]] = {id: [] for id in around}
    for arrow in picture.arrows:
        tails[arrow.head].append(arrow.tail)
    found: list[tuple[str, str]] = []
    for network in [frame.id for frame in picture.frames if not frame.frame]:
        members = {id for id, frames in around.items() if frames[:1] == (network,)}
        before = set(members)
        stack = list(members)
        while stack:
            new = [tail for tail in tails[stack.pop()] if tail not in before]
            before.update(new)
            stack += new
        used = {tail for id in members for tail in tails[id]}
        free = [id for id in around if not tails[id] and id not in before]
        found += [(id, each) for id in around if id in members and id not in used for each in free]
    return found


def _band(id: str, run: list[Arrow]) -> Arrow:
    tails, heads = (list(dict.fromkeys(ends)) for ends in zip(*((arrow.tail, arrow.head) for arrow in run)))
    many = [str(len(ends)) for ends in (tails, heads) if len(ends) > 1]
    texts = {arrow.local for arrow in run if arrow.chip == FLOW}
    if len(run) != len(tails) * len(heads) or len(texts) != 1:
        text = f"{len(run):,} arrows"
    else:
        text = " × ".join([*many, *filter(None, texts)]) + (f" = {len(run):,}" if texts == {""} else "")
    carries = any(arrow.carries for arrow in run)
    return Arrow(id, tails[len(tails) // 2], heads[len(heads) // 2], text, carries, f"{len(run):,} arrows", BAND)


def _pulls(run: list[Arrow], band: Arrow) -> list[tuple[str, str]]:
    tail, head = band.tail, band.head
    return [(tail, arrow.head) for arrow in run] + [(arrow.tail, head) for arrow in run]


def frames_of(picture: Picture, boxes: Mapping[str, Rectangle]) -> dict[str, Rectangle] | None:
    """Return where each frame lies around its boxes; None where another box would lie in it."""
    around = frames_around(picture)
    found: dict[str, Rectangle] = {}
    for frame in reversed(picture.frames):
        inner = [boxes[id] for id, frames in around.items() if frames[-1:] == (frame.id,)]
        inner += [found[each.id] for each in picture.frames if each.frame == frame.id and each.id in found]
        if inner:
            left, low, right, high = zip(*inner)
            found[frame.id] = (min(left) - PAD, min(low) - PAD, max(right) + PAD, max(high) + PAD + HEAD)
    foreign = ((id, frame) for id, frames in around.items() for frame in found if frame not in frames)
    return None if any(_meet(boxes[id], found[frame]) for id, frame in foreign) else found


def _meet(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def faces(
    picture: Picture, boxes: Mapping[str, Rectangle], frames: Mapping[str, Rectangle], upright: bool
) -> dict[str, tuple[Rectangle, Rectangle]]:
    """Return, for each band, the two rectangles that it joins, where nothing stands between them."""
    frame_of = {box.id: box.frame for box in picture.boxes}
    layers = {frame.id: frames[frame.id] for frame in picture.frames if frame.kind == LAYER and frame.id in frames}
    found: dict[str, tuple[Rectangle, Rectangle]] = {}
    for band in picture.arrows:
        if band.chip == BAND and frames:
            ends = [layers.get(frame_of[id], boxes[id]) for id in (band.tail, band.head)]
            room = _between(ends[0], ends[1], upright)
            if room[0] < room[2] and room[1] < room[3] and not any(_meet(box, room) for box in boxes.values()):
                found[band.id] = ends[0], ends[1]
    return found


def _between(a: Rectangle, b: Rectangle, upright: bool) -> Rectangle:
    """Return what lies between two rectangles along the layers, across as far as either of them."""
    if upright:
        return min(a[0], b[0]), min(a[3], b[3]), max(a[2], b[2]), max(a[1], b[1])
    return min(a[2], b[2]), min(a[1], b[1]), max(a[0], b[0]), max(a[3], b[3])
