"""Walking through both passes in a terminal, a step a key press."""

from __future__ import annotations

import os
import re
import select
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

from autograd_mini import AutogradError, Node
from autograd_mini.text.cells import PLAIN, Block, Row, sheet_of
from autograd_mini.text.explanation import Explanation, explain
from autograd_mini.text.formula import derivative
from autograd_mini.text.names import caller_namespace
from autograd_mini.text.numbers import cut, shown

from ..text import DASH, spelled

FORWARD, BACKWARD = "forward", "backward"
PAGE = 10  # steps of Page Up and Page Down
PATIENCE = 0.05  # seconds for the rest of an arrow key to arrive
HELP = "← → step   Home End   f b pass   number Enter   q quit"
ENTER_SCREEN, LEAVE_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # another screen, and no cursor
HOME, CLEAR_LINE, CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"
BOLD, REVERSED, NORMAL = "\x1b[1m", "\x1b[7m", "\x1b[0m"

_KEY = re.compile(r"\x1b[\[O][\d;]*[A-Za-z~]|.", re.DOTALL)
_HALF_A_KEY = re.compile(r"\x1b([\[O][\d;]*)?")
KEYS = {
    **dict.fromkeys(("\x1b[C", "\x1bOC", "\x1b[B", "\x1bOB", " ", "n", "j", "l"), "next"),
    **dict.fromkeys(("\x1b[D", "\x1bOD", "\x1b[A", "\x1bOA", "p", "k", "h", "\x7f", "\x08"), "previous"),
    **dict.fromkeys(("\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~", "g"), "first"),
    **dict.fromkeys(("\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~", "G"), "last"),
    **dict.fromkeys(("q", "Q", "\x1b", "\x04", ""), "quit"),
    **dict.fromkeys(("\r", "\n"), "enter"),
    "\x1b[6~": "page on", "\x1b[5~": "page back", "f": FORWARD, "b": BACKWARD, "\x03": "interrupt",
}  # fmt: skip
WINDOWS = {"M": "\x1b[C", "P": "\x1b[B", "K": "\x1b[D", "H": "\x1b[A", "G": "\x1b[H", "O": "\x1b[F", "Q": "\x1b[6~",
           "I": "\x1b[5~"}  # fmt: skip

Read = Callable[[], str]


class Page(NamedTuple):
    """One step: which pass it belongs to, what it says, whose step it is, and what it changes in the list of nodes.

    `changes` holds (row, column, text), the columns being 0 for data and 1 for the gradient.
    """

    phase: str
    lines: tuple[str, ...]
    row: int
    changes: tuple[tuple[int, int, str], ...]


class Walk(NamedTuple):
    """All the steps, and the nodes that they change: (name, equation) from the oldest to the root."""

    title: str
    nodes: tuple[tuple[str, str], ...]
    pages: tuple[Page, ...]


def step(root: Node, gradient: Any = None, names: Mapping[Any, Any] | None = None) -> None:
    """Walk through the forward and the backward pass in the terminal: arrow keys, Home, End, a number, q to leave.

    Without a terminal (a pipe, a notebook) the steps are printed, as by `print(explain(root))`. `gradient` is that of
    the root, as in `backward`, and `names` as in `explain`. NO_COLOR and TERM=dumb are respected. Ctrl-C leaves the
    terminal as it was.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); step(x.tanh())
    L = tanh(x) = 0.9950547536867305
    <BLANKLINE>
    1   L = tanh(x) = 0.995055             dL/dL = 1
          dL/dx = 1 - L * L = 0.00986604   1 * 0.00986604 = 0.00986604   dL/dx = 0.00986604
    <BLANKLINE>
    gradients of L
        x   0.00986603716544
    """
    if not isinstance(root, Node):
        raise StepError(f"step walks from a Value or Tensor, got {type(root).__name__}")
    told = explain(root, gradient, names=caller_namespace() if names is None else names)
    if not _at_a_terminal():
        _write(f"{told}\n")
        return
    with _screen() as read:
        _go(walk_of(told), read)


class StepError(AutogradError, TypeError):
    """Something that has no passes to walk through."""


# The steps as pages ---------------------------------------------------------------------------------------------------


