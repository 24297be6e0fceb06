"""Growing out of this library: a network leaves as a torch module, as a JAX function, or as an ONNX model.

Networks of Sequential, MLP, Dense, Layer, Neuron and Dropout, with every activation that nn has by name, and the fitted
estimators. A network on Values leaves as its twin on arrays (`tensors()`), an estimator as `predict_proba`, or as
`predict` where it is a regressor. What has no twin - a module or an activation of your own - is an ExportError that
names it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_mini.files import Path, write_whole

from .plan import ExportError, plan

__all__ = ["ExportError", "to_jax", "to_onnx", "to_torch"]


def to_torch(net: Any) -> Any:
    """Return a torch.nn.Module that computes what `net` does on rows of shape (n, n_in), with a copy of its parameters.

    They have the same names, dtype and numbers, and are trainable; dropout drops where the module is in training, which
    it is where `net` is. Needs PyTorch (ExtraError). There is an example at `torch_module.build`.
    """
    planned = plan(net)
    from .torch_module import build

    return build(planned).train(getattr(net, "training", False))


def to_jax(net: Any) -> tuple[Callable[[Any, Any], Any], dict[str, Any]]:
    """Return f and params, so that f(params, x) is `net` evaluated on rows x; f is pure and can be pickled.

    params is a dict of JAX arrays under the names of `net.state_dict()`. A float64 network needs JAX's 64-bit mode, or
    it would be rounded: ExportError. Needs JAX (ExtraError). There is an example at `jax_function.build`.
    """
    planned = plan(net)
    from .jax_function import build

    return build(planned)


def to_onnx(net: Any, path: Path | None = None) -> Any:
    """Return the ONNX model, of opset 20, of `net` in evaluation mode; with a path, write it there as well.

    It maps x of shape (n, n_in) to y, for any n, in the dtype of the parameters, which are initializers of their names.
    It has passed ONNX's checker, runs in onnxruntime from 1.17 on, and opens in Netron. The file arrives whole or not
    at all (FileError). Needs onnx (ExtraError). There is an example at `onnx_model.build`.
    """
    planned = plan(net)
    from .onnx_model import build

    model = build(planned)
    if path is not None:
        write_whole(path, model.SerializeToString())
    return model
