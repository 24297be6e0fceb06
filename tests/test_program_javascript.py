"""JavaScript on arrays: each row, each contribution and each whole program computes there what the engine does."""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from program_cases import HOSTILE, SCALAR_ROWS, engine
from table_cases import ROWS, called, cases, differentiable, direction, sample
from v8 import javascript

import autograd_mini
from autograd_mini import Branches, DataError, Node, Tensor, Value, ops
from autograd_mini.op import TABLE, Elementwise, Unary
from autograd_mini.op import contribution as computed
from autograd_mini.programs.languages.dialects import JAVASCRIPT_ARRAYS, contribution, expression, prelude
from autograd_mini.programs.languages.javascript_arrays import array_literal
from nn import MLP, Dense

DEFINED = JAVASCRIPT_ARRAYS.defined()
SHOWN = "JSON.stringify([{}].map(x => [shapeOf(x), Array.from(entries(x), String)]))"
TEXTS = "JSON.stringify({}, (_, x) => typeof x === 'number' ? String(x) : x)"


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with javascript() as page:
        yield page


def number(word: str) -> float:
    return float(word.replace("Infinity", "inf"))


def run(page: Any, lines: list[str], result: str) -> Any:
    return json.loads(page.eval(f"(() => {{ {chr(10).join(lines)}\nreturn {result}; }})()"))


def refusal(page: Any, lines: list[str], call: str) -> str:
    """Return the message of the error that a call throws, "" for none."""
    text = f"(() => {{ try {{ {call}; return ''; }} catch (e) {{ return e.message; }} }})()"
    return run(page, lines, f"JSON.stringify({text})")


def close(got: Any, expected: Any, text: str, rtol: float = 1e-12, atol: float = 1e-14) -> None:
    assert np.shape(got) == np.shape(expected), text
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol, err_msg=text)


# Expressions --------------------------------------------------------------------------------------------------------


class Pool(dict[str, str]):
    """Names for constants, with the lines that declare them."""

    def __call__(self, array: Any) -> str:
        name = f"c{len(self)}"
        self[name] = f"const {name} = {array_literal(array)};"
        return name


def written(x: Any) -> str:
    """Return data as JavaScript: a number, or an array object."""
    return array_literal(x) if np.ndim(x) else json.dumps(float(x))


def evaluated(page: Any, data: dict[str, Any], texts: list[str], constants: Pool) -> list[Any]:
    """Return what expressions give, as numbers and arrays."""
    atoms = [f"const d = {{{', '.join(f'{name}: {written(x)}' for name, x in data.items())}}};"]
    lines = [*prelude([*texts, SHOWN, "array"], DEFINED), *constants.values(), *atoms]
    found = run(page, lines, SHOWN.format(", ".join(texts)))
    return [np.array(list(map(number, entries))).reshape(shape) for shape, entries in found]


def check(page: Any, node: Node, seed: Any, rtol: float = 1e-12, atol: float = 1e-14) -> None:
    """Assert that a node and its contributions to its arguments are what the engine computes."""
    args = {a: f"d.x{k}" for k, a in enumerate(a for a in node.args if isinstance(a, Node))}
    names, pool = {**args, node: "d.z"}, Pool()
    places = [i for i, a in enumerate(node.args) if isinstance(a, Node) and node.op.rule(i) is not None]
    texts = [
        expression(node, names, JAVASCRIPT_ARRAYS, pool),
        *(contribution(node, i, names, "d.g", JAVASCRIPT_ARRAYS, pool) for i in places),
    ]
    data = {"g": seed, "z": node.data, **{name[2:]: a.data for a, name in args.items()}}
    got = evaluated(page, data, texts, pool)
    for text, found, expected in zip(texts, got, [node.data, *(computed(node, i, seed) for i in places)]):
        close(found, expected, text, rtol, atol)


LACKING = [row for row in ROWS if row.name in JAVASCRIPT_ARRAYS.lacking]


