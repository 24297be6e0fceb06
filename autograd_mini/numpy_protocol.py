"""numpy's protocols: which row or composition answers a ufunc or a function of numpy that is called on a node."""

# mypy: disable-error-code="attr-defined,method-assign"

from __future__ import annotations

import ast
import linecache
import math
import operator
import sys
from collections.abc import Callable
from functools import cache
from inspect import Parameter, signature
from types import FrameType
from typing import Any

import numpy as np

from . import array_ops, kernels, linalg, ops
from .arguments import names_of
from .conditions import Condition
from .errors import AutogradError, DataError, ShapeError
from .node import Node
from .op import ROWS, Elementwise, Op


def _data(x: Any) -> Any:
    return x._data if isinstance(x, Node) else x


def _asked(x: Any) -> Any:
    return x._asked() if isinstance(x, Node) else x


def _test(test: np.ufunc, row: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a test of data, such as isnan."""

    def method(x: Any) -> Any:
        outcome = test(_data(x))
        return Condition(outcome, ((f"{test.__name__}({{}})", (x,), outcome),), lambda: row(x))

    return method


TESTS = {
    np.isnan: _test(np.isnan, lambda x: 1.0 - ops.equal(x, x)),
    np.isinf: _test(np.isinf, lambda x: ops.equal(ops.absolute(x), math.inf)),
    np.isfinite: _test(np.isfinite, lambda x: ops.less(ops.absolute(x), math.inf)),
}


def _reduction(row: Op, neutral: float, combine: Op) -> Callable[..., Any]:
    """Return a reduction as numpy has it: `where` leaves entries out, `initial` takes part as one entry more."""

    def reduced(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
        """Combine the entries of x along the axes that `where` takes, and `initial`."""
        if where is not True and initial is None and math.isinf(neutral):
            raise ShapeError(f"{row.name}: with where= there may be no entry left: give initial= too")
        x = x if where is True else ops.where(where, x, neutral)
        if initial is None:
            return row(x, axis, bool(keepdims))
        empty = not kernels.count(x.shape, axis)
        return ops.sum(x, axis, bool(keepdims)) + initial if empty else combine(row(x, axis, bool(keepdims)), initial)

    return reduced


SUM, PROD = _reduction(ops.sum, 0.0, ops.add), _reduction(ops.prod, 1.0, ops.mul)
MAX, MIN = _reduction(ops.max, -math.inf, ops.maximum), _reduction(ops.min, math.inf, ops.minimum)


def _mean(x: Any, axis: Any = None, keepdims: bool = False, where: Any = True) -> Any:
    if where is True:
        return ops.mean(x, axis, bool(keepdims))
    taken = np.broadcast_to(where, x.shape).astype(float)
    return SUM(x, axis, keepdims, where=where) / np.sum(taken, axis, keepdims=bool(keepdims))


def _spreading(row: Op) -> Callable[..., Any]:
    """Return a variance or standard deviation as numpy has it, where `correction` is another name of `ddof`."""

    def spreads(x: Any, axis: Any = None, ddof: float = 0.0, keepdims: bool = False, correction: Any = None) -> Any:
        """Return the variance, or standard deviation, of the entries of x."""
        return row(x, axis, float(ddof if correction is None else correction), bool(keepdims))

    return spreads


def _pad(x: Node, width: Any, mode: str = "constant", constant_values: Any = 0.0) -> Any:
    """Return x with entries added at both ends of each axis: constant ones, or copies of those that it has."""
    if isinstance(width, dict):
        width = tuple(width.get(i, width.get(i - x.ndim, 0)) for i in range(x.ndim))
        width = tuple((int(w), int(w)) if isinstance(w, (int, np.integer)) else tuple(w) for w in width)
    if mode == "constant":
        if not np.ndim(constant_values):
            return ops.pad(x, width, float(constant_values))
        frame = np.pad(np.zeros(x.shape), width, constant_values=constant_values)
        return ops.pad(x, width) + frame
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise DataError(f"np.pad on a node: mode={mode!r} is none of constant, edge, reflect, symmetric and wrap")
    for axis, pair in enumerate(np.broadcast_to(np.asarray(width, dtype=int), (x.ndim, 2))):
        x = array_ops.take(x, np.pad(np.arange(x.shape[axis]), pair, mode=mode), axis)  # type: ignore[call-overload]
    return x


def _einsum(*operands: Any, optimize: Any = False) -> Any:
    """Return numpy's einsum; `optimize` chooses the order of products, and so nothing that one could see."""
    if isinstance(operands[0], str):
        return ops.einsum(*operands)
    *pairs, output = operands if len(operands) % 2 else (*operands, None)
    terms = ",".join(map(_letters, pairs[1::2]))
    return ops.einsum(terms if output is None else f"{terms}->{_letters(output)}", *pairs[::2])


def _letters(places: Any) -> str:
    return "".join("..." if p is Ellipsis else kernels.LETTERS[p] for p in places)


NUMPYS: dict[Any, Callable[..., Any]] = {
    getattr(np, name): thing
    for name, thing in vars(array_ops).items()
    if getattr(thing, "__module__", "") == array_ops.__name__ and hasattr(np, name)
}

# A ufunc that computes a row is that row; the others are listed by what they do here.

UFUNCS: dict[Any, Callable[..., Any]] = {
    op.array: op for op in ROWS.values() if isinstance(op, Elementwise) and isinstance(op.array, np.ufunc)
}
UFUNCS |= {
    np.matmul: ops.matmul, np.power: ops.power,
    np.less: Node.__lt__, np.less_equal: Node.__le__,
    np.greater: Node.__gt__, np.greater_equal: Node.__ge__,
    np.equal: operator.is_, np.not_equal: operator.is_not,  # what numpy makes of ==, where it stands on the left
    np.fabs: ops.absolute, np.float_power: ops.power,
}  # fmt: skip
UFUNCS |= TESTS | {function: thing for function, thing in NUMPYS.items() if isinstance(function, np.ufunc)}
REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.add: SUM, np.multiply: PROD, np.maximum: MAX, np.minimum: MIN, np.logaddexp: ops.logsumexp, np.hypot: ops.norm
}  # fmt: skip
ACCUMULATIONS: dict[Any, Callable[..., Any]] = {np.add: ops.cumsum, np.multiply: array_ops.cumprod}
SCIPY: dict[str, Callable[..., Any]] = {
    "expit": ops.sigmoid, "erf": ops.erf, "erfc": ops.erfc, "log1p": ops.log1p, "expm1": ops.expm1, "cbrt": ops.cbrt,
    "exp2": array_ops.exp2, "log_expit": lambda x: -ops.softplus(-x), "logit": lambda x: ops.log(x) - ops.log1p(-x),
}  # fmt: skip
LEFT_OUT = {"where": True, "dtype": None, "casting": "same_kind", "order": "K", "subok": True}

