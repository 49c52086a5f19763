"""Intervals told as live: by arithmetic, each outcome known only from its end on, each instrument by itself."""

import numpy as np
import pytest

from foretick.predictor.domain.coverage import HELD, MISSED, NONE, count_held, interval_outcomes
from foretick.predictor.domain.dataset import Rows

WARMUP = 50


def rows(returns, symbol="A", horizon=1):
    step = np.arange(len(returns))
    names = np.full(len(returns), symbol)
    blank = np.zeros((len(returns), 1), np.float32)
    return Rows(blank, np.asarray(returns, float), names, step, step + horizon, np.full(len(returns), -1))


def told(some, volatility=1.0):
    return interval_outcomes(some, np.zeros(len(some)), np.full(len(some), volatility))


def test_none_before_the_warm_up_then_equal_moves_hold_and_a_larger_one_misses():
    returns = np.ones(WARMUP + 10)
    returns[WARMUP + 5] = -2.0
    found = told(rows(returns))
    assert np.all(found[:WARMUP] == NONE)
    assert found[WARMUP + 5] == MISSED
    rest = np.delete(found[WARMUP:], 5)
    assert np.all(rest == HELD)
    assert (count_held(found).intervals, count_held(found).held) == (10, 9)
    assert count_held(found).coverage_frac == pytest.approx(0.9)


def test_outcome_counts_from_its_end_on_and_not_before():
    """With a horizon of 30 steps the 50th outcome is known at step 79, so that the first interval is that of row 79."""
    found = told(rows(np.ones(120), horizon=30))
    assert int(np.flatnonzero(found != NONE)[0]) == WARMUP + 30 - 1


def test_returns_are_measured_in_volatilities():
    returns = np.ones(WARMUP + 2)
    volatility = np.full(len(returns), 2.0)
    volatility[-1] = 0.5  # the same move is four times as large in it
    found = interval_outcomes(rows(returns), np.zeros(len(returns)), volatility)
    assert found[-2:].tolist() == [HELD, MISSED]


def test_instruments_do_not_warm_each_other_up():
    one, other = rows(np.ones(40)), rows(np.ones(40), "B")
    both = Rows(*(np.concatenate([getattr(one, name), getattr(other, name)]) for name in
                  ("features", "return_bps", "symbol", "step", "end_step", "touched")))  # fmt: skip
    assert np.all(told(both) == NONE)


def test_future_changes_nothing_before_it():
    returns = np.random.default_rng(1).normal(size=300)
    whole = told(rows(returns, horizon=5))
    for cut in (120, 200, 299):
        assert np.array_equal(told(rows(returns[:cut], horizon=5)), whole[:cut])


def test_long_run_coverage_is_the_one_that_is_asked_for():
    """Gibbs and Candes (2021), Proposition 4.1: whatever the data, the share of misses is within (a + g) / (g n)."""
    returns = np.random.default_rng(2).standard_t(3, size=20_000) * np.repeat([1.0, 4.0], 10_000)
    found = count_held(told(rows(returns)))
    bound = (0.9 + 0.005) / (0.005 * found.intervals) + 1 / found.intervals
    assert abs(found.coverage_frac - 0.9) <= bound
