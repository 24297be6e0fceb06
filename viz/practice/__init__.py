"""Practice: exercises without end, made from random graphs by level and seed, and the sheets that they fill."""

from .levels import LEVELS, exercise, of_formula
from .question import Question, Verdict

__all__ = ["LEVELS", "Question", "Verdict", "exercise", "of_formula"]
