"""Op: one row of the table - how it is computed, what its vjp rules are - and the kinds of row there are.

A row is called like a function. With a node among its arguments it computes and records; with plain numbers and
arrays it only computes. A rule has the form `rule(g, result, *args)` and returns the contribution to one argument.
"""

from __future__ import annotations

import inspect
import operator
from collections import ChainMap
from collections.abc import Callable
from typing import Any

import numpy as np

from . import kernels
from . import node as _node
from .custom_ops import arrays, check_row, floats
from .data import KEPT, array_of, constant_of, number_of, quietly
from .errors import AutogradError, DataError, RangeError, RuleError, ShapeError
from .node import NONE, Node, Tensor, Value, check_fresh, record

Rule = Callable[..., Any]

TABLE: dict[str, Op] = {}  # every row by its name, in the order of `ops.py`
ROWS: dict[str, Op] = {}  # those of `ops.py`, entered at its end: what is made after that is a row of a user's own
NAMED = ChainMap(ROWS, TABLE)  # a row by its name: that of `ops.py` where a user's own has the same

_new = object.__new__
_birth = _node._birth


class Op:
    """A row over whole arrays: a reduction, a product, a change of shape. It is called as `array` is.

    `rules` holds one rule per argument; None stands for an argument without a derivative: an axis, a shape, an index.
    `remedy` is what to do about shapes that do not fit, where the row knows it better than numpy.
    """

    remedy = ""
    form = 'Op("total", lambda x, axis: np.sum(x, axis), lambda g, z, x, axis: ..., None)'

    def __new__(cls, *row: Any, **settings: Any) -> Any:
        if ROWS:
            check_row(cls, row, settings)
        return _new(cls)

    def __init__(
        self, name: str, array: Callable[..., Any], *rules: Rule | None, text: str = "", analytic: bool = True
    ) -> None:
        self.name = name
        self.array = array
        self._array = arrays(name, array) if ROWS else array
        self.rules = rules
        self.text = text
        self.analytic = analytic
        self.params, self.defaults = _signature(array, len(rules))
        self.settings = frozenset(i for i, rule in enumerate(rules) if rule is None)
        self.required = tuple(p for p in self.params if p not in self.defaults)
        TABLE[name] = self
        self.__doc__ = f"{name}({', '.join(p + _default(self.defaults, p) for p in self.params)})"

    def __repr__(self) -> str:
        return f"<op {self.__doc__}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (row_of_ops if ROWS.get(self.name) is self else row_named), (self.name,)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if keywords or len(args) != len(self.params):
            args = self._bind(args, keywords)
        return self.apply(args)

    def apply(self, args: tuple[Any, ...]) -> Any:
        """Compute the result of the row on `args`; record it where one of them is a node."""
        kept, raw, recorded = [], [], False
        for i, arg in enumerate(args):
            a = arg if isinstance(arg, Node) else self.constant(i, arg)
            if a is arg and i in self.settings and isinstance(a, Node):
                raise DataError(
                    f"{self.name}: {self.params[i]} is a setting, not a variable: give it plain, with .data"
                )
            kept.append(a)
            if isinstance(a, Node):
                recorded = True
                a = a._data
            raw.append(a)
        result = self.compute(*raw)
        return record(self, tuple(map(_owned, kept)), result) if recorded else result

    def _bind(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, ...]:
        """Fill in keywords and defaults, so that a node's `args` are the same however the op was called."""
        if not keywords and len(self.required) <= len(args) < len(self.params):
            return args + tuple(self.defaults.values())[len(args) - len(self.params) :]
        given = dict(zip(self.params, args))
        clash = [k for k in keywords if k not in self.params or k in given]
        full = {**self.defaults, **given, **keywords}
        if clash or len(args) > len(self.params) or any(p not in full for p in self.params):
            raise TypeError(f"call it as {self.__doc__}; got {len(args)} arguments and the keywords {list(keywords)}")
        return tuple(full[p] for p in self.params)

    @property
    def symbol(self) -> str:
        """The op as a mark on a graph: `+` where it is written between its arguments, else its name."""
        mark = self.text.replace("{}", "").strip(" []")
        return mark if mark and not mark[0].isalpha() else self.name

    def rule(self, i: int) -> Rule | None:
        """Return the vjp rule for the i-th argument, None where it has no derivative."""
        return self.rules[i]

    def constant(self, i: int, arg: Any) -> Any:
        """Return an argument that is not a node as the row computes with it: a number, an array, a setting."""
        if type(arg) is float:
            return arg
        return self.checked(i, arg) if self.rule(i) is not None else _setting(arg)

    def checked(self, i: int, arg: Any) -> Any:
        """Return `operand(arg)`; an error says which argument of which op it was."""
        try:
            return operand(arg)
        except (DataError, RangeError) as error:
            raise type(error)(f"{self.name}, argument {i + 1}: {error}") from None

    def compute(self, *args: Any) -> Any:
        """Compute the result from numbers and arrays; a misfit is a ShapeError that names the op and the shapes."""
        try:
            return quietly(self._array, *args)
        except AutogradError:
            raise
        except (ValueError, IndexError, TypeError) as error:
            raise ShapeError(self._misfit(error, args)) from None

    def _misfit(self, error: Exception, args: tuple[Any, ...]) -> str:
        shapes = " and ".join(str(np.shape(a)) for i, a in enumerate(args) if self.rule(i) is not None)
        settings = ", ".join(f"{p}={a!r}" for i, (p, a) in enumerate(zip(self.params, args)) if self.rule(i) is None)
        reason = self.remedy or _plain(error)
        return f"{self.name}: shapes {shapes} {f'with {settings} ' if settings else ''}do not fit: {reason}"

    def pull(self, node: Node, g: Any, grads: dict[Node, Any]) -> None:
        """Add to `grads` what `node`, given its upstream gradient g, contributes to each of its arguments."""
        check_fresh(node)
        raw = [a._data if isinstance(a, Node) else a for a in node.args]
        for i, arg in enumerate(node.args):
            if isinstance(arg, Node) and self.rule(i) is not None:
                c = fit(self.run(i, g, node._data, raw), arg, self)
                old = grads.get(arg)
                grads[arg] = c if old is None else old + c

    def run(self, i: int, g: Any, result: Any, args: list[Any]) -> Any:
        """Run the rule for the i-th argument on plain numbers."""
        return _run(self.rules[i], g, result, *args)  # type: ignore[arg-type]


