"""Torch's own sample inputs for its ops, through the bridge: proved against torch, or refused by a BridgeError.

The samples are those with which PyTorch tests itself: numbers, empty arrays, strides, all that an op's settings can be.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pytest
from threads import at_once

import autograd_mini
from autograd_mini import BridgeError, DataError

torch = pytest.importorskip("torch")
from_torch = autograd_mini.from_torch  # which asks for torch
pytest.importorskip("expecttest", reason="torch's sample inputs need expecttest")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

# Of all ops that the bridge has in its table, what it does not take over, and why.
REFUSED = {
    "nn.functional.rrelu": "the sample sets the seed inside the function",
    "gather": "an empty result depends on nothing",
    "fill": "the result does not depend on the tensor",
    "linalg.matrix_power": "the power 0 depends on nothing",
    "sparse.mm reduce": "a sparse tensor",
}
if torch.__version__ < "2.10":
    REFUSED["sgn"] = "there its slope is what rounding leaves of 0, and that is the whole gradient"

PARTS = 8  # in which all samples are tried, so that no process is left alone with them


@functools.cache
def infos() -> list[Any]:
    from torch.testing._internal.common_methods_invocations import op_db

    from autograd_mini.bridges.torch_ops import OPS

    return [info for info in op_db if info.name.split(".")[-1] in OPS or info.aten_name in OPS]


def tensors(x: Any) -> Iterator[Any]:
    """Yield the tensors in x, in lists and tuples too."""
    import torch

    if torch.is_tensor(x):
        yield x
    elif isinstance(x, (list, tuple)):
        for part in x:
            yield from tensors(part)


def problem(info: Any, sample: Any) -> tuple[Any, list[Any]]:
    """Return the op as a function of the tensors that a gradient is asked of, and those."""
    import torch

    def function(*given: Any) -> Any:
        waiting = iter(given)

        def put(x: Any) -> Any:
            if torch.is_tensor(x):
                return next(waiting) if x.requires_grad else x
            return type(x)(map(put, x)) if type(x) in (list, tuple) else x

        result = info(*map(put, (sample.input, *sample.args)), **sample.kwargs)
        return next(x for x in tensors(result) if x.is_floating_point()) * 1.0

    return function, [x.detach().clone() for x in tensors((sample.input, *sample.args)) if x.requires_grad]


def chosen(info: Any) -> list[Any]:
    """Return a sample in the middle, and the last."""
    import torch

    if not info.supports_autograd or not info.supports_dtype(torch.float64, "cpu"):
        return []
    torch.manual_seed(0)
    samples = list(info.sample_inputs("cpu", torch.float64, requires_grad=True, set_seed=False))
    return [samples[i] for i in sorted({len(samples) // 2, len(samples) - 1})]


def wrongly_refused(info: Any) -> list[str]:
    """Open the samples of an op, and return what is said of those that cannot be and should."""
    wrong = []
    name = f"{info.name} {info.variant_test_name}".strip()
    for sample in chosen(info):
        function, leaves = problem(info, sample)
        try:
            from_torch(function, *leaves)
        except (BridgeError, DataError) as error:
            if name not in REFUSED:
                wrong.append(f"{name}: {error}")
    return wrong


@pytest.mark.parametrize("part", range(PARTS))
def test_every_sample_is_proved_or_refused_by_name(part: int) -> None:
    # in a thread of its own, where the stack is short: torch writes the whole of it down again and again
    wrong = [said for info in infos()[part::PARTS] for said in at_once(lambda info=info: wrongly_refused(info))[0]]
    assert not wrong, "\n".join(wrong)
