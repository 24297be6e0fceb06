"""Op: one row of the table - how it is computed, what its vjp rules are - and the kinds of row there are.

A row is called like a function. With a node among its arguments it computes and records; with plain numbers and
arrays it only computes. A rule has the form `rule(g, result, *args)` and returns the contribution to one argument.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from . import fast, kernels
from .arguments import PLACES, UNSET, holds_node, listed, parameters, reason_of, setting
from .conditions import Condition
from .custom_ops import arrays, check_row, floats
from .data import QUIET, array_of, constant_of, errors, ignoring_fp_warnings, is_kept, number_of, on_floats
from .errors import AutogradError, DataError, RangeError, RuleError, ShapeError, rule_error
from .node import Node, Tensor, Value, record

Rule = Callable[..., Any]
Interval = tuple[float, float]
WIDE = (-2.0, 2.0)  # where an argument is tested that is said nothing of

TABLE: dict[str, Op] = {}  # every row by its name, in the order of the files of the table
ROWS: dict[str, Op] = {}  # those of the table's files, entered at the end: an op that is made later is a custom op
# While ROWS is empty, the table is still being made; whatever is made once it is filled is checked as a custom op.
NAMED = ChainMap(ROWS, TABLE)  # a row by its name: that of the table where a custom op has the same

_new = object.__new__


class Op:
    """A row over whole arrays: a reduction, a product, a change of shape. It is called as `array` is.

    `rules` holds one rule per argument; None stands for an argument without a derivative: an axis, a shape, an index.
    `hint` is what to do about shapes that do not fit, where the row knows it better than numpy.
    """

    hint = ""
    slopes = 0  # for `fast`: how many arguments an elementwise row has, each with a rule
    form = 'Op("total", lambda x, axis: np.sum(x, axis), lambda g, z, x, axis: ..., None)'

    def __new__(cls, *row: Any, **settings: Any) -> Any:
        if ROWS:  # the table is made: this is a custom op
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
        self.params, self.defaults = parameters(array, len(rules))
        self.settings = frozenset(i for i, rule in enumerate(rules) if rule is None)
        self.required = tuple(p for p in self.params if p not in self.defaults)
        TABLE[name] = self
        self.__doc__ = f"{name}({listed(self.params, self.defaults)})"

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if keywords or len(args) != len(self.params):
            args = self._bind(args, keywords)
        return self.apply(args)

    def apply(self, args: tuple[Any, ...]) -> Any:
        """Compute the result of the row on `args`; record it where one of them is a node."""
        kept, raw, recorded = [], [], False
        for i, a in enumerate(args):
            if not isinstance(a, Node):
                a = self.constant(i, a)
            elif i in self.settings:
                raise DataError(
                    f"{self.name}: {self.params[i]} is a setting, not a variable: give it plain, with .data"
                )
            kept.append(a)
            if isinstance(a, Node):
                recorded = True
                a = a._data
            raw.append(a)
        result = self.compute(*raw)
        if recorded:
            return record(self, tuple([a if isinstance(a, Node) else _owned(a) for a in kept]), result)
        return result if getattr(result, "ndim", 0) else float(result)  # no array of rank 0

    def compute(self, *args: Any) -> Any:
        """Compute the result from numbers and arrays; ShapeError, with the op and the shapes, where they do not fit."""
        try:
            return ignoring_fp_warnings(self._array, *args)
        except AutogradError:
            raise
        except (ValueError, IndexError, TypeError) as error:
            raise ShapeError(self._misfit(error, args)) from None

    def run(self, i: int, g: Any, z: Any, args: Sequence[Any]) -> Any:
        """Run the vjp rule for the i-th argument: here, and in `fast`, every rule is run.

        On numbers where g is one; where g is a node, what the rule computes is recorded.
        """
        call = self.pull if errors() is QUIET else partial(ignoring_fp_warnings, self.pull)
        try:
            try:
                return call(i, g, z, args)
            except ArithmeticError:  # Python's floats refuse 1/0; numpy's give inf, as IEEE 754 says
                return call(i, _numpy(g), _numpy(z), [*map(_numpy, args)])
        except Exception as error:
            raise rule_error(self.name, error)  # noqa: B904 - it has its cause

    def pull(self, i: int, g: Any, z: Any, args: Sequence[Any]) -> Any:
        """Call the rule for the i-th argument."""
        return self.rules[i](g, z, *args)  # type: ignore[misc]

    def rule(self, i: int) -> Rule | None:
        """Return the vjp rule for the i-th argument, None where it has no derivative."""
        return self.rules[i]

    def _bind(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, ...]:
        """Fill in keywords and defaults, so that a node's `args` are the same however the op was called."""
        if not keywords and len(self.required) <= len(args) < len(self.params):
            return args + tuple(self.defaults.values())[len(args) - len(self.params) :]
        given = dict(zip(self.params, args))
        keywords = {k: v for k, v in keywords.items() if v is not None or k not in UNSET or k in self.params}
        clash = [k for k in keywords if k not in self.params or k in given]
        full = {**self.defaults, **given, **keywords}
        if clash or len(args) > len(self.params) or any(p not in full for p in self.params):
            raise TypeError(f"call it as {self.__doc__}; got {len(args)} arguments and the keywords {list(keywords)}")
        return tuple(full[p] for p in self.params)

    def constant(self, i: int, arg: Any) -> Any:
        """Return an argument that is not a node as the row computes with it: a number, an array, a setting."""
        if type(arg) is float or (i not in self.settings and is_kept(arg)):
            return arg
        if self.rule(i) is not None or (type(arg) is Condition and i not in self.settings):
            return self.checked(i, arg)
        return setting(arg, self.params[i] in PLACES)

    def checked(self, i: int, arg: Any) -> Any:
        """Return `operand(arg)`; an error says which argument of which op it was."""
        try:
            return operand(arg)
        except (DataError, RangeError) as error:
            raise type(error)(f"{self.name}, argument {i + 1}: {error}") from None

    def _misfit(self, error: Exception, args: tuple[Any, ...]) -> str:
        shapes = " and ".join(str(np.shape(a)) for i, a in enumerate(args) if self.rule(i) is not None)
        settings = ", ".join(f"{p}={a!r}" for i, (p, a) in enumerate(zip(self.params, args)) if self.rule(i) is None)
        reason = self.hint or reason_of(error)
        return f"{self.name}: shapes {shapes} {f'with {settings} ' if settings else ''}do not fit: {reason}"

    @property
    def symbol(self) -> str:
        """The op as a mark on a graph: `+` where it is written between its arguments, else its name."""
        mark = self.text.replace("{}", "").strip(" []")
        return mark if mark and not mark[0].isalpha() else self.name

    def __repr__(self) -> str:
        return f"<op {self.__doc__}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (row_of_ops if ROWS.get(self.name) is self else row_named), (self.name,)


