"""The proof of a vjp: the explicit Jacobian, J^T g beside what the sweep sends, and the op's own differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from table_cases import ROWS, called, differentiable, direction, fewer
from tables import each

from autograd_mini import Node, Tensor, Value, explain, ops
from autograd_mini.op import Op
from autograd_mini.text.jacobian import SMALL, Proof, prove

pytestmark = pytest.mark.filterwarnings("error")


def softmax_of(x: Any) -> Any:
    e = np.exp(x - np.max(x))
    return e / e.sum()


def test_the_jacobian_of_softmax_is_diag_a_minus_a_a_transposed() -> None:
    scores = np.array([1.0, 2.0, 3.0])
    x = Tensor(scores, label="x")
    step = explain(x.softmax(), [1.0, 0.0, -2.0])[0]
    proof = step.contributions[0].proof
    a = softmax_of(scores)
    assert proof is not None
    np.testing.assert_allclose(proof.jacobian, np.diag(a) - np.outer(a, a), rtol=0, atol=1e-15)
    np.testing.assert_allclose(proof.product, (np.diag(a) - np.outer(a, a)).T @ [1.0, 0.0, -2.0], atol=1e-15)
    np.testing.assert_allclose(proof.vjp, proof.product, atol=1e-15)
    assert (proof.holds, proof.confirmed) == (True, True)
    assert proof.gap < 1e-15
    assert proof.error < 1e-9


@each(ROWS)
def test_every_row_proves_itself(row: Op) -> None:
    proved = 0
    for args in fewer(row):
        chosen = differentiable(row, args)
        z, _ = called(row, args, chosen or list(range(len(args))))
        g = direction(z.shape, 1)
        for i in chosen:
            proof = prove(z, i, g) if isinstance(z, Node) and proved < 8 else None
            if proof is not None:
                proved += 1
                assert proof.jacobian.shape == (z.size, z.args[i].size)
                assert proof.holds, (row.name, proof.gap)
                assert proof.confirmed, (row.name, proof.error)
    assert proved or not any(row.rule(i) for i in range(len(row.params)))


def test_a_wrong_rule_does_not_prove_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ops.softmax.rules[0]
    x = Tensor([1.0, 2.0, 3.0], label="x")
    a = x.softmax()
    monkeypatch.setattr(ops.softmax, "rules", (lambda *args: right(*args) * 1.001, None))
    proof = prove(a, 0, np.array([1.0, 0.0, -2.0]))
    assert proof is not None
    assert proof.holds, "a rule that is linear in g is consistent with itself"
    assert not proof.confirmed
    assert "not the same" in str(explain(a, [1.0, 0.0, -2.0]))


def test_a_rule_that_is_not_linear_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    a = Tensor([1.0, 2.0, 3.0]).softmax()
    monkeypatch.setattr(ops.softmax, "rules", (lambda g, z, x, axis: g * g, None))
    proof = prove(a, 0, np.array([1.0, 0.5, -2.0]))
    assert proof is not None
    assert not proof.holds
    assert "but the vjp differs" in str(explain(a, [1.0, 0.5, -2.0]))


def proof_of(root: Node, gradient: Any = None) -> Proof | None:
    return explain(root, gradient)[0].contributions[0].proof


def test_large_jacobians_are_left_out() -> None:
    n = int(SMALL**0.5)
    assert proof_of(Tensor(np.ones(n)).softmax(), np.ones(n)) is not None
    assert proof_of(Tensor(np.ones(n + 1)).softmax(), np.ones(n + 1)) is None
    assert proof_of(Tensor(np.ones((0,))).sum()) is None


def test_nothing_is_proved_where_nothing_flows() -> None:
    assert proof_of(Tensor([1.0, 2.0]).sign(), [1.0, 1.0]) is None


def test_a_matrix_is_taken_in_the_order_of_memory() -> None:
    W, v = Tensor([[1.0, 2.0], [3.0, 4.0]], label="W"), Tensor([5.0, 6.0], label="v")
    to_W, to_v = explain(W @ v, [1.0, 10.0])[0].contributions
    assert to_W.proof is not None
    assert to_v.proof is not None
    np.testing.assert_array_equal(to_W.proof.jacobian, [[5.0, 6.0, 0.0, 0.0], [0.0, 0.0, 5.0, 6.0]])
    np.testing.assert_array_equal(to_v.proof.jacobian, [[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(to_W.proof.product, [[5.0, 6.0], [50.0, 60.0]])


def test_single_precision_is_held_to_single_precision() -> None:
    x = Tensor(np.array([1.0, 2.0, 3.0], np.float32), label="x")
    proof = proof_of(x.softmax(), [1.0, 0.0, -2.0])
    assert proof is not None
    assert (proof.holds, proof.confirmed) == (True, True)


def test_numbers_that_are_not_finite_raise_nothing() -> None:
    for g in ([np.inf, 0.0], [np.nan, 1.0], [1e308, 1e308]):
        for x in ([1.0, 2.0], [np.inf, 0.0], [np.nan, 0.0]):
            assert "J = " in str(explain(Tensor(x, label="x").softmax(), g))


def test_the_jacobian_of_an_elementwise_op_is_diagonal() -> None:
    c = explain(Tensor([0.5, 1.0]).tanh(), [1.0, 1.0])[0].contributions[0]
    assert c.proof is not None
    np.testing.assert_allclose(c.proof.jacobian, np.diag(np.asarray(c.local)), rtol=1e-15)


@pytest.mark.parametrize(
    ("shapes", "summed"),
    [(((3,), (3,)), ()), (((), (3,)), (0,)), (((3,), (2, 3)), (0,)), (((2, 1), (2, 3)), (1,)),
     (((1, 1), (2, 3)), (0, 1)), (((1,), (1,)), ())],
)  # fmt: skip
def test_axes_that_are_summed_are_named(shapes: Any, summed: tuple[int, ...]) -> None:
    x, y = (Tensor(np.ones(s), label="x") if s else Value(1.0, label="x") for s in shapes)
    z = x * y
    c = explain(z, np.ones(z.shape))[0].contributions[0]
    assert c.summed == summed
    assert ("over axis" in str(explain(z, np.ones(z.shape)))) == bool(summed)
    assert c.shape == x.shape
    assert explain(z, np.ones(z.shape))[0].shape == z.shape


def test_a_jacobian_is_printed_row_by_row() -> None:
    W = Tensor(np.arange(4.0).reshape(2, 2) + 0.5, label="W")
    printed = str(explain(W.sum(axis=0), [1.0, 2.0]))
    assert "J = dL/dW = [[1, 0, 1, 0]," in printed
    assert "[0, 1, 0, 1]]" in printed
    assert "J^T g = [[1, 2], [1, 2]] = the vjp" in printed
