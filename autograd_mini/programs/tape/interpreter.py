"""The interpreter of tapes, in numba, written out from the table, compiled once and kept on disk.

The source is printed: each row's expression and each of its rules is a case of the interpreter, in the words of
`dialects`. It is compiled for all graphs at once, when a process of this user first asks for it, and stored in a
folder of the user's under the name of what it was made of: another table or another numba makes another file.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain, repeat
from types import ModuleType
from typing import Any

import numpy as np

from ... import ops
from ...data import Array
from ...node import leaf, record
from ...op import Elementwise, Op
from ..languages.dialects import PYTHON, contribution, expression
from ..languages.prelude import definitions, prelude
from . import abreast, assembly, jit
from .assembly import ADD, DOT, MASKS, MUL, POWER, SQUARE, SUM
from .interpreter_loops import ASSEMBLER, HEAD, LANES, SCALAR

_KNOWN = {"add": ADD, "mul": MUL, "power": POWER, "square": SQUARE, "add_n": SUM}
_ON_ARRAYS = ("floor", "round")  # rows whose function on numbers goes through an int, which inf and nan refuse
# calls that are computed for many lanes at once
_ABREAST = {"exp", "expm1", "relu", "sigmoid", "silu", "sqrt", "square", "step", "tanh"}


@cache
def rows() -> dict[Op, int]:
    """Return the rows that the interpreter computes, with their numbers."""
    others = dict.fromkeys(op for op in vars(ops).values() if isinstance(op, Elementwise) and op.name not in _KNOWN)
    known: dict[Op, int] = {getattr(ops, name): kind for name, kind in _KNOWN.items()}
    return {**known, **{op: DOT + 1 + i for i, op in enumerate(others)}}


@cache
def load(name: str) -> Any:
    """Return a compiled part of the interpreter, see `source`; the first time takes seconds."""
    return jit.load(f"autograd_mini_{name}", source(name))


def source(name: str) -> str:
    """Return the source of a part: the assembler, the same for every table, or loops with a case per row and rule.

    `name` is "assembler", "scalar", or what lanes are made of, "float64" or "float32".
    """
    loops = {"assembler": ASSEMBLER, "scalar": SCALAR}.get(name) or LANES.replace("<number>", name)
    for place, make in _CASES.items():
        if f"<{place}>" in loops:
            loops = loops.replace(f"        <{place}>\n", _indented(make()))
    start = HEAD if name == "assembler" else head()
    return "\n".join([start, *_jitted(_functions(assembly)), loops])


@cache
def head() -> str:
    """Return what every source starts with: what numba is told, and what the table means."""
    return "\n".join([HEAD, *_jitted(_definitions(), "@inlined")])


@cache
def texts(op: Op) -> tuple[str, dict[int, str]]:
    """Return a row's expression and its contributions by argument, with {x}, {y}, {z}, {r}, {g} for the names.

    >>> texts(ops.mul)
    ('{x} * {y}', {0: '{g} * {y}', 1: '{g} * {x}'})
    """
    args = tuple([leaf(1.0) for _ in op.rules])
    node = record(op, args, 1.0)
    names = {**{a: f"{{{s}}}" for a, s in zip(args, "xyz")}, node: "{r}"}
    slopes = {i: contribution(node, i, names, "{g}", PYTHON) for i in range(len(args)) if op.rule(i)}
    return expression(node, names, PYTHON), slopes


@cache
def rules() -> Array:
    """Return for each row, by number, which of its arguments have a rule, one bit each."""
    masks = dict.fromkeys(range(DOT + 1), 1)
    masks.update((kind, sum(1 << i for i in texts(op)[1])) for op, kind in _printed())
    return np.array([masks[kind] for kind in range(len(masks))])


def _printed() -> list[tuple[Op, int]]:
    return [(op, kind) for op, kind in rows().items() if kind != SUM]


def _definitions() -> list[str]:
    arrays = definitions("array")
    defined = {**definitions("scalar"), **{name: arrays[name] for name in _ON_ARRAYS}, **_named(abreast)}
    used = [text for op, _ in _printed() for text in (texts(op)[0], *texts(op)[1].values())]
    return prelude(used, defined)


def _functions(module: ModuleType) -> list[str]:
    """Return the constants, classes and functions of a module, as they are written."""
    text = inspect.getsource(module)
    return [ast.get_source_segment(text, part) or "" for part in ast.parse(text).body if not _is_import(part)]


def _named(module: ModuleType) -> dict[str, str]:
    """Return the constants and functions of a module by their names."""
    return {re.split(r"\W+", text.removeprefix("def "), maxsplit=1)[0]: text for text in _functions(module)}


def _is_import(part: ast.stmt) -> bool:
    return isinstance(part, (ast.Import, ast.ImportFrom, ast.Expr))


def _jitted(texts: list[str], how: str = "@jit") -> list[str]:
    return [f"{how}\n{text}" if text.startswith("def ") else text for text in texts]


def _indented(cases: Iterator[tuple[int, list[str]]]) -> str:
    """Return the cases as one chain of conditions on op."""
    lines = []
    for word, (code, body) in zip(chain(["if"], repeat("elif")), cases):
        lines += [f"        {word} op == {code}:", *(f"            {line}" for line in body)]
    return "\n".join(lines) + "\n"


def _forward() -> Iterator[tuple[int, list[str]]]:
    names = {"x": "x", "y": "y", "z": "v[c]"}
    for op, kind in _printed():
        yield kind, [f"r = {texts(op)[0].format(**names)}"]


def _backward() -> Iterator[tuple[int, list[str]]]:
    names = {"x": "x", "y": "y", "z": "v[c]", "r": "r", "g": "g"}
    for op, kind in _printed():
        for mask, wanted in _subsets(texts(op)[1]):
            yield MASKS * kind + mask, [f"h[{'abc'[i]}] += {text.format(**names)}" for i, text in wanted]


def _value() -> Iterator[tuple[int, list[str]]]:
    """Yield the rows as cases of a function, for lanes that take turns."""
    for op, kind in _printed():
        if _takes_turns(texts(op)[0]):
            yield kind, [f"return {texts(op)[0].format(x='x', y='y', z='z')}"]


def _slopes() -> Iterator[tuple[int, list[str]]]:
    """Yield the rules as cases of a function, for lanes that take turns."""
    for op, kind in _printed():
        for mask, wanted in _subsets(texts(op)[1]):
            if any(_takes_turns(text) for _, text in wanted):
                found = {i: text.format(x="x", y="y", z="z", r="r", g="g") for i, text in wanted}
                yield MASKS * kind + mask, [f"return {', '.join(found.get(i, '-0.0') for i in range(3))}"]


def _forward_lanes() -> Iterator[tuple[int, list[str]]]:
    """Yield the other rows, for lanes that go abreast."""
    for op, kind in _printed():
        if not _takes_turns(texts(op)[0]):
            yield kind, _loop("v[d, j] = " + texts(op)[0])


def _backward_lanes() -> Iterator[tuple[int, list[str]]]:
    """Yield the other rules, for lanes that go abreast."""
    for op, kind in _printed():
        for mask, wanted in _subsets(texts(op)[1]):
            if not any(_takes_turns(text) for _, text in wanted):
                yield MASKS * kind + mask, [line for i, text in wanted for line in _loop(f"h[{'abc'[i]}, j] += {text}")]


def _takes_turns(text: str) -> bool:
    """Return whether an expression calls what computes one number at a time."""
    return not _ABREAST.issuperset(re.findall(r"(\w+)\(", text))


def _loop(text: str) -> list[str]:
    names = {"x": "v[a, j]", "y": "v[b, j]", "z": "v[c, j]", "r": "v[d, j]", "g": "h[d, j]"}
    return ["for j in range(m):", f"    {text.format(**names)}"]


def _subsets(slopes: dict[int, str]) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """Yield which contributions may be wanted together, one bit each, and their texts."""
    for mask in range(1, MASKS):
        wanted = [(i, text) for i, text in slopes.items() if mask & (1 << i)]
        if sum(1 << i for i, _ in wanted) == mask:
            yield mask, wanted


_CASES = {
    "forward": _forward, "backward": _backward,
    "value": _value, "slopes": _slopes, "forward lanes": _forward_lanes, "backward lanes": _backward_lanes,
}  # fmt: skip
