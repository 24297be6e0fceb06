"""micrograd's own test file passes with this engine in the place of micrograd's."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

import autograd_mini

RELEASE = "micrograd==0.1.0"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the text of test/test_engine.py from micrograd's source distribution."""
    folder = tmp_path_factory.mktemp("micrograd")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        RELEASE,
        "--no-deps",
        "--no-binary",
        ":all:",
        "-q",
        "-d",
        str(folder),
    ]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"pip took too long to fetch the source of {RELEASE}")
    if run.returncode:
        pytest.skip(f"pip could not fetch the source of {RELEASE}: {run.stderr.strip()[-200:]}")
    return read_test(next(folder.glob("micrograd*.tar.gz")))


def read_test(archive: Path) -> str:
    with tarfile.open(archive) as tar:
        (name,) = (name for name in tar.getnames() if name.endswith("test/test_engine.py"))
        member = tar.extractfile(name)
        assert member is not None
        return member.read().decode()


def test_micrograds_own_tests_pass_on_this_engine(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setitem(sys.modules, "micrograd", autograd_mini)
    monkeypatch.setitem(sys.modules, "micrograd.engine", autograd_mini)
    names: dict[str, Any] = {"__name__": "test_engine"}
    exec(compile(source, "test_engine.py", "exec"), names)
    tests = [function for name, function in names.items() if name.startswith("test_")]
    assert len(tests) == 2
    assert names["Value"] is autograd_mini.Value
    for test in tests:
        test()
