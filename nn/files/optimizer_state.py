"""An optimizer's state as data: for each parameter its name, the updates so far, and the arrays that are remembered."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from autograd_mini import DataError, Node
from autograd_mini.data import Array

from ..errors import StateError
from ..module import Module
from ..optim import State, checked_state


class Entry(NamedTuple):
    """What a file says of one parameter; `arrays` are names of arrays."""

    name: str
    updates: int
    arrays: list[str]


def describe_state(state: State, model: Module, taken: Collection[str]) -> tuple[list[Entry], dict[str, Array]]:
    """Return the entries of a state and the arrays they speak of, under names that are not among those `taken`.

    DataError where the state is not that of the model, StateError where it holds NaN or infinity: nothing good can come
    of going on from there.
    """
    names = _names(model)
    used = set(taken)
    entries: list[Entry] = []
    arrays: dict[str, Array] = {}
    for i, (parameter, updates, *memory) in enumerate(checked_state(state)):
        if id(parameter) not in names:
            raise DataError(f"state[{i}] is about no parameter of the model: make it with optimizer.init(model)")
        entry = Entry(names[id(parameter)], updates, [])
        for x in map(np.asarray, memory):
            if not np.isfinite(x).all():
                raise StateError(f"nothing was saved: what the optimizer remembers of {entry.name} is not finite")
            free = _free(f"{entry.name} memory {len(entry.arrays)}", used)
            entry.arrays.append(free)
            used.add(free)
            arrays[free] = x
        entries.append(entry)
    return entries, arrays


def read_entries(given: Any) -> list[Entry]:
    """Return the entries that JSON holds, or raise ValueError or TypeError where it holds anything else."""
    entries = [Entry(*entry) for entry in given]
    for name, updates, arrays in entries:
        texts = [name, *arrays] if type(arrays) is list else [None]
        if type(updates) is not int or updates < 0 or any(type(text) is not str for text in texts):
            raise ValueError(f"{name!r} is described in another form")
    return entries


def remembered(state: State, entries: list[Entry], arrays: Mapping[str, Array], model: Module) -> list[list[Any]]:
    """Return for each entry of `state` what comes after the parameter, or raise StateError with every misfit."""
    names = _names(model)
    there = {entry.name: entry for entry in entries}
    own = [(names.get(id(parameter), "?"), parameter, memory) for parameter, _, *memory in checked_state(state)]
    known = {name for name, *_ in own}
    faults = [f"{name}: not a parameter of this state" for name in there if name not in known]
    for name, parameter, memory in own:
        faults += _misfits(name, parameter, len(memory), there.get(name), arrays)
    if faults:
        raise StateError("nothing was loaded, the state of the optimizer does not fit:\n  " + "\n  ".join(faults))
    return [
        [there[name].updates, *(_number(parameter, arrays[x]) for x in there[name].arrays)]
        for name, parameter, _ in own
    ]


def _names(model: Module) -> dict[int, str]:
    return {id(parameter): name for name, parameter in model.named_parameters()}


def _free(name: str, taken: Collection[str]) -> str:
    name = name.encode("utf-8", "backslashreplace").decode()
    while name in taken:
        name += "'"
    return name


def _misfits(name: str, parameter: Node, count: int, entry: Entry | None, arrays: Mapping[str, Array]) -> Iterator[str]:
    """Yield what is wrong with a file's entry for a parameter of which `count` arrays are to be remembered."""
    if entry is None:
        yield f"{name}: missing"
    elif len(entry.arrays) != count:
        yield f"{name}: {len(entry.arrays)} arrays, where this optimizer remembers {count}"
    else:
        for x in entry.arrays:
            if x not in arrays or arrays[x].shape != parameter.shape or arrays[x].dtype != parameter.dtype:
                yield f"{name}: {x!r} is no array of shape {parameter.shape} and {parameter.dtype}"
            elif not np.isfinite(arrays[x]).all():
                yield f"{name}: {x!r} is not finite"


def _number(parameter: Node, x: Array) -> Any:
    return x.copy() if parameter.ndim else float(x)
