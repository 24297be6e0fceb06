"""Straight lines: the instructions of one tape as source, one statement after the other, for numba to compile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

from ...data import Array
from ...op import Op
from . import interpreter, jit
from .assembly import DOT, MASKS, SUM

TERMS = 50  # of a sum in one statement

_ENTRY = """
@entry(numba.boolean(given, given, real, reals))
def run(numbers, values, gradient, out):
    """


def straight_run(code: tuple[Array, Array], shown: Array, inputs: int, numbers: int) -> Any:
    """Return a compiled function run(numbers, values, gradient, out) that computes one tape as the interpreter does."""
    lines = list(_lines(code, shown.tolist(), inputs, numbers))
    source = interpreter.head() + _ENTRY + "\n    ".join(lines) + "\n"
    return jit.load("autograd_mini_straight", source).run


def _lines(code: tuple[Array, Array], shown: list[int], inputs: int, numbers: int) -> Iterator[str]:
    base = inputs + numbers
    steps = list(enumerate(code[0].tolist(), base))
    lists = code[1].tolist()
    yield f"if values.size != {inputs} or out.size != {inputs + len(shown)}:"
    yield "    return False"
    yield from (f"v{i} = values[{i}]" for i in range(inputs))
    yield from (f"v{inputs + i} = numbers[{i}]" for i in range(numbers - 2))
    yield f"v{base - 2}, v{base - 1} = 1.0, -0.0"  # at the end of the numbers of every tape
    for d, step in steps:
        yield from _forward(d, step, lists)
    received = defaultdict(list, {shown[0]: ["gradient"]})
    for d, step in reversed(steps):
        if step[1]:
            yield from _total(f"h{d}", received.pop(d))
        for slot, text in _backward(d, step, lists):
            if not inputs <= slot < base:  # a number
                received[slot].append(text)
    yield f"out[0] = v{shown[0]}"
    for i in range(inputs):
        yield from _total(f"out[{1 + i}]", received[i] or ["0.0"])
    yield from (f"out[{inputs + k}] = v{slot}" for k, slot in enumerate(shown) if k)
    yield "return True"


def _total(name: str, parts: list[str]) -> Iterator[str]:
    """Yield statements that add the parts in their order; a parser goes one level deeper with every sign."""
    yield f"{name} = {parts[0]}"
    for k in range(1, len(parts), TERMS):
        yield f"{name} = {' + '.join([name, *parts[k : k + TERMS]])}"


def _forward(d: int, step: list[int], lists: list[int]) -> Iterator[str]:
    kind, _, a, b, c = step
    if kind == SUM:
        slots = _listed(lists, c)
        yield from _total(f"v{d}", [f"v{slot}" for slot in slots])
    elif kind == DOT:
        slots = _listed(lists, c)
        products = [f"v{x} * v{y}" for x, y in zip(slots[::2], slots[1::2])]
        yield from _total(f"v{d}", [f"v{a}", *products[::-1]])
    else:
        yield f"v{d} = {interpreter.texts(_by_number()[kind])[0].format(x=f'v{a}', y=f'v{b}', z=f'v{c}')}"


def _backward(d: int, step: list[int], lists: list[int]) -> Iterator[tuple[int, str]]:
    """Yield the contributions of an instruction, each with the slot that receives it."""
    _, todo, a, b, c = step
    kind, mask = divmod(todo, MASKS)
    if todo == MASKS * SUM + 1:
        yield from ((slot, f"h{d}") for slot in _listed(lists, c))
    elif todo == MASKS * DOT + 1:
        slots = _listed(lists, c)
        yield a, f"h{d}"
        for p, q in zip(slots[::2], slots[1::2]):
            yield p, f"h{d} * v{q}"
            yield q, f"h{d} * v{p}"
    elif todo:
        names = {"x": f"v{a}", "y": f"v{b}", "z": f"v{c}", "r": f"v{d}", "g": f"h{d}"}
        for i, text in interpreter.texts(_by_number()[kind])[1].items():
            if mask & (1 << i):
                yield step[2 + i], f"({text.format(**names)})"


def _listed(lists: list[int], at: int) -> list[int]:
    return lists[at + 1 : at + 1 + lists[at]]


@cache
def _by_number() -> dict[int, Op]:
    return {kind: op for op, kind in interpreter.rows().items()}
