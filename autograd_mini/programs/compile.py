"""Compilation: the root of a record, or a function, in; a program out, or a function that runs as programs."""

from __future__ import annotations

import functools
import inspect
import operator
import types
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import tree
from ..decisions import decisions
from ..errors import DataError, ShapeError
from ..modes import Recording
from ..node import Node, Tensor, Value, check_fresh
from ..op import ROWS, TABLE
from ..sweep import order, reach
from .backends import BACKENDS
from .languages.listing import Guard, Listing
from .program import BranchError, Branches, Program, refuse_node

Programs = dict[Any, list[Program]]  # by the form of the arguments

KEPT = 128  # programs that a compiled function keeps for one form of its arguments, and forms


def compile(
    what: Any = None,
    inputs: Sequence[Node] | None = None,
    *,
    names: Mapping[Node, str] | None = None,
    branches: Branches | None = None,
    backend: str = "python",
    static: Sequence[str] = (),
) -> Any:
    """Compile the record of a root into a `Program`, or a function into one that compiles its records.

    `inputs` are the leaves that a call gives new data and wants gradients of; without it all leaves are, the oldest
    first. `names` names nodes that have no label, `branches` holds the comparisons to check (see `Branches`). `backend`
    says how records of Values run, and changes no more than last digits: "python" as printed, "numpy" over numpy's
    numbers, "numba" as a tape of instructions (extra `[jit]`), "numba-straight" as machine code of its own.

    A function, or a method under `@compile` or `@compile(backend="numba")`, is recorded at its first call, and again
    where an argument has another shape, a comparison comes out otherwise, or numbers that the function looked at as
    such (item(), argmax(), a format, detach()) are others: the last 128 branches of a shape are kept,
    and 128 shapes. What is neither node nor argument stays as it was at the recording. It returns the value and the
    gradients, in the form of its arguments: lists, tuples and dicts of numbers and arrays; keywords take their places
    among them. `static` names arguments that are no numbers to differentiate by: they reach the function as they are, a
    program is recorded for each of their values, and they have no gradient. DataError for an input that is no leaf.

    >>> x, w = Value(2.0, label="x"), Value(3.0, label="w")
    >>> program = compile(w * x**2, [w, x])
    >>> program(3.0, 2.0)
    (12.0, (4.0, 12.0))
    >>> program(3.0, np.array([1.0, 2.0]))
    (array([ 3., 12.]), (array([1., 4.]), array([ 6., 12.])))

    >>> @compile
    ... def area(side):
    ...     return side * side
    >>> area(3.0)
    (9.0, (6.0,))

    >>> @compile(static=["n"])
    ... def power(x, n):
    ...     return x**n
    >>> power(3.0, n=2), power(2.0, 3)
    ((9.0, (6.0,)), (8.0, (12.0,)))
    """
    kind = _kind(backend)
    if what is None:
        return functools.partial(compile, backend=backend, static=static)
    if isinstance(what, (classmethod, staticmethod)):
        return type(what)(compile(what.__func__, backend=backend, static=static))
    if isinstance(what, Node):
        return kind(_of_record(what, inputs, names, branches))
    if not callable(what) or inputs is not None:
        raise DataError(f"compile takes the root of a record and its inputs, or a function; got {type(what).__name__}")
    return Compiled(_checked_static(what, static) if static else what, kind, static=tuple(static))


