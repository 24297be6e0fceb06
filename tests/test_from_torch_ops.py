"""PyTorch's ops, activations, layers and losses, each opened and proved: `from_torch` raises where a number differs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from threads import at_once

import autograd_mini
from autograd_mini import Node
from autograd_mini.sweep import order

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch tells of its own plans


def t(*shape: int, seed: int = 0, low: float = -2.0, high: float = 2.0, dtype: Any = torch.float64) -> Any:
    """Return a tensor of distinct entries between two bounds, off integers and ties."""
    n = math.prod(shape)
    grid = low + (high - low) * (np.arange(n) + 0.37) / max(n, 1)
    return torch.tensor(np.random.default_rng([seed, *shape]).permutation(grid).reshape(shape), dtype=dtype)


def opened(function: Any, *args: Any) -> Node:
    """Open a function; from_torch itself compares value and gradients, and here torch's value once more."""
    torch.default_generator.manual_seed(0)  # torch.manual_seed notes the stack for every device
    (root,) = at_once(lambda: autograd_mini.from_torch(function, *args))  # where the stack is short: torch reads it
    torch.default_generator.manual_seed(0)
    if not (isinstance(function, nn.Module) and function.training):
        np.testing.assert_allclose(root.data, function(*args).detach().numpy(), rtol=root.proof.allowed, atol=1e-9)
    assert root.proof.difference <= root.proof.allowed
    return root


X, POSITIVE, UNIT, M = t(2, 3), t(2, 3, low=0.3), t(2, 3, low=-0.9, high=0.9), t(3, 3, seed=1)
ENTRYWISE = {
    "abs": X,
    "sqrt": POSITIVE,
    "square": X,
    "exp": X,
    "expm1": X,
    "log": POSITIVE,
    "log1p": POSITIVE,
    "log2": POSITIVE,
    "log10": POSITIVE,
    "sin": X,
    "cos": X,
    "tan": UNIT,
    "asin": UNIT,
    "acos": UNIT,
    "atan": X,
    "sinh": X,
    "cosh": X,
    "tanh": X,
    "asinh": X,
    "acosh": POSITIVE + 1.0,
    "atanh": UNIT,
    "sigmoid": X,
    "erf": X,
    "erfc": X,
    "reciprocal": POSITIVE,
    "neg": X,
    "rsqrt": POSITIVE,
    "exp2": X,
    "logit": UNIT.abs(),
    "deg2rad": X,
    "rad2deg": X,
    "frac": X,
    "relu": X,
    "positive": X,
    "sinc": X,
    "nan_to_num": X,
    "absolute": X,
    "negative": X,
    "arcsin": UNIT,
    "arctan": X,
}


@pytest.mark.parametrize("name", ENTRYWISE)
def test_entry_by_entry(name: str) -> None:
    opened(getattr(torch, name), ENTRYWISE[name])
    opened(lambda x: getattr(torch, name)(x).sum(), ENTRYWISE[name].to(torch.float32))
    opened(getattr(torch, name), ENTRYWISE[name][0, 0])


ACTIVATIONS = """ReLU ReLU6 ELU SELU CELU GELU SiLU Mish Sigmoid Tanh LogSigmoid Softplus Softsign Tanhshrink Hardtanh
Hardsigmoid Hardswish Hardshrink Softshrink LeakyReLU RReLU GLU Identity""".split()
ACTIVATION_MODULES = {name: getattr(nn, name) for name in ACTIVATIONS} | {
    "PReLU of channels": lambda: nn.PReLU(4),
    "PReLU": nn.PReLU,
    "Threshold": lambda: nn.Threshold(0.1, -3.0),
    "Softmax": lambda: nn.Softmax(-1),
    "Softmin": lambda: nn.Softmin(1),
    "LogSoftmax": lambda: nn.LogSoftmax(1),
    "Softmax2d": nn.Softmax2d,
    "GELU tanh": lambda: nn.GELU("tanh"),
    "Softplus beta": lambda: nn.Softplus(2.0, 1.0),
    "ELU in place": lambda: nn.ELU(inplace=True),
    "CELU alpha": lambda: nn.CELU(2.0),
    "Hardtanh wide": lambda: nn.Hardtanh(-1.5, 0.5),
}


@pytest.mark.parametrize("name", ACTIVATION_MODULES)
def test_activations(name: str) -> None:
    module = ACTIVATION_MODULES[name]().double().eval()
    opened(module, t(2, 4, 2, 2))
    opened(lambda x: (module(x) ** 2).sum(), t(2, 4, 2, 2, dtype=torch.float64))


