"""A character transformer of two layers, written in PyTorch and opened here: one head, one entry, one weight.

It reads a line of text and predicts each next character. `from_torch` records one run of its loss; the record is
compared with torch's autograd on the spot. Then it is drawn folded, opened to one attention head, and a weight's
gradient is followed. Run it with a folder to get the pictures and the page: python character_transformer.py pictures
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

import autograd_mini
import viz

TEXT = "she sells sea shells by the sea shore "
WIDTH, HEADS, LENGTH = 8, 2, 6


class Head(nn.Module):
    """One attention head: each character looks at those before it and at itself."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH // HEADS, bias=False)
        self.key = nn.Linear(WIDTH, WIDTH // HEADS, bias=False)
        self.value = nn.Linear(WIDTH, WIDTH // HEADS, bias=False)
        self.register_buffer("seen", torch.ones(LENGTH, LENGTH).tril() > 0)

    def forward(self, x: Any) -> Any:
        scores = self.query(x) @ self.key(x).transpose(-1, -2) / (WIDTH // HEADS) ** 0.5
        weights = torch.softmax(scores.masked_fill(~self.seen, float("-inf")), -1)
        return weights @ self.value(x)


class Block(nn.Module):
    """One layer: attention, then a network for each character, each added to what was there."""

    def __init__(self) -> None:
        super().__init__()
        self.before_attention, self.before_network = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.heads = nn.ModuleList(Head() for _ in range(HEADS))
        self.join = nn.Linear(WIDTH, WIDTH)
        self.network = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))

    def forward(self, x: Any) -> Any:
        z = self.before_attention(x)
        x = x + self.join(torch.cat([head(z) for head in self.heads], -1))
        return x + self.network(self.before_network(x))


class Transformer(nn.Module):
    """Predicts the next character at each place; called with targets it returns the loss."""

    def __init__(self, characters: int) -> None:
        super().__init__()
        self.character = nn.Embedding(characters, WIDTH)
        self.place = nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList([Block(), Block()])
        self.last = nn.LayerNorm(WIDTH)
        self.scores = nn.Linear(WIDTH, characters)

    def forward(self, ids: Any, targets: Any) -> Any:
        x = self.character(ids) + self.place(torch.arange(LENGTH))
        for block in self.blocks:
            x = block(x)
        return F.cross_entropy(self.scores(self.last(x)).transpose(1, 2), targets)


def batch(start: int, count: int = 2) -> tuple[Any, Any]:
    """Return rows of characters by number, and the character after each."""
    letters = sorted(set(TEXT))
    ids = torch.tensor([letters.index(c) for c in TEXT * 2])
    rows = torch.stack([ids[start + i * LENGTH : start + (i + 1) * LENGTH + 1] for i in range(count)])
    return rows[:, :-1], rows[:, 1:]


def model(seed: int = 0) -> Transformer:
    """Return the network in float64, so that the comparison is exact to the last digits."""
    torch.manual_seed(seed)
    return Transformer(len(set(TEXT))).double()


def main() -> None:
    """Open the network, compare it, draw it."""
    network = model()
    ids, targets = batch(0)
    loss = autograd_mini.from_torch(network, ids, targets)
    loss.backward()
    print(loss.proof)
    network(ids, targets).backward()
    name = "blocks.0.heads.1.query.weight"
    ours, theirs = loss.proof.leaves[name].grad, network.get_parameter(name).grad
    print(f"{name}: {ours[0, 0]:.12f} here, {theirs[0, 0]:.12f} in torch")
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
        folder.mkdir(exist_ok=True)
        viz.draw(loss).save(folder / "folded.svg")
        viz.draw(loss, unfold="blocks.0/heads.1").save(folder / "head.svg")
        viz.player(loss).save(folder / "player.html")


if __name__ == "__main__":
    main()
