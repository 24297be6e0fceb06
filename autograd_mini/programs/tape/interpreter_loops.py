"""Loops: the interpreter of tapes but for its cases and types, which `interpreter` writes in where <...> stands.

`v` holds the values by slot, `h` the gradients, which start from -0.0: whatever is added to it stays what it is, a zero
with its sign. `idle` are the inputs that nothing is added to. `d` is the slot of the result, `a`, `b`, `c` those of the
arguments. In lanes a number that all samples share is one, and its gradient a sum, where sums of products alone use it;
every other slot is wide: it has a row of `m` lanes. Sums over lanes are free to be added in any order.
"""

HEAD = """\
# The interpreter of tapes, written out from the table of autograd_mini.
from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

jit = numba.njit(error_model="numpy", nogil=True)
inlined = numba.njit(error_model="numpy", nogil=True, forceinline=True)
freely = numba.njit(error_model="numpy", nogil=True, fastmath={"reassoc"})
real = float = numba.float64  # the built-in one takes no bool there
reals, grid, whole, wholes = real[::1], real[:, ::1], numba.int64, numba.int64[::1]
given, givens = (numba.types.Array(real, n, "C", readonly=True) for n in (1, 2))
steps, codes = numba.uint32[:, ::1], numba.uint32[::1]
unsigned = numba.uint64  # an index that may be negative is looked at twice


def entry(*signature):
    return numba.njit(*signature, error_model="numpy", nogil=True, cache=True)

"""

SCALAR = """
@jit
def forward(code, lists, v, d):
    for i in range(unsigned(len(code))):
        op, a, b, c = code[i, 0], code[i, 2], code[i, 3], code[i, 4]
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
        v[unsigned(d) + i] = r


@jit
def backward(code, lists, v, h):
    i, d = unsigned(len(code)), unsigned(v.size)
    while i > 0:
        i, d = i - unsigned(1), d - unsigned(1)
        op, a, b, c = code[i, 1], code[i, 2], code[i, 3], code[i, 4]
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


@entry(numba.boolean(steps, codes, given, wholes, wholes, whole, given, real, reals))
def run(code, lists, numbers, shown, idle, n, values, gradient, out):
    base = n + numbers.size
    if values.size != n or out.size != n + shown.size:
        return False
    v, h = np.empty(base + len(code)), np.full(base + len(code), -0.0)
    h[idle] = 0.0
    v[:n] = values
    v[n:base] = numbers
    forward(code, lists, v, base)
    h[shown[0]] = gradient
    backward(code, lists, v, h)
    out[0] = v[shown[0]]
    out[1 : n + 1] = h[:n]
    for k in range(1, shown.size):
        out[n + k] = v[shown[k]]
    return True
"""

ASSEMBLER = """
tape = numba.types.Tuple([steps, codes, wholes, wholes])


@entry(tape(numba.int64[:, ::1], wholes, wholes, given, whole, whole, wholes))
def assembled(columns, more, rules, numbers, inputs, leaves, shown):
    return assemble(columns, more, rules, numbers, inputs, leaves, shown)
"""

