"""The ratios of the tables as one picture: `python benchmarks/ratios.py docs/benchmarks.md docs/ratios.svg`.

A line for each work, a point for each peer at its time divided by ours, 1 as a line: right of it ours is the faster. A
bar stands where the limit is. It reads what the other programs have written. Needs `pip install "autograd-mini[plot]"`.
"""

from __future__ import annotations

import argparse
import io
import re
from pathlib import Path
from typing import Any, NamedTuple

TABLES = ("engine", "array_steps", "programs", "estimators")
ONLY_A_PART = ("recorded each time", "numpy, which it loads")  # our own other way is no peer, numpy is one already
COLOURS = ("#1f77b4", "#d9640a", "#2a8f2a", "#d13438", "#9467bd", "#8c6d5a", "#d3569f", "#7f7f7f", "#9a9a12", "#139bad")
MARKERS = "osD^vPX*"
INK, PAPER = "#222222", "#fefefe"  # as they stand in the file, each in one place of a style that knows the dark
STYLE = (
    "<style>:root{--ink:#222;--paper:#fefefe}"
    "@media (prefers-color-scheme: dark){:root{--ink:#ddd;--paper:#181a1b}}</style>"
)


class Work(NamedTuple):
    """A line of a table: what was timed, how many times ours each peer takes, and the limits as parts of ours."""

    title: str
    peers: dict[str, float]
    limits: dict[str, float]


def works(page: str) -> list[Work]:
    """Return the lines of the tables of a page that have peers, in its order."""
    found = []
    for table in TABLES:
        text = page.split(f"<!-- {table} -->")[1].split(f"<!-- /{table} -->")[0]
        for line in text.splitlines()[2:]:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if len(cells) == 4 and cells[2].strip("-"):
                title = cells[0].replace("`", "")
                found.append(Work(title, figures(cells[2]), {n: 1.0 / x for n, x in figures(cells[3]).items()}))
    return found


def figures(cell: str) -> dict[str, float]:
    """Return the figure in brackets after each name and its time.

    >>> figures("numpy by hand 186 µs (0.91), jax.jit 1.2 ms (1.20)")
    {'numpy by hand': 0.91, 'jax.jit': 1.2}
    """
    times = re.finditer(r"(?:^|, )(\D.*?) [\d.e+]+ (?:s|ms|µs|ns) \(([\d.]+)\)", cell)
    return {match[1]: float(match[2]) for match in times}


def draw(found: list[Work], path: Path) -> None:
    """Draw the picture as SVG, legible on light and on dark pages."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "ratios", "svg.fonttype": "none", "font.size": 9})
    inked = "text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"
    matplotlib.rcParams.update(dict.fromkeys(inked, INK))
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(12, 1.6 + 0.3 * len(found)), layout="constrained", facecolor=PAPER)
    axes.set_facecolor(PAPER)
    points(axes, found)
    axes.axvline(1.0, color=INK, linewidth=1.2)
    axes.set_xscale("log")
    axes.set_yticks(range(len(found)), [work.title for work in found])
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.grid(axis="both", color="#888888", alpha=0.3, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("time of the peer divided by ours: right of 1, ours is the faster")
    figure.legend(loc="outside upper center", ncols=6, frameon=False)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    path.write_text(with_styles(buffer.getvalue()), encoding="utf-8")


def points(axes: Any, found: list[Work]) -> None:
    """Put a point for each peer of each work, with one colour and marker for each name, and a bar for each limit."""
    names = list(dict.fromkeys(name for work in found for name in work.peers if name not in ONLY_A_PART))
    for i, name in enumerate(names):
        places = [(work.peers[name], y) for y, work in enumerate(found) if name in work.peers]
        axes.scatter(
            *zip(*places), s=34, marker=MARKERS[i % len(MARKERS)], color=COLOURS[i % len(COLOURS)], label=name, zorder=3
        )
    limits = [(x, y) for y, work in enumerate(found) for n, x in work.limits.items() if n not in ONLY_A_PART]
    if limits:
        axes.scatter(*zip(*limits), s=90, marker="|", color=INK, label="limit", zorder=3)


def with_styles(svg: str) -> str:
    """Return the picture with its ink and paper as the reader's light or dark style has them."""
    head, tag, rest = svg.partition("<defs>")
    return head + STYLE + tag + rest.replace(INK, "var(--ink)").replace(PAPER, "var(--paper)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    draw(works(given.page.read_text(encoding="utf-8")), given.picture)
