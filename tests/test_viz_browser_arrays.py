"""The player of arrays in a real browser: entries are changed, trained and traced, and all numbers the engine's."""

import itertools
import math

import numpy as np
import player_page
import pytest
from player_page import engine, same
from table_cases import ROWS, called, cases, differentiable, direction

from autograd_mini import Tensor, Value, jacobian, ops
from autograd_mini.node import Node
from autograd_mini.op import TABLE, Op
from autograd_mini.sweep import carries, order
from autograd_mini.text.formula import names_of
from nn import MLP, cross_entropy
from viz.stepping.mistakes import compare, mistakes
from viz.stepping.player_page import player
from viz.stepping.record import record_of

Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
browser, show = player_page.browser, player_page.show  # fixtures


def made(root, **settings):
    return player(root, names={}, **settings)


# Each takes the numbers of its leaves and returns the root.


def vector(w, x, b):
    return ops.tanh((Tensor(w, label="w") * Tensor(x, label="x")).sum() + Value(b, label="b"))


def matrices(x, W, b):
    return (ops.softmax(Tensor(x, label="x") @ Tensor(W, label="W").T + Tensor(b, label="b")) ** 2.0).sum()


def classes(W1, b1, W2, b2, x):
    h = ops.relu(Tensor(x, label="x") @ Tensor(W1, label="W1").T + Tensor(b1, label="b1"))
    return cross_entropy(h @ Tensor(W2, label="W2").T + Tensor(b2, label="b2"), [2, 0, 1, 1, 2])


def squares(W, b, x, y):
    z = ops.affine(Tensor(x, label="x"), Tensor(W, label="W"), Tensor(b, label="b"))
    return ops.mean((ops.sigmoid(z) - Tensor(y, label="y")) ** 2.0)


def shared(x, s):
    x, s = Tensor(x, label="x"), Value(s, label="s")
    return (x * x * s + ops.exp(x[0]) * x[:, 1:2]).sum() + ops.logsumexp(x, axis=None)


SHAPES = {
    vector: [(4,), (4,), ()],
    matrices: [(4, 2), (3, 2), (3,)],
    classes: [(6, 4), (6,), (3, 6), (3,), (5, 4)],
    squares: [(2, 3), (2,), (5, 3), (5, 2)],
    shared: [(3, 3), ()],
}
graphs = pytest.mark.parametrize("graph", SHAPES, ids=lambda graph: graph.__name__)


def numbers(graph, seed):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) if shape else float(rng.normal()) for shape in SHAPES[graph]]


def leaf(page, label):
    """Return the number of the leaf of that name in the page."""
    return next(v.id for v in page.made.frames.vertices if v.name == label)


def choose(page, node):
    page.run("card(arguments[0]).dispatchEvent(new Event('click'))", f"n{node}")


def change(page, name, value):
    """Choose an entry among the inputs and write a number into its field, as a reader does."""
    page.run(
        "const name = arguments[0], entry = [...document.querySelectorAll('#leaves .entry')];"
        "entry.find(e => e.title.startsWith(name + ' =')).click();"
        "const field = document.querySelector(`#leaves input[aria-label='${name}']`);"
        "field.value = arguments[1]; field.dispatchEvent(new Event('input'))",
        name, repr(float(value)),
    )  # fmt: skip


# Live ----------------------------------------------------------------------------------------------------------------


@graphs
def test_all_numbers_are_the_engines(show, graph):
    page = show(made(graph(*numbers(graph, 0))))
    found = page.run("return player.numbers()")
    same(found["data"], engine(graph(*numbers(graph, 0)))[0])
    same(found["grads"], engine(graph(*numbers(graph, 0)))[1])
    labels = [n.label for n in order(graph(*numbers(graph, 0))) if n.label]
    of = {label: i for i, label in enumerate(graph.__code__.co_varnames[: len(SHAPES[graph])])}
    for seed in range(1, 5):
        new = numbers(graph, seed)
        pairs = [[leaf(page, label), np.asarray(new[of[label]]).tolist()] for label in labels]
        page.run("player.setLeaves(arguments[0])", pairs)
        data, grads = engine(graph(*new))
        found = page.run("return player.numbers()")
        same(found["data"], data)
        same(found["grads"], grads)


