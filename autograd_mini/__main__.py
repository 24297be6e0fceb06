"""`python -m autograd_mini`: says hello, with the first things to type; with words, what `autograd-mini` does."""

import sys
from importlib.metadata import entry_points

HELLO = """\
autograd_mini: see how gradients flow back through a computation.

Type this at a Python prompt, line by line:

    >>> from autograd_mini import Value, explain
    >>> a = Value(2.0, label="a")
    >>> b = Value(-3.0, label="b")
    >>> c = a * b + a**2
    >>> c.backward()
    >>> a.grad, b.grad
    (1.0, 2.0)
    >>> print(explain(c))            # every step of the way back, in symbols and in numbers

And see the graph:

    >>> import viz
    >>> viz.draw(c).save("c.svg")    # in Jupyter, viz.draw(c) alone shows it

Or without Python, in a shell:

    autograd-mini explain "tanh(w*x + b)" w=0.5 x=2 b=-1 -o neuron.svg
    autograd-mini practise               (exercises with hints, as many as you like)
    autograd-mini grade my_engine.py     (for an engine that you have written yourself)
    autograd-mini --help
"""


def main(words: list[str]) -> int:
    """Run the command `autograd-mini`, which a package that stands on this one declares; without words, say hello."""
    if not words:
        print(HELLO, end="")
        return 0
    for command in entry_points(group="console_scripts", name="autograd-mini"):
        status: int = command.load()(words)
        return status
    print("autograd-mini is not installed: pip install autograd-mini", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
