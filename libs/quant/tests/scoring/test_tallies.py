"""Scores from sums against scikit-learn's on the rows themselves, and against counts by hand."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss

from foretick.quant.scoring.tallies import (
    brier_rows,
    confusion_columns,
    expected_calibration_error,
    log_loss_rows,
    macro_f1,
    reliability_columns,
    reliability_points,
    sum_by_bin,
)


@pytest.fixture
def answers():
    rng = np.random.default_rng(4)
    return rng.dirichlet([1, 2, 1], 800), rng.choice(3, 800, p=[0.2, 0.5, 0.3])


def test_log_loss_is_scikit_learns(answers):
    given, came = answers
    assert log_loss_rows(given, came).mean() == pytest.approx(log_loss(came, given, labels=[0, 1, 2]))


def test_impossible_class_costs_a_bounded_loss():
    assert log_loss_rows(np.array([[1.0, 0.0, 0.0]]), np.array([2]))[0] == pytest.approx(6 * np.log(10))


def test_macro_f1_is_scikit_learns(answers):
    given, came = answers
    decided = given.argmax(axis=1)
    found = macro_f1(confusion_columns(decided, came).sum(axis=0))
    assert found == pytest.approx(f1_score(came, decided, average="macro"))


def test_class_that_neither_was_decided_nor_came_scores_nothing():
    decided, came = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    found = macro_f1(confusion_columns(decided, came).sum(axis=0))
    assert found == pytest.approx((2 / 3 + 4 / 5 + 0) / 3)


def test_brier_by_hand():
    assert brier_rows(np.array([[0.5, 0.25, 0.25]]), np.array([0]))[0] == pytest.approx(0.25 + 0.0625 + 0.0625)


def test_calibration_error_by_hand():
    """Two bins: three rows at 0.45 with one hit, one row at 0.9 that hits: (3 |.45 - 1/3| + |.9 - 1|) / 4."""
    given = np.array([[0.45, 0.3, 0.25]] * 3 + [[0.05, 0.05, 0.9]])
    sums = reliability_columns(given, np.array([0, 1, 2, 2])).sum(axis=0)
    assert expected_calibration_error(sums) == pytest.approx((3 * abs(0.45 - 1 / 3) + 0.1) / 4)
    assert reliability_points(sums) == (pytest.approx((0.45, 1 / 3, 3)), pytest.approx((0.9, 1.0, 1)))


def test_certainty_lies_in_the_last_bin():
    assert reliability_columns(np.array([[1.0, 0.0, 0.0]]), np.array([0]))[0, 9] == 1.0


def test_calibrated_answers_have_a_small_error_and_overconfident_ones_a_large_one():
    rng = np.random.default_rng(0)
    given = rng.dirichlet([2, 2, 2], 40_000)
    came = (rng.random(40_000)[:, None] > given.cumsum(axis=1)).sum(axis=1)
    sharper = given**3 / (given**3).sum(axis=1, keepdims=True)
    assert expected_calibration_error(reliability_columns(given, came).sum(axis=0)) < 0.01
    assert expected_calibration_error(reliability_columns(sharper, came).sum(axis=0)) > 0.1


def test_sums_are_by_bin_in_order():
    columns = np.array([[1.0], [2.0], [4.0], [8.0]])
    assert sum_by_bin(columns, np.array([7, 3, 7, 3]))[:, 0].tolist() == [10.0, 5.0]
