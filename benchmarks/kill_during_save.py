"""Kill a process again and again while it saves a model, and count the files that cannot be read afterwards.

    python benchmarks/kill_during_save.py --kills 60 --write docs/benchmarks.md

A child writes the same two models in turn, over one file; SIGKILL hits it at a random moment. Afterwards the file must
hold one of the two, whole. The same is done with `numpy.savez` straight over the file, to show that the kills do hit.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from page import keep

import nn

SIZE = 400


class Result(NamedTuple):
    """What was found after all kills: unreadable files, files left by killed writers, and those left in the end."""

    kills: int
    unreadable: int
    left_by_kills: int
    left_in_the_end: int


def model(weight: float) -> nn.Dense:
    """Return a layer of 1.3 MB whose weights are all equal."""
    return nn.Dense(SIZE, SIZE, init=nn.init.constant(weight), rng=0)


def save_plainly(layer: nn.Dense, path: Path) -> None:
    """Write over the file, as `numpy.savez` does it."""
    with open(path, "wb") as file:
        np.savez(file, W=layer.W.data)


def load_plainly(path: Path) -> Any:
    """Return the weights that `save_plainly` wrote."""
    with np.load(path) as arrays:
        return arrays["W"]


WRITERS: dict[str, tuple[Callable[[Any, Path], None], Callable[[Path], Any]]] = {
    "nn.save": (nn.save, lambda path: nn.load(path).W.data),
    "numpy.savez": (save_plainly, load_plainly),
}


def measure(writer: str, kills: int, seed: int = 0) -> Result:
    """Return what `kills` kills of a process that saves with `writer` left behind."""
    save, load = WRITERS[writer]
    source = random.Random(seed)
    models = [model(0.25), model(0.75)]
    unreadable = left = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        start = time.perf_counter()
        save(models[0], path)
        duration = time.perf_counter() - start
        for _ in range(kills):
            kill_while_saving(save, models, path, source.uniform(0.0, 3.0 * duration))
            unreadable += not is_whole(load, path)
            left += len(os.listdir(folder)) - 1
        save(models[0], path)
        return Result(kills, unreadable, left, len(os.listdir(folder)) - 1)


def kill_while_saving(save: Callable[[Any, Path], None], models: list[Any], path: Path, delay: float) -> None:
    """Start a child that saves for ever, and kill it `delay` seconds after its first file is whole."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            save_for_ever(save, models, path, writing)
        finally:
            os._exit(1)
    os.close(writing)
    begun = os.read(reading, 1)
    os.close(reading)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if not begun:
        raise RuntimeError("the child could not save at all")


def save_for_ever(save: Callable[[Any, Path], None], models: list[Any], path: Path, writing: int) -> None:
    """Save the models in turn; tell the parent when the first file is whole."""
    save(models[0], path)
    os.write(writing, b".")
    while True:
        for one in reversed(models):
            save(one, path)


def is_whole(load: Callable[[Path], Any], path: Path) -> bool:
    """Return whether a file can be read and holds one of the two models."""
    try:
        W = load(path)
    except Exception:
        return False
    return np.unique(W).tolist() in ([0.25], [0.75])


def main() -> None:
    """Measure both writers, print what was found, and keep it in a page with --write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=60, help="how often each writer is killed")
    parser.add_argument("--write", type=Path, help="a page with the marks <!-- saving --> and <!-- /saving -->")
    given = parser.parse_args()
    lines = [
        "| writer | killed | files unreadable | left by killed writers | left in the end |",
        "|---|---|---|---|---|",
    ]
    for writer in WRITERS:
        lines.append(f"| `{writer}` | {' | '.join(map(str, measure(writer, given.kills)))} |")
        print(lines[-1], flush=True)
    if given.write:
        keep(given.write, "saving", lines)


if __name__ == "__main__":
    sys.exit(main())
