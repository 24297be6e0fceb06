"""`autograd_mini.nn` and `autograd_mini.viz`: the packages beside this one, under names that no file of yours hides.

They are the modules that `import nn` and `import viz` give. Where a learner's own nn.py or viz.py stands before them,
they are read from beside this package, and are known by the longer name alone.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NAMES = ("nn", "viz")


class Finder:
    """Finds the neighbours, and what is in them, by the names under this package."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        """Return how a module is loaded, None where its name is not for this finder."""
        home, _, own = fullname.partition(".")
        neighbour, _, inner = own.partition(".")
        if home != __package__ or neighbour not in NAMES:
            return None
        if inner and sys.modules[f"{home}.{neighbour}"] is not sys.modules.get(neighbour):
            return None  # the neighbour was read under the longer name, and so is what is in it
        if not inner and not _is_ours(neighbour):
            return PathFinder.find_spec(fullname, [ROOT])
        same: Any = _Same(own)
        found = _spec_of(own)
        return found and ModuleSpec(fullname, same, is_package=found.submodule_search_locations is not None)


class _Same:
    """Gives a module that has another name already."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.name)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec  # the import system has put that of the longer name there


def _is_ours(name: str) -> bool:
    """Whether `import name` gives the package beside this one."""
    spec = _spec_of(name)
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    return os.path.join(ROOT, name) in [os.path.abspath(place) for place in places]


def _spec_of(name: str) -> ModuleSpec | None:
    from importlib.util import find_spec  # which takes its time, and few ask

    try:
        return find_spec(name)
    except ValueError:  # a module that was made by hand
        return None


sys.meta_path.insert(0, Finder())  # before that of paths, which would load each file a second time
