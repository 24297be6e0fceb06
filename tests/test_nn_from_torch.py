"""`nn.from_torch`: a torch.nn.Sequential becomes a network, trains on here, and goes back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_mini
import nn

torch = pytest.importorskip("torch")
from_torch = autograd_mini.from_torch  # which asks for torch
T = torch.nn
X = np.random.default_rng(0).normal(size=(6, 4))


def made(*layers: Any) -> Any:
    torch.manual_seed(0)
    return T.Sequential(*layers).double().eval()


def same(net: Any, module: Any, x: Any = X) -> None:
    """Assert that a network computes what a module does."""
    np.testing.assert_allclose(net(x).data, module(torch.tensor(x)).detach().numpy(), rtol=1e-12, atol=1e-14)


MODULES = {
    "lines": lambda: made(T.Linear(4, 3), T.Linear(3, 2)),
    "Sigmoid": lambda: made(T.Linear(4, 3), T.Sigmoid(), T.Linear(3, 2)),
    "Tanh": lambda: made(T.Linear(4, 3), T.Tanh()),
    "ReLU": lambda: made(T.Linear(4, 3), T.ReLU(inplace=True)),
    "SiLU": lambda: made(T.Linear(4, 3), T.SiLU()),
    "GELU": lambda: made(T.Linear(4, 3), T.GELU()),
    "Softplus": lambda: made(T.Linear(4, 3), T.Softplus()),
    "LeakyReLU": lambda: made(T.Linear(4, 3), T.LeakyReLU()),
    "ELU": lambda: made(T.Linear(4, 3), T.ELU()),
    "Softmax": lambda: made(T.Linear(4, 3), T.Softmax(1)),
    "activation first, and two": lambda: made(T.Tanh(), T.Linear(4, 3), T.ReLU(), T.Sigmoid()),
    "nested": lambda: made(T.Sequential(T.Linear(4, 3), T.Sequential(T.Tanh())), T.Identity(), T.Linear(3, 1)),
    "dropout, flatten": lambda: made(T.Flatten(), T.Linear(4, 3), T.Dropout(0.3), T.ReLU(), T.Linear(3, 2)),
    "one line twice": lambda: (lambda line: made(line, T.Tanh(), line, T.Sigmoid()))(T.Linear(4, 4)),
    "a single line": lambda: T.Linear(4, 2).double().eval(),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_sequence_becomes_a_network_and_goes_back(name: str) -> None:
    module = MODULES[name]()
    net = nn.from_torch(module)
    same(net, module)
    back = nn.export.to_torch(net)
    same(net, back)
    same(nn.from_torch(back), module)
    opened = from_torch(back, torch.tensor(X))
    np.testing.assert_allclose(opened.data, net(X).data, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "relu", "softplus", "silu", "gelu", "elu"])
def test_a_network_that_left_comes_back_as_a_network(activation: str) -> None:
    net = nn.MLP(4, [3, 2], activation, layer=nn.Dense, rng=0)
    back = nn.from_torch(nn.export.to_torch(net))
    np.testing.assert_array_equal(back(X).data, net(X).data)
    assert [p.shape for p in back.parameters()] == [p.shape for p in net.parameters()]


def test_layers_hold_the_activation_that_follows_them() -> None:
    module = made(T.Linear(4, 3), T.Tanh(), T.Dropout(0.1), T.Linear(3, 2), T.Softmax(-1))
    assert repr(nn.from_torch(module)) == "Sequential(Dense(4, 3, tanh), Dropout(0.1), Dense(3, 2, softmax))"


def test_numbers_are_copies_in_the_same_precision_and_mode() -> None:
    module = T.Sequential(T.Linear(4, 3), T.Dropout(0.5))
    net = nn.from_torch(module)
    assert net.training
    assert {p.dtype for p in net.parameters()} == {np.dtype(np.float32)}
    with torch.no_grad():
        module[0].weight.zero_()
    assert np.any(net.layers[0].W.data)
    assert not nn.from_torch(module.eval()).training


def test_it_trains_on_here_as_torch_does() -> None:
    module = made(T.Linear(4, 5), T.Tanh(), T.Linear(5, 1))
    y = np.sin(X.sum(1, keepdims=True))
    net = nn.from_torch(module)
    theirs, ours = torch.optim.SGD(module.parameters(), lr=0.1), nn.sgd(0.1)
    state = ours.init(net)
    for _ in range(20):
        theirs.zero_grad()
        torch.nn.functional.mse_loss(module(torch.tensor(X)), torch.tensor(y)).backward()
        theirs.step()
        net.zero_grad()
        ((net(X) - y) ** 2).mean().backward()
        ours.update(state)
    same(net, module)
    same(net, nn.export.to_torch(net))


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (lambda: T.Sequential(T.Conv2d(1, 1, 1)), "layer 0, Conv2d, has no twin in nn: open the model with"),
        (lambda: T.Sequential(T.Linear(2, 2), T.Sequential(T.LogSoftmax(1))), r"layer 1\.0, LogSoftmax.*cross_entropy"),
        (lambda: T.Sequential(T.Linear(2, 2), T.BatchNorm1d(2)), "layer 1, BatchNorm1d"),
        (lambda: T.Sequential(T.Linear(2, 2, bias=False)), "layer 0: .* has no bias"),
        (lambda: T.Sequential(T.GELU("tanh")), "layer 0: GELU with approximate='tanh', and nn's has 'none'"),
        (lambda: T.Sequential(T.LeakyReLU(0.2)), "negative_slope=0.2"),
        (lambda: T.Sequential(T.Softmax(0)), "dim=0"),
        (lambda: T.LSTM(2, 2), "LSTM"),
        (lambda: nn.MLP(2, [1]), "takes a torch.nn.Sequential, got MLP"),
        (lambda: None, "got NoneType"),
    ],
)
def test_what_has_no_twin_is_named_with_its_layer(module: Any, message: str) -> None:
    with pytest.raises(nn.SettingError, match=message):
        nn.from_torch(module())
