"""Drawings: SVG that is all our own whatever labels say, files that arrive whole, micrograd's names."""

import os
import re
import stat
import xml.etree.ElementTree as ElementTree
from functools import partial
from itertools import pairwise

import pytest
from threads import at_once

import nn
import viz
from autograd_mini import DataError, Value, ops
from viz.colours import PALETTE
from viz.graph.dot import quoted
from viz.graph.folding import PictureError
from viz.practice.sheets import worksheet

SVG = "{http://www.w3.org/2000/svg}"
OURS = {"svg", "g", "title", "desc", "style", "path", "polygon", "polyline", "rect", "text"}
HOSTILE = {
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    '"quote\'s"': '"quote\'s"',
    "back\\slash\\N\\G\\l\\": "back\\slash\\N\\G\\l\\",
    "]]>": "]]>",
    "a\nb\tc": "a b c",
    "c\x00\x01\x08\x0b\x7f": "c",
    "\ud800s": "s",
    "\u202er": "r",
    "مرحبا": "مرحبا",
    "שלום": "שלום",
    "日本語": "日本語",
    "😀🚀": "😀🚀",
    "x" * 10**6: "x" * 37 + "...",
    "&amp;&#0;&#x110000;": "&amp;&#0;&#x110000;",
    "</TABLE>>": "</TABLE>>",
    "{a|b}": "{a|b}",
    "n\ufffe\uffff": "n",
    "<!-- <?xml?>": "<!-- <?xml?>",
    "javascript:alert(1)": "javascript:alert(1)",
    "é" * 40: "é" * 40,
    "&": "&",
    "\\": "\\",
}


def product():
    x = Value(2.0, label="x")
    y = x * Value(3.0, label="w")
    y.backward()
    return y


def elements(svg):
    return list(ElementTree.fromstring(svg).iter())


def texts(svg):
    return [e.text for e in elements(svg) if e.tag == SVG + "text"]


@pytest.mark.parametrize(("label", "shown"), HOSTILE.items(), ids=range(len(HOSTILE)))
def test_a_hostile_label_is_inert_text(label, shown):
    x = Value(2.0, label=label)
    drawing = viz.draw(x * x, names={label: x})
    assert {e.tag.removeprefix(SVG) for e in elements(drawing.svg)} <= OURS
    assert shown in texts(drawing.svg)
    assert not [a for e in elements(drawing.svg) for a in e.attrib if a.startswith("on") or "href" in a]
    drawing.svg.encode(), drawing.source.encode()
    assert drawing.png.startswith(b"\x89PNG")


def test_all_hostile_labels_in_one_graph():
    drawing = viz.draw(ops.add_n(*(Value(1.0, label=label) for label in HOSTILE)), names={})
    assert set(texts(drawing.svg)) >= set(HOSTILE.values())
    assert len(drawing.svg) < 200_000


def test_values_without_a_number_are_text_and_never_a_coordinate():
    x = Value(float("nan"), label="nan") * float("inf")
    x.backward()
    for element in elements(viz.draw(x).svg):
        for name, setting in element.attrib.items():
            if name in {"x", "y", "d", "points", "width", "height", "viewBox", "rx"}:
                assert "nan" not in setting
                assert "inf" not in setting


def test_numbers_stand_on_nodes_and_arrows():
    shown = texts(viz.draw(product()).svg)
    assert {"x", "w", "*", "data", "grad", "2", "3", "6"} <= set(shown)


def test_every_text_keeps_to_the_width_that_was_planned():
    for element in elements(viz.draw(product()).svg):
        if element.tag == SVG + "text" and element.text.isascii():
            assert float(element.get("textLength")) > 0
            assert element.get("lengthAdjust") == "spacingAndGlyphs"


def test_ids_are_unique_on_a_page_with_two_drawings():
    page = [viz.draw(product()).svg, viz.draw(product() + 1.0).svg, viz.draw(product(), direction="TB").svg]
    ids = [e.get("id") for svg in page for e in elements(svg) if e.get("id")]
    assert len(ids) == len(set(ids))
    for svg in page:
        assert all(
            f"#{elements(svg)[0].get('id')}" in rule
            for rule in re.findall(r"[^{}]+(?={[^{}]*})", svg.split("style>")[1])
        )


def test_a_picture_says_what_it_shows_to_those_who_cannot_see_it():
    root = elements(viz.draw(product()).svg)[0]
    assert root.get("role") == "img"
    assert root.find(SVG + "title").text == "Graph of L"
    assert "graphviz-pure" in root.find(SVG + "desc").text
    tips = [g.find(SVG + "title").text for g in root.findall(SVG + "g")]
    assert "L = x * w\ndata 6.0\ngrad 1.0" in tips
    assert "dL/dx = 3" in tips


