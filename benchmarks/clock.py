"""Timing for the benchmarks: several works in turn, so that a machine that slows down slows all of them."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import TypeVar

Work = TypeVar("Work")
LIMIT = "limit: "  # how the name of a work begins that bounds the others


def compare(works: dict[str, Callable[[], object]], rounds: int = 9, calls: int = 1) -> dict[str, float]:
    """Return seconds a call for each work: the median over `rounds` of the mean over `calls`, the works in turn.

    The cycle collector stays on, as users have it; before each measurement it clears what the work before left behind,
    so that a work pays for its own cycles and not for its neighbour's. Every other round runs backwards, and each work
    is called once before its clock starts, so that none always finds the caches as the same neighbour left them.
    """

    def measure(work: Callable[[], object]) -> float:
        gc.collect()
        work()
        start = time.perf_counter()
        for _ in range(calls):
            work()
        return (time.perf_counter() - start) / calls

    for work in works.values():
        work()
    return medians(works, measure, rounds)


def medians(works: dict[str, Work], measure: Callable[[Work], float], rounds: int) -> dict[str, float]:
    """Return the median of what each work measures, the works in turn, every other round backwards."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for i in range(rounds):
        for name, work in list(works.items())[:: -1 if i % 2 else 1]:
            found[name].append(measure(work))
    return {name: statistics.median(values) for name, values in found.items()}


def show(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1.0:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def row(title: str, seconds: dict[str, float], ours: str = "autograd_mini") -> str:
    """Return a line of the table: every time, how many times ours each peer's is, and how many times the limit ours."""
    mine = seconds[ours]
    times = {name: t for name, t in seconds.items() if name != ours}
    peers = [f"{name} {show(t)} ({t / mine:.2f})" for name, t in times.items() if not name.startswith(LIMIT)]
    limits = [f"{n[len(LIMIT) :]} {show(t)} ({mine / t:.2f})" for n, t in times.items() if n.startswith(LIMIT)]
    return f"| {title} | {show(mine)} | {', '.join(peers)} | {', '.join(limits)} |"


def machine() -> str:
    """Return what the figures were taken on, without naming the machine."""
    n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = "one core" if n == 1 else f"{n} cores"
    return f"CPython {platform.python_version()}, {platform.system()} {platform.machine()}, {cores}"
