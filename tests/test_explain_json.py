"""Explanations as JSON: numbers in full precision, which add up to the engine's gradients."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini import Tensor, Value, explain, ops
from autograd_mini.text.to_json import plain


def read(text: str) -> Any:
    """Read JSON as the standard has it: NaN and Infinity are no part of it."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    assert text.isascii()
    return json.loads(text, parse_constant=refuse)


numbers = st.floats(-3.0, 3.0)


@given(numbers, numbers, numbers)
def test_contributions_add_up_to_the_gradients_bit_for_bit(a: float, b: float, c: float) -> None:
    x, y, z = Value(a, label="x"), Value(b, label="y"), Value(c, label="z")
    root = (x * y + z).tanh() * x + z * z / 3.0
    told = read(explain(root).json)
    root.backward()
    totals = {told["root"]: 1.0}
    for step in told["steps"]:
        assert step["upstream"] == totals[step["name"]]
        for sent in step["contributions"]:
            assert sent["amount"] == step["upstream"] * sent["local"]
            assert sent["before"] == totals.get(sent["argument"])
            totals[sent["argument"]] = sent["after"]
    assert told["gradients"] == {"x": x.grad, "y": y.grad, "z": z.grad}
    assert told["gradients"] == {name: totals[name] for name in "xyz"}


def test_the_paths_to_a_leaf_are_there_with_their_factors() -> None:
    x = Value(3.0, label="x")
    paths = read(explain(x * x + 2.0 * x, wrt=x).json)["paths"]
    assert (paths["count"], paths["total"], paths["rest"]) == (3, 8.0, None)
    assert sorted(math.prod(path["factors"]) for path in paths["listed"]) == [2.0, 3.0, 3.0]
    assert all(path["names"][0] == "x" and path["names"][-1] == paths["root"] for path in paths["listed"])
    assert read(explain(x * x).json)["paths"] is None


@pytest.mark.parametrize(("data", "text"), [(math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan")])
def test_what_json_has_no_number_for_is_text(data: float, text: str) -> None:
    told = read(explain(Value(data, label="x") * 2.0).json)
    assert told["value"] == text
    assert told["gradients"] == {"x": 2.0}


def test_arrays_are_lists() -> None:
    x = Tensor(np.arange(6.0).reshape(2, 3), label="x")
    told = read(explain((x * x).sum()).json)
    assert told["gradients"]["x"] == (2.0 * x.data).tolist()
    assert told["steps"][0]["contributions"][0]["local"] is None


def test_more_paths_than_any_float_can_count_are_still_written() -> None:
    x = y = Value(0.5, label="x")
    for _ in range(1_100):
        y = ops.maximum(y, y)
    assert read(explain(y, wrt=x).json)["paths"]["count"] == "about 10^331"
    assert plain({"count": 1 << 20_000}) == {"count": "about 10^6020"}  # that has more digits than Python writes


@pytest.mark.parametrize("label", ["<script>", "\ud800", "\x00", '"', "é", "\u202e", "x" * 10**6])
def test_hostile_labels_are_short_printable_text(label: str) -> None:
    (name,) = read(explain(Value(1.0, label=label).sin()).json)["gradients"]
    assert name.isprintable()
    assert len(name) <= 40
