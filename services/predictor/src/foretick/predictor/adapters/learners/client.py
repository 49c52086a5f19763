"""The four members, fitted by their own libraries and exported as one graph.

Only the ``train`` role imports this: the libraries weigh hundreds of megabytes.
"""

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import xgboost
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from foretick.predictor.adapters.onnx.graph import NetworkMember, ReturnHead, TreeMember, build_graph
from foretick.predictor.adapters.onnx.parity import compare_with_members, run_in_calls
from foretick.predictor.adapters.onnx.trees import trees_of_forest, trees_of_lightgbm, trees_of_xgboost
from foretick.predictor.domain.publication import Parity
from foretick.predictor.domain.training import Ensemble
from foretick.quant.runner import ModelRunner

NAMES = ("random_forest", "lightgbm", "xgboost", "neural_network")
CLASSES = 3


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the members are. Boosters grow a tree a class in each round, so 67 rounds are 201 trees.

    min_leaf_rows: no leaf of a tree stands for fewer rows: the signal is weak, a smaller leaf would only learn noise
    """

    forest_trees: int = 100
    forest_depth: int = 8
    forest_rows_frac: float = 0.25
    boosting_rounds: int = 67
    learning_rate: float = 0.06
    lightgbm_leaves: int = 31
    xgboost_depth: int = 6
    min_leaf_rows: int = 200
    hidden_units: int = 32
    network_epochs: int = 8
    network_batch_rows: int = 512


@dataclass(frozen=True, slots=True, eq=False)
class FittedEnsemble:
    """The four members in the order of ``NAMES``."""

    forest: Any
    lightgbm: Any
    xgboost: Any
    scaler: Any
    network: Any

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names, in order."""
        return NAMES

    def predict(self, features: NDArray[np.float32]) -> list[NDArray[np.float64]]:
        """Return each member's probabilities (n, 3), by its own library."""
        answers = [
            self.forest.predict_proba(features),
            self.lightgbm.predict(features),
            self.xgboost.predict(xgboost.DMatrix(features)),
            self.network.predict_proba(self.scaler.transform(features)),
        ]
        return [np.asarray(answer, np.float64) for answer in answers]

    def export(self, slopes: NDArray[np.float64], volatility_feature: int) -> bytes:
        """Return all members as one graph."""
        network = self.network
        members = (
            TreeMember(NAMES[0], trees_of_forest(self.forest), softmax=False),
            TreeMember(NAMES[1], trees_of_lightgbm(self.lightgbm), softmax=True),
            TreeMember(NAMES[2], trees_of_xgboost(self.xgboost), softmax=True),
            NetworkMember(
                NAMES[3], self.scaler.mean_, self.scaler.scale_, network.coefs_[0], network.intercepts_[0],
                network.coefs_[1], network.intercepts_[1],
            ),
        )  # fmt: skip
        return build_graph(members, ReturnHead(slopes, volatility_feature), len(self.scaler.mean_))


class LibraryLearner:
    """Fits the ensemble with scikit-learn, LightGBM and XGBoost.

    threads: for fitting only; equal seeds give equal models whatever it is
    """

    def __init__(self, threads: int, sizes: Sizes | None = None) -> None:
        self._threads = threads
        self._sizes = sizes or Sizes()

    def fit(self, features: NDArray[np.float32], classes: NDArray[np.int64], seed: int) -> FittedEnsemble:
        """Fit every member on ``features`` (n, features) and their classes.

        Raises:
            ValueError: a class does not occur.
        """
        if len(np.unique(classes)) != CLASSES:
            raise ValueError(f"all {CLASSES} classes must occur in training, not only {np.unique(classes).tolist()}")
        scaler = StandardScaler().fit(features)
        return FittedEnsemble(
            forest=self._fit_forest(features, classes, seed),
            lightgbm=self._fit_lightgbm(features, classes, seed),
            xgboost=self._fit_xgboost(features, classes, seed),
            scaler=scaler,
            network=self._fit_network(np.asarray(scaler.transform(features)), classes, seed),
        )

    def run_graph(
        self, graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the graph's probabilities (n, 3)."""
        return run_in_calls(ModelRunner(graph, weights, features.shape[1]), features)[0].astype(np.float64)

    def compare(
        self, graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32], ensemble: Ensemble
    ) -> Parity:
        """Compare the graph with the members it was made from."""
        return compare_with_members(graph, weights, features, ensemble.predict(features))

    def _fit_forest(self, features: NDArray[np.float32], classes: NDArray[np.int64], seed: int) -> Any:
        sizes = self._sizes
        return RandomForestClassifier(
            n_estimators=sizes.forest_trees,
            max_depth=sizes.forest_depth,
            min_samples_leaf=max(1, round(sizes.min_leaf_rows * sizes.forest_rows_frac)),
            max_samples=sizes.forest_rows_frac,
            n_jobs=self._threads,
            random_state=seed,
        ).fit(features, classes)

    def _fit_lightgbm(self, features: NDArray[np.float32], classes: NDArray[np.int64], seed: int) -> Any:
        sizes = self._sizes
        settings = {
            "objective": "multiclass",
            "num_class": CLASSES,
            "num_leaves": sizes.lightgbm_leaves,
            "learning_rate": sizes.learning_rate,
            "min_data_in_leaf": sizes.min_leaf_rows,
            "num_threads": self._threads,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
        return lightgbm.train(settings, lightgbm.Dataset(features, classes), sizes.boosting_rounds)

    def _fit_xgboost(self, features: NDArray[np.float32], classes: NDArray[np.int64], seed: int) -> Any:
        sizes = self._sizes
        settings = {
            "objective": "multi:softprob",
            "num_class": CLASSES,
            "max_depth": sizes.xgboost_depth,
            "eta": sizes.learning_rate,
            "min_child_weight": sizes.min_leaf_rows / 5,  # a row weighs p (1 - p), about 0.2 of a row
            "tree_method": "hist",
            "nthread": self._threads,
            "seed": seed,
            "verbosity": 0,
        }
        return xgboost.train(settings, xgboost.DMatrix(features, classes), sizes.boosting_rounds)

    def _fit_network(self, scaled: NDArray[np.floating], classes: NDArray[np.int64], seed: int) -> Any:
        sizes = self._sizes
        network = MLPClassifier(
            hidden_layer_sizes=(sizes.hidden_units,),
            alpha=1e-3,
            batch_size=min(sizes.network_batch_rows, len(scaled)),  # type: ignore[arg-type]  # its stub knows "auto" only
            learning_rate_init=2e-3,
            random_state=seed,
        )
        rng = np.random.default_rng(seed)
        for _ in range(sizes.network_epochs):
            order = rng.permutation(len(scaled))
            network.partial_fit(scaled[order], classes[order], classes=np.arange(CLASSES))
        return network
