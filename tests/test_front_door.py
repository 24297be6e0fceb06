"""What stands at the front door: the paths that it names are there, and the citation is of this version."""

import importlib
import importlib.metadata
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_every_place_that_is_named_is_there():
    places = {*re.findall(r"\]\(([^)#]+)\)", CONTRIBUTING), *re.findall(r"`((?:\w+|\.ci)/[\w./]*)`", CONTRIBUTING)}
    assert len(places) > 8
    assert [place for place in places if not (ROOT / place).exists() and place != "path/to/test_file.py"] == []


def test_the_tools_that_are_named_are_those_of_the_development_extra():
    setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    for tool in ("ruff", "mypy", "pytest"):
        assert re.search(rf"^{tool}$", CONTRIBUTING, re.MULTILINE) or f"\n{tool} " in CONTRIBUTING
        assert re.search(rf"^\s+{tool}\b", setup, re.MULTILINE)


def test_the_citation_is_of_this_version():
    assert f"\nversion: {importlib.metadata.version('autograd-mini')}\n" in CITATION
    assert "license: MIT" in CITATION


@pytest.mark.parametrize("name", ["bug", "idea", "wrong_gradient"])
def test_a_form_asks_for_something(name):
    form = (ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text(encoding="utf-8")
    assert re.findall(r"^(\w+):", form, re.MULTILINE) == ["name", "description", "title", "labels", "body"]
    assert "required: true" in form
    ids = re.findall(r"^    id: (\w+)$", form, re.MULTILINE)
    assert len(ids) == len(set(ids)) == form.count("  - type: ")


def test_no_file_at_the_front_door_points_to_a_host():
    texts = [CONTRIBUTING, CITATION, *(file.read_text() for file in (ROOT / ".github").rglob("*.yml"))]
    assert [text for text in texts if "://" in text] == []


def test_what_is_shipped_names_every_folder():
    shipped = (ROOT / "MANIFEST.in").read_text(encoding="utf-8")
    for folder in ("autograd_mini", "nn", "viz", "tests", "docs", "lessons", "examples", "benchmarks"):
        assert f"graft {folder}\n" in shipped
        assert (ROOT / folder).is_dir()


@pytest.mark.parametrize("package", ["autograd_mini", "nn", "viz"])
def test_a_prompt_completes_every_public_name(package):
    room = importlib.import_module(package)
    assert set(room.__all__) <= set(dir(room))
    assert "__name__" in dir(room)