def same_steps(page, frames):
    """Check every number of every step of the page; where the frames have the norm alone, that of the page's array."""
    for found, step in zip(page.run("return player.steps()"), frames.steps, strict=True):
        for name, number in zip(("local", "upstream", "contribution", "before", "after"), found):
            wanted = getattr(step, name)
            if isinstance(wanted, dict):
                number, wanted = np.linalg.norm(np.array(number, dtype=float)), wanted["norm"]
            assert (number is None) == (wanted is None), (step.kind, name)
            if number is not None:
                same([number], [wanted])


@graphs
def test_every_number_of_every_step_follows(show, graph):
    page = show(made(graph(*numbers(graph, 0))))
    same_steps(page, page.made.frames)
    names = graph.__code__.co_varnames[: len(SHAPES[graph])]
    new = numbers(graph, 9)
    pairs = [[leaf(page, name), np.asarray(x).tolist()] for name, x in zip(names, new)]
    page.run("player.setLeaves(arguments[0])", pairs)
    same_steps(page, made(graph(*new)).frames)


def test_an_entry_is_changed_and_everything_follows(show):
    x, W, b = numbers(matrices, 0)
    page = show(made(matrices(x, W, b)))
    page.press(Keys.END)
    rng = np.random.default_rng(7)
    for _ in range(6):
        i, j = rng.integers(3), rng.integers(2)
        W[i, j] = rng.normal()
        change(page, f"W[{i},{j}]", W[i, j])
        b[i] = rng.normal()
        change(page, f"b[{i}]", b[i])
        data, grads = engine(matrices(x, W, b))
        found = page.run("return player.numbers()")
        same(found["data"], data)
        same(found["grads"], grads)
    root = page.made.frames.vertices[-1].id
    assert math.isclose(float(page.card(f"n{root}", "data")), data[-1], rel_tol=1e-3)
    for node, grad in enumerate(grads):
        if np.ndim(grad) and np.size(grad) > 6:
            assert math.isclose(float(page.card(f"n{node}", "grad").split()[1]), np.linalg.norm(grad), rel_tol=1e-3)
    page.click("reset")
    same(page.run("return player.numbers()")["data"], engine(matrices(*numbers(matrices, 0)))[0])


def test_a_slider_of_an_entry_moves_the_numbers_of_the_step(show):
    page = show(made((Tensor([1.0, -2.0], label="x") * Tensor([3.0, 4.0], label="w")).sum()))
    page.run("document.querySelector('#leaves .entry').click()")
    page.press(*[Keys.ARROW_RIGHT] * 3)
    page.press(Keys.END)
    page.run(
        "const e = document.querySelector('#leaves input[type=range]'); e.value = 2;e.dispatchEvent(new Event('input'))"
    )
    assert page.run("return player.numbers()")["data"][0] == [2, -2]
    assert page.run("return document.querySelector('#leaves .entry').textContent") == "2"
    assert page.card(f"n{leaf(page, 'w')}", "grad") == "[2, -2]"


@pytest.mark.parametrize("graph", [classes, squares], ids=lambda graph: graph.__name__)
def test_twenty_steps_of_descent_are_the_engines(show, graph):
    values = numbers(graph, 0)
    page = show(made(graph(*values)))
    page.enter("rate", "0.3")
    fixed = {"x", "y"}
    for label in fixed & set(graph.__code__.co_varnames):  # data is not ticked
        assert not page.run(
            "return document.querySelector(`[aria-label='descend along ${arguments[0]}']`).checked", label
        )
    before = engine(graph(*values))[0][-1]
    page.click("descend", times=20)
    for _ in range(20):
        root = graph(*values)
        root.backward()
        step = {n.label: n.grad for n in order(root) if n.label and n.label not in fixed}
        names = graph.__code__.co_varnames
        values = [v - 0.3 * step[names[i]] if names[i] in step else v for i, v in enumerate(values)]
    found = page.run("return player.numbers()")
    data, grads = engine(graph(*values))
    same(found["data"], data)
    same(found["grads"], grads)
    assert found["data"][-1] < before
    assert page.run("return document.querySelectorAll('#curve polyline').length") == 1
    assert "after 20 steps" in page.panel("loss")


