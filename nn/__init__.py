"""Neurons, layers and networks on the engine."""

from . import init, losses, optim, schedules
from .errors import ExtraError, SettingError, StateError
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
from .train import evaluate, fit
