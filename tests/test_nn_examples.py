"""The two regression examples reach scikit-learn's coefficients within the tolerance that they state."""

import pathlib
import runpy

import numpy as np
import pytest

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize("name", ["linear_regression", "logistic_regression"])
def test_a_neuron_reaches_scikit_learns_coefficients(name, capsys):
    pytest.importorskip("sklearn")
    example = runpy.run_path(str(EXAMPLES / f"{name}.py"))
    ours, theirs = example["main"]()
    assert len(ours) == 5
    assert np.abs(ours - theirs).max() <= example["TOLERANCE"] * np.abs(theirs).max()
    assert example["TOLERANCE"] <= 1e-6
    assert "largest difference" in capsys.readouterr().out
