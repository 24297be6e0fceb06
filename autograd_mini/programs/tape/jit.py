"""Just in time: printed source compiled by numba once, and kept on disk for the processes that come after.

The folder is the user's own: AUTOGRAD_MINI_CACHE where that is set, else the one that the system has for caches. Where
nothing can be written there, or what is there cannot be read, this process has a folder of its own for its lifetime.
Importing this room raises ExtraError where numba is not installed.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from threading import RLock
from types import ModuleType

from ...errors import extra

numba = extra("numba", "numba", "jit")
_lock = RLock()


def load(name: str, source: str) -> ModuleType:
    """Import `source` as a module whose functions numba compiles, or has compiled for an earlier process."""
    made_of = f"{source}\n{numba.__version__}\n{sys.version}"
    name = f"{name}_{hashlib.sha256(made_of.encode()).hexdigest()[:16]}"
    with _lock:
        try:
            return _imported(name, source, folder())
        except Exception:  # no room, no right to write, a file that was cut short: whatever it is, start afresh
            return _imported(name, source, _own_folder())


def folder() -> Path:
    """Return where compiled code is kept.

    >>> folder().name
    'autograd-mini'
    """
    given = os.environ.get("AUTOGRAD_MINI_CACHE")
    if given:
        return Path(given)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "~/AppData/Local")
    else:
        base = "~/Library/Caches" if sys.platform == "darwin" else os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "autograd-mini"


@cache
def _own_folder() -> Path:
    made = tempfile.mkdtemp(prefix="autograd-mini-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


def _imported(name: str, source: str, place: Path) -> ModuleType:
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{name}.py"
    if not (file.exists() and file.read_bytes() == source.encode()):
        _write(file, source)
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[name] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def _write(file: Path, source: str) -> None:
    """Write a file whole or not at all. It is as old as any other copy, for numba asks by the time that it was made."""
    handle, temporary = tempfile.mkstemp(dir=file.parent)
    with open(handle, "wb") as stream:
        stream.write(source.encode())
    os.utime(temporary, (0, 0))
    os.replace(temporary, file)