SAME_NAME = "cumsum sinc squeeze expand_dims broadcast_to flip where swapaxes transpose"
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = dict(NUMPYS)
FUNCTIONS |= {
    getattr(np.linalg, name): getattr(linalg, name)
    for name in (
        "inv solve det slogdet cholesky pinv eigvalsh eigh svd svdvals norm vector_norm matrix_norm matrix_power "
        "multi_dot cond matrix_transpose"
    ).split()
}
FUNCTIONS |= {getattr(np, name): getattr(ops, name) for name in SAME_NAME.split()}
FUNCTIONS |= {
    np.sum: SUM, np.mean: _mean, np.prod: PROD, np.max: MAX, np.amax: MAX, np.min: MIN, np.amin: MIN,
    np.var: _spreading(ops.var), np.std: _spreading(ops.std),
    np.round: array_ops._round, np.around: array_ops._round, np.reshape: array_ops.reshaped,
    np.pad: _pad, np.einsum: _einsum,
    np.argmax: lambda x, axis=None, keepdims=False: x.argmax(axis, bool(keepdims)),
    np.argmin: lambda x, axis=None, keepdims=False: x.argmin(axis, bool(keepdims)),
    np.sort: lambda x, axis=-1, kind=None, stable=None: ops.sort(x, axis),
    np.full_like: lambda x, fill_value: ops.broadcast_to(fill_value, ops.shape(x)),
    np.clip: lambda x, a_min=None, a_max=None, min=None, max=None: array_ops._clip(x, a_min, a_max, min=min, max=max),
}  # fmt: skip

