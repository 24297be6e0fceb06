"""In a notebook the last expression of a cell shows its graph, with nodes named after the reader's variables."""

import subprocess
import sys

import pytest

import viz
from autograd_mini import Tensor, Value


@pytest.fixture
def shell():
    """Return the shell of a notebook without a window."""
    interactive = pytest.importorskip("IPython.core.interactiveshell", reason="IPython is not installed")
    main = sys.modules["__main__"]
    instance = interactive.InteractiveShell.instance()
    yield instance
    instance.reset()
    type(instance).clear_instance()
    sys.modules["__main__"] = main  # the shell has put its own there, which no process can be started from


def shown(shell, cell):
    """Return what the formatters make of a cell's last expression."""
    result = shell.run_cell(cell, silent=False).result
    return shell.display_formatter.format(result)[0]


def test_a_node_shows_its_graph_with_the_readers_names(shell, capsys):
    cell = "from autograd_mini import Value\nx = Value(2.0); w = Value(3.0); y = x * w; y.backward(); y"
    bundle = shown(shell, cell)
    assert bundle["text/plain"].startswith("Value(6.0")
    for name in ("x", "w", "y"):
        assert f">{name}</text>" in bundle["image/svg+xml"]


def test_draw_finds_the_names_of_a_notebook(shell, capsys):
    bundle = shown(shell, "import viz\nfrom autograd_mini import Value\nu = Value(1.0); v = u.exp(); viz.draw(v)")
    assert ">u</text>" in bundle["image/svg+xml"]
    assert "Drawing of v" in bundle["text/plain"]


def test_a_graph_that_cannot_be_drawn_shows_its_text(shell, capsys):
    later = "; ".join(f"x.data = {k}.0; -x" for k in range(2, 7))  # each recorded from, so each kept, up to a number
    cell = f"from autograd_mini import Value\nx = Value(1.0); y = x * x; {later}\ny"
    assert set(shown(shell, cell)) == {"text/plain"}


def test_without_ipython_the_scripts_variables_give_names(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    x = Value(2.0)
    monkeypatch.setattr(sys.modules["__main__"], "from_main", x, raising=False)
    assert ">from_main</text>" in x._repr_mimebundle_()["image/svg+xml"]


def test_tensors_too():
    assert "image/svg+xml" in Tensor([1.0, 2.0]).sum()._repr_mimebundle_()


def test_without_a_package_that_draws_a_node_shows_its_text(monkeypatch):
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [])
    assert Value(1.0)._repr_mimebundle_() is None


def test_the_engine_does_not_load_the_drawing_package():
    code = "import sys, autograd_mini; print([name for name in sys.modules if name.endswith(('viz', 'nn'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done
    assert viz.show_node(Value(1.0)) is not None
