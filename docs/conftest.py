"""Leaves out the pages whose examples need an extra that is not installed, and what Sphinx alone can import; takes the
rows that a page adds to the table out again.
"""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from autograd_mini.op import TABLE

NEEDS = {
    "estimators.md": ["sklearn"],
    "export.md": ["torch", "jax", "onnx", "onnxruntime"],
    "howto/save.md": ["safetensors"],
    "howto/export.md": ["torch"],
}
collect_ignore = [
    "conf.py",
    "_ext",
    "build_site.py",
    "site_links.py",
    "site_browser.py",
    *(page for page, modules in NEEDS.items() if not all(map(find_spec, modules))),
]


@pytest.fixture(autouse=True)
def _the_table_as_it_was() -> Iterator[None]:
    before = dict(TABLE)
    yield
    TABLE.clear()
    TABLE.update(before)
