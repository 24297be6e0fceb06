"""Pictures of training: what is drawn is what was given, and what cannot be drawn is an error that says why."""

import builtins
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nn
import viz
from autograd_mini import DataError, ShapeError, Value, ops
from viz.colours import HUES

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

ROOT = Path(viz.__file__).parent.parent
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
Y = (X[:, 0] + 0.5 * X[:, 1] > 0.2).astype(int)
QUADRANT = 2 * (X[:, 0] > 0) + (X[:, 1] > 0)
LINE = nn.init.given([[1.0, 0.5]], [-0.2])  # z = x1 + x2 / 2 - 0.2, on the boundary 0


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines() if not line.get_label().startswith("_")}


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def borders(ax):
    """Return the points of all black contours: the boundaries between regions."""
    return [
        path.vertices
        for drawn in ax.collections
        if type(drawn).__name__ == "QuadContourSet" and not drawn.filled
        for path in drawn.get_paths()
    ]


def regions(ax):
    return [c for c in ax.collections if type(c).__name__ == "QuadContourSet" and c.filled]


def line_of(threshold=0.0):
    """Return by how much the points of a boundary miss the line of LINE."""
    return lambda points: np.abs(points @ [1.0, 0.5] - 0.2 - threshold).max()


# All of them --------------------------------------------------------------------------------------------------------


def swept():
    net = nn.MLP(2, [3, 1], "tanh", rng=0)
    net([1.0, -1.0]).backward()
    return net


DRAWINGS = {
    "loss_curve": lambda ax: viz.loss_curve([{"loss": 1.0}], ax=ax),
    "decision_boundary": lambda ax: viz.decision_boundary(nn.Dense(2, 2, rng=0), X, Y, ax=ax),
    "gradient_flow": lambda ax: viz.gradient_flow(swept(), ax=ax),
    "activation": lambda ax: viz.activation("tanh", ax=ax),
    "surface": lambda ax: viz.surface(lambda x, y: x * x + y * y, [[1.0, 1.0], [0.5, 0.5]], ax=ax),
}


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_each_draws_on_the_axes_given_or_on_its_own_and_returns_them(draw, tmp_path, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("a window was shown"))
    _, (left, right) = plt.subplots(1, 2)
    assert draw(right) is right
    assert not left.has_data()
    own = draw(None)
    assert own.figure is not right.figure
    assert own.get_xlabel()
    own.figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
@pytest.mark.parametrize("ax", [0, "ax", "figure"])
def test_what_is_no_axes_is_refused(draw, ax):
    with pytest.raises(DataError, match="ax must be matplotlib's Axes, got"):
        draw(plt.figure() if ax == "figure" else ax)


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_without_matplotlib_the_error_says_what_to_install(draw, monkeypatch):
    true_import = builtins.__import__

    def no_matplotlib(name, *rest):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return true_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(nn.ExtraError, match=r'matplotlib.*pip install "autograd-mini\[plot\]"'):
        draw(None)


@pytest.mark.parametrize("code", ["import viz, sys", "import viz, sys; viz.loss_curve; from viz import surface"])
def test_importing_the_room_does_not_import_matplotlib(code):
    code += "; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0


def test_the_room_has_no_other_names():
    with pytest.raises(AttributeError, match="module 'viz' has no attribute 'lost_curve'"):
        _ = viz.lost_curve


def test_hues_differ_from_each_other_and_from_white():
    assert len(set(HUES)) == len(HUES)
    rgb = np.array([matplotlib.colors.to_rgb(hue) for hue in HUES] + [(1.0, 1.0, 1.0)])
    apart = np.abs(rgb[:, None] - rgb).max(axis=-1) + np.eye(len(rgb))
    assert apart.min() > 0.2


# Losses -------------------------------------------------------------------------------------------------------------


