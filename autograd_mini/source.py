"""Source: a record and its sweep as a program in Python, on floats or on numpy's arrays, or in JavaScript."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from .dialects import JAVASCRIPT, NUMPY, PYTHON, Dialect, prelude
from .formula import FormulaError, one_line, text
from .lines import Line, Listing, guard_text, literal, zeros
from .prelude import IMPORT

INDENT = "    "
COLUMN = 44  # where a comment starts
LONGEST_TITLE = 80


def python_source(listing: Listing, name: str = "program", dialect: Dialect | None = None) -> str:
    """Return a module with one function: it takes the inputs and returns the value and the tuple of gradients.

    It imports `math` or `numpy` and nothing else. Leaves that are no inputs are parameters with their present data as
    default; the last parameter is the gradient of the root.
    """
    dialect = dialect or (PYTHON if listing.is_scalar else NUMPY)
    forward, backward = list(listing.forward(dialect)), list(listing.backward(dialect))
    head = f"def {name}({', '.join(_parameters(listing))}):"
    guards = list(_guards(listing, dialect))
    body = [
        *(f"{line.target} = {line.text}" for line in forward),
        *guards,
        *_adjoint(forward, backward, accumulating=dialect is PYTHON),
        _result(listing, backward),
    ]
    constants = [f"{name} = {literal(array)}" for name, array in listing.constants.values()]
    used = [head, *constants, *(line.text for line in (*forward, *backward)), *guards[::2], body[-1]]
    above = [*_definitions(prelude(used, dialect.defined())), *(["", *constants] if constants else [])]
    title = [f'"""{_title(listing)}"""', *([""] if above else [])]
    return "\n".join([*title, *above, "\n", head, *(INDENT + line for line in body), ""])


def javascript_source(listing: Listing, name: str = "program") -> str:
    """Return a function of the inputs that returns `{value, gradients}`, with the definitions that it needs.

    It prints records of Values; an array has no arithmetic in JavaScript.
    """
    forward, backward = list(listing.forward(JAVASCRIPT)), list(listing.backward(JAVASCRIPT))
    guards = list(_javascript_guards(listing))
    declared = sorted({line.target for line in backward} - {listing.bar(listing.root)})
    body = [
        *(f"const {line.target} = {line.text};" for line in forward),
        *guards,
        *([f"let {', '.join(declared)};"] if declared else []),
        *_adjoint(forward, backward, accumulating=True, end=";", comment="//"),
    ]
    gradients = ", ".join(_gradients(listing, backward))
    head = f"function {name}({', '.join(_parameters(listing)).replace('=', ' = ')}) {{"
    used = [head, *guards, *(line.text for line in (*forward, *backward))]
    result = f"return {{value: {listing.names[listing.root]}, gradients: [{gradients}]}};"
    lines = [*prelude(used, JAVASCRIPT.defined()), head, *(f"  {line}" for line in (*body, result)), "}", ""]
    return "\n".join(lines)


def _title(listing: Listing) -> str:
    try:
        formula = text(listing.root, {n: name for n, name in listing.names.items() if n.op is None})
    except FormulaError:
        formula = f"a record of {len(listing.nodes):,} nodes"
    return one_line(f"{formula}: value and gradients", LONGEST_TITLE).replace("\\", "/").replace('"', "'")


def _definitions(lines: list[str]) -> Iterator[str]:
    """Yield imports on lines of their own, and functions with two blank lines before each."""
    for line in lines:
        yield line if line.startswith(IMPORT) or "\n" not in line else f"\n\n{line}"


def _parameters(listing: Listing) -> list[str]:
    """Return the parameters: the inputs, what the record held fixed with its value, the gradient of the root."""
    given = [listing.names[n] for n in listing.inputs]
    held = [f"{listing.names[n]}={literal(n._data)}" for n in listing.captured]
    return [*given, *held, f"{listing.bar(listing.root)}=1.0"]


class Branch(NamedTuple):
    """A guard in words: the condition that was seen, what it gave, and what to say when it gives something else."""

    condition: str
    outcome: str
    message: str


def _branches(listing: Listing) -> list[Branch]:
    found = {}
    for guard in listing.guards:
        condition = guard_text(guard, listing.names, listing.pool)
        outcome = listing.pool(guard.outcome) if np.ndim(guard.outcome) else str(bool(guard.outcome))
        was = f"was {outcome.lower()}" if outcome in ("True", "False") else "came out otherwise"
        message = f"{condition} {was} when this was recorded and is not for these inputs: record again"
        found[condition, outcome] = Branch(condition, outcome, message)
    return list(found.values())


def _guards(listing: Listing, dialect: Dialect) -> Iterator[str]:
    """Yield the checks that the branch of the recording is the one to take; of a batch, for each sample."""
    for branch in _branches(listing):
        if dialect is NUMPY:
            yield f"if np.any(({branch.condition}) != {branch.outcome}):"
        else:
            yield f"if {'not ' if branch.outcome == 'True' else ''}{branch.condition}:"
        yield f"{INDENT}raise RuntimeError({branch.message!r})"


def _javascript_guards(listing: Listing) -> Iterator[str]:
    for branch in _branches(listing):
        other = f"!({branch.condition})" if branch.outcome == "True" else branch.condition
        yield f"if ({other}) throw new Error({json.dumps(branch.message)});"


def _adjoint(
    forward: Sequence[Line], backward: Sequence[Line], accumulating: bool, end: str = "", comment: str = "#"
) -> Iterator[str]:
    """Yield the lines of the sweep, the first of each node with the line that it is the derivative of.

    `+=` would change an array that has two names; without it a sum is written out.
    """
    primal = {line.node: f"{line.target} = {line.text}" for line in forward}
    for node, lines in groupby(backward, lambda line: line.node):
        remark = f"{comment} {primal[node]}"
        for line in lines:
            yield f"{_assignment(line, accumulating) + end:<{COLUMN}} {remark}".rstrip()
            remark = ""


def _assignment(line: Line, accumulating: bool) -> str:
    if not line.adds:
        return f"{line.target} = {line.text}"
    return f"{line.target} += {line.text}" if accumulating else f"{line.target} = {line.target} + {line.text}"


def _gradients(listing: Listing, backward: Sequence[Line]) -> list[str]:
    written = {line.target for line in backward} | {listing.bar(listing.root)}
    return [listing.bar(n) if listing.bar(n) in written else zeros(n) for n in listing.inputs]


def _result(listing: Listing, backward: Sequence[Line]) -> str:
    gradients = _gradients(listing, backward)
    return f"return {listing.names[listing.root]}, ({', '.join(gradients)}{',' if len(gradients) == 1 else ''})"


def run_source(source: str, name: str = "program", given: dict[str, Any] | None = None) -> Any:
    """Return the function that a source defines."""
    namespace: dict[str, Any] = {"__name__": "autograd_mini.program", **(given or {})}
    exec(compile(source, f"<{name}>", "exec"), namespace)
    return namespace[name]
