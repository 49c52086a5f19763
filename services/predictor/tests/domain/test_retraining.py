"""When a training is asked for."""

from foretick.common.contracts import DecisionKind, DecisionReason
from foretick.common.model_life import Verdict, follow
from foretick.common.testing.builders import model_published
from foretick.common.units import NS_PER_S
from foretick.predictor.domain.life.retraining import (
    Schedule,
    Situation,
    due_by_age_ns,
    failures_of,
    reason_to_train,
    trigger_of,
)

HOUR = 3_600 * NS_PER_S
SCHEDULE = Schedule(3_600.0)
YOUNG = model_published(ts_trained_ns=10 * HOUR)


def reason(situation, now_ns, asked_ns=None, failures=0, schedule=SCHEDULE):
    due = reason_to_train(situation, schedule, asked_ns, failures, now_ns)
    return due and due[0]


def test_age_alone_is_a_reason_at_the_interval():
    assert reason(Situation(YOUNG), 11 * HOUR - 1) is None
    assert reason(Situation(YOUNG), 11 * HOUR) is DecisionReason.AGE


def test_interval_of_zero_is_never():
    assert reason(Situation(YOUNG), 10_000 * HOUR, schedule=Schedule(0.0)) is None


def test_drift_is_a_reason_once_the_model_is_not_new():
    for drifted, why in (
        (Situation(YOUNG, ("spread_bps",)), DecisionReason.FEATURE_DRIFT),
        (Situation(YOUNG, (), is_error_drift=True), DecisionReason.ERROR_DRIFT),
    ):
        assert reason(drifted, 10 * HOUR + 900 * NS_PER_S) is None
        assert reason(drifted, 10 * HOUR + 901 * NS_PER_S) is why


def test_nothing_that_fits_is_a_reason():
    assert reason(Situation(None), 1) is DecisionReason.NO_CHAMPION


def test_requests_keep_their_distance_and_failures_double_it():
    asked = 20 * HOUR
    for failures, wait_s in ((0, 900), (1, 1_800), (2, 3_600)):
        at = asked + wait_s * NS_PER_S
        assert reason(Situation(YOUNG), at - 1, asked, failures) is None
        assert reason(Situation(YOUNG), at, asked, failures) is DecisionReason.AGE


def test_interval_shorter_than_that_distance_is_meant_as_it_is_said():
    asked, schedule = 20 * HOUR, Schedule(60.0)
    for failures, wait_s in ((0, 60), (1, 120)):
        at = asked + wait_s * NS_PER_S
        assert reason(Situation(YOUNG), at - 1, asked, failures, schedule) is None
        assert reason(Situation(YOUNG), at, asked, failures, schedule) is DecisionReason.AGE


def test_due_by_age_is_the_first_instant_at_which_one_is_asked_for():
    for newest, asked, failures in (
        (YOUNG, None, 0), (YOUNG, 10 * HOUR, 0), (YOUNG, 20 * HOUR, 0), (YOUNG, 20 * HOUR, 2), (None, 20 * HOUR, 1),
    ):  # fmt: skip
        due_ns = due_by_age_ns(newest, SCHEDULE, asked, failures)
        assert due_ns is not None
        assert reason(Situation(newest), due_ns - 1, asked, failures) is None
        assert reason(Situation(newest), due_ns, asked, failures) is not None
    assert due_by_age_ns(None, SCHEDULE, None, 0) == 0
    assert due_by_age_ns(YOUNG, Schedule(0.0), 20 * HOUR, 0) is None


def test_trigger_is_the_reason_of_the_request_that_no_model_has_answered():
    decisions = [follow(None, Verdict(DecisionKind.TRAINING_ASKED, DecisionReason.ERROR_DRIFT, "", "test"), 20)]
    assert trigger_of(decisions, [model_published(ts_trained_ns=10)]) == "error_drift"
    assert trigger_of(decisions, [model_published(ts_trained_ns=30)]) == ""


def test_failures_are_the_requests_since_the_last_model():
    asked, decisions = Verdict(DecisionKind.TRAINING_ASKED, DecisionReason.AGE, "", "test"), []
    for now_ns in (5, 15, 25):
        decisions.append(follow(decisions[-1] if decisions else None, asked, now_ns))
    assert failures_of(decisions, [model_published(ts_trained_ns=10)]) == 2
    assert failures_of(decisions, [model_published(ts_trained_ns=30)]) == 0
    assert failures_of([], []) == 0
