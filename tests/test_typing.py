"""What a strict type checker makes of a user's own code, and of a row that somebody has added to the packages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import test_add_an_op

copy = test_add_an_op.copy  # a fixture: the packages, with one row more

CODE = """
import numpy as np

import nn
from autograd_mini import Node, Tensor, Value, no_grad

v, t = Value(1.0, label="v"), Tensor([1.0])

def product(x: Value, y: Value) -> Value:
    return x * y + 3 / y - x.sin() ** 2

class Line(nn.Module):
    def __init__(self) -> None:
        self.slope, self.inner = Value(2.0), nn.Dense(1, 1)

    def __call__(self, x: Node) -> Node:
        return x * self.slope

@no_grad
def plain(x: Value) -> Value:
    return -abs(x)

reveal_type(v * v)
reveal_type(2 / v)
reveal_type(v ** 2 - True)
reveal_type(v * t)
reveal_type(t * v)
reveal_type(t * t + 1)
reveal_type(t * np.ones(1))
reveal_type(v * np.ones(1))
reveal_type(v * [v, v])
reveal_type(t.tanh())
reveal_type(t @ t)
reveal_type(v.log_cosh())
reveal_type(plain(v))
v += v
v.data -= 0.1 * v.grad
t.data -= 0.1 * t.grad
"""

KINDS = "Value Value Value Node Node Tensor Node Node Node Tensor Node Value Value".split()


def test_a_users_code_passes_and_a_value_stays_a_value(copy: Path) -> None:
    pytest.importorskip("mypy")
    (copy / "user.py").write_text(CODE, encoding="utf-8")
    told = subprocess.run(  # a process of its own: it ends at once, where this one would free a million objects first
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            "--follow-imports=silent",
            f"--cache-dir={os.devnull}",
            "user.py",
        ],
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert told.stderr == ""
    assert [line for line in told.stdout.splitlines() if "error:" in line] == []
    assert re.findall(r'note: Revealed type is "[\w.]*\.(\w+)"', told.stdout) == KINDS
