"""Neurons, layers and networks on the engine."""

from typing import Any

from autograd_mini.files import FileError

from . import export, init, losses, optim, schedules
from .attribution.shares import attribute
from .attribution.table import Attribution
from .errors import ExtraError, SettingError, StateError
from .files.save import FormatError, load, load_into, save
from .imports.fitted_perceptrons import from_sklearn
from .layers import MLP, Dense, Dropout, Layer, Neuron, Sequential
from .losses import (
    absolute_error,
    cross_entropy,
    half_squared_error,
    hinge,
    huber,
    l2_penalty,
    negative_log_likelihood,
    poisson,
    sigmoid_cross_entropy,
    squared_error,
)
from .module import Module
from .optim import adagrad, adam, adamw, check_gradients, clip_by_norm, clip_by_value, lbfgs, rmsprop, sgd
from .recipe import backprop_recipe
from .step import Step
from .train import evaluate, fit

__all__ = [
    "MLP", "Attribution", "Dense", "Dropout", "ExtraError", "FileError", "FormatError", "Layer",
    "Module", "Neuron", "Sequential", "SettingError", "StateError", "Step", "absolute_error",
    "adagrad", "adam", "adamw", "attribute", "backprop_recipe", "check_gradients", "clip_by_norm", "clip_by_value",
    "cross_entropy", "evaluate", "export", "fit", "from_sklearn", "half_squared_error", "hinge", "huber",
    "init", "l2_penalty", "lbfgs", "load", "load_into", "losses", "negative_log_likelihood", "optim", "poisson",
    "rmsprop", "save", "schedules", "sgd", "sigmoid_cross_entropy", "squared_error",
]  # fmt: skip

ESTIMATORS = ("MLPClassifier", "MLPRegressor")
WITH_EXTRAS = (*ESTIMATORS, "from_torch")  # not in __all__: a star import takes what needs no extra


def __getattr__(name: str) -> Any:
    """Import what needs scikit-learn or PyTorch when it is asked for: the rest of the room does not need them."""
    if name in ESTIMATORS:
        from .estimators import mlp

        return getattr(mlp, name)
    if name == "from_torch":
        from .imports import torch_modules

        return torch_modules.from_torch
    raise AttributeError(f"module 'nn' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, those that are not imported yet too, so that a prompt completes them."""
    return sorted({*globals(), *__all__, *WITH_EXTRAS})
