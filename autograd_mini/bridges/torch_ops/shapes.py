"""PyTorch's shapes and indices: views, parts, joins, and entries put in their places."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from ... import array_ops as arrays
from ... import ops
from .table import OPS, Translation, data_of, floats, lined, times


def _flatten(x: Any, start: int = 0, end: int = -1) -> Any:
    shape = ops.shape(x) or (1,)
    start, end = start % len(shape), end % len(shape)
    return ops.reshape(x, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


def _unflatten(x: Any, dim: int, sizes: Any) -> Any:
    shape = ops.shape(x)
    dim %= len(shape)
    return ops.reshape(x, (*shape[:dim], *_filled(sizes, shape[dim]), *shape[dim + 1 :]))


def _filled(sizes: Any, total: int) -> tuple[int, ...]:
    known = math.prod(n for n in sizes if n >= 0)
    return tuple(total // known if n < 0 else n for n in sizes)


def _squeeze(x: Any, dim: Any = None) -> Any:
    shape = ops.shape(x)
    wanted = range(len(shape)) if dim is None else [d % len(shape) for d in np.atleast_1d(dim)] if shape else []
    return ops.reshape(x, tuple(n for i, n in enumerate(shape) if i not in wanted or n != 1))


def _expand(x: Any, sizes: Any, implicit: bool = False) -> Any:
    lead = len(sizes) - len(ops.shape(x))
    own = (1,) * lead + ops.shape(x)
    wide = tuple(n if s < 0 else s for n, s in zip(own, sizes))
    return x if wide == ops.shape(x) else ops.broadcast_to(x, wide)


def _repeat(x: Any, times: Any) -> Any:
    shape = (1,) * (len(times) - len(ops.shape(x))) + ops.shape(x)
    pairs = tuple(n for pair in zip(times, shape) for n in pair)
    split = tuple(n for size in shape for n in (1, size))
    return ops.reshape(ops.broadcast_to(ops.reshape(x, split), pairs), tuple(t * n for t, n in zip(times, shape)))


def select(x: Any, dim: int, index: int) -> Any:
    """Return the entries at one place along an axis, which is gone."""
    return ops.getitem(x, (*(slice(None),) * (dim % len(ops.shape(x))), int(index)))


def _slice(x: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    n = ops.shape(x)[dim]
    start, end, step = slice(start, end, step).indices(n)
    if (start, step) == (0, 1) and end >= n:
        return x
    return ops.getitem(x, (*(slice(None),) * (dim % len(ops.shape(x))), slice(start, max(end, start), step)))


def _along(x: Any, dim: int, places: Any) -> Any:
    """Return the places along one axis as an index of all axes."""
    grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in places.shape)])
    grid[dim % len(ops.shape(x))] = places
    return tuple(grid)


def gather(x: Any, dim: int, index: Any, sparse_grad: bool = False) -> Any:
    """Return the entries at the places that an index names along an axis, as torch.gather does."""
    places = np.asarray(index)
    if not places.size:
        return np.zeros(places.shape)
    found = ops.getitem(lined(x), _along(lined(x), dim, np.atleast_1d(places)))
    return found if places.shape else ops.reshape(found, ())


def _index(x: Any, indices: Any) -> Any:
    parts = tuple(slice(None) if i is None else i for i in indices)
    if len(parts) == 1 and isinstance(parts[0], np.ndarray) and parts[0].dtype == bool:
        return ops.getitem(x, parts[0])
    return ops.getitem(x, parts)


def _put(x: Any, index: Any, values: Any, accumulate: bool) -> Any:
    """Return x with values put, or added, where the index points; of several for one place the last stays."""
    shape = ops.shape(x)
    count = np.shape(np.empty(shape, bool)[index])
    values = ops.broadcast_to(floats(x, values)[1], count)
    if accumulate:
        return x + ops.scatter(values, index, shape)
    which = np.full(shape, -1)
    which[index] = np.arange(math.prod(count)).reshape(count)
    if not math.prod(count):
        return x
    return ops.where(which >= 0, ops.getitem(arrays.ravel(values), np.maximum(which, 0)), x)


def _index_put(x: Any, indices: Any, values: Any, accumulate: bool = False, unsafe: bool = False) -> Any:
    return _put(x, tuple(slice(None) if i is None else i for i in indices), values, accumulate)


def _scatter(x: Any, dim: int, index: Any, source: Any, reduce: str | None = None) -> Any:
    if not ops.shape(x):
        return ops.reshape(_scatter(lined(x), 0, np.atleast_1d(index), source, reduce), ())
    here = tuple(slice(n) for n in index.shape)
    source = ops.getitem(source, here) if len(ops.shape(source)) == len(here) else source
    return _put(x, _along(x, dim, index), source, reduce == "add")


def _slots(x: Any, dim: int, index: Any) -> tuple[Any, ...]:
    return (*(slice(None),) * (dim % len(ops.shape(x))), index)


def _put_along(x: Any, dim: int, index: Any, source: Any, accumulate: bool) -> Any:
    return ops.reshape(_put(lined(x), _slots(lined(x), dim, np.atleast_1d(index)), source, accumulate), ops.shape(x))


def _index_select(x: Any, dim: int, index: Any) -> Any:
    found = ops.getitem(lined(x), _slots(lined(x), dim, np.atleast_1d(index)))
    return found if ops.shape(x) else ops.reshape(found, ())


def _split(x: Any, size: Any, dim: int = 0) -> tuple[Any, ...]:
    n = ops.shape(x)[dim]
    sizes = list(size) if isinstance(size, (tuple, list)) else [min(size, n - i) for i in range(0, n, size)]
    ends = np.cumsum([0, *sizes]).tolist()
    return tuple(_slice(x, dim, a, b) for a, b in pairwise(ends))


def chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """Return x in so many parts along an axis, the last of which may be shorter."""
    return _split(x, -(-ops.shape(x)[dim] // chunks), dim)


def _tensor_split(x: Any, sections: Any, dim: int = 0) -> tuple[Any, ...]:
    n = ops.shape(x)[dim]
    parts = np.array_split(np.arange(n), sections if isinstance(sections, int) else list(sections))
    return _split(x, [len(part) for part in parts], dim)


def _flip(x: Any, dims: Any) -> Any:
    return ops.flip(x, tuple(np.atleast_1d(dims).tolist()))


def roll(x: Any, shifts: Any, dims: Any = ()) -> Any:
    """Return x with its entries moved along axes; what leaves at one end comes back at the other."""
    if not dims:
        return ops.reshape(roll(arrays.ravel(x), shifts, (0,)), ops.shape(x))
    for shift, dim in zip(np.atleast_1d(shifts), np.atleast_1d(dims)):
        at = -int(shift) % max(ops.shape(x)[dim], 1)
        x = arrays.concatenate([_slice(x, int(dim), at), _slice(x, int(dim), 0, at)], int(dim))
    return x


def _constant_pad(x: Any, pad: Any, value: Any = 0.0) -> Any:
    pairs = [(a, b) for a, b in zip(pad[::2], pad[1::2])][::-1]
    lead = len(ops.shape(x)) - len(pairs)
    cut = [slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(pairs, ops.shape(x)[lead:])]
    x = ops.getitem(x, (..., *cut)) if any(a < 0 or b < 0 for a, b in pairs) else x
    wide = tuple((max(a, 0), max(b, 0)) for a, b in pairs)
    return ops.pad(x, ((0, 0),) * lead + wide, float(value or 0.0))


def _pad(x: Any, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    if mode == "constant":
        return _constant_pad(x, pad, value)
    pairs = [(a, b) for a, b in zip(pad[::2], pad[1::2])][::-1]
    lead = len(ops.shape(x)) - len(pairs)
    kind: Any = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode]
    for axis, (before, after) in enumerate(pairs, lead):
        x = ops.getitem(x, _slots(x, axis, _padded_places(ops.shape(x)[axis], before, after, kind)))
    return x


def _padded_places(n: int, before: int, after: int, kind: Any) -> Any:
    """Return the places of an axis that padding repeats; a negative padding cuts, before a circle is closed."""
    wide, cut = (max(before, 0), max(after, 0)), (max(-before, 0), max(-after, 0))
    if kind == "wrap":
        return np.pad(np.arange(cut[0], n - cut[1]), wide, kind)
    places = np.pad(np.arange(n), wide, kind)
    return places[cut[0] : len(places) - cut[1]]


def repeat_interleave(x: Any, repeats: Any, dim: Any = None, output_size: Any = None) -> Any:
    """Return x with each entry along an axis repeated."""
    x, dim = (arrays.ravel(x), 0) if dim is None else (x, dim)
    return ops.getitem(x, _slots(x, dim, np.repeat(np.arange(ops.shape(x)[dim]), repeats)))


def _unfold(x: Any, dim: int, size: int, step: int) -> Any:
    rank = len(ops.shape(x))
    if not rank:
        return lined(x)
    moved = arrays.moveaxis(x, dim % rank, rank - 1)
    return arrays.moveaxis(ops.windows(moved, (size,), (step,)), rank - 1, dim % rank)


def _pixel_shuffle(x: Any, r: int) -> Any:
    *lead, c, h, w = ops.shape(x)
    n = len(lead)
    split = ops.reshape(x, (*lead, c // r**2, r, r, h, w))
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return ops.reshape(ops.transpose(split, order), (*lead, c // r**2, h * r, w * r))


def _cat(xs: Any, dim: int = 0) -> Any:
    xs = floats(*xs)
    return arrays.concatenate([x for x in xs if ops.shape(x) != (0,)] or xs, dim)


def unbind(x: Any, dim: int = 0) -> tuple[Any, ...]:
    """Return the layers of x along an axis."""
    return tuple(select(x, dim, i) for i in range(ops.shape(x)[dim]))


def _stacked(axis: int) -> Translation:
    def join(xs: Any) -> Any:
        wide = [ops.reshape(x, np.shape((np.atleast_1d, np.atleast_2d)[axis == 0](data_of(x)))) for x in xs]
        return arrays.concatenate(wide, 0 if axis == 0 or len(ops.shape(wide[0])) == 1 else 1)

    return join


def _meshgrid(xs: Any, indexing: str = "ij") -> tuple[Any, ...]:
    n, lengths = len(xs), tuple(math.prod(ops.shape(x)) for x in xs)
    grids = [ops.reshape(x, tuple(-1 if i == j else 1 for j in range(n))) for i, x in enumerate(xs)]
    full = (ops.broadcast_to(grid, lengths) for grid in grids)
    return tuple(ops.swapaxes(g, 0, 1) if indexing == "xy" and n > 1 else g for g in full)


def _masked_select(x: Any, mask: Any) -> Any:
    shape = np.broadcast_shapes(ops.shape(x), np.shape(mask))
    return ops.getitem(lined(_expand(x, shape)), np.atleast_1d(np.broadcast_to(mask, shape)))


def _take_along(x: Any, index: Any, dim: Any = None) -> Any:
    if dim is None:
        return ops.getitem(arrays.ravel(x), np.ravel(index))
    x, index = lined(x), np.atleast_1d(index)
    shape = list(np.broadcast_shapes(*(_but(dim, v) for v in (ops.shape(x), index.shape))))
    own, theirs = list(shape), list(shape)
    own[dim], theirs[dim] = ops.shape(x)[dim], index.shape[dim]
    return gather(_expand(x, tuple(own)), dim, np.broadcast_to(index, theirs))


def _but(axis: int, shape: Any) -> tuple[int, ...]:
    return tuple(1 if i == axis % len(shape) else n for i, n in enumerate(shape))


def _slice_scatter(x: Any, source: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    return _put(x, _slots(x, dim, slice(start, end, step)), source, False)


def _same(x: Any, *settings: Any, **others: Any) -> Any:
    return x


OPS.update({
    **dict.fromkeys("contiguous clone alias lift_fresh_copy lift to _to_copy type_as float double cpu "
                    "view.dtype resolve_conj resolve_neg conj real requires_grad_ detach_".split(), _same),
    **dict.fromkeys("view reshape _unsafe_view _reshape_alias".split(), ops.reshape),
    **dict.fromkeys(("view_as", "reshape_as"), lambda x, y: ops.reshape(x, ops.shape(y))),
    **dict.fromkeys(("transpose", "swapaxes", "swapdims"), lambda x, a, b: ops.swapaxes(x, a, b) if x.ndim else x),
    **dict.fromkeys(("movedim", "moveaxis"), arrays.moveaxis),
    **dict.fromkeys(("mT", "mH", "adjoint"), lambda x: ops.swapaxes(x, -1, -2)),
    **dict.fromkeys(("t", "numpy_T", "T"), ops.transpose),
    **dict.fromkeys(("select", "select_copy"), select), **dict.fromkeys(("slice", "slice_copy"), _slice),
    **dict.fromkeys(("cat", "concat", "concatenate"), _cat),
    **dict.fromkeys(("split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes"), _split),
    **dict.fromkeys(("chunk", "unsafe_chunk"), chunk),
    **dict.fromkeys(("scatter", "scatter.src", "scatter.value"), _scatter),
    "permute": ops.transpose, "flatten": _flatten, "unflatten": _unflatten, "ravel": arrays.ravel, "squeeze": _squeeze,
    "unsqueeze": lambda x, dim: ops.expand_dims(x, dim), "expand": _expand, "broadcast_to": _expand,
    "expand_as": lambda x, y: _expand(x, ops.shape(y)), "repeat": _repeat,
    "tile": lambda x, times: _repeat(x, (1,) * (len(ops.shape(x)) - len(times)) + tuple(times)),
    "narrow": lambda x, dim, start, length: _slice(x, dim, int(start), int(start) + length),
    "gather": gather, "index": _index, "index_put": _index_put, "_unsafe_index": _index,
    "index_select": _index_select,
    "take": lambda x, index: ops.getitem(arrays.ravel(x), index),
    "take_along_dim": _take_along, "masked_select": _masked_select, "slice_scatter": _slice_scatter,
    "scatter_add": lambda x, dim, index, source: _scatter(x, dim, index, source, "add"),
    "scatter.reduce": lambda x, dim, index, source, reduce: _scatter(x, dim, index, source, reduce),
    "index_add": lambda x, dim, index, source, alpha=1: _put_along(x, dim, index, times(source, alpha), True),
    "index_copy": lambda x, dim, index, source: _put_along(x, dim, index, source, False),
    "index_fill": lambda x, dim, index, value: _put_along(x, dim, index, value, False),
    "select_scatter": lambda x, source, dim, index: _put(x, _slots(x, dim, index), source, False),
    "stack": lambda xs, dim=0: arrays.stack(floats(*xs), dim), "unbind": unbind,
    "hstack": _stacked(1), "vstack": _stacked(0),
    "tensor_split": _tensor_split, "flip": _flip, "fliplr": lambda x: _flip(x, 1), "flipud": lambda x: _flip(x, 0),
    "roll": roll, "pad": _pad, "constant_pad_nd": _constant_pad, "repeat_interleave": repeat_interleave,
    **{f"reflection_pad{n}d": lambda x, pad: _pad(x, pad, "reflect") for n in (1, 2, 3)},
    **{f"replication_pad{n}d": lambda x, pad: _pad(x, pad, "replicate") for n in (1, 2, 3)},
    "unfold": _unfold, "pixel_shuffle": _pixel_shuffle,
    "copy": lambda x, source, non_blocking=False: _expand(floats(x, source)[1], ops.shape(x)),
    "fill": lambda x, value: ops.broadcast_to(value, ops.shape(x)),
    "meshgrid": _meshgrid,
})  # fmt: skip
