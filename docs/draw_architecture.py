"""Draws the pictures and the tables of docs/architecture.md from the files' imports and first lines.

    python docs/draw_architecture.py

writes what stands between its marks in the page anew; a test fails where that would change something.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
HOUSES = ("autograd_mini", "nn", "viz")
CORE = ("node", "op", "ops", "sweep", "transforms", "fast")
BEGIN, END = "<!-- drawn by docs/draw_architecture.py: {} -->\n", "<!-- end -->\n"
Arrows = dict[str, set[str]]


def files() -> list[Path]:
    """Return the source files of the three houses, each folder's own files before those of the folders in it."""
    found = [file for house in HOUSES for file in (ROOT / house).rglob("*.py")]
    return sorted(found, key=lambda file: (HOUSES.index(room_of(file)[0]), room_of(file), file.name))


def room_of(file: Path) -> tuple[str, ...]:
    """Return the folder that a file is in, as a path from the root."""
    return file.relative_to(ROOT).parts[:-1]


def imports(file: Path) -> Iterator[Path]:
    """Yield the files of ours that a file imports, late and for type checkers too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            home = room_of(file)[: len(room_of(file)) - node.level + 1] if node.level else ()
            base = (*home, *filter(None, (node.module or "").split(".")))
            names = [(*base, alias.name) for alias in node.names]
        yield from filter(None, map(_file_of, names))


def _file_of(name: tuple[str, ...]) -> Path | None:
    """Return the file of ours in which a dotted name is: a module, a package, or something in one of them."""
    for parts in (name, name[:-1]):
        for file in (ROOT.joinpath(*parts).with_suffix(".py"), ROOT.joinpath(*parts, "__init__.py")) if parts else ():
            if parts[0] in HOUSES and file.is_file():
                return file
    return None


def arrows_of(pairs: Iterable[tuple[str, str]]) -> Arrows:
    """Return which others each name leads to, without those that it reaches through another."""
    arrows: Arrows = {}
    for tail, head in pairs:
        arrows.setdefault(tail, set()).update({head} - {tail})
    return {
        tail: {head for head in heads if not _reached(arrows, heads - {head}, head)} for tail, heads in arrows.items()
    }


def _reached(arrows: Arrows, starts: set[str], goal: str) -> bool:
    seen, stack = set(starts), list(starts)
    while stack:
        new = arrows.get(stack.pop(), set()) - seen
        seen |= new
        stack += new
    return goal in seen


def mermaid(arrows: Arrows, groups: dict[str, list[str]]) -> str:
    """Return the picture as a flowchart for Mermaid, with names in groups."""
    lines = ["flowchart LR"]
    for group, members in groups.items():
        lines += [
            f"  subgraph {_id(group)}[{group}]",
            *(f"    {_id(name)}[{_label(name)}]" for name in members),
            "  end",
        ]
    lines += [f"  {_id(tail)} --> {_id(head)}" for tail in sorted(arrows) for head in sorted(arrows[tail])]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def _id(name: str) -> str:
    return name.replace("/", "_").replace(".", "_")


def _label(name: str) -> str:
    """Return what stands in a box: a room without the name of its house, around the box."""
    house, _, room = name.partition("/")
    return f"{room}/" if room else "files" if house in HOUSES else name


def rooms() -> str:
    """Return the picture of the rooms: which folder's files import files of which other folder."""
    doors = {ROOT / house / "__init__.py" for house in HOUSES}  # they lead into every room of their house
    pairs = [
        (_name(room_of(file)), _name(room_of(other)))
        for file in files()
        if file not in doors
        for other in imports(file)
    ]
    names = list(dict.fromkeys(_name(room_of(file)) for file in files()))
    groups = {f"{house}/": [n for n in names if n.partition("/")[0] == house] for house in HOUSES}
    return mermaid(arrows_of(pairs), groups)


def core() -> str:
    """Return the picture of the engine's core: which of its files import which others."""
    inside = {ROOT / "autograd_mini" / f"{name}.py": f"{name}.py" for name in CORE}
    pairs = [
        (inside[file], inside[other]) for file in inside if file.is_file() for other in imports(file) if other in inside
    ]
    return mermaid(arrows_of(pairs), {})


def _name(room: tuple[str, ...]) -> str:
    """Return what a room is called: that of a house's own files after the house."""
    return "/".join(room)


def tables() -> str:
    """Return a table of the files of each room, with the first line of each."""
    lines: list[str] = []
    room: tuple[str, ...] = ()
    for file in files():
        if room_of(file) != room:
            room = room_of(file)
            lines += ["", f"### {_name(room)}/", "", "| file | its matter |", "|---|---|"]
        tree = ast.parse(file.read_text(encoding="utf-8"))
        said = (ast.get_docstring(tree) or "").split("\n\n")[0]
        if len(tree.body) > 1 or file.name != "__init__.py":
            lines.append(f"| `{file.name}` | {' '.join(said.split()).replace('|', chr(92) + '|')} |")
    return "\n".join([*lines, "", ""])


PARTS = {"rooms": rooms, "core": core, "files": tables}


def drawn(page: str) -> str:
    """Return the page with its drawn parts as they have to be."""
    for name, draw in PARTS.items():
        before, begin, rest = page.partition(BEGIN.format(name))
        _, end, after = rest.partition(END)
        if not end:
            raise SystemExit(f"docs/architecture.md has no part {BEGIN.format(name).strip()} ... {END.strip()}")
        page = before + begin + draw() + end + after
    return page


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
