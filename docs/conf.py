"""How the site is built: Sphinx reads docs/ and lessons/ where they lie, runs the lessons, and needs no network."""

import os
import sys
from pathlib import Path

from myst_nb.core.render import base_render_priority

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext"), str(ROOT / "tests")]
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
os.environ["MATPLOTLIBRC"] = str(ROOT / "docs" / "matplotlibrc")

project = "autograd_mini"
author = "the autograd_mini authors"
html_title = "autograd_mini"
copyright = "the autograd_mini authors"

root_doc = "docs/index"
include_patterns = ["docs/**", "lessons/*"]
exclude_patterns = ["docs/_*", "lessons/solutions", "lessons/*.py", "**/__pycache__"]
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "boxes",
    "deck",
    "docstrings",
    "mathml",
    "notebooks",
    "op_table",
    "pictures",
    "play",
]
source_suffix = {".md": "myst-nb"}

myst_enable_extensions = ["amsmath", "attrs_inline", "dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["myst.strikethrough"]

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 180
nb_output_stderr = "error"
nb_merge_streams = True
nb_code_prompt_show = "Predicted? Show the {type}"
nb_code_prompt_hide = "Hide the {type}"

nb_mime_priority_overrides = [("revealjs", *kind) for kind in base_render_priority()["html"].items()]

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # a docstring says what may be given; the types are for the type checker
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 100

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # it would fetch pages, which browsers refuse from disk
html_math_renderer = "mathml"
pygments_style = "xcode"  # every colour of it is at least 5:1 on white
pygments_dark_style = "github-dark"

revealjs_static_path = ["_static"]
revealjs_style_theme = "white"
revealjs_css_files = ["site.css", "deck.css"]
revealjs_js_files = ["deck.js"]
revealjs_script_conf = {
    "hash": True,
    "center": False,
    "width": 1280,
    "height": 720,
    "margin": 0,
    "slideNumber": True,
}
