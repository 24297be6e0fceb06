"""Heat maps and shapes in a real browser: colours follow the numbers, words say the same, and no text overruns."""

import re

import numpy as np
import player_page
import pytest
from player_page import engine
from test_viz_player import HOSTILE

from autograd_mini import Tensor, ops
from autograd_mini.sweep import order
from viz.heatmap import HINT, heat_of
from viz.stepping.player_page import player

Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
browser, show = player_page.browser, player_page.show  # fixtures

# What a reader sees of the heat maps of a card: the title and the paths by their classes, None where it is not seen.
HEATS = """
const heat = kind => {
    const g = card(arguments[0]).querySelector(".heat-" + kind);
    if (!g || getComputedStyle(g).display === "none") return null;
    return [g.querySelector("title").textContent, Object.fromEntries([...g.querySelectorAll("path")].map(
        p => [p.getAttribute("class"), p.getAttribute("d")]))];
};
return [heat("data"), heat("grad")];
"""
SEEN = f"""
const seen = function (name) {{{HEATS}}};
return arguments[0].map(name => [...seen(name), text(name, "data"), text(name, "grad"),
    card(name).classList.contains("empty"), card(name).getAttribute("aria-label")]);
"""  # the same of many cards in one call


def made(root, **settings):
    return player(root, names={}, **settings)