@pytest.mark.parametrize("row", LACKING, ids=lambda row: row.name)
def test_what_the_language_has_not_is_refused_by_name(row: Any) -> None:
    z, leaves = called(row, cases(row)[0], [0])
    with pytest.raises(DataError, match=f"no equivalent of .*{row.name}"):
        _ = autograd_mini.compile(z, list(leaves.values())).javascript


@pytest.mark.parametrize("row", [row for row in ROWS if row not in LACKING], ids=lambda row: row.name)
def test_each_row_and_its_contributions_are_the_engines(row: Any, page: Any) -> None:
    tried = 0
    for args in cases(row):
        z, _ = called(row, args, differentiable(row, args) or [0])
        check(page, z, direction(np.shape(z.data), 1))
        tried += 1
    assert tried


@pytest.mark.parametrize("row", SCALAR_ROWS, ids=lambda row: row.name)
def test_rows_on_arrays_of_hostile_numbers(row: Any, page: Any) -> None:
    points = random.Random(0).sample(list(itertools.product(HOSTILE, repeat=3)), 300)
    columns = [np.array(column) for column in list(zip(*points))[: len(row.params)]]
    z, _ = called(row, tuple(columns), differentiable(row, tuple(columns)) or [0])
    check(page, z, np.ones(z.shape), rtol=1e-12, atol=1e-300)


WHOLE_ROWS = [row for row in ROWS if row.params[:2] == ("x", "axis") and not isinstance(row, Elementwise)]


