"""The colours of pictures by what they mean, for light and for dark surroundings.

Hues are those of Okabe and Ito ("Color Universal Design", 2008), which colour-blind readers tell apart; text is
darkened or lightened until its contrast with what lies under it is at least 4.5 to 1 (WCAG 2.1, 1.4.3). No meaning
hangs on colour alone: every colour comes with a word, a line style or a place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Colour(NamedTuple):
    """A colour in light and in dark surroundings."""

    light: str
    dark: str


# From small to large: lightness falls (rises, in the dark) in even steps of OKLCH, so that the order can be seen
# without any sense of hue, and text keeps its contrast on the last step too.
TONES = (
    ("#fbf9d7", "#282716"),
    ("#dcf0c7", "#2a351d"),
    ("#b7e6c2", "#23442c"),
    ("#8edcc7", "#0c5244"),
    ("#68ced1", "#005f62"),
    ("#52bcdd", "#006884"),
    ("#58a5e4", "#266ea4"),
)

# From zero to the largest, above zero and below: grounds of what has a sign.
ABOVE = (("#fdf1e0", "#2f2312"), ("#fbdfba", "#4a3312"), ("#f6c68a", "#664413"), ("#efaa5b", "#835414"))
BELOW = (("#e4f1fa", "#122736"), ("#c3e0f4", "#123a56"), ("#98cbec", "#124d75"), ("#6bb4e2", "#125f93"))

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
    "dead": Colour("#fdeee6", "#3a2013"),  # the chip of a local derivative that is 0
    "dead-rim": Colour("#d55e00", "#e8702a"),
    "folded": Colour("#f8f0f5", "#2b1f2a"),  # a group in one box
    "folded-rim": Colour("#a8527f", "#cc79a7"),
    "frame": Colour("#f6f7f9", "#141a21"),  # an open group
    "frame-rim": Colour("#c3cad2", "#3f4a55"),
    "above": Colour("#c25400", "#f0a35e"),  # curves of weights above zero, and below
    "below": Colour("#0067a3", "#67bff0"),
    **{f"above{i}": Colour(*pair) for i, pair in enumerate(ABOVE, 1)},
    **{f"below{i}": Colour(*pair) for i, pair in enumerate(BELOW, 1)},
    "mark": Colour("#c44f00", "#ff9d4d"),  # the path that was asked for
    **{f"tone{i}": Colour(*pair) for i, pair in enumerate(TONES)},
    "edge": Colour("#757b82", "#757b82"),  # dark and light enough for both grounds
}

HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#16202b")  # for curves and classes, in order


def dark_rules(prefix: str, roles: Iterable[str]) -> str:
    """Return the CSS by which an SVG with that id exchanges the colours of these roles for their dark ones."""
    return "".join(
        f'#{prefix} [{attribute}="{colour.light}"]{{{attribute}:{colour.dark}}}'
        for colour in (PALETTE[role] for role in roles)
        for attribute in ("fill", "stroke")
        if colour.light != colour.dark
    )


def mixed(role: str, ground: str, share: float) -> str:
    """Return so much of one role's light colour over another's.

    >>> mixed("ink", "card", 0.0), mixed("ink", "card", 1.0)
    ('#fdfdfe', '#16202b')
    """
    pairs = zip(*(bytes.fromhex(light(each)[1:]) for each in (role, ground)))
    return "#" + bytes(round(share * over + (1 - share) * under) for over, under in pairs).hex()


def light(role: str) -> str:
    """Return the colour that `role` has in DOT and PNG, and in SVG where nothing asks for dark."""
    return PALETTE[role].light
