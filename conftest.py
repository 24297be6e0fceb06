"""What holds for every test, page and example: the table is as it was after it, and which of them are slow."""

from __future__ import annotations

import gc
import importlib.util
import inspect
import os
import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy comes: in small products threads wait more than they work

import pytest
from hypothesis import settings

import autograd_mini
import nn
import viz
from autograd_mini.op import TABLE

SLOW = {  # what the names of slow tests start with, and why; what drives a browser is slow of itself
    "autograd_mini/programs/tape/": "numba compiles the interpreter of tapes",
    "tests/test_tape.py": "numba",
    "tests/test_backends.py": "numba",
    "tests/test_program_frameworks.py": "JAX compiles every row",
    "tests/test_export.py": "JAX, ONNX and torch",
    "nn/export/": "the same",
    "docs/export.md": "the same",
    "tests/test_from_jax.py": "JAX traces, compiles and runs models",
    "tests/test_from_torch": "torch traces and runs hundreds of models",
    "autograd_mini/bridges/": "torch, imported",
    "nn/imports/torch_modules.py": "the same",
    "docs/howto/open_a_torch_model.md": "the same",
    "tests/test_nn_from_torch.py": "the same",
    "tests/test_examples": "whole programs: training, a cluster of Dask",
    "tests/test_estimators_extras.py": "processes of joblib",
    "tests/test_micrograd.py": "pip builds micrograd's source",
    "tests/test_viz_gif.py": "every step is painted",
    "tests/test_grade.py": "a process for each engine that is graded",
    "tests/test_grade_hostile.py": "processes that hang or are killed",
    "docs/howto/grade.md": "a process",
    "tests/test_storage_files.py": "processes are killed while they write",
    "tests/test_storage_hostile.py": "every byte of a file is changed",
    "tests/test_storage_runs.py": "the same",
    "tests/test_lessons.py": "every cell of every lesson",
    "tests/test_site.py": "the site is built",
    "tests/test_typing.py": "mypy",
    "tests/test_neighbours.py": "a process for each folder",
    "tests/test_viz_plots.py": "matplotlib",
    "tests/test_viz_curves.py": "matplotlib",
    "tests/test_cli_plot.py": "matplotlib",
    "viz/plots/": "matplotlib",
    "tests/test_parity.py": "hundreds of trainings beside scikit-learn's",
    "tests/test_estimators_shipped.py": "scikit-learn's own checks",
    "tests/test_prompt.py": "processes",
    "tests/test_cli.py": "processes",
    "tests/test_cli_play.py": "processes",
    "tests/test_grade_reports.py": "processes",
    "tests/test_latex.py::test_sympys": "another library's parser",
    "tests/test_latex.py::test_every_row_is_read_by_two_parsers": "the same, twice",
    "tests/test_program_javascript.py": "another engine",
    "tests/test_page_engine.py": "the same",
    "tests/test_page_formula.py": "the same",
    "tests/test_boxes": "the same, and pages of the site are built",
    "tests/test_grade_class.py": "processes",
    "tests/test_grade_fairness.py::test_a_forged": "processes",
    "tests/test_viz_notebook.py": "processes",
    "tests/test_notebook_executed.py": "a kernel, and a browser",
    "tests/test_program.py::test_the_source_runs_in_an_interpreter": "a process",
    "tests/test_render.py::test_broken_engines": "processes",
    "tests/test_attribution.py": "scikit-learn's pipelines",
    "tests/test_estimators.py": "scikit-learn's own, trained beside ours",
    "tests/test_estimators_drawn.py": "scikit-learn, imported",
    "tests/test_from_sklearn.py": "the same",
    "nn/estimators/": "the same",
    "docs/estimators.md": "the same",
    "docs/from-scikit-learn.md": "the same",
    "tests/test_viz_step.py": "processes with a terminal",
    "tests/test_transforms.py::test_a_long_loop": "a long loop",
    "tests/test_program.py::test_a_long_chain": "long sources",
    "tests/test_program_pickle.py::test_a_long_chain": "long sources",
    "tests/test_program_simplified.py::test_a_long_chain": "long sources",
    "tests/test_viz_picture.py::test_of_a_hundred_thousand": "a hundred thousand nodes",
    "tests/test_viz_picture.py::test_the_same_program": "processes",
    "tests/test_viz_groups.py::test_the_same_program": "processes",
    "tests/test_viz_player.py::test_a_thousand_steps": "large pages",
    "tests/test_viz_player.py::test_two_runs": "processes",
    "tests/test_explain_paths.py::test_a_node_that_is_used": "30,000 uses",
    "tests/test_formula.py::test_100000": "100,000 nodes",
    "tests/test_formula.py::test_a_chain_of_100000": "100,000 nodes",
    "tests/test_render.py::test_random_graphs": "layouts of large graphs",
    "tests/test_promises.py::test_a_chain_of_a_million_nodes": "a million nodes",
    "tests/test_promises.py::test_a_sum_of_a_hundred_thousand": "wide sums",
    "tests/test_promises.py::test_a_graph_of_arrays_is_freed": "many graphs",
    "tests/test_promises.py::test_memory": "many graphs",
    "tests/test_program_latex.py::test_every_row_parses": "another library's parser",
    "tests/test_explain_json.py::test_more_paths": "long numbers",
    "tests/test_hostile_labels.py::test_frameworks": "torch and JAX",
    "tests/test_latex.py::test_matplotlib": "matplotlib",
    "tests/test_playground_numbers.py": "another engine",
    "tests/test_classic_functions.py::test_value_gradient_and_hessian_are_those_of_forty_digits[Osborne 2]": "65 terms",
    "tests/test_architecture_page.py::test_the_page_is_up_to_date": "a process",
    "tests/test_read_the_engine.py::test_a_debugger": "a process",
    "tests/test_worksheet.py::test_thirty": "processes",
    "tests/test_worksheet.py::test_a_pdf": "pages are typeset",
    "tests/test_worksheet.py::test_latex_compiles": "the same",
    "docs/from-jax.md": "JAX",
    "docs/howto/export.md": "JAX and ONNX",
}

