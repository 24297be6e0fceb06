"""Modes: `no_grad` records nothing, `note_lines` keeps lines, `detect_nonfinite` finds where a NaN was born.

A mode holds for the code inside its `with`, in this thread or task only. Switched off, it costs one global read per op.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import os
import sys
from _thread import allocate_lock
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import Any, TypeVar, overload

from . import node as _node
from .errors import DataError
from .node import Node, leaf, modes, next_birth

# Nodes born since then may depend on the variables of a transform that is running; 0 where none is.
traced_since: ContextVar[int] = ContextVar("traced_since", default=0)

F = TypeVar("F", bound=Callable[..., Any])
_counting = allocate_lock()
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OURS = tuple(os.path.join(_ROOT, package, "") for package in ("autograd_mini", "nn", "viz"))


class Mode:
    """Sees every node that is recorded inside `with`, or inside a function or generator that it decorates.

    A task that inherits the context keeps the mode no longer than the `with` lasts: `depth` counts how often it is in
    force. `last` is for a mode that changes nodes: the others see them before. `keeps_decisions` is for one that keeps
    account of what was decided, so that the nodes need not.
    """

    last = False
    keeps_decisions = False

    def __init__(self) -> None:
        self.depth = 0

    def see(self, node: Node) -> None:
        """See a node that has just been recorded."""

    def compared(self, text: str, args: tuple[Any, ...], outcome: Any) -> None:
        """See that data was looked at: `text`, such as "{} > {}", gave `outcome` for the data of `args`."""

    def check_gradients(self, reached: dict[Node, Any]) -> None:
        """See the gradients of a sweep before they are written to the nodes."""

    def see_sweep(self, root: Node, reached: dict[Node, Any]) -> None:
        """See the gradients that `backward` from `root` is about to add to the leaves."""

    def see_zero(self, node: Node) -> None:
        """See a node whose gradient `zero_grad` is about to forget."""

    def again(self) -> Mode:
        """Return the mode for one more run of what it decorates: itself, where runs have nothing of their own."""
        return self

    def __enter__(self) -> Mode:
        held = modes.get()
        self._count(1)
        try:
            modes.set(tuple(sorted((*held, self), key=_last)))
        except BaseException:  # Ctrl-C: no `with` has begun that would end the mode
            modes.set(held)
            self._count(-1)
            raise
        return self

    def __exit__(self, *exception: Any) -> None:
        held = modes.get()
        try:
            modes.set(_without(self, held))
        except BaseException:  # Ctrl-C: setting it twice is setting it once
            modes.set(_without(self, held))
            raise
        finally:
            self._count(-1)

    def _count(self, by: int) -> None:
        with _counting:
            _node.modes_in_use += by
            self.depth += by

    def __call__(self, function: F) -> F:
        """Return `function` with the mode in force whenever its own code runs."""
        for kind, wrapper in (
            (inspect.isasyncgenfunction, self._async_generator),
            (inspect.iscoroutinefunction, self._coroutine),
            (inspect.isgeneratorfunction, self._generator),
            (callable, self._function),
        ):
            if kind(function):
                return functools.wraps(function)(wrapper(function))  # type: ignore[return-value]
        raise DataError(f"a mode decorates a function, got {type(function).__name__}: write `with` for a block")

    def _function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **keywords: Any) -> Any:
            with self.again():
                return function(*args, **keywords)

        return wrapped

    def _coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def wrapped(*args: Any, **keywords: Any) -> Any:
            with self.again():
                return await function(*args, **keywords)

        return wrapped

    def _generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **keywords: Any) -> Any:
            generator, mode = function(*args, **keywords), self.again()
            resume: Callable[[], Any] = functools.partial(next, generator)
            while True:
                try:
                    with mode:
                        item = resume()
                except StopIteration as stop:
                    return stop.value
                try:
                    sent = yield item
                    resume = functools.partial(generator.send, sent)
                except GeneratorExit:
                    with mode:
                        generator.close()
                    raise
                except BaseException as error:
                    resume = functools.partial(generator.throw, error)

        return wrapped

    def _async_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def wrapped(*args: Any, **keywords: Any) -> Any:
            generator, mode = function(*args, **keywords), self.again()
            resume: Callable[[], Any] = generator.__anext__
            while True:
                try:
                    with mode:
                        item = await resume()
                except StopAsyncIteration:
                    return
                try:
                    sent = yield item
                    resume = functools.partial(generator.asend, sent)
                except GeneratorExit:
                    with mode:
                        await generator.aclose()
                    raise
                except BaseException as error:
                    resume = functools.partial(generator.athrow, error)

        return wrapped


def _last(mode: Mode) -> bool:
    return mode.last


def _without(mode: Mode, held: tuple[Mode, ...]) -> tuple[Mode, ...]:
    """Leave a mode out once; a generator may be closed in another context, which never had it."""
    place = held.index(mode) if mode in held else len(held)
    return held[:place] + held[place + 1 :]


class _NoGrad(Mode):
    last = True

    def see(self, node: Node) -> None:
        if len(modes.get()) > 1:
            twin = leaf(node._data)  # for the modes that look at data: what they note keeps its recipe
            twin.op, twin.args = node.op, node.args
            twin._seen()
        node.op = None
        node.args = ()


@overload
def no_grad(function: None = None) -> Mode: ...
@overload
def no_grad(function: F) -> F: ...
def no_grad(function: Any = None) -> Any:
    """Compute without recording: results are leaves. For `with no_grad():`, or to decorate a function or generator.

    >>> from autograd_mini import Value
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.args
    ()
    """
    return _NoGrad() if function is None else _NoGrad()(function)


class Recording:
    """Records inside `with` even where `no_grad` holds: a transform needs the graph of the function it differentiates.

    Nodes born inside may depend on the variables of the transform, so that float() of one is refused: it would drop
    that dependence without a word.
    """

    def __enter__(self) -> None:
        self._before = modes.get(), traced_since.get()
        try:
            modes.set(tuple(mode for mode in modes.get() if not isinstance(mode, _NoGrad)))
            traced_since.set(traced_since.get() or next_birth())
        except BaseException:  # Ctrl-C: no `with` has begun that would end it
            self.__exit__()
            raise

    def __exit__(self, *exception: Any) -> None:
        held, since = self._before
        try:
            modes.set(held)
        finally:
            traced_since.set(since)


class _NoteLines(Mode):
    def see(self, node: Node) -> None:
        node.source = caller()


@overload
def note_lines(function: None = None) -> Mode: ...
@overload
def note_lines(function: F) -> F: ...
def note_lines(function: Any = None) -> Any:
    """Note with every node the line of your code that recorded it, as pictures and players show it.

    For `with note_lines():`, or to decorate a function or generator. `node.source` is then (file, line).

    >>> from autograd_mini import Value
    >>> with note_lines():
    ...     y = Value(2.0).exp()
    >>> where(y)
    '<doctest ...>:2: y = Value(2.0).exp()'
    """
    return _NoteLines() if function is None else _NoteLines()(function)


class Lines(Mode):
    """Gives every node recorded in it a line of the user's code."""

    def __init__(self, source: tuple[str, int]) -> None:
        super().__init__()
        self.source = source

    def see(self, node: Node) -> None:
        node.source = self.source


