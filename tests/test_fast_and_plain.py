"""Both ways, the quick one for numbers and the plain one, do the same: bits, errors, births; a mutant is noticed.

With AUTOGRAD_MINI_FAST=0 in the environment every other test of the engine runs on the plain way alone.
"""

from __future__ import annotations

import inspect
import math
import operator
import os
import random
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import pytest
from threads import at_once

import autograd_mini as am
from autograd_mini import Node, Tensor, Value, fast, grad, op, ops, sweep
from autograd_mini.op import ROWS, Binary, Elementwise, Sum, Unary

POINTS = [0.0, -0.0, 1.0, -1.0, 2.0, -0.5, 0.3, 3.0, 710.0, 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan]
CONSTANTS: list[Any] = [*POINTS, 2, -1, 0, True, np.float64(0.5), np.float32(0.5), 10**400, "x", None]
MODES: list[Callable[[], Any]] = [nullcontext] * 6 + [am.note_lines, am.detect_nonfinite, am.no_grad]
SYMBOLS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.mod, operator.pow, operator.floordiv]
ALL_ROWS = [row for row in ROWS.values() if isinstance(row, (Elementwise, Sum))]


@contextmanager
def way(quick: bool) -> Iterator[None]:
    """Take the quick way or the plain one."""
    was = fast.scalar is not None
    fast.use(quick)
    try:
        yield
    finally:
        fast.use(was)


class Run:
    """One random program: what it recorded, what it said, what its sweeps left; the seed alone decides what it does."""

    def __init__(self, seed: int, row: op.Op | None = None) -> None:
        self.rng = random.Random(seed)
        self.row = row
        self.said: list[str] = []
        self.start = Value(0.0).birth
        self.nodes: list[Node] = [Value(self.rng.choice(POINTS)) for _ in range(3)]
        if self.rng.random() < 0.2:
            self.nodes.append(Tensor([0.5, -2.0, 0.0]))
        with np.errstate(all="ignore"):
            self.play()

    def play(self) -> None:
        for _ in range(self.rng.randint(2, 12)):
            with self.rng.choice(MODES)():
                self.attempt(self.step)
            if self.rng.random() < 0.05:
                [Value(0.0) for _ in range(self.rng.choice((20, 200)))]  # births between those of this program
                self.attempt(lambda: ops.add_n(self.nodes[0], self.nodes[-1]))
            if self.rng.random() < 0.05:
                self.attempt(lambda: ops.add_n(self.nodes[0], self.nodes[-1]))
                self.attempt(lambda: setattr(self.nodes[0], "data", 7.0))
                self.attempt(lambda: self.nodes[0] + self.nodes[-1])  # used before and after
        for _ in range(self.rng.randint(1, 2)):
            with self.rng.choice(MODES)():
                root = self.rng.choice(self.nodes[-3:])
                self.attempt(lambda root=root: root.backward(None if not root.ndim else np.ones(root.shape)))

    def attempt(self, act: Callable[[], Any]) -> None:
        try:
            made = act()
        except Exception as error:
            self.said.append(f"{type(error).__name__}: {error}")
        else:
            if isinstance(made, Node):
                self.nodes.append(made)
            else:
                self.said.append(repr(made))

    def step(self) -> Any:
        row = self.row if self.row and self.rng.random() < 0.5 else self.rng.choice(ALL_ROWS)
        n = self.rng.randint(1, 4) if isinstance(row, Sum) else len(row.params)
        args = [self.rng.choice(self.nodes if self.rng.random() < 0.7 else CONSTANTS) for _ in range(n)]
        style = self.rng.random()
        if style < 0.4:
            pair = [self.rng.choice(self.nodes), args[-1]]
            self.rng.shuffle(pair)
            return self.rng.choice(SYMBOLS)(*pair)
        if style < 0.5 and isinstance(args[0], Node) and isinstance(row, Unary):
            return getattr(args[0], row.name)()
        if style < 0.55:
            return row(*(0.5 if isinstance(a, Node) else a for a in args))
        return row(*args)

    @property
    def account(self) -> list[str]:
        """Everything that can be seen of it, births from its own start on."""
        places = {node: i for i, node in enumerate(self.nodes)}
        lines = []
        for node in self.nodes:
            args = [f"#{places[a]}" if isinstance(a, Node) else repr(a) for a in node.args]
            made = f"{node.birth - self.start} {node._op}({', '.join(args)}) = {node._data!r}"
            lines.append(f"{made} grad {node._grad!r}" if node.has_grad else made)
        return [*lines, *self.said, str(Value(0.0).birth - self.start)]


