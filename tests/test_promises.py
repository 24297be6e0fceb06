"""The promises of docs/semantics.md: what a graph does when it is swept twice, changed, shared, copied or huge."""

from __future__ import annotations

import copy
import doctest
import gc
import itertools
import math
import operator
import pickle
import threading
import tracemalloc
import warnings
import weakref
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tables import each
from threads import at_once

from autograd_mini import DataError, Node, ShapeError, StaleError, Tensor, Value, backward_steps, ops, zero_grad

DEEP = 1_000_000
ARRAYS = {
    "(1,)": np.ones(1),
    "(0,)": np.zeros(0),
    "(3,)": np.arange(3.0),
    "(0, 3)": np.zeros((0, 3)),
    "(2, 3)": np.ones((2, 3)),
}


def chain(x: Node, length: int) -> Node:
    for _ in range(length):
        x = x + 1.0
    return x


# Gradients before, between and after sweeps ---------------------------------------------------------------------------


def test_a_gradient_reads_zero_before_any_sweep() -> None:
    x = Value(3.0)
    assert x.grad == 0.0
    assert isinstance(x.grad, float)
    assert not x.has_grad
    for array in ARRAYS.values():
        x = Tensor(array)
        assert x.grad.shape == array.shape
        assert not x.grad.any()
        assert not x.has_grad


def test_two_sweeps_accumulate_in_leaves_and_not_between() -> None:
    x = Value(2.0)
    inner = x * 1.5
    y = inner * 2.0
    for sweep, expected in ((1, 3.0), (2, 6.0), (3, 9.0)):
        y.backward()
        assert (x.grad, inner.grad, y.grad) == (expected, 2.0, 1.0), f"sweep {sweep}"


def test_two_roots_accumulate_in_leaves_and_the_latest_holds_between() -> None:
    x = Value(1.0)
    shared = x * 3.0
    first, second = shared * 1.0, shared * 10.0
    first.backward()
    assert (x.grad, shared.grad) == (3.0, 1.0)
    second.backward()
    assert (x.grad, shared.grad) == (33.0, 10.0)


def test_a_node_that_nothing_reaches_holds_zero_after_a_sweep() -> None:
    x = Value(2.0)
    inner = x * x
    (inner * 3.0).backward()
    inner.sign().backward()
    assert inner.grad == 0.0
    assert x.grad == 12.0


def test_a_root_that_is_a_leaf_gets_its_seed() -> None:
    x = Value(2.0)
    x.backward()
    x.backward(2.5)
    assert x.grad == 3.5


def test_zero_grad_forgets() -> None:
    x, v = Value(2.0), Tensor([1.0, 2.0])
    (x * v).sum().backward()
    zero_grad(x, v)
    assert not x.has_grad
    assert not v.has_grad
    assert x.grad == 0.0
    assert not v.grad.any()


def test_gradients_of_leaves_are_arrays_of_their_own() -> None:
    x, y = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    seed = np.array([1.0, 1.0])
    (x + y).backward(seed)
    x.grad[0] = 100.0
    seed[1] = 100.0
    assert y.grad.tolist() == [1.0, 1.0]
    assert x.grad.tolist() == [100.0, 1.0]


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_a_gradient_has_the_shape_of_its_data(array: np.ndarray) -> None:
    x, scalar, row = Tensor(array), Value(2.0), Tensor(np.ones(array.shape[-1:]))
    (x * scalar + row).sum().backward()
    assert x.grad.shape == array.shape
    assert (x.grad == 2.0).all()
    assert isinstance(scalar.grad, float)
    assert scalar.grad == array.sum()
    assert row.grad.shape == row.shape
    assert (row.grad == array.size / max(row.size, 1)).all()


# Data that changes after it was recorded ------------------------------------------------------------------------------

