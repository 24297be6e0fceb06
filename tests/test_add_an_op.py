"""One op, added as the documentation adds one, in every reader; the row is the only line that is written.

`test_typing.py` asks a type checker about it.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import autograd_mini
import nn
import viz
from autograd_mini.programs.languages.run import run_source

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
X, Y, SLOPE = 0.7, math.log(math.cosh(0.7)), math.tanh(0.7)
PRODUCT, GRADIENT = 0.7 * Y, Y + 0.7 * SLOPE  # of log_cosh(x) * x


def documented_row() -> str:
    """Return the row of the page on how to add one."""
    (row,) = re.findall(r"```python\n(log_cosh = .*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    return str(row)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the packages, and one row more in the table; signatures are written from it."""
    folder = tmp_path_factory.mktemp("copy")
    for package in (autograd_mini, nn, viz):  # from where they are installed, which may be no checkout, and read-only
        place = Path(package.__file__).parent
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(place, folder / package.__name__, ignore=ignored, copy_function=shutil.copyfile)
    table = folder / "autograd_mini" / "ops.py"
    before, heading, after = table.read_text(encoding="utf-8").partition("\n# Steps and comparisons")
    table.write_text(f"{before}{documented_row()}{heading}{after}", encoding="utf-8")
    run(folder, (ROOT / "docs" / "write_signatures.py").read_text(encoding="utf-8"))
    return folder


def run(folder: Path, code: str) -> Any:
    """Return what code prints in a process that imports the packages of a folder: its last line, as JSON."""
    places = os.pathsep.join([str(folder), str(ROOT / "tests"), os.environ["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": places},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout else None


START = """
import json
from autograd_mini import DataError, Tensor, Value, backward_steps, compile, explain, grad, gradcheck, jvp
from autograd_mini import ops
x = Value(0.7, label="x")
y = x.log_cosh() * x
"""

READERS = """
import numpy as np, table_cases, viz
from autograd_mini.text.formula import short_text
from autograd_mini.text.latex import latex
from viz.practice.levels import of_formula

row = ops.log_cosh
t = Tensor([0.0, 0.7])
t.log_cosh().sum().backward()
for args in table_cases.cases(row)[:3]:
    table_cases.check_first(row, args)
    table_cases.check_second(row, args)
try:
    row([[1.0], [1.0, 2.0]])
except DataError as error:
    refused = str(error)
program = compile(y)
arrays = compile((t.log_cosh() * t).sum(), [t])
print(json.dumps({
    "number": row(0.7), "far": row(1000.0), "array": row(np.array([0.0, 0.7])).tolist(), "gradient": t.grad.tolist(),
    "orders": [grad(row)(0.7), grad(grad(row))(0.7), jvp(row, (0.7,), (2.0,))[1]], "checked": bool(gradcheck(row, 0.7)),
    "numpy": program(np.array([0.7, 0.7]))[0].tolist(), "program": program(0.7), "arrays": arrays(np.array([0.7]*2)),
    "source": program.source, "numpy_source": program.numpy, "array_source": arrays.source,
    "latex_source": program.latex, "torch": program.torch, "jax": program.jax,
    "javascript": [program.javascript, arrays.javascript], "nodes": [n.op.name for n in backward_steps(y) if n.op],
    "formula": short_text(y), "latex": latex(y), "explained": str(explain(y)), "drawn": viz.draw_dot(y).source,
    "page": "log_cosh" in viz.player(y).html, "question": of_formula("log_cosh(x) * x", {"x": 0.7}).right,
    "refused": refused, "signatures": open("autograd_mini/signatures.py").read(),
}, default=lambda a: a.tolist()))
"""


@pytest.fixture(scope="module")
def read(copy: Path) -> dict[str, Any]:
    return dict(run(copy, START + READERS))


def close(got: Any, expected: Any) -> None:
    assert got == pytest.approx(expected, rel=1e-12)


def test_it_computes_and_differentiates_to_any_order(read: dict[str, Any]) -> None:
    close(read["number"], Y)
    close(read["far"], 1000.0 - math.log(2.0))
    close(read["array"], [0.0, Y])
    close(read["gradient"], [0.0, SLOPE])
    close(read["orders"], [SLOPE, 1.0 - SLOPE**2, 2.0 * SLOPE])
    assert read["checked"]
    assert read["refused"].startswith("log_cosh, argument 1: ")


def test_it_is_swept_explained_written_drawn_and_asked_for(read: dict[str, Any]) -> None:
    assert read["nodes"] == ["mul", "log_cosh"]
    assert read["formula"] == "log_cosh(x) * x"
    assert "log" in read["latex"]
    assert "tanh(x)" in read["explained"]
    assert "log_cosh" in read["drawn"]
    assert read["page"]
    assert f"{GRADIENT:.6g}"[:6] in read["question"]


def test_it_is_in_every_program(read: dict[str, Any]) -> None:
    close(read["program"][0], PRODUCT)
    close(read["program"][1], [GRADIENT])
    close(read["numpy"], [PRODUCT] * 2)
    close(read["arrays"][0], 2.0 * PRODUCT)
    close(read["arrays"][1][0], [GRADIENT] * 2)
    for text in (read["source"], read["numpy_source"], read["array_source"], read["torch"], read["jax"]):
        assert "def log_cosh(x):" in text
    for text in read["javascript"]:
        assert "const log_cosh = " in text
    assert "tanh" in read["latex_source"]


def test_it_is_a_method_with_a_signature(read: dict[str, Any]) -> None:
    assert "    def log_cosh(self) -> Self: ...\n" in read["signatures"]


BACKENDS = {
    "numba": """
program = compile(y, backend="numba-straight")
value, gradients = program(0.7)
print(json.dumps([value, *gradients]))""",
    "py_mini_racer": """
import py_mini_racer
from autograd_mini.programs.languages.javascript_table import table_source
with py_mini_racer.MiniRacer() as page:
    said = "const {value, gradients} = program(0.7); JSON.stringify([value, ...gradients])"
    print(page.eval(program.javascript + said))
    page.eval(table_source() + "globalThis.ROWS_OF = ROWS; globalThis.N = NUMBERS; globalThis.R = rulesOf(NUMBERS)")
    value, slope = json.loads(page.eval("JSON.stringify([N.log_cosh(0.7), R.log_cosh[0](1, N.log_cosh(0.7), 0.7)])"))
print(json.dumps([value * 0.7, slope * 0.7 + value]))""",
}


@pytest.mark.slow
@pytest.mark.parametrize("library", BACKENDS)
def test_it_runs_elsewhere(library: str, copy: Path) -> None:
    pytest.importorskip(library)
    start = START + "program = compile(y)\n"
    close(run(copy, start + BACKENDS[library]), [PRODUCT, GRADIENT])


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_it_runs_in_frameworks(framework: str, read: dict[str, Any]) -> None:
    """The scripts need nothing of the copy: they run here, where the framework may have been imported already."""
    pytest.importorskip(framework)
    value, (slope,) = run_source(read[framework])(0.7)
    close([float(value), float(slope)], [PRODUCT, GRADIENT])