class Group(Mode):
    """A part of a computation with a name: every node knows the innermost one that it was recorded in.

    `outer` is the group that this one was first entered in; `path` names both, as in "layer 1/attention".
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.outer: Group | None = None

    @property
    def path(self) -> str:
        """The names of the groups around this one and its own, the outermost first."""
        return f"{self.outer.path}/{self.name}" if self.outer else self.name

    def see(self, node: Node) -> None:
        node.group = self

    def again(self) -> Group:
        return Group(self.name)

    def __enter__(self) -> Group:
        around = [mode for mode in modes.get() if isinstance(mode, Group) and mode is not self]
        self.outer = self.outer or (around[-1] if around else None)
        super().__enter__()
        return self

    def __repr__(self) -> str:
        return f"<group {self.path}>"


OUTSIDE = Group("")  # of a leaf that is in no group, whoever uses it: an input


def group(name: str) -> Group:
    """Give a name to a part of a computation: what is recorded inside `with group("attention"):` belongs together.

    Pictures and players fold it into one box, groups in groups at every depth, and explanations say where a step is.
    Each call of a function that it decorates is a group of its own. A leaf is in a group if nothing outside uses it.
    DataError for a name that is no text, or empty.

    >>> from autograd_mini import Value
    >>> x = Value(2.0)
    >>> with group("layer"):
    ...     with group("square"):
    ...         y = x * x
    >>> y.group
    <group layer/square>
    """
    if not isinstance(name, str) or not name.strip():
        raise DataError(
            f"a group is named by a text that is not empty, got {name!r:.40}: write with group('attention'):"
        )
    return Group(name)


def where(node: Node) -> str:
    """Return the user's line that recorded a node, as file:line: code; `note_lines` notes it."""
    if node.source is None:
        return "a line that was not noted: record inside note_lines() or detect_nonfinite()"
    return spoken(node.source)


def spoken(place: tuple[str, int]) -> str:
    """Return a place in the user's code as file:line: code."""
    file, line = place
    return f"{file}:{line}: {linecache.getline(file, line).strip()}".rstrip(": ")


@functools.cache
def _is_ours(file: str) -> bool:
    return os.path.abspath(file).startswith(_OURS)


def caller() -> tuple[str, int] | None:
    """Return (file, line) of the innermost frame outside these packages."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame is not None else None
