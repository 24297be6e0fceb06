"""The colours of pictures by what they mean, for light and for dark surroundings.

Hues are those of Okabe and Ito ("Color Universal Design", 2008), which colour-blind readers tell apart; text is
darkened or lightened until its contrast with what lies under it is at least 4.5 to 1 (WCAG 2.1, 1.4.3). No meaning
hangs on colour alone: every colour comes with a word, a line style or a place.
"""

from __future__ import annotations

from typing import NamedTuple


class Colour(NamedTuple):
    """A colour in light and in dark surroundings."""

    light: str
    dark: str


PALETTE = {
    "ink": Colour("#16202b", "#e8eef4"),  # names and data
    "muted": Colour("#5b6672", "#a3afbb"),  # what a number is
    "op": Colour("#a34700", "#f0a35e"),
    "grad": Colour("#005d94", "#67bff0"),
    "card": Colour("#fdfdfe", "#1a212a"),  # the ground of an inner node
    "rim": Colour("#8a96a3", "#6d7986"),
    "leaf": Colour("#e9f4fb", "#12293a"),
    "leaf-rim": Colour("#0072b2", "#56b4e9"),
    "root": Colour("#e6f6f0", "#0f2f26"),
    "root-rim": Colour("#009e73", "#2fbf95"),
    "constant": Colour("#f1f2f4", "#2a323b"),
    "local": Colour("#fff5dd", "#382b0c"),  # the chip of a local derivative
    "local-rim": Colour("#e69f00", "#e69f00"),
    "edge": Colour("#757b82", "#757b82"),  # dark and light enough for both grounds
}

HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#16202b")  # for curves and classes, in order


def light(role: str) -> str:
    """Return the colour that `role` has in DOT and PNG, and in SVG where nothing asks for dark."""
    return PALETTE[role].light
