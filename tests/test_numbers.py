"""Numbers are the same on Values, on Tensors and in programs, signs of zero included; finite answers stay finite."""

from __future__ import annotations

import copy
import gc
import itertools
import math
import struct
import types
import weakref
from typing import Any

import numpy as np
import pytest
from table_cases import ROWS
from tables import each

import nn
from autograd_mini import DataError, Tensor, Value, compile, gradcheck, ops
from autograd_mini.op import Elementwise

pytestmark = pytest.mark.filterwarnings("error")

inf, nan = math.inf, math.nan
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, -0.3, 1e308, -1e308, 5e-324, -5e-324, inf, -inf, nan]
elementwise = [row for row in ROWS if isinstance(row, Elementwise)]
each_row = each(elementwise)


def same(x: Any, y: Any) -> bool:
    """Whether two numbers have the same bits, all NaN being alike."""
    x, y = float(x), float(y)
    return (x != x and y != y) or struct.pack("d", x) == struct.pack("d", y)


def points(row: Elementwise) -> list[tuple[float, ...]]:
    n, rng = len(row.params), np.random.default_rng(0)
    special = itertools.product(*[SPECIAL if n < 3 else SPECIAL[:9]] * n)
    return [*special, *zip(*(rng.uniform(*interval, 100).tolist() for interval in row.domain))]


def by_values(row: Elementwise, point: tuple[float, ...]) -> tuple[float, ...]:
    leaves = [Value(x) for x in point]
    y = row(*leaves)
    y.backward()
    return y.data, *(x.grad for x in leaves)


@each_row
def test_values_and_tensors_agree_bit_for_bit(row: Elementwise) -> None:
    at = points(row)
    leaves = [Tensor(column) for column in zip(*at)]
    z = row(*leaves)
    z.sum().backward()
    for i, point in enumerate(at):
        ours = by_values(row, point)
        theirs = (z.data[i], *(x.grad[i] for x in leaves))
        for name, x, y in zip(("value", *row.params), ours, theirs):
            assert same(x, y), f"{row.name}{point}, {name}: {x} as Values, {y} as a Tensor"


@each(["python", "numpy"])
@each_row
def test_programs_agree_with_the_engine_bit_for_bit(row: Elementwise, backend: str) -> None:
    leaves = [Value(1.5, label=name) for name in "xyz"[: len(row.params)]]
    program = compile(row(*leaves), leaves, backend=backend)
    for point in points(row):
        value, gradients = program(*point)
        assert {*map(type, (value, *gradients))} == {float}
        for x, y in zip(by_values(row, point), (value, *gradients)):
            assert same(x, y), f"{row.name}{point}: {x} by the engine, {y} by the program"


@each_row
def test_rows_of_plain_numbers_give_plain_numbers(row: Elementwise) -> None:
    n = len(row.params)
    for kind in (float, int, bool, np.float64, np.float32, np.array):
        assert type(row(*[kind(1)] * n)) is float


def test_rows_over_whole_arrays_give_plain_numbers_too() -> None:
    x = np.array([3.0, 4.0])
    for f in (ops.sum, ops.mean, ops.norm, ops.std, ops.var, ops.max, ops.min, ops.prod, ops.logsumexp):
        assert type(f(x)) is float
        assert type(f(x.astype(np.float32))) is float
    assert type(ops.matmul(x, x)) is type(ops.getitem(x, 0)) is type(ops.cross_entropy(x, 1)) is float


def test_powers_of_a_half_are_those_of_c() -> None:
    at = np.array([-inf, -0.0, 0.0, 4.0, inf, nan, -1.0])
    expected = [math.pow(x, 0.5) if not -inf < x < 0 else nan for x in at]
    for exponent in (0.5, np.array([0.5]), np.full(7, 0.5)):
        for found in ((Tensor(at) ** exponent).data, ops.power(at, exponent), np.power(Tensor(at), exponent).data):
            assert all(map(same, found, expected))
    assert (Tensor(at.astype(np.float32)) ** 0.5).dtype == np.float32


@pytest.mark.parametrize("other", [2.0, 2, np.float64(2.0), np.float32(2.0), np.array(2.0), np.array([2.0]), None, "2"])
def test_equality_is_identity_whatever_stands_beside(other: Any) -> None:
    for x in (Value(2.0), Tensor([2.0]), Tensor([[2.0], [2.0]])):
        assert (x == other) is False
        assert (other == x) is False
        assert (x != other) is True
        assert (other != x) is True
        assert x not in [other]
        assert x == x
        assert x in [other, x]
        assert {x: 1}[x] == 1


