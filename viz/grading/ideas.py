"""The ideas behind an engine, each as the one who has missed it would like to be told."""

from __future__ import annotations

from typing import NamedTuple


class Idea(NamedTuple):
    """A fault by name, what to think about again, and the lesson where to read on."""

    name: str
    text: str
    lesson: str = ""


GRAPH = "lesson 2, The graph and the chain rule"
ORDER = "lesson 3, The order"
BUILD = "lesson 9, Build it yourself"

IDEAS = {
    "leaf": Idea(
        "a number",
        "A Value keeps its number in .data and its gradient in .grad. backward() on it alone says that dL/dL = 1.",
        BUILD,
    ),
    "words": Idea(
        "numbers and nothing else",
        ".data and .grad hold a number each, from the beginning: a float, an int or one of NumPy's.",
        BUILD,
    ),
    "value": Idea(
        "the result",
        "Before any gradient, the number itself: .data of the result has to be what Python gives for plain numbers.",
        BUILD,
    ),
    "changed": Idea(
        "data changed on the way back", "backward() reads .data and writes .grad; it never changes .data.", BUILD
    ),
    "rule": Idea(
        "the local derivative",
        "Nudge one argument, hold the other: by how much does the result move? That is the local "
        "derivative, and .grad of the argument gets it times the gradient of the result.",
        GRAPH,
    ),
    "upstream": Idea(
        "the upstream gradient",
        "The chain rule multiplies: an argument gets the local derivative times the gradient that has "
        "arrived at the result, not the local derivative alone.",
        GRAPH,
    ),
    "reuse": Idea(
        "gradients add up",
        "What is used twice gets a contribution from each use, and they add: += where you have =. Is it "
        "the same node on both sides? Then both sides must arrive.",
        GRAPH,
    ),
    "accumulate": Idea(
        "leaves add up",
        "A second sweep adds to what the leaves already hold: += where you have =, and nothing that sets "
        "a leaf back to 0 but the one who trains.",
        ORDER,
    ),
    "order": Idea(
        "the order of the sweep",
        "A node may send its gradient on only when everything that uses it has sent its own, and only "
        "once: sort the nodes topologically, then walk backwards.",
        ORDER,
    ),
    "twice": Idea(
        "a second backward",
        "Between two sweeps the leaves keep what they have and add; the nodes in between must begin at 0 "
        "again, or the second sweep sends the first one's gradients on once more.",
        ORDER,
    ),
    "graphs": Idea(
        "two graphs on the same leaves",
        "A sweep visits what its own root was computed from, and nothing of an older graph; the leaves "
        "they share add up.",
        ORDER,
    ),
    "reset": Idea(
        "reset",
        "When somebody sets .grad = 0 and records again, the next sweep must start from that 0: keep "
        "gradients in .grad and nowhere else.",
        ORDER,
    ),
    "depth": Idea(
        "a deep graph",
        "A function that calls itself once for each node runs into Python's limit on recursion. Keep the "
        "nodes still to be visited in a list of your own, and loop.",
        ORDER,
    ),
    "paths": Idea(
        "each node once",
        "A graph of sixty doublings has 2**60 paths and 61 nodes. Remember in a set which nodes you have "
        "seen: the sweep visits nodes, never paths.",
        ORDER,
    ),
    "slow": Idea(
        "too slow",
        "Something in here never ends, or takes a time that grows with the square of the graph: is `node "
        "in seen` asked of a list where it could be a set?",
        BUILD,
    ),
    "ended": Idea(
        "the process was ended",
        "Your engine ended the program that uses it. An error is raised, never answered by exit.",
    ),
    "memory": Idea("out of memory", "The engine took more memory than a graph of this size needs."),
    "raised": Idea("an error is raised", "Read the message and the line below; then try this graph by hand."),
    "constants": Idea(
        "plain numbers",
        "A plain number may stand beside a node. Wrap it first: other if isinstance(other, Value) else Value(other).",
        BUILD,
    ),
    "missing": Idea("not built yet", "Python asks the class for this method by name.", BUILD),
}
