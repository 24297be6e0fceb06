"""The page's engine in V8: of every row, and of random graphs, the steps, the numbers and the words of Python."""

import json
import random
import re

import numpy as np
import pytest
from table_cases import ROWS, called, cases, differentiable, direction
from v8 import javascript

from autograd_mini import Tensor, Value, linalg, ops
from autograd_mini.node import Node
from autograd_mini.op import TABLE, Elementwise, Op
from autograd_mini.programs.languages.javascript_table import refused, rules_of, table_source
from autograd_mini.sweep import order
from autograd_mini.text.formula import names_of
from viz.stepping.card_svg import asset
from viz.stepping.frames import frames_of
from viz.stepping.mistakes import compare, mistakes
from viz.stepping.record import record_of
from viz.stepping.sentences import TEMPLATES, sentences

NUMBERS = ("local", "upstream", "contribution", "before", "after")
TELL = """
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
globalThis.atob = text => {  // V8 alone has none
  const bits = [...text.replace(/=/g, "")].map(c => LETTERS.indexOf(c).toString(2).padStart(6, "0")).join("");
  return (bits.match(/.{8}/g) || []).map(byte => String.fromCharCode(parseInt(byte, 2))).join("");
};
const odd = x => Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
const plain = x => isArray(x) ? plainArray(x) : Number.isFinite(x) ? x : odd(x);
const known = x => x === undefined ? null : plain(x);
globalThis.tell = (record, leaves) => {
  take(JSON.parse(record));
  for (const [i, x] of Object.entries(JSON.parse(leaves))) data[i] = Array.isArray(x) ? MEANING.array(x) : x;
  recompute();
  return JSON.stringify({
    lacking: Boolean(lacking),
    vertices: vertices.map(v => [v.name, v.latex, v.op, v.equation, v.shape || [], v.uses, plain(data[v.id])]),
    edges: edges.map(e => [e.tail, e.head, e.place, e.carries, e.symbols, e.latex, known(e.local)]),
    steps: base.map(s => [s.kind, s.node, s.edge ?? null, s.target ?? null, s.uses_left ?? null,
                          s.axes || [], s.shape || [], ...NUMBERS_OF.map(name => known(s[name]))]),
    sentences: base.map((s, i) => sentence({ first: i, last: i, group: "" })),
  });
};
globalThis.wrong = key => {
  const senders = [...new Set(base.filter(s => s.kind === "contribute" && edges[s.edge].carries).map(s => s.node))];
  const into = vertices.map(v => edges.filter(e => e.head === v.id && e.carries));
  const held = key === "zero_grad" ? grads.map((g, i) => vertices[i].op || i === root ? undefined : g) : [];
  const sweep = newSweep(nodes, data, seed, into, held);
  WRONG[key](sweep, senders);
  const sent = s => [edges[s.edge].head, edges[s.edge].place, plain(s.contribution), plain(s.after)];
  return JSON.stringify([sweep.g.map(known), sweep.sent.map(sent)]);
};
"""


@pytest.fixture(scope="module")
def page():
    scripts = "".join(map(asset, ("engine.js", "core.js", "arrays.js")))
    with javascript() as racer:
        racer.eval(f"(() => {{ const TEMPLATES = {json.dumps(TEMPLATES)};\n{table_source()}\n{scripts}\n{TELL} }})()")
        yield racer


def told(page, root, gradient=None, leaves=None):
    record = record_of(root, names_of(order(root), None, root), gradient=gradient)
    return json.loads(page.call("tell", json.dumps(record), json.dumps(leaves or {})))


def same(found, wanted, what, rtol=1e-12, kept=False):
    """Check a number of the page; where the frames have the norm alone, that of the page's array.

    `kept` says that it may be missing: of a row that keeps its recorded numbers the page has no local derivative.
    """
    if kept and found is None:
        return
    if isinstance(found, (int, float)) and found == wanted:
        return
    assert (found is None) == (wanted is None), what
    if wanted is None:
        return
    found = np.ravel(np.array(found, dtype=object)).astype(float)
    found, wanted = (np.linalg.norm(found), wanted["norm"]) if isinstance(wanted, dict) else (found, np.ravel(wanted))
    np.testing.assert_allclose(found, np.asarray(wanted, dtype=float), rtol=rtol, atol=1e-13, err_msg=str(what))


def shortened(text):
    """Return a text with the last places of its numbers cut: constants that V8's functions made are not numpy's."""
    return re.sub(r"\d+\.\d{13,}", lambda number: f"{float(number[0]):.12g}", text or "")


def check(page, root, gradient=None, leaves=None, rtol=1e-12):
    """Check all that the page says of a graph against the frames."""
    frames, found = frames_of(root, gradient=gradient), told(page, root, gradient, leaves)
    kept = found["lacking"]
    for v, (*words, uses, x) in zip(frames.vertices, found["vertices"], strict=True):
        assert words == [v.name, v.latex, v.op, v.equation, list(v.shape)]
        assert uses == v.uses
        same(x, v.data, v, rtol)
    for e, (*words, symbols, latex, local) in zip(frames.edges, found["edges"], strict=True):
        assert words == [e.tail, e.head, e.place, e.carries]
        assert [*map(shortened, (symbols, latex))] == [*map(shortened, (e.symbols, e.latex))]
        same(local, e.local, e, rtol, kept)
    for s, (*words, a, b, c, d, f) in zip(frames.steps, found["steps"], strict=True):
        assert words == [s.kind, s.node, s.edge, s.target, s.uses_left, list(s.axes), list(s.shape)]
        for name, number in zip(NUMBERS, (a, b, c, d, f)):
            same(number, getattr(s, name), (name, s), rtol, kept and name == "local")
    return frames, found


