"""The record: a node keeps the op that made it, the arguments it was made of, and the result.

`Value` is a node that holds one number, `Tensor` a node that holds an array. Nothing else is kept: no closure and no
pointer from an argument to its result, so a graph is freed the moment its root is dropped.
"""

from __future__ import annotations

import itertools
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from .data import Array, ReadOnlyArray, array_of, is_kept, number_of
from .errors import CycleError, DataError, ShapeError, StaleError
from .hints import label_of, refuse
from .notes import Noted

if TYPE_CHECKING:
    from .signatures import Surface
else:
    Surface = {"Node": object}  # what a type checker is told of the operators and methods: nothing of it exists here

# `first` and `second` hold the args packed, without a tuple around one or two: read `.args`. In place of a second
# stands NONE where there is but one, and ALL where `first` holds the tuple of them all. Neither is a node.
ALL, NONE = object(), object()

_new = object.__new__
next_birth = itertools.count(1).__next__  # one atomic step, so threads may share it

# States that a leaf keeps for readers of what was recorded from it; one where it has more entries than SMALL.
PAST, SMALL = 4, 1000

# Modes (`no_grad`, `detect_nonfinite`) see every new node. The count says, at the price of one global read, that no
# thread has one; the context variable says which ones hold here.
modes_in_use = 0
modes: ContextVar[tuple[Any, ...]] = ContextVar("modes", default=())