def _checked_static(function: Callable[..., Any], static: Sequence[str]) -> Callable[..., Any]:
    """Return the function, if it has the arguments that are named static, and all can be given by name."""
    parameters = inspect.signature(function).parameters
    unknown = [static] if isinstance(static, str) else [name for name in static if name not in parameters]
    if unknown:
        raise DataError(f"static is a list of names among {', '.join(parameters)}; got {unknown[0]!r}")
    nameless = [p for p in parameters.values() if p.kind not in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if nameless:
        raise DataError(f"static needs a function whose arguments all have names; {nameless[0]} has none")
    return function


def _kind(backend: str) -> type[Program]:
    if backend not in BACKENDS:
        raise DataError(f"there is no backend {backend!r}: name one of {', '.join(BACKENDS)}")
    return BACKENDS[backend]


def _of_record(
    root: Node, inputs: Sequence[Node] | None, names: Mapping[Node, str] | None, branches: Branches | None
) -> Listing:
    nodes = order(root)[::-1]
    if isinstance(inputs, Node) or not isinstance(inputs, (Iterable, type(None))):
        raise DataError(f"inputs are given as a list, got {type(inputs).__name__}: write inputs=[a]")
    leaves = [n for n in nodes if n.op is None] if inputs is None else list(inputs)
    for i, n in enumerate(leaves):
        if not isinstance(n, Node) or n.op is not None:
            what = f"computed by {n.op.name}" if isinstance(n, Node) else f"of type {type(n).__name__}"
            raise DataError(f"inputs[{i}] is {what}: the inputs of a program are leaves, made by Value or Tensor")
    if len(set(leaves)) < len(leaves):
        raise DataError("a leaf stands twice among the inputs: name each once")
    for node in nodes:
        check_fresh(node)
    for op in dict.fromkeys(node.op for node in nodes):
        if op is not None and op not in (ROWS.get(op.name), TABLE.get(op.name)):
            raise DataError(f"the row {op.name} was taken out of the table or defined anew: record again")
    guards = (
        branches.guards if branches else [Guard(d.text, d.args, d.outcome, d.place) for d in decisions(nodes, root)]
    )
    return _listing(root, nodes, leaves, names, guards)


def _listing(
    root: Node, nodes: list[Node], inputs: list[Node], names: Mapping[Node, str] | None, guards: Sequence[Guard]
) -> Listing:
    """Return the listing, with what the comparisons looked at as part of the record."""
    looked_at = [a for guard in guards for a in guard.args if isinstance(a, Node)]
    if looked_at:
        nodes = sorted(reach([root, *looked_at]), key=operator.attrgetter("birth"))
    return Listing(nodes, root, inputs, names, guards)


class Compiled:
    """A function that runs as a program: see `compile`. `program(*args)` is the one that a call with `args` runs."""

    def __init__(
        self,
        function: Callable[..., Any],
        kind: type[Program] = Program,
        programs: Programs | None = None,
        static: tuple[str, ...] = (),
    ) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._kind = kind
        self._name = getattr(function, "__name__", type(function).__name__)
        self._programs: Programs = {} if programs is None else programs
        self._of_objects: dict[int, tuple[Any, Programs]] = {}
        self._held: dict[int, Any] = {}  # those of them that take no weak reference
        self._static = static

    def __repr__(self) -> str:
        n = sum(map(len, self._programs.values()))
        return f"<compiled {self._name}: {n} program{'' if n == 1 else 's'}>"

    def __call__(self, *args: Any, **keywords: Any) -> tuple[Any, tuple[Any, ...]]:
        return self._run(args, keywords)[1]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Return the function compiled for one object, or for a class: programs read what it holds."""
        if instance is None:
            return self
        bound = types.MethodType(self._function, instance)
        return Compiled(bound, self._kind, self._programs_of(instance), self._static)

    def _is_method_of(self, owner: type) -> bool:
        """Return whether this is a classmethod there: since Python 3.13 it hands the class over, without `__get__`."""
        members = [member for base in owner.__mro__ for member in vars(base).values()]
        return any(isinstance(member, classmethod) and member.__func__ is self for member in members)

    def _programs_of(self, instance: Any) -> Programs:
        """Return the programs of one object, kept as long as it lives.

        What takes no weak reference, for its class has __slots__, is kept itself, and the oldest let go.
        """
        key = id(instance)
        known = self._of_objects.get(key)
        if known is None:
            try:
                keeper = weakref.ref(instance, lambda _: self._of_objects.pop(key, None))
            except TypeError:
                keeper = self._held[key] = instance
                for old in list(self._held)[:-KEPT]:
                    self._held.pop(old, None)
                    self._of_objects.pop(old, None)
            known = self._of_objects.setdefault(key, (keeper, {}))
        return known[1]

    def program(self, *args: Any, **keywords: Any) -> Program:
        """Return the program for arguments like these, recorded from them where there is none yet."""
        return self._run(args, keywords)[0]

    def _split(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments by their places, and the static ones by their names."""
        if not self._static:
            return self._bound(args, keywords) if keywords else args, {}
        try:
            bound = self._signature.bind(*args, **keywords)
        except TypeError as error:
            raise DataError(f"{self._name}: {error}") from None
        bound.apply_defaults()
        settings = {name: bound.arguments.pop(name) for name in self._static}
        return tuple(bound.arguments.values()), settings

    def _called(self, args: Any, settings: dict[str, Any]) -> Any:
        """Return what the function gives for the arguments in their places and the static ones by name."""
        if not settings:
            return self._function(*args)
        names = [name for name in self._signature.parameters if name not in settings]
        return self._function(**dict(zip(names, args)), **settings)

    def _bound(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, ...]:
        """Return all arguments by their places; where one before a keyword is left out, the defaults are arguments."""
        try:
            bound = self._signature.bind(*args, **keywords)
        except TypeError as error:
            raise DataError(f"{self._name}: {error}") from None
        if bound.kwargs:
            bound.apply_defaults()
        if bound.kwargs:
            alone = ", ".join(bound.kwargs)
            raise DataError(f"{self._name}: {alone} is taken by keyword alone: fix it with functools.partial")
        return bound.args

    @functools.cached_property
    def _signature(self) -> inspect.Signature:
        return inspect.signature(self._function)

    def _run(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Program, tuple[Any, tuple[Any, ...]]]:
        """Return the program for these arguments and what it gives."""
        if args and isinstance(args[0], type) and self._is_method_of(args[0]):
            return self.__get__(args[0])._run(args[1:], keywords)
        args, settings = self._split(args, keywords)
        leaves = tree.leaves(args)
        form = self._form(args, settings)
        for program in self._programs.get(form, []):
            try:
                return program, self._answer(program, args, leaves)
            except BranchError:
                continue
        program = self._record(args, leaves, settings)
        self._keep(form, program)
        return program, self._answer(program, args, leaves)

    def _answer(self, program: Program, args: tuple[Any, ...], leaves: list[Any]) -> tuple[Any, tuple[Any, ...]]:
        value, gradients = program(*leaves)
        return value, tree.build(args, iter(gradients))

    def _form(self, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        """Return what a record depends on beside the numbers, as a key."""
        form = _form(args), *((name, type(x), x) for name, x in settings.items())
        try:
            hash(form)
        except TypeError:
            raise DataError(f"{self._name}: static arguments must be hashable, got {settings!r:.200}") from None
        return form

    def _record(self, args: tuple[Any, ...], leaves: list[Any], settings: dict[str, Any]) -> Program:
        names = tree.names(args, "args")
        with Recording(), Branches() as branches:
            inputs = [_input(name, a) for name, a in zip(names, leaves)]
            root = self._called(tree.build(args, iter(inputs)), settings)
        if not isinstance(root, Node):
            raise DataError(f"{self._name} returned {type(root).__name__}: a program computes one node")
        if root.ndim:
            raise ShapeError(f"{self._name} returned shape {root.shape}: return one number, such as its sum")
        return self._kind(_of_record(root, inputs, None, branches))

    def _keep(self, form: Any, program: Program) -> None:
        """Keep a program, and let go of the oldest where there are too many."""
        alike = self._programs.setdefault(form, [])
        alike.append(program)
        del alike[:-KEPT]
        for old in list(self._programs)[:-KEPT]:
            self._programs.pop(old, None)


def _input(name: str, a: Any) -> Node:
    refuse_node(name, a)
    return Tensor(a) if np.ndim(a) else Value(a)


def _form(args: tuple[Any, ...]) -> Any:
    """Return what a record depends on beside the numbers: the form of the arguments, shapes and precisions."""
    return tree.form(args), *((np.shape(a), getattr(a, "dtype", None)) for a in tree.leaves(args))
