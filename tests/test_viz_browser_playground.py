"""The playground in a real browser: training against Python, the ruler, the way down to a multiplication and back."""

import numpy as np
import pytest
from player_page import SMALLEST, browser, in_light_and_dark  # noqa: F401
from player_page import show as show_page  # noqa: F401

import nn
import viz

pytestmark = pytest.mark.slow


@pytest.fixture
def show(show_page):  # noqa: F811
    """Open a playground, the one that all see first where no other is given."""
    return lambda made=None, hash="": show_page(made or viz.playground(), hash, "playground")


def numbers(page):
    return page.run("return playground.numbers()")


def press(page, *keys):
    selenium = pytest.importorskip("selenium.webdriver.common.keys").Keys
    page.press(*(getattr(selenium, key) for key in keys))


@pytest.mark.parametrize("data", ["xor", "moons"])
def test_fifty_epochs_by_the_button_are_those_of_python(data, show):
    page = show()
    page.enter("data", data, "change")
    page.click("one-epoch", times=50)
    assert page.panel("epochs") == "epoch 50"
    scope = {}
    page.click("tab-as-code")
    exec(page.panel("python").replace("print(", "shown = ("), scope)
    np.testing.assert_allclose(numbers(page)["losses"], scope["losses"], rtol=0, atol=1e-9)
    assert len(scope["losses"]) == 51


def test_a_batch_a_sample_a_run_and_its_pause(show):
    page = show()
    page.click("one-batch")
    assert page.panel("epochs") == "epoch 0.1"
    page.click("one-sample")
    assert page.panel("epochs") == "epoch 0.11"
    page.click("run")
    page.until(lambda: float(page.panel("epochs").split()[1]) > 20)
    page.click("run")
    stopped = page.panel("epochs")
    assert page.panel("run") == "▶ run"
    scope = {}
    exec(page.run("return playground.code()").replace("print(", "shown = ("), scope)
    page.until(lambda: page.panel("epochs") == stopped)
    losses = numbers(page)["losses"]
    assert abs(losses[-1] - scope["shown"]) < 1e-9
    assert losses[-1] < losses[0]
    page.click("restart")
    assert page.panel("epochs") == "epoch 0"


def test_the_curve_is_a_ruler(show):
    page = show()
    page.click("one-epoch", times=12)
    last, pixels = numbers(page), "return document.getElementById('surface').toDataURL()"
    seen = page.run(pixels)
    page.enter("ruler", 4)
    assert page.panel("epochs") == "epoch 4 of 12"
    then = numbers(page)
    assert then["theta"] != last["theta"]
    assert page.run(pixels) != seen
    assert f"loss {then['losses'][4]:.4}"[:9] in page.panel("told")
    hash = "#" + page.run("return playground.hash()")
    assert numbers(show(hash=hash))["theta"] == then["theta"]
    page.run(
        "const c = document.getElementById('curve'), b = c.getBoundingClientRect();"
        "c.setPointerCapture = () => {};"
        "c.dispatchEvent(new PointerEvent('pointerdown', {clientX: b.left + b.width * 0.98, clientY: b.top + 9}))"
    )
    assert page.panel("epochs") == "epoch 12 of 12"


