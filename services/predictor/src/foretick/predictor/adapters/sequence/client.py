"""A learner of one member, a network over sequences of vectors; what ``domain.training`` asks of the ensemble's too.

Only the ``train`` role imports this.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.adapters.onnx.graph import Head
from foretick.predictor.adapters.onnx.latency import measure_latency_us
from foretick.predictor.adapters.onnx.parity import compare_answers
from foretick.predictor.adapters.sequence.graph import build_sequence_graph, read_means, write_means
from foretick.predictor.adapters.sequence.library import load_torch
from foretick.predictor.adapters.sequence.network import (
    Lesson,
    Scaler,
    SequenceSizes,
    answer,
    fit_network,
    fit_scaler,
    make_network,
    scale_rows,
    weights_of,
)
from foretick.predictor.domain.gate import Parity
from foretick.predictor.domain.learner import Ensemble, refuse_missing_class, resize
from foretick.quant.ensemble.session import GraphSession

NAME = "sequence"


@dataclass(frozen=True, slots=True, eq=False)
class FittedSequence:
    """The fitted network, its weights float64, and the scaling of its inputs."""

    torch: Any
    network: Any
    scaler: Scaler
    length: int

    @property
    def names(self) -> tuple[str, ...]:
        """The one member's name."""
        return (NAME,)

    def predict(self, features: NDArray[np.float32]) -> list[NDArray[np.float64]]:
        """Return its probabilities (n, 3), by torch, in double precision."""
        return [answer(self.torch, self.network, scale_rows(features, self.scaler))]

    def export(self, slopes: NDArray[np.float64], volatility_feature: int, temperature: float | None = None) -> bytes:
        """Return it as one graph; ``volatility_feature``: a column of the latest vector."""
        head = Head(slopes, volatility_feature, temperature)
        return build_sequence_graph(weights_of(self.network), self.scaler, self.length, head)


class SequenceLearner:
    """Fits the network with torch; its graph is run by onnxruntime, for no kernel reads it.

    length: vectors of a sequence, a power of 2; feature_count: features of a vector

    Raises:
        Refused: torch is not installed.
    """

    def __init__(self, length: int, feature_count: int, sizes: SequenceSizes | None = None) -> None:
        self._torch = load_torch()
        self._length, self._feature_count = length, feature_count
        self._sizes = sizes or SequenceSizes()

    @property
    def sizes(self) -> dict[str, float]:
        """How large the network is, by name."""
        return asdict(self._sizes)

    def resize(self, sizes: Mapping[str, float]) -> "SequenceLearner":
        """Return a learner with ``sizes``, and its own for the others.

        Raises:
            Refused: there is no size of that name.
        """
        return SequenceLearner(self._length, self._feature_count, resize(self._sizes, sizes, "sequences"))

    def fit(
        self,
        features: NDArray[np.float32],
        classes: NDArray[np.int64],
        seed: int,
        effort_frac: float = 1.0,
        weight: NDArray[np.float64] | None = None,
    ) -> FittedSequence:
        """Fit the network on ``features`` (n, length * features) with a share of its epochs; see the ensemble's.

        Raises:
            ValueError: a class does not occur.
        """
        refuse_missing_class(classes)
        rng = np.random.default_rng([seed, 5])
        scaler = fit_scaler(features, self._feature_count)
        network = make_network(self._torch, self._length, self._feature_count, self._sizes.channels, rng)
        sizes = replace(self._sizes, epochs=max(1, round(effort_frac * self._sizes.epochs)))
        fit_network(self._torch, network, Lesson(scale_rows(features, scaler), classes, weight), sizes, rng)
        return FittedSequence(self._torch, network.double(), scaler, self._length)

    def run_graph(
        self, graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the graph's probabilities (n, 3)."""
        return GraphSession(graph, weights, features.shape[1]).run(features).probabilities.astype(np.float64)

    def compare(
        self,
        graph: bytes,
        weights: NDArray[np.float64],
        features: NDArray[np.float32],
        ensemble: Ensemble,
        temperature: float | None = None,
    ) -> tuple[Parity, None]:
        """Compare the graph in onnxruntime with the network in torch, over all rows; no kernel serves it."""
        served = GraphSession(graph, weights, features.shape[1]).run(features)
        return compare_answers(served, weights, ensemble.predict(features), temperature), None

    def add_reference(self, graph: bytes, features: NDArray[np.float32]) -> bytes:
        """Return the graph with the mean of each feature over the rows that it learnt from."""
        return write_means(graph, features.reshape(-1, self._feature_count).mean(axis=0, dtype=np.float64))

    def explain(self, graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what P(up) - P(down) loses where a feature stands at its mean in the whole sequence: (n, features)."""
        session, means = GraphSession(graph, weights, features.shape[1]), read_means(graph)
        whole = _lean(session, features)
        found = np.zeros((len(features), self._feature_count))
        for place, mean in enumerate(means):
            without = features.copy()
            without[:, place :: self._feature_count] = mean
            found[:, place] = whole - _lean(session, without)
        return found

    def time_row(self, graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32]) -> float:
        """Return the time of one row in microseconds, by onnxruntime."""
        return measure_latency_us(GraphSession(graph, weights, features.shape[1]), features)


def _lean(session: GraphSession, features: NDArray[np.float32]) -> NDArray[np.float64]:
    probabilities = session.run(features).probabilities.astype(np.float64)
    return probabilities[:, 2] - probabilities[:, 0]
