"""Programs, replays and steps where a shortcut would give a wrong number without a word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_mini
import nn
from autograd_mini import ShapeError, Tensor, Value, ops


# Compiled functions ---------------------------------------------------------------------------------------------------


def test_arguments_of_another_form_are_recorded_anew_though_they_hold_the_same_numbers() -> None:
    @autograd_mini.compile
    def scaled(x: Any, others: Any = (1.0,)) -> Any:
        entry = x[0] if isinstance(x, (list, tuple)) else x
        return entry * (2.0 if isinstance(x, list) else 3.0) * (5.0 if len(others) else 7.0)

    for args, expected in [((1.0,), 15.0), ((1.0, []), 21.0), (([1.0],), 10.0), (((1.0,),), 15.0), (([1.0], ()), 14.0)]:
        assert scaled(*args)[0] == expected
