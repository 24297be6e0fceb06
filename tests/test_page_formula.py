"""Formulas typed into a page: one grammar in Python and in JavaScript, of each formula one record and its numbers."""

import json
import random
import re

import numpy as np
import pytest
import test_expression as command
from v8 import javascript

from autograd_mini.sweep import order
from viz.expression import CONSTANTS, FUNCTIONS, INSTEAD, SYNONYMS, ExpressionError, read_values, record_expression
from viz.notation import RULES, as_expression
from viz.stepping.card_svg import asset
from viz.stepping.frames import frames_of
from viz.stepping.player_page import code

VALUES = command.VALUES
READ = """
const odd = x => Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
const plain = x => x === undefined ? null : Number.isFinite(x) ? x : odd(x);
globalThis.schoolAll = texts => JSON.stringify(JSON.parse(texts).map(asExpression));
globalThis.valuesOf = texts => JSON.stringify(JSON.parse(texts).map(numberGiven).map(plain));
globalThis.readAll = (texts, values) => JSON.stringify(JSON.parse(texts).map(text => {
  try {
    take(recordOf(text, JSON.parse(values)));
    return {
      nodes: vertices.map(v => [v.name, v.op, v.equation]), data: data.map(plain), grads: grads.map(plain),
      symbols: edges.map(e => [e.tail, e.head, e.symbols]), steps: base.map(s => [s.kind, s.node, s.target ?? null]),
    };
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error;
    return { error: error.message, column: error.column ?? 0 };
  }
}));
"""


@pytest.fixture(scope="module")
def page():
    script = code(False).removeprefix("{\n").removesuffix("}\n")
    words = script[script.index("const TEMPLATES") : script.index("const MEANING")]
    with javascript() as racer:
        racer.eval(f"(() => {{ {words}\n{''.join(map(asset, ('engine.js', 'core.js', 'formula.js')))}\n{READ} }})()")
        yield racer


def read_all(page, texts, values=VALUES):
    return json.loads(page.call("readAll", json.dumps(texts), json.dumps(values)))


def told(text, values=VALUES):
    """Return what Python says of a formula, in the words of the page."""
    named = dict.fromkeys(re.findall(r"[A-Za-z][A-Za-z0-9_]*(?!\s*\()", text, re.ASCII))
    leaves = [name for name in named if name not in FUNCTIONS and name not in CONSTANTS]
    values = {name: values.get(name, FIRST[i % len(FIRST)]) for i, name in enumerate(leaves)} | {
        name: x for name, x in values.items() if name not in leaves
    }
    try:
        root = record_expression(text.strip(), values)
    except ExpressionError as error:
        return {"error": str(error), "column": error.column}
    nodes = order(root)[::-1]
    if root.op is not None or root.label:
        root.backward()
    else:
        root.grad = 1.0
    frames = frames_of(root)
    return {
        "nodes": [[v.name, v.op, v.equation] for v in frames.vertices],
        "data": [n.data for n in nodes],
        "grads": [n.grad for n in nodes],
        "symbols": [[e.tail, e.head, e.symbols] for e in frames.edges],
        "steps": [[s.kind, s.node, s.target] for s in frames.steps],
    }


def alike(words):
    """Return words whose numbers have ten digits: constants are folded by another library there."""
    return re.sub(r"\d+\.?\d*(?:e[+-]?\d+)?", lambda number: f"{float(number[0]):.10g}", json.dumps(words))


def agree(text, found, wanted):
    if "error" in wanted:
        assert found.get("column") == wanted["column"], (text, found, wanted)
        if "did you mean" not in wanted["error"] and "names are written" not in wanted["error"]:
            assert found["error"] == wanted["error"], text
    else:
        assert "error" not in found, (text, found)
        assert alike([found[part] for part in WORDED]) == alike([wanted[part] for part in WORDED]), text
        for part in ("data", "grads"):
            numbers = [0.0 if x is None else float(x) for x in found[part]]
            np.testing.assert_allclose(numbers, wanted[part], rtol=1e-12, atol=1e-300, err_msg=f"{text}: {part}")


FIRST = [0.5, -1.0, 2.0, 1.5, -0.5, 3.0]  # what a name without a value has to begin with
WORDED = ("nodes", "symbols", "steps")


