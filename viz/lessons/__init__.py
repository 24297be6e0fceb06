"""The lessons' exercises as data, one source for notebooks and the site; what learners hand in, and how a class did."""

from .exercises import EXERCISES, check

__all__ = ["EXERCISES", "check"]
