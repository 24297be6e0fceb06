"""Programs travel: a pickle in a fresh process, and a copy, compute what the original does."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from program_cases import equal, random_record

import autograd_mini
from autograd_mini import BranchError, Branches, Tensor, Value, ops

ALONE = """
import pickle, sys
with open(sys.argv[1], "rb") as file:
    programs, inputs = pickle.load(file)
results = [program(*data, gradient=0.7) for program, data in zip(programs, inputs)]
with open(sys.argv[2], "wb") as file:
    pickle.dump((results, [(p.source, p.javascript if p._listing.is_scalar else "", p.names) for p in programs]), file)
"""


def programs() -> tuple[list[Any], list[Any]]:
    """Return programs of all kinds, and data to run them on: numbers, arrays, simplified, with data held."""
    found, inputs = [], []
    for seed in range(10):
        root, leaves = random_record(seed)
        program = autograd_mini.compile(root, leaves[:2])
        found += [program, program.simplified()]
        inputs += [[x.data for x in leaves[:2]]] * 2
    rng = np.random.default_rng(0)
    W, b, x = (Tensor(rng.normal(size=s), label=n) for s, n in (((4, 3), "W"), (4, "b"), ((5, 3), "x")))
    loss = ops.cross_entropy(ops.affine(x, W, b)[:, ::-1], [0, 3, 1, 1, 2]).mean()
    unreached = Value(1.0, label="unreached")
    found.append(autograd_mini.compile(loss, [unreached, W, b]))
    inputs.append([2.0, W.data, b.data])
    return found, inputs


def test_a_fresh_process_computes_the_same(tmp_path: Any) -> None:
    found, inputs = programs()
    sent, answer = tmp_path / "sent", tmp_path / "answer"
    sent.write_bytes(pickle.dumps((found, inputs)))
    subprocess.run([sys.executable, "-W", "error", "-c", ALONE, str(sent), str(answer)], check=True, timeout=120)
    results, texts = pickle.loads(answer.read_bytes())
    for program, data, result, text in zip(found, inputs, results, texts, strict=True):
        assert equal(result, program(*data, gradient=0.7))
        assert text == (program.source, program.javascript if program._listing.is_scalar else "", program.names)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(protocol: int) -> None:
    root, leaves = random_record(2)
    program = autograd_mini.compile(root, leaves)
    again = pickle.loads(pickle.dumps(program, protocol))
    assert equal(again(0.1, 0.2, 0.3), program(0.1, 0.2, 0.3))


def test_what_was_printed_is_not_printed_again() -> None:
    root, leaves = random_record(2)
    program = autograd_mini.compile(root, leaves)
    printed = program.source
    again = pickle.loads(pickle.dumps(program))
    assert vars(again)["source"] == printed


def test_a_pickle_holds_its_own_data_and_a_copy_shares_it() -> None:
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    program = autograd_mini.compile(w * x, [x])
    apart, deep, shallow = pickle.loads(pickle.dumps(program)), copy.deepcopy(program), copy.copy(program)
    w.data = 10.0
    assert program(1.0) == shallow(1.0) == (10.0, (10.0,))
    assert apart(1.0) == deep(1.0) == (3.0, (3.0,))


def test_guards_travel() -> None:
    x = Value(2.0, label="x")
    with Branches() as branches:
        y = x * x if x.exp() > 1.0 else -x
    program = pickle.loads(pickle.dumps(autograd_mini.compile(y, [x], branches=branches)))
    assert program(3.0) == (9.0, (6.0,))
    with pytest.raises(BranchError, match="was true when this was recorded"):
        program(-1.0)


def test_labels_are_kept() -> None:
    x = Value(2.0, label="x")
    z = x * 3.0
    z.label = "z"
    program = pickle.loads(pickle.dumps(autograd_mini.compile(z.sin(), [x])))
    assert "z = x * 3" in program.source
    assert "z = x * 3" in program.simplified().source


def test_a_long_chain_travels_without_recursion() -> None:
    x = Value(0.5, label="x")
    y = x
    for _ in range(5_000):
        y = y * 0.999 + x
    program = autograd_mini.compile(y, [x])
    again = copy.deepcopy(pickle.loads(pickle.dumps(program)))
    assert equal(again(0.5), program(0.5))
