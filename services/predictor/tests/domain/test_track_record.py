"""Intervals, abstention and scores of a model on an instrument: by arithmetic, the papers' bound, and a successor."""

import msgspec
import numpy as np
import pytest

from foretick.common.contracts import NoInterval, Outcome, Prediction, Probabilities, Regime
from foretick.common.testing.builders import feature_vector, outcome, prediction
from foretick.predictor.domain.ledger import Ledger
from foretick.predictor.domain.outcomes import Pending
from foretick.predictor.domain.predicting import Numbers, Sender
from foretick.predictor.domain.regimes import LEAST_VOLATILITY_BPS, Places, Reading, regime_of
from foretick.predictor.domain.track_record import COVERAGE_FRAC, Terms, TrackRecord

PRIOR = (0.3, 0.45, 0.25)
TERMS = Terms(score_window=200)
READING = Reading(Regime.CALM_CHOPPY, 2.0)
NAMES = ("x", "realised_volatility_bps", "volatility_log_ratio", "efficiency_ratio")


def numbers(expected_bps=0.5, odds=(0.2, 0.5, 0.3)):
    return Numbers(expected_bps, odds, ())


def given(step, said, assessment):
    return prediction(
        step=step, expected_return_bps=said.expected_return_bps, probabilities=Probabilities(**dict(zip(
            ("down", "flat", "up"), said.probabilities, strict=True))), volatility_bps=assessment.volatility_bps,
        interval=assessment.interval, no_interval=assessment.no_interval, abstention=assessment.abstention,
        regime=assessment.regime,
    )  # fmt: skip


def play(record, returns_bps, said=None, reading=READING, first=0):
    """Predict and learn the outcome at once; return the predictions and what became of them."""
    said = said or numbers()
    story = []
    for step, return_bps in enumerate(returns_bps, start=first):
        message = given(step, said, record.assess(said, reading))
        story.append((message, record.judge(message, return_bps)))
    return story


def test_interval_is_the_expected_return_and_the_quantile_of_past_errors_in_volatilities():
    """Of 50 scores, 40 of 0 and 10 of 3 volatilities, the one of rank ceil(0.9 * 51) = 46 is a 3."""
    record = TrackRecord(PRIOR, TERMS)
    said = numbers(expected_bps=0.0)
    story = play(record, [0.0] * 40 + [6.0] * 10, said)
    assert {message.no_interval for message, _ in story} == {NoInterval.WARMING_UP}
    assert {message.interval for message, _ in story} == {None}
    assert [verdict.error_scales for _, verdict in story[-2:]] == [3.0, 3.0]
    found = record.assess(numbers(expected_bps=1.0), Reading(None, 0.5)).interval
    assert (found.low_bps, found.high_bps) == (pytest.approx(1.0 - 3.0 * 0.5), pytest.approx(1.0 + 3.0 * 0.5))
    assert found.coverage_frac == COVERAGE_FRAC


def test_return_that_repeats_what_the_width_was_taken_of_is_within():
    """0.3 / 0.7 * 0.7 need not be 0.3 in floats: rounded inward, each of these would be a miss."""
    for expected_bps in np.linspace(0.1, 3.0, 50):
        record = TrackRecord(PRIOR, TERMS)
        story = play(record, [0.0] * 60, numbers(float(expected_bps)), Reading(None, 0.7))
        assert [verdict.interval_held for _, verdict in story[50:]] == [True] * 10


def test_coverage_counts_the_intervals_and_those_that_held():
    record = TrackRecord(PRIOR, TERMS)
    story = play(record, [0.0] * 50 + [0.0, 100.0, 0.0, 0.0], numbers(expected_bps=0.0))
    assert [verdict.interval_held for _, verdict in story[50:]] == [True, False, True, True]
    assert story[49][1].coverage is None
    last = story[-1][1].coverage
    assert (last.count, last.coverage_frac, last.target_frac) == (4, 0.75, COVERAGE_FRAC)


