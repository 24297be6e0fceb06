"""Mutants: do the tests notice when a line is wrong? `python benchmarks/mutants.py engine nn stepping`.

Needs `pip install "autograd-mini[test]" cosmic-ray coverage`. Cosmic Ray changes one place at a time in a copy of the
last commit - an operator, a comparison, a number, a condition. The room's tests (`mutants.toml`) and the examples in
its docstrings have run once under coverage: of them run those that reach the changed line, then the others of their
files, until one notices; first those that have noticed most so far, and of these the quickest. Of all places a sample
is taken, the same for the same seed. The report lists what survived, and why where it is no fault.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import contextlib
import json
import os
import py_compile
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import tomllib
from cosmic_ray.commands.init import init
from cosmic_ray.modules import find_modules
from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec
from coverage import Coverage, CoverageData
from page import keep

HERE = Path(__file__).parent
CHANGES = re.compile(  # those that give a number or a way that could be meant; `x << y` of floats notices itself
    r"core/(ReplaceBinaryOperator_(Add|Sub|Mul|Div|Pow|FloorDiv|Mod)_(Add|Sub|Mul|Div)$|ReplaceComparison|ReplaceUnary"
    r"|ReplaceAnd|ReplaceOr|ReplaceTrue|ReplaceFalse|ReplaceBreak|ReplaceContinue|AddNot|NumberReplacer|ZeroIteration)"
)
MEMORY = 8 << 30  # bytes that a mutant may take
OUTPUT = "tests.out"  # in the copy: what the last run of tests has said
OPTIONS = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-W", "ignore::pytest.PytestAssertRewriteWarning"]


@dataclass(frozen=True)
class Change:
    """What is changed: the line of a file before, and as it became. Two of them are one if all three are the same."""

    file: str
    line: str
    became: str


def main() -> None:
    """Take the rooms, the size of the sample, its seed and the page from the command line."""
    settings = tomllib.loads((HERE / "mutants.toml").read_text())
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rooms", nargs="+", choices=[name for name in settings if name != "equal"])
    parser.add_argument("--sample", type=int, default=110, help="how many mutants of each room")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, help="the page whose block <!-- mutants of ROOM --> is replaced")
    given = parser.parse_args()
    equal = {Change(e["file"], e["line"], e["became"]): e["why"] for e in settings["equal"]}
    for room in given.rooms:
        with tempfile.TemporaryDirectory() as folder:
            outcomes = run(settings[room], Path(folder), given.sample, given.seed)
        lines = list(report(room, given.seed, outcomes, equal))
        print("\n".join(lines))
        if given.write:
            keep(given.write, f"mutants of {room}", lines)


def run(room: dict[str, Any], folder: Path, size: int, seed: int) -> list[tuple[Change, bool]]:
    """Test a sample of a room's mutants in a copy; return each change, and whether the tests noticed it."""
    copy = copy_of_commit(folder / "copy")
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    files = [path.relative_to(copy) for path in find_modules([copy / name for name in room["modules"]])]
    with use_db(str(folder / "all.sqlite"), WorkDB.Mode.create) as db:
        init(files, db, {})
        changes = [item.mutations[0] for item in db.pending_work_items]
    reached = Reached(room, folder)
    sys.dont_write_bytecode = True  # what comes now is compiled from mutants
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    outcomes: list[tuple[Change, bool]] = []
    for mutation in sample(changes, size, seed):
        outcomes.append(test(mutation, reached))
        print("." if outcomes[-1][1] else f"\n{outcomes[-1][0]}", end="", file=sys.stderr, flush=True)
    return outcomes