def row_of_ops(name: str) -> Op:
    """Return the row of `ops.py` that has the name: what a pickle says of one."""
    return ROWS[name]


def row_named(name: str) -> Op:
    """Return the row that has the name now: what a pickle says of a row of a user's own."""
    if name not in TABLE:
        raise DataError(f"there is no row {name}: make it before you load what uses it")
    return TABLE[name]


def contribution(node: Node, i: int, g: Any) -> Any:
    """Return what `node`, given its upstream gradient g, contributes to its i-th argument: plain numbers in and out."""
    return fit(run_rule(node, i, g), node.args[i], node.op)  # type: ignore[arg-type]


def run_rule(node: Node, i: int, g: Any) -> Any:
    """Run the rule for the i-th argument on plain numbers, before broadcasting is repaired."""
    op: Op = node.op  # type: ignore[assignment]
    return numeric(op.run(i, g, node._data, [a._data if isinstance(a, Node) else a for a in node.args]), op)


def _run(rule: Rule, g: Any, *rest: Any) -> Any:
    try:
        return quietly(rule, g, *rest)
    except ArithmeticError:  # Python's floats refuse what IEEE 754 answers with inf or nan; numpy's do not
        return quietly(rule, np.float64(g), *rest)


def fit(c: Any, arg: Node, op: Op) -> Any:
    """Repair broadcasting: sum a contribution over the axes along which its argument was repeated."""
    if type(c) is np.ndarray and type(arg) is Tensor and c.shape == arg._data.shape and c.dtype == arg._data.dtype:
        return c
    if type(c) is float and type(arg) is Value:
        return c
    shape = arg.shape
    if isinstance(c, Node):
        c = c if c.shape == shape else _summed(c, shape, op)
        return c if type(c._data) is float or c._data.dtype == arg._data.dtype else ROWS["cast"](c, arg.dtype)
    if type(c) is not np.ndarray or c.shape != shape:
        c = _summed(numeric(c, op), shape, op)
    if not shape:
        return float(c)
    dtype = arg._data.dtype
    return c if c.dtype == dtype else array_of(c, dtype)


