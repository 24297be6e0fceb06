"""The exercises of the lessons, by number: in a lesson, `check("2.1", answer)` prints the verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_mini import Node, Value, grad, ops

from ..grading import grade
from .exercise import Exercise, Row, Unanswered, by_notebook, choice, function, number, of_numbers


def check(name: str, answer: Any = ...) -> None:
    """Print whether an answer is right, and why; `...` says kindly that the place is empty.

    >>> check("2.1", 3)
    2.1 not yet: that is the path through the product; there is another.
    """
    if str(name) not in EXERCISES:
        names = list(EXERCISES)
        print(f"there is no exercise {name!r}: they are called {names[0]!r} to {names[-1]!r}.")
    else:
        print(f"{name} {EXERCISES[str(name)].verdict(answer)}")


def exercises_of(lesson: int) -> dict[str, Exercise]:
    """Return the exercises of a lesson, by name and in their order.

    >>> list(exercises_of(3))
    ['3.0', '3.1', '3.2', '3.3']
    """
    return {name: exercise for name, exercise in EXERCISES.items() if int(name.partition(".")[0]) == lesson}


# 1: a neuron ----------------------------------------------------------------------------------------------------------


def _nudged(slope: Callable[..., Any], f: Callable[[float], float], x: float) -> Iterator[Row]:
    """Yield what a formula for the derivative by nudging has to go by."""
    h = 1e-5
    yield {"up": f(x + h), "down": f(x - h), "here": f(x), "h": h}, [slope(f, x)]


NEURON = {
    "1.0": number(
        0.25,
        "z = 0.5 * 2 - 1 * 1 + 0.25 = 0.25.",
        "multiply each weight with its input, add the two products, and add b.",
        {
            2.25: "the second weight is negative.",
            0.0: "that is w . x; the bias is missing.",
            0.2449: "that is a, after the bend; z comes before it.",
        },
        "z",
    ),
    "1.1": number(
        0.5,
        "z = 1 * 3 - 2 * 1 - 0.5 = 0.5, and relu passes what is positive.",
        "add up w1 x1 + w2 x2 + b first, then bend.",
        {
            0.0: "that is relu of something negative; z is positive here.",
            1.0: "that is w . x; the bias is missing.",
            4.5: "the second weight is negative.",
        },
        "a",
    ),
    "1.2": function(
        lambda f, x: (f(x + 1e-5) - f(x - 1e-5)) / 2e-5,
        [(math.sin, 0.5), (math.exp, 1.0), (lambda x: x**3, -2.0), (abs, 0.0)],
        "the errors of the two sides cancel in the first order.",
        "Nudge up and down by h, and divide the difference by 2 h.",
        (["slope"], "up = f(x + h), down = f(x - h), here = f(x), and h", _nudged),
    ),
    "1.3": number(
        3.0,
        "the sigmoid is 0.5 where z = 2 x - 6 = 0.",
        "find z first: for which z is the sigmoid 0.5?",
        {-3.0: "the sign: 2 x - 6 = 0.", 0.5: "0.5 is the output; the input is asked for."},
        "x",
    ),
}

# 2: the graph ---------------------------------------------------------------------------------------------------------

GRAPH = {
    "2.0": number(
        [-3.0, 2.0, 1.0, 1.0, -4.0, -6.0],
        "at a product the other factor, at the sum 1 and 1.",
        "at the product c = a * b stands the other factor, at the sum 1; at L = c * d again the other factor.",
        {
            (2.0, -3.0, 1.0, 1.0, -6.0, -4.0): "on an arrow of a product stands the other factor, not its own.",
            (-3.0, 2.0, 2.0, -6.0, -4.0, -6.0): "a sum moves as fast as each of its terms, whatever they are: 1.",
            (-3.0, 2.0, 1.0, 1.0, -6.0, -4.0): "the first two are right; at L = c * d the two are exchanged.",
        },
        "the six numbers",
    ),
    "2.1": number(
        4.0,
        "through the product y = 3, and directly 1.",
        "multiply along each path from x to L, and add the paths.",
        {3.0: "that is the path through the product; there is another.", 1.0: "that is the direct path alone."},
        "dL/dx",
    ),
    "2.2": number(
        1024.0,
        "each doubling doubles the slope, and 2^10 = 1024: one for each path.",
        "what does a single doubling do to the slope, and what do ten in a row?",
        {
            20.0: "slopes multiply along a path, they do not add.",
            10.0: "that is the number of nodes.",
            2.0: "that is one.",
        },
        "dy/dx",
    ),
    "2.3": function(
        lambda x, y: [2.0 * x + y, x],
        [(2.0, 3.0), (-1.0, 0.5), (0.0, 0.0)],
        "x has two paths, x * 1 and (x + y) * 1; y has one.",
        "x is used twice: once in the sum, once as a factor.",
        (["dL/dx", "dL/dy"], "x and y", of_numbers),
        {
            lambda x, y: [x + y, x]: "that is the path on which x is a factor; it stands in the sum too, used twice.",
            lambda x, y: [x, x]: "that is the path through the sum; x is used twice, as a factor too.",
            lambda x, y: [2.0 * x + y, 1.0]: "y reaches L through the product: the slope of that is the factor x.",
        },
    ),
}


# 3: the order ---------------------------------------------------------------------------------------------------------


def order_fault(my_order: Any) -> str:
    """Say what is wrong with a function that gives the nodes of a graph, users before what they use."""
    if not callable(my_order):
        return "a function is asked for: give its name without parentheses."
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    p = x * y
    q = p + x
    graphs = {"x * y": x * y, "x * x": x * x, "p * q with p = x * y and q = p + x": p * q, "2 * x + 1": 2.0 * x + 1.0}
    for text, root in graphs.items():
        given = my_order(root)
        if given is ...:
            raise Unanswered
        fault = _order_fault(root, list(given))
        if fault:
            return f"for the graph of {text}, {fault}"
    return ""


def _order_fault(root: Node, given: list[Any]) -> str:
    place = {node: i for i, node in enumerate(given)}
    if len(place) < len(given):
        return "a node stands in the list twice: remember which you have seen."
    todo, wanted = [root], {root}
    for node in todo:
        for x in node.args:
            if isinstance(x, Node) and x not in wanted:
                wanted.add(x)
                todo.append(x)
    if set(place) != wanted:
        return f"the list has {len(place)} nodes, where the graph has {len(wanted)}."
    early = [x for node in given for x in node.args if isinstance(x, Node) and place[x] < place[node]]
    return "a node comes before one that uses it: put a node down only after all that it leads to." if early else ""


ORDER = {
    "3.0": choice(
        "a",
        "along each path it sends what that path brings, and nothing twice.",
        {
            "b": "c is visited twice: what does it send the second time?",
            "c": "c is visited once, before d has sent: what becomes of the part of d?",
        },
    ),
    "3.1": choice(
        "b",
        "q uses p, so q sends first; x and y are used by nobody else after that.",
        {
            "a": "q uses p: when p sends, the contribution of q is still missing.",
            "c": "p uses x: when x is visited, the contribution of p is still missing.",
        },
    ),
    "3.2": by_notebook(order_fault, "every node comes after all that use it, and once."),
    "3.3": number(
        18.0,
        "each sweep adds 2 w = 6 to the leaf.",
        "one sweep gives 2 w; leaves add.",
        {
            6.0: "that is one sweep: leaves add over sweeps.",
            54.0: "slopes of separate sweeps add, they do not multiply.",
        },
        "w.grad",
    ),
}


# 4: vectors -----------------------------------------------------------------------------------------------------------


def _softmax(*z: float) -> Any:
    return np.exp(z) / np.exp(z).sum()


def _entries(vjp: Callable[..., Any], a: Any, g: Any) -> Iterator[Row]:
    """Yield what a formula for one entry of the vjp of softmax has to go by."""
    for i, out in enumerate(np.broadcast_to(vjp(a, g), a.shape)):
        yield {"a": a[i], "g": g[i], "sum_g": g.sum(), "sum_ag": a @ g}, [out]


VECTORS = {
    "4.0": number(
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        "y_i is the sum of M_ij x_j, so its slope with respect to x_j is M_ij.",
        "a row belongs to an output: how many times as fast as x_1 does y_1 move, and as x_2?",
        {(1.0, 3.0, 5.0, 2.0, 4.0, 6.0): "that is column by column; a row belongs to an output."},
        "the six numbers",
    ),
    "4.1": number(
        [-2.0, -2.0],
        "M^T (1, -1) = (1 - 3, 2 - 4): sums over the outputs, down the columns.",
        "each x_j reaches the loss through both outputs: go down the j-th column of M.",
        {(-1.0, -1.0): "that is M g, along the rows; the chain rule needs M^T g."},
        "dl/dx",
    ),
    "4.2": function(
        lambda a, g: a * (g - a @ g),
        [(_softmax(1.0, 2.0, 0.0), np.array([0.0, 1.0, 0.0])), (_softmax(0.5, -1.0), np.array([1.0, 1.0]))],
        "a * (g - a . g) is (diag(a) - a a^T) g.",
        "Multiply out (diag(a) - a a^T) g: the second part is a times a number.",
        (
            ["an entry of dl/dz"],
            "a and g, the entries at the same place; sum_g, the sum of all g; and sum_ag, that of all a g",
            _entries,
        ),
    ),
    "4.3": number(
        250_000,
        "50 outputs times 5,000 weights, and all but 5,000 of the slopes are 0.",
        "one slope for each pair of an output and a weight.",
        {5000: "that is the size of W, and of dL/dW; the Jacobian has a row of that size for each output."},
        "numbers",
    ),
}

# 5: a network ---------------------------------------------------------------------------------------------------------


def _backs(back: Callable[..., Any], W: Any, dz: Any, a: Any) -> Iterator[Row]:
    """Yield what a formula for one hidden neuron has to go by, which two neurons use."""
    for j, out in enumerate(np.broadcast_to(back(W, dz, a), a.shape)):
        yield {"w1": W[0, j], "w2": W[1, j], "dz1": dz[0], "dz2": dz[1], "a": a[j]}, [out]


NETWORK = {
    "5.0": number(
        17.0,
        "2 * 3 + 3 in the hidden layer, 3 * 2 + 2 in the last.",
        "each neuron has a weight for each of its inputs, and one bias.",
        {
            12.0: "those are the weights; each neuron has a bias too.",
            19.0: "inputs have no bias: they are given, not computed.",
        },
        "parameters",
    ),
    "5.1": number(
        [3, 5],
        "a row for each of 3 outputs, a column for each of 5 inputs.",
        "W[2] takes the 5 hidden outputs to 3.",
        {(5.0, 3.0): "z = W a needs the inputs along the columns.", (5.0, 4.0): "that is W[1]."},
        "the shape of W[2]",
    ),
    "5.2": function(
        lambda W, dz, a: W.T @ dz * (1.0 - a * a),
        [
            (np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([1.0, -1.0]), np.array([0.0, 0.5, -0.5])),
            (np.array([[2.0, -1.0], [0.5, 3.0]]), np.array([0.5, 2.0]), np.array([0.9, 0.1])),
        ],
        "W^T dz gives dL/da, and 1 - a * a is the slope of tanh.",
        "First W^T dz, then entry by entry the slope of tanh, 1 - a * a.",
        (
            ["an entry of dL/dz[l]"],
            "a, the entry of a[l]; w1 and w2, the weights that it has in two neurons of the next layer; and dz1 and "
            "dz2, the entries of dL/dz[l+1] that belong to these",
            _backs,
        ),
        {
            lambda W, dz, a: W.T @ dz: "that is dL/da[l]: the slope of tanh is still to come.",
            lambda W, dz, a: W.T @ dz * a: "the slope of tanh is 1 - a * a.",
            lambda W, dz, a: W.T @ dz * a * (1.0 - a): "that is the slope of the sigmoid; that of tanh is 1 - a * a.",
        },
    ),
    "5.3": number(
        [0.2, -0.5, 0.3],
        "a - y, with y = (0, 1, 0).",
        "softmax and -log collapse to a short difference.",
        {
            (-0.2, 0.5, -0.3): "the sign: what was said minus what was right.",
            (0.0, -2.0, 0.0): "that is dL/da; go on through the softmax.",
            (0.0, -0.5, 0.0): "that is the diagonal of the Jacobian alone.",
        },
        "dL/dz",
    ),
}

# 6: learning ----------------------------------------------------------------------------------------------------------

LEARNING = {
    "6.0": number(
        0.5,
        "the slope is 2, and 1 - 0.5 * 2 = 0.",
        "a step goes from 1 to 1 - 2 alpha: for which alpha is that 0?",
        {
            1.0: "that step goes to -1, as far away on the other side.",
            2.0: "2 is the slope: a step is alpha times as long.",
        },
        "alpha",
    ),
    "6.1": number(
        2.0,
        "the slope is 2 (w - 3) = -4, and 1 - 0.25 * -4 = 2.",
        "slope first, then w minus alpha times the slope.",
        {
            0.0: "the sign: minus alpha times a negative slope goes up.",
            5.0: "alpha is missing.",
            -4.0: "that is the slope.",
        },
        "w",
    ),
    "6.2": number(
        0.2,
        "a step multiplies w by 1 - 10 alpha, and that must stay above -1.",
        "the slope is 10 w: by which factor does a step multiply w?",
        {
            0.1: "at 0.1 one step lands on the goal; beyond it overshoots and still converges.",
            0.4: "the slope of 5 w^2 is 10 w.",
        },
        "alpha below",
    ),
    "6.3": function(
        lambda w, v, g: [w - 0.1 * (0.9 * v + g), 0.9 * v + g],
        [(1.0, 0.0, 2.0), (0.5, -1.0, 3.0)],
        "the velocity first, then a step along it.",
        "v <- 0.9 v + g, and then w <- w - 0.1 v with the new v.",
        (["the new w", "the new v"], "w, v and g", of_numbers),
        {
            lambda w, v, g: [w - 0.1 * v, 0.9 * v + g]: "the step is taken with the new v, not with the old one.",
            lambda w, v, g: [w - 0.1 * g, 0.9 * v + g]: "the step goes along the new v; that is a plain step.",
            lambda w, v, g: [w + 0.1 * (0.9 * v + g), 0.9 * v + g]: "the sign: minus alpha times the new v.",
        },
    ),
}

# 7: two examples ------------------------------------------------------------------------------------------------------

EXAMPLES = {
    "7.0": choice(
        "c",
        "the same start and the same formulas: nothing but rounding is left to differ.",
        {
            "a": "the same seed draws the same weights and the same order of the samples: what is left to differ?",
            "b": "and where would that hundredth come from? The weights, the order and the formulas are the same.",
        },
    ),
    "7.1": number(
        7201,
        "20 * 100 + 100, then 100 * 50 + 50, then 50 + 1.",
        "each layer has n_in * n_out weights and n_out biases.",
        {7050: "the biases are missing.", 7100: "three layers, each with its biases."},
        "parameters",
    ),
    "7.2": number(
        43,
        "42 full batches, and the 3 that are left over make one more.",
        "divide, and think of what is left over.",
        {42: "3 samples would never be seen.", 1347 / 32: "there are no parts of a step."},
        "steps",
    ),
    "7.3": function(
        lambda logits, labels: np.mean(np.argmax(logits, axis=1) == labels),
        [
            (np.array([[0.1, 2.0], [3.0, -1.0], [0.0, 1.0]]), np.array([1, 0, 0])),
            (np.array([[1.0, 0.0, 5.0], [-1.0, -2.0, -3.0]]), np.array([2, 0])),
        ],
        "the largest logit is the answer, softmax or not.",
        "The answer is the place of the largest logit in each row: argmax(axis=1).",
    ),
}

# 8: the program -------------------------------------------------------------------------------------------------------


def _newton(step: Callable[..., Any], f: Callable[[Any], Any], w: float) -> Iterator[Row]:
    """Yield what a formula for a step of Newton's method has to go by."""
    yield {"w": w, "slope": grad(f)(w), "curvature": grad(grad(f))(w)}, [step(f, w)]


