"""Logistic regression is one neuron with a sigmoid: it finds the coefficients that scikit-learn finds.

Run it with `python examples/logistic_regression.py`; the comparison needs scikit-learn.
"""

from typing import Any

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import nn

TOLERANCE = 1e-6  # of the largest coefficient; scikit-learn is asked for 1e-10, so that it is not the one to differ


def data() -> tuple[np.ndarray, np.ndarray]:
    """Return the four lengths of 100 irises, and 0 for versicolor, 1 for virginica."""
    X, y = load_iris(return_X_y=True)
    return X[y > 0], y[y > 0] - 1.0


def train(X: np.ndarray, y: np.ndarray) -> nn.Dense:
    """Return p(x) = sigmoid(w . x + b) that minimizes the cross-entropy of all samples + |w|^2 / 2, as with C=1."""
    neuron = nn.Neuron(X.shape[1], "sigmoid", init=nn.init.zeros).tensors()

    def loss() -> Any:
        logits = neuron.affine(X)
        return nn.sigmoid_cross_entropy(logits, y[:, None], reduction="sum") + nn.l2_penalty([neuron.W])

    nn.lbfgs(loss, neuron, max_iter=1000, tol=1e-9)
    return neuron


def main() -> tuple[np.ndarray, np.ndarray]:
    """Print and return the coefficients and the intercept, ours and scikit-learn's."""
    X, y = data()
    neuron = train(X, y)
    peer = LogisticRegression(C=1.0, tol=1e-10, max_iter=10000).fit(X, y)
    ours = np.append(neuron.W.data, neuron.b.data)
    theirs = np.append(peer.coef_, peer.intercept_)
    print("a neuron:           ", ours.round(6))
    print("LogisticRegression: ", theirs.round(6))
    print(f"largest difference: {np.abs(ours - theirs).max() / np.abs(theirs).max():.1e} of the largest")
    return ours, theirs


if __name__ == "__main__":
    main()
