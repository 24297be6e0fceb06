"""JavaScript on arrays: each row, each contribution and each whole program computes there what the engine does."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from table_cases import ROWS, called, cases, differentiable, direction

from autograd_mini import Node
from autograd_mini.op import contribution as computed
from autograd_mini.programs.dialects import JAVASCRIPT_ARRAYS, contribution, expression, prelude
from autograd_mini.programs.javascript_arrays import array_literal

DEFINED = JAVASCRIPT_ARRAYS.defined()
SHOWN = "JSON.stringify([{}].map(x => [shapeOf(x), Array.from(entries(x), String)]))"


@pytest.fixture(scope="module")
def page() -> Any:
    return pytest.importorskip("py_mini_racer").MiniRacer()


class Pool(dict[str, str]):
    """Names for constants, with the lines that declare them."""

    def __call__(self, array: Any) -> str:
        name = f"c{len(self)}"
        self[name] = f"const {name} = {array_literal(array)};"
        return name


def written(x: Any) -> str:
    """Return data as JavaScript: a number, or an array object."""
    return array_literal(x) if np.ndim(x) else json.dumps(float(x))


def evaluated(page: Any, data: dict[str, Any], texts: list[str], constants: Pool) -> list[Any]:
    """Return what expressions give, as numbers and arrays."""
    atoms = [f"const d = {{{', '.join(f'{name}: {written(x)}' for name, x in data.items())}}};"]
    lines = [*prelude([*texts, SHOWN, "array"], DEFINED), *constants.values(), *atoms]
    found = json.loads(page.eval(f"(() => {{ {chr(10).join(lines)}\nreturn {SHOWN.format(', '.join(texts))}; }})()"))
    return [np.array([float(e.replace("Infinity", "inf")) for e in entries]).reshape(shape) for shape, entries in found]


def close(got: Any, expected: Any, text: str, rtol: float = 1e-12) -> None:
    assert np.shape(got) == np.shape(expected), text
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=1e-14, err_msg=text)


def check(page: Any, node: Node, seed: Any, rtol: float = 1e-12) -> None:
    """Assert that a node and its contributions to its arguments are what the engine computes."""
    args = {a: f"d.x{k}" for k, a in enumerate(a for a in node.args if isinstance(a, Node))}
    names, pool = {**args, node: "d.z"}, Pool()
    places = [i for i, a in enumerate(node.args) if isinstance(a, Node) and node.op.rule(i) is not None]
    texts = [
        expression(node, names, JAVASCRIPT_ARRAYS, pool),
        *(contribution(node, i, names, "d.g", JAVASCRIPT_ARRAYS, pool) for i in places),
    ]
    data = {"g": seed, "z": node.data, **{name[2:]: a.data for a, name in args.items()}}
    got = evaluated(page, data, texts, pool)
    for text, found, expected in zip(texts, got, [node.data, *(computed(node, i, seed) for i in places)]):
        close(found, expected, text, rtol)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_and_its_contributions_are_the_engines(row: Any, page: Any) -> None:
    tried = 0
    for args in cases(row):
        z, _ = called(row, args, differentiable(row, args) or [0])
        check(page, z, direction(np.shape(z.data), 1))
        tried += 1
    assert tried
