"""Training steps on arrays, each library in a process of its own: `python benchmarks/array_steps.py [--write PAGE]`.

Needs `pip install "autograd-mini[bench]"`. The libraries take turns, first with one core for each, then each with the
threads that it starts by itself. A figure in brackets is the peer's time divided by ours: above 1, ours is the faster.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

if sys.argv[1:3] == ["worker", "one core"]:
    import one_core  # noqa: F401

import numpy as np
from clock import LIMIT, medians, row
from page import main
from steps import MAKERS, Step, batch_of

SIZES = [((20, 100, 50, 2), 75, 100), ((784, 128, 64, 10), 128, 20), ((784, 512, 256, 10), 256, 4)]
CELLS = [(*size, dtype) for size in SIZES for dtype in (np.float64, np.float32)]  # layers, batch, steps measured, type
ROUNDS = 31
REST = {"one core": 0.0, "own threads": 0.15}  # seconds; OpenBLAS' threads spin for 0.105 before they go to sleep


class Worker:
    """A library in a process of its own, which makes the steps that it is asked for."""

    def __init__(self, name: str, cores: str) -> None:
        command = [sys.executable, __file__, "worker", cores, name]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._to: Any = self.process.stdin
        self._from: Any = self.process.stdout

    def ask(self, cell: int, calls: int) -> list[float]:
        """Return the seconds that so many steps of a cell took, and the loss after the last."""
        print(cell, calls, file=self._to, flush=True)
        return [float(text) for text in self._from.readline().split()]

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def work(name: str) -> None:
    """Make steps as the lines of standard input say, one untimed before the clock starts."""
    steps: dict[str, Step] = {}
    for line in sys.stdin:
        cell, calls = line.split()
        if cell not in steps:
            sizes, batch, _, dtype = CELLS[int(cell)]
            steps[cell] = MAKERS[name](*batch_of(sizes, batch, dtype))
        step = steps[cell]
        loss = step()
        start = time.perf_counter()
        for _ in range(int(calls)):
            loss = step()
        print(time.perf_counter() - start, loss, flush=True)


def table(cores: str) -> Iterator[str]:
    """Yield the line of each cell, once all have come to the same losses."""
    with contextlib.ExitStack() as stack:
        workers = {name: Worker(name, cores) for name in MAKERS}
        for worker in workers.values():
            stack.callback(worker.close)
        for i, (sizes, batch, calls, dtype) in enumerate(CELLS):
            losses = {name: worker.ask(i, 2)[1] for name, worker in workers.items() if not name.startswith(LIMIT)}
            assert np.allclose(list(losses.values()), losses["numpy by hand"], rtol=1e-4), losses
            title = f"{'-'.join(map(str, sizes))}, batch {batch}, {np.dtype(dtype)}, {cores}"
            yield row(title, measured(workers, i, calls, REST[cores]))


def measured(workers: dict[str, Worker], cell: int, calls: int, rest: float) -> dict[str, float]:
    """Return seconds a step for each library, by the clock in its own process, once the one before is at rest."""

    def measure(worker: Worker) -> float:
        time.sleep(rest)
        return worker.ask(cell, calls)[0] / calls

    return medians(workers, measure, ROUNDS)


def one_core_each() -> Iterator[str]:
    """Time every library on the same core."""
    return table("one core")


def own_threads() -> Iterator[str]:
    """Time every library with as many threads as it starts by itself."""
    return table("own threads")


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        work(sys.argv[3])
    else:
        main(__doc__, "array_steps", (one_core_each, own_threads))
