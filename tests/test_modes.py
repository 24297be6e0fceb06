"""Modes hold where they are entered and nowhere else; the detective names the op, its arguments and the user's line."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import math
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy as np
import pytest

from autograd_mini import (
    DataError,
    NonFiniteError,
    Tensor,
    Value,
    data,
    detect_nonfinite,
    grad,
    modes,
    no_grad,
    note_lines,
    ops,
)
from autograd_mini import node as record
from autograd_mini.modes import where

X = Value(2.0, label="x")


def recording() -> bool:
    return (X * X).op is not None


@pytest.fixture(autouse=True)
def _nothing_is_left_in_force() -> Iterator[None]:
    yield
    assert recording()
    assert record.modes_in_use == 0
    assert record.modes.get() == ()


# note_lines -----------------------------------------------------------------------------------------------------------


def test_a_noted_line_is_the_users_own() -> None:
    with note_lines():
        y = ops.tanh(X * 2.0)
    assert y.source is not None
    assert y.source == y.args[0].source
    assert y.source[0] == __file__
    assert where(y).endswith(": y = ops.tanh(X * 2.0)")
    assert (X * X).source is None


def test_a_decorated_function_notes_the_lines_inside() -> None:
    @note_lines
    def f(x: Any) -> Any:
        y = x * x
        return y.exp()

    z = f(X)
    assert [where(n).partition(": ")[2] for n in (z, z.args[0])] == ["return y.exp()", "y = x * x"]


# no_grad --------------------------------------------------------------------------------------------------------------


def test_nothing_is_recorded_inside_and_everything_outside() -> None:
    with no_grad():
        y, v = X * 3.0 + 1.0, (Tensor([1.0, 2.0]) * X).sum()
        assert not recording()
    assert (y.data, v.data, y.args, v.args, y.op) == (7.0, 6.0, (), (), None)
    y.backward()
    assert not X.has_grad
    assert recording()


def test_blocks_nest() -> None:
    mode = no_grad()
    with mode:
        with no_grad(), mode:
            assert not recording()
        assert not recording()
    assert recording()


class Interrupted:
    """A context variable; Ctrl-C comes just as it has been set for the n-th time."""

    def __init__(self, variable: Any, n: int) -> None:
        self.variable, self.n = variable, n

    def __getattr__(self, name: str) -> Any:
        return getattr(self.variable, name)

    def set(self, held: Any) -> None:
        self.variable.set(held)
        self.n -= 1
        if not self.n:
            raise KeyboardInterrupt


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("act", [no_grad(recording), lambda: grad(lambda x: x * x)(3.0)])
@pytest.mark.parametrize(("home", "name"), [(modes, "modes"), (modes, "traced_since")])
def test_no_mode_outlasts_a_ctrl_c_as_it_begins_or_ends(
    home: Any, name: str, act: Callable[[], Any], n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(home, name, Interrupted(getattr(home, name), n))
        with contextlib.suppress(KeyboardInterrupt):
            act()
    assert recording()
    assert record.modes_in_use == 0
    assert float(Value(2.0)) == 2.0  # refused while a function is differentiated


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("setting", ["ignore", "warn", "raise"])
def test_what_numpy_does_about_errors_is_the_callers_again(
    setting: Any, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = Tensor([0.0, 1.0])
    with np.errstate(all=setting):
        before = np.geterr()
        with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
            patch.setattr(data, "_errors", Interrupted(data._errors, n))
            assert (1.0 / x).data.tolist() == [math.inf, 1.0]  # none is announced
        assert np.geterr() == before


def test_an_exception_ends_it() -> None:
    with pytest.raises(ZeroDivisionError), no_grad():
        1 // 0  # noqa: B018
    assert recording()
    with pytest.raises(KeyboardInterrupt), no_grad():
        raise KeyboardInterrupt
    assert recording()


@pytest.mark.parametrize("decorate", [no_grad, no_grad()], ids=["no_grad", "no_grad()"])
def test_functions_are_decorated_with_and_without_parentheses(decorate: Any) -> None:
    @decorate
    def f(x: Value, *, scale: float = 1.0) -> tuple[Value, bool]:
        """Say what it does."""
        return x * scale, recording()

    y, recorded = f(X, scale=3.0)
    assert (y.data, y.op, recorded) == (6.0, None, False)
    assert (f.__name__, f.__doc__) == ("f", "Say what it does.")
    assert list(inspect.signature(f).parameters) == ["x", "scale"]

    class Model:
        @decorate
        def predict(self, x: Value) -> Value:
            return x * 2.0

    assert Model().predict(X).op is None
    assert recording()


@pytest.mark.parametrize("decorate", [no_grad, no_grad()], ids=["no_grad", "no_grad()"])
def test_a_decorated_generator_leaves_its_caller_alone(decorate: Any) -> None:
    log = []

    @decorate
    def steps() -> Iterator[Any]:
        log.append(recording())
        try:
            got = yield "first"
            log.append((got, recording()))
            yield "second"
        except ValueError as error:
            log.append((str(error), recording()))
            yield "caught"
        finally:
            log.append(recording())
        return "end"

    assert inspect.isgeneratorfunction(steps)
    generator = steps()
    assert log == []
    assert next(generator) == "first"
    assert recording()
    assert generator.send("sent") == "second"
    assert recording()
    assert generator.throw(ValueError("thrown")) == "caught"
    assert recording()
    with pytest.raises(StopIteration, match="end"):
        next(generator)
    assert log == [False, ("sent", False), ("thrown", False), False]
    log.clear()
    other = steps()
    next(other)
    other.close()
    assert log == [False, False]
    assert recording()


def test_an_open_block_in_a_plain_generator_ends_with_it() -> None:
    def steps() -> Iterator[bool]:
        with no_grad():
            yield recording()

    first, second = steps(), steps()
    assert not next(first)
    assert not next(second)
    first.close()
    second.close()
    assert recording()


def test_each_thread_has_its_own() -> None:
    inside, done, seen = threading.Event(), threading.Event(), []

    def other() -> None:
        inside.wait(10.0)
        seen.append(recording())
        with no_grad():
            seen.append(recording())
        seen.append(recording())
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with no_grad():
        inside.set()
        done.wait(10.0)
        seen.append(recording())
    thread.join(timeout=60)
    assert seen == [True, False, True, False]


def test_each_task_has_its_own() -> None:
    log: dict[str, list[bool]] = {"without": [], "with": [], "decorated": [], "async generator": []}

    async def without() -> None:
        for _ in range(4):
            log["without"].append(recording())
            await asyncio.sleep(0)

    async def within() -> None:
        with no_grad():
            for _ in range(3):
                log["with"].append(recording())
                await asyncio.sleep(0)
        log["with"].append(recording())

    @no_grad
    async def decorated() -> str:
        await asyncio.sleep(0)
        log["decorated"].append(recording())
        return "result"

    @no_grad()
    async def numbers() -> AsyncIterator[int]:
        for i in range(3):
            log["async generator"].append(recording())
            await asyncio.sleep(0)
            yield i

    async def consume() -> list[bool]:
        return [recording() async for _ in numbers()]

    async def main() -> None:
        results = await asyncio.gather(without(), within(), decorated(), consume())
        assert results[2:] == ["result", [True] * 3]
        assert recording()

    asyncio.run(main())
    assert log == {
        "without": [True] * 4,
        "with": [False] * 3 + [True],
        "decorated": [False],
        "async generator": [False] * 3,
    }


def test_a_task_does_not_keep_the_mode_of_a_block_that_has_ended() -> None:
    async def late(go: asyncio.Event) -> bool:
        await asyncio.wait_for(go.wait(), timeout=60)
        with detect_nonfinite():  # another mode in use somewhere must not bring the ended one back
            return recording()

    async def main() -> bool:
        go = asyncio.Event()
        with no_grad():
            task = asyncio.create_task(late(go))
            await asyncio.sleep(0)
        go.set()
        return await task

    assert asyncio.run(main())


def test_what_is_no_function_is_not_decorated() -> None:
    for bad in (3, "f", [recording]):
        for decorate in (no_grad, no_grad(), detect_nonfinite):
            with pytest.raises(DataError, match="decorates a function, got"):
                decorate(bad)


def test_detach_cuts_one_node() -> None:
    x = Value(3.0)
    for cut in ((x * x).detach(), Tensor([9.0]).detach()):
        assert (cut.op, cut.args) == (None, ())
    y = x * (x * x).detach()
    y.backward()
    assert x.grad == 9.0
    t = Tensor([1.0, 2.0], label="t")
    d = t.detach()
    d.data += 1.0
    assert t.data.tolist() == [1.0, 2.0]


# detect_nonfinite -----------------------------------------------------------------------------------------------------


def caught(act: Callable[[], Any]) -> str:
    with pytest.raises(NonFiniteError) as error:
        act()
    assert isinstance(error.value, ArithmeticError)
    return str(error.value)


def test_the_first_bad_value_is_named_with_its_arguments_and_its_line() -> None:
    a, b = Value(1.0, label="a"), Value(0.0, label="b")
    with detect_nonfinite():
        assert caught(lambda: (a / b) * 0.0 + 1.0) == (  # here
            "div gave inf\n  arguments: Value 'a' = 1.0, Value 'b' = 0.0\n"
            f"  recorded at {__file__}:{caught.__code__.co_firstlineno + 10}: "
            "assert caught(lambda: (a / b) * 0.0 + 1.0) == (  # here"
        )
        message = caught(lambda: ops.log(a * 3.0 - 4.0))
        assert message.startswith("log gave nan\n  arguments: Value(-1.0)\n")
    assert (a / b).data == float("inf")


def test_the_first_bad_entry_of_an_array_is_named_with_its_place() -> None:
    x = Tensor([[1.0, 4.0], [0.0, -1.0]], label="x")
    with detect_nonfinite():
        message = caught(lambda: x.sqrt())
    assert message.startswith("sqrt gave nan at [1, 1] of shape (2, 2)\n  arguments: Tensor 'x' = [[")


def test_the_first_bad_gradient_is_named() -> None:
    x = Value(0.0, label="x")
    with detect_nonfinite():
        root = x.sqrt()
        y = root * 0.0
        root.label = "root"
        message = caught(y.backward)
    assert message.splitlines() == [
        "sqrt sent the gradient nan to Value 'x' (argument 1 of sqrt)",
        "  0 * inf: the upstream gradient is 0, the local derivative inf",
        "  label: root",
        "  arguments: Value 'x' = 0.0",
        f"  recorded at {__file__}:{y.source[1] - 1}: root = x.sqrt()",
    ]
    assert not x.has_grad
    assert not y.has_grad
    y.backward()
    assert np.isnan(x.grad)


def test_the_first_bad_gradient_of_an_array_is_named_with_its_place() -> None:
    x = Tensor([1.0, 0.0, 4.0], label="x")
    y = x.sqrt().sum()
    with detect_nonfinite():
        message = caught(y.backward)
    assert message.startswith("sqrt sent the gradient inf at [1] of shape (3,) to Tensor 'x' (argument 1 of sqrt)")
    assert "a line that was not noted: record inside note_lines() or detect_nonfinite()" in message


def test_a_sum_of_gradients_that_overflows_is_noticed() -> None:
    x = Value(1e-10, label="x")
    y = x * 1e308 + x * 1e308
    with detect_nonfinite():
        assert caught(y.backward).startswith("the gradient of Value 'x' became inf")


def test_transforms_are_watched_too() -> None:
    with detect_nonfinite():
        assert "sqrt sent the gradient inf" in caught(lambda: grad(lambda x: ops.sqrt(x))(0.0))
        assert "log gave -inf" in caught(lambda: grad(lambda x: ops.log(x))(0.0))
        w = Value(0.0)
        assert caught(lambda: grad(lambda x: ops.sqrt(w * x))(1.0))
    assert grad(lambda x: ops.sqrt(x))(0.0) == float("inf")


def test_finite_work_is_left_as_it_is() -> None:
    x, v = Value(2.0), Tensor([1.0, 2.0])
    with detect_nonfinite():
        y = (x * v).sum().tanh()
        y.backward()
        assert grad(grad(lambda x: x**3))(2.0) == 12.0
    x2, v2 = Value(2.0), Tensor([1.0, 2.0])
    z = (x2 * v2).sum().tanh()
    z.backward()
    assert (y.data, x.grad, v.grad.tolist()) == (z.data, x2.grad, v2.grad.tolist())


def test_a_bad_leaf_is_no_ops_fault() -> None:
    with detect_nonfinite():
        x = Value(float("nan"), label="x")
        assert caught(lambda: x * 2.0).startswith("mul gave nan\n  arguments: Value 'x' = nan, 2.0")


def test_it_sees_ops_that_no_grad_does_not_record() -> None:
    for outer, inner in ((no_grad, detect_nonfinite), (detect_nonfinite, no_grad)):
        with outer(), inner():
            assert caught(lambda: Value(0.0).log()).startswith("log gave -inf\n  arguments: Value(0.0)")


@pytest.mark.parametrize("decorate", [detect_nonfinite, detect_nonfinite()], ids=["without", "with parentheses"])
def test_it_decorates_functions_and_generators(decorate: Any) -> None:
    @decorate
    def f(x: Value) -> Value:
        return x.log()

    @decorate
    def steps(x: Value) -> Iterator[Value]:
        yield x * 2.0
        yield x.log()

    zero = Value(0.0)
    assert caught(lambda: f(zero))
    generator = steps(zero)
    next(generator)
    assert zero.log().data == float("-inf")
    assert caught(lambda: next(generator))


def test_switched_off_nothing_is_noted() -> None:
    y = X * X
    assert y.source is None
    with detect_nonfinite():
        z = X * X
    assert z.source == (__file__, inspect.currentframe().f_lineno - 1)
    assert (X * X).source is None


def test_the_line_is_the_users_and_not_a_librarys_of_ours() -> None:
    nn = pytest.importorskip("nn")
    model = nn.MLP(2, [3, 1])
    with detect_nonfinite():
        y = model([Value(1.0), Value(-1.0)])
    y = y[0] if isinstance(y, list) else y
    assert y.source == (__file__, inspect.currentframe().f_lineno - 2)
