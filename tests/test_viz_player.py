"""The player: one file that is whole, inert whatever labels say, and small; places without overlaps; the animation."""

import base64
import hashlib
import html
import json
import random
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
import zlib

import numpy as np
import pytest

from autograd_mini import ShapeError, Tensor, Value, ops
from autograd_mini.op import TABLE, Op
from nn import MLP, Dense
from viz.colours import PALETTE
from viz.graph.layout_programs import RenderError
from viz.stepping.card_layout import OPEN, card_layout_of
from viz.stepping.fold_data import folds_of
from viz.stepping.frames import fold, frames_of, gradients
from viz.stepping.player_page import HELD, MOST, PlayerError, code, player

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "]]>",
    "a\u2028b\u2029c",
    "\ud800",
    "'\"`${1}`\\",
    "{{script}}",
    "&lt;b&gt;",
    "\x00\x1f",
    "\u202eabc",
    "x" * 10**6,
    "__proto__",
    "inf",
    "日本語 😀",
]


def neuron():
    w1, x1, w2, x2 = (Value(v, label=n) for n, v in [("w1", -3.0), ("x1", 2.0), ("w2", 1.0), ("x2", 0.0)])
    return (w1 * x1 + w2 * x2 + Value(6.881373587019543, label="b")).tanh()


def network():
    net = MLP(2, [16, 16, 1], "tanh", rng=0)
    return (net([1.0, -2.0]) - 1.0) ** 2.0, net


def arrays():
    rng = np.random.default_rng(0)
    x, W = Tensor(rng.normal(size=(4, 2)), label="x"), Tensor(rng.normal(size=(3, 2)), label="W")
    return (ops.softmax(x @ W.T + Tensor([0.1, 0.2, 0.3], label="b")) ** 2.0).sum()


def random_scalars(seed, size):
    rng = random.Random(seed)
    nodes = [Value(rng.uniform(-1, 1), label=f"x{i}") for i in range(5)]
    for _ in range(size):
        a, b = rng.choice(nodes[-20:]), rng.choice(nodes[-20:])
        nodes.append(rng.choice([ops.add, ops.mul, ops.sub])(a, b) if rng.random() < 0.6 else ops.tanh(a))
    return ops.add_n(*nodes[-4:])


def page(root, **settings):
    return player(root, names={}, **settings).html


def scripts(text):
    """Return the script that starts, and the one that it unpacks."""
    packed = re.search(r'id="code">([^<]*)<', text)[1]
    return [*re.findall(r"<script>(.*?)</script>", text, re.S), zlib.decompress(base64.b64decode(packed)).decode()]


def record_in(text):
    return json.loads(re.search(r'id="record">(.*?)</script>', text, re.S)[1])


PAGES = [lambda: page(neuron()), lambda: page(network()[0], model=network()[1]), lambda: page(arrays())]


