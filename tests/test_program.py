"""Programs: the printed source, run alone, gives the value and the gradients of the engine."""

from __future__ import annotations

import functools
import math
import pickle
import random
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from program_cases import engine, equal, random_record, replay
from table_cases import ROWS, called, differentiable, fewer
from tables import each
from threads import at_once
from v8 import javascript

import autograd_mini
from autograd_mini import BranchError, Branches, DataError, Program, ShapeError, StaleError, Tensor, Value, ops
from autograd_mini.op import Elementwise, Flat, Unary
from autograd_mini.programs.languages.run import run_source


@pytest.mark.parametrize("hostile", [False, True])
def test_a_program_is_the_engine_bit_for_bit(hostile: bool) -> None:
    for seed in range(120):
        root, leaves = random_record(seed, hostile=hostile)
        program = autograd_mini.compile(root, leaves)
        inputs = [x.data for x in leaves]
        for gradient in (1.0, -0.3, 0.0):
            assert equal(program(*inputs, gradient=gradient), engine(root, leaves, gradient)), (seed, program.source)


@each(row for row in ROWS if isinstance(row, Elementwise))
def test_every_row_gives_floats_whatever_stands_beside_it(row: Elementwise) -> None:
    """Whole numbers among the arguments, and what floats refuse: 1/0, log of 0."""
    for i in range(len(row.rules)):
        for number in (0, 2, True):
            x = Value(0.5, label="x")
            root = x * row(*(x if k == i else number for k in range(len(row.rules))))
            program = autograd_mini.compile(root, [x])
            for run in (program, program, program.simplified(), program.simplified().simplified()):
                for at in (0.0, 0.5, -2.0):
                    value, gradients = run(at)
                    assert {type(value), *map(type, gradients)} == {float}, (program.source, at)


def test_a_whole_number_that_a_row_hands_on_is_raised_as_a_float() -> None:
    x = Value(0.5, label="x")
    program = autograd_mini.compile(ops.leaky_relu(30.0, x) ** 30.0, [x])
    for run in (program, program, program.simplified()):
        assert run(1.0)[0] == 30.0**30.0


def test_a_program_serves_other_inputs_than_the_recorded() -> None:
    for seed in range(60):
        root, leaves = random_record(seed)
        program = autograd_mini.compile(root, leaves)
        again, fresh = random_record(seed)
        other = [random.Random(-seed).uniform(-2.0, 2.0) for _ in leaves]
        for x, a in zip(fresh, other):
            x.data = a
        replayed = replay(again, fresh)
        assert equal(program(*other), engine(replayed, fresh))


def test_a_batch_is_its_samples_one_by_one() -> None:
    for seed in range(60):
        root, leaves = random_record(seed)
        program = autograd_mini.compile(root, leaves)
        rng = np.random.default_rng(seed)
        batch = [rng.uniform(-2.0, 2.0, 5), float(rng.uniform(-2.0, 2.0)), rng.uniform(-2.0, 2.0, 5)]
        value, gradients = program(*batch, gradient=0.7)
        for i in range(5):
            one = program(*(a if isinstance(a, float) else float(a[i]) for a in batch), gradient=0.7)
            np.testing.assert_allclose(value[i], one[0], rtol=1e-12, atol=1e-300)
            for g, expected in zip(gradients, one[1]):
                np.testing.assert_allclose(g[i], expected, rtol=1e-9, atol=1e-12)
        total, sums = program.summed(*batch, gradient=0.7)
        np.testing.assert_allclose((total, *sums), (value.sum(), *(g.sum() for g in gradients)))


@each([row for row in ROWS if not isinstance(row, Flat)])
def test_every_row_is_printed_for_arrays(row: Any) -> None:
    """Each case of the table, arrays and numbers, as a program of numpy alone."""
    for args in fewer(row)[:40]:
        root, recorded = called(row, args, differentiable(row, args))
        leaves = list(recorded.values())
        seed = np.random.default_rng(0).uniform(0.5, 1.5, root.shape) if root.ndim else 0.7
        program = autograd_mini.compile(root, leaves)
        value, gradients = program(*(x.data for x in leaves), gradient=seed)
        expected = engine(root, leaves, seed)
        np.testing.assert_allclose(value, expected[0], rtol=1e-13, atol=1e-300, err_msg=program.source)
        for g, e in zip(gradients, expected[1]):
            np.testing.assert_allclose(g, e, rtol=1e-12, atol=1e-13, err_msg=program.source)
            assert np.shape(g) == np.shape(e)


