"""What a node may hold: one Python float, or an array of float64 or float32; all else is cast or refused here."""

from __future__ import annotations

import contextvars
import datetime
import functools
import reprlib
import weakref
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .errors import DataError, RangeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = np.ndarray  # numpy.typing takes half a millisecond to load
T = TypeVar("T")

_short = reprlib.Repr()  # cuts long texts, lists and deep nesting, and survives a __repr__ that raises
_short.maxstring = _short.maxother = 60

KEPT = (np.dtype(np.float64), np.dtype(np.float32))

# The C library gives the memory of large arrays back to the system when they go, page by page, and the next ones wait
# for it - until it has seen one as large as this go (glibc's mallopt: M_MMAP_THRESHOLD). No page of it is ever touched.
np.empty(2**21)


def number_of(data: Any) -> float:
    """Return the Python float that `data` stands for, or raise DataError."""
    if isinstance(data, float):
        return float(data)
    if isinstance(data, (np.ndarray, np.generic)):
        array = _plain_array(data)
        if not array.ndim:
            return _as_float(array)
    elif isinstance(data, Real):
        return _as_float(data)
    hint = "for an array use Tensor" if isinstance(data, (np.ndarray, list, tuple)) else _hint(data)
    raise DataError(f"expected one number, got {_brief(data)}: {hint}")


def array_of(data: Any, dtype: Any = None) -> Array:
    """Return a fresh array of float64 or float32 with the entries of `data`, or raise DataError."""
    array = _plain_array(data)
    kind = array.dtype if array.dtype in KEPT else KEPT[0]
    return np.array(array, dtype=kind if dtype is None else kept_dtype(dtype), order="C")


def is_kept(data: Any) -> bool:
    """Return whether data is an array as rows compute with it: with axes, of float64 or float32."""
    return type(data) is np.ndarray and data.dtype in KEPT and data.ndim > 0


def kept_dtype(dtype: Any) -> np.dtype[Any]:
    """Return float64 or float32 as numpy has them, or raise DataError."""
    try:
        kind: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        kind = np.dtype(object)
    if kind not in KEPT:
        raise DataError(f"dtype {dtype!r} has no derivatives here: use float64 or float32")
    return kind


_sealed: weakref.WeakValueDictionary[int, Array] = weakref.WeakValueDictionary()


def sealed(array: Array) -> Array:
    """Make a fresh array read-only, so that records keep it without a copy; nobody may have a view of it.

    That an array is read-only is not enough: a view that was taken before may still be written to.
    """
    array.flags.writeable = False
    _sealed[id(array)] = array
    return array


def constant_of(array: Array) -> Array:
    """Return a constant array that nobody else can change: itself where it is sealed, else a copy."""
    owner = array if array.base is None else array.base
    kept = _sealed.get(id(owner)) is owner and not array.flags.writeable and array.dtype in KEPT
    return array if kept and type(array) is np.ndarray else array_of(array)


def is_masked(data: Any) -> bool:
    """Return whether data is a masked array or a list of its rows, without loading numpy.ma where nobody uses it."""
    if isinstance(data, (list, tuple)):
        return any(issubclass(kind, np.ndarray) and hasattr(kind, "mask") for kind in set(map(type, data)))
    return hasattr(data, "mask") and isinstance(data, np.ma.MaskedArray)


def unmasked(data: Any) -> Array:
    """Return data as numpy reads it, or raise DataError for a masked array, of which numpy would read all entries."""
    if is_masked(data):
        raise DataError("a masked array would lose its mask: fill it first, data.filled(value)")
    return np.asarray(data)


def _plain_array(data: Any) -> Array:
    if isinstance(data, (set, frozenset, dict)):
        raise DataError(f"expected numbers in a fixed order, got {_brief(data)}: pass a list of them")
    try:
        array = unmasked(data)
    except OverflowError:
        raise _too_large() from None
    except ValueError:
        raise DataError(
            f"expected rows of one length, got {_brief(data)}: pad them, or make a Tensor of each"
        ) from None
    _check_kind(array, data)
    return array


def _check_kind(array: Array, data: Any) -> None:
    if array.dtype.kind == "O" and all(type(entry) is int for entry in array.flat) and array.size:
        for entry in array.flat:
            _as_float(entry)
    elif array.dtype.kind not in "fiub":
        raise DataError(f"expected real numbers, got {_brief(data)}: {_hint(array.reshape(-1)[:1].tolist())}")


def _hint(data: Any) -> str:
    """Return what to do about data that is no number, from the first entry of an array or from the thing itself."""
    entry = data[0] if isinstance(data, list) and data else data
    for kinds, hint in HINTS:
        if isinstance(entry, kinds):
            return hint
    if hasattr(entry, "birth"):
        return "take its .data, plain numbers"
    return "make an array of it, np.asarray(x)" if hasattr(entry, "__array__") else "turn it into floats first"


