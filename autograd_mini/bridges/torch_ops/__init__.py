"""PyTorch's ops by name, as rows and compositions of rows: how each is called is torch's own schema.

An argument is a node where torch asks for its gradient, else an array or a plain number. `result` is what torch's op
gave, for the few whose rule depends on it: which of several equal entries a maximum took. Each file enters what it
knows into the table.
"""

from . import activations, entrywise, layers, losses, products, recurrence, reductions, shapes
from .table import OPS, WITH_RESULT

__all__ = [
    "OPS", "WITH_RESULT", "activations", "entrywise", "layers", "losses", "products", "recurrence", "reductions",
    "shapes",
]  # fmt: skip
