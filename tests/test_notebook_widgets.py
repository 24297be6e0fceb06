"""Widgets: what is moved in a picture is set in Python, what is assigned in Python moves the picture."""

import json
import math
import sys
import types
from importlib.resources import files

import numpy as np
import player_page
import pytest

import nn
import viz
from autograd_mini import Tensor, Value
from viz.notebook import kernel
from viz.notebook.held import put, taken
from viz.text import number

browser = player_page.browser  # a fixture


@pytest.fixture
def notebook(monkeypatch):
    """Pretend that a notebook runs this; return what it is asked to call after each cell."""
    pytest.importorskip("anywidget", reason="anywidget is not installed")
    called, events = [], types.SimpleNamespace(register=lambda name, act: called.append(act))
    monkeypatch.setattr(kernel, "shell", lambda: types.SimpleNamespace(kernel=1, events=events))
    monkeypatch.setattr(kernel, "_asked", set())
    return lambda: [act(None) for act in called]


def product():
    x, w = Value(3.0, label="x"), Value(-0.5, label="w")
    return x, w, viz.player((x * w).tanh(), names={})


def _codes():
    from viz.notebook import widgets

    return widgets._codes


# What holds numbers --------------------------------------------------------------------------------------------------

HOLDERS = {  # what holds numbers, a place in it
    "a value": (lambda: Value(1.0), ()),
    "a tensor": (lambda: Tensor([[1.0, 2.0], [3.0, 4.0]]), (1, 0)),
    "values in lists": (lambda: [[Value(1.0)], [Value(2.0)]], (1, 0)),
    "an array": (lambda: np.ones((2, 3)), (1, 2)),
    "a transposed array": (lambda: np.arange(6.0).reshape(2, 3).T, (2, 0)),
    "numbers in a list": (lambda: [1.0, 2.0], (1,)),
    "another engine's values": (lambda: [types.SimpleNamespace(data=1.0)], (0,)),
}


@pytest.mark.parametrize(("made", "place"), HOLDERS.values(), ids=HOLDERS)
def test_numbers_are_read_and_written_where_they_are_held(made, place):
    held = made()
    put(held, 7.25, place)
    assert np.array(taken(held))[place] == 7.25
    other = made()
    put(other, taken(held))
    assert taken(other) == taken(held)


def test_what_is_not_finite_travels_as_text():
    x = Tensor([1.0, math.inf, math.nan])
    assert json.dumps(taken(x), allow_nan=False) == '[1.0, "inf", "nan"]'
    put(x, [1.0, "-Infinity", "NaN"])  # as a page writes them
    assert taken(x) == [1.0, "-inf", "nan"]


def test_what_cannot_be_written_to_says_so():
    with pytest.raises(TypeError, match="float"):
        put((1.0,), [2.0])


# The player ----------------------------------------------------------------------------------------------------------


def test_an_assignment_moves_the_page_when_the_cell_has_ended(notebook):
    x, _, player = product()
    assert player.widget.numbers == {}
    x.data = 1.25
    assert player.widget.numbers == {}
    notebook()
    assert player.widget.numbers == {"0": 1.25}


def test_a_slider_sets_the_value_and_all_that_shows_it(notebook):
    x, w, player = product()
    other = viz.player(x * x, names={})
    assert other.widget.numbers == {}
    player.widget.numbers = {"0": 0.75}
    assert (x.data, w.data) == (0.75, -0.5)
    assert other.widget.numbers == {"0": 0.75}


def test_what_a_slider_passes_by_is_not_kept_as_a_past(notebook):
    x, _, player = product()
    for i in range(50):
        player.widget.numbers = {"0": float(i)}
    assert viz.draw((x * x), names={}).svg
    assert player.widget.numbers == {"0": 49.0}


def test_ten_players_share_one_copy_of_the_code(notebook):
    widgets = [product()[2].widget for _ in range(10)]
    (shared,) = {widget.code for widget in widgets}
    whole = [len(json.dumps(widget.get_state(), default=str)) for widget in widgets]
    assert max(whole) < len(viz.player(Value(1.0), names={}).html) / 2
    next(code for code in _codes().values() if code.model_id == shared).close()
    assert product()[2].widget.code != shared  # one that was closed is made anew


def test_a_notebook_is_given_the_widget_and_what_needs_no_kernel(notebook):
    _, _, player = product()
    bundle, _ = player._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "text/html", "image/svg+xml", "text/plain"}
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == player.widget.model_id


