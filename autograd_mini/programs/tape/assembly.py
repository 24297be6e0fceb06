"""Assembly: a record as columns of integers in, the instructions of a tape out, with products and their sum as one.

Everything here is plain Python on arrays, written so that numba takes it too: `interpreter` compiles this file together
with the interpreter. A slot is the place of a number. In a record they are numbered: inputs, other leaves, results,
numbers among the arguments. On a tape the results come last, and what an instruction swallows has no slot.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

NO_SECOND, IN_LIST = -1, -2  # in place of a second argument: there is but one; `first` says where in `more` they are
ADD, MUL, POWER, SQUARE, SUM, DOT = range(6)  # rows that are known by name here; the others follow
WIDTH = 5  # integers of an instruction: what to do forward, what to do backward, and three slots
MASKS = 8  # what to do backward is MASKS * row + which arguments want a gradient, one bit each; 0 is nothing


class Record(NamedTuple):
    """The results of a record, oldest first: their rows, the slots of their arguments, and how often each slot is used.

    `more` holds the arguments of results that have more than two, after their number. `active` are the slots through
    which a gradient goes on to an input. `one` is the slot of 1.0, and after it comes that of -0.0, which changes
    nothing that is added to it.
    """

    kinds: Any
    first: Any
    second: Any
    more: Any
    uses: Any
    active: Any
    leaves: int
    one: int


def arity(record: Record, i: int) -> int:
    """Return the number of arguments of the i-th result."""
    if record.second[i] == IN_LIST:
        return record.more[record.first[i]]
    return 1 if record.second[i] == NO_SECOND else 2


def argument(record: Record, i: int, k: int) -> int:
    """Return the slot of the k-th argument of the i-th result."""
    if record.second[i] == IN_LIST:
        return record.more[record.first[i] + 1 + k]
    return record.first[i] if k == 0 else record.second[i]


def count_uses(record: Record, shown: Any) -> None:
    """Count how often each slot is an argument, and how often it is shown."""
    for slot in shown:
        record.uses[slot] += 1
    for i in range(record.kinds.size):
        for k in range(arity(record, i)):
            record.uses[argument(record, i, k)] += 1


def find_active(record: Record, rules: Any, inputs: int) -> Any:
    """Return which arguments of each result have a rule and depend on an input, one bit each; of a sum, bit 0."""
    wants = np.zeros(record.kinds.size, np.int64)
    record.active[:inputs] = True
    for i in range(wants.size):
        kind = record.kinds[i]
        for k in range(arity(record, i)):
            if record.active[argument(record, i, k)]:
                wants[i] |= 1 if kind == SUM else rules[kind] & (1 << k)
        record.active[record.leaves + i] = wants[i] != 0
    return wants


def keep_reached(record: Record, wants: Any, root: int) -> Any:
    """Clear what is wanted of results that no gradient reaches, and return which slots one does."""
    reached = np.zeros(record.uses.size, np.bool_)
    reached[root] = True
    for i in range(wants.size - 1, -1, -1):
        if not reached[record.leaves + i]:
            wants[i] = 0
        for k in range(arity(record, i)):
            if (record.kinds[i] == SUM and wants[i]) or wants[i] & (1 << k):
                reached[argument(record, i, k)] = True
    return reached


# Products and their sum: one instruction for what is used nowhere else. Every gradient is to receive its contributions
# in the order of the sweep, and a sum hands its own on at once. That changes nothing for a slot that receives a single
# contribution, which is free to go anywhere, nor where the parts were recorded in one piece, from `low` + 1 on.


def is_own(record: Record, slot: int, kind: int) -> bool:
    """Return whether the slot is that of a result of this kind that is an argument only once."""
    i = slot - record.leaves
    return 0 <= i < record.kinds.size and record.kinds[i] == kind and record.uses[slot] == 1


def is_free(record: Record, slot: int) -> bool:
    """Return whether the slot receives no more than one contribution."""
    return record.uses[slot] == 1 or not record.active[slot]


def is_product(record: Record, slot: int, low: int) -> bool:
    """Return whether the slot is that of a product that may go into a sum: the result `low`, or one of free factors."""
    if not is_own(record, slot, MUL):
        return False
    i = slot - record.leaves
    return i == low or (is_free(record, record.first[i]) and is_free(record, record.second[i]))


def take(record: Record, slot: int, product: bool, found: Any, n: int) -> int:
    """Note a term as the n-th of a sum: a product, or anything else times 1; return the number of terms."""
    i = slot - record.leaves
    found[2 * n] = record.first[i] if product else slot
    found[2 * n + 1] = record.second[i] if product else record.one
    return n + 1


def is_factor(slot: int, found: Any, n: int) -> bool:
    """Return whether the slot is among the factors of the n terms."""
    return (found[: 2 * n] == slot).any()


def split(record: Record, at: int, low: int, n: int) -> tuple[int, int]:
    """Return what to take from a sum of two as a term and what is left; -1 for nothing."""
    x, y = record.first[at], record.second[at]
    if is_product(record, y, low):
        return y, x
    if is_product(record, x, low):
        return x, y
    if is_free(record, y) and (n or is_own(record, x, ADD)):
        return y, x
    if is_free(record, x) and (n or is_own(record, y, ADD)):
        return x, y
    return -1, -1


def chain(record: Record, i: int, found: Any, swallowed: Any) -> tuple[int, int]:
    """Read x + w y + ... + w y back from its last sign; return the number of terms and the slot of x."""
    n, low, at = 0, i - 1, i
    while True:
        term, rest = split(record, at, low, n)
        if term < 0:
            return n, record.leaves + at
        product = is_product(record, term, low)
        below = low - (product and term == record.leaves + low)
        ends = not is_own(record, rest, ADD) and not is_product(record, rest, below)
        take(record, term, product, found, n)
        if ends and not is_free(record, rest) and (at <= low or is_factor(rest, found, n + 1)):
            return n, record.leaves + at
        n, low = n + 1, below
        swallowed[at] = at < i
        if product:
            swallowed[term - record.leaves] = True
        if ends:
            return n, rest
        if not is_own(record, rest, ADD):
            swallowed[rest - record.leaves] = True
            return take(record, rest, True, found, n), record.one + 1
        at = rest - record.leaves
        low -= at == low


def chain_after(record: Record, i: int, found: Any, swallowed: Any) -> tuple[int, int]:
    """Read the same where all products were recorded first, and then the sums."""
    at = i
    while is_own(record, record.second[at], MUL) and record.first[at] == record.leaves + at - 1:
        if not is_own(record, record.first[at], ADD):
            break
        at -= 1
    n, low = 0, at - 1
    for k in range(i, at - 1, -1):
        if at == i or record.second[k] != record.leaves + low or not is_own(record, record.second[k], MUL):
            return 0, 0
        n, low = take(record, record.second[k], True, found, n), low - 1
    x = record.first[at]
    if x == record.leaves + low and is_own(record, x, MUL):
        n, low, x = take(record, x, True, found, n), low - 1, record.one + 1
    if is_factor(x, found, n):
        return 0, 0
    swallowed[low + 1 : i] = True
    return n, x


def add_n(record: Record, i: int, found: Any, swallowed: Any) -> tuple[int, int]:
    """Read add_n(x, w y, ..., w y), whose products were recorded just before, in their order, or have free factors."""
    n, low = 0, i - 1
    products = np.zeros(arity(record, i), np.int64)
    for k in range(products.size - 1, -1, -1):
        slot = argument(record, i, k)
        product = is_product(record, slot, low)
        if not product and not is_free(record, slot) and (k or is_factor(slot, found, n)):
            return 0, 0
        if product or k:
            n = take(record, slot, product, found, n)
        products[k] = slot - record.leaves if product else -1
        low -= product and slot == record.leaves + low
    if products.max() < 0:
        return 0, 0
    for k in products[products >= 0]:
        swallowed[k] = True
    return n, record.one + 1 if products[0] >= 0 else argument(record, i, 0)


def swallow(record: Record, i: int, found: Any, swallowed: Any) -> tuple[int, int]:
    """Return how many terms the i-th result is the sum of, beside the slot that comes first; 0 where it is no sum."""
    if record.kinds[i] == SUM:
        return add_n(record, i, found, swallowed)
    if record.kinds[i] != ADD:
        return 0, 0
    n, x = chain_after(record, i, found, swallowed)
    if n == 0:
        n, x = chain(record, i, found, swallowed)
    return (0, 0) if n == 1 and found[1] == record.one else (n, x)


def swallow_all(record: Record) -> tuple[Any, Any, Any, Any]:
    """Return for each result its number of terms (-1 where another has swallowed it), what they are added to, and
    where their factors stand in a list; and the list, in which the last term is the first.
    """
    n = record.kinds.size
    terms, added, start = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    swallowed = np.zeros(n, np.bool_)
    found = np.zeros(4 * n + 2 * record.more.size + 4, np.int64)
    end = 0
    for i in range(n - 1, -1, -1):
        start[i] = end
        if swallowed[i]:
            terms[i] = -1
        else:
            terms[i], added[i] = swallow(record, i, found[end:], swallowed)
            end += 2 * terms[i]
    return terms, added, start, found


def is_square(record: Record, i: int, numbers: Any, inputs: int) -> bool:
    """Return whether the i-th result is x ** 2, with the 2 in the record."""
    if record.kinds[i] != POWER or record.second[i] < record.leaves + record.kinds.size:
        return False
    return numbers[record.second[i] - record.kinds.size - inputs] == 2.0


def assemble(
    columns: Any, more: Any, rules: Any, numbers: Any, inputs: int, leaves: int, shown: Any
) -> tuple[Any, Any, Any, Any]:
    """Return the instructions, the lists that some of them point into, the slots of what is shown, the root first, and
    the inputs that no gradient reaches.

    `columns` are the rows of the results and the slots of their arguments, `rules` says which arguments of each row
    have a rule. `numbers` are those that are no inputs: leaves, numbers among the arguments, at the end 1.0 and -0.0.
    """
    n = columns.shape[1]
    base = inputs + numbers.size
    uses, active = np.zeros(base + n, np.int64), np.zeros(base + n, np.bool_)
    record = Record(columns[0], columns[1], columns[2], more, uses, active, leaves, base + n - 2)
    count_uses(record, shown)
    wants = find_active(record, rules, inputs)
    reached = keep_reached(record, wants, shown[0])
    code, lists, slots = emit(record, wants, numbers, inputs, shown)
    return code, lists, slots, np.nonzero(~reached[:inputs])[0]


def emit(record: Record, wants: Any, numbers: Any, inputs: int, shown: Any) -> tuple[Any, Any, Any]:
    """Write the instructions of all results that none has swallowed."""
    terms, added, start, found = swallow_all(record)
    n, base = wants.size, inputs + numbers.size
    slots = renumbered(terms, record, base)
    code = np.zeros(((terms >= 0).sum(), WIDTH), np.uint32)
    lists = np.zeros(6 * n + 3 * record.more.size + 4, np.uint32)
    at = end = 0
    for i in range(n):
        if terms[i] < 0:
            continue
        kind, mask = record.kinds[i], wants[i]
        if terms[i]:
            kind, mask = DOT, 1 if mask else 0
            code[at, 2], code[at, 4] = slots[added[i]], end
            end = write(lists, end, slots, found[start[i] : start[i] + 2 * terms[i]])
        elif kind == SUM:
            code[at, 4] = end
            end = write(lists, end, slots, arguments(record, i))
        else:
            if is_square(record, i, numbers, inputs):
                kind = SQUARE
            for k in range(1 if kind == SQUARE else arity(record, i)):
                code[at, 2 + k] = slots[argument(record, i, k)]
        code[at, 0], code[at, 1] = kind, MASKS * kind + mask if mask else 0
        at += 1
    return code, lists[:end], slots[shown]


def renumbered(terms: Any, record: Record, base: int) -> Any:
    """Return for each slot of the record the one on the tape."""
    n, leaves = terms.size, record.leaves
    slots = np.arange(record.uses.size)
    slots[leaves + n :] -= n
    end = base
    for i in range(n):
        slots[leaves + i] = end
        end += terms[i] >= 0
    return slots


def arguments(record: Record, i: int) -> Any:
    """Return the slots of all arguments of the i-th result."""
    found = np.zeros(arity(record, i), np.int64)
    for k in range(found.size):
        found[k] = argument(record, i, k)
    return found


def write(lists: Any, end: int, slots: Any, written: Any) -> int:
    """Write a list after its length, with the slots of the tape; return where the next one starts."""
    lists[end] = written.size
    for k in range(written.size):
        lists[end + 1 + k] = slots[written[k]]
    return end + 1 + written.size
