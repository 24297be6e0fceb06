"""Walking in a terminal: every key does what it says, every page fits, and the terminal is left as it was."""

from __future__ import annotations

import asyncio
import importlib
import io
import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyte
import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from autograd_mini import Node, ShapeError, StaleError, Tensor, Value, explain

walking: Any = importlib.import_module("viz.command.walk")

pytestmark = pytest.mark.filterwarnings("error")


def neuron(label: str = "w1") -> Node:
    w1, x1, b = Value(-3.0, label=label), Value(2.0, label="x1"), Value(6.5, label="b")
    return (w1 * x1 + b).tanh() * b


# The pages ------------------------------------------------------------------------------------------------------------


def test_the_pages_are_both_passes() -> None:
    told = explain(neuron())
    pages = walking.walk_of(told).pages
    forward = [page for page in pages if page.phase == "forward"]
    backward = [page for page in pages if page.phase == "backward"]
    assert pages == (*forward, *backward)
    assert [page.lines[0] for page in forward[1:]] == [
        "v1 = w1 * x1 = -6", "v2 = v1 + b = 0.5", "v3 = tanh(v2) = 0.462117", "L = v3 * b = 3.00376",
    ]  # fmt: skip
    assert len(backward) == 1 + sum(len(step.contributions) for step in told)
    assert "dL/db = 0.462117, more to come" in backward[2].lines


def test_the_last_page_has_every_gradient_and_no_more_to_come() -> None:
    told = explain(neuron())
    walk = walking.walk_of(told)
    last = "\n".join(walking.screen_of(walk, len(walk.pages) - 1, 100, 100))
    table = [line[2:].rsplit(maxsplit=2) for line in last.split("\n")[-8:-1]]
    gradients = {step.node.label: f"{step.upstream:.6g}" for step in told if step.node.label}
    assert {name: cells for name, *_, cells in table if name in gradients} == gradients
    assert " ..." not in last


def test_what_is_to_come_is_a_dash() -> None:
    walk = walking.walk_of(explain(neuron()))
    table = walking.screen_of(walk, 0, 100, 100)[5:-1]
    assert [line.split()[-1] for line in table] == ["–"] * 7


@pytest.mark.parametrize("width", [1, 2, 5, 20, 40, 80, 300])
@pytest.mark.parametrize("height", [1, 2, 3, 8, 24, 60])
@pytest.mark.parametrize("label", ["w1", "重みの名前", "e\u0301" * 30, "x" * 10**5, "\x1b[31m\x07", "\n\n"])
def test_every_page_fits_into_every_screen(width: int, height: int, label: str) -> None:
    walk = walking.walk_of(explain(neuron(label)))
    for i in range(len(walk.pages)):
        lines = walking.screen_of(walk, i, width, height)
        assert len(lines) <= height
        for line in lines:
            assert walking._columns(line) <= width
            assert line.isprintable()
        if width >= 40 and height >= 24:
            assert any(line.startswith("> ") for line in lines), "the node whose step it is"


@pytest.mark.parametrize("word", ["abc" * 30, "重" * 40, "a"])
def test_a_long_line_goes_on_below_and_loses_nothing(word: str) -> None:
    pieces = list(walking._wrapped(f"  {word}", 20))
    assert "".join(piece.strip() for piece in pieces) == word
    assert max(map(walking._columns, pieces)) <= 20


def test_a_thousand_nodes_show_the_part_around_the_step() -> None:
    node: Node = Value(1.0, label="x")
    for _ in range(1000):
        node = node + 1.0
    walk = walking.walk_of(explain(node))
    for i in (0, 500, 1000, 1500, 2001):
        lines = walking.screen_of(walk, i, 80, 24)
        assert len(lines) <= 24
        assert sum(line.startswith("> ") for line in lines) == 1


def test_arrays_and_proofs_are_shown() -> None:
    walk = walking.walk_of(explain(Tensor([1.0, 2.0, 3.0], label="x").softmax(), [1.0, 0.0, 0.0]))
    last = "\n".join(walking.screen_of(walk, len(walk.pages) - 1, 120, 40))
    assert "J^T g =" in last
    assert "= the vjp" in last


def test_colour_marks_the_head_and_the_node_and_changes_no_word() -> None:
    walk = walking.walk_of(explain(neuron()))
    plain, painted = (walking.screen_of(walk, 6, 80, 24, colour) for colour in (False, True))
    assert [re.sub(r"\x1b\[\d*m", "", line) for line in painted] == plain
    assert painted != plain


# The keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "typed", "to"),
    [
        ("next", "", 4), ("previous", "", 2), ("first", "", 0), ("last", "", 12), ("forward", "", 0),
        ("backward", "", 5), ("page on", "", 12), ("page back", "", 0), ("enter", "7", 6), ("enter", "0", 0),
        ("enter", "999999999999999999", 12), ("enter", "", 4), ("z", "", 3), ("z", "5", 3),
    ],
)  # fmt: skip
def test_where_keys_lead(key: str, typed: str, to: int) -> None:
    walk = walking.walk_of(explain(neuron()))
    assert len(walk.pages) == 13
    assert walking.moved(walk, 3, key, typed) == to