# What asks for data alone: numpy answers, and its answer is no part of the record.

SHAPES = "shape ndim size zeros_like ones_like empty_like iscomplexobj isrealobj".split()
PLAIN = (
    "shape ndim size zeros_like ones_like empty_like argsort searchsorted allclose isclose "
    "array_equal array_equiv any all count_nonzero nonzero argwhere flatnonzero iscomplexobj isrealobj"
)
PLAIN_FUNCTIONS = {getattr(np, name) for name in PLAIN.split()}

WHY_NOT = {
    np.linalg.eig: "its eigenvalues may be complex; np.linalg.eigh of a symmetric matrix is",
    np.linalg.lstsq: "for the solution write np.linalg.pinv(a) @ b",
    np.linalg.eigvals: "they may be complex; np.linalg.eigvalsh of a symmetric matrix is",
}


def _array_ufunc(self: Node, ufunc: np.ufunc, how: str, *inputs: Any, **keywords: Any) -> Any:
    row = UFUNCS.get(ufunc) or (None if _name(ufunc).startswith("np.") else SCIPY.get(ufunc.__name__))
    given = {name: value for name, value in keywords.items() if not _is_left_out(name, value)}
    if how == "reduce" and ufunc in REDUCTIONS:
        return _reduce(ufunc, inputs[0], **given)
    if how == "accumulate" and ufunc in ACCUMULATIONS and given.keys() <= {"axis"}:
        return ACCUMULATIONS[ufunc](inputs[0], given.get("axis", 0))
    if how == "outer" and row is not None and not given:
        x, y = inputs
        return row(ops.reshape(x, ops.shape(x) + (1,) * len(ops.shape(y))), y)
    if row is None or how != "__call__" or given:
        what = _name(ufunc) + ("" if how == "__call__" else f".{how}")
        raise _not_recorded(what + (f" with {', '.join(given)}=" if given and row is not None else ""))
    return row(*inputs)


def _is_left_out(name: str, value: Any) -> bool:
    """Return whether a keyword of a ufunc has the value that it has where nobody gives it."""
    if name == "out":
        return value is None or all(array is None for array in value)
    return value is np._NoValue or value is LEFT_OUT.get(name, np._NoValue)


def _reduce(ufunc: np.ufunc, x: Any, axis: Any = 0, keepdims: bool = False, **given: Any) -> Any:
    reduction = REDUCTIONS[ufunc]
    for name in given:
        if name not in names_of(reduction):
            raise DataError(f"{_name(ufunc)}.reduce on a node does not obey {name}=: leave it out")
    return reduction(x, axis, bool(keepdims), **given)


def _array_function(self: Node, function: Callable[..., Any], types: Any, args: Any, keywords: Any) -> Any:
    if function in PLAIN_FUNCTIONS:
        return _plain(function, args, keywords)
    ours = FUNCTIONS.get(function)
    if ours is None:
        raise _not_recorded(_name(function), WHY_NOT.get(function, ""))
    try:
        return as_numpy(function, ours, args, keywords)
    except (TypeError, ValueError, IndexError) as error:
        if isinstance(error, AutogradError):
            raise
        raise (DataError if isinstance(error, TypeError) else ShapeError)(
            f"{_name(function)} on a node: {error}"
        ) from None


def _plain(function: Callable[..., Any], args: Any, keywords: Any) -> Any:
    """Return numpy's answer about the data alone; what it refuses is a ShapeError here."""
    see = _data if function.__name__ in SHAPES else _asked
    try:
        return function(*map(see, args), **{name: see(value) for name, value in keywords.items()})
    except (ValueError, IndexError, TypeError) as error:
        raise ShapeError(f"{_name(function)} on a node: {error}") from None


def as_numpy(function: Callable[..., Any], ours: Callable[..., Any], args: Any, keywords: Any) -> Any:
    """Call our function as numpy's is called: each argument that numpy documents is obeyed, or refused by its name."""
    try:
        declared = signature(function)
    except ValueError:  # an older numpy does not say what a function written in C takes
        n = len(names_of(ours))
        return ours(*(args[:n] if all(a is None for a in args[n:]) else args), **keywords)
    many = any(p.kind is p.VAR_POSITIONAL for p in declared.parameters.values())
    given = dict(keywords) if many else declared.bind(*args, **keywords).arguments
    given |= given.pop("kwargs", {})
    taken = _taken(function, ours)
    for name in [name for name in given if name not in taken]:
        if not _is_default(given.pop(name), declared.parameters.get(name)):
            raise DataError(f"{_name(function)} on a node does not obey {name}=: leave it out")
    return ours(*(args if many else ()), **{taken[name]: value for name, value in given.items()})