class Elementwise(Op):
    """A row that acts entry by entry, with broadcasting: `scalar` on Python floats, `array` on arrays.

    `text` says how it is written, {} standing for an argument. Both may be one ufunc of numpy's, whose last places are
    not those of `math`. Where Python's floats raise (1/0, the root of -1) the array function answers, so that floats
    and arrays agree. `domain` has an interval for each argument, in which the row is smooth: there it is tested and
    plotted; what is left out is (-2, 2). `torch` is its name in torch, where that is not numpy's.
    """

    hint = "from the last axis on, lengths must be equal or 1: reshape one, or give it an axis with x[:, None]"
    form = 'Elementwise("name", "name({}, {})", on_floats, on_arrays, rule_x, None)'

    def __init__(
        self,
        name: str,
        text: str,
        scalar: Callable[..., float],
        array: Callable[..., Any],
        *rules: Rule | None,
        analytic: bool = True,
        domain: Sequence[Interval] = (),
        torch: str = "",
    ) -> None:
        super().__init__(name, array, *rules, text=text, analytic=analytic)
        self.torch = torch
        self.domain = (*domain, *[WIDE] * (len(rules) - len(domain)))
        self.settings = frozenset()  # a condition may be a node
        self.slopes = len(rules) if None not in rules else 0
        scalar = on_floats(scalar) if isinstance(scalar, np.ufunc) else scalar
        self.scalar = floats(name, scalar) if ROWS else scalar

    def compute(self, *args: Any) -> Any:
        for a in args:
            if type(a) is not float:
                return super().compute(*args)
        try:
            return self.scalar(*args)
        except (ArithmeticError, ValueError):
            return number_of(ignoring_fp_warnings(self._array, *map(np.float64, args)))

    def pull(self, i: int, g: Any, z: Any, args: Sequence[Any]) -> Any:
        c = self.rules[i](g, z, *args)  # type: ignore[misc]
        if type(z) is float and type(c) is not float and np.shape(c):  # `fit` would take it for broadcast, and sum it
            raise RuleError(f"the vjp rule of {self.name} returned shape {np.shape(c)} for an argument of shape ()")
        return c


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
        domain: Sequence[Interval] = (),
        torch: str = "",
    ) -> None:
        super().__init__(name, text, scalar, array, rule, analytic=analytic, domain=domain, torch=torch)
        self.method = fast.one(self)

    __call__ = fast.call_one


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
        domain: Sequence[Interval] = (),
        torch: str = "",
    ) -> None:
        super().__init__(name, text, scalar, array, rule_x, rule_y, analytic=analytic, domain=domain, torch=torch)
        self.method, self.reflected = fast.two(self)

    __call__ = fast.call_two


