"""Framework scripts: a record as a script for torch or JAX: the value, and the gradients by the framework itself."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...errors import DataError
from .dialects import JAX, TORCH, Dialect
from .listing import Listing
from .python_source import INDENT, parameters, top, value_lines


class Framework(NamedTuple):
    """What scripts for a framework say in its own words; {} stands for what is given, {dtype} for its precision."""

    dialect: Dialect
    settings: tuple[str, ...]
    array: str
    number: str
    batch: str
    vjp: str
    seed: str


_TORCH = Framework(
    TORCH,
    settings=(),
    array="torch.asarray({}, dtype=torch.{dtype}, copy=True)",
    number="torch.asarray({}, dtype=torch.float64, copy=True)",
    batch="torch.broadcast_tensors",
    vjp="torch.func.vjp",
    seed="torch.asarray(gradient, dtype=value.dtype, copy=True).expand_as(value)",
)
_JAX = Framework(
    JAX,
    settings=('jax.config.update("jax_enable_x64", True)',),
    array="jnp.asarray({}, dtype=jnp.{dtype})",
    number="jnp.asarray(float({}))",  # it takes the precision of the arrays that it meets
    batch="jnp.broadcast_arrays",
    vjp="jax.vjp",
    seed="jnp.broadcast_to(jnp.asarray(gradient, dtype=value.dtype), value.shape)",
)


def torch_source(listing: Listing, name: str = "program") -> str:
    """Return a module for torch: `forward` computes the value, `program` returns it and the gradients of the inputs.

    DataError for a row, or an index, that torch does not have.
    """
    for node in listing.nodes:
        if node.op is not None and node.op.name == "getitem":
            _check_index(node.args[1])
    return _script(listing, _TORCH, name)


def jax_source(listing: Listing, name: str = "program") -> str:
    """Return the same for JAX, in float64; `forward` is pure, for jax.jit and jax.vmap, unless it checks a branch."""
    return _script(listing, _JAX, name)


def _script(listing: Listing, framework: Framework, name: str) -> str:
    dialect = framework.dialect
    lines = value_lines(listing, dialect, list(listing.forward(dialect)))
    forward = [
        f"def forward({', '.join(parameters(listing, dialect.module))}):",
        *(INDENT + line for line in lines),
        f"{INDENT}return {listing.names[listing.root]}",
    ]
    program = [
        f"def {name}(*inputs, gradient=1.0):",
        f"{INDENT}arrays = {_arrays(listing, framework)}",
        f"{INDENT}value, pull = {framework.vjp}(forward, *arrays)",
        f"{INDENT}return value, pull({framework.seed})",
    ]
    above = top(listing, dialect, [*forward, *program], framework.settings)
    return "\n".join([*above, *forward, "\n", *program, ""])


def _arrays(listing: Listing, framework: Framework) -> str:
    """Return how the inputs become arrays of the framework: numbers, or batches of them, in float64.

    A number beside a batch is repeated, and has a gradient of each sample, as in a program here.
    """
    if listing.is_scalar:
        arrays = f"[{framework.array.format('x', dtype='float64')} for x in inputs]"
        return f"{framework.batch}(*{arrays})" if len(listing.inputs) > 1 else arrays
    kinds = {(type(n), n.dtype.name) for n in listing.inputs}
    if len(kinds) == 1:
        return f"[{_array(listing.inputs[0], framework, 'x')} for x in inputs]"
    return f"[{', '.join(_array(n, framework, f'inputs[{i}]') for i, n in enumerate(listing.inputs))}]"


def _array(node: Any, framework: Framework, given: str) -> str:
    return (framework.array if node.ndim else framework.number).format(given, dtype=node.dtype.name)


def _check_index(index: Any) -> None:
    """Refuse an index that torch reads otherwise than numpy, or not at all."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(i, slice) and (i.step or 1) < 0 for i in parts):
        raise DataError("torch has no slice with a negative step: flip the array, then index it")
    kinds = [type(i) if isinstance(i, np.ndarray) else int if isinstance(i, (int, np.integer)) else None for i in parts]
    if int in kinds and np.ndarray in kinds:
        raise DataError("torch places the axes of a number beside an array of indices otherwise: index in two steps")
