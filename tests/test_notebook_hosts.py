"""Widgets in a real JupyterLab and a real marimo, in headless Chromium; skipped where these are not installed.

Both are large, so that no extra brings them. To try: pip install jupyterlab marimo, with Chromium and its driver there.
"""

import os
import shutil
import subprocess
import sys
import time
import urllib.request

import player_page
import pytest
from jupyterlab_session import end, free_port, server, write_notebook
from waiting import until

browser = player_page.browser  # a fixture
pytestmark = pytest.mark.slow
pytest.importorskip("anywidget", reason="anywidget is not installed")

SETUP = """from autograd_mini import Value
import viz, nn, numpy as np
x = Value(3.0, label="x"); w = Value(-0.5, label="w")
viz.player((x * w).tanh())"""
TRAINING = """net = nn.MLP(1, [6, 4, 1], "tanh", layer=nn.Dense, rng=0)
X = np.linspace(-1, 1, 60)[:, None]
h = nn.fit(net, X, X**2, loss=nn.squared_error, epochs=300, callbacks=[viz.live(net)], rng=0, progress=False)"""
FRAMES = """const found = [];
const walk = r => { for (const e of r.querySelectorAll("*")) {
  if (e.tagName === "IFRAME" && e.hasAttribute("srcdoc")) found.push(e);
  if (e.shadowRoot) walk(e.shadowRoot);
} };
walk(document);
return found;"""


class Notebook:
    """A notebook in a browser: its frames, and in JupyterLab its cells."""

    def __init__(self, browser):
        self.browser = browser

    def js(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def inside(self, number, script, *arguments):
        self.browser.switch_to.frame(self.js(FRAMES)[number])
        try:
            return self.js(script, *arguments)
        finally:
            self.browser.switch_to.default_content()

    def leaves(self, number):
        return self.inside(number, "return player.numbers().data.slice(0, arguments[0])", 1)[0]

    def slide(self, number, to):
        self.inside(
            number,
            "const e = document.querySelector('input[type=range][data-leaf]'); e.value = arguments[0];"
            "e.dispatchEvent(new Event('input'))",
            to,
        )

    def run(self, cell):
        self.js("jupyterapp.shell.currentWidget.content.activeCellIndex = arguments[0]", cell)
        self.js("jupyterapp.commands.execute('notebook:run-cell')")

    def idle(self):
        return self.js("return jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'")

    def output(self, cell):
        return self.js(
            "return document.querySelectorAll('.jp-CodeCell')[arguments[0]].querySelector('.jp-OutputArea')?.innerText",
            cell,
        )


def test_in_jupyterlab(browser, tmp_path):
    if shutil.which("jupyter-lab") is None:
        pytest.skip("JupyterLab is not installed")
    cells = [SETUP, "viz.player(x * x, names={})", "x.data = 1.25", "print('x is', x.data)", TRAINING]
    write_notebook(tmp_path / "n.ipynb", cells)
    with server(tmp_path) as address:
        book = Notebook(browser)
        browser.get(f"{address}/lab/tree/n.ipynb?token=t")
        until(book.idle, "the kernel")
        for cell in (0, 1):
            book.run(cell)
            until(lambda n=cell: len(book.js(FRAMES)) > n and book.leaves(n) == 3, "the page")
        book.run(2)  # an assignment in Python moves both pictures
        until(lambda: (book.leaves(0), book.leaves(1)) == (1.25, 1.25), "the assignment")
        book.slide(0, 2.5)  # a slider in one sets the Value, and moves the other
        until(lambda: book.leaves(1) == 2.5, "the slider, in the other widget")
        book.run(3)
        until(lambda: "x is 2.5" in (book.output(3) or ""), "the Value that the slider set")
        book.run(1)  # run again: a new picture of the same Value
        until(lambda: book.leaves(1) == 2.5, "the cell that was run again")
        book.run(4)
        until(lambda: "epoch 300, loss" in (book.output(4) or ""), "the end of the training")
        book.js("jupyterapp.commands.execute('docmanager:save')")
        book.js("jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        time.sleep(3)
        until(book.idle, "the kernel, again")
        book.slide(0, 0.5)  # without its kernel's Values the page goes on alone
        until(lambda: book.leaves(0) == 0.5, "the page alone")
        assert book.leaves(1) == 2.5
        book.run(0)
        until(lambda: book.leaves(0) == 3, "the cell, after the restart")
    exported_without_a_kernel(browser, tmp_path)


def exported_without_a_kernel(browser, folder):
    """Export the notebook that was saved, and play in the file."""
    command = [shutil.which("jupyter-nbconvert"), "--to", "html", "n.ipynb"]
    subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": ""}, check=True, capture_output=True, timeout=120
    )
    book = Notebook(browser)
    browser.get((folder / "n.html").as_uri())
    until(lambda: len(book.js(FRAMES)) == 2 and book.leaves(0) == 3, "the exported page")
    book.slide(0, 0.5)
    until(lambda: book.leaves(0) == 0.5, "the slider of the exported page")


MARIMO = """import marimo
app = marimo.App()

@app.cell
def _():
    from autograd_mini import Value
    import viz
    x = Value(3.0, label="x"); w = Value(-0.5, label="w")
    viz.player((x * w).tanh())
    return Value, viz, x

@app.cell
def _(viz, x):
    viz.player(x * x, names={})
    return

@app.cell
def _(x):
    import time
    time.sleep(2)
    x.data = 1.25
    return

if __name__ == "__main__":
    app.run()
"""


def test_in_marimo(browser, tmp_path):
    pytest.importorskip("marimo", reason="marimo is not installed")
    (tmp_path / "app.py").write_text(MARIMO)
    port = free_port()
    command = [sys.executable, "-m", "marimo", "run", "--headless", "--no-token", "--port", str(port), "app.py"]
    paths = os.pathsep.join(p for p in sys.path if p)
    process = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths})
    address = f"http://127.0.0.1:{port}/"
    try:
        until(lambda: urllib.request.urlopen(address, timeout=5).status, "the server")
        book = Notebook(browser)
        browser.get(address)
        until(lambda: (book.leaves(0), book.leaves(1)) == (1.25, 1.25), "the assignment")
        book.slide(0, 2.5)
        until(lambda: book.leaves(1) == 2.5, "the slider, by way of Python, in the other widget")
    finally:
        browser.get("about:blank")
        end(process)