def test_of_a_root_with_axes_the_weighted_sum_descends(show):
    page = show(player(Tensor([1.0, 2.0], label="x") * 3.0, [1.0, -1.0], names={}))
    choose(page, 0)
    page.run("document.querySelector('#chosen .entry').click()")
    assert "agrees" in page.panel("chosen")
    page.click("descend")
    same(page.run("return player.numbers()")["data"], [[0.7, 2.3], [2.1, 6.9]])
    assert page.panel("loss") == "gradient · L: -3 → -4.8 after 1 step"


def test_a_folded_network_is_live(show):
    net = MLP(4, [6, 3], "tanh", rng=0).tensors()
    x = np.random.default_rng(0).normal(size=(8, 4))
    labels = [0, 1, 2, 0, 1, 2, 0, 1]
    page = show(made(cross_entropy(net(x), labels), model=net))
    for parameter in net.parameters():
        parameter.data = parameter.data * 1.5 + 0.25
    parts = {parameter.label: parameter.data.tolist() for parameter in net.parameters()}
    pairs = [[v.id, parts[v.name]] for v in page.made.frames.vertices if v.name in parts]
    assert len(pairs) == 4
    page.run("player.setLeaves(arguments[0])", pairs)
    root = cross_entropy(net(x), labels)
    data, grads = engine(root)
    found = page.run("return player.numbers()")
    same(found["data"], data)
    same(found["grads"], grads)
    for fold in page.made.frames.folds:
        page.run("player.toggle(arguments[0])", fold.id)
        page.press(Keys.END)
        same([g for g in page.run("return player.totals()") if g is not None], [
            grads[v.id] for v in page.made.frames.vertices if not v.op
        ])  # fmt: skip


def test_large_leaves_travel_whole_and_are_found_by_row_and_column(show):
    rng = np.random.default_rng(3)
    x, W = rng.normal(size=(5, 20)), rng.normal(size=(12, 20))
    page = show(made(ops.tanh(Tensor(x, label="x") @ Tensor(W, label="W").T).sum()))
    same(page.run("return player.numbers()")["data"][:2], [x, W])
    for axis, value in (("row", "11"), ("column", "19")):
        page.run(
            "const e = document.querySelector(`[aria-label='W, ${arguments[0]}']`); e.value = arguments[1];"
            "e.dispatchEvent(new Event('change'))",
            axis, value,
        )  # fmt: skip
    field = "document.querySelector(\"#leaves input[aria-label='W[11,19]']\")"
    page.run(f"const e = {field}; e.value = '0.75'; e.dispatchEvent(new Event('input'))")
    W[11, 19] = 0.75
    data, grads = engine(ops.tanh(Tensor(x) @ Tensor(W).T).sum())
    found = page.run("return player.numbers()")
    same(found["data"], data)
    same(found["grads"], grads)
    page.run(
        "const e = document.querySelector(`[aria-label='W, row']`); e.value = 12; e.dispatchEvent(new Event('change'))"
    )
    assert page.said() == "W has row 0 to 11, column 0 to 19"
    assert page.run("return document.querySelectorAll('#leaves canvas').length") == 2


def test_the_slices_of_three_axes_stand_one_below_the_other(show):
    x = np.arange(24.0).reshape(2, 3, 4)
    page = show(made((Tensor(x, label="x") * 2.0).sum()))
    rows = page.run(
        "return [...document.querySelectorAll('#leaves tr')].map(r => [...r.children].map(c => +c.textContent))"
    )
    np.testing.assert_array_equal(rows, x.reshape(6, 4))
    assert page.run("return [...document.querySelectorAll('#leaves tr')].map(r => r.className)") == [
        "", "", "", "slice", "", ""
    ]  # fmt: skip
    change(page, "x[1,2,0]", -1.0)
    assert page.run("return player.numbers()")["data"][0][1][2][0] == -1.0