def test_the_ends_are_walls() -> None:
    walk = walking.walk_of(explain(neuron()))
    assert walking.moved(walk, 0, "previous") == 0
    assert walking.moved(walk, 12, "next") == 12


def walked(keys: str) -> tuple[int, str, str]:
    """Walk with these keys, in a terminal that is none, and return the step, how it ended, and what was drawn."""
    drawn, place = io.StringIO(), walking.Place()
    output = Vt100_Output(drawn, lambda: Size(rows=24, columns=80), term="xterm")
    end = "left"
    with create_pipe_input() as given, create_app_session(input=given, output=output):
        given.send_text(keys)
        try:
            walking._full_screen(walking.walk_of(explain(neuron())), place)
        except KeyboardInterrupt:
            end = "interrupted"
    return place.i + 1, end, drawn.getvalue()


ESCAPES = {"right": "\x1b[C", "left": "\x1b[D", "down": "\x1bOB", "up": "\x1b[A", "home": "\x1b[H", "end": "\x1b[F",
           "page up": "\x1b[5~", "page down": "\x1b[6~", "vt home": "\x1b[1~", "vt end": "\x1b[4~"}  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "to"),
    [
        ("", 1), ("right", 2), ("down", 2), ("end left", 12), ("end up", 12), ("end home", 1), ("page down", 11),
        ("end page up", 3), ("vt end vt home right", 2), ("n j l space", 5), ("n n p", 2), ("n n k", 2), ("n n h", 2),
        ("n n rubout", 2), ("G", 13), ("G g", 1), ("b", 6), ("b f", 1), ("7 enter", 7), ("1 2 enter", 12),
        ("4 2 enter", 13), ("7 n enter", 3), ("7 n p", 1), ("z é", 1),
    ],
)  # fmt: skip
def test_what_a_key_of_a_terminal_does(keys: str, to: int) -> None:
    names = re.findall("page up|page down|vt home|vt end|\\w+", keys)
    sent = {**ESCAPES, "space": " ", "rubout": "\x7f", "enter": "\r"}
    assert walked("".join(sent.get(name, name) for name in names) + "q")[:2] == (to, "left")


@pytest.mark.parametrize(
    ("key", "end"), [("q", "left"), ("Q", "left"), ("\x04", "left"), ("\x1b", "left"), ("\x03", "interrupted")]
)
def test_how_a_key_ends_the_walk(key: str, end: str) -> None:
    step, how, drawn = walked(f"n{key}")
    assert (step, how) == (2, end)
    assert drawn.index("\x1b[?1049h") < drawn.index("\x1b[?1049l"), "the screen is given back"


def test_a_walk_where_an_event_loop_runs() -> None:
    async def asked() -> tuple[int, str, str]:
        return walked("nq")

    assert asyncio.run(asked())[:2] == (2, "left")


# Without prompt_toolkit -----------------------------------------------------------------------------------------------