LOSS_ARGS: dict[str, tuple[Any, ...]] = {
    "mse_loss": (X, t(2, 3, seed=1)),
    "l1_loss": (X, t(2, 3, seed=1)),
    "smooth_l1_loss": (X, t(2, 3, seed=1)),
    "huber_loss": (X, t(2, 3, seed=1)),
    "binary_cross_entropy": (UNIT.abs(), t(2, 3, seed=1, low=0.0, high=1.0)),
    "binary_cross_entropy_with_logits": (X, t(2, 3, seed=1, low=0.0, high=1.0)),
    "kl_div": (X, t(2, 3, seed=1, low=0.1, high=1.0)),
    "poisson_nll_loss": (X, POSITIVE),
    "soft_margin_loss": (X, torch.sign(t(2, 3, seed=1))),
    "hinge_embedding_loss": (X, torch.sign(t(2, 3, seed=1))),
    "margin_ranking_loss": (t(4), t(4, seed=1), torch.sign(t(4, seed=2))),
    "cosine_embedding_loss": (X, t(2, 3, seed=1), torch.tensor([1, -1])),
    "triplet_margin_loss": (X, t(2, 3, seed=1), t(2, 3, seed=2)),
    "multi_margin_loss": (X, torch.tensor([0, 2])),
    "multilabel_margin_loss": (X, torch.tensor([[1, -1, 0], [0, 2, -1]])),
    "multilabel_soft_margin_loss": (X, (t(2, 3, seed=1) > 0).double()),
    "gaussian_nll_loss": (X, t(2, 3, seed=1), POSITIVE),
    "cross_entropy": (X, torch.tensor([0, 2])),
    "nll_loss": (F.log_softmax(X, 1), torch.tensor([0, 2])),
    "triplet_margin_with_distance_loss": (X, t(2, 3, seed=1), t(2, 3, seed=2)),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSS_ARGS)
def test_losses(name: str, reduction: str) -> None:
    opened(lambda *args: getattr(F, name)(*args, reduction=reduction), *LOSS_ARGS[name])


