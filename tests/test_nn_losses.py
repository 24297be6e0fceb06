"""Promises of the losses: equal to torch's, stable, weighted, and strict about shapes and ranges."""

import numpy as np
import pytest

import nn
from autograd_mini import DataError, ShapeError, Tensor, Value

N, K = 6, 4
RNG = np.random.default_rng(0)
P = RNG.normal(size=(N, K)) * 2.0
SIGNS = np.where(RNG.random((N, K)) > 0.5, 1.0, -1.0)
LABELS = RNG.integers(0, K, N)
SOFT = RNG.random((N, K))


def peers(torch):
    """Return for each loss: predictions, targets, and the same loss of torch's or written with torch."""
    f = torch.nn.functional
    softmax = np.exp(P) / np.exp(P).sum(1, keepdims=True)
    return {
        "squared_error": (P, SOFT, lambda p, y, r: f.mse_loss(p, y, reduction=r)),
        "half_squared_error": (P, SOFT, lambda p, y, r: 0.5 * f.mse_loss(p, y, reduction=r)),
        "absolute_error": (P, SOFT, lambda p, y, r: f.l1_loss(p, y, reduction=r)),
        "huber": (P, SOFT, lambda p, y, r: f.huber_loss(p, y, reduction=r)),
        "cross_entropy": (P, LABELS, lambda p, y, r: f.cross_entropy(p, y, reduction=r)),
        "sigmoid_cross_entropy": (P, SOFT, lambda p, y, r: f.binary_cross_entropy_with_logits(p, y, reduction=r)),
        "negative_log_likelihood": (softmax, LABELS, lambda p, y, r: f.nll_loss(p.log(), y, reduction=r)),
        "poisson": (P, SOFT, lambda p, y, r: f.poisson_nll_loss(p, y, log_input=True, reduction=r)),
        "hinge": (P, SIGNS, lambda p, y, r: REDUCE[r]((1 - p * y).clamp(min=0.0))),
    }


REDUCE = {"mean": lambda x: x.mean(), "sum": lambda x: x.sum(), "none": lambda x: x}
NAMES = ["squared_error", "half_squared_error", "absolute_error", "huber", "cross_entropy", "sigmoid_cross_entropy",
         "negative_log_likelihood", "poisson", "hinge"]  # fmt: skip


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_equal_torch(name, reduction):
    torch = pytest.importorskip("torch")
    data, target, peer = peers(torch)[name]
    p, q = Tensor(data), torch.tensor(data, requires_grad=True)
    ours, theirs = getattr(nn, name)(p, target, reduction=reduction), peer(q, torch.tensor(target), reduction)
    np.testing.assert_allclose(ours.data, theirs.detach().numpy(), rtol=1e-13, atol=1e-14)
    seed = np.ones(ours.shape) * 0.7 if ours.ndim else 0.7
    ours.backward(seed)
    theirs.backward(torch.tensor(seed, dtype=torch.float64))
    np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_as_if_samples_were_repeated(name):
    torch = pytest.importorskip("torch")
    data, target, _ = peers(torch)[name]
    loss, weights = getattr(nn, name), np.array([1, 3, 0, 2, 1, 1])
    repeated = np.repeat(data, weights, axis=0), np.repeat(target, weights, axis=0)
    for reduction in ("mean", "sum"):
        ours = loss(data, target, weights=weights, reduction=reduction)
        assert ours == pytest.approx(loss(*repeated, reduction=reduction), rel=1e-13)
    rows = loss(data, target, weights=weights, reduction="none")
    plain = loss(data, target, reduction="none")
    np.testing.assert_allclose(rows, plain * weights.reshape(-1, *[1] * (plain.ndim - 1)))


@pytest.mark.parametrize("name", NAMES)
def test_lists_of_values_are_a_batch(name):
    torch = pytest.importorskip("torch")
    data, target, _ = peers(torch)[name]
    values = [[Value(v) for v in row] for row in data]
    tensor = Tensor(data)
    one, two = getattr(nn, name)(values, target), getattr(nn, name)(tensor, target)
    one.backward()
    two.backward()
    assert one.data == pytest.approx(two.data, rel=1e-14)
    np.testing.assert_allclose([[v.grad for v in row] for row in values], tensor.grad, rtol=1e-13, atol=1e-16)