@cache
def _taken(function: Callable[..., Any], ours: Callable[..., Any]) -> dict[str, str]:
    """Return which parameters of numpy's are which of ours: those of the same name, else those in the same place."""
    theirs = [name for name, p in signature(function).parameters.items() if p.kind is not p.VAR_KEYWORD]
    own = names_of(ours)
    places = {theirs[i]: p for i, p in enumerate(own[: len(theirs)]) if p not in theirs and theirs[i] not in own}
    return places | {p: p for p in own if p not in places.values()}


def _is_default(value: Any, parameter: Parameter | None) -> bool:
    """Return whether an argument is what numpy takes where it is left out."""
    plain = value is None or isinstance(value, (bool, int, float, str))
    default = None if parameter is None else parameter.default
    return value is default or (plain and value == default)


def _name(function: Callable[..., Any]) -> str:
    """Return a function's name as people write it: np.sum, np.linalg.svd, scipy.special.expit."""
    if not isinstance(function, np.ufunc):
        return f"{function.__module__}.{function.__name__}".replace("numpy", "np")
    name = function.__name__
    if vars(np).get(name) is function:
        return f"np.{name}"
    return f"scipy.special.{name}" if name in vars(sys.modules.get("scipy.special", math)) else name


def _not_recorded(what: str, why: str = "") -> DataError:
    why = why or "use the functions of autograd_mini.ops, or .data for plain numbers"
    return DataError(f"{what} is not recorded on nodes: {why}")


def _no_array(self: Node, *args: Any, **keywords: Any) -> Any:
    raise DataError(
        "a node does not turn into an array silently, its record would be lost: "
        f"use .data for plain numbers, or {_instead(sys._getframe(1))}"
    )


INSIDE = ("numpy", "scipy", "pandas", "autograd_mini")  # not where a user calls from


def _instead(frame: FrameType | None) -> str:
    """Return what to write for the call that asked for an array, with its very arguments where the source is there."""
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in INSIDE:
        frame = frame.f_back
    call = None if frame is None else _call(frame)
    if isinstance(call, ast.Subscript):  # np.r_[x, y]
        parts = call.slice.elts if isinstance(call.slice, ast.Tuple) else [call.slice]
        join = {"r_": "hstack", "c_": "column_stack"}.get(ast.unparse(call.value).rpartition(".")[2], "stack")
        return f"ops.{join}([{', '.join(map(ast.unparse, parts))}])"
    if frame is None or not isinstance(call, ast.Call) or not call.args:
        return "ops.stack([a, b]) for a list of nodes"
    name, first = ast.unparse(call.func).rpartition(".")[2], ast.unparse(call.args[0])
    if name in vars(ops):
        return f"ops.{name}({', '.join(map(ast.unparse, (*call.args, *call.keywords)))})"
    if isinstance(frame.f_locals.get(first), Node):
        return f"{first} itself, which is one array already (a list of them is ops.stack([...]))"
    return f"ops.stack({first}) for a list of nodes"


def _call(frame: FrameType) -> ast.expr | None:
    """Return the expression that a frame is in the middle of, as its source has it; None where there is no source."""
    places = getattr(frame.f_code, "co_positions", None)  # Python 3.11 and later
    first, last, start, end = list(places())[frame.f_lasti // 2] if places else (None,) * 4
    lines = [linecache.getline(frame.f_code.co_filename, n) for n in range(first or 1, (last or 0) + 1)]
    if not any(lines):
        return None
    lines[-1] = lines[-1].encode()[:end].decode()
    lines[0] = lines[0].encode()[start:].decode()
    try:
        return ast.parse(f"({''.join(lines)})", mode="eval").body
    except SyntaxError:
        return None


Node.__array__, Node.__array_ufunc__, Node.__array_function__ = _no_array, _array_ufunc, _array_function
