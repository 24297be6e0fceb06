"""Assembly: a record as columns of integers in, the instructions of a tape out, with products and their sum as one.

Everything here is plain Python on arrays, written so that numba takes it too: `machine` compiles this file together
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

    `more` holds the arguments of results that have more than two, after their number. `minus_zero` is the slot of -0.0,
    which changes nothing that is added to it.
    """

    kinds: Any
    first: Any
    second: Any
    more: Any
    uses: Any
    leaves: int
    minus_zero: int


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


def depends(record: Record, rules: Any, inputs: int) -> Any:
    """Return which arguments of each result have a rule and depend on an input, one bit each; of a sum, bit 0."""
    wants = np.zeros(record.kinds.size, np.int64)
    active = np.zeros(record.uses.size, np.bool_)
    active[:inputs] = True
    for i in range(wants.size):
        kind = record.kinds[i]
        for k in range(arity(record, i)):
            if active[argument(record, i, k)]:
                wants[i] |= 1 if kind == SUM else rules[kind] & (1 << k)
        active[record.leaves + i] = wants[i] != 0
    return wants


def keep_reached(record: Record, wants: Any, root: int) -> None:
    """Clear what is wanted of results that no gradient reaches."""
    reached = np.zeros(record.uses.size, np.bool_)
    reached[root] = True
    for i in range(wants.size - 1, -1, -1):
        if not reached[record.leaves + i]:
            wants[i] = 0
        for k in range(arity(record, i)):
            if (record.kinds[i] == SUM and wants[i]) or wants[i] & (1 << k):
                reached[argument(record, i, k)] = True


# Products and their sum: one instruction for what was recorded in one piece and is used nowhere else, so that every
# gradient receives its contributions in the order of the sweep.


def is_own(record: Record, slot: int, i: int, kind: int) -> bool:
    """Return whether the slot is that of the i-th result, which is of this kind and an argument only once."""
    return i >= 0 and slot == record.leaves + i and record.kinds[i] == kind and record.uses[slot] == 1


def take(record: Record, i: int, pairs: Any, n: int) -> int:
    """Note the factors of the i-th result as the n-th pair; return the number of pairs."""
    pairs[2 * n] = record.first[i]
    pairs[2 * n + 1] = record.second[i]
    return n + 1


def chain(record: Record, i: int, pairs: Any) -> tuple[int, int, int]:
    """Read x + w y + ... + w y back from its last sign, where each product was recorded just before it is added.

    Return the number of products, the slot of x, and the oldest result that belongs to it.
    """
    n, at, low = 0, i, i - 1
    while True:
        x, y = record.first[at], record.second[at]
        if is_own(record, x, low, MUL):
            return take(record, low, pairs, n), y, low
        if not is_own(record, y, low, MUL):
            return n, record.leaves + at, at + 1
        n, low = take(record, low, pairs, n), low - 1
        if is_own(record, x, low, MUL):
            return take(record, low, pairs, n), record.minus_zero, low
        if not is_own(record, x, low, ADD):
            return n, x, low + 1
        at, low = low, low - 1


def chain_after(record: Record, i: int, pairs: Any) -> tuple[int, int, int]:
    """Read the same where all products were recorded first, and then the sums."""
    at = i
    while is_own(record, record.first[at], at - 1, ADD):
        at -= 1
    n, low = 0, at - 1
    for k in range(i, at - 1, -1):
        if not is_own(record, record.second[k], low, MUL):
            return 0, 0, i
        n, low = take(record, low, pairs, n), low - 1
    if is_own(record, record.first[at], low, MUL):
        return take(record, low, pairs, n), record.minus_zero, low
    return n, record.first[at], low + 1


def add_n(record: Record, i: int, pairs: Any) -> tuple[int, int, int]:
    """Read add_n(x, w y, ..., w y), where the products were recorded just before, in their order."""
    n, low = 0, i - 1
    for k in range(arity(record, i) - 1, -1, -1):
        slot = argument(record, i, k)
        if not is_own(record, slot, low, MUL):
            return (n, slot, low + 1) if k == 0 else (0, slot, i)
        n, low = take(record, low, pairs, n), low - 1
    return n, record.minus_zero, low + 1