class Flat(Elementwise):
    """A row whose derivative is zero wherever it exists: a step, a sign, a comparison. Nothing flows back."""

    form = 'Flat("is_small", "is_small({})", lambda x: x < 1.0, lambda x: x < 1.0, 1)'

    def __init__(
        self,
        name: str,
        text: str,
        scalar: Callable[..., float],
        array: Callable[..., Any],
        arity: int,
        *,
        domain: Sequence[Interval] = (),
        torch: str = "",
    ) -> None:
        super().__init__(name, text, scalar, array, *[None] * arity, analytic=False, domain=domain, torch=torch)

    __call__ = fast.call_flat

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
        return lambda g, z, *args: self.pull(i, g, z, args)

    def pull(self, i: int, g: Any, z: Any, args: Sequence[Any]) -> Any:
        return self.each(g, z, i, args)


class Sum(Variadic):
    """x + y + ... as one node: each argument receives the same, by the rule (g, z)."""

    form = 'Sum("total", lambda *xs: sum(xs), lambda g, z: g)'

    def __init__(self, name: str, array: Callable[..., Any], alike: Rule, *, text: str = "") -> None:
        super().__init__(name, array, alike, text=text)
        self.slopes = fast.MANY

    def pull(self, i: int, g: Any, z: Any, args: Sequence[Any]) -> Any:
        return self.each(g, z)

    __call__ = fast.call_many


def operand(arg: Any) -> Any:
    """Return a differentiable argument as rows compute with it: a node, a Python float, an array of floats."""
    if isinstance(arg, Node) or type(arg) is float or is_kept(arg):
        return arg
    if isinstance(arg, np.ndarray) and arg.ndim:
        return array_of(arg)
    if isinstance(arg, (list, tuple)):
        return ROWS["stack"](0, *map(operand, arg)) if holds_node(arg) else array_of(arg)
    if isinstance(arg, Condition):
        return arg.recorded()
    if hasattr(arg, "to_numpy"):  # a column or a table of a data frame: its numbers, without their index
        return operand(arg.to_numpy())
    return number_of(arg)


def _owned(arg: Any) -> Any:
    """Return an argument as the record keeps it: an array that nobody else can change any more."""
    return constant_of(arg) if is_kept(arg) else arg


def numbers(node: Node) -> tuple[Any, Sequence[Any]]:
    """Return the result and the arguments of a node as numbers and arrays: what a rule is given."""
    return node._data, [a._data if isinstance(a, Node) else a for a in node.args]


def itself(node: Node) -> tuple[Any, Sequence[Any]]:
    """Return a node and its arguments as they are: given these, a rule is recorded, and can be differentiated again."""
    return node, node.args


def contribution(node: Node, i: int, g: Any) -> Any:
    """Return what `node`, given its upstream gradient g, contributes to its i-th argument: plain numbers in and out."""
    return fit(node.op.run(i, g, *numbers(node)), node.args[i], node.op)


def run_rule(node: Node, i: int, g: Any) -> Any:
    """Run the rule for the i-th argument on plain numbers, before broadcasting is repaired."""
    return numeric(node.op.run(i, g, *numbers(node)), node.op)


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
    c = _summed(c if is_kept(c) else numeric(c, op), shape, op)
    if not shape:
        return float(c)
    dtype = arg._data.dtype
    return c if c.dtype == dtype else array_of(c, dtype)


def numeric(c: Any, op: Op) -> Any:
    """Return what a rule of the row gave as a node, a float or an array; RuleError for anything else."""
    try:
        return operand(c)
    except (DataError, RangeError) as error:
        raise RuleError(f"the vjp rule of {op.name} returned something that is no gradient: {error}") from None


def _summed(c: Any, shape: tuple[int, ...], op: Op) -> Any:
    got = getattr(c, "shape", ())
    try:
        if got == shape:
            return c
        return ROWS["sum_to"](c, shape) if isinstance(c, Node) else ignoring_fp_warnings(kernels.sum_to, c, shape)
    except (AutogradError, ValueError):
        raise RuleError(f"the vjp rule of {op.name} returned shape {got} for an argument of shape {shape}") from None


def _numpy(x: Any) -> Any:
    return np.float64(x) if type(x) is float else x


def row_of_ops(name: str) -> Op:
    """Return the row of the table that has the name: for unpickling."""
    return ROWS[name]


def row_named(name: str) -> Op:
    """Return the row that has the name now: for unpickling a custom op."""
    if name not in TABLE:
        raise DataError(f"there is no row {name}: make it before you load what uses it")
    return TABLE[name]
