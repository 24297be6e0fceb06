"""Rows of a user's own: what they may compute, and what is said of one that no row can be made of."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextvars import ContextVar
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from tables import each

import autograd_mini as am
import nn
import viz
import viz.stepping.frames
from autograd_mini import DataError, RuleError, Tensor, Value, linalg_rows, ops
from autograd_mini.data import on_floats
from autograd_mini.op import ROWS, TABLE, Binary, Elementwise, Flat, Op, Unary, Variadic


def through(g: Any, y: Any, x: Any) -> Any:
    return g


# What the functions of a row return -----------------------------------------------------------------------------------

NUMBERS: dict[str, Callable[[float], Any]] = {
    "int": lambda x: max(int(x), 0),
    "bool": lambda x: x > 0.0,
    "numpy scalar": np.float64,
    "numpy int": lambda x: np.int64(2),
    "numpy bool": lambda x: np.bool_(x > 0.0),
    "single precision": np.float32,
    "array without axes": np.asarray,
    "fraction": Fraction,
    "floor": math.floor,
}
NO_NUMBERS: dict[str, tuple[Callable[[float], Any], str]] = {
    "None": (lambda x: None, "NoneType None"),
    "text": (str, "str '2.0'"),
    "complex": (complex, "complex (2+0j)"),
    "array": (lambda x: np.array([x]), "ndarray array([2.])"),
    "node": (Value, "take its .data"),
    "masked": (lambda x: np.ma.masked, "mask"),
}


@pytest.mark.parametrize("scalar", NUMBERS.values(), ids=NUMBERS)
def test_what_a_row_computes_on_a_float_is_a_float(scalar: Any) -> None:
    unary = Unary("my_row", "my_row({})", scalar, lambda x: x * 1.0, through)
    x = Value(2.0)
    expected = float(scalar(2.0))
    for y in (unary(x), unary.apply((x,))):
        assert type(y) is Value
        assert type(y.data) is float
        assert repr(y) == f"Value({expected})"
    with am.detect_nonfinite():
        assert unary(x).data == expected
    assert type(unary(2.0)) is type(unary.compute(2.0)) is float
    binary = Binary(
        "my_pair", "my_pair({}, {})", lambda x, y: scalar(x), lambda x, y: x * y, *[lambda g, z, x, y: g] * 2
    )
    for z in (binary(x, x), binary(x, 1), binary(2, x), binary.method(x, x), binary.reflected(x, 2)):
        assert (type(z), repr(z)) == (Value, f"Value({expected})")
    flat = Flat("my_flat", "my_flat({})", scalar, lambda x: x, 1)
    assert (type(flat(2.0)), type(flat(x)._data)) == (float, float)
    y = unary(x) * 3.0
    y.backward()
    assert (y.data, x.grad) == (3.0 * expected, 3.0)


@pytest.mark.parametrize(("scalar", "words"), NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_what_is_no_number_is_refused_with_the_name_of_the_row(scalar: Any, words: str) -> None:
    unary = Unary("my_row", "my_row({})", scalar, lambda x: x, through)
    binary = Binary("my_row", "{} my {}", lambda x, y: scalar(x), np.add, *[lambda g, z, x, y: g] * 2)
    x = Value(2.0)
    for act in (
        lambda: unary(x), lambda: unary(2.0), lambda: unary.apply((x,)),
        lambda: binary(x, x), lambda: binary(2, x), lambda: binary(2.0, 1.0),
    ):  # fmt: skip
        with pytest.raises(DataError, match="my_row computed something that no node may hold") as caught:
            act()
        assert words in str(caught.value)


ARRAYS: dict[str, Callable[[Any], Any]] = {
    "int": lambda x: (x > 0.0).astype(int),
    "bool": lambda x: x > 0.0,
    "list": lambda x: x.tolist(),
    "half precision": lambda x: x.astype(np.float16),
    "matrix": lambda x: x.view(np.matrix),
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_what_a_row_computes_on_an_array_is_an_array_of_floats(array: Any) -> None:
    v = Tensor([[1.0, -2.0]])
    rows: list[Op] = [Unary("my_row", "my_row({})", lambda x: x, array, through), Op("my_op", array, through)]
    rows += [Flat("my_flat", "my_flat({})", lambda x: x, array, 1), Variadic("my_all", array, lambda g, z, i, args: g)]
    for row in rows:
        for data in (row(v)._data, row(v._data)):
            assert type(data) is np.ndarray
            assert data.dtype == np.float64
            np.testing.assert_array_equal(data, np.asarray(array(v._data), dtype=float))
        row(v).sum().backward()


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (lambda x: None, "NoneType None"),
        (lambda x: x.astype(complex), "take .real and .imag"),
        (lambda x: x.astype(str), "text"),
        (lambda x: np.ma.masked_less(x, 0.0), "filled"),
        (lambda x: Tensor(x), "my_row"),
        (lambda x: [1.0, [2.0]], "one length"),
    ],
)  # fmt: skip
def test_what_is_no_array_of_numbers_is_refused_with_the_name_of_the_row(array: Any, words: str) -> None:
    for row in (Unary("my_row", "my_row({})", lambda x: x, array, through), Op("my_row", array, through)):
        for v in (Tensor([1.0, -2.0]), np.array([1.0, -2.0])):
            with pytest.raises(DataError, match="my_row computed something that no node may hold") as caught:
                row(v)
            assert words in str(caught.value)


def test_single_precision_stays_and_where_floats_raise_the_array_function_answers() -> None:
    row = Unary("my_inverse", "my_inverse({})", lambda x: 1 / x, lambda x: 1 / x, lambda g, y, x: -g * y * y)
    assert row(Tensor(np.ones(2, np.float32))).dtype == np.float32
    assert row(Value(0.0)).data == math.inf
    wide = Unary("my_wide", "my_wide({})", lambda x: 1 / x, lambda x: [1.0, 2.0], through)
    with pytest.raises(DataError, match="expected one number"):
        wide(Value(0.0))


def test_a_ufunc_serves_floats_too_and_warns_of_nothing() -> None:
    row = Unary("my_log", "my_log({})", np.log, np.log, lambda g, y, x: g / x)
    for data, y in ((2.0, float(np.log(2.0))), (0.0, -math.inf), (-1.0, math.nan)):
        for got in (row(Value(data)).data, row(data)):
            assert type(got) is float
            np.testing.assert_equal(got, y)


def test_the_tables_own_functions_are_called_as_they_are() -> None:
    made = [row for home in (ops, linalg_rows) for row in vars(home).values() if isinstance(row, Op)]
    assert list(ROWS.values()) == list(dict.fromkeys(made))
    assert ops.sqrt.scalar is math.sqrt
    assert ops.sin.scalar is on_floats(np.sin)
    assert ops.mul._array is np.multiply


FIRST = """
import numpy as np
from autograd_mini import DataError, Value
from autograd_mini.op import Unary
Unary("my_spacing", "my_spacing({})", np.spacing, np.spacing, lambda g, y, x: g)
try:
    np.spacing(Value(1.5))
