"""The forms of an explanation: the same words as LaTeX, Markdown and HTML, which other people's parsers read."""

from __future__ import annotations

import pickle
import re
from functools import partial
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_cases import ROWS, called, cases, differentiable, direction
from tables import each

import autograd_mini
from autograd_mini import DataError, Node, Tensor, Value, ops
from autograd_mini.op import Op
from autograd_mini.text.explanation import Explanation

explain = partial(autograd_mini.explain, names={})  # not after the variables here

pytestmark = pytest.mark.filterwarnings("error")

HOSTILE = ["<script>alert(1)</script>", "</style><img src=x onerror=alert(1)>", "&amp;", '"', "'", "|", "`", "``a`",
           "\n", "$x$", "\\", "\\end{align*}", "%", "&", "\x00", "\ud800", "\u202e", "]]>", "-->", "*a*", "x" * 10**6,
           "\\input{f}", "{", "}", "~", "^"]  # fmt: skip


def neuron(label: str = "b") -> Node:
    w1, x1, b = Value(-3.0, label="w1"), Value(2.0, label="x1"), Value(6.5, label=label)
    return (w1 * x1 + b).tanh() * b


def attention(label: str = "x") -> Node:
    a = Tensor([1.0, 2.0, 3.0], label=label).softmax()
    return (a * a).sum()


EXPLANATIONS = {
    "numbers": lambda label: explain(neuron(label)),
    "arrays": lambda label: explain(attention(label)),
    "paths": lambda label: explain(root := neuron(label), wrt=root.args[1]),
    "leaf": lambda label: explain(Value(2.0, label=label)),
}
forms = pytest.mark.parametrize("made", EXPLANATIONS.values(), ids=list(EXPLANATIONS))


