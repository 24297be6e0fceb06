"""Modes: `no_grad` records nothing, `note_lines` keeps lines, `detect_nonfinite` finds where a NaN was born.

A mode holds for the code inside its `with`, in this thread or task only. Switched off, it costs one global read per op.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import math
import os
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar, overload

import numpy as np

from . import node as _node
from .errors import DataError, NonFiniteError
from .node import Node, describe, modes
from .op import contribution

F = TypeVar("F", bound=Callable[..., Any])
_counting = threading.Lock()
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OURS = tuple(os.path.join(_ROOT, package, "") for package in ("autograd_mini", "nn", "viz"))


class Mode:
    """Sees every node that is recorded inside `with`, or inside a function or generator that it decorates.

    A task that inherits the context keeps the mode no longer than the `with` lasts: `depth` counts how often it is in
    force. `last` is for a mode that changes nodes: the others see them before.
    """

    last = False

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

    def __enter__(self) -> Mode:
        with _counting:
            _node.modes_in_use += 1
            self.depth += 1
        modes.set(tuple(sorted((*modes.get(), self), key=_last)))
        return self

    def __exit__(self, *exception: Any) -> None:
        held = list(modes.get())
        if self in held:  # a generator may be closed in another context, which never had the mode
            held.remove(self)
            modes.set(tuple(held))
        with _counting:
            _node.modes_in_use -= 1
            self.depth -= 1

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
            with self:
                return function(*args, **keywords)

        return wrapped

    def _coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def wrapped(*args: Any, **keywords: Any) -> Any:
            with self:
                return await function(*args, **keywords)

        return wrapped

    def _generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **keywords: Any) -> Any:
            generator = function(*args, **keywords)
            resume: Callable[[], Any] = functools.partial(next, generator)
            while True:
                try:
                    with self:
                        item = resume()
                except StopIteration as stop:
                    return stop.value
                try:
                    sent = yield item
                    resume = functools.partial(generator.send, sent)
                except GeneratorExit:
                    with self:
                        generator.close()
                    raise
                except BaseException as error:
                    resume = functools.partial(generator.throw, error)

        return wrapped

    def _async_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def wrapped(*args: Any, **keywords: Any) -> Any:
            generator = function(*args, **keywords)
            resume: Callable[[], Any] = generator.__anext__
            while True:
                try:
                    with self:
                        item = await resume()
                except StopAsyncIteration:
                    return
                try:
                    sent = yield item
                    resume = functools.partial(generator.asend, sent)
                except GeneratorExit:
                    with self:
                        await generator.aclose()
                    raise
                except BaseException as error:
                    resume = functools.partial(generator.athrow, error)

        return wrapped


def _last(mode: Mode) -> bool:
    return mode.last


class _NoGrad(Mode):
    last = True

    def see(self, node: Node) -> None:
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
        self._modes = modes.set(tuple(mode for mode in modes.get() if not isinstance(mode, _NoGrad)))
        self._since = _node.traced_since.set(_node.traced_since.get() or _node._birth())

    def __exit__(self, *exception: Any) -> None:
        _node.traced_since.reset(self._since)
        modes.reset(self._modes)


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


class _DetectNonfinite(Mode):
    def see(self, node: Node) -> None:
        node.source = caller()
        if node.op is not None and not _finite(node._data):
            raise NonFiniteError(f"{node.op.name} gave {_worst(node._data)}\n{_circumstances(node)}")

    def check_gradients(self, reached: dict[Node, Any]) -> None:
        complete = {node: g._data if isinstance(g, Node) else g for node, g in reached.items()}
        for node, g in complete.items():
            if g is not None and not _finite(g):
                raise NonFiniteError(_culprit(node, g, complete))


@overload
def detect_nonfinite(function: None = None) -> Mode: ...
@overload
def detect_nonfinite(function: F) -> F: ...
def detect_nonfinite(function: Any = None) -> Any:
    """Raise NonFiniteError at the first op whose value, or whose gradient in a sweep, is NaN or infinite.

    The message names the op, its arguments, its label and the line of your code that called it. For
    `with detect_nonfinite():`, or to decorate a function or generator.

    >>> from autograd_mini import Value
    >>> with detect_nonfinite():
    ...     Value(0.0, label="x").log()
    Traceback (most recent call last):
    autograd_mini.errors.NonFiniteError: log gave -inf
      arguments: Value 'x' = 0.0
      recorded at <doctest ...>:2: Value(0.0, label="x").log()
    """
    return _DetectNonfinite() if function is None else _DetectNonfinite()(function)


def _culprit(node: Node, g: Any, complete: dict[Node, Any]) -> str:
    """Name the op that sent the first bad gradient: its own upstream gradient was still finite."""
    for user, upstream in complete.items():
        for i, arg in enumerate(user.args):
            if arg is node and upstream is not None and user.op is not None and user.op.rule(i) is not None:
                c = contribution(user, i, upstream)
                if not _finite(c):
                    whom = f"{describe(node)} (argument {i} of {user.op.name})"
                    return f"{user.op.name} sent the gradient {_worst(c)} to {whom}\n{_circumstances(user)}"
    return f"the gradient of {describe(node)} became {_worst(g)}\n{_circumstances(node)}"


def _circumstances(node: Node) -> str:
    args = ", ".join(map(_shown, node.args))
    label = f"  label: {node.label}\n" if node.label else ""
    return f"{label}  arguments: {args}\n  recorded at {where(node)}"


def _shown(arg: Any) -> str:
    if not isinstance(arg, Node):
        return _brief(arg)
    return f"{describe(arg)} = {_brief(arg._data)}" if arg.label or arg.ndim else repr(arg)


def where(node: Node) -> str:
    """Return the user's line that recorded a node, as file:line: code; `note_lines` notes it."""
    if node.source is None:
        return "a line that was not noted: record inside note_lines() or detect_nonfinite()"
    file, line = node.source
    return f"{file}:{line}: {linecache.getline(file, line).strip()}".rstrip(": ")


def caller() -> tuple[str, int] | None:
    """Return (file, line) of the innermost frame outside these packages."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and os.path.abspath(frame.f_code.co_filename).startswith(_OURS):
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame is not None else None


def _finite(data: Any) -> bool:
    return math.isfinite(data) if isinstance(data, float) else bool(np.isfinite(data).all())


def _worst(data: Any) -> str:
    """Return the first entry that is not finite, and its place in an array."""
    if isinstance(data, float):
        return str(data)
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(data))[0])
    return f"{data[place]} at {list(place)} of shape {data.shape}"


def _brief(data: Any) -> str:
    return (
        np.array2string(data, threshold=8, separator=", ").replace("\n", "")
        if isinstance(data, np.ndarray)
        else repr(data)
    )