def test_a_picture_of_a_large_array_tells_its_entries(show):
    W = np.random.default_rng(0).normal(size=(9, 11))
    page = show(made(ops.tanh(Tensor(W, label="W")).sum()))
    choose(page, 0)
    page.run("document.querySelector('#chosen .index canvas').focus()")
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_RIGHT)
    assert page.said() == f"[2,1] = {W[2, 1]:.6g}"
    assert page.said() in page.panel("chosen")
    assert page.at() == 0
    page.press(Keys.ENTER)
    assert page.run("return document.querySelector('.trace h4 code').textContent") == "W[2,1]"
    page.run(
        "const c = document.querySelector('#chosen .index canvas'), box = c.getBoundingClientRect();"
        "for (const kind of ['pointermove', 'click']) c.dispatchEvent(new MouseEvent(kind,"
        "{clientX: box.left + (5.5 / 11) * box.width, clientY: box.top + (7.5 / 9) * box.height}))"
    )
    assert page.run("return document.querySelector('.trace h4 code').textContent") == "W[7,5]"
    assert f"[7,5] = {W[7, 5]:.6g}" in page.panel("chosen")


WRONG = """
const all = selector => [...document.querySelectorAll(selector)];
const cells = c => c.querySelector("td") ? [...c.querySelectorAll("td")].map(e => e.title) : [c.textContent];
return [
    all("#wrong > table > tbody > tr").map(row => [...row.children].map(cells)),
    all(".card.wrong").map(card => text(card.dataset.card, "name")),
    document.getElementById("wrong").textContent,
];
"""


def test_wrong_sweeps_follow_the_entries(show):
    def root(first):
        x = Tensor([first, -0.5], label="x")
        a = x * Tensor([2.0, 1.0], label="w")
        return (ops.sin(a) * a + x * x).sum()

    page = show(made(root(1.5)))
    page.click("tab-mistakes")
    for key, first in itertools.product(mistakes, (1.5, -0.75)):
        page.enter("mistake", key, "change")
        change(page, "x[0]", first)
        both = compare(root(first), key, names={})
        rows, marked, told = page.run(WRONG)
        assert {row[0][0] for row in rows} == set(both.right_gradients), key
        for (name,), right, wrong, _ in rows:
            for texts, numbers in ((right, both.right_gradients), (wrong, both.wrong_gradients)):
                read = [float(text) for text in texts]
                wanted = np.ravel(numbers.get(name, 0.0)) + np.zeros(len(read))
                np.testing.assert_allclose(read, wanted, rtol=1e-5, err_msg=key)
        assert set(marked) == set(both.differing), key
        assert ("go to that step" in told) == (both.first_difference is not None), key


# The trace of an entry -----------------------------------------------------------------------------------------------


def local_jacobian(node, i):
    """Return the Jacobian of one op by its i-th argument, as a matrix, from the engine's transform."""
    raw = [a._data if isinstance(a, Node) else a for a in node.args]
    rows = jacobian(lambda a: node.op(*raw[:i], a, *raw[i + 1 :]))(raw[i])
    return np.reshape(rows, (np.size(node._data), np.size(raw[i])))


def edges_of(root):
    nodes = order(root)[::-1]
    ids = {node: i for i, node in enumerate(nodes)}
    for node in nodes:
        for i, arg in enumerate(node.args):
            if isinstance(arg, Node) and carries(node, i):
                yield ids[node], ids[arg], local_jacobian(node, i)