def _scalar(c: Any, op: Op) -> float:
    c = numeric(c, op)
    if np.shape(c):
        raise RuleError(f"the vjp rule of {op.name} returned shape {np.shape(c)} for an argument of shape ()")
    return float(c)


def numeric(c: Any, op: Op) -> Any:
    """Return what a rule of the row gave as a node, a float or an array; RuleError for anything else."""
    try:
        return operand(c)
    except (DataError, RangeError) as error:
        raise RuleError(f"the vjp rule of {op.name} returned something that is no gradient: {error}") from None


def _summed(c: Any, shape: tuple[int, ...], op: Op) -> Any:
    got = c.shape if isinstance(c, Node) else np.shape(c)
    try:
        if got == shape:
            return c
        return ROWS["sum_to"](c, shape) if isinstance(c, Node) else quietly(kernels.sum_to, c, shape)
    except (AutogradError, ValueError):
        raise RuleError(f"the vjp rule of {op.name} returned shape {got} for an argument of shape {shape}") from None


class Elementwise(Op):
    """A row that acts entry by entry, with broadcasting: `scalar` on Python floats, `array` on arrays.

    `text` says how it is written, {} standing for an argument. Where Python's floats raise (1/0, log 0, an overflow)
    the array function answers, so that floats and arrays agree.
    """

    remedy = "from the last axis on, lengths must be equal or 1: reshape one, or give it an axis with x[:, None]"
    form = 'Elementwise("name", "name({}, {})", on_floats, on_arrays, rule_x, None)'

    def __init__(
        self,
        name: str,
        text: str,
        scalar: Callable[..., float],
        array: Callable[..., Any],
        *rules: Rule | None,
        analytic: bool = True,
    ) -> None:
        super().__init__(name, array, *rules, text=text, analytic=analytic)
        self.settings = frozenset()  # a condition may be a node
        self.scalar = floats(name, scalar) if ROWS else scalar

    def compute(self, *args: Any) -> Any:
        for a in args:
            if type(a) is not float:
                return super().compute(*args)
        try:
            return self.scalar(*args)
        except (ArithmeticError, ValueError):
            return number_of(quietly(self._array, *map(np.float64, args)))


class Unary(Elementwise):
    """y = f(x), entry by entry, with the rule (g, y, x)."""

    form = 'Unary("cube", "cube({})", lambda x: x**3, lambda x: x**3, lambda g, y, x: g * 3.0 * x * x)'

    def __init__(
        self,
        name: str,
        text: str,
        scalar: Callable[..., float],
        array: Callable[..., Any],
        rule: Rule,
        *,
        analytic: bool = True,
    ) -> None:
        super().__init__(name, text, scalar, array, rule, analytic=analytic)
        self.method = _unary_method(self)

    def __call__(self, x: Any) -> Any:
        if type(x) is not float:
            return self.method(x)
        try:
            return self.scalar(x)
        except (ArithmeticError, ValueError):
            return self.compute(x)

    def pull(self, node: Node, g: Any, grads: dict[Node, Any]) -> None:
        if type(node) is not Value:
            super().pull(node, g, grads)
            return
        x = node.first
        try:
            c = self.rules[0](g, node._data, x._data)  # type: ignore[misc]
        except ArithmeticError:
            c = contribution(node, 0, g)
        if type(c) is not float:
            c = _scalar(c, self)
        old = grads.get(x)
        grads[x] = c if old is None else old + c