REASSIGNMENTS = {
    "Value, new data": (lambda: Value(2.0, label="p"), lambda p: setattr(p, "data", 5.0)),
    "Value, in place": (lambda: Value(2.0, label="p"), lambda p: setattr(p, "data", p.data - 0.1)),
    "Tensor, new data": (lambda: Tensor([2.0], label="p"), lambda p: setattr(p, "data", [5.0])),
    "Tensor, in place": (lambda: Tensor([2.0], label="p"), lambda p: setattr(p, "data", operator.isub(p.data, 0.1))),
}
USES = {
    "sum": lambda p: (p + 1.0) * 2.0,
    "product": lambda p: p * p,
    "function": lambda p: ops.exp(p),
    "reduction": lambda p: (ops.stack([p, p])).sum(),
    "used again later": lambda p: p * 3.0,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize(("make", "change"), REASSIGNMENTS.values(), ids=REASSIGNMENTS)
def test_a_graph_recorded_from_old_data_refuses_to_differentiate(make: object, change: object, use: object) -> None:
    p = make()
    y = use(p)
    change(p)
    for root in (y, y * 1.0, y + p):
        with pytest.raises(
            StaleError, match=r"data of .*'p' was assigned after .* recorded .* record the expression again"
        ):
            root.backward(np.ones(root.shape)) if root.ndim else root.backward()
        assert not p.has_grad
        assert not y.has_grad
    fresh = use(p)
    fresh.backward(np.ones(fresh.shape)) if fresh.ndim else fresh.backward()
    assert p.has_grad


def test_steps_through_a_stale_graph_do_not_begin() -> None:
    p = Value(2.0)
    y = (p * p).tanh()
    p.data = 3.0
    with pytest.raises(StaleError):
        next(backward_steps(y))
    assert not any(node.has_grad for node in (p, y))


def test_changing_the_callers_array_changes_no_gradient() -> None:
    mine, factor, index = np.array([1.0, 2.0]), np.array([3.0, 4.0]), [0, 1]
    x = Tensor(mine)
    y = ((x * x + x * factor)[index]).sum()
    mine[:] = 100.0
    factor[:] = 100.0
    index[0] = 1
    y.backward()
    assert x.data.tolist() == [1.0, 2.0]
    assert x.grad.tolist() == [5.0, 8.0]


def test_a_step_assigns_whole_arrays_and_numbers() -> None:
    p, w = Value(2.0), Tensor([1.0, 2.0])
    before = w.data
    (p * w * w).sum().backward()
    p.data -= 0.5 * p.grad
    w.data -= 0.5 * w.grad
    assert p.data == -0.5
    assert w.data.tolist() == [-1.0, -2.0]
    assert before.tolist() == [1.0, 2.0]
    for step in ("+=", "-=", "*=", "/=", "//=", "%=", "**="):
        q, expected = Tensor([5.0, 7.0]), np.array([5.0, 7.0])
        exec(f"q.data {step} 2.0; expected {step} 2.0")
        assert q.data.tolist() == expected.tolist(), step


IN_PLACE = {
    "an entry": "x.data[0] = 1.0",
    "an entry, in place": "x.data[0] += 1.0",
    "an entry of a row": "x.data[0][1] = 1.0",
    "a slice": "x.data[:, 1] = 1.0",
    "fill": "x.data.fill(1.0)",
    "sort": "x.data.sort()",
    "put": "x.data.put(0, 1.0)",
    "reshaped": "x.data.reshape(-1)[0] = 1.0",
}


@pytest.mark.parametrize("statement", IN_PLACE.values(), ids=IN_PLACE)
def test_entries_of_data_are_not_written(statement: str) -> None:
    x = Tensor([[3.0, 2.0], [1.0, 0.0]])
    with pytest.raises(DataError, match=r"not changed in place: assign a whole array, x.data = new"):
        exec(statement)
    for write in (lambda: np.asarray(x.data).__setitem__(0, 1.0), lambda: np.add(x.data, 1.0, out=x.data)):
        with pytest.raises((ValueError, TypeError)):
            write()
    assert x.data.tolist() == [[3.0, 2.0], [1.0, 0.0]]


COPIES = {
    "copy()": lambda d: d.copy(),
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "np.array": np.array,
    "arithmetic": lambda d: d + 0.0,
    "astype": lambda d: d.astype(np.float64),
    "zeros_like": np.zeros_like,
    "a mask": lambda d: d[d > -1.0],
    "pickle": lambda d: pickle.loads(pickle.dumps(d)),
    "flatten": lambda d: d.flatten(),
}


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_a_copy_of_data_is_the_callers_own(make: object) -> None:
    x = Tensor([1.0, 2.0])
    mine = make(x.data)
    same = mine
    mine[0] = 9.0
    mine += 1.0
    assert mine.tolist()[0] == 10.0
    assert mine is same
    assert x.data.tolist() == [1.0, 2.0]


def test_the_data_of_an_inner_node_is_not_assigned() -> None:
    for y, new in ((Value(2.0) * 3.0, 1.0), (Tensor([2.0]) * 3.0, [1.0])):
        with pytest.raises(DataError, match=r"computed by mul and cannot be assigned: assign a leaf's, or .*detach"):
            y.data = new


@pytest.mark.parametrize("node", [Value(2.0), Tensor([1.0, 2.0])], ids=["Value", "Tensor"])
def test_item_assignment_is_refused_in_one_line(node: Node) -> None:
    with pytest.raises(DataError, match=r"^a node's entries are not assigned: .*where\(mask, new, x\)[^\n]*$"):
        node[0] = 1.0


# Numbers that become floats -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number",
    [
        2,
        True,
        np.int8(2),
        np.uint64(2),
        np.bool_(True),
        np.float16(2),
        np.float32(2),
        np.float64(2),
        np.array(2),
        -(2**70),
    ],
    ids=repr,
)
def test_a_number_becomes_a_python_float(number: object) -> None:
    x = Value(number)
    assert type(x.data) is float
    assert x.data == float(number)
    y = Value(1.0) * number + number
    y.backward()
    assert type(y.data) is float
    assert y.data == 2.0 * float(number)