def test_misses_in_a_row_widen_the_interval_until_it_has_no_bound():
    record = TrackRecord(PRIOR, TERMS)
    said, reach, step = numbers(expected_bps=0.0), 1.0, 50
    play(record, [0.0] * 50, said)
    while (interval := record.assess(said, READING).interval).high_bps is not None:
        reach *= 2.0
        play(record, [reach], said, first=step)
        step += 1
    assert interval.low_bps is None
    assert step - 50 <= 0.1 * (step - 50) + (0.1 + 0.005) / 0.005  # Gibbs and Candes 2021, proposition 4.1
    ((_, verdict),) = play(record, [1e6], said, first=step)
    assert verdict.interval_held


def test_unknown_volatility_gives_a_reason_and_teaches_nothing():
    record = TrackRecord(PRIOR, TERMS)
    story = play(record, [0.0] * 60, reading=Reading(None, None))
    assert {message.no_interval for message, _ in story} == {NoInterval.NO_VOLATILITY}
    assert {(verdict.error_scales, verdict.interval_held) for _, verdict in story} == {(None, None)}
    assert record.assess(numbers(), READING).no_interval is NoInterval.WARMING_UP


@pytest.mark.parametrize(
    ("terms", "confidence", "abstains"),
    [
        (Terms(10), 0.44, True),  # the prior is right as often: 0.45
        (Terms(10), 0.45, False),
        (Terms(10, abstention_cost_frac=0.4), 0.59, True),
        (Terms(10, abstention_cost_frac=0.4), 0.6, False),
        (Terms(10, abstention_cost_frac=2 / 3), 0.34, False),
    ],
)
def test_decision_is_given_where_its_expected_cost_is_no_more_than_that_of_abstaining(terms, confidence, abstains):
    """Chow 1970: deciding costs 1 - confidence on average."""
    rest = (1.0 - confidence) / 2.0
    found = TrackRecord(PRIOR, terms).assess(numbers(odds=(rest, confidence, rest)), READING).abstention
    assert (found is not None) is abstains
    if found:
        assert found.confidence_frac == confidence
        assert found.confidence_frac < found.least_frac


def test_decided_and_abstained_are_scored_apart():
    record = TrackRecord(PRIOR, TERMS)
    sure, unsure = numbers(odds=(0.1, 0.8, 0.1)), numbers(odds=(0.4, 0.3, 0.3))
    play(record, [0.0, 0.0, 5.0], sure)  # flat, flat, up: two of three right
    ((message, _),) = play(record, [-5.0], unsure, first=3)
    story = play(record, [0.0, 5.0, 5.0], unsure, first=4)
    score = story[-1][1].score
    assert message.abstention is not None
    assert message.probabilities.down == 0.4  # what it says stays visible
    assert (score.count, score.decided) == (7, 3)
    assert score.accuracy_frac == pytest.approx(3 / 7)
    assert score.decided_accuracy_frac == pytest.approx(2 / 3)
    assert score.abstained_accuracy_frac == pytest.approx(1 / 4)


def test_brier_score_is_the_squared_distance_to_what_came():
    ((_, verdict),) = play(TrackRecord(PRIOR, TERMS), [5.0], numbers(odds=(0.2, 0.5, 0.3)))
    assert verdict.brier == pytest.approx(0.2**2 + 0.5**2 + 0.7**2)
    assert verdict.confidence_frac == 0.5


def settled(ledger, steps, rng):
    """Predict and settle ``steps`` of one instrument, each an outcome as it travels on the bus."""
    told = []
    for step in steps:
        said = numbers(float(rng.normal()), tuple(rng.dirichlet([2, 2, 2]).tolist()))
        record = ledger.record_of(("sim", "BTCUSDT"), "ensemble-1", PRIOR)
        message = given(step, said, record.assess(said, Reading(Regime.ROUGH_TRENDING, float(rng.uniform(0.5, 2.0)))))
        ledger.expect(Pending(message, PRIOR))
        vector = feature_vector(step=step + 5, mid=100.0 * float(np.exp(rng.normal(0.0, 1e-4))))
        told += [msgspec.json.decode(msgspec.json.encode(one), type=Outcome) for one in ledger.settle(vector).outcomes]
    return told


