"""What holds numbers: a node, a list of them, an array, an object with `data` - to be read whole, and written to.

Written to is what they hold now, not a copy: nodes are assigned, arrays and PyTorch's tensors changed in place.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_mini import Node

Array = NDArray[np.float64]
NUMBERS = (int, float, np.number)


def taken(held: Any) -> Any:
    """Return the numbers as a number or lists, as JSON has them: what is not finite as a text.

    >>> from autograd_mini import Tensor, Value
    >>> taken([Value(1.0), Value(float("nan"))]), taken(Tensor([[1.0, 2.0]]))
    ([1.0, 'nan'], [[1.0, 2.0]])
    """
    if isinstance(held, (list, tuple)):
        return [taken(each) for each in held]
    return _written(np.asarray(_data(held), dtype=float).tolist())


def _written(x: Any) -> Any:
    if isinstance(x, list):
        return [_written(each) for each in x]
    return x if math.isfinite(x) else str(x)


def put(held: Any, numbers: Any, place: tuple[int, ...] = ()) -> None:
    """Write numbers, in the form of `taken`, to all that is held, or to the part of it at `place`.

    TypeError where that is neither a node nor anything else that can be written to.

    >>> from autograd_mini import Tensor, Value
    >>> w, W = [Value(1.0), Value(2.0)], Tensor([[1.0, 2.0]])
    >>> put(w, 5.0, (1,)); put(W, 5.0, (0, 1)); put(W, [["inf", 5.0]]); w[1].data, W.data
    (5.0, array([[inf,  5.]]))
    """
    if isinstance(held, (list, tuple)):
        for i, part in [(place[0], numbers)] if place else enumerate(numbers):
            if isinstance(held, list) and isinstance(held[i], NUMBERS):
                held[i] = float(part)
            else:
                put(held[i], part, place[1:])
    elif isinstance(held, Node):
        held.data = _changed(held.data, numbers, place)
    elif isinstance(getattr(held, "data", None), NUMBERS):
        held.data = float(numbers)
    else:
        _in_place(held)[...] = _changed(_data(held), numbers, place)


def _data(held: Any) -> Any:
    return held if isinstance(held, np.ndarray) else getattr(held, "data", held)


def _changed(now: Any, numbers: Any, place: tuple[int, ...]) -> Array:
    """Return an array with other numbers, at a place or everywhere."""
    array: Array = np.array(now, dtype=float)
    array[place] = np.array(numbers, dtype=float)
    return array


def _in_place(held: Any) -> Any:
    """Return an array in the memory of what is held, or raise TypeError."""
    array = np.asarray(_data(held))
    if isinstance(held, NUMBERS) or not np.shares_memory(array, np.asarray(_data(held))):
        raise TypeError(f"a {type(held).__name__} holds numbers that cannot be changed in place")
    return array
