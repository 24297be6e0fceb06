"""Network -> view: what is drawn of it - columns, what curves and circles carry, captions - and the same in words."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np

from ..text import measured, number
from .parts import Array, Layer, Network, Pass
from .place import Column, columns_of

SMALL = 11.0  # pixels: the smallest letters
WEIGHTS, PRODUCTS, GRADIENTS = "weights", "products", "gradients"
MEANT = {WEIGHTS: "w", PRODUCTS: "w · a", GRADIENTS: "dL/dw"}


class View(NamedTuple):
    """What is drawn of a network: its columns, what curves carry (for each layer, of weights and of biases), and what
    circles show (for each column, None where that is nothing).
    """

    network: Network
    passed: Pass | None
    show: str
    columns: tuple[Column, ...]
    captions: tuple[tuple[str, ...], ...]
    curves: tuple[Array | None, ...]
    slopes: tuple[Array | None, ...]
    circles: tuple[Array | None, ...]


def view_of(network: Network, passed: Pass | None, show: str, most: int | None, biases: bool) -> View:
    """Return what is to be drawn."""
    layers = network.layers
    curves = tuple(_carried(layer, i, passed, show) for i, layer in enumerate(layers))
    slopes = tuple((layer.db if show == GRADIENTS else layer.b) if biases else None for layer in layers)
    captions = (_first(network), *(_caption(i, layer, curves[i - 1], show) for i, layer in enumerate(layers, 1)))
    captions = tuple((*lines, *_dead(layers[i - 1 : i + 1])) if i else lines for i, lines in enumerate(captions))
    wide = [max(measured(line, SMALL) for line in lines) for lines in captions]
    biased = [slope is not None for slope in slopes] + [False]
    columns = columns_of(network.widths, wide, most, biased)
    return View(network, passed, show, columns, captions, curves, slopes, _shaded(network, passed, show))


def _carried(layer: Layer, i: int, passed: Pass | None, show: str) -> Array | None:
    if show == GRADIENTS:
        return layer.dW
    return layer.W if show == WEIGHTS or passed is None else layer.W * passed.a[i]


def _shaded(network: Network, passed: Pass | None, show: str) -> tuple[Array | None, ...]:
    """Return what circles show: a of the sample, or gradients: dL/dz, which is that of b, and dL/dx."""
    if show != GRADIENTS:
        return (None,) * len(network.widths) if passed is None else passed.a
    first = network.layers[0]
    return (None if first.db is None else first.W.T @ first.db, *(layer.db for layer in network.layers))


# Texts --------------------------------------------------------------------------------------------------------------


def _first(network: Network) -> tuple[str, ...]:
    return ("a[0] = x", f"({network.widths[0]},)")


def _caption(i: int, layer: Layer, carried: Array | None, show: str) -> tuple[str, ...]:
    """Return what stands under a layer: its equations, the shapes, and how much its widest curve carries."""
    bias = "" if layer.b is None else f", b[{i}] {layer.b.shape}"
    return (*equations(i, layer), f"W[{i}] {layer.W.shape}{bias}", _most(carried, show), *_after(layer))


def equations(i: int, layer: Layer) -> tuple[str, str]:
    """Return the two lines of the textbook for layer i.

    >>> equations(1, Layer(np.eye(2), None, None, None, "tanh", lambda x, z: np.tanh(z)))
    ('z[1] = W[1] a[0]', 'a[1] = tanh(z[1])')
    """
    z = f"z[{i}] = W[{i}] a[{i - 1}]" + ("" if layer.b is None else f" + b[{i}]")
    return z, f"a[{i}] = " + (f"z[{i}]" if layer.activation == "identity" else f"{layer.activation}(z[{i}])")


def _after(layer: Layer) -> list[str]:
    return [f"then {part}" for part in layer.after]


def _dead(pair: Sequence[Layer]) -> list[str]:
    """Say of a layer and the next that nothing passed the first: the next has gradients of its offsets alone."""
    if len(pair) < 2 or pair[1].dW is None or pair[1].db is None or pair[1].dW.any() or not pair[1].db.any():
        return []
    kind = f"{pair[0].activation}s" if pair[0].activation == "relu" else "outputs"
    return [f"all {len(pair[0].W)} {kind} are 0 for every sample"]


def _most(carried: Array | None, show: str) -> str:
    if carried is None:
        return f"{MEANT[show]}: no gradient"
    odd = int(carried.size - np.isfinite(carried).sum())
    most = f"|{MEANT[show]}| up to {number(largest_of(carried))}"
    if not odd:
        return most
    return f"{odd:,} not finite, first [{','.join(map(str, np.argwhere(~np.isfinite(carried))[0]))}]"


def largest_of(x: Array) -> float:
    """Return the largest absolute value of what is finite, 0 where nothing is."""
    return float(np.max(np.abs(x), where=np.isfinite(x), initial=0.0))


def words_of(view: View) -> list[str]:
    """Return the picture in words, line by line: what it is, its layers, what is left out."""
    lines = [view.network.title, f"[0] {view.captions[0][0]} {view.captions[0][1]}"]
    for i, (caption, column) in enumerate(zip(view.captions[1:], view.columns[1:]), 1):
        lines.append(f"[{i}] " + "; ".join(caption) + (f"; {column.hidden:,} neurons left out" * bool(column.hidden)))
    if view.passed is not None:
        lines.append(f"{_short(view.network.inputs)} = {_listed(view.passed.a[0])}")
        lines.append(f"{_short(view.network.outputs)} = {_listed(view.passed.a[-1])}")
    return lines


def _short(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{names[0]}, ..., {names[-1]}"


def _listed(x: Array) -> str:
    return ", ".join(map(number, x)) if len(x) <= 6 else f"{number(x[0])}, ..., {number(x[-1])}"


def brief(x: float) -> str:
    """Return a number in at most five characters or so: what fits a circle.

    >>> [brief(x) for x in (0.5, -0.125, 12.34, -1234.5, 2e-7, -0.0, float("nan"))]
    ['0.50', '-0.12', '12.3', '-1e3', '2e-7', '0', 'nan']
    """
    size = abs(x)
    if not isfinite(x) or not x:
        return f"{x + 0.0:g}"
    if 0.005 <= size < 999.5:
        return f"{x:.2f}" if size < 9.995 else f"{x:.1f}" if size < 99.95 else f"{x:.0f}"
    mantissa, power = f"{x:.0e}".split("e")
    return f"{mantissa}e{int(power)}"
