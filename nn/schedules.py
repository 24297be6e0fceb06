"""Learning-rate schedules: functions (t, losses) -> learning rate.

t counts what has passed, from 0 on: epochs in `fit`, anything in a loop of your own. `losses` are the losses of the
epochs so far; only `adaptive` looks at them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from .errors import real, whole


class Schedule(Protocol):
    """What gives the learning rate of the next step, from the number t of steps so far and their losses."""

    def __call__(self, t: int, losses: Sequence[float] = ()) -> float: ...


def constant(learning_rate: float) -> Schedule:
    """Return the schedule that never changes.

    >>> constant(0.1)(1000, [])
    0.1
    """
    lr = real("learning_rate", learning_rate, "(0, inf)")
    return lambda t, losses=(): lr


def step(learning_rate: float, every: int, factor: float = 0.1) -> Schedule:
    """lr factor^(t // every): the rate falls in steps. factor in (0, 1]. Equal to torch's StepLR.

    >>> [step(1.0, every=2, factor=0.5)(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    lr, k, factor = (
        real("learning_rate", learning_rate, "(0, inf)"),
        whole("every", every),
        real("factor", factor, "(0, 1]"),
    )
    return lambda t, losses=(): lr * factor ** (t // k)


def inv_scaling(learning_rate: float, power: float = 0.5) -> Schedule:
    """lr / (t + 1)^power. Equal to scikit-learn's `invscaling`, where t counts samples.

    >>> [inv_scaling(1.0)(t) for t in (0, 3, 99)]
    [1.0, 0.5, 0.1]
    """
    lr, power = real("learning_rate", learning_rate, "(0, inf)"), real("power", power, "[0, inf)")
    return lambda t, losses=(): lr / (t + 1) ** power


def cosine(learning_rate: float, total: int, floor: float = 0.0) -> Schedule:
    """floor + (lr - floor) (1 + cos(pi t / total)) / 2 up to t = total, `floor` from there on.

    Loshchilov & Hutter, "SGDR: Stochastic gradient descent with warm restarts", 2017, eq. 5, without restarts.

    >>> [round(cosine(1.0, total=4)(t), 3) for t in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    lr, n = real("learning_rate", learning_rate, "(0, inf)"), whole("total", total)
    low = real("floor", floor, f"[0, {lr!r}]")
    return lambda t, losses=(): low + (lr - low) * 0.5 * (1.0 + math.cos(math.pi * min(t, n) / n))


def adaptive(learning_rate: float, patience: int = 10, tol: float = 1e-4, factor: float = 0.2) -> Schedule:
    """Multiply the rate by `factor` when more than `patience` epochs in a row failed to improve the best loss by `tol`.

    Equal to scikit-learn's `adaptive`. patience from 1 on, tol in [0, inf), factor in (0, 1].

    >>> adaptive(1.0, patience=1, factor=0.5)(4, [3.0, 3.0, 3.0, 3.0])
    0.5
    """
    lr, k = real("learning_rate", learning_rate, "(0, inf)"), whole("patience", patience)
    tol, factor = real("tol", tol, "[0, inf)"), real("factor", factor, "(0, 1]")

    def rate(t: int, losses: Sequence[float] = ()) -> float:
        now, best, bad = lr, math.inf, 0
        for loss in losses:
            bad = bad + 1 if loss > best - tol else 0
            best = min(best, loss)
            if bad > k:
                now, bad = now * factor, 0
        return now

    return rate


def warm_up(schedule: Schedule, steps: int) -> Schedule:
    """Let the rate rise in equal steps over the first `steps`, then follow `schedule` from its start.

    Goyal et al., "Accurate, large minibatch SGD", 2017, section 2.2.

    >>> [warm_up(constant(1.0), steps=4)(t) for t in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """
    n = whole("steps", steps)
    return lambda t, losses=(): schedule(max(t - n, 0), losses) * min((t + 1) / n, 1.0)
