"""Leaves out the pages whose examples need an extra that is not installed, and what Sphinx alone can import."""

from importlib.util import find_spec

NEEDS = {
    "estimators.md": ["sklearn"],
    "export.md": ["torch", "jax", "onnx", "onnxruntime"],
    "howto/save.md": ["safetensors"],
    "howto/export.md": ["torch"],
    "howto/open_a_torch_model.md": ["torch"],
}
collect_ignore = [
    "conf.py",
    "_ext",
    "build_site.py",
    "site_links.py",
    "site_browser.py",
    *(page for page, modules in NEEDS.items() if not all(map(find_spec, modules))),
]
