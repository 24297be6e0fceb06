"""Backpropagation by the textbook's formulas, layer by layer, each line beside what the engine found.

Letters as in the textbook: z[l] = W[l] a[l-1] + b[l] and a[l] = g(z[l]) for the layers l = 1..N, a[0] = x, L the loss;
vectors are columns, * multiplies entry by entry (Goodfellow, Bengio & Courville, "Deep Learning", algorithm 6.4;
Nielsen, "Neural networks and deep learning", chapter 2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_mini import Node, ShapeError, Tensor, jacobian, ops, vjp
from autograd_mini.data import Array, array_of
from autograd_mini.kernels import checked_labels

from .errors import SettingError
from .layers import Dense, Layer, Neuron, Sequential, name_of

LATEX: list[tuple[str, Any]] = [
    (r"dL/d(\w)\[(\d+)\]", r"\\frac{\\partial L}{\\partial \1^{[\2]}}"),
    (r"(\w)\[(\d+)\]\^T", r"{\1^{[\2]}}^{\\mathsf T}"),
    (r"(\w)\[(\d+)\]", r"\1^{[\2]}"),
    (r"\bJ\^T", r"J^{\\mathsf T}"),
    (r" \* ", r" \\odot "),
    (r"\b[a-z_]{2,}(?='?\()", lambda match: rf"\operatorname{{{match[0]}}}".replace("_", r"\_")),
    (r"\bsum ", r"\\textstyle\\sum "),
    (r"\blog ", r"\\log "),
    (r"1/2 ", r"\\tfrac12 "),
]


@dataclass(frozen=True)
class Line:
    """One line: `name = formula`, the numbers that the formula gives, and the numbers that the engine has for it."""

    name: str
    formula: str
    operands: dict[str, tuple[int, ...]]
    value: Any
    engine: Any

    @property
    def difference(self) -> float:
        """The largest difference between the two, 0 where they agree to the last digit; NaN if one alone has a NaN."""
        ours, theirs = np.asarray(self.value), np.asarray(self.engine)
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        with np.errstate(invalid="ignore"):  # an infinity less an infinity
            return float(np.max(np.where(same, 0.0, np.abs(ours - theirs)), initial=0.0))

    def __str__(self) -> str:
        shapes = ", ".join(f"{name} {_shape(shape)}" for name, shape in self.operands.items())
        numbers = np.array2string(
            np.asarray(self.value) + 0.0, precision=6, threshold=40, suppress_small=True, prefix="    "
        )
        found = f"differs by {self.difference:.1e} at most" if self.difference else "the same"
        return (
            f"{self.name} = {self.formula}\n    shapes: {shapes} -> {_shape(np.shape(self.value))}\n"
            f"    {numbers}\n    engine: {found}"
        )

    def latex(self) -> str:
        """Return the line as a LaTeX equation, symbols and numbers."""
        return f"{_latex(self.name)} &= {_latex(self.formula)} = {_matrix(np.asarray(self.value) + 0.0)}"


@dataclass(frozen=True)
class Recipe:
    """The lines of a backward pass in order; it prints as text, and shows as mathematics in a notebook."""

    lines: tuple[Line, ...]

    @property
    def difference(self) -> float:
        """The largest difference between a line and the engine; NaN where it is that of a line."""
        return float(np.max([line.difference for line in self.lines]))

    def __getitem__(self, name: str) -> Line:
        """Return the first line for a quantity, such as "dL/dW[1]"."""
        return next(line for line in self.lines if line.name == name)

    def __str__(self) -> str:
        return "\n".join(map(str, self.lines))

    def latex(self) -> str:
        """Return all lines as one aligned LaTeX block."""
        return "\\begin{aligned}\n" + " \\\\\n".join(line.latex() for line in self.lines) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


def backprop_recipe(net: Any, x: Any, y: Any) -> Recipe:
    """Carry out backpropagation for one sample by the textbook's formulas, and compare each line with the engine.

    `net` is a Neuron, a Layer, a Dense or a Sequential of them, on Values or arrays; it is not changed. `x` has shape
    (n_in,). What the loss is follows from the last activation, and y with it: softmax takes a class number and the
    cross-entropy, sigmoid takes targets in [0, 1] and theirs, all others take targets and half the squared error.

    The formulas: dL/dz[N] = J^T dL/da[N] with J = diag(a) - a a^T for softmax; dL/dz[l] = dL/da[l] * g'(z[l]) entry by
    entry; dL/da[l] = W[l+1]^T dL/dz[l+1]; dL/dW[l] = dL/dz[l] a[l-1]^T; dL/db[l] = dL/dz[l].

    >>> from nn import MLP
    >>> recipe = backprop_recipe(MLP(2, [3, 2], "tanh", "softmax", rng=0), [1.0, -2.0], 1)
    >>> [line.name for line in recipe.lines if line.name.startswith("dL/dz")], recipe.difference < 1e-12
    (['dL/dz[2]', 'dL/dz[2]', 'dL/dz[1]'], True)
    """
    layers = _dense_layers(net)
    a = [Tensor(_input(x, layers[0]))]
    z: list[Node] = [a[0]]
    for layer in layers:
        z.append(layer.affine(a[-1]))
        a.append(layer.activate(z[-1]))
    with np.errstate(all="ignore"):
        loss = _Loss(name_of(layers[-1].activation), a[-1], y, len(layers))
        loss.node.backward()
        return Recipe((*_forward(layers, z, a, loss), *_backward(layers, z, a, loss)))


class _Loss:
    """The loss that belongs to the last activation: its node, its formula, and its derivative by a[N]."""

    def __init__(self, activation: str, a: Node, y: Any, n: int) -> None:
        self.y = _target(activation, a, y)
        p = a._data
        if activation == "softmax":
            self.node = -ops.sum(ops.log(a) * self.y)
            self.value = -np.sum(np.log(p) * self.y)
            self.formula, self.slope, self.by_a = f"-sum y * log a[{n}]", f"-y / a[{n}]", -self.y / p
        elif activation == "sigmoid":
            self.node = -ops.sum(ops.log(a) * self.y + ops.log(1.0 - a) * (1.0 - self.y))
            self.value = -np.sum(np.log(p) * self.y + np.log(1.0 - p) * (1.0 - self.y))
            self.formula = f"-sum (y * log a[{n}] + (1 - y) * log (1 - a[{n}]))"
            self.slope, self.by_a = f"(a[{n}] - y) / (a[{n}] * (1 - a[{n}]))", (p - self.y) / (p * (1.0 - p))
        else:
            self.node = 0.5 * ops.sum(ops.square(a - self.y))
            self.value = 0.5 * np.sum((p - self.y) ** 2)
            self.formula, self.slope, self.by_a = f"1/2 sum (a[{n}] - y)^2", f"a[{n}] - y", p - self.y


def _forward(layers: list[Dense], z: list[Node], a: list[Any], loss: _Loss) -> Iterator[Line]:
    for i, layer in enumerate(layers, 1):
        W, b, before = layer.W._data, layer.b._data, a[i - 1]._data
        shapes = {f"W[{i}]": W.shape, f"a[{i - 1}]": before.shape, f"b[{i}]": b.shape}
        yield Line(f"z[{i}]", f"W[{i}] a[{i - 1}] + b[{i}]", shapes, W @ before + b, z[i]._data)
        g = name_of(layer.activation)
        formula = f"z[{i}]" if g == "identity" else f"{g}(z[{i}])"
        yield Line(f"a[{i}]", formula, {f"z[{i}]": b.shape}, layer.activate(z[i]._data), a[i]._data)
    n = len(layers)
    yield Line("L", loss.formula, {f"a[{n}]": a[n].shape, "y": loss.y.shape}, loss.value, loss.node._data)


def _backward(layers: list[Dense], z: list[Node], a: list[Any], loss: _Loss) -> Iterator[Line]:
    n = len(layers)
    da = loss.by_a
    yield Line(f"dL/da[{n}]", loss.slope, {f"a[{n}]": a[n].shape, "y": loss.y.shape}, da, a[n].grad)
    for i in range(n, 0, -1):
        layer, before = layers[i - 1], a[i - 1]
        dz = yield from _through_activation(name_of(layer.activation), layer, i, z[i], a[i], da)
        if i == n and name_of(layer.activation) in ("softmax", "sigmoid"):
            shapes = {f"a[{n}]": a[n].shape, "y": loss.y.shape}
            yield Line(f"dL/dz[{n}]", f"a[{n}] - y", shapes, a[n]._data - loss.y, z[n].grad)
        upstream = {f"dL/dz[{i}]": dz.shape}
        shapes = {**upstream, f"a[{i - 1}]^T": (1, len(before))}
        yield Line(f"dL/dW[{i}]", f"dL/dz[{i}] a[{i - 1}]^T", shapes, np.outer(dz, before._data), layer.W.grad)
        yield Line(f"dL/db[{i}]", f"dL/dz[{i}]", upstream, dz, layer.b.grad)
        da = layer.W._data.T @ dz
        shapes = {f"W[{i}]^T": layer.W.shape[::-1], **upstream}
        yield Line(f"dL/da[{i - 1}]", f"W[{i}]^T dL/dz[{i}]", shapes, da, before.grad)


def _through_activation(g: str, layer: Dense, i: int, z: Node, a: Node, da: Array) -> Any:
    """Yield the line for dL/dz[i], and return its numbers: by the whole Jacobian for softmax, else entry by entry."""
    if g == "softmax":
        J = np.diag(a._data) - np.outer(a._data, a._data)
        engine = jacobian(layer.activate)(z._data)
        yield Line("J", f"diag(a[{i}]) - a[{i}] a[{i}]^T", {f"a[{i}]": a.shape}, J, engine)
        dz, formula = J.T @ da, f"J^T dL/da[{i}]"
        shapes = {"J^T": J.shape, f"dL/da[{i}]": da.shape}
    else:
        (slope,) = vjp(layer.activate, z._data)[1](np.ones(z.shape))  # the rule of the op with upstream gradient 1
        dz, formula = da * slope, f"dL/da[{i}] * {g}'(z[{i}])" if g != "identity" else f"dL/da[{i}]"
        shapes = {f"dL/da[{i}]": da.shape, f"z[{i}]": z.shape}
    yield Line(f"dL/dz[{i}]", formula, shapes, dz, z.grad)
    return dz


def _dense_layers(net: Any) -> list[Dense]:
    """Return copies of the layers on arrays, in float64; what does nothing in evaluation mode (dropout) is left out."""
    layers = [layer for layer in (net.layers if isinstance(net, Sequential) else [net]) if not hasattr(layer, "rate")]
    if not layers or not all(isinstance(layer, (Neuron, Layer, Dense)) for layer in layers):
        raise SettingError(f"the recipe needs a Neuron, a Layer, a Dense or a Sequential of these, got {net!r}")
    return [(layer if isinstance(layer, Dense) else layer.tensors()).scalars().tensors() for layer in layers]


def _input(x: Any, first: Dense) -> Array:
    array = array_of(x, np.float64)
    if array.shape != first.W.shape[1:]:
        raise ShapeError(f"the recipe takes one sample of shape {first.W.shape[1:]}, got x of shape {array.shape}")
    return array


def _target(activation: str, a: Node, y: Any) -> Array:
    """Return the target as a vector of the output's shape: a class number becomes a one-hot vector."""
    if activation == "softmax":
        return np.eye(len(a._data))[checked_labels(y, a.shape)]
    target = array_of(np.atleast_1d(np.asarray(y)), np.float64)
    if target.shape != a.shape:
        raise ShapeError(f"y of shape {target.shape} for an output of shape {a.shape}")
    if activation == "sigmoid" and not ((target >= 0.0) & (target <= 1.0)).all():
        raise SettingError(f"targets of a sigmoid output must lie in [0, 1], got {target}")
    return target


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "1"


def _latex(text: str) -> str:
    for pattern, to in LATEX:
        text = re.sub(pattern, to, text)
    return text


def _matrix(numbers: Array, most: int = 6) -> str:
    """Return numbers as a LaTeX matrix, a vector as a column, with dots in place of what is beyond the first few."""
    if not numbers.ndim:
        return f"{numbers:.4g}"
    rows = [list(map("{:.4g}".format, row[:most])) for row in np.atleast_2d(numbers.T).T[:most]]
    if numbers.ndim == 2 and numbers.shape[1] > most:
        rows = [[*row, r"\cdots"] for row in rows]
    if len(numbers) > most:
        rows.append([r"\vdots"] * len(rows[0]))
    return r"\begin{bmatrix}" + r" \\ ".join(" & ".join(row) for row in rows) + r"\end{bmatrix}"
