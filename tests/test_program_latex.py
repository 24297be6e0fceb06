"""Programs in LaTeX: the equations of the record and of its sweep, which parse and mean what the engine computes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from program_cases import random_record
from table_cases import ROWS, called, cases, differentiable

import autograd_mini
from autograd_mini import Tensor, Value, ops


def neuron() -> Any:
    w, x, b = Value(-3.0, label="w"), Value(2.0, label="x"), Value(6.5, label="b")
    z = w * x + b
    z.label = "z"
    a = z.tanh()
    a.label = "a"
    return autograd_mini.compile(a, [w, b, x])


def equations(program: Any) -> list[str]:
    head, *lines, tail = program.latex.split("\n")
    assert (head, tail) == (r"\begin{aligned}", r"\end{aligned}")
    return [line.removesuffix(r" \\") for line in lines]


def test_a_neuron_as_the_textbook_writes_it() -> None:
    assert equations(neuron()) == [
        r"v_{1} &= w \cdot x",
        r"z &= v_{1} + b",
        r"a &= \tanh(z)",
        r"\bar{a} &= 1",
        r"\bar{z} &= \bar{a} \cdot (1 - a \cdot a)",
        r"\bar{v_{1}} &= \bar{z}",
        r"\bar{w} &= \bar{v_{1}} \cdot x",
        r"\bar{b} &= \bar{z}",
        r"\bar{x} &= \bar{v_{1}} \cdot w",
    ]


def test_contributions_are_added_up() -> None:
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    assert equations(autograd_mini.compile(x * y - x * x, [x, y]))[-2:] == [
        r"\bar{x} &= \bar{v_{2}} \cdot x + \bar{v_{2}} \cdot x + \bar{v_{1}} \cdot y",
        r"\bar{y} &= \bar{v_{1}} \cdot x",
    ]


def parse(math: Any, line: str) -> None:
    """Parse one equation; matplotlib has no sign for the remainder and no column mark."""
    math.parse(f"${line.replace('&', '').replace(chr(92) + 'bmod', chr(92) + 'circ')}$")


def test_every_row_parses() -> None:
    mathtext = pytest.importorskip("matplotlib.mathtext")
    math = mathtext.MathTextParser("path")
    lines: dict[str, str] = {}  # of those that differ in their numbers alone, one: the parser is slow
    for row in ROWS:
        for args in cases(row)[:3]:
            root, recorded = called(row, args, differentiable(row, args) or [0])
            for line in equations(autograd_mini.compile(root, list(recorded.values()))):
                if "bmatrix" not in line:
                    lines[re.sub(r"\d+", "1", line)] = line
    for line in lines.values():
        parse(math, line)


def test_random_records_become_mathml() -> None:
    converter = pytest.importorskip("latex2mathml.converter")
    for seed in range(20):
        root, leaves = random_record(seed)
        found = converter.convert(autograd_mini.compile(root, leaves).latex)
        assert found.count("&#x0003D;") > 12


def test_each_name_is_defined_before_it_is_used() -> None:
    name = re.compile(r"\\bar\{[vx]_\{\d+\}\}|\b[vx]_\{\d+\}")
    for seed in range(20):
        root, leaves = random_record(seed)
        known = {f"x_{{{i}}}" for i in range(3)}
        for line in equations(autograd_mini.compile(root, leaves)):
            left, _, right = line.partition(" &= ")
            assert set(name.findall(right)) <= known, line
            known.add(left)


def test_a_branch_is_stated_and_labels_are_escaped() -> None:
    x = Value(2.0, label=r"\input{x}")
    with autograd_mini.Branches() as branches:
        y = x * x if x > 1.0 else -x
    text = autograd_mini.compile(y, [x], branches=branches).latex
    assert r"\text{as recorded: input\_x \textgreater{} 1}" in text
    assert r"\input" not in text


def test_arrays_have_equations_too() -> None:
    W, x = Tensor(np.ones((2, 3)), label="W"), Tensor(np.ones(3), label="x")
    lines = equations(autograd_mini.compile(ops.sum(W @ x), [W]))
    assert lines[0] == r"v_{1} &= W \, x"
    assert lines[-1].startswith(r"\bar{W} &= ")
