"""Frames -> animation: both passes as one SVG that CSS keyframes move, without scripts, or as one still per step.

What is drawn below is the end of both passes. Above it, covers hide each number until its step, rings and curves mark
where the step is, a bar grows, and a caption says what happens. Without motion only the picture below is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from math import ceil, inf
from typing import NamedTuple

from ..text import ELLIPSIS, clean, measured
from .card_layout import HIGH, PAD, CardLayout, brief, end_of
from .card_svg import GRAD_ROW, KEY_ROW, MARGIN, Box, asset, canvas, graph, path_data, prefix_of, tiny
from .frames import Frames, Step
from .network_columns import ROUND
from .scopes import curve_key
from .sentences import sentences

SECONDS = 1.4  # that a step is shown
LAST = 3  # times as long for the last one
ROOM = 420.0  # points of width that a sentence needs
VIEW = 1280.0  # points of width that a still shows of a wider graph
EVEN = 2.0  # points of which a still's sides are multiples, so that they are whole pixels at 1.5 of them a point
LETTERS, LINE = 14.0, 18.0  # points of the letters of a caption, and of a line
LINES = 3  # lines of a caption at most
ABOVE = 14.0  # points between the graph and the caption
BAR = ".scene .bar{fill:var(--grad)}"
WORD = re.compile(r"\S{1,20}\s*")  # what is not parted at the end of a line


def animation_of(frames: Frames, places: CardLayout) -> str:
    """Return both passes as an animated SVG; the groups that are closed in `places` are folded in `frames`."""
    film = _Film(frames, places)
    pieces = list(film.pieces())
    over = [piece.drawn(f" timed {piece.timing}") for piece in pieces]
    style = asset("animation.css") + BAR + "".join(_keyframes(pieces, film.end))
    return canvas(frames, places, film.box(0), style, [*graph(frames, places), *over])


class Still(NamedTuple):
    """A part of the scene as (left, top, width, height), and what is drawn there as SVG of that size."""

    box: Box
    svg: str


def stills_of(frames: Frames, places: CardLayout, style: str = "") -> Iterator[Still]:
    """Yield the graph at the end of both passes, then for each step what lies over it, all of one size.

    A step shows at most 1280 points of a wide graph: those around its cards. `style` comes after the animation's.

    >>> from autograd_mini import Value
    >>> from .frames import frames_of
    >>> from .card_layout import card_layout_of
    >>> x = Value(3.0, label="x"); frames = frames_of(x.tanh())
    >>> [still.box[2] for still in stills_of(frames, card_layout_of(frames))]
    [360.0, 452.0, 452.0, 452.0, 452.0]
    """
    film = _Film(frames, places, VIEW)
    pieces = list(film.pieces())
    style = asset("animation.css") + BAR + style
    yield Still(film.ground(), canvas(frames, places, film.ground(), style, graph(frames, places)))
    for step in frames.steps:
        over = (piece.drawn() for piece in pieces if piece.start <= step.i < piece.end)
        yield Still(film.box(step.i), canvas(frames, places, film.box(step.i), style, over))


def seconds_of(frames: Frames) -> list[float]:
    """Return how long each step is shown."""
    return [SECONDS] * (len(frames.steps) - 1) + [LAST * SECONDS]


class _Piece(NamedTuple):
    """An element that is seen from the step `start` to before the step `end`, with its classes and attributes."""

    start: int
    end: int
    tag: str
    kind: str
    place: str
    content: str = ""

    @property
    def timing(self) -> str:
        """The class that all pieces of this interval have."""
        return f"t{self.start}-{self.end}"

    def drawn(self, timing: str = "") -> str:
        """Return the element as SVG."""
        return f'<{self.tag} class="{self.kind}{timing}" {self.place}>{self.content}</{self.tag}>'


def _keyframes(pieces: Iterable[_Piece], end: int) -> Iterator[str]:
    """Yield the rules for the intervals of all pieces."""
    length = end - 1 + LAST
    for piece in {piece.timing: piece for piece in pieces}.values():
        stops = {0: 0, piece.start: 1} | ({piece.end: 0} if piece.end < end else {})
        rules = "".join(f"{100 * at / length:.3f}%{{opacity:{seen}}}" for at, seen in stops.items())
        name, time = piece.timing, f"{SECONDS * length:.1f}s step-end infinite"
        yield f"@keyframes {name}{{{rules}}}.scene .{name}{{animation:{name} {time}}}"


def _lines(sentence: str, wide: float) -> list[str]:
    """Return a sentence in lines; what would be one line too many is cut."""
    lines = [""]
    for word in WORD.findall(clean(sentence)):
        if lines[-1] and measured(lines[-1] + word.rstrip(), LETTERS) > wide:
            lines.append("")
        lines[-1] += word
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], lines[LINES - 1].rstrip() + ELLIPSIS]


def _even(x: float) -> float:
    return EVEN * ceil(x / EVEN)


class _Film:
    """What is seen when: the pieces that come and go over the end of both passes, and how much of the width."""

    def __init__(self, frames: Frames, places: CardLayout, most: float = inf) -> None:
        self.frames = frames
        self.places = places
        self.end = len(frames.steps)
        self.size = places.scope.size
        self.wide = min(max(self.size[0], ROOM), most)
        self.told = [_lines(sentence, self.wide) for sentence in sentences(frames)]
        self.lefts = list(self._lefts())

    def pieces(self) -> Iterator[_Piece]:
        """Yield everything that is not always seen, from below to above."""
        yield from self.covers()
        yield from self.marks()
        yield from self.captions()

    def ground(self) -> Box:
        """Return the box of the whole graph."""
        return (-MARGIN, -MARGIN, _even(self.size[0] + 2 * MARGIN), _even(self.size[1] + 2 * MARGIN))

    def box(self, step: int) -> Box:
        """Return what is seen in a step: the graph, or as much of it as there is room for, and the caption."""
        high = self.ground()[3] + ABOVE + LINE * max(map(len, self.told))
        return (self.lefts[step] - MARGIN, -MARGIN, _even(self.wide + 2 * MARGIN), high)

    def _lefts(self) -> Iterator[float]:
        """Yield where what is seen begins: it moves as little as shows the cards of the step, and never off the graph.

        A graph that is narrower than its sentences lies in the middle.
        """
        left, room = _even((min(self.size[0] - self.wide, 0)) / 2), _even(max(self.size[0] - self.wide, 0))
        yield left
        for step in self.frames.steps[1:]:
            boxes = [self.card_box(card) for card in self.cards(step)]
            last = max(x + wide for x, _, wide in boxes)
            first = min(x for x, _, _ in boxes)
            if room:
                left = _even(min(max(left, last - self.wide, 0), first, room))
            yield left

    def cards(self, step: Step) -> list[str]:
        """Return the card of a step, and those to which something flows from it."""
        here = step.group_path[-1] if step.kind == "group" else self.card(step.node)
        goals = [step.target] if step.target is not None else [sent[0] for sent in step.sent]
        return list(dict.fromkeys([here, *map(self.card, goals)]))

    def card(self, vertex: int) -> str:
        """Return the card that shows a vertex."""
        path = self.frames.vertices[vertex].group_path
        return next((group for group in path if group not in self.places.opened), f"n{vertex}")

    def card_box(self, card: str) -> tuple[float, float, float]:
        """Return the left and the top of a card, and its width."""
        wide, high = self.places.size(card)
        x, y = self.places.scope.cards[card]
        return x - wide / 2, y - high / 2, wide

    # What is hidden until its time

    def covers(self) -> Iterator[_Piece]:
        """Yield what hides the numbers that are not there yet, and the totals on their way."""
        for step in self.frames.steps:
            if step.kind == "compute":
                yield self._cover(self.card(step.node), KEY_ROW, 0, step.i)
        for vertex, changes in self._changes().items():
            card = self.card(vertex)
            if vertex != self._shown(card):
                continue
            first = next(iter(changes))
            if card in self.places.rounds:
                yield from self._round(card, vertex, first)
                continue
            yield self._cover(card, GRAD_ROW, 0, first)
            yield self._slot(card, first)
            for (start, total), end in zip(changes.items(), [*list(changes)[1:]]):
                yield self._cover(card, GRAD_ROW, start, end)
                yield self._total(card, total, start, end)

    def _shown(self, card: str) -> int:
        """Return the vertex whose gradient a card shows: of a group, its last."""
        if card.startswith("n"):
            return int(card[1:])
        return end_of(self.frames, card, self.places).id

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

    def _cover(self, card: str, row: float, start: int, end: int) -> _Piece:
        x, y, wide = self.card_box(card)
        vertex = None if not card.startswith("n") else self.frames.vertices[int(card[1:])]
        last = len(self.frames.vertices) - 1
        kind = "fold" if vertex is None else "leaf" if not vertex.op else "root" if vertex.id == last else "plain"
        place = f'x="{x + 36:g}" y="{y + row - 12:g}" width="{wide - 40:g}" height="16"'
        return _Piece(start, end, "rect", f"cover {kind}", place)

    def _round(self, card: str, vertex: int, end: int) -> Iterator[_Piece]:
        """Yield what a circle shows before its gradient has come: nothing, then what the neuron has computed."""
        start = next(step.i for step in self.frames.steps if step.kind == "group" and step.group_path[-1] == card)
        x, y = self.places.scope.cards[card]
        yield _Piece(0, end, "circle", "cover plain", f'cx="{x:g}" cy="{y:g}" r="{ROUND / 2 - 1:g}"')
        said = escape(tiny(self.frames.vertices[vertex].data))
        yield _Piece(start, end, "text", "value middle", f'x="{x:g}" y="{y + 4:g}"', said)

    def _slot(self, card: str, end: int) -> _Piece:
        x, y, wide = self.card_box(card)
        place = f'x="{x + wide / 2:g}" y="{y + GRAD_ROW - 12:g}" width="{wide / 2 - 6:g}" height="16" rx="4"'
        return _Piece(0, end, "rect", "dashed", place)

    def _total(self, card: str, total: str, start: int, end: int) -> _Piece:
        x, y, wide = self.card_box(card)
        place = f'x="{x + wide - PAD:g}" y="{y + GRAD_ROW:g}"'
        return _Piece(start, end, "text", "value grad", place, escape(total))

    # Where the step is

    def marks(self) -> Iterator[_Piece]:
        """Yield rings around the cards of each step, and the curves along which something flows."""
        for step in self.frames.steps[1:]:
            here, *goals = self.cards(step)
            yield self._ring(here, "", step)
            yield from (self._ring(goal, " goal", step) for goal in goals)
            yield from self._flow(step, here)

    def _ring(self, card: str, kind: str, step: Step) -> _Piece:
        x, y, wide = self.card_box(card)
        high = self.places.size(card)[1]
        place = f'x="{x:g}" y="{y:g}" width="{wide:g}" height="{high:g}" rx="{9 if high == HIGH else high / 2:g}"'
        return _Piece(step.i, step.i + 1, "rect", f"ring{kind}", place)

    def _flow(self, step: Step, here: str) -> Iterator[_Piece]:
        back = step.i > self.frames.turn
        end = f'marker-{"start" if back else "end"}="url(#{prefix_of(self.frames, self.places)}-now)"'
        keys = {
            curve_key(edge, self.card(edge.tail), here): None
            for edge in self.frames.edges
            if self.card(edge.head) == here and step.edge in (None, edge.id) and step.kind not in ("seed", "finish")
        }
        for key in keys:
            curve = self.places.scope.curves.get(key)
            if curve is not None:
                yield _Piece(step.i, step.i + 1, "path", "flow", f'd="{path_data(curve.points)}" {end}')

    def captions(self) -> Iterator[_Piece]:
        """Yield a sentence for each step, and a bar that grows from step to step."""
        top = self.size[1] + ABOVE
        for i, (left, lines) in enumerate(zip(self.lefts, self.told)):
            for n, line in enumerate(lines, start=1):
                at = f'x="{left + self.wide / 2:g}" y="{top + n * LINE:g}"'
                yield _Piece(i, i + 1, "text", "caption", at, escape(line))
            grown = self.wide * (i + 1) / self.end
            yield _Piece(i, i + 1, "rect", "bar", f'x="{left:g}" y="{top - 2:g}" width="{grown:.2f}" height="2"')