def test_without_the_package_the_page_stands_in_its_frame(notebook, monkeypatch):
    monkeypatch.setattr(kernel, "find_spec", lambda name: None)
    _, _, player = product()
    assert set(player._repr_mimebundle_()) == {"text/html", "image/svg+xml", "text/plain"}


def test_a_widget_that_is_asked_for_without_the_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "viz.notebook.widgets", raising=False)
    with pytest.raises(nn.ExtraError, match=r'pip install "autograd-mini\[notebook\]"'):
        product()[2].widget  # noqa: B018


# Networks ------------------------------------------------------------------------------------------------------------

NETWORKS = {"of neurons": nn.Layer, "of arrays": nn.Dense}


@pytest.mark.parametrize("layer", NETWORKS.values(), ids=NETWORKS)
def test_a_curve_that_is_chosen_sets_its_weight(notebook, layer):
    net = nn.MLP(2, [3, 1], "tanh", layer=layer, rng=0)
    drawing = viz.network(net, [1.0, 2.0])
    before, static = drawing.widget.picture, drawing.svg
    drawing.widget.wish = {"place": [1, 2, 0], "to": 9.0}
    drawing.widget.wish = {"place": [2, 0], "to": -4.0}
    now = viz.network(net, [1.0, 2.0]).view.network.layers
    assert now[0].W[2, 0] == 9.0
    assert now[1].b[0] == -4.0
    assert drawing.widget.picture == viz.network(net, [1.0, 2.0]).svg != before
    assert drawing.svg == static  # the drawing itself stays as it was when it was drawn


def test_a_training_in_the_page_trains_the_model(notebook):
    net = nn.MLP(2, [2, 1], "tanh", layer=nn.Dense, rng=0)
    widget = viz.playground(net, [[0.0, 1.0], [1.0, 0.0]], [1.5, -0.5]).widget
    widget.numbers = {"W0": [[1.0, 2.0], [3.0, 4.0]], "b0": [5.0, 6.0], "W1": [[7.0, 8.0]], "b1": [9.0]}
    assert net.layers[0].W.data.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert net.layers[1].b.data.tolist() == [9.0]
    net.layers[1].b.data = np.array([0.5])
    notebook()
    assert widget.numbers["b1"] == [0.5]


# live ----------------------------------------------------------------------------------------------------------------


def train(net, picture, epochs=30):
    X = np.linspace(-1.0, 1.0, 20)[:, None]
    return nn.fit(net, X, X * X, loss=nn.squared_error, epochs=epochs, rng=0, callbacks=[picture])


def test_live_follows_a_training(notebook, monkeypatch):
    ipython = pytest.importorskip("IPython", reason="IPython is not installed")
    shown = []
    monkeypatch.setattr(ipython.display, "display", shown.append)
    net = nn.MLP(1, [3, 1], "tanh", layer=nn.Dense, rng=0)
    picture = viz.live(net)
    (widget,) = shown
    drawn = [widget.picture]
    widget.observe(lambda change: drawn.append(change["new"]), "picture")
    monkeypatch.setattr("viz.textbook.live.PAUSE", 0.0)
    picture._due = 0.0
    history = train(net, picture)
    notebook()
    assert len(drawn) > 2
    assert f"epoch 30, loss {number(history[-1]['loss'])}" in widget.picture
    assert widget.picture.startswith(viz.network(net).svg)


def test_live_follows_without_the_package_too(notebook, monkeypatch):
    ipython = pytest.importorskip("IPython", reason="IPython is not installed")
    monkeypatch.setattr(kernel, "find_spec", lambda name: None)
    put_there = []
    handle = types.SimpleNamespace(update=lambda data, raw: put_there.append(data["text/html"]))
    monkeypatch.setattr(ipython.display, "display", lambda data, raw, display_id: handle)
    net = nn.MLP(1, [3, 1], "tanh", layer=nn.Dense, rng=0)
    picture = viz.live(net)
    monkeypatch.setattr("viz.textbook.live.PAUSE", 0.0)
    picture._due = 0.0
    train(net, picture)
    notebook()
    assert "epoch 30, " in put_there[-1]
    assert put_there[-1].startswith(viz.network(net).svg)


def test_live_says_what_to_do_where_there_is_no_notebook():
    with pytest.raises(viz.PictureError, match=r"progress=True.*save"):
        viz.live(nn.MLP(1, [2, 1], rng=0))


# The page itself, with a model that is not Jupyter's ------------------------------------------------------------------

