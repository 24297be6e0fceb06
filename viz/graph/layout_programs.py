"""DOT -> layout and PNG: finds a Graphviz program, runs it through the `graphviz` package, and never trusts it blindly.

The layout is Graphviz's JSON: the places of all boxes and curves, and the width of every text.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from graphviz.backend import ExecutableNotFound, dot_command, execute

from autograd_mini import AutogradError

T = TypeVar("T")
Source = Callable[[Mapping[str, str]], str]  # settings of the graph -> DOT

TIMEOUT = 20.0  # seconds; every engine hangs on a dense graph
BUNDLED = "graphviz-pure"
VARIABLE = "AUTOGRAD_MINI_DOT"
PYTHON = "python"  # the layout of our own, which needs no program
ENGINES = ("auto", "bundled", "system", PYTHON)

# What is tried when an engine fails on a graph: other ways of ranking, other distances, straight lines for curves.
LADDER: tuple[dict[str, str], ...] = (
    {},
    {"newrank": "true", "ranksep": "0.6"},
    {"newrank": "false"},
    {"newrank": "true", "splines": "line"},
)


class RenderError(AutogradError, RuntimeError):
    """No layout program was found, or none of them could draw the graph."""


class Engine(NamedTuple):
    """A layout program: what pictures call it, and where it is."""

    name: str
    path: Path


def layout(source: Source, arrows: int, engine: str = "auto") -> tuple[dict[str, Any], str]:
    """Return the layout of the graph that `source` writes, and the name of the engine that made it.

    A layout that lacks one of the `arrows` counts as a failure. RenderError where every engine fails.
    """

    def complete(output: bytes) -> dict[str, Any]:
        places = json.loads(output)
        if not isinstance(places, dict):
            raise ValueError("the output is no layout")
        found = sum("_draw_" in edge for edge in places.get("edges", ()))
        if found != arrows:
            raise ValueError(f"{arrows - found} edges were lost")
        return places

    return _first(source, engine, ["-Tjson"], complete)


def png(source: Source, engine: str = "auto") -> tuple[bytes, str]:
    """Return the picture as PNG on white at 144 dots per inch, and the name of the engine that made it."""

    def whole(output: bytes) -> bytes:
        if not output.startswith(b"\x89PNG"):
            raise ValueError("the output is no PNG")
        return output

    return _first(source, engine, ["-Tpng", "-Gdpi=144", "-Gbgcolor=white"], whole)


def _first(source: Source, engine: str, flags: list[str], check: Callable[[bytes], T]) -> tuple[T, str]:
    """Return the first output that passes its check, over all engines and all settings of the ladder."""
    faults: list[str] = []
    for program in find(engine):
        for settings in LADDER:
            try:
                return check(run(program, source(settings), flags)), program.name
            except subprocess.TimeoutExpired:
                raise RenderError(
                    f"{program.name} did not finish within {TIMEOUT:g} s: the graph is too dense; draw a part of it"
                ) from None
            except subprocess.CalledProcessError as error:
                faults.append(f"{program.name}: {_last_line(error.stderr) or f'exit status {error.returncode}'}")
            except (ExecutableNotFound, OSError, ValueError) as error:
                faults.append(f"{program.name}: {error}")
    raise RenderError(f"the graph could not be laid out ({'; '.join(dict.fromkeys(faults))}); .source holds it as DOT")


def run(program: Engine, source: str, flags: list[str]) -> bytes:
    """Return what the program makes of DOT text; the graphviz package starts it and raises its errors."""
    flag = flags[0].removeprefix("-T")
    command = [program.path, *dot_command.command("dot", flag)[1:], *flags[1:]]
    done = execute.run_check(command, input=source.encode(), capture_output=True, quiet=True, timeout=TIMEOUT)
    return bytes(done.stdout)


def find(engine: str = "auto") -> list[Engine]:
    """Return the programs that `engine` allows, in the order in which they are tried; RenderError for none.

    "bundled" is the pip package graphviz-pure, "system" the `dot` on PATH, "auto" whichever there is, in that order
    (after the program that the environment variable AUTOGRAD_MINI_DOT names). One picture is then the same on all
    machines that have the bundled engine, whatever else is installed.
    """
    chosen = os.environ.get(VARIABLE) if engine == "auto" else None
    found = [Engine(Path(chosen).name, Path(chosen))] if chosen else []
    if engine in ("auto", "bundled"):
        found += [Engine(BUNDLED, path) for path in _bundled() if path.is_file()][:1]
    if engine in ("auto", "system"):
        found += [Engine("dot", Path(path)) for path in [shutil.which("dot")] if path]
    if not found:
        raise RenderError(_missing(engine))
    return found


def _missing(engine: str) -> str:
    remedy = {
        "auto": "pip install graphviz-pure, or install Graphviz and put its dot on PATH",
        "bundled": "pip install graphviz-pure",
        "system": "install Graphviz and put its dot on PATH, or leave engine out",
        PYTHON: "the layout of our own writes SVG and no PNG; leave engine out, and pip install graphviz-pure",
    }
    return f"no layout program was found: {remedy[engine]} (.source holds the graph as DOT)"


def _bundled() -> Iterator[Path]:
    """Yield where the bundled program may be: pip installs it as a script, and not always where its record says."""
    name = BUNDLED + (".exe" if os.name == "nt" else "")
    from importlib.metadata import PackageNotFoundError, distribution  # it takes longer to load than all of the engine

    try:
        package = distribution(BUNDLED)
    except PackageNotFoundError:
        pass
    else:
        yield from (Path(str(file.locate())).resolve() for file in package.files or () if file.name == name)
        yield Path(str(package.locate_file("bin"))) / name
    schemes = [sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user")]
    yield from (Path(sysconfig.get_path("scripts", scheme)) / name for scheme in schemes)
    yield Path(sys.executable).parent / name
    yield from (Path(path) for path in [shutil.which(BUNDLED)] if path)


def _last_line(stderr: bytes | None) -> str:
    lines = (stderr or b"").decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
