"""Straight lines: the instructions of one tape as source, one statement after the other, for numba to compile."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from . import jit, machine
from .assembly import DOT, MASKS, SUM, WIDTH
from .data import Array
from .op import Op

_ENTRY = """
@entry(numba.boolean(numba.uint32[::1], numba.uint32[::1], given, wholes, whole, given, real, reals))
def run(code, lists, numbers, shown, n, values, gradient, out):
    if values.size != n or out.size != n + shown.size:
        return False
    """


def straight_run(code: tuple[Array, Array], shown: Array, inputs: int, numbers: int) -> Any:
    """Return a compiled function with the signature of the interpreter's `run` that computes one tape."""
    lines = list(_lines(code, shown.tolist(), inputs, numbers))
    source = machine.head() + _ENTRY + "\n    ".join(lines) + "\n"
    return jit.load("autograd_mini_straight", source).run


def _lines(code: tuple[Array, Array], shown: list[int], inputs: int, numbers: int) -> Iterator[str]:
    base = inputs + numbers
    steps = code[0].reshape(-1, WIDTH).tolist()
    lists = code[1].tolist()
    yield from (f"v{i} = values[{i}]" for i in range(inputs))
    yield from (f"v{inputs + i} = numbers[{i}]" for i in range(numbers))
    for d, step in enumerate(steps, base):
        yield from _forward(d, step, lists)
    yield from (f"h{i} = 0.0" for i in range(base + len(steps)))
    yield f"h{shown[0]} = gradient"
    for d, step in reversed(list(enumerate(steps, base))):
        yield from _backward(d, step, lists)
    yield f"out[0] = v{shown[0]}"
    yield from (f"out[{1 + i}] = h{i}" for i in range(inputs))
    yield from (f"out[{inputs + k}] = v{slot}" for k, slot in enumerate(shown) if k)
    yield "return True"


def _forward(d: int, step: list[int], lists: list[int]) -> Iterator[str]:
    kind, _, a, b, c = step
    if kind == SUM:
        slots = _listed(lists, c)
        yield f"v{d} = v{slots[0]}"
        yield from (f"v{d} += v{slot}" for slot in slots[1:])
    elif kind == DOT:
        slots = _listed(lists, c)
        yield f"v{d} = v{a}"
        yield from (f"v{d} += v{slots[k]} * v{slots[k + 1]}" for k in range(len(slots) - 2, -1, -2))
    else:
        yield f"v{d} = {machine.texts(_by_number()[kind])[0].format(x=f'v{a}', y=f'v{b}', z=f'v{c}')}"


def _backward(d: int, step: list[int], lists: list[int]) -> Iterator[str]:
    _, todo, a, b, c = step
    kind, mask = divmod(todo, MASKS)
    if todo == MASKS * SUM + 1:
        yield from (f"h{slot} += h{d}" for slot in _listed(lists, c))
    elif todo == MASKS * DOT + 1:
        slots = _listed(lists, c)
        yield f"h{a} += h{d}"
        for p, q in zip(slots[::2], slots[1::2]):
            yield f"h{p} += h{d} * v{q}"
            yield f"h{q} += h{d} * v{p}"
    elif todo:
        names = {"x": f"v{a}", "y": f"v{b}", "z": f"v{c}", "r": f"v{d}", "g": f"h{d}"}
        for i, text in machine.texts(_by_number()[kind])[1].items():
            if mask & (1 << i):
                yield f"h{step[2 + i]} += {text.format(**names)}"


def _listed(lists: list[int], at: int) -> list[int]:
    return lists[at + 1 : at + 1 + lists[at]]


@cache
def _by_number() -> dict[int, Op]:
    return {kind: op for op, kind in machine.rows().items()}
