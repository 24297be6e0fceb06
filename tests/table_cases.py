"""Cases for every row of the table, and the ways to check a derivative that the tests of the table share."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_mini import Node, Tensor, Value, grad, jvp, kernels
from autograd_mini.op import TABLE, WIDE, Elementwise, Flat, Op
from autograd_mini.sweep import order

Case = tuple[Any, ...]  # the arguments of one call

# Entry by entry -----------------------------------------------------------------------------------------------------
# Sampled in the row's domain, away from integers and halves, hence from kinks, steps and ties.

SHAPES = [(), (1,), (0,), (3,), (2, 3), (2, 3, 4), (0, 3)]
PAIRS = [((), (3,)), ((1,), (3,)), ((3,), (2, 3)), ((1, 3), (2, 1)), ((2, 1, 4), (3, 1)), ((0,), (1,)), ((), (0,))]


def sample(shape: tuple[int, ...], interval: tuple[float, float] = WIDE, i: int = 0) -> Any:
    """Return a float, or an array of distinct entries, off the integers; for other i other entries."""
    low, high = interval
    places = low + (high - low) * _places(shape, i)
    return float(places) if not shape else places


@functools.cache
def _places(shape: tuple[int, ...], i: int) -> Any:
    """Return distinct numbers between 0 and 1."""
    grid = (np.arange(40) + 0.3 + 0.25 * (i % 3)) / 40.0
    return np.random.default_rng([i, *shape]).permutation(grid)[: math.prod(shape)].reshape(shape)


def broadcasting(arity: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Yield the shapes of the arguments: all alike, and every way in which one pair of shapes broadcasts."""
    yield from ((shape,) * arity for shape in SHAPES)
    if arity > 1:
        for pair in PAIRS:
            for choice in itertools.product(pair, repeat=arity):
                if len(set(choice)) == 2:
                    yield choice


def elementwise_cases(row: Elementwise) -> Iterator[Case]:
    """Yield samples of the row's domain; an argument without a rule is a condition, or belongs to a flat row."""
    for shapes in broadcasting(len(row.params)):
        args = [sample(shape, row.domain[i], i) for i, shape in enumerate(shapes)]
        condition = [row.rule(i) is None and not isinstance(row, Flat) for i in range(len(args))]
        yield tuple(a > 0.0 if c else a for a, c in zip(args, condition))


# Whole arrays -------------------------------------------------------------------------------------------------------

REDUCED = [((3,), 0), ((2, 3), 0), ((2, 3), -1), ((2, 3, 4), 1), ((1,), 0), ((0, 3), 1)]  # along one axis: any row does
REDUCED_AT_ONCE = [((), None), ((3,), None), ((2, 3), None), ((2, 3), (0, 1)), ((2, 3, 4), (0, -1)), ((0, 3), (1,))]
_ONE_AXIS = ("softmax", "log_softmax", "cumsum", "sort")


def reduction_cases(row: Op) -> Iterator[Case]:
    """Yield (x, axis, ...) for a row along axes, with each combination of its other settings."""
    axes = REDUCED if row.name in _ONE_AXIS else REDUCED + REDUCED_AT_ONCE
    settings = {"keepdims": (False, True), "ddof": (0.0, 1.0)}
    for shape, axis in axes:
        for rest in itertools.product(*(settings[p] for p in row.params[2:])):
            if not (1.0 in rest and shape in ((1,), ())):
                yield sample(shape), axis, *rest


def _x(*shape: int) -> Any:
    return sample(shape)


def _y(*shape: int) -> Any:
    return sample(shape, WIDE, 1)


def _z(*shape: int) -> Any:
    return sample(shape, WIDE, 2)


_RANKS = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)),
          ((2, 2, 3), (3, 2)), ((2, 3), (2, 3, 2)), ((2, 1, 2, 3), (3, 3, 2)), ((0, 3), (3, 2)), ((2, 0), (0, 3)),
        ((1, 1), (1, 1))]  # fmt: skip
