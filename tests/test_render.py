"""Layout engines: which one is found, and what happens when it is missing, slow, broken or wrong."""

import os
import random
import stat
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import viz
from autograd_mini import Tensor, Value, ops
from nn import MLP
from viz.graph import layout_programs as render
from viz.graph.layout_programs import Engine, RenderError, find

GRAPHS = int(os.environ.get("AUTOGRAD_MINI_GRAPHS", "50"))  # set it to 2000 for the long run
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


def test_without_any_engine_we_lay_out_ourselves_and_a_message_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(render, "_bundled", lambda: iter([Path("/nowhere/graphviz-pure")]))
    drawing = viz.draw(product())
    assert "Laid out by python" in svg(drawing)
    assert drawing.engine == "python"
    for engine in ("bundled", "auto", "python"):
        with pytest.raises(RenderError, match="pip install graphviz-pure"):
            png(viz.draw(product(), engine=engine))
    with pytest.raises(RenderError, match="install Graphviz"):
        svg(viz.draw(product(), engine="system"))
    assert drawing.source.startswith("digraph")


def test_where_every_engine_fails_we_lay_out_ourselves(monkeypatch, program):
    monkeypatch.setattr(render, "find", lambda engine: [Engine("fake", program("sys.exit('trouble in init_rank')"))])
    assert viz.draw(product()).engine == "python"


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
        svg(viz.draw(product(), engine="system"))
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
            svg(viz.draw(product(), engine="system"))


def test_a_hanging_engine_is_stopped(monkeypatch, program):
    monkeypatch.setattr(render, "find", lambda engine: [Engine("fake", program("import time; time.sleep(60)"))])
    monkeypatch.setattr(render, "TIMEOUT", 0.3)
    with pytest.raises(RenderError, match=r"did not finish within 0\.3 s"):
        svg(viz.draw(product(), engine="system"))
    assert viz.draw(product()).engine == "python"


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
    """Return the root of a graph of the kind we draw, and names: scalars, tensors, odd labels, shared nodes, nets."""
    data = [0.0, 1.5, -2.0, float("nan"), 1e308]
    nodes = [Value(rng.choice(data), label=rng.choice(ODD)) for _ in range(rng.randint(1, 5))]
    nets = [MLP(2, [rng.randint(1, 4) for _ in range(rng.randint(1, 3))], "relu", rng=1) for _ in range(2)]
    for _ in range(rng.randint(0, 25)):
        x, y = rng.choice(nodes), rng.choice(nodes)
        out = rng.choice(nets)([x, y]) if rng.random() < 0.1 else step(rng, x, y)
        nodes.append(ops.add_n(*out) if isinstance(out, list) else out)
        nodes[-1].label = rng.choice([rng.choice(ODD), "", ""])
    root = ops.add_n(*nodes[-3:])
    if rng.random() < 0.7:
        root.backward()
    return root, {rng.choice(ODD) or "net": nets[0], "b": nets[1]}


def random_drawing(rng, engine):
    """Draw a random graph in one of the ways that there are."""
    root, names = random_graph(rng)
    depth = rng.choice([None, None, 0, 1, 2, 3])
    return viz.draw(
        root,
        direction=rng.choice(["LR", "TB", "RL", "BT"]),
        engine=engine,
        names=names,
        limit=rng.choice([None, 300, 10]),
        fold="auto" if depth is not None else rng.choice(["auto", None, ()]),
        depth=depth,
        once=rng.random() < 0.3,
        show=rng.choice(["both", "both", "forward", "backward"]),
        colour=rng.choice(["kind", "grad"]),
        legend=rng.random() < 0.3,
    )


def frame(place):
    """Return the outline of a box in the layout, from what is drawn first: left, right, bottom, top."""
    outline = next(op for part in ("_draw_", "_ldraw_") for op in place.get(part, ()) if op["op"] in "Pp")
    xs, ys = zip(*outline["points"])
    return min(xs), max(xs), min(ys), max(ys)


def extents(place):
    """Yield from where to where each text of a box reaches."""
    for op in place["_ldraw_"] if "_ldraw_" in place else place["_draw_"]:
        if op["op"] == "T":
            x, wide = op["pt"][0], op["width"]
            yield {"l": (x, x + wide), "c": (x - wide / 2, x + wide / 2), "r": (x - wide, x)}[op["align"]]


def apart(a, b):
    """Whether two boxes do not overlap."""
    return a[1] <= b[0] + 0.1 or b[1] <= a[0] + 0.1 or a[3] <= b[2] + 0.1 or b[3] <= a[2] + 0.1


def encloses(a, b):
    """Whether the second box lies in the first."""
    return a[0] <= b[0] + 0.1 and b[1] <= a[1] + 0.1 and a[2] <= b[2] + 0.1 and b[3] <= a[3] + 0.1


@pytest.mark.parametrize("engine", ["bundled", "python"])
def test_random_graphs_are_drawn_without_failure_overlap_or_overrun(engine):
    rng = random.Random(11)
    framed = 0
    for _ in range(GRAPHS):
        drawing = random_drawing(rng, engine)
        picture = drawing.picture
        places = {place["name"]: place for place in drawing._layout[1]["objects"]}
        frames = {box.id: frame(places[box.id]) for box in picture.boxes}
        for i, box in enumerate(picture.boxes):
            left, right, _, _ = frames[box.id]
            assert all(left <= start + 0.1 and end <= right + 0.1 for start, end in extents(places[box.id])), box
            assert all(apart(frames[box.id], frames[other.id]) for other in picture.boxes[:i])
            if box.frame and not drawing._rows and engine == "bundled":
                assert encloses(frame(places[f"cluster_{box.frame}"]), frames[box.id])
        framed += bool(picture.frames)
        elements = ElementTree.fromstring(drawing.svg).iter()
        ids = [element.get("id", "").partition("-")[2] for element in elements if element.tag.endswith("}g")]
        assert set(ids) >= {item.id for item in (*picture.boxes, *picture.arrows)}
        assert drawing.text
        assert drawing.mermaid.isprintable() or "\n" in drawing.mermaid
    assert framed > GRAPHS / 10
