"""`from_torch`: whole models of PyTorch as records - their names, groups, lines, proofs, and what is refused."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_mini
import nn as ours
from autograd_mini import BridgeError, DataError, explain, group, ops
from autograd_mini.bridges.proof import COARSE, FINE, Comparison
from autograd_mini.sweep import order
from viz import draw, player
from viz.graph.groups import groups_of

torch = pytest.importorskip("torch")
from_torch = autograd_mini.from_torch  # which asks for torch
nn, F = torch.nn, torch.nn.functional
HERE = Path(__file__)
EXAMPLE = HERE.parent.parent / "examples" / "character_transformer.py"


class LeNet(nn.Module):
    """LeNet-5 with rectifiers (LeCun et al., 1998)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(400, 120),
            nn.Tanh(),
            nn.Dropout(0.3),
            nn.Linear(120, 84),
            nn.Tanh(),
            nn.Linear(84, 10),
        )

    def forward(self, x: Any) -> Any:
        return self.classifier(self.features(x))


class OverSteps(nn.Module):
    """An LSTM cell over five steps, then a line."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.line = nn.LSTMCell(3, 4), nn.Linear(4, 1)

    def forward(self, xs: Any) -> Any:
        state = None
        for x in xs:
            state = self.cell(x, state)
        return (self.line(state[0]) ** 2).mean()


class VAE(nn.Module):
    """A variational autoencoder whose noise is given (Kingma & Welling, 2014)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 5), nn.Tanh())
        self.mean, self.log_var = nn.Linear(5, 2), nn.Linear(5, 2)
        self.decoder = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 6))

    def forward(self, x: Any, noise: Any) -> Any:
        h = self.encoder(x)
        mean, log_var = self.mean(h), self.log_var(h)
        z = mean + torch.exp(0.5 * log_var) * noise
        rebuilt = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        return rebuilt - 0.5 * torch.sum(1 + log_var - mean**2 - log_var.exp())


def agree(root: Any, model: Any, expected: Any) -> None:
    """Assert that every parameter's gradient here is torch's, by a backward pass of torch's own."""
    model.zero_grad()
    expected.backward()
    root.backward()
    for name, p in model.named_parameters():
        np.testing.assert_allclose(root.proof.leaves[name].grad, p.grad, rtol=1e-9, atol=1e-12, err_msg=name)


def outline(root: Any) -> list[str]:
    return [path for path, _ in groups_of(root).walk()]


def test_lenet() -> None:
    torch.manual_seed(0)
    net, x, y = LeNet().double(), torch.rand(2, 1, 28, 28, dtype=torch.float64), torch.tensor([3, 7])

    def loss(image: Any, label: Any) -> Any:
        return F.cross_entropy(net(image), label)

    torch.manual_seed(1)
    root = from_torch(loss, x, y)
    torch.manual_seed(1)  # dropout as drawn, then drawn alike
    agree(root, net, loss(x, y))
    assert root.proof.difference < 1e-12
    assert {"LeNet/features/Conv2d 0", "LeNet/features/MaxPool2d 2", "LeNet/classifier/Linear 6"} <= set(outline(root))
    assert {"windows", "einsum", "max", "mean", "affine", "cross_entropy"} <= {n.op.name for n in order(root) if n.op}
    assert root.proof.leaves["image"].shape == (2, 1, 28, 28)


def test_lstm_cell_over_five_steps() -> None:
    torch.manual_seed(0)
    net, xs = OverSteps().double(), torch.randn(5, 2, 3, dtype=torch.float64)
    root = from_torch(net, xs)
    agree(root, net, net(xs))
    cells = [path for path in outline(root) if "cell" in path]
    assert len(cells) == 5, "each call is a group of its own"
    assert root.proof.leaves["cell.weight_ih"].group.path == "OverSteps/cell"


def test_variational_autoencoder() -> None:
    torch.manual_seed(0)
    net = VAE().double()
    x, noise = torch.rand(3, 6, dtype=torch.float64), torch.randn(3, 2, dtype=torch.float64)
    root = from_torch(net, x, noise)
    agree(root, net, net(x, noise))
    assert {"x", "noise", "log_var.bias"} <= set(root.proof.leaves)


@pytest.fixture(scope="module")
def example() -> Any:
    sys.path.insert(0, str(EXAMPLE.parent))
    import character_transformer

    sys.path.remove(str(EXAMPLE.parent))
    return character_transformer


