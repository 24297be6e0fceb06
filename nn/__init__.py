"""Neurons, layers and networks on the engine."""

from .layers import MLP, Layer, Neuron
from .module import Module, StateError
