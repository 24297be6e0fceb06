"""The chain rule, step by step: upstream gradient times local derivative, in symbols and in numbers.

The steps are those of the sweep itself, and each local derivative is the op's own rule, run once on named nodes: it
prints itself and carries its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from ..errors import DataError
from ..node import Node, filled
from ..sweep import order, reach, seed_of, swept
from .derivative import local_derivative
from .formula import names_of
from .names import caller_namespace
from .paths import Paths, find_paths
from .recorded import as_recorded
from .roots import root_of
from .steps import Contribution, Step, Steps, Sweep

__all__ = ["Contribution", "Explanation", "Step", "explain", "local_derivative"]

READABLE = 100  # steps that a prompt shows without being asked to print them
MANY = 20  # names that an error lists


class Explanation(Steps):
    """The backward sweep from one root as a list of steps, which prints as text, LaTeX, Markdown, HTML and JSON."""

    def __str__(self) -> str:
        return _layouts().text(self)

    def __repr__(self) -> str:
        if len(self) > READABLE:
            return f"<Explanation of {self.root}: {len(self)} steps, print it to read them>"
        return str(self)

    @property
    def latex(self) -> str:
        """The steps as one `align*` environment: it needs amsmath, or MathJax or KaTeX."""
        return _layouts().latex(self)

    @property
    def markdown(self) -> str:
        """The steps as Markdown with tables, as GitHub and Jupyter read them."""
        return _layouts().markdown(self)

    @property
    def html(self) -> str:
        """The steps as a page of their own, light or dark as the reader's screen is; nothing is loaded or run."""
        return _layouts().page(self)

    @property
    def json(self) -> str:
        """The fields of all this as JSON in ASCII, in full precision, and the gradients; inf and nan are texts."""
        import json

        from .to_json import plain

        return json.dumps({**plain(self), "gradients": plain(self.gradients)}, indent=1, allow_nan=False)

    def _repr_html_(self) -> str:
        return _layouts().fragment(self)


def _layouts() -> Any:
    """Import the layouts when one is asked for: an explanation that nobody prints needs none."""
    from . import layouts

    return layouts


def explain(
    root: Any,
    gradient: Any = None,
    wrt: Node | str | None = None,
    names: Mapping[Any, Any] | None = None,
    *,
    x: Any = None,
) -> Explanation:
    """Return the backward sweep from `root` step by step; print it to read it. No `grad` is changed.

    `gradient` is that of the root, as in `backward`, with the same errors. With `wrt`, a leaf or a node between or its
    name, only the steps that lead there are kept, and `paths` holds every path from there to the root: the product of
    the local derivatives along each, and their sum. A node is named after its label, else as `names` says, {node: name}
    or {name: node}, by default the variables where you call this; the rest are called v1, v2, ... by age, and the root
    L. All is as it was recorded: leaves whose data was assigned since are named, and StaleError says where it is lost.
    Printed, more than 200 contributions are cut; `.whole` prints all.

    `root` may be a fitted classifier or regressor, scikit-learn's or ours, a Pipeline, or a network: what it predicts
    for the sample `x` of shape (d,) is explained, for a typical one where x is left out.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x"); print(explain(x * x, wrt=x))
    L = x * x = 9.0
    <BLANKLINE>
    2 paths from x to L
        x -> L   dL/dx = 3
        x -> L   dL/dx = 3
        sum      dL/dx = 3 + 3 = 6, as the sweep gives
    <BLANKLINE>
    1   L = x * x = 9     dL/dL = 1
          dL/dx = x = 3   1 * 3 = 3   dL/dx = 3, more to come
          dL/dx = x = 3   1 * 3 = 3   dL/dx = 3 + 3 = 6
    <BLANKLINE>
    gradients of L
        x   6.0
    """
    if isinstance(gradient, Node):
        raise DataError("explain: the second argument is the root's gradient; for what leads to a node write wrt=node")
    root = root_of(root, x)
    seed = seed_of(root, gradient)
    known = caller_namespace() if names is None else names
    with as_recorded(reach([root])) as moved:
        return _explained(root, seed, wrt, known, moved)


def _explained(root: Node, seed: Any, wrt: Any, known: Mapping[Any, Any], moved: Mapping[Node, Any]) -> Explanation:
    """Return the steps of a sweep on the data that the leaves hold, and names those that have `moved` on since."""
    nodes = order(root)
    reached = swept({root: seed}, nodes)
    if wrt is None:
        called = names_of(nodes, known, root)
        return _explanation(root, Sweep(reached, called), called, None, moved)
    called = names_of(dict.fromkeys([*nodes, *([wrt] if isinstance(wrt, Node) else [])]), known, root)
    wrt = _named(wrt, called)
    g = reached.get(wrt)
    paths = find_paths(nodes, wrt, seed, filled(wrt, 0.0) if g is None else g, called)
    steps = Sweep({n: g for n, g in reached.items() if n in paths.on or n is root}, called)
    return _explanation(root, steps, called, paths, moved)


def _explanation(
    root: Node, steps: Sweep, called: dict[Node, str], paths: Paths | None, moved: Mapping[Node, Any]
) -> Explanation:
    now = {called[leaf]: data for leaf, data in moved.items()}
    then = {called[leaf]: leaf.data for leaf in moved}
    return Explanation(called[root], root.data, steps, called, paths, now, then)


def _named(wrt: Any, called: Mapping[Node, str]) -> Node:
    """Return the node that `wrt` is, or is the name of."""
    if isinstance(wrt, Node):
        return wrt
    if not isinstance(wrt, str):
        raise DataError(
            "explain: wrt is a Value or Tensor of the graph, or its name, "
            f"got {type(wrt).__name__}: write wrt=x, the node itself"
        )
    for node, name in called.items():
        if name == wrt:
            return node
    known = ", ".join(islice(dict.fromkeys(called.values()), MANY))
    raise DataError(f"explain: wrt is a Value or Tensor of the graph, or its name: {wrt!r:.60} is none of {known}")
