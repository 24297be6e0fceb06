"""The walk through the engine: what the page quotes is there, and a debugger stands where the page says."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_mini

ROOT = Path(autograd_mini.__file__).parent.parent
PAGE = ROOT / "docs" / "read_the_engine.md"
if not PAGE.exists():
    pytest.skip("the pages are not installed", allow_module_level=True)

QUOTE = re.compile(r"```\{literalinclude\} (\S+)\n((?::[\w-]+: .*\n)*)```")
QUOTES = QUOTE.findall(PAGE.read_text(encoding="utf-8"))
WALK = """\
from autograd_mini import Value
a, b = Value(2.0, label="a"), Value(-3.0, label="b")
c = a * b + a**2
c.backward()
"""


def definitions(file: Path) -> set[str]:
    """Return the functions of a file, methods with their class."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    classes = [c for c in tree.body if isinstance(c, ast.ClassDef)]
    methods = {f"{c.name}.{f.name}" for c in classes for f in c.body if isinstance(f, ast.FunctionDef)}
    return methods | {f.name for f in tree.body if isinstance(f, ast.FunctionDef)}


@pytest.mark.parametrize(("file", "options"), QUOTES)
def test_what_is_quoted_is_there(file: str, options: str) -> None:
    source = (PAGE.parent / file).resolve()
    for name, value in re.findall(r":([\w-]+): (.*)", options):
        if name == "pyobject":
            assert value in definitions(source)
        elif name in ("start-at", "end-at"):
            assert value in source.read_text(encoding="utf-8")


def test_there_are_six_stops_and_each_quotes() -> None:
    stops = re.split(r"^## (?=\d)", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]
    assert [stop[0] for stop in stops] == list("123456")
    assert all(QUOTE.search(stop) for stop in stops)


def debugged(folder: Path, commands: list[str], quick: str) -> str:
    walk = folder / "walk.py"
    walk.write_text(WALK, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pdb", str(walk)],
        input="\n".join([*commands, "q", "q"]),
        env={
            **os.environ,
            "AUTOGRAD_MINI_FAST": quick,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    return run.stdout


@pytest.mark.parametrize("quick", ["0", "1"])
def test_a_debugger_stops_in_a_rule_of_the_table(quick: str, tmp_path: Path) -> None:
    ops = ROOT / "autograd_mini" / "ops.py"
    lines = ops.read_text(encoding="utf-8").split("\n")
    line = next(i for i, text in enumerate(lines, 1) if text.startswith("mul = Binary"))
    to_the_rule = ["n", "n", "n", f"tbreak {ops}:{line}", "c", "p g, z, x, y", "where"]
    said = debugged(tmp_path, to_the_rule, quick)
    assert "(1.0, -6.0, 2.0, -3.0)" in said
    frames = re.findall(r"([^\s>]+)\((\d+)\)(\w+|<\w+>)\(\)", said.rpartition("(1.0, -6.0")[2])
    files = [Path(file) for file, _, _ in frames if file.endswith(".py") and "autograd_mini" in file]
    assert {file.name for file in files} >= {"ops.py", "sweep.py"}
    assert all(file.is_file() for file in files)
    names = [name for _, _, name in frames]
    wanted = ["backward", "gradients", "sweep", "contributions", "run"] if quick == "0" else ["backward", "_descend"]
    inside = names[names.index("backward") :]
    assert [name for name in inside if name in wanted] == wanted


def test_a_step_into_an_operator_leads_to_apply(tmp_path: Path) -> None:
    said = debugged(tmp_path, ["n", "n", "s", "n", "s", "where"], "0")
    assert "fast.py" in said
    assert "apply" in said