@pytest.mark.parametrize("make", PAGES)
def test_the_page_names_no_other_place(make):
    text = make()
    assert set(re.findall(r"https?://[^\s\"'<>)]*", text)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(?:src|href)\s*=\s*[\"'](?!#)", re.sub(r"<script.*?</script>", "", text, flags=re.S))
    assert not re.search(r"@import|url\((?!#)", text)


@pytest.mark.parametrize("make", PAGES)
def test_the_policy_lets_our_scripts_run_and_no_other(make):
    text = make()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in policy
    own = {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts(text)}
    assert set(re.findall(r"sha256-([^']*)'", policy)) == own
    assert not re.search(
        r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write", "".join(scripts(text))
    )
    assert not re.search(r"<[^>]*\son\w+=", re.sub(r"<script.*?</script>", "", text, flags=re.S))


def test_pages_are_small():
    root, net = network()
    assert len(page(neuron()).encode()) < 100_000
    assert len(page(root, model=net).encode()) < 200_000
    flat = player(random_scalars(0, 600), names={})
    assert len(flat.frames.steps) > 1000
    assert len(flat.html.encode()) < 3_000_000


def test_the_code_is_one_for_all_pages_of_numbers_and_one_for_all_of_arrays():
    assert scripts(page(neuron()))[-1] == scripts(page(network()[0]))[-1] == code(False)
    assert scripts(page(arrays()))[-1] == scripts(page(ops.logsumexp(Value(2.0)) * 2.0))[-1] == code(True)


def test_two_runs_give_the_same_bytes():
    assert page(neuron()) == page(neuron())
    assert page(network()[0]) == page(network()[0])
    assert player(neuron(), names={}).animation == player(neuron(), names={}).animation


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_label_is_inert(label):
    x = Value(2.0, label=label)
    y = x * x
    y.label = label
    made = player(y, names={})
    text = made.html
    assert text.encode("utf-8")
    assert len(scripts(text)) == 3
    assert "alert" not in "".join(scripts(text))
    kinds = re.findall(r"<script([^>]*)>", text)
    assert len(kinds) == text.count("</script>") == 4
    assert record_in(text)["title"] == made.frames.title
    for svg in (made.svg, made.animation):
        assert {e.tag.removeprefix(SVG) for e in ElementTree.fromstring(svg).iter()} <= {
            "svg", "g", "rect", "text", "path", "style", "defs", "marker", "title", "circle",
        }  # fmt: skip


def test_without_scripts_there_is_the_graph_and_the_list_of_all_steps():
    made = player(neuron(), names={})
    listed = re.search(r"<noscript>(.*?)</noscript>", made.html, re.S)[1]
    assert listed.count("<li>") == len(made.frames.steps)
    assert "dL/dw1 receives 0.5 × 2 = 1; total 1; complete." in html.unescape(listed)
    before = made.html.split("<noscript>")[0]
    assert 'class="value grad"' in before
    assert ">0.7071</text>" in before


def test_a_record_holds_leaves_ops_and_names_and_nothing_that_follows_from_them():
    assert record_in(page(neuron()))["nodes"] == [
        [-1, -3.0, "w1"], [-1, 2.0, "x1"], [-1, 1.0, "w2"], [-1, 0.0, "x2"], [0, [0, 1]], [0, [2, 3]], [1, [4, 5]],
        [-1, 6.881373587019543, "b"], [1, [6, 7]], [2, [8], "L"],
    ]  # fmt: skip


def test_many_entries_travel_as_bytes():
    large = np.arange(100.0)
    x, c = Tensor(large, label="x"), Tensor([1.0, 2.0], label="c")
    y = x * 2.0
    made = player(y, large[::-1], names={})
    for written, wanted in ((made.record["nodes"][0][1], large), (made.record["seed"], large[::-1])):
        assert written["shape"] == [100]
        assert np.frombuffer(base64.b64decode(written["bytes"]), "<f8").tolist() == wanted.tolist()
    assert player(c.sum(), names={}).record["nodes"][0][1] == {"shape": [2], "data": [1.0, 2.0]}


def test_a_row_that_javascript_lacks_is_named_and_keeps_the_numbers_of_the_record():
    row = Op("doubled", lambda x, how: x * 2.0, lambda g, y, x, how: g * 2.0, None)
    row.name = "doubled</script>"
    try:
        for setting in (object(), 3 + 2j, "</script>"):
            for x in (Tensor([1.0, 2.0]), Value(2.0)):
                text = page(row(x, setting).sum())
                assert record_in(text)["lacking"] == ["doubled</script>"]
                assert len(scripts(text)) == 3
    finally:
        del TABLE["doubled"]


def test_a_condition_that_was_decided_in_the_record_is_not_computed_anew():
    x, t = Value(2.0, label="x"), Tensor([1.0, 2.0], label="t")
    for decided in (ops.where(x.data > 1.0, x * x, 3.0 * x), ops.where(t.data > 1.0, t, 0.0).sum(), t[t > 1.5].sum()):
        record = record_in(page(decided))
        assert record["lacking"]
        assert "decided when this was recorded" in record["why"]
    for branch in (x * x if x > 1.0 else 3.0 * x, t[t.argmax()] * 2.0):
        record = record_in(page(branch))
        assert record["lacking"] == []
        assert "a branch was taken when this was recorded" in record["why"]
    x, t = Value(2.0, label="x"), Tensor([1.0, 2.0], label="t")
    for recorded in (ops.where(x > 1.0, x * x, 3.0 * x), ops.where(t > 1.0, t, 0.0).sum(), t.sum() * (x >= 1.0)):
        assert "lacking" not in record_in(page(recorded))
    for live in (ops.where(ops.greater(x, 1.0), x * x, 3.0 * x), t[1] * t[[0, 1]].sum(), t.sum(0, True)[0]):
        assert "lacking" not in record_in(page(live))


@pytest.mark.slow
def test_the_lines_in_a_page_compute_what_the_engine_does():
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    x, y = Value(0.5, label="x"), Value(np.nan, label="</script>")
    roots = [neuron(), random_scalars(1, 100), ops.where(x > 1.0, x * x, 3.0 * x), x**3.5 - y * -np.inf, ops.gelu(x)]
    for root in roots:
        made = player(root, names={})
        assert made.plain in scripts(made.html)
        data = [v.data for v in made.frames.vertices]
        given = "".join(f"d[{i}] = {v.data};" for i, v in enumerate(made.frames.vertices) if v.op == "").replace(
            "nan", "NaN"
        )
        code = f"{made.plain}\nconst d = []; {given} for (const [i, f] of LIVE.forward) d[i] = f(d); console.log(...d)"
        found = subprocess.run(
            [node, "-e", code], capture_output=True, text=True, check=True, timeout=120
        ).stdout.split()
        np.testing.assert_allclose([float(v.replace("Infinity", "inf")) for v in found], data, rtol=1e-12)
    assert player(arrays(), names={}).plain == player(random_scalars(0, 300), names={}).plain == ""


def test_more_entries_than_a_page_can_hold_are_refused():
    with pytest.raises(PlayerError, match=r"1,000,002 entries, more than the 1,000,000"):
        player((Tensor(np.zeros(HELD + 1)) * 2.0).sum(), names={})
    rng = np.random.default_rng(0)
    assert len(page((Tensor(rng.normal(size=(500, 100)), label="W") * 2.0).sum()).encode()) < 1_000_000


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_thousand_steps_of_arrays_are_less_than_one_and_a_half_megabytes(dtype):
    rng = np.random.default_rng(0)
    h, W = Tensor(rng.normal(size=(8, 8)).astype(dtype)), Tensor(rng.normal(size=(8, 8)).astype(dtype))
    for _ in range(112):
        h = ops.tanh(h @ W + h)
    made = player(h.sum(), names={})
    assert len(made.frames.steps) > 1000
    assert len(made.html.encode()) < 1_500_000


def test_the_scripts_of_arrays_are_in_pages_of_arrays_alone():
    for name in ("function heat", "function traceOf", "function einsum"):
        assert name in code(True)
        assert name not in code(False)


def test_a_notebook_shows_the_page_in_a_frame_of_its_own():
    made = player(neuron(), names={})
    bundle = made._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
    assert bundle["text/html"] == made._repr_html_()
    (inner,) = re.findall(r'srcdoc="([^"]*)"', bundle["text/html"])
    assert html.unescape(inner) == made.html
    ElementTree.fromstring(bundle["image/svg+xml"])
    assert bundle["text/plain"] == "<Player of L: 10 nodes, 16 steps>"


def test_files(tmp_path):
    made = player(neuron(), names={})
    assert made.save(tmp_path / "a.html").read_text(encoding="utf-8") == made.html
    assert made.save(str(tmp_path / "b.SVG")).read_text(encoding="utf-8") == made.animation
    for name in ("a.png", "a", "a.html.txt"):
        with pytest.raises(PlayerError, match="suffix"):
            made.save(tmp_path / name)
    with pytest.raises(OSError):
        made.save(tmp_path / "none" / "a.html")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "b.SVG"]


