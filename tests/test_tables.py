"""Tables: a row that fails fails the test, by its name, and hides no other."""

from __future__ import annotations

import inspect

import pytest
from tables import each


def test_every_row_is_run_and_those_that_fail_are_named() -> None:
    seen = []

    @each([1, 2, 3, 4])
    def odd(n: int, fixture: str) -> None:
        seen.append((n, fixture))
        assert n % 2, f"{n} is even"

    assert list(inspect.signature(odd).parameters) == ["fixture"]
    with pytest.raises(AssertionError, match=r"^2 of 4 rows: 2, 4\. 2 is even"):
        odd(fixture="given")
    assert seen == [(n, "given") for n in (1, 2, 3, 4)]


def test_tables_are_combined_from_below() -> None:
    seen = []

    @each("ab")
    @each([1, 2])
    def pair(n: int, letter: str) -> None:
        seen.append((n, letter))
        assert (n, letter) != (2, "b"), "no"

    with pytest.raises(AssertionError, match=r"^1 of 2 rows: b\. 1 of 2 rows: 2\. no"):
        pair()
    assert seen == [(1, "a"), (2, "a"), (1, "b"), (2, "b")]


def test_what_pytest_itself_calls_a_failure_is_one() -> None:
    @each([("a", 1), ("b", 0)])
    def refused(letter: str, n: int) -> None:
        with pytest.raises(ZeroDivisionError):
            1 / n

    with pytest.raises(AssertionError, match=r"^1 of 2 rows: a\. DID NOT RAISE"):
        refused()


def test_a_skip_is_a_skip_and_no_rows_are_a_mistake() -> None:
    @each(["x"])
    def skipped(row: str) -> None:
        pytest.skip("not here")

    with pytest.raises(pytest.skip.Exception):
        skipped()
    with pytest.raises(AssertionError, match="without a row"):
        each([])
