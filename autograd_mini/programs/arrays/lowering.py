"""Lowering: a record of arrays and its sweep as calls of numpy that can write their results into buffers.

The sweep is recorded too, by the same rules on nodes, so value and gradients are one graph. Equal calls become one:
what a loss and its derivative share, such as exp(x - max x), is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import kernels
from ...modes import Recording
from ...node import Node, Value
from ...op import ROWS, Elementwise, Op, itself
from ...products import is_large, product
from ...sweep import dependents, order, reach, swept

GIVEN, CONSTANT, FRESH, VIEW, PLAIN = "given", "constant", "fresh", "view", "plain"


@dataclass(eq=False)
class Cell:
    """One array of a replay and the call that computes it: `text` with arguments in {0}, {1} and its buffer in {out}.

    `kind` says where the array is: GIVEN as a parameter, CONSTANT, FRESH in a buffer, a VIEW of its arguments (or
    perhaps one), or PLAIN, made by the call. A FRESH cell that is `in_place` may write over an argument.
    """

    text: str
    args: tuple[Cell, ...]
    shape: tuple[int, ...]
    dtype: Any
    kind: str
    in_place: bool = False


class Code:
    """The cells of a replay in the order of computing, and the objects that their texts name."""

    def __init__(self) -> None:
        self.cells: list[Cell] = []
        self.objects: dict[str, Any] = {}
        self.of: dict[Node, Cell] = {}
        self._seen: dict[Any, Cell] = {}

    def name(self, prefix: str, thing: Any) -> str:
        """Return the name by which texts call an object."""
        name = f"{prefix}{len(self.objects)}"
        self.objects[name] = thing
        return name

    def given(self, name: str, data: Any, kind: str = GIVEN) -> Cell:
        """Return a cell for data from outside, by the name of the parameter or of the constant."""
        like = data if isinstance(data, np.ndarray) else np.empty(())
        return Cell(name, (), like.shape, like.dtype, kind)

    def add(self, text: str, *args: Cell, like: Any, kind: str = FRESH, in_place: bool = False) -> Cell:
        """Return the cell for a call, the one that is there already where it was made before; its result is `like`."""
        key = (text, args)
        if key not in self._seen:
            self._seen[key] = Cell(text, args, like.shape, like.dtype, kind, in_place)
            self.cells.append(self._seen[key])
        return self._seen[key]

    def ufunc(self, function: np.ufunc, *args: Cell, like: Any) -> Cell:
        """Return the cell for a function of numpy that acts entry by entry."""
        name = f"np_{function.__name__}"
        self.objects[name] = function
        places = ", ".join(f"{{{i}}}" for i in range(len(args)))
        return self.add(f"{name}({places}, out={{out}})", *args, like=like, in_place=True)

    def number(self, x: float) -> Cell:
        """Return the cell for a number in the source."""
        return self._seen.setdefault(repr(x), self.given(repr(x), x, CONSTANT))

    def constant(self, thing: Any) -> Cell:
        """Return the cell for an argument that no input changes: a number, an array, a setting."""
        if type(thing) is float and np.isfinite(thing):
            return self.number(thing)
        key = id(thing)
        if key not in self._seen:
            self._seen[key] = self.given(self.name("constant_", thing), thing, CONSTANT)
        return self._seen[key]

    def ones(self, n: int, dtype: Any) -> Cell:
        """Return the cell for a constant vector of ones."""
        return self._full((n,), 1.0, dtype)

    def zeros(self, like: Any) -> Cell:
        """Return the cell for a constant array of zeros: numpy's loop over two arrays is quicker than over a number."""
        return self._full(like.shape, 0.0, like.dtype)

    def uniform(self, cell: Cell) -> float | None:
        """Return the number that all entries of a constant array of floats are, or None; for 0, of two signs, too."""
        thing = self.objects.get(cell.text) if cell.kind == CONSTANT else None
        if not isinstance(thing, np.ndarray) or thing.dtype.kind != "f" or not thing.size:
            return None
        first = float(thing.flat[0])
        return first if first and np.all(thing == first) else None

    def _full(self, shape: tuple[int, ...], entry: float, dtype: Any) -> Cell:
        key = (shape, entry, dtype)
        if key not in self._seen:
            self._seen[key] = self.constant(np.full(shape, entry, dtype))
        return self._seen[key]

    def find(self, text: str, *args: Cell) -> Cell | None:
        """Return the cell that was made by a call, or None."""
        return self._seen.get((text, args))


def record_sweep(root: Node, seed: Node, wrt: Sequence[Node]) -> list[Node | None]:
    """Return the gradients for `wrt` as recorded nodes, with `seed` as the gradient of the root; None where it is 0."""
    nodes = order(root)
    live = dependents(reversed(nodes), wrt)
    with Recording():
        reached = swept({root: seed}, [n for n in nodes if n in live], itself) if root in live else {}
    return [reached.get(x) for x in wrt]


