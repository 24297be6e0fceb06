"""scikit-learn's own tests of its perceptrons, and its estimator checks, with our two classes in their place."""

import importlib.util

import numpy as np
import pytest

import nn

pytest.importorskip("sklearn", minversion="1.9")  # the version that we compare with: earlier ones differ in places
package = pytest.importorskip("sklearn.neural_network")
reference = pytest.importorskip("sklearn.neural_network._multilayer_perceptron")
checks = pytest.importorskip("sklearn.utils.estimator_checks")

MLPClassifier, MLPRegressor = nn.MLPClassifier, nn.MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore")

ESTIMATORS = [MLPClassifier(max_iter=100), MLPRegressor(max_iter=100)]


def shipped_tests():
    """Run scikit-learn's test module with the names that it imports replaced; return its tests by name."""
    patch = pytest.MonkeyPatch()
    patch.setattr(package, "MLPClassifier", MLPClassifier)
    patch.setattr(package, "MLPRegressor", MLPRegressor)
    spec = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    patch.undo()
    assert module.MLPClassifier is MLPClassifier
    return {name: test for name, test in vars(module).items() if name.startswith("test_")}


globals().update(shipped_tests())


@pytest.fixture(autouse=True)
def only_ours(monkeypatch):
    """Make scikit-learn's training raise, and seed the generator that some of its tests draw from."""

    def refuse(*args, **settings):
        raise AssertionError("scikit-learn's own training was called")

    for name in ("_fit", "_backprop", "_forward_pass", "_forward_pass_fast", "_initialize"):
        monkeypatch.setattr(reference.BaseMultilayerPerceptron, name, refuse)
    np.random.seed(42)


@pytest.fixture
def global_random_seed():
    return 42


def test_the_shipped_tests_were_found():
    assert sum(name.startswith("test_") for name in globals()) > 40


@checks.parametrize_with_checks(ESTIMATORS)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("model", ESTIMATORS, ids=repr)
def test_checks_of_parameters_and_column_names(model):
    checks.check_param_validation(type(model).__name__, model)
    checks.check_dataframe_column_names_consistency(type(model).__name__, model)


@pytest.mark.parametrize(
    "model", [MLPClassifier(solver="lbfgs"), MLPRegressor(solver="sgd", tol=1e-2, random_state=42)], ids=repr
)
def test_a_weight_of_two_is_a_sample_given_twice(model):
    checks.check_sample_weight_equivalence_on_dense_data(type(model).__name__, model)