HINTS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((str, bytes), "text is not read as a number, convert it with float(...)"),
    ((type(None),), "a function without `return` gives None; for a missing number write float('nan')"),
    ((complex,), "take .real and .imag, each a number of its own"),
    (
        (datetime.date, datetime.timedelta, np.datetime64, np.timedelta64),
        "count seconds or days first",
    ),
    ((set, frozenset, dict), "pass a list of numbers, its order is fixed"),
)


def _as_float(data: Any) -> float:
    try:
        return float(data)
    except OverflowError:
        raise _too_large() from None


def _too_large() -> RangeError:
    return RangeError(
        "an integer is too large for a float (the largest is about 1.8e308): write it as a float, or scale it"
    )


def _brief(data: Any) -> str:
    return f"{type(data).__name__} {' '.join(_short.repr(data).split())}"


class ReadOnlyArray(np.ndarray):
    """A node's data as its owner may see it: reading is free, writing is refused with a hint.

    In-place operators return a new plain array instead, so that `p.data -= step` assigns one whole array, which the
    node notices; an entry written behind the node's back would make its recorded gradients silently wrong. Whatever
    numpy computes from it is a plain array, and a copy of it is the caller's own to change.
    """

    @classmethod
    def of(cls, array: Array) -> ReadOnlyArray:
        """Return a read-only view of `array`."""
        view = array.view(cls)
        view.flags.writeable = False
        return view

    def __array_finalize__(self, obj: Any) -> None:
        pass

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        plain = np.asarray(array)
        return plain[()] if return_scalar else plain

    def __getitem__(self, index: Any) -> Any:
        part = np.asarray(self)[index]
        return part.view(ReadOnlyArray) if isinstance(part, np.ndarray) and not part.flags.writeable else part

    def __repr__(self) -> str:
        return repr(np.asarray(self))

    def __reduce__(self) -> Any:
        return np.array(self).__reduce__()


def _guarded(name: str) -> Callable[..., None]:
    change = getattr(np.ndarray, name)

    def method(self: Array, *args: Any, **keywords: Any) -> None:
        if not self.flags.writeable:
            raise DataError("a node's data is not changed in place: assign a whole array, x.data = new")
        change(self, *args, **keywords)

    return method


def _in_place(name: str) -> Callable[[Array, Any], Array]:
    change: Callable[..., Array] = getattr(np.ndarray, f"__i{name}__")
    compute: Callable[..., Array] = getattr(np.ndarray, f"__{name}__")

    def method(self: Array, other: Any) -> Array:
        if not self.flags.writeable:
            return compute(np.asarray(self), other)
        change(self, other)
        return self

    return method


def _plain(name: str) -> Callable[..., Array]:
    compute = getattr(np.ndarray, name)
    return lambda self, *args, **keywords: compute(np.asarray(self), *args, **keywords)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    setattr(ReadOnlyArray, f"__i{_name}__", _in_place(_name))
for _name in ("__setitem__", "fill", "sort", "partition", "put", "resize"):
    setattr(ReadOnlyArray, _name, _guarded(_name))
for _name in (
    "__copy__",
    "__deepcopy__",
    "copy",
    "astype",
    "flatten",
    "repeat",
    "take",
    "choose",
    "compress",
    "cumsum",
    "cumprod",
    "round",
):
    setattr(ReadOnlyArray, _name, _plain(_name))


def _errors_of_numpy() -> tuple[contextvars.ContextVar[Any], Any]:
    """Return the context variable in which numpy keeps what it does about errors, and its value where it does nothing.

    Setting it is five times cheaper than `np.errstate`, which makes such a value each time.
    """
    context = contextvars.Context()
    context.run(np.seterr, all="ignore")
    for variable, value in context.items():
        return variable, value
    return contextvars.ContextVar("errors", default=None), True  # another numpy, whose warnings are heard then


_errors, QUIET = _errors_of_numpy()
errors = _errors.get  # QUIET where none is announced


def ignoring_fp_warnings(function: Callable[..., T], *args: Any) -> T:
    """Call `function(*args)` with division by zero, overflow and invalid operations giving inf and nan, unannounced."""
    before = errors()
    if before is QUIET:
        return function(*args)
    try:  # Ctrl-C may come as soon as it is set
        _errors.set(QUIET)
        return function(*args)
    finally:
        _errors.set(before)


@functools.cache
def on_floats(function: np.ufunc) -> Callable[..., float]:
    """Return a ufunc of one argument or two as a function of floats, unannounced: a number has the bits of an entry.

    >>> on_floats(np.log)(0.0), bool(on_floats(np.exp)(0.5) == np.exp([0.5])[0])
    (-inf, True)
    """

    def of_one(x: float) -> float:
        return float(function(x) if errors() is QUIET else ignoring_fp_warnings(function, x))

    def of_two(x: float, y: float) -> float:
        return float(function(x, y) if errors() is QUIET else ignoring_fp_warnings(function, x, y))

    return of_one if function.nin == 1 else of_two
