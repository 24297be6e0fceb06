"""The way in from PyTorch: a function is run once, and every op of it is noted with its line and its modules.

`make_fx` traces above torch's own autograd, so that ops are those that people write (linear, layer_norm, softmax), on
real tensors, so that a branch on data goes where it went.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..errors import ExtraError, extra
from ..modes import Group

torch = extra("torch", "PyTorch", "torch")
traceback = extra("torch.fx.traceback", "PyTorch", "torch")
proxy_tensor = extra("torch.fx.experimental.proxy_tensor", "PyTorch", "torch")
modules = torch.nn.modules.module
NOTED = "custom" in getattr(torch.fx.proxy, "_COPY_META_FIELDS", ())  # what this torch copies into every op

THEIRS = os.path.join(os.path.dirname(torch.__file__), "")
OURS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")


@dataclass
class Place:
    """Where in the program an op was called: the line of the user's code, and the innermost call of a module."""

    source: tuple[str, int] | None = None
    group: Group | None = None


@dataclass
class Watch:
    """Follows a run: which call of a module it is in, what parameters are called, what buffers held before.

    The tracer copies `custom` into every op that it notes, and a copy of a Watch is the place where the run is.
    """

    calls: list[tuple[Any, str, Group]] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    saved: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    paths: dict[int, str] = field(default_factory=dict)

    def __copy__(self) -> dict[str, Place]:
        return {"place": Place(_line(sys._getframe(2)), self.calls[-1][2] if self.calls else None)}

    def enter(self, module: Any, args: Any) -> None:
        """Note that a module is called: before the outermost one runs, also what it holds."""
        if not self.calls:
            self.meet(module)
        path = self.paths.get(id(module), "")
        inside = [(outer, group) for _, outer, group in self.calls]
        group = Group(_title(module, path, inside[-1][0] if inside else None))
        group.outer = inside[-1][1] if inside else None
        self.calls.append((module, path, group))

    def leave(self, module: Any, args: Any, output: Any) -> None:
        """Note that a module returns."""
        self.calls.pop()

    def meet(self, module: Any) -> None:
        """Learn the names of a module's parameters and modules, and keep what its buffers hold."""
        self.paths = {id(inner): path for path, inner in module.named_modules()}
        for name, x in (*module.named_parameters(), *module.named_buffers()):
            taken = name in self.names.values() and id(x) not in self.names
            self.names.setdefault(id(x), f"{type(module).__name__}.{name}" if taken else name)
        for buffer in module.buffers():
            self.saved.setdefault(id(buffer), (buffer, buffer.detach().clone()))

    def restore(self) -> None:
        """Give every buffer what it held before the run."""
        with torch.no_grad():
            for buffer, before in self.saved.values():
                buffer.copy_(before)


def traced(function: Callable[..., Any], tensors: list[Any]) -> tuple[Any, Watch]:
    """Return the graph of ops that `function` runs on the tensors, and what was learnt of its modules on the way."""
    if not NOTED:
        raise ExtraError(
            f'from_torch needs PyTorch 2.9 or later, this is {torch.__version__}: pip install -U "torch>=2.9"'
        )
    watch = Watch()
    make = proxy_tensor.make_fx(function, tracing_mode="real", pre_dispatch=True, _error_on_data_dependent_ops=False)
    with torch.enable_grad(), _following(watch):
        return make(*tensors), watch


@contextmanager
def _following(watch: Watch) -> Iterator[None]:
    with traceback.preserve_node_meta():
        traceback.get_current_meta()["custom"] = watch
        hooks = [
            modules.register_module_forward_pre_hook(watch.enter),
            modules.register_module_forward_hook(watch.leave, always_call=True),
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
            watch.restore()


def _title(module: Any, path: str, outer: str | None) -> str:
    """Return what a call of a module is called: its name in the one around it, its class where that is a number."""
    kind = type(module).__name__
    if outer is None or not path:
        return kind
    name = path[len(outer) + 1 :] if outer and path.startswith(f"{outer}.") else path
    return f"{kind} {name}" if name.isdigit() else name


def _line(frame: Any) -> tuple[str, int] | None:
    """Return the innermost line outside of torch; where there is none, that of torch's own module."""
    within = None
    while frame is not None and not frame.f_code.co_filename.startswith(OURS):
        file = frame.f_code.co_filename
        if not file.startswith((THEIRS, "<")):
            return file, frame.f_lineno
        if within is None and frame.f_code.co_name == "forward":
            within = file, frame.f_lineno
        frame = frame.f_back
    return within