@pytest.mark.parametrize("kind", ["bool", "int8", "uint8", "int64", "uint64", "float16", "longdouble", ">f8", ">i4"])
def test_arrays_of_other_numbers_become_float64(kind: str) -> None:
    x = Tensor(np.array([0, 1, 1], dtype=kind))
    assert x.dtype == np.dtype("f8")
    assert x.data.tolist() == [0.0, 1.0, 1.0]
    assert x.data.dtype.isnative
    assert (x * np.array([1, 1, 0], dtype=kind)).dtype == np.float64


def test_float32_stays_float32() -> None:
    x = Tensor(np.float32([0.5, 1.5]))
    y = ops.tanh(x * 2.0 + 1) / np.float32([3.0, 4.0])
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == np.float32
    assert (x * x).mean().backward() is None
    assert x.grad.dtype == np.float32
    assert "float32" in repr(x)


# IEEE 754, on floats and arrays alike, without a warning --------------------------------------------------------------

INF, NAN = math.inf, math.nan
IEEE = {
    "1/0": (lambda x: 1.0 / x, 0.0, INF, -INF),
    "-1/0": (lambda x: -1.0 / x, 0.0, -INF, INF),
    "0/0": (lambda x: x / x, 0.0, NAN, NAN),
    "log 0": (lambda x: ops.log(x), 0.0, -INF, INF),
    "log -1": (lambda x: ops.log(x), -1.0, NAN, -1.0),
    "sqrt 0": (lambda x: ops.sqrt(x), 0.0, 0.0, INF),
    "sqrt -1": (lambda x: ops.sqrt(x), -1.0, NAN, NAN),
    "exp 1000": (lambda x: ops.exp(x), 1000.0, INF, INF),
    "1e308 * 10": (lambda x: x * 10.0, 1e308, INF, 10.0),
    "0 ** -1": (lambda x: x**-1, 0.0, INF, -INF),
    "10 ** 400": (lambda x: x**400, 10.0, INF, INF),
    "(-8) ** (1/3)": (lambda x: x ** (1 / 3), -8.0, NAN, NAN),
    "x % 0": (lambda x: x % 0.0, 1.0, NAN, 1.0),
    "sin inf": (lambda x: ops.sin(x), INF, NAN, NAN),
    "cosh 1000": (lambda x: ops.cosh(x), 1000.0, INF, INF),
    "asin 2": (lambda x: ops.asin(x), 2.0, NAN, NAN),
    "atanh 1": (lambda x: ops.atanh(x), 1.0, INF, INF),
    "inf - inf": (lambda x: x - INF, INF, NAN, 1.0),
    "0 * inf": (lambda x: x * INF, 0.0, NAN, INF),
}