def lower(outputs: Iterable[Node | None], variables: Sequence[Node]) -> Code:
    """Return the code that computes the outputs from the variables; everything else is constant as it stands."""
    code = Code()
    code.of.update((x, code.given(f"x{i}", x._data)) for i, x in enumerate(variables))
    for node in sorted(reach(o for o in outputs if o is not None), key=lambda n: n.birth):
        if node not in code.of:
            cells = [code.of[a] if isinstance(a, Node) else code.constant(a) for a in node.args]
            fixed = all(cell.kind == CONSTANT for cell in cells)
            code.of[node] = code.constant(node._data) if fixed else _cell(code, node, cells)
    return code


def _cell(code: Code, node: Node, args: list[Cell]) -> Cell:
    op: Op = node.op
    if isinstance(node, Value):
        return _plain(code, node, args, PLAIN)
    special = LOWER.get(op.name)
    cell = special(code, node, *args) if special else None
    if cell is not None:
        return cell
    if isinstance(op, Elementwise) and isinstance(op.array, np.ufunc):
        return code.ufunc(op.array, *args, like=node._data)
    makes_new = isinstance(op, Elementwise) and ROWS.get(op.name) is op  # a custom op may return its argument
    return _plain(code, node, args, PLAIN if makes_new else VIEW)


def _plain(code: Code, node: Node, args: list[Cell], kind: str) -> Cell:
    """Return the row's own call: it makes a new array, or looks at its argument in another way."""
    op: Op = node.op
    of_numbers = isinstance(node, Value) and isinstance(op, Elementwise)
    fits = ROWS.get(op.name) is op and not of_numbers  # its shapes are known to: nothing is left to check
    name = f"{'array' if fits else 'row'}_{op.name}"
    code.objects[name] = op.array if fits else op.compute
    text = f"{name}({', '.join(f'{{{i}}}' for i in range(len(args)))})"
    return code.add(
        f"float({text})" if isinstance(node, Value) else text, *args, like=np.asarray(node._data), kind=kind
    )


# How rows are computed that are no functions of numpy. None leaves a case to the row itself.

Lowering = Callable[..., Cell | None]
NEGATIVE = "np_negative({0}, out={out})"  # the text of -x
TURNED = "{0}.T"


def _dot(code: Code, x: Cell, y: Cell, like: Any) -> Cell:
    """Return the product of matrices or vectors; matmul also writes matrices that are stored column by column."""
    if not len(x.shape) == len(y.shape) == 2:
        code.objects["np_dot"] = np.dot
        return code.add("np_dot({0}, {1}, {out})", x, y, like=like)
    if x.shape[1] == 1:  # a column times a row: BLAS takes twice as long for it
        return code.ufunc(np.multiply, x, y, like=like)
    y = _as_rows(code, x, y)
    if is_large(x.shape, y.shape):
        code.objects["product"] = product
        return code.add("product({0}, {1}, {out})", x, y, like=like)
    code.objects["np_matmul"] = np.matmul
    return code.add("np_matmul({0}, {1}, out={out})", x, y, like=like)


def _as_rows(code: Code, x: Cell, y: Cell) -> Cell:
    """Return the right factor, a copy of a transposed one where it pays as it does for `kernels.affine`."""
    if y.text != TURNED or not kernels.copies(x.shape, y.shape[::-1]):
        return y
    code.objects["np_copyto"] = np.copyto
    return code.add("np_copyto({out}, {0})", y, like=np.empty(y.shape, y.dtype))


def _matmul(code: Code, node: Node, x: Cell, y: Cell) -> Cell | None:
    return _dot(code, x, y, node._data) if len(x.shape) <= 2 and len(y.shape) <= 2 else None


def _turned(code: Code, x: Cell) -> Cell:
    return code.add(TURNED, x, like=np.empty(x.shape[::-1], x.dtype), kind=VIEW)


def _transpose(code: Code, node: Node, x: Cell, axes: Cell) -> Cell | None:
    return _turned(code, x) if node.args[1] is None or node.args[1] == tuple(range(len(x.shape)))[::-1] else None


def _affine(code: Code, node: Node, x: Cell, W: Cell, b: Cell) -> Cell | None:
    """Return W x + b for each row; W is copied transposed where `kernels.affine` does it."""
    if len(x.shape) != 2:
        return None
    return code.ufunc(np.add, _dot(code, x, _turned(code, W), node._data), b, like=node._data)


def _relu(code: Code, node: Node, x: Cell) -> Cell:
    return code.ufunc(np.maximum, x, code.zeros(x), like=node._data)


def _sigmoid(code: Code, node: Node, x: Cell) -> Cell | None:
    """Return the quotient of `kernels.sigmoids`, which of x and of -x has one exponential; in float32 the row's own."""
    if x.dtype != np.float64:
        return None
    like, known = node._data, x.args[0] if x.text == NEGATIVE else x
    e = code.ufunc(np.exp, code.ufunc(np.copysign, known, code.number(-1.0), like=like), like=like)
    code.objects["np_greater_equal"] = np.greater_equal
    right = code.add("np_greater_equal({0}, 0.0, out={out})", x, like=np.empty(x.shape, bool))
    upper = code.ufunc(np.maximum, e, right, like=like)  # 1 on the right of zero, and e, which is less, on the left
    return code.ufunc(np.divide, upper, code.ufunc(np.add, e, code.number(1.0), like=like), like=like)


