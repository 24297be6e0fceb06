"""The command: what it prints, what it writes, and one line and status 2 for every mistake."""

import importlib.metadata
import io
import json
import math
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from viz.command import main as cli

NEURON = ["tanh(w1*x1 + w2*x2 + b)", "w1=-3", "x1=2", "w2=1", "x2=0", "b=6.881373587019543"]
COMMAND = [sys.executable, "-c", "import sys; from viz.command.main import main; sys.exit(main())"]


def test_explain_prints_the_gradients_and_draws_them(tmp_path, capsys):
    target = tmp_path / "neuron.svg"
    assert cli.main(["explain", *NEURON, "-o", str(target)]) == 0
    printed = capsys.readouterr().out
    assert "0.7071067811865476" in printed
    gradients = dict(line.split() for line in printed.split("gradients of L")[1].split("\n") if line.strip())
    assert {name: float(g) for name, g in gradients.items()} == pytest.approx(
        {"b": 0.5, "w1": 1.0, "w2": 0.0, "x1": -1.5, "x2": 0.5}
    )
    texts = [e.text for e in ElementTree.parse(target).iter() if e.tag.endswith("text")]
    assert {"x1", "w1", "0.7071", "-1.5", "tanh"} <= set(texts)


@pytest.mark.parametrize(
    ("suffix", "start"), [(".svg", b"<svg"), (".png", b"\x89PNG"), (".dot", b"digraph"), (".SVG", b"<svg")]
)
def test_draw_writes_what_the_suffix_says(tmp_path, capsys, suffix, start):
    target = tmp_path / f"graph{suffix}"
    assert cli.main(["draw", "x*x", "x=3", "-o", str(target), "--direction", "TB"]) == 0
    assert target.read_bytes().startswith(start)
    out, err = capsys.readouterr()
    how = "the graph in DOT" if suffix == ".dot" else "laid out by graphviz-pure"
    assert out == ""
    assert err == f"wrote {str(target)!r}: {how}\n"


def test_the_expression_may_come_from_stdin(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b" x * 3\n")))
    assert cli.main(["explain", "-", "x=2"]) == 0
    assert capsys.readouterr().out.startswith("L = x * 3 = 6")


@pytest.mark.parametrize("stdin", [b"\xef\xbb\xbfx * 3", b"x\r\n*\t3\r\n"])
def test_files_from_other_systems_are_read(stdin, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
    assert cli.main(["explain", "-", "x=2"]) == 0
    assert capsys.readouterr().out.startswith("L = x * 3 = 6")


@pytest.mark.parametrize(
    "expression", ["-x", "-x**2 + 1", "-(x)", "--", "-.5*x", "-o*x", "-h/x", "-o*.5", "--(x)", "---x", "--2*x"]
)
def test_an_expression_may_start_with_a_sign(expression, capsys):
    argv = ["explain", "--", "-x", "x=2"] if expression == "--" else ["explain", expression, "x=2", "o=1", "h=1"]
    assert cli.main(argv) == 0
    assert "gradients of L" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv",
    [
        ["explain", "x*y", "--wrt", "x", "x=2", "y=3"],
        ["explain", "--wrt", "x", "x*y", "x=2", "y=3"],
        ["explain", "x*y", "x=2", "--wrt", "x", "y=3"],
        ["explain", "x*y", "x=2", "y=3", "--wrt=x"],
    ],
)
def test_values_stand_on_either_side_of_an_option(argv, capsys):
    assert cli.main(argv) == 0
    assert "x -> L" in capsys.readouterr().out