@pytest.mark.parametrize(("f", "at", "value", "slope"), IEEE.values(), ids=IEEE)
def test_floats_and_arrays_follow_ieee_754_in_silence(f: object, at: float, value: float, slope: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x, v = Value(at), Tensor([at, at])
        y, w = f(x), f(v)
        y.backward()
        w.sum().backward()
    assert type(y.data) is float
    assert type(x.grad) is float
    np.testing.assert_array_equal([y.data, x.grad], [value, slope])
    np.testing.assert_array_equal([*w.data, *v.grad], [value, value, slope, slope])


# Equality, order and other people's operators -------------------------------------------------------------------------


def test_equality_and_hash_are_identity_and_order_is_of_data() -> None:
    a, b, v, w = Value(1.0), Value(1.0), Tensor([1.0, 2.0]), Tensor([1.0, 2.0])
    assert a == a
    assert a != b
    assert v == v
    assert v != w
    assert a != 1.0
    assert len({a, b, v, w}) == 4
    assert {a: "a", v: "v"}[v] == "v"
    assert v in [a, v]
    assert w not in [a, v]
    assert a < 2.0
    assert a <= b
    assert a >= b
    assert not a > b
    assert a < 2.0
    assert a > 0
    assert max(Value(3.0), Value(1.0)).data == 3.0
    assert [x.data for x in sorted(map(Value, (3.0, 1.0, 2.0)))] == [1.0, 2.0, 3.0]
    assert (v > 1.0).tolist() == [False, True]
    assert (np.array([5.0, 0.0]) > v).tolist() == [True, False]


LEFT = {
    "ndarray": np.array([1.0, 2.0]), "0-d": np.array(2.0), "float64": np.float64(2.0), "float32": np.float32(2.0),
    "int64": np.int64(2), "float": 2.0, "int": 2, "bool": True, "list": [1.0, 2.0],
}  # fmt: skip
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.mod, operator.pow]


@each(LEFT.values())
@each([Value(3.0), Tensor([3.0, 4.0])])
@each(OPERATORS, lambda operate: operate.__name__)
def test_numbers_and_arrays_on_either_side_give_a_node(operate: object, node: Node, left: object) -> None:
    plain = np.asarray(node.data)
    for z, expected in (
        (operate(left, node), operate(np.asarray(left), plain)),
        (operate(node, left), operate(plain, np.asarray(left))),
    ):
        assert isinstance(z, Node)
        assert z.op is not None
        assert any(arg is node for arg in z.args)
        np.testing.assert_allclose(z.data, expected, rtol=1e-15)
        assert isinstance(z, Value) == (np.ndim(expected) == 0)


def test_pythons_sum_and_numpys_functions_give_nodes() -> None:
    x, v = Value(0.5), Tensor([0.5, 1.0])
    assert sum([x, x, x]).data == 1.5
    assert sum([v, v]).data.tolist() == [1.0, 2.0]
    for f in (np.sin, np.exp, np.tanh, np.sqrt, np.negative, np.abs, np.square):
        for node in (x, v):
            y = f(node)
            assert isinstance(y, Node)
            assert y.op is not None
            np.testing.assert_allclose(y.data, f(node.data), rtol=1e-15)
    assert np.add(x, 1).data == 1.5
    assert np.matmul(np.eye(2), v).data.tolist() == [0.5, 1.0]
    assert np.sum(v).data == 1.5
    assert np.mean(v, axis=0).data == 0.75
    assert np.concatenate([v, v]).shape == (4,)


# Size -----------------------------------------------------------------------------------------------------------------