@pytest.mark.parametrize("row", WHOLE_ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("entry", [math.nan, math.inf, -math.inf, 1e200, 0.0], ids=str)
def test_rows_along_axes_of_hostile_numbers(row: Any, entry: float, page: Any) -> None:
    x = sample((3, 4))
    x[0, 1] = x[1] = x[2, 2] = entry
    for axis in (0, 1):
        z, _ = called(row, (x, axis, *([0.0] if row.name in ("var", "std") else [])), [0])
        check(page, z, np.ones(z.shape))


def test_matrices_with_hostile_numbers(page: Any) -> None:
    x, y = sample((3, 4)), sample((4, 2))
    x[0, 1], x[1, 2], y[0, 0] = math.nan, math.inf, -math.inf
    check(page, Tensor(x) @ Tensor(y), np.ones((3, 2)))
    check(page, ops.cross_entropy(Tensor(x), [0, 1, 2]), np.ones(3))
    check(page, ops.softmax_loss(Tensor(x), Tensor(np.eye(4)[:3])), np.ones((3, 1)))


def indices(rng: random.Random) -> Any:
    """Return an index into an array of shape (3, 4, 2)."""
    ends = [None, *range(-6, 7)]
    parts: list[Any] = [
        rng.choice([rng.randrange(-2, 2), slice(rng.choice(ends), rng.choice(ends), rng.choice([None, 1, 2, -1, -3]))])
        for _ in range(rng.randint(0, 3))
    ]
    for extra in rng.sample([None, Ellipsis, None], rng.randint(0, 3)):
        parts.insert(rng.randint(0, len(parts)), extra)
    return tuple(parts)


def test_any_basic_index(page: Any) -> None:
    rng, x = random.Random(1), Tensor(sample((3, 4, 2)))
    for _ in range(150):
        z = x[indices(rng)]
        check(page, z, direction(np.shape(z.data), 1))


@pytest.mark.parametrize(
    "index",
    [
        (0, slice(None), [0, 1]), ([0, 2], slice(None), [0, 1]), (slice(None), [[0, 3], [1, 1]]),
        ([0, 2], None, [0, 1]),
        np.array([True, False, True]), (slice(None), np.array([True, False, True, True]), 1), np.ones((3, 4), bool),
        np.zeros((3, 4, 2), bool), (Ellipsis, np.array([True, False])), np.array(1), np.int64(2), (np.array(1), [0, 1]),
        [], (slice(None, None, -1), [3, 3, 3]), True, False, np.zeros((0, 2), int),
    ],
    ids=repr,
)  # fmt: skip
def test_indices_with_arrays(index: Any, page: Any) -> None:
    z = Tensor(sample((3, 4, 2)))[index]
    check(page, z, direction(np.shape(z.data), 1))


def test_expressions_read_like_calls() -> None:
    x, W = Tensor(np.ones((2, 3))), Tensor(np.ones((3, 4)))
    names = {x: "d[0]", W: "W"}
    for node, text in [
        (x * 2.0, "mul(d[0], 2)"),
        (x @ W, "matmul(d[0], W)"),
        (x.sum(), "sum(d[0])"),
        (x.sum(0, True), "sum(d[0], 0, true)"),
        (x.sum((0, 1)), "sum(d[0], [0, 1])"),
        (x.var(axis=1, keepdims=True), "variance(d[0], 1, 0, true)"),
        (x[0, 1:], "getitem(d[0], [0, slice(1)])"),
        (x[..., None, ::-1], 'getitem(d[0], ["...", null, slice(null, null, -1)])'),
        (x.reshape([3, 2]), "reshape(d[0], [3, 2])"),
        (ops.einsum("ij,jk->ik", x, W), 'einsum("ij,jk->ik", d[0], W)'),
        (ops.where(True, x, W[0, :3]), "where(1, d[0], v)"),
    ]:
        named = {**{a: "v" for a in node.args if isinstance(a, Node)}, **names}
        assert expression(node, named, JAVASCRIPT_ARRAYS) == text


# Arrays in the page -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [3.0, -0.0, [], [1.0], [[1.0, 2.0], [3.0, 4.0]], [[[]], [[]]]], ids=str)
def test_lists_become_arrays_and_lists_again(x: Any, page: Any) -> None:
    lines = prelude(["array nested"], DEFINED)
    found = run(
        page, lines, f"JSON.stringify([nested(array({x})), array({x}).shape ?? null, nested(array(array({x})))])"
    )
    assert found == [x, list(np.shape(x)) if np.ndim(x) else None, x]


@pytest.mark.parametrize(
    "text",
    [
        "[1, [2]]",
        "[[1, 2], [3]]",
        '"abc"',
        "null",
        "undefined",
        '[["1"]]',
        "{}",
        "[[1], []]",
        "{shape: [2], data: [1]}",
    ],
)
def test_what_is_no_array_is_refused(text: str, page: Any) -> None:
    assert refusal(page, prelude(["array"], DEFINED), f"array({text})")


def test_shapes_that_do_not_fit_are_refused_where_they_meet(page: Any) -> None:
    told = refusal(page, prelude(["add", "array"], DEFINED), "add(array([1, 2]), array([1, 2, 3]))")
    assert "shapes [2] and [3] do not fit" in told


def test_typed_arrays_are_data_too(page: Any) -> None:
    lines = [
        *prelude(["sum mul nested concatenate"], DEFINED),
        "const x = {shape: [2], data: new Float64Array([1, 2])};",
    ]
    assert run(page, lines, "JSON.stringify([nested(mul(x, x)), sum(x), nested(concatenate(0, x, x))])") == [
        [1, 4],
        3,
        [1, 2, 1, 2],
    ]


@pytest.mark.parametrize("name", sorted(DEFINED))
def test_each_definition_with_its_prelude_is_a_script(name: str, page: Any) -> None:
    kind = run(page, prelude([name], DEFINED), f"JSON.stringify(typeof {name})")
    assert kind == ("number" if name in ("inf", "nan") else "function")


def test_a_prelude_holds_what_is_used_and_no_more() -> None:
    lines = prelude(["add(x, y)"], DEFINED)
    names = {line.split("(")[0].split(" ")[1] for line in lines}
    wanted = "add lift joint shapeOf broadcast_to gather reach strides size places entries made"
    assert names == set(wanted.split())


# Programs -----------------------------------------------------------------------------------------------------------


def results(page: Any, program: Any, inputs: list[Any], *gradient: Any) -> tuple[Any, list[Any]]:
    """Return what the script of a program returns: the value and the gradients."""
    given = ", ".join(json.dumps(np.asarray(x).tolist()) for x in (*inputs, *gradient))
    found = run(page, [program.javascript], TEXTS.format(f"program({given})"))
    return _numbers(found["value"]), [_numbers(g) for g in found["gradients"]]


def _numbers(x: Any) -> Any:
    return number(x) if isinstance(x, str) else [_numbers(e) for e in x]


def agrees(page: Any, root: Node, leaves: list[Node], rtol: float = 1e-12, **settings: Any) -> str:
    """Assert that the script computes what the engine does, simplified or not, and return it."""
    seed = direction(np.shape(root.data), 3)
    value, gradients = engine(root, leaves, seed)
    program = autograd_mini.compile(root, leaves, **settings)
    for p in (program, program.simplified()):
        held = [n.data for n in p._listing.captured]
        got, found = results(page, p, [x.data for x in leaves], *held, seed)
        close(got, np.asarray(value).tolist(), p.javascript, rtol)
        for g, e, x in zip(found, map(np.asarray, gradients), leaves, strict=True):
            close(
                np.reshape(g, np.shape(x.data)),
                e,
                p.javascript,
                rtol,
                1e-12 * np.max(np.abs(e[np.isfinite(e)]), initial=1e-2),
            )
    return program.javascript


STEPS: list[Callable[[Any, Any], Any]] = [
    lambda x, y: x @ y.T @ x,
    lambda x, y: ops.affine(x, y.T @ x, y[0]),
    lambda x, y: x * y + x.mean(0),
    lambda x, y: x / (1.0 + y * y).sum(-1, keepdims=True),
    lambda x, y: ops.softmax(x, -1) * y.norm(),
    lambda x, y: ops.log_softmax(x, 0) - y.max(1, True),
    lambda x, y: ops.concatenate([x, y[:2]], 0)[[0, 2, 4, 1]],
    lambda x, y: ops.stack([x, y], 1).sum(1),
    lambda x, y: ops.where(x.data > 0.0, x, y.min()),
    lambda x, y: ops.einsum("ij,kj->ik", x, y) @ y,
    lambda x, y: x[::-1] + y[:, [2, 0, 1]],
    lambda x, y: ops.pad(x, ((0, 1), (1, 0)))[1:, :-1] * y.std(),
    lambda x, y: (x.T.reshape(4, 3) + y.var(0)).cumsum(0),
    lambda x, y: x.prod(0) * ops.flip(y, (0, 1)),
    lambda x, y: ops.logsumexp(ops.stack([x, y, x * y]), 0),
    lambda x, y: x + ops.add_n(x, y, y[0, 0], 0.5) * y[1],
]


def test_random_records_of_arrays(page: Any) -> None:
    everywhere = [row for row in SCALAR_ROWS if len(row.params) == 1 and math.isfinite(row(0.5) + row(-0.5) + row(3.5))]
    for seed in range(12):
        rng = random.Random(seed)
        leaves: list[Node] = [Tensor(sample((4, 3), i=i), label=f"x{i}") for i in range(2)]
        leaves.append(Value(rng.uniform(-1, 1), label="s"))
        nodes = [*leaves[:2], ops.tanh(leaves[0] * leaves[2])]
        for _ in range(5):
            node = rng.choice(STEPS)(rng.choice(nodes), rng.choice(nodes))
            nodes.append(ops.tanh(rng.choice(everywhere)(node)) if rng.random() < 0.5 else ops.tanh(node))
        agrees(page, ops.add_n(*nodes[-2:]), leaves, 1e-9)


def test_a_perceptron_with_cross_entropy(page: Any) -> None:
    model = MLP(3, [5, 4], layer=Dense, rng=0)
    X = Tensor(sample((6, 3)), label="X")
    loss = ops.cross_entropy(model(X), [0, 3, 1, 1, 2, 0]).mean()
    script = agrees(page, loss, [X, *model.parameters()])
    assert "const v1 = affine(X, " in script


def test_numbers_beside_arrays_and_all_there_is_of_them(page: Any) -> None:
    w, b, x = Value(2.0, label="w"), Value(-1.0, label="b"), Tensor([1.0, -2.0, 0.5], label="x")
    script = agrees(page, (ops.sigmoid(w * x + b) ** 2).sum() * w.exp(), [w, x])
    assert "function program(w, x, b = -1.0, L_bar = 1.0) {" in script


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)], ids=str)
def test_empty_arrays(shape: tuple[int, ...], page: Any) -> None:
    x, y, w = Tensor(np.zeros(shape), label="x"), Tensor(np.zeros(shape)), Value(2.0, label="w")
    agrees(page, (x * w + y).sum() + w, [x, w])
    agrees(page, x * w + y, [x, w])


