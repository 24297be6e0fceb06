"""The quick way for numbers: the same nodes and gradients as the plain way, whatever the numbers and the rules."""

from __future__ import annotations

import ast
import inspect
import itertools
import math
import random
import textwrap
from contextlib import suppress

import pytest
from tables import each
from threads import at_once

from autograd_mini import Tensor, Value, fast, ops
from autograd_mini import sweep as sweeps
from autograd_mini.data import ignoring_fp_warnings
from autograd_mini.errors import RuleError, StaleError
from autograd_mini.op import TABLE, Binary, Unary
from autograd_mini.sweep import contributions, order, sweep, swept

POINTS = [0.0, -0.0, 1.0, -1.0, 2.0, -0.5, 710.0, -800.0, 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan]


def plain(root, g):
    nodes = order(root)
    return nodes, list(sweep(nodes, {root: g}))


def descended(nodes, grads):
    """The gradients of the nodes, which are all that is reached."""
    found, values, ends = descend(grads)
    grads = dict(zip(found, values))
    assert set(grads) == set(nodes)
    assert {found[i] for i in ends} == {node for node in nodes if node.op is None or grads[node] is None}
    return [grads[node] for node in nodes]


def descend(grads):
    return ignoring_fp_warnings(fast.descend, grads, contributions)


def texts(gradients):
    """Floats as texts, so that nan equals nan and 0.0 differs from -0.0."""
    return [repr(g) for g in gradients]


def operands(a, b):
    """Both arguments as nodes, either as a constant, and one node in both places."""
    x, y = Value(a), Value(b)
    return [(x, y), (x, b), (a, y), (x, x)]


SCALAR_ROWS = [row for row in TABLE.values() if row.slopes in (1, 2)] + [ops.add_n]


@each(SCALAR_ROWS)
def test_every_rule_in_the_loop_answers_as_the_row_does_at_every_point(row):
    cases = [(Value(a),) for a in POINTS]
    if len(row.rules) != 1:
        cases = [pair for a in POINTS for b in POINTS for pair in operands(a, b)]
    for args in cases:
        root = row(*args)
        for g in (1.0, -0.3, math.inf, math.nan):
            nodes, expected = plain(root, g)
            assert texts(descended(nodes, {root: g})) == texts(expected), (row, args, g)


def test_random_graphs_give_the_same_gradients_bit_for_bit():
    rng = random.Random(0)
    binary = [ops.add, ops.sub, ops.mul, ops.div, ops.power, ops.maximum, ops.atan2]
    unary = [ops.tanh, ops.relu, ops.exp, ops.log, ops.neg, ops.sigmoid, ops.sin, ops.step]
    for _ in range(200):
        made = [Value(rng.uniform(-2, 2)) for _ in range(4)]
        for _ in range(30):
            x, y = rng.choice(made), rng.choice([*made, rng.uniform(-2, 2)])
            made.append(rng.choice(binary)(x, y) if rng.random() < 0.6 else rng.choice(unary)(x))
        root = ops.add_n(*made)
        nodes, expected = plain(root, 0.7)
        assert [*swept({root: 0.7}, nodes)] == nodes
        assert texts(swept({root: 0.7}, nodes).values()) == texts(expected)
        assert texts(descended(nodes, {root: 0.7})) == texts(expected)


def test_nodes_take_their_turn_by_birth_however_far_apart_they_were_born():
    rng = random.Random(1)
    for waste in (0, 1, 7, 300):
        leaves = [Value(rng.uniform(-2, 2)) for _ in range(5)]
        made = list(leaves)
        for _ in range(40):
            made.append(rng.choice([ops.add, ops.mul, ops.sub])(rng.choice(made), rng.choice(made)))
            for _ in range(rng.randint(0, waste)):
                Value(0.0)  # births that are nobody's here
        root = sum(rng.sample(made, 20)).tanh()
        nodes, expected = plain(root, 1.0)
        assert texts(descended(nodes, {root: 1.0})) == texts(expected)


