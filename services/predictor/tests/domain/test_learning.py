import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from foretick.predictor.domain.dataset import (
    Rows,
    classify_rows,
    flat_thresholds,
    shuffle_within_symbols,
    split_in_time,
)
from foretick.predictor.domain.ensemble import class_frequencies, fit_return_slopes, row_losses, weights_from_losses
from foretick.predictor.domain.evaluation import bootstrap_gain, evaluate
from foretick.predictor.domain.labels import flat_threshold_bps


def rows_of(returns, symbol="A", horizon=5):
    n = len(returns)
    return Rows(
        np.zeros((n, 2), np.float32), np.array(returns), np.full(n, symbol), np.arange(n), np.arange(n) + horizon
    )


@given(st.integers(20, 300), st.floats(0.2, 0.8), st.integers(0, 10), st.integers(1, 6))
def test_no_horizon_of_the_first_part_reaches_the_second(n, first_frac, embargo, horizon):
    first, second = split_in_time(rows_of(np.zeros(n), horizon=horizon), first_frac, embargo)
    assert len(first) + len(second) <= n
    if len(first) and len(second):
        assert first.end_step.max() + embargo < second.step.min() + 1


def test_threshold_of_continuous_returns_is_their_lower_tercile():
    returns = np.random.default_rng(1).normal(size=9_999)
    share = np.mean(np.abs(returns) <= flat_threshold_bps(returns))
    assert share == pytest.approx(1 / 3, abs=1e-3)


def test_threshold_of_ticks_lies_between_two_values():
    assert flat_threshold_bps(np.array([0.0, 0.0, 0.0, 0.4, -0.8])) == pytest.approx(0.2)
    assert flat_threshold_bps(np.array([0.0, 1e-12, -1e-12, 0.4, -0.8])) == pytest.approx(0.2)


def test_threshold_without_any_return_is_an_error():
    with pytest.raises(ValueError, match="no return is known"):
        flat_threshold_bps(np.array([np.nan]))


def test_classes_use_each_symbols_threshold_and_the_median_for_an_unseen_one():
    rows = rows_of([-2.0, -0.5, 0.5, 2.0], symbol="A")
    assert classify_rows(rows, {"A": 1.0, "*": 3.0}).tolist() == [0, 1, 1, 2]
    assert classify_rows(rows, {"B": 1.0, "*": 3.0}).tolist() == [1, 1, 1, 1]


def test_thresholds_name_each_symbol_and_the_unseen():
    assert flat_thresholds(rows_of([0.0, 1.0, 2.0])) == {"A": 0.5, "*": 0.5}


def test_shuffling_keeps_each_symbols_class_counts():
    rng = np.random.default_rng(3)
    rows = rows_of(np.zeros(600))
    rows = Rows(rows.features, rows.return_bps, np.repeat(["A", "B", "C"], 200), rows.step, rows.end_step)
    classes = rng.integers(0, 3, 600)
    shuffled = shuffle_within_symbols(rows, classes, rng)
    assert not np.array_equal(shuffled, classes)
    for name in "ABC":
        at = rows.symbol == name
        assert np.bincount(shuffled[at]).tolist() == np.bincount(classes[at]).tolist()


def test_row_losses_mean_is_scikit_learns_log_loss():
    rng = np.random.default_rng(0)
    given_, came = rng.dirichlet([1, 1, 1], 500), rng.integers(0, 3, 500)
    assert row_losses(given_, came).mean() == pytest.approx(log_loss(came, given_, labels=[0, 1, 2]))


@given(st.lists(st.floats(0.5, 1.5), min_size=1, max_size=6))
def test_weights_are_shares_and_follow_the_loss(losses):
    weights = weights_from_losses(np.array(losses))
    assert weights.sum() == pytest.approx(1.0)
    assert np.all(weights >= 0)
    assert weights.argmax() == int(np.argmin(losses))


def test_class_that_never_came_is_not_impossible():
    assert class_frequencies(np.array([0, 0, 1])).tolist() == pytest.approx([0.5, 1 / 3, 1 / 6])


def test_return_slopes_recover_a_proportional_return():
    volatility = np.array([1.0, 2.0, 3.0, 1.0, 2.0])
    direction = np.array([2, 2, 2, 0, 0])
    slopes = fit_return_slopes(np.array([0.5, 1.0, 1.5, -1.0, -2.0]), volatility, direction)
    assert slopes.tolist() == pytest.approx([-1.0, 0.0, 0.5])


def test_bootstrap_interval_covers_the_true_mean_of_dependent_rows():
    rng, covered = np.random.default_rng(5), 0
    for _ in range(200):
        shared = np.repeat(rng.normal(size=60), 10)
        gain, blocks = bootstrap_gain(0.3 + shared + rng.normal(size=600), np.repeat(np.arange(60), 10), rng)
        covered += gain.low <= 0.3 <= gain.high
        assert blocks == 60
    assert 180 <= covered <= 198  # 95 % of 200, within four standard errors


def test_evaluation_finds_an_edge_where_there_is_one_and_none_where_there_is_none():
    rng = np.random.default_rng(2)
    came, block = rng.choice(3, 6_000, p=[0.3, 0.4, 0.3]), np.arange(6_000) // 50
    prior = np.array([0.3, 0.4, 0.3])
    knowing = 0.5 * np.eye(3)[came] + 0.5 * prior
    assert evaluate(knowing, prior, came, block, rng).beats_prior
    guessing = rng.dirichlet([3, 4, 3], 6_000)
    assert not evaluate(guessing, prior, came, block, rng).beats_prior
