"""The table of PyTorch's ops by name, and what the functions share that are entered into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import ops
from ...node import Node

Translation = Callable[..., Any]
OPS: dict[str, Translation] = {}  # by name, or by name and overload: "max", "max.dim"
WITH_RESULT: set[str] = set()  # those that are told what torch's op gave


def named(*names: str, result: bool = False) -> Callable[[Translation], Translation]:
    """Enter a function into the table under the names of the ops that it translates."""

    def enter(function: Translation) -> Translation:
        OPS.update(dict.fromkeys(names, function))
        WITH_RESULT.update(names if result else ())
        return function

    return enter


def floats(*args: Any) -> list[Any]:
    """Return arguments with arrays of integers and bools as floats, in the precision of the nodes beside them."""
    dtype = next((a.dtype for a in args if isinstance(a, Node) and a.ndim), np.float64)
    return [a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind in "biu" else a for a in args]


def entrywise(function: Callable[..., Any]) -> Translation:
    """Return a function of floats for arguments that may be integers."""
    return lambda *args, **settings: function(*floats(*args), **settings)


def axes(dim: Any, x: Any) -> Any:
    """Return the axes of a reduction of x: torch's empty list means all, and a number has the axes 0 and -1 too."""
    return None if dim is None or dim == () or not ops.shape(x) else dim


def lined(x: Any) -> Any:
    """Return a number as an array of one entry, which torch often takes it for; whatever else as it is."""
    return x if ops.shape(x) else ops.reshape(x, (1,))


def data_of(x: Any) -> Any:
    """Return the plain numbers of an argument."""
    return x._data if isinstance(x, Node) else np.asarray(x)


def numpy_of(tensor: Any) -> Any:
    """Return a tensor of torch's as an array."""
    return tensor.detach().cpu().numpy()


def detached(x: Any) -> Any:
    """Return x without a gradient: a node as a constant."""
    return x.detach() if isinstance(x, Node) else x


def times(x: Any, factor: Any) -> Any:
    """Return x times a factor, and x itself where that is 1."""
    return x if isinstance(factor, (int, float)) and factor == 1 else x * factor
