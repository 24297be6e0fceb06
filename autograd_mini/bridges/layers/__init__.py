"""Layers of networks as compositions of rows: convolution, pooling, normalisation, attention, recurrence.

Axes are (sample, channel, place...) where torch and its papers have them so. Arguments are nodes or arrays; sizes,
strides, paddings and dilations are tuples with a number for each axis of places.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import ops
from ...modes import group

Sizes = tuple[int, ...]
PLACES, WINDOW = "xyz", "uvw"


def padded(x: Any, before: Sizes, after: Sizes, fill: float = 0.0) -> Any:
    """Return x with `fill` around its last axes."""
    if not any(before) and not any(after):
        return x
    lead = ((0, 0),) * (len(ops.shape(x)) - len(before))
    return ops.pad(x, (*lead, *zip(before, after)), fill)


def correlation(x: Any, W: Any, b: Any, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int = 1) -> Any:
    """Return the convolution of networks: at each place the sum over channels and window of x * W, plus b.

    x is (n, c, ...), W (o, c / groups, window...), b (o,) or None. Channels come in groups that do not mix.
    """
    n = len(stride)
    places, window = PLACES[:n], WINDOW[:n]
    parts = ops.windows(padded(x, padding, padding), ops.shape(W)[2:], stride, dilation)
    if groups == 1:
        z = ops.einsum(f"nc{places}{window},oc{window}->no{places}", parts, W)
    else:
        samples, channels, *rest = ops.shape(parts)
        outputs, *own = ops.shape(W)
        parts = ops.reshape(parts, (samples, groups, channels // groups, *rest))
        W = ops.reshape(W, (groups, outputs // groups, *own))
        z = ops.einsum(f"ngc{places}{window},goc{window}->ngo{places}", parts, W)
        z = ops.reshape(z, (samples, outputs, *rest[:n]))
    return z if b is None else z + ops.reshape(b, (-1, *(1,) * n))


def transposed_correlation(
    x: Any, W: Any, b: Any, stride: Sizes, padding: Sizes, extra: Sizes, dilation: Sizes, groups: int = 1
) -> Any:
    """Return the transpose of `correlation`: every entry of x adds W to the window where it stands.

    x is (n, c, ...), W (c, o / groups, window...); `extra` is added to the length of each axis at its end.
    """
    n = len(stride)
    samples, channels, *lengths = ops.shape(x)
    _, outputs, *window = ops.shape(W)
    x = ops.reshape(x, (samples, groups, channels // groups, *lengths))
    W = ops.reshape(W, (groups, channels // groups, outputs, *window))
    places, inside = PLACES[:n], WINDOW[:n]
    parts = ops.einsum(f"ngc{places},gco{inside}->ngo{places}{inside}", x, W)
    full = [(m - 1) * s + d * (k - 1) + 1 + e for m, s, d, k, e in zip(lengths, stride, dilation, window, extra)]
    z = ops.overlap_add(parts, (samples, groups, outputs, *full), stride, dilation)
    z = ops.reshape(z, (samples, groups * outputs, *full))
    if any(padding):
        z = ops.getitem(z, (..., *(slice(p, m - p) for p, m in zip(padding, full))))
    return z if b is None else z + ops.reshape(b, (-1, *(1,) * n))


def overhang(lengths: Sizes, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Sizes:
    """Return how far the last window reaches beyond the padding where windows that hang over the end count too."""
    found = []
    for n, k, s, p, d in zip(lengths, size, stride, padding, dilation):
        rest = n + 2 * p - d * (k - 1) - 1
        count = -(-rest // s) + 1
        count -= (count - 1) * s >= n + p  # none begins beyond the input
        found.append(max((count - 1) * s - rest, 0))
    return tuple(found)


def pooled(x: Any, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, fill: float, ceil: bool) -> Any:
    """Return the windows of x, padded with `fill`, which a maximum or a mean over the last axes will pool."""
    lengths = ops.shape(x)[-len(size) :]
    more = overhang(lengths, size, stride, padding, dilation) if ceil else (0,) * len(size)
    after = tuple(p + m for p, m in zip(padding, more))
    return ops.windows(padded(x, padding, after, fill), size, stride, dilation)


def last_axes(n: int) -> Sizes:
    """Return the last n axes."""
    return tuple(range(-n, 0))


def adaptive_mean(x: Any, lengths: Sizes) -> Any:
    """Return the means of x over as many parts of its last axes as `lengths` says, equal where they divide."""
    own = ops.shape(x)[-len(lengths) :]
    if all(n % m == 0 for n, m in zip(own, lengths)):
        size = tuple(n // m for n, m in zip(own, lengths))
        return ops.mean(ops.windows(x, size, size), last_axes(len(size)))
    n = len(lengths)
    weights = [_parts(long, short) for long, short in zip(own, lengths)]
    terms = ",".join(b + a for a, b in zip(PLACES[:n], WINDOW[:n]))
    return ops.einsum(f"...{PLACES[:n]},{terms}->...{WINDOW[:n]}", x, *weights)


def _parts(long: int, short: int) -> Any:
    """Return the matrix that takes an axis to the means of its parts; parts that do not divide overlap."""
    weights = np.zeros((short, long))
    for i, (start, end) in enumerate(spans(long, short)):
        weights[i, start:end] = 1.0 / (end - start)
    return weights


def spans(long: int, short: int) -> list[tuple[int, int]]:
    """Return where each of `short` parts of an axis of length `long` begins and ends."""
    return [(i * long // short, -(-(i + 1) * long // short)) for i in range(short)]


def standardised(x: Any, axes: Any, eps: float) -> Any:
    """Return (x - mean) / sqrt(variance + eps), both along the axes."""
    return (x - ops.mean(x, axes, True)) / ops.sqrt(ops.var(x, axes, 0.0, True) + eps)


def scaled(x: Any, weight: Any, bias: Any, shape: Any = None) -> Any:
    """Return x * weight + bias, each in `shape` and where it is not None."""
    weight, bias = (p if p is None or shape is None else ops.reshape(p, shape) for p in (weight, bias))
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def attention(q: Any, k: Any, v: Any, mask: Any, scale: float | None, weighted: Any = None) -> Any:
    """Return softmax(q k^T scale + mask) v along the last two axes (Vaswani et al., 2017).

    A mask of bools lets pass where it is True; `weighted` changes the weights before they meet v, as dropout does.
    """
    scale = 1.0 / math.sqrt(ops.shape(q)[-1]) if scale is None else scale
    with group("attention"):
        scores = ops.matmul(q, ops.swapaxes(k, -1, -2)) * scale
        if mask is not None:
            boolean = isinstance(mask, np.ndarray) and mask.dtype == bool
            scores = ops.where(mask, scores, -math.inf) if boolean else scores + mask
        weights = ops.softmax(scores, -1)
        return ops.matmul(weights if weighted is None else weighted(weights), v)


# Recurrence: x of one step, the state (h,) or (h, c), the weights W, U, b, c of W x + b + U h + c ------------------

State = tuple[Any, ...]
Cell = Callable[[Any, State, Sequence[Any]], State]


def _gates(x: Any, h: Any, weights: Sequence[Any]) -> tuple[Any, Any]:
    W, U, *biases = weights
    b, c = biases or (0.0, 0.0)
    return (ops.affine(v, M, bias) for v, M, bias in ((x, W, b), (h, U, c)))  # type: ignore[return-value]


def _cut(z: Any, n: int) -> list[Any]:
    m = ops.shape(z)[-1] // n
    return [ops.getitem(z, (..., slice(i * m, (i + 1) * m))) for i in range(n)]


def lstm_cell(x: Any, state: State, weights: Sequence[Any]) -> State:
    """Return (h, c) after one step (Hochreiter & Schmidhuber, 1997): gates input, forget, cell, output."""
    h, c = state
    one, two = _gates(x, h, weights)
    i, f, g, o = _cut(one + two, 4)
    c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
    return ops.sigmoid(o) * ops.tanh(c), c


def gru_cell(x: Any, state: State, weights: Sequence[Any]) -> State:
    """Return (h,) after one step (Cho et al., 2014): gates reset, update, new; the reset acts behind U."""
    one, two = _gates(x, state[0], weights)
    (xr, xz, xn), (hr, hz, hn) = _cut(one, 3), _cut(two, 3)
    z = ops.sigmoid(xz + hz)
    n = ops.tanh(xn + ops.sigmoid(xr + hr) * hn)
    return ((1.0 - z) * n + z * state[0],)


def tanh_cell(x: Any, state: State, weights: Sequence[Any]) -> State:
    """Return (h,) after one step, h = tanh(W x + b + U h + c)."""
    one, two = _gates(x, state[0], weights)
    return (ops.tanh(one + two),)


def relu_cell(x: Any, state: State, weights: Sequence[Any]) -> State:
    """Return (h,) after one step, h = relu(W x + b + U h + c)."""
    one, two = _gates(x, state[0], weights)
    return (ops.relu(one + two),)


def unrolled(
    cell: Cell, xs: list[Any], state: State, weights: Sequence[Any], backwards: bool
) -> tuple[list[Any], State]:
    """Return h after every step, and the last state: one step of the cell for each x, each a group of its own."""
    found: list[Any] = []
    for t in reversed(range(len(xs))) if backwards else range(len(xs)):
        with group(f"step {t}"):
            state = cell(xs[t], state, weights)
        found.append(state[0])
    return found[::-1] if backwards else found, state
