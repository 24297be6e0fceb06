"""What every export starts from: a network in terms of a few kinds of layers, or an error that names the odd one."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise
from typing import Any, NamedTuple

from autograd_mini import AutogradError, ShapeError
from autograd_mini.op import ROWS, TABLE, Op

from ..layers import ACTIVATIONS, Activation, Dense, Dropout, Layer, Neuron, Sequential, inside, leaves, name_of
from ..module import Module

KINDS = (Sequential, Dense, Dropout, Layer, Neuron)
COMPUTES = ("__call__", "affine", "activate")  # what a subclass must leave as it is, for its twin to compute the same
DEPTH = 100  # of sequences in sequences; deeper ones, or one that contains itself, would exhaust the others' stacks


class ExportError(AutogradError, ValueError):
    """A network that has no counterpart elsewhere: the message names the layer, and what it would have to be."""


class Affine(NamedTuple):
    """The step z = W x + b, by the names of its two parameters."""

    W: str
    b: str


def plan(model: Any) -> Any:
    """Return a network made of Sequential, Dense, Dropout and names of functions, which computes what `model` does.

    The layers on arrays are the model's own, those on Values their twins; an estimator's network ends with what makes
    `predict_proba`, or `predict`, of its outputs. ExportError and ShapeError name what does not fit.
    """
    if hasattr(type(model), "model_"):
        return Sequential(*plan(model.model_).layers, *_head(model))
    if not isinstance(model, Module):
        raise ExportError(f"expected one of nn's networks or a fitted estimator, got {type(model).__name__}")
    net = _on_arrays(model, "", {})
    _check(net)
    return net


def steps(net: Any, functions: Collection[str], target: str) -> list[Affine | str]:
    """Return what a planned network computes, one step after another: an Affine, or the name of a function.

    Each function must be among those that the target has, or ExportError names it. Identities and dropout, which do
    nothing in evaluation mode, are left out.
    """
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    found: list[Affine | str] = []
    for where, layer in leaves(net):
        if isinstance(layer, Dense):
            found.append(Affine(names[id(layer.W)], names[id(layer.b)]))
        if not isinstance(layer, Dropout):
            found.append(function_of(getattr(layer, "activation", layer), where, functions, target))
    return [step for step in found if step != "identity"]


def function_of(g: Activation, where: str, functions: Collection[str], target: str) -> str:
    """Return the name of an activation, or raise ExportError where the target has no function of that name."""
    name = g.name if isinstance(g, Op) else name_of(g)
    if name in functions and (isinstance(g, str) or ROWS.get(name) is g):
        return name
    known = ", ".join(f for f in functions if f in ACTIVATIONS or f in TABLE)
    raise ExportError(f"{where or 'the network'} computes {name!r}, which has no twin in {target}: there are {known}")


def _head(model: Any) -> list[str]:
    """Return what an estimator does with its network's outputs: one column is shown beside 1 - p, or as a vector."""
    if model.n_outputs_ > 1:
        return []
    if not hasattr(model, "predict_proba"):
        return ["column"]
    return ["certain" if len(model.classes_) == 1 else "both"]


def _on_arrays(layer: Any, where: str, known: dict[int, Any]) -> Any:
    """Return a layer's twin on arrays; one that is reached twice has one twin."""
    if id(layer) not in known:
        known[id(layer)] = _twin(layer, _kind(layer, where), where, known)
    return known[id(layer)]


def _twin(layer: Any, kind: type | None, where: str, known: dict[int, Any]) -> Any:
    if kind is Sequential:
        return Sequential(*(_on_arrays(inner, inside(where, i), known) for i, inner in enumerate(layer.layers)))
    return layer.tensors() if kind in (Layer, Neuron) else layer


def _kind(layer: Any, where: str) -> type | None:
    """Return which of KINDS a layer is, None for a function; ExportError where it computes something of its own."""
    if where.count("layers.") > DEPTH:
        raise ExportError(f"sequences are nested more than {DEPTH} deep, or one contains itself")
    kind = next((kind for kind in KINDS if isinstance(layer, kind)), None)
    if kind is None and (isinstance(layer, Module) or not callable(layer)):
        raise ExportError(
            f"{where or 'the network'} is a {type(layer).__name__}, which has no twin: "
            f"there are those of {', '.join(kind.__name__ for kind in KINDS)}"
        )
    own = [name for name in COMPUTES if getattr(type(layer), name, None) is not getattr(kind, name, None)]
    if kind is not None and own:
        raise ExportError(
            f"{where or 'the network'} is a {type(layer).__name__}, whose {own[0]} is not that of {kind.__name__}"
        )
    return kind


def _check(net: Any) -> None:
    """Raise unless parameters are leaves of one dtype, and each layer takes what the one before gives."""
    layers = [(where, layer) for where, layer in leaves(net) if isinstance(layer, Dense)]
    for where, layer in layers:
        if layer.W.op or layer.b.op:
            raise ExportError(f"{where or 'the network'} has a parameter that was computed from others: give it a leaf")
    dtypes = {str(parameter.dtype): name for name, parameter in net.named_parameters()}
    if len(dtypes) > 1:
        mixed = ", ".join(f"{name} is {dtype}" for dtype, name in dtypes.items())
        raise ExportError(f"the parameters must have one dtype: {mixed}")
    for (before, one), (where, other) in pairwise(layers):
        if one.W.shape[0] != other.W.shape[1]:
            raise ShapeError(f"{where} takes {other.W.shape[1]} inputs, and {before} gives {one.W.shape[0]} outputs")
