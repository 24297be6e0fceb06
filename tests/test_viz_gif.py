"""The film of a player: a picture per step, each showing what its step is, and the same bytes for the same record."""

import functools
import io
import itertools
import os
import re
import subprocess
import sys
from math import inf

import numpy as np
import pytest

from autograd_mini import Tensor, Value, ops
from autograd_mini.errors import ExtraError
from autograd_mini.files import FileError
from nn import MLP
from viz import player
from viz.command import main as cli
from viz.stepping.animation import stills_of
from viz.stepping.card_svg import GRAD_ROW, KEY_ROW
from viz.stepping.frames import fold
from viz.stepping.gif import gif_of
from viz.stepping.player_page import PlayerError

Image = pytest.importorskip("PIL.Image")
resvg_py = pytest.importorskip("resvg_py")
pytest.importorskip("fontpkg_arimo")

ZOOM = 1.5
BLUE, ORANGE, BAR = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00), (0x00, 0x5D, 0x94)
SHORT = ["tanh(w*x)", "w=-3", "x=2"]


def neuron():
    w1, x1, w2, x2 = (Value(v, label=n) for n, v in [("w1", -3.0), ("x1", 2.0), ("w2", 1.0), ("x2", 0.0)])
    return player((w1 * x1 + w2 * x2 + Value(6.881373587019543, label="b")).tanh(), names={})


def network():
    net = MLP(2, [2, 2, 1], "tanh", rng=0)
    return player((net([1.0, -2.0]) - 1.0) ** 2.0, names={}, model=net)


def arrays():
    rng = np.random.default_rng(0)
    x, W = Tensor(rng.normal(size=(4, 2)), label="x"), Tensor(rng.normal(size=(3, 2)), label="W")
    return player((ops.softmax(x @ W.T) ** 2.0).sum(), names={})


def chain(length):
    y = Value(0.5, label="x")
    for _ in range(length):
        y = y * 1.01
    return player(y, names={})


def used_twice():
    x = Value(3.0, label="x")
    return player(x * x + x, names={})


def extremes():
    x = Value(0.0, label="x")
    return player(ops.log(x) * Value(float("nan")) + inf, names={})


MADE = {
    "neuron": neuron, "network": network, "arrays": arrays, "one node": lambda: player(Value(2.0), names={}),
    "used twice": used_twice, "extremes": extremes, "wide": lambda: chain(9),
}  # fmt: skip
films = pytest.mark.parametrize("name", MADE)


def steps_of(made):
    """The steps as they are seen, with closed groups as one each."""
    return fold(made.frames, [f.id for f in made.frames.folds if f.id not in made.places.opened])


def pictures(gif):
    """The pictures as arrays of RGB, and the milliseconds of each."""
    file = Image.open(io.BytesIO(gif))
    found, times = [], []
    for i in range(file.n_frames):
        file.seek(i)
        found.append(np.asarray(file.convert("RGB")).astype(np.int16))
        times.append(file.info["duration"])
    return found, times


@functools.cache
def film(name):
    """A player, the bytes of its film, its pictures and their times; each is made once."""
    made = MADE[name]()
    return made, made.gif, *pictures(made.gif)


def filmed(name):
    """A player, and its film in pictures."""
    made, _, found, _ = film(name)
    return made, found


def boxes_of(made):
    return [still.box for still in stills_of(steps_of(made), made.places)][1:]


def card_at(made, card):
    """The left and the top of a card, and its width."""
    (x, y), (wide, high) = made.places.scope.cards[card], made.places.size(card)
    return x - wide / 2, y - high / 2, wide


def card_of(made, vertex):
    path = made.frames.vertices[vertex].group_path
    return next((group for group in path if group not in made.places.opened), f"n{vertex}")


def part(picture, box, x, y, wide, high):
    """What a picture shows at a place of the scene."""
    left, top = (x - box[0]) * ZOOM, (y - box[1]) * ZOOM
    return picture[round(top) : round(top + high * ZOOM), round(left) : round(left + wide * ZOOM)]


def near(pixels, colour, least=24):
    return np.abs(pixels - np.array(colour)).max(axis=-1) <= least


# Pictures, and what they show ----------------------------------------------------------------------------------------


