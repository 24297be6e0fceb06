"""Curves and contours of a record: what is drawn is what the engine computes, and gaps where it computes nothing."""

import math

import numpy as np
import pytest

import viz
from autograd_mini import Tensor, Value, ops
from nn import SettingError

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def line(ax, label):
    return next(each for each in ax.get_lines() if each.get_label() == label)


def neuron(x):
    return ops.tanh(Value(2.0, label="w") * x + Value(-1.0, label="b"))


# Curves ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f", [neuron, lambda x: x**3 - x, lambda x: ops.sin(x) / (1.0 + x * x), lambda x: ops.relu(x) + x // 1]
)
def test_a_curve_holds_the_values_and_the_derivatives_of_the_engine(f):
    x = Value(0.7, label="x")
    above, below = viz.curve(f(x), x, (-2.0, 2.0))
    xs, ys = line(above, "L").get_data()
    slopes = line(below, "dL/dx").get_ydata()
    assert (xs[0], xs[-1]) == (-2.0, 2.0)
    for i in range(0, len(xs), 97):
        here = Value(xs[i])
        y = f(here)
        y.backward()
        assert ys[i] == pytest.approx(y.data, rel=1e-12, abs=1e-12)
        assert slopes[i] == pytest.approx(here.grad, rel=1e-12, abs=1e-12)


def test_the_tangent_touches_the_curve_at_the_point():
    x = Value(1.5, label="x")
    above, below = viz.curve(x * x, x)
    xs, ys = line(above, "tangent at x = 1.5").get_data()
    seen = np.isfinite(ys)
    assert np.allclose(ys[seen], 2.25 + 3.0 * (xs[seen] - 1.5))
    assert line(above, "L = 2.25").get_xydata().tolist() == [[1.5, 2.25]]
    assert line(below, "dL/dx = 3").get_xydata().tolist() == [[1.5, 3.0]]


def test_titles_tell_the_formula_and_what_does_not_vary():
    x = Value(0.5, label="x")
    above, below = viz.curve(neuron(x), x)
    assert above.get_title() == "L = tanh(w * x + b)\nwhere w = 2, b = -1"
    assert below.get_xlabel() == "x"
    assert x.data == 0.5
    assert not x.has_grad


@pytest.mark.parametrize(
    ("data", "ends"), [(0.0, (-3.0, 3.0)), (1.5, (-1.5, 4.5)), (10.0, (0.0, 20.0)), (-1e200, (-2e200, 0.0))]
)
def test_without_a_range_the_picture_reaches_to_zero(data, ends):
    x = Value(data, label="x")
    assert viz.curve(x + 1.0, x)[0].get_xlim() == ends


@pytest.mark.parametrize(
    ("f", "poles"),
    [(lambda x: 1.0 / x, [0.0]), (ops.tan, [-math.pi / 2, math.pi / 2]), (lambda x: 1.0 / (x - 1.0) ** 2, [1.0])],
)
def test_no_line_runs_through_a_pole(f, poles):
    x = Value(0.5, label="x")
    above, _ = viz.curve(f(x), x, (-3.0, 3.0))
    xs, ys = line(above, "L").get_data()
    for pole in poles:
        assert np.isnan(ys[np.argmin(np.abs(xs - pole))])
    assert np.isfinite(ys).mean() > 0.8
    assert np.ptp(above.get_ylim()) < 200.0


def test_where_there_is_no_value_there_is_no_derivative_either():
    x = Value(1.0, label="x")
    above, below = viz.curve(ops.log(x), x, (-2.0, 2.0))
    for ax, label in ((above, "L"), (below, "dL/dx")):
        xs, ys = line(ax, label).get_data()
        assert np.isnan(ys[xs < 0.0]).all()
        assert np.isfinite(ys[xs > 0.1]).all()


@pytest.mark.parametrize(
    ("f", "data"),
    [
        (lambda x: x * math.nan, 1.0), (lambda x: x * math.inf, 1.0), (lambda x: 1.0 / x, 0.0), (ops.log, -5.0),
        (lambda x: x * 1e300, 1e5), (lambda x: x**301, 10.0), (lambda x: x * 0.0, 3.0), (lambda x: x * 1e-320, 3.0),
        (lambda x: x, 1e299), (lambda x: 1e200 + x, 1.0), (lambda x: ops.exp(ops.exp(x)), 0.0), (ops.sign, 0.0),
    ],
)  # fmt: skip
def test_every_function_gives_a_picture_without_a_warning(f, data, tmp_path):
    x = Value(data, label="x")
    viz.curve(f(x), x)[0].figure.savefig(tmp_path / "curve.png", dpi=40)
    viz.contours(f(x), x, Value(1.0, label="y"), steps=3).figure.savefig(tmp_path / "contours.png", dpi=40)


