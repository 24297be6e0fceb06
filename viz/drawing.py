"""What every drawing can do: go to a file as its suffix says, and be shown by a notebook."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from autograd_mini import AutogradError
from autograd_mini.errors import extra
from autograd_mini.files import write_as

UNITS = re.compile(r'(?<=[0-9])pt(")')
Writers = Mapping[str, Callable[[Any], bytes]]  # by suffix


class PictureError(AutogradError, ValueError):
    """Something that cannot be drawn as it was asked for."""


def painted(svg: str, zoom: float) -> bytes:
    """Return an SVG as PNG on white, `zoom` pixels for one of its units, in the letters of Arimo, as wide as Arial's.

    ExtraError without the extra `gif`.
    """
    letters = Path(extra("fontpkg_arimo", "fontpkg-arimo", "gif").__file__).parent
    paint = extra("resvg_py", "resvg-py", "gif").svg_to_bytes
    without_units = UNITS.sub(r"\1", svg, count=2)  # resvg refuses sizes in points
    return bytes(paint(svg_string=without_units, zoom=zoom, background="white", font_dirs=[str(letters)]))


class Writable:
    """What goes to a file: `writers` has for each suffix what is written to such a file."""

    writers: ClassVar[Writers] = {}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file, as its suffix says, and return the path.

        The file is written whole or not at all: an OSError says why not. Another suffix is a PictureError.
        """
        return write_as(path, self.writers, PictureError, self)


class SvgDrawing(Writable):
    """A drawing: `svg` is its picture."""

    svg: Any

    def _repr_svg_(self) -> str:
        return str(self.svg)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}
