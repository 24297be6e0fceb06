"""A reverse-mode autodiff engine for numbers, in about a hundred lines: lesson 9, solved."""

import math


def node(x):
    """Return x if it is a Value, else a new leaf: so a plain number may stand beside a node."""
    return x if isinstance(x, Value) else Value(x)


class Value:
    """A number, and where it came from: `edges` holds its arguments, each with the local derivative."""

    def __init__(self, data, edges=()):
        self.data = float(data)
        self.grad = 0.0
        self.edges = edges

    def __repr__(self):
        return f"Value(data={self.data:g}, grad={self.grad:g})"

    # z = f(x, y): the number, then each argument with dz/dx and dz/dy

    def __add__(self, other):
        x, y = self, node(other)
        return Value(x.data + y.data, [(x, 1.0), (y, 1.0)])

    def __mul__(self, other):
        x, y = self, node(other)
        return Value(x.data * y.data, [(x, y.data), (y, x.data)])

    # backward

    def order(self):
        """Return the nodes behind this one, every node after all of its arguments: a topological order."""
        done, seen, todo = [], set(), [(self, False)]
        while todo:
            here, arguments_are_done = todo.pop()
            if arguments_are_done:
                done.append(here)
            elif here not in seen:
                seen.add(here)
                todo.append((here, True))
                todo.extend((x, False) for x, _ in here.edges)
        return done

    def backward(self):
        """Add dL/dx to the `grad` of every leaf x; nodes in between hold the gradient of this sweep alone."""
        nodes = self.order()
        for here in nodes:
            if here.edges:
                here.grad = 0.0
        self.grad += 1.0
        for here in reversed(nodes):
            for x, local in here.edges:
                x.grad += local * here.grad

    def __pow__(self, other):
        if isinstance(other, Value):  # x**y = e**(y log x)
            return (other * self.log()).exp()
        x, n = self, other
        return Value(x.data**n, [(x, n * x.data ** (n - 1))])

    # everything else between two nodes is made of these

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -node(other)

    def __truediv__(self, other):
        return self * node(other) ** -1

    # a plain number on the left: Python asks the node on the right

    def __radd__(self, other):
        return node(other) + self

    def __rmul__(self, other):
        return node(other) * self

    def __rsub__(self, other):
        return node(other) - self

    def __rtruediv__(self, other):
        return node(other) / self

    def __rpow__(self, other):
        return node(other) ** self

    # y = f(x)

    def exp(self):
        y = math.exp(self.data)
        return Value(y, [(self, y)])

    def log(self):
        return Value(math.log(self.data), [(self, 1.0 / self.data)])

    def tanh(self):
        y = math.tanh(self.data)
        return Value(y, [(self, 1.0 - y * y)])

    def relu(self):
        return Value(max(self.data, 0.0), [(self, 1.0 if self.data > 0.0 else 0.0)])
