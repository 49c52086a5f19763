"""The sequential test keeps its level under every look, and finds a planted gain."""

from math import log

import numpy as np
import pytest

from foretick.quant.betting import BETS, BettingTest

LEVEL = 0.05


def crosses(differences, bound):
    test = BettingTest()
    for difference in differences:
        test.add(float(difference), bound)
        if test.rejects(LEVEL):
            return test.count
    return None


def test_first_bet_is_what_the_arithmetic_says():
    test = BettingTest()
    test.add(0.25, 0.5)
    stakes = [min(bet, 1.0) for bet in BETS]
    assert test.log_evidence == pytest.approx(log(sum(1.0 + stake * 0.25 for stake in stakes) / len(BETS)))
    assert (test.count, test.mean) == (1, 0.25)


@pytest.mark.parametrize(
    ("draw", "bound"),
    [
        (lambda rng, n: rng.choice([-1.0, 1.0], n), 1.0),
        (lambda rng, n: rng.uniform(-0.1, 0.1, n), 0.1),
        (lambda rng, n: np.where(rng.random(n) < 0.1, 0.9, -0.1), 1.0),
        (lambda rng, n: np.clip(0.02 * rng.standard_normal(n), -1.0, 1.0), 1.0),
    ],
    ids=["coin", "uniform", "skewed", "small"],
)
def test_equal_models_are_told_apart_more_rarely_than_the_level(draw, bound):
    """400 histories of 1,000 looks: at level .05 a true rate of .05 gives over 31 crossings once in 100 tries."""
    rng = np.random.default_rng(5)
    found = sum(crosses(draw(rng, 1_000), bound) is not None for _ in range(400))
    assert found <= 31


def test_looking_at_a_fixed_test_that_often_would_not_keep_it():
    """The control: a z-test at 5 %, looked at after every observation, finds far more."""
    rng = np.random.default_rng(5)
    draws = rng.choice([-1.0, 1.0], (400, 1_000)).cumsum(axis=1)
    z = draws[:, 30:] / np.sqrt(np.arange(31, 1_001))
    assert np.count_nonzero((z > 1.645).any(axis=1)) > 100


def test_planted_gain_is_found():
    """A mean of a tenth of the spread: the best gambler needs about 2 log(20 * 10) / .01 = 1,060 observations."""
    rng = np.random.default_rng(6)
    needed = [crosses(np.clip(0.02 + 0.2 * rng.standard_normal(4_000), -1.0, 1.0), 1.0) for _ in range(100)]
    assert sum(count is not None for count in needed) >= 95
    assert np.median([count for count in needed if count is not None]) < 1_500


def test_dependent_sizes_do_not_break_the_level():
    """The size of a difference may depend on the past, as long as its mean does not: here it grows after losses."""
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(400):
        test, size = BettingTest(), 0.1
        for sign in rng.choice([-1.0, 1.0], 500):
            test.add(size * sign, size)
            size = 0.1 if sign > 0 else min(1.0, 2.0 * size)
            if test.rejects(LEVEL):
                found += 1
                break
    assert found <= 31


@pytest.mark.parametrize("difference", [0.51, -0.51, float("nan")])
def test_difference_beyond_its_bound_is_refused(difference):
    with pytest.raises(ValueError, match="bound"):
        BettingTest().add(difference, 0.5)
