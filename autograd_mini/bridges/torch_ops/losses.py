"""PyTorch's losses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import array_ops as arrays
from ... import ops
from ...node import Node
from .table import OPS, data_of, floats, named

NONE, MEAN, SUM = 0, 1, 2  # how torch says what becomes of the losses of single entries


def reduced(losses: Any, reduction: int = MEAN) -> Any:
    """Return the losses, their mean, or their sum."""
    return (ops.identity, ops.mean, ops.sum)[reduction](losses) if reduction else losses


@named("mse_loss")
def _mse(x: Any, y: Any, reduction: int = MEAN) -> Any:
    x, y = floats(x, y)
    return reduced(ops.square(x - y), reduction)


@named("l1_loss")
def _l1(x: Any, y: Any, reduction: int = MEAN) -> Any:
    return reduced(ops.absolute(x - y), reduction)


@named("smooth_l1_loss")
def _smooth_l1(x: Any, y: Any, reduction: int = MEAN, beta: float = 1.0) -> Any:
    if beta == 0:
        return _l1(x, y, reduction)
    gap = ops.absolute(x - y)
    near = ops.less(gap, beta)
    return reduced(ops.where(near, 0.5 * ops.square(x - y) / beta, gap - 0.5 * beta), reduction)


@named("huber_loss")
def _huber(x: Any, y: Any, reduction: int = MEAN, delta: float = 1.0) -> Any:
    gap = ops.absolute(x - y)
    near = 1.0 - ops.greater(gap, delta)
    return reduced(ops.where(near, 0.5 * ops.square(x - y), delta * (gap - 0.5 * delta)), reduction)


@named("binary_cross_entropy")
def _bce(p: Any, y: Any, weight: Any = None, reduction: int = MEAN) -> Any:
    p, y = floats(p, y)
    losses = -(y * ops.clip(ops.log(p), -100.0, math.inf) + (1.0 - y) * ops.clip(ops.log1p(-p), -100.0, math.inf))
    return reduced(losses if weight is None else losses * weight, reduction)


@named("binary_cross_entropy_with_logits")
def _bce_logits(x: Any, y: Any, weight: Any = None, pos_weight: Any = None, reduction: int = MEAN) -> Any:
    x, y = floats(x, y)
    if pos_weight is None:
        losses = ops.logistic_loss(x, y)
    else:
        losses = (1.0 - y) * x + (1.0 + (pos_weight - 1.0) * y) * ops.softplus(-x)
    return reduced(losses if weight is None else losses * weight, reduction)


@named("kl_div")
def _kl(x: Any, y: Any, reduction: int = MEAN, log_target: bool = False) -> Any:
    if log_target:
        return reduced(ops.exp(y) * (y - x), reduction)
    y_log_y = y * ops.log(y) if isinstance(y, Node) else y * np.log(np.where(y > 0.0, y, 1.0))
    return reduced(y_log_y - y * x, reduction)


@named("poisson_nll_loss")
def _poisson(x: Any, y: Any, log_input: bool, full: bool, eps: float, reduction: int) -> Any:
    x, y = floats(x, y)
    losses = ops.exp(x) - y * x if log_input else x - y * ops.log(x + eps)
    if full:
        safe = np.where(y > 1.0, y, 1.0)
        losses = losses + np.where(y > 1.0, y * np.log(safe) - y + 0.5 * np.log(2.0 * math.pi * safe), 0.0)
    return reduced(losses, reduction)


@named("soft_margin_loss")
def _soft_margin(x: Any, y: Any, reduction: int = MEAN) -> Any:
    x, y = floats(x, y)
    return reduced(ops.log1p(ops.exp(-y * x)), reduction)


@named("hinge_embedding_loss")
def _hinge(x: Any, y: Any, margin: float = 1.0, reduction: int = MEAN) -> Any:
    y = data_of(y)
    losses = ops.where(y != -1, x, 0.0) + ops.where(y != 1, _above(margin - x), 0.0)
    return reduced(losses, reduction)


def _above(x: Any) -> Any:
    """Return x where it is positive or zero, where torch's clamp_min has a slope, else 0."""
    return ops.clip(x, 0.0, math.inf)


@named("margin_ranking_loss")
def _ranking(x: Any, z: Any, y: Any, margin: float = 0.0, reduction: int = MEAN) -> Any:
    x, z, y = floats(x, z, y)
    return reduced(_above(-y * (x - z) + margin), reduction)


def _cosine(x: Any, z: Any) -> Any:
    tiny = 1e-12
    norms = (ops.sum(ops.square(x), -1) + tiny) * (ops.sum(ops.square(z), -1) + tiny)
    return ops.sum(x * z, -1) / ops.sqrt(norms)


@named("cosine_embedding_loss")
def _cosine_embedding(x: Any, z: Any, y: Any, margin: float = 0.0, reduction: int = MEAN) -> Any:
    cosine, y = _cosine(x, z), data_of(y)
    return reduced(ops.where(y == 1, 1.0 - cosine, 0.0) + ops.where(y == -1, _above(cosine - margin), 0.0), reduction)


