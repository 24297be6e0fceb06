"""Without PyTorch: the engine and nn are there, and what needs it says what to install."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WITHOUT = """
import sys
sys.modules["torch"] = None
import autograd_mini, nn
print("from_torch" in dir(autograd_mini))
try:
    {call}
except autograd_mini.errors.ExtraError as error:
    print(error)
"""


@pytest.mark.parametrize("call", ["autograd_mini.from_torch(len, 1)", "nn.from_torch(None)"])
def test_it_says_what_to_install(call: str) -> None:
    code = WITHOUT.format(call=call)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert run.stdout.splitlines() == [
        "True",
        'this needs PyTorch, which is not installed: pip install "autograd-mini[torch]"',
    ], run.stderr