@films
def test_there_is_a_picture_for_each_step_and_the_last_stays_longest(name):
    made, gif, found, times = film(name)
    assert len(found) == len(steps_of(made).steps)
    assert {picture.shape for picture in found} == {found[0].shape}
    assert times == [1400] * (len(found) - 1) + [4200]
    assert Image.open(io.BytesIO(gif)).info["loop"] == 0  # again and again
    assert gif[:6] == b"GIF89a"


@films
def test_each_picture_is_its_whole_svg_painted_at_once(name):
    """The GIF holds only what differs between pictures, in 255 colours, and the graph is painted but once."""
    import fontpkg_arimo

    made, found = filmed(name)
    ground, *stills = stills_of(steps_of(made), made.places, ".scene{font-family:Arimo}")
    graph = ground.svg.partition("</defs>")[2].removesuffix("</svg>\n")
    light = dict(re.findall(r"--([\w-]+):(#\w+)", ground.svg.partition("@media")[0]))
    every = max(1, len(found) // 2)  # as all are made alike, two of each film and its last
    for still, picture in [*zip(stills, found, strict=True)][::-every]:
        svg = still.svg.replace("</defs>", "</defs>" + graph, 1)
        svg = re.sub(r"var\(--([\w-]+)\)", lambda name: light[name[1]], svg)
        painted = resvg_py.svg_to_bytes(
            svg_string=svg, zoom=ZOOM, background=light["card"], font_dirs=[str(fontpkg_arimo.ROOT / "files")]
        )
        expected = np.asarray(Image.open(io.BytesIO(painted)).convert("RGB")).astype(np.int16)
        assert picture.shape == expected.shape
        off = np.abs(picture - expected).max(axis=-1)
        edges = 4 if name == "network" else 1  # of letters, and of so many curves
        assert (off > 0).mean() < 0.03 * edges
        assert (off > 24).mean() < 0.002 * edges
        assert (off >= 80).mean() < (0.0001 if name == "network" else 1e-9)


@films
def test_the_step_is_marked_where_it_happens_and_nowhere_else(name):
    made, found = filmed(name)
    for step, box, picture in zip(steps_of(made).steps, boxes_of(made), found):
        here = step.group_path[-1] if step.kind == "group" else card_of(made, step.node)
        goals = {step.target} if step.target is not None else {sent[0] for sent in step.sent}
        goals = {card_of(made, goal) for goal in goals} - {here}
        for card in made.places.scope.cards:
            x, y, wide = card_at(made, card)
            side = 16.5 if card in made.places.rounds else 20
            rim = part(picture, box, x + side, y - 1.4, wide - 2 * side, 0.7)  # outside the card's own rim
            if rim.shape[1] < wide - 2 * side - 1:  # beside the window on a wide graph
                assert card not in {here, *goals}
                continue
            assert (near(rim, BLUE).mean() > 0.5) == (card == here and step.kind != "start")
            assert (near(rim, ORANGE).mean() > 0.4) == (card in goals)


def test_numbers_appear_in_their_step():
    for made, found in map(filmed, ("neuron", "used twice")):
        steps = steps_of(made).steps
        computed = {step.node: step.i for step in steps if step.kind == "compute"}
        reached = {}
        for step in steps:
            if step.kind in ("seed", "contribute"):
                reached.setdefault(step.node if step.kind == "seed" else step.target, step.i)
        for i, (picture, box) in enumerate(zip(found, boxes_of(made))):
            for vertex in made.frames.vertices:
                x, y, wide = card_at(made, f"n{vertex.id}")
                for row, since in ((KEY_ROW, computed.get(vertex.id, 0)), (GRAD_ROW, reached[vertex.id])):
                    number = part(picture, box, x + wide / 2 + 4, y + row - 8, wide / 2 - 13, 7)
                    assert (np.ptp(number, axis=(0, 1)).max() > 60) == (i >= since), (i, vertex.name, row)


def test_a_total_grows_while_contributions_come():
    made, found = filmed("used twice")
    x, y, wide = card_at(made, "n0")
    place = (x + wide / 2, y + GRAD_ROW - 10, wide / 2 - 8, 12)
    shown = [part(picture, box, *place) for picture, box in zip(found, boxes_of(made))]
    changes = [i for i in range(1, len(shown)) if (shown[i] != shown[i - 1]).any()]
    assert changes == [step.i for step in steps_of(made).steps if step.kind == "contribute" and step.target == 0]
    assert len(changes) == 3


@films
def test_the_bar_grows_evenly_and_the_sentence_is_below(name):
    made, found = filmed(name)
    high = made.places.scope.size[1]
    for i, (picture, box) in enumerate(zip(found, boxes_of(made))):
        (row,) = part(picture, box, box[0], high + 13, box[2], 0.7)
        filled = near(row, BAR).sum() / (max(box[2] - 32, 420) * ZOOM)
        assert filled == pytest.approx((i + 1) / len(found), abs=0.01)
        caption = part(picture, box, box[0], high + 16, box[2], 200)
        assert (caption.max(axis=-1) < 80).sum() > 100  # ink
        sides = np.concatenate([caption[:, :6], caption[:, -6:]], axis=1)
        assert np.ptp(sides, axis=(0, 1)).max() == 0  # no sentence is cut off


def test_the_window_on_a_wide_graph_holds_the_cards_of_the_step():
    made = chain(40)
    boxes = boxes_of(made)
    assert {box[2:] for box in boxes} == {boxes[0][2:]}
    assert boxes[0][2] == 1312
    for step, (left, _, wide, _) in zip(steps_of(made).steps, boxes):
        for vertex in {step.node, step.node if step.target is None else step.target}:
            x, _, card = card_at(made, f"n{vertex}")
            assert left <= x
            assert x + card <= left + wide
    last = max(sum(card_at(made, card)[::2]) for card in made.places.scope.cards)
    assert min(box[0] for box in boxes) == -16
    assert max(box[0] + box[2] for box in boxes) == pytest.approx(last + 16, abs=2)


def test_a_circle_is_empty_then_shows_what_it_computed_then_its_gradient():
    made, found = filmed("network")
    steps, boxes = steps_of(made).steps, boxes_of(made)
    assert len(made.places.rounds) == 5
    for group in made.places.rounds:
        output = max(v.id for v in made.frames.vertices if group in v.group_path)
        computed, *_ = (s.i for s in steps if s.kind == "group" and s.group_path[-1] == group)
        (since, *_) = [s.i for s in steps if s.target == output or output in [sent[0] for sent in s.sent]]
        x, y, wide = card_at(made, group)
        seen = [part(picture, box, x + 4, y + wide / 2 - 5, wide - 8, 9) for picture, box in zip(found, boxes)]
        assert [np.ptp(number, axis=(0, 1)).max() > 60 for number in seen] == [i >= computed for i in range(len(seen))]
        changes = [i for i in range(1, len(seen)) if np.abs(seen[i] - seen[i - 1]).max() > 60]
        assert changes == [computed, since]


# Bytes ---------------------------------------------------------------------------------------------------------------


def test_a_taller_graph_has_a_pixel_for_a_point(monkeypatch):
    made = player((Value(0.5, label="x") * 2.0).tanh(), names={})
    _, _, wide, high = boxes_of(made)[0]
    tallest = next(stills_of(steps_of(made), made.places)).box[3]
    for limit, zoom in ((tallest, ZOOM), (tallest - 1.0, 1.0)):
        monkeypatch.setattr("viz.stepping.gif.TALLEST", limit)
        assert pictures(gif_of(steps_of(made), made.places))[0][0].shape == (high * zoom, wide * zoom, 3)


def test_a_film_is_small():
    assert len(film("neuron")[1]) < 200_000


def test_a_film_is_the_same_in_every_process(tmp_path):
    assert cli.main(["play", *SHORT, "-o", str(tmp_path / "here.gif")]) == 0
    argv = [sys.executable, "-m", "viz.command.main", "play", *SHORT, "-o", str(tmp_path / "there.gif")]
    done = subprocess.run(argv, env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here.gif").read_bytes() == (tmp_path / "there.gif").read_bytes()


def test_pictures_differ_in_each_step():
    for name in ("neuron", "network", "wide"):
        found = filmed(name)[1]
        assert all((a != b).any() for a, b in itertools.pairwise(found))


def test_the_colours_are_those_of_the_page(monkeypatch):
    seen, real = [], resvg_py.svg_to_bytes
    monkeypatch.setattr(resvg_py, "svg_to_bytes", lambda **how: seen.append(how["svg_string"]) or real(**how))
    x = Value(2.0, label="var(--ink) var(--nothing)")
    y = x * x
    y.label = "<style>var(--no)</style>"
    assert pictures(player(y, names={}).gif)
    assert seen
    for svg in seen:
        assert "var(" not in svg.partition("<style>")[2].partition("</style>")[0]
        assert "&lt;style&gt;var(--no)" in svg  # in the label, it is text
    assert any("var(--ink) var(--nothing)" in svg for svg in seen)


# Labels --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "label",
    [
        "", " ", "<script>alert(1)</script>", "</style><style>*{fill:red}", "</svg>", "]]>", "&lt;b&gt;", "\ud800",
        "\x00\x1f", "\u202eabc", "'\"`${1}`\\", "x" * 10**6, "日本語 😀", "∇ ⊗ ℝ", "e\u0301\u0301", "عربي", "inf",
    ],
)  # fmt: skip
def test_every_label_can_be_filmed(label):
    y = -Value(2.0, label=label)
    y.label = label
    made = player(y, names={})
    found, _ = pictures(made.gif)
    assert len(found) == len(made.frames.steps)
    assert max(found[0].shape) < 3000


@pytest.mark.parametrize("label", ["日本語", "😀", "∇", "Ω", "é"])
def test_no_character_vanishes(label):
    """Where no font has it, an empty box stands there."""
    made = player(Value(2.0, label=label), names={})
    x, y, _ = card_at(made, "n0")
    name = part(pictures(made.gif)[0][0], boxes_of(made)[0], x + 9, y + 4, 12, 14)
    assert np.ptp(name, axis=(0, 1)).max() > 60


# Mistakes and failures -----------------------------------------------------------------------------------------------


def test_save_writes_the_gif_and_the_suffix_says_so(tmp_path):
    made = film("used twice")[0]
    assert made.save(tmp_path / "a.gif").read_bytes() == made.gif
    assert made.save(str(tmp_path / "b.GIF")).read_bytes() == made.gif
    for name in ("a.apng", "a.webp", "a.mp4", "a", "gif"):
        with pytest.raises(PlayerError, match=r"\.html, \.htm, \.svg, \.gif"):
            made.save(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["a.gif", "b.GIF"]


def test_a_film_that_nobody_would_watch_is_refused(tmp_path):
    with pytest.raises(PlayerError, match="202 steps, more than 200") as refused:
        chain(100).save(tmp_path / "a.gif")
    assert "name.html" in str(refused.value)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("module", ["PIL.Image", "resvg_py", "fontpkg_arimo"])
def test_what_is_missing_is_named_and_nothing_is_written(module, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "a.gif").write_bytes(b"old")
    with pytest.raises(ExtraError, match=re.escape('pip install "autograd-mini[gif]"')):
        used_twice().save(tmp_path / "a.gif")
    assert cli.main(["play", "x*x", "x=3", "-o", str(tmp_path / "a.gif")]) == cli.MISTAKE
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "autograd-mini[gif]" in err
    assert (tmp_path / "a.gif").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.gif"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are of POSIX")
def test_a_full_disk_leaves_the_old_film(tmp_path):
    path = tmp_path / "a.gif"
    before = film("used twice")[0].save(path).read_bytes()
    script = (
        "import resource, sys, viz; from autograd_mini import Value\n"
        "film = viz.player(Value(1.0, label='x').tanh(), names={}); film.gif\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: film.save(sys.argv[1])\n"
        "except OSError as error: print(type(error).__name__); sys.exit(3)"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (3, "FileError\n"), done.stderr
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.gif"]


def test_a_folder_of_that_name_stays(tmp_path):
    (tmp_path / "a.gif").mkdir()
    with pytest.raises(FileError):
        film("used twice")[0].save(tmp_path / "a.gif")
    assert (tmp_path / "a.gif").is_dir()


def test_the_command_says_what_it_wrote(tmp_path, capsys):
    path = tmp_path / "square.gif"
    assert cli.main(["play", "x*x", "x=3", "-o", str(path)]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"wrote {str(path)!r}: an animation, 6 steps\n")
    assert len(pictures(path.read_bytes())[0]) == 6
