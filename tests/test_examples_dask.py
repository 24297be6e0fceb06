"""The examples on a Dask cluster, run as a reader runs them, find what a single process finds."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("distributed")

import nn

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name, *arguments, cwd):
    path = os.pathsep.join(filter(None, [str(EXAMPLES.parent), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_gradients_from_two_processes_are_those_of_one(tmp_path):
    lines = run("data_parallel", cwd=tmp_path).splitlines()
    found = [
        re.fullmatch(r"(\w+): mean loss ([\d.]+) after 20 steps, at most (\S+) from one process", x) for x in lines
    ]
    assert [match[1] for match in found] == ["network", "program"]
    assert found[0][2] == found[1][2]
    assert all(float(match[3]) <= 1e-12 for match in found)


@pytest.mark.parametrize("shares", [1, 2, 7, 403])
def test_the_sums_of_any_shares_are_the_whole(shares):
    example = runpy.run_path(str(EXAMPLES / "data_parallel.py"))
    samples, net = example["data"](), nn.MLP(2, [8, 1], "tanh", rng=1)
    gradients = []
    for way, model in ((example["by_sweep"], net.tensors()), (example["by_program"], net)):
        sums, theta = way(model), nn.optim.pack(model)
        loss, gradient = sums(samples, theta)
        parts = [sums(part, theta) for part in np.array_split(samples, shares)]
        assert sum(loss for loss, _ in parts) == pytest.approx(loss, rel=example["TOLERANCE"])
        difference = np.abs(np.sum([g for _, g in parts], axis=0) - gradient).max()
        assert difference <= example["TOLERANCE"] * np.abs(gradient).max()
        gradients.append((loss, *np.sort(gradient)))  # the two kinds of network name their parameters in another order
    assert gradients[0] == pytest.approx(gradients[1], rel=1e-10, abs=1e-10)


def test_a_descent_goes_down():
    example = runpy.run_path(str(EXAMPLES / "data_parallel.py"))
    samples, net = example["data"](), nn.MLP(2, [8, 1], "tanh", rng=0)
    sums, theta = example["by_program"](net), nn.optim.pack(net)
    losses = []
    for _ in range(20):
        loss, gradient = sums(samples, theta)
        losses.append(loss)
        theta = theta - example["LEARNING_RATE"] / len(samples) * gradient
    assert losses[-1] < 0.9 * losses[0]


@pytest.fixture
def search():
    """Return the globals of the example that searches: it runs in this process, its workers in others."""
    for module in ("sklearn", "joblib"):
        pytest.importorskip(module)
    return runpy.run_path(str(EXAMPLES / "dask_search.py"))["main"].__globals__


def test_a_search_on_two_processes_finds_what_one_finds(search, capsys):
    search["main"]([])
    best, same = capsys.readouterr().out.splitlines()
    accuracy = re.fullmatch(r"best: \{'mlpclassifier__alpha': .*\}, accuracy (\d\.\d{4})", best)
    assert accuracy, best
    assert float(accuracy[1]) > 0.95
    assert same == "the same scores as in one process: True"


def test_a_cluster_that_is_running_is_used(search, capsys):
    place = {"protocol": "tcp://", "host": "127.0.0.1"}  # else it looks for the address that the network knows it by
    settings = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None, **place}
    with search["LocalCluster"](**settings) as cluster:
        search["LocalCluster"] = pytest.fail  # no other is started
        search["main"](["--scheduler", cluster.scheduler_address])
    assert capsys.readouterr().out.endswith("True\n")
