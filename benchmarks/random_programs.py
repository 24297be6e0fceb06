"""Compares programs with the engine on random graphs: `python benchmarks/random_programs.py [N] [SEED] [BACKEND ...]`.

Each graph is built of rows of the table, every second one with hostile numbers (zeros, infinities, NaN). On random
inputs and with a random upstream gradient every backend must give the engine's value and gradients: python bit for bit,
its simplified form to 1e-12; numpy over a batch, JavaScript and the numba tape to 1e-9. Their exp and sin may round
otherwise, or give zero another sign, and a graph may blow that up without bound: a floor, a comparison, a pole. So a
difference is held against a backend unless the engine itself differs as much once every result is moved by a few units
in the last place and zeros have any sign; such points are counted as ill-conditioned. N is 10,000 unless given, and
backends are all that are installed.
"""

from __future__ import annotations

import argparse
import atexit
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from page import keep

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from program_cases import engine, equal, random_record, replay

import autograd_mini

LANES = 3
TRIALS = 200
Result = tuple[float, tuple[float, ...]]
Samples = list[tuple[list[float], float]]  # inputs, and the upstream gradient


def python(program: Any, samples: Samples) -> list[Result]:
    """Return the results of the program's own backend, sample by sample."""
    return [program(*inputs, gradient=g) for inputs, g in samples]


def simplified(program: Any, samples: Samples) -> list[Result]:
    """Return the results of the simplified program."""
    return python(program.simplified(), samples)


def numpy(program: Any, samples: Samples) -> list[Result]:
    """Return the results of all samples as one batch."""
    columns = [np.array(column) for column in zip(*(inputs for inputs, _ in samples))]
    value, gradients = program(*columns, gradient=np.array([g for _, g in samples]))
    return [(float(v), tuple(float(g[i]) for g in gradients)) for i, v in enumerate(value)]


def javascript() -> Callable[[Any, Samples], list[Result]]:
    """Return the backend that runs in V8; one page serves all programs."""
    from py_mini_racer import MiniRacer

    page = MiniRacer()
    atexit.register(page.close)  # one that is left to the interpreter's last steps may wait for ever

    def run(program: Any, samples: Samples) -> list[Result]:
        calls = ", ".join(f"program({', '.join(map(_literal, (*inputs, g)))})" for inputs, g in samples)
        shown = f"[{calls}].map(r => [r.value, ...r.gradients].map(String))"
        found = json.loads(page.eval(f"(() => {{ {program.javascript}\nreturn JSON.stringify({shown}); }})()"))
        numbers = [[float(word.replace("Infinity", "inf")) for word in row] for row in found]
        return [(value, tuple(gradients)) for value, *gradients in numbers]

    return run


def tape(program: Any, samples: Samples) -> list[Result]:
    """Return the results of the tape under numba."""
    from autograd_mini.programs.tape.tape import tape_of
    from autograd_mini.sweep import order

    found = tape_of(order(program.root)[::-1], program.root, program.inputs)
    return [(value, tuple(gradients)) for value, gradients in (found(inputs, g) for inputs, g in samples)]


def _literal(x: float) -> str:
    return repr(x).replace("inf", "Infinity").replace("nan", "NaN")


def backends() -> dict[str, tuple[Callable[[Any, Samples], list[Result]], float]]:
    """Return the backends that are installed, each with the relative difference that it may make."""
    found: dict[str, Any] = {"python": (python, 0.0), "simplified": (simplified, 1e-12), "numpy": (numpy, 1e-9)}
    if find_spec("py_mini_racer"):
        found["javascript"] = (javascript(), 1e-9)
    if find_spec("numba") and find_spec("autograd_mini.programs.tape.tape"):
        found["tape"] = (tape, 1e-9)
    return found