@graphs
def test_a_trace_has_the_rows_and_columns_of_the_jacobians(show, graph):
    root = graph(*numbers(graph, 0))
    page = show(made(root))
    data, grads = engine(root)
    jacobians = list(edges_of(root))
    rng = np.random.default_rng(5)
    for node in range(len(data)):
        for k in {0, int(rng.integers(np.size(data[node]))), np.size(data[node]) - 1}:
            told = page.run("return player.trace(arguments[0], arguments[1])", node, k)
            wanted = [(tail, j, J[k, j]) for head, tail, J in jacobians if head == node for j in range(J.shape[1])]
            check(told["from"], [term for term in wanted if term[2] != 0.0], "local")
            for term in told["from"]:
                assert math.isclose(term["value"], np.ravel(data[term["node"]])[term["k"]], rel_tol=1e-12)
            wanted = [
                (head, q, np.ravel(grads[head])[q] * J[q, k])
                for head, tail, J in jacobians if tail == node for q in range(J.shape[0]) if J[q, k] != 0.0
            ]  # fmt: skip
            check(told["uses"], wanted, "contribution")
            assert math.isclose(told["grad"], np.ravel(grads[node])[k], rel_tol=1e-12, abs_tol=1e-15)
            if node != len(data) - 1:
                assert math.isclose(told["sum"], told["grad"], rel_tol=1e-9, abs_tol=1e-12)


def check(terms, wanted, number):
    found = sorted((t["node"], t["k"], t[number]) for t in terms)
    assert [t[:2] for t in found] == [t[:2] for t in sorted(wanted)]
    np.testing.assert_allclose([t[2] for t in found], [t[2] for t in sorted(wanted)], rtol=1e-10, atol=1e-14)


SUMS = """
const { data } = player.numbers(), wrong = [], size = x => [x].flat(Infinity).length;
for (let node = 0; node < data.length - 1; node++)
    for (let k = 0; k < size(data[node]); k++) {
        const told = player.trace(node, k);
        if (!(Math.abs(told.sum - told.grad) <= 1e-9 * Math.max(1, Math.abs(told.grad)))) wrong.push(told);
    }
return wrong;
"""


@pytest.mark.parametrize("part", range(3))
def test_of_every_row_the_numbers_are_the_engines_and_the_uses_in_traces_add_up(show, part):
    outputs = []
    for row in ROWS[part::3]:
        small = [args for args in cases(row) if 0 < sum(np.size(args[i]) for i in differentiable(row, args)) < 20]
        for args in small[-2:]:
            z, _ = called(row, args, differentiable(row, args))
            if "lacking" in record_of(
                z, names_of(order(z), None, z), gradient=np.ones(z.shape)
            ):  # it keeps its numbers
                continue
            outputs.append((z * direction(z.shape, 1)).sum() if z.ndim else z * 1.5)
    assert len(outputs) > 20
    page = show(made(ops.add_n(*outputs), engine="python"))
    same_steps(page, page.made.frames)
    assert page.run(SUMS) == []


def test_links_lead_from_a_weights_entry_to_the_loss(show):
    page = show(made(matrices(*numbers(matrices, 0))))
    choose(page, leaf(page, "W"))
    page.run("document.querySelectorAll('#chosen .entry')[3].click()")
    assert page.said().startswith("W[1,1] = ")
    assert "entry=W%5B1%2C1%5D" in page.address()
    way = ["W[1,1]"]
    heading = "return document.querySelector('.trace h4 code').textContent"
    while way[-1] != "L":
        page.run("[...document.querySelectorAll('.trace table')].pop().querySelector('button').click()")
        way.append(page.run(heading))
        assert page.run("return document.activeElement.tagName") == "H4"
        assert page.said().startswith(f"{way[-1]} = ")
        assert "✓" in page.panel("chosen") or way[-1] == "L"
        assert len(way) < 9
    assert [name.split("[")[0] for name in way] == ["W", "v1", "v2", "v3", "v4", "v5", "L"]
    assert page.run("return document.querySelectorAll('.trail button').length") == len(way) - 1
    page.run("document.querySelector('.trail button').click()")
    assert page.run(heading) == "W[1,1]"
    page.run("document.querySelector('.trace h4').nextSibling")
    assert "agrees" in page.panel("chosen")
    page.run("[...document.querySelectorAll('.trace button')].find(e => e.textContent === 'change it').click()")
    assert page.run("return document.activeElement.getAttribute('aria-label')") == "W[1,1]"


