"""One ensemble for all instruments: scales, mirrors, folds and the member that it nests."""

from dataclasses import replace

import numpy as np
import pytest

from foretick.predictor.adapters.evaluation.inputs import read_plan
from foretick.predictor.adapters.learners.rivals import LibraryRivals
from foretick.predictor.domain.contest.names import ENSEMBLE_NAMES
from foretick.predictor.domain.contest.plan import EvaluationPlan, faults_of_plan
from foretick.predictor.domain.contest.pool import ImbalanceLearner, MirroredLearner, pool_divisions
from foretick.predictor.domain.contest.samples import build_samples
from foretick.predictor.domain.contest.tables import divide
from foretick.quant.events import EventKind

from .markets import make_market


def division_of(plan, seed, *, n=1500, later_ns=0, thousandfold=1.0):
    events = make_market(n, seed, told=3.0)
    events.recv_ns[:] += later_ns
    events.depth[:] *= thousandfold
    events.v[events.kind == EventKind.QUOTE] *= thousandfold
    samples = build_samples(f"sim M{seed}", events, 1.0, plan)
    return divide(samples, samples, 10, plan)


def uneven(seed):
    """A market whose levels are not equally far from each other."""
    events = make_market(600, seed, told=3.0)
    gaps = np.cumsum(np.random.default_rng(seed).uniform(0.0, 0.05, (2, 600, 9)), axis=2)
    events.depth[:, 1:10] -= gaps[0]
    events.depth[:, 21:30] += gaps[1]
    return events


def mirrored(events):
    """Exchange bids and asks: a price p becomes 200 - p. Prices stay within 1 % of 100, and so do units of bps."""
    v, depth = events.v.copy(), events.depth.copy()
    quotes = events.kind == EventKind.QUOTE
    v[quotes] = events.v[quotes][:, [2, 3, 0, 1]]
    v[np.ix_(quotes, [0, 2])] = 200.0 - v[np.ix_(quotes, [0, 2])]
    depth = np.roll(depth, 20, axis=1)
    prices = [*range(10), *range(20, 30)]
    depth[:, prices] = 200.0 - depth[:, prices]
    return replace(events, v=v, depth=depth)


def test_features_of_the_shipped_plan_are_as_odd_and_even_as_it_says():
    plan = read_plan(None, "foretick.predictor.adapters.evaluation", EvaluationPlan, faults_of_plan)
    events = uneven(1)
    one, other = (build_samples("m", each, 1.0, plan).features for each in (events, mirrored(events)))
    for names, sign in ((plan.odd_features, -1.0), (plan.even_features, 1.0)):
        for name in names:
            column = ENSEMBLE_NAMES.index(name)
            told, reflected = one[:, column], other[:, column]
            held = np.isfinite(told)
            assert held.sum() > 300, name
            assert np.array_equal(held, np.isfinite(reflected)), name
            unit = np.abs(told[held]).max()
            np.testing.assert_allclose(reflected[held], sign * told[held], rtol=0.02, atol=2e-3 * unit, err_msg=name)


def test_control_a_feature_called_odd_that_is_even_is_seen():
    plan = read_plan(None, "foretick.predictor.adapters.evaluation", EvaluationPlan, faults_of_plan)
    events = uneven(1)
    one, other = (build_samples("m", each, 1.0, plan).features for each in (events, mirrored(events)))
    column = ENSEMBLE_NAMES.index("volatility_over_100_bps")
    held = np.isfinite(one[:, column])
    assert np.abs(other[held, column] + one[held, column]).max() > 0.1 * np.abs(one[held, column]).max()


def test_instruments_count_alike_and_say_whose_row_it_is(plan):
    # both are divided at the same instant: 70 % of 149.9 s, and of 89.9 s that begin 42 s later
    large, small = division_of(plan, 1), division_of(plan, 2, n=900, later_ns=42 * 10**9)
    pool = pool_divisions([large, small], plan)
    whose = pool.lessons.features[:, -2:]
    assert np.array_equal(whose.sum(axis=0), [len(large.train), len(small.train)])
    assert (whose.sum(axis=1) == 1.0).all()
    weights = whose.T.astype(np.float64) @ pool.lessons.weight
    assert weights[0] == pytest.approx(weights[1])
    assert pool.lessons.weight.mean() == pytest.approx(1.0)
    assert pool.signs.tolist() == [-1.0] * 5 + [1.0] * 3


def test_features_are_in_units_of_their_own_size_in_training(plan):
    pool = pool_divisions([division_of(plan, 1), division_of(plan, 2)], plan)
    for number in range(2):
        rows = pool.lessons.features[pool.lessons.features[:, -2 + number] == 1.0]
        near = np.abs(rows[:, :6]) < 5.0  # what was not cut off
        size = np.sqrt((rows[:, :6] ** 2).mean(axis=0))
        np.testing.assert_allclose(size[near.all(axis=0)], 1.0, rtol=1e-5)
        assert abs(rows[:, 5].mean()) < 0.05  # an even one is centred