def test_an_input_that_nothing_reaches_has_gradient_zero(page: Any) -> None:
    x, y, s = Tensor(sample((2, 3)), label="x"), Tensor(sample((3,)), label="y"), Value(1.0)
    agrees(page, (x * ops.sign(y)).sum(), [y, x, s])


def test_a_leaf_alone_is_a_script(page: Any) -> None:
    x = Tensor(sample((2, 3)), label="x")
    agrees(page, x, [x])


def test_nothing_and_infinity_go_through(page: Any) -> None:
    x, w = Tensor([math.nan, math.inf, 1.0], label="x"), Tensor([1.0, -math.inf, 2.0], label="w")
    program = autograd_mini.compile((x * w + 1.0 / x).exp(), [w])
    assert "x = [NaN, Infinity, 1.0]" in program.javascript
    value, (g,) = engine(program.root, [w], np.ones(3))
    text = "program([1, -Infinity, 2], undefined, [1, 1, 1])"
    found = run(page, [program.javascript], TEXTS.format(text))
    close(_numbers(found["value"]), value, text)
    close(_numbers(found["gradients"][0]), g, text)


def test_single_precision_is_rounded_op_by_op(page: Any) -> None:
    X = Tensor(sample((5, 3)).astype(np.float32), label="X")
    W = Tensor(sample((2, 3), i=1).astype(np.float32), label="W")
    root = ((X @ W.T) * 0.1 + W[:, 0] / 3.0).sum(1)
    program = autograd_mini.compile(root, [X, W])
    value, gradients = engine(root, [X, W], np.ones(5, np.float32))
    got, found = results(page, program, [X.data, W.data], np.ones(5))
    for a, e in zip([got, *found], [value, *gradients]):
        np.testing.assert_array_equal(np.array(a), np.array(a, np.float32))  # every number has single precision
        np.testing.assert_allclose(a, e, rtol=1e-6)
    product = autograd_mini.compile(X * X, [X])
    entries = np.full((5, 3), 1.1)
    got, _ = results(page, product, [entries], np.ones((5, 3)))
    assert got == (entries.astype(np.float32) * entries.astype(np.float32)).tolist()
    assert "float32" not in autograd_mini.compile(Tensor(np.ones(2)) * 2.0).javascript


