"""Programs: a record compiled into straight-line source that computes its value and every gradient, without a graph.

A branch that the recording took is frozen into a program. Where a comparison of nodes decided it, the program checks
the comparison and raises BranchError when it would come out otherwise; a compiled function records again then.
"""

from __future__ import annotations

import copy
import functools
import operator
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from . import aligned, frameworks, source, tree
from .data import array_of, number_of, quietly
from .dialects import CAREFUL, NUMPY
from .errors import AutogradError, DataError, ShapeError
from .lines import Guard, Listing
from .modes import Mode, Recording
from .node import Node, Tensor, Value, check_fresh, leaf
from .op import TABLE
from .replay import Replay
from .simplify import simplified
from .sweep import order

Run = Callable[..., tuple[Any, tuple[Any, ...]]]

KEPT = 128  # programs that a compiled function keeps for one form of its arguments, and forms


class BranchError(AutogradError, RuntimeError):
    """A program was run on inputs for which the recording would have taken another branch."""


class Branches(Mode):
    """Notes every comparison of nodes inside `with`, so that a program of the record can check them.

    >>> x = Value(2.0, label="x")
    >>> with Branches() as branches:
    ...     y = x * x if x > 1 else -x
    >>> program = compile(y, [x], branches=branches)
    >>> program(3.0)
    (9.0, (6.0,))
    >>> program(0.5)
    Traceback (most recent call last):
    autograd_mini.program.BranchError: x > 1 was true when this was recorded and is not for these inputs: record again
    """

    def __init__(self) -> None:
        super().__init__()
        self.guards: list[Guard] = []

    def compared(self, text: str, args: tuple[Any, ...], outcome: Any) -> None:
        self.guards.append(Guard(text, args, outcome))

    def __enter__(self) -> Branches:
        super().__enter__()
        return self


