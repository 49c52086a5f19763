"""Taking up where a predecessor stopped: its model, its last steps, and the outcomes it still owed."""

from dataclasses import dataclass

from foretick.common.contracts import FeatureVector, ModelPublished, Outcome, Prediction
from foretick.common.ownership import Shard
from foretick.common.subjects import FEATURE_VECTORS, MODEL_ANNOUNCEMENTS, OUTCOME_MESSAGES, PREDICTION_MESSAGES
from foretick.predictor.domain.classes import values_of
from foretick.predictor.domain.ledger import Ledger
from foretick.predictor.domain.outcomes import Pending
from foretick.predictor.handlers.serving import ModelHandler, VectorHandler
from foretick.predictor.ports import Log, Outlet, Tail

KEPT_ANNOUNCEMENTS = 16
READ_BACK = 4_096
"""Messages to read back of each stream: over 30 s of 10 instruments, many times the default horizon."""


@dataclass(frozen=True, slots=True)
class Share:
    """Which messages of the streams are this process's to take up: of its run, of the instruments of its shard."""

    run_id: str
    shard: Shard

    def has(self, message: FeatureVector | Prediction) -> bool:
        """Return whether ``message`` belongs to it."""
        return message.run_id == self.run_id and self.shard.owns(message.venue, message.symbol)


class RecoveryHandler:
    """Reads the streams once, before the first live vector."""

    def __init__(self, tail: Tail, ledger: Ledger, outlet: Outlet, log: Log, share: Share) -> None:
        self._tail = tail
        self._ledger = ledger
        self._outlet = outlet
        self._log = log
        self._share = share

    async def recover(self, models: ModelHandler, vectors: VectorHandler) -> None:
        """Load the newest model that can be served, then settle what the predecessor left open."""
        announcements: list[ModelPublished] = await self._tail.read(MODEL_ANNOUNCEMENTS, KEPT_ANNOUNCEMENTS)
        for announcement in reversed(announcements):
            await models.on_model(announcement)
            if vectors.model is not None:
                break
        serving = vectors.model.announcement if vectors.model else None
        owed = await self._take_over_predictions(serving)
        paid = await self._settle_missed()
        self._log.info("recovered", model_id=serving.model_id if serving else None, owed=owed, settled=paid)

    async def _take_over_predictions(self, serving: ModelPublished | None) -> int:
        """Never predict a step twice; wait again for outcomes that were not published."""
        outcomes: list[Outcome] = await self._tail.read(OUTCOME_MESSAGES, READ_BACK)
        settled = {(one.venue, one.symbol): one.step for one in outcomes if one.run_id == self._share.run_id}
        predictions: list[Prediction] = await self._tail.read(PREDICTION_MESSAGES, READ_BACK)
        owed = 0
        for prediction in predictions:
            if not self._share.has(prediction):
                continue
            self._ledger.resume_after(prediction)
            is_open = prediction.step > settled.get((prediction.venue, prediction.symbol), -1)
            if serving and is_open and prediction.withheld is None and prediction.model_id == serving.model_id:
                self._ledger.expect(Pending(prediction, values_of(serving.prior)))
                owed += 1
        return owed

    async def _settle_missed(self) -> int:
        vectors: list[FeatureVector] = await self._tail.read(FEATURE_VECTORS, READ_BACK)
        paid = 0
        for vector in vectors:
            if not self._share.has(vector):
                continue
            for outcome in self._ledger.settle(vector).outcomes:
                self._outlet.send_outcome(outcome)
                paid += 1
        return paid