class Binary(Elementwise):
    """z = f(x, y), entry by entry, with a rule (g, z, x, y) for x and one for y."""

    form = (
        'Binary("area", "area({}, {})", operator.mul, np.multiply, lambda g, z, x, y: g * y, lambda g, z, x, y: g * x)'
    )

    def __init__(
        self,
        name: str,
        text: str,
        scalar: Callable[..., float],
        array: Callable[..., Any],
        rule_x: Rule,
        rule_y: Rule,
        *,
        analytic: bool = True,
    ) -> None:
        super().__init__(name, text, scalar, array, rule_x, rule_y, analytic=analytic)
        self.method = _binary_method(self)
        self.reflected = _reflected_method(self)

    def __call__(self, x: Any, y: Any) -> Any:
        if type(x) is float and type(y) is float:
            try:
                return self.scalar(x, y)
            except (ArithmeticError, ValueError):
                return self.compute(x, y)
        return self.method(x, y) if type(x) is Value else self.apply((x, y))

    def pull(self, node: Node, g: Any, grads: dict[Node, Any]) -> None:
        if type(node) is not Value:
            super().pull(node, g, grads)
            return
        # The loop of Op.pull unrolled, for this is where the sweep of a scalar graph spends its time. It leaves out
        # `check_fresh`: what is added to a node that has passed already stays behind, and the sweep finds it there.
        x, y = node.first, node.second
        a = x if type(x) is float else x._data
        b = y if type(y) is float else y._data
        if a is not x:
            try:
                c = self.rules[0](g, node._data, a, b)  # type: ignore[misc]
            except ArithmeticError:
                c = contribution(node, 0, g)
            if type(c) is not float:
                c = _scalar(c, self)
            old = grads.get(x)
            grads[x] = c if old is None else old + c
        if b is not y:
            try:
                c = self.rules[1](g, node._data, a, b)  # type: ignore[misc]
            except ArithmeticError:
                c = contribution(node, 1, g)
            if type(c) is not float:
                c = _scalar(c, self)
            old = grads.get(y)
            grads[y] = c if old is None else old + c


class Flat(Elementwise):
    """A row whose derivative is zero wherever it exists: a step, a sign, a comparison. Nothing flows back."""

    form = 'Flat("is_small", "is_small({})", lambda x: x < 1.0, lambda x: x < 1.0, 1)'

    def __init__(
        self, name: str, text: str, scalar: Callable[..., float], array: Callable[..., Any], arity: int
    ) -> None:
        super().__init__(name, text, scalar, array, *[None] * arity, analytic=False)

    def __call__(self, *args: Any) -> Any:
        if len(args) != len(self.rules):
            args = self._bind(args, {})
        for arg in args:
            if type(arg) is np.ndarray and arg.dtype in KEPT and len(args) == 1:
                return quietly(self._array, arg)
            if type(arg) is not float:
                return self.apply(args)
        try:
            return self.scalar(*args)
        except (ArithmeticError, ValueError):
            return self.compute(*args)

    def constant(self, i: int, arg: Any) -> Any:
        return self.checked(i, arg)


class Variadic(Op):
    """A row over any number of arguments, after `settings` that have no derivative.

    One rule serves them all: `each(g, result, i, args)`, with the arguments as they are, so that a sum of n numbers is
    swept in n steps.
    """

    form = 'Variadic("product", lambda *xs: math.prod(xs), lambda g, z, i, args: g * z / args[i])'

    def __init__(self, name: str, array: Callable[..., Any], each: Rule, *, settings: int = 0, text: str = "") -> None:
        super().__init__(name, array, *[None] * settings, text=text)
        self.each = each

    def __call__(self, *args: Any) -> Any:
        return self.apply(args)

    def rule(self, i: int) -> Rule | None:
        if i < len(self.rules):
            return None
        return lambda g, z, *args: self.each(g, z, i, args)

    def run(self, i: int, g: Any, result: Any, args: list[Any]) -> Any:
        return _run(self.each, g, result, i, args)


class Sum(Variadic):
    """x + y + ... as one node: each argument receives the upstream gradient as it is."""

    def __call__(self, *args: Any) -> Any:
        raw = [a._data if type(a) is Value else a for a in args]
        for a in raw:
            if type(a) is not float:
                return self.apply(args)
        total = self.array(*raw)
        return record(self, args, total) if any(map(operator.is_not, raw, args)) else total

    def pull(self, node: Node, g: Any, grads: dict[Node, Any]) -> None:
        if type(node) is not Value:
            super().pull(node, g, grads)
            return
        for arg in node.args:
            if type(arg) is not float:
                old = grads.get(arg)
                grads[arg] = g if old is None else old + g


def operand(arg: Any) -> Any:
    """Return a differentiable argument as rows compute with it: a node, a Python float, an array of floats."""
    if isinstance(arg, Node) or type(arg) is float:
        return arg
    if isinstance(arg, np.ndarray) and arg.ndim:
        return arg if type(arg) is np.ndarray and arg.dtype in KEPT else array_of(arg)
    if isinstance(arg, (list, tuple)):
        return ROWS["stack"](0, *map(operand, arg)) if _holds_node(arg) else array_of(arg)
    return number_of(arg)


