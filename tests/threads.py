"""Threads of a test: started together, waited for so long and no longer, their errors raised where they are awaited."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

PATIENCE = 120.0  # seconds for all of them: a machine may be loaded


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run functions in threads of their own and return what each returns; raise the first error that one raises."""
    found: list[Any] = [None] * len(works)
    errors: list[BaseException] = []

    def run(i: int) -> None:
        try:
            found[i] = works[i]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(len(works))]
    for thread in threads:
        thread.start()
    end = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(timeout=max(0.0, end - time.monotonic()))
    assert not any(thread.is_alive() for thread in threads), f"threads still run after {PATIENCE:g} seconds"
    if errors:
        raise errors[0]
    return found
