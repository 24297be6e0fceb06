"""`autograd_mini.nn` and `autograd_mini.viz` are `nn` and `viz`; a learner's own nn.py or viz.py breaks neither."""

import importlib
import pickle
import subprocess
import sys
from importlib.util import find_spec
from unittest.mock import patch

import pytest

import autograd_mini
import nn
import viz
from autograd_mini import Value
from autograd_mini.text.names import caller_namespace

SHOWN = """
from autograd_mini import Value
x = Value(2.0) * 3
print(*sorted(x._repr_mimebundle_()))
"""
LONGER = """
import pickle, sys
import autograd_mini.nn.losses
from autograd_mini import nn as networks
from autograd_mini.nn import *
from autograd_mini.viz import draw, player
from autograd_mini.viz.graph.svg import svg_of

assert nn.__dict__.get("MINE") == {nn_is_mine}, nn
model = MLP(2, [2, 1], "tanh", rng=0)
again = pickle.loads(pickle.dumps(model))
assert type(again) is MLP is networks.MLP is autograd_mini.nn.layers.MLP
assert autograd_mini.nn.losses.squared_error is squared_error
root = model([1.0, 2.0])
assert repr(draw(root, fold=None)).startswith("<Drawing of root"), draw(root)
assert "<svg" in player(root, model=model).html
print("fine")
"""


def run(folder, code):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(params=[[], ["nn"], ["viz"], ["nn", "viz"]], ids="+".join)
def folder(request, tmp_path):
    """Return a learner's folder with files of these names, which have nothing of ours in them."""
    for name in request.param:
        (tmp_path / f"{name}.py").write_text("MINE = True\nclass Neuron: pass\n")
    return tmp_path


def test_a_value_shows_its_graph_whatever_lies_beside_the_notebook(folder):
    assert run(folder, SHOWN) == ["image/svg+xml", "text/plain"]


def test_the_longer_names_lead_to_ours_and_the_short_ones_to_the_learners(folder):
    mine = (folder / "nn.py").exists() or None
    assert run(folder, "import nn" + LONGER.format(nn_is_mine=mine)) == ["fine"]


def test_viz_needs_no_nn(tmp_path):
    (tmp_path / "nn.py").write_text("raise ImportError('half written')")
    assert run(tmp_path, "import viz\nprint(viz.draw.__name__)") == ["draw"]


def test_both_names_lead_to_one_module():
    for package in (nn, viz):
        longer = importlib.import_module(f"autograd_mini.{package.__name__}")
        assert longer is package is getattr(autograd_mini, package.__name__)
        assert package.__spec__.name == package.__name__
    inner = importlib.import_module("autograd_mini.nn.losses")
    assert inner is nn.losses
    assert find_spec("autograd_mini.nn.files.save").name == "autograd_mini.nn.files.save"
    assert find_spec("autograd_mini.nn.nowhere") is None
    assert {"nn", "viz"} <= set(dir(autograd_mini))
    with pytest.raises(ModuleNotFoundError, match=r"nn\.nowhere"):
        importlib.import_module("autograd_mini.nn.nowhere")


def test_a_module_made_by_hand_is_not_taken_for_ours(monkeypatch):
    monkeypatch.setattr(autograd_mini, "nn", nn)  # what is there before the import puts another in its place
    with patch.dict(sys.modules, {"nn": type(sys)("nn")}):
        for name in [name for name in sys.modules if name.startswith("autograd_mini.nn")]:
            del sys.modules[name]
        ours = importlib.import_module("autograd_mini.nn")
        assert ours.MLP.__module__ == "autograd_mini.nn.layers"
        assert pickle.loads(pickle.dumps(ours.Neuron(2, rng=0))).w[0].data != 0.0


def test_names_are_those_of_a_learners_file_of_any_name():
    space = {"__name__": "nn.mine", "caller_namespace": caller_namespace, "x": Value(1.0)}
    exec(compile("found = caller_namespace()", "/home/learner/nn/mine.py", "exec"), space)
    assert space["found"]["x"] is space["x"]
