"""What people look at: the graph of a computation."""

from .drawing import Drawing, draw, draw_dot, show_node
from .picture import PictureError
from .plots import activation, decision_boundary, gradient_flow, loss_curve, surface
from .render import RenderError

__all__ = [
    "Drawing", "PictureError", "RenderError", "activation", "decision_boundary", "draw", "draw_dot", "gradient_flow",
    "loss_curve", "show_node", "surface",
]  # fmt: skip
