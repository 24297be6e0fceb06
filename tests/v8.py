"""V8 for tests: closed where it was opened, for one that the interpreter finds on its way out may wait for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def javascript() -> Iterator[Any]:
    """Give a page of its own to `eval` in, or skip; its thread ends with the block, whatever happens there."""
    with pytest.importorskip("py_mini_racer").MiniRacer() as page:
        yield page