def test_character_transformer_from_folded_to_one_entry(example: Any) -> None:
    net, (ids, targets) = example.model(), example.batch(0)
    root = from_torch(net, ids, targets)
    agree(root, net, net(ids, targets))
    assert {"Transformer/blocks.0/heads.1/query", "Transformer/blocks.1/network/GELU 1"} <= set(outline(root))
    folded = draw(root, names={}, depth=1)
    head = draw(root, names={}, unfold="blocks.0/heads.1")
    assert len(folded.picture.boxes) < len(head.picture.boxes) < 45
    assert {"blocks.0", "heads.1"} <= {frame.name for frame in head.picture.frames}
    assert "heads.0" in head.text
    softmax = next(
        n for n in order(root) if n.op and n.op.name == "softmax" and n.group.path.endswith("blocks.0/heads.1")
    )
    file, line = softmax.source
    assert Path(file) == EXAMPLE
    assert "torch.softmax" in EXAMPLE.read_text().splitlines()[line - 1]
    shown = player(root)
    assert "character_transformer.py" in shown.html
    assert "heads.1" in shown.html
    assert "lacking" not in shown.record  # the mask is a constant: the page computes anew, and opens any entry


@pytest.mark.parametrize("f", [lambda x: x.masked_fill(x > 0, -1.0), lambda x: torch.where(x * x > 1, x, 0.0)])
def test_a_mask_that_inputs_decide_stays_a_decision(f: Any) -> None:
    root = from_torch(lambda x: f(x).sum(), torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64, requires_grad=True))
    assert player(root).record["lacking"] == ["where"]


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), str(tmp_path)])
    runpy.run_path(str(EXAMPLE), run_name="__main__")  # here, where torch has been imported
    assert "38 gradients are PyTorch's" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"folded.svg", "head.svg", "player.html"}


def test_readers_take_the_record() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh()).double()
    root = from_torch(lambda x: net(x).sum(), torch.ones(1, 2, dtype=torch.float64))
    steps = explain(root)
    assert "in Sequential/Linear 0:" in str(steps)
    assert str(HERE) in root.source[0]
    again = autograd_mini.compile(root)
    assert again.source


def test_functions_closures_and_nested_arguments() -> None:
    scale = torch.tensor([2.0, 3.0], dtype=torch.float64, requires_grad=True)

    def f(batch: Any, power: int = 2, *, shift: Any) -> Any:
        return ((batch["x"][0] * scale) ** power + shift).sum()

    x, shift = torch.tensor([1.0, -1.0], dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64)
    root = from_torch(f, {"x": [x]}, shift=shift)
    root.backward()
    assert set(root.proof.leaves) == {"batch['x'][0]", "shift", "scale"}
    np.testing.assert_allclose(root.proof.leaves["scale"].grad, [4.0, 6.0])
    assert scale.grad is None
    assert x.grad is None


def test_any_tensor_and_any_depth_of_derivative() -> None:
    root = from_torch(lambda x: torch.sin(x) * x, torch.tensor([0.5, 1.0], dtype=torch.float64))
    assert root.shape == (2,)
    with pytest.raises(BridgeError, match="depends on no parameter"):
        from_torch(lambda x: torch.sin(x).detach(), torch.ones(2))
    with pytest.raises(DataError, match="returns 2 results"):
        from_torch(lambda x: (x, x + 1), torch.ones(2))


def test_a_branch_on_data_goes_where_it_went_and_the_record_says_so() -> None:
    def f(x: Any) -> Any:
        while x.sum() < 10:
            x = x * 2
        return x.sum() if x[0] > 0 else -x.sum()

    root = from_torch(f, torch.tensor([1.0, 2.0]))
    root.backward()
    np.testing.assert_allclose(root.proof.leaves["x"].grad, [4.0, 4.0])
    assert any("it went on with False" in note and "while x.sum() < 10" in note for note in root.proof.notes)
    assert "went on with True" in str(root.proof)


def test_the_model_is_left_as_it_was() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    from_torch(lambda x: net(x).sum(), torch.randn(4, 3))
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    assert net.training
    assert not torch.nn.modules.module._global_forward_pre_hooks


def test_buffers_and_frozen_parameters_are_leaves_too() -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).eval()
    net[0].bias.requires_grad_(False)
    leaves = from_torch(lambda x: net(x).sum(), torch.randn(4, 3)).proof.leaves
    assert {"0.weight", "0.bias", "1.running_mean", "1.running_var", "x"} <= set(leaves)


