"""Models as data: an object of a known class becomes JSON and arrays, and they become the object again.

A description is a list of records, one per object, each with the name of its class; the first is the model. What an
object holds is written as JSON writes it, or as `{tag: content}` where JSON has no word for it. Nothing but the classes
of `classes` is ever made from a description: there is no look-up of names elsewhere, and no code in a file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from autograd_mini import DataError, Node
from autograd_mini.data import Array
from autograd_mini.op import NAMED, TABLE, Op

from ..errors import StateError
from ..module import Module
from .classes import Composite, Primitive, class_named, misfit

Record = dict[str, Any]
Arrays = dict[str, Array]

DIGITS = 100  # of the longest integer: a generator's state has 39
NUMBERS = "biuf"  # kinds of arrays that are stored as they are, up to 8 bytes an entry


# Objects into records -------------------------------------------------------------------------------------------------


def describe(model: Any) -> tuple[list[Record], Arrays]:
    """Return the records of a model and the arrays they speak of; the parameters of a module keep their names.

    An object that is reached twice has one record. DataError names what no file can hold: functions, and objects of
    other classes; StateError a parameter that is NaN or infinite, since no module would take it back.
    """
    known = class_of(model, "")
    if not (isinstance(known, Composite) and known.is_model):
        raise DataError(f"a {type(model).__name__} is no model: give one of nn's modules or estimators")
    writer = _Writer(model)
    try:
        records = list(writer.records())
    except RecursionError:
        raise DataError("the model holds lists nested too deeply to be saved") from None
    for path, x in writer.found:
        known = class_of(x, path)
        if isinstance(known, Composite):
            fault = misfit(known, x)
            if fault:
                raise DataError(f"{path or 'the model'} is {fault}")
    return records, writer.arrays


def finite_state(module: Module) -> Arrays:
    """Return a module's `state_dict`, or raise StateError for the first parameter that is NaN or infinite."""
    state = module.state_dict()
    for name, x in state.items():
        if not np.isfinite(x).all():
            place = [int(i) for i in np.argwhere(~np.isfinite(x))[0]]
            raise StateError(f"nothing was saved: {name} is {x[tuple(place)]}{f' at {place}' if place else ''}")
    return state


def class_of(x: Any, path: str) -> Composite | Primitive:
    """Return what a file may hold of an object's class, or raise DataError."""
    known = class_named(type(x).__name__)
    if known is None or type(x) is not known.kind:
        what = f"the function {x.__name__!r}" if hasattr(x, "__name__") else f"of class {type(x).__qualname__}"
        raise DataError(f"{path or 'the model'} is {what}, which no file can hold")
    return known


class _Writer:
    """The state of writing: the objects found so far, by identity, and the arrays that hold their numbers."""

    def __init__(self, model: Any) -> None:
        self.arrays: Arrays = {}
        self.found: list[tuple[str, Any]] = [("", model)]
        self.numbers = {id(model): 0}
        self.names: dict[int, str] = {}
        if isinstance(model, Module):
            finite_state(model)
            self.names = {id(parameter): name for name, parameter in model.named_parameters()}

    def records(self) -> Iterator[Record]:
        """Yield the record of every object, in the order they are found in, which this very walk extends."""
        for path, x in self.found:
            known = class_of(x, path)
            state = known.state(x) if isinstance(known, Primitive) else vars(x)
            paths = {key: path if isinstance(x, Node) else f"{path}.{key}".removeprefix(".") for key in state}
            yield {"class": known.kind.__name__, **{key: self.value(state[key], paths[key]) for key in state}}

    def value(self, x: Any, path: str) -> Any:
        """Return a value as JSON, taking note of the arrays and the objects in it."""
        if x is None or type(x) in (bool, str):
            return x
        if isinstance(x, np.generic) and (x.dtype.kind == "U" or _is_number(x.dtype)):
            return {"scalar": [x.dtype.str, self.value(x.item(), path)]}
        write = WRITERS.get(type(x))
        return write(self, x, path) if write else self.object(x, path)

    def store(self, x: Array, path: str) -> str:
        """Keep an array under its path, or a name like it: keys of dicts may look like paths, or be no text at all."""
        name = path.encode("utf-8", "backslashreplace").decode()
        while name in self.arrays or name == "__metadata__":
            name += "'"
        self.arrays[name] = x
        return name

    def object(self, x: Any, path: str) -> Any:
        """Return an object's number, a new one where it was not met before."""
        if isinstance(x, Node) and id(x) not in self.names:
            raise DataError(f"{path} is a node but no parameter: parameters are leaves under public names")
        if id(x) not in self.numbers:
            self.numbers[id(x)] = len(self.found)
            self.found.append((self.names.get(id(x), path), x))
        return {"object": self.numbers[id(x)]}


def _whole(writer: _Writer, x: int, path: str) -> int:
    if abs(x) >= 10**DIGITS:
        raise DataError(f"{path} is an integer of more than {DIGITS} digits, which no file can hold")
    return x


