"""When a new model is asked for."""

from dataclasses import dataclass

from foretick.common.contracts import DecisionKind, DecisionReason, ModelDecision, ModelPublished
from foretick.common.units import NS_PER_S


@dataclass(frozen=True, slots=True)
class Schedule:
    """interval_s: age at which a model is to be replaced, 0 for never; first_wait_s: least time between two requests.

    An interval shorter than that is meant as it is said. A request that brings no model doubles the wait before the
    next one, up to ``longest_wait_s``.
    """

    interval_s: float
    first_wait_s: float = 900.0
    longest_wait_s: float = 86_400.0

    def wait_s(self, failures: int) -> float:
        """Return the least time between a request and the next after so many in a row that brought nothing.

        >>> [Schedule(3600.0).wait_s(failures) for failures in (0, 1, 2, 60)]
        [900.0, 1800.0, 3600.0, 86400.0]
        >>> [Schedule(interval_s).wait_s(0) for interval_s in (60.0, 0.0)]
        [60.0, 900.0]
        """
        shortest_s = min(self.first_wait_s, self.interval_s) if self.interval_s else self.first_wait_s
        return min(self.longest_wait_s, shortest_s * 2.0 ** min(failures, 32))


@dataclass(frozen=True, slots=True)
class Situation:
    """What speaks for a training. newest: the youngest model that fits this service, on trial or in service."""

    newest: ModelPublished | None
    feature_drift: tuple[str, ...] = ()
    is_error_drift: bool = False


def due_by_age_ns(newest: ModelPublished | None, schedule: Schedule, asked_ns: int | None, failures: int) -> int | None:
    """Return when the next training is asked for if nothing but age speaks for it, wall clock; None for never.

    newest, asked_ns: as for ``reason_to_train``; 0: without a model that fits, and none was asked for yet, at once
    """
    after_ns = 0 if asked_ns is None else asked_ns + round(schedule.wait_s(failures) * NS_PER_S)
    if newest is None:
        return after_ns
    if not schedule.interval_s:
        return None
    return max(newest.ts_trained_ns + round(schedule.interval_s * NS_PER_S), after_ns)


def failures_of(decisions: list[ModelDecision], models: list[ModelPublished]) -> int:
    """Return how many of the last requests in a row were followed by another one, or by nothing, and no model.

    A model of sequences, which cannot be served, answers none.
    """
    newest_ns = max((model.ts_trained_ns for model in models if model.sequence_length == 1), default=0)
    asked = {decision.training_asked_ns for decision in decisions if decision.training_asked_ns}
    return sum(asked_ns > newest_ns for asked_ns in asked)


def trigger_of(decisions: list[ModelDecision], models: list[ModelPublished]) -> str:
    """Return why the training that runs now was asked for; empty where nobody asked since the newest model."""
    newest_ns = max((model.ts_trained_ns for model in models if model.sequence_length == 1), default=0)
    asked = [one for one in decisions if one.kind is DecisionKind.TRAINING_ASKED and one.ts_ns > newest_ns]
    return asked[-1].reason.value if asked else ""


def reason_to_train(
    situation: Situation, schedule: Schedule, asked_ns: int | None, failures: int, now_ns: int
) -> tuple[DecisionReason, str] | None:
    """Return why a training is due, for programs and for people; None when it is not.

    asked_ns: when one was last asked for
    """
    if asked_ns is not None and now_ns - asked_ns < schedule.wait_s(failures) * NS_PER_S:
        return None
    newest = situation.newest
    if newest is None:
        return DecisionReason.NO_CHAMPION, "no model takes these features, this step and this horizon"
    age_s = (now_ns - newest.ts_trained_ns) / NS_PER_S
    if situation.feature_drift and age_s > schedule.first_wait_s:
        return DecisionReason.FEATURE_DRIFT, f"drifted: {', '.join(situation.feature_drift)}"
    if situation.is_error_drift and age_s > schedule.first_wait_s:
        return DecisionReason.ERROR_DRIFT, "the log loss has risen by more than chance"
    if schedule.interval_s and age_s >= schedule.interval_s:
        limit = f"MODEL_RETRAIN_INTERVAL is {schedule.interval_s:g} s"
        return DecisionReason.AGE, f"the newest model is {age_s:.0f} s old, {limit}"
    return None