def test_the_source_of_a_neuron_reads_like_the_textbook() -> None:
    w, x, b = Value(-3.0, label="w"), Value(2.0, label="x"), Value(6.5, label="b")
    z = w * x + b
    z.label = "z"
    a = z.sigmoid()
    a.label = "a"
    body = autograd_mini.compile(a, [w, b, x]).source.partition("def program")[2].splitlines()
    assert [line.split("  #")[0].strip() for line in body[1:]] == [
        "v1 = w * x",
        "z = v1 + b",
        "a = sigmoid(z)",
        "z_bar = a_bar * a * (1 - a)",
        "v1_bar = z_bar",
        "b_bar = z_bar",
        "w_bar = v1_bar * x",
        "x_bar = v1_bar * w",
        "return a, (w_bar, b_bar, x_bar)",
    ]
    assert body[4].endswith("# a = sigmoid(z)")


ALONE = 'import sys\nsys.modules["autograd_mini"] = None\n'


def _labelled(p: Value) -> Value:
    p.label = "p"
    return p


@pytest.mark.parametrize(
    ("use", "line"),
    [
        (lambda p, x, y: ops.add_n(p, x * 2.0, y), "L = x * y + x * 2 + y"),
        (lambda p, x, y: ops.add_n(_labelled(p), y), "L = p + y"),
        (lambda p, x, y: ops.add_n(p, p, y), "L = v1 + v1 + y"),
        (lambda p, x, y: ops.add_n(p, y, 1.0) * p, "v2 = v1 + y + 1"),
        (lambda p, x, y: ops.add_n(p, y, 1.0) if p > 0.0 else y, "L = v1 + y + 1"),
        (lambda p, x, y: ops.add_n(-p, p / y, y), "L = v2 + v3 + y"),
        (lambda p, x, y: p + x, "L = v1 + x"),
    ],
)
def test_a_product_that_one_sum_alone_uses_stands_there_and_any_other_has_its_line(use: Any, line: str) -> None:
    leaves = [Value(1.3, label="x"), Value(2.7, label="y")]
    root = use(leaves[0] * leaves[1], *leaves)
    program = autograd_mini.compile(root, leaves)
    lines = [text.strip() for text in program.source.splitlines()]
    assert line in lines
    assert any(text.startswith(("p = ", "v1 = ")) for text in lines) == ("*" not in line)
    scope: dict[str, Any] = {}
    exec(program.source, scope)
    assert equal(scope["program"](1.3, 2.7), engine(root, leaves, 1.0))


def test_the_source_runs_in_an_interpreter_without_the_package(tmp_path: Any) -> None:
    for seed in range(8):
        root, leaves = random_record(seed)
        program = autograd_mini.compile(root, leaves)
        inputs = [x.data for x in leaves]
        file = tmp_path / "alone.py"
        file.write_text(f"{ALONE}{program.source}\nprint(repr(program{tuple(inputs)!r}))\n", encoding="utf-8")
        command = [sys.executable, "-W", "error", str(file)]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if run.returncode:
            with pytest.raises((ArithmeticError, ValueError, RuntimeWarning)):  # numpy warns where floats do not raise
                run_source(program.source)(*inputs)
        else:
            assert equal(eval(run.stdout, {"nan": math.nan, "inf": math.inf}), program(*inputs))
        assert "autograd_mini" not in program.source


def test_javascript_gives_the_engines_numbers() -> None:
    with javascript() as page:
        for seed in range(80):
            agrees_in(page, seed)


def agrees_in(page: Any, seed: int) -> None:
    root, leaves = random_record(seed)
    program = autograd_mini.compile(root, leaves)
    args = ", ".join(repr(x.data) for x in leaves)
    text = f"(() => {{ {program.javascript}; const r = program({args}); return [r.value, ...r.gradients]; }})()"
    got = [math.nan if a is None else float(a) for a in page.eval(text)]
    value, gradients = engine(root, leaves)
    np.testing.assert_allclose(got, [value, *gradients], rtol=1e-9, atol=1e-12, err_msg=program.javascript)