def swallow(record: Record, i: int, pairs: Any) -> tuple[int, int, int]:
    """Return how many products the i-th result is a sum of, what they are added to, and the oldest of them."""
    n, x, low = 0, 0, i
    if record.kinds[i] == SUM:
        n, x, low = add_n(record, i, pairs)
    elif record.kinds[i] == ADD:
        n, x, low = chain(record, i, pairs)
        if n <= 1:
            m, z, lowest = chain_after(record, i, pairs)
            if m > n:
                n, x, low = m, z, lowest
    for k in range(2 * n):
        if pairs[k] == x:  # its gradient would receive the contributions in another order
            n = 0
    return (n, x, low) if n else (0, 0, i)


def swallow_all(record: Record) -> tuple[Any, Any, Any, Any]:
    """Return for each result its number of products (-1 where another has swallowed it), what they are added to, and
    where their factors stand in a list; and the list, in which the last product is the first.
    """
    n = record.kinds.size
    products, added, start = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    pairs = np.zeros(2 * n + 2, np.int64)
    end, i = 0, n - 1
    while i >= 0:
        start[i] = end
        products[i], added[i], low = swallow(record, i, pairs[end:])
        end += 2 * products[i]
        products[low:i] = -1
        i = low - 1
    return products, added, start, pairs


def is_square(record: Record, i: int, numbers: Any, inputs: int) -> bool:
    """Return whether the i-th result is x ** 2, with the 2 in the record."""
    if record.kinds[i] != POWER or record.second[i] < record.leaves + record.kinds.size:
        return False
    return numbers[record.second[i] - record.kinds.size - inputs] == 2.0


def assemble(
    columns: Any, more: Any, rules: Any, numbers: Any, inputs: int, leaves: int, shown: Any
) -> tuple[Any, Any, Any]:
    """Return the instructions, the lists that some of them point into, and the slots of what is shown: the root first.

    `columns` are the rows of the results and the slots of their arguments, `rules` says which arguments of each row
    have a rule. `numbers` are those that are no inputs: leaves, numbers among the arguments, and at the end -0.0.
    """
    n = columns.shape[1]
    base = inputs + numbers.size
    record = Record(columns[0], columns[1], columns[2], more, np.zeros(base + n, np.int64), leaves, base + n - 1)
    count_uses(record, shown)
    wants = depends(record, rules, inputs)
    keep_reached(record, wants, shown[0])
    return emit(record, wants, numbers, inputs, shown)


def emit(record: Record, wants: Any, numbers: Any, inputs: int, shown: Any) -> tuple[Any, Any, Any]:
    """Write the instructions of all results that none has swallowed."""
    products, added, start, pairs = swallow_all(record)
    n, base = wants.size, inputs + numbers.size
    slots = renumbered(products, record, base)
    code = np.zeros(WIDTH * (slots.max() - base + 1 if n else 0), np.uint32)
    lists = np.zeros(3 * n + record.more.size + 1, np.uint32)
    at = end = 0
    for i in range(n):
        if products[i] < 0:
            continue
        kind, mask = record.kinds[i], wants[i]
        if products[i]:
            kind, mask = DOT, 1 if mask else 0
            code[at + 2], code[at + 4] = slots[added[i]], end
            end = write(lists, end, slots, pairs[start[i] : start[i] + 2 * products[i]])
        elif kind == SUM:
            code[at + 4] = end
            end = write(lists, end, slots, arguments(record, i))
        else:
            if is_square(record, i, numbers, inputs):
                kind = SQUARE
            for k in range(1 if kind == SQUARE else arity(record, i)):
                code[at + 2 + k] = slots[argument(record, i, k)]
        code[at], code[at + 1] = kind, MASKS * kind + mask if mask else 0
        at += WIDTH
    return code, lists[:end], slots[shown]


def renumbered(products: Any, record: Record, base: int) -> Any:
    """Return for each slot of the record the one on the tape."""
    n, leaves = products.size, record.leaves
    slots = np.arange(record.uses.size)
    slots[leaves + n :] -= n
    end = base
    for i in range(n):
        slots[leaves + i] = end
        end += products[i] >= 0
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
