"""Load: what is large, many or hostile - `python benchmarks/load.py [--also python3.14t] [--write docs/benchmarks.md]`.

A page of 20,000 nodes in Chromium, a class of submissions of which a tenth hang, fork or fill the disk, eight processes
that save into one file, ten million sweeps in one process, and the engine in threads. Needs `selenium` and Chromium for
the page.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from clock import machine, show
from page import keep

import nn
import viz
from autograd_mini import Value, ops
from autograd_mini.sweep import order
from viz.grading import grade_all

SOLUTION = Path(__file__).resolve().parent.parent / "lessons" / "solutions" / "my_engine.py"
HOSTILE = {  # what a submission does before it is the right engine, if it ever gets there: the one that forks does
    "hang": "while True: pass\n",
    "fork": "import os, time\nfor _ in range(20):\n    if not os.fork(): time.sleep(1000)\n",
    "fill the disk": "with open('junk', 'wb') as file:\n    while True: file.write(b'0' * (1 << 20))\n",
}
WRITERS, SAVES, SIZE = 8, 40, 400
MEGABYTE = 1024.0


def perceptron(nodes: int) -> tuple[Any, Any]:
    """Return the squared error of a perceptron over so many samples that the record has about so many nodes."""
    net = nn.MLP(2, [16, 16, 1], "tanh", rng=0)
    one = len(order((net([0.5, 0.0]) - 1.0) ** 2.0)) - len(net.parameters())
    losses = [(net([0.5, 0.01 * i]) - 1.0) ** 2.0 for i in range(nodes // one)]
    return ops.add_n(*losses), net


def page(nodes: int = 20_000, steps: int = 100) -> Iterator[str]:
    """Time a page of so many nodes: made, opened in Chromium, stepped through."""
    root, net = perceptron(nodes)
    root.backward()
    start = time.perf_counter()
    made = viz.player(root, model=net)
    with tempfile.TemporaryDirectory() as folder:
        path = made.save(Path(folder, "page.html"))
        written, size = time.perf_counter() - start, path.stat().st_size / 1e6
        opened, stepped = in_chromium(path, steps)
    title = f"a page of {len(order(root)):,} nodes, a network folded"
    yield f"| {title} | made and saved in {show(written)}, {size:.1f} MB |"
    yield f"| the same in Chromium | opened in {show(opened)}, a step {show(stepped / steps)} (median of {steps}) |"


def in_chromium(path: Path, steps: int) -> tuple[float, float]:
    """Return the seconds until a page is there to be walked, and those of so many steps."""
    from selenium import webdriver
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,800"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    browser.set_page_load_timeout(120)
    browser.set_script_timeout(120)
    try:
        start = time.perf_counter()
        browser.get(path.as_uri())
        WebDriverWait(browser, 120, 0.01).until(lambda b: b.execute_script("return globalThis.player !== undefined"))
        opened = time.perf_counter() - start
        seconds = []
        for _ in range(steps):
            begin = time.perf_counter()
            browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
            browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
            seconds.append(time.perf_counter() - begin)
        at = browser.execute_script("return document.getElementById('count').textContent")
        assert at.replace(",", "").startswith(f"{steps} /"), at
        return opened, float(np.median(seconds)) * steps
    finally:
        browser.quit()


def submissions(count: int = 1000, seconds: float = 0.5) -> Iterator[str]:
    """Time the grading of a class of which a tenth hang, fork or fill the disk; each graph may take so long."""
    good, kinds = SOLUTION.read_text(encoding="utf-8"), list(HOSTILE)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{i:04}.py") for i in range(count)]
        does = {file: kinds[i // 10 % len(kinds)] for i, file in enumerate(files) if i % 10 == 9}
        for file in files:
            file.write_text(HOSTILE.get(does.get(file, ""), "") + good, encoding="utf-8")
        before, start = free_disk(), time.perf_counter()
        reports = list(grade_all(files, seconds))
        took = time.perf_counter() - start
        full = [file for file, report in zip(files, reports) if report.is_full]
        left = before - free_disk()
        found = subprocess.run(["pgrep", "-fc", folder], capture_output=True, text=True, check=False).stdout
    right = sum(file not in does for file in full)
    marks = ", ".join(f"{sum(does.get(f) == k for f in full)} of {[*does.values()].count(k)} that {k}" for k in kinds)
    yield (
        f"| {count:,} submissions, {len(does):,} of them hostile | {show(took)}; full marks for "
        f"{right:,} of {count - len(does):,} right ones, {marks}; "
        f"left: {int(found)} processes, {max(left, 0) / 1e6:.0f} MB of disk |"
    )


def free_disk() -> int:
    """Return the bytes that are free where temporary files go."""
    return shutil.disk_usage(tempfile.gettempdir()).free


def saved(path: str, weight: float) -> None:
    """Save a layer whose weights are all equal, again and again."""
    layer = nn.Dense(SIZE, SIZE, init=nn.init.constant(weight))
    for _ in range(SAVES):
        nn.save(layer, path)


def savers() -> Iterator[str]:
    """Let eight processes save into one file, and read it all the while."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        saved_once, start = nn.Dense(SIZE, SIZE, init=nn.init.constant(0.0)), time.perf_counter()
        nn.save(saved_once, path)
        writers = [context.Process(target=saved, args=(str(path), float(i))) for i in range(WRITERS)]
        for writer in writers:
            writer.start()
        reads = torn = 0
        while any(writer.is_alive() for writer in writers) and time.perf_counter() - start < 300.0:
            reads, torn = reads + 1, torn + (len(np.unique(nn.load(path).W.data)) != 1)
        for writer in writers:
            writer.join(60.0)
        took, failed = time.perf_counter() - start, sum(writer.exitcode != 0 for writer in writers)
        left = len(os.listdir(folder)) - 1
    yield (
        f"| {WRITERS} processes, each saving {SAVES} times into one file | {show(took)}; of {reads:,} reads meanwhile "
        f"{torn} torn; {failed} writers failed; {left} other files left |"
    )