def test_a_single_number_is_its_own_mean():
    p = Value(3.0)
    loss = nn.half_squared_error(p, 1.0)
    loss.backward()
    assert (loss.data, p.grad) == (2.0, 2.0)


@pytest.mark.parametrize("z", [1000.0, -1000.0, 1e308, -1e308])
def test_logits_may_be_huge(z):
    for loss in (
        nn.sigmoid_cross_entropy(Tensor([z]), [1.0 if z > 0 else 0.0]),
        nn.cross_entropy(Tensor([[z, 0.0]]), [0 if z > 0 else 1]),
    ):
        assert loss.data == 0.0
    assert nn.sigmoid_cross_entropy(Tensor([z]), [0.0 if z > 0 else 1.0]).data == abs(z)


def test_float32_stays_float32():
    p = Tensor(P.astype(np.float32))
    for name in ("squared_error", "hinge", "poisson"):
        assert getattr(nn, name)(p, np.abs(SIGNS), reduction="none", weights=np.ones(N)).dtype == np.float32


def test_the_penalty_counts_every_parameter_once():
    layer = nn.Dense(2, 2, init=nn.init.constant(2.0, 1.0))
    penalty = nn.l2_penalty(nn.Sequential(layer, layer), alpha=0.5)
    penalty.backward()
    assert penalty.data == 0.25 * (4 * 4.0 + 2 * 1.0)
    assert layer.W.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]


