"""Linear regression is one neuron without activation: trained by gradient descent, it finds what least squares finds.

Run it with `python examples/linear_regression.py`; the comparison needs scikit-learn.
"""

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression

import nn

TOLERANCE = 1e-6  # of the largest coefficient; what is left after 2,000 steps is about 1e-8


def data() -> tuple[np.ndarray, np.ndarray]:
    """Return four measurements of 442 patients, each scaled to mean 0 and deviation 1, and their diabetes a year on."""
    X, y = load_diabetes(return_X_y=True)
    X = X[:, [2, 3, 6, 8]]
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def train(X: np.ndarray, y: np.ndarray) -> nn.Dense:
    """Return f(x) = w . x + b after W <- W - alpha dL/dW, L the mean of (f(x) - y)^2 / 2 over all samples."""
    neuron = nn.Neuron(X.shape[1], "identity", init=nn.init.zeros).tensors()
    nn.fit(
        neuron,
        X,
        y[:, None],
        loss=nn.half_squared_error,
        optimizer=nn.sgd(learning_rate=0.5),
        epochs=2000,
        batch_size=len(X),
    )
    return neuron


def main() -> tuple[np.ndarray, np.ndarray]:
    """Print and return the coefficients and the intercept, ours and scikit-learn's."""
    X, y = data()
    neuron = train(X, y)
    peer = LinearRegression().fit(X, y)
    ours = np.append(neuron.W.data, neuron.b.data)
    theirs = np.append(peer.coef_, peer.intercept_)
    print("a neuron:         ", ours.round(6))
    print("LinearRegression: ", theirs.round(6))
    print(f"largest difference: {np.abs(ours - theirs).max() / np.abs(theirs).max():.1e} of the largest")
    return ours, theirs


if __name__ == "__main__":
    main()
