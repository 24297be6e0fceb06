"""`autograd-mini play`: one file that opens by itself, with the numbers of the engine in it."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import viz
from viz.command import main as cli
from viz.expression import record_expression

NEURON = ["tanh(w1*x1 + w2*x2 + b)", "w1=-3", "x1=2", "w2=1", "x2=0", "b=6.881373587019543"]


def record_in(page):
    (found,) = re.findall(r'<script type="application/json" id="record">(.*?)</script>', page.read_text("utf-8"), re.S)
    return json.loads(found)


def gradients_in(page):
    """Return the gradients that the page shows where no script runs, by the names on the cards."""
    cards = re.findall(r'class="name"[^>]*>([^<]*)<.*?class="value grad"[^>]*>([^<]*)<', page.read_text("utf-8"))
    return {name: float(grad) for name, grad in cards}


def test_a_page_holds_both_passes_with_the_numbers_of_the_engine(tmp_path, capsys):
    page = tmp_path / "neuron.html"
    assert cli.main(["play", *NEURON, "-o", str(page)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"wrote {str(page)!r}: a page for the browser, 16 steps\n"
    found = gradients_in(page)
    root = record_expression(NEURON[0], {name: float(x) for name, x in (value.split("=") for value in NEURON[1:])})
    root.backward()
    expected = {"w1": 1.0, "x1": -1.5, "w2": 0.0, "x2": 0.5, "b": 0.5}
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert page.read_text("utf-8") == viz.player(root, names={}).html
    assert record_in(page)["formula"] == "tanh(w1 * x1 + w2 * x2 + b)"


def test_without_an_expression_there_is_a_neuron_to_begin_with(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["play"]) == 0
    assert record_in(tmp_path / "player.html")["formula"] == "tanh(w1 * x1 + w2 * x2 + b)"
    assert gradients_in(tmp_path / "player.html")["w1"] == pytest.approx(1.0)
    assert cli.main(["play", NEURON[0]]) == 0


def test_a_graph_that_is_too_large_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("viz.command.play.PLAYABLE", 5)
    assert cli.main(["play", "x + x + x + x + x + x", "x=1"]) == 2
    assert "a graph of 6 nodes is too large to play, more than 5" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_animation_is_well_formed_and_moves(tmp_path, capsys):
    assert cli.main(["play", *NEURON, "-o", str(tmp_path / "neuron.svg")]) == 0
    assert "an animation, 16 steps" in capsys.readouterr().err
    picture = tmp_path / "neuron.svg"
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    assert "@keyframes" in picture.read_text("utf-8")
    assert "<script" not in picture.read_text("utf-8")


def test_without_a_name_the_page_has_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert cli.main(["play", "x*x", "x=3"]) == 0
        assert "wrote 'player.html'" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["player.html"]


@pytest.mark.parametrize("there_is_one", [True, False])
def test_a_browser_is_opened_on_demand(there_is_one, tmp_path, monkeypatch, capsys):
    opened = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("webbrowser.open", lambda uri: opened.append(uri) or there_is_one)
    name = "a page é.html"
    assert cli.main(["play", "x*x", "x=3", "-o", name, "--open"]) == (0 if there_is_one else cli.MISTAKE)
    assert opened == [(tmp_path / name).as_uri()]
    assert (tmp_path / name).is_file()
    assert ("open 'a page \\xe9.html' yourself" in capsys.readouterr().err) != there_is_one


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e308", "0", "5e-324"])
def test_every_value_can_be_played(value, tmp_path, capsys):
    assert cli.main(["play", "x*x/x + log(x)", f"x={value}", "-o", str(tmp_path / "a.html")]) == 0
    assert cli.main(["play", "x*x/x + log(x)", f"x={value}", "-o", str(tmp_path / "a.svg")]) == 0
    assert len(record_in(tmp_path / "a.html")["nodes"]) == 5


@pytest.mark.parametrize("expression", ["3", "x", "x*0", "x//2", "where(greater(x, 1), x, 2)"])
def test_small_and_flat_graphs_can_be_played(expression, tmp_path, capsys):
    assert cli.main(["play", expression, "x=2", "-o", str(tmp_path / "a.html")]) == 0


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["x", "x=1", "-o", "a.pdf"], "the suffix says how, one of .html, .htm, .svg, .gif"),
        (["x", "x=1", "-o", "no/such.html"], "No such file"),
        (["x", "-o", "a.html"], "'x' has no value"),
        (["sin(" * 120 + "x" + ")" * 120, "x=1", "-o", "a.svg"], "too long to watch"),
    ],
)
def test_mistakes_get_one_line_and_no_file(argv, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["play", *argv]) == 2
    assert message in capsys.readouterr().err.split("\n")[0]
    assert not list(tmp_path.iterdir())


def test_a_page_comes_from_a_pipe(tmp_path):
    command = [sys.executable, "-W", "error", "-m", "viz.command.main", "play", "-", "x=2", "-o", "page.html"]
    path = os.pathsep.join([str(Path(viz.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, input="x*x\n", capture_output=True, text=True, cwd=tmp_path, timeout=60,
                          env={"PYTHONPATH": path, "PATH": ""})  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    assert gradients_in(tmp_path / "page.html")["x"] == 4.0