def test_leaves_that_are_no_inputs_keep_their_own_data() -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    program = autograd_mini.compile(w * x, [x])
    assert program(5.0) == (15.0, (3.0,))
    w.data = 4.0
    assert program(5.0) == (20.0, (4.0,))
    assert "w=4.0" in autograd_mini.compile(w * x, [x]).source


@pytest.mark.parametrize("which", ["x", "w"])
def test_new_data_between_compiling_and_the_first_call(which: str) -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    X, W = Tensor([1.0, 2.0], label="X"), Tensor([3.0, 4.0], label="W")
    program, arrays = autograd_mini.compile(w * x, [x]), autograd_mini.compile((W * X).sum(), [X])
    if which == "x":
        x.data, X.data = 7.0, [7.0, 7.0]
    else:
        w.data, W.data = 4.0, [5.0, 6.0]
    assert program(5.0) == (5.0 * w.data, (w.data,))
    assert program.simplified()(5.0) == (5.0 * w.data, (w.data,))
    assert arrays(np.ones(2))[0] == W.data.sum()
    assert arrays.simplified()(np.ones(2))[0] == W.data.sum()


def test_an_input_that_nothing_reaches_has_gradient_zero() -> None:
    x, y, z = (Value(v, label=n) for v, n in zip((2.0, 3.0, 4.0), "xyz"))
    assert autograd_mini.compile(x * ops.sign(y), [x, y, z])(2.0, -3.0, 1.0) == (-2.0, (-1.0, 0.0, 0.0))
    t = Tensor([1.0, 2.0])
    value, (g, h) = autograd_mini.compile((t * 2.0).sum(), [t, x])([1.0, 1.0], 0.0)
    assert (value, g.tolist(), h) == (4.0, [2.0, 2.0], 0.0)


def test_a_leaf_alone_is_a_program() -> None:
    x = Value(2.0, label="x")
    assert autograd_mini.compile(x, [x])(7.0) == (7.0, (1.0,))
    assert autograd_mini.compile(x)(7.0, gradient=3.0) == (7.0, (3.0,))


HOSTILE_LABELS = [
    "", "class", "np", "exp", "a b", "1x", 'q"""', "x\ny", "\ud800", "é", "x²", "__import__('os')", "x_bar", "λ",
    "Math", "function", "\\", "{}", "{0}", "v1", "L", "x" * 5000, "program", "True", "ﬁ", "fi",
]  # fmt: skip


def test_no_label_breaks_the_source() -> None:
    leaves = [Value(float(i + 1), label=label) for i, label in enumerate(HOSTILE_LABELS)]
    root = ops.add_n(*(x * x for x in leaves))
    root.label = "x_bar"
    program = autograd_mini.compile(root, leaves)
    value, gradients = program(*(x.data for x in leaves))
    assert value == sum((i + 1.0) ** 2 for i in range(len(leaves)))
    assert gradients == tuple(2.0 * x.data for x in leaves)
    assert len(set(program.names)) == len(leaves)
    program.numpy.encode()
    with javascript() as page:
        assert page.eval(f"{program.javascript}; program({', '.join('1' * len(leaves))}).value") == len(leaves)


@pytest.mark.parametrize("name", ["sin", "softplus", "fold"])
def test_a_row_of_a_users_own_with_a_name_that_programs_know_is_refused(name: str) -> None:
    half = Unary(name, f"{name}({{}})", lambda x: x / 2.0, lambda x: x / 2.0, lambda g, y, x: g * 0.5)
    x = Value(3.0, label="x")
    assert engine(half(x), [x]) == (1.5, (0.5,))
    with pytest.raises(DataError, match=f"{name} means something else in programs than your row"):
        autograd_mini.compile(half(x), [x])


def test_a_runtime_error_of_a_users_own_row_is_not_taken_for_another_branch() -> None:
    def broken(x: float) -> float:
        if x > 1.0:
            raise RuntimeError("the user's own")
        return x

    row = Unary("test_broken", "test_broken({})", broken, np.positive, lambda g, y, x: g)
    x = Value(0.5, label="x")
    with Branches() as branches:
        root = row(x) if x > 0.0 else x
    program = autograd_mini.compile(root, [x], branches=branches)
    with pytest.raises(RuntimeError, match="the user's own") as raised:
        program(2.0)
    assert type(raised.value) is RuntimeError
    with pytest.raises(BranchError, match="x > 0 was true"):
        program(-1.0)