def test_scale_of_prices_and_quantities_does_not_matter(plan):
    pools = [pool_divisions([division_of(plan, 1, thousandfold=times)], plan) for times in (1.0, 1024.0)]
    np.testing.assert_allclose(pools[0].lessons.features, pools[1].lessons.features, atol=1e-4)


def test_scales_come_from_training_rows_alone(plan):
    division = division_of(plan, 1)
    other = replace(division, test=division_of(plan, 9).test)
    first, second = (pool_divisions([each], plan) for each in (division, other))
    assert first.lessons.features.tobytes() == second.lessons.features.tobytes()
    assert first.scales[0].tobytes() == second.scales[0].tobytes()
    test = [pool.features_of(each, each.test, 0) for pool, each in ((first, division), (second, other))]
    assert test[0].shape[1] == test[1].shape[1] == len(first.signs)
    assert not np.array_equal(test[0][:300], test[1][:300])


def test_no_row_is_learnt_from_of_a_time_in_which_another_instrument_is_judged(plan):
    early, late = division_of(plan, 1), division_of(plan, 2, later_ns=20 * 10**9)
    pool = pool_divisions([early, late], plan)
    begin = early.test.start_ns.min()
    assert (late.train.end_ns > begin).any()  # what would leak: it is divided 20 s later
    assert pool.lessons.end.max() < begin - plan.embargo_ms * 1_000_000
    assert (pool.lessons.features[:, -1] == 1.0).sum() < len(late.train)


def test_gap_between_recordings_is_left_out_of_the_folds_time(plan):
    together = pool_divisions([division_of(plan, 1), division_of(plan, 2)], plan).lessons
    apart = pool_divisions([division_of(plan, 1), division_of(plan, 2, later_ns=86_400 * 10**9)], plan).lessons
    half = len(together.start) // 2
    span = together.start[:half].max() - together.start.min()
    assert apart.start.max() - apart.start.min() == 2 * span + 11 * 10**9  # one gap of 10 s and the embargo
    assert np.array_equal(apart.end - apart.start, together.end - together.start)
    assert np.array_equal(np.diff(apart.start[half:]), np.diff(together.start[half:]))


def test_mirrored_market_is_told_the_mirrored(plan, learner):
    pool = pool_divisions([division_of(plan, 1), division_of(plan, 2)], plan)
    lessons = pool.lessons
    nesting = ImbalanceLearner(learner, LibraryRivals(), 0, 2)
    fitted = MirroredLearner(nesting, pool.signs).fit(lessons.features, lessons.classes, 1, weight=lessons.weight)
    told, reflected = fitted.predict(lessons.features), fitted.predict(lessons.features * pool.signs)
    assert len(told) == 6
    for one, other in zip(told, reflected, strict=True):
        np.testing.assert_allclose(one, other[:, ::-1], atol=1e-12)
        np.testing.assert_allclose(one.sum(axis=1), 1.0, atol=1e-6)
        assert one.std(axis=0).max() > 0.01


def test_nested_member_is_the_logit_of_each_instruments_queue(plan, learner):
    pool = pool_divisions([division_of(plan, 1), division_of(plan, 2)], plan)
    lessons, rivals = pool.lessons, LibraryRivals()
    fitted = ImbalanceLearner(learner, rivals, 0, 2).fit(lessons.features, lessons.classes, 1)
    told = fitted.predict(lessons.features)[-1]
    for number in range(2):
        rows = lessons.features[:, -2 + number] == 1.0
        alone = lessons.features[rows, :1].astype(np.float64)
        expected = rivals.fit_logit(alone, lessons.classes[rows], 1e-3)(alone)
        np.testing.assert_allclose(told[rows], expected, atol=1e-12)


def test_instrument_that_a_fold_does_not_know_is_told_by_the_logit_of_all(plan, learner):
    pool = pool_divisions([division_of(plan, 1), division_of(plan, 2)], plan)
    lessons, rivals = pool.lessons, LibraryRivals()
    first = np.flatnonzero(lessons.features[:, -2] == 1.0)
    fitted = ImbalanceLearner(learner, rivals, 0, 2).fit(lessons.features[first], lessons.classes[first], 1)
    other = lessons.features[lessons.features[:, -1] == 1.0]
    inputs = lessons.features[first, :1].astype(np.float64)
    expected = rivals.fit_logit(inputs, lessons.classes[first], 1e-3)(other[:, :1].astype(np.float64))
    np.testing.assert_allclose(fitted.predict(other)[-1], expected, atol=1e-12)


def test_instruments_without_the_queue_imbalance_are_no_pool(plan):
    division = division_of(plan, 1)
    with pytest.raises(ValueError, match="imbalance_1"):
        pool_divisions([replace(division, names=tuple(f"x_{name}" for name in division.names))], plan)