def test_where_there_is_no_tangent_it_says_so():
    x = Value(0.0, label="x")
    above, below = viz.curve(1.0 / x, x)
    assert legend(above) == ["L", "no tangent at x = 0", "L = inf"]
    assert legend(below) == ["dL/dx", "dL/dx = -inf"]


def test_constants_and_leaves_have_curves_too():
    x, c = Value(2.0, label="x"), Value(5.0)
    assert legend(viz.curve(c * 2.0, x)[1]) == ["dL/dx", "dL/dx = 0"]
    assert viz.curve(x, x)[0].get_title() == "x"


@pytest.mark.parametrize(
    ("between", "message"),
    [((1.0, 1.0), "range of x"), ((2.0, 1.0), "range of x"), ((0.0, math.inf), "range"), ((math.nan, 1.0), "range"),
     ((1.0, 1.0 + 1e-12), "range"), ((-1e308, 1e308), "range"), ((0.0, 5e-324), "range")],
)  # fmt: skip
def test_ranges_without_width_are_refused(between, message):
    x = Value(1.0, label="x")
    with pytest.raises(SettingError, match=message):
        viz.curve(x * x, x, between)


@pytest.mark.parametrize("leaf", [Value(math.nan), Value(math.inf), Value(1e301), Tensor([1.0]), Value(1.0) * 2.0, 1.0])
def test_what_cannot_vary_is_refused(leaf):
    with pytest.raises(SettingError, match="x must be"):
        viz.curve(Value(1.0) * 1.0, leaf)


# Contours -------------------------------------------------------------------------------------------------------------


def bowl():
    x, y = Value(2.0, label="x"), Value(1.0, label="y")
    return x * x + 3.0 * y * y, x, y


def test_contours_lie_where_the_value_is_that_of_their_level():
    root, x, y = bowl()
    (bands,) = (c for c in viz.contours(root, x, y).collections if type(c).__name__ == "QuadContourSet")
    between = [(x**2 + 3.0 * y**2) / level for level, path in zip(bands.levels, bands.get_paths())
               for x, y in path.vertices if level > 1.0 and max(abs(x - 2.0), abs(y - 1.0)) < 2.9]  # fmt: skip
    assert len(between) > 100
    assert min(between) > 0.98


def test_the_arrow_points_as_the_gradient_does():
    root, x, y = bowl()
    ax = viz.contours(root, x, y)
    (arrow,) = ax.texts
    step = np.array(arrow.xy) - arrow.xyann
    assert np.allclose(arrow.xyann, [2.0, 1.0])
    assert step[0] / step[1] == pytest.approx(4.0 / 6.0)
    assert legend(ax) == ["L = 7", "gradient (4, 6)"]
    assert ax.get_aspect() == 1.0


def test_the_descent_is_that_of_the_engine():
    root, x, y = bowl()
    path = line(viz.contours(root, x, y, steps=5, rate=0.05), "descent, 5 steps").get_xydata()
    for point in path:
        assert point == pytest.approx([x.data, y.data], rel=1e-12)
        again = x * x + 3.0 * y * y
        again.backward()
        for leaf in (x, y):
            leaf.data -= 0.05 * leaf.grad
            leaf.grad = 0.0


def test_a_descent_that_runs_away_ends_where_numbers_end():
    root, x, y = bowl()
    ax = viz.contours(root, x, y, steps=10_000, rate=10.0)
    path = ax.get_lines()[0].get_xydata()
    assert 10 < len(path) < 1000
    assert np.isfinite(path).all()
    assert np.ptp(ax.get_xlim()) < 50.0


def test_both_ranges_are_kept():
    root, x, y = bowl()
    ax = viz.contours(root, x, y, [(-1.0, 1.0), (0.0, 8.0)])
    assert (ax.get_xlim(), ax.get_ylim(), ax.get_aspect()) == ((-1.0, 1.0), (0.0, 8.0), "auto")
    with pytest.raises(SettingError, match="range of y"):
        viz.contours(root, x, y, [(-1.0, 1.0), (8.0, 8.0)])


@pytest.mark.parametrize(("steps", "rate"), [(-1, 0.1), (1.5, 0.1), (1, 0.0), (1, -1.0), (1, math.nan), (1, math.inf)])
def test_a_descent_takes_steps_of_a_positive_rate(steps, rate):
    with pytest.raises(SettingError, match=r"steps|rate"):
        viz.contours(*bowl(), steps=steps, rate=rate)


def test_a_point_without_a_gradient_has_no_arrow():
    x, y = Value(0.0, label="x"), Value(0.0, label="y")
    for root, written in ((x * x + y * y, "gradient (0, 0)"), (x / y, "gradient (inf, nan)")):
        ax = viz.contours(root, x, y)
        assert len(ax.texts) == 0
        assert legend(ax)[-1] == written
