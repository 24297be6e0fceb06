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


HEAD = "import copy, pickle, random\nfrom autograd_mini import Value\nfrom nn import MLP, Layer, Neuron\n"
PRINTED = {  # programs as people write them, and what they print with micrograd 0.1.0
    "a line fitted by hand": (
        """
data = [(0.5 * i, i - 1.0) for i in range(6)]
w, b = Value(-0.25), Value(0.0)
for _ in range(5):
    loss = Value(0.0)
    for x, y in data:
        loss = loss + (w * x + b - y) ** 2
    loss = loss * (1 / len(data))
    w.grad = 0; b.grad = 0
    loss.backward()
    w.data += -0.05 * w.grad; b.data -= 0.05 * b.grad
    print(f"{loss.data:.9f} {w.data:.9f} {b.data:.9f}")
""",
        """6.976562500 0.140625000 0.181250000
3.827307536 0.419075521 0.295546875
2.285650679 0.619427355 0.363607747
1.520899935 0.765357617 0.399818553
1.132087019 0.873319178 0.414166996
""",
    ),
    "a session at a prompt": (
        """
a, b = Value(-4.0), Value(2.0)
c = a + b; d = a * b + b**3
c += c + 1; c += 1 + c + (-a); d += d * 2 + (b + a).relu(); d += 3 * d + (b - a).relu()
e = c - d; f = e**2; g = f / 2.0; g += 10.0 / f
g.backward()
print(f"{g.data:.4f} {a.grad:.4f} {b.grad:.4f}", (2 - a).data, (2 / b).data, (1 + a).data)
""",
        """24.7041 138.8338 645.5773 6.0 1.0 -3.0
""",
    ),
    "a network of one's own classes": (
        """
random.seed(3)
class Neuron:
    def __init__(self, n): self.w = [Value(random.uniform(-1, 1)) for _ in range(n)]; self.b = Value(0)
    def __call__(self, x): return sum((wi * xi for wi, xi in zip(self.w, x)), self.b).relu()
    def parameters(self): return self.w + [self.b]
layers = [[Neuron(3) for _ in range(4)], [Neuron(4)]]
def net(x):
    for layer in layers: x = [n(x) for n in layer]
    return x[0]
params = [p for layer in layers for n in layer for p in n.parameters()]
for _ in range(3):
    loss = sum((net(x) - y) ** 2 for x, y in [([2.0, 3.0, -1.0], 1.0), ([3.0, -1.0, 0.5], -1.0)])
    for p in params: p.grad = 0.0
    loss.backward()
    for p in params: p.data += -0.01 * p.grad
    print(f"{loss.data:.9f}")
""",
        """2.000000000
2.000000000
2.000000000
""",
    ),
    "a numerical check": (
        """
def f(a, b): return ((a * b + a**2) * (b - 1.5)).relu() + a / b
a, b = Value(1.3), Value(2.2); out = f(a, b); out.backward()
for i, g in enumerate((a.grad, b.grad)):
    p = [1.3, 2.2]; q = p[:]; p[i] += 1e-6; q[i] -= 1e-6
    print(f"{g:.9f}", abs((f(*map(Value, p)).data - f(*map(Value, q)).data) / 2e-6 - g) < 1e-5)
""",
        """3.814545455 True
5.191404959 True
""",
    ),
    "a walk to the leaves": (
        """
a, b = Value(2.0), Value(3.0); c = a * b; d = c + a
def walk(v, seen):
    if v not in seen:
        seen.append(v)
        for child in sorted(v._prev, key=lambda n: n.data): walk(child, seen)
    return seen
for v in walk(d, []): print(v._op or "leaf", f"{v.data:g}", len(v._prev))
print(type(c._prev).__name__, a in c._prev)
""",
        """+ 8 2
leaf 2 0
* 6 2
leaf 3 0
set True
""",
    ),
    "sums of lists": (
        """
vs = [Value(i) for i in range(1, 6)]
s = sum(vs); m = s / len(vs); var = sum((v - m) ** 2 for v in vs) / len(vs)
var.backward()
print(f"{s.data:g} {m.data:g} {var.data:g}", [round(v.grad, 9) + 0.0 for v in vs], max(v.data for v in vs) == 5)
""",
        """15 3 2 [-0.8, -0.4, 0.0, 0.4, 0.8] True
""",
    ),
    "a network trained with zero_grad": (
        """
random.seed(1)
model = MLP(2, [3, 1])
for k in range(3):
    loss = (model([Value(1.0), Value(-2.0)]) - 1) ** 2
    model.zero_grad(); loss.backward()
    for p in model.parameters(): p.data -= 0.1 * p.grad
    print(f"{loss.data:.9f} {sum(abs(p.grad) for p in model.parameters()):.9f}")
print(model, len(model.layers[0].parameters()))
""",
        """0.081981361 4.729548825
0.035882108 2.030916117
0.002408678 0.486008479
MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(3)]] 9
""",
    ),
    "layers and neurons": (
        """
random.seed(5)
n, l = Neuron(3), Layer(3, 2, nonlin=False)
print(n, len(n.w), n.nonlin, l, [f"{o.data:.9f}" for o in l([1.0, -2.0, 0.5])])
y = n([1, 2, 3]); y.backward()
print(f"{y.data:.9f}", [f"{p.grad:g}" for p in n.parameters()])
x = Value(-1.0); x.relu().backward(); print(f"{x.grad:g}")
""",
        """ReLUNeuron(3) 3 True Layer of [LinearNeuron(3), LinearNeuron(3)] ['0.347631265', '-0.361123444']
2.984112740 ['1', '2', '3', '1']
0
""",
    ),
    "a copy of a network": (
        """
random.seed(2)
model = MLP(2, [3, 1]); other = MLP(2, [3, 1])
for p, v in zip(other.parameters(), pickle.loads(pickle.dumps([p.data for p in model.parameters()]))): p.data = v
print(model([0.5, 0.25]).data == other([0.5, 0.25]).data, f"{copy.deepcopy(model)([1.0, 2.0]).data:.9f}")
""",
        """True 1.259864777
""",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PRINTED)
def test_a_program_prints_what_it_prints_with_micrograd(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text, printed = PRINTED[name]
    exec(HEAD + text, {})
    assert capsys.readouterr().out == printed
