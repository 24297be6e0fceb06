"""Waiting for what another process does: until it is there, and no longer than a loaded machine may need."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

PATIENCE = 90  # seconds: the first kernel of a loaded machine takes long


def until(found: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Return what is found, as soon as it is there."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        with contextlib.suppress(Exception):
            if (result := found()) or result == 0:
                return result
        time.sleep(0.2)
    raise AssertionError(f"{what} did not come in {patience} seconds")