# Finite answers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_gradients_of_any_size_are_clipped_to_the_norm(size: float) -> None:
    for t in (Tensor([3.0, 4.0]), Tensor([3.0, 4.0], dtype=np.float32) if size == 1.0 else Tensor([[3.0], [4.0]])):
        (t * t * (0.5 * size)).sum().backward()
        assert math.isclose(nn.clip_by_norm([t], size * 1e-3), 5.0 * size, rel_tol=1e-7)
        np.testing.assert_allclose(t.grad.ravel() / size * 1e3, [0.6, 0.8], 1e-6)
    many = Tensor(np.ones(4))
    (many * 1.5e308).sum().backward()
    assert nn.clip_by_norm([many], 1.0) == inf
    assert many.grad.tolist() == [0.5] * 4


def test_a_batch_of_weight_zero_says_nothing_and_the_loss_of_an_epoch_is_the_weighted_mean() -> None:
    X, y = np.ones((4, 1)), np.array([[1.0], [2.0], [3.0], [4.0]])
    weights = [3.0, 1.0, 0.0, 0.0]
    for seed in range(6):
        model = nn.Dense(1, 1, "identity", rng=0)
        model.W.data, model.b.data = [[0.0]], [0.0]
        history = nn.fit(model, X, y, loss=nn.squared_error, optimizer=nn.sgd(1e-300), epochs=1, batch_size=2,
                         weights=weights, rng=seed)  # fmt: skip
        assert history[0]["loss"] == pytest.approx((3.0 * 1.0 + 1.0 * 4.0) / 4.0)
    with pytest.raises(nn.SettingError, match="sum is 0"):
        nn.fit(nn.Dense(1, 1, rng=0), X, y, loss=nn.squared_error, epochs=1, weights=np.zeros(4))


TINY = {
    "log": (ops.log, 1e-300),
    "log of a subnormal": (ops.log, 1e-323),
    "square root": (ops.sqrt, 1e-300),
    "pole": (lambda x: 1.0 / x, 1e-150),
    "kink": (ops.absolute, 1e-300),
    "beside one": (lambda x: 1.0 + x, 1e-300),
    "product with a tiny number": (lambda x: ops.log(x * 1e-300), 1.0),
    "norm": (ops.norm, np.array([1e-300, 2e-300])),
    "std": (ops.std, np.array([1e-200, -2e-200])),
    "hypot": (lambda x: ops.hypot(x, 1e-300), 1e-300),
}


@pytest.mark.parametrize("case", TINY.values(), ids=TINY)
def test_right_derivatives_at_tiny_numbers_are_called_right(case: Any) -> None:
    f, x = case
    assert gradcheck(f, x), str(gradcheck(f, x))


def test_wrong_derivatives_at_tiny_numbers_are_called_wrong() -> None:
    wrong = {"log": (lambda x: ops.log(x) + 1e-3 * (ops.log(x) - ops.log(x).detach()), 1e-300)}
    for f, x in wrong.values():
        assert not gradcheck(f, x)


# Programs of methods -------------------------------------------------------------------------------------------------


class Slotted:
    __slots__ = ("w",)

    def __init__(self, w: float) -> None:
        self.w = w

    @compile
    def f(self, x: Any) -> Any:
        return self.w * x


class Plain(Slotted):
    __slots__ = ("__dict__", "__weakref__")

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    @compile
    def twice(cls, x: Any) -> Any:
        return cls.factor() * x

    @compile
    @classmethod
    def also_twice(cls, x: Any) -> Any:
        return cls.factor() * x

    @compile
    @staticmethod
    def thrice(x: Any) -> Any:
        return 3.0 * x

    @classmethod
    def factor(cls) -> float:
        return 2.0


class Other(Plain):
    @classmethod
    def factor(cls) -> float:
        return 5.0


