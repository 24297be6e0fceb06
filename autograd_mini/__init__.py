"""A reverse-mode autodiff engine to read in one sitting: record, differentiate, look at every step."""

from . import ops, surface
from .errors import AutogradError, DataError, NonFiniteError, RuleError, ShapeError, StaleError
from .modes import detect_nonfinite, no_grad
from .node import Node, Tensor, Value
from .sweep import backward, backward_steps, zero_grad
from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
