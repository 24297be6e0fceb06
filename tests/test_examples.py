"""The digits example, run as a reader runs it, learns what it says it learns."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DIGITS = ROOT / "examples" / "digits.py"


def run(*arguments, cwd):
    command = [sys.executable, "-W", "error", str(DIGITS), *arguments]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    env = {**os.environ, "PYTHONPATH": path, "MPLBACKEND": "Agg"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def plotted(tmp_path_factory):
    """Return a run that was asked for its plots, and the folder in which it was made."""
    for module in ("sklearn", "tqdm", "matplotlib"):
        pytest.importorskip(module)
    folder = tmp_path_factory.mktemp("digits")
    return run("-o", "plots/new", cwd=folder), folder


def test_97_of_100_held_out_digits_are_read_and_both_plots_are_saved(plotted):
    done, folder = plotted
    found = re.fullmatch(r"accuracy on 450 held-out digits: (0\.\d{4}|1\.0000)\n", done.stdout)
    assert found, done.stdout
    assert float(found[1]) >= 0.97
    assert "40/40" in done.stderr, "the progress bar ends full"
    assert "loss=" in done.stderr
    saved = sorted((folder / "plots" / "new").iterdir())
    assert [file.name for file in saved] == ["digits_boundary.png", "digits_loss.png"]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in saved)


def test_the_same_seed_gives_the_same_digits_and_no_file_unasked(plotted, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(DIGITS))["main"]([])
    assert capsys.readouterr().out == plotted[0].stdout
    assert list(tmp_path.iterdir()) == []
