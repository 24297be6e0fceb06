"""Custom ops: what a row must look like that is made outside `ops.py`, and what its functions may return."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .data import KEPT, array_of, number_of
from .errors import DataError

FUNCTIONS = {  # the parameters of a row that are functions, and what each does
    "scalar": "computes on floats",
    "array": "computes on arrays",
    "rule": "is called as rule(g, y, x): where nothing flows back make a Flat row",
    "rule_x": "is called as rule(g, z, x, y): where one argument has none make an Elementwise row",
    "rule_y": "is called as rule(g, z, x, y): where one argument has none make an Elementwise row",
    "each": "is called as each(g, z, i, args)",
}


def check_row(kind: Any, row: tuple[Any, ...], settings: dict[str, Any]) -> None:
    """Raise DataError, with the form of such a row, unless one of this kind can be made of what is given.

    >>> from autograd_mini.op import Unary
    >>> Unary("my op", "my_op({})", abs, np.abs, lambda g, y, x: g)
    Traceback (most recent call last):
    autograd_mini...DataError: Unary: name is one word, as for a variable, got 'my op'; write it as ...
    """
    try:
        given = inspect.signature(kind.__init__).bind(None, *row, **settings).arguments
        fault = next(_faults(given), "")
    except TypeError as error:
        fault = str(error)
    if fault:
        raise DataError(f"{kind.__name__}: {fault}; write it as {kind.form}") from None


def _faults(given: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the arguments of a row, by the names of their parameters."""
    name, text = given["name"], given.get("text", "")
    if not (isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)):
        yield f"name is one word, as for a variable, got {name!r:.40}"
    for param in FUNCTIONS:
        if param in given and not callable(given[param]):
            yield f"{param} is a function that {FUNCTIONS[param]}, got {given[param]!r:.40}"
    for i, rule in enumerate(given.get("rules", ())):
        if rule is not None and not callable(rule):
            yield f"rules[{i}] is a function, or None where nothing flows back, got {rule!r:.40}"
    rules = given.get("rules", [param for param in given if param.startswith("rule")])
    arity = given.get("arity", len(rules))
    if not isinstance(text, str) or ("scalar" in given and text.count("{}") != arity):
        yield f"text has {{}} for each argument, of which there are {arity}, got {text!r:.40}"
    domain = given.get("domain", ())
    if not (isinstance(domain, (tuple, list)) and len(domain) <= arity and all(map(_is_interval, domain))):
        yield f"domain has an interval (low, high) for each argument, of which there are {arity}, got {domain!r:.40}"
    for param in ("scalar", "array") if "each" not in given else ():
        if param in given and not _takes(given[param], arity, "rules" in given):
            yield f"{param} takes one argument for each rule, here {arity}"


def _is_interval(part: Any) -> bool:
    return isinstance(part, (tuple, list)) and len(part) == 2 and part[0] < part[1]


def _takes(function: Callable[..., Any], n: int, exactly: bool) -> bool:
    """Return whether a function may be given n arguments, as far as it says; `exactly`: and no more, by default."""
    if isinstance(function, np.ufunc):
        return function.nin == n
    try:
        params = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a builtin that does not say
        return True
    if any(p.kind is p.VAR_POSITIONAL for p in params):
        return True
    places = [p for p in params if p.kind is not p.KEYWORD_ONLY and p.kind is not p.VAR_KEYWORD]
    required = [p for p in places if p.default is p.empty]
    return len(places) == n if exactly else len(required) <= n <= len(places)


def floats(name: str, scalar: Callable[..., Any]) -> Callable[..., float]:
    """Return the function on floats of a custom op, which returns Python floats and nothing else.

    >>> floats("my_floor", np.floor)(2.5), floats("my_sign", lambda x: int(x > 0.0))(2.5)
    (2.0, 1.0)
    """

    def checked(*args: float) -> float:
        y = scalar(*args)
        return y if type(y) is float else _converted(name, y, number_of)

    return checked


def arrays(name: str, array: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function on arrays of a custom op, which returns arrays that a node may hold, or floats.

    >>> arrays("my_sign", lambda x: x > 0.0)(np.array([2.5, -1.0]))
    array([1., 0.])
    """

    def checked(*args: Any) -> Any:
        z = array(*args)
        if type(z) is float or (type(z) is np.ndarray and z.dtype in KEPT):
            return z
        return _converted(name, z, array_of if getattr(z, "ndim", isinstance(z, (list, tuple))) else number_of)

    return checked


def _converted(name: str, result: Any, convert: Callable[[Any], Any]) -> Any:
    try:
        return convert(result)
    except DataError as error:
        raise DataError(f"{name} computed something that no node may hold: {error}") from None
