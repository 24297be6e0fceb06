"""Networks and arrays in the player's page: down to one multiplication and back, motion, equations, a projector."""

import math

import numpy as np
import player_page
import pytest
from player_page import SMALLEST, engine, in_light_and_dark

import viz
from autograd_mini import Tensor, Value, ops
from autograd_mini.sweep import order
from nn import MLP
from viz.stepping.player_page import player

pytestmark = pytest.mark.slow
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
browser, show = player_page.browser, player_page.show  # fixtures
ROUND = """
const number = c => c.querySelector('.value').textContent;
return [...document.querySelectorAll('.round:not(.away)')].map(c => [c.dataset.card, number(c)]);
"""
MOTION = {"features": [{"name": "prefers-reduced-motion", "value": "no-preference"}]}
INSIDE = """
const g = document.getElementById('graph').getBoundingClientRect();
const c = document.querySelector('.card.goal, .card.now').getBoundingClientRect();
return c.left >= g.left && c.right <= g.right && c.top >= g.top && c.bottom <= g.bottom;
"""


def network(activation="tanh", sizes=(4, 3, 1), x=(0.5, -1.0)):
    net = MLP(2, list(sizes), activation, rng=0)
    root = (net([Value(e, label=f"x{i}") for i, e in enumerate(x)]) - 1.0) ** 2.0
    return root, player(root, names={}, model=net)


def open_round(page, id):
    page.run(f"card('{id}').dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")


def test_from_the_network_to_a_neuron_to_a_multiplication_and_back(show):
    root, made = network()
    page = show(made)
    first = page.run(ROUND)[0][0]
    page.enter("scrubber", page.steps())
    open_round(page, first)
    assert first not in page.cards()
    assert first in page.address()
    inside = [v for v in made.frames.vertices if first in v.group_path]
    assert {f"n{v.id}" for v in inside} <= set(page.cards())
    product = next(v for v in inside if v.op == "*")
    page.press(Keys.END)
    edge = next(e for e in made.frames.edges if e.head == product.id)
    data, grads = engine(root)
    forward, into, back = page.run(f"return player.over('e{edge.id}')")
    assert forward.startswith(f"{product.equation} = ")
    assert math.isclose(float(forward.rpartition(" = ")[2]), data[product.id], rel_tol=1e-3)
    assert into.startswith(f"{product.name} goes into the sum ")
    assert back.startswith("upstream × local = ")
    sent = float(back.partition(", into")[0].rpartition(" = ")[2])
    assert math.isclose(sent, grads[product.id] * edge.local, rel_tol=1e-3)
    url = page.address()
    again = show(made, "#" + url.partition("#")[2])
    assert first not in again.cards()
    again.press(Keys.ESCAPE)
    assert first in again.cards()
    assert again.run("return document.activeElement.dataset.card") == first


def test_enter_opens_a_neuron_and_escape_leads_back_to_the_same_view(show):
    _, made = network()
    page = show(made)
    box = "return document.querySelector('#graph .scene').getAttribute('viewBox')"
    first, before = page.run(ROUND)[0][0], page.run(box)
    page.run(f"card('{first}').focus()")
    page.press(Keys.ENTER)
    assert page.run(box) != before
    page.press(Keys.ESCAPE)
    assert page.run(box) == before
    assert page.run("return document.activeElement.dataset.card") == first


def test_circles_are_the_engines_numbers_in_order(show):
    root, made = network()
    page = show(made)
    data, grads = engine(root)
    for step, numbers in ((made_turn(page), data), (page.steps(), grads)):
        page.enter("scrubber", step)
        shown = page.run(ROUND)
        assert [id for id, _ in shown] == sorted((id for id, _ in shown), key=lambda id: int(id[1:]))
        for id, text in shown:
            end = max(v.id for v in made.frames.vertices if id in v.group_path)
            assert math.isclose(float(text), numbers[end], rel_tol=0.06, abs_tol=0.006)


def made_turn(page):
    page.press(Keys.HOME)
    page.press("f")
    turn = page.at()
    page.press(Keys.HOME)
    return turn - 1


def test_dead_relus_are_marked_with_the_reason(show):
    root, made = network("relu", (6, 4, 1))
    page = show(made)
    page.press(Keys.END)
    data, grads = engine(root)
    marked = set(page.run("return [...document.querySelectorAll('.round.flat')].map(c => c.dataset.card)"))
    dead = set()
    for id, _ in page.run(ROUND):
        end = max(v.id for v in made.frames.vertices if id in v.group_path)
        if order(root)[::-1][end].op.name == "relu" and data[end] == 0 and grads[end]:
            dead.add(id)
    assert dead
    assert marked == dead
    assert "where relu is flat" in page.run(f"return card('{dead.pop()}').getAttribute('aria-label')")


def test_a_number_travels_only_where_motion_is_wanted_and_nobody_hurries(show, browser):
    page = show(player(Value(2.0, label="a") * Value(3.0, label="b"), names={}))
    moving = "return document.querySelectorAll('.motion').length"

    def rested():
        page.enter("scrubber", page.steps() - 1)
        page.browser.execute_async_script("setTimeout(arguments[0], 800)")

    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", MOTION)
    try:
        rested()
        page.run("document.getElementById('next').click()")
        page.until(lambda: page.run(moving) == 1)
        page.until(lambda: page.run(moving) == 0)
        hurry = "document.getElementById('previous').click(); document.getElementById('next').click();" + moving
        assert page.run(hurry) == 0
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    rested()
    assert page.run("document.getElementById('next').click();" + moving) == 0