def _owned(arg: Any) -> Any:
    """Return an argument as the record keeps it: an array that nobody else can change any more."""
    return constant_of(arg) if type(arg) is np.ndarray and arg.dtype in KEPT else arg


def _holds_node(arg: Any) -> bool:
    return isinstance(arg, Node) or (isinstance(arg, (list, tuple)) and any(map(_holds_node, arg)))


def _setting(arg: Any) -> Any:
    """Return a setting (axis, shape, index, mask) that nobody can change any more."""
    if isinstance(arg, tuple):
        return tuple(map(_setting, arg))
    if isinstance(arg, (list, np.ndarray)):
        none = isinstance(arg, list) and not np.size(arg)  # an index that takes nothing: numpy would make it floats
        arg = np.array(arg, dtype=np.intp if none else None)
        arg.flags.writeable = False
    return arg


def _unary_method(op: Unary) -> Callable[[Any], Any]:
    """Return the row as a method: short for a Value, the general way for all else."""
    scalar = op.scalar

    def method(x: Any) -> Any:
        if type(x) is Tensor:
            return record(op, (x,), op.compute(x._data))
        if type(x) is not Value or _node.modes_in_use:
            return op.apply((x,))
        try:
            data = scalar(x._data)
        except (ArithmeticError, ValueError):
            data = op.compute(x._data)
        y = _new(Value)
        y._data = data
        y.op = op
        y.first = x
        y.second = NONE
        y.birth = _birth()
        return y

    return method


def _binary_method(op: Binary) -> Callable[[Any, Any], Any]:
    """Return the row as the method of its left argument: short for Values and numbers, the general way for all else."""
    scalar = op.scalar

    def method(x: Any, y: Any) -> Any:
        if type(x) is not Value or _node.modes_in_use:
            return op.apply((x, y))
        if type(y) is Value:
            b = y._data
        elif type(y) is float:
            b = y
        elif type(y) is int:
            try:
                b = y = float(y)
            except OverflowError:  # the general way says which argument it was
                return op.apply((x, y))
        else:
            return op.apply((x, y))
        try:
            data = scalar(x._data, b)
        except (ArithmeticError, ValueError):
            data = op.compute(x._data, b)
        z = _new(Value)
        z._data = data
        z.op = op
        z.first = x
        z.second = y
        z.birth = _birth()
        return z

    return method


def _reflected_method(op: Binary) -> Callable[[Any, Any], Any]:
    """Return the row as the method of its right argument, for a number or an array on the left."""
    scalar = op.scalar

    def method(y: Any, x: Any) -> Any:
        if type(x) is int:
            try:
                x = float(x)
            except OverflowError:  # the general way says which argument it was
                return op.apply((x, y))
        if type(y) is not Value or type(x) is not float or _node.modes_in_use:
            return op.apply((x, y))
        try:
            data = scalar(x, y._data)
        except (ArithmeticError, ValueError):
            data = op.compute(x, y._data)
        z = _new(Value)
        z._data = data
        z.op = op
        z.first = x
        z.second = y
        z.birth = _birth()
        return z

    return method


def _signature(array: Callable[..., Any], arity: int) -> tuple[tuple[str, ...], dict[str, Any]]:
    if isinstance(array, np.ufunc):
        return ("x", "y")[:arity], {}
    code = getattr(array, "__code__", None)
    if code is None:
        params = inspect.signature(array).parameters.values()
        return tuple(p.name for p in params), {p.name: p.default for p in params if p.default is not p.empty}
    names = code.co_varnames[: code.co_argcount]  # many times quicker than asking inspect, at every import
    defaults = getattr(array, "__defaults__", None) or ()
    return names, dict(zip(names[len(names) - len(defaults) :], defaults))


def _default(defaults: dict[str, Any], param: str) -> str:
    return f"={defaults[param]!r}" if param in defaults else ""


def _plain(error: Exception) -> str:
    """Return numpy's reason in plain words."""
    for words, reason in REASONS.items():
        if words in str(error):
            return reason
    return str(error).split(", with gufunc signature")[0].split(" (Non-")[0].strip()


REASONS = {
    "core dimension": "the last axis of x must be as long as the last but one of y: transpose or reshape one",
    "enough dimensions": "a scalar has no axis to sum over: multiply with *",
    "zero-size array": "there is no entry to choose from: check .size first",
}