@named("cosine_similarity")
def _similarity(x: Any, z: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    norms = (ops.maximum(ops.norm(v, dim, True), eps) for v in (x, z))
    one, two = (v / n for v, n in zip((x, z), norms))
    return ops.sum(one * two, dim)


def _distance(x: Any, z: Any, p: float, eps: float) -> Any:
    gap = x - z + eps
    return OPS["norm"](gap, p, -1)


@named("pairwise_distance")
def _pairwise(x: Any, z: Any, p: float = 2, eps: float = 1e-6, keepdim: bool = False) -> Any:
    found = _distance(x, z, p, eps)
    return ops.expand_dims(found, -1) if keepdim else found


@named("dist")
def _dist(x: Any, z: Any, p: float = 2) -> Any:
    return OPS["norm"](x - z, p)


@named("cdist", "_cdist_forward")
def _cdist(x: Any, z: Any, p: float = 2.0, mode: Any = None) -> Any:
    return _distance(ops.expand_dims(x, -2), ops.expand_dims(z, -3), p, 0.0)


@named("triplet_margin_loss")
def _triplet(a: Any, p: Any, n: Any, margin: float = 1.0, power: float = 2, eps: float = 1e-6, swap: bool = False,
             reduction: int = MEAN) -> Any:  # fmt: skip
    far = _distance(a, n, power, eps)
    far = ops.minimum(far, _distance(p, n, power, eps)) if swap else far
    return reduced(_above(margin + _distance(a, p, power, eps) - far), reduction)


@named("multi_margin_loss")
def _multi_margin(x: Any, y: Any, p: float = 1, margin: float = 1, weight: Any = None, reduction: int = MEAN) -> Any:
    rows = x if len(ops.shape(x)) == 2 else ops.reshape(x, (1, -1))
    labels = np.atleast_1d(y)
    n, classes = ops.shape(rows)
    right = ops.getitem(rows, (np.arange(n), labels))
    gaps = _above(margin - ops.expand_dims(right, 1) + rows) ** p
    gaps = gaps if weight is None else gaps * np.asarray(weight)[labels][:, None]
    losses = ops.sum(ops.where(np.eye(classes, dtype=bool)[labels], 0.0, gaps), 1) / classes
    return reduced(losses if len(ops.shape(x)) == 2 else ops.squeeze(losses, 0), reduction)


@named("multilabel_margin_loss")
def _multilabel_margin(x: Any, y: Any, reduction: int = MEAN) -> Any:
    rows = x if len(ops.shape(x)) == 2 else ops.reshape(x, (1, -1))
    targets = np.atleast_2d(y)
    losses = [_label_margins(ops.getitem(rows, i), targets[i]) for i in range(len(targets))]
    return reduced(arrays.stack(losses) if len(ops.shape(x)) == 2 else losses[0], reduction)


def _label_margins(x: Any, y: Any) -> Any:
    """Return the hinges between the labels, which end at the first -1, and all other classes."""
    classes = ops.shape(x)[0]
    labels = y[: int(np.argmax(y < 0))] if (y < 0).any() else y
    others = np.setdiff1d(np.arange(classes), labels)
    gaps = 1.0 - ops.expand_dims(ops.getitem(x, labels), 1) + ops.expand_dims(ops.getitem(x, others), 0)
    return ops.sum(_above(gaps)) / classes


# Classes --------------------------------------------------------------------------------------------------------------


def _classes_last(x: Any) -> Any:
    rank = len(ops.shape(x))
    return x if rank < 3 else arrays.moveaxis(x, 1, rank - 1)


@named("nll_loss", "nll_loss_nd", "nll_loss2d")
def _nll(logp: Any, y: Any, weight: Any = None, reduction: int = MEAN, ignore_index: int = -100) -> Any:
    return _picked(_classes_last(logp), np.asarray(y), weight, reduction, ignore_index)


def _picked(logp: Any, y: Any, weight: Any, reduction: int, ignored: int) -> Any:
    """Return -log p of the labels, weighted by class; labels that are ignored count for nothing."""
    kept = y != ignored
    labels = np.where(kept, y, 0)
    factors = kept.astype(logp.dtype) * (1.0 if weight is None else np.asarray(weight)[labels])
    chosen = ops.getitem(logp, (*np.ogrid[tuple(slice(n) for n in y.shape)], labels))
    losses = -chosen if (factors == 1.0).all() else -chosen * factors
    return ops.sum(losses) / float(factors.sum()) if reduction == MEAN else reduced(losses, reduction)


@named("cross_entropy_loss")
def _cross_entropy(x: Any, y: Any, weight: Any = None, reduction: int = MEAN, ignore_index: int = -100,
                   label_smoothing: float = 0.0) -> Any:  # fmt: skip
    logits = _classes_last(x)
    if isinstance(y, Node) or (isinstance(y, np.ndarray) and y.dtype.kind == "f"):
        return _soft_cross_entropy(logits, _classes_last(y), weight, reduction, label_smoothing)
    labels = np.asarray(y)
    if weight is None and not label_smoothing and (labels != ignore_index).all():
        return reduced(ops.cross_entropy(logits, labels), reduction)
    logp = ops.log_softmax(logits)
    hard = _picked(logp, labels, weight, reduction, ignore_index)
    if not label_smoothing:
        return hard
    return (1.0 - label_smoothing) * hard + label_smoothing * _spread(logp, labels, weight, reduction, ignore_index)


def _spread(logp: Any, labels: Any, weight: Any, reduction: int, ignored: int) -> Any:
    """Return the part of a smoothed loss that all classes share."""
    classes = ops.shape(logp)[-1]
    kept = (labels != ignored).astype(logp.dtype)
    losses = -ops.sum(logp if weight is None else logp * np.asarray(weight), -1) * kept / classes
    counted = kept if weight is None else kept * np.asarray(weight)[np.where(kept > 0, labels, 0)]
    return ops.sum(losses) / float(counted.sum()) if reduction == MEAN else reduced(losses, reduction)


def _soft_cross_entropy(logits: Any, y: Any, weight: Any, reduction: int, smoothing: float) -> Any:
    """Return the loss against probabilities of classes in place of labels: the mean is over samples."""
    classes = ops.shape(logits)[-1]
    y = y * (1.0 - smoothing) + smoothing / classes if smoothing else y
    terms = y * ops.log_softmax(logits)
    losses = -ops.sum(terms if weight is None else terms * np.asarray(weight), -1)
    return reduced(losses, reduction)
