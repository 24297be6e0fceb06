"""Preprocessing: what a fitted transformer does to its inputs, as the first layer of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_mini import ShapeError, ops
from autograd_mini.data import Array

from ..errors import SettingError
from ..module import Module

Step = tuple[str, Any]  # a row of the table, or "take", and what stands on its right


class Preprocessing(Module):
    """Inputs before the first layer: each step is a row of the table with a constant, such as ("sub", mean).

    It has no parameters. `n_in` is the number of inputs; an array has a sample a row, a list is one sample. The step
    ("take", columns) keeps some columns, ("matmul", A) multiplies rows by A.

    >>> Preprocessing(2, [("sub", np.array([1.0, 2.0])), ("div", np.array([2.0, 4.0]))])([3.0, 2.0])
    [1.0, 0.0]
    """

    def __init__(self, n_in: int, steps: list[Step]) -> None:
        self.n_in = n_in
        self.steps = steps

    def __call__(self, x: Any) -> Any:
        scalars = isinstance(x, list)
        if (len(x) if scalars else ops.shape(x)[-1]) != self.n_in:
            got = f"{len(x)} numbers" if scalars else f"an array of shape {ops.shape(x)}"
            raise ShapeError(f"{self!r} takes {self.n_in} inputs, got {got}")
        for row, constant in self.steps:
            x = (_on_scalars if scalars else _on_arrays)(x, row, constant)
        return x

    def __repr__(self) -> str:
        return f"Preprocessing({self.n_in}, {' '.join(row for row, _ in self.steps)})"


def _on_arrays(x: Any, row: str, constant: Array) -> Any:
    return ops.getitem(x, (..., constant)) if row == "take" else getattr(ops, row)(x, constant)


def _on_scalars(x: list[Any], row: str, constant: Array) -> list[Any]:
    if row == "take":
        return [x[i] for i in constant]
    if row == "matmul":
        return [ops.add_n(*(xi * float(a) for xi, a in zip(x, column))) for column in constant.T]
    return [getattr(ops, row)(xi, float(c)) for xi, c in zip(x, constant)]


def preprocessing(transformers: list[tuple[str, Any]], n_in: int) -> Preprocessing:
    """Return what fitted transformers of scikit-learn do, one after another, to `n_in` inputs.

    They are given with their names in the pipeline. SettingError names one that has no twin here, or is not fitted.
    """
    return Preprocessing(n_in, [step for name, transformer in transformers for step in _steps(name, transformer)])


def _steps(name: str, transformer: Any) -> Iterator[Step]:
    kind = type(transformer).__name__
    if transformer is None or transformer == "passthrough":
        return
    if kind not in TRANSFORMERS:
        raise SettingError(
            f"the step {name!r} of the pipeline is a {kind}, which has no twin here; there are those of "
            f"{', '.join(TRANSFORMERS)}: transform the inputs yourself, and hand over the last step alone"
        )
    try:
        found = TRANSFORMERS[kind](transformer)
    except AttributeError:
        raise SettingError(f"the step {name!r} of the pipeline, a {kind}, is not fitted: call fit first") from None
    yield from ((row, np.asarray(constant)) for row, constant in found if constant is not None)


def _standard(t: Any) -> list[Step]:
    return [("sub", t.mean_ if t.with_mean else None), ("div", t.scale_)]


def _robust(t: Any) -> list[Step]:
    return [("sub", t.center_), ("div", t.scale_)]


def _min_max(t: Any) -> list[Step]:
    low, high = t.feature_range
    return [("mul", t.scale_), ("add", t.min_), *_between(low, high, t)]


def _max_abs(t: Any) -> list[Step]:
    return [("div", t.scale_), *_between(-1.0, 1.0, t)]


def _between(low: float, high: float, t: Any) -> list[Step]:
    ends: list[Step] = [("maximum", np.full_like(t.scale_, low)), ("minimum", np.full_like(t.scale_, high))]
    return ends if getattr(t, "clip", False) else []


def _components(t: Any) -> list[Step]:
    """The principal components of x: (x - mean) A, divided by their standard deviations where they are whitened."""
    tiny = np.finfo(t.components_.dtype).eps
    spread = np.maximum(np.sqrt(t.explained_variance_), tiny) if t.whiten else None
    return [("matmul", t.components_.T), ("sub", t.mean_ @ t.components_.T), ("div", spread)]


def _chosen(t: Any) -> list[Step]:
    return [("take", t.get_support(indices=True))]


TRANSFORMERS: dict[str, Callable[[Any], list[Step]]] = {
    "StandardScaler": _standard,
    "MinMaxScaler": _min_max,
    "MaxAbsScaler": _max_abs,
    "RobustScaler": _robust,
    "PCA": _components,
    "SelectKBest": _chosen,
    "VarianceThreshold": _chosen,
}
