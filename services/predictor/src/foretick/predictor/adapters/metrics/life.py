"""The meters of ``ports.LifeMeters`` as Prometheus metrics."""

from foretick.common.contracts import DecisionKind, DecisionReason, ModelDecision, ModelLife
from foretick.common.runtime.metrics import Metrics


class PrometheusLifeMeters:
    """Counts decisions and shows how champion and challengers are."""

    def __init__(self, metrics: Metrics) -> None:
        self._decisions = metrics.counter("model_decisions_total", "Decisions over models", ("decision", "reason"))
        for kind in DecisionKind:  # what an alert is set on exists before it first happens
            self._decisions.labels(kind.value, DecisionReason.OPERATOR.value)
        self._age = metrics.gauge("model_age_s", "Age of the model in service, s")
        self._contests = metrics.gauge("model_contests", "Models in shadow")
        self._drifted = metrics.gauge("model_drifted_features", "Features that have drifted, of those furthest off")
        self._rows = metrics.gauge("model_drift_rows", "Vectors in the drift window; 0: nothing is compared")
        self._error_drift = metrics.gauge("model_error_drift", "1 while the log loss has risen by more than chance")
        self._failed = metrics.gauge(
            "model_failed_trainings", "Trainings in a row that were asked for and brought none"
        )
        self._faults = metrics.gauge("model_faults", "What keeps a model from being judged or served")

    def decided(self, decision: ModelDecision) -> None:
        """Count a decision."""
        self._decisions.labels(decision.kind.value, decision.reason.value).inc()

    def lives(self, life: ModelLife) -> None:
        """Show the present state."""
        self._age.set(life.champion_age_s or 0.0)
        self._contests.set(len(life.contests))
        self._drifted.set(sum(one.is_alarm for one in life.drift))
        self._rows.set(life.drift_rows)
        self._error_drift.set(life.is_error_drift)
        self._failed.set(life.failed_trainings)
        self._faults.set(len(life.faults))
