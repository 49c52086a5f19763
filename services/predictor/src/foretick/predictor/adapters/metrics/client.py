"""The meters of ``ports.Meters`` as Prometheus metrics."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from prometheus_client import Counter, Gauge

from foretick.common.contracts import Outcome, Prediction, Withheld
from foretick.common.runtime.metrics import Metrics
from foretick.predictor.domain.ledger import Intake

_BATCH_BUCKETS_ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True, slots=True)
class _Instrument:
    outcomes: Counter
    accuracy: Gauge
    prior_accuracy: Gauge
    log_loss: Gauge
    prior_log_loss: Gauge


class PrometheusMeters:
    """Counts what the predictor did, and shows how well.

    Label values are looked up once and kept: the lookup costs more than the count, and several are made a vector.
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
        self._models = metrics.counter("models_total", "Models announced, by what became of them", ("result",))
        self._explained = metrics.counter("explanations_total", "Explanations asked for, by the answer", ("result",))
        self._accuracy = metrics.gauge("accuracy_frac", "Share of right classes in the score window", instrument)
        self._prior_accuracy = metrics.gauge("prior_accuracy_frac", "The same for the class prior", instrument)
        self._of_instrument: dict[tuple[str, str], _Instrument] = {}
        self._log_loss = metrics.gauge("log_loss_nats", "Mean log loss in the score window, nats", instrument)
        self._prior_log_loss = metrics.gauge("prior_log_loss_nats", "The same for the class prior", instrument)

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

    def settled(self, outcome: Outcome) -> None:
        """Count an outcome and show the running score."""
        key, score = (outcome.venue, outcome.symbol), outcome.score
        found = self._of_instrument.get(key)
        if found is None:
            found = self._of_instrument[key] = self._label(key)
        found.outcomes.inc()
        found.accuracy.set(score.accuracy_frac)
        found.prior_accuracy.set(score.prior_accuracy_frac)
        found.log_loss.set(score.log_loss)
        found.prior_log_loss.set(score.prior_log_loss)

    def gave_up(self, count: int) -> None:
        """Count predictions that will have no outcome."""
        self._given_up.inc(count)

    def explained(self, result: str) -> None:
        """Count a request for an explanation: ``given``, or the code of the refusal."""
        self._explained.labels(result).inc()

    def model(self, result: str) -> None:
        """Count an announced model: ``served``, ``refused`` or ``superseded``."""
        self._models.labels(result).inc()

    def _label(self, key: tuple[str, str]) -> _Instrument:
        return _Instrument(
            outcomes=self._outcomes.labels(*key),
            accuracy=self._accuracy.labels(*key),
            prior_accuracy=self._prior_accuracy.labels(*key),
            log_loss=self._log_loss.labels(*key),
            prior_log_loss=self._prior_log_loss.labels(*key),
        )
