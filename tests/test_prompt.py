"""What a person meets at a prompt: where names are, what a mistake is answered with, what a plain terminal shows."""

from __future__ import annotations

import builtins
import copy
import io
import os
import pickle
import pydoc
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

import autograd_mini
import nn
import viz
from autograd_mini import AutogradError, DataError, NonFiniteError, Tensor, Value, detect_nonfinite, explain, ops
from viz.command.main import main
from viz.graph.draw import show_node

PLAIN = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}


def run(*words: str, env: Any = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=env, check=False, timeout=120)


def said(function: Any) -> str:
    with pytest.raises((AutogradError, AttributeError, TypeError)) as caught:
        function()
    return str(caught.value)


# Where names are ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "home"), [("exp", "autograd_mini.ops"), ("MLP", "nn"), ("draw_dot", "viz")])
def test_a_name_that_is_elsewhere_is_answered_with_its_place(name: str, home: str) -> None:
    with pytest.raises(ImportError, match=f"it is in {home}, from {home} import {name}"):
        exec(f"from autograd_mini import {name}")
    assert f"it is in {home}" in said(lambda: getattr(autograd_mini, name))
    assert not hasattr(autograd_mini, name)


def test_a_name_that_is_nowhere_gets_no_place() -> None:
    assert said(lambda: autograd_mini.nowhere) == "module 'autograd_mini' has no attribute 'nowhere'"
    with pytest.raises(ImportError, match="cannot import name 'nowhere'"):
        exec("from autograd_mini import nowhere")


def test_a_star_import_leaves_pythons_own_functions_alone() -> None:
    names: dict[str, Any] = {}
    exec("from autograd_mini import *", names)
    assert set(names) & set(dir(builtins)) <= {"__builtins__", "__doc__", "__name__"}
    assert "compile" in dir(autograd_mini)


# The command ----------------------------------------------------------------------------------------------------------


def test_the_module_does_what_the_command_does(capsys: pytest.CaptureFixture[str]) -> None:
    by_module = run("-m", "autograd_mini", "explain", "x*x", "x=2")
    assert by_module.returncode == main(["explain", "x*x", "x=2"]) == 0
    assert by_module.stdout == capsys.readouterr().out
    assert run("-m", "autograd_mini", "explain", "x*").returncode == 2
    assert run("-m", "autograd_mini").stdout.startswith("autograd_mini: see how gradients flow")