_INDICES = [
    0, -1, slice(None), slice(1, None), slice(None, None, -2), (0, 1), (slice(None), 1), (Ellipsis, -1), (None, 0),
        (0, None),
    (Ellipsis, None), [0, 1, 1, 0], np.array([1, 0, 0]), np.array([[1, 0], [1, 1]]), (slice(None), [2, 2, 0]), ([0,
        1], [2, 2]),
    ([0, 0], [1, 1]), np.array([True, False]), np.array([[True, False, True], [False, True, True]]), np.zeros((2, 3),
        bool),
    ([1, 1], slice(0, 2)), (Ellipsis,), [],
]  # fmt: skip
_EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->i", (2, 3)), ("ii->i", (3, 3)), ("ii",
        (3, 3)),
    ("ii->", (3, 3)), ("iij->j", (2, 2, 3)), ("iii->i", (2, 2, 2)), ("i,j->ij", (2,), (3,)), ("i,i", (3,), (3,)),
        ("ij,jk", (2, 3), (3, 2)),
    ("ba", (2, 3)), ("...i,...i->...", (2, 3), (2, 3)), ("...i,i", (2, 2, 3), (3,)), ("...ij,...jk", (2, 2, 3), (3,
        2)),
    ("...ii->...i", (2, 3, 3)), ("ij,j,k->ik", (2, 3), (3,), (2,)), ("i,ij,j->", (2,), (2, 3), (3,)), ("ij,kl->ik",
        (2, 3), (2, 2)),
    ("i , i -> i", (3,), (3,)), ("ij,jk->ik", (0, 3), (3, 2)), ("...,...", (), (3,)), ("...i,...i->...i", (1, 3), (2,
        3)), ("i,->i", (3,), ()),
]  # fmt: skip
_WINDOWS = [
    ((5,), (2,), 1, 1), ((2, 5), (3,), 2, 1), ((6,), (2,), 1, 3), ((3, 4), (2, 2), 1, 1),
    ((2, 4, 5), (2, 3), (2, 1), (1, 2)), ((2, 3), (1, 3), 1, 1), ((0, 4), (2,), 2, 1), ((4, 4), (2, 2), 2, 1),
]  # fmt: skip


def _matrix(*shape: int) -> Any:
    """Return matrices that are not singular, with singular values and eigenvalues apart."""
    return sample(shape) * 0.5 + np.diag(np.arange(1.0, 1.0 + max(shape[-2:])) * 1.5)[: shape[-2], : shape[-1]]


_SQUARE = [(_matrix(*x),) for x in [(3, 3), (1, 1), (2, 3, 3), (0, 2, 2), (0, 0)]]
_OBLONG = [(_matrix(*x),) for x in [(2, 2), (3, 3), (2, 3), (4, 2), (2, 3, 2)]]

