"""Neurons, layers and networks on the engine."""