def test_a_parameter_that_is_used_twice_is_one_leaf_and_one_name_stands_for_one() -> None:
    one, two = nn.Linear(2, 2), nn.Linear(2, 2)
    root = from_torch(lambda x: two(one(one(x))).sum(), torch.randn(1, 2))
    assert set(root.proof.leaves) == {"weight", "bias", "Linear.weight", "Linear.bias", "x"}
    assert [path for path in outline(root) if path.startswith("Linear")] == ["Linear", "Linear (2)", "Linear (3)"]


def test_a_group_around_it_holds_the_model() -> None:
    net = nn.Linear(2, 1)
    with group("teacher"):
        root = from_torch(lambda x: net(x).sum(), torch.randn(1, 2))
    assert outline(root) == ["teacher", "teacher/Linear"]


def test_precision_is_that_of_the_model() -> None:
    net = nn.Linear(3, 2)
    root = from_torch(net, torch.randn(4, 3))
    assert (root.dtype, root.proof.allowed) == (np.float32, COARSE)
    root = from_torch(net.double(), torch.randn(4, 3).double())
    assert (root.dtype, root.proof.allowed) == (np.float64, FINE)
    with pytest.raises(DataError, match=r"x is torch.bfloat16.*\.float\(\)"):
        from_torch(lambda x: x.sum(), torch.ones(2, dtype=torch.bfloat16))


def test_what_cannot_be_taken_over_is_named_with_its_line() -> None:
    def f(x: Any) -> Any:
        return torch.linalg.eigvals(x).real.sum()  # the line in question

    with pytest.raises(BridgeError, match=r"linalg_eig.*test_from_torch.py:\d+: return torch.lin.*\.detach\(\)"):
        from_torch(f, torch.eye(2))


@pytest.mark.parametrize("given", [None, 3, "net"])
def test_what_is_no_function_is_refused(given: Any) -> None:
    with pytest.raises(DataError, match="takes a function or a module"):
        from_torch(given)


def test_errors_of_the_function_itself_are_its_own() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        from_torch(nn.Linear(3, 2), torch.ones(1, 4))


@pytest.mark.parametrize("name", ["tanh", "affine"])
def test_a_wrong_rule_is_found_and_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = getattr(ops, name)
    first = row.rules[0]
    monkeypatch.setattr(row, "rules", (lambda g, *rest: first(g * 1.001, *rest), *row.rules[1:]))
    net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    at = {"tanh": "linear", "affine": "tanh"}[name]  # the argument of what is wrong has the first wrong gradient
    with pytest.raises(BridgeError, match=f"the gradient of aten.{at} is the first that differs, by 1.0e-03"):
        from_torch(lambda x: net(x).sum(), torch.randn(2, 3, dtype=torch.float64))


def test_a_wrong_value_is_found_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from autograd_mini.bridges.torch_ops import OPS

    monkeypatch.setitem(OPS, "tanh", lambda x: ops.tanh(x * 1.00001))
    with pytest.raises(BridgeError, match=r"aten\.tanh is the first that differs"):
        from_torch(lambda x: torch.tanh(x).exp().sum(), torch.randn(2, 3, dtype=torch.float64))


