"""What stands at the front door: the paths that it names are there, and the citation is of this version."""

import importlib
import importlib.metadata
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
SETUP = (ROOT / "setup.cfg").read_text(encoding="utf-8")


def read(path):
    """Return what a YAML file of the project says."""
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


whole = pytest.mark.skipif(not (ROOT / "autograd_mini").is_dir(), reason="the packages are not beside the tests")


@whole
def test_every_place_that_is_named_is_there():
    places = {*re.findall(r"\]\(([^)#]+)\)", CONTRIBUTING), *re.findall(r"`((?:\w+|\.ci)/[\w./]*)`", CONTRIBUTING)}
    assert len(places) > 8
    assert [place for place in places if not (ROOT / place).exists() and place != "path/to/test_file.py"] == []


def test_the_tools_that_are_named_are_those_of_the_development_extra():
    for tool in ("ruff", "mypy", "pytest", "pre-commit"):
        assert re.search(rf"^{tool}\b", CONTRIBUTING, re.MULTILINE)
        assert re.search(rf"^\s+{tool}\b", SETUP, re.MULTILINE)


def test_a_commit_is_checked_by_the_tools_of_ci():
    hooks = [hook["entry"] for repo in read(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert hooks == ["ruff check --fix", "ruff format", "mypy"]
    for hook in hooks:
        assert re.search(rf"^(\S+=\S+ )?(python -m )?{hook.removesuffix(' --fix')}\b", ci, re.MULTILINE), hook


def test_the_public_host_runs_ci_and_every_system_and_python():
    jobs = read(".github/workflows/test.yml")["jobs"]
    assert {"run": ".ci/run"} in jobs["everything"]["steps"]
    matrix = jobs["tests"]["strategy"]["matrix"]
    assert [name.partition("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]
    assert matrix["python"] == [f"3.{minor}" for minor in range(10, 15)]
    assert f"python_requires = >={matrix['python'][0]}" in SETUP
    (tests,) = (step["run"] for step in jobs["tests"]["steps"] if "pytest" in step.get("run", ""))
    assert tests.removeprefix("python -m ") in CONTRIBUTING


def test_the_citation_is_of_this_version():
    citation = read("CITATION.cff")
    assert citation["version"] == importlib.metadata.version("autograd-mini")
    assert citation["license"] == "MIT"


@pytest.mark.parametrize("name", ["bug", "idea", "wrong_gradient"])
def test_a_form_asks_for_something(name):
    form = read(f".github/ISSUE_TEMPLATE/{name}.yml")
    assert list(form) == ["name", "description", "title", "labels", "body"]
    assert any(part.get("validations", {}).get("required") for part in form["body"])
    ids = [part["id"] for part in form["body"]]
    assert len(ids) == len(set(ids)) > 0


def test_no_file_at_the_front_door_points_to_a_host():
    texts = [CONTRIBUTING, CITATION, *(file.read_text() for file in (ROOT / ".github").rglob("*.yml"))]
    assert [text for text in texts if "://" in text] == []


@whole
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