def arrays():
    rng = np.random.default_rng(0)
    X, W, b = (Tensor(rng.normal(size=s), label=n) for n, s in (("X", (3, 4)), ("W", (2, 4)), ("b", (2,))))
    return ops.tanh(ops.affine(X, W, b) @ Tensor(rng.normal(size=(2, 2)), label="V")).sum()


# Where a step has an equation: the sum of one of its entries, so far from the first to the last, and what it lights.
ENTRY = """
if (!document.querySelector("#step .equation")) return null;
const entries = document.querySelectorAll("#step .equation .entry");
entries[Math.floor(arguments[0] * entries.length)]?.click();
const lit = [...document.querySelectorAll("#step td.lit")].map(td => Number(td.title));
return [document.querySelector(".sum").textContent, lit];
"""


def test_an_entry_of_a_product_lights_its_row_and_column_and_is_their_sum(show):
    root = arrays()
    page = show(player(root, names={}))
    seen = 0
    for part in (0.0, 0.4, 0.99):
        equations = [each for each in page.walk(ENTRY, range(1, page.steps() + 1), part) if each]
        for equation, lit in equations:
            terms, value = equation.split(" = ")[1:]
            total = sum(math.prod(float(x.strip("()")) for x in term.split("·")) for term in terms.split(" + "))
            assert math.isclose(total, float(value), rel_tol=5e-3, abs_tol=5e-3)
            assert len(lit) == 2 * terms.count("·")
        seen += len(equations)
    assert seen == 3 * (2 + 5)  # two forward, and to X, W, b, to their sum and to V


EINSUMS = {
    "ij,jk->ik": ((2, 3), (3, 2)),
    "bij,bj->bi": ((2, 2, 3), (2, 3)),
    "i,i->": ((4,), (4,)),
    "ij->ji": ((2, 3),),
    "ij,ij,j->i": ((2, 2), (2, 2), (2,)),
    "ij->i": ((2, 3),),
    "...i,ij->...j": ((2, 3), (3, 2)),
    "ii->i": ((3, 3),),
}


@pytest.mark.parametrize("spec", EINSUMS)
def test_an_entry_of_an_einsum_lights_what_it_is_the_sum_of(spec, show):
    rng = np.random.default_rng(0)
    factors = [Tensor(rng.normal(size=size), label=name) for name, size in zip("ABC", EINSUMS[spec])]
    z = ops.einsum(spec, *factors)
    page = show(player(ops.sum(z * z), names={}))
    equations = [each for each in page.walk(ENTRY, range(1, page.steps() + 1), 0.99) if each]
    for equation, shown in equations:
        terms, value = equation.split(" = ")[1:]
        products = [[float(x.strip("()")) for x in term.split("·")] for term in terms.split(" + ")]
        assert math.isclose(sum(map(math.prod, products)), float(value), rel_tol=5e-3, abs_tol=5e-3)
        assert shown
        assert all(any(math.isclose(x, y, rel_tol=1e-3) for row in products for y in row) for x in shown)
    assert len(equations) == 1 + (
        len(factors) if spec != "ii->i" else 0
    )  # a diagonal that is taken back keeps its symbols


def test_no_letter_is_smaller_than_eleven_pixels(show, browser):
    pages = [network()[1], player(arrays(), names={})]
    for size in ((1280, 800), (390, 780)):
        browser.set_window_size(*size)
        try:
            for made in pages:
                page = show(made)
                assert min(page.walk(SMALLEST, (0, page.steps() // 2, page.steps()))) >= 11
        finally:
            browser.set_window_size(1280, 800)


def test_a_projector_shows_one_equation_in_letters_of_twenty_four_pixels(show):
    page = show(network()[1])
    first = page.run(ROUND)[0][0]
    open_round(page, first)
    page.press("p")
    for step in (3, page.steps() // 2, page.steps() - 1):
        page.enter("scrubber", step)
        assert page.run(SMALLEST) >= 24
        assert page.run(INSIDE)
        assert page.run("return [...document.querySelectorAll('.frame')].every(f => !f.getClientRects().length)")


def test_axe_finds_no_violation(show, browser):
    for made, hash in ((network()[1], "#step=14"), (player(arrays(), names={}), "#step=8")):
        show(made, hash)
        assert in_light_and_dark(browser) == {"light": [], "dark": []}


def test_a_batch_shows_how_often_each_neuron_is_called(show):
    net = MLP(2, [3, 1], "tanh", rng=0)
    loss = sum((net([Value(a), Value(b)]) - 1.0) ** 2.0 for a, b in [(0.0, 1.0), (1.0, 0.0), (1.0, 1.0)])
    page = show(viz.player(loss, model=net, names={}))
    page.press(Keys.END)
    assert [text for _, text in page.run(ROUND)] == ["×3"] * 4
    data, grads = engine(loss)
    page.enter("sample", 1)
    hidden = [i for i, n in enumerate(order(loss)[::-1]) if n.op is not None and n.op.name == "tanh"]
    for (_, text), end in zip(page.run(ROUND), hidden[3:6]):
        assert math.isclose(float(text), grads[end], rel_tol=0.06, abs_tol=0.006)
    assert data[hidden[3]] != data[hidden[0]]
