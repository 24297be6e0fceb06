"""The player in a real browser: stepped with keys, dragged, asked, folded; no console message, no request."""

import math
import os
import random

import player_page
import pytest
import test_page_formula as formulas
from player_page import engine, exact, same, violations

from autograd_mini import Tensor, Value, ops
from autograd_mini.modes import note_lines
from autograd_mini.op import TABLE, Elementwise
from autograd_mini.sweep import order
from nn import MLP
from viz.expression import record_expression
from viz.notation import as_expression
from viz.stepping.frames import fold
from viz.stepping.mistakes import compare, mistakes
from viz.stepping.player_page import player
from viz.stepping.sentences import sentences

Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
RIGHT, LEFT = Keys.ARROW_RIGHT, Keys.ARROW_LEFT
browser, show = player_page.browser, player_page.show  # fixtures


def neuron():
    values = {"w1": -3.0, "x1": 2.0, "w2": 1.0, "x2": 0.0, "b": 6.881373587019543}
    return record_expression("tanh(w1*x1 + w2*x2 + b)", values)


def diamond():
    x, y = Value(1.5, label="x"), Value(-2.0, label="y")
    a = x * y
    b = ops.sin(a) + x
    return b * a + ops.relu(y)


def network(sizes=(4, 1)):
    net = MLP(2, list(sizes), "tanh", rng=0)
    return (net([1.0, -2.0]) - 1.0) ** 2.0, net


def made(root, **settings):
    return player(root, names={}, **settings)


# Stepping ------------------------------------------------------------------------------------------------------------


def test_keys_walk_through_all_steps_and_each_is_told(show):
    page = show(made(neuron()))
    told = list(sentences(page.made.frames))
    assert page.steps() == len(told) - 1
    for i, sentence in enumerate(told[1:], 1):
        page.press(RIGHT if i % 2 else "j")
        assert page.said() == f"step {i} of {len(told) - 1}: {sentence}"
        assert page.at() == i
    page.press(RIGHT)
    assert page.at() == len(told) - 1
    page.press(LEFT, "k")
    assert page.at() == len(told) - 3
    page.press(Keys.HOME)
    assert page.at() == 0
    page.press(Keys.END)
    assert page.at() == len(told) - 1
    page.press("f")
    assert page.at() == 0
    page.press("f")
    assert page.at() == page.made.frames.turn


@pytest.mark.parametrize("make", [neuron, diamond])
def test_every_frame_shows_the_totals_of_its_step(show, make):
    page = show(made(make()))
    totals, computed = {}, set()
    steps, vertices = page.made.frames.steps, page.made.frames.vertices
    cards = "return arguments[0].map(name => [text(name, 'grad'), text(name, 'data')])"
    for step, seen in zip(steps, page.walk(cards, range(len(steps)), [f"n{v.id}" for v in vertices]), strict=True):
        if step.kind == "compute":
            computed.add(step.node)
        if step.kind in ("seed", "contribute"):
            totals[step.node if step.kind == "seed" else step.target] = step.after
        for v, (shown, data) in zip(vertices, seen, strict=True):
            assert shown == "" if v.id not in totals else math.isclose(float(shown), totals[v.id], rel_tol=1e-3)
            assert (data != "") == (not v.op or v.id in computed)


def test_the_edge_and_the_cards_of_a_step_are_marked(show):
    page = show(made(neuron()))
    step = next(s for s in page.made.frames.steps if s.kind == "contribute")
    page.press(*[RIGHT] * step.i)
    marked = page.run("return [...document.querySelectorAll('.edge.now')].map(e => e.dataset.edge)")
    assert marked == [f"e{step.edge}"]
    assert page.run(
        "return [...document.querySelectorAll('.card.now,.card.goal')].map(c => c.dataset.card).sort()"
    ) == (sorted([f"n{step.node}", f"n{step.target}"]))
    assert "0.5" in page.panel("step")
    assert "✓ complete" in page.panel("step")


def test_play_goes_on_by_itself_and_stops_at_a_breakpoint(show):
    page = show(made(neuron()))
    page.enter("speed", "120", "change")
    page.run("card('n5').dispatchEvent(new Event('click'))")
    page.press("b", " ")
    page.browser.execute_async_script(
        "const done = arguments[0], button = document.getElementById('play');"
        "const look = new MutationObserver(() => button.textContent === '▶' && done());"
        "look.observe(button, {childList: true, subtree: true})"
    )
    node = page.made.frames.vertices[5]
    assert f"breakpoint on {node.name}" in page.said()
    assert 0 < page.at() < page.steps()


