"""Opens every page of a built site in headless Chromium, as wide as a phone: no script may fail, and nothing be wider.

Where axe is installed (axe-core-python) it finds nothing on any page, by light and by dark; the colours of the longest
are left to their shorter neighbours. A page of our own loads the others one by one, from a server on this machine that
serves nothing else.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# The first has no windows and takes half of the time.
NAMES = ("/usr/lib/chromium/chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH = 390  # of a phone, in pixels
TIMEOUT = 900.0  # seconds for all pages
AXE = "/axe.js"
MANY = 3000  # elements of a page, on which axe would look at colours for minutes

LOOK = """<!doctype html><meta charset="utf-8"><iframe id="phone" style="width:%(width)dpx;height:900px"></iframe>
<script>
const pages = %(pages)s, phone = document.getElementById("phone"), found = [];
const STILL = "* { animation: none !important; transition: none !important }";  // a page is seen as it ends
let page = "";
function failed(message) { found.push(page + ": " + message); }
async function axed(inside) {
  const script = inside.createElement("script");
  const loaded = new Promise(done => { script.onload = script.onerror = done; });
  script.src = "%(axe)s";
  inside.head.append(script);
  await loaded;
  const axe = phone.contentWindow.axe, few = inside.getElementsByTagName("*").length < %(many)d;
  const all = { rules: { "color-contrast": { enabled: few } } };
  const looks = [["light", all], ["dark", { runOnly: ["color-contrast"] }]];
  for (const [theme, options] of axe ? looks.slice(0, few ? 2 : 1) : []) {
    inside.body.dataset.theme = theme;
    const { violations } = await axe.run(inside, { iframes: false, resultTypes: ["violations"], ...options });
    for (const { id, nodes: [node] } of violations) failed(`axe, ${theme}: ${id}: ${node.html.slice(0, 200)}`);
  }
}
function next() {
  page = pages.shift();
  if (page === undefined) { fetch("/found", { method: "POST", body: JSON.stringify(found) }); return; }
  phone.onload = () => {
    const inside = phone.contentDocument;
    inside.head.append(Object.assign(inside.createElement("style"), { textContent: STILL }));
    inside.querySelectorAll("details").forEach(details => { details.open = true; });
    setTimeout(async () => {
      const wide = inside.documentElement.scrollWidth;
      if (wide > %(width)d) failed(wide + " pixels wide on a phone of %(width)d");
      if (!inside.querySelector("h1")) failed("no heading");
      try { await axed(inside); } catch (error) { failed(String(error)); }
      next();
    }, 150);
  };
  phone.src = "/" + page;
}
next();
</script>
"""


EAR = '<head><script>addEventListener("error", event => parent.failed(event.message))</script>'  # before all others


class Server(ThreadingHTTPServer):
    """Serves a site and the page that looks at it, and takes what that page has found."""

    def __init__(self, site: Path, look: str) -> None:
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(site)))
        self.look = look
        self.found: list[str] = []
        self.done = threading.Event()


class Handler(SimpleHTTPRequestHandler):
    """Answers the browser, quietly."""

    server: Server

    def do_GET(self) -> None:
        """Send a file of the site, its pages with an ear for errors, or the page that looks at them."""
        file = Path(self.translate_path(self.path))
        if self.path == "/look":
            self.send(self.server.look)
        elif self.path == AXE:
            self.send(axe(), "text/javascript")
        elif file.suffix == ".html" and file.is_file():
            self.send(file.read_text(encoding="utf-8").replace("<head>", EAR, 1))
        else:
            super().do_GET()

    def send(self, text: str, kind: str = "text/html") -> None:
        """Send a page, or a script."""
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """Take what was found."""
        self.server.found += json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        self.server.done.set()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request."""


def axe() -> str:
    """Return the script that looks for barriers, "" where it is not installed."""
    place = find_spec("axe_core_python")
    return Path(str(place.origin)).with_name("axe.min.js").read_text(encoding="utf-8") if place else ""


def browser() -> str | None:
    """Return where Chromium is, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def faults(site: Path, program: str) -> Iterator[str]:
    """Yield what is wrong with the pages of a site as the browser shows them, one line each."""
    pages = [str(file.relative_to(site)) for file in sorted(site.rglob("*.html")) if file.parent != site]
    with (
        serving(site, LOOK % {"width": WIDTH, "axe": AXE, "many": MANY, "pages": json.dumps(pages)}) as server,
        opened(program, server),
    ):
        if not server.done.wait(TIMEOUT):
            yield f"the browser has not seen all pages in {TIMEOUT:g} s"
    yield from server.found


@contextmanager
def serving(site: Path, look: str) -> Iterator[Server]:
    """Serve a site while it is looked at."""
    server = Server(site, look)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(timeout=20)
        server.server_close()


@contextmanager
def opened(program: str, server: Server) -> Iterator[None]:
    """Let the browser, which has no window and a profile of its own, look at the site."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
             "--remote-debugging-port=0", f"http://127.0.0.1:{server.server_port}/look"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(30)