@pytest.mark.parametrize("root", [None, 1.0, "x", [Value(1.0)]])
def test_what_is_no_node_is_refused(root):
    with pytest.raises(PlayerError, match="root"):
        player(root)


@pytest.mark.parametrize("settings", [{"engine": "none such"}, {"model": 3}, {"names": ["x"]}])
def test_settings_that_are_none_are_refused_by_name(settings):
    with pytest.raises(PlayerError, match=next(iter(settings))):
        player(neuron(), **settings)


def test_parameters_are_named_after_their_places_in_the_model():
    net = Dense(2, 3, "tanh", rng=0)
    made = player(net(np.ones((4, 2))).sum(), names={}, model=net)
    assert {v.name for v in made.frames.vertices if not v.op} == {"W", "b"}


def test_variables_name_nodes_and_models():
    net = MLP(2, [4, 1], "tanh", rng=0)
    loss = (net([1.0, 2.0]) - 1.0) ** 2.0
    made = player(loss)
    assert made.frames.title == "loss"
    assert "layer 1" in {f.title for f in made.frames.folds}


def test_a_root_with_axes_takes_a_gradient():
    y = Tensor([1.0, 2.0], label="x") * 3.0
    with pytest.raises(ShapeError):
        player(y, names={})
    assert gradients(player(y, [1.0, -1.0], names={}).frames.plain())["x"].tolist() == [3.0, -3.0]