def test_go_to_a_step_by_dialog_by_scrubber_and_by_address(show):
    page = show(made(neuron()))
    page.press("g")
    page.press("7", Keys.ENTER)
    page.until(lambda: page.at() == 7)  # a dialog tells that it was closed when it has time
    page.enter("scrubber", 11)
    assert page.at() == 11
    assert page.address().endswith("#step=11")
    page.run("globalThis.later = []; globalThis.setTimeout = act => later.push(act)")
    page.enter("scrubber", 12)
    page.run("later.forEach(act => act())")  # once the steps rest
    assert page.run("return location.hash") == "#step=12"
    assert show(made(neuron()), "#step=9").at() == 9
    assert show(made(neuron()), "#step=999").at() == 15
    assert show(made(neuron()), "#step=-3&open=g99,<script>").at() == 0


def test_the_line_of_the_users_code_stands_by_its_step(show):
    with note_lines():
        x = Value(2.0, label="x")
        y = ops.sin(x) * x
    page = show(made(y))
    page.press(RIGHT)
    assert "y = ops.sin(x) * x" in page.panel("step")
    assert "test_viz_browser.py:" in page.panel("step")


def test_the_list_follows_the_step(show):
    page = show(made(diamond()))
    page.click("tab-list")
    page.press(*[RIGHT] * 12)
    assert page.run("return document.querySelector('#rows tr.now td').textContent") == "12"
    page.run("document.querySelector('#rows tr:nth-child(4) button').click()")
    assert page.at() == 3


def test_the_next_change_of_the_chosen_gradient(show):
    page = show(made(diamond()))
    x = next(v.id for v in page.made.frames.vertices if v.name == "x")
    page.run("card(arguments[0]).dispatchEvent(new Event('click'))", f"n{x}")
    wanted = [s.i for s in page.made.frames.steps if s.kind == "contribute" and s.target == x]
    for i in wanted:
        page.press("n")
        assert page.at() == i
    page.press("n")
    assert "does not change any more" in page.said()


def test_find_chooses_a_node_and_the_keys_are_listed(show):
    page = show(made(neuron()))
    page.press("/")
    page.press("w2", Keys.ENTER)
    assert "w2" in page.panel("chosen")
    page.press(Keys.ESCAPE)
    page.press("?")
    assert page.run("return document.getElementById('help').open")


def test_cards_are_walked_with_the_keyboard(show):
    page = show(made(neuron()))
    assert page.run("return [...document.querySelectorAll('.card[tabindex=\"0\"]')].length") == 1
    page.run("card('n0').focus()")
    page.press(Keys.ARROW_DOWN)
    assert page.run("return document.activeElement.dataset.card") != "n0"
    page.press(Keys.ENTER)
    assert page.run("return !document.getElementById('chosen').hidden")
    assert page.at() == 0


# Live ----------------------------------------------------------------------------------------------------------------