WRONG = [
    (lambda: nn.squared_error(np.ones(3), np.ones((3, 1))), ShapeError, r"\(3,\) against targets of shape \(3, 1\)"),
    (lambda: nn.squared_error(Tensor(np.ones((3, 1))), np.ones(3)), ShapeError, r"reshape\(-1, 1\)"),
    (lambda: nn.hinge(np.ones(3), np.ones(1)), ShapeError, "targets of shape"),
    (lambda: nn.squared_error(Tensor(np.ones((0, 2))), np.ones((0, 2))), ShapeError, "batch is empty"),
    (lambda: nn.cross_entropy(np.ones((0, 2)), np.ones(0, int)), ShapeError, "batch is empty"),
    (lambda: nn.squared_error([], []), ShapeError, "batch is empty"),
    (
        lambda: nn.cross_entropy(np.ones((2, 3)), [0, 3]),
        ShapeError,
        r"3 at \(1,\) is not one of the 3 classes 0 to 2",
    ),
    (lambda: nn.cross_entropy(np.ones((1, 2, 3)), [[0, 4]]), ShapeError, r"4 at \(0, 1\) .* 3 classes 0 to 2"),
    (lambda: nn.cross_entropy(np.ones((2, 3)), [-1, 0]), ShapeError, "label -1"),
    (lambda: nn.cross_entropy(np.ones((2, 3)), [0.0, 1.0]), DataError, "integers"),
    (lambda: nn.cross_entropy(np.ones((2, 3)), [[0], [1]]), ShapeError, "one label per row"),
    (lambda: nn.negative_log_likelihood([[0.5, 0.5]], [2]), ShapeError, "label 2"),
    (lambda: nn.negative_log_likelihood([[1.5, -0.5]], [0]), nn.SettingError, r"probability.*got 1.5 at \[0, 0\]"),
    (lambda: nn.negative_log_likelihood([[np.nan, 0.5]], [0]), nn.SettingError, "got nan"),
    (lambda: nn.sigmoid_cross_entropy([0.0], [1.1]), nn.SettingError, r"\[0, 1\], got 1.1"),
    (lambda: nn.sigmoid_cross_entropy([0.0], [-1]), nn.SettingError, "target"),
    (lambda: nn.poisson([0.0], [-1.0]), nn.SettingError, "count"),
    (lambda: nn.sigmoid_cross_entropy(Value(0.0), 1.5), nn.SettingError, r"\[0, 1\], got 1.5$"),
    (lambda: nn.sigmoid_cross_entropy([0.0] * 3, [0.5, 3.0, 2.0]), nn.SettingError, r"got 3.0 at \[1\]"),
    (lambda: nn.negative_log_likelihood([[0.5, 0.5], [-0.5, 1.0]], [0, 0]), nn.SettingError, r"got -0.5 at \[1, 0\]"),
    (lambda: nn.negative_log_likelihood([[0.5, 2.0]], [0]), nn.SettingError, "got 2.0"),
    (lambda: nn.cross_entropy([[0.0, 0.0]], [[-0.5, 1.0]]), nn.SettingError, "a probability .* got -0.5"),
    (lambda: nn.cross_entropy([[0.0, 0.0]], [[0.5, 2.0]]), nn.SettingError, "a probability .* got 2.0"),
    (lambda: nn.cross_entropy([[0.0, 0.0]], [[0.5, 0.50002]]), nn.SettingError, "the sum of a row .* got 1.00002"),
    (lambda: nn.cross_entropy([[0.0, 0.0]], [[0.5, 0.49998]]), nn.SettingError, "the sum of a row .* got 0.99998 at"),
    *[
        (lambda rows=rows: nn.negative_log_likelihood([[0.5, 0.5]] * 3, rows), nn.SettingError, message)
        for rows, message in (
            ([[1, 0], [0.5, 0.5], [1, 1]], r"row \[1\] is \[0.5 0.5\]"),
            ([[1, 0], [0, 1], [1, 1]], r"row \[2\] is \[1. 1.\]"),
            ([[0, 0], [0, 1], [1, 1]], r"row \[0\] is \[0. 0.\]"),
            ([[0, 1], [2, -1], [1, 0]], r"row \[1\] is \[ 2. -1.\]"),
        )
    ],
    (lambda: nn.hinge([0.0, 1.0], [1, 0]), nn.SettingError, r"-1 or 1, got 0.0 at \[1\]"),
    (lambda: nn.hinge([0.0, 1.0], [2, 3]), nn.SettingError, r"-1 or 1, got 2.0 at \[0\]"),
    (lambda: nn.hinge(Value(1.0), -3.0), nn.SettingError, "-1 or 1, got -3.0$"),
    (lambda: nn.huber([0.0], [1.0], delta=0.0), nn.SettingError, "delta"),
    (lambda: nn.squared_error([0.0], [1.0], reduction="avg"), nn.SettingError, "mean, sum, none"),
    (lambda: nn.squared_error([0.0], ["1.0"]), DataError, "text"),
    (lambda: nn.squared_error([0.0], [None]), DataError, "None"),
    (lambda: nn.squared_error([0.0, 1.0], [1.0, 1.0], weights=[1.0]), ShapeError, "one weight per sample"),
    (lambda: nn.squared_error([0.0, 1.0], [1.0, 1.0], weights=[1.0] * 3), ShapeError, "one weight per sample"),
    (lambda: nn.squared_error(Value(0.0), 1.0, weights=2.0), ShapeError, r"weights of shape \(\) for losses of shape"),
    (lambda: nn.squared_error([0.0, 1.0], [1.0, 1.0], weights=[np.inf, 1.0]), nn.SettingError, r"inf at \[0\]"),
    (lambda: nn.squared_error([0.0, 1.0], [1.0, 1.0], weights=[1.0, -1.0]), nn.SettingError, r"-1.0 at \[1\]"),
    (lambda: nn.squared_error([0.0, 1.0], [1.0, 1.0], weights=[1.0, np.nan]), nn.SettingError, "nan"),
    (lambda: nn.squared_error([0.0, 1.0], [1.0, 1.0], weights=[0.0, 0.0]), nn.SettingError, "sum is 0"),
    (lambda: nn.l2_penalty([Value(1.0)], alpha=-1.0), nn.SettingError, "alpha"),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG)