def test_a_trace_is_in_the_address(show):
    page = show(made(matrices(*numbers(matrices, 0))), "#step=12&entry=v3%5B2%2C1%5D")
    assert page.at() == 12
    assert page.run("return document.querySelector('.trace h4 code').textContent") == "v3[2,1]"
    assert page.address().endswith("#step=12&entry=v3%5B2%2C1%5D")
    for step, wrong in enumerate(("v3[9,9]", "v3[0]", "v3", "<img>[0]", "v3[0,-1]", "[", "v3[,]"), 3):
        for address, traces in ((f"#step={step}&entry={wrong}", 0), ("#step=12&entry=v3[2,1]", 1)):
            page.browser.execute_async_script(
                "addEventListener('hashchange', () => arguments[1](), { once: true }); location.hash = arguments[0];"
                "history.replaceState(null, '', '#step=1')",  # as the page does on its own soon after a step
                address,
            )
            assert f"#step={page.at()}&" in address, wrong
            assert page.run("return document.querySelectorAll('.trace').length") == traces, wrong


def test_a_trace_follows_the_entries_and_keeps_the_focus(show):
    x, W, b = numbers(matrices, 0)
    page = show(made(matrices(x, W, b)))
    choose(page, leaf(page, "W"))
    page.run("document.querySelectorAll('#chosen .entry')[3].focus()")
    page.press(Keys.ENTER)
    before = page.run("return document.querySelector('.trace h4').textContent")
    page.press(Keys.ARROW_LEFT)
    page.press(Keys.ARROW_UP)
    assert page.run("return document.activeElement.title").startswith("W[0,0] = ")
    page.press(Keys.ENTER)
    assert page.run("return document.querySelector('.trace h4 code').textContent") == "W[0,0]"
    assert page.run("return document.activeElement.getAttribute('aria-pressed')") == "true"
    assert page.run("return document.querySelector('.trace h4').textContent") != before
    W[0, 0] = 0.125
    page.run("player.setLeaves([[arguments[0], arguments[1]]])", leaf(page, "W"), W.tolist())
    assert "0.125" in page.run("return document.querySelector('.trace h4').textContent")
    assert page.run("return document.activeElement.title").startswith("W[0,0] = 0.125")
    page.press(Keys.ARROW_DOWN, Keys.ESCAPE)
    assert page.run("return document.getElementById('chosen').hidden")
    assert page.at() == 0


def test_long_sums_show_the_largest_and_say_how_many_more(show):
    page = show(made((Tensor(np.arange(40.0), label="x") * Value(2.0, label="s")).sum()))
    s = leaf(page, "s")
    choose(page, s)
    page.run("document.querySelector('#chosen .link:not(.ledger .link)').click()")
    rows = page.run("return document.querySelectorAll('.trace tbody tr').length")
    assert rows == 12
    assert "and 27 more, together 378" in page.panel("chosen")
    assert "sum of 39: 780 ✓" in page.panel("chosen")


def test_what_is_too_large_to_be_taken_apart_is_said_to_be(show):
    page = show(made((ops.softmax(Tensor(np.linspace(-1, 1, 20_000), label="x")) ** 2.0).sum()))
    told = page.run("return player.trace(arguments[0], 7)", leaf(page, "x"))
    assert [term["k"] for term in told["uses"]] == [None]
    assert told["sum"] == told["grad"]
    choose(page, leaf(page, "x"))
    page.run("document.querySelector('#chosen .index button').click()")
    assert "too long" in page.panel("chosen")


# The page ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_row():
    row = Op("doubled", lambda x: x * 2.0, lambda g, y, x: g * 2.0)
    yield row
    del TABLE["doubled"]


HOSTILE = ["<img src=x onerror=alert(1)>", "a[0]", "'\"`${alert(1)}", "__proto__", "</script>"]