def test_from_the_network_to_a_neuron_to_a_multiplication_and_back(show):
    page = show(hash="#runs=0.03*10*100")
    page.run("document.querySelector('[data-neuron=\"1.2\"]').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    assert page.run("return document.querySelector('#neuron h2').textContent") == "Neuron 2 of layer 1"
    page.run("document.querySelector('[data-times=\"1\"]').click()")
    product = page.panel("forward-product")
    w, a, z = (float(x.strip("() ")) for x in product.removeprefix("w · a = ").replace("=", "·").split("·"))
    assert w * a == pytest.approx(z, rel=2e-3)
    assert page.run("return [...document.querySelectorAll('#network path.lit')].length") == 1
    hash = page.run("return playground.hash()")
    assert "neuron=1.2" in hash
    assert "times=1" in hash
    press(page, "ESCAPE")
    assert page.run("return document.getElementById('times')") is None
    assert page.run("return document.activeElement.dataset.times") == "1"
    press(page, "ESCAPE")
    assert page.run("return document.getElementById('neuron').hidden")
    assert page.run("return document.activeElement.dataset.neuron") == "1.2"
    again = show(hash="#" + hash)
    assert again.panel("forward-product") == product


def test_over_a_curve_stands_its_multiplication(show):
    page = show(hash="#runs=0.03*10*100")
    over = (
        "document.querySelector('[data-curve=\"1.2.0\"]').dispatchEvent(new PointerEvent('pointermove',"
        "{bubbles: true, clientX: 400, clientY: 200})); return document.getElementById('over').textContent"
    )
    assert page.run(over).startswith("W[1][2,0]: w · a = ")
    page.click("last")
    assert "upstream × w = " in page.run(over)
    assert ", into dL/da[0][0]" in page.run(over)


def test_the_keyboard_alone_walks_trains_and_steps(show):
    page = show()
    page.run("document.querySelector('[data-neuron=\"1.0\"]').focus()")
    press(page, "ARROW_DOWN", "ARROW_RIGHT")
    assert page.run("return document.activeElement.dataset.neuron")[0] == "2"
    press(page, "ENTER")
    assert not page.run("return document.getElementById('neuron').hidden")
    page.run("document.getElementById('one-epoch').focus()")
    press(page, "ENTER")
    assert page.panel("epochs") == "epoch 1"
    page.run("document.getElementById('step').focus()")
    press(page, "END")
    assert page.said().startswith("dL/da[1][5]") or "add up to dL/da[1][5]" in page.said()
    page.run("document.getElementById('tab-sample').focus()")
    press(page, "ARROW_RIGHT")
    assert page.run("return document.activeElement.id") == "tab-recipe"


def test_every_control_has_a_name(show):
    page = show()
    page.enter("data", "own", "change")
    page.click("tab-recipe")
    unnamed = page.run(
        "return [...document.querySelectorAll('button, input, select, textarea, [role=button], [tabindex=\"0\"]')]"
        ".filter(e => !(e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim()))"
        ".map(e => e.outerHTML)"
    )
    assert unnamed == []
    ids = page.run("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_letters_have_eleven_pixels_and_twenty_four_for_a_projector(show):
    page = show(hash="#runs=0.03*10*100")
    for tab in ("tab-recipe", "tab-as-code", "tab-sample"):
        page.click(tab)
        assert page.run(SMALLEST) >= 11
    page.run("document.activeElement.blur()")
    press(page, "ESCAPE")
    page.press("p")
    inside = (
        "const box = document.querySelector('#picture .scroll').getBoundingClientRect();"
        "const n = document.querySelector('#network .neuron.lit circle').getBoundingClientRect();"
        "const across = n.left >= box.left - 1 && n.right <= box.right + 1;"
        "return across && n.top >= box.top - 1 && n.bottom <= box.bottom + 1"
    )
    for step in (1, 8, 14, 20):
        page.enter("step", step)
        assert page.run(SMALLEST) >= 24
        assert page.run(inside)
    page.press("p")
    assert page.run("return document.getElementById('settings').getClientRects().length") == 1


@pytest.mark.parametrize(
    "hash",
    ["#runs=0.03*10*50&step=9&neuron=1.2&times=1", "#tab=recipe&entry=1", "#tab=as-code&data=line&init=zeros"],
)
def test_axe_finds_no_violation(hash, show, browser):  # noqa: F811
    show(hash=hash)
    assert in_light_and_dark(browser) == {"light": [], "dark": []}


def test_points_are_clicked_and_tables_pasted(show):
    page = show()
    page.enter("data", "own", "change")
    rows = len(page.run("return document.getElementById('table').value").splitlines())
    page.run(
        "const c = document.getElementById('surface'), b = c.getBoundingClientRect();"
        "c.dispatchEvent(new MouseEvent('click', {bubbles: true, clientX: b.left + 150, clientY: b.top + 150}))"
    )
    assert len(page.run("return document.getElementById('table').value").splitlines()) == rows + 1
    page.run("document.getElementById('table').value = 'a,b,y\\n1,2,0\\n3,x,1'")
    page.click("use-table")
    assert page.panel("problem") == "line 3: x is no number"
    page.run("document.getElementById('table').value = 'a,b,y\\n1,2,red\\n3,1,green\\n2,2,blue'")
    page.click("use-table")
    assert page.panel("problem") == ""
    page.click("one-epoch")
    assert len(numbers(page)["losses"]) == 2


@pytest.mark.parametrize("rows", ["1e16,0,0\\n10000000000000002,1,1", "-1e308,0,0\\n1e308,1,1", "5,5,0\\n5,5,0"])
def test_odd_tables_do_not_hang_the_page(rows, show):
    page = show()
    page.enter("data", "own", "change")
    page.run(f"document.getElementById('table').value = '{rows}'")
    page.click("use-table")
    page.click("one-epoch")
    assert page.panel("epochs") in ("epoch 0", "epoch 1")


def test_layers_are_added_removed_and_changed(show):
    page = show()
    title = "return [...document.querySelectorAll('#network .number')].length"
    assert page.run(title) == 4
    page.click("add-layer")
    assert page.run(title) == 5
    page.run("document.querySelector('[data-remove=\"0\"]').click()")
    page.run("document.querySelector('[data-remove=\"0\"]').click()")
    assert page.run(title) == 3
    page.run(
        "const e = document.querySelector('[data-g=\"0\"]'); e.value = 'relu'; e.dispatchEvent(new Event('change'))"
    )
    page.enter("init", "zeros", "change")
    assert "dead: z ≤ 0 for all 100 samples" in page.panel("findings")
    page.enter("data", "line", "change")
    page.click("one-epoch")
    assert page.panel("problem") == ""


def test_a_line_of_the_recipe_lights_up_what_it_computes(show):
    page = show(hash="#tab=recipe&output=softmax")
    page.run("document.querySelector('[data-line=\"0\"]').click()")
    assert page.run("return document.querySelectorAll('#network path.lit').length") == 12
    assert page.run("return document.querySelectorAll('#network .neuron.lit').length") == 6
    page.run("document.querySelector('[data-entry=\"2\"]').click()")
    assert page.run("return document.querySelectorAll('#matrices td.lit').length") == 2 + 2 + 1 + 1
    assert page.panel("entry").startswith("z[1][2] = ")
    assert "J = diag(a[3]) - a[3] a[3]ᵀ" in page.panel("lines")
    press(page, "ESCAPE")
    assert page.panel("entry").startswith("Choose an entry")


def test_a_model_and_data_of_python(show):
    model = nn.MLP(3, [4, 3], "relu", "softmax", rng=0)
    X = np.random.default_rng(0).normal(size=(12, 3))
    page = show(viz.playground(model, X, [0, 1, 2] * 4, inputs=["a", "b", "c"], classes=["x", "y", "z"]))
    wanted = np.concatenate([np.ravel(p.data) for p in model.tensors().parameters()])
    np.testing.assert_array_equal(numbers(page)["theta"], wanted)
    logits = nn.MLP(3, [4, 3], "relu", rng=0)
    assert (
        abs(numbers(page)["losses"][0] - nn.evaluate(logits, X, np.array([0, 1, 2] * 4), loss=nn.cross_entropy)) < 1e-12
    )
    page.click("one-epoch")
    page.enter("init", "glorot", "change")
    assert numbers(page)["theta"] != wanted.tolist()


def test_hostile_addresses_and_names_do_no_harm(show):
    for hash in ("#step=99999&neuron=9.9&times=77&line=99&entry=99999", "#runs=x*y&hidden=99zzz&data=nowhere&rate=-1"):
        page = show(hash=hash)
        page.click("one-epoch")
        assert page.panel("epochs") == "epoch 1"
    assert "the address asks for" in show(hash="#runs=0.1*1000*900000").panel("problem")
    bad = "</script><b>"
    page = show(viz.playground(None, [[0.0, 1.0], [1.0, 0.0]], [0, 1], inputs=[bad, "b"], classes=[bad, "<i>"]))
    assert page.run("return document.querySelectorAll('#network b, #network i').length") == 0
