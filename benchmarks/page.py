"""The command of a benchmark: print its table line by line, and with --write keep it in a page."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from clock import machine, show

HEAD = [
    "| work | autograd_mini | peers: time (times ours) | limit: time (ours is so many times that) |",
    "|---|---|---|---|",
]


def main(doc: str | None, mark: str, parts: Sequence[Callable[[], Iterator[str]]]) -> None:
    """Run the parts, or those that are named, and print their lines; a page has them between <!-- mark --> and its end.

    A page is written only where all parts ran.
    """
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(part.__name__ for part in parts)}; all without any")
    parser.add_argument("--write", type=Path, help=f"a page with the marks <!-- {mark} --> and <!-- /{mark} -->")
    given = parser.parse_args()
    start = time.perf_counter()
    lines = list(HEAD)
    print("\n".join(HEAD))
    for part in parts:
        if not given.parts or part.__name__ in given.parts:
            for line in part():
                print(line, flush=True)
                lines.append(line)
    took = show(time.perf_counter() - start)
    lines += ["", f"{machine()}; medians, works in turn, cycle collector on; {took} in all."]
    if given.write and not given.parts:
        keep(given.write, mark, lines)


def keep(page: Path, mark: str, lines: Sequence[str]) -> None:
    """Put lines between the marks of a page."""
    text = page.read_text(encoding="utf-8")
    before, after = text.split(f"<!-- {mark} -->")[0], text.split(f"<!-- /{mark} -->")[1]
    page.write_text(f"{before}<!-- {mark} -->\n" + "\n".join(lines) + f"\n<!-- /{mark} -->{after}", encoding="utf-8")
