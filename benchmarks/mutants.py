"""Mutants: do the tests notice when a line is wrong? `python benchmarks/mutants.py engine nn stepping`.

Needs `pip install "autograd-mini[test]" cosmic-ray`. Cosmic Ray changes one place at a time in a copy of the last
commit - an operator, a comparison, a number, a condition - and runs the examples in the docstrings of the room, then
the tests that stand in `mutants.toml`. Of all places a sample is taken, the same for the same seed. The report lists
what survived, and why where it is no fault.
"""

from __future__ import annotations

import argparse
import compileall
import os
import py_compile
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import tomllib
from cosmic_ray.commands.init import init
from cosmic_ray.modules import find_modules
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import WorkItem
from page import keep

HERE = Path(__file__).parent
CHANGES = re.compile(  # those that give a number or a way that could be meant; `x << y` of floats notices itself
    r"core/(ReplaceBinaryOperator_(Add|Sub|Mul|Div|Pow|FloorDiv|Mod)_(Add|Sub|Mul|Div)$|ReplaceComparison|ReplaceUnary"
    r"|ReplaceAnd|ReplaceOr|ReplaceTrue|ReplaceFalse|ReplaceBreak|ReplaceContinue|AddNot|NumberReplacer|ZeroIteration)"
)


def main() -> None:
    """Take the rooms, the size of the sample, its seed and the page from the command line."""
    settings = tomllib.loads((HERE / "mutants.toml").read_text())
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rooms", nargs="+", choices=[name for name in settings if name != "equal"])
    parser.add_argument("--sample", type=int, default=110, help="how many mutants of each room")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="how many copies are tested side by side")
    parser.add_argument("--write", type=Path, help="the page whose block <!-- mutants of ROOM --> is replaced")
    given = parser.parse_args()
    for room in given.rooms:
        with tempfile.TemporaryDirectory() as folder:
            outcomes = run(settings[room], Path(folder), given.sample, given.seed, given.jobs)
        text = "\n".join(report(room, outcomes, settings["equal"]))
        print(text)
        if given.write:
            keep(given.write, f"mutants of {room}", text.splitlines())


def run(room: dict[str, Any], folder: Path, size: int, seed: int, jobs: int) -> list[tuple[str, str]]:
    """Test a sample of a room's mutants in `jobs` copies; return the outcome and the difference of each."""
    copies = [copy_of_commit(folder / str(i)) for i in range(jobs)]
    files = [path.relative_to(copies[0]) for path in find_modules([copies[0] / name for name in room["modules"]])]
    with use_db(str(folder / "all.sqlite"), WorkDB.Mode.create) as db:
        os.chdir(copies[0])
        init(files, db, {})
        chosen = sample(list(db.pending_work_items), size, seed)
    with ThreadPoolExecutor(jobs) as pool:
        done = pool.map(lambda i: test(copies[i], chosen[i::jobs], room), range(jobs))
        return [outcome for outcomes in done for outcome in outcomes]


def copy_of_commit(folder: Path) -> Path:
    """Return a clone of the last commit, compiled by contents: a mutant is as old as what it was made of."""
    subprocess.run(["git", "clone", "-q", "--shared", HERE.parent, folder], check=True)
    compileall.compile_dir(folder, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    return folder


def sample(items: list[WorkItem], size: int, seed: int) -> list[WorkItem]:
    """Return one change at each of `size` places, places and changes at random."""
    places: dict[Any, list[WorkItem]] = {}
    for item in items:
        mutation = item.mutations[0]
        if CHANGES.match(mutation.operator_name):
            places.setdefault((str(mutation.module_path), mutation.start_pos, mutation.end_pos), []).append(item)
    chance = random.Random(seed)
    return [chance.choice(places[place]) for place in chance.sample(sorted(places), min(size, len(places)))]


def test(copy: Path, items: list[WorkItem], room: dict[str, Any]) -> list[tuple[str, str]]:
    """Let Cosmic Ray apply each of the changes to the copy and run the examples and the tests."""
    session = copy / "session.sqlite"
    files = " ".join([*room["modules"], *(f"tests/test_{name}.py" for name in room["tests"].split())])
    command = f"{sys.executable} -m pytest -x -q -m 'not slow' -p no:cacheprovider -p no:randomly {files}"
    config = copy / "cosmic-ray.toml"
    config.write_text(
        f'[cosmic-ray]\nmodule-path = "."\ntimeout = 200.0\nexcluded-modules = []\ntest-command = "{command}"\n'
        '[cosmic-ray.distributor]\nname = "local"\n'
    )
    with use_db(str(session), WorkDB.Mode.create) as db:
        db.add_work_items(items)
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(
        [sys.executable, "-m", "cosmic_ray.cli", "exec", config, session], check=True, cwd=copy, env=environment
    )
    with use_db(str(session), WorkDB.Mode.open) as db:
        return [(str(result.test_outcome), result.diff or "") for _, result in db.results]


def report(room: str, outcomes: list[tuple[str, str]], equal: dict[str, str]) -> Iterator[str]:
    """Yield the score, and the mutants that survived, each with the reason where it computes the same."""
    survivors = sorted(changed(diff) for outcome, diff in outcomes if "SURVIVED" in outcome)
    harmless = [key for key, _ in survivors if key in equal]
    caught = len(outcomes) - len(survivors)
    others = len(outcomes) - len(harmless)
    yield f"`{room}`: {len(outcomes)} mutants, {caught} noticed, {len(harmless)} compute the same;"
    yield f"of the others {100.0 * caught / max(others, 1):.0f} % are noticed."
    yield ""
    yield "| survivor | became | why |"
    yield "|---|---|---|"
    for key, became in survivors:
        yield f"| `{cell(key)}` | `{cell(became)}` | {equal.get(key, '**not noticed**')} |"


def changed(diff: str) -> tuple[str, str]:
    """Return the file and the line that a difference takes away, and the line that it puts there."""
    lines = diff.splitlines()
    name = next(line[6:] for line in lines if line.startswith("--- a/"))
    before, after = (next(line[1:].strip() for line in lines if re.match(rf"[{c}][^{c}]", line)) for c in "-+")
    return f"{name}: {before}", after


def cell(text: str) -> str:
    """Return a line of code as it stands in a table."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()
