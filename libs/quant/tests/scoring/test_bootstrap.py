"""The stationary bootstrap: block lengths against the package ``arch``, intervals against their nominal level."""

import numpy as np
import pytest

from foretick.quant.scoring.bootstrap import Interval, block_length, bootstrap, draw_counts


def autoregression(n: int, phi: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    out = np.zeros(n)
    for i in range(1, n):
        out[i] = phi * out[i - 1] + rng.normal()
    return out


def mean_of(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sums[..., 1]


def test_block_length_grows_with_dependence():
    lengths = [np.mean([block_length(autoregression(500, phi, seed)) for seed in range(20)]) for phi in (0, 0.5, 0.9)]
    assert lengths[0] < lengths[1] < lengths[2]


@pytest.mark.parametrize(
    ("n", "phi", "seed", "expected"),
    [
        (200, 0.0, 1, 7.423094394062676),
        (200, 0.5, 2, 3.7354919318781654),
        (500, 0.9, 3, 24.185429699172612),
        (1000, -0.4, 4, 11.246123356360838),
    ],
)
def test_block_length_is_that_of_arch(n, phi, seed, expected):
    """``arch.bootstrap.optimal_block_length(series)["stationary"]`` of arch 8.0.0 on the same series."""
    assert block_length(autoregression(n, phi, seed)) == pytest.approx(expected, rel=1e-9)


def test_series_that_does_not_vary_needs_no_blocks():
    assert block_length(np.ones(50)) == 1.0


def test_short_series_is_refused():
    with pytest.raises(ValueError, match="too few"):
        block_length(np.arange(7.0))


def test_every_resample_draws_as_many_as_there_are():
    counts = draw_counts(40, 5.0, 300, np.random.default_rng(0))
    assert (counts.sum(axis=1) == 40).all()
    assert counts.mean() == 1.0


def test_blocks_have_the_mean_length_that_is_asked_for():
    """Elements that follow each other are drawn together with probability 1 - 1 / L: their counts covary by that."""
    counts = draw_counts(400, 8.0, 4_000, np.random.default_rng(1)).astype(float)
    centred = counts - 1.0
    lag = (centred[:, 1:] * centred[:, :-1]).mean() / (centred**2).mean()
    assert lag == pytest.approx(1 - 1 / 8, abs=0.02)


@pytest.mark.parametrize("phi", [0.0, 0.6])
def test_interval_covers_the_true_mean_about_as_often_as_it_says(phi):
    covered = 0
    for seed in range(200):
        series = 1.0 + autoregression(300, phi, seed)
        sums = np.column_stack([series, np.ones(300)])
        found = bootstrap(sums, mean_of, block_length(series), 400, np.random.default_rng(seed))
        covered += found.low <= 1.0 <= found.high
    assert 174 <= covered <= 199  # 95 % of 200, and the method's known shortfall under dependence


def test_plain_resampling_of_dependent_rows_would_be_too_sure():
    """Control: with blocks of one, the same interval of a dependent series fails far more often."""
    covered = 0
    for seed in range(200):
        series = 1.0 + autoregression(300, 0.8, seed)
        sums = np.column_stack([series, np.ones(300)])
        found = bootstrap(sums, mean_of, 1.0, 400, np.random.default_rng(seed))
        covered += found.low <= 1.0 <= found.high
    assert covered < 140


def test_interval_says_on_which_side_of_zero_it_lies():
    assert Interval(1.0, 0.5, 2.0).is_positive
    assert Interval(-1.0, -2.0, -0.5).is_negative
    assert not Interval(0.1, -0.1, 0.3).is_positive