def test_a_chain_of_a_million_nodes() -> None:
    x = Value(0.0)
    seen = weakref.ref(x)
    gc.collect()
    gc.disable()
    try:
        y = chain(x, DEEP)
        middle = weakref.ref(y.args[0])
        y.backward()
        assert y.data == DEEP
        assert x.grad == 1.0
        assert repr(y) == str(y) == f"Value({float(DEEP)}, grad=1.0)"
        for again in (copy.copy(y), copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
            assert again.data == y.data
            assert again.args == ()
            assert again.grad == 1.0
        del x, y
        assert seen() is None, "freed without the cycle collector"
        assert middle() is None
    finally:
        gc.enable()
    assert gc.collect() == 0


def test_a_graph_of_arrays_is_freed_without_the_cycle_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        x = Tensor(np.ones((3, 4)))
        y = ops.softmax((x @ np.ones((4, 2))).tanh().reshape(-1)[1:]).sum()
        y.backward()
        seen = weakref.ref(y.args[0])
        del x, y
        assert seen() is None
    finally:
        gc.enable()
    assert gc.collect() == 0


def test_a_hundred_thousand_uses_of_one_node() -> None:
    x = Value(3.0)
    y = Value(0.0)
    for _ in range(100_000):
        y = y + x
    y.backward()
    assert y.data == 3e5
    assert x.grad == 1e5


def test_two_to_the_sixty_paths_are_counted_exactly() -> None:
    for x in (Value(1.0), Tensor([1.0])):
        y = x
        for _ in range(60):
            y = y + y
        y.sum().backward()
        assert y.item() == np.sum(x.grad) == 2.0**60


def test_a_sum_of_a_hundred_thousand_leaves() -> None:
    leaves = [Value(float(i)) for i in range(100_000)]
    for total in (sum(leaves), ops.add_n(*leaves), ops.stack(leaves).sum()):
        zero_grad(*leaves)
        total.backward()
        assert total.data == sum(range(100_000))
        assert all(leaf.grad == 1.0 for leaf in leaves)


def test_memory_of_a_swept_graph_returns_to_where_it_was() -> None:
    def work() -> None:
        chain(Value(0.0), 10_000).backward()

    work()
    tracemalloc.start()
    try:
        work()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(5):
            work()
        assert tracemalloc.get_traced_memory()[0] - before < 10_000
    finally:
        tracemalloc.stop()


# Threads --------------------------------------------------------------------------------------------------------------


def train(w: Node, seed: int) -> tuple[float, float]:
    """Sweep a few graphs that share the leaf w, and return what a leaf of this thread alone received."""
    rng = np.random.default_rng(seed)
    x, b = rng.normal(size=(20, 3)), Value(0.1 * seed)
    loss = 0.0
    for row in x:
        y = (w * row).sum().tanh() + b
        y = y * y
        y.backward()
        loss += y.data
    return loss, b.grad


def test_separate_graphs_in_parallel_equal_the_serial_result() -> None:
    w = Tensor([0.1, 0.2, 0.3])
    serial = [train(w, seed) for seed in range(8)]
    start = threading.Barrier(8)

    def run(seed: int) -> list[object]:
        start.wait(timeout=60)
        return [train(w, seed) for _ in range(5)]

    assert at_once(*(partial(run, seed) for seed in range(8))) == [[each] * 5 for each in serial]


def test_births_are_unique_across_threads() -> None:
    def make() -> list[int]:
        return [Value(0.0).birth for _ in range(5_000)]

    assert len({birth for births in at_once(*[make] * 4) for birth in births}) == 20_000


# Copies, text, micrograd's surface ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "deepcopy", "pickle"]
)
@pytest.mark.parametrize(
    "node", [Value(2.0, label="a"), Tensor(np.float32([[1.0], [2.0]]), label="W")], ids=["Value", "Tensor"]
)
def test_a_copy_is_a_leaf_with_the_data_the_label_and_the_gradient(node: Node, again: object) -> None:
    y = node * 2.0
    y.label = "y"
    y.sum().backward()
    for x in (node, y):
        twin = again(x)
        assert type(twin) is type(x)
        assert twin is not x
        assert twin.label == x.label
        assert twin.op is None
        assert twin.args == ()
        assert np.array_equal(twin.data, x.data)
        assert twin.dtype == x.dtype
        assert np.array_equal(twin.grad, x.grad)
    assert again(Value(1.0)).has_grad is False


REPRS = {
    "Value(2.0)": lambda: Value(2),
    "Value(2.0, label='a')": lambda: Value(2.0, label="a"),
    "Value(nan)": lambda: Value(NAN),
    "Value(2.0, grad=3.0)": lambda: swept(Value(2.0)),
    "Tensor([2.])": lambda: swept(Tensor([2.0])),
    "Tensor([1., 2.])": lambda: Tensor([1, 2]),
    "Tensor([1., 2.], dtype=float32)": lambda: Tensor(np.float32([1, 2])),
    "Tensor([], shape=(2, 0))": lambda: Tensor(np.zeros((2, 0))),
    "Tensor([0., 0., 0., ..., 0., 0., 0.])": lambda: Tensor(np.zeros(10_000)),
}


def swept(x: Node) -> Node:
    (x * 3.0).sum().backward()
    return x


@pytest.mark.parametrize(("text", "make"), REPRS.items())
def test_a_repr_shows_the_node_alone(text: str, make: object) -> None:
    assert repr(make()) == text == str(make())


def test_a_value_takes_a_format() -> None:
    assert f"{Value(2.0):.2f}" == "2.00"
    assert f"{Value(2.0)}" == "Value(2.0)"
    assert float(Value(2.0)) == 2.0
    assert int(Value(2.5)) == 2


def test_nodes_hold_what_the_op_was_called_with_and_nothing_else() -> None:
    x = Value(2.0)
    y = x * 3
    assert y.args == (x, 3.0)
    assert y.op.name == "mul"
    assert x.args == ()
    assert not hasattr(y, "__dict__")
    with pytest.raises(AttributeError):
        x.colour = "red"
    with pytest.raises(AttributeError, match="'Value' object has no attribute 'tanhh'"):
        x.tanhh()


