"""`playground`: one self-contained HTML file in which a network is trained, rewound and stepped through."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_mini.programs.languages.javascript_table import table_source

from ..colours import HUES
from ..drawing import PictureError, Writable, Writers
from ..notebook.bundle import bundle_of, in_marimo_shown
from ..pages import compact, framed, inert, page_of, scripts
from ..stepping.card_svg import asset, colours_css
from ..text import clean
from ..textbook.parts import Network, network_of

SCRIPTS = ("learning.js", "passes.js", "recipe.js", "code.js", "picture.js", "projector.js", "notebook.js", "main.js")
HIDDEN = ("tanh", "relu", "sigmoid", "leaky_relu", "elu", "softplus", "silu", "gelu", "identity")
LAST = (*HIDDEN, "softmax")
CLASSES = 7  # at most, as many as there are colours for
ROWS, WIDE, PARAMETERS = 5_000, 64, 20_000  # what a page learns from, and trains, while somebody watches
NAME = 24  # characters of the name of an input or a class

Array = NDArray[np.float64]

WRITERS: Writers = {suffix: lambda made: made.html.encode() for suffix in (".html", ".htm")}


class Playground(Writable):
    """A page in which a network is trained; a notebook shows it. `.html` is the page, `.save` writes it to a file."""

    writers = WRITERS

    def __init__(self, record: dict[str, Any], title: str, held: Mapping[str, Any]) -> None:
        self.record = record
        self.title = title
        self._held = held  # the parameters of the model that it was given, by their names in the page

    def __repr__(self) -> str:
        return f"<Playground of {self.title}>"

    @cached_property
    def html(self) -> str:
        """The page: one file that needs no network, with a strict Content-Security-Policy."""
        parts = {
            "title": escape(self.title),
            "style": colours_css(":root") + own_asset("page.css"),
            "record": inert(self.record),
            **self._scripts,
        }
        return page_of(own_asset("page.html"), parts)

    @cached_property
    def _scripts(self) -> dict[str, str]:
        return scripts(_code(), compact(asset("start.js")))

    @cached_property
    def widget(self) -> Any:
        """The page as a widget of a notebook: the model that it was given learns with it.

        A notebook shows it by itself. ExtraError without the extra `notebook`.
        """
        from ..notebook.widgets import Page

        return Page(repr(self), self.html, self._scripts["code"], self._held)

    def _repr_html_(self) -> str:
        return framed(repr(self), self.html)

    def _display_(self) -> Any:
        return in_marimo_shown(self._repr_html_(), lambda: self.widget)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return bundle_of({"text/html": self._repr_html_(), "text/plain": repr(self)}, lambda: self.widget)


def own_asset(name: str) -> str:
    """Return a file that the page is made of."""
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


@cache
def _code() -> str:
    """Return the script of the page: the table in JavaScript, the engine of the player, and what is done with them."""
    return "{\n" + "".join(map(compact, source())) + "}\n"


def source() -> list[str]:
    """Return the scripts of the page in their order."""
    known = 'const RECORD = JSON.parse(document.getElementById("record").textContent);'
    hues = f"const HUES = {json.dumps(HUES)};"
    return [known, hues, table_source(False), asset("engine.js"), *map(own_asset, SCRIPTS)]


def playground(
    model: Any = None,
    X: Any = None,
    y: Any = None,
    *,
    inputs: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
) -> Playground:
    """Return a page in which a network is trained, rewound to any epoch, and stepped through, sample by sample.

    Without arguments it begins with two moons; its data can be clicked or pasted there. `X` of shape (n, d_in) and `y`
    are data to learn from: class numbers 0, 1, ... of shape (n,), at most 7 of them and named by `classes`, or
    numbers of shape (n,) or (n, d_out). Every fifth row of 20 or more is held out. `model` is a network that
    `viz.network` takes, at most 64 wide, with activations of the table; the page begins with its weights. `inputs` are
    the names of the d_in inputs.

    The last activation says what the loss is, as in `nn.backprop_recipe`: softmax takes class numbers and the
    cross-entropy, sigmoid numbers in [0, 1] and theirs, all others half the squared error. The page's "as code" is
    the Python that does the same with `nn.fit`. PictureError for what does not fit together, or is too large.

    >>> playground()
    <Playground of A network learns>
    >>> from nn import MLP
    >>> playground(MLP(2, [3, 1], "tanh", rng=0), [[0.0, 1.0], [1.0, 0.0]], [1.5, -0.5])
    <Playground of MLP 2-3-1, 13 parameters>
    """
    if (X is None) != (y is None):
        raise PictureError("data has inputs and targets: pass both X and y, or neither")
    network = None if model is None else _checked(network_of(model, inputs))
    record: dict[str, Any] = {} if network is None else {"layers": _layers(network)}
    if X is not None:
        record |= _data(X, y, classes, network)
    names = _names(inputs, network, record)
    if names:
        record["inputs"] = names
    layers = () if network is None else network.layers
    held = {f"{name}{i}": x for i, layer in enumerate(layers) for name, x in zip("Wb", layer.held) if x is not None}
    return Playground(record, "A network learns" if network is None else network.title, held)


def _names(inputs: Sequence[str] | None, network: Network | None, record: dict[str, Any]) -> list[str]:
    """Return the names of inputs, where there are some; PictureError where they are not as many as the columns."""
    if network is not None:
        return list(network.inputs)
    if inputs is None or not record:
        return []
    wide = len(record["data"]["X"][0])
    if len(inputs) != wide:
        raise PictureError(f"inputs has {len(inputs)} names for {wide} columns of X")
    return [clean(str(name), NAME) for name in inputs]


def _checked(network: Network) -> Network:
    """Return a network that a page can train, or raise."""
    last = len(network.layers)
    for number, layer in enumerate(network.layers, 1):
        known = LAST if number == last else HIDDEN
        if layer.activation not in known or layer.after:
            what = f"{layer.activation}, then {', '.join(layer.after)}" if layer.after else layer.activation
            raise PictureError(f"layer {number} has the activation {what}; a page trains {', '.join(known)}")
        if not np.isfinite(layer.W).all() or not np.isfinite(layer.b if layer.b is not None else 0.0).all():
            raise PictureError(f"layer {number} has weights that are not finite")
    size = sum(layer.W.size + len(layer.W) for layer in network.layers)
    if max(network.widths) > WIDE or size > PARAMETERS:
        raise PictureError(
            f"{network.title}: a page trains up to {PARAMETERS:,} parameters in layers up to {WIDE} wide; viz.network "
            "draws larger ones"
        )
    return network


def _layers(network: Network) -> list[dict[str, Any]]:
    """Return weights, biases (0 where a layer has none) and activations as the page takes them."""
    return [
        {
            "W": layer.W.tolist(),
            "b": (np.zeros(len(layer.W)) if layer.b is None else layer.b).tolist(),
            "g": layer.activation,
        }
        for layer in network.layers
    ]


def _data(X: Any, y: Any, classes: Sequence[str] | None, network: Network | None) -> dict[str, Any]:
    """Return data as the page takes it, or raise."""
    rows, targets = _numbers("X", X), _numbers("y", y)
    if rows.ndim != 2 or not rows.size or targets.shape[:1] != rows.shape[:1] or targets.ndim > 2:
        raise PictureError(f"X is (n, d_in) and y (n,) or (n, d_out); got shapes {rows.shape} and {targets.shape}")
    if len(rows) > ROWS:
        raise PictureError(
            f"X has {len(rows):,} rows, more than the {ROWS:,} that a page learns from: pass some of them"
        )
    if network is not None and rows.shape[1] != network.widths[0]:
        raise PictureError(f"the network takes {network.widths[0]} inputs, X has {rows.shape[1]} columns")
    named = _classes(targets, classes, network)
    told = targets.astype(int).ravel().tolist() if named else targets.tolist()
    inputs = [f"x{i + 1}" for i in range(rows.shape[1])]
    return {"data": {"X": rows.tolist(), "y": told, "classes": named, "inputs": inputs}}


def _numbers(name: str, x: Any) -> Array:
    try:
        found = np.asarray(x, dtype=float)
    except (TypeError, ValueError):
        raise PictureError(f"{name} must hold numbers in rows of equal length") from None
    bad = np.argwhere(~np.isfinite(found))
    if len(bad):
        place = [int(i) for i in bad[0]]
        raise PictureError(f"{name} must be finite, got {found[tuple(place)]} at {place}")
    return found


def _classes(y: Array, classes: Sequence[str] | None, network: Network | None) -> list[str] | None:
    """Return the names of the classes, None where y holds numbers to predict; PictureError where neither will do."""
    last, wide = (None, None) if network is None else (network.layers[-1].activation, network.widths[-1])
    numbered = y.shape == (len(y),) or y.shape == (len(y), 1)
    whole = bool(numbered and (y == y.round()).all() and y.min() >= 0)
    few = whole and y.max() < CLASSES
    if last == "softmax" or classes is not None:
        known = int(wide or 0) if last == "softmax" else len(classes or ())
        if not few or y.max() >= known or known > CLASSES:
            raise PictureError(f"y must hold class numbers from 0 to {known - 1} (at most {CLASSES} classes)")
        return _class_names(classes, max(known, 2))
    if last == "sigmoid" and not ((y >= 0) & (y <= 1)).all():
        raise PictureError("targets of a sigmoid output lie in [0, 1]")
    if last is None and few and y.max() >= 1 and len(np.unique(y)) == y.max() + 1:
        return _class_names(None, int(y.max()) + 1)
    if last == "sigmoid" and wide == 1 and few:
        return _class_names(None, 2)
    outputs = 1 if y.ndim == 1 else y.shape[1]
    if wide is not None and outputs != wide:
        raise PictureError(f"the network has {wide} outputs, y has {outputs} for each row")
    return None


def _class_names(classes: Sequence[str] | None, known: int) -> list[str]:
    if classes is not None and len(classes) != known:
        raise PictureError(f"classes has {len(classes)} names for {known} classes")
    return [clean(str(name), NAME) for name in (range(known) if classes is None else classes)]
