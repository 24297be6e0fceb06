"""Lets the tests import the helpers beside them, and the processes that they start the packages, wherever these run."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

_given = [os.path.abspath(place) for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), *_given])


@pytest.fixture(autouse=True)
def _the_table_as_it_was() -> Iterator[None]:
    """Take the rows that a test makes out of the table again."""
    from autograd_mini.op import TABLE  # not before the place of the packages is known

    before = dict(TABLE)
    yield
    TABLE.clear()
    TABLE.update(before)
