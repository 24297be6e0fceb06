"""Data-parallel gradients: the workers of a Dask cluster hold a share of the samples each; their sums add up to one.

The gradient of a sum is the sum of the gradients, so it does not matter where a share is computed. Each worker keeps
its samples and what computes on them - a network, or a program compiled from the record of one sample - and is sent the
parameters alone. Run it with `python examples/data_parallel.py`; it needs dask.distributed.
"""

from collections.abc import Callable

import numpy as np
from distributed import Client, LocalCluster

import nn
from autograd_mini import Value, compile

SHARES = 5
STEPS = 20
LEARNING_RATE = 0.5
TOLERANCE = 1e-12  # of the largest entry of the gradient: sums that are taken in another order round otherwise

Sums = tuple[float, np.ndarray]  # the sum of the losses over some samples, and its gradient
Way = Callable[[nn.MLP], Callable[[np.ndarray, np.ndarray], Sums]]


def data(n: int = 403) -> np.ndarray:
    """Return samples (x0, x1, y) of shape (n, 3): y is 1 inside a circle and -1 outside."""
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (n, 2))
    return np.column_stack([x, np.where(np.hypot(*x.T) < 0.75, 1.0, -1.0)])


def by_sweep(net: nn.MLP) -> Callable[[np.ndarray, np.ndarray], Sums]:
    """Return the function from samples and parameters to the sums, for a network on arrays."""

    def sums(samples: np.ndarray, theta: np.ndarray) -> Sums:
        nn.optim.unpack(theta, net)
        net.zero_grad()
        loss = nn.half_squared_error(net(samples[:, :2]), samples[:, 2:], reduction="sum")
        loss.backward()
        return loss.item(), np.concatenate([np.ravel(p.grad) for p in net.parameters()])

    return sums


def by_program(net: nn.MLP) -> Callable[[np.ndarray, np.ndarray], Sums]:
    """Return the same for a network on Values: a single sample is recorded, and its program runs on all of them."""
    sample = [Value(0.5, label=name) for name in ("x0", "x1", "y")]
    loss = nn.half_squared_error(net(sample[:2]), sample[2])
    program = compile(loss, [*sample, *net.parameters()])

    def sums(samples: np.ndarray, theta: np.ndarray) -> Sums:
        total, gradients = program.summed(*samples.T, *theta.tolist())
        return total, np.array(gradients[len(sample) :])

    return sums


class Share:
    """What one worker keeps: some of the samples, and the way to their sums."""

    def __init__(self, way: Way, net: nn.MLP, samples: np.ndarray) -> None:
        self.run, self.samples = way(net), samples

    def sums(self, theta: np.ndarray) -> Sums:
        """Return the loss and the gradient at parameters theta, summed over the samples of this share."""
        return self.run(self.samples, theta)


def descend(client: Client, way: Way, net: nn.MLP) -> tuple[float, float]:
    """Descend with the workers' gradients; return the last mean loss and the largest difference from one process."""
    samples, theta, largest = data(), nn.optim.pack(net), 0.0
    alone = Share(way, net, samples)
    placed = [client.submit(Share, way, net, part, actor=True) for part in np.array_split(samples, SHARES)]
    shares = [future.result() for future in placed]
    for _ in range(STEPS):
        answers = [
            answer.result() for answer in [share.sums(theta) for share in shares]
        ]  # all are asked, then waited for
        loss = sum(part for part, _ in answers)
        gradient = np.sum([part for _, part in answers], axis=0)
        expected_loss, expected = alone.sums(theta)
        largest = max(
            largest, abs(loss / expected_loss - 1.0), np.abs(gradient - expected).max() / np.abs(expected).max()
        )
        theta = theta - LEARNING_RATE / len(samples) * gradient
    return loss / len(samples), float(largest)


def main() -> dict[str, tuple[float, float]]:
    """Descend on two processes in both ways; print and return the losses and the differences."""
    net = nn.MLP(2, [8, 1], "tanh", rng=0)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        results = {
            "network": descend(client, by_sweep, net.tensors()),
            "program": descend(client, by_program, net),
        }
    for name, (loss, largest) in results.items():
        print(f"{name}: mean loss {loss:.6f} after {STEPS} steps, at most {largest:.0e} from one process")
    return results


if __name__ == "__main__":
    main()
