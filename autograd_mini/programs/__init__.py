"""Programs: a record written out as source that computes its value and its gradients, and the ways to run it."""

from .compilation import compile
from .program import BranchError, Branches, Program

__all__ = ["BranchError", "Branches", "Program", "compile"]
