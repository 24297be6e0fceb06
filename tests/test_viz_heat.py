"""Heat maps on the cards of arrays and shapes on their edges: what the colours mean, and that texts have room."""

import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import viz
from autograd_mini import Tensor, Value, ops
from autograd_mini.sweep import order
from viz.colours import mixed
from viz.graph.dot import PLACE
from viz.heatmap import CELLS, HINT, ODD, ROOM, heat_of
from viz.stepping.animation import animation_of
from viz.stepping.card_layout import CHIP, HEAT, HIGH
from viz.stepping.card_svg import MARGIN
from viz.stepping.heats import heats_of
from viz.stepping.player_page import player
from viz.text import measured

SVG = "{http://www.w3.org/2000/svg}"
SHAPES = [(1,), (16,), (17,), (784,), (1, 1), (3, 2), (8, 16), (9, 17), (128, 784), (2, 3, 4), (5, 1, 40), (300, 1)]


def grid(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def matrices():
    x, W = Tensor(grid((4, 2)), label="x"), Tensor(grid((3, 2), 1), label="W")
    return (ops.softmax(x @ W.T + Tensor([0.1, 0.2, 0.3], label="b")) ** 2.0).sum()


def kinds():
    signal, cube = Tensor(grid(30), label="signal"), Tensor(grid((2, 3, 4)), label="cube")
    large, empty = Tensor(grid((16, 300)), label="large"), Tensor(np.zeros((0, 3)), label="empty")
    axes = Tensor(grid((1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1)), label="axes")
    parts = [(ops.sin(signal) * signal).sum(), (cube.reshape((6, 4)) @ Tensor(grid(4))).sum(), (empty * 2.0).sum()]
    return ops.add_n(*parts, (large @ Tensor(grid(300) * 1e-9)).sum(), (axes * 1e-30).sum())


def loud_block(x, i, j, rows, columns):
    """Return the entry of a block that is largest in absolute value, the positive one of two."""
    high, wide = x.shape
    block = x[i * high // rows : (i + 1) * high // rows, j * wide // columns : (j + 1) * wide // columns]
    return max(block.ravel(), key=lambda e: (abs(e), e))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_cell_shows_the_largest_entry_of_its_block(shape):
    x = grid(shape)
    rows, columns = (min(n, most) for n, most in zip(np.reshape(x, (-1, shape[-1])).shape, CELLS))
    tones = heat_of(x).tones
    assert (len(tones), len(tones[0])) == (rows, columns)
    flat = x.reshape(-1, shape[-1])
    for i, row in enumerate(tones):
        for j, tone in enumerate(row):
            wanted = loud_block(flat, i, j, rows, columns)
            assert np.sign(tone) == np.sign(wanted)
            assert abs(tone) - 1 < 4 * abs(wanted) / np.abs(x).max() <= abs(tone)


def test_what_the_tones_mean():
    table = {
        (0.0, 0.0): (0, 0),
        (1.0, -1.0): (4, -4),
        (1.0, 0.25, 0.26, -0.001): (4, 1, 2, -1),
        (np.nan, 1.0, -np.inf, -0.5): (ODD, 4, ODD, -2),
        (np.inf, np.nan): (ODD, ODD),
        (1e300, -1.0): (4, -1),
        (5e-324, 0.0): (4, 0),
    }
    for entries, tones in table.items():
        assert heat_of(np.array(entries)).tones == (tones,)
    x = grid((40, 50))
    assert heat_of(x * 1e-9).tones == heat_of(x).tones
    assert heat_of(-x).tones == tuple(tuple(-t for t in row) for row in heat_of(x).tones)
    x[3, 3] = np.nan
    assert ODD in np.ravel(heat_of(x).tones)


def test_the_words_tell_shape_and_entries_or_how_far_they_reach():
    table = [
        ([1.0, -2.0], "shape (2,), entries [1, -2]"),
        (np.arange(8.0) - 2.0, "shape (8,), entries from -2 to 5, norm 7.746"),
        ([np.inf, np.nan, 1, 2, 3, 4, 5], "shape (7,), entries from 1 to 5, 2 not finite, norm nan"),
        (np.full(7, np.nan), "shape (7,), 7 not finite, norm nan"),
        (np.ones((9, 784)), "shape (9, 784), entries from 1 to 1, norm 84, in 8 × 16 blocks"),
    ]
    for x, words in table:
        assert heat_of(np.array(x)).words == words


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_paths_cover_each_cell_once_in_its_tone_and_fit_into_the_row(shape):
    heat, found = heat_of(grid(shape)), {}
    for kind, path in heat.paths().items():
        tone = int(kind[-1]) * (1 if kind.startswith("above") else -1)
        for j, i, wide in re.findall(r"M(\d+) (\d+)h(\d+)", path):
            for cell in range(int(j), int(j) + int(wide)):
                assert found.setdefault((int(i), cell), tone) is tone
    assert found == {(i, j): t for i, row in enumerate(heat.tones) for j, t in enumerate(row) if t}
    wide, high = heat.cell
    assert len(heat.tones[0]) * wide <= ROOM[0] + 0.1
    assert len(heat.tones) * high <= ROOM[1] + 0.1


def test_there_is_one_for_each_array_and_each_gradient_and_no_gradient_is_changed():
    root = kinds()
    heats, nodes = heats_of(root), order(root)[::-1]
    assert not any(node.has_grad for node in nodes)
    root.backward()
    wanted = {}
    for i, node in enumerate(nodes):
        if node.ndim and node.size:
            wanted |= {f"n{i} data": heat_of(node.data), f"n{i} grad": heat_of(node.grad)}
    assert heats == wanted


def test_numbers_and_what_no_gradient_reaches_have_none():
    x = Value(2.0)
    assert heats_of(x * x) == {}
    flat = Tensor(np.arange(8.0))
    kept = heats_of((Tensor(np.ones(8)) * ops.sign(flat)).sum())
    assert "n0 data" in kept
    text = player(x * x, names={}).html
    assert "paintHeat" not in text
    assert 'class="heat' not in text
    assert ".scene .heat" not in text


def elements(svg, kind):
    return [e for e in ElementTree.fromstring(svg).iter() if kind in e.get("class", "").split()]


def texts(element):
    return [e.text or "" for e in element.iter(SVG + "text")]


@pytest.mark.parametrize("engine", ["auto", "python"])
@pytest.mark.parametrize("make", [matrices, kinds])
def test_chips_say_the_shape_that_travels_and_have_room_for_it(make, engine):
    made = player(make(), names={}, engine=engine)
    vertices, seen = made.frames.vertices, 0
    for group in elements(made.svg, "edge"):
        key = group.get("data-edge")
        edge = made.frames.edges[int(key[1:])]
        (chip,) = (e for e in group if e.get("class") == "chip")
        (text,), (title,), (box,) = texts(chip), [e.text for e in chip.iter(SVG + "title")], chip.iter(SVG + "rect")
        tail, head = vertices[edge.tail].shape, vertices[edge.head].shape
        assert text != "vjp"
        if edge.local is None:
            assert text == str(tail)
            assert title == f"vjp: {edge.symbols} · shape {tail}"
            seen += 1
        elif tail or head:
            assert title == f"{edge.symbols} · shape {tail}"
        else:
            assert title == edge.symbols
        assert float(box.get("width")) == made.places.widths.get(key, CHIP[0])
        assert measured(text.replace("‖", "||"), 11, bold=True) < float(box.get("width")) - 4
    assert seen >= 4


@pytest.mark.parametrize("make", [matrices, kinds])
def test_shape_and_norm_stay_as_text_and_nothing_lies_on_them(make):
    made, seen = player(make(), names={}), 0
    for card in elements(made.svg, "card"):
        vertex = made.frames.vertices[int(card.get("data-card")[1:])]
        keys, values = ([e for e in card.iter(SVG + "text") if kind in e.get("class")] for kind in ("key", "value"))
        heats = [e for e in card if e.get("class", "").startswith("heat")]
        assert len(heats) == (2 if vertex.shape and 0 not in vertex.shape else 0)
        assert all(measured(key.text, 12, bold=True) + 10 < HEAT for key in keys)
        for heat, value in zip(heats, values):
            written = value.text.startswith("[")
            assert ("away" in heat.get("class")) == written
            if not written:
                assert re.match(r"\(|norm ", value.text)
                wide = float(heat.find(SVG + "rect").get("width"))
                assert HEAT + wide < float(value.get("x")) - measured(value.text, 12)
                seen += 1
            assert heat.find(SVG + "title").text.startswith(f"shape {vertex.shape}, ")
    assert seen > 5


def test_an_animation_covers_a_heat_map_until_its_time():
    made = player(matrices(), names={})
    svg = animation_of(made.frames, made.places)
    covers = [
        [float(e.get(name)) for name in ("x", "y", "width", "height")]
        for e in ElementTree.fromstring(svg).iter()
        if e.get("class", "").startswith("cover")
    ]
    for card in elements(svg, "card"):
        left, top = map(float, re.findall(r"-?[\d.]+", card.get("transform")))
        leaf = "leaf" in card.get("class")
        for heat in (e for e in card if e.get("class", "").startswith("heat")):
            x, y = map(float, re.findall(r"-?[\d.]+", heat.get("transform")))
            wide, high = (float(heat.find(SVG + "rect").get(name)) for name in ("width", "height"))
            assert y + high < HIGH
            right, low = left + x + wide, top + y + high
            around = [
                c for c in covers
                if c[0] <= left + x and right <= c[0] + c[2] and c[1] <= top + y and low <= c[1] + c[3]
            ]  # fmt: skip
            assert around or (leaf and heat.get("class").startswith("heat heat-data"))


def test_a_film_shows_the_colours_when_their_numbers_have_come():
    image, _ = pytest.importorskip("PIL.Image"), pytest.importorskip("resvg_py")
    pytest.importorskip("fontpkg_arimo")
    made = player((Tensor(np.full((2, 4), 3.0), label="x") * 2.0).sum(), names={})
    film = image.open(io.BytesIO(made.gif))
    x, y = made.places.scope.cards["n1"]
    at = [round(1.5 * (e + MARGIN)) for e in (x - made.places.widths["n1"] / 2 + HEAT + 14, y - HIGH / 2 + 33.5)]
    seen = []
    for i in range(film.n_frames):
        film.seek(i)
        seen.append(film.convert("RGB").getpixel(tuple(at)) == (0xE6, 0x9F, 0x00))
    assert seen == [False] + [True] * (len(made.frames.steps) - 1)


def test_a_page_of_large_arrays_is_small():
    h, W = (Tensor((grid((32, 32), seed) * 0.1).astype(np.float32)) for seed in (0, 1))
    for _ in range(112):
        h = ops.tanh(h @ W + h)
    made = player(h.sum(), names={})
    assert len(made.frames.steps) > 1000
    assert len(made.html.encode()) < 3_000_000


# On the cards of a drawing ------------------------------------------------------------------------------------------


def drawn_arrays():
    x, w, long = Tensor(grid((3, 4)), label="x"), Tensor(grid((4,)), label="w"), Tensor([1.2345, -0.5], label="long")
    root = (x @ w).sum() + (long * long).sum()
    root.backward()
    return root


@pytest.mark.parametrize("engine", ["bundled", "python"])
def test_a_drawing_has_the_heat_maps_of_the_player_instead_of_long_entries(engine):
    drawing = viz.draw(drawn_arrays(), engine=engine, names={})
    boxes = {box.name: box for box in drawing.picture.boxes}
    x, long = boxes["x"], boxes["long"]
    assert x.lines == [("shape", "(3, 4)", heat_of(grid((3, 4)))), ("grad", x.rows[1][1], dict(x.heats)["grad"])]
    assert long.lines[1:] == [("data", "[1.234, -0.5]", None), ("grad", "[2.469, -1]", None)]
    tree = ElementTree.fromstring(drawing.svg)
    titles = [title.text for title in tree.iter("{http://www.w3.org/2000/svg}title")]
    wanted = [heat.words + HINT for box in drawing.picture.boxes for _, _, heat in box.lines if heat]
    assert len(wanted) > 4
    assert sorted(t for t in titles if t.endswith(HINT)) == sorted(wanted)
    assert PLACE not in drawing.svg
    assert 'stroke-opacity="0.25"' in drawing.svg


def test_a_program_of_its_own_draws_the_cells_and_a_picture_of_one_pass_its_own_alone():
    drawing = viz.draw(drawn_arrays(), names={})
    heats = [heat for box in drawing.picture.boxes for _, heat in box.heats]
    assert drawing.source.count('ID="heat"') == len(heats)
    assert drawing.source.count(f'BGCOLOR="{mixed("local-rim", "card", 1.0)}"') >= len(heats) / 2
    for show, keys in {"forward": {"data"}, "backward": {"grad"}, "names": set()}.items():
        boxes = viz.draw(drawn_arrays(), names={}, show=show).picture.boxes
        assert {key for box in boxes if box.kind != "constant" for key, _ in box.heats} == keys
