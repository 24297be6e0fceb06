"""A grid search on a Dask cluster: scikit-learn's GridSearchCV, our estimator, and workers that are other processes.

Run it with `python examples/dask_search.py`; it needs scikit-learn and dask.distributed. A scheduler that is already
running is used with `--scheduler tcp://host:8786`; its workers need autograd-mini installed.
"""

import argparse
from typing import Any

import joblib
import numpy as np
from distributed import Client, LocalCluster
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nn import MLPClassifier

GRID = {"mlpclassifier__hidden_layer_sizes": [(4,), (16,)], "mlpclassifier__alpha": [1e-4, 1.0]}


def search() -> GridSearchCV:
    """Return the search over four settings of a perceptron behind a scaler, each trained and scored three times."""
    model = MLPClassifier(solver="lbfgs", max_iter=500, random_state=0)
    return GridSearchCV(make_pipeline(StandardScaler(), model), GRID, cv=3)


def on_cluster(address: str | None, X: np.ndarray, y: np.ndarray) -> Any:
    """Return the search, fitted by the workers of a cluster: the one at `address`, or two processes started here."""
    if address:
        with Client(address), joblib.parallel_config("dask"):
            return search().fit(X, y)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        return on_cluster(cluster.scheduler_address, X, y)


def main(arguments: list[str] | None = None) -> None:
    """Search on the cluster and in this process, and print both results, which are the same."""
    parser = argparse.ArgumentParser(description="Search for a perceptron's settings on a Dask cluster.")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a running cluster's; without it two processes start")
    X, y = load_wine(return_X_y=True)
    there = on_cluster(parser.parse_args(arguments).scheduler, X, y)
    here = search().fit(X, y)
    print(f"best: {there.best_params_}, accuracy {there.best_score_:.4f}")
    same = np.array_equal(there.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"])
    print(f"the same scores as in one process: {same}")


if __name__ == "__main__":
    main()
