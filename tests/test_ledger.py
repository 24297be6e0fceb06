"""The ledger: entries add up to the leaf's gradient bit for bit, whatever sweeps and zero_grads there were."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini import (
    DataError,
    NonFiniteError,
    Tensor,
    Value,
    backward_steps,
    detect_nonfinite,
    grad,
    ops,
    zero_grad,
)
from autograd_mini import node as node_module
from autograd_mini.node import Node
from autograd_mini.text.ledger import OUTSIDE, SWEEP, ZERO, Entry, Ledger

pytestmark = pytest.mark.filterwarnings("error")


def replayed(entries: tuple[Entry, ...]) -> Any:
    """Return the gradient that the entries make, by adding them up as a sweep does."""
    held: Any = None
    coming: Any = None
    for entry in entries:
        if entry.kind == SWEEP:
            if entry.amount is not None:
                coming = entry.amount if coming is None else coming + entry.amount
                np.testing.assert_array_equal(coming, entry.subtotal)
            if entry.total is not None:
                zero = np.zeros(np.shape(entry.total)) if np.ndim(entry.total) else 0.0
                came = zero if coming is None else coming
                held, coming = (zero + came if held is None else held + came), None
                np.testing.assert_array_equal(held, entry.total)
        else:
            held = entry.total
    return held


ROWS = [ops.add, ops.sub, ops.mul, ops.tanh, ops.sin, ops.step, ops.square, ops.maximum, ops.div]


@st.composite
def sessions(draw: Any) -> tuple[list[Node], list[Any]]:
    """Draw leaves and what is done with them: sweeps of random graphs, zero_grads, assignments, steps by hand."""
    leaves: list[Node] = [Value(draw(st.floats(-2.0, 2.0))), Value(0.1), Tensor([draw(st.floats(-2.0, 2.0)), 0.3])]
    deeds = []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["sweep", "sweep", "sweep", "zero", "assign", "steps"]))
        nodes = list(leaves)
        for _ in range(draw(st.integers(1, 6))):
            row = draw(st.sampled_from(ROWS))
            nodes.append(row(*(draw(st.sampled_from(nodes)) for _ in row.params)))
        deeds.append((kind, ops.sum(nodes[-1]) + ops.sum(nodes[-2]), draw(st.sampled_from(leaves))))
    return leaves, deeds


def do(kind: str, root: Node, leaf: Node) -> None:
    if kind == "sweep":
        root.backward()
    elif kind == "steps":
        list(backward_steps(root))
    elif kind == "zero":
        zero_grad(leaf)
    else:
        leaf.grad = leaf.grad * 0.5


@given(sessions())
def test_totals_are_the_gradients_bit_for_bit(session: tuple[list[Node], list[Any]]) -> None:
    leaves, deeds = session
    with Ledger(*leaves) as book:
        for deed in deeds:
            do(*deed)
            for leaf in leaves:
                np.testing.assert_array_equal(replayed(book[leaf]), leaf.grad if leaf.has_grad else None)
    assert book.sweeps == sum(kind == "sweep" for kind, *_ in deeds)
    assert str(book)


@given(sessions())
def test_the_gradients_are_those_without_a_ledger(session: tuple[list[Node], list[Any]]) -> None:
    leaves, deeds = session

    def run() -> list[Any]:
        zero_grad(*leaves)
        for deed in deeds:
            do(*deed)
        return [leaf.grad for leaf in leaves]

    plain = run()
    with Ledger():
        kept = run()
    for a, b in zip(plain, kept):
        np.testing.assert_array_equal(a, b)


def test_every_edge_of_every_sweep_is_named() -> None:
    w, x = Value(3.0, label="w"), Value(2.0, label="x")
    with Ledger() as book:
        (w * x + w.square()).backward()
        (w * w).backward()
    first, second, third, fourth = book[w]
    assert [e.sweep for e in (first, second, third, fourth)] == [1, 1, 2, 2]
    assert (first.root, first.equation, first.position, first.amount) == ("L", "v2 = square(w)", 0, 6.0)
    assert (second.equation, second.amount, second.subtotal, second.total) == ("v1 = w * x", 2.0, 8.0, 8.0)
    assert (third.position, fourth.position, fourth.subtotal, fourth.total) == (0, 1, 6.0, 14.0)
    assert w.grad == 14.0
    assert {leaf.label for leaf in book} == {"w", "x"}


def test_what_zero_grad_takes_away_is_an_entry() -> None:
    w = Value(3.0, label="w")
    with Ledger(w) as book:
        (w * w).backward()
        zero_grad(w)
        zero_grad(w)  # there is nothing to forget any more
        (2.0 * w).backward()
    assert [e.kind for e in book[w]] == [SWEEP, SWEEP, ZERO, SWEEP]
    assert "zero_grad" in str(book)
    assert book[w][-1].total == w.grad == 2.0


def test_what_was_there_before_and_what_others_write_is_told() -> None:
    w = Value(3.0, label="w")
    (w * w).backward()
    with Ledger(w) as book:
        assert [(e.kind, e.total) for e in book[w]] == [(OUTSIDE, 6.0)]
        (2.0 * w).backward()
        w.grad = 1.0
        (2.0 * w).backward()
        del w.grad
    assert [(e.kind, e.total) for e in book[w]] == [
        (OUTSIDE, 6.0), (SWEEP, 8.0), (OUTSIDE, 1.0), (SWEEP, 3.0), (OUTSIDE, None),
    ]  # fmt: skip
    assert "from outside: none" in str(book)


def test_an_array_changed_in_place_is_noticed() -> None:
    v = Tensor([1.0, 2.0], label="v")
    with Ledger(v) as book:
        v.sum().backward()
        v.grad *= 0.5
    assert [e.kind for e in book[v]] == [SWEEP, OUTSIDE]
    np.testing.assert_array_equal(book[v][0].total, [1.0, 1.0])
    v.grad *= 0.5
    np.testing.assert_array_equal(book[v][1].total, [0.25, 0.25])


def test_a_leaf_that_nothing_reaches_has_an_entry_without_amount() -> None:
    x = Value(0.5, label="x")
    with Ledger() as book:
        x.step().backward()
    (entry,) = book[x]
    assert (entry.amount, entry.total, x.grad) == (None, 0.0, 0.0)
    assert "nothing reaches it" in str(book)


def test_outside_its_with_nothing_is_entered() -> None:
    w = Value(3.0, label="w")
    book = Ledger()
    (w * w).backward()
    with book:
        pass
    (w * w).backward()
    assert (len(book), book.sweeps, book[w][0].kind) == (0, 0, OUTSIDE)
    assert str(book) == ""


def test_transforms_change_no_gradient_and_are_not_entered() -> None:
    w = Value(3.0, label="w")
    with Ledger() as book:
        grad(lambda x: x * x)(2.0)
        (w * w).backward()
    assert (book.sweeps, list(book)) == (1, [w])


def test_a_sweep_that_fails_is_not_entered() -> None:
    x = Value(0.0, label="x")
    y = x.sqrt()
    with Ledger(x) as book, detect_nonfinite(), pytest.raises(NonFiniteError):
        y.backward()
    assert (book[x], x.has_grad, book.sweeps) == ((), False, 0)


def test_numbers_that_are_not_finite_are_kept_without_a_word() -> None:
    v = Tensor([0.0, 1.0], label="v")
    with Ledger(v) as book:
        (v.log() - v.log()).sum().backward()
    np.testing.assert_array_equal(book[v][-1].total, v.grad)
    assert math.isnan(v.grad[0])
    assert len(book[v]) == 2, "NaN equals NaN here: nobody has written from outside"


def test_it_keeps_no_graph() -> None:
    import weakref

    w = Value(3.0, label="w")
    with Ledger(w) as book:
        y = w * w
        gone = weakref.ref(y)
        y.backward()
        del y
        assert gone() is None
    assert book[w][-1].equation == "L = w * w"


def test_names_may_be_given() -> None:
    a, b = Value(2.0), Value(3.0)
    with Ledger(names={a: "a"}) as book:
        (a * b).backward()
    assert book[b][0].equation == "L = a * v1"
    assert "v1: gradient 2\n" in str(book)
    assert "a: gradient 3\n" in str(book)


def test_a_sum_of_20000_uses_is_entered_in_linear_time() -> None:
    w = Value(1.0, label="w")
    with Ledger(w) as book:
        ops.add_n(*[w] * 20_000).backward()
    assert len(book[w]) == 20_000
    assert book[w][-1].total == 20_000.0
    assert max(map(len, str(book).split("\n"))) < 200


def test_the_hot_path_has_no_mode_after_it() -> None:
    before = node_module.modes_in_use
    with Ledger():
        assert node_module.modes_in_use == before + 1
    assert node_module.modes_in_use == before


@pytest.mark.parametrize("leaf", [1.0, "w", [Value(1.0)]])
def test_it_follows_nodes_only(leaf: Any) -> None:
    with pytest.raises(DataError, match="Values and Tensors"):
        Ledger(leaf)


def test_a_prompt_shows_the_accounts_unless_they_are_many() -> None:
    leaves = [Value(float(i)) for i in range(30)]
    with Ledger(leaves[0]) as one, Ledger() as many:
        sum(leaves).backward()  # type: ignore[union-attr]
    assert repr(one) == str(one) != ""
    assert repr(many) == "<Ledger of 30 leaves, 1 sweeps: print it, or read ledger[leaf]>"
    assert repr(Ledger()) == "<Ledger of 0 leaves, 0 sweeps: print it, or read ledger[leaf]>"


def test_names_run_either_way() -> None:
    w = Value(3.0)
    rate = w * 2.0
    for names in ({w: "weight"}, {"weight": w, "rate": rate, "other": 7}):
        with Ledger(names=names) as book:
            rate.backward()
            rate.backward()
        assert str(book).startswith("weight: gradient")
        w.grad = None
    assert "rate = weight * 2, argument 1" in str(book)
    with pytest.raises(DataError, match="names maps nodes to names"):
        Ledger(names=["a"])  # type: ignore[arg-type]


def test_a_long_account_says_what_it_leaves_out_and_how_to_ask_for_it() -> None:
    leaves = [Value(float(i)) for i in range(300)]
    with Ledger() as book:
        ops.add_n(*leaves).backward()
    lines = str(book).splitlines()
    assert len(lines) == 401
    assert lines[-1].endswith("Ledger(w) follows w alone, ledger[w] lists its entries, ledger.whole is all")
    assert book.whole.splitlines()[:400] == lines[:400]
    assert len(book.whole.splitlines()) > 1000
