"""A prediction as a record: what a fitted model computes of one sample, node by node."""

from __future__ import annotations

from typing import Any

from autograd_mini import Node, Tensor

from ..errors import SettingError
from ..layers import leaves
from ..module import Module
from .shares import base_of, read, row_of, score_of


def record_of(model: Any, x: Any = None) -> Node | None:
    """Return the record of a prediction for the sample `x` of shape (d,), None for what is neither model nor network.

    Of a classifier it is the probability of the likeliest class, of a regressor the first output. Left out, `x` is the
    sample that `attribute` compares with. The record of an estimator is swept: it holds gradients.

    >>> from nn import MLP
    >>> record_of(MLP(2, [1], rng=0), [1.0, 2.0]).op.name, record_of("a text")
    ('getitem', None)
    """
    estimator = hasattr(model, "get_params")
    if not estimator and not isinstance(model, Module):
        return None
    net, classes, _ = read(model)
    if x is None and not estimator:
        raise SettingError(f"a {type(model).__name__} does not know what it is used for: give it a sample, x=[...]")
    _, first = next(leaves(net))
    d = first.n_in if hasattr(first, "n_in") else first.W.shape[1]
    point = base_of(net, None, d) if x is None else row_of("x", x)
    _, score = score_of(net, classes, "", None, point)
    root = score(Tensor(point[None], label="x"))[0]
    if estimator:
        root.backward()  # its parameters are copies that nobody else has
    return root