PROGRAM = {
    "8.0": number(
        5.0,
        "tanh sends one contribution, the sum two, and the product two.",
        "count the arrows of the graph: each brings a contribution.",
        {3.0: "that is one for each node; the sum and the product send two each."},
        "lines backward",
    ),
    "8.1": number(
        48.0,
        "4 x^3, 12 x^2, 24 x: at 2 that is 48.",
        "differentiate three times, then put in 2.",
        {24.0: "that is the fourth derivative, or the third at 1.", 32.0: "that is the first."},
        "third derivative",
    ),
    "8.2": function(
        lambda f, w: w - grad(f)(w) / grad(grad(f))(w),
        [(lambda w: w**4 - 3.0 * w, 1.0), (lambda w: w**2 + w, 5.0), (ops.cosh, 0.7)],
        "slope over curvature; a parabola is solved in one step.",
        "It is w minus grad(f)(w) divided by grad(grad(f))(w).",
        (["the new w"], "w, slope = grad(f)(w), and curvature = grad(grad(f))(w)", _newton),
    ),
    "8.3": choice(
        "b",
        "the other factor, added to what came from later uses.",
        {
            "a": "that wipes out what is there already.",
            "c": "the local derivative with respect to x is the other factor.",
        },
    ),
}


# 9: build it yourself -------------------------------------------------------------------------------------------------

