"""Leaves out the pages whose examples need an extra that is not installed, and what Sphinx alone can import."""

from importlib.util import find_spec

NEEDS = {"estimators.md": "sklearn", "howto/save.md": "safetensors", "howto/export.md": "torch"}
collect_ignore = [
    "conf.py",
    "_ext",
    "build_site.py",
    "site_links.py",
    *(page for page, extra in NEEDS.items() if not find_spec(extra)),
]
