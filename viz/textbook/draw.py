"""`network`: a model as the textbook draws it, as SVG, PNG and text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from autograd_mini.data import ignoring_fp_warnings

from ..drawing import PictureError, SvgDrawing, Writers, painted
from ..notebook.bundle import bundle_of
from .parts import network_of, prepared, run
from .svg import svg_of
from .view import GRADIENTS, MEANT, PRODUCTS, View, view_of, words_of

ZOOM = 1.5  # pixels of PNG for one of SVG: 144 dots per inch


WRITERS: Writers = {
    ".svg": lambda drawing: drawing.svg.encode(),
    ".png": lambda drawing: drawing.png,
    ".txt": lambda drawing: drawing.text.encode(),
}


class NetworkDrawing(SvgDrawing):
    """A picture of a network as it was when it was drawn; a notebook shows it.

    `.svg` and `.text` are text, `.png` is bytes: on white, at 144 dots per inch (ExtraError without the extra `gif`).
    """

    writers = WRITERS

    def __init__(self, view: View, look: Callable[[], View] | None = None) -> None:
        self.view = view
        self._look = look or (lambda: view)  # at the model as it is now

    def __repr__(self) -> str:
        return f"<NetworkDrawing of {self.view.network.title}>"

    @cached_property
    def svg(self) -> str:
        """The picture as one self-contained SVG element, light or dark as the reader's screen is."""
        return ignoring_fp_warnings(svg_of, self.view)

    @cached_property
    def png(self) -> bytes:
        """The picture as PNG."""
        return painted(self.svg, ZOOM)

    @cached_property
    def widget(self) -> Any:
        """The picture as a widget of a notebook: it follows the model, and a curve that is chosen gets a slider.

        A notebook shows it by itself; `.widget.update()` draws it anew in the midst of a cell. ExtraError without the
        extra `notebook`.
        """
        from ..notebook.widgets import Picture

        return Picture(lambda: self.now, [layer.held for layer in self.view.network.layers])

    @property
    def now(self) -> str:
        """The picture of the model as it is now, and not as it was."""
        return ignoring_fp_warnings(svg_of, self._look())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return bundle_of(super()._repr_mimebundle_(), lambda: self.widget)

    @property
    def text(self) -> str:
        """The picture in words: the equations of each layer, shapes, and what goes in and comes out."""
        return "\n".join(words_of(self.view)) + "\n"


def network(
    model: Any,
    x: Any = None,
    *,
    show: str = "weights",
    most: int | None = 16,
    biases: bool = False,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
) -> NetworkDrawing:
    """Draw a network as the textbook does: layers [0], [1], ... in columns, neurons from top to bottom in order, a
    curve for each weight, coloured by sign; under each layer its equations and shapes.

    `model` is a network, layer or neuron of ours, on Values or on arrays, a fitted estimator with `coefs_` and
    `intercepts_`, a Pipeline that ends in one, or any object that has such parts: W and b (W of shape (d_out, d_in)), w
    and b, lists of neurons, of layers. With a sample `x` of as many numbers as the model takes, circles show a, as in
    use: dropout does nothing.

    `show` is what curves are as wide as, each layer by its own largest: "weights"; "products", w times a of the sample;
    or "gradients", what the last sweep left in the parameters, and circles then show dL/dz, the gradient of their bias,
    inputs dL/dx = W[1]ᵀ dL/dz[1]. A layer of more than `most` neurons shows the first and the last of them (None:
    all); `biases=True` adds a 1 to each layer, and b as its curves; `inputs` and `outputs` are the
    names that stand beside them, one for each.

    What is not finite is dotted and named under its layer. A wrong argument, a model that is not fitted or whose layers
    do not follow each other, raises PictureError.

    >>> from nn import MLP
    >>> network(MLP(2, [16, 16, 1], "tanh", rng=0), [1.0, -2.0])
    <NetworkDrawing of MLP 2-16-16-1, 337 parameters>
    """
    if show not in MEANT:
        raise PictureError(f"show is one of {', '.join(MEANT)}, got {show!r:.40}")
    if most is not None and not (isinstance(most, int) and most >= 2):
        raise PictureError(f"most is a whole number from 2 on, or None, got {most!r:.40}")
    found = network_of(model, inputs, outputs)
    if show == PRODUCTS and x is None:
        raise PictureError('show="products" multiplies weights with what a sample makes of them: pass x')
    if show == GRADIENTS and all(layer.dW is None for layer in found.layers):
        raise PictureError('show="gradients": no weight has a gradient; call backward() on a loss first')

    def look() -> View:
        now = network_of(model, inputs, outputs)
        return ignoring_fp_warnings(
            view_of, now, None if x is None else run(now, prepared(model, x)), show, most, biases
        )

    return NetworkDrawing(look(), look)
