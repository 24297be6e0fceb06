"""The machine: an interpreter of tapes in numba, written out from the table, compiled once and kept on disk.

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

from . import assembly, jit, ops
from .assembly import ADD, DOT, MASKS, MUL, POWER, SQUARE, SUM
from .data import Array
from .dialects import PYTHON, contribution, expression
from .node import leaf, record
from .op import Elementwise, Op
from .prelude import definitions, prelude

_KNOWN = {"add": ADD, "mul": MUL, "power": POWER, "square": SQUARE, "add_n": SUM}
_ON_ARRAYS = ("floor", "round", "cbrt")  # rows whose function on numbers goes through an int, which inf and nan refuse


@cache
def rows() -> dict[Op, int]:
    """Return the rows that the machine computes, with their numbers."""
    others = [op for op in vars(ops).values() if isinstance(op, Elementwise) and op.name not in _KNOWN]
    known: dict[Op, int] = {getattr(ops, name): kind for name, kind in _KNOWN.items()}
    return {**known, **{op: DOT + 1 + i for i, op in enumerate(others)}}


@cache
def load(name: str) -> Any:
    """Return a compiled part of the machine, "scalar" or "lanes"; the first time takes seconds, and is kept on disk."""
    return jit.load(f"autograd_mini_{name}", source(name))


def source(name: str) -> str:
    """Return the source of a part: what the table means, the assembly, and loops with a case per row and rule."""
    loops = _PARTS[name]
    for place, make in _CASES.items():
        if f"<{place}>" in loops:
            loops = loops.replace(f"        <{place}>\n", _indented(make()))
    parts = _jitted(_functions(assembly))  # the lanes use its constants alone
    return "\n".join([_HEAD, *_jitted(_definitions()), *parts, loops])


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
    defined = {**definitions("scalar"), **{name: definitions("array")[name] for name in _ON_ARRAYS}}
    used = [text for op, _ in _printed() for text in (texts(op)[0], *texts(op)[1].values())]
    return prelude(used, defined)


def _functions(module: ModuleType) -> list[str]:
    """Return the constants, classes and functions of a module, as they are written."""
    text = inspect.getsource(module)
    return [ast.get_source_segment(text, part) or "" for part in ast.parse(text).body if not _is_import(part)]


def _is_import(part: ast.stmt) -> bool:
    return isinstance(part, (ast.Import, ast.ImportFrom, ast.Expr))


def _jitted(texts: list[str]) -> list[str]:
    return [f"@jit\n{text}" if text.startswith("def ") else text for text in texts]


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
        if _calls(texts(op)[0]):
            yield kind, [f"return {texts(op)[0].format(x='x', y='y', z='z')}"]


def _slopes() -> Iterator[tuple[int, list[str]]]:
    """Yield the rules as cases of a function, for lanes that take turns."""
    for op, kind in _printed():
        for mask, wanted in _subsets(texts(op)[1]):
            if any(_calls(text) for _, text in wanted):
                found = {i: text.format(x="x", y="y", z="z", r="r", g="g") for i, text in wanted}
                yield MASKS * kind + mask, [f"return {', '.join(found.get(i, '0.0') for i in range(3))}"]


def _forward_lanes() -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are nothing but operators, for lanes that go abreast."""
    for op, kind in _printed():
        if not _calls(texts(op)[0]):
            yield kind, _loop("v[d, j] = " + texts(op)[0])


def _backward_lanes() -> Iterator[tuple[int, list[str]]]:
    """Yield the rules that are nothing but operators, for lanes that go abreast."""
    for op, kind in _printed():
        for mask, wanted in _subsets(texts(op)[1]):
            if not any(_calls(text) for _, text in wanted):
                yield MASKS * kind + mask, [line for i, text in wanted for line in _loop(f"h[{'abc'[i]}, j] += {text}")]


def _calls(text: str) -> bool:
    return re.search(r"\w\(", text) is not None


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

_HEAD = """\
# The interpreter of tapes, written out from the table of autograd_mini.
from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

jit = numba.njit(error_model="numpy", nogil=True)
real = float = numba.float64  # the built-in one takes no bool there
reals, grid, whole, wholes = real[::1], real[:, ::1], numba.int64, numba.int64[::1]
given, givens = (numba.types.Array(real, n, "C", readonly=True) for n in (1, 2))
codes = numba.uint32[::1]


def entry(*signature):
    return numba.njit(*signature, error_model="numpy", nogil=True, cache=True)

"""