@pytest.mark.parametrize("label", ["RuntimeError", "Error"])
def test_a_label_does_not_hide_the_error_of_another_branch(label: str) -> None:
    x = Value(2.0, label=label)
    with Branches() as branches:
        root = x * x if x > 1.0 else x
    program = autograd_mini.compile(root, [x], branches=branches)
    for way in (program, program.simplified()):
        with pytest.raises(BranchError, match="record again"):
            way(0.5)
        with pytest.raises(BranchError, match="record again"):
            way(np.array([2.0, 0.5]))
    racer = pytest.importorskip("py_mini_racer")
    with javascript() as page, pytest.raises(racer.JSEvalException, match="record again"):
        page.eval(f"{program.javascript}; program(0.5)")


def test_rows_of_a_users_own_are_run_and_named() -> None:
    sinc = Unary(
        "test_sinc", "test_sinc({})", lambda x: math.sin(x) / x, lambda x: np.sin(x) / x,
        lambda g, y, x: g * (ops.cos(x) - y) / x,
    )  # fmt: skip
    x = Value(0.5, label="x")
    root = sinc(x) * x
    program = autograd_mini.compile(root, [x])
    for p in (program, program.simplified(), pickle.loads(pickle.dumps(program))):
        assert equal(p(0.5), engine(root, [x]))
        np.testing.assert_allclose(p(np.array([0.5, 0.7]))[0], np.sin([0.5, 0.7]))
    assert "# test_sinc is a custom op: define it here" in program.source
    assert "# " not in autograd_mini.compile(abs(x), [x]).source.partition("def program")[0]
    for language in ("javascript", "torch", "jax"):
        with pytest.raises(DataError, match=f"{language} has no equivalent of test_sinc"):
            getattr(program, language)


# Guards -------------------------------------------------------------------------------------------------------------


@autograd_mini.compile
def branching(x: Any, ys: Any) -> Any:
    if x > ys[0]:
        return x * ys[1]
    if np.isnan(x):
        return x + ys[0]
    return ys[0] / x


def test_a_compiled_function_records_again_where_a_branch_changes() -> None:
    for x in (2.0, 0.5, 3.0, 0.25, math.nan, 0.0, 7.0):
        value, (dx, dys) = branching(x, [1.0, 3.0])
        expected, (ex, ey) = autograd_mini.value_and_grad(branching.__wrapped__, (0, 1))(x, [1.0, 3.0])
        assert equal((value, (dx, dys)), (expected, (ex, ey)))


def test_a_program_of_a_record_says_which_branch_it_froze() -> None:
    x = Value(2.0, label="x")
    with Branches() as branches:
        y = x * x if x > 1 else -x
    program = autograd_mini.compile(y, [x], branches=branches)
    assert program(3.0) == (9.0, (6.0,))
    for wrong in (0.5, math.nan, np.array([2.0, 0.5])):
        with pytest.raises(BranchError, match=r"x > 1 was true when this was recorded"):
            program(wrong)
    with pytest.raises(RuntimeError, match="x > 1"):
        run_source(program.source)(0.5)


def test_a_branch_on_what_the_root_does_not_use_is_checked_too() -> None:
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    with Branches() as branches:
        z = x * 2.0 if y.exp() > 1.0 else x
    program = autograd_mini.compile(z, [x, y], branches=branches)
    assert program(1.0, 1.0) == (2.0, (2.0, 0.0))
    with pytest.raises(BranchError):
        program(1.0, -1.0)


def test_masks_of_arrays_are_guarded() -> None:
    @autograd_mini.compile
    def f(x: Any) -> Any:
        return ops.where(x > 0.0, x * x, -x).sum()

    for entries in ([1.0, -2.0], [-1.0, -2.0], [1.0, 2.0]):
        x = np.array(entries)
        value, (g,) = f(x)
        assert value == np.where(x > 0, x * x, -x).sum()
        assert g.tolist() == np.where(x > 0, 2 * x, -1.0).tolist()


