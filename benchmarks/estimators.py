"""Time of fit against scikit-learn's, in one process on one core: the textbook's two examples and the digits.

Run `python benchmarks/estimators.py [rounds] [--write docs/benchmarks.md]`. The two estimators take turns; the times
are the best ones, and they count only where the loss curves are equal (to 1e-10 of each other). Exit status 1 if ours
takes more than 0.8 of scikit-learn's.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import one_core  # noqa: F401 - numpy counts its threads when it is imported

# isort: split
import numpy as np
from clock import LIMIT, machine, row
from limits import Limit, products
from page import HEAD, keep
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification, make_regression
from sklearn.model_selection import train_test_split

import nn as ours
from nn.estimators.solvers import Adam

TARGET = 0.8


def classifier(room: Any) -> tuple[Any, Any, Any]:
    """The textbook's classifier: 75 x 20, hidden layers of 100 and 50."""
    X, y = make_classification(n_samples=100, random_state=1)
    X, _, y, _ = train_test_split(X, y, stratify=y, random_state=1)
    return room.MLPClassifier(hidden_layer_sizes=(100, 50), max_iter=300, random_state=1), X, y


def regressor(room: Any) -> tuple[Any, Any, Any]:
    """The textbook's regressor: 150 x 100, hidden layers of 128 and 64."""
    X, y = make_regression(n_samples=200, random_state=1)
    X, _, y, _ = train_test_split(X, y, random_state=1)
    return room.MLPRegressor(hidden_layer_sizes=(128, 64), max_iter=1000, random_state=1), X, y


def digits(room: Any) -> tuple[Any, Any, Any]:
    """The handwritten digits: 1797 x 64, a hidden layer of 100."""
    X, y = load_digits(return_X_y=True)
    return room.MLPClassifier(hidden_layer_sizes=(100,), max_iter=50, random_state=1), X, y


def compare(example: Any, rounds: int) -> tuple[dict[str, float], bool, int]:
    """Return the best time of each estimator and of the limit, whether the loss curves are equal, and the epochs."""
    works: dict[str, Callable[[], Any]] = {
        "autograd_mini": fitting(*example(ours)),
        "scikit-learn": fitting(*example(theirs)),
    }
    models = {name: work() for name, work in works.items()}
    curves = [np.array(model.loss_curve_) for model in models.values()]
    equal = len(curves[0]) == len(curves[1]) and np.allclose(*curves, rtol=1e-10, atol=0.0)
    works |= limit(models["autograd_mini"], len(example(ours)[1]))
    times: dict[str, float] = dict.fromkeys(works, math.inf)
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            times[name] = min(times[name], time.perf_counter() - start)
    return times, equal, len(curves[0])


def fitting(model: Any, X: Any, y: Any) -> Callable[[], Any]:
    """Return the work of fitting an estimator, anew each time: its data are made before."""
    return lambda: clone(model).fit(X, y)


def limit(model: Any, samples: int) -> Limit:
    """Return the matrix products of all batches and Adam's passes over all parameters, and nothing else."""
    sizes = [len(model.coefs_[0]), *map(len, model.intercepts_)]
    size = min(200, samples)
    steps = [next(iter(products(sizes, n, np.float64).values())) for n in (size, samples % size or size)]
    whole, rest = samples // size, bool(samples % size)
    theta = np.ones(sum(W.size for W in (*model.coefs_, *model.intercepts_)))
    g, adam = np.ones_like(theta), Adam(0.001, 0.9, 0.999, 1e-8)

    def work() -> None:
        for _ in model.loss_curve_:
            for step in [steps[0]] * whole + [steps[1]] * rest:
                step()
                adam.step(theta, g)

    return {f"{LIMIT}its products in BLAS and Adam's passes": work}


def main() -> int:
    """Print the table, keep it in a page with --write, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rounds", nargs="?", type=int, default=20)
    parser.add_argument("--write", type=Path, help="a page with the marks <!-- estimators --> and <!-- /estimators -->")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # 50 epochs are too few for the digits to converge
    slow, lines = False, list(HEAD)
    for example in (classifier, regressor, digits):
        times, equal, epochs = compare(example, given.rounds)
        slow |= times["autograd_mini"] > TARGET * times["scikit-learn"] or not equal
        title = (example.__doc__ or "").rstrip(".")
        lines.append(row(f"{title}; {epochs} epochs, {'equal' if equal else 'UNEQUAL'} curves", times))
        print(lines[-1], flush=True)
    if given.write:
        keep(given.write, "estimators", [*lines, "", f"{machine()}; the best of {given.rounds} fits, in turn."])
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
