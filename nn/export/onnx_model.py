"""Networks as ONNX graphs, of standard operators alone, in float32 and in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev

from autograd_mini.data import Array

from ..errors import extra
from .plan import Affine, steps

onnx = extra("onnx", "ONNX", "onnx")

OPSET = 20  # of 2023, the first with Gelu
IR_VERSION = 9  # the format of the file that came with it
TAIL = 26.0  # beyond it erfc(s) has no double


class Graph:
    """Nodes and constants, as they come; `add` returns the name of the new node's result."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, op: str, *inputs: str | float | Array, **attributes: Any) -> str:
        """Append a node; an input is a name, a number of the graph's dtype, or an array of its own."""
        name = f"{op}_{len(self.nodes) + 1}"
        names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        self.nodes.append(onnx.helper.make_node(op, names, [name], name, **attributes))
        return name

    def constant(self, x: float | Array) -> str:
        """Keep a constant and return its name."""
        name = f"constant_{len(self.constants) + 1}"
        array = x if isinstance(x, np.ndarray) else np.array(x, self.dtype)
        self.constants.append(onnx.numpy_helper.from_array(array, name))
        return name


def _one_more(graph: Graph, z: str) -> str:
    """1 + e^-z, whose reciprocal is sigmoid: onnxruntime's own Sigmoid is 0 from -37 on, in float32 from -18 on."""
    return graph.add("Add", graph.add("Exp", graph.add("Neg", z)), 1.0)


def _softplus(graph: Graph, z: str) -> str:
    """log(1 + e^z) = max(z, 0) + log(1 + u), u = e^-|z|, and log(1 + u) = u log(w) / (w - 1) with w = 1 + u rounded.

    The quotient keeps the digits that w has lost (Higham, "Accuracy and stability of numerical algorithms", 1.14.1).
    """
    u = graph.add("Exp", graph.add("Neg", graph.add("Abs", z)))
    w = graph.add("Add", u, 1.0)
    kept = graph.add("Sub", w, 1.0)
    log1p = graph.add("Div", graph.add("Mul", u, graph.add("Log", w)), kept)
    return graph.add("Add", graph.add("Relu", z), graph.add("Where", graph.add("Equal", kept, 0.0), u, log1p))


def _elu(graph: Graph, z: str) -> str:
    """z where z > 0, else e^z - 1 = tanh(z/2) (e^z + 1), which keeps its digits near 0."""
    below = graph.add("Min", z, 0.0)
    half = graph.add("Tanh", graph.add("Mul", below, 0.5))
    return graph.add(
        "Add", graph.add("Relu", z), graph.add("Mul", half, graph.add("Add", graph.add("Exp", below), 1.0))
    )


def _gelu(graph: Graph, z: str) -> str:
    """max(z, 0) - |z| erfc(s) / 2 with s = |z| / sqrt(2), and erfc(s) = t exp(p(u) - s^2) by a polynomial p."""
    coefficients, scale, shift = tail_polynomial()
    magnitude = graph.add("Min", graph.add("Abs", z), 60.0)  # there is no tail beyond, and 0 times infinity is none
    s = graph.add("Mul", magnitude, math.sqrt(0.5))
    t = graph.add("Div", 2.0, graph.add("Add", s, 2.0))
    u = graph.add("Sub", graph.add("Mul", t, scale), shift)
    powers = graph.add(
        "Pow", graph.add("Unsqueeze", u, np.array([-1])), np.arange(len(coefficients), dtype=graph.dtype)
    )
    p = graph.add("Squeeze", graph.add("MatMul", powers, coefficients[:, None]), np.array([-1]))
    density = graph.add("Exp", graph.add("Sub", p, graph.add("Mul", s, s)))
    tail = graph.add("Mul", graph.add("Mul", t, density), graph.add("Mul", magnitude, 0.5))
    return graph.add("Sub", graph.add("Relu", z), tail)