@pytest.mark.parametrize("task", cli.TASKS)
def test_every_task_has_help_with_examples_that_are_right(task, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("webbrowser.open", lambda uri: True)
    with pytest.raises(SystemExit) as exit:
        cli.main([task, "--help"])
    assert exit.value.code == 0
    examples = capsys.readouterr().out.split("examples:")[1]
    commands = re.findall(r"^  autograd-mini (.*)$", examples, re.MULTILINE)
    assert commands
    for command in commands if task in cli.EXPRESSED else ():
        few = command.replace("--variants 30", "--variants 2")  # sheets for a class take as long as they are many
        assert cli.main(shlex.split(few)) == 0, command


def test_help_and_version(capsys):
    for argv, expected in (
        (["--help"], "examples:"),
        (["explain", "--help"], "--output"),
        (["--help"], "leaky_relu"),
        (["--version"], "autograd-mini "),
    ):
        with pytest.raises(SystemExit) as exit:
            cli.main(argv)
        assert exit.value.code == 0
        assert expected in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message", "caret"),
    [
        (["explain", "tanh(q)", "x=1"], "column 6: 'q' has no value", 7),
        (["explain", "x +", "x=1"], "ends too early", 5),
        (["explain", "x.__class__", "x=1"], "'.' is not part of the language", 3),
        (["explain", ""], "empty", 2),
        (["explain", "x\ud800", "x=1"], "ud800", 3),
        (["explain", "x\x1b[31m", "x=1"], "x1b", 3),
    ],
)
def test_a_mistake_in_the_expression_gets_a_caret(argv, message, caret, capsys):
    assert cli.main(argv) == 2
    out, err = capsys.readouterr()
    lines = err.removesuffix("\n").split("\n")
    assert out == ""
    assert len(lines) == 3
    assert lines[0].startswith("autograd-mini: error: ")
    assert message in lines[0]
    assert lines[2] == " " * caret + "^"
    assert "\x1b" not in err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["explain", "x", "x=a"], "not a number"),
        (["explain", "x", "x=1", "x=2"], "given twice"),
        (["explain", "x", "sin=1"], "name of the language"),
        (["draw", "x", "x=1", "-o", "a.gif"], "suffix"),
        (["draw", "x", "x=1", "-o", "no/such/dir/a.svg"], "No such file or directory"),
        (["draw", "x", "x=1", "-o", ""], "suffix"),
        (["explain", "x", "x=1", "-o", "."], "suffix"),
        (["explain", "x", "x=1", "y"], "given as name=number"),
        (["explain", "x", "x=1", "é=1"], "names are letters a to z"),
        (["explain", "x", "pi=3"], "name of the language"),
        (["explain", "x", "x=1", "--wrt", "y"], "--wrt takes a name that has a value, one of x: got 'y'"),
        (["explain", "x", "x=1", "--wrt", ""], "one of x: got ''"),
        (["explain", "3", "--wrt", "é\x1b"], "and none has: got '\\xe9\\x1b'"),
        (["explain", "x", "x=1", "--step", "--wrt", "x"], "leave out --wrt"),
        (["draw", "x", "x=1", "y=2", "--wrt", "y"], "no path leads from 'y'"),
        (["draw", "x", "x=1", "--limit", "0"], "limit is a whole number"),
        (["draw", "x", "x=1", "--unfold", "layer"], "there is no group 'layer'"),
        (["grade", "a.py", "x=1", "--wrt", "x"], "unrecognized arguments: --wrt"),
        (["explain", "x", "x=1", "--colour"], "unrecognized arguments: --colour (see autograd-mini explain --help)"),
        (["explain", "-", "x=1"], "empty"),
        (["explain", "-" + "x" * 100_001], "more than 100,000"),
    ],
)
def test_other_mistakes_get_one_line(argv, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert cli.main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("autograd-mini: error: ")
    assert message in err.split("\n")[0]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "required"),
        (["paint", "x"], "invalid choice"),
        (["draw", "x", "x=1", "-o", "a.svg", "--format", "dot"], "not allowed with"),
        (["explain", "x", "--format", "poem"], "invalid choice"),
        (["explain"], "required: EXPRESSION ("),
        (["draw", "x", "x=1", "-o", "a.svg", "--engine", "none"], "invalid choice"),
    ],
)
def test_a_wrong_command_line_gets_one_line(argv, message, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(argv)
    err = capsys.readouterr().err
    assert exit.value.code == 2
    assert message in err
    assert err.count("\n") == 1


def test_in_a_process_a_mistake_shows_no_traceback():
    done = subprocess.run([*COMMAND, "explain", "x +", "x=1"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 3


def assert_ends_quietly(process):
    """Read no more of what a process prints: it has to end, and to say nothing of it."""
    process.stdout.close()
    process.stdout = None
    try:
        assert process.communicate(timeout=120)[1] == b""
    finally:
        process.kill()
    assert process.returncode == cli.PIPE_CLOSED


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_device_and_a_full_disk_are_reported(tmp_path, capsys):
    for task, name in (("explain", "full.json"), ("draw", "full.svg"), ("play", "full.html")):
        (tmp_path / name).symlink_to("/dev/full")
        assert cli.main([task, "x", "x=1", "-o", str(tmp_path / name)]) == 2
        err = capsys.readouterr().err
        assert "not a regular file" in err
        assert err.count("\n") == 1
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "explain", "x", "x=1"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("argv", [["explain"], ["explain", "--format", "markdown"], ["draw"], ["draw", "--whole"]])
def test_a_terminal_that_knows_only_ascii_gets_everything(argv, monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert cli.main([*argv, "sin(x) * x + x", "x=1"]) == 0
    assert b"sin(x)" in terminal.buffer.getvalue()


def test_a_closed_stdin_and_a_closed_stdout_are_told(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    assert cli.main(["explain", "-", "x=1"]) == 2
    assert "stdin, which is closed" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(["explain", "x", "x=1"]) == 2
    assert capsys.readouterr().err == "autograd-mini: error: stdout is closed\n"


# explain and draw -----------------------------------------------------------------------------------------------------


def test_paths_from_a_name_are_printed(capsys):
    assert cli.main(["explain", "x*x*y + x", "x=3", "y=2", "--wrt", "x"]) == 0
    printed = capsys.readouterr().out
    assert "3 paths from x to L" in printed
    assert "sum                  dL/dx = 6 + 6 + 1 = 13, as the sweep gives" in printed


FORMS = {
    "text": lambda text: text.startswith("L = tanh(v4) = 0.707"),
    "latex": lambda text: text.startswith("\\begin{align*}") and text.endswith("\\end{align*}\n"),
    "markdown": lambda text: text.startswith("**`L = tanh(v4)") and "| ---" in text,
    "html": lambda text: text.startswith("<!doctype html>") and text.endswith("</html>\n"),
    "json": lambda text: json.loads(text)["gradients"]["w1"] == pytest.approx(1.0),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_explanation_is_printed_in_every_form(form, capsys):
    assert cli.main(["explain", *NEURON, "--format", form]) == 0
    out, err = capsys.readouterr()
    assert FORMS[form](out)
    assert err == ""


@pytest.mark.parametrize(
    ("suffix", "form"),
    [
        (".html", "html"),
        (".htm", "html"),
        (".tex", "latex"),
        (".md", "markdown"),
        (".json", "json"),
        (".MD", "markdown"),
    ],
)
def test_an_explanation_is_written_as_the_suffix_says(suffix, form, tmp_path, capsys):
    target = tmp_path / f"neuron{suffix}"
    assert cli.main(["explain", *NEURON, "-o", str(target)]) == 0
    out, err = capsys.readouterr()
    assert FORMS[form](target.read_text(encoding="utf-8"))
    assert out == ""
    assert err == f"wrote {str(target)!r}: the explanation as {form}, 10 steps\n"
    assert cli.main(["explain", *NEURON, "-o", str(target), "--format", "text"]) == 0
    assert FORMS["text"](capsys.readouterr().out)


def test_where_there_is_no_terminal_the_steps_are_printed(capsys):
    assert cli.main(["explain", "x*x", "x=3", "--step"]) == 0
    assert "gradients of L" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "start"),
    [
        ([], " "),
        (["--format", "text"], " "),
        (["--format", "svg"], "<svg"),
        (["--format", "dot"], "digraph {"),
        (["--format", "mermaid", "--direction", "TB"], "flowchart TB"),
    ],
)
def test_a_graph_is_printed_in_every_language(argv, start, capsys):
    assert cli.main(["draw", *NEURON, *argv]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(start)
    assert "0.7071" in out
    assert err == ""


def test_a_graph_is_drawn_as_the_options_say(capsys):
    def drawn(*options):
        assert cli.main(["draw", "x*x*y + z*sin(3)", "x=3", "y=2", "z=1", "--format", "dot", *options]) == 0
        return capsys.readouterr().out

    plain = drawn()
    assert ">z<" in plain
    assert ">grad<" in plain
    assert ">grad<" not in drawn("--show", "forward")
    assert "rankdir=BT" in drawn("--direction", "BT").replace('"', "")
    options = (["--wrt", "y"], ["--legend"], ["--colour", "grad"], ["--color", "grad"], ["--show", "backward"])
    pictures = [drawn(*option) for option in options]
    assert pictures[2] == pictures[3]
    assert len({plain, *pictures}) == 5


def test_a_long_sum_is_drawn_folded_or_whole(capsys):
    text = "+".join(["sin(x)"] * 400)
    assert cli.main(["draw", text, "x=1"]) == 0
    folded = capsys.readouterr().out
    assert "Summary: " in folded
    assert folded.count("\n") < 30
    assert cli.main(["draw", text, "x=1", "--whole"]) == 0
    whole = capsys.readouterr().out
    assert "Summary: " not in whole
    assert whole.count("\n") > 800
    assert cli.main(["draw", text, "x=1", "--unfold", "sum of 399", "--limit", "50"]) == 0
    assert capsys.readouterr().out.count("\n") < 110


@pytest.mark.parametrize("task", ["explain", "draw"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e308", "-0.0", "5e-324"])
def test_every_value_is_shown(task, value, tmp_path, capsys):
    for name in ("a.svg", "a.txt", "a.mmd", "a.dot"):
        assert cli.main([task, "x*x/x - x", f"x={value}", "--wrt", "x", "-o", str(tmp_path / name)]) == 0
    shapes = [e for e in ElementTree.parse(tmp_path / "a.svg").iter() if {"x", "y", "points", "d"} & set(e.attrib)]
    assert shapes
    for shape in shapes:
        assert not re.search("nan|inf", " ".join(shape.get(key, "") for key in ("x", "y", "points", "d")))


NAMES = ["constructor", "script", "proto__", "L", "v1", "g", "d", "e", "const", "lambda", "None", "end"]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_mean_something_elsewhere_are_names(name, tmp_path, capsys):
    argv = [f"{name}*{name} + tanh({name})", f"{name}=0.5"]
    for target in ("a.svg", "a.mmd", "a.json", "a.html", "a.tex"):
        assert cli.main(["explain", *argv, "-o", str(tmp_path / target)]) == 0
    gradients = json.loads((tmp_path / "a.json").read_text())["gradients"]
    assert gradients == {name: pytest.approx(1.0 + 1.0 / math.cosh(0.5) ** 2)}


def test_no_file_is_half_written(tmp_path, capsys):
    for task, name in (("explain", "a.json"), ("draw", "a.svg"), ("play", "a.html")):
        target = tmp_path / name
        target.write_text("before")
        target.chmod(0o444)
        assert cli.main([task, "x", "x=1", "-o", str(target)]) == 2
        assert "read-only" in capsys.readouterr().err
        assert target.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    "argv", [["draw", "--format", "svg"], ["draw", "--whole"], ["explain", "--format", "json"], ["explain"]]
)
def test_a_reader_who_stops_reading_ends_every_form_quietly(argv):
    argv = [argv[0], "+".join(["x"] * 3000), "x=1", *argv[1:]]
    process = subprocess.Popen([*COMMAND, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert_ends_quietly(process)


def test_a_clone_that_is_not_installed_has_the_command_and_no_version(monkeypatch, capsys):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert cli.main(["explain", "x**2", "x=3"]) == 0
    assert "x" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("autograd-mini not installed: pip install -e .")
