"""School notation -> the language of expressions: `2x^2`, `3·x`, `ln`, `π`, `σ(z)`, a decimal comma."""

from __future__ import annotations

import re

NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
# What is put in place of what, in this order, in Python and in JavaScript; $1 is the first group.
RULES = (
    (r"\^", "**"), ("²", "**2"), ("³", "**3"), ("[·⋅×]", "*"), ("÷", "/"), ("[−–]", "-"),
    (r"π(?=[A-Za-z0-9(])", "pi*"), ("π", "pi"), (r"σ(?=[ ]*\()", "sigmoid"),
    (rf"(?<![A-Za-z0-9_.])({NUMBER})(?![eE][+-]?[0-9])(?=[A-Za-z(])", "$1*"),
    (r"(?<![A-Za-z0-9_])ln(?=[ ]*\()", "log"),
    (r"\)(?=[A-Za-z0-9(])", ")*"),
)  # fmt: skip
DECIMAL = re.compile(r"(?<![A-Za-z0-9_.,])[0-9]+,[0-9]+(?![0-9.,])")
CALL = re.compile(r"[A-Za-z_σ][A-Za-z0-9_]*[ ]*$")
NAME = 40  # characters before a bracket in which the name of a function ends


def as_expression(text: str) -> str:
    """Return what a formula in school notation is in the language of `record_expression`; all else stays as it is.

    A comma between two digits is a decimal one, but not among the arguments of a function.

    >>> as_expression("2x^2 + 0,5·ln(π)"), as_expression("maximum(x,0)"), as_expression("σ(2(x+1))")
    ('2*x**2 + 0.5*log(pi)', 'maximum(x,0)', 'sigmoid(2*(x+1))')
    """
    text = _with_points(text)
    for pattern, put in RULES:
        text = re.sub(pattern, put.replace("$1", r"\1"), text)
    return text


def _with_points(text: str) -> str:
    """Return text with a point for each decimal comma: one that stands in no function's brackets."""
    calls: list[bool] = []
    among_arguments = [False] * len(text)
    for i, c in enumerate(text):
        if c == "(":
            calls.append(bool(CALL.search(text[max(0, i - NAME) : i])))
        elif c == ")" and calls:
            calls.pop()
        among_arguments[i] = bool(calls) and calls[-1]
    return DECIMAL.sub(lambda found: found[0] if among_arguments[found.start()] else found[0].replace(",", "."), text)
