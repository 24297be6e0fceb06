"""Torch's functions under the names of our rows: a second engine for the tests.

They are those of the torch scripts, which find derivatives by torch's autograd, and a few for parts of derivatives that
no script has.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from autograd_mini.op import ROWS
from autograd_mini.programs.languages.prelude import prelude
from autograd_mini.programs.languages.torch_and_jax import in_torch


@cache
def torch_rows(torch: Any) -> dict[str, Any]:
    """Return a function of torch's tensors for each row that torch has."""
    scope: dict[str, Any] = {}
    exec("\n".join(prelude(ROWS, in_torch())), scope)  # our own text
    return {name: scope[name] for name in ROWS if name in in_torch()} | _parts(torch)


def _parts(torch: Any) -> dict[str, Any]:
    """Return rows that torch scripts do not have, where no entry is 0 and no two keys are equal."""
    linalg = torch.linalg

    def getitem(x: Any, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        return x[tuple(torch.tensor(p) if hasattr(p, "dtype") else p for p in parts)]

    def sinc_slope(x: Any, order: int) -> Any:
        slope = (torch.cos(torch.pi * x) - torch.sinc(x)) / x
        return [slope, -(torch.pi * torch.sin(torch.pi * x) + 2.0 * slope) / x][order - 1]

    def resort(x: Any, keys: Any, axis: Any) -> Any:
        keys = torch.as_tensor(keys)
        x, keys, axis = (x.reshape(-1), keys.reshape(-1), 0) if axis is None else (x, keys, axis)
        return torch.take_along_dim(x, torch.argsort(keys, axis), axis)

    def unsort(x: Any, keys: Any, axis: Any) -> Any:
        keys = torch.as_tensor(keys)
        flat, along = (keys.reshape(-1), 0) if axis is None else (keys, axis)
        return torch.take_along_dim(x, torch.argsort(torch.argsort(flat, along), along), along).reshape(keys.shape)

    return {
        "getitem": getitem, "sinc_slope": sinc_slope, "resort": resort, "unsort": unsort,
        "cast": lambda x, dtype: x.to(torch.float64),
        "cofactors": lambda x: linalg.det(x)[..., None, None] * linalg.inv(x).mT,
        "pinv": lambda x, rcond: linalg.pinv(x),
    }  # fmt: skip