LABELS = [
    "array", "nested", "given", "lift", "slice", "variance", "entries", "x y", "const", "var", "", "sum", "</script>",
    "*/", "//", "`", "${x}", '"', "\\", "\u2028", "__proto__", "constructor", "é", "x" * 300, "L_bar", "program",
]  # fmt: skip


def test_no_label_breaks_the_script(page: Any) -> None:
    leaves: list[Node] = [Tensor([float(i), 1.0], label=label) for i, label in enumerate(LABELS)]
    with Branches() as branches:
        root = ops.add_n(*(x * x for x in leaves)).sum()
        assert all((x > -1.0).all() for x in leaves)
    root.label = "array"
    agrees(page, root, leaves, branches=branches)


@pytest.mark.parametrize("name", ["half", "reach", "erfTail", "variance"])
@pytest.mark.parametrize("x", [Tensor([1.0, 2.0]), Value(1.0)], ids=["arrays", "numbers"])
def test_a_row_of_a_users_own_is_refused_by_name(name: str, x: Node) -> None:
    half = Unary(name, f"{name}({{}})", lambda x: x / 2.0, lambda x: x / 2.0, lambda g, y, x: g * 0.5)
    program = autograd_mini.compile(half(x) * 2.0)
    with pytest.raises(DataError, match=f"{name} means|equivalent of {name}"):
        _ = program.javascript


