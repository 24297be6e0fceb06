"""How cost grows: `python benchmarks/growth.py --plot docs/growth.svg --write docs/benchmarks.md`.

Time and peak memory of recording and sweeping, of compiling and running a program, over nodes 10^2 to 10^6, batches 1
to 10^5 and widths 8 to 4,096, each in a process of its own. A slope of 1 is linear.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import one_core  # noqa: F401 - numpy counts its threads when it is imported

# isort: split
import numpy as np
from clock import machine, show
from page import keep

import autograd_mini
import nn
from autograd_mini import Value
from autograd_mini.programs.tape.tape import tape_of

Work = Callable[[int], Callable[[], Any]]
Point = dict[str, float]


def graph(nodes: int) -> tuple[Any, Any]:
    """Return a record of about so many nodes, and its leaf."""
    x = y = Value(0.5)
    for _ in range(nodes // 3):
        y = (y * 0.999 + x).tanh()
    return y, x


def record_and_sweep(nodes: int) -> Callable[[], Any]:
    return lambda: graph(nodes)[0].backward()


def compile_source(nodes: int) -> Callable[[], Any]:
    y, x = graph(nodes)

    def work() -> None:
        program = autograd_mini.compile(y, [x])
        program(0.5)  # the first call sweeps
        program(0.5)

    return work


def compile_once(nodes: int) -> Callable[[], Any]:
    y, x = graph(nodes)
    return lambda: autograd_mini.compile(y, [x])(0.5)


def compile_tape(nodes: int) -> Callable[[], Any]:
    y, x = graph(nodes)
    return lambda: tape_of(autograd_mini.sweep.order(y)[::-1], y, [x])([0.5])


def run_tape(nodes: int) -> Callable[[], Any]:
    y, x = graph(nodes)
    tape, values, out = tape_of(autograd_mini.sweep.order(y)[::-1], y, [x]), np.array([0.5]), np.empty(2)
    return lambda: tape.run(values, out)


def lanes_of_a_batch(n: int) -> Callable[[], Any]:
    y, x = graph(300)
    tape = tape_of(autograd_mini.sweep.order(y)[::-1], y, [x])
    values = np.linspace(0.0, 1.0, n)
    return lambda: tape.summed([values])


def numpy_batch(n: int) -> Callable[[], Any]:
    y, x = graph(300)
    program = autograd_mini.compile(y, [x])
    values = np.linspace(0.0, 1.0, n)
    return lambda: program.summed(values)


def step_of_a_batch(n: int) -> Callable[[], Any]:
    step = nn.Step(nn.MLP(20, [100, 50, 2], layer=nn.Dense, rng=0), nn.cross_entropy)
    x, y = np.random.default_rng(0).normal(size=(n, 20)), np.arange(n) % 2
    return lambda: step(x, y)


def step_of_a_width(width: int) -> Callable[[], Any]:
    step = nn.Step(nn.MLP(20, [width, width, 2], layer=nn.Dense, rng=0), nn.cross_entropy)
    x, y = np.random.default_rng(0).normal(size=(64, 20)), np.arange(64) % 2
    return lambda: step(x, y)


NODES, BATCH, WIDTH = "nodes", "batch", "width of two hidden layers"
WORKS: dict[str, tuple[str, Work, list[int]]] = {
    "record and sweep": (NODES, record_and_sweep, [10**k for k in range(2, 7)]),
    "compile to Python, first call": (NODES, compile_once, [10**k for k in range(2, 6)]),
    "compile to Python, two calls": (NODES, compile_source, [10**k for k in range(2, 6)]),
    "make a tape and run": (NODES, compile_tape, [10**k for k in range(2, 7)]),
    "run a tape": (NODES, run_tape, [10**k for k in range(2, 7)]),
    "300 nodes, tape in lanes": (BATCH, lanes_of_a_batch, [10**k for k in range(6)]),
    "300 nodes, numpy": (BATCH, numpy_batch, [10**k for k in range(6)]),
    "step of MLP 20-100-50-2": (BATCH, step_of_a_batch, [10**k for k in range(6)]),
    "step of a batch of 64": (WIDTH, step_of_a_width, [8 * 4**k for k in range(5)] + [4096]),
}


def measure(name: str, size: int) -> Point:
    """Return seconds a call and peak megabytes of one work, in this process."""
    work = WORKS[name][1](size)
    work()
    calls, seconds = 0, []
    while calls < 3 or (sum(seconds) < 0.5 and calls < 2000):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
        calls += 1
    return {"size": size, "seconds": float(np.median(seconds)), "memory": _peak()}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def series(name: str) -> list[Point]:
    """Measure a work at all its sizes, each in a fresh process."""
    points = []
    for size in WORKS[name][2]:
        command = [sys.executable, __file__, "--measure", name, str(size)]
        points.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        print(f"{name}, {size:,}: {show(points[-1]['seconds'])}, {points[-1]['memory']:.0f} MB", flush=True)
    return points


def slope(points: list[Point]) -> float:
    """Return the exponent by which time grows over the last two sizes."""
    a, b = points[-2:]
    return float(np.log(b["seconds"] / a["seconds"]) / np.log(b["size"] / a["size"]))


def table(found: dict[str, list[Point]]) -> list[str]:
    lines = ["| work | over | smallest | largest | slope at the end | peak memory |", "|---|---|---|---|---|---|"]
    for name, points in found.items():
        ends = [f"{p['size']:,.0f}: {show(p['seconds'])}" for p in (points[0], points[-1])]
        lines.append(
            f"| {name} | {WORKS[name][0]} | {' | '.join(ends)} | {slope(points):.2f} | {points[-1]['memory']:.0f} MB |"
        )
    return [*lines, "", f"{machine()}; each size in a process of its own, medians."]


def plot(found: dict[str, list[Point]], path: Path) -> None:
    """Draw time above memory, a column for nodes, batch and width, on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "growth"
    from matplotlib import pyplot

    overs = [NODES, BATCH, WIDTH]
    figure, axes = pyplot.subplots(2, 3, figsize=(12, 6), sharex="col", layout="constrained")
    for name, points in found.items():
        column = overs.index(WORKS[name][0])
        sizes = [p["size"] for p in points]
        axes[0][column].loglog(sizes, [p["seconds"] for p in points], marker="o", label=name)
        axes[1][column].loglog(sizes, [p["memory"] for p in points], marker="o", label=name)
    for column, over in enumerate(overs):
        axes[0][column].legend(fontsize=8)
        axes[1][column].set_xlabel(over)
    axes[0][0].set_ylabel("seconds")
    axes[1][0].set_ylabel("peak memory, MB")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", nargs=2, metavar=("WORK", "SIZE"), help=argparse.SUPPRESS)
    parser.add_argument("--plot", type=Path, help="where to draw it")
    parser.add_argument("--write", type=Path, help="a page with the marks <!-- growth --> and <!-- /growth -->")
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure[0], int(given.measure[1]))))
        return
    found = {name: series(name) for name in WORKS}
    if given.plot:
        plot(found, given.plot)
    if given.write:
        keep(given.write, "growth", table(found))


if __name__ == "__main__":
    main()
