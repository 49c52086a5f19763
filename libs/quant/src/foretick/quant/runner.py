"""The model runner: an ONNX graph in, arrays out, tens of times a second at the price of some microseconds.

ONNX is the contract, the compiled kernel executes it, onnxruntime judges the kernel before it may (ADR 0008). Rows with
a missing value are the caller's to leave out.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foretick.quant.ensemble.compiled import OUT_HEAD, predict_rows, work_words
from foretick.quant.ensemble.graph import EnsembleGraph, read_graph
from foretick.quant.ensemble.judge import compare, probe_rows, refuse_difference
from foretick.quant.ensemble.layout import lay_out
from foretick.quant.ensemble.output import CLASSES, ModelOutput, ModelRefused
from foretick.quant.ensemble.session import GraphSession

__all__ = ["ModelOutput", "ModelRefused", "ModelRunner"]

_PROBES = 1_024


class ModelRunner:
    """Runs one ensemble graph with the weights that it was made with, or with those of each row.

    The graph is checked, read, laid out, and compared with itself in onnxruntime on seeded probe rows, thresholds hit
    exactly among them; that session is then let go. Not for two threads at once: a runner has one scratch.

    Raises:
        ModelRefused: the graph does not load, does not take ``feature_count`` features and these weights, is of a
            shape that the kernel does not know, or the kernel and onnxruntime disagree on it.
    """

    def __init__(self, graph: bytes, weights: ArrayLike, feature_count: int, max_rows: int = 64) -> None:
        session = GraphSession(graph, weights, feature_count)
        parts = read_graph(graph)
        self._model = lay_out(parts).pack()
        self._weights = np.ascontiguousarray(weights, np.float32).astype(np.float64)
        self._members = len(self._weights)
        self._work = np.zeros(work_words(self._model), np.int64)
        self._rows = np.zeros((max_rows, feature_count), np.float32)
        self._judge(session, parts)

    def run(self, rows: NDArray[np.floating], weights: ArrayLike | None = None) -> ModelOutput:
        """Predict ``rows``, shape (n, features), without missing values.

        weights: of each row, shape (n, members), rounded to what the graph takes; None: those that it was made with

        Raises:
            ValueError: ``rows`` has another number of features, or ``weights`` another shape.
        """
        n, members = len(rows), self._members
        if n > len(self._rows):
            self._rows = np.zeros((2 * n, self._rows.shape[1]), np.float32)
        buffer = self._rows[:n]
        buffer[:] = rows
        out = np.empty((n, OUT_HEAD + CLASSES * members), np.float32)
        if weights is None:
            predict_rows(self._model, self._weights, self._work, buffer, out)
        else:
            self._predict_each(buffer, weights, out)
        return ModelOutput(out[:, :CLASSES], out[:, CLASSES], out[:, OUT_HEAD:].reshape(n, members, CLASSES))

    def _predict_each(self, rows: NDArray[np.float32], weights: ArrayLike, out: NDArray[np.float32]) -> None:
        """Predict each run of rows that have the same weights by one call."""
        of_rows = np.ascontiguousarray(weights, np.float32).astype(np.float64)
        if of_rows.shape != (len(rows), self._members):
            raise ValueError(f"weights of shape {of_rows.shape} for {len(rows)} rows and {self._members} members")
        if not len(rows):
            return
        cuts = np.flatnonzero((of_rows[1:] != of_rows[:-1]).any(axis=1)) + 1
        for first, end in pairwise((0, *cuts.tolist(), len(rows))):
            predict_rows(self._model, of_rows[first], self._work, rows[first:end], out[first:end])

    def _judge(self, session: GraphSession, parts: EnsembleGraph) -> None:
        rows = probe_rows(parts, _PROBES)
        refuse_difference(compare(self.run(rows), session.run(rows)))