def grid(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def network(x, W1, b1, W2, b2):
    h = ops.relu(Tensor(x, label="x") @ Tensor(W1, label="W1").T + Tensor(b1, label="b1"))
    return ops.cross_entropy(h @ Tensor(W2, label="W2").T + Tensor(b2, label="b2"), [0, 1, 2, 0, 1]).sum()


def parts(seed):
    return [grid(shape, seed) for shape in [(5, 20), (9, 20), (9,), (3, 9), (3,)]]


def axes():
    signal, cube = Tensor(grid(30), label="signal"), Tensor(grid((2, 3, 4)), label="cube")
    empty, odd = (
        Tensor(np.zeros((0, 3)), label="empty"),
        Tensor([1.0, np.nan, np.inf, -2.0, 0.0, 1.0, 2.0], label="odd"),
    )
    long = Tensor(grid((1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1)), label="long")
    rest = [(cube.reshape((6, 4)) @ Tensor(grid(4))).sum(), (empty * 2.0).sum(), (odd * 0.5).sum()]
    return ops.add_n((ops.sin(signal) * signal).sum(), (long * 1e-30).sum(), *rest)


def large():
    x, W = Tensor(grid((2, 784)), label="x"), Tensor(grid((128, 784)), label="W")
    z = x @ W.T + Tensor(np.zeros(128), label="b")
    return (ops.tanh(z) * z).mean()


def wanted(x):
    """Return what the page shows of an array: nothing beside entries that are written out."""
    return None if x is None or not np.ndim(x) else [heat_of(x).words + HINT, heat_of(x).paths()]


def same_pictures(page, data, grads):
    seen = 0
    cards = page.run(SEEN, [f"n{i}" for i in range(len(data))])
    for (*pictures, data_text, grad_text, _, _), arrays in zip(cards, zip(data, grads), strict=True):
        for found, x, shown in zip(pictures, arrays, (data_text, grad_text)):
            if not shown.startswith("[") and np.size(x):
                assert found == wanted(x)
                seen += found is not None
            else:
                assert found is None
    return seen


def test_the_pictures_are_those_of_the_engines_arrays_whatever_the_inputs(show):
    page = show(made(network(*parts(0))))
    page.press(Keys.END)
    assert same_pictures(page, *engine(network(*parts(0)))) > 15
    names = ["x", "W1", "b1", "W2", "b2"]
    leaf = {v.name: v.id for v in page.made.frames.vertices}
    for seed in (1, 2):
        page.run("player.setLeaves(arguments[0])", [[leaf[n], x.tolist()] for n, x in zip(names, parts(seed))])
        assert same_pictures(page, *engine(network(*parts(seed)))) > 15


def test_odd_arrays_have_pictures_too(show):
    page = show(made(axes()))
    page.press(Keys.END)
    with np.errstate(invalid="ignore"):
        assert same_pictures(page, *engine(axes())) > 12


def test_the_colours_follow_a_slider(show):
    page = show(made((Tensor(np.array([[0.5, -1.0, 1.0, 0.25]] * 2), label="x") * 2.0).sum()))
    page.press(Keys.END)
    before = page.run(HEATS, "n1")[0]
    page.run("document.querySelector('#leaves .entry').click()")
    page.run(
        "const slider = document.querySelector('#leaves input[type=range]');"
        "slider.value = -0.5; slider.dispatchEvent(new Event('input'))"
    )
    title, paths = page.run(HEATS, "n1")[0]
    assert paths != before[1]
    assert (before[1]["above t2"], paths["above t2"]) == ("M0 0h1M0 1h1", "M0 1h1")
    assert paths["below t2"] == "M0 0h1"
    assert title == before[0] == "shape (2, 4), entries from -2 to 2, norm 4.301" + HINT


@pytest.mark.parametrize("make", [lambda: network(*parts(0)), axes, large], ids=["network", "axes", "large"])
def test_a_picture_comes_with_its_number_and_not_before(show, make):
    page, computed, totals = show(made(make())), set(), {}
    live = "const LIVE = null" not in page.made.html
    frames = page.made.frames
    computed |= {v.id for v in frames.vertices if not v.op}
    arrays = [v for v in frames.vertices if v.shape and 0 not in v.shape]
    walked = page.walk(SEEN, range(len(frames.steps)), [f"n{v.id}" for v in arrays])
    for step, cards in zip(frames.steps, walked, strict=True):
        computed |= {step.node} if step.kind == "compute" else set()
        totals |= {step.node: 0} if step.kind == "seed" else {}
        totals |= {step.target: step.uses_left} if step.kind == "contribute" else {}
        for v, seen in zip(arrays, cards, strict=True):
            data, grad, data_text, grad_text, empty, told = seen
            there = v.id in totals and (live or isinstance(v.data, list) or not totals[v.id])
            assert (data is not None) == (v.id in computed and not data_text.startswith("["))
            assert (grad is not None) == (there and grad_text.startswith("norm"))
            assert empty == (v.id not in totals)
            assert told.startswith(f"{v.name}, shape {v.shape}")
            assert ("not there yet" in told) == (not there)


def test_of_a_large_record_the_pictures_are_of_the_whole_arrays(show):
    page = show(made(large()))
    page.press(Keys.END)
    root = large()
    assert same_pictures(page, *engine(root)) > 10
    W = next(i for i, n in enumerate(order(root)[::-1]) if n.label == "W")
    assert page.card(f"n{W}", "data") == "(128, 784)"
    assert "in 8 × 16 blocks; gradient shape (128, 784), entries from" in page.run(
        "return card(arguments[0]).getAttribute('aria-label')", f"n{W}"
    )


def test_the_quiz_hides_the_pictures_of_gradients(show):
    page = show(made(network(*parts(0))))
    page.press(Keys.END)
    page.click("tab-quiz")
    page.click("quiz-start")
    vertices = page.made.frames.vertices[:-1]
    for v, (_, grad, *_, label) in zip(vertices, page.run(SEEN, [f"n{v.id}" for v in vertices]), strict=True):
        assert grad is None
        assert label.endswith("; gradient hidden") or not v.shape


CHIPS = """
return Object.fromEntries([...document.querySelectorAll(".edge")].map(e => [e.dataset.edge,
    [e.querySelector(".chip text").textContent, e.querySelector(".chip title").textContent]]));
"""


def test_edges_tell_the_shape_that_travels_and_the_panel_what_a_vjp_is(show):
    page = show(made(network(*parts(0))))
    frames = page.made.frames
    told = {
        f"e{e.id}": f"vjp: {e.symbols} · shape {frames.vertices[e.tail].shape}" for e in frames.edges if e.local is None
    }
    panels = page.walk("return document.getElementById('step').textContent", range(len(frames.steps)))
    for step, panel in zip(frames.steps, panels, strict=True):
        if step.kind == "contribute":
            e = frames.edges[step.edge]
            tail, head = (re.sub(r"\s", " ", str(frames.vertices[v].shape)) for v in (e.tail, e.head))
            words = f"g of shape {head} comes in, a contribution of shape {tail} goes out."
            assert (words in panel) == (tail != "()" or head != "()")
            assert ("(vjp)" in panel) == (e.local is None)
    for key, (text, title) in page.run(CHIPS).items():
        edge = frames.edges[int(key[1:])]
        assert title == told.get(key, f"{edge.symbols} · shape {frames.vertices[edge.tail].shape}")
        if key in told:
            assert text == str(frames.vertices[edge.tail].shape)
        else:
            assert re.fullmatch(r"‖.*‖|-?[\d.]+", text)


def test_where_a_gradient_dies_the_chip_of_a_shape_says_so(show):
    page = show(made(ops.relu(Tensor(-np.ones((3, 4)), label="x")).sum()))
    page.press(Keys.END)
    dead = [text for text, _ in page.run(CHIPS).values() if text.startswith("✕")]
    assert dead == ["✕ ‖0‖"]
    page = show(made((Tensor(np.ones((3, 4)), label="x").T @ Tensor(np.zeros(3))).sum()))
    page.press(Keys.END)
    assert [text for text, _ in page.run(CHIPS).values()][:1] == ["✕ (3, 4)"]


# Room ----------------------------------------------------------------------------------------------------------------

OVERRUNS = """
const FAR = 0.6, bad = [], cards = [...document.querySelectorAll(".card:not(.away)")];
const box = e => e.getBoundingClientRect(), body = card => box(card.querySelector(".body"));
const seen = e => e.getClientRects().length > 0;
const within = (low, high, from, to) => low >= from - FAR && high <= to + FAR;
const inside = (a, b) => within(a.left, a.right, b.left, b.right) && within(a.top, a.bottom, b.top, b.bottom);
const common = (low, high, from, to) => Math.min(high, to) - Math.max(low, from);
const beside = (a, b) => common(a.top, a.bottom, b.top, b.bottom) > a.height / 2;
const meet = (a, b) => common(a.left, a.right, b.left, b.right) > FAR && common(a.top, a.bottom, b.top, b.bottom) > FAR;
for (const card of cards) {
    const texts = [...card.querySelectorAll(":scope > text")].filter(e => seen(e) && e.textContent);
    const heats = [...card.querySelectorAll(".heat > rect")].filter(seen);
    for (const e of [...texts, ...heats]) if (!inside(box(e), body(card))) bad.push(["card", e.outerHTML]);
    for (const heat of heats) for (const e of texts)
        if (beside(box(e), box(heat)) && meet(box(e), box(heat))) bad.push(["heat", e.outerHTML]);
}
for (const chip of document.querySelectorAll(".chip:not(.away)")) {
    const rect = box(chip.querySelector("rect"));
    if (!inside(box(chip.querySelector("text")), rect)) bad.push(["chip", chip.outerHTML]);
    for (const card of cards) if (meet(rect, body(card))) bad.push(["chip on card", chip.outerHTML]);
}
return bad;
"""


@pytest.mark.parametrize("make", [lambda: network(*parts(0)), axes, large], ids=["network", "axes", "large"])
def test_no_text_overruns_its_chip_or_card(show, make):
    page = show(made(make()))
    steps = page.made.frames.steps
    assert {step.i: bad for step, bad in zip(steps, page.walk(OVERRUNS, range(len(steps)))) if bad} == {}


def test_numbers_that_become_longer_are_set_narrower(show):
    page = show(made((ops.exp(Tensor(grid(7), label="x")) * Tensor(grid(7, 1), label="y")).sum()))
    page.press(Keys.END)
    assert page.run("return document.querySelector('[textLength]')") is None
    page.run("player.setLeaves([[0, Array(7).fill(-12.3)]])")
    assert [bad for bad in page.walk(OVERRUNS, range(len(page.made.frames.steps))) if bad] == []
    assert any("e-05" in text for text, _ in page.run(CHIPS).values())
    page.run("player.setLeaves([[0, Array(7).fill(0.5)]])")
    assert page.run("return document.querySelector('[textLength]')") is None


def test_hostile_labels_are_text_in_tooltips_and_labels(show):
    leaves = [(Tensor(grid((4, 3)), label=label), Tensor(grid((3, 4)), label=label)) for label in HOSTILE]
    page = show(made(ops.add_n(*(x @ y for x, y in leaves)).sum()))
    page.press(Keys.END)
    frames = page.made.frames
    named = [v for v in frames.vertices if not v.op]
    assert len(named) == 2 * len(HOSTILE)
    for v, (picture, *_, told) in zip(named, page.run(SEEN, [f"n{v.id}" for v in named]), strict=True):
        assert told.startswith(f"{v.name}, shape"), v.name[:99]
        assert picture is not None, v.name[:99]
    titles = {int(key[1:]): title for key, (_, title) in page.run(CHIPS).items()}
    for edge in (edge for edge in frames.edges if frames.vertices[edge.tail] in named):
        assert titles[edge.id] == f"vjp: {edge.symbols} · shape {frames.vertices[edge.tail].shape}"


def test_a_frame_that_is_saved_has_the_pictures_that_are_seen(show):
    page = show(made(network(*parts(0))))
    assert page.run("return player.frameSvg()").count('class="heat heat-grad"') == 0
    page.press(Keys.END)
    saved = page.run("return player.frameSvg()")
    assert saved.count('class="heat heat-grad"') > 8
    assert ".scene .heat .above" in saved


def test_without_scripts_the_pictures_are_there(browser, tmp_path):
    page = made(network(*parts(0))).save(tmp_path / "page.html")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.get(page.as_uri())
    pictures = browser.find_elements("css selector", "#graph .heat > rect")[:20]
    assert len([e for e in pictures if e.is_displayed()]) > 15
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