@pytest.mark.parametrize("frozen", [float, int, bool], ids=lambda f: f.__name__)
def test_a_number_taken_out_of_a_node_is_refused_or_guarded(frozen: Any) -> None:
    compiled = autograd_mini.compile(lambda x: x * 2.0 if frozen(x) else x)
    if frozen is bool:
        assert [compiled(1.0), compiled(0.0)] == [(2.0, (2.0,)), (0.0, (1.0,))]
    else:
        with pytest.raises(DataError, match=r"\.data"):
            compiled(1.0)


# Functions ----------------------------------------------------------------------------------------------------------


def test_a_compiled_function_takes_trees_and_records_again_for_other_shapes() -> None:
    calls = []

    @autograd_mini.compile
    def loss(params: Any, x: Any) -> Any:
        calls.append(1)
        return ((x @ params["W"] + params["b"]) ** 2).mean()

    rng = np.random.default_rng(0)
    for n in (4, 4, 6, 4):
        params, x = {"W": rng.normal(size=(3, 2)), "b": 0.5}, rng.normal(size=(n, 3))
        value, (dparams, dx) = loss(params, x)
        expected, (eparams, ex) = autograd_mini.value_and_grad(loss.__wrapped__, (0, 1))(params, x)
        np.testing.assert_allclose([value, dparams["b"]], [expected, eparams["b"]], rtol=1e-12)
        np.testing.assert_allclose(dparams["W"], eparams["W"], rtol=1e-12)
        np.testing.assert_allclose(dx, ex, rtol=1e-12)
    assert len(calls) == 2 + 4  # once for each shape; the rest is the oracle


def test_a_compiled_function_reads_the_parameters_that_it_closes_over() -> None:
    w = Value(3.0)
    f = autograd_mini.compile(lambda x: w * x)
    assert f(2.0) == (6.0, (3.0,))
    w.data = 5.0
    assert f(2.0) == (10.0, (5.0,))


def test_methods_can_be_compiled() -> None:
    class Model:
        def __init__(self, w: float) -> None:
            self.w = Value(w)

        @autograd_mini.compile
        def loss(self, x: Any) -> Any:
            return self.w * x

    one, two = Model(2.0), Model(3.0)
    assert (one.loss(5.0), two.loss(5.0), one.loss(1.0)) == ((10.0, (2.0,)), (15.0, (3.0,)), (2.0, (2.0,)))


# Wrong input --------------------------------------------------------------------------------------------------------


def test_wrong_input_is_named() -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    y = w * x
    program = autograd_mini.compile(y, [w, x])
    W = Tensor(np.ones((2, 3)), label="W")
    arrays = autograd_mini.compile(W.sum(), [W])
    for call, error, words in [
        (lambda: autograd_mini.compile(y, [y]), DataError, r"inputs\[0\] is computed by mul"),
        (lambda: autograd_mini.compile(y, [x, x]), DataError, "twice"),
        (lambda: autograd_mini.compile(y, [2.0]), DataError, r"inputs\[0\] is of type float"),
        (lambda: autograd_mini.compile(3.0), DataError, "root of a record"),
        (lambda: program(1.0), ShapeError, "takes 2 inputs, got 1"),
        (lambda: program(1.0, x), DataError, "x is a node"),
        (lambda: program(1.0, "a"), DataError, "expected"),
        (lambda: program(np.ones(2), np.ones(3)), ShapeError, r"w of shape \(2,\) and x of shape \(3,\)"),
        (lambda: arrays(np.ones((3, 2))), ShapeError, r"W has shape \(3, 2\), and had \(2, 3\)"),
        (lambda: autograd_mini.compile(lambda a: 3.0)(1.0), DataError, "returned float"),
    ]:
        with pytest.raises(error, match=words):
            call()
    x.data = 7.0
    with pytest.raises(StaleError):
        autograd_mini.compile(y, [w, x])


def test_integers_and_numpy_scalars_become_floats() -> None:
    x = Value(2.0)
    program = autograd_mini.compile(x * x, [x])
    for two in (2, np.float32(2.0), np.int64(2), True + True):
        assert program(two) == (4.0, (4.0,))


