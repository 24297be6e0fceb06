"""Layout engines: which one is found, and what happens when it is missing, slow, broken or wrong."""

import os
import random
import stat
import sys
from pathlib import Path

import pytest

import viz
from autograd_mini import Tensor, Value, ops
from viz import render
from viz.dot import dot_of
from viz.render import Engine, RenderError, find, layout

GRAPHS = int(os.environ.get("AUTOGRAD_MINI_GRAPHS", "150"))  # set it to 2000 for the long run
ODD = [
    "<script>alert(1)</script>",
    '"',
    "'",
    "\\",
    "\\N\\G\\l",
    "]]>",
    "&amp;",
    "&#0;",
    "</TABLE>",
    "<B>",
    "{a|b}",
    "a\nb",
    "\x00\x08",
    "\ud800",
    "\u202eabc",
    "שלום",
    "日本語",
    "😀",
    "x" * 200,
    "θ₁",
    "--",
    "<!--",
    "->",
    "//",
    "/*",
    "digraph",
    "",
    "n0",
    "a" * 5,
    "%s",
]


@pytest.fixture
def program(tmp_path):
    """Return a function that makes a layout program out of Python lines."""

    def make(lines, name="dot"):
        path = tmp_path / name
        path.write_text(f"#!{sys.executable}\nimport sys\nsource = sys.stdin.read()\n{lines}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make


def svg(drawing):
    return drawing.svg


def png(drawing):
    return drawing.png


def product():
    return Value(2.0, label="x") * Value(3.0, label="y")


def test_the_bundled_engine_is_found_and_named():
    assert find("bundled")[0].name == "graphviz-pure"
    assert viz.draw(product()).engine == "graphviz-pure"
    assert "Laid out by graphviz-pure" in viz.draw(product()).svg


def test_the_bundled_engine_needs_no_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "<svg" in viz.draw(product()).svg


def test_without_any_engine_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(render, "_bundled", lambda: iter([Path("/nowhere/graphviz-pure")]))
    drawing = viz.draw(product())
    with pytest.raises(RenderError, match="pip install graphviz-pure"):
        svg(drawing)
    with pytest.raises(RenderError, match="install Graphviz"):
        png(viz.draw(product(), engine="system"))
    assert drawing.source.startswith("digraph")


def test_auto_falls_back_to_the_system_engine(monkeypatch, program):
    real = find("bundled")[0].path
    program(
        f"import subprocess\nsys.exit(subprocess.run([{str(real)!r}, *sys.argv[1:]], input=source.encode()).returncode)"
    )
    monkeypatch.setenv("PATH", str(program("", name="unused").parent))
    monkeypatch.setattr(render, "_bundled", lambda: iter([]))
    assert viz.draw(product()).engine == "dot"
    assert viz.draw(product(), engine="system").engine == "dot"


def test_a_variable_names_the_program(monkeypatch, program):
    path = program("sys.exit('first choice')", name="mine")
    monkeypatch.setenv(render.VARIABLE, str(path))
    assert [engine.name for engine in find()][:2] == ["mine", "graphviz-pure"]
    assert viz.draw(product()).engine == "graphviz-pure"  # the broken first choice is passed over
    assert [engine.name for engine in find("bundled")] == ["graphviz-pure"]


def test_a_failure_is_retried_with_other_settings(monkeypatch, program):
    real = find("bundled")[0].path
    path = program(
        "import subprocess\nif 'newrank' not in source: sys.exit('trouble in init_rank')\n"
        f"sys.exit(subprocess.run([{str(real)!r}, *sys.argv[1:]], input=source.encode()).returncode)"
    )
    monkeypatch.setattr(render, "find", lambda engine: [Engine("fake", path)])
    drawing = viz.draw(product())
    assert "<svg" in drawing.svg
    assert drawing.engine == "fake"
    assert drawing.png.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("sys.exit('Error: <stdin>: syntax error in line 1')", "fake: Error: <stdin>: syntax error in line 1"),
        ("sys.exit(101)", "fake: exit status 101"),
        ("print('no json')", "fake: Expecting value"),
        ("", "fake: Expecting value"),
        ("print('{\"edges\": [{}]}')", "fake: 2 edges were lost"),
        ("print('[]')", "fake"),
        ("sys.stdout.buffer.write(bytes(range(256)))", "fake: "),
        ("import os; os.kill(os.getpid(), 11)", "fake: exit status -11"),
    ],
)
def test_broken_engines_give_one_clear_error(monkeypatch, program, lines, message, capfd):
    monkeypatch.setattr(render, "find", lambda engine: [Engine("fake", program(lines))])
    with pytest.raises(RenderError) as caught:
        svg(viz.draw(product()))
    assert message in str(caught.value)
    assert ".source holds it" in str(caught.value)
    with pytest.raises(RenderError):
        png(viz.draw(product()))
    assert capfd.readouterr() == ("", "")


