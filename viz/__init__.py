"""What people look at: the graph of a computation."""

import importlib
from typing import TYPE_CHECKING, Any

from .drawing import Drawing, draw, draw_dot, show_node
from .folding import PictureError
from .frames import Frames, frames_of
from .groups import Group, groups_of
from .player import Player, player
from .render import RenderError
from .step import step

if TYPE_CHECKING:
    from .curves import curve
    from .plots import activation, decision_boundary, gradient_flow, loss_curve
    from .surfaces import contours, surface

__all__ = [
    "Drawing", "Frames", "Group", "PictureError", "Player", "RenderError", "activation", "contours", "curve",
    "decision_boundary", "draw", "draw_dot", "frames_of", "gradient_flow", "groups_of", "loss_curve", "player",
    "show_node", "step", "surface",
]  # fmt: skip

PLOTS = {  # which room each is in
    "activation": "plots", "contours": "surfaces", "curve": "curves", "decision_boundary": "plots",
    "gradient_flow": "plots", "loss_curve": "plots", "surface": "surfaces",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the plots when they are asked for: they need nn and matplotlib, pictures of graphs do not."""
    if name in PLOTS:
        return getattr(importlib.import_module(f".{PLOTS[name]}", __name__), name)
    raise AttributeError(f"module 'viz' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, those that are not imported yet too, so that a prompt completes them."""
    return sorted({*globals(), *__all__})