# Places --------------------------------------------------------------------------------------------------------------


def boxes(scope, places):
    half = {card: [side / 2 for side in places.size(card)] for card in scope.cards}
    return {c: (x - half[c][0], y - half[c][1], x + half[c][0], y + half[c][1]) for c, (x, y) in scope.cards.items()}


def overlap(a, b):
    return min(a[2], b[2]) - max(a[0], b[0]) > 0.5 and min(a[3], b[3]) - max(a[1], b[1]) > 0.5


@pytest.mark.parametrize("seed", range(6))
def test_no_card_lies_on_another(seed):
    root = network()[0] if not seed else random_scalars(seed, 40)
    folds, paths = folds_of(root, None, {})
    places = card_layout_of(frames_of(root, None, paths, folds))
    found = list(boxes(places.scope, places).values())
    assert not [1 for i, a in enumerate(found) for b in found[:i] if overlap(a, b)]


def test_what_is_seen_at_the_start_are_the_nodes_and_groups_that_no_closed_group_is_around():
    root, net = network()
    folds, paths = folds_of(root, net, {})
    frames = frames_of(root, None, paths, folds)
    places = card_layout_of(frames)
    opened = {"", *places.opened}
    seen = {f"n{v.id}" for v in frames.vertices if {*v.group_path} <= opened}
    assert set(places.scope.cards) == seen | {f.id for f in folds if f.parent in opened and f.id not in opened}
    assert len(places.scope.cards) <= OPEN
    assert set(places.scope.frames) == set(places.opened)


def test_a_small_graph_is_all_open_and_equal_parts_of_a_large_one_are_drawn_once():
    assert "g0" not in player(neuron(), names={}).places.scope.cards
    root, net = network()
    made = player(root, names={}, model=net)
    assert made.svg.count('class="card fold round"') == 33
    wide = MLP(1, [40, 1], "tanh", rng=0)
    made = player(wide([1.0]), names={}, model=wide)
    piles = {f.id for f in made.frames.folds if f.count > 1}
    assert len(piles & set(made.places.scope.cards)) == 1
    assert "neuron ×40" in made.svg


@pytest.mark.parametrize("make", [neuron, lambda: network()[0], lambda: random_scalars(3, 40), arrays])
def test_without_a_layout_program_there_is_a_layout_of_our_own(make, monkeypatch):
    monkeypatch.setattr("viz.graph.layout_programs.find", lambda engine: [])
    for engine in ("python", "auto"):
        made = player(make(), names={}, engine=engine)
        assert made.places.engine == "python"
        assert {f.kind for f in made.frames.folds if f.id in made.places.opened} <= {"network", "layer"}
        found = list(boxes(made.places.scope, made.places).values())
        assert not [1 for i, a in enumerate(found) for b in found[:i] if overlap(a, b)]
        ElementTree.fromstring(made.svg)
    with pytest.raises(RenderError):
        player(make(), names={}, engine="bundled")


