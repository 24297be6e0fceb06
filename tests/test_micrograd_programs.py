"""Programs of the kinds that people wrote for micrograd: loops, classifiers, drawings, subclasses, by other means."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

import viz
from autograd_mini import Value
from nn import MLP, Neuron

POINTS = [([0.0, 0.0], -1.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], -1.0)]


def test_a_line_is_fitted_by_hand_as_by_least_squares() -> None:
    xs, ys = [0.0, 1.0, 2.0, 3.0], [1.1, 2.9, 5.2, 6.8]
    m, c = Value(0.0), Value(0.0)
    for _ in range(600):
        loss = sum((m * x + c - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        m.grad = c.grad = 0.0
        loss.backward()
        m.data -= 0.1 * m.grad
        c.data -= 0.1 * c.grad
    assert (m.data, c.data) == pytest.approx(tuple(np.polyfit(xs, ys, 1)), rel=1e-9)


def test_newtons_method_by_gradients_of_a_value() -> None:
    x = 2.0
    for _ in range(8):
        v = Value(x)
        f = v**3 - 2.0 * v - 5.0
        f.backward()
        x -= f.data / v.grad
    assert x**3 - 2.0 * x - 5.0 == pytest.approx(0.0, abs=1e-12)


def test_a_classifier_learns_exclusive_or_with_a_hinge_and_a_penalty() -> None:
    random.seed(1)
    model = MLP(2, [8, 1], activation="tanh", rng=1)
    for k in range(200):
        scores = [model(list(map(Value, x))) for x, _ in POINTS]
        losses = [(1 + -y * s).relu() for (_, y), s in zip(POINTS, scores)]
        penalty = 1e-4 * sum(p * p for p in model.parameters())
        total = sum(losses) * (1.0 / len(losses)) + penalty
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / 200) * 0.3 * p.grad
    assert [(model(x).data > 0.0) == (y > 0.0) for x, y in POINTS] == [True] * 4


def test_batches_and_momentum_written_out_are_the_arithmetic_they_say() -> None:
    w, velocity, expected, speed = Value(4.0), 0.0, 4.0, 0.0
    for _ in range(20):
        loss = (w - 1.0) ** 2
        w.grad = 0.0
        loss.backward()
        velocity = 0.9 * velocity - 0.05 * w.grad
        w.data += velocity
        speed = 0.9 * speed - 0.05 * 2.0 * (expected - 1.0)
        expected += speed
    assert w.data == pytest.approx(expected, rel=1e-12)


def test_a_drawing_of_the_step_just_made_names_what_was_drawn(tmp_path: Any) -> None:
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    loss = (a * b + 10.0).tanh()
    loss.label = "L"
    loss.backward()
    for p in (a, b):
        p.data -= 0.1 * p.grad
    source = viz.draw_dot(loss).source
    assert all(label in source for label in ("a", "b", "L"))
    assert "-3" in source


def test_a_subclass_that_composes_ops_has_their_gradient() -> None:
    class Angle(Value):
        def versine(self) -> Any:
            return 1.0 - self.cos()

    x = Angle(0.7)
    (x.versine() * 2.0).backward()
    assert x.grad == pytest.approx(2.0 * math.sin(0.7), rel=1e-14)


def test_a_neurons_gradients_are_those_of_finite_differences() -> None:
    neuron = Neuron(3, "tanh", rng=0)
    x = [0.5, -1.5, 2.0]
    neuron(x).backward()
    for p in neuron.parameters():
        there, h = p.data, 1e-6
        p.data = there + h
        above = neuron(x).data
        p.data = there - h
        assert p.grad == pytest.approx((above - neuron(x).data) / (2.0 * h), rel=1e-6, abs=1e-9)
        p.data = there
