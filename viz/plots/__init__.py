"""Plots: curves and surfaces of functions and of training."""