# HTML -----------------------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Reads HTML: its tags, its attributes, the text of its cells; every tag that is opened has to be closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.cells: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "code":
            self.cells.append("")
        if tag not in ("br", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "code":
            self.cells[-1] += data


PIECE = {"div", "style", "table", "caption", "thead", "tbody", "tr", "th", "td", "code", "br"}


@forms
@each(HOSTILE)
def test_a_hostile_label_is_text_in_html(label: str, made: Any) -> None:
    explanation = made(label)
    read = Reader(explanation._repr_html_())
    assert read.tags <= PIECE
    assert read.attributes <= {"class", "scope", "colspan"}
    assert len(explanation._repr_html_()) < 100_000
    whole = Reader(explanation.html)
    assert whole.tags <= PIECE | {"html", "head", "meta", "title", "body"}
    explanation.html.encode()


@forms
def test_html_says_what_the_text_says(made: Any) -> None:
    explanation: Explanation = made("b")
    cells = Reader(explanation._repr_html_()).cells
    words = " ".join(cells).split()
    for word in str(explanation).replace("| ", "").split():
        assert word in words or word.isdigit() or word in ("gradients", "of"), word


def test_html_loads_and_runs_nothing() -> None:
    page = explain(neuron()).html
    assert "default-src 'none'" in page
    assert not re.search(r"https?:|url\(|@import|src=|href=|<script", page)
    assert 'content="light dark"' in page


def test_a_notebook_gets_one_rich_form() -> None:
    """Notebooks choose for themselves among several: one of them is shown everywhere alike."""
    explanation = explain(neuron())
    assert explanation._repr_html_().startswith('<div class="autograd-explanation">')
    assert not hasattr(explanation, "_repr_latex_")
    assert not hasattr(explanation, "_repr_markdown_")


# Markdown -------------------------------------------------------------------------------------------------------------


def cells_of(line: str) -> list[str]:
    """Return the cells of a table's line: bars that are not escaped divide them."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


@forms
@each(["b", *HOSTILE])
def test_markdown_tables_are_square_and_labels_are_code(label: str, made: Any) -> None:
    printed = made(label).markdown
    width = 0
    for line in printed.split("\n"):
        cells = cells_of(line) if line.startswith("|") else []
        width = 0 if not cells else width or len(cells)
        assert len(cells) == width, line
        for cell in cells:
            fence = re.match(r"`+", cell)
            assert cell in ("", "---") or (fence is not None and cell.endswith(fence[0])), cell
            if fence is not None:
                inner = cell[len(fence[0]) : -len(fence[0])]
                assert fence[0] not in re.findall(r"`+", inner)
    assert len(printed) < 100_000


def test_markdown_says_what_the_text_says() -> None:
    explanation = explain(neuron())
    words = set(re.sub(r"[`|*]", " ", explanation.markdown).split())
    assert set(re.sub(r"[|*]", " ", str(explanation)).split()) - words <= {"gradients"}


def test_markdown_is_read_by_a_parser() -> None:
    markdown_it = pytest.importorskip("markdown_it")
    html = markdown_it.MarkdownIt("commonmark").enable("table").render(explain(neuron("<b>|`")).markdown)
    assert html.count("<table>") == 2
    assert "<b>" not in html
    assert html.count("<tr>") == 2 + sum(1 + len(s.contributions) for s in explain(neuron()) if s.contributions) + 3


# LaTeX ----------------------------------------------------------------------------------------------------------------


def check_latex(printed: str) -> None:
    walker = pytest.importorskip("pylatexenc.latexwalker")
    to_mathml = pytest.importorskip("latex2mathml.converter")
    nodes, *_ = walker.LatexWalker(printed, tolerant_parsing=False).get_latex_nodes()
    assert [node.environmentname for node in nodes] == ["align*"]
    assert to_mathml.convert(printed.replace("\\\\[1ex]", "\\\\")).startswith("<math")
    assert printed.isascii() or printed.replace("\n", "").isprintable()


@forms
@each(["b", *HOSTILE])
def test_latex_is_one_environment_whatever_the_label(label: str, made: Any) -> None:
    check_latex(made(label).latex)


@each(ROWS)
def test_every_row_has_every_form(row: Op) -> None:
    for args in cases(row)[:4:3]:  # numbers, and arrays of three
        z, _ = called(row, args, differentiable(row, args) or list(range(len(args))))
        explanation = explain(z, direction(z.shape, 1))
        check_latex(explanation.latex)
        Reader(explanation.html)
        assert explanation.markdown.startswith("**`")


def test_latex_has_the_chain_rule_in_symbols_and_in_numbers() -> None:
    x = Value(3.0, label="x")
    assert explain(x * x, wrt=x).latex == "\n".join([
        r"\begin{align*}",
        r"& L = x \cdot x = 9 \\[1ex]",
        r"& x \to L && \frac{\partial L}{\partial x} = 3 \\",
        r"& x \to L && \frac{\partial L}{\partial x} = 3 \\",
        r"& \text{sum} && \frac{\partial L}{\partial x} = 3 + 3 = 6\text{, as the sweep gives} \\[1ex]",
        r"& L = x \cdot x = 9 && \frac{\partial L}{\partial L} = 1 \\",
        r"& \quad \frac{\partial L}{\partial x} = x = 3 && 1 \cdot 3 = 3 && \frac{\partial L}{\partial x} = 3"
        r"\text{, more to come} \\",
        r"& \quad \frac{\partial L}{\partial x} = x = 3 && 1 \cdot 3 = 3 && \frac{\partial L}{\partial x} = 3 + 3 = 6"
        r" \\[1ex]",
        r"& \frac{\partial L}{\partial x} = 6",
        r"\end{align*}",
    ])  # fmt: skip


def test_the_proof_stands_in_every_form() -> None:
    explanation = explain(attention())
    for printed in (str(explanation), explanation.markdown, explanation.html):
        for words in ("0.0819251, -0.022033, -0.059892", "J^T g = [-0.075718, -0.130105, 0.205823] = the vjp",
                      "J by differences of softmax itself: the same"):  # fmt: skip
            assert words in printed
    assert r"\begin{bmatrix} 0.0819251 & -0.022033 & -0.059892 \\" in explanation.latex
    assert (
        r"J^{\top} g = \begin{bmatrix} -0.075718 & -0.130105 & 0.205823 \end{bmatrix}\text{ = the vjp}"
        in explanation.latex
    )


def test_what_is_too_long_is_cut_in_every_form() -> None:
    explanation = explain(ops.add_n(*[Value(float(i), label=f"variable_{i}") for i in range(300)]))
    assert max(map(len, str(explanation).split("\n"))) <= 200
    assert r"L = \mathrm{add\_n}" not in explanation.latex
    assert r"(\ldots)" in explanation.latex
    check_latex(explanation.latex)
    assert max(map(len, explanation.markdown.split("\n"))) < 2500


@settings(max_examples=20)  # each has three parsers
@given(st.text(max_size=20))
def test_any_label_at_all(label: str) -> None:
    explanation = explain(neuron(label))
    check_latex(explanation.latex)
    Reader(explanation.html)
    assert str(explanation)


def test_equal_records_have_equal_forms() -> None:
    for form in ("latex", "markdown", "html"):
        assert getattr(explain(neuron()), form) == getattr(explain(neuron()), form)
        assert "0x" not in getattr(explain(attention()), form)


def test_empty_arrays_have_every_form() -> None:
    explanation = explain(Tensor(np.ones((0, 3)), label="x").sum())
    check_latex(explanation.latex)
    Reader(explanation.html)


def test_of_a_large_record_what_is_printed_is_made_and_the_rest_when_it_is_looked_at() -> None:
    x = Value(1.0, label="x")
    y = x
    for _ in range(1000):
        y = y * 0.999
    told = explain(y)
    x.data = 5.0  # what is made later is as it was recorded, too
    assert len(told) == 1001
    assert "\n200 v801 = " in str(told)
    assert "\n201 v800 = " not in str(told)
    assert "left out: 800 of 1,000 steps and 0 of 1 gradients" in str(told)
    assert (told[-1].name, told[-1].data) == ("x", 1.0)
    assert told[900].data == pytest.approx(0.999**100)
    assert told.gradients == {"x": told[-1].upstream}
    assert [step.name for step in told] == [step.name for step in told[:]] == list(told.names.values())[::-1]
    assert str(told.whole).count("\n") > 2000
    with pytest.raises(DataError, match="not pickled"):
        pickle.dumps(told)
