"""Tables of cases: a test that loops over one names the rows that fail, and costs pytest's milliseconds but once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest


def label(row: Any) -> str:
    """Return what a row is called: by its name, else by what it is; a tuple by its first part, a lambda by its line."""
    if type(row) is tuple:
        return label(row[0])
    name = getattr(row, "name", None) or getattr(row, "__name__", row)
    return f"line {row.__code__.co_firstlineno}" if name == "<lambda>" else f"{name!s:.60}"


def each(rows: Iterable[Any], name: Callable[[Any], str] = label) -> Callable[[Callable[..., None]], Any]:
    """Run a test for every row of a table in one go: as its first argument, a tuple as its first arguments.

    All rows are tried. Where some fail, the error names them and tells what the first of them has met. Tables may be
    combined as `parametrize` is, the lowest has the first arguments. For cases that cost less than the milliseconds
    that pytest needs for a test of its own; where a case costs more, parametrize.
    """
    table = [row if type(row) is tuple else (row,) for row in rows]
    assert table, "a table without a row tests nothing"

    def over(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(*rest: Any, **given: Any) -> None:
            failed: list[tuple[str, BaseException]] = []
            for row in table:
                try:
                    test(*row, *rest, **given)
                except (Exception, pytest.fail.Exception) as error:
                    failed.append((name(row if len(row) > 1 else row[0]), error))
            if failed:
                names, (first, *_) = zip(*failed)
                raise AssertionError(f"{len(failed)} of {len(table)} rows: {', '.join(names)}. {first}") from first

        signature = inspect.signature(test)
        fixtures = list(signature.parameters.values())[len(table[0]) :]
        run.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]
        return run

    return over
