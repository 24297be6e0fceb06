"""Notebooks: pictures that speak with Python, as widgets where there are some."""