class Doubled(torch.autograd.Function):
    """Twice x, with a gradient that says five times."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * 5


def hooked(x: Any) -> Any:
    y = x * 2
    if y.requires_grad:
        y.register_hook(lambda g: g * 7)
    return y.sum()


@pytest.mark.parametrize(
    ("function", "who"), [(lambda x: Doubled.apply(x).sum(), r"Doubled \(of an autograd"), (hooked, "a hook")]
)
def test_a_gradient_that_is_put_in_place_of_the_derivative_is_named(function: Any, who: str) -> None:
    with pytest.raises(BridgeError, match=f"gradient by 'x' is not that of the ops that ran: {who}"):
        from_torch(function, torch.ones(2))


def test_a_function_that_counts_its_calls_is_told() -> None:
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(0)
        return (x * len(calls)).sum()

    with pytest.raises(BridgeError, match="another value when it was run again"):
        from_torch(f, torch.ones(2))


def test_random_numbers_are_those_of_a_run_with_the_same_seed_and_move_on_as_after_one() -> None:
    def noisy(x: Any) -> Any:
        return (F.dropout(x, 0.5) + torch.randn(3)).sum()

    x = torch.ones(3, dtype=torch.float64)
    torch.manual_seed(3)
    root, after = from_torch(noisy, x), torch.rand(1)
    torch.manual_seed(3)
    assert root.data == pytest.approx(float(noisy(x)))
    assert after == torch.rand(1)


def test_a_deep_encoder_in_float32_whose_sum_cancels() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    net = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    root = from_torch(lambda x: net(x).sum(), torch.randn(4, 12, 16))
    assert abs(root.data) < 1e-2, "layer norm has taken the mean away"
    assert sum(path.endswith("self_attn") for path in outline(root)) == 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, at its import of what compiles
def test_what_torch_has_compiled_is_opened_as_it_was_written() -> None:
    net = torch.compile(nn.Sequential(nn.Linear(2, 2), nn.Tanh()))
    assert set(from_torch(net, torch.ones(1, 2)).proof.leaves) == {"0.weight", "0.bias", "input"}


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode, autograd_mini.no_grad])
def test_modes_around_it_do_not_matter(around: Any) -> None:
    with around():
        root = from_torch(lambda x: (x * x).sum(), torch.ones(2))
    root.backward()
    np.testing.assert_allclose(root.proof.leaves["x"].grad, [2.0, 2.0])


REFUSED: dict[str, tuple[Any, str]] = {
    "a sparse tensor": (lambda x: (torch.eye(2).to_sparse() @ x).sum(), "Sparse.*test_from_torch"),
    "a Fourier transform": (lambda x: torch.fft.rfft(x).abs().sum(), "aten._fft_r2c"),
    "vmap": (lambda x: torch.func.vmap(lambda row: row.sum())(x).sum(), "torch.func"),
    "torch.func.grad": (lambda x: torch.func.grad(lambda z: (z**3).sum())(x).sum(), "torch.func"),
    "a loss over alignments": (
        lambda x: F.ctc_loss(x.log_softmax(1)[:, None], torch.tensor([[1]]), (2,), (1,)),
        "aten._ctc_loss",
    ),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_a_bridge_error(name: str) -> None:
    function, message = REFUSED[name]
    with pytest.raises(BridgeError, match=message):
        from_torch(function, torch.rand(2, 2))


def test_numbers_that_a_record_does_not_hold() -> None:
    with pytest.raises(DataError, match=r"0.weight is torch.bfloat16.*\.float\(\) of it, or of the model"):
        from_torch(nn.Sequential(nn.Embedding(3, 2).bfloat16()), torch.tensor([1]))
    with pytest.raises(DataError, match=r"x is torch\.complex64.*real and imaginary"):
        from_torch(lambda x: x.abs().sum(), torch.ones(2, dtype=torch.complex64))


@pytest.mark.parametrize(
    "f", [lambda x: x, lambda x: x.mul_(2).sum(), lambda x: (x * np.nan).sum(), lambda x: torch.log(x * 0).sum()]
)
@pytest.mark.parametrize("shape", [(2, 3), (0, 3), ()])
def test_odd_inputs(f: Any, shape: tuple[int, ...]) -> None:
    assert from_torch(f, torch.rand(shape, dtype=torch.float64)).proof.difference < 1e-12


def test_differences_are_relative_and_noise_of_a_sum_that_cancels_is_none() -> None:
    assert Comparison(FINE, 1.0).between([1.0, 2.0], [1.0, 2.0]) == 0.0
    assert Comparison(FINE, 1.0).between([1.0, 2.0002], [1.0, 2.0]) == pytest.approx(1e-4)
    assert Comparison(COARSE, 1.0).between([1e-9], [0.0]) < COARSE
    assert Comparison(FINE, 1.0).between([1e-9], [0.0]) > FINE
    assert Comparison(FINE, 1.0).between([np.nan], [1.0]) == np.inf
    assert Comparison(FINE, 1.0).between([np.inf, np.nan], [np.inf, np.nan]) == 0.0
    assert Comparison(FINE, 1.0).between([[1.0]], [1.0]) == np.inf


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "softmax", "leaky_relu", "elu", "silu", "softplus"])
def test_a_network_that_left_comes_back(activation: str) -> None:
    net = ours.MLP(3, [4, 2], activation, layer=ours.Dense, rng=0)
    x = np.random.default_rng(0).normal(size=(5, 3))
    root = from_torch(ours.export.to_torch(net), torch.tensor(x))
    np.testing.assert_allclose(root.data, net(x).data, rtol=1e-12)
    net(x).backward(np.ones((5, 2)))
    root.backward(np.ones((5, 2)))
    for name, p in net.named_parameters():
        np.testing.assert_allclose(root.proof.leaves[name].grad, p.grad, rtol=1e-9, atol=1e-14)