HEAVY = {"torch", "jax", "numba", "sklearn", "sklearn.neural_network", "matplotlib", "matplotlib.pyplot"}
WITH_SKLEARN = re.compile(r">>> .*\bsklearn\b")


PROFILES = {"quick": 20, "whole": 100}  # how many examples hypothesis draws: where the fast tests run alone, and else


def pytest_configure(config: pytest.Config) -> None:
    """Draw the same examples in every run; a change of the engine, not of luck, is what makes a test fail."""
    for name, examples in PROFILES.items():
        settings.register_profile(name, max_examples=examples, deadline=None, derandomize=True, database=None)
    settings.load_profile("quick" if "not slow" in config.option.markexpr else "whole")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep a file's tests on one worker as long as it goes, so that what they share is made once."""
    if config.option.dist != "load":
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


@pytest.fixture(autouse=True)
def _the_table_as_it_was() -> Iterator[None]:
    """Take the rows that a test, a page or an example makes out of the table again."""
    before = dict(TABLE)
    yield
    TABLE.clear()
    TABLE.update(before)


@pytest.fixture(autouse=True, scope="module")
def _what_has_come_to_stay() -> Iterator[None]:
    """Spare the cycle collector what a file has imported: each pass over torch and JAX takes half a second."""
    yield
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without the names that are imported when they are asked for: pytest asks for each that `dir` tells.

    The cycle collector has nothing to do meanwhile, nor later among what was made here, which stays to the end.
    """
    told = {room: vars(room).pop("__dir__") for room in (autograd_mini, nn, viz)}
    gc.disable()
    try:
        return (yield)
    finally:
        for room, names in told.items():
            vars(room)["__dir__"] = names
        gc.freeze()
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave files alone of which every test is slow, where nobody asks for one: their imports alone take seconds."""
    name = collection_path.relative_to(config.rootpath).as_posix()
    return True if config.option.markexpr == "not slow" and name.startswith(tuple(SLOW)) else None


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Mark what is slow, and skip examples with scikit-learn where this Python is too old for it."""
    lacks = importlib.util.find_spec("sklearn") is None
    for item in items:
        if lacks and WITH_SKLEARN.search(getattr(getattr(item, "dtest", None), "docstring", None) or ""):
            item.add_marker(pytest.mark.skip(reason="scikit-learn is not installed"))
        slow = item.nodeid.startswith(tuple(SLOW)) or {"browser", "torch"} & {*getattr(item, "fixturenames", ())}
        if slow or asks_for_a_heavy_library(getattr(item, "function", None)):
            item.add_marker("slow")


def asks_for_a_heavy_library(test: Any) -> bool:
    """Whether a test skips where one of the libraries is missing that take a second or more to import."""
    test = getattr(getattr(test, "hypothesis", None), "inner_test", test)
    code = getattr(inspect.unwrap(test), "__code__", None) if test else None
    return code is not None and "importorskip" in code.co_names and not HEAVY.isdisjoint(code.co_consts)
