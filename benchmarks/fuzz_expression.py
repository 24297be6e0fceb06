"""Throws random and mutated text at the expression language: `python benchmarks/fuzz_expression.py [N] [SEED]`.

Every input must give a number or an ExpressionError, quickly, and nothing that looks like an attribute, a string or
a call of a foreign name may be accepted. One in 5 of what is accepted is explained in some form, with or without the
paths from a name; one input in 100 goes through the whole command, with options in any order, which must end with
status 0 or with status 2 and a message. Warnings are errors. N is 1,000,000 unless given;
--write PAGE keeps the report.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import re
import time
import warnings
from pathlib import Path

from autograd_mini import Node, Value
from autograd_mini.text.explanation import explain
from viz.command import main as cli
from viz.command.explain import FORMATS
from viz.expression import FUNCTIONS, ExpressionError, record_expression

EXPLAINED, COMMANDED = 5, 100  # one in so many
OPTIONS = {
    "explain": [["--wrt", "x"], ["--wrt", "w1"], ["--wrt", "q"], *(["--format", form] for form in FORMATS), ["--step"]],
    "draw": [["--wrt", "x"], ["--format", "text"], ["--format", "dot"], ["--format", "mermaid"], ["--depth", "1"],
             ["--legend"], ["--show", "forward"], ["--colour", "grad"], ["--direction", "TB"], ["--whole"]],
}  # fmt: skip
WORSE = [["--wrt"], ["-o"], ["-x"], ["--"], [""], ["x=1"], ["q=nan"], ["sin=1"], ["é=1"], ["--format", "poem"]]
VALUES = {"x": 2.0, "w1": -0.5, "b": 0.0}
WORDS = [
    *FUNCTIONS,
    *VALUES,
    *["+", "-", "*", "/", "//", "%", "**", "(", ")", ",", "(", ")", "(", ")", "1", "2.5", ".5", "1e3", "9", "0", "pi"],
    " ",
    "\t",
    "\n",
    "x",
    "x",
    "__import__",
    "('os')",
    ".__class__",
    ".",
    "lambda",
    ":",
    ":=",
    "[",
    "]",
    "{",
    "}",
    "'",
    '"',
    "f''",
    "for",
    "in",
    "if",
    "=",
    "==",
    "@",
    "~",
    "!",
    "1e",
    "1e999",
    "0x10",
    "1_0",
    "1j",
    "nan",
    "inf",
    "\0",
    "\ud800",
    "１",
    "х",
    "\u202e",
    "\\",
    ";",
    "#",
    "é",
    "not",
    "and",
    "None",
    "self",
    "eval",
    "exec",
    "**" * 3,
    "(" * 50,
    "-" * 50,
    "9**9**9**9",
]
SEEDS = [
    "tanh(w1*x + b)",
    "x**2 - 3*x + 1",
    "maximum(x, 0) * -x**-2",
    "where(greater(x, 1), x, b)",
    "((x))//3%2",
    "log(1 + exp(-x))",
    "clip(x, -1, 1) + leaky_relu(b)",
    "9**9**9**9",
    "2**-x**2",
    "sin(pi*x)/hypot(x, w1)",
]
FOREIGN = re.compile(r"(?<![0-9])[.](?![0-9])|['\"=:;@\[\]{}\\#!~]|__|lambda|import")


def mutated(text: str, rng: random.Random) -> str:
    """Return text with a few words put in, taken out, doubled or swapped for single characters."""
    for _ in range(rng.randint(1, 4)):
        i = rng.randint(0, len(text))
        j = min(len(text), i + rng.randint(0, 3))
        text = text[:i] + rng.choice([rng.choice(WORDS), "", text[i:j] * 2, chr(rng.randrange(0x250))]) + text[j:]
    return text


def made(rng: random.Random) -> str:
    """Return one input: a legal expression that was damaged, or words in any order."""
    if rng.random() < 0.7:
        return mutated(rng.choice(SEEDS), rng)
    return "".join(rng.choice(WORDS) for _ in range(rng.randint(0, 12)))


def check(text: str) -> bool:
    """Return whether the text is an expression; raise where it is neither that nor refused in the documented way."""
    try:
        root = record_expression(text, VALUES)
    except ExpressionError as error:
        if "\n" in str(error):
            raise AssertionError(f"a message of several lines for {text!a}") from error
        return False
    if not isinstance(root, Node) or type(root.data) is not float or FOREIGN.search(text):
        raise AssertionError(f"accepted {text!a}")
    return True


def explained(text: str, rng: random.Random) -> None:
    """Explain an expression in some form, perhaps along the paths from one of its names."""
    leaves = {name: Value(data, label=name) for name, data in VALUES.items()}
    told = explain(record_expression(text, leaves), wrt=rng.choice([None, *leaves.values()]))
    form = rng.choice(list(FORMATS))
    shown = FORMATS[form](told)
    if form == "json":
        json.loads(shown, parse_constant=lambda constant: int(constant))  # NaN and Infinity are no JSON: an error
    elif not shown:
        raise AssertionError(f"nothing to see as {form} of {text!a}")


def commanded(text: str, rng: random.Random) -> None:
    """Run the command on an input, with options in any order and some that are wrong."""
    task = rng.choice(list(OPTIONS))
    words = [[text], *([f"{name}={data}"] for name, data in VALUES.items() if rng.random() < 0.97)]
    words += rng.sample(OPTIONS[task], rng.randint(0, 2)) + (rng.sample(WORSE, 1) if rng.random() < 0.1 else [])
    rng.shuffle(words)
    argv = [task, *(word for group in words for word in group)]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = cli.main(argv)
        except SystemExit as exit:  # as argparse ends, for --help too
            status = exit.code
    remarks = "autograd-mini: note:", "autograd-mini: read as:"
    said = sum(not line.startswith(remarks) for line in err.getvalue().splitlines())
    if status not in (0, cli.MISTAKE) or (status == cli.MISTAKE) != bool(said) or said > 3:
        raise AssertionError(f"status {status} and {err.getvalue()!a} of {argv!a}")


def main(n: int, seed: int) -> tuple[list[str], str]:
    """Check n inputs; return how many were expressions and how long the slowest took, in words, and the slowest."""
    warnings.simplefilter("error")
    rng = random.Random(seed)
    accepted, slowest, start = 0, (0.0, ""), time.perf_counter()
    for i in range(n):
        text = made(rng)
        begin = time.perf_counter()
        right = check(text)
        slowest = max(slowest, (time.perf_counter() - begin, text))
        accepted += right
        if right and accepted % EXPLAINED == 0:
            explained(text, rng)
        if i % COMMANDED == 0:
            commanded(text, rng)
    return [
        f"{n:,} inputs in {time.perf_counter() - start:.0f} s: {accepted:,} expressions, the rest refused.",
        f"{accepted // EXPLAINED:,} explained, {-(-n // COMMANDED):,} sent through the whole command.",
        f"The slowest took {slowest[0] * 1000:.1f} ms.",
    ], slowest[1]


if __name__ == "__main__":
    from page import keep

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("n", nargs="?", type=int, default=1_000_000)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    parser.add_argument("--write", type=Path, help="a page with the marks <!-- fuzzing --> and <!-- /fuzzing -->")
    given = parser.parse_args()
    lines, worst = main(given.n, given.seed)
    print(*lines, f"It was {worst!a}.", sep="\n")
    if given.write:
        keep(given.write, "fuzzing", lines)
