"""Every line of docs/edges.md, executed: the table that people read is the table that is tested."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from table_cases import close, node
from tables import each

from autograd_mini import Node, ShapeError, Tensor, hessian, ops
from autograd_mini.op import TABLE, Elementwise

pytestmark = pytest.mark.filterwarnings("error")

PAGE = Path(__file__).parents[1] / "docs" / "edges.md"
NUMBERS = {"inf": math.inf, "nan": math.nan, "pi": math.pi, "exp": math.exp, "log": math.log, "sqrt": math.sqrt}
TOLERANCE = 2e-15


class Line(NamedTuple):
    expression: str
    at: str
    value: str
    gradient: str
    torch: str
    why: str


def lines() -> list[Line]:
    rows = re.findall(r"^\| `.*\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [Line(*(cell.strip().strip("`") for cell in row.strip("|").split(" | "))) for row in rows]


LINES = lines()
finite_lines = [line for line in LINES if line.value != "ShapeError"]
each_line = each(finite_lines, lambda line: f"{line.expression} at {line.at}")


def read(text: str) -> Any:
    """Return the number or list of numbers that a cell of the page says."""
    found = eval(text, {"__builtins__": {}}, NUMBERS)
    return np.array(found, dtype=float) if isinstance(found, list) else float(found)


def variables(at: str) -> dict[str, Any]:
    """Return the variables of a cell like `x = 0, y = [1, 2]`, in its order."""
    return {name: read(text) for name, text in re.findall(r"(\w) = (.+?)(?=, \w = |$)", at)}


def names(module: Any) -> dict[str, Any]:
    return {name: getattr(module, name) for name in dir(module)} | {"inf": math.inf, "abs": module.absolute}


def run(line: Line, given: dict[str, Any]) -> tuple[Any, list[Any]]:
    """Return the value of a line and the gradients of its sum."""
    leaves = {name: node(x) for name, x in given.items()}
    z = eval(line.expression, {"__builtins__": {}}, names(ops) | leaves)
    assert isinstance(z, Node)
    z.sum().backward()
    return z._data, [x.grad for x in leaves.values()]


def test_the_page_was_read() -> None:
    assert len(LINES) > 150
    assert all(line.why for line in LINES)
    assert PAGE.read_text(encoding="utf-8").count("\n| `") == len(LINES)


@each_line
def test_value_and_gradient_are_those_of_the_page(line: Line) -> None:
    value, gradients = run(line, variables(line.at))
    close(value, read(line.value), "value", TOLERANCE, 0.0)
    expected = [read(part) for part in line.gradient.split(";")]
    assert len(gradients) == len(expected)
    for i, (ours, theirs) in enumerate(zip(gradients, expected)):
        close(ours, theirs, f"gradient {i}", TOLERANCE, 0.0)


@each_line
def test_an_array_of_the_same_numbers_gives_the_same(line: Line) -> None:
    given = variables(line.at)
    if all(isinstance(x, float) for x in given.values()):
        value, gradients = run(line, {name: np.array([x, x]) for name, x in given.items()})
        close(value, np.full(2, read(line.value)), "value", TOLERANCE, 0.0)
        for i, (ours, part) in enumerate(zip(gradients, line.gradient.split(";"))):
            close(ours, np.full(2, read(part)), f"gradient {i}", TOLERANCE, 0.0)


@each_line
def test_a_column_of_batches_gives_the_same(line: Line) -> None:
    given = variables(line.at)
    if (
        len(given) == 1
        and isinstance(x := given["x" if "x" in given else "y"], np.ndarray)
        and ", 0)" not in line.expression
    ):
        leaf = Tensor(np.stack([x, x]))
        rows = [eval(line.expression, {"__builtins__": {}}, names(ops) | {"x": row}) for row in (leaf[0], leaf[1])]
        (rows[0].sum() + rows[1].sum()).backward()
        for part in leaf.grad:
            close(part, read(line.gradient), "gradient", TOLERANCE, 0.0)


@pytest.mark.parametrize(
    "line", [line for line in LINES if line.value == "ShapeError"], ids=lambda line: line.expression
)
def test_what_has_no_value_is_an_error_with_a_name(line: Line) -> None:
    with pytest.raises(ShapeError):
        run(line, variables(line.at))


def torch_names(torch: Any) -> dict[str, Any]:
    F = torch.nn.functional
    own = {name: getattr(torch, name) for name in TABLE if hasattr(torch, name)}
    return own | {
        "absolute": torch.abs, "abs": torch.abs, "norm": torch.linalg.vector_norm, "inf": math.inf,
        "relu": torch.relu,
        "leaky_relu": F.leaky_relu, "elu": F.elu, "silu": F.silu, "gelu": F.gelu, "softplus": F.softplus,
        "round": torch.round,
        "std": lambda x: torch.std(x, correction=0), "step": lambda x: (x > 0) + 0.0 * x, "clip": torch.clamp,
        "max": torch.amax, "min": torch.amin, "softmax": lambda x: torch.softmax(x, -1),
        "log_softmax": lambda x: torch.log_softmax(x, -1),
        "logsumexp": lambda x: torch.logsumexp(x, -1), "greater": lambda x, y: (x > y) + 0.0 * x, "equal": lambda x,
        y: (x == y) + 0.0 * x,
        "maximum": lambda x, y: torch.maximum(x, torch.as_tensor(y, dtype=x.dtype)), "floor": torch.floor,
        "where": lambda c, x, y: torch.where(c > 0, x, torch.as_tensor(y, dtype=torch.float64)),
        "cross_entropy": lambda x, label: F.cross_entropy(x, torch.tensor(label)), "pow": torch.pow,
    }  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [line for line in finite_lines if line.torch not in ("any", "none")],
    ids=lambda line: f"{line.expression} at {line.at}",
)
def test_torch_gives_what_the_page_says_of_it(line: Line) -> None:
    torch = pytest.importorskip("torch")
    leaves = {name: torch.tensor(x, dtype=torch.float64, requires_grad=True) for name, x in variables(line.at).items()}
    z = eval(line.expression, torch_names(torch) | leaves)
    gradients = torch.autograd.grad(z.sum(), list(leaves.values()), allow_unused=True)
    said = dict(re.findall(r"(value|gradient) `?([^`]+)", line.torch))
    close(z.detach().numpy(), np.asarray(read(said.get("value", line.value))), "value", 1e-12, 0.0)
    for x, g, part in zip(leaves.values(), gradients, said.get("gradient", line.gradient).split(";")):
        found = np.zeros(x.shape) if g is None else g.numpy()
        close(found, np.asarray(read(part)), "gradient", 1e-12, 0.0)


# The whole table at every end of the number line --------------------------------------------------------------------

ENDS = [0.0, -0.0, 1.0, -1.0, 0.5, 1000.0, -1000.0, 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan]


@each([row for row in TABLE.values() if isinstance(row, Elementwise)])
def test_nothing_raises_or_warns_at_the_ends_of_the_number_line(row: Elementwise) -> None:
    for x, y in itertools.product(ENDS, ENDS if len(row.params) > 1 else [0.0]):
        args = (x, y, y)[: len(row.params)]
        for given in (args, [np.array([a, 1.0]) for a in args]):
            z = row(*map(node, given))
            z.sum().backward()


@pytest.mark.parametrize(
    "name",
    ["sigmoid", "tanh", "softplus", "softmax", "log_softmax", "logsumexp", "relu", "elu", "leaky_relu", "silu", "gelu"],
)
def test_stable_rows_are_finite_wherever_their_argument_is(name: str) -> None:
    x = Tensor([e / 2.0 for e in ENDS if math.isfinite(e)])  # the difference of two is then finite too
    z = TABLE[name](x)
    z.sum().backward()
    assert np.isfinite(z._data).all()
    assert np.isfinite(x.grad).all()


# Second derivatives ---------------------------------------------------------------------------------------------------

SECOND = re.findall(r"^\| at `(.+?)` \| `(.+?)` \| `(.+?)` \| .+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def of_entries(expression: str, given: dict[str, Any]) -> tuple[Any, np.ndarray]:
    """Return an expression as a function of the entries of all its variables, and these."""

    def f(v: Any) -> Any:
        entries, parts = 0, {}
        for name, x in given.items():
            n = np.size(x)
            parts[name] = ops.reshape(v[entries : entries + n], x.shape) if np.ndim(x) else v[entries]
            entries += n
        return eval(expression, {"__builtins__": {}}, names(ops) | parts)

    return f, np.concatenate([np.ravel(x) for x in given.values()])


@pytest.mark.parametrize(("at", "expression", "matrix"), SECOND, ids=[f"{e} at {a}" for a, e, _ in SECOND])
def test_second_derivatives_are_those_of_the_page(at: str, expression: str, matrix: str) -> None:
    f, entries = of_entries(expression, variables(at))
    close(hessian(f)(entries), read(matrix), "Hessian", TOLERANCE, 0.0)


def test_the_second_derivatives_were_read() -> None:
    assert len(SECOND) > 12


@each_line
def test_a_matrix_of_second_derivatives_is_symmetric_or_nan(line: Line) -> None:
    f, entries = of_entries(line.expression, variables(line.at))
    if not entries.size:
        return
    H = hessian(lambda v: ops.sum(f(v)))(entries)
    known = np.where(np.isfinite(H) & np.isfinite(H.T), H, 0.0)
    np.testing.assert_allclose(known, known.T, 1e-9, 1e-9)
