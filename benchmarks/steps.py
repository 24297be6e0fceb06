"""One training step of an MLP on arrays, in numpy by hand and in five libraries, from weights that it moves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from clock import LIMIT
from limits import products

import nn
from autograd_mini import Tensor, ops, zero_grad
from autograd_mini.data import sealed

RATE = 0.01
Step = Callable[[], float]
Weights = list[tuple[np.ndarray, np.ndarray]]


def batch_of(sizes: Sequence[int], batch: int, dtype: Any) -> tuple[Weights, np.ndarray, np.ndarray]:
    """Return weights and biases of each layer, a batch, and its classes."""
    rng = np.random.default_rng(0)
    weights = [
        ((rng.normal(size=(n, m)) / np.sqrt(m)).astype(dtype), np.zeros(n, dtype)) for m, n in itertools.pairwise(sizes)
    ]
    x = rng.normal(size=(batch, sizes[0])).astype(dtype)
    return weights, x, rng.integers(0, sizes[-1], batch)


def replayed(weights: Weights, x: np.ndarray, y: np.ndarray) -> Step:
    """The engine's record of one step, replayed."""
    layers = [
        nn.Dense(
            W.shape[1],
            len(W),
            "relu" if W is not weights[-1][0] else "identity",
            init=nn.init.given(W, b),
            dtype=W.dtype,
        )
        for W, b in weights
    ]
    step = nn.Step(nn.Sequential(*layers), nn.cross_entropy, nn.sgd(RATE))
    return lambda: step(x, y)


def ours(weights: Weights, x: np.ndarray, y: np.ndarray) -> Step:
    """The engine: one node a layer, one an activation, one for the loss."""
    layers = [(Tensor(W), Tensor(b)) for W, b in weights]
    parameters = [p for layer in layers for p in layer]
    optimizer = nn.sgd(learning_rate=RATE)
    state = optimizer.init(parameters)
    share = np.full((len(x), 1), 1.0 / len(x), x.dtype)
    targets = np.eye(len(weights[-1][1]), dtype=x.dtype)[y]
    for array in (x, targets):
        sealed(array)  # as `nn.batches` yields them: what cannot change need not be copied into every record

    def step() -> float:
        a: Any = x
        for W, b in layers[:-1]:
            a = ops.relu(ops.affine(a, W, b))
        losses = ops.softmax_loss(ops.affine(a, *layers[-1]), targets)
        zero_grad(*parameters)
        losses.backward(share)  # the gradient of their mean
        optimizer.update(state)
        return float(losses.data.mean())

    return step


def by_hand(weights: Weights, x: np.ndarray, y: np.ndarray) -> Step:
    """The formulas of the textbook, buffers changed in place where one would."""
    rows = np.arange(len(x))

    def step() -> float:
        a = [x]
        for i, (W, b) in enumerate(weights):
            z = a[-1] @ W.T
            z += b
            a.append(np.maximum(z, 0.0, out=z) if i < len(weights) - 1 else z)
        z = a[-1] - a[-1].max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1, keepdims=True)
        loss = float((np.log(total[:, 0]) - z[rows, y]).mean())
        d = e / total
        d[rows, y] -= 1.0
        d /= len(x)
        for i in reversed(range(len(weights))):
            W, b = weights[i]
            dW, db = d.T @ a[i], d.sum(axis=0)
            if i:
                d = d @ W
                d *= a[i] > 0.0
            W -= RATE * dW
            b -= RATE * db
        return loss

    return step


def torchs(weights: Weights, x: np.ndarray, y: np.ndarray) -> Step:
    """PyTorch, eager."""
    import torch
    from torch.nn.functional import cross_entropy, linear

    layers = [(torch.tensor(W, requires_grad=True), torch.tensor(b, requires_grad=True)) for W, b in weights]
    optimizer = torch.optim.SGD([p for layer in layers for p in layer], lr=RATE)
    inputs, labels = torch.tensor(x), torch.tensor(y)

    def step() -> float:
        a = inputs
        for W, b in layers[:-1]:
            a = torch.relu(linear(a, W, b))
        loss = cross_entropy(linear(a, *layers[-1]), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def mygrads(weights: Weights, x: np.ndarray, y: np.ndarray) -> Step:
    """MyGrad."""
    import mygrad as mg
    from mygrad.nnet.losses import softmax_crossentropy

    layers = [(mg.tensor(W), mg.tensor(b)) for W, b in weights]

    def step() -> float:
        a: Any = x
        for W, b in layers[:-1]:
            a = mg.maximum(mg.matmul(a, W.T) + b, 0.0)
        W, b = layers[-1]
        loss = softmax_crossentropy(mg.matmul(a, W.T) + b, y)
        loss.backward()
        for p in (p for layer in layers for p in layer):
            p.data -= RATE * p.grad
        return loss.item()

    return step


def jaxs(weights: Weights, x: np.ndarray, y: np.ndarray) -> Step:
    """JAX, the whole step compiled."""
    import jax

    jax.config.update("jax_enable_x64", True)
    rows = np.arange(len(x))

    def objective(layers: Any, x: Any, y: Any) -> Any:
        a = x
        for W, b in layers[:-1]:
            a = jax.nn.relu(a @ W.T + b)
        z = a @ layers[-1][0].T + layers[-1][1]
        return (jax.nn.logsumexp(z, axis=1) - z[rows, y]).mean()

    @jax.jit
    def moved(layers: Any, x: Any, y: Any) -> Any:
        loss, gradients = jax.value_and_grad(objective)(layers, x, y)
        return loss, jax.tree.map(lambda p, g: p - p.dtype.type(RATE) * g, layers, gradients)

    state = [jax.tree.map(jax.numpy.asarray, weights)]

    def step() -> float:
        loss, state[0] = moved(state[0], x, y)
        state[0][0][0].block_until_ready()
        return float(loss)

    return step


def hips(weights: Weights, x: np.ndarray, y: np.ndarray) -> Step:
    """HIPS autograd."""
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    rows = np.arange(len(x))

    def objective(layers: Any) -> Any:
        a = x
        for W, b in layers[:-1]:
            a = anp.maximum(anp.dot(a, W.T) + b, 0.0)
        W, b = layers[-1]
        z = anp.dot(a, W.T) + b
        return anp.mean(logsumexp(z, axis=1) - z[rows, y])

    both = value_and_grad(objective)

    def step() -> float:
        loss, gradients = both(weights)
        for (W, b), (dW, db) in zip(weights, gradients):
            W -= RATE * dW
            b -= RATE * db
        return float(loss)

    return step


def limit(weights: Weights, x: np.ndarray, y: np.ndarray) -> Step:
    """The matrix products alone, as many as a step has, into buffers that are ready: nothing that can be kept."""
    sizes = (x.shape[1], *(len(b) for _, b in weights))
    (work,) = products(sizes, len(x), x.dtype).values()

    def step() -> float:
        work()
        return float("nan")

    return step


MAKERS: dict[str, Callable[[Weights, np.ndarray, np.ndarray], Step]] = {
    "autograd_mini": replayed,
    "recorded each time": ours,
    "numpy by hand": by_hand,
    "torch": torchs,
    "MyGrad": mygrads,
    "HIPS autograd": hips,
    "jax.jit": jaxs,
    f"{LIMIT}its products in BLAS": limit,
}