def test_leaves_of_any_age_are_reached_once():
    """Where those that wait are looked at, after a gap, they leave at once, and what uses them may come later."""
    leaves = []
    for _ in range(30):
        leaves.append(Value(0.5))
        for _ in range(50):
            Value(0.0)  # births that are nobody's here
    old = ops.hypot(leaves[0], leaves[1]) * leaves[2]  # hypot's rule is not in the loop
    for _ in range(500):
        Value(0.0)
    root = sum(ops.hypot(x, 2.0) for x in leaves) * old
    nodes, expected = plain(root, 1.0)
    found, _, ends = descend({root: 1.0})
    assert sorted(id(found[i]) for i in ends) == sorted(map(id, leaves))
    assert texts(descended(nodes, {root: 1.0})) == texts(expected)


def test_old_nodes_that_nothing_flows_to_are_found_and_read_zero():
    x, w = Value(2.0), Value(3.0)
    hidden = x * x
    for _ in range(100):
        Value(0.0)
    y = ops.step(hidden) * w + w
    hidden.grad = x.grad = 5.0
    y.backward()
    assert (hidden.grad, x.grad, w.grad) == (0.0, 5.0, 2.0)


@pytest.mark.parametrize("error", [ZeroDivisionError, ValueError, KeyboardInterrupt])
def test_a_sweep_that_breaks_off_leaves_nothing_behind(error, monkeypatch):
    x, w = Value(2.0), Value(3.0)
    y = (x * w).tanh() * (x + w)
    y.backward()
    once = x.grad, w.grad

    def broken(g, z, x, y):
        raise error("broken")

    with monkeypatch.context() as patch:
        patch.setattr(ops.add, "rules", (broken, broken))
        with pytest.raises((RuleError, KeyboardInterrupt)):
            y.backward()
    assert (x.grad, w.grad) == once
    y.backward()
    assert (x.grad, w.grad) == (2 * once[0], 2 * once[1])


class Interruptible(ast.NodeTransformer):
    """Calls tick() wherever Python looks for a Ctrl-C: as a function begins, in every round of a loop, after a call."""

    TICK = ast.parse("tick()").body

    def visit_FunctionDef(self, node):
        return self.with_ticks(node, first=True)

    def visit_For(self, node):
        return self.with_ticks(node, first=True)

    visit_While = visit_For

    def generic_visit(self, node):
        return self.with_ticks(node, first=False)

    def with_ticks(self, node, first):
        super().generic_visit(node)
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(node, block, None)
            if isinstance(statements, list) and statements:
                called = [
                    [one, *self.TICK] if isinstance(one, (ast.Expr, ast.Assign, ast.AnnAssign)) else [one]
                    for one in statements
                ]
                setattr(node, block, [*(self.TICK if first and block == "body" else ()), *itertools.chain(*called)])
        return node


def with_ticks(patch, module, names, tick):
    """Let functions of a module call tick() at all these points."""
    for name in names:
        tree = ast.parse(textwrap.dedent(inspect.getsource(getattr(module, name))))
        made = {}
        exec(compile(ast.fix_missing_locations(Interruptible().visit(tree)), "<ticking>", "exec"), vars(module), made)
        patch.setattr(module, name, made[name])
    patch.setattr(module, "tick", tick, raising=False)


def test_whatever_is_interrupted_and_interrupted_again_the_next_sweep_is_right(monkeypatch):
    """Ctrl-C at every point of a sweep, and at every later one: in the clean-up, and in the sweep that comes next."""
    ticks, at = itertools.count(1), set()

    def tick():
        if next(ticks) in at:
            raise KeyboardInterrupt

    with_ticks(monkeypatch, fast, ("descend", "_descend", "_share", "_send"), tick)
    with_ticks(monkeypatch, sweeps, ("backward", "gradients", "total", "reach"), tick)
    x, w = Value(2.0), Value(3.0)
    root = ops.hypot(x, 4.0) + ops.add_n(x * w, w, 1.0)
    root.backward()
    once, length = {x: x.grad, w: w.grad}, next(ticks)
    for first, after in itertools.product(range(1, length), range(1, 40)):
        ticks = itertools.count(1)
        at = {first, first + after}
        for _ in range(2):
            x.grad = w.grad = 1.0
            with suppress(KeyboardInterrupt):
                root.backward()
            assert (x.grad, w.grad) in ((1.0, 1.0), (1.0 + once[x], 1.0 + once[w])), at
        at = set()
        x.grad = w.grad = None
        root.backward()
        assert {x: x.grad, w: w.grad} == once, (first, after)