LANES = """
@jit
def value(op, x, y, z):
        <value>
        return 0.0


@jit
def slopes(op, g, r, x, y, z):
        <slopes>
        return 0.0, 0.0, 0.0


@jit
def widened(code, lists, wide):
    for i in range(len(code)):
        op, a, b, c = code[i, 0], code[i, 2], code[i, 3], code[i, 4]
        if op == DOT:
            for k in range(c + 1, c + 1 + lists[c], 2):  # one of two factors at least
                wide[lists[k]] |= not wide[lists[k + 1]]
        elif op == SUM:
            for k in range(c + 1, c + 1 + lists[c]):
                wide[lists[k]] = True
        else:
            wide[a] = wide[b] = wide[c] = True


@jit
def forward_lanes(code, lists, v, d, m, wide):
    for i in range(len(code)):
        op, a, b, c = code[i, 0], code[i, 2], code[i, 3], code[i, 4]
        <forward lanes>
        elif op == SUM:
            v[d, :m] = v[lists[c + 1], :m]
            for k in range(c + 2, c + 1 + lists[c]):
                a = lists[k]
                for j in range(m):
                    v[d, j] += v[a, j]
        elif op == DOT:
            if wide[a]:
                v[d, :m] = v[a, :m]
            else:
                v[d, :m] = v[a, 0]
            for k in range(c + lists[c] - 1, c, -2):
                p, q = lists[k], lists[k + 1]
                if wide[p] and wide[q]:
                    for j in range(m):
                        v[d, j] += v[p, j] * v[q, j]
                else:
                    p, q = (q, p) if wide[p] else (p, q)
                    x = v[p, 0]
                    for j in range(m):
                        v[d, j] += x * v[q, j]
        else:
            for j in range(m):
                v[d, j] = value(op, v[a, j], v[b, j], v[c, j])
        d += 1


@jit
def backward_lanes(code, lists, v, h, m, wide, sums):
    d = len(v)
    for i in range(len(code) - 1, -1, -1):
        d -= 1
        op, a, b, c = code[i, 1], code[i, 2], code[i, 3], code[i, 4]
        if op == 0:
            continue
        <backward lanes>
        elif op == MASKS * SUM + 1:
            for k in range(c + 1, c + 1 + lists[c]):
                a = lists[k]
                for j in range(m):
                    h[a, j] += h[d, j]
        elif op == MASKS * DOT + 1:
            if wide[a]:
                for j in range(m):
                    h[a, j] += h[d, j]
            else:
                sums[a] += total(h, d, m)
            for k in range(c + 1, c + 1 + lists[c], 2):
                p, q = lists[k], lists[k + 1]
                if wide[p] and wide[q]:
                    for j in range(m):
                        h[p, j] += h[d, j] * v[q, j]
                    for j in range(m):
                        h[q, j] += h[d, j] * v[p, j]
                else:
                    p, q = (q, p) if wide[p] else (p, q)
                    x = v[p, 0]
                    sums[p] += total_product(h, d, v, q, m)
                    for j in range(m):
                        h[q, j] += h[d, j] * x
        else:
            for j in range(m):
                dx, dy, dz = slopes(op, h[d, j], v[d, j], v[a, j], v[b, j], v[c, j])
                h[a, j] += dx
                h[b, j] += dy
                h[c, j] += dz


@freely
def total(h, d, m):
    s = number(-0.0)
    for j in range(m):
        s += h[d, j]
    return s


@freely
def total_product(h, d, v, q, m):
    s = number(-0.0)
    for j in range(m):
        s += h[d, j] * v[q, j]
    return s


number = numba.<number>
row, rows = (numba.types.Array(number, n, "C", readonly=True) for n in (1, 2))
lanes_of = row, wholes, rows, row, number[:, ::1], number[::1], number[:, ::1], whole


@entry(numba.boolean(steps, codes, given, wholes, wholes, whole, *lanes_of))
def run_lanes(code, lists, numbers, shown, idle, n, shared, varied, lanes, gradient, out, sums, slopes, width):
    if shared.size != n or len(lanes) != varied.size or np.any((varied < 0) | (varied >= n)):
        return False
    base = n + numbers.size
    slots = base + len(code)
    v, h = np.empty((slots, width), number), np.empty((slots, width), number)
    wide = np.arange(slots) >= base
    wide[varied] = wide[shown] = True
    widened(code, lists, wide)
    for i in range(base):
        v[i, : width if wide[i] else 1] = shared[i] if i < n else numbers[i - n]
    added = np.full(base, number(-0.0 if gradient.size else 0.0))
    added[idle] = 0.0
    for start in range(0, gradient.size, width):
        m = min(width, gradient.size - start)
        for k in range(varied.size):
            v[varied[k], :m] = lanes[k, start : start + m]
        forward_lanes(code, lists, v, base, m, wide)
        for i in range(slots):
            if wide[i]:
                h[i, :m] = -0.0
        for i in idle:
            h[i, :m] = 0.0
        for j in range(m):
            h[shown[0], j] = gradient[start + j]
        backward_lanes(code, lists, v, h, m, wide, added)
        for i in range(n):
            if wide[i]:
                added[i] += total(h, i, m)
        for k in range(shown.size):
            out[k, start : start + m] = v[shown[k], :m]
        for k in range(varied.size):
            slopes[k, start : start + m] = h[varied[k], :m]
    sums[:] = added[:n]
    return True
"""
