"""What every drawing can do: go to a file as its suffix says, and be shown by a notebook."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from autograd_mini import AutogradError
from autograd_mini.files import write_whole

Writers = Mapping[str, Callable[[Any], bytes]]  # by suffix


class PictureError(AutogradError, ValueError):
    """Something that cannot be drawn as it was asked for."""


class Sheet:
    """A drawing: `svg` is its picture, `writers` has for each suffix what is written to such a file."""

    svg: Any
    writers: ClassVar[Writers] = {}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file, as its suffix says, and return the path.

        The file is written whole or not at all: an OSError says why not. Another suffix is a PictureError.
        """
        suffix = Path(path).suffix.lower()
        if suffix not in self.writers:
            raise PictureError(f"cannot save {str(path)!r}: the suffix says how, one of {', '.join(self.writers)}")
        write_whole(path, self.writers[suffix](self))
        return Path(path)

    def _repr_svg_(self) -> str:
        return str(self.svg)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}
