"""Products of matrices in parts are the whole ones to rounding, whatever the order in memory, and small enough."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from autograd_mini import ShapeError, Tensor, ops, products
from autograd_mini.node import leaf
from autograd_mini.products import SMALL, product, rows_at_once
from autograd_mini.programs.arrays.replay import Replay

ORDERS: dict[str, Callable[[Any], Any]] = {
    "by rows": np.ascontiguousarray,
    "by columns": np.asfortranarray,
    "every other row": lambda a: np.repeat(a, 2, 0)[::2],
    "every other entry": lambda a: np.repeat(np.repeat(a, 2, 0), 2, 1)[::2, ::2],
}
SHAPES = [(128, 784, 128), (128, 128, 64), (1024, 784, 10), (64, 128, 784), (211, 100, 101), (1, 1500, 1500)]


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let BLAS have kernels for small matrices, whatever it has."""
    rows_at_once.cache_clear()
    monkeypatch.setattr(products, "has_kernels", lambda: True)
    yield
    rows_at_once.cache_clear()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_product_in_parts_is_the_whole_one(kernels: None, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    cut = 0
    for rows, length, columns in SHAPES:
        x = rng.normal(size=(rows, length)).astype(dtype)
        y = rng.normal(size=(length, columns)).astype(dtype)
        whole, near = x.astype(float) @ y.astype(float), 60.0 * np.finfo(dtype).eps * np.sqrt(length)
        for a in (order(x) for order in ORDERS.values()):
            for b in (order(y) for order in ORDERS.values()):
                made = product(a, b)
                assert made.dtype == dtype
                np.testing.assert_allclose(made, whole, rtol=0.0, atol=near)
                for out in (order(np.zeros_like(whole, dtype)) for order in ORDERS.values()):
                    assert product(a, b, out) is out
                    np.testing.assert_allclose(out, whole, rtol=0.0, atol=near)
        cut += rows_at_once(rows, length, columns, 4, False) < rows
    assert cut >= 4


def test_parts_are_neither_too_large_nor_too_small(kernels: None) -> None:
    for rows in (4, 60, 128, 1000, 1009):
        for length in (100, 128, 784, 3000):
            for columns in (10, 64, 512, 2000):
                for least, turned in ((4, False), (4, True), (32, False)):
                    n = rows_at_once(rows, length, columns, least, turned)
                    assert 0 < n <= rows
                    if n < rows:
                        assert least <= n <= SMALL // (length * columns)
                        assert not turned or (length >= 128 and n * columns <= 1200)
    assert rows_at_once(128, 784, 128, 4, False) == rows_at_once(128, 784, 128, 4, True) == 8
    assert rows_at_once(128, 100, 128, 4, True) == 128, "short rows with a turned matrix"


def test_what_is_no_product_of_two_large_matrices_is_numpys(kernels: None) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 300))
    for a, b in [(x, x.T), (x.T, x), (x, x[0]), (x[0], x.T), (x[None], x.T), (x.astype(np.float32), x.T + 1.0)]:
        assert np.array_equal(product(a, b), a @ b)
    assert np.array_equal(product(x, x.T), product(x, x.T).T)
    for bad in (x[:, 1:], x, x[:0]):
        with pytest.raises(ShapeError, match="matmul: shapes"):
            ops.matmul(Tensor(x), bad)


def test_a_replay_cuts_products_as_the_engine_does(kernels: None) -> None:
    rng = np.random.default_rng(0)
    for dtype in (np.float64, np.float32):
        for n, wide, high in [(128, 784, 128), (128, 128, 64), (200, 90, 80), (1024, 784, 10)]:
            x, b = rng.normal(size=(n, wide)).astype(dtype), rng.normal(size=high).astype(dtype)
            W = rng.normal(size=(high, wide)).astype(dtype)
            variables = [leaf(a) for a in (x, W, b)]
            z = ops.affine(*variables)
            replay = Replay([z], leaf(np.ones_like(z.data)), variables, variables)
            z.backward(np.ones_like(z.data))
            assert "product(" in replay.source
            found = replay(x, W, b)
            for mine, engines in zip(found, [z.data, *(v.grad for v in variables)]):
                assert np.array_equal(mine, engines)


def test_without_kernels_the_product_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "has_kernels", lambda: False)
    rows_at_once.cache_clear()
    assert rows_at_once(128, 784, 128, 4, False) == 128
    x = np.random.default_rng(0).normal(size=(128, 784))
    assert np.array_equal(product(x, x.T.copy()), x @ x.T.copy())
    rows_at_once.cache_clear()


def test_a_blas_that_cannot_be_asked_has_no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = products.has_kernels.__wrapped__
    assert ask() in (True, False)
    for module in (None, sys, np):  # not there, without a file, a file that is no library
        monkeypatch.setitem(sys.modules, "numpy._core._multiarray_umath", module)
        assert ask() is False