WEIGHT = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
LABELS = torch.tensor([0, 2])
SETTINGS: dict[str, tuple[Any, ...]] = {
    "weights": (lambda x: F.cross_entropy(x, LABELS, weight=WEIGHT), X),
    "ignored": (lambda x: F.cross_entropy(x, torch.tensor([0, -100])), X),
    "ignored another": (lambda x: F.cross_entropy(x, LABELS, WEIGHT, ignore_index=2, reduction="none"), X),
    "smoothed": (lambda x: F.cross_entropy(x, LABELS, label_smoothing=0.1), X),
    "smoothed, weights": (lambda x: F.cross_entropy(x, LABELS, WEIGHT, label_smoothing=0.1), X),
    "probabilities": (lambda x, y: F.cross_entropy(x, F.softmax(y, 1)), X, t(2, 3, seed=1)),
    "pixels": (lambda x: F.cross_entropy(x, torch.tensor([[0, 2], [1, 1]])), t(2, 3, 2)),
    "one sample": (lambda x: F.cross_entropy(x, torch.tensor(1)), t(3)),
    "nll of pixels": (lambda x: F.nll_loss(F.log_softmax(x, 1), torch.ones(2, 2, 2).long(), WEIGHT), t(2, 3, 2, 2)),
    "pos_weight": (lambda x: F.binary_cross_entropy_with_logits(x, UNIT.abs(), WEIGHT, pos_weight=WEIGHT), X),
    "bce weight": (lambda x: F.binary_cross_entropy(torch.sigmoid(x), UNIT.abs(), WEIGHT), X),
    "kl batchmean": (lambda x: F.kl_div(F.log_softmax(x, 1), F.softmax(X, 1), reduction="batchmean"), t(2, 3, seed=1)),
    "kl log target": (lambda x, y: F.kl_div(x, y, log_target=True), X, t(2, 3, seed=1)),
    "poisson full": (lambda x: F.poisson_nll_loss(x, POSITIVE * 2, log_input=False, full=True), POSITIVE),
    "smooth l1 beta": (lambda x: F.smooth_l1_loss(x, X, beta=0.5), t(2, 3, seed=1)),
    "huber delta": (lambda x: F.huber_loss(x, X, delta=0.5), t(2, 3, seed=1)),
    "triplet swap": (
        lambda a, p, n: F.triplet_margin_loss(a, p, n, p=1, swap=True),
        X,
        t(2, 3, seed=1),
        t(2, 3, seed=2),
    ),
    "multi margin p": (lambda x: F.multi_margin_loss(x, LABELS, p=2, weight=WEIGHT), X),
    "cosine": (lambda x, y: F.cosine_similarity(x, y, 0), X, t(2, 3, seed=1)),
    "distance": (lambda x, y: F.pairwise_distance(x, y, 3.0), X, t(2, 3, seed=1)),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_losses(name: str) -> None:
    function, *args = SETTINGS[name]
    opened(function, *args)


IMAGE, SIGNAL, VOLUME = t(2, 4, 6, 7), t(2, 4, 9), t(1, 2, 4, 4, 3)
MASK = torch.tensor([[True, False, True], [True, True, False]])
LAYERS: dict[str, tuple[Any, Any]] = {
    "Linear": (lambda: nn.Linear(7, 3), IMAGE),
    "Linear no bias": (lambda: nn.Linear(7, 3, bias=False), IMAGE),
    "Bilinear": (lambda: _two(nn.Bilinear(7, 7, 2)), IMAGE),
    "Conv1d": (lambda: nn.Conv1d(4, 3, 3), SIGNAL),
    "Conv1d same": (lambda: nn.Conv1d(4, 3, 4, padding="same", dilation=2), SIGNAL),
    "Conv1d strided": (lambda: nn.Conv1d(4, 6, 3, 2, 1, 2, groups=2, bias=False), SIGNAL),
    "Conv1d one sample": (lambda: nn.Conv1d(4, 3, 3), t(4, 9)),
    "Conv2d": (lambda: nn.Conv2d(4, 3, (3, 2)), IMAGE),
    "Conv2d strided": (lambda: nn.Conv2d(4, 8, 3, (2, 1), (1, 2), (1, 2), 4), IMAGE),
    "Conv2d reflect": (lambda: nn.Conv2d(4, 2, 3, padding=1, padding_mode="reflect"), IMAGE),
    "Conv2d circular": (lambda: nn.Conv2d(4, 2, 3, padding=1, padding_mode="circular"), IMAGE),
    "Conv3d": (lambda: nn.Conv3d(2, 2, 2, padding=1), VOLUME),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(4, 3, 3, 2, 1, 1), SIGNAL),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 6, 3, (2, 1), 1, (1, 0), 2, dilation=(1, 2)), IMAGE),
    "MaxPool1d": (lambda: nn.MaxPool1d(3, 2, 1), SIGNAL),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), IMAGE),
    "MaxPool2d dilated": (lambda: nn.MaxPool2d(2, 1, 1, (2, 1)), IMAGE),
    "MaxPool2d ceil": (lambda: nn.MaxPool2d(3, 2, ceil_mode=True), IMAGE),
    "MaxPool3d": (lambda: nn.MaxPool3d(2), VOLUME),
    "MaxPool2d of ties": (lambda: nn.Sequential(nn.ReLU(), nn.MaxPool2d(3, 1)), IMAGE - 1.5),
    "AvgPool1d": (lambda: nn.AvgPool1d(3), SIGNAL),
    "AvgPool2d": (lambda: nn.AvgPool2d(2, 1, 1), IMAGE),
    "AvgPool2d without pad": (lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False), IMAGE),
    "AvgPool2d ceil": (lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True), IMAGE),
    "AvgPool2d ceil without pad": (lambda: nn.AvgPool2d((2, 3), 2, (1, 0), True, False), IMAGE),
    "AvgPool2d divisor": (lambda: nn.AvgPool2d(2, divisor_override=3), IMAGE),
    "AvgPool3d": (lambda: nn.AvgPool3d(2), VOLUME),
    "AdaptiveAvgPool1d": (lambda: nn.AdaptiveAvgPool1d(3), SIGNAL),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((4, None)), IMAGE),
    "AdaptiveAvgPool2d 1": (lambda: nn.AdaptiveAvgPool2d(1), IMAGE),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d((4, 3)), IMAGE),
    "AdaptiveMaxPool1d": (lambda: nn.AdaptiveMaxPool1d(4), SIGNAL),
    "LPPool2d": (lambda: nn.LPPool2d(2, 2), IMAGE.abs()),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(4), SIGNAL),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(4), IMAGE),
    "BatchNorm1d rows": (lambda: nn.BatchNorm1d(3, affine=False), X),
    "BatchNorm3d": (lambda: nn.BatchNorm3d(2), VOLUME),
    "BatchNorm no statistics": (lambda: nn.BatchNorm2d(4, track_running_stats=False), IMAGE),
    "LayerNorm": (lambda: nn.LayerNorm((6, 7)), IMAGE),
    "LayerNorm plain": (lambda: nn.LayerNorm(7, elementwise_affine=False), IMAGE),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), IMAGE),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(4, affine=True), IMAGE),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(4, track_running_stats=True), SIGNAL),
    "RMSNorm": (lambda: nn.RMSNorm(7), IMAGE),
    "LocalResponseNorm": (lambda: nn.LocalResponseNorm(2), IMAGE),
    "Dropout": (lambda: nn.Dropout(0.5), IMAGE),
    "Dropout2d": (lambda: nn.Dropout2d(0.5), IMAGE),
    "AlphaDropout": (lambda: nn.AlphaDropout(0.3), IMAGE),
    "FeatureAlphaDropout": (lambda: nn.FeatureAlphaDropout(0.3), IMAGE),
    "Flatten": (nn.Flatten, IMAGE),
    "Unflatten": (lambda: nn.Unflatten(1, (2, 2)), IMAGE),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), IMAGE),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle(2), t(1, 2, 4, 6)),
    "ChannelShuffle": (lambda: nn.ChannelShuffle(2), IMAGE),
    "ZeroPad2d": (lambda: nn.ZeroPad2d((1, 0, 2, -1)), IMAGE),
    "ConstantPad1d": (lambda: nn.ConstantPad1d(2, 3.5), SIGNAL),
    "ReflectionPad2d": (lambda: nn.ReflectionPad2d((1, 2, 0, 3)), IMAGE),
    "ReplicationPad1d": (lambda: nn.ReplicationPad1d(2), SIGNAL),
    "CircularPad2d": (lambda: nn.CircularPad2d(1), IMAGE),
    "Upsample nearest": (lambda: nn.Upsample(scale_factor=2), IMAGE),
    "Upsample bilinear": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), IMAGE),
    "Unfold": (lambda: nn.Unfold(2, 1, 1, 2), IMAGE),
    "Fold": (lambda: nn.Fold((3, 3), 2), t(1, 8, 4)),
    "CosineSimilarity": (lambda: _two(nn.CosineSimilarity()), IMAGE),
    "LSTM": (lambda: _first(nn.LSTM(7, 3, 2, bidirectional=True)), t(5, 2, 7)),
    "LSTM batch first": (lambda: _first(nn.LSTM(7, 3, batch_first=True, bias=False)), t(2, 5, 7)),
    "LSTM one sample": (lambda: _first(nn.LSTM(7, 3)), t(5, 7)),
    "LSTM last state": (lambda: _first(nn.LSTM(7, 3), (1, 1)), t(5, 2, 7)),
    "GRU": (lambda: _first(nn.GRU(7, 3, 2)), t(5, 2, 7)),
    "RNN": (lambda: _first(nn.RNN(7, 3)), t(5, 2, 7)),
    "RNN relu": (lambda: _first(nn.RNN(7, 3, nonlinearity="relu")), t(5, 2, 7)),
    "LSTMCell": (lambda: _first(nn.LSTMCell(7, 3)), t(2, 7)),
    "GRUCell": (lambda: nn.GRUCell(7, 3), t(2, 7)),
    "RNNCell": (lambda: nn.RNNCell(7, 3), t(2, 7)),
    "MultiheadAttention": (lambda: _itself(nn.MultiheadAttention(8, 2, dropout=0.2)), t(3, 2, 8)),
    "MultiheadAttention without weights": (
        lambda: _itself(nn.MultiheadAttention(8, 2, batch_first=True), need_weights=False),
        t(2, 3, 8),
    ),
    "MultiheadAttention masked": (
        lambda: _itself(
            nn.MultiheadAttention(8, 2, batch_first=True),
            key_padding_mask=~MASK,
            attn_mask=~torch.ones(3, 3).tril().bool(),
        ),
        t(2, 3, 8),
    ),
    "MultiheadAttention, other keys": (
        lambda: _itself(nn.MultiheadAttention(8, 2, kdim=8, vdim=8, add_bias_kv=True)),
        t(3, 2, 8),
    ),
    "TransformerEncoderLayer": (
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True),
        t(2, 3, 8),
    ),
    "TransformerDecoderLayer": (lambda: _two(nn.TransformerDecoderLayer(8, 2, 16)), t(3, 2, 8)),
}


