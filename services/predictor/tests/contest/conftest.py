"""A plan for small markets, and learners as small."""

import pytest

from foretick.predictor.adapters.learners.client import LibraryLearner, sizes_of
from foretick.predictor.domain.contest.plan import BoostingSizes, EvaluationPlan

SIZES = {
    "forest_trees": 8, "forest_depth": 4, "boosting_rounds": 6, "min_leaf_rows": 20, "network_epochs": 1,
    "hidden_units": 4,
}  # fmt: skip


@pytest.fixture
def plan() -> EvaluationPlan:
    return EvaluationPlan(
        horizons_events=(10,), train_frac=0.7, embargo_ms=1000, folds=3, step_ms=100, window_steps=200,
        max_missing_frac=0.2, bin_ms=500, resamples=300, seed=5, unknown_taker_fee_bps=5.0, decision_prior_power=0.0,
        odd_features=("imbalance_1", "imbalance_5", "micro_away_bps", "return_over_1_bps", "flow_1_over_10"),
        even_features=("volatility_over_100_bps",),
        members=SIZES,
        boosting=BoostingSizes(rounds=20, min_leaf_rows=50),
    )  # fmt: skip


@pytest.fixture
def learner() -> LibraryLearner:
    return LibraryLearner(2, sizes_of(SIZES))