WHOLE: dict[str, list[Case]] = {
    "inv": _SQUARE, "det": _SQUARE, "cofactors": _SQUARE[:3], "logabsdet": _SQUARE,
    "cholesky": _SQUARE, "eigvalsh": _SQUARE, "eigh_vectors": _SQUARE, "svdvals": _OBLONG, "svd_vectors": _OBLONG,
    "pinv": [(*x, None) for x in _OBLONG],
    "solve": [(_matrix(*x), _y(*y)) for x, y in [((3, 3), (3, 2)), ((2, 3, 3), (3, 1)), ((2, 2), (4, 2, 2))]],
    "cast": [(_x(*x), np.float64) for x in [(3,), (2, 3), (0,)]],  # from float64, as all cases are
    "spread": [(_x(*x), shape, axis) for x, shape, axis in [
        ((), (2, 3), None), ((3,), (2, 3), 0), ((2, 1), (2, 3), -1), ((), (), None), ((3,), (2, 3, 4), (0, 2)),
        ((0,), (0, 3), 1)]],
    "sum_to": [(_x(*x), shape) for x, shape in [
        ((3,), ()), ((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 3, 4), (3, 1)), ((2, 3), (2, 3)), ((0,), (1,)), ((), ()),
        ((0, 3), (3,))]],
    "sinc": [(_x(*x),) for x in [(), (3,), (2, 3), (0,)]],
    "sinc_slope": [(_x(*x), order) for x in [(), (3,), (2, 3), (0,)] for order in (1, 2)],
    "resort": [(_x(*x), _y(*x), axis) for x, axis in [((3,), 0), ((2, 3), 0), ((2, 3), -1), ((0,), 0)]]
              + [(_x(2, 3), _y(2, 3), None)],
    "unsort": [(_x(*x), _y(*x), axis) for x, axis in [((3,), 0), ((2, 3), 0), ((2, 3), -1), ((0,), 0)]]
              + [(_x(6), _y(2, 3), None)],
    "matmul": [(_x(*x), _y(*y)) for x, y in _RANKS],
    "affine": [(_x(*x), _y(2, 3), _z(*b)) for x, b in [((3,), (2,)), ((4, 3), (2,)), ((2, 2, 3), (2,)), ((0, 3),
        (2,)), ((4, 3), (1,)), ((4, 3), ())]]
              + [(_x(2, 3, 0), _y(2, 0), _z(2))],
    "einsum": [(spec, *(sample(shape, WIDE, i) for i, shape in enumerate(shapes))) for spec, *shapes in _EINSUMS],
    "reshape": [(_x(*x), shape) for x, shape in [((2, 3), (3, 2)), ((2, 3), (-1,)), ((3,), (3, 1)), ((), (1, 1)),
        ((1,), ()), ((0, 3), (3, 0)), ((6,), 6), ((2, 3), (2, -1))]],
    "transpose": [(_x(*x), axes) for x, axes in [
        ((2, 3), None), ((3,), None), ((2, 3, 4), None), ((2, 3, 4), (1, 2, 0)), ((2, 3, 4), (0, -1, 1)), ((2, 3, 4),
        (-1, 0, 1)), ((), None), ((0, 3), None)]],
    "broadcast_to": [(_x(*x), shape) for x, shape in [((), (2, 3)), ((3,), (2, 3)), ((2, 1), (2, 3)), ((2, 3), (2,
        3)), ((1,), (0,)), ((), ())]],
    "flip": [(_x(*x), axis) for x, axis in [((3,), None), ((2, 3), None), ((2, 3), 0), ((2, 3, 4), (0, -1)), ((0, 3),
        1), ((1,), 0)]],
    "pad": [(_x(*x), width, value) for x, width, value in [
        ((3,), 1, 0.0), ((2, 3), 2, 1.5), ((2, 3), (1, 2), 0.0), ((2, 3), ((0, 1), (2, 0)), -1.0), ((0,), 2, 0.0),
        ((2, 3, 4), 0, 0.0)]],
    "getitem": [(_x(2, 3), index) for index in _INDICES] + [
        (_x(3), 1), (_x(3), [0, 0, 2]), (_x(2, 3, 4), (Ellipsis, 1, slice(None, 2))), (_x(2, 3, 4), (1, [0, 2], [3,
        3])),
        (_x(2, 3, 4), (slice(None), np.array([True, False, True]))), (_x(0, 3), slice(None)), (_x(1), (None,
        Ellipsis)), (_x(0), np.zeros(0, bool))],
    "scatter": [(np.asarray(_x(2, 3)[index])[()], index, (2, 3)) for index in _INDICES],
    "windows": [(_x(*x), size, stride, dilation) for x, size, stride, dilation in _WINDOWS],
    "overlap_add": [(np.array(kernels.windows(_x(*x), *settings)), x, *settings[1:]) for x, *settings in _WINDOWS]
        + [(_x(2, 3), (6,), 1, 1), (_x(2, 2, 2, 3), (5, 6), (2, 1), 1)],  # longer than its windows reach
    "concatenate": [(axis, *(sample(shape, WIDE, i) for i, shape in enumerate(shapes))) for axis, *shapes in [
        (0, (3,)), (0, (3,), (1,), (2,)), (1, (2, 3), (2, 1)), (-1, (2, 3), (2, 1)), (-2, (2, 3), (1, 3)), (1, (2, 3,
        4), (2, 1, 4)), (0, (0,), (3,)), (0, (0, 3), (2, 3))]],
    "stack": [(axis, *(sample(shape, WIDE, i) for i, shape in enumerate(shapes))) for axis, *shapes in [
        (0, ()), (0, (), (), ()), (0, (3,), (3,)), (1, (3,), (3,)), (-1, (2, 3), (2, 3)), (-2, (2, 3), (2, 3)), (0,
        (0,), (0,)), (3, (2, 3, 4), (2, 3, 4))]],
    "add_n": [(_x(3), _y(3), _z(3)), (_x(), _y(), _z()), (_x(2, 3), _y(3), _z(2, 1)), (_x(0), _y(1)), (_x(2, 3, 4),)],
    "softmax_loss": [(_x(4, 3), _y(4, 3)), (_x(4, 3), np.eye(3)[[0, 2, 1, 1]]), (_x(3), _y(3)), (_x(2, 1), np.ones((2,
        1))), (_x(0, 3), _y(0, 3)), (_x(2, 3, 4), _y(2, 3, 4)), (_x(1, 35), _y(1, 35))],
    "l2_penalty": [(0.1, _x(2, 3), _y(3)), (2.0, _x(3), _y(1), _z(0)), (1.0, _x(), _y(2, 3, 4))],
    "cross_entropy": [(_x(*shape), labels) for shape, labels in [
        ((3,), 1), ((3,), np.array(2)), ((4, 3), [0, 2, 1, 1]), ((2, 3, 4), [[0, 1, 2], [3, 3, 0]]), ((0, 3),
        np.zeros(0, int)), ((2, 1), [0, 0])]],
}  # fmt: skip