def test_hostile_labels_are_text_and_have_traces(show):
    root = ops.add_n(*(Tensor([float(i), 1.0], label=label) for i, label in enumerate(HOSTILE))).sum()
    page = show(made(root))
    for v in page.made.frames.vertices:
        choose(page, v.id)
        page.run("(document.querySelector('#chosen .entry') ?? document.querySelector('#chosen .link')).click()")
        assert page.run("return document.querySelector('.trace h4 code').textContent").startswith(v.name)
    assert page.run("return document.querySelectorAll('img').length") == 0


def test_the_quiz_hides_the_traces(show):
    page = show(made(matrices(*numbers(matrices, 0))), "#step=0&entry=W%5B0%2C0%5D")
    page.click("tab-quiz")
    page.click("quiz-start")
    assert page.run("return document.querySelectorAll('.trace').length") == 0
    assert page.run("return document.querySelector('#chosen .entry')") is not None


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen_and_all_that_is_pressed_has_a_name(show, browser, width):
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    wide = Tensor(np.random.default_rng(0).normal(size=(4, 16)), label="wide")
    big = Tensor(np.random.default_rng(0).normal(size=(16, 40)), label="big")
    page = show(made(ops.tanh(wide @ big).sum()))
    for node in range(len(page.made.frames.vertices)):
        choose(page, node)
        page.run("document.querySelector('#chosen :is(.entry, .index button, .link)').click()")
        page.press(Keys.ARROW_RIGHT)
        found, nameless = page.run("""
            const label = e => e.labels?.[0]?.textContent.trim();
            const name = e => e.getAttribute("aria-label") || e.textContent.trim() || label(e) || e.title;
            const pressed = [...document.querySelectorAll("button,input,select,[role=button]")];
            return [document.documentElement.scrollWidth, pressed.filter(e => !name(e)).map(e => e.outerHTML)];
        """)
        assert found <= width
        assert nameless == []
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_graph_with_a_row_that_javascript_lacks_stays_as_recorded_and_says_why(show, own_row):
    x = Tensor(np.ones((2, 2)), label="x")
    page = show(made((own_row(x) * x).sum()))
    assert "JavaScript has no doubled here" in page.panel("live")
    assert not page.run("return document.getElementById('inputs').checkVisibility()")
    same_steps(page, page.made.frames)
    page.press(*[Keys.ARROW_RIGHT] * len(page.made.frames.steps))
    assert page.at() == page.steps()
    choose(page, 0)
    assert page.run("return document.querySelectorAll('#chosen table.heat, #step table.heat').length") > 0
    page.click("tab-mistakes")
    page.enter("mistake", "overwrite", "change")
    assert "JavaScript has no doubled here" in page.panel("wrong")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_step_shows_the_numbers_of_the_record(show, dtype):
    x = Tensor(np.array([0.5, -2.0], dtype=dtype), label="x")
    page = show(made((x * x + ops.sin(x) * x).sum()))
    steps = [step for step in page.made.frames.steps if step.kind == "contribute" and step.local is not None]
    assert len(steps) == 7
    parts = ("upstream", "local", "contribution")
    look = """
        const cells = selector => [...document.querySelectorAll(selector)].map(e => e.title || e.textContent);
        return [...arguments[0].map(part => cells(`.term.${part} :is(td, div > b:not(:has(td)))`)), cells(".total td")];
    """
    for step, (*terms, last) in zip(steps, page.walk(look, [step.i for step in steps], parts), strict=True):
        for part, cells in zip(parts, terms, strict=True):
            np.testing.assert_allclose([float(c) for c in cells], np.ravel(getattr(step, part)), rtol=1e-6)
        sums = [*np.ravel(step.before), *np.ravel(step.contribution), *np.ravel(step.after)]
        np.testing.assert_allclose([float(c) for c in last], sums if step.before is not None else [], rtol=1e-6)


def test_an_array_without_entries_is_shown(show):
    page = show(made((Tensor(np.zeros((0, 3)), label="x") * Tensor([1.0, 2.0, 3.0])).sum()))
    page.press(*[Keys.ARROW_RIGHT] * len(page.made.frames.steps))
    for v in page.made.frames.vertices:
        choose(page, v.id)
    assert page.at() == page.steps()