def tail_polynomial(degree: int = 28) -> tuple[Array, float, float]:
    """Return p with erfc(s) = t exp(p(u) - s^2), t = 2 / (2 + s), s in [0, TAIL], and a, c of u = a t - c in [-1, 1].

    It interpolates at Chebyshev points, by the substitution of Press et al., "Numerical Recipes", 3rd ed., section
    6.2.2; the relative error is below 1e-12.
    """
    low = 2.0 / (2.0 + TAIL)
    scale, shift = 2.0 / (1.0 - low), (1.0 + low) / (1.0 - low)

    def logarithm(u: Any) -> Any:
        t = (u + shift) / scale
        s = 2.0 / t - 2.0
        return np.array([math.log(math.erfc(si) / ti) + si * si for si, ti in zip(s, t)])

    return chebyshev.cheb2poly(chebyshev.chebinterpolate(logarithm, degree)), scale, shift


def _certain(graph: Graph, p: str) -> str:
    one = onnx.numpy_helper.from_array(np.ones(1, graph.dtype))
    return graph.add("ConstantOfShape", graph.add("Shape", p), value=one)


FUNCTIONS: dict[str, Callable[[Graph, str], str]] = {
    "identity": lambda graph, z: z,
    "sigmoid": lambda graph, z: graph.add("Div", 1.0, _one_more(graph, z)),
    "tanh": lambda graph, z: graph.add("Tanh", z),
    "relu": lambda graph, z: graph.add("Relu", z),
    "softplus": lambda graph, z: graph.add("Softplus", z),
    "silu": lambda graph, z: graph.add("Div", z, _one_more(graph, z)),
    "gelu": lambda graph, z: graph.add("Gelu", z),
    "leaky_relu": lambda graph, z: graph.add("LeakyRelu", z, alpha=0.01),
    "elu": _elu,
    "softmax": lambda graph, z: graph.add("Softmax", z, axis=-1),
    "exp": lambda graph, z: graph.add("Exp", z),
    "both": lambda graph, p: graph.add("Concat", graph.add("Sub", 1.0, p), p, axis=-1),
    "column": lambda graph, p: graph.add("Squeeze", p, np.array([-1])),
    "certain": _certain,
}

IN_FLOAT64: dict[str, Callable[[Graph, str], str]] = {  # what onnxruntime, or one of its fusions, has in float32 alone
    "softplus": _softplus,
    "gelu": _gelu,
    "leaky_relu": lambda graph, z: graph.add("Max", z, graph.add("Mul", z, 0.01)),
}


def build(net: Any) -> Any:
    """Return the checked model of x -> y for a planned network.

    >>> import nn
    >>> model = nn.export.to_onnx(nn.MLP(2, [3, 1], "tanh", layer=nn.Dense, rng=0))
    >>> [node.op_type for node in model.graph.node], model.graph.initializer[0].name
    (['Gemm', 'Tanh', 'Gemm'], 'layers.0.W')
    """
    state = net.state_dict()
    course = steps(net, FUNCTIONS, "ONNX")
    dtype = next((x.dtype for x in state.values()), np.dtype(np.float64))
    graph = _graph(course, Graph(dtype))
    used = list(dict.fromkeys(name for step in course if isinstance(step, Affine) for name in step))
    width = state[used[0]].shape[1] if used else "d"
    parameters = [onnx.numpy_helper.from_array(state[name], name) for name in used]
    return _model(graph, ["n", width], [*parameters, *graph.constants])


def _graph(course: list[Affine | str], graph: Graph) -> Graph:
    """Append the nodes of all steps from x to y."""
    functions = {**FUNCTIONS, **IN_FLOAT64} if graph.dtype == np.float64 else FUNCTIONS
    y = "x"
    for step in course:
        y = graph.add("Gemm", y, step.W, step.b, transB=1) if isinstance(step, Affine) else functions[step](graph, y)
    if y == "x":
        graph.add("Identity", "x")
    graph.nodes[-1].output[0] = "y"
    return graph


def _model(graph: Graph, shape: list[Any], initializers: list[Any]) -> Any:
    helper = onnx.helper
    kind = helper.np_dtype_to_tensor_dtype(graph.dtype)
    x, y = (helper.make_tensor_value_info(name, kind, of) for name, of in (("x", shape), ("y", None)))
    whole = helper.make_graph(graph.nodes, "network", [x], [y], initializers)
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(whole, opset_imports=opset, ir_version=IR_VERSION, producer_name="autograd-mini")
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    onnx.checker.check_model(model, full_check=True)
    return model