def random_formula(rng, depth):
    """Return a legal formula in all operators and functions."""
    if depth and rng.random() < 0.3:
        name = rng.choice(list(FUNCTIONS))
        n = len(FUNCTIONS[name].params) - rng.randrange(len(FUNCTIONS[name].defaults) + 1)
        return f"{name}({', '.join(random_formula(rng, depth - 1) for _ in range(n))})"
    if depth and rng.random() < 0.6:
        signs = ["+", "-", "*", "/", "//", "%", "**", "* -", " - +"]
        return f"({random_formula(rng, depth - 1)}){rng.choice(signs)}{random_formula(rng, depth - 1)}"
    return rng.choice(["x", "w1", "b", "x", "pi", "3", "0.25", "1e1", ".5", "2"])


WORDS = [*FUNCTIONS, *VALUES, "+", "-", "*", "/", "//", "%", "**", "(", ")", ",", "1", "2.5", ".5", "1e3", "pi", " ",
         "\n", "__import__", ".real", "[", "'", "=", "^", "²", "π", "1e999", "0x10", "1_0", "nan", "ln(", "(", ")", ".",
         "constructor", "toString("]  # fmt: skip


def mangled(rng):
    return "".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 9)))


@pytest.mark.parametrize("seed", range(3))
def test_three_thousand_formulas_are_read_alike_and_have_the_same_numbers(seed, page):
    rng = random.Random(seed)
    texts = [random_formula(rng, 3) for _ in range(300)] + [command.random_text(rng, 3) for _ in range(200)]
    texts += [mangled(rng) for _ in range(500)]
    for text, found in zip(texts, read_all(page, texts), strict=True):
        agree(text, found, told(text))


def cases_of_the_command():
    for function in (command.test_precedence_and_calls, command.test_mistakes_are_refused_with_their_column):
        for mark in function.pytestmark:
            yield from (case[0] for case in mark.args[1])


def test_the_cases_of_the_command_are_those_of_the_page(page):
    texts = list(cases_of_the_command())
    assert len(texts) > 60
    for text, found in zip(texts, read_all(page, texts), strict=True):
        agree(text, found, told(text))


SCHOOL = [*"0123456789", "0,5", "x", "w1", "e", "E", "(", ")", ",", " ", ".", "^", "²", "³", "·", "×", "÷", "−", "π",
          "σ", "σ(", "ln(", "ln", "maximum(", "+", "1e3", "2e", "\U0001d465", "\n"]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_school_notation_is_read_alike(seed, page):
    rng = random.Random(seed)
    texts = ["".join(rng.choice(SCHOOL) for _ in range(rng.randrange(1, 12))) for _ in range(1000)]
    assert json.loads(page.call("schoolAll", json.dumps(texts))) == [as_expression(text) for text in texts]


def test_values_are_read_alike(page):
    texts = ["1/2", "0,5", "-1/4", "1,5/2", "3", ".5", "+2.", "1/3"]
    assert json.loads(page.call("valuesOf", json.dumps(texts))) == [read_values([f"x={text}"])["x"] for text in texts]
    refused = ["1/0", "1/2/3", "/2", "1/", "one", "1,2,3", "", "0x1"]
    assert json.loads(page.call("valuesOf", json.dumps(refused))) == [None] * len(refused)
    for text in refused:
        with pytest.raises(ExpressionError, match="not a number"):
            read_values([f"x={text}"])


def test_a_name_without_a_value_gets_one_and_values_may_stand_behind(page):
    first, given, kept = read_all(page, ["tanh(w*x + q)", "w*x  w=2 x=-1e1", "x*w1 + q"])
    assert [name for name, *_ in first["nodes"]][:3] == ["w", "x", "q"]
    assert first["data"][1] == VALUES["x"]
    assert (given["data"], given["nodes"][0][0]) == ([2.0, -10.0, -20.0], "w")
    assert kept["data"][:2] == [VALUES["x"], VALUES["w1"]]
    for text, words in (("x x=one", "not a number"), ("x sin=1", "name of the language"), ("x x=1 x=2", "given twice")):
        assert words in read_all(page, [text])[0]["error"]


def test_names_that_the_graph_would_give_are_kept_for_those_who_gave_them(page):
    (found,) = read_all(page, ["v1*L + v3*v3"])
    assert [name for name, *_ in found["nodes"]] == ["v1", "L", "v3", "v2", "v4", "v5"]


def test_the_page_knows_the_language_of_the_command():
    assert json.dumps(
        {"constants": CONSTANTS, "synonyms": SYNONYMS, "instead": INSTEAD, "school": RULES}, separators=(",", ":")
    ) in code(False)
