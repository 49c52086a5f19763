"""Takes instruments over from whoever predicted them, and leaves them to the next.

Nothing is handed over in person: what a predecessor predicted and still owed is in the streams. While they are read,
live vectors wait, so that each is predicted by one process.
"""

from collections.abc import Callable, Sequence

from foretick.common.contracts import FeatureVector, ModelDecision, ModelPublished, Outcome, Prediction
from foretick.common.ownership import InstrumentKey
from foretick.common.subjects import FEATURE_VECTORS, MODEL_DECISIONS, OUTCOME_MESSAGES, PREDICTION_MESSAGES
from foretick.predictor.domain.classes import values_of
from foretick.predictor.domain.outcomes import Pending
from foretick.predictor.handlers.serving import ModelHandler, VectorHandler
from foretick.predictor.ports import Log, Outlet, Tail, VectorFeed

READ_BACK = 4_096
"""Messages to read back of each stream: over 30 s of 10 instruments, many times the default horizon."""

READ_BACK_OUTCOMES = 8_192
"""Outcomes to read back: the whole window of 16 instruments' intervals. With fewer, they warm up again or say so."""


async def load_champion(tail: Tail, models: ModelHandler) -> None:
    """Put the model that was last decided to serve in service, or the one before it where that cannot be."""
    decisions: list[ModelDecision] = await tail.read(MODEL_DECISIONS, 1)
    for decision in decisions:
        await models.start_with(decision)


class Custodian:
    """The tenant of the instruments' leases. ``is_owner`` tells, at each batch, whether they may still be acted on."""

    def __init__(
        self, run_id: str, vectors: VectorHandler, feed: VectorFeed, tail: Tail, outlet: Outlet, log: Log
    ) -> None:
        self.is_owner: Callable[[], bool] = lambda: True
        self._run_id = run_id
        self._vectors = vectors
        self._ledger = vectors.ledger
        self._feed = feed
        self._tail = tail
        self._outlet = outlet
        self._log = log
        self._live: set[InstrumentKey] = set()
        self._waiting: dict[InstrumentKey, list[FeatureVector]] = {}

    def handle(self, batch: Sequence[FeatureVector]) -> None:
        """Take a natural batch of vectors; those of instruments that are not ours (any more) are passed over."""
        if not self.is_owner():
            return
        live: list[FeatureVector] = []
        for vector in batch:
            key = (vector.venue, vector.symbol)
            if key in self._live:
                live.append(vector)
            elif key in self._waiting:
                self._waiting[key].append(vector)
        if live:
            self._vectors.on_vectors(live)

    async def take_over(self, keys: Sequence[InstrumentKey], epoch: int) -> None:
        """Never predict a step twice, owe the outcomes that were owed, and go live."""
        self._waiting.update((key, []) for key in keys)
        await self._feed.follow(keys)
        self._ledger.sender.epoch = epoch
        owed = await self._take_over_predictions(set(keys))
        settled = await self._settle_missed(set(keys))
        self._live |= set(keys)
        waited = [vector for key in keys for vector in self._waiting.pop(key, [])]
        self.handle(waited)
        self._log.info("recovered", instruments=len(keys), owed=owed, settled=settled, waited=len(waited))

    async def hand_over(self, keys: Sequence[InstrumentKey]) -> None:
        """Stop with ``keys``; all that was predicted is on its way to the streams when this returns."""
        self._forget(keys)
        await self._feed.leave(keys)
        await self._outlet.flush()

    async def lose(self, keys: Sequence[InstrumentKey]) -> None:
        """Forget ``keys``: somebody else may predict them."""
        self._forget(keys)
        await self._feed.leave(keys)

    def _forget(self, keys: Sequence[InstrumentKey]) -> None:
        self._live -= set(keys)
        for key in keys:
            self._waiting.pop(key, None)
            self._ledger.forget(key)

    async def _take_over_predictions(self, keys: set[InstrumentKey]) -> int:
        serving = self._vectors.model.announcement if self._vectors.model else None
        settled = await self._take_over_outcomes(keys, serving)
        predictions: list[Prediction] = await self._tail.read(PREDICTION_MESSAGES, READ_BACK)
        owed = 0
        for prediction in predictions:
            key = (prediction.venue, prediction.symbol)
            if prediction.run_id != self._run_id or key not in keys:
                continue
            self._ledger.resume_after(prediction)
            is_open = prediction.step > settled.get(key, -1)
            if serving and is_open and prediction.withheld is None and prediction.model_id == serving.model_id:
                self._ledger.expect(Pending(prediction, values_of(serving.prior), serving.member_weights))
                owed += 1
        return owed

    async def _take_over_outcomes(
        self, keys: set[InstrumentKey], serving: ModelPublished | None
    ) -> dict[InstrumentKey, int]:
        """Go on from the track records of the model in service; return the last step that was settled of each key."""
        outcomes: list[Outcome] = await self._tail.read(OUTCOME_MESSAGES, READ_BACK_OUTCOMES)
        settled: dict[InstrumentKey, int] = {}
        for outcome in outcomes:
            key = (outcome.venue, outcome.symbol)
            if outcome.run_id != self._run_id or key not in keys:
                continue
            settled[key] = outcome.step
            if serving and outcome.model_id == serving.model_id:
                self._ledger.go_on_from(outcome, values_of(serving.prior), serving.member_weights)
        return settled

    async def _settle_missed(self, keys: set[InstrumentKey]) -> int:
        vectors: list[FeatureVector] = await self._tail.read(FEATURE_VECTORS, READ_BACK)
        paid = 0
        for vector in vectors:
            if vector.run_id != self._run_id or (vector.venue, vector.symbol) not in keys:
                continue
            settlement = self._ledger.settle(vector)
            for outcome in settlement.outcomes:
                self._outlet.send_outcome(outcome)
                paid += 1
            if settlement.calibration:
                self._outlet.send_calibration(settlement.calibration)
        return paid
