"""What tests of the player in a browser share: the browser, a page as a reader meets it, the engine's numbers."""

import json
import shutil

import numpy as np
import pytest

from autograd_mini.sweep import order, zero_grad

# A page's top level names are in a block of their own; tests look at what a reader sees, and at this.
READ = """
const card = name => document.querySelector(`[data-card="${name}"]`);
const text = (name, part) => card(name).querySelector("." + part).textContent;
"""

# The size in pixels of the smallest letters that are seen.
SMALLEST = """
const said = e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.getClientRects().length;
const away = 'script, style, noscript, title, [hidden], dialog, #said';
const zoom = e => e.ownerSVGElement ? Math.abs(e.getScreenCTM().d) : 1;
const seen = [...document.querySelectorAll('body *')].filter(e => said(e) && !e.closest(away));
return Math.min(...seen.map(e => parseFloat(getComputedStyle(e).fontSize) * zoom(e)));
"""

# The first has no windows and takes less time; by its path, since Debian's command starts it as a child, which stays.
CHROMIUM = ("/usr/lib/chromium/chromium-headless-shell", "chromium", "google-chrome")
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--window-size=1280,800",
    "--force-prefers-reduced-motion",  # a test of what moves asks for motion
    "--disable-features=RenderDocument",  # the next page is drawn by what has drawn the last: a fifth of a page's cost
)


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium, or the reason why there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = next(filter(None, map(shutil.which, CHROMIUM)), None), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("no Chromium with its driver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ARGUMENTS:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    started.set_script_timeout(120)
    yield started
    started.quit()


@pytest.fixture
def show(browser, tmp_path):
    """Open a page from a file; when the test is over, nothing was said on the console and nothing was asked for."""
    opened = []

    def open_(made, hash="", script="player"):
        path = made.save(tmp_path / f"page{len(opened)}.html")
        opened.append(path.as_uri())
        browser.get(path.as_uri() + hash)
        page = Page(browser, made)
        page.until(lambda: page.run(f"return globalThis.{script} !== undefined"))  # the script is unpacked first
        return page

    told(browser)
    yield open_
    said, asked = told(browser)
    assert said == []
    assert {url.split("#")[0] for url in asked} <= {*opened}


def told(browser):
    """Return what was said on the console since the last time, and the addresses that were asked for."""
    logged = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [m["params"]["request"]["url"] for m in logged if m["method"] == "Network.requestWillBeSent"]
    return browser.get_log("browser"), sent


class Page:
    """What a reader does with a page, and sees."""

    def __init__(self, browser, made):
        self.browser = browser
        self.made = made

    def run(self, script, *arguments):
        return self.browser.execute_script(READ + script, *arguments)

    def press(self, *keys):
        actions = pytest.importorskip("selenium.webdriver.common.action_chains").ActionChains
        actions(self.browser, duration=0).send_keys(*keys).perform()

    def click(self, id):
        self.run("document.getElementById(arguments[0]).click()", id)

    def enter(self, id, value, event="input"):
        self.run(
            "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
            "e.dispatchEvent(new Event(arguments[2], {bubbles: true}))",
            id, value, event,
        )  # fmt: skip

    def until(self, true):
        ui = pytest.importorskip("selenium.webdriver.support.ui")
        ui.WebDriverWait(self.browser, 120, poll_frequency=0.02).until(lambda _: true())

    def address(self):
        """Return the address, which a page that is left has written."""
        return self.run("dispatchEvent(new Event('pagehide')); return location.href")

    def said(self):
        return self.run("return document.getElementById('said').textContent")

    def at(self):
        return int(self.run("return document.getElementById('count').textContent").split(" / ")[0])

    def steps(self):
        return int(self.run("return document.getElementById('count').textContent").split(" / ")[1])

    def card(self, name, part):
        return self.run("return text(arguments[0], arguments[1])", name, part)

    def panel(self, id):
        return self.run("return document.getElementById(arguments[0]).textContent", id)

    def cards(self):
        return self.run("return [...document.querySelectorAll('.card:not(.away)')].map(c => c.dataset.card)")


def engine(root):
    zero_grad(*order(root))
    root.backward()
    nodes = order(root)[::-1]
    return [n.data for n in nodes], [n.grad for n in nodes]


def exact(page, values):
    """Set the leaves in the page and return all data and gradients that it holds, as the page writes them."""
    for leaf, value in values.items():
        page.run(
            "const e = document.querySelector(`input[type=number][data-leaf='${arguments[0]}']`);"
            "e.value = arguments[1]; e.dispatchEvent(new Event('input'))",
            leaf,
            repr(value),
        )
    return page.run("return player.numbers()")


def same(found, wanted):
    """Check numbers or arrays of the page, in which nan and inf are texts and what no gradient reaches has None."""
    for a, b in zip(found, wanted, strict=True):
        a = np.zeros(np.shape(b)) if a is None else np.array(a, dtype=object).astype(float)
        assert a.shape == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