def cases(seed: int) -> Iterator[tuple[Any, Samples, list[Result]]]:
    """Yield a program with samples and what the engine says of them."""
    rng = random.Random(seed)
    root, leaves = random_record(seed, size=rng.randint(1, 20), hostile=seed % 2 == 1)
    samples = [([x.data for x in leaves], rng.uniform(-2.0, 2.0))]
    program = autograd_mini.compile(root, leaves)
    expected = [engine(root, leaves, samples[0][1])]
    while len(samples) < LANES:
        inputs, g = [rng.uniform(-2.0, 2.0) for _ in leaves], rng.choice([1.0, 0.0, -0.7])
        for x, a in zip(leaves, inputs):
            x.data = a
        samples.append((inputs, g))
        expected.append(engine(replay(root, leaves), leaves, g))
    yield program, samples, expected


def agree(got: Result, expected: Result, tolerance: float) -> bool:
    """Return whether a value and gradients are the engine's, up to a relative difference; NaN is equal to NaN."""
    if not tolerance:
        return equal(got, expected)
    pairs = zip((got[0], *got[1]), (expected[0], *expected[1]), strict=True)
    return all(
        a == e or (math.isnan(a) and math.isnan(e)) or math.isclose(a, e, rel_tol=tolerance, abs_tol=1e-12)
        for a, e in pairs
    )


def moved(root: Any, leaves: list[Any], inputs: list[float], g: float, rng: random.Random) -> Result:
    """Return the engine's results where each step is off by a few units in the last place, and zeros have any sign."""
    new = {x: autograd_mini.Value(a) for x, a in zip(leaves, inputs)}
    for n in autograd_mini.sweep.order(root)[::-1]:
        if n.op is not None:
            new[n] = y = n.op(*[new.get(a, a) if isinstance(a, autograd_mini.Value) else a for a in n.args])
            y._data *= (1.0 + rng.uniform(-4.0, 4.0) * 2.0**-52) if y._data else rng.choice([-1.0, 1.0])
    return engine(new[root], [new[x] for x in leaves], g)


def ill_conditioned(program: Any, sample: tuple[list[float], float], got: Result) -> bool:
    """Return whether every number that a backend gave is among those that rounding errors may lead to."""
    rng = random.Random(0)
    trials = [moved(program.root, program.inputs, *sample, rng) for _ in range(TRIALS)]
    return all(_within(a, found) for a, *found in zip(*([value, *gradients] for value, gradients in (got, *trials))))


def _within(a: float, found: list[float]) -> bool:
    if not math.isfinite(a):
        return any(a == b or (a != a and b != b) for b in found)
    finite = [b for b in found if math.isfinite(b)]
    return bool(finite) and min(finite) - 1e-9 * abs(a) <= a <= max(finite) + 1e-9 * abs(a)


def main(n: int, seed: int, names: Sequence[str]) -> tuple[list[str], int]:
    """Run; return the report and the number of disagreements."""
    known = backends()
    chosen = {name: known[name] for name in names or known}
    wrong: Counter[str] = Counter()
    excused: Counter[str] = Counter()
    start = time.perf_counter()
    for k in range(seed, seed + n):
        for program, samples, expected in cases(k):
            for name, (run, tolerance) in chosen.items():
                got = run(program, samples)
                for sample, result, e in zip(samples, got, expected, strict=True):
                    if agree(result, e, tolerance):
                        continue
                    if tolerance and ill_conditioned(program, sample, result):
                        excused[name] += 1
                        continue
                    wrong[name] += 1
                    print(f"{name} differs on graph {k} at {sample}: {result}, the engine {e}")
    seconds = time.perf_counter() - start
    of = n * LANES * len(chosen)
    return [
        f"{n:,} graphs, {LANES} samples each, on {', '.join(chosen)}, in {seconds:.0f} s:",
        f"{wrong.total()} differences of {of:,}; {excused.total()} more at ill-conditioned points {dict(excused)}.",
    ], wrong.total()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("n", nargs="?", type=int, default=10_000)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("backends", nargs="*")
    parser.add_argument("--write", type=Path, help="a page with <!-- random programs --> and <!-- /random programs -->")
    given = parser.parse_args()
    report, differences = main(given.n, given.seed, given.backends)
    print(*report, sep="\n")
    if given.write:
        keep(given.write, "random programs", report)
    sys.exit(differences > 0)