def _mask(code: Code, x: Cell) -> Cell:
    """Return where x > 0, asked of relu(x) where that was computed, so that x need not be kept."""
    kept = code.find("np_maximum({0}, {1}, out={out})", x, code.zeros(x)) or x
    code.objects["np_greater"] = np.greater
    return code.add("np_greater({0}, {1}, out={out})", kept, code.number(0.0), like=np.empty(x.shape, bool))


def _mul(code: Code, node: Node, x: Cell, y: Cell) -> Cell:
    """Return x y: y itself where x is a constant of ones; where y is a step, that is 0 or 1, a mask in its place."""
    same = code.uniform(x) if (y.shape, y.dtype) == (node.shape, node.dtype) else None
    if same == 1.0:
        return y
    factor = node.args[1]
    if isinstance(factor, Node) and factor.op is ROWS["step"] and x.shape == y.shape == node.shape:
        y = _mask(code, code.of[factor.args[0]])
    elif same is not None:  # numpy's loop over a number is quicker than over a column
        x = code.constant(same)
    return code.ufunc(np.multiply, x, y, like=node._data)


def _reshape(code: Code, node: Node, x: Cell, shape: Cell) -> Cell | None:
    return code.add("{0}.reshape({1})", x, shape, like=node._data, kind=VIEW) if x.shape else None  # not of a number


def _sum_to(code: Code, node: Node, x: Cell, shape: Cell) -> Cell | None:
    """Return the sum of the rows, by BLAS, as `kernels.sum_to` does."""
    if len(x.shape) != 2 or node.shape != x.shape[1:]:
        return None
    return _dot(code, code.ones(x.shape[0], x.dtype), x, node._data)


def _broadcast_to(code: Code, node: Node, x: Cell, shape: Cell) -> Cell | None:
    return x if x.shape == node.shape else None


def _column(x: Cell) -> Any:
    return np.empty((*x.shape[:-1], 1), x.dtype)


def _exponentials(code: Code, x: Cell) -> tuple[Cell, Cell, Cell]:
    """Return the largest entry m of each row, exp(x - m), and the sum of these along the row."""
    code.objects["peak"] = kernels.peak
    m = code.add("peak({0}, -1)", x, like=_column(x), kind=PLAIN)
    e = code.ufunc(np.exp, code.ufunc(np.subtract, x, m, like=x), like=x)
    return m, e, _total(code, e)


def _total(code: Code, x: Cell) -> Cell:
    """Return the sum of each row, as `kernels.fold` does."""
    if kernels.is_narrow(x.shape, -1):
        sums = _dot(code, x, code.ones(x.shape[1], x.dtype), np.empty(x.shape[0], x.dtype))
        return code.add("{0}[:, None]", sums, like=_column(x), kind=VIEW)
    code.objects["fold"] = kernels.fold
    return code.add("fold({0}, -1)", x, like=_column(x), kind=PLAIN)


def _softmax(code: Code, node: Node, x: Cell, axis: Cell) -> Cell | None:
    if node.args[1] not in (-1, len(x.shape) - 1):
        return None
    _, e, s = _exponentials(code, x)
    return code.ufunc(np.divide, e, s, like=node._data)


def _softmax_loss(code: Code, node: Node, x: Cell, y: Cell) -> Cell:
    m, _, s = _exponentials(code, x)
    chosen = code.ufunc(np.multiply, x, y, like=np.empty((*node.shape[:-1], x.shape[-1]), node.dtype))
    below = code.ufunc(np.subtract, m, _total(code, chosen), like=node._data)
    return code.ufunc(np.add, code.ufunc(np.log, s, like=node._data), below, like=node._data)


def _squared_loss(code: Code, node: Node, x: Cell, y: Cell) -> Cell:
    square = code.ufunc(np.square, code.ufunc(np.subtract, x, y, like=node._data), like=node._data)
    return code.ufunc(np.multiply, code.number(0.5), square, like=node._data)


def _power(code: Code, node: Node, x: Cell, y: Cell) -> Cell | None:
    """Return numpy's power; of 0.5, and of exponents that may be it, `kernels.powers` knows more."""
    exponent = node.args[1]
    return code.ufunc(np.power, x, y, like=node._data) if type(exponent) is float and exponent != 0.5 else None


LOWER: dict[str, Lowering] = {
    "power": _power,
    "matmul": _matmul,
    "transpose": _transpose,
    "affine": _affine,
    "relu": _relu,
    "reshape": _reshape,
    "sigmoid": _sigmoid,
    "mul": _mul,
    "sum_to": _sum_to,
    "broadcast_to": _broadcast_to,
    "softmax": _softmax,
    "softmax_loss": _softmax_loss,
    "squared_loss": _squared_loss,
}
