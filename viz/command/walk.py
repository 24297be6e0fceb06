"""Walking through both passes in a terminal, a step a key press."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from autograd_mini import AutogradError, Node
from autograd_mini.text.cells import PLAIN, Block, Row, cells_of
from autograd_mini.text.explanation import Explanation, explain
from autograd_mini.text.formula import derivative
from autograd_mini.text.names import caller_namespace
from autograd_mini.text.numbers import cut, shown

from ..text import DASH, spelled

FORWARD, BACKWARD = "forward", "backward"
PAGE = 10  # steps of Page Up and Page Down
HELP = "← → step   Home End   f b pass   number Enter   q quit"
LINE_HELP = "Enter: on, p: back, f b: a pass, a number: that step, q: quit > "
BOLD, REVERSED, NORMAL = "\x1b[1m", "\x1b[7m", "\x1b[0m"
KEYS = {  # what prompt_toolkit calls the keys, and what they do
    **dict.fromkeys(("right", "down", " ", "n", "j", "l"), "next"),
    **dict.fromkeys(("left", "up", "p", "k", "h", "c-h"), "previous"),
    **dict.fromkeys(("home", "g"), "first"),
    **dict.fromkeys(("end", "G"), "last"),
    **dict.fromkeys(("q", "Q", "escape", "c-d"), "quit"),
    "pagedown": "page on", "pageup": "page back", "f": FORWARD, "b": BACKWARD, "c-m": "enter", "c-j": "enter",
    "c-c": "interrupt",
}  # fmt: skip
ENDS: dict[str, type[BaseException]] = {"quit": EOFError, "interrupt": KeyboardInterrupt}


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

    Keys need prompt_toolkit, which IPython brings (`pip install "autograd-mini[terminal]"`); without it a line of input
    leads to each further step. Without a terminal (a pipe, a notebook) the steps are printed, as by
    `print(explain(root))`. `gradient` is that of the root, as in `backward`, and `names` as in `explain`. NO_COLOR and
    TERM=dumb are respected. Ctrl-C leaves the terminal as it was.

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
    _go(walk_of(told))


class StepError(AutogradError, TypeError):
    """What has no forward and backward pass to walk through: anything but a node."""


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
    table = cells_of(told.whole, PLAIN)
    pages = [Page(FORWARD, ("the leaves have their data", *table.notes), 0, tuple(given))]
    for i, s in enumerate(steps):
        if s.node.op is not None:
            pages.append(Page(FORWARD, (f"{cut(s.equation)} = {shown(s.data)}",), i, (data[i],)))
    last, upstream = len(steps) - 1, shown(told[0].upstream)
    pages.append(Page(BACKWARD, (f"{derivative(told.root, told.root)} = {upstream}",), last, ((last, 1, upstream),)))
    for block, s in zip(table.blocks, (s for s in told if s.contributions)):
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
    if text.isascii():
        return len(text)
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


class Place:
    """Where a walk is, and what has been typed of the number of a step."""

    def __init__(self) -> None:
        self.i, self.typed = 0, ""

    def press(self, walk: Walk, key: str) -> None:
        """Go where a key leads; digits wait for Enter."""
        if key.isdecimal() and key.isascii():
            self.typed += key
        else:
            self.i, self.typed = moved(walk, self.i, key, self.typed), ""


def _go(walk: Walk) -> None:
    """Show pages until a key says to leave; with lines of input where prompt_toolkit is not installed."""
    try:
        import prompt_toolkit  # noqa: F401
    except ImportError:
        _by_lines(walk, Place())
    else:
        _full_screen(walk, Place())


def _full_screen(walk: Walk, place: Place) -> None:
    """Take over the screen and the keyboard, and give both back as they were, whatever happens."""
    from prompt_toolkit import Application
    from prompt_toolkit.formatted_text import ANSI
    from prompt_toolkit.key_binding import KeyBindings
    from prompt_toolkit.keys import Keys
    from prompt_toolkit.layout import FormattedTextControl, Layout, Window

    bindings = KeyBindings()

    def page() -> Any:
        rows, columns = app.output.get_size()
        lines = screen_of(walk, place.i, columns, rows, "NO_COLOR" not in os.environ, place.typed)
        return ANSI(spelled("\n".join(lines), app.output.encoding()))

    def press(event: Any) -> None:
        pressed = event.key_sequence[0].key
        key = KEYS.get(pressed, pressed)
        if key in ENDS:
            event.app.exit(exception=ENDS[key])
        else:
            place.press(walk, key)

    bindings.add(Keys.Any)(press)
    control = FormattedTextControl(page, show_cursor=False)
    app: Any = Application(Layout(Window(control)), key_bindings=bindings, full_screen=True)
    with contextlib.suppress(EOFError):
        app.run(in_thread=_in_a_loop())


def _in_a_loop() -> bool:
    """Whether an event loop runs here already, as at the prompt of `python -m asyncio`."""
    import asyncio

    try:
        return bool(asyncio.get_running_loop())
    except RuntimeError:
        return False


def _by_lines(walk: Walk, place: Place) -> None:
    """Show a page, wait for a line that says where to go, show the next."""
    while True:
        width, height = shutil.get_terminal_size()
        _write("\n".join(screen_of(walk, place.i, width, height - 2)[:-1]) + "\n")
        try:
            said = input(LINE_HELP).strip()
        except EOFError:
            return
        key = KEYS.get(said, said)
        if key == "quit":
            return
        for part in key if key.isdecimal() else ():
            place.press(walk, part)
        place.press(walk, "enter" if place.typed else key or "next")


# The terminal ---------------------------------------------------------------------------------------------------------


def _at_a_terminal() -> bool:
    def is_one(stream: Any) -> bool:
        return stream is not None and not stream.closed and stream.isatty()

    return is_one(sys.stdin) and is_one(sys.stdout) and os.environ.get("TERM") != "dumb"


def _write(text: str) -> None:
    """Write to stdout, in plain signs where its encoding does not have others."""
    sys.stdout.write(spelled(text, getattr(sys.stdout, "encoding", None)))
    sys.stdout.flush()
