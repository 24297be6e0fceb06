"""Whoever holds data of before an update still has it after, however it was taken and whatever updates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tables import each

import nn
from autograd_mini import StaleError, Tensor, no_grad, ops

pytestmark = pytest.mark.filterwarnings("error")


def recorded_nowhere(take: Callable[[Tensor], Any]) -> Callable[[Tensor], Any]:
    def taken(W: Tensor) -> Any:
        with no_grad():
            return take(W)

    return taken


VIEWS: dict[str, Callable[[Tensor], Any]] = {
    "T": lambda W: W.T,
    "row": lambda W: W[0],
    "reshape": lambda W: W.reshape(-1),
    "ravel": lambda W: W.ravel(),
    "squeeze": lambda W: W[None].squeeze(),
    "expand_dims": lambda W: ops.expand_dims(W, 0),
    "broadcast_to": lambda W: ops.broadcast_to(W, (3, 2, 2)),
    "flip": lambda W: W.flip(),
    "split": lambda W: ops.split(W, 2)[1],
    "iteration": lambda W: list(W)[1],
    "swapaxes": lambda W: W.swapaxes(0, 1),
    "identity": lambda W: ops.identity(W),
    "dropout": lambda W: nn.Dropout(0.0)(W) * 1.0,
}
HELD: dict[str, Callable[[Tensor], Any]] = {
    **{f"{name} under no_grad": recorded_nowhere(take) for name, take in VIEWS.items()},
    **{f"{name}, recorded": take for name, take in VIEWS.items()},
    "data": lambda W: W.data,
    "plain array": lambda W: np.asarray(W.data),
    "part of the data": lambda W: W.data[1:],
    "transposed data": lambda W: W.data.T,
}
each_holder = each(HELD.values())

OPTIMIZERS = {
    "sgd": lambda: nn.sgd(0.5),
    "momentum": lambda: nn.sgd(0.5, momentum=0.9),
    "adam": nn.adam,
    "adamw": nn.adamw,
    "rmsprop": nn.rmsprop,
    "adagrad": nn.adagrad,
}


def seen(held: Any) -> Any:
    return np.array(getattr(held, "_data", held))


@each_holder
@each(OPTIMIZERS.values())
def test_an_optimizer_leaves_what_others_hold(make: Any, take: Any) -> None:
    W = Tensor([[1.0, 2.0], [3.0, 4.0]])
    optimizer = make()
    state = optimizer.init([W])
    for _ in range(2):
        held = take(W)
        before, numbers = seen(held), W.data.copy()
        (W * W).sum().backward()
        optimizer.update(state)
        np.testing.assert_array_equal(seen(held), before)
        assert (W.data != numbers).all()


@each_holder
@each([lambda: nn.sgd(0.1), lambda: nn.adam(0.1)])
def test_a_step_leaves_what_others_hold(make: Any, take: Any) -> None:
    model = nn.MLP(2, [2, 1], rng=0).tensors()
    W = model.parameters()[0]
    step = nn.Step(model, nn.squared_error, make())
    x, y = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[3.0], [-1.0]])
    twin = nn.MLP(2, [2, 1], rng=0).tensors()
    other = nn.Step(twin, nn.squared_error, make())
    for n in (2, 1, 2):
        held = take(W)
        before = seen(held)
        step(x[:n], y[:n])
        other(x[:n], y[:n])
        np.testing.assert_array_equal(seen(held), before)
        for p, q in zip(model.parameters(), twin.parameters()):
            np.testing.assert_array_equal(p.data, q.data)


def test_a_step_goes_on_rightly_where_somebody_holds_a_gradient() -> None:
    model, twin = (nn.MLP(2, [2, 1], rng=0).tensors() for _ in range(2))
    step, other = (nn.Step(m, nn.squared_error, nn.adam(0.1)) for m in (model, twin))
    x, y = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[3.0], [-1.0]])
    for n in (2, 1, 2, 2):
        held = model.parameters()[0].grad
        before = np.array(held)
        step(x[:n], y[:n])
        other(x[:n], y[:n])
        np.testing.assert_array_equal(held, before)
        for p, q in zip(model.parameters(), twin.parameters()):
            np.testing.assert_array_equal(p.data, q.data)


def test_a_step_and_an_optimizer_in_turns_leave_what_others_hold() -> None:
    model = nn.MLP(2, [2, 1], rng=0).tensors()
    W = model.parameters()[0]
    optimizer = nn.sgd(0.1)
    state = optimizer.init(model)
    step = nn.Step(model, nn.squared_error, optimizer, state)
    x, y = np.array([[1.0, 2.0]]), np.array([[3.0]])
    held = [W.data]
    for turn in range(4):
        before = [h.copy() for h in held]
        if turn % 2:
            nn.squared_error(model(x), y).backward()
            optimizer.update(state)
        else:
            step(x, y)
        for h, b in zip(held, before):
            np.testing.assert_array_equal(h, b)
        held.append(W.data)


def test_the_sweep_of_a_view_taken_without_a_record_is_that_of_its_numbers() -> None:
    for take in VIEWS.values():
        W = Tensor([[1.0, 2.0], [3.0, 4.0]])
        with no_grad():
            view = take(W)
        numbers = view.data.copy()
        y = (view * view).sum()
        optimizer = nn.sgd(0.5)
        (W * W).sum().backward()
        optimizer.update(optimizer.init([W]))
        try:
            y.backward()
        except StaleError:
            continue
        np.testing.assert_array_equal(view.grad, 2.0 * numbers)


def test_a_parameter_that_is_a_view_of_another_is_moved_alone() -> None:
    W = Tensor([[1.0, 2.0], [3.0, 4.0]])
    with no_grad():
        row = W[0]
    (row * row).sum().backward()
    optimizer = nn.sgd(0.5)
    optimizer.update(optimizer.init([row]))
    assert row.data.tolist() == [0.0, 0.0]
    assert W.data.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_an_update_copies_nothing_where_nobody_looks() -> None:
    W = Tensor(np.ones((4, 4)))
    optimizer = nn.sgd(0.1)
    state = optimizer.init([W])
    place = W._data.ctypes.data
    for _ in range(3):
        loss = (W * W).sum()
        loss.backward()
        optimizer.update(state)
        assert W._data.ctypes.data == place
    model = nn.MLP(3, [4, 1], rng=0).tensors()
    step = nn.Step(model, nn.squared_error)
    x, y = np.ones((2, 3)), np.ones((2, 1))
    step(x, y)
    place = model.parameters()[0]._data.ctypes.data
    for _ in range(3):
        step(x, y)
        nn.evaluate(model, x, y, loss=nn.squared_error)
    assert model.parameters()[0]._data.ctypes.data == place


@pytest.mark.parametrize("see", [lambda a: a[:], lambda a: a.reshape(2, 1), lambda a: a], ids=["slice", "shape", "own"])
def test_a_constant_is_that_of_the_recording_though_a_view_of_it_is_written_to(see: Any) -> None:
    a = np.ones(2)
    view = see(a)
    a.flags.writeable = False
    x = Tensor([1.0, 1.0])
    y = (x * a).sum() + (x * a[::-1]).sum()
    if view is a:
        a.flags.writeable = True
    view[...] = 100.0
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_the_gradient_of_a_leaf_is_its_own_whatever_rule_passed_it_on() -> None:
    passing: dict[str, Callable[[Tensor], Any]] = {
        "a sum hands it on": lambda x: x + 1.0,
        "a reshape hands on a view": lambda x: x.reshape(3, 2),
        "a transpose too": lambda x: x.T,
        "a flip too": lambda x: ops.flip(x, 0),
        "a stack hands on parts": lambda x: ops.stack([x, x])[0],
    }
    for how, f in passing.items():
        x = Tensor(np.arange(6.0).reshape(2, 3))
        y = f(x)
        ops.sum(y * y).backward()
        before = y.grad.copy()
        assert not np.shares_memory(x.grad, y.grad), how
        x.grad[0, 0] = 99.0
        assert np.array_equal(y.grad, before), how