def walk_of(told: Explanation) -> Walk:
    """Return the pages of both passes; the last one of the forward pass has all data, the last of all every gradient.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); [(page.phase, page.lines[0]) for page in walk_of(explain(x * x)).pages]
    [('forward', 'the leaves have their data'), ('forward', 'L = x * x = 9'), ('backward', 'dL/dL = 1'), \
('backward', 'L = x * x = 9     dL/dL = 1'), ('backward', 'L = x * x = 9     dL/dL = 1')]
    """
    steps = told.steps[::-1]
    rows = {s.node: i for i, s in enumerate(steps)}
    data = [(i, 0, shown(s.data)) for i, s in enumerate(steps)]
    given = [data[i] for i, s in enumerate(steps) if s.node.op is None]
    sheet = sheet_of(told.whole, PLAIN)
    pages = [Page(FORWARD, ("the leaves have their data", *sheet.notes), 0, tuple(given))]
    for i, s in enumerate(steps):
        if s.node.op is not None:
            pages.append(Page(FORWARD, (f"{cut(s.equation)} = {shown(s.data)}",), i, (data[i],)))
    last, upstream = len(steps) - 1, shown(told[0].upstream)
    pages.append(Page(BACKWARD, (f"{derivative(told.root, told.root)} = {upstream}",), last, ((last, 1, upstream),)))
    for block, s in zip(sheet.blocks, (s for s in told if s.contributions)):
        for row, c in zip(block.rows, s.contributions):
            total = shown(c.after) + ("" if c.complete else " ...")
            pages.append(Page(BACKWARD, _said(block, row), rows[s.node], ((rows[c.node], 1, total),)))
    return Walk(told.root, tuple((s.name, cut(s.equation)) for s in steps), tuple(pages))


def _said(block: Block, row: Row) -> tuple[str, ...]:
    return "     ".join(map(cut, block.head)), "", *map(cut, row.cells), *row.proof


# One page on the screen -----------------------------------------------------------------------------------------------


def screen_of(walk: Walk, i: int, width: int, height: int, colour: bool = False, typed: str = "") -> list[str]:
    """Return page number `i` as lines that fit into a screen: what happens, then the nodes around whose step it is.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); print(*screen_of(walk_of(explain(x.tanh())), 3, 60, 12), sep="\\n")
    step 4 of 4, backward pass of L
    <BLANKLINE>
      L = tanh(x) = 0.995055     dL/dL = 1
    <BLANKLINE>
      dL/dx = 1 - L * L = 0.00986604
      1 * 0.00986604 = 0.00986604
      dL/dx = 0.00986604
    <BLANKLINE>
      node          data       gradient
    + x             3          0.00986604
    > L = tanh(x)   0.995055   1
    ← → step   Home End   f b pass   number Enter   q quit
    """
    page = walk.pages[i]
    head = f"step {i + 1} of {len(walk.pages)}, {page.phase} pass of {walk.title}"
    said = [part for line in page.lines for part in _wrapped(f"  {line}".rstrip(), width)]
    foot = f"go to step {typed}, Enter" if typed else HELP
    room = max(height - len(said) - 4, 0)
    table = _table(walk, i, room)
    lines = [head, "", *said, "", *table][: height - 1] + [foot]
    fitted = [_fitted(line, width) for line in lines[:height]]
    return [_painted(line, k == 0) for k, line in enumerate(fitted)] if colour else fitted


def _painted(line: str, head: bool) -> str:
    return f"{BOLD}{line}{NORMAL}" if head else f"{REVERSED}{line}{NORMAL}" if line.startswith("> ") else line


