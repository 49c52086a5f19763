"""The meters of ``ports.Meters`` as Prometheus metrics."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from prometheus_client import Counter

from foretick.common.contracts import Calibration, Outcome, Prediction, Regime, Reliability, Withheld
from foretick.common.runtime.metrics import Metrics
from foretick.predictor.domain.ledger import Intake

_BATCH_BUCKETS_ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


_NAN = float("nan")

_SHOWN: dict[str, tuple[str, Callable[[Outcome], float | None]]] = {
    "accuracy_frac": ("Share of right classes in the score window", lambda one: one.score.accuracy_frac),
    "prior_accuracy_frac": ("The same for the class prior", lambda one: one.score.prior_accuracy_frac),
    "log_loss_nats": ("Mean log loss in the score window, nats", lambda one: one.score.log_loss),
    "prior_log_loss_nats": ("The same for the class prior", lambda one: one.score.prior_log_loss),
    "decided_frac": (
        "Share of outcomes in the score window that the model did not abstain from",
        lambda one: one.score.decided / one.score.count,
    ),
    "decided_accuracy_frac": ("Share of right classes among these", lambda one: one.score.decided_accuracy_frac),
    "interval_coverage_frac": (
        "Share of intervals in the score window that held",
        lambda one: one.coverage and one.coverage.coverage_frac,
    ),
    "interval_coverage_gap_frac": (
        "The same minus what it should be: far below 0, intervals promise too much",
        lambda one: one.coverage and one.coverage.coverage_frac - one.coverage.target_frac,
    ),
    "regret_nats": (
        "Mean log loss in the score window minus that of the member best in it",
        lambda one: one.regret_nats,
    ),
}
"""What is shown of the latest outcome of an instrument; NaN where there is no number."""


@dataclass(slots=True)
class _Instrument:
    latest: Outcome
    outcomes: Counter
    held: Counter
    missed: Counter


class PrometheusMeters:
    """Counts what the predictor did, and shows how well.

    Label values are looked up once and kept: the lookup costs more than the count, and several are made a vector. What
    is shown of outcomes is worked out when it is asked for.
    """

    def __init__(self, metrics: Metrics) -> None:
        instrument = ("venue", "symbol")
        vectors = metrics.counter("vectors_total", "Vectors taken in, by what became of them", ("intake",))
        self._vectors = {intake: vectors.labels(intake.value) for intake in Intake}
        predictions = metrics.counter("predictions_total", "Predictions: given, or why withheld", ("verdict",))
        self._given = predictions.labels("given")
        self._withheld = {reason: predictions.labels(reason.value) for reason in Withheld}
        self._conflated = metrics.counter("conflated_total", "Vectors not predicted, a newer one was in the same batch")
        self._outcomes = metrics.counter("outcomes_total", "Outcomes joined", instrument)
        self._given_up = metrics.counter("outcomes_given_up_total", "Predictions without a fair end of their horizon")
        self._inference = metrics.histogram("inference_s", "Time of one call of the graph, s")
        self._rows = metrics.histogram("inference_rows", "Rows in one call", buckets=_BATCH_BUCKETS_ROWS)
        self._models = metrics.counter("models_total", "Models decided to serve, by what became of them", ("result",))
        self._shown = {name: metrics.gauge(name, text, instrument) for name, (text, _) in _SHOWN.items()}
        self._explained = metrics.counter("explanations_total", "Explanations asked for, by the answer", ("result",))
        self._of_instrument: dict[tuple[str, str], _Instrument] = {}
        self._intervals = metrics.counter(
            "intervals_total", "Intervals joined, by whether they held", (*instrument, "verdict")
        )
        regime = (*instrument, "regime")
        self._ece = metrics.gauge(
            "calibration_error_frac", "Mean distance of confidence and accuracy in the score window, by regime", regime
        )
        self._brier = metrics.gauge("brier", "Mean Brier score in the score window, 0 to 2, by regime", regime)
        self._calibrated = metrics.gauge("calibrated_outcomes", "Outcomes that these are taken of", regime)
        self._abstained = metrics.counter("abstained_total", "Predictions that were not sure enough to decide on")

    def took(self, intake: Intake) -> None:
        """Count a vector by what became of it."""
        self._vectors[intake].inc()

    def conflated(self) -> None:
        """Count a vector that a newer one of its instrument replaced."""
        self._conflated.inc()

    def inferring(self, rows: int) -> AbstractContextManager[object]:
        """Time a call of the graph with that many rows."""
        self._rows.observe(rows)
        return self._inference.time()

    def predicted(self, prediction: Prediction) -> None:
        """Count a prediction."""
        (self._withheld[prediction.withheld] if prediction.withheld else self._given).inc()
        if prediction.abstention is not None:
            self._abstained.inc()

    def settled(self, outcome: Outcome) -> None:
        """Count an outcome and show the running score."""
        key = (outcome.venue, outcome.symbol)
        found = self._of_instrument.get(key)
        if found is None:
            found = self._of_instrument[key] = self._label(key, outcome)
        found.latest = outcome
        found.outcomes.inc()
        if outcome.interval_held is not None:
            (found.held if outcome.interval_held else found.missed).inc()

    def calibrated(self, calibration: Calibration) -> None:
        """Show how far predictions meant what they said, over all regimes and in each."""
        instrument = (calibration.venue, calibration.symbol)
        parts: dict[str, Reliability | None] = dict.fromkeys(("unknown", *Regime))
        parts["all"] = calibration.total
        parts |= {part.regime or "unknown": part for part in calibration.regimes}
        for name, part in parts.items():
            self._calibrated.labels(*instrument, name).set(part.count if part else 0)
            if part and part.ece_frac is not None and part.brier is not None:
                self._ece.labels(*instrument, name).set(part.ece_frac)
                self._brier.labels(*instrument, name).set(part.brier)

    def gave_up(self, count: int) -> None:
        """Count predictions that will have no outcome."""
        self._given_up.inc(count)

    def explained(self, result: str) -> None:
        """Count a request for an explanation: ``given``, or the code of the refusal."""
        self._explained.labels(result).inc()

    def model(self, result: str) -> None:
        """Count a model that was decided to serve: ``served`` or ``refused``."""
        self._models.labels(result).inc()

    def _label(self, key: tuple[str, str], first: Outcome) -> _Instrument:
        found = _Instrument(
            latest=first,
            outcomes=self._outcomes.labels(*key),
            held=self._intervals.labels(*key, "held"),
            missed=self._intervals.labels(*key, "missed"),
        )
        for name, (_, read) in _SHOWN.items():
            self._shown[name].labels(*key).set_function(partial(_show, found, read))
        return found


def _show(instrument: _Instrument, read: Callable[[Outcome], float | None]) -> float:
    value = read(instrument.latest)
    return _NAN if value is None else value