except DataError as error:
    print(error)
"""


def test_a_row_that_is_made_before_numpy_meets_a_node_does_not_answer_for_numpy() -> None:
    run = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, timeout=60)
    assert run.stdout.startswith("np.spacing is not recorded on nodes"), run.stderr


# What a row is made of ------------------------------------------------------------------------------------------------

f, pair = (lambda x: x), (lambda x, y: x)
UNARY = 'write it as Unary("cube", "cube({})", '
MISMADE: dict[str, tuple[Callable[[], Any], str, str]] = {
    "no rule": (lambda: Unary("r", "r({})", f, f), "missing a required argument: 'rule'", UNARY),
    "two rules": (lambda: Unary("r", "r({})", f, f, through, through), "too many positional", UNARY),
    "rule None": (lambda: Unary("r", "r({})", f, f, None), "make a Flat row", UNARY),
    "array None": (lambda: Unary("r", "r({})", f, None, through), "array is a function that computes on", UNARY),
    "forgotten": (lambda: Unary("cube", f, through), "missing a required argument", UNARY),
    "nothing": (lambda: Unary(), "missing a required argument: 'name'", UNARY),
    "a setting": (lambda: Unary("r", "r({})", f, f, through, smooth=True), "unexpected keyword", UNARY),
    "text": (lambda: Unary("r", f, f, f, through), "text has {} for each argument", UNARY),
    "places": (lambda: Unary("r", "r({}, {})", f, f, through), "of which there are 1, got 'r({}, {})'", UNARY),
    "arguments": (lambda: Unary("r", "r({})", pair, f, through), "for each rule, here 1", UNARY),
    "no arguments": (lambda: Unary("r", "r({})", f, lambda: 1.0, through), "array takes one argument for", UNARY),
    "a ufunc": (lambda: Binary("r", "{} r {}", pair, np.sin, pair, pair), "for each rule, here 2", "Binary("),
    "one rule of two": (lambda: Binary("r", "{} r {}", pair, pair, pair), "argument: 'rule_y'", "Binary("),
    "one rule None": (lambda: Binary("r", "{} r {}", pair, pair, pair, None), "an Elementwise row", "Binary("),
    "few rules": (lambda: Op("r", pair, f), "for each rule, here 1", "Op("),
    "many rules": (lambda: Op("r", f, f, None), "here 2", "Op("),
    "a rule's text": (lambda: Op("r", f, "g"), "rules[0] is a function, or None", "Op("),
    "fewer rules": (lambda: Elementwise("r", "r({})", pair, pair, f), "for each rule, here 1", "Elementwise("),
    "no arity": (lambda: Flat("r", "r({})", f, f), "argument: 'arity'", "Flat("),
    "a number as domain": (lambda: Unary("r", "r({})", f, f, through, domain=3.0), "domain has an interval", UNARY),
    "one interval": (lambda: Unary("r", "r({})", f, f, through, domain=(0.0, 1.0)), "an interval (low, high)", UNARY),
    "many intervals": (lambda: Unary("r", "r({})", f, f, through, domain=[(0, 1), (0, 1)]), "there are 1", UNARY),
    "an empty interval": (lambda: Flat("r", "r({})", f, f, 1, domain=[(1.0, 1.0)]), "for each argument", "Flat("),
    "each": (lambda: Variadic("r", lambda *xs: 0.0, None), "each is a function", "Variadic("),
}  # fmt: skip


@pytest.mark.parametrize(("make", "fault", "form"), MISMADE.values(), ids=MISMADE)
def test_a_row_that_cannot_work_is_refused_when_it_is_made(make: Any, fault: str, form: str) -> None:
    before = dict(TABLE)
    with pytest.raises(DataError) as caught:
        make()
    assert fault in str(caught.value)
    assert form in str(caught.value)
    assert before == TABLE


@pytest.mark.parametrize("name", ["my op", "lambda", "", "2x", "a-b", None, 3, "doubled</script>"])
def test_a_name_that_no_program_could_print_is_refused(name: Any) -> None:
    for make in (
        lambda: Unary(name, "r({})", f, f, through),
        lambda: Op(name, f, f),
        lambda: Flat(name, "r({})", f, f, 1),
    ):
        with pytest.raises(DataError, match="name is one word, as for a variable, got"):
            make()


def test_the_forms_that_messages_show_can_be_made() -> None:
    import operator

    known = {"np": np, "math": math, "operator": operator, "on_floats": pair, "on_arrays": pair, "rule_x": pair}
    for kind in (Op, Elementwise, Unary, Binary, Flat, Variadic):
        row = eval(kind.form, {**known, kind.__name__: kind})
        assert type(row) is kind
        assert pickle.loads(pickle.dumps(row)) is row
    cube = TABLE["cube"]
    assert am.gradcheck(cube, 0.5)
    assert TABLE["product"](Value(2.0), Value(3.0)).data == 6.0


def test_a_row_may_be_given_by_keywords_and_functions_that_say_nothing_of_their_arguments() -> None:
    row = Unary(name="r", text="r({})", scalar=abs, array=np.vectorize(abs), rule=through, analytic=False)
    assert row(Value(-2.0)).data == 2.0
    assert row(Tensor([-2.0])).data.tolist() == [2.0]
    assert not row.analytic


# A name that something else has, too ----------------------------------------------------------------------------------


def shrunk(name: str) -> Unary:
    return Unary(name, f"{name}({{}})", lambda x: x / 200.0, lambda x: x / 200.0, lambda g, y, x: g / 200.0)


@pytest.mark.parametrize("name", ["mul", "relu", "step", "stack", "sum_to", "sum", "cast", "equal", "sin", "exp"])
def test_the_tables_rows_are_what_they_were_whatever_else_has_their_name(name: str) -> None:
    own = ROWS[name]
    x, v = Value(0.5, label="x"), Tensor([0.5, 0.25], label="v")
    numbers = 1.0 / x.relu() + x.sin() * x**2 + x.exp() * ops.maximum(x, 0.1)
    arrays = (v * x).relu().sum() ** 2
    careful = {backend: am.compile(numbers, [x], backend=backend)(0.0) for backend in ("python", "numpy")}
    plain, folded = am.compile(numbers, [x]).source, am.compile(numbers, [x]).simplified().source
    expected = am.compile(arrays, [v, x])(v.data, 0.5)
    shrunk(name)
    assert copy.deepcopy(own) is pickle.loads(pickle.dumps(own)) is own
    for backend, answer in careful.items():
        np.testing.assert_equal(am.compile(numbers, [x], backend=backend)(0.0), answer)
    assert am.compile(numbers, [x]).source == plain
    assert am.compile(numbers, [x]).simplified().source == folded
    program = am.compile(arrays, [v, x])
    for twin in (program, pickle.loads(pickle.dumps(program)), program.simplified()):
        np.testing.assert_equal(twin(v.data, 0.5), expected)
    assert (v * [x, x]).data.tolist() == [0.25, 0.125]
    assert am.hvp(lambda a: (a * Tensor([1.0, 2.0])).sum() ** 2)(0.5, 1.0) == 18.0
    assert am.grad(am.grad(lambda a: (Tensor(np.ones(2, np.float32)) * a).sum() ** 2))(0.5) == 8.0


@each(["python", "numpy", "numba", "numba-straight"])
@each([*ROWS, "np", "math", "program", "RuntimeError", "x_bar", "L_bar", "constant_1"])
def test_a_name_that_programs_give_another_meaning_is_refused_by_all(name: str, backend: str) -> None:
    half = shrunk(name)
    for x in (Value(3.0, label="x"), Tensor([3.0], label="x")):
        if isinstance(x, Value) or not backend.startswith("numba"):
            with pytest.raises(DataError, match=f"{name} means something else in programs than your row"):
                am.compile(half(x).sum() if x.ndim else half(x), [x], backend=backend)


@pytest.mark.parametrize("name", ["float", "len", "isinstance", "x", "L", "gradient", "replay", "self", "x0", "v1"])
def test_any_other_name_will_do(name: str) -> None:
    half = shrunk(name)
    x, v = Value(3.0, label="x"), Tensor([3.0, 5.0], label="x")
    with am.Branches() as branches:
        root = half(x) * 200.0 if x > 0.0 else x
    for backend in ("python", "numpy"):
        program = am.compile(root, [x], backend=backend, branches=branches)
        for twin in (program, pickle.loads(pickle.dumps(program)), program.simplified()):
            value, (g,) = twin(6.0)
            assert (value, g) == pytest.approx((6.0, 1.0))
            np.testing.assert_allclose(twin(np.array([6.0, 8.0]))[0], [6.0, 8.0])
    np.testing.assert_allclose(am.compile((half(v) * 200.0).sum(), [v])([1.0, 2.0])[0], 3.0)


def test_a_row_that_is_not_there_where_a_pickle_is_read_is_named() -> None:
    stored = pickle.dumps(shrunk("my_half"))
    del TABLE["my_half"]
    with pytest.raises(DataError, match="there is no row my_half: make it before you load what uses it"):
        pickle.loads(stored)


# A rule that returns no gradient --------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["a", None, 1j, {}])
def test_a_rule_that_returns_no_gradient_is_named_by_everything_that_runs_it(wrong: Any) -> None:
    row = Unary("my_row", "my_row({})", lambda x: x, lambda x: x, lambda g, y, x: wrong)
    x, v = Value(2.0, label="x"), Tensor([1.0, 2.0], label="v")
    for act in (
        lambda: am.compile(row(x), [x])(1.0), lambda: am.compile(row(x) * 2.0, [x]).source,
        lambda: am.compile(row(x), [x], backend="numpy")(np.ones(2)), lambda: am.compile(row(x), [x]).latex,
        lambda: am.compile(row(v).sum(), [v])([1.0, 2.0]), lambda: am.compile(row(v).sum(), [v]).source,
        lambda: am.compile(row(x) * 2.0, [x]).simplified(), lambda: am.compile(row)(1.0),
        lambda: am.jvp(row, (1.0,), (1.0,)), lambda: am.jvp(row, (np.ones(2),), (np.ones(2),)),
        lambda: am.grad(row)(1.0), lambda: am.grad(am.grad(row))(1.0), lambda: am.explain(row(x)),
        lambda: viz.draw(row(x) * 2.0), lambda: viz.stepping.frames.frames_of(row(x) * 2.0),
    ):  # fmt: skip
        with pytest.raises(RuleError, match="the vjp rule of my_row returned"):
            act()


# The context it is called in ------------------------------------------------------------------------------------------

SCALE: ContextVar[float] = ContextVar("scale", default=1.0)


def scaled(x: Any) -> Any:
    return x * SCALE.get()


def of_program(program: Any, data: Any) -> Callable[[], Any]:
    return lambda: np.sum(program(data)[0])


WAYS: dict[str, Callable[[Any], Callable[[], Any]]] = {
    "number": lambda row: lambda: row(Value(1.0)).data,
    "array": lambda row: lambda: row(Tensor([1.0])).data[0],
    "sweep of numbers": lambda row: partial(am.grad(lambda x: row(x) * 1.0), 1.0),
    "sweep of arrays": lambda row: lambda: am.grad(lambda x: row(x).sum())([1.0])[0],
    "jvp": lambda row: lambda: am.jvp(row, (1.0,), (1.0,))[1],
    "second sweep": lambda row: partial(am.grad(am.grad(lambda x: row(x) * x)), 0.5),
    "program": lambda row: of_program(am.compile(row), 1.0),
    "program, batch": lambda row: of_program(am.compile(row(Value(2.0)), backend="numpy"), np.ones(1)),
    "program of arrays": lambda row: of_program(am.compile(lambda x: row(x).sum()), np.ones(1)),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_row_sees_the_context_variables_of_its_caller(way: Any) -> None:
    row = Unary("my_row", "my_row({})", scaled, scaled, lambda g, y, x: g * SCALE.get())
    call = way(row)
    first = call()
    for scale in (3.0, 5.0):  # a context that is taken once would have the first for ever
        token = SCALE.set(scale)
        try:
            assert call() == first * scale
        finally:
            SCALE.reset(token)
    assert call() == first


def test_an_optimizer_of_your_own_sees_them_too() -> None:
    layer = nn.Dense(1, 1, "identity", init=nn.init.constant(0.0))
    optimizer = nn.optim.Optimizer(lambda p, g, lr, t: (p - SCALE.get(),), 1.0, 0)
    step = nn.Step(layer, nn.squared_error, optimizer)
    for scale in (1.0, 3.0):
        before, token = layer.b.data[0], SCALE.set(scale)
        try:
            step([[1.0]], [[1.0]])
        finally:
            SCALE.reset(token)
        assert layer.b.data[0] == before - scale
