"""A contest on markets where it is known what there is to find."""

import numpy as np
import pytest
from msgspec.structs import replace

from foretick.common.errors import Refused
from foretick.predictor.adapters.learners.rivals import LibraryRivals
from foretick.predictor.domain.contest.entrants import ENSEMBLE, RIVALS
from foretick.predictor.domain.contest.names import IMBALANCE
from foretick.predictor.domain.contest.plan import faults_of_plan
from foretick.predictor.domain.contest.run import run_contest
from foretick.predictor.domain.contest.samples import build_samples
from foretick.predictor.domain.contest.tables import divide
from foretick.quant.validation.leaks import check_duplicates
from foretick.quant.validation.splits import Split

from .markets import EVENT_NS, START_NS, make_market


def quiet(stage: str, done: float) -> None:
    """Nobody watches."""


def samples_of(n=1500, seed=1, told=3.0, plan=None, **more):
    return build_samples(f"sim M{seed}", make_market(n, seed, told=told, **more), 1.0, plan)


@pytest.fixture
def contest(plan, learner):
    def run(*pairs, plan=plan):
        return run_contest(pairs, learner, LibraryRivals(), plan, quiet)

    return run


def test_ensemble_finds_what_the_queue_tells(plan, contest):
    samples = samples_of(plan=plan)
    heat = contest((samples, samples)).heats[0]
    leads = heat.verdict.leads
    assert set(leads) == set(RIVALS)
    assert leads["class prior"].log_loss.is_positive
    assert leads["class prior"].macro_f1.is_positive
    assert heat.verdict.scores[ENSEMBLE].trades > 0


def test_ensemble_finds_nothing_where_nothing_is_told(plan, contest):
    """A walk: no entrant beats the prior on it, and the interval of none says so."""
    samples = samples_of(told=0.0, plan=plan)
    verdict = contest((samples, samples)).heats[0].verdict
    assert not verdict.leads["class prior"].log_loss.is_positive
    assert not verdict.leads["class prior"].macro_f1.low > 0.1


def test_same_contest_again_gives_the_same_figures(plan, contest):
    samples = samples_of(n=900, plan=plan)
    first, again = (contest((samples, samples)).pooled[10] for _ in range(2))
    assert first.verdict == again.verdict
    assert np.array_equal(first.stack.shares, again.stack.shares)


def test_one_recording_can_be_learnt_and_another_judged(plan, contest):
    events = make_market(1500, 2, told=3.0)
    events.recv_ns[:] += 86_400 * 10**9
    other = build_samples("sim M2", events, 1.0, plan)
    heat = contest((samples_of(plan=plan), other)).heats[0]
    assert heat.name == "sim M2"
    assert heat.test_rows > 1150  # all of it, less the warm-up of 30 s and the last horizon


def test_what_is_learnt_from_the_time_that_is_judged_is_refused(plan, contest):
    with pytest.raises(Refused, match="no training row apart"):
        contest((samples_of(plan=plan), samples_of(seed=2, plan=plan)))


def test_pooled_rows_are_those_of_all_instruments(plan, contest):
    pairs = [(each, each) for each in (samples_of(seed=1, plan=plan), samples_of(seed=2, plan=plan))]
    found = contest(*pairs)
    assert found.pooled[10].verdict.rows == sum(heat.test_rows for heat in found.heats)
    assert found.pooled[10].verdict.bins == max(heat.verdict.bins for heat in found.heats)  # the same instants, once


def test_instrument_with_too_little_is_left_out_and_told(plan, contest):
    enough, little = samples_of(plan=plan), samples_of(n=300, seed=3, plan=plan)
    found = contest((enough, enough), (little, little))
    assert [heat.name for heat in found.heats] == ["sim M1"]
    assert "sim M3" in found.left_out[0]


def test_contest_without_anybody_is_refused(plan, contest):
    little = samples_of(n=300, plan=plan)
    with pytest.raises(Refused, match="rows to learn from"):
        contest((little, little))


