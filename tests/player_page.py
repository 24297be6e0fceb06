"""What tests of the player in a browser share: the browser, a page as a reader meets it, the engine's numbers."""

import json
import shutil
from pathlib import Path

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
    "--js-flags=--no-opt,--single-threaded",  # no page lives so long that the optimising compiler pays
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


COLOURS = ["color-contrast", "link-in-text-block"]  # the rules of axe that light and dark make a difference to


def violations(browser, context=None, rules=None):
    """Return what axe finds wrong in a page, or in a part of it, by all or some rules: the rule with the elements."""
    axe = pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
    if browser.execute_script("return !globalThis.axe"):
        browser.execute_script((Path(axe.__file__).parent / "axe.min.js").read_text("utf-8"))
    found = browser.execute_async_script(  # of what passes, which takes long, nothing is told
        "const [context, runOnly, done] = arguments, all = { resultTypes: ['violations'] };"
        "axe.run(context ?? document, runOnly ? { ...all, runOnly } : all).then(done)",
        context, rules,
    )  # fmt: skip
    return [(v["id"], [n["html"][:120] for n in v["nodes"]][:3]) for v in found["violations"]]


def in_light_and_dark(browser):
    """Return what axe finds wrong in a page by light, and in its colours by dark."""
    found = {}
    for scheme, rules in (("light", None), ("dark", COLOURS)):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        found[scheme] = violations(browser, rules=rules)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    return found


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

    def click(self, id, times=1):
        self.run("for (let i = 0; i < arguments[1]; i++) document.getElementById(arguments[0]).click()", id, times)

    def enter(self, id, value, event="input"):
        self.run(
            "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
            "e.dispatchEvent(new Event(arguments[2], {bubbles: true}))",
            id, value, event,
        )  # fmt: skip

    def until(self, true):
        ui = pytest.importorskip("selenium.webdriver.support.ui")
        ui.WebDriverWait(self.browser, 120, poll_frequency=0.02).until(lambda _: true())

    def walk(self, look, steps, *given):
        """Return what a script sees at each of the steps, which the scrubber is set to; none is drawn meanwhile."""
        return self.run(
            f"const look = function () {{{look}}}, [steps, ...given] = arguments;"
            "const scrubber = document.getElementById('scrubber');"
            "return steps.map(i => {"
            "  scrubber.value = i;"
            "  scrubber.dispatchEvent(new Event('input', {bubbles: true}));"
            "  return look(...given);"
            "});",
            list(steps), *given,
        )  # fmt: skip

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
    return page.run(
        "for (const [leaf, value] of arguments[0]) {"
        "  const e = document.querySelector(`input[type=number][data-leaf='${leaf}']`);"
        "  e.value = value; e.dispatchEvent(new Event('input'));"
        "}"
        "return player.numbers()",
        [[leaf, repr(value)] for leaf, value in values.items()],
    )


def same(found, wanted):
    """Check numbers or arrays of the page, in which nan and inf are texts and what no gradient reaches has None."""
    for a, b in zip(found, wanted, strict=True):
        a = np.zeros(np.shape(b)) if a is None else np.array(a, dtype=object).astype(float)
        assert a.shape == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
