"""What an engine is asked to do: scripts, played on our engine or, in a process of its own, on a learner's.

A script is one line of statements: `leaf a 2.0; call L mul a 3.0; backward L; show a L`. Started by `START`, this file
imports a learner's engine and plays the scripts that come in on stdin; each answer is one line on stdout. It imports
the standard library alone, and has to go on working whatever the learner's file does to the process: builtins deleted,
stdin read, stdout written to, the process forked. So it runs on a copy of the builtins of its own, keeps the two pipes
where the learner's file will not look, and uses nothing written in Python once that file has been imported.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import operator
import os
import sys
from collections.abc import Callable
from os import _exit, getpid
from types import FunctionType

TYPE_CHECKING = False  # as its readers know it: to import typing takes as long as to start Python
if TYPE_CHECKING:
    from typing import Any

OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    "neg": operator.neg, "power": operator.pow,
}  # fmt: skip
START = """\
import builtins, site, sys
from importlib.machinery import SourceFileLoader
site.setquit()
file = sys.argv.pop(1)
ours = {"__name__": "pupil", "__file__": file, "__builtins__": dict(vars(builtins))}
exec(SourceFileLoader("pupil", file).get_code("pupil"), ours)
ours["main"]()
"""  # for -S -c, this file as the first argument: compiled already, and started without what waits in site-packages
LONG = 300  # characters of a message
FILE_SIZE = 1 << 26  # bytes that an engine may write to one file

Row = tuple[str, str, str]  # a name, its data and its gradient as `number` writes them
Trouble = tuple[str, str, int, bool, str]  # kind, message, line in the learner's file, raised there, statement


class Play:
    """One playing of a script: `nodes` by name, `shown` what it was told to show, `statement` where it is.

    >>> from autograd_mini import Value, ops
    >>> Play(Value, ops).perform("leaf a 2.0; call L mul a 3.0; backward L; show a L")
    [('a', '0x1.0000000000000p+1', '0x1.8000000000000p+1'), ('L', '0x1.8000000000000p+2', '0x1.0000000000000p+0')]
    """

    def __init__(self, value: Any, module: Any) -> None:
        self.value = value
        self.module = module
        self.nodes: dict[str, Any] = {}
        self.shown: list[Row] = []
        self.called: set[str] = set()
        self.watching = False
        self.written: list[Row] = []
        self.statement = ""

    def perform(self, script: str) -> list[Row]:
        """Carry out the statements one after the other and return what was shown."""
        try:
            for statement in script.split(";"):
                self.statement = statement.strip()
                word, *names = statement.split()
                getattr(self, f"_{word}")(*names)
        finally:
            self._unwatch()
        return self.shown

    def _leaf(self, name: str, number: str) -> None:
        self.nodes[name] = self.value(float(number))

    def _call(self, name: str, op: str, *args: str) -> None:
        self.nodes[name] = self._function(op)(*[self.nodes[a] if a in self.nodes else float(a) for a in args])

    def _backward(self, name: str) -> None:
        self.nodes[name].backward()

    def _zero(self, *names: str) -> None:
        for name in names:
            self.nodes[name].grad = 0.0

    def _show(self, *names: str) -> None:
        for name in names:
            node = self.nodes[name]
            self.shown.append((name, self._number(node.data), self._number(node.grad)))

    def _watch(self) -> None:
        """From here on, notice the functions that are called: an op may be made of others."""

        def notice(frame: Any, event: str, _: Any) -> None:
            if event == "call":
                called.add(frame.f_code.co_name)

        called = self.called
        self.watching = True
        sys.setprofile(notice)

    def _unwatch(self) -> None:
        if self.watching:  # and leave the profiler of whoever plays on our own engine alone
            sys.setprofile(None)

    def _called(self) -> None:
        self._unwatch()
        self.shown = [(name, "", "") for name in sorted(self.called)]

    def _trace(self) -> None:
        """From here on, note each number that is written to the gradient of a node that the script has named."""
        write, written = self.value.__setattr__, self.written

        def noted(node: Any, name: str, x: Any) -> None:
            write(node, name, x)
            if name == "grad":
                named = [known for known, its in self.nodes.items() if its is node]
                written.extend((f"{len(written)} {known}", "", self._number(x)) for known in named)

        self.value.__setattr__ = noted

    def _traced(self) -> None:
        self.shown = self.written

    def _function(self, op: str) -> Callable[..., Any]:
        """Return the operator, or what calls the method of that name, or the function of the learner's module."""
        own = getattr(self.module, op, None)
        if op in OPERATORS:
            return OPERATORS[op]
        if isinstance(own, FunctionType) and not hasattr(self.value, op):
            return own
        return lambda x: getattr(x, op)()

    def _number(self, x: Any) -> str:
        """Return a number of any kind without loss, and for anything else what it is."""
        if isinstance(x, self.value):
            x = x.data
        if isinstance(x, (str, bytes)) or x is None:
            return kind(x) if x is not None else "None"
        try:
            return float(x).hex()
        except (TypeError, ValueError, OverflowError):
            return kind(x)