LACKING = [
    row for row in ROWS if row in vars(linalg).values() and row not in vars(ops).values()
]  # no such in JavaScript


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_its_rules_and_its_words_are_the_tables_or_it_is_refused_and_keeps_its_numbers(row, page):
    assert (refused([row.name]) == [row.name]) == (row in LACKING)
    for args in cases(row):
        z, _ = called(row, args, differentiable(row, args) or [0])
        check(page, z, direction(np.shape(z.data), 1), rtol=1e-11)


LABELS = ["x", "w1", "theta", "a b", "W[1][0,2]", "loss", "x_bar", "50 %"]
CONSTANTS = [2.0, -1.0, 0.0, 1.0, 0.5, 3.0, 1e-7, -2.5, 1e20, 0.1]
ELEMENTWISE = [row for row in ROWS if isinstance(row, Elementwise)]


def random_graph(seed, size=25):
    rng = random.Random(seed)
    nodes = [Value(rng.uniform(0.2, 1.9), label=rng.choice(LABELS)) for _ in range(4)]
    for _ in range(size):
        row = rng.choice(ELEMENTWISE)
        args = [rng.choice(nodes[-8:]) if rng.random() < 0.75 else rng.choice(CONSTANTS) for _ in row.params]
        nodes += [row(*args)] if any(isinstance(a, Node) for a in args) else []
    return ops.add_n(*nodes[-3:])


@pytest.mark.parametrize("seeds", [range(k, k + 25) for k in range(0, 100, 25)], ids=str)
def test_random_graphs_of_all_rows_and_constants(seeds, page):
    for seed in seeds:
        root = random_graph(seed)
        frames, found = check(page, root)
        if all(abs(v.data) < 1e6 for v in frames.vertices):
            assert found["sentences"] == list(sentences(frames))


def random_arrays(seed):
    rng = random.Random(seed)
    numbers = np.random.default_rng(seed)
    nodes = [Tensor(numbers.normal(size=shape)) for shape in ((2, 3), (3,), (2, 1), (9, 9))] + [Value(numbers.normal())]
    smooth = [ops.tanh, ops.sin, ops.softmax, ops.square, ops.sigmoid, lambda x: ops.cumsum(x, 0) if x.ndim else x]
    for _ in range(12):
        a, b = rng.choice(nodes[:3] + nodes[4:]), rng.choice(nodes[:3] + nodes[4:])
        nodes.append(
            rng.choice([ops.add, ops.mul, ops.sub])(a, b) if rng.random() < 0.6 else _smooth(rng.choice(smooth), a)
        )
    return ops.add_n(*(n.sum() for n in nodes[3:4] + nodes[-5:]))


def _smooth(row, a):
    return row(a) if a.ndim else ops.tanh(a)


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_of_arrays(seed, page):
    check(page, random_arrays(seed), -1.5)


@pytest.mark.parametrize("make", [random_graph, random_arrays], ids=["numbers", "arrays"])
@pytest.mark.parametrize("seed", range(200, 206))
def test_after_sliders_were_moved_all_is_as_if_it_had_been_recorded_so(seed, make, page):
    first, second = make(seed), make(seed)
    numbers = np.random.default_rng(seed)
    moved = {}
    for i, (a, b) in enumerate(zip(order(first)[::-1], order(second)[::-1], strict=True)):
        if a.op is None:
            moved[i] = numbers.uniform(0.3, 1.7, size=a.shape).tolist()
            b._data = np.asarray(moved[i]) if b.ndim else moved[i]
        else:
            b._data = b.op.compute(*(x._data if isinstance(x, Node) else x for x in b.args))
    frames, found = frames_of(second), told(page, first, leaves=moved)
    for s, (*_, a, b, c, d, f) in zip(frames.steps, found["steps"], strict=True):
        for name, number in zip(NUMBERS, (a, b, c, d, f)):
            same(number, getattr(s, name), (name, s))


@pytest.mark.parametrize("key", list(mistakes))
@pytest.mark.parametrize("seed", range(5))
def test_wrong_sweeps_are_those_of_python(key, seed, page):
    for root in (random_graph(seed, 12), random_arrays(seed)):
        told(page, root)
        wrong, sent = json.loads(page.call("wrong", key))
        both = compare(root, key, names={})
        for name, g in zip(both.names, wrong):
            same(g, both.wrong_gradients.get(name), name)
        if both.stopped:
            continue
        for (user, position, amount, after), s in zip(sent, both.wrong, strict=True):
            assert (user, position) == (s.user, s.position)
            same(amount, s.amount, s)
            same(after, s.after, s)


def test_single_precision_is_rounded_where_numpy_rounds(page):
    x = Tensor(np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3), label="x")
    check(page, (ops.tanh(x) * x).sum(), rtol=1e-6)


def test_a_new_row_is_in_the_page_or_is_refused_by_name(page):
    row = Op("my_row", lambda x: x * 2.0, lambda g, y, x: g * 2.0)
    try:
        assert refused(["mul", "my_row"]) == ["my_row"]
        check(page, (row(Tensor([1.0, 2.0])) * 3.0).sum())
    finally:
        del TABLE["my_row"]
    for row in ROWS:
        known = row in LACKING or None not in rules_of(row)
        assert known, f"a rule of {row.name} is no expression that JavaScript can have"


def test_the_table_of_numbers_is_short_and_knows_no_arrays():
    assert len(table_source(False)) < 12_000
    assert "einsum" not in table_source(False)
