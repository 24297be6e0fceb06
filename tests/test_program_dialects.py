"""Dialects: each row and each of its contributions means the same in Python, in numpy and in JavaScript."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from program_cases import HOSTILE, SCALAR_ROWS, same
from table_cases import ROWS, sample
from tables import each
from v8 import javascript

from autograd_mini import Value, ops
from autograd_mini.data import ignoring_fp_warnings
from autograd_mini.op import TABLE, Sum
from autograd_mini.op import contribution as computed
from autograd_mini.programs.languages.dialects import (
    CAREFUL,
    DIALECTS,
    JAVASCRIPT,
    NUMPY,
    PYTHON,
    contribution,
    expression,
)
from autograd_mini.programs.languages.prelude import definitions, prelude
from autograd_mini.programs.languages.run import run_source

SEEDS = (1.0, -0.7, 0.0)
NAMES = ("x", "y", "z")


def points(arity: int) -> list[tuple[float, ...]]:
    """Return ordinary and hostile arguments: all pairs of hostile numbers, and as many triples."""
    hostile = list(itertools.product(HOSTILE, repeat=arity))
    if arity > 2:
        hostile = random.Random(0).sample(hostile, 250)
    ordinary = itertools.product([-1.7, -0.3, 0.4, 1.2, 2.3], repeat=arity)
    return [*ordinary, *hostile]


def texts(row: Any) -> Iterator[tuple[int, Any]]:
    """Yield -1 for the row itself, then the places of the arguments that have a rule."""
    yield -1
    yield from (i for i in range(len(row.params)) if row.rule(i) is not None)


def printed(row: Any, i: int, dialect: Any) -> str:
    """Return the row, or its contribution to the i-th argument, on the names x, y, z, with r for the result."""
    args = [Value(1.0) for _ in row.params]
    node = row(*args)
    names = {**dict(zip(args, NAMES)), node: "r"}
    return expression(node, names, dialect) if i < 0 else contribution(node, i, names, "g", dialect)


def expected(row: Any, i: int, args: tuple[float, ...], g: float) -> float:
    """Return what the engine computes on floats."""
    if i < 0:
        return row(*args)
    node = row(*map(Value, args))
    return computed(node, i, g)


def function(row: Any, i: int, dialect: Any) -> Any:
    """Return what is printed as a function of g, the result, and the arguments."""
    text = printed(row, i, dialect)
    head = f"def f({', '.join(['g', 'r', *NAMES[: len(row.params)]])}):\n    return {text}"
    return run_source("\n".join([*prelude([text], dialect.defined()), head, ""]), "f", given=given(dialect))


def given(dialect: Any) -> dict[str, Any]:
    return dict(TABLE) if dialect is CAREFUL else {}


@each(SCALAR_ROWS)
def test_python_is_the_engine_or_raises_where_floats_do(row: Any) -> None:
    for i in texts(row):
        f, careful = function(row, i, PYTHON), function(row, i, CAREFUL)
        for args, g in itertools.product(points(len(row.params)), SEEDS):
            e, result = expected(row, i, args, g), row(*args)
            assert same(ignoring_fp_warnings(careful, g, result, *args), e), (printed(row, i, CAREFUL), args, g)
            try:
                got = ignoring_fp_warnings(f, g, result, *args)
            except (ArithmeticError, ValueError):
                continue
            assert same(got, e), (printed(row, i, PYTHON), args, g)


@each(SCALAR_ROWS)
def test_numpy_computes_all_points_at_once(row: Any) -> None:
    columns = [np.array(column) for column in zip(*points(len(row.params)))]
    result = ignoring_fp_warnings(row.array, *columns)
    for i in texts(row):
        f = function(row, i, NUMPY)
        for g in SEEDS:
            got = np.broadcast_to(ignoring_fp_warnings(f, g, result, *columns), result.shape)
            rows = zip(*columns)
            e = [expected(row, i, tuple(map(float, args)), g) for args in rows]
            np.testing.assert_allclose(got, e, rtol=4e-15, atol=1e-307, err_msg=printed(row, i, NUMPY))


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with javascript() as page:
        yield page


def number(x: float) -> str:
    return repr(x).replace("inf", "Infinity").replace("nan", "NaN")


@each(SCALAR_ROWS)
def test_javascript_computes_what_the_engine_does(row: Any, page: Any) -> None:
    for i in texts(row):
        text = printed(row, i, JAVASCRIPT)
        calls = [(g, row(*args), *args) for args in points(len(row.params)) for g in SEEDS]
        listed = ", ".join(f"[{', '.join(map(number, call))}]" for call in calls)
        lines = [*prelude([text], JAVASCRIPT.defined()), f"const f = (g, r, x, y, z) => {text};"]
        script = f"(() => {{ {chr(10).join(lines)}\nreturn [{listed}].map(p => String(f(...p))).join(' '); }})()"
        got = [float(word.replace("Infinity", "inf")) for word in page.eval(script).split()]
        e = [expected(row, i, call[2:], call[0]) for call in calls]
        np.testing.assert_allclose(got, e, rtol=1e-13, atol=1e-307, err_msg=text)


def test_a_sum_is_written_out_and_a_long_one_called() -> None:
    xs = [Value(float(k)) for k in range(200)]
    names = {x: f"x{k}" for k, x in enumerate(xs)}
    assert expression(ops.add_n(*xs[:3]), names, PYTHON) == "x0 + x1 + x2"
    for dialect in (PYTHON, NUMPY, JAVASCRIPT):
        assert expression(ops.add_n(*xs), names, dialect).startswith("add_n(x0, x1,")
    assert contribution(ops.add_n(*xs), 7, names, "g * 2", PYTHON) == "g * 2"


def test_a_contribution_with_one_for_g_is_the_local_derivative() -> None:
    x, y = Value(2.0), Value(3.0)
    names = {x: "x", y: "y"}
    assert contribution(x * y, 0, names, "1", PYTHON) == "y"
    assert contribution(x.sin(), 0, names, "1", PYTHON) == "cos(x)"
    assert contribution(x - y, 1, names, "1", PYTHON) == "-1"
    assert contribution(x - y, 1, names, "g", PYTHON) == "-g"


def test_arguments_may_be_anything_that_binds_like_a_name() -> None:
    x = Value(2.0)
    y = x * x - x
    names = {x: "d[0]", y.args[0]: "d[1]", y: "d[2]"}
    assert expression(y, names, JAVASCRIPT) == "d[1] - d[0]"
    assert contribution(y.args[0], 1, {**names}, "g[1]", JAVASCRIPT) == "g[1] * d[0]"


def test_minus_zero_is_a_constant_of_its_own() -> None:
    x = Value(1.0)
    shown = [expression(x * c, {x: "x"}, PYTHON) for c in (0.0, -0.0, 0.0)]
    assert shown == ["x * 0", "x * -0.0", "x * 0"]


# Preludes -----------------------------------------------------------------------------------------------------------


def definition(name: str, kind: str) -> Any:
    """Return what a name means in a module of its own."""
    text = "\n".join(prelude([f"{name}(x)"], definitions(kind)))
    return run_source(text, name, given={"abs": abs})


@pytest.mark.parametrize("kind", ["scalar", "array"])
def test_every_row_is_defined_for_its_kind_and_by_itself(kind: str) -> None:
    """The definition of each row, with what it needs, is a module that defines the row."""
    wanted = SCALAR_ROWS if kind == "scalar" else ROWS
    for row in wanted:
        assert callable(definition(row.name, kind)), row.name


def test_a_definition_computes_the_row_exactly() -> None:
    for row in SCALAR_ROWS:
        f = definition(row.name, "scalar")
        for args in points(len(row.params)):
            try:
                got = ignoring_fp_warnings(f, *args)
            except (ArithmeticError, ValueError):
                continue
            assert same(float(got), row(*args)), (row.name, args)


def test_a_definition_over_arrays_keeps_float32() -> None:
    for row in SCALAR_ROWS:
        f = definition(row.name, "array")
        args = [sample((3,), (0.3, 0.8), i).astype(np.float32) for i in range(len(row.params))]
        got, e = ignoring_fp_warnings(f, *args), row(*args)
        assert got.dtype == e.dtype, row.name
        np.testing.assert_array_equal(got, e, err_msg=row.name)


def test_a_prelude_holds_what_is_used_and_no_more() -> None:
    assert prelude([], definitions("array")) == []
    assert prelude(["y = x + 1"], definitions("scalar")) == []
    assert prelude(["y = a.exp + 'log'"], {"exp": "E"}) == []  # an attribute is no name
    assert prelude(["sigmoid(x)"], definitions("scalar"))[0] == "import numpy as np"
    assert prelude(["isnan(x) and inf > nan"], definitions("array")) == [
        "from math import inf, nan",
        "from numpy import isnan",
    ]


def test_javascript_defines_every_scalar_row_that_is_no_operator() -> None:
    undefined = {row.name for row in SCALAR_ROWS} - set(JAVASCRIPT.defined())
    assert undefined == set()


def test_dialects_are_known_by_name() -> None:
    assert all(DIALECTS[name].name == name for name in DIALECTS)
    assert not any(isinstance(row, Sum) for row in SCALAR_ROWS)
    assert math.isinf(ignoring_fp_warnings(function(ops.exp, -1, CAREFUL), 1.0, 0.0, 1e308))
