"""The five members, fitted by their own libraries and exported as one graph.

Only the ``train`` role imports this: the libraries weigh hundreds of megabytes.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any

import lightgbm
import numpy as np
import xgboost
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from foretick.predictor.adapters.onnx.graph import Head, NetworkMember, TreeMember, build_graph, linear_member
from foretick.predictor.adapters.onnx.latency import measure_latency_us
from foretick.predictor.adapters.onnx.parity import compare_with_members
from foretick.predictor.adapters.onnx.trees import trees_of_forest, trees_of_lightgbm, trees_of_xgboost
from foretick.predictor.domain.gate import Parity
from foretick.predictor.domain.learner import Ensemble, refuse_missing_class, resize
from foretick.quant.explainer import ModelExplainer, add_reference
from foretick.quant.runner import ModelRunner

NAMES = ("random_forest", "lightgbm", "xgboost", "neural_network", "linear")
CLASSES = 3
_LINEAR_ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the members are. Boosters grow a tree a class in each round, so 67 rounds are 201 trees.

    min_leaf_rows: no leaf of a tree stands for fewer rows: the signal is weak, a smaller leaf would only learn noise
    linear_penalty: weight of the squared coefficients of scaled features against the summed log loss
    histogram_bins: values of a feature that the boosters tell apart; more of them took 1.5 times as long and lost
        no less on an unseen market
    """

    forest_trees: int = 100
    forest_depth: int = 8
    forest_rows_frac: float = 0.15
    boosting_rounds: int = 67
    learning_rate: float = 0.06
    lightgbm_leaves: int = 31
    xgboost_depth: int = 6
    min_leaf_rows: int = 200
    hidden_units: int = 32
    network_epochs: int = 8
    network_batch_rows: int = 512
    linear_penalty: float = 1.0
    histogram_bins: int = 63

    def scale(self, effort_frac: float) -> "Sizes":
        """Return the same members with that share of the trees, rounds and epochs, at least one of each.

        >>> Sizes().scale(0.25).boosting_rounds
        17
        """
        return replace(
            self,
            forest_trees=max(1, round(effort_frac * self.forest_trees)),
            boosting_rounds=max(1, round(effort_frac * self.boosting_rounds)),
            network_epochs=max(1, round(effort_frac * self.network_epochs)),
        )


def sizes_of(given: Mapping[str, float], usual: Sizes | None = None) -> Sizes:
    """Return the ``usual`` sizes (None: the defaults) with those ``given`` by name.

    Raises:
        Refused: there is no size of that name.
    """
    return resize(usual or Sizes(), given, "members")


@dataclass(frozen=True, slots=True, eq=False)
class FittedEnsemble:
    """The members in the order of ``NAMES``."""

    forest: Any
    lightgbm: Any
    xgboost: Any
    scaler: Any
    network: Any
    linear: Any

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names, in order."""
        return NAMES

    def predict(self, features: NDArray[np.float32]) -> list[NDArray[np.float64]]:
        """Return each member's probabilities (n, 3), by its own library."""
        answers = [
            self.forest.predict_proba(features),
            self.lightgbm.predict(features, num_threads=1),
            self.xgboost.predict(xgboost.DMatrix(features, nthread=1)),
            self.network.predict_proba(self.scaler.transform(features)),
            self.linear.predict_proba(self.scaler.transform(features)),
        ]
        return [np.asarray(answer, np.float64) for answer in answers]

    def export(self, slopes: NDArray[np.float64], volatility_feature: int, temperature: float | None = None) -> bytes:
        """Return all members as one graph, their blend calibrated by ``temperature``."""
        network = self.network
        members = (
            TreeMember(NAMES[0], trees_of_forest(self.forest), softmax=False),
            TreeMember(NAMES[1], trees_of_lightgbm(self.lightgbm), softmax=True),
            TreeMember(NAMES[2], trees_of_xgboost(self.xgboost), softmax=True),
            NetworkMember(
                NAMES[3], self.scaler.mean_, self.scaler.scale_, network.coefs_[0], network.intercepts_[0],
                network.coefs_[1], network.intercepts_[1],
            ),
            linear_member(NAMES[4], self.scaler.mean_, self.scaler.scale_, self.linear.coef_, self.linear.intercept_),
        )  # fmt: skip
        return build_graph(members, Head(slopes, volatility_feature, temperature), len(self.scaler.mean_))


