"""PyTorch's layers: convolution, pooling, normalisation, embedding, attention."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from ... import array_ops as arrays
from ... import ops
from .. import layers
from .shapes import gather, repeat_interleave
from .table import OPS, Translation, data_of, named, numpy_of


def each(setting: Any, n: int) -> tuple[int, ...]:
    """Return a setting for each of n axes, where torch takes one for all."""
    found = tuple(np.atleast_1d(setting).tolist())
    return found * n if len(found) == 1 else found


def batched(n: int, function: Translation) -> Translation:
    """Return a function of (sample, channel, n places) that takes one sample too, without the first axis."""

    def called(x: Any, *args: Any, **settings: Any) -> Any:
        if len(ops.shape(x)) == n + 2:
            return function(x, *args, **settings)
        return ops.squeeze(function(ops.expand_dims(x, 0), *args, **settings), 0)

    return called


def _conv(n: int) -> Translation:
    def conv(
        x: Any, W: Any, b: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
    ) -> Any:
        stride, dilation = each(stride, n), each(dilation, n)
        if isinstance(padding, str):
            total = [d * (k - 1) * (padding == "same") for d, k in zip(dilation, ops.shape(W)[2:])]
            x = layers.padded(x, tuple(t // 2 for t in total), tuple(t - t // 2 for t in total))
            padding = 0
        return layers.correlation(x, W, b, stride, each(padding, n), dilation, groups)

    return batched(n, conv)


def _conv_transpose(n: int) -> Translation:
    def conv(x: Any, W: Any, b: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
             groups: int = 1, dilation: Any = 1) -> Any:  # fmt: skip
        stride, padding, extra, dilation = (each(s, n) for s in (stride, padding, output_padding, dilation))
        return layers.transposed_correlation(x, W, b, stride, padding, extra, dilation, groups)

    return batched(n, conv)


def _convolution(x: Any, W: Any, b: Any, stride: Any, padding: Any, dilation: Any, transposed: bool,
                 output_padding: Any, groups: int, *flags: Any) -> Any:  # fmt: skip
    n = len(ops.shape(W)) - 2
    if transposed:
        return _conv_transpose(n)(x, W, b, stride, padding, output_padding, groups, dilation)
    return _conv(n)(x, W, b, stride, padding, dilation, groups)


def _max_pool(n: int) -> Translation:
    def pool(x: Any, size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False) -> Any:
        size = each(size, n)
        settings = each(stride, n) or size, each(padding, n), each(dilation, n)
        windows = layers.pooled(x, size, *settings, fill=-math.inf, ceil=ceil_mode)
        return first_maximum(windows, n)

    return batched(n, pool)


def first_maximum(x: Any, n: int) -> Any:
    """Return the maximum over the last n axes; of equal entries torch takes the first: the others are hidden."""
    data = data_of(x)
    flat = data.reshape(*data.shape[: data.ndim - n], -1)
    equal = flat == flat.max(-1, keepdims=True)
    hidden = equal & (np.cumsum(equal, -1) > 1)
    if hidden.any():
        x = ops.where(hidden.reshape(data.shape), -math.inf, x)
    return ops.max(x, layers.last_axes(n))


def _avg_pool(n: int) -> Translation:
    def pool(x: Any, size: Any, stride: Any = (), padding: Any = 0, ceil_mode: bool = False,
             count_include_pad: bool = True, divisor_override: Any = None) -> Any:  # fmt: skip
        size = each(size, n)
        stride, padding, ones = each(stride, n) or size, each(padding, n), (1,) * n
        windows = layers.pooled(x, size, stride, padding, ones, fill=0.0, ceil=ceil_mode)
        if divisor_override:
            return ops.sum(windows, layers.last_axes(n)) / divisor_override
        if not ceil_mode and (count_include_pad or not any(padding)):
            return ops.mean(windows, layers.last_axes(n))
        inside = np.ones(ops.shape(x)[-n:], dtype=x.dtype)
        if count_include_pad:
            inside, padding = np.pad(inside, [(p, p) for p in padding], constant_values=1.0), (0,) * n
        counted = layers.pooled(inside, size, stride, padding, ones, fill=0.0, ceil=ceil_mode)
        return ops.sum(windows, layers.last_axes(n)) / np.sum(counted, layers.last_axes(n))

    return batched(n, pool)


def _adaptive_avg(n: int) -> Translation:
    return lambda x, size: layers.adaptive_mean(x, _lengths(x, size, n))


def _lengths(x: Any, size: Any, n: int) -> tuple[int, ...]:
    return tuple(own if s is None else s for own, s in zip(ops.shape(x)[-n:], each(size, n)))


def _adaptive_max(n: int) -> Translation:
    def pool(x: Any, size: Any, result: Any = None) -> Any:
        own, places = ops.shape(x)[-n:], numpy_of(result[1])
        flat = ops.reshape(x, (*ops.shape(x)[:-n], math.prod(own)))
        found = gather(flat, -1, places.reshape(*places.shape[:-n], -1))
        return ops.reshape(found, places.shape), places

    return pool


for _n in (1, 2, 3):
    OPS.update({
        f"conv{_n}d": _conv(_n), f"conv{_n}d.padding": _conv(_n), f"avg_pool{_n}d": _avg_pool(_n),
        f"conv_transpose{_n}d": _conv_transpose(_n), f"max_pool{_n}d": _max_pool(_n),
        f"adaptive_avg_pool{_n}d": _adaptive_avg(_n), f"_adaptive_avg_pool{_n}d": _adaptive_avg(_n),
    })  # fmt: skip
    named(f"adaptive_max_pool{_n}d", result=True)(_adaptive_max(_n))
    named(f"max_pool{_n}d_with_indices", result=True)(
        lambda x, *a, n=_n, result=None, **k: (_max_pool(n)(x, *a, **k), numpy_of(result[1]))
    )
OPS["conv_transpose2d.input"] = OPS["conv_transpose2d"]
OPS["conv_transpose3d.input"] = OPS["conv_transpose3d"]
OPS["convolution"] = OPS["_convolution"] = _convolution


@named("batch_norm")
def _batch_norm(
    x: Any, W: Any, b: Any, mean: Any, var: Any, training: bool, momentum: float, eps: float, fast: Any = 0
) -> Any:
    rank = len(ops.shape(x))
    shape = (1, -1, *(1,) * (rank - 2))
    if training or mean is None:
        z = layers.standardised(x, (0, *range(2, rank)), eps)
    else:
        z = (x - ops.reshape(mean, shape)) / ops.sqrt(ops.reshape(var, shape) + eps)
    return layers.scaled(z, W, b, shape)


@named("layer_norm")
def _layer_norm(x: Any, shape: Any, W: Any = None, b: Any = None, eps: float = 1e-5, fast: Any = 0) -> Any:
    return layers.scaled(layers.standardised(x, layers.last_axes(len(shape)), eps), W, b)


@named("rms_norm")
def _rms_norm(x: Any, shape: Any, W: Any = None, eps: Any = None) -> Any:
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    size = ops.mean(ops.square(x), layers.last_axes(len(shape)), True)
    return layers.scaled(x / ops.sqrt(size + eps), W, None)


@named("group_norm")
def _group_norm(x: Any, groups: int, W: Any = None, b: Any = None, eps: float = 1e-5, fast: Any = 0) -> Any:
    shape = ops.shape(x)
    apart = ops.reshape(x, (shape[0], groups, math.prod(shape[1:]) // groups))
    z = ops.reshape(layers.standardised(apart, -1, eps), shape)
    return layers.scaled(z, W, b, (1, -1, *(1,) * (len(shape) - 2)))


@named("instance_norm")
def _instance_norm(
    x: Any, W: Any, b: Any, mean: Any, var: Any, own: bool, momentum: float, eps: float, fast: Any = 0
) -> Any:
    if not own:
        return _batch_norm(x, W, b, mean, var, False, momentum, eps)
    rank = len(ops.shape(x))
    return layers.scaled(layers.standardised(x, tuple(range(2, rank)), eps), W, b, (1, -1, *(1,) * (rank - 2)))


@named("embedding")
def _embedding(W: Any, index: Any, padding_idx: int = -1, scale: Any = False, sparse: Any = False) -> Any:
    if padding_idx >= 0:  # no gradient reaches its row
        W = ops.where(np.arange(len(W))[:, None] == padding_idx, W.detach(), W)
    return ops.getitem(W, index)


@named("embedding_bag", "_embedding_bag", result=True)
def _embedding_bag(W: Any, index: Any, offsets: Any, scale: Any = False, mode: int = 0, sparse: Any = False,
                   weights: Any = None, last: bool = False, padding: int = -1, result: Any = None) -> Any:  # fmt: skip
    combine = (ops.sum, ops.mean, ops.max)[mode]
    bags = []
    for a, b in pairwise([*offsets.tolist(), *([] if last else [len(index)])]):
        kept = a + np.flatnonzero(index[a:b] != padding)
        rows = ops.getitem(W, index[kept])
        rows = rows if weights is None else rows * ops.expand_dims(ops.getitem(weights, kept), 1)
        bags.append(combine(rows, 0) if len(kept) else np.zeros(ops.shape(W)[1]))
    return (arrays.stack(bags), *map(numpy_of, result[1:]))


@named("embedding_bag.padding_idx", result=True)
def _padded_bag(W: Any, *args: Any, result: Any = None) -> Any:
    *others, padding = args
    return _embedding_bag(W, *others, padding=-1 if padding is None else padding % len(W), result=result)


@named("scaled_dot_product_attention")
def _attention(q: Any, k: Any, v: Any, mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
               scale: Any = None, enable_gqa: bool = False, drawn: Any = None) -> Any:  # fmt: skip
    if enable_gqa:
        k, v = (repeat_interleave(x, ops.shape(q)[-3] // ops.shape(x)[-3], -3) for x in (k, v))
    if is_causal:
        mask = np.tri(ops.shape(q)[-2], ops.shape(k)[-2], dtype=bool)
    return layers.attention(q, k, v, mask, scale, None if drawn is None else lambda weights: weights * drawn)
