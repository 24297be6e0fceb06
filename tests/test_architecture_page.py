"""docs/architecture.md shows the house as it is: its pictures and tables are drawn from the files."""

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
sys.path.insert(0, str(DOCS))
architecture = pytest.importorskip("draw_architecture", reason="the pages are not beside the tests")
sys.path.remove(str(DOCS))
if not (DOCS.parent / "autograd_mini").is_dir():
    pytest.skip("the files that the page draws are not beside it", allow_module_level=True)


def test_the_page_is_up_to_date():
    page = architecture.PAGE.read_text(encoding="utf-8")
    assert architecture.drawn(page) == page, "run python docs/draw_architecture.py"


def test_every_file_has_its_line():
    page = architecture.PAGE.read_text(encoding="utf-8")
    for file in architecture.files():
        assert f"`{file.name}`" in page


def test_an_arrow_is_an_import_and_a_detour_leaves_it_out():
    house = {file.relative_to(architecture.ROOT).as_posix(): file for file in architecture.files()}
    known = {file.name for file in architecture.imports(house["autograd_mini/sweep.py"])}
    assert "node.py" in known
    assert {*architecture.imports(house["viz/networks.py"])} == {house["autograd_mini/__init__.py"]}
    assert architecture.arrows_of([("a", "b"), ("b", "c"), ("a", "c"), ("c", "c")]) == {
        "a": {"b"},
        "b": {"c"},
        "c": set(),
    }
    assert "  a --> b\n" in architecture.mermaid({"a": {"b"}}, {})


def test_a_page_without_its_marks_is_refused():
    with pytest.raises(SystemExit, match="has no part <!-- drawn by"):
        architecture.drawn("# The house\n")
