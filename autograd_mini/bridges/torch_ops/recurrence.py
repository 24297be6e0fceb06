"""PyTorch's recurrent layers, one step after another."""

from __future__ import annotations

from typing import Any

from ... import array_ops as arrays
from ... import ops
from .. import layers
from .shapes import select, unbind
from .table import OPS, Translation


def _layer_stack(cell: layers.Cell, x: Any, states: Any, weights: Any, biases: bool, count: int, both: bool) -> Any:
    """Return what all layers make of a sequence, (step, sample, feature), and their last states."""
    xs, ends = list(unbind(x, 0)), []
    width = 4 if biases else 2
    for layer in range(count):
        outputs = []
        for way in range(2 if both else 1):
            i = layer * (2 if both else 1) + way
            state = tuple(select(s, 0, i) for s in states)
            hs, state = layers.unrolled(cell, xs, state, weights[i * width : (i + 1) * width], bool(way))
            outputs.append(hs)
            ends.append(state)
        xs = [pair[0] if len(pair) == 1 else arrays.concatenate(pair, -1) for pair in zip(*outputs)]
    return arrays.stack(xs, 0), *(arrays.stack(parts, 0) for parts in zip(*ends))


def _recurrent(cell: layers.Cell) -> Translation:
    def run(x: Any, states: Any, weights: Any, biases: bool, count: int, dropout: float, train: bool, both: bool,
            batch_first: bool = False) -> Any:  # fmt: skip
        states = states if isinstance(states, (tuple, list)) else (states,)
        one = len(ops.shape(x)) == 2
        x = ops.expand_dims(x, 1) if one else ops.swapaxes(x, 0, 1) if batch_first else x
        states = [ops.expand_dims(s, 1) for s in states] if one and len(ops.shape(states[0])) == 2 else states
        y, *ends = _layer_stack(cell, x, states, weights, biases, count, both)
        y = ops.squeeze(y, 1) if one else ops.swapaxes(y, 0, 1) if batch_first else y
        return (y, *(ops.squeeze(e, 1) if one else e for e in ends))

    return run


def _one_step(cell: layers.Cell) -> Translation:
    def run(x: Any, state: Any, *weights: Any) -> Any:
        found = cell(
            x, tuple(state) if isinstance(state, (tuple, list)) else (state,), [w for w in weights if w is not None]
        )
        return found if len(found) > 1 else found[0]

    return run


OPS.update({
    "lstm.input": _recurrent(layers.lstm_cell), "gru.input": _recurrent(layers.gru_cell),
    "rnn_tanh.input": _recurrent(layers.tanh_cell), "rnn_relu.input": _recurrent(layers.relu_cell),
    "lstm_cell": _one_step(layers.lstm_cell), "gru_cell": _one_step(layers.gru_cell),
    "rnn_tanh_cell": _one_step(layers.tanh_cell), "rnn_relu_cell": _one_step(layers.relu_cell),
})  # fmt: skip