def copy_of_commit(folder: Path) -> Path:
    """Return a clone of the last commit, compiled by contents: a mutant is as old as what it was made of."""
    subprocess.run(["git", "clone", "-q", "--shared", HERE.parent, folder], check=True)
    compileall.compile_dir(folder, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    return folder


def sample(changes: list[MutationSpec], size: int, seed: int) -> list[MutationSpec]:
    """Return one change at each of `size` places, places and changes at random."""
    places: dict[Any, list[MutationSpec]] = {}
    for change in sorted(
        changes, key=lambda change: (change.operator_name, str(change.operator_args), change.occurrence)
    ):
        if CHANGES.match(change.operator_name):
            places.setdefault((str(change.module_path), change.start_pos, change.end_pos), []).append(change)
    chance = random.Random(seed)
    return [chance.choice(places[place]) for place in chance.sample(sorted(places), min(size, len(places)))]


def test(mutation: MutationSpec, reached: Reached) -> tuple[Change, bool]:
    """Return what a mutation changes, and whether a test notices; the file is put back."""
    order = reached.tests(mutation.module_path, mutation.start_pos[0])
    operator = get_operator(mutation.operator_name)(**mutation.operator_args)
    with use_mutation(mutation.module_path, operator, mutation.occurrence) as (before, after):
        noticed = in_fork(lambda: chosen(order), 30 + reached.seconds) != 0
    reached.noticed.update(re.findall(r"^FAILED (\S+)", Path(OUTPUT).read_text(), re.MULTILINE))
    lines = [(a, b) for a, b in zip(before.splitlines(), after.splitlines()) if a != b]
    return Change(str(mutation.module_path), *(line.strip() for line in lines[0])), noticed


class Reached:
    """The tests of a room, with the seconds that each takes and the lines that it reaches, from one run of all.

    `noticed` counts the mutants that each was the first to notice.
    """

    def __init__(self, room: dict[str, Any], folder: Path) -> None:
        files = [*room["modules"], *(f"tests/test_{name}.py" for name in room["tests"].split())]
        slow = tuple(f"test_{name}.py" for name in room.get("slow", "").split())
        lines, told = folder / "lines", folder / "told.json"
        if in_fork(lambda: traced(files, room["modules"], slow, lines, told), 3600):
            raise SystemExit(f"{Path(OUTPUT).read_text()}\na test fails before anything is changed")
        facts = json.loads(told.read_text())
        self._took: dict[str, float] = facts["took"]
        self.seconds = sum(self._took.values())
        self.noticed: Counter[str] = Counter()
        for name in facts["libraries"]:  # what tests import is there when a mutant is born
            with contextlib.suppress(Exception):
                import_module(name)
        if in_fork(lambda: chosen(sorted(self._took, key=self._took.__getitem__)[:9]), 100):
            raise SystemExit(f"{Path(OUTPUT).read_text()}\na test fails in a fork before anything is changed")
        self._lines = CoverageData(str(lines))
        self._lines.read()

    def tests(self, file: Path, line: int) -> list[str]:
        """Return those that reach a line, then the others of their files; all for a line that an import runs."""
        reaching = self._lines.contexts_by_lineno(str(file.absolute()))
        found = {test for at in statement(file.read_text(), line) for test in reaching.get(at, ())}
        if not found or "" in found:
            return sorted(self._took, key=self._promise)
        files = {test.split("::")[0] for test in found}
        nearby = [test for test in self._took if test.split("::")[0] in files]
        return sorted(nearby, key=lambda test: (test not in found, *self._promise(test)))

    def _promise(self, test: str) -> tuple[int, float]:
        return -self.noticed[test], self._took[test]


def statement(text: str, line: int) -> range:
    """Return the lines of the innermost statement around a line, without the statements inside it."""
    statements = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]
    around = [node for node in statements if _first(node) <= line <= (node.end_lineno or 0)]
    inner = max(around, key=_first)
    body = getattr(inner, "body", None)
    return range(_first(inner), body[0].lineno if body else (inner.end_lineno or 0) + 1)


def _first(node: ast.stmt) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])


def chosen(order: list[str]) -> int:
    """Run tests in this order until one fails."""
    return pytest.main([*OPTIONS, *{test.split("::")[0]: 0 for test in order}], [Chosen(order)])


class Chosen:
    """Lets pytest run the chosen tests, in their order."""

    def __init__(self, order: list[str]) -> None:
        self._place = {test: i for i, test in enumerate(order)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leave the others out."""
        items[:] = sorted((i for i in items if i.nodeid in self._place), key=lambda i: self._place[i.nodeid])


class Traced:
    """Lets coverage note for each line the tests that reach it, and notes how long each takes."""

    def __init__(self, lines: Path, modules: list[str], slow: tuple[str, ...]) -> None:
        include = [f"{Path(name).absolute()}{'' if name.endswith('.py') else '/*'}" for name in modules]
        self._coverage = Coverage(data_file=str(lines), include=include)
        self._slow = slow
        self.took: Counter[str] = Counter()
        self._coverage.start()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leave out what is slow, but for the files that may be."""
        items[:] = [i for i in items if not i.get_closest_marker("slow") or i.path.name in self._slow]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> None:
        """Begin a test."""
        self._coverage.switch_context(item.nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Add the time of a part of a test."""
        self.took[report.nodeid] += report.duration

    def save(self, told: Path) -> None:
        """Write the lines, and beside them the times and the libraries that the tests have imported."""
        self._coverage.stop()
        self._coverage.save()
        here, found = str(Path.cwd()), {}
        for name, module in sys.modules.items():
            place = getattr(module, "__file__", None)
            if place and not place.startswith(here):
                found[name] = place
        told.write_text(json.dumps({"took": self.took, "libraries": [*found]}))


def traced(files: list[str], modules: list[str], slow: tuple[str, ...], lines: Path, told: Path) -> int:
    """Run the tests of a room once, and write what they reach."""
    watch = Traced(lines, modules, slow)
    status = pytest.main([*OPTIONS, *files], [watch])
    watch.save(told)
    return status


def in_fork(work: Callable[[], int], seconds: float) -> int:
    """Return the status of a process that is born of this one and does a work; 0 if it is well. It is silent.

    Its seconds are of computing: a machine may have others to serve. Whatever it has started ends with it.
    """
    sys.stdout.flush()
    if not (child := os.fork()):
        status = 1
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            silence = os.open(OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            status = int(work())
            sys.stdout.flush()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    status = os.waitpid(child, 0)[1]
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    return status


def report(room: str, seed: int, outcomes: list[tuple[Change, bool]], equal: Mapping[Change, str]) -> Iterator[str]:
    """Yield the score, and the mutants that survived, each with the reason where it computes the same."""
    survivors = [change for change, noticed in outcomes if not noticed]
    harmless = sum(change in equal for change in survivors)
    caught, others = len(outcomes) - len(survivors), len(outcomes) - harmless
    yield f"`{room}`, seed {seed}: {len(outcomes)} mutants, {caught} noticed, {harmless} compute the same;"
    yield f"of the others {100.0 * caught / max(others, 1):.0f} % are noticed."
    yield ""
    yield "| survivor | became | why |"
    yield "|---|---|---|"
    for change in sorted(survivors, key=lambda change: (change.file, change.line, change.became)):
        why = equal.get(change, "**not noticed**")
        yield f"| `{change.file}`: `{cell(change.line)}` | `{cell(change.became)}` | {why} |"


def cell(text: str) -> str:
    """Return a line of code as it stands in a table."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()