def cases(row: Op) -> list[Case]:
    """Return the sample calls of a row: from its domain, along axes, or from the list above; else none."""
    if isinstance(row, Elementwise):
        return list(elementwise_cases(row))
    if row.name in WHOLE:
        return WHOLE[row.name]
    return list(reduction_cases(row)) if row.params[:2] == ("x", "axis") else []


def fewer(row: Op, most: int = 12) -> list[Case]:
    """Return all cases of a row, or of one that acts entry by entry some: how shapes broadcast is the same for all."""
    found = cases(row)
    return found[:: -(-len(found) // most) or 1] if isinstance(row, Elementwise) else found


# Checks -------------------------------------------------------------------------------------------------------------


def differentiable(row: Op, args: Case) -> list[int]:
    """Return which arguments have a rule."""
    return [i for i in range(len(args)) if row.rule(i) is not None]


def node(x: Any) -> Node:
    """Return a leaf around a number or an array."""
    return Tensor(x) if np.ndim(x) else Value(x)


def shapes(row: Op, args: Case) -> str:
    """Return the shapes of the differentiable arguments, for a message."""
    return " ".join(str(np.shape(args[i])) for i in differentiable(row, args))


def called(row: Op, args: Case, recorded: list[int]) -> tuple[Any, dict[int, Node]]:
    """Return the result of a call with the chosen arguments recorded, and their leaves."""
    leaves = {i: node(args[i]) for i in recorded}
    return row(*(leaves.get(i, a) for i, a in enumerate(args))), leaves


@functools.cache
def direction(shape: tuple[int, ...], salt: int) -> Any:
    """Return a seed or tangent with entries between 1/4 and 1 of either sign, made once: read-only."""
    rng = np.random.default_rng([7, salt, *shape])
    v = np.asarray(rng.uniform(0.25, 1.0, shape) * rng.choice([-1.0, 1.0], shape))
    v.setflags(write=False)
    return v if shape else float(v)


def gradients(row: Op, args: Case, seed: Any) -> dict[int, Any]:
    """Return the gradient of <seed, row(*args)> for each differentiable argument, from one backward sweep."""
    z, leaves = called(row, args, differentiable(row, args))
    z.backward(seed)
    return {i: x.grad for i, x in leaves.items()}


def measured(row: Op, args: Case, i: int, v: Any, seed: Any) -> float:
    """Return d<seed, row(*args)> as the i-th argument moves along v: by complex step, else by differences."""

    def along(t: Any) -> Any:
        moved = (*args[:i], np.asarray(args[i]) + t * np.asarray(v), *args[i + 1 :])
        if isinstance(t, complex):
            return np.sum(seed * row.array(*moved))
        return np.sum(seed * np.asarray(row(*moved)))

    return along(1e-30j).imag / 1e-30 if row.analytic else differences(along)


def differences(f: Callable[[float], Any], h: float = 1e-3) -> Any:
    """Return f'(0) from central differences of order 6."""
    terms = [(45.0, 1.0), (-9.0, 2.0), (1.0, 3.0)]
    return sum(c * (f(k * h) - f(-k * h)) for c, k in terms) / (60.0 * h)


def close(claimed: Any, expected: Any, what: str, tolerance: float = 1e-8, scale: float = 1.0) -> None:
    """Assert that two numbers or arrays agree, relative to their size or to `scale`; NaN and inf have to coincide."""
    assert np.shape(claimed) == np.shape(expected), f"{what}: shape {np.shape(claimed)}, expected {np.shape(expected)}"
    if not within(claimed, expected, tolerance, tolerance * scale):  # numpy's own check, which costs far more, tells it
        np.testing.assert_allclose(claimed, expected, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def within(claimed: Any, expected: Any, rtol: float, atol: float) -> bool:
    """Return whether all entries are finite and agree as `assert_allclose` asks; if not, it has the last word."""
    with np.errstate(all="ignore"):
        difference, bound = np.abs(np.subtract(claimed, expected, dtype=float)), atol + rtol * np.abs(expected)
        return bool(np.all(difference <= bound) and np.all(np.isfinite(bound)))


def check_first(row: Op, args: Case) -> None:
    """Assert that every rule of the row agrees with a measurement of the function, and forward with reverse mode."""
    shape = np.shape(row(*args))
    seed = direction(shape, 1)
    claimed = gradients(row, args, seed)
    for i, g in claimed.items():
        v = direction(np.shape(args[i]), 2 + i)
        assert np.shape(g) == np.shape(args[i]), f"{row.name}: gradient {i} of shape {np.shape(g)}"
        what = f"{row.name}, argument {i}, shapes {shapes(row, args)}"
        tangent = jvp(lambda x, i=i: row(*args[:i], x, *args[i + 1 :]), (args[i],), (v,))[1]
        close(np.sum(g * np.asarray(v)), measured(row, args, i, v, seed), what)
        close(
            np.sum(np.asarray(tangent) * seed),
            np.sum(g * np.asarray(v)),
            f"{what}: forward against reverse mode",
            1e-12,
        )


def inner(a: Any, b: Any) -> Any:
    """Return <a, b>, of nodes or numbers."""
    product = a * b
    return product.sum() if isinstance(product, Node) else float(np.sum(product))


def second(row: Op, args: Case, seed: Any) -> dict[int, Any]:
    """Return for each differentiable argument the gradient of <d<seed, row>/dargs, directions>: by two sweeps."""
    which = differentiable(row, args)

    def slopes(*xs: Any) -> Any:
        moved = dict(zip(which, xs))
        return inner(row(*(moved.get(i, a) for i, a in enumerate(args))), seed)

    def slope(*xs: Any) -> Any:
        found = grad(slopes, tuple(range(len(which))))(*xs)
        return sum(inner(g, direction(np.shape(args[i]), 2 + i)) for i, g in zip(which, found))

    return dict(zip(which, grad(slope, tuple(range(len(which))))(*(args[i] for i in which))))


def check_second(row: Op, args: Case) -> None:
    """Assert that the derivative of the rules agrees with differences of the rules on plain numbers."""
    seed = direction(np.shape(row(*args)), 1)
    for i, g in second(row, args, seed).items():
        v = np.asarray(direction(np.shape(args[i]), 11 + i))

        def along(t: float, i: int = i, v: Any = v) -> Any:
            moved = (*args[:i], np.asarray(args[i]) + t * v, *args[i + 1 :])
            return sum(np.sum(h * direction(np.shape(args[j]), 2 + j)) for j, h in gradients(row, moved, seed).items())

        close(np.sum(g * v), differences(along), f"{row.name}, order 2, argument {i}, shapes {shapes(row, args)}", 1e-6)


def replay(root: Node, given: dict[Node, Any], compute: Callable[[Op], Callable[..., Any]]) -> Any:
    """Evaluate the record of `root` once more: leaves from `given`, each op by what `compute` returns for its row."""
    results = dict(given)
    for n in reversed(order(root)):
        if n.op is not None:
            results[n] = compute(n.op)(*(results[a] if isinstance(a, Node) else a for a in n.args))
    return results[root]


ROWS = list(TABLE.values())