def test_a_rule_may_sweep_the_same_nodes_and_a_thread_too():
    """What a sweep has added up so far is its own."""
    x = Value(3.0)
    square = x * x
    seen = []

    def rule(g, y, x_):
        seen.append(swept({square: 1.0})[x])
        seen.extend(at_once(lambda: swept({square: 10.0})[x]))
        return g

    row = Unary("my_sweeping", "my_sweeping({})", lambda x: x, lambda x: x, rule)
    try:
        (row(square) * square).backward()
    finally:
        del TABLE[row.name]
    assert seen == [6.0, 60.0]
    assert x.grad == 2 * 9.0 * 6.0


def test_arrays_among_the_numbers_are_sent_back_as_ever():
    x, w = Tensor([1.0, 2.0, 3.0]), Value(0.5)
    root = (w * x + w).sum() * w
    root.backward()
    assert w.grad == 0.5 * 6 + 1.5 + (0.5 * 6 + 1.5)
    assert x.grad.tolist() == [0.25, 0.25, 0.25]


def test_the_gradient_of_a_leaf_is_no_other_nodes_even_where_a_number_is_older():
    w, x = Value(1.0), Tensor([1.0, 2.0])
    h = x + 0.0
    (h.sum() * w).backward()
    x.grad[0] = 9.0
    assert h.grad.tolist() == [1.0, 1.0]


def test_a_row_that_was_given_another_rule_keeps_to_it(monkeypatch):
    monkeypatch.setattr(ops.mul, "rules", (lambda g, z, x, y: g * 7.0, lambda g, z, x, y: g * x))
    x, y = Value(2.0), Value(3.0)
    (x * y).backward()
    assert (x.grad, y.grad) == (7.0, 2.0)


def test_a_rule_that_raises_is_called_once_and_named(monkeypatch):
    calls = []

    def rule(g, z, x, y):
        calls.append(x)
        raise ValueError("no")

    monkeypatch.setattr(ops.sub, "rules", (rule, rule))
    x = Value(2.0)
    with pytest.raises(RuleError, match="the vjp rule of sub raised ValueError: no"):
        (x - 1.0).backward()
    assert calls == [2.0]
    assert not x.has_grad


def test_a_row_of_the_same_name_that_is_not_the_tables_is_left_to_itself():
    Binary("mul", "{} * {}", lambda x, y: x * y, lambda x, y: x * y, lambda g, z, x, y: g, lambda g, z, x, y: g)
    x = Value(2.0)
    TABLE["mul"](x, 5.0).backward()
    assert x.grad == 1.0


def test_the_tables_rules_call_the_tables_rows_whatever_else_has_their_names():
    for name in ("log", "equal", "less"):
        Unary(name, f"{name}({{}})", lambda x: 100.0, lambda x: x, lambda g, y, x: g)
    y = Value(3.0)
    (2.0**y).backward()
    assert y.grad == 8.0 * math.log(2.0)


def test_data_assigned_after_the_record_is_still_noticed():
    x = Value(2.0)
    y = x * x + x
    x.data = 3.0
    with pytest.raises(StaleError):
        y.backward()
    assert not x.has_grad


@pytest.mark.parametrize("build", [
    lambda x, w: (x * w, lambda y: y + x),  # x is assigned between two that were made of it
    lambda x, w: (x * w, lambda y: y * w),  # and after all that were made of it
    lambda x, w: (ops.step(x), lambda y: y * w),  # and where nothing flows
    lambda x, w: (x.sin(), lambda y: (y * x).sin()),  # in rows that are sent back
])  # fmt: skip
def test_a_leaf_that_was_assigned_meanwhile_is_noticed_wherever_it_stands(build):
    x, w = Value(2.0), Value(3.0)
    older, go_on = build(x, w)
    x.data = 4.0
    with pytest.raises(StaleError, match="was assigned after"):
        go_on(older).backward()
    assert not x.has_grad
    assert not w.has_grad