EXPRESSIONS = {
    "tanh(w1*x1 + w2*x2 + b)": "w1 x1 w2 x2 b",
    "x**2 * sin(y) / exp(z) + x*y*z": "x y z",
    "sigmoid(x) * relu(y) + softplus(z) - leaky_relu(x - y, 0.2)": "x y z",
    "maximum(x, y) * minimum(y, z) + abs(z)": "x y z",
    "log(1 + exp(-x)) + sqrt(y**2 + 1) * tanh(x*y)": "x y",
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_numbers_in_the_page_are_the_engines(show, expression):
    names, rng = EXPRESSIONS[expression].split(), random.Random(1)
    page = show(made(record_expression(expression, dict.fromkeys(names, 1.0))))
    ids = {v.name: v.id for v in page.made.frames.vertices}
    for _ in range(8):
        values = {name: rng.uniform(-3, 3) for name in names}
        data, grads = engine(record_expression(expression, values))
        found = exact(page, {ids[name]: value for name, value in values.items()})
        same(found["data"], data)
        same(found["grads"], grads)


def test_every_elementwise_op_is_live(show):
    rng = random.Random(2)
    rows = [op for op in TABLE.values() if isinstance(op, Elementwise)]
    arities = [len([p for p in op.params if p not in op.defaults]) for op in rows]

    def record(values):
        values = iter(values)
        return ops.add_n(*(op(*(next(values) for _ in range(n))) for op, n in zip(rows, arities)))

    page = show(made(record([Value(rng.uniform(0.2, 0.9)) for _ in range(sum(arities))])))
    new = [rng.uniform(0.2, 0.9) for _ in range(sum(arities))]
    data, grads = engine(record([Value(v) for v in new]))
    ids = [v.id for v in page.made.frames.vertices if not v.op]
    page.run("player.setLeaves(arguments[0])", [[i, repr(v)] for i, v in zip(ids, new)])
    found = page.run("return player.numbers()")
    same(found["data"], data)
    same(found["grads"], grads)


def test_a_network_recomputes_all_of_its_gradients(show):
    root, net = network((16, 1))
    page = show(made(root, model=net))
    rng, values = random.Random(3), {}
    for i, node in enumerate(order(root)[::-1]):
        if node.op is None and len(values) < 40:
            values[i] = rng.uniform(-1, 1)
            node._data = values[i]
    again = (net([1.0, -2.0]) - 1.0) ** 2.0
    data, grads = engine(again)
    found = exact(page, values)
    same(found["data"], data)
    same(found["grads"], grads)


def test_nudging_agrees_with_the_gradient_whatever_the_seed(show):
    for gradient in (None, -2.0):
        x = Value(0.5, label="x")
        page = show(player(ops.sin(x) * x, gradient, names={}))
        page.run("card('n0').dispatchEvent(new Event('click'))")
        assert "its gradient comes in the backward pass" in page.panel("chosen")
        page.press(Keys.END)
        assert "✓ agrees" in page.panel("chosen")


def test_a_slider_beyond_a_condition_takes_the_other_branch(show):
    x = Value(2.0, label="x")
    page = show(player(ops.where(x > 1.0, x * x, 3.0 * x), names={}))
    page.press(Keys.END)
    for value, (z, gradient) in {0.5: (1.5, 3.0), 1.0: (3.0, 3.0), 1.5: (2.25, 3.0), -1.0: (-3.0, 3.0)}.items():
        page.run(
            "const e = document.querySelector(`input[type=range][data-leaf='0']`); e.value = arguments[0];"
            "e.dispatchEvent(new Event('input'))",
            value,
        )
        assert (float(page.card("n4", "data")), float(page.card("n0", "grad"))) == (z, gradient)
        assert (
            page.run("const d = [arguments[0]]; for (const [i, f] of LIVE.forward) d[i] = f(d); return d.at(-1)", value)
            == z
        )


def test_what_python_decided_is_said_and_keeps_its_number(show):
    x = Value(2.0, label="x")
    page = show(player(x * x if x > 1.0 else 3.0 * x, names={}))
    assert "a branch was taken when this was recorded, where x > 1 was asked" in page.panel("why")
    assert page.run("return document.getElementById('inputs').hidden && LIVE === null")


def test_a_slider_moves_every_number(show):
    page = show(made(neuron()))
    page.press(Keys.END)
    page.run(
        "const e = document.querySelector(`input[type=range][data-leaf='0']`); e.value = -1.5;"
        "e.dispatchEvent(new Event('input'))"
    )
    first = page.made.frames.vertices[0].name
    values = {"w1": -3.0, "x1": 2.0, "w2": 1.0, "x2": 0.0, "b": 6.881373587019543, first: -1.5}
    _, grads = engine(record_expression("tanh(w1*x1 + w2*x2 + b)", values))
    for i, grad in enumerate(grads):
        assert math.isclose(float(page.card(f"n{i}", "grad")), grad, rel_tol=1e-3, abs_tol=1e-12)


def test_a_step_of_descent_is_the_engines_and_its_loss_is_drawn(show):
    root = neuron()
    page = show(made(root))
    page.enter("rate", "0.05")
    _, grads = engine(root)
    leaves = [(i, n) for i, n in enumerate(order(root)[::-1]) if n.op is None]
    page.click("descend")
    found = page.run("return player.numbers()")["data"]
    for i, node in leaves:  # data stays as it is
        moved = 0.0 if node.label in ("x1", "x2") else 0.05 * grads[i]
        assert math.isclose(found[i], node.data - moved, rel_tol=1e-12, abs_tol=1e-15)
    assert page.run("return document.querySelectorAll('#curve polyline').length") == 1
    before = found[-1]
    page.click("descend", times=10)
    assert page.run("return player.numbers()")["data"][-1] < before
    page.click("reset")
    same(page.run("return player.numbers()")["data"], [n.data for n in order(root)[::-1]])


# Folding -------------------------------------------------------------------------------------------------------------


def test_a_folded_network_is_stepped_into_over_and_out_of(show):
    root, net = network((16, 16, 1))
    page = show(made(root, model=net))
    closed = [f.id for f in page.made.frames.folds if f.id not in page.made.places.opened]
    seen = fold(page.made.frames, closed)
    assert page.steps() == len(seen.steps) - 1
    group = next(s for s in seen.steps if s.kind == "group" and s.i > seen.turn)
    page.enter("scrubber", group.i)
    assert "vector-Jacobian" in page.panel("step")
    before, cards = page.steps(), set(page.cards())
    page.press("i")
    assert page.steps() > before
    assert set(page.cards()) > cards - {group.group_path[-1]}
    assert f"open={','.join(sorted({*page.made.places.opened, group.group_path[-1]}, key=lambda g: int(g[1:])))}" in (
        page.address()
    )
    page.press("o")
    assert page.steps() == before
    assert set(page.cards()) == cards
    assert page.at() == group.i


OVERLAPS = """
const overlaps = () => {
    const bodies = [...document.querySelectorAll('.card:not(.away) > .body')];
    const boxes = bodies.map(body => body.getBoundingClientRect());
    const common = (a, b, low, high) => Math.min(a[high], b[high]) - Math.max(a[low], b[low]);
    const meet = (a, b) => common(a, b, "left", "right") > 1 && common(a, b, "top", "bottom") > 1;
    return boxes.flatMap((a, i) => boxes.slice(0, i).filter(b => meet(a, b)).map(b => [a, b]));
};
"""


TOGGLE, TYPE = "player.toggle(each)", "player.enterFormula(each)"


def overlaps(page, call="", given=("as it stands",)):
    """Return the cards that lie on another after each of some calls."""
    found = page.run(f"{OVERLAPS} return arguments[0].map(each => {{ {call}; return overlaps(); }})", list(given))
    return {each: cards for each, cards in zip(given, found) if cards}


def test_no_card_lies_on_another_whatever_is_open(show):
    root, net = network((6, 5, 1))
    root = root + ops.sin(root)
    page = show(made(root, model=net))
    rng, folds = random.Random(4), [f.id for f in page.made.frames.folds]
    assert overlaps(page) == {}
    assert overlaps(page, TOGGLE, rng.choices(folds, k=12)) == {}


def test_totals_are_the_same_folded_and_open(show):
    root, net = network((6, 5, 1))
    page = show(made(root, model=net))
    page.press(Keys.END)
    leaves = [v.id for v in page.made.frames.vertices if not v.op]
    before = page.run("return player.numbers()")["grads"]
    totals = """
        const scrubber = document.getElementById("scrubber");
        return arguments[0].map(group => {
            player.toggle(group);
            scrubber.value = scrubber.max;
            scrubber.dispatchEvent(new Event("input", {bubbles: true}));
            return player.totals();
        });
    """
    groups = [f.id for f in page.made.frames.folds]
    for group, found in zip(groups, page.run(totals, groups), strict=True):
        assert found == [before[i] for i in leaves], group


# Mistakes and the quiz -----------------------------------------------------------------------------------------------


WRONG = """
const all = selector => [...document.querySelectorAll(selector)];
return [
    all("#wrong tbody tr").map(row => [...row.children].map(cell => cell.textContent)),
    all(".card.wrong").map(card => text(card.dataset.card, "name")),
    all(".card.first-wrong").map(card => card.dataset.card),
    document.getElementById("wrong").textContent,
];
"""


def test_a_wrong_sweep_in_the_page_is_that_of_the_engine(show):
    root = diamond()
    page = show(made(root))
    page.click("tab-mistakes")
    for key in mistakes:
        page.enter("mistake", key, "change")
        both = compare(root, key, names={})
        rows, marked, first, told = page.run(WRONG)
        assert {row[0] for row in rows} == set(both.right_gradients), key
        for name, right, wrong, _ in rows:
            assert math.isclose(float(right), both.right_gradients[name], rel_tol=1e-4), key
            assert math.isclose(float(wrong), both.wrong_gradients.get(name, 0.0), rel_tol=1e-4), key
        assert both.first_difference is not None, key
        assert both.first_difference.sentence in told, key
        assert set(marked) == set(both.differing), key
        assert first == [f"n{both.first_difference.target}"], key


def test_the_wrong_sweep_follows_the_sliders(show):
    page = show(made(diamond()))
    page.click("tab-mistakes")
    page.enter("mistake", "overwrite", "change")
    exact(page, {0: 0.25})
    y = Value(-2.0, label="y")
    x = Value(0.25, label="x")
    a = x * y
    both = compare((ops.sin(a) + x) * a + ops.relu(y), "overwrite", names={})
    assert both.first_difference.sentence in page.panel("wrong")


def answer(page, value):
    page.run(
        "document.getElementById('answer').value = arguments[0];document.getElementById('quiz-form').requestSubmit()",
        str(value),
    )


def test_the_quiz_hides_marks_hints_and_ends(show):
    root = diamond()
    page = show(made(root))
    page.click("tab-quiz")
    page.click("quiz-start")
    hidden = [page.card(f"n{v.id}", "grad") for v in page.made.frames.vertices[:-1]]
    assert set(hidden) == {"?"}
    grads = engine(root)[1]
    answer(page, "ten")
    assert "number" in page.panel("hint")
    asked = page.run("return +document.querySelector('.card.asked').dataset.card.slice(1)")
    answer(page, grads[asked] + 12.3456)
    assert "✗" in page.panel("hint")
    assert "The rule" in page.panel("hint")
    for _ in range(len(grads) - 1):
        asked = page.run("return +document.querySelector('.card.asked').dataset.card.slice(1)")
        answer(page, f"{grads[asked]:.4g}")
        assert page.card(f"n{asked}", "grad") not in ("?", "")
    assert f"{len(grads) - 2} right at first try" in page.panel("score")
    assert page.run("return document.getElementById('quiz-form').hidden")


def test_why_an_answer_was_wrong(show):
    x = Value(3.0, label="x")
    a = x * 2.0
    root = a * x + ops.sin(x)
    page = show(made(root))
    page.click("tab-quiz")
    page.click("quiz-start")
    parts = [s.contribution for s in page.made.frames.steps if s.kind == "contribute" and s.target == 0]
    right = sum(parts)
    page.run("card('n0').dispatchEvent(new Event('click'))")
    cases = {
        parts[-1]: "last contribution alone",
        parts[0] + parts[-1]: "A path is missing",
        -right: "sign",
        right + 17.0: "step by step",
    }
    for value, words in cases.items():
        answer(page, repr(value))
        page.click("why-wrong")
        assert words in page.panel("hint")
    answer(page, repr(parts[0]))
    page.click("why-wrong")
    missing = page.run("return document.querySelectorAll('.edge.missing').length")
    assert missing == len(parts) - 1


ODD = {
    "a leaf": lambda: (Value(1.0),),
    "nan": lambda: (ops.log(Value(-1.0)) * 2.0,),
    "inf": lambda: (1.0 / Value(0.0),),
    "values in an array": lambda: (ops.softmax(ops.stack([Value(1.0), Value(2.0)]))[0] * 3.0,),
    "a number times an array": lambda: ((Value(2.0) * Tensor([1.0, 2.0])).sum(),),
    "nothing in it": lambda: (Tensor([[]]).sum(),),
    "an op of arrays on a number": lambda: (ops.logsumexp(Value(1.0)) * 2.0,),
    "one node three times": lambda: (ops.add_n(*[Value(2.0)] * 3),),
    "a flat op": lambda: (ops.step(Value(1.0)),),
    "three axes": lambda: ((Tensor([[[1.0, 2.0]]]) * 2.0).sum(),),
    "a root with axes": lambda: (Tensor([1.0, 2.0]) * 3.0, [1.0, -1.0]),
    "another seed": lambda: (Value(3.0) * Value(2.0), -2.0),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_records_are_shown_too(show, odd):
    page = show(player(*ODD[odd](), names={}))
    steps = [*range(len(page.made.frames.steps))]
    counts = page.walk("return document.getElementById('count').textContent", steps)
    assert counts == [f"{i} / {steps[-1]}" for i in steps]
    page.click("tab-mistakes")
    for key in mistakes:
        page.enter("mistake", key, "change")
    page.click("tab-quiz")
    page.click("quiz-start")
    answer(page, 17)
    page.click("why-wrong")
    page.click("tab-list")
    assert len(page.panel("rows")) > 0


# The page ------------------------------------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "a\u2028b",
    "\ud800",
    "'\"`${alert(1)}",
    "__proto__",
    "nan",
]


def test_hostile_labels_are_text(show):
    root = ops.add_n(*(Value(float(i), label=label) for i, label in enumerate(HOSTILE)))
    root = root * root
    root.label = HOSTILE[1]
    page = show(made(root))
    page.press(Keys.END)
    for tab in ("tab-mistakes", "tab-quiz", "tab-list"):
        page.click(tab)
    assert page.run("return document.querySelectorAll('img').length") == 0
    names = page.run("return [...document.querySelectorAll('.card .name')].map(n => n.textContent)")
    assert HOSTILE[0] in names
    assert "nan" in names


def test_the_frame_is_exported_as_well_formed_svg(show):
    page = show(made(neuron()))
    page.press(*[RIGHT] * 8)
    shape = page.run("""
        const svg = player.frameSvg(), parsed = new DOMParser().parseFromString(svg, "image/svg+xml");
        const count = selector => parsed.querySelectorAll(selector).length;
        return [count("parsererror"), count(".card.now"), svg.includes("<script")];
    """)
    assert shape == [0, 1, False]


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(show, browser, width):
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page = show(made(diamond()))
    page.press(*[RIGHT] * 12)
    widths = page.run("""
        return Object.fromEntries(["live", "mistakes", "quiz", "list", "save"].map(tab => {
            document.getElementById(`tab-${tab}`).click();
            return [tab, document.documentElement.scrollWidth];
        }));
    """)
    assert {tab: found for tab, found in widths.items() if found > width} == {}
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_everything_that_is_pressed_has_a_name_and_ids_are_unique(show):
    page = show(made(network()[0]))
    nameless = page.run("""
        const label = e => e.labels?.[0]?.textContent.trim();
        const name = e => e.getAttribute("aria-label") || e.textContent.trim() || label(e) || e.title;
        const pressed = [...document.querySelectorAll("button,input,select,[role=button],[role=tab]")];
        return pressed.filter(e => !name(e)).map(e => e.outerHTML);
    """)
    assert nameless == []
    ids = page.run("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    assert page.run("return document.getElementById('said').getAttribute('aria-live')") == "polite"


def test_two_players_on_one_page_do_not_meet(browser, tmp_path):
    page = tmp_path / "two.html"
    frames = made(neuron())._repr_html_() + made(diamond())._repr_html_()
    page.write_text(f"<!doctype html><meta charset=utf-8><body>{frames}", encoding="utf-8")
    browser.get_log("browser")
    browser.get(page.as_uri())
    for i, steps in enumerate((15, len(made(diamond()).frames.steps) - 1)):
        browser.switch_to.frame(i)
        browser.find_element("css selector", "#next").click()
        assert browser.execute_script("return document.getElementById('count').textContent") == f"1 / {steps}"
        browser.switch_to.default_content()
    assert browser.get_log("browser") == []


def test_without_scripts_the_graph_and_the_steps_are_there(browser, tmp_path):
    page = made(neuron()).save(tmp_path / "page.html")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.get(page.as_uri())
    listed = browser.find_elements("css selector", "#script-free li")
    graph = browser.find_element("css selector", "#graph .scene")
    assert len(listed) == 16
    assert listed[-1].is_displayed()
    assert graph.size["height"] > 100
    assert not browser.find_element("css selector", "footer").is_displayed()
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_thousand_nodes_are_walked_to_the_end(show):
    root, net = network((16, 16, 1))
    page = show(made(root, model=net))
    page.press(Keys.END)
    totals = page.run("return player.totals()")
    assert all(total is not None for total in totals)
    assert page.at() == page.steps()


# A formula that is typed ---------------------------------------------------------------------------------------------


def type_formula(page, text):
    page.run("document.getElementById('formula').focus(); document.getElementById('formula').select()")
    page.press(text, Keys.ENTER)


def numbers_of(page):
    found = page.run("return player.numbers()")
    return found["data"], [0.0 if g is None else g for g in found["grads"]]


def test_a_formula_is_typed_and_another_graph_stands_there_with_all_tools_at_hand(show):
    page = show(made(neuron()))
    page.press(*[RIGHT] * 3)
    type_formula(page, "relu(w1*x1 - 3*x1) * sin(q) + q w1=2 x1=-1.5 q=0.75")
    values = {"w1": 2.0, "x1": -1.5, "q": 0.75}
    data, grads = engine(record_expression("relu(w1*x1 - 3*x1) * sin(q) + q", values))
    found = numbers_of(page)
    same(found[0], data)
    same(found[1], grads)
    assert page.at() == 0
    assert overlaps(page) == {}
    assert "formula=relu" in page.address()
    page.run("document.activeElement.blur()")
    page.press(Keys.END)
    assert page.at() == page.steps() > 15
    page.click("tab-mistakes")
    page.enter("mistake", "overwrite", "change")
    assert compare(
        record_expression("relu(w1*x1 - 3*x1) * sin(q) + q", values), "overwrite"
    ).first_difference.sentence in (page.panel("wrong"))
    exact(page, {0: 3.5})
    same(numbers_of(page)[0], engine(record_expression("relu(w1*x1 - 3*x1) * sin(q) + q", values | {"w1": 3.5}))[0])
    page.click("tab-quiz")
    page.click("quiz-start")
    assert page.card("n0", "grad") == "?"


def test_a_formula_that_is_none_says_where_and_leaves_the_graph_alone(show):
    page = show(made(neuron()))
    before = page.cards()
    for text, message in (
        ("tanh(x", "column 1: '(' is never closed"),
        ("x ; 2", "column 3: ';' is not part of the language"),
    ):
        type_formula(page, text)
        assert message in page.panel("formula-error")
        assert page.run("return document.getElementById('formula').getAttribute('aria-invalid')") == "true"
        assert page.cards() == before
    type_formula(page, "x^2")
    assert page.panel("formula-error") == ""
    assert page.run("return document.getElementById('formula').value") == "x**2"
    assert len(page.cards()) == 2


def test_the_address_keeps_a_formula_and_its_step(show):
    page = show(made(neuron()), "#step=4&formula=a*b%2Ba")
    assert [page.card(c, "name") for c in page.cards()] == ["a", "b", "v1", "L"]
    assert page.at() == 4
    assert page.run("return document.getElementById('formula').value") == "a*b+a"


ENTER = """
history.replaceState = () => {};  // which Chromium takes from people only, and not so often
const [texts, first] = arguments, field = document.getElementById("formula");
const enter = text => { field.value = text; document.getElementById("formula-form").requestSubmit(); };
return texts.map(text => {
  enter(first);
  enter(text);
  const error = document.getElementById("formula-error").textContent;
  return error ? { error } : player.numbers();
});
"""
FORMULAS = int(os.environ.get("AUTOGRAD_MINI_FORMULAS", "120"))  # 10,000 take some minutes


def test_random_formulas_in_the_field_are_read_as_the_command_reads_them_and_have_the_engines_numbers(show):
    page, rng = show(made(neuron())), random.Random(0)
    first = " ".join(["x*w1*b", *(f"{name}={x}" for name, x in formulas.VALUES.items())])
    texts = [formulas.mangled(rng) if i % 2 else formulas.random_formula(rng, 3) for i in range(FORMULAS)]
    texts = [text.replace("\n", "") for text in texts]  # as a field does
    texts = [text for text in texts if "=" not in text and text.strip()]
    refused = 0
    for start in range(0, len(texts), 20):
        some = texts[start : start + 20]
        for text, found in zip(some, page.browser.execute_script(ENTER, some, first), strict=True):
            wanted = formulas.told(as_expression(text.strip()))
            refused += "error" in wanted
            if "error" in wanted:
                assert f"column {wanted['column']}:" in found.get("error", ""), (text, found, wanted)
            else:
                assert "error" not in found, (text, found)
                assert len(found["data"]) == len(wanted["data"])
                if {name for name, op, _ in wanted["nodes"] if not op} <= {*formulas.VALUES, "L"}:
                    same(found["data"], wanted["data"])
                    same([g or 0.0 for g in found["grads"]], wanted["grads"])
    assert len(texts) / 4 < refused < len(texts) / 1.5


def test_typed_graphs_have_no_card_on_another(show):
    rng, page = random.Random(0), show(made(neuron()))
    assert overlaps(page, TYPE, [formulas.random_formula(rng, 4) for _ in range(45)]) == {}


def test_a_large_record_opens_folded_and_is_stepped_through(show):
    root, net = network((8, 8, 1))
    for k in range(20):
        root = root + (net([0.1 * k, -1.0]) - 1.0) ** 2.0
    page = show(made(root, model=net))
    assert len(page.made.html.encode()) < 500_000
    assert (
        page.run(
            "const t = performance.now(); for (let i = 0; i < 20; i++) player.goTo(i); return performance.now() - t"
        )
        < 2000
    )
    data, grads = engine(root)
    same(numbers_of(page)[0], data)
    same(numbers_of(page)[1], grads)
    assert overlaps(page, TOGGLE, [f.id for f in page.made.frames.folds][:6]) == {}


# What a screen reader is told, and a projector shows -----------------------------------------------------------------


def test_axe_finds_no_violation(show):
    page, found = show(made(diamond()), "#step=8"), {}
    page.run("document.getElementById('formula-error').textContent = 'column 1: an error'")
    for tab in ("live", "list", "save", "mistakes", "quiz"):
        page.click(f"tab-{tab}")
        if tab == "mistakes":
            page.enter("mistake", "overwrite", "change")
        if tab == "quiz":
            page.click("quiz-start")
        of_the_graph_too = tab in ("live", "mistakes", "quiz")
        found[tab] = violations(page.browser, None if of_the_graph_too else f"#{tab}")
    assert {tab: each for tab, each in found.items() if each} == {}


def test_a_projector_shows_one_equation_in_large_letters_and_the_view_follows(show):
    page = show(made(neuron()))
    page.press("p")
    shown = """
        const size = e => parseFloat(getComputedStyle(e).fontSize);
        const isText = e => e.checkVisibility() && e.firstChild?.nodeType === 3;
        const texts = [...document.querySelectorAll('#step *')].filter(isText);
        const box = document.querySelector('.card.goal .body, .card.now .body').getBoundingClientRect();
        const graph = document.getElementById('graph').getBoundingClientRect();
        const inside = box.left >= 0 && box.right <= graph.right && box.top >= graph.top && box.bottom <= graph.bottom;
        const header = document.querySelector('header').checkVisibility();
        return [Math.min(...texts.map(size)), box.height / 64 * 12, inside, header];
    """
    for least, letters, inside, header in page.walk(shown, range(1, 16)):
        assert least >= 23.99
        assert letters >= 23.99
        assert inside
        assert not header
    page.press("p")
    assert page.run("return document.querySelector('header').checkVisibility()")


def test_nothing_in_the_graph_is_smaller_than_eleven_points_at_the_start(show):
    root, net = network((16, 16, 1))
    for each in (made(neuron()), made(diamond()), made(root, model=net)):
        assert show(each).run(player_page.SMALLEST) >= 11


def test_the_tabs_stay_where_they_are_from_step_to_step(show):
    page = show(made(diamond()))
    top = "return Math.round(document.querySelector('[role=tablist]').getBoundingClientRect().top)"
    assert len(set(page.walk(top, range(1, page.steps() + 1)))) == 1


def test_a_fraction_is_an_answer_and_the_curves_that_are_asked_for_keep_still(show):
    page = show(made(neuron()))
    page.click("tab-quiz")
    page.click("quiz-start")
    assert page.panel("where").startswith("quiz, 0 of ")
    assert page.run("return document.querySelectorAll('.chip:not(.away)').length") < len(page.made.frames.edges)
    answer(page, "1/2")
    assert "✓ 0.5 is right" in page.panel("hint")
    answer(page, "1/0/2")
    assert "An answer is a number" in page.panel("hint")


def test_where_a_mistake_does_no_harm_a_graph_is_offered_on_which_it_does(show):
    page = show(made(neuron()))
    page.click("tab-mistakes")
    for key in ("overwrite", "recursion"):
        page.run("player.enterFormula('tanh(w1*x1 + b)')")
        page.enter("mistake", key, "change")
        assert "does not show" in page.panel("wrong")
        page.run("[...document.querySelectorAll('#wrong button')].find(e => /on which/.test(e.textContent)).click()")
        assert "gradients are wrong" in page.panel("wrong")
