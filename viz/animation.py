"""Frames -> animation: both passes as one SVG that CSS keyframes move, without scripts.

What is drawn below is the end of both passes. Above it, covers hide each number until its step, rings and curves mark
where the step is, and a caption says what happens. Without motion only the picture below is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from .frames import Frames, Step
from .places import HIGH, PAD, Places, brief
from .scene import GRAD_ROW, KEY_ROW, asset, path_data, prefix_of, scene_of
from .stages import curve_key
from .text import clean
from .wording import sentences

SECONDS = 1.4  # that a step is shown
CAPTION = 44.0  # points under the graph
LETTERS = 7.2  # points of a letter of the caption


def animation_of(frames: Frames, places: Places) -> str:
    """Return both passes as an animated SVG; the groups that are closed in `places` are folded in `frames`."""
    film = _Film(frames, places)
    over = [*film.covers(), *film.marks(), *film.captions()]
    style = asset("animation.css") + "".join(film.keyframes())
    return scene_of(frames, places, style, over=over, below=CAPTION)


class _Film:
    """When each thing is seen: intervals of steps, each with a class of its own."""

    def __init__(self, frames: Frames, places: Places) -> None:
        self.frames = frames
        self.places = places
        self.end = len(frames.steps)
        self.intervals: dict[tuple[int, int], None] = {}

    def timed(self, start: int, end: int) -> str:
        """Return the classes of what is seen from the step `start` to before the step `end`."""
        self.intervals[start, end] = None
        return f"timed t{start}-{end}"

    def keyframes(self) -> Iterator[str]:
        """Yield the rules for all intervals that were asked for; the last step is held three times as long."""
        length = self.end + 2
        for start, end in self.intervals:
            name, stops = f"t{start}-{end}", {0: 0, start: 1}
            if end < self.end:
                stops[end] = 0
            rules = "".join(f"{100 * at / length:.3f}%{{opacity:{seen}}}" for at, seen in stops.items())
            time = f"{SECONDS * length:.1f}s step-end infinite"
            yield f"@keyframes {name}{{{rules}}}.scene .{name}{{animation:{name} {time}}}"

    def card(self, vertex: int) -> str:
        """Return the card that shows a vertex."""
        path = self.frames.vertices[vertex].group_path
        return next((group for group in path if group not in self.places.opened), f"n{vertex}")

    def box(self, card: str) -> tuple[float, float, float]:
        """Return the left and the top of a card, and its width."""
        wide = self.places.widths[card]
        x, y = self.places.scopes[""].cards[card]
        return x - wide / 2, y - HIGH / 2, wide

    # What is hidden until its time

    def covers(self) -> Iterator[str]:
        """Yield what hides the numbers that are not there yet, and the totals on their way."""
        for step in self.frames.steps:
            if step.kind == "compute":
                yield self._cover(self.card(step.node), KEY_ROW, 0, step.i)
        for vertex, changes in self._changes().items():
            card = self.card(vertex)
            if card != f"n{vertex}":
                continue
            first = next(iter(changes))
            yield self._cover(card, GRAD_ROW, 0, first) + self._slot(card, first)
            for (start, total), end in zip(changes.items(), [*list(changes)[1:]]):
                yield self._cover(card, GRAD_ROW, start, end) + self._total(card, total, start, end)

    def _changes(self) -> dict[int, dict[int, str]]:
        """Return for each vertex its totals as text, by the step at which they are reached."""
        found: dict[int, dict[int, str]] = {}
        for step in self.frames.steps:
            if step.kind == "seed":
                found.setdefault(step.node, {})[step.i] = brief(step.after)
            if step.kind == "contribute" and step.target is not None:
                found.setdefault(step.target, {})[step.i] = brief(step.after)
            for target, _, _, after in step.sent:
                found.setdefault(target, {})[step.i] = brief(after)
        return found

    def _cover(self, card: str, row: float, start: int, end: int) -> str:
        x, y, wide = self.box(card)
        vertex = None if not card.startswith("n") else self.frames.vertices[int(card[1:])]
        last = len(self.frames.vertices) - 1
        kind = "fold" if vertex is None else "leaf" if not vertex.op else "root" if vertex.id == last else "plain"
        place = f'x="{x + 36:g}" y="{y + row - 12:g}" width="{wide - 40:g}" height="16"'
        return f'<rect class="cover {kind} {self.timed(start, end)}" {place}/>'

    def _slot(self, card: str, end: int) -> str:
        x, y, wide = self.box(card)
        place = f'x="{x + wide / 2:g}" y="{y + GRAD_ROW - 12:g}" width="{wide / 2 - 6:g}" height="16" rx="4"'
        return f'<rect class="dashed {self.timed(0, end)}" {place}/>'

    def _total(self, card: str, total: str, start: int, end: int) -> str:
        x, y, wide = self.box(card)
        place = f'x="{x + wide - PAD:g}" y="{y + GRAD_ROW:g}"'
        return f'<text class="value grad {self.timed(start, end)}" {place}>{escape(total)}</text>'

    # Where the step is

    def marks(self) -> Iterator[str]:
        """Yield rings around the cards of each step, and the curves along which something flows."""
        for step in self.frames.steps[1:]:
            here = step.group_path[-1] if step.kind == "group" else self.card(step.node)
            yield self._ring(here, "", step)
            goals = [step.target] if step.target is not None else [sent[0] for sent in step.sent]
            for goal in dict.fromkeys(self.card(goal) for goal in goals):
                if goal != here:
                    yield self._ring(goal, " goal", step)
            yield from self._flow(step, here)

    def _ring(self, card: str, kind: str, step: Step) -> str:
        x, y, wide = self.box(card)
        place = f'x="{x:g}" y="{y:g}" width="{wide:g}" height="{HIGH:g}" rx="9"'
        return f'<rect class="ring{kind} {self.timed(step.i, step.i + 1)}" {place}/>'

    def _flow(self, step: Step, here: str) -> Iterator[str]:
        back = step.i > self.frames.turn
        end = f'marker-{"start" if back else "end"}="url(#{prefix_of(self.frames, self.places)}-now)"'
        keys = {
            curve_key(edge, self.card(edge.tail), here): None
            for edge in self.frames.edges
            if self.card(edge.head) == here and step.edge in (None, edge.id) and step.kind not in ("seed", "finish")
        }
        for key in keys:
            curve = self.places.scopes[""].curves.get(key)
            if curve is not None:
                line = path_data(curve.points)
                yield f'<path class="flow {self.timed(step.i, step.i + 1)}" d="{line}" {end}/>'

    def captions(self) -> Iterator[str]:
        """Yield a sentence for each step, cut to the width of the picture."""
        wide, high = self.places.scopes[""].size
        for i, sentence in enumerate(sentences(self.frames)):
            text = escape(clean(sentence, max(40, int(wide / LETTERS))))
            place = f'x="{wide / 2:g}" y="{high + CAPTION - 8:g}"'
            yield f'<text class="caption {self.timed(i, i + 1)}" {place}>{text}</text>'
