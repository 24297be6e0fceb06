"""The front door: what `python -m autograd_mini` says is short, and true."""

import doctest
import io
import re
import shlex
import subprocess
import sys

from autograd_mini.__main__ import HELLO
from viz.command import main as cli


def test_the_module_says_hello():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "autograd_mini"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, HELLO, "")


def test_hello_fits_on_one_screen():
    assert len(HELLO.splitlines()) <= 25
    assert max(map(len, HELLO.splitlines())) <= 100


def test_every_line_to_type_at_the_prompt_does_what_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    explained = HELLO.replace("numbers\n", "numbers\n    c = v1 + v2 = -2.0\n    ...\n")
    explained = explained.replace("viz.draw(c).save", "_ = viz.draw(c).save")  # it answers where the file is
    examples = doctest.DocTestParser().get_doctest(explained, {}, "hello", None, None)
    assert len(examples.examples) == 9
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples).failed == 0
    assert (tmp_path / "c.svg").read_bytes().startswith(b"<svg")


def test_every_command_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_engine.py").write_text("from autograd_mini import Value\n")
    commands = re.findall(r"^    autograd-mini (.*?)(?:  +\(.*)?$", HELLO, re.MULTILINE)
    assert len(commands) == 4
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    for command in commands[:3]:
        assert cli.main(shlex.split(command)) == 0
    assert "gradients of L" in capsys.readouterr().out
    assert (tmp_path / "neuron.svg").exists()
