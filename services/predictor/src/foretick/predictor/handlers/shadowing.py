"""What the watch hears, to the contests in shadow, the drift of features and errors, and the check of the service."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from foretick.common.contracts import FeatureVector, ModelPublished, Outcome, Prediction
from foretick.common.ownership import InstrumentKey
from foretick.predictor.domain.classes import CLASSES, classify_return, values_of
from foretick.predictor.domain.life.duel import Duel
from foretick.predictor.domain.life.error_drift import ErrorDrift
from foretick.predictor.domain.life.service_check import ServiceCheck
from foretick.predictor.domain.life.window import DriftWindow
from foretick.predictor.domain.predicting import flat_threshold_of
from foretick.predictor.domain.withholding import reason_to_withhold
from foretick.predictor.ports import ServedModel

_KEPT_VECTORS = 16
"""Of an instrument: a prediction follows its vector within some milliseconds."""

Heard = FeatureVector | Prediction | Outcome


@dataclass(frozen=True, slots=True)
class Contestant:
    """A model in shadow, its contest with the champion, and whether it served before."""

    model: ServedModel
    duel: Duel
    is_predecessor: bool


class ShadowHandler:
    """Pairs what the champion published with what models in shadow say of the same vectors. Publishes nothing.

    A vector that the champion did not predict, because a newer one was in its batch, is nobody's: models in shadow are
    asked when the champion's prediction arrives.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self.champion: ModelPublished | None = None
        self.contestants: dict[str, Contestant] = {}
        self.window: DriftWindow | None = None
        self.errors: ErrorDrift | None = None
        self.service: ServiceCheck | None = None
        self._vectors: dict[InstrumentKey, deque[FeatureVector]] = defaultdict(lambda: deque(maxlen=_KEPT_VECTORS))

    def handle(self, batch: Sequence[Heard]) -> None:
        """Take a natural batch, in the order of arrival."""
        due: list[tuple[Prediction, FeatureVector]] = []
        for message in batch:
            if message.run_id != self._run_id:
                continue
            if isinstance(message, FeatureVector):
                self._take_vector(message)
            elif isinstance(message, Prediction):
                due += self._take_prediction(message)
            else:
                self._ask(due)
                due = []
                self._take_outcome(message)
        self._ask(due)

    def _take_vector(self, vector: FeatureVector) -> None:
        self._vectors[vector.venue, vector.symbol].append(vector)
        if self.window is not None:
            self.window.add(vector)
        for contestant in self.contestants.values():
            contestant.duel.advance(vector.step)

    def _take_prediction(self, prediction: Prediction) -> list[tuple[Prediction, FeatureVector]]:
        if self.service is not None:
            self.service.take(prediction)
        if self.champion is None or prediction.model_id != self.champion.model_id or prediction.withheld:
            return []
        heard = self._vectors[prediction.venue, prediction.symbol]
        return [(prediction, vector) for vector in heard if vector.step == prediction.step][:1]

    def _take_outcome(self, outcome: Outcome) -> None:
        if self.champion is None or outcome.model_id != self.champion.model_id:
            return
        if self.errors is not None:
            self.errors.add(outcome)
        key = (outcome.venue, outcome.symbol)
        for contestant in self.contestants.values():
            flat_bps = flat_threshold_of(contestant.model.announcement, outcome.symbol)
            other = classify_return(outcome.realised_return_bps, flat_bps)
            contestant.duel.settle(key, outcome.step, CLASSES.index(outcome.realised), other)

    def _ask(self, due: list[tuple[Prediction, FeatureVector]]) -> None:
        for contestant in self.contestants.values() if due else ():
            model, duel = contestant.model, contestant.duel
            asked: dict[tuple[InstrumentKey, int], tuple[Prediction, FeatureVector]] = {}
            for prediction, vector in due:
                key = (prediction.venue, prediction.symbol)
                is_fit = reason_to_withhold(vector, model.announcement, model.columns) is None
                if is_fit and prediction.probabilities and duel.wants(key, prediction.step):
                    asked.setdefault((key, prediction.step), (prediction, vector))
            if not asked:
                continue
            numbers = model.predict([vector for _, vector in asked.values()])
            for (key, step), (prediction, _), said in zip(asked, asked.values(), numbers, strict=True):
                if prediction.probabilities and duel.wants(key, step):  # two of one block may be in one batch
                    duel.pair(key, step, values_of(prediction.probabilities), said.probabilities)
