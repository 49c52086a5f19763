from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from foretick.predictor.domain.dataset import (
    Outcomes,
    Panel,
    Rows,
    classify_rows,
    flat_thresholds,
    hash_panel,
    join_panels,
    shuffle_within_symbols,
    split_panel,
    weigh_rows,
)
from foretick.predictor.domain.ensemble import class_frequencies, fit_return_slopes
from foretick.predictor.domain.evaluation import bootstrap_gain, evaluate
from foretick.predictor.domain.labels import flat_threshold_bps
from foretick.predictor.domain.targets import targets_of
from foretick.quant.scoring.tallies import log_loss_rows


def rows_of(returns, symbol="A", horizon=5):
    n = len(returns)
    return Rows(
        np.zeros((n, 2), np.float32), np.array(returns), np.full(n, symbol), np.arange(n), np.arange(n) + horizon,
        np.full(n, -1),
    )  # fmt: skip


def panel_of(n, targets, symbol="A"):
    """Return n steps whose outcome over each target is known at its horizon's end, while that is within the n."""
    steps = np.arange(n)
    outcomes = {
        target: Outcomes(
            np.where(steps + target.horizon_steps < n, 1.0, np.nan), np.full(n, -1),
            np.where(steps + target.horizon_steps < n, steps + target.horizon_steps, -1),
        )
        for target in targets
    }  # fmt: skip
    return Panel(np.zeros((n, 2), np.float32), np.full(n, symbol), steps, outcomes)


@given(st.integers(20, 300), st.floats(0.2, 0.8), st.integers(0, 10), st.sets(st.integers(1, 12), min_size=1))
def test_no_horizon_of_the_first_part_reaches_the_second(n, first_frac, embargo, horizons):
    targets = targets_of(min(horizons), tuple(horizons), ())
    first, second = split_panel(panel_of(n, targets), first_frac, embargo)
    for target in targets:
        before, after = first.rows(target), second.rows(target)
        if len(before) and len(after):
            assert before.end_step.max() + embargo < after.step.min()


def test_split_keeps_every_row_that_is_neither_purged_nor_embargoed():
    """Cut at step 60 of 0 to 100, horizon 5, embargo 10: known by 49 means begun by 44; 60 to 95 have outcomes."""
    target = targets_of(5, (), ())[0]
    first, second = split_panel(panel_of(101, (target,)), 0.6, 10)
    assert first.rows(target).step.tolist() == list(range(45))
    assert second.rows(target).step.tolist() == list(range(60, 96))


def test_label_that_says_its_class_is_not_asked_for_a_threshold():
    rows = rows_of([5.0, 5.0, -5.0])
    touched = replace(rows, touched=np.array([0, 1, -1]))
    assert classify_rows(touched, {"A": 1.0, "*": 1.0}).tolist() == [0, 1, 0]


def test_rows_weigh_by_their_uniqueness_among_their_own_symbol():
    """Two labels of A share one of their two steps each: 0.75 unique; B's is alone. On average they weigh 1."""
    rows = rows_of([1.0, 1.0, 1.0], horizon=2)
    rows = replace(rows, symbol=np.array(["A", "A", "B"]))
    assert weigh_rows(rows).tolist() == pytest.approx([0.9, 0.9, 1.2])


def test_rows_thinned_by_their_horizon_share_nothing():
    assert weigh_rows(rows_of(np.ones(50)).thin(5)).tolist() == [1.0] * 10


def test_hash_of_a_panel_changes_with_any_number_in_it():
    target = targets_of(5, (), ())[0]
    panel = panel_of(30, (target,))
    other = panel.outcomes[target].forget(panel.step == 3)
    features = panel.features.copy()
    features[7, 1] = 1e-30
    hashes = {hash_panel(each) for each in (
        panel, replace(panel, outcomes={target: other}), replace(panel, features=features),
        replace(panel, symbol=np.full(30, "B")), replace(panel, step=panel.step + 1),
    )}  # fmt: skip
    assert len(hashes) == 5
    assert hash_panel(panel_of(30, (target,))) == hash_panel(panel)


def test_panels_joined_keep_their_order_and_every_outcome():
    targets = targets_of(5, (9,), ())
    joined = join_panels([panel_of(20, targets), panel_of(30, targets, "B")])
    assert joined.symbol.tolist() == ["A"] * 20 + ["B"] * 30
    assert [len(joined.rows(target)) for target in targets] == [15 + 25, 11 + 21]


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
    rows = replace(rows, symbol=np.repeat(["A", "B", "C"], 200))
    classes = rng.integers(0, 3, 600)
    shuffled = shuffle_within_symbols(rows, classes, rng)
    assert not np.array_equal(shuffled, classes)
    for name in "ABC":
        at = rows.symbol == name
        assert np.bincount(shuffled[at]).tolist() == np.bincount(classes[at]).tolist()


def test_row_losses_mean_is_scikit_learns_log_loss():
    rng = np.random.default_rng(0)
    given_, came = rng.dirichlet([1, 1, 1], 500), rng.integers(0, 3, 500)
    assert log_loss_rows(given_, came).mean() == pytest.approx(log_loss(came, given_, labels=[0, 1, 2]))


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
