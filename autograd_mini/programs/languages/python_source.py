"""Python: a record and its sweep as a program in Python, on floats or on numpy's arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from ...errors import DataError
from ...op import ROWS, TABLE
from ...text.formula import WRITERS, Term, _written, one_line
from .dialects import NUMPY, PYTHON, Dialect
from .listing import Guard, Line, Listing, guard_text, literal
from .prelude import prelude, words

INDENT = "    "
COLUMN = 44  # where a comment starts
LONGEST_TITLE = 80


def python_source(listing: Listing, name: str = "program", dialect: Dialect | None = None) -> str:
    """Return a module with one function: it takes the inputs and returns the value and the tuple of gradients.

    It imports `math` or `numpy` and nothing else. Leaves that are no inputs are parameters with their present data as
    default; the last parameter is the gradient of the root.
    """
    dialect = dialect or (PYTHON if listing.is_scalar else NUMPY)
    forward, backward, value, gradients = listing.printed(dialect)
    gradient = f"{listing.bar(listing.root)}=1.0"
    body = [
        *value_lines(listing, dialect, forward),
        *adjoint(forward, backward, added_in_place if dialect is PYTHON else added_anew),
        f"return {value}, ({', '.join(gradients)}{',' if len(gradients) == 1 else ''})",
    ]
    function = [f"def {name}({', '.join([*parameters(listing), gradient])}):", *(INDENT + line for line in body)]
    used = [function[0], *(line.text for line in (*forward, *backward)), *guards(listing, dialect), body[-1]]
    return "\n".join([*top(listing, dialect, used), *function, ""])


def top(listing: Listing, dialect: Dialect, used: Sequence[str], settings: Sequence[str] = ()) -> list[str]:
    """Return the lines of a module above its first function: a title, and what the texts in `used` need."""
    constants = [f"{name} = {literal(array, dialect.module or 'np')}" for name, array in listing.pool.named.items()]
    above = [*_definitions(checked_prelude([*settings, *constants, *used], dialect))]
    for lines in (list(settings), constants):
        above += ["", *lines] if lines else []
    gap = [] if not above or above[0].startswith("\n") else [""]
    return [f'"""{_title(listing)}"""', *gap, *above, "\n"]


def value_lines(listing: Listing, dialect: Dialect, forward: Sequence[Line]) -> list[str]:
    """Return the lines that compute the value, and those that check the branch."""
    return [*(f"{line.target} = {line.text}" for line in forward), *guards(listing, dialect)]


def checked_prelude(used: Sequence[str], dialect: Dialect) -> list[str]:
    """Return the prelude of the texts. Python names a custom op, other languages refuse it, and what they lack."""
    mentioned = {word for text in used for word in words(text)}
    missing = sorted(word for word in mentioned if word in TABLE and word not in dialect.defined())
    if missing and dialect.home:
        new = "" if dialect.lacking.union(own_rows()).issuperset(missing) else f", or say it in {dialect.home}"
        raise DataError(f"{dialect.name} has no equivalent of {', '.join(missing)}: record without, or use .numpy{new}")
    own = [f"# {name} is a custom op: define it here" for name in own_rows() if name in mentioned]
    return [*prelude(mentioned, dialect.defined()), *own]


def own_rows() -> dict[str, Any]:
    """Return the custom ops by name: what a source that calls them is run with."""
    return {name: row for name, row in TABLE.copy().items() if name not in ROWS}


def _title(listing: Listing) -> str:
    return one_line(f"{_formula(listing)}: value and gradients", 2 * LONGEST_TITLE).replace("\\", "/").replace('"', "'")


def _formula(listing: Listing) -> str:
    """Return the record in one line, or its size where that is too long."""
    terms: dict[Any, Term] = {}
    for node in (*listing.inputs, *listing.nodes):
        terms[node] = Term.named(listing.names[node]) if node.op is None else _written(node, terms, WRITERS)
        if len(terms[node].text) > LONGEST_TITLE:
            return f"a record of {len(listing.nodes):,} nodes"
    return terms[listing.root].text


def _definitions(lines: list[str]) -> Iterator[str]:
    """Yield imports on lines of their own, and functions with two blank lines before and after each."""
    before = ""
    for line in lines:
        yield f"\n\n{line}" if "\n" in before + line else line
        before = line


def parameters(listing: Listing, module: str = "np") -> list[str]:
    """Return the parameters: the inputs, and what the record held fixed with its value."""
    given = [listing.names[n] for n in listing.inputs]
    return [*given, *(f"{listing.names[n]}={literal(n._data, module)}" for n in listing.captured)]


class Branch(NamedTuple):
    """A guard in words: the condition that was seen, what it gave, and what to say when it gives something else."""

    guard: Guard
    condition: str
    outcome: str
    message: str


def branches(listing: Listing) -> list[Branch]:
    """Return the guards of a record in words, each once."""
    found = {}
    for guard in listing.guards:
        condition = guard_text(guard, listing.names, listing.pool)
        outcome = listing.pool(guard.outcome) if np.ndim(guard.outcome) else str(bool(guard.outcome))
        was = f"was {outcome.lower()}" if outcome in ("True", "False") else "came out otherwise"
        message = f"{condition} {was} when this was recorded and is not for these inputs: record again"
        found[condition, outcome] = Branch(guard, condition, outcome, message)
    return list(found.values())


def guards(listing: Listing, dialect: Dialect) -> Iterator[str]:
    """Yield the checks that the branch of the recording is the one to take; of arrays, for each entry."""
    for branch in branches(listing):
        if dialect.module:
            yield f"if {dialect.module}.any(({branch.condition}) != {branch.outcome}):"
        else:
            yield f"if {'not ' if branch.outcome == 'True' else ''}{branch.condition}:"
        yield f"{INDENT}raise RuntimeError({branch.message!r})"


def adjoint(
    forward: Sequence[Line],
    backward: Sequence[Line],
    assigned: Callable[[Line], str],
    end: str = "",
    comment: str = "#",
) -> Iterator[str]:
    """Yield the lines of the sweep as `assigned` writes them, the first of each node with the line of the record."""
    primal = {line.node: f"{line.target} = {line.text}" for line in forward}
    for node, lines in groupby(backward, lambda line: line.node):
        remark = f"{comment} {primal[node]}" if node in primal else ""
        for line in lines:
            yield f"{assigned(line) + end:<{COLUMN}} {remark}".rstrip()
            remark = ""


def added_in_place(line: Line) -> str:
    """Return a line of a sweep over numbers."""
    return f"{line.target} {'+=' if line.adds else '='} {line.text}"


def added_anew(line: Line) -> str:
    """Return a line of a sweep over arrays, where `+=` would change one that has two names."""
    return f"{line.target} = {line.target} + {line.text}" if line.adds else f"{line.target} = {line.text}"