def test_wrong_targets_and_settings_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_weights_of_any_size_make_a_mean_and_none_at_all_a_sum():
    losses = {"p": [1.0, 3.0], "y": [0.0, 0.0]}
    assert nn.squared_error(**losses, weights=[0.25, 0.125]) == pytest.approx((0.25 + 9.0 * 0.125) / 0.375)
    assert nn.squared_error(**losses, weights=[0.0, 0.0], reduction="sum") == 0.0
    assert nn.squared_error(**losses, weights=[0.0, 0.0], reduction="none").tolist() == [0.0, 0.0]


def test_rows_of_targets_may_have_any_number_of_axes():
    """Rows stand along the last axis, also where there are two axes before it: as many losses as rows."""
    z, labels = RNG.normal(size=(2, 3, K)), RNG.integers(0, K, (2, 3))
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    expected = -np.log(np.take_along_axis(p, labels[..., None], -1))[..., 0]
    for targets in (labels, np.eye(K)[labels]):
        np.testing.assert_allclose(nn.cross_entropy(z, targets, reduction="none"), expected, rtol=1e-12)
        np.testing.assert_allclose(nn.negative_log_likelihood(p, targets, reduction="none"), expected, rtol=1e-12)
    wrong = np.eye(K)[labels]
    wrong[1, 2] = 0.0
    with pytest.raises(nn.SettingError, match=r"row \[1, 2\] is \[0. 0. 0. 0.\]"):
        nn.negative_log_likelihood(p, wrong)


def test_a_row_of_probabilities_may_be_rounded_and_certain():
    for row in ([1.0, 0.0], [0.5, 0.500009], [0.5, 0.499991]):
        assert nn.cross_entropy([[0.0, 0.0]], [row]) == pytest.approx(np.log(2.0), rel=1e-4)
    assert nn.negative_log_likelihood([[1.0, 0.0]], [0]) == 0.0


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64"])
@pytest.mark.parametrize("classes", [2, 4, 40])  # 40: rows that are summed by numpy, fewer by BLAS
def test_class_numbers_may_be_integers_of_any_kind(dtype: str, classes: int) -> None:
    z = np.random.default_rng(1).normal(size=(9, classes))
    labels = (np.arange(9) % classes).astype(dtype)
    logits = Tensor(z)
    loss = nn.cross_entropy(logits, labels)
    loss.backward()
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    np.testing.assert_allclose(loss.data, -np.log(p[np.arange(9), labels]).mean(), rtol=1e-14)
    np.testing.assert_allclose(logits.grad, (p - np.eye(classes)[labels]) / 9.0, rtol=1e-13, atol=1e-16)
    with pytest.raises(ShapeError, match=f"label {classes} at \\(0,\\) is not one of the {classes} classes"):
        nn.cross_entropy(logits, labels + np.asarray(classes, dtype))
    if dtype.startswith("i"):
        with pytest.raises(ShapeError, match=r"label -1 at \(0,\)"):
            nn.cross_entropy(logits, labels - np.asarray(1, dtype))


@pytest.mark.parametrize("classes", [3, 40])
def test_logits_whose_squares_overflow_have_their_loss(classes: int) -> None:
    z = np.zeros((2, classes), np.float32)
    z[:, 0] = 3e38, 1e20
    rows = np.eye(classes, dtype=np.float32)[[0, 1]]
    np.testing.assert_array_equal(nn.cross_entropy(z, rows, reduction="none"), np.array([0.0, 1e20], np.float32))


def test_one_number_tells_no_classes_apart() -> None:
    one_output = nn.MLP(2, [1], rng=0)([1.0, 2.0])
    for loss in (nn.cross_entropy, nn.negative_log_likelihood):
        for p in (one_output, 0.5, np.float64(0.5)):
            for labels in (0, 1, 1.0, [1]):
                with pytest.raises(ShapeError, match=r"classes need one each: .* nn\.sigmoid_cross_entropy"):
                    loss(p, labels)
