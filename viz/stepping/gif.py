"""Stills -> GIF: both passes as moving pixels, a picture per step, without a browser.

resvg paints the graph once and what changes once per step, in the letters of Arimo, which have the widths of Arial;
Pillow puts them on each other and writes of each picture what differs from the one before.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_mini.errors import extra

from ..colours import light
from .animation import Still, seconds_of, stills_of
from .card_layout import CardLayout
from .card_svg import Box
from .frames import Frames

Ints = NDArray[np.uint8]

ZOOM = 1.5  # pixels of a point: letters of 12 points are 18 pixels high
TALLEST = 960.0  # points up to which that is so; a taller graph has a pixel for a point
COLOURS = 255  # of a GIF, besides the one for "as before"
SAMPLES = 16  # pictures from which these are taken
FEW = 1 << 18  # colours that a picture has at most: there are as many as mixtures at the edges of letters
RGB = np.array([1 << 16, 1 << 8, 1], dtype=np.int32)
STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)  # ours is the first: labels are escaped
VARIABLE = re.compile(r"var\(--([\w-]+)\)")
LETTERS = ".scene{font-family:Arimo}"


def gif_of(frames: Frames, places: CardLayout) -> bytes:
    """Return both passes as a GIF that begins again at its end; closed groups of `places` are folded in `frames`.

    It is as wide as the graph, 1.5 pixels for a point, and shows 1280 points around the step of a wider one. Characters
    that Arimo lacks are painted in the machine's own fonts, or as empty boxes. ExtraError without the extra `gif`.
    """
    ground, *stills = stills_of(frames, places, LETTERS)
    zoom = ZOOM if ground.box[3] <= TALLEST else 1.0
    laid = partial(_laid, _painted(ground, zoom), ground.box, zoom)
    samples = {i: laid(stills[i]) for i in range(0, len(stills), len(stills) // SAMPLES + 1)}
    colours = _commonest(samples.values())
    moving = _in_colours(colours, (samples.pop(i, None) or laid(still) for i, still in enumerate(stills)))
    file = io.BytesIO()
    next(moving).save(
        file, "GIF", save_all=True, append_images=moving, loop=0, optimize=True, disposal=1, transparency=COLOURS,
        palette=colours.tobytes(), duration=[round(1000 * seconds) for seconds in seconds_of(frames)],
    )  # fmt: skip
    return file.getvalue()


def _painted(still: Still, zoom: float) -> Any:
    """Return a still as a picture, transparent where nothing is drawn.

    resvg knows no variables in CSS: the colours of the palette are put in their places.
    """
    letters = Path(extra("fontpkg_arimo", "fontpkg-arimo", "gif").__file__).parent
    svg = STYLE.sub(lambda style: VARIABLE.sub(lambda name: light(name[1]), style[0]), still.svg, count=1)
    painted = extra("resvg_py", "resvg-py", "gif").svg_to_bytes(svg_string=svg, zoom=zoom, font_dirs=[str(letters)])
    return extra("PIL.Image", "Pillow", "gif").open(io.BytesIO(painted)).convert("RGBA")


def _laid(ground: Any, whole: Box, zoom: float, still: Still) -> Any:
    """Return the picture of a step: its part of the ground, and over it what is seen in this step alone."""
    over = _painted(still, zoom)
    left = round((still.box[0] - whole[0]) * zoom)
    picture = extra("PIL.Image", "Pillow", "gif").new("RGBA", over.size, light("card"))
    picture.alpha_composite(ground.crop((left, 0, left + over.width, over.height)))
    picture.alpha_composite(over)
    return picture.convert("RGB")


def _commonest(pictures: Iterable[Any]) -> Ints:
    """Return the colours that most pixels have, of which all flat ones are, and one more that none has."""
    counts: Counter[tuple[int, int, int]] = Counter()
    for picture in pictures:
        counts.update({colour: count for count, colour in picture.getcolors(FEW)})
    most = sorted(counts, key=lambda colour: (-counts[colour], colour))[:COLOURS]
    return np.array([*most, *[most[0]] * (COLOURS + 1 - len(most))], dtype=np.uint8)


def _in_colours(colours: Ints, pictures: Iterable[Any]) -> Iterator[Any]:
    """Yield the pictures with each pixel in the nearest of the colours: exactly, where Pillow would be off by a little.

    `nearest` holds what is known by colour, as a number of 24 bits; the last of the colours stands for the unknown.
    """
    nearest = np.full(1 << 24, COLOURS, dtype=np.uint8)
    for picture in pictures:
        codes = np.asarray(picture, dtype=np.int32) @ RGB
        unknown = np.unique(codes[nearest[codes] == COLOURS])
        away = unknown[:, None, None] // RGB % 256 - colours[:COLOURS]
        nearest[unknown] = (away**2).sum(axis=-1).argmin(axis=-1)
        found = extra("PIL.Image", "Pillow", "gif").fromarray(nearest[codes])
        found.putpalette(colours.tobytes())
        yield found