def _dict(writer: _Writer, x: dict[Any, Any], path: str) -> Record:
    return {"dict": [[writer.value(key, path), writer.value(inner, f"{path}.{key}")] for key, inner in x.items()]}


def _list(writer: _Writer, x: list[Any], path: str) -> list[Any]:
    return [writer.value(inner, f"{path}.{i}") for i, inner in enumerate(x)]


def _array(writer: _Writer, x: Array, path: str) -> Record:
    """Write numbers as they are, noting where a matrix lies by columns; text by code points; objects one by one."""
    if x.dtype.kind == "O" and x.ndim == 1:
        return {"objects": _list(writer, x.tolist(), path)}
    if x.dtype.kind == "U":
        points = np.ascontiguousarray(x, x.dtype.newbyteorder("=")).view(np.uint32)
        return {"text": writer.store(points.reshape(*x.shape, x.dtype.itemsize // 4), path)}
    if not _is_number(x.dtype):
        raise DataError(f"{path} is an array of {x.ndim} axes of {x.dtype}, which no file can hold")
    return {"array" if x.flags.c_contiguous else "columns": writer.store(x, path)}


def _is_number(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in NUMBERS and dtype.itemsize <= 8


def _op(writer: _Writer, x: Op, path: str) -> Any:
    return {"op": x.name} if NAMED.get(x.name) is x else writer.object(x, path)


WRITERS: dict[type, Callable[[_Writer, Any, str], Any]] = {
    int: _whole,
    float: lambda writer, x, path: x if math.isfinite(x) else {"float": repr(x)},
    list: _list,
    tuple: lambda writer, x, path: {"tuple": _list(writer, list(x), path)},
    dict: _dict,
    np.ndarray: _array,
    **dict.fromkeys({type(op) for op in TABLE.values()}, _op),
}


# Records into objects -------------------------------------------------------------------------------------------------


def build(records: list[Record], arrays: Mapping[str, Array]) -> Any:
    """Return the model that `describe` gave these records and arrays for.

    What does not fit raises ValueError, TypeError, LookupError, AttributeError or OverflowError, and nothing is made.
    """
    saved = [_known(record) for record in records]
    objects: list[Any] = []
    read = _reader(objects, arrays)
    for known, record in zip(saved, records):
        objects.append(
            known.make(**_state(record, read)) if isinstance(known, Primitive) else object.__new__(known.kind)
        )
    for known, record, x in zip(saved, records, objects):
        if isinstance(known, Composite):
            vars(x).update(_state(record, read))
    for known, x in zip(saved, objects):
        fault = misfit(known, x) if isinstance(known, Composite) else ""
        if fault:
            raise ValueError(fault)
    if not (isinstance(saved[0], Composite) and saved[0].is_model):
        raise ValueError(f"a {saved[0].kind.__name__} is no model")
    return objects[0]


def _known(record: Record) -> Composite | Primitive:
    known = class_named(record["class"])
    if known is None:
        raise ValueError(f"no class {record['class']!r} is known here")
    return known


def _state(record: Record, read: Callable[[Any], Any]) -> Record:
    return {key: read(value) for key, value in record.items() if key != "class"}


def _reader(objects: list[Any], arrays: Mapping[str, Array]) -> Callable[[Any], Any]:
    """Return the function from JSON to values, among them the objects that there are by the time it is called."""

    def read(value: Any) -> Any:
        if isinstance(value, list):
            return [read(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        ((tag, content),) = value.items()
        return readers[tag](content)

    def objects_of(content: list[Any]) -> Array:
        array = np.empty(len(content), dtype=object)
        array[:] = [read(entry) for entry in content]
        return array

    readers: dict[str, Callable[[Any], Any]] = {
        "float": {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}.__getitem__,
        "tuple": lambda content: tuple(read(content)),
        "dict": lambda content: {read(key): read(inner) for key, inner in content},
        "scalar": lambda content: _scalar(content[0], read(content[1])),
        "array": lambda name: arrays[name].copy(),
        "columns": lambda name: np.array(arrays[name], order="F"),
        "text": lambda name: _text(arrays[name]),
        "objects": objects_of,
        "op": NAMED.__getitem__,  # a custom op is known by its name alone
        "object": lambda number: objects[number],
    }
    return read


def _scalar(kind: str, x: Any) -> Any:
    dtype = np.dtype(kind)
    if isinstance(x, str) != (dtype.kind == "U") or not (isinstance(x, str) or _is_number(dtype)):
        raise ValueError(f"a scalar of kind {kind!r}")
    return np.str_(x) if isinstance(x, str) else dtype.type(x)


def _text(points: Array) -> Array:
    """Return the texts whose code points are the last axis."""
    if points.dtype != np.uint32 or points.max(initial=0) > 0x10FFFF:
        raise ValueError("text with impossible characters")
    return np.ascontiguousarray(points).view(f"U{points.shape[-1]}")[..., 0]