def _table(walk: Walk, i: int, room: int) -> list[str]:
    """Return the list of nodes as it is after page `i`, or the part of it around the page's own node.

    That one has the mark >, and what the page has changed a +.
    """
    if room < 2:
        return []
    cells = [[DASH, DASH] for _ in walk.nodes]
    for page in islice(walk.pages, i + 1):
        for row, column, text in page.changes:
            cells[row][column] = text
    at = walk.pages[i].row
    first = max(0, min(at - (room - 1) // 2, len(cells) - room + 1))
    part = range(first, min(first + room - 1, len(cells)))
    listed = [(walk.nodes[k][1], *cells[k]) for k in part]
    widths = [max(map(_columns, column)) for column in zip(("node", "data", ""), *listed)]
    changed = {row for row, *_ in walk.pages[i].changes}
    marks = ["  ", *("> " if k == at else "+ " if k in changed else "  " for k in part)]
    rows = [("node", "data", "gradient"), *listed]
    return [mark + "   ".join(map(_padded, row, widths)).rstrip() for mark, row in zip(marks, rows)]


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _columns(cell))


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _fitted(line: str, width: int) -> str:
    """Return as much of a line as fits."""
    while _columns(line) > width:
        line = line[: max(width, 0)] if len(line) > width else line[:-1]
    return line


def _wrapped(line: str, width: int) -> Iterator[str]:
    """Yield a line in pieces that fit, each further one indented; in a very narrow terminal it is cut instead."""
    piece = _fitted(line, width)
    yield piece
    while width > PAGE and len(piece) < len(line):
        line = f"    {line[len(piece) :]}"
        piece = _fitted(line, width)
        yield piece


# Keys -----------------------------------------------------------------------------------------------------------------


def moved(walk: Walk, i: int, key: str, typed: str = "") -> int:
    """Return the page that a key leads to from page `i`; the ends are walls.

    >>> from autograd_mini import Value
    >>> walk = walk_of(explain(Value(3.0).tanh()))
    >>> [moved(walk, 1, key) for key in ("next", "previous", "first", "last", "backward")]
    [2, 0, 0, 3, 2]
    """
    last = len(walk.pages) - 1
    turn = next(k for k, page in enumerate(walk.pages) if page.phase == BACKWARD)
    number = int(typed[:9]) - 1 if typed else i + 1
    to = {
        "next": i + 1, "previous": i - 1, "first": 0, "last": last, FORWARD: 0, BACKWARD: turn,
        "page on": i + PAGE, "page back": i - PAGE, "enter": number,
    }  # fmt: skip
    return max(0, min(to.get(key, i), last))


def _go(walk: Walk, read: Read) -> None:
    """Show pages until a key says to leave."""
    i, typed = 0, ""
    while True:
        _show(walk, i, typed)
        pressed = read()
        key = KEYS.get(pressed, pressed)
        if key == "quit":
            return
        if key == "interrupt":
            raise KeyboardInterrupt
        if key.isdecimal() and key.isascii():
            typed += key
        else:
            i, typed = moved(walk, i, key, typed), ""


def _show(walk: Walk, i: int, typed: str) -> None:
    width, height = shutil.get_terminal_size()
    lines = screen_of(walk, i, width, height, "NO_COLOR" not in os.environ, typed)
    _write(HOME + "\n".join(line + CLEAR_LINE for line in lines) + CLEAR_REST)


# The terminal ---------------------------------------------------------------------------------------------------------


def _at_a_terminal() -> bool:
    def is_one(stream: Any) -> bool:
        return stream is not None and not stream.closed and stream.isatty()

    return is_one(sys.stdin) and is_one(sys.stdout) and os.environ.get("TERM") != "dumb"


def _write(text: str) -> None:
    """Write to stdout, in plain signs where its encoding does not have others."""
    sys.stdout.write(spelled(text, getattr(sys.stdout, "encoding", None)))
    sys.stdout.flush()


@contextmanager
def _screen() -> Iterator[Read]:
    """Take over the screen and the keyboard, and give both back as they were, whatever happens."""
    with _keyboard() as read:
        try:
            _write(ENTER_SCREEN)
            yield read
        finally:
            _write(LEAVE_SCREEN)


@contextmanager
def _keyboard() -> Iterator[Read]:
    """Give a function that waits for one key; the terminal is as it was afterwards."""
    try:
        import termios
        import tty
    except ImportError:  # Windows
        yield _windows_key
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        keys = _keys(terminal)
        yield lambda: next(keys, "")
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _keys(terminal: int) -> Iterator[str]:
    """Yield one key after the other, an arrow key as the characters that it sends; the end of input ends it."""
    waiting = ""
    while True:
        more = _HALF_A_KEY.fullmatch(waiting) and select.select([terminal], [], [], PATIENCE)[0]
        if not waiting or more:
            arrived = os.read(terminal, 1024).decode("utf-8", "replace")
            if not arrived:
                return
            waiting += arrived
            continue
        key = _KEY.match(waiting)[0]  # type: ignore[index]
        yield key
        waiting = waiting[len(key) :]


def _windows_key() -> str:
    """Wait for one key on Windows, where a special one is two characters."""
    import msvcrt

    getwch: Callable[[], str] = msvcrt.getwch  # type: ignore[attr-defined]
    key = getwch()
    return WINDOWS.get(getwch(), "?") if key in ("\x00", "\xe0") else key
