"""What the predictor remembers of each instrument: how far it is, what it waits for, and how well it did."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from foretick.common.contracts import Calibration, FeatureVector, Outcome, Prediction
from foretick.common.sequence import DerivedAudit, SequenceTally
from foretick.predictor.domain.classes import CLASSES
from foretick.predictor.domain.outcomes import Pending, PendingOutcomes, Realised
from foretick.predictor.domain.predicting import Sender
from foretick.predictor.domain.track_record import COVERAGE_FRAC, Prior, Terms, TrackRecord

KEPT_RECORDS = 2
"""Models of an instrument that are remembered: the one in service, and the one before, whose outcomes still come."""


class Intake(StrEnum):
    """What becomes of an arriving vector."""

    FRESH = "fresh"
    REPEATED = "repeated"
    FENCED = "fenced"


@dataclass(frozen=True, slots=True)
class Settlement:
    """Outcomes that a vector brought, how many predictions it left without one, and what is due on calibration."""

    outcomes: list[Outcome]
    given_up: int
    calibration: Calibration | None = None


class _Entry:
    __slots__ = ("audit", "pending", "records", "step")

    def __init__(self) -> None:
        self.audit = DerivedAudit()
        self.step = -1
        self.pending = PendingOutcomes()
        self.records: dict[str, TrackRecord] = {}


class Ledger:
    """The instruments' entries. Cost and memory per instrument are constant: O(horizon) pending, bounded records.

    terms: what the models' track records are kept by
    audits: counts the vectors that were lost, came again or are fenced off
    """

    def __init__(self, sender: Sender, terms: Terms, audits: SequenceTally | None = None) -> None:
        self.audits = audits or SequenceTally()
        self.sender = sender
        self._terms = terms
        self._entries: dict[tuple[str, str], _Entry] = {}

    def resume_after(self, prediction: Prediction) -> None:
        """Treat ``prediction``, made before this process started, as the last one: its step is not predicted again."""
        self._entry(prediction).step = prediction.step

    def record_of(
        self, key: tuple[str, str], model_id: str, prior: Prior, weights: Sequence[float] = ()
    ) -> TrackRecord:
        """Return the track record of a model on instrument (venue, symbol), a new one for a model not seen there."""
        records = self._entry_of(key).records
        record = records.get(model_id)
        if record is None:
            record = records[model_id] = TrackRecord(prior, self._terms, weights)
            if len(records) > KEPT_RECORDS:
                del records[next(iter(records))]
        return record

    def go_on_from(self, outcome: Outcome, prior: Prior, weights: Sequence[float] = ()) -> None:
        """Take an outcome that a predecessor has published into the record of its model; the oldest comes first."""
        self.record_of((outcome.venue, outcome.symbol), outcome.model_id, prior, weights).go_on_from(outcome)

    def take_in(self, vector: FeatureVector) -> Intake:
        """Judge an arriving vector: a lower epoch than seen is fenced off, a step that was taken before a repeat."""
        entry = self._entry(vector)
        admission = entry.audit.admit(vector.epoch, vector.asof_seq, vector.prev_asof_seq)
        self.audits.count("features", admission)
        if admission.refused:
            return Intake.FENCED
        if vector.step <= entry.step:
            return Intake.REPEATED
        entry.step = vector.step
        return Intake.FRESH

    def forget(self, key: tuple[str, str]) -> None:
        """Remember nothing of instrument (venue, symbol)."""
        self._entries.pop(key, None)

    def expect(self, pending: Pending) -> None:
        """Wait for the outcome of a prediction that was given."""
        self._entry(pending.prediction).pending.add(pending)

    def settle(self, vector: FeatureVector) -> Settlement:
        """Join ``vector`` with the predictions whose horizon it ends."""
        entry = self._entry(vector)
        realised, given_up = entry.pending.observe(vector)
        outcomes = [self._score(one) for one in realised]
        return Settlement(outcomes, given_up, self._calibration(entry, vector, outcomes[-1]) if outcomes else None)

    def _entry(self, message: FeatureVector | Prediction) -> _Entry:
        return self._entry_of((message.venue, message.symbol))

    def _entry_of(self, key: tuple[str, str]) -> _Entry:
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry()
        return entry

    def _score(self, realised: Realised) -> Outcome:
        prediction, vector = realised.pending.prediction, realised.vector
        if prediction.model_id is None:
            raise ValueError("a prediction without a model has no outcome")
        key = (prediction.venue, prediction.symbol)
        pending = realised.pending
        record = self.record_of(key, prediction.model_id, pending.prior, pending.weights)
        verdict = record.judge(prediction, realised.return_bps)
        return Outcome(
            **self.sender.header_of(vector),
            asof_seq=prediction.asof_seq,
            step=prediction.step,
            model_id=prediction.model_id,
            horizon_steps=prediction.horizon_steps,
            realised_step=vector.step,
            realised_seq=vector.asof_seq,
            realised_return_bps=realised.return_bps,
            predicted=CLASSES[verdict.predicted],
            realised=CLASSES[verdict.came],
            log_loss=verdict.log_loss,
            prior_log_loss=verdict.prior_log_loss,
            score=verdict.score,
            regime=prediction.regime,
            abstained=prediction.abstention is not None,
            brier=verdict.brier,
            confidence_frac=verdict.confidence_frac,
            error_scales=verdict.error_scales,
            interval_held=verdict.interval_held,
            next_miss_frac=verdict.next_miss_frac,
            coverage=verdict.coverage,
            member_log_loss=verdict.member_log_loss,
            next_weights=verdict.next_weights,
            regret_nats=verdict.regret_nats,
        )

    def _calibration(self, entry: _Entry, vector: FeatureVector, latest: Outcome) -> Calibration | None:
        found = entry.records[latest.model_id].take_reliability()
        if not found:
            return None
        return Calibration(
            **self.sender.header_of(vector),
            asof_seq=latest.asof_seq,
            step=latest.step,
            model_id=latest.model_id,
            target_frac=COVERAGE_FRAC,
            total=found[0],
            regimes=found[1:],
        )
