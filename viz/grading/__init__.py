"""Grading: a learner's engine is asked the questions of an exam, and every fault is shown on its smallest graph."""

from .grader import GradeError, grade, grade_all
from .report import Report

__all__ = ["GradeError", "Report", "grade", "grade_all"]