def test_a_history_of_fit_is_drawn_as_it_is():
    history = nn.fit(
        nn.Dense(2, 2, "identity", rng=0), X, Y, loss=nn.cross_entropy, epochs=7, rng=0, validation=(X[:9], Y[:9])
    )
    ax = viz.loss_curve(history)
    drawn = lines(ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss")
    for label, key in (("training loss", "loss"), ("validation loss", "validation_loss")):
        assert drawn[label].get_xdata().tolist() == [1, 2, 3, 4, 5, 6, 7]
        assert drawn[label].get_ydata().tolist() == [record[key] for record in history]
    best = min(history, key=lambda record: record["validation_loss"])
    assert list(drawn[f"best: epoch {best['epoch']}"].get_ydata()) == [best["validation_loss"]]
    assert legend(ax) == list(drawn)


def test_the_losses_of_a_loop_of_ones_own_are_drawn():
    drawn = lines(viz.loss_curve([2, 1.5, Value(1.0), np.float32(0.5)]))
    assert {name: line.get_ydata().tolist() for name, line in drawn.items()} == {"training loss": [2.0, 1.5, 1.0, 0.5]}


def test_a_history_without_validation_is_one_line_and_a_gap_stays_a_gap():
    assert list(lines(viz.loss_curve([{"loss": 2.0}, {"loss": 1.0}]))) == ["training loss"]
    gap = viz.loss_curve([{"loss": 2.0, "validation_loss": 3.0}, {"loss": 1.0}, {"loss": 1.0, "validation_loss": 2.0}])
    values = lines(gap)["validation loss"].get_ydata()
    assert np.isnan(values[1])
    assert "best: epoch 3" in lines(gap)
    assert not [label for label in lines(viz.loss_curve([{"loss": 1.0, "validation_loss": np.nan}])) if "best" in label]


@pytest.mark.parametrize("whose", ["ours", "scikit-learn's"])
def test_an_estimators_curves_are_drawn(whose):
    peer = pytest.importorskip("sklearn.neural_network")
    pytest.importorskip("sklearn")
    kind = nn.MLPClassifier if whose == "ours" else peer.MLPClassifier
    settings = {"hidden_layer_sizes": (4,), "random_state": 0, "n_iter_no_change": 3, "learning_rate_init": 0.1}
    plain = kind(**settings, tol=0.01).fit(X, Y)
    assert lines(viz.loss_curve(plain))["training loss"].get_ydata().tolist() == plain.loss_curve_

    stopped = kind(**settings, early_stopping=True, validation_fraction=0.3).fit(X, Y)
    ax = viz.loss_curve(stopped)
    (right,) = [other for other in ax.figure.axes if other is not ax]
    assert right.get_ylabel() == "validation score"
    assert lines(right)["validation score"].get_ydata().tolist() == stopped.validation_scores_
    assert f"best: epoch {np.argmax(stopped.validation_scores_) + 1}" in lines(right)
    assert legend(right) == [*lines(ax), *lines(right)]
    assert ("validation loss" in lines(ax)) == (whose == "ours")


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([], "history is empty"),
        ([{"loss": 1.0}, {"epoch": 2}], r'dict with "loss", for each epoch, got .* at \[1\]'),
        ([0.5, "low"], r"got 'low' at \[1\]"),
        (None, "with loss_curve_ .*got NoneType"),
        ({"loss": [1.0]}, "got dict"),
    ],
)
def test_what_is_no_history_is_refused(history, message):
    with pytest.raises(nn.SettingError, match=message):
        viz.loss_curve(history)
    with pytest.raises(DataError):
        viz.loss_curve([{"loss": "low"}])


def test_an_estimator_without_a_curve_is_refused():
    linear = pytest.importorskip("sklearn.linear_model")
    for model in (linear.LogisticRegression(), nn.MLPClassifier()):
        with pytest.raises(nn.SettingError, match="fitted estimator with loss_curve_"):
            viz.loss_curve(model)


# Decisions ----------------------------------------------------------------------------------------------------------

