"""A fitted estimator, a Pipeline and a network are drawn and explained: what is shown is what they predict."""

import numpy as np
import pytest

import nn
import viz
from autograd_mini import DataError, ShapeError, Value, explain
from nn import SettingError

neural = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")
from sklearn.datasets import load_wine  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

WINE = load_wine()
X, Y = WINE.data, WINE.target
SETTINGS = {"hidden_layer_sizes": (4,), "activation": "tanh", "max_iter": 5, "random_state": 0}


def fitted(kind, scaled):
    model = kind(**SETTINGS)
    model.warm_start = False
    return (make_pipeline(StandardScaler(), model) if scaled else model).fit(X, Y)


KINDS = {
    "theirs": (neural.MLPClassifier, False),
    "theirs, a pipeline": (neural.MLPClassifier, True),
    "theirs, a regressor in a pipeline": (neural.MLPRegressor, True),
    "ours": (nn.MLPClassifier, False),
    "ours, in a pipeline": (nn.MLPClassifier, True),
}
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer", "ignore:.*iterations.*")


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    return fitted(*KINDS[request.param])


def predicted(model, x):
    return model.predict_proba(x[None]).max() if hasattr(model, "predict_proba") else model.predict(x[None])[0]


def test_explained_is_what_it_predicts_and_every_gradient_of_it(model):
    explanation = explain(model, x=X[95])
    assert explanation.value == pytest.approx(predicted(model, X[95]), rel=1e-12)
    step, here = 1e-5 * np.maximum(1.0, abs(X[95])), predicted(model, X[95])
    moved = [predicted(model, X[95] + step * one) for one in np.eye(13)]
    backwards = [predicted(model, X[95] - step * one) for one in np.eye(13)]
    found = (np.array(moved) - backwards) / (2 * step)
    assert np.ravel(explanation.gradients["x"]) == pytest.approx(found, rel=1e-4, abs=1e-8 * abs(here))


def test_drawn_is_the_same_record_with_its_gradients(model):
    drawing = viz.draw(model, x=X[95])
    assert f"{predicted(model, X[95]):.4g}" in drawing.text.splitlines()[1]
    assert {"x", "W[1]", "b[1]", "W[2]", "b[2]"} <= {box.name for box in drawing.picture.boxes}
    assert "–" not in drawing.text


def test_without_a_sample_a_typical_one_is_taken(model):
    assert len(explain(model)) == len(explain(model, x=X[95]))
    scaler = model[0] if hasattr(model, "steps") else None
    typical = scaler.mean_ if scaler else np.zeros(13)
    assert explain(model).value == pytest.approx(predicted(model, typical), rel=1e-12)


def test_the_textbooks_picture_takes_what_the_model_takes(model):
    seen = viz.network(model, X[95]).view.passed
    last = model[-1] if hasattr(model, "steps") else model
    inputs = model[:-1].transform(X[95:96])[0] if hasattr(model, "steps") else X[95]
    assert seen.a[0] == pytest.approx(inputs)
    assert seen.a[-1].max() == pytest.approx(predicted(model, X[95]), rel=1e-12)
    assert last.coefs_[0].shape == (13, 4)


def test_a_network_needs_a_sample_and_keeps_its_gradients():
    net = nn.MLP(2, [3, 1], "tanh", layer=nn.Dense, rng=0)
    assert explain(net, x=[1.0, -2.0]).value == net(np.array([[1.0, -2.0]])).item()
    assert viz.draw(net, x=[1.0, -2.0]).picture.boxes
    assert not any(p.has_grad for p in net.parameters())


BAD = {
    "not fitted": (lambda: explain(neural.MLPClassifier()), SettingError, "call fit first"),
    "a network without a sample": (lambda: viz.draw(nn.MLP(2, [1], rng=0)), SettingError, r"give it a sample, x="),
    "another estimator": (lambda: explain(StandardScaler().fit(X)), SettingError, "StandardScaler"),
    "a sample of another length": (lambda: viz.draw(fitted(neural.MLPClassifier, True), x=[1.0]), ShapeError, "13"),
    "a node with a sample": (lambda: explain(Value(1.0), x=[1.0]), DataError, "leave x out"),
    "no model": (lambda: viz.draw("a text"), viz.PictureError, "got str"),
}


@pytest.mark.parametrize(("act", "kind", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_shown_says_why(act, kind, words):
    with pytest.raises(kind, match=words):
        act()