def differs(seed: int, row: op.Op | None = None) -> bool:
    with way(True):
        quick = Run(seed, row).account
    with way(False):
        return Run(seed, row).account != quick


@pytest.mark.parametrize("row", ALL_ROWS, ids=lambda row: row.name)
def test_on_random_graphs_both_ways_do_the_same(row: op.Op) -> None:
    for seed in range(40):
        with way(True):
            quick = Run(seed, row).account
        with way(False):
            assert Run(seed, row).account == quick, (row, seed)


def test_the_programs_meet_every_trouble() -> None:
    """What the test above would pass without having seen."""
    said = [line for seed in range(400) for line in Run(seed).account]
    for words in ("StaleError", "NonFiniteError", "RangeError", "DataError", "nan", "inf", "grad -0.0", "array("):
        assert any(words in line for line in said), words


def test_derivatives_of_functions_are_the_same_both_ways() -> None:
    def f(x: Any, y: Any) -> Any:
        return ops.tanh(x * y + x**2) / (1.0 + ops.exp(-y)) + grad(lambda t: t * x * t)(y)

    for x, y in ((0.3, -2.0), (0.0, -0.0), (1e308, 5.0), (math.nan, 1.0)):
        with way(True):
            quick = [repr(grad(f, (0, 1))(x, y)), repr(grad(grad(f))(x, y))]
        with way(False):
            assert [repr(grad(f, (0, 1))(x, y)), repr(grad(grad(f))(x, y))] == quick


def test_threads_get_the_serial_results_either_way() -> None:
    expected = [Run(seed).account[:-1] for seed in range(40)]

    def work(seed: int) -> list[str]:
        return [line.partition(" ")[2] for line in Run(seed).account[:-1]]

    for quick in (True, False):
        with way(quick):
            got = at_once(*(partial(work, seed) for seed in range(40)))
        assert got == [[line.partition(" ")[2] for line in lines] for lines in expected]


def test_what_a_rule_gives_becomes_a_float_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick way looks at what both rules gave: one of numpy's numbers goes the plain way, and becomes a float."""
    rule_x, rule_y = ops.mul.rules
    numpys = [lambda g, z, x, y, rule=rule: np.float64(rule(g, z, x, y)) for rule in (rule_x, rule_y)]
    for rules in ((rule_x, numpys[1]), (numpys[0], rule_y), numpys):
        monkeypatch.setattr(ops.mul, "rules", tuple(rules))
        for quick in (True, False):
            with way(quick):
                x, y = Value(2.0), Value(-3.0)
                (x * y).backward()
                assert [type(x.grad), x.grad, type(y.grad), y.grad] == [float, -3.0, float, 2.0]


# Mutants ----------------------------------------------------------------------------------------------------


def mutated(function: Any, old: str, new: str) -> Any:
    """Return a function with one thing in its source changed."""
    text = textwrap.dedent(inspect.getsource(function))
    assert old in text, f"{function.__name__} has changed: {old}"
    names: dict[str, Any] = {}
    source = "from __future__ import annotations\n" + text.replace(old, new)
    exec(compile(source, "<mutant>", "exec"), function.__globals__, names)
    (found,) = (names[name] for name in names if name == function.__name__)
    return found


def rebind(patch: pytest.MonkeyPatch, one: Any, two: Any) -> None:
    """Let rows and operators record by other functions."""
    for row in ROWS.values():
        if isinstance(row, Unary):
            patch.setattr(row, "method", one(row))
        elif isinstance(row, Binary):
            method, reflected = two(row)
            patch.setattr(row, "method", method)
            patch.setattr(row, "reflected", reflected)
    for name, row in (("add", ops.add), ("sub", ops.sub), ("mul", ops.mul), ("truediv", ops.div), ("pow", ops.power)):
        patch.setattr(Node, f"__{name}__", row.method)
        patch.setattr(Node, f"__r{name}__", row.reflected)


