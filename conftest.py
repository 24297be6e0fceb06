"""Takes the rows that a test, a page or an example makes out of the table again."""

from collections.abc import Iterator

import pytest

from autograd_mini.op import TABLE


@pytest.fixture(autouse=True)
def _the_table_as_it_was() -> Iterator[None]:
    before = dict(TABLE)
    yield
    TABLE.clear()
    TABLE.update(before)
