"""`bricks`: a network as layers laid end to end, each with its equations; between them what goes on, and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from ..colours import light
from ..drawing import SvgDrawing, Writers, painted
from ..text import measured
from .parts import Layer, Network, network_of
from .svg import LINE, MARGIN, SIZE, element, written
from .view import SMALL, equations

ZOOM = 1.5  # pixels of PNG for one of SVG, as in `draw`
HEAD = 34.0  # from the top of a brick to its first line
PAD, ROUND, HEADS = 12.0, 6.0, 6.0  # beside the lines of a brick; its corners; of an arrow
TOP = 40.0  # of the bricks, below the title

WRITERS: Writers = {
    ".svg": lambda drawing: drawing.svg.encode(),
    ".png": lambda drawing: painted(drawing.svg, ZOOM),
    ".txt": lambda drawing: drawing.text.encode(),
}


class BrickDrawing(SvgDrawing):
    """A picture of a network's layers as bricks; a notebook shows it. `.svg` and `.text` are text."""

    writers = WRITERS

    def __init__(self, network: Network) -> None:
        self.network = network

    def __repr__(self) -> str:
        return f"<BrickDrawing of {self.network.title}>"

    @cached_property
    def svg(self) -> str:
        """The picture as one self-contained SVG element, light or dark as the reader's screen is."""
        placed = list(_placed(self.network))
        wide = max(placed[-1].right + MARGIN, 2 * MARGIN + measured(self.network.title, SIZE + 1, True))
        low = TOP + max(brick.high for brick in placed) + MARGIN
        return element("".join(_drawn(self.network, placed)), self.network.title, self.text, (0.0, 0.0, wide, low))

    @property
    def text(self) -> str:
        """The picture in words, a line for each layer."""
        rows = [f"{name} {'; '.join(lines)}" for name, lines in zip(_names(self.network), _lines(self.network))]
        return "\n".join([self.network.title, *rows]) + "\n"


def bricks(model: Any) -> BrickDrawing:
    """Draw the layers [0], [1], ... of a network as bricks: in each its equations and the shapes of W and b, between
    two of them a, which goes on, and dL/da, which comes back; at the end the loss.

    `model` is what `viz.network` takes; PictureError for what is none.

    >>> from nn import MLP
    >>> bricks(MLP(2, [3, 1], "tanh", rng=0))
    <BrickDrawing of MLP 2-3-1, 13 parameters>
    """
    return BrickDrawing(network_of(model))


class Brick(NamedTuple):
    """A layer in its place: its lines, its left edge, width and height, and the room to the brick on its right."""

    lines: tuple[str, ...]
    left: float
    wide: float
    high: float
    gap: float

    @property
    def right(self) -> float:
        """The left edge of the next brick."""
        return self.left + self.wide + self.gap


def _names(network: Network) -> list[str]:
    return [*(f"[{i}]" for i in range(len(network.widths))), "loss"]


def _lines(network: Network) -> list[tuple[str, ...]]:
    """Return what stands in each brick."""
    first = ("a[0] = x", f"{network.widths[0]} inputs")
    return [first, *(_layer(i, layer) for i, layer in enumerate(network.layers, 1)), ("L(a, y)",)]


def _layer(i: int, layer: Layer) -> tuple[str, ...]:
    shapes = [f"W[{i}] {layer.W.shape}", *([] if layer.b is None else [f"b[{i}] {layer.b.shape}"])]
    return (*equations(i, layer), *shapes, *(f"then {part}" for part in layer.after))


def _placed(network: Network) -> Iterator[Brick]:
    """Yield the bricks from left to right, all as high as the highest."""
    lines = _lines(network)
    high = HEAD + max(map(len, lines)) * LINE + PAD
    left = MARGIN
    for i, texts in enumerate(lines):
        wide = 2 * PAD + max(measured(text, SMALL) for text in texts)
        between = _sent(network, i) if i < len(network.widths) else ()
        gap = 2 * PAD + max(measured(text, SMALL) for text in between) if between else 0.0
        brick = Brick(texts, left, wide, high, gap)
        yield brick
        left = brick.right


def _sent(network: Network, i: int) -> tuple[str, str]:
    """Return what goes forward from a layer, and what comes back to it."""
    return f"a[{i}] ({network.widths[i]},)", f"dL/da[{i}]"


def _drawn(network: Network, placed: list[Brick]) -> Iterator[str]:
    yield written(network.title, MARGIN, MARGIN + SIZE, "start", "ink", SIZE + 1, True)
    for i, (name, brick) in enumerate(zip(_names(network), placed)):
        yield from _brick(brick, name)
        if brick.gap:
            yield from _arrows(brick, *_sent(network, i))


def _brick(brick: Brick, name: str) -> Iterator[str]:
    place = f'x="{brick.left:g}" y="{TOP:g}" width="{brick.wide:g}" height="{brick.high:g}" rx="{ROUND:g}"'
    yield f'<rect {place} fill="{light("card")}" stroke="{light("rim")}" stroke-width="1.5"/>\n'
    middle = brick.left + brick.wide / 2
    yield written(name, middle, TOP + 20, "middle", "ink", SIZE, True)
    for n, line in enumerate(brick.lines):
        role = "ink" if "=" in line else "muted"
        yield written(line, middle, TOP + HEAD + (n + 0.7) * LINE, "middle", role)


def _arrows(brick: Brick, forward: str, back: str) -> Iterator[str]:
    """Yield the arrow to the next brick, with what goes forward above it, and the one back, with the gradient below."""
    left, right = brick.left + brick.wide + 3, brick.right - 3
    middle, high, low = (left + right) / 2, TOP + brick.high * 0.4, TOP + brick.high * 0.65
    yield _arrow(left, right, high, "ink", "")
    yield written(forward, middle, high - 8, "middle", "ink")
    yield _arrow(right, left, low, "below", ' stroke-dasharray="7 3"')
    yield written(back, middle, low + 17, "middle", "below")


def _arrow(x: float, to: float, y: float, role: str, dashes: str) -> str:
    tip = HEADS if to > x else -HEADS
    pen = f'fill="none" stroke="{light(role)}" stroke-width="2"'
    head = f"M{to - tip:g} {y - HEADS * 0.7:g}L{to:g} {y:g}L{to - tip:g} {y + HEADS * 0.7:g}"
    return f'<path d="M{x:g} {y:g}H{to:g}" {pen}{dashes}/><path d="{head}" {pen}/>\n'