FAULT = "it has a fault; `autograd-mini grade` shows it, and the graph on which to look for it."
NO_SIGMOID = "no x.sigmoid() is there yet, and what it needs."


def _sigmoid_fault(file: Any) -> str:
    """Return what is wrong with the sigmoid in a file, or with the engine that it is in."""
    report = grade(file)
    if report.broken or report.faults:
        return FAULT
    built = {result.check.name for result in report.results if result.status == "passed"}
    return "" if "sigmoid" in built else NO_SIGMOID


BUILD = {
    "9.0": number(
        [3.0, 2.0],
        "b beside a, and a beside b.",
        "nudge a by 0.1, with b at 3: how many times as far does a * b move?",
        {(2.0, 3.0): "each stands beside the other: the slope for a is b.", (1.0, 1.0): "that is the sum."},
        "the two numbers",
    ),
    "9.1": number(
        12.0,
        "each sweep adds 3 + 3 to the leaf.",
        "what does one sweep give, and what do leaves do with the next one?",
        {
            6.0: "that is one sweep, and leaves add.",
            3.0: "a is used twice.",
            9.0: "that is y.",
            18.0: "y began the second sweep with the gradient of the first.",
        },
        "a.grad",
    ),
    "9.2": function(
        lambda x, y: [1.0 / y, -x / (y * y)],
        [(1.0, 2.0), (-3.0, 0.5), (0.0, 4.0)],
        "1 / y, and -x / y^2.",
        "Nudge x with y held: by how much does x / y move? Then nudge y.",
        (["dz/dx", "dz/dy"], "x and y", of_numbers),
        {
            lambda x, y: [1.0 / y, x / (y * y)]: "the sign of the second: a larger y makes x / y smaller.",
            lambda x, y: [1.0 / y, -1.0 / (y * y)]: "the second is that of 1 / y; x stands before it as a factor.",
        },
    ),
    "9.3": Exercise(
        _sigmoid_fault,
        "every gradient of it is right, and the rest of the engine too.",
        {"kind": "report", "of": "grade", "built": "sigmoid", "slips": [["a fault", FAULT], ["missing", NO_SIGMOID]]},
    ),
}

EXERCISES: dict[str, Exercise] = {
    **NEURON, **GRAPH, **ORDER, **VECTORS, **NETWORK, **LEARNING, **EXAMPLES, **PROGRAM, **BUILD,
}  # fmt: skip
