"""Neurons, layers and networks on the engine."""

from . import init
from .errors import ExtraError, SettingError, StateError
from .layers import MLP, Dense, Dropout, Layer, Neuron, Sequential
from .module import Module