class Node(Noted, Surface["Node"]):
    """A number or an array that remembers how it was computed.

    `data` is the result, `op` the row of the table that computed it (None for a leaf), `args` exactly what the op was
    called with, constants included. `birth` numbers nodes in the order they were made: an argument is older than its
    result, so sorting by birth sorts topologically. `grad` and `label` are filled when somebody first has them.
    """

    __slots__ = ("_data", "op", "first", "second", "birth", "_grad", "_label", "__weakref__")

    _data: Any
    op: Any  # the row of the table, an Op
    first: Any
    second: Any
    birth: int
    _grad: Any
    _label: str

    def __init__(self, data: float | Array, label: str = "") -> None:
        self._data = data
        self.op = None
        self.first, self.second = (), ALL
        self.birth = next_birth()
        if label:
            if not isinstance(label, str):
                raise DataError(
                    f"a label is text, got {type(label).__name__}: write {type(self).__name__}(data, label='x')"
                )
            self.label = label

    @property
    def args(self) -> tuple[Any, ...]:
        """What the op was called with. One or two arguments are kept without a tuple around them, which leaves the
        cycle collector half as many objects to visit.
        """
        if self.second is ALL:
            return self.first
        return (self.first,) if self.second is NONE else (self.first, self.second)

    @args.setter
    def args(self, args: tuple[Any, ...]) -> None:
        if len(args) == 2:
            self.first, self.second = args
        else:
            self.first, self.second = (args[0], NONE) if len(args) == 1 else (args, ALL)

    # No __getattr__ answers for an empty slot: where a class has one, every look at any attribute takes the long way.

    @property
    def grad(self) -> Any:
        """The gradient that backward sweeps have left, dL/dself: a float, or an array like `data`; 0 before any."""
        try:
            return self._grad
        except AttributeError:
            return 0.0 if isinstance(self, Value) else np.zeros_like(self._data)

    @grad.setter
    def grad(self, grad: Any) -> None:
        if grad is not None:
            self._grad = grad if type(grad) is float else gradient_of(self, grad)
        elif self.has_grad:
            del self._grad

    @grad.deleter
    def grad(self) -> None:
        del self._grad

    @property
    def has_grad(self) -> bool:
        """Whether a backward sweep has reached this node (or someone assigned `grad`)."""
        return hasattr(self, "_grad")

    @property
    def label(self) -> str:
        """The name that pictures, texts and errors use; "" for none."""
        return getattr(self, "_label", "")

    @label.setter
    def label(self, label: str) -> None:
        self._label = label

    def __eq__(self, other: Any) -> bool:
        """Identity, whatever stands on the other side: nodes live in sets, dictionaries and lists."""
        return self is other

    __hash__ = object.__hash__  # not a function of ours: a sweep looks a node up several times

    @property
    def shape(self) -> tuple[int, ...]:
        """Length along each axis; () for a Value."""
        return () if type(self._data) is float else self._data.shape

    @property
    def ndim(self) -> int:
        """Number of axes; 0 for a Value."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of entries; 1 for a Value."""
        return 1 if type(self._data) is float else int(self._data.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 or float32; a Value holds a Python float, which is float64."""
        return np.dtype(np.float64 if type(self._data) is float else self._data.dtype)

    def __str__(self) -> str:
        self._seen()
        return repr(self)

    def __repr__(self) -> str:
        text = np.array2string(self._data, separator=", ", threshold=50, prefix="Tensor(") if self.ndim else self._data
        shape = f", shape={self.shape}" if not self.size and self.ndim > 1 else ""
        dtype = f", dtype={self._data.dtype}" if self.ndim and self._data.dtype != np.float64 else ""
        grad = f", grad={self.grad}" if self.has_grad and not self.ndim else ""
        label = f", label={self.label!r}" if self.label else ""
        return f"{type(self).__name__}({text}{shape}{dtype}{grad}{label})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the value alone, as a leaf: a graph is recorded again, not stored."""
        arguments = type(self), self._data, self.label, self.grad if self.has_grad else None
        own = {**getattr(self, "__dict__", {}), **{name: getattr(self, name) for name in _own_slots(self)}}
        return _restore, arguments, (None, own) if own else None


def record(op: Any, args: tuple[Any, ...], data: float | Array) -> Node:
    """Return the node for the result of calling `op` with `args`, a number or an array."""
    if type(data) is not float and not data.ndim:  # type: ignore[union-attr]
        data = float(data)
    node = _new(Value if type(data) is float else Tensor)
    node._data = data
    node.op = op
    node.args = args
    node.birth = next_birth()
    if modes_in_use:
        for mode in modes.get():
            if mode.depth:
                mode.see(node)
    return node


def leaf(data: float | Array) -> Node:
    """Return a leaf: a node without an op, around data that is already a float or an array of the engine's."""
    node = _new(Value if isinstance(data, float) else Tensor)
    Node.__init__(node, data)
    return node


def check_fresh(node: Node) -> None:
    """Raise if an argument is no older than `node`: its data was assigned since, or somebody closed a circle."""
    birth = node.birth
    for arg in node.first if node.second is ALL else (node.first, node.second):  # `node.args`, quicker
        if isinstance(arg, Node) and arg.birth >= birth:
            if arg.op is not None:
                raise CycleError(
                    f"{describe(node)} is computed from a node that was made of it: leave .args as recorded"
                )
            raise StaleError(
                f"the data of {describe(arg)} was assigned after {describe(node)} was recorded from it: "
                "record the expression again, then differentiate"
            )


class Value(Node):
    """A node that holds one number, a Python float, and remembers how it was computed.

    Compute with it as with a number: + - * / ** and methods such as x.tanh(), or the functions of `autograd_mini.ops`.

        y.backward()    sweep back from y
        x.grad          then holds dy/dx, for every x that y was computed from
        x.data          the number; x.data -= 0.1 * x.grad is a step of gradient descent
        x.label         a name for pictures and texts
        explain(y)      every step of the way back; viz.draw(y) shows the graph

    Integers, bools and numpy scalars become floats, an array of one entry its entry; text, None, complex numbers and
    other arrays raise DataError.

    >>> a = Value(2.0, label="a"); b = Value(-3.0, label="b"); c = a * b + a**2
    >>> c.backward(); a.grad, b.grad
    (1.0, 2.0)
    """

    __slots__ = ()

    def __init__(self, data: Any, label: str = "", _op: str = "", **others: Any) -> None:
        if others or _op or label.__class__ is not str:
            label = label_of(label, others)
        if type(data) is not float:
            one = isinstance(data, np.ndarray) and data.ndim and data.size == 1
            data = number_of(data.reshape(()) if one else data)
        Node.__init__(self, data, label)

    @property
    def data(self) -> float:
        """The number. Assigning a new one makes graphs recorded from the old one stale: their backward() raises."""
        return float(self._seen())

    @data.setter
    def data(self, data: Any) -> None:
        assign(self, number_of(data))

    def __format__(self, spec: str) -> str:
        return format(self._seen(), spec) if spec else str(self)


class Tensor(Node):
    """A node that holds an array of float64 or float32 with at least one axis.

    The array is copied, so later changes to the caller's do not reach the record. float32 and float64 are kept, every
    other kind of number becomes float64; text, None, objects, complex numbers and masked arrays raise DataError.

    >>> x = Tensor([1.0, 2.0, 3.0]); (x * x).sum().backward(); x.grad
    array([2., 4., 6.])
    """

    __slots__ = ()

    def __init__(self, data: Any, label: str = "", dtype: Any = None, **others: Any) -> None:
        refuse("Tensor", others)
        array = array_of(data, dtype)
        if not array.ndim:
            raise DataError(f"a Tensor has at least one axis; for a scalar use Value({array})")
        super().__init__(array, label)

    @property
    def data(self) -> Array:
        """The array, to read or to assign whole (`x.data = new`, `x.data -= step`); never changed in place."""
        return ReadOnlyArray.of(self._seen())

    @data.setter
    def data(self, data: Any) -> None:
        array = array_of(data, self._data.dtype)
        if array.shape != self._data.shape:
            raise ShapeError(
                f"data of shape {array.shape} assigned to a node of shape {self._data.shape}: "
                "it keeps its shape, make a new Tensor for another"
            )
        assign(self, array)

    @property
    def T(self) -> Node:
        """The array with its axes reversed."""
        return self.transpose()

    def __len__(self) -> int:
        return len(self._data)


def assign(node: Node, data: float | Array) -> None:
    """Give a leaf new data and a new birth: whatever was recorded from it before is now older than it, and stale.

    Its last states are kept, birth and data, for whoever shows what was recorded; one that is written over in place is
    gone, and stands there as None. A state from which nothing was recorded (no node was born since) is not kept.
    """
    if node.op is not None:
        raise DataError(
            f"the data of {describe(node)} was computed by {node.op.name} and cannot be assigned: "
            "assign a leaf's, or cut the node off with .detach()"
        )
    kept = PAST if type(data) is float or data.size <= SMALL else 1  # type: ignore[union-attr]
    lost = None if data is node._data else node._data
    note = node.note()
    birth = next_birth()
    if birth > node.birth + 1:
        note.past = (*note.past, (node.birth, lost))[-kept:]
    note.decided = {}
    node.birth = birth  # before the data: what was recorded is stale as soon as a number in it may differ
    node._data = data


def gradient_of(node: Node, g: Any) -> Any:
    """Return what somebody assigns to the `grad` of a node, a float or an array; DataError or ShapeError for others."""
    if is_kept(g) and g.shape == node.shape:
        return g
    try:
        g = array_of(g) if node.ndim else number_of(g)
    except DataError as error:
        raise DataError(f"the grad of {describe(node)} is no gradient: {error}; zero_grad(x) forgets it") from None
    if np.shape(g) not in ((), node.shape):
        raise ShapeError(f"the grad of {describe(node)} has shape {np.shape(g)}: assign one like it, or zero_grad(x)")
    return g


def filled(node: Node, entry: float) -> Any:
    """Return data like a node's with `entry` in every place: a float for a Value, an array for a Tensor."""
    return np.full_like(node._data, entry) if node.ndim else entry


def describe(node: Node) -> str:
    """Name a node for a message: its label, or its kind and value."""
    if node.label:
        return f"{type(node).__name__} {node.label!r}"
    return repr(node) if not node.ndim else f"Tensor of shape {node.shape}"


def _own_slots(node: Node) -> list[str]:
    """Return the slots that classes derived from ours have added, and that are filled."""
    kinds = type(node).__mro__[: type(node).__mro__.index(Node)]
    slots = [vars(kind).get("__slots__", ()) for kind in kinds]
    names = [name for own in slots for name in ((own,) if isinstance(own, str) else own)]
    return [name for name in names if hasattr(node, name)]


def _restore(kind: type[Node], data: Any, label: str, grad: Any) -> Node:
    node = _new(kind)
    Node.__init__(node, data, label)
    if grad is not None:
        node.grad = grad
    return node