def luminance(colour):
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("side", ["light", "dark"])
def test_text_has_contrast_in_light_and_in_dark(side):
    grounds = {
        "ink": "card leaf root constant local",
        "muted": "card leaf root constant",
        "op": "card leaf root",
        "grad": "card leaf root",
    }
    for text, others in grounds.items():
        for ground in others.split():
            assert contrast(getattr(PALETTE[text], side), getattr(PALETTE[ground], side)) >= 4.5, (text, ground)


def test_the_steps_of_the_scale_differ_in_lightness_and_keep_their_order():
    for side, sign in (("light", -1), ("dark", 1)):
        steps = [sign * luminance(getattr(PALETTE[f"tone{i}"], side)) for i in range(7)]
        assert all(b - a > 0.004 for a, b in pairwise(steps))


def test_arrows_can_be_seen_on_white_and_on_black():
    assert contrast(PALETTE["edge"].light, "#ffffff") >= 3
    assert contrast(PALETTE["edge"].light, "#000000") >= 3


def test_every_colour_of_the_picture_has_one_for_the_dark():
    svg = viz.draw(product().sign() ** 2.0).svg
    used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"/?>?', svg.split("</style>")[1]))
    assert used <= {colour.light for colour in PALETTE.values()}


@pytest.mark.parametrize("direction", ["LR", "TB", "RL", "BT"])
def test_directions(direction):
    drawing = viz.draw(product(), direction=direction)
    root = elements(drawing.svg)[0]
    assert f'rankdir="{direction}"' in drawing.source
    assert root is not None


def test_files_by_suffix(tmp_path):
    drawing = viz.draw(product())
    assert (drawing.save(tmp_path / "a.svg")).read_text(encoding="utf-8") == drawing.svg
    assert (drawing.save(str(tmp_path / "a.png"))).read_bytes() == drawing.png
    assert (drawing.save(tmp_path / "a.dot")).read_text(encoding="utf-8") == drawing.source
    assert (drawing.save(tmp_path / "ä 日本.SVG")).exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.dot", "a.png", "a.svg", "ä 日本.SVG"]


def test_what_is_no_path_is_refused_by_everything_that_is_saved():
    x = Value(2.0, label="x")
    for made in (viz.draw(x * x), viz.player(x * x), viz.network(nn.MLP(1, [1], rng=0)), worksheet(1, 1)):
        for path in (None, 3, [], x):
            with pytest.raises(DataError, match="path must be a str or a path, got "):
                made.save(path)


@pytest.mark.parametrize("name", ["a", "a.txt", "a.pdf", "", ".svg", "svg", "a.svg/"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises((PictureError, OSError), match=r"suffix|irectory"):
        viz.draw(product()).save(f"{tmp_path}/no/{name}")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_an_os_error_and_changes_nothing(tmp_path):
    drawing = viz.draw(product())
    (tmp_path / "old.svg").write_text("old")
    (tmp_path / "old.svg").chmod(stat.S_IRUSR)
    (tmp_path / "folder.svg").mkdir()
    for name in ("old.svg", "folder.svg", "missing/a.svg", "a" * 300 + ".svg", "nul\0.svg", "old.svg/a.svg"):
        with pytest.raises(OSError):
            drawing.save(tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.svg", "old.svg"]
    assert (tmp_path / "old.svg").read_text() == "old"


def test_a_failed_replacement_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    drawing = viz.draw(product())
    target = tmp_path / "a.svg"
    target.write_text("old")

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(OSError, match="No space left"):
                drawing.save(target)
        assert target.read_text() == "old"
        assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(os.name == "nt", reason="links and permissions of POSIX")
def test_links_are_followed_and_permissions_kept(tmp_path):
    (tmp_path / "real.svg").write_text("old")
    (tmp_path / "real.svg").chmod(0o640)
    (tmp_path / "link.svg").symlink_to("real.svg")
    viz.draw(product()).save(tmp_path / "link.svg")
    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "real.svg").read_text().startswith("<svg")
    assert stat.S_IMODE((tmp_path / "real.svg").stat().st_mode) == 0o640


def test_micrograds_names_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dot = viz.draw_dot(product())
    assert dot.render("gout") == "gout.svg"
    assert (tmp_path / "gout.svg").read_text().startswith("<svg")
    assert dot.source.startswith("digraph")
    assert dot._repr_svg_() == dot.svg
    dot = viz.draw_dot(product(), format="png", rankdir="TB")
    assert dot.render("gout") == "gout.png"
    assert (tmp_path / "gout.png").read_bytes().startswith(b"\x89PNG")
    assert 'rankdir="TB"' in dot.source


def test_dot_strings_are_quoted():
    assert quoted('a"b\\c\nd') == '"a\\"b\\\\c\\nd"'


def test_threads_draw_at_the_same_time():
    def drawn(i):
        return viz.draw(product() + float(i)).svg

    expected = [drawn(i) for i in range(6)]
    assert at_once(*(partial(drawn, i) for i in range(6))) == expected
