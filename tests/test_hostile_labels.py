"""Labels are what people like: every printed language runs with them, and gives the engine's numbers."""

from __future__ import annotations

import json
import keyword
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from v8 import javascript

from autograd_mini import Tensor, Value, compile, explain, ops
from autograd_mini.programs.languages.listing import JAVASCRIPT_WORDS

LABELS = [
    *keyword.kwlist, *keyword.softkwlist, *JAVASCRIPT_WORDS, "async", "of", "get", "set", "undefined", "constructor",
    "__proto__", "prototype", "toString", "valueOf", "hasOwnProperty", "name", "length", "self", "window", "document",
    "np", "numpy", "torch", "jax", "jnp", "math", "tensor", "array", "zeros", "vjp", "forward", "program", "inputs",
    "value", "gradient", "gradients", "given", "nested", "shape", "data", "x_bar", "L_bar", "bar", "constant_1", "inf",
    "nan", "pi", "e", "print", "float", "sum", "max", "abs", "exp", "where", "power", "greater", "RuntimeError", "None",
    "x y", "x-y", "x*w", "dx/dy", "w[0]", "W[1][0,2]", "2nd", "a.b", "a\nb", "a\tb", "a\rb", "a\\b", "\\frac{a}{b}",
    "$x$", "x_1^2", "100%", "a&b", "#1", "~", "{", "}", "{0}", "%s", "'", '"', "'''", '"""', "*/", "//", "`", "${x}",
    "</script>", "<b>", "\u2028", "\u00e9t\u00e9", "\u03b1", "\u540d", "\U0001f600", "\u212b", "\u00aa",
    "\u0661", "\ud7ff",
    "__import__('os')", "x; y", "_", "__", "-", "()", "x" * 300,
]  # fmt: skip
CHUNKS = [LABELS[i::9] for i in range(9)]  # each a record, whose labels must not meet either


def scalar_program(labels: list[str]) -> tuple[Any, list[Any]]:
    leaves = [Value(0.1 * i - 1.0, label=label) for i, label in enumerate(labels, 1)]
    terms = [x * y + x.tanh() for x, y in pairwise(leaves)]
    root = ops.add_n(*terms) + ops.where(leaves[0] > leaves[1], leaves[2] * 2.0, leaves[3])
    return compile(root, leaves), [0.05 * i - 0.3 for i in range(len(labels))]


def array_program(labels: list[str]) -> tuple[Any, list[Any]]:
    leaves = [Tensor([0.1 * i, -1.0], label=label) for i, label in enumerate(labels, 1)]
    root = sum((x * y + x.tanh() for x, y in pairwise(leaves)), leaves[0]).sum()
    return compile(root, leaves), [[0.05 * i - 0.3, 0.5] for i in range(len(labels))]


MADE = [scalar_program, array_program]


def run(source: str) -> Any:
    names: dict[str, Any] = {}
    exec(source, names)
    return names["program"]


def alike(got: Any, expected: Any) -> bool:
    value, gradients = got
    numbers = [np.asarray(value), *map(np.asarray, gradients)]
    return all(np.allclose(a, b, rtol=1e-12, atol=0.0) for a, b in zip(numbers, [expected[0], *expected[1]]))


@pytest.mark.parametrize("make", MADE)
@pytest.mark.parametrize("labels", CHUNKS, ids=range(len(CHUNKS)))
def test_python_and_numpy_run_with_any_labels(labels: list[str], make: Any) -> None:
    program, inputs = make(labels)
    given = [np.array(x) if np.ndim(x) else x for x in inputs]
    for source in (program.source, program.numpy, program.simplified().source):
        assert alike(run(source)(*given), program(*inputs)), source


@pytest.mark.parametrize("make", MADE)
@pytest.mark.parametrize("labels", CHUNKS, ids=range(len(CHUNKS)))
def test_javascript_runs_with_any_labels(labels: list[str], make: Any, browser: Any) -> None:
    program, inputs = make(labels)
    call = f"program({', '.join(map(json.dumps, inputs))})"
    text = f"(() => {{ 'use strict'; {program.javascript}\nreturn JSON.stringify({call}); }})()"
    got = json.loads(browser.eval(text))
    assert alike((got["value"], got["gradients"]), program(*inputs)), text


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with javascript() as page:
        yield page


@pytest.mark.parametrize("make", MADE)
@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_frameworks_run_with_any_labels(framework: str, make: Any) -> None:
    pytest.importorskip(framework)
    for labels in CHUNKS[::4]:
        program, inputs = make(labels)
        got = run(getattr(program, framework))(*map(np.array, inputs))
        assert alike((np.asarray(got[0]), [np.asarray(g) for g in got[1]]), program(*inputs)), labels


@pytest.mark.parametrize("labels", CHUNKS, ids=range(len(CHUNKS)))
def test_equations_and_explanations_are_balanced_with_any_labels(labels: list[str]) -> None:
    latex = scalar_program(labels)[0].latex
    bare = latex.replace("\\\\", "").replace("\\{", "").replace("\\}", "")
    assert bare.count("{") == bare.count("}")
    assert "\n\n" not in latex
    x, y = Value(2.0, label=labels[0]), Value(0.5, label=labels[1])
    assert str(explain(x * y))
