"""Networks as JAX functions of (params, x), pure, for `jax.jit`, `jax.grad` and `jax.vmap`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..errors import extra
from .plan import Affine, ExportError, steps

jax = extra("jax", "JAX", "jax")
jnp = jax.numpy


def _elu(z: Any) -> Any:
    """z where z > 0, else e^z - 1 with the slope e^z: that of JAX's own is its value plus 1, which is 0 from -37 on."""
    below = jnp.where(z > 0.0, 0.0, z)
    y = jnp.exp(below) - 1.0
    return jnp.where(z > 0.0, z, y + jax.lax.stop_gradient(jnp.expm1(below) - y))


FUNCTIONS: dict[str, Any] = {
    "identity": lambda z: z,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "softplus": jax.nn.softplus,
    "silu": jax.nn.silu,
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "leaky_relu": lambda z: jnp.where(z > 0.0, z, 0.01 * z),  # JAX's own has the slope 1 at 0
    "elu": _elu,
    "softmax": jax.nn.softmax,
    "exp": jnp.exp,
    "both": lambda p: jnp.concatenate([1.0 - p, p], -1),
    "column": lambda p: p.squeeze(-1),
    "certain": jnp.ones_like,
}


def build(net: Any) -> tuple[Callable[[Any, Any], Any], dict[str, Any]]:
    """Return f and params for a planned network.

    >>> import nn; jax.config.update("jax_enable_x64", True)
    >>> f, params = nn.export.to_jax(nn.Dense(2, 1, "identity", init=nn.init.constant(0.5, 1.0)))
    >>> x = jnp.array([[2.0, 4.0]]); f(params, x).tolist()
    [[4.0]]
    >>> jax.grad(lambda params: f(params, x).sum())(params)["W"].tolist()
    [[2.0, 4.0]]
    """
    return functools.partial(run, tuple(steps(net, FUNCTIONS, "JAX"))), arrays(net.state_dict())


def run(steps: tuple[Affine | str, ...], params: dict[str, Any], x: Any) -> Any:
    """Return what the steps make of the rows of x."""
    x = jnp.asarray(x)
    for step in steps:
        x = x @ params[step.W].T + params[step.b] if isinstance(step, Affine) else FUNCTIONS[step](x)
    return x


def arrays(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state as JAX arrays of the same dtype, or raise ExportError where JAX would round it."""
    params = {name: jnp.asarray(x) for name, x in state.items()}
    rounded = [name for name in state if params[name].dtype != state[name].dtype]
    if rounded:
        raise ExportError(
            f"{rounded[0]} is {state[rounded[0]].dtype}, and JAX would round it to {params[rounded[0]].dtype}: "
            'call jax.config.update("jax_enable_x64", True) first'
        )
    return params
