"""`autograd-mini plot`: a picture of the expression as its names vary, the same bytes for the same command."""

import xml.etree.ElementTree as ElementTree

import pytest

from viz.command import main as cli
from viz.command import plot

pytest.importorskip("matplotlib")

BANANA = ["(1 - x)**2 + 5*(y - x**2)**2", "x=-1.5", "y=2", "--wrt", "x", "--wrt", "y"]
STARTS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.fixture
def figures(monkeypatch):
    """Return the figures that are drawn."""
    drawn = []
    printed = plot._printed

    def keep(figure, suffix):
        drawn.append(figure)
        return printed(figure, suffix)

    monkeypatch.setattr(plot, "_printed", keep)
    return drawn


CURVE = ["x**2 * sin(x)", "x=1.5"]
DESCENT = [*BANANA, "--descend", "20", "--rate", "0.01"]


@pytest.mark.parametrize(
    ("argv", "suffix"), [*((CURVE, suffix) for suffix in STARTS), (BANANA, ".svg"), (DESCENT, ".png")]
)
def test_a_plot_is_written_as_the_suffix_says_the_same_each_time(argv, suffix, tmp_path, capsys):
    contents = []
    for name in ("first", "second"):
        target = tmp_path / f"{name}{suffix}"
        assert cli.main(["plot", *argv, "-o", str(target)]) == 0
        out, err = capsys.readouterr()
        assert out == ""
        assert err == f"wrote {str(target)!r}: {'contours over x and y' if '--wrt' in argv else 'a curve over x'}\n"
        contents.append(target.read_bytes())
    assert contents[0].startswith(STARTS[suffix])
    assert contents[0] == contents[1]
    if suffix == ".svg":
        assert ElementTree.fromstring(contents[0]).tag.endswith("svg")


def test_the_first_name_varies_unless_another_is_asked_for(figures, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for options, label in (([], "x"), (["--wrt", "w"], "w")):
        assert cli.main(["plot", "w*x", "x=2", "w=3", *options]) == 0
        assert figures[-1].axes[1].get_xlabel() == label
        assert f"wrote 'plot.png': a curve over {label}" in capsys.readouterr().err
    assert "where x = 2" in figures[-1].axes[0].get_title()


@pytest.mark.parametrize(
    ("options", "ends"),
    [
        ([], (-1.0, 5.0)),
        (["--range", "-3:3"], (-3.0, 3.0)),
        (["--range=-1e2:.5"], (-100.0, 0.5)),
        (["--range", " 1 : x + 1 "], (1.0, 3.0)),
        (["--range", "-(2):2**3"], (-2.0, 8.0)),
    ],
)
def test_a_range_holds_expressions(options, ends, figures, tmp_path, capsys):
    assert cli.main(["plot", "x*x", "x=2", *options, "-o", str(tmp_path / "a.png")]) == 0
    assert figures[0].axes[0].get_xlim() == ends


def test_ranges_of_contours_are_one_for_both_or_one_for_each(figures, tmp_path, capsys):
    for options, second in ((["--range", "-2:2"], (-2.0, 2.0)), (["--range", "-2:2", "--range", "0:1"], (0.0, 1.0))):
        assert cli.main(["plot", *BANANA, *options, "-o", str(tmp_path / "a.png")]) == 0
        assert figures[-1].axes[0].get_xlim() == (-2.0, 2.0)
        assert figures[-1].axes[0].get_ylim() == second


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["3"], "no name that could vary"),
        (["x", "x=1", "-o", "a.gif"], "one of .png, .svg, .pdf"),
        (["x", "x=1", "-o", "no/such.png"], "No such file"),
        (["x", "x=nan"], "x must be finite"),
        (["x", "x=1e300"], "x must be finite and less than 1e300"),
        (["x", "x=1", "--wrt", "y"], "one of x: got 'y'"),
        (["x*y", "x=1", "y=1", "--wrt", "x", "--wrt", "x"], "two different ones"),
        (["x*y*z", "x=1", "y=1", "z=1", "--wrt", "x", "--wrt", "y", "--wrt", "z"], "two different ones"),
        (["x", "x=1", "--descend", "3"], "give two --wrt"),
        ([*BANANA, "--descend", "-3"], "steps must be an integer from 0 on"),
        ([*BANANA, "--descend", "3", "--rate", "0"], "rate must be a number in (0, inf)"),
        (["x", "x=1", "--range", "3"], "a range is given as LOW:HIGH"),
        (["x", "x=1", "--range", "3:1"], "range of x"),
        (["x", "x=1", "--range", "0:1/0"], "range of x"),
        (["x", "x=1", "--range", "0:1:2"], "':' is not part of the language"),
        (["x", "x=1", "--range", ":"], "the expression is empty"),
        (["x", "x=1", "--range", "0:q"], "column 1: 'q' has no value"),
        (["x", "x=1", "--range", "0:1", "--range", "0:1"], "--range is given 2 times"),
    ],
)
def test_mistakes_get_one_line_and_no_file(argv, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["plot", *argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err.split("\n")[0]
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_the_message_says_what_to_install(tmp_path, monkeypatch, capsys):
    def refuse(name):
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", refuse)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["plot", "x", "x=1"]) == 2
    err = capsys.readouterr().err
    assert err == (
        'autograd-mini: error: this needs matplotlib, which is not installed: pip install "autograd-mini[plot]"\n'
    )
    assert not list(tmp_path.iterdir())


def test_a_plot_is_shown_on_demand(tmp_path, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda uri: not opened.append(uri))
    assert cli.main(["plot", "x", "x=1", "-o", str(tmp_path / "a.svg"), "--open"]) == 0
    assert opened == [(tmp_path / "a.svg").as_uri()]


def test_three_thousand_terms_are_plotted(tmp_path, capsys):
    assert cli.main(["plot", "+".join(["x"] * 3000), "x=1", "-o", str(tmp_path / "a.png")]) == 0
