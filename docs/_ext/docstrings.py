"""Docstrings are written to be read as they are: here they become reStructuredText, for Sphinx's autodoc."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sphinx.application import Sphinx

CODE = re.compile(r"(`[^`]+`)")
MARKUP = re.compile(r"([*|\\])|(?<=\w)(_)(?!\w)")


def restructured(lines: list[str]) -> Iterator[str]:
    """Yield a docstring with its stars, bars and names as they stand, code in literals, indented blocks as code."""
    kind = ""
    for line in lines:
        if not line.strip():
            kind = ""
        elif not kind:
            kind = "doctest" if line.lstrip().startswith(">>>") else "code" if line.startswith("    ") else "text"
            if kind == "code":
                yield from ("::", "")
        yield escaped(line) if kind == "text" else line


def escaped(line: str) -> str:
    """Return a line of prose: `x` becomes a literal, and what is markup elsewhere stands for itself."""
    parts = CODE.split(line)
    return "".join(f"`{part}`" if i % 2 else MARKUP.sub(r"\\\g<0>", part) for i, part in enumerate(parts))


def process(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Replace the lines of a docstring, as autodoc asks."""
    lines[:] = restructured(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell autodoc."""
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