def test_a_program_that_cannot_be_started(monkeypatch, tmp_path):
    (tmp_path / "dot").write_text("no program")
    for path in (tmp_path / "dot", tmp_path / "missing"):
        monkeypatch.setattr(render, "find", lambda engine, path=path: [Engine("fake", path)])
        with pytest.raises(RenderError, match="fake"):
            svg(viz.draw(product()))


def test_a_hanging_engine_is_stopped(monkeypatch, program):
    monkeypatch.setattr(render, "find", lambda engine: [Engine("fake", program("import time; time.sleep(60)"))])
    monkeypatch.setattr(render, "TIMEOUT", 0.3)
    with pytest.raises(RenderError, match=r"did not finish within 0\.3 s"):
        svg(viz.draw(product()))


def step(rng, x, y):
    """Return a node made of x and y in one of the ways that pictures show differently."""
    ways = [
        lambda: x * y,
        lambda: x + y,
        lambda: x.tanh(),
        lambda: x**2.0,
        lambda: x / 3.0,
        lambda: x.sign(),
        lambda: ops.maximum(x, 0.0),
        lambda: ops.clip(x, -1.0, 1.0),
        lambda: ops.add_n(x, y, x, y),
        lambda: ops.stack([x, y]).sum(axis=0),
        lambda: (Tensor([[1.0, 2.0]], label=rng.choice(ODD)) * x).mean(),
    ]
    return rng.choice(ways)()


def random_graph(rng):
    """Return the root of a graph of the kind we draw: scalars and tensors, constants, odd labels, shared nodes."""
    data = [0.0, 1.5, -2.0, float("nan"), 1e308]
    nodes = [Value(rng.choice(data), label=rng.choice(ODD)) for _ in range(rng.randint(1, 5))]
    for _ in range(rng.randint(0, 25)):
        nodes.append(step(rng, rng.choice(nodes), rng.choice(nodes)))
        nodes[-1].label = rng.choice([rng.choice(ODD), "", ""])
    root = ops.add_n(*nodes[-3:])
    if rng.random() < 0.7:
        root.backward()
    return root


def frame(place):
    """Return the box of a node in the layout: left, right, bottom, top."""
    (x, y), w, h = map(float, place["pos"].split(",")), float(place["width"]) * 36, float(place["height"]) * 36
    return x - w, x + w, y - h, y + h


def test_random_graphs_are_drawn_without_failure_overlap_or_overrun():
    rng = random.Random(11)
    for _ in range(GRAPHS):
        drawing = viz.draw(random_graph(rng), direction=rng.choice(["LR", "TB"]), names={}, limit=None)
        boxes, arrows = drawing.picture.boxes, drawing.picture.arrows
        places, _ = layout(lambda settings, d=drawing: dot_of(d.picture, d.direction, settings), len(arrows), "bundled")
        frames = [frame(o) for o in places["objects"]]
        assert len(frames) == len(boxes)
        for i, (left, right, low, high) in enumerate(frames):
            texts = [op for op in places["objects"][i]["_ldraw_"] if op["op"] == "T"]
            assert all(left <= op["pt"][0] and op["pt"][0] + op["width"] <= right for op in texts)
            for other in frames[:i]:
                assert (
                    right <= other[0] + 0.1 or other[1] <= left + 0.1 or high <= other[2] + 0.1 or other[3] <= low + 0.1
                )
        assert drawing.svg.count("<g ") == len(boxes) + len(arrows)