# The animation -------------------------------------------------------------------------------------------------------


def test_the_animation_has_no_script_and_stands_still_where_motion_is_unwanted():
    svg = player(neuron(), names={}).animation
    root = ElementTree.fromstring(svg)
    assert not [e for e in root.iter() if e.tag.removeprefix(SVG) in ("script", "animate", "foreignObject")]
    assert "prefers-reduced-motion" in svg
    captions = [e.text for e in root.iter() if "caption" in e.get("class", "")]
    assert len(captions) == 16


def test_each_timed_thing_has_keyframes_that_show_it_in_its_time():
    svg = player(network()[0], names={}, model=network()[1]).animation
    used = set(re.findall(r'class="[^"]*timed (t\d+-\d+)', svg))
    assert used == set(re.findall(r"@keyframes (t\d+-\d+)", svg))
    for name in used:
        start, end = map(int, name[1:].split("-"))
        assert 0 <= start < end


def test_the_totals_of_an_animation_are_those_of_the_frames():
    x = Value(3.0, label="x")
    svg = player(x * x * x, names={}).animation
    texts = ElementTree.fromstring(svg).iter(SVG + "text")
    assert [e.text for e in texts if e.get("class", "").startswith("value grad timed")] == ["9", "18"]


def test_an_animation_that_nobody_would_watch_is_refused():
    made = player(random_scalars(1, 150), names={})
    with pytest.raises(PlayerError, match="steps"):
        _ = made.animation
    assert fold(made.frames, []).steps == made.frames.steps


# Colours -------------------------------------------------------------------------------------------------------------


def luminance(colour):
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_on_the_page_has_contrast(dark):
    from viz.stepping.card_svg import asset

    css = asset("page.css")
    blocks = re.findall(r":root\{(--page[^}]*)\}", css)
    own = dict(re.findall(r"--([\w-]+):(#[0-9a-f]{6})", blocks[dark]))
    own |= {name: colour.dark if dark else colour.light for name, colour in PALETTE.items()}
    for text in ("ink", "muted", "upstream-text", "local-text", "contribution-text", "finished-text", "accent"):
        for ground in ("page", "panel", "soft") if text != "muted" else ("page", "panel"):
            assert contrast(own[text], own[ground]) >= 4.5, (text, ground)


def test_a_graph_beyond_any_browser_is_refused_before_the_work() -> None:
    y = x = Value(1.0)
    for _ in range(MOST + 1):
        y = y + 0.0
    with pytest.raises(PlayerError, match=r"200,002 nodes, more than 200,000.*draw"):
        player(y, names={"x": x})


def test_leaves_and_constants_that_no_page_can_hold_are_counted_and_refused(monkeypatch) -> None:
    monkeypatch.setattr("viz.stepping.player_page.HELD", 13)
    x = Tensor(np.ones(8), label="x")
    player((x * 2.0 + np.ones(3).sum()).sum(), names={})
    with pytest.raises(PlayerError, match="have 17 entries, more than the 13 that a page can hold"):
        player((x * 2.0 + np.ones(8)).sum(), names={})


def test_a_norm_beyond_float32_and_beyond_squares_is_told_without_a_warning() -> None:
    x = Tensor(np.full((10, 10), 1e30), dtype=np.float32, label="x")
    y = Tensor(np.full((10, 10), 1e300), label="y")
    frames = player(x.sum() + y.sum(), names={}).frames
    assert [v.data["norm"] for v in frames.vertices if v.name in "xy"] == pytest.approx([1e31, 1e301])


def test_a_record_whose_curves_pass_many_layers_is_laid_out_here_unless_a_program_is_asked_for():
    def places(nodes, engine="auto"):
        x = c = Value(0.5, label="x")
        for i in range(nodes - 1):
            c = (c * x, c.tanh(), c + 0.1)[i % 3]
        return card_layout_of(frames_of(c), engine)

    assert places(40).engine != "python"
    assert places(150).engine == "python"
    assert places(70, "bundled").engine == "graphviz-pure"
    high = [y for _, y in places(300).scope.cards.values()]
    assert max(high) - min(high) < 64.0