def by_lines(lines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[int]:
    """Return the numbers of the steps that lines of input lead to."""
    given = iter(lines)

    def answer(prompt: str) -> str:
        try:
            return next(given)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr(walking, "_at_a_terminal", lambda: True)
    walking.step(neuron())
    return [int(number) for number in re.findall(r"^step (\d+) of 13,", capsys.readouterr().out, re.MULTILINE)]


@pytest.mark.parametrize(
    ("lines", "steps"),
    [
        ([], [1]), (["", "", "p"], [1, 2, 3, 2]), (["12", "n", "n"], [1, 12, 13, 13]), (["b", " f "], [1, 6, 1]),
        (["q", ""], [1]), (["what?", "0", "9" * 30], [1, 1, 1, 13]),
    ],
)  # fmt: skip
def test_without_prompt_toolkit_a_line_leads_on(
    lines: list[str], steps: list[int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert by_lines(lines, monkeypatch, capsys) == steps


# Without a terminal ---------------------------------------------------------------------------------------------------


def test_without_a_terminal_the_steps_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    root = neuron()
    walking.step(root)
    assert capsys.readouterr().out == f"{explain(root, names={root: 'root'})}\n"
    assert walking.step(neuron(), 2.0, names={}) is None
    assert "dL/dL = 2" in capsys.readouterr().out


def test_what_stdout_cannot_write_is_a_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    walking.step(neuron("é重"))
    assert b"v1 = ?? * x1" in raw.getvalue()


@pytest.mark.parametrize("stream", [None, "closed"])
def test_a_missing_stdin_is_no_terminal(
    stream: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = None
    if stream:
        missing = io.StringIO()
        missing.close()
    monkeypatch.setattr(sys, "stdin", missing)
    walking.step(neuron())
    assert "gradients of L" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("root", "gradient", "kind", "words"),
    [
        (3.0, None, walking.StepError, "Value or Tensor"),
        (Tensor([1.0, 2.0]), None, ShapeError, "needs the gradient"),
    ],
)
def test_bad_arguments(root: Any, gradient: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        walking.step(root, gradient)


def test_a_record_is_walked_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    x = Value(2.0, label="x")
    y = x * x
    x.data = 3.0
    walking.step(y)
    assert "as recorded, with x = 2; it is 3 now" in capsys.readouterr().out
    for _ in range(4):  # states from which something was recorded: more than are kept
        x.data = 4.0
        x + 1.0
    with pytest.raises(StaleError):
        walking.step(y)


# In a terminal --------------------------------------------------------------------------------------------------------

OWN_TERMINAL = "import os; os.close(os.open(os.ttyname(0), os.O_RDWR))\n"  # the first that a session opens is its own
PROGRAM = """
import sys
from autograd_mini import Value
from importlib import import_module
a, b = Value(2.0, label="a"), Value(-3.0, label="b")
try:
    import_module("viz.command.walk").step((a * b + a.tanh()) * a)
except KeyboardInterrupt:
    print("interrupted")
print("done")
"""
WAIT = 30.0  # seconds for a page to come, in the slowest of surroundings


class Terminal:
    """A child with a terminal of its own."""

    def __init__(self, rows: int = 24, columns: int = 80, **environment: str) -> None:
        fcntl, termios, pty = (pytest.importorskip(name) for name in ("fcntl", "termios", "pty"))
        import struct

        self.termios = termios
        self.end, self.far = pty.openpty()
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.far)
        own = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "LINES", "COLUMNS")}
        root = str(Path(walking.__file__).parent.parent)
        self.child = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL + PROGRAM], stdin=self.far, stdout=self.far, stderr=self.far, cwd=root,
            env={**own, "TERM": "xterm", **environment}, start_new_session=True,
        )  # fmt: skip
        self.seen = ""
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.Stream(self.screen)

    def until(self, words: str) -> str:
        """Return what is written until `words` stand on the screen, or, where they are an escape, are written."""
        start = len(self.seen)
        while words not in (self.seen[start:] if words.startswith("\x1b") else "\n".join(self.screen.display)):
            assert select.select([self.end], [], [], WAIT)[0], f"no {words!r} on {self.screen.display}"
            arrived = os.read(self.end, 65536).decode()
            self.stream.feed(arrived)
            self.seen += arrived
        return self.seen

    def press(self, keys: str) -> None:
        os.write(self.end, keys.encode())

    def close(self) -> None:
        """Assert that the child has left the terminal as it was."""
        self.until("done")
        assert self.child.wait(WAIT) == 0
        assert self.termios.tcgetattr(self.far) == self.before
        os.close(self.far)
        os.close(self.end)


@pytest.fixture
def terminal(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    made = Terminal(**getattr(request, "param", {}))
    yield made
    made.child.kill()
    made.child.wait(WAIT)


def test_walking_with_the_arrow_keys(terminal: Terminal) -> None:
    terminal.until("step 1 of 13")
    assert "\x1b[?1049h" in terminal.seen
    terminal.press("\x1b[C")
    terminal.until("step 2 of 13")
    terminal.until("v1 = a * b = -6")
    terminal.press("\x1b[F")
    terminal.until("step 13 of 13, backward pass of L")
    terminal.press("\x1b[D")
    terminal.until("step 12 of 13")
    terminal.press("f")
    terminal.until("step 1 of 13, forward pass of L")
    terminal.press("b")
    terminal.until("step 6 of 13, backward pass of L")
    terminal.press("1")
    terminal.until("go to step 1")
    terminal.press("0\r")
    terminal.until("step 10 of 13")
    terminal.press("q")
    terminal.until("\x1b[?1049l")
    terminal.close()


def test_ctrl_c_gives_the_terminal_back(terminal: Terminal) -> None:
    terminal.until("step 1 of 13")
    terminal.press("\x1b[C")
    terminal.until("step 2 of 13")
    terminal.press("\x03")
    terminal.until("interrupted")
    assert "\x1b[?1049l" in terminal.seen
    terminal.close()


@pytest.mark.parametrize("key", ["\x04", "\x1b", "Q"], ids=["end of input", "escape", "Q"])
def test_ways_to_leave(terminal: Terminal, key: str) -> None:
    terminal.until("step 1 of 13")
    terminal.press(key)
    terminal.close()


@pytest.mark.parametrize("terminal", [{"NO_COLOR": "1"}], indirect=True)
def test_no_color_is_respected(terminal: Terminal) -> None:
    terminal.until("step 1 of 13")
    terminal.press("q")
    written = terminal.until("done")
    assert not re.search(r"\x1b\[(?!0m)[\d;]+m", written)
    terminal.close()


@pytest.mark.parametrize("terminal", [{"TERM": "dumb"}], indirect=True)
def test_a_dumb_terminal_gets_the_text(terminal: Terminal) -> None:
    written = terminal.until("gradients of L")
    assert "\x1b" not in written
    assert "dL/dL = 1" in written
    terminal.close()


@pytest.mark.parametrize("terminal", [{"rows": 6, "columns": 18}], indirect=True)
def test_a_tiny_terminal(terminal: Terminal) -> None:
    terminal.until("step 1 of 13")
    terminal.press("\x1b[C\x1b[C\x1b[F")
    terminal.until("step 13 of 13")
    assert all(line.isprintable() for line in terminal.screen.display)
    terminal.press("q")
    terminal.close()