_SCALAR = """
@jit
def forward(code, lists, v, d):
    for i in range(0, code.size, WIDTH):
        op, a, b, c = code[i], code[i + 2], code[i + 3], code[i + 4]
        x, y, r = v[a], v[b], 0.0
        <forward>
        elif op == SUM:
            r = v[lists[c + 1]]
            for k in range(c + 2, c + 1 + lists[c]):
                r += v[lists[k]]
        elif op == DOT:
            r = x
            for k in range(c + lists[c] - 1, c, -2):
                r += v[lists[k]] * v[lists[k + 1]]
        v[d] = r
        d += 1


@jit
def backward(code, lists, v, h):
    d = v.size
    for i in range(code.size - WIDTH, -1, -WIDTH):
        d -= 1
        op, a, b, c = code[i + 1], code[i + 2], code[i + 3], code[i + 4]
        if op == 0:
            continue
        g, r, x, y = h[d], v[d], v[a], v[b]
        <backward>
        elif op == MASKS * SUM + 1:
            for k in range(c + 1, c + 1 + lists[c]):
                h[lists[k]] += g
        elif op == MASKS * DOT + 1:
            h[a] += g
            for k in range(c + 1, c + 1 + lists[c], 2):
                p, q = lists[k], lists[k + 1]
                x, y = v[p], v[q]
                h[p] += g * y
                h[q] += g * x


@entry(numba.boolean(codes, codes, given, whole, whole, given, real, reals))
def run(code, lists, numbers, root, n, values, gradient, out):
    base = n + numbers.size
    if values.size != n or out.size != n + 1:
        return False
    v, h = np.empty(base + code.size // WIDTH), np.zeros(base + code.size // WIDTH)
    v[:n] = values
    v[n:base] = numbers
    forward(code, lists, v, base)
    h[root] = gradient
    backward(code, lists, v, h)
    out[0] = v[root]
    out[1:] = h[:n]
    return True


@entry(numba.types.Tuple([codes, codes, whole])(numba.int64[:, ::1], wholes, wholes, given, whole, whole, whole))
def assembled(columns, more, rules, numbers, inputs, leaves, root):
    return assemble(columns, more, rules, numbers, inputs, leaves, root)
"""

_LANES = """
@jit
def value(op, x, y, z):
        <value>
        return 0.0


@jit
def slopes(op, g, r, x, y, z):
        <slopes>
        return 0.0, 0.0, 0.0


@jit
def forward_lanes(code, lists, v, d, m):
    for i in range(0, code.size, WIDTH):
        op, a, b, c = code[i], code[i + 2], code[i + 3], code[i + 4]
        <forward lanes>
        elif op == SUM:
            v[d, :m] = v[lists[c + 1], :m]
            for k in range(c + 2, c + 1 + lists[c]):
                a = lists[k]
                for j in range(m):
                    v[d, j] += v[a, j]
        elif op == DOT:
            v[d, :m] = v[a, :m]
            for k in range(c + lists[c] - 1, c, -2):
                p, q = lists[k], lists[k + 1]
                for j in range(m):
                    v[d, j] += v[p, j] * v[q, j]
        else:
            for j in range(m):
                v[d, j] = value(op, v[a, j], v[b, j], v[c, j])
        d += 1


@jit
def backward_lanes(code, lists, v, h, m):
    d = v.shape[0]
    for i in range(code.size - WIDTH, -1, -WIDTH):
        d -= 1
        op, a, b, c = code[i + 1], code[i + 2], code[i + 3], code[i + 4]
        if op == 0:
            continue
        <backward lanes>
        elif op == MASKS * SUM + 1:
            for k in range(c + 1, c + 1 + lists[c]):
                a = lists[k]
                for j in range(m):
                    h[a, j] += h[d, j]
        elif op == MASKS * DOT + 1:
            for j in range(m):
                h[a, j] += h[d, j]
            for k in range(c + 1, c + 1 + lists[c], 2):
                p, q = lists[k], lists[k + 1]
                for j in range(m):
                    h[p, j] += h[d, j] * v[q, j]
                for j in range(m):
                    h[q, j] += h[d, j] * v[p, j]
        else:
            for j in range(m):
                dx, dy, dz = slopes(op, h[d, j], v[d, j], v[a, j], v[b, j], v[c, j])
                h[a, j] += dx
                h[b, j] += dy
                h[c, j] += dz


@entry(numba.void(codes, codes, given, whole, given, wholes, givens, given, reals, reals, grid, whole))
def run_lanes(code, lists, numbers, root, shared, varied, lanes, gradient, out, sums, slopes, width):
    base = shared.size + numbers.size
    v, h = np.empty((base + code.size // WIDTH, width)), np.empty((base + code.size // WIDTH, width))
    for i in range(shared.size):
        v[i] = shared[i]
    for i in range(numbers.size):
        v[shared.size + i] = numbers[i]
    for start in range(0, out.size, width):
        m = min(width, out.size - start)
        for k in range(varied.size):
            v[varied[k], :m] = lanes[k, start : start + m]
        forward_lanes(code, lists, v, base, m)
        h[:] = 0.0
        h[root, :m] = gradient[start : start + m]
        backward_lanes(code, lists, v, h, m)
        out[start : start + m] = v[root, :m]
        for i in range(sums.size):
            for j in range(m):
                sums[i] += h[i, j]
        for k in range(varied.size):
            slopes[k, start : start + m] = h[varied[k], :m]

"""

_PARTS = {"scalar": _SCALAR, "lanes": _LANES}
