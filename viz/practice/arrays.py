"""Levels 6 and 7: a layer with its shapes, and softmax with cross-entropy; the numbers are vectors."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np

from autograd_mini import Tensor, ops
from autograd_mini.text.explanation import explain

from .answers import written
from .question import Question

SHAPES = "a gradient has the shape of what it belongs to; z = W x + b has W of shape (outputs, inputs)."
LAYER = {
    "x": "back through the layer: dL/dx = W^T dL/dz, sums over the outputs, down the columns.",
    "W": "back into the weights: dL/dW = dL/dz x^T, each slope of z times each input, row by row.",
    "b": "the bias is added: dL/db = dL/dz.",
}
COLLAPSED = "softmax and -log collapse to a short difference: a - y, with y 1 at the right class and 0 elsewhere."


def layer(rng: Random, code: str) -> Question:
    """Return a question about a layer: a gradient of it, or a shape."""
    return rng.choice([_layer_gradient, _layer_gradient, _layer_gradient, _shape])(rng, code)


def _whole(rng: Random, *shape: int) -> Any:
    """Return an array of small whole numbers that are not 0."""
    return np.array([rng.choice([-2.0, -1.0, 1.0, 2.0, 3.0]) for _ in range(int(np.prod(shape)))]).reshape(shape)


def _layer_gradient(rng: Random, code: str) -> Question:
    rows, columns = rng.choice([(2, 3), (3, 2), (2, 2)])
    W, x, b, g = _whole(rng, rows, columns), _whole(rng, columns), _whole(rng, rows), _whole(rng, rows)
    wrt = rng.choice(["x", "x", "W", "W", "b"])
    leaves = {name: Tensor(array, label=name) for name, array in (("W", W), ("x", x), ("b", b))}
    z = leaves["W"] @ leaves["x"] + leaves["b"]
    z.label = "z"
    root = (z * g).sum()
    root.label = "L"
    told = explain(root, wrt=leaves[wrt], names={})
    answer = np.asarray(told.gradients[wrt])
    given = (*(f"{name} = {shown(array)}" for name, array in (("W", W), ("x", x), ("b", b))), "z = W @ x + b",
             f"dL/dz = {shown(g)}")  # fmt: skip
    by_rows = ", row by row" if wrt == "W" else ""
    slips = {slip: words for slip, words in _layer_slips(wrt, W, x, g, answer).items() if slip != _numbers(answer)}
    return Question(
        code, given, f"What is dL/d{wrt}{by_rows}?", _numbers(answer), (LAYER[wrt], SHAPES), str(told), slips,
        (f"dL/d{wrt}",), root=root,
    )  # fmt: skip


def _layer_slips(wrt: str, W: Any, x: Any, g: Any, right: Any) -> dict[tuple[float, ...], str]:
    """Return the slips of the three gradients: W for its transpose, the local derivative alone, the sign."""
    square = W.shape[0] == W.shape[1]
    rows = {_numbers(W @ g): "that is W g, along the rows; the chain rule needs W^T g."} if square else {}
    slips: dict[str, dict[tuple[float, ...], str]] = {
        "x": {_numbers(W.T @ np.ones(len(g))): "that leaves dL/dz out: weigh the rows of W with it.", **rows},
        "W": {
            _numbers(np.outer(x, g)): "that is transposed: W has a row for each output.",
            _numbers(np.outer(np.ones(len(g)), x)): "that is the local derivative alone: times dL/dz.",
            _numbers(W): "those are the weights; their gradient is asked for.",
        },
        "b": {(1.0,) * len(g): "that is the local derivative alone: times dL/dz."},
    }
    return {_numbers(-right): "the sign.", **slips[wrt]}


def _shape(rng: Random, code: str) -> Question:
    """Return a question for the shape of a gradient."""
    n, m = rng.sample(range(2, 9), 2)
    batch = rng.choice([0, 10, 32])
    wrt = rng.choice(["W", "X" if batch else "x", "b"])
    shapes = {"W": (m, n), "X": (batch, n), "x": (n,), "b": (m,)}
    given = (
        f"a layer of {m} neurons with {n} inputs, z = W x + b",
        *([f"X = {batch} samples, one in each row"] if batch else []),
    )
    answer = tuple(map(float, shapes[wrt]))
    swapped = {answer[::-1]: "z = W a needs the inputs along the columns."} if wrt == "W" else {}
    steps = f"dL/d{wrt} has the shape of {wrt}: {written(answer)}"
    return Question(
        code, given, f"Which shape has dL/d{wrt}?", answer, (SHAPES,), steps, swapped, (f"shape of dL/d{wrt}",)
    )


# Softmax --------------------------------------------------------------------------------------------------------------


def softmax_loss(rng: Random, code: str) -> Question:
    """Return a question for the gradient of the cross-entropy with respect to the logits."""
    tenths, label = _probabilities(rng)
    samples = rng.choice([1, 1, 2, 5])
    z = Tensor(np.log(tenths), label="z")
    a = ops.softmax(z)
    loss = -ops.log(a[label]) / float(samples)
    a.label, loss.label = "a", "L"
    y = np.eye(len(tenths))[label]
    answer = (tenths / 10 - y) / samples
    mean = f"L is the mean over {samples} samples, of which this is one: L = -log(a[{label}]) / {samples} + ..."
    right = f"the right class is that of the entry a[{label}] = {tenths[label] / 10:g}"
    given = (f"a = softmax(z) = {shown(tenths / 10)}", right, mean if samples > 1 else f"L = -log(a[{label}])")
    by = f" / {samples}" if samples > 1 else ""
    short = f"dL/dz = (a - y){by} = ({shown(tenths / 10)} - {shown(y)}){by} = {shown(answer)}"
    hints = (COLLAPSED, f"y = {shown(y)}" + (f", and a mean over {samples} divides by {samples}" if by else "") + ".")
    return Question(
        code, given, "What is dL/dz?", _numbers(answer), hints, f"{short}\n\n{explain(loss, names={})}",
        _softmax_slips(tenths / 10, y, samples), ("dL/dz",), root=loss, known=("a",),
    )  # fmt: skip


def _probabilities(rng: Random) -> tuple[Any, int]:
    """Return three or four tenths that add up to 10, and the right class: one whose 1 / a comes out even."""
    while True:
        cuts = sorted(rng.sample(range(1, 10), rng.choice([2, 2, 3])))
        tenths = np.diff([0, *cuts, 10]).astype(float)
        label = rng.randrange(len(tenths))
        if tenths[label] in (1.0, 2.0, 4.0, 5.0, 8.0):
            return tenths, label


def _softmax_slips(a: Any, y: Any, samples: int) -> dict[tuple[float, ...], str]:
    slips: list[tuple[Any, str]] = [
        ((y - a) / samples, "the sign: what was said minus what was right."),
        (-y / a / samples, "that is dL/da; go on through the softmax."),
        ((a - 1) * y / samples, "that is the diagonal of the Jacobian alone."),
        (a / samples, "that is a: what was right is still to be taken away."),
    ]
    mean = [(a - y, f"that is the slope of this sample's loss: L is the mean over {samples}.")] if samples > 1 else []
    return {_numbers(wrong): words for wrong, words in slips + mean}


def shown(array: Any) -> str:
    """Return an array as people write it: [[1, 2], [3, 4]]."""
    if np.ndim(array) == 0:
        return written((float(array),))
    return f"[{', '.join(map(shown, array))}]"


def _numbers(array: Any) -> tuple[float, ...]:
    return tuple(float(x) for x in np.ravel(array))
