"""The explainer: what each feature adds to a prediction, by the model that made it.

An explanation is of ``P(up) - P(down)``, calibrated as it is published. Its contributions add up to the answer
less the baseline, the answer where every member says what it says on average over the rows trained on. See
``ensemble.contributions`` for the method, and docs/models for what it does not promise.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foretick.quant.ensemble import contributions, steps
from foretick.quant.ensemble.compiled import OUT_HEAD, work_words
from foretick.quant.ensemble.contributions import CONTRIBUTION_TAIL, explain_rows
from foretick.quant.ensemble.expectations import ground_of, measure_reference
from foretick.quant.ensemble.graph import read_graph
from foretick.quant.ensemble.judge import probe_rows
from foretick.quant.ensemble.layout import lay_out
from foretick.quant.ensemble.output import CLASSES, ModelOutput, ModelRefused
from foretick.quant.ensemble.reference import read_reference, write_reference

__all__ = ["Contributions", "ModelExplainer", "add_reference", "warm"]

MAX_REMAINDER = 1e-9
"""Between the contributions' sum and what they explain."""

_PROBES = 256


class _NoReference(ModelRefused):
    """A graph from before explanations."""


class Contributions(NamedTuple):
    """Of n rows: ``features`` (n, features), ``baseline`` (n), ``answer`` (n), all of P(up) - P(down); the output."""

    features: NDArray[np.float64]
    baseline: NDArray[np.float64]
    answer: NDArray[np.float64]
    output: ModelOutput


class ModelExplainer:
    """Explains what one ensemble graph answers.

    Not for two threads at once: an explainer has one scratch.

    Raises:
        ModelRefused: the graph is not read, keeps no reference (one from before explanations), or the contributions of
            the probe rows do not add up.
    """

    def __init__(self, graph: bytes, weights: ArrayLike) -> None:
        parts = read_graph(graph)
        reference = read_reference(graph, parts)
        if reference is None:
            raise _NoReference("the graph keeps no reference to explain by")
        layout = lay_out(parts)
        self._model = layout.pack()
        self._ground = ground_of(parts, layout, reference).pack()
        self._weights = np.ascontiguousarray(weights, np.float32).astype(np.float64)
        self._work = np.zeros(work_words(self._model), np.int64)
        refuse_remainder(self.run(probe_rows(parts, _PROBES)))

    @classmethod
    def open(cls, graph: bytes, weights: ArrayLike) -> "ModelExplainer | None":
        """Return the explainer of ``graph``; None where it keeps no reference.

        Raises:
            ModelRefused: as for the class, but for that.
        """
        try:
            return cls(graph, weights)
        except _NoReference:
            return None

    def run(self, rows: NDArray[np.floating], weights: ArrayLike | None = None) -> Contributions:
        """Predict and explain ``rows``, shape (n, features), without missing values.

        weights: of the members, in place of those that the model came with
        """
        features = np.ascontiguousarray(rows, np.float32)
        count, width = features.shape
        shares = self._weights if weights is None else np.ascontiguousarray(weights, np.float32).astype(np.float64)
        out = np.empty((count, OUT_HEAD + CLASSES * len(shares)), np.float32)
        told = np.empty((count, width + CONTRIBUTION_TAIL))
        explain_rows(self._model, self._ground, shares, self._work, features, out, told)
        members = out[:, OUT_HEAD:].reshape(count, len(shares), CLASSES)
        output = ModelOutput(out[:, :CLASSES], out[:, CLASSES], members)
        return Contributions(told[:, :width], told[:, width], told[:, width + 1], output)


def refuse_remainder(told: Contributions) -> None:
    """Refuse contributions that do not add up to what they explain.

    Raises:
        ModelRefused: they do not, or one is no number.
    """
    remainder = np.abs(told.features.sum(axis=1) + told.baseline - told.answer).max(initial=0.0)
    if not remainder <= MAX_REMAINDER:
        raise ModelRefused(f"contributions leave {remainder:.2g} of an answer unexplained")


def warm() -> None:
    """Compile what explains, or load it from numba's cache."""
    steps.warm()
    contributions.warm()


def add_reference(graph: bytes, features: NDArray[np.float32]) -> bytes:
    """Return ``graph`` with the reference that explains it: ``features`` (n, features) are the rows trained on.

    Raises:
        ValueError: there is no row.
    """
    parts = read_graph(graph)
    return write_reference(graph, measure_reference(parts, lay_out(parts), features))
