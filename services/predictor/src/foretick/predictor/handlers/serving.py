"""Feature vectors to predictions and outcomes; decisions to a new model."""

from collections.abc import Sequence
from dataclasses import dataclass

from foretick.common.clock import Clock
from foretick.common.contracts import FeatureVector, ModelDecision, ModelPublished
from foretick.common.errors import Refused
from foretick.predictor.domain.classes import values_of
from foretick.predictor.domain.ledger import Intake, Ledger, Settlement
from foretick.predictor.domain.outcomes import Pending
from foretick.predictor.domain.predicting import Forecast, compose_prediction
from foretick.predictor.domain.regimes import Places
from foretick.predictor.domain.standing import standings_of
from foretick.predictor.domain.withholding import reason_to_withhold
from foretick.predictor.ports import Log, Meters, ModelLoader, Outlet, ServedModel


@dataclass(frozen=True, slots=True)
class Latest:
    """A vector that was predicted or withheld, and the weights of the members if they were."""

    vector: FeatureVector
    weights: Sequence[float] | None = None


class VectorHandler:
    """Predicts the latest vector of each instrument of a batch, and settles outcomes with every vector.

    ``model`` may be replaced between two batches; a batch is predicted by one model throughout. ``places``: where a
    vector tells regime and volatility. ``latest``: what is behind each instrument's latest prediction.
    """

    def __init__(
        self,
        ledger: Ledger,
        outlet: Outlet,
        meters: Meters,
        horizon_steps: int,
        clock: Clock,
        places: Places,
    ) -> None:
        self.model: ServedModel | None = None
        self.latest: dict[tuple[str, str], Latest] = {}
        self.ledger = ledger
        self._outlet = outlet
        self._meters = meters
        self._horizon_steps = horizon_steps
        self._clock = clock
        self._places = places

    def on_vectors(self, batch: Sequence[FeatureVector]) -> None:
        """Take a natural batch. Inference has no state, so it may skip to the latest; outcomes may not be skipped."""
        taken_ns = self._clock.now_ns()
        latest: dict[tuple[str, str], FeatureVector] = {}
        settlements: list[Settlement] = []
        for vector in batch:
            key = (vector.venue, vector.symbol)
            intake = self.ledger.take_in(vector)
            self._meters.took(intake)
            if intake is not Intake.FRESH:
                continue
            settlements.append(self.ledger.settle(vector))
            if latest.pop(key, None) is not None:
                self._meters.conflated()
            latest[key] = vector
        try:
            self._predict(list(latest.values()), taken_ns)
        finally:  # a prediction is waited for, outcomes are not
            for settlement in settlements:
                self._tell(settlement)

    def _tell(self, settlement: Settlement) -> None:
        for outcome in settlement.outcomes:
            self._outlet.send_outcome(outcome)
            self._meters.settled(outcome)
        if settlement.calibration:
            self._outlet.send_calibration(settlement.calibration)
            self._meters.calibrated(settlement.calibration)
        self._meters.gave_up(settlement.given_up)

    def _predict(self, vectors: list[FeatureVector], taken_ns: int) -> None:
        model = self.model
        announced = model.announcement if model else None
        columns = model.columns if model else ()
        reasons = [reason_to_withhold(vector, announced, columns) for vector in vectors]
        due = [vector for vector, reason in zip(vectors, reasons, strict=True) if reason is None]
        forecasts = iter(self._forecast(model, due) if model and due else ())
        for vector, reason in zip(vectors, reasons, strict=True):
            verdict = reason or next(forecasts)
            prediction = compose_prediction(
                vector, announced, self.ledger.sender, verdict, self._horizon_steps, taken_ns
            )
            self._outlet.send_prediction(prediction)
            if reason is not None:
                self.latest[vector.venue, vector.symbol] = Latest(vector)
            self._meters.predicted(prediction)
            if announced and reason is None:
                self.ledger.expect(Pending(prediction, values_of(announced.prior), announced.member_weights))

    def _forecast(self, model: ServedModel, due: Sequence[FeatureVector]) -> list[Forecast]:
        standings = standings_of(self.ledger, model.announcement, self._places, due)
        weights = [one.weights for one in standings]
        with self._meters.inferring(len(due)):
            numbers = model.predict(due, weights)
        self.latest |= {(one.venue, one.symbol): Latest(one, used) for one, used in zip(due, weights, strict=True)}
        return [one.forecast(said) for one, said in zip(standings, numbers, strict=True)]


class ModelHandler:
    """Swaps the champion in once it is loaded and checked; the old one serves on until then, or if it is refused."""

    def __init__(self, vectors: VectorHandler, loader: ModelLoader, meters: Meters, log: Log) -> None:
        self._vectors = vectors
        self._loader = loader
        self._meters = meters
        self._log = log
        self._decided_ns = 0

    async def on_decision(self, decision: ModelDecision) -> None:
        """Take a decision. One that leaves the champion as it is, or comes after a later one, changes nothing.

        Raises:
            Transient: the store is away; the decision should come again.
        """
        serving = self._vectors.model.announcement.model_id if self._vectors.model else None
        champion = decision.champion
        if decision.ts_ns < self._decided_ns or champion is None or champion.model_id == serving:
            return
        if await self._swap_in(champion, serving):
            self._decided_ns = decision.ts_ns

    async def start_with(self, decision: ModelDecision) -> None:
        """Serve the champion of ``decision``; where it cannot be served, the one before it, the last good one.

        Raises:
            Transient: the store is away.
        """
        await self.on_decision(decision)
        if self._vectors.model is None and decision.predecessor is not None:
            await self._swap_in(decision.predecessor, None)

    async def _swap_in(self, announcement: ModelPublished, serving: str | None) -> bool:
        try:
            model = await self._loader.load(announcement)
        except Refused as refusal:
            self._meters.model("refused")
            self._log.warning(
                "model refused", model_id=announcement.model_id, code=refusal.code, reason=refusal.message,
                hint=refusal.hint, still_serving=serving,
            )  # fmt: skip
            return False
        self._vectors.model = model
        self._meters.model("served")
        self._log.info(
            "model in service", model_id=announcement.model_id, replaced=serving,
            trained_on=announcement.trained_on.value, rows=announcement.rows,
        )  # fmt: skip
        return True
