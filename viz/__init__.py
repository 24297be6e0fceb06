"""What people look at: the graph of a computation."""

from .drawing import Drawing, draw, draw_dot, show_node
from .picture import PictureError
from .render import RenderError

__all__ = ["Drawing", "PictureError", "RenderError", "draw", "draw_dot", "show_node"]
