"""What the watch hears, to the contests in shadow, the drift of features and errors, and the check of the service."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from foretick.common.contracts import FeatureVector, ModelPublished, Outcome, Prediction
from foretick.common.ownership import InstrumentKey
from foretick.predictor.domain.classes import CLASSES, classify_return, values_of
from foretick.predictor.domain.ledger import Ledger
from foretick.predictor.domain.life.duel import Duel
from foretick.predictor.domain.life.error_drift import ErrorDrift
from foretick.predictor.domain.life.service_check import ServiceCheck
from foretick.predictor.domain.life.window import DriftWindow
from foretick.predictor.domain.outcomes import Pending
from foretick.predictor.domain.predicting import compose_prediction, flat_threshold_of
from foretick.predictor.domain.regimes import Places
from foretick.predictor.domain.standing import standings_of
from foretick.predictor.domain.withholding import reason_to_withhold
from foretick.predictor.ports import ServedModel

_KEPT_VECTORS = 16
"""Of an instrument: a prediction follows its vector within some milliseconds."""

Heard = FeatureVector | Prediction | Outcome


@dataclass(frozen=True, slots=True)
class Contestant:
    """A model in shadow, its contest with the champion, and whether it served before.

    ledger: its track records, kept as those of the model in service, so that its weights follow in the same way
    settled: up to which step of each instrument
    """

    model: ServedModel
    duel: Duel
    is_predecessor: bool
    ledger: Ledger
    settled: dict[InstrumentKey, int] = field(default_factory=dict[InstrumentKey, int])


class ShadowHandler:
    """Pairs what the champion published with what models in shadow say of the same vectors. Publishes nothing.

    A vector that the champion did not predict, because a newer one was in its batch, is nobody's: models in shadow are
    asked when the champion's prediction arrives. ``places``: where a vector tells regime and volatility.
    """

    def __init__(self, run_id: str, places: Places) -> None:
        self._run_id = run_id
        self._places = places
        self.champion: ModelPublished | None = None
        self.contestants: dict[str, Contestant] = {}
        self.window: DriftWindow | None = None
        self.errors: ErrorDrift | None = None
        self.service: ServiceCheck | None = None
        self._vectors: dict[InstrumentKey, deque[FeatureVector]] = defaultdict(lambda: deque(maxlen=_KEPT_VECTORS))

    def handle(self, batch: Sequence[Heard]) -> None:
        """Take a natural batch, in the order of arrival."""
        due: dict[InstrumentKey, Prediction] = {}
        for message in batch:
            if message.run_id != self._run_id:
                continue
            if isinstance(message, FeatureVector):
                self._take_vector(message)
            elif isinstance(message, Prediction):
                if (message.venue, message.symbol) in due:  # in turn: the outcome of one may weigh the next
                    self._ask(due)
                    due = {}
                due[message.venue, message.symbol] = message
                if self.service is not None:
                    self.service.take(message)
            else:
                self._ask(due)
                due = {}
                self._take_outcome(message)
        self._ask(due)

    def _take_vector(self, vector: FeatureVector) -> None:
        self._vectors[vector.venue, vector.symbol].append(vector)
        if self.window is not None:
            self.window.add(vector)
        for contestant in self.contestants.values():
            contestant.duel.advance(vector.step)

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

    def _ask(self, due: Mapping[InstrumentKey, Prediction]) -> None:
        for contestant in self.contestants.values() if due else ():
            announced, columns = contestant.model.announcement, contestant.model.columns
            asked: list[tuple[Prediction, FeatureVector]] = []
            for prediction in due.values():
                vector = self._catch_up(contestant, prediction)
                is_paired = self.champion is not None and prediction.model_id == self.champion.model_id
                if vector is None or not is_paired or prediction.withheld:
                    continue
                if reason_to_withhold(vector, announced, columns) is None:
                    asked.append((prediction, vector))
            if asked:
                self._predict(contestant, asked)

    def _catch_up(self, contestant: Contestant, prediction: Prediction) -> FeatureVector | None:
        """Settle what the model owes, up to the vector of ``prediction``, and return it; later ones are its future."""
        key, found = (prediction.venue, prediction.symbol), None
        settled = contestant.settled.get(key, -1)
        for vector in self._vectors[key]:
            if settled < vector.step <= prediction.step:
                contestant.ledger.settle(vector)
                contestant.settled[key] = vector.step
            if vector.step == prediction.step:
                found = vector
        return found

    def _predict(self, contestant: Contestant, asked: Sequence[tuple[Prediction, FeatureVector]]) -> None:
        model, duel, ledger = contestant.model, contestant.duel, contestant.ledger
        announced, vectors = model.announcement, [vector for _, vector in asked]
        standings = standings_of(ledger, announced, self._places, vectors)
        numbers = model.predict(vectors, [one.weights for one in standings])
        prior = values_of(announced.prior)
        for (prediction, vector), standing, said in zip(asked, standings, numbers, strict=True):
            forecast, steps = standing.forecast(said), announced.horizon_steps
            own = compose_prediction(vector, announced, ledger.sender, forecast, steps, vector.ts_sent_ns)
            ledger.expect(Pending(own, prior, announced.member_weights))
            key = (prediction.venue, prediction.symbol)
            if prediction.probabilities and duel.wants(key, prediction.step):
                duel.pair(key, prediction.step, values_of(prediction.probabilities), said.probabilities)
