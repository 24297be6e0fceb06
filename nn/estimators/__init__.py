"""Estimators: scikit-learn's interface, and what is behind it."""