def test_methods_of_every_kind_are_compiled_for_what_they_belong_to() -> None:
    for kind in (Slotted, Plain, Other):
        one, two = kind(3.0), kind(4.0)
        assert [one.f(2.0)[0], two.f(2.0)[0], one.f(3.0)[0], kind(7.0).f(1.0)[0]] == [6.0, 8.0, 9.0, 7.0]
        twin = copy.copy(one)
        twin.w = 10.0
        assert twin.f(1.0)[0] == 10.0
    assert [k.twice(2.0)[0] for k in (Plain, Other, Plain(1.0), Other(1.0))] == [4.0, 10.0, 4.0, 10.0]
    assert [k.also_twice(2.0)[0] for k in (Plain, Other, Plain(1.0))] == [4.0, 10.0, 4.0]
    assert Plain.thrice(2.0)[0] == Plain(1.0).thrice(2.0)[0] == 6.0


def test_a_compiled_classmethod_may_be_given_its_class_as_python_does_since_3_13() -> None:
    """It hands the class over as an argument, and asks no `__get__`; each class has programs of its own."""
    for name in ("twice", "also_twice"):
        of_plain, of_other = (types.MethodType(vars(Plain)[name].__func__, k) for k in (Plain, Other))
        for x in (2.0, 3.0):
            assert (of_plain(x), of_other(x=x)) == ((2.0 * x, (2.0,)), (5.0 * x, (5.0,)))
        assert of_other.__func__.program(Other, 2.0) is of_other.__func__.program(Other, 7.0)
    with pytest.raises(DataError, match=r"args\[0\]|type"):
        compile(lambda x: 2.0 * x)(float)


def test_an_object_with_a_compiled_method_is_freed_and_its_programs_with_it() -> None:
    one = Plain(3.0)
    one.f(2.0)
    gone = weakref.ref(one)
    del one
    gc.collect()
    assert gone() is None


def test_programs_are_recorded_once_for_each_object() -> None:
    calls = []

    class Counted:
        @compile
        def f(self, x: Any) -> Any:
            calls.append(x)
            return x * 2.0

    one = Counted()
    assert [one.f(float(i))[0] for i in range(3)] == [0.0, 2.0, 4.0]
    assert len(calls) == 1


def test_arguments_whose_printed_text_is_alike_are_not_taken_for_one() -> None:
    i = np.zeros(1500, int)
    j = i.copy()
    j[700] = 5
    x = Tensor(np.arange(2000.0)[None], label="x")
    for a, b in (((0, i), (0, j)), ((slice(None), i), (slice(None), j))):
        program = compile(x[a].sum() + x[b].sum(), [x])
        assert program.simplified()(x.data)[0] == program(x.data)[0]

    class Key:
        def __repr__(self) -> str:
            return "key"

    f = compile(lambda p: sum(v * n for n, v in enumerate(p.values())))
    a, b = Key(), Key()
    f({a: 1.0, b: 2.0})
    assert list(f({b: 3.0, a: 5.0})[1][0]) == [b, a]


# Data that a compiled function looks at -------------------------------------------------------------------------------

LOOKS: dict[str, Any] = {
    "argmax": lambda v: 2.0 * v[v.argmax()],
    "np.argmax": lambda v: 2.0 * v[np.argmax(v)],
    "argmin": lambda v: 2.0 * v[v.argmin()],
    "argsort": lambda v: v[np.argsort(v)][0],
    "allclose": lambda v: v.sum() if np.allclose(v, [1.0, 3.0]) else (v * v).sum(),
    "any": lambda v: v.sum() if np.any(v > 2.5) else (v * v).sum(),
    "item": lambda v: v[0] * v[1].item(),
    "tolist": lambda v: v[0] * max(v.tolist()),
    "format": lambda v: v[0] * float(f"{v[1]:.3f}"),
    "str": lambda v: v[0] * len(str(v)),
    "detach": lambda v: (v * v.detach()).sum(),
}


@pytest.mark.parametrize("f", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("backend", ["python", "numpy"])
def test_a_compiled_function_notices_that_what_it_looked_at_has_changed(f: Any, backend: str) -> None:
    fast = compile(f, backend=backend)
    for v in ([1.0, 3.0], [3.0, 1.0], [1.0, 3.0], [-7.25, 2.0], [nan, 1.0], [1.0, nan]):
        x = Tensor(v)
        y = f(x)
        y.backward()
        value, gradients = fast(np.array(v))
        np.testing.assert_array_equal(value, y.data)
        np.testing.assert_array_equal(gradients[0], x.grad)