class LibraryLearner:
    """Fits the ensemble with scikit-learn, LightGBM and XGBoost.

    threads: members are fitted side by side in so many threads, each member in one. Several threads within a member
        wait for each other at every level of every tree: beside another busy process that made fitting ten times
        slower; so did those that the linear algebra of the network starts of itself. Equal seeds give equal models
        whatever the number
    """

    def __init__(self, threads: int, sizes: Sizes | None = None) -> None:
        self._threads = threads
        self._sizes = sizes or Sizes()

    @property
    def sizes(self) -> dict[str, float]:
        """How large the members are, by name."""
        return asdict(self._sizes)

    def resize(self, sizes: Mapping[str, float]) -> "LibraryLearner":
        """Return a learner of members with ``sizes``, and its own for the others.

        Raises:
            Refused: there is no size of that name.
        """
        return LibraryLearner(self._threads, sizes_of(sizes, self._sizes))

    def fit(
        self,
        features: NDArray[np.float32],
        classes: NDArray[np.int64],
        seed: int,
        effort_frac: float = 1.0,
        weight: NDArray[np.float64] | None = None,
    ) -> FittedEnsemble:
        """Fit every member on ``features`` (n, features) and their classes, with a share of its trees and rounds.

        ``weight`` (n) says how much each row counts, 1 on average; all alike if None. The network takes no weights: it
        draws rows as often as they weigh.

        Raises:
            ValueError: a class does not occur.
        """
        refuse_missing_class(classes)
        sizes = self._sizes.scale(effort_frac)
        scaler = StandardScaler().fit(features)
        scaled = np.asarray(scaler.transform(features))
        rows, scaled_rows = _Rows(features, classes, weight, seed), _Rows(scaled, classes, weight, seed)
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(self._threads) as pool:  # the longest first
            forest = pool.submit(_fit_forest, sizes, rows)
            lightgbm_ = pool.submit(_fit_lightgbm, sizes, rows)
            xgboost_ = pool.submit(_fit_xgboost, sizes, rows)
            network = pool.submit(_fit_network, sizes, scaled_rows)
            linear = pool.submit(_fit_linear, sizes, scaled_rows)
            trees = (forest.result(), lightgbm_.result(), xgboost_.result())
            return FittedEnsemble(*trees, scaler, network.result(), linear.result())

    def run_graph(
        self, graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the graph's probabilities (n, 3), as they are served: by the kernel."""
        return ModelRunner(graph, weights, features.shape[1]).run(features).probabilities.astype(np.float64)

    def compare(
        self,
        graph: bytes,
        weights: NDArray[np.float64],
        features: NDArray[np.float32],
        ensemble: Ensemble,
        temperature: float | None = None,
    ) -> tuple[Parity, Parity]:
        """Compare the served graph with its members and its temperature, and the kernel with the graph."""
        with ThreadPoolExecutor(self._threads) as pool:
            parts = list(pool.map(ensemble.predict, np.array_split(features, self._threads)))
        native = [np.concatenate(member) for member in zip(*parts, strict=True)]
        return compare_with_members(graph, weights, features, native, temperature)

    def add_reference(self, graph: bytes, features: NDArray[np.float32]) -> bytes:
        """Return the graph with what its answers are explained by: ``features`` (n, features) that it learnt from."""
        return add_reference(graph, features)

    def explain(self, graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what each feature adds to P(up) - P(down) of each row, shape (n, features)."""
        return ModelExplainer(graph, weights).run(features).features

    def time_row(self, graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32]) -> float:
        """Return the time of one row in microseconds, as it is served."""
        return measure_latency_us(ModelRunner(graph, weights, features.shape[1]), features)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    features: NDArray[np.floating]
    classes: NDArray[np.int64]
    weight: NDArray[np.float64] | None
    seed: int


def _fit_forest(sizes: Sizes, rows: _Rows) -> Any:
    return RandomForestClassifier(
        n_estimators=sizes.forest_trees,
        max_depth=sizes.forest_depth,
        min_samples_leaf=max(1, round(sizes.min_leaf_rows * sizes.forest_rows_frac)),
        max_samples=sizes.forest_rows_frac,
        n_jobs=1,
        random_state=rows.seed,
    ).fit(rows.features, rows.classes, sample_weight=rows.weight)


def _fit_lightgbm(sizes: Sizes, rows: _Rows) -> Any:
    settings = {
        "objective": "multiclass",
        "num_class": CLASSES,
        "num_leaves": sizes.lightgbm_leaves,
        "learning_rate": sizes.learning_rate,
        "min_data_in_leaf": sizes.min_leaf_rows,
        "max_bin": sizes.histogram_bins,
        "num_threads": 1,
        "seed": rows.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    return lightgbm.train(
        settings, lightgbm.Dataset(rows.features, rows.classes, weight=rows.weight), sizes.boosting_rounds
    )


def _fit_xgboost(sizes: Sizes, rows: _Rows) -> Any:
    settings = {
        "objective": "multi:softprob",
        "num_class": CLASSES,
        "max_depth": sizes.xgboost_depth,
        "eta": sizes.learning_rate,
        "min_child_weight": sizes.min_leaf_rows / 5,  # a row weighs p (1 - p), about 0.2 of a row
        "tree_method": "hist",
        "max_bin": sizes.histogram_bins + 1,  # it counts the missing value
        "nthread": 1,
        "seed": rows.seed,
        "verbosity": 0,
    }
    matrix = xgboost.DMatrix(rows.features, rows.classes, weight=rows.weight, nthread=1)
    return xgboost.train(settings, matrix, sizes.boosting_rounds)


def _fit_network(sizes: Sizes, rows: _Rows) -> Any:
    scaled, classes, count = rows.features, rows.classes, len(rows.classes)
    network = MLPClassifier(
        hidden_layer_sizes=(sizes.hidden_units,),
        alpha=1e-3,
        batch_size=min(sizes.network_batch_rows, count),  # type: ignore[arg-type]  # its stub knows "auto" only
        learning_rate_init=2e-3,
        random_state=rows.seed,
    )
    rng = np.random.default_rng(rows.seed)
    share = None if rows.weight is None else rows.weight / rows.weight.sum()
    for _ in range(sizes.network_epochs):
        order = rng.permutation(count) if share is None else rng.choice(count, count, p=share)
        network.partial_fit(scaled[order], classes[order], classes=np.arange(CLASSES))
    return network


def _fit_linear(sizes: Sizes, rows: _Rows) -> Any:
    linear = LogisticRegression(C=1.0 / sizes.linear_penalty, max_iter=_LINEAR_ROUNDS)
    return linear.fit(rows.features, rows.classes, sample_weight=rows.weight)
