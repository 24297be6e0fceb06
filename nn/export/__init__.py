"""Export: networks leave for PyTorch, JAX and ONNX."""

from .export import ExportError, to_jax, to_onnx, to_torch

__all__ = ["ExportError", "to_jax", "to_onnx", "to_torch"]
