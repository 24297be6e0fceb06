"""What people look at: the graph of a computation."""

from typing import TYPE_CHECKING, Any

from .drawing import Drawing, draw, draw_dot, show_node
from .folding import PictureError
from .frames import Frames, frames_of
from .groups import Group, groups_of
from .player import Player, player
from .render import RenderError
from .step import step

if TYPE_CHECKING:
    from .plots import activation, decision_boundary, gradient_flow, loss_curve, surface

__all__ = [
    "Drawing", "Frames", "Group", "PictureError", "Player", "RenderError", "activation", "decision_boundary", "draw",
    "draw_dot", "frames_of", "gradient_flow", "groups_of", "loss_curve", "player", "show_node", "step",
    "surface",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the plots when they are asked for: they need nn and matplotlib, pictures of graphs do not."""
    if name in ("activation", "decision_boundary", "gradient_flow", "loss_curve", "surface"):
        from . import plots

        return getattr(plots, name)
    raise AttributeError(f"module 'viz' has no attribute {name!r}")
