"""Saving and loading: one file, in the safetensors format, with a description of the model and a checksum.

The header of the file holds, beside the arrays, one entry of text under the key `autograd_mini`: JSON with the version
of the format, the SHA-256 of the file (taken with 64 zeros in its own place) and the records of the model. So other
programs can read the arrays, and a model whose file was cut or changed in one bit is refused. Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from autograd_mini import AutogradError, DataError
from autograd_mini.data import Array
from autograd_mini.files import Path, open_regular, write_whole

from ..errors import StateError, extra
from ..module import Module
from ..optim import State
from .classes import MISFITS
from .objects import DIGITS, build, describe, finite_state
from .optimizer_state import Entry, describe_state, read_entries, remembered

VERSION = 1
KEY = "autograd_mini"
ZEROS = "0" * 64
HEADER_LIMIT = 100_000_000  # bytes; also the library's


class FormatError(AutogradError, ValueError):
    """A file that is no model saved by `save`, or no longer: cut, changed, of a newer version, or made by hand."""


def save(model: Any, path: Path, state: State | None = None) -> None:
    """Write a module or an estimator to a file: structure, parameters, settings, and what training has remembered.

    An estimator knows what its training remembers; for a module it is the `state` of its optimizer, which `load_into`
    takes back. The file arrives whole or not at all; see `write_whole` for what can go wrong with it (FileError). A
    module of your own, or one that holds a function, is saved by its parameters alone: `load_into` takes them back.
    DataError names what cannot be saved, StateError what is NaN or infinite; the old file is kept then. Needs
    safetensors (ExtraError).

    >>> import tempfile; from nn import MLP
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model = MLP(2, [3, 1], "tanh"); save(model, f"{folder}/model.safetensors")
    ...     load(f"{folder}/model.safetensors")([1.0, 2.0]).data == model([1.0, 2.0]).data
    True
    """
    about, arrays = _description(model)
    if state is not None:
        if not isinstance(model, Module):
            raise DataError(f"a {type(model).__name__} has its optimizer's state in itself: save it without one")
        entries, memory = describe_state(state, model, arrays)
        about, arrays = {**about, "state": entries}, {**arrays, **memory}
    write_whole(path, pack(about, arrays))


def load(path: Path) -> Any:
    """Return the module or estimator that a file holds: it computes, and goes on training, as the saved one would.

    FileError if the file cannot be read, FormatError if it is not, bit by bit, what `save` wrote; StateError if it
    holds the parameters alone. Needs safetensors, and for an estimator scikit-learn (ExtraError).
    """
    about, arrays = _open(path)
    if "model" not in about:
        raise StateError(
            f"{_shown(path)} holds parameters alone ({about.get('because')}): "
            f"make the {about.get('parameters of')} they are for and call load_into(model, path)"
        )
    try:
        return build(about["model"], arrays)
    except (*MISFITS, RecursionError) as error:
        raise FormatError(f"{_shown(path)} describes no model: {error or type(error).__name__}") from None


def load_into(model: Module, path: Path, state: State | None = None) -> None:
    """Give the parameters of a module, and the `state` of an optimizer, the numbers of a file: all of them, or none.

    The names must be the same. StateError lists every name that is missing or unknown and every shape or dtype that
    differs; other errors as in `load`.

    >>> import tempfile; from nn import Dense, adam
    >>> model, optimizer = Dense(2, 1, rng=0), adam(); state = optimizer.init(model); state[0][1] = 7
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, f"{folder}/run.safetensors", state)
    ...     again = load(f"{folder}/run.safetensors"); where = optimizer.init(again)
    ...     load_into(again, f"{folder}/run.safetensors", where); where[0][1]
    7
    """
    if not isinstance(model, Module):
        raise DataError(
            f"load_into fills the parameters of a module, got {type(model).__name__}: use load for the rest"
        )
    about, arrays = _open(path)
    entries = _entries(about, path)
    memory = {name for entry in entries for name in entry.arrays}
    try:
        if state is not None and "state" not in about:
            raise StateError("it holds no state of an optimizer: give save the state as well")
        restored = remembered(state, entries, arrays, model) if state is not None else []
        model.load_state_dict({name: x for name, x in arrays.items() if name not in memory})
    except StateError as error:
        raise StateError(f"{_shown(path)}: {error}") from None
    for entry, numbers in zip(state or [], restored):
        entry[1:] = numbers


def _entries(about: Mapping[str, Any], path: Path) -> list[Entry]:
    try:
        return read_entries(about.get("state", []))
    except MISFITS as error:
        raise FormatError(f"{_shown(path)} describes no state of an optimizer: {error}") from None


def _description(model: Any) -> tuple[dict[str, Any], Mapping[str, Array]]:
    try:
        records, arrays = describe(model)
        return {"model": records}, arrays
    except DataError as error:
        if not isinstance(model, Module):
            raise
        return {"parameters of": type(model).__name__, "because": str(error)}, finite_state(model)


# Bytes ----------------------------------------------------------------------------------------------------------------


def pack(about: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """Return a file's content: a description and arrays, with version and checksum."""
    library = extra("safetensors.numpy", "safetensors", "save")
    text = json.dumps({"version": VERSION, "sha256": ZEROS, **about}, allow_nan=False, separators=(",", ":"))
    # The library writes memory as it lies, whatever the order of the axes.
    plain = {name: np.asarray(x, x.dtype.newbyteorder("="), order="C") for name, x in arrays.items()}
    content: bytes = library.save(plain, {KEY: text})
    if int.from_bytes(content[:8], "little") > HEADER_LIMIT:
        raise DataError(f"too many single parameters ({len(arrays)}) for one file: save model.tensors(), on arrays")
    return content.replace(ZEROS.encode(), hashlib.sha256(content).hexdigest().encode(), 1)


