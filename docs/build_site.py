"""Builds the site and looks it through: `python docs/build_site.py [-o FOLDER]`, then open FOLDER/index.html.

Needs `pip install "autograd-mini[docs]"`, and no network. Warnings are errors; so are a link that leads nowhere, a
picture without a text, and anything that a page would load from elsewhere.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import site_browser
import site_links

ROOT = Path(__file__).resolve().parent.parent
FRONT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>autograd_mini</title>
<meta http-equiv="refresh" content="0; url=docs/index.html"></head>
<body><a href="docs/index.html">autograd_mini</a></body></html>
"""


def build(folder: Path) -> int:
    """Build the site into a folder, in place of the one that was there, and return Sphinx's exit status."""
    with tempfile.TemporaryDirectory() as workshop:
        made = Path(workshop, "site")
        lessons = sorted((ROOT / "lessons").glob("[0-9]*.md"))
        status = sphinx("html", Path(workshop), made) or sphinx("revealjs", Path(workshop), made / "deck", *lessons)
        if folder.exists():
            shutil.rmtree(folder)
        shutil.copytree(made, folder)
    (folder / "index.html").write_text(FRONT, encoding="utf-8")
    (folder / ".nojekyll").touch()
    return status


def sphinx(builder: str, workshop: Path, made: Path, *pages: Path) -> int:
    """Let Sphinx build all pages, or some; what one builder has read and run, the next takes as it is."""
    command = [sys.executable, "-m", "sphinx", "-b", builder, "-W", "--keep-going", "-q", "-j", "2"]
    done = subprocess.run(
        [*command, "-c", ROOT / "docs", "-d", workshop / "doctrees", ROOT, made, *pages],
        env={**os.environ, "IPYTHONDIR": str(quiet_kernel(workshop / "kernel"))},
        check=False,
        timeout=1800,  # some two minutes, where nothing hangs
    )
    return done.returncode


def quiet_kernel(folder: Path) -> Path:
    """Return a folder of settings for the lessons' Python: nobody's own, without advice about its sockets, and without
    widgets, for which a page would load scripts from elsewhere.
    """
    profile = folder / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 40\n", encoding="utf-8")
    (profile / "startup").mkdir(exist_ok=True)
    (profile / "startup" / "00-no-widgets.py").write_text(
        "import sys\nsys.modules['anywidget'] = None\n", encoding="utf-8"
    )
    return folder


def in_a_browser(folder: Path) -> list[str]:
    """Return what the pages show amiss in Chromium, where there is one."""
    program = site_browser.browser()
    if program is None:
        print("there is no Chromium here: the pages were not opened")
        return []
    return list(site_browser.faults(folder, program))


def main(arguments: list[str] | None = None) -> int:
    """Build, look through, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", dest="folder", type=Path, default=ROOT / "build" / "site", help="where the site goes")
    folder = parser.parse_args(arguments).folder.resolve()
    if folder.exists() and any(folder.iterdir()) and not (folder / ".buildinfo").is_file():
        parser.error(f"{folder} holds something that is no site: name another folder")
    status = build(folder)
    found = [*site_links.faults(folder), *in_a_browser(folder)]
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(list(folder.rglob('*.html')))} pages in {folder}, {len(found)} faults")
    return status or bool(found)


if __name__ == "__main__":
    sys.exit(main())
