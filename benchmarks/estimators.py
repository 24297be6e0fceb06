"""Time of fit against scikit-learn's, in one process on one core: the textbook's two examples and the digits.

Run `python benchmarks/estimators.py [rounds]`. The two estimators take turns; the ratio is that of the best times, and
a ratio counts only where the loss curves are equal (to 1e-10 of each other). Exit status 1 if a ratio exceeds 0.8.
"""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

import one_core  # noqa: F401 - numpy counts its threads when it is imported

# isort: split
import numpy as np
from sklearn import neural_network as theirs
from sklearn.datasets import load_digits, make_classification, make_regression
from sklearn.model_selection import train_test_split

import nn as ours

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
    """The handwritten digits: 1797 x 64, a hidden layer of 100, 50 epochs."""
    X, y = load_digits(return_X_y=True)
    return room.MLPClassifier(hidden_layer_sizes=(100,), max_iter=50, random_state=1), X, y


def compare(example: Any, rounds: int) -> tuple[float, float, bool, int]:
    """Return the best time of each estimator in seconds, whether their loss curves are equal, and the epochs."""
    times: list[list[float]] = [[], []]
    curves = [np.empty(0), np.empty(0)]
    for i in list(range(2)) * rounds:
        model, X, y = example((theirs, ours)[i])
        start = time.perf_counter()
        model.fit(X, y)
        times[i].append(time.perf_counter() - start)
        curves[i] = np.array(model.loss_curve_)
    equal = len(curves[0]) == len(curves[1]) and np.allclose(*curves, rtol=1e-10, atol=0.0)
    return min(times[0]), min(times[1]), equal, len(curves[0])


def main() -> int:
    """Print the table and return the exit status."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    warnings.simplefilter("ignore")  # 50 epochs are too few for the digits to converge
    slow = False
    print(f"{'example':12}{'epochs':>8}{'scikit-learn':>16}{'autograd_mini':>16}{'ratio':>8}  equal curves")
    for example in (classifier, regressor, digits):
        reference, own, equal, epochs = compare(example, rounds)
        ratio = own / reference
        slow |= ratio > TARGET or not equal
        print(f"{example.__name__:12}{epochs:8}{reference * 1e3:13.1f} ms{own * 1e3:13.1f} ms{ratio:8.2f}  {equal}")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