def test_the_surface_of_micrograd() -> None:
    x = Value(-4.0, label="x")
    y = x + 2
    assert x.label == "x"
    assert x._prev == set()
    assert x._op == ""
    assert y._prev == {x}
    assert y._op == "+"
    assert (x * x)._op == "*"
    assert (x**2)._op.startswith("**")
    assert x.relu()._op.lower() == "relu"
    assert x.relu().data == 0.0
    assert (-x).data == 4.0
    assert [(2 - x).data, (2 * x).data, (2 / x).data, (2 + x).data, (2**x).data] == [6.0, -8.0, -0.5, -2.0, 0.0625]
    z = y
    z += 1
    z *= 2
    z -= x
    z /= 2
    assert z.data == 1.0
    assert y.data == -2.0
    z.backward()
    assert x.grad == 0.5
    x.data -= 0.1 * x.grad
    assert x.data == -4.05
    x.grad = 0
    (x * 2).backward()
    assert x.grad == 2.0


def test_the_example_that_micrograd_opens_with() -> None:
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert (f"{g.data:.4f}", f"{a.grad:.4f}", f"{b.grad:.4f}") == ("24.7041", "138.8338", "645.5773")


def test_the_neuron_of_the_lecture() -> None:
    x1, x2, w1, w2 = Value(2.0, label="x1"), Value(0.0, label="x2"), Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.881373587019543, label="b")
    n = x1 * w1 + x2 * w2 + b
    for o in (n.tanh(), ((2 * n).exp() - 1) / ((2 * n).exp() + 1)):
        zero_grad(x1, x2, w1, w2, b)
        o.backward()
        got = [o.data, x1.grad, w1.grad, x2.grad, w2.grad, b.grad]
        np.testing.assert_allclose(got, [0.7071067811865476, -1.5, 1.0, 0.5, 0.0, 0.5], rtol=1e-14, atol=1e-15)


def test_a_node_has_one_truth_if_it_has_one_entry() -> None:
    assert Value(2.0)
    assert not Value(0.0)
    assert Tensor([[3.0]])
    with pytest.raises(ShapeError, match=r"shape \(2,\) is ambiguous: test .data"):
        bool(Tensor([1.0, 2.0]))


def test_methods_have_names_and_a_line_of_help() -> None:
    for name in ("tanh", "sum", "softmax", "maximum", "__add__", "__radd__", "reshape", "backward", "__lt__"):
        method = getattr(Value, name)
        assert method.__name__.strip("_") == name.strip("_")
        assert "<" not in repr(method).removeprefix("<function")
    assert Value.sum.__doc__ == "sum(x, axis=None, keepdims=False)"
    assert Value.tanh.__doc__ == "tanh(x)"


def test_every_method_of_a_row_is_the_row() -> None:
    x = Tensor([0.25, 0.5])
    for name in (
        "sin",
        "exp",
        "tanh",
        "relu",
        "sigmoid",
        "log",
        "sqrt",
        "abs",
        "sum",
        "mean",
        "max",
        "softmax",
        "cumsum",
    ):
        row = getattr(ops, {"abs": "absolute"}.get(name, name))
        assert np.array_equal(getattr(x, name)().data, row(x).data), name


def test_labels_and_births_tell_nodes_apart() -> None:
    nodes = [Value(0.0), Tensor([0.0]), Value(0.0) * 2.0]
    assert all(a.birth < b.birth for a, b in itertools.pairwise(nodes))
    assert all(node.label == "" and node.source is None for node in nodes)


def test_the_examples_of_the_page_run() -> None:
    page = Path(__file__).parents[1] / "docs" / "semantics.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted > 10
    assert not result.failed


@pytest.mark.parametrize(
    ("name", "remedy"), [("zero_grad", "zero_grad(x)"), ("numpy", "x.data"), ("clone", "x.detach()"), ("cpu", "'cpu'")]
)
def test_what_another_library_calls_it_is_told_how_it_is_written_here(name: str, remedy: str) -> None:
    for x in (Value(2.0), Tensor([1.0, 2.0])):
        with pytest.raises(AttributeError) as caught:
            getattr(x, name)
        assert remedy in str(caught.value)
        assert not hasattr(x, name)
