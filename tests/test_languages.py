"""Languages: each lists which rows of the table it does not have, and refuses those and every new one by name."""

from __future__ import annotations

import ast
import builtins
from typing import Any

import numpy as np
import pytest
from table_cases import ROWS, called, cases

import autograd_mini
from autograd_mini import DataError, Value, ops
from autograd_mini.op import TABLE, Elementwise, Sum
from autograd_mini.programs.languages import python_source
from autograd_mini.programs.languages.compositions import Composition, _composed, compositions
from autograd_mini.programs.languages.dialects import DIALECTS
from autograd_mini.programs.languages.javascript_table import NotPrinted, _written, refused

IN_SYNTAX = {"getitem"}  # written with brackets, or with the operators that a language has
OF_NUMBERS = ("python", "javascript")
LANGUAGES = [dialect for dialect in DIALECTS.values() if dialect.name != "careful"]


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda dialect: dialect.name)
def test_what_a_language_lists_is_what_it_does_not_have(language: Any) -> None:
    of_numbers = language.name in OF_NUMBERS
    meant = {row.name for row in ROWS if isinstance(row, (Elementwise, Sum)) or not of_numbers} - IN_SYNTAX
    has = {{"variance": "var"}.get(name, name) for name in language.defined()}
    missing = meant - has - {name for name in meant if hasattr(builtins, name) and language.name == "python"}
    assert missing <= language.lacking, f"say in {language.home} what they mean, or list them: {missing}"
    assert language.lacking <= missing, f"{language.name} has {language.lacking - missing}: take them off the list"


def test_the_page_refuses_what_javascript_lists() -> None:
    assert set(refused(row.name for row in ROWS)) == DIALECTS["javascript on arrays"].lacking


@pytest.mark.parametrize("language", ["javascript", "torch", "jax"])
def test_a_row_that_a_language_does_not_know_yet_is_refused_by_name(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialect = DIALECTS[language]
    known = {name: text for name, text in dialect.defined().items() if name != "erf"}
    new = dialect._replace(defined=lambda: known)
    program = autograd_mini.compile(Value(0.5, label="x").erf())
    with pytest.raises(DataError, match=rf"{language} has no equivalent of erf: .*, or say it in \w+\.py$"):
        python_source.checked_prelude(["erf(x)"], new)
    assert "erf" in getattr(program, language)


@pytest.mark.parametrize("language", ["javascript", "torch", "jax"])
def test_what_is_listed_is_refused_without_asking_for_more(language: str) -> None:
    row = next(row for row in ROWS if row.name == "svd_vectors")
    z, leaves = called(row, cases(row)[0], [0])
    with pytest.raises(DataError, match=r"no equivalent of svd_vectors.*: record without, or use \.numpy$"):
        getattr(autograd_mini.compile(z, list(leaves.values())), language)


# Compositions: what a row is computed by, in words that all languages share -----------------------------------------


def test_compositions_are_read_from_the_table() -> None:
    assert compositions()["silu"] == Composition(("x",), "x * sigmoid(x)")
    assert compositions()["leaky_relu"].text == "where(greater(x, 0.0), x, slope * x)"
    assert not {"sin", "sigmoid", "power", "where", "softplus"} & set(compositions())


@pytest.mark.parametrize("name", compositions())
def test_a_composition_computes_what_its_row_does(name: str) -> None:
    row, found = TABLE[name], compositions()[name]
    scope = {row.name: row for row in ROWS if row.name != name}
    for args in cases(row):
        got = eval(found.text, dict(scope), dict(zip(found.params, map(np.asarray, args))))
        np.testing.assert_allclose(got, row(*args), rtol=1e-15, atol=1e-300, err_msg=f"{name}{args}")


@pytest.mark.parametrize(
    ("function", "text"),
    [
        ("lambda x: abs(x) + np.log1p(np.exp(-2.0 * abs(x))) - LN2", "abs(x) + log1p(exp(-2.0 * abs(x))) - 0.69"),
        ("lambda x, y: np.where(x > y, x ** 2, y % 3.0)", "where(greater(x, y), power(x, 2.0), mod(y, 3.0))"),
        ("lambda x: x * math.pi * -math.inf", "x * 3.14"),
        ("lambda x: 2 * -(x - 1) // 3", "floordiv(2.0 * -(x - 1.0), 3.0)"),
        ("kernels.gelu", "0.5 * x * erfc(-x * 0.7071067811865476)"),
        ("lambda x: np.spacing(x)", ""),
        ("lambda x: np.log(x, where=x > 0)", ""),
        ("lambda x: x if x > 0 else 0.0", ""),
        ("lambda x: x.real", ""),
        ("lambda x: x + y", ""),
        ("lambda x: 0 < x < 1", ""),
        ("lambda x: x & 1", ""),
        ("kernels.powers", ""),
        ("np.sin", ""),
    ],
)
def test_an_expression_is_a_composition_where_rows_say_it_all(function: str, text: str) -> None:
    found = _composed("my_row", ast.parse(function, mode="eval").body)
    assert bool(found) == bool(text)
    assert not text or found["my_row"].text.startswith(text)


@pytest.mark.parametrize("comparison", ["0 < n < 3", "n in (1, 2)", "n is not m"])
def test_a_comparison_that_javascript_has_in_another_way_is_not_written(comparison: str) -> None:
    assert _written(ast.parse("n < 3", mode="eval").body) == "n < 3"
    with pytest.raises(NotPrinted):
        _written(ast.parse(comparison, mode="eval").body)


def test_a_composition_runs_where_it_is_printed() -> None:
    x = Value(0.7, label="x")
    program = autograd_mini.compile(ops.leaky_relu(x, 0.1) * ops.poisson_loss(x, 2.0))
    assert "const leaky_relu = (x, slope) => where(greater(x, 0.0), x, slope * x);" in program.javascript
    assert "    x, y = tensors(x, y)\n    return exp(x) - y * x" in program.torch
    assert "def poisson_loss(x, y):\n    return exp(x) - y * x" in program.jax
