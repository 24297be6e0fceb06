"""What scikit-learn's perceptrons are trained with: SGD, Adam and L-BFGS on one flat vector of parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_mini.data import Array


class SGD:
    """Gradient descent with momentum v: v <- mu v - lr g; theta <- theta + v, or with Nesterov theta + mu v - lr g.

    The schedule of `lr` is "constant"; "invscaling", lr0 / (samples seen + 1)^power_t after each epoch; or "adaptive",
    a fifth whenever training stalls, until 1e-6 (Sutskever et al., "On the importance of initialization and momentum
    in deep learning", 2013).
    """

    def __init__(self, learning_rate: float, schedule: str, power_t: float, momentum: float, nesterov: bool) -> None:
        self.first_rate = self.learning_rate = learning_rate
        self.schedule = schedule
        self.power_t = power_t
        self.momentum = momentum
        self.nesterov = nesterov
        self.velocity: Array | None = None

    def step(self, theta: Array, g: Array) -> None:
        """Change theta in place, down the gradient g, which is overwritten."""
        if self.velocity is None:
            self.velocity = np.zeros_like(g)
        v = self.velocity
        g *= self.learning_rate
        v *= self.momentum
        v -= g
        if self.nesterov:
            theta += self.momentum * v - g
        else:
            theta += v

    def end_epoch(self, samples: int) -> None:
        """Follow the schedule, `samples` having been seen so far."""
        if self.schedule == "invscaling":
            self.learning_rate = self.first_rate / (samples + 1) ** self.power_t

    def stalled(self) -> bool:
        """Take note that training stalls; return whether it is to stop."""
        if self.schedule != "adaptive" or self.learning_rate <= 1e-6:
            return True
        self.learning_rate /= 5.0
        return False


class Adam:
    """m <- b1 m + (1 - b1) g; v <- b2 v + (1 - b2) g^2; theta <- theta - lr_t m / (sqrt(v) + eps), with
    lr_t = lr sqrt(1 - b2^t) / (1 - b1^t).

    eps joins the uncorrected sqrt(v), the order of computation that Kingma & Ba, "Adam", 2015, section 2, offers as the
    efficient one; in their Algorithm 1, and in torch, it joins the corrected one. Kept are m / (1 - b1) and
    v / (1 - b2): two passes over the parameters less.
    """

    def __init__(self, learning_rate: float, beta_1: float, beta_2: float, epsilon: float) -> None:
        self.first_rate = self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.t = 0
        self.m: Array | None = None

    def step(self, theta: Array, g: Array) -> None:
        """Change theta in place, down the gradient g, which is overwritten."""
        if self.m is None:
            self.m, self.v = np.zeros_like(g), np.zeros_like(g)
        m, v = self.m, self.v
        self.t += 1
        rest = math.sqrt(1.0 - self.beta_2)
        self.learning_rate = self.first_rate * math.sqrt(1.0 - self.beta_2**self.t) / (1.0 - self.beta_1**self.t)
        m *= self.beta_1
        m += g
        np.square(g, out=g)
        v *= self.beta_2
        v += g
        np.sqrt(v, out=g)
        g += self.epsilon / rest
        np.divide(m, g, out=g)
        g *= self.learning_rate * (1.0 - self.beta_1) / rest
        theta -= g

    def end_epoch(self, samples: int) -> None:
        """Adam has no schedule."""

    def stalled(self) -> bool:
        """Return that training is to stop."""
        return True


def lbfgs(
    objective: Callable[[Array], tuple[float, Array]],
    theta: Array,
    *,
    iterations: int,
    evaluations: int,
    tolerance: float,
    each: Callable[[Array, float], bool],
) -> Any:
    """Minimise by L-BFGS-B from `theta` on; `each` sees every iterate and its loss, and ends the search with True.

    Returns SciPy's result (Byrd, Lu, Nocedal & Zhu, "A limited memory algorithm for bound constrained optimization",
    1995).
    """
    from scipy.optimize import minimize

    def callback(intermediate_result: Any) -> None:
        if each(intermediate_result.x, float(intermediate_result.fun)):
            raise StopIteration

    options = {"maxiter": iterations, "maxfun": evaluations, "gtol": tolerance}
    return minimize(objective, theta, method="L-BFGS-B", jac=True, options=options, callback=callback)
