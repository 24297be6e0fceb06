"""Torch's functions under the names of our rows: a second engine for the tests."""

from __future__ import annotations

from typing import Any

import numpy as np


def torch_rows(torch: Any) -> dict[str, Any]:
    """Return torch's own function for rows that torch names or calls otherwise."""
    F = torch.nn.functional

    def dims(x: Any, axis: Any) -> Any:
        return tuple(range(x.ndim)) if axis is None else axis

    def prod(x: Any, axis: Any, keepdims: bool) -> Any:
        axes = sorted(a % x.ndim for a in ((axis,) if isinstance(axis, int) else dims(x, axis)))
        for a in reversed(axes):
            x = torch.prod(x, a, keepdim=keepdims)
        return x

    def reduction(f: Any) -> Any:
        return lambda x, axis, keepdims: f(x, dim=dims(x, axis), keepdim=keepdims)

    def getitem(x: Any, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        return x[tuple(torch.tensor(p) if isinstance(p, np.ndarray) else p for p in parts)]

    def spread(x: Any, shape: Any, axis: Any) -> Any:
        axes = range(len(shape)) if axis is None else np.atleast_1d(axis) % max(len(shape), 1)
        return x.reshape([1 if i in axes else n for i, n in enumerate(shape)]).expand(shape)

    def windows(x: Any, size: Any, stride: Any, dilation: Any) -> Any:
        n = len(size)
        strides, dilations = (np.broadcast_to(v, n).tolist() for v in (stride, dilation))
        for i, k in enumerate(size):
            x = x.unfold(x.ndim - n, dilations[i] * (k - 1) + 1, strides[i])
        return x[(..., *(slice(None, None, d) for d in dilations))]

    def overlap_add(x: Any, shape: Any, stride: Any, dilation: Any) -> Any:
        places = windows(torch.arange(int(np.prod(shape))).reshape(shape), x.shape[len(shape) :], stride, dilation)
        return x.new_zeros(int(np.prod(shape))).index_add(0, places.reshape(-1), x.reshape(-1)).reshape(shape)

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

    def symmetric(f: Any) -> Any:
        return lambda x: f(0.5 * (x + x.mT))

    linalg = torch.linalg
    return {
        "inv": linalg.inv, "det": linalg.det, "solve": linalg.solve, "svdvals": linalg.svdvals,
        "logabsdet": lambda x: linalg.slogdet(x)[1],
        "cofactors": lambda x: linalg.det(x)[..., None, None] * linalg.inv(x).mT,
        "pinv": lambda x, rcond: linalg.pinv(x), "cholesky": symmetric(linalg.cholesky),
        "eigvalsh": symmetric(linalg.eigvalsh), "eigh_vectors": symmetric(lambda x: linalg.eigh(x)[1]),
        "sinc_slope": sinc_slope, "resort": resort, "unsort": unsort,
        "sort": lambda x, axis: torch.sort(x, axis).values,
        "clip": lambda x, lo, hi: torch.minimum(torch.maximum(x, lo), hi),
        "mod": torch.remainder, "power": torch.pow, "identity": lambda x: x * 1.0, "cbrt": lambda x: x ** (1 / 3),
        "softplus": F.softplus, "silu": F.silu, "gelu": F.gelu, "erf": torch.erf, "relu": F.relu,
        "leaky_relu": lambda x, slope: torch.where(x > 0, x, slope * x),
        "elu": lambda x, alpha: torch.where(x > 0, x, alpha * torch.expm1(x)),
        "step": lambda x: torch.heaviside(x, torch.zeros_like(x)), "greater": torch.gt, "less": torch.lt,
        "equal": torch.eq,
        "floordiv": torch.floor_divide,
        "sum": reduction(torch.sum), "mean": reduction(torch.mean), "max": reduction(torch.amax),
        "min": reduction(torch.amin),
        "logsumexp": reduction(torch.logsumexp), "norm": reduction(torch.linalg.vector_norm), "prod": prod,
        "var": lambda x, axis, ddof, k: torch.var(x, dim=dims(x, axis), correction=ddof, keepdim=k),
        "std": lambda x, axis, ddof, k: torch.std(x, dim=dims(x, axis), correction=ddof, keepdim=k),
        "softmax": F.softmax, "log_softmax": F.log_softmax, "spread": spread, "getitem": getitem,
        "reshape": lambda x, shape: x.reshape(shape), "sum_to": lambda x, shape: x.sum_to_size(shape),
        "cast": lambda x, dtype: x.to(torch.float64),
        "affine": lambda x, W, b: x @ W.T + b,
        "transpose": lambda x, axes: x.permute(axes or tuple(range(x.ndim - 1, -1, -1))),
        "flip": lambda x, axis: torch.flip(x, [axis] if isinstance(axis, int) else dims(x, axis)),
        "pad": lambda x, w, v: F.pad(x, np.broadcast_to(w, (x.ndim, 2))[::-1].ravel().tolist(), value=v),
        "windows": windows, "overlap_add": overlap_add,
        "concatenate": lambda axis, *xs: torch.cat(xs, axis), "stack": lambda axis, *xs: torch.stack(xs, axis),
        "add_n": lambda *xs: sum(xs[1:], xs[0]),
        "squared_loss": lambda x, y: (x - y) ** 2 / 2,
        "logistic_loss": lambda x, y: F.softplus(x) - y * x,
        "poisson_loss": lambda x, y: torch.exp(x) - y * x,
        "softmax_loss": lambda x, y: torch.logsumexp(x, -1, True) - (y * x).sum(-1, True),
        "l2_penalty": lambda alpha, *ws: alpha / 2 * sum(torch.sum(w**2) for w in ws),
        "cross_entropy": lambda x, labels: F.cross_entropy(
            torch.movedim(x, -1, min(1, x.ndim - 1)), torch.as_tensor(labels), reduction="none"),
    }  # fmt: skip
