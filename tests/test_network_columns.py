"""Networks in the player's picture: circles in columns, in order, apart, and the same each time."""

import itertools
import random

import pytest

from autograd_mini import Value
from autograd_mini.sweep import order
from autograd_mini.text.formula import names_of
from nn import MLP
from viz.stepping.card_layout import card_layout_of
from viz.stepping.fold_data import folds_of
from viz.stepping.frames import frames_of, outline_of
from viz.stepping.network_columns import PITCH, _around, _ordered, columns_of
from viz.stepping.player_page import player
from viz.stepping.scopes import Cards


def places(sizes, n_in=2):
    net, x = MLP(n_in, sizes, "tanh", rng=0), [Value(0.5) for _ in range(n_in)]
    root = (net(x) - 1.0) ** 2.0 if sizes[-1] == 1 else sum(net(x))
    folds, paths = folds_of(root, net, {})
    return card_layout_of(outline_of(root, names_of(order(root), {}, root), paths, folds)), folds


@pytest.mark.parametrize("seed", range(8))
def test_random_networks_lie_in_order_and_apart(seed):
    rng = random.Random(seed)
    sizes = [rng.choice([1, 2, 5, 16, 31, 32, 33, 64]) for _ in range(rng.randrange(1, 3))] + [rng.choice([1, 3])]
    found, folds = places(sizes if seed < 7 else [1], 1 + seed)  # eight cards are taller than one neuron
    boxes = [
        (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        for c, (x, y) in found.scope.cards.items()
        for w, h in [found.size(c)]
    ]
    for i, a in enumerate(boxes):
        assert not any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for b in boxes[:i])
    wide, high = found.scope.size
    assert all(left >= 0 and right <= wide and top >= 0 and low <= high for left, top, right, low in boxes)
    column = {}
    for fold in folds:
        if fold.id in found.rounds:
            column.setdefault(fold.parent, []).append(found.scope.cards[fold.id])
    assert len(column) == (sum(size <= 32 for size in sizes) if seed < 7 else 1)
    lefts = [cards[0][0] for cards in column.values()]
    assert lefts == sorted(lefts)
    tallest = max(map(len, column.values()), default=0)
    for a, b in itertools.pairwise(lefts):  # so far apart that no curve between them is steeper than five to one
        assert tallest * PITCH / 5 <= b - a <= 700 + tallest * PITCH
    for cards in column.values():
        assert len({x for x, _ in cards}) == 1
        assert [y for _, y in cards] == sorted(y for _, y in cards)


def test_the_frames_around_a_card_are_told_from_the_outside_and_without_the_column_itself():
    seen = Cards({"n0": "c", "n1": ""}, {"a": "", "b": "a", "c": "b"})
    assert [_around(block, seen) for block in ("n0", "n1", "c", "a")] == [("a", "b", "c"), (), ("a", "b"), ()]


def test_layers_that_lead_to_each_other_have_no_order_and_no_columns():
    held = {"a": ["c0"], "b": ["c1"], "n2": ["n2"]}
    assert _ordered(held, [("b", "a", ""), ("n2", "b", "e0")]) == ["n2", "b", "a"]
    assert _ordered(held, [("b", "a", ""), ("a", "b", "")]) is None
    rounds = frozenset({"c0", "c1"})
    for joins, laid in (({"c0-c1": ("c0", "c1")}, True), ({"c0-c1": ("c0", "c1"), "c1-c0": ("c1", "c0")}, False)):
        seen = Cards({"c0": "a", "c1": "b"}, {"a": "", "b": ""}, joins)
        sizes = dict.fromkeys(rounds, (36.0, 36.0))
        assert (columns_of(seen, sizes, dict.fromkeys(joins, (58.0, 20.0)), rounds) is not None) == laid


def test_a_penalty_of_all_weights_leaves_the_columns_where_they_stand():
    seen = []
    for share in (0.0, 0.1):
        net = MLP(2, [3, 2, 1], "tanh", rng=0)
        root = (net([1.0, 2.0]) - 1.0) ** 2.0
        root = root + share * sum(p * p for p in net.parameters()) if share else root
        folds, paths = folds_of(root, net, {})
        found = card_layout_of(frames_of(root, None, paths, folds), "python")
        titles = {fold.id: f"{fold.parent != ''} {fold.title}" for fold in folds}
        seen.append(sorted((found.scope.cards[circle], titles[circle]) for circle in found.rounds))
    assert seen[0] == seen[1]
    assert len(seen[0]) == 6


def test_the_same_network_gives_the_same_bytes():
    net = MLP(2, [7, 3, 1], "tanh", rng=0)
    pages = {player(net([0.5, -1.0]), model=net, names={}).html for _ in range(2)}
    assert len(pages) == 1