def test_successor_goes_on_from_what_was_published_to_the_bit():
    rng = np.random.default_rng(7)
    first = Ledger(Sender("predictor.serve-0", 1), Terms(100))
    told = settled(first, range(0, 7_130, 10), rng)
    assert told[-501].next_miss_frac != pytest.approx(0.1)  # control: what came before the tail matters
    second = Ledger(Sender("predictor.serve-0", 1), Terms(100))
    for one in [*told[-500:], *told[-3:]]:  # the window of errors; what is told twice counts once
        second.go_on_from(one, PRIOR)
    assert told[-1].coverage.count == 100
    further = [settled(ledger, range(7_130, 7_330, 10), np.random.default_rng(8)) for ledger in (first, second)]
    for ours, theirs in zip(*further, strict=True):
        assert ours.score.log_loss == pytest.approx(theirs.score.log_loss, abs=1e-12)  # sums were begun elsewhere
        score = theirs.score
        assert msgspec.structs.replace(ours, score=score) == theirs
        assert (ours.score.count, ours.score.decided) == (score.count, score.decided)


def test_successor_without_enough_outcomes_says_that_it_warms_up():
    rng = np.random.default_rng(7)
    told = settled(Ledger(Sender("predictor.serve-0", 1), Terms(100)), range(0, 1_000, 10), rng)
    second = Ledger(Sender("predictor.serve-0", 1), Terms(100))
    for one in told[-20:]:
        second.go_on_from(one, PRIOR)
    record = second.record_of(("sim", "BTCUSDT"), "ensemble-1", PRIOR)
    assert record.assess(numbers(), READING).no_interval is NoInterval.WARMING_UP


def test_outcome_of_an_earlier_version_restores_the_score_alone():
    record = TrackRecord(PRIOR, TERMS)
    record.go_on_from(outcome(step=10))
    ((_, verdict),) = play(record, [0.0], first=11)
    assert (verdict.score.count, verdict.coverage) == (2, None)


def test_records_of_two_models_are_kept_apart_and_no_more_than_two():
    ledger = Ledger(Sender("predictor.serve-0", 1), TERMS)
    records = [ledger.record_of(("sim", "X"), name, PRIOR) for name in ("a", "b")]
    assert ledger.record_of(("sim", "X"), "a", PRIOR) is records[0]
    ledger.record_of(("sim", "X"), "c", PRIOR)
    assert ledger.record_of(("sim", "X"), "b", PRIOR) is records[1]
    assert ledger.record_of(("sim", "X"), "a", PRIOR) is not records[0]


WEIGHTS = (0.5, 0.3, 0.2)
ODDS = ((0.2, 0.6, 0.2), (0.3, 0.4, 0.3), (0.05, 0.9, 0.05))


def with_members(step, record, regime=Regime.CALM_CHOPPY):
    said = numbers(odds=(0.2, 0.6, 0.2))
    message = given(step, said, record.assess(said, Reading(regime, 1.0)))
    members = {name: Probabilities(down=d, flat=f, up=u) for name, (d, f, u) in zip("abc", ODDS, strict=True)}
    return msgspec.structs.replace(message, members=members, weights=list(record.weights_in(regime)))


