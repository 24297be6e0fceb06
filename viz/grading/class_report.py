"""A class, graded: its marks as a table for spreadsheets, and a page for each learner and one for the teacher."""

from __future__ import annotations

import csv
import html
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from autograd_mini import Node
from autograd_mini.files import write_whole
from autograd_mini.text.to_json import plain

from ..stepping.player_page import Player, player
from .ideas import IDEAS
from .own_sweep import right_sweep
from .report import Found, Report, formula, mark, number, text_of, title, what_happened
from .sandbox import Problem

LONGEST = 40  # nodes of a graph that is worth a page to play
STYLE = """\
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse}td,th{text-align:left;padding:.2rem .8rem;border-bottom:1px solid #8886}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.bar{background:#0072b2;height:.8em;display:inline-block}
pre{overflow:auto;padding:.6rem;background:#8882}
.wrong{background:#d55e0033;font-weight:600}
.sweeps{display:flex;flex-wrap:wrap;gap:2rem}
"""


def csv_of(reports: Iterable[Report]) -> str:
    """Return the marks as CSV: a line for each file, with its mark, what was wanted, and the names of its faults."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(["file", "passed", "required", "full", "faults", "import"])
    for report in reports:
        faults = "; ".join(dict.fromkeys(map(title, report.faults)))
        broken = what_happened(report.broken) if report.broken else ""
        row = [report.file, report.passed, len(report.required), "yes" if report.is_full else "no", faults, broken]
        lines.writerow([_inert(str(cell)) for cell in row])
    return out.getvalue()


def _inert(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: a learner chooses the file's name."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def write_pages(reports: list[Report], folder: Path) -> Path:
    """Write index.html for the teacher, and for each learner a page that leads to their failing graphs; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    names = page_names(reports)
    for report, name in zip(reports, names):
        for i, found in enumerate(report.faults, 1):
            if _is_playable(found):
                write_whole(folder / f"{name}-{i}.html", _played(found).html.encode())
        write_whole(folder / f"{name}.html", _page(Path(report.file).name, _learner(report, name)).encode())
    index = folder / "index.html"
    write_whole(index, _page("A class, graded", _teacher(reports, names)).encode())
    return index


def page_names(reports: list[Report]) -> list[str]:
    """Return a name for the page of each file: that of the file, numbered where several have the same.

    >>> page_names([Report("a/my engine.py"), Report("b/my engine.py"), Report("index.py")])
    ['my_engine', 'my_engine-2', 'index-2']
    """
    taken: Counter[str] = Counter({"index": 1})
    names = []
    for report in reports:
        stem = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in Path(report.file).stem)
        taken[stem] += 1
        names.append(stem if taken[stem] == 1 else f"{stem}-{taken[stem]}")
    return names


def _page(heading: str, parts: Iterable[str]) -> str:
    heading = html.escape(heading)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{heading}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{STYLE}</style></head><body><h1>{heading}</h1>{''.join(parts)}</body></html>"
    )


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{cell}</th>" for cell in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


# The teacher's page ---------------------------------------------------------------------------------------------------


def _teacher(reports: list[Report], names: list[str]) -> Iterator[str]:
    full = sum(report.is_full for report in reports)
    yield f"<p>{len(reports)} engines, {full} with full marks.</p><h2>What the class has missed</h2>"
    yield _table(("idea", "engines", "", "the smallest graph that shows it"), _ideas(reports, names))
    yield "<h2>Engine by engine</h2>"
    yield _table(("file", "mark", "faults"), map(_line, reports, names))


def _ideas(reports: list[Report], names: list[str]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each idea that anybody has missed, the commonest first."""
    missed: defaultdict[str, dict[str, Found]] = defaultdict(dict)
    for report, name in zip(reports, names):
        for found in report.faults:
            missed[found.fault.kind].setdefault(name, found)
    for kind, whose in sorted(missed.items(), key=lambda item: -len(item[1])):
        smallest = min(whose.values(), key=lambda found: len(found.fault.exercise.names))
        bar = f'<span class="bar" style="width:{12 * len(whose) / len(reports):.2f}em"></span>'
        links = ", ".join(f'<a href="{name}.html">{html.escape(name)}</a>' for name in whose)
        about = f"<details><summary>{html.escape(IDEAS[kind].name)}</summary>{links}</details>"
        yield about, str(len(whose)), bar, f"<code>{html.escape(formula(smallest.fault.exercise))}</code>"


def _line(report: Report, name: str) -> tuple[str, ...]:
    link = f'<a href="{name}.html">{html.escape(report.file)}</a>'
    broken = what_happened(report.broken) if report.broken else ""
    return link, mark(report), html.escape("; ".join(dict.fromkeys(map(title, report.faults))) or broken)


# A learner's page -----------------------------------------------------------------------------------------------------


def _learner(report: Report, name: str) -> Iterator[str]:
    yield f"<pre>{html.escape(text_of(report))}</pre>"
    for i, found in enumerate(report.faults, 1):
        if found.sweep or _is_playable(found):
            yield f"<h2>Fault {i}: {html.escape(title(found))}</h2>"
            yield f"<p><code>{html.escape(formula(found.fault.exercise))}</code></p>"
        if _is_playable(found):
            beside = ", the right sweep beside yours" if found.sweep else ", as it should be"
            yield f'<p><a href="{name}-{i}.html">Play this graph</a>, step by step{beside}.</p>'
        if found.sweep:
            yield f'<div class="sweeps">{_yours(found)}{_right(found)}</div>'


def _yours(found: Found) -> str:
    """Return the learner's sweep as a table; the first number that no right sweep writes is marked."""
    first = next((i for i, write in enumerate(found.sweep) if not write.fits), -1)
    rows = [
        f'<tr{" class=wrong" if i == first else ""}><td class="n">{i + 1}</td>'
        f"<td>{html.escape(write.name)}.grad = {html.escape(number(write.grad))}"
        f"{' ← the first that differs' if i == first else ''}</td></tr>"
        for i, write in enumerate(found.sweep)
    ]
    return f"<table><caption>your sweep</caption><tbody>{''.join(rows)}</tbody></table>"


def _right(found: Found) -> str:
    rows = (
        f'<tr><td class="n">{i}</td><td>{sent.step} sends {number(sent.amount)}: '
        f"{html.escape(sent.name)}.grad = {number(sent.after)}</td></tr>"
        for i, sent in enumerate(right_sweep(found.fault.exercise), 1)
    )
    return f"<table><caption>the right sweep</caption><tbody>{''.join(rows)}</tbody></table>"


def _is_playable(found: Found) -> bool:
    exercise = found.fault.exercise
    return len(exercise.names) <= LONGEST and bool(exercise.calls) and not isinstance(found.fault.answer, Problem)


def _played(found: Found) -> Player:
    """Return the page of a failing graph, with the engine's own sweep among its mistakes."""
    page = player(_root(found), names={})
    if found.sweep:
        page.record["own"] = [plain(list(write)) for write in found.sweep]
    return page


def _root(found: Found) -> Node:
    nodes = found.fault.exercise.nodes()
    for name, node in nodes.items():
        node.label = name
    return nodes[found.fault.exercise.root]
