"""Shares by hand, on rows made for it."""

import numpy as np
import pytest
from msgspec.structs import replace

from foretick.predictor.adapters.edge.parts import build_parts
from foretick.predictor.adapters.evaluation.inputs import read_plan
from foretick.predictor.domain.edge.plan import EdgePlan, faults_of_edge_plan
from foretick.predictor.domain.edge.verdict import (
    ENSEMBLE,
    ORACLE,
    PRIOR,
    Came,
    Forecast,
    Resampling,
    foresee,
    judge_edge,
)

N = 2_000
HOW = Resampling(bin_ns=1_000_000_000, resamples=400, seed=3)
RNG = np.random.default_rng(4)
CLASSES = RNG.integers(0, 3, N)
RETURN_BPS = (CLASSES - 1.0) * RNG.uniform(0.5, 1.5, N)
CAME = Came(CLASSES, RETURN_BPS, np.arange(N) * 250_000_000)
NOTHING = Forecast(np.full((N, 3), 1 / 3), np.zeros(N))


def sure(probability):
    """Give what came this probability in every row, and expect its direction."""
    told = np.full((N, 3), (1 - probability) / 2)
    told[np.arange(N), CLASSES] = probability
    return Forecast(told, RETURN_BPS)


def verdict_of(ours, oracle):
    return judge_edge(CAME, {PRIOR: NOTHING, ENSEMBLE: ours, ORACLE: oracle}, HOW)


def test_share_is_what_is_gained_of_what_the_oracle_gains():
    found = verdict_of(sure(0.5), sure(0.8))
    share = np.log(0.5 * 3) / np.log(0.8 * 3)
    assert found.attainable_nats.value == pytest.approx(np.log(0.8 * 3))
    scored = found.scores[ENSEMBLE].log_loss_share
    assert (scored.value, scored.low, scored.high) == pytest.approx((share, share, share))  # every row gains the same
    assert (found.rows, found.bins) == (N, N // 4)


def test_prior_has_none_of_the_edge_and_the_oracle_all_of_it():
    found = verdict_of(sure(0.5), sure(0.8))
    assert found.scores[PRIOR].log_loss_share.value == found.scores[PRIOR].gross_share.value == 0.0
    assert found.scores[ORACLE].log_loss_share.value == found.scores[ORACLE].gross_share.value == pytest.approx(1.0)


def test_result_is_the_mean_return_of_going_with_the_sign():
    right = np.arange(N) % 4 != 0  # against every fourth move
    ours = Forecast(sure(0.5).probabilities, np.where(right, RETURN_BPS, -0.01 * RETURN_BPS))
    scores = verdict_of(ours, sure(0.8)).scores
    size = np.abs(RETURN_BPS)
    assert scores[ORACLE].gross_bps.value == pytest.approx(size.mean())
    assert scores[ENSEMBLE].gross_bps.value == pytest.approx((size[right].sum() - size[~right].sum()) / N)
    assert scores[ENSEMBLE].gross_share.value == pytest.approx((size[right].sum() - size[~right].sum()) / size.sum())


def test_forecast_that_knows_nothing_has_no_share():
    """Its classes are those of another time, its directions a coin's."""
    shares = np.array([0.331, 0.335, 0.334])
    scored = verdict_of(Forecast(np.tile(shares, (N, 1)), RNG.normal(size=N)), sure(0.8)).scores[ENSEMBLE]
    for share in (scored.log_loss_share, scored.gross_share):
        assert share.low < 0.0 < share.high


def test_sureness_without_knowledge_costs():
    told = RNG.permutation(sure(0.8).probabilities)
    assert verdict_of(Forecast(told, RNG.normal(size=N)), sure(0.8)).scores[ENSEMBLE].log_loss_share.high < 0.0


def test_share_of_an_edge_that_is_not_proven_is_not_told():
    coin = Forecast(NOTHING.probabilities * [1.01, 0.99, 1.0], RNG.normal(size=N))
    scored = verdict_of(sure(0.5), coin).scores[ENSEMBLE]
    assert (scored.log_loss_share, scored.gross_share) == (None, None)


def test_too_short_a_time_is_refused():
    with pytest.raises(ValueError, match="too few"):
        judge_edge(CAME, {PRIOR: NOTHING, ORACLE: sure(0.8)}, Resampling(10**12, 100, 1))


def test_oracles_probabilities_are_counted_over_its_paths():
    moves = np.array([[-2.0, 0.1, 0.0, 3.0, 3.0, 0.5, -0.1], [-1.0] * 7])
    told = foresee(moves, np.array([0.2, 2.0]))
    np.testing.assert_allclose(told.probabilities, [[2 / 10, 4 / 10, 4 / 10], [1 / 10, 8 / 10, 1 / 10]])
    np.testing.assert_allclose(told.expected_bps, [4.5 / 7, -1.0])


@pytest.fixture
def plan():
    return read_plan(None, "foretick.predictor.adapters.edge", EdgePlan, faults_of_edge_plan)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"horizons_steps": ()}, "horizons_steps"),
        ({"horizons_steps": (5, 5)}, "horizons_steps"),
        ({"judged_seeds": (101, 101)}, "judged_seeds must name"),
        ({"judged_seeds": (2,)}, "training and its exam see these"),
        ({"seed": -1}, "must not be negative"),
        ({"paths": 0}, "paths"),
        ({"window_steps": 1}, "window_steps"),
    ],
)
def test_plan_that_cannot_be_run_says_why(plan, changes, says):
    assert faults_of_edge_plan(plan) == []
    assert any(says in fault for fault in faults_of_edge_plan(replace(plan, **changes)))


def test_shipped_plan_trains_as_the_train_role_does(plan):
    """Its data times, grid and sizes are the defaults of the settings."""
    from foretick.predictor.adapters.learners.client import Sizes
    from foretick.predictor.settings import PredictorSettings

    usual = PredictorSettings.model_fields
    assert plan.known_s == usual["train_duration_s"].default
    assert plan.unseen_s == usual["train_test_duration_s"].default
    assert plan.window_steps == usual["feature_window_size_steps"].default
    assert plan.step_ms == 1_000 * usual["signal_generation_interval_s"].default
    assert usual["prediction_horizon_steps"].default in plan.horizons_steps
    assert build_parts(plan, 1).learner.resize({}).sizes == {
        name: getattr(Sizes(), name) for name in build_parts(plan, 1).learner.sizes
    }