class _two(nn.Module):
    """Calls a module with its input twice."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any) -> Any:
        return self.inner(x, x * 0.5 + 0.1)


class _first(_two):
    """Returns one of a module's several results."""

    def __init__(self, inner: Any, place: Any = (0,)) -> None:
        super().__init__(inner)
        self.place = place

    def forward(self, x: Any) -> Any:
        found = self.inner(x)
        for i in self.place:
            found = found[i]
        return found


class _itself(_two):
    """Attends from its input to its input."""

    def __init__(self, inner: Any, **settings: Any) -> None:
        super().__init__(inner)
        self.settings = settings

    def forward(self, x: Any) -> Any:
        return self.inner(x, x, x, **self.settings)[0]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str, training: bool) -> None:
    make, x = LAYERS[name]
    torch.default_generator.manual_seed(1)
    module = make().double().train(training)
    root = opened(module, x)
    assert {name for name, _ in module.named_parameters()} <= set(root.proof.leaves)


INDEX = torch.tensor([[0, 2], [1, 1]])
CALLS: dict[str, tuple[Any, ...]] = {
    "add": (lambda x, y: torch.add(x, y, alpha=2), X, t(3, seed=1)),
    "sub": (lambda x, y: x - y - 1, X, t(2, 1, seed=1)),
    "rsub": (lambda x: 1 - x, X),
    "mul": (lambda x, y: x * y * 2, X, t(3, seed=1)),
    "integers": (lambda x: x * torch.arange(3), X),
    "bools": (lambda x: x * (torch.arange(3) > 1), X),
    "div": (lambda x, y: x / y, X, POSITIVE),
    "rdiv": (lambda x: 1 / x, POSITIVE),
    "pow": (lambda x: x**3, X),
    "pow of tensors": (torch.pow, POSITIVE, X),
    "rpow": (lambda x: 2.0**x, X),
    "float_power": (lambda x: torch.float_power(x, 2), POSITIVE),
    "remainder": (lambda x: torch.remainder(x, 0.7), X),
    "group_norm of nothing": (lambda x: F.group_norm(x, 1) * 2.0, torch.zeros(0, 2)),
    "fmod": (lambda x: torch.fmod(x, 0.7), X),
    "atan2": (torch.atan2, X, POSITIVE),
    "hypot": (torch.hypot, X, POSITIVE),
    "logaddexp": (torch.logaddexp, X, t(2, 3, seed=1)),
    "logaddexp2": (torch.logaddexp2, X, t(2, 3, seed=1)),
    "xlogy": (torch.xlogy, POSITIVE, POSITIVE.flip(0)),
    "maximum": (torch.maximum, X, t(2, 3, seed=1)),
    "minimum": (torch.minimum, X, t(2, 3, seed=1)),
    "max of two": (torch.max, X, t(2, 3, seed=1)),
    "fmin": (torch.fmin, X, t(2, 3, seed=1)),
    "lerp": (torch.lerp, X, t(2, 3, seed=1), UNIT),
    "lerp number": (lambda x, y: torch.lerp(x, y, 0.3), X, UNIT),
    "addcmul": (lambda x, y, z: torch.addcmul(x, y, z, value=0.5), X, UNIT, POSITIVE),
    "addcdiv": (lambda x, y, z: torch.addcdiv(x, y, z, value=0.5), X, UNIT, POSITIVE),
    "clamp": (lambda x: x.clamp(-0.5, 1.0), X),
    "clamp one": (lambda x: x.clamp(min=0.1), X),
    "clamp_max": (lambda x: x.clamp_max(0.1), X),
    "clamp tensors": (torch.clamp, X, UNIT - 0.5, UNIT + 0.5),
    "where": (lambda x, y: torch.where(x > 0, x, y), X, UNIT),
    "where number": (lambda x: torch.where(x > 0, x, 0.0), X),
    "copysign": (lambda x: torch.copysign(x, UNIT), X),
    "masked_fill": (lambda x: x.masked_fill(x > 0, -1.0), X),
    "comparisons": (lambda x: (x > 0).double() * x + (x == 0) * x, X),
    "sum": (torch.sum, X),
    "sum dim": (lambda x: x.sum(1, keepdim=True), X),
    "sum dims": (lambda x: x.sum((0, 2)), t(2, 3, 4)),
    "mean": (lambda x: x.mean(-1), X),
    "var": (torch.var, X),
    "var dim": (lambda x: x.var(1, unbiased=False), X),
    "std": (lambda x: x.std(0, keepdim=True), X),
    "var correction": (lambda x: torch.var(x, 1, correction=0), X),
    "var_mean": (lambda x: sum(torch.var_mean(x, 1)), X),
    "std_mean": (lambda x: sum(torch.std_mean(x, dim=1, keepdim=True)), X),
    "prod": (torch.prod, X),
    "prod dim": (lambda x: x.prod(1), X),
    "max": (torch.max, X),
    "min dim": (lambda x: x.min(1)[0], X),
    "max dim keepdim": (lambda x: x.max(0, keepdim=True).values, X),
    "amax": (lambda x: x.amax((0, 1)), X),
    "amin": (lambda x: x.amin(1), X),
    "median": (torch.median, X),
    "median dim": (lambda x: x.median(1).values, X),
    "kthvalue": (lambda x: x.kthvalue(2, 1).values, X),
    "sort": (lambda x: x.sort(0, descending=True)[0], X),
    "sort stable": (lambda x: torch.sort(x, stable=True)[0], X),
    "topk": (lambda x: x.topk(2)[0], X),
    "topk dim": (lambda x: x.topk(1, dim=0)[0], X),
    "cummax": (lambda x: x.cummax(1)[0], X),
    "norm": (torch.norm, X),
    "norm dim": (lambda x: torch.norm(x, dim=1), X),
    "norm 1": (lambda x: torch.norm(x, 1), X),
    "vector_norm 3": (lambda x: torch.linalg.vector_norm(x, 3, dim=1), X),
    "norm inf": (lambda x: torch.linalg.vector_norm(x, math.inf), X),
    "logsumexp": (lambda x: x.logsumexp(1), X),
    "cumsum": (lambda x: x.cumsum(1), X),
    "cumprod": (lambda x: x.cumprod(1), X),
    "nansum": (torch.nansum, X),
    "matmul": (lambda x, y: x @ y, X, M),
    "mm": (torch.mm, X, M),
    "mv": (torch.mv, M, t(3)),
    "dot": (torch.dot, t(3), t(3, seed=1)),
    "bmm": (torch.bmm, t(2, 3, 4), t(2, 4, 2)),
    "addmm": (lambda b, x, y: torch.addmm(b, x, y, beta=0.5, alpha=2), t(3), X, M),
    "baddbmm": (torch.baddbmm, t(2, 3, 2), t(2, 3, 4), t(2, 4, 2)),
    "addmv": (torch.addmv, t(3), M, t(3, seed=1)),
    "addr": (torch.addr, M, t(3), t(3, seed=1)),
    "outer": (torch.outer, t(2), t(3)),
    "inner": (torch.inner, X, M),
    "einsum": (lambda x, y: torch.einsum("ij,kj->ik", x, y), X, M),
    "einsum 3": (lambda x, y: torch.einsum("...i,ij,j->...", x, y, y[0]), X, M),
    "tensordot": (lambda x, y: torch.tensordot(x, y, 1), X, M),
    "kron": (torch.kron, X, UNIT),
    "trace": (torch.trace, M),
    "diagonal": (lambda x: x.diagonal(1), M),
    "diag": (torch.diag, t(3)),
    "diag of matrix": (torch.diag, M),
    "diag_embed": (torch.diag_embed, X),
    "tril": (torch.tril, M),
    "triu": (lambda x: x.triu(1), M),
    "view": (lambda x: x.view(3, -1), X),
    "reshape": (lambda x: x.reshape(-1), X),
    "flatten": (lambda x: x.flatten(1), t(2, 3, 4)),
    "unflatten": (lambda x: x.unflatten(1, (3, -1)), t(2, 6)),
    "squeeze": (lambda x: x[None].squeeze(), X),
    "squeeze dim": (lambda x: x[None].squeeze(0), X),
    "unsqueeze": (lambda x: x.unsqueeze(-1), X),
    "transpose": (lambda x: x.transpose(0, 1), X),
    "T": (lambda x: x.T, X),
    "mT": (lambda x: x.mT, X),
    "permute": (lambda x: x.permute(2, 0, 1), t(2, 3, 4)),
    "movedim": (lambda x: x.movedim(0, -1), t(2, 3, 4)),
    "expand": (lambda x: x.expand(2, -1, 3), t(2, 1)),
    "expand_as": (lambda x: x.expand_as(X), t(3)),
    "broadcast_to": (lambda x: torch.broadcast_to(x, (2, 3)), t(3)),
    "repeat": (lambda x: x.repeat(2, 1, 2), X),
    "tile": (lambda x: torch.tile(x, (2,)), X),
    "repeat_interleave": (lambda x: x.repeat_interleave(2, 1), X),
    "contiguous": (lambda x: x.T.contiguous(), X),
    "clone": (lambda x: x.clone() * 2, X),
    "to float32": (lambda x: x.float().double(), X),
    "type_as": (lambda x: x.type_as(UNIT), X),
    "index": (lambda x: x[0], X),
    "index slice": (lambda x: x[:, ::2], X),
    "index list": (lambda x: x[[0, 1, 1]], X),
    "index tensor": (lambda x: x[:, INDEX], X),
    "index pair": (lambda x: x[torch.tensor([0, 1]), torch.tensor([2, 0])], X),
    "index mask": (lambda x: x[x > 0], X),
    "index none": (lambda x: x[..., None, 1], X),
    "narrow": (lambda x: x.narrow(1, 1, 2), X),
    "select": (lambda x: x.select(1, -1), X),
    "gather": (lambda x: x.gather(1, INDEX), X),
    "index_select": (lambda x: x.index_select(1, torch.tensor([2, 0])), X),
    "take": (lambda x: x.take(INDEX), X),
    "take_along_dim": (lambda x: x.take_along_dim(INDEX, 1), X),
    "masked_select": (lambda x: x.masked_select(x > 0), X),
    "index_put": (lambda x, y: x.index_put((torch.tensor([0, 1]), torch.tensor([2, 0])), y), X, t(2)),
    "index_put accumulate": (lambda x, y: x.index_put((torch.tensor([0, 0]),), y, accumulate=True), X, t(2, 3, seed=1)),
    "scatter": (lambda x, y: x.scatter(1, torch.tensor([[0], [2]]), y), X, t(2, 1)),
    "scatter_add": (lambda x, y: x.scatter_add(1, INDEX, y), X, t(2, 2)),
    "index_add": (lambda x, y: x.index_add(0, torch.tensor([1, 1]), y, alpha=2), X, t(2, 3, seed=1)),
    "cat": (lambda x, y: torch.cat([x, y], 1), X, t(2, 1)),
    "stack": (lambda x, y: torch.stack([x, y], 1), X, UNIT),
    "hstack": (lambda x, y: torch.hstack([x, y]), X, UNIT),
    "vstack": (lambda x, y: torch.vstack([x, y]), X, UNIT),
    "split": (lambda x: torch.split(x, 2, 1)[1], X),
    "split sizes": (lambda x: x.split([1, 2], 1)[1], X),
    "chunk": (lambda x: x.chunk(2, 1)[0], X),
    "unbind": (lambda x: x.unbind(1)[2], X),
    "tensor_split": (lambda x: torch.tensor_split(x, 2, 1)[0], X),
    "flip": (lambda x: x.flip(0, 1), X),
    "roll": (lambda x: x.roll(1, 1), X),
    "roll all": (lambda x: x.roll(2), X),
    "pad": (lambda x: F.pad(x, (1, 2)), X),
    "unfold": (lambda x: x.unfold(1, 2, 1), X),
    "meshgrid": (lambda x, y: torch.meshgrid(x, y, indexing="xy")[0], t(2), t(3)),
    "softmax": (lambda x: x.softmax(0), X),
    "normalize": (F.normalize, X),
    "one_hot": (lambda x: x @ F.one_hot(torch.tensor([0, 2, 1]), 3).double(), X),
    "embedding": (lambda w: F.embedding(INDEX, w, padding_idx=1), M),
    "attention": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        t(2, 3, 4),
        t(2, 3, 4, seed=1),
        t(2, 3, 4, seed=2),
    ),
    "attention mask": (lambda q: F.scaled_dot_product_attention(q, q, q, MASK[:, None]), t(2, 3, 4)),
    "attention dropout": (
        lambda q: F.scaled_dot_product_attention(q, q, q, dropout_p=0.5).sum() * 0 + q.sum(),
        t(2, 3, 4),
    ),
    "grouped queries": (
        lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True),
        t(1, 4, 3, 2),
        t(1, 2, 3, 2),
    ),
    "in place": (lambda x: (x * 1).add_(2.0).mul_(x).relu_(), X),
    "written into": (lambda x: _written(x), X),
    "written through a view": (lambda x: _viewed(x), X),
    "cdist": (torch.cdist, X, M),
    "cross": (lambda x, y: torch.linalg.cross(x, y), X, t(2, 3, seed=1)),
    "log_softmax": (lambda x: x.log_softmax(-1), X),
    "gumbel": (lambda x: F.gumbel_softmax(x) * 0 + x, X),
    "detached": (lambda x: x * x.detach(), X),
    "no_grad": (lambda x: x * _plain(x), X),
    "number": (lambda x: x * x.sum().item(), X),
    "float": (lambda x: x * float(x.max()), X),
    "zeros_like": (lambda x: x + torch.zeros_like(x) + torch.arange(3), X),
    "list of inputs": (lambda xs: xs[0] * xs[1]["a"], [X, {"a": UNIT}]),
    "renorm": (lambda x: x / x.norm(dim=1, keepdim=True), X),
    "addbmm": (torch.addbmm, t(3, 2), t(2, 3, 4), t(2, 4, 2)),
    "var of a list": (lambda x: x.var([0, 1]), X),
    "square of Value": (lambda x: x.sum() ** 2, X),
    "dist": (torch.dist, X, UNIT),
    "logcumsumexp": (lambda x: x.logcumsumexp(1), X),
    "inv": (torch.linalg.inv, M + 5 * torch.eye(3)),
    "det": (torch.det, M),
    "logdet": (torch.logdet, M @ M.T),
    "slogdet": (lambda x: torch.linalg.slogdet(x)[1], M),
    "solve": (torch.linalg.solve, M, t(3, 2)),
    "cholesky": (torch.linalg.cholesky, M @ M.T),
    "matrix_power": (lambda x: torch.matrix_power(x, 3), M),
    "svdvals": (torch.linalg.svdvals, X),
    "svd": (lambda x: torch.linalg.svd(x, full_matrices=False).U[0], X),
    "norm nuc": (lambda x: torch.linalg.norm(x, ord="nuc"), X),
    "norm p nuc": (lambda x: torch.norm(x, p="nuc"), X),
    "norm 2": (lambda x: torch.linalg.norm(x, ord=2), X),
    "cholesky of a triangle": (lambda x: torch.linalg.cholesky(x.tril()), M @ M.T),
    "einsum over an ellipsis": (lambda x: torch.einsum("...i->i", x), t(2, 3, 2)),
    "einsum over ellipses that broadcast": (lambda x, y: torch.einsum("...i,...i->", x, y), t(2, 3), t(3)),
    "eigvalsh": (torch.linalg.eigvalsh, M + M.T),
    "embedding bag": (lambda w: F.embedding_bag(INDEX, w), M),
    "select_scatter": (lambda x, y: x.select_scatter(y, 1, 0), X, t(2)),
    "slice_scatter": (lambda x, y: x.slice_scatter(y, 1, 0, 2), X, t(2, 2)),
    "index_fill": (lambda x: x.index_fill(1, torch.tensor([0]), 2.0), X),
    "floor": (lambda x: x - x.floor(), X),
    "trunc, ceil, round, sign": (lambda x: x + x.trunc() + x.ceil() + x.round() + x.sign(), X),
    "softmin": (lambda x: F.softmin(x, 0), X),
    "glu": (F.glu, t(2, 4)),
    "triangular": (lambda x: torch.triu(x) + torch.tril(x, -1), M),
    "bilinear": (F.bilinear, t(2, 3), t(2, 4), t(5, 3, 4)),
}


def _written(x: Any) -> Any:
    y = x * 2
    z = y[:, 1:]
    y[0, 1] = 5.0
    y[1] = x[0] * 3
    return y.sum(0) * z.sum()


def _viewed(x: Any) -> Any:
    y = torch.zeros(2, 3, dtype=x.dtype)
    row = y.t()[1]
    row.copy_(x[:, 0] * x[:, 1])
    row += 1
    y[:, 2].mul_(2.0)
    return (y * x).sum() + row.sum()


def _plain(x: Any) -> Any:
    with torch.no_grad():
        return x * 3


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    function, *args = CALLS[name]
    opened(function, *args)


def test_everything_but_constants_is_a_node() -> None:
    root = opened(lambda x: (x * (torch.arange(6) % 2).reshape(2, 3)).sum(), X)
    assert [node.op.name for node in order(root) if node.op] == ["sum", "mul"]
