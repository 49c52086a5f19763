"""An announced model brought into memory, checked, warmed up and ready to predict."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from operator import itemgetter

import numpy as np

from foretick.common.contracts import FeatureVector, ModelPublished
from foretick.common.errors import Refused
from foretick.predictor.adapters.onnx.latency import measure_latency_us
from foretick.predictor.domain.admission import ServingTerms, fault_of_sequence, faults_of_object, faults_of_terms
from foretick.predictor.domain.explaining import Attribution
from foretick.predictor.domain.gate import Finding, judge_cost
from foretick.predictor.domain.predicting import Numbers
from foretick.quant.explainer import ModelExplainer
from foretick.quant.runner import ModelRunner

Fetch = Callable[[str], Awaitable[bytes]]


class OnnxModel:
    """A model ready to serve: its announcement, its graph in a single-threaded session, and its place in a vector."""

    def __init__(self, announcement: ModelPublished, graph: bytes, columns: Sequence[int]) -> None:
        self._announcement = announcement
        self.columns = tuple(columns)
        self._take = itemgetter(*columns, columns[0])  # once more than needed, so that one input is a tuple too
        self._runner = ModelRunner(graph, announcement.member_weights, len(announcement.feature_names))
        self._explainer = ModelExplainer.open(graph, announcement.member_weights)

    @property
    def announcement(self) -> ModelPublished:
        """What was announced of it."""
        return self._announcement

    def predict(
        self, vectors: Sequence[FeatureVector], weights: Sequence[Sequence[float]] | None = None
    ) -> list[Numbers]:
        """Return the numbers for each vector, in order, by one call of the graph, or one for each change of weights.

        No value that it takes may be missing. ``weights``: of the members, for each vector; None: the announced ones.
        """
        rows = np.array([self._take(vector.values)[:-1] for vector in vectors], np.float32)
        output = self._runner.run(rows, weights)
        numbers = zip(
            output.expected_return_bps.tolist(), output.probabilities.tolist(), output.members.tolist(), strict=True
        )
        return [Numbers(*row) for row in numbers]

    def explain(self, vector: FeatureVector, weights: Sequence[float] | None = None) -> Attribution:
        """Return what each feature adds to the answer for ``vector``, of which no value that it takes may be missing.

        ``weights``: of the members; None: the announced ones.

        Raises:
            Refused: the model was made before explanations.
        """
        if self._explainer is None:
            said = f"{self._announcement.model_id} keeps nothing to explain its answers by"
            raise Refused("no_explanation", said, "train again with this version")
        told = self._explainer.run(np.array([self._take(vector.values)[:-1]], np.float32), weights)
        return Attribution(
            contributions=told.features[0].tolist(),
            baseline=float(told.baseline[0]),
            answer=float(told.answer[0]),
            probabilities=told.output.probabilities[0].tolist(),
        )

    def warm_up(self) -> None:
        """Run the graph a few times, so that the first prediction is as fast as the others.

        Raises:
            Refused: it answers with something else than probabilities, or takes too long for it.
        """
        rows = np.zeros((1, len(self._announcement.feature_names)), np.float32)
        output = self._runner.run(rows)
        latency_us = measure_latency_us(self._runner, rows)
        _refuse_cost(judge_cost(latency_us, self._announcement.size_bytes))
        if not np.allclose(output.probabilities.sum(axis=1), 1.0, atol=1e-4) or (output.probabilities < 0.0).any():
            raise Refused("not_probabilities", f"the graph answers {output.probabilities.tolist()}", "train again")


class OnnxModelLoader:
    """Loads announced models, off the event loop, after checking that they are what was announced and fit here."""

    def __init__(self, fetch: Fetch, terms: ServingTerms) -> None:
        self._fetch = fetch
        self._terms = terms

    async def load(self, announcement: ModelPublished) -> OnnxModel:
        """Fetch, check and warm up the model.

        Raises:
            Refused: the object is not what was announced, or does not fit this service.
            Transient: the store is away.
        """
        if sequence := fault_of_sequence(announcement):
            raise Refused("sequence_unsupported", sequence, "see docs/adr/0023-models-of-sequences.md")
        _refuse("unfit_model", faults_of_terms(announcement, self._terms))
        _refuse_cost(judge_cost(0.0, announcement.size_bytes))
        payload = await self._fetch(announcement.object_name)
        _refuse("wrong_object", faults_of_object(announcement, payload))
        return await asyncio.to_thread(_open, announcement, payload, self._terms.columns_of(announcement))


def _open(announcement: ModelPublished, payload: bytes, columns: Sequence[int]) -> OnnxModel:
    model = OnnxModel(announcement, payload, columns)
    model.warm_up()
    return model


def _refuse_cost(findings: list[Finding]) -> None:
    for finding in findings:
        raise Refused(finding.fault.value, finding.message, "train a smaller model")


def _refuse(code: str, faults: list[str]) -> None:
    if faults:
        raise Refused(code, "; ".join(faults), "train a model with this version and these settings")