def sweeps(count: int = 10_000_000) -> Iterator[str]:
    """Record and sweep ten million times in one process, and look how its memory grows after the first tenth."""
    x, start, early = Value(0.5), time.perf_counter(), 0.0
    for i in range(count):
        if i == count // 10:
            early = peak_memory()
        y = x * 3.0
        y.backward()
        x.grad = 0.0
    took, grown = time.perf_counter() - start, peak_memory() - early
    each = f"{show(took)}, {show(took / count)} each"
    yield f"| {count:,} graphs recorded and swept | {each}; {grown:.1f} MB more at the end than after a tenth |"


def peak_memory() -> float:
    """Return the most megabytes that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE


def threads(rounds: int = 15) -> Iterator[str]:
    """Sweep graphs of their own in as many threads as there are cores, and in 4, and compare with one thread."""
    for workers in sorted({os.cpu_count() or 1, 4}):
        with ThreadPoolExecutor(workers) as pool:
            timed: list[tuple[float, float]] = []
            same = True
            for _ in range(rounds):
                start = time.perf_counter()
                serial = [swept(i) for i in range(workers)]
                middle = time.perf_counter()
                same = list(pool.map(swept, range(workers))) == serial and same
                timed.append((middle - start, time.perf_counter() - middle))
        alone, together = np.median(timed[1:], axis=0).tolist()
        numbers = "the same numbers" if same else "OTHER NUMBERS"
        title = f"{workers} threads, each with graphs of its own, {python()}"
        times = f"{show(together)} together, {show(alone)} one after another ({alone / together:.2f})"
        yield f"| {title} | {times}; {numbers} |"


def swept(seed: int) -> list[float]:
    """Return the gradients of 40 graphs of 900 nodes."""
    found = []
    for i in range(40):
        x = y = Value(0.001 * (seed + i))
        for _ in range(300):
            y = (y * 0.999 + x).tanh()
        y.backward()
        found.append(x.grad)
    return found


def python() -> str:
    """Return which Python this is, and whether its threads wait for one another."""
    locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    return f"CPython {platform.python_version()} {'with the' if locked else 'without a'} global lock"


PARTS: tuple[Callable[[], Iterator[str]], ...] = (page, submissions, savers, sweeps, threads)


def elsewhere(other: str) -> Iterator[str]:
    """Yield the lines of `threads` under another Python."""
    ran = subprocess.run([other, __file__, "threads"], capture_output=True, text=True, check=True, timeout=600)
    yield from ran.stdout.splitlines()


def main() -> None:
    """Run the parts, or those that are named; keep the table in a page with --write where all ran."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(part.__name__ for part in PARTS)}; all without any")
    parser.add_argument(
        "--also", metavar="PYTHON", help="another one, such as python3.14t, whose threads are timed, too"
    )
    parser.add_argument("--write", type=Path, help="a page with the marks <!-- load --> and <!-- /load -->")
    given = parser.parse_args()
    lines = ["| load | what came of it |", "|---|---|"]
    wanted = [part for part in PARTS if not given.parts or part.__name__ in given.parts]
    for part in [*wanted, *([partial(elsewhere, given.also)] if given.also else [])]:
        for line in part():
            print(line, flush=True)
            lines.append(line)
    if given.write and not given.parts:
        keep(given.write, "load", [*lines, "", f"{machine()}."])


if __name__ == "__main__":
    main()