def kind(x: object) -> str:
    """Return of what type something is, with its article: a list, an int."""
    name = type(x).__name__
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def trouble(error: BaseException, file: str, statement: str) -> Trouble:
    """Return what was raised, and the last line of `file` on its way; line 0 where it was never there."""
    line, raised_there, step = 0, False, error.__traceback__
    while step is not None:
        place = step.tb_frame.f_code.co_filename
        raised_there = raised_there or place != __file__
        line = step.tb_lineno if place == file else line
        step = step.tb_next
    if isinstance(error, SyntaxError) and error.filename == file:
        line = error.lineno or 0
    try:
        message = str(error)[:LONG]
    except BaseException:
        message = ""
    return type(error).__name__, message, line, raised_there, statement


def main() -> None:
    """Import the engine of the file in argv, say whether that went well, then answer scripts as long as they come."""
    file, seconds, memory, sign, *paths = sys.argv[1:]
    load(os.path.join(os.path.dirname(__file__), "keeper.py")).enclose()
    del sys.modules["keeper"]
    sys.argv[:], sys.path[:] = [file], [os.path.dirname(file), *paths]
    limit(int(seconds), int(memory))
    ask, answer = pipes()
    process = getpid()

    def reply(text: str) -> None:
        if getpid() != process:  # a copy that the learner's file has forked off
            _exit(0)
        answer.write(f"{sign}{text}\n".encode("ascii", "backslashreplace"))
        answer.flush()

    try:
        module = load(file)
        value = module.Value
        if not isinstance(value, type):
            raise TypeError(f"Value is {kind(value)}, where a class is asked for")
    except BaseException as error:
        reply(repr(trouble(error, file, "import")))
        return
    reply(repr("ready"))
    for script in ask:
        play = Play(value, module)
        try:
            reply(repr(play.perform(script.decode())))
        except BaseException as error:
            reply(repr(trouble(error, file, play.statement)))


def limit(seconds: int, memory: int) -> None:
    """Bound the processor time, the memory in MiB, files and new processes, where the platform can."""
    try:
        import resource
    except ImportError:  # Windows has none of it; the wall clock is held by the parent
        return
    most = {"CPU": seconds, "AS": memory << 20, "CORE": 0, "FSIZE": FILE_SIZE, "NPROC": 0}
    for name, amount in most.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):
            kind = getattr(resource, f"RLIMIT_{name}")
            hard = resource.getrlimit(kind)[1]
            bound = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
            resource.setrlimit(kind, (bound, bound))


def pipes() -> tuple[Any, Any]:
    """Return stdin and stdout as files of ours, and leave the null device in their places."""
    ours = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for place in (0, 1, 2):
        os.dup2(nothing, place)
    return ours


def load(file: str) -> Any:
    """Return the module that a file holds."""
    name = os.path.splitext(os.path.basename(file))[0]
    loader = importlib.machinery.SourceFileLoader(name, file)
    spec = importlib.util.spec_from_loader(name, loader)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    loader.exec_module(module)
    return module