def test_a_value_that_the_expression_does_not_use_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "x*x", "x=2", "y=3"]) == 0
    assert capsys.readouterr().err == "autograd-mini: note: the expression does not use y\n"
    assert main(["explain", "x*x", "x=2"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("expression", ["a*b*a", "tanh(a) + a*b + a"])
def test_a_terminal_without_box_lines_gets_plain_signs(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (["draw", expression], ["explain", expression], ["explain", expression, "--step"]):
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(told := io.BytesIO(), encoding="ascii"))
        assert main([*words, "a=2", "b=3"]) == 0
        assert b"a" in told.getvalue()
        assert b"\\u" not in told.getvalue()
        assert b"?" not in told.getvalue()


def test_a_drawing_prints_on_any_terminal() -> None:
    code = "import viz; from autograd_mini import Value; a = Value(2.0); b = a * 3; viz.draw(b * a * b).print()"
    done = run("-c", code, env=PLAIN)
    assert done.returncode == 0, done.stderr
    assert "| b" in done.stdout


# Mistakes -------------------------------------------------------------------------------------------------------------


def test_none_is_answered_with_its_usual_cause() -> None:
    def forgets(x: Value) -> None:
        x * 2

    a = Value(1.0)
    for k, mistake in ((2, lambda: a + forgets(a)), (1, lambda: forgets(a) + a), (2, lambda: ops.maximum(a, None))):
        message = said(mistake)
        assert f"argument {k}:" in message
        assert "a function without `return` gives None" in message


def test_arguments_count_from_one_wherever_they_are_named() -> None:
    x = Value(0.0, label="x")
    assert "argument 2" in said(lambda: x * "text")
    with detect_nonfinite(), pytest.raises(NonFiniteError, match=r"\(argument 1 of sqrt\)"):
        x.sqrt().backward()


@pytest.mark.parametrize("x", [Value(0.0), Tensor([1.0, 0.0])], ids=["Value", "Tensor"])
@pytest.mark.parametrize("function", [ops.sqrt, ops.log, lambda x: x**0.5, lambda x: 1.0 / x])
def test_a_zero_that_meets_an_infinity_is_said(x: Any, function: Any) -> None:
    y = ops.sum(ops.where(x > 0.0, function(x), 0.0)) if x.ndim else ops.where(x > 0.0, function(x), 0.0)
    with detect_nonfinite(), pytest.raises(NonFiniteError) as caught:
        y.backward()
    assert "inf: the upstream gradient is 0, the local derivative" in str(caught.value)


def test_a_missing_argument_is_a_data_error() -> None:
    with pytest.raises(DataError):
        Value(None)


# PyTorch's and micrograd's words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mistake", "remedy"),
    [
        (lambda x: Value(1.0, requires_grad=True), "every node records"),
        (lambda x: Tensor([1.0], requires_grad=True), "every node records"),
        (lambda x: x.backward(retain_graph=True), "as often as you like"),
        (lambda x: x.backward(create_graph=True), "grad(grad(f))"),
        (lambda x: x.retain_grad, "x.grad"),
        (lambda x: x.register_hook, "backward_steps()"),
        (lambda x: x.grad_fn, "x.op and x.args"),
        (lambda x: x.is_leaf, "x.op is None"),
        (lambda x: x.requires_grad, "no_grad()"),
        (lambda x: nn.MLP(3, [4, 1], nonlin="tanh"), "called activation"),
        (lambda x: nn.MLP(3, [4, 1], seed=0), "called rng"),
        (lambda x: nn.Layer(3, 1, random_state=0), "called rng"),
        (lambda x: nn.MLP(3, [4, 1], speed=0), "no argument 'speed'"),
        (lambda x: nn.MLP(2, [3, 1], ["tanh"] * 3), "one for each layer, 2 here, got 3"),
        (lambda x: Value(1.0, (x,), "sin"), "Add an op"),
        (lambda x: setattr(x, "_backward", lambda: None), "Add an op"),
        (lambda x: nn.evaluate(object(), [[1.0]], [1.0], loss=nn.squared_error), "must be an nn.Module"),
    ],
)
def test_words_of_other_libraries_are_answered_with_the_remedy(mistake: Any, remedy: str) -> None:
    assert remedy in said(lambda: mistake(Value(2.0) * 3.0))


def test_micrograds_own_spellings_are_taken() -> None:
    assert repr(nn.Neuron(2, nonlin=False)) == repr(nn.Neuron(2, False)) == "LinearNeuron(2)"
    assert (nn.Neuron(nin=2).nonlin, nn.Neuron(2, False).nonlin) == (True, False)
    assert repr(nn.Layer(nin=2, nout=1, nonlin=False)) == "Layer of [LinearNeuron(2)]"
    assert repr(nn.MLP(nin=2, nouts=[2, 1])) == repr(nn.MLP(2, [2, 1]))
    layers = nn.MLP(2, [16, 16, 1], ["tanh", "tanh", "linear"]).layers
    assert [layer.activation for layer in layers] == ["tanh", "tanh", "identity"]
    assert Value(2.0, (), "op").data == Value(2.0, _children=(), _op="").data == Value(np.array([2.0])).data == 2.0
    assert nn.Neuron(2, rng=0)(map(Value, [1.0, 2.0])).data == nn.Neuron(2, rng=0)([1.0, 2.0]).data


def test_a_drawing_renders_as_graphviz_does(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    path = viz.draw_dot(Value(2.0) * 3.0).render(str(tmp_path / "g"), format="svg", view=True, cleanup=True)
    assert opened == [path]
    assert [file.name for file in tmp_path.iterdir()] == ["g.svg"]


def test_the_lectures_manual_step_is_that_step() -> None:
    a, b = Value(2.0), Value(-3.0)
    c = a * b
    o = (c + a).tanh()
    o.grad = 1.0
    for node in (o, *o.args, c):
        node._backward()
    by_hand = a.grad, b.grad
    autograd_mini.zero_grad(a, b)
    o.backward()
    assert (a.grad, b.grad) == by_hand


@pytest.mark.parametrize(("grad", "held"), [(3, 3.0), (np.float32(0.5), 0.5), (None, 0.0), (np.array(2.0), 2.0)])
def test_a_gradient_is_checked_when_it_is_assigned(grad: Any, held: float) -> None:
    x = Value(1.0, label="x")
    x.grad = 7.0
    x.grad = grad
    assert (x.grad, x.has_grad) == (held, grad is not None)
    for wrong in ("x", [1.0, 2.0], x):
        assert "the grad of Value 'x'" in said(lambda wrong=wrong: setattr(x, "grad", wrong))
    assert x.grad == held
    assert "has shape (3,)" in said(lambda: setattr(Tensor([1.0, 2.0]), "grad", np.ones(3)))


class Metres(Value):
    """A subclass with something of its own."""

    def __init__(self, data: float, unit: str = "m") -> None:
        super().__init__(data, _children=(), _op="")
        self.unit = unit


class Slotted(Tensor):
    """A subclass with a slot of its own."""

    __slots__ = ("unit",)


def test_copies_keep_what_a_subclass_has() -> None:
    slotted = Slotted([1.0, 2.0])
    slotted.unit = "km"
    for node in (Metres(2.0, "km"), slotted):
        for again in (copy.copy(node), copy.deepcopy(node), pickle.loads(pickle.dumps(node))):
            assert type(again) is type(node)
            assert again.unit == "km"


def test_a_prompt_completes_few_names_and_help_begins_with_the_useful_ones() -> None:
    few = [name for name in dir(Value(1.0)) if not name.startswith("_")]
    assert len(few) < 30
    assert {"data", "grad", "label", "backward", "tanh", "relu"} <= set(few)
    assert {"shape", "sum", "T", "reshape"} <= set(dir(Tensor([1.0]))) - set(few)
    assert "unit" in dir(Metres(1.0))
    told = pydoc.plain(pydoc.render_doc(Value)).split("Method resolution order")[0]
    for word in ("backward()", "x.grad", "explain(y)", "viz.draw(y)"):
        assert word in told


def test_a_star_import_needs_no_extra() -> None:
    code = (
        "import sys; from autograd_mini import *; from nn import *; from viz import *; "
        "print({'sklearn', 'torch', 'jax', 'matplotlib'} & set(sys.modules), MLP)"
    )
    done = run("-c", code)
    assert done.stdout.startswith("set() <class"), done.stderr
    assert {"from_jax", "from_torch"} <= set(dir(autograd_mini))
    assert {"MLPClassifier", "from_torch"} <= set(dir(nn))


# Names ----------------------------------------------------------------------------------------------------------------


def test_names_run_either_way_everywhere() -> None:
    a = Value(2.0)
    root = a * 3.0 + 1.0
    node = root.args[0]
    for names in ({node: "h", root: "out"}, {"h": node, "out": root, "other": 7}):
        assert "out = h + 1" in str(explain(root, names=names))
        assert "out" in viz.draw(root, names=names).text
        assert viz.player(root, names=names).frames.title == "out"
        assert viz.frames_of(root, names=names).title == "out"
    for reader in (explain, viz.draw, viz.player):
        assert "names maps nodes to names" in said(lambda reader=reader: reader(root, names=["a"]))


def test_explain_and_draw_name_nodes_alike() -> None:
    a, b = Value(2.0), Value(3.0)
    c = a * b
    d = c + a
    assert list(explain(d).names.values()) == ["a", "b", "c", "d"]
    assert {box.name for box in viz.draw(d).picture.boxes} == {"a", "b", "c", "d"}
    assert "dd/da" in str(explain(d, wrt="a"))


def test_a_label_that_reads_like_an_expression_gets_brackets() -> None:
    x1w1, x2w2 = Value(2.0, label="x1*w1"), Value(3.0, label="x2*w2")
    n = x1w1 * x2w2
    n.label = "x1*w1 x2*w2"
    printed = str(explain(n.tanh()))
    assert "d(x1*w1 x2*w2)/d(x1*w1)" in printed
    assert "dx1" not in printed
    assert "\\partial \\left(" in explain(n).latex
    assert "d(x1*w1 x2*w2)/d(x1*w1) receives" in viz.player(n).html


# What floods ----------------------------------------------------------------------------------------------------------


def test_a_long_explanation_says_what_it_leaves_out_and_how_to_ask_for_it() -> None:
    x = Value(1.0, label="x")
    y = x
    for _ in range(3000):
        y = y * 1.0001
    told = explain(y)
    assert len(str(told)) < 50_000
    for form in (str(told), told.markdown, told.html, told.latex):
        assert "left out: 2,800 of 3,000 steps" in form
    assert "explain(root).whole prints all" in str(told)
    assert "left out" not in str(told.whole)
    assert len(str(told.whole).splitlines()) > 6000


def test_a_bare_root_of_a_large_graph_shows_its_neighbourhood_at_once() -> None:
    model = nn.MLP(2, [16, 16, 1], rng=0)
    total = sum((1 - model([k / 50, -k / 50])).relu() for k in range(100))
    total.backward()
    start = time.process_time()
    svg = show_node(total)["image/svg+xml"]
    assert time.process_time() - start < 2.0, "0.05 s on a quiet machine"
    assert len(svg) < 150_000
    assert "viz.draw(root) folds all of them" in svg
    folded = viz.draw(total)
    assert len(folded.picture.boxes) < 60
