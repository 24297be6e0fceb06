"""Handwritten digits: a network of 64-64-10 learns to read 8 x 8 pixels, and three of four digits teach it the fourth.

Run it with `python examples/digits.py`; it needs scikit-learn for the data, tqdm for the progress bar, and matplotlib
for the two plots that `-o DIR` saves.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import nn
import viz

SEED = 0


def data() -> list[np.ndarray]:
    """Return X and y of the 1,797 digits, three quarters to learn from and one held out; pixels are from 0 to 1."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16.0, y, test_size=0.25, stratify=y, random_state=SEED)
    return [X_train, y_train, X_test, y_test]


def train(X: np.ndarray, y: np.ndarray, held_out: tuple[np.ndarray, np.ndarray]) -> tuple[nn.MLP, list[dict[str, Any]]]:
    """Return a network of 64 inputs, 64 hidden neurons and 10 logits, and the history of its training."""
    net = nn.MLP(64, [64, 10], "relu", layer=nn.Dense, rng=SEED)
    history = nn.fit(
        net,
        X,
        y,
        loss=nn.cross_entropy,
        optimizer=nn.adam(0.003),
        epochs=40,
        rng=SEED,
        validation=held_out,
        progress=True,
    )
    return net, history


def accuracy(net: nn.MLP, X: np.ndarray, y: np.ndarray) -> float:
    """Return the share of digits whose largest logit is the right one."""
    return float(np.mean(net(X).data.argmax(axis=1) == y))


def two_features(X: np.ndarray) -> np.ndarray:
    """Return the two principal components of the digits: how far each lies along the directions of largest spread."""
    centred = X - X.mean(axis=0)
    return centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T


def save_plots(history: list[dict[str, Any]], folder: Path) -> None:
    """Save the loss of each epoch, and how a small network divides the plane of two features among four digits."""
    folder.mkdir(parents=True, exist_ok=True)
    viz.loss_curve(history).figure.savefig(folder / "digits_loss.png", dpi=120)
    X, y = load_digits(n_class=4, return_X_y=True)
    plane = two_features(X / 16.0)
    net = nn.MLP(2, [16, 4], "tanh", layer=nn.Dense, rng=SEED)
    nn.fit(net, plane, y, loss=nn.cross_entropy, optimizer=nn.adam(0.01), rng=SEED, progress=True)
    viz.decision_boundary(net, plane, y).figure.savefig(folder / "digits_boundary.png", dpi=120)


def main(arguments: list[str] | None = None) -> None:
    """Train, print the accuracy on the held-out quarter, and save the plots where they are wanted."""
    parser = argparse.ArgumentParser(description="Train a network on handwritten digits.")
    parser.add_argument("-o", dest="folder", metavar="DIR", type=Path, help="save two plots there")
    folder = parser.parse_args(arguments).folder
    X_train, y_train, X_test, y_test = data()
    net, history = train(X_train, y_train, (X_test, y_test))
    print(f"accuracy on {len(y_test)} held-out digits: {accuracy(net, X_test, y_test):.4f}")
    if folder is not None:
        save_plots(history, folder)


if __name__ == "__main__":
    main()