class Program:
    """The value of one root and its gradient with respect to `inputs`, as a function that builds no graph.

    Call it with a number or an array for each input, in their order: it returns the value and the tuple of gradients,
    as the engine gives them. Arrays of shape (n,) in place of numbers are n samples: the value and the gradients are
    those of each. Leaves that are no inputs keep their own data, which is read at each call.
    """

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self.root = listing.root
        self.inputs = tuple(listing.inputs)

    def __repr__(self) -> str:
        names = ", ".join(self.names[:6]) + (", ..." if len(self.names) > 6 else "")
        return f"<Program of {len(self._listing.nodes):,} nodes: {names}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the record as steps, and the texts that were printed."""
        printed = {name: text for name, text in vars(self).items() if isinstance(text, str)}
        return type(self), (self._listing,), printed

    @property
    def names(self) -> list[str]:
        """The names of the inputs in the source."""
        return [self._listing.names[n] for n in self.inputs]

    @cached_property
    def source(self) -> str:
        """The program in Python: forward, then backward, one line per node and per contribution.

        It runs by itself. On numbers it needs `math` alone, or numpy where a function of the table does; where Python's
        floats raise (1/0, log 0) so does it.
        """
        return source.python_source(self._listing)

    @cached_property
    def numpy(self) -> str:
        """The program in Python over numpy's arrays: for a record of numbers, over a whole batch."""
        return source.python_source(self._listing, dialect=NUMPY)

    @cached_property
    def javascript(self) -> str:
        """The program of a record of Values in JavaScript: a function that returns `{value, gradients}`."""
        self._scalar("javascript")
        return source.javascript_source(self._listing)

    @cached_property
    def torch(self) -> str:
        """The computation as a script for torch, which differentiates it itself."""
        return frameworks.torch_source(self._listing)

    @cached_property
    def jax(self) -> str:
        """The computation as a script for JAX, which differentiates it itself."""
        return frameworks.jax_source(self._listing)

    @cached_property
    def latex(self) -> str:
        r"""The equations of the record and of its sweep as one `aligned` block of LaTeX, \bar{z} the gradient of z."""
        return aligned.latex_source(self._listing)

    def __call__(self, *inputs: Any, gradient: Any = 1.0) -> tuple[Any, tuple[Any, ...]]:
        if not self._listing.is_scalar:
            return self._on_arrays(self._counted(inputs), gradient)
        inputs = self._entries(inputs)
        if np.ndarray in {*map(type, inputs), type(gradient)} or np.ndim(gradient):
            return self._on_batch(inputs, gradient)
        return self._on_numbers(inputs, gradient if type(gradient) is float else number_of(gradient))

    def summed(self, *inputs: Any, gradient: Any = 1.0) -> tuple[float, tuple[float, ...]]:
        """Run a batch and return the sum of its values and, for each input, the sum of its gradients.

        >>> x, w = Value(1.0, label="x"), Value(2.0, label="w")
        >>> compile(w * x, [x, w]).summed(np.array([1.0, 2.0, 3.0]), 2.0)
        (12.0, (6.0, 6.0))
        """
        return self._summed(self._entries(inputs), gradient)

    def simplified(self) -> Program:
        r"""Return a program that gives the same by less work: what is constant is computed now, what is equal once.

        Leaves that are no inputs keep the data of this moment. Bits may differ where the record has x ** 2, which
        becomes x * x.

        >>> w, x = Value(3.0, label="w"), Value(2.0, label="x")
        >>> program = compile((w * x).exp() + x.exp() * 1.0, [x]).simplified()
        >>> print(program.source.partition("\n\n\n")[2])
        def program(x, L_bar=1.0):
            v2 = exp(3 * x)
            v3 = exp(x)
            return v2 + v3, (L_bar * v3 + L_bar * v2 * 3,)
        <BLANKLINE>
        """
        return type(self)(simplified(self._listing))

    def _counted(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(inputs) != len(self.inputs):
            raise ShapeError(
                f"{self!r} takes {len(self.inputs)} inputs, got {len(inputs)}: give one for each, in order"
            )
        return inputs

    def _entries(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the inputs of a record of numbers as floats and arrays of samples."""
        if {*map(type, self._counted(inputs))} <= {float}:
            return inputs
        return tuple(map(_entry, self.names, inputs))

    # How it runs ------------------------------------------------------------------------------------------------------

    @cached_property
    def _run(self) -> Run:
        run: Run = source.run_source(self.source, given=source.own_rows())
        return run

    @cached_property
    def _run_batch(self) -> Run:
        run: Run = source.run_source(self.numpy, given=source.own_rows())
        return run

    @cached_property
    def _run_careful(self) -> Run:
        """The same lines as calls of rows, which give what IEEE 754 says where Python's floats raise."""
        text = source.python_source(self._listing, dialect=CAREFUL)
        run: Run = source.run_source(text, given=dict(TABLE))
        return run

    def _on_numbers(self, inputs: Sequence[Any], gradient: float) -> tuple[float, tuple[float, ...]]:
        held = [n._data for n in self._listing.captured]
        try:
            return self._run(*inputs, *held, gradient)
        except (ArithmeticError, ValueError):
            return self._run_careful(*inputs, *held, gradient)
        except RuntimeError as error:
            raise self._other_branch(error) from None

    def _on_batch(self, inputs: Sequence[Any], gradient: Any) -> tuple[Any, tuple[Any, ...]]:
        shape = batch_shape([*self.names, "gradient"], [*inputs, gradient])
        given = (*inputs, *(n._data for n in self._listing.captured), gradient)
        try:
            value, gradients = quietly(self._run_batch, *(np.asarray(a, dtype=float)[()] for a in given))
        except RuntimeError as error:
            raise self._other_branch(error) from None
        return np.broadcast_to(value, shape).copy(), tuple([np.broadcast_to(g, shape).copy() for g in gradients])

    def _summed(self, inputs: tuple[Any, ...], gradient: Any) -> tuple[float, tuple[float, ...]]:
        value, gradients = self(*inputs, gradient=gradient)
        return float(np.sum(value)), tuple([float(np.sum(g)) for g in gradients])

    def _on_arrays(self, inputs: Sequence[Any], gradient: Any) -> tuple[Any, tuple[Any, ...]]:
        given = [_like(name, node, a) for name, node, a in zip(self.names, self.inputs, inputs)]
        seed = _like("gradient", self.root, gradient)
        data = [*given, *(n._data for n in self._listing.captured), seed]
        if self._listing.guards:
            return self._on_arrays_guarded(data)
        with self._replay.lock:
            value, *gradients = self._replay(*data)
            return _plain(value), tuple(map(_plain, gradients))

    def _on_arrays_guarded(self, data: Sequence[Any]) -> tuple[Any, tuple[Any, ...]]:
        """Run the source, which looks at the comparisons; a replay computes what it must and nothing else."""
        try:
            value, gradients = quietly(self._run, *(np.float64(a) if type(a) is float else a for a in data))
        except RuntimeError as error:
            raise self._other_branch(error) from None
        return _fitted(value, self.root), tuple(map(_fitted, gradients, self.inputs))

    @cached_property
    def _replay(self) -> Replay:
        """The record in buffers: recorded anew, for the leaves may have new data since, which would make it stale."""
        again = copy.deepcopy(self._listing)
        seed = leaf(np.ones_like(again.root._data) if again.root.ndim else 1.0)
        return Replay([again.root], seed, [*again.inputs, *again.captured, seed], again.inputs)

    def _other_branch(self, error: RuntimeError) -> Exception:
        return BranchError(str(error)) if self._listing.guards and type(error) is RuntimeError else error

    def _scalar(self, language: str) -> None:
        if not self._listing.is_scalar:
            raise DataError(f"{language} has no arrays to compute with: compile a record of Values, or use .numpy")


def _entry(name: str, a: Any) -> Any:
    """Return an input of a record of numbers: a float, or an array of samples."""
    if type(a) is float:
        return a
    _refuse_node(name, a)
    return array_of(a) if np.ndim(a) else number_of(a)


def _refuse_node(name: str, a: Any) -> None:
    if isinstance(a, Node):
        raise DataError(
            f"input {name} is a node: a program records nothing, give it {name}.data; "
            "a compiled function f is recorded as part of another where that calls f.__wrapped__"
        )


def batch_shape(names: Sequence[str], given: Sequence[Any]) -> tuple[int, ...]:
    """Return the shape of the batch: () where all are numbers, else the one shape that every array has."""
    shapes = {np.shape(a): name for name, a in zip(names, given) if np.ndim(a)}
    if len(shapes) > 1:
        found = " and ".join(f"{name} of shape {shape}" for shape, name in shapes.items())
        raise ShapeError(f"one batch has one shape, got {found}: repeat or cut the shorter")
    return next(iter(shapes), ())


def _like(name: str, node: Node, a: Any) -> Any:
    """Return an input of a record of arrays, with the shape and the precision that it had when it was recorded."""
    _refuse_node(name, a)
    array = np.asarray(a) if isinstance(a, np.ndarray) and a.dtype == node.dtype else array_of(a, node.dtype)
    if array.shape != node.shape:
        raise ShapeError(f"{name} has shape {array.shape}, and had {node.shape} when this was recorded: record again")
    return array if node.ndim else float(array)


def _fitted(a: Any, node: Node) -> Any:
    """Return data in the shape and the precision of a node."""
    return np.array(np.broadcast_to(a, node.shape), node.dtype) if node.ndim else float(a)


def _plain(a: Any) -> Any:
    return np.array(a) if np.ndim(a) else float(a)


def compile(
    what: Any = None,
    inputs: Sequence[Node] | None = None,
    *,
    names: Mapping[Node, str] | None = None,
    branches: Branches | None = None,
    backend: str = "python",
) -> Any:
    """Compile the record of a root into a `Program`, or a function into one that compiles its records.

    `inputs` are the leaves that a call gives new data and wants gradients of; without it all leaves are, the oldest
    first. `names` names nodes that have no label, `branches` holds the comparisons to check (see `Branches`). `backend`
    says how records of Values run, and changes no more than last digits: "python" as printed, "numpy" over numpy's
    numbers, "numba" as a tape of instructions (extra `[jit]`), "numba-straight" as machine code of its own.

    A function, or a method under `@compile` or `@compile(backend="numba")`, is recorded at its first call, and again
    where an argument has another shape or a comparison comes out otherwise: the last 128 branches of a shape are kept,
    and 128 shapes. What is neither node nor argument stays as it was at the recording. It returns the value and the
    gradients, in the form of its arguments: lists, tuples and dicts of numbers and arrays. DataError for an input that
    is no leaf.

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
    """
    kind = _kind(backend)
    if what is None:
        return functools.partial(compile, backend=backend)
    if isinstance(what, Node):
        return kind(_of_record(what, inputs, names, branches))
    if not callable(what) or inputs is not None:
        raise DataError(f"compile takes the root of a record and its inputs, or a function; got {type(what).__name__}")
    return Compiled(what, kind)


def _kind(backend: str) -> type[Program]:
    from .backends import BACKENDS

    if backend not in BACKENDS:
        raise DataError(f"there is no backend {backend!r}: name one of {', '.join(BACKENDS)}")
    return BACKENDS[backend]


def _of_record(
    root: Node, inputs: Sequence[Node] | None, names: Mapping[Node, str] | None, branches: Branches | None
) -> Listing:
    nodes = order(root)[::-1]
    leaves = [n for n in nodes if n.op is None] if inputs is None else list(inputs)
    for i, n in enumerate(leaves):
        if not isinstance(n, Node) or n.op is not None:
            what = f"computed by {n.op.name}" if isinstance(n, Node) else f"a {type(n).__name__}"
            raise DataError(f"inputs[{i}] is {what}: the inputs of a program are leaves, made by Value or Tensor")
    if len(set(leaves)) < len(leaves):
        raise DataError("a leaf stands twice among the inputs: name each once")
    for node in nodes:
        check_fresh(node)
        if node.op is not None and TABLE.get(node.op.name) is not node.op:
            raise DataError(f"the row {node.op.name} was taken out of the table or defined anew: record again")
    return _listing(root, nodes, leaves, names, branches.guards if branches else ())


def _listing(
    root: Node, nodes: list[Node], inputs: list[Node], names: Mapping[Node, str] | None, guards: Sequence[Guard]
) -> Listing:
    """Return the listing, with what the comparisons looked at as part of the record."""
    seen = set(nodes)
    for guard in guards:
        for a in guard.args:
            if isinstance(a, Node) and a not in seen:
                fresh = [n for n in order(a) if n not in seen]
                nodes = sorted((*nodes, *fresh), key=operator.attrgetter("birth"))
                seen.update(fresh)
    return Listing(nodes, root, inputs, names, guards)


class Compiled:
    """A function that runs as a program: see `compile`. `program(*args)` is the one that a call with `args` runs."""

    def __init__(self, function: Callable[..., Any], kind: type[Program] = Program) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._kind = kind
        self._programs: dict[str, list[Program]] = {}

    def __call__(self, *args: Any) -> tuple[Any, tuple[Any, ...]]:
        return self._run(args)[1]

    def __set_name__(self, owner: Any, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Return the function compiled for one object, which holds what the programs read of it."""
        if instance is None:
            return self
        bound = instance.__dict__[self._name] = Compiled(types.MethodType(self._function, instance), self._kind)
        return bound

    def program(self, *args: Any) -> Program:
        """Return the program for arguments like these, recorded from them where there is none yet."""
        return self._run(args)[0]

    def _run(self, args: tuple[Any, ...]) -> tuple[Program, tuple[Any, tuple[Any, ...]]]:
        """Return the program for these arguments and what it gives."""
        leaves = tree.leaves(args)
        for program in self._programs.get(_form(args), []):
            try:
                return program, self._answer(program, args, leaves)
            except BranchError:
                continue
        program = self._record(args, leaves)
        return program, self._answer(program, args, leaves)

    def _answer(self, program: Program, args: tuple[Any, ...], leaves: list[Any]) -> tuple[Any, tuple[Any, ...]]:
        value, gradients = program(*leaves)
        return value, tree.build(args, iter(gradients))

    def _record(self, args: tuple[Any, ...], leaves: list[Any]) -> Program:
        names = tree.names(args, "args")
        with Recording(), Branches() as branches:
            inputs = [_input(name, a) for name, a in zip(names, leaves)]
            root = self._function(*tree.build(args, iter(inputs)))
        if not isinstance(root, Node):
            raise DataError(f"{self._function.__name__} returned {type(root).__name__}: a program computes one node")
        if root.ndim:
            raise ShapeError(
                f"{self._function.__name__} returned shape {root.shape}: return one number, such as its sum"
            )
        program = self._kind(_of_record(root, inputs, None, branches))
        self._keep(_form(args), program)
        return program

    def _keep(self, form: str, program: Program) -> None:
        """Keep a program, and let go of the oldest where there are too many."""
        alike = self._programs.setdefault(form, [])
        alike.append(program)
        del alike[:-KEPT]
        if len(self._programs) > KEPT:
            self._programs.pop(next(iter(self._programs)), None)


def _input(name: str, a: Any) -> Node:
    _refuse_node(name, a)
    return Tensor(a) if np.ndim(a) else Value(a)


def _form(args: tuple[Any, ...]) -> str:
    """Return what a record depends on beside the numbers: the form of the arguments, shapes and precisions."""
    shapes = [(np.shape(a), str(getattr(a, "dtype", ""))) for a in tree.leaves(args)]
    return repr(tree.build(args, iter(shapes)))