def test_weights_follow_what_members_gave_to_what_came_in_its_regime_alone():
    """By hand, with two outcomes to one: w * p^(1/2), normed, of which 1/1000 goes back, half of that evenly."""
    record = TrackRecord(PRIOR, Terms(10, horizon_steps=2), WEIGHTS)
    assert tuple(record.weights_in(Regime.CALM_CHOPPY)) == WEIGHTS
    verdict = record.judge(with_members(0, record), 0.0)
    raw = [weight * odds[1] ** 0.5 for weight, odds in zip(WEIGHTS, ODDS, strict=True)]
    expected = [
        0.999 * one / sum(raw) + 0.001 * (0.5 * weight + 0.5 / 3) for one, weight in zip(raw, WEIGHTS, strict=True)
    ]
    assert record.weights_in(Regime.CALM_CHOPPY) == pytest.approx(expected)
    assert verdict.next_weights == record.weights_in(Regime.CALM_CHOPPY)
    assert tuple(record.weights_in(Regime.ROUGH_TRENDING)) == WEIGHTS
    assert tuple(record.weights_in(None)) == WEIGHTS
    assert verdict.member_log_loss == pytest.approx([-np.log(odds[1]) for odds in ODDS])
    assert verdict.regret_nats == pytest.approx(np.log(0.9 / 0.6))


def test_weights_stay_as_trained_where_they_are_not_to_follow():
    record = TrackRecord(PRIOR, Terms(10, online_weights=False), WEIGHTS)
    verdict = record.judge(with_members(0, record), 0.0)
    assert tuple(record.weights_in(Regime.CALM_CHOPPY)) == WEIGHTS
    assert verdict.next_weights == []
    assert verdict.regret_nats == pytest.approx(np.log(0.9 / 0.6))  # measured all the same


@pytest.mark.parametrize("weights", [(0.0, 0.0, 0.0), (-0.5, 1.0, 0.5)])
def test_weights_that_are_no_shares_are_left_as_they_are(weights):
    record = TrackRecord(PRIOR, TERMS, weights)
    record.judge(with_members(0, record), 0.0)
    assert tuple(record.weights_in(None)) == weights


def test_successor_goes_on_with_the_weights_of_each_regime():
    first = TrackRecord(PRIOR, TERMS, WEIGHTS)
    second = TrackRecord(PRIOR, TERMS, WEIGHTS)
    for step in range(20):
        regime = (Regime.CALM_CHOPPY, Regime.ROUGH_CHOPPY)[step % 2]
        verdict = first.judge(with_members(step, first, regime), 0.0 if step % 3 else 5.0)
        told = outcome(
            step=step, regime=regime, log_loss=verdict.log_loss, member_log_loss=verdict.member_log_loss,
            next_weights=verdict.next_weights,
        )  # fmt: skip
        second.go_on_from(msgspec.json.decode(msgspec.json.encode(told), type=Outcome))
    for regime in (*Regime, None):
        assert list(second.weights_in(regime)) == list(first.weights_in(regime))
    both = [record.judge(with_members(30, record), 0.0).regret_nats for record in (first, second)]
    assert both[0] == both[1]


@pytest.mark.parametrize(
    ("log_ratio", "efficiency", "regime"),
    [
        (0.0, 0.31, Regime.CALM_CHOPPY),
        (-0.1, 0.32, Regime.CALM_TRENDING),  # a random walk of 10 steps: 10^-1/2 = 0.316
        (0.1, 0.0, Regime.ROUGH_CHOPPY),
        (0.1, 1.0, Regime.ROUGH_TRENDING),
    ],
)
def test_regime_follows_from_volatility_and_efficiency(log_ratio, efficiency, regime):
    assert regime_of(log_ratio, efficiency) is regime


def test_vector_tells_regime_and_volatility_by_the_names_of_its_features():
    places = Places.of(NAMES)
    assert places.read([9.0, 1.5, 0.2, 0.9]) == Reading(Regime.ROUGH_TRENDING, 1.5)
    assert places.read([9.0, 0.0, None, 0.9]) == Reading(None, LEAST_VOLATILITY_BPS)
    assert places.read([9.0]) == Reading(None, None)
    assert Places.of(("x",)).read([9.0]) == Reading(None, None)


def test_old_message_decodes_without_what_it_did_not_know():
    fields = msgspec.to_builtins(prediction())
    for name in ("interval", "no_interval", "abstention", "regime", "volatility_bps"):
        del fields[name]
    assert msgspec.convert(fields, Prediction) == prediction()