# Size ---------------------------------------------------------------------------------------------------------------


def test_a_long_chain_and_a_wide_sum_compile() -> None:
    x = Value(0.5, label="x")
    y = x
    for _ in range(20_000):
        y = y * 0.999 + x
    program = autograd_mini.compile(y, [x])
    assert equal(program(0.5), engine(y, [x]))
    xs = [Value(float(i)) for i in range(3_000)]
    total = ops.add_n(*xs)
    assert autograd_mini.compile(total, xs)(*[1.0] * 3_000) == (3_000.0, (1.0,) * 3_000)


def test_threads_share_a_program() -> None:
    root, leaves = random_record(3)
    program = autograd_mini.compile(root, leaves)
    expected = program(0.1, 0.2, 0.3)

    def work() -> bool:
        return all(equal(program(0.1, 0.2, 0.3), expected) for _ in range(200))

    assert at_once(*[work] * 4) == [True] * 4


def test_a_program_says_what_it_is() -> None:
    x = Value(2.0, label="x")
    program = autograd_mini.compile(x * x)
    assert repr(program) == "<Program of 2 nodes: x>"
    assert isinstance(program, Program)
    assert program.inputs == (x,)


def test_a_node_in_place_of_a_list_of_inputs_is_told_how_it_is_written() -> None:
    a, v = Value(2.0), Tensor([1.0, 2.0])
    for root, wrong in ((a * a, a), ((v * v).sum(), v), (a * a, 2.0)):
        with pytest.raises(DataError, match=r"inputs=\[a\]"):
            autograd_mini.compile(root, wrong)


def test_a_compiled_function_binds_keywords_as_python_does() -> None:
    @autograd_mini.compile
    def f(a: Any, b: Any = 2.0, c: Any = 3.0) -> Any:
        return a * b * c

    assert f(1.0) == f(a=1.0) == (6.0, (6.0,))
    assert f(1.0, b=4.0) == f(b=4.0, a=1.0) == f(1.0, 4.0) == (12.0, (12.0, 3.0))
    assert f(1.0, c=5.0) == f(1.0, 2.0, 5.0) == (10.0, (10.0, 5.0, 2.0))
    assert f.program(a=1.0) is f.program(1.0)
    for args, keywords, words in (
        ((), {"b": 1.0}, "missing a required argument: 'a'"),
        ((1.0,), {"d": 1.0}, "unexpected keyword argument 'd'"),
        ((1.0,), {"a": 1.0}, "multiple values for argument 'a'"),
    ):
        with pytest.raises(DataError, match=f"f: .*{words}"):
            f(*args, **keywords)
    g = autograd_mini.compile(lambda x, *, k=2.0: x * k)
    assert g(3.0) == (6.0, (2.0,))
    with pytest.raises(DataError, match="k is taken by keyword alone"):
        g(3.0, k=2.0)


def test_a_compiled_function_shows_its_name_and_nothing_of_the_memory() -> None:
    def area(side: Any) -> Any:
        return side * side

    f = autograd_mini.compile(area)
    assert repr(f) == "<compiled area: 0 programs>"
    f(2.0)
    assert repr(f) == "<compiled area: 1 program>"
    partial = autograd_mini.compile(functools.partial(area, side=3.0))
    assert repr(partial) == "<compiled partial: 0 programs>"
    with pytest.raises(DataError, match="partial returned float"):
        partial()


def test_two_blank_lines_stand_before_each_function_and_no_more() -> None:
    x, y, v = Value(2.0), Value(3.0), Tensor([1.0, 2.0])
    frozen = (v * np.array([1.0, 5.0])).sum()
    for root in (x.relu(), x.relu() * y.sigmoid(), x.exp() * y.relu(), x * y, ops.gelu(x), frozen, ops.gelu(v).sum()):
        program = autograd_mini.compile(root)
        for text in (program.source, program.numpy):
            assert "\n\n\n\n" not in text
            assert re.findall(r"\n*\ndef ", text) == ["\n\n\ndef "] * len(re.findall(r"^def ", text, re.MULTILINE))
            assert text.startswith('"""')
            assert text.partition("\n")[2].startswith(("\n\ndef ", "\nimport", "\nfrom", "\nconstant"))
