"""Looks through a built site: every link in it must lead somewhere, and no page may load anything from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("link", "href"), ("object", "data")}
OUTSIDE = ("http", "https")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
LOADED_BY_CSS = re.compile(r"""(?:url\(|@import)\s*['"]?(https?://[^'")\s]+)""")
NOT_LOADED = {"canonical", "author", "license"}  # of <link rel=...>


@dataclass
class Page(HTMLParser):
    """What a page links to, what it loads, and the anchors that it has."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    bare: list[str] = field(default_factory=list)  # pictures without a text for those who do not see them

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take down what an element says."""
        given = {name: value or "" for name, value in attributes}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "img" and not given.get("alt"):
            self.bare.append(given.get("src", ""))
        self.loads += [
            value
            for name, value in given.items()
            if (tag, name) in LOADS and given.get("rel") not in NOT_LOADED and not value.startswith("data:")
        ]


def faults(site: Path) -> Iterator[str]:
    """Yield what is wrong with the pages of a site, one line each."""
    pages = {file: read(file) for file in sorted(site.rglob("*.html"))}
    for file, page in pages.items():
        name = file.relative_to(site)
        yield from (f"{name}: loads {url} from elsewhere" for url in page.loads if urlsplit(url).scheme in OUTSIDE)
        yield from (f"{name}: a picture without a text, {source}" for source in page.bare)
        for url in dict.fromkeys(page.links + page.loads):
            fault = broken(url, file, pages)
            if fault:
                yield f"{name}: {url}: {fault}"
    for file in sorted(site.rglob("*.css")):
        yield from (f"{file.relative_to(site)}: loads {url}" for url in from_elsewhere(file))


def read(file: Path) -> Page:
    """Return what a page says."""
    page = Page()
    page.feed(file.read_text(encoding="utf-8"))
    return page


def broken(url: str, file: Path, pages: dict[Path, Page]) -> str:
    """Return what is wrong with a link in a file, "" for one that leads somewhere or out of the site."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return ""
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if not target.is_file():
        return "no such file"
    state = "=" in parts.fragment  # of a page that keeps it in its address
    if parts.fragment and not state and target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return "no such place in the page"
    return ""


def from_elsewhere(file: Path) -> list[str]:
    """Return the addresses outside that a style sheet loads."""
    return LOADED_BY_CSS.findall(COMMENT.sub("", file.read_text(encoding="utf-8")))
