"""What the predictor remembers of each instrument: how far it is, what it waits for, and how well it did."""

from dataclasses import dataclass
from enum import StrEnum

from foretick.common.contracts import FeatureVector, Outcome, Prediction
from foretick.common.sequence import DerivedAudit, SequenceTally
from foretick.predictor.domain.classes import CLASSES, classify_return, most_probable, values_of
from foretick.predictor.domain.outcomes import Pending, PendingOutcomes, Realised
from foretick.predictor.domain.predicting import Sender
from foretick.predictor.domain.score import RunningScore


class Intake(StrEnum):
    """What becomes of an arriving vector."""

    FRESH = "fresh"
    REPEATED = "repeated"
    FENCED = "fenced"


@dataclass(frozen=True, slots=True)
class Settlement:
    """Outcomes that a vector brought, and how many predictions it left without one."""

    outcomes: list[Outcome]
    given_up: int


class _Entry:
    __slots__ = ("audit", "model_id", "pending", "score", "step")

    def __init__(self) -> None:
        self.audit = DerivedAudit()
        self.step = -1
        self.pending = PendingOutcomes()
        self.model_id = ""
        self.score = RunningScore((1.0, 0.0, 0.0), 1)


class Ledger:
    """The instruments' entries. Cost and memory per instrument are constant: O(horizon) pending, a bounded score.

    score_window: outcomes over which the running score is taken
    audits: counts the vectors that were lost, came again or are fenced off
    """

    def __init__(self, sender: Sender, score_window: int, audits: SequenceTally | None = None) -> None:
        self.audits = audits or SequenceTally()
        self.sender = sender
        self._score_window = score_window
        self._entries: dict[tuple[str, str], _Entry] = {}

    def resume_after(self, prediction: Prediction) -> None:
        """Treat ``prediction``, made before this process started, as the last one: its step is not predicted again."""
        self._entry(prediction).step = prediction.step

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
        return Settlement([self._score(entry, one) for one in realised], given_up)

    def _entry(self, message: FeatureVector | Prediction) -> _Entry:
        key = (message.venue, message.symbol)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry()
        return entry

    def _score(self, entry: _Entry, realised: Realised) -> Outcome:
        prediction, vector = realised.pending.prediction, realised.vector
        if prediction.probabilities is None or prediction.flat_bps is None or prediction.model_id is None:
            raise ValueError("a withheld prediction has no outcome")
        if prediction.model_id != entry.model_id:
            entry.model_id = prediction.model_id
            entry.score = RunningScore(realised.pending.prior, self._score_window)
        probabilities = values_of(prediction.probabilities)
        came = classify_return(realised.return_bps, prediction.flat_bps)
        loss, prior_loss = entry.score.add(probabilities, came)
        return Outcome(
            **self.sender.header_of(vector),
            asof_seq=prediction.asof_seq,
            step=prediction.step,
            model_id=prediction.model_id,
            horizon_steps=prediction.horizon_steps,
            realised_step=vector.step,
            realised_seq=vector.asof_seq,
            realised_return_bps=realised.return_bps,
            predicted=CLASSES[most_probable(probabilities)],
            realised=CLASSES[came],
            log_loss=loss,
            prior_log_loss=prior_loss,
            score=entry.score.read(),
        )
