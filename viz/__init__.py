"""What people look at: networks, and the graph of a computation."""

import importlib
from typing import TYPE_CHECKING, Any

from .command.walk import step
from .drawing import PictureError
from .graph.draw import Drawing, draw, draw_dot, show_node
from .graph.groups import Group, groups_of
from .graph.layout_programs import RenderError
from .stepping.frames import Frames, frames_of
from .stepping.player_page import Player, player
from .textbook.bricks import BrickDrawing, bricks
from .textbook.draw import NetworkDrawing, network
from .textbook.live import Live, live
from .training_page.build import Playground, playground

if TYPE_CHECKING:
    from .plots.contours import contours, surface
    from .plots.curves import curve
    from .plots.training import activation, decision_boundary, gradient_flow, loss_curve

__all__ = [
    "BrickDrawing", "Drawing", "Frames", "Group", "Live", "NetworkDrawing", "PictureError", "Player", "Playground",
    "RenderError", "activation", "bricks", "contours", "curve", "decision_boundary", "draw", "draw_dot", "frames_of",
    "gradient_flow", "groups_of", "live", "loss_curve", "network", "player", "playground", "show_node", "step",
    "surface",
]  # fmt: skip

PLOTS = {  # which room each is in
    "activation": "training", "contours": "contours", "curve": "curves", "decision_boundary": "training",
    "gradient_flow": "training", "loss_curve": "training", "surface": "contours",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the plots when they are asked for: they need nn and matplotlib, pictures of graphs do not."""
    if name in PLOTS:
        return getattr(importlib.import_module(f".plots.{PLOTS[name]}", __name__), name)
    raise AttributeError(f"module 'viz' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names, those that are not imported yet too, so that a prompt completes them."""
    return sorted({*globals(), *__all__})