# Guards and wrong input ---------------------------------------------------------------------------------------------


def test_comparisons_are_checked_in_any_entry(page: Any) -> None:
    x, s = Tensor([1.0, -2.0], label="x"), Value(3.0, label="s")
    with Branches() as branches:
        y = ops.where(x > 0.5, x * x, -x).sum() * s
        assert s >= 2.0
        assert not np.isnan(x).any()
    script = autograd_mini.compile(y, [x, s], branches=branches).javascript
    assert refusal(page, [script], "program([2, 0.25], 5)") == ""
    told = "when this was recorded and is not for these inputs: record again"
    assert refusal(page, [script], "program([2, 0.75], 5)") == ""  # a row was given this one: it is computed anew
    assert refusal(page, [script], "program([2, 0.25], 1)") == f"s >= 2 was true {told}"
    assert refusal(page, [script], "program([2, NaN], 5)") == f"isnan(x) came out otherwise {told}"


def test_inputs_of_another_shape_are_refused(page: Any) -> None:
    x, s = Tensor(sample((2, 3)), label="x"), Value(3.0, label="s")
    script = autograd_mini.compile((x * s).sum(), [x, s]).javascript
    rows = "[[1, 2, 3], [4, 5, 6]]"
    assert refusal(page, [script], f"program({rows}, 1)") == ""
    for call, words in [
        ("program([[1, 2, 3]], 1)", "x has shape [1,3], and had [2,3] when this was recorded"),
        (f"program({rows}, [1])", "s has shape [1], and had []"),
        ("program([[1, 2], [3]], 1)", "not ragged"),
        ("program('abc', 1)", "numbers or lists of them"),
        (f"program({rows})", "numbers or lists of them"),
        (f"program({rows}, 1, [1])", "L_bar has shape [1], and had []"),
    ]:
        assert words in refusal(page, [script], call)


def test_a_constant_condition_is_a_number(page: Any) -> None:
    x, y = Value(2.0, label="x"), Value(3.0, label="y")
    for condition in (True, False, np.True_):
        program = autograd_mini.compile(ops.where(condition, x, y), [x, y])
        assert results(page, program, [5.0, 7.0]) == (5.0 if condition else 7.0, [float(condition), 1.0 - condition])
    agrees(page, ops.where(np.array([True, False]), Tensor([1.0, 2.0]) * x, y), [x, y])


def test_one_language_does_not_change_the_text_of_another() -> None:
    def fresh() -> Any:
        x = Tensor(sample((3, 4)), label="x")
        return autograd_mini.compile((x[[0, 2]] * np.array([1.0, 2.0, 3.0, 4.0])).sum(), [x])

    one, other = fresh(), fresh()
    assert (one.source, one.javascript) == (other.javascript, other.source)[::-1]
    assert one.source.count("constant_1 = ") == 1


def test_every_row_is_tried_on_arrays() -> None:
    assert all(any(np.ndim(arg) for case in cases(row) for arg in case) for row in TABLE.values())
