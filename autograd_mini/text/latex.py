"""Formulas in LaTeX: the same records, terms and shortenings as in `formula`, in the notation of a textbook.

What comes out needs amsmath and nothing else; MathJax and KaTeX read it as it is. Names are escaped: a label is shown,
never obeyed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from ..node import Node
from .formula import (
    ATOM,
    POWER,
    PRODUCT,
    REMAINDER,
    SHORTER,
    SIGN,
    SUM,
    WRITERS,
    Names,
    Term,
    Writers,
    _equation,
    _formula,
    _parts,
    number,
    one_line,
)
from .numbers import ENTRIES

GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split()
)
ESCAPES = {
    **{c: f"\\{c}" for c in "{}$&#%_"},
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
}  # fmt: skip

_SUBSCRIPTED = re.compile(r"([A-Za-z]+)(?:_?(\d+)|_([A-Za-z\d]+))?")
_TALL = re.compile(r"\\frac|\\sqrt|\\begin|\^")


def latex(root: Any, names: Names | None = None) -> str:
    r"""Return how `root` was computed as LaTeX, down to the nodes in `names` and to the leaves; see `formula.text`.

    FormulaError where that takes more than 10,000 characters.

    >>> from autograd_mini import Value
    >>> w1, x1 = Value(2.0, label="w1"), Value(3.0, label="x1"); print(latex((w1 * x1 + 1).tanh() / 2))
    \frac{\tanh(w_{1} \cdot x_{1} + 1)}{2}
    """
    return _formula(root, _labelled(root, names or {}), WRITTEN, LatexTerm)


def short_latex(root: Any, names: Names | None = None) -> str:
    r"""Return `latex` without what changes nothing, as 1 * x or x ** 1.

    >>> from autograd_mini import Value
    >>> x = Value(2.0, label="x"); print(short_latex(1 * x**1 / (2 * x.sqrt())))
    \frac{x}{2 \cdot \sqrt{x}}
    """
    return _formula(root, _labelled(root, names or {}), SHORT, LatexTerm)


def latex_equation(node: Node, names: Names) -> str:
    r"""Return the one step that computed `node` as LaTeX, with its arguments by name.

    >>> from autograd_mini import Value
    >>> a = Value(2.0); b = a.exp(); print(latex_equation(b, {a: "a", b: "b1"}))
    b_{1} = e^{a}
    """
    return _equation(node, names, WRITTEN, LatexTerm)


def latex_name(name: str) -> str:
    r"""Return a name as LaTeX: one letter is a variable, several are a word, digits at the end a subscript.

    >>> print(latex_name("w1"), latex_name("theta_0"), latex_name("loss"), latex_name("W_hid"), latex_name("50 %"))
    w_{1} \theta_{0} \mathrm{loss} W_{\mathrm{hid}} \text{50 \%}
    """
    found = _SUBSCRIPTED.fullmatch(name)
    if found is None:
        return latex_text(one_line(name))
    head, digits, word = found[1], found[2], found[3]
    base = f"\\{head}" if head in GREEK else head if len(head) == 1 else f"\\mathrm{{{head}}}"
    below = digits or (f"\\mathrm{{{word}}}" if word else "")
    return f"{base}_{{{below}}}" if below else base


def latex_text(text: str) -> str:
    r"""Return words as LaTeX, with every character that would mean something to it escaped.

    >>> print(latex_text("a_b"))
    \text{a\_b}
    """
    return rf"\text{{{''.join(map(_escaped, text))}}}"


def _escaped(c: str) -> str:
    return ESCAPES.get(c, c if c.isprintable() else " ")


def latex_number(x: float, digits: int | None = None) -> str:
    r"""Return a number as LaTeX, exact or with so many digits.

    >>> print(latex_number(1e-9), latex_number(-2.0), latex_number(2 / 3, 6), latex_number(math.inf))
    10^{-9} -2 0.666667 \infty
    """
    shown = number(x) if digits is None else f"{x + 0.0:.{digits}g}"
    if not math.isfinite(x):
        return shown.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    mantissa, e, exponent = shown.partition("e")
    if not e:
        return shown
    power = f"10^{{{int(exponent)}}}"
    return {"1": power, "-1": f"-{power}"}.get(mantissa, rf"{mantissa} \times {power}")


def latex_entries(x: Any, digits: int = 6, limit: int = ENTRIES) -> str:
    r"""Return a number, a vector or matrix of at most `limit` entries, any other array by its shape.

    >>> print(latex_entries(np.eye(2)))
    \begin{bmatrix} 1 & 0 \\ 0 & 1 \end{bmatrix}
    """
    if np.ndim(x) == 0:
        return latex_number(float(x), digits)
    if np.ndim(x) > 2 or not 0 < np.size(x) <= limit:
        return latex_text(f"array of shape {np.shape(x)}")
    rows = r" \\ ".join(" & ".join(latex_number(float(e), digits) for e in row) for row in np.atleast_2d(x))
    return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"


class LatexTerm(Term):
    """A piece of a formula in LaTeX."""

    __slots__ = ()

    def at(self, level: int) -> str:
        """Return the text for a place that asks for at least `level`."""
        return self.text if self.level >= level else _bracketed(self.text)

    def infix(self, symbol: str, other: Term) -> Term:
        """Return a fraction, a power, or what stands with the sign of `symbol` between this term and another."""
        return INFIXES[symbol](self, other) if symbol in INFIXES else super().infix(symbol, other)

    @classmethod
    def of(cls, x: float) -> Term:
        """Return a number as a term."""
        shown = latex_number(x)
        level = SIGN if shown.startswith("-") else PRODUCT if "times" in shown else POWER if "^" in shown else ATOM
        return cls(shown, level, x)

    @classmethod
    def named(cls, name: str) -> Term:
        """Return a node by name, in parentheses where the name reads like an expression."""
        return cls(latex_name(name), Term.named(name).level)

    @classmethod
    def plain(cls, text: str) -> str:
        """Return what is no mathematics: an axis, an index, a shape."""
        return latex_text(text)

    @classmethod
    def call(cls, name: str, args: Iterable[str]) -> Term:
        """Return a call of the row `name`, to be taken as a whole before it is raised to a power."""
        named = rf"\operatorname{{{''.join(map(_escaped, name))}}}"
        return cls(FUNCTIONS.get(name, named) + _bracketed(", ".join(args)), POWER)


def _labelled(root: Any, names: Names) -> Names:
    """Return the names with the labels of leaves among them: a label on one line is a name like any other."""
    if not isinstance(root, Node):
        return names
    labels = {n: one_line(n.label) for n in _parts(root, names) if n.op is None and n not in names}
    return {**{n: label for n, label in labels.items() if label}, **names}


def _bracketed(text: str) -> str:
    return rf"\left({text}\right)" if _TALL.search(text) else f"({text})"


def _between(sign: str, level: int, left: int, right: int, x: Term, y: Term) -> Term:
    """Return two terms with a sign between them, never two signs in a row."""
    return LatexTerm(f"{x.at(left)} {sign} {y.at(ATOM if y.level == SIGN else right)}", level)


def _fraction(x: Term, y: Term) -> Term:
    return LatexTerm(rf"\frac{{{x.text}}}{{{y.text}}}", POWER)


def _raised(x: Term, y: Term) -> Term:
    return LatexTerm(f"{x.at(ATOM)}^{{{y.text}}}", POWER)


def _around(before: str, after: str, *xs: Term, level: int = POWER) -> Term:
    return LatexTerm(f"{before}{', '.join(x.text for x in xs)}{after}", level)


def _floored(x: Term, y: Term) -> Term:
    return _around(r"\left\lfloor ", r" \right\rfloor", _fraction(x, y), level=ATOM)


def _bracket(sign: str, x: Term, y: Term) -> Term:
    return LatexTerm(f"[{x.text} {sign} {y.text}]")


def _joined(name: str, axis: Term, *xs: Term) -> Term:
    listed = f"[{', '.join(x.text for x in xs)}]"
    return LatexTerm.call(name, [listed, f"{latex_text('axis=')}{axis.text}"])


INFIXES: Writers = {
    "+": partial(_between, "+", SUM, SUM, REMAINDER),
    "-": partial(_between, "-", SUM, SUM, REMAINDER),
    "*": partial(_between, r"\cdot", PRODUCT, PRODUCT, SIGN),
    "@": partial(_between, r"\,", PRODUCT, PRODUCT, SIGN),
    "%": partial(_between, r"\bmod", REMAINDER, PRODUCT, SIGN),
    "/": _fraction,
    "//": _floored,
    "**": _raised,
}

FUNCTIONS = {  # rows that mathematics calls otherwise
    "sin": r"\sin", "cos": r"\cos", "tan": r"\tan", "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan",
    "sinh": r"\sinh", "cosh": r"\cosh", "tanh": r"\tanh", "log": r"\ln", "log2": r"\log_{2}", "log10": r"\log_{10}",
    "asinh": r"\operatorname{arsinh}", "acosh": r"\operatorname{arcosh}", "atanh": r"\operatorname{artanh}",
    "sigmoid": r"\sigma", "sign": r"\operatorname{sgn}", "maximum": r"\max", "minimum": r"\min",
}  # fmt: skip

ROWS: Writers = {  # rows that mathematics does not write as calls
    "exp": lambda x: _around("e^{", "}", x),
    "expm1": lambda x: _around("e^{", "} - 1", x, level=SUM),
    "log1p": lambda x: LatexTerm.call("log", [f"1 + {x.at(REMAINDER)}"]),
    "sqrt": lambda x: _around(r"\sqrt{", "}", x),
    "cbrt": lambda x: _around(r"\sqrt[3]{", "}", x),
    "abs": lambda x: _around(r"\left|", r"\right|", x, level=ATOM),
    "square": lambda x: _raised(x, LatexTerm("2")),
    "reciprocal": lambda x: _fraction(LatexTerm("1"), x),
    "floor": lambda x: _around(r"\left\lfloor ", r" \right\rfloor", x, level=ATOM),
    "greater": partial(_bracket, ">"),
    "less": partial(_bracket, "<"),
    "equal": partial(_bracket, "="),
    "concatenate": partial(_joined, "concatenate"),
    "stack": partial(_joined, "stack"),
}
WRITTEN: Writers = {**WRITERS, **ROWS}
SHORT: Writers = {**SHORTER, **ROWS}
