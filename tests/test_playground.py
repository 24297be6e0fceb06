"""Promises of `viz.playground`: what it takes, what it refuses and in which words, and how large its page is."""

import numpy as np
import pytest

import nn
import viz


class Own:
    def __init__(self):
        self.W, self.b, self.activation = np.eye(2), np.zeros(2), "cosine"


X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
NET = nn.MLP(2, [3, 1], "tanh", rng=0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((NET, X), "pass both X and y"),
        ((None, [[1.0], [2.0, 3.0]], [0, 1]), "X must hold numbers in rows of equal length"),
        ((None, X, [0, 1]), "X is (n, d_in) and y (n,) or (n, d_out); got shapes (3, 2) and (2,)"),
        ((None, np.zeros((0, 2)), []), "got shapes (0, 2) and (0,)"),
        ((None, [[0.0, np.nan]], [1.0]), "X must be finite, got nan at [0, 1]"),
        ((None, np.zeros((6000, 2)), np.zeros(6000)), "6,000 rows, more than the 5,000 that a page learns from"),
        ((NET, X[:, :1], [0.0, 1.0, 2.0]), "the network takes 2 inputs, X has 1 columns"),
        ((NET, X, np.zeros((3, 2))), "the network has 1 outputs, y has 2"),
        ((nn.MLP(2, [3], "tanh", "softmax", rng=0), X, [0, 1, 3]), "class numbers from 0 to 2"),
        ((nn.MLP(2, [1], "tanh", "sigmoid", rng=0), X, [0.0, 0.5, 1.5]), "targets of a sigmoid output lie in [0, 1]"),
        ((nn.MLP(2, [65, 1], rng=0),), "up to 64 wide"),
        ((nn.MLP(2, [3, 1], "softmax", rng=0),), "layer 1 has the activation softmax"),
        ((nn.Sequential(nn.Dense(2, 3, rng=0), nn.Dropout(0.5), nn.Dense(3, 1, rng=0)),), "layer 1 has the activation"),
        ((Own(),), "layer 1 has the activation cosine"),
        (([],), "no layers"),
        ((nn.MLP(2, [1], init=nn.init.constant(np.inf)),), "weights that are not finite"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(arguments, words):
    with pytest.raises(viz.PictureError) as caught:
        viz.playground(*arguments)
    assert words in str(caught.value)


@pytest.mark.parametrize("names", [{"inputs": ["a"]}, {"classes": ["a", "b"]}])
def test_names_are_as_many_as_what_they_name(names):
    with pytest.raises(viz.PictureError):
        viz.playground(None, X, [0, 1, 2], **names)


def test_targets_are_classes_or_numbers_to_predict():
    def kind(model, y):
        return viz.playground(model, X, y).record["data"]["classes"]

    assert kind(None, [0, 1, 1]) == ["0", "1"]
    assert kind(None, [0, 2, 1]) == ["0", "1", "2"]
    assert (
        kind(None, [0, 0, 0]) is kind(None, [0.5, 1.0, 0.0]) is kind(None, [0, 1, 40]) is kind(NET, [0, 1, 1]) is None
    )


def test_the_page_is_small_whole_and_asks_for_nothing(tmp_path):
    page = viz.playground(NET, X, [0.5, 1.0, -1.0])
    assert len(page.html) < 100_000
    assert "{{" not in page.html
    assert "http" not in page.html.replace("http-equiv", "")
    assert page.save(tmp_path / "page.html").read_text(encoding="utf-8") == page.html
    assert page._repr_mimebundle_()["text/html"].startswith("<iframe")
    assert repr(page) == "<Playground of MLP 2-3-1, 13 parameters>"
    with pytest.raises(viz.PictureError, match=r"one of \.html"):
        page.save(tmp_path / "page.png")


def test_estimators_and_networks_on_arrays_are_taken():
    for made in (NET.tensors(), nn.Dense(2, 1, "identity", rng=0), nn.Neuron(2, "tanh", rng=0)):
        assert viz.playground(made).record["layers"][-1]["W"]


def test_no_notebook_asks_it_for_a_picture_that_it_does_not_have() -> None:
    made = viz.playground()
    assert [name for name in dir(made) if name.startswith("_repr_")] == ["_repr_html_", "_repr_mimebundle_"]