def unpack(content: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the description and the arrays of a file's content, or raise FormatError."""
    library = extra("safetensors.numpy", "safetensors", "save")
    about = _about(content[8 : 8 + int.from_bytes(content[:8], "little")])
    digest = str(about.get("sha256")).encode("ascii", "replace")
    if len(digest) != len(ZEROS) or _digest_without(digest, content) != digest:
        raise FormatError("was changed after it was saved, or not saved to the end: its checksum is wrong")
    try:
        return about, library.load(content)
    except (extra("safetensors", "safetensors", "save").SafetensorError, *MISFITS) as error:
        raise FormatError(f"is no safetensors file: {error}") from None


def _open(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    try:
        with open_regular(path) as file:
            content = _read(file)
        return unpack(content)
    except FormatError as error:
        raise FormatError(f"{_shown(path)} {error}") from None


def _read(file: IO[bytes]) -> bytes:
    """Return the content of a file, once its beginning has shown that it is one of ours: no other is read whole."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or not 2 <= length <= HEADER_LIMIT:
        raise FormatError("is not a model saved by nn.save: a safetensors file starts with the length of its header")
    header = file.read(length)
    if len(header) < length:
        raise FormatError("was not saved to the end: it stops within its header")
    _about(header)
    return start + header + file.read()


def _about(header: bytes) -> dict[str, Any]:
    """Return the description in a header, or raise FormatError: not JSON, not ours, or from a newer version."""
    about = _object(_object(_object(header).get("__metadata__")).get(KEY))
    version = about.get("version")
    if type(version) is not int or version < 1:
        raise FormatError("is not a model saved by nn.save: its header says nothing about one")
    if version > VERSION:
        raise FormatError(f"has format {version}, and this version of autograd-mini reads up to {VERSION}: upgrade it")
    return about


def _object(text: Any) -> dict[str, Any]:
    """Return a JSON object from its text, or as it is; {} where it is neither."""
    try:
        given = strict_json(text) if isinstance(text, (str, bytes)) else text
    except (ValueError, RecursionError) as error:
        raise FormatError(f"has a damaged header: {error}") from None
    return given if isinstance(given, dict) else {}


def strict_json(text: str | bytes) -> Any:
    """Return what JSON says; ValueError for what it leaves open: keys given twice, NaN, Infinity, endless numbers."""
    return json.loads(text, object_pairs_hook=_unique, parse_int=_whole, parse_float=_finite, parse_constant=_finite)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    once = dict(pairs)
    if len(once) < len(pairs):
        raise ValueError("a key is given twice")
    return once


def _whole(digits: str) -> int:
    if len(digits) > DIGITS + 1:
        raise ValueError(f"an integer of {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    x = float(digits)
    if x - x != 0.0:
        raise ValueError(f"{digits[:40]} is no finite number")
    return x


def _digest_without(digest: bytes, content: bytes) -> bytes:
    place = content.find(digest)
    view = memoryview(content)
    checksum = hashlib.sha256(view[:place])
    checksum.update(ZEROS.encode())
    checksum.update(view[place + len(ZEROS) :])
    return checksum.hexdigest().encode()


def _shown(path: Path) -> str:
    return repr(str(path))