MUTANTS: list[tuple[Any, str, str]] = [
    (fast._descend, "before + dx  # THE", "dx  #"),
    (fast._share, "place <= here", "place < 0"),
    (fast._share, "dx if before is None else before + dx", "dx"),
    (fast._share, "if place < length:", "if True:"),
    (fast._descend, "x, dx, y = y, dy, none", "break"),
    (fast._descend, "dx, y = rule_x(g, node._data, x._data, y), none", "dx = dy = rule_x(g, node._data, x._data, y)"),
    (fast._descend, "rule_y(g, node._data, x, y._data)", "rule_y(g, node._data, y._data, x)"),
    (fast._descend, "rule_y(g, z, a, b)", "rule_y(g, z, b, a)"),
    (fast._descend, "place <= here", "place < 0"),
    (fast._descend, "before + dx  # of one that is older", "dx  #"),
    (fast._descend, "except ArithmeticError", "except ImportError"),
    (fast._descend, "ends.append(len(nodes))", "pass"),
    (fast._descend, "if place < length:", "if True:"),
    (fast._send, "window.wait(x)", "pass"),
    (fast.Window.wait, "self.older[x.birth] = x", "pass"),
    (fast.Window.wait, "self.nodes[self.top - x.birth] = x", "pass"),
    (fast.Window.add, "sums[place] + dx", "dx"),
    (fast.one, "y.first, y.second = x, NONE", "y.first, y.second = x, x"),
    (fast.one, "y._data, y.op = data, op", "y._data, y.op = data, identity"),
    (fast.one, "except (ArithmeticError, ValueError)", "except ImportError"),
    (fast.two, "z.first, z.second = x, y", "z.first, z.second = x, x"),
    (fast.two, "y = float(y)", "pass"),
    (fast.two, "x = float(x)", "pass"),
    (fast.two, "except (ArithmeticError, ValueError)", "except ImportError"),
    (fast.two, "= next_birth()", "= next_birth() + next_birth() * 0"),
    (fast.call_one, "op.compute(x)", "0.0"),
    (fast.call_two, "op.compute(x, y)", "0.0"),
    (sweep.sweep, "grads[arg] + c if arg in grads else c", "c"),
    (sweep.sweep, "check_fresh(node)", "pass"),
    (sweep.contributions, "op.run(i, g, z, args)", "op.run(0, g, z, args)"),
    (op.Op.apply, "kept.append(a)", "kept.append(args[i])"),
]


def put(patch: pytest.MonkeyPatch, function: Any, mutant: Any) -> None:
    if function in (fast.one, fast.two):
        rebind(patch, mutant if function is fast.one else fast.one, mutant if function is fast.two else fast.two)
    elif function is fast.call_one:
        patch.setattr(Unary, "__call__", mutant)
    elif function is fast.call_two:
        patch.setattr(Binary, "__call__", mutant)
    else:
        owner, _, _ = function.__qualname__.rpartition(".")
        home: Any = getattr(sys.modules[function.__module__], owner) if owner else sys.modules[function.__module__]
        patch.setattr(home, function.__name__, mutant)


@pytest.mark.parametrize(("function", "old", "new"), MUTANTS, ids=[f"{f.__name__}: {old}" for f, old, _ in MUTANTS])
def test_a_mutant_of_either_way_is_noticed(function: Any, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, function, mutated(function, old, new))
    assert any(differs(seed) for seed in range(400))


# The switch ----------------------------------------------------------------------------------------------------

TRACED = """
import sys
from autograd_mini import Value, fast
steps = set()
sys.settrace(lambda frame, event, arg: steps.add((frame.f_code.co_filename, frame.f_code.co_name)))
a, b = Value(2.0), Value(-3.0)
c = a * b + a**2
c.backward()
sys.settrace(None)
print(a.grad, b.grad, *sorted({name for file, name in steps if file.endswith("fast.py")}))
print(*[file for file, _ in steps if file.startswith("<") and "frozen" not in file])
"""


@pytest.mark.parametrize(("setting", "quick"), [("1", True), ("0", False)])
def test_the_switch_leaves_the_plain_way_alone(setting: str, quick: bool) -> None:
    environment = {**os.environ, "AUTOGRAD_MINI_FAST": setting}
    run = subprocess.run(
        [sys.executable, "-c", TRACED], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    numbers, generated = run.stdout.split("\n")[:2]
    assert numbers.startswith("1.0 2.0")
    assert ("_descend" in numbers) == quick
    assert generated == ""


def test_a_walk_from_backward_reaches_a_rule_of_the_table_and_every_frame_is_in_a_file() -> None:
    frames: list[tuple[str, str]] = []

    def rule(g: Any, z: Any, x: Any, y: Any) -> Any:
        frame = inspect.currentframe()
        while frame is not None:
            frames.append((frame.f_code.co_filename, frame.f_code.co_name))
            frame = frame.f_back
        return g * y

    for quick in (True, False):
        frames.clear()
        with way(quick), pytest.MonkeyPatch.context() as patch:
            patch.setattr(ops.mul, "rules", (rule, rule))
            (Value(2.0) * Value(3.0)).backward()
        names = [name for _, name in frames]
        inside = frames[: names.index("backward") + 1]
        assert all(os.path.isfile(file) for file, _ in inside)
