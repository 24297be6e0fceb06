"""The command: what it prints, what it writes, and one line and status 2 for every mistake."""

import io
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from viz import cli

NEURON = ["tanh(w1*x1 + w2*x2 + b)", "w1=-3", "x1=2", "w2=1", "x2=0", "b=6.881373587019543"]
COMMAND = [sys.executable, "-c", "import sys; from viz.cli import main; sys.exit(main())"]


def run(*argv, stdin="", env=None):
    """Run the command in a process of its own, as people do."""
    return subprocess.run(
        [*COMMAND, *argv],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        env={**os.environ, **(env or {})},
    )


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


@pytest.mark.parametrize("expression", ["-x", "-x**2 + 1", "-(x)", "--", "-.5*x"])
def test_an_expression_may_start_with_a_sign(expression, capsys):
    argv = ["explain", "--", "-x", "x=2"] if expression == "--" else ["explain", expression, "x=2"]
    assert cli.main(argv) == 0
    assert "gradients of L" in capsys.readouterr().out


def test_help_and_version(capsys):
    for argv, expected in (
        (["--help"], "examples:"),
        (["explain", "--help"], "--output"),
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
    done = run("explain", "x +", "x=1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 3


def test_a_reader_who_stops_reading_is_no_error():
    process = subprocess.Popen(
        [*COMMAND, "explain", "+".join(["x"] * 2000), "x=1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    with process:
        assert process.stderr.read() == b""
    assert process.returncode == cli.PIPE_CLOSED


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_device_and_a_full_disk_are_reported(tmp_path):
    (tmp_path / "full.svg").symlink_to("/dev/full")
    done = run("draw", "x", "x=1", "-o", str(tmp_path / "full.svg"))
    assert done.returncode == 2
    assert "not a regular file" in done.stderr
    assert done.stderr.count("\n") == 1
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "explain", "x", "x=1"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_terminal_that_knows_only_ascii_gets_an_explanation():
    done = run("explain", "sin(x)", "x=1", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "gradients of L" in done.stdout
