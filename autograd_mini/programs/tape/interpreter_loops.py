"""Loops: the interpreter of tapes but for its cases, which `interpreter` writes in where <...> stands.

`v` holds the values by slot, `h` the gradients, which start from -0.0: whatever is added to it stays what it is, a zero
with its sign. `idle` are the inputs that nothing is added to. `d` is the slot of the result, `a`, `b`, `c` those of the
arguments.
"""

HEAD = """\
# The interpreter of tapes, written out from the table of autograd_mini.
from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

jit = numba.njit(error_model="numpy", nogil=True)
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
def forward_lanes(code, lists, v, d, m):
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


@jit
def add_lanes(sums, h, m):
    for i in range(0, sums.size - 3, 4):  # four sums that do not wait for each other
        s0, s1, s2, s3 = sums[i], sums[i + 1], sums[i + 2], sums[i + 3]
        for j in range(m):
            s0 += h[i, j]
            s1 += h[i + 1, j]
            s2 += h[i + 2, j]
            s3 += h[i + 3, j]
        sums[i], sums[i + 1], sums[i + 2], sums[i + 3] = s0, s1, s2, s3
    for i in range(sums.size // 4 * 4, sums.size):
        for j in range(m):
            sums[i] += h[i, j]


lanes_of = given, wholes, givens, given, grid, reals, grid, whole


@entry(numba.boolean(steps, codes, given, wholes, wholes, whole, *lanes_of))
def run_lanes(code, lists, numbers, shown, idle, n, shared, varied, lanes, gradient, out, sums, slopes, width):
    if shared.size != n or len(lanes) != varied.size or np.any((varied < 0) | (varied >= n)):
        return False
    base = n + numbers.size
    v, h = np.empty((base + len(code), width)), np.empty((base + len(code), width))
    for i in range(shared.size):
        v[i] = shared[i]
    for i in range(numbers.size):
        v[shared.size + i] = numbers[i]
    for start in range(0, gradient.size, width):
        m = min(width, gradient.size - start)
        for k in range(varied.size):
            v[varied[k], :m] = lanes[k, start : start + m]
        forward_lanes(code, lists, v, base, m)
        h[:] = -0.0
        h[idle] = 0.0
        h[shown[0], :m] = gradient[start : start + m]
        backward_lanes(code, lists, v, h, m)
        add_lanes(sums, h, m)
        for k in range(shown.size):
            out[k, start : start + m] = v[shown[k], :m]
        for k in range(varied.size):
            slopes[k, start : start + m] = h[varied[k], :m]
    return True
"""
