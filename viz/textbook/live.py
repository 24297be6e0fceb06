"""`live`: the picture of a network that follows its training in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from html import escape
from math import isfinite
from time import perf_counter
from typing import Any

from ..colours import light
from ..drawing import PictureError
from ..notebook import kernel
from ..text import number
from .draw import NetworkDrawing, network

PAUSE = 0.3  # seconds from one picture to the next, at least
SHARE = 50  # how many times as long as it takes to draw a picture the training goes on before the next
WIDE, HIGH, POINTS = 320, 48, 160  # of the curve of losses, and how many of them it shows
ELSEWHERE = (
    "viz.live moves a picture in a notebook, and this is none: fit shows a bar with progress=True; after the training "
    'viz.network(model).save("network.svg") draws the network, and viz.loss_curve(history) its losses'
)
IN_MARIMO = 'in marimo viz.live needs anywidget, which is not installed: pip install "autograd-mini[notebook]"'


class Live:
    """A callback of `nn.fit`: it draws the network anew a few times a second, and when the cell has ended."""

    only_looks = True  # at the model: nn.fit need not see whether it was rebuilt

    def __init__(self, drawing: NetworkDrawing) -> None:
        self._drawing = drawing
        self._losses: list[tuple[int, float]] = []  # epoch and loss
        self._due = perf_counter() + PAUSE
        self._put = self._shown()

    def __repr__(self) -> str:
        return f"<Live picture of {self._drawing.view.network.title}>"

    def __call__(self, model: Any, record: Mapping[str, Any]) -> None:
        """Take the record of an epoch, and draw where the last picture is old enough."""
        self._losses.append((record.get("epoch", len(self._losses) + 1), float(record["loss"])))
        kernel.after_cell(self, self.update)
        now = perf_counter()
        if now >= self._due:
            self.update()
            self._due = now + max(PAUSE, SHARE * (perf_counter() - now))

    def update(self) -> None:
        """Draw the network as it is now."""
        self._put(self.html)

    @property
    def html(self) -> str:
        """The network as it is now, the last epoch and its loss, and the curve of the losses."""
        return self._drawing.now + _told(self._losses)

    def _shown(self) -> Callable[[str], None]:
        """Show the first picture, and return what puts another in its place; PictureError where there is no way."""
        if kernel.takes_widgets():
            return _as_widget(self)
        if kernel.in_marimo():
            raise PictureError(IN_MARIMO)
        if kernel.shell() is None:
            raise PictureError(ELSEWHERE)
        return _as_output(self)


def live(model: Any, x: Any = None, *, show: str = "weights", most: int | None = 16) -> Live:
    """Show the picture of a network in a notebook, and return the callback with which it follows a training.

    `nn.fit(model, X, y, ..., callbacks=[viz.live(model)])` draws it at most three times a second, and less often where
    that takes long: it costs about 2 % of the training. A loop of your own calls
    `picture(model, {"loss": loss})`. The arguments are those of `viz.network`. PictureError where no notebook runs
    this: the message says what to do there.

    >>> from nn import MLP
    >>> live(MLP(2, [3, 1], "tanh", rng=0))
    Traceback (most recent call last):
    viz.drawing.PictureError: viz.live moves a picture in a notebook, and this is none: ...
    """
    return Live(network(model, x, show=show, most=most))


def _as_widget(picture: Live) -> Callable[[str], None]:
    from ..notebook.widgets import Picture

    widget = Picture(lambda: picture.html)
    if kernel.in_marimo():
        sys.modules["marimo"].output.append(widget)
    else:
        _display()(widget)
    return lambda html: setattr(widget, "picture", html)


def _as_output(picture: Live) -> Callable[[str], None]:
    handle = _display()({"text/html": picture.html}, raw=True, display_id=True)
    return lambda html: handle.update({"text/html": html}, raw=True)


def _display() -> Any:
    return sys.modules["IPython"].display.display


def _told(losses: list[tuple[int, float]]) -> str:
    """Return the last epoch and its loss, and the curve of all, as HTML."""
    if not losses:
        return ""
    epoch, loss = losses[-1]
    return f'<p style="font:13px system-ui,sans-serif">epoch {epoch}, loss {escape(number(loss))}</p>{_curve(losses)}'


def _curve(losses: list[tuple[int, float]]) -> str:
    few = [y for _, y in losses[:: 1 + len(losses) // POINTS] if isfinite(y)]
    low, span = min(few, default=0.0), (max(few, default=0.0) - min(few, default=0.0)) or 1.0
    at = [
        (4 + i * (WIDE - 8) / max(1, len(few) - 1), 4 + (HIGH - 8) * (1 - (y - low) / span)) for i, y in enumerate(few)
    ]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    line = f'<polyline points="{points}" fill="none" stroke="{light("below")}" stroke-width="2"/>'
    return (
        f'<svg role="img" aria-label="losses" width="{WIDE}" height="{HIGH}" viewBox="0 0 {WIDE} {HIGH}">{line}</svg>'
    )