HARNESS = """<!doctype html><title>a notebook</title><div id="here"></div><script type="module">
const told = JSON.parse(document.getElementById("told").textContent), listeners = {};
const model = {
  sent: [], get: name => told[name], set(name, x) { told[name] = x; for (const act of listeners[name] || []) act(); },
  save_changes() { this.sent.push(structuredClone(told)); }, off() {},
  on(name, act) { (listeners[name.slice(7)] ||= []).push(act); },
  widget_manager: { get_model: async () => ({ get: () => told.script }) },
};
const source = document.getElementById("esm").textContent;
const module = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
await module.default.render({ model, el: document.getElementById("here") });
globalThis.model = model;
</script><script type="text/plain" id="esm">ESM</script><script type="application/json" id="told">TOLD</script>"""


@pytest.fixture
def shown(browser, tmp_path):
    """Show a widget's script and state in a page that stands for a notebook."""

    def show(esm, **state):
        told = json.dumps(state).replace("<", "\\u003c")
        page = HARNESS.replace("ESM", (files("viz.notebook") / esm).read_text()).replace("TOLD", told)
        (tmp_path / "notebook.html").write_text(page)
        browser.get((tmp_path / "notebook.html").as_uri())
        player_page.Page(browser, None).until(lambda: browser.execute_script("return globalThis.model !== undefined"))
        return player_page.Page(browser, None)

    browser.get("about:blank")
    browser.get_log("browser")
    yield show
    browser.switch_to.default_content()
    assert browser.get_log("browser") == []


def page_of(made):
    """Return the state of the widget of a page, as Python sends it."""
    script = made._scripts["code"]
    return {"title": repr(made), "page": made.html.split(script), "code": "c", "script": script, "numbers": {}}


def in_frame(page, ready):
    page.browser.switch_to.frame(0)
    page.until(lambda: page.browser.execute_script(f"return {ready}"))


def test_a_player_in_a_notebook_tells_and_is_told(shown):
    _, _, made = product()
    page = shown("page.js", **page_of(made))
    in_frame(page, "globalThis.player !== undefined")
    page.browser.switch_to.default_content()
    page.browser.execute_script("model.set('numbers', {0: 1.25})")
    page.browser.switch_to.frame(0)
    page.until(lambda: page.browser.execute_script("return player.numbers().data[0]") == 1.25)
    player_page.exact(page, {1: 0.5})
    page.browser.switch_to.default_content()
    page.until(lambda: page.browser.execute_script("return model.sent.length"))
    assert page.browser.execute_script("return model.sent.at(-1).numbers") == {"1": 0.5}


def test_a_playground_in_a_notebook_tells_what_it_has_learned(shown):
    net = nn.MLP(2, [2, 1], "tanh", layer=nn.Dense, rng=0)
    page = shown("page.js", **page_of(viz.playground(net, [[0.0, 1.0], [1.0, 0.0]], [1.5, -0.5])))
    in_frame(page, "globalThis.playground !== undefined")
    page.click("one-epoch")
    theta = page.browser.execute_script("return playground.numbers().theta")
    page.browser.switch_to.default_content()
    page.until(lambda: page.browser.execute_script("return model.sent.length"))
    told = page.browser.execute_script("return model.sent.at(-1).numbers")
    parts = [np.ravel(told[name]) for name in ("W0", "b0", "W1", "b1")]
    assert np.concatenate(parts).tolist() == theta
    page.browser.execute_script("model.set('numbers', {W0: [[1, 2], [3, 4]], b0: [0, 0], W1: [[5, 6]], b1: [7]})")
    page.browser.switch_to.frame(0)
    page.until(lambda: page.browser.execute_script("return playground.numbers().theta") == [1, 2, 3, 4, 0, 0, 5, 6, 7])


def test_a_chosen_curve_and_circle_get_a_slider(shown):
    net = nn.MLP(2, [2, 1], "tanh", layer=nn.Dense, rng=0)
    page = shown("picture.js", picture=viz.network(net, [1.0, 2.0], biases=True).svg, changes=True, wish={})
    for title, place in (("W[1][1,0]", [1, 1, 0]), ("neuron 1 of layer 1", [1, 1]), ("b[2][0]", [2, 0])):
        page.run(
            "const found = [...document.querySelectorAll('title')].find(t => t.textContent.startsWith(arguments[0]));"
            "found.parentNode.dispatchEvent(new MouseEvent('click', {bubbles: true}));"
            "const slider = document.querySelector('input'); slider.value = 0.5;"
            "slider.dispatchEvent(new Event('input'))",
            title,
        )
        assert page.browser.execute_script("return model.sent.at(-1).wish") == {"place": place, "to": 0.5}
