"""Estimators: the face of scikit-learn, and what is behind it."""