def test_division_is_purged_embargoed_and_without_duplicates(plan):
    samples = samples_of(plan=plan)
    division = divide(samples, samples, 10, plan)
    cut = START_NS + round(0.7 * 1499 * EVENT_NS)
    assert division.train.end_ns.max() < cut - plan.embargo_ms * 1_000_000 + EVENT_NS
    assert division.test.start_ns.min() >= cut - EVENT_NS
    features = np.concatenate([division.train.features, division.test.features])
    count = len(division.train)
    assert check_duplicates(features, Split(np.arange(count), np.arange(count, len(features)))) == []


def test_nothing_of_the_test_reaches_thresholds_columns_or_weights(plan):
    """The test part of another market after the same training part changes none of them."""
    one, other = make_market(1500, 1, told=3.0), make_market(1500, 9, told=3.0)
    cut = 2 * 1150  # events: after the division at 70 %
    for name in ("v", "depth"):
        rows = cut if name == "v" else cut // 2
        column = getattr(one, name).copy()
        column[rows:] = getattr(other, name)[rows:]
        object.__setattr__(other, name, column)
    divisions = [
        divide(samples, samples, 10, plan) for samples in (build_samples("m", each, 1.0, plan) for each in (one, other))
    ]
    assert divisions[0].flat_bps == divisions[1].flat_bps
    assert divisions[0].names == divisions[1].names
    assert divisions[0].weight.tobytes() == divisions[1].weight.tobytes()
    assert divisions[0].train.features.tobytes() == divisions[1].train.features.tobytes()
    assert divisions[0].test.features.tobytes() != divisions[1].test.features.tobytes()


def test_no_feature_of_a_row_is_later_than_its_event(plan):
    events = make_market(700, 4, told=3.0)
    whole = build_samples("m", events, 1.0, plan)
    for cut in (200, 511):
        past = build_samples("m", events.slice(0, 2 * cut), 1.0, plan)
        assert past.features.tobytes() == whole.features[:cut].tobytes()
        assert past.spread_bps.tobytes() == whole.spread_bps[:cut].tobytes()


def test_imbalance_by_hand(plan):
    events = make_market(200, 4, told=3.0)
    row = build_samples("m", events, 1.0, plan).features[150, IMBALANCE]
    bid_qty, ask_qty = events.depth[150, 10], events.depth[150, 30]
    assert row == pytest.approx((bid_qty - ask_qty) / (bid_qty + ask_qty), rel=1e-6)


def test_windows_and_labels_do_not_cross_a_loss(plan):
    samples = samples_of(n=600, plan=plan, jump=300)
    outcomes = samples.outcomes[10]
    assert np.isnan(outcomes.return_bps[290:300]).all()
    assert np.isfinite(outcomes.return_bps[280:290]).all()
    assert np.isnan(outcomes.last_return_bps[300:310]).all()
    assert np.isnan(samples.features[300:400, IMBALANCE + 12]).any()


def test_events_without_a_book_are_refused(plan):
    events = make_market(50, 1, told=0.0)
    events.kind[:] = 3
    with pytest.raises(ValueError, match="no live order book"):
        build_samples("m", events, 1.0, plan)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"horizons_events": ()}, "horizons_events"),
        ({"train_frac": 1.0}, "train_frac"),
        ({"folds": 1}, "folds"),
        ({"bin_ms": 0}, "bin_ms"),
        ({"decision_prior_power": 2.0}, "decision_prior_power"),
        ({"max_missing_frac": 1.0}, "max_missing_frac"),
        ({"odd_features": ("imbalance_3",)}, "must name imbalance_1"),
        ({"odd_features": ("imbalance_1", "unheard_of")}, "no feature unheard_of"),
        ({"even_features": ("imbalance_1",)}, "twice"),
    ],
)
def test_plan_that_cannot_be_run_says_why(plan, changes, says):
    assert faults_of_plan(plan) == []
    assert any(says in fault for fault in faults_of_plan(replace(plan, **changes)))