NETWORKS = {
    "neuron": nn.Neuron(2, "identity", init=LINE),
    "scalar layer": nn.Layer(2, 1, "sigmoid", init=LINE),
    "dense": nn.Dense(2, 1, "identity", init=LINE),
    "dense, sigmoid": nn.Dense(2, 1, "sigmoid", init=LINE),
    "dense, tanh": nn.Sequential(nn.Dense(2, 1, "tanh", init=LINE)),
    "scalar MLP": nn.MLP(2, [1], output="sigmoid", init=LINE),
    "own function": nn.Neuron(2, lambda z: z if z.data > 0.0 else 2.0 * z, init=LINE),
    "two logits": nn.Dense(2, 2, "identity", init=nn.init.given([[0.0, 0.0], [1.0, 0.5]], [0.0, -0.2])),
    "softmax": nn.Layer(2, 2, "softmax", init=nn.init.given([[0.0, 0.0], [1.0, 0.5]], [0.0, -0.2])),
}


@pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS)
def test_a_networks_boundary_lies_where_the_textbook_has_it(net):
    ax = viz.decision_boundary(net, X, Y)
    assert len(regions(ax)) == 2
    found = np.concatenate(borders(ax))
    assert len(found) > 50
    assert line_of()(found) < 0.02
    assert legend(ax) == ["0", "1"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x1", "x2")


def test_the_data_is_drawn_class_by_class():
    ax = viz.decision_boundary(NETWORKS["dense"], X.tolist(), Y[:, None])
    points = [c for c in ax.collections if type(c).__name__ == "PathCollection"]
    assert [c.get_label() for c in points] == ["0", "1"]
    for k, drawn in enumerate(points):
        assert np.array_equal(drawn.get_offsets(), X[np.equal(Y, k)])
    assert not np.array_equal(points[0].get_paths()[0].vertices, points[1].get_paths()[0].vertices), (
        "one marker for both"
    )
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    assert (x0, y0) < tuple(X.min(axis=0))
    assert (x1, y1) > tuple(X.max(axis=0))


def test_a_threshold_of_ones_own_moves_the_boundary():
    ax = viz.decision_boundary(NETWORKS["dense"], X, Y, threshold=0.5)
    assert line_of(0.5)(np.concatenate(borders(ax))) < 0.02
    with pytest.raises(nn.SettingError, match="threshold must be a number"):
        viz.decision_boundary(NETWORKS["dense"], X, Y, threshold="half")


def test_a_network_is_used_not_trained():
    net = nn.Sequential(nn.Dense(2, 8, rng=0), nn.Dropout(0.5, rng=0), nn.Dense(8, 2, "identity", rng=0))
    first, second = (np.concatenate(borders(viz.decision_boundary(net, X, Y))) for _ in range(2))
    assert np.array_equal(first, second)
    assert net.training
    assert not any(p.has_grad for p in net.parameters())


@pytest.mark.parametrize("name", ["svm", "tree", "logistic", "centroid", "ours", "pipeline"])
def test_any_classifier_of_scikit_learn_is_drawn(name, monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # or joblib looks for lscpu, and warns where PATH has none
    from sklearn import linear_model, neighbors, pipeline, preprocessing, svm, tree

    model = {
        "svm": svm.SVC(),
        "tree": tree.DecisionTreeClassifier(random_state=0),
        "logistic": linear_model.LogisticRegression(),
        "centroid": neighbors.NearestCentroid(),
        "ours": nn.MLPClassifier((16,), learning_rate_init=0.05, max_iter=1000, random_state=0),
        "pipeline": pipeline.make_pipeline(preprocessing.StandardScaler(), svm.LinearSVC()),
    }[name]
    labels = np.array(["sw", "nw", "se", "ne"])[QUADRANT]
    ax = viz.decision_boundary(model.fit(X, labels), X, labels)
    assert legend(ax) == ["ne", "nw", "se", "sw"]
    inside = np.array([[any(p.contains_point(x) for p in c.get_paths()) for c in regions(ax)] for x in X])
    decided = model.predict(X)[:, None] == model.classes_
    assert inside.shape == decided.shape
    assert (inside == decided).all(axis=1).mean() > 0.95


def test_a_binary_probability_gives_a_smooth_boundary():
    linear = pytest.importorskip("sklearn.linear_model")
    model = linear.LogisticRegression().fit(X, Y)
    found = np.concatenate(borders(viz.decision_boundary(model, X, Y)))
    assert np.abs(model.decision_function(found)).max() < 0.02


def test_predict_has_the_last_word():
    linear = pytest.importorskip("sklearn.linear_model")

    class Careful(linear.LogisticRegression):
        def predict(self, rows):
            return (self.predict_proba(rows)[:, 1] > 0.9).astype(int)

    model = Careful().fit(X, Y)
    found = np.concatenate(borders(viz.decision_boundary(model, X, Y)))
    assert abs(np.median(model.predict_proba(found)[:, 1]) - 0.9) < 0.05


def test_a_data_frame_gives_the_axes_their_names():
    pandas = pytest.importorskip("pandas")
    linear = pytest.importorskip("sklearn.linear_model")
    frame = pandas.DataFrame(X, columns=["width", "height"])
    ax = viz.decision_boundary(linear.LogisticRegression().fit(frame, Y), frame, pandas.Series(Y))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("width", "height")


def test_one_class_and_one_point_are_drawn_too():
    dummy = pytest.importorskip("sklearn.dummy")
    ax = viz.decision_boundary(dummy.DummyClassifier().fit([[1.0, 2.0]], ["a"]), [[1.0, 2.0]], ["a"])
    assert (len(regions(ax)), len(borders(ax)), legend(ax)) == (1, 0, ["a"])


class Regressor:
    def predict(self, rows):
        return rows[:, 0] * 0.37


class Columns:
    def predict(self, rows):
        return rows


DENSE = NETWORKS["dense"]
BAD_DECISIONS = [
    (DENSE, np.zeros((5, 3)), np.zeros(5), ShapeError, r"two features, shape \(n, 2\), got \(5, 3\)"),
    (DENSE, np.zeros(5), np.zeros(5), ShapeError, "two features"),
    (DENSE, np.zeros((0, 2)), np.zeros(0), ShapeError, "two features"),
    (DENSE, X, Y[:-1], ShapeError, r"y must have one class per sample, shape \(60,\), got \(59,\)"),
    (DENSE, X, np.stack([Y, Y], axis=1), ShapeError, r"got \(60, 2\)"),
    (DENSE, [[0.0, np.nan], [1.0, 1.0]], [0, 1], nn.SettingError, r"X must be finite, got nan at \[0, 1\]"),
    (DENSE, [["a", "b"]], [0], DataError, "a"),
    (DENSE, X, QUADRANT, nn.SettingError, "two classes for a model with one output, got"),
    (nn.Dense(2, 3, rng=0), X, QUADRANT, nn.SettingError, "y holds .*none of the model's classes"),
    (nn.Dense(2, 3, rng=0), X, Y.astype(str), nn.SettingError, "y holds .*none of the model's classes"),
    (nn.Dense(3, 2, rng=0), X, Y, ShapeError, "3 inputs"),
    (
        nn.Dense(2, 1, init=nn.init.given([[np.nan, 1.0]], [0.0])),
        X,
        Y,
        nn.SettingError,
        "model's output must be finite",
    ),
    (Regressor(), X, Y, nn.SettingError, "model.predict gave .*none of the model's classes"),
    (Columns(), X, Y, ShapeError, "model.predict must give one class per row"),
    (lambda x: x, X, Y, DataError, "network or an estimator with predict, got function"),
]


@pytest.mark.parametrize(("model", "x", "y", "error", "message"), BAD_DECISIONS)
def test_what_has_no_boundary_is_refused(model, x, y, error, message):
    with pytest.raises(error, match=message):
        viz.decision_boundary(model, x, y)


# Gradients ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["values", "arrays"])
def test_gradients_are_those_of_the_layers(kind):
    net = nn.MLP(2, [5, 4, 1], "tanh", rng=0)
    net = net if kind == "values" else net.tensors()
    loss = net([0.3, -0.7]) if kind == "values" else ops.sum(net([[0.3, -0.7]]))
    loss.backward()
    ax = viz.gradient_flow(net)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["layers.0", "layers.1", "layers.2"]
    assert ax.get_yscale() == "log"
    grads = [np.abs(np.concatenate([np.ravel(p.grad) for p in layer.parameters()])) for layer in net.layers]
    drawn = lines(ax)
    assert drawn["mean |gradient|"].get_ydata() == pytest.approx([g.mean() for g in grads], rel=1e-12)
    assert drawn["largest |gradient|"].get_ydata() == pytest.approx([g.max() for g in grads], rel=1e-12)


class Pair(nn.Module):
    def __init__(self):
        self.encoder = nn.Sequential(nn.Dense(2, 3, rng=0), nn.Dropout(0.1))
        self.heads = [nn.Layer(3, 2, rng=0), nn.Neuron(3, rng=0)]
        self.scale = Value(1.0)
        self.weights = [Value(1.0), Value(2.0)]


NAMES = [
    (Pair(), ["encoder.layers.0", "heads.0", "heads.1", "Pair"]),
    (nn.Neuron(2, rng=0), ["Neuron"]),
    (nn.Layer(2, 3, rng=0), ["Layer"]),
    (nn.Dense(2, 3, rng=0), ["Dense"]),
    (
        nn.Sequential(nn.MLP(2, [2, 2], rng=0), nn.Layer(2, 1, rng=0)),
        ["layers.0.layers.0", "layers.0.layers.1", "layers.1"],
    ),
]


@pytest.mark.parametrize(("net", "names"), NAMES)
def test_every_layer_has_a_place_even_without_gradients(net, names):
    sum((ops.sum(p * 3.0) for p in net.parameters()), 0.0).backward()
    ax = viz.gradient_flow(net)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == names
    assert lines(ax)["mean |gradient|"].get_ydata().tolist() == [3.0] * len(names)


def test_a_dead_layer_is_marked():
    net = nn.MLP(1, [2, 1], "relu", layer=_dead_layer)
    net([1.0]).backward()
    ax = viz.gradient_flow(net)
    assert [(mark.get_text(), mark.xy[0]) for mark in ax.texts] == [("0", 0)]
    assert np.isnan(lines(ax)["mean |gradient|"].get_ydata()[0])
    net.zero_grad()
    (net([1.0]) * 0.0).backward()
    assert [mark.get_text() for mark in viz.gradient_flow(net).texts] == ["0", "0"]


def _dead_layer(n_in, n_out, activation, **settings):
    return nn.Layer(n_in, n_out, activation, init=nn.init.given(-np.ones((n_out, n_in)), -np.ones(n_out)))


def test_gradients_that_are_not_there_or_not_finite_are_refused():
    net = nn.MLP(2, [2, 1], layer=nn.Dense, rng=0)
    with pytest.raises(nn.SettingError, match="call backward"):
        viz.gradient_flow(net)
    (ops.sum(net.layers[1].W) * np.inf).backward()
    with pytest.raises(nn.SettingError, match=r"that of layers.1.W has nan or inf"):
        viz.gradient_flow(net)
    for other in (None, [net], "net"):
        with pytest.raises(DataError, match="net must be a module"):
            viz.gradient_flow(other)


# Functions ----------------------------------------------------------------------------------------------------------

ROWS = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", "gelu", "identity", "sin", "square", "step"]


@pytest.mark.parametrize("name", ROWS)
def test_a_function_and_its_derivative_are_drawn(name):
    ax = viz.activation(name)
    y, slope = lines(ax).values()
    x = y.get_xdata()
    assert (x[0], x[-1]) == (-5.0, 5.0)
    assert y.get_ydata() == pytest.approx([getattr(ops, name)(float(xi)) for xi in x], abs=1e-14)
    central = (y.get_ydata()[2:] - y.get_ydata()[:-2]) / (x[2:] - x[:-2])
    away = np.abs(x[1:-1]) > 0.01  # from the kinks
    assert slope.get_ydata()[1:-1][away] == pytest.approx(central[away], abs=1e-4)
    assert y.get_label().startswith("y = ")
    assert slope.get_label().startswith("dy/dx = ")
    assert ax.get_title() == name


def test_the_formulas_are_the_tables():
    assert list(lines(viz.activation("sigmoid"))) == ["y = sigmoid(x)", "dy/dx = y * (1 - y)"]
    assert "dy/dx = step(x)" in lines(viz.activation("relu"))
    assert "dy/dx = 0" in lines(viz.activation("floor"))
    gap = lines(viz.activation("log"))["y = log(x)"].get_ydata()
    assert np.isnan(gap[:1000]).all()


@pytest.mark.parametrize("name", ["swish", "", None, 3, "softmax", "add", "sum", "__class__"])
def test_an_unknown_activation_is_refused_with_those_there_are(name):
    with pytest.raises(nn.SettingError, match=r"name must be one of .*tanh.*; got"):
        viz.activation(name)


# Descents -----------------------------------------------------------------------------------------------------------

PATH = [[2.0, 1.0], [1.6, 0.4], [1.28, 0.16], [1.02, 0.06]]


@pytest.mark.parametrize(
    "f",
    [lambda x, y: x**2 + 3.0 * y**2, lambda x, y: ops.hypot(x, y * 3.0**0.5), lambda x, y: (x * x + 3 * y * y).data],
)
def test_a_path_is_drawn_over_the_contours(f):
    ax = viz.surface(f, PATH)
    drawn = lines(ax)
    assert list(drawn) == ["descent, 3 steps", "start", "end"]
    assert drawn["descent, 3 steps"].get_xydata().tolist() == PATH
    assert drawn["start"].get_xydata().tolist() == PATH[:1]
    assert drawn["end"].get_xydata().tolist() == PATH[-1:]
    (bands,) = regions(ax)
    assert len(bands.levels) > 10
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    assert x0 < 1.02 < 2.0 < x1
    assert y0 < 0.06 < 1.0 < y1
    x, y = np.meshgrid(np.linspace(x0, x1, 50), np.linspace(y0, y1, 50))
    z = [float(f(Value(a), Value(b))) for a, b in zip(x.ravel(), y.ravel())]
    assert bands.levels[[0, -1]] == pytest.approx([min(z), max(z)], rel=0.05, abs=0.01)
    assert bands.levels[len(bands.levels) // 2] == pytest.approx(np.median(z), rel=0.2)


def test_surfaces_at_their_edges():
    assert regions(viz.surface(lambda x, y: 1.0, PATH)) == []
    assert regions(viz.surface(lambda x, y: x * np.nan, PATH)) == []
    one = viz.surface(lambda x, y: x - y, PATH[:1])
    assert list(lines(one)) == ["descent, 0 steps", "start", "end"]
    holes = viz.surface(lambda x, y: ops.log(x) + y, [[0.1, 0.0], [1.0, 1.0]])
    assert np.isfinite(regions(holes)[0].levels).all()


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ([], ShapeError, "path must hold points"),
        ([1.0, 2.0], ShapeError, r"got \(2,\)"),
        (np.zeros((4, 3)), ShapeError, r"got \(4, 3\)"),
        ([[0.0, 1.0], [np.inf, 2.0]], nn.SettingError, r"path must be finite, got inf at \[1, 0\]"),
        ("up", DataError, "up|str|text"),
    ],
)
def test_a_path_that_is_none_is_refused(path, error, message):
    with pytest.raises(error, match=message):
        viz.surface(lambda x, y: x + y, path)


def test_a_function_must_give_one_number():
    with pytest.raises(ShapeError, match=r"f must give one number, got shape \(2,\) at x = "):
        viz.surface(lambda x, y: ops.stack([x, y]), PATH)


def test_gradient_flow_says_which_layer_is_dead() -> None:
    x = np.array([[1.0, 2.0], [0.5, 0.25]])
    for layer in (nn.Dense, nn.Layer):
        net = nn.MLP(2, [3, 4, 1], "relu", layer=layer, rng=0)
        for said in ("", "all outputs of layers.1 are 0 for every sample"):
            net.zero_grad()
            rows = [net(x)] if layer is nn.Dense else [net(row) for row in x.tolist()]
            sum((row.sum() if layer is nn.Dense else row) for row in rows).backward()
            assert viz.gradient_flow(net).get_title() == said
            dying = [net.layers[1].b] if layer is nn.Dense else [n.b for n in net.layers[1].neurons]
            for b in dying:
                b.data = b.data - 100.0
